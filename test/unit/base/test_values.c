/* Numbers, hashes, counters, names, chance. */
#include "base/counts.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max;
        bool ok;
        int64_t want;
    } rows[] = {
        {"0", 0, 9, true, 0},
        {"-5", -5, 5, true, -5},
        {"+5", 0, 5, true, 5},
        {"007", 0, 9, true, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"10", 0, 9, false, 0},
        {"-1", 0, 9, false, 0},
        {"", 0, 9, false, 0},
        {" 1", 0, 9, false, 0},
        {"1 ", 0, 9, false, 0},
        {"1x", 0, 9, false, 0},
        {"0x1", 0, 9, false, 0},
        {"1.0", 0, 9, false, 0},
        {"1e1", 0, 99, false, 0},
        {"-", -9, 9, false, 0},
        {"--1", -9, 9, false, 0},
        {"auto", 0, 9, false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = 77;
        struct gen_error err;
        int rc =
            gen_num_i64(gen_str_from(rows[i].text), rows[i].min, rows[i].max, "--n", &got, &err);
        assert_int_equal(rc, rows[i].ok ? GEN_OK : GEN_EUSAGE);
        assert_true(got == (rows[i].ok ? rows[i].want : 77));
        if (!rows[i].ok)
            assert_non_null(strstr(err.msg, "--n"));
    }
    int64_t got = 0;
    assert_int_equal(gen_num_i64((struct gen_str){"1\0002", 3}, 0, 99, "n", &got, NULL),
                     GEN_EUSAGE);
}

static void real_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "1.5", "-1e-3", ".5", "5.", "+2"};
    static const char *const bad[] = {"",    "nan", "inf", "-inf",  "-nan", "1e400", "0x1", "0x1p3",
                                      "1,5", "1 ",  " 1",  "1.5.2", "e5",   "-",     ".",   "11"};
    double got = 77;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(gen_num_f64(gen_str_from(good[i]), -10, 10, "x", &got, NULL), GEN_OK);
    got = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(gen_num_f64(gen_str_from(bad[i]), -10, 10, "x", &got, NULL), GEN_EUSAGE);
    assert_true(got == 77);
    assert_true(gen_size_add(SIZE_MAX, 1) == SIZE_MAX && gen_size_add(2, 3) == 5);
}

static void check_digest(struct gen_str text, const char *want)
{
    struct gen_digest d;
    char hex[GEN_HEX_CHARS + 1];
    assert_int_equal(gen_sha256(text, &d, NULL), GEN_OK);
    gen_digest_hex(&d, GEN_SHA256_BYTES, hex);
    assert_string_equal(hex, want);
}

