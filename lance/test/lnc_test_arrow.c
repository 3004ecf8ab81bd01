/*
 * Arrow's C structures: what the specification of the C data interface asks of a producer, on
 * batches made by hand and on tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lnc/lnc.h"

#define DATA     LNC_TEST_DATA
#define ROWS_MAX 200

static struct lnc_error error;

/* -- batches made by hand -- */

static int n_released;

static void release_hand_made(struct lnc_batch *batch)
{
    n_released++;
    *batch = (struct lnc_batch){0};
}

static struct lnc_batch batch_of(struct lnc_column *columns, size_t n, size_t n_rows)
{
    return (struct lnc_batch){
        .n_rows = n_rows, .n_columns = n, .columns = columns, .release = release_hand_made};
}

static struct ArrowArray export_one(struct lnc_column *column)
{
    struct lnc_batch batch = batch_of(column, 1, column->n_rows);
    struct ArrowArray array = {.release = NULL};
    n_released = 0;
    assert_int_equal(lnc_arrow_array(&batch, &array, &error), LNC_OK);
    assert_null(batch.release);
    assert_int_equal(batch.n_rows, 0);
    assert_int_equal(array.n_children, 1);
    assert_int_equal(array.n_buffers, 1);
    assert_null(array.buffers[0]);
    assert_int_equal(array.null_count, 0);
    assert_int_equal(array.length, (int64_t)column->n_rows);
    return array;
}

static void release_one(struct ArrowArray *array)
{
    assert_int_equal(n_released, 0);
    array->release(array);
    assert_null(array->release);
    assert_int_equal(n_released, 1);
}

static bool bit(const void *bits, size_t i)
{
    return (((const uint8_t *)bits)[i / 8] >> (i % 8) & 1) != 0;
}

/* Kinds whose values are handed on as they lie. */
static void test_fixed_width(void **state)
{
    static const struct {
        enum lnc_kind kind;
        uint32_t width;
    } cases[] = {{LNC_KIND_INT8, 1},      {LNC_KIND_INT16, 2},    {LNC_KIND_INT32, 4},
                 {LNC_KIND_INT64, 8},     {LNC_KIND_UINT8, 1},    {LNC_KIND_UINT16, 2},
                 {LNC_KIND_UINT32, 4},    {LNC_KIND_UINT64, 8},   {LNC_KIND_HALF, 2},
                 {LNC_KIND_FLOAT, 4},     {LNC_KIND_DOUBLE, 8},   {LNC_KIND_DATE32, 4},
                 {LNC_KIND_DATE64, 8},    {LNC_KIND_TIME32, 4},   {LNC_KIND_TIME64, 8},
                 {LNC_KIND_TIMESTAMP, 8}, {LNC_KIND_DURATION, 8}, {LNC_KIND_DECIMAL, 16},
                 {LNC_KIND_DECIMAL, 32},  {LNC_KIND_BYTES, 7}};
    static const uint8_t values[32 * 3];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_column column = {.name = "c",
                                    .kind = cases[i].kind,
                                    .byte_width = cases[i].width,
                                    .values = values,
                                    .n_rows = 3};
        struct ArrowArray array = export_one(&column);
        const struct ArrowArray *child = array.children[0];
        assert_int_equal(child->n_buffers, 2);
        assert_null(child->buffers[0]);
        assert_ptr_equal(child->buffers[1], values);
        assert_int_equal(child->n_children, 0);
        assert_int_equal(child->offset, 0);
        assert_null(child->dictionary);
        release_one(&array);
    }
}

