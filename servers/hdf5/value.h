/* Values in memory as JSON, and everything else that a tool puts into its answer. */
#ifndef HDS_VALUE_H
#define HDS_VALUE_H

#include "data.h"
#include "json/json.h"

struct hds_writer {
    struct gen_jb *jb;
    hid_t loc;             /* any object of the file: object references are looked up there */
    uint64_t n_not_finite; /* numbers written as null so far */
    size_t leaves_left;    /* variable-length sequences end the writing when it is 0 */
    bool cut;              /* they did */
};

/* All values as nested arrays; a bare value for a scalar, null for a null dataspace. */
struct gen_jmut *hds_write_values(struct hds_writer *w, const struct hds_values *v);
/* One element at `p`. */
struct gen_jmut *hds_write_element(struct hds_writer *w, const struct hds_type *t,
                                   const unsigned char *p);

/* Text from a file, which may be anything: what is not UTF-8 becomes U+FFFD. */
struct gen_jmut *hds_write_text(struct gen_jb *jb, struct gen_str s);
/* Numbers over INT64_MAX keep all their digits. */
struct gen_jmut *hds_write_u64(struct gen_jb *jb, uint64_t n);
/* A number that came from a float of 32 bits, with as few digits as tell it apart. */
double hds_float_as_double(float f);

void hds_put_text(struct gen_jb *jb, struct gen_jmut *o, const char *key, const char *text);
void hds_put_u64(struct gen_jb *jb, struct gen_jmut *o, const char *key, uint64_t n);
/* "dtype": the type's name. */
GEN_MUST_USE int hds_put_dtype(struct gen_jb *jb, struct gen_jmut *o, const struct hds_type *t,
                               struct gen_error *err);
/* `key`: the dimensions; null for a null dataspace. */
void hds_put_shape(struct gen_jb *jb, struct gen_jmut *o, const char *key,
                   const struct hds_shape *s);
void hds_put_dims(struct gen_jb *jb, struct gen_jmut *o, const char *key, const hsize_t *dims,
                  unsigned rank);

#endif
