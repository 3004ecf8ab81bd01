#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_BYTES_MAX 63U

static int bad_number(struct gen_error *err, const char *what, struct gen_str text,
                      const char *kind)
{
    return gen_fail(err, GEN_EUSAGE, "%s is '%.*s', which is not %s", what,
                    GEN_STR_ARG(gen_str_sub(text, 0, 40)), kind);
}

/* strtoll and strtod want a NUL and would take leading white space. */
static bool to_c(struct gen_str text, char copy[NUMBER_BYTES_MAX + 1])
{
    if (text.n == 0 || text.n > NUMBER_BYTES_MAX || memchr(text.p, '\0', text.n))
        return false;
    char first = text.p[0];
    if (first != '-' && first != '+' && first != '.' && (first < '0' || first > '9'))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return true;
}

int gen_num_i64(struct gen_str text, int64_t min, int64_t max, const char *what, int64_t *out,
                struct gen_error *err)
{
    char copy[NUMBER_BYTES_MAX + 1];
    char *end = NULL;
    if (!to_c(text, copy))
        return bad_number(err, what, text, "a whole number");
    errno = 0;
    long long value = strtoll(copy, &end, 10);
    if (*end != '\0' || end == copy)
        return bad_number(err, what, text, "a whole number");
    if (errno == ERANGE || value < min || value > max)
        return gen_fail(err, GEN_EUSAGE, "%s is %s, allowed is %lld to %lld", what, copy,
                        (long long)min, (long long)max);
    *out = value;
    return GEN_OK;
}

int gen_num_f64(struct gen_str text, double min, double max, const char *what, double *out,
                struct gen_error *err)
{
    char copy[NUMBER_BYTES_MAX + 1];
    char *end = NULL;
    if (!to_c(text, copy))
        return bad_number(err, what, text, "a number");
    double value = strtod(copy, &end);
    if (*end != '\0' || end == copy || !isfinite(value) || strpbrk(copy, "xXpP"))
        return bad_number(err, what, text, "a number");
    if (value < min || value > max)
        return gen_fail(err, GEN_EUSAGE, "%s is %s, allowed is %g to %g", what, copy, min, max);
    *out = value;
    return GEN_OK;
}
