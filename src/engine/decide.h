/* One pure function from how an attempt ended to what is done next (providers.md §2.1, §2.4). */
#ifndef GEN_ENGINE_DECIDE_H
#define GEN_ENGINE_DECIDE_H

#include "base/prng.h"
#include "llm/llm.h"

enum gen_reaction {
    GEN_ACT_ACCEPT = 1, /* a complete answer: look at it */
    GEN_ACT_RETRY,      /* the same request again, after delay_ms */
    GEN_ACT_DROP_PARAM, /* leave the named parameter out, remember it, send again at once */
    GEN_ACT_OTHER_SEED, /* the same question once more with another seed */
    GEN_ACT_FEWER,      /* ask for less in one answer */
    GEN_ACT_GIVE_UP,    /* the item fails */
};

/* What a call has been through. */
struct gen_call_history {
    unsigned n_waits;    /* after rate_limit and overload */
    unsigned n_failures; /* server_error, transport */
    unsigned n_free;     /* dead keep-alive connections */
    unsigned n_params;   /* parameters dropped */
    unsigned n_shorter;  /* after truncated */
    unsigned n_blocked;  /* by what may be chance */
};

struct gen_decision {
    enum gen_reaction action;
    uint64_t delay_ms;
};

#define GEN_RETRY_WAITS                                                                            \
    8 /* attempts ended by rate_limit or overload; with a server's delay they do not count */
#define GEN_RETRY_FAILURES 4 /* attempts ended by server_error or transport */
#define GEN_ASK_TRIES      3 /* a first answer, and two more with its faults named */

/* Counts the attempt in `h` and decides. While the whole lane is down (`lane_is_down`) a transport
 * failure or a refusal says nothing about the item and does not count; the lane decides then when
 * to stop. Backoff: 1 s doubled per try up to 60 s
 * with full jitter from `random`; a server's delay is the least. */
struct gen_decision gen_decide(const struct gen_llm_result *result, struct gen_call_history *h,
                               bool lane_is_down, struct gen_prng *random);

#endif
