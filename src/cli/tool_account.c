#include "cli/tool_account.h"

#include "dataset/trajectory.h"

#define TEXT_BYTES_MAX  4096U
#define ARENA_BYTES_MAX ((size_t)64 << 20)

int gen_tool_account_open(struct gen_tool_account *a, const struct gen_tool_world *w,
                          const struct gen_tool_steps *steps, struct gen_error *err)
{
    memset(a, 0, sizeof(*a));
    a->world = w;
    a->steps = steps;
    a->arena = gen_arena_make(ARENA_BYTES_MAX);
    for (size_t i = 0; i < GEN_TOOL_DETAILS_MAX; i++)
        a->texts[i] = gen_buf_make(TEXT_BYTES_MAX);
    return w->tools ? gen_tool_coverage_new(&a->coverage, w->tools, err) : GEN_OK;
}

void gen_tool_account_close(struct gen_tool_account *a)
{
    gen_tool_coverage_free(a->coverage);
    a->coverage = NULL;
    gen_arena_release(&a->arena);
    for (size_t i = 0; i < GEN_TOOL_DETAILS_MAX; i++)
        gen_buf_release(&a->texts[i]);
}

int gen_tool_account_add(struct gen_tool_account *a, struct gen_str record, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_trajectory t = {.category = GEN_TOOL_CATEGORY_UNKNOWN};
    bool usable = false;
    char why[320];
    gen_arena_reset(&a->arena);
    int rc = gen_json_parse(&doc, record, err);
    if (rc == GEN_OK)
        rc = gen_trajectory_read(&t, gen_json_root(doc), &a->arena, &usable, why, sizeof(why), err);
    if (rc == GEN_OK && usable) {
        a->n_not_executed += t.n_steps > 0 && !t.is_executed;
        if (a->coverage)
            rc = gen_tool_coverage_add(a->coverage, &t, err);
    }
    gen_json_doc_free(doc);
    return rc;
}

/* ---- for people ---- */

/* The text of a new line. */
static struct gen_buf *begin_line(struct gen_tool_account *a, const char *label)
{
    size_t i = a->n_details < GEN_TOOL_DETAILS_MAX ? a->n_details++ : GEN_TOOL_DETAILS_MAX - 1;
    a->details[i].label = label;
    return &a->texts[i];
}

static int tell_mix(struct gen_tool_account *a, struct gen_error *err)
{
    size_t n = 0;
    size_t n_told = 0;
    const struct gen_blueprint_quota *q = gen_blueprints_quotas(a->blueprints, &n);
    struct gen_buf *text = begin_line(a, "mix");
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        if (q[i].n_wanted == 0 && q[i].n_done == 0)
            continue;
        rc = gen_buf_printf(text, err, "%s%s %lld of %lld", n_told++ ? ", " : "",
                            gen_tool_category_name(q[i].category), (long long)q[i].n_done,
                            (long long)q[i].n_wanted);
    }
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        if (q[i].why_none)
            rc = gen_buf_printf(text, err, "%sno %s: %s", n_told++ ? "; " : "",
                                gen_tool_category_name(q[i].category), q[i].why_none);
    }
    return rc;
}

static int tell_ladder(struct gen_tool_account *a, struct gen_error *err)
{
    const struct gen_ladder_counts *c = gen_tool_rate_ladder(a->steps->rate);
    struct gen_buf *text = begin_line(a, "ladder");
    int rc = gen_buf_printf(text, err, "%llu", (unsigned long long)c->n_in);
    for (size_t i = 0; rc == GEN_OK && i < GEN_N_RUNGS; i++) {
        rc = gen_buf_printf(text, err, " > %s %llu", gen_rung_name((enum gen_rung)i),
                            (unsigned long long)c->n_passed[i]);
        if (rc == GEN_OK && c->n_skipped[i])
            rc = gen_buf_printf(text, err, " (%llu not looked at)",
                                (unsigned long long)c->n_skipped[i]);
    }
    return rc;
}

static int tell_balance(struct gen_tool_account *a, struct gen_error *err)
{
    const struct gen_balance *c = &a->balance->chosen;
    struct gen_buf *text = begin_line(a, "balance");
    int rc = gen_buf_printf(text, err, "%zu of %zu stay", c->n_kept, c->n_in);
    for (size_t i = 0; rc == GEN_OK && i < c->n_classes; i++)
        rc = gen_buf_printf(text, err, "%s%s %zu of %zu", i ? ", " : ": ", c->classes[i].name,
                            c->classes[i].n_kept, c->classes[i].n_in);
    return rc;
}

static int tell_coverage(struct gen_tool_account *a, struct gen_error *err)
{
    int64_t wanted = gen_settings_int(a->world->session->settings, GEN_OPT_CALLS_PER_TOOL);
    const struct gen_tool_coverage_sums c =
        gen_tool_coverage_sums(a->coverage, (uint64_t)(wanted > 0 ? wanted : 1));
    struct gen_buf *text = begin_line(a, "coverage");
    int rc = gen_buf_printf(text, err, "tools %zu of %zu, optional parameters %zu of %zu",
                            c.n_tools_used, c.n_tools, c.n_params_used, c.n_params);
    if (rc == GEN_OK && c.n_enum_values)
        rc = gen_buf_printf(text, err, ", choices %zu of %zu", c.n_enum_values_used,
                            c.n_enum_values);
    if (rc == GEN_OK)
        rc = gen_buf_printf(text, err, ", evenness %.2f", c.entropy);
    if (rc == GEN_OK && wanted > 1)
        rc = gen_buf_printf(text, err, "; %zu tools have fewer than %lld calls", c.n_tools_below,
                            (long long)wanted);
    return rc;
}

