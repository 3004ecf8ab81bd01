/*
 * Requests and tokens a minute: what the user allows (--max-rpm, --max-tpm), what the server's
 * answers tell of its limits (x-ratelimit-*, anthropic-ratelimit-*; providers.md §2.3), and what
 * its refusals show of limits that it does not tell. A pure state machine: no clock inside, no
 * memory of its own, constant time a call.
 *
 * The user's limits hold in every window of 60 seconds, strictly: for requests, refused ones
 * included, when they were sent; for tokens, those of the requests sent in it. Tokens are estimated
 * until a request ends; room is kept for what the requests in flight may use beyond their
 * estimates, five standard deviations of what earlier ones did, and all that they may use at first.
 *
 * A learned bucket follows the server's: filled at the rate at which the server says it fills,
 * charged at sending as the servers do (OpenAI and Anthropic reserve the maximum of the answer). An
 * answer's headers tell the level when that request left, so the difference to what was expected
 * then is added, less what other headers have corrected since: what was sent meanwhile stays
 * spent. An answer to an older request than one that has told already tells nothing. At the end
 * what was reserved in vain comes back where the servers give it back (Anthropic's input, of which
 * cached input is free, and output; whatever was refused). A bucket that would let nothing through
 * for longer than it takes to fill, or for ten minutes, lets one request through: no header can
 * stall a run for ever.
 *
 * What a header calls the limit need not be what the bucket holds, nor be meant a minute: a server
 * may hold a second's worth of a limit a minute, or count by the second or by the day. How the time
 * until the bucket is full changes with what remains tells how fast it fills, and both together
 * what it holds. Until two answers have told that, what fills sooner than in a minute is taken to
 * fill at the limit a minute.
 *
 * A server that refuses without telling its limits is paced: at what it has accepted lately,
 * growing with what it accepts, by one part in a thousand a request at first and doubling each
 * second when all is calm. After slow_down (lower_rate) at half of it, growing by half in 15
 * minutes (OpenAI's rule). Refusals that go on at a lower pace do not depend on it, they are chance
 * or another's doing: after two of them, forty where the delays are short, it is off for a while,
 * longer each time, and the lane alone bears them. So it is in a storm, in which nothing is
 * accepted.
 */
#ifndef GEN_ENGINE_LIMITER_H
#define GEN_ENGINE_LIMITER_H

#include "llm/llm.h"

enum gen_limiter_bucket {
    GEN_LIMIT_REQUESTS = 0,
    GEN_LIMIT_TOKENS, /* input and output together */
    GEN_LIMIT_TOKENS_IN,
    GEN_LIMIT_TOKENS_OUT,
    GEN_N_LIMITS,
};

/* One request's share. The caller sets the first three and keeps it from sending to the end. */
struct gen_limiter_need {
    int64_t tokens_in;      /* estimated: prompt bytes over four */
    int64_t tokens_out;     /* estimated: what answers of this step were on average */
    int64_t tokens_out_max; /* what the request asks for; 0: not known */
    /* Private, set by gen_limiter_sent. */
    uint64_t serial;
    uint64_t sent_ms;
    double expected[GEN_N_LIMITS]; /* level behind it, had no header ever corrected the level */
    bool is_unproven;              /* sent before it was known what answers use */
};

struct gen_bucket {
    bool is_on;
    double limit;    /* as told */
    double capacity; /* what it holds, as far as is known */
    double level;
    double per_ms;
    uint64_t at_ms;     /* when `level` was true */
    double taken;       /* by all requests while it was not on */
    double corrected;   /* all that headers have added to the level */
    uint64_t serial;    /* of the latest request whose answer told the level */
    uint64_t on_serial; /* requests sent before it was on expect nothing */
    /* The answer with which later ones are compared. */
    double told_remaining, told_full_in_ms;
    bool is_compared; /* per_ms is from two answers */
};

#define GEN_LIMITER_SLOTS 64U /* of a second each; 61 of them cover any 60 seconds */

struct gen_sliding_minute {
    int64_t limit; /* 0: off */
    int64_t sums[GEN_LIMITER_SLOTS];
    uint64_t slots[GEN_LIMITER_SLOTS]; /* which second a sum is of */
};

/* What the server bears, when only its refusals show it. */
struct gen_pace {
    bool is_on;
    bool is_slow;    /* lowered by slow_down */
    double per_ms;   /* requests */
    double level;    /* at most a second's worth, and one */
    double quick_ms; /* above this rate nothing is known: off */
    uint64_t at_ms;
    uint64_t refused_ms;   /* the last refusal that counted */
    uint64_t n_accepted;   /* since then */
    uint64_t seen_ms;      /* the last refusal that may have been one of a limit */
    double refused_per_ms; /* the pace when it was last lowered */
    unsigned n_vain;       /* refusals in a row at a lower pace than that */
    uint64_t off_until_ms, off_ms;
};

struct gen_limiter {
    struct gen_sliding_minute user_requests, user_tokens;
    struct gen_sliding_minute accepted; /* requests sent and not refused */
    struct gen_bucket buckets[GEN_N_LIMITS];
    struct gen_pace pace;
    uint64_t n_sent, n_in_flight;
    uint64_t n_good, n_refused_running; /* refusals since the last good answer */
    uint64_t first_sent_ms, last_sent_ms;
    /* By how much requests used more tokens than estimated: mean and mean square. */
    uint64_t n_measured;
    double excess, excess_squared;
    int64_t unproven_room; /* the most that unproven requests in flight may use beyond estimates */
};

/* 0: no limit of the user's. */
void gen_limiter_init(struct gen_limiter *l, int64_t requests_a_minute, int64_t tokens_a_minute);

/* 0: a request of this size may go now; else how many milliseconds to wait before asking again (an
 * answer that comes in earlier may change it). One that is larger than a whole limit goes when
 * nothing else has been sent for a minute, or when the bucket is full. */
uint64_t gen_limiter_wait_ms(const struct gen_limiter *l, const struct gen_limiter_need *need,
                             uint64_t now_ms);
void gen_limiter_sent(struct gen_limiter *l, struct gen_limiter_need *need, uint64_t now_ms);
/* An attempt ended: what it used, and what its headers told. Once for each gen_limiter_sent, with
 * the same `need`. */
void gen_limiter_ended(struct gen_limiter *l, const struct gen_limiter_need *need,
                       const struct gen_llm_result *result, uint64_t now_ms);

#endif
