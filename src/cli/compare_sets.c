/* The sets of a comparison: their names, figures, samples, and what they would be together. */
#include "cli/compare.h"
#include "cli/sources.h"

#include "base/utf8.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>

/* Repetition and diversity of fewer questions say nothing. */
#define DIVERSITY_ROWS_MIN 20U

/* ---- names ---- */

/* The last `n` parts of a path. */
static struct gen_str path_end(struct gen_str path, size_t n)
{
    for (size_t i = path.n; i-- > 0;) {
        if (path.p[i] == '/' && i + 1 < path.n && --n == 0)
            return gen_str_sub(path, i + 1, path.n);
    }
    return path;
}

static bool is_alone(const struct gen_comparison *c, size_t set, size_t n_parts)
{
    struct gen_str mine = path_end(gen_str_from(c->sets[set].path), n_parts);
    for (size_t s = 0; s < c->n_sets; s++) {
        /* The same file twice is told apart by a number. */
        if (strcmp(c->sets[s].path, c->sets[set].path) != 0 &&
            gen_str_eq(mine, path_end(gen_str_from(c->sets[s].path), n_parts)))
            return false;
    }
    return true;
}

/* A long name loses its beginning: names differ at the end. */
static void write_short(struct gen_compare_set *set)
{
    struct gen_str name = gen_str_from(set->name);
    size_t room = sizeof(set->in_text) - sizeof("...");
    if (name.n < sizeof(set->in_text)) {
        (void)snprintf(set->in_text, sizeof(set->in_text), "%s", set->name);
        return;
    }
    size_t skip = 0;
    while (name.n - skip > room) {
        uint32_t ignored = 0;
        skip += gen_utf8_next(gen_str_sub(name, skip, name.n), &ignored);
    }
    (void)snprintf(set->in_text, sizeof(set->in_text), "...%s", set->name + skip);
}

static int name_set(struct gen_comparison *c, size_t set, struct gen_error *err)
{
    struct gen_str path = gen_str_from(c->sets[set].path);
    size_t n_parts = 1;
    while (!is_alone(c, set, n_parts) && path_end(path, n_parts).n < path.n)
        n_parts++;
    size_t n_before = 0; /* the same path, given before */
    for (size_t s = 0; s < set; s++)
        n_before += strcmp(c->sets[s].path, c->sets[set].path) == 0;
    struct gen_buf name = gen_buf_make(8192);
    int rc = gen_buf_add_str(&name, path_end(path, n_parts), err);
    if (rc == GEN_OK && n_before)
        rc = gen_buf_printf(&name, err, " (%zu)", n_before + 1);
    size_t n = 0;
    /* Names of files are bytes; the report is UTF-8. */
    struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
    if (rc == GEN_OK)
        rc = gen_utf8_clean(&clean, gen_buf_str(&name), NULL, err);
    if (rc == GEN_OK)
        c->sets[set].name = gen_buf_take(&clean, &n);
    if (rc == GEN_OK)
        write_short(&c->sets[set]);
    gen_buf_release(&name);
    gen_buf_release(&clean);
    return rc;
}

/* "x_metrics.json" beside "x.json" or "x.jsonl" among the paths: `compare *.json` in a folder of
 * curate's finds what it has written about its sets as well. */
static bool is_side_file(const char *path, const char *const *paths, size_t n)
{
    static const char *const ends[] = {"_metrics.json", "_distribution.json", "_summary.json",
                                       "_failures.jsonl", "_removed.jsonl"};
    struct gen_str p = gen_str_from(path);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct gen_str end = gen_str_from(ends[i]);
        for (size_t k = 0; gen_str_ends(p, end) && k < n; k++) {
            if (gen_str_eq(gen_path_stem(gen_str_from(paths[k])), gen_str_sub(p, 0, p.n - end.n)))
                return true;
        }
    }
    return false;
}

