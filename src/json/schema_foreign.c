/* The keywords that only schemas of others may have (tool definitions, OpenAPI, MCP). */
#include "json/schema_node.h"

#include <stdlib.h>

#define TARGETS_MAX 4096U

static bool is_one_of(struct gen_str word, const char *const *words)
{
    for (; *words; words++) {
        if (gen_str_is(word, *words))
            return true;
    }
    return false;
}

/* What says something about a value but does not constrain it, and what only holds other schemas.
 * Beyond JSON Schema: OpenAPI's own words, and "x-..." by anybody. */
static bool is_annotation(struct gen_str keyword)
{
    static const char *const words[] = {"format",
                                        "definitions",
                                        "$defs",
                                        "$anchor",
                                        "$vocabulary",
                                        "$dynamicAnchor",
                                        "id",
                                        "readOnly",
                                        "writeOnly",
                                        "deprecated",
                                        "contentEncoding",
                                        "contentMediaType",
                                        "example",
                                        "discriminator",
                                        "xml",
                                        "externalDocs",
                                        "contentSchema",
                                        "additionalItems",
                                        "nullable",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "propertyOrdering",
                                        NULL};
    return is_one_of(keyword, words) || gen_str_starts(keyword, GEN_STR("x-"));
}

static int say_ignored(const struct gen_schema_compiler *c, const struct gen_schema_path *path,
                       struct gen_str keyword, const char *why)
{
    struct gen_schema_path at = {path, keyword, 0};
    if (!c->ignored)
        return GEN_OK;
    int rc = gen_schema_pointer(c->ignored, &at, c->err);
    return rc ? rc : gen_buf_printf(c->ignored, c->err, ": %s\n", why);
}

static int add_regex(struct gen_schema_compiler *c, struct gen_str text,
                     const struct gen_schema_path *path, struct gen_str keyword,
                     struct gen_schema_pattern *out)
{
    struct gen_schema *s = c->schema;
    struct gen_error why = {.msg = ""};
    struct gen_regex **grown = realloc(s->regexes, (s->n_regexes + 1) * sizeof(struct gen_regex *));
    if (!grown)
        return gen_nomem(c->err, "a JSON Schema");
    s->regexes = grown;
    int rc = gen_regex_new(&s->regexes[s->n_regexes], text, &why);
    if (rc == GEN_ENOMEM)
        return gen_nomem(c->err, "a JSON Schema");
    /* JavaScript's expressions are not quite Perl's: one that we cannot read checks nothing. */
    if (rc)
        return say_ignored(c, path, keyword, "the pattern cannot be read, and is not checked");
    out->regex = s->regexes[s->n_regexes++];
    out->text = text;
    return GEN_OK;
}

