#include "dataset/duplicates/word_list.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "dataset/checks/words.h"

#include <stdlib.h>

#define FNV_START UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME UINT64_C(0x100000001B3)

enum kind {
    SEPARATOR = 0,
    LETTER,
    ALONE,  /* a word of its own, with the marks behind it */
    MARK,   /* goes on with a word, begins none */
    SYMBOL, /* a word of its own */
    SIGN,   /* a symbol or punctuation: its neighbours tell */
};

struct range {
    uint32_t from, to;
};

static bool is_in(const struct range *ranges, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    }
    return false;
}

#define IS_IN(ranges, c) is_in((ranges), sizeof(ranges) / sizeof((ranges)[0]), (c))

static const struct range unspaced[] = {
    {0x0E00, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x3040, 0x30FF},   {0x31F0, 0x31FF},
    {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF},
};

static const struct range punctuation[] = {
    {0x80, 0xA1},     {0xA7, 0xA8},     {0xAA, 0xAB},     {0xAD, 0xAD},     {0xAF, 0xAF},
    {0xB4, 0xB4},     {0xB6, 0xB8},     {0xBB, 0xBB},     {0xBF, 0xBF},     {0x2B0, 0x2FF},
    {0x37E, 0x37E},   {0x387, 0x387},   {0x55A, 0x55F},   {0x589, 0x58A},   {0x5BE, 0x5BE},
    {0x5C0, 0x5C0},   {0x5C3, 0x5C3},   {0x5F3, 0x5F4},   {0x60C, 0x60D},   {0x61B, 0x61F},
    {0x66A, 0x66D},   {0x6D4, 0x6D4},   {0x700, 0x70D},   {0x964, 0x965},   {0xE4F, 0xE4F},
    {0xE5A, 0xE5B},   {0xF04, 0xF14},   {0x104A, 0x104F}, {0x1360, 0x1368}, {0x17D4, 0x17DA},
    {0x1800, 0x180A}, {0x2000, 0x206F}, {0x2E00, 0x2E7F}, {0x3000, 0x303F}, {0x30FB, 0x30FB},
    {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F}, {0xFFFD, 0xFFFD},
};

/* Currency, arrows, mathematics, dingbats, emoji. */
static const struct range symbols[] = {
    {0xA2, 0xA6},     {0xA9, 0xA9},     {0xAC, 0xAC},       {0xAE, 0xAE},
    {0xB0, 0xB1},     {0xD7, 0xD7},     {0xF7, 0xF7},       {0x2070, 0x209F},
    {0x20A0, 0x20CF}, {0x2100, 0x2BFF}, {0x1F000, 0x1FAFF},
};

static enum kind kind_of_other(uint32_t c)
{
    bool is_word = gen_utf8_is_word(c);
    if (IS_IN(punctuation, c) && !is_word)
        return SEPARATOR;
    if (IS_IN(unspaced, c))
        return is_word ? ALONE : MARK;
    if (is_word)
        return LETTER;
    return IS_IN(symbols, c) ? SYMBOL : MARK;
}

static enum kind kind_of_ascii(char c)
{
    if (gen_ascii_is_word(c))
        return LETTER;
    switch (c) {
    case '+':
    case '<':
    case '=':
    case '>':
    case '~':
    case '|':
    case '^':
    case '$':
    case '%':
    case '&':
    case '@':
        return SYMBOL;
    case '#':
    case '*':
    case '-':
    case '/':
    case '!':
        return SIGN;
    default:
        return SEPARATOR;
    }
}

static enum kind kind_at(struct gen_str s, size_t i, size_t *n)
{
    if ((unsigned char)s.p[i] < 0x80) {
        *n = 1;
        return kind_of_ascii(s.p[i]);
    }
    uint32_t c = 0;
    *n = gen_utf8_next(gen_str_sub(s, i, 4), &c);
    return kind_of_other(c);
}

