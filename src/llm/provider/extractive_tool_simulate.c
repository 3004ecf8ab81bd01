/* A result made up from the shape that a tool promises. A value depends on what the call is about
 * and on the member's name alone, so that the same thing has the same size whichever tool says it.
 */
#include "llm/provider/extractive_tool.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 6U
#define FACTS_MAX 8U

struct maker {
    struct gen_jb *b;
    const struct gen_json *root, *args;
    uint64_t seed; /* of what the call is about */
};

static uint64_t draw(const struct maker *m, struct gen_str name)
{
    return gen_hash64(name, m->seed);
}

static struct gen_str type_of(const struct gen_json *schema)
{
    const struct gen_json *type = gen_json_get(schema, "type");
    struct gen_str name = {"", 0};
    if (gen_json_as_str(type, &name))
        return name;
    for (size_t i = 0; i < gen_json_count(type); i++) {
        if (gen_json_as_str(gen_json_at(type, i), &name) && !gen_str_is(name, "null"))
            return name;
    }
    return gen_json_get(schema, "properties") ? GEN_STR("object") : name;
}

/* Behind a reference, and the first of several branches. */
static const struct gen_json *settle(const struct maker *m, const struct gen_json *schema)
{
    for (unsigned i = 0; i < DEPTH_MAX; i++) {
        struct gen_str ref = gen_json_get_str(schema, "$ref");
        const struct gen_json *branch = gen_json_at(gen_json_get(schema, "anyOf"), 0);
        branch = branch ? branch : gen_json_at(gen_json_get(schema, "oneOf"), 0);
        if (ref.n && ref.p[0] == '#') {
            if (gen_json_pointer(m->root, ref, &branch, NULL) != GEN_OK)
                return schema;
        }
        if (!branch)
            return schema;
        schema = branch;
    }
    return schema;
}

static bool fits_type(const struct gen_json *v, struct gen_str type)
{
    enum gen_json_type t = gen_json_type(v);
    if (gen_str_is(type, "string"))
        return t == GEN_JSON_STRING;
    if (gen_str_is(type, "integer"))
        return t == GEN_JSON_INT;
    if (gen_str_is(type, "number"))
        return t == GEN_JSON_INT || t == GEN_JSON_REAL;
    if (gen_str_is(type, "boolean"))
        return t == GEN_JSON_BOOL;
    if (gen_str_is(type, "array"))
        return t == GEN_JSON_ARRAY;
    return false;
}

static struct gen_jmut *make_number(const struct maker *m, const struct gen_json *schema,
                                    struct gen_str name, bool is_whole)
{
    double low = 0;
    double high = 0;
    bool has_low = gen_json_as_real(gen_json_get(schema, "minimum"), &low);
    bool has_high = gen_json_as_real(gen_json_get(schema, "maximum"), &high);
    uint64_t range = 890;
    double base = has_low ? low : 7;
    if (has_high && high - base < 890)
        range = high > base ? (uint64_t)(high - base) : 0;
    double v = base + (double)(range ? draw(m, name) % (range + 1) : 0);
    if (has_high && v > high)
        v = high;
    if (is_whole)
        return gen_jb_int(m->b, (int64_t)v);
    if (range == 890)
        v += (double)(draw(m, name) >> 32 & 63U) / 64;
    return gen_jb_real(m->b, v);
}

static struct gen_jmut *make_string(const struct maker *m, struct gen_str name)
{
    static const char *const words[] = {"north", "spring", "cedar", "delta", "harbor", "quartz"};
    char text[160];
    uint64_t d = draw(m, name);
    (void)snprintf(text, sizeof(text), "%.*s_%s_%02u", GEN_STR_ARG(gen_str_sub(name, 0, 60)),
                   words[d % 6], (unsigned)(d >> 8 & 63U) + 11);
    return gen_jb_str(m->b, gen_str_from(text));
}

static struct gen_jmut *make(const struct maker *m, const struct gen_json *schema,
                             struct gen_str name, unsigned depth);

static struct gen_jmut *make_object(const struct maker *m, const struct gen_json *schema,
                                    unsigned depth)
{
    struct gen_jmut *o = gen_jb_object(m->b);
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(schema, "properties"));
    while (gen_json_iter_next(&it, &name, &v))
        gen_jb_put_n(m->b, o, name, make(m, v, name, depth + 1));
    return o;
}

static struct gen_jmut *make_array(const struct maker *m, const struct gen_json *schema,
                                   struct gen_str name, unsigned depth)
{
    struct gen_jmut *list = gen_jb_array(m->b);
    const struct gen_json *items = gen_json_get(schema, "items");
    int64_t least = 0;
    (void)gen_json_as_int(gen_json_get(schema, "minItems"), &least);
    size_t n = least > 2 && least < 32 ? (size_t)least : 2;
    for (size_t i = 0; i < n && depth < DEPTH_MAX; i++) {
        struct maker inner = *m;
        inner.seed += i + 1;
        gen_jb_append(m->b, list, make(&inner, items, name, depth + 1));
    }
    return list;
}

