/*
 * Which version, tag and branch is opened, tables of child namespaces, base paths. The samples were
 * written by pylance 14 (test/data/refs): b.lance has two versions, the tag "one" of the first, a
 * branch "feature/x-1" with a tag "br", and a branch "sub" of that branch; c.lance is a shallow
 * clone of b.lance as it stood in /db/example/t, with deletions of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lnc/lnc.h"
#include "tree.h"

#define REFS      LNC_TEST_DATA "/refs"
#define TABLE     REFS "/b.lance"
#define CLONE     REFS "/c.lance"
#define BASE      "/db/example/t/b.lance"
#define PATH_ROOM 512

static struct lnc_error error;

static void check_says(const char *part)
{
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, part);
}

/* Rows by scanning, which must be as many as the manifest says. */
static uint64_t scan_rows(const struct lnc_dataset *ds)
{
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    uint64_t n_rows = 0;
    uint64_t n_counted = 0;
    assert_int_equal(lnc_dataset_count_rows(ds, &n_counted, &error), LNC_OK);
    assert_int_equal(lnc_scan_open(ds, NULL, &scan, &error), LNC_OK);
    do {
        lnc_batch_release(&batch);
        if (lnc_scan_next(scan, &batch, &error) != LNC_OK)
            fail_msg("%s", error.message);
        n_rows += batch.n_rows;
    } while (batch.n_rows > 0);
    lnc_scan_close(scan);
    assert_int_equal(n_rows, n_counted);
    return n_rows;
}

