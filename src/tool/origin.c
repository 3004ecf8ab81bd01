/* Where the literal values of arguments come from: lists element by element, objects member by
 * member. */
#include "tool/origin_known.h"

#include <math.h>

#define LEAVES_MAX 4096U

const char *gen_origin_name(enum gen_origin o)
{
    static const char *const names[] = {"none",       "request", "result",
                                        "conversion", "default", "constant"};
    return (size_t)o < sizeof(names) / sizeof(names[0]) ? names[o] : "none";
}

static struct gen_place place_of(const struct gen_tool *tool, struct gen_str name)
{
    struct gen_place place = {.name = name};
    const struct gen_tool_param *p = tool ? gen_tool_param_find(tool, name) : NULL;
    if (p) {
        place.description = p->description;
        place.schema = p->schema;
        place.default_value = p->default_value;
        place.choices = p->choices;
        place.is_required = p->is_required;
    }
    return place;
}

/* The place of an element or a member. What the list is for, its elements are for. */
static struct gen_place inner_place(const struct gen_place *outer, struct gen_str key)
{
    struct gen_place place = {
        .name = outer->name, .description = outer->description, .is_required = outer->is_required};
    const struct gen_json *schema = gen_json_get(outer->schema, "items");
    if (key.n) {
        struct gen_json_iter it;
        const struct gen_json *v;
        place.name = key;
        place.is_required = false;
        schema = gen_json_get_n(gen_json_get(outer->schema, "properties"), key);
        place.description = gen_json_get_str(schema, "description");
        gen_json_iter_init(&it, gen_json_get(outer->schema, "required"));
        while (gen_json_iter_next(&it, NULL, &v)) {
            struct gen_str required;
            if (gen_json_as_str(v, &required) && gen_str_eq(required, key))
                place.is_required = true;
        }
    }
    place.schema = schema;
    place.default_value = gen_json_get(schema, "default");
    place.choices = gen_json_get(schema, "enum");
    return place;
}

static bool is_in_choices(const struct gen_place *place, const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *choice;
    gen_json_iter_init(&it, place->choices);
    while (place->choices && gen_json_iter_next(&it, &key, &choice)) {
        if (gen_json_equal(choice, v))
            return true;
    }
    return false;
}

static int leaf(struct gen_known *k, size_t n_results, const struct gen_place *place,
                const struct gen_json *v, struct gen_found *found, struct gen_error *err)
{
    struct gen_str s;
    double number;
    bool truth;
    int rc = GEN_OK;
    if (gen_json_as_str(v, &s))
        return gen_known_string(k, n_results, place, s, found, err);
    if (gen_json_as_bool(v, &truth))
        return gen_known_bool(k, n_results, place, truth, found, err);
    if (gen_json_as_real(v, &number)) {
        rc = gen_known_number(k, n_results, place, number, found, err);
        if (rc == GEN_OK && !found->origin && place->is_required && is_in_choices(place, v))
            gen_found_set(found, GEN_ORIGIN_CONSTANT, (struct gen_str){NULL, 0});
        return rc;
    }
    /* null, and containers without anything in them, say nothing. */
    gen_found_set(found, GEN_ORIGIN_CONSTANT, (struct gen_str){NULL, 0});
    return rc;
}

/* A list or an object that is one of a result, as it stands. */
static int whole_in_results(struct gen_known *k, size_t n_results, const struct gen_json *v,
                            struct gen_found *found, struct gen_error *err)
{
    for (size_t i = n_results; i-- > 0;) {
        int rc = gen_known_parse(k, i, err);
        if (rc)
            return rc;
        const struct gen_known_result *r = &k->results[i];
        for (size_t n = 0; n < r->n_nodes; n++) {
            if (gen_json_type(r->nodes[n].v) != gen_json_type(v) ||
                gen_json_count(r->nodes[n].v) != gen_json_count(v) ||
                !gen_json_equal(r->nodes[n].v, v))
                continue;
            found->step = i + 1;
            gen_found_set(found, GEN_ORIGIN_RESULT, gen_known_pointer(k, r, n));
            return GEN_OK;
        }
    }
    return GEN_OK;
}

