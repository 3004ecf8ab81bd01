/* A plan, followed as far as it goes: references become the values that they stand for, and what
 * cannot be sent is a failure. */
#include "base/utf8.h"
#include "tool/step/execute_int.h"

/* Why a call cannot be made. */
struct obstacle {
    struct gen_buf text;
    bool is_there, is_failure_before; /* is_failure_before: a call failed whose result it needs */
};

struct resolver {
    struct gen_exec_run *r;
    struct gen_jb *b;
    const struct gen_exec_call *call;
    struct gen_jmut *sources; /* what is known of the arguments' origin */
    struct obstacle *obstacle;
};

/* JSON Schema lets any further member pass where it says nothing about them; no server means that.
 */
static int check_names(const struct gen_tool *tool, const struct gen_json *args, bool *valid,
                       struct gen_buf *faults, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    int rc = GEN_OK;
    static const char *const others[] = {
        "additionalProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (gen_json_get(tool->input_schema, others[i]))
            return GEN_OK;
    }
    gen_json_iter_init(&it, args);
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v)) {
        if (gen_tool_param_find(tool, name))
            continue;
        *valid = false;
        rc = gen_buf_printf(faults, err, "/%.*s: %.*s has no such parameter\n",
                            GEN_STR_ARG(gen_utf8_prefix(name, 200)), GEN_STR_ARG(tool->name));
    }
    return rc;
}

int gen_exec_check_args(const struct gen_tool *tool, const struct gen_json *args, bool *valid,
                        struct gen_buf *faults, struct gen_error *err)
{
    int rc = gen_tool_check(tool, args, valid, faults, err);
    return rc || !*valid ? rc : check_names(tool, args, valid, faults, err);
}

static const struct gen_exec_call *call_of_step(const struct gen_exec_run *r, int64_t step)
{
    for (size_t i = 0; i < r->n_calls; i++) {
        if (r->calls[i].step == step)
            return &r->calls[i];
    }
    return NULL;
}

/* The first reference that leads nowhere is the obstacle. */
static int value_of(void *ud, struct gen_jb *b, int64_t step, struct gen_str pointer,
                    struct gen_jmut **value, bool *found, struct gen_error *err)
{
    struct resolver *z = ud;
    const struct gen_exec_call *from = call_of_step(z->r, step);
    struct gen_buf *why = &z->obstacle->text;
    long long n = step;
    *found = false;
    int rc = GEN_OK;
    if (!from || from >= z->call) {
        rc = gen_buf_printf(why, err,
                            "it needs the result of step %lld, which is no step before it", n);
    } else if (from->status == GEN_CALL_PENDING) {
        rc = gen_buf_printf(why, err, "it needs the result of step %lld, which was not made", n);
    } else if (from->status == GEN_CALL_FAILURE) {
        z->obstacle->is_failure_before = true;
        rc = gen_buf_printf(why, err, "it needs the result of step %lld, which failed", n);
    } else {
        rc = gen_reference_value(b, from->observation, pointer, value, found, err);
        if (rc == GEN_OK && !*found)
            rc = gen_buf_printf(why, err, "the result of step %lld has nothing at \"%.*s\"", n,
                                GEN_STR_ARG(gen_utf8_prefix(pointer, 200)));
    }
    z->obstacle->is_there = !*found;
    return rc;
}

/* Where a value came from stays known when it takes the reference's place. */
static void keep_source(struct resolver *z, const struct gen_json *sources, struct gen_str name,
                        const struct gen_json *v)
{
    int64_t step;
    struct gen_str pointer;
    if (!gen_result_reference(v, &step, &pointer) || gen_json_get_n(sources, name))
        return;
    gen_jb_set_n(z->b, z->sources, name, gen_source_json(z->b, GEN_ORIGIN_RESULT, pointer, step));
}

static int take_text(struct gen_exec_run *r, struct gen_jb *b, const struct gen_jmut *v,
                     struct gen_str *out, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_jb_write(b, v, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK) {
        *out = gen_arena_str(&r->arena, gen_buf_str(&text));
        rc = out->p ? GEN_OK : gen_nomem(err, "arguments");
    }
    gen_buf_release(&text);
    return rc;
}

static int resolve_call(struct resolver *z, struct gen_exec_call *c, const struct gen_json *args,
                        const struct gen_json *sources, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    struct gen_str text;
    struct gen_jmut *out = NULL;
    bool found = false;
    int rc = gen_references_fill(z->b, args, value_of, z, &out, &found, err);
    if (rc || !found)
        return rc;
    z->sources = sources ? gen_jb_copy(z->b, sources) : gen_jb_object(z->b);
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, &key, &v))
        keep_source(z, sources, key, v);
    rc = take_text(z->r, z->b, out, &text, err);
    if (rc == GEN_OK)
        rc = take_text(z->r, z->b, z->sources, &c->sources, err);
    if (rc == GEN_OK)
        c->args = text;
    return rc;
}

