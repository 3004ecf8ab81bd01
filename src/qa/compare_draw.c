/* Which rows are judged. */
#include "qa/compare.h"

#include "base/prng.h"

#include <stdlib.h>

/* Of a row: in one set alone, in all, drawn already. */
enum state { OTHER, SHARED, DRAWN };

static uint64_t mix(uint64_t a, uint64_t b)
{
    struct gen_prng g = gen_prng_make(a ^ (b * 0x9E3779B97F4A7C15ULL));
    return gen_prng_next(&g);
}

static int order_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Equal questions of one chunk get equal ranks in all sets that have no others before them. */
static int by_key(const void *a, const void *b)
{
    const struct gen_compare_row *x = a;
    const struct gen_compare_row *y = b;
    int order = order_u64(x->key, y->key);
    if (order == 0)
        order = order_u64(x->question, y->question);
    return order ? order : order_u64(x->row, y->row);
}

static size_t end_of_key(const struct gen_compare_rows *s, size_t from)
{
    size_t i = from;
    while (i < s->n && s->rows[i].key == s->rows[from].key)
        i++;
    return i;
}

/* First row of the key at or after `from`, in rows sorted by it. */
static size_t find_key(const struct gen_compare_rows *s, size_t from, uint64_t key)
{
    size_t low = from;
    size_t high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->rows[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Marks, of each key that all sets have, as many rows as the set with the fewest has. Returns how
 * many rows that are in each set. */
static size_t mark_shared(struct gen_compare_rows *sets, size_t n_sets)
{
    size_t at[GEN_COMPARE_SETS_MAX] = {0};
    size_t n_shared = 0;
    for (size_t i = 0; i < sets[0].n; i = end_of_key(&sets[0], i)) {
        size_t fewest = end_of_key(&sets[0], i) - i;
        at[0] = i;
        for (size_t s = 1; s < n_sets && fewest; s++) {
            at[s] = find_key(&sets[s], at[s], sets[0].rows[i].key);
            bool has = at[s] < sets[s].n && sets[s].rows[at[s]].key == sets[0].rows[i].key;
            size_t n = has ? end_of_key(&sets[s], at[s]) - at[s] : 0;
            fewest = n < fewest ? n : fewest;
        }
        for (size_t s = 0; s < n_sets && fewest; s++) {
            for (size_t k = 0; k < fewest; k++)
                sets[s].rows[at[s] + k].state = SHARED;
        }
        n_shared += fewest;
    }
    return n_shared;
}

struct candidate {
    uint64_t stratum, draw; /* seeded orders of the sources, and of the rows of one */
    size_t index;
};

static int by_stratum(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    int order = order_u64(x->stratum, y->stratum);
    if (order == 0)
        order = order_u64(x->draw, y->draw);
    return order ? order : order_u64(x->index, y->index);
}

/* `n` of the rows of a set that are in this state, spread evenly over the sources: their indices,
 * in `out`. Fewer when there are not so many. */
static int choose(const struct gen_compare_rows *set, enum state state, size_t n, uint64_t seed,
                  size_t *out, size_t *n_out, struct gen_error *err)
{
    size_t n_all = 0;
    *n_out = 0;
    if (n == 0)
        return GEN_OK;
    struct candidate *all = calloc(set->n + 1, sizeof(*all));
    if (!all)
        return gen_nomem(err, "the rows to draw from");
    for (size_t i = 0; i < set->n; i++) {
        const struct gen_compare_row *r = &set->rows[i];
        if (r->state == (int)state)
            all[n_all++] =
                (struct candidate){mix(r->source, seed), mix(mix(r->key, r->question), seed), i};
    }
    if (n_all)
        qsort(all, n_all, sizeof(*all), by_stratum);
    n = n < n_all ? n : n_all;
    struct gen_prng g = gen_prng_make(seed);
    double start = (double)(gen_prng_next(&g) >> 11) / 9007199254740992.0;
    double step = n ? (double)n_all / (double)n : 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)(((double)i + start) * step);
        out[i] = all[at < n_all ? at : n_all - 1].index;
    }
    *n_out = n;
    free(all);
    return GEN_OK;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many of `n_each` are drawn together: the share that shared rows have in the set where it is
 * least. */
static size_t count_pairs(const struct gen_compare_rows *sets, size_t n_sets, size_t n_shared,
                          size_t n_each)
{
    size_t n_pairs = smaller(n_each, n_shared);
    for (size_t s = 0; s < n_sets; s++) {
        double share = sets[s].n ? (double)n_shared / (double)sets[s].n : 0;
        n_pairs = smaller(n_pairs, (size_t)(share * (double)n_each + 0.5));
    }
    return n_pairs;
}

static int draw_pairs(const struct gen_compare_rows *sets, size_t n_sets, size_t n_pairs,
                      uint64_t seed, size_t *indices, struct gen_compare_draw *out, size_t *n_out,
                      struct gen_error *err)
{
    size_t n = 0;
    int rc = choose(&sets[0], SHARED, n_pairs, seed, indices, &n, err);
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        uint64_t key = sets[0].rows[indices[i]].key;
        size_t rank = indices[i] - find_key(&sets[0], 0, key);
        for (size_t s = 0; s < n_sets; s++) {
            struct gen_compare_row *row = &sets[s].rows[find_key(&sets[s], 0, key) + rank];
            row->state = DRAWN;
            out[(*n_out)++] = (struct gen_compare_draw){s, row->row, i};
        }
    }
    return rc;
}

