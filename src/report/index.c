#include "report/index.h"

#include "base/hash.h"

#include <stdlib.h>

struct gen_report_key gen_report_key_of(struct gen_str a, struct gen_str b)
{
    uint64_t n = a.n;
    return (struct gen_report_key){gen_hash64(b, gen_hash64(a, n)),
                                   gen_hash64(b, gen_hash64(a, ~n))};
}

static struct gen_report_entry *place_of(const struct gen_report_index *x,
                                         struct gen_report_key key)
{
    size_t at = (size_t)key.low & (x->n_places - 1);
    while (x->places[at].is_used &&
           (x->places[at].key.low != key.low || x->places[at].key.high != key.high))
        at = (at + 1) & (x->n_places - 1);
    return &x->places[at];
}

struct gen_report_entry *gen_report_index_find(const struct gen_report_index *x,
                                               struct gen_report_key key)
{
    struct gen_report_entry *e = x->n_places ? place_of(x, key) : NULL;
    return e && e->is_used ? e : NULL;
}

static int grow(struct gen_report_index *x, struct gen_error *err)
{
    struct gen_report_index larger = {.n_places = x->n_places ? 2 * x->n_places : 1024, .n = x->n};
    larger.places = calloc(larger.n_places, sizeof(*larger.places));
    if (!larger.places)
        return gen_nomem(err, "the index of a report");
    for (size_t i = 0; i < x->n_places; i++) {
        if (x->places[i].is_used)
            *place_of(&larger, x->places[i].key) = x->places[i];
    }
    free(x->places);
    *x = larger;
    return GEN_OK;
}

int gen_report_index_add(struct gen_report_index *x, struct gen_report_key key, uint32_t *value,
                         bool *is_new, struct gen_error *err)
{
    if (2 * ((size_t)x->n + 1) > x->n_places) {
        int rc = grow(x, err);
        if (rc)
            return rc;
    }
    struct gen_report_entry *e = place_of(x, key);
    *is_new = !e->is_used;
    if (*is_new)
        *e = (struct gen_report_entry){.key = key, .value = x->n++, .is_used = true};
    *value = e->value;
    return GEN_OK;
}

void gen_report_index_release(struct gen_report_index *x)
{
    free(x->places);
    *x = (struct gen_report_index){0};
}
