/* Equations of numbers in running text, recomputed. */
#include "dataset/chain.h"
#include "dataset/checks/words.h"

#include <math.h>

#define TOKENS_MAX 24U
#define UNIT_BYTES 12U

enum kind { NUMBER, OPERATOR, EQUALS, OTHER };

struct token {
    enum kind kind;
    char op; /* '+', '-', '*', '/' */
    double value;
    unsigned decimals;
    struct gen_str text, unit;
};

/* The last tokens before an equals sign. */
struct window {
    struct token t[TOKENS_MAX];
    size_t n;
};

static void push(struct window *w, const struct token *t)
{
    if (w->n == TOKENS_MAX) {
        memmove(w->t, w->t + 1, (TOKENS_MAX - 1) * sizeof(w->t[0]));
        w->n--;
    }
    w->t[w->n++] = *t;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with thousands separators and a decimal point; false when it is none, such as 1.2.3. */
static bool read_number(struct gen_str s, size_t *at, struct token *out)
{
    double value = 0;
    double scale = 1;
    size_t i = *at;
    size_t group = 0;
    bool grouped = false;
    for (; i < s.n; i++) {
        bool next_is_digit = i + 1 < s.n && is_digit(s.p[i + 1]);
        if (is_digit(s.p[i])) {
            value = value * 10 + (s.p[i] - '0');
            group++;
        } else if (s.p[i] == ',' && next_is_digit) {
            if (group > 3 || (grouped && group != 3))
                return false;
            grouped = true;
            group = 0;
        } else {
            break;
        }
    }
    if (grouped && group != 3)
        return false;
    out->decimals = 0;
    if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
        for (i++; i < s.n && is_digit(s.p[i]); i++) {
            scale /= 10;
            value += (s.p[i] - '0') * scale;
            out->decimals++;
        }
        if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1]))
            return false;
    }
    out->kind = NUMBER;
    out->value = value;
    out->text = gen_str_sub(s, *at, i - *at);
    *at = i;
    return out->decimals < 12 && fabs(value) < 1e15;
}

/* "KB" of "64 KB", "%" of "20 %"; a word that is followed by more words is none. */
static struct gen_str read_unit(struct gen_str s, size_t *at)
{
    size_t i = *at;
    i += i < s.n && s.p[i] == ' ';
    size_t from = i;
    if (i < s.n && s.p[i] == '%') {
        *at = i + 1;
        return gen_str_sub(s, i, 1);
    }
    while (i < s.n && ((unsigned char)s.p[i] & 0x80U || gen_ascii_is_word(s.p[i])))
        i++;
    /* The signs for times and division begin with the same byte as accented letters. */
    struct gen_str unit = gen_str_sub(s, from, i - from);
    if (unit.n == 0 || unit.n > UNIT_BYTES || gen_str_is(unit, "x") ||
        gen_str_find(unit, GEN_STR("\xC3\x97"), 0) != SIZE_MAX ||
        gen_str_find(unit, GEN_STR("\xC3\xB7"), 0) != SIZE_MAX ||
        gen_str_find(unit, GEN_STR("\xE2\x88\x92"), 0) != SIZE_MAX)
        return (struct gen_str){NULL, 0};
    *at = i;
    return unit;
}

static char operator_at(struct gen_str s, size_t at, size_t *n)
{
    static const struct {
        const char *text;
        char op;
    } rows[] = {
        {"+", '+'},
        {"-", '-'},
        {"*", '*'},
        {"/", '/'},
        {"\xC3\x97", '*'},
        {"\xC3\xB7", '/'},
        {"\xE2\x88\x92", '-'},
        {"x ", '*'},
    };
    struct gen_str rest = gen_str_sub(s, at, s.n);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_str_starts(rest, gen_str_from(rows[i].text))) {
            *n = strlen(rows[i].text);
            return rows[i].op;
        }
    }
    return 0;
}

static void next_token(struct gen_str s, size_t *at, struct token *out)
{
    size_t n = 1;
    memset(out, 0, sizeof(*out));
    out->kind = OTHER;
    size_t from = *at;
    char op = operator_at(s, from, &n);
    if (is_digit(s.p[from]) && read_number(s, at, out)) {
        out->unit = read_unit(s, at);
        return;
    }
    *at = from;
    out->kind = OTHER;
    /* "1.2.3" and "1,0" are no numbers, and neither are their parts. */
    while (is_digit(s.p[from]) && *at < s.n && (is_digit(s.p[*at]) || strchr(".,", s.p[*at])))
        (*at)++;
    if (*at > from)
        return;
    if (op && !(s.p[from] == 'x' && from && s.p[from - 1] != ' ')) {
        bool doubled = from + n < s.n && s.p[from + n] == s.p[from] && s.p[from] != '(';
        out->kind = doubled ? OTHER : OPERATOR;
        out->op = op;
        *at = from + n + doubled;
        return;
    }
    if (s.p[from] == '=') {
        char before = from ? s.p[from - 1] : ' ';
        bool is_test = strchr("=<>!:+-*/", before) || (from + 1 < s.n && s.p[from + 1] == '=');
        out->kind = is_test ? OTHER : EQUALS;
        *at = from + 1;
        return;
    }
    /* A word whole, so that no number inside a name is taken for one. */
    *at = from + 1;
    while (*at < s.n && (gen_ascii_is_word(s.p[from]) || ((unsigned char)s.p[from] & 0x80U)) &&
           (gen_ascii_is_word(s.p[*at]) || ((unsigned char)s.p[*at] & 0x80U) || s.p[*at] == '.'))
        (*at)++;
}

