#include "engine/lane.h"

#include <math.h>
#include <stdio.h>

#define PAUSE_MS_MAX     ((uint64_t)600000)
#define DOWN_AFTER       4U
#define GROW_ANSWERS_MIN 16.0
#define PROBE_MS         250U
#define PROBE_MS_MAX     1000U
#define PROBE_MS_LONG    5000U /* after a minute of it */
#define RESUME_MS        500U
#define FEW_REFUSED      10U /* one of so many */
#define RESUME_TIMES     4.0
#define CALM_WINDOWS     4.0 /* until what was once borne is tried again */
#define CALM_ANSWERS_MIN 8.0

/* Answers that the share of refusals is an average of; and the part of what was borne that the
 * window does not go below while that share is small. */
#define SHARE_ANSWERS 32.0
#define LEAST_PART    16.0

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
    lane->best = lane->threshold;
}

/* Attempts that leave together at the end of a pause. */
static double at_once(const struct gen_lane *lane)
{
    if (lane->n_before <= lane->n_before_refused)
        return 1;
    return 1 + RESUME_TIMES * (double)(lane->n_before - lane->n_before_refused);
}

/* Attempts that may have left since a pause: all come back one by one, so that the first refusal
 * keeps the others from asking. */
static double resumed_max(const struct gen_lane *lane, uint64_t now_ms)
{
    uint64_t passed = now_ms - lane->paused_until_ms;
    if (lane->paused_until_ms == 0 || lane->window < 2 || passed >= lane->resume_ms)
        return (double)SIZE_MAX;
    double share = (double)passed / (double)lane->resume_ms;
    return at_once(lane) + lane->window * share * share;
}

size_t gen_lane_room(const struct gen_lane *lane, uint64_t now_ms)
{
    size_t window = gen_lane_is_down(lane) ? 1 : (size_t)lane->window;
    if (now_ms < lane->paused_until_ms || lane->in_flight >= window)
        return 0;
    size_t room = window - lane->in_flight;
    double opened = resumed_max(lane, now_ms) - (double)lane->n_resumed;
    if (opened >= (double)room)
        return room;
    return opened >= 1 ? (size_t)opened : 0;
}

uint64_t gen_lane_next_ms(const struct gen_lane *lane, uint64_t now_ms)
{
    if (now_ms < lane->paused_until_ms)
        return lane->paused_until_ms;
    double lacking = (double)lane->n_resumed + 1 - resumed_max(lane, now_ms);
    if (lacking <= 0)
        return UINT64_MAX;
    double share = sqrt(((double)lane->n_resumed + 1 - at_once(lane)) / lane->window);
    uint64_t open_ms =
        lane->paused_until_ms + (uint64_t)(fmin(share, 1) * (double)lane->resume_ms) + 1;
    return open_ms > now_ms ? open_ms : now_ms + 1;
}

void gen_lane_sent(struct gen_lane *lane)
{
    lane->in_flight++;
    lane->n_resumed++;
}

/* Fast, up to a window that was borne before. */
static bool recover(struct gen_lane *lane, bool was_down)
{
    double goal = lane->best * 7 / 8;
    if (lane->recovers_to <= 0 && lane->best < lane->borne && lane->window * 5 / 4 >= goal &&
        (double)lane->n_calm >= fmax(lane->window, CALM_ANSWERS_MIN) * CALM_WINDOWS) {
        lane->best = fmin(lane->best * 2, lane->borne);
        goal = lane->best * 7 / 8;
    }
    double calm = fmax(lane->window * 2, CALM_ANSWERS_MIN);
    if (was_down && lane->n_decreases) {
        /* That nothing got through says nothing about what is borne. */
        lane->recovers_to = lane->best;
        lane->recovers_from = lane->window;
        lane->window = fmax(lane->window, goal / 4);
    } else if (lane->recovers_to <= 0 && lane->n_decreases && lane->window * 5 / 4 < goal &&
               (double)lane->n_calm >= calm) {
        lane->recovers_to = goal;
        lane->recovers_from = lane->window;
    }
    if (lane->recovers_to <= lane->window) {
        lane->recovers_to = 0;
        return false;
    }
    double gap = lane->recovers_to - lane->window;
    lane->window = gap > 1 ? lane->window + fmax(1, gap / 8) : lane->recovers_to;
    lane->threshold = fmax(lane->threshold, lane->window);
    return true;
}

