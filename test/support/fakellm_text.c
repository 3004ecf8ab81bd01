#include "fakellm.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool fake_buf_reserve(struct fake_buf *b, size_t more)
{
    if (b->failed) {
        return false;
    }
    if (b->cap - b->len >= more) {
        return true;
    }
    size_t cap = b->cap == 0 ? 4096 : b->cap;
    while (cap - b->len < more) {
        if (cap > SIZE_MAX / 2) {
            b->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *p = realloc(b->p, cap);
    if (p == NULL) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void fake_buf_put(struct fake_buf *b, const char *p, size_t n)
{
    if (n > 0 && fake_buf_reserve(b, n)) {
        memcpy(b->p + b->len, p, n);
        b->len += n;
    }
}

void fake_buf_puts(struct fake_buf *b, const char *s)
{
    fake_buf_put(b, s, strlen(s));
}

void fake_buf_char(struct fake_buf *b, char c)
{
    fake_buf_put(b, &c, 1);
}

void fake_buf_uint(struct fake_buf *b, uint64_t value)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    fake_buf_put(b, digits + i, sizeof(digits) - i);
}

void fake_buf_printf(struct fake_buf *b, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        b->failed = true;
        return;
    }
    fake_buf_put(b, text, (size_t)n);
}

static void put_control(struct fake_buf *b, unsigned char c)
{
    switch (c) {
    case '\n':
        fake_buf_put(b, "\\n", 2);
        break;
    case '\t':
        fake_buf_put(b, "\\t", 2);
        break;
    case '\r':
        fake_buf_put(b, "\\r", 2);
        break;
    default:
        fake_buf_printf(b, "\\u%04x", c);
    }
}

void fake_buf_escape(struct fake_buf *b, const char *text, size_t n)
{
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        fake_buf_put(b, text + start, i - start);
        start = i + 1;
        if (c < 0x20) {
            put_control(b, c);
        } else {
            fake_buf_char(b, '\\');
            fake_buf_char(b, (char)c);
        }
    }
    fake_buf_put(b, text + start, n - start);
}

void fake_buf_flat(struct fake_buf *b, struct fake_span escaped)
{
    const char *p = escaped.p;
    const char *end = p + escaped.n;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        if (slash == NULL || end - slash < 2) {
            break;
        }
        bool is_line_end = slash[1] == 'n' || slash[1] == 'r' || slash[1] == 't';
        fake_buf_put(b, p, (size_t)(slash - p));
        fake_buf_put(b, is_line_end ? " " : slash, is_line_end ? 1 : 2);
        p = slash + 2;
    }
    fake_buf_put(b, p, (size_t)(end - p));
}

void fake_buf_release(struct fake_buf *b)
{
    free(b->p);
    *b = (struct fake_buf){0};
}

bool fake_span_is(struct fake_span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

bool fake_span_starts(struct fake_span s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && memcmp(s.p, text, n) == 0;
}

const char *fake_span_find(struct fake_span s, const char *needle)
{
    return s.n == 0 ? NULL : memmem(s.p, s.n, needle, strlen(needle));
}

uint64_t fake_mix(uint64_t hash, uint64_t salt)
{
    uint64_t z = hash + (salt + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

bool fake_number(const char **at, uint64_t *out)
{
    const char *p = *at;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (p == *at) {
        return false;
    }
    *at = p;
    *out = value;
    return true;
}
