/*
 * Perl-compatible regular expressions (PCRE2) in UTF mode, searched anywhere in a text. Limits on
 * the work of one search keep a bad pattern from holding up a run.
 */
#ifndef GEN_BASE_REGEX_H
#define GEN_BASE_REGEX_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

#define GEN_REGEX_BYTES_MAX 4096

struct gen_regex;

enum gen_regex_found {
    GEN_REGEX_NO = 0,
    GEN_REGEX_YES,
    GEN_REGEX_GAVE_UP, /* the search ran into its limits, or the text is no UTF-8 */
};

/* GEN_EUSAGE when `pattern` is none: the message is a clause that says what is wrong and at which
 * byte, without naming the pattern. GEN_ENOMEM. */
GEN_MUST_USE int gen_regex_new(struct gen_regex **out, struct gen_str pattern,
                               struct gen_error *err);
/* Not for two threads at once. */
enum gen_regex_found gen_regex_search(struct gen_regex *r, struct gen_str text);
void gen_regex_free(struct gen_regex *r);

#endif
