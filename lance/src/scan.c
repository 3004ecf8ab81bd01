#include "lnc/lnc_scan.h"

#include <stdlib.h>

#include "batch_int.h"
#include "column_int.h"

struct lnc_scan {
    const struct lnc_dataset *ds;
    size_t n_columns;
    struct lnc_builder *builder;      /* n_columns */
    struct lnc_column_reader *reader; /* n_columns, of the current fragment */
    struct lnc_open_file *file;       /* n_files, of the current fragment */
    size_t n_files;
    size_t batch_rows;
    size_t next_fragment;
    const struct lnc_fragment *fragment; /* the current one, or NULL */
    uint64_t fragment_rows;
    uint64_t row; /* next physical row of the fragment */
    struct lnc_deleted deleted;
    uint64_t n_emitted;
    uint8_t keep[LNC_BATCH_ROWS_MAX];
    int failed; /* status that ended the scan */
    struct lnc_error error;
};

static int refuse_column(const struct lnc_dataset *ds, const struct lnc_column_def *def,
                         struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    const char *hint = def->field->is_blob ? " (stored as a blob)" : "";
    return lnc_refuse(&cx,
                      "column '%.80s' of table '%.60s' has the type %.80s%s, which is not read: "
                      "leave it out",
                      def->info.name, ds->name, def->info.logical_type, hint);
}

static bool is_default_column(const struct lnc_column_def *def)
{
    return def->info.kind != LNC_KIND_UNREADABLE && def->info.kind != LNC_KIND_VECTOR;
}

static void add_column(struct lnc_scan *scan, const struct lnc_column_def *def)
{
    scan->builder[scan->n_columns++].def = def;
    /* Wide values must not make a batch larger than its ceiling. */
    size_t fit =
        def->phys.width > 0 ? scan->ds->limits.batch_bytes_max / def->phys.width : scan->batch_rows;
    if (fit < scan->batch_rows)
        scan->batch_rows = fit > 0 ? fit : 1;
}

static int project(struct lnc_scan *scan, const struct lnc_scan_options *options,
                   struct lnc_error *err)
{
    const struct lnc_dataset *ds = scan->ds;
    bool is_default = options == NULL || options->columns == NULL;
    for (size_t i = 0; is_default && i < ds->n_columns; i++) {
        if (is_default_column(&ds->columns[i]))
            add_column(scan, &ds->columns[i]);
    }
    for (size_t i = 0; !is_default && i < options->n_columns; i++) {
        size_t index;
        int rc = lnc_dataset_find_column(ds, options->columns[i], &index, err);
        if (rc == LNC_OK && ds->columns[index].info.kind == LNC_KIND_UNREADABLE)
            rc = refuse_column(ds, &ds->columns[index], err);
        if (rc != LNC_OK)
            return rc;
        add_column(scan, &ds->columns[index]);
    }
    for (size_t i = 0; i < scan->n_columns; i++)
        scan->builder[i].rows_max = scan->batch_rows;
    return LNC_OK;
}

int lnc_scan_open(const struct lnc_dataset *ds, const struct lnc_scan_options *options,
                  struct lnc_scan **out, struct lnc_error *err)
{
    if (options != NULL && options->batch_rows > LNC_BATCH_ROWS_MAX)
        return lnc_fail(err, LNC_EINVAL,
                        "a batch of %zu rows was asked for, at most %d are possible",
                        options->batch_rows, LNC_BATCH_ROWS_MAX);
    struct lnc_scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return lnc_fail(err, LNC_ENOMEM, "out of memory");
    size_t room = options != NULL && options->columns != NULL ? options->n_columns : ds->n_columns;
    scan->ds = ds;
    scan->batch_rows =
        options != NULL && options->batch_rows > 0 ? options->batch_rows : LNC_BATCH_ROWS_MAX;
    scan->builder = calloc(room + 1, sizeof *scan->builder);
    scan->reader = calloc(room + 1, sizeof *scan->reader);
    int rc = LNC_OK;
    if (scan->builder == NULL || scan->reader == NULL)
        rc = lnc_fail(err, LNC_ENOMEM, "out of memory");
    if (rc == LNC_OK)
        rc = project(scan, options, err);
    if (rc != LNC_OK) {
        lnc_scan_close(scan);
        return rc;
    }
    *out = scan;
    return LNC_OK;
}

static void leave_fragment(struct lnc_scan *scan)
{
    for (size_t i = 0; i < scan->n_columns; i++)
        lnc_column_close(&scan->reader[i]);
    for (size_t i = 0; i < scan->n_files; i++) {
        lnc_source_release(&scan->file[i].source);
        free(scan->file[i].path);
    }
    free(scan->file);
    scan->file = NULL;
    scan->n_files = 0;
    lnc_deleted_release(&scan->deleted);
    scan->fragment = NULL;
}

