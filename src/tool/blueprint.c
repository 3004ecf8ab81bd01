#include "tool/blueprint_int.h"

#include "base/hash.h"

#include <stdlib.h>

#define ARENA_BYTES_MAX ((size_t)1 << 30)
#define BARREN_MAX      2U /* rounds in a row that gave nothing, after which others take over */

static const char *const why_none[GEN_TOOL_N_CATEGORIES] = {
    "no call of any tool can be made",
    "it takes two tools at least",
    "no two calls can be made that do not need each other",
    "no tool takes what another one gives",
    "there is no tool to be offered",
    "no tool has a required parameter that could be left out",
    "it takes a server that carries out the calls, and a call that fails there",
};
static const char came_out_none[] = "none of its examples came out";

/* ---- quotas ---- */

/* Shares out `total` over the categories that can be drawn; adds it to what is wanted. */
static void share_out(struct gen_blueprints *b, int64_t total)
{
    double share[GEN_TOOL_N_CATEGORIES];
    int64_t n[GEN_TOOL_N_CATEGORIES] = {0};
    for (size_t i = 0; i < b->n_quotas; i++)
        share[i] = b->quotas[i].why_none ? 0 : b->options.mix.share[b->quotas[i].category];
    gen_mix_share_out(share, b->n_quotas, total, n);
    for (size_t i = 0; i < b->n_quotas; i++)
        b->quotas[i].n_wanted += n[i];
}

static bool can_be_drawn_at_all(const struct gen_blueprints *b, enum gen_tool_category c)
{
    const struct gen_toolset *s = b->set;
    bool found = false;
    if (c == GEN_TOOL_MULTIPLE)
        return s->n_tools > 1;
    if (c == GEN_TOOL_ERROR_RECOVERY && !b->options.can_execute)
        return false;
    if (c == GEN_TOOL_CHAIN && b->options.can_execute)
        return true;
    if (c != GEN_TOOL_CHAIN && c != GEN_TOOL_MISSING_PARAM && c != GEN_TOOL_ERROR_RECOVERY)
        return true;
    for (size_t i = 0; i < s->n_tools && !found; i++) {
        const struct gen_tool *t = &s->tools[i];
        found = c == GEN_TOOL_CHAIN ? t->output_schema != NULL
                                    : c == GEN_TOOL_ERROR_RECOVERY && t->n_params > 0;
        for (size_t k = 0; k < t->n_params && c == GEN_TOOL_MISSING_PARAM && !found; k++)
            found = t->params[k].is_required && !t->params[k].choices;
    }
    return found;
}

static int nothing_to_draw(const struct gen_blueprints *b, struct gen_error *err)
{
    return gen_fail(err, GEN_EUSAGE, "these tools give no example of the categories wanted: %s: %s",
                    gen_tool_category_name(b->quotas[0].category), b->quotas[0].why_none);
}

static int make_quotas(struct gen_blueprints *b, struct gen_error *err)
{
    bool any = false;
    for (size_t i = 0; i < GEN_TOOL_N_CATEGORIES; i++) {
        enum gen_tool_category c = (enum gen_tool_category)i;
        if (!(b->options.mix.share[i] > 0))
            continue;
        bool can = can_be_drawn_at_all(b, c);
        any = any || can;
        b->quotas[b->n_quotas++] =
            (struct gen_blueprint_quota){.category = c, .why_none = can ? NULL : why_none[i]};
    }
    if (!any)
        return nothing_to_draw(b, err);
    share_out(b, b->options.target);
    return GEN_OK;
}

static void begin_round(struct gen_blueprints *b)
{
    for (size_t i = 0; i < b->n_quotas; i++) {
        int64_t missing = b->quotas[i].n_wanted - b->quotas[i].n_done;
        b->n_left[i] = missing > 0 && !b->quotas[i].why_none ? missing : 0;
        b->round_done[i] = 0;
    }
}

/* ---- life ---- */

