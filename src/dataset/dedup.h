/*
 * Exact and near duplicates of texts, in one pass: the first of several stays. Texts are compared
 * normalised: NFKC, without case, white space, quotes, sentence punctuation and marks of Markdown;
 * operators, signs and underscores of identifiers count (dataset/duplicates/word_list.h). Near
 * duplicates are candidates of MinHash with banded locality-sensitive hashing whose true Jaccard
 * similarity of word 3-gram sets reaches the limit (texts of one or two words: of their words).
 * Equal input gives equal output on every machine.
 *
 * What is found: every equal text. Of similar ones, a pair of similarity s with probability
 * 1 - (1 - s^rows)^bands, at least 0.9 at the limit and more above it (dataset/duplicates/minhash.h
 * has the shapes: 0.988 at 0.7, and 0.9998 at 0.8 with that limit). Nothing below the limit is ever
 * said to be a duplicate. Of several, the most similar one is named, and of these the first.
 *
 * So that time stays linear when very many texts have a template in common, a look-up weighs only
 * the 32 newest candidates of each band, at most 32 times the number of bands. What is then missed:
 * a text whose like has more than 32 later texts in front of it in each of the bands that the two
 * share. Measured with a million questions that differ in two words of 21: 84 % of the pairs at
 * 0.73 are found with the limit 0.7 (0.99 by the formula), in 8 s. Equal texts are found by another
 * way and never missed.
 *
 * Memory: some 200 bytes for each kept text of 15 words, 4 more for each further word. Time: some
 * microseconds a text.
 */
#ifndef GEN_DATASET_DEDUP_H
#define GEN_DATASET_DEDUP_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

struct gen_dedup;

struct gen_dedup_options {
    double similarity; /* Jaccard from which two texts are duplicates; 1: only equal ones */
    size_t bytes_max;  /* ceiling of memory; 0: 1 GiB. Beyond it gen_dedup_add says GEN_ELIMIT; what
                          was kept before can still be looked for */
};

struct gen_duplicate {
    bool is_duplicate;
    bool is_exact;     /* equal once normalised */
    uint64_t of;       /* the number of the text that it repeats */
    double similarity; /* 1 when it is exact */
};

GEN_MUST_USE int gen_dedup_new(struct gen_dedup **out, const struct gen_dedup_options *options,
                               struct gen_error *err);
/* Looks for `text` (valid UTF-8, else GEN_EPARSE) among those kept so far; when it is new it is
 * kept under `number`. An empty text (after normalising) is never a duplicate and not kept. */
GEN_MUST_USE int gen_dedup_add(struct gen_dedup *d, struct gen_str text, uint64_t number,
                               struct gen_duplicate *out, struct gen_error *err);
size_t gen_dedup_bytes(const struct gen_dedup *d); /* memory held */
void gen_dedup_free(struct gen_dedup *d);

#endif
