/* The figures of `stats` as text for people. */
#ifndef GEN_CLI_CMD_STATS_H
#define GEN_CLI_CMD_STATS_H

#include "dataset/gates.h"

/* Appends the tables, at most 80 columns wide, and the crossed gates. `path` names what was
 * measured; `note` (may be NULL) says where the sources came from, or why there are none. */
GEN_MUST_USE int gen_stats_text(const struct gen_metrics_result *r, const struct gen_gates *gates,
                                const char *path, const char *note, struct gen_buf *out,
                                struct gen_error *err);

#endif
