/*
 * Splits of a dataset: their names and shares, and which rows go where. A source is never divided:
 * a validation question whose document was trained on measures memory. The same rows, shares and
 * seed give the same splits on every machine.
 */
#ifndef GEN_DATASET_SPLIT_H
#define GEN_DATASET_SPLIT_H

#include "base/buf.h"

#include <stdbool.h>

#define GEN_SPLITS_MAX       8
#define GEN_SPLIT_NAME_BYTES 48

struct gen_split {
    char name[GEN_SPLIT_NAME_BYTES];
    double share;
    uint64_t n_rows; /* once assigned */
    uint64_t n_sources;
};

struct gen_splits {
    size_t n;
    struct gen_split rows[GEN_SPLITS_MAX];
};

/* "train=0.95,validation=0.05". Names are of letters, digits and _, each once; the shares are above
 * 0 and sum to 1 within 1e-6. GEN_EUSAGE. */
GEN_MUST_USE int gen_splits_parse(struct gen_splits *out, const char *text, struct gen_error *err);
/* One split of all rows: "train". */
struct gen_splits gen_splits_whole(void);
/* Whether `datasets` and the trainers look for a split of this name: train, validation, test. */
bool gen_split_is_usual(const char *name);

struct gen_split_source {
    uint64_t key; /* of its name; orders the sources */
    uint64_t n_rows;
    uint32_t split; /* given */
};
/* Gives each source a split, as near to the shares as whole sources allow, in an order that only
 * keys and seed decide; sums go to `splits`. GEN_EINPUT when there are fewer sources than splits.
 */
GEN_MUST_USE int gen_splits_assign(struct gen_splits *splits, struct gen_split_source *sources,
                                   size_t n, uint64_t seed, struct gen_error *err);
/* The same for rows on their own: `split_of` gets the split of each of the `n`; the shares come out
 * exact. */
GEN_MUST_USE int gen_splits_assign_rows(struct gen_splits *splits, uint8_t *split_of, uint64_t n,
                                        uint64_t seed, struct gen_error *err);

#endif
