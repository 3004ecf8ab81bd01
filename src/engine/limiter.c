#include "engine/limiter.h"

#include <math.h>

#define SLOT_MS       1000U
#define WINDOW_SLOTS  61U /* any 60 s touch at most so many seconds of the clock */
#define MINUTE_MS     60000.0
#define FILL_MS_MAX   600000.0
#define TOKENS_MAX    ((int64_t)1 << 40) /* so that sums of absurd figures stay far from overflow */
#define MEASURE_SLOTS 8U
#define PROVEN_AFTER  16U
#define DEVIATIONS    5.0
#define MEMORY        0.02 /* weight of the newest answer in what answers use */

#define COMPARE_MS    30.0
#define COMPARE_S_MS  10000.0 /* of times told in seconds */
#define COMPARE_SHARE 0.25
#define COMPARE_LEAST 50.0
#define ROUNDED       1.05

#define STORM_AFTER     6U
#define PACE_CUT        0.94
#define PACE_CUT_HARD   0.5
#define PACE_GAIN       0.001 /* a request */
#define PACE_SIGN_N     16U
#define PACE_CALM_N     40U
#define PACE_CALM_GAIN  2.0 /* a second */
#define PACE_CALM_MS    2000U
#define PACE_QUICK      8.0   /* times the rate that was refused */
#define PACE_SAME       0.985 /* of the rate that was refused: lower is lower */
#define PACE_VAIN       2U
#define PACE_VAIN_SHORT 40U
#define PACE_HARD       6U /* times */
#define PACE_LONG_MS    500
#define PACE_SEEN_MS    10000U
#define PACE_OFF_MS     8000U
#define PACE_OFF_MS_MAX 128000U
#define SLOW_GAIN       1.5
#define SLOW_GAIN_MS    900000.0

static int64_t clamp_tokens(int64_t n)
{
    if (n < 0)
        return 0;
    return n > TOKENS_MAX ? TOKENS_MAX : n;
}

static int64_t sliding_sum(const struct gen_sliding_minute *m, uint64_t slot, uint64_t n_slots)
{
    int64_t sum = 0;
    for (size_t i = 0; i < GEN_LIMITER_SLOTS; i++) {
        /* A slot of the future: the clock was set back; it still counts. */
        if (m->slots[i] + n_slots > slot)
            sum += m->sums[i];
    }
    return sum;
}

static void sliding_add(struct gen_sliding_minute *m, int64_t n, uint64_t at_ms)
{
    uint64_t slot = at_ms / SLOT_MS;
    size_t i = slot % GEN_LIMITER_SLOTS;
    if (m->slots[i] != slot) {
        m->slots[i] = slot;
        m->sums[i] = 0;
    }
    m->sums[i] += n;
}

/* A later correction of what was added at `at_ms`; it may have left the window meanwhile. */
static void sliding_correct(struct gen_sliding_minute *m, int64_t n, uint64_t at_ms)
{
    uint64_t slot = at_ms / SLOT_MS;
    if (m->slots[slot % GEN_LIMITER_SLOTS] == slot)
        m->sums[slot % GEN_LIMITER_SLOTS] += n;
}

/* Until `n` more are within the limit; one that is larger than the limit goes alone. */
static uint64_t sliding_wait_ms(const struct gen_sliding_minute *m, int64_t n, uint64_t now_ms)
{
    if (m->limit <= 0)
        return 0;
    uint64_t now_slot = now_ms / SLOT_MS;
    int64_t sum = sliding_sum(m, now_slot, WINDOW_SLOTS);
    uint64_t oldest = now_slot + 1 > WINDOW_SLOTS ? now_slot + 1 - WINDOW_SLOTS : 0;
    for (uint64_t slot = oldest; sum > 0 && sum + n > m->limit && slot <= now_slot; slot++) {
        if (m->slots[slot % GEN_LIMITER_SLOTS] != slot)
            continue;
        sum -= m->sums[slot % GEN_LIMITER_SLOTS];
        if (sum <= 0 || sum + n <= m->limit)
            return (slot + WINDOW_SLOTS) * SLOT_MS - now_ms;
    }
    /* Nothing left in the window to wait for: only a clock that was set back comes here. */
    return sum > 0 && sum + n > m->limit ? SLOT_MS : 0;
}

static int64_t estimate(const struct gen_limiter_need *need)
{
    return clamp_tokens(need->tokens_in) + clamp_tokens(need->tokens_out);
}

