#include "json/schema.h"

#include "base/utf8.h"
#include "json/schema_node.h"

#include <stdlib.h>

#define ARENA_BYTES_MAX ((size_t)64 << 20)
#define COUNT_MAX       1e15
#define DEPTH_MAX       200U /* of references into one another */
#define KEY_CHARS       60U  /* shown of a key in a message */

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

int gen_schema_refuse(const struct gen_schema_compiler *c, const struct gen_schema_path *path,
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

static int compile_type(struct gen_schema_compiler *c, const struct gen_json *v,
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
        node->whole_reals |= c->foreign && gen_str_is(name, "integer");
        if (!bits)
            return gen_schema_refuse(c, path, GEN_STR("type"), "no type of JSON Schema");
        node->types |= bits;
        if (one)
            break;
    }
    if (!node->types)
        return gen_schema_refuse(c, path, GEN_STR("type"), "a type or an array of types is wanted");
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
static int compile_members(struct gen_schema_compiler *c, const struct gen_json *schema,
                           const struct gen_schema_path *path, struct gen_schema_node *node)
{
    const struct gen_json *properties = gen_json_get(schema, "properties");
    const struct gen_json *required = gen_json_get(schema, "required");
    size_t n = gen_json_count(properties) + gen_json_count(required);
    if (properties && gen_json_type(properties) != GEN_JSON_OBJECT)
        return gen_schema_refuse(c, path, GEN_STR("properties"), "an object is wanted");
    if (required && gen_json_type(required) != GEN_JSON_ARRAY)
        return gen_schema_refuse(c, path, GEN_STR("required"), "an array is wanted");
    if (n == 0)
        return GEN_OK;
    node->properties = gen_arena_array(&c->schema->arena, n, sizeof(node->properties[0]));
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
            return gen_schema_refuse(c, &at, (struct gen_str){NULL, 0}, "given twice");
        struct gen_schema_property *p = &node->properties[node->n_properties++];
        p->name = name;
        p->is_listed = true;
        int rc = gen_schema_compile(c, v, &at, &p->node);
        if (rc)
            return rc;
    }
    gen_json_iter_init(&it, required);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (!gen_json_as_str(v, &name))
            return gen_schema_refuse(c, path, GEN_STR("required"), "an array of strings is wanted");
        struct gen_schema_property *p = property_of(node, name);
        if (!p) {
            p = &node->properties[node->n_properties++];
            p->name = name;
        }
        p->required = true;
    }
    return GEN_OK;
}

int gen_schema_compile_list(struct gen_schema_compiler *c, struct gen_str keyword,
                            const struct gen_json *v, const struct gen_schema_path *path,
                            struct gen_schema_list *out)
{
    size_t n = gen_json_count(v);
    if (gen_json_type(v) != GEN_JSON_ARRAY || n == 0)
        return gen_schema_refuse(c, path, keyword, "an array of schemas is wanted");
    out->nodes = gen_arena_array(&c->schema->arena, n, sizeof(struct gen_schema_node *));
    if (!out->nodes)
        return gen_nomem(c->err, "a JSON Schema");
    struct gen_schema_path here = {path, keyword, 0};
    struct gen_json_iter it;
    const struct gen_json *item;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, NULL, &item)) {
        struct gen_schema_path at = {&here, {NULL, 0}, out->n};
        int rc = gen_schema_compile(c, item, &at, &out->nodes[out->n]);
        if (rc)
            return rc;
        out->n++;
    }
    return GEN_OK;
}

