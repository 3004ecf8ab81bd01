#include "batch_int.h"

int lnc_builder_init(const struct lnc_ctx *cx, struct lnc_builder *builder,
                     const struct lnc_column_def *def, size_t rows_hint)
{
    builder->def = def;
    builder->rows_hint = rows_hint;
    if (def->n_children == 0)
        return LNC_OK;
    builder->children = lnc_calloc(cx, def->n_children, sizeof *builder->children);
    if (builder->children == NULL)
        return lnc_no_memory(cx, 0);
    builder->n_children = def->n_children;
    int rc = LNC_OK;
    /* The depth is at most LNC_NEST_MAX, else the column is not readable. */
    for (size_t i = 0; rc == LNC_OK && i < def->n_children; i++)
        rc = lnc_builder_init(cx, &builder->children[i], &def->children[i], 0);
    return rc;
}

static bool has_offsets(const struct lnc_builder *b)
{
    return b->def->phys.is_var || lnc_is_list(b->def);
}

/* Room for n more rows. */
static int make_room(const struct lnc_ctx *cx, struct lnc_builder *b, size_t n)
{
    uint64_t rows = (uint64_t)b->n_rows + n;
    int rc = LNC_OK;
    if (rows < b->rows_hint)
        rows = b->rows_hint;
    if (b->validity.size > 0)
        rc = lnc_buf_reserve_n(cx, &b->validity, rows, 1);
    if (rc == LNC_OK && b->items_valid.size > 0)
        rc = lnc_buf_reserve_n(cx, &b->items_valid, rows, b->def->phys.n_items);
    if (rc == LNC_OK && has_offsets(b)) {
        rc = lnc_buf_reserve_n(cx, &b->offsets, rows + 1, sizeof(uint64_t));
        if (rc == LNC_OK && b->n_rows == 0)
            memset(b->offsets.data, 0, sizeof(uint64_t));
        if (rc == LNC_OK)
            rc = lnc_buf_reserve(cx, &b->bytes, 1);
    } else if (rc == LNC_OK && b->def->phys.width > 0) {
        rc = lnc_buf_reserve_n(cx, &b->values, rows, b->def->phys.width);
    }
    return rc;
}

/* Needs room. */
static void set_validity(struct lnc_builder *b, size_t n, uint8_t valid)
{
    if (b->validity.size == 0)
        return;
    memset(b->validity.data + b->n_rows, valid, n);
    b->validity.size = b->n_rows + n;
}

/* From the first null on the builder keeps validity. */
static int start_validity(const struct lnc_ctx *cx, struct lnc_builder *b, size_t n)
{
    if (b->validity.size > 0)
        return LNC_OK;
    size_t rows = b->n_rows + n;
    int rc = lnc_buf_reserve_n(cx, &b->validity, rows > b->rows_hint ? rows : b->rows_hint, 1);
    if (rc == LNC_OK) {
        memset(b->validity.data, 1, rows);
        b->validity.size = rows;
    }
    return rc;
}

static void set_items_valid(struct lnc_builder *b, const uint8_t *items_valid, size_t n)
{
    size_t n_items = b->def->phys.n_items;
    if (b->items_valid.size == 0)
        return;
    uint8_t *dst = b->items_valid.data + b->n_rows * n_items;
    if (items_valid != NULL)
        memcpy(dst, items_valid, n * n_items);
    else
        memset(dst, 1, n * n_items);
    b->items_valid.size = (b->n_rows + n) * n_items;
}

static int start_items_valid(const struct lnc_ctx *cx, struct lnc_builder *b,
                             const uint8_t *items_valid, size_t n)
{
    size_t n_items = b->def->phys.n_items;
    if (b->items_valid.size > 0 || items_valid == NULL ||
        memchr(items_valid, 0, n * n_items) == NULL)
        return LNC_OK;
    size_t rows = b->n_rows + n;
    int rc =
        lnc_buf_reserve_n(cx, &b->items_valid, rows > b->rows_hint ? rows : b->rows_hint, n_items);
    if (rc == LNC_OK) {
        memset(b->items_valid.data, 1, rows * n_items);
        b->items_valid.size = rows * n_items;
    }
    return rc;
}

static uint64_t *offsets_of(struct lnc_builder *b)
{
    return (uint64_t *)(void *)b->offsets.data;
}

