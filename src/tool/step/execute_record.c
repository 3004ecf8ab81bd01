/* The record of an example under execution, between its turns and at its end. */
#include "tool/step/execute_int.h"

static struct gen_jmut *write_call(struct gen_jb *b, const struct gen_exec_call *c, bool is_working)
{
    static const char *const states[] = {"pending", "success", "failure"};
    struct gen_jmut *o = c->was ? gen_jb_copy(b, c->was) : gen_jb_object(b);
    gen_jb_set(b, o, "step", gen_jb_int(b, c->step));
    if (!c->was)
        gen_jb_put_str(b, o, "thought", c->thought);
    gen_jb_set(b, o, "tool", gen_jb_str(b, c->tool));
    gen_jb_set(b, o, "args", gen_jb_raw(b, c->args));
    if (c->sources.n > 2)
        gen_jb_set(b, o, "sources", gen_jb_raw(b, c->sources));
    gen_jb_set(b, o, "status", gen_jb_str(b, gen_str_from(states[c->status])));
    gen_jb_remove(b, o, "actual_result");
    gen_jb_remove(b, o, "error_message");
    gen_jb_remove(b, o, "unsent");
    if (c->status == GEN_CALL_PENDING)
        return o;
    if (!c->is_unsent)
        gen_jb_put_str(b, o, "actual_result", c->observation);
    if (c->status == GEN_CALL_FAILURE)
        gen_jb_put_str(b, o, "error_message", c->observation);
    if (c->is_unsent && is_working)
        gen_jb_put_bool(b, o, "unsent", true);
    return o;
}

/* Behind "reasoning_path" as the description has it. */
static struct gen_jmut *write_solution(const struct gen_exec_run *r, struct gen_jb *b,
                                       bool is_working)
{
    struct gen_jmut *s = gen_jb_copy(b, gen_json_get(r->t.record, "solution"));
    struct gen_jmut *path = gen_jb_array(b);
    for (size_t i = 0; i < r->n_calls; i++)
        gen_jb_append(b, path, write_call(b, &r->calls[i], is_working));
    gen_jb_set(b, s, "reasoning_path", path);
    if (r->question_back.n) {
        struct gen_jmut *c = gen_jb_object(b);
        gen_jb_put_str(b, c, "question", r->question_back);
        gen_jb_put_str(b, c, "reply", r->user_reply);
        gen_jb_set(b, s, "clarification", c);
    } else {
        gen_jb_remove(b, s, "clarification");
    }
    return s;
}

struct gen_jmut *gen_exec_facts_json(const struct gen_exec_run *r, struct gen_jb *b)
{
    struct gen_jmut *facts = gen_jb_array(b);
    for (size_t i = 0; i < r->n_facts; i++) {
        struct gen_jmut *f = gen_jb_object(b);
        gen_jb_put_str(b, f, "name", r->facts[i].name);
        gen_jb_put_str(b, f, "value", r->facts[i].value);
        gen_jb_append(b, facts, f);
    }
    return facts;
}

static struct gen_jmut *write_state(const struct gen_exec_run *r, struct gen_jb *b)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "reply", r->reply_held);
    gen_jb_put_bool(b, o, "finishing", r->is_finishing);
    gen_jb_put(b, o, "facts", gen_exec_facts_json(r, b));
    return o;
}

