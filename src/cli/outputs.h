/* The files a command writes: its main output, and the judge's side files. */
#ifndef GEN_CLI_OUTPUTS_H
#define GEN_CLI_OUTPUTS_H

#include "cli/steps.h"

/* A gen_sink_fn that writes records to a gen_record_writer. */
int gen_sink_to_writer(void *writer, const struct gen_item *item, struct gen_error *err);

/* <stem>_all_rated.json while the judge works; <stem>_metrics.json and <stem>_distribution.json at
 * its end. */
struct gen_rated_files {
    struct gen_record_writer *all;
    struct gen_buf all_path;
};
GEN_MUST_USE int gen_rated_files_open(struct gen_rated_files *f, const struct gen_session *s,
                                      struct gen_error *err);
int gen_rated_files_add(void *files, struct gen_str record, bool kept, struct gen_error *err);
GEN_MUST_USE int gen_rated_files_finish(struct gen_rated_files *f, const struct gen_session *s,
                                        const struct gen_qa_rate_stats *stats, int64_t n_in,
                                        struct gen_file_list *list, struct gen_error *err);
void gen_rated_files_close(struct gen_rated_files *f);

#endif
