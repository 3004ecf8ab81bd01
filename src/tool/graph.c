/*
 * Which result gives which argument. With results: a scalar of one call's result that is the value
 * of another call's argument. Without: a name in an output schema that is a parameter's name.
 */
#include "tool/blueprint_int.h"

#include "base/hash.h"

#include <stdlib.h>

#define LEAVES_OF_CALL_MAX 48U
#define LEAVES_MAX         200000U
#define ITEMS_MAX          6U
#define DEPTH_MAX          6U
#define POINTER_MAX        300U
#define ECHOES_MAX         64U
#define HUGE_MIN           1e8

static int add_leaf(struct gen_blueprints *b, const struct gen_leaf *leaf, struct gen_error *err)
{
    if (b->n_leaves >= LEAVES_MAX)
        return GEN_OK;
    if (b->n_leaves == b->leaves_capacity) {
        size_t capacity = b->leaves_capacity ? 2 * b->leaves_capacity : 512;
        void *grown = realloc(b->leaves, capacity * sizeof(*b->leaves));
        if (!grown)
            return gen_nomem(err, "values of results");
        b->leaves = grown;
        b->leaves_capacity = capacity;
    }
    b->leaves[b->n_leaves++] = *leaf;
    return GEN_OK;
}

/* Values that say which thing is meant: not flags, not single letters. */
static bool is_telling(const struct gen_json *v)
{
    struct gen_str s;
    int64_t i;
    /* Scratch folders have another name each time. */
    if (gen_json_as_str(v, &s))
        return s.n >= 2 && s.n <= 300 && !gen_str_starts(s, GEN_STR("/tmp/")) &&
               !gen_str_starts(s, GEN_STR("/var/tmp/")) && !gen_str_starts(s, GEN_STR("/sandbox"));
    return gen_json_as_int(v, &i) && (i > 9 || i < -9);
}

static uint64_t hash_of_value(const struct gen_json *v)
{
    struct gen_str s;
    int64_t i = 0;
    if (gen_json_as_str(v, &s))
        return gen_hash64(s, 11);
    (void)gen_json_as_int(v, &i);
    return gen_hash_mix((uint64_t)i ^ UINT64_C(0x5bd1e995));
}

/* ---- of results ---- */

struct walk {
    struct gen_blueprints *b;
    size_t source, n;
    bool is_schema, is_huge;
    char pointer[POINTER_MAX];
    struct gen_str noun; /* of the tool's name, for schemas: "pipeline" of create_pipeline */
};

static size_t push_key(struct walk *w, size_t at, struct gen_str key)
{
    if (at + 2 * key.n + 2 >= POINTER_MAX)
        return 0;
    w->pointer[at++] = '/';
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~' || key.p[i] == '/') {
            w->pointer[at++] = '~';
            w->pointer[at++] = key.p[i] == '~' ? '0' : '1';
        } else {
            w->pointer[at++] = key.p[i];
        }
    }
    return at;
}

static int note_value(struct walk *w, const struct gen_json *v, struct gen_str key, size_t at,
                      struct gen_error *err)
{
    if (!is_telling(v) || w->n >= LEAVES_OF_CALL_MAX)
        return GEN_OK;
    struct gen_leaf leaf = {
        .hash = hash_of_value(v),
        .source = w->source,
        .key = key,
        .pointer = gen_arena_str(&w->b->arena, (struct gen_str){w->pointer, at}),
        .value = v,
        .is_huge = w->is_huge,
    };
    w->n++;
    return leaf.pointer.n ? add_leaf(w->b, &leaf, err) : GEN_OK;
}

/* An object that says itself that it is enormous: shape [1000000, 100000000]. */
static bool is_huge(const struct gen_json *object)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, object);
    while (gen_json_type(object) == GEN_JSON_OBJECT && gen_json_iter_next(&it, NULL, &v)) {
        double product = 1, d = 0;
        size_t n = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_count(v) : 0;
        bool is_shape = n > 0 && n <= 32;
        for (size_t i = 0; i < n && is_shape; i++) {
            is_shape = gen_json_type(gen_json_at(v, i)) == GEN_JSON_INT &&
                       gen_json_as_real(gen_json_at(v, i), &d);
            product *= d;
        }
        if (is_shape && product > HUGE_MIN)
            return true;
    }
    return false;
}

/* Recursion ends at DEPTH_MAX. */
static int walk_result(struct walk *w, const struct gen_json *v, struct gen_str key, size_t at,
                       unsigned depth, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *child;
    size_t i = 0;
    int rc = GEN_OK;
    bool is_list = gen_json_type(v) == GEN_JSON_ARRAY;
    if (!is_list && gen_json_type(v) != GEN_JSON_OBJECT)
        return note_value(w, v, key, at, err);
    if (depth >= DEPTH_MAX)
        return GEN_OK;
    w->is_huge = is_huge(v);
    gen_json_iter_init(&it, v);
    while (rc == GEN_OK && w->n < LEAVES_OF_CALL_MAX && gen_json_iter_next(&it, &name, &child)) {
        char index[2] = {(char)('0' + (i < 10 ? i : 0)), '\0'};
        if (is_list && i >= ITEMS_MAX)
            break;
        size_t next = push_key(w, at, is_list ? (struct gen_str){index, 1} : name);
        i++;
        if (next)
            rc = walk_result(w, child, is_list ? key : name, next, depth + 1, err);
    }
    return rc;
}

