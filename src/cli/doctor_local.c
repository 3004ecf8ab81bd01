/* What doctor finds on this machine. */
#include "cli/doctor.h"
#include "cli/price.h"
#include "cli/sources.h"
#include "cli/survey.h"

#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SAMPLE_CHUNKS   20000U
#define STAND_IN_CHARS  1500U
#define LITTLE_SPACE_MB 200U

void gen_doctor_config(struct gen_doctor *d)
{
    const char *path = gen_settings_config_path(d->app->settings);
    const char *notices = gen_settings_notices(d->app->settings);
    struct gen_error err = {.msg = ""};
    if (notices && *notices)
        gen_doctor_say(d, "configuration", GEN_FOUND_NOTE, NULL, "%s; %.*s",
                       path ? path : "no file", (int)strcspn(notices, "\n"), notices);
    else
        gen_doctor_say(d, "configuration", GEN_FOUND_OK, NULL, "%s",
                       path ? path : "no file, the defaults alone");
    if (gen_config_dir(&d->config_dir, &err) != GEN_OK)
        gen_doctor_say(d, "installation", GEN_FOUND_PROBLEM, "install the program anew", "%s",
                       err.msg);
}

void gen_doctor_provider(struct gen_doctor *d)
{
    struct gen_error err = {.msg = ""};
    if (gen_chosen_init(&d->chosen, d->app, &err) != GEN_OK) {
        gen_doctor_say(d, "provider", GEN_FOUND_PROBLEM, NULL, "%s", err.msg);
        return;
    }
    d->is_chosen = true;
    const struct gen_chosen *c = &d->chosen;
    if (c->notice[0])
        gen_doctor_say(d, "provider", GEN_FOUND_NOTE, NULL, "%s", c->notice);
    else
        gen_doctor_say(d, "provider", GEN_FOUND_OK, NULL, "%s, model %s%s%s", c->provider->name,
                       c->model, c->base_url ? ", at " : "", c->base_url ? c->base_url : "");
}

static void fill_common(const struct gen_doctor *d, struct gen_step_common *c)
{
    const struct gen_provider *p = d->is_chosen ? d->chosen.provider : NULL;
    *c = (struct gen_step_common){
        .prompts = d->prompts,
        .provider = p ? p->name : "",
        .model = d->is_chosen ? d->chosen.model : "",
        .tokens_out_max = gen_settings_int(d->app->settings, GEN_OPT_MAX_TOKENS),
    };
    if (p) {
        c->dialect = p->dialect;
        c->sends_temperature = p->sends_temperature;
    }
}

/* The steps as commands make them, by their defaults. */
struct steps {
    struct gen_qa_generate *generate;
    struct gen_qa_enrich *enrich;
    struct gen_qa_rate *rate;
    struct gen_step rows[3];
};

static int make_steps(const struct gen_step_common *common, struct steps *s, struct gen_error *err)
{
    const struct gen_qa_generate_options generate = {.n_pairs = 0};
    const struct gen_qa_enrich_options enrich = {.preserve_original = true, .batch_size = 5};
    const struct gen_qa_rate_options rate = {.threshold = 7, .batch_size = 5};
    int rc = gen_qa_generate_new(&s->generate, common, &generate, &s->rows[0], err);
    if (rc == GEN_OK)
        rc = gen_qa_enrich_new(&s->enrich, common, &enrich, &s->rows[1], err);
    if (rc == GEN_OK)
        rc = gen_qa_rate_new(&s->rate, common, &rate, &s->rows[2], err);
    return rc;
}

static void release_steps(struct steps *s)
{
    gen_qa_generate_free(s->generate);
    gen_qa_enrich_free(s->enrich);
    gen_qa_rate_free(s->rate);
}

