/* A drawing as a record. */
#include "tool/blueprint_int.h"

#include "base/utf8.h"

#include <stdio.h>

#define CONTEXT_BYTES_MAX 1000U
#define EXPECTS_BYTES_MAX 300U

static const char *const styles[] = {
    "terse_command", "polite_sentence",     "question",        "context_then_request",
    "goal_only",     "informal_with_typos", "expert_shorthand"};

static struct gen_jmut *call_of(struct gen_blueprints *b, size_t call)
{
    struct gen_jmut *o = gen_jb_object(b->jb);
    gen_jb_put_str(b->jb, o, "tool", b->set->tools[b->calls[call].tool].name);
    gen_jb_put(b->jb, o, "args", gen_jb_copy(b->jb, gen_call_args(b, call)));
    return o;
}

static struct gen_jmut *reference(struct gen_jb *jb, size_t step, struct gen_str pointer)
{
    struct gen_jmut *outer = gen_jb_object(jb), *inner = gen_jb_object(jb);
    gen_jb_put_int(jb, inner, "step", (int64_t)step);
    gen_jb_put_str(jb, inner, "pointer", pointer);
    gen_jb_put(jb, outer, "$result", inner);
    return outer;
}

static struct gen_jmut *step_of(struct gen_blueprints *b, const struct gen_drawing *d, size_t i)
{
    const struct gen_drawn_step *s = &d->steps[i];
    const struct gen_tool *t = &b->set->tools[b->calls[s->call].tool];
    struct gen_jmut *o = gen_jb_object(b->jb), *args = gen_jb_object(b->jb);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_call_args(b, s->call));
    while (gen_json_iter_next(&it, &key, &v)) {
        struct gen_jmut *value = NULL;
        for (size_t k = 0; k < s->n_references; k++) {
            if (gen_str_eq(t->params[s->param[k]].name, key))
                value = reference(b->jb, s->from[k] + 1, s->pointer[k]);
        }
        gen_jb_put_n(b->jb, args, key, value ? value : gen_jb_copy(b->jb, v));
    }
    gen_jb_put_str(b->jb, o, "tool", t->name);
    gen_jb_put(b->jb, o, "args", args);
    gen_jb_put_int(b->jb, o, "turn", d->category == GEN_TOOL_PARALLEL ? 1 : (int64_t)i + 1);
    return o;
}

/* ---- what was done before ---- */

/* "opened" of "open"; NULL for words that are no verb we know. */
static const char *done_word(struct gen_str verb)
{
    static const char *const verbs[][2] = {
        {"open", "opened"},        {"load", "loaded"},         {"create", "created"},
        {"select", "selected"},    {"connect", "connected"},   {"set", "set"},
        {"start", "started"},      {"begin", "begun"},         {"use", "chosen"},
        {"choose", "chosen"},      {"init", "initialised"},    {"initialize", "initialised"},
        {"attach", "attached"},    {"mount", "mounted"},       {"add", "added"},
        {"write", "written"},      {"insert", "inserted"},     {"import", "imported"},
        {"upload", "uploaded"},    {"register", "registered"}, {"enable", "enabled"},
        {"activate", "activated"}, {"launch", "launched"},     {"join", "joined"},
        {"navigate", "visited"},   {"make", "made"},           {"put", "put"},
    };
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (gen_str_eq_nocase(verb, gen_str_from(verbs[i][0])))
            return verbs[i][1];
    }
    return NULL;
}

struct words {
    char verb[32];
    char rest[128];
    size_t n;
};

static void take_word(void *ud, struct gen_str word)
{
    struct words *w = ud;
    size_t used = strlen(w->rest);
    if (w->n++ == 0)
        (void)snprintf(w->verb, sizeof(w->verb), "%.*s", GEN_STR_ARG(word));
    else
        (void)snprintf(w->rest + used, sizeof(w->rest) - used, "%s%.*s", used ? " " : "",
                       GEN_STR_ARG(word));
}

