/* Shared by the tests of the stage "generate": the real engine with the built-in prompts, the
 * bundled tools and a ledger in a temporary folder. The model is played by the test, or is the
 * extractive provider; so are the executor and the drawer of blueprints. */
#ifndef GENERATE_WORLD_H
#define GENERATE_WORLD_H

#include "engine/engine.h"
#include "tool/step/generate_int.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { WORLD_ANSWERS_MAX = 16, WORLD_CALLS_MAX = 4096 };

struct world {
    char folder[256];
    unsigned n_runs;
    struct gen_prompt_set *prompts;
    struct gen_toolset *tools;
    struct gen_step_common common;
    struct gen_tool_generate_options o;

    char **records;
    size_t n_records, records_capacity;

    bool is_extractive;
    /* Writes the model's answer; NULL: those below. */
    void (*script)(const struct gen_llm_request *r, struct gen_buf *answer);
    /* In the order of the calls; the last one for all later calls. */
    const char *answers[WORLD_ANSWERS_MAX];
    size_t n_answers;

    /* What the executor gives to the calls, in order; "!" in front: an error; "?": no fault of the
     * call. */
    const char *observations[8];
    size_t n_observations, n_executed;
    struct gen_buf executed; /* lines "example before tool arguments" */

    /* Of the last run. */
    size_t n_calls;
    char *systems[WORLD_CALLS_MAX];
    char *users[WORLD_CALLS_MAX];
    struct gen_buf out, failures; /* lines */
    size_t n_out, next;
    struct gen_stage_account account;
    size_t n_done[GEN_TOOL_N_CATEGORIES];
};

extern struct world *world_active;
int world_set_up(void **state);
int world_tear_down(void **state);
/* Forgets records and answers. */
void world_clear(struct world *w);
void world_answer(struct world *w, const char *json);
void world_add_record(struct world *w, struct gen_str record);
/* A blueprint that offers the tools of `offered` (names, separated by blanks); `blueprint` is the
 * JSON of metadata.blueprint. */
void world_blueprint(struct world *w, enum gen_tool_category category, const char *style,
                     const char *offered, const char *blueprint);
/* Runs to the end on a new ledger (or again on the last one); every input must end exactly once. */
void world_run(struct world *w);
void world_run_again(struct world *w);

struct gen_json_doc *world_out(const struct world *w, size_t i);
bool world_out_has(const struct world *w, const char *text);
#define assert_filtered(w, rule) assert_int_equal(gen_counts_get(&(w)->account.filtered, rule), 1)

#endif
