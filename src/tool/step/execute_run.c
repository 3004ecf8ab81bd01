/* An example under execution, read from its record. */
#include "tool/step/execute_int.h"

#include <stdio.h>

static int copy(struct gen_exec_run *r, struct gen_str s, struct gen_str *out,
                struct gen_error *err)
{
    *out = gen_arena_str(&r->arena, s);
    return out->p || s.n == 0 ? GEN_OK : gen_nomem(err, "an example");
}

static int write_json(struct gen_exec_run *r, const struct gen_json *v, struct gen_str *out,
                      struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_write(&text, v, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK)
        rc = copy(r, gen_buf_str(&text), out, err);
    gen_buf_release(&text);
    return rc;
}

static int read_call(struct gen_exec_run *r, size_t i, bool is_begun, struct gen_error *err)
{
    const struct gen_tool_step *s = &r->t.steps[i];
    struct gen_exec_call *c = &r->calls[i];
    const struct gen_json *path =
        gen_json_get(gen_json_get(r->t.record, "solution"), "reasoning_path");
    *c = (struct gen_exec_call){
        .step = s->step,
        .turn = s->turn,
        .thought = s->thought,
        .tool = s->tool,
        .args = GEN_STR("{}"),
        .was = gen_json_at(path, i),
        .is_mutation = s->is_mutation,
    };
    if (is_begun) {
        c->status = s->status;
        c->observation = s->observation;
        (void)gen_json_as_bool(gen_json_get(c->was, "unsent"), &c->is_unsent);
    }
    int rc = s->args ? write_json(r, s->args, &c->args, err) : GEN_OK;
    if (rc == GEN_OK && s->sources)
        rc = write_json(r, s->sources, &c->sources, err);
    return rc;
}

static void read_facts(struct gen_exec_run *r, const struct gen_json *list)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, list);
    while (r->n_facts < GEN_EXEC_FACTS_MAX && gen_json_iter_next(&it, NULL, &v))
        r->facts[r->n_facts++] =
            (struct gen_exec_fact){gen_json_get_str(v, "name"), gen_json_get_str(v, "value")};
}

/* The values of the withheld parameters, when no reply was written. */
static int reply_of_blueprint(struct gen_exec_run *r, struct gen_str *out, struct gen_error *err)
{
    const struct gen_json *calls = gen_json_get(r->t.blueprint, "calls");
    const struct gen_json *args = gen_json_get(gen_json_at(calls, 0), "args");
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_iter it;
    const struct gen_json *name;
    struct gen_str s;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(r->t.blueprint, "withheld"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &name)) {
        struct gen_str word;
        const struct gen_json *v = gen_json_as_str(name, &s) ? gen_json_get_n(args, s) : NULL;
        if (!v)
            continue;
        if (text.n)
            rc = gen_buf_add_c(&text, ", ", err);
        if (rc == GEN_OK && gen_json_as_str(v, &word))
            rc = gen_buf_add_str(&text, word, err);
        else if (rc == GEN_OK)
            rc = gen_json_write(&text, v, GEN_JSON_COMPACT, err);
    }
    if (rc == GEN_OK)
        rc = copy(r, gen_buf_str(&text), out, err);
    gen_buf_release(&text);
    return rc;
}

/* An agent starts from the request alone: read_calls has given it no calls. */
static int begin(struct gen_exec_run *r, struct gen_error *err)
{
    if (!r->x->o.is_agent) {
        r->question_back = r->t.question_back;
        r->user_reply = r->t.user_reply;
        return GEN_OK;
    }
    if (r->t.category != GEN_TOOL_MISSING_PARAM)
        return GEN_OK;
    r->reply_held = r->t.user_reply;
    return r->reply_held.n ? GEN_OK : reply_of_blueprint(r, &r->reply_held, err);
}

static void go_on(struct gen_exec_run *r, const struct gen_json *state)
{
    r->question_back = r->t.question_back;
    r->user_reply = r->t.user_reply;
    r->reply_held = gen_json_get_str(state, "reply");
    (void)gen_json_as_bool(gen_json_get(state, "finishing"), &r->is_finishing);
    read_facts(r, gen_json_get(state, "facts"));
}

static int find_phase(struct gen_exec_run *r, struct gen_error *err)
{
    const struct gen_tool_execute_options *o = &r->x->o;
    if (!o->is_agent)
        return gen_exec_advance_plan(r, err);
    if (r->n_calls && r->calls[r->n_calls - 1].status == GEN_CALL_PENDING) {
        r->next = r->n_calls - 1;
        r->phase = o->mode == GEN_TOOL_SIMULATED ? GEN_EXEC_SIMULATE : GEN_EXEC_CALL;
    } else {
        r->phase = r->is_finishing ? GEN_EXEC_ANSWER : GEN_EXEC_STEP;
    }
    return GEN_OK;
}

static int read_calls(struct gen_exec_run *r, bool is_begun, struct gen_error *err)
{
    size_t n = r->x->o.is_agent && !is_begun ? 0 : r->t.n_steps;
    if (n > GEN_EXEC_STEPS_MAX)
        return gen_fail(err, GEN_ELIMIT, "a plan of %zu calls, more than %u", n,
                        GEN_EXEC_STEPS_MAX);
    r->calls = gen_arena_array(&r->arena, GEN_EXEC_STEPS_MAX + 1, sizeof(*r->calls));
    if (!r->calls)
        return gen_nomem(err, "the calls of an example");
    r->n_calls = n;
    int rc = GEN_OK;
    for (size_t i = 0; i < r->n_calls && rc == GEN_OK; i++)
        rc = read_call(r, i, is_begun, err);
    return rc;
}

