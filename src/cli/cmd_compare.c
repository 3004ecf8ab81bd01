/*
 * compare: figures of several sets, a judged sample of each, a decision. Three rounds of questions
 * go through one step of one run, so that ledger, limits and budget are those of any other command:
 * the source holds back the second and third until the answers before are there.
 */
#include "cli/compare.h"
#include "cli/say.h"
#include "cli/sources.h"
#include "dataset/beside.h"

#include "os/file.h"
#include "os/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What a pair is taken to be rated in a dry run. */
#define RATING_STAND_IN 5.0

struct compare {
    struct gen_comparison c;
    struct gen_session s;
    struct gen_qa_compare *step;
    bool is_dry;
    size_t next; /* the position of the next item */
    bool any_judged, is_weighed;
};

/* ---- the questions ---- */

static int rated_of(const struct compare *x, size_t set, struct gen_str *rows, size_t *picks)
{
    size_t n = 0;
    for (size_t i = 0; i < x->c.n_picks; i++) {
        const struct gen_compare_pick *p = &x->c.picks[i];
        const char *record = x->is_dry ? p->record : p->rated;
        if (p->draw.set != set || !record)
            continue;
        rows[n] = gen_str_from(record);
        picks[n++] = i;
    }
    return (int)n;
}

/* Empty when nothing of the set was judged: there is nothing to describe. */
static int put_set(struct compare *x, size_t set, struct gen_buf *out, struct gen_error *err)
{
    struct gen_compare_set *s = &x->c.sets[set];
    struct gen_str *rows = calloc(x->c.n_picks + 1, sizeof(*rows));
    size_t *picks = calloc(x->c.n_picks + 1, sizeof(*picks));
    int rc = rows && picks ? GEN_OK : gen_nomem(err, "the sample");
    if (rc == GEN_OK) {
        size_t n = (size_t)rated_of(x, set, rows, picks);
        double mean = x->is_dry ? RATING_STAND_IN : x->c.table[set].quality.mean;
        if (n)
            rc = gen_qa_compare_put_set(out, rows, n, mean, s->shown, &s->n_shown, err);
        for (size_t i = 0; i < s->n_shown && rc == GEN_OK; i++)
            s->shown[i] = picks[s->shown[i]];
    }
    free(rows);
    free(picks);
    return rc;
}

static size_t n_judged_sets(const struct compare *x)
{
    size_t n = 0;
    for (size_t s = 0; s < x->c.n_sets; s++)
        n += x->is_dry || x->c.table[s].quality.n > 0;
    return n;
}

static int put_choice(struct compare *x, size_t k, struct gen_buf *out, struct gen_error *err)
{
    for (size_t s = 0; s < x->c.n_sets; s++)
        x->c.orders[k][s] = k ? x->c.n_sets - 1 - s : s;
    if (n_judged_sets(x) < x->c.n_sets)
        return GEN_OK;
    return gen_qa_compare_put_choice(out, x->c.table, x->c.orders[k], x->c.n_sets, err);
}

static int make_item(struct compare *x, struct gen_chunk *chunk, struct gen_str record,
                     struct gen_item **out, struct gen_error *err)
{
    *out = gen_item_new(chunk, record, x->next - 1);
    return *out ? GEN_OK : gen_nomem(err, "a question");
}

/* The next question behind the judged pairs that there is anything to ask about. */
static int pull_later(struct compare *x, struct gen_item **out, enum gen_pull *what,
                      struct gen_error *err)
{
    struct gen_buf record = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n_first = x->c.n_picks;
    size_t n_all = n_first + x->c.n_sets + 2;
    int rc = GEN_OK;
    *what = GEN_PULL_END;
    while (rc == GEN_OK && record.n == 0 && x->next < n_all) {
        size_t i = x->next++ - n_first;
        rc = i < x->c.n_sets ? put_set(x, i, &record, err)
                             : put_choice(x, i - x->c.n_sets, &record, err);
    }
    if (rc == GEN_OK && record.n) {
        *what = GEN_PULL_ITEM;
        /* A dry run warns of questions without a source: these need none. */
        rc = make_item(x, x->is_dry ? x->c.picks[0].chunk : NULL, gen_buf_str(&record), out, err);
    }
    gen_buf_release(&record);
    return rc;
}