/* Every length around the bytes and words of a bitmap. */
static void test_bitmaps_of_all_lengths(void **state)
{
    uint8_t valid[ROWS_MAX];
    uint8_t values[ROWS_MAX];
    (void)state;
    for (size_t n = 0; n < ROWS_MAX; n++) {
        size_t n_nulls = 0;
        for (size_t i = 0; i < n; i++) {
            valid[i] = i % 3 != 1;
            values[i] = i % 5 == 2;
            n_nulls += valid[i] == 0;
        }
        struct lnc_column column = {.name = "c",
                                    .kind = LNC_KIND_BOOL,
                                    .byte_width = 1,
                                    .n_nulls = n_nulls,
                                    .validity = n_nulls > 0 ? valid : NULL,
                                    .values = values,
                                    .n_rows = n};
        struct ArrowArray array = export_one(&column);
        const struct ArrowArray *child = array.children[0];
        assert_int_equal(child->length, (int64_t)n);
        assert_int_equal(child->null_count, (int64_t)n_nulls);
        assert_true((child->buffers[0] != NULL) == (n_nulls > 0));
        for (size_t i = 0; i < n; i++) {
            assert_true(bit(child->buffers[1], i) == (values[i] != 0));
            if (n_nulls > 0)
                assert_true(bit(child->buffers[0], i) == (valid[i] != 0));
        }
        /* Padding bits are zero, and room is a multiple of 8 bytes: ASan looks at the read. */
        for (size_t i = n; i < (n / 64 + 1) * 64; i++)
            assert_false(bit(child->buffers[1], i));
        release_one(&array);
    }
}

static void test_strings_and_null(void **state)
{
    static const uint64_t offsets[] = {0, 1, 1, 4};
    static const uint8_t valid[] = {1, 0, 1};
    static const uint8_t bytes[] = "abcd";
    struct lnc_column columns[] = {{.name = "s",
                                    .kind = LNC_KIND_STRING,
                                    .n_nulls = 1,
                                    .validity = valid,
                                    .offsets = offsets,
                                    .bytes = bytes,
                                    .n_rows = 3},
                                   {.name = "z",
                                    .kind = LNC_KIND_BINARY,
                                    .is_large = true,
                                    .offsets = offsets,
                                    .bytes = bytes,
                                    .n_rows = 3},
                                   {.name = "n", .kind = LNC_KIND_NULL, .n_nulls = 3, .n_rows = 3}};
    struct lnc_batch batch = batch_of(columns, 3, 3);
    struct ArrowArray array;
    (void)state;
    n_released = 0;
    assert_int_equal(lnc_arrow_array(&batch, &array, &error), LNC_OK);
    assert_int_equal(array.n_children, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(array.children[i]->n_buffers, 3);
        assert_ptr_equal(array.children[i]->buffers[2], bytes);
    }
    /* 32 bits unless the type is declared large. */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(((const int32_t *)array.children[0]->buffers[1])[i], (int32_t)offsets[i]);
    assert_ptr_equal(array.children[1]->buffers[1], offsets);
    assert_int_equal(array.children[0]->null_count, 1);
    assert_int_equal(*(const uint8_t *)array.children[0]->buffers[0], 5);
    /* The null type has no buffers at all, and all of it is null. */
    assert_int_equal(array.children[2]->n_buffers, 0);
    assert_int_equal(array.children[2]->null_count, 3);
    release_one(&array);
}

static void test_vectors(void **state)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    static const uint8_t valid[] = {1, 0};
    static const uint8_t items[] = {1, 0, 1, 1, 1, 0};
    struct lnc_column column = {.name = "v",
                                .kind = LNC_KIND_VECTOR,
                                .item_kind = LNC_KIND_FLOAT,
                                .n_items = 3,
                                .byte_width = 12,
                                .n_nulls = 1,
                                .validity = valid,
                                .values = values,
                                .n_rows = 2};
    (void)state;
    for (int with_items = 0; with_items < 2; with_items++) {
        column.items_valid = with_items != 0 ? items : NULL;
        struct ArrowArray array = export_one(&column);
        const struct ArrowArray *child = array.children[0];
        assert_int_equal(child->n_buffers, 1);
        assert_int_equal(child->null_count, 1);
        assert_int_equal(child->n_children, 1);
        assert_int_equal(child->children[0]->length, 6);
        assert_int_equal(child->children[0]->null_count, with_items != 0 ? 2 : 0);
        assert_true((child->children[0]->buffers[0] != NULL) == (with_items != 0));
        assert_ptr_equal(child->children[0]->buffers[1], values);
        release_one(&array);
    }
}

