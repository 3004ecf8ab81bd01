/*
 * dedup: with --keep first one pass, in which nothing is held but the index. With --keep best the
 * rows are asked about from the best rated to the worst: a first pass puts the compared texts and
 * the ratings aside, the index sees them in that order, and a last pass writes. So what stays is
 * always in its own place, every removed row repeats one that stays and is rated no worse, and the
 * output has no duplicates left in it.
 */
#include "cli/removal.h"

#include "cli/say.h"
#include "dataset/beside.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/spool.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)1 << 16)

enum verdict { STAYS = 0, REPEATED, EQUAL, CONTAMINATED };

/* One row of --keep best. */
struct row {
    double rating; /* then: the similarity */
    uint64_t at;   /* its text in `texts`; then: the row that it repeats */
    uint32_t n;
    uint32_t verdict;
};

struct dedup {
    const struct gen_app *app;
    const char *input, *output;
    struct gen_buf removed_path, line;
    struct gen_removal removal;
    struct gen_record_writer *writer, *removed;
    struct gen_stage_account account;
    /* --keep best: */
    struct gen_spool *copy; /* of an input that cannot be read twice; NULL: it can */
    uint64_t at;            /* of the copy, in a pass over it */
    struct gen_spool *texts;
    struct row *rows;
    size_t n_rows, capacity;
    bool has_rating;
};

/* ---- rows ------------------------------------------------------------------------------------ */

static int write_line(struct dedup *d, const char *rule, struct gen_error *err)
{
    gen_counts_add(&d->account.filtered, rule, 1);
    return gen_record_writer_add(d->removed, gen_buf_str(&d->line), err);
}

static int write_removed(struct dedup *d, const struct gen_removed *removed,
                         const struct gen_record_row *row, struct gen_error *err)
{
    gen_buf_clear(&d->line);
    int rc = gen_removal_line(&d->removal, removed, row->row, row->text, &d->line, err);
    return rc ? rc : write_line(d, removed->rule, err);
}

static int write_malformed(struct dedup *d, const char *why, const struct gen_record_row *row,
                           struct gen_error *err)
{
    /* The first ones are named; all are in the file. */
    enum gen_log_level level =
        gen_counts_get(&d->account.filtered, "malformed_row") < 5 ? GEN_LOG_WARN : GEN_LOG_DEBUG;
    gen_log(d->app->log, level, "row", "row %llu is no pair: %s", (unsigned long long)row->row,
            why);
    gen_buf_clear(&d->line);
    int rc = gen_removal_malformed_line(&d->removal, why, row->row, row->text, row->json != NULL,
                                        &d->line, err);
    return rc ? rc : write_line(d, "malformed_row", err);
}

static int write_kept(struct dedup *d, const struct gen_record_row *row, struct gen_error *err)
{
    d->account.n_produced++;
    d->account.n_out++;
    return gen_record_writer_add(d->writer, row->text, err);
}

static const char *name_of(const struct dedup *d)
{
    return strcmp(d->input, "-") == 0 ? "standard input" : d->input;
}

/* NULL, or why the row is no pair. */
static const char *view(const struct gen_record_row *row, struct gen_qa_view *qa, char why[320])
{
    if (row->malformed)
        return row->malformed;
    return gen_request_view(row->json, qa, why, 320) ? NULL : why;
}

typedef int row_fn(struct dedup *d, const struct gen_record_row *row, const struct gen_qa_view *qa,
                   const char *malformed, struct gen_error *err);

static int read_copy(void *ud, void *data, size_t n, size_t *got, struct gen_error *err)
{
    struct dedup *d = ud;
    uint64_t left = gen_spool_bytes(d->copy) - d->at;
    struct gen_buf part = gen_buf_make(GEN_BUF_UNLIMITED);
    *got = left < n ? (size_t)left : n;
    int rc = *got ? gen_spool_read(d->copy, d->at, *got, &part, err) : GEN_OK;
    if (rc == GEN_OK && *got)
        memcpy(data, part.data, *got);
    d->at += *got;
    gen_buf_release(&part);
    return rc;
}

