/* Arguments out of the strings in which a model writes them. */
#include "tool/toolset_int.h"

#define REFS_MAX  32U
#define DEPTH_MAX 8U     /* of combined schemas */
#define WALKS_MAX 10000U /* of schemas: branches that lead to each other are very many ways */

int gen_schema_behind(const struct gen_json *root, const struct gen_json *schema,
                      const struct gen_json **out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (unsigned i = 0; rc == GEN_OK && i < REFS_MAX; i++) {
        struct gen_str ref = gen_json_get_str(schema, "$ref");
        if (!ref.n) {
            *out = schema;
            return GEN_OK;
        }
        schema = NULL;
        if (ref.p[0] == '#')
            rc = gen_json_pointer(root, ref, &schema, err);
    }
    if (rc == GEN_OK)
        *out = NULL;
    return rc;
}

static unsigned bit_of_name(struct gen_str name)
{
    static const struct {
        const char *name;
        unsigned bits;
    } names[] = {
        {"null", GEN_TAKES_NULL},       {"boolean", GEN_TAKES_BOOLEAN},
        {"integer", GEN_TAKES_INTEGER}, {"number", GEN_TAKES_INTEGER | GEN_TAKES_NUMBER},
        {"string", GEN_TAKES_STRING},   {"array", GEN_TAKES_ARRAY},
        {"object", GEN_TAKES_OBJECT},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(name, names[i].name))
            return names[i].bits;
    }
    return GEN_TAKES_ANY;
}

static unsigned bit_of_value(const struct gen_json *v)
{
    switch (gen_json_type(v)) {
    case GEN_JSON_NULL:
        return GEN_TAKES_NULL;
    case GEN_JSON_BOOL:
        return GEN_TAKES_BOOLEAN;
    case GEN_JSON_INT:
        return GEN_TAKES_INTEGER;
    case GEN_JSON_REAL:
        return GEN_TAKES_NUMBER;
    case GEN_JSON_STRING:
        return GEN_TAKES_STRING;
    case GEN_JSON_ARRAY:
        return GEN_TAKES_ARRAY;
    case GEN_JSON_OBJECT:
        return GEN_TAKES_OBJECT;
    case GEN_JSON_NONE:
        break;
    }
    return GEN_TAKES_ANY;
}

static unsigned bits_of_type(const struct gen_json *type)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str name;
    unsigned bits = 0;
    if (gen_json_as_str(type, &name))
        return bit_of_name(name);
    gen_json_iter_init(&it, type);
    while (gen_json_type(type) == GEN_JSON_ARRAY && gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &name))
            bits |= bit_of_name(name);
    }
    return bits ? bits : GEN_TAKES_ANY;
}

struct walk {
    const struct gen_json *root;
    size_t n;
};

static int takes_of(struct walk *w, const struct gen_json *schema, unsigned depth, unsigned *takes,
                    struct gen_error *err);

/* Of the branches: what any of them takes; with `all`, what all of them do. */
static int takes_of_branches(struct walk *w, const struct gen_json *branches, bool all,
                             unsigned depth, unsigned *takes, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    unsigned sum = all ? GEN_TAKES_ANY : 0;
    int rc = GEN_OK;
    if (gen_json_type(branches) != GEN_JSON_ARRAY)
        return GEN_OK;
    gen_json_iter_init(&it, branches);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        unsigned one = GEN_TAKES_ANY;
        rc = takes_of(w, v, depth + 1, &one, err);
        sum = all ? sum & one : sum | one;
    }
    *takes &= sum;
    return rc;
}

