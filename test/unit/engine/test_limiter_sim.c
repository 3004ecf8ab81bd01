/* Lane, limiter, gen_decide and a budget together against simulated servers, with a virtual clock
 * and no network. Every seed is another server, load and set of faults; a failure names its seed:
 *   GEN_SIM_SEED=17 test_limiter_sim      one seed, told in full
 *   GEN_SIM_SEEDS=5000 test_limiter_sim   more of them (50 when it is not set) */
#include "base/num.h"
#include "engine/decide.h"
#include "engine/lane.h"
#include "engine/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ITEMS_MAX 100000U
#define CALLS_MAX 600U
#define SECONDS   400U
#define STEP_MS   10U

enum style { PLAIN, RETRY_AFTER, HEADERS, HEADERS_IN_OUT, N_STYLES };

/* A token bucket of the server's. */
struct tank {
    double capacity, level, per_ms;
    uint64_t at_ms;
};

struct server {
    enum style style;
    size_t n_at_once; /* answers at once; beyond it: overload */
    uint64_t latency_ms, spread_ms, refusal_ms;
    struct tank requests, in, out;
    uint64_t storm_from, storm_to; /* everything is refused */
    uint64_t dead_from, dead_to;   /* nothing answers */
    uint64_t ramp_at;              /* one slow_down */
    unsigned random_percent;       /* refused by chance, from 0 to storm_to */
};

struct call {
    bool in_use, in_flight;
    size_t item;
    int64_t in, out; /* what it will really use */
    uint64_t sent_ms;
    uint64_t at_ms; /* of the end of the attempt, or of the next one */
    bool is_admitted;
    struct gen_llm_result result;
    struct gen_limiter_need need;
    struct gen_call_history history;
};

struct sim {
    uint64_t seed;
    struct gen_prng random;
    struct server server;
    struct gen_lane lane;
    struct gen_limiter limiter;
    uint64_t now_ms;
    struct call calls[CALLS_MAX];
    size_t n_calls, next;
    size_t n_items;   /* given out so far */
    size_t items_end; /* how many there are */
    unsigned char ends[ITEMS_MAX];
    uint64_t began_ms[ITEMS_MAX];
    size_t n_serving, n_done, n_failed;
    size_t done_at[SECONDS + 1];                          /* in each second */
    size_t sent_at[SECONDS + 1], refused_at[SECONDS + 1]; /* of what was sent in each */
    int64_t requests_in[SECONDS * 1000 / STEP_MS + 1], tokens_in[SECONDS * 1000 / STEP_MS + 1];
    int64_t rpm, tpm; /* the user's */
    int64_t budget, spent, dearest;
    size_t most_in_flight;
    bool stopped;
    uint64_t longest_ms;
    double mean_in, mean_out;
    int64_t estimate_out;
};

static uint64_t pick(struct sim *s, uint64_t least, uint64_t most)
{
    return least + gen_prng_below(&s->random, most - least + 1);
}

static bool is_in(uint64_t t, uint64_t from, uint64_t to)
{
    return t >= from && t < to;
}

static void refill(struct tank *t, uint64_t now_ms)
{
    t->level += (double)(now_ms - t->at_ms) * t->per_ms;
    t->level = t->level < t->capacity ? t->level : t->capacity;
    t->at_ms = now_ms;
}

static struct tank make_tank(double a_minute)
{
    return (struct tank){a_minute, a_minute, a_minute / 60000, 0};
}

static struct gen_rate_limit told(struct tank *t, uint64_t now_ms)
{
    if (t->capacity <= 0)
        return (struct gen_rate_limit){-1, -1, -1};
    refill(t, now_ms);
    return (struct gen_rate_limit){(int64_t)t->capacity, (int64_t)(t->level > 0 ? t->level : 0),
                                   (int64_t)((t->capacity - t->level) / t->per_ms)};
}

static void tell_limits(struct sim *s, struct gen_llm_result *r)
{
    struct server *v = &s->server;
    if (v->style < HEADERS)
        return;
    r->limits.requests = told(&v->requests, s->now_ms);
    if (v->style == HEADERS) {
        r->limits.tokens = told(&v->in, s->now_ms);
    } else {
        r->limits.tokens_in = told(&v->in, s->now_ms);
        r->limits.tokens_out = told(&v->out, s->now_ms);
    }
}

