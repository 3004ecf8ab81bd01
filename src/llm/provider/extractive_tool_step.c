/* The next call of a request, from its blueprint: the calls in order, their references replaced by
 * what the calls before gave. */
#include "llm/provider/extractive_tool.h"

struct turn {
    const struct gen_json *record, *blueprint, *path;
    const struct gen_json *last; /* the step made last; NULL: none */
    size_t n_done;               /* calls that went well */
    size_t n_failed;             /* of those since the last one that did */
};

static struct turn read_turn(const struct gen_json *record)
{
    struct turn t = {
        .record = record,
        .blueprint = gen_json_get(gen_json_get(record, "metadata"), "blueprint"),
        .path = gen_json_get(gen_json_get(record, "solution"), "reasoning_path"),
    };
    struct gen_json_iter it;
    const struct gen_json *step;
    gen_json_iter_init(&it, t.path);
    while (gen_json_iter_next(&it, NULL, &step)) {
        bool is_good = gen_str_is(gen_json_get_str(step, "status"), "success");
        t.last = step;
        t.n_done += is_good;
        t.n_failed = is_good ? 0 : t.n_failed + 1;
    }
    return t;
}

/* ---- arguments ---- */

/* As the fragment of a URI, which gen_json_pointer reads. */
static int as_fragment(struct gen_str pointer, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_buf_add_char(out, '#', err);
    for (size_t i = 0; i < pointer.n && rc == GEN_OK; i++)
        rc = pointer.p[i] == '%' ? gen_buf_add_c(out, "%25", err)
                                 : gen_buf_add_char(out, pointer.p[i], err);
    return rc;
}

static int put_value(const struct gen_json *v, struct gen_buf *out, struct gen_error *err)
{
    struct gen_str s;
    if (gen_json_as_str(v, &s))
        return gen_buf_add_str(out, s, err);
    return gen_json_write(out, v, GEN_JSON_COMPACT, err);
}

static int follow(struct gen_str observation, struct gen_str pointer, struct gen_buf *out,
                  struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    const struct gen_json *v = NULL;
    struct gen_buf fragment = gen_buf_make(65536);
    if (pointer.n == 0)
        return gen_buf_add_str(out, observation, err);
    int rc = gen_json_parse(&doc, observation, NULL);
    if (rc)
        return rc == GEN_ENOMEM ? gen_nomem(err, "an observation") : GEN_OK;
    rc = as_fragment(pointer, &fragment, err);
    if (rc == GEN_OK)
        rc = gen_json_pointer(gen_json_root(doc), gen_buf_str(&fragment), &v, err);
    if (rc == GEN_OK && v)
        rc = put_value(v, out, err);
    gen_buf_release(&fragment);
    gen_json_doc_free(doc);
    return rc;
}

/* What the n-th call of the blueprint gave: failed ones do not count. */
static struct gen_str result_of(const struct turn *t, size_t n)
{
    struct gen_json_iter it;
    const struct gen_json *step;
    gen_json_iter_init(&it, t->path);
    while (gen_json_iter_next(&it, NULL, &step)) {
        if (gen_str_is(gen_json_get_str(step, "status"), "success") && --n == 0)
            return gen_json_get_str(step, "actual_result");
    }
    return GEN_STR("");
}

static int put_argument(const struct turn *t, struct gen_str name, const struct gen_json *v,
                        struct gen_jb *b, struct gen_jmut *list, struct gen_error *err)
{
    const struct gen_json *result = gen_json_get(v, "$result");
    struct gen_buf value = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str pointer = gen_json_get_str(result, "pointer");
    int64_t step = 0;
    int rc = GEN_OK;
    if (result && gen_json_as_int(gen_json_get(result, "step"), &step) && step > 0)
        rc = follow(result_of(t, (size_t)step), pointer, &value, err);
    else
        rc = put_value(v, &value, err);
    if (rc == GEN_OK) {
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_str(b, o, "name", name);
        gen_jb_put_str(b, o, "value", value.n ? gen_buf_str(&value) : GEN_STR(""));
        gen_jb_put_cstr(b, o, "origin", result ? "result" : "request");
        gen_jb_put_int(b, o, "step", step >= 0 && step <= 10 ? step : 0);
        gen_jb_put_str(b, o, "where", result ? pointer : GEN_STR(""));
        gen_jb_append(b, list, o);
    }
    gen_buf_release(&value);
    return rc;
}