static int64_t most(const struct gen_limiter_need *need)
{
    int64_t out = need->tokens_out_max > need->tokens_out ? need->tokens_out_max : need->tokens_out;
    return clamp_tokens(need->tokens_in) + clamp_tokens(out);
}

/* What the requests in flight and one more may use beyond their estimates. */
static int64_t room_for_excess(const struct gen_limiter *l, const struct gen_limiter_need *need)
{
    if (l->n_measured < PROVEN_AFTER)
        return l->unproven_room + most(need) - estimate(need);
    double n = (double)l->n_in_flight + 1;
    double spread = l->excess_squared - l->excess * l->excess;
    double room = n * l->excess + DEVIATIONS * sqrt(n * (spread > 0 ? spread : 0));
    /* What they use less is given back when it is known. */
    return room > 0 ? (int64_t)fmin(room, (double)TOKENS_MAX) : 0;
}

static double charge(const struct gen_limiter_need *need, enum gen_limiter_bucket which)
{
    int64_t out = need->tokens_out_max > 0 ? need->tokens_out_max : need->tokens_out;
    switch (which) {
    case GEN_LIMIT_TOKENS:
        return (double)(clamp_tokens(need->tokens_in) + clamp_tokens(out));
    case GEN_LIMIT_TOKENS_IN:
        return (double)clamp_tokens(need->tokens_in);
    case GEN_LIMIT_TOKENS_OUT:
        return (double)clamp_tokens(out);
    case GEN_LIMIT_REQUESTS:
    case GEN_N_LIMITS:
        break;
    }
    return 1;
}

static double level_at(const struct gen_bucket *b, uint64_t now_ms)
{
    double passed = now_ms > b->at_ms ? (double)(now_ms - b->at_ms) : 0;
    return fmin(b->capacity, b->level + passed * b->per_ms);
}

static uint64_t bucket_wait_ms(const struct gen_limiter *l, const struct gen_bucket *b, double n,
                               uint64_t now_ms)
{
    if (!b->is_on)
        return 0;
    double lacking = fmin(n, b->capacity) - level_at(b, now_ms);
    if (lacking <= 1e-9)
        return 0;
    double fill_ms = fmin(b->capacity / b->per_ms, FILL_MS_MAX);
    double idle_ms = now_ms > l->last_sent_ms ? (double)(now_ms - l->last_sent_ms) : 0;
    double wait_ms = fmin(lacking / b->per_ms, fill_ms - idle_ms);
    return wait_ms > 0 ? (uint64_t)ceil(wait_ms) : 0;
}

static double pace_capacity(const struct gen_pace *p)
{
    return fmax(1, p->per_ms * 1000);
}

static double pace_level(const struct gen_pace *p, uint64_t now_ms)
{
    double passed = now_ms > p->at_ms ? (double)(now_ms - p->at_ms) : 0;
    return fmin(pace_capacity(p), p->level + passed * p->per_ms);
}

static uint64_t pace_wait_ms(const struct gen_pace *p, uint64_t now_ms)
{
    if (!p->is_on)
        return 0;
    double lacking = 1 - pace_level(p, now_ms);
    if (lacking <= 1e-9)
        return 0;
    return (uint64_t)ceil(fmin(lacking / p->per_ms, FILL_MS_MAX));
}

void gen_limiter_init(struct gen_limiter *l, int64_t requests_a_minute, int64_t tokens_a_minute)
{
    *l = (struct gen_limiter){.user_requests = {.limit = clamp_tokens(requests_a_minute)},
                              .user_tokens = {.limit = clamp_tokens(tokens_a_minute)}};
}

uint64_t gen_limiter_wait_ms(const struct gen_limiter *l, const struct gen_limiter_need *need,
                             uint64_t now_ms)
{
    uint64_t wait = sliding_wait_ms(&l->user_requests, 1, now_ms);
    int64_t tokens = estimate(need) + (l->user_tokens.limit ? room_for_excess(l, need) : 0);
    uint64_t other = sliding_wait_ms(&l->user_tokens, tokens, now_ms);
    wait = other > wait ? other : wait;
    other = pace_wait_ms(&l->pace, now_ms);
    wait = other > wait ? other : wait;
    for (unsigned i = 0; i < GEN_N_LIMITS; i++) {
        other = bucket_wait_ms(l, &l->buckets[i], charge(need, (enum gen_limiter_bucket)i), now_ms);
        wait = other > wait ? other : wait;
    }
    return wait;
}

