/*
 * datasets infers the types from the first 10 MB of the first file (packaged_modules/json) and
 * casts what comes later to them. Objects in one place whose keys differ within those 10 MB become
 * a Json column, in which anything goes (since 4.7; before, missing keys were filled with null); so
 * do places whose types differ (since 5.0).
 */
#include "dataset/consumer/rules.h"

#include <stdlib.h>

#define FIRST_BYTES  ((uint64_t)10 << 20)
#define NODES_MAX    4096
#define CHILDREN_MAX 200
#define PATH_BYTES   160
#define NAMED_MAX    8
#define NAME_BYTES   ((size_t)1 << 20)

struct node {
    struct gen_str key;
    uint32_t parent, first, last, next; /* 0: none; node 0 is the row */
    uint32_t n_children;
    unsigned types;  /* bit per gen_json_type */
    uint64_t n_seen; /* values that are not null */
    uint64_t n_rows; /* of a column: rows that have the key, also with null */
    bool is_json;    /* Json(): nothing below is looked at */
    bool keys_differ, said;
};

struct gen_columns {
    struct node *nodes;
    uint32_t n, capacity;
    struct gen_arena names;
    uint64_t bytes, n_rows;
    bool is_full; /* too many places: the rest is not followed */
};

int gen_columns_new(struct gen_columns **out, struct gen_error *err)
{
    struct gen_columns *t = calloc(1, sizeof(*t));
    struct node *nodes = calloc(64, sizeof(*nodes));
    if (!t || !nodes) {
        free(t);
        free(nodes);
        return gen_nomem(err, "the columns of a file");
    }
    t->nodes = nodes;
    t->n = 1;
    t->capacity = 64;
    t->names = gen_arena_make(NAME_BYTES);
    *out = t;
    return GEN_OK;
}

void gen_columns_free(struct gen_columns *t)
{
    if (!t)
        return;
    gen_arena_release(&t->names);
    free(t->nodes);
    free(t);
}

/* "messages[].tool_calls" */
static void path_of(const struct gen_columns *t, uint32_t at, struct gen_buf *out)
{
    uint32_t chain[GEN_JSON_DEPTH_MAX + 2] = {0};
    size_t n = 0;
    for (; at && n < GEN_JSON_DEPTH_MAX + 2; at = t->nodes[at].parent)
        chain[n++] = at;
    gen_buf_clear(out);
    while (n--) {
        struct gen_str key = t->nodes[chain[n]].key;
        const char *dot = out->n && !gen_str_is(key, "[]") ? "." : "";
        if (gen_buf_printf(out, NULL, "%s%.*s", dot, GEN_STR_ARG(key)))
            return; /* cut */
    }
}

/* 0 when there is no room. */
static uint32_t add_node(struct gen_columns *t, uint32_t parent, struct gen_str key)
{
    if (t->n == NODES_MAX || t->nodes[parent].n_children == CHILDREN_MAX)
        return 0;
    if (t->n == t->capacity) {
        struct node *nodes = realloc(t->nodes, sizeof(*nodes) * t->capacity * 2);
        if (!nodes)
            return 0;
        t->nodes = nodes;
        t->capacity *= 2;
    }
    struct gen_str name = gen_arena_str(&t->names, key);
    if (key.n && !name.p)
        return 0;
    uint32_t at = t->n++;
    t->nodes[at] = (struct node){.key = name, .parent = parent};
    struct node *p = &t->nodes[parent];
    if (p->last)
        t->nodes[p->last].next = at;
    else
        p->first = at;
    p->last = at;
    p->n_children++;
    return at;
}

/* `hint`: the child behind the one found last; rows keep the order of their keys. */
static uint32_t find_child(const struct gen_columns *t, uint32_t parent, struct gen_str key,
                           uint32_t hint)
{
    if (hint && gen_str_eq(t->nodes[hint].key, key))
        return hint;
    uint32_t at = t->nodes[parent].first;
    while (at && !gen_str_eq(t->nodes[at].key, key))
        at = t->nodes[at].next;
    return at;
}

#define BIT(type) (1U << (type))
#define NUMBERS   (BIT(GEN_JSON_INT) | BIT(GEN_JSON_REAL))

static const char *name_types(unsigned types)
{
    static const enum gen_json_type order[] = {GEN_JSON_OBJECT, GEN_JSON_ARRAY, GEN_JSON_STRING,
                                               GEN_JSON_REAL,   GEN_JSON_INT,   GEN_JSON_BOOL};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (types & BIT(order[i]))
            return gen_json_type_name(order[i]);
    }
    return "null";
}