static int name_example(struct gen_exec_run *r, const struct gen_item *item, struct gen_error *err)
{
    char row[40];
    r->example = r->t.id;
    if (r->example.n)
        return GEN_OK;
    (void)snprintf(row, sizeof(row), "row%06llu", (unsigned long long)item->position + 1);
    return copy(r, gen_str_from(row), &r->example, err);
}

int gen_exec_load(struct gen_exec_run *r, const struct gen_tool_execute *x,
                  const struct gen_item *item, struct gen_error *err)
{
    char why[160] = "";
    bool usable = false;
    memset(r, 0, sizeof(*r));
    r->x = x;
    r->arena = gen_arena_make(GEN_STEP_ARENA_BYTES_MAX);
    int rc = gen_json_parse(&r->doc, item->record, err);
    if (rc)
        return rc;
    rc = gen_trajectory_read(&r->t, gen_json_root(r->doc), &r->arena, &usable, why, sizeof(why),
                             err);
    if (rc == GEN_OK && !usable)
        rc = gen_fail(err, GEN_ESTATE, "a record that is no tool record reached execute: %s", why);
    const struct gen_json *state = gen_json_get(gen_json_root(r->doc), "_execution");
    if (rc == GEN_OK)
        rc = name_example(r, item, err);
    if (rc == GEN_OK)
        rc = read_calls(r, state != NULL, err);
    if (rc == GEN_OK && state)
        go_on(r, state);
    else if (rc == GEN_OK)
        rc = begin(r, err);
    return rc ? rc : find_phase(r, err);
}

void gen_exec_release(struct gen_exec_run *r)
{
    gen_toolset_free(r->offered);
    gen_json_doc_free(r->doc);
    gen_arena_release(&r->arena);
    memset(r, 0, sizeof(*r));
}

struct gen_exec_call *gen_exec_add(struct gen_exec_run *r)
{
    if (r->n_calls >= GEN_EXEC_STEPS_MAX)
        return NULL;
    struct gen_exec_call *c = &r->calls[r->n_calls++];
    *c = (struct gen_exec_call){.step = (int64_t)r->n_calls, .turn = (int64_t)r->n_calls};
    return c;
}

int gen_exec_tool(struct gen_exec_run *r, struct gen_str name, const struct gen_tool **tool,
                  struct gen_error *err)
{
    *tool = r->x->o.tools ? gen_toolset_find(r->x->o.tools, name) : NULL;
    if (*tool)
        return GEN_OK;
    if (r->t.tools && gen_json_count(r->t.tools)) {
        int rc = r->offered ? GEN_OK : gen_toolset_from_offered(&r->offered, r->t.tools, err);
        /* Definitions that cannot be compiled check nothing. */
        if (rc == GEN_ENOMEM)
            return rc;
        *tool = r->offered ? gen_toolset_find(r->offered, name) : NULL;
    }
    if (!*tool && r->x->o.executor && gen_executor_tools(r->x->o.executor))
        *tool = gen_toolset_find(gen_executor_tools(r->x->o.executor), name);
    return GEN_OK;
}

bool gen_exec_is_offered(const struct gen_exec_run *r, struct gen_str name)
{
    if (r->t.tools)
        return gen_trajectory_tool(&r->t, name) != NULL;
    return r->x->o.tools && gen_toolset_find(r->x->o.tools, name);
}

struct gen_str gen_exec_request(struct gen_exec_run *r)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str out = r->t.instruction;
    struct gen_str context = gen_json_get_str(r->t.blueprint, "context");
    if (r->user_reply.n == 0 && context.n == 0)
        return out;
    if (gen_buf_printf(&text, NULL, "%.*s\n%.*s\n%.*s", GEN_STR_ARG(r->t.instruction),
                       GEN_STR_ARG(r->user_reply), GEN_STR_ARG(context)) == GEN_OK)
        out = gen_arena_str(&r->arena, gen_str_trim(gen_buf_str(&text)));
    gen_buf_release(&text);
    return out;
}

int gen_exec_observations(struct gen_exec_run *r, struct gen_str **out, size_t *n,
                          struct gen_error *err)
{
    *out = gen_arena_array(&r->arena, r->n_calls + 1, sizeof(**out));
    if (!*out)
        return gen_nomem(err, "observations");
    *n = r->n_calls;
    for (size_t i = 0; i < r->n_calls; i++)
        (*out)[i] = r->calls[i].observation;
    return GEN_OK;
}

int gen_exec_settle(struct gen_exec_run *r, bool is_error, struct gen_str text,
                    struct gen_error *err)
{
    struct gen_exec_call *c = &r->calls[r->next];
    int rc = copy(r, text, &c->observation, err);
    if (rc)
        return rc;
    c->status = is_error ? GEN_CALL_FAILURE : GEN_CALL_SUCCESS;
    return find_phase(r, err);
}
