/* The form of APIGen's xlam-function-calling-60k (arXiv:2406.18518): one request, the tools and the
 * calls that answer it as JSON strings; what the calls gave has no place. */
#include "dataset/export/common.h"

/* Python's names of types, by which its tools are described; ", optional" where a parameter may be
 * left out. */
static const char *type_name(const struct gen_json *parameter)
{
    static const char *const names[][2] = {
        {"string", "str"},   {"integer", "int"}, {"number", "float"},
        {"boolean", "bool"}, {"array", "list"},  {"object", "dict"},
    };
    struct gen_str type = gen_json_get_str(parameter, "type");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(type, names[i][0]))
            return names[i][1];
    }
    return "Any";
}

static bool is_required(const struct gen_json *parameters, struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str text;
    gen_json_iter_init(&it, gen_json_get(parameters, "required"));
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &text) && gen_str_eq(text, name))
            return true;
    }
    return false;
}

static void put_parameter(struct gen_jt *t, const struct gen_json *v, bool required)
{
    gen_jt_object(t, NULL);
    gen_jt_str(t, "description", gen_json_get_str(v, "description"));
    gen_jt_text_begin(t, "type");
    gen_jt_text(t, gen_str_from(type_name(v)));
    gen_jt_text(t, required ? GEN_STR("") : GEN_STR(", optional"));
    gen_jt_text_end(t);
    if (gen_json_type(gen_json_get(v, "default")) > GEN_JSON_NULL)
        gen_jt_value(t, GEN_STR("default"), gen_json_get(v, "default"), true);
    if (gen_json_type(gen_json_get(v, "enum")) == GEN_JSON_ARRAY)
        gen_jt_value(t, GEN_STR("enum"), gen_json_get(v, "enum"), true);
    gen_jt_end_object(t);
}

static void put_tool(struct gen_jt *t, const struct gen_offered *tool)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_jt_object(t, NULL);
    gen_jt_str(t, "name", tool->name);
    gen_jt_str(t, "description", tool->description);
    gen_jt_object(t, "parameters");
    gen_json_iter_init(&it, gen_json_get(tool->parameters, "properties"));
    while (gen_json_iter_next(&it, &key, &v)) {
        gen_jt_key(t, key);
        put_parameter(t, v, is_required(tool->parameters, key));
    }
    gen_jt_end_object(t);
    gen_jt_end_object(t);
}

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    struct gen_buf tools = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf answers = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jt inner = gen_jt_make(&tools, t->err);
    (void)dress;
    if (e->id.n)
        gen_jt_str(t, "id", e->id);
    gen_jt_str(t, "query", e->turns[0].content);
    gen_jt_array(&inner, NULL);
    for (size_t i = 0; i < e->n_tools; i++)
        put_tool(&inner, &e->tools[i]);
    gen_jt_end_array(&inner);
    gen_export_embed(t, "tools", &inner, &tools);
    inner = gen_jt_make(&answers, t->err);
    gen_jt_array(&inner, NULL);
    for (size_t i = 0; i < e->turns[1].n_calls; i++)
        gen_export_bare_call(&e->turns[1].calls[i], &inner);
    gen_jt_end_array(&inner);
    gen_export_embed(t, "answers", &inner, &answers);
}

/* A request, the calls of one turn or none, what they gave, and the end. */
static void fits(const struct gen_example *e, struct gen_refusal *refusal)
{
    size_t n_calls = e->turns[1].n_calls;
    if (!e->n_tools)
        gen_refuse(refusal, "no_tools", "xlam holds requests to tools, and this has none");
    else if (e->n_calls != n_calls || (e->n_turns != 2 && e->n_turns != 3 + n_calls))
        gen_refuse(refusal, "not_single_turn",
                   "xlam holds one request and the calls that answer it at once; this has %zu "
                   "turns: export with -f chatml",
                   e->n_turns);
    else if (e->turns[1].is_masked)
        gen_refuse(refusal, "not_single_turn", "its only call is one that failed");
}

const struct gen_export_format gen_export_xlam = {
    .name = "xlam",
    .summary = "id, query, tools and answers as text, requests of one turn: APIGen's recipes",
    .consumers = (const char *const[]){"datasets", NULL},
    .reasonings = 1U << GEN_REASONING_DROP,
    .reasoning = GEN_REASONING_DROP,
    .needs_tools = true,
    .fits = fits,
    .row = row,
};
