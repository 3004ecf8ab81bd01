#include "json/schema.h"

#include "base/utf8.h"
#include "json/schema_node.h"

#include <stdlib.h>

#define ARENA_BYTES_MAX ((size_t)16 << 20)
#define KEY_CHARS       60U /* shown of a key in a message */

static int add_key(struct gen_buf *out, struct gen_str key, struct gen_error *err)
{
    int rc = GEN_OK;
    struct gen_str shown = gen_utf8_prefix(key, KEY_CHARS);
    for (size_t i = 0; rc == GEN_OK && i < shown.n; i++) {
        char c = shown.p[i];
        if (c == '~' || c == '/')
            rc = gen_buf_add_c(out, c == '~' ? "~0" : "~1", err);
        else
            rc = gen_buf_add_char(out, (unsigned char)c < 0x20 ? '?' : c, err);
    }
    return rc;
}

int gen_schema_pointer(struct gen_buf *out, const struct gen_schema_path *path,
                       struct gen_error *err)
{
    const struct gen_schema_path *chain[2 * GEN_JSON_DEPTH_MAX];
    size_t n = 0;
    for (; path && path->up && n < 2U * GEN_JSON_DEPTH_MAX; path = path->up)
        chain[n++] = path;
    if (n == 0)
        return gen_buf_add_c(out, "(root)", err);
    int rc = GEN_OK;
    while (rc == GEN_OK && n) {
        const struct gen_schema_path *p = chain[--n];
        if (!p->key.p) {
            rc = gen_buf_printf(out, err, "/%zu", p->index);
            continue;
        }
        rc = gen_buf_add_char(out, '/', err);
        if (rc == GEN_OK)
            rc = add_key(out, p->key, err);
    }
    return rc;
}

struct compiler {
    struct gen_arena *arena;
    struct gen_error *err;
};

static int refuse(const struct compiler *c, const struct gen_schema_path *path,
                  struct gen_str keyword, const char *why)
{
    struct gen_buf where = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_schema_path at = {path, keyword, 0};
    int rc = gen_schema_pointer(&where, keyword.p ? &at : path, c->err);
    if (rc == GEN_OK)
        rc = gen_fail(c->err, GEN_EPARSE, "JSON Schema, %.*s: %s", GEN_STR_ARG(gen_buf_str(&where)),
                      why);
    gen_buf_release(&where);
    return rc;
}

static int compile(const struct compiler *c, const struct gen_json *schema,
                   const struct gen_schema_path *path, struct gen_schema_node **out);

static unsigned type_bits(struct gen_str name)
{
    static const struct {
        const char *name;
        unsigned bits;
    } types[] = {
        {"null", GEN_TYPE_BIT(GEN_JSON_NULL)},     {"boolean", GEN_TYPE_BIT(GEN_JSON_BOOL)},
        {"integer", GEN_TYPE_BIT(GEN_JSON_INT)},   {"number", GEN_TYPES_NUMBER},
        {"string", GEN_TYPE_BIT(GEN_JSON_STRING)}, {"array", GEN_TYPE_BIT(GEN_JSON_ARRAY)},
        {"object", GEN_TYPE_BIT(GEN_JSON_OBJECT)},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (gen_str_is(name, types[i].name))
            return types[i].bits;
    }
    return 0;
}

static int compile_type(const struct compiler *c, const struct gen_json *v,
                        const struct gen_schema_path *path, struct gen_schema_node *node)
{
    struct gen_str name = {NULL, 0};
    const struct gen_json *item = v;
    struct gen_json_iter it;
    gen_json_iter_init(&it, v);
    bool one = gen_json_type(v) == GEN_JSON_STRING;
    node->types = 0;
    while (one || gen_json_iter_next(&it, NULL, &item)) {
        unsigned bits = gen_json_as_str(item, &name) ? type_bits(name) : 0;
        if (!bits)
            return refuse(c, path, GEN_STR("type"), "no type of JSON Schema");
        node->types |= bits;
        if (one)
            break;
    }
    if (!node->types)
        return refuse(c, path, GEN_STR("type"), "a type or an array of types is wanted");
    return GEN_OK;
}

