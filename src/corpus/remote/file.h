/*
 * One remote file, read in parts. Lance reads a footer, then windows of 256 KB of each column's
 * pages in turn. A file is opened with one request, for its last 64 KB: they tell its size and its
 * ETag, and mostly hold its footer and the descriptions of its columns. Then:
 *
 * - what is read is kept, in stretches as they came, up to GEN_REMOTE_CACHE_MAX bytes over all
 * files; the least recently used go first;
 * - a stretch has 64 KB at least; where it goes on from the one before, twice as much as that, up
 * to 1 MB, and it is asked for as soon as half of the one before was read: the answer comes while
 * the reader decodes;
 * - what is larger than 1 MB is asked for in parts, four at a time.
 *
 * Every part must come as the range that was asked for (206, Content-Range), from the same file
 * (its ETag, also sent as If-Match). A server that sends whole files instead is accepted for files
 * up to GEN_REMOTE_WHOLE_MAX.
 */
#ifndef GEN_CORPUS_REMOTE_FILE_H
#define GEN_CORPUS_REMOTE_FILE_H

#include "corpus/remote/ask.h"

#define GEN_REMOTE_CACHE_MAX ((size_t)32 << 20)
#define GEN_REMOTE_WHOLE_MAX ((size_t)8 << 20)

struct gen_stretch;
struct gen_remote_file;

/* The stretches of all files. */
struct gen_remote_cache {
    struct gen_asker *asker;
    struct gen_stretch *stretches; /* the most recently used first */
    size_t n_bytes;                /* of those that are here or under way */
};

/* Opens a file. `*out` = NULL when there is none. */
GEN_MUST_USE int gen_remote_file_open(struct gen_remote_cache *cache, const char *path,
                                      struct gen_remote_file **out, struct gen_error *err);
uint64_t gen_remote_file_size(const struct gen_remote_file *f);
/* Exactly n bytes; offset + n <= size. */
GEN_MUST_USE int gen_remote_file_read(struct gen_remote_file *f, uint64_t offset, void *dst,
                                      size_t n, struct gen_error *err);
/* Forgets what is kept of it. NULL is fine. */
void gen_remote_file_close(struct gen_remote_file *f);

#endif