static int tell_execution(struct gen_tool_account *a, struct gen_error *err)
{
    return gen_tool_world_tell(a->world, begin_line(a, "execution"), err);
}

static int tell_unexecuted(struct gen_tool_account *a, struct gen_error *err)
{
    return gen_buf_printf(begin_line(a, "execution"), err,
                          "%llu rows were not executed: neither their calls nor their answers are "
                          "vouched for",
                          (unsigned long long)a->n_not_executed);
}

/* ---- for programs ---- */

static struct gen_jmut *mix_json(const struct gen_tool_account *a, struct gen_jb *b)
{
    size_t n = 0;
    const struct gen_blueprint_quota *q = gen_blueprints_quotas(a->blueprints, &n);
    struct gen_jmut *mix = gen_jb_object(b);
    for (size_t i = 0; i < n; i++) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_int(b, row, "wanted", q[i].n_wanted);
        gen_jb_put_int(b, row, "made", q[i].n_done);
        if (q[i].why_none)
            gen_jb_put_cstr(b, row, "why_none", q[i].why_none);
        gen_jb_put(b, mix, gen_tool_category_name(q[i].category), row);
    }
    return mix;
}

static struct gen_jmut *ladder_json(const struct gen_tool_account *a, struct gen_jb *b)
{
    const struct gen_ladder_counts *c = gen_tool_rate_ladder(a->steps->rate);
    struct gen_jmut *ladder = gen_jb_object(b);
    gen_jb_put_int(b, ladder, "in", (int64_t)c->n_in);
    for (size_t i = 0; i < GEN_N_RUNGS; i++) {
        struct gen_jmut *rung = gen_jb_object(b);
        gen_jb_put_int(b, rung, "passed", (int64_t)c->n_passed[i]);
        gen_jb_put_int(b, rung, "skipped", (int64_t)c->n_skipped[i]);
        gen_jb_put(b, ladder, gen_rung_name((enum gen_rung)i), rung);
    }
    return ladder;
}

static struct gen_jmut *balance_json(const struct gen_tool_account *a, struct gen_jb *b)
{
    const struct gen_balance *c = &a->balance->chosen;
    struct gen_jmut *o = gen_jb_object(b);
    for (size_t i = 0; i < c->n_classes; i++) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_int(b, row, "passed", (int64_t)c->classes[i].n_in);
        gen_jb_put_int(b, row, "kept", (int64_t)c->classes[i].n_kept);
        gen_jb_put(b, o, c->classes[i].name, row);
    }
    return o;
}

static struct gen_jmut *execution_json(const struct gen_tool_account *a, struct gen_jb *b)
{
    const struct gen_tool_world *w = a->world;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_cstr(b, o, "mode", gen_tool_mode_name(w->mode));
    if (w->mode == GEN_TOOL_MODE_NONE)
        gen_jb_put_cstr(b, o, "why", w->why_none);
    if (w->executor) {
        const struct gen_executor_counts n = gen_executor_counts(w->executor);
        gen_jb_put_str(b, o, "server", gen_executor_server(w->executor));
        gen_jb_put_int(b, o, "calls", (int64_t)n.n_calls);
        gen_jb_put_int(b, o, "calls_to_learn_from", (int64_t)w->n_explored);
        gen_jb_put_int(b, o, "failed_calls", (int64_t)n.n_errors);
        gen_jb_put_int(b, o, "not_carried_out", (int64_t)n.n_failures);
        gen_jb_put_int(b, o, "cut_results", (int64_t)n.n_capped);
        gen_jb_put_int(b, o, "against_output_schema", (int64_t)n.n_breaks_schema);
        gen_jb_put_int(b, o, "server_starts", (int64_t)n.n_starts);
        gen_jb_put_int(b, o, "repeated_calls", (int64_t)n.n_replayed);
    }
    return o;
}

void gen_tool_account_put_metrics(void *account, struct gen_jb *b, struct gen_jmut *metrics)
{
    const struct gen_tool_account *a = account;
    if (a->steps->rate)
        gen_jb_put(b, metrics, "ladder", ladder_json(a, b));
    if (a->balance && a->balance->chosen.n_in)
        gen_jb_put(b, metrics, "balance", balance_json(a, b));
    if (a->coverage)
        gen_jb_put(b, metrics, "coverage", gen_tool_coverage_json(a->coverage, b));
}

static void put_summary(void *ud, struct gen_jb *b, struct gen_jmut *summary)
{
    const struct gen_tool_account *a = ud;
    if (a->blueprints)
        gen_jb_put(b, summary, "mix", mix_json(a, b));
    if (a->executes || a->world->executor)
        gen_jb_put(b, summary, "execution", execution_json(a, b));
    gen_tool_account_put_metrics(ud, b, summary);
}

int gen_tool_account_show(struct gen_tool_account *a, struct gen_session *s, struct gen_error *err)
{
    int rc = a->blueprints ? tell_mix(a, err) : GEN_OK;
    if (rc == GEN_OK && a->steps->rate)
        rc = tell_ladder(a, err);
    if (rc == GEN_OK && a->balance && a->balance->chosen.n_in)
        rc = tell_balance(a, err);
    if (rc == GEN_OK && a->coverage)
        rc = tell_coverage(a, err);
    if (rc == GEN_OK && a->executes)
        rc = tell_execution(a, err);
    else if (rc == GEN_OK && a->n_not_executed)
        rc = tell_unexecuted(a, err);
    for (size_t i = 0; i < a->n_details; i++)
        a->details[i].text = a->texts[i].data ? a->texts[i].data : "";
    s->details = a->details;
    s->put_summary = put_summary;
    s->put_summary_ud = a;
    return rc;
}
