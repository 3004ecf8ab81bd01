/* One example of a category about a tool: which calls, what is withheld, what goes wrong. */
#include "tool/blueprint_int.h"

#define EDGES_MAX    48U
#define STARTS_MAX   24U
#define FED_SEEN_MAX 48U
#define PARALLEL_MAX 5U

static int cheapest(struct gen_blueprints *b, size_t tool,
                    bool (*fits)(const struct gen_blueprints *b, size_t call), size_t *call,
                    struct gen_error *err)
{
    uint64_t least = UINT64_MAX;
    *call = GEN_NONE;
    int rc = gen_world_candidates(b, tool, err);
    for (size_t c = b->tools[tool].first; rc == GEN_OK && c != GEN_NONE; c = b->calls[c].next) {
        uint64_t cost = fits(b, c) ? gen_call_cost(b, c) : UINT64_MAX;
        if (cost < least) {
            least = cost;
            *call = c;
        }
    }
    return rc;
}

/* The wrong call whose kind and whose right call came up least. */
static int cheapest_wrong(struct gen_blueprints *b, size_t tool, size_t *call,
                          struct gen_error *err)
{
    uint64_t least = UINT64_MAX;
    *call = GEN_NONE;
    int rc = gen_world_candidates(b, tool, err);
    for (size_t c = b->tools[tool].first; rc == GEN_OK && c != GEN_NONE; c = b->calls[c].next) {
        if (!gen_call_is_wrong(b, c))
            continue;
        /* A slip in a value teaches most: it comes as often as the two others together. */
        uint64_t n = b->n_mutations_drawn[b->calls[c].mutation];
        uint64_t kind = b->calls[c].mutation == GEN_WRONG_VALUE ? n : 2 * n;
        uint64_t cost = (kind << 32) + ((uint64_t)b->calls[c].n_drawn << 28) +
                        gen_call_cost(b, b->calls[c].base);
        if (cost < least) {
            least = cost;
            *call = c;
        }
    }
    return rc;
}

/* The right call that was drawn least; when all were, one more where they can be made up. */
static int pick_right(struct gen_blueprints *b, size_t tool, size_t *call, struct gen_error *err)
{
    size_t fresh = GEN_NONE;
    int rc = cheapest(b, tool, gen_call_is_right, call, err);
    if (rc == GEN_OK && *call != GEN_NONE && b->calls[*call].n_drawn)
        rc = gen_world_fresh(b, tool, &fresh, err);
    if (rc == GEN_OK && fresh != GEN_NONE)
        *call = fresh;
    return rc;
}

static void add_step(struct gen_drawing *d, size_t call)
{
    d->steps[d->n_steps++] = (struct gen_drawn_step){.call = call};
}

/* ---- one call ---- */

static int draw_one(struct gen_blueprints *b, size_t tool, struct gen_drawing *d, bool *done,
                    struct gen_error *err)
{
    size_t call = GEN_NONE;
    int rc = pick_right(b, tool, &call, err);
    if (rc || call == GEN_NONE)
        return rc;
    add_step(d, call);
    d->setup = b->calls[call].setup;
    *done = d->category != GEN_TOOL_MULTIPLE || b->set->n_tools > 1;
    return GEN_OK;
}

/* Something that the request can leave out: "/" and "." stand in nearly every one. */
static bool has_argument(const struct gen_blueprints *b, size_t call, struct gen_str name)
{
    struct gen_str text;
    const struct gen_json *v = gen_json_get_n(gen_call_args(b, call), name);
    return v && (!gen_json_as_str(v, &text) || text.n > 1);
}

/* Required, and nothing that could be guessed. */
static bool can_be_withheld(const struct gen_blueprints *b, size_t call,
                            const struct gen_tool_param *p)
{
    return p->is_required && !p->default_value && !p->choices && !gen_str_is(p->type, "boolean") &&
           has_argument(b, call, p->name);
}

static int draw_missing(struct gen_blueprints *b, size_t tool, struct gen_drawing *d, bool *done,
                        struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[tool];
    size_t found[32], n = 0;
    int rc = draw_one(b, tool, d, done, err);
    if (rc || !*done)
        return rc;
    for (size_t i = 0; i < t->n_params && n < 32; i++) {
        if (can_be_withheld(b, d->steps[0].call, &t->params[i]))
            found[n++] = i;
    }
    *done = n > 0;
    if (!n)
        return GEN_OK;
    size_t at = (size_t)gen_prng_below(&d->random, n);
    d->withheld[d->n_withheld++] = found[at];
    if (n > 2 && gen_prng_below(&d->random, 4) == 0)
        d->withheld[d->n_withheld++] = found[(at + 1) % n];
    return GEN_OK;
}

