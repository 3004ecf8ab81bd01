/* The plan: all calls of a request at once. The model must find the blueprint's calls again from
 * the request alone; what goes into the record are the blueprint's own values, with the place in
 * the request that each comes from. */
#include "base/utf8.h"
#include "dataset/checks.h"
#include "tool/step/generate_int.h"
#include "tool/step/recovery.h"

#define THOUGHT_WORDS_MAX 80U

/* ---- what is shown ---- */

/* "list_keys gives: path (string), keys (array)" */
static int put_returns(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < d->n_offered; i++) {
        struct gen_json_iter it;
        struct gen_str name;
        const struct gen_json *v;
        size_t n = 0;
        const struct gen_json *members = gen_json_get(d->offered[i]->output_schema, "properties");
        if (gen_json_count(members) == 0)
            continue;
        rc = gen_buf_printf(out, err, "%.*s gives: ", GEN_STR_ARG(d->offered[i]->name));
        gen_json_iter_init(&it, members);
        while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v)) {
            struct gen_str type = gen_json_get_str(v, "type");
            rc = gen_buf_printf(out, err, "%s/%.*s (%.*s)", n++ ? ", " : "", GEN_STR_ARG(name),
                                GEN_STR_ARG(type.n ? type : GEN_STR("any")));
        }
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, "\n", err);
    }
    return rc || out->n ? rc : gen_buf_add_c(out, "(not known)\n", err);
}

static int put_request(const struct gen_draft *d, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_buf_add_str(out, d->instruction, err);
    if (rc == GEN_OK && d->user_reply.n)
        rc = gen_buf_printf(out, err, "\nAsked back: %.*s\nThe person's reply: %.*s",
                            GEN_STR_ARG(d->question_back), GEN_STR_ARG(d->user_reply));
    return rc;
}

int gen_plan_render(struct gen_tool_generate *g, const struct gen_draft *d, enum gen_tool_ask what,
                    struct gen_question *q, struct gen_error *err)
{
    struct gen_str names[GEN_DRAFT_OFFERED_MAX];
    struct gen_buf documentation = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf returns = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf request = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf tools = gen_buf_make(GEN_BUF_UNLIMITED);
    for (size_t i = 0; i < d->n_offered; i++)
        names[i] = d->offered[i]->name;
    int rc = gen_toolset_document(g->o.tools, names, d->n_offered, &documentation, err);
    if (rc == GEN_OK)
        rc = put_returns(d, &returns, err);
    if (rc == GEN_OK)
        rc = put_request(d, &request, err);
    if (rc == GEN_OK)
        rc = gen_json_write(&tools, gen_json_get(d->record, "tools"), GEN_JSON_COMPACT, err);
    const struct gen_prompt_value values[] = {
        {"instruction", gen_step_defuse(q->scratch, gen_buf_str(&request))},
        {"api_documentation", gen_step_defuse(q->scratch, gen_buf_str(&documentation))},
        {"returns", gen_step_defuse(q->scratch, gen_buf_str(&returns))},
        {"tools_json", gen_step_defuse(q->scratch, gen_buf_str(&tools))},
        {"max_steps", gen_step_number(q->scratch, (int64_t)(g->o.steps_max ? g->o.steps_max : 5))},
    };
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, g->prompts[what].prompt, values,
                               sizeof(values) / sizeof(values[0]), err);
    gen_buf_release(&documentation);
    gen_buf_release(&returns);
    gen_buf_release(&request);
    gen_buf_release(&tools);
    return rc;
}

/* ---- what came back ---- */

struct planned {
    const struct gen_tool *tool;
    struct gen_str thought;
    struct gen_json_doc *doc;
    const struct gen_json *args;
    size_t n_references;
    size_t match; /* index of the blueprint's call; SIZE_MAX: none */
};

struct plan {
    struct planned calls[GEN_DRAFT_CALLS_MAX];
    size_t n;
    struct gen_buf request;
    struct gen_str results[GEN_DRAFT_CALLS_MAX];
    size_t n_results;
};

static void release_plan(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        gen_json_doc_free(p->calls[i].doc);
    gen_buf_release(&p->request);
}

