/* Blueprints in, examples out: which question is due for a record, and what goes on. */
#include "base/hash.h"
#include "base/utf8.h"
#include "tool/step/generate_int.h"

#include <stdlib.h>

static const enum gen_tool_ask request_of[GEN_TOOL_N_CATEGORIES + 1] = {
    [GEN_TOOL_SINGLE] = GEN_ASK_SINGLE,           [GEN_TOOL_MULTIPLE] = GEN_ASK_SINGLE,
    [GEN_TOOL_PARALLEL] = GEN_ASK_PARALLEL,       [GEN_TOOL_CHAIN] = GEN_ASK_CHAIN,
    [GEN_TOOL_IRRELEVANCE] = GEN_ASK_IRRELEVANCE, [GEN_TOOL_MISSING_PARAM] = GEN_ASK_MISSING,
    [GEN_TOOL_ERROR_RECOVERY] = GEN_ASK_SINGLE,   [GEN_TOOL_CATEGORY_UNKNOWN] = GEN_ASK_SINGLE,
};

/* The question about an item follows from its record alone. */
static enum gen_tool_ask what_of(struct gen_tool_generate *g, const struct gen_item *item)
{
    struct gen_json_doc *doc = NULL;
    uint64_t hash = gen_hash64(item->record, 0);
    if (hash == g->asked_hash && item->record.n == g->asked_bytes)
        return g->asked;
    if (gen_json_parse(&doc, item->record, NULL) != GEN_OK)
        return GEN_ASK_SINGLE;
    const struct gen_json *record = gen_json_root(doc);
    enum gen_tool_category c =
        gen_tool_category_from(gen_json_get_str(gen_json_get(record, "metadata"), "category"));
    enum gen_tool_ask what = request_of[c];
    if (gen_json_get(record, "instruction"))
        what =
            c == GEN_TOOL_CHAIN || c == GEN_TOOL_PARALLEL ? GEN_ASK_PLAN_SEVERAL : GEN_ASK_PLAN_ONE;
    gen_json_doc_free(doc);
    g->asked_hash = hash;
    g->asked_bytes = item->record.n;
    g->asked = what;
    return what;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    struct gen_tool_generate *g = ud;
    return &g->prompts[what_of(g, item)].stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    struct gen_tool_generate *g = ud;
    return g->prompts[what_of(g, item)].schema;
}

static uint64_t seed_of(const struct gen_tool_generate *g, const struct gen_draft *d)
{
    int64_t seed = 0;
    (void)gen_json_as_int(gen_json_get(d->blueprint, "seed"), &seed);
    return gen_hash_mix((uint64_t)seed + (g->common.has_seed ? (uint64_t)g->common.seed : 0));
}

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_tool_generate *g = ud;
    enum gen_tool_ask what = what_of(g, items[0]);
    struct gen_draft d;
    (void)n;
    int rc = gen_draft_read(&d, g, items[0]->record, err);
    if (rc)
        return rc;
    bool is_plan = what == GEN_ASK_PLAN_ONE || what == GEN_ASK_PLAN_SEVERAL;
    q->inputs = (struct gen_task_inputs){
        .task = is_plan ? GEN_TASK_TOOL_PLAN : GEN_TASK_TOOL_REQUEST,
        .language = gen_str_from(g->o.language),
        .record = items[0]->record,
        .seed = seed_of(g, &d),
    };
    q->tokens_out_max = gen_step_tokens(&g->common, d.n_calls ? d.n_calls : 1, is_plan ? 250 : 160);
    rc = is_plan ? gen_plan_render(g, &d, what, q, err) : gen_request_render(g, &d, what, q, err);
    gen_draft_release(&d);
    return rc;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    struct gen_tool_generate *g = ud;
    enum gen_tool_ask what = what_of(g, items[0]);
    struct gen_draft d;
    (void)n;
    int rc = gen_draft_read(&d, g, items[0]->record, err);
    if (rc)
        return rc;
    if (what == GEN_ASK_PLAN_ONE || what == GEN_ASK_PLAN_SEVERAL)
        rc = gen_plan_accept(g, &d, answer, o, err);
    else
        rc = gen_request_accept(g, &d, what, answer, o, err);
    gen_draft_release(&d);
    return rc;
}

/* ---- duplicates over the run ---- */

static int grow_seen(struct gen_tool_generate *g, struct gen_error *err)
{
    size_t capacity = g->seen_capacity ? g->seen_capacity * 2 : 1024;
    uint64_t *slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return gen_nomem(err, "the requests written so far");
    for (size_t i = 0; i < g->seen_capacity; i++) {
        size_t at = (size_t)g->seen[i] & (capacity - 1);
        if (!g->seen[i])
            continue;
        while (slots[at])
            at = (at + 1) & (capacity - 1);
        slots[at] = g->seen[i];
    }
    free(g->seen);
    g->seen = slots;
    g->seen_capacity = capacity;
    return GEN_OK;
}

static int remember(struct gen_tool_generate *g, uint64_t hash, bool *is_new, struct gen_error *err)
{
    int rc = 2 * g->n_seen >= g->seen_capacity ? grow_seen(g, err) : GEN_OK;
    if (rc)
        return rc;
    hash += hash == 0;
    size_t at = (size_t)hash & (g->seen_capacity - 1);
    while (g->seen[at] && g->seen[at] != hash)
        at = (at + 1) & (g->seen_capacity - 1);
    *is_new = g->seen[at] == 0;
    g->n_seen += *is_new;
    g->seen[at] = hash;
    return GEN_OK;
}

/* Requests that differ in case and white space alone are the same; with another reply to a question
 * back they are not. */
