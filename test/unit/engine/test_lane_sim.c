/* The lane and gen_decide against a model of a server, with a virtual clock; every seed is another
 * server. A failure names its seed. */
#include "engine/decide.h"
#include "engine/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CALLS_MAX = 4096 };

struct server {
    size_t capacity; /* answers at once; beyond it: 429 */
    uint64_t latency_ms, jitter_ms, refusal_ms;
    int64_t retry_after_ms;          /* of refusals; -1: none */
    uint64_t outage_from, outage_to; /* nothing answers */
    uint64_t storm_from, storm_to;   /* everything is refused */
};

struct call {
    bool in_flight;
    uint64_t sent_ms;
    uint64_t at_ms; /* of the end of the attempt, or of the next one */
    struct gen_llm_result result;
    struct gen_call_history history;
};

struct sim {
    struct server server;
    struct gen_lane lane;
    struct gen_prng random;
    struct call calls[CALLS_MAX];
    size_t n_calls; /* items under way, as many as the engine holds */
    size_t n_served;
    size_t next;
    uint64_t now_ms;
    uint64_t n_done, n_failed, n_attempts, n_refused;
    bool stopped;
    uint64_t stopped_ms;
    uint64_t seed;
};

static struct sim *make(uint64_t seed, const struct server *server, size_t start, size_t max)
{
    struct sim *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    struct gen_lane_limits limits = gen_lane_default_limits(start, max);
    gen_lane_init(&s->lane, &limits);
    s->server = *server;
    s->random = gen_prng_make(seed);
    s->seed = seed;
    s->now_ms = 1;
    s->n_calls = max * 2 + 64;
    assert_true(s->n_calls <= CALLS_MAX);
    return s;
}

static bool is_in(uint64_t t, uint64_t from, uint64_t to)
{
    return t >= from && t < to;
}

static void send(struct sim *s, struct call *c)
{
    const struct server *v = &s->server;
    c->in_flight = true;
    c->result = gen_llm_result_make();
    c->sent_ms = s->now_ms;
    s->n_attempts++;
    gen_lane_sent(&s->lane);
    if (is_in(s->now_ms, v->outage_from, v->outage_to)) {
        c->result.class_code = GEN_CLASS_TRANSPORT;
        c->at_ms = s->now_ms + 1;
    } else if (s->n_served >= v->capacity || is_in(s->now_ms, v->storm_from, v->storm_to)) {
        c->result.class_code = GEN_CLASS_RATE_LIMIT;
        c->result.retry_after_ms = v->retry_after_ms;
        c->at_ms = s->now_ms + v->refusal_ms;
    } else {
        c->result.class_code = GEN_CLASS_OK;
        c->at_ms = s->now_ms + v->latency_ms + gen_prng_below(&s->random, v->jitter_ms + 1);
        s->n_served++;
    }
}

static void end(struct sim *s, struct call *c)
{
    enum gen_class class_code = c->result.class_code;
    c->in_flight = false;
    c->result.latency_us = (s->now_ms - c->sent_ms) * 1000;
    s->n_served -= class_code == GEN_CLASS_OK;
    s->n_refused += class_code == GEN_CLASS_RATE_LIMIT;
    size_t n_decreases = s->lane.n_decreases;
    size_t n_old = s->lane.n_old;
    if (gen_lane_ended(&s->lane, &c->result, s->now_ms) == GEN_LANE_STOP) {
        s->stopped = true;
        s->stopped_ms = s->now_ms;
    }
    /* What was in flight at the last decrease causes no other. */
    if (n_old)
        assert_int_equal(s->lane.n_decreases, n_decreases);
    struct gen_decision d =
        gen_decide(&c->result, &c->history, gen_lane_is_down(&s->lane), &s->random);
    c->at_ms = s->now_ms + d.delay_ms;
    if (d.action == GEN_ACT_RETRY)
        return;
    s->n_done += d.action == GEN_ACT_ACCEPT;
    s->n_failed += d.action != GEN_ACT_ACCEPT;
    c->history = (struct gen_call_history){0}; /* the next item takes its place */
    c->at_ms = s->now_ms;
}

static void check(const struct sim *s)
{
    size_t in_flight = 0;
    for (size_t i = 0; i < s->n_calls; i++)
        in_flight += s->calls[i].in_flight;
    if (in_flight != s->lane.in_flight || s->lane.window < 1 ||
        s->lane.window > (double)s->lane.limits.window_max || in_flight > s->lane.limits.window_max)
        fail_msg("seed %llu: %zu in flight, window %f", (unsigned long long)s->seed, in_flight,
                 s->lane.window);
}

