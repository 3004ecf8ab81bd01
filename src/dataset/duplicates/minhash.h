/*
 * Private to dataset/: sets of shingles, their MinHash signatures, and the bands by which similar
 * sets are found (Broder 1997; Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, ch. 3).
 *
 * A shingle is the hash of three words in a row, cut to 32 bits; a text of one or two words has its
 * words for shingles. Two texts of 15 words share a shingle by chance with a probability of 4e-8,
 * so the Jaccard similarity of the cut sets is that of the true ones for all purposes.
 *
 * The signature has GEN_MINHASH_N values. One-permutation hashing with densification would be
 * cheaper for long texts but is worse for short ones: a question has some 13 shingles for 64 bins.
 *
 * Two sets of similarity s agree in all rows of at least one band with probability
 * 1 - (1 - s^rows)^bands. The shape for a limit is the one with the most rows (fewest false
 * candidates) that finds a pair AT the limit with at least 0.9; pairs above it are found more
 * often:
 *      limit   0.3    0.4    0.5    0.6    0.7    0.8    0.9    0.95
 *      rows      2      2      3      3      4      6     10      16
 *      bands    32     32     21     21     16     10      6       4
 *      found  .951   .996   .939   .994   .988   .952   .924   .903
 */
#ifndef GEN_DATASET_MINHASH_H
#define GEN_DATASET_MINHASH_H

#include "dataset/duplicates/word_list.h"

#define GEN_MINHASH_N         64U
#define GEN_MINHASH_BANDS_MAX GEN_MINHASH_N

struct gen_minhash_shape {
    unsigned n_bands, n_rows;
};

struct gen_minhash_shape gen_minhash_shape(double similarity);
/* The probability that a pair of this similarity shares a band. */
double gen_minhash_recall(struct gen_minhash_shape shape, double similarity);

/* The set of shingles of a text, ascending; used again for one text after the other. */
struct gen_shingles {
    uint32_t *values, *scratch;
    size_t n, capacity;
};
GEN_MUST_USE int gen_shingles_read(struct gen_shingles *s, const struct gen_word_list *words,
                                   struct gen_error *err);
void gen_shingles_release(struct gen_shingles *s);

/* Jaccard similarity of two ascending sets; 0 for two empty ones. */
double gen_shingles_similarity(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b);

struct gen_minhash {
    struct gen_minhash_shape shape;
    uint32_t flips[GEN_MINHASH_N], factors[GEN_MINHASH_N]; /* of the permutations */
};
/* The same permutations everywhere. */
void gen_minhash_init(struct gen_minhash *m, struct gen_minhash_shape shape);
/* One key a band for a set that is not empty; keys of different bands have nothing in common. */
void gen_minhash_keys(const struct gen_minhash *m, const uint32_t *shingles, size_t n,
                      uint64_t keys[GEN_MINHASH_BANDS_MAX]);

#endif
