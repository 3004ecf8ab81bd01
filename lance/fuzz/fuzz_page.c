/*
 * fuzz_page.c - the page decoders. The files around a page are always right, so that mutations
 * reach its description and its buffers. One target for each layout, by LNC_FUZZ_LAYOUT: 1
 * mini-block, 2 constant, 3 full-zip (as the numbers of PageLayout), 20 the array encodings of 2.0,
 * 10 the batches of 0.1 files.
 *
 * Input: u8 which of the schemas below, u8 width or dimension for those that have one, u32 rows.
 * 2.x: then for each column of the file u32 length of its page, u16 size of the description, u8
 * number of buffers, u32 size of each, and then the description and the buffers.
 * 0.1: u8 number of batches less 1, u32 for each boundary between batches but the first, u32
 * position and u32 length of each batch of each field, and what is left stands at the start of the
 * file.
 */
#include "fuzz_store.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifndef LNC_FUZZ_LAYOUT
#define LNC_FUZZ_LAYOUT 1
#endif
#define IS_LEGACY   (LNC_FUZZ_LAYOUT == 10)
#define IS_20       (LNC_FUZZ_LAYOUT == 20)
#define BUFFERS_MAX 8
#define BATCHES_MAX 4
#define FIELDS_MAX  5
#define BLOB        "large_binary, a blob"

/* Field ids are 0, 1, ... in this order. has_column: in 2.1 and later; older files have one for
 * every field. make_seeds.mjs repeats the order of the schemas. */
static const struct schema {
    size_t n_fields;
    struct {
        const char *type;
        int parent;
        bool has_column;
    } field[FIELDS_MAX];
} schemas[] = {
    {1, {{"int32", -1, true}}},
    {1, {{"int64", -1, true}}},
    {1, {{"string", -1, true}}},
    {1, {{"bool", -1, true}}},
    {1, {{"double", -1, true}}},
    {1, {{"binary", -1, true}}},
    {1, {{"uint8", -1, true}}},
    {1, {{"int16", -1, true}}},
    {1, {{"null", -1, true}}},
    {1, {{"dict:string:int32:false", -1, true}}},
    {1, {{"fixed_size_list:float:%u", -1, true}}},
    {1, {{"fixed_size_binary:%u", -1, true}}},
    {1, {{"large_string", -1, true}}},
    {2, {{"list", -1, false}, {"int32", 0, true}}},
    {2, {{"list", -1, false}, {"string", 0, true}}},
    {2, {{"struct", -1, false}, {"int32", 0, true}}},
    {3, {{"list.struct", -1, false}, {"struct", 0, false}, {"string", 1, true}}},
    {3, {{"list", -1, false}, {"list", 0, false}, {"int64", 1, true}}},
    {3, {{"struct", -1, false}, {"string", 0, true}, {"int32", 0, true}}},
    {1, {{"decimal:128:38:2", -1, true}}},
    {1, {{"fixed_size_list:bool:%u", -1, true}}},
    {1, {{"fixed_size_list:timestamp:us:UTC:%u", -1, true}}},
    {1, {{BLOB, -1, true}}},
    {5,
     {{"struct", -1, true},
      {"int32", 0, false},
      {"string", 0, false},
      {"fixed_size_list:float:%u", 0, false},
      {"large_binary", 0, false}}},
};

static void put_field(struct fuzz_file *manifest, const struct schema *schema, size_t i,
                      unsigned width)
{
    struct fuzz_file message = {0};
    char type[64];
    const char *pattern = schema->field[i].type;
    const char *number = strstr(pattern, "%u");
    if (number != NULL)
        (void)snprintf(type, sizeof type, "%.*s%u", (int)(number - pattern), pattern, width);
    else
        (void)snprintf(type, sizeof type, "%s", pattern);
    fuzz_put_text(&message, 2, schema->field[i].parent >= 0 ? "item" : "c");
    fuzz_put_number(&message, 3, i);
    fuzz_put_number(&message, 4, (uint64_t)(int64_t)schema->field[i].parent);
    if (strcmp(type, BLOB) == 0) {
        struct fuzz_file metadata = {0};
        fuzz_put_text(&metadata, 1, "lance-encoding:blob");
        fuzz_put_text(&metadata, 2, "true");
        fuzz_put_message(&message, 10, &metadata);
        (void)snprintf(type, sizeof type, "large_binary");
    }
    fuzz_put_text(&message, 5, type);
    fuzz_put_number(&message, 6, 1);
    if (IS_LEGACY)
        fuzz_put_number(&message, 7, strstr(type, "string") != NULL ? 2 : 1);
    fuzz_put_message(manifest, 1, &message);
}

