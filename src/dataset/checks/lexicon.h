/*
 * Private to dataset/: phrases as sequences of word classes. A text becomes a row of tokens, each
 * with the classes of its word; a pattern is a short row of classes. Nothing is allocated.
 */
#ifndef GEN_DATASET_LEXICON_H
#define GEN_DATASET_LEXICON_H

#include "base/str.h"

#include <stdint.h>

/* Classes of words. F_ words are German, French or Spanish. */
#define W_THE       (1ULL << 0)
#define W_THIS      (1ULL << 1) /* this, these */
#define W_GIVEN     (1ULL << 2) /* given, provided, attached, supplied */
#define W_EXTRACT   (1ULL << 3) /* passage, excerpt, snippet: nearly always our source */
#define W_TEXT      (1ULL << 4) /* text, paragraph: often a topic */
#define W_SECTION   (1ULL << 5) /* section, chapter, article, document, guide ... */
#define W_CONTEXT   (1ULL << 6) /* context, content, material, page: mostly a topic */
#define W_CODE      (1ULL << 7) /* code, script, example, sample */
#define W_FUNCTION  (1ULL << 8) /* function, program, class, method, file ... */
#define W_FIGURE    (1ULL << 9) /* figure, table, listing, equation, appendix ... */
#define W_AUTHOR    (1ULL << 10)
#define W_INFO      (1ULL << 11) /* information, description, details */
#define W_REPORT    (1ULL << 12) /* says, states, mentions, describes ... */
#define W_SHOW      (1ULL << 13) /* shows, demonstrates, illustrates */
#define W_SAID      (1ULL << 14) /* described, mentioned, shown, stated ... */
#define W_DEFINED   (1ULL << 15) /* defined, given, specified, used: weaker */
#define W_PLACE     (1ULL << 16) /* above, below, earlier, previously */
#define W_AS        (1ULL << 17)
#define W_IN        (1ULL << 18) /* in, from, by, within, throughout */
#define W_ACCORDING (1ULL << 19)
#define W_TO        (1ULL << 20)
#define W_BASED     (1ULL << 21)
#define W_ON        (1ULL << 22)
#define W_SEE       (1ULL << 23)
#define W_OF        (1ULL << 24) /* of: what follows names the thing */
#define W_HEAD      (1ULL << 25) /* nouns that make a compound: file, type, size, header ...; for */
#define W_DOES      (1ULL << 26) /* do, does, did */
#define W_A         (1ULL << 27)
#define W_HERE      (1ULL << 28)
#define W_ADVERB    (1ULL << 29) /* also, explicitly, clearly */
#define W_ORDER     (1ULL << 30) /* previous, preceding, next, following */
#define W_FOLLOWING (1ULL << 31)
#define W_I         (1ULL << 32) /* the pronoun, a capital letter */
#define W_CANNOT    (1ULL << 33) /* also: insufficient */
#define W_NOT       (1ULL << 34) /* in all four languages */
#define W_UNABLE    (1ULL << 35)
#define W_SORRY     (1ULL << 36)
#define W_KNOW      (1ULL << 37) /* know, have */
#define W_CONTAIN   (1ULL << 38) /* contain, include, address, cover */
#define W_NO        (1ULL << 39)
#define W_BE        (1ULL << 40) /* is, are, was, were, be */
#define W_THERE     (1ULL << 41)
#define W_ENOUGH    (1ULL << 42)
#define W_ANSWERED  (1ULL << 43) /* answered, determined, inferred */
#define W_AI        (1ULL << 44) /* AI, language (model) */
#define W_HOW       (1ULL << 45) /* how, what, why */
#define W_WHEN      (1ULL << 46) /* when, where, who */
#define W_WHICH     (1ULL << 47)
#define W_AUX       (1ULL << 48) /* do, is, can, should ... */
#define W_AND       (1ULL << 49)
#define W_BETWEEN   (1ULL << 50) /* between, difference, compare */
#define W_PUNCT     (1ULL << 51) /* one of .,;:!? and the two ends of the text */
#define W_NUMBER    (1ULL << 52) /* 3, 3.2, two, iv */
#define F_THE       (1ULL << 53)
#define F_THIS      (1ULL << 54)
#define F_TEXT      (1ULL << 55) /* Text, Dokument, Abschnitt; texte, extrait; texto, sección ... */
#define F_REPORT    (1ULL << 56)
#define F_SAID      (1ULL << 57)
#define F_PLACE     (1ULL << 58) /* oben, unten; dessus, dessous; arriba, anteriormente */
#define F_ACCORDING (1ULL << 59)
#define F_IN        (1ULL << 60)
#define F_SEE       (1ULL << 61) /* siehe, wie; voir, comme; ver, como */
#define W_PART      (1ULL << 62) /* section, chapter, paragraph */