/* Arguments that name a result; the others as {"name","value"} pairs in `literals`. */
static void split_arguments(const struct gen_json *arguments, struct gen_jb *b,
                            struct gen_jmut *literals, struct gen_jmut *references,
                            size_t *n_references)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    gen_json_iter_init(&it, arguments);
    while (gen_json_iter_next(&it, &key, &row)) {
        int64_t step = 0;
        (void)gen_json_as_int(gen_json_get(row, "step"), &step);
        if (gen_str_is(gen_json_get_str(row, "origin"), "result") && step > 0) {
            struct gen_jmut *reference = gen_jb_object(b);
            struct gen_jmut *result = gen_jb_object(b);
            gen_jb_put_int(b, result, "step", step);
            gen_jb_put_str(b, result, "pointer", gen_json_get_str(row, "where"));
            gen_jb_put(b, reference, "$result", result);
            gen_jb_set_n(b, references, gen_json_get_str(row, "name"), reference);
            ++*n_references;
        } else {
            struct gen_jmut *pair = gen_jb_object(b);
            gen_jb_put_str(b, pair, "name", gen_json_get_str(row, "name"));
            gen_jb_put(b, pair, "value", gen_jb_copy(b, gen_json_get(row, "value")));
            gen_jb_append(b, literals, pair);
        }
    }
}

/* The arguments as the tool takes them, coerced by its schema, with references in their places. */
static int read_arguments(const struct gen_tool *tool, const struct gen_json *row,
                          struct planned *call, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_json_doc *pairs = NULL;
    struct gen_json_doc *refs = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jmut *args = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *literals = gen_jb_array(b);
    struct gen_jmut *references = gen_jb_object(b);
    split_arguments(gen_json_get(row, "arguments"), b, literals, references, &call->n_references);
    rc = gen_jb_write(b, literals, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&pairs, gen_buf_str(&text), err);
    gen_buf_clear(&text);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, references, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&refs, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = gen_tool_coerce(tool, gen_json_root(pairs), b, &args, err);
    if (rc == GEN_OK) {
        struct gen_json_iter it;
        struct gen_str name;
        const struct gen_json *v;
        gen_json_iter_init(&it, gen_json_root(refs));
        while (gen_json_iter_next(&it, &name, &v))
            gen_jb_set_n(b, args, name, gen_jb_copy(b, v));
        gen_buf_clear(&text);
        rc = gen_jb_write(b, args, GEN_JSON_COMPACT, &text, err);
    }
    if (rc == GEN_OK)
        rc = gen_json_parse(&call->doc, gen_buf_str(&text), err);
    call->args = rc ? NULL : gen_json_root(call->doc);
    gen_json_doc_free(pairs);
    gen_json_doc_free(refs);
    gen_buf_release(&text);
    gen_jb_free(b);
    return rc;
}

static bool is_offered(const struct gen_draft *d, const struct gen_tool *tool)
{
    for (size_t i = 0; i < d->n_offered; i++) {
        if (d->offered[i] == tool)
            return true;
    }
    return false;
}

static int check_schema(const struct planned *call, size_t i, struct gen_faults *f,
                        struct gen_error *err)
{
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    bool valid = true;
    int rc = gen_tool_check(call->tool, call->args, &valid, &faults, err);
    if (rc == GEN_OK && !valid)
        rc = gen_faults_add(f, "schema_invalid", err, "/calls/%zu/arguments%.*s", i,
                            GEN_STR_ARG(gen_str_trim(gen_buf_str(&faults))));
    gen_buf_release(&faults);
    return rc;
}

/* K22: the origin is found by the program; what the model says of it is not believed. */
static int check_origins(const struct plan *p, size_t i, struct gen_faults *f,
                         struct gen_error *err)
{
    const struct planned *call = &p->calls[i];
    struct gen_json_iter it;
    struct gen_str name, pointer;
    const struct gen_json *value;
    int rc = GEN_OK;
    gen_json_iter_init(&it, call->args);
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &value)) {
        enum gen_origin origin = GEN_ORIGIN_NONE;
        struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
        int64_t ref = 0;
        size_t step = 0;
        if (gen_result_reference(value, &ref, &pointer)) {
            if (ref > (int64_t)i)
                rc = gen_faults_add(f, "unresolved_reference", err,
                                    "/calls/%zu/arguments: \"%.*s\" refers to call %lld, which is "
                                    "not before this one",
                                    i, GEN_STR_ARG(name), (long long)ref);
            continue;
        }
        rc = gen_origin_find(call->tool, name, value, gen_buf_str(&p->request), p->results,
                             p->n_results < i ? p->n_results : i, &origin, &where, &step, err);
        if (rc == GEN_OK && origin == GEN_ORIGIN_NONE)
            rc = gen_faults_add(f, "invented_argument", err,
                                "/calls/%zu/arguments: the value of \"%.*s\" is neither in the "
                                "request nor a default; use the request's words, or leave it out",
                                i, GEN_STR_ARG(name));
        gen_buf_release(&where);
    }
    return rc;
}

