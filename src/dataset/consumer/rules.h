/*
 * Private to dataset/consumer*: a consumer as a table, the row under check, and the rules that
 * several consumers share. A rule's name is one of GEN_CHECK_RULES, so that the tests can demand a
 * case for each.
 *
 * Levels: an error is a row (or file) that is refused, dropped or misread; a warning one that
 * loads, but not everywhere or not as one would expect. Where consumers differ in that, the rule
 * takes the level from a policy; level 0 leaves it out.
 */
#ifndef GEN_DATASET_CONSUMER_RULES_H
#define GEN_DATASET_CONSUMER_RULES_H

#include "dataset/consumer.h"

#include "base/arena.h"
#include "json/memo.h"

/* clang-format off */
#define GEN_CHECK_RULES(X)                                                                         \
    /* the file and its bytes */                                                                   \
    X(broken_json) X(not_an_object) X(nan_or_infinity) X(invalid_utf8) X(lone_surrogate)           \
    X(nul_character) X(line_separator) X(duplicate_key) X(row_too_large) X(byte_order_mark)        \
    X(crlf_line_ends) X(json_array) X(empty_file) X(too_few_rows) X(file_too_large)                \
    X(file_extension) X(split_keyword) X(ignored_file_name)                                        \
    /* columns */                                                                                  \
    X(no_known_columns) X(extra_column) X(form_changes) X(ambiguous_columns) X(agent_trace)        \
    X(type_changes) X(late_type) X(late_key) X(keys_come_and_go) X(columns_come_and_go)            \
    X(column_type) X(empty_text) X(no_separator) X(mixed_forms) X(same_preference)                 \
    X(list_lengths) X(prompt_last_role) X(template_kwargs) X(preference_message)                   \
    /* messages */                                                                                 \
    X(messages_type) X(empty_messages) X(message_type) X(role_missing) X(unknown_role)             \
    X(developer_role) X(null_content) X(missing_content) X(content_type) X(content_parts)          \
    X(empty_answer) X(null_padding) X(roles_alternate) X(system_not_first) X(no_assistant)         \
    X(no_final_answer) X(first_role) X(reasoning_name) X(reasoning_template) X(unknown_key)        \
    X(weight) X(reserved_word) X(key_names) X(role_position) X(turn_count)                         \
    X(needs_mapping) X(thinking_off) X(text_beside_call) X(schema_version) X(part_type)            \
    X(tool_blocks)                                                                                 \
    /* tools and calls */                                                                          \
    X(calls_type) X(flat_tool_call) X(call_name) X(call_type) X(function_name)                     \
    X(arguments_missing) X(string_arguments) X(object_arguments) X(arguments_json)                 \
    X(null_arguments) X(placeholder) X(call_id_missing) X(unknown_call_id) X(answered_twice)       \
    X(call_unanswered) X(tool_not_listed) X(calls_without_tools) X(calls_dropped)                  \
    X(function_call_json) X(tools_type) X(tools_json) X(tool_shape) X(tool_parameters)             \
    X(enum_type) X(array_without_items) X(strict_schema) X(schema_reference) X(parallel_calls)           \
    X(several_calls) X(arguments_schema) X(thought_before_call)
/* clang-format on */

enum gen_check_rule {
#define X(name) GEN_RULE_##name,
    GEN_CHECK_RULES(X)
#undef X
        GEN_N_RULES
};

/* One row, or (number 0) the file, under check. After the callback has failed, `rc` holds its
 * status and nothing more is reported. */
struct gen_row_check {
    struct gen_file_check *file;
    const struct gen_json *row;
    uint64_t number;
    uint64_t n_errors, n_warnings;
    int rc;
    struct gen_error *err;
};

void gen_rule(struct gen_row_check *c, enum gen_finding_level level, enum gen_check_rule rule,
              const char *format, ...) GEN_PRINTF(4, 5);
#define gen_rule_error(c, rule, ...) gen_rule((c), GEN_FINDING_ERROR, (rule), __VA_ARGS__)
#define gen_rule_warn(c, rule, ...)  gen_rule((c), GEN_FINDING_WARNING, (rule), __VA_ARGS__)
/* Only for the first row of the file where it is broken. */
void gen_rule_once(struct gen_row_check *c, enum gen_finding_level level, enum gen_check_rule rule,
                   const char *format, ...) GEN_PRINTF(4, 5);

