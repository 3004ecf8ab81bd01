#include "tool/coverage.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

#define LENGTHS_MAX 32U /* longer chains count as this long */
#define PAIRS_MAX   (1U << 20)

struct choice {
    struct gen_str text; /* JSON */
    uint64_t n;
};

struct param {
    uint64_t n;
    struct choice *choices;
    size_t n_choices;
};

struct pair {
    uint32_t from, to; /* tools, from 1; 0: free */
    uint64_t n;
};

struct gen_tool_coverage {
    const struct gen_toolset *tools;
    uint64_t *calls;       /* a tool */
    struct param **params; /* a tool, then a parameter */
    struct pair *pairs;
    size_t n_pairs, n_slots; /* slots: a power of two */
    uint64_t lengths[LENGTHS_MAX + 1];
    uint64_t n_records, n_calls, n_unknown;
    uint64_t categories[GEN_TOOL_N_CATEGORIES + 1];
    struct gen_arena arena;
    struct gen_buf text;
};

static int list_choices(struct gen_tool_coverage *c, const struct gen_tool_param *from,
                        struct param *p, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    size_t n = gen_json_count(from->choices);
    p->choices = n ? gen_arena_array(&c->arena, n, sizeof(*p->choices)) : NULL;
    if (!n || !p->choices)
        return n ? gen_nomem(err, "the coverage of tools") : GEN_OK;
    gen_json_iter_init(&it, from->choices);
    while (p->n_choices < n && gen_json_iter_next(&it, &key, &v)) {
        gen_buf_clear(&c->text);
        int rc = gen_json_write(&c->text, v, GEN_JSON_COMPACT, err);
        if (rc)
            return rc;
        p->choices[p->n_choices].text = gen_arena_str(&c->arena, gen_buf_str(&c->text));
        if (!p->choices[p->n_choices++].text.p)
            return gen_nomem(err, "the coverage of tools");
    }
    return GEN_OK;
}

static int list_params(struct gen_tool_coverage *c, size_t i, struct gen_error *err)
{
    const struct gen_tool *tool = &c->tools->tools[i];
    int rc = GEN_OK;
    c->params[i] = gen_arena_array(&c->arena, tool->n_params + 1, sizeof(struct param));
    if (!c->params[i])
        return gen_nomem(err, "the coverage of tools");
    for (size_t p = 0; p < tool->n_params && rc == GEN_OK; p++)
        rc = list_choices(c, &tool->params[p], &c->params[i][p], err);
    return rc;
}

int gen_tool_coverage_new(struct gen_tool_coverage **out, const struct gen_toolset *tools,
                          struct gen_error *err)
{
    struct gen_tool_coverage *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "the coverage of tools");
    c->tools = tools;
    c->arena = gen_arena_make(GEN_BUF_UNLIMITED);
    c->text = gen_buf_make(GEN_BUF_UNLIMITED);
    c->calls = gen_arena_array(&c->arena, tools->n_tools + 1, sizeof(*c->calls));
    c->params = gen_arena_array(&c->arena, tools->n_tools + 1, sizeof(struct param *));
    int rc = c->calls && c->params ? GEN_OK : gen_nomem(err, "the coverage of tools");
    for (size_t i = 0; i < tools->n_tools && rc == GEN_OK; i++)
        rc = list_params(c, i, err);
    if (rc) {
        gen_tool_coverage_free(c);
        return rc;
    }
    *out = c;
    return GEN_OK;
}

void gen_tool_coverage_free(struct gen_tool_coverage *c)
{
    if (!c)
        return;
    gen_arena_release(&c->arena);
    gen_buf_release(&c->text);
    free(c->pairs);
    free(c);
}

static size_t slot_of(const struct pair *pairs, size_t n_slots, uint32_t from, uint32_t to)
{
    size_t i = (size_t)gen_hash_mix(((uint64_t)from << 32) | to) & (n_slots - 1);
    while (pairs[i].from && (pairs[i].from != from || pairs[i].to != to))
        i = (i + 1) & (n_slots - 1);
    return i;
}

static int grow_pairs(struct gen_tool_coverage *c, struct gen_error *err)
{
    size_t n = c->n_slots ? 2 * c->n_slots : 256;
    struct pair *bigger = calloc(n, sizeof(*bigger));
    if (!bigger)
        return gen_nomem(err, "the pairs of tools");
    for (size_t i = 0; i < c->n_slots; i++) {
        if (c->pairs[i].from)
            bigger[slot_of(bigger, n, c->pairs[i].from, c->pairs[i].to)] = c->pairs[i];
    }
    free(c->pairs);
    c->pairs = bigger;
    c->n_slots = n;
    return GEN_OK;
}

