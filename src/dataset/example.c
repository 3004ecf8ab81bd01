#include "dataset/example_int.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES_MAX ((size_t)256 << 20)
#define CALL_ID_BYTES   16

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
        {"system", GEN_ROLE_SYSTEM},
        {"developer", GEN_ROLE_SYSTEM},
        {"user", GEN_ROLE_USER},
        {"human", GEN_ROLE_USER},
        {"assistant", GEN_ROLE_ASSISTANT},
        {"gpt", GEN_ROLE_ASSISTANT},
        {"model", GEN_ROLE_ASSISTANT},
        {"tool", GEN_ROLE_TOOL},
        {"function_call", GEN_ROLE_ASSISTANT},
        {"observation", GEN_ROLE_TOOL},
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

bool gen_think_begin(struct gen_str text, struct gen_str *thought, struct gen_str *rest)
{
    const struct gen_str open = GEN_STR("<think>");
    const struct gen_str close = GEN_STR("</think>");
    struct gen_str s = gen_str_trim(text);
    size_t end = gen_str_starts(s, open) ? gen_str_find(s, close, open.n) : SIZE_MAX;
    if (end == SIZE_MAX)
        return false;
    *rest = gen_str_trim(gen_str_sub(s, end + close.n, s.n));
    *thought = gen_str_trim(gen_str_sub(s, open.n, end - open.n));
    return true;
}

bool gen_think_split(struct gen_str text, struct gen_str *thought, struct gen_str *answer)
{
    struct gen_str before;
    struct gen_str rest;
    if (!gen_think_begin(text, &before, &rest) || !rest.n)
        return false;
    *thought = before;
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
    if (gen_json_count(gen_json_get(turn, "tool_calls")) || out->role == GEN_ROLE_OTHER ||
        out->role == GEN_ROLE_TOOL || gen_str_is(gen_json_get_str(turn, "from"), "function_call"))
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

int gen_example_add_turn(struct gen_example *e, const struct gen_turn *turn, struct gen_error *err)
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
    e->n_masked += turn->is_masked;
    return GEN_OK;
}

struct gen_call *gen_example_calls(struct gen_example *e, size_t n)
{
    struct gen_call *calls = gen_arena_array(&e->arena, n, sizeof(*calls));
    for (size_t i = 0; calls && i < n; i++) {
        char id[CALL_ID_BYTES];
        (void)snprintf(id, sizeof(id), "call%05zu", (e->n_calls + i + 1) % 100000);
        calls[i].id = gen_arena_str(&e->arena, gen_str_from(id));
        if (!calls[i].id.p)
            return NULL;
    }
    e->n_calls += n;
    return calls;
}

int gen_example_parse(struct gen_example *e, struct gen_str text, const struct gen_json **out,
                      struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    *out = NULL;
    if (e->n_docs == e->n_docs_allocated) {
        size_t n = e->n_docs_allocated ? e->n_docs_allocated * 2 : 8;
        struct gen_json_doc **docs = realloc(e->docs, n * sizeof(struct gen_json_doc *));
        if (!docs)
            return gen_nomem(err, "the calls of a conversation");
        e->docs = docs;
        e->n_docs_allocated = n;
    }
    int rc = gen_json_parse(&doc, text, err);
    if (rc)
        return rc == GEN_ENOMEM ? rc : GEN_OK;
    e->docs[e->n_docs++] = doc;
    *out = gen_json_root(doc);
    return GEN_OK;
}

int gen_example_tools(struct gen_example *e, const struct gen_json *list,
                      struct gen_refusal *refusal, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *tool;
    size_t n = gen_json_count(list);
    if (!n)
        return GEN_OK;
    e->tools = gen_arena_array(&e->arena, n, sizeof(*e->tools));
    if (!e->tools)
        return gen_nomem(err, "the tools of a record");
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, NULL, &tool)) {
        const struct gen_json *function = gen_json_get(tool, "function");
        if (gen_json_type(function) != GEN_JSON_OBJECT)
            function = tool;
        const struct gen_json *parameters = gen_json_get(function, "parameters");
        struct gen_offered *offered = &e->tools[e->n_tools];
        offered->name = gen_json_get_str(function, "name");
        offered->description = gen_json_get_str(function, "description");
        offered->parameters = gen_json_type(parameters) == GEN_JSON_OBJECT ? parameters : NULL;
        if (!offered->name.n) {
            gen_refuse(refusal, "malformed_row", "tool %zu of \"tools\" has no name",
                       e->n_tools + 1);
            return GEN_OK;
        }
        e->n_tools++;
    }
    return GEN_OK;
}

