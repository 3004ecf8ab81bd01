#include "tool/origin_known.h"

int gen_known_init(struct gen_known *k, struct gen_str request, const struct gen_str *observations,
                   size_t n_observations, struct gen_arena *arena, struct gen_error *err)
{
    *k = (struct gen_known){.arena = arena};
    if (n_observations) {
        k->results = gen_arena_array(arena, n_observations, sizeof(*k->results));
        if (!k->results)
            return gen_nomem(err, "the observations of a record");
    }
    for (size_t i = 0; i < n_observations; i++) {
        k->results[i].raw = observations[i];
        k->results[i].plain = gen_buf_make(2 * GEN_WORDS_BYTES_MAX);
    }
    k->n_results = n_observations;
    return gen_words_read(&k->request, request, arena, err);
}

void gen_known_release(struct gen_known *k)
{
    for (size_t i = 0; i < k->n_results; i++) {
        gen_json_doc_free(k->results[i].doc);
        gen_buf_release(&k->results[i].plain);
    }
    k->n_results = 0;
}

static int add_node(struct gen_known *k, struct gen_known_result *r,
                    const struct gen_known_node *node, struct gen_error *err)
{
    if (r->n_nodes == GEN_KNOWN_NODES_MAX)
        return GEN_OK;
    if (r->n_nodes == r->nodes_max) {
        size_t more = r->nodes_max ? 2 * r->nodes_max : 32;
        struct gen_known_node *bigger = gen_arena_array(k->arena, more, sizeof(*bigger));
        if (!bigger)
            return gen_nomem(err, "the values of an observation");
        if (r->n_nodes)
            memcpy(bigger, r->nodes, r->n_nodes * sizeof(*bigger));
        r->nodes = bigger;
        r->nodes_max = more;
    }
    enum gen_json_type type = gen_json_type(node->v);
    r->n_numbers += type == GEN_JSON_INT || type == GEN_JSON_REAL;
    r->nodes[r->n_nodes++] = *node;
    return GEN_OK;
}

/* Breadth first: nodes are added while the list is walked. */
static int add_children(struct gen_known *k, struct gen_known_result *r, size_t parent,
                        struct gen_error *err)
{
    enum gen_json_type type = gen_json_type(r->nodes[parent].v);
    if (type != GEN_JSON_ARRAY && type != GEN_JSON_OBJECT)
        return GEN_OK;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    uint32_t index = 0;
    gen_json_iter_init(&it, r->nodes[parent].v);
    while (gen_json_iter_next(&it, &key, &v)) {
        struct gen_known_node node = {.v = v,
                                      .key = key,
                                      .parent = (uint32_t)parent,
                                      .index = index,
                                      .in_array = type == GEN_JSON_ARRAY};
        int rc = add_node(k, r, &node, err);
        if (rc)
            return rc;
        index++;
    }
    return GEN_OK;
}

int gen_known_parse(struct gen_known *k, size_t i, struct gen_error *err)
{
    struct gen_known_result *r = &k->results[i];
    if (r->is_parsed)
        return GEN_OK;
    r->is_parsed = true;
    int rc = gen_json_parse(&r->doc, r->raw, NULL);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "an observation");
    if (rc)
        return GEN_OK;
    const struct gen_known_node root = {.v = gen_json_root(r->doc)};
    rc = add_node(k, r, &root, err);
    for (size_t n = 0; n < r->n_nodes && rc == GEN_OK; n++)
        rc = add_children(k, r, n, err);
    return rc;
}

/* Keys and leaves a line each. A text at its ceiling is searched as far as it goes. */
static int write_plain(struct gen_known_result *r, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < r->n_nodes && rc == GEN_OK; i++) {
        const struct gen_known_node *n = &r->nodes[i];
        struct gen_str s = {NULL, 0};
        int64_t number = 0;
        rc = gen_buf_add_str(&r->plain, n->key, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(&r->plain, '\n', err);
        if (rc == GEN_OK && gen_json_as_str(n->v, &s))
            rc = gen_buf_add_str(&r->plain, s, err);
        else if (rc == GEN_OK && gen_json_as_int(n->v, &number))
            rc = gen_buf_printf(&r->plain, err, "%lld", (long long)number);
        else if (rc == GEN_OK && gen_json_type(n->v) == GEN_JSON_REAL)
            rc = gen_json_write(&r->plain, n->v, GEN_JSON_COMPACT, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(&r->plain, '\n', err);
    }
    return rc == GEN_ELIMIT ? GEN_OK : rc;
}

int gen_known_read(struct gen_known *k, size_t i, struct gen_error *err)
{
    struct gen_known_result *r = &k->results[i];
    int rc = gen_known_parse(k, i, err);
    if (rc || r->is_worded)
        return rc;
    r->is_worded = true;
    struct gen_str text = r->raw;
    if (r->doc) {
        rc = write_plain(r, err);
        text = gen_buf_str(&r->plain);
    }
    return rc ? rc : gen_words_read(&r->words, text, k->arena, err);
}

struct gen_str gen_known_pointer(struct gen_known *k, const struct gen_known_result *r, size_t node)
{
    uint32_t path[GEN_JSON_DEPTH_MAX + 1] = {0};
    size_t depth = 0;
    for (size_t n = node; n != 0 && depth <= GEN_JSON_DEPTH_MAX; n = r->nodes[n].parent)
        path[depth++] = (uint32_t)n;
    struct gen_buf text = gen_buf_make(GEN_WORDS_BYTES_MAX);
    int rc = GEN_OK;
    while (depth-- > 0 && rc == GEN_OK) {
        const struct gen_known_node *n = &r->nodes[path[depth]];
        if (n->in_array) {
            rc = gen_buf_printf(&text, NULL, "/%u", n->index);
            continue;
        }
        rc = gen_buf_add_char(&text, '/', NULL);
        for (size_t i = 0; i < n->key.n && rc == GEN_OK; i++) {
            char c = n->key.p[i];
            if (c == '~' || c == '/')
                rc = gen_buf_add_c(&text, c == '~' ? "~0" : "~1", NULL);
            else
                rc = gen_buf_add_char(&text, c, NULL);
        }
    }
    struct gen_str out = {NULL, 0};
    if (rc == GEN_OK && text.n)
        out = gen_arena_str(k->arena, gen_buf_str(&text));
    gen_buf_release(&text);
    return out;
}
