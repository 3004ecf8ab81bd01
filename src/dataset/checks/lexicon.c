#include "dataset/checks/lexicon.h"

#include "base/utf8.h"
#include "dataset/checks/byte_mask.h"
#include "dataset/checks/words.h"

#define OVERLAP    16   /* tokens kept from one window to the next: longer than any pattern */
#define UNDERSCORE 0x7F /* how _ is kept: with the bit of lower case, which it has not itself */

/* A text on its way through the tokens. */
struct reader {
    struct gen_str text;
    size_t at;
    bool in_span, in_block;
    struct gen_token tokens[GEN_TOKENS_MAX];
    size_t n;
};

static void add(struct reader *r, uint64_t classes, uint64_t word)
{
    r->tokens[r->n++] = (struct gen_token){classes, word};
}

/* The next character in lower case; typographic apostrophes as '. */
static size_t next_char(struct gen_str s, size_t at, uint32_t *c)
{
    unsigned char byte = (unsigned char)s.p[at];
    size_t n = 1;
    if (byte < 0x80) {
        *c = (unsigned char)gen_ascii_lower((char)byte);
        return n;
    }
    n = gen_utf8_next(gen_str_sub(s, at, 4), c);
    *c = *c == 0x2019 ? '\'' : gen_char_fold(*c);
    return n;
}

static bool is_word_char(uint32_t c)
{
    return c < 0x80 ? gen_ascii_is_word((char)c) || c == '\'' : gen_utf8_is_word(c);
}

static size_t put_char(char *buffer, size_t n, uint32_t c)
{
    if (c < 0x80) {
        buffer[n] = (char)c;
        return n + 1;
    }
    if (c < 0x800) {
        buffer[n] = (char)(0xC0U | (c >> 6));
        buffer[n + 1] = (char)(0x80U | (c & 0x3FU));
        return n + 2;
    }
    buffer[n] = '\x01'; /* no word of ours has such characters */
    return n + 1;
}

static bool is_number(const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (word[i] < '0' || word[i] > '9')
            return false;
    }
    return n > 0;
}

static uint64_t classes_of(const struct gen_lexicon_key *key, uint64_t hash, bool is_capital)
{
    if (key->parts[0] == 'i')
        return is_capital ? W_I : 0;
    return gen_lexicon_find(key, hash);
}

/* Words of any script, with apostrophes, and numbers. */
static void read_any_word(struct reader *r)
{
    char word[GEN_LEXICON_WORD_BYTES] = "";
    size_t n = 0;
    bool is_long = false;
    bool is_capital = r->text.p[r->at] >= 'A' && r->text.p[r->at] <= 'Z';
    while (r->at < r->text.n) {
        uint32_t c;
        size_t bytes = next_char(r->text, r->at, &c);
        bool decimal = c == '.' && is_number(word, n) && r->at + 1 < r->text.n &&
                       r->text.p[r->at + 1] >= '0' && r->text.p[r->at + 1] <= '9';
        if (!is_word_char(c) && !decimal)
            break;
        r->at += bytes;
        if (n + 2 > sizeof(word))
            is_long = true;
        else if (!decimal)
            n = put_char(word, n, c == '_' ? UNDERSCORE : c);
    }
    while (n && word[n - 1] == '\'')
        n--;
    size_t skip = n && word[0] == '\'' ? 1 : 0;
    if (n > skip + 2 && word[n - 2] == '\'' && word[n - 1] == 's')
        n -= 2;
    struct gen_lexicon_key key = {0};
    (void)gen_lexicon_key_init(&key, word + skip, n - skip);
    uint64_t hash = gen_lexicon_hash(&key);
    uint64_t classes = 0;
    if (!is_long && !r->in_span && n > skip)
        classes = is_number(word + skip, n - skip) ? W_NUMBER : classes_of(&key, hash, is_capital);
    add(r, classes, hash);
}

/* The length of the word that begins at `at`, when it is plain: of ASCII letters, digits and _, not
 * with a digit first, and nothing behind it that could belong to it. Else 0. */