static int draw_recovery(struct gen_blueprints *b, size_t tool, struct gen_drawing *d, bool *done,
                         struct gen_error *err)
{
    size_t wrong = GEN_NONE;
    if (!b->options.can_execute)
        return GEN_OK;
    int rc = cheapest_wrong(b, tool, &wrong, err);
    if (rc || wrong == GEN_NONE)
        return rc;
    add_step(d, b->calls[wrong].base);
    d->mutation = wrong;
    d->setup = b->calls[wrong].setup;
    *done = true;
    return GEN_OK;
}

/* ---- several at once ---- */

static bool is_in(const struct gen_drawing *d, size_t call)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        if (d->steps[i].call == call)
            return true;
    }
    return false;
}

/* A right call of the tool under the drawing's setup that is not in it yet. */
static int another_call(struct gen_blueprints *b, size_t tool, const struct gen_drawing *d,
                        size_t *call, struct gen_error *err)
{
    uint64_t least = UINT64_MAX;
    *call = GEN_NONE;
    int rc = gen_world_candidates(b, tool, err);
    for (size_t c = b->tools[tool].first; rc == GEN_OK && c != GEN_NONE; c = b->calls[c].next) {
        if (!gen_call_is_right(b, c) || b->calls[c].setup != d->setup || is_in(d, c))
            continue;
        uint64_t cost = gen_call_cost(b, c);
        if (cost < least) {
            least = cost;
            *call = c;
        }
    }
    return rc;
}

static int draw_parallel(struct gen_blueprints *b, size_t tool, struct gen_drawing *d, bool *done,
                         struct gen_error *err)
{
    size_t call = GEN_NONE;
    if (b->tools[tool].changes_state)
        return GEN_OK;
    int rc = pick_right(b, tool, &call, err);
    if (rc || call == GEN_NONE)
        return rc;
    add_step(d, call);
    d->setup = b->calls[call].setup;
    size_t wanted = 2 + (size_t)(gen_prng_below(&d->random, 6) * gen_prng_below(&d->random, 6)) / 8;
    wanted = wanted > PARALLEL_MAX ? PARALLEL_MAX : wanted;
    bool same_tool = gen_prng_below(&d->random, 2) == 0;
    for (size_t tries = 0; rc == GEN_OK && d->n_steps < wanted && tries < 40; tries++) {
        size_t other = (size_t)gen_prng_below(&d->random, b->set->n_tools);
        if (same_tool || tries == 30)
            other = tool;
        same_tool = same_tool && tries < 4;
        if (b->tools[other].changes_state)
            continue;
        rc = another_call(b, other, d, &call, err);
        if (rc == GEN_OK && call == GEN_NONE && other == tool)
            rc = gen_world_fresh(b, tool, &call, err);
        if (rc == GEN_OK && call != GEN_NONE)
            add_step(d, call);
    }
    *done = d->n_steps >= 2;
    return rc;
}

/* ---- one after another ---- */

static bool has_tool(const struct gen_blueprints *b, const struct gen_drawing *d, size_t tool)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        if (b->calls[d->steps[i].call].tool == tool)
            return true;
    }
    return false;
}

static void put_first(struct gen_drawing *d, size_t call)
{
    memmove(d->steps + 1, d->steps, d->n_steps * sizeof(d->steps[0]));
    d->steps[0] = (struct gen_drawn_step){.call = call};
    d->n_steps++;
    for (size_t i = 1; i < d->n_steps; i++) {
        for (size_t k = 0; k < d->steps[i].n_references; k++)
            d->steps[i].from[k]++;
    }
}

static void refer(struct gen_drawn_step *s, size_t from, const struct gen_edge *e)
{
    s->from[s->n_references] = from;
    s->param[s->n_references] = e->param;
    s->pointer[s->n_references++] = e->pointer;
}

/* Elements of lists far down are not what a person asks for. */
static uint64_t cost_of_edge(struct gen_blueprints *b, const struct gen_edge *e)
{
    uint64_t cost = gen_call_cost(b, e->from);
    for (size_t i = 1; i < e->pointer.n; i++) {
        if (e->pointer.p[i - 1] == '/' && e->pointer.p[i] >= '0' && e->pointer.p[i] <= '9')
            cost += (uint64_t)(e->pointer.p[i] - '0') * 6000;
    }
    return cost;
}

