#include "dataset/checks/numbers.h"

#include "dataset/checks/words.h"

#define DIGITS_MAX 48

static bool is_digit(struct gen_str s, size_t i)
{
    return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static bool is_letter(struct gen_str s, size_t i)
{
    return i < s.n && gen_ascii_is_word(s.p[i]) && s.p[i] != '_' && !is_digit(s, i);
}

static uint64_t hash(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 0x100000001B3ULL;
    return h;
}

/* One name for each spelling of a unit; padded with zeros, to be compared eight bytes at a time. */
static const struct unit {
    char name[16];
    const char *canonical;
} units[] = {
    {"b", "byte"},
    {"bit", "bit"},
    {"bits", "bit"},
    {"byte", "byte"},
    {"bytes", "byte"},
    {"d", "day"},
    {"day", "day"},
    {"days", "day"},
    {"dimensional", "dim"},
    {"dimensions", "dim"},
    {"gb", "gb"},
    {"ghz", "ghz"},
    {"gib", "gib"},
    {"h", "hour"},
    {"hour", "hour"},
    {"hours", "hour"},
    {"hz", "hz"},
    {"kb", "kb"},
    {"khz", "khz"},
    {"kib", "kib"},
    {"km", "km"},
    {"m", "m"},
    {"mb", "mb"},
    {"mhz", "mhz"},
    {"mib", "mib"},
    {"microseconds", "us"},
    {"milliseconds", "ms"},
    {"min", "min"},
    {"minute", "min"},
    {"minutes", "min"},
    {"mm", "mm"},
    {"ms", "ms"},
    {"nanoseconds", "ns"},
    {"ns", "ns"},
    {"pb", "pb"},
    {"percent", "%"},
    {"s", "s"},
    {"sec", "s"},
    {"second", "s"},
    {"seconds", "s"},
    {"tb", "tb"},
    {"tib", "tib"},
    {"us", "us"},
};

/* The letters that units begin with. */
static bool may_be_unit(struct gen_str letters)
{
    static const uint32_t first = 1U << ('b' - 'a') | 1U << ('d' - 'a') | 1U << ('g' - 'a') |
                                  1U << ('h' - 'a') | 1U << ('k' - 'a') | 1U << ('m' - 'a') |
                                  1U << ('n' - 'a') | 1U << ('p' - 'a') | 1U << ('s' - 'a') |
                                  1U << ('t' - 'a') | 1U << ('u' - 'a');
    return letters.n && letters.n < sizeof(units[0].name) &&
           (first >> (gen_ascii_lower(letters.p[0]) - 'a') & 1U);
}

static const char *find_unit(struct gen_str letters)
{
    char name[sizeof(units[0].name)] = {0};
    if (!may_be_unit(letters))
        return NULL;
    for (size_t i = 0; i < letters.n; i++)
        name[i] = gen_ascii_lower(letters.p[i]);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (memcmp(name, units[i].name, 8) == 0 && memcmp(name + 8, units[i].name + 8, 8) == 0)
            return units[i].canonical;
    }
    return NULL;
}

/* Digits with separators, dots and an exponent; the digits without separators go to `digits`. */
static size_t read_digits(struct gen_str s, size_t at, char *digits, size_t *n_digits,
                          bool *grouped)
{
    size_t i = at;
    size_t n = 0;
    bool dotted = false;
    while (i < s.n && n < DIGITS_MAX - 4) {
        if (is_digit(s, i)) {
            digits[n++] = s.p[i++];
            continue;
        }
        bool group = (s.p[i] == ',' || s.p[i] == '_') && !dotted && is_digit(s, i + 1) &&
                     is_digit(s, i + 2) && is_digit(s, i + 3) && !is_digit(s, i + 4) &&
                     (*grouped || i - at <= 3);
        bool dot = s.p[i] == '.' && is_digit(s, i + 1);
        bool exponent =
            (s.p[i] == 'e' || s.p[i] == 'E') &&
            (is_digit(s, i + 1) ||
             (i + 1 < s.n && (s.p[i + 1] == '-' || s.p[i + 1] == '+') && is_digit(s, i + 2)));
        if (group) {
            *grouped = true;
            i++;
            continue;
        }
        if (!dot && !exponent)
            break;
        dotted = dotted || dot || exponent;
        digits[n++] = gen_ascii_lower(s.p[i++]);
        if (exponent && !is_digit(s, i))
            digits[n++] = s.p[i++];
    }
    while (is_digit(s, i))
        i++;
    *n_digits = n;
    return i;
}

