#include "dataset/checks/source.h"

#include "dataset/checks/byte_mask.h"
#include "dataset/checks/numbers.h"
#include "dataset/checks/words.h"

#include <stdlib.h>

#define RARE_TRIES_MAX 48

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put_number(struct gen_source_text *s, uint64_t hash)
{
    size_t mask = s->n_number_slots - 1;
    size_t i = (size_t)hash & mask;
    if (!hash)
        return;
    while (s->numbers[i] && s->numbers[i] != hash)
        i = (i + 1) & mask;
    s->numbers[i] = hash;
}

bool gen_source_has_number(const struct gen_source_text *s, uint64_t hash)
{
    if (!s->n_number_slots || !hash)
        return false;
    size_t mask = s->n_number_slots - 1;
    for (size_t i = (size_t)hash & mask; s->numbers[i]; i = (i + 1) & mask) {
        if (s->numbers[i] == hash)
            return true;
    }
    return false;
}

static size_t count_digit_runs(struct gen_str t)
{
    size_t n = 0;
    size_t i = 0;
    bool was = false;
    for (; t.n - i >= GEN_MASK_BYTES; i += GEN_MASK_BYTES) {
        uint32_t digits = gen_mask_digit(t.p + i);
        n += gen_mask_count(digits & ~(digits << 1 | (uint32_t)was));
        was = digits >> (GEN_MASK_BYTES - 1);
    }
    for (; i < t.n; i++) {
        n += is_digit(t.p[i]) & !was;
        was = is_digit(t.p[i]);
    }
    return n;
}

/* The first digit at or behind `i`, or the end. */
static size_t next_digit(struct gen_str t, size_t i)
{
    for (; t.n - i >= GEN_MASK_BYTES; i += GEN_MASK_BYTES) {
        uint32_t digits = gen_mask_digit(t.p + i);
        if (digits)
            return i + (size_t)__builtin_ctz(digits);
    }
    while (i < t.n && !is_digit(t.p[i]))
        i++;
    return i;
}

/* Digits inside a name are no number; those of "v1.2" are. */
static bool starts_number(struct gen_str t, size_t i)
{
    if (!is_digit(t.p[i]))
        return false;
    if (i == 0 || !gen_ascii_is_word(t.p[i - 1]))
        return true;
    return (t.p[i - 1] == 'v' || t.p[i - 1] == 'V') && (i == 1 || !gen_ascii_is_word(t.p[i - 2]));
}

static int collect_numbers(struct gen_source_text *s, struct gen_error *err)
{
    struct gen_str t = gen_buf_str(&s->text);
    size_t n = count_digit_runs(t);
    if (!n)
        return GEN_OK;
    /* At most three hashes a number, of which a run of digits makes at most two. */
    s->n_number_slots = 8;
    while (s->n_number_slots < n * 4)
        s->n_number_slots *= 2;
    s->numbers = calloc(s->n_number_slots, sizeof(*s->numbers));
    if (!s->numbers)
        return gen_nomem(err, "a prepared source");
    for (size_t i = next_digit(t, 0); i < t.n; i = next_digit(t, i)) {
        if (!starts_number(t, i)) {
            i++;
            continue;
        }
        struct gen_number number;
        gen_number_read(t, i, &number);
        put_number(s, number.any);
        put_number(s, number.full ? number.full : number.bare);
        if (!number.is_grouped) {
            i += number.n;
            continue;
        }
        /* "64,128" may be a list: its parts count as well. */
        for (size_t end = i + number.n; i < end; i++) {
            if (!is_digit(t.p[i]) || (i && is_digit(t.p[i - 1])))
                continue;
            size_t k = i;
            while (k < end && is_digit(t.p[k]))
                k++;
            struct gen_number part;
            gen_number_read(gen_str_sub(t, i, k - i), 0, &part);
            put_number(s, part.any);
            put_number(s, part.bare);
        }
    }
    return GEN_OK;
}

static void fold(char *restrict to, const char *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = gen_ascii_lower(from[i]);
}

int gen_source_text_new(struct gen_source_text **out, struct gen_str source, struct gen_error *err)
{
    struct gen_source_text *s = calloc(1, sizeof(*s));
    if (!s)
        return gen_nomem(err, "a prepared source");
    s->text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_text_normalize(&s->text, source, err);
    if (rc == GEN_OK) {
        s->folded = malloc(s->text.n + 1);
        rc = s->folded ? GEN_OK : gen_nomem(err, "a prepared source");
    }
    if (rc == GEN_OK) {
        fold(s->folded, s->text.data, s->text.n);
        rc = collect_numbers(s, err);
    }
    if (rc) {
        gen_source_text_free(s);
        return rc;
    }
    *out = s;
    return GEN_OK;
}

