/* A command line as users write it in an option: --mcp 'mcp-server-filesystem {sandbox}'. */
#ifndef GEN_TOOL_MCP_COMMAND_H
#define GEN_TOOL_MCP_COMMAND_H

#include "base/arena.h"

#define GEN_COMMAND_WORDS_MAX 256U

/*
 * Takes it apart as a shell does, without running one: words between white space, '...' as it
 * stands, "..." in which \" and \\ are escapes, and \ before any other character outside of quotes.
 * Variables, wildcards, pipes and the like have no meaning and are left as they are. `*argv` is
 * NULL-terminated, in the arena. GEN_EUSAGE for a quote that does not end and for no word at all;
 * GEN_ELIMIT over GEN_COMMAND_WORDS_MAX.
 */
GEN_MUST_USE int gen_command_split(struct gen_arena *arena, struct gen_str line,
                                   const char *const **argv, struct gen_error *err);

#endif
