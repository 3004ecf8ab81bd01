#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>

#define MATCH_LIMIT    200000U
#define DEPTH_LIMIT    2000U
#define HEAP_LIMIT_KIB 8192U

struct gen_regex {
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

static int compile(struct gen_regex *r, struct gen_str pattern, struct gen_error *err)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    r->code = pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n,
                            PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
    if (!r->code) {
        char why[160];
        if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why)) < 0)
            (void)snprintf(why, sizeof(why), "error %d", code);
        return gen_fail(err, GEN_EUSAGE, "%s at byte %zu", why, (size_t)offset);
    }
    /* Without a compiler for this machine, or memory for it, the search is slower and the same. */
    (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
    return GEN_OK;
}

int gen_regex_new(struct gen_regex **out, struct gen_str pattern, struct gen_error *err)
{
    if (pattern.n > GEN_REGEX_BYTES_MAX)
        return gen_fail(err, GEN_EUSAGE, "it has %zu bytes, more than %d", pattern.n,
                        GEN_REGEX_BYTES_MAX);
    struct gen_regex *r = calloc(1, sizeof(*r));
    if (!r)
        return gen_nomem(err, "a pattern");
    r->limits = pcre2_match_context_create(NULL);
    r->data = pcre2_match_data_create(1, NULL);
    int rc = r->limits && r->data ? compile(r, pattern, err) : gen_nomem(err, "a pattern");
    if (rc) {
        gen_regex_free(r);
        return rc;
    }
    /* They always return 0. */
    (void)pcre2_set_match_limit(r->limits, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
    *out = r;
    return GEN_OK;
}

enum gen_regex_found gen_regex_search(struct gen_regex *r, struct gen_str text)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.n ? text.p : "");
    int rc = pcre2_match(r->code, subject, text.n, 0, 0, r->data, r->limits);
    if (rc >= 0)
        return GEN_REGEX_YES;
    return rc == PCRE2_ERROR_NOMATCH ? GEN_REGEX_NO : GEN_REGEX_GAVE_UP;
}

void gen_regex_free(struct gen_regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_match_data_free(r->data);
    pcre2_match_context_free(r->limits);
    free(r);
}
