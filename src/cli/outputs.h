/* The files a command writes: its main output, and the judge's side files. */
#ifndef GEN_CLI_OUTPUTS_H
#define GEN_CLI_OUTPUTS_H

#include "cli/removal.h"
#include "cli/steps.h"

/* A gen_sink_fn that writes records to a gen_record_writer. */
int gen_sink_to_writer(void *writer, const struct gen_item *item, struct gen_error *err);

/* <stem>_all_rated.json while the judge works; <stem>_metrics.json and <stem>_distribution.json at
 * its end. With --dedup or --decontaminate also what the judge would keep is removed: of pairs that
 * repeat one another the first of those that stay, in input order, and those known from a
 * benchmark. Removed pairs stay in _all_rated.json with "duplicate_of", the row in that file which
 * they repeat, or "contaminated_by", and have a line in <stem>_removed.jsonl, whose rows are
 * counted the same way. All of it is made again from the stream when a run is resumed. */
struct gen_rated_files {
    struct gen_record_writer *all;
    struct gen_buf all_path;
    bool removes;
    struct gen_removal removal;
    struct gen_record_writer *removed;
    struct gen_buf removed_path, line;
    int64_t n_exact, n_near, n_contaminated;
    /* Adds members to <stem>_metrics.json; NULL: nothing. Set after opening. */
    void (*put_metrics)(void *ud, struct gen_jb *b, struct gen_jmut *metrics);
    void *put_metrics_ud;
};
/* What opening would refuse, for a dry run: reads the benchmarks, writes nothing. */
GEN_MUST_USE int gen_rated_files_check(const struct gen_session *s, struct gen_error *err);
GEN_MUST_USE int gen_rated_files_open(struct gen_rated_files *f, const struct gen_session *s,
                                      struct gen_error *err);
/* A gen_rated_fn; `files` is a struct gen_rated_files. */
int gen_rated_files_add(void *files, struct gen_str record, const char **rule,
                        struct gen_error *err);
GEN_MUST_USE int gen_rated_files_finish(struct gen_rated_files *f, const struct gen_session *s,
                                        const struct gen_rating_stats *stats, int64_t n_in,
                                        struct gen_file_list *list, struct gen_error *err);
void gen_rated_files_close(struct gen_rated_files *f);

#endif