/* Recursion ends at DEPTH_MAX. */
static struct gen_jmut *make(const struct maker *m, const struct gen_json *schema,
                             struct gen_str name, unsigned depth)
{
    const struct gen_json *s = settle(m, schema);
    const struct gen_json *choices = gen_json_get(s, "enum");
    struct gen_str type = type_of(s);
    const struct gen_json *given = gen_json_get_n(m->args, name);
    if (gen_json_get(s, "const"))
        return gen_jb_copy(m->b, gen_json_get(s, "const"));
    if (given && fits_type(given, type) && !choices)
        return gen_jb_copy(m->b, given);
    if (gen_json_count(choices))
        return gen_jb_copy(m->b, gen_json_at(choices, draw(m, name) % gen_json_count(choices)));
    if (gen_str_is(type, "object"))
        return depth < DEPTH_MAX ? make_object(m, s, depth) : gen_jb_object(m->b);
    if (gen_str_is(type, "array"))
        return make_array(m, s, name, depth);
    if (gen_str_is(type, "integer") || gen_str_is(type, "number"))
        return make_number(m, s, name, gen_str_is(type, "integer"));
    if (gen_str_is(type, "boolean"))
        return gen_jb_bool(m->b, draw(m, name) & 1U);
    if (gen_str_is(type, "null"))
        return gen_jb_null(m->b);
    return make_string(m, name);
}

/* ---- the answer ---- */

/* What a call is about: its first argument that is a text. */
static struct gen_str subject(const struct gen_json *args)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str s = {"", 0};
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &s) && s.n)
            return s;
    }
    return (struct gen_str){"", 0};
}

static int put_failure(const struct gen_json *in, struct gen_buf *out, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    struct gen_str text;
    bool is_busy =
        gen_str_find(gen_json_get_str(in, "failure"), GEN_STR("too much"), 0) != SIZE_MAX;
    gen_json_iter_init(&it, gen_json_get(in, "args"));
    if (is_busy || !gen_json_iter_next(&it, &key, &v))
        return gen_buf_add_c(
            out, is_busy ? "busy: try again later" : "the call is not possible now", err);
    int rc = gen_buf_printf(out, err, "invalid %.*s: ", GEN_STR_ARG(key));
    if (rc == GEN_OK && gen_json_as_str(v, &text))
        rc = gen_buf_add_str(out, text, err);
    else if (rc == GEN_OK)
        rc = gen_json_write(out, v, GEN_JSON_COMPACT, err);
    return rc;
}

static int put_content(const struct gen_json *in, struct gen_buf *out, struct gen_error *err)
{
    const struct gen_json *schema = gen_json_get(in, "output_schema");
    const struct gen_json *args = gen_json_get(in, "args");
    struct gen_str about = subject(args);
    struct gen_jb *b = NULL;
    if (!schema)
        return gen_buf_printf(out, err, "%.*s done%s%.*s",
                              GEN_STR_ARG(gen_json_get_str(in, "tool")), about.n ? ": " : "",
                              GEN_STR_ARG(about));
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct maker m = {b, schema, args, gen_hash64(about, 0)};
    struct gen_str type = type_of(settle(&m, schema));
    struct gen_jmut *v = make(&m, schema, GEN_STR("result"), 0);
    rc = gen_jb_write(b, v, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    /* A text is told without its quotation marks. */
    if (rc == GEN_OK && gen_str_is(type, "string") && out->n > 2) {
        char *text = gen_str_dup(gen_str_sub(gen_buf_str(out), 1, out->n - 2));
        gen_buf_clear(out);
        rc = text ? gen_buf_add_c(out, text, err) : gen_nomem(err, "a result");
        free(text);
    }
    return rc;
}

static bool is_known(const struct gen_json *facts, struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, facts);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_str_eq(gen_json_get_str(v, "name"), name))
            return true;
    }
    return false;
}

/* The members that are single values. */
static struct gen_jmut *list_facts(const struct gen_json *in, struct gen_str content,
                                   struct gen_jb *b)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_str about = subject(gen_json_get(in, "args"));
    struct gen_json_doc *doc = NULL;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    size_t n = 0;
    if (gen_json_parse(&doc, content, NULL) != GEN_OK)
        return list;
    gen_json_iter_init(&it, gen_json_root(doc));
    while (gen_json_type(gen_json_root(doc)) == GEN_JSON_OBJECT && n < FACTS_MAX &&
           gen_json_iter_next(&it, &key, &v)) {
        char name[256];
        struct gen_buf value = gen_buf_make(4096);
        (void)snprintf(name, sizeof(name), "%.*s / %.*s", GEN_STR_ARG(gen_str_sub(about, 0, 100)),
                       GEN_STR_ARG(gen_str_sub(key, 0, 100)));
        if (gen_json_type(v) == GEN_JSON_INT &&
            !is_known(gen_json_get(in, "facts"), gen_str_from(name)) &&
            gen_json_write(&value, v, GEN_JSON_COMPACT, NULL) == GEN_OK) {
            struct gen_jmut *o = gen_jb_object(b);
            gen_jb_put_str(b, o, "name", gen_str_from(name));
            gen_jb_put_str(b, o, "value", gen_buf_str(&value));
            gen_jb_append(b, list, o);
            n++;
        }
        gen_buf_release(&value);
    }
    gen_json_doc_free(doc);
    return list;
}

int gen_extract_tool_simulate(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                              struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf content = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_parse(&doc, x->in->record, err);
    if (rc)
        return rc;
    const struct gen_json *in = gen_json_root(doc);
    bool fails = gen_json_get_str(in, "failure").n > 0;
    rc = fails ? put_failure(in, &content, err) : put_content(in, &content, err);
    if (rc == GEN_OK) {
        gen_jb_put_cstr(b, root, "status", fails ? "error" : "ok");
        gen_jb_put_str(b, root, "content", gen_buf_str(&content));
        gen_jb_put(b, root, "new_facts",
                   fails ? gen_jb_array(b) : list_facts(in, gen_buf_str(&content), b));
    }
    gen_buf_release(&content);
    gen_json_doc_free(doc);
    return rc;
}