/* Recursion ends at DEPTH_MAX, and after WALKS_MAX schemas: behind that anything is taken. */
static int takes_of(struct walk *w, const struct gen_json *schema, unsigned depth, unsigned *takes,
                    struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    bool nullable = false;
    *takes = GEN_TAKES_ANY;
    if (++w->n > WALKS_MAX)
        return GEN_OK;
    int rc = gen_schema_behind(w->root, schema, &schema, err);
    if (rc || depth >= DEPTH_MAX || gen_json_type(schema) != GEN_JSON_OBJECT)
        return rc;
    if (gen_json_get(schema, "type"))
        *takes = bits_of_type(gen_json_get(schema, "type"));
    else if (gen_json_get(schema, "properties"))
        *takes = GEN_TAKES_OBJECT;
    else if (gen_json_get(schema, "items"))
        *takes = GEN_TAKES_ARRAY;
    if (gen_json_get(schema, "const"))
        *takes &= bit_of_value(gen_json_get(schema, "const"));
    const struct gen_json *choices = gen_json_get(schema, "enum");
    if (gen_json_count(choices)) {
        unsigned sum = 0;
        gen_json_iter_init(&it, choices);
        while (gen_json_iter_next(&it, NULL, &v))
            sum |= bit_of_value(v);
        *takes &= sum;
    }
    rc = takes_of_branches(w, gen_json_get(schema, "anyOf"), false, depth, takes, err);
    if (rc == GEN_OK)
        rc = takes_of_branches(w, gen_json_get(schema, "oneOf"), false, depth, takes, err);
    if (rc == GEN_OK)
        rc = takes_of_branches(w, gen_json_get(schema, "allOf"), true, depth, takes, err);
    if (gen_json_as_bool(gen_json_get(schema, "nullable"), &nullable) && nullable)
        *takes |= GEN_TAKES_NULL;
    return rc;
}

int gen_schema_takes(const struct gen_json *root, const struct gen_json *schema, unsigned *takes,
                     struct gen_error *err)
{
    struct walk w = {root, 0};
    unsigned found = GEN_TAKES_ANY;
    int rc = takes_of(&w, schema, 0, &found, err);
    /* Parts that exclude each other: the check will say what is wrong with the value. */
    if (rc == GEN_OK)
        *takes = found ? found : GEN_TAKES_ANY;
    return rc;
}

/* ---- one value ---- */

/* A whole number that is written with a fraction of zeros, for a parameter of integers. */
static struct gen_jmut *as_number(struct gen_jb *b, const struct gen_json *v, unsigned takes)
{
    double d = 0;
    if (gen_json_type(v) == GEN_JSON_REAL && !(takes & GEN_TAKES_NUMBER) &&
        gen_json_as_real(v, &d) && d > -9e15 && d < 9e15 && d == (double)(int64_t)d)
        return gen_jb_int(b, (int64_t)d);
    return gen_jb_copy(b, v);
}

/* The text read as JSON, when that gives a value of a type that is taken. */
static int read_json(struct gen_jb *b, struct gen_str text, unsigned takes, struct gen_jmut **out,
                     struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, text, NULL);
    if (rc)
        return rc == GEN_ENOMEM ? gen_nomem(err, "an argument") : GEN_OK;
    const struct gen_json *v = gen_json_root(doc);
    unsigned bit = bit_of_value(v);
    bool fits = (bit & takes) || (bit == GEN_TAKES_NUMBER && (takes & GEN_TAKES_INTEGER));
    if (fits && bit != GEN_TAKES_STRING)
        *out = as_number(b, v, takes);
    gen_json_doc_free(doc);
    return GEN_OK;
}

static struct gen_jmut *read_python(struct gen_jb *b, struct gen_str text, unsigned takes)
{
    static const struct {
        const char *word;
        bool is_true;
    } words[] = {{"true", true}, {"yes", true}, {"false", false}, {"no", false}};
    for (size_t i = 0; (takes & GEN_TAKES_BOOLEAN) && i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_eq_nocase(text, gen_str_from(words[i].word)))
            return gen_jb_bool(b, words[i].is_true);
    }
    if ((takes & GEN_TAKES_NULL) && gen_str_is(text, "None"))
        return gen_jb_null(b);
    bool is_list = gen_str_starts(text, GEN_STR("[")) || gen_str_starts(text, GEN_STR("("));
    if (((takes & GEN_TAKES_ARRAY) && is_list) ||
        ((takes & GEN_TAKES_OBJECT) && gen_str_starts(text, GEN_STR("{"))))
        return gen_literal_read(b, text);
    return NULL;
}