static void take(struct gen_bucket *b, double n, uint64_t now_ms)
{
    if (!b->is_on)
        return;
    b->level = fmax(level_at(b, now_ms) - n, -b->capacity);
    b->at_ms = now_ms;
}

/* Lets the pace grow by what time and acceptance allow, up to now. */
static void pace_advance(struct gen_pace *p, uint64_t now_ms)
{
    double passed = now_ms > p->at_ms ? (double)(now_ms - p->at_ms) : 0;
    p->level = pace_level(p, now_ms);
    p->at_ms = now_ms;
    if (p->is_slow) {
        p->per_ms *= pow(SLOW_GAIN, passed / SLOW_GAIN_MS);
    } else if (p->n_accepted >= PACE_CALM_N && now_ms - p->refused_ms >= PACE_CALM_MS) {
        p->per_ms *= pow(PACE_CALM_GAIN, fmin(passed, 1000) / 1000);
    } else {
        double gain = PACE_GAIN * p->per_ms;
        p->per_ms *= 1 + gain * fmin(passed, 1000);
    }
    if (p->per_ms > p->quick_ms)
        p->is_on = false;
}

void gen_limiter_sent(struct gen_limiter *l, struct gen_limiter_need *need, uint64_t now_ms)
{
    if (l->n_sent++ == 0)
        l->first_sent_ms = now_ms;
    l->last_sent_ms = now_ms;
    l->n_in_flight++;
    need->serial = l->n_sent;
    need->sent_ms = now_ms;
    need->is_unproven = l->n_measured < PROVEN_AFTER;
    if (need->is_unproven)
        l->unproven_room += most(need) - estimate(need);
    sliding_add(&l->user_requests, 1, now_ms);
    sliding_add(&l->user_tokens, estimate(need), now_ms);
    sliding_add(&l->accepted, 1, now_ms);
    for (unsigned i = 0; i < GEN_N_LIMITS; i++) {
        struct gen_bucket *b = &l->buckets[i];
        double n = charge(need, (enum gen_limiter_bucket)i);
        take(b, n, now_ms);
        b->taken += n;
        need->expected[i] = b->is_on ? b->level - b->corrected : b->taken;
    }
    if (l->pace.is_on) {
        pace_advance(&l->pace, now_ms);
        l->pace.level -= 1;
    }
}

static bool is_refusal(enum gen_class c)
{
    return c == GEN_CLASS_RATE_LIMIT || c == GEN_CLASS_OVERLOAD;
}

/* What it cost the bucket in the end. */
static double used(const struct gen_limiter_need *need, const struct gen_llm_result *r,
                   enum gen_limiter_bucket which)
{
    if (is_refusal(r->class_code))
        return 0;
    double in = (double)clamp_tokens(r->usage.tokens_in - r->usage.tokens_cached);
    double out = (double)clamp_tokens(r->usage.tokens_out);
    bool is_known = r->usage.tokens_in >= 0 && r->usage.tokens_out >= 0;
    if (which == GEN_LIMIT_REQUESTS || which == GEN_LIMIT_TOKENS || !is_known)
        return charge(need, which);
    return which == GEN_LIMIT_TOKENS_IN ? in : out;
}

/* Fills at so much a millisecond, judged by two answers; 0: they are too much alike. */
static double compare(struct gen_bucket *b, double full_in_ms, double remaining)
{
    double later = full_in_ms - b->told_full_in_ms;
    double less = b->told_remaining - remaining;
    bool is_first = b->told_full_in_ms <= 0;
    bool in_seconds = fmod(full_in_ms, 1000) == 0 && fmod(b->told_full_in_ms, 1000) == 0;
    double apart = fmax(in_seconds ? COMPARE_S_MS : COMPARE_MS,
                        COMPARE_SHARE * fmax(full_in_ms, b->told_full_in_ms));
    if (!is_first && fabs(later) < apart)
        return 0;
    b->told_full_in_ms = full_in_ms;
    b->told_remaining = remaining;
    return is_first || later * less <= 0 ? 0 : less / later;
}

