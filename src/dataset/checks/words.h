/*
 * Private to dataset/: words of a text, as hashes of their case-folded letters, and the normal form
 * in which texts are compared.
 */
#ifndef GEN_DATASET_WORDS_H
#define GEN_DATASET_WORDS_H

#include "base/buf.h"

#include <endian.h>
#include <string.h>

/* A run of letters and digits of any script; CJK characters stand alone. */
struct gen_word {
    uint64_t hash; /* of the letters in lower case */
    size_t offset, n;
};

/* The next word of `text` at or behind `*at`, which moves behind it. False at the end. */
bool gen_word_next(struct gen_str text, size_t *at, struct gen_word *out);

/* The hashes of the first `n_max` words of the text, in their order; returns how many there are. */
size_t gen_word_hashes(struct gen_str text, uint64_t *hashes, size_t n_max);

/* Lower case of Latin, Greek and Cyrillic letters; other characters as they are. */
uint32_t gen_char_fold(uint32_t code_point);

/* Letters in lower case and digits; all other bytes are 0. */
extern const unsigned char gen_ascii_fold[256];

static inline bool gen_ascii_is_alnum(char c)
{
    return gen_ascii_fold[(unsigned char)c] != 0;
}

static inline bool gen_ascii_is_word(char c)
{
    return gen_ascii_is_alnum(c) | (c == '_');
}

static inline char gen_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The `n` bytes (1 to 8) of a text from `at`, the first one lowest, zeros above them. Reads no byte
 * outside the text. */
static inline uint64_t gen_bytes_at(struct gen_str text, size_t at, size_t n)
{
    uint64_t x = 0;
    if (at + sizeof(x) <= text.n) {
        memcpy(&x, text.p + at, sizeof(x));
        x = le64toh(x);
    } else if (text.n >= sizeof(x)) {
        memcpy(&x, text.p + text.n - sizeof(x), sizeof(x));
        x = le64toh(x) >> (8 * (at + sizeof(x) - text.n));
    } else {
        for (size_t i = 0; i < n; i++)
            x |= (uint64_t)(unsigned char)text.p[at + i] << (8 * i);
    }
    return n < sizeof(x) ? x & ((UINT64_C(1) << (8 * n)) - 1) : x;
}

/* As gen_utf8_normalize(..., false, ...), but words of ASCII do not pay for Unicode. */
GEN_MUST_USE int gen_text_normalize(struct gen_buf *out, struct gen_str s, struct gen_error *err);

#endif
