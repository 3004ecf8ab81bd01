/*
 * manifest_int.h - one version of a table: fields, fragments, data files, deletion files.
 *
 * All memory belongs to the arena of the manifest. What the reader cannot honour (flags, overlays)
 * is refused here, before any data is touched; whether base paths are followed is decided in
 * paths.c.
 */
#ifndef LNC_MANIFEST_INT_H
#define LNC_MANIFEST_INT_H

#include "util_int.h"

/* Wire value of Field.encoding, only meaningful in 0.1 files. */
enum lnc_v1_encoding {
    LNC_V1_PLAIN = 1,
    LNC_V1_VAR_BINARY = 2,
    LNC_V1_DICTIONARY = 3,
    LNC_V1_RLE = 4
};

struct lnc_field {
    const char *name;
    const char *logical_type;
    int32_t id;
    int32_t parent; /* -1 at the top level */
    bool nullable;
    bool is_blob; /* stored aside, see BlobLayout */
    struct lnc_metadata *metadata;
    size_t n_metadata;
    uint64_t v1_encoding;
    uint64_t v1_dictionary_offset; /* in the manifest file, in items of 8 bytes for strings */
    uint64_t v1_dictionary_length;
};

/* Which directory a file is in. */
struct lnc_base_ref {
    bool given; /* false: the one of the table */
    uint32_t id;
};

/* Files outside of the table. */
struct lnc_base {
    uint32_t id;
    bool is_dataset_root; /* data files are in its data/, deletion files in its
                             _deletions/ */
    const char *path;     /* as written: not checked */
};

struct lnc_data_file {
    struct lnc_base_ref base;
    const char *path; /* below data/ of the base, checked */
    const uint64_t *field_ids;
    const uint64_t *column_indices; /* one for each field id, or none (0.1) */
    size_t n_fields;
    size_t n_columns;
    uint32_t major;
    uint32_t minor;
    uint64_t size; /* 0 = unknown */
};

struct lnc_deletion_file {
    struct lnc_base_ref base;
    bool present;
    bool is_bitmap;
    uint64_t read_version;
    uint64_t id;
    uint64_t n_rows; /* 0 = unknown */
};

struct lnc_fragment {
    uint64_t id;
    uint64_t physical_rows;
    struct lnc_data_file *files;
    size_t n_files;
    struct lnc_deletion_file deletion;
};

struct lnc_manifest {
    struct lnc_arena arena;
    uint64_t version;
    bool rows_trusted; /* false before Lance 0.8: physical_rows must be taken from the data files */
    const char *writer;
    const char *storage_version;
    struct lnc_field *fields;
    size_t n_fields;
    struct lnc_fragment *fragments;
    size_t n_fragments;
    struct lnc_base *bases;
    size_t n_bases;
    int64_t timestamp_us;          /* LNC_NO_TIME if it does not say */
    struct lnc_metadata *metadata; /* of the schema */
    size_t n_metadata;
};

/* Parses the bytes of a whole manifest file. On failure *out holds nothing. */
int lnc_manifest_parse(const struct lnc_ctx *cx, const uint8_t *bytes, size_t size,
                       struct lnc_manifest *out);

void lnc_manifest_release(struct lnc_manifest *manifest);

/* The version that a file name in _versions/ stands for; false for names that are no manifests. */
bool lnc_manifest_name_version(const char *name, uint64_t *version);

#endif
