#include "tool/parse/openapi_int.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct gen_openapi_target *target_place(struct gen_openapi_target *targets, size_t n_places,
                                               struct gen_str pointer)
{
    size_t at = (size_t)gen_hash64(pointer, 0) & (n_places - 1);
    while (targets[at].pointer.n && !gen_str_eq(targets[at].pointer, pointer))
        at = (at + 1) & (n_places - 1);
    return &targets[at];
}

static int grow_targets(struct gen_openapi *o, struct gen_error *err)
{
    size_t n_places = o->n_places ? 2 * o->n_places : 1024;
    struct gen_openapi_target *larger = calloc(n_places, sizeof(*larger));
    if (!larger)
        return gen_nomem(err, "the references of an OpenAPI description");
    for (size_t i = 0; i < o->n_places; i++) {
        if (o->targets[i].pointer.n)
            *target_place(larger, n_places, o->targets[i].pointer) = o->targets[i];
    }
    free(o->targets);
    o->targets = larger;
    o->n_places = n_places;
    return GEN_OK;
}

int gen_openapi_find(struct gen_openapi *o, struct gen_str pointer, const struct gen_json **out,
                     struct gen_error *err)
{
    int rc = 2 * (o->n_targets + 1) > o->n_places ? grow_targets(o, err) : GEN_OK;
    if (rc)
        return rc;
    struct gen_openapi_target *place = target_place(o->targets, o->n_places, pointer);
    if (!place->pointer.n) {
        rc = gen_json_pointer(o->root, pointer, &place->value, err);
        if (rc)
            return rc;
        place->pointer = pointer;
        o->n_targets++;
    }
    *out = place->value;
    return GEN_OK;
}

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
    d->pointer = pointer;
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
        int rc = gen_openapi_find(o, d->pointer, &target, err);
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

static int resolve(struct gen_openapi *o, const struct gen_json **schema, struct gen_error *err)
{
    int rc = GEN_OK;
    for (unsigned i = 0; rc == GEN_OK && i < GEN_OPENAPI_REFS_MAX; i++) {
        struct gen_str pointer = gen_json_get_str(*schema, "$ref");
        if (!gen_str_starts(pointer, GEN_STR("#")))
            break;
        rc = gen_openapi_find(o, pointer, schema, err);
    }
    return rc;
}

/* One member of a body, with all that the parts of an allOf say about it. */
struct member {
    struct member *next;
    struct gen_str name;
    const struct gen_json **schemas;
    size_t n, capacity;
    bool is_allowed;  /* some part names it as a property that a request may have */
    bool is_required; /* some part demands it, be it another one than the one that describes it */
};

struct members {
    struct member *first, **last;
};

static struct member *member_named(struct gen_openapi *o, struct members *all, struct gen_str name)
{
    struct member *m = all->first;
    while (m && !gen_str_eq(m->name, name))
        m = m->next;
    if (m)
        return m;
    m = gen_arena_alloc(&o->arena, sizeof(*m));
    if (!m)
        return NULL;
    *m = (struct member){.name = name};
    *all->last = m;
    all->last = &m->next;
    return m;
}

/* What is said before is not said again. */
static bool describe(struct gen_openapi *o, struct member *m, const struct gen_json *schema)
{
    for (size_t i = 0; i < m->n; i++) {
        if (gen_json_equal(m->schemas[i], schema))
            return true;
    }
    if (m->n == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 1;
        const struct gen_json **larger =
            gen_arena_alloc(&o->arena, capacity * sizeof(const struct gen_json *));
        if (!larger)
            return false;
        for (size_t i = 0; i < m->n; i++)
            larger[i] = m->schemas[i];
        m->schemas = larger;
        m->capacity = capacity;
    }
    m->schemas[m->n++] = schema;
    m->is_allowed = true;
    return true;
}

/* The members of an object and of all that it is put together from. */
static int find_members(struct gen_openapi *o, const struct gen_json *schema, struct members *all,
                        unsigned depth, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    bool is_answer_only = false;
    int rc = depth < DEPTH_MAX ? resolve(o, &schema, err) : GEN_OK;
    if (rc || depth >= DEPTH_MAX)
        return rc;
    gen_json_iter_init(&it, gen_json_get(schema, "allOf"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v))
        rc = find_members(o, v, all, depth + 1, err);
    gen_json_iter_init(&it, gen_json_get(schema, "properties"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &name, &v)) {
        /* The server sets it; a request must not. */
        if (gen_json_as_bool(gen_json_get(v, "readOnly"), &is_answer_only) && is_answer_only)
            continue;
        struct member *m = member_named(o, all, name);
        if (!m || !describe(o, m, v))
            rc = gen_nomem(err, "the members of a body");
    }
    gen_json_iter_init(&it, gen_json_get(schema, "required"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        if (!gen_json_as_str(v, &name))
            continue;
        struct member *m = member_named(o, all, name);
        if (m)
            m->is_required = true;
        else
            rc = gen_nomem(err, "the members of a body");
    }
    return rc;
}

/* Where several parts describe it, all of them count. */
static struct gen_jmut *member_schema(struct gen_openapi *o, const struct member *m)
{
    if (m->n == 1)
        return gen_openapi_copy(o, m->schemas[0]);
    struct gen_jmut *out = gen_jb_object(o->b);
    struct gen_jmut *parts = gen_jb_array(o->b);
    struct gen_str type = gen_json_get_str(m->schemas[0], "type");
    for (size_t i = 0; i < m->n; i++) {
        gen_jb_append(o->b, parts, gen_openapi_copy(o, m->schemas[i]));
        if (!gen_str_eq(gen_json_get_str(m->schemas[i], "type"), type))
            type = GEN_STR("");
    }
    if (type.n)
        gen_jb_put_str(o->b, out, "type", type);
    gen_jb_put(o->b, out, "allOf", parts);
    return out;
}

static int add_members(struct gen_openapi *o, const struct gen_json *schema, bool required,
                       struct gen_error *err)
{
    const struct gen_openapi_place place = {.in = GEN_STR("body")};
    struct members all = {.first = NULL};
    all.last = &all.first;
    int rc = find_members(o, schema, &all, 0, err);
    for (const struct member *m = all.first; rc == GEN_OK && m; m = m->next) {
        if (m->is_allowed)
            rc = gen_openapi_add(o, m->name, &place, member_schema(o, m),
                                 required && m->is_required, err);
    }
    return rc;
}

static bool has_members(struct gen_openapi *o, const struct gen_json *schema, unsigned depth)
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
        return add_members(o, schema, required, err);
    const struct gen_openapi_place place = {.in = GEN_STR("whole_body")};
    return gen_openapi_add(o, GEN_STR("body"), &place, gen_openapi_copy(o, schema), required, err);
}
