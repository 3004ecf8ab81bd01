/* Private to tool/: calls as people write them, and what a schema lets a value be. */
#ifndef GEN_TOOL_TOOLSET_INT_H
#define GEN_TOOL_TOOLSET_INT_H

#include "tool/toolset.h"

/* A literal of Python or JSON, all of `text`: 'a', [1, 2], (1, 2), {'k': None}, True, -1.5. NULL
 * when it is none. */
struct gen_jmut *gen_literal_read(struct gen_jb *b, struct gen_str text);

/*
 * A call: "open_file(path='/x', start=[0, 0])". Arguments without a name take the parameters in
 * order. False when it cannot be read, or names another function than the tool. What stands behind
 * the closing bracket does not count.
 */
bool gen_call_read(const struct gen_tool *tool, struct gen_str text, struct gen_jb *b,
                   struct gen_jmut **args);

/* An entry of "examples": a call as text, an object {instruction, input, output}, {"args"} or
 * {"arguments"}, or the arguments themselves. False when it cannot be read. */
bool gen_sample_read(const struct gen_tool *tool, const struct gen_json *example, struct gen_jb *b,
                     struct gen_jmut **args, struct gen_str *instruction);

/* The types that a schema lets a value have: a set of these bits; all of them when it does not say.
 */
enum {
    GEN_TAKES_NULL = 1,
    GEN_TAKES_BOOLEAN = 2,
    GEN_TAKES_INTEGER = 4,
    GEN_TAKES_NUMBER = 8, /* with a fraction */
    GEN_TAKES_STRING = 16,
    GEN_TAKES_ARRAY = 32,
    GEN_TAKES_OBJECT = 64,
    GEN_TAKES_ANY = 127
};
/* `root` is the document of the schema's $refs. GEN_ENOMEM alone is an error. */
GEN_MUST_USE int gen_schema_takes(const struct gen_json *root, const struct gen_json *schema,
                                  unsigned *takes, struct gen_error *err);
/* The schema behind its $refs; NULL when they lead nowhere or in a circle. */
GEN_MUST_USE int gen_schema_behind(const struct gen_json *root, const struct gen_json *schema,
                                   const struct gen_json **out, struct gen_error *err);

#endif
