/*
 * Tool records: a request, the tools that were on offer, the calls with what came back, and the
 * final answer. The JSON form is that of the description, with ids, tools and observations:
 *
 *   {"format":"tool","id":"hdf5-00017","instruction":"...",
 *    "solution":{
 *      "reasoning_path":[{"step":1,"turn":1,"thought":"...","tool":"open_file","args":{...},
 *         "sources":{"path":{"origin":"request","where":"the words"}},
 *         "status":"pending|success|failure","actual_result":"the observation's text",
 *         "error_message":"...","is_mutation":true}, ...],
 *      "clarification":{"question":"...","reply":"..."},
 *      "final_answer":"...","api_documentation":"open_file(path: string, mode: string = r): ...",
 *      "execution_validated":true,"method":"single|multi"},
 *    "tools":[{"type":"function","function":{"name","description","parameters"}}, ...],
 *    "metadata":{"difficulty":"simple|medium|complex","mode":"single|multi","category":"chain",
 *      "style":"goal_only","required_tools":["open_file"],"blueprint":{...}},
 *    "execution_result":{"success":true,"mode":"real|simulated|replay","server":"name version"},
 *    "rating":8,"rating_breakdown":{...},"rating_reasoning":"..."}
 *
 * `turn`: calls of one turn were made in parallel; missing: each call is a turn of its own. An
 * argument of a plan that comes out of an earlier step is
 * {"$result":{"step":1,"pointer":"/keys/0"}} (the pointer goes into the observation read as JSON;
 * "" is all of its text); execution puts the value in its place, so that no executed record has
 * any. `sources` says of each argument where it comes from: origin "request" (the words `where` of
 * the instruction or of the user's reply), "result"
 * (`step` and `pointer`), "conversion" (of the words `where`), "default", "constant". A failed call
 * that was planned (`is_mutation`) is there for the recovery from it and is masked from the loss.
 * No call at all: `final_answer` is the refusal, or the answer without tools.
 * Records of the Python original (rows without tools, results of any JSON type) are read as far as
 * they go.
 */
#ifndef GEN_DATASET_TRAJECTORY_H
#define GEN_DATASET_TRAJECTORY_H

#include "base/arena.h"
#include "dataset/record.h"

/* What an example teaches (formats.md §5.3). */
enum gen_tool_category {
    GEN_TOOL_SINGLE = 0,     /* one call; all offered tools but one are distractors */
    GEN_TOOL_MULTIPLE,       /* one call; several offered tools are close to what is wanted */
    GEN_TOOL_PARALLEL,       /* independent calls in one turn */
    GEN_TOOL_CHAIN,          /* calls that need the results of earlier ones */
    GEN_TOOL_IRRELEVANCE,    /* no offered tool fits */
    GEN_TOOL_MISSING_PARAM,  /* the assistant asks, the user replies, then one call */
    GEN_TOOL_ERROR_RECOVERY, /* a call that fails, then the right one */
    GEN_TOOL_N_CATEGORIES,
    GEN_TOOL_CATEGORY_UNKNOWN = GEN_TOOL_N_CATEGORIES,
};
const char *gen_tool_category_name(enum gen_tool_category c); /* "missing-param" */
enum gen_tool_category gen_tool_category_from(struct gen_str name);

enum gen_call_status { GEN_CALL_PENDING = 0, GEN_CALL_SUCCESS, GEN_CALL_FAILURE };

/* One call. Views into the record or its arena. */
struct gen_tool_step {
    int64_t step, turn; /* from 1 */
    struct gen_str thought, tool;
    const struct gen_json *args;    /* an object, or NULL when the record has none that is one */
    const struct gen_json *sources; /* object or NULL */
    enum gen_call_status status;
    struct gen_str observation; /* text; empty when pending; results that are no strings as JSON */
    bool is_mutation;
    bool has_reference; /* some argument is, or holds, {"$result":...} */
};

struct gen_trajectory {
    struct gen_str id, instruction, question_back, user_reply, final_answer, documentation;
    struct gen_tool_step *steps; /* in the arena */
    size_t n_steps;
    const struct gen_json *tools;     /* array in OpenAI's form, or NULL */
    const struct gen_json *blueprint; /* metadata.blueprint or NULL */
    const struct gen_json *record;
    enum gen_tool_category category; /* by metadata; else by the steps */
    bool is_executed;                /* no call is pending */
    bool is_simulated;
};

/* Reads a tool record. On failure returns GEN_OK with `*usable` false and says why in `why` ("step
 * 2 has no \"tool\""); only a lack of memory is an error. */
GEN_MUST_USE int gen_trajectory_read(struct gen_trajectory *t, const struct gen_json *record,
                                     struct gen_arena *arena, bool *usable, char *why,
                                     size_t why_bytes, struct gen_error *err);

/* The function object (name, description, parameters) of an offered tool, or NULL. */
const struct gen_json *gen_trajectory_tool(const struct gen_trajectory *t, struct gen_str name);

/* True when `v` is {"$result":{"step","pointer"}}; then both are set. */
bool gen_result_reference(const struct gen_json *v, int64_t *step, struct gen_str *pointer);
/* Whether a text still has what execution should have replaced: "$step_1_result", "{{path}}",
 * "<path>" as a whole value, {"$result"...} as text. */
bool gen_text_has_placeholder(struct gen_str text);
/* The same of any text in a value, and of references in it. */
bool gen_args_have_placeholder(const struct gen_json *args);

#endif
