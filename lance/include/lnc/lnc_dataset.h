/*
 * lnc_dataset.h - databases and tables: which there are, their columns, their number of rows.
 *
 * A *table* (Lance calls it a dataset) is a directory with `_versions/<n>.manifest`; a *database*
 * is a directory of tables named `<table>.lance`. Opening a table reads its newest manifest, a few
 * KB, and nothing else: what this header tells about a table costs no access to data.
 *
 * A table has numbered versions; a *tag* names one of them, a *branch* is a line of versions of its
 * own that began at one of another line. Tables of child namespaces are listed in the database's
 * catalogue (the table `__manifest`) and named as there: `ns$table`.
 *
 * Invariant: an open dataset is one version of the table and never changes; later writes by others
 * are not seen.
 */
#ifndef LNC_DATASET_H
#define LNC_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lnc/lnc_error.h"
#include "lnc/lnc_export.h"
#include "lnc/lnc_source.h"

LNC_EXTERN_C_BEGIN

struct lnc_dataset;
struct lnc_database;

/* Ceilings for what a table can make the reader do. 0 in a field means its default. */
struct lnc_limits {
    size_t alloc_bytes_max; /* one allocation, also one decompressed value or page dictionary;
                               default 256 MiB */
    size_t batch_bytes_max; /* a batch ends early when its values exceed this, but has at least one
                               row; default 16 MiB */
    size_t total_bytes_max; /* all memory of a database or a dataset at once, with
                               its scans and the batches that are not released;
                               default none */
};

/*
 * Where all memory comes from: `alloc` and `realloc` answer NULL if there is none, and otherwise
 * memory that is aligned for every type; `realloc` and `free` only get what came from here.
 * Everything that is opened with it uses it, batches and Arrow structures too, which may outlive
 * their dataset: it must work until the last of them is released. It is called from every thread
 * that uses or releases something of it. Not from here: what the C library allocates for itself
 * (opendir, qsort) and stores of the caller's own.
 */
struct lnc_allocator {
    void *(*alloc)(void *ud, size_t size);
    void *(*realloc)(void *ud, void *block, size_t size);
    void (*free)(void *ud, void *block);
    void *ud;
};

/* How to open. NULL or all zero gives the defaults. */
struct lnc_options {
    const struct lnc_store
        *store; /* NULL: the local file system; borrowed, must outlive what was opened with it */
    struct lnc_limits limits;
    uint64_t version;   /* version of the table to open; 0: the newest */
    const char *tag;    /* the version of that name, on its branch; NULL: none. Not
                           together with version or branch */
    const char *branch; /* NULL or "": the main one, "main" likewise if there is no
                           branch of that name; with `version`, that one of the branch */
    /* Follows paths to files outside of the table's directory (base paths: shallow clones have
     * them). They stand in the manifest: who writes a table decides which files are opened as data.
     * Without it such a table is refused. A branch needs no permission for the files of its own
     * table, which are looked for where the table is now. */
    bool follow_base_paths;
    struct lnc_allocator allocator; /* all zero: malloc */
};

/* What the values of a column are. The comment gives the C type of one value in a batch. */
enum lnc_kind {
    LNC_KIND_UNREADABLE, /* listed in the schema, cannot be projected: an unknown type, a vector of
                            vectors or structs, or something nested with such a field or over 32
                            levels deep */
    LNC_KIND_NULL,       /* no values at all, every row is null */
    LNC_KIND_BOOL,       /* uint8_t, 0 or 1 */
    LNC_KIND_INT8,       /* int8_t */
    LNC_KIND_INT16,      /* int16_t */
    LNC_KIND_INT32,      /* int32_t */
    LNC_KIND_INT64,      /* int64_t */
    LNC_KIND_UINT8,      /* uint8_t */
    LNC_KIND_UINT16,     /* uint16_t */
    LNC_KIND_UINT32,     /* uint32_t */
    LNC_KIND_UINT64,     /* uint64_t */
    LNC_KIND_HALF,       /* uint16_t, IEEE 754 binary16 bits */
    LNC_KIND_FLOAT,      /* float */
    LNC_KIND_DOUBLE,     /* double */
    LNC_KIND_STRING,     /* bytes that the writer called UTF-8 */
    LNC_KIND_BINARY,     /* bytes */
    LNC_KIND_DATE32,     /* int32_t, days since 1970-01-01 */
    LNC_KIND_DATE64,     /* int64_t, milliseconds since 1970-01-01 */
    LNC_KIND_TIME32,     /* int32_t, since midnight, in the unit of the logical type */
    LNC_KIND_TIME64,     /* int64_t, since midnight, in the unit of the logical type */
    LNC_KIND_TIMESTAMP,  /* int64_t, since 1970-01-01 UTC, in the unit of the logical type */
    LNC_KIND_DURATION,   /* int64_t, in the unit of the logical type */
    LNC_KIND_DECIMAL,    /* 16 or 32 bytes, two's complement, little-endian: that integer divided
                            by ten to the power of `scale` */
    LNC_KIND_BYTES,      /* fixed_size_binary: byte_width bytes */
    LNC_KIND_VECTOR, /* fixed_size_list of a kind of fixed width (BOOL to BYTES): n_items values of
                        item_kind, packed */
    LNC_KIND_STRUCT, /* children with as many rows */
    LNC_KIND_LIST,   /* one child with the items of all rows */
    LNC_KIND_MAP,    /* likewise; the child is a struct of a key and a value */
};

