/*
 * Comparison of sets of pairs (prompting.md B.7, B.8): which rows are judged, how they are judged,
 * and who wins. The program decides by its figures; the model judges single pairs, blind to the set
 * they come from, and puts into words what the program found. Pure but for the step; nothing here
 * reads files or prints.
 */
#ifndef GEN_QA_COMPARE_H
#define GEN_QA_COMPARE_H

#include "qa/qa.h"

#define GEN_COMPARE_SETS_MAX 26
/* "A" to "Z". */
#define GEN_COMPARE_LABEL(i)  ((struct gen_str){&"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i], 1})
#define GEN_COMPARE_RESAMPLES 2000U
/* Fewer judged pairs of a set decide nothing. */
#define GEN_COMPARE_JUDGED_MIN 5U
#define GEN_COMPARE_UNPAIRED   SIZE_MAX

/* ---- drawing ---- */

/* What the draw needs to know of a row. */
struct gen_compare_row {
    uint64_t source;   /* hash; the stratum */
    uint64_t key;      /* hash of source and chunk id; of the question when the row names none */
    uint64_t question; /* hash */
    uint64_t row;      /* in its file, from 1 */
    bool has_chunk;    /* `key` is a chunk's */
    int state;         /* private to the draw */
};

struct gen_compare_rows {
    struct gen_compare_row *rows;
    size_t n;
};

struct gen_compare_draw {
    size_t set;
    uint64_t row;
    size_t pair; /* draws of one number are of the same chunk, one of each set; or UNPAIRED */
};

/*
 * Draws `n_each` rows of each set (all of a smaller one) in one seeded order over all sets. Rows of
 * chunks that all sets have are drawn together, as many as their share of the smallest such set
 * says, so that the same chunks are judged (pairing cuts the variance of the difference); both
 * parts by systematic sampling over the sources, so that each source has its share. Sorts the rows.
 * The same rows in another order of the file give the same draw. `*out` is the caller's (free).
 */
GEN_MUST_USE int gen_compare_draw(struct gen_compare_rows *sets, size_t n_sets, size_t n_each,
                                  uint64_t seed, struct gen_compare_draw **out, size_t *n_out,
                                  struct gen_error *err);

/* ---- figures and decision ---- */

struct gen_compare_rating {
    size_t set;
    size_t pair; /* as drawn */
    double rating;
};

struct gen_compare_interval {
    double low, high;
};

struct gen_compare_quality {
    size_t n;
    double mean; /* 0 when n is 0; likewise the interval */
    struct gen_compare_interval interval;
    /* Of the leader's mean less this one: [0, 0] for the leader itself. */
    struct gen_compare_interval behind;
};

/*
 * Means with percentile-bootstrap 95 % intervals (Efron and Tibshirani 1993, ch. 13). Pairs whose
 * ratings are all there are drawn together, the others within their set. Equal input and seed give
 * equal output. `*leader`: the highest mean, the first of equal ones; SIZE_MAX: nothing is judged.
 */
GEN_MUST_USE int gen_compare_bootstrap(const struct gen_compare_rating *ratings, size_t n,
                                       size_t n_sets, uint64_t seed,
                                       struct gen_compare_quality *out, size_t *leader,
                                       struct gen_error *err);

/* What is put beside each other. Shares from 0 to 1; below 0: not known. */
struct gen_compare_figures {
    const char *name;
    uint64_t n_rows;
    struct gen_compare_quality quality;
    double grounded;   /* share of the literals of answers that their chunks hold */
    double duplicates; /* share of rows whose question repeats another one, exactly or nearly */
    double diversity;  /* distinct 2-grams of questions */
    double sourced;    /* of the drawn rows, those judged with their source in view */
};

enum gen_compare_rule {
    GEN_COMPARE_NOTHING = 0, /* no figure differs by more than its margin */
    GEN_COMPARE_BY_RATING,
    GEN_COMPARE_BY_GROUNDING,
    GEN_COMPARE_BY_DUPLICATES,
    GEN_COMPARE_BY_DIVERSITY,
    GEN_COMPARE_BY_SIZE,
    GEN_N_COMPARE_RULES,
};
const char *gen_compare_rule_name(enum gen_compare_rule rule); /* "rating" */

struct gen_compare_decision {
    size_t winner;            /* SIZE_MAX: none is clearly better */
    size_t leans_to;          /* without a winner, the set that the next figure favours; SIZE_MAX */
    enum gen_compare_rule by; /* what named the winner, or the set it leans to */
    char why[900];            /* one or two sentences, with the figures */
};

/* A judge who sees the source is stricter and surer than one who does not: ratings of sets of which
 * such different shares were judged with it decide nothing. */
#define GEN_COMPARE_SOURCED_APART 0.2

/* Judged sets: the highest mean wins when its difference to every other is clear of 0; else there
 * is no winner, and the next figures say where it leans. Sets that were not judged: the first
 * figure that differs by more than its margin, in the order of the rules. */
void gen_compare_decide(const struct gen_compare_figures *sets, size_t n_sets,
                        struct gen_compare_decision *out);

/* ---- the step ---- */

/*
 * One step with three kinds of questions, told apart by the item's position: the judge of qa.h for
 * the first `n_draws` items, then a description of each set (qa_comparison_evaluation), then the
 * words for the decision (qa_comparison_selection). The source must wait for one kind to end before
 * it makes the next, whose records come from the functions below.
 */
struct gen_qa_compare_options {
    uint64_t n_draws;
    size_t n_sets;
    bool has_temperature; /* of the judge: curate.temperature */
    double temperature;
};
struct gen_qa_compare;
GEN_MUST_USE int gen_qa_compare_new(struct gen_qa_compare **out,
                                    const struct gen_step_common *common,
                                    const struct gen_qa_compare_options *options,
                                    struct gen_step *step, struct gen_error *err);
void gen_qa_compare_free(struct gen_qa_compare *c);

/* Appends the record of a question about one set: the rated records of its sample (as the judge
 * leaves them), of which at most GEN_COMPARE_SHOWN are shown, spread over all ratings. `shown` (at
 * least GEN_COMPARE_SHOWN places) gets which: sample pK in the answer is records[shown[K-1]]. */
#define GEN_COMPARE_SHOWN 40
GEN_MUST_USE int gen_qa_compare_put_set(struct gen_buf *out, const struct gen_str *records,
                                        size_t n_records, double mean, size_t *shown,
                                        size_t *n_shown, struct gen_error *err);

/* Appends the record of a question about all sets; label A is sets[order[0]], and so on. */
GEN_MUST_USE int gen_qa_compare_put_choice(struct gen_buf *out,
                                           const struct gen_compare_figures *sets,
                                           const size_t *order, size_t n_sets,
                                           struct gen_error *err);

/* The set that the answer to a choice names: an index, n_sets for a tie, SIZE_MAX for none. */
size_t gen_qa_compare_chosen(const struct gen_json *answer, const size_t *order, size_t n_sets);

/* ---- for the step's own checks and their tests ---- */

/* False when a bracket of `text` names a sample beyond p1..pN: "(p3, p41)". */
bool gen_compare_ids_exist(struct gen_str text, size_t n_samples);
/* Appends the numbers of `text`, comma-separated, that are in no line of `table` as they are, less
 * precise, or as the difference of two of one line. */
GEN_MUST_USE int gen_compare_foreign_figures(struct gen_str text, struct gen_str table,
                                             struct gen_buf *out, struct gen_error *err);

#endif
