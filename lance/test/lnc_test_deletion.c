/*
 * Deletion files: Roaring bitmaps made by hand with each kind of container. Arrow files are covered
 * by the samples and their damage by lnc_test_hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "deletion_int.h"

static struct lnc_error error;

static int parse(const uint8_t *bytes, size_t size, uint64_t n_rows, struct lnc_deleted *out)
{
    error = (struct lnc_error){0};
    struct lnc_ctx cx = {
        .page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .alloc_max = (size_t)1 << 20, .err = &error};
    return lnc_deletion_parse(&cx, (struct lnc_span){.data = bytes, .size = size}, true, n_rows,
                              out);
}

static void test_array_container(void **state)
{
    /* One container with key 1: rows 65536 + {3, 500}. */
    static const uint8_t bytes[] = {0x3a, 0x30, 0,  0, 1, 0, 0, 0, 1,    0,
                                    1,    0,    16, 0, 0, 0, 3, 0, 0xf4, 1};
    struct lnc_deleted deleted;
    (void)state;
    assert_int_equal(parse(bytes, sizeof bytes, 70000, &deleted), LNC_OK);
    assert_int_equal(deleted.n_deleted, 2);
    assert_true(lnc_deleted_has(&deleted, 65539));
    assert_true(lnc_deleted_has(&deleted, 66036));
    assert_false(lnc_deleted_has(&deleted, 3));
    lnc_deleted_release(&deleted);
    /* The same rows in a fragment that does not have them. */
    assert_int_equal(parse(bytes, sizeof bytes, 66036, &deleted), LNC_ECORRUPT);
    for (size_t cut = 1; cut < sizeof bytes; cut++)
        assert_int_equal(parse(bytes, sizeof bytes - cut, 70000, &deleted), LNC_ECORRUPT);
}

static void test_run_container(void **state)
{
    /* Cookie with runs, one container, flag set: runs 10 to 14 and 100 to 100. No offsets below
     * four containers. */
    static const uint8_t bytes[] = {0x3b, 0x30, 0, 0, 1, 0,   0, 5, 0, 2,
                                    0,    10,   0, 4, 0, 100, 0, 0, 0};
    struct lnc_deleted deleted;
    (void)state;
    assert_int_equal(parse(bytes, sizeof bytes, 200, &deleted), LNC_OK);
    assert_int_equal(deleted.n_deleted, 6);
    assert_true(lnc_deleted_has(&deleted, 10));
    assert_true(lnc_deleted_has(&deleted, 14));
    assert_true(lnc_deleted_has(&deleted, 100));
    assert_false(lnc_deleted_has(&deleted, 15));
    lnc_deleted_release(&deleted);
}

static void test_run_that_leaves_its_container(void **state)
{
    static const uint8_t bytes[] = {0x3b, 0x30, 0, 0, 1, 0, 0, 5, 0, 1, 0, 0xff, 0xff, 1, 0};
    struct lnc_deleted deleted;
    (void)state;
    assert_int_equal(parse(bytes, sizeof bytes, 200000, &deleted), LNC_ECORRUPT);
}

static void test_bitmap_container(void **state)
{
    static uint8_t bytes[16 + 8192] = {0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 0xff, 0x1f, 16};
    struct lnc_deleted deleted;
    (void)state;
    for (size_t i = 0; i < 1024; i++)
        bytes[16 + i] = 0xff;
    assert_int_equal(parse(bytes, sizeof bytes, 10000, &deleted), LNC_OK);
    assert_int_equal(deleted.n_deleted, 8192);
    assert_true(lnc_deleted_has(&deleted, 8191));
    assert_false(lnc_deleted_has(&deleted, 8192));
    lnc_deleted_release(&deleted);
}

static void test_no_bitmap(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct lnc_deleted deleted;
    (void)state;
    assert_int_equal(parse(bytes, sizeof bytes, 10, &deleted), LNC_ECORRUPT);
    assert_non_null(strstr(error.message, "Roaring"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array_container),
        cmocka_unit_test(test_run_container),
        cmocka_unit_test(test_run_that_leaves_its_container),
        cmocka_unit_test(test_bitmap_container),
        cmocka_unit_test(test_no_bitmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
