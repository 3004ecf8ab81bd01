#include "dataset/filters.h"

#include "base/regex.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_BYTES 48U /* of an account, with its NUL */

struct filter {
    struct gen_regex *regex;
    char rule[RULE_BYTES];
    char *pattern;
    bool gave_up, told;
};

struct gen_filters {
    size_t n;
    struct filter rows[];
};

/* "skip-question" is an option, "skip_question" a rule. */
static void name_rule(struct filter *f, const char *option, size_t number)
{
    char name[24];
    size_t n_pattern = strlen(f->pattern);
    (void)snprintf(name, sizeof(name), "%s", option);
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    if (strlen(name) + n_pattern + 4 <= RULE_BYTES) {
        (void)snprintf(f->rule, sizeof(f->rule), "%s /%s/", name, f->pattern);
        return;
    }
    int used = snprintf(f->rule, sizeof(f->rule), "%s %zu /", name, number);
    size_t room = sizeof(f->rule) - 1 - (size_t)used - 4;
    (void)snprintf(f->rule + used, sizeof(f->rule) - (size_t)used, "%.*s.../",
                   GEN_STR_ARG(gen_utf8_cut(gen_str_from(f->pattern), room)));
}

static int compile(struct filter *f, const char *option, const char *pattern, size_t number,
                   struct gen_error *err)
{
    struct gen_error why = {.msg = ""};
    f->pattern = gen_str_dup(gen_str_from(pattern));
    if (!f->pattern)
        return gen_nomem(err, "a pattern");
    int rc = gen_regex_new(&f->regex, gen_str_from(pattern), &why);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a pattern");
    if (rc)
        return gen_fail(err, GEN_EUSAGE,
                        "--%s /%.200s/ is no regular expression: %s (characters such as ( [ * + ? "
                        ". need a \\ in front to stand for themselves)",
                        option, pattern, why.msg);
    name_rule(f, option, number);
    return GEN_OK;
}

int gen_filters_new(struct gen_filters **out, const char *option, const char *const *patterns,
                    size_t n, struct gen_error *err)
{
    *out = NULL;
    if (n == 0)
        return GEN_OK;
    struct gen_filters *f = calloc(1, sizeof(*f) + n * sizeof(f->rows[0]));
    if (!f)
        return gen_nomem(err, "patterns");
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        f->n++;
        rc = compile(&f->rows[i], option, patterns[i], i + 1, err);
    }
    if (rc) {
        gen_filters_free(f);
        return rc;
    }
    *out = f;
    return GEN_OK;
}

void gen_filters_free(struct gen_filters *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        gen_regex_free(f->rows[i].regex);
        free(f->rows[i].pattern);
    }
    free(f);
}

const char *gen_filters_match(struct gen_filters *f, struct gen_str text)
{
    for (size_t i = 0; f && i < f->n; i++) {
        enum gen_regex_found found = gen_regex_search(f->rows[i].regex, text);
        if (found == GEN_REGEX_YES)
            return f->rows[i].rule;
        f->rows[i].gave_up |= found == GEN_REGEX_GAVE_UP;
    }
    return NULL;
}

const char *gen_filters_gave_up(struct gen_filters *f)
{
    for (size_t i = 0; f && i < f->n; i++) {
        if (f->rows[i].gave_up && !f->rows[i].told) {
            f->rows[i].told = true;
            return f->rows[i].pattern;
        }
    }
    return NULL;
}