static size_t put_ids(struct fuzz_file *file, const struct schema *schema)
{
    size_t n_columns = 0;
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (IS_LEGACY || IS_20 || schema->field[i].has_column)
            fuzz_put_number(file, 2, i);
    }
    for (size_t i = 0; i < schema->n_fields && !IS_LEGACY; i++) {
        if (IS_20 || schema->field[i].has_column)
            fuzz_put_number(file, 3, n_columns++);
    }
    return n_columns;
}

/* The manifest of one fragment with one data file; returns the columns of the file. */
static size_t put_table(struct fuzz_file *out, const struct schema *schema, unsigned width,
                        uint32_t n_rows)
{
    struct fuzz_file manifest = {0};
    struct fuzz_file file = {0};
    struct fuzz_file fragment = {0};
    struct fuzz_file writer = {0};
    for (size_t i = 0; i < schema->n_fields; i++)
        put_field(&manifest, schema, i, width);
    fuzz_put_text(&file, 1, "a.lance");
    size_t n_columns = put_ids(&file, schema);
    fuzz_put_number(&file, 4, IS_LEGACY ? 0 : 2);
    fuzz_put_number(&file, 5, IS_LEGACY || IS_20 ? 0 : 2);
    fuzz_put_message(&fragment, 2, &file);
    fuzz_put_number(&fragment, 4, n_rows);
    fuzz_put_message(&manifest, 2, &fragment);
    fuzz_put_number(&manifest, 3, 1);
    fuzz_put_text(&writer, 1, "lance");
    fuzz_put_text(&writer, 2, "12.0.0");
    fuzz_put_message(&manifest, 13, &writer);
    fuzz_put_manifest(out, manifest.bytes, manifest.size);
    fuzz_file_release(&manifest);
    return n_columns;
}

/* Puts the buffers of a page to the file and its description to the metadata of its column. */
static void put_page(struct fuzz_file *data, struct fuzz_file *column, struct fuzz_input *in,
                     bool is_blob)
{
    struct fuzz_file page = {0};
    struct fuzz_file any = {0};
    struct fuzz_file layout = {0};
    struct fuzz_file direct = {0};
    struct fuzz_file encoding = {0};
    uint32_t sizes[BUFFERS_MAX];
    uint32_t n_rows = fuzz_take(in, 4);
    uint32_t description_size = fuzz_take(in, 2);
    uint32_t n = fuzz_take(in, 1) % (BUFFERS_MAX + 1);
    for (uint32_t i = 0; i < n; i++)
        sizes[i] = fuzz_take(in, 4);
    struct fuzz_part description = fuzz_take_part(in, description_size);
    for (uint32_t i = 0; i < n; i++) {
        struct fuzz_part buffer = fuzz_take_part(in, sizes[i]);
        fuzz_put_number(&page, 1, data->size);
        fuzz_put_number(&page, 2, buffer.size);
        fuzz_put(data, buffer.bytes, buffer.size);
    }
    fuzz_put_number(&page, 3, n_rows);
    fuzz_put_text(&any, 1,
                  IS_20 ? "/lance.encodings.ArrayEncoding" : "/lance.encodings21.PageLayout");
    if (IS_20)
        fuzz_put(&layout, description.bytes, description.size);
    else
        fuzz_put_bytes(&layout, LNC_FUZZ_LAYOUT, description.bytes, description.size);
    /* Blobs of version 1 have a layout of their own around that of their descriptions. */
    if (is_blob && LNC_FUZZ_LAYOUT == 1) {
        struct fuzz_file blob = {0};
        fuzz_put_message(&blob, 1, &layout);
        fuzz_put_number(&blob, 2, 3);
        fuzz_put_message(&layout, 4, &blob);
    }
    fuzz_put_message(&any, 2, &layout);
    fuzz_put_message(&direct, 1, &any);
    fuzz_put_message(&encoding, 2, &direct);
    fuzz_put_message(&page, 4, &encoding);
    fuzz_put_message(column, 2, &page);
}

