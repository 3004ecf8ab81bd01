/*
 * The rows. The page's table shows the dataset; where <stem>_all_rated.json holds the same rows
 * with the judge's verdicts, its rows are shown in their place (an exported file has lost rating,
 * source and chunk), the dropped ones among them, and then those of the dataset that it has not.
 */
#include "report/report_int.h"

#include "os/file.h"

#define FRESH_PERCENT 50 /* fewer of the dataset's rows among the rated: they are another run's */

struct pass {
    struct gen_report *report;
    bool is_first; /* its rows are counted, and those that are no records named */
    bool is_noted; /* its rows go into `kept` */
    bool is_shown; /* its rows go into the figures and into the page */
    bool is_rest;  /* only those that are not marked */
};

static int note_kept(struct gen_report *r, const struct gen_json *record,
                     const struct gen_metrics_view *view, struct gen_error *err)
{
    uint32_t number = 0;
    bool is_new = false;
    return gen_report_index_add(&r->kept, gen_report_row_key(record, view), &number, &is_new, err);
}

static int measure(struct gen_report *r, const struct gen_json *record,
                   const struct gen_metrics_view *view, struct gen_error *err)
{
    struct gen_ledger_chunk chunk = {0};
    uint64_t number = ++r->n_measured;
    bool has_source = gen_metrics_wants_source(r->metrics, number) &&
                      gen_report_find_chunk(r, view->chunk_id, view->source, &chunk);
    struct gen_str source = has_source ? chunk.content : (struct gen_str){0};
    return gen_metrics_add(r->metrics, number, record, source, err);
}

static void pass_over(const struct pass *p, uint64_t row, const char *why)
{
    struct gen_report *r = p->report;
    if (!p->is_first)
        return;
    r->result.n_malformed++;
    gen_metrics_add_malformed(r->metrics, row, why);
    gen_log(r->options->log, GEN_LOG_WARN, "row", "row %llu is no record: %s",
            (unsigned long long)row, why);
}

static bool is_done(const struct pass *p, const struct gen_json *record,
                    const struct gen_metrics_view *view)
{
    const struct gen_report_entry *e =
        p->is_rest ? gen_report_index_find(&p->report->kept, gen_report_row_key(record, view))
                   : NULL;
    return e && e->is_marked;
}

static int take_row(const struct pass *p, const struct gen_record_row *row, struct gen_error *err)
{
    struct gen_report *r = p->report;
    struct gen_metrics_view view;
    char why[160] = "";
    r->result.n_rows += p->is_first;
    if (row->malformed || !gen_metrics_read(row->json, &view, why, sizeof(why))) {
        pass_over(p, row->row, row->malformed ? row->malformed : why);
        return GEN_OK;
    }
    int rc = p->is_noted ? note_kept(r, row->json, &view, err) : GEN_OK;
    if (rc || !p->is_shown || is_done(p, row->json, &view))
        return rc;
    rc = measure(r, row->json, &view, err);
    return rc ? rc : gen_report_add_row(r, row->json, &view, row->row, GEN_REPORT_KEPT, err);
}

static int pass_dataset(const struct pass *p, struct gen_error *err)
{
    struct gen_record_reader *reader = NULL;
    struct gen_record_row row;
    bool more = true;
    int rc = gen_record_reader_open(&reader, p->report->options->dataset, err);
    while (rc == GEN_OK) {
        rc = gen_record_reader_next(reader, &row, &more, err);
        if (rc || !more)
            break;
        rc = take_row(p, &row, err);
    }
    gen_record_reader_close(reader);
    return rc;
}

/* Goes through the rated rows: marks those of the dataset, or shows all. Says in `why` what stops
 * the reading, which fails nothing. */