static int read_call(const struct gen_tool_generate *g, const struct gen_draft *d, struct plan *p,
                     const struct gen_json *row, struct gen_faults *f, struct gen_error *err)
{
    struct gen_str name = gen_json_get_str(row, "tool");
    size_t i = p->n;
    struct planned *call = &p->calls[p->n++];
    *call = (struct planned){.tool = gen_toolset_find(g->o.tools, name),
                             .thought = gen_str_trim(gen_json_get_str(row, "thought")),
                             .match = SIZE_MAX};
    if (!call->tool || !is_offered(d, call->tool)) {
        call->tool = NULL;
        return gen_faults_add(f, "unknown_tool", err,
                              "/calls/%zu/tool: \"%.*s\" is not among the tools offered", i,
                              GEN_STR_ARG(name));
    }
    if (call->thought.n == 0 || gen_check_has_leftovers(call->thought) ||
        gen_step_has_defused(call->thought) || gen_count_words(call->thought) > THOUGHT_WORDS_MAX) {
        int rc = gen_faults_add(f, "thought_unfit", err,
                                "/calls/%zu/thought: one sentence of at most 40 plain words", i);
        if (rc)
            return rc;
    }
    int rc = read_arguments(call->tool, row, call, err);
    if (rc == GEN_OK && call->n_references == 0)
        rc = check_schema(call, i, f, err);
    return rc ? rc : check_origins(p, i, f, err);
}

/* ---- against the blueprint ---- */

/* Equal, or equal in what they stand for, as far as that is known. */
static int same_value(const struct plan *p, const struct gen_json *a, const struct gen_json *b,
                      bool *same, struct gen_error *err)
{
    const struct gen_json *sides[2] = {a, b};
    const struct gen_json *values[2] = {a, b};
    struct gen_json_doc *docs[2] = {NULL, NULL};
    int rc = GEN_OK;
    *same = gen_json_equal(a, b);
    for (size_t i = 0; rc == GEN_OK && !*same && i < 2; i++) {
        struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
        struct gen_str pointer;
        int64_t step = 0;
        bool found = false;
        if (gen_result_reference(sides[i], &step, &pointer) && step > 0 &&
            (size_t)step <= p->n_results)
            rc = gen_reference_resolve(p->results[step - 1], pointer, &text, &found, err);
        if (rc == GEN_OK && found)
            rc = gen_json_parse(&docs[i], gen_buf_str(&text), err);
        if (rc == GEN_OK && docs[i])
            values[i] = gen_json_root(docs[i]);
        gen_buf_release(&text);
    }
    *same = *same || (rc == GEN_OK && gen_json_equal(values[0], values[1]));
    gen_json_doc_free(docs[0]);
    gen_json_doc_free(docs[1]);
    return rc;
}

/* Every member of `a` is in `b` with the same value, or is a default that `b` leaves out. The first
 * that is not goes to `differs`. */
static int covers(const struct plan *p, const struct gen_tool *tool, const struct gen_json *a,
                  const struct gen_json *b, bool *same, struct gen_str *differs,
                  struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    int rc = GEN_OK;
    *same = true;
    gen_json_iter_init(&it, a);
    while (rc == GEN_OK && *same && gen_json_iter_next(&it, &name, &v)) {
        const struct gen_json *other = gen_json_get_n(b, name);
        *same = !other && gen_is_default(tool, name, v);
        if (other)
            rc = same_value(p, v, other, same, err);
        if (!*same)
            *differs = name;
    }
    return rc;
}

