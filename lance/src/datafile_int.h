/*
 * datafile_int.h - a 2.x data file: its tables of contents, and the pages of one column.
 */
#ifndef LNC_DATAFILE_INT_H
#define LNC_DATAFILE_INT_H

#include "lnc/lnc_source.h"
#include "util_int.h"

#define LNC_PAGE_BUFFERS_MAX 16

/* What the last bytes of a data file say. */
struct lnc_footer {
    bool is_legacy; /* 0.1 and 0.2: the other members but metadata are unset */
    uint16_t major;
    uint16_t minor;
    uint64_t metadata;  /* legacy: position of the metadata message */
    uint64_t cmo_table; /* positions of the column metadata */
    uint32_t n_columns;
};

/* Reads and checks the footer; refuses versions that are not read. */
int lnc_footer_read(struct lnc_ctx *cx, const struct lnc_source *source, struct lnc_footer *out);

enum lnc_grammar { LNC_GRAMMAR_20, LNC_GRAMMAR_21 };

/* One page; spans point into the metadata of its column. */
struct lnc_page {
    uint64_t n_rows;
    size_t n_buffers;
    uint64_t buffer_offset[LNC_PAGE_BUFFERS_MAX];
    uint64_t buffer_size[LNC_PAGE_BUFFERS_MAX];
    enum lnc_grammar grammar;
    struct lnc_span encoding; /* the message below the Any */
};

/* The pages of one column; `metadata` holds the message they are parsed from, on demand. */
struct lnc_page_list {
    struct lnc_buf metadata;
    struct lnc_buf pages; /* struct lnc_span each */
    uint64_t n_pages;
    uint64_t n_rows; /* sum over the pages */
};

/* Loads the metadata of column i of the file. On failure *out holds nothing. */
int lnc_page_list_load(struct lnc_ctx *cx, const struct lnc_source *source,
                       const struct lnc_footer *footer, uint64_t i, struct lnc_page_list *out);

/* Parses page i < n_pages. */
int lnc_page_list_get(struct lnc_ctx *cx, const struct lnc_page_list *list, uint64_t i,
                      struct lnc_page *out);

void lnc_page_list_release(struct lnc_page_list *list);

#endif