/* Unit of TIME32, TIME64, TIMESTAMP and DURATION. */
enum lnc_unit {
    LNC_UNIT_NONE,
    LNC_UNIT_SECOND,
    LNC_UNIT_MILLISECOND,
    LNC_UNIT_MICROSECOND,
    LNC_UNIT_NANOSECOND,
};

/* A pair of a column's or a table's metadata, as its writer gave it; what it means is between
 * writers and readers (`ARROW:extension:name`, `lance-encoding:...`). Neither is NUL-terminated. */
struct lnc_metadata {
    const char *key;
    size_t key_size;
    const char *value;
    size_t value_size;
};

/* A column, or a field of one. All pointers belong to the dataset. */
struct lnc_column_info {
    const char *name;
    const char *
        logical_type; /* as the table writes it: "string", "int64", "timestamp:us:-", "list", ... */
    enum lnc_kind kind;
    enum lnc_unit unit;
    enum lnc_kind item_kind; /* of LNC_KIND_VECTOR, else LNC_KIND_UNREADABLE */
    uint32_t n_items;        /* of LNC_KIND_VECTOR, else 0 */
    uint32_t byte_width; /* of one value in a batch; 0 for STRING, BINARY, NULL and UNREADABLE */
    uint8_t precision; /* of DECIMAL and vectors of them: decimal digits, and how many of them stand
                          behind the point */
    int8_t scale;
    bool nullable; /* as declared; batches say what is null */
    bool is_large; /* of STRING, BINARY and LIST: declared in its large form (offsets of 64
                      bits in Arrow); batches are the same for both */
    bool is_blob;  /* BINARY whose values lie aside in the file, or in files of their own: as large
                      as  they like, and read only when the column is asked for by name */
    const struct lnc_column_info *children; /* of STRUCT, LIST and MAP */
    size_t n_children;
    const struct lnc_metadata *metadata; /* in no order; NULL if there is none */
    size_t n_metadata;
};

/*
 * Opens the database at `path` and lists its tables (by looking for manifests, so a half-deleted
 * directory is no table, and one that cannot be looked into is), those of child namespaces too. A
 * database without tables opens well and has none. `version`, `tag` and `branch` of the options are
 * for the tables. Errors: LNC_ENOENT if the path does not exist, is not a directory, is itself a
 * table (the message says so) or holds other things but no table; LNC_EIO; LNC_ENOMEM. On success
 * *out is owned by the caller.
 */
LNC_API int lnc_database_open(const char *path, const struct lnc_options *options,
                              struct lnc_database **out, struct lnc_error *err);

/* Number of tables. */
LNC_API size_t lnc_database_n_tables(const struct lnc_database *db);

/* Name of table i < n_tables, sorted by bytes; belongs to the database. Tables of child namespaces
 * are named `ns$table`. */
LNC_API const char *lnc_database_table(const struct lnc_database *db, size_t i);

/*
 * Opens a table by name. Errors: LNC_ENOENT with the names that exist; otherwise as
 * lnc_dataset_open(). The dataset does not need the database any more.
 */
LNC_API int lnc_database_open_table(const struct lnc_database *db, const char *name,
                                    struct lnc_dataset **out, struct lnc_error *err);

/* Closes; NULL is ignored. */
LNC_API void lnc_database_close(struct lnc_database *db);

/*
 * Opens the table whose directory is `path` (`.../<table>.lance`). Errors: LNC_ENOENT (no such
 * path; not a table; no such version, tag or branch: the message lists those that there are),
 * LNC_EINVAL (options contradict each other), LNC_ECORRUPT (manifest damaged), LNC_EUNSUPPORTED
 * (needs a feature that we do not read: the message names it), LNC_ELIMIT, LNC_EIO, LNC_ENOMEM. On
 * success *out is owned by the caller.
 */
LNC_API int lnc_dataset_open(const char *path, const struct lnc_options *options,
                             struct lnc_dataset **out, struct lnc_error *err);

/*
 * Opens whatever the user named: if `path` is a table, that one (`table` must be NULL or its name);
 * if it is a database, the table named `table`; with `table` NULL the only table of the database.
 * Errors: LNC_ENOENT with a message that lists the tables if there are several or none of that
 * name; otherwise as lnc_dataset_open().
 */
LNC_API int lnc_open(const char *path, const char *table, const struct lnc_options *options,
                     struct lnc_dataset **out, struct lnc_error *err);

