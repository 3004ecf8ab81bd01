/*
 * column_int.h - one column of a data file in one fragment: pages one after the other, and the
 * group of slots in hand.
 */
#ifndef LNC_COLUMN_INT_H
#define LNC_COLUMN_INT_H

#include "files_int.h"
#include "legacy_int.h"
#include "page_int.h"

/* Number of rows of a column whose rows are items of lists. */
#define LNC_ANY_ROWS UINT64_MAX

/* Which column, and what its values are. */
struct lnc_column_job {
    const struct lnc_column_def *def;
    const struct lnc_phys *phys; /* usually that of def */
    const struct lnc_path *path; /* 2.1+: what the values lie in; NULL for a flat column */
    struct lnc_open_file *file;  /* NULL: the column is all null in this fragment */
    uint64_t column;             /* its index in the file (2.x) */
    /* A field of a packed struct: `phys` is that of the whole struct, of which the slots in hand
     * get the bytes of the field only. NULL else. */
    const struct lnc_phys *field;
    size_t field_at;
    size_t field_index; /* of n_fields */
    size_t n_fields;
    uint64_t n_rows; /* that the pages must have together, or LNC_ANY_ROWS */
};

struct lnc_column_reader {
    const char *name; /* for messages */
    struct lnc_column_job job;
    const struct lnc_store *store;
    struct lnc_page_list pages; /* 2.x */
    struct lnc_legacy legacy;   /* 0.1 */
    struct lnc_legacy_dictionary dictionary;
    uint64_t n_pages;
    uint64_t next_page;
    struct lnc_page_reader *page;      /* the one being read */
    uint64_t page_left;                /* its rows that are not in hand yet */
    struct lnc_column_reader *letters; /* strings of the betas of 2.0: their bytes */
    struct lnc_buf text;               /* of these: the bytes of the slots in hand, and spans */
    struct lnc_buf spans;
    struct lnc_buf fields;  /* of packed structs: values of the slots in hand */
    struct lnc_slots slots; /* in hand */
    size_t taken;           /* of them */
};

/* Starts the column in a fragment. Takes the name of cx->column. Close it even on failure. */
int lnc_column_open(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                    const struct lnc_dataset *ds, const struct lnc_column_job *job);

/* Makes sure that at least one slot is in hand. Needs rows that are left in the fragment. */
int lnc_column_fill(struct lnc_ctx *cx, struct lnc_column_reader *reader);

/* Opens the next page, which page_left then counts. LNC_ECORRUPT if there is none. */
int lnc_column_next_page(struct lnc_ctx *cx, struct lnc_column_reader *reader);

/* Calls the page for its next slots, which are then in hand. */
int lnc_column_next_slots(struct lnc_ctx *cx, struct lnc_column_reader *reader, size_t n_max);

/* Sets the place of the context to the current page. */
void lnc_column_place(struct lnc_ctx *cx, const struct lnc_column_reader *reader);

/* Ends the fragment; the reader can be opened again. */
void lnc_column_close(struct lnc_column_reader *reader);

#endif