static void sha256(void **state)
{
    (void)state;
    check_digest(GEN_STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_digest(GEN_STR("abc"),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_digest(GEN_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    /* A million times "a", in parts. */
    struct gen_sha256 *h = NULL;
    struct gen_digest d;
    char hex[GEN_HEX_CHARS + 1];
    assert_int_equal(gen_sha256_new(&h, NULL), GEN_OK);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(gen_sha256_start(h, NULL), GEN_OK);
        for (unsigned i = 0; i < 100000; i++)
            assert_int_equal(gen_sha256_add(h, GEN_STR("aaaaaaaaaa"), NULL), GEN_OK);
        assert_int_equal(gen_sha256_finish(h, &d, NULL), GEN_OK);
        gen_digest_hex(&d, 99, hex);
        assert_string_equal(hex,
                            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    gen_digest_hex(&d, 2, hex);
    assert_string_equal(hex, "cdc7");
    gen_sha256_free(h);
    gen_sha256_free(NULL);
}

static struct gen_digest of_fields(struct gen_str a, struct gen_str b)
{
    struct gen_sha256 *h = NULL;
    struct gen_digest d;
    assert_int_equal(gen_sha256_new(&h, NULL), GEN_OK);
    assert_int_equal(gen_sha256_start(h, NULL), GEN_OK);
    assert_int_equal(gen_sha256_add_field(h, a, NULL), GEN_OK);
    assert_int_equal(gen_sha256_add_field(h, b, NULL), GEN_OK);
    assert_int_equal(gen_sha256_finish(h, &d, NULL), GEN_OK);
    gen_sha256_free(h);
    return d;
}

static void fields_do_not_run_into_each_other(void **state)
{
    (void)state;
    struct gen_digest x = of_fields(GEN_STR("ab"), GEN_STR("c"));
    struct gen_digest y = of_fields(GEN_STR("a"), GEN_STR("bc"));
    struct gen_digest z = of_fields(GEN_STR("abc"), (struct gen_str){NULL, 0});
    assert_memory_not_equal(x.bytes, y.bytes, GEN_SHA256_BYTES);
    assert_memory_not_equal(x.bytes, z.bytes, GEN_SHA256_BYTES);
    /* Length, little-endian in 8 bytes, and the field. */
    struct gen_digest want;
    assert_int_equal(gen_sha256(GEN_STR("\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c"), &want, NULL), 0);
    assert_memory_equal(x.bytes, want.bytes, GEN_SHA256_BYTES);
    assert_true(gen_hash64(GEN_STR("a"), 1) != gen_hash64(GEN_STR("a"), 2));
    assert_true(gen_hash64(GEN_STR("a"), 1) == gen_hash64(GEN_STR("a"), 1));
}

static void near_names(void **state)
{
    (void)state;
    static const char *const names[] = {"--workers", "--window", "--model", "on"};
    assert_string_equal(gen_nearest(GEN_STR("--wrokers"), names, 4), "--workers");
    assert_string_equal(gen_nearest(GEN_STR("--modle"), names, 4), "--model");
    assert_string_equal(gen_nearest(GEN_STR("--model"), names, 4), "--model");
    assert_null(gen_nearest(GEN_STR("something else"), names, 4));
    assert_null(gen_nearest(GEN_STR(""), names, 4));
    assert_null(gen_nearest(GEN_STR("x"), names, 4));
    char text[100];
    memset(text, 'x', sizeof(text));
    assert_null(gen_nearest((struct gen_str){text, sizeof(text)}, names, 4));
    assert_null(gen_nearest(GEN_STR("--model"), names, 0));
}

static void counters(void **state)
{
    struct gen_counts c = {.n = 0};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "rule_%u", i);
        gen_counts_add(&c, name, 1);
        gen_counts_add(&c, name, 1);
    }
    assert_int_equal(c.n, GEN_COUNTS_MAX);
    assert_int_equal(gen_counts_get(&c, "rule_0"), 2);
    assert_int_equal(gen_counts_get(&c, "other"), 2 * (100 - (GEN_COUNTS_MAX - 1)));
    assert_int_equal(gen_counts_get(&c, "rule_99"), 0);
    assert_int_equal(gen_counts_sum(&c), 200);
    /* A name that is cut is still one name. */
    c.n = 0;
    const char *name = "a name that is much longer than the forty-eight bytes that a row has";
    gen_counts_add(&c, name, 1);
    gen_counts_add(&c, name, 1);
    assert_int_equal(c.n, 1);
    assert_int_equal(gen_counts_get(&c, name), 2);
}

static void chance(void **state)
{
    struct gen_prng g = gen_prng_make(1234567);
    (void)state;
    /* Reference values of SplitMix64. */
    assert_true(gen_prng_next(&g) == 6457827717110365317ULL);
    assert_true(gen_prng_next(&g) == 3203168211198807973ULL);
    assert_int_equal(gen_prng_below(&g, 0), 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(gen_prng_below(&g, 7) < 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers), cmocka_unit_test(real_numbers),
        cmocka_unit_test(sha256),        cmocka_unit_test(fields_do_not_run_into_each_other),
        cmocka_unit_test(near_names),    cmocka_unit_test(counters),
        cmocka_unit_test(chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
