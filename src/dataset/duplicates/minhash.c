#include "dataset/duplicates/minhash.h"

#include "base/hash.h"

#include <stdlib.h>

#define RECALL_AT_LIMIT       0.9
#define SORT_BY_INSERTION_MAX 40U

static double power(double x, unsigned n)
{
    double y = 1.0;
    while (n--)
        y *= x;
    return y;
}

double gen_minhash_recall(struct gen_minhash_shape shape, double similarity)
{
    return 1.0 - power(1.0 - power(similarity, shape.n_rows), shape.n_bands);
}

struct gen_minhash_shape gen_minhash_shape(double similarity)
{
    struct gen_minhash_shape best = {GEN_MINHASH_N, 1};
    for (unsigned rows = 2; rows <= GEN_MINHASH_N; rows++) {
        struct gen_minhash_shape shape = {GEN_MINHASH_N / rows, rows};
        if (gen_minhash_recall(shape, similarity) >= RECALL_AT_LIMIT)
            best = shape;
    }
    return best;
}

static int reserve(struct gen_shingles *s, size_t n, struct gen_error *err)
{
    if (n <= s->capacity)
        return GEN_OK;
    size_t capacity = s->capacity ? s->capacity : 64;
    while (capacity < n)
        capacity *= 2;
    uint32_t *values = malloc(2 * capacity * sizeof(*values));
    if (!values)
        return gen_nomem(err, "the shingles of a text");
    free(s->values);
    s->values = values;
    s->scratch = values + capacity;
    s->capacity = capacity;
    return GEN_OK;
}

static void sort_by_insertion(uint32_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t x = v[i];
        size_t k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* Four passes over bytes, lowest first: the result ends where it began. */
static void sort_by_bytes(uint32_t *v, uint32_t *scratch, size_t n)
{
    for (unsigned shift = 0; shift < 32; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < n; i++)
            start[(v[i] >> shift & 0xFFU) + 1]++;
        for (size_t k = 1; k < 257; k++)
            start[k] += start[k - 1];
        for (size_t i = 0; i < n; i++)
            scratch[start[v[i] >> shift & 0xFFU]++] = v[i];
        uint32_t *t = v;
        v = scratch;
        scratch = t;
    }
}

int gen_shingles_read(struct gen_shingles *s, const struct gen_word_list *words,
                      struct gen_error *err)
{
    const struct gen_listed_word *w = words->words;
    size_t width = words->n < 3 ? 1 : 3;
    size_t n = words->n < 3 ? words->n : words->n - 2;
    int rc = reserve(s, n, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = width;
        for (size_t k = 0; k < width; k++)
            hash = (hash ^ w[i + k].hash) * UINT64_C(0x9E3779B97F4A7C15) + k;
        s->values[i] = (uint32_t)(gen_hash_mix(hash) >> 32);
    }
    if (n <= SORT_BY_INSERTION_MAX)
        sort_by_insertion(s->values, n);
    else
        sort_by_bytes(s->values, s->scratch, n);
    s->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->n == 0 || s->values[s->n - 1] != s->values[i])
            s->values[s->n++] = s->values[i];
    }
    return GEN_OK;
}

void gen_shingles_release(struct gen_shingles *s)
{
    free(s->values);
    *s = (struct gen_shingles){0};
}

double gen_shingles_similarity(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
    size_t i = 0;
    size_t k = 0;
    size_t n_shared = 0;
    while (i < n_a && k < n_b) {
        uint32_t x = a[i];
        uint32_t y = b[k];
        n_shared += x == y;
        i += x <= y;
        k += y <= x;
    }
    size_t n_all = n_a + n_b - n_shared;
    return n_all ? (double)n_shared / (double)n_all : 0.0;
}

void gen_minhash_init(struct gen_minhash *m, struct gen_minhash_shape shape)
{
    m->shape = shape;
    for (unsigned j = 0; j < GEN_MINHASH_N; j++) {
        uint64_t x = gen_hash_mix((j + 1) * UINT64_C(0x9E3779B97F4A7C15));
        m->flips[j] = (uint32_t)x;
        m->factors[j] = (uint32_t)(x >> 32) | 1U;
    }
}

/* Every step is one-to-one on 32 bits, so each column is a permutation of the shingles. The loop
 * over columns is one that compilers turn into vector instructions. */
static void sign(const struct gen_minhash *m, const uint32_t *shingles, size_t n,
                 uint32_t out[GEN_MINHASH_N])
{
    memset(out, 0xFF, GEN_MINHASH_N * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        uint32_t x = shingles[i];
        for (unsigned j = 0; j < GEN_MINHASH_N; j++) {
            uint32_t h = (x ^ m->flips[j]) * m->factors[j];
            h ^= h >> 15;
            h *= UINT32_C(0x2C1B3C6D);
            out[j] = h < out[j] ? h : out[j];
        }
    }
}

void gen_minhash_keys(const struct gen_minhash *m, const uint32_t *shingles, size_t n,
                      uint64_t keys[GEN_MINHASH_BANDS_MAX])
{
    uint32_t signature[GEN_MINHASH_N];
    sign(m, shingles, n, signature);
    for (unsigned band = 0; band < m->shape.n_bands; band++) {
        uint64_t hash = band + 1;
        for (unsigned row = 0; row < m->shape.n_rows; row++)
            hash = (hash ^ signature[band * m->shape.n_rows + row]) * UINT64_C(0x9E3779B97F4A7C15);
        keys[band] = gen_hash_mix(hash);
    }
}