int gen_exec_write(const struct gen_exec_run *r, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_copy(b, r->t.record);
    gen_jb_set(b, root, "solution", write_solution(r, b, true));
    gen_jb_set(b, root, "_execution", write_state(r, b));
    rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* ---- how it went ---- */

struct verdict {
    int64_t n_calls; /* that were sent */
    bool is_complete, has_failed, has_recovered, mutation_succeeded;
};

/* A failed call is forgiven when a later one of its tool, or the last call of all, went well. */
static bool is_made_good(const struct gen_exec_run *r, size_t i)
{
    for (size_t k = i + 1; k < r->n_calls; k++) {
        if (r->calls[k].status == GEN_CALL_SUCCESS &&
            (k + 1 == r->n_calls || gen_str_eq(r->calls[k].tool, r->calls[i].tool)))
            return true;
    }
    return false;
}

static struct verdict judge(const struct gen_exec_run *r)
{
    struct verdict v = {.is_complete = true};
    for (size_t i = 0; i < r->n_calls; i++) {
        const struct gen_exec_call *c = &r->calls[i];
        v.n_calls += c->status != GEN_CALL_PENDING && !c->is_unsent;
        v.is_complete = v.is_complete && c->status != GEN_CALL_PENDING;
        if (c->status == GEN_CALL_SUCCESS && c->is_mutation)
            v.mutation_succeeded = true;
        if (c->status != GEN_CALL_FAILURE)
            continue;
        if (c->is_mutation || (r->x->o.is_agent && is_made_good(r, i)))
            v.has_recovered = true;
        else
            v.has_failed = true;
    }
    return v;
}

static struct gen_jmut *write_result(const struct gen_exec_run *r, struct gen_jb *b,
                                     const struct verdict *v, bool is_success)
{
    struct gen_jmut *o = gen_jb_object(b);
    bool is_simulated = r->x->o.mode == GEN_TOOL_SIMULATED;
    gen_jb_put_bool(b, o, "success", is_success);
    if (is_simulated) {
        gen_jb_put_cstr(b, o, "mode", "simulated");
        gen_jb_put_bool(b, o, "simulated", true);
    } else {
        gen_jb_put_cstr(b, o, "mode", gen_executor_mode(r->x->o.executor));
        gen_jb_put_str(b, o, "server", gen_executor_server(r->x->o.executor));
    }
    gen_jb_put_int(b, o, "n_calls", v->n_calls);
    return o;
}

/* What an agent's calls teach may be another thing than what was planned. */
static enum gen_tool_category category_of(const struct gen_exec_run *r, const struct verdict *v)
{
    if (!r->x->o.is_agent || r->n_calls == 0 || v->has_failed)
        return r->t.category;
    if (v->has_recovered)
        return GEN_TOOL_ERROR_RECOVERY;
    if (r->t.category == GEN_TOOL_ERROR_RECOVERY || r->t.category == GEN_TOOL_CATEGORY_UNKNOWN)
        return r->n_calls > 1 ? GEN_TOOL_CHAIN : GEN_TOOL_SINGLE;
    return r->t.category;
}

/* The executed call that a planned one with references became; NULL: none did. */
static const struct gen_exec_call *find_executed(const struct gen_exec_run *r, struct gen_str tool,
                                                 size_t *from)
{
    for (size_t i = *from; i < r->n_calls; i++) {
        const struct gen_exec_call *c = &r->calls[i];
        if (!c->is_mutation && c->status == GEN_CALL_SUCCESS && gen_str_eq(c->tool, tool)) {
            *from = i + 1;
            return c;
        }
    }
    return NULL;
}

/* What was drawn, with the values in the place of the references: nothing of an executed record may
 * look like a placeholder to who reads it. */
static void write_blueprint(const struct gen_exec_run *r, struct gen_jb *b,
                            struct gen_jmut *metadata)
{
    struct gen_json_iter it;
    const struct gen_json *call;
    const struct gen_json *calls = gen_json_get(r->t.blueprint, "calls");
    size_t from = 0;
    if (!gen_args_have_placeholder(calls))
        return;
    struct gen_jmut *blueprint = gen_jb_copy(b, r->t.blueprint);
    struct gen_jmut *list = gen_jb_array(b);
    bool is_whole = true;
    gen_json_iter_init(&it, calls);
    while (gen_json_iter_next(&it, NULL, &call)) {
        const struct gen_exec_call *c = find_executed(r, gen_json_get_str(call, "tool"), &from);
        bool is_open = gen_args_have_placeholder(gen_json_get(call, "args"));
        struct gen_jmut *o = gen_jb_copy(b, call);
        is_whole = is_whole && (c || !is_open);
        if (c && is_open)
            gen_jb_set(b, o, "args", gen_jb_raw(b, c->args));
        gen_jb_append(b, list, o);
    }
    if (is_whole)
        gen_jb_set(b, blueprint, "calls", list);
    else
        gen_jb_remove(b, blueprint, "calls");
    gen_jb_set(b, metadata, "blueprint", blueprint);
}

static void write_metadata(const struct gen_exec_run *r, struct gen_jb *b, struct gen_jmut *root,
                           enum gen_tool_category c)
{
    const struct gen_json *metadata = gen_json_get(r->t.record, "metadata");
    struct gen_str planned = gen_json_get_str(metadata, "category");
    struct gen_jmut *m =
        gen_json_type(metadata) == GEN_JSON_OBJECT ? gen_jb_copy(b, metadata) : gen_jb_object(b);
    bool is_other = c != r->t.category && c != GEN_TOOL_CATEGORY_UNKNOWN;
    if (is_other)
        gen_jb_set(b, m, "category", gen_jb_str(b, gen_str_from(gen_tool_category_name(c))));
    if (is_other && planned.n)
        gen_jb_set(b, m, "category_planned", gen_jb_str(b, planned));
    write_blueprint(r, b, m);
    if (metadata || is_other)
        gen_jb_set(b, root, "metadata", m);
}

/* The tools that an agent could choose from belong to its example. */
static void write_tools(const struct gen_exec_run *r, struct gen_jb *b, struct gen_jmut *root)
{
    const struct gen_toolset *tools = r->x->o.tools;
    if (r->t.tools || !tools || !r->x->o.is_agent)
        return;
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < tools->n_tools; i++)
        gen_jb_append(b, list, gen_tool_offered(&tools->tools[i], b));
    gen_jb_set(b, root, "tools", list);
}

