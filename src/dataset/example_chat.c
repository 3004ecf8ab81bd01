/* Conversations of others: messages of role and content with tool_calls, and ShareGPT's from and
 * value with function_call and observation. */
#include "dataset/example_int.h"

struct reader {
    struct gen_example *e;
    struct gen_refusal *refusal;
    struct gen_error *err;
    /* The calls of the last turn, until they are answered. */
    const struct gen_call *calls;
    struct gen_str *ids;      /* as the row has them */
    struct gen_turn *answers; /* in the order of the calls */
    size_t n_calls, n_answers;
    enum gen_turn_role before; /* GEN_ROLE_SYSTEM: nothing */
};

static int malformed(struct reader *r, const char *why)
{
    gen_refuse(r->refusal, "malformed_row", "%s", why);
    return GEN_OK;
}

/* ---- calls ---- */

/* Arguments are an object, or a string that holds one; none is fine. */
static int read_args(struct reader *r, const struct gen_json *args, const struct gen_json **out)
{
    struct gen_str text;
    int rc = GEN_OK;
    *out = NULL;
    if (gen_json_as_str(args, &text)) {
        if (!gen_str_trim(text).n)
            return GEN_OK;
        rc = gen_example_parse(r->e, text, &args, r->err);
        if (rc)
            return rc;
        if (!args)
            return malformed(r, "the arguments of a call are a string that is no JSON");
    }
    if (gen_json_type(args) > GEN_JSON_NULL && gen_json_type(args) != GEN_JSON_OBJECT)
        return malformed(r, "the arguments of a call are no object");
    if (gen_json_count(args))
        *out = args;
    return rc;
}

/* {"id","type","function":{"name","arguments"}}, or without the wrapping. */
static int read_call(struct reader *r, const struct gen_json *v, struct gen_call *call,
                     struct gen_str *id)
{
    const struct gen_json *function = gen_json_get(v, "function");
    if (gen_json_type(function) != GEN_JSON_OBJECT)
        function = v;
    call->name = gen_json_get_str(function, "name");
    *id = gen_json_get_str(v, "id");
    if (!call->name.n)
        return malformed(r, "a call has no name");
    return read_args(r, gen_json_get(function, "arguments"), &call->args);
}

static int read_calls(struct reader *r, const struct gen_json *list, size_t n,
                      struct gen_turn *turn)
{
    struct gen_call *calls = gen_example_calls(r->e, n);
    r->ids = gen_arena_array(&r->e->arena, n, sizeof(*r->ids));
    r->answers = gen_arena_array(&r->e->arena, n, sizeof(*r->answers));
    if (!calls || !r->ids || !r->answers)
        return gen_nomem(r->err, "the calls of a conversation");
    int rc = GEN_OK;
    if (gen_json_type(list) == GEN_JSON_ARRAY) {
        struct gen_json_iter it;
        const struct gen_json *v;
        gen_json_iter_init(&it, list);
        for (size_t i = 0; rc == GEN_OK && !r->refusal->rule && gen_json_iter_next(&it, NULL, &v);
             i++)
            rc = read_call(r, v, &calls[i], &r->ids[i]);
    } else {
        rc = read_call(r, list, &calls[0], &r->ids[0]);
    }
    r->calls = turn->calls = calls;
    r->n_calls = turn->n_calls = n;
    r->n_answers = 0;
    return rc;
}

/* The value of a function_call: {"name","arguments"} or a list of them; only a thought in think
 * tags may stand in front. */
static int read_function_call(struct reader *r, struct gen_turn *turn)
{
    const struct gen_json *calls = NULL;
    (void)gen_think_begin(turn->content, &turn->reasoning, &turn->content);
    int rc = gen_example_parse(r->e, turn->content, &calls, r->err);
    if (rc)
        return rc;
    size_t n = gen_json_type(calls) == GEN_JSON_ARRAY ? gen_json_count(calls) : 1;
    if (gen_json_type(calls) < GEN_JSON_ARRAY || !n)
        return malformed(r, "a function_call holds no call as JSON");
    turn->content = (struct gen_str){"", 0};
    return read_calls(r, calls, n, turn);
}

/* ---- answers ---- */

static int put_answer(struct reader *r, size_t i, struct gen_str text)
{
    r->answers[i] =
        (struct gen_turn){.role = GEN_ROLE_TOOL, .content = text, .answers = &r->calls[i]};
    r->n_answers++;
    int rc = GEN_OK;
    for (size_t k = 0; rc == GEN_OK && r->n_answers == r->n_calls && k < r->n_calls; k++)
        rc = gen_example_add_turn(r->e, &r->answers[k], r->err);
    return rc;
}