static int open_file(struct lnc_scan *scan, struct lnc_ctx *cx, struct lnc_open_file *file)
{
    const struct lnc_dataset *ds = scan->ds;
    if (file->is_open)
        return LNC_OK;
    int rc = lnc_dataset_path_of(ds, "data", file->entry->path, &file->path, cx->err);
    if (rc != LNC_OK)
        return rc;
    cx->file = file->path;
    rc = ds->store->open(ds->store, file->path, &file->source, cx->err);
    if (rc == LNC_ENOENT)
        return lnc_fail_ctx(
            cx, LNC_ENOENT,
            "the data file is missing: somebody cleaned up old versions meanwhile (then open "
            "the table again), or the table was copied incompletely");
    if (rc != LNC_OK)
        return rc;
    /* Longer is possible: several writers of 0.1 files noted the size before the footer. */
    if (file->source.size < file->entry->size)
        return lnc_bad(cx, "the file has %llu bytes, the manifest says %llu: it is cut off",
                       (unsigned long long)file->source.size,
                       (unsigned long long)file->entry->size);
    rc = lnc_footer_read(cx, &file->source, &file->footer);
    file->is_open = rc == LNC_OK;
    return rc;
}

/* Which data file of the fragment holds a field; false if none does, then the column is all null
 * there. */
static bool find_field(const struct lnc_scan *scan, int32_t id, size_t *file, uint64_t *column)
{
    for (size_t i = 0; i < scan->n_files; i++) {
        const struct lnc_data_file *entry = scan->file[i].entry;
        for (size_t k = 0; k < entry->n_fields; k++) {
            if ((int32_t)(uint32_t)entry->field_ids[k] != id)
                continue;
            *file = i;
            *column = entry->n_columns > 0 ? entry->column_indices[k] : 0;
            /* -1 stands for "no column" */
            return (uint32_t)*column <= INT32_MAX;
        }
    }
    return false;
}

static int open_column(struct lnc_scan *scan, struct lnc_ctx *cx, size_t i)
{
    const struct lnc_column_def *def = scan->builder[i].def;
    struct lnc_open_file *file = NULL;
    size_t index;
    uint64_t column = 0;
    cx->column = def->info.name;
    cx->at = LNC_NO_OFFSET;
    /* A null column has nothing to read whatever its pages look like. */
    if (!def->phys.is_null && find_field(scan, def->field->id, &index, &column)) {
        file = &scan->file[index];
        int rc = open_file(scan, cx, file);
        if (rc != LNC_OK)
            return rc;
        cx->file = file->path;
        if (!file->footer.is_legacy && file->entry->n_columns == 0)
            return lnc_bad(
                cx, "the manifest does not say which column of the file belongs to which field");
    }
    return lnc_column_open(cx, &scan->reader[i], scan->ds, def, file, column, scan->fragment_rows);
}

static int enter_fragment(struct lnc_scan *scan, struct lnc_ctx *cx,
                          const struct lnc_fragment *fragment)
{
    scan->row = 0;
    int rc = lnc_dataset_fragment_rows(scan->ds, fragment, &scan->fragment_rows, cx->err);
    if (rc == LNC_OK)
        rc = lnc_dataset_deleted(scan->ds, fragment, scan->fragment_rows, &scan->deleted, cx->err);
    if (rc != LNC_OK)
        return rc;
    scan->fragment = fragment;
    if (scan->deleted.n_deleted == scan->fragment_rows) {
        leave_fragment(scan);
        return LNC_OK;
    }
    scan->file = calloc(fragment->n_files + 1, sizeof *scan->file);
    if (scan->file == NULL)
        return lnc_fail(cx->err, LNC_ENOMEM, "out of memory");
    scan->n_files = fragment->n_files;
    for (size_t i = 0; i < scan->n_files; i++)
        scan->file[i].entry = &fragment->files[i];
    for (size_t i = 0; rc == LNC_OK && i < scan->n_columns; i++)
        rc = open_column(scan, cx, i);
    return rc;
}

/* Rows that all columns have in hand. */
static int fill(struct lnc_scan *scan, struct lnc_ctx *cx, size_t *n)
{
    uint64_t left = scan->fragment_rows - scan->row;
    *n = left < LNC_BATCH_ROWS_MAX ? (size_t)left : LNC_BATCH_ROWS_MAX;
    for (size_t i = 0; i < scan->n_columns; i++) {
        struct lnc_column_reader *reader = &scan->reader[i];
        int rc = lnc_column_fill(cx, reader);
        if (rc != LNC_OK)
            return rc;
        if (reader->slots.n - reader->taken < *n)
            *n = reader->slots.n - reader->taken;
    }
    return LNC_OK;
}

