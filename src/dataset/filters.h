/*
 * Patterns by which questions or sources are left out (--skip-question, --skip-source). Perl-
 * compatible regular expressions in UTF mode, searched anywhere in the text; limits on the work of
 * one search keep a bad pattern from holding up a run. It does not decide what is done with a hit.
 */
#ifndef GEN_DATASET_FILTERS_H
#define GEN_DATASET_FILTERS_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct gen_filters;

/* `option` is the name under which users gave the patterns ("skip-question"); borrowed, like
 * `patterns`, for the call only. GEN_EUSAGE names a pattern that is no regular expression, with the
 * byte at which and why. With `n` 0 `*out` is NULL, which every function here accepts. */
GEN_MUST_USE int gen_filters_new(struct gen_filters **out, const char *option,
                                 const char *const *patterns, size_t n, struct gen_error *err);
void gen_filters_free(struct gen_filters *f);

/* The rule of the first pattern that occurs in `text`, or NULL: "skip_question /PATTERN/", and
 * "skip_question 3 /PATT.../" with the pattern's number where it is too long for an account (47
 * bytes). Lives as long as `f`. Text that is no UTF-8 matches nothing. */
const char *gen_filters_match(struct gen_filters *f, struct gen_str text);

/* A search that ran into its limits counts as no match. The pattern whose search did so first and
 * was not handed out yet, for a warning, or NULL. */
const char *gen_filters_gave_up(struct gen_filters *f);

#endif
