/* Errors, buffers, arenas, secrets. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void errors(void **state)
{
    struct gen_error err = {.code = GEN_OK};
    (void)state;
    assert_int_equal(gen_fail(NULL, GEN_EINPUT, "x"), GEN_EINPUT);
    assert_int_equal(gen_fail(&err, GEN_EINPUT, "row %d is bad", 3), GEN_EINPUT);
    assert_int_equal(err.code, GEN_EINPUT);
    assert_string_equal(err.msg, "row 3 is bad");
    assert_int_equal(gen_wrap(&err, GEN_EINPUT, "reading %s", "f"), GEN_EINPUT);
    assert_string_equal(err.msg, "reading f: row 3 is bad");
    assert_int_equal(gen_wrap(NULL, GEN_EIO, "x"), GEN_EIO);
    assert_int_equal(gen_fail_errno(&err, GEN_EIO, ENOENT, "cannot open %s", "f"), GEN_EIO);
    assert_string_equal(err.msg, "cannot open f: No such file or directory");
    assert_int_equal(err.sys_errno, ENOENT);
    assert_int_equal(gen_nomem(&err, "a thing"), GEN_ENOMEM);
    assert_string_equal(err.msg, "out of memory for a thing");
    /* Cut, never over the end. */
    for (int i = 0; i < 300; i++)
        (void)gen_wrap(&err, GEN_EIO, "%s", "context");
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void a_buffer_grows_to_its_ceiling(void **state)
{
    struct gen_error err;
    struct gen_buf b = gen_buf_make(1000);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gen_buf_add_char(&b, (char)('a' + i % 26), &err), GEN_OK);
        assert_int_equal(b.data[b.n], '\0');
    }
    assert_int_equal(gen_buf_add_char(&b, 'x', &err), GEN_ELIMIT);
    assert_int_equal(gen_buf_printf(&b, &err, "%d", 7), GEN_ELIMIT);
    assert_int_equal(gen_buf_reserve(&b, SIZE_MAX, &err), GEN_ELIMIT);
    assert_int_equal(b.n, 1000);
    assert_int_equal(b.data[999], 'a' + 999 % 26);
    assert_int_equal(gen_buf_add(&b, NULL, 0, &err), GEN_OK);
    gen_buf_clear(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(gen_buf_printf(&b, &err, "%s-%05d", "x", 42), GEN_OK);
    assert_string_equal(b.data, "x-00042");
    size_t n = 0;
    char *taken = gen_buf_take(&b, &n);
    assert_int_equal(n, 7);
    assert_string_equal(taken, "x-00042");
    free(taken);
    assert_null(b.data);
    assert_int_equal(gen_buf_add_c(&b, "again", &err), GEN_OK);
    gen_buf_release(&b);
    gen_buf_release(&b);
}

static void an_arena_aligns_and_zeroes(void **state)
{
    struct gen_arena a = gen_arena_make((size_t)1 << 20);
    (void)state;
    for (size_t round = 0; round < 3; round++) {
        for (size_t n = 0; n < 700; n++) {
            unsigned char *p = gen_arena_alloc(&a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xAA, n);
        }
        gen_arena_reset(&a);
        assert_true(a.n_bytes <= 8192);
    }
    assert_null(gen_arena_array(&a, SIZE_MAX / 2, 3));
    assert_null(gen_arena_alloc(&a, SIZE_MAX));
    struct gen_str s = gen_arena_str(&a, GEN_STR("words"));
    assert_int_equal(s.n, 5);
    assert_string_equal(s.p, "words");
    gen_arena_release(&a);
    gen_arena_release(&a);
}

static void an_arena_has_a_ceiling(void **state)
{
    (void)state;
    static const size_t ceilings[] = {0, 1, 16, 100, 8191, 8192, 8193, 20000};
    for (size_t k = 0; k < sizeof(ceilings) / sizeof(ceilings[0]); k++) {
        struct gen_arena a = gen_arena_make(ceilings[k]);
        size_t n = 0;
        while (gen_arena_alloc(&a, 16))
            n += 16;
        assert_true(a.n_bytes <= ceilings[k]);
        /* What fits is given. */
        assert_true(n + 16 > ceilings[k] || n + 8192 % 16 + 32 > ceilings[k]);
        gen_arena_release(&a);
    }
    struct gen_arena all = gen_arena_make(SIZE_MAX);
    assert_null(gen_arena_alloc(&all, SIZE_MAX - 3));
    gen_arena_release(&all);
}

static void secrets(void **state)
{
    struct gen_error err;
    struct gen_secret *s = NULL;
    (void)state;
    static const char *const bad[] = {"a\nb", "a\r", "\x7f", "a\tb", "\x01"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(gen_secret_new(&s, gen_str_from(bad[i]), &err), GEN_EUSAGE);
        assert_null(strstr(err.msg, bad[i]));
    }
    assert_int_equal(gen_secret_new(&s, (struct gen_str){"a\0b", 3}, &err), GEN_EUSAGE);
    assert_int_equal(gen_secret_new(&s, GEN_STR("sk-123"), &err), GEN_OK);
    assert_false(gen_secret_is_empty(s));
    assert_true(gen_secret_is_empty(NULL));
    struct gen_buf b = gen_buf_make(100);
    assert_int_equal(gen_secret_header(&b, "Authorization", "Bearer ", s, &err), GEN_OK);
    assert_string_equal(b.data, "Authorization: Bearer sk-123");
    gen_buf_wipe(&b);
    assert_null(b.data);
    b = gen_buf_make(10);
    assert_int_equal(gen_secret_header(&b, "Authorization", "Bearer ", s, &err), GEN_ELIMIT);
    gen_buf_wipe(&b);
    gen_secret_free(s);
    gen_secret_free(NULL);
    assert_int_equal(gen_secret_new(&s, GEN_STR(""), &err), GEN_OK);
    assert_true(gen_secret_is_empty(s));
    gen_secret_free(s);
}

static void secrets_are_masked(void **state)
{
    struct gen_secret *s = NULL;
    char text[] = "key12345 and key1234 and key12345key12345";
    (void)state;
    assert_int_equal(gen_secret_new(&s, GEN_STR("key12345"), NULL), GEN_OK);
    assert_int_equal(gen_secret_mask(s, text, strlen(text)), 3);
    assert_string_equal(text, "******** and key1234 and ****************");
    assert_int_equal(gen_secret_mask(s, text, strlen(text)), 0);
    assert_int_equal(gen_secret_mask(s, NULL, 0), 0);
    assert_int_equal(gen_secret_mask(NULL, text, strlen(text)), 0);
    gen_secret_free(s);
    /* "x", given to a local server that wants any key, stands in every answer. */
    assert_int_equal(gen_secret_new(&s, GEN_STR("and"), NULL), GEN_OK);
    assert_int_equal(gen_secret_mask(s, text, strlen(text)), 0);
    gen_secret_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(a_buffer_grows_to_its_ceiling),
        cmocka_unit_test(an_arena_aligns_and_zeroes),
        cmocka_unit_test(an_arena_has_a_ceiling),
        cmocka_unit_test(secrets),
        cmocka_unit_test(secrets_are_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
