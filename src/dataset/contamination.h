/*
 * Contamination: texts of training data that are known from a benchmark, so that a model trained on
 * them would be measured on what it has seen. Every string of a benchmark's rows, nested ones too,
 * is cut into words (dataset/duplicates/word_list.h); a text is contaminated when it has 13 words
 * in a row in common with one of them (the n-gram of GPT-3, arXiv:2005.14165 app. C, and of
 * lm-evaluation- harness). Shorter texts of a benchmark match as a whole: those of 8 to 12 words
 * anywhere in a text; those of 3 to 7 words only when they are the whole of a question, because a
 * short answer or the name of a subject is everyone's; still shorter ones not at all. A Chinese or
 * Japanese character is a word, so that 13 characters in a row are enough there.
 *
 * The index has a 64-bit hash and a row number for each distinct n-gram, 16 to 32 bytes, up to
 * GEN_CONTAMINATION_BYTES_MAX (some 80 million words). Hashes are not verified: a text with n words
 * is wrongly said to be contaminated by an index of m n-grams with a probability of n * m / 2^64
 * (1e-4 for a million texts of 200 words against ten million n-grams).
 */
#ifndef GEN_DATASET_CONTAMINATION_H
#define GEN_DATASET_CONTAMINATION_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define GEN_CONTAMINATION_WORDS     13U
#define GEN_CONTAMINATION_BYTES_MAX ((size_t)2 << 30)

struct gen_contamination;

GEN_MUST_USE int gen_contamination_new(struct gen_contamination **out, struct gen_error *err);

struct gen_benchmark_stats {
    uint64_t n_rows, n_malformed; /* rows that are no JSON */
    uint64_t n_texts;             /* strings that can be matched */
};
/* Reads a benchmark: a ".txt" file has a text a line; anything else is JSON Lines, or JSON, whose
 * rows are the elements of its array, or one object as a whole. GEN_EINPUT: no such file, a folder,
 * nothing in it that could be matched, a table format (Parquet, Arrow, CSV). */
GEN_MUST_USE int gen_contamination_add_file(struct gen_contamination *c, const char *path,
                                            struct gen_benchmark_stats *stats,
                                            struct gen_error *err);

struct gen_contamination_hit {
    bool is_hit;
    const char *path;     /* of the benchmark file, as it was given; lives as long as the index */
    uint64_t row;         /* in it, from 1 */
    struct gen_str words; /* those in common, as in `text` (normalised when it is not ASCII);
                             until the next call, and as long as `text` */
};
/* The first n-gram of `text` that a benchmark has. `is_question`: short texts match as a whole. */
GEN_MUST_USE int gen_contamination_find(struct gen_contamination *c, struct gen_str text,
                                        bool is_question, struct gen_contamination_hit *out,
                                        struct gen_error *err);

size_t gen_contamination_bytes(const struct gen_contamination *c); /* memory held */
void gen_contamination_free(struct gen_contamination *c);

#endif
