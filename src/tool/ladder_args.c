/* The rungs that look at arguments: schema, references, provenance. */
#include "tool/ladder_int.h"

#include "base/utf8.h"

#include <inttypes.h>

#define SHOWN 60 /* characters of a value in a message */

/* A value for messages, short. */
static void show(const struct gen_json *v, char *out, size_t bytes)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    out[0] = '\0';
    if (gen_json_write(&text, v, GEN_JSON_COMPACT, NULL) == GEN_OK) {
        struct gen_str shown = gen_utf8_prefix(gen_buf_str(&text), SHOWN);
        gen_utf8_format(out, bytes, "%.*s%s", GEN_STR_ARG(shown), shown.n < text.n ? "..." : "");
    }
    gen_buf_release(&text);
}

static bool is_reference(const struct gen_json *v)
{
    int64_t step;
    struct gen_str pointer;
    return gen_result_reference(v, &step, &pointer);
}

/* The arguments without those that are references as a whole. */
static int without_references(const struct gen_json *args, struct gen_json_doc **out,
                              struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *object = gen_jb_object(b);
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (!is_reference(v))
            gen_jb_put_n(b, object, key, gen_jb_copy(b, v));
    }
    rc = gen_jb_write(b, object, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(out, gen_buf_str(&text), err);
    gen_buf_release(&text);
    gen_jb_free(b);
    return rc;
}

/* A fault at, or below, an argument that is, or holds, a reference, whose value is not known. */
static bool is_about_reference(struct gen_str fault, const struct gen_json *args)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, &key, &v)) {
        enum gen_json_type type = gen_json_type(v);
        if (type != GEN_JSON_OBJECT && type != GEN_JSON_ARRAY)
            continue;
        if (fault.n > key.n + 1 && gen_str_eq(gen_str_sub(fault, 1, key.n), key) &&
            (fault.p[key.n + 1] == ':' || fault.p[key.n + 1] == '/'))
            return true;
    }
    return false;
}

static int check_plan(const struct gen_tool *tool, const struct gen_json *args, bool *valid,
                      struct gen_buf *faults, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf all = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = without_references(args, &doc, err);
    if (rc == GEN_OK)
        rc = gen_tool_check(tool, gen_json_root(doc), valid, &all, err);
    struct gen_str rest = gen_buf_str(&all);
    struct gen_str line;
    if (rc == GEN_OK && !*valid) {
        *valid = true;
        while (rc == GEN_OK && gen_str_next_line(&rest, &line)) {
            if (is_about_reference(line, args))
                continue;
            *valid = false;
            rc = gen_buf_add_str(faults, line, err);
        }
    }
    gen_buf_release(&all);
    gen_json_doc_free(doc);
    return rc;
}

static int check_step(struct gen_climber *c, size_t i, struct gen_error *err)
{
    const struct gen_tool_step *s = &c->t->steps[i];
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    bool valid = true;
    if (!s->args) {
        (void)gen_climb_fail(c->out, "schema_invalid",
                             "step %zu: the arguments of %.*s are no object", i + 1,
                             GEN_STR_ARG(s->tool));
        return GEN_OK;
    }
    int rc = s->has_reference ? check_plan(c->tools[i], s->args, &valid, &faults, err)
                              : gen_tool_check(c->tools[i], s->args, &valid, &faults, err);
    struct gen_str rest = gen_buf_str(&faults);
    struct gen_str line = {NULL, 0};
    if (rc == GEN_OK && !valid) {
        (void)gen_str_next_line(&rest, &line);
        (void)gen_climb_fail(c->out, "schema_invalid", "step %zu: arguments of %.*s: %.*s", i + 1,
                             GEN_STR_ARG(s->tool), GEN_STR_ARG(line));
    }
    gen_buf_release(&faults);
    return rc;
}

int gen_rung_schema(struct gen_climber *c, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < c->t->n_steps && rc == GEN_OK && !c->out->rule; i++) {
        if (c->tools[i] && !c->is_excused[i])
            rc = check_step(c, i, err);
    }
    return rc;
}

/* What would fail is looked for with a bounded stack: parsed values are no deeper than
 * GEN_JSON_DEPTH_MAX. */
