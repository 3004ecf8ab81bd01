/* Numbers of a text in digits and in English words, with scales and units. */
#include "tool/origin_words.h"

#include <math.h>

struct named_number {
    const char *name;
    double value;
};

static const struct named_number units_and_teens[] = {
    {"zero", 0},     {"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},
    {"five", 5},     {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},
    {"ten", 10},     {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14},
    {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19},
    {"twenty", 20},  {"thirty", 30},  {"forty", 40},     {"fifty", 50},    {"sixty", 60},
    {"seventy", 70}, {"eighty", 80},  {"ninety", 90},    {"once", 1},      {"single", 1},
    {"twice", 2},    {"double", 2},   {"both", 2},       {"couple", 2},    {"pair", 2},
    {"triple", 3},   {"dozen", 12}};

static const struct named_number ordinals[] = {
    {"first", 1},   {"second", 2}, {"third", 3}, {"fourth", 4}, {"fifth", 5}, {"sixth", 6},
    {"seventh", 7}, {"eighth", 8}, {"ninth", 9}, {"tenth", 10}, {"last", -1}, {"final", -1}};

static const struct named_number scales[] = {{"hundred", 100},   {"thousand", 1e3}, {"k", 1e3},
                                             {"million", 1e6},   {"millions", 1e6}, {"mn", 1e6},
                                             {"m", 1e6},         {"billion", 1e9},  {"bn", 1e9},
                                             {"trillion", 1e12}, {"dozen", 12}};

static const struct named_number fractions[] = {
    {"half", 0.5},       {"quarter", 0.25}, {"quarters", 0.25}, {"third", 1.0 / 3},
    {"thirds", 1.0 / 3}, {"tenth", 0.1},    {"tenths", 0.1},    {"fifth", 0.2}};

struct unit {
    const char *name;
    enum gen_dimension dimension;
    double factor, other_factor; /* bytes: powers of 1000 and of 1024 */
};

static const struct unit units[] = {
    {"ms", GEN_DIMENSION_TIME, 1e-3, 0},
    {"millisecond", GEN_DIMENSION_TIME, 1e-3, 0},
    {"s", GEN_DIMENSION_TIME, 1, 0},
    {"sec", GEN_DIMENSION_TIME, 1, 0},
    {"second", GEN_DIMENSION_TIME, 1, 0},
    {"min", GEN_DIMENSION_TIME, 60, 0},
    {"minute", GEN_DIMENSION_TIME, 60, 0},
    {"h", GEN_DIMENSION_TIME, 3600, 0},
    {"hr", GEN_DIMENSION_TIME, 3600, 0},
    {"hour", GEN_DIMENSION_TIME, 3600, 0},
    {"d", GEN_DIMENSION_TIME, 86400, 0},
    {"day", GEN_DIMENSION_TIME, 86400, 0},
    {"week", GEN_DIMENSION_TIME, 604800, 0},
    {"fortnight", GEN_DIMENSION_TIME, 1209600, 0},
    {"month", GEN_DIMENSION_TIME, 2592000, 0},
    {"year", GEN_DIMENSION_TIME, 31536000, 0},
    {"b", GEN_DIMENSION_BYTES, 1, 0},
    {"byte", GEN_DIMENSION_BYTES, 1, 0},
    {"kb", GEN_DIMENSION_BYTES, 1e3, 1024},
    {"kib", GEN_DIMENSION_BYTES, 1024, 0},
    {"kilobyte", GEN_DIMENSION_BYTES, 1e3, 1024},
    {"mb", GEN_DIMENSION_BYTES, 1e6, 1048576},
    {"mib", GEN_DIMENSION_BYTES, 1048576, 0},
    {"megabyte", GEN_DIMENSION_BYTES, 1e6, 1048576},
    {"gb", GEN_DIMENSION_BYTES, 1e9, 1073741824},
    {"gib", GEN_DIMENSION_BYTES, 1073741824, 0},
    {"gigabyte", GEN_DIMENSION_BYTES, 1e9, 1073741824},
    {"tb", GEN_DIMENSION_BYTES, 1e12, 1099511627776},
    {"tib", GEN_DIMENSION_BYTES, 1099511627776, 0},
    {"terabyte", GEN_DIMENSION_BYTES, 1e12, 1099511627776},
    {"mm", GEN_DIMENSION_LENGTH, 1e-3, 0},
    {"millimetre", GEN_DIMENSION_LENGTH, 1e-3, 0},
    {"millimeter", GEN_DIMENSION_LENGTH, 1e-3, 0},
    {"cm", GEN_DIMENSION_LENGTH, 1e-2, 0},
    {"metre", GEN_DIMENSION_LENGTH, 1, 0},
    {"meter", GEN_DIMENSION_LENGTH, 1, 0},
    {"km", GEN_DIMENSION_LENGTH, 1e3, 0},
    {"kilometre", GEN_DIMENSION_LENGTH, 1e3, 0},
    {"kilometer", GEN_DIMENSION_LENGTH, 1e3, 0},
    {"mg", GEN_DIMENSION_MASS, 1e-3, 0},
    {"g", GEN_DIMENSION_MASS, 1, 0},
    {"gram", GEN_DIMENSION_MASS, 1, 0},
    {"kg", GEN_DIMENSION_MASS, 1e3, 0},
    {"kilo", GEN_DIMENSION_MASS, 1e3, 0},
    {"kilogram", GEN_DIMENSION_MASS, 1e3, 0},
    {"tonne", GEN_DIMENSION_MASS, 1e6, 0},
    {"hz", GEN_DIMENSION_RATE, 1, 0},
    {"khz", GEN_DIMENSION_RATE, 1e3, 0},
    {"mhz", GEN_DIMENSION_RATE, 1e6, 0},
    {"ghz", GEN_DIMENSION_RATE, 1e9, 0},
    {"%", GEN_DIMENSION_PERCENT, 1, 0},
    {"percent", GEN_DIMENSION_PERCENT, 1, 0},
};

#define N_OF(table) (sizeof(table) / sizeof((table)[0]))

static bool named(const struct named_number *table, size_t n, const struct gen_token *t,
                  double *value)
{
    for (size_t i = 0; i < n; i++) {
        if (gen_token_is(t, table[i].name)) {
            *value = table[i].value;
            return true;
        }
    }
    return false;
}

static const struct unit *unit_of(const struct gen_token *t)
{
    struct gen_str form = t->form;
    for (size_t i = 0; i < N_OF(units); i++) {
        struct gen_str name = gen_str_from(units[i].name);
        bool is_plural = name.n > 1 && form.n == name.n + 1 && form.p[name.n] == 's';
        if (gen_str_eq(form, name) || (is_plural && gen_str_eq(gen_str_sub(form, 0, name.n), name)))
            return &units[i];
    }
    return NULL;
}

/* The reading of one number: where it is and what it is so far. */
struct reading {
    const struct gen_words *w;
    size_t i; /* the next token */
    double value;
    int decimals;
    bool is_words, is_scaled, is_share;
};

static const struct gen_token *token(const struct gen_words *w, size_t i)
{
    return i < w->n_tokens ? &w->tokens[i] : NULL;
}

static bool token_is(const struct gen_words *w, size_t i, const char *word)
{
    const struct gen_token *t = token(w, i);
    return t && gen_token_is(t, word);
}

/* "-" between two number words. */
static size_t after_hyphen(const struct gen_words *w, size_t i)
{
    return token_is(w, i, "-") && w->tokens[i].is_glued ? i + 1 : i;
}

static int decimals_of(struct gen_str digits)
{
    if (memchr(digits.p, 'e', digits.n) || memchr(digits.p, 'E', digits.n))
        return -1;
    const char *point = memchr(digits.p, '.', digits.n);
    return point ? (int)(digits.p + digits.n - point - 1) : 0;
}

/* "twenty-five", "two hundred and fifty thousand". */
static void read_words(struct reading *r)
{
    double total = 0;
    double part = 0;
    double v = 0;
    r->is_words = true;
    while (r->i < r->w->n_tokens) {
        const struct gen_token *t = token(r->w, r->i);
        bool has_and = token_is(r->w, r->i, "and") && part >= 100;
        if (has_and && token(r->w, r->i + 1))
            t = token(r->w, r->i + 1);
        if (t->kind == GEN_TOKEN_WORD && t->form.n > 2 && !gen_token_is(t, "dozen") &&
            named(scales, N_OF(scales), t, &v) && part > 0) {
            part *= v;
            if (v >= 1e3) {
                total += part;
                part = 0;
            }
        } else if (named(units_and_teens, N_OF(units_and_teens), t, &v) &&
                   (part == 0 || (part >= 20 && v < 10) || (part >= 100 && v < 100))) {
            part += v;
        } else {
            break;
        }
        r->i += has_and ? 2 : 1;
        size_t next = after_hyphen(r->w, r->i);
        double unused;
        if (next > r->i && token(r->w, next) &&
            named(units_and_teens, N_OF(units_and_teens), token(r->w, next), &unused))
            r->i = next;
    }
    r->value = total + part;
}

static void read_scale(struct reading *r)
{
    double v = 0;
    const struct gen_token *t = token(r->w, r->i);
    bool is_short = t && t->form.n <= 1;
    if (!t || t->kind != GEN_TOKEN_WORD || (is_short && !t->is_glued) ||
        !named(scales, N_OF(scales), t, &v))
        return;
    r->value *= v;
    r->is_scaled = true;
    r->i++;
}

/* "and a half", "quarters", "half a", "quarter of an". */
static void read_fraction(struct reading *r)
{
    double v = 0;
    size_t i = r->i;
    if (token_is(r->w, i, "and") && token_is(r->w, i + 1, "a") && token(r->w, i + 2) &&
        named(fractions, N_OF(fractions), token(r->w, i + 2), &v)) {
        r->value += v;
        r->i += 3;
        r->is_scaled = true;
    } else if (token(r->w, i) && r->is_words &&
               named(fractions, N_OF(fractions), token(r->w, i), &v)) {
        r->value *= v;
        r->i++;
        r->is_scaled = true;
        r->is_share = true;
    }
}

static bool begin_number(struct reading *r)
{
    const struct gen_token *t = token(r->w, r->i);
    double v = 0;
    r->decimals = -1;
    if (t->kind == GEN_TOKEN_NUMBER) {
        r->value = t->number;
        r->decimals = decimals_of(t->form);
        r->i++;
        read_scale(r);
        read_fraction(r);
        return true;
    }
    if (t->kind != GEN_TOKEN_WORD)
        return false;
    if (gen_token_is(t, "half") || gen_token_is(t, "quarter")) {
        r->value = gen_token_is(t, "half") ? 0.5 : 0.25;
        r->is_words = true;
        r->is_share = true;
        r->i++;
        while (token_is(r->w, r->i, "of") || token_is(r->w, r->i, "a") ||
               token_is(r->w, r->i, "an") || token_is(r->w, r->i, "-"))
            r->i++;
        return true;
    }
    if (named(units_and_teens, N_OF(units_and_teens), t, &v)) {
        read_words(r);
        read_scale(r);
        read_fraction(r);
        return true;
    }
    const struct gen_token *next = token(r->w, r->i + 1);
    if ((gen_token_is(t, "a") || gen_token_is(t, "an") || gen_token_is(t, "per")) && next &&
        next->kind == GEN_TOKEN_WORD &&
        ((next->form.n > 2 && unit_of(next)) ||
         (next->form.n > 2 && named(scales, N_OF(scales), next, &v)))) {
        r->value = 1;
        r->is_words = true;
        r->i++;
        read_scale(r);
        read_fraction(r);
        return true;
    }
    return false;
}

/* "-5" after a blank or an opening mark, "minus five". */
static bool is_negative(const struct gen_words *w, size_t i)
{
    if (i == 0)
        return false;
    const struct gen_token *t = &w->tokens[i - 1];
    if (gen_token_is(t, "minus") || gen_token_is(t, "negative"))
        return true;
    bool is_minus = gen_token_is(t, "-") || gen_token_is(t, "\xE2\x88\x92");
    if (!is_minus || !w->tokens[i].is_glued)
        return false;
    return !t->is_glued || (i > 1 && w->tokens[i - 2].kind == GEN_TOKEN_MARK &&
                            !gen_token_is(&w->tokens[i - 2], ")"));
}

static int add_with_unit(struct gen_words *w, struct gen_quantity q, const struct unit *u,
                         struct gen_error *err)
{
    double plain = q.value;
    q.dimension = u->dimension;
    q.is_share = q.is_share || u->dimension == GEN_DIMENSION_PERCENT;
    q.is_converted = true;
    q.value = plain * u->factor;
    q.unit = u->factor;
    int rc = gen_words_add_quantity(w, &q, err);
    if (rc || u->other_factor <= 0)
        return rc;
    q.value = plain * u->other_factor;
    q.unit = u->other_factor;
    return gen_words_add_quantity(w, &q, err);
}

/* "1 hour 30 minutes": the sum as well. */
static int add_sum(struct gen_words *w, size_t n_before, struct gen_error *err)
{
    if (n_before == 0 || w->n_quantities <= n_before)
        return GEN_OK;
    const struct gen_quantity *a = &w->quantities[n_before - 1];
    struct gen_quantity b = w->quantities[w->n_quantities - 1];
    if (b.dimension != GEN_DIMENSION_TIME || a->dimension != b.dimension || a->unit <= b.unit ||
        b.begin < a->end || b.begin - a->end > 6)
        return GEN_OK;
    b.value += a->value;
    b.begin = a->begin;
    return gen_words_add_quantity(w, &b, err);
}

/* "100,200" may be two numbers. */
static int add_groups(struct gen_words *w, const struct gen_token *t, struct gen_error *err)
{
    struct gen_str text = gen_words_span(w, t->begin, t->end);
    size_t from = 0;
    int rc = GEN_OK;
    if (!memchr(text.p, ',', text.n))
        return GEN_OK;
    for (size_t i = 0; i <= text.n && rc == GEN_OK; i++) {
        if (i < text.n && text.p[i] != ',')
            continue;
        double v = 0;
        for (size_t k = from; k < i && text.p[k] >= '0' && text.p[k] <= '9'; k++)
            v = 10 * v + (text.p[k] - '0');
        struct gen_quantity q = {.value = v,
                                 .begin = t->begin + (uint32_t)from,
                                 .end = t->begin + (uint32_t)i,
                                 .unit = 1,
                                 .is_converted = true};
        rc = gen_words_add_quantity(w, &q, err);
        from = i + 1;
    }
    return rc;
}

static int add_reading(struct gen_words *w, size_t from, struct reading *r, struct gen_error *err)
{
    size_t n_before = w->n_quantities;
    struct gen_quantity q = {.value = r->value,
                             .begin = w->tokens[from].begin,
                             .end = w->tokens[r->i - 1].end,
                             .is_converted = r->is_words || r->is_scaled,
                             .is_share = r->is_share,
                             .decimals = r->is_scaled ? -1 : r->decimals,
                             .unit = 1};
    int rc = GEN_OK;
    if (is_negative(w, from)) {
        q.begin = w->tokens[from - 1].begin;
        q.value = -q.value;
    }
    rc = gen_words_add_quantity(w, &q, err);
    if (rc == GEN_OK && r->is_scaled && w->tokens[from].kind == GEN_TOKEN_NUMBER) {
        struct gen_quantity digits = q;
        digits.value = w->tokens[from].number;
        digits.end = w->tokens[from].end;
        digits.is_converted = true;
        rc = gen_words_add_quantity(w, &digits, err);
    }
    if (rc == GEN_OK && w->tokens[from].kind == GEN_TOKEN_NUMBER)
        rc = add_groups(w, &w->tokens[from], err);
    size_t at_unit = after_hyphen(w, r->i);
    const struct gen_token *t = token(w, at_unit);
    const struct unit *u = t ? unit_of(t) : NULL;
    if (u && rc == GEN_OK) {
        q.end = t->end;
        r->i = at_unit + 1;
        read_fraction(r);
        if (r->is_scaled) /* "an hour and a half" */
            q.value = r->value;
        q.end = w->tokens[r->i - 1].end;
        rc = add_with_unit(w, q, u, err);
        if (rc == GEN_OK)
            rc = add_sum(w, n_before, err);
    }
    return rc;
}

static int add_ordinal(struct gen_words *w, size_t i, double value, size_t n, struct gen_error *err)
{
    struct gen_quantity q = {.value = value,
                             .begin = w->tokens[i].begin,
                             .end = w->tokens[i + n - 1].end,
                             .dimension = GEN_DIMENSION_ORDINAL,
                             .is_converted = true,
                             .decimals = -1,
                             .unit = 1};
    return gen_words_add_quantity(w, &q, err);
}

int gen_words_numbers(struct gen_words *w, struct gen_error *err)
{
    int rc = GEN_OK;
    size_t i = 0;
    while (i < w->n_tokens && rc == GEN_OK) {
        struct reading r = {.w = w, .i = i};
        const struct gen_token *t = &w->tokens[i];
        double v = 0;
        const struct gen_token *next = token(w, i + 1);
        if (t->kind == GEN_TOKEN_NUMBER && next && next->is_glued &&
            (gen_token_is(next, "st") || gen_token_is(next, "nd") || gen_token_is(next, "rd") ||
             gen_token_is(next, "th")))
            rc = add_ordinal(w, i, t->number, 2, err);
        else if (t->kind == GEN_TOKEN_WORD && named(ordinals, N_OF(ordinals), t, &v))
            rc = add_ordinal(w, i, v, 1, err);
        if (rc == GEN_OK && begin_number(&r))
            rc = add_reading(w, i, &r, err);
        i = r.i > i ? r.i : i + 1;
    }
    return rc;
}
