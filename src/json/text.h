/*
 * Writes JSON text straight into a buffer: for rows by the million, where a tree of values would
 * cost more than the row. Commas are put by themselves; that containers are closed in order, and
 * that members of objects have keys and elements of arrays none, is the caller's part. Failures
 * stick: after one, later calls do nothing and `rc` has the status.
 *
 * Besides what JSON demands, U+0085, U+2028 and U+2029 are escaped: they are legal in strings, but
 * loaders that split text at every kind of line end would cut a row there.
 */
#ifndef GEN_JSON_TEXT_H
#define GEN_JSON_TEXT_H

#include "json/json.h"

struct gen_jt {
    struct gen_buf *out;
    struct gen_error *err;
    int rc;
    bool comma; /* something stands before the next value on its level */
};

static inline struct gen_jt gen_jt_make(struct gen_buf *out, struct gen_error *err)
{
    return (struct gen_jt){out, err, GEN_OK, false};
}

/* `key` is NULL in arrays and at the top, and needs no escapes (a literal). */
void gen_jt_object(struct gen_jt *t, const char *key);
void gen_jt_end_object(struct gen_jt *t);
void gen_jt_array(struct gen_jt *t, const char *key);
void gen_jt_end_array(struct gen_jt *t);
void gen_jt_str(struct gen_jt *t, const char *key, struct gen_str s);
/* A string made of parts: begin, any number of parts, end. */
void gen_jt_text_begin(struct gen_jt *t, const char *key);
void gen_jt_text(struct gen_jt *t, struct gen_str s);
void gen_jt_text_end(struct gen_jt *t);
/* A key of any text; its value comes next, with NULL as its key. */
void gen_jt_key(struct gen_jt *t, struct gen_str key);
/* A parsed value, compact. `key` may be any text. With `drops_nulls` members that are null are left
 * out at any depth: to every reader of tables they are the same as missing ones. */
void gen_jt_value(struct gen_jt *t, struct gen_str key, const struct gen_json *v, bool drops_nulls);

#endif
