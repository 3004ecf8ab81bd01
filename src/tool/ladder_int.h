/* The rungs of the ladder, each in its own function. */
#ifndef GEN_TOOL_LADDER_INT_H
#define GEN_TOOL_LADDER_INT_H

#include "tool/ladder.h"
#include "tool/origin_known.h"
#include "json/memo.h"

/* A record on its way up. */
struct gen_climber {
    const struct gen_trajectory *t;
    const struct gen_tool **tools; /* for each step; NULL: nothing is known of its tool */
    bool *is_excused;              /* for each step: it was meant to fail, or was made good */
    bool has_tools;
    struct gen_known known;
    struct gen_arena *arena;
    struct gen_climb *out;
};

/* Names the rule that failed; the first one stays. Always false. */
bool gen_climb_fail(struct gen_climb *out, const char *rule, const char *format, ...)
    GEN_PRINTF(3, 4);

/* Steps whose results are there when step `i` is made. */
size_t gen_climb_results_before(const struct gen_trajectory *t, size_t i);
/* The request with all that counts as known to it. */
GEN_MUST_USE int gen_climb_known(struct gen_climber *c, struct gen_error *err);

GEN_MUST_USE int gen_rung_schema(struct gen_climber *c, struct gen_error *err);
void gen_rung_references(struct gen_climber *c);
GEN_MUST_USE int gen_rung_provenance(struct gen_climber *c, struct gen_error *err);
/* `*skipped`: there was nothing to look at. */
void gen_rung_execution(struct gen_climber *c, bool needs_execution, bool *skipped);
GEN_MUST_USE int gen_rung_dependence(struct gen_climber *c, bool *skipped, struct gen_error *err);

/* Tools of records, compiled once for each definition: a memo (json/memo.h) of function objects. */
GEN_MUST_USE int gen_tool_memo_new(struct gen_json_memo **out, struct gen_error *err);
/* `*tool` NULL: it cannot be used, and `*why` says the reason. */
GEN_MUST_USE int gen_tool_memo_get(struct gen_json_memo *m, const struct gen_json *function,
                                   const struct gen_tool **tool, const char **why,
                                   struct gen_error *err);

#endif