/* A list, a large list and a map of struct<a: int32, b: bool>, with an empty and a null one. */
static void test_nested(void **state)
{
    static const uint64_t offsets[] = {0, 2, 2, 2, 3};
    static const uint8_t valid[] = {1, 0, 1, 1};
    static const int32_t a[] = {7, 8, 9};
    static const uint8_t b[] = {1, 0, 1};
    struct lnc_column fields[] = {
        {.name = "a", .kind = LNC_KIND_INT32, .byte_width = 4, .values = a, .n_rows = 3},
        {.name = "b", .kind = LNC_KIND_BOOL, .byte_width = 1, .values = b, .n_rows = 3}};
    struct lnc_column item = {
        .name = "item", .kind = LNC_KIND_STRUCT, .n_rows = 3, .children = fields, .n_children = 2};
    struct lnc_column column = {.name = "l",
                                .n_nulls = 1,
                                .validity = valid,
                                .offsets = offsets,
                                .n_rows = 4,
                                .children = &item,
                                .n_children = 1};
    (void)state;
    for (int i = 0; i < 3; i++) {
        column.kind = i == 2 ? LNC_KIND_MAP : LNC_KIND_LIST;
        column.is_large = i == 1;
        struct ArrowArray array = export_one(&column);
        const struct ArrowArray *list = array.children[0];
        assert_int_equal(list->n_buffers, 2);
        assert_int_equal(list->null_count, 1);
        assert_int_equal(list->n_children, 1);
        if (column.is_large)
            assert_ptr_equal(list->buffers[1], offsets);
        for (size_t k = 0; !column.is_large && k < 5; k++)
            assert_int_equal(((const int32_t *)list->buffers[1])[k], (int32_t)offsets[k]);
        assert_int_equal(list->children[0]->length, 3);
        assert_int_equal(list->children[0]->n_buffers, 1);
        assert_int_equal(list->children[0]->n_children, 2);
        assert_ptr_equal(list->children[0]->children[0]->buffers[1], a);
        assert_int_equal(*(const uint8_t *)list->children[0]->children[1]->buffers[1], 5);
        release_one(&array);
    }
}

/* A consumer may move children out, release the parent, and release them later in any order. */
static void test_moved_children(void **state)
{
    static const int32_t values[] = {1, 2};
    struct lnc_column columns[3];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        columns[i] = (struct lnc_column){
            .name = "c", .kind = LNC_KIND_INT32, .byte_width = 4, .values = values, .n_rows = 2};
    struct lnc_batch batch = batch_of(columns, 3, 2);
    struct ArrowArray array;
    struct ArrowArray moved[2];
    n_released = 0;
    assert_int_equal(lnc_arrow_array(&batch, &array, &error), LNC_OK);
    for (size_t i = 0; i < 2; i++) {
        moved[i] = *array.children[2 - i];
        array.children[2 - i]->release = NULL;
    }
    array.release(&array);
    assert_int_equal(n_released, 0);
    assert_int_equal(((const int32_t *)moved[1].buffers[1])[1], 2);
    moved[1].release(&moved[1]);
    assert_null(moved[1].release);
    assert_int_equal(n_released, 0);
    moved[0].release(&moved[0]);
    assert_int_equal(n_released, 1);
}

