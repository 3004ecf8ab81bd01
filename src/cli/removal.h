/*
 * Which rows of a dataset go: those known from a benchmark, and those that repeat a row that stays.
 * Shared by dedup, curate and pipeline. Rows are asked about in an order that the command chooses;
 * the answer depends on nothing but the rows so far that stay.
 */
#ifndef GEN_CLI_REMOVAL_H
#define GEN_CLI_REMOVAL_H

#include "cli/cli.h"
#include "dataset/contamination.h"
#include "dataset/dedup.h"

#include "base/counts.h"

enum gen_compared { GEN_COMPARED_QUESTION, GEN_COMPARED_ANSWER, GEN_COMPARED_PAIR };

struct gen_removal {
    struct gen_dedup *dedup;              /* NULL: repetitions stay */
    struct gen_contamination *benchmarks; /* NULL: none given */
    enum gen_compared by;
    char (*rules)[GEN_COUNT_NAME_BYTES]; /* "contaminated gsm8k.jsonl", one a benchmark file */
    const char *const *paths;            /* of these; the settings' */
    size_t n_paths;
    struct gen_buf text; /* what is compared, of a row */
    struct gen_jb *builder;
};

/* Why a row goes. */
struct gen_removed {
    const char *rule;   /* for the account, lives as long as the gen_removal; NULL: the row stays */
    const char *reason; /* "exact_duplicate", "near_duplicate", "contaminated" */
    uint64_t of;        /* the row that it repeats */
    double similarity;
    struct gen_contamination_hit hit; /* of a contaminated row; its words until the next question */
};

/* Reads the files of --decontaminate and makes the index for --similarity when `is_dedup`. Says in
 * the log what was read of each file. */
GEN_MUST_USE int gen_removal_open(struct gen_removal *r, const struct gen_settings *set,
                                  bool is_dedup, enum gen_compared by, const struct gen_log *log,
                                  struct gen_error *err);
void gen_removal_close(struct gen_removal *r);

/* Whether question, answer or reasoning are known from a benchmark. */
GEN_MUST_USE int gen_removal_contaminated(struct gen_removal *r, const struct gen_qa_view *qa,
                                          struct gen_removed *out, struct gen_error *err);
/* The text that is compared; until the next call. */
GEN_MUST_USE int gen_removal_text(struct gen_removal *r, const struct gen_qa_view *qa,
                                  struct gen_str *text, struct gen_error *err);
/* Whether `text` repeats that of an earlier row; else `row` is one from now on. */
GEN_MUST_USE int gen_removal_repeated(struct gen_removal *r, struct gen_str text, uint64_t row,
                                      struct gen_removed *out, struct gen_error *err);
/* Both, one after the other. */
GEN_MUST_USE int gen_removal_judge(struct gen_removal *r, const struct gen_qa_view *qa,
                                   uint64_t row, struct gen_removed *out, struct gen_error *err);

/* Appends the line for <stem>_removed.jsonl: {"row","reason","of","similarity" or "words",
 * "record"}. */
GEN_MUST_USE int gen_removal_line(struct gen_removal *r, const struct gen_removed *removed,
                                  uint64_t row, struct gen_str record, struct gen_buf *out,
                                  struct gen_error *err);
/* The line for a row that is no pair; `is_json` false: it goes in as text. */
GEN_MUST_USE int gen_removal_malformed_line(struct gen_removal *r, const char *why, uint64_t row,
                                            struct gen_str record, bool is_json,
                                            struct gen_buf *out, struct gen_error *err);
/* "gsm8k.jsonl:17" */
GEN_MUST_USE int gen_removal_place(const struct gen_contamination_hit *hit, struct gen_buf *out,
                                   struct gen_error *err);

/* A file of removed rows that is there only when rows were removed: commits `writer` when it has
 * rows, and else removes the file of that name that an earlier run has left. `*n_rows` is -1 when
 * there is no file. */
GEN_MUST_USE int gen_removed_file_commit(struct gen_record_writer *writer, const char *path,
                                         int64_t *n_rows, const struct gen_log *log,
                                         struct gen_error *err);

#endif
