/* Comparisons of two texts by their words, and the number of words. */
#include "dataset/checks.h"
#include "dataset/checks/byte_mask.h"
#include "dataset/checks/words.h"

#include <stdlib.h>

#define SLOTS_ON_STACK  1024
#define HASHES_ON_STACK 256

size_t gen_count_words(struct gen_str text)
{
    size_t n = 0;
    size_t at = 0;
    struct gen_word w;
    while (at < text.n) {
        /* Words of ASCII are counted by their starts, without hashes. */
        size_t start = at;
        bool was = false;
        for (; text.n - at >= GEN_MASK_BYTES && !gen_mask_high(text.p + at); at += GEN_MASK_BYTES) {
            uint32_t words = gen_mask_alnum(text.p + at);
            n += gen_mask_count(words & ~(words << 1 | (uint32_t)was));
            was = words >> (GEN_MASK_BYTES - 1);
        }
        for (; at < text.n && (unsigned char)text.p[at] < 0x80; at++) {
            bool is = gen_ascii_is_alnum(text.p[at]);
            n += is & !was;
            was = is;
        }
        if (at == text.n)
            break;
        /* A word that goes on behind ASCII letters is counted once, from its first letter. */
        while (at > start && gen_ascii_is_alnum(text.p[at - 1]))
            at--;
        n -= at < text.n && gen_ascii_is_alnum(text.p[at]);
        n += gen_word_next(text, &at, &w);
    }
    return n;
}

/* Open addressing, never more than half full: 1 + the place of a hash, 0 is free. */
struct gen_word_set {
    uint32_t *slots; /* behind the hashes */
    size_t mask;
    size_t n;
    uint64_t hashes[];
};

static size_t slot_of(const struct gen_word_set *s, uint64_t hash)
{
    size_t i = (size_t)hash & s->mask;
    while (s->slots[i] && s->hashes[s->slots[i] - 1] != hash)
        i = (i + 1) & s->mask;
    return i;
}

int gen_word_set_new(struct gen_word_set **out, struct gen_str text, struct gen_error *err)
{
    uint64_t few[HASHES_ON_STACK];
    size_t n = gen_word_hashes(text, few, HASHES_ON_STACK);
    bool is_long = n == HASHES_ON_STACK;
    size_t n_max = is_long ? gen_count_words(text) : n;
    size_t n_slots = 16;
    while (n_slots / 2 < n_max)
        n_slots *= 2;
    struct gen_word_set *s = NULL;
    if (n_max < UINT32_MAX)
        s = malloc(sizeof(*s) + n_max * sizeof(s->hashes[0]) + n_slots * sizeof(s->slots[0]));
    if (!s)
        return gen_nomem(err, "the words of a text");
    s->mask = n_slots - 1;
    s->n = 0;
    s->slots = (uint32_t *)(void *)(s->hashes + n_max);
    memset(s->slots, 0, n_slots * sizeof(s->slots[0]));
    if (is_long)
        n = gen_word_hashes(text, s->hashes, n_max);
    const uint64_t *hashes = is_long ? s->hashes : few;
    for (size_t k = 0; k < n; k++) {
        uint64_t hash = hashes[k];
        size_t i = slot_of(s, hash);
        if (s->slots[i])
            continue;
        /* Distinct ones move up: never beyond the place they are read from. */
        s->hashes[s->n++] = hash;
        s->slots[i] = (uint32_t)s->n;
    }
    *out = s;
    return GEN_OK;
}

void gen_word_set_free(struct gen_word_set *s)
{
    free(s);
}

/* The similarity when `n_missing` words of `a` are not in `b` and the others are. */
static double similarity_without(const struct gen_word_set *a, const struct gen_word_set *b,
                                 size_t n_missing)
{
    size_t n_all = b->n + n_missing;
    return n_all ? (double)(a->n - n_missing) / (double)n_all : 0.0;
}

bool gen_word_set_is_similar(const struct gen_word_set *a, const struct gen_word_set *b,
                             double similarity)
{
    /* It only falls with each word that is missing, so different texts show it in a few words. */
    size_t n_missing = 0;
    bool is = similarity_without(a, b, 0) >= similarity;
    for (size_t i = 0; is && i < a->n; i++) {
        if (b->slots[slot_of(b, a->hashes[i])])
            continue;
        n_missing++;
        is = similarity_without(a, b, n_missing) >= similarity;
    }
    return is;
}

/* A set of hashes with a mark each; open addressing, never more than half full. */
struct set {
    uint64_t *slots;
    unsigned char *marks;
    size_t mask;
};

static size_t find(const struct set *set, uint64_t hash)
{
    size_t i = (size_t)hash & set->mask;
    while (set->slots[i] && set->slots[i] != hash)
        i = (i + 1) & set->mask;
    return i;
}

static void count(struct set *set, struct gen_str a, struct gen_str b, size_t *n_shared,
                  size_t *n_all)
{
    struct gen_word w;
    size_t at = 0;
    *n_shared = 0;
    *n_all = 0;
    while (gen_word_next(a, &at, &w)) {
        size_t i = find(set, w.hash | 1U);
        *n_all += set->slots[i] == 0;
        set->slots[i] = w.hash | 1U;
        set->marks[i] = 1;
    }
    at = 0;
    while (gen_word_next(b, &at, &w)) {
        size_t i = find(set, w.hash | 1U);
        *n_all += set->slots[i] == 0;
        *n_shared += set->marks[i] == 1;
        set->slots[i] = w.hash | 1U;
        set->marks[i] = 2;
    }
}

int gen_check_similarity(struct gen_str a, struct gen_str b, double *jaccard, struct gen_error *err)
{
    uint64_t slots[SLOTS_ON_STACK];      /* cleared as far as they are used */
    unsigned char marks[SLOTS_ON_STACK]; /* the same */
    struct set set = {slots, marks, 63};
    unsigned char *block = NULL;
    /* Words of one byte with a byte between them are the most that fit; CJK characters are longer.
     */
    size_t n_max = a.n / 2 + b.n / 2 + 2;
    while (set.mask / 2 < n_max)
        set.mask = set.mask * 2 + 1;
    if (set.mask >= SLOTS_ON_STACK) {
        block = malloc((set.mask + 1) * (sizeof(*slots) + 1));
        if (!block)
            return gen_nomem(err, "the words of two texts");
        set.slots = (uint64_t *)(void *)block;
        set.marks = block + (set.mask + 1) * sizeof(*slots);
    }
    memset(set.slots, 0, (set.mask + 1) * sizeof(*slots));
    memset(set.marks, 0, set.mask + 1);
    size_t n_shared;
    size_t n_all;
    count(&set, a, b, &n_shared, &n_all);
    free(block);
    *jaccard = n_all ? (double)n_shared / (double)n_all : 0.0;
    return GEN_OK;
}
