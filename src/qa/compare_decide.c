/* Means, intervals, and what follows from them. */
#include "qa/compare.h"

#include "base/prng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Differences that a reader of the table would call none. */
#define MARGIN_GROUNDED   0.05
#define MARGIN_DUPLICATES 0.02
#define MARGIN_DIVERSITY  0.05
#define FACTOR_SIZE       1.25

const char *gen_compare_rule_name(enum gen_compare_rule rule)
{
    static const char *const names[GEN_N_COMPARE_RULES] = {
        [GEN_COMPARE_NOTHING] = "none",           [GEN_COMPARE_BY_RATING] = "rating",
        [GEN_COMPARE_BY_GROUNDING] = "grounding", [GEN_COMPARE_BY_DUPLICATES] = "duplicates",
        [GEN_COMPARE_BY_DIVERSITY] = "diversity", [GEN_COMPARE_BY_SIZE] = "size",
    };
    return (size_t)rule < GEN_N_COMPARE_RULES ? names[rule] : "none";
}

/* The ratings, as they are drawn again and again. */
struct pool {
    double *paired; /* n_pairs rows of n_sets */
    size_t n_pairs, n_sets;
    double *single[GEN_COMPARE_SETS_MAX];
    size_t n_single[GEN_COMPARE_SETS_MAX];
};

static void free_pool(struct pool *p)
{
    free(p->paired);
    for (size_t s = 0; s < GEN_COMPARE_SETS_MAX; s++)
        free(p->single[s]);
}

/* A pair is one only when each of its rows was judged. */
static int fill_pool(struct pool *p, const struct gen_compare_rating *ratings, size_t n,
                     size_t n_sets, struct gen_error *err)
{
    size_t n_numbers = 0;
    for (size_t i = 0; i < n; i++) {
        if (ratings[i].pair != GEN_COMPARE_UNPAIRED && ratings[i].pair >= n_numbers)
            n_numbers = ratings[i].pair + 1;
    }
    *p = (struct pool){.n_sets = n_sets};
    p->paired = calloc(n_numbers * n_sets + 1, sizeof(double));
    bool ok = p->paired != NULL;
    for (size_t s = 0; s < n_sets; s++) {
        p->single[s] = calloc(n + 1, sizeof(double));
        ok = ok && p->single[s];
    }
    if (!ok)
        return gen_nomem(err, "the ratings");
    for (size_t i = 0; i < n_numbers * n_sets; i++)
        p->paired[i] = NAN;
    for (size_t i = 0; i < n; i++) {
        const struct gen_compare_rating *r = &ratings[i];
        if (r->pair == GEN_COMPARE_UNPAIRED)
            p->single[r->set][p->n_single[r->set]++] = r->rating;
        else
            p->paired[r->pair * n_sets + r->set] = r->rating;
    }
    for (size_t i = 0; i < n_numbers; i++) {
        double *row = &p->paired[i * n_sets];
        bool whole = true;
        for (size_t s = 0; s < n_sets; s++)
            whole = whole && !isnan(row[s]);
        for (size_t s = 0; s < n_sets; s++) {
            if (whole)
                p->paired[p->n_pairs * n_sets + s] = row[s];
            else if (!isnan(row[s]))
                p->single[s][p->n_single[s]++] = row[s];
        }
        p->n_pairs += whole;
    }
    return GEN_OK;
}

static size_t n_of(const struct pool *p, size_t set)
{
    return p->n_pairs + p->n_single[set];
}

static double mean_of(const struct pool *p, size_t set)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_pairs; i++)
        sum += p->paired[i * p->n_sets + set];
    for (size_t i = 0; i < p->n_single[set]; i++)
        sum += p->single[set][i];
    return n_of(p, set) ? sum / (double)n_of(p, set) : 0;
}

