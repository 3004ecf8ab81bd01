/* The rooms of the compare command: its sets, its report, its table. Private to cmd_compare.c and
 * compare_*.c. */
#ifndef GEN_CLI_COMPARE_H
#define GEN_CLI_COMPARE_H

#include "cli/session.h"
#include "dataset/metrics.h"
#include "qa/compare.h"

struct gen_compare_set {
    const char *path;
    char *name;       /* the shortest end of the path that no other set has */
    char in_text[64]; /* the end of the name, as sentences show it */
    struct gen_metrics *metrics;
    const struct gen_metrics_result *figures;
    struct gen_metrics_diversity questions; /* at the size of the smallest set */
    struct gen_compare_rows index;          /* of the rows that can be judged */
    size_t index_capacity;
    struct gen_ledger *ledger; /* that knows its chunks; NULL */
    size_t n_drawn, n_without_source;
    char *description;               /* the model's, as the step gives it; NULL */
    size_t shown[GEN_COMPARE_SHOWN]; /* pK of the description -> index in picks */
    size_t n_shown;
};

/* A drawn row. */
struct gen_compare_pick {
    struct gen_compare_draw draw;
    char *record; /* question, answer, chunk_id, source: what the judge sees */
    struct gen_chunk *chunk;
    char *rated; /* the record with its verdict; NULL: none (yet) */
};

struct gen_compare_merge {
    bool is_known; /* false: too large to be deduplicated here */
    size_t base;   /* the set that the others are added to */
    uint64_t n_rows, n_all;
    uint64_t n_kept[GEN_COMPARE_SETS_MAX];
    uint64_t n_exact, n_near;               /* rows left out */
    uint64_t n_chunks_more, n_sources_more; /* that only other sets than the base have */
    double expected_mean;                   /* below 0: not known */
    bool is_suggested;
    char why[400];
};

struct gen_comparison {
    const struct gen_app *app;
    const struct gen_log *log;
    struct gen_ledger *corpus; /* with the chunks of --corpus; borrowed; NULL */
    struct gen_compare_set sets[GEN_COMPARE_SETS_MAX];
    size_t n_sets;
    uint64_t seed;
    size_t sample_size;
    struct gen_compare_pick *picks;
    size_t n_picks;
    struct gen_compare_figures table[GEN_COMPARE_SETS_MAX];
    size_t leader; /* by the mean; SIZE_MAX: nothing is judged */
    struct gen_compare_decision decision;
    size_t orders[2][GEN_COMPARE_SETS_MAX]; /* of the labels in the two choices */
    char *choices[2];                       /* the model's; NULL */
    struct gen_compare_merge merge;
    const char *end; /* "done", "budget" */
};

/* compare_sets.c */
/* Names the sets and checks that each can be opened. */
GEN_MUST_USE int gen_compare_sets_init(struct gen_comparison *c, const struct gen_app *app,
                                       struct gen_error *err);
/* Reads them: figures and index. Ledgers of chunks are opened on the way. */
GEN_MUST_USE int gen_compare_sets_read(struct gen_comparison *c, struct gen_error *err);
/* Draws the sample and fetches its rows. */
GEN_MUST_USE int gen_compare_sets_draw(struct gen_comparison *c, struct gen_error *err);
/* Fills `table` and `leader` from the figures and the verdicts there are. */
GEN_MUST_USE int gen_compare_sets_weigh(struct gen_comparison *c, struct gen_error *err);
void gen_compare_sets_release(struct gen_comparison *c);

/* Hands out the rows of a set one by one, from the first on. */
typedef int gen_compare_row_fn(struct gen_comparison *c, size_t set,
                               const struct gen_record_row *row, void *ud, bool *stop,
                               struct gen_error *err);
GEN_MUST_USE int gen_compare_walk(struct gen_comparison *c, size_t set, gen_compare_row_fn *fn,
                                  void *ud, struct gen_error *err);

/* compare_merge.c */
#define GEN_COMPARE_SIMILARITY 0.7 /* the default of dedup */
/* Fills `merge`; after the decision. */
GEN_MUST_USE int gen_compare_sets_merge(struct gen_comparison *c, struct gen_error *err);

/* compare_report.c */
/* Writes the report to -o. */
GEN_MUST_USE int gen_compare_write_report(const struct gen_comparison *c, const char *path,
                                          struct gen_error *err);
/* What the model's two choices come to: a set, n_sets for a tie, SIZE_MAX without an answer.
 * `*consistent` false when they differ or one is missing. */
size_t gen_compare_model_choice(const struct gen_comparison *c, bool *consistent);

/* compare_text.c */
/* Appends the table, the decision and the suggestion. */
GEN_MUST_USE int gen_compare_put_text(const struct gen_comparison *c, struct gen_buf *out,
                                      struct gen_error *err);

#endif
