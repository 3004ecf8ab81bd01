/* Private to tool/: what the drawing of blueprints is made of. */
#ifndef GEN_TOOL_BLUEPRINT_INT_H
#define GEN_TOOL_BLUEPRINT_INT_H

#include "base/prng.h"
#include "tool/blueprint.h"
#include "tool/toolset_int.h"

#define GEN_NONE SIZE_MAX

enum gen_try { GEN_TRY_NOT = 0, GEN_TRY_WELL, GEN_TRY_FAILED };
enum gen_mutation { GEN_MUTATION_NONE = 0, GEN_WRONG_VALUE, GEN_MISSING_ARGUMENT, GEN_WRONG_TYPE };

/* A call with concrete arguments; known by its number. */
struct gen_known_call {
    size_t tool, setup; /* setup: the call that has to be made before, or GEN_NONE */
    size_t next;        /* of the same tool, or GEN_NONE */
    struct gen_json_doc *args_doc, *result_doc;
    struct gen_str text; /* the arguments as JSON */
    struct gen_str observation;
    enum gen_try tried;
    enum gen_mutation mutation; /* not NONE: made to fail */
    size_t base, parameter;     /* of a mutation: the right call, and what was changed */
    uint32_t n_drawn;
    bool is_template; /* from the definition: tried alone first */
    bool is_poor;     /* went well, and gave nothing but empty lists */
};

/* A scalar in a result of a call (or, without results, in the output schema of a tool). */
struct gen_leaf {
    uint64_t hash; /* of the value, or of the name in the schema */
    size_t source; /* number of the call, or of the tool */
    struct gen_str key, pointer;
    const struct gen_json *value;
    bool is_huge; /* beside a size that takes minutes to go through */
};

struct gen_tool_state {
    size_t first, last; /* calls */
    uint64_t n_drawn;
    uint64_t names, words; /* one bit for each word of the name; of parameters and description */
    bool has_candidates, is_explored, changes_state;
    bool is_suspect;                    /* another call failed after it, in a shared session */
    bool has_no_flow;                   /* no chain passes a result to it or from it */
    size_t n_fresh;                     /* calls that were made up after the first ones */
    uint8_t can[GEN_TOOL_N_CATEGORIES]; /* enum gen_try */
};

/* One value of a parameter of this name somewhere in the tools' examples. */
struct gen_pooled {
    uint64_t name;
    size_t order;
    const struct gen_json *value;
};

enum gen_role {
    GEN_ROLE_AGAIN = 0, /* made again for the ones behind it */
    GEN_ROLE_TRY,       /* alone, or under the call's own setup */
    GEN_ROLE_AFTER,     /* when it goes well, it becomes a call of its own with `other` as setup */
    GEN_ROLE_SUSPECT,   /* when it fails, the tool `other` may have changed the state */
    GEN_ROLE_PROBE      /* when it fails, the tool `other` has changed the state */
};
struct gen_planned {
    enum gen_role role;
    size_t call, other;
};

struct gen_session_plan {
    size_t first; /* into `planned` */
};

/* Values, choices and parameters by hash: how often they were drawn. Two may share a place. */
#define GEN_USES_MAX 8192U

struct gen_blueprints {
    struct gen_blueprint_options options;
    const struct gen_toolset *set;
    struct gen_arena arena;
    struct gen_jb *jb;
    struct gen_known_call *calls;
    size_t n_calls, calls_capacity;
    struct gen_tool_state *tools;
    struct gen_pooled *pool;
    size_t n_pool;
    struct gen_leaf *leaves;
    size_t n_leaves, leaves_capacity;
    /* exploring */
    unsigned phase;
    size_t cursor, n_asked, renewed;
    struct gen_planned *planned;
    size_t n_planned, planned_capacity;
    struct gen_session_plan *sessions;
    size_t n_sessions, sessions_capacity;
    bool is_explored, has_state;
    /* drawing */
    bool is_settled;
    struct gen_blueprint_quota quotas[GEN_TOOL_N_CATEGORIES];
    size_t n_quotas;
    int64_t n_left[GEN_TOOL_N_CATEGORIES]; /* of the present round */
    int64_t round_done[GEN_TOOL_N_CATEGORIES];
    unsigned n_barren[GEN_TOOL_N_CATEGORIES]; /* rounds in a row that gave nothing */
    unsigned round;
    int64_t n_rows;
    uint64_t n_categories_drawn[GEN_TOOL_N_CATEGORIES];
    uint64_t n_mutations_drawn[GEN_WRONG_TYPE + 1];
    uint32_t uses[GEN_USES_MAX];
};

/* mix.c: the mix that holds, and quotas that add up to the target. */
void gen_mix_default(struct gen_tool_mix *mix, enum gen_tool_steps_wanted steps, bool can_execute);
/* Largest remainders: n[i] add up to `total`; nothing where the share is 0. */
void gen_mix_share_out(const double *share, size_t n_shares, int64_t total, int64_t *n);

/* values.c */
GEN_MUST_USE int gen_values_pool(struct gen_blueprints *b, struct gen_error *err);
/* How many values of parameters of this name stand in the tools' examples. */
size_t gen_values_pooled(const struct gen_blueprints *b, struct gen_str name);
/* A value for the parameter: from examples, the pool, enum and default, or made up. `variant` goes
 * through them. NULL when none can be made. */
GEN_MUST_USE int gen_value_make(struct gen_blueprints *b, size_t tool, size_t param, size_t variant,
                                struct gen_jmut **value, struct gen_error *err);