static int take_paths(struct gen_comparison *c, struct gen_error *err)
{
    size_t n = 0;
    const char *const *paths = gen_settings_arguments(c->app->settings, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(paths[i], "-") == 0)
            return gen_fail(err, GEN_EUSAGE,
                            "compare reads each set more than once: give a file, not \"-\"");
        if (is_side_file(paths[i], paths, n)) {
            gen_log(c->log, GEN_LOG_WARN, "side_file",
                    "%s is about a set and none itself: left out", paths[i]);
            continue;
        }
        if (c->n_sets < GEN_COMPARE_SETS_MAX)
            c->sets[c->n_sets].path = paths[i];
        c->n_sets++;
    }
    size_t n_sets = c->n_sets;
    if (n_sets >= 2 && n_sets <= GEN_COMPARE_SETS_MAX)
        return GEN_OK;
    c->n_sets = 0;
    return gen_fail(err, GEN_EUSAGE,
                    "%zu %s given: compare puts 2 to %d beside each other (the figures of one "
                    "alone: generator stats)",
                    n_sets, n_sets == 1 ? "set" : "sets", GEN_COMPARE_SETS_MAX);
}

int gen_compare_sets_init(struct gen_comparison *c, const struct gen_app *app,
                          struct gen_error *err)
{
    c->app = app;
    c->log = app->log;
    c->leader = SIZE_MAX;
    c->seed = (uint64_t)gen_settings_int(app->settings, GEN_OPT_SEED);
    c->sample_size = (size_t)gen_settings_int(app->settings, GEN_OPT_SAMPLE_SIZE);
    int rc = take_paths(c, err);
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++) {
        struct gen_record_reader *reader = NULL;
        rc = gen_record_reader_open(&reader, c->sets[s].path, err);
        gen_record_reader_close(reader);
        if (rc == GEN_OK)
            rc = name_set(c, s, err);
    }
    return rc;
}

void gen_compare_sets_release(struct gen_comparison *c)
{
    for (size_t i = 0; i < c->n_picks; i++) {
        free(c->picks[i].record);
        free(c->picks[i].rated);
        gen_chunk_unref(c->picks[i].chunk);
    }
    free(c->picks);
    for (size_t s = 0; s < c->n_sets; s++) {
        gen_metrics_free(c->sets[s].metrics);
        gen_ledger_close(c->sets[s].ledger);
        free(c->sets[s].index.rows);
        free(c->sets[s].description);
        free(c->sets[s].name);
    }
    free(c->choices[0]);
    free(c->choices[1]);
}

/* ---- chunks ---- */

/* In the named corpus, in the set's own ledger, else in another's: a changed copy of a set has none
 * of its own. */
static int find_chunk(const struct gen_comparison *c, size_t set, struct gen_str id,
                      struct gen_str source, struct gen_chunk **out, struct gen_error *err)
{
    if (id.n == 0)
        return GEN_OK;
    int rc = gen_source_find_chunk(c->corpus, id, source, out, err);
    for (size_t i = 0; i < c->n_sets && rc == GEN_OK && !*out; i++)
        rc = gen_source_find_chunk(c->sets[(set + i) % c->n_sets].ledger, id, source, out, err);
    return rc;
}

/* ---- reading ---- */

static int add_to_index(struct gen_compare_set *set, const struct gen_metrics_view *v, uint64_t row,
                        struct gen_error *err)
{
    if (gen_str_trim(v->question).n == 0 || gen_str_trim(v->answer).n == 0)
        return GEN_OK;
    if (set->index.n == set->index_capacity) {
        size_t capacity = set->index_capacity ? set->index_capacity * 2 : 1024;
        struct gen_compare_row *rows = realloc(set->index.rows, capacity * sizeof(*rows));
        if (!rows)
            return gen_nomem(err, "the rows of a set");
        set->index.rows = rows;
        set->index_capacity = capacity;
    }
    uint64_t source = gen_hash64(v->source, 1);
    uint64_t question = gen_hash64(gen_str_trim(v->question), 2);
    set->index.rows[set->index.n++] = (struct gen_compare_row){
        .source = source,
        .key = v->chunk_id.n ? gen_hash64(v->chunk_id, source) : question,
        .question = question,
        .row = row,
        .has_chunk = v->chunk_id.n > 0,
    };
    return GEN_OK;
}