static bool is_mixed(unsigned types)
{
    if (types & NUMBERS)
        types = (types & ~NUMBERS) | BIT(GEN_JSON_INT);
    return (types & (types - 1)) != 0;
}

/* What Arrow casts without loss: whole numbers to reals, scalars to text. */
static bool casts(unsigned types, enum gen_json_type type)
{
    if (types & BIT(type))
        return true;
    if (types & BIT(GEN_JSON_REAL) && type == GEN_JSON_INT)
        return true;
    return types & BIT(GEN_JSON_STRING) && type < GEN_JSON_ARRAY;
}

/* Whether the value's children are to be looked at. */
static bool take_type(struct gen_columns *t, struct gen_row_check *c, uint32_t at,
                      enum gen_json_type type, bool is_late)
{
    struct node *node = &t->nodes[at];
    unsigned before = node->types;
    if (!is_late) {
        node->types |= BIT(type);
        node->is_json = is_mixed(node->types);
        if (!node->is_json)
            return true;
    } else if (casts(before, type)) {
        return true;
    }
    struct gen_buf path = gen_buf_make(PATH_BYTES);
    path_of(t, at, &path);
    const char *place = path.n ? path.data : "the row";
    if (!is_late)
        gen_rule_warn(c, GEN_RULE_type_changes,
                      "%s is %s here and %s before; datasets before 5.0 refuse the file, later "
                      "ones make it a Json column: keep one type",
                      place, gen_json_type_name(type), name_types(before));
    else
        gen_rule_error(c, GEN_RULE_late_type,
                       "%s is %s here, but %s in the first 10 MB, from which the types are taken: "
                       "\"Couldn't cast array\"; keep one type, or shuffle the rows",
                       place, gen_json_type_name(type), name_types(before));
    gen_buf_release(&path);
    node->is_json = true;
    return false;
}

/* A key that the objects before did not have. 0: do not look below it. */
static uint32_t new_key(struct gen_columns *t, struct gen_row_check *c, uint32_t parent,
                        struct gen_str key, bool is_late)
{
    if (t->nodes[parent].n_seen > 1 && !is_late && parent)
        t->nodes[parent].keys_differ = true;
    uint32_t at = add_node(t, parent, key);
    if (!at) {
        t->is_full = true;
        t->nodes[parent].is_json = true;
        return 0;
    }
    if (!is_late)
        return at;
    struct gen_buf path = gen_buf_make(PATH_BYTES);
    path_of(t, at, &path);
    gen_rule_error(
        c, GEN_RULE_late_key,
        "the key %s does not occur in the first 10 MB, from which the columns are taken: "
        "datasets refuses the file here; give all rows the same keys, or shuffle them",
        path.n ? path.data : "");
    gen_buf_release(&path);
    t->nodes[at].is_json = true;
    return 0;
}

static void take(struct gen_columns *t, struct gen_row_check *c, uint32_t at,
                 const struct gen_json *v, bool is_late);

/* Arrow fills the keys that are missing here. */
static void late_gap(struct gen_columns *t, struct gen_row_check *c, uint32_t at)
{
    struct gen_buf path = gen_buf_make(PATH_BYTES);
    path_of(t, at, &path);
    gen_rule_warn(c, GEN_RULE_keys_come_and_go,
                  "an object in %s lacks a key that all had in the first 10 MB, and gets it with "
                  "null, at which templates fail; shuffle the rows",
                  path.n ? path.data : "the row");
    gen_buf_release(&path);
    t->nodes[at].said = true;
}

static void take_object(struct gen_columns *t, struct gen_row_check *c, uint32_t at,
                        const struct gen_json *object, bool is_late)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    uint32_t hint = t->nodes[at].first;
    uint32_t n = 0;
    gen_json_iter_init(&it, object);
    while (!t->nodes[at].is_json && gen_json_iter_next(&it, &key, &value)) {
        uint32_t child = find_child(t, at, key, hint);
        n++;
        if (!child)
            child = new_key(t, c, at, key, is_late);
        if (!child)
            continue;
        hint = t->nodes[child].next;
        t->nodes[child].n_rows++;
        take(t, c, child, value, is_late);
    }
    struct node *node = &t->nodes[at];
    if (at && !is_late && (n != node->n_children || n == 0))
        node->keys_differ = true;
    if (at && is_late && n < node->n_children && !node->said)
        late_gap(t, c, at);
    if (at && node->keys_differ)
        node->is_json = true;
}