static int pass_rated(struct gen_report *r, const char *path, bool is_shown, struct gen_error *why,
                      struct gen_error *err)
{
    struct gen_record_reader *reader = NULL;
    struct gen_record_row row;
    bool more = true;
    int rc = GEN_OK;
    int read = gen_record_reader_open(&reader, path, why);
    while (rc == GEN_OK && read == GEN_OK) {
        struct gen_metrics_view view;
        char words[160];
        read = gen_record_reader_next(reader, &row, &more, why);
        if (read || !more)
            break;
        if (row.malformed || !gen_metrics_read(row.json, &view, words, sizeof(words)))
            continue;
        struct gen_report_entry *e =
            gen_report_index_find(&r->kept, gen_report_row_key(row.json, &view));
        if (e)
            e->is_marked = true;
        if (!is_shown)
            continue;
        if (e)
            rc = measure(r, row.json, &view, err);
        if (rc == GEN_OK)
            rc = gen_report_add_row(r, row.json, &view, row.row,
                                    e ? GEN_REPORT_KEPT : GEN_REPORT_DROPPED, err);
        r->result.n_dropped += e == NULL;
    }
    gen_record_reader_close(reader);
    return rc ? rc : read == GEN_ENOMEM ? read : GEN_OK;
}

static uint32_t count_marked(const struct gen_report_index *x)
{
    uint32_t n = 0;
    for (size_t i = 0; i < x->n_places; i++)
        n += x->places[i].is_used && x->places[i].is_marked;
    return n;
}

/* Whether the rated rows can stand for the dataset's; else the page says why not. */
static int look_at_rated(struct gen_report *r, const char *path, bool *is_good,
                         struct gen_error *err)
{
    struct gen_error why = {0};
    int rc = pass_rated(r, path, false, &why, err);
    uint32_t n = count_marked(&r->kept);
    *is_good = rc == GEN_OK && why.code == GEN_OK &&
               (uint64_t)n * 100 >= (uint64_t)r->kept.n * FRESH_PERCENT;
    if (rc == GEN_OK && why.code)
        gen_report_missing(
            r, path, "cannot be read, so rows that the judge dropped are not shown: %s", why.msg);
    else if (rc == GEN_OK && !*is_good)
        gen_report_missing(r, path,
                           "is left out, because it has only %u of the dataset's %u different "
                           "rows: it seems to be of another run",
                           n, r->kept.n);
    return rc;
}

static int collect_with_rated(struct gen_report *r, const char *path, struct gen_error *err)
{
    struct gen_error why = {0};
    bool is_good = false;
    int rc = pass_dataset(&(struct pass){.report = r, .is_first = true, .is_noted = true}, err);
    if (rc == GEN_OK)
        rc = look_at_rated(r, path, &is_good, err);
    if (rc == GEN_OK && is_good)
        rc = pass_rated(r, path, true, &why, err);
    if (rc == GEN_OK && (!is_good || count_marked(&r->kept) < r->kept.n))
        rc = pass_dataset(&(struct pass){.report = r, .is_shown = true, .is_rest = is_good}, err);
    if (rc == GEN_OK)
        gen_jb_put_bool(r->facts, r->root, "has_dropped", is_good);
    return rc;
}

int gen_report_collect(struct gen_report *r, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(16384);
    int rc = GEN_OK;
    bool has_rated = false;
    if (!gen_report_is_stdin(r))
        rc = gen_report_side_path(r, "_all_rated.json", &path, err);
    if (rc == GEN_OK && path.n)
        has_rated = gen_file_kind(path.data) == GEN_FILE_REGULAR;
    if (rc == GEN_OK && has_rated)
        rc = collect_with_rated(r, path.data, err);
    else if (rc == GEN_OK)
        rc = pass_dataset(&(struct pass){.report = r, .is_first = true, .is_shown = true}, err);
    if (rc == GEN_OK && !has_rated && path.n)
        gen_report_missing(r, path.data, "was not found: rows that a judge dropped are not shown");
    if (rc == GEN_OK)
        rc = gen_report_blocks_flush(&r->rows, err);
    if (rc == GEN_OK)
        rc = gen_report_blocks_flush(&r->chunks, err);
    if (rc == GEN_OK)
        rc = gen_report_columns_flush(&r->columns, err);
    gen_buf_release(&path);
    return rc;
}
