/*
 * Private to dataset/: words of a text, as hashes of their case-folded letters, and the normal form
 * in which texts are compared.
 */
#ifndef GEN_DATASET_WORDS_H
#define GEN_DATASET_WORDS_H

#include "base/buf.h"

/* A run of letters and digits of any script; CJK characters stand alone. */
struct gen_word {
    uint64_t hash; /* of the letters in lower case */
    size_t offset, n;
};

/* The next word of `text` at or behind `*at`, which moves behind it. False at the end. */
bool gen_word_next(struct gen_str text, size_t *at, struct gen_word *out);

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

/* As gen_utf8_normalize(..., false, ...), but words of ASCII do not pay for Unicode. */
GEN_MUST_USE int gen_text_normalize(struct gen_buf *out, struct gen_str s, struct gen_error *err);

#endif
