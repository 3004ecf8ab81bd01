#include "batch_int.h"

#include <stdlib.h>

static int start_validity(const struct lnc_ctx *cx, struct lnc_builder *b)
{
    if (b->validity.data != NULL && b->validity.size > 0)
        return LNC_OK;
    int rc = lnc_buf_reserve_n(cx, &b->validity, b->rows_max, 1);
    if (rc == LNC_OK) {
        memset(b->validity.data, 1, b->rows_max);
        b->validity.size = b->rows_max;
    }
    return rc;
}

static int prepare(const struct lnc_ctx *cx, struct lnc_builder *b)
{
    int rc = LNC_OK;
    if (b->def->phys.is_var && b->offsets.data == NULL) {
        rc = lnc_buf_reserve_n(cx, &b->offsets, (uint64_t)b->rows_max + 1, sizeof(uint64_t));
        if (rc != LNC_OK)
            return rc;
        memset(b->offsets.data, 0, sizeof(uint64_t));
        rc = lnc_buf_reserve(cx, &b->bytes, 1);
    } else if (b->def->phys.width > 0 && b->values.data == NULL) {
        rc = lnc_buf_reserve_n(cx, &b->values, b->rows_max, b->def->phys.width);
    }
    return rc;
}

static int append_nulls(const struct lnc_ctx *cx, struct lnc_builder *b, size_t n)
{
    b->n_nulls += n;
    if (b->def->phys.is_null) {
        b->n_rows += n;
        return LNC_OK;
    }
    int rc = start_validity(cx, b);
    if (rc != LNC_OK)
        return rc;
    memset(b->validity.data + b->n_rows, 0, n);
    if (b->def->phys.is_var) {
        uint64_t *offsets = (uint64_t *)(void *)b->offsets.data;
        for (size_t i = 0; i < n; i++)
            offsets[b->n_rows + i + 1] = offsets[b->n_rows];
    } else {
        memset(b->values.data + b->n_rows * b->def->phys.width, 0, n * b->def->phys.width);
    }
    b->n_rows += n;
    return LNC_OK;
}

/* n neighbouring slots that are all kept and all present. */
static int append_present(const struct lnc_ctx *cx, struct lnc_builder *b,
                          const struct lnc_slots *slots, size_t first, size_t n)
{
    size_t width = b->def->phys.width;
    if (!b->def->phys.is_var) {
        memcpy(b->values.data + b->n_rows * width, slots->fixed + first * width, n * width);
        b->n_rows += n;
        return LNC_OK;
    }
    uint64_t *offsets = (uint64_t *)(void *)b->offsets.data;
    for (size_t i = 0; i < n; i++) {
        const struct lnc_span *span = &slots->spans[first + i];
        int rc = lnc_buf_append(cx, &b->bytes, span->data, span->size);
        if (rc != LNC_OK)
            return rc;
        offsets[++b->n_rows] = b->bytes.size;
    }
    return LNC_OK;
}

int lnc_builder_append(const struct lnc_ctx *cx, struct lnc_builder *builder,
                       const struct lnc_slots *slots, size_t first, size_t n, const uint8_t *keep)
{
    int rc = prepare(cx, builder);
    for (size_t i = 0; rc == LNC_OK && i < n;) {
        if (keep != NULL && keep[i] == 0) {
            i++;
            continue;
        }
        bool valid =
            !slots->all_null && (slots->validity == NULL || slots->validity[first + i] != 0);
        size_t run = 1;
        if (slots->all_null || slots->validity == NULL) {
            while (i + run < n && (keep == NULL || keep[i + run] != 0))
                run++;
        } else {
            while (i + run < n && (keep == NULL || keep[i + run] != 0) &&
                   (slots->validity[first + i + run] != 0) == valid)
                run++;
        }
        rc = valid ? append_present(cx, builder, slots, first + i, run)
                   : append_nulls(cx, builder, run);
        i += run;
    }
    return rc;
}

static void empty(struct lnc_builder *b)
{
    b->n_rows = 0;
    b->n_nulls = 0;
    b->validity = (struct lnc_buf){0};
    b->values = (struct lnc_buf){0};
    b->offsets = (struct lnc_buf){0};
    b->bytes = (struct lnc_buf){0};
}

void lnc_builder_release(struct lnc_builder *builder)
{
    lnc_buf_release(&builder->validity);
    lnc_buf_release(&builder->values);
    lnc_buf_release(&builder->offsets);
    lnc_buf_release(&builder->bytes);
}

/* What a batch owns: for each column the four buffers of its builder, and all names. */
struct owned {
    char *names;
    struct lnc_column *columns;
    struct lnc_buf buffers[];
};

static void batch_release(struct lnc_batch *batch)
{
    struct owned *owned = batch->private_data;
    for (size_t i = 0; i < 4 * batch->n_columns; i++)
        lnc_buf_release(&owned->buffers[i]);
    free(owned->columns);
    free(owned->names);
    free(owned);
    *batch = (struct lnc_batch){0};
}