/* ---- a consumer ---- */

/* A shape of rows: the first form all of whose columns a row has (not null) is the row's. */
struct gen_row_form {
    const char *name;       /* "prompt and completion" */
    const char *columns[5]; /* ends with NULL */
    void (*check)(struct gen_row_check *c);
    const char *const *others; /* further columns that may be there; NULL: any */
};

enum {
    GEN_READS_BY_DATASETS = 1, /* through datasets.load_dataset: Arrow's rules hold */
    GEN_READS_LINES_ONLY = 2,  /* .jsonl, no array */
    GEN_REFUSES_MARK = 4,      /* a byte order mark breaks the first row */
    GEN_READS_NAN = 8,         /* NaN and Infinity pass, as in Python's json */
};

struct gen_consumer {
    const char *name;  /* as in --for */
    const char *title; /* as it writes itself: "LLaMA-Factory" */
    const char *cure;  /* how to make a file for it */
    unsigned traits;
    uint64_t rows_min;
    uint64_t file_bytes_max; /* 0: no limit is known */
    size_t row_bytes_warn;
    const char *row_bytes_why;        /* a clause behind "the row has N bytes" */
    const struct gen_row_form *forms; /* ends with an empty name; NULL: any object */
};

extern const struct gen_consumer gen_consumer_datasets, gen_consumer_trl, gen_consumer_axolotl,
    gen_consumer_llamafactory, gen_consumer_unsloth, gen_consumer_openai, gen_consumer_together,
    gen_consumer_gemini, gen_consumer_bedrock;

/* ---- shared rules: bytes.c, keys.c ---- */

void gen_rules_malformed(struct gen_row_check *c, const struct gen_consumer *consumer,
                         struct gen_str text, const char *why);
void gen_rules_bytes(struct gen_row_check *c, const struct gen_consumer *consumer,
                     struct gen_str text, bool in_lines);
void gen_rules_keys(struct gen_row_check *c, bool is_fatal);
void gen_rules_file(struct gen_row_check *c, const struct gen_consumer *consumer, const char *path,
                    const struct gen_file_facts *facts, uint64_t n_rows);

/* ---- columns.c: what Arrow infers from the first 10 MB, and what comes later ---- */

struct gen_columns;
GEN_MUST_USE int gen_columns_new(struct gen_columns **out, struct gen_error *err);
void gen_columns_free(struct gen_columns *t);
/* `bytes` that the row takes in a file of lines; 0 in an array, which is read as a whole, so that
 * nothing in it comes late (tried with datasets 4.0 and 5.2). */
void gen_columns_row(struct gen_columns *t, struct gen_row_check *c, size_t bytes);
void gen_columns_end(struct gen_columns *t, struct gen_row_check *c);

/* ---- values.c: small tests with their findings ---- */

bool gen_present(const struct gen_json *v); /* there, and not null */
/* False, with a column_type finding, when the member `key` of `object` is no string. */
bool gen_want_string(struct gen_row_check *c, const struct gen_json *object, const char *where,
                     const char *key);
/* The same for a string that may be left out. */
void gen_allow_string(struct gen_row_check *c, const struct gen_json *object, const char *key);
bool gen_is_messages(const struct gen_json *v);    /* a list whose first element is an object */
const char *gen_type_of(const struct gen_json *v); /* "null", "string", ..., "nothing" */

/* ---- tools.c: the `tools` of a row ---- */

struct gen_tool_rules {
    enum gen_finding_level list, string; /* the column is a list, a JSON string */
    enum gen_finding_level bare;         /* {name, parameters} without {"type", "function"} */
    enum gen_finding_level parameters;   /* parameters.properties is missing */
    enum gen_finding_level enums;        /* values of an enum that are no strings */
    enum gen_finding_level items;        /* an array without items */
    enum gen_finding_level function_name;
    bool check_strict; /* "strict": true */
    const char *string_cure, *list_cure;
};
struct gen_row_tools {
    const struct gen_json *list; /* NULL: none, or not readable */
    struct gen_json_doc *doc;    /* owner of a list that was a string */
    bool has_column;
};
void gen_rules_tools(struct gen_row_check *c, const struct gen_json *tools,
                     const struct gen_tool_rules *rules, struct gen_row_tools *out);
