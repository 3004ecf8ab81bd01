#include "dataset/split.h"

#include "base/num.h"
#include "base/prng.h"

#include <math.h>
#include <stdlib.h>

#define SUM_TOLERANCE 1e-6

bool gen_split_is_usual(const char *name)
{
    struct gen_str s = gen_str_from(name);
    return gen_str_is(s, "train") || gen_str_is(s, "validation") || gen_str_is(s, "test");
}

struct gen_splits gen_splits_whole(void)
{
    return (struct gen_splits){1, {{"train", 1.0, 0, 0}}};
}

static bool is_name(struct gen_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return s.n > 0 && s.n < GEN_SPLIT_NAME_BYTES;
}

static int add_split(struct gen_splits *out, struct gen_str part, struct gen_error *err)
{
    size_t eq = gen_str_find(part, GEN_STR("="), 0);
    struct gen_str name = gen_str_trim(gen_str_sub(part, 0, eq == SIZE_MAX ? part.n : eq));
    if (eq == SIZE_MAX)
        return gen_fail(err, GEN_EUSAGE,
                        "--split has \"%.*s\" without a share; write NAME=SHARE, as in "
                        "train=0.95,validation=0.05",
                        GEN_STR_ARG(gen_str_sub(part, 0, 80)));
    /* `datasets` means every split by "all". */
    if (!is_name(name) || gen_str_is(name, "all"))
        return gen_fail(err, GEN_EUSAGE,
                        "--split: a split cannot be called \"%.*s\"; names are of letters, digits "
                        "and _, shorter than %d, and not \"all\"",
                        GEN_STR_ARG(gen_str_sub(name, 0, 80)), GEN_SPLIT_NAME_BYTES);
    for (size_t i = 0; i < out->n; i++) {
        if (gen_str_is(name, out->rows[i].name))
            return gen_fail(err, GEN_EUSAGE, "--split names \"%.*s\" twice", GEN_STR_ARG(name));
    }
    if (out->n == GEN_SPLITS_MAX)
        return gen_fail(err, GEN_EUSAGE, "--split: there can be at most %d splits", GEN_SPLITS_MAX);
    struct gen_split *split = &out->rows[out->n];
    *split = (struct gen_split){.share = 0};
    memcpy(split->name, name.p, name.n);
    int rc = gen_num_f64(gen_str_trim(gen_str_sub(part, eq + 1, part.n)), 0, 1,
                         "a share of --split", &split->share, err);
    if (rc == GEN_OK && split->share <= 0)
        rc = gen_fail(err, GEN_EUSAGE, "--split: the share of %s must be above 0", split->name);
    out->n += rc == GEN_OK;
    return rc;
}

int gen_splits_parse(struct gen_splits *out, const char *text, struct gen_error *err)
{
    struct gen_splits splits = {.n = 0};
    struct gen_str rest = gen_str_from(text);
    double sum = 0;
    bool more = true;
    while (more) {
        size_t comma = gen_str_find(rest, GEN_STR(","), 0);
        more = comma != SIZE_MAX;
        int rc = add_split(&splits, gen_str_sub(rest, 0, more ? comma : rest.n), err);
        if (rc)
            return rc;
        sum += splits.rows[splits.n - 1].share;
        if (more)
            rest = gen_str_sub(rest, comma + 1, rest.n);
    }
    if (fabs(sum - 1.0) > SUM_TOLERANCE)
        return gen_fail(err, GEN_EUSAGE, "the shares of --split %s sum to %.6g, not to 1", text,
                        sum);
    *out = splits;
    return GEN_OK;
}

struct place {
    uint64_t order;
    uint32_t source;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->source < y->source ? -1 : x->source > y->source;
}

#define UNASSIGNED UINT32_MAX

static void give(struct gen_splits *splits, struct gen_split_source *source, size_t split)
{
    source->split = (uint32_t)split;
    splits->rows[split].n_rows += source->n_rows;
    splits->rows[split].n_sources++;
}

/* The source that brings the split nearest to its target; with `must`, also when none brings it
 * nearer than it is. */
static void give_nearest(struct gen_splits *splits, struct gen_split_source *sources,
                         const struct place *places, size_t n, size_t split, double target,
                         bool must)
{
    struct gen_split_source *best = NULL;
    double have = (double)splits->rows[split].n_rows;
    double best_distance = must ? INFINITY : fabs(target - have);
    for (size_t i = 0; i < n; i++) {
        struct gen_split_source *s = &sources[places[i].source];
        double distance = fabs(target - have - (double)s->n_rows);
        if (s->split == UNASSIGNED && distance < best_distance) {
            best = s;
            best_distance = distance;
        }
    }
    if (best)
        give(splits, best, split);
}

