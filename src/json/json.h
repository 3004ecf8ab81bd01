/*
 * JSON (RFC 8259) values: strict parsing into read-only documents, and a builder. yyjson does the
 * work and is seen nowhere else. Nesting is limited to GEN_JSON_DEPTH_MAX when parsing, so walkers
 * of parsed values may recurse. Duplicate keys are kept; gen_json_get finds the first
 * (json/schema.h reports them).
 */
#ifndef GEN_JSON_JSON_H
#define GEN_JSON_JSON_H

#include "base/buf.h"

#include <stdbool.h>

#define GEN_JSON_DEPTH_MAX 64

struct gen_json;     /* a value; borrowed from its document */
struct gen_json_doc; /* owns values and the text they point into */

enum gen_json_type {
    GEN_JSON_NONE = 0, /* no value: what accessors give for a missing key */
    GEN_JSON_NULL,
    GEN_JSON_BOOL,
    GEN_JSON_INT,  /* fits int64_t */
    GEN_JSON_REAL, /* also whole numbers beyond int64_t; all their digits are written again */
    GEN_JSON_STRING,
    GEN_JSON_ARRAY,
    GEN_JSON_OBJECT,
};

/* Parses exactly one value (white space around it is fine); copies `text`. GEN_EPARSE with offset,
 * line and column in the message; GEN_ELIMIT for nesting over GEN_JSON_DEPTH_MAX. Invalid UTF-8 and
 * lone surrogates are GEN_EPARSE. */
GEN_MUST_USE int gen_json_parse(struct gen_json_doc **out, struct gen_str text,
                                struct gen_error *err);
void gen_json_doc_free(struct gen_json_doc *doc);
const struct gen_json *gen_json_root(const struct gen_json_doc *doc);

/* All accessors take NULL for "no value" and then answer NONE, false, 0 or NULL. */
enum gen_json_type gen_json_type(const struct gen_json *v);
const char *gen_json_type_name(enum gen_json_type type); /* "string", "object", ... */
const struct gen_json *gen_json_get(const struct gen_json *object, const char *key);
const struct gen_json *gen_json_get_n(const struct gen_json *object, struct gen_str key);
const struct gen_json *gen_json_at(const struct gen_json *array, size_t i); /* O(i) */
size_t gen_json_count(const struct gen_json *container);
bool gen_json_as_str(const struct gen_json *v, struct gen_str *out);
bool gen_json_as_int(const struct gen_json *v, int64_t *out);
bool gen_json_as_real(const struct gen_json *v, double *out); /* also from integers; false
                                                                     beyond a double */
bool gen_json_as_bool(const struct gen_json *v, bool *out);

/* The string under `key`, or an empty view when it is missing or no string. */
struct gen_str gen_json_get_str(const struct gen_json *object, const char *key);

/*
 * What a pointer of the form "#/a/0/b" leads to (RFC 6901 as a URI fragment: ~0, ~1 and %XX are
 * escapes; "#" is the root), or NULL in `*out` when there is nothing. `pointer` begins with '#'.
 * Linear in the members passed. GEN_ENOMEM alone is an error.
 */
GEN_MUST_USE int gen_json_pointer(const struct gen_json *root, struct gen_str pointer,
                                  const struct gen_json **out, struct gen_error *err);

/* Iterates over an object (key and value) or an array (key is {NULL, 0}) in order. */
struct gen_json_iter {
    void *state[4];
};
void gen_json_iter_init(struct gen_json_iter *it, const struct gen_json *container);
bool gen_json_iter_next(struct gen_json_iter *it, struct gen_str *key,
                        const struct gen_json **value);

enum gen_json_style {
    GEN_JSON_COMPACT = 0,
    GEN_JSON_PRETTY, /* indented by two */
};
/* Appends the text of `v`. Non-ASCII characters are written as they are. */
GEN_MUST_USE int gen_json_write(struct gen_buf *out, const struct gen_json *v,
                                enum gen_json_style style, struct gen_error *err);

