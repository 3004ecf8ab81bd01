#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

static utf8proc_ssize_t decode(struct gen_str s, utf8proc_int32_t *cp)
{
    utf8proc_ssize_t n = s.n > 4 ? 4 : (utf8proc_ssize_t)s.n;
    return utf8proc_iterate((const utf8proc_uint8_t *)s.p, n, cp);
}

/* How many ASCII characters `s` begins with, give or take the last seven. */
static size_t skip_ascii(struct gen_str s)
{
    size_t i = 0;
    uint64_t eight;
    for (; s.n - i >= sizeof(eight); i += sizeof(eight)) {
        memcpy(&eight, s.p + i, sizeof(eight));
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return i;
}

bool gen_utf8_valid(struct gen_str s)
{
    size_t i = 0;
    while (i < s.n) {
        if ((unsigned char)s.p[i] < 0x80) {
            size_t n_ascii = skip_ascii(gen_str_sub(s, i, s.n - i));
            i += n_ascii ? n_ascii : 1;
            continue;
        }
        utf8proc_int32_t cp;
        utf8proc_ssize_t n = decode(gen_str_sub(s, i, s.n - i), &cp);
        if (n <= 0)
            return false;
        i += (size_t)n;
    }
    return true;
}

int gen_utf8_clean(struct gen_buf *out, struct gen_str s, size_t *n_replaced, struct gen_error *err)
{
    size_t replaced = 0;
    size_t start = 0;
    for (size_t i = 0; i < s.n;) {
        utf8proc_int32_t cp = 0;
        utf8proc_ssize_t n = decode(gen_str_sub(s, i, s.n - i), &cp);
        if (n > 0 && cp != 0) {
            i += (size_t)n;
            continue;
        }
        int rc = gen_buf_add(out, s.p + start, i - start, err);
        if (rc == GEN_OK && n <= 0)
            rc = gen_buf_add_c(out, "\xEF\xBF\xBD", err);
        if (rc)
            return rc;
        replaced++;
        start = ++i;
    }
    if (n_replaced)
        *n_replaced = replaced;
    return gen_buf_add(out, s.n ? s.p + start : "", s.n - start, err);
}

size_t gen_utf8_next(struct gen_str s, uint32_t *code_point)
{
    if (s.n == 0)
        return 0;
    utf8proc_int32_t cp;
    utf8proc_ssize_t n = decode(s, &cp);
    if (n <= 0) {
        *code_point = 0xFFFD;
        return 1;
    }
    *code_point = (uint32_t)cp;
    return (size_t)n;
}

int gen_utf8_put(struct gen_buf *out, uint32_t code_point, struct gen_error *err)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_int32_t cp = code_point <= 0x10FFFF ? (utf8proc_int32_t)code_point : 0xFFFD;
    if (!utf8proc_codepoint_valid(cp))
        cp = 0xFFFD;
    utf8proc_ssize_t n = utf8proc_encode_char(cp, bytes);
    return gen_buf_add(out, bytes, (size_t)n, err);
}

size_t gen_utf8_count(struct gen_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        /* A count of at most 255 fits a byte, so that the compiler adds many at once. */
        size_t end = s.n - i > 255 ? i + 255 : s.n;
        unsigned char n_here = 0;
        for (; i < end; i++)
            n_here = (unsigned char)(n_here + (((unsigned char)s.p[i] & 0xC0U) != 0x80U));
        n += n_here;
    }
    return n;
}

struct gen_str gen_utf8_prefix(struct gen_str s, size_t n_chars)
{
    size_t i = 0;
    for (size_t n = 0; i < s.n; i++) {
        bool starts = ((unsigned char)s.p[i] & 0xC0U) != 0x80U;
        if (starts && n++ == n_chars)
            break;
    }
    return gen_str_sub(s, 0, i);
}