static double wait_of(struct tank *t, double n, uint64_t now_ms)
{
    if (t->capacity <= 0)
        return 0;
    refill(t, now_ms);
    return t->level >= n ? 0 : (n - t->level) / t->per_ms;
}

/* 0: admitted, and what it reserves is taken; else the milliseconds to wait. */
static double admit(struct sim *s, const struct call *c)
{
    struct server *v = &s->server;
    bool both = v->style == HEADERS_IN_OUT;
    double in = (double)(both ? c->in : c->in + c->need.tokens_out_max);
    double out = (double)c->need.tokens_out_max;
    double wait = wait_of(&v->requests, 1, s->now_ms);
    double other = wait_of(&v->in, in, s->now_ms);
    wait = other > wait ? other : wait;
    other = wait_of(&v->out, out, s->now_ms);
    wait = other > wait ? other : wait;
    if (wait > 0)
        return wait;
    v->requests.level -= 1;
    v->in.level -= in;
    v->out.level -= out;
    return 0;
}

static void refuse(struct sim *s, struct call *c, enum gen_class class_code, double wait_ms)
{
    c->result.class_code = class_code;
    c->at_ms = s->now_ms + s->server.refusal_ms;
    if (s->server.style >= RETRY_AFTER && class_code == GEN_CLASS_RATE_LIMIT)
        c->result.retry_after_ms = (int64_t)wait_ms + 1;
    tell_limits(s, &c->result);
}

static void answer(struct sim *s, struct call *c)
{
    struct server *v = &s->server;
    bool by_chance = s->now_ms < v->storm_to && pick(s, 1, 100) <= v->random_percent;
    if (is_in(s->now_ms, v->dead_from, v->dead_to)) {
        c->result.class_code = GEN_CLASS_TRANSPORT;
        c->at_ms = s->now_ms + 1;
        return;
    }
    if (is_in(s->now_ms, v->storm_from, v->storm_to)) {
        refuse(s, c, s->seed % 2 ? GEN_CLASS_RATE_LIMIT : GEN_CLASS_OVERLOAD, 1000);
        return;
    }
    if (v->n_at_once && s->n_serving >= v->n_at_once) {
        refuse(s, c, GEN_CLASS_OVERLOAD, 0);
        return;
    }
    if (v->ramp_at && s->now_ms >= v->ramp_at) {
        v->ramp_at = 0;
        refuse(s, c, GEN_CLASS_RATE_LIMIT, 1000);
        c->result.lower_rate = true;
        return;
    }
    double wait = by_chance ? 0 : admit(s, c);
    if (by_chance || wait > 0) {
        refuse(s, c, by_chance ? GEN_CLASS_OVERLOAD : GEN_CLASS_RATE_LIMIT, wait);
        return;
    }
    c->is_admitted = true;
    s->n_serving++;
    c->result.class_code = GEN_CLASS_OK;
    c->result.usage.tokens_in = c->in;
    c->result.usage.tokens_out = c->out;
    c->at_ms = s->now_ms + v->latency_ms + pick(s, 0, v->spread_ms);
    tell_limits(s, &c->result);
}

static void send(struct sim *s, struct call *c)
{
    c->in_flight = true;
    c->result = gen_llm_result_make();
    c->sent_ms = s->now_ms;
    gen_lane_sent(&s->lane);
    gen_limiter_sent(&s->limiter, &c->need, s->now_ms);
    s->sent_at[s->now_ms / 1000]++;
    s->requests_in[s->now_ms / STEP_MS]++;
    /* The user's tokens are those of the requests sent in the minute. */
    answer(s, c);
    s->tokens_in[s->now_ms / STEP_MS] += c->is_admitted ? c->in + c->out : 0;
}

static void end_item(struct sim *s, struct call *c, bool is_good)
{
    s->ends[c->item]++;
    s->n_done += is_good;
    s->n_failed += !is_good;
    s->done_at[s->now_ms / 1000] += is_good;
    uint64_t took = s->now_ms - s->began_ms[c->item];
    s->longest_ms = took > s->longest_ms ? took : s->longest_ms;
    c->in_use = false;
}

