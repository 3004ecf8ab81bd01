/* What of an example a model is shown. */
#include "tool/step/execute_int.h"

/* Takes the text out of the buffer; empty when memory ended. */
static struct gen_str keep(struct gen_exec_run *r, struct gen_buf *b)
{
    struct gen_str out = gen_step_defuse(&r->arena, gen_arena_str(&r->arena, gen_buf_str(b)));
    gen_buf_release(b);
    return out.p ? out : GEN_STR("");
}

static int add_offered(const struct gen_json *function, struct gen_buf *out)
{
    int rc = gen_json_write(out, function, GEN_JSON_COMPACT, NULL);
    return rc ? rc : gen_buf_add_char(out, '\n', NULL);
}

static int add_definition(struct gen_jb *b, const struct gen_tool *tool, struct gen_buf *out)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "name", tool->name);
    gen_jb_put_str(b, o, "description", tool->description);
    gen_jb_put(b, o, "parameters", gen_jb_copy(b, tool->input_schema));
    int rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, NULL);
    return rc ? rc : gen_buf_add_char(out, '\n', NULL);
}

struct gen_str gen_exec_show_tools(struct gen_exec_run *r)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_iter it;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, r->t.tools);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v))
        rc = add_offered(gen_json_get(v, "function"), &out);
    struct gen_jb *b = NULL;
    if (!r->t.tools && r->x->o.tools && gen_jb_new(&b, NULL) == GEN_OK) {
        for (size_t i = 0; i < r->x->o.tools->n_tools && rc == GEN_OK; i++)
            rc = add_definition(b, &r->x->o.tools->tools[i], &out);
    }
    gen_jb_free(b);
    struct gen_str text = keep(r, &out);
    return gen_str_trim(text);
}

static int add_request(const struct gen_exec_run *r, struct gen_buf *out)
{
    struct gen_str context = gen_json_get_str(r->t.blueprint, "context");
    int rc = gen_buf_add_str(out, r->t.instruction, NULL);
    if (rc == GEN_OK && context.n)
        rc = gen_buf_printf(out, NULL, "\nBefore it: %.*s", GEN_STR_ARG(context));
    if (rc == GEN_OK && r->question_back.n)
        rc = gen_buf_printf(out, NULL, "\nYou asked: %.*s\nThe person replied: %.*s",
                            GEN_STR_ARG(r->question_back), GEN_STR_ARG(r->user_reply));
    return rc;
}

struct gen_str gen_exec_show_request(struct gen_exec_run *r)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    if (add_request(r, &out) != GEN_OK)
        gen_buf_clear(&out);
    return keep(r, &out);
}

static int add_call(struct gen_buf *out, const struct gen_exec_call *c)
{
    static const char *const marks[] = {"not made", "result", "error"};
    int rc = gen_buf_printf(out, NULL, "%sStep %lld: %.*s %.*s\n%s: ", out->n ? "\n" : "",
                            (long long)c->step, GEN_STR_ARG(c->tool), GEN_STR_ARG(c->args),
                            marks[c->status]);
    if (rc == GEN_OK && c->status == GEN_CALL_PENDING)
        return gen_buf_add_c(out, "a step before it failed\n", NULL);
    if (rc == GEN_OK)
        rc = gen_observation_cap(out, c->observation, GEN_EXEC_SHOWN_BYTES, NULL, NULL);
    return rc ? rc : gen_buf_add_char(out, '\n', NULL);
}

struct gen_str gen_exec_show_calls(struct gen_exec_run *r)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < r->n_calls && rc == GEN_OK; i++)
        rc = add_call(&out, &r->calls[i]);
    struct gen_str text = gen_str_trim(keep(r, &out));
    return text.n ? text : GEN_STR("(none yet)");
}

int gen_exec_inputs(const struct gen_exec_run *r, struct gen_arena *arena, struct gen_str *record,
                    struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_exec_write(r, &out, err);
    if (rc == GEN_OK) {
        *record = gen_arena_str(arena, gen_buf_str(&out));
        rc = record->p ? GEN_OK : gen_nomem(err, "an example");
    }
    gen_buf_release(&out);
    return rc;
}