static int add_pair(struct gen_tool_coverage *c, size_t from, size_t to, struct gen_error *err)
{
    if (2 * (c->n_pairs + 1) > c->n_slots && c->n_slots < PAIRS_MAX) {
        int rc = grow_pairs(c, err);
        if (rc)
            return rc;
    }
    size_t i = slot_of(c->pairs, c->n_slots, (uint32_t)from + 1, (uint32_t)to + 1);
    if (!c->pairs[i].from) {
        if (4 * (c->n_pairs + 1) > 3 * c->n_slots)
            return GEN_OK; /* at its ceiling: further pairs are not told apart */
        c->pairs[i] = (struct pair){.from = (uint32_t)from + 1, .to = (uint32_t)to + 1};
        c->n_pairs++;
    }
    c->pairs[i].n++;
    return GEN_OK;
}

static int add_choice(struct gen_tool_coverage *c, struct param *p, const struct gen_json *v,
                      struct gen_error *err)
{
    gen_buf_clear(&c->text);
    int rc = gen_json_write(&c->text, v, GEN_JSON_COMPACT, err);
    for (size_t i = 0; i < p->n_choices && rc == GEN_OK; i++)
        p->choices[i].n += gen_str_eq(p->choices[i].text, gen_buf_str(&c->text));
    return rc;
}

static int add_args(struct gen_tool_coverage *c, size_t tool, const struct gen_json *args,
                    struct gen_error *err)
{
    const struct gen_tool *t = &c->tools->tools[tool];
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, args);
    while (args && rc == GEN_OK && gen_json_iter_next(&it, &key, &v)) {
        for (size_t p = 0; p < t->n_params && rc == GEN_OK; p++) {
            if (!gen_str_eq(t->params[p].name, key))
                continue;
            c->params[tool][p].n++;
            if (c->params[tool][p].n_choices)
                rc = add_choice(c, &c->params[tool][p], v, err);
        }
    }
    return rc;
}

int gen_tool_coverage_add(struct gen_tool_coverage *c, const struct gen_trajectory *t,
                          struct gen_error *err)
{
    size_t before = SIZE_MAX;
    size_t length = 0;
    int rc = GEN_OK;
    for (size_t i = 0; i < t->n_steps && rc == GEN_OK; i++) {
        const struct gen_tool *tool = gen_toolset_find(c->tools, t->steps[i].tool);
        /* Calls made in order to fail teach nothing about their tool. */
        if (t->steps[i].is_mutation)
            continue;
        length++;
        c->n_calls++;
        c->n_unknown += !tool;
        size_t at = tool ? (size_t)(tool - c->tools->tools) : SIZE_MAX;
        if (tool) {
            c->calls[at]++;
            rc = add_args(c, at, t->steps[i].args, err);
        }
        if (rc == GEN_OK && tool && before != SIZE_MAX)
            rc = add_pair(c, before, at, err);
        before = at;
    }
    c->lengths[length < LENGTHS_MAX ? length : LENGTHS_MAX]++;
    c->categories[t->category]++;
    c->n_records++;
    return rc;
}

struct gen_tool_coverage_sums gen_tool_coverage_sums(const struct gen_tool_coverage *c,
                                                     uint64_t calls_wanted_per_tool)
{
    struct gen_tool_coverage_sums s = {.n_tools = c->tools->n_tools};
    uint64_t n_known = c->n_calls - c->n_unknown;
    for (size_t i = 0; i < s.n_tools; i++) {
        const struct gen_tool *tool = &c->tools->tools[i];
        s.n_tools_used += c->calls[i] > 0;
        s.n_tools_below += c->calls[i] < calls_wanted_per_tool;
        if (c->calls[i] > 0) {
            double share = (double)c->calls[i] / (double)n_known;
            s.entropy -= share * log(share);
        }
        s.n_params += tool->n_params;
        for (size_t p = 0; p < tool->n_params; p++) {
            const struct param *at = &c->params[i][p];
            s.n_params_used += at->n > 0;
            s.n_enum_values += at->n_choices;
            for (size_t v = 0; v < at->n_choices; v++)
                s.n_enum_values_used += at->choices[v].n > 0;
        }
    }
    s.entropy = s.n_tools > 1 ? s.entropy / log((double)s.n_tools) : (double)(s.n_tools_used > 0);
    if (s.entropy > 1)
        s.entropy = 1;
    if (s.entropy < 0)
        s.entropy = 0;
    return s;
}

