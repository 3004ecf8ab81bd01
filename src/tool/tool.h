/*
 * The steps of tool data. generate: blueprint -> request -> plan of calls; execute: the plan
 * carried out, or (agent) the request solved call by call with each observation in view, then the
 * final answer; rate: the verification ladder, then a judge whose yes/no answers the program
 * counts. Prompts follow prompting.md B.9 to B.17; records are those of dataset/trajectory.h.
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
    size_t steps_max;
    const char *language; /* of requests; NULL: English */
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
    size_t steps_max;
    uint64_t seed;
};
struct gen_tool_execute;
GEN_MUST_USE int gen_tool_execute_new(struct gen_tool_execute **out,
                                      const struct gen_step_common *common,
                                      const struct gen_tool_execute_options *options,
                                      struct gen_step *step, struct gen_error *err);
void gen_tool_execute_free(struct gen_tool_execute *x);

struct gen_tool_rate_options {
    double threshold;
    bool needs_execution;            /* rows that were not executed do not pass */
    const struct gen_toolset *tools; /* NULL: each example's own */
    gen_rated_fn *on_rated;
    void *on_rated_ud;
};
struct gen_tool_rate;
GEN_MUST_USE int gen_tool_rate_new(struct gen_tool_rate **out, const struct gen_step_common *common,
                                   const struct gen_tool_rate_options *options,
                                   struct gen_step *step, struct gen_error *err);
void gen_tool_rate_free(struct gen_tool_rate *r);
/* Counts per rung, with the judge's as the last one. */
const struct gen_ladder_counts *gen_tool_rate_ladder(const struct gen_tool_rate *r);
const struct gen_rating_stats *gen_tool_rate_stats(const struct gen_tool_rate *r);

#endif