static bool holds(const struct gen_json *v, const struct gen_json *value)
{
    size_t n = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_count(v) : 0;
    if (gen_json_equal(v, value))
        return true;
    for (size_t i = 0; i < n && i < 64; i++) {
        if (gen_json_equal(gen_json_at(v, i), value))
            return true;
    }
    return false;
}

static bool has_literal(const struct gen_blueprints *b, const struct gen_drawing *d, size_t step,
                        const struct gen_json *value)
{
    const struct gen_drawn_step *s = &d->steps[step];
    const struct gen_tool *t = &b->set->tools[b->calls[s->call].tool];
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_call_args(b, s->call));
    while (gen_json_iter_next(&it, &key, &v)) {
        bool is_referred = false;
        for (size_t k = 0; k < s->n_references; k++)
            is_referred = is_referred || gen_str_eq(t->params[s->param[k]].name, key);
        if (!is_referred && holds(v, value))
            return true;
    }
    return false;
}

/* The value of the argument that the edge leads to. */
static const struct gen_json *value_of_edge(const struct gen_blueprints *b,
                                            const struct gen_edge *e)
{
    struct gen_str name = b->set->tools[b->calls[e->to].tool].params[e->param].name;
    return gen_json_get_n(gen_call_args(b, e->to), name);
}

/* Puts calls in front whose results the first one needs. The result of the setup itself may be
 * needed as well; then nothing more can come between. */
static int grow_to_front(struct gen_blueprints *b, struct gen_drawing *d, size_t wanted,
                         const struct gen_edge **of_setup, struct gen_edge *kept,
                         struct gen_error *err)
{
    struct gen_edge edges[EDGES_MAX];
    int rc = GEN_OK;
    *of_setup = NULL;
    while (rc == GEN_OK && !*of_setup) {
        size_t n = 0, at = GEN_NONE;
        uint64_t least = UINT64_MAX;
        rc = gen_graph_into(b, d->steps[0].call, edges, EDGES_MAX, &n, err);
        for (size_t i = 0; rc == GEN_OK && i < n; i++) {
            bool is_setup = d->setup != GEN_NONE && edges[i].from == d->setup;
            if (has_tool(b, d, b->calls[edges[i].from].tool) || (!is_setup && d->n_steps >= wanted))
                continue;
            uint64_t cost = cost_of_edge(b, &edges[i]) + (is_setup ? 20000 : 0);
            if (cost < least) {
                least = cost;
                at = i;
            }
        }
        if (rc || at == GEN_NONE)
            break;
        if (d->setup != GEN_NONE && edges[at].from == d->setup) {
            *kept = edges[at];
            *of_setup = kept;
            break;
        }
        put_first(d, edges[at].from);
        refer(&d->steps[1], 0, &edges[at]);
    }
    return rc;
}

/* The cheapest call of the tool that takes what a step gives. */
static int find_fed(struct gen_blueprints *b, const struct gen_drawing *d, size_t tool,
                    struct gen_edge *found, size_t *from, struct gen_error *err)
{
    uint64_t least = UINT64_MAX;
    size_t n_seen = 0;
    *from = GEN_NONE;
    int rc = gen_world_candidates(b, tool, err);
    for (size_t c = b->tools[tool].first; rc == GEN_OK && c != GEN_NONE && n_seen < FED_SEEN_MAX;
         c = b->calls[c].next) {
        struct gen_edge edges[EDGES_MAX];
        size_t n = 0;
        if (!gen_call_is_right(b, c) || b->calls[c].setup != d->setup)
            continue;
        n_seen++;
        rc = gen_graph_into(b, c, edges, EDGES_MAX, &n, err);
        for (size_t i = 0; rc == GEN_OK && i < n; i++) {
            uint64_t cost = UINT64_MAX;
            size_t at = GEN_NONE;
            for (size_t k = 0; k < d->n_steps; k++)
                at = d->steps[k].call == edges[i].from ? k : at;
            if (at != GEN_NONE)
                cost = gen_call_cost(b, c) + cost_of_edge(b, &edges[i]) / 4;
            if (at != GEN_NONE && cost < least) {
                least = cost;
                *found = edges[i];
                *from = at;
            }
        }
    }
    return rc;
}

