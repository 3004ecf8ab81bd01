/*
 * K6. Exact is a substring of the normalised source that does not begin or end inside a word; only
 * the first letter may differ in case. Near is a window of the source with a longest common
 * subsequence of at least 90 % of the quote's words (any case, punctuation left out).
 *
 * The windows: a subsequence that misses at most m words begins with one of the first m + 1 words
 * of the quote, so only there a window may start; and it must hold enough words of the quote at
 * all. Both are cheap to know; only what is left pays for the bit-parallel LCS (Hyyrö 2004: one
 * addition and four logic operations for 64 words of the quote and one of the source).
 */
#include "dataset/checks/source.h"
#include "dataset/checks/words.h"

#include <stdlib.h>

#define QUOTE_WORDS_MIN 3
#define QUOTE_WORDS_MAX 256 /* longer ones are exact or absent */
#define MASK_WORDS      (QUOTE_WORDS_MAX / 64)
#define SLOTS           1024
#define PARTS_MAX       8

/* The words of the quote: for each distinct one the set of its positions. */
struct quote {
    uint64_t hash[SLOTS];
    uint16_t class[SLOTS]; /* 1-based; 0 is a free slot */
    uint64_t mask[QUOTE_WORDS_MAX + 1][MASK_WORDS];
    bool starts[QUOTE_WORDS_MAX + 1]; /* a window may begin with this word */
    size_t n, n_classes, n_needed;
};

static uint16_t *slot_of(struct quote *q, uint64_t hash)
{
    size_t i = (size_t)hash & (SLOTS - 1);
    while (q->class[i] && q->hash[i] != hash)
        i = (i + 1) & (SLOTS - 1);
    q->hash[i] = hash;
    return &q->class[i];
}

static uint16_t class_of(const struct quote *q, uint64_t hash)
{
    size_t i = (size_t)hash & (SLOTS - 1);
    while (q->class[i] && q->hash[i] != hash)
        i = (i + 1) & (SLOTS - 1);
    return q->class[i];
}

/* False when the quote has too many words. */
static bool quote_init(struct quote *q, struct gen_str text)
{
    struct gen_word w;
    size_t at = 0;
    memset(q->class, 0, sizeof(q->class));
    memset(q->starts, 0, sizeof(q->starts));
    q->n = 0;
    q->n_classes = 0;
    while (gen_word_next(text, &at, &w)) {
        if (q->n == QUOTE_WORDS_MAX)
            return false;
        uint16_t *class = slot_of(q, w.hash);
        if (!*class) {
            *class = (uint16_t)++q->n_classes;
            memset(q->mask[*class], 0, sizeof(q->mask[0]));
        }
        q->mask[*class][q->n / 64] |= 1ULL << (q->n % 64);
        q->n++;
    }
    q->n_needed = q->n - q->n / 10;
    at = 0;
    for (size_t i = 0; i <= q->n - q->n_needed && gen_word_next(text, &at, &w); i++)
        q->starts[class_of(q, w.hash)] = true;
    return true;
}

static size_t lcs(const struct quote *q, const uint16_t *classes, size_t n)
{
    uint64_t v[MASK_WORDS];
    size_t n_words = (q->n + 63) / 64;
    memset(v, 0xFF, sizeof(v));
    for (size_t i = 0; i < n; i++) {
        if (!classes[i])
            continue;
        const uint64_t *m = q->mask[classes[i]];
        unsigned long long carry = 0;
        for (size_t k = 0; k < n_words; k++) {
            uint64_t u = v[k] & m[k];
            uint64_t sum;
            bool over = __builtin_add_overflow(v[k], u, &sum);
            over |= __builtin_add_overflow(sum, carry, &sum);
            carry = over;
            v[k] = sum | (v[k] & ~m[k]);
        }
    }
    size_t matched = 0;
    for (size_t k = 0; k < n_words; k++) {
        uint64_t valid = k + 1 < n_words || q->n % 64 == 0 ? UINT64_MAX : (1ULL << (q->n % 64)) - 1;
        matched += (size_t)__builtin_popcountll(~v[k] & valid);
    }
    return matched;
}

/* The words of a source as classes of the quote's words, with the offsets of their ends. */
struct stream {
    uint16_t *classes;
    size_t *starts, *ends;
    size_t n;
};

static int stream_init(struct stream *st, const struct quote *q, struct gen_str text,
                       struct gen_error *err)
{
    size_t n_max = text.n; /* single CJK characters take three bytes, other words a blank */
    unsigned char *block = calloc(n_max / 2 + 2, 2 * sizeof(size_t) + sizeof(uint16_t));
    if (!block)
        return gen_nomem(err, "the words of a source");
    st->starts = (size_t *)(void *)block;
    st->ends = st->starts + n_max / 2 + 2;
    st->classes = (uint16_t *)(void *)(st->ends + n_max / 2 + 2);
    st->n = 0;
    struct gen_word w;
    size_t at = 0;
    while (gen_word_next(text, &at, &w)) {
        st->classes[st->n] = class_of(q, w.hash);
        st->starts[st->n] = w.offset;
        st->ends[st->n++] = at;
    }
    return GEN_OK;
}

