#include "step/rating.h"

static void count(struct gen_rating_stats *s, double rating, bool kept)
{
    if (s->n_rated == 0 || rating < s->min)
        s->min = rating;
    if (s->n_rated == 0 || rating > s->max)
        s->max = rating;
    s->n_rated++;
    s->n_kept += kept;
    s->sum += rating;
    size_t bin = rating < 0 ? 0 : rating > 10 ? 10 : (size_t)rating;
    s->histogram[bin]++;
}

int gen_rating_settle(struct gen_rating *r, struct gen_release *out, size_t i, double rating,
                      const char *rule, bool *kept, struct gen_error *err)
{
    int rc = GEN_OK;
    if (r->on_rated)
        rc = r->on_rated(r->on_rated_ud, gen_release_item(out, i)->record, &rule, err);
    if (rc)
        return rc;
    count(&r->stats, rating, !rule);
    if (rule)
        gen_release_drop(out, i, rule);
    *kept = !rule;
    return GEN_OK;
}
