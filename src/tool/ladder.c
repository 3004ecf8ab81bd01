#include "tool/ladder_int.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>

/* Calls are compared with each other. */
#define STEPS_MAX 1000U

struct gen_ladder {
    struct gen_ladder_options o;
    struct gen_ladder_counts counts;
    struct gen_json_memo *memo;
    struct gen_arena arena;
};

const char *gen_rung_name(enum gen_rung r)
{
    static const char *const names[GEN_N_RUNGS] = {
        "parse", "schema", "references", "provenance", "execution", "dependence", "judge"};
    return (size_t)r < GEN_N_RUNGS ? names[r] : "unknown";
}

bool gen_climb_fail(struct gen_climb *out, const char *rule, const char *format, ...)
{
    va_list args;
    if (out->rule)
        return false;
    out->rule = rule;
    va_start(args, format);
    gen_utf8_vformat(out->why, sizeof(out->why), format, args);
    va_end(args);
    return false;
}

int gen_ladder_new(struct gen_ladder **out, const struct gen_ladder_options *options,
                   struct gen_error *err)
{
    struct gen_ladder *l = calloc(1, sizeof(*l));
    if (!l)
        return gen_nomem(err, "the verification of tool records");
    l->o = *options;
    l->arena = gen_arena_make(GEN_BUF_UNLIMITED);
    int rc = gen_tool_memo_new(&l->memo, err);
    if (rc) {
        free(l);
        return rc;
    }
    *out = l;
    return GEN_OK;
}

void gen_ladder_free(struct gen_ladder *l)
{
    if (!l)
        return;
    gen_json_memo_free(l->memo);
    gen_arena_release(&l->arena);
    free(l);
}

const struct gen_ladder_counts *gen_ladder_counts(const struct gen_ladder *l)
{
    return &l->counts;
}

size_t gen_climb_results_before(const struct gen_trajectory *t, size_t i)
{
    size_t n = i;
    while (n > 0 && t->steps[n - 1].turn >= t->steps[i].turn)
        n--;
    return n;
}

/* What counts as known besides the request: the user's reply, and the state of the world that the
 * example was drawn for. */
int gen_climb_known(struct gen_climber *c, struct gen_error *err)
{
    const struct gen_trajectory *t = c->t;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_json *setup = gen_json_get(t->blueprint, "setup");
    int rc = gen_buf_printf(&text, err, "%.*s\n%.*s\n%.*s\n", GEN_STR_ARG(t->instruction),
                            GEN_STR_ARG(t->user_reply),
                            GEN_STR_ARG(gen_json_get_str(t->blueprint, "context")));
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, setup);
    while (rc == GEN_OK && setup && gen_json_iter_next(&it, &key, &v)) {
        if (gen_json_get(v, "args"))
            rc = gen_json_write(&text, gen_json_get(v, "args"), GEN_JSON_COMPACT, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(&text, '\n', err);
    }
    struct gen_str request = {NULL, 0};
    struct gen_str *results = gen_arena_array(c->arena, t->n_steps + 1, sizeof(*results));
    if (rc == GEN_OK) {
        request = gen_arena_str(c->arena, gen_buf_str(&text));
        rc = results && request.p ? GEN_OK : gen_nomem(err, "a tool record");
    }
    gen_buf_release(&text);
    if (rc)
        return rc;
    for (size_t i = 0; i < t->n_steps; i++)
        results[i] = t->steps[i].observation;
    return gen_known_init(&c->known, request, results, t->n_steps, c->arena, err);
}

/* A failure is excused that was planned, or that a later call made good. */
static void find_excuses(struct gen_climber *c)
{
    const struct gen_trajectory *t = c->t;
    for (size_t i = 0; i < t->n_steps; i++) {
        c->is_excused[i] = t->steps[i].is_mutation;
        if (t->steps[i].status != GEN_CALL_FAILURE)
            continue;
        for (size_t k = i + 1; k < t->n_steps; k++) {
            bool is_same = gen_str_eq(t->steps[k].tool, t->steps[i].tool) || k + 1 == t->n_steps;
            if (is_same && t->steps[k].status == GEN_CALL_SUCCESS)
                c->is_excused[i] = true;
        }
    }
}

