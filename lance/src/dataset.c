#include "dataset_int.h"

#include <inttypes.h>
#include <stdio.h>

#include "legacy_int.h"
#include "refs_int.h"
#include "versions_int.h"

struct lnc_ctx lnc_dataset_ctx(const struct lnc_dataset *ds, struct lnc_error *err)
{
    return (struct lnc_ctx){.page = LNC_NO_PAGE,
                            .at = LNC_NO_OFFSET,
                            .alloc_max = ds->limits.alloc_bytes_max,
                            .memory = ds->memory,
                            .err = err};
}

struct lnc_limits lnc_limits_of(const struct lnc_options *options)
{
    struct lnc_limits limits = options != NULL ? options->limits : (struct lnc_limits){0};
    if (limits.alloc_bytes_max == 0)
        limits.alloc_bytes_max = LNC_ALLOC_BYTES_DEFAULT;
    if (limits.batch_bytes_max == 0)
        limits.batch_bytes_max = LNC_BATCH_BYTES_DEFAULT;
    /* Room for the small sums that are made with it. */
    if (limits.alloc_bytes_max > SIZE_MAX / 4)
        limits.alloc_bytes_max = SIZE_MAX / 4;
    return limits;
}

void lnc_list_name(char *list, size_t room, const char *name)
{
    static const char more[] = ", ...";
    size_t used = strlen(list);
    if (used >= sizeof more - 1 && strcmp(list + used - (sizeof more - 1), more) == 0)
        return;
    size_t needed = strlen(name) + 2;
    bool fits = used + needed + sizeof more < room;
    (void)snprintf(list + used, room - used, "%s%s", used > 0 && fits ? ", " : "",
                   fits ? name : more);
}

static int note_entry(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    size_t n = strlen(name);
    (void)err;
    if (is_directory && n > 6 && strcmp(name + n - 6, ".lance") == 0)
        *(bool *)context = true;
    return LNC_OK;
}

/* Why there is no table at the path, for people. */
static int explain_no_table(const struct lnc_store *store, const char *path, struct lnc_error *err)
{
    bool has_tables = false;
    int rc = store->list(store, path, note_entry, &has_tables, err);
    if (rc != LNC_OK)
        return rc;
    if (has_tables)
        return lnc_fail_path(err, path, LNC_ENOENT,
                             "is a database, not a table: name one of the tables in it");
    return lnc_fail_path(err, path, LNC_ENOENT,
                         "is no LanceDB table: there is no manifest in its folder _versions");
}

static int explain_no_version(const struct lnc_dataset *ds, uint64_t wanted, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    struct lnc_buf numbers = {0};
    char known[200] = "";
    int rc = lnc_version_numbers(&cx, ds->store, ds->path, &numbers);
    for (size_t i = 0; i < numbers.size / sizeof(uint64_t); i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "%" PRIu64,
                       lnc_load_uint(numbers.data, sizeof(uint64_t), i));
        lnc_list_name(known, sizeof known, text);
    }
    bool is_empty = numbers.size == 0;
    lnc_buf_release(&numbers);
    if (rc != LNC_OK)
        return rc;
    if (is_empty)
        return explain_no_table(ds->store, ds->path, err);
    return lnc_fail_path(err, ds->path, LNC_ENOENT, "has no version %" PRIu64 "; it has: %s",
                         wanted, known);
}

static int find_manifest(struct lnc_dataset *ds, uint64_t wanted, struct lnc_newest *newest,
                         struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    *newest = (struct lnc_newest){.wanted = wanted};
    int rc = lnc_newest_find(&cx, ds->store, ds->path, newest);
    if (rc == LNC_ENOENT)
        return explain_no_table(ds->store, ds->path, err);
    if (rc != LNC_OK || newest->found)
        return rc;
    return wanted != 0 ? explain_no_version(ds, wanted, err)
                       : explain_no_table(ds->store, ds->path, err);
}

int lnc_read_file(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                  struct lnc_buf *out)
{
    struct lnc_source source = {0};
    struct lnc_ctx here = *cx;
    here.file = path;
    int rc = store->open(store, path, &source, cx->err);
    if (rc != LNC_OK)
        return rc;
    out->size = 0;
    rc = lnc_buf_reserve_n(&here, out, source.size, 1);
    if (rc == LNC_OK && source.size > 0)
        rc = source.read_at(&source, 0, out->data, (size_t)source.size, cx->err);
    if (rc == LNC_OK)
        out->size = (size_t)source.size;
    lnc_source_release(&source);
    return rc;
}