/* Until `until_ms`, or until the lane stops the run. */
static void run(struct sim *s, uint64_t until_ms)
{
    while (s->now_ms < until_ms && !s->stopped) {
        for (size_t i = 0; i < s->n_calls && !s->stopped; i++) {
            if (s->calls[i].in_flight && s->calls[i].at_ms <= s->now_ms)
                end(s, &s->calls[i]);
        }
        /* Whoever has waited longest, about. */
        for (size_t i = 0; i < s->n_calls && gen_lane_room(&s->lane, s->now_ms); i++) {
            struct call *c = &s->calls[s->next++ % s->n_calls];
            if (!c->in_flight && c->at_ms <= s->now_ms)
                send(s, c);
        }
        check(s);
        s->now_ms += 5;
    }
}

static void throughput_is_nearly_the_servers(void **state)
{
    (void)state;
    static const size_t capacities[] = {1, 4, 16, 50, 200};
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct server v = {.capacity = capacities[seed % 5],
                           .latency_ms = 200 + seed * 20,
                           .jitter_ms = seed * 10,
                           .refusal_ms = 5 + seed % 3 * 20,
                           .retry_after_ms = -1};
        struct sim *s = make(seed, &v, 4 + seed % 60, 300);
        run(s, 60000);
        uint64_t before = s->n_done;
        run(s, 160000);
        double mean_ms = (double)v.latency_ms + (double)v.jitter_ms / 2;
        double ideal = 100000.0 / mean_ms * (double)v.capacity;
        double share = (double)(s->n_done - before) / ideal;
        if (share < 0.9 || s->n_failed)
            fail_msg("seed %llu, capacity %zu: %.2f of the server's, %llu items failed",
                     (unsigned long long)seed, v.capacity, share, (unsigned long long)s->n_failed);
        free(s);
    }
}

static void a_storm_passes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct server v = {.capacity = 1000,
                           .latency_ms = 500,
                           .jitter_ms = 500,
                           .refusal_ms = 20,
                           .retry_after_ms = seed % 3 ? -1 : 2000,
                           .storm_from = 20000,
                           .storm_to = 20000 + 1000 * (1 + seed * 5)};
        struct sim *s = make(seed, &v, 8, 128);
        run(s, 20000);
        assert_int_equal((size_t)s->lane.window, 128);
        run(s, v.storm_to);
        uint64_t n_refused = s->n_refused;
        run(s, v.storm_to + 90000);
        if (s->lane.window < 64 || s->n_failed || s->stopped)
            fail_msg("seed %llu: 90 s after the storm: window %f, %llu items failed",
                     (unsigned long long)seed, s->lane.window, (unsigned long long)s->n_failed);
        /* It was not fed. */
        assert_true(n_refused < 128 + 300);
        free(s);
    }
}

static void an_outage_passes_and_costs_no_item(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct server v = {.capacity = 1000,
                           .latency_ms = 300,
                           .jitter_ms = 300,
                           .refusal_ms = 1,
                           .retry_after_ms = -1,
                           .outage_from = 10000,
                           .outage_to = 10000 + 2000 * (1 + seed)};
        struct sim *s = make(seed, &v, 8, 64);
        run(s, v.outage_to + 30000);
        if (s->stopped || s->n_failed || s->lane.window < 30)
            fail_msg("seed %llu: stopped %d, %llu items failed, window %f",
                     (unsigned long long)seed, s->stopped, (unsigned long long)s->n_failed,
                     s->lane.window);
        free(s);
    }
}

static void a_dead_endpoint_is_told_in_time(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct server v = {.capacity = 10, .outage_to = UINT64_MAX};
        struct sim *s = make(seed, &v, 8, 64);
        run(s, 600000);
        assert_true(s->stopped);
        assert_int_equal(s->lane.stop_class, GEN_CLASS_TRANSPORT);
        assert_true(s->stopped_ms >= 8000 && s->stopped_ms < 16000);
        assert_int_equal(s->n_failed, 0);
        free(s);
        v = (struct server){.capacity = 10,
                            .latency_ms = 100,
                            .refusal_ms = 5,
                            .retry_after_ms = -1,
                            .outage_from = 10000,
                            .outage_to = UINT64_MAX};
        s = make(seed, &v, 8, 64);
        run(s, 600000);
        assert_true(s->stopped);
        assert_true(s->stopped_ms >= 130000 && s->stopped_ms < 140000);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(throughput_is_nearly_the_servers),
        cmocka_unit_test(a_storm_passes),
        cmocka_unit_test(an_outage_passes_and_costs_no_item),
        cmocka_unit_test(a_dead_endpoint_is_told_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