static void grow(struct gen_lane *lane, bool is_old, bool was_down)
{
    if (is_old)
        return;
    lane->n_calm++;
    if (was_down)
        lane->paused_until_ms = 0;
    /* A window that is not filled says nothing about what the server can bear. */
    if ((double)lane->in_flight + 1.0 < lane->window / 2 && !was_down)
        return;
    if (recover(lane, was_down))
        return;
    /* A small window that grew every round trip would have every second attempt refused. */
    double answers = lane->window > GROW_ANSWERS_MIN ? lane->window : GROW_ANSWERS_MIN;
    lane->window += lane->window < lane->threshold ? 1.0 : 1.0 / answers;
    lane->window = fmin(lane->window, (double)lane->limits.window_max);
    if ((double)lane->n_calm < lane->window)
        return;
    lane->borne = fmax(lane->borne, lane->window);
    if (lane->n_decreases)
        lane->best = fmax(lane->best, lane->window);
}

/* `is_told`: the server says how long to wait, and so holds us back itself. */
static void shrink(struct gen_lane *lane, bool is_old, bool is_told)
{
    /* Attempts that were sent before the last decrease tell nothing new. */
    if (is_old || (is_told && lane->n_resumed_refused * FEW_REFUSED <= lane->n_resumed))
        return;
    bool in_storm = lane->n_decreases && (double)lane->n_calm < lane->window;
    bool doubling = lane->window < lane->threshold || lane->n_decreases == 0;
    double reduced = lane->window - (lane->window > 8 ? lane->window / 8 : 1);
    if (lane->n_decreases == 0)
        lane->best = lane->n_calm ? lane->window : 1; /* nothing is proven by the start */
    else if (lane->recovers_to > 0)
        lane->best = fmax(lane->recovers_from, lane->best * 7 / 8 - 1);
    lane->recovers_to = 0;
    /* While nothing but refusals comes, what the server can bear is what it bore before them. */
    if (lane->n_calm || lane->n_decreases == 0)
        lane->threshold = reduced;
    if (!is_told && (in_storm || doubling))
        lane->window /= 2;
    else if (!is_told || lane->n_resumed_refused >= lane->n_resumed)
        lane->window = reduced;
    else
        lane->window = fmax(reduced, fmin(lane->window, lane->best / 2));
    double least = fmax(lane->borne, (double)lane->limits.window_start) / LEAST_PART;
    lane->window = fmax(lane->window, lane->refused_share < 0.5 ? fmax(least, 1) : 1);
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
    if (now_ms + wait <= lane->paused_until_ms)
        return;
    /* A pause that grows longer goes on with what was sent before it. */
    if (now_ms >= lane->paused_until_ms) {
        bool is_soon = lane->paused_until_ms && now_ms - lane->paused_until_ms < 2 * RESUME_MS;
        lane->n_before = is_soon && wait >= RESUME_MS ? lane->n_resumed : 0;
        lane->n_before_refused = lane->n_resumed_refused;
    }
    lane->paused_until_ms = now_ms + wait;
    lane->resume_ms = wait < RESUME_MS / 8 ? wait * 8 : RESUME_MS;
    lane->n_resumed = 0;
    lane->n_resumed_refused = 0;
}

/* The `n`th of a series of failures: a lane that is down is probed at growing intervals. */
static void pause_probes(struct gen_lane *lane, size_t n, uint64_t since_ms, uint64_t now_ms)
{
    if (n < DOWN_AFTER)
        return;
    size_t doublings = n - DOWN_AFTER;
    int64_t wait_ms = doublings < 2 ? (int64_t)PROBE_MS << doublings : PROBE_MS_MAX;
    if (now_ms - since_ms > 60000)
        wait_ms = PROBE_MS_LONG;
    pause_lane(lane, wait_ms, now_ms);
}

