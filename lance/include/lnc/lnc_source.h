/*
 * lnc_source.h - where the bytes come from.
 *
 * The reader asks for two things only: "list this directory" and "give me n bytes at offset o of
 * this file". A `struct lnc_store` answers the first and opens files; a `struct lnc_source` is one
 * open file. There are two drivers: the file system (pread, so that a file that shrinks while it is
 * read is an error and not a signal) and memory (tests, fuzzing). An object store is the caller's
 * to write: it has no directories, so `list` may say LNC_ENOENT for one that is empty, and names
 * entries once. Reads come from the thread that calls the scan, one at a time and mostly forward,
 * in windows of 256 KiB for each column in turn.
 *
 * A store of the caller's own is called from every thread that opens or scans something of it, and
 * never for two threads on one source. It writes the error like every function here (lnc_error.h);
 * the message should name the path, since the reader adds nothing to it.
 *
 * Invariant: a file of a Lance table never changes once it has its name, so a size asked at opening
 * stays true. Paths use '/' and are joined by the reader; a driver takes them as they are.
 */
#ifndef LNC_SOURCE_H
#define LNC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lnc/lnc_error.h"
#include "lnc/lnc_export.h"

LNC_EXTERN_C_BEGIN

/* One open file. `release` is NULL when the struct holds nothing (never opened, moved away,
 * released). */
struct lnc_source {
    uint64_t size; /* bytes, fixed at opening */
    /* Reads exactly n bytes at offset into dst. The reader guarantees offset + n <= size. LNC_EIO
     * if the bytes cannot be had, also when the file has become shorter. */
    int (*read_at)(const struct lnc_source *source, uint64_t offset, void *dst, size_t n,
                   struct lnc_error *err);
    /* Gives back what private_data holds and sets release to NULL. */
    void (*release)(struct lnc_source *source);
    void *private_data;
};

/* Releases a source; one that is NULL or holds nothing is ignored. */
LNC_API void lnc_source_release(struct lnc_source *source);

/* Called for each entry of a directory, in any order, without "." and "..". Return LNC_OK to go on;
 * anything else ends the listing and is returned from it. `name` is valid during the call only. */
typedef int (*lnc_list_fn)(void *context, const char *name, bool is_directory,
                           struct lnc_error *err);

/* A tree of files. */
struct lnc_store {
    /* Opens a regular file for reading. LNC_ENOENT if there is none, LNC_EIO for other failures. */
    int (*open)(const struct lnc_store *store, const char *path, struct lnc_source *out,
                struct lnc_error *err);
    /* Lists a directory. LNC_ENOENT if the path does not exist or is not a directory. */
    int (*list)(const struct lnc_store *store, const char *path, lnc_list_fn each, void *context,
                struct lnc_error *err);
    /* Gives back what private_data holds and sets release to NULL. */
    void (*release)(struct lnc_store *store);
    void *private_data;
};

/* Makes *out the local file system. Holds nothing, cannot fail; releasing it is allowed and does
 * nothing. */
LNC_API void lnc_store_file(struct lnc_store *out);

/* One file of a memory store. Path and bytes are borrowed and must outlive the store and all it
 * opened. */
struct lnc_memory_file {
    const char *path;
    const void *bytes;
    size_t size;
};

/* Makes *out a tree of the n given files; directories follow from the paths. The array is borrowed
 * too. LNC_ENOMEM. */
LNC_API int lnc_store_memory(struct lnc_store *out, const struct lnc_memory_file *files, size_t n,
                             struct lnc_error *err);

/* Releases a store; NULL or one that holds nothing is ignored. */
LNC_API void lnc_store_release(struct lnc_store *store);

LNC_EXTERN_C_END

#endif
