/* Private to dataset/example*.c: how an example is put together. */
#ifndef GEN_DATASET_EXAMPLE_INT_H
#define GEN_DATASET_EXAMPLE_INT_H

#include "dataset/example.h"

GEN_MUST_USE int gen_example_add_turn(struct gen_example *e, const struct gen_turn *turn,
                                      struct gen_error *err);
/* Room for the calls of one turn, with ids. NULL: no memory. */
struct gen_call *gen_example_calls(struct gen_example *e, size_t n);
/* Parses `text` and keeps what comes out as long as the example's record. `*out` is NULL when it is
 * no JSON. */
GEN_MUST_USE int gen_example_parse(struct gen_example *e, struct gen_str text,
                                   const struct gen_json **out, struct gen_error *err);
/* Reads the list of tools, in OpenAI's form or without its wrapping. */
GEN_MUST_USE int gen_example_tools(struct gen_example *e, const struct gen_json *list,
                                   struct gen_refusal *refusal, struct gen_error *err);
const struct gen_offered *gen_example_tool(const struct gen_example *e, struct gen_str name);
/* Think tags in front of a text; what follows may be empty. */
bool gen_think_begin(struct gen_str text, struct gen_str *thought, struct gen_str *rest);

/* example_chat.c, example_tool.c */
GEN_MUST_USE int gen_example_of_conversation(struct gen_example *e, struct gen_refusal *refusal,
                                             struct gen_error *err);
GEN_MUST_USE int gen_example_of_trajectory(struct gen_example *e, struct gen_refusal *refusal,
                                           struct gen_error *err);

#endif
