/*
 * Records to training data, with their account: the last stage of pipeline, and the whole of
 * export. Each row passes the rules of those who read the format before it is written; one that
 * does not is left out, counted under the rule and named.
 *
 * Rows stream into one file, unless --shuffle, --split, --shards or --card need all of them first:
 * then they wait in a temporary file.
 */
#ifndef GEN_CLI_EXPORTER_H
#define GEN_CLI_EXPORTER_H

#include "cli/outputs.h"
#include "dataset/consumer.h"
#include "dataset/folder.h"
#include "dataset/shapes.h"

#define GEN_EXPORT_CHECKS_MAX 6

/* What the command line asks of an export. */
struct gen_export_request {
    const struct gen_export_format *format;
    struct gen_export_options options;
    struct gen_splits splits;
    struct gen_rowset_order order;
    uint64_t n_shards;
    bool is_folder;
    bool has_card;
    const char *license;
};

struct gen_exporter {
    struct gen_export_request request;
    const char *path;
    const struct gen_log *log;
    struct gen_stage_account account;
    struct gen_example example;
    struct gen_buf row;
    struct gen_json_doc *doc; /* of the row */
    struct gen_file_check *checks[GEN_EXPORT_CHECKS_MAX];
    size_t n_checks;
    struct gen_refusal finding;    /* the first error of the row being checked */
    struct gen_refusal file_fault; /* the first error of the file as a whole */
    struct gen_counts warned;      /* of the file, by rule */
    struct gen_shapes *shapes;
    unsigned seen_shapes; /* of formats whose members are known */
    uint64_t n_bytes, n_reasoning;
    uint64_t n_tool_rows;
    bool has_system; /* a column or message of it */
    bool has_tools;  /* a column of them */
    bool is_done;
    struct gen_record_writer *writer;  /* of one file */
    struct gen_dataset_folder *folder; /* or of a folder */
    struct gen_rowset *rows;           /* what waits for its place; NULL: rows stream */
};

/* Reads the options and opens the output. */
GEN_MUST_USE int gen_exporter_open(struct gen_exporter *x, const struct gen_app *app,
                                   const char *path, const struct gen_log *log,
                                   struct gen_error *err);
/* Takes one record, or counts why not. `row` is its number for messages. */
GEN_MUST_USE int gen_exporter_add(struct gen_exporter *x, const struct gen_json *record,
                                  uint64_t row, struct gen_error *err);
GEN_MUST_USE int gen_exporter_add_text(struct gen_exporter *x, struct gen_str record, uint64_t row,
                                       struct gen_error *err);
/* Counts a row that is no record. */
void gen_exporter_leave_out(struct gen_exporter *x, uint64_t row, const char *why);
/* What is known of how the records were made, for the card; each may be NULL. */
struct gen_export_origin {
    const struct gen_json *summary; /* <stem>_summary.json of the input */
    const struct gen_json *metrics; /* <stem>_metrics.json */
};
/* Checks the file as a whole, and gives the output its name. */
GEN_MUST_USE int gen_exporter_commit(struct gen_exporter *x, const struct gen_export_origin *origin,
                                     struct gen_error *err);
/* Appends "950 rows of chatml in dataset: train 903 (95.1 %), validation 47 (4.9 %)". */
GEN_MUST_USE int gen_exporter_tell(const struct gen_exporter *x, struct gen_buf *out,
                                   struct gen_error *err);
void gen_exporter_close(struct gen_exporter *x);

/* In export_run.c, for runs of model calls that end in an export. A gen_sink_fn: `exporter` is a
 * struct gen_exporter. */
int gen_sink_to_exporter(void *exporter, const struct gen_item *item, struct gen_error *err);
/* Gives the rows their name and lists them, when the run is complete; else leaves what was there.
 */
GEN_MUST_USE int gen_exporter_commit_run(struct gen_exporter *x, const struct gen_session *s,
                                         struct gen_file_list *files, struct gen_error *err);

/* In export_request.c. GEN_EUSAGE when the options do not fit each other, the format or the path;
 * what is merely odd is logged. */
GEN_MUST_USE int gen_export_request_read(struct gen_export_request *r, const struct gen_app *app,
                                         const char *path, const struct gen_log *log,
                                         struct gen_error *err);

#endif
