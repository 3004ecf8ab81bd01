/*
 * The end of a judge's step, for qa/ and tool/ alike: what is counted of the rated records, and
 * which of them go on. How a record is judged is the step's own.
 */
#ifndef GEN_STEP_RATING_H
#define GEN_STEP_RATING_H

#include "engine/step.h"

/* What is known of the rated records so far. */
struct gen_rating_stats {
    int64_t n_rated, n_kept;
    double sum, min, max;  /* 0 when nothing was rated */
    int64_t histogram[11]; /* ratings 0 to 10, rounded down; those beyond in the first and last */
};

/* Every rated record in input order. `*rule` is why it goes no further, NULL when it is kept; the
 * callee may put a rule of its own there (a duplicate, say), which must live as long as the run. */
typedef int gen_rated_fn(void *ud, struct gen_str record, const char **rule, struct gen_error *err);

struct gen_rating {
    gen_rated_fn *on_rated; /* NULL: not wanted */
    void *on_rated_ud;
    struct gen_rating_stats stats;
};

/* Settles output `i`: it goes no further by `rule`, or by that of on_rated; NULL: by none. `*kept`
 * says whether it goes on. Fails as on_rated does, with nothing counted. */
GEN_MUST_USE int gen_rating_settle(struct gen_rating *r, struct gen_release *out, size_t i,
                                   double rating, const char *rule, bool *kept,
                                   struct gen_error *err);

#endif
