/*
 * A folder of one's own for a while: empty, below TMPDIR, closed to other users, named
 * "generator-run-XXXXXX". As long as it is held, its process has a lock (flock) on it, which goes
 * with the process however that dies; so what a killed process left is told from what is in use,
 * also when its number was given to another process.
 */
#ifndef GEN_OS_SCRATCH_H
#define GEN_OS_SCRATCH_H

#include "base/buf.h"

struct gen_scratch {
    char *path; /* NULL: there is none */
    int fd;     /* of the folder, with the lock; -1: none */
};

#define GEN_SCRATCH_NONE ((struct gen_scratch){NULL, -1})

/* Makes it. GEN_EIO names the folder where it cannot be made. Where folders cannot be locked (some
 * network file systems), it is made without a lock, and will not be swept. */
GEN_MUST_USE int gen_scratch_make(struct gen_scratch *s, struct gen_error *err);
/* Removes it with all that others have put into it, and makes `s` GEN_SCRATCH_NONE. */
void gen_scratch_release(struct gen_scratch *s);

/*
 * Removes the scratch folders below TMPDIR whose process is dead. Left alone is what is another
 * user's, a link or no folder, what is locked, or cannot be, and what some living process has as
 * its working folder or names on its command line (a server that outlived its generator). Where
 * other users could exchange the names (a shared TMPDIR without the sticky bit), nothing is swept.
 * Some milliseconds; nothing depends on it, and nothing is reported.
 */
void gen_scratch_sweep(void);

/* Removes a file or a folder with all that is in it; symbolic links are not followed, other file
 * systems not entered. What cannot be removed stays. NULL is fine. */
void gen_scratch_remove(const char *path);

#endif