/* Sets how fast the bucket fills, and what it holds. */
static void set_rate(struct gen_bucket *b, const struct gen_rate_limit *told, double remaining)
{
    double limit = (double)told->limit;
    double full_in_ms = (double)told->full_in_ms;
    double a_minute = limit / MINUTE_MS;
    bool is_same = b->is_on && b->limit == limit;
    if (!is_same) {
        b->is_compared = false;
        b->told_full_in_ms = 0;
        b->per_ms = a_minute;
        b->capacity = limit;
    }
    b->limit = limit;
    if (full_in_ms <= 0 || remaining >= limit)
        return;
    double up_to_limit = (limit - remaining) / full_in_ms;
    /* What remains is told in whole numbers: of a small bucket they cannot be compared. */
    if (up_to_limit <= a_minute * ROUNDED || limit < COMPARE_LEAST) {
        b->per_ms = fmin(up_to_limit, limit / 1000);
        b->capacity = limit;
        return;
    }
    double compared = compare(b, full_in_ms, remaining);
    /* Clocks differ and times are rounded: none fills in less than a second. */
    if (compared > 0)
        b->per_ms = fmin(compared, limit / 1000);
    b->is_compared |= compared > 0;
    if (!b->is_compared)
        b->per_ms = a_minute;
    b->capacity = fmin(limit, fmax(1, remaining + b->per_ms * full_in_ms));
}

/* `expected`: the level behind the request `serial`, had no header corrected it. */
static void learn(struct gen_limiter *l, enum gen_limiter_bucket which,
                  const struct gen_rate_limit *told, double expected, uint64_t serial,
                  uint64_t now_ms)
{
    struct gen_bucket *b = &l->buckets[which];
    if (told->limit <= 0 || told->remaining < 0 ||
        (b->is_on && (serial <= b->serial || serial <= b->on_serial)))
        return;
    double limit = (double)told->limit;
    double remaining = fmin((double)told->remaining, limit);
    double level;
    if (b->is_on) {
        double error = remaining - (expected + b->corrected);
        b->corrected += error;
        level = level_at(b, now_ms) + error;
    } else {
        level = remaining - (b->taken - fmin(expected, b->taken));
        b->on_serial = l->n_sent;
    }
    set_rate(b, told, remaining);
    b->is_on = true;
    b->serial = serial;
    b->level = fmin(fmax(level, -limit), b->capacity);
    b->at_ms = now_ms;
}

static bool tells_limits(const struct gen_rate_limits *t)
{
    return t->requests.limit > 0 || t->tokens.limit > 0 || t->tokens_in.limit > 0 ||
           t->tokens_out.limit > 0;
}

/* Requests a millisecond that the server has accepted lately; 0: none. */
static double accepted_per_ms(const struct gen_limiter *l, uint64_t now_ms)
{
    uint64_t slot = now_ms / SLOT_MS;
    int64_t n = sliding_sum(&l->accepted, slot, MEASURE_SLOTS);
    uint64_t from_ms = slot + 1 > MEASURE_SLOTS ? (slot + 1 - MEASURE_SLOTS) * SLOT_MS : 0;
    if (from_ms < l->first_sent_ms)
        from_ms = l->first_sent_ms;
    double span = fmax(SLOT_MS, (double)(now_ms - from_ms));
    return n > 0 ? (double)n / span : 0;
}

static bool is_early(const struct gen_limiter *l, uint64_t now_ms)
{
    return l->pace.off_ms == 0 && now_ms - l->first_sent_ms < (uint64_t)2 * MEASURE_SLOTS * SLOT_MS;
}

static void pace_off(struct gen_pace *p, uint64_t now_ms)
{
    p->is_on = p->is_slow;
    p->n_vain = 0;
    p->off_ms = p->off_ms ? p->off_ms * 4 : PACE_OFF_MS;
    if (p->off_ms > PACE_OFF_MS_MAX)
        p->off_ms = PACE_OFF_MS_MAX;
    p->off_until_ms = now_ms + p->off_ms;
}

static void pace_lower(struct gen_limiter *l, double cut, uint64_t now_ms)
{
    struct gen_pace *p = &l->pace;
    double per_ms = accepted_per_ms(l, now_ms);
    if (per_ms <= 0)
        return;
    if (p->is_on)
        per_ms = fmin(per_ms, p->per_ms);
    p->is_slow &= p->is_on;
    p->refused_per_ms = per_ms;
    p->quick_ms = per_ms * PACE_QUICK;
    p->per_ms = per_ms * cut;
    p->per_ms = fmax(p->per_ms, 1 / FILL_MS_MAX);
    p->level = 0;
    p->is_on = true;
    p->at_ms = now_ms;
    p->refused_ms = now_ms;
    p->n_accepted = 0;
}