static size_t plain_length(struct gen_str s, size_t at)
{
    if (s.n < GEN_MASK_BYTES || (s.p[at] >= '0' && s.p[at] <= '9'))
        return 0;
    /* Near the end the last bytes are read, and those in front of the word are shifted out. */
    size_t from = s.n - at < GEN_MASK_BYTES ? s.n - GEN_MASK_BYTES : at;
    uint64_t words = gen_mask_word(s.p + from) >> (at - from);
    size_t n = (size_t)__builtin_ctzll(~words);
    if (n >= GEN_LEXICON_WORD_BYTES)
        return 0;
    char behind = at + n < s.n ? s.p[at + n] : ' ';
    return behind == '\'' || (unsigned char)behind >= 0x80 ? 0 : n;
}

static void read_word(struct reader *r)
{
    size_t n = plain_length(r->text, r->at);
    if (n == 0) {
        read_any_word(r);
        return;
    }
    static const uint64_t fold = UINT64_C(0x2020202020202020);
    struct gen_lexicon_key key = {0};
    size_t part = n < 8 ? n : 8;
    key.parts[0] = gen_bytes_at(r->text, r->at, part) | fold >> (64 - 8 * part);
    for (size_t k = 8; k < n; k += 8) {
        part = n - k < 8 ? n - k : 8;
        uint64_t bytes = gen_bytes_at(r->text, r->at + k, part);
        key.parts[k / 8] = bytes | fold >> (64 - 8 * part);
    }
    bool is_capital = r->text.p[r->at] >= 'A' && r->text.p[r->at] <= 'Z';
    uint64_t hash = gen_lexicon_hash(&key);
    r->at += n;
    add(r, r->in_span ? 0 : classes_of(&key, hash, is_capital), hash);
}

/* A full stop inside "file.c" ends nothing. */
static bool is_punctuation(struct gen_str s, size_t i)
{
    char c = s.p[i];
    if (c == ',' || c == ';' || c == '!' || c == '?' || c == '(' || c == ')')
        return true;
    if (c != '.' && c != ':')
        return false;
    /* "Fig. 2" is one phrase; sentences hardly ever begin with a digit. */
    if (c == '.' && i + 2 < s.n && s.p[i + 1] == ' ' && s.p[i + 2] >= '0' && s.p[i + 2] <= '9')
        return false;
    return i + 1 >= s.n || !gen_ascii_is_word(s.p[i + 1]);
}

static void read_ticks(struct reader *r)
{
    size_t n = 0;
    while (r->at < r->text.n && r->text.p[r->at] == '`') {
        r->at++;
        n++;
    }
    if (n >= 3) {
        r->in_block = !r->in_block;
        r->in_span = false;
    } else if (!r->in_block) {
        r->in_span = !r->in_span;
    }
}

/* Fills the window. False when the text has ended. */
static bool fill(struct reader *r)
{
    if (r->n > OVERLAP) {
        memmove(r->tokens, r->tokens + r->n - OVERLAP, OVERLAP * sizeof(r->tokens[0]));
        r->n = OVERLAP;
    }
    while (r->at < r->text.n && r->n + 1 < GEN_TOKENS_MAX) {
        char c = r->text.p[r->at];
        if (c == ' ') {
            r->at++;
            continue;
        }
        uint32_t folded;
        size_t n = next_char(r->text, r->at, &folded);
        if (c == '`') {
            read_ticks(r);
            continue;
        }
        if (c == '\n')
            r->in_span = false;
        if (r->in_block) {
            r->at += n;
        } else if (is_word_char(folded)) {
            read_word(r);
        } else {
            if (!r->in_span && is_punctuation(r->text, r->at))
                add(r, W_PUNCT, 0);
            r->at += n;
        }
    }
    if (r->at < r->text.n)
        return true;
    add(r, W_PUNCT, 0);
    return false;
}

/* Introduced with another word than "the" or "this" before: "a script". */
static bool was_introduced(const struct reader *r, size_t noun)
{
    for (size_t i = 1; i < noun; i++) {
        if (r->tokens[i].word == r->tokens[noun].word &&
            !(r->tokens[i - 1].classes & (W_THE | W_THIS)))
            return true;
    }
    return false;
}

