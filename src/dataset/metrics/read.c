/* Metrics: the texts of a row, whatever its shape. */
#include "dataset/example.h"
#include "dataset/metrics/metrics_int.h"

#include <stdio.h>

#define NAME(text) text, sizeof(text) - 1

static const struct {
    const char *name;
    size_t n;
} field_names[GEN_N_FIELDS] = {
    [GEN_FIELD_FORMAT] = {NAME("format")},
    [GEN_FIELD_QUESTION] = {NAME("question")},
    [GEN_FIELD_ANSWER] = {NAME("answer")},
    [GEN_FIELD_REASONING] = {NAME("reasoning")},
    [GEN_FIELD_MESSAGES] = {NAME("messages")},
    [GEN_FIELD_CONVERSATIONS] = {NAME("conversations")},
    [GEN_FIELD_CONTENTS] = {NAME("contents")},
    [GEN_FIELD_PROMPT] = {NAME("prompt")},
    [GEN_FIELD_COMPLETION] = {NAME("completion")},
    [GEN_FIELD_INSTRUCTION] = {NAME("instruction")},
    [GEN_FIELD_OUTPUT] = {NAME("output")},
    [GEN_FIELD_RESPONSE] = {NAME("response")},
    [GEN_FIELD_SOLUTION] = {NAME("solution")},
    [GEN_FIELD_TEXT] = {NAME("text")},
    [GEN_FIELD_METADATA] = {NAME("metadata")},
    [GEN_FIELD_RATING] = {NAME("rating")},
    [GEN_FIELD_CLARITY] = {NAME("clarity")},
    [GEN_FIELD_ACCURACY] = {NAME("accuracy")},
    [GEN_FIELD_USEFULNESS] = {NAME("usefulness")},
    [GEN_FIELD_DIFFICULTY] = {NAME("difficulty")},
    [GEN_FIELD_RATING_REASONING] = {NAME("rating_reasoning")},
    [GEN_FIELD_CHUNK_ID] = {NAME("chunk_id")},
    [GEN_FIELD_SOURCE] = {NAME("source")},
    [GEN_FIELD_SOURCE_FILE] = {NAME("source_file")},
    [GEN_FIELD_TOPIC] = {NAME("topic")},
    [GEN_FIELD_TOPIC_RELEVANT] = {NAME("topic_relevant")},
    [GEN_FIELD_KIND] = {NAME("kind")},
    [GEN_FIELD_QUESTION_TYPE] = {NAME("question_type")},
    [GEN_FIELD_CATEGORY] = {NAME("category")},
    [GEN_FIELD_GROUNDING] = {NAME("literal_grounding")},
};

static const char *const shape_names[GEN_N_SHAPES] = {
    [GEN_SHAPE_QA] = "qa",
    [GEN_SHAPE_COT] = "cot",
    [GEN_SHAPE_MESSAGES] = "messages",
    [GEN_SHAPE_SHAREGPT] = "sharegpt",
    [GEN_SHAPE_CONTENTS] = "contents",
    [GEN_SHAPE_PROMPT_COMPLETION] = "prompt_completion",
    [GEN_SHAPE_ALPACA] = "alpaca",
    [GEN_SHAPE_TOOL] = "tool",
    [GEN_SHAPE_TEXT] = "text",
};

const char *gen_metrics_shape_name(enum gen_metrics_shape shape)
{
    return shape_names[shape];
}

static void read_keys(const struct gen_json *object, size_t first, struct gen_metrics_fields *out)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, object);
    while (gen_json_iter_next(&it, &key, &value)) {
        for (size_t i = first; i < GEN_N_FIELDS; i++) {
            if (key.n != field_names[i].n || memcmp(key.p, field_names[i].name, key.n) != 0)
                continue;
            if (!out->at[i])
                out->at[i] = value;
            break;
        }
    }
}

void gen_metrics_fields_read(const struct gen_json *record, struct gen_metrics_fields *out)
{
    memset(out, 0, sizeof(*out));
    read_keys(record, 0, out);
    if (gen_json_type(out->at[GEN_FIELD_METADATA]) == GEN_JSON_OBJECT)
        read_keys(out->at[GEN_FIELD_METADATA], GEN_FIELD_RATING, out);
}

static struct gen_str text_of(const struct gen_json *v)
{
    struct gen_str s = {NULL, 0};
    (void)gen_json_as_str(v, &s);
    return s;
}

static bool refuse(char *why, size_t why_bytes, const char *text)
{
    (void)snprintf(why, why_bytes, "%s", text);
    return false;
}

static bool read_text(const struct gen_metrics_fields *f, enum gen_metrics_field field,
                      struct gen_str *out, char *why, size_t why_bytes)
{
    return gen_text_read(f->at[field], field_names[field].name, out, why, why_bytes);
}

/* A content is a text, or a list of parts of which the last with a text that is no thought counts.
 */
