/*
 * deletion_int.h - which rows of a fragment are deleted.
 */
#ifndef LNC_DELETION_INT_H
#define LNC_DELETION_INT_H

#include "util_int.h"

/* One bit a physical row, 1 = deleted; empty when nothing is deleted. */
struct lnc_deleted {
    struct lnc_buf bits;
    uint64_t n_rows;
    uint64_t n_deleted;
};

/* Reads the bytes of a deletion file: a Roaring bitmap, or an Arrow file. Every row must be below
 * n_rows. */
int lnc_deletion_parse(const struct lnc_ctx *cx, struct lnc_span file, bool is_bitmap,
                       uint64_t n_rows, struct lnc_deleted *out);

void lnc_deleted_release(struct lnc_deleted *deleted);

static inline bool lnc_deleted_has(const struct lnc_deleted *deleted, uint64_t row)
{
    return deleted->bits.size > 0 &&
           (((unsigned)deleted->bits.data[row / 8] >> (row % 8)) & 1u) != 0;
}

/* Marks a row; LNC_ECORRUPT if there is no such row. */
int lnc_deleted_add(const struct lnc_ctx *cx, struct lnc_deleted *deleted, uint64_t row);

/* The two formats. */
int lnc_roaring_parse(const struct lnc_ctx *cx, struct lnc_span file, struct lnc_deleted *deleted);
int lnc_arrow_parse(const struct lnc_ctx *cx, struct lnc_span file, struct lnc_deleted *deleted);

#endif