/* Takes what fits in the order of the places: large and small sources have the same chance. */
static void fill(struct gen_splits *splits, struct gen_split_source *sources,
                 const struct place *places, size_t n, size_t split, double target)
{
    for (size_t i = 0; i < n; i++) {
        struct gen_split_source *s = &sources[places[i].source];
        if (s->split == UNASSIGNED &&
            (double)(splits->rows[split].n_rows + s->n_rows) <= target + 0.5)
            give(splits, s, split);
    }
    give_nearest(splits, sources, places, n, split, target, splits->rows[split].n_sources == 0);
}

/* Splits by their shares, the smallest first: the largest takes what the others leave. */
static void by_share(const struct gen_splits *splits, size_t *order)
{
    for (size_t i = 0; i < splits->n; i++) {
        size_t at = i;
        while (at && splits->rows[order[at - 1]].share > splits->rows[i].share) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

int gen_splits_assign(struct gen_splits *splits, struct gen_split_source *sources, size_t n,
                      uint64_t seed, struct gen_error *err)
{
    if (n < splits->n)
        return gen_fail(err, GEN_EINPUT,
                        "the rows come from %zu %s, which cannot fill %zu splits without dividing "
                        "one; use --split-by row, or fewer splits",
                        n, n == 1 ? "source" : "sources", splits->n);
    struct place *places = malloc((n ? n : 1) * sizeof(*places));
    if (!places)
        return gen_nomem(err, "the sources of the splits");
    uint64_t n_rows = 0;
    for (size_t i = 0; i < n; i++) {
        struct gen_prng mix = gen_prng_make(sources[i].key ^ seed);
        places[i] = (struct place){gen_prng_next(&mix), (uint32_t)i};
        sources[i].split = UNASSIGNED;
        n_rows += sources[i].n_rows;
    }
    qsort(places, n, sizeof(*places), compare_places);
    size_t order[GEN_SPLITS_MAX] = {0};
    by_share(splits, order);
    for (size_t i = 0; i + 1 < splits->n; i++)
        fill(splits, sources, places, n, order[i], splits->rows[order[i]].share * (double)n_rows);
    for (size_t i = 0; i < n; i++) {
        if (sources[i].split == UNASSIGNED)
            give(splits, &sources[i], order[splits->n - 1]);
    }
    free(places);
    for (size_t i = 0; i < splits->n; i++) {
        if (splits->rows[i].n_rows == 0)
            return gen_fail(err, GEN_EINPUT,
                            "the sources are too few or too large to fill the split %s; use "
                            "--split-by row",
                            splits->rows[i].name);
    }
    return GEN_OK;
}

/* Whole numbers that sum to n: each share's floor, and the rest to the largest remainders. */
static void whole_counts(const struct gen_splits *splits, uint64_t n, uint64_t *counts)
{
    uint64_t left = n;
    double remainder[GEN_SPLITS_MAX] = {0};
    for (size_t i = 0; i < splits->n; i++) {
        double exact = splits->rows[i].share * (double)n;
        counts[i] = (uint64_t)exact < left ? (uint64_t)exact : left;
        remainder[i] = exact - (double)counts[i];
        left -= counts[i];
    }
    for (; left; left--) {
        size_t top = 0;
        for (size_t i = 1; i < splits->n; i++)
            top = remainder[i] > remainder[top] ? i : top;
        counts[top]++;
        remainder[top] -= 1.0;
    }
}

/* Knuth's algorithm S for several samples at once (TAOCP 3.4.2). */
int gen_splits_assign_rows(struct gen_splits *splits, uint8_t *split_of, uint64_t n, uint64_t seed,
                           struct gen_error *err)
{
    uint64_t counts[GEN_SPLITS_MAX] = {0};
    whole_counts(splits, n, counts);
    for (size_t i = 0; i < splits->n; i++) {
        splits->rows[i].n_rows = counts[i];
        if (counts[i] == 0)
            return gen_fail(err, GEN_EINPUT, "%llu rows are too few to fill the split %s",
                            (unsigned long long)n, splits->rows[i].name);
    }
    struct gen_prng g = gen_prng_make(seed ^ 0x53504C4954ULL);
    for (uint64_t row = 0; row < n; row++) {
        uint64_t draw = gen_prng_below(&g, n - row);
        size_t i = 0;
        while (draw >= counts[i])
            draw -= counts[i++];
        counts[i]--;
        split_of[row] = (uint8_t)i;
    }
    return GEN_OK;
}
