#include "llm/prices.h"

#include "json/yaml.h"

#include <stdio.h>
#include <string.h>

#define USD_MAX    1e6
#define TOKENS_MAX INT64_C(1000000000000)

/* The file under examination, with the member that is looked at for messages. */
struct file {
    const struct gen_yaml *yaml;
    const char *path;
    char pointer[512];
};

static void point(struct file *f, size_t at, struct gen_str name)
{
    size_t n = at;
    if (n + 1 < sizeof(f->pointer))
        f->pointer[n++] = '/';
    for (size_t i = 0; i < name.n && n + 3 < sizeof(f->pointer); i++) {
        bool is_special = name.p[i] == '~' || name.p[i] == '/';
        if (is_special)
            f->pointer[n++] = '~';
        f->pointer[n++] = !is_special ? name.p[i] : name.p[i] == '~' ? '0' : '1';
    }
    f->pointer[n] = '\0';
}

static int fault(const struct file *f, const char *what, struct gen_error *err)
{
    unsigned line = 0;
    unsigned column = 0;
    if (gen_yaml_where(f->yaml, f->pointer, &line, &column))
        return gen_fail(err, GEN_EUSAGE, "%s:%u:%u: %s", f->path, line, column, what);
    return gen_fail(err, GEN_EUSAGE, "%s: %s: %s", f->path, f->pointer, what);
}

static bool is_digit_run(struct gen_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

/* "2026-11-10". Days of the month are not counted: a wrong one compares as it should. */
static bool is_date(struct gen_str s)
{
    return s.n == 10 && s.p[4] == '-' && s.p[7] == '-' && is_digit_run(gen_str_sub(s, 0, 4)) &&
           is_digit_run(gen_str_sub(s, 5, 2)) && is_digit_run(gen_str_sub(s, 8, 2));
}

static void copy(char *out, size_t size, struct gen_str s)
{
    size_t n = s.n < size ? s.n : size - 1;
    if (n)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

static int read_usd(const struct file *f, const struct gen_json *v, double *out,
                    struct gen_error *err)
{
    double usd = 0;
    if (!gen_json_as_real(v, &usd) || usd < 0 || usd > USD_MAX)
        return fault(f, "a price is a number of US dollars for a million tokens, 0 or more", err);
    *out = usd;
    return GEN_OK;
}

static int read_date(const struct file *f, const struct gen_json *v, struct gen_str *out,
                     struct gen_error *err)
{
    struct gen_str date;
    if (!gen_json_as_str(v, &date) || !is_date(date))
        return fault(f, "a date is written 2026-11-10", err);
    *out = date;
    return GEN_OK;
}

static int read_text(const struct file *f, const struct gen_json *v, char *out, size_t size,
                     struct gen_error *err)
{
    struct gen_str text;
    if (!gen_json_as_str(v, &text))
        return fault(f, "a text is wanted here", err);
    copy(out, size, text);
    return GEN_OK;
}

static int read_up_to(const struct file *f, const struct gen_json *v, int64_t *out,
                      struct gen_error *err)
{
    int64_t n = 0;
    if (!gen_json_as_int(v, &n) || n < 1 || n > TOKENS_MAX)
        return fault(f, "up_to is a number of tokens", err);
    *out = n;
    return GEN_OK;
}

static int read_member(const struct file *f, struct gen_str key, const struct gen_json *v,
                       struct gen_price_row *row, struct gen_error *err)
{
    struct gen_price *p = &row->price;
    struct gen_str date = {NULL, 0};
    if (gen_str_is(key, "in"))
        return read_usd(f, v, &p->in_usd_per_mtok, err);
    if (gen_str_is(key, "out"))
        return read_usd(f, v, &p->out_usd_per_mtok, err);
    if (gen_str_is(key, "cached"))
        return read_usd(f, v, &p->cached_usd_per_mtok, err);
    if (gen_str_is(key, "cache_write"))
        return read_usd(f, v, &p->cache_write_usd_per_mtok, err);
    if (gen_str_is(key, "up_to"))
        return read_up_to(f, v, &p->tokens_in_max, err);
    if (gen_str_is(key, "source"))
        return read_text(f, v, p->source, sizeof(p->source), err);
    if (gen_str_is(key, "from"))
        return read_date(f, v, &row->from, err);
    if (gen_str_is(key, "until"))
        return read_date(f, v, &row->until, err);
    if (!gen_str_is(key, "date"))
        return fault(f,
                     "unknown key; a price has in, out, cached, cache_write, up_to, from, until, "
                     "date and source",
                     err);
    int rc = read_date(f, v, &date, err);
    copy(p->date, sizeof(p->date), date);
    return rc;
}

/* The row at f->pointer. */
static int read_row(struct file *f, const struct gen_json *v, struct gen_price_row *row,
                    struct gen_error *err)
{
    struct gen_price *p = &row->price;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    size_t at = strlen(f->pointer);
    if (gen_json_type(v) != GEN_JSON_OBJECT)
        return fault(f, "a price is written {in: 1.25, out: 10}", err);
    p->in_usd_per_mtok = p->out_usd_per_mtok = -1;
    p->cached_usd_per_mtok = p->cache_write_usd_per_mtok = -1;
    p->known = true;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member)) {
        point(f, at, key);
        int rc = read_member(f, key, member, row, err);
        if (rc)
            return rc;
    }
    f->pointer[at] = '\0';
    if (p->in_usd_per_mtok < 0 || p->out_usd_per_mtok < 0)
        return fault(f, "a price needs in and out", err);
    if (p->cached_usd_per_mtok < 0)
        p->cached_usd_per_mtok = p->in_usd_per_mtok;
    if (p->cache_write_usd_per_mtok < 0)
        p->cache_write_usd_per_mtok = p->in_usd_per_mtok;
    if (p->cached_usd_per_mtok > p->in_usd_per_mtok)
        return fault(f, "input from the cache cannot cost more than other input", err);
    return GEN_OK;
}

