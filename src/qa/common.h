/* What the steps of this folder share. */
#ifndef GEN_QA_COMMON_H
#define GEN_QA_COMMON_H

#include "dataset/checks.h"
#include "dataset/record.h"
#include "qa/qa.h"

/* A prompt with its schema, ready to be asked. */
struct gen_qa_prompt {
    const struct gen_prompt *prompt;
    struct gen_json_doc *schema_doc;
    struct gen_schema *schema;
    struct gen_buf system_json, wire_schema;
    struct gen_llm_stable stable;
};

/* The first of `names` must occur in the prompt, the others may.
 * Temperature: the command line's, else the step's own key of the configuration (`has_own`), else
 * llm.temperature, else `own_temperature`, the step's default. GEN_EUSAGE when the prompt is
 * missing, does not have the first of `names`, or has placeholders other than `names`. */
GEN_MUST_USE int gen_qa_prompt_init(struct gen_qa_prompt *p, const struct gen_qa_common *common,
                                    const char *prompt_name, const char *schema_name,
                                    const char *schema_text, bool has_own, double own_temperature,
                                    const char *const *names, size_t n_names,
                                    struct gen_error *err);
void gen_qa_prompt_release(struct gen_qa_prompt *p);

/* Eight hex digits that mark a chunk's fence lines, so that the chunk cannot contain them. */
void gen_qa_fence(struct gen_str text, char out[9]);

/* Copy of `text` in the arena in which special tokens of chat templates ("<|im_end|>", "[INST]",
 * "</s>") and our own marks ("=== end of source", "[p1]") are split by a zero-width space: inside a
 * prompt they would end the message. The view is `text` itself when it has none. */
struct gen_str gen_qa_defuse(struct gen_arena *arena, struct gen_str text);

/* True when the model copied a token that gen_qa_defuse split: with the invisible character in it,
 * the text is no training data. */
bool gen_qa_has_defused(struct gen_str text);

/* gen_check_quote; but a whole line of code is a quotation however short it is. */
GEN_MUST_USE int gen_qa_check_evidence(const struct gen_source_text *source,
                                       const struct gen_chunk *chunk, struct gen_str evidence,
                                       enum gen_quote_match *match, struct gen_error *err);

/* A number as text in the arena. */
struct gen_str gen_qa_number(struct gen_arena *arena, int64_t n);

/* Tokens to allow for an answer: a fixed part, `n` times `per_item`, and room for a model that
 * thinks first. */
int64_t gen_qa_tokens(const struct gen_qa_common *common, size_t n, int64_t per_item);

/* What of a record a model is shown. The answer of item `i` when `shows_answer[i]` (NULL: always),
 * behind `answer_mark`; the reasoning, where a record has some, when `reasoning`. */
struct gen_qa_shown {
    const char *answer_mark; /* "Answer: " */
    const bool *shows_answer;
    bool reasoning;
};

/* Renders the pairs of some records as blocks "[p1]\nQuestion: ...\nAnswer: ...\n" into `pairs`,
 * their ids "p1, p2" into `ids`, and fills inputs for the extractive provider. Texts live in the
 * arena. `shown` NULL: question and answer. */
GEN_MUST_USE int gen_qa_render_pairs(struct gen_item *const *items, size_t n,
                                     const struct gen_qa_shown *shown, struct gen_question *q,
                                     struct gen_str *pairs, struct gen_str *ids,
                                     struct gen_error *err);

/* Renders a prompt about pairs of one chunk (NULL: not known) and fills the chunk's part of the
 * inputs. `topic` may be NULL. */
GEN_MUST_USE int gen_qa_render_with_chunk(const struct gen_prompt *prompt,
                                          const struct gen_chunk *chunk, struct gen_str pairs,
                                          struct gen_str ids, const char *topic,
                                          struct gen_question *q, struct gen_error *err);

/* "(not known)" in the place of an empty text. */
struct gen_str gen_qa_or_unknown(struct gen_str s);

/* The index in 0..n-1 that an id "p3" names, or SIZE_MAX. */
size_t gen_qa_index_of(struct gen_str id, size_t n);

/* Items whose records come from one chunk may share a call. Items without a chunk share with others
 * without one. */
bool gen_qa_may_share(void *ud, const struct gen_item *a, const struct gen_item *b);

/* NULL when the record is a usable pair, else the rule it is filtered by. */
const char *gen_qa_prefilter_record(const struct gen_item *item);

/* Asks again, for `fault`, when some input has no sound object in the answer (`seen[i]` false). */
GEN_MUST_USE int gen_qa_ask_for_missing(struct gen_outcome *o, const bool *seen, size_t n,
                                        struct gen_str fault, struct gen_error *err);
#define GEN_QA_FAULT_MISSING "the answer did not hold exactly one sound object for every id"

/* The user's rule by which a text is left out, or NULL. A pattern whose search ran into its limits
 * is told to the log once. `f` and `log` may be NULL. */
const char *gen_qa_filter(struct gen_filters *f, struct gen_str text, const struct gen_log *log);

/* Whether a text with these literals is unfit. */
bool gen_qa_is_ungrounded(const struct gen_qa_grounding *g, const struct gen_literals *literals);

/* JSON Schemas of the answers, in the profile of prompting.md A.3. */
extern const char gen_qa_schema_text_pairs[];
extern const char gen_qa_schema_code_pairs[];
extern const char gen_qa_schema_enrichment[];
extern const char gen_qa_schema_cot_pairs[];
extern const char gen_qa_schema_code_cot_pairs[];
extern const char gen_qa_schema_enhancement[];
extern const char gen_qa_schema_conclusion[];
extern const char gen_qa_schema_rating[];

#endif
