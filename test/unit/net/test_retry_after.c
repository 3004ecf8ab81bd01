#include "net/retry_after.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110. */
#define NOW_MS  784111777000
#define NOTHING UINT64_MAX

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *ms;
        const char *s;
        uint64_t wait_ms;
    } cases[] = {
        {"1500", "", 1500},
        {"1500.2", "", 1501},
        {"", "2", 2000},
        {"", " 0.25 ", 250},
        {"", "0", 0},
        {"0", "9", 0},
        {"100", "9", 100},
        {"-100", "9", 9000},
        {"soon", "9", 9000},
        {"", "-1", NOTHING},
        {"", "-0", NOTHING},
        {"", "", NOTHING},
        {"", "soon", NOTHING},
        {"", "1e3", 1000000},
        {"", "nan", NOTHING},
        {"", "inf", NOTHING},
        {"", "0x10", NOTHING},
        {"", "5 minutes", NOTHING},
        {"", "99999999999999999999", GEN_WAIT_MS_MAX},
        {"1e299", "", GEN_WAIT_MS_MAX},
        {"1e999", "", NOTHING},
        {"", "Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"", "Sunday, 06-Nov-94 08:50:37 GMT", 60000},
        {"", "Sun Nov  6 09:49:37 1994", 3600000},
        {"", "Sun, 06 Nov 1994 08:49:37 GMT", NOTHING},
        {"", "Sun, 06 Nov 1994 08:49:27 GMT", NOTHING},
        {"", "Fri, 31 Dec 9999 23:59:59 GMT", GEN_WAIT_MS_MAX},
        {"", "Sun, 06 Foo 1994 08:49:47 GMT", NOTHING},
        {"", "Sun, 06 Nov 1994 08:49:47 GMT and a very long tail that nobody sends, really",
         NOTHING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = NOTHING;
        bool ok =
            gen_retry_after(gen_str_from(cases[i].ms), gen_str_from(cases[i].s), NOW_MS, &got);
        if (got != cases[i].wait_ms || ok != (cases[i].wait_ms != NOTHING))
            fail_msg("'%s' '%s': %llu", cases[i].ms, cases[i].s, (unsigned long long)got);
    }
}

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"6ms", 6},
        {"1s", 1000},
        {"6m0s", 360000},
        {"1h2m3s", 3723000},
        {"9h54m12.7s", 35652700},
        {"1.5s", 1500},
        {".5s", 500},
        {"20s", 20000},
        {"0", 0},
        {"0s", 0},
        {"500us", 1},
        {"500\xc2\xb5s", 1},
        {"1ns", 1},
        {"1m", 60000},
        {"999999999h", GEN_WAIT_MS_MAX},
        {"", NOTHING},
        {"5", NOTHING},
        {"s", NOTHING},
        {"-5s", NOTHING},
        {"5s6s", NOTHING},
        {"5s6m", NOTHING},
        {"5d", NOTHING},
        {"1..5s", NOTHING},
        {"1s ", NOTHING},
        {"1s1", NOTHING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = NOTHING;
        bool ok = gen_duration_parse(gen_str_from(cases[i].text), &got);
        if (got != cases[i].ms || ok != (cases[i].ms != NOTHING))
            fail_msg("'%s': %llu", cases[i].text, (unsigned long long)got);
    }
}

static void test_rfc3339(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"1994-11-06T08:49:37Z", true, NOW_MS},
        {"1994-11-06t08:49:37.5z", true, NOW_MS + 500},
        {"1994-11-06 08:49:37.123456Z", true, NOW_MS + 123},
        {"1994-11-06T10:49:37+02:00", true, NOW_MS},
        {"1994-11-06T03:19:37-05:30", true, NOW_MS},
        {"2000-02-29T00:00:00Z", true, 951782400000},
        {"2024-03-01T00:00:00Z", true, 1709251200000},
        {"1969-12-31T23:59:59Z", true, -1000},
        {"2016-12-31T23:59:60Z", true, 1483228800000},
        {"1994-11-06T08:49:37", false, 0},
        {"1994-11-06", false, 0},
        {"1994-13-06T08:49:37Z", false, 0},
        {"1994-11-00T08:49:37Z", false, 0},
        {"1994-11-06T24:49:37Z", false, 0},
        {"1994-11-06T08:49:37.Z", false, 0},
        {"1994-11-06T08:49:37Zx", false, 0},
        {"1994-11-06T08:49:37+0200", false, 0},
        {"94-11-06T08:49:37Z", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 0;
        bool ok = gen_rfc3339_parse(gen_str_from(cases[i].text), &got);
        if (got != cases[i].ms || ok != cases[i].ok)
            fail_msg("'%s': %lld", cases[i].text, (long long)got);
    }
}

static void test_limit_reset(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"1m2s", 62000},
        {"1994-11-06T08:49:38Z", 1000},
        {"1994-11-06T08:49:36Z", NOTHING},
        {"12.5", 12500},
        {"", NOTHING},
        {"later", NOTHING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = NOTHING;
        bool ok = gen_limit_reset(gen_str_from(cases[i].text), NOW_MS, &got);
        if (got != cases[i].ms || ok != (cases[i].ms != NOTHING))
            fail_msg("'%s': %llu", cases[i].text, (unsigned long long)got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_limit_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
