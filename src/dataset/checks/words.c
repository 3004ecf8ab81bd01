#include "dataset/checks/words.h"

#include "base/utf8.h"
#include "dataset/checks/byte_mask.h"

#define FNV_START   0xCBF29CE484222325ULL
#define FNV_PRIME   0x100000001B3ULL
#define HASH_FACTOR UINT64_C(0x9E3779B97F4A7C15)

const unsigned char gen_ascii_fold[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',
    ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
    ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
    ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm',
    ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

uint32_t gen_char_fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177))
        return c | 1U;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
        return c + (c & 1U);
    return c;
}

static bool stands_alone(uint32_t c)
{
    return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x31F0 && c <= 0x31FF) ||
           (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* The folded character at `at`, or 0 when it belongs to no word; `*n` is its length. */
static uint32_t char_at(struct gen_str text, size_t at, size_t *n)
{
    unsigned char byte = (unsigned char)text.p[at];
    if (byte < 0x80) {
        *n = 1;
        return gen_ascii_fold[byte];
    }
    uint32_t c = 0;
    *n = gen_utf8_next(gen_str_sub(text, at, 4), &c);
    return gen_utf8_is_word(c) ? gen_char_fold(c) : 0;
}

/* Of a word of ASCII letters and digits: their case is one bit, which digits have set already. */
static uint64_t ascii_hash(struct gen_str text, size_t at, size_t n)
{
    uint64_t hash = FNV_START;
    for (;;) {
        size_t part = n < sizeof(hash) ? n : sizeof(hash);
        uint64_t fold = UINT64_C(0x2020202020202020) >> (8 * (sizeof(hash) - part));
        hash = (hash ^ (gen_bytes_at(text, at, part) | fold)) * HASH_FACTOR;
        hash ^= hash >> 32;
        if (n <= sizeof(hash))
            return hash;
        at += sizeof(hash);
        n -= sizeof(hash);
    }
}

static bool next_of_any_script(struct gen_str text, size_t *at, struct gen_word *out)
{
    size_t i = *at;
    size_t n = 0;
    uint32_t c = 0;
    while (i < text.n && (c = char_at(text, i, &n)) == 0)
        i += n;
    out->offset = i;
    out->hash = FNV_START;
    bool alone = stands_alone(c);
    uint32_t any = 0;
    while (i < text.n && c) {
        out->hash = (out->hash ^ c) * FNV_PRIME;
        any |= c;
        i += n;
        c = !alone && i < text.n ? char_at(text, i, &n) : 0;
        if (stands_alone(c))
            break;
    }
    out->n = i - out->offset;
    *at = i;
    if (any < 0x80 && out->n)
        out->hash = ascii_hash(text, out->offset, out->n);
    return out->n > 0;
}

bool gen_word_next(struct gen_str text, size_t *at, struct gen_word *out)
{
    size_t i = *at;
    while (i < text.n && text.n >= GEN_MASK_BYTES) {
        /* Near the end the last bytes are read, and those in front of `i` are shifted out. */
        size_t from = text.n - i < GEN_MASK_BYTES ? text.n - GEN_MASK_BYTES : i;
        size_t left = GEN_MASK_BYTES - (i - from);
        uint32_t words = gen_mask_alnum(text.p + from) >> (i - from);
        uint32_t high = gen_mask_high(text.p + from) >> (i - from);
        if (high & ((words & (~words + 1)) - 1U))
            break; /* another script comes first, perhaps */
        if (!words) {
            i += left;
            continue;
        }
        unsigned start = (unsigned)__builtin_ctz(words);
        size_t end = start + (size_t)__builtin_ctzll(~(uint64_t)(words >> start));
        if (end >= left && from == i) {
            if (start == 0)
                break;
            i += start;
            continue;
        }
        if (end < left && (high >> end & 1U))
            break;
        out->offset = i + start;
        out->n = end - start;
        out->hash = ascii_hash(text, out->offset, out->n);
        *at = i + end;
        return true;
    }
    *at = i;
    return next_of_any_script(text, at, out);
}

size_t gen_word_hashes(struct gen_str text, uint64_t *hashes, size_t n_max)
{
    struct gen_word w;
    size_t n = 0;
    size_t i = 0;
    while (n < n_max) {
        uint32_t words = 0;
        if (text.n - i >= GEN_MASK_BYTES && !gen_mask_high(text.p + i))
            words = gen_mask_alnum(text.p + i);
        size_t taken = words ? GEN_MASK_BYTES : 0;
        while (words && n < n_max) {
            unsigned start = (unsigned)__builtin_ctz(words);
            unsigned end = start + (unsigned)__builtin_ctzll(~(uint64_t)(words >> start));
            if (end == GEN_MASK_BYTES) {
                taken = start; /* it may go on */
                break;
            }
            hashes[n++] = ascii_hash(text, i + start, end - start);
            words &= UINT32_MAX << end;
        }
        i += taken;
        if (taken)
            continue;
        if (!gen_word_next(text, &i, &w))
            break;
        hashes[n++] = w.hash;
    }
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Up to the next blank; `*ascii` false when it holds other bytes. */
static size_t token_end(struct gen_str s, size_t i, bool *ascii)
{
    unsigned char any = 0;
    while (i < s.n && !is_blank(s.p[i]))
        any |= (unsigned char)s.p[i++];
    *ascii = any < 0x80;
    return i;
}

static int add_ascii(struct gen_buf *out, struct gen_str s, struct gen_error *err)
{
    int rc = out->capacity - out->n > s.n ? GEN_OK : gen_buf_reserve(out, s.n, err);
    if (rc)
        return rc;
    char *to = out->data + out->n;
    for (size_t k = 0; k < s.n; k++)
        to[k] = (char)(s.p[k] == '`' ? '\'' : s.p[k]);
    out->n += s.n;
    out->data[out->n] = '\0';
    return GEN_OK;
}

static bool is_ascii(struct gen_str s)
{
    unsigned char any = 0;
    for (size_t i = 0; i < s.n; i++)
        any |= (unsigned char)s.p[i];
    return any < 0x80;
}

/* The room is reserved. Without branches: a processor guesses the ends of words badly. */
static char *normalize_bytes(char *to, struct gen_str s, bool *after_blank)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool blank = (c == ' ') | ((c >= '\t') & (c <= '\r'));
        *to = (char)(blank ? ' ' : c == '`' ? '\'' : c);
        to += !(blank & *after_blank);
        *after_blank = blank;
    }
    return to;
}

