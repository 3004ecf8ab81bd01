/* A view of bytes: not owned, not NUL-terminated, passed by value. Text inside the program is valid
 * UTF-8; it is checked once, where it comes in. */
#ifndef GEN_BASE_STR_H
#define GEN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct gen_str {
    const char *p;
    size_t n;
};

/* For string literals only. */
#define GEN_STR(literal) ((struct gen_str){(literal), sizeof(literal) - 1})
/* For printf("%.*s"). The length is cut at INT_MAX. */
#define GEN_STR_ARG(s) ((s).n > 2147483647U ? 2147483647 : (int)(s).n), ((s).n ? (s).p : "")

static inline struct gen_str gen_str_from(const char *text)
{
    return (struct gen_str){text, text ? strlen(text) : 0};
}

static inline struct gen_str gen_str_sub(struct gen_str s, size_t from, size_t n)
{
    if (!s.p || from >= s.n)
        return (struct gen_str){s.p ? s.p + s.n : NULL, 0};
    return (struct gen_str){s.p + from, n < s.n - from ? n : s.n - from};
}

/* Inline: with a literal it is one comparison of a length and, seldom, a few bytes. */
static inline bool gen_str_eq(struct gen_str a, struct gen_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool gen_str_is(struct gen_str a, const char *b)
{
    return gen_str_eq(a, gen_str_from(b));
}

/* ASCII letters compare without case. */
bool gen_str_eq_nocase(struct gen_str a, struct gen_str b);
bool gen_str_starts(struct gen_str s, struct gen_str prefix);
bool gen_str_ends(struct gen_str s, struct gen_str suffix);

/* Offset of the first `needle` at or after `from`, or SIZE_MAX. O(n), memmem. An empty needle is
 * never found. */
size_t gen_str_find(struct gen_str s, struct gen_str needle, size_t from);
/* The same for ASCII text without case. O(n*m). */
size_t gen_str_find_nocase(struct gen_str s, struct gen_str needle, size_t from);

/* Without ASCII white space at both ends. */
struct gen_str gen_str_trim(struct gen_str s);

/* Takes the next line (without its '\n' or "\r\n") off `*rest`. False when nothing is left. */
bool gen_str_next_line(struct gen_str *rest, struct gen_str *line);

/* NUL-terminated heap copy, to be freed by the caller; NULL when out of memory. A NUL byte inside
 * cuts it for C readers. */
char *gen_str_dup(struct gen_str s);

#endif
