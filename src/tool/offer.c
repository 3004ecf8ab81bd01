/* The tools that an example shows: those that it needs, and others beside them. */
#include "tool/blueprint_int.h"

#define NEAREST_MAX 3U
#define TRIES_MAX   80U
#define SCAN_MAX    400U
#define WORDS_BYTES 160U /* of a description that count */

void gen_tools_sign(struct gen_blueprints *b)
{
    for (size_t i = 0; i < b->set->n_tools; i++) {
        const struct gen_tool *t = &b->set->tools[i];
        struct gen_tool_state *s = &b->tools[i];
        s->names = gen_name_bits(t->name);
        s->words = gen_name_bits(gen_str_sub(t->description, 0, WORDS_BYTES));
        for (size_t k = 0; k < t->n_params; k++)
            s->words |= gen_name_bits(t->params[k].name);
    }
}

unsigned gen_tools_likeness(const struct gen_blueprints *b, size_t one, size_t other)
{
    const struct gen_tool_state *x = &b->tools[one], *y = &b->tools[other];
    bool same = gen_str_eq(b->set->tools[one].category, b->set->tools[other].category);
    return 4U * (unsigned)__builtin_popcountll(x->names & y->names) +
           (unsigned)__builtin_popcountll(x->words & y->words) + (same ? 6U : 0U);
}

static bool is_offered(const struct gen_drawing *d, size_t tool)
{
    for (size_t i = 0; i < d->n_offered; i++) {
        if (d->offered[i] == tool)
            return true;
    }
    return false;
}

static void offer(struct gen_drawing *d, size_t tool)
{
    if (d->n_offered < GEN_OFFERED_MAX && !is_offered(d, tool))
        d->offered[d->n_offered++] = tool;
}

static size_t nearest(const struct gen_blueprints *b, const struct gen_drawing *d, size_t tool)
{
    size_t best = GEN_NONE;
    unsigned most = 0;
    for (size_t i = 0; i < b->set->n_tools; i++) {
        unsigned likeness = i == tool || is_offered(d, i) ? 0 : gen_tools_likeness(b, tool, i) + 1;
        if (likeness > most) {
            most = likeness;
            best = i;
        }
    }
    return best;
}

/* Whether a tool might do what the missing one does: it speaks of the same things. The first word
 * of a name is what is done, the others what with. */
static bool might_do(const struct gen_blueprints *b, size_t missing, size_t tool)
{
    struct gen_str name = b->set->tools[missing].name;
    size_t cut = gen_str_find(name, GEN_STR("_"), 0);
    uint64_t things = cut == SIZE_MAX ? b->tools[missing].names
                                      : gen_name_bits(gen_str_sub(name, cut + 1, name.n));
    return (things & ~(b->tools[tool].names | b->tools[tool].words)) == 0;
}

static bool may_be_offered(const struct gen_blueprints *b, const struct gen_drawing *d, size_t tool,
                           bool strict)
{
    if (is_offered(d, tool) || tool == d->missing_tool)
        return false;
    return !strict || d->missing_tool == GEN_NONE || !might_do(b, d->missing_tool, tool);
}

/* Of the same category, looked for from a random place on. */
static size_t neighbour(const struct gen_blueprints *b, struct gen_drawing *d, size_t of)
{
    size_t n = b->set->n_tools;
    size_t from = (size_t)gen_prng_below(&d->random, n);
    for (size_t i = 0; i < n && i < SCAN_MAX; i++) {
        size_t tool = (from + i) % n;
        if (may_be_offered(b, d, tool, true) &&
            gen_str_eq(b->set->tools[tool].category, b->set->tools[of].category))
            return tool;
    }
    return GEN_NONE;
}

static void offer_others(const struct gen_blueprints *b, struct gen_drawing *d, size_t of,
                         size_t wanted)
{
    for (size_t tries = 0; d->n_offered < wanted && tries < TRIES_MAX; tries++) {
        size_t tool = tries % 2 == 0 ? neighbour(b, d, of) : GEN_NONE;
        if (tool == GEN_NONE)
            tool = (size_t)gen_prng_below(&d->random, b->set->n_tools);
        if (may_be_offered(b, d, tool, tries < TRIES_MAX / 2))
            offer(d, tool);
    }
    for (size_t i = 0; d->n_offered < 2 && i < b->set->n_tools; i++) {
        if (may_be_offered(b, d, i, false))
            offer(d, i);
    }
}

static bool offers_to_write(const struct gen_blueprints *b, const struct gen_drawing *d)
{
    static const char *const words[] = {"write", "create", "delete", "update", "add",  "remove",
                                        "set",   "insert", "put",    "post",   "save", "export",
                                        "edit",  "move",   "upload", "send",   "patch"};
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        bits |= gen_name_bits(gen_str_from(words[i]));
    for (size_t i = 0; i < d->n_offered; i++) {
        if (!b->set->tools[d->offered[i]].is_read_only && (b->tools[d->offered[i]].names & bits))
            return true;
    }
    return false;
}

void gen_offer(struct gen_blueprints *b, struct gen_drawing *d)
{
    size_t max =
        b->options.offered_max < GEN_OFFERED_MAX ? b->options.offered_max : GEN_OFFERED_MAX;
    size_t wanted = 2 + (size_t)gen_prng_below(&d->random, max > 1 ? max - 1 : 1);
    size_t of = d->n_steps                    ? b->calls[d->steps[d->n_steps - 1].call].tool
                : d->missing_tool != GEN_NONE ? d->missing_tool
                                              : d->near_tool;
    for (size_t i = 0; i < d->n_steps; i++)
        offer(d, b->calls[d->steps[i].call].tool);
    if (d->near_tool != GEN_NONE)
        offer(d, d->near_tool);
    if (wanted <= d->n_offered)
        wanted = d->n_offered + 1;
    for (size_t i = 0; d->category == GEN_TOOL_MULTIPLE && i < NEAREST_MAX; i++) {
        size_t tool = nearest(b, d, of);
        if (tool != GEN_NONE && d->n_offered < max)
            offer(d, tool);
    }
    offer_others(b, d, of, wanted);
    if (d->missing_tool != GEN_NONE && d->n_offered) {
        d->near_tool = d->offered[0];
        for (size_t i = 1; i < d->n_offered; i++) {
            if (gen_tools_likeness(b, of, d->offered[i]) > gen_tools_likeness(b, of, d->near_tool))
                d->near_tool = d->offered[i];
        }
    }
    if (d->gap && strcmp(d->gap, "write_but_read_only") == 0 && offers_to_write(b, d))
        d->gap = "other_domain";
    for (size_t i = d->n_offered; i > 1; i--) {
        size_t k = (size_t)gen_prng_below(&d->random, i);
        size_t tool = d->offered[i - 1];
        d->offered[i - 1] = d->offered[k];
        d->offered[k] = tool;
    }
}
