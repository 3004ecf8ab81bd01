#include "dataset/checks/literal_scan.h"

#include "dataset/checks/byte_mask.h"
#include "dataset/checks/words.h"

#define SPAN_BYTES_MAX   200
#define STRING_BYTES_MAX 120

static char peek(struct gen_str s, size_t i)
{
    return i < s.n ? s.p[i] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
    return is_upper(c) || is_lower(c);
}

static bool is_blank(char c)
{
    return c == '\0' || c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t run_end(struct gen_str s, size_t i)
{
    while (i < s.n && gen_ascii_is_word(s.p[i]))
        i++;
    return i;
}

/* The end of what opened at `from`: `close` on the same line, not too far away. SIZE_MAX: none. */
static size_t closing(struct gen_str s, size_t from, struct gen_str close, size_t bytes_max)
{
    struct gen_str near = gen_str_sub(s, from, bytes_max);
    size_t end = gen_str_find(near, close, 0);
    if (end == SIZE_MAX || memchr(near.p, '\n', end))
        return SIZE_MAX;
    return from + end;
}

/* One back-tick or two. Three open or close a block, whose lines are read like the rest. */
static bool read_span(struct gen_literal_scan *scan, struct gen_literal *out)
{
    struct gen_str s = scan->text;
    size_t i = scan->at;
    size_t n = 0;
    while (peek(s, i + n) == '`')
        n++;
    scan->at = i + n;
    if (n > 2) {
        while (is_letter(peek(s, scan->at)))
            scan->at++; /* the block's language */
        return false;
    }
    size_t end = closing(s, i + n, gen_str_sub(GEN_STR("``"), 0, n), SPAN_BYTES_MAX);
    if (end == SIZE_MAX)
        return false;
    struct gen_str content = gen_str_trim(gen_str_sub(s, i + n, end - i - n));
    if (!content.n || (is_digit(content.p[0]) && run_end(content, 0) == content.n))
        return false; /* a number is compared as a number */
    scan->at = end + n;
    out->kind = GEN_LITERAL_SPAN;
    out->text = content;
    return true;
}

static bool has_letter(struct gen_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_letter(s.p[i]) || (unsigned char)s.p[i] >= 0x80)
            return true;
    }
    return false;
}

/* Quotation marks: straight, curly, low and angular. */
static bool read_string(struct gen_literal_scan *scan, struct gen_literal *out)
{
    static const char *const pairs[][2] = {
        {"\"", "\""},
        {"\xE2\x80\x9C", "\xE2\x80\x9D"},
        {"\xE2\x80\x9E", "\xE2\x80\x9C"},
        {"\xC2\xAB", "\xC2\xBB"},
    };
    struct gen_str s = scan->text;
    for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
        struct gen_str open = gen_str_from(pairs[k][0]);
        if (!gen_str_starts(gen_str_sub(s, scan->at, open.n), open))
            continue;
        size_t from = scan->at + open.n;
        /* Behind a word character it closes something, or means inches. */
        bool opens = scan->at == 0 || !gen_ascii_is_word(s.p[scan->at - 1]);
        struct gen_str close = gen_str_from(pairs[k][1]);
        size_t end = opens ? closing(s, from, close, STRING_BYTES_MAX) : SIZE_MAX;
        scan->at = from;
        struct gen_str content = end == SIZE_MAX ? GEN_STR("") : gen_str_sub(s, from, end - from);
        if (!has_letter(content))
            return false;
        scan->at = end + close.n;
        out->kind = GEN_LITERAL_STRING;
        out->text = gen_str_trim(content);
        return true;
    }
    return false;
}

/* The number of a list's item, and of a step, is layout. */
static bool is_marker(struct gen_str s, size_t at, size_t end)
{
    size_t line = at;
    while (line && (s.p[line - 1] == ' ' || s.p[line - 1] == '\t' || s.p[line - 1] == '(' ||
                    s.p[line - 1] == '*' || s.p[line - 1] == '#'))
        line--;
    bool at_start = line == 0 || s.p[line - 1] == '\n';
    if (at_start && (peek(s, end) == '.' || peek(s, end) == ')' || peek(s, end) == ':') &&
        (is_blank(peek(s, end + 1)) || peek(s, end + 1) == '*'))
        return true;
    struct gen_str before = gen_str_sub(s, 0, at);
    before = gen_str_trim(gen_str_sub(before, at > 8 ? at - 8 : 0, at));
    return before.n >= 4 &&
           gen_str_eq_nocase(gen_str_sub(before, before.n - 4, 4), GEN_STR("step"));
}

static bool is_hex(struct gen_str s, size_t at)
{
    return peek(s, at) == '0' && (peek(s, at + 1) == 'x' || peek(s, at + 1) == 'X') &&
           gen_ascii_is_word(peek(s, at + 2));
}

/* True when the run of word characters is no plain number with letters behind it: 9f86d081. */
static bool is_mixed(struct gen_str run)
{
    size_t i = 0;
    while (i < run.n && is_digit(run.p[i]))
        i++;
    bool exponent = i < run.n && (run.p[i] == 'e' || run.p[i] == 'E');
    while (i < run.n && is_letter(run.p[i]))
        i++;
    return i < run.n && !exponent && memchr(run.p + i, '_', run.n - i) == NULL;
}

