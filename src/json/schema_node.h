/* Private to json/: a compiled schema, and the way to a value in messages. */
#ifndef GEN_JSON_SCHEMA_NODE_H
#define GEN_JSON_SCHEMA_NODE_H

#include "base/arena.h"
#include "json/schema.h"

#define GEN_TYPE_BIT(t)  (1U << (unsigned)(t))
#define GEN_TYPES_NUMBER (GEN_TYPE_BIT(GEN_JSON_INT) | GEN_TYPE_BIT(GEN_JSON_REAL))

struct gen_schema_node;

struct gen_schema_property {
    struct gen_str name;
    struct gen_schema_node *node; /* NULL: any value */
    bool required;
};

struct gen_schema_node {
    unsigned types; /* TYPE_BITs; 0: any */
    bool closed;    /* additionalProperties: false */
    struct gen_schema_property *properties;
    size_t n_properties;
    struct gen_schema_node *items;
    struct gen_schema_node **any_of;
    size_t n_any_of;
    const struct gen_json *allowed; /* enum: an array */
    const struct gen_json *constant;
    int64_t items_min;
    int64_t items_max;
    int64_t length_min;
    int64_t length_max;
    const struct gen_json *minimum;
    const struct gen_json *maximum;
};

struct gen_schema {
    struct gen_json_doc *doc; /* our own copy; nodes point into it */
    struct gen_arena arena;
    struct gen_schema_node *root;
};

/* The way from the root to a value, linked through the stack frames of the walk. */
struct gen_schema_path {
    const struct gen_schema_path *up;
    struct gen_str key; /* {NULL, 0}: `index` counts */
    size_t index;
};

/* Appends the JSON pointer of `path`, fit for one line: long keys are cut, control characters
 * replaced. The root is "(root)". */
GEN_MUST_USE int gen_schema_pointer(struct gen_buf *out, const struct gen_schema_path *path,
                                    struct gen_error *err);

#endif
