#include "dataset/record.h"

#include "dataset/example.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum gen_record_kind kind;
} kind_names[] = {
    {"qa", GEN_RECORD_QA},     {"cot", GEN_RECORD_COT},
    {"tool", GEN_RECORD_TOOL}, {"conversation", GEN_RECORD_CONVERSATION},
    {"none", GEN_RECORD_NONE}, {"dialog", GEN_RECORD_CONVERSATION},
};

const char *gen_record_kind_name(enum gen_record_kind kind)
{
    for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (kind_names[i].kind == kind)
            return kind_names[i].name;
    }
    return "none";
}

/* The judge's words stand in `reasoning` when there is a rating but no `rating_reasoning`. */
static bool has_chain_of_thought(const struct gen_json *record)
{
    struct gen_str reasoning = gen_json_get_str(record, "reasoning");
    if (!gen_str_trim(reasoning).n)
        return false;
    return !gen_json_get(record, "rating") || gen_json_get(record, "rating_reasoning");
}

enum gen_record_kind gen_record_kind(const struct gen_json *record)
{
    if (gen_json_type(record) != GEN_JSON_OBJECT)
        return GEN_RECORD_NONE;
    struct gen_str format = gen_json_get_str(record, "format");
    for (size_t i = 0; format.n && i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (kind_names[i].kind != GEN_RECORD_NONE && gen_str_is(format, kind_names[i].name))
            return kind_names[i].kind;
    }
    if (gen_json_get(record, "question"))
        return has_chain_of_thought(record) ? GEN_RECORD_COT : GEN_RECORD_QA;
    if (gen_turns_of(record))
        return GEN_RECORD_CONVERSATION;
    if (gen_json_get(record, "instruction") && gen_json_get(record, "solution"))
        return GEN_RECORD_TOOL;
    return gen_json_get(record, "answer") ? GEN_RECORD_QA : GEN_RECORD_NONE;
}

bool gen_text_read(const struct gen_json *v, const char *name, struct gen_str *out, char *why,
                   size_t why_bytes)
{
    if (gen_json_as_str(v, out)) {
        if (gen_str_trim(*out).n)
            return true;
        (void)snprintf(why, why_bytes, "\"%s\" is empty", name);
        return false;
    }
    enum gen_json_type type = gen_json_type(v);
    if (type == GEN_JSON_NONE)
        (void)snprintf(why, why_bytes, "no \"%s\"", name);
    else if (type == GEN_JSON_NULL)
        (void)snprintf(why, why_bytes, "\"%s\" is null", name);
    else
        (void)snprintf(
            why, why_bytes, "\"%s\" is %s %s, not a string", name,
            type == GEN_JSON_ARRAY || type == GEN_JSON_OBJECT || type == GEN_JSON_INT ? "an" : "a",
            gen_json_type_name(type));
    return false;
}

static bool read_turns(const struct gen_json *record, struct gen_qa_view *out, char *why,
                       size_t why_bytes)
{
    struct gen_json_iter it;
    struct gen_str key;
    struct gen_str question = {0};
    const struct gen_json *value;
    gen_json_iter_init(&it, gen_turns_of(record));
    while (gen_json_iter_next(&it, &key, &value)) {
        struct gen_turn turn;
        if (!gen_turn_read(value, &turn, why, why_bytes))
            return false;
        if (turn.role == GEN_ROLE_USER) {
            question = turn.content;
        } else if (turn.role == GEN_ROLE_ASSISTANT && question.p) {
            out->question = question;
            out->answer = turn.content;
            out->reasoning = turn.reasoning;
        }
    }
    if (gen_str_trim(out->question).n && gen_str_trim(out->answer).n)
        return true;
    (void)snprintf(why, why_bytes, "the conversation has no text of a user with an answer to it");
    return false;
}

static bool has_tools(const struct gen_json *record)
{
    struct gen_json_iter it;
    const struct gen_json *turn;
    gen_json_iter_init(&it, gen_turns_of(record));
    while (gen_json_iter_next(&it, NULL, &turn)) {
        if (gen_turn_role(turn) == GEN_ROLE_TOOL ||
            gen_json_count(gen_json_get(turn, "tool_calls")) ||
            gen_str_is(gen_json_get_str(turn, "from"), "function_call"))
            return true;
    }
    return false;
}

static struct gen_str text_of_turn(const struct gen_json *turn)
{
    struct gen_str text = gen_json_get_str(turn, "content");
    return text.n ? text : gen_json_get_str(turn, "value");
}

static bool read_request(const struct gen_json *record, struct gen_qa_view *v, char *why,
                         size_t why_bytes)
{
    struct gen_json_iter it;
    const struct gen_json *turn;
    gen_json_iter_init(&it, gen_turns_of(record));
    while (gen_json_iter_next(&it, NULL, &turn)) {
        bool calls = gen_str_is(gen_json_get_str(turn, "from"), "function_call");
        enum gen_turn_role role = gen_turn_role(turn);
        if (role == GEN_ROLE_USER && !v->question.n)
            v->question = text_of_turn(turn);
        else if (role == GEN_ROLE_ASSISTANT && !calls && text_of_turn(turn).n)
            v->answer = text_of_turn(turn);
    }
    if (gen_str_trim(v->question).n)
        return true;
    (void)snprintf(why, why_bytes, "the conversation has no text of a user");
    return false;
}

bool gen_request_view(const struct gen_json *record, struct gen_qa_view *out, char *why,
                      size_t why_bytes)
{
    struct gen_qa_view v = {.kind = gen_record_kind(record)};
    bool is_tool = v.kind == GEN_RECORD_TOOL;
    if (!is_tool && (v.kind != GEN_RECORD_CONVERSATION || !has_tools(record)))
        return gen_qa_view(record, out, why, why_bytes);
    if (is_tool) {
        if (!gen_text_read(gen_json_get(record, "instruction"), "instruction", &v.question, why,
                           why_bytes))
            return false;
        v.answer = gen_json_get_str(gen_json_get(record, "solution"), "final_answer");
    } else if (!read_request(record, &v, why, why_bytes)) {
        return false;
    }
    v.source = gen_json_get_str(record, "source");
    v.chunk_id = gen_json_get_str(record, "chunk_id");
    *out = v;
    return true;
}

bool gen_qa_view(const struct gen_json *record, struct gen_qa_view *out, char *why,
                 size_t why_bytes)
{
    struct gen_qa_view v = {.kind = gen_record_kind(record)};
    bool ok = false;
    if (gen_json_type(record) != GEN_JSON_OBJECT)
        (void)snprintf(why, why_bytes, "it is no JSON object");
    else if (v.kind == GEN_RECORD_TOOL)
        (void)snprintf(why, why_bytes, "it is a tool example, not a question with its answer");
    else if (v.kind == GEN_RECORD_CONVERSATION)
        ok = read_turns(record, &v, why, why_bytes);
    else
        ok = gen_text_read(gen_json_get(record, "question"), "question", &v.question, why,
                           why_bytes) &&
             gen_text_read(gen_json_get(record, "answer"), "answer", &v.answer, why, why_bytes);
    if (!ok)
        return false;
    if (v.kind == GEN_RECORD_COT)
        v.reasoning = gen_json_get_str(record, "reasoning");
    v.chunk_id = gen_json_get_str(record, "chunk_id");
    v.source = gen_json_get_str(record, "source");
    if (!v.source.n)
        v.source = gen_json_get_str(record, "source_file");
    *out = v;
    return true;
}