static int hash_request(struct gen_str record, uint64_t *hash, enum gen_tool_category *category,
                        struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_parse(&doc, record, err);
    if (rc)
        return rc;
    const struct gen_json *root = gen_json_root(doc);
    const struct gen_json *solution = gen_json_get(root, "solution");
    rc = gen_utf8_normalize(&text, gen_json_get_str(root, "instruction"), true, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&text, "\n", err);
    if (rc == GEN_OK)
        rc = gen_utf8_normalize(
            &text, gen_json_get_str(gen_json_get(solution, "clarification"), "reply"), true, err);
    *hash = gen_hash64(gen_buf_str(&text), 1);
    *category =
        gen_tool_category_from(gen_json_get_str(gen_json_get(root, "metadata"), "category"));
    gen_buf_release(&text);
    gen_json_doc_free(doc);
    return rc;
}

static int release(void *ud, struct gen_release *r, bool *stop_input, struct gen_error *err)
{
    struct gen_tool_generate *g = ud;
    (void)stop_input;
    for (size_t i = 0; i < gen_release_count(r); i++) {
        uint64_t hash = 0;
        enum gen_tool_category category;
        bool is_new = false;
        int rc = hash_request(gen_release_item(r, i)->record, &hash, &category, err);
        if (rc == GEN_OK)
            rc = remember(g, hash, &is_new, err);
        if (rc)
            return rc;
        if (!is_new)
            gen_release_drop(r, i, "duplicate_request");
        else if (g->o.blueprints && category != GEN_TOOL_CATEGORY_UNKNOWN)
            gen_blueprints_done(g->o.blueprints, category);
    }
    return GEN_OK;
}

/* ---- making it ---- */

#define NAMES_MAX 10
static const struct {
    const char *prompt, *schema_name;
    const char *schema; /* NULL: the plan's */
    double temperature;
    const char *names[NAMES_MAX]; /* the first must occur */
} asks[GEN_N_ASKS] = {
    [GEN_ASK_SINGLE] = {"tool_instruction_generation",
                        "tool_request",
                        gen_schema_tool_request,
                        0.9,
                        {"parameters", "tool_name", "tool_description", "examples",
                         "n_instructions", "other_tools", "style", "context", "language"}},
    [GEN_ASK_CHAIN] = {"multi_tool_instruction_generation",
                       "tool_chain_request",
                       gen_schema_tool_requests,
                       0.9,
                       {"tools_documentation", "n_instructions", "style", "context", "language"}},
    [GEN_ASK_PARALLEL] = {"tool_parallel",
                          "tool_parallel_request",
                          gen_schema_tool_requests,
                          0.9,
                          {"tools_documentation", "n_instructions", "style", "context",
                           "language"}},
    [GEN_ASK_IRRELEVANCE] = {"tool_irrelevance",
                             "tool_irrelevance",
                             gen_schema_tool_irrelevance,
                             0.9,
                             {"tools", "gap", "near_tool", "style", "language"}},
    [GEN_ASK_MISSING] = {"tool_missing_parameter",
                         "tool_missing_parameter",
                         gen_schema_tool_missing,
                         0.9,
                         {"parameters", "withheld", "tool_name", "tool_description", "style",
                          "context", "language"}},
    [GEN_ASK_PLAN_ONE] =
        {"tool_solution_single", "tool_plan", NULL, 0.2, {"instruction", "api_documentation"}},
    [GEN_ASK_PLAN_SEVERAL] = {"tool_solution_multi",
                              "tool_plan",
                              NULL,
                              0.2,
                              {"instruction", "api_documentation", "tools_json", "returns",
                               "max_steps"}},
};

static int init_prompts(struct gen_tool_generate *g, struct gen_error *err)
{
    struct gen_buf plan = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n_bytes = 0;
    int rc = gen_schema_tool_plan(g->o.tools, &plan, err);
    g->plan_schema = gen_buf_take(&plan, &n_bytes);
    for (size_t i = 0; rc == GEN_OK && i < GEN_N_ASKS; i++) {
        size_t n = 0;
        while (n < NAMES_MAX && asks[i].names[n])
            n++;
        rc = gen_step_prompt_init(&g->prompts[i], &g->common, asks[i].prompt, asks[i].schema_name,
                                  asks[i].schema ? asks[i].schema : g->plan_schema, false,
                                  asks[i].temperature, asks[i].names, n, err);
    }
    return rc;
}

int gen_tool_generate_new(struct gen_tool_generate **out, const struct gen_step_common *common,
                          const struct gen_tool_generate_options *options, struct gen_step *step,
                          struct gen_error *err)
{
    struct gen_tool_generate *g = calloc(1, sizeof(*g));
    if (!g)
        return gen_nomem(err, "the generate step");
    g->common = *common;
    g->o = *options;
    int rc = init_prompts(g, err);
    if (rc) {
        gen_tool_generate_free(g);
        return rc;
    }
    *step = (struct gen_step){
        .name = "generate",
        .unit_in = "blueprints",
        .unit_out = "examples",
        .group_max = 1,
        .ud = g,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
        .release = release,
    };
    if (options->chain_first && options->executor) {
        step->action = gen_chain_action;
        step->act = gen_chain_act;
        step->observe = gen_chain_observe;
        step->abandon = gen_chain_abandon;
    }
    *out = g;
    return GEN_OK;
}

void gen_tool_generate_free(struct gen_tool_generate *g)
{
    if (!g)
        return;
    gen_chain_free_jobs(g);
    for (size_t i = 0; i < GEN_N_ASKS; i++)
        gen_step_prompt_release(&g->prompts[i]);
    free(g->plan_schema);
    free(g->seen);
    free(g);
}
