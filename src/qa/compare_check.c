/* Ids and figures in the words of a model. */
#include "qa/compare.h"

#include <math.h>
#include <stdio.h>

/* Whole numbers up to it count things of every kind. */
#define COUNT_MAX 8U

#define FIGURES_MAX 32 /* in one line of a table */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           ((unsigned char)c & 0x80U);
}

/* "p12" at `at`, not inside a longer word: its number, else SIZE_MAX. `*end` gets where it ends. */
static size_t id_at(struct gen_str s, size_t at, size_t *end)
{
    size_t n = 0;
    size_t i = at + 1;
    *end = i;
    if (s.p[at] != 'p' || (at > 0 && (is_letter(s.p[at - 1]) || is_digit(s.p[at - 1]))))
        return SIZE_MAX;
    for (; i < s.n && is_digit(s.p[i]) && i - at < 8; i++)
        n = n * 10 + (size_t)(s.p[i] - '0');
    if (i == at + 1 || (i < s.n && (is_letter(s.p[i]) || is_digit(s.p[i]))))
        return SIZE_MAX;
    *end = i;
    return n;
}

bool gen_compare_ids_exist(struct gen_str text, size_t n_samples)
{
    unsigned depth = 0;
    for (size_t i = 0; i < text.n;) {
        size_t end = i + 1;
        if (text.p[i] == '(' || text.p[i] == '[')
            depth++;
        else if ((text.p[i] == ')' || text.p[i] == ']') && depth)
            depth--;
        /* Outside of brackets "p99" may be the subject. */
        size_t n = depth ? id_at(text, i, &end) : SIZE_MAX;
        if (n != SIZE_MAX && (n < 1 || n > n_samples))
            return false;
        i = end;
    }
    return true;
}

struct figure {
    double value;
    unsigned n_decimals;
};

/* The next number of `s` at or after `*at`, with thousands separators; false at the end. */
static bool next_figure(struct gen_str s, size_t *at, struct figure *out, struct gen_str *text)
{
    size_t i = *at;
    while (i < s.n &&
           !(is_digit(s.p[i]) && (i == 0 || (!is_letter(s.p[i - 1]) && !is_digit(s.p[i - 1]) &&
                                             s.p[i - 1] != '-' && s.p[i - 1] != '.'))))
        i++;
    if (i >= s.n)
        return false;
    size_t start = i;
    double value = 0;
    double unit = 1;
    unsigned n_decimals = 0;
    for (; i < s.n && i - start < 24; i++) {
        bool goes_on = i + 1 < s.n && is_digit(s.p[i + 1]);
        if (is_digit(s.p[i]) && unit < 1) {
            value += (double)(s.p[i] - '0') * unit;
            unit /= 10;
            n_decimals++;
        } else if (is_digit(s.p[i])) {
            value = value * 10 + (double)(s.p[i] - '0');
        } else if (s.p[i] == '.' && goes_on && n_decimals == 0) {
            unit = 0.1;
        } else if (!(s.p[i] == ',' && goes_on && unit == 1)) {
            break;
        }
    }
    *text = gen_str_sub(s, start, i - start);
    *out = (struct figure){value, n_decimals};
    *at = i;
    return true;
}

static bool rounds_to(double exact, const struct figure *f)
{
    double unit = pow(10, -(double)f->n_decimals);
    return fabs(exact - f->value) <= unit * 0.5 + 1e-9;
}

static bool is_in_line(struct gen_str line, const struct figure *f)
{
    struct figure here[FIGURES_MAX];
    struct gen_str ignored;
    size_t n = 0;
    size_t at = 0;
    while (n < FIGURES_MAX && next_figure(line, &at, &here[n], &ignored))
        n++;
    for (size_t i = 0; i < n; i++) {
        if (rounds_to(here[i].value, f))
            return true;
        for (size_t k = 0; k < i; k++) {
            if (rounds_to(fabs(here[i].value - here[k].value), f))
                return true;
        }
    }
    return false;
}

static bool is_in_table(struct gen_str table, const struct figure *f)
{
    struct gen_str line;
    while (gen_str_next_line(&table, &line)) {
        if (is_in_line(line, f))
            return true;
    }
    return false;
}

/* Of figures: one for each set. */
static size_t n_columns(struct gen_str table)
{
    struct gen_str line;
    size_t n = 0;
    if (!gen_str_next_line(&table, &line))
        return 0;
    for (size_t i = 0; i < line.n; i++)
        n += line.p[i] == '|';
    return n;
}

int gen_compare_foreign_figures(struct gen_str text, struct gen_str table, struct gen_buf *out,
                                struct gen_error *err)
{
    /* "both", "all 3 sets", "the 95 % interval" say nothing about a set. */
    static const double of_the_method = 95;
    double n_most = n_columns(table) > COUNT_MAX ? (double)n_columns(table) : (double)COUNT_MAX;
    struct figure f;
    struct gen_str word;
    size_t at = 0;
    int rc = GEN_OK;
    while (rc == GEN_OK && next_figure(text, &at, &f, &word)) {
        bool is_count = f.n_decimals == 0 && (f.value <= n_most || f.value == of_the_method);
        if (is_count || is_in_table(table, &f))
            continue;
        rc = gen_buf_printf(out, err, "%s%.*s", out->n ? ", " : "", GEN_STR_ARG(word));
    }
    return rc;
}
