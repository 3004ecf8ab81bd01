/*
 * Statistics of numbers in bounded memory: mean and variance by Welford's method with the merging
 * of Chan, Golub and LeVeque (1979), exact medians by selecting on the bits of the numbers.
 */
#ifndef HDS_STATS_H
#define HDS_STATS_H

#include "data.h"

#define HDS_TILE_ELEMENTS ((size_t)1 << 20)

struct hds_stats {
    uint64_t n; /* finite values */
    uint64_t n_not_finite;
    double mean;
    double m2; /* sum of squared differences from the mean */
    double sum;
    double lost; /* what `sum` has lost to rounding (Neumaier) */
    double min;
    double max;
};

void hds_stats_add(struct hds_stats *s, const double *values, size_t n);
void hds_stats_merge(struct hds_stats *s, const struct hds_stats *other);
double hds_stats_sum(const struct hds_stats *s);
double hds_stats_mean(const struct hds_stats *s);
/* Of the population. */
double hds_stats_std(const struct hds_stats *s);

/* Reads `r` (strides of 1) in tiles of at most HDS_TILE_ELEMENTS numbers, and hands each to `take`.
 * GEN_EINPUT when the dataset is not numeric. */
GEN_MUST_USE int hds_tiles(const struct hds_dataset *d, const struct hds_region *r,
                           void (*take)(void *ud, const double *values, size_t n), void *ud,
                           struct gen_error *err);

/* The exact median of the finite values of a dataset, in four passes over it. `n` is their number
 * (from hds_stats), over 0. */
GEN_MUST_USE int hds_median(const struct hds_dataset *d, uint64_t n, double *median,
                            struct gen_error *err);

#endif