static void put_pages(struct fuzz_file *data, struct fuzz_input *in, size_t n_columns, bool is_blob)
{
    struct fuzz_file metadata[FIELDS_MAX] = {{0}};
    struct fuzz_file table = {0};
    for (size_t i = 0; i < n_columns; i++)
        put_page(data, &metadata[i], in, is_blob);
    uint64_t start = data->size;
    for (size_t i = 0; i < n_columns; i++) {
        fuzz_put_int(&table, data->size, 8);
        fuzz_put_int(&table, metadata[i].size, 8);
        fuzz_put(data, metadata[i].bytes, metadata[i].size);
        fuzz_file_release(&metadata[i]);
    }
    uint64_t at = data->size;
    fuzz_put(data, table.bytes, table.size);
    fuzz_file_release(&table);
    fuzz_put_int(data, start, 8);
    fuzz_put_int(data, at, 8);
    fuzz_put_int(data, data->size - 16, 8);
    fuzz_put_int(data, 0, 4);
    fuzz_put_int(data, n_columns, 4);
    fuzz_put_int(data, IS_20 ? 0 : 2, 2);
    fuzz_put_int(data, IS_20 ? 3 : 2, 2);
    fuzz_put(data, "LANC", 4);
}

static void put_batches(struct fuzz_file *data, struct fuzz_input *in, const struct schema *schema,
                        uint32_t n_rows)
{
    struct fuzz_file table = {0};
    struct fuzz_file metadata = {0};
    uint32_t n_batches = fuzz_take(in, 1) % BATCHES_MAX + 1;
    fuzz_put_number(&metadata, 2, 0);
    for (uint32_t i = 1; i < n_batches; i++)
        fuzz_put_number(&metadata, 2, fuzz_take(in, 4));
    fuzz_put_number(&metadata, 2, n_rows);
    for (uint32_t i = 0; i < n_batches * schema->n_fields; i++) {
        fuzz_put_int(&table, fuzz_take(in, 4), 8);
        fuzz_put_int(&table, fuzz_take(in, 4), 8);
    }
    fuzz_put(data, in->data, in->size);
    fuzz_put_number(&metadata, 3, data->size);
    fuzz_put(data, table.bytes, table.size);
    fuzz_put_manifest(data, metadata.bytes, metadata.size);
    fuzz_file_release(&table);
    fuzz_file_release(&metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {.data = data, .size = size};
    struct fuzz_file manifest = {0};
    struct fuzz_file file = {0};
    struct lnc_store store;
    const struct schema *schema =
        &schemas[fuzz_take(&in, 1) % (sizeof schemas / sizeof schemas[0])];
    unsigned width = fuzz_take(&in, 1);
    uint32_t n_rows = fuzz_take(&in, 4);
    size_t n_columns = put_table(&manifest, schema, width, n_rows);
    if (IS_LEGACY)
        put_batches(&file, &in, schema, n_rows);
    else
        put_pages(&file, &in, n_columns, strcmp(schema->field[0].type, BLOB) == 0);
    struct fuzz_table table = {
        .manifest = {.bytes = manifest.bytes, .size = manifest.size},
        .data = {.bytes = file.bytes, .size = file.size},
        .version = 1,
    };
    struct lnc_dataset *ds = fuzz_open(&table, &store);
    if (ds != NULL)
        fuzz_scan(ds);
    lnc_dataset_close(ds);
    fuzz_file_release(&manifest);
    fuzz_file_release(&file);
    return 0;
}
