/* Private to the stage "execute": an example under execution, and its parts. What is known of it is
 * all in its record, under "solution" and the working member "_execution", so that each turn begins
 * from the record alone. */
#ifndef GEN_TOOL_STEP_EXECUTE_INT_H
#define GEN_TOOL_STEP_EXECUTE_INT_H

#include "tool/step/shared.h"

#define GEN_EXEC_STEPS_MAX   48U /* of a plan; GEN_TURNS_MAX leaves room for the answer */
#define GEN_EXEC_SHOWN_BYTES ((size_t)4096) /* of one observation, in a prompt */
#define GEN_EXEC_FACTS_MAX   64U

struct gen_tool_execute {
    struct gen_step_common common;
    struct gen_tool_execute_options o;
    struct gen_step_prompt step, simulation, answer;
    struct gen_buf step_schema; /* with the names of the tools */
    struct gen_exec_pending *pending;
    /* The prompt for the record looked at last: it is asked for several times in a row. */
    uint64_t due_hash;
    size_t due_bytes;
    const struct gen_step_prompt *due;
};

/* What is due next. */
enum gen_exec_phase {
    GEN_EXEC_CALL = 0, /* the call `next` is made for real */
    GEN_EXEC_SIMULATE, /* or by a model */
    GEN_EXEC_STEP,     /* the model chooses the next call */
    GEN_EXEC_ANSWER,   /* the final answer is written */
};

/* All texts live in the run's arena. */
struct gen_exec_call {
    int64_t step, turn;
    struct gen_str thought, tool, args, sources; /* args and sources: JSON text; sources may be
                                                    empty */
    struct gen_str observation;
    const struct gen_json *was; /* the step as it stood in the record; NULL: it is new */
    enum gen_call_status status;
    bool is_mutation;
    bool is_unsent; /* it failed before it was sent */
};

struct gen_exec_fact {
    struct gen_str name, value;
};

struct gen_exec_run {
    const struct gen_tool_execute *x;
    struct gen_arena arena;
    struct gen_json_doc *doc;
    struct gen_trajectory t;
    struct gen_str example; /* name at the executor */
    struct gen_exec_call *calls;
    size_t n_calls, n_known; /* n_known: the plan's end or the agent's next */
    enum gen_exec_phase phase;
    size_t next;
    struct gen_str question_back, user_reply;
    struct gen_str reply_held; /* what the user will say when asked; empty: nothing more */
    bool is_finishing;         /* the agent has said so */
    struct gen_exec_fact facts[GEN_EXEC_FACTS_MAX];
    size_t n_facts;
    struct gen_toolset *offered; /* compiled from the record; made when first needed */
};

/* ---- execute_run.c ---- */

/* Reads an item's record and finds out what is due. The run borrows from `x` alone. */
GEN_MUST_USE int gen_exec_load(struct gen_exec_run *r, const struct gen_tool_execute *x,
                               const struct gen_item *item, struct gen_error *err);
void gen_exec_release(struct gen_exec_run *r);
/* Room for one more call behind the last one; NULL when out of memory or over the limit. */
struct gen_exec_call *gen_exec_add(struct gen_exec_run *r);
/* The definition by which arguments are checked; NULL in `*tool`: none is known. */
GEN_MUST_USE int gen_exec_tool(struct gen_exec_run *r, struct gen_str name,
                               const struct gen_tool **tool, struct gen_error *err);
bool gen_exec_is_offered(const struct gen_exec_run *r, struct gen_str name);
/* Request, user's reply and what was so before, as one text in the arena. */
struct gen_str gen_exec_request(struct gen_exec_run *r);
/* The observations of the calls made so far, by step from 1; in the arena. */
GEN_MUST_USE int gen_exec_observations(struct gen_exec_run *r, struct gen_str **out, size_t *n,
                                       struct gen_error *err);
/* The result of the call `next`; what is due afterwards is found anew. */
GEN_MUST_USE int gen_exec_settle(struct gen_exec_run *r, bool is_error, struct gen_str text,
                                 struct gen_error *err);

/* ---- execute_plan.c ---- */