int gen_graph_learn(struct gen_blueprints *b, size_t call, struct gen_error *err)
{
    struct walk w = {.b = b, .source = call};
    const struct gen_json *root = gen_json_root(b->calls[call].result_doc);
    if (!root)
        return GEN_OK;
    return walk_result(&w, root, GEN_STR(""), 0, 0, err);
}

/* ---- of output schemas ---- */

static uint64_t hash_of_names(struct gen_str noun, struct gen_str key)
{
    char text[160];
    size_t n = 0;
    const struct gen_str parts[] = {noun, key};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < parts[p].n && n < sizeof(text); i++) {
            char c = parts[p].p[i];
            if (c != '_' && c != '-')
                text[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
    }
    return gen_hash64((struct gen_str){text, n}, 13);
}

/* Names that mean nothing without what they belong to. */
static bool is_vague(struct gen_str key)
{
    static const char *const vague[] = {
        "id",   "name",  "value",       "type",    "status", "result", "message", "count", "data",
        "text", "title", "description", "success", "error",  "path",   "url",     "key",   NULL};
    for (size_t i = 0; vague[i]; i++) {
        if (gen_str_eq_nocase(key, gen_str_from(vague[i])))
            return true;
    }
    return false;
}

static int note_name(struct walk *w, struct gen_str key, size_t at, struct gen_error *err)
{
    struct gen_leaf leaf = {
        .hash = hash_of_names(is_vague(key) ? w->noun : GEN_STR(""), key),
        .source = w->source,
        .key = key,
        .pointer = gen_arena_str(&w->b->arena, (struct gen_str){w->pointer, at}),
    };
    w->n++;
    return leaf.pointer.n ? add_leaf(w->b, &leaf, err) : GEN_OK;
}

/* Recursion ends at DEPTH_MAX. */
static int walk_schema(struct walk *w, const struct gen_json *root, const struct gen_json *schema,
                       struct gen_str key, size_t at, unsigned depth, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *child;
    unsigned takes = GEN_TAKES_ANY;
    int rc = gen_schema_behind(root, schema, &schema, err);
    if (rc || !schema || depth >= DEPTH_MAX || w->n >= LEAVES_OF_CALL_MAX)
        return rc;
    rc = gen_schema_takes(root, schema, &takes, err);
    const struct gen_json *items = gen_json_get(schema, "items");
    if (rc == GEN_OK && gen_json_type(items) == GEN_JSON_OBJECT) {
        size_t next = push_key(w, at, GEN_STR("0"));
        return next ? walk_schema(w, root, items, key, next, depth + 1, err) : GEN_OK;
    }
    const struct gen_json *members = gen_json_get(schema, "properties");
    gen_json_iter_init(&it, members);
    while (rc == GEN_OK && gen_json_type(members) == GEN_JSON_OBJECT &&
           gen_json_iter_next(&it, &name, &child)) {
        size_t next = push_key(w, at, name);
        if (next)
            rc = walk_schema(w, root, child, name, next, depth + 1, err);
    }
    bool is_scalar = !(takes & (GEN_TAKES_OBJECT | GEN_TAKES_ARRAY | GEN_TAKES_BOOLEAN));
    if (rc == GEN_OK && !members && is_scalar && key.n && !gen_json_get(schema, "enum"))
        rc = note_name(w, key, at, err);
    return rc;
}

/* What the name speaks of: "pipeline" of create_pipeline, of getPipeline. */
static struct gen_str noun_of(struct gen_str name)
{
    for (size_t i = 1; i + 1 < name.n; i++) {
        if (name.p[i] == '_' || name.p[i] == '-')
            return gen_str_sub(name, i + 1, name.n);
        if (name.p[i] >= 'A' && name.p[i] <= 'Z')
            return gen_str_sub(name, i, name.n);
    }
    return name;
}

static int by_hash(const void *a, const void *b)
{
    const struct gen_leaf *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    size_t n = x->pointer.n < y->pointer.n ? x->pointer.n : y->pointer.n;
    int order = n ? memcmp(x->pointer.p, y->pointer.p, n) : 0;
    return order ? order : (x->pointer.n > y->pointer.n) - (x->pointer.n < y->pointer.n);
}

