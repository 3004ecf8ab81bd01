/* The lane, event by event. */
#include "engine/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct gen_lane make(size_t start, size_t max)
{
    struct gen_lane lane;
    struct gen_lane_limits limits = gen_lane_default_limits(start, max);
    gen_lane_init(&lane, &limits);
    return lane;
}

static enum gen_lane_verdict end(struct gen_lane *lane, enum gen_class c, int64_t retry_after_ms,
                                 uint64_t now_ms)
{
    struct gen_llm_result r = gen_llm_result_make();
    r.class_code = c;
    r.retry_after_ms = retry_after_ms;
    r.latency_us = 1000000;
    (void)memcpy(r.message, "why", 4);
    return gen_lane_ended(lane, &r, now_ms);
}

static enum gen_lane_verdict one(struct gen_lane *lane, enum gen_class c, uint64_t now_ms)
{
    gen_lane_sent(lane);
    return end(lane, c, -1, now_ms);
}

static void fill(struct gen_lane *lane, uint64_t now_ms)
{
    while (gen_lane_room(lane, now_ms))
        gen_lane_sent(lane);
}

static void drain(struct gen_lane *lane, enum gen_class c, uint64_t now_ms)
{
    while (lane->in_flight)
        assert_int_equal(end(lane, c, -1, now_ms), GEN_LANE_GO);
}

static void limits_that_make_no_sense_are_mended(void **state)
{
    (void)state;
    struct gen_lane lane = make(0, 0);
    assert_int_equal(gen_lane_room(&lane, 0), 1);
    lane = make(100, 10);
    assert_int_equal(gen_lane_room(&lane, 0), 10);
}

static void the_window_doubles_per_round_trip(void **state)
{
    (void)state;
    struct gen_lane lane = make(4, 100);
    fill(&lane, 0);
    assert_int_equal(lane.in_flight, 4);
    for (size_t want = 8; want <= 64; want *= 2) {
        size_t n = lane.in_flight;
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(end(&lane, GEN_CLASS_OK, -1, 1000), GEN_LANE_GO);
            fill(&lane, 1000);
        }
        assert_int_equal((size_t)lane.window, want);
    }
    for (unsigned i = 0; i < 1000; i++) {
        (void)end(&lane, GEN_CLASS_OK, -1, 1000);
        fill(&lane, 1000);
    }
    assert_int_equal((size_t)lane.window, 100);
    assert_int_equal(lane.in_flight, 100);
}

static void an_unused_window_does_not_grow(void **state)
{
    (void)state;
    struct gen_lane lane = make(10, 100);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(one(&lane, GEN_CLASS_OK, i), GEN_LANE_GO);
    assert_int_equal((size_t)lane.window, 10);
}

static void a_burst_of_refusals_is_one_decrease(void **state)
{
    (void)state;
    struct gen_lane lane = make(64, 64);
    fill(&lane, 0);
    drain(&lane, GEN_CLASS_RATE_LIMIT, 5);
    assert_int_equal(lane.n_decreases, 1);
    assert_int_equal((size_t)lane.window, 32);
    fill(&lane, 10);
    drain(&lane, GEN_CLASS_OVERLOAD, 15);
    assert_int_equal(lane.n_decreases, 2);
    assert_int_equal((size_t)lane.window, 16);
    assert_int_equal(lane.in_flight, 0);
}

static void a_single_refusal_in_calm_takes_an_eighth(void **state)
{
    (void)state;
    struct gen_lane lane = make(64, 64);
    fill(&lane, 0);
    drain(&lane, GEN_CLASS_RATE_LIMIT, 5);
    /* Doubling again up to half of what it was; then by one per round trip. */
    for (unsigned round = 0; round < 40; round++) {
        fill(&lane, 100);
        drain(&lane, GEN_CLASS_OK, 100);
    }
    double before = lane.window;
    assert_true(before > 32);
    assert_int_equal(one(&lane, GEN_CLASS_RATE_LIMIT, 200), GEN_LANE_GO);
    assert_true(lane.window > 0.87 * before && lane.window < 0.88 * before);
}

static void the_window_stays_at_one_at_least(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    for (unsigned i = 0; i < 100; i++)
        (void)one(&lane, GEN_CLASS_OVERLOAD, i);
    assert_true(lane.window >= 1);
}

