#include "corpus/sentence.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return ((unsigned char)c | 0x20) >= 'a' && ((unsigned char)c | 0x20) <= 'z';
}

static bool starts_at(struct gen_str s, size_t i, const char *what)
{
    struct gen_str w = gen_str_from(what);
    return gen_str_eq(gen_str_sub(s, i, w.n), w);
}

/* Bytes of a mark that ends sentences. */
static size_t end_mark(struct gen_str s, size_t i, bool *wide)
{
    static const char *const wide_marks[] = {"\u3002", "\uFF01", "\uFF1F"};
    *wide = false;
    if (s.p[i] == '.' || s.p[i] == '!' || s.p[i] == '?')
        return 1;
    if ((unsigned char)s.p[i] < 0xE2)
        return 0;
    for (size_t k = 0; k < 3; k++) {
        if (starts_at(s, i, wide_marks[k])) {
            *wide = true;
            return 3;
        }
    }
    return starts_at(s, i, "\u2026") ? 3 : 0;
}

static size_t closing_mark(struct gen_str s, size_t i)
{
    static const char *const wide_marks[] = {"\u201D", "\u2019", "\u300D", "\u300F", "\uFF09"};
    if (strchr("\"')]*_`", s.p[i]) && s.p[i] != '\0')
        return 1;
    if ((unsigned char)s.p[i] == 0xC2 && starts_at(s, i, "\u00BB"))
        return 2;
    for (size_t k = 0; (unsigned char)s.p[i] >= 0xE2 && k < 5; k++) {
        if (starts_at(s, i, wide_marks[k]))
            return 3;
    }
    return 0;
}

static bool is_abbreviation(struct gen_str word, bool digit_follows)
{
    static const char *const words[] = {"mr",  "mrs",  "ms", "dr",  "prof",   "st",   "vs",
                                        "fig", "figs", "eq", "eqs", "sec",    "vol",  "pp",
                                        "cf",  "al",   "ca", "ed",  "approx", "resp", "viz"};
    static const char *const before_numbers[] = {"no", "nos", "p", "ch", "art", "tab"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_eq_nocase(word, gen_str_from(words[i])))
            return true;
    }
    for (size_t i = 0; digit_follows && i < sizeof(before_numbers) / sizeof(*before_numbers); i++) {
        if (gen_str_eq_nocase(word, gen_str_from(before_numbers[i])))
            return true;
    }
    return false;
}

/* True when the stop at `dot` belongs to the word before it. */
static bool stop_of_word(struct gen_str s, size_t dot, bool digit_follows)
{
    size_t start = dot;
    while (start && (is_letter(s.p[start - 1]) || is_digit(s.p[start - 1])))
        start--;
    struct gen_str word = gen_str_sub(s, start, dot - start);
    if (word.n == 0)
        return false;
    if (is_digit(word.p[0])) {
        size_t before = start;
        while (before && (s.p[before - 1] == ' ' || s.p[before - 1] == '\t'))
            before--;
        return before == 0 || s.p[before - 1] == '\n';
    }
    if (word.n == 1) {
        bool after_stop = start && s.p[start - 1] == '.';
        return after_stop || (word.p[0] >= 'A' && word.p[0] <= 'Z');
    }
    return is_abbreviation(word, digit_follows);
}

size_t gen_sentence_next(struct gen_str text, size_t from)
{
    size_t i = from;
    while (i < text.n) {
        bool wide;
        size_t mark = end_mark(text, i, &wide);
        if (mark == 0) {
            i++;
            continue;
        }
        size_t end = i + mark;
        for (size_t n = 1; n && end < text.n; end += n) {
            bool also_wide;
            n = end_mark(text, end, &also_wide);
            wide = wide || also_wide;
            if (n == 0)
                n = closing_mark(text, end);
        }
        size_t next = end;
        while (next < text.n && is_space(text.p[next]))
            next++;
        if (next == text.n)
            return text.n;
        bool small = text.p[next] >= 'a' && text.p[next] <= 'z';
        bool ends = wide || (next > end && !small);
        if (ends && text.p[i] == '.' && stop_of_word(text, i, is_digit(text.p[next])))
            ends = false;
        if (ends)
            return next;
        i = end;
    }
    return text.n;
}