static int write_finished(const struct gen_exec_run *r, const struct verdict *v,
                          struct gen_str final_answer, bool is_success, struct gen_buf *out,
                          struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_copy(b, r->t.record);
    struct gen_jmut *s = write_solution(r, b, false);
    gen_jb_remove(b, root, "_execution");
    if (gen_json_get_str(r->t.record, "format").n == 0)
        gen_jb_put_cstr(b, root, "format", "tool");
    gen_jb_set(b, s, "final_answer", gen_jb_str(b, final_answer));
    gen_jb_set(b, s, "execution_validated", gen_jb_bool(b, is_success));
    if (r->x->o.is_agent ||
        gen_json_get_str(gen_json_get(r->t.record, "solution"), "method").n == 0)
        gen_jb_set(b, s, "method",
                   gen_jb_str(b, r->n_calls > 1 ? GEN_STR("multi") : GEN_STR("single")));
    gen_jb_set(b, root, "solution", s);
    write_tools(r, b, root);
    write_metadata(r, b, root, category_of(r, v));
    gen_jb_set(b, root, "execution_result", write_result(r, b, v, is_success));
    rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

int gen_exec_produce(struct gen_exec_run *r, struct gen_str final_answer, bool is_solved,
                     struct gen_outcome *o, struct gen_error *err)
{
    struct verdict v = judge(r);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    bool is_success = is_solved && v.is_complete && !v.has_failed && !v.mutation_succeeded;
    int rc = write_finished(r, &v, final_answer, is_success, &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_produce(o, 0, gen_buf_str(&out), err);
    gen_buf_release(&out);
    if (rc)
        return rc;
    if (v.has_failed)
        gen_outcome_note(o, "call_failed");
    if (v.mutation_succeeded)
        gen_outcome_note(o, "mutation_succeeded");
    if (r->x->o.is_agent && v.has_recovered)
        gen_outcome_note(o, "recovered_from_error");
    gen_exec_end(r);
    return GEN_OK;
}

int gen_exec_continue(const struct gen_exec_run *r, struct gen_outcome *o, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_exec_write(r, &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_continue(o, 0, gen_buf_str(&out), err);
    gen_buf_release(&out);
    /* The answer is written without the server. */
    if (rc == GEN_OK && r->phase == GEN_EXEC_ANSWER)
        gen_exec_end(r);
    return rc;
}

int gen_exec_continue_after_result(const struct gen_exec_run *r, struct gen_outcome *o,
                                   struct gen_error *err)
{
    if (!r->x->o.is_agent || !gen_agent_is_looping(r))
        return gen_exec_continue(r, o, err);
    gen_exec_filter(r, o, "loop");
    return GEN_OK;
}

void gen_exec_end(const struct gen_exec_run *r)
{
    if (r->x->o.executor)
        gen_executor_end(r->x->o.executor, r->example);
}

void gen_exec_filter(const struct gen_exec_run *r, struct gen_outcome *o, const char *rule)
{
    gen_outcome_filter(o, 0, rule);
    gen_exec_end(r);
}

void gen_exec_fail(const struct gen_exec_run *r, struct gen_outcome *o, const char *class_name,
                   const char *message)
{
    gen_outcome_fail(o, 0, class_name, message);
    gen_exec_end(r);
}
