/* A small seeded generator (SplitMix64, Steele et al. 2014): jitter, shuffles, tests. Not for
 * secrets. */
#ifndef GEN_BASE_PRNG_H
#define GEN_BASE_PRNG_H

#include <stdint.h>

struct gen_prng {
    uint64_t state;
};

static inline struct gen_prng gen_prng_make(uint64_t seed)
{
    return (struct gen_prng){seed};
}

static inline uint64_t gen_prng_next(struct gen_prng *g)
{
    uint64_t z = (g->state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

/* In [0, n), 0 for n = 0; the bias is below n / 2^64. */
static inline uint64_t gen_prng_below(struct gen_prng *g, uint64_t n)
{
    return n ? gen_prng_next(g) % n : 0;
}

#endif