/* Puts calls behind that take what the others give. */
static int grow_to_back(struct gen_blueprints *b, struct gen_drawing *d, size_t wanted,
                        struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t tries = 0; rc == GEN_OK && d->n_steps < wanted && tries < 12; tries++) {
        size_t tool = (size_t)gen_prng_below(&d->random, b->set->n_tools), from = GEN_NONE;
        struct gen_edge edge = {0};
        if (b->tools[tool].changes_state || has_tool(b, d, tool))
            continue;
        rc = find_fed(b, d, tool, &edge, &from, err);
        if (rc == GEN_OK && from != GEN_NONE) {
            add_step(d, edge.to);
            refer(&d->steps[d->n_steps - 1], from, &edge);
        }
    }
    return rc;
}

static bool shares_value(const struct gen_blueprints *b, size_t one, size_t other)
{
    struct gen_json_iter it, inner;
    const struct gen_json *v, *w;
    struct gen_str s;
    gen_json_iter_init(&it, gen_call_args(b, one));
    while (gen_json_iter_next(&it, NULL, &v)) {
        const struct gen_json *x = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_at(v, 0) : v;
        gen_json_iter_init(&inner, gen_call_args(b, other));
        while (gen_json_as_str(x, &s) && s.n > 1 && gen_json_iter_next(&inner, NULL, &w)) {
            if (gen_json_equal(x, gen_json_type(w) == GEN_JSON_ARRAY ? gen_json_at(w, 0) : w))
                return true;
        }
    }
    return false;
}

/* Whether the call belongs to the others: it is about the same thing. */
static bool is_related(const struct gen_blueprints *b, const struct gen_drawing *d, size_t call)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        if (shares_value(b, call, d->steps[i].call))
            return true;
    }
    return false;
}

/* Further calls about the same things on the same state, in front of the first one. */
static int fill_up(struct gen_blueprints *b, struct gen_drawing *d, size_t wanted,
                   struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t tries = 0; rc == GEN_OK && d->n_steps < wanted && tries < 30; tries++) {
        size_t tool = (size_t)gen_prng_below(&d->random, b->set->n_tools), call = GEN_NONE;
        if (b->tools[tool].changes_state || has_tool(b, d, tool))
            continue;
        rc = another_call(b, tool, d, &call, err);
        for (size_t c = call; c != GEN_NONE; c = b->calls[c].next) {
            if (gen_call_is_right(b, c) && b->calls[c].setup == d->setup && is_related(b, d, c)) {
                put_first(d, c);
                break;
            }
        }
    }
    return rc;
}

/* What is passed on must not stand in the request. */
static bool is_hidden(const struct gen_blueprints *b, const struct gen_drawing *d)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        for (size_t k = 0; k < d->steps[i].n_references; k++) {
            const struct gen_edge e = {GEN_NONE, d->steps[i].call, d->steps[i].param[k],
                                       d->steps[i].pointer[k]};
            const struct gen_json *value = value_of_edge(b, &e);
            for (size_t j = 0; value && j < d->n_steps; j++) {
                if (has_literal(b, d, j, value))
                    return false;
            }
        }
    }
    return true;
}

static bool passes_on(const struct gen_drawing *d)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        if (d->steps[i].n_references)
            return true;
    }
    return false;
}

static int draw_chain_of(struct gen_blueprints *b, size_t call, size_t wanted,
                         struct gen_drawing *d, bool *done, struct gen_error *err)
{
    size_t setup[GEN_SETUP_MAX];
    size_t n_setup = gen_call_setup(b, call, setup);
    const struct gen_edge *of_setup = NULL;
    struct gen_edge kept = {0};
    d->n_steps = 0;
    if (n_setup + 1 > b->options.steps_max)
        return GEN_OK;
    add_step(d, call);
    d->setup = b->calls[call].setup;
    if (wanted < n_setup + 2 && n_setup + 2 <= b->options.steps_max && d->needs_flow)
        wanted = n_setup + 2;
    size_t room = wanted > n_setup + 1 ? wanted - n_setup : 1;
    int rc = GEN_OK;
    /* Half of them end in the call, the others go on from it. */
    bool begins = gen_prng_below(&d->random, 2) == 0;
    if (begins)
        rc = grow_to_back(b, d, room, err);
    if (rc == GEN_OK)
        rc = grow_to_front(b, d, room, &of_setup, &kept, err);
    if (rc == GEN_OK && !begins)
        rc = grow_to_back(b, d, room, err);
    if (rc == GEN_OK && n_setup && !of_setup && !passes_on(d) && !d->needs_flow)
        rc = fill_up(b, d, room, err);
    for (size_t i = n_setup; i > 0; i--)
        put_first(d, setup[i - 1]);
    if (of_setup)
        refer(&d->steps[n_setup], n_setup - 1, of_setup);
    d->setup = GEN_NONE;
    *done = d->n_steps >= 2 && is_hidden(b, d) && (!d->needs_flow || passes_on(d));
    return rc;
}

