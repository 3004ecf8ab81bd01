/*
 * pbuf_int.h - the wire format of protobuf, read field by field.
 *
 * Only what Lance uses: varint, 64-bit, length-delimited, 32-bit. Groups, field number 0, varints
 * over 10 bytes and lengths beyond the parent set `bad`, which stays set. There is no recursion
 * here: a sub-message is a new cursor.
 */
#ifndef LNC_PBUF_INT_H
#define LNC_PBUF_INT_H

#include "util_int.h"

enum lnc_pb_wire { LNC_PB_VARINT = 0, LNC_PB_I64 = 1, LNC_PB_BYTES = 2, LNC_PB_I32 = 5 };

struct lnc_pb {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

struct lnc_pb_field {
    uint32_t number;
    enum lnc_pb_wire wire;
    uint64_t value;      /* VARINT, I64, I32 */
    const uint8_t *data; /* BYTES */
    size_t size;
};

static inline struct lnc_pb lnc_pb_over(const uint8_t *data, size_t size)
{
    return (struct lnc_pb){.p = data, .end = data + size};
}

/* The next field; false at the end or when the message is damaged (then pb->bad). */
bool lnc_pb_next(struct lnc_pb *pb, struct lnc_pb_field *field);

/* The next field if it is a length-delimited one, as a cursor over it; a wrong wire type sets
 * pb->bad. */
struct lnc_pb lnc_pb_sub(struct lnc_pb *pb, const struct lnc_pb_field *field);

/* The value of an integer field; a wrong wire type sets pb->bad. */
uint64_t lnc_pb_uint(struct lnc_pb *pb, const struct lnc_pb_field *field);

/* Adds the integers of a repeated field, packed or not, to *list (uint64_t elements). */
int lnc_pb_append_uints(const struct lnc_ctx *cx, struct lnc_pb *pb,
                        const struct lnc_pb_field *field, struct lnc_buf *list);

/* LNC_OK, or LNC_ECORRUPT naming the message if it was damaged. */
int lnc_pb_finish(const struct lnc_ctx *cx, const struct lnc_pb *pb, const char *message);

#endif