/* One resample: the mean of each set. */
static void resample(const struct pool *p, struct gen_prng *g, double *means)
{
    double sums[GEN_COMPARE_SETS_MAX] = {0};
    for (size_t i = 0; i < p->n_pairs; i++) {
        const double *row = &p->paired[gen_prng_below(g, p->n_pairs) * p->n_sets];
        for (size_t s = 0; s < p->n_sets; s++)
            sums[s] += row[s];
    }
    for (size_t s = 0; s < p->n_sets; s++) {
        for (size_t i = 0; i < p->n_single[s]; i++)
            sums[s] += p->single[s][gen_prng_below(g, p->n_single[s])];
        means[s] = n_of(p, s) ? sums[s] / (double)n_of(p, s) : 0;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct gen_compare_interval interval_of(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_value);
    size_t low = (size_t)((double)n * 0.025);
    return (struct gen_compare_interval){values[low], values[n - 1 - low]};
}

int gen_compare_bootstrap(const struct gen_compare_rating *ratings, size_t n, size_t n_sets,
                          uint64_t seed, struct gen_compare_quality *out, size_t *leader,
                          struct gen_error *err)
{
    struct pool p;
    double *means = calloc(GEN_COMPARE_RESAMPLES * n_sets, sizeof(double));
    double *column = calloc(GEN_COMPARE_RESAMPLES, sizeof(double));
    int rc = fill_pool(&p, ratings, n, n_sets, err);
    if (rc == GEN_OK && (!means || !column))
        rc = gen_nomem(err, "the resamples");
    if (rc == GEN_OK) {
        struct gen_prng g = gen_prng_make(seed);
        *leader = SIZE_MAX;
        for (size_t k = 0; k < GEN_COMPARE_RESAMPLES; k++)
            resample(&p, &g, &means[k * n_sets]);
        for (size_t s = 0; s < n_sets; s++) {
            out[s] = (struct gen_compare_quality){.n = n_of(&p, s), .mean = mean_of(&p, s)};
            for (size_t k = 0; k < GEN_COMPARE_RESAMPLES; k++)
                column[k] = means[k * n_sets + s];
            out[s].interval = interval_of(column, GEN_COMPARE_RESAMPLES);
            if (out[s].n && (*leader == SIZE_MAX || out[s].mean > out[*leader].mean))
                *leader = s;
        }
        for (size_t s = 0; s < n_sets && *leader != SIZE_MAX; s++) {
            for (size_t k = 0; k < GEN_COMPARE_RESAMPLES; k++)
                column[k] = means[k * n_sets + *leader] - means[k * n_sets + s];
            out[s].behind = interval_of(column, GEN_COMPARE_RESAMPLES);
        }
    }
    free_pool(&p);
    free(means);
    free(column);
    return rc;
}

static double value_of(const struct gen_compare_figures *f, enum gen_compare_rule rule)
{
    switch (rule) {
    case GEN_COMPARE_BY_GROUNDING:
        return f->grounded;
    case GEN_COMPARE_BY_DUPLICATES:
        return f->duplicates < 0 ? -1 : 1 - f->duplicates;
    case GEN_COMPARE_BY_DIVERSITY:
        return f->diversity;
    case GEN_COMPARE_BY_SIZE:
        return (double)f->n_rows;
    default:
        return -1;
    }
}

/* The set that is ahead of all others by more than the margin, or SIZE_MAX. A figure that is not
 * known of every set says nothing. */
static size_t ahead(const struct gen_compare_figures *sets, size_t n, enum gen_compare_rule rule)
{
    static const double margins[GEN_N_COMPARE_RULES] = {
        [GEN_COMPARE_BY_GROUNDING] = MARGIN_GROUNDED,
        [GEN_COMPARE_BY_DUPLICATES] = MARGIN_DUPLICATES,
        [GEN_COMPARE_BY_DIVERSITY] = MARGIN_DIVERSITY,
    };
    size_t best = 0;
    for (size_t s = 0; s < n; s++) {
        if (value_of(&sets[s], rule) < 0)
            return SIZE_MAX;
        if (value_of(&sets[s], rule) > value_of(&sets[best], rule))
            best = s;
    }
    double top = value_of(&sets[best], rule);
    for (size_t s = 0; s < n; s++) {
        double other = value_of(&sets[s], rule);
        bool clear =
            rule == GEN_COMPARE_BY_SIZE ? top >= other * FACTOR_SIZE : top - other > margins[rule];
        if (s != best && !clear)
            return SIZE_MAX;
    }
    return best;
}

static size_t second_by(const struct gen_compare_figures *sets, size_t n, size_t best,
                        enum gen_compare_rule rule)
{
    size_t second = SIZE_MAX;
    for (size_t s = 0; s < n; s++) {
        if (s != best &&
            (second == SIZE_MAX || value_of(&sets[s], rule) > value_of(&sets[second], rule)))
            second = s;
    }
    return second;
}

/* "the literals of its answers are in their chunks more often (93 %, b 81 %)" */
static void say_figure(const struct gen_compare_figures *sets, size_t n, size_t best,
                       enum gen_compare_rule rule, char *out, size_t n_out)
{
    const struct gen_compare_figures *a = &sets[best];
    const struct gen_compare_figures *b = &sets[second_by(sets, n, best, rule)];
    switch (rule) {
    case GEN_COMPARE_BY_GROUNDING:
        (void)snprintf(out, n_out,
                       "more of what its answers name stands in their chunks (%.0f %%, %s %.0f %%)",
                       a->grounded * 100, b->name, b->grounded * 100);
        break;
    case GEN_COMPARE_BY_DUPLICATES:
        (void)snprintf(out, n_out, "fewer of its questions repeat each other (%.1f %%, %s %.1f %%)",
                       a->duplicates * 100, b->name, b->duplicates * 100);
        break;
    case GEN_COMPARE_BY_DIVERSITY:
        (void)snprintf(out, n_out,
                       "its questions differ more in wording (distinct-2 %.2f, %s %.2f)",
                       a->diversity, b->name, b->diversity);
        break;
    case GEN_COMPARE_BY_SIZE:
        (void)snprintf(out, n_out, "it is larger (%llu rows, %s %llu)",
                       (unsigned long long)a->n_rows, b->name, (unsigned long long)b->n_rows);
        break;
    default:
        (void)snprintf(out, n_out, "nothing else differs");
        break;
    }
}

static enum gen_compare_rule first_figure(const struct gen_compare_figures *sets, size_t n,
                                          size_t *best)
{
    for (int k = GEN_COMPARE_BY_GROUNDING; k < GEN_N_COMPARE_RULES; k++) {
        *best = ahead(sets, n, (enum gen_compare_rule)k);
        if (*best != SIZE_MAX)
            return (enum gen_compare_rule)k;
    }
    return GEN_COMPARE_NOTHING;
}

static bool all_judged(const struct gen_compare_figures *sets, size_t n)
{
    for (size_t s = 0; s < n; s++) {
        if (sets[s].quality.n == 0)
            return false;
    }
    return true;
}

static size_t by_mean(const struct gen_compare_figures *sets, size_t n, size_t leader)
{
    size_t best = SIZE_MAX;
    for (size_t s = 0; s < n; s++) {
        if (s != leader && (best == SIZE_MAX || sets[s].quality.mean > sets[best].quality.mean))
            best = s;
    }
    return best;
}

/* The set whose difference to the leader is least clear. */
static size_t rival_of(const struct gen_compare_figures *sets, size_t n, size_t leader)
{
    size_t rival = SIZE_MAX;
    for (size_t s = 0; s < n; s++) {
        if (s != leader &&
            (rival == SIZE_MAX || sets[s].quality.behind.low < sets[rival].quality.behind.low))
            rival = s;
    }
    return rival;
}

/* A sample that would make the difference clear if it is what it seems: the interval narrows with
 * the root of the sample. */
static void say_sample(const struct gen_compare_quality *rival, double difference, char *out,
                       size_t n_out)
{
    double half = (rival->behind.high - rival->behind.low) / 2;
    double wanted =
        difference > 0.05 ? ceil((double)rival->n * pow(half / difference, 2) * 1.2) : 0;
    out[0] = '\0';
    if (wanted > (double)rival->n && wanted < 5000)
        (void)snprintf(out, n_out, "; a sample of about %.0f may tell them apart", wanted);
}

/* Two sets that were judged under different conditions; false: there are none. */
static bool judged_apart(const struct gen_compare_figures *sets, size_t n, size_t *with,
                         size_t *without)
{
    *with = *without = 0;
    for (size_t s = 1; s < n; s++) {
        if (sets[s].sourced > sets[*with].sourced)
            *with = s;
        if (sets[s].sourced < sets[*without].sourced)
            *without = s;
    }
    return sets[*with].sourced - sets[*without].sourced > GEN_COMPARE_SOURCED_APART;
}

static void decide_judged(const struct gen_compare_figures *sets, size_t n,
                          struct gen_compare_decision *out)
{
    size_t leader = 0;
    size_t fewest = SIZE_MAX;
    for (size_t s = 0; s < n; s++) {
        leader = sets[s].quality.mean > sets[leader].quality.mean ? s : leader;
        fewest = sets[s].quality.n < fewest ? sets[s].quality.n : fewest;
    }
    size_t rival = rival_of(sets, n, leader);
    const struct gen_compare_quality *a = &sets[leader].quality;
    const struct gen_compare_quality *b = &sets[rival].quality;
    double difference = a->mean - b->mean;
    char text[300];
    size_t with;
    size_t without;
    bool apart = judged_apart(sets, n, &with, &without);
    if (!apart && fewest >= GEN_COMPARE_JUDGED_MIN && b->behind.low > 0) {
        const struct gen_compare_figures *second = &sets[by_mean(sets, n, leader)];
        out->winner = leader;
        out->by = GEN_COMPARE_BY_RATING;
        (void)snprintf(out->why, sizeof(out->why),
                       "its judged pairs have a mean rating of %.2f (%.2f to %.2f), those of %s "
                       "%.2f (%.2f to %.2f)",
                       a->mean, a->interval.low, a->interval.high, second->name,
                       second->quality.mean, second->quality.interval.low,
                       second->quality.interval.high);
        return;
    }
    out->by = first_figure(sets, n, &out->leans_to);
    if (apart)
        (void)snprintf(text, sizeof(text),
                       "%.0f %% of the judged rows of %s were judged with their source, of %s %.0f "
                       "%%, so that their ratings cannot be compared",
                       sets[with].sourced * 100, sets[with].name, sets[without].name,
                       sets[without].sourced * 100);
    else if (fewest < GEN_COMPARE_JUDGED_MIN)
        (void)snprintf(text, sizeof(text), "only %zu %s of a set %s judged, which decides nothing",
                       fewest, fewest == 1 ? "pair" : "pairs", fewest == 1 ? "was" : "were");
    else if (difference <= 0)
        (void)snprintf(text, sizeof(text), "%s and %s have the same mean rating, %.2f",
                       sets[leader].name, sets[rival].name, a->mean);
    else {
        char more[80];
        say_sample(b, difference, more, sizeof(more));
        (void)snprintf(text, sizeof(text),
                       "%s is ahead of %s by %.2f, which may be chance (95 %% interval %.2f to "
                       "%.2f)%s",
                       sets[leader].name, sets[rival].name, difference, b->behind.low,
                       b->behind.high, more);
    }
    char figure[300];
    if (out->by == GEN_COMPARE_NOTHING) {
        (void)snprintf(out->why, sizeof(out->why), "%s; no other figure tells them apart", text);
        return;
    }
    say_figure(sets, n, out->leans_to, out->by, figure, sizeof(figure));
    (void)snprintf(out->why, sizeof(out->why), "%s. What speaks for %s: %s", text,
                   sets[out->leans_to].name, figure);
}

void gen_compare_decide(const struct gen_compare_figures *sets, size_t n_sets,
                        struct gen_compare_decision *out)
{
    *out = (struct gen_compare_decision){.winner = SIZE_MAX, .leans_to = SIZE_MAX};
    if (all_judged(sets, n_sets)) {
        decide_judged(sets, n_sets, out);
        return;
    }
    out->by = first_figure(sets, n_sets, &out->winner);
    if (out->by == GEN_COMPARE_NOTHING)
        (void)snprintf(out->why, sizeof(out->why),
                       "nothing was judged, and no computed figure differs by more than chance "
                       "would have it");
    else
        say_figure(sets, n_sets, out->winner, out->by, out->why, sizeof(out->why));
}
