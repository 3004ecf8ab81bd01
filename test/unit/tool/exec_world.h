/* Shared by the tests of the stage "execute": the real engine, prompts and toolset; the executor is
 * a canned world behind the functions of executor.h. */
#ifndef EXEC_WORLD_H
#define EXEC_WORLD_H

#include "engine/engine.h"
#include "tool/tool.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { EXEC_ANSWERS_MAX = 16, EXEC_RECORDS_MAX = 32 };

struct exec_world {
    char folder[128];
    unsigned n_runs;
    struct gen_prompt_set *prompts;
    struct gen_step_common common;
    struct gen_toolset *tools;
    struct gen_tool_execute_options o;
    const char *records[EXEC_RECORDS_MAX];
    size_t n_records, next;

    /* What the model says, in the order of the calls (the last one for all later ones). None: the
     * embedded provider answers. */
    const char *answers[EXEC_ANSWERS_MAX];
    size_t n_answers;

    /* A call or answer that is not carried out: the run dies there. 0: none. */
    unsigned dies_at, n_events;
    const char *failure; /* what no call can do anything about; NULL */

    /* Of the last run. */
    size_t n_asked, n_called;
    char *users[EXEC_ANSWERS_MAX * 4];
    struct gen_buf calls; /* lines "example|before tools|tool args" */
    struct gen_buf ended; /* examples whose server was given back */
    struct gen_buf out, failures;
    size_t n_out;
    struct gen_stage_account account;
    bool died;
};

int exec_set_up(void **state);
int exec_tear_down(void **state);

void exec_answer(struct exec_world *w, const char *json);
void exec_record(struct exec_world *w, const char *json);
/* Forgets records and answers. */
void exec_clear(struct exec_world *w);
/* Runs to the end on a new ledger; with `again` on that of the last run. */
void exec_run(struct exec_world *w, bool again);
/* Output `i` as a document of the caller's. */
struct gen_json_doc *exec_out(const struct exec_world *w, size_t i);
bool exec_has(const struct gen_buf *b, const char *text);
#define assert_noted(w, name, n) assert_int_equal(gen_counts_get(&(w)->account.notes, name), n)
#define assert_filtered(w, name, n)                                                                \
    assert_int_equal(gen_counts_get(&(w)->account.filtered, name), n)
#define assert_failed(w, name, n) assert_int_equal(gen_counts_get(&(w)->account.failed, name), n)

#endif