const struct gen_offered *gen_example_tool(const struct gen_example *e, struct gen_str name)
{
    for (size_t i = 0; i < e->n_tools; i++) {
        if (gen_str_eq(e->tools[i].name, name))
            return &e->tools[i];
    }
    return NULL;
}

static void forget(struct gen_example *e)
{
    for (size_t i = 0; i < e->n_docs; i++)
        gen_json_doc_free(e->docs[i]);
    e->n_docs = 0;
    e->n_turns = e->n_tools = e->n_calls = e->n_masked = 0;
    e->system = e->id = e->source = e->chunk_id = (struct gen_str){NULL, 0};
    e->qa = (struct gen_qa_view){.kind = GEN_RECORD_NONE};
    e->tools = NULL;
    e->arena.bytes_max = ARENA_BYTES_MAX;
    gen_arena_reset(&e->arena);
    if (e->schemas)
        gen_json_memo_trim(e->schemas);
}

static int read_pair(struct gen_example *e, struct gen_refusal *refusal, struct gen_error *err)
{
    if (!gen_qa_view(e->record, &e->qa, refusal->why, sizeof(refusal->why))) {
        refusal->rule = "malformed_row";
        return GEN_OK;
    }
    e->source = e->qa.source;
    e->chunk_id = e->qa.chunk_id;
    const struct gen_turn user = {.role = GEN_ROLE_USER, .content = e->qa.question};
    const struct gen_turn assistant = {.role = GEN_ROLE_ASSISTANT,
                                       .content = e->qa.answer,
                                       .reasoning = gen_str_trim(e->qa.reasoning)};
    int rc = gen_example_add_turn(e, &user, err);
    return rc ? rc : gen_example_add_turn(e, &assistant, err);
}

int gen_example_read(struct gen_example *e, const struct gen_json *record,
                     struct gen_refusal *refusal, struct gen_error *err)
{
    forget(e);
    e->record = record;
    refusal->rule = NULL;
    refusal->why[0] = '\0';
    e->kind = gen_record_kind(record);
    if (e->kind == GEN_RECORD_CONVERSATION)
        return gen_example_of_conversation(e, refusal, err);
    if (e->kind == GEN_RECORD_TOOL)
        return gen_example_of_trajectory(e, refusal, err);
    return read_pair(e, refusal, err);
}

/* A turn with calls at `from`, its answers behind it: written anew as turns of at most `calls_max`.
 */
static int split_turn(struct gen_example *e, const struct gen_turn *turn,
                      const struct gen_turn *answers, size_t calls_max, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < turn->n_calls; i += calls_max) {
        struct gen_turn part = *turn;
        part.calls = turn->calls + i;
        part.n_calls = turn->n_calls - i < calls_max ? turn->n_calls - i : calls_max;
        if (i) {
            part.content = (struct gen_str){"", 0};
            part.reasoning = (struct gen_str){"", 0};
        }
        rc = gen_example_add_turn(e, &part, err);
        for (size_t k = 0; rc == GEN_OK && k < part.n_calls; k++)
            rc = gen_example_add_turn(e, &answers[i + k], err);
    }
    return rc;
}

int gen_example_limit_calls(struct gen_example *e, size_t calls_max, struct gen_refusal *refusal,
                            struct gen_error *err)
{
    bool is_over = false;
    size_t n = e->n_turns;
    refusal->rule = NULL;
    for (size_t i = 0; i < n; i++)
        is_over = is_over || (calls_max && e->turns[i].n_calls > calls_max);
    if (!is_over)
        return GEN_OK;
    if (e->turns[n - 1].n_calls > calls_max) {
        gen_refuse(refusal, "parallel_calls",
                   "it ends with %zu calls at once, and without what they gave they cannot be made "
                   "one after the other",
                   e->turns[n - 1].n_calls);
        return GEN_OK;
    }
    struct gen_turn *old = e->turns;
    e->turns = NULL;
    e->n_turns = e->n_allocated = e->n_masked = 0;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        if (old[i].n_calls > calls_max) {
            rc = split_turn(e, &old[i], &old[i + 1], calls_max, err);
            i += old[i].n_calls;
        } else {
            rc = gen_example_add_turn(e, &old[i], err);
        }
    }
    free(old);
    return rc;
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
    for (size_t i = 0; i < e->n_docs; i++)
        gen_json_doc_free(e->docs[i]);
    free(e->docs);
    free(e->turns);
    gen_json_memo_free(e->schemas);
    gen_arena_release(&e->arena);
    *e = (struct gen_example){.turns = NULL};
}
