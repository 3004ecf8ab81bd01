#include "lnc/lnc_scan.h"

#include "nested_int.h"

/* One projected column: its reader in the current fragment. */
struct projected {
    struct lnc_nested *nested; /* NULL for a flat column */
    struct lnc_column_reader reader;
    size_t in_hand; /* rows */
};

struct lnc_scan {
    const struct lnc_dataset *ds;
    size_t n_columns;
    struct lnc_builder *builder; /* n_columns, what the batch is made of */
    struct projected *column;    /* n_columns */
    struct lnc_files files;      /* of the current fragment */
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
    return lnc_refuse(&cx,
                      "column '%.80s' of table '%.60s' has the type %.80s, which is not read: "
                      "leave it out",
                      def->info.name, ds->name, def->info.logical_type);
}

static bool is_default_column(const struct lnc_column_def *def)
{
    return def->info.kind != LNC_KIND_UNREADABLE && def->info.kind != LNC_KIND_VECTOR &&
           !lnc_is_nested(def) && !def->phys.is_blob;
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
    return LNC_OK;
}

static int make_readers(struct lnc_scan *scan, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(scan->ds, err);
    int rc = LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < scan->n_columns; i++) {
        const struct lnc_column_def *def = scan->builder[i].def;
        rc = lnc_builder_init(&cx, &scan->builder[i], def, scan->batch_rows);
        if (rc == LNC_OK && lnc_is_nested(def))
            rc = lnc_nested_new(&cx, def, &scan->column[i].nested);
    }
    return rc;
}

int lnc_scan_open(const struct lnc_dataset *ds, const struct lnc_scan_options *options,
                  struct lnc_scan **out, struct lnc_error *err)
{
    if (options != NULL && options->batch_rows > LNC_BATCH_ROWS_MAX)
        return lnc_fail(err, LNC_EINVAL,
                        "a batch of %zu rows was asked for, at most %d are possible",
                        options->batch_rows, LNC_BATCH_ROWS_MAX);
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    struct lnc_scan *scan = lnc_calloc(&cx, 1, sizeof *scan);
    if (scan == NULL)
        return lnc_no_memory(&cx, 0);
    size_t room = options != NULL && options->columns != NULL ? options->n_columns : ds->n_columns;
    scan->ds = ds;
    scan->batch_rows =
        options != NULL && options->batch_rows > 0 ? options->batch_rows : LNC_BATCH_ROWS_MAX;
    scan->builder = lnc_calloc(&cx, room + 1, sizeof *scan->builder);
    scan->column = lnc_calloc(&cx, room + 1, sizeof *scan->column);
    int rc = LNC_OK;
    if (scan->builder == NULL || scan->column == NULL)
        rc = lnc_no_memory(&cx, 0);
    if (rc == LNC_OK)
        rc = project(scan, options, err);
    if (rc == LNC_OK)
        rc = make_readers(scan, err);
    if (rc != LNC_OK) {
        lnc_scan_close(scan);
        return rc;
    }
    *out = scan;
    return LNC_OK;
}

static void leave_fragment(struct lnc_scan *scan)
{
    for (size_t i = 0; i < scan->n_columns; i++) {
        struct projected *column = &scan->column[i];
        lnc_column_close(&column->reader);
        if (column->nested != NULL)
            lnc_nested_close(column->nested);
        column->in_hand = 0;
    }
    lnc_files_release(&scan->files);
    lnc_deleted_release(&scan->deleted);
    scan->fragment = NULL;
}

static int open_column(struct lnc_scan *scan, struct lnc_ctx *cx, size_t i)
{
    const struct lnc_column_def *def = scan->builder[i].def;
    struct lnc_column_job job = {.def = def, .phys = &def->phys, .n_rows = scan->fragment_rows};
    int rc = LNC_OK;
    cx->file = NULL;
    cx->column = def->info.name;
    cx->page = LNC_NO_PAGE;
    cx->at = LNC_NO_OFFSET;
    if (scan->column[i].nested != NULL)
        return lnc_nested_open(cx, scan->column[i].nested, &scan->files, scan->fragment_rows);
    /* A null column has nothing to read whatever its pages look like. */
    if (!def->phys.is_null)
        rc = lnc_files_find(cx, &scan->files, def->field, &job.file, &job.column);
    return rc != LNC_OK ? rc : lnc_column_open(cx, &scan->column[i].reader, scan->ds, &job);
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
    rc = lnc_files_init(cx, &scan->files, scan->ds, fragment);
    for (size_t i = 0; rc == LNC_OK && i < scan->n_columns; i++)
        rc = open_column(scan, cx, i);
    return rc;
}

static int fill_column(struct lnc_ctx *cx, struct projected *column)
{
    if (column->in_hand > 0)
        return LNC_OK;
    if (column->nested != NULL)
        return lnc_nested_fill(cx, column->nested, &column->in_hand);
    int rc = lnc_column_fill(cx, &column->reader);
    column->in_hand = column->reader.slots.n - column->reader.taken;
    return rc;
}

/* Rows that all columns have in hand. */
static int fill(struct lnc_scan *scan, struct lnc_ctx *cx, size_t *n)
{
    uint64_t left = scan->fragment_rows - scan->row;
    *n = left < LNC_BATCH_ROWS_MAX ? (size_t)left : LNC_BATCH_ROWS_MAX;
    for (size_t i = 0; i < scan->n_columns; i++) {
        cx->column = scan->builder[i].def->info.name;
        int rc = fill_column(cx, &scan->column[i]);
        if (rc != LNC_OK)
            return rc;
        if (scan->column[i].in_hand < *n)
            *n = scan->column[i].in_hand;
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
        const struct projected *column = &scan->column[c];
        size_t size = 0;
        if (column->nested != NULL)
            size = lnc_nested_row_bytes(column->nested, i);
        else if (column->reader.slots.spans != NULL)
            size = column->reader.slots.spans[column->reader.taken + i].size;
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
        struct projected *column = &scan->column[i];
        struct lnc_column_reader *reader = &column->reader;
        cx->column = scan->builder[i].def->info.name;
        int rc;
        if (column->nested != NULL)
            rc = lnc_nested_append(cx, column->nested, &scan->builder[i], n, keep);
        else
            rc = lnc_builder_append(cx, &scan->builder[i], &reader->slots, reader->taken, n, keep);
        if (rc != LNC_OK)
            return rc;
        reader->taken += n;
        column->in_hand -= n;
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
    for (size_t i = 0; i < scan->n_columns; i++) {
        lnc_builder_release(&scan->builder[i]);
        lnc_nested_free(scan->column[i].nested);
    }
    lnc_free(scan->builder);
    lnc_free(scan->column);
    lnc_free(scan);
}