/* Structural equality; object members compare without regard to order, numbers by value. Quadratic
 * in the members of objects whose orders differ. */
bool gen_json_equal(const struct gen_json *a, const struct gen_json *b);

/*
 * The builder. Failures stick: after one failed allocation every later call does nothing, values
 * are NULL (which every call accepts), and gen_jb_write reports GEN_ENOMEM. Strings are copied;
 * they must be valid UTF-8 (else gen_jb_write says GEN_ESTATE). A value goes into one container
 * once; gen_jb_copy makes another.
 */
struct gen_jb;   /* a document under construction */
struct gen_jmut; /* a value in it; borrowed from the builder */

GEN_MUST_USE int gen_jb_new(struct gen_jb **out, struct gen_error *err);
/* Forgets what was built, for the next document: cheaper than another builder. */
GEN_MUST_USE int gen_jb_begin_again(struct gen_jb *b, struct gen_error *err);
void gen_jb_free(struct gen_jb *b);

struct gen_jmut *gen_jb_object(struct gen_jb *b);
struct gen_jmut *gen_jb_array(struct gen_jb *b);
struct gen_jmut *gen_jb_str(struct gen_jb *b, struct gen_str s);
/* Like gen_jb_str, but `s` is not copied: it must stay as it is until the document is written. */
struct gen_jmut *gen_jb_str_view(struct gen_jb *b, struct gen_str s);
/* A value that is already JSON text, written as it is; not copied and not checked: it must be one
 * whole value, and stay until the document is written. */
struct gen_jmut *gen_jb_raw(struct gen_jb *b, struct gen_str json);
struct gen_jmut *gen_jb_int(struct gen_jb *b, int64_t i);
struct gen_jmut *gen_jb_real(struct gen_jb *b, double r); /* NaN and infinities become null */
struct gen_jmut *gen_jb_bool(struct gen_jb *b, bool t);
struct gen_jmut *gen_jb_null(struct gen_jb *b);
struct gen_jmut *gen_jb_copy(struct gen_jb *b, const struct gen_json *v); /* deep */

/* Sets `key` in an object: replaces the first member of that name in place, or appends. `key` is
 * copied. */
void gen_jb_set(struct gen_jb *b, struct gen_jmut *object, const char *key, struct gen_jmut *value);
void gen_jb_set_n(struct gen_jb *b, struct gen_jmut *object, struct gen_str key,
                  struct gen_jmut *value);
/* Appends without looking for an old member: O(1), for fresh objects. */
void gen_jb_put(struct gen_jb *b, struct gen_jmut *object, const char *key, struct gen_jmut *value);
void gen_jb_put_n(struct gen_jb *b, struct gen_jmut *object, struct gen_str key,
                  struct gen_jmut *value);
void gen_jb_remove(struct gen_jb *b, struct gen_jmut *object, const char *key);
void gen_jb_append(struct gen_jb *b, struct gen_jmut *array, struct gen_jmut *value);

/* gen_jb_put(b, o, k, gen_jb_str(b, s)) and so on. */
void gen_jb_put_str(struct gen_jb *b, struct gen_jmut *object, const char *key, struct gen_str s);
void gen_jb_put_cstr(struct gen_jb *b, struct gen_jmut *object, const char *key, const char *s);
void gen_jb_put_int(struct gen_jb *b, struct gen_jmut *object, const char *key, int64_t i);
void gen_jb_put_real(struct gen_jb *b, struct gen_jmut *object, const char *key, double r);
void gen_jb_put_bool(struct gen_jb *b, struct gen_jmut *object, const char *key, bool t);

/* Appends the text of `root`. GEN_ENOMEM when any earlier call failed. */
GEN_MUST_USE int gen_jb_write(struct gen_jb *b, const struct gen_jmut *root,
                              enum gen_json_style style, struct gen_buf *out,
                              struct gen_error *err);

#endif