static int find_tool(struct gen_ladder *l, struct gen_climber *c, size_t i, struct gen_error *err)
{
    const struct gen_trajectory *t = c->t;
    struct gen_str name = t->steps[i].tool;
    const struct gen_json *function = gen_trajectory_tool(t, name);
    const char *why = NULL;
    int rc = GEN_OK;
    if (l->o.tools)
        c->tools[i] = gen_toolset_find(l->o.tools, name);
    else if (function)
        rc = gen_tool_memo_get(l->memo, function, &c->tools[i], &why, err);
    if (rc || c->is_excused[i])
        return rc;
    if (why)
        (void)gen_climb_fail(c->out, "tool_definition_unusable", "step %zu: tool %.*s: %s", i + 1,
                             GEN_STR_ARG(name), why);
    else if (!c->tools[i] && c->has_tools)
        (void)gen_climb_fail(c->out, "unknown_tool", "step %zu: there is no tool named \"%.*s\"",
                             i + 1, GEN_STR_ARG(gen_utf8_prefix(name, 80)));
    else if (t->tools && !function)
        (void)gen_climb_fail(c->out, "tool_not_offered",
                             "step %zu: %.*s is not among the tools that were offered", i + 1,
                             GEN_STR_ARG(name));
    return GEN_OK;
}

/* Each rung is counted by its own name; false when it was not passed. */
static bool passed(struct gen_ladder *l, struct gen_climb *out, enum gen_rung r, bool skipped)
{
    out->rung = r;
    if (out->rule)
        return false;
    l->counts.n_passed[r]++;
    l->counts.n_skipped[r] += skipped;
    return true;
}

static int climb(struct gen_ladder *l, struct gen_climber *c, struct gen_error *err)
{
    struct gen_climb *out = c->out;
    int rc = GEN_OK;
    bool skipped = false;
    for (size_t i = 0; i < c->t->n_steps && rc == GEN_OK; i++)
        rc = find_tool(l, c, i, err);
    if (rc == GEN_OK && !out->rule)
        rc = gen_rung_schema(c, err);
    if (rc || !passed(l, out, GEN_RUNG_SCHEMA, !c->has_tools))
        return rc;
    gen_rung_references(c);
    if (!passed(l, out, GEN_RUNG_REFERENCES, false))
        return GEN_OK;
    rc = gen_climb_known(c, err);
    if (rc == GEN_OK)
        rc = gen_rung_provenance(c, err);
    if (rc || !passed(l, out, GEN_RUNG_PROVENANCE, false))
        return rc;
    gen_rung_execution(c, l->o.needs_execution, &skipped);
    if (!passed(l, out, GEN_RUNG_EXECUTION, skipped))
        return GEN_OK;
    skipped = false;
    rc = gen_rung_dependence(c, &skipped, err);
    if (rc == GEN_OK)
        (void)passed(l, out, GEN_RUNG_DEPENDENCE, skipped);
    return rc;
}

static int read_record(struct gen_ladder *l, const struct gen_json *record,
                       struct gen_trajectory *t, struct gen_climb *out, struct gen_error *err)
{
    bool usable = false;
    char why[200] = "";
    if (!record) {
        (void)gen_climb_fail(out, "not_json", "the row is no JSON");
        return GEN_OK;
    }
    int rc = gen_trajectory_read(t, record, &l->arena, &usable, why, sizeof(why), err);
    if (rc == GEN_OK && !usable)
        (void)gen_climb_fail(out, "not_a_tool_record", "%s", why);
    else if (rc == GEN_OK && t->n_steps > STEPS_MAX)
        (void)gen_climb_fail(out, "too_many_steps", "%zu calls, and at most %u are looked at",
                             t->n_steps, STEPS_MAX);
    else if (rc == GEN_OK && !t->n_steps && !gen_str_trim(t->final_answer).n)
        (void)gen_climb_fail(out, "nothing_to_learn", "there are neither calls nor an answer");
    return rc;
}

int gen_ladder_climb(struct gen_ladder *l, const struct gen_json *record, struct gen_climb *out,
                     struct gen_error *err)
{
    struct gen_trajectory t = {.record = record};
    *out = (struct gen_climb){.rung = GEN_RUNG_PARSE};
    l->counts.n_in++;
    gen_arena_reset(&l->arena);
    gen_json_memo_trim(l->memo);
    int rc = read_record(l, record, &t, out, err);
    if (rc || !passed(l, out, GEN_RUNG_PARSE, false))
        return rc;
    struct gen_climber c = {.t = &t, .arena = &l->arena, .out = out};
    c.tools = gen_arena_array(&l->arena, t.n_steps + 1, sizeof(struct gen_tool *));
    c.is_excused = gen_arena_array(&l->arena, t.n_steps + 1, sizeof(*c.is_excused));
    if (!c.tools || !c.is_excused)
        return gen_nomem(err, "a tool record");
    c.has_tools = l->o.tools || t.tools;
    find_excuses(&c);
    rc = climb(l, &c, err);
    gen_known_release(&c.known);
    return rc;
}
