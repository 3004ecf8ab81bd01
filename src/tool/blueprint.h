/*
 * What examples shall be about, drawn before any model is asked (answer first: ToolGrad,
 * arXiv:2508.04086; APIGen-MT, arXiv:2504.03601): which tools are called with which arguments,
 * which are shown beside them, in which category and style. A pure function of the tools, the
 * options and the seed: the same ones draw the same blueprints.
 *
 * A blueprint is a tool record (dataset/trajectory.h) without instruction and solution:
 *
 *   {"format":"tool","id":"hdf5-00017","tools":[offered, shuffled],
 *    "metadata":{"difficulty","mode","category","style","required_tools":[...],
 *      "blueprint":{
 *        "calls":[{"tool","args":{...},"turn":1}, ...],   the right calls
 *        "setup":[{"tool","args"}, ...],                  what has been done before
 *        "context":"the file simulation.h5 has been opened",
 *        "mutation":{"kind":"wrong_value","parameter":"path","call":{"tool","args"},
 *           "expects":"what the server said"},            error-recovery
 *        "withheld":["path"],                             missing-param
 *        "gap":"near_miss_action","near_tool":"list_keys",
 *        "missing":{"tool","description","args","parameters"}, irrelevance
 *        "seed":1234,
 *        "results":[{"text","is_error"}...]}}}            chain-first: what the calls gave
 *
 * Setup: many servers have a state (a file is open, a session begun). Calls that need one and are
 * no chain have the calls that make it in `setup`; they are made before the example, on its own
 * server (they come first in `before` of gen_executor_call), and are no part of the trajectory.
 * `context` says the same to whoever writes the request, which may mention it. In a chain the
 * setup is a step like any other. Both are left out where nothing is needed.
 *
 * An argument of a chain that comes out of an earlier step is {"$result":{"step","pointer"}}.
 * `missing` (irrelevance, gap near_miss_action): the tool that the request would need, and that is
 * not offered. mutation.kind: wrong_value, missing_argument, wrong_type; `expects` is empty when
 * it was not tried.
 *
 * Values come, in this order of trust, from the tool's examples, the results of calls that ran on
 * the executor (gen_blueprints_learn), enums, defaults, and pools by name, type and format.
 */
#ifndef GEN_TOOL_BLUEPRINT_H
#define GEN_TOOL_BLUEPRINT_H

#include "dataset/trajectory.h"
#include "tool/toolset.h"

/* Shares of the categories; they need not add up to 1. */
struct gen_tool_mix {
    double share[GEN_TOOL_N_CATEGORIES];
};
/* "single=.4,chain=.3,irrelevance=.1": what is not named is 0. GEN_EUSAGE names the part, and the
 * nearest category. */
GEN_MUST_USE int gen_tool_mix_parse(struct gen_tool_mix *mix, const char *text,
                                    struct gen_error *err);

enum gen_tool_steps_wanted { GEN_TOOL_STEPS_ANY = 0, GEN_TOOL_STEPS_ONE, GEN_TOOL_STEPS_SEVERAL };

struct gen_blueprint_options {
    const struct gen_toolset *tools;
    struct gen_tool_mix mix;          /* all zero: the defaults for `steps` */
    enum gen_tool_steps_wanted steps; /* --single-step, --multi-step */
    bool can_execute;   /* else no error-recovery, and chains only by --multi-step or mix */
    int64_t target;     /* examples wanted in all */
    size_t steps_max;   /* calls of a chain; 2 to 10 */
    size_t offered_max; /* tools shown with one example; 2 to 10 and more */
    uint64_t seed;
};

/* How many were wanted and are there, for the account. */
struct gen_blueprint_quota {
    enum gen_tool_category category;
    int64_t n_wanted, n_done;
    const char *why_none; /* why the category cannot be drawn from these tools; NULL */
};

struct gen_blueprints;
/* GEN_EUSAGE when no category of the mix can be drawn from the tools. Quotas whose category cannot
 * be drawn go to the others. */
