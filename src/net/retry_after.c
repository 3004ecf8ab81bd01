#include "net/retry_after.h"

#include "base/num.h"

#include <curl/curl.h>
#include <math.h>

/* Longer texts are no number and no date. */
#define TEXT_BYTES_MAX 63U

static uint64_t cut_wait(double ms)
{
    return ms >= (double)GEN_WAIT_MS_MAX ? GEN_WAIT_MS_MAX : (uint64_t)ceil(ms);
}

/* A number of units of `unit_ms` milliseconds. */
static bool number_parse(struct gen_str text, double unit_ms, uint64_t *wait_ms)
{
    double value = 0;
    if (gen_num_f64(text, 0, 1e300, "a wait", &value, NULL) != GEN_OK || signbit(value))
        return false;
    *wait_ms = cut_wait(value * unit_ms);
    return true;
}

static bool until(int64_t unix_ms, int64_t now_unix_ms, uint64_t *wait_ms)
{
    if (unix_ms <= now_unix_ms)
        return false;
    uint64_t wait = (uint64_t)unix_ms - (uint64_t)now_unix_ms;
    *wait_ms = wait < GEN_WAIT_MS_MAX ? wait : GEN_WAIT_MS_MAX;
    return true;
}

bool gen_retry_after(struct gen_str retry_after_ms, struct gen_str retry_after, int64_t now_unix_ms,
                     uint64_t *wait_ms)
{
    if (number_parse(gen_str_trim(retry_after_ms), 1, wait_ms))
        return true;
    struct gen_str text = gen_str_trim(retry_after);
    if (number_parse(text, 1000, wait_ms))
        return true;
    int64_t unix_ms = 0;
    return gen_http_date_parse(text, &unix_ms) && until(unix_ms, now_unix_ms, wait_ms);
}

bool gen_limit_reset(struct gen_str text, int64_t now_unix_ms, uint64_t *wait_ms)
{
    text = gen_str_trim(text);
    if (gen_duration_parse(text, wait_ms) || number_parse(text, 1000, wait_ms))
        return true;
    int64_t unix_ms = 0;
    return gen_rfc3339_parse(text, &unix_ms) && until(unix_ms, now_unix_ms, wait_ms);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct unit {
    struct gen_str name;
    double ms;
};

/* The unit at the start of `text`; a longer name stands before its own beginning ("ms", "m"). */
static const struct unit *find_unit(struct gen_str text, size_t *rank)
{
    static const struct unit units[] = {
        {{"h", 1}, 3600e3},       {{"ms", 2}, 1},           {{"m", 1}, 60e3},  {{"s", 1}, 1e3},
        {{"\xc2\xb5s", 3}, 1e-3}, {{"\xce\xbcs", 3}, 1e-3}, {{"us", 2}, 1e-3}, {{"ns", 2}, 1e-6},
    };
    static const size_t ranks[] = {1, 4, 2, 3, 5, 5, 5, 6};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (gen_str_starts(text, units[i].name)) {
            *rank = ranks[i];
            return &units[i];
        }
    }
    return NULL;
}

bool gen_duration_parse(struct gen_str text, uint64_t *duration_ms)
{
    if (gen_str_is(text, "0")) {
        *duration_ms = 0;
        return true;
    }
    double total_ms = 0;
    size_t last_rank = 0;
    if (text.n == 0 || text.n > TEXT_BYTES_MAX)
        return false;
    while (text.n > 0) {
        size_t n = 0;
        while (n < text.n && (is_digit(text.p[n]) || text.p[n] == '.'))
            n++;
        double value = 0;
        size_t rank = 0;
        if (gen_num_f64(gen_str_sub(text, 0, n), 0, 1e300, "a wait", &value, NULL) != GEN_OK)
            return false;
        const struct unit *unit = find_unit(gen_str_sub(text, n, text.n), &rank);
        if (!unit || rank <= last_rank)
            return false;
        last_rank = rank;
        total_ms += value * unit->ms;
        text = gen_str_sub(text, n + unit->name.n, text.n);
    }
    *duration_ms = cut_wait(total_ms);
    return true;
}

/* Takes exactly `n_digits` digits and then `end` ('\0': nothing) off the text. */
static bool take_number(struct gen_str *text, size_t n_digits, char end, int64_t min, int64_t max,
                        int64_t *out)
{
    size_t n = n_digits + (end ? 1 : 0);
    if (text->n < n || (end && text->p[n_digits] != end))
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < n_digits; i++) {
        if (!is_digit(text->p[i]))
            return false;
        value = value * 10 + (text->p[i] - '0');
    }
    *text = gen_str_sub(*text, n, text->n);
    *out = value;
    return value >= min && value <= max;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar, by counting from March, so that the
 * leap day is the last of its year. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year % 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool take_fraction(struct gen_str *text, int64_t *ms)
{
    *ms = 0;
    if (text->n == 0 || text->p[0] != '.')
        return true;
    size_t n = 1;
    int64_t weight = 100;
    while (n < text->n && is_digit(text->p[n])) {
        *ms += (text->p[n] - '0') * weight;
        weight /= 10;
        n++;
    }
    *text = gen_str_sub(*text, n, text->n);
    return n > 1;
}

static bool take_zone(struct gen_str *text, int64_t *offset_minutes)
{
    if (text->n == 0)
        return false;
    char sign = text->p[0];
    *text = gen_str_sub(*text, 1, text->n);
    *offset_minutes = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    int64_t hours = 0;
    int64_t minutes = 0;
    if ((sign != '+' && sign != '-') || !take_number(text, 2, ':', 0, 23, &hours) ||
        !take_number(text, 2, '\0', 0, 59, &minutes))
        return false;
    *offset_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    return true;
}

bool gen_rfc3339_parse(struct gen_str text, int64_t *unix_ms)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t ms = 0;
    int64_t offset_minutes = 0;
    text = gen_str_trim(text);
    if (!take_number(&text, 4, '-', 1600, 9999, &year) ||
        !take_number(&text, 2, '-', 1, 12, &month) || !take_number(&text, 2, '\0', 1, 31, &day))
        return false;
    if (text.n == 0 || (text.p[0] != 'T' && text.p[0] != 't' && text.p[0] != ' '))
        return false;
    text = gen_str_sub(text, 1, text.n);
    if (!take_number(&text, 2, ':', 0, 23, &hour) || !take_number(&text, 2, ':', 0, 59, &minute) ||
        !take_number(&text, 2, '\0', 0, 60, &second) || !take_fraction(&text, &ms) ||
        !take_zone(&text, &offset_minutes) || text.n != 0)
        return false;
    int64_t minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute;
    *unix_ms = ((minutes - offset_minutes) * 60 + second) * 1000 + ms;
    return true;
}

bool gen_http_date_parse(struct gen_str text, int64_t *unix_ms)
{
    char copy[TEXT_BYTES_MAX + 1];
    text = gen_str_trim(text);
    if (text.n == 0 || text.n > TEXT_BYTES_MAX || memchr(text.p, '\0', text.n))
        return false;
    /* All three forms start with the name of a day; curl would also take a bare hour. */
    char first = (char)(text.p[0] | 0x20);
    if (first < 'a' || first > 'z')
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    time_t seconds = curl_getdate(copy, NULL);
    if (seconds < 0)
        return false;
    *unix_ms = (int64_t)seconds * 1000;
    return true;
}
