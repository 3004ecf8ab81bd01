#include "cli/exporter.h"
#include "cli/say.h"
#include "dataset/beside.h"

#include "os/file.h"
#include "os/loop.h"

#define BESIDE_BYTES_MAX ((size_t)16 << 20)

static int convert(struct gen_exporter *x, struct gen_record_reader *reader, struct gen_error *err)
{
    for (;;) {
        struct gen_record_row row;
        bool more = false;
        int rc = gen_record_reader_next(reader, &row, &more, err);
        if (rc || !more)
            return rc;
        if (row.malformed)
            gen_exporter_leave_out(x, row.row, row.malformed);
        else
            rc = gen_exporter_add(x, row.json, row.row, err);
        if (rc)
            return rc;
    }
}

/* A file that an earlier command wrote beside the input; NULL when it is not there or no JSON. */
static struct gen_json_doc *read_beside(const char *input, const char *suffix)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf path = gen_buf_make(16384);
    struct gen_buf text = gen_buf_make(BESIDE_BYTES_MAX);
    int rc = gen_beside_path(gen_beside_stem(input, "export"), suffix, &path, NULL);
    if (rc == GEN_OK && gen_file_kind(path.data) == GEN_FILE_REGULAR)
        rc = gen_file_read_all(&text, path.data, NULL);
    if (rc == GEN_OK && text.n && gen_json_parse(&doc, gen_buf_str(&text), NULL) != GEN_OK)
        doc = NULL;
    gen_buf_release(&path);
    gen_buf_release(&text);
    return doc;
}

static int commit(const struct gen_app *app, struct gen_exporter *x, struct gen_error *err)
{
    const char *input = gen_settings_argument(app->settings);
    if (x->account.n_in == 0)
        return gen_fail(err, GEN_EINPUT,
                        "%s holds no rows: there is nothing to export; %s is not written", input,
                        x->path);
    if (x->account.n_out == 0)
        return gen_fail(err, GEN_EINPUT,
                        "none of the %lld rows of %s can be exported; %s is not written",
                        (long long)x->account.n_in, input, x->path);
    struct gen_json_doc *summary = read_beside(input, "_summary.json");
    struct gen_json_doc *metrics = read_beside(input, "_metrics.json");
    const struct gen_export_origin origin = {gen_json_root(summary), gen_json_root(metrics)};
    int rc = gen_exporter_commit(x, &origin, err);
    gen_json_doc_free(summary);
    gen_json_doc_free(metrics);
    return rc;
}

static int show(const struct gen_app *app, const struct gen_exporter *x, uint64_t start_us,
                struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    struct gen_buf headline = gen_buf_make(32768);
    int rc = gen_buf_add_c(&headline, "done: ", err);
    if (rc == GEN_OK)
        rc = gen_exporter_tell(x, &headline, err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(&files, x->path, x->account.n_out, err);
    const struct gen_plain_end end = {
        .headline = headline.data, .stage = &x->account, .files = &files, .start_us = start_us};
    if (rc == GEN_OK)
        rc = gen_say_end(app, &end, err);
    gen_file_list_release(&files);
    gen_buf_release(&headline);
    return rc;
}

int gen_cmd_export(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct gen_exporter x;
    struct gen_record_reader *reader = NULL;
    uint64_t start_us = gen_loop_now_us();
    int rc = gen_record_reader_open(&reader, gen_settings_argument(app->settings), err);
    if (rc)
        return rc;
    rc =
        gen_exporter_open(&x, app, gen_settings_text(app->settings, GEN_OPT_OUTPUT), app->log, err);
    if (rc == GEN_OK)
        rc = convert(&x, reader, err);
    if (rc == GEN_OK)
        rc = commit(app, &x, err);
    if (rc == GEN_OK)
        rc = show(app, &x, start_us, err);
    gen_exporter_close(&x);
    gen_record_reader_close(reader);
    *status = GEN_EXIT_DONE;
    return rc;
}
