/* The stage "execute": calls are made one by one, for real or by a model in the tool's place, and
 * the final answer is written from what came back. Each turn begins from the item's record alone,
 * so that a run that was killed finds all it did in the ledger. */
#include "base/hash.h"
#include "tool/step/execute_int.h"

#include <stdlib.h>

#define CALLS_BEFORE_MAX (GEN_EXEC_STEPS_MAX * 2)
#define OFFERED_MAX      64U /* of a whole file, to an agent whose row names none */

/* An action under way at the executor. */
struct gen_exec_pending {
    struct gen_exec_pending *next;
    struct gen_tool_execute *x;
    struct gen_action *action;
    struct gen_execution *execution;
    char *example;
};

/* ---- what is due ---- */

static const struct gen_step_prompt *prompt_of(const struct gen_tool_execute *x,
                                               enum gen_exec_phase phase)
{
    if (phase == GEN_EXEC_STEP)
        return &x->step;
    return phase == GEN_EXEC_SIMULATE ? &x->simulation : &x->answer;
}

/* Only a lack of memory, which the next call of the step reports, leaves it unknown. */
static const struct gen_step_prompt *prompt_due(struct gen_tool_execute *x,
                                                const struct gen_item *item)
{
    struct gen_exec_run r;
    uint64_t hash = gen_hash64(item->record, 0);
    if (x->due && hash == x->due_hash && item->record.n == x->due_bytes)
        return x->due;
    x->due = NULL;
    if (gen_exec_load(&r, x, item, NULL) == GEN_OK) {
        x->due_hash = hash;
        x->due_bytes = item->record.n;
        x->due = prompt_of(x, r.phase);
    }
    gen_exec_release(&r);
    return x->due ? x->due : &x->answer;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    return &prompt_due(ud, item)->stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    return prompt_due(ud, item)->schema;
}

static const char *rule_of_plan(const struct gen_trajectory *t, bool *is_skip)
{
    if (t->n_steps > GEN_EXEC_STEPS_MAX)
        return "too_many_steps";
    if (t->n_steps)
        return NULL;
    if (t->final_answer.n == 0)
        return "no_plan";
    /* A refusal or an answer without tools: there is nothing to execute. */
    *is_skip = true;
    return "no_calls";
}

static const char *rule_of(const struct gen_tool_execute *x, const struct gen_trajectory *t,
                           bool *is_skip)
{
    /* Observations are believed that this run has seen, not those that an input claims. */
    if (gen_json_get(t->record, "_execution"))
        return "malformed_row";
    if (gen_json_count(gen_json_get(t->blueprint, "setup")) > GEN_EXEC_STEPS_MAX)
        return "too_many_steps";
    if (!x->o.is_agent)
        return rule_of_plan(t, is_skip);
    if (gen_json_count(t->tools))
        return NULL;
    if (!x->o.tools)
        return "no_tools_offered";
    return x->o.tools->n_tools > OFFERED_MAX ? "too_many_tools_offered" : NULL;
}

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    struct gen_arena arena = gen_arena_make(GEN_STEP_ARENA_BYTES_MAX);
    struct gen_json_doc *doc = NULL;
    struct gen_trajectory t;
    char why[160];
    bool usable = false;
    const char *rule = "malformed_row";
    *is_skip = false;
    if (gen_json_parse(&doc, item->record, NULL) == GEN_OK &&
        gen_trajectory_read(&t, gen_json_root(doc), &arena, &usable, why, sizeof(why), NULL) ==
            GEN_OK)
        rule = usable ? rule_of(ud, &t, is_skip) : "not_a_tool_record";
    gen_json_doc_free(doc);
    gen_arena_release(&arena);
    return rule;
}

/* ---- the model ---- */

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_exec_run r;
    (void)n;
    int rc = gen_exec_load(&r, ud, items[0], err);
    if (rc == GEN_OK && r.phase == GEN_EXEC_STEP)
        rc = gen_agent_ask(&r, q, err);
    else if (rc == GEN_OK && r.phase == GEN_EXEC_SIMULATE)
        rc = gen_simulate_ask(&r, q, err);
    else if (rc == GEN_OK)
        rc = gen_answer_ask(&r, q, err);
    gen_exec_release(&r);
    return rc;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    struct gen_exec_run r;
    (void)n;
    int rc = gen_exec_load(&r, ud, items[0], err);
    if (rc == GEN_OK && r.phase == GEN_EXEC_STEP)
        rc = gen_agent_accept(&r, answer, o, err);
    else if (rc == GEN_OK && r.phase == GEN_EXEC_SIMULATE)
        rc = gen_simulate_accept(&r, answer, o, err);
    else if (rc == GEN_OK)
        rc = gen_answer_accept(&r, answer, o, err);
    gen_exec_release(&r);
    return rc;
}

