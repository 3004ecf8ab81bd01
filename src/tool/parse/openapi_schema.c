#include "tool/parse/openapi_int.h"

#include <stdio.h>

#define DEPTH_MAX 12U /* of allOf in allOf in a body */

void gen_openapi_begin(struct gen_openapi *o)
{
    gen_arena_reset(&o->arena);
    o->names = NULL;
    o->definitions = NULL;
    o->properties = gen_jb_object(o->b);
    o->required = gen_jb_array(o->b);
    o->places = gen_jb_object(o->b);
}

/* ---- references ---- */

static bool is_used(const struct gen_openapi *o, struct gen_str name)
{
    for (const struct gen_openapi_definition *d = o->definitions; d; d = d->next) {
        if (gen_str_eq(d->name, name))
            return true;
    }
    return false;
}

/* "#/components/schemas/Pet" is known as "Pet" in the tool; NULL without memory. */
static const struct gen_openapi_definition *define(struct gen_openapi *o, struct gen_str pointer)
{
    struct gen_openapi_definition *d = o->definitions;
    for (; d; d = d->next) {
        if (gen_str_eq(d->pointer, pointer))
            return d;
    }
    size_t last = 0;
    for (size_t i = 0; i < pointer.n; i++)
        last = pointer.p[i] == '/' ? i + 1 : last;
    d = gen_arena_alloc(&o->arena, sizeof(*d));
    char *name = gen_arena_alloc(&o->arena, pointer.n - last + 16);
    if (!d || !name)
        return NULL;
    struct gen_str tail = gen_str_sub(pointer, last, pointer.n);
    int n = snprintf(name, pointer.n - last + 16, "%.*s", GEN_STR_ARG(tail));
    for (unsigned i = 2; is_used(o, (struct gen_str){name, (size_t)n}); i++)
        n = snprintf(name, pointer.n - last + 16, "%.*s_%u", GEN_STR_ARG(tail), i);
    d->pointer = gen_arena_str(&o->arena, pointer);
    d->name = (struct gen_str){name, (size_t)n};
    d->next = o->definitions;
    o->definitions = d;
    return d;
}

static struct gen_jmut *copy_reference(struct gen_openapi *o, struct gen_str pointer)
{
    struct gen_jmut *out = gen_jb_object(o->b);
    char text[512];
    if (!gen_str_starts(pointer, GEN_STR("#"))) {
        gen_jb_put_str(o->b, out, "$ref", pointer);
        return out;
    }
    const struct gen_openapi_definition *d = define(o, pointer);
    if (!d)
        return NULL;
    int n = snprintf(text, sizeof(text), "#/$defs/%.*s", GEN_STR_ARG(d->name));
    if (n > 0 && (size_t)n < sizeof(text))
        gen_jb_put_str(o->b, out, "$ref", (struct gen_str){text, (size_t)n});
    return out;
}

/* Recursion is as deep as the parsed file, at most GEN_JSON_DEPTH_MAX. */
struct gen_jmut *gen_openapi_copy(struct gen_openapi *o, const struct gen_json *schema)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    enum gen_json_type type = gen_json_type(schema);
    if (type != GEN_JSON_OBJECT && type != GEN_JSON_ARRAY)
        return gen_jb_copy(o->b, schema);
    struct gen_str pointer = gen_json_get_str(schema, "$ref");
    if (pointer.n && (o->refs_stand_alone || gen_json_count(schema) == 1))
        return copy_reference(o, pointer);
    struct gen_jmut *out = type == GEN_JSON_ARRAY ? gen_jb_array(o->b) : gen_jb_object(o->b);
    gen_json_iter_init(&it, schema);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (type == GEN_JSON_ARRAY) {
            gen_jb_append(o->b, out, gen_openapi_copy(o, v));
        } else if (gen_str_is(key, "$ref") && pointer.n) {
            /* Beside other keywords it counts as one of several demands. */
            struct gen_jmut *all = gen_jb_array(o->b);
            gen_jb_append(o->b, all, copy_reference(o, pointer));
            gen_jb_put(o->b, out, "allOf", all);
        } else {
            gen_jb_put_n(o->b, out, key, gen_openapi_copy(o, v));
        }
    }
    return out;
}

/* Copies what references lead to, and what those lead to, until there is nothing new. */
static int put_definitions(struct gen_openapi *o, struct gen_jmut *schema, struct gen_error *err)
{
    struct gen_jmut *defs = gen_jb_object(o->b);
    bool any = false;
    struct gen_openapi_definition *d = o->definitions;
    while (d) {
        if (d->is_copied) {
            d = d->next;
            continue;
        }
        const struct gen_json *target = NULL;
        int rc = gen_json_pointer(o->root, d->pointer, &target, err);
        if (rc)
            return rc;
        d->is_copied = true;
        any = true;
        if (target)
            gen_jb_put_n(o->b, defs, d->name, gen_openapi_copy(o, target));
        d = o->definitions;
    }
    if (any)
        gen_jb_put(o->b, schema, "$defs", defs);
    return GEN_OK;
}

