/*
 * What may be known when a call is made: the request, and the observations of the calls before it,
 * read once for all the arguments of a record. Observations are read when they are first needed.
 */
#ifndef GEN_TOOL_ORIGIN_KNOWN_H
#define GEN_TOOL_ORIGIN_KNOWN_H

#include "tool/origin.h"
#include "tool/origin_words.h"
#include "json/json.h"

#define GEN_KNOWN_NODES_MAX 50000U

/* A value inside an observation. The root is its own parent. */
struct gen_known_node {
    const struct gen_json *v;
    struct gen_str key; /* of a member; empty in arrays */
    uint32_t parent, index;
    bool in_array;
};

struct gen_known_result {
    struct gen_str raw;
    struct gen_json_doc *doc; /* NULL: no JSON */
    struct gen_known_node *nodes;
    size_t n_nodes, nodes_max;
    size_t n_numbers;
    struct gen_buf plain; /* the leaves and keys of JSON, without escapes */
    struct gen_words words;
    bool is_parsed, is_worded;
};

struct gen_known {
    struct gen_words request;
    struct gen_known_result *results;
    size_t n_results;
    struct gen_arena *arena;
};

/* Borrows the texts and the arena. Release also after a failure. */
GEN_MUST_USE int gen_known_init(struct gen_known *k, struct gen_str request,
                                const struct gen_str *observations, size_t n_observations,
                                struct gen_arena *arena, struct gen_error *err);
void gen_known_release(struct gen_known *k);
/* The values of result `i`, and its words as well. */
GEN_MUST_USE int gen_known_parse(struct gen_known *k, size_t i, struct gen_error *err);
GEN_MUST_USE int gen_known_read(struct gen_known *k, size_t i, struct gen_error *err);
/* The JSON pointer of a node, in the arena; {NULL, 0} for the root and without memory. */
struct gen_str gen_known_pointer(struct gen_known *k, const struct gen_known_result *r,
                                 size_t node);

struct gen_found {
    enum gen_origin origin;
    struct gen_str where;
    size_t step; /* from 1; of GEN_ORIGIN_RESULT */
};
/* gen_origin_find over the first `n_results` results. */
GEN_MUST_USE int gen_known_origin(struct gen_known *k, size_t n_results,
                                  const struct gen_tool *tool, struct gen_str parameter,
                                  const struct gen_json *value, struct gen_found *found,
                                  struct gen_error *err);

/* Numbers (origin_value.c): in the request or the first `n_results` results. */
struct gen_place {
    struct gen_str name, description;
    const struct gen_json *schema, *default_value, *choices;
    bool is_required;
};
GEN_MUST_USE int gen_known_number(struct gen_known *k, size_t n_results,
                                  const struct gen_place *place, double v, struct gen_found *found,
                                  struct gen_error *err);
GEN_MUST_USE int gen_known_bool(struct gen_known *k, size_t n_results,
                                const struct gen_place *place, bool v, struct gen_found *found,
                                struct gen_error *err);
/* A string (origin_string.c). */
GEN_MUST_USE int gen_known_string(struct gen_known *k, size_t n_results,
                                  const struct gen_place *place, struct gen_str s,
                                  struct gen_found *found, struct gen_error *err);
/* gen_answer_untraced over all results. `first` is a view of `answer`. */
GEN_MUST_USE int gen_known_untraced(struct gen_known *k, struct gen_str answer, size_t *n_untraced,
                                    struct gen_str *first, struct gen_error *err);
/* Sets `*f`, as of no step; true, so that a search ends with it. */
bool gen_found_set(struct gen_found *f, enum gen_origin origin, struct gen_str where);
/* The value of a quantity in the text, in any unit of its dimension. */
bool gen_quantity_is(const struct gen_quantity *q, double v);

#endif
