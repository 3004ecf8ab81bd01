/* What the steps of this folder share. */
#ifndef GEN_QA_COMMON_H
#define GEN_QA_COMMON_H

#include "dataset/checks.h"
#include "dataset/record.h"
#include "qa/qa.h"

/* gen_check_quote; but a whole line of code is a quotation however short it is. */
GEN_MUST_USE int gen_qa_check_evidence(const struct gen_source_text *source,
                                       const struct gen_chunk *chunk, struct gen_str evidence,
                                       enum gen_quote_match *match, struct gen_error *err);

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

/* The index in 0..n-1 that an id "p3" names, or SIZE_MAX. */
size_t gen_qa_index_of(struct gen_str id, size_t n);

/* Items whose records come from one chunk may share a call. Items without a chunk share with others
 * without one. */
bool gen_qa_may_share(void *ud, const struct gen_item *a, const struct gen_item *b);

/* NULL when the record is a usable pair, else the rule it is filtered by. */
const char *gen_qa_prefilter_record(const struct gen_item *item);
/* The rule of a row that gen_qa_view refused: "tool_record" or "malformed_row". */
const char *gen_qa_rule_of_unusable(const struct gen_json *record);

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