/* "0, 0" for an array of numbers. */
static int read_bare_list(struct gen_jb *b, struct gen_str text, struct gen_jmut **out,
                          struct gen_error *err)
{
    struct gen_buf list = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_printf(&list, err, "[%.*s]", GEN_STR_ARG(text));
    if (rc == GEN_OK)
        rc = read_json(b, gen_buf_str(&list), GEN_TAKES_ARRAY, out, err);
    gen_buf_release(&list);
    return rc;
}

static bool is_choice(const struct gen_json *choices, struct gen_str text)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str s;
    gen_json_iter_init(&it, choices);
    while (gen_json_type(choices) == GEN_JSON_ARRAY && gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &s) && gen_str_eq(s, text))
            return true;
    }
    return false;
}

static int read_value(struct gen_jb *b, struct gen_str text, unsigned takes, struct gen_jmut **out,
                      struct gen_error *err)
{
    struct gen_str trimmed = gen_str_trim(text);
    int rc = GEN_OK;
    *out = NULL;
    if (takes != GEN_TAKES_STRING)
        rc = read_json(b, trimmed, takes, out, err);
    if (rc == GEN_OK && !*out && !(takes & GEN_TAKES_STRING))
        *out = read_python(b, trimmed, takes);
    if (rc == GEN_OK && !*out && !(takes & GEN_TAKES_STRING) && (takes & GEN_TAKES_ARRAY))
        rc = read_bare_list(b, trimmed, out, err);
    if (rc == GEN_OK && !*out)
        *out = gen_jb_str(b, text);
    return rc;
}

static bool means_nothing(const struct gen_json *v)
{
    struct gen_str text;
    if (gen_json_as_str(v, &text))
        return text.n == 0 || gen_str_is(text, "null") || gen_str_is(text, "None");
    return !v || gen_json_type(v) == GEN_JSON_NULL;
}

static int add_pair(const struct gen_tool *tool, const struct gen_json *pair, struct gen_jb *b,
                    struct gen_jmut *args, struct gen_error *err)
{
    struct gen_str name = gen_json_get_str(pair, "name");
    const struct gen_json *value = gen_json_get(pair, "value");
    const struct gen_tool_param *p = gen_tool_param_find(tool, name);
    struct gen_jmut *made = NULL;
    struct gen_str text;
    unsigned takes = GEN_TAKES_STRING;
    int rc = GEN_OK;
    bool is_named = gen_json_as_str(value, &text) && is_choice(p ? p->choices : NULL, text);
    if (!name.n || ((!p || !p->is_required) && !is_named && means_nothing(value)))
        return GEN_OK;
    if (p)
        rc = gen_schema_takes(tool->input_schema, p->schema, &takes, err);
    if (rc == GEN_OK && !gen_json_as_str(value, &text))
        made = value ? gen_jb_copy(b, value) : gen_jb_null(b);
    else if (rc == GEN_OK && is_named)
        made = gen_jb_str(b, text);
    else if (rc == GEN_OK)
        rc = read_value(b, text, takes, &made, err);
    if (rc == GEN_OK)
        gen_jb_set_n(b, args, name, made);
    return rc;
}

int gen_tool_coerce(const struct gen_tool *tool, const struct gen_json *pairs, struct gen_jb *b,
                    struct gen_jmut **args, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *pair;
    struct gen_jmut *object = gen_jb_object(b);
    int rc = GEN_OK;
    gen_json_iter_init(&it, pairs);
    while (rc == GEN_OK && gen_json_type(pairs) == GEN_JSON_ARRAY &&
           gen_json_iter_next(&it, NULL, &pair))
        rc = add_pair(tool, pair, b, object, err);
    if (rc == GEN_OK)
        *args = object;
    return rc;
}