static int same_call(const struct plan *p, const struct planned *call,
                     const struct gen_draft_call *wanted, bool *same, struct gen_str *differs,
                     struct gen_error *err)
{
    *same = false;
    *differs = GEN_STR("tool");
    if (call->tool != wanted->tool)
        return GEN_OK;
    int rc = covers(p, call->tool, call->args, wanted->args, same, differs, err);
    if (rc == GEN_OK && *same)
        rc = covers(p, call->tool, wanted->args, call->args, same, differs, err);
    return rc;
}

/* Chains in their order, parallel calls as a set. */
static int compare(const struct gen_draft *d, struct plan *p, struct gen_faults *f,
                   struct gen_error *err)
{
    bool taken[GEN_DRAFT_CALLS_MAX] = {false};
    bool in_order = d->category != GEN_TOOL_PARALLEL;
    int rc = GEN_OK;
    if (p->n != d->n_calls)
        return gen_faults_add(f, "blueprint_not_recovered", err,
                              "/calls: %zu calls do not do exactly what the request asks for, no "
                              "more and no less",
                              p->n);
    for (size_t i = 0; rc == GEN_OK && i < p->n; i++) {
        struct gen_str differs = GEN_STR("tool");
        for (size_t k = in_order ? i : 0; rc == GEN_OK && k < (in_order ? i + 1 : d->n_calls);
             k++) {
            struct gen_str other = differs;
            bool same = false;
            if (!taken[k])
                rc = same_call(p, &p->calls[i], &d->calls[k], &same, &other, err);
            if (same && p->calls[i].match == SIZE_MAX) {
                p->calls[i].match = k;
                taken[k] = true;
            }
            differs = gen_str_is(other, "tool") ? differs : other;
        }
        if (rc == GEN_OK && p->calls[i].match == SIZE_MAX)
            rc = gen_faults_add(f, "blueprint_not_recovered", err,
                                "/calls/%zu: not the call that the request asks for; look again at "
                                "\"%.*s\"",
                                i, GEN_STR_ARG(differs));
    }
    return rc;
}

/* ---- the record ---- */

static int put_sources(const struct plan *p, const struct gen_draft_call *call, size_t i,
                       struct gen_jb *b, struct gen_jmut *sources, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name, pointer;
    const struct gen_json *value;
    int rc = GEN_OK;
    gen_json_iter_init(&it, call->args);
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &value)) {
        struct gen_jmut *source = NULL;
        struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
        enum gen_origin origin = GEN_ORIGIN_NONE;
        int64_t ref = 0;
        size_t step = 0;
        if (gen_result_reference(value, &ref, &pointer)) {
            source = gen_source_json(b, GEN_ORIGIN_RESULT, pointer, ref);
        } else {
            rc = gen_origin_find(call->tool, name, value, gen_buf_str(&p->request), p->results,
                                 p->n_results < i ? p->n_results : i, &origin, &where, &step, err);
            if ((origin == GEN_ORIGIN_NONE || origin == GEN_ORIGIN_CONSTANT) &&
                gen_is_default(call->tool, name, value))
                origin = GEN_ORIGIN_DEFAULT;
            source = gen_source_json(b, origin, gen_buf_str(&where), (int64_t)step);
        }
        gen_jb_put_n(b, sources, name, source);
        gen_buf_release(&where);
    }
    return rc;
}

static struct gen_jmut *put_call(struct gen_jb *b, struct gen_jmut *path, int64_t step,
                                 int64_t turn, struct gen_str thought, struct gen_str tool,
                                 const struct gen_json *args)
{
    struct gen_jmut *row = gen_jb_object(b);
    gen_jb_put_int(b, row, "step", step);
    gen_jb_put_int(b, row, "turn", turn);
    gen_jb_put_str(b, row, "thought", thought);
    gen_jb_put_str(b, row, "tool", tool);
    gen_jb_put(b, row, "args", gen_jb_copy(b, args));
    gen_jb_append(b, path, row);
    return row;
}

/* The failed call first, as if by oversight, then the thought that leads to the right one. */
static int put_recovery(const struct gen_draft *d, const struct plan *p, struct gen_str thought,
                        struct gen_jb *b, struct gen_jmut *path, struct gen_jmut **right,
                        struct gen_error *err)
{
    const struct gen_json *failed = gen_json_get(d->mutation, "call");
    struct gen_buf first = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf second = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_recovery_first(d, thought, &first, err);
    if (rc == GEN_OK)
        rc = gen_recovery_second(d, gen_buf_str(&p->request), &second, err);
    if (rc == GEN_OK) {
        struct gen_jmut *row =
            put_call(b, path, 1, 1, gen_buf_str(&first), gen_json_get_str(failed, "tool"),
                     gen_json_get(failed, "args"));
        gen_jb_put_cstr(b, row, "status", "pending");
        gen_jb_put_bool(b, row, "is_mutation", true);
        *right =
            put_call(b, path, 2, 2, gen_buf_str(&second), d->calls[0].tool->name, d->calls[0].args);
    }
    gen_buf_release(&first);
    gen_buf_release(&second);
    return rc;
}