int lnc_manifest_load(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                      const struct lnc_newest *newest, struct lnc_manifest *out)
{
    struct lnc_ctx here = *cx;
    struct lnc_buf bytes = {0};
    struct lnc_manifest manifest = {0};
    char *file;
    int rc = lnc_join(cx, path, "_versions", newest->name, &file);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_read_file(cx, store, file, &bytes);
    here.file = file;
    if (rc == LNC_OK)
        rc = lnc_manifest_parse(&here, bytes.data, bytes.size, &manifest);
    if (rc == LNC_OK && manifest.version != newest->version) {
        rc = lnc_bad(&here,
                     "the manifest says it is version %" PRIu64 ", its file name says %" PRIu64,
                     manifest.version, newest->version);
        lnc_manifest_release(&manifest);
    }
    if (rc == LNC_OK)
        *out = manifest;
    lnc_buf_release(&bytes);
    lnc_free(file);
    return rc;
}

static int load_manifest(struct lnc_dataset *ds, uint64_t wanted, struct lnc_error *err)
{
    struct lnc_newest newest = {.wanted = wanted};
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    int rc = LNC_ENOENT;
    /* A manifest may go between listing and opening, when somebody cleans up: look once more. */
    for (int i = 0; rc == LNC_ENOENT && i < 2; i++) {
        rc = find_manifest(ds, wanted, &newest, err);
        if (rc != LNC_OK)
            return rc;
        rc = lnc_manifest_load(&cx, ds->store, ds->path, &newest, &ds->manifest);
    }
    if (rc != LNC_OK)
        return rc;
    return lnc_join(&cx, ds->path, "_versions", newest.name, &ds->manifest_path);
}

static int build_columns(struct lnc_dataset *ds, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    cx.file = ds->manifest_path;
    return lnc_schema_build(&cx, &ds->manifest, &ds->columns, &ds->n_columns);
}

static int set_path(struct lnc_dataset *ds, const char *path, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    int rc = lnc_concat(&cx, path, NULL, NULL, &ds->root);
    if (rc != LNC_OK)
        return rc;
    size_t n = strlen(ds->root);
    while (n > 1 && ds->root[n - 1] == '/')
        ds->root[--n] = '\0';
    const char *slash = strrchr(ds->root, '/');
    rc = lnc_concat(&cx, slash != NULL && slash[1] != '\0' ? slash + 1 : ds->root, NULL, NULL,
                    &ds->name);
    if (rc != LNC_OK)
        return rc;
    n = strlen(ds->name);
    if (n > 6 && strcmp(ds->name + n - 6, ".lance") == 0)
        ds->name[n - 6] = '\0';
    return LNC_OK;
}

static bool is_given(const char *name)
{
    return name != NULL && name[0] != '\0';
}

/* The branch that the options name, "" for the main one. */
static int find_branch(const struct lnc_ctx *cx, struct lnc_dataset *ds, const char *wanted)
{
    struct lnc_error why;
    struct lnc_ctx quiet = *cx;
    quiet.err = &why;
    int rc = is_given(wanted) ? lnc_branch_check(&quiet, ds->store, ds->root, wanted) : LNC_OK;
    if (rc == LNC_ENOENT && strcmp(wanted, "main") == 0) {
        wanted = "";
        rc = LNC_OK;
    }
    if (rc != LNC_OK) {
        if (cx->err != NULL)
            *cx->err = why;
        return rc;
    }
    return lnc_concat(cx, wanted, NULL, NULL, &ds->branch);
}

/* Sets the branch, the directory of its versions, and which of them is wanted. */
static int choose_line(struct lnc_dataset *ds, const struct lnc_options *options, uint64_t *version,
                       struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    const char *tag = options != NULL ? options->tag : NULL;
    int rc = LNC_OK;
    *version = options != NULL ? options->version : 0;
    if (is_given(tag) && (*version != 0 || is_given(options->branch)))
        return lnc_fail(err, LNC_EINVAL,
                        "a tag names its version and branch itself: give one of them only");
    if (is_given(tag)) {
        struct lnc_tag found;
        rc = lnc_tag_find(&cx, ds->store, ds->root, tag, &found);
        if (rc == LNC_OK) {
            ds->branch = found.branch;
            *version = found.version;
        }
    } else {
        rc = find_branch(&cx, ds, options != NULL ? options->branch : NULL);
    }
    if (rc != LNC_OK)
        return rc;
    if (ds->branch[0] == '\0')
        return lnc_concat(&cx, ds->root, NULL, NULL, &ds->path);
    return lnc_join(&cx, ds->root, "tree", ds->branch, &ds->path);
}