/* Call by call, the cheapest first, until one gives a chain. */
static int draw_chain(struct gen_blueprints *b, size_t tool, struct gen_drawing *d, bool *done,
                      struct gen_error *err)
{
    static const size_t lengths[] = {2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7};
    size_t wanted = lengths[gen_prng_below(&d->random, sizeof(lengths) / sizeof(lengths[0]))];
    uint64_t past = 0;
    wanted = wanted < b->options.steps_max ? wanted : b->options.steps_max;
    int rc = gen_world_candidates(b, tool, err);
    for (size_t n = 0; rc == GEN_OK && !*done && n < STARTS_MAX; n++) {
        uint64_t least = UINT64_MAX;
        size_t call = GEN_NONE;
        for (size_t c = b->tools[tool].first; c != GEN_NONE; c = b->calls[c].next) {
            /* The number makes costs differ. */
            uint64_t cost =
                gen_call_is_right(b, c) ? (gen_call_cost(b, c) << 20) + c + 1 : UINT64_MAX;
            if (cost > past && cost < least) {
                least = cost;
                call = c;
            }
        }
        if (call == GEN_NONE)
            break;
        past = least;
        rc = draw_chain_of(b, call, wanted, d, done, err);
    }
    return rc;
}

/* ---- none at all ---- */

static int draw_irrelevance(struct gen_blueprints *b, size_t tool, struct gen_drawing *d,
                            bool *done, struct gen_error *err)
{
    static const char *const gaps[] = {
        "near_miss_action",    "near_miss_object", "near_miss_action",
        "write_but_read_only", "other_domain",     "near_miss_action",
        "needs_live_data",     "near_miss_object", "no_tool_needed_general_knowledge",
        "near_miss_action",    "physical_world",   "small_talk"};
    uint64_t turn = b->n_categories_drawn[GEN_TOOL_IRRELEVANCE];
    d->gap = gaps[turn % (sizeof(gaps) / sizeof(gaps[0]))];
    if (strcmp(d->gap, "near_miss_action") == 0 && b->set->n_tools < 3)
        d->gap = "near_miss_object";
    if (strcmp(d->gap, "near_miss_action") == 0)
        d->missing_tool = tool;
    else
        d->near_tool = tool;
    *done = true;
    return d->missing_tool == GEN_NONE
               ? GEN_OK
               : cheapest(b, tool, gen_call_is_right, &d->missing_call, err);
}

int gen_draw(struct gen_blueprints *b, enum gen_tool_category category, size_t tool,
             struct gen_drawing *d, bool *done, struct gen_error *err)
{
    struct gen_prng random = d->random;
    bool needs_flow = d->needs_flow;
    *d = (struct gen_drawing){.category = category,
                              .setup = GEN_NONE,
                              .mutation = GEN_NONE,
                              .near_tool = GEN_NONE,
                              .missing_tool = GEN_NONE,
                              .missing_call = GEN_NONE,
                              .needs_flow = needs_flow,
                              .random = random};
    *done = false;
    switch (category) {
    case GEN_TOOL_SINGLE:
    case GEN_TOOL_MULTIPLE:
        return draw_one(b, tool, d, done, err);
    case GEN_TOOL_PARALLEL:
        return draw_parallel(b, tool, d, done, err);
    case GEN_TOOL_CHAIN:
        return draw_chain(b, tool, d, done, err);
    case GEN_TOOL_IRRELEVANCE:
        return draw_irrelevance(b, tool, d, done, err);
    case GEN_TOOL_MISSING_PARAM:
        return draw_missing(b, tool, d, done, err);
    case GEN_TOOL_ERROR_RECOVERY:
        return draw_recovery(b, tool, d, done, err);
    case GEN_TOOL_N_CATEGORIES:
        break;
    }
    return GEN_OK;
}
