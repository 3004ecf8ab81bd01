/* What the sets of a comparison would be together, without what they repeat. */
#include "cli/compare.h"

#include "dataset/dedup.h"

#include <stdio.h>
#include <stdlib.h>

static int by_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t sort_unique(uint64_t *v, size_t n)
{
    size_t n_out = 0;
    if (n)
        qsort(v, n, sizeof(*v), by_u64);
    for (size_t i = 0; i < n; i++) {
        if (n_out == 0 || v[n_out - 1] != v[i])
            v[n_out++] = v[i];
    }
    return n_out;
}

/* How many different chunks (or sources) the other sets have and the base has not. */
static int count_more(const struct gen_comparison *c, bool chunks, uint64_t *out,
                      struct gen_error *err)
{
    size_t n_all = 1;
    for (size_t s = 0; s < c->n_sets; s++)
        n_all += c->sets[s].index.n;
    uint64_t *base = calloc(n_all, sizeof(*base));
    uint64_t *others = calloc(n_all, sizeof(*others));
    uint64_t no_source = gen_hash64(GEN_STR(""), 1);
    size_t n_base = 0;
    size_t n_others = 0;
    int rc = base && others ? GEN_OK : gen_nomem(err, "the sources of the sets");
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++) {
        for (size_t i = 0; i < c->sets[s].index.n; i++) {
            const struct gen_compare_row *r = &c->sets[s].index.rows[i];
            if (chunks ? !r->has_chunk : r->source == no_source)
                continue;
            uint64_t v = chunks ? r->key : r->source;
            if (s == c->merge.base)
                base[n_base++] = v;
            else
                others[n_others++] = v;
        }
    }
    if (rc == GEN_OK) {
        n_base = sort_unique(base, n_base);
        n_others = sort_unique(others, n_others);
        size_t k = 0;
        for (size_t i = 0; i < n_others; i++) {
            while (k < n_base && base[k] < others[i])
                k++;
            *out += k == n_base || base[k] != others[i];
        }
    }
    free(base);
    free(others);
    return rc;
}

static int merge_row(struct gen_comparison *c, size_t set, const struct gen_record_row *row,
                     void *ud, bool *stop, struct gen_error *err)
{
    struct gen_metrics_view v;
    struct gen_duplicate d;
    char why[160];
    (void)stop;
    if (row->malformed || !gen_metrics_read(row->json, &v, why, sizeof(why)))
        return GEN_OK;
    struct gen_str text = gen_str_trim(v.question).n ? v.question : v.answer;
    int rc = gen_dedup_add(ud, text, c->merge.n_all++, &d, err);
    if (rc)
        return rc;
    c->merge.n_kept[set] += !d.is_duplicate;
    c->merge.n_rows += !d.is_duplicate;
    c->merge.n_exact += d.is_duplicate && d.is_exact;
    c->merge.n_near += d.is_duplicate && !d.is_exact;
    return GEN_OK;
}

static void suggest(struct gen_comparison *c)
{
    struct gen_compare_merge *m = &c->merge;
    const struct gen_compare_figures *base = &c->table[m->base];
    double sum = 0;
    bool known = true;
    for (size_t s = 0; s < c->n_sets; s++) {
        known = known && c->table[s].quality.n > 0;
        sum += (double)m->n_kept[s] * c->table[s].quality.mean;
    }
    m->expected_mean = known && m->n_rows ? sum / (double)m->n_rows : -1;
    uint64_t more = m->n_rows - m->n_kept[m->base];
    bool is_worse = known && m->expected_mean < base->quality.mean - 0.5;
    char mean[160] = "";
    if (known)
        (void)snprintf(mean, sizeof(mean), ", expected mean rating %.2f (%s alone %.2f)",
                       m->expected_mean, base->name, base->quality.mean);
    m->is_suggested = !is_worse && (double)more >= 0.05 * (double)m->n_kept[m->base];
    const char *advice = m->is_suggested ? "worth it"
                         : is_worse      ? "not worth it as they are: curate the others first"
                                         : "not worth it: they add next to nothing";
    (void)snprintf(m->why, sizeof(m->why), "%s%s", advice, mean);
}

int gen_compare_sets_merge(struct gen_comparison *c, struct gen_error *err)
{
    const struct gen_dedup_options options = {.similarity = GEN_COMPARE_SIMILARITY};
    struct gen_compare_merge *m = &c->merge;
    struct gen_dedup *dedup = NULL;
    struct gen_error why = {.msg = ""};
    *m = (struct gen_compare_merge){.expected_mean = -1};
    m->base = c->decision.winner != SIZE_MAX     ? c->decision.winner
              : c->leader != SIZE_MAX            ? c->leader
              : c->decision.leans_to != SIZE_MAX ? c->decision.leans_to
                                                 : 0;
    int rc = count_more(c, true, &m->n_chunks_more, err);
    if (rc == GEN_OK)
        rc = count_more(c, false, &m->n_sources_more, err);
    if (rc == GEN_OK)
        rc = gen_dedup_new(&dedup, &options, err);
    if (rc)
        return rc;
    /* The better set keeps its rows, the others add theirs. */
    rc = gen_compare_walk(c, m->base, merge_row, dedup, &why);
    for (size_t s = 0; s < c->n_sets && rc == GEN_OK; s++) {
        if (s != m->base)
            rc = gen_compare_walk(c, s, merge_row, dedup, &why);
    }
    gen_dedup_free(dedup);
    if (rc == GEN_ELIMIT) {
        gen_log(c->log, GEN_LOG_WARN, "merge", "what the sets would be together is not known: %s",
                why.msg);
        return GEN_OK;
    }
    if (rc) {
        if (err)
            *err = why;
        return rc;
    }
    m->is_known = true;
    suggest(c);
    return GEN_OK;
}