int gen_graph_build(struct gen_blueprints *b, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && !b->is_explored && i < b->set->n_tools; i++) {
        const struct gen_tool *t = &b->set->tools[i];
        struct walk w = {.b = b, .source = i, .is_schema = true, .noun = noun_of(t->name)};
        if (t->output_schema)
            rc = walk_schema(&w, t->output_schema, t->output_schema, GEN_STR(""), 0, 0, err);
    }
    if (rc == GEN_OK && b->n_leaves)
        qsort(b->leaves, b->n_leaves, sizeof(*b->leaves), by_hash);
    return rc;
}

/* ---- edges ---- */

static size_t first_leaf(const struct gen_blueprints *b, uint64_t hash)
{
    size_t low = 0, high = b->n_leaves;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (b->leaves[mid].hash < hash)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Whether the value stands in the arguments already: then the result only repeats it. */
static bool is_echo(const struct gen_json *args, const struct gen_json *value)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_equal(v, value))
            return true;
        size_t n = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_count(v) : 0;
        for (size_t i = 0; i < n && i < ECHOES_MAX; i++) {
            if (gen_json_equal(gen_json_at(v, i), value))
                return true;
        }
    }
    return false;
}

static bool joins(const struct gen_blueprints *b, const struct gen_leaf *leaf, size_t to,
                  const struct gen_tool_param *p, const struct gen_json *value)
{
    const struct gen_known_call *from = &b->calls[leaf->source], *t = &b->calls[to];
    bool same_state = from->setup == t->setup || t->setup == leaf->source;
    bool undoes = b->tools[from->tool].changes_state && t->setup != leaf->source;
    if (from->tool == t->tool || !same_state || undoes || from->tried != GEN_TRY_WELL)
        return false;
    if (!gen_json_equal(leaf->value, value) || is_echo(gen_call_args(b, leaf->source), value))
        return false;
    if (t->setup != GEN_NONE && t->setup != leaf->source &&
        is_echo(gen_call_args(b, t->setup), value))
        return false;
    /* Numbers are equal by chance; their names have to have something in common as well. */
    return gen_json_type(value) == GEN_JSON_STRING ||
           (gen_name_bits(leaf->key) & gen_name_bits(p->name)) != 0;
}

static int edges_of_value(struct gen_blueprints *b, size_t to, size_t param, struct gen_edge *edges,
                          size_t edges_max, size_t *n)
{
    const struct gen_tool_param *p = &b->set->tools[b->calls[to].tool].params[param];
    const struct gen_json *value = gen_json_get_n(gen_call_args(b, to), p->name);
    if (!value || p->choices || !is_telling(value))
        return GEN_OK;
    uint64_t hash = hash_of_value(value);
    for (size_t i = first_leaf(b, hash); i < b->n_leaves && b->leaves[i].hash == hash; i++) {
        if (*n < edges_max && joins(b, &b->leaves[i], to, p, value))
            edges[(*n)++] = (struct gen_edge){b->leaves[i].source, to, param, b->leaves[i].pointer};
    }
    return GEN_OK;
}

/* By names: the source is a tool, of which a call is taken. */
static int edges_of_name(struct gen_blueprints *b, size_t to, size_t param, struct gen_edge *edges,
                         size_t edges_max, size_t *n, struct gen_error *err)
{
    size_t tool = b->calls[to].tool;
    const struct gen_tool_param *p = &b->set->tools[tool].params[param];
    unsigned takes = GEN_TAKES_ANY;
    int rc = gen_schema_takes(b->set->tools[tool].input_schema, p->schema, &takes, err);
    uint64_t hash = hash_of_names(GEN_STR(""), p->name);
    if (!p->is_required || p->choices || is_vague(p->name) ||
        !(takes & (GEN_TAKES_STRING | GEN_TAKES_INTEGER)))
        return rc;
    for (size_t i = first_leaf(b, hash);
         rc == GEN_OK && *n < edges_max && i < b->n_leaves && b->leaves[i].hash == hash; i++) {
        size_t source = b->leaves[i].source;
        bool has_itself = false;
        for (size_t k = 0; k < b->set->tools[source].n_params; k++)
            has_itself = has_itself || gen_str_eq(b->set->tools[source].params[k].name, p->name);
        if (source == tool || has_itself)
            continue;
        rc = gen_world_candidates(b, source, err);
        if (rc == GEN_OK && b->tools[source].first != GEN_NONE)
            edges[(*n)++] =
                (struct gen_edge){b->tools[source].first, to, param, b->leaves[i].pointer};
    }
    return rc;
}

int gen_graph_into(struct gen_blueprints *b, size_t call, struct gen_edge *edges, size_t edges_max,
                   size_t *n, struct gen_error *err)
{
    size_t n_params = b->set->tools[b->calls[call].tool].n_params;
    int rc = GEN_OK;
    *n = 0;
    for (size_t i = 0; rc == GEN_OK && i < n_params; i++)
        rc = b->is_explored ? edges_of_value(b, call, i, edges, edges_max, n)
                            : edges_of_name(b, call, i, edges, edges_max, n, err);
    return rc;
}
