#include "llm/dialect.h"

#define LEVELS_MAX 32U

/* What stands under a keyword. */
enum shape { SHAPE_VALUE = 0, SHAPE_SCHEMA, SHAPE_LIST, SHAPE_MAP };

#define FULL      (1U << GEN_DIALECT_FULL)
#define OPENAI    (1U << GEN_DIALECT_OPENAI)
#define ANTHROPIC (1U << GEN_DIALECT_ANTHROPIC)
#define GEMINI    (1U << GEN_DIALECT_GEMINI)
#define GRAMMAR   (1U << GEN_DIALECT_GRAMMAR)
#define LOCAL     (FULL | GRAMMAR)
#define CLOUD     (OPENAI | ANTHROPIC | GEMINI)

/* Keywords and the dialects that have them; one that is not listed goes to LOCAL alone. */
static const struct keyword {
    const char *name;
    enum shape shape;
    unsigned dialects;
} keywords[] = {
    {"type", SHAPE_VALUE, LOCAL | CLOUD},
    {"properties", SHAPE_MAP, LOCAL | CLOUD},
    {"items", SHAPE_SCHEMA, LOCAL | CLOUD},
    {"description", SHAPE_VALUE, LOCAL | CLOUD},
    {"title", SHAPE_VALUE, LOCAL | CLOUD},
    {"enum", SHAPE_VALUE, LOCAL | CLOUD},
    {"const", SHAPE_VALUE, LOCAL | CLOUD},
    {"anyOf", SHAPE_LIST, LOCAL | CLOUD},
    {"oneOf", SHAPE_LIST, LOCAL | CLOUD},
    {"allOf", SHAPE_LIST, LOCAL | ANTHROPIC},
    {"format", SHAPE_VALUE, LOCAL | CLOUD},
    {"default", SHAPE_VALUE, LOCAL | ANTHROPIC},
    {"$ref", SHAPE_VALUE, LOCAL | CLOUD},
    {"$defs", SHAPE_MAP, LOCAL | CLOUD},
    {"definitions", SHAPE_MAP, LOCAL | CLOUD},
    {"$id", SHAPE_VALUE, LOCAL | GEMINI},
    {"$anchor", SHAPE_VALUE, LOCAL | GEMINI},
    /* Where the dialect is strict these two are made afresh. */
    {"required", SHAPE_VALUE, LOCAL | GEMINI},
    {"additionalProperties", SHAPE_SCHEMA, LOCAL | GEMINI},
    {"prefixItems", SHAPE_LIST, LOCAL | GEMINI},
    {"minItems", SHAPE_VALUE, LOCAL | OPENAI | GEMINI},
    {"maxItems", SHAPE_VALUE, LOCAL | OPENAI | GEMINI},
    {"minimum", SHAPE_VALUE, LOCAL | OPENAI | GEMINI},
    {"maximum", SHAPE_VALUE, LOCAL | OPENAI | GEMINI},
    {"exclusiveMinimum", SHAPE_VALUE, LOCAL | OPENAI},
    {"exclusiveMaximum", SHAPE_VALUE, LOCAL | OPENAI},
    {"multipleOf", SHAPE_VALUE, LOCAL | OPENAI},
    {"minLength", SHAPE_VALUE, FULL},
    {"maxLength", SHAPE_VALUE, FULL},
    {"pattern", SHAPE_VALUE, FULL},
    {"not", SHAPE_SCHEMA, LOCAL},
    {"if", SHAPE_SCHEMA, LOCAL},
    {"then", SHAPE_SCHEMA, LOCAL},
    {"else", SHAPE_SCHEMA, LOCAL},
    {"contains", SHAPE_SCHEMA, LOCAL},
    {"propertyNames", SHAPE_SCHEMA, LOCAL},
    {"patternProperties", SHAPE_MAP, LOCAL},
    {"dependentSchemas", SHAPE_MAP, LOCAL},
};

struct renderer {
    struct gen_jb *b;
    enum gen_dialect dialect;
    bool is_strict; /* all properties required, no others */
    bool is_too_deep;
};

/* How null is let in where an optional property had been left out. */
enum nullable { NULL_NO = 0, NULL_IN_TYPE, NULL_IN_ENUM, NULL_IN_LIST, NULL_AROUND };

