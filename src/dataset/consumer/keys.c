#include "dataset/consumer/rules.h"

#include <stdlib.h>

#define FEW_KEYS 32

static int compare_keys(const void *a, const void *b)
{
    const struct gen_str *x = a;
    const struct gen_str *y = b;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return memcmp(x->p, y->p, x->n);
}

static void twice(struct gen_row_check *c, struct gen_str key, bool is_fatal)
{
    if (is_fatal)
        gen_rule_error(c, GEN_RULE_duplicate_key,
                       "an object has the key \"%.*s\" twice; Arrow refuses the file",
                       GEN_STR_ARG(key));
    else
        gen_rule_warn(c, GEN_RULE_duplicate_key,
                      "an object has the key \"%.*s\" twice; which of the values counts depends on "
                      "the reader",
                      GEN_STR_ARG(key));
}

static void many_keys(struct gen_row_check *c, const struct gen_json *object, size_t count,
                      bool is_fatal)
{
    struct gen_str *keys = calloc(count, sizeof(*keys));
    if (!keys) {
        c->rc = gen_nomem(c->err, "the keys of a row");
        return;
    }
    size_t n = 0;
    struct gen_json_iter it;
    const struct gen_json *value;
    gen_json_iter_init(&it, object);
    while (n < count && gen_json_iter_next(&it, &keys[n], &value))
        n++;
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (compare_keys(&keys[i - 1], &keys[i]) == 0)
            twice(c, keys[i], is_fatal);
    }
    free(keys);
}

static bool is_among(const struct gen_str *keys, size_t n, struct gen_str key)
{
    for (size_t i = 0; i < n; i++) {
        if (gen_str_eq(keys[i], key))
            return true;
    }
    return false;
}

/* Recursion is bounded by GEN_JSON_DEPTH_MAX. */
static void walk(struct gen_row_check *c, const struct gen_json *v, bool is_fatal)
{
    struct gen_str keys[FEW_KEYS];
    size_t count = gen_json_type(v) == GEN_JSON_OBJECT ? gen_json_count(v) : 0;
    size_t n = 0;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    if (count > FEW_KEYS)
        many_keys(c, v, count, is_fatal);
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (count && count <= FEW_KEYS) {
            if (is_among(keys, n, key))
                twice(c, key, is_fatal);
            keys[n++] = key;
        }
        if (gen_json_type(value) >= GEN_JSON_ARRAY)
            walk(c, value, is_fatal);
    }
}

void gen_rules_keys(struct gen_row_check *c, bool is_fatal)
{
    walk(c, c->row, is_fatal);
}
