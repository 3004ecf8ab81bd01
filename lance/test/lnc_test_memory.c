/*
 * The caller's allocator and the ceilings: everything comes from there and goes back there, and
 * whichever allocation fails, reading ends with a clean error and nothing is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lnc/lnc.h"

#define DATA LNC_TEST_DATA

struct counter {
    size_t n_calls;
    size_t fail_at; /* the call that fails, from 1; 0: none */
    bool fail_on;   /* all later ones too */
    size_t n_live;
    size_t n_bytes;
    size_t peak;
};

/* The size in front of each block, for the count. */
union block {
    size_t size;
    max_align_t align;
};

static bool refuses(struct counter *c)
{
    c->n_calls++;
    return c->fail_at != 0 && (c->fail_on ? c->n_calls >= c->fail_at : c->n_calls == c->fail_at);
}

static void add_bytes(struct counter *c, size_t size)
{
    c->n_bytes += size;
    if (c->n_bytes > c->peak)
        c->peak = c->n_bytes;
}

static void *count_alloc(void *ud, size_t size)
{
    struct counter *c = ud;
    if (refuses(c))
        return NULL;
    union block *block = malloc(sizeof *block + size);
    assert_non_null(block);
    block->size = size;
    c->n_live++;
    add_bytes(c, size);
    return block + 1;
}

static void *count_realloc(void *ud, void *p, size_t size)
{
    struct counter *c = ud;
    assert_non_null(p);
    if (refuses(c))
        return NULL;
    union block *block = (union block *)p - 1;
    size_t before = block->size;
    block = realloc(block, sizeof *block + size);
    assert_non_null(block);
    block->size = size;
    c->n_bytes -= before;
    add_bytes(c, size);
    return block + 1;
}

static void count_free(void *ud, void *p)
{
    struct counter *c = ud;
    assert_non_null(p);
    union block *block = (union block *)p - 1;
    c->n_live--;
    c->n_bytes -= block->size;
    free(block);
}

static struct lnc_options options_of(struct counter *c)
{
    return (struct lnc_options){
        .allocator = {.alloc = count_alloc, .realloc = count_realloc, .free = count_free, .ud = c}};
}

/* What a test does with a table; returns the status of the first call that failed. */
typedef int job_fn(const struct lnc_options *options, const char *path, struct lnc_error *err);

static int job_scan(const struct lnc_options *options, const char *path, struct lnc_error *err)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    int rc = lnc_open(path, NULL, options, &ds, err);
    if (rc == LNC_OK)
        rc = lnc_scan_open(ds, NULL, &scan, err);
    do {
        lnc_batch_release(&batch);
        if (rc == LNC_OK)
            rc = lnc_scan_next(scan, &batch, err);
    } while (rc == LNC_OK && batch.n_rows > 0);
    lnc_batch_release(&batch);
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
    return rc;
}

/* The last array outlives scan, stream and dataset. */
static int job_arrow(const struct lnc_options *options, const char *path, struct lnc_error *err)
{
    struct lnc_dataset *ds = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    struct ArrowSchema schema = {.release = NULL};
    struct ArrowArray array = {.release = NULL};
    int rc = lnc_dataset_open(path, options, &ds, err);
    if (rc == LNC_OK)
        rc = lnc_arrow_schema(ds, NULL, 0, &schema, err);
    if (rc == LNC_OK)
        rc = lnc_arrow_stream(ds, NULL, &stream, err);
    if (rc == LNC_OK && stream.get_next(&stream, &array) != 0) {
        const char *why = stream.get_last_error(&stream);
        assert_non_null(why);
        (void)snprintf(err->message, sizeof err->message, "%s", why);
        err->code = rc = LNC_ENOMEM;
    }
    if (stream.release != NULL)
        stream.release(&stream);
    lnc_dataset_close(ds);
    if (schema.release != NULL)
        schema.release(&schema);
    if (array.release != NULL)
        array.release(&array);
    return rc;
}

static int job_refs(const struct lnc_options *options, const char *path, struct lnc_error *err)
{
    struct lnc_options on_branch = *options;
    struct lnc_dataset *ds = NULL;
    struct lnc_version_list versions = {0};
    struct lnc_ref_list tags = {0};
    struct lnc_ref_list branches = {0};
    on_branch.branch = "sub";
    int rc = lnc_dataset_open(path, &on_branch, &ds, err);
    if (rc == LNC_OK)
        rc = lnc_dataset_versions(ds, &versions, err);
    if (rc == LNC_OK)
        rc = lnc_dataset_tags(ds, &tags, err);
    if (rc == LNC_OK)
        rc = lnc_dataset_branches(ds, &branches, err);
    lnc_version_list_release(&versions);
    lnc_ref_list_release(&tags);
    lnc_ref_list_release(&branches);
    lnc_dataset_close(ds);
    return rc;
}