/* Goes on in the plan as far as no action is needed. */
GEN_MUST_USE int gen_exec_advance_plan(struct gen_exec_run *r, struct gen_error *err);
/* gen_tool_check; and no argument is one that the tool does not have. */
GEN_MUST_USE int gen_exec_check_args(const struct gen_tool *tool, const struct gen_json *args,
                                     bool *valid, struct gen_buf *faults, struct gen_error *err);

/* ---- execute_record.c ---- */

/* The record with the state of the run in it, for the next turn. */
GEN_MUST_USE int gen_exec_write(const struct gen_exec_run *r, struct gen_buf *out,
                                struct gen_error *err);
/* What a simulation has told so far: [{"name","value"}]. */
struct gen_jmut *gen_exec_facts_json(const struct gen_exec_run *r, struct gen_jb *b);
/* The finished record, and the notes that its account gets. */
GEN_MUST_USE int gen_exec_produce(struct gen_exec_run *r, struct gen_str final_answer,
                                  bool is_solved, struct gen_outcome *o, struct gen_error *err);
GEN_MUST_USE int gen_exec_continue(const struct gen_exec_run *r, struct gen_outcome *o,
                                   struct gen_error *err);
/* The same once a call has its result: who goes round in circles is stopped. */
GEN_MUST_USE int gen_exec_continue_after_result(const struct gen_exec_run *r, struct gen_outcome *o,
                                                struct gen_error *err);
/* The example ends without output; its server is free. */
void gen_exec_filter(const struct gen_exec_run *r, struct gen_outcome *o, const char *rule);
void gen_exec_fail(const struct gen_exec_run *r, struct gen_outcome *o, const char *class_name,
                   const char *message);
/* The example's server is needed no more. */
void gen_exec_end(const struct gen_exec_run *r);

/* ---- execute_show.c: parts of prompts, in the arena ---- */

struct gen_str gen_exec_show_tools(struct gen_exec_run *r);
struct gen_str gen_exec_show_request(struct gen_exec_run *r);
struct gen_str gen_exec_show_calls(struct gen_exec_run *r);
/* The record as the embedded provider gets it; in `arena`. */
GEN_MUST_USE int gen_exec_inputs(const struct gen_exec_run *r, struct gen_arena *arena,
                                 struct gen_str *record, struct gen_error *err);

/* ---- agent.c, simulate.c, answer.c ---- */

GEN_MUST_USE int gen_agent_ask(struct gen_exec_run *r, struct gen_question *q,
                               struct gen_error *err);
GEN_MUST_USE int gen_agent_accept(struct gen_exec_run *r, const struct gen_json *answer,
                                  struct gen_outcome *o, struct gen_error *err);
/* The model was told that a call gave nothing new, and made it once more. */
bool gen_agent_is_looping(const struct gen_exec_run *r);
GEN_MUST_USE int gen_simulate_ask(struct gen_exec_run *r, struct gen_question *q,
                                  struct gen_error *err);
GEN_MUST_USE int gen_simulate_accept(struct gen_exec_run *r, const struct gen_json *answer,
                                     struct gen_outcome *o, struct gen_error *err);
GEN_MUST_USE int gen_answer_ask(struct gen_exec_run *r, struct gen_question *q,
                                struct gen_error *err);
GEN_MUST_USE int gen_answer_accept(struct gen_exec_run *r, const struct gen_json *answer,
                                   struct gen_outcome *o, struct gen_error *err);

extern const char gen_exec_schema_simulation[];
extern const char gen_exec_schema_answer[];
/* With the names of the tools as an enum, when they are known and few. */
GEN_MUST_USE int gen_exec_step_schema(const struct gen_toolset *tools, struct gen_buf *out,
                                      struct gen_error *err);

/* Placeholders of the prompts; the first must occur. */
extern const char *const gen_agent_names[];
extern const char *const gen_simulate_names[];
extern const char *const gen_answer_names[];
#define GEN_AGENT_NAMES    6U
#define GEN_SIMULATE_NAMES 6U
#define GEN_ANSWER_NAMES   3U

#endif