/* Where the numbers and operators begin that stand right before the end of the window; SIZE_MAX:
 * there is no whole sum. */
static size_t first_operand(const struct window *w)
{
    size_t i = w->n;
    bool want_number = true;
    while (i && w->t[i - 1].kind == (want_number ? NUMBER : OPERATOR)) {
        want_number = !want_number;
        i--;
    }
    /* An operator in front has an operand that cannot be read; a single number is no sum. */
    return want_number || w->n - i < 3 ? SIZE_MAX : i;
}

static bool same_units(const struct window *w, size_t from, struct gen_str result)
{
    bool any = false;
    for (size_t i = from; i < w->n; i++) {
        struct gen_str unit = w->t[i].unit;
        if (w->t[i].kind != NUMBER || unit.n == 0)
            continue;
        any = true;
        if (result.n && !gen_str_eq(unit, result))
            return false;
        for (size_t k = from; k < i; k++) {
            if (w->t[k].unit.n && !gen_str_eq(w->t[k].unit, unit))
                return false;
        }
        if (gen_str_is(unit, "%"))
            return false;
    }
    return any || !gen_str_is(result, "%");
}

/* Products before sums; false: something is divided by zero. */
static bool evaluate(const struct window *w, size_t from, double *out, bool *divides)
{
    double sum = 0;
    double product = w->t[from].value;
    double sign = 1;
    *divides = false;
    for (size_t i = from + 1; i + 1 < w->n; i += 2) {
        double value = w->t[i + 1].value;
        switch (w->t[i].op) {
        case '*':
            product *= value;
            break;
        case '/':
            if (value == 0)
                return false;
            *divides = true;
            product /= value;
            break;
        default:
            sum += sign * product;
            sign = w->t[i].op == '-' ? -1 : 1;
            product = value;
            break;
        }
    }
    *out = sum + sign * product;
    return true;
}

static bool is_right(double value, const struct token *result, bool divides)
{
    double step = pow(10, -(double)result->decimals);
    double off = fabs(value - result->value);
    /* Division of integers may be rounded down, as programs do. */
    if (divides && result->decimals == 0 && floor(value) == result->value)
        return true;
    return off <= step / 2 * (1 + 1e-9) + fabs(value) * 1e-9;
}

int gen_check_arithmetic(struct gen_str text, bool *is_wrong, struct gen_buf *computed,
                         struct gen_error *err)
{
    struct window w = {.n = 0};
    struct token t;
    size_t from = SIZE_MAX;
    int rc = GEN_OK;
    *is_wrong = false;
    if (gen_str_find(text, GEN_STR("="), 0) == SIZE_MAX)
        return GEN_OK;
    for (size_t at = 0; at < text.n && rc == GEN_OK;) {
        if (text.p[at] == ' ') {
            at++;
            continue;
        }
        next_token(text, &at, &t);
        if (t.kind == EQUALS) {
            from = first_operand(&w);
        } else {
            /* "2 * 3 = 1 + 5": the right side is no result. */
            size_t next = at;
            size_t n = 0;
            while (next < text.n && text.p[next] == ' ')
                next++;
            bool goes_on = next < text.n && operator_at(text, next, &n) && next + n < text.n;
            double value = 0;
            bool divides = false;
            if (from != SIZE_MAX && t.kind == NUMBER && !goes_on && same_units(&w, from, t.unit) &&
                evaluate(&w, from, &value, &divides)) {
                bool ok = is_right(value, &t, divides);
                *is_wrong |= !ok;
                if (ok && computed)
                    rc = gen_buf_printf(computed, err, " %.*s", GEN_STR_ARG(t.text));
                if (rc == GEN_OK && ok && computed && t.unit.n)
                    rc = gen_buf_printf(computed, err, " %.*s", GEN_STR_ARG(t.unit));
            }
            from = SIZE_MAX;
            push(&w, &t);
        }
    }
    return rc;
}
