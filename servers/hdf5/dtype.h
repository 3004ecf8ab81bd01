/*
 * Element types as plain trees, read once from libhdf5, so that converting a value asks libhdf5
 * nothing. One tree is made of the type in the file (its name, for people), another of the type in
 * memory (offsets and sizes, for values).
 */
#ifndef HDS_DTYPE_H
#define HDS_DTYPE_H

#include "base/arena.h"
#include "base/buf.h"

#include <hdf5.h>

#define HDS_TYPE_DEPTH_MAX   8
#define HDS_TYPE_MEMBERS_MAX 512 /* fields, or members of an enumeration */

enum hds_kind {
    HDS_INT = 0,
    HDS_UINT,
    HDS_FLOAT,
    HDS_STRING,      /* of fixed length, in the value */
    HDS_STRING_VLEN, /* char * */
    HDS_ENUM,
    HDS_BOOL, /* an enumeration of FALSE = 0 and TRUE = 1, as h5py writes */
    HDS_COMPOUND,
    HDS_ARRAY,
    HDS_VLEN, /* hvl_t */
    HDS_OPAQUE,
    HDS_BITFIELD,
    HDS_REF_OBJECT,
    HDS_REF_REGION,
    HDS_UNSUPPORTED, /* time, references of 1.12 and later */
};

struct hds_type;

struct hds_member {
    const char *name;
    int64_t value;         /* enumeration */
    size_t offset;         /* compound */
    struct hds_type *type; /* compound */
};

struct hds_type {
    enum hds_kind kind;
    size_t size;
    size_t n_leaves; /* single values in one element; 1 for a variable-length sequence */
    bool has_vlen;   /* anywhere in it */
    bool has_ref;
    bool is_signed;        /* enumerations */
    const char *why;       /* unsupported: what it is */
    H5T_str_t pad;         /* strings */
    struct hds_type *base; /* array, variable-length */
    size_t n_members;
    struct hds_member *members;
    unsigned rank; /* array */
    hsize_t dims[H5S_MAX_RANK];
};

/* Reads the tree of `id`. GEN_EINPUT for types that are too deep, too wide or damaged; a type of an
 * unknown kind is HDS_UNSUPPORTED, no failure. */
GEN_MUST_USE int hds_type_read(struct gen_arena *arena, hid_t id, struct hds_type **out,
                               struct gen_error *err);

/* Appends its name: "float64", "string", "string[16]", "compound{x: float32}", "array[3] of int8".
 */
GEN_MUST_USE int hds_type_name(const struct hds_type *t, struct gen_buf *out,
                               struct gen_error *err);

/* The supported part; else the reason. NULL when values can be read. */
const char *hds_type_unsupported(const struct hds_type *t);
/* Integers, floats and bools: what statistics are made of. Not bools. */
bool hds_type_is_number(const struct hds_type *t);

/* The native type in memory for a type in the file; close with H5Tclose. */
GEN_MUST_USE int hds_type_native(hid_t file_type, hid_t *mem, struct gen_error *err);

#endif