static void end(struct sim *s, struct call *c)
{
    c->in_flight = false;
    c->result.latency_us = (s->now_ms - c->sent_ms) * 1000;
    s->n_serving -= c->is_admitted;
    if (c->is_admitted && s->server.style == HEADERS_IN_OUT && s->server.out.capacity > 0)
        s->server.out.level += (double)(c->need.tokens_out_max - c->out);
    if (c->is_admitted) {
        int64_t cost = c->in + c->out;
        s->spent += cost;
        s->dearest = cost > s->dearest ? cost : s->dearest;
    }
    enum gen_class class_code = c->result.class_code;
    s->refused_at[c->sent_ms / 1000] +=
        class_code == GEN_CLASS_RATE_LIMIT || class_code == GEN_CLASS_OVERLOAD;
    c->is_admitted = false;
    if (gen_lane_ended(&s->lane, &c->result, s->now_ms) == GEN_LANE_STOP)
        s->stopped = true;
    gen_limiter_ended(&s->limiter, &c->need, &c->result, s->now_ms);
    struct gen_decision d =
        gen_decide(&c->result, &c->history, gen_lane_is_down(&s->lane), &s->random);
    c->at_ms = s->now_ms + d.delay_ms;
    if (d.action != GEN_ACT_RETRY)
        end_item(s, c, d.action == GEN_ACT_ACCEPT);
}

static void begin_item(struct sim *s, struct call *c)
{
    size_t item = s->n_items++;
    *c = (struct call){.in_use = true, .item = item, .at_ms = s->now_ms};
    s->began_ms[item] = s->now_ms;
    c->in = (int64_t)pick(s, (uint64_t)(s->mean_in / 2), (uint64_t)(s->mean_in * 3 / 2));
    c->out = (int64_t)pick(s, (uint64_t)(s->mean_out / 4), (uint64_t)(s->mean_out * 7 / 4));
    c->need.tokens_in = c->in;
    c->need.tokens_out = s->estimate_out;
    c->need.tokens_out_max = (int64_t)(s->mean_out * 2);
}

static bool may_spend(const struct sim *s)
{
    return !s->budget || s->spent + s->dearest * (int64_t)(s->lane.in_flight + 1) <= s->budget;
}

/* When anything can happen next; nothing may before. */
static uint64_t next_event(const struct sim *s, uint64_t limited_ms)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < s->n_calls; i++) {
        const struct call *c = &s->calls[i];
        if (c->in_use && c->at_ms > s->now_ms && c->at_ms < next)
            next = c->at_ms;
    }
    uint64_t lane = gen_lane_next_ms(&s->lane, s->now_ms);
    next = lane < next ? lane : next;
    next = limited_ms < next ? limited_ms : next;
    if (next == UINT64_MAX || next < s->now_ms + STEP_MS)
        next = s->now_ms + STEP_MS;
    return (next + STEP_MS - 1) / STEP_MS * STEP_MS;
}

static void turn(struct sim *s)
{
    for (size_t i = 0; i < s->n_calls && !s->stopped; i++) {
        if (s->calls[i].in_flight && s->calls[i].at_ms <= s->now_ms)
            end(s, &s->calls[i]);
    }
    uint64_t limited_ms = UINT64_MAX;
    for (size_t i = 0; i < s->n_calls && !s->stopped; i++) {
        if (!gen_lane_room(&s->lane, s->now_ms) || !may_spend(s))
            break;
        struct call *c = &s->calls[s->next % s->n_calls];
        if (!c->in_use && s->n_items < s->items_end)
            begin_item(s, c);
        if (c->in_use && !c->in_flight && c->at_ms <= s->now_ms) {
            uint64_t wait = gen_limiter_wait_ms(&s->limiter, &c->need, s->now_ms);
            limited_ms = s->now_ms + wait;
            if (wait)
                break;
            send(s, c);
        }
        s->next++;
    }
    if (s->lane.in_flight > s->most_in_flight)
        s->most_in_flight = s->lane.in_flight;
    s->now_ms = next_event(s, limited_ms);
}

static bool is_over(const struct sim *s)
{
    return s->n_done + s->n_failed == s->items_end || (!may_spend(s) && s->lane.in_flight == 0);
}

static void run(struct sim *s, uint64_t until_ms)
{
    while (s->now_ms < until_ms && !s->stopped && !is_over(s))
        turn(s);
}

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("seed %llu (GEN_SIM_SEED=%llu replays it): ", (unsigned long long)s->seed, \
                        (unsigned long long)s->seed);                                              \
            print_error(__VA_ARGS__);                                                              \
            fail_msg("%s", #condition);                                                            \
        }                                                                                          \
    } while (0)