uint64_t lnc_builder_offset(const struct lnc_builder *builder, size_t i)
{
    return builder->offsets.data != NULL ? lnc_le64(builder->offsets.data + 8 * i) : 0;
}

int lnc_builder_append_nulls(const struct lnc_ctx *cx, struct lnc_builder *builder, size_t n)
{
    struct lnc_builder *b = builder;
    if (n == 0)
        return LNC_OK;
    b->n_nulls += n;
    if (b->def->phys.is_null) {
        b->n_rows += n;
        return LNC_OK;
    }
    int rc = make_room(cx, b, n);
    if (rc == LNC_OK)
        rc = start_validity(cx, b, n);
    if (rc != LNC_OK)
        return rc;
    set_validity(b, n, 0);
    set_items_valid(b, NULL, n);
    if (has_offsets(b)) {
        uint64_t *offsets = offsets_of(b);
        for (size_t i = 0; i < n; i++)
            offsets[b->n_rows + i + 1] = offsets[b->n_rows];
    } else if (b->def->phys.width > 0) {
        memset(b->values.data + b->n_rows * b->def->phys.width, 0, n * b->def->phys.width);
    }
    b->n_rows += n;
    for (size_t i = 0; rc == LNC_OK && !lnc_is_list(b->def) && i < b->n_children; i++)
        rc = lnc_builder_append_nulls(cx, &b->children[i], n);
    return rc;
}

int lnc_builder_append_nodes(const struct lnc_ctx *cx, struct lnc_builder *builder, size_t n)
{
    struct lnc_builder *b = builder;
    int rc = make_room(cx, b, n);
    if (rc != LNC_OK)
        return rc;
    set_validity(b, n, 1);
    if (has_offsets(b)) {
        uint64_t *offsets = offsets_of(b);
        for (size_t i = 0; i < n; i++)
            offsets[b->n_rows + i + 1] = offsets[b->n_rows];
    }
    b->n_rows += n;
    return LNC_OK;
}

int lnc_builder_extend(const struct lnc_ctx *cx, struct lnc_builder *builder, uint64_t n)
{
    uint64_t *end = offsets_of(builder) + builder->n_rows;
    if (builder->n_rows == 0 || !lnc_add(*end, n, end))
        return lnc_bad(cx, "a list has %llu items", (unsigned long long)n);
    return LNC_OK;
}

/* n neighbouring slots that are all kept and all present. */
static int append_present(const struct lnc_ctx *cx, struct lnc_builder *b,
                          const struct lnc_slots *slots, size_t first, size_t n)
{
    size_t width = b->def->phys.width;
    const uint8_t *items_valid =
        slots->items_valid != NULL ? slots->items_valid + first * b->def->phys.n_items : NULL;
    if (b->def->phys.is_null)
        return lnc_builder_append_nulls(cx, b, n);
    int rc = make_room(cx, b, n);
    if (rc == LNC_OK)
        rc = start_items_valid(cx, b, items_valid, n);
    if (rc != LNC_OK)
        return rc;
    set_validity(b, n, 1);
    if (!b->def->phys.is_var) {
        set_items_valid(b, items_valid, n);
        memcpy(b->values.data + b->n_rows * width, slots->fixed + first * width, n * width);
        b->n_rows += n;
        return LNC_OK;
    }
    uint64_t *offsets = offsets_of(b);
    for (size_t i = 0; i < n; i++) {
        const struct lnc_span *span = &slots->spans[first + i];
        rc = lnc_buf_append(cx, &b->bytes, span->data, span->size);
        if (rc != LNC_OK)
            return rc;
        offsets[++b->n_rows] = b->bytes.size;
    }
    return LNC_OK;
}

int lnc_builder_append(const struct lnc_ctx *cx, struct lnc_builder *builder,
                       const struct lnc_slots *slots, size_t first, size_t n, const uint8_t *keep)
{
    int rc = LNC_OK;
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
                   : lnc_builder_append_nulls(cx, builder, run);
        i += run;
    }
    return rc;
}

static size_t count_zeros(const uint8_t *bytes, size_t n)
{
    size_t zeros = 0;
    for (size_t i = 0; i < n; i++)
        zeros += bytes[i] == 0;
    return zeros;
}

