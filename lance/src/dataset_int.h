/*
 * dataset_int.h - the inside of an open table.
 */
#ifndef LNC_DATASET_INT_H
#define LNC_DATASET_INT_H

#include "datafile_int.h"
#include "deletion_int.h"
#include "schema_int.h"

struct lnc_dataset {
    struct lnc_store file_store;
    const struct lnc_store *store; /* &file_store or the caller's */
    struct lnc_limits limits;      /* defaults filled in */
    struct lnc_memory *memory;     /* NULL: malloc */
    bool follow_base_paths;
    char *root;   /* directory of the table */
    char *branch; /* "" for the main one */
    char *path;   /* directory of the versions: root, or root/tree/branch */
    char *name;
    char *manifest_path;
    struct lnc_manifest manifest;
    struct lnc_column_def *columns;
    size_t n_columns;
};

/* A context without a place, for work on this table. */
struct lnc_ctx lnc_dataset_ctx(const struct lnc_dataset *ds, struct lnc_error *err);

/* Loads the deletions of a fragment that has `n_rows`; none at all gives an empty *out. */
int lnc_dataset_deleted(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                        uint64_t n_rows, struct lnc_deleted *out, struct lnc_error *err);

/* Physical rows of a fragment: from the manifest, or from the data file where the manifest cannot
 * be trusted. */
int lnc_dataset_fragment_rows(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                              uint64_t *out, struct lnc_error *err);

/* Where a data file of a fragment, and where its deletion file is, on the heap. */
int lnc_dataset_data_path(const struct lnc_dataset *ds, const struct lnc_data_file *file,
                          char **out, struct lnc_error *err);
int lnc_dataset_deletion_path(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                              char **out, struct lnc_error *err);

/* LNC_EUNSUPPORTED or LNC_ECORRUPT if a file is somewhere where it must not be looked for. */
int lnc_dataset_check_bases(const struct lnc_dataset *ds, struct lnc_error *err);

/* LNC_ENOENT for a data file that is missing: looks which versions there are now, to say why. */
int lnc_dataset_explain_missing(const struct lnc_ctx *cx, const struct lnc_dataset *ds);

/* Gives it the name that the catalogue has for it. On failure it is closed. */
int lnc_dataset_rename(struct lnc_dataset *ds, const char *name, struct lnc_error *err);

/* Limits with defaults in the place of zeros. */
struct lnc_limits lnc_limits_of(const struct lnc_options *options);

/* A heap copy of "<a><b><c>"; NULL parts count as empty. */
int lnc_concat(const struct lnc_ctx *cx, const char *a, const char *b, const char *c, char **out);

/* "<dir>/<folder>/<name>" on the heap. */
int lnc_join(const struct lnc_ctx *cx, const char *dir, const char *folder, const char *name,
             char **out);

/* True for a relative path that neither climbs nor has empty parts. */
bool lnc_path_is_plain(const char *path);

/* The local file system, with memory from there. */
void lnc_store_file_init(struct lnc_store *out, struct lnc_memory *memory);

/* Adds `name` to a list in a message of `room` bytes: "a, b, c", ending in ", ..." when it gets too
 * long. */
void lnc_list_name(char *list, size_t room, const char *name);

/* out is true if the directory holds at least one manifest, or if that cannot be seen (LNC_EIO).
 * LNC_ENOMEM, LNC_ELIMIT. */
int lnc_is_table(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                 bool *out);

/* Reads a whole file into *out. */
int lnc_read_file(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                  struct lnc_buf *out);

#endif
