/* References to environment variables in values of the user: ${NAME}; $$ is a dollar sign. */
#ifndef GEN_CONF_EXPAND_H
#define GEN_CONF_EXPAND_H

#include "base/buf.h"

#include <stdbool.h>

/* getenv's shape, so that tests need no environment. */
typedef const char *gen_environ_fn(const char *name);

/* Appends `value` with ${NAME} replaced and $$ as one dollar sign. A `$` before anything else
 * stays. `where` is put in front of messages. GEN_EUSAGE: the variable is not set, or the reference
 * is malformed. */
GEN_MUST_USE int gen_expand(struct gen_buf *out, struct gen_str value, gen_environ_fn *lookup,
                            const char *where, struct gen_error *err);
/* True when the value refers to an environment variable. */
bool gen_expand_has_reference(struct gen_str value);

#endif
