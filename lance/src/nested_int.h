/*
 * nested_int.h - a struct, list or map column: the columns of its leaves, put together again.
 *
 * Each leaf is read on its own: rows of it with everything that stands above it, a group at a time.
 * The files repeat that structure with each leaf (2.1+) or hold it once (2.0, 0.1; then it is read
 * once a leaf). What two leaves have in common must be the same in both, else the table is damaged.
 */
#ifndef LNC_NESTED_INT_H
#define LNC_NESTED_INT_H

#include "batch_int.h"
#include "column_int.h"

struct lnc_leaf {
    const struct lnc_column_def *def;
    struct lnc_path path;
    const struct lnc_column_def *node[LNC_NEST_MAX]; /* of the path; node[0] is the column */
    size_t child[LNC_NEST_MAX]; /* index of the next node, or of the leaf, among the children */
    size_t lists[LNC_NEST_MAX]; /* nodes that are lists, from outside */
    size_t n_lists;
    bool is_present;           /* in this fragment */
    bool is_pulled;            /* 0.1 and 2.0: lists have columns of their own */
    size_t n_verified;         /* nodes of the path that an earlier leaf fills */
    struct lnc_path page_path; /* what its pages tell: the path, or that of the packed struct */
    struct lnc_phys packed;    /* of the struct, where the leaf is a field of a packed one */
    struct lnc_column_reader reader;
    struct lnc_column_reader *list_reader; /* n_lists */
    struct lnc_buf hidden[2]; /* if pulled: items of lists that are null, of the level in hand and
                                 of the one below */
    uint64_t rows_left;       /* of the fragment, if pulled */
    size_t entry;             /* entries and slots of reader.slots that were used */
    size_t slot;
    struct lnc_builder *level; /* rows in hand: each node of the path, without children */
    struct lnc_builder values;
    size_t n_rows;
    size_t taken;
};

struct lnc_nested {
    const struct lnc_column_def *def;
    struct lnc_leaf *leaf;
    size_t n_leaves;
    uint64_t rows_left; /* of the fragment, if no leaf is present in it */
};

/* Makes the leaves of a column. On success *out is the caller's. */
int lnc_nested_new(const struct lnc_ctx *cx, const struct lnc_column_def *def,
                   struct lnc_nested **out);

/* Starts a fragment of n_rows. */
int lnc_nested_open(struct lnc_ctx *cx, struct lnc_nested *nested, struct lnc_files *files,
                    uint64_t n_rows);

/* Makes sure that at least one row is in hand, and says how many are. */
int lnc_nested_fill(struct lnc_ctx *cx, struct lnc_nested *nested, size_t *in_hand);

/* Bytes of the i-th row in hand. */
size_t lnc_nested_row_bytes(const struct lnc_nested *nested, size_t i);

/* Takes n rows; those with keep[i] != 0, if keep is given, go to the builder. */
int lnc_nested_append(const struct lnc_ctx *cx, struct lnc_nested *nested,
                      struct lnc_builder *builder, size_t n, const uint8_t *keep);

/* Ends the fragment. */
void lnc_nested_close(struct lnc_nested *nested);

/* NULL is ignored. */
void lnc_nested_free(struct lnc_nested *nested);

/* Bytes that the rows in hand take, about. */
size_t lnc_leaf_bytes(const struct lnc_leaf *leaf);

/* Each fills the rows in hand of a leaf that has none: by levels (2.1+), or from list columns. */
int lnc_leaf_fill_entries(struct lnc_ctx *cx, struct lnc_leaf *leaf);
int lnc_leaf_fill_lists(struct lnc_ctx *cx, struct lnc_leaf *leaf);

/* Opens the list columns of a leaf that is read from them. */
int lnc_leaf_open_lists(struct lnc_ctx *cx, struct lnc_leaf *leaf, struct lnc_files *files,
                        uint64_t n_rows);

#endif