static bool read_number(struct gen_literal_scan *scan, size_t at, struct gen_literal *out)
{
    struct gen_str s = scan->text;
    size_t end = run_end(s, at);
    if (is_hex(s, at) || is_mixed(gen_str_sub(s, at, end - at))) {
        scan->at = end;
        out->kind = GEN_LITERAL_NAME;
        out->text = gen_str_sub(s, at, end - at);
        return true;
    }
    gen_number_read(s, at, &out->number);
    scan->at = at + out->number.n;
    out->kind = GEN_LITERAL_NUMBER;
    out->text = gen_str_sub(s, at, out->number.n);
    return !out->number.is_ordinal && !is_marker(s, at, scan->at);
}

static bool is_path_char(char c)
{
    return gen_ascii_is_word(c) || c == '.' || c == '/' || c == '-' || c == ':' || c == '~' ||
           c == '+' || c == '@' || c == '%' || c == '*' || c == '$' || (unsigned char)c >= 0x80;
}

/* An extension behind the last slash: a dot and some letters or digits. */
static bool has_extension(struct gen_str s)
{
    size_t dot = s.n;
    while (dot && s.p[dot - 1] != '.' && s.p[dot - 1] != '/')
        dot--;
    if (!dot || s.p[dot - 1] != '.' || dot == s.n || s.n - dot > 6 || dot < 2)
        return false;
    return has_letter(gen_str_sub(s, dot, s.n - dot)) && s.p[dot - 2] != '/';
}

/* Paths (/a/b, ./a, ~/a, a/b.c) and URLs. */
static bool read_path(struct gen_literal_scan *scan, struct gen_literal *out)
{
    struct gen_str s = scan->text;
    size_t i = scan->at;
    size_t end = i;
    size_t slash = SIZE_MAX;
    while (end < s.n && is_path_char(s.p[end])) {
        if (s.p[end] == '/' && slash == SIZE_MAX)
            slash = end;
        end++;
    }
    if (slash == SIZE_MAX)
        return false;
    bool is_url = slash > i && s.p[slash - 1] == ':' && peek(s, slash + 1) == '/';
    while (is_url && end < s.n && !is_blank(s.p[end]) && !strchr("\"'<>`)]", s.p[end]))
        end++;
    while (end > i && strchr(".,:;!?*/", s.p[end - 1]))
        end--;
    if (end <= slash + (is_url ? 2 : 0))
        return false;
    struct gen_str whole = gen_str_sub(s, i, end - i);
    struct gen_str lead = gen_str_sub(s, i, slash - i);
    bool rooted =
        lead.n == 0 || gen_str_is(lead, ".") || gen_str_is(lead, "..") || gen_str_is(lead, "~");
    struct gen_str tail = gen_str_sub(s, slash + 1, end - slash - 1);
    bool named = has_letter(tail) && (tail.n > 1 || lead.n == 0);
    if (!is_url && !(rooted && named) && !has_extension(whole))
        return false;
    scan->at = end;
    out->kind = GEN_LITERAL_NAME;
    out->text = whole;
    return true;
}

/* The end of a name that may have parts: a.b, a::b, a->b, UTF-8. */
static size_t name_end(struct gen_str s, size_t i)
{
    size_t start = i;
    for (;;) {
        i = run_end(s, i);
        char c = peek(s, i);
        char next = peek(s, i + 1);
        if (c == '.' && gen_ascii_is_word(next)) {
            /* "end.The": a blank is missing. */
            if (is_upper(next) && is_lower(peek(s, i + 2)) && i > start && is_lower(s.p[start]) &&
                i - start > 3 && !memchr(s.p + start, '_', i - start) &&
                peek(s, run_end(s, i + 1)) == ' ')
                return i;
            i++;
        } else if (((c == ':' && next == ':') || (c == '-' && next == '>')) &&
                   gen_ascii_is_word(peek(s, i + 2))) {
            i += 2;
        } else if (c == '-' && is_digit(next) && is_upper(s.p[start])) {
            i += 1;
        } else {
            return i;
        }
    }
}

static bool has_inner_capital(struct gen_str s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (is_upper(s.p[i]) && is_lower(s.p[i - 1]))
            return true;
    }
    return false;
}

static bool has_digit_and_letter(struct gen_str s)
{
    bool digit = false;
    for (size_t i = 0; i < s.n; i++)
        digit = digit || is_digit(s.p[i]);
    return digit && has_letter(s);
}

/* "foo(" without a blank; not the plural of "dataset(s)". */
static bool is_called(struct gen_str s, size_t end)
{
    if (peek(s, end) != '(')
        return false;
    struct gen_str rest = gen_str_sub(s, end, 5);
    return !gen_str_starts(rest, GEN_STR("(s)")) && !gen_str_starts(rest, GEN_STR("(es)")) &&
           !gen_str_starts(rest, GEN_STR("(ies)"));
}