static void look_for_leftovers(struct gen_climber *c, size_t i, struct gen_str name,
                               const struct gen_json *v)
{
    const struct gen_tool_step *s = &c->t->steps[i];
    struct gen_str text;
    struct gen_str pointer;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *inner;
    int64_t from = 0;
    if (c->out->rule)
        return;
    if (gen_result_reference(v, &from, &pointer)) {
        bool is_earlier = from >= 1 && from <= (int64_t)i && from <= (int64_t)c->t->n_steps &&
                          c->t->steps[from - 1].turn < s->turn;
        if (s->status != GEN_CALL_PENDING || !is_earlier)
            (void)gen_climb_fail(
                c->out, "unresolved_reference",
                s->status != GEN_CALL_PENDING
                    ? "step %zu: argument \"%.*s\" of %.*s still refers to step %" PRId64
                    : "step %zu: argument \"%.*s\" of %.*s refers to step %" PRId64
                      ", which is not before it",
                i + 1, GEN_STR_ARG(name), GEN_STR_ARG(s->tool), from);
        return;
    }
    if (gen_json_as_str(v, &text)) {
        /* What the user wrote himself is no placeholder of ours. */
        if (gen_text_has_placeholder(text) && gen_str_find(c->t->instruction, text, 0) == SIZE_MAX)
            (void)gen_climb_fail(c->out, "unresolved_reference",
                                 "step %zu: argument \"%.*s\" of %.*s is the placeholder \"%.*s\"",
                                 i + 1, GEN_STR_ARG(name), GEN_STR_ARG(s->tool),
                                 GEN_STR_ARG(gen_utf8_prefix(text, SHOWN)));
        return;
    }
    enum gen_json_type type = gen_json_type(v);
    if (type != GEN_JSON_ARRAY && type != GEN_JSON_OBJECT)
        return;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &inner))
        look_for_leftovers(c, i, name, inner);
}

void gen_rung_references(struct gen_climber *c)
{
    int64_t turn = 0;
    for (size_t i = 0; i < c->t->n_steps && !c->out->rule; i++) {
        const struct gen_tool_step *s = &c->t->steps[i];
        struct gen_json_iter it;
        struct gen_str key;
        const struct gen_json *v;
        if (s->step != (int64_t)i + 1 || s->turn < turn) {
            (void)gen_climb_fail(c->out, "steps_out_of_order",
                                 "step %zu is numbered %" PRId64 " (turn %" PRId64 ")", i + 1,
                                 s->step, s->turn);
            return;
        }
        turn = s->turn;
        gen_json_iter_init(&it, s->args);
        while (s->args && gen_json_iter_next(&it, &key, &v))
            look_for_leftovers(c, i, key, v);
    }
    struct gen_str answer = c->t->final_answer;
    if (!c->out->rule && gen_text_has_placeholder(answer) &&
        !gen_text_has_placeholder(c->t->instruction))
        (void)gen_climb_fail(c->out, "unresolved_reference",
                             "the final answer has a placeholder: \"%.*s\"",
                             GEN_STR_ARG(gen_utf8_prefix(answer, SHOWN)));
}

/* A choice or a flag that the record says was converted from words that are in the request: which
 * words mean which choice, only a judge can tell. */
static bool is_declared(const struct gen_climber *c, size_t i, struct gen_str name,
                        const struct gen_json *v)
{
    const struct gen_tool *tool = c->tools[i];
    const struct gen_tool_param *p = tool ? gen_tool_param_find(tool, name) : NULL;
    const struct gen_json *source = gen_json_get_n(c->t->steps[i].sources, name);
    bool is_choice = gen_json_type(v) == GEN_JSON_BOOL || (p && p->choices);
    struct gen_str where = gen_json_get_str(source, "where");
    return is_choice && gen_str_is(gen_json_get_str(source, "origin"), "conversion") &&
           where.n >= 3 && gen_str_find(c->known.request.text, where, 0) != SIZE_MAX;
}

static int trace_step(struct gen_climber *c, size_t i, struct gen_error *err)
{
    const struct gen_tool_step *s = &c->t->steps[i];
    size_t n_results = gen_climb_results_before(c->t, i);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, s->args);
    while (s->args && gen_json_iter_next(&it, &key, &v)) {
        struct gen_found found = {GEN_ORIGIN_NONE, {NULL, 0}, 0};
        if (is_reference(v))
            continue;
        int rc = gen_known_origin(&c->known, n_results, c->tools[i], key, v, &found, err);
        if (rc)
            return rc;
        bool is_traced = found.origin != GEN_ORIGIN_NONE || is_declared(c, i, key, v);
        c->out->n_arguments++;
        c->out->n_traced += is_traced;
        if (is_traced || c->out->rule)
            continue;
        char shown[4 * SHOWN + 8];
        show(v, shown, sizeof(shown));
        (void)gen_climb_fail(c->out, "invented_argument",
                             "step %zu: argument \"%.*s\" of %.*s is %s, which neither the request "
                             "nor an earlier result gives",
                             i + 1, GEN_STR_ARG(key), GEN_STR_ARG(s->tool), shown);
    }
    return GEN_OK;
}

int gen_rung_provenance(struct gen_climber *c, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < c->t->n_steps && rc == GEN_OK; i++) {
        if (!c->is_excused[i])
            rc = trace_step(c, i, err);
    }
    return rc;
}
