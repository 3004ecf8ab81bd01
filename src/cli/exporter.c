#include "cli/exporter.h"

static int unknown_format(const struct gen_app *app, const char *name, struct gen_error *err)
{
    struct gen_buf list = gen_buf_make(4096);
    for (const struct gen_export_format *const *f = app->drivers->formats; *f; f++) {
        if (gen_buf_printf(&list, err, "%s%s", list.n ? ", " : "", (*f)->name) != GEN_OK)
            break;
    }
    int rc = gen_fail(err, GEN_EUSAGE, "there is no format \"%s\"; the formats are %s", name,
                      list.data ? list.data : "");
    gen_buf_release(&list);
    return rc;
}

int gen_exporter_open(struct gen_exporter *x, const struct gen_app *app, const char *path,
                      const struct gen_log *log, struct gen_error *err)
{
    memset(x, 0, sizeof(*x));
    const char *name = gen_settings_text(app->settings, GEN_OPT_FORMAT);
    x->format = gen_export_find(app->drivers->formats, name);
    x->options.system_prompt = gen_settings_text(app->settings, GEN_OPT_SYSTEM_PROMPT);
    x->row = gen_buf_make(GEN_BUF_UNLIMITED);
    x->log = log;
    x->account.name = "export";
    x->account.unit_in = "pairs";
    x->account.unit_out = "rows";
    x->account.n_expected = -1;
    if (!x->format)
        return unknown_format(app, name, err);
    return gen_record_writer_open(&x->writer, path, err);
}

int gen_exporter_add(struct gen_exporter *x, struct gen_str record, uint64_t row,
                     struct gen_error *err)
{
    char why[200] = "";
    gen_buf_clear(&x->row);
    x->account.n_in++;
    int rc = gen_export_row(x->format, record, &x->options, &x->row, why, sizeof(why), err);
    if (rc)
        return rc;
    if (why[0]) {
        int64_t n = gen_counts_get(&x->account.filtered, "malformed_row");
        gen_counts_add(&x->account.filtered, "malformed_row", 1);
        if (n < 10)
            gen_log(x->log, GEN_LOG_WARN, "row", "row %llu cannot be exported: %s",
                    (unsigned long long)row, why);
        return GEN_OK;
    }
    rc = gen_record_writer_add(x->writer, gen_buf_str(&x->row), err);
    x->account.n_produced += rc == GEN_OK;
    x->account.n_out += rc == GEN_OK;
    return rc;
}

void gen_exporter_close(struct gen_exporter *x)
{
    gen_record_writer_close(x->writer);
    gen_buf_release(&x->row);
}
