/* Private to tool/parse/: the arguments of one OpenAPI operation under construction. */
#ifndef GEN_TOOL_PARSE_OPENAPI_INT_H
#define GEN_TOOL_PARSE_OPENAPI_INT_H

#include "base/arena.h"
#include "tool/parse_int.h"

#define GEN_OPENAPI_REFS_MAX 32U /* references that lead to references */

struct gen_openapi_definition {
    struct gen_openapi_definition *next;
    struct gen_str pointer; /* "#/components/schemas/Pet", in the file */
    struct gen_str name;    /* "Pet" */
    bool is_copied;
};

struct gen_openapi_name { /* of an argument */
    struct gen_openapi_name *next;
    struct gen_str text;
};

/* Where references lead that were followed before: an open hash table, at most half full. Looking
 * one up in the file is a walk over its thousands of schemas. */
struct gen_openapi_target {
    struct gen_str pointer; /* in the file; empty: a free place */
    const struct gen_json *value;
};

struct gen_openapi {
    struct gen_tools_parser *parser;
    const struct gen_json *root;
    bool refs_stand_alone;
    struct gen_json_doc *no; /* the value false */
    struct gen_openapi_target *targets;
    size_t n_targets, n_places; /* n_places: a power of two, or 0 */
    struct gen_jb *b;
    /* Of the operation: */
    struct gen_jmut *properties, *required, *places;
    struct gen_arena arena;
    struct gen_openapi_name *names;
    struct gen_openapi_definition *definitions;
};

/* Starts an operation without arguments; ends it by putting "schema" and "places" into `made`. */
void gen_openapi_begin(struct gen_openapi *o);
GEN_MUST_USE int gen_openapi_end(struct gen_openapi *o, struct gen_jmut *made,
                                 struct gen_error *err);

/* What a reference within the file ("#...", a string of the file) leads to; NULL: nothing. */
GEN_MUST_USE int gen_openapi_find(struct gen_openapi *o, struct gen_str pointer,
                                  const struct gen_json **out, struct gen_error *err);

/* A copy of a schema in which references lead into the tool's own $defs. */
struct gen_jmut *gen_openapi_copy(struct gen_openapi *o, const struct gen_json *schema);

/* Where an argument goes. What is empty or NULL is the rule. */
struct gen_openapi_place {
    struct gen_str in, style, content_type;
    const struct gen_json *explode;
};

/* One argument. A name that is taken gets its place in front: "body_id". */
GEN_MUST_USE int gen_openapi_add(struct gen_openapi *o, struct gen_str name,
                                 const struct gen_openapi_place *place, struct gen_jmut *schema,
                                 bool required, struct gen_error *err);
/* The body: its members one by one when it is an object, else whole as "body". */
GEN_MUST_USE int gen_openapi_add_body(struct gen_openapi *o, const struct gen_json *schema,
                                      bool required, struct gen_error *err);

#endif
