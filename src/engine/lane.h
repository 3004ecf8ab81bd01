/*
 * A lane: one provider, model and key, whose limits all calls share. A pure state machine: no
 * sockets and no clock inside, so that simulations replay it.
 *
 * The in-flight window follows AIMD (Chiu and Jain 1989) as TCP does: it starts small and doubles
 * per round trip until the first sign of overload, then grows by one per window's worth of answers,
 * 16 at least. rate_limit, overload and timeouts shrink it, at most once per round trip: an attempt
 * that was in flight at the last decrease causes no further one. A single sign takes an eighth
 * (halving would leave a quarter of the server idle on average); one out of slow start, or in the
 * round trip right after another, halves, unless the server told how long to wait. The window then
 * doubles per round trip again up to seven eighths of what was borne before.
 *
 * While less than half of the answers are refusals, the window stays at a sixteenth of what was
 * ever borne at least: a server that is full refuses all, and refusals by chance are not fewer at a
 * smaller window.
 *
 * After two calm windows' worth of answers (8 at least) it recovers: each answer closes an eighth
 * of the gap to seven eighths of the best window that was ever borne; to all of it when the
 * endpoint answers again after it was down. A refusal on the way takes an eighth of what counts as
 * the best; after four calm windows it doubles again, up to what was once borne by a whole window
 * of good answers: refusals by chance disprove nothing.
 *
 * A refusal with a delay holds us back by that delay. One in ten of what was sent since the last
 * pause leaves the window as it is; more of them, as long as others are let through, take it to
 * half of the best at least.
 *
 * A server's delay is a minimum for the whole lane. After it the window opens over the same time,
 * half a second at most: should the server still refuse, few have asked. Where refusals soon after
 * the last pause were only some of many, up to four times as many as were let through then go at
 * once.
 *
 * The lane is down after several transport failures, or refusals at a window of one, in a row: then
 * one probe at a time is sent, at growing intervals. The breaker stops the run when the endpoint is
 * dead: nothing but transport failures for a while, nothing but refusals for a long while, or the
 * first answers all rejected the same way.
 */
#ifndef GEN_ENGINE_LANE_H
#define GEN_ENGINE_LANE_H

#include "base/prng.h"
#include "llm/llm.h"

struct gen_lane_limits {
    size_t window_start;
    size_t window_max;
    uint64_t dead_ms_before_success; /* transport failures alone for so long, before anything ever
                                        worked: stop */
    uint64_t dead_ms_after_success;  /* the same later: the server may be restarting */
    uint64_t refused_ms; /* nothing but rate_limit and overload without a delay for so long: stop */
    uint64_t refused_with_delay_ms; /* the same when the server says how long to wait */
    bool
        is_fixed; /* the window stays: what is refused in a batch says nothing about the next one */
    size_t rejected_first; /* so many answers, and all rejected in one way: stop */
};

struct gen_lane_limits gen_lane_default_limits(size_t window_start, size_t window_max);

enum gen_lane_verdict { GEN_LANE_GO = 0, GEN_LANE_STOP };

struct gen_lane {
    struct gen_lane_limits limits;
    double window;
    size_t in_flight;
    double threshold;     /* the window doubles per round trip below it */
    double best;          /* the largest window that was borne, as far as it is not disproved */
    double borne;         /* the largest window of which all answers were good */
    double refused_share; /* of the last answers, weighted */
    double recovers_to;   /* 0: is not on the way to it */
    double recovers_from; /* the window when that began */
    uint64_t paused_until_ms;
    uint64_t resume_ms; /* how long the window takes to open after it */
    size_t n_resumed;   /* sent since that pause */
    size_t n_resumed_refused;
    size_t n_before; /* sent between that pause and the one before, when that was short; else 0 */
    size_t n_before_refused;
    size_t n_old;  /* attempts still out that were sent before the last decrease */
    size_t n_calm; /* good answers since the last decrease, of attempts sent after it */
    uint64_t first_transport_failure_ms; /* of the unbroken series of them; 0: none */
    size_t n_transport_failures;         /* in that series */
    uint64_t first_refusal_ms;           /* of the unbroken series of rate_limit and overload */
    size_t n_refusals;                   /* in that series, at a window of one */
    size_t n_answers;                    /* any HTTP answer */
    size_t n_successes;                  /* answers of class ok */
    size_t n_accepted;                   /* of those: that fitted the step's schema */
    size_t n_same_rejection;             /* series from the start of the run */
    enum gen_class first_rejection;
    size_t n_decreases;
    enum gen_class stop_class; /* why GEN_LANE_STOP was given */
    char stop_reason[700];
};

void gen_lane_init(struct gen_lane *lane, const struct gen_lane_limits *limits);

/* How many more calls may be sent now. */
size_t gen_lane_room(const struct gen_lane *lane, uint64_t now_ms);
/* When room may appear without an answer coming in (end of a pause); UINT64_MAX: only with an
 * answer. */
uint64_t gen_lane_next_ms(const struct gen_lane *lane, uint64_t now_ms);

void gen_lane_sent(struct gen_lane *lane);
/* An attempt ended. On GEN_LANE_STOP stop_reason tells the user what is wrong and what to do. */
enum gen_lane_verdict gen_lane_ended(struct gen_lane *lane, const struct gen_llm_result *result,
                                     uint64_t now_ms);
/* Several transport failures or refusals in a row: the trouble is the endpoint's, not an item's.
 * One probe at a time is sent then. */
bool gen_lane_is_down(const struct gen_lane *lane);
/* A complete answer fitted the step's schema. One of the ledger counts too: the endpoint has worked
 * for us before, so a run that asks only for what failed last time is not stopped by failures. */
void gen_lane_accepted(struct gen_lane *lane);
/* An item was given up for what its last answer was: malformed, or of a class that had been tried
 * again (counted for the "all rejected the same way" rule). */
enum gen_lane_verdict gen_lane_gave_up(struct gen_lane *lane, enum gen_class c, const char *why);

#endif
