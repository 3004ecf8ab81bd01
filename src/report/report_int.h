/* Inside of report/: the page under construction and what its rooms share. collect.c reads the
 * rows, rows.c makes one of them a row of the page, sides.c reads the files beside the dataset,
 * calls.c the ledger's runs and calls, report.c does them in their order. */
#ifndef GEN_REPORT_REPORT_INT_H
#define GEN_REPORT_REPORT_INT_H

#include "dataset/metrics.h"
#include "report/blocks.h"
#include "report/index.h"
#include "report/report.h"

#define GEN_REPORT_SOURCES_MAX  65536
#define GEN_REPORT_CHUNKS_MAX   ((uint32_t)4 << 20)
#define GEN_REPORT_SHOWN_MAX    200 /* failures, removals that are named */
#define GEN_REPORT_SIDE_BYTES   ((size_t)16 << 20)
#define GEN_REPORT_DEFAULT_PAGE ((uint64_t)256 << 20)

struct gen_report {
    const struct gen_report_options *options;
    struct gen_report_result result;
    struct gen_report_page page;
    uint64_t page_bytes_max;

    /* The small facts, one JSON object; `missing` is a list in it. */
    struct gen_jb *facts;
    struct gen_jmut *root, *missing, *sources, *malformed;

    struct gen_ledger *ledger;   /* NULL: none */
    struct gen_metrics *metrics; /* of the rows that are in the dataset */
    uint64_t n_measured;
    struct gen_jb *row; /* for one row of the page at a time */
    struct gen_report_columns columns;
    struct gen_report_blocks rows, chunks;
    struct gen_report_index source_index, chunk_index;
    /* The dataset's rows by question and answer; `mark` says that it was among the rated ones. */
    struct gen_report_index kept;
    bool is_full; /* no more texts: page_bytes_max is reached */
};

/* Appends to facts.missing: a thing by its name, and what the page has not because of it. */
void gen_report_missing(struct gen_report *r, const char *name, const char *format, ...)
    GEN_PRINTF(3, 4);
/* Puts text of the system into facts, made valid UTF-8: names of files, messages, command lines. */
void gen_report_put_text(struct gen_report *r, struct gen_jmut *o, const char *key,
                         struct gen_str text);
/* The path beside the dataset with this ending. */
GEN_MUST_USE int gen_report_side_path(const struct gen_report *r, const char *ending,
                                      struct gen_buf *out, struct gen_error *err);
bool gen_report_is_stdin(const struct gen_report *r);

/* The text of the chunk in the ledger; `*found` false also when the ledger cannot be read. */
bool gen_report_find_chunk(struct gen_report *r, struct gen_str id, struct gen_str source,
                           struct gen_ledger_chunk *out);
GEN_MUST_USE int gen_report_add_row(struct gen_report *r, const struct gen_json *record,
                                    const struct gen_metrics_view *view, uint64_t row,
                                    enum gen_report_state state, struct gen_error *err);
/* The same for a record and for the conversation that was exported from it. */
struct gen_report_key gen_report_row_key(const struct gen_json *record,
                                         const struct gen_metrics_view *view);

/* Reads the dataset and the rated rows, puts rows, chunks and columns into the page. */
GEN_MUST_USE int gen_report_collect(struct gen_report *r, struct gen_error *err);
/* facts.summary, .threshold, .failures, .removed */
GEN_MUST_USE int gen_report_read_sides(struct gen_report *r, struct gen_error *err);
/* Opens the ledger when there is one. */
GEN_MUST_USE int gen_report_open_ledger(struct gen_report *r, struct gen_error *err);
/* facts.ledger: runs, calls by state and class, calls over time */
GEN_MUST_USE int gen_report_read_calls(struct gen_report *r, struct gen_error *err);

#endif
