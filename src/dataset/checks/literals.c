/* K7: which literals of a text its source carries. */
#include "base/hash.h"
#include "dataset/checks/literal_scan.h"
#include "dataset/checks/source.h"
#include "dataset/checks/words.h"

#define DISTINCT_MAX 256 /* beyond it, repetitions count again */

struct grounding {
    const struct gen_source_text *source;
    struct gen_source_text *also; /* made when the source does not carry a literal */
    struct gen_str also_text;
    struct gen_buf normal;
    uint64_t seen[DISTINCT_MAX];
    size_t n_seen;
};

/* The name without "()" or "(...)" behind it. */
static size_t without_call(const char *p, size_t n)
{
    const char *open = n && p[n - 1] == ')' ? memchr(p, '(', n) : NULL;
    return open && open > p ? (size_t)(open - p) : n;
}

static bool number_in(const struct gen_source_text *s, const struct gen_number *n)
{
    if (gen_source_has_number(s, n->full ? n->full : n->any))
        return true;
    /* "64, 128 and 256 KB": only the last number has its unit. */
    return n->full && !n->unit_unknown && gen_source_has_number(s, n->bare);
}

/* "64,128" that is no number may be a list without blanks. */
static bool list_in(const struct gen_source_text *s, struct gen_str list)
{
    for (size_t i = 0; i < list.n;) {
        size_t end = i;
        while (end < list.n && list.p[end] != ',')
            end++;
        struct gen_number n;
        gen_number_read(gen_str_sub(list, i, end - i), 0, &n);
        if (!gen_source_has_number(s, n.any))
            return false;
        i = end + 1;
    }
    return true;
}

static bool small_number_in(const struct gen_source_text *s, const struct gen_number *n)
{
    return n->is_small && gen_find_whole(gen_source_folded(s),
                                         gen_str_from(gen_number_word(n->small)), 0) != SIZE_MAX;
}

/* All words and numbers of a composed span or dotted name, each on its own. */
static bool parts_in(const struct gen_source_text *s, char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && gen_ascii_is_word(p[end]))
            end++;
        if (end == i) {
            i++;
            continue;
        }
        if (p[i] >= '0' && p[i] <= '9') {
            struct gen_number number;
            gen_number_read((struct gen_str){p, n}, i, &number);
            if (!gen_source_has_number(s, number.any) && !gen_source_has_number(s, number.full))
                return false;
            i += number.n;
            continue;
        }
        if (gen_source_find(s, p + i, end - i, 0) == SIZE_MAX)
            return false;
        i = end;
    }
    return true;
}

static bool name_in(const struct gen_source_text *s, char *p, size_t n)
{
    if (gen_source_find(s, p, n, 0) != SIZE_MAX)
        return true;
    size_t bare = without_call(p, n);
    if (bare < n && bare + 2 == n && gen_source_find(s, p, bare, 0) != SIZE_MAX)
        return true;
    /* UTF-8 is UTF8. */
    char joined[32];
    const char *dash = memchr(p, '-', n);
    if (dash && n < sizeof(joined)) {
        size_t at = (size_t)(dash - p);
        memcpy(joined, p, at);
        memcpy(joined + at, dash + 1, n - at - 1);
        if (gen_source_find(s, joined, n - 1, 0) != SIZE_MAX)
            return true;
    }
    bool is_path = memchr(p, '/', n) != NULL || p[0] == '-';
    bool is_composed = memchr(p, '.', n) || memchr(p, ':', n) || memchr(p, '>', n);
    return is_composed && !is_path && parts_in(s, p, n);
}

static bool span_in(const struct gen_source_text *s, char *p, size_t n)
{
    if (name_in(s, p, n))
        return true;
    bool is_composed = memchr(p, ' ', n) || memchr(p, '(', n) || memchr(p, ',', n) ||
                       memchr(p, '=', n) || memchr(p, '[', n);
    return is_composed && parts_in(s, p, n);
}

