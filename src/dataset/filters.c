#include "dataset/filters.h"

#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_BYTES     48U /* of an account, with its NUL */
#define MATCH_LIMIT    200000U
#define DEPTH_LIMIT    2000U
#define HEAP_LIMIT_KIB 8192U
#define PATTERN_BYTES  4096U

struct filter {
    pcre2_code *code;
    char rule[RULE_BYTES];
    char *pattern;
    bool gave_up, told;
};

struct gen_filters {
    pcre2_match_context *limits;
    pcre2_match_data *data;
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
    int code = 0;
    PCRE2_SIZE offset = 0;
    if (strlen(pattern) > PATTERN_BYTES)
        return gen_fail(err, GEN_EUSAGE, "--%s: pattern %zu is longer than %u bytes", option,
                        number, PATTERN_BYTES);
    f->pattern = gen_str_dup(gen_str_from(pattern));
    if (!f->pattern)
        return gen_nomem(err, "a pattern");
    f->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                            PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
    if (!f->code) {
        char why[160];
        if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why)) < 0)
            (void)snprintf(why, sizeof(why), "error %d", code);
        return gen_fail(err, GEN_EUSAGE,
                        "--%s /%s/ is no regular expression: %s at byte %zu (characters such as "
                        "( [ * + ? . need a \\ in front to stand for themselves)",
                        option, pattern, why, (size_t)offset);
    }
    /* Without a compiler for this machine, or memory for it, the search is slower and the same. */
    (void)pcre2_jit_compile(f->code, PCRE2_JIT_COMPLETE);
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
    f->limits = pcre2_match_context_create(NULL);
    f->data = pcre2_match_data_create(1, NULL);
    int rc = f->limits && f->data ? GEN_OK : gen_nomem(err, "patterns");
    if (rc == GEN_OK) {
        /* They always return 0. */
        (void)pcre2_set_match_limit(f->limits, MATCH_LIMIT);
        (void)pcre2_set_depth_limit(f->limits, DEPTH_LIMIT);
        (void)pcre2_set_heap_limit(f->limits, HEAP_LIMIT_KIB);
    }
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
        pcre2_code_free(f->rows[i].code);
        free(f->rows[i].pattern);
    }
    pcre2_match_data_free(f->data);
    pcre2_match_context_free(f->limits);
    free(f);
}

const char *gen_filters_match(struct gen_filters *f, struct gen_str text)
{
    if (!f)
        return NULL;
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.n ? text.p : "");
    for (size_t i = 0; i < f->n; i++) {
        int rc = pcre2_match(f->rows[i].code, subject, text.n, 0, 0, f->data, f->limits);
        if (rc >= 0)
            return f->rows[i].rule;
        f->rows[i].gave_up |= rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT ||
                              rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_JIT_STACKLIMIT;
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
