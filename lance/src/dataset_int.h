/*
 * dataset_int.h - the inside of an open table.
 */
#ifndef LNC_DATASET_INT_H
#define LNC_DATASET_INT_H

#include "datafile_int.h"
#include "deletion_int.h"
#include "schema_int.h"

/* A top-level column and where it comes from. */
struct lnc_column_def {
    struct lnc_column_info info;
    struct lnc_phys phys;
    const struct lnc_field *field;
};

struct lnc_dataset {
    struct lnc_store file_store;
    const struct lnc_store *store; /* &file_store or the caller's */
    struct lnc_limits limits;      /* defaults filled in */
    char *path;
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

/* "<table>/<folder>/<name>" on the heap. */
int lnc_dataset_path_of(const struct lnc_dataset *ds, const char *folder, const char *name,
                        char **out, struct lnc_error *err);

/* Limits with defaults in the place of zeros. */
struct lnc_limits lnc_limits_of(const struct lnc_options *options);

/* A heap copy of "<a><b><c>"; NULL parts count as empty. */
int lnc_concat(const char *a, const char *b, const char *c, char **out, struct lnc_error *err);

/* Adds `name` to a list in a message of `room` bytes: "a, b, c", ending in ", ..." when it gets too
 * long. */
void lnc_list_name(char *list, size_t room, const char *name);

/* True if the directory holds at least one manifest. */
bool lnc_is_table(const struct lnc_store *store, const char *path);

/* Reads a whole file into *out. */
int lnc_read_file(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                  struct lnc_buf *out);

#endif
