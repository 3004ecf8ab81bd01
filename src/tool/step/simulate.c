/* A model in the place of the tool. It sees the documentation, the arguments and what was told
 * before, and neither the request nor the plan; whether the call fails, the program decides. */
#include "tool/step/execute_int.h"

#include "base/prng.h"
#include "base/utf8.h"

#define TOKENS_A_RESULT    300
#define RESULT_BYTES_MAX   ((size_t)16384)
#define FAILURES_A_HUNDRED 4U

const char *const gen_simulate_names[GEN_SIMULATE_NAMES] = {
    "args_json", "tool_name", "tool_description", "return_type", "context", "outcome"};

static const char *const failures[] = {
    "it fails: something that the arguments name does not exist",
    "it fails: access to what the arguments name is refused",
    "it fails: the service has too much to do just now",
};

/* NULL: the call goes as it goes. A plan is not spoilt by chance. */
static const char *failure_wanted(const struct gen_exec_run *r)
{
    const struct gen_exec_call *c = &r->calls[r->next];
    struct gen_prng g = gen_prng_make(gen_hash64(r->example, r->x->o.seed + r->next));
    if (c->is_mutation)
        return "it fails: one of the arguments is wrong, as the message says";
    if (!r->x->o.is_agent || gen_prng_below(&g, 100) >= FAILURES_A_HUNDRED)
        return NULL;
    return failures[gen_prng_below(&g, sizeof(failures) / sizeof(failures[0]))];
}

static struct gen_str show_facts(struct gen_exec_run *r)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < r->n_facts && rc == GEN_OK; i++)
        rc = gen_buf_printf(&out, NULL, "%s%.*s = %.*s", i ? "\n" : "",
                            GEN_STR_ARG(r->facts[i].name), GEN_STR_ARG(r->facts[i].value));
    struct gen_str text =
        out.n ? gen_step_defuse(&r->arena, gen_arena_str(&r->arena, gen_buf_str(&out)))
              : GEN_STR("(nothing yet)");
    gen_buf_release(&out);
    return text;
}

static struct gen_str show_json(struct gen_exec_run *r, const struct gen_json *v)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str text = GEN_STR("");
    if (v && gen_json_write(&out, v, GEN_JSON_COMPACT, NULL) == GEN_OK)
        text = gen_arena_str(&r->arena, gen_buf_str(&out));
    gen_buf_release(&out);
    return gen_step_or_unknown(text);
}

/* What the embedded provider answers from. */
static int write_inputs(struct gen_exec_run *r, const struct gen_tool *tool, const char *outcome,
                        struct gen_arena *arena, struct gen_str *out, struct gen_error *err)
{
    const struct gen_exec_call *c = &r->calls[r->next];
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "tool", c->tool);
    gen_jb_put(b, o, "args", gen_jb_raw(b, c->args));
    if (tool && tool->output_schema)
        gen_jb_put(b, o, "output_schema", gen_jb_copy(b, tool->output_schema));
    if (outcome)
        gen_jb_put_cstr(b, o, "failure", outcome);
    gen_jb_put(b, o, "facts", gen_exec_facts_json(r, b));
    rc = gen_jb_write(b, o, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK) {
        *out = gen_arena_str(arena, gen_buf_str(&text));
        rc = out->p ? GEN_OK : gen_nomem(err, "a call");
    }
    gen_buf_release(&text);
    gen_jb_free(b);
    return rc;
}

int gen_simulate_ask(struct gen_exec_run *r, struct gen_question *q, struct gen_error *err)
{
    const struct gen_exec_call *c = &r->calls[r->next];
    const struct gen_tool *tool = NULL;
    int rc = gen_exec_tool(r, c->tool, &tool, err);
    if (rc)
        return rc;
    const char *failure = failure_wanted(r);
    const struct gen_prompt_value values[GEN_SIMULATE_NAMES] = {
        {"args_json", gen_step_defuse(&r->arena, c->args)},
        {"tool_name", c->tool},
        {"tool_description", gen_step_or_unknown(tool ? tool->documentation : GEN_STR(""))},
        {"return_type", show_json(r, tool ? tool->output_schema : NULL)},
        {"context", show_facts(r)},
        {"outcome", gen_str_from(failure ? failure : "it succeeds if nothing above is against it")},
    };
    q->inputs.task = GEN_TASK_TOOL_SIMULATE;
    q->inputs.seed = r->x->o.seed;
    q->tokens_out_max = gen_step_tokens(&r->x->common, 1, TOKENS_A_RESULT);
    rc = write_inputs(r, tool, failure, q->scratch, &q->inputs.record, err);
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, r->x->simulation.prompt, values, GEN_SIMULATE_NAMES, err);
    return rc;
}

/* ---- the answer ---- */

