/* A request solved call by call: the model sees each result before it chooses the next call. */
#include "tool/step/execute_int.h"

#include "base/utf8.h"

#define TOKENS_A_STEP 250
#define STEPS_DEFAULT 10U

const char *const gen_agent_names[GEN_AGENT_NAMES] = {"tools", "request", "calls",
                                                      "fence", "step",    "left"};

static size_t steps_max(const struct gen_exec_run *r)
{
    size_t n = r->x->o.steps_max ? r->x->o.steps_max : STEPS_DEFAULT;
    return n < GEN_EXEC_STEPS_MAX ? n : GEN_EXEC_STEPS_MAX;
}

/* ---- calls that lead nowhere ---- */

static bool is_same_call(const struct gen_exec_call *a, const struct gen_exec_call *b)
{
    return gen_str_eq(a->tool, b->tool) && gen_str_eq(a->args, b->args);
}

/* How many of the calls gave what an equal one before them had given. */
static size_t n_repeated(const struct gen_exec_run *r, size_t *last, size_t *of)
{
    size_t n = 0;
    for (size_t i = 1; i < r->n_calls; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!is_same_call(&r->calls[i], &r->calls[k]) ||
                !gen_str_eq(r->calls[i].observation, r->calls[k].observation))
                continue;
            n++;
            *last = i;
            *of = k;
            break;
        }
    }
    return n;
}

/* ---- asking ---- */

static int add_calls(struct gen_exec_run *r, struct gen_buf *out, struct gen_error *err)
{
    size_t last = 0;
    size_t of = 0;
    int rc = gen_buf_add_str(out, gen_exec_show_calls(r), err);
    if (rc == GEN_OK && n_repeated(r, &last, &of) && last + 1 == r->n_calls)
        rc = gen_buf_printf(out, err,
                            "\nStep %zu made the call of step %zu again, and the result is the "
                            "same. Do something else.",
                            last + 1, of + 1);
    return rc;
}

int gen_agent_ask(struct gen_exec_run *r, struct gen_question *q, struct gen_error *err)
{
    char fence[9];
    struct gen_buf calls = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t left = steps_max(r) > r->n_calls ? steps_max(r) - r->n_calls : 0;
    int rc = add_calls(r, &calls, err);
    gen_step_fence(gen_buf_str(&calls), fence);
    const struct gen_prompt_value values[GEN_AGENT_NAMES] = {
        {"tools", gen_exec_show_tools(r)},
        {"request", gen_exec_show_request(r)},
        {"calls", gen_buf_str(&calls)},
        {"fence", gen_str_from(fence)},
        {"step", gen_step_number(&r->arena, (int64_t)r->n_calls + 1)},
        {"left", gen_step_number(&r->arena, (int64_t)left)},
    };
    q->inputs.task = GEN_TASK_TOOL_STEP;
    q->inputs.seed = r->x->o.seed;
    q->tokens_out_max = gen_step_tokens(&r->x->common, 1, TOKENS_A_STEP);
    if (rc == GEN_OK)
        rc = gen_exec_inputs(r, q->scratch, &q->inputs.record, err);
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, r->x->step.prompt, values, GEN_AGENT_NAMES, err);
    gen_buf_release(&calls);
    return rc;
}

/* ---- a call that was chosen ---- */

/* One argument's origin; `sources` gets it. */
static int trace_argument(struct gen_exec_run *r, const struct gen_tool *tool, struct gen_str name,
                          const struct gen_json *value, struct gen_jb *b, struct gen_jmut *sources,
                          struct gen_faults *f, struct gen_error *err)
{
    enum gen_origin origin = GEN_ORIGIN_NONE;
    struct gen_str *observations = NULL;
    struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    size_t step = 0;
    int rc = gen_exec_observations(r, &observations, &n, err);
    if (rc == GEN_OK)
        rc = gen_origin_find(tool, name, value, gen_exec_request(r), observations, n, &origin,
                             &where, &step, err);
    if (rc == GEN_OK && origin == GEN_ORIGIN_NONE) {
        rc = gen_faults_add(f, "invented_argument", err,
                            "arguments/%.*s: the value is neither in the request nor in a result; "
                            "take it from there, or find it out, or leave it out",
                            GEN_STR_ARG(gen_utf8_prefix(name, 64)));
    } else if (rc == GEN_OK) {
        gen_jb_put_n(b, sources, name,
                     gen_source_json(b, origin, gen_buf_str(&where), (int64_t)step));
    }
    gen_buf_release(&where);
    return rc;
}

