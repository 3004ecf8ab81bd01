#include "json/repair_scan.h"

#define KEY_LOOK_BYTES 128U

char gen_repair_quote(struct gen_str in, size_t at, size_t *n_bytes)
{
    *n_bytes = 1;
    if (at >= in.n)
        return 0;
    char c = in.p[at];
    if (c == '"' || c == '\'')
        return c;
    if (in.n - at < 3 || memcmp(in.p + at, "\xE2\x80", 2) != 0)
        return 0;
    *n_bytes = 3;
    unsigned char last = (unsigned char)in.p[at + 2];
    if (last >= 0x98 && last <= 0x9B)
        return '\'';
    return last >= 0x9C && last <= 0x9F ? '"' : 0;
}

bool gen_repair_is_name(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' ||
           u == '$' || u == '-' || u >= 0x80;
}

static size_t blanks_end(struct gen_str in, size_t at)
{
    while (at < in.n && (in.p[at] == ' ' || (in.p[at] >= '\t' && in.p[at] <= '\r')))
        at++;
    return at;
}

static size_t name_end(struct gen_str in, size_t at)
{
    size_t end = at;
    while (end < in.n && end - at < KEY_LOOK_BYTES && gen_repair_is_name(in.p[end]))
        end++;
    return end;
}

static bool is_literal(struct gen_str word)
{
    static const char *const words[] = {"true", "false", "null", "True", "False", "None"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_is(word, words[i]))
            return true;
    }
    return false;
}

static bool starts_comment_or_fence(struct gen_str in, size_t at)
{
    struct gen_str rest = gen_str_sub(in, at, 3);
    return gen_str_starts(rest, GEN_STR("//")) || gen_str_starts(rest, GEN_STR("/*")) ||
           gen_str_starts(rest, GEN_STR("```"));
}

/* Whether what stands at `at`, behind a comma, can go on a container. */
static bool goes_on(struct gen_str in, size_t at, enum gen_repair_place place)
{
    size_t n_bytes;
    at = blanks_end(in, at);
    if (at == in.n || gen_repair_quote(in, at, &n_bytes) || starts_comment_or_fence(in, at))
        return true;
    char c = in.p[at];
    size_t end = name_end(in, at);
    if (place == GEN_PLACE_MEMBER) {
        size_t colon = blanks_end(in, end);
        return c == '}' || (end > at && colon < in.n && in.p[colon] == ':');
    }
    return c == ']' || c == '{' || c == '[' || c == '-' || (c >= '0' && c <= '9') ||
           is_literal(gen_str_sub(in, at, end - at));
}

/* A mark that is no plain double quote ends the string only where the grammar can go on behind it;
 * elsewhere it is an apostrophe or a quotation inside the text. */
static bool ends_here(struct gen_str in, size_t after, enum gen_repair_place place)
{
    size_t at = blanks_end(in, after);
    if (at == in.n || starts_comment_or_fence(in, at))
        return true;
    char c = in.p[at];
    if (place == GEN_PLACE_KEY)
        return c == ':';
    if (c == ',')
        return goes_on(in, at + 1, place);
    return c == (place == GEN_PLACE_MEMBER ? '}' : ']');
}

