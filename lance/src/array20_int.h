/*
 * array20_int.h - the tree of array encodings that a page of storage version 2.0 is
 * (lance-format.md 6).
 */
#ifndef LNC_ARRAY20_INT_H
#define LNC_ARRAY20_INT_H

#include "page_int.h"

#define LNC_ARRAY_DEPTH_MAX 8
#define LNC_ARRAY_NODES_MAX 24

/* Numbers are those of the oneof in the protobuf message, 32 and above those of Nullable. */
enum lnc_array_kind {
    LNC_ARRAY_FLAT = 1,
    LNC_ARRAY_NULLABLE = 2,
    LNC_ARRAY_FIXED_SIZE_LIST = 3,
    LNC_ARRAY_LIST = 4,
    LNC_ARRAY_STRUCT = 5,
    LNC_ARRAY_BINARY = 6,
    LNC_ARRAY_DICTIONARY = 7,
    LNC_ARRAY_FSST = 8,
    LNC_ARRAY_PACKED_STRUCT = 9,
    LNC_ARRAY_BITPACKED = 10,
    LNC_ARRAY_FIXED_SIZE_BINARY = 11,
    LNC_ARRAY_BITPACKED_NON_NEG = 12,
    LNC_ARRAY_SOME_NULL = 32,
    LNC_ARRAY_ALL_NULL = 33,
};

/* A group of values of a node. */
struct lnc_array_group {
    size_t n;
    bool all_null;
    const uint8_t *validity;
    bool is_vector; /* of a fixed-size list */
    struct lnc_values values;
};

/* The comment of a member says which kinds use it. */
struct lnc_array_node {
    enum lnc_array_kind kind;
    struct lnc_array_node *child[2];
    uint64_t bits;                  /* flat; bitpacked: packed; fixed-size binary: width in bytes */
    uint64_t uncompressed;          /* bitpacked, both kinds */
    bool is_signed;                 /* bitpacked */
    uint64_t n_items;               /* fixed-size list: dimension; dictionary, list: items */
    uint64_t null_adjustment;       /* binary, list */
    struct lnc_span table;          /* FSST */
    struct lnc_stream data;         /* flat, bitpacked, both kinds */
    unsigned first_bit;             /* of the next value, in the next byte of data */
    size_t n_unpacked;              /* bitpacked in chunks: values left of the one in items */
    struct lnc_array_group pending; /* binary: end offsets that were pulled and not used yet */
    size_t pending_taken;
    uint64_t last_end;
    struct lnc_buf scratch; /* values of this group */
    struct lnc_buf validity;
    struct lnc_buf items; /* dictionary: values or spans */
    struct lnc_buf item_bytes;
    struct lnc_buf item_validity;
    bool items_are_spans;
    bool items_are_null;
    struct lnc_values item_shape; /* of those that are not spans */
};

struct lnc_array20 {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    uint64_t rows_left; /* of lists */
    struct lnc_array_node node[LNC_ARRAY_NODES_MAX];
    size_t n_nodes;
    struct lnc_array_node *root;
    struct lnc_decoder decoder; /* holds the FSST table */
};

/* Parses the description of a page to a->node, the first of which is the root, and opens its
 * buffers. */
int lnc_array20_parse(struct lnc_ctx *cx, struct lnc_array20 *a, const struct lnc_page_job *job);

#endif
