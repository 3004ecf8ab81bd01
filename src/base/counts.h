/*
 * Named counters in the order of their first use: filtered by which rule, failed by which class.
 * There are few names (at most GEN_COUNTS_MAX; what comes after them is counted under "other").
 */
#ifndef GEN_BASE_COUNTS_H
#define GEN_BASE_COUNTS_H

#include "base/str.h"

#include <stdint.h>

#define GEN_COUNTS_MAX       40
#define GEN_COUNT_NAME_BYTES 48

struct gen_counts {
    size_t n;
    struct {
        char name[GEN_COUNT_NAME_BYTES];
        int64_t count;
    } rows[GEN_COUNTS_MAX];
};

void gen_counts_add(struct gen_counts *c, const char *name, int64_t count);
int64_t gen_counts_get(const struct gen_counts *c, const char *name);
int64_t gen_counts_sum(const struct gen_counts *c);

#endif
