#include "cli/say.h"
#include "cli/sources.h"
#include "cli/tool_account.h"

#include <stdio.h>

struct tool_execute {
    struct gen_session s;
    struct gen_tool_world world;
    struct gen_record_source source;
    struct gen_tool_steps steps;
    struct gen_tool_account account;
    struct gen_record_writer *writer;
};

static int sink(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct tool_execute *x = ud;
    int rc = gen_tool_account_add(&x->account, item->record, err);
    return rc ? rc : gen_record_writer_add(x->writer, item->record, err);
}

static int finish(struct tool_execute *x, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    const char *next[2] = {
        gen_session_next(&x->s, "tool-curate", "_curated.json", command, sizeof(command)), NULL};
    int rc = gen_session_commit(&x->s, x->writer, &files, err);
    (void)snprintf(headline, sizeof(headline), "done: %lld executed examples in %s",
                   (long long)gen_record_writer_count(x->writer), gen_say_place(x->s.output));
    if (rc == GEN_OK)
        rc = gen_tool_world_finish(&x->world, err);
    if (rc == GEN_OK)
        rc = gen_tool_account_show(&x->account, &x->s, err);
    if (rc == GEN_OK)
        rc = gen_session_finish(&x->s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run(struct tool_execute *x, int *status, struct gen_error *err)
{
    struct gen_source items = gen_record_source_of(&x->source);
    int rc = gen_tool_steps_add_execute(&x->steps, &x->world, err);
    if (rc)
        return rc;
    if (gen_settings_flag(x->s.settings, GEN_OPT_DRY_RUN))
        return gen_session_dry_run(&x->s, &items, err);
    rc = gen_tool_account_open(&x->account, &x->world, &x->steps, err);
    x->account.executes = true;
    if (rc == GEN_OK)
        rc = gen_record_writer_open(&x->writer, x->s.output, err);
    if (rc == GEN_OK)
        rc = gen_session_run(&x->s, &items, sink, x, err);
    if (rc == GEN_OK) {
        gen_record_source_report(&x->source);
        rc = finish(x, status, err);
    }
    gen_record_writer_close(x->writer);
    gen_tool_account_close(&x->account);
    return rc;
}

/* A command that is there to execute does not end without having done so. */
static int open_world(struct tool_execute *x, struct gen_error *err)
{
    int rc =
        gen_tool_world_open(&x->world, &x->s, gen_settings_text(x->s.settings, GEN_OPT_TOOLS), err);
    if (rc || x->world.mode != GEN_TOOL_MODE_NONE)
        return rc;
    rc = gen_fail(err, GEN_EUSAGE,
                  "nothing can carry out the calls: %s; or give --tools with a file that names its "
                  "server, or --mode simulated",
                  x->world.why_none);
    gen_tool_world_close(&x->world);
    return rc;
}

int gen_cmd_tool_execute(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct tool_execute x;
    memset(&x, 0, sizeof(x));
    int rc = gen_session_open(&x.s, app, "tool-execute", err);
    if (rc)
        return rc;
    rc = gen_record_source_open(&x.source, &x.s, gen_settings_argument(x.s.settings), true, err);
    if (rc == GEN_OK) {
        rc = open_world(&x, err);
        if (rc == GEN_OK) {
            rc = run(&x, status, err);
            gen_engine_free(x.s.engine);
            x.s.engine = NULL;
            gen_tool_steps_release(&x.steps);
            gen_tool_world_close(&x.world);
        }
        gen_record_source_close(&x.source);
    }
    gen_session_close(&x.s);
    return rc;
}
