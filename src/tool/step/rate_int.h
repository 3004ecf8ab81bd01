/* Private to the stage "rate". */
#ifndef GEN_TOOL_STEP_RATE_INT_H
#define GEN_TOOL_STEP_RATE_INT_H

#include "tool/tool.h"

#define GEN_RATE_SHOWN_BYTES ((size_t)3000) /* of one observation, in the prompt */

/* The answers to the questions of prompting.md B.16. t1, p1, p2 and f2 are computed: whoever is
 * asked about a record has come up the ladder. */
struct gen_rate_verdict {
    bool t1, t2, t3, p1, p2, p3, r1, r2, f1, f2;
    struct gen_str better, weakest;
    bool contradicts_tool, contradicts_order; /* a better alternative is named, yet t2 or t3 true */
};

struct gen_rate_scores {
    int selection, parameters, reasoning, usefulness, rating;
};

extern const char gen_rate_schema[];

void gen_rate_read(struct gen_rate_verdict *v, const struct gen_trajectory *t,
                   const struct gen_json *answer);
struct gen_rate_scores gen_rate_score(const struct gen_rate_verdict *v);

/* What the judge is shown; in the arena. {NULL, 0}: no memory. */
struct gen_str gen_rate_show_tools(struct gen_arena *arena, const struct gen_trajectory *t);
struct gen_str gen_rate_show_request(struct gen_arena *arena, const struct gen_trajectory *t);
struct gen_str gen_rate_show_calls(struct gen_arena *arena, const struct gen_trajectory *t);
struct gen_str gen_rate_show_results(struct gen_arena *arena, const struct gen_trajectory *t);

#endif
