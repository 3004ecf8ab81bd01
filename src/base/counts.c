#include "base/counts.h"

#include <stdio.h>

void gen_counts_add(struct gen_counts *c, const char *name, int64_t count)
{
    size_t i = 0;
    /* Names are kept cut. */
    while (i < c->n && strncmp(c->rows[i].name, name, GEN_COUNT_NAME_BYTES - 1) != 0)
        i++;
    if (i == c->n) {
        /* The last row is kept for all the names that did not fit. */
        if (c->n == GEN_COUNTS_MAX - 1)
            name = "other";
        else if (c->n == GEN_COUNTS_MAX)
            i = c->n - 1;
        if (i == c->n) {
            (void)snprintf(c->rows[i].name, sizeof(c->rows[i].name), "%s", name);
            c->rows[i].count = 0;
            c->n++;
        }
    }
    c->rows[i].count += count;
}

int64_t gen_counts_get(const struct gen_counts *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strncmp(c->rows[i].name, name, GEN_COUNT_NAME_BYTES - 1) == 0)
            return c->rows[i].count;
    }
    return 0;
}

int64_t gen_counts_sum(const struct gen_counts *c)
{
    int64_t sum = 0;
    for (size_t i = 0; i < c->n; i++)
        sum += c->rows[i].count;
    return sum;
}
