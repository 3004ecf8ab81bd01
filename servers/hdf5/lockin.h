/* The second wall of a worker: the kernel's Landlock (Linux 5.13) keeps the process inside the data
 * directories, whatever libhdf5 is talked into opening. */
#ifndef HDS_LOCKIN_H
#define HDS_LOCKIN_H

#include "roots.h"

/* From now on this process can open files only below the roots, to write only when `writable`.
 * False when the kernel cannot do that: roots.h is then the only wall. */
bool hds_lock_in(const struct hds_roots *roots, bool writable);

/* Limits on memory and core dumps of a process that reads files which may be hostile. */
void hds_limit_process(void);

#endif