static void slow(struct gen_limiter *l, const struct gen_limiter_need *need,
                 const struct gen_llm_result *r, uint64_t now_ms)
{
    struct gen_pace *p = &l->pace;
    bool is_pace = r->lower_rate || (r->class_code == GEN_CLASS_RATE_LIMIT &&
                                     r->retry_after_ms > 0 && !tells_limits(&r->limits));
    /* What left before the last decrease tells nothing new. */
    if (!is_pace || (p->is_on && need->sent_ms <= p->refused_ms && p->refused_ms))
        return;
    if (r->lower_rate) {
        pace_lower(l, PACE_CUT_HARD, now_ms);
        p->is_slow = p->is_on;
        return;
    }
    /* Nothing gets through any more: no limit, and so nothing to learn. */
    if (l->n_good && l->n_refused_running >= STORM_AFTER) {
        p->is_on &= p->is_slow;
        return;
    }
    /* Too short a time to tell a rate. */
    if (now_ms - l->first_sent_ms < SLOT_MS || now_ms < p->off_until_ms)
        return;
    /* One alone may be chance. */
    bool is_repeated = p->seen_ms && now_ms - p->seen_ms <= PACE_SEEN_MS;
    p->seen_ms = now_ms;
    bool is_vain =
        p->is_on && (p->n_accepted < PACE_SIGN_N || p->per_ms < p->refused_per_ms * PACE_SAME);
    p->n_vain = is_vain ? p->n_vain + 1 : 0;
    /* What was accepted in the first seconds may have been a bucket's fill and not its rate, which
     * is halved then. Short delays do not keep us from being refused many times a second. */
    bool is_short = r->retry_after_ms < PACE_LONG_MS;
    if (p->n_vain >= (is_short ? PACE_VAIN_SHORT : PACE_VAIN))
        pace_off(p, now_ms);
    else if (p->is_on ? p->n_accepted >= PACE_SIGN_N || is_short : is_repeated)
        pace_lower(l, p->n_vain <= PACE_HARD && is_early(l, now_ms) ? PACE_CUT_HARD : PACE_CUT,
                   now_ms);
}

static void measure(struct gen_limiter *l, const struct gen_limiter_need *need,
                    const struct gen_llm_result *r)
{
    if (need->is_unproven)
        l->unproven_room -= most(need) - estimate(need);
    bool is_known = r->usage.tokens_in >= 0 && r->usage.tokens_out >= 0;
    double more = 0; /* A request of which nobody knows what it used has used its estimate. */
    if (is_known)
        more = (double)(clamp_tokens(r->usage.tokens_in) + clamp_tokens(r->usage.tokens_out) -
                        estimate(need));
    else if (is_refusal(r->class_code))
        more = (double)-estimate(need);
    sliding_correct(&l->user_tokens, (int64_t)more, need->sent_ms);
    if (!is_known)
        return;
    double weight = fmax(MEMORY, 1 / (double)++l->n_measured);
    l->excess += (more - l->excess) * weight;
    l->excess_squared += (more * more - l->excess_squared) * weight;
}

void gen_limiter_ended(struct gen_limiter *l, const struct gen_limiter_need *need,
                       const struct gen_llm_result *result, uint64_t now_ms)
{
    const struct gen_rate_limit *told[GEN_N_LIMITS] = {
        [GEN_LIMIT_REQUESTS] = &result->limits.requests,
        [GEN_LIMIT_TOKENS] = &result->limits.tokens,
        [GEN_LIMIT_TOKENS_IN] = &result->limits.tokens_in,
        [GEN_LIMIT_TOKENS_OUT] = &result->limits.tokens_out,
    };
    if (l->n_in_flight)
        l->n_in_flight--;
    measure(l, need, result);
    for (unsigned i = 0; i < GEN_N_LIMITS; i++) {
        double over = charge(need, (enum gen_limiter_bucket)i) -
                      used(need, result, (enum gen_limiter_bucket)i);
        take(&l->buckets[i], -over, now_ms);
        /* Neither did the server charge what it refused, when it told what remained. */
        double expected = need->expected[i] + (is_refusal(result->class_code) ? over : 0);
        learn(l, (enum gen_limiter_bucket)i, told[i], expected, need->serial, now_ms);
    }
    if (is_refusal(result->class_code)) {
        sliding_correct(&l->accepted, -1, need->sent_ms);
        l->n_refused_running++;
    } else if (result->class_code == GEN_CLASS_OK) {
        l->n_good++;
        l->n_refused_running = 0;
        l->pace.n_accepted++;
    }
    slow(l, need, result, now_ms);
}
