#include "engine/lane.h"

#include <stdio.h>

#define PAUSE_MS_MAX     ((uint64_t)600000)
#define DOWN_AFTER       4U
#define GROW_ANSWERS_MIN 16.0
#define PROBE_MS         250U
#define PROBE_MS_MAX     5000U

struct gen_lane_limits gen_lane_default_limits(size_t window_start, size_t window_max)
{
    return (struct gen_lane_limits){
        .window_start = window_start < window_max ? window_start : window_max,
        .window_max = window_max,
        .dead_ms_before_success = 8000,
        .dead_ms_after_success = 120000,
        .refused_ms = 600000,
        .refused_with_delay_ms = 6 * 3600000,
        .rejected_first = 12,
    };
}

void gen_lane_init(struct gen_lane *lane, const struct gen_lane_limits *limits)
{
    memset(lane, 0, sizeof(*lane));
    lane->limits = *limits;
    if (lane->limits.window_max == 0)
        lane->limits.window_max = 1;
    lane->window = limits->window_start ? (double)limits->window_start : 1.0;
    lane->threshold = (double)lane->limits.window_max;
}

size_t gen_lane_room(const struct gen_lane *lane, uint64_t now_ms)
{
    size_t window = gen_lane_is_down(lane) ? 1 : (size_t)lane->window;
    if (now_ms < lane->paused_until_ms || lane->in_flight >= window)
        return 0;
    return window - lane->in_flight;
}

uint64_t gen_lane_next_ms(const struct gen_lane *lane, uint64_t now_ms)
{
    return now_ms < lane->paused_until_ms ? lane->paused_until_ms : UINT64_MAX;
}

void gen_lane_sent(struct gen_lane *lane)
{
    lane->in_flight++;
}

static void grow(struct gen_lane *lane, bool is_old)
{
    if (is_old)
        return;
    lane->n_calm++;
    /* A window that is not filled says nothing about what the server can bear. */
    if ((double)lane->in_flight + 1.0 < lane->window / 2)
        return;
    /* A small window that grew every round trip would have every second attempt refused. */
    double answers = lane->window > GROW_ANSWERS_MIN ? lane->window : GROW_ANSWERS_MIN;
    lane->window += lane->window < lane->threshold ? 1.0 : 1.0 / answers;
    if (lane->window > (double)lane->limits.window_max)
        lane->window = (double)lane->limits.window_max;
}

static void shrink(struct gen_lane *lane, bool is_old)
{
    /* Attempts that were sent before the last decrease tell nothing new. */
    if (is_old)
        return;
    bool in_storm = lane->n_decreases && (double)lane->n_calm < lane->window;
    bool doubling = lane->window < lane->threshold || lane->n_decreases == 0;
    double reduced = lane->window - (lane->window > 8 ? lane->window / 8 : 1);
    /* While nothing but refusals comes, what the server can bear is what it bore before them. */
    if (lane->n_calm || lane->n_decreases == 0)
        lane->threshold = reduced;
    lane->window = in_storm || doubling ? lane->window / 2 : reduced;
    if (lane->window < 1)
        lane->window = 1;
    lane->n_old = lane->in_flight;
    lane->n_calm = 0;
    lane->n_decreases++;
}

static enum gen_lane_verdict stop(struct gen_lane *lane, enum gen_class why, const char *reason,
                                  const char *message)
{
    lane->stop_class = why;
    (void)snprintf(lane->stop_reason, sizeof(lane->stop_reason), "%s%s%s", reason,
                   message[0] ? ": " : "", message);
    return GEN_LANE_STOP;
}

bool gen_lane_is_down(const struct gen_lane *lane)
{
    return lane->n_transport_failures >= DOWN_AFTER || lane->n_refusals >= DOWN_AFTER;
}

static void pause_lane(struct gen_lane *lane, int64_t wait_ms, uint64_t now_ms)
{
    if (wait_ms <= 0)
        return;
    uint64_t wait = (uint64_t)wait_ms > PAUSE_MS_MAX ? PAUSE_MS_MAX : (uint64_t)wait_ms;
    if (now_ms + wait > lane->paused_until_ms)
        lane->paused_until_ms = now_ms + wait;
}

/* The `n`th of a series of failures: a lane that is down is probed at growing intervals. */
static void pause_probes(struct gen_lane *lane, size_t n, uint64_t now_ms)
{
    if (n < DOWN_AFTER)
        return;
    size_t doublings = n - DOWN_AFTER;
    int64_t wait_ms = doublings < 5 ? (int64_t)PROBE_MS << doublings : PROBE_MS_MAX;
    pause_lane(lane, wait_ms, now_ms);
}

