/*
 * The one form between records and training rows: who says what, in order. Every export format is
 * written from it (formats.md §2.2), so that what a format can hold is decided in one place each
 * and what a record is in this one. Turns of tools, calls and tool definitions belong here as well
 * when records have them.
 *
 * Invariant of an example that was read: users and assistants take turns, a user begins, an
 * assistant ends, every content has text.
 */
#ifndef GEN_DATASET_EXAMPLE_H
#define GEN_DATASET_EXAMPLE_H

#include "dataset/record.h"

enum gen_turn_role { GEN_ROLE_SYSTEM, GEN_ROLE_USER, GEN_ROLE_ASSISTANT, GEN_ROLE_OTHER };

/* Views into the record. */
struct gen_turn {
    enum gen_turn_role role;
    struct gen_str content;
    struct gen_str reasoning; /* of an assistant; without white space at its ends; may be empty */
};

struct gen_example {
    enum gen_record_kind kind;
    struct gen_str system;  /* the record's own one; empty: none */
    struct gen_turn *turns; /* of users and assistants */
    size_t n_turns;
    size_t n_allocated;
    struct gen_str source, chunk_id;
    struct gen_qa_view qa;         /* question and answer, the last ones of a conversation */
    const struct gen_json *record; /* with all its other fields */
};

/* Why a record or a row cannot be used. */
struct gen_refusal {
    const char *rule; /* constant, for counting: "malformed_row"; NULL: it can be used */
    char why[320];    /* one clause for people */
};
/* Sets both, cutting the text. */
void gen_refuse(struct gen_refusal *r, const char *rule, const char *format, ...) GEN_PRINTF(3, 4);

/* Reads a record into `e`, which starts zeroed and is used again for the next one; what it points
 * to lives as long as the record. With refusal->rule set, `e` must not be used. Only a lack of
 * memory is an error. */
GEN_MUST_USE int gen_example_read(struct gen_example *e, const struct gen_json *record,
                                  struct gen_refusal *refusal, struct gen_error *err);
void gen_example_release(struct gen_example *e);
bool gen_example_has_reasoning(const struct gen_example *e);

/* The turns of a conversation in either of its two spellings, messages/role/content (OpenAI,
 * ChatML) and conversations/from/value (ShareGPT): the list, or NULL. */
const struct gen_json *gen_turns_of(const struct gen_json *record);
/* By its `role` or `from`. */
enum gen_turn_role gen_turn_role(const struct gen_json *turn);
/* Parts "<think>why</think>answer", which rows carry whose format has no place for a chain of
 * thought (formats.md §1.4). False, and nothing is set, when `text` does not begin so or nothing
 * stands behind it. */
bool gen_think_split(struct gen_str text, struct gen_str *thought, struct gen_str *answer);
/* False with `why` when the turn is no object, has no string as its content, or calls tools.
 * Reasoning is read from `reasoning_content`, `thinking`, or think tags in front of the text. */
bool gen_turn_read(const struct gen_json *turn, struct gen_turn *out, char *why, size_t why_bytes);

#endif
