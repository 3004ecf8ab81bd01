/*
 * The rows of an export that are written only when all are known: to be shuffled, split and put
 * into several files. Their text lies in a temporary file; memory holds 19 bytes a row and a little
 * for each source.
 */
#ifndef GEN_DATASET_ROWSET_H
#define GEN_DATASET_ROWSET_H

#include "dataset/example.h"
#include "dataset/split.h"

struct gen_rowset;

/* The temporary file lies in the folder of `near_path`. `keeps_names`: of sources, for
 * gen_rowset_top_sources. */
GEN_MUST_USE int gen_rowset_open(struct gen_rowset **out, const char *near_path, bool keeps_names,
                                 struct gen_error *err);
void gen_rowset_close(struct gen_rowset *s);

/* Adds a row: its text, the record that it is of (for its source: without one its chunk is the
 * source; without that rows with tools stay together that have the same words of the user, or the
 * same calls with the same arguments, and any other row stands for itself), and the number of its
 * shape (dataset/shapes.h). */
GEN_MUST_USE int gen_rowset_add(struct gen_rowset *s, struct gen_str text,
                                const struct gen_example *e, uint16_t shape, struct gen_error *err);
uint64_t gen_rowset_count(const struct gen_rowset *s);
uint64_t gen_rowset_source_count(const struct gen_rowset *s);
uint64_t gen_rowset_without_source(const struct gen_rowset *s); /* rows */

struct gen_rowset_order {
    bool by_row; /* else sources stay whole */
    bool shuffles;
    uint64_t seed; /* of splits and shuffling */
};
/* Decides split and place of every row; `splits` gets the sums. Rows that first show a member
 * later than loaders learn columns are moved to the front of their split; `*n_moved` counts them.
 */
GEN_MUST_USE int gen_rowset_arrange(struct gen_rowset *s, struct gen_splits *splits,
                                    const struct gen_rowset_order *order, uint64_t *n_moved,
                                    struct gen_error *err);

/* The text of row `i` (from 0) of a split, in `out` (cleared before). After gen_rowset_arrange. */
GEN_MUST_USE int gen_rowset_read(struct gen_rowset *s, size_t split, uint64_t i,
                                 struct gen_buf *out, struct gen_error *err);

struct gen_rowset_source {
    struct gen_str name; /* borrowed from the set */
    uint64_t n_rows;
};
/* The sources with the most rows, ties by name; gives their number, at most `n_max`. Of sources
 * beyond the first 4 MB of names the names are not known, and they are not listed. */
size_t gen_rowset_top_sources(const struct gen_rowset *s, struct gen_rowset_source *out,
                              size_t n_max);

#endif