static struct sim *make(uint64_t seed, size_t window_start, size_t window_max)
{
    struct sim *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    struct gen_lane_limits limits = gen_lane_default_limits(window_start, window_max);
    gen_lane_init(&s->lane, &limits);
    s->seed = seed;
    s->random = gen_prng_make(seed * 7919 + 17);
    s->now_ms = STEP_MS;
    s->n_calls = window_max * 2 + 64 < CALLS_MAX ? window_max * 2 + 64 : CALLS_MAX;
    s->items_end = ITEMS_MAX;
    s->mean_in = 1000;
    s->mean_out = 300;
    s->estimate_out = 300;
    s->server = (struct server){.latency_ms = pick(s, 1, 30) * 100,
                                .spread_ms = pick(s, 0, 10) * 100,
                                .refusal_ms = pick(s, 1, 5) * 10};
    return s;
}

/* What must hold whatever happens. */
static void check_always(struct sim *s)
{
    for (size_t i = 0; i < s->n_items; i++)
        CHECK(s->ends[i] <= 1, "item %zu ended %u times\n", i, s->ends[i]);
    CHECK(s->most_in_flight <= s->lane.limits.window_max, "%zu in flight\n", s->most_in_flight);
    int64_t requests = 0;
    int64_t tokens = 0;
    size_t width = 60000 / STEP_MS;
    for (size_t i = 0; i < sizeof(s->tokens_in) / sizeof(s->tokens_in[0]); i++) {
        requests += s->requests_in[i] - (i >= width ? s->requests_in[i - width] : 0);
        tokens += s->tokens_in[i] - (i >= width ? s->tokens_in[i - width] : 0);
        CHECK(!s->rpm || requests <= s->rpm, "%lld requests in the minute to %zu ms\n",
              (long long)requests, i * STEP_MS);
        CHECK(!s->tpm || tokens <= s->tpm, "%lld tokens in the minute to %zu ms\n",
              (long long)tokens, i * STEP_MS);
    }
}

static size_t sum(const size_t *seconds, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += seconds[i];
    return n;
}

static int64_t variable(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t n = otherwise;
    if (text && gen_num_i64(gen_str_from(text), 0, 1000000, name, &n, NULL))
        fail_msg("%s is no number", name);
    return n;
}

static void for_seeds(void (*test)(uint64_t seed))
{
    int64_t one = variable("GEN_SIM_SEED", -1);
    int64_t n = one >= 0 ? one + 1 : variable("GEN_SIM_SEEDS", 50);
    for (int64_t seed = one >= 0 ? one : 0; seed < n; seed++)
        test((uint64_t)seed);
}

/* Requests a minute that the tanks let through in the long run. */
static double allowed_a_minute(const struct sim *s)
{
    const struct server *v = &s->server;
    bool both = v->style == HEADERS_IN_OUT;
    double most = v->requests.capacity > 0 ? v->requests.per_ms * 60000 : 1e9;
    double in = v->in.capacity / (both ? s->mean_in : s->mean_in + s->mean_out * 2);
    double out = v->out.capacity / s->mean_out;
    if (v->in.capacity > 0 && in < most)
        most = in;
    return v->out.capacity > 0 && out < most ? out : most;
}

static void set_tanks(struct sim *s, double rpm)
{
    struct server *v = &s->server;
    double more = (double)pick(s, 80, 300) / 100;
    v->requests = make_tank(rpm);
    if (pick(s, 0, 2) == 0)
        v->requests.level = v->requests.capacity = rpm / 60 + 1; /* of a second only */
    if (v->style == HEADERS)
        v->in = make_tank(rpm * (s->mean_in + s->mean_out * 2) * more);
    if (v->style == HEADERS_IN_OUT) {
        v->in = make_tank(rpm * s->mean_in * more);
        /* Room for the maxima of what is in flight too. */
        v->out = make_tank(rpm * s->mean_out * 3);
    }
}