void gen_doctor_prompts(struct gen_doctor *d)
{
    static const char advice[] = "correct the file, or leave --prompts out";
    const char *own = gen_settings_text(d->app->settings, GEN_OPT_PROMPTS);
    struct gen_buf dir = gen_buf_make(8192);
    struct gen_error err = {.msg = ""};
    struct gen_step_common common;
    struct steps steps = {.generate = NULL};
    if (!d->config_dir.n)
        return;
    int rc = gen_path_join(&dir, gen_buf_str(&d->config_dir), GEN_STR("prompts"), &err);
    if (rc == GEN_OK)
        rc = gen_prompt_set_load(&d->prompts, dir.data, own, &err);
    if (rc == GEN_OK) {
        fill_common(d, &common);
        rc = make_steps(&common, &steps, &err);
        release_steps(&steps);
    }
    if (rc)
        gen_doctor_say(d, "prompts", GEN_FOUND_PROBLEM, advice, "%s", err.msg);
    else
        gen_doctor_say(d, "prompts", GEN_FOUND_OK, NULL, "%s%s%s", dir.data,
                       own ? ", with your own of " : "", own ? own : "");
    if (rc) {
        gen_prompt_set_free(d->prompts);
        d->prompts = NULL;
    }
    gen_buf_release(&dir);
}

void gen_doctor_price(struct gen_doctor *d)
{
    struct gen_price price = {.known = false};
    struct gen_error err = {.msg = ""};
    if (!d->is_chosen || !d->config_dir.n)
        return;
    const struct gen_chosen *c = &d->chosen;
    if (gen_price_of_model(c->provider, c->model, d->config_dir.data, &price, &err) != GEN_OK)
        gen_doctor_say(d, "price", GEN_FOUND_PROBLEM, "correct the file", "%s", err.msg);
    else if (c->provider->is_local)
        gen_doctor_say(d, "price", GEN_FOUND_OK, NULL, "nothing: it runs on your own machine");
    else if (price.known)
        gen_doctor_say(d, "price", GEN_FOUND_OK, NULL,
                       "$%g in, $%g out for a million tokens, as of %s", price.in_usd_per_mtok,
                       price.out_usd_per_mtok, price.date[0] ? price.date : "an unknown day");
    else if (c->provider->tells_cost)
        gen_doctor_say(d, "price", GEN_FOUND_OK, NULL, "%s tells it with each answer",
                       c->provider->name);
    else
        gen_doctor_say(d, "price", GEN_FOUND_NOTE,
                       "costs will be shown as unknown; add it to prices.yaml to use --max-cost",
                       "the price of %s %s is not in %s/prices.yaml", c->provider->name, c->model,
                       d->config_dir.data);
}

/* Free megabytes where `path` is or will be; UINT64_MAX: cannot be told. */
static uint64_t free_megabytes(const char *path)
{
    struct statvfs v;
    char *dir = gen_str_dup(gen_path_dir(gen_str_from(path)));
    uint64_t n = UINT64_MAX;
    if (dir && statvfs(dir, &v) == 0)
        n = (uint64_t)v.f_bavail * v.f_frsize >> 20;
    free(dir);
    return n;
}

static bool is_writable_place(const char *path)
{
    char *dir = gen_str_dup(gen_path_dir(gen_str_from(path)));
    bool is_writable = dir && access(dir, W_OK) == 0;
    /* A folder that is not there yet is made by the run. */
    if (dir && gen_file_kind(dir) == GEN_FILE_NONE)
        is_writable = true;
    free(dir);
    return is_writable;
}

static void look_at_space(struct gen_doctor *d, const char *path)
{
    uint64_t mb = free_megabytes(path);
    if (mb < LITTLE_SPACE_MB)
        gen_doctor_say(d, "disk", GEN_FOUND_NOTE,
                       "an answer takes some 5 KB; a full disk ends the run",
                       "only %llu MB are free for the ledger", (unsigned long long)mb);
    else if (mb != UINT64_MAX)
        gen_doctor_say(d, "disk", GEN_FOUND_OK, NULL, "%llu MB free for the ledger",
                       (unsigned long long)mb);
}

