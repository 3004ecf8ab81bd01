/*
 * Reading the committed samples, and what users are told when something is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "expect.h"
#include "lnc/lnc.h"

#define DATA LNC_TEST_DATA

static void assert_says(const struct lnc_error *err, int code, const char *text)
{
    assert_int_equal(err->code, code);
    if (strstr(err->message, text) == NULL)
        fail_msg("'%s' does not say '%s'", err->message, text);
}

/* Every sample, with several batch sizes, equals what the official client read. */
static void test_samples(void **state)
{
    static const char *const samples[] = {
        "legacy/chunks", "legacy/types", "legacy/deleted", "2.0/chunks", "2.0/types",
        "2.0/deleted",   "2.1/chunks",   "2.1/deleted",    "2.2/chunks", "2.2/types",
        "2.2/deleted",   "2.2/bitmap",   "2.2/nested"};
    static const size_t batch_rows[] = {0, 1, 7};
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char path[512];
        char jsonl[512];
        (void)snprintf(path, sizeof path, DATA "/%s.lance", samples[i]);
        (void)snprintf(jsonl, sizeof jsonl, DATA "/%s.jsonl", samples[i]);
        for (size_t k = 0; k < sizeof batch_rows / sizeof batch_rows[0]; k++) {
            struct expect_result result;
            if (expect_table(path, jsonl, batch_rows[k], &result) != 0)
                fail_msg("%s: %s", path, result.message);
            assert_true(result.n_rows > 0);
        }
    }
}