static int add_row(struct gen_comparison *c, size_t s, const struct gen_record_row *row,
                   struct gen_error *err)
{
    struct gen_compare_set *set = &c->sets[s];
    struct gen_metrics_view v;
    struct gen_chunk *chunk = NULL;
    char why[160];
    if (row->malformed) {
        gen_metrics_add_malformed(set->metrics, row->row, row->malformed);
        return GEN_OK;
    }
    int rc = GEN_OK;
    if (gen_metrics_read(row->json, &v, why, sizeof(why))) {
        if (gen_metrics_wants_source(set->metrics, row->row))
            rc = find_chunk(c, s, v.chunk_id, v.source, &chunk, err);
        if (rc == GEN_OK)
            rc = add_to_index(set, &v, row->row, err);
    }
    if (rc == GEN_OK)
        rc = gen_metrics_add(set->metrics, row->row, row->json,
                             chunk ? chunk->content : GEN_STR(""), err);
    gen_chunk_unref(chunk);
    return rc;
}

int gen_compare_walk(struct gen_comparison *c, size_t set, gen_compare_row_fn *fn, void *ud,
                     struct gen_error *err)
{
    struct gen_record_reader *reader = NULL;
    struct gen_record_row row;
    bool more = true;
    bool stop = false;
    int rc = gen_record_reader_open(&reader, c->sets[set].path, err);
    while (rc == GEN_OK && more && !stop) {
        rc = gen_record_reader_next(reader, &row, &more, err);
        if (rc == GEN_OK && more)
            rc = fn(c, set, &row, ud, &stop, err);
    }
    gen_record_reader_close(reader);
    return rc;
}

static int read_row(struct gen_comparison *c, size_t set, const struct gen_record_row *row,
                    void *ud, bool *stop, struct gen_error *err)
{
    (void)ud;
    (void)stop;
    return add_row(c, set, row, err);
}

static void report_rows(const struct gen_comparison *c, const struct gen_compare_set *set)
{
    const struct gen_metrics_result *m = set->figures;
    for (size_t i = 0; i < m->n_malformed_shown; i++)
        gen_log(c->log, GEN_LOG_WARN, "row", "%s, row %llu cannot be read: %s", set->name,
                (unsigned long long)m->malformed[i].row, m->malformed[i].why);
    if (m->n_malformed > m->n_malformed_shown)
        gen_log(c->log, GEN_LOG_WARN, "rows", "%s: %llu of %llu rows cannot be read in all",
                set->name, (unsigned long long)m->n_malformed, (unsigned long long)m->n_rows);
    if (m->n_records > set->index.n)
        gen_log(c->log, GEN_LOG_WARN, "rows",
                "%s: %llu rows are no question with its answer; they are measured, not judged",
                set->name, (unsigned long long)(m->n_records - set->index.n));
}

static int read_set(struct gen_comparison *c, size_t s, struct gen_error *err)
{
    struct gen_compare_set *set = &c->sets[s];
    const struct gen_metrics_options options = {.seed = c->seed,
                                                .similarity = GEN_COMPARE_SIMILARITY};
    int rc = gen_metrics_new(&set->metrics, &options, err);
    if (rc == GEN_OK)
        rc = gen_compare_walk(c, s, read_row, NULL, err);
    if (rc == GEN_OK)
        rc = gen_metrics_finish(set->metrics, &set->figures, err);
    if (rc)
        return rc;
    report_rows(c, set);
    if (set->figures->n_records)
        return GEN_OK;
    if (set->figures->n_rows == 0)
        return gen_fail(err, GEN_EINPUT, "%s is empty: there is nothing to compare", set->path);
    return gen_fail(
        err, GEN_EINPUT, "none of the %llu rows of %s can be read as a pair; the first: %s",
        (unsigned long long)set->figures->n_rows, set->path, set->figures->malformed[0].why);
}