/* One observation answers all calls of a turn: a list with one result each. */
static int split_observation(struct reader *r, struct gen_str text)
{
    const struct gen_json *list = NULL;
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = gen_example_parse(r->e, text, &list, r->err);
    if (rc)
        return rc;
    if (gen_json_type(list) != GEN_JSON_ARRAY || gen_json_count(list) != r->n_calls) {
        gen_refuse(r->refusal, "call_unanswered",
                   "an observation stands for %zu calls and is no list of %zu results", r->n_calls,
                   r->n_calls);
        return GEN_OK;
    }
    gen_json_iter_init(&it, list);
    for (size_t i = 0; rc == GEN_OK && gen_json_iter_next(&it, NULL, &v); i++) {
        struct gen_str part;
        if (!gen_json_as_str(v, &part)) {
            struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
            rc = gen_json_write(&json, v, GEN_JSON_COMPACT, r->err);
            part = gen_arena_str(&r->e->arena, gen_buf_str(&json));
            gen_buf_release(&json);
            if (rc == GEN_OK && !part.p)
                rc = gen_nomem(r->err, "an observation");
        }
        if (rc == GEN_OK)
            rc = put_answer(r, i, part);
    }
    return rc;
}

static int read_answer(struct reader *r, const struct gen_json *v, const struct gen_turn *turn)
{
    struct gen_str id = gen_json_get_str(v, "tool_call_id");
    bool is_sharegpt = gen_json_get_str(v, "from").n > 0;
    if (r->n_answers >= r->n_calls) {
        gen_refuse(r->refusal, "unknown_call_id", "a result of a tool answers no call");
        return GEN_OK;
    }
    if (is_sharegpt && r->n_calls > 1)
        return split_observation(r, turn->content);
    for (size_t i = 0; i < r->n_calls; i++) {
        bool is_open = !r->answers[i].answers;
        if (is_open && (!id.n || !r->ids[i].n || gen_str_eq(r->ids[i], id)))
            return put_answer(r, i, turn->content);
    }
    gen_refuse(r->refusal, "unknown_call_id",
               "a result is of the call \"%.*s\", which was not made or has one already",
               GEN_STR_ARG(gen_str_sub(id, 0, 64)));
    return GEN_OK;
}

/* ---- turns ---- */

static bool is_unlearned(const struct gen_json *v)
{
    int64_t weight = 1;
    bool trains = true;
    (void)gen_json_as_int(gen_json_get(v, "weight"), &weight);
    (void)gen_json_as_bool(gen_json_get(v, "train"), &trains);
    return weight == 0 || !trains;
}

/* Text of an assistant that calls tools may be missing or null. */
static int read_text(struct reader *r, const struct gen_json *v, bool calls, struct gen_turn *turn)
{
    const struct gen_json *content = gen_json_get(v, "content");
    if (!content)
        content = gen_json_get(v, "value");
    turn->content = (struct gen_str){"", 0};
    if (gen_json_as_str(content, &turn->content))
        return GEN_OK;
    return calls && gen_json_type(content) <= GEN_JSON_NULL
               ? GEN_OK
               : malformed(r, "a turn of the conversation has no text");
}

static void read_reasoning(const struct gen_json *v, struct gen_turn *turn)
{
    turn->reasoning = gen_str_trim(gen_json_get_str(v, "reasoning_content"));
    if (!turn->reasoning.n)
        turn->reasoning = gen_str_trim(gen_json_get_str(v, "thinking"));
    if (turn->reasoning.n)
        return;
    if (turn->n_calls)
        (void)gen_think_begin(turn->content, &turn->reasoning, &turn->content);
    else
        (void)gen_think_split(turn->content, &turn->reasoning, &turn->content);
}

static int read_assistant(struct reader *r, const struct gen_json *v, struct gen_turn *turn)
{
    const struct gen_json *calls = gen_json_get(v, "tool_calls");
    int rc = GEN_OK;
    r->n_calls = r->n_answers = 0;
    if (gen_str_is(gen_json_get_str(v, "from"), "function_call"))
        rc = read_function_call(r, turn);
    else if (gen_json_type(calls) == GEN_JSON_ARRAY && gen_json_count(calls))
        rc = read_calls(r, calls, gen_json_count(calls), turn);
    if (rc || r->refusal->rule)
        return rc;
    if (!turn->reasoning.n)
        read_reasoning(v, turn);
    if (!turn->n_calls && !gen_str_trim(turn->content).n)
        return malformed(r, "a turn of the conversation is empty");
    turn->is_masked = is_unlearned(v);
    return gen_example_add_turn(r->e, turn, r->err);
}