/* "the file simulation.h5 has been opened". */
static int add_context(struct gen_blueprints *b, struct gen_buf *out, size_t call,
                       struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[b->calls[call].tool];
    struct words w = {"", "", 0};
    struct gen_json_iter it;
    struct gen_str value = GEN_STR(""), about = gen_str_trim(t->description);
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_call_args(b, call));
    while (!value.n && gen_json_iter_next(&it, NULL, &v))
        (void)gen_json_as_str(v, &value);
    gen_name_words(t->name, take_word, &w);
    const char *done = done_word(gen_str_from(w.verb));
    size_t dot = gen_str_find(about, GEN_STR("."), 0);
    about = gen_str_sub(about, 0, dot == SIZE_MAX ? about.n : dot);
    int rc = out->n ? gen_buf_add_c(out, "; ", err) : GEN_OK;
    if (rc == GEN_OK && done)
        return gen_buf_printf(out, err, "the %s%s%.*s has been %s", w.rest[0] ? w.rest : "object",
                              value.n ? " " : "", GEN_STR_ARG(value), done);
    return rc ? rc
              : gen_buf_printf(out, err, "already done: %.*s%s%.*s%s", GEN_STR_ARG(about),
                               value.n ? " (" : "", GEN_STR_ARG(value), value.n ? ")" : "");
}

static int put_setup(struct gen_blueprints *b, const struct gen_drawing *d, struct gen_jmut *o,
                     struct gen_error *err)
{
    size_t setup[GEN_SETUP_MAX];
    struct gen_buf context = gen_buf_make((size_t)1 << 16);
    if (d->setup == GEN_NONE)
        return GEN_OK;
    size_t n = gen_call_setup(b, d->steps[0].call, setup);
    struct gen_jmut *list = gen_jb_array(b->jb);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        gen_jb_append(b->jb, list, call_of(b, setup[i]));
        rc = add_context(b, &context, setup[i], err);
    }
    gen_jb_put(b->jb, o, "setup", list);
    gen_jb_put_str(b->jb, o, "context", gen_utf8_cut(gen_buf_str(&context), CONTEXT_BYTES_MAX));
    gen_buf_release(&context);
    return rc;
}

/* ---- the rest ---- */

static enum gen_mutation kind_of(const struct gen_blueprints *b, size_t call)
{
    const struct gen_known_call *c = &b->calls[call];
    /* A variation that failed although it passes the schema. */
    return c->mutation ? c->mutation : GEN_WRONG_VALUE;
}

static void put_mutation(struct gen_blueprints *b, const struct gen_drawing *d, struct gen_jmut *o)
{
    static const char *const kinds[] = {"", "wrong_value", "missing_argument", "wrong_type"};
    if (d->mutation == GEN_NONE)
        return;
    const struct gen_known_call *c = &b->calls[d->mutation];
    struct gen_jmut *m = gen_jb_object(b->jb);
    gen_jb_put_cstr(b->jb, m, "kind", kinds[kind_of(b, d->mutation)]);
    gen_jb_put_str(b->jb, m, "parameter", b->set->tools[c->tool].params[c->parameter].name);
    gen_jb_put(b->jb, m, "call", call_of(b, d->mutation));
    bool is_lasting = gen_str_find(c->observation, GEN_STR("/tmp/"), 0) == SIZE_MAX;
    gen_jb_put_str(b->jb, m, "expects",
                   is_lasting ? gen_utf8_cut(c->observation, EXPECTS_BYTES_MAX) : GEN_STR(""));
    gen_jb_put(b->jb, o, "mutation", m);
}

static void put_gap(struct gen_blueprints *b, const struct gen_drawing *d, struct gen_jmut *o)
{
    if (!d->gap)
        return;
    gen_jb_put_cstr(b->jb, o, "gap", d->gap);
    if (d->near_tool != GEN_NONE && strncmp(d->gap, "near", 4) == 0)
        gen_jb_put_str(b->jb, o, "near_tool", b->set->tools[d->near_tool].name);
    else
        gen_jb_put_str(b->jb, o, "near_tool", GEN_STR(""));
    if (d->missing_tool != GEN_NONE) {
        const struct gen_tool *t = &b->set->tools[d->missing_tool];
        struct gen_jmut *missing = gen_jb_object(b->jb);
        gen_jb_put_str(b->jb, missing, "tool", t->name);
        gen_jb_put_str(b->jb, missing, "description", t->description);
        if (d->missing_call != GEN_NONE) {
            gen_jb_put(b->jb, missing, "args",
                       gen_jb_copy(b->jb, gen_call_args(b, d->missing_call)));
            gen_jb_put(b->jb, missing, "parameters", gen_jb_copy(b->jb, t->input_schema));
        }
        gen_jb_put(b->jb, o, "missing", missing);
    }
}

