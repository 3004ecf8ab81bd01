#include "cli/say.h"
#include "cli/sources.h"
#include "cli/tool_account.h"

#include <stdio.h>

struct tool_curate {
    struct gen_session s;
    struct gen_tool_world world;
    struct gen_record_source source;
    struct gen_tool_steps steps;
    struct gen_tool_account account;
    struct gen_rated_files rated;
    struct gen_tool_balance balance;
    struct gen_record_writer *writer;
};

static int write_row(void *ud, struct gen_str record, struct gen_error *err)
{
    struct tool_curate *c = ud;
    int rc = gen_tool_account_add(&c->account, record, err);
    return rc ? rc : gen_record_writer_add(c->writer, record, err);
}

static int sink(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct tool_curate *c = ud;
    return gen_tool_balance_add(&c->balance, item->record, err);
}

static int finish(struct tool_curate *c, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    const char *next[2] = {
        gen_session_next(&c->s, "export", "_training.jsonl -f chatml", command, sizeof(command)),
        NULL};
    int rc = gen_tool_balance_finish(&c->balance, err);
    if (rc == GEN_OK)
        rc = gen_session_commit(&c->s, c->writer, &files, err);
    if (rc == GEN_OK)
        rc = gen_rated_files_finish(&c->rated, &c->s, gen_tool_rate_stats(c->steps.rate),
                                    (int64_t)c->source.n_rows, &files, err);
    (void)snprintf(headline, sizeof(headline), "done: %lld of %llu examples pass and are in %s",
                   (long long)gen_record_writer_count(c->writer),
                   (unsigned long long)c->source.n_rows, gen_say_place(c->s.output));
    if (rc == GEN_OK)
        rc = gen_tool_account_show(&c->account, &c->s, err);
    if (rc == GEN_OK)
        rc = gen_session_finish(&c->s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int open_outputs(struct tool_curate *c, struct gen_error *err)
{
    int rc = gen_tool_account_open(&c->account, &c->world, &c->steps, err);
    if (rc == GEN_OK)
        rc = gen_record_writer_open(&c->writer, c->s.output, err);
    if (rc == GEN_OK)
        rc = gen_rated_files_open(&c->rated, &c->s, err);
    if (rc == GEN_OK)
        rc = gen_tool_balance_open(&c->balance, &c->s, write_row, c, err);
    c->account.balance = &c->balance;
    c->rated.put_metrics = gen_tool_account_put_metrics;
    c->rated.put_metrics_ud = &c->account;
    return rc;
}

static int run(struct tool_curate *c, int *status, struct gen_error *err)
{
    struct gen_source items = gen_record_source_of(&c->source);
    int rc =
        gen_tool_steps_add_rate(&c->steps, &c->world, false, gen_rated_files_add, &c->rated, err);
    if (rc)
        return rc;
    if (gen_settings_flag(c->s.settings, GEN_OPT_DRY_RUN)) {
        rc = gen_rated_files_check(&c->s, err);
        return rc ? rc : gen_session_dry_run(&c->s, &items, err);
    }
    rc = open_outputs(c, err);
    if (rc == GEN_OK)
        rc = gen_session_run(&c->s, &items, sink, c, err);
    if (rc == GEN_OK) {
        gen_record_source_report(&c->source);
        rc = finish(c, status, err);
    }
    gen_tool_balance_close(&c->balance);
    gen_rated_files_close(&c->rated);
    gen_record_writer_close(c->writer);
    gen_tool_account_close(&c->account);
    return rc;
}

int gen_cmd_tool_curate(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct tool_curate c;
    memset(&c, 0, sizeof(c));
    int rc = gen_session_open(&c.s, app, "tool-curate", err);
    if (rc)
        return rc;
    rc = gen_record_source_open(&c.source, &c.s, gen_settings_argument(c.s.settings), true, err);
    if (rc == GEN_OK) {
        rc = gen_tool_world_read(&c.world, &c.s, gen_settings_text(c.s.settings, GEN_OPT_TOOLS),
                                 err);
        if (rc == GEN_OK) {
            rc = run(&c, status, err);
            gen_engine_free(c.s.engine);
            c.s.engine = NULL;
            gen_tool_steps_release(&c.steps);
            gen_tool_world_close(&c.world);
        }
        gen_record_source_close(&c.source);
    }
    gen_session_close(&c.s);
    return rc;
}
