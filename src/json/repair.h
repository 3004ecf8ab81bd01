/*
 * What models do to JSON, undone where it can be undone without guessing at content (c-style.md §4,
 * prompting.md A.4 K1-K4). The order: strict parse; else cut <think> blocks, prose and one code
 * fence around the outermost object; double backslashes that begin no legal escape; escape raw
 * control characters in strings; drop comments and trailing commas; quote bare keys and
 * single-quoted strings; Python's True/False/None. Text inside strings is never altered otherwise,
 * but that \' loses its backslash. Unescaped quotation marks inside strings, unquoted values and
 * missing values are not guessed at. Of several objects the first with members is taken; an array
 * without objects only when there is no object. Time is linear in the text.
 * What is cut off is closed and marked `truncated`, which is never good enough to be used as
 * complete.
 */
#ifndef GEN_JSON_REPAIR_H
#define GEN_JSON_REPAIR_H

#include "json/json.h"

enum gen_repair_step { /* bits; stored in the ledger: never renumber */
                       GEN_REPAIR_THINK = 1 << 0,
                       GEN_REPAIR_PROSE = 1 << 1,
                       GEN_REPAIR_FENCE = 1 << 2,
                       GEN_REPAIR_BACKSLASH = 1 << 3,
                       GEN_REPAIR_CONTROL = 1 << 4,
                       GEN_REPAIR_COMMA = 1 << 5,
                       GEN_REPAIR_QUOTES = 1 << 6,
                       GEN_REPAIR_LITERAL = 1 << 7,
                       GEN_REPAIR_COMMENT = 1 << 8,
                       GEN_REPAIR_SURROGATE = 1 << 9,  /* a lone surrogate became U+FFFD */
                       GEN_REPAIR_UTF8 = 1 << 10,      /* malformed bytes became U+FFFD */
                       GEN_REPAIR_TRUNCATED = 1 << 11, /* open strings and containers were closed */
};

/* Parses the object (or array) in `text`. `*steps` gets the bits of what was done (0: strict JSON
 * as it was). GEN_EPARSE when nothing helps, also for nesting over GEN_JSON_DEPTH_MAX; the message
 * is fit to be shown to the model. */
GEN_MUST_USE int gen_json_repair(struct gen_json_doc **out, struct gen_str text, unsigned *steps,
                                 struct gen_error *err);

/* Appends the names of the steps, comma-separated ("fence,comma"). */
GEN_MUST_USE int gen_repair_names(struct gen_buf *out, unsigned steps, struct gen_error *err);

#endif