static struct gen_jmut *render(struct renderer *r, const struct gen_json *schema, bool optional,
                               unsigned level);

static const struct keyword *find_keyword(struct gen_str name)
{
    static const struct keyword unknown = {"", SHAPE_VALUE, LOCAL};
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (gen_str_is(name, keywords[i].name))
            return &keywords[i];
    }
    return &unknown;
}

static bool list_has(const struct gen_json *list_or_word, struct gen_str word)
{
    struct gen_str s;
    if (gen_json_as_str(list_or_word, &s))
        return gen_str_eq(s, word);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, list_or_word);
    while (gen_json_type(list_or_word) == GEN_JSON_ARRAY && gen_json_iter_next(&it, &key, &v)) {
        if (gen_json_as_str(v, &s) && gen_str_eq(s, word))
            return true;
    }
    return false;
}

static bool has_word(const struct gen_json *list_or_word, const char *word)
{
    return list_has(list_or_word, gen_str_from(word));
}

static bool list_takes_null(const struct gen_json *schemas)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, schemas);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (has_word(gen_json_get(v, "type"), "null"))
            return true;
    }
    return false;
}

static enum nullable how_nullable(const struct gen_json *schema)
{
    const struct gen_json *type = gen_json_get(schema, "type");
    const struct gen_json *list = gen_json_get(schema, "anyOf");
    if (!list)
        list = gen_json_get(schema, "oneOf");
    if (has_word(type, "null") || (!type && list_takes_null(list)))
        return NULL_NO;
    if (gen_json_get(schema, "$ref") || gen_json_get(schema, "const") ||
        gen_json_get(schema, "allOf") || (type && list))
        return NULL_AROUND;
    if (type)
        return NULL_IN_TYPE;
    if (list)
        return NULL_IN_LIST;
    return gen_json_get(schema, "enum") ? NULL_IN_ENUM : NULL_AROUND;
}

static struct gen_jmut *null_schema(struct gen_jb *b)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_cstr(b, o, "type", "null");
    return o;
}

/* The values of a list, or the one value, and `last` behind them. */
static struct gen_jmut *copy_list(struct gen_jb *b, const struct gen_json *v, struct gen_jmut *last)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *item;
    if (gen_json_type(v) == GEN_JSON_ARRAY) {
        gen_json_iter_init(&it, v);
        while (gen_json_iter_next(&it, &key, &item))
            gen_jb_append(b, list, gen_jb_copy(b, item));
    } else {
        gen_jb_append(b, list, gen_jb_copy(b, v));
    }
    if (last)
        gen_jb_append(b, list, last);
    return list;
}

static struct gen_jmut *render_list(struct renderer *r, const struct gen_json *list, bool with_null,
                                    unsigned level)
{
    struct gen_jmut *out = gen_jb_array(r->b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, list);
    while (!r->is_too_deep && gen_json_iter_next(&it, &key, &v))
        gen_jb_append(r->b, out, render(r, v, false, level + 1));
    if (with_null)
        gen_jb_append(r->b, out, null_schema(r->b));
    return out;
}

/* `owner`: the strict schema whose properties these are; NULL: nothing is made optional. */
static struct gen_jmut *render_map(struct renderer *r, const struct gen_json *map,
                                   const struct gen_json *owner, unsigned level)
{
    const struct gen_json *required = gen_json_get(owner, "required");
    struct gen_jmut *out = gen_jb_object(r->b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, map);
    while (!r->is_too_deep && gen_json_iter_next(&it, &key, &v))
        gen_jb_put_n(r->b, out, key, render(r, v, owner && !list_has(required, key), level + 1));
    return out;
}

static struct gen_jmut *names_of(struct gen_jb *b, const struct gen_json *map)
{
    struct gen_jmut *names = gen_jb_array(b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, map);
    while (gen_json_iter_next(&it, &key, &v))
        gen_jb_append(b, names, gen_jb_str(b, key));
    return names;
}

