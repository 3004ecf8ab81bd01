/*
 * Balance: as many records of each class (a difficulty, a category) as of every other, as far as
 * they reach. What a record's label is not known to be is a class of its own. No class that is
 * there is dropped to nothing, no record is lost to rounding, the order stays.
 */
#ifndef GEN_TOOL_BALANCE_H
#define GEN_TOOL_BALANCE_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define GEN_BALANCE_CLASSES_MAX 64
#define GEN_BALANCE_NAME_BYTES  48

struct gen_balance_class {
    char name[GEN_BALANCE_NAME_BYTES]; /* the label, cut; "unlabelled"; "other" past the most */
    size_t n_in, n_kept;
};

struct gen_balance {
    struct gen_balance_class classes[GEN_BALANCE_CLASSES_MAX];
    size_t n_classes;
    size_t n_in, n_kept;
};

/*
 * Chooses `n_wanted` of `n` records (0, or more than there are: as many as can be had with no class
 * over `ratio_max` times the smallest one; ratio_max 0: all of them). labels[i] is the label of
 * record i. `keep[i]` says whether it stays; in each class the ones with the highest score stay
 * (`scores` NULL: the first ones), ties in input order. Deterministic. GEN_ENOMEM.
 */
GEN_MUST_USE int gen_balance_choose(struct gen_balance *out, const struct gen_str *labels,
                                    const double *scores, size_t n, size_t n_wanted,
                                    double ratio_max, bool *keep, struct gen_error *err);

/*
 * Shares `total` among classes in proportion to `weights` by largest remainder (Hamilton), none
 * over its `most`; what one cannot take goes to the others. A class with most > 0 gets at least 1
 * while `total` reaches. Sum of `out` = min(total, sum of most).
 */
void gen_balance_apportion(const double *weights, const size_t *most, size_t n, size_t total,
                           size_t *out);

#endif
