/* Private to json/: a compiled schema, and the way to a value in messages. */
#ifndef GEN_JSON_SCHEMA_NODE_H
#define GEN_JSON_SCHEMA_NODE_H

#include "base/arena.h"
#include "base/regex.h"
#include "json/schema.h"

#define GEN_TYPE_BIT(t)  (1U << (unsigned)(t))
#define GEN_TYPES_NUMBER (GEN_TYPE_BIT(GEN_JSON_INT) | GEN_TYPE_BIT(GEN_JSON_REAL))

struct gen_schema_node;

struct gen_schema_property {
    struct gen_str name;
    struct gen_schema_node *node; /* NULL: any value */
    bool required;
    bool is_listed; /* in `properties`, not only in `required` */
};

struct gen_schema_pattern {
    struct gen_regex *regex; /* the schema's */
    struct gen_str text;
    struct gen_schema_node *node; /* patternProperties; NULL for pattern */
};

/* A list of schemas: anyOf, allOf, oneOf, prefixItems. */
struct gen_schema_list {
    struct gen_schema_node **nodes;
    size_t n;
};

struct gen_schema_node {
    unsigned types;    /* TYPE_BITs; 0: any */
    bool whole_reals;  /* "integer" among them takes 1.0 */
    bool never;        /* the schema false */
    bool closed;       /* additionalProperties: false */
    bool unique;       /* uniqueItems */
    bool minimum_open; /* the bound itself is not allowed */
    bool maximum_open;
    struct gen_schema_property *properties;
    size_t n_properties;
    struct gen_schema_node *additional; /* of properties that are not listed; NULL: any */
    struct gen_schema_pattern *pattern_properties;
    size_t n_pattern_properties;
    struct gen_schema_list prefix_items;
    struct gen_schema_node *items; /* beyond the prefix */
    struct gen_schema_list any_of, all_of, one_of;
    struct gen_schema_node *negated;   /* not */
    struct gen_schema_node *reference; /* $ref */
    const struct gen_json *allowed;    /* enum: an array */
    const struct gen_json *constant;
    int64_t items_min, items_max;
    int64_t length_min, length_max;
    int64_t members_min, members_max;
    const struct gen_json *minimum, *maximum, *multiple_of;
    struct gen_schema_pattern pattern; /* regex NULL: none */
};

struct gen_schema {
    struct gen_json_doc *doc; /* our own copy; nodes point into it */
    struct gen_arena arena;
    struct gen_schema_node *root;
    struct gen_regex **regexes; /* owned, as is the list */
    size_t n_regexes;
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

/* A schema under compilation. */
struct gen_schema_target { /* of a $ref, so that circles come out as circles */
    const struct gen_json *json;
    struct gen_schema_node *node;
};
struct gen_schema_compiler {
    struct gen_schema *schema;
    bool foreign;
    bool refs_stand_alone; /* what stands beside a $ref does not count */
    struct gen_buf *ignored;
    struct gen_schema_target *targets;
    size_t n_targets;
    unsigned depth;
    struct gen_error *err;
};

/* GEN_EPARSE "JSON Schema, <pointer>: <why>"; `keyword` may be {NULL, 0}. */
GEN_MUST_USE int gen_schema_refuse(const struct gen_schema_compiler *c,
                                   const struct gen_schema_path *path, struct gen_str keyword,
                                   const char *why);
GEN_MUST_USE int gen_schema_compile(struct gen_schema_compiler *c, const struct gen_json *schema,
                                    const struct gen_schema_path *path,
                                    struct gen_schema_node **out);
/* The same into a node that was made before, all zero. */
GEN_MUST_USE int gen_schema_compile_into(struct gen_schema_compiler *c,
                                         const struct gen_json *schema,
                                         const struct gen_schema_path *path,
                                         struct gen_schema_node *node);
GEN_MUST_USE int gen_schema_compile_list(struct gen_schema_compiler *c, struct gen_str keyword,
                                         const struct gen_json *v,
                                         const struct gen_schema_path *path,
                                         struct gen_schema_list *out);
/* schema_foreign.c: a keyword that only schemas of others may have. */
GEN_MUST_USE int gen_schema_compile_foreign(struct gen_schema_compiler *c, struct gen_str keyword,
                                            const struct gen_json *v,
                                            const struct gen_schema_path *path,
                                            struct gen_schema_node *node);
/* What can only be said when all keywords of a schema are known. */
GEN_MUST_USE int gen_schema_settle_foreign(struct gen_schema_compiler *c,
                                           const struct gen_json *schema,
                                           const struct gen_schema_path *path,
                                           struct gen_schema_node *node);

#endif
