/*
 * versions_int.h - the manifests of a directory: finding the newest or a wanted one, loading it.
 */
#ifndef LNC_VERSIONS_INT_H
#define LNC_VERSIONS_INT_H

#include "dataset_int.h"

#define LNC_MANIFEST_NAME_MAX 64

/* A search for a manifest. */
struct lnc_newest {
    uint64_t wanted;  /* 0: the highest */
    uint64_t version; /* what was found */
    bool found;
    char name[LNC_MANIFEST_NAME_MAX];
};

/* Looks for newest->wanted in the _versions of `path`. LNC_ENOENT if there is no such directory. */
int lnc_newest_find(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                    struct lnc_newest *newest);

/* LNC_EUNSUPPORTED if the table at `path` has a write-ahead log (MemWAL, lancedb 0.39 on: LSM
 * writes): the newest rows stand there, in no version. `version` is for the message. */
int lnc_wal_check(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                  uint64_t version);

/* Loads what was found. */
int lnc_manifest_load(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                      const struct lnc_newest *newest, struct lnc_manifest *out);

/* The numbers (uint64_t, ascending) of all versions in the _versions of `path`. On failure *out
 * holds nothing. */
int lnc_version_numbers(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                        struct lnc_buf *out);

#endif
