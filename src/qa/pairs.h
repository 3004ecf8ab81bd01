/* Pairs that a model proposes from a chunk: what plain ones and those with reasoning share. */
#ifndef GEN_QA_PAIRS_H
#define GEN_QA_PAIRS_H

#include "qa/common.h"
#include "qa/quota.h"

struct gen_qa_generate;

/* One of the two prompts of a kind of pairs: for text, and for code. */
struct gen_qa_ask {
    const char *prompt, *schema_name, *schema;
    const char *const *names; /* placeholders */
    size_t n_names;
    enum gen_task task;
    int64_t tokens_a_pair;
    double temperature;
};

/* What kind of pairs the generate step makes. */
struct gen_qa_pair_kind {
    const char *step_name;
    struct gen_qa_ask text, code;
    struct gen_qa_density density;
    const char *const *plans; /* lists of kinds, one of which is asked for */
    size_t n_plans;
    /* What is made of the pairs of an answer, of which there is at least one. */
    int (*accept)(struct gen_qa_generate *g, const struct gen_item *item,
                  const struct gen_json *pairs, const struct gen_source_text *source,
                  struct gen_outcome *o, struct gen_error *err);
};
extern const struct gen_qa_pair_kind gen_qa_plain_pairs, gen_qa_cot_pairs;

struct gen_qa_generate {
    struct gen_step_common common;
    struct gen_qa_generate_options o;
    const struct gen_qa_pair_kind *kind;
    struct gen_qa_quota quota;
    struct gen_step_prompt text, code;
};

struct gen_qa_pair {
    struct gen_str kind, question, answer;
    double grounded;
    struct gen_word_set *question_words, *answer_words; /* owned; set for kept pairs */
};

/* What was kept of an answer, and the room in which its records are made. */
struct gen_qa_tally {
    struct gen_qa_pair kept[GEN_QA_PAIRS_A_CALL_MAX];
    size_t n_kept, n_max;
    struct gen_jb *builder; /* NULL before the first record */
    struct gen_buf text;
};
struct gen_qa_tally gen_qa_tally_make(const struct gen_qa_generate *g, const struct gen_item *item);
void gen_qa_tally_release(struct gen_qa_tally *t);

/* The rule that the wording of a pair breaks, or NULL. Order matters: the first rule names the
 * removal. `answer_words_min` is the least length of an answer. */
const char *gen_qa_wording_rule(struct gen_str question, struct gen_str answer,
                                size_t question_words_max, size_t answer_words_min,
                                size_t answer_words_max);

/* Keeps a sound pair, unless it is filtered by the user's patterns, like another one of the answer,
 * or one too many: then `*rule` says which. */
GEN_MUST_USE int gen_qa_tally_keep(struct gen_qa_tally *t, struct gen_qa_generate *g,
                                   struct gen_qa_pair *p, const char **rule, struct gen_error *err);

/* A builder for one record, emptied. */
GEN_MUST_USE int gen_qa_tally_builder(struct gen_qa_tally *t, struct gen_jb **out,
                                      struct gen_error *err);
GEN_MUST_USE int gen_qa_tally_emit(struct gen_qa_tally *t, struct gen_jb *b,
                                   const struct gen_jmut *record, size_t bytes,
                                   struct gen_outcome *o, struct gen_error *err);
void gen_qa_put_view(struct gen_jb *b, struct gen_jmut *r, const char *key, struct gen_str text);

#endif