static void normalize_ascii(struct gen_buf *out, struct gen_str s)
{
    char *to = out->data + out->n;
    bool after_blank = true;
    size_t i = 0;
    for (; s.n - i >= GEN_MASK_BYTES; i += GEN_MASK_BYTES) {
        uint32_t blanks = gen_mask_copy_blank(to, s.p + i);
        if (blanks & (blanks << 1 | (uint32_t)after_blank)) {
            to = normalize_bytes(to, gen_str_sub(s, i, GEN_MASK_BYTES), &after_blank);
        } else {
            to += GEN_MASK_BYTES;
            after_blank = blanks >> (GEN_MASK_BYTES - 1);
        }
    }
    to = normalize_bytes(to, gen_str_sub(s, i, s.n - i), &after_blank);
    to -= after_blank & (to > out->data + out->n);
    *to = '\0';
    out->n = (size_t)(to - out->data);
}

int gen_text_normalize(struct gen_buf *out, struct gen_str s, struct gen_error *err)
{
    size_t start = out->n;
    int rc = gen_buf_reserve(out, s.n + 1, err);
    if (rc == GEN_OK && is_ascii(s)) {
        normalize_ascii(out, s);
        return GEN_OK;
    }
    for (size_t i = 0; rc == GEN_OK && i < s.n;) {
        bool ascii;
        size_t end = token_end(s, i, &ascii);
        size_t before = out->n;
        if (end > i) {
            if (out->n > start)
                rc = gen_buf_add_char(out, ' ', err);
            size_t first = out->n;
            if (rc == GEN_OK && ascii)
                rc = add_ascii(out, gen_str_sub(s, i, end - i), err);
            else if (rc == GEN_OK)
                rc = gen_utf8_normalize(out, gen_str_sub(s, i, end - i), false, err);
            if (out->n == first)
                out->n = before; /* nothing but invisible characters */
        }
        i = end + 1;
    }
    return rc;
}