static int compile_pattern_properties(struct gen_schema_compiler *c, const struct gen_json *v,
                                      const struct gen_schema_path *path,
                                      struct gen_schema_node *node)
{
    struct gen_schema_path here = {path, GEN_STR("patternProperties"), 0};
    struct gen_json_iter it;
    struct gen_str text;
    const struct gen_json *schema;
    if (gen_json_type(v) != GEN_JSON_OBJECT)
        return gen_schema_refuse(c, path, here.key, "an object is wanted");
    size_t n = gen_json_count(v);
    node->pattern_properties =
        gen_arena_array(&c->schema->arena, n + 1, sizeof(node->pattern_properties[0]));
    if (!node->pattern_properties)
        return gen_nomem(c->err, "a JSON Schema");
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &text, &schema)) {
        struct gen_schema_path at = {&here, text, 0};
        struct gen_schema_pattern *p = &node->pattern_properties[node->n_pattern_properties];
        int rc = add_regex(c, text, &here, text, p);
        if (rc == GEN_OK && p->regex) {
            node->n_pattern_properties++;
            rc = gen_schema_compile(c, schema, &at, &p->node);
        }
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static int compile_reference(struct gen_schema_compiler *c, struct gen_str pointer,
                             const struct gen_schema_path *path, struct gen_schema_node *node)
{
    const struct gen_json *target = NULL;
    struct gen_str keyword = GEN_STR("$ref");
    bool is_pointer = gen_str_is(pointer, "#") || gen_str_starts(pointer, GEN_STR("#/"));
    /* Nothing is fetched: MCP forbids it, and a schema is not to reach out into the network. */
    if (!is_pointer)
        return say_ignored(c, path, keyword, "leads out of this document, and is not followed");
    int rc = gen_json_pointer(gen_json_root(c->schema->doc), pointer, &target, c->err);
    if (rc)
        return rc;
    if (!target)
        return gen_schema_refuse(c, path, keyword, "it leads to nothing in this document");
    for (size_t i = 0; i < c->n_targets; i++) {
        if (c->targets[i].json == target) {
            node->reference = c->targets[i].node;
            return GEN_OK;
        }
    }
    if (c->n_targets == TARGETS_MAX)
        return gen_schema_refuse(c, path, keyword, "there are too many references");
    struct gen_schema_target *grown =
        realloc(c->targets, (c->n_targets + 1) * sizeof(c->targets[0]));
    node->reference = gen_arena_alloc(&c->schema->arena, sizeof(*node));
    if (grown)
        c->targets = grown;
    if (!grown || !node->reference)
        return gen_nomem(c->err, "a JSON Schema");
    c->targets[c->n_targets++] = (struct gen_schema_target){target, node->reference};
    return gen_schema_compile_into(c, target, path, node->reference);
}

/* draft-04 and OpenAPI 3.0: true makes minimum itself forbidden; later: a bound of its own. */
static int compile_open_bound(struct gen_schema_compiler *c, struct gen_str keyword,
                              const struct gen_json *v, const struct gen_schema_path *path,
                              struct gen_schema_node *node)
{
    bool is_minimum = gen_str_is(keyword, "exclusiveMinimum");
    bool open = false;
    double number = 0;
    double other = 0;
    if (gen_json_as_bool(v, &open)) {
        node->minimum_open |= is_minimum && open;
        node->maximum_open |= !is_minimum && open;
        return GEN_OK;
    }
    if (!gen_json_as_real(v, &number))
        return gen_schema_refuse(c, path, keyword, "a number is wanted");
    const struct gen_json **bound = is_minimum ? &node->minimum : &node->maximum;
    /* Beside a bound that is included, the narrower of both counts. */
    bool is_wider = *bound && gen_json_as_real(*bound, &other) &&
                    (is_minimum ? other > number : other < number);
    if (is_wider)
        return GEN_OK;
    *bound = v;
    *(is_minimum ? &node->minimum_open : &node->maximum_open) = true;
    return GEN_OK;
}

/* allOf, oneOf, not, $ref: schemas that speak of the same value. */
static int compile_combination(struct gen_schema_compiler *c, struct gen_str keyword,
                               const struct gen_json *v, const struct gen_schema_path *path,
                               struct gen_schema_node *node)
{
    struct gen_schema_path at = {path, keyword, 0};
    struct gen_str pointer;
    if (gen_str_is(keyword, "allOf"))
        return gen_schema_compile_list(c, keyword, v, path, &node->all_of);
    if (gen_str_is(keyword, "oneOf"))
        return gen_schema_compile_list(c, keyword, v, path, &node->one_of);
    if (gen_str_is(keyword, "not"))
        return gen_schema_compile(c, v, &at, &node->negated);
    if (!gen_json_as_str(v, &pointer))
        return gen_schema_refuse(c, path, keyword, "a string is wanted");
    return compile_reference(c, pointer, path, node);
}

int gen_schema_compile_foreign(struct gen_schema_compiler *c, struct gen_str keyword,
                               const struct gen_json *v, const struct gen_schema_path *path,
                               struct gen_schema_node *node)
{
    static const char *const combinations[] = {"allOf", "oneOf", "not", "$ref", NULL};
    struct gen_schema_path at = {path, keyword, 0};
    double number = 0;
    struct gen_str text;
    if (is_annotation(keyword))
        return GEN_OK;
    if (is_one_of(keyword, combinations))
        return compile_combination(c, keyword, v, path, node);
    if (gen_str_is(keyword, "additionalProperties"))
        return gen_schema_compile(c, v, &at, &node->additional);
    if (gen_str_is(keyword, "patternProperties"))
        return compile_pattern_properties(c, v, path, node);
    if (gen_str_is(keyword, "prefixItems") || gen_str_is(keyword, "items"))
        return gen_json_count(v) ? gen_schema_compile_list(c, keyword, v, path, &node->prefix_items)
                                 : GEN_OK;
    if (gen_str_is(keyword, "uniqueItems"))
        return gen_json_as_bool(v, &node->unique)
                   ? GEN_OK
                   : gen_schema_refuse(c, path, keyword, "true or false is wanted");
    if (gen_str_is(keyword, "multipleOf")) {
        if (!gen_json_as_real(v, &number) || number <= 0)
            return gen_schema_refuse(c, path, keyword, "a number over 0 is wanted");
        node->multiple_of = v;
        return GEN_OK;
    }
    if (gen_str_is(keyword, "pattern")) {
        if (!gen_json_as_str(v, &text))
            return gen_schema_refuse(c, path, keyword, "a string is wanted");
        return add_regex(c, text, path, keyword, &node->pattern);
    }
    return say_ignored(c, path, keyword, "not checked");
}

int gen_schema_settle_foreign(struct gen_schema_compiler *c, const struct gen_json *schema,
                              const struct gen_schema_path *path, struct gen_schema_node *node)
{
    static const char *const bounds[] = {"exclusiveMinimum", "exclusiveMaximum", NULL};
    const struct gen_json *rest = gen_json_get(schema, "additionalItems");
    bool yes = false;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && bounds[i]; i++) {
        const struct gen_json *v = gen_json_get(schema, bounds[i]);
        if (v)
            rc = compile_open_bound(c, gen_str_from(bounds[i]), v, path, node);
    }
    if (gen_json_as_bool(gen_json_get(schema, "nullable"), &yes) && yes && node->types)
        node->types |= GEN_TYPE_BIT(GEN_JSON_NULL);
    /* It speaks of what is beyond a list of items, and of nothing without one. */
    if (rc || !rest || gen_json_type(gen_json_get(schema, "items")) != GEN_JSON_ARRAY)
        return rc;
    struct gen_schema_path at = {path, GEN_STR("additionalItems"), 0};
    return gen_schema_compile(c, rest, &at, &node->items);
}