static enum gen_lane_verdict transport_failure(struct gen_lane *lane,
                                               const struct gen_llm_result *result, uint64_t now_ms)
{
    if (lane->n_transport_failures++ == 0)
        lane->first_transport_failure_ms = now_ms;
    pause_probes(lane, lane->n_transport_failures, now_ms);
    uint64_t limit =
        lane->n_answers ? lane->limits.dead_ms_after_success : lane->limits.dead_ms_before_success;
    if (lane->n_transport_failures < 3 || now_ms - lane->first_transport_failure_ms < limit)
        return GEN_LANE_GO;
    return stop(lane, GEN_CLASS_TRANSPORT, "the endpoint does not answer", result->message);
}

static enum gen_lane_verdict refusal(struct gen_lane *lane, const struct gen_llm_result *result,
                                     bool is_old, uint64_t now_ms)
{
    if (lane->first_refusal_ms == 0)
        lane->first_refusal_ms = now_ms ? now_ms : 1;
    bool at_floor = lane->window < 2 && !is_old;
    shrink(lane, is_old);
    pause_lane(lane, result->retry_after_ms, now_ms);
    if (at_floor) {
        lane->n_refusals++;
        if (result->retry_after_ms <= 0)
            pause_probes(lane, lane->n_refusals, now_ms);
    }
    uint64_t limit =
        result->retry_after_ms > 0 ? lane->limits.refused_with_delay_ms : lane->limits.refused_ms;
    if (!gen_lane_is_down(lane) || now_ms - lane->first_refusal_ms < limit)
        return GEN_LANE_GO;
    char reason[160];
    (void)snprintf(reason, sizeof(reason), "the endpoint has refused all requests for %llu minutes",
                   (unsigned long long)((now_ms - lane->first_refusal_ms) / 60000));
    return stop(lane, result->class_code, reason, result->message);
}

/* Final at once. A whole window of answers to what can be cured, a parameter that must be left out
 * say, comes back before the first cure is tried: those count when their item is given up. */
static bool is_rejection(enum gen_class c)
{
    return c == GEN_CLASS_BAD_REQUEST || c == GEN_CLASS_CONTEXT_OVERFLOW || c == GEN_CLASS_BLOCKED;
}

static enum gen_lane_verdict rejection(struct gen_lane *lane, enum gen_class c, const char *message)
{
    if (lane->n_same_rejection == 0)
        lane->first_rejection = c;
    /* Malformed answers are of class ok when they arrive. */
    size_t n_good = c == GEN_CLASS_MALFORMED ? lane->n_accepted : lane->n_successes;
    if (n_good || lane->n_accepted || c != lane->first_rejection)
        return GEN_LANE_GO;
    if (++lane->n_same_rejection < lane->limits.rejected_first)
        return GEN_LANE_GO;
    char reason[160];
    (void)snprintf(reason, sizeof(reason), "the first %zu answers were all of class %s",
                   lane->n_same_rejection, gen_class_name(c));
    return stop(lane, c, reason, message);
}

enum gen_lane_verdict gen_lane_ended(struct gen_lane *lane, const struct gen_llm_result *result,
                                     uint64_t now_ms)
{
    bool is_old = lane->n_old > 0;
    enum gen_class c = result->class_code;
    if (lane->in_flight)
        lane->in_flight--;
    lane->n_old -= is_old;
    if (c == GEN_CLASS_CANCELED)
        return GEN_LANE_GO;
    if (result->stop_provider)
        return stop(lane, c, "the endpoint cannot be used", result->message);
    if (c == GEN_CLASS_TRANSPORT) {
        /* An idle connection that the server closed is no sign of anything. */
        if (result->retry_is_free)
            return GEN_LANE_GO;
        shrink(lane, is_old);
        return transport_failure(lane, result, now_ms);
    }
    lane->n_transport_failures = 0;
    lane->n_answers++;
    if (c == GEN_CLASS_RATE_LIMIT || c == GEN_CLASS_OVERLOAD)
        return refusal(lane, result, is_old, now_ms);
    lane->n_refusals = 0;
    lane->first_refusal_ms = 0;
    if (c == GEN_CLASS_OK) {
        lane->n_successes++;
        grow(lane, is_old);
        return GEN_LANE_GO;
    }
    return is_rejection(c) ? rejection(lane, c, result->message) : GEN_LANE_GO;
}

void gen_lane_accepted(struct gen_lane *lane)
{
    lane->n_accepted++;
}

enum gen_lane_verdict gen_lane_gave_up(struct gen_lane *lane, enum gen_class c, const char *why)
{
    bool is_counted = c == GEN_CLASS_MALFORMED || c == GEN_CLASS_UNSUPPORTED_PARAM ||
                      c == GEN_CLASS_SERVER_ERROR || c == GEN_CLASS_TRUNCATED;
    return is_counted ? rejection(lane, c, why) : GEN_LANE_GO;
}
