/* Which of the calls that could be drawn is next: the one whose tool's parameters, choices and
 * values came up least. */
#include "tool/blueprint_int.h"

#include "base/hash.h"

#define NEW_PARAM 1500U /* a parameter or choice that was never given */
#define POOR      60000U
#define RANKS     100U

static uint32_t *place_of(struct gen_blueprints *b, uint64_t kind, size_t tool, struct gen_str what)
{
    return &b->uses[gen_hash_mix(gen_hash64(what, kind) + tool * 977) % GEN_USES_MAX];
}

static uint32_t uses_of(const struct gen_blueprints *b, uint64_t kind, size_t tool,
                        struct gen_str what)
{
    return b->uses[gen_hash_mix(gen_hash64(what, kind) + tool * 977) % GEN_USES_MAX];
}

static const struct gen_tool_param *param_of(const struct gen_tool *t, struct gen_str name)
{
    for (size_t i = 0; i < t->n_params; i++) {
        if (gen_str_eq(t->params[i].name, name))
            return &t->params[i];
    }
    return NULL;
}

/* The text of a value, of a list its first element. */
static struct gen_str text_of(const struct gen_json *v)
{
    struct gen_str s = GEN_STR("");
    if (gen_json_type(v) == GEN_JSON_ARRAY)
        v = gen_json_at(v, 0);
    (void)gen_json_as_str(v, &s);
    return s;
}

static uint64_t cost_of_argument(const struct gen_blueprints *b, size_t tool, struct gen_str key,
                                 const struct gen_json *v)
{
    const struct gen_tool_param *p = param_of(&b->set->tools[tool], key);
    struct gen_str text = text_of(v);
    uint64_t cost = 0;
    if (p && !p->is_required) {
        uint32_t n = uses_of(b, 1, tool, key);
        cost += n ? 20 * (uint64_t)n : 0;
    }
    if (p && p->choices && text.n)
        cost += 40 * (uint64_t)uses_of(b, gen_hash64(key, 2), tool, text);
    else if (text.n)
        cost += 30 * (uint64_t)uses_of(b, 3, tool, text) + 2 * (uint64_t)uses_of(b, 3, 0, text);
    return cost;
}

/* What speaks for it: a parameter or a choice that no example has had yet. */
static uint64_t news_of_argument(const struct gen_blueprints *b, size_t tool, struct gen_str key,
                                 const struct gen_json *v)
{
    const struct gen_tool_param *p = param_of(&b->set->tools[tool], key);
    struct gen_str text = text_of(v);
    uint64_t n = 0;
    if (p && !p->is_required && uses_of(b, 1, tool, key) == 0)
        n++;
    if (p && p->choices && text.n && uses_of(b, gen_hash64(key, 2), tool, text) == 0)
        n++;
    return n;
}

uint64_t gen_call_cost(const struct gen_blueprints *b, size_t call)
{
    const struct gen_known_call *c = &b->calls[call];
    uint64_t cost = 1000 * (uint64_t)c->n_drawn + 8000 + (c->is_poor ? POOR : 0);
    uint64_t news = 0;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_call_args(b, call));
    while (gen_json_iter_next(&it, &key, &v)) {
        cost += cost_of_argument(b, c->tool, key, v);
        news += news_of_argument(b, c->tool, key, v);
    }
    if (c->setup != GEN_NONE)
        cost += 4 * (uint64_t)uses_of(b, 5, 0, b->calls[c->setup].text);
    news = news < 4 ? news * NEW_PARAM : 4U * NEW_PARAM;
    cost = 16 * (cost > news ? cost - news : 0);
    return cost + gen_hash_mix(b->options.seed * 131 + call) % RANKS;
}

void gen_call_count(struct gen_blueprints *b, size_t call)
{
    struct gen_known_call *c = &b->calls[call];
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    c->n_drawn++;
    gen_json_iter_init(&it, gen_call_args(b, call));
    while (gen_json_iter_next(&it, &key, &v)) {
        const struct gen_tool_param *p = param_of(&b->set->tools[c->tool], key);
        struct gen_str text = text_of(v);
        if (p && !p->is_required)
            ++*place_of(b, 1, c->tool, key);
        if (p && p->choices && text.n) {
            ++*place_of(b, gen_hash64(key, 2), c->tool, text);
        } else if (text.n) {
            ++*place_of(b, 3, c->tool, text);
            ++*place_of(b, 3, 0, text);
        }
    }
    if (c->setup != GEN_NONE)
        ++*place_of(b, 5, 0, b->calls[c->setup].text);
}