static void move_column(struct lnc_builder *b, struct lnc_buf *buffers, const char *name,
                        struct lnc_column *out)
{
    const struct lnc_column_info *info = &b->def->info;
    *out = (struct lnc_column){.name = name,
                               .kind = info->kind,
                               .unit = info->unit,
                               .item_kind = info->item_kind,
                               .n_items = info->n_items,
                               .byte_width = info->byte_width,
                               .n_nulls = b->n_nulls,
                               .validity = b->n_nulls > 0 ? b->validity.data : NULL,
                               .values = b->values.data,
                               .offsets = (const uint64_t *)(const void *)b->offsets.data,
                               .bytes = b->bytes.data};
    buffers[0] = b->validity;
    buffers[1] = b->values;
    buffers[2] = b->offsets;
    buffers[3] = b->bytes;
    empty(b);
}

int lnc_batch_finish(const struct lnc_ctx *cx, struct lnc_builder *builders, size_t n_columns,
                     size_t n_rows, struct lnc_batch *out)
{
    size_t names_size = 1;
    for (size_t i = 0; i < n_columns; i++)
        names_size += strlen(builders[i].def->info.name) + 1;
    struct owned *owned = calloc(1, sizeof *owned + 4 * n_columns * sizeof owned->buffers[0]);
    struct lnc_column *columns = calloc(n_columns + 1, sizeof *columns);
    char *names = malloc(names_size);
    if (owned == NULL || columns == NULL || names == NULL) {
        free(owned);
        free(columns);
        free(names);
        return lnc_fail_ctx(cx, LNC_ENOMEM, "out of memory");
    }
    owned->columns = columns;
    owned->names = names;
    for (size_t i = 0; i < n_columns; i++) {
        size_t size = strlen(builders[i].def->info.name) + 1;
        memcpy(names, builders[i].def->info.name, size);
        move_column(&builders[i], &owned->buffers[4 * i], names, &columns[i]);
        names += size;
    }
    *out = (struct lnc_batch){.n_rows = n_rows,
                              .n_columns = n_columns,
                              .columns = columns,
                              .release = batch_release,
                              .private_data = owned};
    return LNC_OK;
}

void lnc_batch_release(struct lnc_batch *batch)
{
    if (batch != NULL && batch->release != NULL)
        batch->release(batch);
}

int64_t lnc_column_int64(const struct lnc_column *column, size_t row)
{
    if (lnc_column_is_null(column, row) || column->values == NULL)
        return 0;
    const uint8_t *p = (const uint8_t *)column->values + row * column->byte_width;
    switch (column->kind) {
    case LNC_KIND_BOOL:
    case LNC_KIND_UINT8:
        return p[0];
    case LNC_KIND_INT8:
        return (int8_t)p[0];
    case LNC_KIND_UINT16:
        return lnc_le16(p);
    case LNC_KIND_INT16:
        return (int16_t)lnc_le16(p);
    case LNC_KIND_UINT32:
        return lnc_le32(p);
    case LNC_KIND_INT32:
    case LNC_KIND_DATE32:
    case LNC_KIND_TIME32:
        return (int32_t)lnc_le32(p);
    case LNC_KIND_INT64:
    case LNC_KIND_UINT64:
    case LNC_KIND_DATE64:
    case LNC_KIND_TIME64:
    case LNC_KIND_TIMESTAMP:
    case LNC_KIND_DURATION:
        return (int64_t)lnc_le64(p);
    default:
        return 0;
    }
}

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
static double half_to_double(uint16_t half)
{
    double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
    int exponent = (half >> 10) & 31;
    double fraction = (double)(half & 0x3ff) / 1024.0;
    if (exponent == 31)
        return fraction > 0 ? __builtin_nan("") : sign * __builtin_inf();
    double scale = exponent >= 15 || exponent == 0 ? 1.0 : 1.0 / (double)(1 << (15 - exponent));
    if (exponent == 0)
        return sign * fraction / 16384.0;
    if (exponent > 15)
        scale = (double)(1 << (exponent - 15));
    return sign * (1.0 + fraction) * scale;
}

double lnc_column_double(const struct lnc_column *column, size_t row)
{
    if (lnc_column_is_null(column, row) || column->values == NULL)
        return 0;
    const uint8_t *p = (const uint8_t *)column->values + row * column->byte_width;
    float single;
    double value;
    switch (column->kind) {
    case LNC_KIND_FLOAT:
        memcpy(&single, p, sizeof single);
        return (double)single;
    case LNC_KIND_DOUBLE:
        memcpy(&value, p, sizeof value);
        return value;
    case LNC_KIND_HALF:
        return half_to_double(lnc_le16(p));
    case LNC_KIND_UINT64:
        return (double)lnc_le64(p);
    default:
        return (double)lnc_column_int64(column, row);
    }
}