static struct gen_schema_property *property_of(const struct gen_schema_node *node,
                                               struct gen_str name)
{
    for (size_t i = 0; i < node->n_properties; i++) {
        if (gen_str_eq(node->properties[i].name, name))
            return &node->properties[i];
    }
    return NULL;
}

/* `properties` and `required` fill one table, whichever comes first. */
static int compile_members(const struct compiler *c, const struct gen_json *schema,
                           const struct gen_schema_path *path, struct gen_schema_node *node)
{
    const struct gen_json *properties = gen_json_get(schema, "properties");
    const struct gen_json *required = gen_json_get(schema, "required");
    size_t n = gen_json_count(properties) + gen_json_count(required);
    if (properties && gen_json_type(properties) != GEN_JSON_OBJECT)
        return refuse(c, path, GEN_STR("properties"), "an object is wanted");
    if (required && gen_json_type(required) != GEN_JSON_ARRAY)
        return refuse(c, path, GEN_STR("required"), "an array is wanted");
    if (n == 0)
        return GEN_OK;
    node->properties = gen_arena_array(c->arena, n, sizeof(node->properties[0]));
    if (!node->properties)
        return gen_nomem(c->err, "a JSON Schema");
    struct gen_schema_path here = {path, GEN_STR("properties"), 0};
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    gen_json_iter_init(&it, properties);
    while (gen_json_iter_next(&it, &name, &v)) {
        struct gen_schema_path at = {&here, name, 0};
        if (property_of(node, name))
            return refuse(c, &at, (struct gen_str){NULL, 0}, "given twice");
        struct gen_schema_property *p = &node->properties[node->n_properties++];
        p->name = name;
        int rc = compile(c, v, &at, &p->node);
        if (rc)
            return rc;
    }
    gen_json_iter_init(&it, required);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (!gen_json_as_str(v, &name))
            return refuse(c, path, GEN_STR("required"), "an array of strings is wanted");
        struct gen_schema_property *p = property_of(node, name);
        if (!p) {
            p = &node->properties[node->n_properties++];
            p->name = name;
        }
        p->required = true;
    }
    return GEN_OK;
}

static int compile_any_of(const struct compiler *c, const struct gen_json *v,
                          const struct gen_schema_path *path, struct gen_schema_node *node)
{
    size_t n = gen_json_count(v);
    if (gen_json_type(v) != GEN_JSON_ARRAY || n == 0)
        return refuse(c, path, GEN_STR("anyOf"), "an array of schemas is wanted");
    node->any_of = gen_arena_array(c->arena, n, sizeof(struct gen_schema_node *));
    if (!node->any_of)
        return gen_nomem(c->err, "a JSON Schema");
    struct gen_schema_path here = {path, GEN_STR("anyOf"), 0};
    struct gen_json_iter it;
    const struct gen_json *item;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, NULL, &item)) {
        struct gen_schema_path at = {&here, {NULL, 0}, node->n_any_of};
        int rc = compile(c, item, &at, &node->any_of[node->n_any_of]);
        if (rc)
            return rc;
        node->n_any_of++;
    }
    return GEN_OK;
}

static int compile_bound(const struct compiler *c, struct gen_str keyword, const struct gen_json *v,
                         const struct gen_schema_path *path, struct gen_schema_node *node)
{
    const struct {
        const char *name;
        int64_t *bound;
    } counts[] = {{"minItems", &node->items_min},
                  {"maxItems", &node->items_max},
                  {"minLength", &node->length_min},
                  {"maxLength", &node->length_max}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (!gen_str_is(keyword, counts[i].name))
            continue;
        if (!gen_json_as_int(v, counts[i].bound) || *counts[i].bound < 0)
            return refuse(c, path, keyword, "a count from 0 is wanted");
        return GEN_OK;
    }
    double number;
    if (!gen_json_as_real(v, &number))
        return refuse(c, path, keyword, "a number is wanted");
    if (gen_str_is(keyword, "minimum"))
        node->minimum = v;
    else
        node->maximum = v;
    return GEN_OK;
}

