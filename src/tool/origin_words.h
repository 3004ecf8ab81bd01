/*
 * Texts made ready to look values up in: words, numbers, quantities with their units, dates and
 * times of day, each with its place. Words are compared folded (case, width, quotes), camelCase and
 * snake_case are taken apart. Number words and month names are English; other languages are
 * searched by digits and exact words.
 */
#ifndef GEN_TOOL_ORIGIN_WORDS_H
#define GEN_TOOL_ORIGIN_WORDS_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

#define GEN_WORDS_BYTES_MAX                                                                        \
    ((size_t)1 << 20) /* of one text that is looked into; the rest is not                          \
                       */

enum gen_token_kind {
    GEN_TOKEN_WORD = 0,
    GEN_TOKEN_NUMBER,
    GEN_TOKEN_MARK, /* one character that is neither letter nor digit nor blank */
};

struct gen_token {
    uint32_t begin, end; /* bytes of the text */
    struct gen_str form; /* folded; numbers without the commas of their groups */
    enum gen_token_kind kind;
    bool is_glued; /* no blank before it */
    double number; /* of GEN_TOKEN_NUMBER */
};

enum gen_dimension {
    GEN_DIMENSION_NONE = 0,
    GEN_DIMENSION_TIME,   /* seconds */
    GEN_DIMENSION_BYTES,  /* bytes */
    GEN_DIMENSION_LENGTH, /* metres */
    GEN_DIMENSION_MASS,   /* grams */
    GEN_DIMENSION_RATE,   /* hertz */
    GEN_DIMENSION_PERCENT,
    GEN_DIMENSION_ORDINAL,
    GEN_DIMENSION_DATE, /* value: year * 10000 + month * 100 + day */
    GEN_DIMENSION_CLOCK /* value: seconds of the day */
};

struct gen_quantity {
    double value; /* in the base unit */
    uint32_t begin, end;
    enum gen_dimension dimension;
    bool is_converted; /* in words, with a scale or as a part: not the digits themselves */
    bool is_share;     /* "half of", "10 percent": of something else */
    int decimals;      /* digits behind the point as written; -1: not digits */
    double unit;       /* size of the unit it was written in, in the base unit; 1: none */
};

struct gen_words {
    struct gen_str text;
    struct gen_token *tokens;
    size_t n_tokens, tokens_max;
    struct gen_quantity *quantities;
    size_t n_quantities, quantities_max;
    struct gen_arena *arena;
};

/* Reads tokens and quantities. `text` is borrowed. GEN_ENOMEM alone. */
GEN_MUST_USE int gen_words_read(struct gen_words *w, struct gen_str text, struct gen_arena *arena,
                                struct gen_error *err);
/* The parts of it, in this order. */
GEN_MUST_USE int gen_words_tokens(struct gen_words *w, struct gen_error *err);
GEN_MUST_USE int gen_words_numbers(struct gen_words *w, struct gen_error *err);
GEN_MUST_USE int gen_words_dates(struct gen_words *w, struct gen_error *err);
GEN_MUST_USE int gen_words_add_quantity(struct gen_words *w, const struct gen_quantity *q,
                                        struct gen_error *err);

enum gen_words_match {
    GEN_MATCH_EXACT = 0, /* all tokens, blanks and quotes aside */
    GEN_MATCH_BARE,      /* marks are passed over on both sides */
    GEN_MATCH_STEM,      /* the same, words by their stems */
};
/* Where the tokens of `needle` follow each other in `hay`, as a view of the text of `hay`; false:
 * nowhere. */
bool gen_words_find(const struct gen_words *hay, const struct gen_words *needle,
                    enum gen_words_match how, struct gen_str *where);
/* Two folded words of one stem: "recursive" and "recursively"; `loose`: also "write" and
 * "written". */
bool gen_words_same_stem(struct gen_str a, struct gen_str b, bool loose);
/* The token is the word, without case. */
bool gen_token_is(const struct gen_token *t, const char *word);
struct gen_str gen_words_span(const struct gen_words *w, uint32_t begin, uint32_t end);
/* True for articles, prepositions and other words without content. */
bool gen_words_is_stop(struct gen_str form);

#endif
