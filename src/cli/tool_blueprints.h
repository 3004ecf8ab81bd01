/* The source of tool-generate and tool-pipeline: blueprints, drawn until the target is reached. */
#ifndef GEN_CLI_TOOL_BLUEPRINTS_H
#define GEN_CLI_TOOL_BLUEPRINTS_H

#include "cli/tool_world.h"

struct gen_blueprint_source {
    struct gen_session *session;
    struct gen_blueprints *blueprints;
    struct gen_buf record;
    uint64_t n_drawn;
    unsigned round;
};

/* Makes the blueprints that the settings ask for, and lets them learn from the world. */
GEN_MUST_USE int gen_blueprint_source_open(struct gen_blueprint_source *s, struct gen_tool_world *w,
                                           struct gen_error *err);
struct gen_source gen_blueprint_source_of(struct gen_blueprint_source *s);
void gen_blueprint_source_close(struct gen_blueprint_source *s);

#endif
