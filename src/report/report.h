/*
 * One page about a dataset, for people: plots, what the figures say, and a table of all rows with
 * their source chunks. The page is one HTML file that asks nobody for anything: its program comes
 * from web/report/ at build time (report/page.h), its data stand in it compressed.
 *
 * The rows are the dataset's and, where <stem>_all_rated.json is there, those that the judge
 * dropped. What else is said comes from the files beside the dataset and from the ledger. What is
 * missing or cannot be read is left out, and the page says so: nothing fails because of it.
 *
 * Memory: rows are streamed. What grows are numbers of the distinct chunks and sources, and, when
 * there are rated rows to compare it with, of the dataset's rows: some 50 to 100 bytes each. The
 * metrics have their own ceiling (dataset/metrics.h).
 */
#ifndef GEN_REPORT_REPORT_H
#define GEN_REPORT_REPORT_H

#include "base/log.h"
#include "ledger/ledger.h"

struct gen_report_options {
    const char *dataset; /* "-": standard input, which has no files beside it */
    const char *output;  /* "-": standard output */
    /* NULL: the one beside the dataset (dataset/beside.h), when it is there. */
    const char *ledger_path;
    const struct gen_ledger_driver *ledger;
    const struct gen_log *log; /* rows that are no records; may be NULL */
    /* Texts of rows and chunks are put into the page up to so many bytes of the page, because
     * browsers do not open files without end; the plots are of all rows whatever it is. 0: 256 MB.
     */
    uint64_t page_bytes_max;
};

struct gen_report_result {
    uint64_t n_rows;       /* of the dataset, records or not */
    uint64_t n_malformed;  /* that are no records */
    uint64_t n_dropped;    /* rows of <stem>_all_rated.json that the dataset has not */
    uint64_t n_rows_shown; /* rows with their texts in the page's table */
    uint64_t n_chunks;     /* source chunks with their texts */
    uint64_t n_missing;    /* things that the page says it could not find */
    uint64_t n_crossed;    /* gates */
    uint64_t page_bytes;
};

/* Whether this program was built with the page (cmake -DGEN_REPORT=ON). */
bool gen_report_is_built(void);

/* Writes the page. GEN_ESTATE when it was not built in; GEN_EUSAGE when `output` is the dataset;
 * GEN_EINPUT and GEN_EPARSE for a dataset
 * that cannot be read or has no record at all, or a ledger_path that cannot be opened; GEN_EIO.
 * Loop thread. */
GEN_MUST_USE int gen_report_write(const struct gen_report_options *options,
                                  struct gen_report_result *result, struct gen_error *err);

#endif