static void take(struct gen_columns *t, struct gen_row_check *c, uint32_t at,
                 const struct gen_json *v, bool is_late)
{
    enum gen_json_type type = gen_json_type(v);
    if (type <= GEN_JSON_NULL || t->nodes[at].is_json)
        return;
    t->nodes[at].n_seen++;
    if (!take_type(t, c, at, type, is_late))
        return;
    if (type == GEN_JSON_OBJECT) {
        take_object(t, c, at, v, is_late);
        return;
    }
    if (type != GEN_JSON_ARRAY)
        return;
    uint32_t element = t->nodes[at].first;
    if (!element)
        element = add_node(t, at, GEN_STR("[]"));
    if (!element)
        return;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &value))
        take(t, c, element, value, is_late);
}

static bool is_string(const struct gen_json *row, const char *key)
{
    return gen_json_type(gen_json_get(row, key)) == GEN_JSON_STRING;
}

/* The column sets that json.py takes for recordings of agents. */
static void agent_trace(struct gen_row_check *c)
{
    const struct gen_json *row = c->row;
    const char *what = NULL;
    if (is_string(row, "type") && gen_json_type(gen_json_get(row, "message")) == GEN_JSON_OBJECT)
        what = "type and message";
    else if (is_string(row, "type") &&
             gen_json_type(gen_json_get(row, "payload")) == GEN_JSON_OBJECT)
        what = "type and payload";
    else if (is_string(row, "id") && is_string(row, "source") && is_string(row, "model") &&
             is_string(row, "system_prompt") &&
             gen_json_type(gen_json_get(row, "messages")) == GEN_JSON_ARRAY)
        what = "id, source, model, system_prompt and messages";
    else if (is_string(row, "type") && is_string(row, "id") && is_string(row, "cwd") &&
             gen_json_type(gen_json_get(row, "version")) == GEN_JSON_INT)
        what = "type, id, version and cwd";
    if (what)
        gen_rule_once(
            c, GEN_FINDING_ERROR, GEN_RULE_agent_trace,
            "with the columns %s, datasets takes the file for a recording of an agent and "
            "asks for the package teich; rename one of them",
            what);
}

void gen_columns_row(struct gen_columns *t, struct gen_row_check *c, size_t bytes)
{
    bool is_late = t->bytes >= FIRST_BYTES;
    t->bytes += bytes;
    t->n_rows++;
    t->nodes[0].n_seen++;
    take_object(t, c, 0, c->row, is_late);
    if (!is_late)
        agent_trace(c);
}

/* The keys below `at` that not every object had. */
static void name_keys(const struct gen_columns *t, uint32_t at, struct gen_buf *out)
{
    size_t n = 0;
    for (uint32_t child = t->nodes[at].first; child && n < NAMED_MAX;
         child = t->nodes[child].next) {
        if (t->nodes[child].n_rows >= t->nodes[at].n_seen)
            continue;
        if (gen_buf_printf(out, NULL, "%s%.*s", n++ ? ", " : "", GEN_STR_ARG(t->nodes[child].key)))
            return;
    }
}

void gen_columns_end(struct gen_columns *t, struct gen_row_check *c)
{
    struct gen_buf names = gen_buf_make(PATH_BYTES);
    struct gen_buf path = gen_buf_make(PATH_BYTES);
    name_keys(t, 0, &names);
    if (names.n)
        gen_rule_warn(c, GEN_RULE_columns_come_and_go,
                      "these columns are not in every row, and become null in the others: %s",
                      names.data);
    for (uint32_t at = 1; at < t->n; at++) {
        if (!t->nodes[at].keys_differ)
            continue;
        gen_buf_clear(&names);
        path_of(t, at, &path);
        name_keys(t, at, &names);
        gen_rule_warn(
            c, GEN_RULE_keys_come_and_go,
            "the objects in %s do not all have the same keys (%s): load it with datasets 4.7 "
            "or newer, which keeps them as they are; older ones fill in nulls, at which "
            "templates fail",
            path.n ? path.data : "the row", names.n ? names.data : "some are empty");
    }
    gen_buf_release(&path);
    gen_buf_release(&names);
}