static int put_call(struct gen_extract *x, const struct turn *t, const struct gen_json *call,
                    struct gen_jb *b, struct gen_jmut *root, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    struct gen_str tool = gen_json_get_str(call, "tool");
    struct gen_jmut *list = gen_jb_array(b);
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(call, "args"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v))
        rc = put_argument(t, name, v, b, list, err);
    gen_extract_line_clear(&x->line);
    gen_extract_put_c(&x->line, t->n_done ? "What the calls so far gave is not all that was asked; "
                                          : "Nothing is known yet; ");
    gen_extract_put(&x->line, tool);
    gen_extract_put_c(&x->line, t->n_done ? " gives what is missing." : " gives what is needed.");
    gen_jb_put_str(b, root, "thought", gen_extract_line_str(&x->line));
    gen_jb_put_cstr(b, root, "action", "call");
    gen_jb_put_str(b, root, "tool", tool);
    gen_jb_put(b, root, "arguments", list);
    gen_jb_put_cstr(b, root, "message", "");
    return rc;
}

/* ---- what is no call ---- */

static int put_end(struct gen_jb *b, struct gen_jmut *root, const char *thought, const char *action,
                   struct gen_str message)
{
    gen_jb_put_cstr(b, root, "thought", thought);
    gen_jb_put_cstr(b, root, "action", action);
    gen_jb_put_cstr(b, root, "tool", "none");
    gen_jb_put(b, root, "arguments", gen_jb_array(b));
    gen_jb_put_str(b, root, "message", message);
    return GEN_OK;
}

static int put_refusal(const struct turn *t, struct gen_jb *b, struct gen_jmut *root)
{
    struct gen_str reply = gen_json_get_str(gen_json_get(t->record, "solution"), "final_answer");
    return put_end(b, root, "None of the tools does what is asked.", "cannot_do",
                   reply.n ? reply : GEN_STR("That cannot be done with what is available here."));
}

/* "Which start and count shall it be?" */
static int put_question(struct gen_extract *x, const struct turn *t, struct gen_jb *b,
                        struct gen_jmut *root)
{
    const struct gen_json *withheld = gen_json_get(t->blueprint, "withheld");
    struct gen_str name;
    gen_extract_line_clear(&x->line);
    gen_extract_put_c(&x->line, "Which ");
    for (size_t i = 0; i < gen_json_count(withheld); i++) {
        if (!gen_json_as_str(gen_json_at(withheld, i), &name))
            continue;
        gen_extract_put_c(&x->line, i ? " and " : "");
        for (size_t k = 0; k < name.n; k++)
            gen_extract_put(&x->line, name.p[k] == '_' ? GEN_STR(" ") : gen_str_sub(name, k, 1));
    }
    gen_extract_put_c(&x->line, " do you mean?");
    return put_end(b, root, "A value that the request must give is missing.", "ask_user",
                   gen_extract_line_str(&x->line));
}

static int put_step(struct gen_extract *x, const struct turn *t, struct gen_jb *b,
                    struct gen_jmut *root, struct gen_error *err)
{
    const struct gen_json *calls = gen_json_get(t->blueprint, "calls");
    const struct gen_json *clarification =
        gen_json_get(gen_json_get(t->record, "solution"), "clarification");
    if (gen_json_count(calls) == 0)
        return put_refusal(t, b, root);
    if (gen_json_count(gen_json_get(t->blueprint, "withheld")) && !clarification)
        return put_question(x, t, b, root);
    /* Who is only busy is asked again. */
    if (t->n_failed && (t->n_failed > 1 || gen_str_find(gen_json_get_str(t->last, "error_message"),
                                                        GEN_STR("again"), 0) == SIZE_MAX))
        return put_end(b, root, "The last call failed, and its message tells why.", "finish",
                       GEN_STR(""));
    if (t->n_done >= gen_json_count(calls))
        return put_end(b, root, "The results hold what was asked for.", "finish", GEN_STR(""));
    return put_call(x, t, gen_json_at(calls, t->n_done), b, root, err);
}

int gen_extract_tool_step(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                          struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, x->in->record, err);
    if (rc)
        return rc;
    struct turn t = read_turn(gen_json_root(doc));
    rc = put_step(x, &t, b, root, err);
    gen_json_doc_free(doc);
    return rc;
}
