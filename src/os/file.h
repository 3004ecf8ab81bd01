/*
 * Files. A file under its final name is always whole: it is written under a temporary name in the
 * same folder, fsynced, renamed, and the folder fsynced. Missing folders are made.
 */
#ifndef GEN_OS_FILE_H
#define GEN_OS_FILE_H

#include "base/buf.h"

#include <stdbool.h>

enum gen_file_kind { GEN_FILE_NONE = 0, GEN_FILE_REGULAR, GEN_FILE_DIRECTORY, GEN_FILE_OTHER };

/* What `path` is; GEN_FILE_NONE also when it cannot be looked at. */
enum gen_file_kind gen_file_kind(const char *path);

/* Appends the whole file. GEN_EINPUT when it cannot be read, GEN_ELIMIT over the buffer's ceiling.
 */
GEN_MUST_USE int gen_file_read_all(struct gen_buf *out, const char *path, struct gen_error *err);

/* A file being read from its start; "-" is standard input. The read function fits json/stream.h. */
struct gen_file_reader;
GEN_MUST_USE int gen_file_reader_open(struct gen_file_reader **out, const char *path,
                                      struct gen_error *err);
int gen_file_reader_read(void *reader, void *data, size_t n, size_t *got, struct gen_error *err);
void gen_file_reader_close(struct gen_file_reader *r);

/* A file being written atomically, as ".<name>.<pid>.tmp" in its folder until the commit. "-" and
 * "/dev/stdout" are standard output; to it and to whatever is no regular file (a FIFO, a device) it
 * writes through. An existing file keeps its permissions, a symbolic link stays one. After a
 * failure every later add or commit fails as well. GEN_EUSAGE when the path is a folder. */
struct gen_file_writer;
GEN_MUST_USE int gen_file_writer_open(struct gen_file_writer **out, const char *path,
                                      struct gen_error *err);
/* Buffered. GEN_EIO names the final path and the reason (disk full, ...). */
GEN_MUST_USE int gen_file_writer_add(struct gen_file_writer *w, struct gen_str data,
                                     struct gen_error *err);
/* Puts `data` in front of all that was added, by writing the file once more. GEN_ESTATE when it is
 * written through (gen_file_writer_is_whole). */
GEN_MUST_USE int gen_file_writer_put_first(struct gen_file_writer *w, struct gen_str data,
                                           struct gen_error *err);
/* Whether the file appears whole at the commit; false where it is written through. */
bool gen_file_writer_is_whole(const struct gen_file_writer *w);
/* Makes the file appear under its name, durable. The writer must still be closed. */
GEN_MUST_USE int gen_file_writer_commit(struct gen_file_writer *w, struct gen_error *err);
/* Removes the temporary file when it was not committed. NULL is fine. */
void gen_file_writer_close(struct gen_file_writer *w);

/* Writes `data` as a whole file, atomically. */
GEN_MUST_USE int gen_file_write_all(const char *path, struct gen_str data, struct gen_error *err);

/* Makes the folder `path` and its parents. */
GEN_MUST_USE int gen_dir_make(const char *path, struct gen_error *err);

/* Appends dir + "/" + name, or parts of a path. */
GEN_MUST_USE int gen_path_join(struct gen_buf *out, struct gen_str dir, struct gen_str name,
                               struct gen_error *err);
struct gen_str gen_path_dir(struct gen_str path);  /* "." when it has none */
struct gen_str gen_path_base(struct gen_str path); /* last component */
struct gen_str
gen_path_stem(struct gen_str path); /* whole path without the last component's extension */
struct gen_str
gen_path_ext(struct gen_str path); /* ".jsonl", with the dot; empty when there is none */

/* Calls `fn` for each regular file below `root` in the order of the byte-wise sorted relative
 * paths. Hidden names (".x") are left out; symbolic links below `root` are not followed; more than
 * 32 folders deep is GEN_ELIMIT, a folder that cannot be listed GEN_EINPUT. Stops at the first
 * non-zero result, which it returns. */
typedef int gen_walk_fn(void *ud, const char *path, struct gen_error *err);
GEN_MUST_USE int gen_dir_walk(const char *root, gen_walk_fn *fn, void *ud, struct gen_error *err);

/* Folder of the running program ("/usr/bin"), without a slash at the end. */
GEN_MUST_USE int gen_program_dir(struct gen_buf *out, struct gen_error *err);

#endif
