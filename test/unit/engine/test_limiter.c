/* The limiter, event by event. */
#include "engine/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct gen_limiter make(int64_t requests, int64_t tokens)
{
    struct gen_limiter l;
    gen_limiter_init(&l, requests, tokens);
    return l;
}

static struct gen_limiter_need need(int64_t in, int64_t out, int64_t out_max)
{
    return (struct gen_limiter_need){.tokens_in = in, .tokens_out = out, .tokens_out_max = out_max};
}

static struct gen_llm_result answer(enum gen_class c, int64_t in, int64_t out)
{
    struct gen_llm_result r = gen_llm_result_make();
    r.class_code = c;
    r.usage.tokens_in = in;
    r.usage.tokens_out = out;
    return r;
}

/* Sends as long as it may; the number of requests sent. */
static unsigned send_all(struct gen_limiter *l, struct gen_limiter_need n, unsigned max, uint64_t t)
{
    unsigned sent = 0;
    for (; sent < max && gen_limiter_wait_ms(l, &n, t) == 0; sent++)
        gen_limiter_sent(l, &n, t);
    return sent;
}

static void tell(struct gen_limiter *l, struct gen_limiter_need *n, struct gen_rate_limit requests,
                 uint64_t t)
{
    struct gen_llm_result r = answer(GEN_CLASS_OK, 10, 10);
    r.limits.requests = requests;
    gen_limiter_ended(l, n, &r, t);
}

static void without_limits_nothing_waits(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    assert_int_equal(send_all(&l, need(INT64_MAX, INT64_MAX, INT64_MAX), 10000, 5), 10000);
    l = make(-5, -5);
    assert_int_equal(send_all(&l, need(-1, -1, -1), 10000, 5), 10000);
}

static void the_users_requests_a_minute_hold(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, 999, 1000, 59999, 1000000007};
    for (size_t i = 0; i < 6; i++) {
        struct gen_limiter l = make(10, 0);
        uint64_t t = starts[i];
        struct gen_limiter_need n = need(1, 1, 1);
        assert_int_equal(send_all(&l, n, 100, t), 10);
        uint64_t wait = gen_limiter_wait_ms(&l, &n, t);
        assert_true(wait >= 60000 && wait <= 61000);
        /* Refused and ended requests have been sent all the same. */
        struct gen_llm_result r = answer(GEN_CLASS_RATE_LIMIT, -1, -1);
        gen_limiter_ended(&l, &n, &r, t + 5);
        assert_int_equal(gen_limiter_wait_ms(&l, &n, t), wait);
        assert_int_equal(gen_limiter_wait_ms(&l, &n, t + wait - 1), 1);
        assert_int_equal(send_all(&l, n, 100, t + wait), 10);
    }
}

static void the_users_tokens_a_minute_hold(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 1000);
    /* Before it is known what answers use, the most they may use is kept free. */
    struct gen_limiter_need n = need(50, 50, 250);
    assert_int_equal(send_all(&l, n, 100, 0), 3);
    gen_limiter_sent(&l, &n, 0); /* a fourth, by force */
    struct gen_llm_result r = answer(GEN_CLASS_OK, 50, 50);
    for (unsigned i = 0; i < 4; i++)
        gen_limiter_ended(&l, &n, &r, 100);
    assert_int_equal(send_all(&l, need(50, 50, 250), 100, 200), 2);
    /* One that is larger than the limit goes alone. */
    l = make(0, 1000);
    struct gen_limiter_need large = need(5000, 0, 0);
    assert_int_equal(send_all(&l, large, 5, 0), 1);
    assert_int_equal(send_all(&l, need(1, 1, 1), 5, 60000), 0);
    assert_int_equal(send_all(&l, large, 5, 61000), 1);
}

static void what_was_used_beyond_the_estimate_counts(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 10000);
    struct gen_limiter_need n = need(100, 0, 0);
    gen_limiter_sent(&l, &n, 1000);
    struct gen_llm_result r = answer(GEN_CLASS_OK, 100, 9900);
    gen_limiter_ended(&l, &n, &r, 30000);
    struct gen_limiter_need next = need(1, 0, 0);
    assert_int_equal(gen_limiter_wait_ms(&l, &next, 30000), 32000);
    /* In the second in which it was sent. */
    assert_int_equal(gen_limiter_wait_ms(&l, &next, 62000), 0);
}