static void read_content(const struct gen_json *v, struct gen_str *text, struct gen_str *thought)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *part;
    *text = text_of(v);
    if (gen_json_type(v) != GEN_JSON_ARRAY)
        return;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &part)) {
        struct gen_str s = gen_json_get_str(part, "text");
        bool is_thought = false;
        (void)gen_json_as_bool(gen_json_get(part, "thought"), &is_thought);
        if (s.n && is_thought)
            *thought = s;
        else if (s.n)
            *text = s;
    }
}

static const struct gen_json *content_of(const struct gen_json *turn)
{
    static const char *const keys[] = {"content", "value", "parts"};
    const struct gen_json *v = NULL;
    for (size_t i = 0; !v && i < sizeof(keys) / sizeof(keys[0]); i++)
        v = gen_json_get(turn, keys[i]);
    return v;
}

static void read_turns(const struct gen_json *turns, struct gen_metrics_view *out)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *turn;
    struct gen_str asked = out->question;
    gen_json_iter_init(&it, turns);
    while (gen_json_iter_next(&it, &key, &turn)) {
        enum gen_turn_role role = gen_turn_role(turn);
        struct gen_str text = {NULL, 0};
        struct gen_str thought = {NULL, 0};
        bool calls = gen_str_is(gen_json_get_str(turn, "from"), "function_call");
        if ((role != GEN_ROLE_USER && role != GEN_ROLE_ASSISTANT) || calls)
            continue;
        read_content(content_of(turn), &text, &thought);
        if (!gen_str_trim(text).n)
            continue;
        if (role == GEN_ROLE_USER) {
            asked = text;
            continue;
        }
        static const char *const keys[] = {"reasoning_content", "thinking", "reasoning"};
        for (size_t i = 0; !thought.n && i < sizeof(keys) / sizeof(keys[0]); i++)
            thought = gen_json_get_str(turn, keys[i]);
        out->question = asked;
        out->answer = text;
        out->reasoning = thought;
    }
    if (!out->question.n)
        out->question = asked;
}

static bool is_array(const struct gen_metrics_fields *f, enum gen_metrics_field field)
{
    return gen_json_type(f->at[field]) == GEN_JSON_ARRAY;
}

/* An answer alone makes a row a pair without its question, unless it is of another shape. */
static bool has_other(const struct gen_metrics_fields *f)
{
    return is_array(f, GEN_FIELD_MESSAGES) || is_array(f, GEN_FIELD_CONVERSATIONS) ||
           is_array(f, GEN_FIELD_CONTENTS) || f->at[GEN_FIELD_PROMPT] ||
           f->at[GEN_FIELD_INSTRUCTION];
}

/* As gen_record_kind, and the rows of training files. */
static bool shape_of(const struct gen_metrics_fields *f, enum gen_metrics_shape *out)
{
    struct gen_str format = text_of(f->at[GEN_FIELD_FORMAT]);
    bool judged = f->at[GEN_FIELD_RATING] && !f->at[GEN_FIELD_RATING_REASONING];
    bool thinks = gen_str_trim(text_of(f->at[GEN_FIELD_REASONING])).n && !judged;
    bool has_format = gen_str_is(format, "qa") || gen_str_is(format, "cot");
    bool instructs = f->at[GEN_FIELD_INSTRUCTION] != NULL;
    if (has_format ? gen_str_is(format, "cot") : f->at[GEN_FIELD_QUESTION] && thinks)
        *out = GEN_SHAPE_COT;
    else if (has_format || f->at[GEN_FIELD_QUESTION] || (f->at[GEN_FIELD_ANSWER] && !has_other(f)))
        *out = GEN_SHAPE_QA;
    else if (is_array(f, GEN_FIELD_MESSAGES))
        *out = GEN_SHAPE_MESSAGES;
    else if (is_array(f, GEN_FIELD_CONVERSATIONS))
        *out = GEN_SHAPE_SHAREGPT;
    else if (is_array(f, GEN_FIELD_CONTENTS))
        *out = GEN_SHAPE_CONTENTS;
    else if (f->at[GEN_FIELD_PROMPT])
        *out = GEN_SHAPE_PROMPT_COMPLETION;
    else if (instructs && f->at[GEN_FIELD_SOLUTION])
        *out = GEN_SHAPE_TOOL;
    else if (instructs)
        *out = GEN_SHAPE_ALPACA;
    else if (f->at[GEN_FIELD_TEXT])
        *out = GEN_SHAPE_TEXT;
    else
        return false;
    return true;
}

/* A row may end with a call of a tool: then there is no text of an answer to measure. */
static bool ends_with_call(const struct gen_json *turns)
{
    size_t n = gen_json_count(turns);
    const struct gen_json *last = n ? gen_json_at(turns, n - 1) : NULL;
    return gen_json_count(gen_json_get(last, "tool_calls")) > 0 ||
           gen_str_is(gen_json_get_str(last, "from"), "function_call");
}

