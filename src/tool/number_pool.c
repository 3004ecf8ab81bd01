/* The numbers that observations give, and those of an answer that follow from them. */
#include "tool/number_pool.h"

#include <math.h>

#define POOL_MAX       512 /* numbers that are compared with */
#define POOL_PAIRS_MAX 40  /* beyond it, some pair gives nearly any number */
#define POOL_PAIRS_FEW 4   /* so few that an answer need not say that it computes */

static void put(double *values, size_t *n, double v)
{
    for (size_t i = 0; i < *n; i++) {
        if (values[i] == v)
            return;
    }
    if (*n < POOL_MAX)
        values[(*n)++] = v;
}

static void pool_list(struct gen_number_pool *p, const struct gen_json *list)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    double sum = 0;
    double low = INFINITY;
    double high = -INFINITY;
    size_t n = 0;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &v)) {
        double at;
        if (!gen_json_as_real(v, &at))
            return;
        sum += at;
        low = at < low ? at : low;
        high = at > high ? at : high;
        n++;
    }
    if (n < 2)
        return;
    put(p->totals, &p->n_totals, sum);
    put(p->totals, &p->n_totals, sum / (double)n);
    put(p->totals, &p->n_totals, high - low);
}

/* Members of the same name in a list of objects add up as well. */
static void pool_members(struct gen_number_pool *p, const struct gen_known_result *r, size_t list)
{
    for (size_t n = 0; n < r->n_nodes; n++) {
        size_t parent = r->nodes[n].parent;
        double v;
        if (!gen_json_as_real(r->nodes[n].v, &v) || r->nodes[n].in_array ||
            !r->nodes[parent].in_array || r->nodes[parent].parent != list ||
            r->nodes[parent].index != 0)
            continue;
        double sum = 0;
        size_t count = 0;
        for (size_t m = n; m < r->n_nodes; m++) {
            size_t other = r->nodes[m].parent;
            double at;
            if (r->nodes[other].in_array && r->nodes[other].parent == list &&
                gen_str_eq(r->nodes[m].key, r->nodes[n].key) &&
                gen_json_as_real(r->nodes[m].v, &at)) {
                sum += at;
                count++;
            }
        }
        put(p->totals, &p->n_totals, sum);
        if (count)
            put(p->totals, &p->n_totals, sum / (double)count);
    }
}

/* JSON that was cut is no JSON any more, but its lists can still be counted. */
static void pool_cut_lists(struct gen_number_pool *p, struct gen_str raw)
{
    size_t n = 0;
    bool is_inside = false;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '[') {
            is_inside = true;
            n = 1;
        } else if (c == ']' && is_inside) {
            is_inside = false;
            if (n > 1)
                put(p->totals, &p->n_totals, (double)n);
        }
        n += c == ',';
    }
}

/* An object whose members are things of one kind; a record of fields is not counted. */
static bool is_map(const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    if (gen_json_type(v) != GEN_JSON_OBJECT)
        return false;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member)) {
        if (gen_json_type(member) < GEN_JSON_ARRAY)
            return false;
    }
    return true;
}

static void pool_result(struct gen_number_pool *p, const struct gen_known_result *r)
{
    for (size_t n = 0; n < r->n_nodes; n++) {
        double v;
        const struct gen_json *at = r->nodes[n].v;
        enum gen_json_type type = gen_json_type(at);
        if (gen_json_as_real(at, &v))
            put(p->values, &p->n, v);
        if (type == GEN_JSON_ARRAY || is_map(at))
            put(p->totals, &p->n_totals, (double)gen_json_count(at));
        if (type != GEN_JSON_ARRAY)
            continue;
        pool_list(p, at);
        if (r->n_nodes < 2000)
            pool_members(p, r, n);
    }
    for (size_t i = 0; i < r->words.n_quantities; i++) {
        if (r->words.quantities[i].dimension == GEN_DIMENSION_NONE)
            put(p->values, &p->n, r->words.quantities[i].value);
    }
    if (!r->doc)
        pool_cut_lists(p, r->raw);
    size_t n_lines = 0;
    struct gen_str rest = r->raw;
    struct gen_str line;
    while (!r->doc && gen_str_next_line(&rest, &line))
        n_lines += gen_str_trim(line).n > 0;
    if (n_lines > 1)
        put(p->totals, &p->n_totals, (double)n_lines);
}

int gen_number_pool_fill(struct gen_number_pool *p, struct gen_known *k, struct gen_error *err)
{
    p->values = gen_arena_array(k->arena, POOL_MAX, sizeof(double));
    p->totals = gen_arena_array(k->arena, POOL_MAX, sizeof(double));
    if (!p->values || !p->totals)
        return gen_nomem(err, "the numbers of the observations");
    for (size_t i = 0; i < k->n_results; i++) {
        int rc = gen_known_read(k, i, err);
        if (rc)
            return rc;
        pool_result(p, &k->results[i]);
    }
    for (size_t i = 0; i < k->request.n_quantities; i++) {
        if (k->request.quantities[i].dimension == GEN_DIMENSION_NONE)
            put(p->values, &p->n, k->request.quantities[i].value);
    }
    if (k->n_results > 1)
        put(p->totals, &p->n_totals, (double)k->n_results);
    return GEN_OK;
}

