/*
 * The numbers of observations and request, and whether a number of an answer follows from them: it
 * is one of them, in another unit or rounded, a length, sum or mean of a list, or the sum,
 * difference, product or share of two. Inside of the ladder; knows nothing of names and quotations
 * (trace.c).
 */
#ifndef GEN_TOOL_NUMBER_POOL_H
#define GEN_TOOL_NUMBER_POOL_H

#include "tool/origin_known.h"

/* In the arena of the gen_known that it was filled from. */
struct gen_number_pool {
    double *values;
    size_t n;
    double *totals; /* sums, means, spreads of lists */
    size_t n_totals;
};

/* Reads all results. GEN_ENOMEM. */
GEN_MUST_USE int gen_number_pool_fill(struct gen_number_pool *p, struct gen_known *k,
                                      struct gen_error *err);
/* Whether `q`, a quantity of `answer`, follows from the pool, or stands in the request or a result
 * in so many words. `computes`: the answer speaks of sums, differences or shares, so pairs are
 * tried among more numbers. */
bool gen_number_pool_gives(const struct gen_number_pool *p, const struct gen_known *k,
                           const struct gen_words *answer, const struct gen_quantity *q,
                           bool computes);

#endif