/* Closes; all scans of the dataset must be closed before, batches may live on. NULL is ignored. */
LNC_API void lnc_dataset_close(struct lnc_dataset *ds);

/* Directory of the table, and its name (last component without ".lance"; that of the catalogue for
 * a table of a child namespace). Belong to the dataset. */
LNC_API const char *lnc_dataset_path(const struct lnc_dataset *ds);
LNC_API const char *lnc_dataset_name(const struct lnc_dataset *ds);

/* Version of the table that is open, counted by its writers from 1. */
LNC_API uint64_t lnc_dataset_version(const struct lnc_dataset *ds);

/* Name of the branch that is open, "" for the main one. Belongs to the dataset. */
LNC_API const char *lnc_dataset_branch(const struct lnc_dataset *ds);

/* When the version was written, as its manifest says: microseconds since 1970-01-01 UTC, or
 * LNC_NO_TIME. */
#define LNC_NO_TIME INT64_MIN
LNC_API int64_t lnc_dataset_timestamp(const struct lnc_dataset *ds);

/* Storage version of the data files as the manifest declares it: "0.1", "2.0", "2.1", "2.2".
 * Belongs to the dataset. */
LNC_API const char *lnc_dataset_storage_version(const struct lnc_dataset *ds);

/* Library and version that wrote the manifest, such as "lance 12.0.0"; "" if it does not say.
 * Belongs to the dataset. */
LNC_API const char *lnc_dataset_writer(const struct lnc_dataset *ds);

/* Metadata of the whole table (of its Arrow schema), *n pairs in no order; NULL if there is none.
 * Belongs to the dataset. */
LNC_API const struct lnc_metadata *lnc_dataset_metadata(const struct lnc_dataset *ds, size_t *n);

/* Number of fragments (groups of data files). */
LNC_API size_t lnc_dataset_n_fragments(const struct lnc_dataset *ds);

/* Top-level columns in the order of the table; i < n_columns. */
LNC_API size_t lnc_dataset_n_columns(const struct lnc_dataset *ds);
LNC_API const struct lnc_column_info *lnc_dataset_column(const struct lnc_dataset *ds, size_t i);

/* Index of the column of exactly that name (case matters). LNC_ENOENT with the names that exist. */
LNC_API int lnc_dataset_find_column(const struct lnc_dataset *ds, const char *name, size_t *out,
                                    struct lnc_error *err);

/*
 * Exact number of live rows: physical rows minus deleted ones, from the manifest alone. Only for
 * tables of Lance before 0.8 (2023), whose manifests hold no reliable counts, data file footers and
 * deletion files are read. Errors: those of reading these; LNC_ECORRUPT if more rows are deleted
 * than exist.
 */
LNC_API int lnc_dataset_count_rows(const struct lnc_dataset *ds, uint64_t *out,
                                   struct lnc_error *err);

#define LNC_ROWS_UNKNOWN UINT64_MAX

/* A version that can be opened. */
struct lnc_version {
    uint64_t number;
    int64_t timestamp_us; /* as lnc_dataset_timestamp(); LNC_NO_TIME also if its
                             manifest cannot be understood */
    uint64_t n_rows;      /* live rows, or LNC_ROWS_UNKNOWN if the manifest does not
                             say it */
};

struct lnc_version_list {
    struct lnc_version *items; /* by ascending number; NULL if there are none */
    size_t n;
};

/*
 * The versions that the branch of the dataset has now, those that were written or removed since it
 * was opened included. Reads one manifest each. Errors: LNC_EIO, LNC_ENOENT (the table is gone),
 * LNC_ELIMIT, LNC_ENOMEM. The caller releases *out.
 */
LNC_API int lnc_dataset_versions(const struct lnc_dataset *ds, struct lnc_version_list *out,
                                 struct lnc_error *err);
LNC_API void lnc_version_list_release(struct lnc_version_list *list);

/* A tag or a branch. */
struct lnc_ref {
    const char *name;
    const char *branch; /* tag: where its version is; branch: where it began. ""
                           is the main one */
    uint64_t version;   /* tag: the version that it names; branch: the version it
                           began with */
};

struct lnc_ref_list {
    struct lnc_ref *items; /* sorted by name; they belong to the list. NULL if
                              there are none */
    size_t n;
};

/*
 * The tags and the branches (without the main one) that the table has now. Errors: LNC_ECORRUPT (a
 * file of them is damaged: the message names it), LNC_EIO, LNC_ELIMIT, LNC_ENOMEM. The caller
 * releases *out.
 */
LNC_API int lnc_dataset_tags(const struct lnc_dataset *ds, struct lnc_ref_list *out,
                             struct lnc_error *err);
LNC_API int lnc_dataset_branches(const struct lnc_dataset *ds, struct lnc_ref_list *out,
                                 struct lnc_error *err);
LNC_API void lnc_ref_list_release(struct lnc_ref_list *list);

LNC_EXTERN_C_END

#endif