static bool string_in(const struct gen_source_text *s, char *p, size_t n)
{
    while (n && strchr(".,;:!?", p[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++)
        p[i] = gen_ascii_lower(p[i]);
    return gen_find_whole(gen_source_folded(s), (struct gen_str){p, n}, 0) != SIZE_MAX;
}

static bool literal_in(const struct gen_source_text *s, const struct gen_literal *l,
                       struct gen_buf *normal)
{
    switch (l->kind) {
    case GEN_LITERAL_NUMBER:
        if (number_in(s, &l->number) || small_number_in(s, &l->number))
            return true;
        return name_in(s, normal->data, normal->n) || (l->number.is_grouped && list_in(s, l->text));
    case GEN_LITERAL_NAME:
        return name_in(s, normal->data, normal->n);
    case GEN_LITERAL_SPAN:
        return span_in(s, normal->data, normal->n);
    case GEN_LITERAL_STRING:
        return string_in(s, normal->data, normal->n);
    }
    return false;
}

static int is_grounded(struct grounding *g, const struct gen_literal *l, bool *yes,
                       struct gen_error *err)
{
    *yes = literal_in(g->source, l, &g->normal);
    if (*yes || !g->also_text.n)
        return GEN_OK;
    if (!g->also) {
        int rc = gen_source_text_new(&g->also, g->also_text, err);
        if (rc)
            return rc;
    }
    *yes = literal_in(g->also, l, &g->normal);
    return GEN_OK;
}

static bool is_new(struct grounding *g, const struct gen_literal *l)
{
    uint64_t hash = gen_hash64(gen_buf_str(&g->normal), (uint64_t)l->kind);
    for (size_t i = 0; i < g->n_seen; i++) {
        if (g->seen[i] == hash)
            return false;
    }
    if (g->n_seen < DISTINCT_MAX)
        g->seen[g->n_seen++] = hash;
    return true;
}

static int note_missing(struct gen_buf *missing, bool first, struct gen_str text,
                        struct gen_error *err)
{
    if (!missing)
        return GEN_OK;
    int rc = first ? GEN_OK : gen_buf_add_c(missing, ", ", err);
    return rc == GEN_OK ? gen_buf_add_str(missing, text, err) : rc;
}

static int count(struct grounding *g, struct gen_str text, struct gen_literals *out,
                 struct gen_buf *missing, struct gen_error *err)
{
    struct gen_literal_scan scan = {text, 0};
    struct gen_literal l;
    while (gen_literal_next(&scan, &l)) {
        gen_buf_clear(&g->normal);
        int rc = gen_text_normalize(&g->normal, l.text, err);
        if (rc)
            return rc;
        if (!g->normal.n || !is_new(g, &l))
            continue;
        bool yes = false;
        rc = is_grounded(g, &l, &yes, err);
        if (rc == GEN_OK && !yes)
            rc = note_missing(missing, out->n_grounded == out->n_literals, l.text, err);
        if (rc)
            return rc;
        out->n_literals++;
        out->n_grounded += yes;
    }
    return GEN_OK;
}

int gen_check_literals(const struct gen_source_text *s, struct gen_str also, struct gen_str text,
                       struct gen_literals *out, struct gen_buf *missing, struct gen_error *err)
{
    struct grounding g;
    g.source = s; /* without an initializer: most calls see few of so many places */
    g.also = NULL;
    g.also_text = also;
    g.n_seen = 0;
    struct gen_literals found = {0, 0, 1.0};
    g.normal = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n_before = missing ? missing->n : 0;
    int rc = count(&g, text, &found, missing, err);
    gen_source_text_free(g.also);
    gen_buf_release(&g.normal);
    if (rc) {
        if (missing)
            missing->n = n_before;
        return rc;
    }
    if (found.n_literals)
        found.share = (double)found.n_grounded / (double)found.n_literals;
    *out = found;
    return GEN_OK;
}