/* Offsets of rows [first, first + n) behind those that are there. */
static void copy_offsets(struct lnc_builder *b, const struct lnc_builder *from, size_t first,
                         size_t n)
{
    uint64_t *offsets = offsets_of(b);
    uint64_t origin = lnc_builder_offset(from, first);
    uint64_t base = offsets[b->n_rows];
    for (size_t i = 0; i < n; i++)
        offsets[b->n_rows + i + 1] = base + (lnc_builder_offset(from, first + i + 1) - origin);
}

int lnc_builder_copy(const struct lnc_ctx *cx, struct lnc_builder *builder,
                     const struct lnc_builder *from, size_t first, size_t n)
{
    struct lnc_builder *b = builder;
    size_t width = b->def->phys.width;
    size_t n_items = b->def->phys.n_items;
    const uint8_t *validity = from->validity.size > 0 ? from->validity.data + first : NULL;
    const uint8_t *items_valid =
        from->items_valid.size > 0 ? from->items_valid.data + first * n_items : NULL;
    if (b->def->phys.is_null || n == 0)
        return lnc_builder_append_nulls(cx, b, n);
    size_t n_nulls = validity != NULL ? count_zeros(validity, n) : 0;
    int rc = make_room(cx, b, n);
    if (rc == LNC_OK && n_nulls > 0)
        rc = start_validity(cx, b, n);
    if (rc == LNC_OK)
        rc = start_items_valid(cx, b, items_valid, n);
    if (rc != LNC_OK)
        return rc;
    set_validity(b, n, 1);
    if (n_nulls > 0)
        memcpy(b->validity.data + b->n_rows, validity, n);
    b->n_nulls += n_nulls;
    set_items_valid(b, items_valid, n);
    if (has_offsets(b))
        copy_offsets(b, from, first, n);
    if (b->def->phys.is_var) {
        uint64_t start = lnc_builder_offset(from, first);
        rc = lnc_buf_append(cx, &b->bytes, from->bytes.data + start,
                            (size_t)(lnc_builder_offset(from, first + n) - start));
    } else if (width > 0) {
        memcpy(b->values.data + b->n_rows * width, from->values.data + first * width, n * width);
    }
    b->n_rows += n;
    return rc;
}

bool lnc_builder_same(const struct lnc_builder *builder, size_t at, const struct lnc_builder *from,
                      size_t first, size_t n)
{
    if (at > builder->n_rows || n > builder->n_rows - at)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool a = builder->validity.size == 0 || builder->validity.data[at + i] != 0;
        bool b = from->validity.size == 0 || from->validity.data[first + i] != 0;
        if (a != b)
            return false;
        if (lnc_is_list(builder->def) &&
            lnc_builder_offset(builder, at + i + 1) - lnc_builder_offset(builder, at + i) !=
                lnc_builder_offset(from, first + i + 1) - lnc_builder_offset(from, first + i))
            return false;
    }
    return true;
}

static void empty(struct lnc_builder *b)
{
    b->n_rows = 0;
    b->n_nulls = 0;
    b->n_taken = 0;
    b->validity = (struct lnc_buf){0};
    b->items_valid = (struct lnc_buf){0};
    b->values = (struct lnc_buf){0};
    b->offsets = (struct lnc_buf){0};
    b->bytes = (struct lnc_buf){0};
}

void lnc_builder_clear(struct lnc_builder *builder)
{
    builder->n_rows = 0;
    builder->n_nulls = 0;
    builder->validity.size = 0;
    builder->items_valid.size = 0;
    builder->bytes.size = 0;
}

void lnc_builder_release(struct lnc_builder *builder)
{
    for (size_t i = 0; i < builder->n_children; i++)
        lnc_builder_release(&builder->children[i]);
    lnc_free(builder->children);
    lnc_buf_release(&builder->validity);
    lnc_buf_release(&builder->items_valid);
    lnc_buf_release(&builder->values);
    lnc_buf_release(&builder->offsets);
    lnc_buf_release(&builder->bytes);
    *builder = (struct lnc_builder){0};
}

#define BUFFERS_PER_COLUMN 5

/* What a batch owns: the columns, those of each level behind each other, the buffers of their
 * builders, and all names. */
struct owned {
    char *names;
    struct lnc_column *columns;
    size_t n_buffers;
    struct lnc_buf buffers[];
};

static void batch_release(struct lnc_batch *batch)
{
    struct owned *owned = batch->private_data;
    for (size_t i = 0; i < owned->n_buffers; i++)
        lnc_buf_release(&owned->buffers[i]);
    lnc_free(owned->columns);
    lnc_free(owned->names);
    lnc_free(owned);
    *batch = (struct lnc_batch){0};
}