GEN_MUST_USE int gen_blueprints_new(struct gen_blueprints **out,
                                    const struct gen_blueprint_options *options,
                                    struct gen_error *err);
void gen_blueprints_free(struct gen_blueprints *b);
/* Appends the next blueprint's JSON; `*more` false when the present round has no more. Every tool
 * is drawn as often as every other, as far as the categories let it, and each optional parameter
 * and each enum value in its turn. */
GEN_MUST_USE int gen_blueprints_next(struct gen_blueprints *b, struct gen_buf *record, bool *more,
                                     struct gen_error *err);
/* An example of this category came out. In input order. */
void gen_blueprints_done(struct gen_blueprints *b, enum gen_tool_category category);
/* Begins a further round for what is missing; false when nothing is, or when the last round gave
 * nothing and more would not help (GEN_BLUEPRINT_ROUNDS_MAX). */
bool gen_blueprints_next_round(struct gen_blueprints *b);
#define GEN_BLUEPRINT_ROUNDS_MAX 8U
int64_t gen_blueprints_missing(const struct gen_blueprints *b);
/* n is at most GEN_TOOL_N_CATEGORIES. */
const struct gen_blueprint_quota *gen_blueprints_quotas(const struct gen_blueprints *b, size_t *n);

/*
 * Exploring the executor's world, before the first gen_blueprints_next: which calls go well, alone
 * or after which others, what they give, and which argument takes what another call gave (In-N-Out,
 * arXiv:2509.01560). Of explored tools only calls that went well are drawn.
 *
 * In rounds: gen_blueprints_explore appends a JSON array of sessions, each an array of calls
 * [[{"tool","args"},...],...]; each session has a fresh server and its calls are made in order,
 * failed or not. Then gen_blueprints_learn for each call that was made (a call that the executor
 * does not allow is learned as failed; one that could not be made for other reasons is not
 * learned). Then the next round, until the array is empty. A function of the tools and the results
 * alone; `calls_max` is for all rounds (2,000 serve 25 tools with state well).
 */
GEN_MUST_USE int gen_blueprints_explore(struct gen_blueprints *b, size_t calls_max,
                                        struct gen_buf *sessions, struct gen_error *err);
/* What call number `call` (from 0) of session number `session` (from 0) of the last round gave.
 * Sessions and their calls in order. GEN_ESTATE for numbers that were not asked for. */
GEN_MUST_USE int gen_blueprints_learn(struct gen_blueprints *b, size_t session, size_t call,
                                      struct gen_str observation, bool is_error,
                                      struct gen_error *err);
/* Tools that cannot be drawn, each with the reason: appends lines "name: why". */
GEN_MUST_USE int gen_blueprints_undrawn(struct gen_blueprints *b, struct gen_buf *out,
                                        struct gen_error *err);

/* The value that a reference stands for in an observation: appends its JSON text. False: the
 * pointer leads nowhere. */
GEN_MUST_USE int gen_reference_resolve(struct gen_str observation, struct gen_str pointer,
                                       struct gen_buf *value, bool *found, struct gen_error *err);
/* The same as a value of `b`. */
GEN_MUST_USE int gen_reference_value(struct gen_jb *b, struct gen_str observation,
                                     struct gen_str pointer, struct gen_jmut **value, bool *found,
                                     struct gen_error *err);

/* What the result of a step has at a pointer, as a value of `b`. */
typedef int gen_reference_fn(void *ud, struct gen_jb *b, int64_t step, struct gen_str pointer,
                             struct gen_jmut **value, bool *found, struct gen_error *err);
/* A copy of `v` with values in the places of all references, however deep they stand. `*found`
 * false: one of them leads nowhere, and `*out` is to be left alone. Errors are those of `fn`. */
GEN_MUST_USE int gen_references_fill(struct gen_jb *b, const struct gen_json *v,
                                     gen_reference_fn *fn, void *ud, struct gen_jmut **out,
                                     bool *found, struct gen_error *err);

#endif