/* Whole numbers that follow each other: "rows 3 to 7", "the first four". */
static int run_of_numbers(struct gen_known *k, size_t n_results, const struct gen_place *place,
                          const struct gen_json *list, struct gen_found *found,
                          struct gen_error *err)
{
    size_t n = gen_json_count(list);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    double first = 0;
    double last = 0;
    size_t i = 0;
    if (n < 3)
        return GEN_OK;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &v)) {
        double at;
        if (!gen_json_as_real(v, &at) || (i > 0 && fabs(at - last - 1) > 1e-9))
            return GEN_OK;
        first = i++ ? first : at;
        last = at;
    }
    struct gen_found begin = {GEN_ORIGIN_NONE, {NULL, 0}, 0};
    struct gen_found end = begin;
    int rc = gen_known_number(k, n_results, place, first, &begin, err);
    if (rc == GEN_OK)
        rc = gen_known_number(k, n_results, place, last, &end, err);
    if (rc == GEN_OK && !(end.origin && begin.origin) && first >= 0 && first <= 1) {
        end = (struct gen_found){GEN_ORIGIN_NONE, {NULL, 0}, 0};
        rc = gen_known_number(k, n_results, place, (double)n, &end, err);
        begin = end;
    }
    if (rc == GEN_OK && begin.origin && end.origin)
        gen_found_set(found, GEN_ORIGIN_CONVERSION, end.where.n ? end.where : begin.where);
    return rc;
}

/* One origin for many: a result says most, then a conversion, then the request. */
static void join(struct gen_found *all, const struct gen_found *one)
{
    static const int weight[] = {0, 3, 5, 4, 1, 2};
    if (weight[one->origin] > weight[all->origin])
        *all = *one;
}

static int find(struct gen_known *k, size_t n_results, const struct gen_place *place,
                const struct gen_json *v, size_t *n_leaves, struct gen_found *found,
                struct gen_error *err)
{
    enum gen_json_type type = gen_json_type(v);
    bool is_container = type == GEN_JSON_ARRAY || type == GEN_JSON_OBJECT;
    *found = (struct gen_found){GEN_ORIGIN_NONE, {NULL, 0}, 0};
    if (!is_container || gen_json_count(v) == 0)
        return leaf(k, n_results, place, v, found, err);
    if (place->default_value && gen_json_equal(place->default_value, v)) {
        gen_found_set(found, GEN_ORIGIN_DEFAULT, (struct gen_str){NULL, 0});
        return GEN_OK;
    }
    int rc = whole_in_results(k, n_results, v, found, err);
    if (rc == GEN_OK && !found->origin && type == GEN_JSON_ARRAY)
        rc = run_of_numbers(k, n_results, place, v, found, err);
    if (rc || found->origin)
        return rc;
    struct gen_found all = *found;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *inner;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &inner)) {
        struct gen_place at = inner_place(place, key);
        struct gen_found one;
        if (++*n_leaves > LEAVES_MAX)
            return GEN_OK;
        rc = find(k, n_results, &at, inner, n_leaves, &one, err);
        if (rc || !one.origin)
            return rc;
        join(&all, &one);
    }
    *found = all;
    return GEN_OK;
}

int gen_known_origin(struct gen_known *k, size_t n_results, const struct gen_tool *tool,
                     struct gen_str parameter, const struct gen_json *value,
                     struct gen_found *found, struct gen_error *err)
{
    const struct gen_place place = place_of(tool, parameter);
    size_t n_leaves = 0;
    return find(k, n_results < k->n_results ? n_results : k->n_results, &place, value, &n_leaves,
                found, err);
}

int gen_origin_find(const struct gen_tool *tool, struct gen_str parameter,
                    const struct gen_json *value, struct gen_str request,
                    const struct gen_str *observations, size_t n_observations,
                    enum gen_origin *origin, struct gen_buf *where, size_t *step,
                    struct gen_error *err)
{
    struct gen_arena arena = gen_arena_make(GEN_BUF_UNLIMITED);
    struct gen_known known;
    struct gen_found found = {GEN_ORIGIN_NONE, {NULL, 0}, 0};
    int rc = gen_known_init(&known, request, observations, n_observations, &arena, err);
    if (rc == GEN_OK)
        rc = gen_known_origin(&known, n_observations, tool, parameter, value, &found, err);
    if (rc == GEN_OK && where)
        rc = gen_buf_add_str(where, found.where, err);
    if (rc == GEN_OK) {
        *origin = found.origin;
        if (step)
            *step = found.step;
    }
    gen_known_release(&known);
    gen_arena_release(&arena);
    return rc;
}
