/* Numbers from outside, checked with their bounds at once, and arithmetic on sizes that cannot
 * wrap. */
#ifndef GEN_BASE_NUM_H
#define GEN_BASE_NUM_H

#include "base/error.h"
#include "base/str.h"

/* Parses the whole of `text` as a decimal integer in [min, max]. `what` names it in the message.
 * GEN_EUSAGE. */
GEN_MUST_USE int gen_num_i64(struct gen_str text, int64_t min, int64_t max, const char *what,
                             int64_t *out, struct gen_error *err);
/* Parses the whole of `text` as a finite decimal number in [min, max], independent of the locale.
 * GEN_EUSAGE. */
GEN_MUST_USE int gen_num_f64(struct gen_str text, double min, double max, const char *what,
                             double *out, struct gen_error *err);

/* a + b, or SIZE_MAX on overflow, which no limit admits. */
static inline size_t gen_size_add(size_t a, size_t b)
{
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

#endif