static void test_too_large_maps(void **state)
{
    static const uint64_t offsets[] = {0, (uint64_t)1 << 31};
    struct lnc_column item = {.name = "e", .kind = LNC_KIND_STRUCT, .n_rows = (size_t)1 << 31};
    struct lnc_column column = {.name = "m",
                                .kind = LNC_KIND_MAP,
                                .offsets = offsets,
                                .n_rows = 1,
                                .children = &item,
                                .n_children = 1};
    struct lnc_batch batch = batch_of(&column, 1, 1);
    struct ArrowArray array = {.release = NULL};
    (void)state;
    n_released = 0;
    assert_int_equal(lnc_arrow_array(&batch, &array, &error), LNC_ELIMIT);
    assert_null(array.release);
    assert_non_null(batch.release);
    assert_int_equal(batch.n_rows, 1);
    assert_int_equal(n_released, 0);
    lnc_batch_release(&batch);
}

static void test_too_deep(void **state)
{
    struct lnc_column columns[200];
    (void)state;
    for (size_t i = 0; i < 200; i++)
        columns[i] = (struct lnc_column){.name = "s",
                                         .kind = LNC_KIND_STRUCT,
                                         .n_rows = 1,
                                         .children = i < 199 ? &columns[i + 1] : NULL,
                                         .n_children = i < 199};
    struct lnc_batch batch = batch_of(columns, 1, 1);
    struct ArrowArray array = {.release = NULL};
    n_released = 0;
    assert_int_equal(lnc_arrow_array(&batch, &array, &error), LNC_ELIMIT);
    assert_int_equal(n_released, 0);
    lnc_batch_release(&batch);
}

/* -- tables -- */

static void check_schema(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    assert_non_null(schema->release);
    assert_non_null(schema->format);
    assert_non_null(schema->name);
    assert_int_equal(schema->flags & ~ARROW_FLAG_NULLABLE, 0);
    assert_int_equal(schema->n_children, array->n_children);
    assert_true(array->null_count >= 0 && array->null_count <= array->length);
    for (int64_t i = 0; i < schema->n_children; i++)
        check_schema(schema->children[i], array->children[i]);
}

/* Schema and arrays of every sample table go together, the schema outlives the dataset, and the
 * stream ends with a released array. */
static void test_streams(void **state)
{
    static const struct {
        const char *path;
        int64_t n_rows;
    } cases[] = {{DATA "/legacy/types.lance", 20}, {DATA "/2.0/types.lance", 20},
                 {DATA "/2.2/types.lance", 20},    {DATA "/2.2/nested.lance", 5},
                 {DATA "/2.1/deleted.lance", 30},  {DATA "/2.2/bitmap.lance", 20}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_dataset *ds = NULL;
        struct ArrowArrayStream stream;
        struct ArrowSchema schema;
        struct ArrowArray array;
        int64_t n_rows = 0;
        const struct lnc_scan_options what = {.batch_rows = 7};
        assert_int_equal(lnc_dataset_open(cases[i].path, NULL, &ds, &error), LNC_OK);
        assert_int_equal(lnc_arrow_stream(ds, &what, &stream, &error), LNC_OK);
        assert_int_equal(stream.get_schema(&stream, &schema), 0);
        assert_string_equal(schema.format, "+s");
        for (;;) {
            assert_int_equal(stream.get_next(&stream, &array), 0);
            if (array.release == NULL)
                break;
            check_schema(&schema, &array);
            n_rows += array.length;
            array.release(&array);
        }
        assert_int_equal(n_rows, cases[i].n_rows);
        assert_null(stream.get_last_error(&stream));
        stream.release(&stream);
        assert_null(stream.release);
        lnc_dataset_close(ds);
        schema.release(&schema);
        assert_null(schema.release);
    }
}

