/*
 * JSON Schema, two ways to compile it and one to check.
 *
 * Our own schemas (gen_schema_new) keep to the small profile of our steps (prompting.md A.3): type,
 * properties, required, additionalProperties, items, enum, const, minItems, maxItems, minLength,
 * maxLength, minimum, maximum, anyOf. Any other keyword that would constrain values is refused, and
 * an integer is a number written without fraction or exponent that fits int64_t, so that
 * gen_json_as_int reads whatever passes.
 *
 * Schemas of others (gen_schema_new_foreign) are those of tool definitions: besides the above
 * boolean schemas, prefixItems and items as an array with additionalItems, exclusive bounds in both
 * spellings, multipleOf, pattern, uniqueItems, minProperties, maxProperties, patternProperties,
 * allOf, oneOf, not, nullable (OpenAPI 3.0), and $ref to a place in the same document. What is not
 * checked is named, never passed over in silence. 1.0 is an integer there.
 *
 * Annotations (title, description, default, examples, format, $schema, $id, $comment, ...) are
 * ignored. `type` may be an array. Sources: JSON Schema draft-04, draft-07, 2020-12; OpenAPI 3.0.3
 * "Schema Object".
 */
#ifndef GEN_JSON_SCHEMA_H
#define GEN_JSON_SCHEMA_H

#include "json/json.h"

struct gen_schema;

/* Compiles the schema; copies what it needs. GEN_EPARSE names the JSON pointer of the unknown
 * keyword. */
GEN_MUST_USE int gen_schema_new(struct gen_schema **out, const struct gen_json *schema,
                                struct gen_error *err);

/* What a schema is read as when it has no $schema of its own. */
enum gen_schema_draft {
    GEN_DRAFT_2020_12 = 0, /* the default of MCP */
    GEN_DRAFT_7,           /* and 04, 06: what stands beside a $ref does not count */
};

/*
 * Compiles a schema of somebody else. `ignored` (may be NULL) gets one line
 * "/properties/x/contains: not checked" for each keyword that would constrain values and is not
 * checked here. GEN_EPARSE when it is no schema: a wrong type, a $ref that leads nowhere; its
 * message names the JSON pointer.
 */
GEN_MUST_USE int gen_schema_new_foreign(struct gen_schema **out, const struct gen_json *schema,
                                        enum gen_schema_draft draft, struct gen_buf *ignored,
                                        struct gen_error *err);
void gen_schema_free(struct gen_schema *s);

/*
 * Checks `v`. Every fault (at most 3, so that they can be told to the model) is one line
 * "/pairs/0/question: missing" in `faults`: JSON pointer, what was found, what is allowed.
 * Duplicate keys are faults. Returns GEN_OK when the check could be made; `*valid` says how it
 * went. GEN_ELIMIT when references of the schema lead in a circle without end, or its parts combine
 * in too many ways.
 */
GEN_MUST_USE int gen_schema_check(const struct gen_schema *s, const struct gen_json *v, bool *valid,
                                  struct gen_buf *faults, struct gen_error *err);

#endif
