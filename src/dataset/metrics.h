/*
 * Figures of a data set, in one pass and without a model: lengths, duplicates, diversity,
 * grounding, ratings, sources. `stats`, `compare` and `report` show the same ones; dataset/gates.h
 * says which cross a limit. Definitions after Shaib et al. 2024 (2403.00553) for compression,
 * self-repetition and self-BLEU, Li et al. 2016 (1510.03055) for distinct-n, Zhu et al. 2018
 * (1802.01886) for self-BLEU.
 *
 * Counts, lengths, ratings, openings and exact duplicates are of all rows. What is costly is
 * measured on samples drawn by a hash of the row number and the seed, so that equal input gives
 * equal figures on every machine; each figure says of how many rows it is. Words are those of
 * gen_count_words, without case. Memory has a ceiling (some 200 MB) whatever the number of rows:
 * figures that would need more become estimates, and say so.
 *
 * It does not judge, and does not read files.
 */
#ifndef GEN_DATASET_METRICS_H
#define GEN_DATASET_METRICS_H

#include "dataset/record.h"

#define GEN_METRICS_TOP        10
#define GEN_METRICS_NAME_BYTES 120
#define GEN_METRICS_CRITERIA   4
#define GEN_METRICS_SCALE      11 /* ratings and criteria, 0 to 10 */

struct gen_metrics_options {
    uint64_t seed;
    /* 0: the default in brackets. */
    size_t sample_rows;    /* distinct-n, self-repetition, compression [1,000] */
    size_t bleu_rows;      /* self-BLEU [200] */
    size_t near_rows;      /* near duplicates: all rows up to so many, else a sample [100,000] */
    size_t grounding_rows; /* rows whose source is asked for, at most [5,000] */
    size_t check_rows;     /* context references, refusals: likewise [100,000] */
    size_t compress_bytes; /* compression: of the first so many bytes of the sample [256 KiB] */
    double similarity;     /* Jaccard from which two questions are near duplicates [0.7] */
};

/* What a row was read as. */
enum gen_metrics_shape {
    GEN_SHAPE_QA = 0,            /* question, answer */
    GEN_SHAPE_COT,               /* question, reasoning, answer */
    GEN_SHAPE_MESSAGES,          /* messages: role, content (ChatML, OpenAI, Bedrock) */
    GEN_SHAPE_SHAREGPT,          /* conversations: from, value */
    GEN_SHAPE_CONTENTS,          /* contents: role, parts (Gemini) */
    GEN_SHAPE_PROMPT_COMPLETION, /* prompt, completion: texts or lists of messages */
    GEN_SHAPE_ALPACA,            /* instruction, input, output */
    GEN_SHAPE_TOOL,              /* instruction, solution */
    GEN_SHAPE_TEXT,              /* text: counted as an answer without a question */
    GEN_N_SHAPES,
};
const char *gen_metrics_shape_name(enum gen_metrics_shape shape); /* "prompt_completion" */

/* Texts of a row: of a conversation the last turn of the assistant that has a text, and the last
 * one of the user before it. Reasoning is the field of that name, that of the turn, or what stands
 * in think tags in front of the answer. Views into the record. */
struct gen_metrics_view {
    enum gen_metrics_shape shape;
    struct gen_str question, answer, reasoning;
    struct gen_str chunk_id, source; /* also out of "metadata" */
};
/* On failure returns false and says why in `why` (at least 160 bytes). */
bool gen_metrics_read(const struct gen_json *record, struct gen_metrics_view *out, char *why,
                      size_t why_bytes);

/* In words; percentiles by nearest rank, exact below 4,096, within 1 % above. All 0 when n is. */
struct gen_metrics_lengths {
    uint64_t n;
    double mean;
    uint64_t min, p5, p50, p95, max;
};

/* `hits` of `n`; share 0 when n is. */
struct gen_metrics_share {
    uint64_t n, hits;
    double share;
};

/* How often which name occurs. */
struct gen_metrics_names {
    uint64_t n;          /* rows that have one */
    uint64_t n_distinct; /* at least so many when is_partial */
    bool is_partial;     /* names beyond the first 65,536 are counted in `n` alone */
    double entropy_bits; /* Shannon entropy of the shares */
    double evenness;     /* entropy by that of equal shares: 1 all equal, 0 one name alone */
    size_t n_top;
    struct {
        char name[GEN_METRICS_NAME_BYTES]; /* cut at a character; valid UTF-8 */
        uint64_t count;
        double share;       /* of n */
    } top[GEN_METRICS_TOP]; /* the most frequent first; ties in the order of first use */
};