/* Marks which of the next *n rows live; shortens *n so that at most `room` of them do. */
static void select_rows(struct lnc_scan *scan, size_t *n, size_t room)
{
    if (scan->deleted.n_deleted == 0) {
        *n = *n < room ? *n : room;
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (kept == room) {
            *n = i;
            break;
        }
        scan->keep[i] = (uint8_t)!lnc_deleted_has(&scan->deleted, scan->row + i);
        kept += scan->keep[i];
    }
}

/* Bytes of variable width that the columns have for the i-th row in hand. */
static size_t row_bytes(const struct lnc_scan *scan, size_t i)
{
    size_t total = 0;
    for (size_t c = 0; c < scan->n_columns; c++) {
        const struct lnc_column_reader *reader = &scan->reader[c];
        if (reader->slots.spans == NULL)
            continue;
        size_t size = reader->slots.spans[reader->taken + i].size;
        total = size < SIZE_MAX - total ? total + size : SIZE_MAX;
    }
    return total;
}

/* Shortens *n so that the batch stays below its ceiling, but not below one row in all. */
static void bound_bytes(const struct lnc_scan *scan, size_t n_rows, size_t *budget, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        if (scan->deleted.n_deleted > 0 && scan->keep[i] == 0)
            continue;
        size_t size = row_bytes(scan, i);
        if (size > *budget && n_rows > 0) {
            *n = i;
            return;
        }
        *budget -= size < *budget ? size : *budget;
        n_rows++;
    }
}

static int append(struct lnc_scan *scan, struct lnc_ctx *cx, size_t n)
{
    const uint8_t *keep = scan->deleted.n_deleted > 0 ? scan->keep : NULL;
    for (size_t i = 0; i < scan->n_columns; i++) {
        struct lnc_column_reader *reader = &scan->reader[i];
        cx->column = reader->def->info.name;
        int rc = lnc_builder_append(cx, &scan->builder[i], &reader->slots, reader->taken, n, keep);
        if (rc != LNC_OK)
            return rc;
        reader->taken += n;
    }
    scan->row += n;
    return LNC_OK;
}

static size_t count_kept(const struct lnc_scan *scan, size_t n)
{
    size_t kept = 0;
    if (scan->deleted.n_deleted == 0)
        return n;
    for (size_t i = 0; i < n; i++)
        kept += scan->keep[i];
    return kept;
}

/* Fills the builders from the current fragment. */
static int gather(struct lnc_scan *scan, struct lnc_ctx *cx, size_t *n_rows)
{
    size_t budget = scan->ds->limits.batch_bytes_max;
    *n_rows = 0;
    while (scan->row < scan->fragment_rows && *n_rows < scan->batch_rows) {
        size_t n = 0;
        int rc = fill(scan, cx, &n);
        if (rc != LNC_OK)
            return rc;
        select_rows(scan, &n, scan->batch_rows - *n_rows);
        bound_bytes(scan, *n_rows, &budget, &n);
        if (n == 0)
            break;
        rc = append(scan, cx, n);
        if (rc != LNC_OK)
            return rc;
        *n_rows += count_kept(scan, n);
    }
    return LNC_OK;
}

static int next_batch(struct lnc_scan *scan, struct lnc_ctx *cx, struct lnc_batch *out)
{
    size_t n_rows = 0;
    int rc = LNC_OK;
    while (rc == LNC_OK && n_rows == 0) {
        if (scan->fragment == NULL) {
            if (scan->next_fragment == scan->ds->manifest.n_fragments)
                return LNC_OK;
            rc = enter_fragment(scan, cx, &scan->ds->manifest.fragments[scan->next_fragment++]);
        } else if (scan->row == scan->fragment_rows) {
            leave_fragment(scan);
        } else {
            rc = gather(scan, cx, &n_rows);
        }
    }
    if (rc != LNC_OK)
        return rc;
    rc = lnc_batch_finish(cx, scan->builder, scan->n_columns, n_rows, out);
    if (rc != LNC_OK)
        return rc;
    out->first_row = scan->n_emitted;
    out->fragment_id = scan->fragment->id;
    scan->n_emitted += n_rows;
    return LNC_OK;
}

int lnc_scan_next(struct lnc_scan *scan, struct lnc_batch *out, struct lnc_error *err)
{
    if (scan->failed == LNC_OK) {
        struct lnc_ctx cx = lnc_dataset_ctx(scan->ds, &scan->error);
        struct lnc_batch batch = {0};
        scan->failed = next_batch(scan, &cx, &batch);
        if (scan->failed == LNC_OK) {
            *out = batch;
            return LNC_OK;
        }
    }
    if (err != NULL)
        *err = scan->error;
    return scan->failed;
}

void lnc_scan_close(struct lnc_scan *scan)
{
    if (scan == NULL)
        return;
    leave_fragment(scan);
    for (size_t i = 0; scan->builder != NULL && i < scan->n_columns; i++)
        lnc_builder_release(&scan->builder[i]);
    free(scan->builder);
    free(scan->reader);
    free(scan);
}
