/*
 * The steps of tool data. generate: blueprint -> request -> plan of calls; execute: the plan
 * carried out, or (agent) the request solved call by call with each observation in view, then the
 * final answer; rate: the verification ladder, then a judge whose yes/no answers the program
 * counts. Prompts follow prompting.md B.9 to B.17; records are those of dataset/trajectory.h.
 *
 * Each _new copies its options and `common`, borrows what they point at until _free, and fills
 * `step`, which borrows the object: free it after the engine. They know no network and no ledger;
 * what they do runs in the engine's loop thread. GEN_EUSAGE: a prompt is missing or lacks its
 * placeholders (step/prompt.h); GEN_ENOMEM.
 */
#ifndef GEN_TOOL_TOOL_H
#define GEN_TOOL_TOOL_H

#include "base/log.h"
#include "step/prompt.h"
#include "step/rating.h"
#include "tool/blueprint.h"
#include "tool/coverage.h"
#include "tool/execute/executor.h"
#include "tool/ladder.h"
#include "tool/origin.h"

struct gen_tool_generate_options {
    struct gen_blueprints *blueprints; /* borrowed: told what came out */
    const struct gen_toolset *tools;   /* borrowed */
    struct gen_executor *executor;     /* chain_first; else NULL */
    bool chain_first;                  /* chains are executed before their request is written */
    bool request_only;                 /* no plan: an agent will solve the request */
    size_t steps_max;                  /* calls of a plan, as the prompt says; 0: 5 */
    const char *language;              /* of requests; NULL: English */
};
struct gen_tool_generate;
/* Fills `step`: blueprints in, examples out. Duplicate requests are filtered ("duplicate_request").
 */
GEN_MUST_USE int gen_tool_generate_new(struct gen_tool_generate **out,
                                       const struct gen_step_common *common,
                                       const struct gen_tool_generate_options *options,
                                       struct gen_step *step, struct gen_error *err);
void gen_tool_generate_free(struct gen_tool_generate *g);

enum gen_tool_execution { GEN_TOOL_REAL = 0, GEN_TOOL_SIMULATED, GEN_TOOL_REPLAY };

struct gen_tool_execute_options {
    enum gen_tool_execution mode;
    struct gen_executor *executor;   /* real and replay */
    const struct gen_toolset *tools; /* NULL: each example's own */
    bool is_agent;                   /* solves anew, call by call */
    size_t steps_max;                /* of the agent; 0: 10; at most 48 */
    uint64_t seed;
};
struct gen_tool_execute;
/* Fills `step`: examples in, the same with results and final answers out. A row that cannot be
 * carried out is filtered or fails by itself. GEN_EUSAGE also when the mode needs an executor and
 * there is none. */
GEN_MUST_USE int gen_tool_execute_new(struct gen_tool_execute **out,
                                      const struct gen_step_common *common,
                                      const struct gen_tool_execute_options *options,
                                      struct gen_step *step, struct gen_error *err);
void gen_tool_execute_free(struct gen_tool_execute *x);

struct gen_tool_rate_options {
    double threshold;                /* 0 to 10: lower ratings are filtered ("below_threshold") */
    bool needs_execution;            /* rows that were not executed do not pass */
    const struct gen_toolset *tools; /* NULL: each example's own */
    gen_rated_fn *on_rated;          /* NULL: not wanted */
    void *on_rated_ud;
};
struct gen_tool_rate;
/* Fills `step`: examples in, those that pass the ladder and the judge out, with "rating",
 * "rating_breakdown" and "rating_reasoning". What the ladder refuses is filtered by its rule and
 * not paid for. */
GEN_MUST_USE int gen_tool_rate_new(struct gen_tool_rate **out, const struct gen_step_common *common,
                                   const struct gen_tool_rate_options *options,
                                   struct gen_step *step, struct gen_error *err);
void gen_tool_rate_free(struct gen_tool_rate *r);
/* Counts per rung, with the judge's as the last one; and the ratings. Both change while it runs. */
const struct gen_ladder_counts *gen_tool_rate_ladder(const struct gen_tool_rate *r);
const struct gen_rating_stats *gen_tool_rate_stats(const struct gen_tool_rate *r);

#endif