static int resolve_args(struct gen_exec_run *r, struct gen_exec_call *c, struct obstacle *obstacle,
                        struct gen_error *err)
{
    struct resolver z = {.r = r, .call = c, .obstacle = obstacle};
    struct gen_json_doc *args = NULL;
    struct gen_json_doc *sources = NULL;
    if (gen_str_find(c->args, GEN_STR("$result"), 0) == SIZE_MAX)
        return GEN_OK;
    int rc = gen_jb_new(&z.b, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&args, c->args, err);
    if (rc == GEN_OK && c->sources.n)
        rc = gen_json_parse(&sources, c->sources, err);
    if (rc == GEN_OK)
        rc = resolve_call(&z, c, gen_json_root(args), gen_json_root(sources), err);
    gen_json_doc_free(args);
    gen_json_doc_free(sources);
    gen_jb_free(z.b);
    return rc;
}

/* A mutation is meant to be refused by the server; in a simulation the schema speaks for it. */
static int check_call(struct gen_exec_run *r, const struct gen_exec_call *c,
                      struct obstacle *obstacle, struct gen_error *err)
{
    const struct gen_tool *tool = NULL;
    bool is_simulated = r->x->o.mode == GEN_TOOL_SIMULATED;
    bool valid = true;
    int rc = gen_exec_tool(r, c->tool, &tool, err);
    if (rc || (c->is_mutation && !is_simulated))
        return rc;
    if (!tool) {
        if (!is_simulated)
            return GEN_OK;
        obstacle->is_there = true;
        return gen_buf_printf(&obstacle->text, err, "there is no tool \"%.*s\"",
                              GEN_STR_ARG(gen_utf8_prefix(c->tool, 200)));
    }
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_doc *doc = NULL;
    rc = gen_json_parse(&doc, c->args, err);
    if (rc == GEN_OK)
        rc = gen_exec_check_args(tool, gen_json_root(doc), &valid, &faults, err);
    if (rc == GEN_OK && !valid) {
        obstacle->is_there = true;
        rc = gen_buf_printf(&obstacle->text, err, "invalid arguments: %.*s",
                            GEN_STR_ARG(gen_str_trim(gen_buf_str(&faults))));
    }
    gen_json_doc_free(doc);
    gen_buf_release(&faults);
    return rc;
}

static bool has_ended(const struct gen_exec_run *r, const struct gen_exec_call *next)
{
    for (const struct gen_exec_call *c = r->calls; c < next; c++) {
        if (c->status == GEN_CALL_FAILURE && !c->is_mutation && c->turn != next->turn)
            return true;
    }
    return false;
}

static int refuse_call(struct gen_exec_run *r, struct gen_exec_call *c,
                       const struct obstacle *obstacle, struct gen_error *err)
{
    c->status = GEN_CALL_FAILURE;
    c->is_unsent = true;
    c->observation = gen_arena_str(&r->arena, gen_buf_str(&obstacle->text));
    return c->observation.p ? GEN_OK : gen_nomem(err, "an obstacle");
}

/* Behind a plan's end only what needed the failed call fails with it. */
static int fail_dependents(struct gen_exec_run *r, size_t from, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = from; i < r->n_calls && rc == GEN_OK; i++) {
        struct gen_exec_call *c = &r->calls[i];
        struct gen_exec_call unused = *c;
        struct obstacle obstacle = {.text = gen_buf_make(GEN_BUF_UNLIMITED)};
        rc = resolve_args(r, c, &obstacle, err);
        if (rc == GEN_OK && obstacle.is_failure_before)
            rc = refuse_call(r, c, &obstacle, err);
        else
            *c = unused;
        gen_buf_release(&obstacle.text);
    }
    return rc;
}

int gen_exec_advance_plan(struct gen_exec_run *r, struct gen_error *err)
{
    int rc = GEN_OK;
    r->phase = GEN_EXEC_ANSWER;
    for (size_t i = 0; i < r->n_calls && rc == GEN_OK; i++) {
        struct gen_exec_call *c = &r->calls[i];
        struct obstacle obstacle = {.text = gen_buf_make(GEN_BUF_UNLIMITED)};
        if (c->status != GEN_CALL_PENDING)
            continue;
        if (has_ended(r, c))
            return fail_dependents(r, i, err);
        rc = resolve_args(r, c, &obstacle, err);
        if (rc == GEN_OK && !obstacle.is_there)
            rc = check_call(r, c, &obstacle, err);
        if (rc == GEN_OK && obstacle.is_there)
            rc = refuse_call(r, c, &obstacle, err);
        bool is_refused = obstacle.is_there;
        gen_buf_release(&obstacle.text);
        if (rc == GEN_OK && !is_refused) {
            r->next = i;
            r->phase = r->x->o.mode == GEN_TOOL_SIMULATED ? GEN_EXEC_SIMULATE : GEN_EXEC_CALL;
            return GEN_OK;
        }
    }
    return rc;
}