static bool is_one_of(struct gen_str word, const char *const *words)
{
    for (; *words; words++) {
        if (gen_str_is(word, *words))
            return true;
    }
    return false;
}

static int compile_keyword(const struct compiler *c, struct gen_str keyword,
                           const struct gen_json *v, const struct gen_schema_path *path,
                           struct gen_schema_node *node)
{
    static const char *const annotations[] = {"title",    "description", "$schema",  "$id",
                                              "$comment", "default",     "examples", "properties",
                                              "required", NULL};
    static const char *const bounds[] = {"minItems", "maxItems", "minLength", "maxLength",
                                         "minimum",  "maximum",  NULL};
    if (is_one_of(keyword, annotations))
        return GEN_OK;
    if (is_one_of(keyword, bounds))
        return compile_bound(c, keyword, v, path, node);
    if (gen_str_is(keyword, "type"))
        return compile_type(c, v, path, node);
    if (gen_str_is(keyword, "anyOf"))
        return compile_any_of(c, v, path, node);
    if (gen_str_is(keyword, "items")) {
        struct gen_schema_path at = {path, keyword, 0};
        return compile(c, v, &at, &node->items);
    }
    if (gen_str_is(keyword, "additionalProperties")) {
        bool open = false;
        if (!gen_json_as_bool(v, &open))
            return refuse(c, path, keyword, "only true and false are supported");
        node->closed = !open;
        return GEN_OK;
    }
    if (gen_str_is(keyword, "enum")) {
        if (gen_json_type(v) != GEN_JSON_ARRAY || gen_json_count(v) == 0)
            return refuse(c, path, keyword, "an array of values is wanted");
        node->allowed = v;
        return GEN_OK;
    }
    if (gen_str_is(keyword, "const")) {
        node->constant = v;
        return GEN_OK;
    }
    return refuse(c, path, keyword, "this keyword is not supported");
}

/* Recursion is as deep as the schema, at most GEN_JSON_DEPTH_MAX. */
static int compile(const struct compiler *c, const struct gen_json *schema,
                   const struct gen_schema_path *path, struct gen_schema_node **out)
{
    if (gen_json_type(schema) != GEN_JSON_OBJECT)
        return refuse(c, path, (struct gen_str){NULL, 0}, "a schema must be an object");
    struct gen_schema_node *node = gen_arena_alloc(c->arena, sizeof(*node));
    if (!node)
        return gen_nomem(c->err, "a JSON Schema");
    node->items_max = INT64_MAX;
    node->length_max = INT64_MAX;
    struct gen_json_iter it;
    struct gen_str keyword;
    const struct gen_json *v;
    gen_json_iter_init(&it, schema);
    while (gen_json_iter_next(&it, &keyword, &v)) {
        int rc = compile_keyword(c, keyword, v, path, node);
        if (rc)
            return rc;
    }
    *out = node;
    return compile_members(c, schema, path, node);
}

int gen_schema_new(struct gen_schema **out, const struct gen_json *schema, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_schema *s = calloc(1, sizeof(*s));
    int rc = s ? GEN_OK : gen_nomem(err, "a JSON Schema");
    if (rc == GEN_OK) {
        s->arena = gen_arena_make(ARENA_BYTES_MAX);
        rc = gen_json_write(&text, schema, GEN_JSON_COMPACT, err);
    }
    if (rc == GEN_OK)
        rc = gen_json_parse(&s->doc, gen_buf_str(&text), err);
    gen_buf_release(&text);
    if (rc == GEN_OK) {
        struct gen_schema_path root = {NULL, {NULL, 0}, 0};
        struct compiler c = {&s->arena, err};
        rc = compile(&c, gen_json_root(s->doc), &root, &s->root);
    }
    if (rc) {
        gen_schema_free(s);
        return rc;
    }
    *out = s;
    return GEN_OK;
}

void gen_schema_free(struct gen_schema *s)
{
    if (!s)
        return;
    gen_arena_release(&s->arena);
    gen_json_doc_free(s->doc);
    free(s);
}