int gen_compare_sets_read(struct gen_comparison *c, struct gen_error *err)
{
    int rc = GEN_OK;
    struct gen_buf path = gen_buf_make(8192);
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++)
        rc =
            gen_source_open_ledger(&c->sets[s].ledger, &path, c->sets[s].path, c->app, c->log, err);
    gen_buf_release(&path);
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++)
        rc = read_set(c, s, err);
    if (rc)
        return rc;
    /* Diversity falls with the amount of text. */
    size_t n_rows = SIZE_MAX;
    size_t n_bytes = SIZE_MAX;
    for (size_t s = 0; s < c->n_sets; s++) {
        const struct gen_metrics_diversity *d = &c->sets[s].figures->question_diversity;
        n_rows = d->n_rows < n_rows ? d->n_rows : n_rows;
        n_bytes = d->compress_bytes < n_bytes ? d->compress_bytes : n_bytes;
    }
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++)
        rc = gen_metrics_diversity_of(c->sets[s].metrics, GEN_METRICS_QUESTION, n_rows, n_bytes,
                                      &c->sets[s].questions, err);
    return rc;
}

/* ---- the sample ---- */

static int judged_record(const struct gen_metrics_view *v, char **out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "question", v->question);
    gen_jb_put_str(b, o, "answer", v->answer);
    if (v->chunk_id.n)
        gen_jb_put_str(b, o, "chunk_id", v->chunk_id);
    if (v->source.n)
        gen_jb_put_str(b, o, "source", v->source);
    rc = gen_jb_write(b, o, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        *out = gen_buf_take(&text, &n);
    gen_buf_release(&text);
    gen_jb_free(b);
    return rc;
}

/* The picks of one set, by row. */
struct wanted {
    struct gen_compare_pick **rows;
    size_t n, at;
};

static int by_row(const void *a, const void *b)
{
    const struct gen_compare_pick *const *x = a;
    const struct gen_compare_pick *const *y = b;
    return ((*x)->draw.row > (*y)->draw.row) - ((*x)->draw.row < (*y)->draw.row);
}

static int fetch_row(struct gen_comparison *c, size_t set, const struct gen_record_row *row,
                     void *ud, bool *stop, struct gen_error *err)
{
    struct wanted *w = ud;
    struct gen_metrics_view v;
    char why[160];
    *stop = w->at == w->n;
    if (*stop || row->row != w->rows[w->at]->draw.row)
        return GEN_OK;
    struct gen_compare_pick *pick = w->rows[w->at++];
    if (row->malformed || !gen_metrics_read(row->json, &v, why, sizeof(why)))
        return gen_fail(err, GEN_EINPUT, "%s changed while it was read", c->sets[set].path);
    int rc = judged_record(&v, &pick->record, err);
    if (rc == GEN_OK)
        rc = find_chunk(c, set, v.chunk_id, v.source, &pick->chunk, err);
    c->sets[set].n_without_source += pick->chunk == NULL;
    return rc;
}

static int fetch(struct gen_comparison *c, size_t set, struct gen_error *err)
{
    struct wanted w = {calloc(c->n_picks + 1, sizeof(struct gen_compare_pick *)), 0, 0};
    if (!w.rows)
        return gen_nomem(err, "the sample");
    for (size_t i = 0; i < c->n_picks; i++) {
        if (c->picks[i].draw.set == set)
            w.rows[w.n++] = &c->picks[i];
    }
    qsort(w.rows, w.n, sizeof(struct gen_compare_pick *), by_row);
    c->sets[set].n_drawn = w.n;
    int rc = w.n ? gen_compare_walk(c, set, fetch_row, &w, err) : GEN_OK;
    if (rc == GEN_OK && w.at < w.n)
        rc = gen_fail(err, GEN_EINPUT, "%s changed while it was read", c->sets[set].path);
    free(w.rows);
    return rc;
}