static void test_lines_of_versions(void **state)
{
    static const struct {
        struct lnc_options options;
        int rc;
        uint64_t version;
        uint64_t n_rows;
        const char *says; /* the branch on success */
    } cases[] = {
        {{.version = 0}, LNC_OK, 2, 6, ""},
        {{.version = 1}, LNC_OK, 1, 3, ""},
        {{.tag = "one"}, LNC_OK, 1, 3, ""},
        {{.tag = ""}, LNC_OK, 2, 6, ""},
        {{.branch = "main"}, LNC_OK, 2, 6, ""},
        {{.branch = "feature/x-1"}, LNC_OK, 3, 9, "feature/x-1"},
        {{.branch = "feature/x-1", .version = 2}, LNC_OK, 2, 6, "feature/x-1"},
        {{.tag = "br"}, LNC_OK, 3, 9, "feature/x-1"},
        {{.branch = "sub"}, LNC_OK, 3, 9, "sub"},
        {{.version = 77}, LNC_ENOENT, 0, 0, "has no version 77; it has: 1, 2"},
        {{.branch = "sub", .version = 1}, LNC_ENOENT, 0, 0, "has no version 1; it has: 3"},
        {{.tag = "two"}, LNC_ENOENT, 0, 0, "no tag 'two'; there are: br, one"},
        {{.branch = "x"}, LNC_ENOENT, 0, 0, "no branch 'x'; there are: feature/x-1, sub"},
        {{.branch = "../sub"}, LNC_ENOENT, 0, 0, "no branch '../sub'"},
        {{.branch = "feature/../sub"}, LNC_ENOENT, 0, 0, "no branch"},
        {{.branch = "/sub"}, LNC_ENOENT, 0, 0, "no branch"},
        {{.tag = "../branches/sub"}, LNC_ENOENT, 0, 0, "no tag"},
        {{.tag = "one", .version = 1}, LNC_EINVAL, 0, 0, "a tag names its version"},
        {{.tag = "one", .branch = "sub"}, LNC_EINVAL, 0, 0, "a tag names its version"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lnc_dataset *ds = NULL;
        int rc = lnc_dataset_open(TABLE, &cases[i].options, &ds, &error);
        assert_int_equal(rc, cases[i].rc);
        if (rc != LNC_OK) {
            check_says(cases[i].says);
            continue;
        }
        assert_int_equal(lnc_dataset_version(ds), cases[i].version);
        assert_string_equal(lnc_dataset_branch(ds), cases[i].says);
        assert_string_equal(lnc_dataset_name(ds), "b");
        assert_string_equal(lnc_dataset_path(ds), TABLE);
        assert_int_equal(scan_rows(ds), cases[i].n_rows);
        lnc_dataset_close(ds);
    }
}

/* The log names no version: what is in it is refused, and the table without it by its number only.
 * The sample: lancedb 0.40, 10 rows, then a merge_insert() that changes one and adds one. */
static void test_write_ahead_log(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_options third = {.version = 3};
    (void)state;
    assert_int_equal(lnc_dataset_open(LNC_TEST_DATA "/wal/table.lance", NULL, &ds, &error),
                     LNC_EUNSUPPORTED);
    check_says("write-ahead log (_mem_wal)");
    check_says("ask for version 3 by its number");
    assert_int_equal(lnc_dataset_open(LNC_TEST_DATA "/wal/table.lance", &third, &ds, &error),
                     LNC_OK);
    assert_int_equal(scan_rows(ds), 10);
    lnc_dataset_close(ds);
}

static void test_lists(void **state)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_version_list versions;
    struct lnc_ref_list refs;
    (void)state;
    assert_int_equal(lnc_dataset_open(TABLE, NULL, &ds, &error), LNC_OK);
    assert_int_equal(lnc_dataset_versions(ds, &versions, &error), LNC_OK);
    assert_int_equal(versions.n, 2);
    assert_int_equal(versions.items[0].number, 1);
    assert_int_equal(versions.items[0].n_rows, 3);
    assert_int_equal(versions.items[1].n_rows, 6);
    assert_int_equal(versions.items[1].timestamp_us, lnc_dataset_timestamp(ds));
    /* November 2026 */
    assert_true(versions.items[0].timestamp_us > 1793000000 * INT64_C(1000000));
    assert_true(versions.items[0].timestamp_us < versions.items[1].timestamp_us);
    lnc_version_list_release(&versions);
    assert_null(versions.items);
    assert_int_equal(lnc_dataset_tags(ds, &refs, &error), LNC_OK);
    assert_int_equal(refs.n, 2);
    assert_string_equal(refs.items[0].name, "br");
    assert_string_equal(refs.items[0].branch, "feature/x-1");
    assert_int_equal(refs.items[0].version, 3);
    assert_string_equal(refs.items[1].branch, "");
    lnc_ref_list_release(&refs);
    assert_int_equal(lnc_dataset_branches(ds, &refs, &error), LNC_OK);
    assert_int_equal(refs.n, 2);
    assert_string_equal(refs.items[0].name, "feature/x-1");
    assert_int_equal(refs.items[0].version, 2);
    assert_string_equal(refs.items[1].name, "sub");
    assert_string_equal(refs.items[1].branch, "feature/x-1");
    lnc_ref_list_release(&refs);
    lnc_dataset_close(ds);
    /* A table without any. */
    assert_int_equal(lnc_dataset_open(LNC_TEST_DATA "/2.2/types.lance", NULL, &ds, &error), LNC_OK);
    assert_int_equal(lnc_dataset_tags(ds, &refs, &error), LNC_OK);
    assert_int_equal(refs.n, 0);
    lnc_ref_list_release(&refs);
    lnc_dataset_close(ds);
}

static void test_namespaces(void **state)
{
    static const char *const names[] = {"b", "c", "ns1$deep$inner", "ns1$inner", "top"};
    struct lnc_database *db = NULL;
    struct lnc_dataset *ds = NULL;
    (void)state;
    assert_int_equal(lnc_database_open(REFS, NULL, &db, &error), LNC_OK);
    assert_int_equal(lnc_database_n_tables(db), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_string_equal(lnc_database_table(db, i), names[i]);
    assert_int_equal(lnc_database_open_table(db, "ns1$deep$inner", &ds, &error), LNC_OK);
    assert_string_equal(lnc_dataset_name(ds), "ns1$deep$inner");
    assert_int_equal(scan_rows(ds), 2);
    lnc_dataset_close(ds);
    assert_int_equal(lnc_database_open_table(db, "ns1$nowhere", &ds, &error), LNC_ENOENT);
    check_says("ns1$inner");
    lnc_database_close(db);
}

/* -- trees in memory -- */

/* Files of several folders under other names. */
struct forest {
    struct tree trees[2];
    struct lnc_memory_file files[80];
    char paths[80][PATH_ROOM];
    size_t n;
    struct lnc_store store;
};

static void add_tree(struct forest *forest, size_t i, const char *root, const char *as)
{
    struct tree *tree = &forest->trees[i];
    assert_int_equal(tree_load(root, tree), 0);
    for (size_t k = 0; k < tree->n; k++) {
        assert_true(forest->n < 80);
        char *path = forest->paths[forest->n];
        (void)snprintf(path, PATH_ROOM, "%s%s", as, tree->files[k].path + strlen(root));
        forest->files[forest->n] = tree->files[k];
        forest->files[forest->n++].path = path;
    }
}

static void release_forest(struct forest *forest)
{
    lnc_store_release(&forest->store);
    for (size_t i = 0; i < 2; i++)
        tree_release(&forest->trees[i]);
}

/* Overwrites a text in all files with one of the same length. */
static void patch(struct forest *forest, const char *from, const char *to)
{
    size_t size = strlen(from);
    assert_int_equal(size, strlen(to));
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < forest->trees[i].n; k++) {
            unsigned char *bytes = tree_bytes(&forest->trees[i], k);
            unsigned char *hit = NULL;
            while ((hit = memmem(bytes, forest->trees[i].files[k].size, from, size)) != NULL)
                memcpy(hit, to, size);
        }
    }
}

