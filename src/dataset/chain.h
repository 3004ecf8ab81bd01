/*
 * Mechanical checks of a chain of reasoning (prompting.md B.5, B.6): the numbered steps between a
 * question and its answer. Pure functions; all texts are valid UTF-8. They find what a program can
 * see (empty, repeated, decorative and miscounting steps, an answer that comes too early or from
 * nowhere); whether a step is true is the judge's question.
 */
#ifndef GEN_DATASET_CHAIN_H
#define GEN_DATASET_CHAIN_H

#include "base/buf.h"
#include "json/json.h"

#define GEN_CHAIN_STEPS_MAX 12

/* Steps without numbers. Views into the texts they were read from. */
struct gen_chain {
    struct gen_str steps[GEN_CHAIN_STEPS_MAX];
    size_t n;
    bool is_cut; /* there were more */
};

/* The strings of an array, without blank ones, each without the number that a model typed in front
 * of it ("Step 2:", "2.", "**Step 2:**", "- "). */
void gen_chain_read(const struct gen_json *array, struct gen_chain *out);

/* Appends "Step 1: ...\nStep 2: ...". Line breaks inside a step become blanks, so that a line is a
 * step. */
GEN_MUST_USE int gen_chain_write(const struct gen_chain *c, struct gen_buf *out,
                                 struct gen_error *err);

/* The first rule that the steps break by themselves, or NULL. Constants:
 * "too_few_steps" (fewer than two), "too_many_steps", "step_refers_to_context" ("the passage
 * says"), "step_mentions_given_answer" ("the given answer"), "left_overs", "wrong_arithmetic",
 * "repeated_step" (Jaccard of two steps, or of a step and the question, at least 0.7),
 * "decorative_step" (no word of meaning and no connective that the question and the steps before it
 * have not). */
GEN_MUST_USE int gen_chain_rule(const struct gen_chain *c, struct gen_str question,
                                const char **rule, struct gen_error *err);

/* True when the first step already has all that the answer says beyond the question. */
bool gen_chain_leaks_answer(const struct gen_chain *c, struct gen_str question,
                            struct gen_str answer);

/* False when a literal of the answer (checks.h, K7) is neither in the steps nor in the question. */
GEN_MUST_USE int gen_chain_derives(const struct gen_chain *c, struct gen_str question,
                                   struct gen_str answer, bool *yes, struct gen_error *err);

/* Whether a conclusion reached independently says the same as a stored answer: the literals of one
 * are all in the other (or in the question), they do not open with opposite yes and no, and of the
 * words of meaning that they have beyond the question enough are shared (F1 at least 0.6, or 0.7 of
 * those of the one that has fewer). */
GEN_MUST_USE int gen_answers_agree(struct gen_str question, struct gen_str answer,
                                   struct gen_str conclusion, bool *yes, struct gen_error *err);

/* True when an equation of numbers in `text` ("3 * 4 = 13", "1,024 / 8 KB = 100 KB") is wrong
 * beyond the rounding that its result shows. What cannot be told for sure, such as other units on
 * the two sides or an operand in words, is taken for right. `computed` (may be NULL) gets the
 * results that were found right, separated by blanks: numbers that no source needs to carry. */
GEN_MUST_USE int gen_check_arithmetic(struct gen_str text, bool *is_wrong, struct gen_buf *computed,
                                      struct gen_error *err);

#endif