static int open_input(struct dedup *d, struct gen_record_reader **reader, struct gen_error *err)
{
    d->at = 0;
    return d->copy ? gen_record_reader_new(reader, read_copy, d, name_of(d), err)
                   : gen_record_reader_open(reader, d->input, err);
}

static int for_rows(struct dedup *d, row_fn *fn, struct gen_error *err)
{
    struct gen_record_reader *reader = NULL;
    bool more = true;
    int rc = open_input(d, &reader, err);
    while (rc == GEN_OK && more) {
        struct gen_record_row row;
        struct gen_qa_view qa = {0};
        char why[320];
        rc = gen_record_reader_next(reader, &row, &more, err);
        if (rc == GEN_OK && more) {
            const char *malformed = view(&row, &qa, why);
            rc = fn(d, &row, &qa, malformed, err);
        }
    }
    gen_record_reader_close(reader);
    return rc;
}

/* ---- --keep first ---------------------------------------------------------------------------- */

static int pass_on(struct dedup *d, const struct gen_record_row *row, const struct gen_qa_view *qa,
                   const char *malformed, struct gen_error *err)
{
    struct gen_removed removed = {0};
    double rating = 0;
    d->account.n_in++;
    if (malformed)
        return write_malformed(d, malformed, row, err);
    d->has_rating |= gen_json_as_real(gen_json_get(row->json, "rating"), &rating);
    int rc = gen_removal_judge(&d->removal, qa, row->row, &removed, err);
    if (rc)
        return gen_wrap(err, rc, "row %llu of %s", (unsigned long long)row->row, name_of(d));
    return removed.rule ? write_removed(d, &removed, row, err) : write_kept(d, row, err);
}

/* ---- --keep best ----------------------------------------------------------------------------- */

/* What cannot be read twice is copied. */
static int copy_input(struct dedup *d, struct gen_error *err)
{
    struct gen_file_reader *reader = NULL;
    char *block = malloc(BLOCK_BYTES);
    size_t got = 1;
    int rc = block ? GEN_OK : gen_nomem(err, "a block of the input");
    if (rc == GEN_OK)
        rc = gen_file_reader_open(&reader, d->input, err);
    if (rc == GEN_OK)
        rc = gen_spool_open(&d->copy, d->output, err);
    while (rc == GEN_OK && got) {
        rc = gen_file_reader_read(reader, block, BLOCK_BYTES, &got, err);
        if (rc == GEN_OK)
            rc = gen_spool_add(d->copy, (struct gen_str){block, got}, err);
    }
    gen_file_reader_close(reader);
    free(block);
    return rc;
}

static int push_row(struct dedup *d, struct row row, struct gen_error *err)
{
    if (d->n_rows == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 1024;
        struct row *grown = realloc(d->rows, capacity * sizeof(*grown));
        if (!grown)
            return gen_nomem(err, "the ratings");
        d->rows = grown;
        d->capacity = capacity;
    }
    d->rows[d->n_rows++] = row;
    return GEN_OK;
}

/* Every row of the input has a struct row, so that the index is the row's number less one. */
static int set_aside(struct dedup *d, const struct gen_record_row *row,
                     const struct gen_qa_view *qa, const char *malformed, struct gen_error *err)
{
    struct row r = {.rating = -1e300};
    struct gen_removed removed = {0};
    struct gen_str text = {0};
    if (malformed)
        return push_row(d, r, err);
    d->has_rating |= gen_json_as_real(gen_json_get(row->json, "rating"), &r.rating);
    int rc = gen_removal_contaminated(&d->removal, qa, &removed, err);
    if (rc == GEN_OK)
        rc = gen_removal_text(&d->removal, qa, &text, err);
    if (rc)
        return gen_wrap(err, rc, "row %llu of %s", (unsigned long long)row->row, name_of(d));
    if (removed.rule) {
        r.verdict = CONTAMINATED;
    } else if (text.n > UINT32_MAX) {
        return gen_fail(err, GEN_ELIMIT, "row %llu of %s is too long to be compared",
                        (unsigned long long)row->row, name_of(d));
    } else {
        r.at = gen_spool_bytes(d->texts);
        r.n = (uint32_t)text.n;
        rc = gen_spool_add(d->texts, text, err);
    }
    return rc ? rc : push_row(d, r, err);
}

