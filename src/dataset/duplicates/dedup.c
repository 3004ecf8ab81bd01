/*
 * Kept texts have numbers of their own, ids, from 0 in the order of their coming. By id, in flat
 * arrays: the two hashes of the words, where the shingles begin, the caller's number, and one link
 * and one tag a band. By hash: a table of ids for equal texts, and for each band the heads of
 * chains of texts whose keys fall into one slot; the newest comes first. A tag is 8 bits of the
 * key, so that a stranger in the chain is passed over without a look at its shingles.
 */
#include "dataset/dedup.h"
#include "dataset/duplicates/minhash.h"

#include "base/hash.h"

#include <stdlib.h>

#define BYTES_MAX_DEFAULT ((size_t)1 << 30)
#define TEXTS_MAX         (UINT32_MAX - 1U)
#define NONE              UINT32_MAX
#define HEAD_BITS_MIN     10U
/* Of one band's chain: those with the right tag that are looked at, and links that are followed. */
#define CANDIDATES_MAX 32U
#define STEPS_MAX      256U
#define SEEN_SLOTS     4096U /* over twice the candidates of all bands together */

struct array {
    void *data;
    size_t capacity; /* bytes */
};

struct kept {
    uint64_t key, check; /* two hashes of the words in their order */
    uint64_t number;
    uint64_t first; /* its shingles, up to those of the next one */
};

struct text {
    uint64_t key, check;
    uint64_t band_keys[GEN_MINHASH_BANDS_MAX];
};

struct gen_dedup {
    double similarity;
    bool is_exact_only;
    size_t bytes_max;
    size_t n_bytes;
    struct gen_minhash minhash;
    struct gen_word_list words;
    struct gen_shingles shingles;

    uint32_t n;
    struct array kept;                              /* struct kept */
    struct array links;                             /* uint32_t [n][n_bands] */
    struct array tags;                              /* unsigned char [n][n_bands] */
    struct array pool;                              /* uint32_t: shingles */
    size_t n_pool;                                  /* values in it */
    struct array equal;                             /* uint32_t ids, open addressing */
    unsigned equal_bits;                            /* 0: not there yet */
    struct array heads;                             /* uint32_t ids [n_bands][1 << head_bits] */
    unsigned head_bits;                             /* 0: not there yet */
    uint32_t seen[SEEN_SLOTS], seen_at[SEEN_SLOTS]; /* candidates of the look-up `turn` */
    uint32_t turn;
};