void gen_doctor_ledger(struct gen_doctor *d)
{
    const char *path = gen_settings_text(d->app->settings, GEN_OPT_LEDGER);
    struct gen_ledger *ledger = NULL;
    struct gen_ledger_totals totals = {.n_answers = 0};
    struct gen_error err = {.msg = ""};
    if (!path || gen_file_kind(path) == GEN_FILE_NONE) {
        const char *place = path ? path : "./x";
        if (is_writable_place(place))
            gen_doctor_say(d, "ledger", GEN_FOUND_OK, NULL, "%s",
                           path ? "it will be made by the first run"
                                : "none named: it will stand beside the output");
        else
            gen_doctor_say(d, "ledger", GEN_FOUND_PROBLEM, "choose another place with --ledger",
                           "nothing can be written in the folder of %s", place);
        look_at_space(d, place);
        return;
    }
    /* As a run opens it: only so is it known whether another process holds it. */
    int rc = gen_ledger_open(&ledger, d->app->drivers->ledger, path, false, &err);
    if (rc == GEN_OK)
        rc = gen_ledger_totals(ledger, 0, &totals, &err);
    gen_ledger_close(ledger);
    if (rc)
        gen_doctor_say(d, "ledger", GEN_FOUND_PROBLEM, NULL, "%s", err.msg);
    else
        gen_doctor_say(d, "ledger", GEN_FOUND_OK, NULL, "%s holds %lld answers", path,
                       (long long)totals.n_answers);
    look_at_space(d, path);
}

void gen_doctor_open_files(struct gen_doctor *d)
{
    size_t max = d->is_chosen ? d->chosen.provider->in_flight_max : 0;
    if (max == 0 || !gen_chosen_needs_network(&d->chosen))
        return;
    size_t files = gen_os_raise_open_files(max + 100);
    if (files >= max + 100)
        gen_doctor_say(d, "open files", GEN_FOUND_OK, NULL,
                       "%zu allowed, enough for %zu requests in flight", files, max);
    else
        gen_doctor_say(d, "open files", GEN_FOUND_NOTE,
                       "raise the limit (ulimit -n), or give --workers a smaller number",
                       "%zu allowed, too few for the %zu requests in flight that %s may have",
                       files, max, d->chosen.provider->name);
}

static int measure(struct gen_doctor *d, const struct gen_step *step, struct gen_item *const *items,
                   size_t n, struct gen_arena *scratch, struct gen_error *err)
{
    struct gen_question q = {.user = gen_buf_make((size_t)64 << 20), .scratch = scratch};
    gen_arena_reset(scratch);
    int rc = step->ask(step->ud, items, n, &q, err);
    int64_t bytes = (int64_t)q.user.n;
    if (rc == GEN_OK)
        bytes += (int64_t)step->stable(step->ud, items[0])->system.n;
    if (rc == GEN_OK && bytes / 4 + q.tokens_out_max > d->bytes_in_max / 4 + d->tokens_out_max) {
        d->bytes_in_max = bytes;
        d->tokens_out_max = q.tokens_out_max;
        d->largest_step = step->name;
    }
    gen_buf_release(&q.user);
    return rc;
}

/* The requests that the steps make of one chunk. */
static int measure_chunk(struct gen_doctor *d, struct gen_chunk *chunk, struct gen_error *err)
{
    struct gen_arena scratch = gen_arena_make((size_t)64 << 20);
    struct gen_step_common common;
    struct steps steps = {.generate = NULL};
    struct gen_item *items[5] = {NULL};
    fill_common(d, &common);
    int rc = make_steps(&common, &steps, err);
    struct gen_item *bare = rc ? NULL : gen_item_new(chunk, GEN_STR(""), 0);
    if (rc == GEN_OK)
        rc = bare ? measure(d, &steps.rows[0], &bare, 1, &scratch, err) : gen_nomem(err, "a chunk");
    for (size_t i = 0; i < 5 && rc == GEN_OK; i++) {
        items[i] = gen_item_new(chunk, GEN_STR(GEN_PAIR_STAND_IN), 0);
        rc = items[i] ? GEN_OK : gen_nomem(err, "a pair");
    }
    for (size_t i = 1; i < 3 && rc == GEN_OK; i++)
        rc = measure(d, &steps.rows[i], items, 5, &scratch, err);
    gen_item_free(bare);
    for (size_t i = 0; i < 5; i++)
        gen_item_free(items[i]);
    release_steps(&steps);
    gen_arena_release(&scratch);
    return rc;
}

struct first_look {
    uint64_t n_rows, n_read;
    struct gen_chunk *largest;
    char first[300];
};

