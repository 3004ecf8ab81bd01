/*
 * The one form between records and training rows: who says what, in order. Every export format is
 * written from it (formats.md §2.2), so that what a format can hold is decided in one place each
 * and what a record is in this one.
 *
 * Invariants of an example that was read:
 * - users and assistants take turns, a user begins, an assistant ends;
 * - an assistant's turn may make calls; then as many tool turns follow, in the order of the calls,
 *   and then the assistant again. Only the last turn of all may make calls that nothing answers;
 * - every content is text; only tools, and assistants who call, may say nothing;
 * - a call's arguments are an object (or none); in tool records of ours each call is of a tool that
 *   is offered, its arguments pass the tool's schema (unless the failure is part of the lesson) and
 *   hold no placeholders.
 */
#ifndef GEN_DATASET_EXAMPLE_H
#define GEN_DATASET_EXAMPLE_H

#include "base/arena.h"
#include "dataset/trajectory.h"
#include "json/memo.h"

enum gen_turn_role {
    GEN_ROLE_SYSTEM,
    GEN_ROLE_USER,
    GEN_ROLE_ASSISTANT,
    GEN_ROLE_TOOL,
    GEN_ROLE_OTHER
};

/* Views into the record, or the example. */
struct gen_call {
    struct gen_str id; /* "call00001": nine letters and digits, which every template takes */
    struct gen_str name;
    const struct gen_json *args; /* an object; NULL: it has none */
};

struct gen_turn {
    enum gen_turn_role role;
    struct gen_str content;
    struct gen_str reasoning;     /* of an assistant; trimmed; may be empty */
    const struct gen_call *calls; /* of an assistant */
    size_t n_calls;
    const struct gen_call *answers; /* of a tool: the call */
    bool is_masked;                 /* nothing is to be learned from it: the calls failed */
};

/* A tool that was on offer. */
struct gen_offered {
    struct gen_str name, description;
    const struct gen_json *parameters; /* an object schema, or NULL */
};

struct gen_example {
    enum gen_record_kind kind;
    struct gen_str system;  /* the record's own one; empty: none */
    struct gen_turn *turns; /* of users, assistants and tools */
    size_t n_turns;
    size_t n_allocated;
    struct gen_offered *tools;
    size_t n_tools;
    size_t n_calls;  /* in all */
    size_t n_masked; /* turns */
    struct gen_str source, chunk_id;
    struct gen_str id;             /* of a tool record */
    struct gen_qa_view qa;         /* question and answer, the last ones of a conversation */
    const struct gen_json *record; /* with all its other fields */
    struct gen_arena arena;        /* private, like what follows */
    struct gen_json_doc **docs;    /* of arguments and tools that were strings of JSON */
    size_t n_docs, n_docs_allocated;
    struct gen_json_memo *schemas; /* of tools that were called; kept from record to record */
};

/* Why a record or a row cannot be used. */
struct gen_refusal {
    const char *rule; /* constant, for counting: "malformed_row"; NULL: it can be used */
    char why[320];    /* one clause for people */
};
/* Sets both, cutting the text. */
void gen_refuse(struct gen_refusal *r, const char *rule, const char *format, ...) GEN_PRINTF(3, 4);

/*
 * Reads a record into `e`, which starts zeroed and is used again for the next one; what it points
 * to lives as long as the record. With refusal->rule set, `e` must not be used. Only a lack of
 * memory is an error.
 *
 * Records are questions with answers, conversations (messages of OpenAI's or ChatML's form with
 * tool_calls; ShareGPT's with function_call and observation), and tool records
 * (dataset/trajectory.h). A tool record whose calls were not executed ends with the call. Rules:
 * "malformed_row"; of tool records also "no_tools", "unknown_tool", "schema_invalid",
 * "schema_unusable", "unresolved_reference", "not_executed", "no_final_answer"; of conversations
 * "call_unanswered", "unknown_call_id".
 */
GEN_MUST_USE int gen_example_read(struct gen_example *e, const struct gen_json *record,
                                  struct gen_refusal *refusal, struct gen_error *err);
/* Splits turns of more than `calls_max` calls (0: no limit) into several, each with its answers:
 * for templates that take one call a turn. Refuses "parallel_calls" where nothing answers them. */
GEN_MUST_USE int gen_example_limit_calls(struct gen_example *e, size_t calls_max,
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
