/* Metrics: counters with a ceiling of memory. */
#include "base/hash.h"
#include "base/utf8.h"
#include "dataset/metrics/metrics_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS_MIN        1024U
#define HISTOGRAM_OCTAVE 12U /* 2^12 = GEN_HISTOGRAM_EXACT */
#define PART_BITS        7U  /* 2^7 = GEN_HISTOGRAM_PARTS */

void gen_sampler_take(struct gen_sampler *s, uint64_t hash)
{
    s->n_at[gen_metrics_level(hash)]++;
    s->n++;
    while (s->n > s->n_max && s->level < GEN_LEVELS - 1)
        s->n -= s->n_at[s->level++];
}

static size_t bucket_of(uint64_t value)
{
    if (value < GEN_HISTOGRAM_EXACT)
        return (size_t)value;
    unsigned octave = 63U - (unsigned)__builtin_clzll(value);
    uint64_t part = (value >> (octave - PART_BITS)) & (GEN_HISTOGRAM_PARTS - 1);
    return GEN_HISTOGRAM_EXACT + (octave - HISTOGRAM_OCTAVE) * (size_t)GEN_HISTOGRAM_PARTS +
           (size_t)part;
}

/* The middle of a bucket. */
static uint64_t value_of(size_t bucket)
{
    if (bucket < GEN_HISTOGRAM_EXACT)
        return bucket;
    size_t i = bucket - GEN_HISTOGRAM_EXACT;
    unsigned octave = HISTOGRAM_OCTAVE + (unsigned)(i / GEN_HISTOGRAM_PARTS);
    uint64_t low = (GEN_HISTOGRAM_PARTS + i % GEN_HISTOGRAM_PARTS) << (octave - PART_BITS);
    return low + (UINT64_C(1) << (octave - PART_BITS)) / 2;
}

void gen_histogram_add(struct gen_histogram *h, uint64_t value)
{
    if (h->n == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->n++;
    h->sum += (double)value;
    h->counts[bucket_of(value)]++;
}

/* The value at nearest rank: the smallest that `percent` of the values do not exceed. */
static uint64_t percentile(const struct gen_histogram *h, unsigned percent)
{
    uint64_t rank = (uint64_t)ceil((double)h->n * percent / 100.0);
    uint64_t seen = 0;
    size_t i = 0;
    for (; i < GEN_HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= rank)
            break;
    }
    uint64_t v = value_of(i);
    if (v > h->max)
        return h->max;
    return v < h->min ? h->min : v;
}

void gen_histogram_read(const struct gen_histogram *h, struct gen_metrics_lengths *out)
{
    memset(out, 0, sizeof(*out));
    if (h->n == 0)
        return;
    out->n = h->n;
    out->mean = h->sum / (double)h->n;
    out->min = h->min;
    out->max = h->max;
    out->p5 = percentile(h, 5);
    out->p50 = percentile(h, 50);
    out->p95 = percentile(h, 95);
}

/* The low bits of kept hashes may all be zero: the place comes from higher ones. */
static size_t slot_of(const uint64_t *slots, size_t n_slots, uint64_t hash)
{
    size_t i = (size_t)(hash >> 24) & (n_slots - 1);
    while (slots[i] && slots[i] != hash)
        i = (i + 1) & (n_slots - 1);
    return i;
}

static int rebuild(struct gen_fingerprints *f, size_t n_slots, struct gen_error *err)
{
    uint64_t *slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return gen_nomem(err, "the fingerprints of the texts");
    f->n = 0;
    for (size_t i = 0; i < f->n_slots; i++) {
        uint64_t hash = f->slots[i];
        if (!hash || gen_metrics_level(hash) < f->level)
            continue;
        slots[slot_of(slots, n_slots, hash)] = hash;
        f->n++;
    }
    free(f->slots);
    f->slots = slots;
    f->n_slots = n_slots;
    return GEN_OK;
}

static int make_room(struct gen_fingerprints *f, struct gen_error *err)
{
    size_t n_max = f->n_slots_max ? f->n_slots_max : GEN_FINGERPRINT_SLOTS_MAX;
    if (f->n + 1 <= f->n_slots / 4 * 3)
        return GEN_OK;
    if (f->n_slots < n_max)
        return rebuild(f, f->n_slots ? f->n_slots * 2 : SLOTS_MIN, err);
    f->level++;
    return rebuild(f, f->n_slots, err);
}

int gen_fingerprints_add(struct gen_fingerprints *f, uint64_t hash, struct gen_error *err)
{
    hash += hash == 0; /* 0 is a free slot */
    unsigned level = gen_metrics_level(hash);
    if (level < f->level)
        return GEN_OK;
    int rc = make_room(f, err);
    if (rc)
        return rc;
    f->rows[level]++;
    if (level < f->level)
        return GEN_OK;
    size_t i = slot_of(f->slots, f->n_slots, hash);
    if (f->slots[i]) {
        f->repeats[level]++;
        return GEN_OK;
    }
    f->slots[i] = hash;
    f->n++;
    return GEN_OK;
}

void gen_fingerprints_read(const struct gen_fingerprints *f, struct gen_metrics_share *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = f->level; i < GEN_LEVELS; i++) {
        out->n += f->rows[i];
        out->hits += f->repeats[i];
    }
    out->share = out->n ? (double)out->hits / (double)out->n : 0.0;
}

