/*
 * column_int.h - one projected column in one fragment: pages one after the other, and the group of
 * slots in hand.
 */
#ifndef LNC_COLUMN_INT_H
#define LNC_COLUMN_INT_H

#include "dataset_int.h"
#include "legacy_int.h"
#include "page_int.h"

/* A data file of the current fragment, opened when its first column needs it. */
struct lnc_open_file {
    const struct lnc_data_file *entry;
    char *path;
    struct lnc_source source;
    struct lnc_footer footer;
    bool is_open;
};

struct lnc_column_reader {
    const struct lnc_column_def *def;
    struct lnc_open_file *file; /* NULL: the column is all null in this fragment */
    struct lnc_page_list pages; /* 2.x */
    struct lnc_legacy legacy;   /* 0.1 */
    struct lnc_legacy_dictionary dictionary;
    uint64_t n_pages;
    uint64_t next_page;
    struct lnc_page_reader *page; /* the one being read */
    uint64_t page_left;           /* its rows that are not in hand yet */
    struct lnc_slots slots;       /* in hand */
    size_t taken;                 /* of them */
};

/* Starts the column in a fragment of n_rows; `file` is NULL where no data file holds it, else open.
 * `column` is its index in the file (2.x). */
int lnc_column_open(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                    const struct lnc_dataset *ds, const struct lnc_column_def *def,
                    struct lnc_open_file *file, uint64_t column, uint64_t n_rows);

/* Makes sure that at least one slot is in hand. Needs rows that are left in the fragment. */
int lnc_column_fill(struct lnc_ctx *cx, struct lnc_column_reader *reader);

/* Ends the fragment; the reader can be opened again. */
void lnc_column_close(struct lnc_column_reader *reader);

#endif