static bool takes_format(enum gen_dialect d, const struct gen_json *format)
{
    static const char *const known[] = {"date-time", "time", "date", "duration", "email",
                                        "hostname",  "ipv4", "ipv6", "uuid",     NULL};
    if (d != GEN_DIALECT_OPENAI && d != GEN_DIALECT_ANTHROPIC)
        return true;
    for (size_t i = 0; known[i]; i++) {
        if (has_word(format, known[i]))
            return true;
    }
    return d == GEN_DIALECT_ANTHROPIC && has_word(format, "uri");
}

/* Gemini knows "$defs" alone. */
static struct gen_jmut *render_ref(struct gen_jb *b, const struct gen_json *ref)
{
    static const struct gen_str old = {"#/definitions/", sizeof("#/definitions/") - 1};
    struct gen_str s = {"", 0};
    struct gen_buf path = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jmut *out = NULL;
    if (!gen_json_as_str(ref, &s) || !gen_str_starts(s, old))
        return gen_jb_copy(b, ref);
    if (gen_buf_add_c(&path, "#/$defs/", NULL) == GEN_OK &&
        gen_buf_add_str(&path, gen_str_sub(s, old.n, s.n), NULL) == GEN_OK)
        out = gen_jb_str(b, gen_buf_str(&path));
    gen_buf_release(&path);
    return out;
}

static struct gen_jmut *render_value(struct renderer *r, struct gen_str name,
                                     const struct gen_json *v, enum nullable how)
{
    if (how == NULL_IN_TYPE && gen_str_is(name, "type"))
        return copy_list(r->b, v, gen_jb_str(r->b, GEN_STR("null")));
    if ((how == NULL_IN_TYPE || how == NULL_IN_ENUM) && gen_str_is(name, "enum"))
        return copy_list(r->b, v, gen_jb_null(r->b));
    if (r->dialect == GEN_DIALECT_GEMINI && gen_str_is(name, "$ref"))
        return render_ref(r->b, v);
    if (r->dialect == GEN_DIALECT_GEMINI && gen_str_is(name, "const")) {
        struct gen_jmut *one = gen_jb_array(r->b);
        gen_jb_append(r->b, one, gen_jb_copy(r->b, v));
        return one;
    }
    return gen_jb_copy(r->b, v);
}

/* The name under which the dialect has this keyword; empty: it is left out. */
static struct gen_str name_of(const struct renderer *r, const struct gen_json *schema,
                              struct gen_str name, const struct gen_json *v)
{
    static const struct gen_str none = {"", 0};
    if (!(find_keyword(name)->dialects & (1U << r->dialect)))
        return none;
    if (r->is_strict && gen_str_is(name, "oneOf"))
        return gen_json_get(schema, "anyOf") ? none : GEN_STR("anyOf");
    if (gen_str_is(name, "format") && !takes_format(r->dialect, v))
        return none;
    if (r->dialect == GEN_DIALECT_GEMINI) {
        if (gen_str_is(name, "const"))
            return gen_json_get(schema, "enum") ? none : GEN_STR("enum");
        if (gen_str_is(name, "definitions"))
            return gen_json_get(schema, "$defs") ? none : GEN_STR("$defs");
    }
    return name;
}

static void render_keyword(struct renderer *r, struct gen_jmut *out, const struct gen_json *schema,
                           struct gen_str name, const struct gen_json *v, enum nullable how,
                           unsigned level)
{
    struct gen_str wire_name = name_of(r, schema, name, v);
    if (wire_name.n == 0)
        return;
    enum shape shape = find_keyword(name)->shape;
    struct gen_jmut *value;
    if (shape == SHAPE_SCHEMA && gen_json_type(v) == GEN_JSON_OBJECT) {
        value = render(r, v, false, level + 1);
    } else if ((shape == SHAPE_LIST || shape == SHAPE_SCHEMA) &&
               gen_json_type(v) == GEN_JSON_ARRAY) {
        value = render_list(r, v, how == NULL_IN_LIST && gen_str_is(wire_name, "anyOf"), level);
    } else if (shape == SHAPE_MAP && gen_json_type(v) == GEN_JSON_OBJECT) {
        bool strict = r->is_strict && gen_str_is(name, "properties");
        value = render_map(r, v, strict ? schema : NULL, level);
    } else {
        value = render_value(r, name, v, how);
    }
    gen_jb_put_n(r->b, out, wire_name, value);
}