/* Half of the last place that is written. Zeros at the end of a whole number are places of their
 * own unless it is said to be rounded: "about 1,200". */
static double precision(const struct gen_quantity *q, bool is_hedged)
{
    double written = fabs(q->value / q->unit);
    if (q->decimals > 0)
        return 0.5 * pow(10, -q->decimals);
    if (q->decimals < 0)
        return q->is_converted && written >= 1000 ? 0.05 * written : 0;
    double place = 1;
    while (is_hedged && written / place >= 100 && fmod(written, 10 * place) < 0.5)
        place *= 10;
    return 0.5 * place;
}

struct figure {
    const struct gen_quantity *q;
    bool is_hedged;
};

/* `source` rounded gives what is written. Whole sources are not rounded to their neighbours. */
static bool rounds_to(struct figure f, double source)
{
    double v = f.q->value / f.q->unit;
    double size = fabs(v) > 1 ? fabs(v) : 1;
    double slack = precision(f.q, f.is_hedged);
    if (fabs(source - v) <= 1e-9 * size)
        return true;
    bool is_whole = fabs(source - floor(source)) < 1e-9;
    if (is_whole && slack <= 0.5)
        return false;
    return fabs(source - v) <= slack * (1 + 1e-9);
}

static bool in_unit(struct figure f, double source)
{
    static const double factors[] = {1,   1e-3, 1e3,     60,   3600,         86400, 1024,
                                     1e6, 1e9,  1048576, 1e12, 1073741824.0, 1e-2};
    if (rounds_to(f, source))
        return true;
    if (f.q->dimension == GEN_DIMENSION_NONE)
        return false;
    if (f.q->dimension == GEN_DIMENSION_PERCENT)
        return rounds_to(f, 100 * source);
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        if (rounds_to(f, source * factors[i] / f.q->unit))
            return true;
    }
    return false;
}

/* Whole numbers are sums and differences to the last place only. */
static bool adds_up(struct figure f, double source)
{
    bool is_whole = fabs(source - floor(source)) < 1e-9;
    return (is_whole || f.q->decimals > 0) && in_unit(f, source);
}

static bool of_pairs(const struct gen_number_pool *p, struct figure f, bool computes)
{
    const struct gen_quantity *q = f.q;
    bool is_percent = q->dimension == GEN_DIMENSION_PERCENT;
    if (p->n > (computes ? POOL_PAIRS_MAX : POOL_PAIRS_FEW))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double a = p->values[i];
            double b = p->values[j];
            if (i == j)
                continue;
            bool is_ratio = b != 0 && (is_percent || (q->decimals > 0 && computes));
            /* A little more or less than what was observed is an error, no sum. */
            bool is_sum = fabs(a) >= 2 && fabs(b) >= 2;
            if ((is_sum && ((i < j && adds_up(f, a + b)) || adds_up(f, a - b))) ||
                (is_ratio && rounds_to(f, is_percent ? 100 * a / b : a / b)) ||
                (is_percent && b != 0 && rounds_to(f, 100 * (a - b) / b)))
                return true;
            bool is_product = i < j && fabs(a) >= 2 && fabs(b) >= 2;
            if (is_product && fabs(a * b - q->value) <= 1e-9 * fabs(q->value))
                return true;
        }
    }
    return false;
}

static bool in_quantities(const struct gen_words *w, struct figure f)
{
    for (size_t i = 0; i < w->n_quantities; i++) {
        const struct gen_quantity *s = &w->quantities[i];
        if (s->dimension == f.q->dimension && rounds_to(f, s->value / f.q->unit))
            return true;
    }
    return false;
}

/* "about 1,200", "more than 60" */
static bool is_hedged(const struct gen_words *w, const struct gen_quantity *q)
{
    static const char *const hedges[] = {"about",  "around", "roughly", "approximately", "nearly",
                                         "almost", "over",   "than",    "circa",         "ca",
                                         "some",   "~",      "approx",  "\xE2\x89\x88"};
    struct gen_str before = gen_str_trim(gen_str_sub(w->text, 0, q->begin));
    for (size_t i = 0; i < sizeof(hedges) / sizeof(hedges[0]); i++) {
        struct gen_str hedge = gen_str_from(hedges[i]);
        if (before.n >= hedge.n &&
            gen_str_eq_nocase(gen_str_sub(before, before.n - hedge.n, hedge.n), hedge))
            return true;
    }
    return false;
}

bool gen_number_pool_gives(const struct gen_number_pool *p, const struct gen_known *k,
                           const struct gen_words *answer, const struct gen_quantity *q,
                           bool computes)
{
    const struct figure f = {q, is_hedged(answer, q)};
    for (size_t i = 0; i < p->n; i++) {
        if (in_unit(f, p->values[i]))
            return true;
    }
    for (size_t i = 0; i < p->n_totals; i++) {
        if (in_unit(f, p->totals[i]))
            return true;
    }
    bool is_found = in_quantities(&k->request, f);
    for (size_t i = 0; i < k->n_results && !is_found; i++)
        is_found = in_quantities(&k->results[i].words, f);
    return is_found || of_pairs(p, f, computes);
}