static void test_base_paths(void **state)
{
    static const struct {
        const char *base;  /* as long as BASE */
        const char *place; /* where the files are */
        bool follow;
        int rc;
        const char *says;
    } cases[] = {
        {BASE, BASE, true, LNC_OK, NULL},
        {BASE, BASE, false, LNC_EUNSUPPORTED, "outside of its directory, in '" BASE "'"},
        {BASE, "/elsewhere", true, LNC_ENOENT, "the data file is missing although"},
        {"file:///t/lw/ab.lance", "/t/lw/ab.lance", true, LNC_OK, NULL},
        {"bases/of/this/b.lance", "/db/c.lance/bases/of/this/b.lance", true, LNC_OK, NULL},
        {"s3://bucket/t/b.lance", BASE, true, LNC_EUNSUPPORTED,
         "the store 's3://bucket/t/b.lance'"},
        {"/tmp/../api/t/b.lance", BASE, true, LNC_ECORRUPT, "no plain path"},
        {"../../../..//t/b.lanc", BASE, true, LNC_ECORRUPT, "no plain path"},
        {"/db/example/t//.lance", BASE, true, LNC_ECORRUPT, "no plain path"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct forest forest;
        struct lnc_dataset *ds = NULL;
        struct lnc_scan *scan = NULL;
        struct lnc_batch batch = {0};
        memset(&forest, 0, sizeof forest);
        add_tree(&forest, 0, CLONE, "/db/c.lance");
        add_tree(&forest, 1, TABLE, cases[i].place);
        patch(&forest, BASE, cases[i].base[0] == '\0' ? BASE : "_____________________");
        patch(&forest, "_____________________", cases[i].base);
        assert_int_equal(lnc_store_memory(&forest.store, forest.files, forest.n, NULL), LNC_OK);
        const struct lnc_options options = {.store = &forest.store,
                                            .follow_base_paths = cases[i].follow};
        int rc = lnc_dataset_open("/db/c.lance", &options, &ds, &error);
        if (rc == LNC_OK)
            rc = lnc_scan_open(ds, NULL, &scan, &error);
        if (rc == LNC_OK)
            rc = lnc_scan_next(scan, &batch, &error);
        assert_int_equal(rc, cases[i].rc);
        if (rc != LNC_OK)
            check_says(cases[i].says);
        else
            assert_int_equal(scan_rows(ds), 4);
        lnc_batch_release(&batch);
        lnc_scan_close(scan);
        lnc_dataset_close(ds);
        release_forest(&forest);
    }
}

/* Without permission a branch only ever reaches into the table that was opened. */
static void test_branch_elsewhere(void **state)
{
    static struct forest forest;
    struct lnc_dataset *ds = NULL;
    (void)state;
    memset(&forest, 0, sizeof forest);
    add_tree(&forest, 0, TABLE, "/moved/to/b.lance");
    assert_int_equal(lnc_store_memory(&forest.store, forest.files, forest.n, NULL), LNC_OK);
    struct lnc_options options = {.store = &forest.store, .branch = "sub"};
    assert_int_equal(lnc_dataset_open("/moved/to/b.lance", &options, &ds, &error), LNC_OK);
    assert_int_equal(scan_rows(ds), 9);
    lnc_dataset_close(ds);
    patch(&forest, BASE, "/db/example/t/q.lance");
    assert_int_equal(lnc_dataset_open("/moved/to/b.lance", &options, &ds, &error),
                     LNC_EUNSUPPORTED);
    check_says("follow_base_paths");
    release_forest(&forest);
}

/* -- files of tags -- */

static void test_damaged_tags(void **state)
{
    static const struct {
        const char *text;
        int rc;
        const char *says;
    } cases[] = {
        {"{\"branch\":null,\"version\":1}", LNC_OK, NULL},
        {"{\"version\":1}", LNC_OK, NULL},
        {" { \"a\\\"b\" : [1,{\"version\":9},\"}\"] , \"version\" : 1 } \n", LNC_OK, NULL},
        {"{\"version\":1,\"x\":true,\"y\":-1.5e3,\"z\":\"\\u00e9\"}", LNC_OK, NULL},
        {"{\"branch\":\"sub\",\"version\":3}", LNC_OK, NULL},
        {"{\"branch\":null,\"version\":9}", LNC_ENOENT, "has no version 9"},
        {"{\"branch\":\"nowhere\",\"version\":1}", LNC_ENOENT, "nowhere"},
        {"", LNC_ECORRUPT, "is no JSON"},
        {"[]", LNC_ECORRUPT, "which version"},
        {"{}", LNC_ECORRUPT, "which version"},
        {"{\"version\":null}", LNC_ECORRUPT, "which version"},
        {"{\"version\":\"1\"}", LNC_ECORRUPT, "which version"},
        {"{\"version\":-1}", LNC_ECORRUPT, "which version"},
        {"{\"version\":1.5}", LNC_ECORRUPT, "which version"},
        {"{\"version\":18446744073709551616}", LNC_ECORRUPT, "which version"},
        {"{\"version\":[1]}", LNC_ECORRUPT, "which version"},
        {"[1]", LNC_ECORRUPT, "which version"},
        {"{\"branch\":7,\"version\":1}", LNC_ECORRUPT, "no name"},
        {"{\"branch\":\"../../x\",\"version\":1}", LNC_ECORRUPT, "impossible name"},
        {"{\"branch\":\"\",\"version\":1}", LNC_ECORRUPT, "impossible name"},
        {"{\"branch\":\"a\\u0041\",\"version\":1}", LNC_ENOENT, "tree/aA"},
        {"{\"branch\":\"a\\u0000b\",\"version\":1}", LNC_ECORRUPT, "impossible name"},
        {"{\"version\":1", LNC_ECORRUPT, "_refs/tags/t.json: byte 12: is no JSON"},
        {"{\"version\":1}}", LNC_ECORRUPT, "is no JSON"},
        {"{\"version\":1,}", LNC_ECORRUPT, "is no JSON"},
        {"{\"version\" 1}", LNC_ECORRUPT, "is no JSON"},
        {"{\"version\":}", LNC_ECORRUPT, "is no JSON"},
        {"{\"x\":[1,\"version\":1}", LNC_ECORRUPT, "is no JSON"},
        {"{\"x\":\"", LNC_ECORRUPT, "is no JSON"},
        {"{\"x\":\"\\", LNC_ECORRUPT, "is no JSON"},
        {"{\"x\":\"\xff\",\"version\":1}", LNC_ECORRUPT, "is no JSON"},
        {"{\"x", LNC_ECORRUPT, "is no JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct forest forest;
        struct lnc_dataset *ds = NULL;
        /* An exact copy on the heap, so that ASan sees a read behind its end. */
        size_t size = strlen(cases[i].text);
        char *text = malloc(size + (size == 0));
        assert_non_null(text);
        memcpy(text, cases[i].text, size);
        memset(&forest, 0, sizeof forest);
        add_tree(&forest, 0, TABLE, "/db/b.lance");
        forest.files[forest.n++] = (struct lnc_memory_file){
            .path = "/db/b.lance/_refs/tags/t.json", .bytes = text, .size = size};
        assert_int_equal(lnc_store_memory(&forest.store, forest.files, forest.n, NULL), LNC_OK);
        const struct lnc_options options = {.store = &forest.store, .tag = "t"};
        int rc = lnc_dataset_open("/db/b.lance", &options, &ds, &error);
        if (rc != cases[i].rc)
            fail_msg("%s: %s: %s", cases[i].text, lnc_status_name(rc), error.message);
        if (rc != LNC_OK)
            check_says(cases[i].says);
        lnc_dataset_close(ds);
        free(text);
        release_forest(&forest);
    }
}

/* However long a path is, the message says what is wrong, and shows where the path ends. */
static void test_long_paths(void **state)
{
    static const struct lnc_options options[] = {{.version = 9}, {.tag = "t"}, {.version = 0}};
    static const char *const says[] = {"has no version 9; it has: 1", "there is no tag 't'", NULL};
    static struct forest forest;
    char path[1500] = "";
    struct lnc_dataset *ds = NULL;
    (void)state;
    for (size_t i = 0; i < 60; i++)
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/a-folder-in-a-folder");
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/b.lance");
    assert_int_equal(lnc_dataset_open(path, NULL, &ds, &error), LNC_ENOENT);
    check_says("folder/b.lance: cannot list the directory: No such file");
    assert_int_equal(lnc_open(path, "x", NULL, &ds, &error), LNC_ENOENT);
    check_says("folder/b.lance: cannot list the directory: No such file");
    memset(&forest, 0, sizeof forest);
    const char *less = path + 52 * strlen("/a-folder-in-a-folder");
    add_tree(&forest, 0, TABLE, less);
    assert_int_equal(lnc_store_memory(&forest.store, forest.files, forest.n, NULL), LNC_OK);
    for (size_t i = 0; says[i] != NULL; i++) {
        struct lnc_options with = options[i];
        with.store = &forest.store;
        assert_int_equal(lnc_dataset_open(less, &with, &ds, &error), LNC_ENOENT);
        check_says(says[i]);
        check_says("folder/b.lance: ");
    }
    release_forest(&forest);
}

/* A store whose directories _versions cannot be listed. */
static int list_without_permission(const struct lnc_store *store, const char *path,
                                   lnc_list_fn each, void *context, struct lnc_error *err)
{
    const struct lnc_store *inner = store->private_data;
    size_t n = strlen(path);
    if (n > 10 && strcmp(path + n - 10, "/_versions") == 0) {
        *err = (struct lnc_error){.code = LNC_EIO, .message = "permission denied"};
        return LNC_EIO;
    }
    return inner->list(inner, path, each, context, err);
}

/* A table that cannot be looked into is one, and says so; one without a manifest is none. */
static void test_tables_behind_doors(void **state)
{
    static struct forest forest;
    static const struct lnc_memory_file junk[] = {
        {.path = "/db/x.lance/_versions/junk", .bytes = "", .size = 0}};
    struct lnc_dataset *ds = NULL;
    struct lnc_database *db = NULL;
    (void)state;
    memset(&forest, 0, sizeof forest);
    add_tree(&forest, 0, TABLE, "/db/b.lance");
    assert_int_equal(lnc_store_memory(&forest.store, forest.files, forest.n, NULL), LNC_OK);
    const struct lnc_store closed = {
        .open = forest.store.open, .list = list_without_permission, .private_data = &forest.store};
    const struct lnc_options options = {.store = &closed};
    assert_int_equal(lnc_open("/db/b.lance", NULL, &options, &ds, &error), LNC_EIO);
    check_says("permission denied");
    assert_int_equal(lnc_database_open("/db", &options, &db, &error), LNC_OK);
    assert_int_equal(lnc_database_n_tables(db), 1);
    assert_int_equal(lnc_database_open_table(db, "b", &ds, &error), LNC_EIO);
    check_says("permission denied");
    lnc_database_close(db);
    release_forest(&forest);

    struct lnc_store store;
    assert_int_equal(lnc_store_memory(&store, junk, 1, NULL), LNC_OK);
    const struct lnc_options empty = {.store = &store};
    assert_int_equal(lnc_open("/db/x.lance", NULL, &empty, &ds, &error), LNC_ENOENT);
    check_says("x.lance: is no LanceDB table: there is no manifest");
    lnc_store_release(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_versions),
        cmocka_unit_test(test_write_ahead_log),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_namespaces),
        cmocka_unit_test(test_base_paths),
        cmocka_unit_test(test_branch_elsewhere),
        cmocka_unit_test(test_damaged_tags),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_tables_behind_doors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
