/*
 * The account of a run: what became of every input of every stage, and what it cost. Each input
 * ends as exactly one of produced, filtered, failed or skipped: n_in = n_produced + sum(filtered) +
 * sum(failed) + sum(skipped) once the run is over.
 */
#ifndef GEN_ENGINE_ACCOUNT_H
#define GEN_ENGINE_ACCOUNT_H

#include "base/counts.h"
#include "ledger/ledger.h"
#include "json/json.h"

struct gen_stage_account {
    const char *name;     /* "generate" */
    const char *unit_in;  /* "chunks" */
    const char *unit_out; /* "pairs" */
    int64_t n_expected;   /* inputs known to come; -1: not known */
    int64_t n_in;
    int64_t n_produced;             /* inputs that gave at least one output */
    struct gen_counts filtered;     /* inputs, by rule */
    struct gen_counts failed;       /* inputs, by class */
    struct gen_counts skipped;      /* inputs, by reason */
    int64_t n_out;                  /* outputs */
    struct gen_counts out_filtered; /* proposed outputs that a rule removed */
    struct gen_counts notes; /* what else was seen: repairs by step, answers asked again, ... */

    int64_t n_actions;             /* observations used (tool calls), from outside or the ledger */
    int64_t n_actions_cached;      /* of those: from the ledger, not done again */
    int64_t action_latency_us_sum; /* of those done by this run */

    int64_t n_calls;            /* answers used, from the server or the ledger */
    int64_t n_cached;           /* of those: from the ledger, not paid again */
    int64_t n_sent;             /* requests that left, retries included */
    struct gen_counts by_class; /* attempts that did not bring a good answer */
    int64_t tokens_in, tokens_out, tokens_cached;
    int64_t cost_microusd;   /* of this run's requests, as far as the price is known */
    int64_t n_cost_unknown;  /* answers whose price is not known */
    int64_t n_usage_unknown; /* answers that came without token counts */
    int64_t latency_ms_sum;  /* of the answers of this run */
    size_t n_waiting; /* calls in flight, waiting, or held for their order: for the display */
};

/* Puts {"name","in","produced","filtered":{rule:n},...} of one stage under construction. */
struct gen_jmut *gen_account_json(struct gen_jb *b, const struct gen_stage_account *stage);

#endif
