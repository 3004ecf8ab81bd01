/*
 * legacy_int.h - data files of storage version 0.1 (footers 0.1 and 0.2), the default until October
 * 2024.
 *
 * A file is a sequence of batches; each column has one place in each batch. See lance-format.md
 * section 7.
 */
#ifndef LNC_LEGACY_INT_H
#define LNC_LEGACY_INT_H

#include "manifest_int.h"
#include "page_int.h"

/* One column of a legacy file. */
struct lnc_legacy {
    struct lnc_buf batch_offsets; /* uint64_t: first row of each batch, and the number of rows */
    uint64_t n_batches;
    uint64_t page_table; /* in the file: first entry of this column */
};

/* Number of rows of the file. */
int lnc_legacy_count(struct lnc_ctx *cx, const struct lnc_source *source,
                     const struct lnc_footer *footer, uint64_t *out);

/* Finds the column of field `id` in the file. On failure *out holds nothing. */
int lnc_legacy_load(struct lnc_ctx *cx, const struct lnc_source *source,
                    const struct lnc_footer *footer, const struct lnc_data_file *file, int32_t id,
                    struct lnc_legacy *out);

/* Rows of batch i. */
uint64_t lnc_legacy_rows(const struct lnc_legacy *legacy, uint64_t i);

/* Values of a dictionary column; they stand in the manifest file. */
struct lnc_legacy_dictionary {
    struct lnc_buf bytes;
    struct lnc_buf spans; /* of strings */
    uint64_t n_items;
};

/* Which batch of a column, and what its values are. */
struct lnc_legacy_job {
    const struct lnc_source *source;
    const struct lnc_legacy *legacy;
    uint64_t batch;
    const struct lnc_phys *phys;
    bool nullable;
    bool is_large; /* of phys->is_lengths: offsets of 64 bits */
    bool any_rows; /* items of lists: their number is what the page table says */
    const struct lnc_legacy_dictionary *dictionary; /* for columns of type dict:, else NULL */
};

/* Opens a batch of the column as a page of *n_rows. */
int lnc_legacy_open(struct lnc_ctx *cx, const struct lnc_legacy_job *job, uint64_t *n_rows,
                    struct lnc_page_reader **out);

/* Reads the dictionary of a field from the manifest file. On failure *out holds nothing. */
int lnc_legacy_dictionary_load(struct lnc_ctx *cx, const struct lnc_source *manifest,
                               const struct lnc_field *field, const struct lnc_phys *phys,
                               struct lnc_legacy_dictionary *out);

void lnc_legacy_dictionary_release(struct lnc_legacy_dictionary *dictionary);
void lnc_legacy_release(struct lnc_legacy *legacy);

#endif
