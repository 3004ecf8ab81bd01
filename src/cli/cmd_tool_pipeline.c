/* generate -> execute -> curate -> export of tool use as one streaming run. */
#include "cli/exporter.h"
#include "cli/tool_account.h"

struct tool_pipeline {
    struct gen_session s;
    struct gen_tool_world world;
    struct gen_blueprint_source source;
    struct gen_tool_steps steps;
    struct gen_tool_account account;
    struct gen_rated_files rated;
    struct gen_tool_balance balance;
    struct gen_exporter exporter;
    bool curates, executes;
};

static int export_row(void *ud, struct gen_str record, struct gen_error *err)
{
    struct tool_pipeline *p = ud;
    int64_t n_rows = p->exporter.account.n_out;
    int rc =
        gen_exporter_add_text(&p->exporter, record, (uint64_t)p->exporter.account.n_in + 1, err);
    bool is_written = p->exporter.account.n_out > n_rows;
    return rc || !is_written ? rc : gen_tool_account_add(&p->account, record, err);
}

static int sink(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct tool_pipeline *p = ud;
    return gen_tool_balance_add(&p->balance, item->record, err);
}

static int headline_of(const struct tool_pipeline *p, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, "done: ", err);
    if (rc == GEN_OK)
        rc = gen_exporter_tell(&p->exporter, out, err);
    if (rc == GEN_OK && p->s.n_missing > 0)
        rc = gen_buf_printf(out, err,
                            "; of the %lld examples wanted %lld could not be made, also in further "
                            "rounds",
                            (long long)gen_settings_int(p->s.settings, GEN_OPT_TARGET_PAIRS),
                            (long long)p->s.n_missing);
    return rc;
}

static int finish_rated(struct tool_pipeline *p, struct gen_file_list *files, struct gen_error *err)
{
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(p->s.engine, &n);
    return gen_rated_files_finish(&p->rated, &p->s, gen_tool_rate_stats(p->steps.rate),
                                  accounts[n - 1].n_in, files, err);
}

static int finish(struct tool_pipeline *p, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    struct gen_buf headline = gen_buf_make(32768);
    const char *next[1] = {NULL};
    p->s.n_missing = gen_blueprints_missing(p->source.blueprints);
    int rc = gen_tool_balance_finish(&p->balance, err);
    if (rc == GEN_OK)
        rc = gen_exporter_commit_run(&p->exporter, &p->s, &files, err);
    if (rc == GEN_OK && p->curates)
        rc = finish_rated(p, &files, err);
    if (rc == GEN_OK)
        rc = gen_tool_world_finish(&p->world, err);
    if (rc == GEN_OK)
        rc = gen_tool_account_show(&p->account, &p->s, err);
    if (rc == GEN_OK)
        rc = headline_of(p, &headline, err);
    if (rc == GEN_OK)
        rc = gen_session_finish(&p->s, headline.data, &files, next, status, err);
    gen_buf_release(&headline);
    gen_file_list_release(&files);
    return rc;
}

static int add_steps(struct tool_pipeline *p, struct gen_error *err)
{
    bool is_agent = gen_settings_flag(p->s.settings, GEN_OPT_AGENT);
    p->curates = !gen_settings_flag(p->s.settings, GEN_OPT_SKIP_CURATION);
    p->executes = p->world.mode != GEN_TOOL_MODE_NONE;
    if (is_agent && !p->executes)
        return gen_fail(err, GEN_EUSAGE, "--agent needs results to look at: %s", p->world.why_none);
    int rc = gen_tool_steps_add_generate(&p->steps, &p->world, &p->source, is_agent, err);
    if (rc == GEN_OK && p->executes)
        rc = gen_tool_steps_add_execute(&p->steps, &p->world, err);
    if (rc == GEN_OK && p->curates)
        rc = gen_tool_steps_add_rate(&p->steps, &p->world, p->executes, gen_rated_files_add,
                                     &p->rated, err);
    return rc;
}

/* What the real run would find out only behind the model calls is looked at here as well. */
static int dry_run(struct tool_pipeline *p, const struct gen_source *items, struct gen_error *err)
{
    struct gen_export_request request;
    int rc = gen_export_request_read(&request, p->s.app, p->s.output, &p->s.log, err);
    if (rc == GEN_OK && p->curates)
        rc = gen_rated_files_check(&p->s, err);
    return rc ? rc : gen_session_dry_run(&p->s, items, err);
}

static int open_outputs(struct tool_pipeline *p, struct gen_error *err)
{
    int rc = gen_tool_account_open(&p->account, &p->world, &p->steps, err);
    p->account.blueprints = p->source.blueprints;
    p->account.executes = true;
    if (rc == GEN_OK)
        rc = gen_exporter_open(&p->exporter, p->s.app, p->s.output, &p->s.log, err);
    p->exporter.account.unit_in = "examples";
    if (rc == GEN_OK)
        rc = gen_tool_balance_open(&p->balance, &p->s, export_row, p, err);
    p->account.balance = &p->balance;
    if (rc == GEN_OK && p->curates)
        rc = gen_rated_files_open(&p->rated, &p->s, err);
    p->rated.put_metrics = gen_tool_account_put_metrics;
    p->rated.put_metrics_ud = &p->account;
    p->s.extra = &p->exporter.account;
    return rc;
}

static int run(struct tool_pipeline *p, int *status, struct gen_error *err)
{
    struct gen_source items = gen_blueprint_source_of(&p->source);
    int rc = add_steps(p, err);
    if (rc)
        return rc;
    if (gen_settings_flag(p->s.settings, GEN_OPT_DRY_RUN))
        return dry_run(p, &items, err);
    rc = open_outputs(p, err);
    if (rc == GEN_OK)
        rc = gen_session_run(&p->s, &items, sink, p, err);
    if (rc == GEN_OK)
        rc = finish(p, status, err);
    gen_tool_balance_close(&p->balance);
    gen_rated_files_close(&p->rated);
    gen_exporter_close(&p->exporter);
    gen_tool_account_close(&p->account);
    return rc;
}

int gen_cmd_tool_pipeline(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct tool_pipeline p;
    memset(&p, 0, sizeof(p));
    int rc = gen_session_open(&p.s, app, "tool-pipeline", err);
    if (rc)
        return rc;
    rc = gen_tool_world_open_drawn(&p.world, &p.s, err);
    if (rc == GEN_OK) {
        rc = gen_blueprint_source_open(&p.source, &p.world, err);
        if (rc == GEN_OK)
            rc = run(&p, status, err);
        gen_engine_free(p.s.engine);
        p.s.engine = NULL;
        gen_tool_steps_release(&p.steps);
        gen_blueprint_source_close(&p.source);
        gen_tool_world_close(&p.world);
    }
    gen_session_close(&p.s);
    return rc;
}