/* Of one kind of text, on the sample. */
struct gen_metrics_diversity {
    uint64_t n_rows;    /* of the sample that have the text */
    double distinct[3]; /* distinct n-grams by n-grams, n = 1, 2, 3; 0 without any */
    struct gen_metrics_share self_repetition; /* texts with a 4-gram that another one has */
    uint64_t n_bleu_rows;
    double self_bleu; /* mean BLEU-4 of each against all others (zero counts as 0.1); 0 below two
                         rows */
    uint64_t compress_bytes; /* compressed texts, joined with line feeds */
    double compression;      /* these by their gzip -6 bytes; 0 without any */
};

struct gen_metrics_duplicates {
    /* Rows that repeat an earlier one: same words in the same order, whatever case and punctuation.
     * Above some 3,000,000 different texts an estimate from a part of the texts: is_estimate, and n
     * is the number of rows in that part. */
    struct gen_metrics_share question, answer;
    bool is_estimate;
    /* Near duplicates of questions (dataset/dedup.h), exact ones among them. n: rows compared. A
     * sample is drawn by what questions are like, so that the other one of a pair is mostly in it
     * too (with the probability of their similarity): it underestimates by some 15 %. */
    struct gen_metrics_share near;
    bool near_is_sample;
};

struct gen_metrics_scores {
    const char *name; /* "rating", "clarity", ... a constant */
    uint64_t n;       /* rows with a number from 0 to 10 */
    uint64_t n_outside;
    double mean, min, max;
    uint64_t histogram[GEN_METRICS_SCALE]; /* rounded to whole numbers */
    double mode; /* the most frequent value (to 0.01), the lowest of several */
    double mode_share;
};

struct gen_metrics_grounding {
    uint64_t n;             /* rows measured: */
    uint64_t n_from_source; /* against the source chunk, here */
    uint64_t n_from_record; /* by their own `literal_grounding` */
    uint64_t n_literals;    /* of the rows measured here */
    double mean;            /* share of an answer's literals that its source (or question) has */
    double all_share;       /* rows with all of them */
    double low_share;       /* rows with less than half of them */
    bool is_sample;
};

/* Of tool records (formats.md §7.1). Rows are those with calls, unless said otherwise. */
struct gen_metrics_tools {
    uint64_t n_rows, n_calls;       /* rows: all tool records */
    struct gen_metrics_share valid; /* each call of a tool that is offered, its arguments pass */
    struct gen_metrics_share references; /* nothing is left of placeholders and references */
    struct gen_metrics_share executed;   /* all calls were executed, not simulated */
    struct gen_metrics_share simulated;
    struct gen_metrics_share failed;    /* of the calls that were executed */
    struct gen_metrics_share truncated; /* of the observations: they were cut by their executor */
    struct gen_metrics_lengths steps;   /* calls of a row */
    struct gen_metrics_names categories, called; /* of all tool records; of calls */
};

struct gen_metrics_malformed {
    uint64_t row; /* from 1 */
    char why[160];
};

struct gen_metrics_result {
    uint64_t seed;
    uint64_t n_rows;      /* all, also the malformed ones */
    uint64_t n_records;   /* that were measured */
    uint64_t n_malformed; /* the two make up n_rows */
    size_t n_malformed_shown;
    struct gen_metrics_malformed malformed[GEN_METRICS_TOP]; /* the first ones */
    uint64_t shapes[GEN_N_SHAPES];

    struct gen_metrics_lengths question, answer, reasoning;
    uint64_t tokens_estimated;              /* bytes of the three texts / 4 */
    struct gen_metrics_share short_answers; /* fewer than 5 words */

    struct gen_metrics_duplicates duplicates;
    uint64_t sample_rows; /* drawn */
    struct gen_metrics_diversity question_diversity, answer_diversity;
    struct gen_metrics_names openings;       /* first two words of questions, lower case */
    struct gen_metrics_names question_types; /* first word: "how", "what", "explain" */

    struct gen_metrics_share context_references; /* questions: "the passage says" */
    struct gen_metrics_share refusals;           /* answers: "the text does not say" */
    bool checks_are_sample;
    struct gen_metrics_grounding grounding;

    struct gen_metrics_scores rating;
    struct gen_metrics_scores criteria[GEN_METRICS_CRITERIA]; /* clarity, accuracy, usefulness,
                                                                 difficulty; n = 0: none */
    struct gen_metrics_share topic_relevant;                  /* rows that say so, true */
    uint64_t n_correlated;                                    /* rows with a rating and an answer */
    double rating_length_correlation; /* Pearson, of rating and words of the answer; 0 when one of
                                         them is constant */

