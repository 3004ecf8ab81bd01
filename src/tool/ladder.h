/*
 * The verification ladder (formats.md §5.3 no. 4; APIGen, arXiv:2406.18518): a tool record climbs
 * rung by rung, and the first that it fails names the rule. No model, no network.
 *
 * - parse: it is a tool record, and there is something in it, and no more than 1,000 calls
 *   ("not_json", "not_a_tool_record", "nothing_to_learn", "too_many_steps")
 * - schema: every tool is known and offered, every argument passes the tool's schema; a failure
 * that was planned, or made good by a later call, may not ("tool_definition_unusable",
 * "unknown_tool", "tool_not_offered", "schema_invalid")
 * - references: nothing is left of placeholders and {"$result"...}; steps in order
 *   ("steps_out_of_order", "unresolved_reference")
 * - provenance: every literal argument is in the request, the user's reply, the blueprint's setup,
 * an earlier result, a default, a choice, or an ordinary conversion of words of the request
 *   ("invented_argument")
 * - execution: every call was executed, and failed only where that was planned or made good
 *   ("not_executed", "call_failed", "mutation_did_not_fail", "not_solved")
 * - dependence: the final answer's figures, names and quotations come from results or the request;
 * a recovery's last call went well; refusals and questions back promise nothing ("call_not_wanted",
 *   "no_question", "nothing_was_missing", "promises_action", "no_final_answer", "not_recovered",
 *   "hollow_answer", "repeated_call", "untraceable_answer")
 *
 * What it does not do: whether another tool would have been better, or a call was needed, only a
 * judge can tell (tool.h).
 */
#ifndef GEN_TOOL_LADDER_H
#define GEN_TOOL_LADDER_H

#include "dataset/trajectory.h"
#include "tool/toolset.h"

enum gen_rung {
    GEN_RUNG_PARSE = 0,
    GEN_RUNG_SCHEMA,
    GEN_RUNG_REFERENCES,
    GEN_RUNG_PROVENANCE,
    GEN_RUNG_EXECUTION,
    GEN_RUNG_DEPENDENCE,
    GEN_RUNG_JUDGE, /* not climbed here: the step counts it */
    GEN_N_RUNGS,
};
const char *gen_rung_name(enum gen_rung r);

struct gen_ladder_counts {
    uint64_t n_in;
    uint64_t n_passed[GEN_N_RUNGS];  /* that came through this rung */
    uint64_t n_skipped[GEN_N_RUNGS]; /* passed without being looked at: not executed, say */
};

struct gen_ladder_options {
    const struct gen_toolset *tools; /* NULL: the tools that each record offers */
    bool needs_execution;
};

/* What was found. `rule`, a constant, is what users count; NULL: it came through. `why` names step
 * and argument. */
struct gen_climb {
    enum gen_rung rung; /* the last one looked at */
    const char *rule;
    char why[320];
    size_t n_arguments, n_traced; /* literal arguments, and those whose origin was found */
};

struct gen_ladder;
GEN_MUST_USE int gen_ladder_new(struct gen_ladder **out, const struct gen_ladder_options *options,
                                struct gen_error *err);
void gen_ladder_free(struct gen_ladder *l);
/* `record` parsed; NULL when the row is no JSON. Only a lack of memory is an error. 100,000 records
 * are a matter of seconds. */
GEN_MUST_USE int gen_ladder_climb(struct gen_ladder *l, const struct gen_json *record,
                                  struct gen_climb *out, struct gen_error *err);
const struct gen_ladder_counts *gen_ladder_counts(const struct gen_ladder *l);

#endif
