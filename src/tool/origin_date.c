/* Dates and times of day: ISO 8601, day and month in either order, English month names, "2 pm". */
#include "tool/origin_words.h"

static const char *const months[] = {"january",   "february", "march",    "april",
                                     "may",       "june",     "july",     "august",
                                     "september", "october",  "november", "december"};

static int month_of(const struct gen_token *t)
{
    if (!t || t->kind != GEN_TOKEN_WORD || t->form.n < 3)
        return 0;
    for (int m = 0; m < 12; m++) {
        struct gen_str name = gen_str_from(months[m]);
        if (gen_str_eq(t->form, name) || (t->form.n <= 4 && gen_str_starts(name, t->form)))
            return m + 1;
    }
    return 0;
}

static const struct gen_token *token(const struct gen_words *w, size_t i)
{
    return i < w->n_tokens ? &w->tokens[i] : NULL;
}

static bool whole(const struct gen_words *w, size_t i, int low, int high, int *value)
{
    const struct gen_token *t = token(w, i);
    if (!t || t->kind != GEN_TOKEN_NUMBER || t->number < low || t->number > high)
        return false;
    *value = (int)t->number;
    return t->number - *value < 1e-9;
}

static bool mark(const struct gen_words *w, size_t i, const char *a, const char *b)
{
    const struct gen_token *t = token(w, i);
    return t && (gen_token_is(t, a) || (b && gen_token_is(t, b)));
}

static int add(struct gen_words *w, size_t from, size_t to, enum gen_dimension dimension,
               double value, struct gen_error *err)
{
    struct gen_quantity q = {.value = value,
                             .begin = w->tokens[from].begin,
                             .end = w->tokens[to].end,
                             .dimension = dimension,
                             .is_converted = true,
                             .decimals = -1,
                             .unit = 1};
    return gen_words_add_quantity(w, &q, err);
}

static int add_date(struct gen_words *w, size_t from, size_t to, int year, int month, int day,
                    struct gen_error *err)
{
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return GEN_OK;
    return add(w, from, to, GEN_DIMENSION_DATE, 10000.0 * year + 100 * month + day, err);
}

/* 2024-03-05, 2024/03/05, 05/03/2024, 5.3.2024: the order of day and month is not known. */
static int numeric_date(struct gen_words *w, size_t i, struct gen_error *err)
{
    int a;
    int b;
    int c;
    if (!mark(w, i + 1, "-", "/") || !mark(w, i + 3, "-", "/"))
        return GEN_OK;
    if (whole(w, i, 1000, 2999, &a) && whole(w, i + 2, 1, 12, &b) && whole(w, i + 4, 1, 31, &c))
        return add_date(w, i, i + 4, a, b, c, err);
    if (!whole(w, i, 1, 31, &a) || !whole(w, i + 2, 1, 31, &b) || !whole(w, i + 4, 1000, 2999, &c))
        return GEN_OK;
    int rc = add_date(w, i, i + 4, c, b, a, err);
    return rc ? rc : add_date(w, i, i + 4, c, a, b, err);
}

/* After day and month, or month and day: ", 2024", " 2024". */
static bool year_after(const struct gen_words *w, size_t *i, int *year)
{
    size_t k = mark(w, *i, ",", NULL) || mark(w, *i, "of", NULL) ? *i + 1 : *i;
    if (!whole(w, k, 1000, 2999, year))
        return false;
    *i = k;
    return true;
}

static size_t skip_ordinal(const struct gen_words *w, size_t i)
{
    const struct gen_token *t = token(w, i);
    bool is_ordinal = t && t->is_glued &&
                      (gen_token_is(t, "st") || gen_token_is(t, "nd") || gen_token_is(t, "rd") ||
                       gen_token_is(t, "th"));
    i += is_ordinal;
    return mark(w, i, "of", NULL) ? i + 1 : i;
}

/* "3 March 2024", "3rd of March, 2024", "March 3, 2024", "March 2024". */
static int named_date(struct gen_words *w, size_t i, struct gen_error *err)
{
    int day;
    int year;
    int month = month_of(token(w, i));
    if (month) {
        size_t k = i + 1;
        if (whole(w, k, 1, 31, &day)) {
            k = skip_ordinal(w, k + 1);
            if (year_after(w, &k, &year))
                return add_date(w, i, k, year, month, day, err);
        }
        k = i + 1;
        if (year_after(w, &k, &year))
            return add(w, i, k, GEN_DIMENSION_DATE, 10000.0 * year + 100 * month, err);
        return GEN_OK;
    }
    if (!whole(w, i, 1, 31, &day))
        return GEN_OK;
    size_t k = skip_ordinal(w, i + 1);
    month = month_of(token(w, k));
    if (!month)
        return GEN_OK;
    k++;
    return year_after(w, &k, &year) ? add_date(w, i, k, year, month, day, err) : GEN_OK;
}

/* "14:30", "14:30:15", "2 pm", "2:30 p.m.", "noon", "midnight". */
static int clock(struct gen_words *w, size_t i, struct gen_error *err)
{
    int hour;
    int minute = 0;
    int second = 0;
    size_t k = i;
    if (mark(w, i, "noon", "midday"))
        return add(w, i, i, GEN_DIMENSION_CLOCK, 43200, err);
    if (mark(w, i, "midnight", NULL))
        return add(w, i, i, GEN_DIMENSION_CLOCK, 0, err);
    if (!whole(w, i, 0, 24, &hour))
        return GEN_OK;
    bool has_minutes = mark(w, i + 1, ":", NULL) && whole(w, i + 2, 0, 59, &minute);
    k += has_minutes ? 2 : 0;
    if (has_minutes && mark(w, k + 1, ":", NULL) && whole(w, k + 2, 0, 59, &second))
        k += 2;
    bool is_pm =
        mark(w, k + 1, "pm", NULL) ||
        (mark(w, k + 1, "p", NULL) && mark(w, k + 2, ".", NULL) && mark(w, k + 3, "m", NULL));
    bool is_am =
        mark(w, k + 1, "am", NULL) ||
        (mark(w, k + 1, "a", NULL) && mark(w, k + 2, ".", NULL) && mark(w, k + 3, "m", NULL));
    if (!has_minutes && !is_pm && !is_am && !mark(w, k + 1, "o", NULL))
        return GEN_OK;
    if (is_pm || is_am) {
        hour = hour % 12 + (is_pm ? 12 : 0);
        k++;
    }
    return add(w, i, k, GEN_DIMENSION_CLOCK, 3600.0 * hour + 60.0 * minute + second, err);
}

int gen_words_dates(struct gen_words *w, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < w->n_tokens && rc == GEN_OK; i++) {
        rc = numeric_date(w, i, err);
        if (rc == GEN_OK)
            rc = named_date(w, i, err);
        if (rc == GEN_OK)
            rc = clock(w, i, err);
    }
    return rc;
}