static char byte_at(struct gen_str s, size_t i)
{
    return i < s.n ? s.p[i] : ' ';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether the sign at `i` says something: an operator, a minus, the sharp of C#; not a dash, a mark
 * of Markdown or the slash of "and/or". */
static bool counts(struct gen_str s, size_t i)
{
    char before = i ? s.p[i - 1] : ' ';
    char after = byte_at(s, i + 1);
    bool is_spaced = before == ' ' && after == ' ';
    char left = is_spaced && i >= 2 ? s.p[i - 2] : before;
    char right = is_spaced ? byte_at(s, i + 2) : after;
    bool is_between_digits = is_digit(left) && is_digit(right);
    switch (s.p[i]) {
    case '!':
        return after == '=';
    case '#':
        return gen_ascii_is_alnum(before);
    case '*':
        return is_between_digits || (is_spaced && i >= 2) ||
               (gen_ascii_is_alnum(before) && gen_ascii_is_alnum(after));
    case '-':
        return is_between_digits || (is_digit(after) && (before == ' ' || before == '('));
    default:
        return is_between_digits;
    }
}

static uint64_t hash_of(struct gen_str s, size_t at, size_t n)
{
    uint64_t hash = FNV_START;
    for (size_t i = at; i < at + n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + ('a' - 'A'));
        hash = (hash ^ c) * FNV_PRIME;
    }
    return gen_hash_mix(hash);
}

/* The end of the word that begins at `i`. */
static size_t word_end(struct gen_str s, size_t i, enum kind first, size_t n)
{
    for (i += n; i < s.n; i += n) {
        enum kind k = kind_at(s, i, &n);
        if (k != MARK && (first == ALONE || k != LETTER))
            break;
    }
    return i;
}

/* "_emphasis_" is no other word than "emphasis"; "__init__" is. */
static void trim(struct gen_str s, size_t *from, size_t *to)
{
    if (s.p[*from] == '_' && byte_at(s, *from + 1) != '_')
        (*from)++;
    if (*to > *from && s.p[*to - 1] == '_' && (*to - *from < 2 || s.p[*to - 2] != '_'))
        (*to)--;
}

static int push(struct gen_word_list *l, size_t from, size_t to, struct gen_error *err)
{
    if (from >= to)
        return GEN_OK;
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 64;
        struct gen_listed_word *grown = realloc(l->words, capacity * sizeof(*grown));
        if (!grown)
            return gen_nomem(err, "the words of a text");
        l->words = grown;
        l->capacity = capacity;
    }
    l->words[l->n++] = (struct gen_listed_word){hash_of(l->text, from, to - from), from, to - from};
    return GEN_OK;
}

static bool is_ascii(struct gen_str s)
{
    unsigned char any = 0;
    for (size_t i = 0; i < s.n; i++)
        any |= (unsigned char)s.p[i];
    return any < 0x80;
}

static int prepare(struct gen_word_list *l, struct gen_str text, struct gen_error *err)
{
    l->n = 0;
    l->text = text;
    if (is_ascii(text))
        return GEN_OK;
    gen_buf_clear(&l->normalized);
    int rc = gen_utf8_normalize(&l->normalized, text, true, err);
    l->text = gen_buf_str(&l->normalized);
    return rc;
}

int gen_word_list_read(struct gen_word_list *l, struct gen_str text, struct gen_error *err)
{
    int rc = prepare(l, text, err);
    for (size_t i = 0; rc == GEN_OK && i < l->text.n;) {
        size_t n = 1;
        enum kind k = kind_at(l->text, i, &n);
        size_t from = i;
        i += n;
        if (k == LETTER || k == ALONE) {
            i = word_end(l->text, from, k, n);
            size_t to = i;
            if (k == LETTER)
                trim(l->text, &from, &to);
            rc = push(l, from, to, err);
        } else if (k == SYMBOL || (k == SIGN && counts(l->text, from))) {
            rc = push(l, from, i, err);
        }
    }
    return rc;
}

struct gen_str gen_word_list_span(const struct gen_word_list *l, size_t from, size_t n)
{
    if (n == 0 || from >= l->n || n > l->n - from)
        return (struct gen_str){NULL, 0};
    const struct gen_listed_word *first = &l->words[from];
    const struct gen_listed_word *last = &l->words[from + n - 1];
    return gen_str_sub(l->text, first->offset, last->offset + last->n - first->offset);
}

void gen_word_list_release(struct gen_word_list *l)
{
    free(l->words);
    gen_buf_release(&l->normalized);
    *l = gen_word_list_make();
}
