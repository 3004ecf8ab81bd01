#include "dataset_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "legacy_int.h"

#define MANIFEST_NAME_MAX 64

struct lnc_ctx lnc_dataset_ctx(const struct lnc_dataset *ds, struct lnc_error *err)
{
    return (struct lnc_ctx){.page = LNC_NO_PAGE,
                            .at = LNC_NO_OFFSET,
                            .alloc_max = ds->limits.alloc_bytes_max,
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

int lnc_concat(const char *a, const char *b, const char *c, char **out, struct lnc_error *err)
{
    const char *part[3] = {a != NULL ? a : "", b != NULL ? b : "", c != NULL ? c : ""};
    size_t size[3];
    size_t total = 1;
    for (size_t i = 0; i < 3; i++) {
        size[i] = strlen(part[i]);
        total += size[i];
    }
    char *text = malloc(total);
    if (text == NULL)
        return lnc_fail(err, LNC_ENOMEM, "out of memory (%zu bytes)", total);
    char *p = text;
    for (size_t i = 0; i < 3; i++) {
        memcpy(p, part[i], size[i]);
        p += size[i];
    }
    *p = '\0';
    *out = text;
    return LNC_OK;
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

int lnc_dataset_path_of(const struct lnc_dataset *ds, const char *folder, const char *name,
                        char **out, struct lnc_error *err)
{
    char *dir;
    int rc = lnc_concat(ds->path, "/", folder, &dir, err);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_concat(dir, "/", name, out, err);
    free(dir);
    return rc;
}

struct newest {
    uint64_t wanted; /* 0: the highest */
    uint64_t version;
    bool found;
    char name[MANIFEST_NAME_MAX];
};

static int consider_manifest(void *context, const char *name, bool is_directory,
                             struct lnc_error *err)
{
    struct newest *newest = context;
    uint64_t version;
    (void)err;
    if (is_directory || strlen(name) >= sizeof newest->name ||
        !lnc_manifest_name_version(name, &version))
        return LNC_OK;
    if (newest->wanted != 0 ? version != newest->wanted
                            : newest->found && version < newest->version)
        return LNC_OK;
    newest->found = true;
    newest->version = version;
    (void)snprintf(newest->name, sizeof newest->name, "%s", name);
    return LNC_OK;
}

static int list_versions(const struct lnc_store *store, const char *path, struct newest *newest,
                         struct lnc_error *err)
{
    char *dir;
    int rc = lnc_concat(path, "/_versions", NULL, &dir, err);
    if (rc != LNC_OK)
        return rc;
    rc = store->list(store, dir, consider_manifest, newest, err);
    free(dir);
    return rc;
}

bool lnc_is_table(const struct lnc_store *store, const char *path)
{
    struct newest newest = {0};
    return list_versions(store, path, &newest, NULL) == LNC_OK && newest.found;
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
        return lnc_fail(err, LNC_ENOENT,
                        "%s: is a database, not a table: name one of the tables in it", path);
    return lnc_fail(err, LNC_ENOENT,
                    "%s: is no LanceDB table: there is no manifest in its folder _versions", path);
}

static int find_manifest(struct lnc_dataset *ds, uint64_t wanted, struct newest *newest,
                         struct lnc_error *err)
{
    *newest = (struct newest){.wanted = wanted};
    int rc = list_versions(ds->store, ds->path, newest, err);
    if (rc == LNC_ENOENT)
        return explain_no_table(ds->store, ds->path, err);
    if (rc != LNC_OK || newest->found)
        return rc;
    if (wanted != 0)
        return lnc_fail(err, LNC_ENOENT, "%s: has no version %" PRIu64, ds->path, wanted);
    return explain_no_table(ds->store, ds->path, err);
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

static int load_manifest(struct lnc_dataset *ds, uint64_t wanted, struct lnc_error *err)
{
    struct newest newest;
    struct lnc_buf bytes = {0};
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    int rc = find_manifest(ds, wanted, &newest, err);
    if (rc == LNC_OK)
        rc = lnc_dataset_path_of(ds, "_versions", newest.name, &ds->manifest_path, err);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_read_file(&cx, ds->store, ds->manifest_path, &bytes);
    cx.file = ds->manifest_path;
    if (rc == LNC_OK)
        rc = lnc_manifest_parse(&cx, bytes.data, bytes.size, &ds->manifest);
    if (rc == LNC_OK && ds->manifest.version != newest.version)
        rc =
            lnc_bad(&cx, "the manifest says it is version %" PRIu64 ", its file name says %" PRIu64,
                    ds->manifest.version, newest.version);
    lnc_buf_release(&bytes);
    return rc;
}

static int make_columns(struct lnc_dataset *ds, struct lnc_error *err)
{
    struct lnc_manifest *m = &ds->manifest;
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    void *columns;
    int rc = lnc_arena_alloc(&cx, &m->arena, m->n_fields, sizeof *ds->columns, &columns);
    if (rc != LNC_OK)
        return rc;
    ds->columns = columns;
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct lnc_field *field = &m->fields[i];
        if (field->parent != -1)
            continue;
        struct lnc_column_def *def = &ds->columns[ds->n_columns++];
        *def = (struct lnc_column_def){.field = field};
        def->info = (struct lnc_column_info){
            .name = field->name, .logical_type = field->logical_type, .nullable = field->nullable};
        lnc_schema_resolve(field, &def->info, &def->phys);
    }
    return LNC_OK;
}

static int set_path(struct lnc_dataset *ds, const char *path, struct lnc_error *err)
{
    int rc = lnc_concat(path, NULL, NULL, &ds->path, err);
    if (rc != LNC_OK)
        return rc;
    size_t n = strlen(ds->path);
    while (n > 1 && ds->path[n - 1] == '/')
        ds->path[--n] = '\0';
    const char *slash = strrchr(ds->path, '/');
    rc = lnc_concat(slash != NULL && slash[1] != '\0' ? slash + 1 : ds->path, NULL, NULL, &ds->name,
                    err);
    if (rc != LNC_OK)
        return rc;
    n = strlen(ds->name);
    if (n > 6 && strcmp(ds->name + n - 6, ".lance") == 0)
        ds->name[n - 6] = '\0';
    return LNC_OK;
}

int lnc_dataset_open(const char *path, const struct lnc_options *options, struct lnc_dataset **out,
                     struct lnc_error *err)
{
    if (path == NULL || path[0] == '\0')
        return lnc_fail(err, LNC_EINVAL, "no path of a table was given");
    struct lnc_dataset *ds = calloc(1, sizeof *ds);
    if (ds == NULL)
        return lnc_fail(err, LNC_ENOMEM, "out of memory");
    lnc_store_file(&ds->file_store);
    ds->store = options != NULL && options->store != NULL ? options->store : &ds->file_store;
    ds->limits = lnc_limits_of(options);
    int rc = set_path(ds, path, err);
    if (rc == LNC_OK)
        rc = load_manifest(ds, options != NULL ? options->version : 0, err);
    if (rc == LNC_OK)
        rc = make_columns(ds, err);
    if (rc != LNC_OK) {
        lnc_dataset_close(ds);
        return rc;
    }
    *out = ds;
    return LNC_OK;
}

void lnc_dataset_close(struct lnc_dataset *ds)
{
    if (ds == NULL)
        return;
    lnc_manifest_release(&ds->manifest);
    free(ds->manifest_path);
    free(ds->path);
    free(ds->name);
    free(ds);
}

const char *lnc_dataset_path(const struct lnc_dataset *ds)
{
    return ds->path;
}

const char *lnc_dataset_name(const struct lnc_dataset *ds)
{
    return ds->name;
}

uint64_t lnc_dataset_version(const struct lnc_dataset *ds)
{
    return ds->manifest.version;
}

const char *lnc_dataset_storage_version(const struct lnc_dataset *ds)
{
    return ds->manifest.storage_version;
}

const char *lnc_dataset_writer(const struct lnc_dataset *ds)
{
    return ds->manifest.writer;
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
    int rc = lnc_dataset_path_of(ds, "data", fragment->files[0].path, &path, err);
    if (rc != LNC_OK)
        return rc;
    cx.file = path;
    rc = ds->store->open(ds->store, path, &source, err);
    if (rc == LNC_OK)
        rc = lnc_footer_read(&cx, &source, &footer);
    if (rc == LNC_OK && footer.is_legacy)
        rc = lnc_legacy_count(&cx, &source, &footer, out);
    lnc_source_release(&source);
    free(path);
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
    char name[96];
    char *path;
    struct lnc_buf bytes = {0};
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    (void)snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 "%s", fragment->id,
                   deletion->read_version, deletion->id, deletion->is_bitmap ? ".bin" : ".arrow");
    int rc = lnc_dataset_path_of(ds, "_deletions", name, &path, err);
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
    free(path);
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