static int pull(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err)
{
    struct compare *x = ud;
    if (x->next < x->c.n_picks) {
        const struct gen_compare_pick *p = &x->c.picks[x->next++];
        *what = GEN_PULL_ITEM;
        return make_item(x, p->chunk, gen_str_from(p->record), out, err);
    }
    if (!x->is_weighed && !drained && !x->is_dry) {
        *what = GEN_PULL_WAIT;
        return GEN_OK;
    }
    int rc = x->is_weighed ? GEN_OK : gen_compare_sets_weigh(&x->c, err);
    x->is_weighed = true;
    return rc ? rc : pull_later(x, out, what, err);
}

static int sink(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct compare *x = ud;
    size_t n_first = x->c.n_picks;
    size_t at = (size_t)item->position;
    char **place = at < n_first                 ? &x->c.picks[at].rated
                   : at < n_first + x->c.n_sets ? &x->c.sets[at - n_first].description
                                                : &x->c.choices[at - n_first - x->c.n_sets];
    free(*place);
    *place = gen_str_dup(item->record);
    return *place ? GEN_OK : gen_nomem(err, "an answer");
}

/* ---- the end ---- */

static int conclude(struct gen_comparison *c, const char *end, struct gen_error *err)
{
    c->end = end;
    int rc = gen_compare_sets_weigh(c, err);
    if (rc)
        return rc;
    gen_compare_decide(c->table, c->n_sets, &c->decision);
    return gen_compare_sets_merge(c, err);
}

