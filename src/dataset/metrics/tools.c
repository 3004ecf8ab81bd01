/* Metrics: what is particular to tool records. */
#include "dataset/example.h"
#include "dataset/metrics/metrics_int.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

struct gen_tool_figures {
    struct gen_example example;
    struct gen_arena arena;
    struct gen_histogram steps;
    struct gen_tally categories, called;
    struct gen_metrics_tools sums;
};

static int open_figures(struct gen_tool_figures **out, struct gen_error *err)
{
    struct gen_tool_figures *f = calloc(1, sizeof(*f));
    if (!f)
        return gen_nomem(err, "the figures of tool records");
    f->arena = gen_arena_make(ARENA_BYTES);
    f->categories = gen_tally_make();
    f->called = gen_tally_make();
    *out = f;
    return GEN_OK;
}

void gen_tool_figures_free(struct gen_tool_figures *f)
{
    if (!f)
        return;
    gen_example_release(&f->example);
    gen_arena_release(&f->arena);
    gen_tally_release(&f->categories);
    gen_tally_release(&f->called);
    free(f);
}

static void count(struct gen_metrics_share *s, bool hit)
{
    s->n++;
    s->hits += hit;
}

/* What executors write where they cut an observation: "[... 1204 bytes left out ...]". */
static bool is_truncated(struct gen_str text)
{
    return gen_str_find(text, GEN_STR(" bytes left out ...]"), 0) != SIZE_MAX;
}

static int count_calls(struct gen_tool_figures *f, const struct gen_trajectory *t,
                       struct gen_error *err)
{
    bool is_open = false;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < t->n_steps; i++) {
        const struct gen_tool_step *s = &t->steps[i];
        is_open = is_open || gen_args_have_placeholder(s->args);
        f->sums.n_calls++;
        if (s->status != GEN_CALL_PENDING) {
            count(&f->sums.failed, s->status == GEN_CALL_FAILURE);
            count(&f->sums.truncated, is_truncated(s->observation));
        }
        rc = gen_tally_add_name(&f->called, s->tool, err);
    }
    count(&f->sums.references, !is_open);
    count(&f->sums.executed, t->is_executed && !t->is_simulated);
    count(&f->sums.simulated, t->is_executed && t->is_simulated);
    gen_histogram_add(&f->steps, t->n_steps);
    return rc;
}

/* Whether each call is of a tool that is offered and fits it. */
static int count_valid(struct gen_tool_figures *f, const struct gen_json *record,
                       struct gen_error *err)
{
    static const char *const rules[] = {"unknown_tool", "schema_invalid", "schema_unusable",
                                        "no_tools", "malformed_row"};
    struct gen_refusal refusal;
    bool is_valid = true;
    int rc = gen_example_read(&f->example, record, &refusal, err);
    for (size_t i = 0; rc == GEN_OK && refusal.rule && i < sizeof(rules) / sizeof(rules[0]); i++)
        is_valid = is_valid && strcmp(refusal.rule, rules[i]) != 0;
    count(&f->sums.valid, is_valid);
    return rc;
}

int gen_tool_figures_add(struct gen_tool_figures **figures, const struct gen_json *record,
                         struct gen_error *err)
{
    struct gen_trajectory t;
    char why[160];
    bool usable = false;
    int rc = *figures ? GEN_OK : open_figures(figures, err);
    if (rc)
        return rc;
    struct gen_tool_figures *f = *figures;
    gen_arena_reset(&f->arena);
    f->sums.n_rows++;
    rc = gen_trajectory_read(&t, record, &f->arena, &usable, why, sizeof(why), err);
    if (rc || !usable) {
        if (rc == GEN_OK)
            count(&f->sums.valid, false);
        return rc;
    }
    rc = gen_tally_add_name(&f->categories, gen_str_from(gen_tool_category_name(t.category)), err);
    if (rc == GEN_OK && t.n_steps)
        rc = count_calls(f, &t, err);
    if (rc == GEN_OK && t.n_steps)
        rc = count_valid(f, record, err);
    return rc;
}

void gen_tool_figures_read(const struct gen_tool_figures *f, struct gen_metrics_tools *out)
{
    if (!f)
        return;
    *out = f->sums;
    struct gen_metrics_share *shares[] = {&out->valid,     &out->references, &out->executed,
                                          &out->simulated, &out->failed,     &out->truncated};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        shares[i]->share = shares[i]->n ? (double)shares[i]->hits / (double)shares[i]->n : 0.0;
    gen_histogram_read(&f->steps, &out->steps);
    gen_tally_read(&f->categories, &out->categories);
    gen_tally_read(&f->called, &out->called);
}
