/* "Did you mean": the nearest of some names by edit distance (Damerau-Levenshtein, adjacent swaps).
 */
#ifndef GEN_BASE_NEAREST_H
#define GEN_BASE_NEAREST_H

#include "base/str.h"

/* The nearest of `n` names to `typed`, or NULL when none is near enough (distance over a third of
 * its length, at least 2, or no character in common). Names longer than 63 bytes are passed over.
 */
const char *gen_nearest(struct gen_str typed, const char *const *names, size_t n);

#endif