static void limited_seed(uint64_t seed)
{
    struct sim *s = make(seed, 4 + seed % 28, 256);
    s->server.style = (enum style)(RETRY_AFTER + seed % 3);
    double mean_s = (double)(s->server.latency_ms + s->server.spread_ms / 2) / 1000;
    double rpm = (double)pick(s, 60, 3000);
    rpm = rpm > 6000 / mean_s ? 6000 / mean_s : rpm;
    set_tanks(s, rpm);
    run(s, 240000);
    check_always(s);
    CHECK(!s->stopped && s->n_failed == 0, "stopped %d, %zu failed: %s\n", s->stopped, s->n_failed,
          s->lane.stop_reason);
    double share = (double)sum(s->done_at, 120, 240) / (2 * allowed_a_minute(s));
    double wasted = (double)sum(s->refused_at, 1, 240) / (double)sum(s->sent_at, 1, 240);
    if (getenv("GEN_SIM_TELL"))
        printf("seed %3llu style %d rpm %5.0f (tank %5.0f) allowed %5.0f lat %4.1f refusal %llu: "
               "share %.2f wasted %.3f window %.0f pace %d %.2f\n",
               (unsigned long long)seed, s->server.style, rpm, s->server.requests.capacity,
               allowed_a_minute(s), mean_s, (unsigned long long)s->server.refusal_ms, share, wasted,
               s->lane.window, s->limiter.pace.is_on, s->limiter.pace.per_ms * 60000);
    CHECK(share >= 0.9, "%.3f of what the server allows\n", share);
    /* While the rate of a slow server is found, ten more. */
    double allowance = 0.05 + 10 / (double)sum(s->sent_at, 1, 240);
    CHECK(wasted <= allowance, "%.3f of the requests were refused\n", wasted);
    /* Each has its turn: twice what a round through all calls takes, and the delays. */
    double turn_ms = (double)s->n_calls * 60000 / allowed_a_minute(s);
    CHECK((double)s->longest_ms < 60000 + 2 * turn_ms, "an item took %llu ms\n",
          (unsigned long long)s->longest_ms);
    free(s);
}

static void servers_with_limits_are_used_and_not_annoyed(void **state)
{
    (void)state;
    for_seeds(limited_seed);
}

static void user_seed(uint64_t seed)
{
    struct sim *s = make(seed, 32, 256);
    /* Estimates that are wrong both ways. */
    s->estimate_out = (int64_t)pick(s, 100, 500);
    if (seed % 2)
        s->rpm = (int64_t)pick(s, 20, 1500);
    if (seed % 3)
        s->tpm = (int64_t)pick(s, 40000, 1500000);
    gen_limiter_init(&s->limiter, s->rpm, s->tpm);
    s->server.random_percent = seed % 5 ? 0 : 5;
    s->server.storm_to = 60000;
    run(s, 300000);
    check_always(s);
    double allowed = s->rpm ? (double)s->rpm : 1e9;
    if (s->tpm && (double)s->tpm / (s->mean_in + s->mean_out) < allowed)
        allowed = (double)s->tpm / (s->mean_in + s->mean_out);
    double window = 256 * 60 / ((double)(s->server.latency_ms + s->server.spread_ms) / 1000);
    double share = (double)sum(s->done_at, 122, 244) * 60 / 122 / allowed;
    if (getenv("GEN_SIM_TELL"))
        printf("seed %llu rpm %lld tpm %lld allowed %.0f share %.3f\n", (unsigned long long)seed,
               (long long)s->rpm, (long long)s->tpm, allowed, share);
    if (allowed < window * 0.8)
        CHECK(share >= 0.9, "%.3f of what the user allows\n", share);
    free(s);
}

static void the_users_limits_hold_in_every_minute(void **state)
{
    (void)state;
    for_seeds(user_seed);
}