/* "e.g", "i.e", "U.S": single letters between dots. */
static bool is_abbreviation(struct gen_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (i % 2 == 0 ? !is_letter(s.p[i]) : s.p[i] != '.')
            return false;
    }
    return true;
}

static bool read_name(struct gen_literal_scan *scan, struct gen_literal *out)
{
    struct gen_str s = scan->text;
    size_t start = scan->at;
    size_t end = name_end(s, start);
    bool is_variable = start && s.p[start - 1] == '$';
    scan->at = end;
    struct gen_str name = gen_str_sub(s, start, end - start);
    while (name.n && name.p[0] == '_' && name.p[name.n - 1] == '_')
        name = gen_str_sub(name, 1, name.n > 1 ? name.n - 2 : 0); /* emphasis */
    bool has_parts = name.n && (memchr(name.p, '.', name.n) || memchr(name.p, ':', name.n) ||
                                memchr(name.p, '>', name.n));
    out->kind = GEN_LITERAL_NAME;
    out->text = name;
    if (name.n < 2 || !has_letter(name) || is_abbreviation(name))
        return false;
    return is_variable || has_parts || memchr(name.p, '_', name.n) || has_inner_capital(name) ||
           has_digit_and_letter(name) || is_called(s, end);
}

/* "--no-verify", not a dash between words. */
static bool read_option(struct gen_literal_scan *scan, struct gen_literal *out)
{
    struct gen_str s = scan->text;
    size_t i = scan->at;
    size_t end = i + 2;
    bool opens = i == 0 || is_blank(s.p[i - 1]) || s.p[i - 1] == '(' || s.p[i - 1] == '[';
    if (!opens || peek(s, i + 1) != '-' || !is_letter(peek(s, i + 2)))
        return false;
    while (gen_ascii_is_word(peek(s, end)) || (peek(s, end) == '-' && is_letter(peek(s, end + 1))))
        end++;
    out->kind = GEN_LITERAL_NAME;
    out->text = gen_str_sub(s, i, end - i);
    scan->at = end;
    return true;
}

/* Moves from the start of a token over blocks of nothing but plain words, to the gap in front of
 * the first one that may be no plain word or is not whole. */
static size_t skip_plain_blocks(struct gen_str s, size_t i)
{
    while (s.n - i >= GEN_MASK_BYTES) {
        struct gen_mask_prose m = gen_mask_prose(s.p + i);
        uint32_t starts = m.gap << 1 | 1U;
        uint32_t odd = ~(m.lower | m.gap | (m.upper & starts));
        uint32_t plain = odd ? (odd & (~odd + 1)) - 1U : UINT32_MAX;
        uint32_t gaps = m.gap & plain;
        if (gaps == 0)
            return i;
        /* Behind the last gap there may be the beginning of a word. */
        i += 31U - (unsigned)__builtin_clz(gaps);
        if (odd)
            return i;
        i++;
    }
    return i;
}

/* Moves over blanks and plain words, most of a text, which are no literals: letters of which only
 * the first may be a capital, and behind them nothing that could make them a name. */
static size_t skip_plain(struct gen_str s, size_t i)
{
    bool is_start = i == 0 || s.p[i - 1] == ' ';
    if (is_start)
        i = skip_plain_blocks(s, i);
    for (;;) {
        while (i < s.n && (s.p[i] == ' ' || s.p[i] == ',' || s.p[i] == '\n'))
            i++;
        if (i == s.n || !is_letter(s.p[i]) || (i && s.p[i - 1] == '$'))
            return i;
        size_t end = i + 1;
        while (end < s.n && is_lower(s.p[end]))
            end++;
        char c = peek(s, end);
        bool is_plain = is_blank(c) || c == ',' || (c == '.' && is_blank(peek(s, end + 1)));
        if (!is_plain)
            return i;
        i = end + (c == '.');
    }
}

/* Reads what stands at `at`; true when that is a literal. Always moves on. */
static bool step(struct gen_literal_scan *scan, struct gen_literal *out)
{
    struct gen_str s = scan->text;
    size_t i = scan->at;
    char c = s.p[i];
    if (c == '`')
        return read_span(scan, out);
    if ((c == '"' || (unsigned char)c >= 0x80) && read_string(scan, out))
        return true;
    if (scan->at > i)
        return false;
    bool starts_token = i == 0 || !is_path_char(s.p[i - 1]);
    if (c == '-' && read_option(scan, out))
        return true;
    if (starts_token && (c == '/' || c == '.' || c == '~' || gen_ascii_is_word(c)) &&
        read_path(scan, out))
        return true;
    if (is_digit(c))
        return read_number(scan, i, out);
    if ((c == 'v' || c == 'V') && is_digit(peek(s, i + 1)) && peek(s, run_end(s, i)) == '.')
        return read_number(scan, i + 1, out);
    if (gen_ascii_is_word(c))
        return read_name(scan, out);
    scan->at = i + 1;
    return false;
}

bool gen_literal_next(struct gen_literal_scan *scan, struct gen_literal *out)
{
    for (;;) {
        scan->at = skip_plain(scan->text, scan->at);
        if (scan->at >= scan->text.n)
            return false;
        if (step(scan, out))
            return true;
    }
}