static struct gen_jmut *render(struct renderer *r, const struct gen_json *schema, bool optional,
                               unsigned level)
{
    if (level >= LEVELS_MAX) {
        r->is_too_deep = true;
        return NULL;
    }
    if (gen_json_type(schema) != GEN_JSON_OBJECT)
        return gen_jb_copy(r->b, schema);
    enum nullable how = optional ? how_nullable(schema) : NULL_NO;
    struct gen_jmut *out = gen_jb_object(r->b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, schema);
    while (!r->is_too_deep && gen_json_iter_next(&it, &key, &v))
        render_keyword(r, out, schema, key, v, how, level);
    const struct gen_json *properties = gen_json_get(schema, "properties");
    bool is_object = properties || has_word(gen_json_get(schema, "type"), "object");
    if (r->is_strict && is_object) {
        gen_jb_put(r->b, out, "required", names_of(r->b, properties));
        gen_jb_put_bool(r->b, out, "additionalProperties", false);
    }
    if (r->dialect == GEN_DIALECT_GEMINI && properties && !gen_json_get(schema, "propertyOrdering"))
        gen_jb_put(r->b, out, "propertyOrdering", names_of(r->b, properties));
    if (how != NULL_AROUND)
        return out;
    struct gen_jmut *both = gen_jb_array(r->b);
    gen_jb_append(r->b, both, out);
    gen_jb_append(r->b, both, null_schema(r->b));
    struct gen_jmut *outer = gen_jb_object(r->b);
    gen_jb_put(r->b, outer, "anyOf", both);
    return outer;
}

/* ---- schemas that refer to themselves ---- */

#define VISITS_MAX 100000U

static const struct gen_json *resolve(const struct gen_json *root, struct gen_str ref)
{
    static const char *const maps[] = {"$defs", "definitions"};
    if (gen_str_is(ref, "#"))
        return root;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        size_t n = strlen("#/") + strlen(maps[i]) + 1;
        if (gen_str_starts(ref, GEN_STR("#/")) &&
            gen_str_starts(gen_str_sub(ref, 2, ref.n), gen_str_from(maps[i])) && ref.n > n)
            return gen_json_get_n(gen_json_get(root, maps[i]), gen_str_sub(ref, n, ref.n));
    }
    return NULL;
}

/* Follows every reference from `v` on; a chain of more than LEVELS_MAX of them goes in a circle, or
 * is as good as one. Recursion is bounded by that and by the nesting of parsed JSON, time by
 * VISITS_MAX. */
static bool goes_in_circles(const struct gen_json *root, const struct gen_json *v, unsigned n_refs,
                            unsigned *n_visits)
{
    struct gen_json_iter it;
    struct gen_str key;
    struct gen_str ref;
    const struct gen_json *child;
    if (n_refs > LEVELS_MAX || ++*n_visits > VISITS_MAX)
        return true;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &child)) {
        bool is_ref = gen_str_is(key, "$ref") && gen_json_as_str(child, &ref);
        if (is_ref ? goes_in_circles(root, resolve(root, ref), n_refs + 1, n_visits)
                   : goes_in_circles(root, child, n_refs, n_visits))
            return true;
    }
    return false;
}

int gen_dialect_render(enum gen_dialect d, const struct gen_json *schema, struct gen_buf *out,
                       struct gen_error *err)
{
    struct renderer r = {.dialect = d,
                         .is_strict = d == GEN_DIALECT_OPENAI || d == GEN_DIALECT_ANTHROPIC};
    unsigned n_visits = 0;
    if (d == GEN_DIALECT_ANTHROPIC && goes_in_circles(schema, schema, 0, &n_visits))
        return gen_fail(
            err, GEN_EUSAGE,
            "the JSON Schema of the answer refers to itself (\"$ref\"), which Anthropic "
            "refuses: write the levels out, or use another provider");
    int rc = gen_jb_new(&r.b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = render(&r, schema, false, 0);
    if (r.is_too_deep)
        rc = gen_fail(err, GEN_EUSAGE,
                      "the JSON Schema of the answer is nested deeper than %u levels: make it "
                      "flatter, since servers refuse it",
                      LEVELS_MAX);
    else
        rc = gen_jb_write(r.b, root, GEN_JSON_COMPACT, out, err);
    gen_jb_free(r.b);
    return rc;
}
