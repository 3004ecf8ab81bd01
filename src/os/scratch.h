/* A folder of one's own for a while: empty, below TMPDIR, closed to other users. */
#ifndef GEN_OS_SCRATCH_H
#define GEN_OS_SCRATCH_H

#include "base/buf.h"

/* Makes it and appends its path. GEN_EIO names the folder where it cannot be made. */
GEN_MUST_USE int gen_scratch_make(struct gen_buf *path, struct gen_error *err);
/* Removes it with all that others have put into it; symbolic links are not followed. What cannot be
 * removed stays. NULL is fine. */
void gen_scratch_remove(const char *path);

#endif