uint64_t gen_fingerprints_distinct(const struct gen_fingerprints *f)
{
    return (uint64_t)f->n << f->level;
}

void gen_fingerprints_release(struct gen_fingerprints *f)
{
    free(f->slots);
    f->slots = NULL;
    f->n_slots = 0;
    f->n = 0;
}

static size_t tally_slot(const struct gen_tally *t, uint64_t hash)
{
    size_t i = (size_t)hash & (t->n_slots - 1);
    while (t->slots[i] && t->entries[t->slots[i] - 1].hash != hash)
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

static int tally_grow(struct gen_tally *t, struct gen_error *err)
{
    size_t capacity = t->capacity ? t->capacity * 2 : 64;
    struct gen_tally_entry *entries = realloc(t->entries, capacity * sizeof(*entries));
    if (!entries)
        return gen_nomem(err, "the names that are counted");
    t->entries = entries;
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
    if (!slots)
        return gen_nomem(err, "the names that are counted");
    free(t->slots);
    t->slots = slots;
    t->n_slots = capacity * 2;
    t->capacity = capacity;
    for (size_t k = 0; k < t->n; k++)
        slots[tally_slot(t, t->entries[k].hash)] = (uint32_t)(k + 1);
    return GEN_OK;
}

int gen_tally_add(struct gen_tally *t, uint64_t hash, bool *is_new, struct gen_error *err)
{
    *is_new = false;
    if (t->n == t->capacity && t->n < GEN_TALLY_NAMES_MAX) {
        int rc = tally_grow(t, err);
        if (rc)
            return rc;
    }
    t->n_rows++;
    size_t i = tally_slot(t, hash);
    if (t->slots[i]) {
        t->entries[t->slots[i] - 1].count++;
        return GEN_OK;
    }
    if (t->n == GEN_TALLY_NAMES_MAX) {
        t->is_partial = true;
        return GEN_OK;
    }
    t->entries[t->n] = (struct gen_tally_entry){hash, 1, ""};
    t->slots[i] = (uint32_t)(++t->n);
    *is_new = true;
    return GEN_OK;
}

/* At most GEN_METRICS_NAME_BYTES with the NUL, whole characters; a cut name ends in "...". */
int gen_tally_name(struct gen_tally *t, struct gen_str name, struct gen_error *err)
{
    char text[GEN_METRICS_NAME_BYTES];
    struct gen_str kept = name.n < sizeof(text) ? name : gen_utf8_cut(name, sizeof(text) - 4);
    (void)snprintf(text, sizeof(text), "%.*s%s", GEN_STR_ARG(kept), kept.n < name.n ? "..." : "");
    const char *copy = gen_arena_dup(&t->names, gen_str_from(text));
    if (!copy)
        return gen_nomem(err, "the names that are counted");
    t->entries[t->n - 1].name = copy;
    return GEN_OK;
}

int gen_tally_add_name(struct gen_tally *t, struct gen_str name, struct gen_error *err)
{
    bool is_new;
    int rc = gen_tally_add(t, gen_hash64(name, 0), &is_new, err);
    if (rc == GEN_OK && is_new)
        rc = gen_tally_name(t, name, err);
    return rc;
}

/* Puts entry `k` among the top ones; the earlier of equal ones stays in front. */
static void rank(const struct gen_tally *t, size_t k, size_t top[GEN_METRICS_TOP], size_t *n_top)
{
    uint64_t count = t->entries[k].count;
    size_t i = *n_top;
    while (i > 0 && t->entries[top[i - 1]].count < count)
        i--;
    if (i == GEN_METRICS_TOP)
        return;
    if (*n_top < GEN_METRICS_TOP)
        (*n_top)++;
    memmove(top + i + 1, top + i, (*n_top - i - 1) * sizeof(*top));
    top[i] = k;
}

void gen_tally_read(const struct gen_tally *t, struct gen_metrics_names *out)
{
    size_t top[GEN_METRICS_TOP] = {0};
    uint64_t n_known = 0;
    memset(out, 0, sizeof(*out));
    out->n = t->n_rows;
    out->n_distinct = t->n;
    out->is_partial = t->is_partial;
    for (size_t k = 0; k < t->n; k++) {
        rank(t, k, top, &out->n_top);
        n_known += t->entries[k].count;
    }
    for (size_t k = 0; k < t->n; k++) {
        double share = (double)t->entries[k].count / (double)n_known;
        out->entropy_bits -= share * log2(share);
    }
    /* One name alone has -0. */
    out->entropy_bits = t->n > 1 ? out->entropy_bits : 0.0;
    out->evenness = t->n > 1 ? out->entropy_bits / log2((double)t->n) : 0.0;
    for (size_t i = 0; i < out->n_top; i++) {
        const struct gen_tally_entry *e = &t->entries[top[i]];
        memcpy(out->top[i].name, e->name, strlen(e->name) + 1);
        out->top[i].count = e->count;
        out->top[i].share = (double)e->count / (double)t->n_rows;
    }
}

void gen_tally_release(struct gen_tally *t)
{
    free(t->entries);
    free(t->slots);
    gen_arena_release(&t->names);
    t->entries = NULL;
    t->slots = NULL;
    t->n = 0;
    t->n_slots = 0;
    t->capacity = 0;
}
