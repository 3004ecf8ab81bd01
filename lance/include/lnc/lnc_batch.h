/*
 * lnc_batch.h - a run of rows, column by column.
 *
 * A batch owns its memory: it stays valid after the scan and the dataset are closed, until
 * lnc_batch_release(). It moves by copying the struct and setting `release` of the source to NULL.
 *
 * Values are aligned for their C type. The value of a null row is zero bytes or an empty string,
 * never garbage. Strings are as stored: whether they are UTF-8 is NOT checked here (damage inside a
 * value looks like that, and what to do about it is the caller's decision). They are not
 * NUL-terminated.
 */
#ifndef LNC_BATCH_H
#define LNC_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lnc/lnc_dataset.h"
#include "lnc/lnc_export.h"

LNC_EXTERN_C_BEGIN

/* One column of a batch. */
struct lnc_column {
    const char *name; /* belongs to the batch */
    enum lnc_kind kind;
    enum lnc_unit unit;
    enum lnc_kind item_kind;
    uint32_t n_items;
    bool is_large;              /* as in lnc_column_info; offsets have 64 bits in any case */
    int8_t scale;               /* of DECIMAL and vectors of them, as in struct lnc_column_info */
    uint32_t byte_width;        /* of one value; 0 for STRING, BINARY and NULL */
    size_t n_nulls;             /* rows that are null */
    const uint8_t *validity;    /* one byte a row, 1 = present, 0 = null; NULL if n_nulls is 0 */
    const uint8_t *items_valid; /* VECTOR: one byte an item, n_rows * n_items of them, 1 = present;
                                   NULL if no item of a vector is null on its own */
    const void *values; /* n_rows values of byte_width bytes; NULL for STRING, BINARY and NULL */
    const uint64_t *offsets; /* STRING, BINARY: n_rows + 1 offsets into bytes, ascending from 0;
                                LIST, MAP: into the rows of the child; else NULL */
    const uint8_t *bytes;    /* STRING, BINARY: offsets[n_rows] bytes; never NULL for these kinds */
    size_t n_rows; /* of this column: those of the batch, or of all items for a list's child */
    /* STRUCT: its fields, with as many rows; where the struct is null, so are they. LIST: the items
     * of all rows; row i has those from offsets[i] to offsets[i + 1]. MAP: a LIST of STRUCT (key,
     * value). */
    struct lnc_column *children;
    size_t n_children;
};

struct lnc_batch {
    size_t n_rows;    /* 0 only at the end of a scan, then the batch holds nothing */
    size_t n_columns; /* as projected, in that order */
    struct lnc_column *columns;
    uint64_t first_row;   /* ordinal of the first row among the live rows of the scan, from 0 */
    uint64_t fragment_id; /* a batch never spans two fragments */
    void (*release)(struct lnc_batch *batch); /* NULL when the batch holds nothing */
    void *private_data;
};

/* Frees what the batch holds and zeroes it; NULL and empty batches are ignored. */
LNC_API void lnc_batch_release(struct lnc_batch *batch);

/* True if the value of the row is null. Needs row < n_rows of the batch, as all of the following.
 */
static inline int lnc_column_is_null(const struct lnc_column *column, size_t row)
{
    return column->kind == LNC_KIND_NULL ||
           (column->validity != NULL && column->validity[row] == 0);
}

/* STRING and BINARY: the bytes of the row and their number; NULL (and size 0) if it is null. Not
 * NUL-terminated. Belongs to the batch. */
static inline const char *lnc_column_string(const struct lnc_column *column, size_t row,
                                            size_t *size)
{
    *size = 0;
    if (lnc_column_is_null(column, row) || column->offsets == NULL)
        return NULL;
    *size = (size_t)(column->offsets[row + 1] - column->offsets[row]);
    return (const char *)column->bytes + column->offsets[row];
}

/* Integers, BOOL, DATE32 to DURATION: the value as int64_t (UINT64 above INT64_MAX wraps: read
 * `values` instead); 0 for null rows and other kinds. */
LNC_API int64_t lnc_column_int64(const struct lnc_column *column, size_t row);

/* FLOAT, DOUBLE, HALF and all that lnc_column_int64() takes, as double; 0 for null rows and other
 * kinds. */
LNC_API double lnc_column_double(const struct lnc_column *column, size_t row);

LNC_EXTERN_C_END

#endif