/* ---- actions ---- */

static void put_call(struct gen_jb *b, struct gen_jmut *list, struct gen_str tool,
                     struct gen_jmut *args)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "tool", tool);
    gen_jb_put(b, o, "args", args);
    gen_jb_append(b, list, o);
}

static int action(void *ud, const struct gen_item *item, struct gen_buf *text,
                  struct gen_error *err)
{
    const struct gen_tool_execute *x = ud;
    struct gen_exec_run r;
    struct gen_jb *b = NULL;
    int rc = gen_exec_load(&r, x, item, err);
    if (rc || r.phase != GEN_EXEC_CALL)
        goto done;
    rc = gen_jb_new(&b, err);
    if (rc)
        goto done;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *before = gen_jb_array(b);
    struct gen_jmut *call = gen_jb_array(b);
    const struct gen_json *setup = gen_json_get(r.t.blueprint, "setup");
    gen_jb_put_str(b, root, "example", r.example);
    if (setup)
        gen_jb_put(b, root, "setup", gen_jb_copy(b, setup));
    for (size_t i = 0; i < r.next; i++) {
        if (!r.calls[i].is_unsent)
            put_call(b, before, r.calls[i].tool, gen_jb_raw(b, r.calls[i].args));
    }
    put_call(b, call, r.calls[r.next].tool, gen_jb_raw(b, r.calls[r.next].args));
    gen_jb_put(b, root, "before", before);
    gen_jb_put(b, root, "call", call);
    gen_jb_put_str(b, root, "server", gen_executor_server(x->o.executor));
    rc = gen_jb_write(b, root, GEN_JSON_COMPACT, text, err);
done:
    gen_jb_free(b);
    gen_exec_release(&r);
    return rc;
}

static void unlink_pending(struct gen_exec_pending *p)
{
    struct gen_exec_pending **at = &p->x->pending;
    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
}

static void free_pending(struct gen_exec_pending *p)
{
    free(p->example);
    free(p);
}

static void on_observation(void *ud, const struct gen_observation *o)
{
    struct gen_exec_pending *p = ud;
    struct gen_action *a = p->action;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_error err = {.msg = ""};
    unlink_pending(p);
    if (o->failure) {
        char *message = gen_str_dup(o->text);
        /* No other call of this example can be made either. */
        gen_executor_end(p->x->o.executor, gen_str_from(p->example));
        gen_action_failed(a, o->failure, message ? message : "out of memory");
        free(message);
    } else if (gen_observation_write(o, &text, &err) == GEN_OK) {
        gen_action_done(a, gen_buf_str(&text));
    } else {
        gen_action_failed(a, "observation_lost", err.msg);
    }
    gen_buf_release(&text);
    free_pending(p);
}

/* The calls that made the server's state: what the example needs to begin with, and its own. */
static int list_before(struct gen_exec_run *r, struct gen_tool_call *before, size_t *n,
                       struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = GEN_OK;
    *n = 0;
    gen_json_iter_init(&it, gen_json_get(r->t.blueprint, "setup"));
    while (rc == GEN_OK && *n < GEN_EXEC_STEPS_MAX && gen_json_iter_next(&it, NULL, &v)) {
        struct gen_buf args = gen_buf_make(GEN_BUF_UNLIMITED);
        const struct gen_json *object = gen_json_get(v, "args");
        if (object)
            rc = gen_json_write(&args, object, GEN_JSON_COMPACT, err);
        else
            rc = gen_buf_add_c(&args, "{}", err);
        if (rc == GEN_OK)
            before[(*n)++] = (struct gen_tool_call){gen_json_get_str(v, "tool"),
                                                    gen_arena_str(&r->arena, gen_buf_str(&args))};
        gen_buf_release(&args);
    }
    for (size_t i = 0; i < r->next; i++) {
        if (!r->calls[i].is_unsent)
            before[(*n)++] = (struct gen_tool_call){r->calls[i].tool, r->calls[i].args};
    }
    return rc;
}

static int begin_call(struct gen_tool_execute *x, struct gen_exec_run *r, struct gen_action *a,
                      struct gen_error *err)
{
    struct gen_tool_call before[CALLS_BEFORE_MAX];
    size_t n = 0;
    int rc = list_before(r, before, &n, err);
    if (rc)
        return rc;
    struct gen_exec_pending *p = calloc(1, sizeof(*p));
    if (p)
        p->example = gen_str_dup(r->example);
    if (!p || !p->example) {
        free(p);
        return gen_nomem(err, "an action");
    }
    p->x = x;
    p->action = a;
    p->next = x->pending;
    x->pending = p;
    const struct gen_exec_call *c = &r->calls[r->next];
    const struct gen_tool_call call = {c->tool, c->args};
    rc = gen_executor_call(x->o.executor, r->example, before, n, &call, on_observation, p,
                           &p->execution, err);
    if (rc) {
        unlink_pending(p);
        free_pending(p);
    }
    return rc;
}