static int read_chunks(struct gen_corpus *corpus, struct first_look *look, struct gen_error *err)
{
    for (; look->n_read < SAMPLE_CHUNKS; look->n_read++) {
        struct gen_chunk *c = NULL;
        int rc = gen_corpus_next(corpus, &c, err);
        if (rc || !c)
            return rc;
        if (look->n_read == 0)
            (void)snprintf(look->first, sizeof(look->first), "%.*s of %.*s, %zu bytes",
                           c->id.n > 80 ? 80 : (int)c->id.n, c->id.p,
                           c->source.n > 160 ? 160 : (int)c->source.n, c->source.p, c->content.n);
        if (!look->largest || c->content.n > look->largest->content.n) {
            gen_chunk_unref(look->largest);
            look->largest = c;
        } else {
            gen_chunk_unref(c);
        }
    }
    return GEN_OK;
}

static void say_corpus(struct gen_doctor *d, const char *path, const struct first_look *look,
                       const struct gen_corpus_counts *counts)
{
    if (look->n_read == 0)
        gen_doctor_say(d, "corpus", GEN_FOUND_PROBLEM, "name another with --corpus or --table",
                       "%s holds no chunks", path);
    else if (counts->n_malformed)
        gen_doctor_say(d, "corpus", GEN_FOUND_NOTE, "they are passed over",
                       "%s: %llu rows, of the first %llu %llu are no chunks (%s); the first is %s",
                       path, (unsigned long long)look->n_rows, (unsigned long long)counts->n_rows,
                       (unsigned long long)counts->n_malformed, counts->first_malformed,
                       look->first);
    else
        gen_doctor_say(d, "corpus", GEN_FOUND_OK, NULL, "%s: %llu chunks; the first is %s", path,
                       (unsigned long long)look->n_rows, look->first);
}

/* Without a corpus a chunk of the size into which files are cut stands in for one. */
static void measure_stand_in(struct gen_doctor *d)
{
    int64_t wanted = gen_settings_int(d->app->settings, GEN_OPT_CHUNK_SIZE);
    size_t n = wanted > 0 ? (size_t)wanted : STAND_IN_CHARS;
    struct gen_buf text = gen_buf_make(n + 64);
    while (text.n < n && gen_buf_add_c(&text, "The text of a chunk stands here. ", NULL) == GEN_OK)
        continue;
    const struct gen_chunk model = {
        .id = GEN_STR("c"), .content = gen_buf_str(&text), .source = GEN_STR("s")};
    struct gen_chunk *chunk = gen_chunk_new(&model);
    if (chunk && measure_chunk(d, chunk, NULL) != GEN_OK)
        d->largest_step = NULL;
    gen_chunk_unref(chunk);
    gen_buf_release(&text);
}

void gen_doctor_corpus(struct gen_doctor *d)
{
    const char *path = gen_settings_text(d->app->settings, GEN_OPT_CORPUS);
    struct gen_corpus *corpus = NULL;
    struct first_look look = {.n_rows = 0};
    struct gen_error err = {.msg = ""};
    if (!path) {
        if (d->prompts)
            measure_stand_in(d);
        return;
    }
    struct gen_corpus_options o = gen_corpus_options_of(d->app->settings, path, &d->log);
    int rc = gen_corpus_open(&corpus, d->app->drivers->corpora, &o, &err);
    if (rc == GEN_OK && strcmp(path, "-") != 0)
        rc = gen_corpus_count(corpus, &look.n_rows, &err);
    if (rc == GEN_OK)
        rc = read_chunks(corpus, &look, &err);
    if (rc)
        gen_doctor_say(d, "corpus", GEN_FOUND_PROBLEM, NULL, "%s", err.msg);
    else
        say_corpus(d, path, &look, gen_corpus_counts(corpus));
    if (rc == GEN_OK && look.largest && d->prompts &&
        measure_chunk(d, look.largest, &err) != GEN_OK)
        gen_doctor_say(d, "prompts", GEN_FOUND_PROBLEM, NULL, "%s", err.msg);
    gen_chunk_unref(look.largest);
    gen_corpus_close(corpus);
}
