#include "cli/doctor.h"
#include "cli/say.h"

#include "os/file.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = {"ok", "note", "PROBLEM"};

static void add_row(struct gen_doctor *d, bool is_endpoint, const char *name,
                    enum gen_finding finding, const char *advice, const char *text)
{
    if (d->n_rows == GEN_DOCTOR_ROWS_MAX)
        return;
    struct gen_doctor_row *row = &d->rows[d->n_rows++];
    *row = (struct gen_doctor_row){.name = name, .finding = finding, .is_endpoint = is_endpoint};
    (void)snprintf(row->text, sizeof(row->text), "%s", text);
    if (advice && finding != GEN_FOUND_OK)
        (void)snprintf(row->advice, sizeof(row->advice), "%s", advice);
}

void gen_doctor_say(struct gen_doctor *d, const char *name, enum gen_finding finding,
                    const char *advice, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add_row(d, false, name, finding, advice, text);
}

void gen_doctor_say_endpoint(struct gen_doctor *d, const char *name, enum gen_finding finding,
                             const char *advice, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add_row(d, true, name, finding, advice, text);
}

static int exit_status(const struct gen_doctor *d)
{
    int status = GEN_EXIT_DONE;
    for (size_t i = 0; i < d->n_rows; i++) {
        if (d->rows[i].finding != GEN_FOUND_PROBLEM)
            continue;
        if (d->rows[i].is_endpoint)
            return GEN_EXIT_PROVIDER;
        status = GEN_EXIT_USAGE;
    }
    return status;
}

static int print_text(const struct gen_doctor *d, struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < d->n_rows && rc == GEN_OK; i++) {
        const struct gen_doctor_row *r = &d->rows[i];
        rc = gen_buf_printf(out, err, "%-8s %-14s %s%s%s\n", words[r->finding], r->name, r->text,
                            r->advice[0] ? "; " : "", r->advice);
    }
    return rc;
}

static int print_json(const struct gen_doctor *d, int status, struct gen_buf *out,
                      struct gen_error *err)
{
    static const char *const findings[] = {"ok", "note", "problem"};
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *rows = gen_jb_array(b);
    gen_jb_put_bool(b, root, "ready", status == GEN_EXIT_DONE);
    gen_jb_put_int(b, root, "exit_status", status);
    for (size_t i = 0; i < d->n_rows; i++) {
        const struct gen_doctor_row *r = &d->rows[i];
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_cstr(b, row, "check", r->name);
        gen_jb_put_cstr(b, row, "finding", findings[r->finding]);
        gen_jb_put_cstr(b, row, "text", r->text);
        if (r->advice[0])
            gen_jb_put_cstr(b, row, "advice", r->advice);
        gen_jb_append(b, rows, row);
    }
    gen_jb_put(b, root, "checks", rows);
    rc = gen_say_json(b, root, out, err);
    gen_jb_free(b);
    return rc;
}

static int print(const struct gen_doctor *d, int status, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    int rc = gen_settings_flag(d->app->settings, GEN_OPT_JSON) ? print_json(d, status, &out, err)
                                                               : print_text(d, &out, err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&out), err);
    gen_buf_release(&out);
    return rc;
}

/* Questions cost money and time: they are put only where what was asked before went well. */
static int look_at_model(struct gen_doctor *d, struct gen_error *err)
{
    const struct gen_provider *p = d->chosen.provider;
    if (p->answer) {
        gen_doctor_say(d, "endpoint", GEN_FOUND_OK, NULL, "%s answers here, without a model",
                       p->name);
        return GEN_OK;
    }
    int rc = p->program ? gen_doctor_program(d, err) : gen_doctor_endpoint(d, err);
    if (rc || exit_status(d) == GEN_EXIT_PROVIDER)
        return rc;
    bool is_streamed = d->chosen.endpoint.stream == GEN_STREAM_ON;
    rc = gen_doctor_ask(d, false, err);
    if (rc == GEN_OK && is_streamed && p->on_event && exit_status(d) != GEN_EXIT_PROVIDER)
        rc = gen_doctor_ask(d, true, err);
    return rc;
}

int gen_cmd_doctor(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct gen_doctor d = {.app = app, .log = *app->log};
    d.log.level = GEN_LOG_ERROR;
    d.config_dir = gen_buf_make(8192);
    gen_doctor_config(&d);
    gen_doctor_provider(&d);
    gen_doctor_prompts(&d);
    gen_doctor_price(&d);
    gen_doctor_ledger(&d);
    gen_doctor_corpus(&d);
    gen_doctor_open_files(&d);
    int rc = d.is_chosen ? look_at_model(&d, err) : GEN_OK;
    if (rc == GEN_OK) {
        *status = exit_status(&d);
        rc = print(&d, *status, err);
    }
    gen_prompt_set_free(d.prompts);
    if (d.is_chosen)
        gen_chosen_release(&d.chosen);
    gen_buf_release(&d.config_dir);
    return rc;
}
