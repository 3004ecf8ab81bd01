/* Shared by the tests of the steps of qa/ and tool/: one run of the real engine, with the built-in
 * prompts and a ledger in a folder of its own, over records in memory. The model is played by the
 * test, or is the embedded provider. One world at a time: a provider's functions have no place for
 * a pointer of ours. */
#ifndef STEP_WORLD_H
#define STEP_WORLD_H

#include "engine/engine.h"
#include "step/prompt.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { STEP_ANSWERS_MAX = 16, STEP_CALLS_MAX = 4096, STEP_STAGES_MAX = 3 };

struct step_world;
/* Writes the model's answer to a request. */
typedef void step_script_fn(struct step_world *w, const struct gen_llm_request *r,
                            struct gen_buf *answer);

struct step_input {
    char *record;
    struct gen_chunk *chunk; /* borrowed; NULL: none */
};

struct step_world {
    char folder[64];
    unsigned n_runs;
    struct gen_prompt_set *prompts;
    struct gen_step_common common;

    struct step_input *inputs;
    size_t n_inputs, inputs_capacity;
    /* At the end of the inputs: whether they are given once more. NULL: they are not. */
    bool (*next_round)(struct step_world *w, bool drained, enum gen_pull *what);

    /* What the model says: a script, else the answers in the order of the calls (the last one for
     * all later calls), else the embedded provider's word. */
    step_script_fn *script;
    void *script_ud;
    const char *answers[STEP_ANSWERS_MAX];
    size_t n_answers;
    const char *reasoning; /* the model's own, beside every answer; NULL: none */

    /* The event (a call of the model, or what the test counts with step_world_dies) that is not
     * carried out: the run dies there. 0: none. */
    unsigned dies_at, n_events;

    /* Of the last run. */
    struct gen_loop *loop; /* while it runs */
    size_t n_calls;        /* of the model */
    char *systems[STEP_CALLS_MAX], *users[STEP_CALLS_MAX];
    int64_t tokens_out_max[STEP_CALLS_MAX];
    struct gen_buf out, failures; /* lines */
    size_t n_out, next;
    unsigned round;
    bool died;
    struct gen_stage_account accounts[STEP_STAGES_MAX];
};

/* -1 after a message. */
int step_world_init(struct step_world *w);
void step_world_release(struct step_world *w);

void step_world_add(struct step_world *w, struct gen_chunk *chunk, struct gen_str record);
void step_world_answer(struct step_world *w, const char *json);
void step_world_clear_inputs(struct step_world *w);
/* Forgets inputs and answers. */
void step_world_clear(struct step_world *w);

/* Runs to the end on a new ledger; with `again` on that of the last run. Every input of every stage
 * must end exactly once, unless the run dies. */
void step_world_run(struct step_world *w, const struct gen_step *steps, size_t n_steps, bool again);
/* Counts an event; true: it must fail. */
bool step_world_dies(struct step_world *w);

/* Output `i` as a document of the caller's. */
struct gen_json_doc *step_world_out(const struct step_world *w, size_t i);
bool step_world_has(const struct gen_buf *b, const char *text);
/* Fails the test with the error's words. */
void step_world_must(int rc, const struct gen_error *err);

#endif