/* {limit, remaining, full_in_ms}: how many go at once after such an answer, and the wait for the
 * next. */
static void headers_are_learned(void **state)
{
    (void)state;
    static const struct {
        struct gen_rate_limit told;
        unsigned n_at_once;
        uint64_t wait_ms;
    } rows[] = {
        {{60, 10, 50000}, 10, 1000},
        {{60, 0, 60000}, 0, 1000},
        {{60, 0, -1}, 0, 1000},            /* the time is not told: by the minute */
        {{60, 0, 0}, 0, 1000},             /* nor is this a time */
        {{60, 60, 5}, 60, 1000},           /* full: likewise */
        {{60, 900, 5}, 60, 1000},          /* more than there is room for */
        {{14400, 2, 172776000}, 2, 12000}, /* a limit of the day */
        {{60, 30, 1}, 30, 1000},           /* holds less than the limit, until two have told */
        {{1, 0, INT64_MAX}, 0, 600000},    /* ten minutes are the longest silence */
        {{10, 0, INT64_MAX}, 0, 600000},
        {{INT64_MAX, 3, 1}, 3, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_limiter l = make(0, 0);
        struct gen_limiter_need n = need(1, 1, 1);
        gen_limiter_sent(&l, &n, 1000);
        tell(&l, &n, rows[i].told, 1000);
        unsigned sent = send_all(&l, n, 2000, 1000);
        uint64_t wait = gen_limiter_wait_ms(&l, &n, 1000);
        if (sent != rows[i].n_at_once || wait != rows[i].wait_ms)
            fail_msg("row %zu: %u at once, then a wait of %llu ms", i, sent,
                     (unsigned long long)wait);
        assert_int_equal(gen_limiter_wait_ms(&l, &n, 1000 + wait), 0);
    }
}

static void nonsense_in_headers_is_ignored(void **state)
{
    (void)state;
    static const struct gen_rate_limit rows[] = {{-1, -1, -1}, {0, 0, 1000},     {-1, 0, 1000},
                                                 {10, -1, 50}, {-7, -7, -7},     {INT64_MIN, 0, 0},
                                                 {10, -5, 10}, {0, INT64_MAX, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_limiter l = make(0, 0);
        struct gen_limiter_need n = need(1, 1, 1);
        gen_limiter_sent(&l, &n, 1000);
        tell(&l, &n, rows[i], 1000);
        assert_int_equal(send_all(&l, n, 5000, 1000), 5000);
    }
}

static void an_old_header_gives_nothing_back(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    struct gen_limiter_need first = need(1, 1, 1);
    struct gen_limiter_need later = first;
    gen_limiter_sent(&l, &first, 1000);
    (void)send_all(&l, later, 6, 1000); /* six more leave */
    gen_limiter_sent(&l, &later, 1000);
    /* It was told before the seven that left since: three of ten are free. */
    tell(&l, &first, (struct gen_rate_limit){10, 10, -1}, 1000);
    gen_limiter_sent(&l, &first, 1000);
    assert_int_equal(send_all(&l, need(1, 1, 1), 100, 1000), 2);
    /* It left before the bucket was known, and tells nothing. */
    tell(&l, &later, (struct gen_rate_limit){10, 10, -1}, 1000);
    assert_int_equal(send_all(&l, need(1, 1, 1), 100, 1000), 0);
    /* There are more than was expected behind the first of the three: two left since. */
    later = first;
    tell(&l, &first, (struct gen_rate_limit){10, 5, -1}, 1000);
    assert_int_equal(send_all(&l, need(1, 1, 1), 100, 1000), 3);
    first = later;
    /* And an answer to the first, arriving now, changes nothing. */
    tell(&l, &first, (struct gen_rate_limit){10, 10, -1}, 1000);
    assert_int_equal(send_all(&l, need(1, 1, 1), 100, 1000), 0);
}

static void input_and_output_have_buckets_of_their_own(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    struct gen_limiter_need n = need(100, 50, 1000);
    gen_limiter_sent(&l, &n, 1000);
    struct gen_llm_result r = answer(GEN_CLASS_OK, 100, 50);
    r.limits.tokens_in = (struct gen_rate_limit){60000, 60000, -1};
    r.limits.tokens_out = (struct gen_rate_limit){6000, 3000, 30000};
    gen_limiter_ended(&l, &n, &r, 1000);
    /* The maximum of the answer is reserved. */
    assert_int_equal(send_all(&l, n, 100, 1000), 3);
    gen_limiter_sent(&l, &n, 1000);
    /* What was not used comes back with the end, cached input too. */
    r = answer(GEN_CLASS_OK, 100, 50);
    r.usage.tokens_cached = 90;
    double in = l.buckets[GEN_LIMIT_TOKENS_IN].level;
    double out = l.buckets[GEN_LIMIT_TOKENS_OUT].level;
    gen_limiter_ended(&l, &n, &r, 1000);
    assert_true(l.buckets[GEN_LIMIT_TOKENS_IN].level > in + 89);
    assert_true(l.buckets[GEN_LIMIT_TOKENS_OUT].level > out + 949);
}

static void a_request_larger_than_the_bucket_goes_when_it_is_full(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    struct gen_limiter_need n = need(1000000, 1, 1);
    gen_limiter_sent(&l, &n, 1000);
    struct gen_llm_result r = answer(GEN_CLASS_OK, 10, 10);
    r.limits.tokens = (struct gen_rate_limit){6000, 3000, 30000};
    gen_limiter_ended(&l, &n, &r, 1000);
    assert_int_equal(gen_limiter_wait_ms(&l, &n, 1000), 30000);
    assert_int_equal(gen_limiter_wait_ms(&l, &n, 31000), 0);
    gen_limiter_sent(&l, &n, 31000);
    assert_int_equal(gen_limiter_wait_ms(&l, &n, 31000), 60000);
}

static void refuse(struct gen_limiter *l, struct gen_limiter_need n, int64_t delay_ms, uint64_t t)
{
    gen_limiter_sent(l, &n, t);
    struct gen_llm_result r = answer(GEN_CLASS_RATE_LIMIT, -1, -1);
    r.retry_after_ms = delay_ms;
    gen_limiter_ended(l, &n, &r, t);
}

static void refusals_without_headers_are_paced(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    struct gen_limiter_need n = need(1, 1, 1);
    /* 20 requests a second for 20 seconds, then two refusals. */
    uint64_t t = 1000;
    for (unsigned i = 0; i < 400; i++, t += 50) {
        gen_limiter_sent(&l, &n, t);
        struct gen_llm_result r = answer(GEN_CLASS_OK, 1, 1);
        gen_limiter_ended(&l, &n, &r, t);
    }
    refuse(&l, n, 100, t);
    /* One alone may be chance. */
    assert_int_equal(gen_limiter_wait_ms(&l, &n, t), 0);
    refuse(&l, n, 100, t);
    uint64_t wait = gen_limiter_wait_ms(&l, &n, t);
    assert_true(wait >= 45 && wait <= 60);
    assert_true(send_all(&l, n, 1000, t + 1000) <= 20);
    /* After a long calm it is gone. */
    for (unsigned i = 0; i < 300; i++) {
        t += 100;
        struct gen_limiter_need one = need(1, 1, 1);
        gen_limiter_sent(&l, &one, t);
        struct gen_llm_result r = answer(GEN_CLASS_OK, 1, 1);
        gen_limiter_ended(&l, &one, &r, t);
    }
    assert_int_equal(send_all(&l, n, 1000, t), 1000);
}

/* Every twentieth request is refused, however many are sent: they are not sent ever more slowly. */
static void refusals_by_chance_are_not_paced(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    uint64_t t = 1000;
    unsigned n_sent_late = 0;
    for (unsigned i = 1; t < 120000; i++) {
        struct gen_limiter_need n = need(1, 1, 1);
        t += gen_limiter_wait_ms(&l, &n, t);
        if (i % 20 == 0) {
            refuse(&l, n, 1000, t);
            t += 1000; /* the lane's pause */
            continue;
        }
        gen_limiter_sent(&l, &n, t);
        struct gen_llm_result r = answer(GEN_CLASS_OK, 1, 1);
        gen_limiter_ended(&l, &n, &r, ++t);
        n_sent_late += t >= 60000;
    }
    /* Nineteen in 1,019 ms is what the pauses leave. */
    assert_true(n_sent_late > 60 * 19 * 8 / 10);
}

static void slow_down_halves_and_ramps_up_slowly(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    struct gen_limiter_need n = need(1, 1, 1);
    uint64_t t = 1000;
    for (unsigned i = 0; i < 1000; i++, t += 10) {
        gen_limiter_sent(&l, &n, t);
        struct gen_llm_result r = answer(GEN_CLASS_OK, 1, 1);
        gen_limiter_ended(&l, &n, &r, t);
    }
    gen_limiter_sent(&l, &n, t);
    struct gen_llm_result r = answer(GEN_CLASS_RATE_LIMIT, -1, -1);
    r.lower_rate = true;
    gen_limiter_ended(&l, &n, &r, t);
    double half = l.pace.per_ms;
    assert_true(half > 0.045 && half < 0.055);
    for (unsigned quarter = 1; quarter <= 3; quarter++) {
        double before = l.pace.per_ms;
        for (unsigned s = 0; s < 900; s++) {
            t += 1000;
            struct gen_limiter_need one = need(1, 1, 1);
            gen_limiter_sent(&l, &one, t);
            struct gen_llm_result ok = answer(GEN_CLASS_OK, 1, 1);
            gen_limiter_ended(&l, &one, &ok, t);
        }
        assert_true(l.pace.is_on && l.pace.per_ms <= before * 1.5001);
        assert_true(l.pace.per_ms > before * 1.49);
    }
}

static void a_storm_is_no_limit(void **state)
{
    (void)state;
    struct gen_limiter l = make(0, 0);
    uint64_t t = 1000;
    for (unsigned i = 0; i < 500; i++, t += 100) {
        struct gen_limiter_need n = need(1, 1, 1);
        gen_limiter_sent(&l, &n, t);
        struct gen_llm_result r = answer(i % 2 ? GEN_CLASS_RATE_LIMIT : GEN_CLASS_OVERLOAD, -1, -1);
        r.retry_after_ms = 10;
        gen_limiter_ended(&l, &n, &r, t);
    }
    assert_false(l.pace.is_on);
}

/* A clock that goes back, ends without beginnings, absurd usage. */
static void bad_input_does_no_harm(void **state)
{
    (void)state;
    struct gen_limiter l = make(5, 500);
    struct gen_limiter_need n = need(INT64_MAX, INT64_MIN, INT64_MAX);
    gen_limiter_sent(&l, &n, 1000000);
    struct gen_llm_result r = answer(GEN_CLASS_OK, INT64_MAX, INT64_MAX);
    r.usage.tokens_cached = INT64_MAX;
    r.limits.tokens = (struct gen_rate_limit){INT64_MAX, INT64_MAX, INT64_MAX};
    r.limits.tokens_in = (struct gen_rate_limit){1, 1, 1};
    gen_limiter_ended(&l, &n, &r, 10);
    gen_limiter_ended(&l, &n, &r, 0);
    struct gen_limiter_need small = need(1, 1, 1);
    assert_true(gen_limiter_wait_ms(&l, &small, 5) <= 61000);
    assert_int_equal(gen_limiter_wait_ms(&l, &small, 1061000), 0);
    assert_int_equal(l.n_in_flight, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_nothing_waits),
        cmocka_unit_test(the_users_requests_a_minute_hold),
        cmocka_unit_test(the_users_tokens_a_minute_hold),
        cmocka_unit_test(what_was_used_beyond_the_estimate_counts),
        cmocka_unit_test(headers_are_learned),
        cmocka_unit_test(nonsense_in_headers_is_ignored),
        cmocka_unit_test(an_old_header_gives_nothing_back),
        cmocka_unit_test(input_and_output_have_buckets_of_their_own),
        cmocka_unit_test(a_request_larger_than_the_bucket_goes_when_it_is_full),
        cmocka_unit_test(refusals_without_headers_are_paced),
        cmocka_unit_test(refusals_by_chance_are_not_paced),
        cmocka_unit_test(slow_down_halves_and_ramps_up_slowly),
        cmocka_unit_test(a_storm_is_no_limit),
        cmocka_unit_test(bad_input_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