static const char *difficulty_of(const struct gen_blueprints *b, const struct gen_drawing *d)
{
    bool is_near = d->gap && strncmp(d->gap, "near", 4) == 0;
    if (d->n_steps > 2 || d->mutation != GEN_NONE)
        return "complex";
    if (d->n_steps == 2 || d->n_withheld || is_near)
        return "medium";
    if (d->gap)
        return "simple";
    struct gen_str own = b->set->tools[b->calls[d->steps[0].call].tool].complexity;
    return gen_str_is(own, "complex") ? "complex" : gen_str_is(own, "medium") ? "medium" : "simple";
}

static struct gen_jmut *required_of(struct gen_blueprints *b, const struct gen_drawing *d)
{
    struct gen_jmut *list = gen_jb_array(b->jb);
    for (size_t i = 0; i < d->n_steps; i++) {
        size_t tool = b->calls[d->steps[i].call].tool;
        bool is_new = true;
        for (size_t k = 0; k < i; k++)
            is_new = is_new && b->calls[d->steps[k].call].tool != tool;
        if (is_new)
            gen_jb_append(b->jb, list, gen_jb_str(b->jb, b->set->tools[tool].name));
    }
    return list;
}

static int blueprint_of(struct gen_blueprints *b, const struct gen_drawing *d, int64_t number,
                        struct gen_jmut **out, struct gen_error *err)
{
    struct gen_jmut *o = gen_jb_object(b->jb), *calls = gen_jb_array(b->jb);
    struct gen_prng random = gen_prng_make(b->options.seed ^ ((uint64_t)number << 20));
    for (size_t i = 0; i < d->n_steps; i++)
        gen_jb_append(b->jb, calls, step_of(b, d, i));
    gen_jb_put(b->jb, o, "calls", calls);
    int rc = put_setup(b, d, o, err);
    put_mutation(b, d, o);
    if (d->n_withheld) {
        const struct gen_tool *t = &b->set->tools[b->calls[d->steps[0].call].tool];
        struct gen_jmut *list = gen_jb_array(b->jb);
        for (size_t i = 0; i < d->n_withheld; i++)
            gen_jb_append(b->jb, list, gen_jb_str(b->jb, t->params[d->withheld[i]].name));
        gen_jb_put(b->jb, o, "withheld", list);
    }
    put_gap(b, d, o);
    gen_jb_put_int(b->jb, o, "seed", (int64_t)(gen_prng_next(&random) >> 11));
    *out = o;
    return rc;
}

int gen_drawing_write(struct gen_blueprints *b, const struct gen_drawing *d, int64_t number,
                      struct gen_buf *record, struct gen_error *err)
{
    char id[32];
    struct gen_jmut *blueprint = NULL;
    int rc = gen_jb_begin_again(b->jb, err);
    struct gen_jmut *o = gen_jb_object(b->jb), *tools = gen_jb_array(b->jb),
                    *metadata = gen_jb_object(b->jb);
    bool is_multi = d->n_steps + (d->mutation != GEN_NONE ? 1U : 0U) > 1;
    (void)snprintf(id, sizeof(id), "t%05lld", (long long)number);
    for (size_t i = 0; i < d->n_offered; i++)
        gen_jb_append(b->jb, tools, gen_tool_offered(&b->set->tools[d->offered[i]], b->jb));
    gen_jb_put_cstr(b->jb, o, "format", "tool");
    gen_jb_put_cstr(b->jb, o, "id", id);
    gen_jb_put(b->jb, o, "tools", tools);
    gen_jb_put_cstr(b->jb, metadata, "difficulty", difficulty_of(b, d));
    gen_jb_put_cstr(b->jb, metadata, "mode", is_multi ? "multi" : "single");
    gen_jb_put_cstr(b->jb, metadata, "category", gen_tool_category_name(d->category));
    gen_jb_put_cstr(b->jb, metadata, "style",
                    styles[(size_t)(number - 1) % (sizeof(styles) / sizeof(styles[0]))]);
    gen_jb_put(b->jb, metadata, "required_tools", required_of(b, d));
    if (rc == GEN_OK)
        rc = blueprint_of(b, d, number, &blueprint, err);
    gen_jb_put(b->jb, metadata, "blueprint", blueprint);
    gen_jb_put(b->jb, o, "metadata", metadata);
    return rc ? rc : gen_jb_write(b->jb, o, GEN_JSON_COMPACT, record, err);
}