static struct gen_jmut *params_json(const struct gen_tool_coverage *c, size_t i, struct gen_jb *b)
{
    const struct gen_tool *tool = &c->tools->tools[i];
    struct gen_jmut *list = gen_jb_object(b);
    for (size_t p = 0; p < tool->n_params; p++) {
        const struct param *at = &c->params[i][p];
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_int(b, o, "used", (int64_t)at->n);
        gen_jb_put_bool(b, o, "required", tool->params[p].is_required);
        if (at->n_choices) {
            struct gen_jmut *values = gen_jb_object(b);
            for (size_t v = 0; v < at->n_choices; v++) {
                struct gen_str text = at->choices[v].text;
                bool is_string = text.n > 1 && text.p[0] == '"';
                gen_jb_put_n(b, values, is_string ? gen_str_sub(text, 1, text.n - 2) : text,
                             gen_jb_int(b, (int64_t)at->choices[v].n));
            }
            gen_jb_put(b, o, "values", values);
        }
        gen_jb_put_n(b, list, tool->params[p].name, o);
    }
    return list;
}

static int by_count(const void *left, const void *right)
{
    const struct pair *a = left;
    const struct pair *b = right;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->to < b->to ? -1 : a->to > b->to;
}

static void put_pairs(const struct gen_tool_coverage *c, struct gen_jb *b, struct gen_jmut *root)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct pair *sorted = c->n_pairs ? calloc(c->n_pairs, sizeof(*sorted)) : NULL;
    size_t n = 0;
    for (size_t i = 0; i < c->n_slots && sorted; i++) {
        if (c->pairs[i].from)
            sorted[n++] = c->pairs[i];
    }
    if (n)
        qsort(sorted, n, sizeof(*sorted), by_count);
    for (size_t i = 0; i < n && i < 200; i++) {
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_str(b, o, "from", c->tools->tools[sorted[i].from - 1].name);
        gen_jb_put_str(b, o, "to", c->tools->tools[sorted[i].to - 1].name);
        gen_jb_put_int(b, o, "count", (int64_t)sorted[i].n);
        gen_jb_append(b, list, o);
    }
    free(sorted);
    gen_jb_put_int(b, root, "n_pairs", (int64_t)c->n_pairs);
    gen_jb_put(b, root, "pairs", list);
}

static void put_sums(const struct gen_tool_coverage *c, struct gen_jb *b, struct gen_jmut *root)
{
    struct gen_tool_coverage_sums s = gen_tool_coverage_sums(c, 1);
    gen_jb_put_int(b, root, "records", (int64_t)c->n_records);
    gen_jb_put_int(b, root, "calls", (int64_t)c->n_calls);
    gen_jb_put_int(b, root, "calls_of_unknown_tools", (int64_t)c->n_unknown);
    gen_jb_put_int(b, root, "tools", (int64_t)s.n_tools);
    gen_jb_put_int(b, root, "tools_used", (int64_t)s.n_tools_used);
    gen_jb_put_int(b, root, "parameters", (int64_t)s.n_params);
    gen_jb_put_int(b, root, "parameters_used", (int64_t)s.n_params_used);
    gen_jb_put_int(b, root, "enum_values", (int64_t)s.n_enum_values);
    gen_jb_put_int(b, root, "enum_values_used", (int64_t)s.n_enum_values_used);
    gen_jb_put_real(b, root, "entropy", s.entropy);
}

struct gen_jmut *gen_tool_coverage_json(const struct gen_tool_coverage *c, struct gen_jb *b)
{
    struct gen_jmut *root = gen_jb_object(b);
    put_sums(c, b, root);
    struct gen_jmut *categories = gen_jb_object(b);
    for (size_t i = 0; i <= GEN_TOOL_N_CATEGORIES; i++) {
        if (c->categories[i])
            gen_jb_put_int(b, categories, gen_tool_category_name((enum gen_tool_category)i),
                           (int64_t)c->categories[i]);
    }
    gen_jb_put(b, root, "categories", categories);
    struct gen_jmut *lengths = gen_jb_object(b);
    for (size_t i = 0; i <= LENGTHS_MAX; i++) {
        char name[8] = {(char)('0' + i / 10), (char)('0' + i % 10), i == LENGTHS_MAX ? '+' : '\0'};
        if (c->lengths[i])
            gen_jb_put_int(b, lengths, i < 10 ? name + 1 : name, (int64_t)c->lengths[i]);
    }
    gen_jb_put(b, root, "chain_lengths", lengths);
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < c->tools->n_tools; i++) {
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_str(b, o, "tool", c->tools->tools[i].name);
        gen_jb_put_int(b, o, "calls", (int64_t)c->calls[i]);
        gen_jb_put(b, o, "parameters", params_json(c, i, b));
        gen_jb_append(b, list, o);
    }
    gen_jb_put(b, root, "per_tool", list);
    put_pairs(c, b, root);
    return root;
}