void gen_source_text_free(struct gen_source_text *s)
{
    if (!s)
        return;
    gen_buf_release(&s->text);
    free(s->folded);
    free(s->numbers);
    free(s);
}

/* Two word characters, or a number that goes on behind a dot or comma. */
static bool is_joined(struct gen_str t, size_t i)
{
    if (gen_ascii_is_word(t.p[i - 1]) && gen_ascii_is_word(t.p[i]))
        return true;
    bool before = (t.p[i - 1] == '.' || t.p[i - 1] == ',') && i >= 2 && is_digit(t.p[i - 2]);
    bool behind = (t.p[i] == '.' || t.p[i] == ',') && i + 1 < t.n && is_digit(t.p[i + 1]);
    return (before && is_digit(t.p[i])) || (behind && is_digit(t.p[i - 1]));
}

/* How common a byte is in texts, roughly; 0 for the rare ones. */
static const unsigned char commonness[256] = {
    [' '] = 20, ['e'] = 19, ['t'] = 18, ['a'] = 17, ['o'] = 16, ['i'] = 15, ['n'] = 14,
    ['s'] = 13, ['r'] = 12, ['h'] = 11, ['l'] = 10, ['d'] = 9,  ['c'] = 8,  ['u'] = 7,
    ['m'] = 6,  ['p'] = 6,  ['f'] = 6,  ['g'] = 5,  ['w'] = 5,  ['y'] = 5,  ['b'] = 5,
    ['v'] = 4,  ['.'] = 4,  [','] = 4,  ['k'] = 4,  ['_'] = 4,  ['0'] = 3,  ['1'] = 3,
    ['2'] = 2,  ['-'] = 2,  ['('] = 2,  [')'] = 2,  ['3'] = 2,  ['4'] = 2,
};

static size_t rarest_byte(struct gen_str s)
{
    size_t best = 0;
    for (size_t i = 1; i < s.n && commonness[(unsigned char)s.p[best]]; i++) {
        if (commonness[(unsigned char)s.p[i]] < commonness[(unsigned char)s.p[best]])
            best = i;
    }
    return best;
}

/* As gen_str_find. A search for the rarest byte is several times faster where that byte is rare
 * indeed; where it is not, the linear search takes over. */
static size_t find_bytes(struct gen_str text, struct gen_str needle, size_t from, size_t rare)
{
    if (from > text.n || needle.n == 0 || needle.n > text.n - from)
        return SIZE_MAX;
    for (unsigned n_tries = 0; n_tries < RARE_TRIES_MAX; n_tries++) {
        size_t n_places = text.n - from - needle.n + 1;
        const char *hit = memchr(text.p + from + rare, needle.p[rare], n_places);
        if (!hit)
            return SIZE_MAX;
        size_t at = (size_t)(hit - text.p) - rare;
        if (memcmp(text.p + at, needle.p, needle.n) == 0)
            return at;
        if (n_places == at - from + 1)
            return SIZE_MAX;
        from = at + 1;
    }
    return gen_str_find(text, needle, from);
}

size_t gen_find_whole(struct gen_str text, struct gen_str needle, size_t from)
{
    size_t rare = needle.n ? rarest_byte(needle) : 0;
    for (;;) {
        size_t at = find_bytes(text, needle, from, rare);
        if (at == SIZE_MAX)
            return SIZE_MAX;
        size_t end = at + needle.n;
        if ((at == 0 || !is_joined(text, at)) && (end == text.n || !is_joined(text, end)))
            return at;
        from = at + 1;
    }
}

size_t gen_source_find(const struct gen_source_text *s, char *needle, size_t n, size_t from)
{
    struct gen_str text = gen_buf_str(&s->text);
    size_t at = gen_find_whole(text, (struct gen_str){needle, n}, from);
    if (at != SIZE_MAX || n == 0)
        return at;
    char first = needle[0];
    bool is_letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    if (!is_letter)
        return SIZE_MAX;
    needle[0] = (char)(first ^ 0x20);
    at = gen_find_whole(text, (struct gen_str){needle, n}, from);
    needle[0] = first;
    return at;
}