static int open_at(struct lnc_dataset *ds, const char *path, const struct lnc_options *options,
                   struct lnc_error *err)
{
    uint64_t version = 0;
    int rc = set_path(ds, path, err);
    if (rc == LNC_OK)
        rc = choose_line(ds, options, &version, err);
    if (rc == LNC_OK)
        rc = load_manifest(ds, version, err);
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    if (rc == LNC_OK && version == 0)
        rc = lnc_wal_check(&cx, ds->store, ds->path, ds->manifest.version);
    if (rc == LNC_OK)
        rc = lnc_dataset_check_bases(ds, err);
    return rc == LNC_OK ? build_columns(ds, err) : rc;
}

int lnc_dataset_open(const char *path, const struct lnc_options *options, struct lnc_dataset **out,
                     struct lnc_error *err)
{
    struct lnc_memory *memory;
    if (path == NULL || path[0] == '\0')
        return lnc_fail(err, LNC_EINVAL, "no path of a table was given");
    int rc = lnc_memory_new(options, &memory, err);
    if (rc != LNC_OK)
        return rc;
    struct lnc_dataset *ds = lnc_memory_calloc(memory, 1, sizeof *ds);
    if (ds == NULL) {
        rc = lnc_memory_fail(memory, sizeof *ds, err);
        lnc_memory_drop(memory);
        return rc;
    }
    ds->memory = memory;
    lnc_store_file_init(&ds->file_store, memory);
    ds->store = options != NULL && options->store != NULL ? options->store : &ds->file_store;
    ds->limits = lnc_limits_of(options);
    ds->follow_base_paths = options != NULL && options->follow_base_paths;
    rc = open_at(ds, path, options, err);
    if (rc != LNC_OK) {
        lnc_dataset_close(ds);
        return rc;
    }
    *out = ds;
    return LNC_OK;
}

int lnc_dataset_rename(struct lnc_dataset *ds, const char *name, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    char *copy;
    int rc = lnc_concat(&cx, name, NULL, NULL, &copy);
    if (rc != LNC_OK) {
        lnc_dataset_close(ds);
        return rc;
    }
    lnc_free(ds->name);
    ds->name = copy;
    return LNC_OK;
}

void lnc_dataset_close(struct lnc_dataset *ds)
{
    if (ds == NULL)
        return;
    struct lnc_memory *memory = ds->memory;
    lnc_manifest_release(&ds->manifest);
    lnc_free(ds->manifest_path);
    lnc_free(ds->path);
    lnc_free(ds->root);
    lnc_free(ds->branch);
    lnc_free(ds->name);
    lnc_free(ds);
    lnc_memory_drop(memory);
}

const char *lnc_dataset_path(const struct lnc_dataset *ds)
{
    return ds->root;
}

const char *lnc_dataset_name(const struct lnc_dataset *ds)
{
    return ds->name;
}

uint64_t lnc_dataset_version(const struct lnc_dataset *ds)
{
    return ds->manifest.version;
}

const char *lnc_dataset_branch(const struct lnc_dataset *ds)
{
    return ds->branch;
}

int64_t lnc_dataset_timestamp(const struct lnc_dataset *ds)
{
    return ds->manifest.timestamp_us;
}

const char *lnc_dataset_storage_version(const struct lnc_dataset *ds)
{
    return ds->manifest.storage_version;
}

const char *lnc_dataset_writer(const struct lnc_dataset *ds)
{
    return ds->manifest.writer;
}

const struct lnc_metadata *lnc_dataset_metadata(const struct lnc_dataset *ds, size_t *n)
{
    *n = ds->manifest.n_metadata;
    return ds->manifest.metadata;
}

size_t lnc_dataset_n_fragments(const struct lnc_dataset *ds)
{
    return ds->manifest.n_fragments;
}

size_t lnc_dataset_n_columns(const struct lnc_dataset *ds)
{
    return ds->n_columns;
}

const struct lnc_column_info *lnc_dataset_column(const struct lnc_dataset *ds, size_t i)
{
    return &ds->columns[i].info;
}

int lnc_dataset_find_column(const struct lnc_dataset *ds, const char *name, size_t *out,
                            struct lnc_error *err)
{
    char known[300] = "";
    if (name == NULL)
        return lnc_fail(err, LNC_EINVAL, "no column name was given");
    for (size_t i = 0; i < ds->n_columns; i++) {
        if (strcmp(ds->columns[i].info.name, name) == 0) {
            *out = i;
            return LNC_OK;
        }
        lnc_list_name(known, sizeof known, ds->columns[i].info.name);
    }
    return lnc_fail(err, LNC_ENOENT, "table '%.60s' has no column '%.80s'; it has: %s", ds->name,
                    name, known);
}