static enum gen_lane_verdict transport_failure(struct gen_lane *lane,
                                               const struct gen_llm_result *result, uint64_t now_ms)
{
    if (lane->n_transport_failures++ == 0)
        lane->first_transport_failure_ms = now_ms;
    pause_probes(lane, lane->n_transport_failures, lane->first_transport_failure_ms, now_ms);
    uint64_t limit =
        lane->n_answers ? lane->limits.dead_ms_after_success : lane->limits.dead_ms_before_success;
    if (lane->n_transport_failures < 3 || now_ms - lane->first_transport_failure_ms < limit)
        return GEN_LANE_GO;
    char reason[160];
    (void)snprintf(reason, sizeof(reason),
                   "the endpoint does not answer (asked %zu times in %llu s)",
                   lane->n_transport_failures,
                   (unsigned long long)((now_ms - lane->first_transport_failure_ms + 500) / 1000));
    return stop(lane, GEN_CLASS_TRANSPORT, reason, result->message);
}

static enum gen_lane_verdict refusal(struct gen_lane *lane, const struct gen_llm_result *result,
                                     bool is_old, uint64_t now_ms)
{
    if (lane->first_refusal_ms == 0)
        lane->first_refusal_ms = now_ms ? now_ms : 1;
    bool at_floor = lane->window < 2 && !is_old;
    bool is_told = result->class_code == GEN_CLASS_RATE_LIMIT && result->retry_after_ms > 0;
    if (now_ms < lane->paused_until_ms)
        lane->n_before_refused++;
    else
        lane->n_resumed_refused++;
    shrink(lane, is_old, is_told);
    pause_lane(lane, result->retry_after_ms, now_ms);
    if (at_floor) {
        lane->n_refusals++;
        if (result->retry_after_ms <= 0)
            pause_probes(lane, lane->n_refusals, lane->first_refusal_ms, now_ms);
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
    (void)snprintf(reason, sizeof(reason), "the first %zu answers were all of class %s%s",
                   lane->n_same_rejection, gen_class_name(c),
                   is_rejection(c) ? "" : ", also when asked again");
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
    bool was_down = gen_lane_is_down(lane);
    /* A batch that somebody canceled at the provider ends the run. */
    if (c == GEN_CLASS_CANCELED)
        return result->stop_provider ? stop(lane, c, "canceled", result->message) : GEN_LANE_GO;
    if (result->stop_provider) {
        char reason[160];
        (void)snprintf(reason, sizeof(reason), "the endpoint cannot be used (%s, not asked again)",
                       gen_class_name(c));
        return stop(lane, c, reason, result->message);
    }
    if (lane->limits.is_fixed && c != GEN_CLASS_OK && !is_rejection(c))
        return GEN_LANE_GO;
    if (c == GEN_CLASS_TRANSPORT) {
        /* An idle connection that the server closed is no sign of anything. */
        if (result->retry_is_free)
            return GEN_LANE_GO;
        shrink(lane, is_old, false);
        return transport_failure(lane, result, now_ms);
    }
    lane->n_transport_failures = 0;
    lane->n_answers++;
    bool is_refused = c == GEN_CLASS_RATE_LIMIT || c == GEN_CLASS_OVERLOAD;
    lane->refused_share += ((is_refused ? 1 : 0) - lane->refused_share) / SHARE_ANSWERS;
    if (is_refused)
        return refusal(lane, result, is_old, now_ms);
    lane->n_refusals = 0;
    lane->first_refusal_ms = 0;
    if (c == GEN_CLASS_OK) {
        lane->n_successes++;
        grow(lane, is_old, was_down);
        return GEN_LANE_GO;
    }
    /* What chance may have blocked is asked once more before it says anything about the others. */
    bool is_final = is_rejection(c) && !result->try_other_seed;
    return is_final ? rejection(lane, c, result->message) : GEN_LANE_GO;
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
