/* Metrics: near duplicates of questions, of all rows or of a sample. */
#include "base/utf8.h"
#include "dataset/dedup.h"
#include "dataset/metrics/metrics_int.h"

#include <stdlib.h>

#define TEXT_BYTES_MAX  4096U
#define BYTES_MAX       ((size_t)48 << 20)
#define DEDUP_BYTES_MAX ((size_t)128 << 20)

static void drop_below(struct gen_near *s)
{
    size_t n = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct gen_near_text t = s->texts[i];
        if (!gen_sampler_wants(&s->sampler, t.hash))
            continue;
        memmove(s->bytes.data + bytes, s->bytes.data + t.offset, t.n);
        t.offset = (uint32_t)bytes;
        bytes += t.n;
        s->texts[n++] = t;
    }
    s->n = n;
    s->bytes.n = bytes;
}

/* The level rises until what is kept fits again. */
static void thin(struct gen_near *s)
{
    unsigned level = s->sampler.level;
    if (s->sampler.n_max > s->n_after)
        s->sampler.n_max = s->n_after;
    s->sampler.n -= s->sampler.n_at[level];
    s->sampler.level++;
    while (s->sampler.n > s->sampler.n_max && s->sampler.level < GEN_LEVELS - 1)
        s->sampler.n -= s->sampler.n_at[s->sampler.level++];
    drop_below(s);
}

static int put(struct gen_near *s, uint64_t hash, uint64_t row, struct gen_str text,
               struct gen_error *err)
{
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 256;
        struct gen_near_text *texts = realloc(s->texts, capacity * sizeof(*texts));
        if (!texts)
            return gen_nomem(err, "a sample of the questions");
        s->texts = texts;
        s->capacity = capacity;
    }
    size_t offset = s->bytes.n;
    int rc = gen_buf_add_str(&s->bytes, text, err);
    if (rc)
        return rc;
    s->texts[s->n++] = (struct gen_near_text){hash, row, (uint32_t)offset, (uint32_t)text.n};
    s->sampler.n_at[gen_metrics_level(hash)]++;
    s->sampler.n++;
    return GEN_OK;
}

int gen_near_add(struct gen_near *s, uint64_t hash, uint64_t row, struct gen_str question,
                 struct gen_error *err)
{
    s->n_offered++;
    if (!gen_sampler_wants(&s->sampler, hash))
        return GEN_OK;
    int rc = put(s, hash, row, gen_utf8_cut(question, TEXT_BYTES_MAX), err);
    if (rc == GEN_OK && (s->sampler.n > s->sampler.n_max || s->bytes.n > BYTES_MAX))
        thin(s);
    return rc;
}

int gen_near_read(const struct gen_near *s, double similarity, struct gen_metrics_duplicates *out,
                  struct gen_error *err)
{
    const struct gen_dedup_options options = {similarity, DEDUP_BYTES_MAX};
    struct gen_metrics_share share = {0};
    struct gen_dedup *d = NULL;
    int rc = s->n ? gen_dedup_new(&d, &options, err) : GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < s->n; i++) {
        const struct gen_near_text *t = &s->texts[i];
        struct gen_duplicate found = {0};
        rc = gen_dedup_add(d, gen_str_sub(gen_buf_str(&s->bytes), t->offset, t->n), t->row, &found,
                           err);
        if (rc == GEN_ELIMIT) {
            rc = GEN_OK;
            break;
        }
        share.n++;
        share.hits += found.is_duplicate;
    }
    gen_dedup_free(d);
    if (rc)
        return rc;
    share.share = share.n ? (double)share.hits / (double)share.n : 0.0;
    out->near = share;
    out->near_is_sample = share.n < s->n_offered;
    return GEN_OK;
}

void gen_near_release(struct gen_near *s)
{
    free(s->texts);
    s->texts = NULL;
    s->n = 0;
    s->capacity = 0;
    gen_buf_release(&s->bytes);
}
