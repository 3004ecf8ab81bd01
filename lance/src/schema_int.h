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
    uint32_t n_items;   /* 1, or the dimension of a vector */
    uint32_t width;     /* bytes of one value as the reader hands it on; a bool takes one byte */
    uint32_t key_bits;  /* of is_dict */
    bool is_list_items; /* fixed_size_list: stored through a list encoding */
};

/* Fills kind, unit, item_kind, n_items and byte_width of *info (name, type and nullable are left
 * alone) and *phys. Types that cannot be read get LNC_KIND_UNREADABLE. */
void lnc_schema_resolve(const struct lnc_field *field, struct lnc_column_info *info,
                        struct lnc_phys *phys);

#endif