static struct kept *kept_of(const struct gen_dedup *d)
{
    return d->kept.data;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int too_large(const struct gen_dedup *d, struct gen_error *err)
{
    return gen_fail(err, GEN_ELIMIT,
                    "the index of %lu different texts would take more than %zu MiB of memory; "
                    "compare shorter texts (--by question), only equal ones (--similarity 1), or "
                    "split the input",
                    (unsigned long)d->n, d->bytes_max >> 20);
}

static int resize(struct gen_dedup *d, struct array *a, size_t bytes, struct gen_error *err)
{
    if (bytes > d->bytes_max || d->n_bytes - a->capacity > d->bytes_max - bytes)
        return too_large(d, err);
    void *data = realloc(a->data, bytes ? bytes : 1); /* 0 would free it */
    if (!data)
        return gen_nomem(err, "the index of texts");
    d->n_bytes += bytes - a->capacity;
    a->data = data;
    a->capacity = bytes;
    return GEN_OK;
}

/* Room for `bytes` in all. Large arrays grow by a quarter: the ceiling is for what is used. */
static int reserve(struct gen_dedup *d, struct array *a, size_t bytes, struct gen_error *err)
{
    if (bytes <= a->capacity)
        return GEN_OK;
    size_t more = a->capacity < ((size_t)1 << 20) ? a->capacity : a->capacity / 4;
    size_t want = a->capacity + more > bytes ? a->capacity + more : bytes + 256;
    return resize(d, a, want, err);
}

static size_t n_bands(const struct gen_dedup *d)
{
    return d->minhash.shape.n_bands;
}

/* ---- equal texts ----------------------------------------------------------------------------- */

static uint32_t *equal_slot(const struct gen_dedup *d, uint64_t key, uint64_t check)
{
    uint32_t *slots = d->equal.data;
    const struct kept *kept = kept_of(d);
    size_t mask = ((size_t)1 << d->equal_bits) - 1;
    size_t i = (size_t)key & mask;
    while (slots[i] != NONE && (kept[slots[i]].key != key || kept[slots[i]].check != check))
        i = (i + 1) & mask;
    return &slots[i];
}

static int grow_equal(struct gen_dedup *d, struct gen_error *err)
{
    size_t n_slots = (size_t)1 << d->equal_bits;
    if (d->equal_bits && d->n < n_slots / 4 * 3)
        return GEN_OK;
    unsigned bits = d->equal_bits ? d->equal_bits + 1 : HEAD_BITS_MIN;
    n_slots = (size_t)1 << bits;
    int rc = resize(d, &d->equal, n_slots * sizeof(uint32_t), err);
    if (rc)
        return rc;
    d->equal_bits = bits;
    memset(d->equal.data, 0xFF, n_slots * sizeof(uint32_t));
    for (uint32_t id = 0; id < d->n; id++)
        *equal_slot(d, kept_of(d)[id].key, kept_of(d)[id].check) = id;
    return GEN_OK;
}

/* ---- bands ----------------------------------------------------------------------------------- */

static uint32_t *head_of(const struct gen_dedup *d, size_t band, uint64_t key)
{
    uint32_t *heads = d->heads.data;
    return &heads[(band << d->head_bits) + (size_t)(key >> (64U - d->head_bits))];
}

static unsigned char tag_of(uint64_t key)
{
    return (unsigned char)key;
}

static const uint32_t *shingles_of(const struct gen_dedup *d, uint32_t id, size_t *n)
{
    const struct kept *k = &kept_of(d)[id];
    uint64_t end = id + 1 < d->n ? k[1].first : d->n_pool;
    *n = (size_t)(end - k->first);
    return (const uint32_t *)d->pool.data + k->first;
}

static void link_bands(struct gen_dedup *d, uint32_t id, const uint64_t *keys)
{
    uint32_t *links = (uint32_t *)d->links.data + (size_t)id * n_bands(d);
    unsigned char *tags = (unsigned char *)d->tags.data + (size_t)id * n_bands(d);
    for (size_t band = 0; band < n_bands(d); band++) {
        uint32_t *head = head_of(d, band, keys[band]);
        links[band] = *head;
        tags[band] = tag_of(keys[band]);
        *head = id;
    }
}

/* Keys are not kept but made again: a doubling costs as much as the signatures of all texts, each
 * text about one more on the whole. */
static int grow_heads(struct gen_dedup *d, struct gen_error *err)
{
    uint64_t keys[GEN_MINHASH_BANDS_MAX];
    if (d->head_bits && d->n < (size_t)2 << d->head_bits)
        return GEN_OK;
    unsigned bits = d->head_bits ? d->head_bits + 1 : HEAD_BITS_MIN;
    size_t bytes = (n_bands(d) << bits) * sizeof(uint32_t);
    int rc = resize(d, &d->heads, bytes, err);
    if (rc)
        return rc;
    d->head_bits = bits;
    memset(d->heads.data, 0xFF, bytes);
    for (uint32_t id = 0; id < d->n; id++) {
        size_t n = 0;
        const uint32_t *shingles = shingles_of(d, id, &n);
        gen_minhash_keys(&d->minhash, shingles, n, keys);
        link_bands(d, id, keys);
    }
    return GEN_OK;
}

/* True at the first sight of a candidate in this look-up. */
static bool see(struct gen_dedup *d, uint32_t id)
{
    size_t i = (size_t)(id * UINT32_C(0x9E3779B1)) >> 20;
    while (d->seen_at[i] == d->turn && d->seen[i] != id)
        i = (i + 1) % SEEN_SLOTS;
    bool is_new = d->seen_at[i] != d->turn;
    d->seen[i] = id;
    d->seen_at[i] = d->turn;
    return is_new;
}

static void next_turn(struct gen_dedup *d)
{
    d->turn++;
    if (d->turn == 0) {
        memset(d->seen_at, 0, sizeof(d->seen_at));
        d->turn = 1;
    }
}

struct best {
    uint32_t id;
    double similarity;
};

static void weigh(const struct gen_dedup *d, uint32_t id, struct best *best)
{
    size_t n = 0;
    const uint32_t *values = shingles_of(d, id, &n);
    size_t n_mine = d->shingles.n;
    size_t low = n < n_mine ? n : n_mine;
    size_t high = n < n_mine ? n_mine : n;
    if ((double)low / (double)high < d->similarity)
        return;
    double similarity = gen_shingles_similarity(values, n, d->shingles.values, n_mine);
    if (similarity < d->similarity)
        return;
    bool is_first = best->id == NONE;
    if (is_first || similarity > best->similarity ||
        (similarity >= best->similarity && id < best->id))
        *best = (struct best){id, similarity};
}

static void walk(struct gen_dedup *d, size_t band, uint64_t key, struct best *best)
{
    const uint32_t *links = d->links.data;
    const unsigned char *tags = d->tags.data;
    unsigned n_candidates = 0;
    uint32_t id = *head_of(d, band, key);
    for (unsigned step = 0; id != NONE && step < STEPS_MAX; step++) {
        size_t at = (size_t)id * n_bands(d) + band;
        if (tags[at] == tag_of(key)) {
            if (n_candidates++ == CANDIDATES_MAX)
                return;
            if (see(d, id))
                weigh(d, id, best);
        }
        id = links[at];
    }
}

static struct best find_similar(struct gen_dedup *d, const struct text *t)
{
    struct best best = {NONE, 0};
    next_turn(d);
    for (size_t band = 0; band < n_bands(d); band++)
        __builtin_prefetch(head_of(d, band, t->band_keys[band]));
    for (size_t band = 0; band < n_bands(d); band++)
        walk(d, band, t->band_keys[band], &best);
    return best;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Hashes of the words, which are hashes: two texts that are not equal have equal pairs of them with
 * a probability of about 2^-64 for each word and 2^-128 for the whole. */
static void hash_words(const struct gen_word_list *l, uint64_t *key, uint64_t *check)
{
    uint64_t a = l->n;
    uint64_t b = ~(uint64_t)l->n;
    for (size_t i = 0; i < l->n; i++) {
        a = gen_hash_mix(a ^ l->words[i].hash);
        b = (b + l->words[i].hash) * UINT64_C(0x9E3779B97F4A7C15);
        b ^= b >> 29;
    }
    *key = a;
    *check = b;
}

static int read_text(struct gen_dedup *d, struct gen_str text, struct text *t,
                     struct gen_error *err)
{
    int rc = gen_word_list_read(&d->words, text, err);
    if (rc || d->words.n == 0)
        return rc;
    hash_words(&d->words, &t->key, &t->check);
    return GEN_OK;
}

static int read_bands(struct gen_dedup *d, struct text *t, struct gen_error *err)
{
    if (d->is_exact_only)
        return GEN_OK;
    int rc = gen_shingles_read(&d->shingles, &d->words, err);
    if (rc == GEN_OK)
        gen_minhash_keys(&d->minhash, d->shingles.values, d->shingles.n, t->band_keys);
    return rc;
}

static int keep(struct gen_dedup *d, const struct text *t, uint64_t number, struct gen_error *err)
{
    if (d->n == TEXTS_MAX)
        return too_large(d, err);
    size_t n_links = ((size_t)d->n + 1) * n_bands(d);
    size_t n_pool = d->n_pool + d->shingles.n;
    int rc = grow_equal(d, err);
    if (rc == GEN_OK)
        rc = reserve(d, &d->kept, ((size_t)d->n + 1) * sizeof(struct kept), err);
    if (rc == GEN_OK && !d->is_exact_only) {
        rc = grow_heads(d, err);
        if (rc == GEN_OK)
            rc = reserve(d, &d->links, n_links * sizeof(uint32_t), err);
        if (rc == GEN_OK)
            rc = reserve(d, &d->tags, n_links, err);
        if (rc == GEN_OK)
            rc = reserve(d, &d->pool, n_pool * sizeof(uint32_t), err);
    }
    if (rc)
        return rc;
    kept_of(d)[d->n] = (struct kept){t->key, t->check, number, d->n_pool};
    *equal_slot(d, t->key, t->check) = d->n;
    if (!d->is_exact_only) {
        memcpy((uint32_t *)d->pool.data + d->n_pool, d->shingles.values,
               d->shingles.n * sizeof(uint32_t));
        d->n_pool = n_pool;
        link_bands(d, d->n, t->band_keys);
    }
    d->n++;
    return GEN_OK;
}

static struct gen_duplicate repeats(const struct gen_dedup *d, uint32_t id, bool is_exact,
                                    double similarity)
{
    return (struct gen_duplicate){true, is_exact, kept_of(d)[id].number, similarity};
}

/* `*is_new`: `t` is ready to be kept. */
static int look(struct gen_dedup *d, struct gen_str text, struct text *t, struct gen_duplicate *out,
                bool *is_new, struct gen_error *err)
{
    struct gen_duplicate found = {0};
    int rc = read_text(d, text, t, err);
    bool is_text = rc == GEN_OK && d->words.n > 0;
    uint32_t equal = is_text && d->n ? *equal_slot(d, t->key, t->check) : NONE;
    if (is_text && equal == NONE)
        rc = read_bands(d, t, err);
    if (rc)
        return rc;
    if (equal != NONE) {
        found = repeats(d, equal, true, 1.0);
    } else if (is_text && d->n && !d->is_exact_only) {
        struct best best = find_similar(d, t);
        if (best.id != NONE)
            found = repeats(d, best.id, false, best.similarity);
    }
    *is_new = is_text && !found.is_duplicate;
    *out = found;
    return GEN_OK;
}

int gen_dedup_new(struct gen_dedup **out, const struct gen_dedup_options *options,
                  struct gen_error *err)
{
    if (!(options->similarity > 0 && options->similarity <= 1))
        return gen_fail(err, GEN_EUSAGE, "a similarity of %g: it lies above 0 and is at most 1",
                        options->similarity);
    struct gen_dedup *d = calloc(1, sizeof(*d));
    if (!d)
        return gen_nomem(err, "the index of texts");
    d->similarity = options->similarity;
    d->is_exact_only = options->similarity >= 1;
    d->bytes_max = options->bytes_max ? options->bytes_max : BYTES_MAX_DEFAULT;
    d->n_bytes = sizeof(*d);
    d->words = gen_word_list_make();
    gen_minhash_init(&d->minhash, gen_minhash_shape(options->similarity));
    *out = d;
    return GEN_OK;
}

int gen_dedup_add(struct gen_dedup *d, struct gen_str text, uint64_t number,
                  struct gen_duplicate *out, struct gen_error *err)
{
    struct text t;
    struct gen_duplicate found;
    bool is_new = false;
    int rc = look(d, text, &t, &found, &is_new, err);
    if (rc == GEN_OK && is_new)
        rc = keep(d, &t, number, err);
    if (rc == GEN_OK)
        *out = found;
    return rc;
}

size_t gen_dedup_bytes(const struct gen_dedup *d)
{
    return d->n_bytes;
}

void gen_dedup_free(struct gen_dedup *d)
{
    if (!d)
        return;
    struct array *const arrays[] = {&d->kept, &d->links, &d->tags, &d->pool, &d->equal, &d->heads};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        free(arrays[i]->data);
    gen_word_list_release(&d->words);
    gen_shingles_release(&d->shingles);
    free(d);
}