int gen_compare_sets_draw(struct gen_comparison *c, struct gen_error *err)
{
    struct gen_compare_rows rows[GEN_COMPARE_SETS_MAX];
    struct gen_compare_draw *draws = NULL;
    size_t n = 0;
    for (size_t s = 0; s < c->n_sets; s++)
        rows[s] = c->sets[s].index;
    int rc = gen_compare_draw(rows, c->n_sets, c->sample_size, c->seed, &draws, &n, err);
    if (rc)
        return rc;
    c->picks = calloc(n + 1, sizeof(*c->picks));
    if (!c->picks)
        rc = gen_nomem(err, "the sample");
    for (size_t i = 0; i < n && rc == GEN_OK; i++)
        c->picks[i].draw = draws[i];
    c->n_picks = rc == GEN_OK ? n : 0;
    free(draws);
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++) {
        rc = fetch(c, s, err);
        if (rc == GEN_OK && c->sets[s].n_without_source)
            gen_log(c->log, GEN_LOG_WARN, "no_source",
                    "%s: the source chunks of %zu of %zu drawn rows are not known; they are judged "
                    "without",
                    c->sets[s].name, c->sets[s].n_without_source, c->sets[s].n_drawn);
    }
    return rc;
}

/* ---- weighing ---- */

static double share_of(const struct gen_metrics_share *s)
{
    return s->n ? s->share : -1;
}

static int rate_sets(struct gen_comparison *c, struct gen_compare_quality *out,
                     struct gen_error *err)
{
    struct gen_compare_rating *ratings = calloc(c->n_picks + 1, sizeof(*ratings));
    size_t n = 0;
    if (!ratings)
        return gen_nomem(err, "the ratings");
    for (size_t i = 0; i < c->n_picks; i++) {
        struct gen_json_doc *doc = NULL;
        double rating = 0;
        if (!c->picks[i].rated ||
            gen_json_parse(&doc, gen_str_from(c->picks[i].rated), NULL) != GEN_OK)
            continue;
        if (gen_json_as_real(gen_json_get(gen_json_root(doc), "rating"), &rating))
            ratings[n++] =
                (struct gen_compare_rating){c->picks[i].draw.set, c->picks[i].draw.pair, rating};
        gen_json_doc_free(doc);
    }
    int rc = gen_compare_bootstrap(ratings, n, c->n_sets, c->seed, out, &c->leader, err);
    free(ratings);
    return rc;
}

int gen_compare_sets_weigh(struct gen_comparison *c, struct gen_error *err)
{
    struct gen_compare_quality quality[GEN_COMPARE_SETS_MAX];
    int rc = rate_sets(c, quality, err);
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++) {
        const struct gen_metrics_result *m = c->sets[s].figures;
        size_t n_drawn = c->sets[s].n_drawn;
        size_t n_sourced = n_drawn - c->sets[s].n_without_source;
        c->table[s] = (struct gen_compare_figures){
            .name = c->sets[s].in_text,
            .n_rows = m->n_records,
            .quality = quality[s],
            .sourced = n_drawn ? (double)n_sourced / (double)n_drawn : 0,
            .grounded = m->grounding.n ? m->grounding.mean : -1,
            .duplicates = m->n_records >= DIVERSITY_ROWS_MIN ? share_of(&m->duplicates.near) : -1,
            .diversity = c->sets[s].questions.n_rows >= DIVERSITY_ROWS_MIN
                             ? c->sets[s].questions.distinct[1]
                             : -1,
        };
    }
    return rc;
}