    struct gen_metrics_names sources, topics, kinds; /* fields source, topic, kind (or
                                                        question_type, else category) */
    struct gen_metrics_tools tools;
    uint64_t n_with_chunk; /* rows with a chunk_id */
    uint64_t n_chunks;     /* different ones (with their source) */
    bool n_chunks_is_estimate;
    double rows_per_chunk;
};

struct gen_metrics;

/* `options` may be NULL: all defaults. GEN_ENOMEM. */
GEN_MUST_USE int gen_metrics_new(struct gen_metrics **out,
                                 const struct gen_metrics_options *options, struct gen_error *err);
void gen_metrics_free(struct gen_metrics *m); /* NULL is fine */

/* Whether the text of this row's source would be used: looking it up for others is for nothing. */
bool gen_metrics_wants_source(const struct gen_metrics *m, uint64_t row);
/* A row, numbered from 1, each number once. `source` is the text of its chunk, empty when it is not
 * known or not wanted. A record that cannot be read counts as malformed. GEN_ENOMEM. */
GEN_MUST_USE int gen_metrics_add(struct gen_metrics *m, uint64_t row, const struct gen_json *record,
                                 struct gen_str source, struct gen_error *err);
/* A row that is no record. */
void gen_metrics_add_malformed(struct gen_metrics *m, uint64_t row, const char *why);
/* Computes what is left to compute, once; nothing can be added afterwards. The result is `m`'s.
 * GEN_ENOMEM. */
GEN_MUST_USE int gen_metrics_finish(struct gen_metrics *m, const struct gen_metrics_result **out,
                                    struct gen_error *err);

/* Diversity depends on the amount of text. Two sets are compared at equal size: after finish, the
 * same figures of the first `n_rows` rows of the sample (an equally random one) and their first
 * `compress_bytes` bytes, e.g. the smaller of both sets' n_rows and compress_bytes. GEN_ENOMEM. */
enum gen_metrics_text { GEN_METRICS_QUESTION, GEN_METRICS_ANSWER };
GEN_MUST_USE int gen_metrics_diversity_of(const struct gen_metrics *m, enum gen_metrics_text text,
                                          size_t n_rows, size_t compress_bytes,
                                          struct gen_metrics_diversity *out, struct gen_error *err);

/*
 * The result as a JSON value in `b`; the keys are always there, figures without rows are null:
 *
 * {"rows", "records", "malformed": {"count", "first": [{"row", "why"}]}, "seed", "read_as": {shape:
 *  count}, "lengths": {"question"|"answer"|"reasoning": {"n", "mean", "min", "p5", "p50", "p95",
 *  "max"}, "short_answers": SHARE, "tokens_estimated"}, "duplicates": {"exact_question": SHARE,
 *  "exact_answer": SHARE, "is_estimate", "near_question": SHARE, "near_is_sample"}, "diversity":
 *  {"sample_rows", "question"|"answer": {"n", "distinct_1", "distinct_2", "distinct_3",
 *  "self_repetition", "self_bleu", "self_bleu_rows", "compression_ratio", "compression_bytes"},
 *  "openings": NAMES, "question_types": NAMES}, "grounding": {"n", "n_from_source",
 *  "n_from_record", "literals", "mean", "all", "below_half", "is_sample", "context_references":
 *  SHARE, "refusals": SHARE, "checks_are_sample"}, "ratings": {"rating"|"clarity"|"accuracy"|
 *  "usefulness"|"difficulty": {"n", "outside", "mean", "min", "max", "histogram": [11], "mode",
 *  "mode_share"}, "topic_relevant": SHARE, "length_correlation"}, "sources": {"sources": NAMES,
 *  "topics": NAMES, "kinds": NAMES, "rows_with_chunk", "chunks", "chunks_is_estimate",
 *  "rows_per_chunk"}, "tools": null without tool records, else {"rows", "calls", "valid": SHARE,
 *  "references": SHARE, "executed": SHARE, "simulated": SHARE, "failed_calls": SHARE,
 *  "truncated_observations": SHARE, "steps": {as lengths}, "categories": NAMES, "called": NAMES}}
 * SHARE: {"n", "hits", "share"}. NAMES: {"n", "distinct", "is_partial", "entropy_bits", "evenness",
 * "top": [{"name", "count", "share"}]}.
 */
struct gen_jmut *gen_metrics_write(const struct gen_metrics_result *r, struct gen_jb *b);

#endif