/* Without zeros in front, and without a fraction of zeros. */
static struct gen_str canonical(const char *digits, size_t n)
{
    size_t start = 0;
    while (start + 1 < n && digits[start] == '0' && digits[start + 1] >= '0' &&
           digits[start + 1] <= '9')
        start++;
    struct gen_str s = {digits + start, n - start};
    size_t dot = gen_str_find(s, GEN_STR("."), 0);
    if (dot == SIZE_MAX)
        return s;
    for (size_t i = dot + 1; i < s.n; i++) {
        if (s.p[i] != '0')
            return s;
    }
    return gen_str_sub(s, 0, dot);
}

static bool is_ordinal(struct gen_str letters)
{
    return gen_str_eq_nocase(letters, GEN_STR("st")) || gen_str_eq_nocase(letters, GEN_STR("nd")) ||
           gen_str_eq_nocase(letters, GEN_STR("rd")) || gen_str_eq_nocase(letters, GEN_STR("th"));
}

static void read_unit(struct gen_str s, size_t i, uint64_t value, struct gen_number *out)
{
    size_t from = i;
    bool apart = i < s.n && (s.p[i] == ' ' || s.p[i] == '-');
    from += apart;
    size_t end = from;
    while (is_letter(s, end))
        end++;
    struct gen_str letters = gen_str_sub(s, from, end - from);
    const char *unit = find_unit(letters);
    if (from < s.n && s.p[from] == '%') {
        unit = "%";
        end = from + 1;
    } else if (end < s.n && (gen_ascii_is_word(s.p[end]))) {
        return; /* part of a name */
    } else if (apart && letters.n == 1) {
        unit = NULL; /* "2 s" could be anything: "a 5 m" is rare, "version 2 b" is not */
    }
    if (unit) {
        out->full = hash(hash(value, " ", 1), unit, strlen(unit));
    } else if (!apart && letters.n) {
        out->is_ordinal = is_ordinal(letters);
        out->unit_unknown = true;
        out->full = hash(value, " ", 1);
        for (size_t k = 0; k < letters.n; k++) {
            char c = gen_ascii_lower(letters.p[k]);
            out->full = hash(out->full, &c, 1);
        }
    }
    if (out->full)
        out->n += end - i;
}

void gen_number_read(struct gen_str s, size_t at, struct gen_number *out)
{
    char digits[DIGITS_MAX];
    size_t n = 0;
    *out = (struct gen_number){0};
    size_t end = read_digits(s, at, digits, &n, &out->is_grouped);
    struct gen_str value = canonical(digits, n);
    uint64_t h = hash(0xCBF29CE484222325ULL, value.p, value.n);
    out->n = end - at;
    out->any = hash(h, "~", 1);
    out->bare = hash(h, "=", 1);
    if (value.n == 1 || (value.n == 2 && value.p[0] == '1' && value.p[1] <= '2')) {
        out->is_small = true;
        out->small =
            value.n == 1 ? (unsigned)(value.p[0] - '0') : 10U + (unsigned)(value.p[1] - '0');
    }
    read_unit(s, end, h, out);
}

const char *gen_number_word(unsigned small)
{
    static const char *const words[] = {"zero",  "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    return small < sizeof(words) / sizeof(words[0]) ? words[small] : "";
}
