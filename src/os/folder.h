/*
 * A folder that appears under its name with all its files at once: they are written into
 * ".<name>.<pid>.tmp" beside it, which then takes the name. An existing folder of that name stays
 * whole until then and is exchanged in one step (where the file system can; else it is moved away
 * first). What may be replaced is the caller's decision.
 */
#ifndef GEN_OS_FOLDER_H
#define GEN_OS_FOLDER_H

#include "base/buf.h"

#include <stdbool.h>

struct gen_folder_writer;

/* Makes the temporary folder, and missing parents. GEN_EUSAGE when `path` is a file. */
GEN_MUST_USE int gen_folder_writer_open(struct gen_folder_writer **out, const char *path,
                                        struct gen_error *err);
/* Where the files go until the commit. */
const char *gen_folder_writer_temp(const struct gen_folder_writer *w);
GEN_MUST_USE int gen_folder_writer_commit(struct gen_folder_writer *w, struct gen_error *err);
/* Removes the temporary folder when it was not committed. NULL is fine. */
void gen_folder_writer_close(struct gen_folder_writer *w);

/* Calls `fn` with the name of each entry of one folder, hidden ones too, in no order. Stops at the
 * first non-zero result, which it returns. GEN_EINPUT when it cannot be listed. */
typedef int gen_folder_entry_fn(void *ud, const char *name, bool is_folder, struct gen_error *err);
GEN_MUST_USE int gen_folder_each(const char *path, gen_folder_entry_fn *fn, void *ud,
                                 struct gen_error *err);

#endif
