/*
 * The question-answer steps: generate (instruction backtranslation, arXiv:2308.06259; with
 * reasoning, arXiv:2508.01309), enrich (response rewriting, arXiv:2408.04614), enhance (reasoning
 * for existing pairs: STaR's forward route first, arXiv:2203.14465), and rate (a judge with the
 * source in view, whose yes/no answers the program counts). Prompts and schemas follow prompting.md
 * B.1 to B.6.
 */
#ifndef GEN_QA_QA_H
#define GEN_QA_QA_H

#include "base/log.h"
#include "dataset/filters.h"
#include "step/prompt.h"
#include "step/rating.h"

/* --min-grounding. Not given: pairs with two literals or more of which less than half are in the
 * source are unfit. Given: those with any literals of which a smaller share is. */
struct gen_qa_grounding {
    bool is_given;
    double min;
};

struct gen_qa_generate_options {
    bool with_reasoning;  /* questions that need two facts, with the steps to the answer */
    int64_t n_pairs;      /* fixed number asked of each chunk; 0: by its length */
    int64_t target_pairs; /* exact total wanted; 0: none */
    uint64_t n_chunks;    /* of the corpus; needed with target_pairs */
    bool has_temperature; /* of the configuration, generation.temperature */
    double temperature;
    size_t min_chunk_chars; /* shorter chunks are skipped */
    struct gen_qa_grounding grounding;
    struct gen_filters *skip_question, *skip_source; /* borrowed; NULL: none */
    const struct gen_log *log; /* borrowed; NULL: none. Told of patterns that gave up */
};

struct gen_qa_generate;
/* Fills `step` with functions over `*out`. */
GEN_MUST_USE int gen_qa_generate_new(struct gen_qa_generate **out,
                                     const struct gen_step_common *common,
                                     const struct gen_qa_generate_options *options,
                                     struct gen_step *step, struct gen_error *err);
void gen_qa_generate_free(struct gen_qa_generate *g);
/* Pairs still missing to the target; 0 without one. */
int64_t gen_qa_generate_missing(const struct gen_qa_generate *g);
/* Begins a further pass over the corpus (--target-pairs was not reached): other kinds, only as many
 * as are missing. */
void gen_qa_generate_next_round(struct gen_qa_generate *g);

struct gen_qa_enrich_options {
    bool has_temperature;
    double temperature; /* of the configuration, enrich.temperature */
    bool preserve_original;
    size_t batch_size;
};
struct gen_qa_enrich;
GEN_MUST_USE int gen_qa_enrich_new(struct gen_qa_enrich **out, const struct gen_step_common *common,
                                   const struct gen_qa_enrich_options *options,
                                   struct gen_step *step, struct gen_error *err);
void gen_qa_enrich_free(struct gen_qa_enrich *e);

/* Reasoning for pairs that have none. Forward first: the model sees source and question only, and
 * its steps are used when it ends where the stored answer is; else it is shown the answer and asked
 * for the steps to it; a pair that it still contradicts fails (prompting.md B.6). Records that
 * already have reasoning go on as they are ("already_has_reasoning"). */
struct gen_qa_enhance_options {
    bool has_temperature;
    double temperature; /* of the configuration, cot.temperature */
    size_t batch_size;
    /* Keep what a thinking model returns beside its answer; one pair a call, the answer is never
     * shown. Records are taken whether they have reasoning or not. */
    bool native;
};
struct gen_qa_enhance;
GEN_MUST_USE int gen_qa_enhance_new(struct gen_qa_enhance **out,
                                    const struct gen_step_common *common,
                                    const struct gen_qa_enhance_options *options,
                                    struct gen_step *step, struct gen_error *err);
void gen_qa_enhance_free(struct gen_qa_enhance *e);

struct gen_qa_rate_options {
    bool has_temperature;
    double temperature; /* curate.temperature */
    double threshold;
    size_t batch_size;
    bool topic_only; /* generate --topic: drop what is off the topic, leave records as they are */
    bool drop_context_references;      /* questions that point at a text are not paid for */
    struct gen_qa_grounding grounding; /* given: unfit records are not paid for */
    struct gen_filters *skip_question, *skip_source; /* as in gen_qa_generate_options */
    const struct gen_log *log;
    gen_rated_fn *on_rated; /* NULL: not wanted */
    void *on_rated_ud;
};
struct gen_qa_rate;
GEN_MUST_USE int gen_qa_rate_new(struct gen_qa_rate **out, const struct gen_step_common *common,
                                 const struct gen_qa_rate_options *options, struct gen_step *step,
                                 struct gen_error *err);
void gen_qa_rate_free(struct gen_qa_rate *r);
const struct gen_rating_stats *gen_qa_rate_stats(const struct gen_qa_rate *r);

#endif