static bool matches_at(const struct reader *r, size_t i, const struct gen_pattern *p)
{
    for (size_t k = 0; k < sizeof(p->elements) / sizeof(p->elements[0]); k++) {
        uint64_t classes = p->elements[k].classes;
        bool fits = i < r->n && (r->tokens[i].classes & classes) != 0;
        switch (p->elements[k].take) {
        case GEN_TAKE_END:
            return true;
        case GEN_TAKE_UNLESS:
            if (fits)
                return false;
            break;
        case GEN_TAKE_OTHER:
            if (fits || i >= r->n)
                return false;
            i++;
            break;
        case GEN_TAKE_OPTIONAL:
            i += fits;
            break;
        case GEN_TAKE_NOUN:
        case GEN_TAKE_ONE:
            if (!fits || (p->elements[k].take == GEN_TAKE_NOUN && was_introduced(r, i)))
                return false;
            i++;
            break;
        case GEN_TAKE_MANY:
        case GEN_TAKE_ANY:
            if (!fits && p->elements[k].take == GEN_TAKE_MANY)
                return false;
            while (i < r->n && (r->tokens[i].classes & classes) != 0)
                i++;
            break;
        }
    }
    return true;
}

static unsigned excluded_by(struct gen_str text)
{
    unsigned excluded = 0;
    struct gen_str t = gen_str_trim(text);
    bool has_tick = memchr(t.p ? t.p : "", '`', t.n) != NULL;
    if (memchr(t.p ? t.p : "", '\n', t.n) ||
        (has_tick && gen_str_find(t, GEN_STR("```"), 0) != SIZE_MAX))
        excluded |= GEN_WHEN_NO_BLOCK | GEN_WHEN_NO_CODE;
    if (has_tick || memchr(t.p ? t.p : "", ':', t.n))
        excluded |= GEN_WHEN_NO_CODE;
    if (!gen_str_ends(t, GEN_STR("?")))
        excluded |= GEN_WHEN_QUESTION;
    return excluded;
}

/* Whether each element that takes a token finds one of its classes somewhere in the window. */
static bool can_occur(const struct gen_pattern *p, uint64_t present)
{
    for (size_t k = 0; k < sizeof(p->elements) / sizeof(p->elements[0]); k++) {
        enum gen_take take = p->elements[k].take;
        if (take == GEN_TAKE_END)
            return true;
        bool takes = take == GEN_TAKE_ONE || take == GEN_TAKE_NOUN || take == GEN_TAKE_MANY;
        if (takes && !(p->elements[k].classes & present))
            return false;
    }
    return true;
}

/* The window's tokens against one pattern. */
static bool occurs(const struct reader *r, const struct gen_pattern *p, bool is_start)
{
    uint64_t first = UINT64_MAX;
    if (p->elements[0].take == GEN_TAKE_ONE || p->elements[0].take == GEN_TAKE_MANY)
        first = p->elements[0].classes;
    size_t n = p->when & GEN_WHEN_AT_START ? is_start : r->n;
    for (size_t i = 0; i < n; i++) {
        if (((r->tokens[i].classes & first) || first == UINT64_MAX) && matches_at(r, i, p))
            return true;
    }
    return false;
}

unsigned gen_phrases_find(struct gen_str text, const struct gen_pattern_set *sets, size_t n_sets)
{
    struct reader r;
    unsigned excluded = excluded_by(text);
    unsigned found = 0;
    r.text = text;
    r.at = 0;
    r.n = 0;
    r.in_span = false;
    r.in_block = false;
    add(&r, W_PUNCT, 0);
    bool is_start = true;
    for (bool more = true; more;) {
        more = fill(&r);
        uint64_t present = 0;
        for (size_t i = 0; i < r.n; i++)
            present |= r.tokens[i].classes;
        for (size_t i = 0; i < n_sets; i++) {
            const struct gen_pattern *p = sets[i].patterns;
            if (!(present & sets[i].triggers))
                continue;
            for (size_t k = 0; k < sets[i].n && !(found >> i & 1U); k++, p++) {
                if (!(p->when & excluded) && can_occur(p, present) && occurs(&r, p, is_start))
                    found |= 1U << i;
            }
        }
        is_start = false;
    }
    return found;
}

bool gen_phrases_triggers_hold(const struct gen_pattern_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        /* Without the triggers, no text can hold the pattern. */
        if (can_occur(&set->patterns[i], ~set->triggers))
            return false;
    }
    return true;
}

bool gen_phrases_occur(struct gen_str text, const struct gen_pattern *patterns, size_t n_patterns)
{
    const struct gen_pattern_set set = {patterns, n_patterns, UINT64_MAX};
    return gen_phrases_find(text, &set, 1) != 0;
}