/* A value for any schema, made up. NULL when none can be made. */
struct gen_jmut *gen_value_invent(struct gen_jb *jb, const struct gen_json *root,
                                  const struct gen_json *schema, struct gen_str name,
                                  size_t variant);
/* A string of the pattern, for patterns without groups. False for others. */
bool gen_pattern_invent(struct gen_str pattern, size_t variant, struct gen_buf *out);

/* world.c: calls */
/* Adds a call when its arguments pass the schema (a mutation's need not) and it is new; `*number`
 * is GEN_NONE when not. */
GEN_MUST_USE int gen_world_add(struct gen_blueprints *b, size_t tool, struct gen_str args,
                               size_t setup, enum gen_mutation mutation, size_t *number,
                               struct gen_error *err);
const struct gen_json *gen_call_args(const struct gen_blueprints *b, size_t call);
/* The calls of the definition: its examples, or made up where it has none. */
GEN_MUST_USE int gen_world_templates(struct gen_blueprints *b, size_t tool, struct gen_error *err);
/* Calls that differ from `base` in one argument: each optional parameter, each choice, other
 * values of the pool. */
GEN_MUST_USE int gen_world_vary(struct gen_blueprints *b, size_t base, bool only_optional,
                                struct gen_error *err);
/* Calls as `base`, each with another value out of the results under `setup`, and under it. */
GEN_MUST_USE int gen_world_widen(struct gen_blueprints *b, size_t base, size_t setup,
                                 struct gen_error *err);
/* The ways in which `base` can be made wrong, one of each kind, as calls. */
GEN_MUST_USE int gen_world_mutate(struct gen_blueprints *b, size_t base, struct gen_error *err);
/* Templates and variations of a tool that was not explored. */
GEN_MUST_USE int gen_world_candidates(struct gen_blueprints *b, size_t tool, struct gen_error *err);
/* One more call that was not there; GEN_NONE when nothing new comes. */
GEN_MUST_USE int gen_world_fresh(struct gen_blueprints *b, size_t tool, size_t *number,
                                 struct gen_error *err);
/* Whether the call may be drawn as a right one. */
bool gen_call_is_right(const struct gen_blueprints *b, size_t call);
/* Whether it may be drawn as one that fails. */
bool gen_call_is_wrong(const struct gen_blueprints *b, size_t call);
/* The calls that have to come before: outermost first. Returns how many, at most GEN_SETUP_MAX. */
#define GEN_SETUP_MAX 4U
size_t gen_call_setup(const struct gen_blueprints *b, size_t call, size_t *setup);

/* graph.c: which result gives which argument */
GEN_MUST_USE int gen_graph_learn(struct gen_blueprints *b, size_t call, struct gen_error *err);
GEN_MUST_USE int gen_graph_build(struct gen_blueprints *b, struct gen_error *err);
struct gen_edge {
    size_t from, to; /* calls */
    size_t param;    /* of the tool of `to` */
    struct gen_str pointer;
};
/* Edges that lead into `call`, at most `edges_max`. */
GEN_MUST_USE int gen_graph_into(struct gen_blueprints *b, size_t call, struct gen_edge *edges,
                                size_t edges_max, size_t *n, struct gen_error *err);

/* choose.c: which call is next */
/* What speaks against drawing the call: how often it and what it has were drawn. */
uint64_t gen_call_cost(const struct gen_blueprints *b, size_t call);
void gen_call_count(struct gen_blueprints *b, size_t call);

/* draw.c */
struct gen_drawn_step {
    size_t call;
    size_t from[8], param[8]; /* references: 0-based step */
    struct gen_str pointer[8];
    size_t n_references;
};
#define GEN_STEPS_MAX   10U
#define GEN_OFFERED_MAX 64U
struct gen_drawing {
    enum gen_tool_category category;
    struct gen_drawn_step steps[GEN_STEPS_MAX];
    size_t n_steps;
    size_t setup;    /* call, or GEN_NONE */
    size_t mutation; /* call, or GEN_NONE */
    size_t withheld[2], n_withheld;
    bool needs_flow; /* of a chain: a result is passed on */
    const char *gap;
    size_t near_tool, missing_tool;
    size_t missing_call; /* one of the missing tool that would do, or GEN_NONE */
    size_t offered[GEN_OFFERED_MAX], n_offered;
    struct gen_prng random;
};
/* `*done` false when the tool cannot be drawn in this category. `counts` marks what is drawn. */
GEN_MUST_USE int gen_draw(struct gen_blueprints *b, enum gen_tool_category category, size_t tool,
                          struct gen_drawing *d, bool *done, struct gen_error *err);
/* offer.c: the tools that are shown. */
void gen_offer(struct gen_blueprints *b, struct gen_drawing *d);
unsigned gen_tools_likeness(const struct gen_blueprints *b, size_t one, size_t other);
void gen_tools_sign(struct gen_blueprints *b);
/* write.c */
GEN_MUST_USE int gen_drawing_write(struct gen_blueprints *b, const struct gen_drawing *d,
                                   int64_t number, struct gen_buf *record, struct gen_error *err);

/* Words of a name: "readFile_v2" has read, file, v2. Calls `fn` with each in small letters. */
void gen_name_words(struct gen_str name, void (*fn)(void *ud, struct gen_str word), void *ud);
/* One bit for each word. */
uint64_t gen_name_bits(struct gen_str name);

#endif
