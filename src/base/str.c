#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool gen_str_eq_nocase(struct gen_str a, struct gen_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

bool gen_str_starts(struct gen_str s, struct gen_str prefix)
{
    return s.n >= prefix.n && gen_str_eq(gen_str_sub(s, 0, prefix.n), prefix);
}

bool gen_str_ends(struct gen_str s, struct gen_str suffix)
{
    return s.n >= suffix.n && gen_str_eq(gen_str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

size_t gen_str_find(struct gen_str s, struct gen_str needle, size_t from)
{
    if (from > s.n || needle.n == 0 || needle.n > s.n - from)
        return SIZE_MAX;
    /* memmem reads byte by byte for short needles; most texts have not even the first one's byte.
     */
    const char *first = memchr(s.p + from, needle.p[0], s.n - from - needle.n + 1);
    if (!first)
        return SIZE_MAX;
    const char *hit = memmem(first, (size_t)(s.p + s.n - first), needle.p, needle.n);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t gen_str_find_nocase(struct gen_str s, struct gen_str needle, size_t from)
{
    if (needle.n == 0)
        return SIZE_MAX;
    for (size_t i = from; i < s.n && needle.n <= s.n - i; i++) {
        if (gen_str_eq_nocase(gen_str_sub(s, i, needle.n), needle))
            return i;
    }
    return SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct gen_str gen_str_trim(struct gen_str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool gen_str_next_line(struct gen_str *rest, struct gen_str *line)
{
    if (rest->n == 0)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    size_t step = end ? n + 1 : n;
    *line = (struct gen_str){rest->p, n && rest->p[n - 1] == '\r' ? n - 1 : n};
    *rest = gen_str_sub(*rest, step, rest->n - step);
    return true;
}

char *gen_str_dup(struct gen_str s)
{
    if (s.n == SIZE_MAX)
        return NULL;
    char *copy = malloc(s.n + 1);
    if (!copy)
        return NULL;
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}
