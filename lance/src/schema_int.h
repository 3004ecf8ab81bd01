/*
 * schema_int.h - what a logical type string means for the bits of a value.
 */
#ifndef LNC_SCHEMA_INT_H
#define LNC_SCHEMA_INT_H

#include "manifest_int.h"

/* The physical shape that every page of a column must have. */
struct lnc_phys {
    bool is_null; /* no values */
    bool is_var;  /* bytes of any length; otherwise n_items values of `bits` each */
    bool is_dict; /* logical type dict: 2.0 and 0.1 store keys and values apart, 2.1 does not */
    bool is_text; /* of is_var: string rather than binary (0.1 betas differ) */
    uint32_t
        bits; /* of one item: 1 (bool), 8, 16, 32, 64, or any multiple of 8 for fixed_size_binary */
    uint32_t n_items;  /* 1, or the dimension of a vector */
    uint32_t width;    /* bytes of one value as the reader hands it on; a bool takes one byte */
    uint32_t key_bits; /* of is_dict */
    bool is_packed;    /* a struct in one column; width 0: not all fields have a fixed one */
    bool is_blob;      /* is_var, and the pages only tell where the bytes are */
    bool is_blob_v2;   /* of is_blob: the field is a struct, and its pages never hold the bytes */
    bool is_blob_text; /* the pages of blobs hold descriptions of version 2, as spans */
    bool is_lengths;   /* of a list column of 2.0 or 0.1: numbers of items, uint64_t */
};

/* Lists and structs above a value; a column with more is not readable. */
#define LNC_NEST_MAX 32

/* A column, or a field of one, and where it comes from. */
struct lnc_column_def {
    struct lnc_column_info info; /* its children are copies of those of `children` */
    struct lnc_phys phys;        /* of a leaf; zero for structs, lists and maps */
    const struct lnc_field *field;
    struct lnc_column_def *children;
    size_t n_children;
};

static inline bool lnc_is_list(const struct lnc_column_def *def)
{
    return def->info.kind == LNC_KIND_LIST || def->info.kind == LNC_KIND_MAP;
}

static inline bool lnc_is_nested(const struct lnc_column_def *def)
{
    return def->info.kind == LNC_KIND_STRUCT || lnc_is_list(def);
}

/* Fills kind, unit, item_kind, n_items and byte_width of *info (name, type and nullable are left
 * alone) and *phys of a type without children. Types that cannot be read get LNC_KIND_UNREADABLE.
 */
void lnc_schema_resolve(const struct lnc_field *field, struct lnc_column_info *info,
                        struct lnc_phys *phys);

/* Makes the tree of columns from the flat list of fields; it belongs to the arena of the manifest.
 * A struct, list or map is readable if everything below it is. */
int lnc_schema_build(const struct lnc_ctx *cx, struct lnc_manifest *manifest,
                     struct lnc_column_def **columns, size_t *n_columns);

#endif