/* The best window: its place in `*start` and `*end`. False when none is near enough. */
static bool find_window(const struct quote *q, const struct stream *st, size_t *start, size_t *end)
{
    size_t width = q->n + q->n / 4 + 2;
    size_t best = q->n_needed - 1;
    size_t n_known = 0;
    for (size_t i = 0; i < st->n && i < width; i++)
        n_known += st->classes[i] != 0;
    for (size_t i = 0; i < st->n && best < q->n; i++) {
        size_t n = st->n - i < width ? st->n - i : width;
        if (st->classes[i] && q->starts[st->classes[i]] && n_known > best) {
            size_t got = lcs(q, st->classes + i, n);
            if (got > best) {
                best = got;
                *start = st->starts[i];
                while (n > 1 && lcs(q, st->classes + i, n - 1) == got)
                    n--;
                *end = st->ends[i + n - 1];
            }
        }
        n_known -= st->classes[i] != 0;
        n_known += i + width < st->n && st->classes[i + width] != 0;
    }
    return best >= q->n_needed;
}

static int find_near(const struct gen_source_text *s, struct gen_str quote, size_t from,
                     size_t *start, size_t *end, struct gen_error *err)
{
    struct quote *q = malloc(sizeof(*q));
    struct stream st = {0};
    struct gen_str text = gen_buf_str(&s->text);
    *start = SIZE_MAX;
    if (!q)
        return gen_nomem(err, "a quote");
    int rc = GEN_OK;
    if (quote_init(q, quote) && q->n >= QUOTE_WORDS_MIN) {
        rc = stream_init(&st, q, gen_str_sub(text, from, text.n - from), err);
        if (rc == GEN_OK && find_window(q, &st, start, end)) {
            *start += from;
            *end += from;
        }
    }
    free(st.starts);
    free(q);
    return rc;
}

/* Blanks, quotation marks and dots at the ends are the quoting, not the quote. */
static struct gen_str strip(struct gen_str s)
{
    static const char marks[] = " \"'.*";
    while (s.n && strchr(marks, s.p[0]))
        s = gen_str_sub(s, 1, s.n - 1);
    while (s.n && strchr(marks, s.p[s.n - 1]))
        s.n--;
    return s;
}

/* A part of a quote with left-out words, behind `*from`, which moves behind it. */
static int find_part(const struct gen_source_text *s, struct gen_str part, size_t *from,
                     size_t *start, struct gen_error *err)
{
    size_t end = 0;
    char *copy = gen_str_dup(part);
    if (!copy)
        return gen_nomem(err, "a quote");
    *start = gen_source_find(s, copy, part.n, *from);
    end = *start == SIZE_MAX ? 0 : *start + part.n;
    free(copy);
    int rc = GEN_OK;
    if (*start == SIZE_MAX)
        rc = find_near(s, part, *from, start, &end, err);
    if (rc == GEN_OK && *start != SIZE_MAX)
        *from = end;
    return rc;
}

/* Parts around "..." must follow each other in the source; brackets around the dots are dropped. */
static int match_parts(const struct gen_source_text *s, struct gen_str quote,
                       enum gen_quote_match *match, size_t *offset, struct gen_error *err)
{
    size_t from = 0;
    size_t n_parts = 0;
    size_t first = SIZE_MAX;
    bool is_long = false;
    while (quote.n) {
        size_t dots = gen_str_find(quote, GEN_STR("..."), 0);
        size_t n = dots == SIZE_MAX ? quote.n : dots;
        struct gen_str part = gen_str_sub(quote, 0, n);
        quote = dots == SIZE_MAX ? GEN_STR("") : gen_str_sub(quote, n + 3, quote.n);
        while (part.n && strchr("[( ", part.p[part.n - 1]))
            part.n--;
        while (part.n && strchr("]) ", part.p[0]))
            part = gen_str_sub(part, 1, part.n);
        part = strip(part);
        if (!part.n)
            continue;
        size_t start = SIZE_MAX;
        int rc = ++n_parts > PARTS_MAX ? GEN_OK : find_part(s, part, &from, &start, err);
        if (rc || start == SIZE_MAX)
            return rc;
        first = n_parts == 1 ? start : first;
        is_long = is_long || gen_count_words(part) >= QUOTE_WORDS_MIN;
    }
    if (n_parts && is_long) {
        *match = GEN_QUOTE_NEAR;
        *offset = first;
    }
    return GEN_OK;
}

static int check(const struct gen_source_text *s, struct gen_buf *normal,
                 enum gen_quote_match *match, size_t *offset, struct gen_error *err)
{
    struct gen_str quote = gen_buf_str(normal);
    if (gen_count_words(quote) < QUOTE_WORDS_MIN)
        return GEN_OK;
    *offset = gen_source_find(s, normal->data, normal->n, 0);
    struct gen_str bare = strip(quote);
    if (*offset == SIZE_MAX && bare.n < quote.n)
        *offset = gen_source_find(s, normal->data + (bare.p - normal->data), bare.n, 0);
    if (*offset != SIZE_MAX) {
        *match = GEN_QUOTE_EXACT;
        return GEN_OK;
    }
    if (gen_str_find(bare, GEN_STR("..."), 0) != SIZE_MAX) {
        int rc = match_parts(s, bare, match, offset, err);
        if (rc || *match != GEN_QUOTE_ABSENT)
            return rc;
    }
    size_t end = 0;
    int rc = find_near(s, quote, 0, offset, &end, err);
    if (rc == GEN_OK && *offset != SIZE_MAX)
        *match = GEN_QUOTE_NEAR;
    return rc;
}

int gen_check_quote(const struct gen_source_text *s, struct gen_str quote,
                    enum gen_quote_match *match, size_t *offset, struct gen_error *err)
{
    enum gen_quote_match found = GEN_QUOTE_ABSENT;
    size_t at = SIZE_MAX;
    struct gen_buf normal = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_text_normalize(&normal, quote, err);
    if (rc == GEN_OK)
        rc = check(s, &normal, &found, &at, err);
    gen_buf_release(&normal);
    if (rc)
        return rc;
    *match = found;
    if (offset)
        *offset = at;
    return GEN_OK;
}