int gen_openapi_end(struct gen_openapi *o, struct gen_jmut *made, struct gen_error *err)
{
    struct gen_jmut *schema = gen_jb_object(o->b);
    gen_jb_put_cstr(o->b, schema, "type", "object");
    gen_jb_put(o->b, schema, "properties", o->properties);
    gen_jb_put(o->b, schema, "required", o->required);
    int rc = put_definitions(o, schema, err);
    gen_jb_put(o->b, made, "schema", schema);
    gen_jb_put(o->b, made, "places", o->places);
    return rc;
}

/* ---- arguments ---- */

static bool is_argument(const struct gen_openapi *o, struct gen_str name)
{
    for (const struct gen_openapi_name *n = o->names; n; n = n->next) {
        if (gen_str_eq(n->text, name))
            return true;
    }
    return false;
}

static struct gen_jmut *place_of(const struct gen_openapi *o, const struct gen_openapi_place *place,
                                 struct gen_str name, struct gen_str text)
{
    struct gen_jmut *out = gen_jb_object(o->b);
    gen_jb_put_str(o->b, out, "in", place->in);
    if (!gen_str_eq(name, text))
        gen_jb_put_str(o->b, out, "http_name", name);
    if (place->style.n)
        gen_jb_put_str(o->b, out, "style", place->style);
    if (place->explode)
        gen_jb_put(o->b, out, "explode", gen_jb_copy(o->b, place->explode));
    if (place->content_type.n)
        gen_jb_put_str(o->b, out, "content_type", place->content_type);
    return out;
}

int gen_openapi_add(struct gen_openapi *o, struct gen_str name,
                    const struct gen_openapi_place *place, struct gen_jmut *schema, bool required,
                    struct gen_error *err)
{
    char joined[512];
    struct gen_openapi_name *n = gen_arena_alloc(&o->arena, sizeof(*n));
    struct gen_str text = name;
    if (is_argument(o, name)) {
        int length = snprintf(joined, sizeof(joined), "%.*s_%.*s", GEN_STR_ARG(place->in),
                              GEN_STR_ARG(name));
        if (length < 0 || (size_t)length >= sizeof(joined))
            return gen_fail(err, GEN_EPARSE, "a parameter has a name of %zu bytes", name.n);
        text = (struct gen_str){joined, (size_t)length};
    }
    if (!n)
        return gen_nomem(err, "the parameters of an operation");
    n->text = gen_arena_str(&o->arena, text);
    if (text.n && !n->text.p)
        return gen_nomem(err, "the parameters of an operation");
    n->next = o->names;
    o->names = n;
    gen_jb_set_n(o->b, o->properties, text, schema);
    gen_jb_set_n(o->b, o->places, text, place_of(o, place, name, text));
    if (required)
        gen_jb_append(o->b, o->required, gen_jb_str(o->b, text));
    return GEN_OK;
}

static bool lists(const struct gen_json *array, struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str s;
    gen_json_iter_init(&it, array);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &s) && gen_str_eq(s, name))
            return true;
    }
    return false;
}

static int resolve(const struct gen_openapi *o, const struct gen_json **schema,
                   struct gen_error *err)
{
    int rc = GEN_OK;
    for (unsigned i = 0; rc == GEN_OK && i < GEN_OPENAPI_REFS_MAX; i++) {
        struct gen_str pointer = gen_json_get_str(*schema, "$ref");
        if (!gen_str_starts(pointer, GEN_STR("#")))
            break;
        rc = gen_json_pointer(o->root, pointer, schema, err);
    }
    return rc;
}

/* The members of an object and of all that it is put together from. */
static int add_members(struct gen_openapi *o, const struct gen_json *schema, bool required,
                       unsigned depth, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    const struct gen_openapi_place place = {.in = GEN_STR("body")};
    bool is_answer_only = false;
    int rc = depth < DEPTH_MAX ? resolve(o, &schema, err) : GEN_OK;
    if (rc || depth >= DEPTH_MAX)
        return rc;
    gen_json_iter_init(&it, gen_json_get(schema, "allOf"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v))
        rc = add_members(o, v, required, depth + 1, err);
    gen_json_iter_init(&it, gen_json_get(schema, "properties"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v)) {
        /* The server sets it; a request must not. */
        if (gen_json_as_bool(gen_json_get(v, "readOnly"), &is_answer_only) && is_answer_only)
            continue;
        rc = gen_openapi_add(o, name, &place, gen_openapi_copy(o, v),
                             required && lists(gen_json_get(schema, "required"), name), err);
    }
    return rc;
}

static bool has_members(const struct gen_openapi *o, const struct gen_json *schema, unsigned depth)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    if (depth >= DEPTH_MAX || resolve(o, &schema, NULL) != GEN_OK)
        return false;
    if (gen_json_get(schema, "oneOf") || gen_json_get(schema, "anyOf"))
        return false;
    if (gen_json_count(gen_json_get(schema, "properties")))
        return true;
    gen_json_iter_init(&it, gen_json_get(schema, "allOf"));
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (has_members(o, v, depth + 1))
            return true;
    }
    return false;
}

int gen_openapi_add_body(struct gen_openapi *o, const struct gen_json *schema, bool required,
                         struct gen_error *err)
{
    if (!schema)
        return GEN_OK;
    if (has_members(o, schema, 0))
        return add_members(o, schema, required, 0, err);
    const struct gen_openapi_place place = {.in = GEN_STR("whole_body")};
    return gen_openapi_add(o, GEN_STR("body"), &place, gen_openapi_copy(o, schema), required, err);
}