/* What the rows of one provider share. */
struct walk {
    struct file file;
    struct gen_price_row row; /* filled with the provider, its factor and the file's date */
    gen_price_fn *fn;
    void *ud;
};

static int take_row(struct walk *w, const struct gen_json *v, struct gen_str model,
                    struct gen_error *err)
{
    struct gen_price_row row = w->row;
    row.model = model;
    int rc = read_row(&w->file, v, &row, err);
    return rc ? rc : w->fn(w->ud, &row, err);
}

static int walk_model(struct walk *w, const struct gen_json *v, struct gen_str model,
                      struct gen_error *err)
{
    size_t at = strlen(w->file.pointer);
    if (gen_json_type(v) != GEN_JSON_ARRAY)
        return take_row(w, v, model, err);
    for (size_t i = 0; i < gen_json_count(v); i++) {
        char index[24] = "";
        (void)snprintf(index, sizeof(index), "%zu", i);
        point(&w->file, at, gen_str_from(index));
        int rc = take_row(w, gen_json_at(v, i), model, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static int walk_provider(struct walk *w, const struct gen_json *models, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str model;
    const struct gen_json *v;
    size_t at = strlen(w->file.pointer);
    if (gen_json_type(models) != GEN_JSON_OBJECT)
        return fault(&w->file, "the models of a provider are a map of names to prices", err);
    gen_json_iter_init(&it, models);
    while (gen_json_iter_next(&it, &model, &v)) {
        point(&w->file, at, model);
        int rc = walk_model(w, v, model, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static int read_factor(struct file *f, const struct gen_json *factors, const char *provider,
                       double *out, struct gen_error *err)
{
    const struct gen_json *v = gen_json_get(factors, provider);
    *out = 1;
    if (gen_json_type(factors) != GEN_JSON_NONE && gen_json_type(factors) != GEN_JSON_OBJECT)
        return gen_fail(err, GEN_EUSAGE, "%s: batch_factor is a map of providers to factors",
                        f->path);
    if (gen_json_type(v) == GEN_JSON_NONE)
        return GEN_OK;
    (void)snprintf(f->pointer, sizeof(f->pointer), "/batch_factor");
    point(f, strlen(f->pointer), gen_str_from(provider));
    double factor = 0;
    if (!gen_json_as_real(v, &factor) || factor <= 0 || factor > 1)
        return fault(f, "a batch factor is a number above 0 and at most 1", err);
    *out = factor;
    return GEN_OK;
}

static int check_top(struct file *f, const struct gen_json *root, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, root);
    while (gen_json_iter_next(&it, &key, &v)) {
        point(f, 0, key);
        if (!gen_str_is(key, "date") && !gen_str_is(key, "batch_factor") &&
            !gen_str_is(key, "prices"))
            return fault(f, "unknown key; the file has date, batch_factor and prices", err);
        if (gen_str_is(key, "prices") && gen_json_type(v) != GEN_JSON_OBJECT)
            return fault(f, "prices is a map of providers to their models", err);
    }
    return GEN_OK;
}

static int walk_root(struct walk *w, const struct gen_json *root, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str provider;
    struct gen_str date = {NULL, 0};
    const struct gen_json *models;
    int rc = check_top(&w->file, root, err);
    if (rc == GEN_OK && gen_json_type(gen_json_get(root, "date")) != GEN_JSON_NONE) {
        (void)snprintf(w->file.pointer, sizeof(w->file.pointer), "/date");
        rc = read_date(&w->file, gen_json_get(root, "date"), &date, err);
    }
    copy(w->row.price.date, sizeof(w->row.price.date), date);
    gen_json_iter_init(&it, gen_json_get(root, "prices"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &provider, &models)) {
        char name[64] = "";
        copy(name, sizeof(name), provider);
        w->row.provider = provider;
        rc = read_factor(&w->file, gen_json_get(root, "batch_factor"), name,
                         &w->row.price.batch_factor, err);
        (void)snprintf(w->file.pointer, sizeof(w->file.pointer), "/prices");
        point(&w->file, strlen("/prices"), provider);
        if (rc == GEN_OK)
            rc = walk_provider(w, models, err);
    }
    return rc;
}

int gen_prices_walk(struct gen_str text, const char *path, gen_price_fn *fn, void *ud,
                    struct gen_error *err)
{
    struct gen_yaml *yaml = NULL;
    int rc = gen_yaml_parse(&yaml, text, path, err);
    if (rc)
        return rc;
    struct walk w = {.file = {.yaml = yaml, .path = path}, .fn = fn, .ud = ud};
    const struct gen_json *root = gen_yaml_root(yaml);
    rc = gen_json_type(root) == GEN_JSON_OBJECT
             ? walk_root(&w, root, err)
             : gen_fail(err, GEN_EUSAGE, "%s: the file has date, batch_factor and prices", path);
    gen_yaml_free(yaml);
    return rc;
}

struct gen_price gen_price_nothing(void)
{
    return (struct gen_price){.known = true, .batch_factor = 1};
}

/* "-2024-07-18", "-20251001" or "@20251001" at the end: what providers add for a snapshot. */
static struct gen_str without_date(struct gen_str model)
{
    size_t n = model.n;
    if (n > 11 && model.p[n - 11] == '-' && is_date(gen_str_sub(model, n - 10, 10)))
        return gen_str_sub(model, 0, n - 11);
    if (n > 9 && (model.p[n - 9] == '-' || model.p[n - 9] == '@') &&
        gen_str_starts(gen_str_sub(model, n - 8, 8), GEN_STR("20")) &&
        is_digit_run(gen_str_sub(model, n - 8, 8)))
        return gen_str_sub(model, 0, n - 9);
    return model;
}

struct search {
    struct gen_str provider, model, undated, today;
    size_t rank; /* of the best row so far; 0: none */
    struct gen_price *out;
};

static int compare(struct gen_str a, struct gen_str b)
{
    return memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
}

/* How well a row fits: SIZE_MAX its own, then its undated name, then by the length of a prefix. */
static size_t rank_of(const struct search *s, const struct gen_price_row *row)
{
    struct gen_str m = row->model;
    if (gen_str_eq(m, s->model))
        return SIZE_MAX;
    if (gen_str_eq(m, s->undated))
        return SIZE_MAX - 1;
    if (m.n > 1 && m.p[m.n - 1] == '*' && gen_str_starts(s->model, gen_str_sub(m, 0, m.n - 1)))
        return m.n;
    return 0;
}

static int try_row(void *ud, const struct gen_price_row *row, struct gen_error *err)
{
    struct search *s = ud;
    (void)err;
    size_t rank = gen_str_eq(row->provider, s->provider) ? rank_of(s, row) : 0;
    bool holds = (row->from.n == 0 || compare(row->from, s->today) <= 0) &&
                 (row->until.n == 0 || compare(s->today, row->until) <= 0);
    if (rank == 0 || rank < s->rank)
        return GEN_OK;
    if (holds)
        *s->out = row->price;
    else if (rank > s->rank)
        /* A model's own price that has run out is not replaced by one for many models. */
        *s->out = (struct gen_price){.batch_factor = 1};
    s->rank = rank;
    return GEN_OK;
}

int gen_prices_find(struct gen_str text, const char *path, const char *provider, const char *model,
                    const char *today, struct gen_price *out, struct gen_error *err)
{
    struct gen_price found = {.batch_factor = 1};
    struct search s = {
        .provider = gen_str_from(provider),
        .model = gen_str_from(model),
        .undated = without_date(gen_str_from(model)),
        .today = gen_str_from(today),
        .out = &found,
    };
    int rc = is_date(s.today) ? gen_prices_walk(text, path, try_row, &s, err)
                              : gen_fail(err, GEN_ESTATE, "\"%s\" is no date", today);
    if (rc == GEN_OK)
        *out = found;
    return rc;
}