static int put_path(const struct gen_draft *d, const struct plan *p, struct gen_jb *b,
                    struct gen_jmut *path, struct gen_error *err)
{
    int rc = GEN_OK;
    bool recovers = d->category == GEN_TOOL_ERROR_RECOVERY && d->mutation;
    for (size_t k = 0; rc == GEN_OK && k < d->n_calls; k++) {
        const struct planned *call = NULL;
        struct gen_jmut *row = NULL;
        struct gen_jmut *sources = gen_jb_object(b);
        for (size_t i = 0; i < p->n; i++)
            call = p->calls[i].match == k ? &p->calls[i] : call;
        if (!call)
            return gen_fail(err, GEN_ESTATE, "a call of the blueprint has no match");
        if (recovers)
            rc = put_recovery(d, p, call->thought, b, path, &row, err);
        else
            row = put_call(b, path, (int64_t)k + 1, d->calls[k].turn, call->thought,
                           d->calls[k].tool->name, d->calls[k].args);
        if (rc == GEN_OK)
            rc = put_sources(p, &d->calls[k], k, b, sources, err);
        gen_jb_put(b, row, "sources", sources);
        gen_jb_put_cstr(b, row, "status", "pending");
    }
    return rc;
}

static int write_record(const struct gen_tool_generate *g, const struct gen_draft *d,
                        const struct plan *p, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf documentation = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = gen_draft_document(g, d, &documentation, err);
    if (rc == GEN_OK) {
        struct gen_jmut *record = gen_jb_copy(b, d->record);
        struct gen_jmut *solution = gen_jb_object(b);
        struct gen_jmut *path = gen_jb_array(b);
        const struct gen_json *clarification =
            gen_json_get(gen_json_get(d->record, "solution"), "clarification");
        rc = put_path(d, p, b, path, err);
        gen_jb_put(b, solution, "reasoning_path", path);
        if (clarification)
            gen_jb_put(b, solution, "clarification", gen_jb_copy(b, clarification));
        gen_jb_put_str(b, solution, "api_documentation", gen_buf_str(&documentation));
        gen_jb_put_str(b, solution, "method", gen_json_get_str(d->metadata, "mode"));
        gen_jb_set(b, record, "solution", solution);
        if (rc == GEN_OK)
            rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    }
    gen_buf_release(&documentation);
    gen_jb_free(b);
    return rc;
}

int gen_plan_accept(struct gen_tool_generate *g, const struct gen_draft *d,
                    const struct gen_json *answer, struct gen_outcome *o, struct gen_error *err)
{
    struct gen_faults f = gen_faults_make();
    struct gen_buf record = gen_buf_make(GEN_BUF_UNLIMITED);
    struct plan p = {.request = gen_buf_make(GEN_BUF_UNLIMITED)};
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    p.n_results = gen_draft_results(d, p.results, GEN_DRAFT_CALLS_MAX);
    int rc = gen_draft_request(d, &p.request, err);
    gen_json_iter_init(&it, gen_json_get(answer, "calls"));
    while (rc == GEN_OK && p.n < GEN_DRAFT_CALLS_MAX && gen_json_iter_next(&it, &key, &row))
        rc = read_call(g, d, &p, row, &f, err);
    if (rc == GEN_OK && f.n == 0)
        rc = compare(d, &p, &f, err);
    if (rc == GEN_OK && f.n)
        rc = gen_faults_settle(&f, o, err);
    else if (rc == GEN_OK)
        rc = write_record(g, d, &p, &record, err);
    if (rc == GEN_OK && f.n == 0)
        rc = gen_outcome_produce(o, 0, gen_buf_str(&record), err);
    release_plan(&p);
    gen_buf_release(&record);
    gen_faults_release(&f);
    return rc;
}