#define GEN_TOKENS_MAX 1024

struct gen_token {
    uint64_t classes;
    uint64_t word; /* hash */
};

/* How an element of a pattern takes tokens. Taking is greedy: classes of neighbours must differ. */
enum gen_take {
    GEN_TAKE_END = 0, /* of the pattern */
    GEN_TAKE_ONE,
    GEN_TAKE_OTHER,    /* one that has none of the classes */
    GEN_TAKE_NOUN,     /* one, and it must not have been introduced before ("a script ... the
                          script") */
    GEN_TAKE_OPTIONAL, /* none or one */
    GEN_TAKE_MANY,     /* one or more */
    GEN_TAKE_ANY,      /* none or more */
    GEN_TAKE_UNLESS,   /* takes none; the next must be of another kind */
};

/* When a pattern counts. */
enum {
    GEN_WHEN_NO_BLOCK = 1, /* not with several lines or code in it: what is pointed at may be
                              there */
    GEN_WHEN_NO_CODE = 2,  /* not with a back-tick or a colon in it */
    GEN_WHEN_QUESTION = 4, /* only in a text that ends with a question mark */
    GEN_WHEN_AT_START = 8, /* only at the start of the text */
};

struct gen_pattern {
    unsigned when;
    struct {
        enum gen_take take;
        uint64_t classes;
    } elements[8];
};

#define GEN_LEXICON_WORD_BYTES 24U /* of a word and the zero behind it */
#define GEN_LEXICON_SLOTS      2048U

/* A word in lower case, eight bytes a part, the first one lowest, zeros behind the word. */
struct gen_lexicon_key {
    uint64_t parts[GEN_LEXICON_WORD_BYTES / sizeof(uint64_t)];
};

static inline uint64_t gen_lexicon_hash(const struct gen_lexicon_key *key)
{
    uint64_t hash = key->parts[0] * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= (key->parts[1] + hash) * UINT64_C(0xC2B2AE3D27D4EB4F);
    hash ^= key->parts[2] * UINT64_C(0x165667B19E3779F9);
    return hash ^ hash >> 32;
}

/* Where the search for a word begins in the table of slots. */
static inline size_t gen_lexicon_slot(uint64_t hash)
{
    return (size_t)(hash >> 16) % GEN_LEXICON_SLOTS;
}

/* 1 + the number of the word in the table, or 0: open addressing. Made by `bench_checks
 * --lexicon`; a test compares it with the words. */
extern const uint16_t gen_lexicon_slots[GEN_LEXICON_SLOTS];

/* The i-th word of the table, which is sorted by bytes; NULL behind the last. */
const char *gen_lexicon_word(size_t i);
/* 0 for a word that is not in the table. */
uint64_t gen_lexicon_classes(const char *lower_case_word, size_t n);
/* The same; `hash` is the key's. */
uint64_t gen_lexicon_find(const struct gen_lexicon_key *key, uint64_t hash);
/* False when the word is too long (GEN_LEXICON_WORD_BYTES - 1). */
bool gen_lexicon_key_init(struct gen_lexicon_key *key, const char *lower_case_word, size_t n);

struct gen_pattern_set {
    const struct gen_pattern *patterns;
    size_t n;
    /* Each pattern takes a token with one of these; a text without any is done. */
    uint64_t triggers;
};

/* One reading of the text for several sets: bit i is set when a pattern of sets[i] occurs. */
unsigned gen_phrases_find(struct gen_str text, const struct gen_pattern_set *sets, size_t n_sets);

/* True when each pattern of the set takes a token with one of the triggers. For tests. */
bool gen_phrases_triggers_hold(const struct gen_pattern_set *set);
/* The sets of phrases.c, for tests; NULL behind the last. */
const struct gen_pattern_set *gen_phrases_set(size_t i);

/* True when one of the patterns occurs. Looks at all of the text, GEN_TOKENS_MAX words at a time.
 */
bool gen_phrases_occur(struct gen_str text, const struct gen_pattern *patterns, size_t n_patterns);

#endif