int lnc_dataset_fragment_rows(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                              uint64_t *out, struct lnc_error *err)
{
    *out = fragment->physical_rows;
    if (ds->manifest.rows_trusted || fragment->n_files == 0)
        return LNC_OK;
    char *path;
    struct lnc_source source = {0};
    struct lnc_footer footer;
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    int rc = lnc_dataset_data_path(ds, &fragment->files[0], &path, err);
    if (rc != LNC_OK)
        return rc;
    cx.file = path;
    rc = ds->store->open(ds->store, path, &source, err);
    if (rc == LNC_OK)
        rc = lnc_footer_read(&cx, &source, &footer);
    if (rc == LNC_OK && footer.is_legacy)
        rc = lnc_legacy_count(&cx, &source, &footer, out);
    lnc_source_release(&source);
    lnc_free(path);
    return rc;
}

int lnc_dataset_deleted(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                        uint64_t n_rows, struct lnc_deleted *out, struct lnc_error *err)
{
    const struct lnc_deletion_file *deletion = &fragment->deletion;
    if (!deletion->present) {
        *out = (struct lnc_deleted){.n_rows = n_rows};
        return LNC_OK;
    }
    char *path;
    struct lnc_buf bytes = {0};
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    int rc = lnc_dataset_deletion_path(ds, fragment, &path, err);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_read_file(&cx, ds->store, path, &bytes);
    cx.file = path;
    struct lnc_deleted deleted = {0};
    if (rc == LNC_OK)
        rc = lnc_deletion_parse(&cx, (struct lnc_span){.data = bytes.data, .size = bytes.size},
                                deletion->is_bitmap, n_rows, &deleted);
    if (rc == LNC_OK && deletion->n_rows != 0 && deletion->n_rows != deleted.n_deleted) {
        rc = lnc_bad(&cx, "the file deletes %" PRIu64 " rows, the manifest says %" PRIu64,
                     deleted.n_deleted, deletion->n_rows);
        lnc_deleted_release(&deleted);
    }
    if (rc == LNC_OK)
        *out = deleted;
    lnc_buf_release(&bytes);
    lnc_free(path);
    return rc;
}

static int count_fragment(const struct lnc_dataset *ds, const struct lnc_fragment *fragment,
                          uint64_t *out, struct lnc_error *err)
{
    uint64_t rows;
    int rc = lnc_dataset_fragment_rows(ds, fragment, &rows, err);
    if (rc != LNC_OK)
        return rc;
    uint64_t gone = fragment->deletion.n_rows;
    if (fragment->deletion.present && gone == 0) {
        struct lnc_deleted deleted;
        rc = lnc_dataset_deleted(ds, fragment, rows, &deleted, err);
        if (rc != LNC_OK)
            return rc;
        gone = deleted.n_deleted;
        lnc_deleted_release(&deleted);
    }
    if (gone > rows) {
        struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
        cx.file = ds->manifest_path;
        return lnc_bad(&cx,
                       "fragment %" PRIu64 " has %" PRIu64 " rows and %" PRIu64 " deleted ones",
                       fragment->id, rows, gone);
    }
    *out = rows - gone;
    return LNC_OK;
}

int lnc_dataset_count_rows(const struct lnc_dataset *ds, uint64_t *out, struct lnc_error *err)
{
    uint64_t total = 0;
    for (size_t i = 0; i < ds->manifest.n_fragments; i++) {
        uint64_t rows;
        int rc = count_fragment(ds, &ds->manifest.fragments[i], &rows, err);
        if (rc != LNC_OK)
            return rc;
        if (!lnc_add(total, rows, &total))
            return lnc_fail(err, LNC_ECORRUPT, "%s: the table claims more rows than can be counted",
                            ds->path);
    }
    *out = total;
    return LNC_OK;
}

int lnc_dataset_explain_missing(const struct lnc_ctx *cx, const struct lnc_dataset *ds)
{
    struct lnc_error why;
    struct lnc_ctx quiet = *cx;
    struct lnc_newest own = {.wanted = ds->manifest.version};
    quiet.err = &why;
    int rc = lnc_newest_find(&quiet, ds->store, ds->path, &own);
    if (rc == LNC_OK && own.found)
        return lnc_fail_ctx(cx, LNC_ENOENT,
                            "the data file is missing although its version %" PRIu64
                            " is still there: the table was copied or written incompletely",
                            ds->manifest.version);
    return lnc_fail_ctx(cx, LNC_ENOENT,
                        "the data file is missing because somebody cleaned up version %" PRIu64
                        " meanwhile: open the table again",
                        ds->manifest.version);
}
