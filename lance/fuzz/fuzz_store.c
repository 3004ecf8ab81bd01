#include "fuzz_store.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 64
#define DEPTH_MAX   64

static void promise(bool kept)
{
    if (!kept)
        abort();
}

static int read_part(const struct lnc_source *source, uint64_t offset, void *dst, size_t n,
                     struct lnc_error *err)
{
    const struct fuzz_part *part = source->private_data;
    (void)err;
    promise(offset <= part->size && n <= part->size - offset);
    if (n > 0)
        memcpy(dst, part->bytes + offset, n);
    return LNC_OK;
}

static void release_part(struct lnc_source *source)
{
    *source = (struct lnc_source){0};
}

static int open_part(const struct lnc_store *store, const char *path, struct lnc_source *out,
                     struct lnc_error *err)
{
    struct fuzz_table *table = store->private_data;
    struct fuzz_part *part = &table->data;
    (void)err;
    if (strstr(path, "/_versions/") != NULL)
        part = &table->manifest;
    else if (strstr(path, "/_deletions/") != NULL)
        part = &table->deletion;
    *out = (struct lnc_source){
        .size = part->size, .read_at = read_part, .release = release_part, .private_data = part};
    return LNC_OK;
}

static int list_parts(const struct lnc_store *store, const char *path, lnc_list_fn each,
                      void *context, struct lnc_error *err)
{
    const struct fuzz_table *table = store->private_data;
    char name[40];
    (void)path;
    (void)snprintf(name, sizeof name, "%" PRIu64 ".manifest", table->version);
    return each(context, name, false, err);
}

struct lnc_dataset *fuzz_open(struct fuzz_table *table, struct lnc_store *store)
{
    *store = (struct lnc_store){.open = open_part, .list = list_parts, .private_data = table};
    struct lnc_options options = {.store = store, .limits = {.alloc_bytes_max = FUZZ_ALLOC_MAX}};
    struct lnc_dataset *ds = NULL;
    struct lnc_error err = {0};
    int rc = lnc_dataset_open("t.lance", &options, &ds, &err);
    promise(rc == LNC_OK ? ds != NULL : ds == NULL && err.code == rc && err.message[0] != '\0');
    return ds;
}

static unsigned touch(const uint8_t *bytes, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

/* The promises of lnc_batch.h for one column; false ends nothing, the caller aborts. */
static unsigned touch_column(const struct lnc_column *column, size_t n_rows)
{
    unsigned sum = 0;
    size_t n_nulls = 0;
    for (size_t row = 0; column->validity != NULL && row < n_rows; row++) {
        promise(column->validity[row] <= 1);
        n_nulls += column->validity[row] == 0;
    }
    promise(column->kind == LNC_KIND_NULL || n_nulls == column->n_nulls);
    if (column->values != NULL)
        sum += touch(column->values, n_rows * column->byte_width);
    if (column->offsets != NULL) {
        promise(column->offsets[0] == 0);
        for (size_t row = 0; row < n_rows; row++)
            promise(column->offsets[row] <= column->offsets[row + 1]);
        if (column->kind == LNC_KIND_STRING || column->kind == LNC_KIND_BINARY) {
            promise(column->bytes != NULL);
            sum += touch(column->bytes, (size_t)column->offsets[n_rows]);
        }
    }
    return sum;
}

static unsigned touch_tree(const struct lnc_column *column, size_t n_rows, unsigned depth)
{
    unsigned sum = touch_column(column, n_rows);
    promise(depth < DEPTH_MAX);
    for (size_t i = 0; i < column->n_children; i++) {
        const struct lnc_column *child = &column->children[i];
        size_t n = column->kind == LNC_KIND_STRUCT ? n_rows : (size_t)column->offsets[n_rows];
        promise(child->n_rows == n);
        sum += touch_tree(child, n, depth + 1);
    }
    return sum;
}

void fuzz_scan(const struct lnc_dataset *ds)
{
    const char *names[COLUMNS_MAX];
    size_t n = 0;
    uint64_t n_rows = 0;
    (void)lnc_dataset_count_rows(ds, &n_rows, NULL);
    for (size_t i = 0; i < lnc_dataset_n_columns(ds) && n < COLUMNS_MAX; i++) {
        if (lnc_dataset_column(ds, i)->kind != LNC_KIND_UNREADABLE)
            names[n++] = lnc_dataset_column(ds, i)->name;
    }
    struct lnc_scan_options options = {.columns = names, .n_columns = n};
    struct lnc_scan *scan = NULL;
    struct lnc_error err = {0};
    if (lnc_scan_open(ds, &options, &scan, &err) != LNC_OK)
        return;
    for (uint64_t total = 0; total < FUZZ_ROWS_MAX;) {
        struct lnc_batch batch = {0};
        int rc = lnc_scan_next(scan, &batch, &err);
        promise(rc == LNC_OK || (rc == err.code && err.message[0] != '\0' && batch.n_rows == 0));
        promise(rc != LNC_OK || batch.n_rows == 0 || batch.first_row == total);
        for (size_t i = 0; i < batch.n_columns; i++)
            fuzz_use(touch_tree(&batch.columns[i], batch.n_rows, 0));
        size_t got = batch.n_rows;
        lnc_batch_release(&batch);
        if (rc != LNC_OK || got == 0)
            break;
        total += got;
    }
    lnc_scan_close(scan);
}

uint32_t fuzz_take(struct fuzz_input *in, size_t n_bytes)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n_bytes && in->size > 0; i++) {
        value |= (uint32_t)*in->data << (8 * i);
        in->data++;
        in->size--;
    }
    return value;
}

