/* Calls as words, from the tools' own descriptions. Private to llm/provider/extractive_tool*.c. */
#ifndef GEN_LLM_PROVIDER_EXTRACTIVE_TOOL_PHRASE_H
#define GEN_LLM_PROVIDER_EXTRACTIVE_TOOL_PHRASE_H

#include "llm/provider/extractive_tool.h"

/* The function object of the offered tool of that name, or NULL. */
const struct gen_json *gen_extract_offered(const struct gen_json *record, struct gen_str name);
/* The schema of one parameter of it, or NULL. */
const struct gen_json *gen_extract_parameter(const struct gen_json *function, struct gen_str name);
/* {"$result":{"step","pointer"}} */
bool gen_extract_reference(const struct gen_json *v, int64_t *step, struct gen_str *pointer);
/* "chunk_size" as "chunk size". */
void gen_extract_put_words(struct gen_extract_line *l, struct gen_str name);
/* As a person writes it: strings as they are, lists joined by commas and "and". */
void gen_extract_put_value(struct gen_extract_line *l, const struct gen_json *v);
/* The call as an order with a small first letter and without a full stop, in `l`, which is emptied
 * first: "get the shape of the dataset /results/temperature". The parameters that `withheld` (an
 * array of names, or NULL) lists are left out. */
void gen_extract_put_call(struct gen_extract_line *l, const struct gen_json *function,
                          const struct gen_json *args, const struct gen_json *withheld);

#endif