static int compile_bound(struct gen_schema_compiler *c, struct gen_str keyword,
                         const struct gen_json *v, const struct gen_schema_path *path,
                         struct gen_schema_node *node)
{
    const struct {
        const char *name;
        int64_t *bound;
    } counts[] = {{"minItems", &node->items_min},        {"maxItems", &node->items_max},
                  {"minLength", &node->length_min},      {"maxLength", &node->length_max},
                  {"minProperties", &node->members_min}, {"maxProperties", &node->members_max}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (!gen_str_is(keyword, counts[i].name))
            continue;
        double whole = -1;
        if (gen_json_as_int(v, counts[i].bound) && *counts[i].bound >= 0)
            return GEN_OK;
        if (!c->foreign || !gen_json_as_real(v, &whole) || whole < 0 || whole > COUNT_MAX ||
            whole > (double)(int64_t)whole || whole < (double)(int64_t)whole)
            return gen_schema_refuse(c, path, keyword, "a count from 0 is wanted");
        *counts[i].bound = (int64_t)whole;
        return GEN_OK;
    }
    double number;
    if (!gen_json_as_real(v, &number))
        return gen_schema_refuse(c, path, keyword, "a number is wanted");
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

static int compile_keyword(struct gen_schema_compiler *c, struct gen_str keyword,
                           const struct gen_json *v, const struct gen_schema_path *path,
                           struct gen_schema_node *node)
{
    static const char *const annotations[] = {"title",    "description", "$schema",  "$id",
                                              "$comment", "default",     "examples", "properties",
                                              "required", NULL};
    static const char *const bounds[] = {"minItems", "maxItems", "minLength", "maxLength",
                                         "minimum",  "maximum",  NULL};
    static const char *const foreign_bounds[] = {"minProperties", "maxProperties", NULL};
    if (is_one_of(keyword, annotations))
        return GEN_OK;
    if (is_one_of(keyword, bounds) || (c->foreign && is_one_of(keyword, foreign_bounds)))
        return compile_bound(c, keyword, v, path, node);
    if (gen_str_is(keyword, "type"))
        return compile_type(c, v, path, node);
    struct gen_schema_path at = {path, keyword, 0};
    if (gen_str_is(keyword, "anyOf"))
        return gen_schema_compile_list(c, keyword, v, path, &node->any_of);
    if (gen_str_is(keyword, "items") && !(c->foreign && gen_json_type(v) == GEN_JSON_ARRAY))
        return gen_schema_compile(c, v, &at, &node->items);
    bool open = false;
    if (gen_str_is(keyword, "additionalProperties") && gen_json_as_bool(v, &open)) {
        node->closed = !open;
        return GEN_OK;
    }
    if (gen_str_is(keyword, "enum")) {
        if (gen_json_type(v) != GEN_JSON_ARRAY || gen_json_count(v) == 0)
            return gen_schema_refuse(c, path, keyword, "an array of values is wanted");
        node->allowed = v;
        return GEN_OK;
    }
    if (gen_str_is(keyword, "const")) {
        node->constant = v;
        return GEN_OK;
    }
    if (c->foreign)
        return gen_schema_compile_foreign(c, keyword, v, path, node);
    return gen_schema_refuse(c, path, keyword, "this keyword is not supported");
}

static int compile_object(struct gen_schema_compiler *c, const struct gen_json *schema,
                          const struct gen_schema_path *path, struct gen_schema_node *node)
{
    struct gen_json_iter it;
    struct gen_str keyword;
    const struct gen_json *v;
    const struct gen_json *reference = c->foreign ? gen_json_get(schema, "$ref") : NULL;
    if (gen_json_type(reference) == GEN_JSON_STRING && c->refs_stand_alone)
        return compile_keyword(c, GEN_STR("$ref"), reference, path, node);
    gen_json_iter_init(&it, schema);
    while (gen_json_iter_next(&it, &keyword, &v)) {
        int rc = compile_keyword(c, keyword, v, path, node);
        if (rc)
            return rc;
    }
    int rc = compile_members(c, schema, path, node);
    return rc == GEN_OK && c->foreign ? gen_schema_settle_foreign(c, schema, path, node) : rc;
}

/* Recursion is as deep as the schema, at most GEN_JSON_DEPTH_MAX, and a bounded number of times
 * that with references. */
int gen_schema_compile_into(struct gen_schema_compiler *c, const struct gen_json *schema,
                            const struct gen_schema_path *path, struct gen_schema_node *node)
{
    bool anything = true;
    bool is_bool = c->foreign && gen_json_as_bool(schema, &anything);
    if (!is_bool && gen_json_type(schema) != GEN_JSON_OBJECT)
        return gen_schema_refuse(c, path, (struct gen_str){NULL, 0}, "a schema must be an object");
    if (c->depth >= DEPTH_MAX)
        return gen_schema_refuse(c, path, (struct gen_str){NULL, 0},
                                 "schemas are nested too deeply");
    node->items_max = INT64_MAX;
    node->length_max = INT64_MAX;
    node->members_max = INT64_MAX;
    node->never = !anything;
    if (is_bool)
        return GEN_OK;
    c->depth++;
    int rc = compile_object(c, schema, path, node);
    c->depth--;
    return rc;
}

int gen_schema_compile(struct gen_schema_compiler *c, const struct gen_json *schema,
                       const struct gen_schema_path *path, struct gen_schema_node **out)
{
    *out = gen_arena_alloc(&c->schema->arena, sizeof(**out));
    if (!*out)
        return gen_nomem(c->err, "a JSON Schema");
    return gen_schema_compile_into(c, schema, path, *out);
}

static int new_schema(struct gen_schema_compiler *c, struct gen_schema **out,
                      const struct gen_json *schema)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_schema *s = calloc(1, sizeof(*s));
    int rc = s ? GEN_OK : gen_nomem(c->err, "a JSON Schema");
    if (rc == GEN_OK) {
        s->arena = gen_arena_make(ARENA_BYTES_MAX);
        rc = gen_json_write(&text, schema, GEN_JSON_COMPACT, c->err);
    }
    if (rc == GEN_OK)
        rc = gen_json_parse(&s->doc, gen_buf_str(&text), c->err);
    gen_buf_release(&text);
    if (rc == GEN_OK) {
        struct gen_schema_path root = {NULL, {NULL, 0}, 0};
        c->schema = s;
        rc = gen_schema_compile(c, gen_json_root(s->doc), &root, &s->root);
    }
    free(c->targets);
    if (rc) {
        gen_schema_free(s);
        return rc;
    }
    *out = s;
    return GEN_OK;
}

int gen_schema_new(struct gen_schema **out, const struct gen_json *schema, struct gen_error *err)
{
    struct gen_schema_compiler c = {.err = err};
    return new_schema(&c, out, schema);
}

int gen_schema_new_foreign(struct gen_schema **out, const struct gen_json *schema,
                           enum gen_schema_draft draft, struct gen_buf *ignored,
                           struct gen_error *err)
{
    struct gen_str said = gen_json_get_str(schema, "$schema");
    bool is_old = gen_str_find(said, GEN_STR("draft-0"), 0) != SIZE_MAX;
    struct gen_schema_compiler c = {
        .foreign = true,
        .refs_stand_alone = is_old || (said.n == 0 && draft == GEN_DRAFT_7),
        .ignored = ignored,
        .err = err,
    };
    return new_schema(&c, out, schema);
}

void gen_schema_free(struct gen_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_regexes; i++)
        gen_regex_free(s->regexes[i]);
    free(s->regexes);
    gen_arena_release(&s->arena);
    gen_json_doc_free(s->doc);
    free(s);
}