void gen_row_tools_release(struct gen_row_tools *t);
bool gen_row_tools_has(const struct gen_row_tools *t, struct gen_str name);
/* A warning when a call's arguments do not pass the schema of its tool; a schema that cannot be
 * read is passed over here. */
void gen_rules_schema(struct gen_row_check *c, const struct gen_row_tools *t, struct gen_str name,
                      const struct gen_json *arguments, const char *at);
bool gen_function_name_ok(struct gen_str name);
/* Schemas that calls were held against, kept from row to row. NULL: no memory, and `c->rc` is set.
 */
struct gen_json_memo *gen_row_schemas(struct gen_row_check *c);

/* ---- chat.c, calls.c: a list of messages with role and content ---- */

enum gen_chat_role {
    GEN_CHAT_SYSTEM = 1,
    GEN_CHAT_USER = 2,
    GEN_CHAT_ASSISTANT = 4,
    GEN_CHAT_TOOL = 8,
    GEN_CHAT_DEVELOPER = 16,
    GEN_CHAT_FUNCTION = 32,
    GEN_CHAT_UNKNOWN = 64,
};

struct gen_chat_rules {
    unsigned roles;          /* known ones */
    const char *role_names;  /* the same in words */
    const char *const *keys; /* members of a message; NULL: any */
    enum gen_finding_level arguments_string, arguments_object, arguments_json;
    enum gen_finding_level null_content, missing_content; /* beside tool_calls; else an error */
    enum gen_finding_level parts, tool_parts;             /* content is a list; of a tool message */
    enum gen_finding_level null_padding, null_arguments, placeholder;
    enum gen_finding_level same_role_twice, system_not_first, no_assistant, not_ended;
    enum gen_finding_level developer, thinking, reasoning, wrong_reasoning;
    enum gen_finding_level empty_answer;
    enum gen_finding_level several_calls; /* in one turn; said once */
    enum gen_finding_level call_id, call_type, flat_call, unanswered, not_listed, no_tools;
    enum gen_finding_level function_name;
    bool check_weight;
};
/* `where` is the list's place in the row: "messages", "input.messages". */
void gen_rules_chat(struct gen_row_check *c, const struct gen_json *list, const char *where,
                    const struct gen_chat_rules *rules, const struct gen_row_tools *tools);

#define GEN_CALLS_MAX 128

/* The calls of a conversation, in order, until they are answered. */
struct gen_calls {
    struct {
        struct gen_str id;
        bool is_answered;
    } calls[GEN_CALLS_MAX];
    size_t n;          /* beyond GEN_CALLS_MAX they are not tracked */
    size_t first_open; /* calls before it belong to earlier turns */
    size_t n_answers;  /* since the last turn with calls, of those without an id */
    bool is_overflown, id_said;
};
/* The `tool_calls` of the message at `at` ("messages[2]"). */
void gen_rules_calls(struct gen_row_check *c, struct gen_calls *calls, const struct gen_json *list,
                     const char *at, const struct gen_chat_rules *rules,
                     const struct gen_row_tools *tools);
void gen_rules_answer(struct gen_row_check *c, struct gen_calls *calls,
                      const struct gen_json *message, const char *at,
                      const struct gen_chat_rules *rules);
/* A turn that is no answer of a tool follows: the open calls are over. */
void gen_rules_calls_end(struct gen_row_check *c, struct gen_calls *calls, const char *at,
                         const struct gen_chat_rules *rules);
/* Nulls and unresolved references ("$step_1_result") in arguments. */
void gen_rules_arguments(struct gen_row_check *c, const struct gen_json *arguments, const char *at,
                         enum gen_finding_level nulls, enum gen_finding_level placeholder);

/* What chat templates of Hugging Face models render (formats.md 1.3): TRL, Unsloth. */
extern const struct gen_chat_rules gen_template_chat_rules;
extern const struct gen_tool_rules gen_template_tool_rules;
void gen_form_template_messages(struct gen_row_check *c);

/* ---- forms.c: forms that several consumers read alike ---- */

void gen_form_text(struct gen_row_check *c);
void gen_form_alpaca(struct gen_row_check *c);
void gen_form_prompt_completion_text(struct gen_row_check *c);

#endif
