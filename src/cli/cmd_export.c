#include "cli/exporter.h"

#include "os/file.h"
#include "os/loop.h"

#include <stdio.h>
#include <unistd.h>

static int convert(struct gen_exporter *x, struct gen_record_reader *reader, struct gen_error *err)
{
    for (;;) {
        struct gen_record_row row;
        bool more = false;
        int rc = gen_record_reader_next(reader, &row, &more, err);
        if (rc || !more)
            return rc;
        if (row.malformed) {
            x->account.n_in++;
            gen_counts_add(&x->account.filtered, "malformed_row", 1);
            gen_log(x->log, GEN_LOG_WARN, "row", "row %llu is no record: %s",
                    (unsigned long long)row.row, row.malformed);
            continue;
        }
        rc = gen_exporter_add(x, row.text, row.row, err);
        if (rc)
            return rc;
    }
}

static int show(const struct gen_app *app, const struct gen_exporter *x, const char *output,
                double seconds, struct gen_error *err)
{
    struct gen_ui *ui = NULL;
    bool quiet = gen_settings_flag(app->settings, GEN_OPT_QUIET);
    char file[1200];
    char headline[1024];
    const struct gen_stage_account *a = &x->account;
    const struct gen_ui_account_stage row = gen_account_stage(a);
    const char *const next[] = {NULL};
    (void)snprintf(headline, sizeof(headline), "done: %lld rows of %s in %s", (long long)a->n_out,
                   x->format->name, output);
    int rc = gen_ui_new(&ui, quiet ? GEN_UI_QUIET : GEN_UI_NONE, STDERR_FILENO, 0, err);
    (void)snprintf(file, sizeof(file), "%s (%lld rows)", output, (long long)a->n_out);
    const char *const files[] = {file, NULL};
    if (rc == GEN_OK && gen_settings_flag(app->settings, GEN_OPT_LOG_JSON)) {
        gen_log(app->log, GEN_LOG_INFO, "end", "%s", headline);
    } else if (rc == GEN_OK) {
        const struct gen_ui_account account = {
            .headline = headline,
            .stages = &row,
            .n_stages = 1,
            .is_free = true,
            .seconds = seconds,
            .files = files,
            .next = next,
        };
        gen_ui_show_account(ui, &account);
    }
    gen_ui_free(ui);
    return rc;
}

int gen_cmd_export(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct gen_exporter x;
    struct gen_record_reader *reader = NULL;
    const char *output = gen_settings_text(app->settings, GEN_OPT_OUTPUT);
    uint64_t start_us = gen_loop_now_us();
    int rc = gen_record_reader_open(&reader, gen_settings_argument(app->settings), err);
    if (rc)
        return rc;
    rc = gen_exporter_open(&x, app, output, app->log, err);
    if (rc == GEN_OK)
        rc = convert(&x, reader, err);
    if (rc == GEN_OK && x.account.n_in > 0 && x.account.n_out == 0)
        rc = gen_fail(err, GEN_EINPUT,
                      "none of the %lld rows of %s can be exported; %s is not written",
                      (long long)x.account.n_in, gen_settings_argument(app->settings), output);
    if (rc == GEN_OK)
        rc = gen_record_writer_commit(x.writer, err);
    if (rc == GEN_OK)
        rc = show(app, &x, output, (double)(gen_loop_now_us() - start_us) / 1e6, err);
    gen_exporter_close(&x);
    gen_record_reader_close(reader);
    *status = GEN_EXIT_DONE;
    return rc;
}
