#include "base/utf8.h"
#include "json/schema.h"
#include "json/schema_node.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define FAULTS_MAX    3U
#define SHOWN_CHARS   60U /* of a value in a message */
#define ALLOWED_MAX   16U /* values listed behind "allowed:" */
#define ALLOWED_BYTES 240U
#define KEYS_ON_STACK 16U

#define TURNS_MAX  100U /* schemas that speak of one value, one leading to the other */
#define UNIQUE_MAX 4096U
#define WALKS_MAX  5000000U /* of values and schemas: a small schema can ask for very many */

struct check {
    struct gen_buf *faults;
    size_t n_faults;
    unsigned n_turns; /* since the last step down into the value */
    size_t *n_walks;
    struct gen_error *err;
};

static int walk(struct check *c, const struct gen_schema_node *node, const struct gen_json *v,
                const struct gen_schema_path *path);

/* "<pointer>: <text>\n" */
static int fault(struct check *c, const struct gen_schema_path *path, struct gen_str text)
{
    if (c->n_faults == FAULTS_MAX)
        return GEN_OK;
    c->n_faults++;
    int rc = gen_schema_pointer(c->faults, path, c->err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(c->faults, ": ", c->err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(c->faults, text, c->err);
    return rc ? rc : gen_buf_add_char(c->faults, '\n', c->err);
}

static int add_cut(struct gen_buf *out, struct gen_str text, struct gen_error *err)
{
    struct gen_str shown = gen_utf8_prefix(text, SHOWN_CHARS);
    int rc = gen_buf_add_str(out, shown, err);
    return rc || shown.n == text.n ? rc : gen_buf_add_c(out, "...", err);
}

/* A value as it is shown: scalars as JSON, containers by their type; `bare` strings unquoted. */
static int add_value(struct gen_buf *out, const struct gen_json *v, bool bare,
                     struct gen_error *err)
{
    enum gen_json_type type = gen_json_type(v);
    struct gen_str s;
    if (type == GEN_JSON_ARRAY || type == GEN_JSON_OBJECT)
        return gen_buf_printf(out, err, "an %s", gen_json_type_name(type));
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_write(&text, v, GEN_JSON_COMPACT, err);
    s = gen_buf_str(&text);
    if (rc == GEN_OK && bare && type == GEN_JSON_STRING && s.n > 2)
        s = gen_str_sub(s, 1, s.n - 2);
    if (rc == GEN_OK)
        rc = add_cut(out, s, err);
    gen_buf_release(&text);
    return rc;
}

/* "found <value>, allowed: " */
static int add_found(struct gen_buf *out, const struct gen_json *v, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, "found ", err);
    if (rc == GEN_OK)
        rc = add_value(out, v, false, err);
    return rc ? rc : gen_buf_add_c(out, ", allowed: ", err);
}

static int type_fault(struct check *c, unsigned types, const struct gen_json *v,
                      const struct gen_schema_path *path)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = add_found(&text, v, c->err);
    const char *gap = "";
    for (unsigned t = GEN_JSON_NULL; rc == GEN_OK && t <= GEN_JSON_OBJECT; t++) {
        bool hidden = t == GEN_JSON_INT && (types & GEN_TYPE_BIT(GEN_JSON_REAL));
        if (!(types & GEN_TYPE_BIT(t)) || hidden)
            continue;
        rc = gen_buf_printf(&text, c->err, "%s%s", gap, gen_json_type_name((enum gen_json_type)t));
        gap = " or ";
    }
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static int check_enum(struct check *c, const struct gen_json *allowed, const struct gen_json *v,
                      const struct gen_schema_path *path)
{
    struct gen_json_iter it;
    const struct gen_json *item;
    gen_json_iter_init(&it, allowed);
    while (gen_json_iter_next(&it, NULL, &item)) {
        if (gen_json_equal(item, v))
            return GEN_OK;
    }
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = add_found(&text, v, c->err);
    size_t from = text.n;
    size_t n = 0;
    gen_json_iter_init(&it, allowed);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &item)) {
        if (n++)
            rc = gen_buf_add_c(&text, ", ", c->err);
        if (rc == GEN_OK && (n > ALLOWED_MAX || text.n - from > ALLOWED_BYTES)) {
            rc = gen_buf_add_c(&text, "...", c->err);
            break;
        }
        if (rc == GEN_OK)
            rc = add_value(&text, item, true, c->err);
    }
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static int check_const(struct check *c, const struct gen_json *constant, const struct gen_json *v,
                       const struct gen_schema_path *path)
{
    if (gen_json_equal(constant, v))
        return GEN_OK;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = add_found(&text, v, c->err);
    if (rc == GEN_OK)
        rc = add_value(&text, constant, true, c->err);
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static int check_count(struct check *c, size_t n, int64_t min, int64_t max, const char *unit,
                       const struct gen_schema_path *path)
{
    bool few = n < (uint64_t)min;
    if (!few && n <= (uint64_t)max)
        return GEN_OK;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_printf(&text, c->err, "found %zu %s, allowed: at %s %lld", n, unit,
                            few ? "least" : "most", (long long)(few ? min : max));
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static bool less(const struct gen_json *a, const struct gen_json *b)
{
    int64_t i;
    int64_t j;
    double x = 0;
    double y = 0;
    if (gen_json_as_int(a, &i) && gen_json_as_int(b, &j))
        return i < j;
    return gen_json_as_real(a, &x) && gen_json_as_real(b, &y) && x < y;
}

static int check_range(struct check *c, const struct gen_schema_node *node,
                       const struct gen_json *v, const struct gen_schema_path *path)
{
    double number;
    bool low =
        node->minimum && (node->minimum_open ? !less(node->minimum, v) : less(v, node->minimum));
    bool high =
        node->maximum && (node->maximum_open ? !less(v, node->maximum) : less(node->maximum, v));
    bool beyond = (node->minimum || node->maximum) && !gen_json_as_real(v, &number);
    if (!beyond && !low && !high)
        return GEN_OK;
    bool open = low || !node->maximum ? node->minimum_open : node->maximum_open;
    const struct gen_json *bound = low || !node->maximum ? node->minimum : node->maximum;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = add_found(&text, v, c->err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&text,
                           bound == node->minimum ? (open ? "over " : "at least ")
                                                  : (open ? "below " : "at most "),
                           c->err);
    if (rc == GEN_OK)
        rc = add_value(&text, bound, true, c->err);
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static int compare_keys(const void *a, const void *b)
{
    const struct gen_str *x = a;
    const struct gen_str *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = n ? memcmp(x->p, y->p, n) : 0;
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static int check_duplicates(struct check *c, const struct gen_json *object,
                            const struct gen_schema_path *path)
{
    struct gen_str few[KEYS_ON_STACK];
    size_t n = gen_json_count(object);
    struct gen_str *keys = few;
    if (n > KEYS_ON_STACK) {
        keys = calloc(n, sizeof(*keys));
        if (!keys)
            return gen_nomem(c->err, "the keys of an object");
    }
    struct gen_json_iter it;
    gen_json_iter_init(&it, object);
    for (size_t i = 0; i < n && gen_json_iter_next(&it, &keys[i], NULL); i++)
        ;
    qsort(keys, n, sizeof(*keys), compare_keys);
    int rc = GEN_OK;
    for (size_t i = 1; rc == GEN_OK && i < n; i++) {
        bool repeated = compare_keys(&keys[i - 1], &keys[i]) == 0;
        bool told = i > 1 && compare_keys(&keys[i - 2], &keys[i]) == 0;
        struct gen_schema_path at = {path, keys[i], 0};
        if (repeated && !told)
            rc = fault(c, &at, GEN_STR("the key is given more than once"));
    }
    if (keys != few)
        free(keys);
    return rc;
}

static int unknown_key(struct check *c, const struct gen_schema_node *node,
                       const struct gen_schema_path *path)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_add_c(&text, "unknown key, allowed: ", c->err);
    size_t from = text.n;
    for (size_t i = 0; rc == GEN_OK && i < node->n_properties; i++) {
        rc = gen_buf_add_c(&text, i ? ", " : "", c->err);
        if (rc == GEN_OK && (i == ALLOWED_MAX || text.n - from > ALLOWED_BYTES)) {
            rc = gen_buf_add_c(&text, "...", c->err);
            break;
        }
        if (rc == GEN_OK)
            rc = add_cut(&text, node->properties[i].name, c->err);
    }
    if (rc == GEN_OK && node->n_properties == 0)
        rc = gen_buf_add_c(&text, "none", c->err);
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static const struct gen_schema_property *find(const struct gen_schema_node *node,
                                              struct gen_str name)
{
    for (size_t i = 0; i < node->n_properties; i++) {
        if (gen_str_eq(node->properties[i].name, name))
            return &node->properties[i];
    }
    return NULL;
}

/* A step down into the value: references of the schema may begin anew. */
static int descend(struct check *c, const struct gen_schema_node *node, const struct gen_json *v,
                   const struct gen_schema_path *path)
{
    unsigned n_turns = c->n_turns;
    c->n_turns = 0;
    int rc = walk(c, node, v, path);
    c->n_turns = n_turns;
    return rc;
}

static int check_member(struct check *c, const struct gen_schema_node *node, struct gen_str key,
                        const struct gen_json *value, const struct gen_schema_path *at)
{
    const struct gen_schema_property *p = find(node, key);
    bool known = p && p->is_listed;
    int rc = known ? descend(c, p->node, value, at) : GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < node->n_pattern_properties; i++) {
        const struct gen_schema_pattern *pattern = &node->pattern_properties[i];
        if (gen_regex_search(pattern->regex, key) != GEN_REGEX_YES)
            continue;
        known = true;
        rc = descend(c, pattern->node, value, at);
    }
    if (rc || known)
        return rc;
    if (node->closed)
        return unknown_key(c, node, at);
    return descend(c, node->additional, value, at);
}

static int check_object(struct check *c, const struct gen_schema_node *node,
                        const struct gen_json *v, const struct gen_schema_path *path)
{
    int rc = check_duplicates(c, v, path);
    size_t n = gen_json_count(v);
    if (rc == GEN_OK)
        rc = check_count(c, n, node->members_min, node->members_max, n == 1 ? "key" : "keys", path);
    for (size_t i = 0; rc == GEN_OK && i < node->n_properties; i++) {
        const struct gen_schema_property *p = &node->properties[i];
        struct gen_schema_path at = {path, p->name, 0};
        if (p->required && !gen_json_get_n(v, p->name))
            rc = fault(c, &at, GEN_STR("missing"));
    }
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, v);
    while (rc == GEN_OK && c->n_faults < FAULTS_MAX && gen_json_iter_next(&it, &key, &value)) {
        struct gen_schema_path at = {path, key, 0};
        rc = check_member(c, node, key, value, &at);
    }
    return rc;
}

/* Quadratic, so bounded. */
static int check_unique(struct check *c, const struct gen_json *v,
                        const struct gen_schema_path *path)
{
    struct gen_json_iter outer;
    const struct gen_json *a;
    if (gen_json_count(v) > UNIQUE_MAX)
        return fault(c, path, GEN_STR("too many items to compare them all with one another"));
    gen_json_iter_init(&outer, v);
    while (gen_json_iter_next(&outer, NULL, &a)) {
        struct gen_json_iter inner = outer;
        const struct gen_json *b;
        while (gen_json_iter_next(&inner, NULL, &b)) {
            if (gen_json_equal(a, b))
                return fault(c, path, GEN_STR("two of its items are equal, but each must differ"));
        }
    }
    return GEN_OK;
}

static int check_array(struct check *c, const struct gen_schema_node *node,
                       const struct gen_json *v, const struct gen_schema_path *path)
{
    size_t n = gen_json_count(v);
    int rc = check_count(c, n, node->items_min, node->items_max, n == 1 ? "item" : "items", path);
    struct gen_json_iter it;
    const struct gen_json *item;
    struct gen_schema_path at = {path, {NULL, 0}, 0};
    gen_json_iter_init(&it, v);
    while (rc == GEN_OK && c->n_faults < FAULTS_MAX && gen_json_iter_next(&it, NULL, &item)) {
        const struct gen_schema_list *prefix = &node->prefix_items;
        rc = descend(c, at.index < prefix->n ? prefix->nodes[at.index] : node->items, item, &at);
        at.index++;
    }
    if (rc == GEN_OK && node->unique && c->n_faults < FAULTS_MAX)
        rc = check_unique(c, v, path);
    return rc;
}

/* How a value fares against one of several schemas: its faults go into `text`. */
static int try_branch(const struct check *c, const struct gen_schema_node *node,
                      const struct gen_json *v, const struct gen_schema_path *path,
                      struct gen_buf *text, size_t *n_faults)
{
    struct check branch = {text, 0, c->n_turns, c->n_walks, c->err};
    int rc = walk(&branch, node, v, path);
    *n_faults = branch.n_faults;
    return rc;
}

/* Of the branches that do not fit, the faults of the one with the fewest are told. */
static int check_branches(struct check *c, const struct gen_schema_list *branches, bool one_only,
                          const struct gen_json *v, const struct gen_schema_path *path)
{
    struct gen_buf best = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t best_faults = SIZE_MAX;
    size_t n_fit = 0;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < branches->n && (one_only || n_fit == 0); i++) {
        struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
        size_t n_faults = 0;
        rc = try_branch(c, branches->nodes[i], v, path, &text, &n_faults);
        n_fit += rc == GEN_OK && n_faults == 0;
        if (rc == GEN_OK && n_faults < best_faults) {
            struct gen_buf worse = best;
            best = text;
            text = worse;
            best_faults = n_faults;
        }
        gen_buf_release(&text);
    }
    struct gen_str lines = gen_buf_str(&best);
    struct gen_str line;
    while (rc == GEN_OK && c->n_faults < FAULTS_MAX && gen_str_next_line(&lines, &line)) {
        c->n_faults++;
        rc = gen_buf_add_str(c->faults, line, c->err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(c->faults, '\n', c->err);
    }
    if (rc == GEN_OK && one_only && n_fit > 1)
        rc = fault(c, path, GEN_STR("it fits several of the schemas of which it must fit one"));
    gen_buf_release(&best);
    return rc;
}

static int check_not(struct check *c, const struct gen_schema_node *node, const struct gen_json *v,
                     const struct gen_schema_path *path)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n_faults = 0;
    int rc = try_branch(c, node, v, path, &text, &n_faults);
    if (rc == GEN_OK && n_faults == 0)
        rc = fault(c, path, GEN_STR("it fits the schema that it must not fit"));
    gen_buf_release(&text);
    return rc;
}

/* The schemas that speak of the same value. */
static int check_combined(struct check *c, const struct gen_schema_node *node,
                          const struct gen_json *v, const struct gen_schema_path *path)
{
    int rc = GEN_OK;
    if (++c->n_turns > TURNS_MAX)
        return gen_fail(c->err, GEN_ELIMIT,
                        "the references of a JSON Schema lead in a circle without end");
    if (node->reference)
        rc = walk(c, node->reference, v, path);
    for (size_t i = 0; rc == GEN_OK && i < node->all_of.n && c->n_faults < FAULTS_MAX; i++)
        rc = walk(c, node->all_of.nodes[i], v, path);
    if (rc == GEN_OK && node->any_of.n)
        rc = check_branches(c, &node->any_of, false, v, path);
    if (rc == GEN_OK && node->one_of.n)
        rc = check_branches(c, &node->one_of, true, v, path);
    if (rc == GEN_OK && node->negated)
        rc = check_not(c, node->negated, v, path);
    c->n_turns--;
    return rc;
}

static int check_string(struct check *c, const struct gen_schema_node *node, struct gen_str s,
                        const struct gen_schema_path *path)
{
    int rc = GEN_OK;
    /* A character has one to four bytes: most lengths need no counting. */
    if (s.n > (uint64_t)node->length_max || s.n / 4 < (uint64_t)node->length_min)
        rc = check_count(c, gen_utf8_count(s), node->length_min, node->length_max, "characters",
                         path);
    if (rc || !node->pattern.regex || gen_regex_search(node->pattern.regex, s) == GEN_REGEX_YES)
        return rc;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    rc = gen_buf_add_c(&text, "found \"", c->err);
    if (rc == GEN_OK)
        rc = add_cut(&text, s, c->err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&text, "\", allowed: what matches ", c->err);
    if (rc == GEN_OK)
        rc = add_cut(&text, node->pattern.text, c->err);
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static int check_multiple(struct check *c, const struct gen_schema_node *node,
                          const struct gen_json *v, const struct gen_schema_path *path)
{
    double x = 0;
    double of = 1;
    if (!node->multiple_of || !gen_json_as_real(v, &x) || !gen_json_as_real(node->multiple_of, &of))
        return GEN_OK;
    double ratio = x / of;
    double off = ratio - nearbyint(ratio);
    /* 0.0075 is a multiple of 0.0001, whatever the last bit of their ratio. */
    if (off < 1e-9 && off > -1e-9)
        return GEN_OK;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = add_found(&text, v, c->err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&text, "multiples of ", c->err);
    if (rc == GEN_OK)
        rc = add_value(&text, node->multiple_of, true, c->err);
    if (rc == GEN_OK)
        rc = fault(c, path, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

/* An integer may be written 1.0 where somebody else's schema asks for one. */
static bool has_type(const struct gen_schema_node *node, const struct gen_json *v)
{
    enum gen_json_type type = gen_json_type(v);
    double x = 0.5;
    if (!node->types || (node->types & GEN_TYPE_BIT(type)))
        return true;
    return node->whole_reals && type == GEN_JSON_REAL && gen_json_as_real(v, &x) &&
           x - nearbyint(x) < DBL_MIN && nearbyint(x) - x < DBL_MIN;
}

/* Recursion is as deep as the value, at most GEN_JSON_DEPTH_MAX, and at most TURNS_MAX times that
 * with schemas that speak of the same value. A NULL node allows everything but duplicate keys. */
static int walk(struct check *c, const struct gen_schema_node *node, const struct gen_json *v,
                const struct gen_schema_path *path)
{
    static const struct gen_schema_node anything = {
        .items_max = INT64_MAX, .length_max = INT64_MAX, .members_max = INT64_MAX};
    if (!node)
        node = &anything;
    enum gen_json_type type = gen_json_type(v);
    if (++*c->n_walks > WALKS_MAX)
        return gen_fail(c->err, GEN_ELIMIT,
                        "a JSON Schema combines its parts in too many ways to be checked");
    if (node->never)
        return fault(c, path, GEN_STR("nothing is allowed here"));
    if (!has_type(node, v))
        return type_fault(c, node->types, v, path);
    int rc = GEN_OK;
    struct gen_str s;
    if (node->allowed)
        rc = check_enum(c, node->allowed, v, path);
    if (rc == GEN_OK && node->constant)
        rc = check_const(c, node->constant, v, path);
    if (rc == GEN_OK && gen_json_as_str(v, &s))
        rc = check_string(c, node, s, path);
    if (rc == GEN_OK && (type == GEN_JSON_INT || type == GEN_JSON_REAL))
        rc = check_range(c, node, v, path);
    if (rc == GEN_OK && (type == GEN_JSON_INT || type == GEN_JSON_REAL))
        rc = check_multiple(c, node, v, path);
    if (rc == GEN_OK && type == GEN_JSON_OBJECT)
        rc = check_object(c, node, v, path);
    if (rc == GEN_OK && type == GEN_JSON_ARRAY)
        rc = check_array(c, node, v, path);
    bool is_combined =
        node->reference || node->all_of.n || node->any_of.n || node->one_of.n || node->negated;
    return rc == GEN_OK && is_combined ? check_combined(c, node, v, path) : rc;
}

int gen_schema_check(const struct gen_schema *s, const struct gen_json *v, bool *valid,
                     struct gen_buf *faults, struct gen_error *err)
{
    if (!v)
        return gen_fail(err, GEN_ESTATE, "there is no JSON value to check");
    size_t before = faults->n;
    struct gen_schema_path root = {NULL, {NULL, 0}, 0};
    size_t n_walks = 0;
    struct check c = {faults, 0, 0, &n_walks, err};
    int rc = walk(&c, s->root, v, &root);
    if (rc) {
        faults->n = before;
        return rc;
    }
    *valid = c.n_faults == 0;
    return GEN_OK;
}