static void a_server_delay_pauses_all(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    gen_lane_sent(&lane);
    (void)end(&lane, GEN_CLASS_RATE_LIMIT, 3000, 1000);
    assert_int_equal(gen_lane_room(&lane, 3999), 0);
    assert_int_equal(gen_lane_next_ms(&lane, 3999), 4000);
    assert_true(gen_lane_room(&lane, 4000) > 0);
    assert_true(gen_lane_next_ms(&lane, 4000) == UINT64_MAX);
    /* A shorter one does not cut it short, an absurd one is cut to ten minutes. */
    gen_lane_sent(&lane);
    (void)end(&lane, GEN_CLASS_RATE_LIMIT, INT64_MAX, 5000);
    assert_int_equal(gen_lane_next_ms(&lane, 5001), 605000);
    gen_lane_sent(&lane);
    (void)end(&lane, GEN_CLASS_RATE_LIMIT, 10, 5000);
    assert_int_equal(gen_lane_next_ms(&lane, 5001), 605000);
}

static void a_dead_endpoint_stops_the_run(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    assert_int_equal(one(&lane, GEN_CLASS_TRANSPORT, 100), GEN_LANE_GO);
    assert_int_equal(one(&lane, GEN_CLASS_TRANSPORT, 9000), GEN_LANE_GO); /* two are too few */
    assert_int_equal(one(&lane, GEN_CLASS_TRANSPORT, 9001), GEN_LANE_STOP);
    assert_int_equal(lane.stop_class, GEN_CLASS_TRANSPORT);
    assert_non_null(strstr(lane.stop_reason, "does not answer (asked "));
    /* After it has worked once it gets two minutes. */
    lane = make(8, 8);
    (void)one(&lane, GEN_CLASS_OK, 0);
    for (uint64_t t = 1000; t < 121000; t += 1000)
        assert_int_equal(one(&lane, GEN_CLASS_TRANSPORT, t), GEN_LANE_GO);
    assert_int_equal(one(&lane, GEN_CLASS_TRANSPORT, 121000), GEN_LANE_STOP);
    /* Any answer in between ends the series. */
    lane = make(8, 8);
    for (uint64_t t = 0; t < 1000000; t += 1000)
        assert_int_equal(one(&lane, t % 8000 ? GEN_CLASS_TRANSPORT : GEN_CLASS_SERVER_ERROR, t),
                         GEN_LANE_GO);
}

static void a_lane_that_is_down_is_probed_singly(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    fill(&lane, 0);
    drain(&lane, GEN_CLASS_TRANSPORT, 100);
    assert_true(gen_lane_is_down(&lane));
    assert_int_equal(gen_lane_room(&lane, 101), 0);
    uint64_t t = gen_lane_next_ms(&lane, 101);
    assert_true(t > 101 && t <= 5100);
    assert_int_equal(gen_lane_room(&lane, t), 1);
    assert_int_equal(one(&lane, GEN_CLASS_OK, t), GEN_LANE_GO);
    assert_false(gen_lane_is_down(&lane));
    assert_true(gen_lane_room(&lane, t) >= 1);
}

static void a_closed_idle_connection_is_no_sign(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    for (unsigned i = 0; i < 100; i++) {
        struct gen_llm_result r = gen_llm_result_make();
        r.class_code = GEN_CLASS_TRANSPORT;
        r.retry_is_free = true;
        gen_lane_sent(&lane);
        assert_int_equal(gen_lane_ended(&lane, &r, i * 1000), GEN_LANE_GO);
    }
    assert_false(gen_lane_is_down(&lane));
    assert_int_equal(gen_lane_room(&lane, 0), 8);
}

