/*
 * What the commands for tool use work on: the tools, and who carries out their calls. One of four
 * modes, decided from the options and the file of tools: real (an MCP server, an HTTP service, or
 * the bundled server that the file names), replay of a recording, simulated by a model, or none.
 */
#ifndef GEN_CLI_TOOL_WORLD_H
#define GEN_CLI_TOOL_WORLD_H

#include "cli/session.h"
#include "tool/blueprint.h"
#include "tool/execute/executor.h"

enum gen_tool_mode {
    GEN_TOOL_MODE_NONE = 0,
    GEN_TOOL_MODE_REAL,
    GEN_TOOL_MODE_SIMULATED,
    GEN_TOOL_MODE_REPLAY,
};

struct gen_tool_world {
    struct gen_session *session;
    enum gen_tool_mode mode;
    char why_none[1100];             /* a clause: why nothing is executed */
    const struct gen_toolset *tools; /* of the file, or what the server lists; NULL: each example's
                                        own */
    struct gen_executor *executor;   /* real and replay; NULL in a dry run */
    size_t n_explored;               /* calls that were learned from; in the ledger or new */
    struct gen_toolset *file;        /* private, like what follows */
    struct gen_http *http;
    struct gen_arena arena;
    struct gen_buf bundled; /* command of the bundled server */
};

/* Reads the tools of `path` (NULL: none given), decides the mode and opens the executor. What is
 * odd about the tools is logged. On failure everything is closed again. */
GEN_MUST_USE int gen_tool_world_open(struct gen_tool_world *w, struct gen_session *s,
                                     const char *path, struct gen_error *err);
/* The same with the command's argument, for commands that draw from tools: without a file the
 * server must list them. */
GEN_MUST_USE int gen_tool_world_open_drawn(struct gen_tool_world *w, struct gen_session *s,
                                           struct gen_error *err);
/* The tools alone: for a command that carries out nothing. */
GEN_MUST_USE int gen_tool_world_read(struct gen_tool_world *w, struct gen_session *s,
                                     const char *path, struct gen_error *err);
/* Ends the servers in order and writes the recording. */
GEN_MUST_USE int gen_tool_world_finish(struct gen_tool_world *w, struct gen_error *err);
/* Before its session is closed. */
void gen_tool_world_close(struct gen_tool_world *w);

/* "real on generator-hdf5-mcp 0.4.0", "not executed: ...". */
GEN_MUST_USE int gen_tool_world_tell(const struct gen_tool_world *w, struct gen_buf *out,
                                     struct gen_error *err);
const char *gen_tool_mode_name(enum gen_tool_mode mode); /* "real" */

/* Lists of --tool-header and --tool-env with ${NAME} replaced, NULL-terminated in the arena; NULL
 * when empty. */
GEN_MUST_USE int gen_tool_values(const struct gen_settings *set, enum gen_option_id id,
                                 struct gen_arena *arena, const char *const **out,
                                 struct gen_error *err);

/*
 * Lets the blueprints learn from calls that are really made, before the first is drawn. What came
 * back is kept in the ledger under the tools, the server and the calls: a run that goes on draws
 * the same blueprints. Nothing happens without an executor or a ledger.
 */
GEN_MUST_USE int gen_tool_explore(struct gen_tool_world *w, struct gen_blueprints *b,
                                  struct gen_error *err);

#endif