static int by_rating(const void *a, const void *b, void *ud)
{
    const struct row *rows = ud;
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    if (rows[x].rating > rows[y].rating || rows[x].rating < rows[y].rating)
        return rows[x].rating > rows[y].rating ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int judge_row(struct dedup *d, struct row *r, uint64_t number, struct gen_buf *text,
                     struct gen_error *err)
{
    struct gen_removed removed = {0};
    if (r->n == 0 || r->verdict == CONTAMINATED)
        return GEN_OK;
    gen_buf_clear(text);
    int rc = gen_spool_read(d->texts, r->at, r->n, text, err);
    if (rc == GEN_OK)
        rc = gen_removal_repeated(&d->removal, gen_buf_str(text), number, &removed, err);
    if (rc == GEN_OK && removed.rule) {
        r->verdict = removed.similarity >= 1 && strcmp(removed.reason, "exact_duplicate") == 0
                         ? EQUAL
                         : REPEATED;
        r->rating = removed.similarity;
        r->at = removed.of;
    }
    return rc;
}

static int judge_best_first(struct dedup *d, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    uint64_t *order = d->n_rows ? malloc(d->n_rows * sizeof(*order)) : NULL;
    int rc = GEN_OK;
    if (d->n_rows && !order)
        rc = gen_nomem(err, "the order of the rows");
    for (size_t i = 0; rc == GEN_OK && i < d->n_rows; i++)
        order[i] = i;
    if (rc == GEN_OK && d->n_rows)
        qsort_r(order, d->n_rows, sizeof(*order), by_rating, d->rows);
    for (size_t i = 0; rc == GEN_OK && i < d->n_rows; i++)
        rc = judge_row(d, &d->rows[order[i]], order[i] + 1, &text, err);
    free(order);
    gen_buf_release(&text);
    return rc;
}

static int write_judged(struct dedup *d, const struct gen_record_row *row,
                        const struct gen_qa_view *qa, const char *malformed, struct gen_error *err)
{
    struct gen_removed removed = {0};
    d->account.n_in++;
    if (row->row > d->n_rows)
        return gen_fail(err, GEN_EINPUT, "%s has grown while it was read; run it again",
                        name_of(d));
    const struct row *r = &d->rows[row->row - 1];
    if (malformed)
        return write_malformed(d, malformed, row, err);
    if (r->verdict == STAYS)
        return write_kept(d, row, err);
    if (r->verdict == CONTAMINATED) {
        int rc = gen_removal_contaminated(&d->removal, qa, &removed, err);
        return rc ? rc : write_removed(d, &removed, row, err);
    }
    removed.reason = r->verdict == EQUAL ? "exact_duplicate" : "near_duplicate";
    removed.rule = removed.reason;
    removed.of = r->at;
    removed.similarity = r->rating;
    return write_removed(d, &removed, row, err);
}

static int keep_best(struct dedup *d, struct gen_error *err)
{
    bool is_stream = strcmp(d->input, "-") == 0 || gen_file_kind(d->input) == GEN_FILE_OTHER;
    int rc = gen_spool_open(&d->texts, d->output, err);
    if (rc == GEN_OK && is_stream)
        rc = copy_input(d, err);
    if (rc == GEN_OK)
        rc = for_rows(d, set_aside, err);
    if (rc == GEN_OK && d->n_rows && !d->has_rating)
        gen_log(d->app->log, GEN_LOG_WARN, "rating",
                "no row of %s has a \"rating\" (curate gives one): of each group the first stays",
                name_of(d));
    if (rc == GEN_OK)
        rc = judge_best_first(d, err);
    return rc ? rc : for_rows(d, write_judged, err);
}

/* ---- the command ----------------------------------------------------------------------------- */

static enum gen_compared compared_of(const char *by)
{
    if (strcmp(by, "answer") == 0)
        return GEN_COMPARED_ANSWER;
    return strcmp(by, "pair") == 0 ? GEN_COMPARED_PAIR : GEN_COMPARED_QUESTION;
}

static int open_outputs(struct dedup *d, struct gen_error *err)
{
    int rc = gen_beside_path(gen_beside_stem(d->output, "dedup"), "_removed.jsonl",
                             &d->removed_path, err);
    if (rc == GEN_OK)
        rc = gen_record_writer_open(&d->writer, d->output, err);
    return rc ? rc : gen_record_writer_open(&d->removed, d->removed_path.data, err);
}

static int show(const struct dedup *d, int64_t n_removed, uint64_t start_us, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024], command[2400];
    (void)snprintf(headline, sizeof(headline), "done: %lld of %lld rows stay and are in %s",
                   (long long)d->account.n_out, (long long)d->account.n_in,
                   gen_say_place(d->output));
    const char *next =
        d->has_rating
            ? gen_say_next(d->output, "export", "_training.jsonl -f chatml", command,
                           sizeof(command))
            : gen_say_next(d->output, "curate", "_curated.json", command, sizeof(command));
    int rc = gen_file_list_add(&files, d->output, d->account.n_out, err);
    if (rc == GEN_OK && n_removed > 0)
        rc = gen_file_list_add(&files, d->removed_path.data, n_removed, err);
    const struct gen_plain_end end = {.headline = headline,
                                      .stage = &d->account,
                                      .files = &files,
                                      .next = d->account.n_out > 0 ? next : NULL,
                                      .start_us = start_us};
    if (rc == GEN_OK)
        rc = gen_say_end(d->app, &end, err);
    gen_file_list_release(&files);
    return rc;
}