static int job_database(const struct lnc_options *options, const char *path, struct lnc_error *err)
{
    struct lnc_database *db = NULL;
    struct lnc_dataset *ds = NULL;
    int rc = lnc_database_open(path, options, &db, err);
    if (rc == LNC_OK)
        rc = lnc_database_open_table(db, "ns1$deep$inner", &ds, err);
    lnc_database_close(db);
    lnc_dataset_close(ds);
    return rc;
}

static const struct {
    job_fn *run;
    const char *path;
} jobs[] = {
    {job_scan, DATA "/legacy/types.lance"}, {job_scan, DATA "/legacy/deleted.lance"},
    {job_scan, DATA "/2.0/types.lance"},    {job_scan, DATA "/2.0/deleted.lance"},
    {job_scan, DATA "/2.1/deleted.lance"},  {job_scan, DATA "/2.2/types.lance"},
    {job_scan, DATA "/2.2/bitmap.lance"},   {job_scan, DATA "/2.2/nested.lance"},
    {job_arrow, DATA "/2.2/types.lance"},   {job_arrow, DATA "/2.2/nested.lance"},
    {job_refs, DATA "/refs/b.lance"},       {job_database, DATA "/refs"},
};

/* Whatever was allocated is given back, and by the way everything came from there: ASan would
 * report the rest only if it leaked, so the number of calls is looked at too. */
static void test_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        struct counter c = {0};
        struct lnc_error err = {.message = ""};
        const struct lnc_options options = options_of(&c);
        assert_int_equal(jobs[i].run(&options, jobs[i].path, &err), LNC_OK);
        assert_true(c.n_calls > 20);
        assert_int_equal(c.n_live, 0);
        assert_int_equal(c.n_bytes, 0);
    }
}

static void fail_each(size_t job, bool fail_on)
{
    int rc = LNC_ENOMEM;
    for (size_t n = 1; rc != LNC_OK; n++) {
        struct counter c = {.fail_at = n, .fail_on = fail_on};
        struct lnc_error err = {.message = ""};
        const struct lnc_options options = options_of(&c);
        rc = jobs[job].run(&options, jobs[job].path, &err);
        assert_int_equal(c.n_live, 0);
        if (rc == LNC_OK)
            assert_true(c.n_calls < n || !fail_on);
        else if (rc != LNC_ENOMEM || strstr(err.message, "out of memory") == NULL)
            fail_msg("%s, allocation %zu: %s: %s", jobs[job].path, n, lnc_status_name(rc),
                     err.message);
        /* One that is survived is fine, but there must be an end. */
        if (rc == LNC_OK && c.n_calls >= n)
            rc = LNC_ENOMEM;
    }
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        fail_each(i, false);
        fail_each(i, true);
    }
}

static void test_ceiling_of_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        struct counter c = {0};
        struct lnc_error err = {.message = ""};
        struct lnc_options options = options_of(&c);
        assert_int_equal(jobs[i].run(&options, jobs[i].path, &err), LNC_OK);
        size_t peak = c.peak;
        for (size_t max = 64; max < 2 * peak; max += 1 + peak / 37) {
            c = (struct counter){0};
            options.limits.total_bytes_max = max;
            int rc = jobs[i].run(&options, jobs[i].path, &err);
            assert_int_equal(c.n_live, 0);
            /* A database and its tables have a ceiling each. */
            if (jobs[i].run != job_database)
                assert_true(c.peak <= max + 256);
            if (max > peak)
                assert_int_equal(rc, LNC_OK);
            else if (rc != LNC_OK && jobs[i].run != job_arrow)
                assert_int_equal(rc, LNC_ELIMIT);
            if (rc == LNC_ELIMIT)
                assert_non_null(strstr(err.message, "total_bytes_max"));
        }
    }
}

/* The ceiling counts what the caller holds on to. */
static void test_batches_count(void **state)
{
    struct lnc_error err;
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batches[100] = {{0}};
    const struct lnc_options options = {.limits = {.total_bytes_max = 600000}};
    size_t n = 0;
    int rc = LNC_OK;
    (void)state;
    assert_int_equal(lnc_dataset_open(DATA "/2.2/types.lance", &options, &ds, &err), LNC_OK);
    for (; rc == LNC_OK && n < 100; n++) {
        assert_int_equal(lnc_scan_open(ds, NULL, &scan, NULL), LNC_OK);
        rc = lnc_scan_next(scan, &batches[n], &err);
        lnc_scan_close(scan);
    }
    assert_int_equal(rc, LNC_ELIMIT);
    assert_true(n > 1);
    lnc_dataset_close(ds);
    for (size_t i = 0; i < n; i++)
        lnc_batch_release(&batches[i]);
}

static void test_half_an_allocator(void **state)
{
    struct lnc_error err;
    struct lnc_dataset *ds = NULL;
    const struct lnc_options options = {.allocator = {.free = count_free}};
    (void)state;
    assert_int_equal(lnc_dataset_open(DATA "/2.2/types.lance", &options, &ds, &err), LNC_EINVAL);
    assert_non_null(strstr(err.message, "allocator"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted),           cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_ceiling_of_all),    cmocka_unit_test(test_batches_count),
        cmocka_unit_test(test_half_an_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