static void the_first_answers_all_rejected_alike(void **state)
{
    (void)state;
    static const enum gen_class at_once[] = {GEN_CLASS_BAD_REQUEST, GEN_CLASS_CONTEXT_OVERFLOW,
                                             GEN_CLASS_BLOCKED};
    static const enum gen_class given_up[] = {GEN_CLASS_MALFORMED, GEN_CLASS_SERVER_ERROR,
                                              GEN_CLASS_UNSUPPORTED_PARAM, GEN_CLASS_TRUNCATED};
    for (size_t k = 0; k < 3; k++) {
        struct gen_lane lane = make(8, 8);
        for (unsigned i = 1; i < 12; i++)
            assert_int_equal(one(&lane, at_once[k], i), GEN_LANE_GO);
        assert_int_equal(one(&lane, at_once[k], 12), GEN_LANE_STOP);
        assert_int_equal(lane.stop_class, at_once[k]);
    }
    for (size_t k = 0; k < 4; k++) {
        struct gen_lane lane = make(8, 8);
        for (unsigned i = 1; i < 12; i++) {
            /* Answers to be asked for again come first: they are no rejections yet. */
            (void)one(&lane, k == 0 ? GEN_CLASS_OK : given_up[k], i);
            (void)one(&lane, k == 0 ? GEN_CLASS_OK : given_up[k], i);
            assert_int_equal(gen_lane_gave_up(&lane, given_up[k], "why"), GEN_LANE_GO);
        }
        assert_int_equal(gen_lane_gave_up(&lane, given_up[k], "why"), GEN_LANE_STOP);
        assert_int_equal(lane.stop_class, given_up[k]);
    }
}

static void one_success_and_rejections_stop_nothing(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    for (unsigned i = 0; i < 11; i++)
        (void)one(&lane, GEN_CLASS_BAD_REQUEST, i);
    (void)one(&lane, GEN_CLASS_OK, 11);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(one(&lane, GEN_CLASS_BAD_REQUEST, i), GEN_LANE_GO);
    lane = make(8, 8);
    gen_lane_accepted(&lane);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(gen_lane_gave_up(&lane, GEN_CLASS_MALFORMED, "why"), GEN_LANE_GO);
    /* Nor do rejections of several kinds. */
    lane = make(8, 8);
    for (unsigned i = 0; i < 11; i++)
        assert_int_equal(one(&lane, i % 2 ? GEN_CLASS_BLOCKED : GEN_CLASS_BAD_REQUEST, i),
                         GEN_LANE_GO);
}

static void what_cannot_be_used_stops_at_once(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    struct gen_llm_result r = gen_llm_result_make();
    r.class_code = GEN_CLASS_AUTH;
    r.stop_provider = true;
    gen_lane_sent(&lane);
    assert_int_equal(gen_lane_ended(&lane, &r, 5), GEN_LANE_STOP);
    assert_int_equal(lane.in_flight, 0);
}

static void endless_refusals_stop_in_the_end(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    uint64_t now = 1;
    unsigned n = 0;
    enum gen_lane_verdict v = GEN_LANE_GO;
    while (v == GEN_LANE_GO && now < 3600000) {
        now = gen_lane_room(&lane, now) ? now : gen_lane_next_ms(&lane, now);
        v = one(&lane, GEN_CLASS_OVERLOAD, now);
        n++;
    }
    assert_int_equal(v, GEN_LANE_STOP);
    assert_true(now >= 600000 && now < 610000);
    assert_true(n < 200); /* and the endpoint was not hammered */
}

static void canceled_attempts_say_nothing(void **state)
{
    (void)state;
    struct gen_lane lane = make(8, 8);
    fill(&lane, 0);
    drain(&lane, GEN_CLASS_CANCELED, 5);
    assert_int_equal(gen_lane_room(&lane, 5), 8);
    assert_int_equal(lane.n_answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_that_make_no_sense_are_mended),
        cmocka_unit_test(the_window_doubles_per_round_trip),
        cmocka_unit_test(an_unused_window_does_not_grow),
        cmocka_unit_test(a_burst_of_refusals_is_one_decrease),
        cmocka_unit_test(a_single_refusal_in_calm_takes_an_eighth),
        cmocka_unit_test(the_window_stays_at_one_at_least),
        cmocka_unit_test(a_server_delay_pauses_all),
        cmocka_unit_test(a_dead_endpoint_stops_the_run),
        cmocka_unit_test(a_lane_that_is_down_is_probed_singly),
        cmocka_unit_test(a_closed_idle_connection_is_no_sign),
        cmocka_unit_test(the_first_answers_all_rejected_alike),
        cmocka_unit_test(one_success_and_rejections_stop_nothing),
        cmocka_unit_test(what_cannot_be_used_stops_at_once),
        cmocka_unit_test(endless_refusals_stop_in_the_end),
        cmocka_unit_test(canceled_attempts_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
