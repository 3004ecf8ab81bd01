/*
 * batch_int.h - a batch while it is filled.
 */
#ifndef LNC_BATCH_INT_H
#define LNC_BATCH_INT_H

#include "dataset_int.h"
#include "lnc/lnc_batch.h"
#include "page_int.h"

/* One column being filled; memory moves to the batch at the end. */
struct lnc_builder {
    const struct lnc_column_def *def;
    size_t rows_max;
    size_t n_rows;
    size_t n_nulls;
    struct lnc_buf validity; /* empty as long as nothing is null */
    struct lnc_buf values;   /* fixed width */
    struct lnc_buf offsets;  /* variable width */
    struct lnc_buf bytes;
};

/* Appends slots [first, first + n), those with keep[i] != 0 if keep is given (i from 0). */
int lnc_builder_append(const struct lnc_ctx *cx, struct lnc_builder *builder,
                       const struct lnc_slots *slots, size_t first, size_t n, const uint8_t *keep);

void lnc_builder_release(struct lnc_builder *builder);

/* Moves the contents of the builders to *out; the builders are empty afterwards and can be used
 * again. */
int lnc_batch_finish(const struct lnc_ctx *cx, struct lnc_builder *builders, size_t n_columns,
                     size_t n_rows, struct lnc_batch *out);

#endif