struct fuzz_part fuzz_take_part(struct fuzz_input *in, size_t n)
{
    struct fuzz_part part = {.bytes = in->data, .size = n < in->size ? n : in->size};
    in->data += part.size;
    in->size -= part.size;
    return part;
}

void fuzz_put(struct fuzz_file *file, const void *bytes, size_t n)
{
    if (n > file->room - file->size) {
        file->room = 2 * (file->size + n);
        uint8_t *grown = realloc(file->bytes, file->room);
        promise(grown != NULL);
        file->bytes = grown;
    }
    if (n > 0)
        memcpy(file->bytes + file->size, bytes, n);
    file->size += n;
}

void fuzz_put_int(struct fuzz_file *file, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        fuzz_put(file, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

void fuzz_put_varint(struct fuzz_file *file, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        fuzz_put(file, &(uint8_t){(uint8_t)(value | 128)}, 1);
    fuzz_put(file, &(uint8_t){(uint8_t)value}, 1);
}

void fuzz_put_number(struct fuzz_file *file, unsigned field, uint64_t value)
{
    fuzz_put_varint(file, (uint64_t)field << 3);
    fuzz_put_varint(file, value);
}

void fuzz_put_bytes(struct fuzz_file *file, unsigned field, const void *bytes, size_t n)
{
    fuzz_put_varint(file, (uint64_t)field << 3 | 2);
    fuzz_put_varint(file, n);
    fuzz_put(file, bytes, n);
}

void fuzz_put_text(struct fuzz_file *file, unsigned field, const char *text)
{
    fuzz_put_bytes(file, field, text, strlen(text));
}

void fuzz_put_message(struct fuzz_file *file, unsigned field, struct fuzz_file *message)
{
    fuzz_put_bytes(file, field, message->bytes, message->size);
    fuzz_file_release(message);
}

void fuzz_file_release(struct fuzz_file *file)
{
    free(file->bytes);
    *file = (struct fuzz_file){0};
}

void fuzz_put_manifest(struct fuzz_file *file, const void *message, size_t n)
{
    size_t position = file->size;
    fuzz_put_int(file, n, 4);
    fuzz_put(file, message, n);
    fuzz_put_int(file, position, 8);
    fuzz_put_int(file, 0, 2);
    fuzz_put_int(file, 1, 2);
    fuzz_put(file, "LANC", 4);
}
