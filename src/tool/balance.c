#include "tool/balance.h"

#include "base/num.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

static size_t sum_of(const size_t *values, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = gen_size_add(sum, values[i]);
    return sum;
}

/* The class that is furthest below its share and has room. */
static size_t neediest(const double *weights, const size_t *most, const size_t *out, size_t n,
                       double total, double weight_sum)
{
    size_t best = SIZE_MAX;
    double best_lack = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (out[i] >= most[i])
            continue;
        double share = weight_sum > 0 ? total * weights[i] / weight_sum : 0;
        double lack = share - (double)out[i];
        if (best == SIZE_MAX || lack > best_lack + 1e-12) {
            best = i;
            best_lack = lack;
        }
    }
    return best;
}

void gen_balance_apportion(const double *weights, const size_t *most, size_t n, size_t total,
                           size_t *out)
{
    size_t all = sum_of(most, n);
    size_t left = total < all ? total : all;
    for (size_t i = 0; i < n; i++) {
        out[i] = most[i] > 0 && left > 0;
        left -= out[i];
    }
    /* Whole parts of the shares, then what is left by remainder, again while some class is full. */
    while (left > 0) {
        size_t given = 0;
        double open_weight = 0;
        double open_target = (double)left;
        for (size_t i = 0; i < n; i++) {
            if (out[i] < most[i]) {
                open_weight += weights[i];
                open_target += (double)out[i];
            }
        }
        for (size_t i = 0; i < n && open_weight > 0; i++) {
            double share = floor(open_target * weights[i] / open_weight + 1e-9);
            double room = (double)(most[i] - out[i]);
            double more = share - (double)out[i];
            more = more > room ? room : more;
            if (out[i] >= most[i] || more < 1)
                continue;
            size_t add = more > (double)(left - given) ? left - given : (size_t)more;
            out[i] += add;
            given += add;
        }
        left -= given;
        if (given == 0) {
            size_t i = neediest(weights, most, out, n, open_target, open_weight);
            if (i == SIZE_MAX)
                return;
            out[i]++;
            left--;
        }
    }
}

static size_t class_of(struct gen_balance *b, struct gen_str label)
{
    char name[GEN_BALANCE_NAME_BYTES];
    struct gen_str trimmed = gen_str_trim(label);
    gen_utf8_format(name, sizeof(name), "%.*s",
                    GEN_STR_ARG(trimmed.n ? trimmed : GEN_STR("unlabelled")));
    for (size_t i = 0; i < b->n_classes; i++) {
        if (strcmp(b->classes[i].name, name) == 0)
            return i;
    }
    if (b->n_classes == GEN_BALANCE_CLASSES_MAX)
        return GEN_BALANCE_CLASSES_MAX - 1;
    size_t i = b->n_classes++;
    bool is_last = i + 1 == GEN_BALANCE_CLASSES_MAX;
    gen_utf8_format(b->classes[i].name, GEN_BALANCE_NAME_BYTES, "%s", is_last ? "other" : name);
    return i;
}

struct candidate {
    size_t index, class_index;
    double score;
};

static int by_score(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* How many of each class stay. */
static void quotas(const struct gen_balance *b, size_t n_wanted, double ratio_max, size_t *quota)
{
    double weights[GEN_BALANCE_CLASSES_MAX];
    size_t most[GEN_BALANCE_CLASSES_MAX];
    size_t smallest = SIZE_MAX;
    for (size_t i = 0; i < b->n_classes; i++)
        smallest = b->classes[i].n_in < smallest ? b->classes[i].n_in : smallest;
    for (size_t i = 0; i < b->n_classes; i++) {
        double ceiling = ratio_max > 0 ? ceil(ratio_max * (double)smallest) : INFINITY;
        bool is_over = (double)b->classes[i].n_in > ceiling && n_wanted == 0;
        weights[i] = 1;
        most[i] = is_over ? (size_t)ceiling : b->classes[i].n_in;
        most[i] = most[i] ? most[i] : 1;
    }
    gen_balance_apportion(weights, most, b->n_classes, n_wanted ? n_wanted : SIZE_MAX, quota);
}

int gen_balance_choose(struct gen_balance *out, const struct gen_str *labels, const double *scores,
                       size_t n, size_t n_wanted, double ratio_max, bool *keep,
                       struct gen_error *err)
{
    size_t quota[GEN_BALANCE_CLASSES_MAX] = {0};
    *out = (struct gen_balance){.n_in = n};
    if (n == 0)
        return GEN_OK;
    struct candidate *all = calloc(n, sizeof(*all));
    if (!all)
        return gen_nomem(err, "the balance of a set");
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct candidate){i, class_of(out, labels[i]), scores ? scores[i] : 0};
        out->classes[all[i].class_index].n_in++;
        keep[i] = false;
    }
    quotas(out, n_wanted, ratio_max, quota);
    qsort(all, n, sizeof(*all), by_score);
    for (size_t i = 0; i < n; i++) {
        struct gen_balance_class *c = &out->classes[all[i].class_index];
        if (c->n_kept >= quota[all[i].class_index])
            continue;
        c->n_kept++;
        out->n_kept++;
        keep[all[i].index] = true;
    }
    free(all);
    return GEN_OK;
}