/* The rest of a set's sample: rows that the others do not have, and then those they have. */
static int draw_others(const struct gen_compare_rows *sets, size_t set, size_t n, uint64_t seed,
                       size_t *indices, struct gen_compare_draw *out, size_t *n_out,
                       struct gen_error *err)
{
    static const enum state order[] = {OTHER, SHARED};
    int rc = GEN_OK;
    for (size_t k = 0; k < 2 && rc == GEN_OK; k++) {
        size_t n_chosen = 0;
        rc = choose(&sets[set], order[k], n, seed, indices, &n_chosen, err);
        for (size_t i = 0; i < n_chosen && rc == GEN_OK; i++)
            out[(*n_out)++] = (struct gen_compare_draw){set, sets[set].rows[indices[i]].row,
                                                        GEN_COMPARE_UNPAIRED};
        n -= n_chosen;
    }
    return rc;
}

static void shuffle(struct gen_compare_draw *rows, size_t n, uint64_t seed)
{
    struct gen_prng g = gen_prng_make(mix(seed, n));
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)gen_prng_below(&g, i);
        struct gen_compare_draw row = rows[i - 1];
        rows[i - 1] = rows[k];
        rows[k] = row;
    }
}

int gen_compare_draw(struct gen_compare_rows *sets, size_t n_sets, size_t n_each, uint64_t seed,
                     struct gen_compare_draw **out, size_t *n_out, struct gen_error *err)
{
    struct gen_compare_draw *draws = calloc(n_each * n_sets + 1, sizeof(*draws));
    size_t *indices = calloc(n_each + 1, sizeof(*indices));
    size_t n = 0;
    int rc = draws && indices ? GEN_OK : gen_nomem(err, "the sample");
    if (rc == GEN_OK) {
        for (size_t s = 0; s < n_sets; s++) {
            for (size_t i = 0; i < sets[s].n; i++)
                sets[s].rows[i].state = OTHER;
            if (sets[s].n)
                qsort(sets[s].rows, sets[s].n, sizeof(*sets[s].rows), by_key);
        }
        size_t n_shared = mark_shared(sets, n_sets);
        size_t n_pairs = count_pairs(sets, n_sets, n_shared, n_each);
        rc = draw_pairs(sets, n_sets, n_pairs, seed, indices, draws, &n, err);
        for (size_t s = 0; s < n_sets && rc == GEN_OK; s++)
            rc = draw_others(sets, s, n_each - n_pairs, seed, indices, draws, &n, err);
    }
    free(indices);
    if (rc) {
        free(draws);
        return rc;
    }
    shuffle(draws, n, seed);
    *out = draws;
    *n_out = n;
    return GEN_OK;
}