/* A result of a type that has a shape is JSON of that shape. */
static int check_shape(const struct gen_json *output_schema, struct gen_str content, bool *fits,
                       struct gen_buf *faults, struct gen_error *err)
{
    struct gen_schema *schema = NULL;
    struct gen_json_doc *doc = NULL;
    struct gen_str type = gen_json_get_str(output_schema, "type");
    *fits = true;
    if (!gen_str_is(type, "object") && !gen_str_is(type, "array"))
        return GEN_OK;
    int rc = gen_json_parse(&doc, content, NULL);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a result");
    if (rc) {
        *fits = false;
        return gen_buf_add_c(faults, "content: it is no JSON, as the result must be\n", err);
    }
    rc = gen_schema_new_foreign(&schema, output_schema, GEN_DRAFT_2020_12, NULL, NULL);
    if (rc == GEN_OK)
        rc = gen_schema_check(schema, gen_json_root(doc), fits, faults, err);
    /* A schema that is none, or leads in circles, promises nothing. */
    if (rc && rc != GEN_ENOMEM) {
        *fits = true;
        rc = GEN_OK;
    }
    gen_schema_free(schema);
    gen_json_doc_free(doc);
    return rc;
}

static const struct gen_exec_fact *fact_of(const struct gen_exec_run *r, struct gen_str name)
{
    for (size_t i = 0; i < r->n_facts; i++) {
        if (gen_str_eq(r->facts[i].name, name))
            return &r->facts[i];
    }
    return NULL;
}

/* New facts beside the old ones; what says another thing than before is a fault. */
static int take_facts(struct gen_exec_run *r, const struct gen_json *list, bool *agrees,
                      struct gen_buf *faults, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    *agrees = true;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, NULL, &v)) {
        struct gen_exec_fact f = {gen_str_trim(gen_json_get_str(v, "name")),
                                  gen_str_trim(gen_json_get_str(v, "value"))};
        const struct gen_exec_fact *old = fact_of(r, f.name);
        if (old && !gen_str_eq(old->value, f.value)) {
            *agrees = false;
            return gen_buf_printf(faults, err, "new_facts: \"%.*s\" was \"%.*s\" before\n",
                                  GEN_STR_ARG(gen_utf8_prefix(f.name, 80)),
                                  GEN_STR_ARG(gen_utf8_prefix(old->value, 80)));
        }
        if (!old && f.name.n && r->n_facts < GEN_EXEC_FACTS_MAX)
            r->facts[r->n_facts++] = (struct gen_exec_fact){gen_arena_str(&r->arena, f.name),
                                                            gen_arena_str(&r->arena, f.value)};
    }
    return GEN_OK;
}

/* `*usable`: the content can stand as a result even though there are faults. */
static int check(struct gen_exec_run *r, const struct gen_json *answer, struct gen_str content,
                 bool is_error, bool *usable, struct gen_buf *faults, struct gen_error *err)
{
    const struct gen_tool *tool = NULL;
    bool fits = true;
    bool agrees = true;
    *usable = content.n > 0 && !gen_step_has_defused(content);
    if (!*usable)
        return gen_buf_add_c(faults, "content: it is empty, or holds marks of a chat\n", err);
    int rc = gen_exec_tool(r, r->calls[r->next].tool, &tool, err);
    if (rc == GEN_OK && !is_error && failure_wanted(r))
        rc = gen_buf_printf(faults, err, "status: it must be \"error\": %s\n", failure_wanted(r));
    if (rc == GEN_OK && !is_error && tool && tool->output_schema)
        rc = check_shape(tool->output_schema, content, &fits, faults, err);
    if (rc == GEN_OK)
        rc = take_facts(r, gen_json_get(answer, "new_facts"), &agrees, faults, err);
    *usable = fits && agrees;
    return rc;
}

int gen_simulate_accept(struct gen_exec_run *r, const struct gen_json *answer,
                        struct gen_outcome *o, struct gen_error *err)
{
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str content = gen_str_trim(gen_json_get_str(answer, "content"));
    bool is_error = gen_str_is(gen_json_get_str(answer, "status"), "error");
    bool usable = false;
    int rc = check(r, answer, content, is_error, &usable, &faults, err);
    if (rc == GEN_OK && faults.n && !gen_outcome_is_last_try(o)) {
        rc = gen_outcome_ask_again(o, gen_str_trim(gen_buf_str(&faults)), err);
    } else if (rc == GEN_OK && !usable) {
        gen_exec_filter(r, o, "unusable_simulation");
    } else if (rc == GEN_OK) {
        rc = gen_observation_cap(&text, content, RESULT_BYTES_MAX, NULL, err);
        if (rc == GEN_OK)
            rc = gen_exec_settle(r, is_error, gen_buf_str(&text), err);
        if (rc == GEN_OK)
            rc = gen_exec_continue_after_result(r, o, err);
    }
    gen_buf_release(&faults);
    gen_buf_release(&text);
    return rc;
}