static bool read_turn_row(const struct gen_json *turns, struct gen_metrics_view *v, char *why,
                          size_t why_bytes)
{
    read_turns(turns, v);
    if (!v->answer.n && !ends_with_call(turns))
        return refuse(why, why_bytes, "the conversation has no text of an assistant");
    return true;
}

static bool read_pair(const struct gen_metrics_fields *f, enum gen_metrics_field question,
                      enum gen_metrics_field answer, struct gen_metrics_view *v, char *why,
                      size_t why_bytes)
{
    return read_text(f, question, &v->question, why, why_bytes) &&
           read_text(f, answer, &v->answer, why, why_bytes);
}

static bool read_prompt(const struct gen_metrics_fields *f, struct gen_metrics_view *v, char *why,
                        size_t why_bytes)
{
    enum gen_metrics_field answer =
        f->at[GEN_FIELD_COMPLETION] ? GEN_FIELD_COMPLETION : GEN_FIELD_RESPONSE;
    if (is_array(f, GEN_FIELD_PROMPT))
        read_turns(f->at[GEN_FIELD_PROMPT], v);
    else if (!read_text(f, GEN_FIELD_PROMPT, &v->question, why, why_bytes))
        return false;
    if (is_array(f, answer))
        return read_turn_row(f->at[answer], v, why, why_bytes);
    return read_text(f, answer, &v->answer, why, why_bytes);
}

static bool read_shape(const struct gen_metrics_fields *f, struct gen_metrics_view *v, char *why,
                       size_t why_bytes)
{
    switch (v->shape) {
    case GEN_SHAPE_COT:
        v->reasoning = text_of(f->at[GEN_FIELD_REASONING]);
        return read_pair(f, GEN_FIELD_QUESTION, GEN_FIELD_ANSWER, v, why, why_bytes);
    case GEN_SHAPE_MESSAGES:
        return read_turn_row(f->at[GEN_FIELD_MESSAGES], v, why, why_bytes);
    case GEN_SHAPE_SHAREGPT:
        return read_turn_row(f->at[GEN_FIELD_CONVERSATIONS], v, why, why_bytes);
    case GEN_SHAPE_CONTENTS:
        return read_turn_row(f->at[GEN_FIELD_CONTENTS], v, why, why_bytes);
    case GEN_SHAPE_PROMPT_COMPLETION:
        return read_prompt(f, v, why, why_bytes);
    case GEN_SHAPE_ALPACA:
        return read_pair(f, GEN_FIELD_INSTRUCTION,
                         f->at[GEN_FIELD_OUTPUT] || !f->at[GEN_FIELD_RESPONSE] ? GEN_FIELD_OUTPUT
                                                                               : GEN_FIELD_RESPONSE,
                         v, why, why_bytes);
    case GEN_SHAPE_TOOL:
        v->answer = gen_json_get_str(f->at[GEN_FIELD_SOLUTION], "final_answer");
        if (gen_json_type(f->at[GEN_FIELD_SOLUTION]) == GEN_JSON_STRING)
            v->answer = text_of(f->at[GEN_FIELD_SOLUTION]);
        return read_text(f, GEN_FIELD_INSTRUCTION, &v->question, why, why_bytes);
    case GEN_SHAPE_TEXT:
        return read_text(f, GEN_FIELD_TEXT, &v->answer, why, why_bytes);
    case GEN_SHAPE_QA:
    default:
        return read_pair(f, GEN_FIELD_QUESTION, GEN_FIELD_ANSWER, v, why, why_bytes);
    }
}

bool gen_metrics_view_read(const struct gen_metrics_fields *f, struct gen_metrics_view *out,
                           char *why, size_t why_bytes)
{
    struct gen_metrics_view v = {.shape = GEN_SHAPE_QA};
    if (!shape_of(f, &v.shape))
        return refuse(why, why_bytes,
                      "none of the known fields: question and answer, messages, conversations, "
                      "prompt and completion, instruction and output, text");
    if (!read_shape(f, &v, why, why_bytes))
        return false;
    if (!v.reasoning.n)
        (void)gen_think_split(v.answer, &v.reasoning, &v.answer);
    v.chunk_id = text_of(f->at[GEN_FIELD_CHUNK_ID]);
    v.source = text_of(f->at[GEN_FIELD_SOURCE]);
    if (!v.source.n)
        v.source = text_of(f->at[GEN_FIELD_SOURCE_FILE]);
    *out = v;
    return true;
}

bool gen_metrics_read(const struct gen_json *record, struct gen_metrics_view *out, char *why,
                      size_t why_bytes)
{
    struct gen_metrics_fields f;
    if (gen_json_type(record) != GEN_JSON_OBJECT)
        return refuse(why, why_bytes, "it is no JSON object");
    gen_metrics_fields_read(record, &f);
    return gen_metrics_view_read(&f, out, why, why_bytes);
}
