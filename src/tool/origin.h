/*
 * Where the values of arguments, and the facts of final answers, come from: the request, or what
 * earlier calls gave. Pure functions of texts; no model.
 */
#ifndef GEN_TOOL_ORIGIN_H
#define GEN_TOOL_ORIGIN_H

#include "tool/toolset.h"

/*
 * Where a literal value of an argument may come from: K22 of prompting.md. `where` gets the words
 * or the pointer. Ordinary conversions: numbers in words, durations, sizes, dates, booleans, case,
 * a list from enumerated words, a path from a name with its ending, what is left when a share or a
 * number of the request is taken off a number of a result. Lists are looked at element by element,
 * objects member by member; of several origins the one that says most is given.
 *
 * A choice (enum) of a required parameter is a constant; one of an optional parameter that is not
 * the default wants a hint in the request. true wants words of the parameter's name or description
 * in the request; false, empty texts and lists, and 0 and 1 where something begins ("start",
 * "step") are constants. Small numbers in long results count only under a name that fits. Number
 * words, months and flags are read in English.
 */
enum gen_origin {
    GEN_ORIGIN_NONE = 0,
    GEN_ORIGIN_REQUEST,
    GEN_ORIGIN_RESULT,
    GEN_ORIGIN_CONVERSION,
    GEN_ORIGIN_DEFAULT,
    GEN_ORIGIN_CONSTANT
};
const char *gen_origin_name(enum gen_origin o);
/* `request` is the instruction with the user's reply; `observations` those of the steps before.
 * `tool` NULL: nothing is known of it. `where`: words of the request as they stand there, or a JSON
 * pointer into observation `*step` (from 1; "": all of it); may be NULL. GEN_ENOMEM alone. */
GEN_MUST_USE int gen_origin_find(const struct gen_tool *tool, struct gen_str parameter,
                                 const struct gen_json *value, struct gen_str request,
                                 const struct gen_str *observations, size_t n_observations,
                                 enum gen_origin *origin, struct gen_buf *where, size_t *step,
                                 struct gen_error *err);

/* The numbers, ids and quoted pieces of a final answer that are in no observation, in the request,
 * or a sum, difference, count or rounding of what is (K25): how many there are, and the first one.
 */
GEN_MUST_USE int gen_answer_untraced(struct gen_str answer, struct gen_str request,
                                     const struct gen_str *observations, size_t n_observations,
                                     size_t *n_untraced, struct gen_buf *first,
                                     struct gen_error *err);

#endif
