/*
 * Private to dataset/: the words by which duplicates and contaminated texts are found. Unlike
 * words.h, which grounds answers in their source, it keeps what tells two questions apart that
 * differ in nothing else: identifiers ("__init__"), operators and signs between letters and digits
 * ("C#", "a + b", "6 / 3", "-5", "!="), vowel signs of Indic scripts, emoji. Case, white space,
 * quotes, sentence punctuation and marks of Markdown ("**bold**", "# heading") are left out.
 *
 * The text is normalised first (base/utf8.h: NFKC, case folded); ASCII is so already but for its
 * case. Characters of scripts that write without spaces (Han, kana, Thai, Lao, Khmer, Burmese) are
 * words of their own.
 */
#ifndef GEN_DATASET_WORD_LIST_H
#define GEN_DATASET_WORD_LIST_H

#include "base/buf.h"

struct gen_listed_word {
    uint64_t hash; /* well mixed: all 64 bits may be used */
    size_t offset, n;
};

/* Used again for one text after the other. */
struct gen_word_list {
    struct gen_listed_word *words;
    size_t n, capacity;
    struct gen_str text; /* what the offsets are in: the text itself, or `normalized` */
    struct gen_buf normalized;
};

static inline struct gen_word_list gen_word_list_make(void)
{
    return (struct gen_word_list){.normalized = gen_buf_make(GEN_BUF_UNLIMITED)};
}
void gen_word_list_release(struct gen_word_list *l);

/* Replaces the words by those of `text`, valid UTF-8 (else GEN_EPARSE), which must stay while
 * offsets are used. */
GEN_MUST_USE int gen_word_list_read(struct gen_word_list *l, struct gen_str text,
                                    struct gen_error *err);

/* The part of the text from word `from` through the last of `n` words. */
struct gen_str gen_word_list_span(const struct gen_word_list *l, size_t from, size_t n);

#endif
