/*
 * batch_int.h - a batch while it is filled.
 */
#ifndef LNC_BATCH_INT_H
#define LNC_BATCH_INT_H

#include "dataset_int.h"
#include "lnc/lnc_batch.h"
#include "page_int.h"

/* One column being filled, or a field of one; memory moves to the batch at the end. */
struct lnc_builder {
    const struct lnc_column_def *def;
    size_t rows_hint; /* room that is made at once */
    size_t n_rows;
    size_t n_nulls;
    size_t n_taken;             /* nested columns: rows before those that are being appended */
    struct lnc_buf validity;    /* n_rows bytes, empty as long as nothing is null */
    struct lnc_buf items_valid; /* of vectors: n_rows * n_items bytes, empty likewise */
    struct lnc_buf values;      /* fixed width */
    struct lnc_buf offsets;     /* variable width, lists: n_rows + 1, or none yet */
    struct lnc_buf bytes;
    struct lnc_builder *children; /* as those of def */
    size_t n_children;
};

/* Makes the builders below *builder, which is zeroed. Release it even on failure. */
int lnc_builder_init(const struct lnc_ctx *cx, struct lnc_builder *builder,
                     const struct lnc_column_def *def, size_t rows_hint);

/* Leaves: appends slots [first, first + n), those with keep[i] != 0 if keep is given (i from 0). */
int lnc_builder_append(const struct lnc_ctx *cx, struct lnc_builder *builder,
                       const struct lnc_slots *slots, size_t first, size_t n, const uint8_t *keep);

/* Appends n nulls to the builder, and to those below that have as many rows. */
int lnc_builder_append_nulls(const struct lnc_ctx *cx, struct lnc_builder *builder, size_t n);

/* Structs and lists: appends n rows that are present, lists without items. */
int lnc_builder_append_nodes(const struct lnc_ctx *cx, struct lnc_builder *builder, size_t n);

/* Lists: the last row gets n more items, which the caller appends to the child. */
int lnc_builder_extend(const struct lnc_ctx *cx, struct lnc_builder *builder, uint64_t n);

/* Appends rows [first, first + n) of a builder of the same kind, without their children. */
int lnc_builder_copy(const struct lnc_ctx *cx, struct lnc_builder *builder,
                     const struct lnc_builder *from, size_t first, size_t n);

/* True if rows [at, at + n) of the builder are the same as rows [first, first + n) of the other
 * one: what is null, and how many items the lists have. */
bool lnc_builder_same(const struct lnc_builder *builder, size_t at, const struct lnc_builder *from,
                      size_t first, size_t n);

/* A list's offset i <= n_rows: how many items the rows before have. */
uint64_t lnc_builder_offset(const struct lnc_builder *builder, size_t i);

/* Forgets all rows and keeps the memory. */
void lnc_builder_clear(struct lnc_builder *builder);

void lnc_builder_release(struct lnc_builder *builder);

/* Moves the contents of the builders to *out; the builders are empty afterwards and can be used
 * again. */
int lnc_batch_finish(const struct lnc_ctx *cx, struct lnc_builder *builders, size_t n_columns,
                     size_t n_rows, struct lnc_batch *out);

/* Where the memory of a batch came from; NULL for batches that others made. */
struct lnc_memory *lnc_batch_memory(const struct lnc_batch *batch);

#endif