static void storm_seed(uint64_t seed)
{
    struct sim *s = make(seed, 16, 128);
    uint64_t from = 20;
    uint64_t to = from + pick(s, 3, 40);
    unsigned kind = (unsigned)(seed % 4);
    s->server.latency_ms = pick(s, 1, 10) * 100;
    s->server.spread_ms = pick(s, 0, 3) * 100;
    s->server.style = seed % 8 < 4 ? PLAIN : RETRY_AFTER;
    if (kind == 0 || kind == 1) {
        s->server.storm_from = from * 1000;
        s->server.storm_to = to * 1000;
    } else if (kind == 2) {
        s->server.dead_from = from * 1000;
        s->server.dead_to = to * 1000;
    }
    run(s, from * 1000);
    if (kind == 3) {
        s->server.random_percent = (unsigned)pick(s, 5, 30);
        s->server.storm_from = s->server.storm_to = to * 1000;
    }
    double before = (double)sum(s->done_at, 10, 20) / 10;
    run(s, (to + 15) * 1000);
    check_always(s);
    double after = (double)sum(s->done_at, to + 5, to + 15) / 10;
    /* The first refusal must come back before anyone can heed it. */
    double wasted = (double)sum(s->refused_at, from + 2, to) / ((double)(to - from - 2) * before);
    if (getenv("GEN_SIM_TELL")) {
        printf("seed %llu kind %u lat %llu, %llu s: before %.1f after %.1f (%.2f) wasted %.3f "
               "window %.0f failed %zu\n",
               (unsigned long long)seed, kind, (unsigned long long)s->server.latency_ms,
               (unsigned long long)(to - from), before, after, after / before, wasted,
               s->lane.window, s->n_failed);
    }
    CHECK(!s->stopped && (s->n_failed == 0 || kind == 3), "stopped %d, %zu failed\n", s->stopped,
          s->n_failed);
    /* Refusals by chance look like a limit: they cost more of what was known of the server. */
    CHECK(after >= (kind == 3 ? 0.5 : 0.9) * before,
          "%.1f a second before the faults, %.1f from 5 s after them\n", before, after);
    CHECK(kind == 3 || wasted <= 0.05, "%.3f of what is usually sent was refused\n", wasted);
    free(s);
}

static void throughput_is_back_five_seconds_after_faults(void **state)
{
    (void)state;
    for_seeds(storm_seed);
}

static void end_seed(uint64_t seed)
{
    struct sim *s = make(seed, 8, 64);
    s->items_end = pick(s, 1, 1500);
    s->server.style = (enum style)(seed % N_STYLES);
    s->server.latency_ms = pick(s, 1, 10) * 100;
    if (s->server.style != PLAIN)
        set_tanks(s, (double)pick(s, 600, 6000));
    s->server.storm_from = pick(s, 1, 20) * 1000;
    s->server.storm_to = s->server.storm_from + pick(s, 0, 5000);
    s->server.dead_from = pick(s, 1, 20) * 1000;
    s->server.dead_to = s->server.dead_from + pick(s, 0, 5000);
    s->server.ramp_at = seed % 5 == 0 ? pick(s, 1, 10) * 1000 : 0;
    s->server.random_percent = (unsigned)pick(s, 0, 10);
    if (s->server.ramp_at)
        s->items_end = s->items_end / 10 + 1;
    if (seed % 3 == 0)
        s->budget = (int64_t)pick(s, 10000, 1000000);
    if (seed % 7 == 0)
        s->rpm = (int64_t)pick(s, 400, 2000);
    gen_limiter_init(&s->limiter, s->rpm, 0);
    run(s, 399000);
    check_always(s);
    CHECK(!s->stopped, "stopped: %s\n", s->lane.stop_reason);
    int64_t window = 64 * (int64_t)(s->mean_in * 1.5 + s->mean_out * 1.75);
    CHECK(!s->budget || s->spent <= s->budget + window, "%lld of %lld spent\n", (long long)s->spent,
          (long long)s->budget);
    if (may_spend(s)) {
        CHECK(s->n_done + s->n_failed == s->items_end, "%zu of %zu items ended\n",
              s->n_done + s->n_failed, s->items_end);
        for (size_t i = 0; i < s->items_end; i++)
            CHECK(s->ends[i] == 1, "item %zu ended %u times\n", i, s->ends[i]);
    }
    CHECK(s->longest_ms < 90000 || s->rpm || s->server.ramp_at == 0 || seed % 5 == 0,
          "an item took %llu ms\n", (unsigned long long)s->longest_ms);
    free(s);
}

static void every_item_ends_once_within_the_budget(void **state)
{
    (void)state;
    for_seeds(end_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_with_limits_are_used_and_not_annoyed),
        cmocka_unit_test(the_users_limits_hold_in_every_minute),
        cmocka_unit_test(throughput_is_back_five_seconds_after_faults),
        cmocka_unit_test(every_item_ends_once_within_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
