/*
 * Private to json/: how our opaque types are laid over yyjson's. A `struct gen_json` is a
 * yyjson_val and a `struct gen_jmut` a yyjson_mut_val; neither is ever dereferenced under its own
 * name. yyjson takes non-const pointers even where it only reads, hence the unions.
 */
#ifndef GEN_JSON_YY_H
#define GEN_JSON_YY_H

#include "json/json.h"

#include <yyjson.h>

/* Text and values live behind this header in one block when the first guess at their size holds. */
struct gen_json_doc {
    yyjson_doc *yy;
    unsigned char *room; /* for yyjson's values, inside this block */
    size_t room_bytes;   /* 0 once given away */
};

static inline yyjson_val *gen_yy(const struct gen_json *v)
{
    union {
        const struct gen_json *in;
        yyjson_val *out;
    } u = {v};
    return u.out;
}

static inline const struct gen_json *gen_yy_from(const yyjson_val *v)
{
    union {
        const yyjson_val *in;
        const struct gen_json *out;
    } u = {v};
    return u.out;
}

/* Where yyjson's writers put their text: behind what the buffer holds. The caller adds the length
 * to `out->n` when the writer succeeded. */
struct gen_yy_target {
    struct gen_buf *out;
    struct gen_error *err;
    int rc;         /* of the buffer */
    bool was_empty; /* it had no memory yet */
};
yyjson_alc gen_yy_target_alc(struct gen_yy_target *t);
/* The status of a failed write; what the buffer held before is whole. */
GEN_MUST_USE int gen_yy_write_failure(const struct gen_yy_target *t, const yyjson_write_err *why);

/* Freezes what was built under `root` into a document of its own; the builder stays as it is. */
GEN_MUST_USE int gen_jb_freeze(struct gen_jb *b, const struct gen_jmut *root,
                               struct gen_json_doc **out, struct gen_error *err);

#endif
