/* UTF-8 (RFC 3629), normalisation (Unicode NFKC through utf8proc) and display width. */
#ifndef GEN_BASE_UTF8_H
#define GEN_BASE_UTF8_H

#include "base/buf.h"

#include <stdarg.h>

/* True when all of `s` is well-formed UTF-8 (no overlong forms, no surrogates). */
bool gen_utf8_valid(struct gen_str s);

/* Appends `s` with each malformed byte replaced by U+FFFD and U+0000 dropped; `*n_replaced` counts
 * them (may be NULL). */
GEN_MUST_USE int gen_utf8_clean(struct gen_buf *out, struct gen_str s, size_t *n_replaced,
                                struct gen_error *err);

/* Decodes the code point at the start of a valid `s` and returns its length in bytes (0 for empty
 * `s`). */
size_t gen_utf8_next(struct gen_str s, uint32_t *code_point);

/* Appends one code point (U+FFFD for those that do not exist). */
GEN_MUST_USE int gen_utf8_put(struct gen_buf *out, uint32_t code_point, struct gen_error *err);

/* Number of code points in valid `s`: "characters" in options and limits. O(n). */
size_t gen_utf8_count(struct gen_str s);

/* Longest prefix of valid `s` with at most `n_chars` code points. */
struct gen_str gen_utf8_prefix(struct gen_str s, size_t n_chars);
/* Longest prefix of whole characters of valid `s` with at most `bytes_max` bytes. */
struct gen_str gen_utf8_cut(struct gen_str s, size_t bytes_max);

/* snprintf into `out` (of `bytes`, at least 2) for text that may be cut: never in the middle of a
 * character. */
void gen_utf8_format(char *out, size_t bytes, const char *format, ...) GEN_PRINTF(3, 4);
void gen_utf8_vformat(char *out, size_t bytes, const char *format, va_list args) GEN_PRINTF(3, 0);

/* True for letters and digits of any script. */
bool gen_utf8_is_word(uint32_t code_point);

/* Columns that `s` takes on a terminal. */
size_t gen_utf8_width(struct gen_str s);

/* Appends the form in which texts are compared: NFKC, case folded when `fold_case`, runs of white
 * space as one blank, quotes and dashes of all kinds as ' " -, soft hyphens and zero-width
 * characters dropped, no white space at the ends. */
GEN_MUST_USE int gen_utf8_normalize(struct gen_buf *out, struct gen_str s, bool fold_case,
                                    struct gen_error *err);

#endif
