#include "ui/ui_int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void numbers_have_separators(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *whole, *brief;
    } rows[] = {
        {0, "0", "0"},
        {7, "7", "7"},
        {999, "999", "999"},
        {1000, "1,000", "1.0k"},
        {12345, "12,345", "12.3k"},
        {99949, "99,949", "99.9k"},
        {99950, "99,950", "100k"},
        {312002, "312,002", "312k"},
        {999499, "999,499", "999k"},
        {999500, "999,500", "1.0M"},
        {1234567, "1,234,567", "1.2M"},
        {4100000000, "4,100,000,000", "4.1G"},
        {INT64_MAX, "9,223,372,036,854,775,807", "9,223,372T"},
        {-1234, "-1,234", "-1,234"},
        {INT64_MIN, "-9,223,372,036,854,775,808", "-9,223,372,036,854,775,808"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[32];
        gen_ui_number(out, rows[i].n);
        assert_string_equal(out, rows[i].whole);
        gen_ui_short_number(out, rows[i].n);
        assert_string_equal(out, rows[i].brief);
    }
}

static void durations_read_well(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {
        {0, "0s"},         {-3, "0s"},         {NAN, "0s"},
        {0.042, "42ms"},   {0.9999, "1.0s"},   {4.25, "4.2s"},
        {9.96, "10s"},     {59.4, "59s"},      {59.6, "1m 00s"},
        {192, "3m 12s"},   {3599.9, "1h 00m"}, {3725, "1h 02m"},
        {86400, "1d 00h"}, {200000, "2d 07h"}, {INFINITY, "10000d 00h"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[32];
        gen_ui_duration(out, rows[i].seconds);
        assert_string_equal(out, rows[i].text);
    }
}

static void money_keeps_the_digits_that_count(void **state)
{
    (void)state;
    static const struct {
        int64_t micro;
        const char *text;
    } rows[] = {
        {-1, "unknown"},
        {0, "$0.00"},
        {1, "$0.000001"},
        {9999, "$0.009999"},
        {12345, "$0.0123"},
        {999949, "$0.9999"},
        {999950, "$1.00"},
        {1230000, "$1.23"},
        {1235000, "$1.24"},
        {99999999, "$100.00"},
        {1234567890123, "$1,234,567.89"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[32];
        gen_ui_money(out, rows[i].micro);
        assert_string_equal(out, rows[i].text);
    }
    char out[32];
    gen_ui_money(out, INT64_MAX);
    assert_true(strlen(out) < sizeof(out));
}

static void rates_and_time_left_are_round(void **state)
{
    (void)state;
    static const struct {
        double per_second;
        const char *text;
    } rates[] = {{0.02, "1.2 answers/min"},
                 {0.94, "56.4 answers/min"},
                 {1, "1.0 answers/s"},
                 {41.23, "41.2 answers/s"},
                 {3210.7, "3211 answers/s"}};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        char out[32];
        gen_ui_answer_rate(out, rates[i].per_second);
        assert_string_equal(out, rates[i].text);
    }
    static const struct {
        double seconds;
        const char *text;
    } left[] = {{0, "a few seconds left"},     {9, "a few seconds left"},
                {11, "about 15s left"},        {55, "about 1m left"},
                {170, "about 3m left"},        {3590, "about 1h 00m left"},
                {4700, "about 1h 20m left"},   {86390, "about 1d 00h left"},
                {200000, "about 2d 08h left"}, {1e12, "about 10000d 01h left"}};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        char out[32];
        gen_ui_time_left(out, left[i].seconds);
        assert_string_equal(out, left[i].text);
    }
}

static void every_class_of_failure_has_words(void **state)
{
    (void)state;
    static const char *const names[] = {
        "rate_limit", "overload",  "server_error",     "transport",         "quota",
        "auth",       "blocked",   "context_overflow", "unsupported_param", "bad_request",
        "truncated",  "malformed", "canceled"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(gen_ui_class_words(names[i]));
    assert_null(gen_ui_class_words("too_short"));
}

static void a_smoothed_rate_has_no_bias_at_its_start(void **state)
{
    (void)state;
    struct gen_ui_rate rate = {0, 0};
    gen_ui_rate_sample(&rate, 40, 1, 20);
    assert_true(gen_ui_rate_get(&rate) == 0); /* one sample tells nothing */
    for (size_t i = 0; i < 9; i++)
        gen_ui_rate_sample(&rate, 40, 1, 20);
    assert_true(fabs(gen_ui_rate_get(&rate) - 40) < 1e-9);
    for (size_t i = 0; i < 200; i++)
        gen_ui_rate_sample(&rate, 10, 1, 20);
    assert_true(fabs(gen_ui_rate_get(&rate) - 10) < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_separators),
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(money_keeps_the_digits_that_count),
        cmocka_unit_test(rates_and_time_left_are_round),
        cmocka_unit_test(every_class_of_failure_has_words),
        cmocka_unit_test(a_smoothed_rate_has_no_bias_at_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