static int act(void *ud, const struct gen_item *item, struct gen_action *a, struct gen_error *err)
{
    struct gen_exec_run r;
    int rc = gen_exec_load(&r, ud, item, err);
    if (rc == GEN_OK)
        rc = begin_call(ud, &r, a, err);
    gen_exec_release(&r);
    return rc;
}

static int observe(void *ud, struct gen_item *item, struct gen_str observation,
                   struct gen_outcome *o, struct gen_error *err)
{
    struct gen_exec_run r;
    struct gen_json_doc *doc = NULL;
    struct gen_observation seen = {0};
    int rc = gen_exec_load(&r, ud, item, err);
    if (rc == GEN_OK)
        rc = gen_observation_read(&seen, observation, &doc, err);
    if (rc == GEN_OK)
        rc = gen_exec_settle(&r, seen.is_error, seen.text, err);
    if (rc == GEN_OK)
        rc = gen_exec_continue_after_result(&r, o, err);
    gen_json_doc_free(doc);
    gen_exec_release(&r);
    return rc;
}

static void abandon(void *ud, struct gen_action *a)
{
    struct gen_tool_execute *x = ud;
    for (struct gen_exec_pending *p = x->pending; p; p = p->next) {
        if (p->action != a)
            continue;
        gen_execution_cancel(p->execution);
        gen_executor_end(x->o.executor, gen_str_from(p->example));
        unlink_pending(p);
        free_pending(p);
        return;
    }
}

/* ---- the step ---- */

static int init_prompts(struct gen_tool_execute *x, struct gen_error *err)
{
    const struct gen_toolset *tools = x->o.tools;
    int rc = gen_step_prompt_init(&x->answer, &x->common, "tool_final_answer", "final_answer",
                                  gen_exec_schema_answer, false, 0.3, gen_answer_names,
                                  GEN_ANSWER_NAMES, err);
    if (rc == GEN_OK && x->o.mode == GEN_TOOL_SIMULATED)
        rc = gen_step_prompt_init(&x->simulation, &x->common, "tool_simulation", "tool_result",
                                  gen_exec_schema_simulation, false, 0.4, gen_simulate_names,
                                  GEN_SIMULATE_NAMES, err);
    if (rc || !x->o.is_agent)
        return rc;
    rc = gen_exec_step_schema(tools, &x->step_schema, err);
    if (rc == GEN_OK)
        rc = gen_step_prompt_init(&x->step, &x->common, "tool_solution_step", "next_step",
                                  x->step_schema.data, false, 0.2, gen_agent_names, GEN_AGENT_NAMES,
                                  err);
    return rc;
}

int gen_tool_execute_new(struct gen_tool_execute **out, const struct gen_step_common *common,
                         const struct gen_tool_execute_options *options, struct gen_step *step,
                         struct gen_error *err)
{
    bool is_simulated = options->mode == GEN_TOOL_SIMULATED;
    if (!is_simulated && !options->executor)
        return gen_fail(err, GEN_EUSAGE,
                        "there is nothing to execute calls with: name a server or a recording, or "
                        "choose --mode simulated");
    struct gen_tool_execute *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "the execute step");
    x->common = *common;
    x->o = *options;
    /* A model in the tools' place has no server. */
    if (is_simulated)
        x->o.executor = NULL;
    x->step_schema = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = init_prompts(x, err);
    if (rc) {
        gen_tool_execute_free(x);
        return rc;
    }
    *step = (struct gen_step){
        .name = "execute",
        .unit_in = "examples",
        .unit_out = "examples",
        .group_max = 1,
        .keep_skipped_inputs = true,
        .ud = x,
        .prefilter = prefilter,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
    };
    if (!is_simulated) {
        step->action = action;
        step->act = act;
        step->observe = observe;
        step->abandon = abandon;
    }
    *out = x;
    return GEN_OK;
}

void gen_tool_execute_free(struct gen_tool_execute *x)
{
    if (!x)
        return;
    while (x->pending) {
        struct gen_exec_pending *p = x->pending;
        x->pending = p->next;
        gen_execution_cancel(p->execution);
        free_pending(p);
    }
    gen_step_prompt_release(&x->step);
    gen_step_prompt_release(&x->simulation);
    gen_step_prompt_release(&x->answer);
    gen_buf_release(&x->step_schema);
    free(x);
}
