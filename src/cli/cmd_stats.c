#include "cli/cmd_stats.h"

#include "base/utf8.h"
#include "cli/say.h"
#include "cli/sources.h"

#include <stdio.h>

/* Where the chunks are looked up. */
struct chunks {
    struct gen_ledger *ledger; /* NULL: nowhere */
    struct gen_buf path;       /* of the ledger; empty: there is none */
    uint64_t n_asked, n_found;
};

static int open_chunks(struct chunks *c, const struct gen_app *app, struct gen_error *err)
{
    const char *named = gen_settings_text(app->settings, GEN_OPT_LEDGER);
    if (!named)
        return gen_source_open_ledger(&c->ledger, &c->path, gen_settings_argument(app->settings),
                                      app, app->log, err);
    int rc = gen_buf_add_c(&c->path, named, err);
    return rc ? rc : gen_ledger_open(&c->ledger, app->drivers->ledger, named, true, err);
}

/* The text is good until the next call. */
static int find_source(struct chunks *c, const struct gen_json *record, struct gen_str *out,
                       struct gen_error *err)
{
    struct gen_metrics_view v;
    struct gen_ledger_chunk chunk;
    char why[160];
    bool found = false;
    *out = GEN_STR("");
    if (!gen_metrics_read(record, &v, why, sizeof(why)) || !v.chunk_id.n)
        return GEN_OK;
    c->n_asked++;
    int rc = gen_ledger_chunk_find(c->ledger, v.chunk_id, v.source, &found, &chunk, err);
    if (rc == GEN_OK && found) {
        c->n_found++;
        *out = chunk.content;
    }
    return rc;
}

static int measure(struct gen_metrics *m, struct gen_record_reader *reader, struct chunks *c,
                   struct gen_error *err)
{
    for (;;) {
        struct gen_record_row row;
        struct gen_str source = GEN_STR("");
        bool more = false;
        int rc = gen_record_reader_next(reader, &row, &more, err);
        if (rc || !more)
            return rc;
        if (row.malformed) {
            gen_metrics_add_malformed(m, row.row, row.malformed);
            continue;
        }
        if (c->ledger && gen_metrics_wants_source(m, row.row))
            rc = find_source(c, row.json, &source, err);
        if (rc == GEN_OK)
            rc = gen_metrics_add(m, row.row, row.json, source, err);
        if (rc)
            return rc;
    }
}

static int write_json(const struct gen_metrics_result *r, const struct gen_gates *gates,
                      const char *path, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
    rc = gen_utf8_clean(&clean, gen_str_from(path), NULL, err);
    if (rc == GEN_OK) {
        gen_jb_put_str(b, root, "dataset", gen_buf_str(&clean));
        gen_jb_put(b, root, "metrics", gen_metrics_write(r, b));
        gen_jb_put(b, root, "gates", gen_gates_write(gates, b));
        rc = gen_say_json(b, root, out, err);
    }
    gen_buf_release(&clean);
    gen_jb_free(b);
    return rc;
}

static void note_of(const struct chunks *c, const struct gen_metrics_result *r, char *out, size_t n)
{
    out[0] = '\0';
    if (c->ledger && c->n_asked && c->n_found == 0)
        (void)snprintf(out, n,
                       "%.200s knows none of the chunks: --ledger PATH names the one that "
                       "does",
                       c->path.data);
    else if (c->n_found)
        (void)snprintf(out, n, "source chunks from %.300s", c->path.data);
    else if (r->n_with_chunk && !c->ledger && r->grounding.n == 0)
        (void)snprintf(out, n,
                       "no ledger with the source chunks beside the file: --ledger PATH "
                       "names it");
}

static int show(const struct gen_app *app, const struct gen_metrics_result *r,
                const struct chunks *c, struct gen_error *err)
{
    const char *path = gen_settings_argument(app->settings);
    struct gen_gates gates;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    char note[400];
    note_of(c, r, note, sizeof(note));
    gen_gates_check(r, &gates);
    if (gen_settings_flag(app->settings, GEN_OPT_LOG_JSON)) {
        for (size_t i = 0; i < gates.n; i++)
            gen_log(app->log, GEN_LOG_WARN, gates.crossed[i].name, "%s", gates.crossed[i].sentence);
    }
    int rc = gen_settings_flag(app->settings, GEN_OPT_JSON)
                 ? write_json(r, &gates, path, &out, err)
                 : gen_stats_text(r, &gates, strcmp(path, "-") == 0 ? "standard input" : path,
                                  note[0] ? note : NULL, &out, err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&out), err);
    gen_buf_release(&out);
    return rc;
}

static int check_result(const struct gen_metrics_result *r, const char *path, struct gen_error *err)
{
    if (r->n_rows == 0)
        return gen_fail(err, GEN_EINPUT, "%s holds no rows: there is nothing to measure", path);
    if (r->n_records == 0)
        return gen_fail(err, GEN_EINPUT,
                        "none of the %llu rows of %s can be measured; row %llu: %s",
                        (unsigned long long)r->n_rows, path,
                        (unsigned long long)r->malformed[0].row, r->malformed[0].why);
    return GEN_OK;
}

int gen_cmd_stats(const struct gen_app *app, int *status, struct gen_error *err)
{
    const char *path = gen_settings_argument(app->settings);
    const struct gen_metrics_result *result = NULL;
    struct gen_record_reader *reader = NULL;
    struct gen_metrics *metrics = NULL;
    struct chunks chunks = {.path = gen_buf_make(8192)};
    int rc = gen_record_reader_open(&reader, path, err);
    if (rc == GEN_OK)
        rc = open_chunks(&chunks, app, err);
    if (rc == GEN_OK)
        rc = gen_metrics_new(&metrics, NULL, err);
    if (rc == GEN_OK)
        rc = measure(metrics, reader, &chunks, err);
    if (rc == GEN_OK)
        rc = gen_metrics_finish(metrics, &result, err);
    if (rc == GEN_OK)
        rc = check_result(result, path, err);
    if (rc == GEN_OK)
        rc = show(app, result, &chunks, err);
    gen_metrics_free(metrics);
    gen_ledger_close(chunks.ledger);
    gen_buf_release(&chunks.path);
    gen_record_reader_close(reader);
    *status = GEN_EXIT_DONE;
    return rc;
}
