#include "cli/say.h"
#include "cli/tool_account.h"

#include <stdio.h>

struct tool_generate {
    struct gen_session s;
    struct gen_tool_world world;
    struct gen_blueprint_source source;
    struct gen_tool_steps steps;
    struct gen_tool_account account;
    struct gen_record_writer *writer;
};

static int sink(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct tool_generate *g = ud;
    int rc = gen_tool_account_add(&g->account, item->record, err);
    return rc ? rc : gen_record_writer_add(g->writer, item->record, err);
}

static int finish(struct tool_generate *g, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    const char *next[2] = {
        gen_session_next(&g->s, "tool-execute", "_executed.json", command, sizeof(command)), NULL};
    g->s.n_missing = gen_blueprints_missing(g->source.blueprints);
    int rc = gen_session_commit(&g->s, g->writer, &files, err);
    int n = snprintf(headline, sizeof(headline), "done: %lld examples in %s",
                     (long long)gen_record_writer_count(g->writer), gen_say_place(g->s.output));
    if (g->s.n_missing > 0 && n > 0 && (size_t)n < sizeof(headline))
        (void)snprintf(headline + n, sizeof(headline) - (size_t)n,
                       "; of the %lld wanted %lld could not be made, also in further rounds",
                       (long long)gen_settings_int(g->s.settings, GEN_OPT_TARGET_PAIRS),
                       (long long)g->s.n_missing);
    if (rc == GEN_OK)
        rc = gen_tool_world_finish(&g->world, err);
    if (rc == GEN_OK)
        rc = gen_tool_account_show(&g->account, &g->s, err);
    if (rc == GEN_OK)
        rc = gen_session_finish(&g->s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run(struct tool_generate *g, int *status, struct gen_error *err)
{
    struct gen_source items = gen_blueprint_source_of(&g->source);
    int rc = gen_tool_steps_add_generate(&g->steps, &g->world, &g->source, false, err);
    if (rc)
        return rc;
    if (gen_settings_flag(g->s.settings, GEN_OPT_DRY_RUN))
        return gen_session_dry_run(&g->s, &items, err);
    rc = gen_tool_account_open(&g->account, &g->world, &g->steps, err);
    g->account.blueprints = g->source.blueprints;
    if (rc == GEN_OK)
        rc = gen_record_writer_open(&g->writer, g->s.output, err);
    if (rc == GEN_OK)
        rc = gen_session_run(&g->s, &items, sink, g, err);
    if (rc == GEN_OK)
        rc = finish(g, status, err);
    gen_record_writer_close(g->writer);
    gen_tool_account_close(&g->account);
    return rc;
}

int gen_cmd_tool_generate(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct tool_generate g;
    memset(&g, 0, sizeof(g));
    int rc = gen_session_open(&g.s, app, "tool-generate", err);
    if (rc)
        return rc;
    rc = gen_tool_world_open_drawn(&g.world, &g.s, err);
    if (rc == GEN_OK) {
        rc = gen_blueprint_source_open(&g.source, &g.world, err);
        if (rc == GEN_OK)
            rc = run(&g, status, err);
        /* The engine hands back what the steps have under way, the steps what the server has. */
        gen_engine_free(g.s.engine);
        g.s.engine = NULL;
        gen_tool_steps_release(&g.steps);
        gen_blueprint_source_close(&g.source);
        gen_tool_world_close(&g.world);
    }
    gen_session_close(&g.s);
    return rc;
}
