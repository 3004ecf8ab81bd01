/* Records to rows of training data, with their account: the last stage of pipeline, and the whole
 * of export. */
#ifndef GEN_CLI_EXPORTER_H
#define GEN_CLI_EXPORTER_H

#include "cli/outputs.h"

struct gen_exporter {
    const struct gen_export_format *format;
    struct gen_export_options options;
    struct gen_record_writer *writer;
    struct gen_buf row;
    struct gen_stage_account account;
    const struct gen_log *log;
};

/* Opens the output in the format of --format. */
GEN_MUST_USE int gen_exporter_open(struct gen_exporter *x, const struct gen_app *app,
                                   const char *path, const struct gen_log *log,
                                   struct gen_error *err);
/* Writes one record, or counts why not. `row` is its number for messages. */
GEN_MUST_USE int gen_exporter_add(struct gen_exporter *x, struct gen_str record, uint64_t row,
                                  struct gen_error *err);
void gen_exporter_close(struct gen_exporter *x);

#endif