static int check_arguments(struct gen_exec_run *r, const struct gen_tool *tool,
                           const struct gen_json *args, struct gen_exec_call *call,
                           struct gen_faults *f, struct gen_error *err)
{
    bool valid = false;
    struct gen_jb *b = NULL;
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_exec_check_args(tool, args, &valid, &text, err);
    if (rc == GEN_OK && !valid)
        rc = gen_faults_add(f, "schema_invalid", err, "arguments%.*s",
                            GEN_STR_ARG(gen_str_trim(gen_buf_str(&text))));
    gen_buf_clear(&text);
    if (rc == GEN_OK && valid)
        rc = gen_jb_new(&b, err);
    if (rc || !valid) {
        gen_buf_release(&text);
        return rc;
    }
    struct gen_jmut *sources = gen_jb_object(b);
    gen_json_iter_init(&it, args);
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v))
        rc = trace_argument(r, tool, name, v, b, sources, f, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, sources, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        call->sources = gen_arena_str(&r->arena, gen_buf_str(&text));
    gen_buf_release(&text);
    gen_jb_free(b);
    return rc;
}

/* Pairs of strings become the object that is sent. */
static int read_arguments(struct gen_exec_run *r, const struct gen_tool *tool,
                          const struct gen_json *pairs, struct gen_exec_call *call,
                          struct gen_faults *f, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_jmut *args = NULL;
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = gen_tool_coerce(tool, pairs, b, &args, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, args, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        call->args = gen_arena_str(&r->arena, gen_buf_str(&text));
    if (rc == GEN_OK)
        rc = check_arguments(r, tool, gen_json_root(doc), call, f, err);
    gen_json_doc_free(doc);
    gen_jb_free(b);
    gen_buf_release(&text);
    return rc;
}

/* Whether the tool may be called at all is known before the server refuses it. */
static int check_tool(struct gen_exec_run *r, struct gen_str name, const struct gen_tool **tool,
                      struct gen_faults *f, struct gen_error *err)
{
    struct gen_buf why = gen_buf_make(GEN_BUF_UNLIMITED);
    bool allowed = true;
    int rc = GEN_OK;
    *tool = NULL;
    if (!gen_exec_is_offered(r, name)) {
        return gen_faults_add(f, "unknown_tool", err, "tool: \"%.*s\" is none of the tools given",
                              GEN_STR_ARG(gen_utf8_prefix(name, 64)));
    }
    rc = gen_exec_tool(r, name, tool, err);
    if (rc == GEN_OK && *tool && r->x->o.executor)
        rc = gen_executor_allows(r->x->o.executor, name, &allowed, &why, err);
    if (rc == GEN_OK && !*tool)
        rc = gen_faults_add(f, "unknown_tool", err,
                            "tool: its definition cannot be read; choose another");
    if (rc == GEN_OK && !allowed)
        rc = gen_faults_add(f, "tool_not_allowed", err, "tool: it may not be called here: %.*s",
                            GEN_STR_ARG(gen_buf_str(&why)));
    gen_buf_release(&why);
    return rc;
}

/* A thought or a message: `place` names it. */
static int check_words(struct gen_str text, const char *place, const char *rule_if_empty,
                       struct gen_faults *f, struct gen_error *err)
{
    if (text.n == 0)
        return gen_faults_add(f, rule_if_empty, err, "%s: it is empty", place);
    if (gen_text_has_left_overs(text))
        return gen_faults_add(f, "left_overs", err, "%s: it holds placeholders or marks of a chat",
                              place);
    return GEN_OK;
}

static int accept_call(struct gen_exec_run *r, const struct gen_json *answer, struct gen_faults *f,
                       struct gen_outcome *o, struct gen_error *err)
{
    const struct gen_tool *tool = NULL;
    struct gen_str name = gen_str_trim(gen_json_get_str(answer, "tool"));
    struct gen_exec_call call = {
        .thought = gen_str_trim(gen_json_get_str(answer, "thought")),
        .args = GEN_STR("{}"),
    };
    if (r->n_calls >= steps_max(r))
        return gen_faults_add(f, "too_many_steps", err,
                              "action: no steps are left; finish with what is known, or say "
                              "\"cannot_do\"");
    int rc = check_words(call.thought, "thought", "empty_thought", f, err);
    if (rc == GEN_OK)
        rc = check_tool(r, name, &tool, f, err);
    if (rc == GEN_OK && tool)
        rc = read_arguments(r, tool, gen_json_get(answer, "arguments"), &call, f, err);
    if (rc || f->rule)
        return rc;
    struct gen_exec_call *added = gen_exec_add(r);
    if (!added)
        return gen_fail(err, GEN_ESTATE, "an agent with more calls than there is room for");
    call.step = added->step;
    call.turn = added->turn;
    call.tool = gen_arena_str(&r->arena, name);
    *added = call;
    return gen_exec_continue(r, o, err);
}

/* ---- the other actions ---- */

static int accept_finish(struct gen_exec_run *r, struct gen_str message, struct gen_faults *f,
                         struct gen_outcome *o, struct gen_error *err)
{
    if (r->n_calls) {
        r->is_finishing = true;
        r->phase = GEN_EXEC_ANSWER;
        return gen_exec_continue(r, o, err);
    }
    /* What needs no tool is answered at once. */
    int rc = check_words(message, "message", "empty_message", f, err);
    if (rc || f->rule)
        return rc;
    rc = gen_exec_produce(r, message, true, o, err);
    if (rc == GEN_OK)
        gen_outcome_note(o, "answered_without_tools");
    return rc;
}

static int accept_question(struct gen_exec_run *r, struct gen_str message, struct gen_faults *f,
                           struct gen_outcome *o, struct gen_error *err)
{
    int rc = check_words(message, "message", "empty_message", f, err);
    if (rc || f->rule)
        return rc;
    if (r->reply_held.n) {
        r->question_back = message;
        r->user_reply = r->reply_held;
        r->reply_held = GEN_STR("");
        return gen_exec_continue(r, o, err);
    }
    rc = gen_exec_produce(r, message, false, o, err);
    if (rc == GEN_OK)
        gen_outcome_note(o, "asked_user");
    return rc;
}

static int accept_refusal(struct gen_exec_run *r, struct gen_str message, struct gen_faults *f,
                          struct gen_outcome *o, struct gen_error *err)
{
    int rc = check_words(message, "message", "empty_message", f, err);
    if (rc || f->rule)
        return rc;
    bool is_right = r->t.category == GEN_TOOL_IRRELEVANCE;
    rc = gen_exec_produce(r, message, is_right, o, err);
    if (rc == GEN_OK)
        gen_outcome_note(o, is_right ? "refused_irrelevance" : "cannot_do");
    return rc;
}

static int accept_action(struct gen_exec_run *r, const struct gen_json *answer,
                         struct gen_faults *f, struct gen_outcome *o, struct gen_error *err)
{
    struct gen_str action = gen_json_get_str(answer, "action");
    struct gen_str message = gen_str_trim(gen_json_get_str(answer, "message"));
    if (gen_str_is(action, "call"))
        return accept_call(r, answer, f, o, err);
    if (gen_str_is(action, "finish"))
        return accept_finish(r, message, f, o, err);
    if (gen_str_is(action, "ask_user"))
        return accept_question(r, message, f, o, err);
    return accept_refusal(r, message, f, o, err);
}

int gen_agent_accept(struct gen_exec_run *r, const struct gen_json *answer, struct gen_outcome *o,
                     struct gen_error *err)
{
    struct gen_faults f = gen_faults_make();
    int rc = accept_action(r, answer, &f, o, err);
    if (rc == GEN_OK && f.rule) {
        if (!gen_outcome_is_last_try(o))
            rc = gen_outcome_ask_again(o, gen_buf_str(&f.text), err);
        else if (strcmp(f.rule, "too_many_steps") == 0)
            gen_exec_fail(r, o, f.rule, "the request was not solved in the steps allowed");
        else
            gen_exec_filter(r, o, f.rule);
    }
    gen_faults_release(&f);
    return rc;
}

bool gen_agent_is_looping(const struct gen_exec_run *r)
{
    size_t last = 0;
    size_t of = 0;
    return n_repeated(r, &last, &of) >= 2 && last + 1 == r->n_calls;
}
