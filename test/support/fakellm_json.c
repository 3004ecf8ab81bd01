#include "fakellm.h"

#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* `p` is behind the opening quote. Returns the closing one, or `end`. */
static const char *string_end(const char *p, const char *end)
{
    const char *from = p;
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL) {
            return end;
        }
        const char *slash = quote;
        while (slash > from && slash[-1] == '\\') {
            slash--;
        }
        if (((size_t)(quote - slash) & 1U) == 0) {
            return quote;
        }
        p = quote + 1;
    }
    return end;
}

/* Behind the value at `p`; not recursive, brackets of both kinds are counted as one. */
static const char *skip_value(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        char c = *p;
        if (c == '"') {
            p = string_end(p + 1, end);
            p += p < end;
        } else if (c == '{' || c == '[') {
            depth++;
            p++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return p;
            }
            depth--;
            p++;
        } else if (depth == 0 && (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
            return p;
        } else {
            p++;
            continue;
        }
        if (depth == 0) {
            return p;
        }
    }
    return p;
}

/* The next member at or behind `*at`; `*at` moves behind it. */
static bool next_member(const char **at, const char *end, struct fake_member *out)
{
    const char *p = skip_space(*at, end);
    if (p < end && (*p == ',' || *p == '{')) {
        p = skip_space(p + 1, end);
    }
    if (p >= end || *p != '"') {
        return false;
    }
    const char *close = string_end(p + 1, end);
    out->key = (struct fake_span){p + 1, (size_t)(close - p - 1)};
    p = skip_space(close + (close < end), end);
    if (p >= end || *p != ':') {
        return false;
    }
    p = skip_space(p + 1, end);
    *at = skip_value(p, end);
    out->value = (struct fake_span){p, (size_t)(*at - p)};
    return out->value.n > 0;
}

void fake_members_read(struct fake_members *m, struct fake_span object)
{
    const char *end = object.p + object.n;
    const char *at = skip_space(object.p, end);
    m->n = 0;
    if (at >= end || *at != '{') {
        return;
    }
    while (m->n < FAKE_MEMBERS_MAX && next_member(&at, end, &m->items[m->n])) {
        m->n++;
    }
}

struct fake_span fake_member(const struct fake_members *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++) {
        if (fake_span_is(m->items[i].key, name)) {
            return m->items[i].value;
        }
    }
    return (struct fake_span){"", 0};
}

struct fake_span fake_member_of(struct fake_span object, const char *name)
{
    const char *end = object.p + object.n;
    const char *at = skip_space(object.p, end);
    struct fake_member m = {0};
    while (at < end && (*at == '{' || *at == ',' || at > object.p) && next_member(&at, end, &m)) {
        if (fake_span_is(m.key, name)) {
            return m.value;
        }
        at = skip_space(at, end);
    }
    return (struct fake_span){"", 0};
}

bool fake_array_next(struct fake_span array, size_t *at, struct fake_span *value)
{
    const char *end = array.p + array.n;
    const char *p = skip_space(array.p + *at, end);
    if (p >= end || (*at == 0 && *p != '[')) {
        return false;
    }
    if (*p == '[' || *p == ',') {
        if (*at > 0 && *p == '[') {
            return false;
        }
        p = skip_space(p + 1, end);
    }
    if (p >= end || *p == ']') {
        return false;
    }
    const char *behind = skip_value(p, end);
    *value = (struct fake_span){p, (size_t)(behind - p)};
    *at = (size_t)(behind - array.p);
    return value->n > 0;
}

struct fake_span fake_unquote(struct fake_span value)
{
    if (value.n < 2 || value.p[0] != '"') {
        return (struct fake_span){"", 0};
    }
    return (struct fake_span){value.p + 1, value.n - 2};
}

uint64_t fake_span_uint(struct fake_span value, uint64_t fallback)
{
    uint64_t number = 0;
    if (value.n == 0 || value.n > 18) {
        return fallback;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return fallback;
        }
        number = number * 10 + (uint64_t)(value.p[i] - '0');
    }
    return number;
}
