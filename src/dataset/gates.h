/*
 * Limits that figures of a data set should keep (dataset/metrics.h), and what to do when one is
 * crossed. Limits after measurements on published sets; they are advice, and fail no command.
 */
#ifndef GEN_DATASET_GATES_H
#define GEN_DATASET_GATES_H

#include "dataset/metrics.h"

#define GEN_GATES_MAX 16

struct gen_gate {
    const char *name; /* "rating_concentration"; a constant */
    double measured, limit;
    /* What was measured, the limit, what it means, and what to do: "43.2 % of the ratings are 7
     * (limit 40 %): ...". One sentence without a final stop. */
    char sentence[400];
};

struct gen_gates {
    size_t n;
    struct gen_gate crossed[GEN_GATES_MAX];
};

/* The gates that `r` crosses, the worst kinds first. Shares of fewer than 20 rows are not judged.
 */
void gen_gates_check(const struct gen_metrics_result *r, struct gen_gates *out);

/* [{"name", "measured", "limit", "sentence"}] */
struct gen_jmut *gen_gates_write(const struct gen_gates *g, struct gen_jb *b);

#endif
