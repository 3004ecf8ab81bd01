/*
 * The thoughts of an example of error-recovery. The plan was written for the right call; the
 * program puts a failing one before it. A thought that names the right value in front of a call
 * with a wrong one would teach that thoughts do not matter, so what is said has to fit what is
 * called.
 */
#ifndef GEN_TOOL_STEP_RECOVERY_H
#define GEN_TOOL_STEP_RECOVERY_H

#include "base/buf.h"

struct gen_draft;

/* Appends the thought before the failing call: the plan's own one, unless it speaks of a tool, a
 * value or a parameter that this call has not; then one that speaks of the tool alone. GEN_ENOMEM
 * alone. */
GEN_MUST_USE int gen_recovery_first(const struct gen_draft *d, struct gen_str thought,
                                    struct gen_buf *out, struct gen_error *err);
/* Appends the thought before the right call: what it has other than the failed one, and whether
 * `request` says so. GEN_ENOMEM alone. */
GEN_MUST_USE int gen_recovery_second(const struct gen_draft *d, struct gen_str request,
                                     struct gen_buf *out, struct gen_error *err);

#endif
