/* Strings that fit a regular expression, for the simple ones that schemas have: characters,
 * classes, repetitions, anchors. */
#include "tool/blueprint_int.h"

#define REPEATS_MAX 64U
#define SPAN        128U

struct pattern {
    struct gen_str text;
    size_t at;
};

static void add_range(bool set[SPAN], unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to && c < SPAN; c++)
        set[c] = true;
}

static bool add_escape(bool set[SPAN], char c)
{
    if (c == 'd' || c == 'w')
        add_range(set, '0', '9');
    if (c == 'w') {
        add_range(set, 'a', 'z');
        set['_'] = true;
    }
    if (c == 's')
        set[' '] = true;
    if (c == 'd' || c == 'w' || c == 's')
        return true;
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || c < ' ')
        return false;
    set[(unsigned char)c & (SPAN - 1)] = true;
    return true;
}

static bool read_class(struct pattern *p, bool set[SPAN])
{
    bool negated = p->at < p->text.n && p->text.p[p->at] == '^';
    p->at += negated;
    for (bool is_first = true; p->at < p->text.n && (is_first || p->text.p[p->at] != ']');
         is_first = false) {
        char c = p->text.p[p->at++];
        if (c == '\\' && p->at < p->text.n) {
            if (!add_escape(set, p->text.p[p->at++]))
                return false;
            continue;
        }
        unsigned from = (unsigned char)c, to = from;
        if (p->at + 1 < p->text.n && p->text.p[p->at] == '-' && p->text.p[p->at + 1] != ']') {
            to = (unsigned char)p->text.p[p->at + 1];
            p->at += 2;
        }
        add_range(set, from, to);
    }
    if (p->at >= p->text.n)
        return false;
    p->at++;
    for (unsigned c = 0; negated && c < SPAN; c++)
        set[c] = !set[c] && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    return true;
}

/* One element of the pattern as a set of characters. */
static bool read_atom(struct pattern *p, bool set[SPAN])
{
    char c = p->text.p[p->at++];
    if (c == '[')
        return read_class(p, set);
    if (c == '\\')
        return p->at < p->text.n && add_escape(set, p->text.p[p->at++]);
    if (c == '.') {
        add_range(set, 'a', 'z');
        return true;
    }
    if (strchr("(){}|*+?^$", c) || (unsigned char)c >= SPAN)
        return false;
    set[(unsigned char)c] = true;
    return true;
}

static bool read_count(struct pattern *p, size_t *n)
{
    size_t from = p->at;
    *n = 0;
    while (p->at < p->text.n && p->text.p[p->at] >= '0' && p->text.p[p->at] <= '9' && *n < 10000)
        *n = *n * 10 + (size_t)(p->text.p[p->at++] - '0');
    return p->at > from;
}

/* How often the element comes: a number between what its repetition allows. */
static bool read_repeats(struct pattern *p, size_t *n)
{
    char c = p->at < p->text.n ? p->text.p[p->at] : '\0';
    *n = 1;
    if (c == '*' || c == '+' || c == '?') {
        p->at++;
        *n = c == '?' ? 1 : 4;
    } else if (c == '{') {
        size_t max = 0;
        p->at++;
        if (!read_count(p, n))
            return false;
        if (p->at < p->text.n && p->text.p[p->at] == ',') {
            p->at++;
            bool has_max = read_count(p, &max);
            if (!has_max || max > *n + 3)
                max = *n + 3;
            *n = *n < 3 ? max : *n;
        }
        if (p->at >= p->text.n || p->text.p[p->at++] != '}')
            return false;
    }
    if (p->at < p->text.n && p->text.p[p->at] == '?')
        p->at++;
    return *n <= REPEATS_MAX;
}

static char pick(const bool set[SPAN], size_t number)
{
    char found[SPAN] = {0};
    size_t n = 0;
    for (unsigned c = 0; c < SPAN; c++) {
        if (set[c])
            found[n++] = (char)c;
    }
    return n ? found[number % n] : '\0';
}

bool gen_pattern_invent(struct gen_str pattern, size_t variant, struct gen_buf *out)
{
    struct pattern p = {pattern, 0};
    struct gen_prng random = gen_prng_make(variant + 1);
    if (p.text.n && p.text.p[0] == '^')
        p.at++;
    if (p.text.n > p.at && p.text.p[p.text.n - 1] == '$')
        p.text.n--;
    while (p.at < p.text.n) {
        bool set[SPAN] = {false};
        size_t n;
        if (!read_atom(&p, set) || !read_repeats(&p, &n))
            return false;
        for (size_t i = 0; i < n; i++) {
            char c = pick(set, (size_t)(gen_prng_next(&random) >> 8));
            if (!c || gen_buf_add_char(out, c, NULL) != GEN_OK)
                return false;
        }
    }
    return true;
}
