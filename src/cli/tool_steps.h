/* The steps of the commands for tool use, made from the settings, and what they add to the account.
 */
#ifndef GEN_CLI_TOOL_STEPS_H
#define GEN_CLI_TOOL_STEPS_H

#include "cli/tool_blueprints.h"
#include "tool/tool.h"

/* What a run may need; all may be NULL. */
struct gen_tool_steps {
    struct gen_tool_generate *generate;
    struct gen_tool_execute *execute;
    struct gen_tool_rate *rate;
};

/* Each adds a step to the session of the world. With `for_agent` generate writes requests alone. */
GEN_MUST_USE int gen_tool_steps_add_generate(struct gen_tool_steps *steps,
                                             const struct gen_tool_world *w,
                                             const struct gen_blueprint_source *source,
                                             bool for_agent, struct gen_error *err);
GEN_MUST_USE int gen_tool_steps_add_execute(struct gen_tool_steps *steps,
                                            const struct gen_tool_world *w, struct gen_error *err);
GEN_MUST_USE int gen_tool_steps_add_rate(struct gen_tool_steps *steps,
                                         const struct gen_tool_world *w, bool needs_execution,
                                         gen_rated_fn *on_rated, void *ud, struct gen_error *err);
void gen_tool_steps_release(struct gen_tool_steps *steps);

#endif