/* Why this turn cannot stand here; NULL when it can. */
static const char *misplaced(const struct reader *r, enum gen_turn_role role)
{
    bool is_first = r->before == GEN_ROLE_SYSTEM;
    bool is_spoken = r->before == GEN_ROLE_ASSISTANT;
    if (role == GEN_ROLE_SYSTEM)
        return "a system message stands in the middle of the conversation";
    if (role == GEN_ROLE_OTHER)
        return "a turn of the conversation has another role than system, user, assistant and tool";
    if (role == GEN_ROLE_TOOL)
        return NULL;
    if (role == GEN_ROLE_USER ? !is_first && !is_spoken : is_first || is_spoken)
        return "users and assistants do not take turns in it";
    return NULL;
}

static int read_turn(struct reader *r, const struct gen_json *v)
{
    struct gen_turn turn = {.role = gen_turn_role(v)};
    if (gen_json_type(v) != GEN_JSON_OBJECT)
        return malformed(r, "a turn of the conversation is no object");
    bool calls = turn.role == GEN_ROLE_ASSISTANT && gen_json_count(gen_json_get(v, "tool_calls"));
    const char *why = misplaced(r, turn.role);
    if (why)
        return malformed(r, why);
    if (turn.role != GEN_ROLE_TOOL && r->n_answers < r->n_calls) {
        gen_refuse(r->refusal, "call_unanswered",
                   "%zu of the calls of a turn have no answer before the next one",
                   r->n_calls - r->n_answers);
        return GEN_OK;
    }
    int rc = read_text(r, v, calls, &turn);
    if (rc || r->refusal->rule)
        return rc;
    r->before = turn.role;
    if (turn.role == GEN_ROLE_TOOL)
        return read_answer(r, v, &turn);
    if (turn.role == GEN_ROLE_ASSISTANT)
        return read_assistant(r, v, &turn);
    if (!gen_str_trim(turn.content).n)
        return malformed(r, "a turn of the conversation is empty");
    return gen_example_add_turn(r->e, &turn, r->err);
}

static void check_end(struct reader *r)
{
    const struct gen_example *e = r->e;
    bool ends = e->n_turns && r->before == GEN_ROLE_ASSISTANT;
    if (!e->n_turns)
        (void)malformed(r, "the conversation is empty");
    else if (!ends)
        (void)malformed(r, "the conversation does not end with the assistant");
}

static int read_tools(struct reader *r)
{
    const struct gen_json *tools = gen_json_get(r->e->record, "tools");
    struct gen_str text;
    if (gen_json_as_str(tools, &text)) {
        if (!gen_str_trim(text).n)
            return GEN_OK;
        int rc = gen_example_parse(r->e, text, &tools, r->err);
        if (rc)
            return rc;
    }
    if (gen_json_type(tools) != GEN_JSON_ARRAY && gen_json_type(tools) != GEN_JSON_NULL &&
        gen_json_get(r->e->record, "tools"))
        return malformed(r, "its \"tools\" are no list");
    return gen_example_tools(r->e, tools, r->refusal, r->err);
}

static void read_around(struct gen_example *e)
{
    e->qa.kind = GEN_RECORD_CONVERSATION;
    for (size_t i = 0; i < e->n_turns; i++) {
        const struct gen_turn *turn = &e->turns[i];
        if (turn->role == GEN_ROLE_USER)
            e->qa.question = turn->content;
        if (turn->role == GEN_ROLE_ASSISTANT) {
            e->qa.answer = turn->content;
            e->qa.reasoning = turn->reasoning;
        }
    }
    e->chunk_id = e->qa.chunk_id = gen_json_get_str(e->record, "chunk_id");
    e->qa.source = gen_json_get_str(e->record, "source");
    if (!e->qa.source.n)
        e->qa.source = gen_json_get_str(e->record, "source_file");
    e->source = e->qa.source;
    if (!gen_str_trim(e->system).n)
        e->system = gen_json_get_str(e->record, "system");
}

int gen_example_of_conversation(struct gen_example *e, struct gen_refusal *refusal,
                                struct gen_error *err)
{
    struct reader r = {.e = e, .refusal = refusal, .err = err, .before = GEN_ROLE_SYSTEM};
    struct gen_json_iter it;
    const struct gen_json *v;
    bool is_first = true;
    int rc = read_tools(&r);
    gen_json_iter_init(&it, gen_turns_of(e->record));
    while (rc == GEN_OK && !refusal->rule && gen_json_iter_next(&it, NULL, &v)) {
        bool is_system = is_first && gen_turn_role(v) == GEN_ROLE_SYSTEM;
        is_first = false;
        if (is_system) {
            struct gen_turn turn;
            rc = read_text(&r, v, false, &turn);
            e->system = turn.content;
        } else {
            rc = read_turn(&r, v);
        }
    }
    if (rc || refusal->rule)
        return rc;
    check_end(&r);
    read_around(e);
    return GEN_OK;
}
