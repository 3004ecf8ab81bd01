/* Texts made from the option table: --help, man pages (roff man(7)), bash completion, Markdown
 * reference. */
#ifndef GEN_CONF_HELP_H
#define GEN_CONF_HELP_H

#include "conf/option.h"

/* Help of the program (command = -1) or of one command, fitted to `columns`. */
GEN_MUST_USE int gen_help_text(struct gen_buf *out, int command, size_t columns,
                               struct gen_error *err);
/* generator.1 (command = -1) or generator-<command>.1. */
GEN_MUST_USE int gen_help_man(struct gen_buf *out, int command, struct gen_error *err);
GEN_MUST_USE int gen_help_completion(struct gen_buf *out, struct gen_error *err);

#endif