int gen_blueprints_new(struct gen_blueprints **out, const struct gen_blueprint_options *options,
                       struct gen_error *err)
{
    double sum = 0;
    if (options->target < 1)
        return gen_fail(err, GEN_EUSAGE, "the number of examples wanted is %lld; it takes one",
                        (long long)options->target);
    struct gen_blueprints *b = calloc(1, sizeof(*b));
    if (!b)
        return gen_nomem(err, "the blueprints");
    b->options = *options;
    b->set = options->tools;
    b->arena = gen_arena_make(ARENA_BYTES_MAX);
    if (b->options.steps_max < 2)
        b->options.steps_max = 2;
    if (b->options.steps_max > GEN_STEPS_MAX)
        b->options.steps_max = GEN_STEPS_MAX;
    if (b->options.offered_max < 2)
        b->options.offered_max = 2;
    for (size_t i = 0; i < GEN_TOOL_N_CATEGORIES; i++)
        sum += options->mix.share[i];
    if (!(sum > 0))
        gen_mix_default(&b->options.mix, options->steps, options->can_execute);
    int rc = gen_jb_new(&b->jb, err);
    b->tools = calloc(b->set->n_tools ? b->set->n_tools : 1, sizeof(*b->tools));
    if (rc == GEN_OK && !b->tools)
        rc = gen_nomem(err, "the blueprints");
    for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools; i++)
        b->tools[i].first = b->tools[i].last = GEN_NONE;
    if (rc == GEN_OK)
        rc = gen_values_pool(b, err);
    if (rc == GEN_OK)
        rc = make_quotas(b, err);
    if (rc) {
        gen_blueprints_free(b);
        return rc;
    }
    gen_tools_sign(b);
    begin_round(b);
    *out = b;
    return GEN_OK;
}

void gen_blueprints_free(struct gen_blueprints *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n_calls; i++) {
        gen_json_doc_free(b->calls[i].args_doc);
        gen_json_doc_free(b->calls[i].result_doc);
    }
    free(b->calls);
    free(b->tools);
    free(b->pool);
    free(b->leaves);
    free(b->planned);
    free(b->sessions);
    gen_jb_free(b->jb);
    gen_arena_release(&b->arena);
    free(b);
}

/* ---- drawing ---- */

