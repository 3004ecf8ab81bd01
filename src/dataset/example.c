#include "dataset/example.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct gen_json *gen_turns_of(const struct gen_json *record)
{
    const struct gen_json *turns = gen_json_get(record, "messages");
    if (gen_json_type(turns) != GEN_JSON_ARRAY)
        turns = gen_json_get(record, "conversations");
    return gen_json_type(turns) == GEN_JSON_ARRAY ? turns : NULL;
}

enum gen_turn_role gen_turn_role(const struct gen_json *turn)
{
    static const struct {
        const char *name;
        enum gen_turn_role role;
    } names[] = {
        {"system", GEN_ROLE_SYSTEM},       {"developer", GEN_ROLE_SYSTEM},
        {"user", GEN_ROLE_USER},           {"human", GEN_ROLE_USER},
        {"assistant", GEN_ROLE_ASSISTANT}, {"gpt", GEN_ROLE_ASSISTANT},
        {"model", GEN_ROLE_ASSISTANT},
    };
    struct gen_str name = gen_json_get_str(turn, "role");
    if (!name.n)
        name = gen_json_get_str(turn, "from");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(name, names[i].name))
            return names[i].role;
    }
    return GEN_ROLE_OTHER;
}

static bool refuse(char *why, size_t why_bytes, const char *text)
{
    (void)snprintf(why, why_bytes, "%s", text);
    return false;
}

bool gen_think_split(struct gen_str text, struct gen_str *thought, struct gen_str *answer)
{
    const struct gen_str open = GEN_STR("<think>");
    const struct gen_str close = GEN_STR("</think>");
    struct gen_str s = gen_str_trim(text);
    size_t end = gen_str_starts(s, open) ? gen_str_find(s, close, open.n) : SIZE_MAX;
    if (end == SIZE_MAX)
        return false;
    struct gen_str rest = gen_str_trim(gen_str_sub(s, end + close.n, s.n));
    if (!rest.n)
        return false;
    *thought = gen_str_trim(gen_str_sub(s, open.n, end - open.n));
    *answer = rest;
    return true;
}

bool gen_turn_read(const struct gen_json *turn, struct gen_turn *out, char *why, size_t why_bytes)
{
    if (gen_json_type(turn) != GEN_JSON_OBJECT)
        return refuse(why, why_bytes, "a turn of the conversation is no object");
    const struct gen_json *content = gen_json_get(turn, "content");
    if (!content)
        content = gen_json_get(turn, "value");
    *out = (struct gen_turn){.role = gen_turn_role(turn)};
    if (gen_json_count(gen_json_get(turn, "tool_calls")) || out->role == GEN_ROLE_OTHER)
        return refuse(why, why_bytes,
                      "a turn of the conversation calls a tool or has another role "
                      "than system, user and assistant");
    if (!gen_json_as_str(content, &out->content))
        return refuse(why, why_bytes, "a turn of the conversation has no text");
    if (out->role != GEN_ROLE_ASSISTANT)
        return true;
    out->reasoning = gen_str_trim(gen_json_get_str(turn, "reasoning_content"));
    if (!out->reasoning.n)
        out->reasoning = gen_str_trim(gen_json_get_str(turn, "thinking"));
    if (!out->reasoning.n)
        (void)gen_think_split(out->content, &out->reasoning, &out->content);
    return true;
}

void gen_refuse(struct gen_refusal *r, const char *rule, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gen_utf8_vformat(r->why, sizeof(r->why), format, args);
    va_end(args);
    r->rule = rule;
}

static int add_turn(struct gen_example *e, const struct gen_turn *turn, struct gen_error *err)
{
    if (e->n_turns == e->n_allocated) {
        size_t n = e->n_allocated ? e->n_allocated * 2 : 8;
        struct gen_turn *turns = realloc(e->turns, n * sizeof(*turns));
        if (!turns)
            return gen_nomem(err, "the turns of a conversation");
        e->turns = turns;
        e->n_allocated = n;
    }
    e->turns[e->n_turns++] = *turn;
    return GEN_OK;
}

/* Why this turn cannot stand here; NULL when it can. */
static const char *misplaced(const struct gen_turn *turn, enum gen_turn_role expected)
{
    if (turn->role == GEN_ROLE_SYSTEM)
        return "a system message stands in the middle of the conversation";
    if (turn->role != expected)
        return "users and assistants do not take turns in it";
    if (!gen_str_trim(turn->content).n)
        return "a turn of the conversation is empty";
    return NULL;
}

static int read_conversation(struct gen_example *e, struct gen_refusal *refusal,
                             struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *value;
    bool is_first = true;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_turns_of(e->record));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &value)) {
        struct gen_turn turn;
        if (!gen_turn_read(value, &turn, refusal->why, sizeof(refusal->why))) {
            refusal->rule = "malformed_row";
            return GEN_OK;
        }
        bool is_system = is_first && turn.role == GEN_ROLE_SYSTEM;
        is_first = false;
        if (is_system) {
            e->system = turn.content;
            continue;
        }
        const char *why = misplaced(&turn, e->n_turns % 2 ? GEN_ROLE_ASSISTANT : GEN_ROLE_USER);
        if (why) {
            gen_refuse(refusal, "malformed_row", "%s", why);
            return GEN_OK;
        }
        rc = add_turn(e, &turn, err);
    }
    if (rc == GEN_OK && e->n_turns % 2)
        gen_refuse(refusal, "malformed_row", "the conversation does not end with the assistant");
    else if (rc == GEN_OK && !e->n_turns)
        gen_refuse(refusal, "malformed_row", "the conversation is empty");
    if (!gen_str_trim(e->system).n)
        e->system = gen_json_get_str(e->record, "system");
    return rc;
}

int gen_example_read(struct gen_example *e, const struct gen_json *record,
                     struct gen_refusal *refusal, struct gen_error *err)
{
    e->n_turns = 0;
    e->system = (struct gen_str){NULL, 0};
    e->record = record;
    refusal->rule = NULL;
    refusal->why[0] = '\0';
    e->kind = gen_record_kind(record);
    if (e->kind == GEN_RECORD_CONVERSATION) {
        int rc = read_conversation(e, refusal, err);
        if (rc || refusal->rule)
            return rc;
    }
    if (!gen_qa_view(record, &e->qa, refusal->why, sizeof(refusal->why))) {
        refusal->rule = "malformed_row";
        return GEN_OK;
    }
    e->source = e->qa.source;
    e->chunk_id = e->qa.chunk_id;
    if (e->kind == GEN_RECORD_CONVERSATION)
        return GEN_OK;
    const struct gen_turn user = {.role = GEN_ROLE_USER, .content = e->qa.question};
    const struct gen_turn assistant = {GEN_ROLE_ASSISTANT, e->qa.answer,
                                       gen_str_trim(e->qa.reasoning)};
    int rc = add_turn(e, &user, err);
    return rc ? rc : add_turn(e, &assistant, err);
}

bool gen_example_has_reasoning(const struct gen_example *e)
{
    for (size_t i = 0; i < e->n_turns; i++) {
        if (e->turns[i].reasoning.n)
            return true;
    }
    return false;
}

void gen_example_release(struct gen_example *e)
{
    free(e->turns);
    *e = (struct gen_example){.turns = NULL};
}
