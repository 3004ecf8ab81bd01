/* Shared by the tests of the stage "generate": the bundled tools on top of step_world.h. The
 * executor and the drawer of blueprints are played by the test. */
#ifndef GENERATE_WORLD_H
#define GENERATE_WORLD_H

#include "step_world.h"
#include "tool/step/generate_int.h"

struct world {
    struct step_world run;
    struct gen_toolset *tools;
    struct gen_tool_generate_options o;

    /* What the executor gives to the calls, in order; "!" in front: an error; "?": no fault of the
     * call. */
    const char *observations[8];
    size_t n_observations, n_executed;
    struct gen_buf executed; /* lines "example before tool arguments" */

    size_t n_done[GEN_TOOL_N_CATEGORIES]; /* of the last run */
};

extern struct world *world_active;
int world_set_up(void **state);
int world_tear_down(void **state);
/* Forgets records and answers. */
void world_clear(struct world *w);
/* A blueprint that offers the tools of `offered` (names, separated by blanks); `blueprint` is the
 * JSON of metadata.blueprint. */
void world_blueprint(struct world *w, enum gen_tool_category category, const char *style,
                     const char *offered, const char *blueprint);
/* Runs to the end on a new ledger (or again on the last one); every input must end exactly once. */
void world_run(struct world *w);
void world_run_again(struct world *w);

#define assert_filtered(w, rule)                                                                   \
    assert_int_equal(gen_counts_get(&(w)->run.accounts[0].filtered, rule), 1)

#endif