/* The tool that was drawn least; the seed decides among equals. */
static size_t choose_tool(const struct gen_blueprints *b, enum gen_tool_category c, bool flows)
{
    size_t best = GEN_NONE;
    uint64_t best_rank = 0;
    if (c == GEN_TOOL_IRRELEVANCE)
        return (size_t)((b->n_categories_drawn[c] + (b->options.seed % 8191) * 7) %
                        b->set->n_tools);
    for (size_t i = 0; i < b->set->n_tools; i++) {
        if (b->tools[i].can[c] == GEN_TRY_FAILED || (flows && b->tools[i].has_no_flow))
            continue;
        if (best != GEN_NONE && b->tools[i].n_drawn > b->tools[best].n_drawn)
            continue;
        uint64_t rank = gen_hash_mix(b->options.seed * 31 + i);
        if (best == GEN_NONE || b->tools[i].n_drawn < b->tools[best].n_drawn || rank < best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

/* `*done` false: there is no tool of which the category can be drawn. Chains that pass nothing on
 * are drawn only where none does. */
static int draw_any(struct gen_blueprints *b, enum gen_tool_category c, struct gen_drawing *d,
                    bool *done, struct gen_error *err)
{
    struct gen_prng random = d->random;
    bool flows = c == GEN_TOOL_CHAIN;
    int rc = GEN_OK;
    *done = false;
    while (rc == GEN_OK && !*done) {
        size_t tool = choose_tool(b, c, flows);
        if (tool == GEN_NONE && !flows)
            break;
        if (tool == GEN_NONE) {
            flows = false;
            continue;
        }
        d->random = random;
        d->needs_flow = flows;
        rc = gen_draw(b, c, tool, d, done, err);
        if (flows)
            b->tools[tool].has_no_flow = !*done;
        else
            b->tools[tool].can[c] = *done ? GEN_TRY_WELL : GEN_TRY_FAILED;
    }
    return rc;
}

/* Looks once at what the tools and the explored world give. */
static int settle(struct gen_blueprints *b, struct gen_error *err)
{
    bool any = false;
    if (b->is_settled)
        return GEN_OK;
    b->is_settled = true;
    int rc = gen_graph_build(b, err);
    for (size_t i = 0; rc == GEN_OK && i < b->n_quotas; i++) {
        struct gen_drawing d = {.random = gen_prng_make(b->options.seed)};
        bool done = false;
        if (!b->quotas[i].why_none)
            rc = draw_any(b, b->quotas[i].category, &d, &done, err);
        if (!done)
            b->quotas[i].why_none = why_none[b->quotas[i].category];
        any = any || done;
        b->quotas[i].n_wanted = 0;
    }
    if (rc == GEN_OK && !any)
        rc = nothing_to_draw(b, err);
    if (rc == GEN_OK) {
        share_out(b, b->options.target);
        begin_round(b);
    }
    return rc;
}

/* The category that is furthest behind its share. */
static size_t choose_category(const struct gen_blueprints *b)
{
    size_t best = GEN_NONE;
    double most = 0;
    for (size_t i = 0; i < b->n_quotas; i++) {
        double behind = (double)b->n_left[i] / (double)(b->quotas[i].n_wanted + 1);
        if (b->n_left[i] > 0 && behind > most) {
            most = behind;
            best = i;
        }
    }
    return best;
}

static void count(struct gen_blueprints *b, const struct gen_drawing *d)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        gen_call_count(b, d->steps[i].call);
        size_t tool = b->calls[d->steps[i].call].tool;
        /* What only makes the state of a chain has its own turn all the same. */
        if (d->category != GEN_TOOL_CHAIN || !b->tools[tool].changes_state)
            b->tools[tool].n_drawn++;
    }
    if (d->mutation != GEN_NONE) {
        b->calls[d->mutation].n_drawn++;
        b->n_mutations_drawn[b->calls[d->mutation].mutation]++;
    }
    if (d->missing_call != GEN_NONE)
        gen_call_count(b, d->missing_call);
    b->n_categories_drawn[d->category]++;
}

int gen_blueprints_next(struct gen_blueprints *b, struct gen_buf *record, bool *more,
                        struct gen_error *err)
{
    int rc = settle(b, err);
    *more = false;
    while (rc == GEN_OK && !*more) {
        size_t at = choose_category(b);
        if (at == GEN_NONE)
            return GEN_OK;
        struct gen_drawing d = {
            .random = gen_prng_make(gen_hash_mix(b->options.seed ^ ((uint64_t)b->n_rows << 24)))};
        rc = draw_any(b, b->quotas[at].category, &d, more, err);
        if (rc == GEN_OK && !*more)
            b->n_left[at] = 0;
        if (rc || !*more)
            continue;
        b->n_left[at]--;
        gen_offer(b, &d);
        count(b, &d);
        rc = gen_drawing_write(b, &d, ++b->n_rows, record, err);
    }
    return rc;
}

/* ---- rounds ---- */

static struct gen_blueprint_quota *quota_of(struct gen_blueprints *b, enum gen_tool_category c,
                                            size_t *at)
{
    for (*at = 0; *at < b->n_quotas; ++*at) {
        if (b->quotas[*at].category == c)
            return &b->quotas[*at];
    }
    return NULL;
}

void gen_blueprints_done(struct gen_blueprints *b, enum gen_tool_category category)
{
    size_t at;
    struct gen_blueprint_quota *q = quota_of(b, category, &at);
    if (q) {
        q->n_done++;
        b->round_done[at]++;
    }
}

int64_t gen_blueprints_missing(const struct gen_blueprints *b)
{
    int64_t done = 0;
    for (size_t i = 0; i < b->n_quotas; i++)
        done += b->quotas[i].n_done;
    return done < b->options.target ? b->options.target - done : 0;
}

bool gen_blueprints_next_round(struct gen_blueprints *b)
{
    int64_t all_done = 0, moved = 0;
    bool any = false;
    if (gen_blueprints_missing(b) == 0 || ++b->round >= GEN_BLUEPRINT_ROUNDS_MAX)
        return false;
    for (size_t i = 0; i < b->n_quotas; i++) {
        struct gen_blueprint_quota *q = &b->quotas[i];
        bool is_behind = q->n_done < q->n_wanted && !q->why_none;
        all_done += b->round_done[i];
        b->n_barren[i] = is_behind && b->round_done[i] == 0 ? b->n_barren[i] + 1 : 0;
        if (b->n_barren[i] >= BARREN_MAX) {
            moved += q->n_wanted - q->n_done;
            q->n_wanted = q->n_done;
            q->why_none = came_out_none;
        }
        any = any || !q->why_none;
    }
    if (!any || (all_done == 0 && moved == 0 && b->round > BARREN_MAX))
        return false;
    share_out(b, moved);
    begin_round(b);
    return choose_category(b) != GEN_NONE;
}

const struct gen_blueprint_quota *gen_blueprints_quotas(const struct gen_blueprints *b, size_t *n)
{
    *n = b->n_quotas;
    return b->quotas;
}

int gen_blueprints_undrawn(struct gen_blueprints *b, struct gen_buf *out, struct gen_error *err)
{
    int rc = settle(b, err);
    for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools; i++) {
        size_t failed = GEN_NONE;
        bool any = false;
        rc = gen_world_candidates(b, i, err);
        for (size_t c = b->tools[i].first; rc == GEN_OK && c != GEN_NONE && !any;
             c = b->calls[c].next) {
            any = gen_call_is_right(b, c);
            if (failed == GEN_NONE && b->calls[c].observation.n && !b->calls[c].mutation)
                failed = c;
        }
        if (rc || any)
            continue;
        struct gen_str said = failed == GEN_NONE ? GEN_STR("") : b->calls[failed].observation;
        rc =
            gen_buf_printf(out, err, "%.*s: %s%s%.*s\n", GEN_STR_ARG(b->set->tools[i].name),
                           b->tools[i].is_explored ? "none of its calls went well"
                                                   : "no arguments were found that pass its schema",
                           said.n ? ": " : "", GEN_STR_ARG(gen_str_sub(said, 0, 200)));
    }
    return rc;
}
