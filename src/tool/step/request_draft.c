/* An item of the stage "generate", read from its record. */
#include "tool/step/generate_int.h"

bool gen_is_default(const struct gen_tool *tool, struct gen_str name, const struct gen_json *value)
{
    const struct gen_tool_param *p = gen_tool_param_find(tool, name);
    return p && p->default_value && gen_json_equal(p->default_value, value);
}

static int read_calls(const struct gen_tool_generate *g, const struct gen_json *list,
                      struct gen_draft_call *calls, size_t *n_calls, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *call;
    size_t n = 0;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &call)) {
        struct gen_str name = gen_json_get_str(call, "tool");
        int64_t turn = (int64_t)n + 1;
        if (n == GEN_DRAFT_CALLS_MAX)
            return gen_fail(err, GEN_ESTATE, "a blueprint has more than %u calls",
                            GEN_DRAFT_CALLS_MAX);
        calls[n].tool = gen_toolset_find(g->o.tools, name);
        calls[n].args = gen_json_get(call, "args");
        (void)gen_json_as_int(gen_json_get(call, "turn"), &turn);
        calls[n].turn = turn;
        if (!calls[n].tool || gen_json_type(calls[n].args) != GEN_JSON_OBJECT)
            return gen_fail(err, GEN_ESTATE,
                            "a blueprint calls \"%.*s\", which is no tool of the file or has no "
                            "arguments",
                            GEN_STR_ARG(name));
        n++;
    }
    *n_calls = n;
    return GEN_OK;
}

static void read_offered(struct gen_draft *d, const struct gen_tool_generate *g)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *tool;
    gen_json_iter_init(&it, gen_json_get(d->record, "tools"));
    while (d->n_offered < GEN_DRAFT_OFFERED_MAX && gen_json_iter_next(&it, &key, &tool)) {
        struct gen_str name = gen_json_get_str(gen_json_get(tool, "function"), "name");
        const struct gen_tool *found = gen_toolset_find(g->o.tools, name);
        if (found)
            d->offered[d->n_offered++] = found;
    }
}

int gen_draft_read(struct gen_draft *d, const struct gen_tool_generate *g, struct gen_str record,
                   struct gen_error *err)
{
    memset(d, 0, sizeof(*d));
    int rc = gen_json_parse(&d->doc, record, err);
    if (rc)
        return rc;
    d->record = gen_json_root(d->doc);
    d->metadata = gen_json_get(d->record, "metadata");
    d->blueprint = gen_json_get(d->metadata, "blueprint");
    d->mutation = gen_json_get(d->blueprint, "mutation");
    d->results = gen_json_get(d->blueprint, "results");
    d->withheld = gen_json_get(d->blueprint, "withheld");
    d->context = gen_json_get_str(d->blueprint, "context");
    d->id = gen_json_get_str(d->record, "id");
    d->style = gen_json_get_str(d->metadata, "style");
    d->instruction = gen_json_get_str(d->record, "instruction");
    const struct gen_json *solution = gen_json_get(d->record, "solution");
    const struct gen_json *clarification = gen_json_get(solution, "clarification");
    d->question_back = gen_json_get_str(clarification, "question");
    d->user_reply = gen_json_get_str(clarification, "reply");
    d->category = gen_tool_category_from(gen_json_get_str(d->metadata, "category"));
    if (d->category == GEN_TOOL_CATEGORY_UNKNOWN)
        rc = gen_fail(err, GEN_ESTATE, "a record without a category reached the step generate");
    if (rc == GEN_OK)
        rc = read_calls(g, gen_json_get(d->blueprint, "calls"), d->calls, &d->n_calls, err);
    if (rc == GEN_OK)
        rc = read_calls(g, gen_json_get(d->blueprint, "setup"), d->setup, &d->n_setup, err);
    if (rc == GEN_OK && d->n_calls == 0 && d->category != GEN_TOOL_IRRELEVANCE)
        rc = gen_fail(err, GEN_ESTATE, "a blueprint of the category %s has no calls",
                      gen_tool_category_name(d->category));
    read_offered(d, g);
    if (rc)
        gen_draft_release(d);
    return rc;
}

void gen_draft_release(struct gen_draft *d)
{
    gen_json_doc_free(d->doc);
    d->doc = NULL;
}

int gen_draft_request(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_buf_add_str(out, d->instruction, err);
    if (rc == GEN_OK && d->user_reply.n)
        rc = gen_buf_add_c(out, "\n", err);
    if (rc == GEN_OK && d->user_reply.n)
        rc = gen_buf_add_str(out, d->user_reply, err);
    if (rc == GEN_OK && d->context.n)
        rc = gen_buf_add_c(out, "\n", err);
    return rc ? rc : gen_buf_add_str(out, d->context, err);
}

size_t gen_draft_results(const struct gen_draft *d, struct gen_str *texts, size_t n_max)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *result;
    size_t n = 0;
    gen_json_iter_init(&it, d->results);
    while (n < n_max && gen_json_iter_next(&it, &key, &result))
        texts[n++] = gen_json_get_str(result, "text");
    return n;
}

int gen_draft_document(const struct gen_tool_generate *g, const struct gen_draft *d,
                       struct gen_buf *out, struct gen_error *err)
{
    struct gen_str names[GEN_DRAFT_OFFERED_MAX];
    size_t n = 0;
    for (size_t i = 0; i < d->n_offered; i++) {
        bool is_called = d->n_calls == 0;
        for (size_t k = 0; k < d->n_calls; k++)
            is_called = is_called || d->calls[k].tool == d->offered[i];
        if (is_called)
            names[n++] = d->offered[i]->name;
    }
    return gen_toolset_document(g->o.tools, names, n, out, err);
}