static bool hex4(struct gen_str in, size_t at, unsigned *value)
{
    unsigned v = 0;
    if (at > in.n || in.n - at < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        char c = in.p[at + i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        else
            return false;
        v = v << 4 | digit;
    }
    *value = v;
    return true;
}

/* `\u` at k->at with four digits behind it. */
static int copy_unicode(struct gen_repair_scan *k, unsigned unit, struct gen_error *err)
{
    size_t n = 6;
    if (unit < 0xD800 || unit > 0xDFFF) {
        int rc = gen_buf_add(k->out, k->in.p + k->at, n, err);
        k->at += n;
        return rc;
    }
    unsigned low = 0;
    struct gen_str next = gen_str_sub(k->in, k->at + n, 2);
    bool pair = unit < 0xDC00 && gen_str_eq(next, GEN_STR("\\u")) &&
                hex4(k->in, k->at + n + 2, &low) && low >= 0xDC00 && low <= 0xDFFF;
    int rc;
    if (pair) {
        n = 12;
        rc = gen_buf_add(k->out, k->in.p + k->at, n, err);
    } else {
        k->steps |= GEN_REPAIR_SURROGATE;
        rc = gen_buf_add_c(k->out, "\xEF\xBF\xBD", err);
    }
    k->at += n;
    return rc;
}

/* An escape that the end of the text cut short: "\", "\u", "\u0", ... */
static bool is_cut_escape(struct gen_str in, size_t at)
{
    size_t left = in.n - at;
    if (left == 1)
        return true;
    if (in.p[at + 1] != 'u' || left > 5)
        return false;
    for (size_t i = at + 2; i < in.n; i++) {
        char c = in.p[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
            return false;
    }
    return true;
}

static int copy_escape(struct gen_repair_scan *k, struct gen_error *err)
{
    if (is_cut_escape(k->in, k->at)) {
        k->at = k->in.n;
        return GEN_OK;
    }
    char c = k->in.p[k->at + 1];
    unsigned unit = 0;
    if (c == 'u' && hex4(k->in, k->at + 2, &unit))
        return copy_unicode(k, unit, err);
    if (c && strchr("\"\\/bfnrt", c)) {
        int rc = gen_buf_add(k->out, k->in.p + k->at, 2, err);
        k->at += 2;
        return rc;
    }
    k->steps |= GEN_REPAIR_BACKSLASH;
    if (c == '\'') { /* JavaScript's and Python's, never meant as a backslash */
        k->at += 2;
        return gen_buf_add_char(k->out, '\'', err);
    }
    k->at++;
    return gen_buf_add_c(k->out, "\\\\", err);
}

static int copy_control(struct gen_repair_scan *k, struct gen_error *err)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    unsigned char c = (unsigned char)k->in.p[k->at++];
    k->steps |= GEN_REPAIR_CONTROL;
    if (c < sizeof(letters) && letters[c])
        return gen_buf_printf(k->out, err, "\\%c", letters[c]);
    return gen_buf_printf(k->out, err, "\\u%04x", c);
}

/* Bytes from `at` on that need no thought inside a string. */
static size_t run_end(struct gen_str in, size_t at, bool plain)
{
    for (; at < in.n; at++) {
        unsigned char c = (unsigned char)in.p[at];
        if (c == '"' || c == '\\' || c < 0x20 || (!plain && (c == '\'' || c == 0xE2)))
            break;
    }
    return at;
}

/* One byte or mark that run_end stopped at. `*closed` when it ends the string. */
static int copy_special(struct gen_repair_scan *k, char kind, bool plain,
                        enum gen_repair_place place, bool *closed, struct gen_error *err)
{
    char c = k->in.p[k->at];
    if (c == '\\')
        return copy_escape(k, err);
    if ((unsigned char)c < 0x20)
        return copy_control(k, err);
    size_t n_bytes;
    char mark = gen_repair_quote(k->in, k->at, &n_bytes);
    if (mark == kind && (plain || ends_here(k->in, k->at + n_bytes, place))) {
        k->at += n_bytes;
        *closed = true;
        return gen_buf_add_char(k->out, '"', err);
    }
    const char *text = c == '"' ? "\\\"" : k->in.p + k->at;
    int rc = gen_buf_add(k->out, text, c == '"' ? 2 : n_bytes, err);
    k->at += n_bytes;
    return rc;
}

enum gen_repair_result gen_repair_string(struct gen_repair_scan *k, enum gen_repair_place place,
                                         struct gen_error *err)
{
    size_t n_bytes;
    char kind = gen_repair_quote(k->in, k->at, &n_bytes);
    bool plain = k->in.p[k->at] == '"';
    if (!plain)
        k->steps |= GEN_REPAIR_QUOTES;
    k->at += n_bytes;
    bool closed = false;
    int rc = gen_buf_add_char(k->out, '"', err);
    while (rc == GEN_OK && !closed && k->at < k->in.n) {
        size_t end = run_end(k->in, k->at, plain);
        rc = gen_buf_add(k->out, k->in.p + k->at, end - k->at, err);
        k->at = end;
        if (rc == GEN_OK && end < k->in.n)
            rc = copy_special(k, kind, plain, place, &closed, err);
    }
    if (rc == GEN_OK && !closed) {
        k->cut_off = true;
        rc = gen_buf_add_char(k->out, '"', err);
    }
    return rc ? GEN_REPAIR_FAILED : GEN_REPAIR_DONE;
}