/* Where the next column, buffer and name go. */
struct mover {
    struct owned *owned;
    struct lnc_column *next_column;
    char *next_name;
};

static int move_columns(const struct lnc_ctx *cx, struct mover *mover, struct lnc_builder *builders,
                        size_t n, struct lnc_column *out);

static int move_column(const struct lnc_ctx *cx, struct mover *mover, struct lnc_builder *b,
                       struct lnc_column *out)
{
    const struct lnc_column_info *info = &b->def->info;
    size_t name_size = strlen(info->name) + 1;
    /* A column without rows has its first offset, too. */
    int rc = make_room(cx, b, 0);
    if (rc != LNC_OK)
        return rc;
    memcpy(mover->next_name, info->name, name_size);
    *out = (struct lnc_column){.name = mover->next_name,
                               .kind = info->kind,
                               .unit = info->unit,
                               .item_kind = info->item_kind,
                               .n_items = info->n_items,
                               .is_large = info->is_large,
                               .scale = info->scale,
                               .byte_width = info->byte_width,
                               .n_rows = b->n_rows,
                               .n_nulls = b->n_nulls,
                               .validity = b->n_nulls > 0 ? b->validity.data : NULL,
                               .items_valid = b->items_valid.size > 0 ? b->items_valid.data : NULL,
                               .values = b->values.data,
                               .offsets = (const uint64_t *)(const void *)b->offsets.data,
                               .bytes = lnc_is_list(b->def) ? NULL : b->bytes.data};
    mover->next_name += name_size;
    struct lnc_buf *buffers = mover->owned->buffers + mover->owned->n_buffers;
    mover->owned->n_buffers += BUFFERS_PER_COLUMN;
    buffers[0] = b->validity;
    buffers[1] = b->items_valid;
    buffers[2] = b->values;
    buffers[3] = b->offsets;
    buffers[4] = b->bytes;
    empty(b);
    out->n_children = b->n_children;
    out->children = b->n_children > 0 ? mover->next_column : NULL;
    mover->next_column += b->n_children;
    return move_columns(cx, mover, b->children, b->n_children, out->children);
}

/* Recursion depth is that of the schema, at most LNC_NEST_MAX. */
static int move_columns(const struct lnc_ctx *cx, struct mover *mover, struct lnc_builder *builders,
                        size_t n, struct lnc_column *out)
{
    int rc = LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        rc = move_column(cx, mover, &builders[i], &out[i]);
    return rc;
}

static void measure(const struct lnc_builder *builders, size_t n, size_t *n_columns,
                    size_t *names_size)
{
    for (size_t i = 0; i < n; i++) {
        *n_columns += 1;
        *names_size += strlen(builders[i].def->info.name) + 1;
        measure(builders[i].children, builders[i].n_children, n_columns, names_size);
    }
}

int lnc_batch_finish(const struct lnc_ctx *cx, struct lnc_builder *builders, size_t n_columns,
                     size_t n_rows, struct lnc_batch *out)
{
    size_t names_size = 1;
    size_t n_all = 0;
    measure(builders, n_columns, &n_all, &names_size);
    struct owned *owned =
        lnc_calloc(cx, 1, sizeof *owned + BUFFERS_PER_COLUMN * n_all * sizeof owned->buffers[0]);
    struct lnc_column *columns = lnc_calloc(cx, n_all + 1, sizeof *columns);
    char *names = lnc_calloc(cx, 1, names_size);
    if (owned == NULL || columns == NULL || names == NULL) {
        lnc_free(owned);
        lnc_free(columns);
        lnc_free(names);
        return lnc_no_memory(cx, 0);
    }
    owned->columns = columns;
    owned->names = names;
    struct mover mover = {.owned = owned, .next_column = columns + n_columns, .next_name = names};
    struct lnc_batch batch = {.n_rows = n_rows,
                              .n_columns = n_columns,
                              .columns = columns,
                              .release = batch_release,
                              .private_data = owned};
    int rc = move_columns(cx, &mover, builders, n_columns, columns);
    if (rc != LNC_OK) {
        batch_release(&batch);
        return rc;
    }
    *out = batch;
    return LNC_OK;
}

struct lnc_memory *lnc_batch_memory(const struct lnc_batch *batch)
{
    return batch->release == batch_release ? lnc_memory_of(batch->private_data) : NULL;
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
