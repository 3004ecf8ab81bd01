/*
 * Damaged tables: whatever is changed in them, reading ends, with the right rows or with an error
 * that has a message. Runs under ASan and UBSan, which turn each access outside of a buffer into a
 * failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lnc/lnc.h"
#include "tree.h"

#define DATA LNC_TEST_DATA

/* The rare ones are looked at in larger steps. */
static const struct sample {
    const char *name;
    size_t stride;
} tables[] = {
    {"legacy/chunks", 1},
    {"legacy/types", 1},
    {"2.0/chunks", 1},
    {"2.0/types", 1},
    {"2.0/deleted", 1},
    {"2.1/chunks", 1},
    {"2.1/deleted", 1},
    {"2.2/chunks", 1},
    {"2.2/types", 1},
    {"2.2/deleted", 1},
    {"2.2/bitmap", 1},
    {"python/2.0/blobs", 5},
    {"python/2.1/blobs", 5},
    {"python/2.2/blobs", 5},
    {"python/2.1/vectors", 11},
    {"python/2.2/packed_strings", 5},
    {"python/2.2/deleted_lz4", 2},
    {"older/pylance-0.18.2/2.1/ints", 5},
};

static void check_outcome(int rc, const struct lnc_error *err)
{
    if (rc == LNC_OK)
        return;
    assert_int_equal(rc, err->code);
    assert_true(err->message[0] != '\0');
    assert_non_null(memchr(err->message, '\0', sizeof err->message));
}

static void load_table(const char *name, struct tree *tree, char *path, size_t room)
{
    (void)snprintf(path, room, "%s/%s.lance", DATA, name);
    assert_int_equal(tree_load(path, tree), 0);
}

static void flip_file(struct tree *tree, size_t i, const char *path, size_t step)
{
    unsigned char *bytes = tree_bytes(tree, i);
    size_t size = tree->files[i].size;
    for (size_t at = 0; at < size; at += step) {
        static const unsigned char masks[] = {0x01, 0x80, 0xff};
        unsigned char before = bytes[at];
        unsigned long long n_rows;
        struct lnc_error err = {0};
        bytes[at] = (unsigned char)(before ^ masks[at % sizeof masks]);
        check_outcome(tree_scan(tree, path, &n_rows, &err), &err);
        bytes[at] = before;
    }
}

/* Every byte of the structures at the end of a file, and some of the values. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        struct tree tree;
        char path[512];
        load_table(tables[t].name, &tree, path, sizeof path);
        for (size_t i = 0; i < tree.n; i++)
            flip_file(&tree, i, path, (tree.files[i].size > 3000 ? 13 : 3) * tables[t].stride);
        tree_release(&tree);
    }
}

static void test_truncated_files(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        struct tree tree;
        char path[512];
        load_table(tables[t].name, &tree, path, sizeof path);
        for (size_t i = 0; i < tree.n; i++) {
            size_t size = tree.files[i].size;
            for (size_t cut = 1; cut < size; cut += 1 + size / 40 * tables[t].stride) {
                unsigned long long n_rows;
                struct lnc_error err = {0};
                tree.files[i].size = size - cut;
                int rc = tree_scan(&tree, path, &n_rows, &err);
                check_outcome(rc, &err);
                /* Older manifests are there to be skipped; all else that is cut must be noticed. */
                if (strstr(tree.files[i].path, ".lance/data/") != NULL)
                    assert_int_not_equal(rc, LNC_OK);
            }
            tree.files[i].size = size;
        }
        tree_release(&tree);
    }
}

/* Numbers in the structures become extreme: eight bytes of 0xff, 0 or 0x7f at each place near the
 * end of the file. */
static void test_extreme_numbers(void **state)
{
    static const unsigned char fills[] = {0xff, 0x00, 0x7f};
    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        struct tree tree;
        char path[512];
        load_table(tables[t].name, &tree, path, sizeof path);
        for (size_t i = 0; i < tree.n; i++) {
            size_t size = tree.files[i].size;
            size_t from = size > 2500 ? size - 2500 : 0;
            for (size_t at = from; at + 8 <= size; at += 5 * tables[t].stride) {
                unsigned char saved[8];
                unsigned long long n_rows;
                struct lnc_error err = {0};
                unsigned char *p = tree_bytes(&tree, i) + at;
                memcpy(saved, p, sizeof saved);
                memset(p, fills[at % sizeof fills], sizeof saved);
                check_outcome(tree_scan(&tree, path, &n_rows, &err), &err);
                memcpy(p, saved, sizeof saved);
            }
        }
        tree_release(&tree);
    }
}

/* The error names the file and the byte. */
static void test_message_names_the_place(void **state)
{
    struct tree tree;
    char path[512];
    unsigned long long n_rows;
    struct lnc_error err = {0};
    (void)state;
    load_table("2.2/chunks", &tree, path, sizeof path);
    size_t i = tree_find(&tree, ".lance/data/");
    assert_true(i < tree.n);
    size_t size = tree.files[i].size;
    tree_bytes(&tree, i)[size - 1] ^= 0xff;
    assert_int_equal(tree_scan(&tree, path, &n_rows, &err), LNC_ECORRUPT);
    assert_int_equal(err.offset, size - 4);
    assert_non_null(strstr(err.message, ".lance: "));
    assert_non_null(strstr(err.message, "byte "));
    tree_bytes(&tree, i)[size - 1] ^= 0xff;
    tree.files[i].size = size / 2;
    assert_int_equal(tree_scan(&tree, path, &n_rows, &err), LNC_ECORRUPT);
    assert_non_null(strstr(err.message, "cut off"));
    tree_release(&tree);
}

static void test_missing_data_file(void **state)
{
    struct tree tree;
    char path[512];
    unsigned long long n_rows;
    struct lnc_error err = {0};
    (void)state;
    load_table("2.2/chunks", &tree, path, sizeof path);
    size_t i = tree_find(&tree, ".lance/data/");
    const char *name = tree.files[i].path;
    tree.files[i].path = "elsewhere";
    assert_int_equal(tree_scan(&tree, path, &n_rows, &err), LNC_ENOENT);
    assert_non_null(strstr(err.message, "data file is missing"));
    tree.files[i].path = name;
    tree_release(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_bytes),     cmocka_unit_test(test_truncated_files),
        cmocka_unit_test(test_extreme_numbers),   cmocka_unit_test(test_message_names_the_place),
        cmocka_unit_test(test_missing_data_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
