#include "base/nearest.h"

#define NAME_BYTES_MAX 63U

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct gen_str a, struct gen_str b)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            row[j] = min2(change, min2(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                row[j] = min2(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

const char *gen_nearest(struct gen_str typed, const char *const *names, size_t n)
{
    if (typed.n == 0 || typed.n > NAME_BYTES_MAX)
        return NULL;
    const char *best = NULL;
    size_t limit = typed.n / 3 > 2 ? typed.n / 3 : 2;
    if (limit >= typed.n)
        limit = typed.n - 1; /* nothing in common is not near */
    size_t best_distance = limit + 1;
    for (size_t i = 0; i < n; i++) {
        struct gen_str name = gen_str_from(names[i]);
        if (name.n > NAME_BYTES_MAX)
            continue;
        size_t d = distance(typed, name);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}