struct gen_str gen_utf8_cut(struct gen_str s, size_t bytes_max)
{
    if (s.n <= bytes_max)
        return s;
    s.n = bytes_max;
    while (s.n && ((unsigned char)s.p[s.n] & 0xC0U) == 0x80U)
        s.n--;
    return s;
}

void gen_utf8_vformat(char *out, size_t bytes, const char *format, va_list args)
{
    int n = vsnprintf(out, bytes, format, args);
    if (n < 0 || (size_t)n < bytes)
        return;
    size_t last = bytes - 2; /* where the last character begins */
    while (last && ((unsigned char)out[last] & 0xC0U) == 0x80U)
        last--;
    unsigned char c = (unsigned char)out[last];
    size_t length = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (length > bytes - 1 - last)
        out[last] = '\0';
}

void gen_utf8_format(char *out, size_t bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gen_utf8_vformat(out, bytes, format, args);
    va_end(args);
}

bool gen_utf8_is_word(uint32_t code_point)
{
    if (code_point > 0x10FFFF)
        return false;
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)code_point);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
           (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

size_t gen_utf8_width(struct gen_str s)
{
    size_t width = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = 0;
        i += gen_utf8_next(gen_str_sub(s, i, s.n - i), &cp);
        int w = utf8proc_charwidth((utf8proc_int32_t)cp);
        width += w > 0 ? (size_t)w : 0;
    }
    return width;
}

static bool is_blank(uint32_t cp)
{
    return cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
           cp == 0x3000;
}

static bool is_invisible(uint32_t cp)
{
    return cp == 0xAD || (cp >= 0x200B && cp <= 0x200D) || cp == 0x2060 || cp == 0xFEFF;
}

static uint32_t plain(uint32_t cp)
{
    if (cp == 0x2018 || cp == 0x2019 || cp == 0x201A || cp == 0x201B || cp == 0x60 || cp == 0xB4)
        return '\'';
    if (cp == 0x201C || cp == 0x201D || cp == 0x201E || cp == 0xAB || cp == 0xBB)
        return '"';
    if ((cp >= 0x2010 && cp <= 0x2015) || cp == 0x2212)
        return '-';
    return cp;
}

static int squeeze(struct gen_buf *out, struct gen_str s, struct gen_error *err)
{
    bool pending = false;
    bool any = false;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = 0;
        i += gen_utf8_next(gen_str_sub(s, i, s.n - i), &cp);
        if (is_invisible(cp))
            continue;
        if (is_blank(cp)) {
            pending = any;
            continue;
        }
        int rc = pending ? gen_buf_add_char(out, ' ', err) : GEN_OK;
        if (rc == GEN_OK)
            rc = gen_utf8_put(out, plain(cp), err);
        if (rc)
            return rc;
        pending = false;
        any = true;
    }
    return GEN_OK;
}

/* NFKC takes the spacing acute accent, which people type as a quote, for a blank with an accent. */
static utf8proc_int32_t before_nfkc(utf8proc_int32_t cp, void *ud)
{
    (void)ud;
    return cp == 0xB4 ? '\'' : cp;
}

int gen_utf8_normalize(struct gen_buf *out, struct gen_str s, bool fold_case, struct gen_error *err)
{
    utf8proc_uint8_t *mapped = NULL;
    int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    if (fold_case)
        options |= UTF8PROC_CASEFOLD;
    utf8proc_ssize_t n =
        utf8proc_map_custom((const utf8proc_uint8_t *)(s.n ? s.p : ""), (utf8proc_ssize_t)s.n,
                            &mapped, (utf8proc_option_t)options, before_nfkc, NULL);
    if (n == UTF8PROC_ERROR_NOMEM)
        return gen_nomem(err, "a normalised text");
    if (n < 0)
        return gen_fail(err, GEN_EPARSE, "a text is not valid UTF-8");
    int rc = squeeze(out, (struct gen_str){(const char *)mapped, (size_t)n}, err);
    free(mapped);
    return rc;
}