/* The table is for people: on standard output, unless that is the report's. */
static int show(const struct gen_comparison *c, const char *output, struct gen_error *err)
{
    const struct gen_settings *set = c->app->settings;
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    int rc = GEN_OK;
    if (gen_settings_flag(set, GEN_OPT_QUIET) || gen_settings_flag(set, GEN_OPT_LOG_JSON))
        return GEN_OK;
    rc = gen_compare_put_text(c, &text, err);
    if (rc == GEN_OK && gen_beside_is_stream(output))
        (void)fwrite(text.data, 1, text.n, stderr);
    else if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static void write_headline(const struct gen_comparison *c, const char *output, char *out, size_t n)
{
    if (c->decision.winner != SIZE_MAX)
        (void)snprintf(out, n, "done: %s is the best of %zu sets; the report is in %s",
                       c->sets[c->decision.winner].in_text, c->n_sets, gen_say_place(output));
    else
        (void)snprintf(out, n, "done: no clear winner among %zu sets; the report is in %s",
                       c->n_sets, gen_say_place(output));
}

static bool any_judged(const struct gen_comparison *c)
{
    for (size_t i = 0; i < c->n_picks; i++) {
        if (c->picks[i].rated)
            return true;
    }
    return false;
}

static int finish(struct compare *x, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    const char *const next[] = {NULL};
    char headline[1024] = "";
    int rc = GEN_OK;
    /* A sample cut by the budget is a sample too: its order is seeded. */
    if (x->s.end == GEN_END_DONE || (x->s.end == GEN_END_BUDGET && any_judged(&x->c))) {
        rc = conclude(&x->c, x->s.end == GEN_END_DONE ? "done" : "budget", err);
        if (rc == GEN_OK)
            rc = gen_compare_write_report(&x->c, x->s.output, err);
        if (rc == GEN_OK)
            rc = show(&x->c, x->s.output, err);
        if (rc == GEN_OK && !gen_beside_is_stream(x->s.output))
            rc = gen_file_list_add(&files, x->s.output, -1, err);
        write_headline(&x->c, x->s.output, headline, sizeof(headline));
    }
    if (rc == GEN_OK)
        rc = gen_session_finish(&x->s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run_session(struct compare *x, int *status, struct gen_error *err)
{
    struct gen_qa_compare_options o = {.n_draws = x->c.n_picks, .n_sets = x->c.n_sets};
    struct gen_source source = {pull, x};
    o.has_temperature = gen_settings_step_real(x->s.settings, "curate.temperature", &o.temperature);
    int rc = gen_qa_compare_new(&x->step, &x->s.common, &o, &x->s.steps[0], err);
    if (rc)
        return rc;
    x->s.n_steps = 1;
    x->s.n_expected = (int64_t)(x->c.n_picks + x->c.n_sets + 2);
    x->is_dry = gen_settings_flag(x->s.settings, GEN_OPT_DRY_RUN);
    if (x->is_dry)
        return gen_session_dry_run(&x->s, &source, err);
    rc = x->s.ledger ? GEN_OK : gen_session_open_ledger(&x->s, err);
    if (rc == GEN_OK)
        rc = gen_session_run(&x->s, &source, sink, x, err);
    return rc ? rc : finish(x, status, err);
}

static int import_corpus(struct compare *x, struct gen_error *err)
{
    const char *corpus = gen_settings_text(x->s.settings, GEN_OPT_CORPUS);
    if (!corpus || gen_settings_flag(x->s.settings, GEN_OPT_DRY_RUN))
        return GEN_OK;
    int rc = gen_session_open_ledger(&x->s, err);
    if (rc == GEN_OK)
        rc = gen_source_import_corpus(&x->s, corpus, err);
    x->c.corpus = x->s.ledger;
    return rc;
}

static int judge(struct compare *x, int *status, struct gen_error *err)
{
    int rc = gen_session_open(&x->s, x->c.app, "compare", err);
    if (rc)
        return rc;
    x->c.log = &x->s.log;
    rc = import_corpus(x, err);
    if (rc == GEN_OK)
        rc = gen_compare_sets_read(&x->c, err);
    if (rc == GEN_OK)
        rc = gen_compare_sets_draw(&x->c, err);
    if (rc == GEN_OK && x->c.n_picks == 0)
        rc =
            gen_fail(err, GEN_EINPUT,
                     "no row of these sets is a question with its answer, so that there is nothing "
                     "to judge; --sample-size 0 compares their figures alone");
    if (rc == GEN_OK)
        rc = run_session(x, status, err);
    x->c.log = x->c.app->log;
    gen_session_close(&x->s);
    return rc;
}

/* --sample-size 0: no provider, no ledger. */
static int measure(struct gen_comparison *c, int *status, struct gen_error *err)
{
    const char *output = gen_settings_text(c->app->settings, GEN_OPT_OUTPUT);
    uint64_t start_us = gen_loop_now_us();
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    if (gen_file_kind(output) == GEN_FILE_DIRECTORY)
        return gen_fail(err, GEN_EUSAGE, "--output %s is a folder; name a file in it", output);
    *status = GEN_EXIT_DONE;
    if (gen_settings_flag(c->app->settings, GEN_OPT_DRY_RUN)) {
        gen_log(c->log, GEN_LOG_INFO, "dry_run", "nothing would be sent: --sample-size is 0");
        return GEN_OK;
    }
    int rc = gen_compare_sets_read(c, err);
    if (rc == GEN_OK)
        rc = conclude(c, "done", err);
    if (rc == GEN_OK)
        rc = gen_compare_write_report(c, output, err);
    if (rc == GEN_OK)
        rc = show(c, output, err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(&files, output, -1, err);
    write_headline(c, output, headline, sizeof(headline));
    const struct gen_plain_end end = {.headline = headline, .files = &files, .start_us = start_us};
    if (rc == GEN_OK)
        rc = gen_say_end(c->app, &end, err);
    gen_file_list_release(&files);
    return rc;
}

int gen_cmd_compare(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct compare *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "the comparison");
    int rc = gen_compare_sets_init(&x->c, app, err);
    if (rc == GEN_OK)
        rc = x->c.sample_size ? judge(x, status, err) : measure(&x->c, status, err);
    gen_qa_compare_free(x->step);
    gen_compare_sets_release(&x->c);
    free(x);
    return rc;
}