static void test_database(void **state)
{
    struct lnc_database *db = NULL;
    struct lnc_dataset *ds = NULL;
    struct lnc_error err;
    (void)state;
    assert_int_equal(lnc_database_open(DATA "/2.2/", NULL, &db, &err), LNC_OK);
    assert_int_equal(lnc_database_n_tables(db), 5);
    assert_string_equal(lnc_database_table(db, 0), "bitmap");
    assert_string_equal(lnc_database_table(db, 4), "types");
    assert_int_equal(lnc_database_open_table(db, "chunk", &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT,
                "no table 'chunk'; the tables are: bitmap, chunks, deleted, nested, types");
    assert_int_equal(lnc_database_open_table(db, "../2.0/chunks", &ds, &err), LNC_ENOENT);
    assert_int_equal(lnc_database_open_table(db, "chunks", &ds, &err), LNC_OK);
    lnc_database_close(db);
    assert_string_equal(lnc_dataset_name(ds), "chunks");
    assert_string_equal(lnc_dataset_storage_version(ds), "2.2");
    assert_int_equal(strncmp(lnc_dataset_writer(ds), "lance ", 6), 0);
    lnc_dataset_close(ds);
}

static void test_open_by_any_path(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_error err;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.2", "chunks", NULL, &ds, &err), LNC_OK);
    lnc_dataset_close(ds);
    assert_int_equal(lnc_open(DATA "/2.2/chunks.lance/", NULL, NULL, &ds, &err), LNC_OK);
    assert_string_equal(lnc_dataset_path(ds), DATA "/2.2/chunks.lance");
    lnc_dataset_close(ds);
    assert_int_equal(lnc_open(DATA "/2.2/chunks.lance", "chunks", NULL, &ds, &err), LNC_OK);
    lnc_dataset_close(ds);
    assert_int_equal(lnc_open(DATA "/2.3", NULL, NULL, &ds, &err), LNC_OK);
    lnc_dataset_close(ds);
    assert_int_equal(lnc_open(DATA "/2.2", NULL, NULL, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT,
                "has 5 tables, name one of: bitmap, chunks, deleted, nested, types");
    assert_int_equal(lnc_open(DATA "/2.2/chunks.lance", "other", NULL, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "is the table 'chunks' itself");
}

static void test_nothing_there(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_database *db = NULL;
    struct lnc_error err;
    char empty[] = "/tmp/lnc_test_XXXXXX";
    (void)state;
    assert_int_equal(lnc_open("/no/such/path", "t", NULL, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT,
                "/no/such/path: cannot list the directory: No such file or directory");
    assert_int_equal(lnc_dataset_open("/no/such/path", NULL, &ds, &err), LNC_ENOENT);
    assert_int_equal(lnc_open(DATA "/2.2/chunks.jsonl", NULL, NULL, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "Not a directory");
    assert_int_equal(lnc_database_open(DATA, NULL, &db, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "is no LanceDB database");
    assert_int_equal(lnc_database_open(DATA "/2.2/chunks.lance", NULL, &db, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "is a table, not a database");
    assert_int_equal(lnc_dataset_open(DATA "/2.2", NULL, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "is a database, not a table");
    assert_int_equal(lnc_dataset_open("", NULL, &ds, &err), LNC_EINVAL);
    assert_int_equal(lnc_open(NULL, NULL, NULL, &ds, NULL), LNC_EINVAL);

    assert_non_null(mkdtemp(empty));
    assert_int_equal(lnc_database_open(empty, NULL, &db, &err), LNC_OK);
    assert_int_equal(lnc_database_n_tables(db), 0);
    lnc_database_close(db);
    assert_int_equal(lnc_open(empty, "t", NULL, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "the database has no tables");
    assert_int_equal(rmdir(empty), 0);
}

static void test_newer_storage_version(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    struct lnc_error err;
    uint64_t n_rows = 0;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.3", "newer", NULL, &ds, &err), LNC_OK);
    assert_int_equal(lnc_dataset_count_rows(ds, &n_rows, &err), LNC_OK);
    assert_int_equal(n_rows, 3);
    assert_int_equal(lnc_scan_open(ds, NULL, &scan, &err), LNC_OK);
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_EUNSUPPORTED);
    assert_says(&err, LNC_EUNSUPPORTED, "storage version 2.3");
    assert_says(&err, LNC_EUNSUPPORTED, "rewrite it with storage version 2.2");
    /* An error ends the scan for good. */
    err = (struct lnc_error){0};
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_EUNSUPPORTED);
    assert_says(&err, LNC_EUNSUPPORTED, "storage version 2.3");
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
}

static void test_columns(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_error err;
    size_t index = 99;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.2", "chunks", NULL, &ds, &err), LNC_OK);
    assert_int_equal(lnc_dataset_find_column(ds, "vector", &index, &err), LNC_OK);
    const struct lnc_column_info *info = lnc_dataset_column(ds, index);
    assert_int_equal(info->kind, LNC_KIND_VECTOR);
    assert_int_equal(info->item_kind, LNC_KIND_FLOAT);
    assert_int_equal(info->n_items, 8);
    assert_int_equal(info->byte_width, 32);
    assert_string_equal(info->logical_type, "fixed_size_list:float:8");
    assert_int_equal(lnc_dataset_find_column(ds, "created_at", &index, &err), LNC_OK);
    assert_int_equal(lnc_dataset_column(ds, index)->kind, LNC_KIND_TIMESTAMP);
    assert_int_equal(lnc_dataset_column(ds, index)->unit, LNC_UNIT_MICROSECOND);
    assert_int_equal(lnc_dataset_find_column(ds, "text", &index, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT,
                "has no column 'text'; it has: id, content, content_hash, vector");
    const char *missing[] = {"id", "Content"};
    struct lnc_scan_options options = {.columns = missing, .n_columns = 2};
    assert_int_equal(lnc_scan_open(ds, &options, &scan, &err), LNC_ENOENT);
    options.batch_rows = LNC_BATCH_ROWS_MAX + 1;
    assert_int_equal(lnc_scan_open(ds, &options, &scan, &err), LNC_EINVAL);
    lnc_dataset_close(ds);
}

/* A column in twice, another order, and a scan that reads no column at all. */
static void test_projection(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    struct lnc_error err;
    const char *names[] = {"lang", "id", "lang"};
    struct lnc_scan_options options = {.columns = names, .n_columns = 3, .batch_rows = 3};
    size_t size = 0;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.2", "chunks", NULL, &ds, &err), LNC_OK);
    assert_int_equal(lnc_scan_open(ds, &options, &scan, &err), LNC_OK);
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
    assert_int_equal(batch.n_rows, 3);
    assert_int_equal(batch.n_columns, 3);
    assert_string_equal(batch.columns[1].name, "id");
    assert_int_equal(lnc_column_int64(&batch.columns[1], 2), 2);
    assert_memory_equal(lnc_column_string(&batch.columns[2], 1, &size), "en", 2);
    assert_int_equal(size, 2);
    lnc_batch_release(&batch);
    assert_null(batch.release);
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
    assert_int_equal(batch.n_rows, 1);
    assert_int_equal(batch.first_row, 3);
    /* A batch outlives its scan and its table. */
    lnc_scan_close(scan);
    options.n_columns = 0;
    assert_int_equal(lnc_scan_open(ds, &options, &scan, &err), LNC_OK);
    struct lnc_batch bare = {0};
    assert_int_equal(lnc_scan_next(scan, &bare, &err), LNC_OK);
    assert_int_equal(bare.n_rows, 3);
    assert_int_equal(bare.n_columns, 0);
    lnc_batch_release(&bare);
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
    assert_int_equal(lnc_column_int64(&batch.columns[1], 0), 3);
    lnc_batch_release(&batch);
    lnc_batch_release(&batch);
    lnc_batch_release(NULL);
}

/* Struct and list columns are read when they are named, and left out when no column is. */
static void test_nested_columns(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    struct lnc_error err;
    const char *names[] = {"meta", "tags"};
    struct lnc_scan_options options = {.columns = names, .n_columns = 2};
    size_t size = 0;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.2", "nested", NULL, &ds, &err), LNC_OK);
    assert_int_equal(lnc_dataset_n_columns(ds), 4);
    const struct lnc_column_info *info = lnc_dataset_column(ds, 2);
    assert_int_equal(info->kind, LNC_KIND_STRUCT);
    assert_int_equal(info->n_children, 2);
    assert_string_equal(info->children[1].name, "b");
    assert_int_equal(info->children[1].kind, LNC_KIND_STRING);
    assert_int_equal(lnc_dataset_column(ds, 1)->kind, LNC_KIND_LIST);
    assert_int_equal(lnc_scan_open(ds, &options, &scan, &err), LNC_OK);
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
    lnc_scan_close(scan);
    const struct lnc_column *meta = &batch.columns[0];
    const struct lnc_column *tags = &batch.columns[1];
    assert_int_equal(meta->n_children, 2);
    assert_int_equal(meta->children[0].n_rows, 5);
    assert_int_equal(lnc_column_int64(&meta->children[0], 3), 3);
    assert_int_equal(tags->n_children, 1);
    assert_int_equal(tags->offsets[0], 0);
    assert_int_equal(tags->offsets[5], tags->children[0].n_rows);
    assert_int_equal(tags->offsets[3] - tags->offsets[2], 2);
    assert_memory_equal(lnc_column_string(&tags->children[0], tags->offsets[2] + 1, &size), "tag1",
                        4);
    assert_int_equal(size, 4);
    lnc_batch_release(&batch);
    assert_int_equal(lnc_scan_open(ds, NULL, &scan, &err), LNC_OK);
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
    assert_int_equal(batch.n_columns, 2);
    assert_string_equal(batch.columns[1].name, "after");
    struct lnc_batch moved = batch;
    batch.release = NULL;
    lnc_batch_release(&batch);
    assert_int_equal(moved.n_rows, 5);
    lnc_batch_release(&moved);
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
}

static void test_end_of_scan(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    struct lnc_error err;
    uint64_t total = 0;
    uint64_t counted = 0;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.2", "bitmap", NULL, &ds, &err), LNC_OK);
    assert_int_equal(lnc_dataset_count_rows(ds, &counted, &err), LNC_OK);
    assert_int_equal(lnc_scan_open(ds, NULL, &scan, &err), LNC_OK);
    do {
        lnc_batch_release(&batch);
        assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
        assert_int_equal(batch.n_rows > 0 ? batch.first_row : total, total);
        total += batch.n_rows;
    } while (batch.n_rows > 0);
    assert_null(batch.release);
    assert_int_equal(total, counted);
    assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
    assert_int_equal(batch.n_rows, 0);
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
}

static void test_limits(void **state)
{
    struct lnc_options options = {.limits = {.batch_bytes_max = 1}};
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    struct lnc_error err;
    (void)state;
    /* A batch has at least one row, however small its ceiling. */
    assert_int_equal(lnc_open(DATA "/2.2", "chunks", &options, &ds, &err), LNC_OK);
    assert_int_equal(lnc_scan_open(ds, NULL, &scan, &err), LNC_OK);
    for (size_t row = 0; row < 4; row++) {
        assert_int_equal(lnc_scan_next(scan, &batch, &err), LNC_OK);
        assert_int_equal(batch.n_rows, 1);
        lnc_batch_release(&batch);
    }
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
    options.limits.alloc_bytes_max = 100;
    assert_int_equal(lnc_open(DATA "/2.2", "chunks", &options, &ds, &err), LNC_ELIMIT);
    assert_says(&err, LNC_ELIMIT, "alloc_bytes_max");
}

static void test_older_version(void **state)
{
    struct lnc_options options = {.version = 1};
    struct lnc_dataset *ds = NULL;
    struct lnc_error err;
    uint64_t n_rows = 0;
    (void)state;
    assert_int_equal(lnc_open(DATA "/2.2", "deleted", &options, &ds, &err), LNC_OK);
    assert_int_equal(lnc_dataset_version(ds), 1);
    assert_int_equal(lnc_dataset_count_rows(ds, &n_rows, &err), LNC_OK);
    assert_int_equal(n_rows, 20);
    lnc_dataset_close(ds);
    options.version = 0;
    assert_int_equal(lnc_open(DATA "/2.2", "deleted", &options, &ds, &err), LNC_OK);
    assert_int_equal(lnc_dataset_version(ds), 3);
    assert_int_equal(lnc_dataset_n_fragments(ds), 2);
    lnc_dataset_close(ds);
    options.version = 77;
    assert_int_equal(lnc_open(DATA "/2.2", "deleted", &options, &ds, &err), LNC_ENOENT);
    assert_says(&err, LNC_ENOENT, "has no version 77");
}

static void test_status_names(void **state)
{
    (void)state;
    assert_string_equal(lnc_status_name(LNC_OK), "ok");
    assert_string_equal(lnc_status_name(LNC_ELIMIT), "limit");
    assert_string_equal(lnc_status_name(-1), "unknown");
    assert_string_equal(lnc_status_name(99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_database),
        cmocka_unit_test(test_open_by_any_path),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_newer_storage_version),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_projection),
        cmocka_unit_test(test_end_of_scan),
        cmocka_unit_test(test_nested_columns),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_older_version),
        cmocka_unit_test(test_status_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
