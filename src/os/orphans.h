/* Private to os/: what killed processes leave. Outputs are written as ".<name>.<pid>.tmp" beside
 * their place; without this, runs that are killed and resumed would fill the folder. */
#ifndef GEN_OS_ORPHANS_H
#define GEN_OS_ORPHANS_H

#include "base/str.h"

/* Removes the temporary files and folders of `path` that belong to no living process. What cannot
 * be removed stays. */
void gen_orphans_remove(struct gen_str path);

#endif
