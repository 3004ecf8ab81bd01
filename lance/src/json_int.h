/*
 * json_int.h - one member of a JSON object: enough for the files below _refs/.
 */
#ifndef LNC_JSON_INT_H
#define LNC_JSON_INT_H

#include "util_int.h"

/* Nesting that is skipped; deeper is refused as damage. */
#define LNC_JSON_DEPTH_MAX 32

enum lnc_json_type { LNC_JSON_ABSENT, LNC_JSON_NULL, LNC_JSON_STRING, LNC_JSON_INTEGER };

struct lnc_json_member {
    const char *key;
    enum lnc_json_type type;
    struct lnc_span text; /* of a string, between its quotes, without any escape in it */
    uint64_t integer;
};

/*
 * Fills in the n members whose keys are given from the object that `text` consists of; others are
 * passed over. LNC_ECORRUPT if it is no JSON object, or if a wanted member is of another type
 * (escaped strings, negative and fractional numbers included).
 */
int lnc_json_members(const struct lnc_ctx *cx, struct lnc_span text,
                     struct lnc_json_member *members, size_t n);

#endif
