/* Shared by the tests of the stage "execute": the toolset of a pottery on top of step_world.h; the
 * executor is a canned world behind the functions of executor.h. */
#ifndef EXEC_WORLD_H
#define EXEC_WORLD_H

#include "step_world.h"
#include "tool/tool.h"

struct exec_world {
    struct step_world run;
    struct gen_toolset *tools;
    struct gen_tool_execute_options o;
    const char *failure; /* what no call can do anything about; NULL */

    /* Of the last run. */
    size_t n_called;
    struct gen_buf calls; /* lines "example|before tools|tool args" */
    struct gen_buf ended; /* examples whose server was given back */
};

int exec_set_up(void **state);
int exec_tear_down(void **state);

void exec_record(struct exec_world *w, const char *json);
/* Runs to the end on a new ledger; with `again` on that of the last run. */
void exec_run(struct exec_world *w, bool again);
#define assert_noted(w, name, n)                                                                   \
    assert_int_equal(gen_counts_get(&(w)->run.accounts[0].notes, name), n)
#define assert_filtered(w, name, n)                                                                \
    assert_int_equal(gen_counts_get(&(w)->run.accounts[0].filtered, name), n)
#define assert_failed(w, name, n)                                                                  \
    assert_int_equal(gen_counts_get(&(w)->run.accounts[0].failed, name), n)

#endif