static void test_formats(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct ArrowSchema schema;
    (void)state;
    assert_int_equal(lnc_dataset_open(DATA "/2.2/types.lance", NULL, &ds, &error), LNC_OK);
    assert_int_equal(lnc_arrow_schema(ds, NULL, 0, &schema, &error), LNC_OK);
    size_t n_checked = 0;
    for (int64_t i = 0; i < schema.n_children; i++) {
        static const struct {
            const char *type;
            const char *format;
        } pairs[] = {{"null", "n"},        {"bool", "b"},         {"int8", "c"},
                     {"int16", "s"},       {"int32", "i"},        {"int64", "l"},
                     {"uint8", "C"},       {"uint16", "S"},       {"uint32", "I"},
                     {"uint64", "L"},      {"halffloat", "e"},    {"float", "f"},
                     {"double", "g"},      {"string", "u"},       {"large_string", "U"},
                     {"binary", "z"},      {"date32:day", "tdD"}, {"timestamp:us:-", "tsu:"},
                     {"time64:ns", "ttn"}, {"duration:ms", "tDm"}};
        const struct ArrowSchema *child = schema.children[i];
        size_t index = 0;
        assert_int_equal(lnc_dataset_find_column(ds, child->name, &index, &error), LNC_OK);
        const struct lnc_column_info *info = lnc_dataset_column(ds, index);
        for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++) {
            if (strcmp(pairs[k].type, info->logical_type) != 0)
                continue;
            assert_string_equal(child->format, pairs[k].format);
            n_checked++;
        }
    }
    assert_true(n_checked > 8);
    /* A child may be moved out of a schema, too. */
    struct ArrowSchema moved = *schema.children[0];
    schema.children[0]->release = NULL;
    schema.release(&schema);
    lnc_dataset_close(ds);
    assert_true(moved.name[0] != '\0');
    moved.release(&moved);
}

/* The pairs of a schema or column in Arrow's form, searched for one. */
static bool has_pair(const char *metadata, const char *key, const char *value)
{
    int32_t n = 0;
    int32_t size = 0;
    if (metadata != NULL)
        memcpy(&n, metadata, sizeof n);
    for (const char *p = metadata != NULL ? metadata + sizeof n : NULL; n > 0; n--) {
        bool same = true;
        for (int part = 0; part < 2; part++) {
            const char *wanted = part == 0 ? key : value;
            memcpy(&size, p, sizeof size);
            p += sizeof size;
            same = same && (size_t)size == strlen(wanted) && memcmp(p, wanted, (size_t)size) == 0;
            p += size;
        }
        if (same)
            return true;
    }
    return false;
}

static void test_metadata(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct ArrowSchema schema;
    const char *columns[] = {"zstd", "lz4"};
    size_t n = 1;
    (void)state;
    assert_int_equal(lnc_dataset_open(DATA "/python/2.2/asked.lance", NULL, &ds, &error), LNC_OK);
    assert_null(lnc_dataset_metadata(ds, &n));
    assert_int_equal(n, 0);
    assert_int_equal(lnc_arrow_schema(ds, columns, 2, &schema, &error), LNC_OK);
    assert_true(has_pair(schema.children[0]->metadata, "lance-encoding:compression", "zstd"));
    assert_false(has_pair(schema.children[0]->metadata, "lance-encoding:compression", "lz4"));
    assert_true(has_pair(schema.children[1]->metadata, "lance-encoding:compression", "lz4"));
    assert_null(schema.metadata);
    lnc_dataset_close(ds);
    schema.release(&schema);
}

static void test_refusals(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream;
    const char *columns[] = {"nowhere"};
    const struct lnc_scan_options what = {.columns = columns, .n_columns = 1};
    (void)state;
    assert_int_equal(lnc_dataset_open(DATA "/2.2/types.lance", NULL, &ds, &error), LNC_OK);
    assert_int_equal(lnc_arrow_schema(ds, columns, 1, &schema, &error), LNC_ENOENT);
    assert_int_equal(lnc_arrow_stream(ds, &what, &stream, &error), LNC_ENOENT);
    assert_non_null(strstr(error.message, "nowhere"));
    lnc_dataset_close(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_width),      cmocka_unit_test(test_bitmaps_of_all_lengths),
        cmocka_unit_test(test_strings_and_null), cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_nested),           cmocka_unit_test(test_moved_children),
        cmocka_unit_test(test_too_large_maps),   cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_streams),          cmocka_unit_test(test_formats),
        cmocka_unit_test(test_metadata),         cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