static int finish(struct dedup *d, uint64_t start_us, struct gen_error *err)
{
    int64_t n_removed = -1;
    const struct gen_stage_account *a = &d->account;
    int64_t n_malformed = gen_counts_get(&a->filtered, "malformed_row");
    if (a->n_in > 0 && n_malformed == a->n_in)
        return gen_fail(err, GEN_EINPUT,
                        "none of the %lld rows of %s is a question with its answer, or a "
                        "conversation; %s is not written",
                        (long long)a->n_in, name_of(d), d->output);
    if (a->n_in == 0)
        return gen_fail(err, GEN_EINPUT,
                        "%s holds no rows: there is nothing to compare; %s is not written",
                        name_of(d), d->output);
    if (n_malformed > 5)
        gen_log(d->app->log, GEN_LOG_WARN, "row", "%lld rows in all are no pairs; they are in %s",
                (long long)n_malformed, d->removed_path.data);
    int rc =
        gen_removed_file_commit(d->removed, d->removed_path.data, &n_removed, d->app->log, err);
    if (rc == GEN_OK)
        rc = gen_record_writer_commit(d->writer, err);
    return rc ? rc : show(d, n_removed, start_us, err);
}

static void release(struct dedup *d)
{
    gen_record_writer_close(d->writer);
    gen_record_writer_close(d->removed);
    gen_removal_close(&d->removal);
    gen_spool_close(d->copy);
    gen_spool_close(d->texts);
    gen_buf_release(&d->removed_path);
    gen_buf_release(&d->line);
    free(d->rows);
}

int gen_cmd_dedup(const struct gen_app *app, int *status, struct gen_error *err)
{
    const struct gen_settings *set = app->settings;
    uint64_t start_us = gen_loop_now_us();
    struct dedup d = {.app = app,
                      .input = gen_settings_argument(set),
                      .output = gen_settings_text(set, GEN_OPT_OUTPUT),
                      .removed_path = gen_buf_make(8192),
                      .line = gen_buf_make(GEN_BUF_UNLIMITED),
                      .account = {.name = "dedup", .unit_in = "rows", .unit_out = "rows"}};
    bool is_best = strcmp(gen_settings_text(set, GEN_OPT_KEEP), "best") == 0;
    int rc = gen_removal_open(&d.removal, set, true,
                              compared_of(gen_settings_text(set, GEN_OPT_DEDUP_BY)), app->log, err);
    if (rc == GEN_OK)
        rc = open_outputs(&d, err);
    if (rc == GEN_OK)
        rc = is_best ? keep_best(&d, err) : for_rows(&d, pass_on, err);
    if (rc == GEN_OK)
        rc = finish(&d, start_us, err);
    release(&d);
    *status = GEN_EXIT_DONE;
    return rc;
}
