/*
 * Checks answers against the small JSON Schema profile of our steps (prompting.md A.3): type,
 * properties, required, additionalProperties:false, items, enum, const, minItems, maxItems,
 * minLength, maxLength, minimum, maximum, anyOf. Any other keyword that would constrain values is
 * refused when the schema is compiled; annotations (title, description, default, examples, $schema,
 * $id, $comment) are ignored. `type` may be an array. An integer is a number written without
 * fraction or exponent that fits int64_t, so that gen_json_as_int reads whatever passes.
 */
#ifndef GEN_JSON_SCHEMA_H
#define GEN_JSON_SCHEMA_H

#include "json/json.h"

struct gen_schema;

/* Compiles the schema; copies what it needs. GEN_EPARSE names the JSON pointer of the unknown
 * keyword. */
GEN_MUST_USE int gen_schema_new(struct gen_schema **out, const struct gen_json *schema,
                                struct gen_error *err);
void gen_schema_free(struct gen_schema *s);

/*
 * Checks `v`. Every fault (at most 3, so that they can be told to the model) is one line
 * "/pairs/0/question: missing" in `faults`: JSON pointer, what was found, what is allowed.
 * Duplicate keys are faults. Returns GEN_OK when the check could be made; `*valid` says how it
 * went.
 */
GEN_MUST_USE int gen_schema_check(const struct gen_schema *s, const struct gen_json *v, bool *valid,
                                  struct gen_buf *faults, struct gen_error *err);

#endif
