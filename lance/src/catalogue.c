/* Child namespaces. Format: lance-format.md, section 1: a table with a row for each object. */
#include "database_int.h"
#include "lnc/lnc_scan.h"

#include <stdio.h>

#define ENTRIES_MAX    ((size_t)1000000)
#define NAME_BYTES_MAX ((size_t)1024)

enum { AT_ID, AT_TYPE, AT_LOCATION, N_COLUMNS };

/* A name or a folder of one part: without NUL, slash, "." and "..". */
static bool copy_part(const char *text, size_t size, bool is_folder, char *out)
{
    if (text == NULL || size == 0 || size > NAME_BYTES_MAX || memchr(text, '\0', size) != NULL)
        return false;
    memcpy(out, text, size);
    out[size] = '\0';
    return !is_folder || (strchr(out, '/') == NULL && lnc_path_is_plain(out));
}

static int take_row(const struct lnc_ctx *cx, struct lnc_database *db,
                    const struct lnc_batch *batch, size_t row)
{
    char name[NAME_BYTES_MAX + 1];
    char folder[NAME_BYTES_MAX + 1];
    const char *text[N_COLUMNS];
    size_t size[N_COLUMNS] = {0};
    for (size_t i = 0; i < N_COLUMNS; i++) {
        text[i] = NULL;
        if (batch->columns[i].kind == LNC_KIND_STRING)
            text[i] = lnc_column_string(&batch->columns[i], row, &size[i]);
    }
    if (text[AT_TYPE] == NULL || size[AT_TYPE] != 5 || memcmp(text[AT_TYPE], "table", 5) != 0)
        return LNC_OK;
    if (!copy_part(text[AT_ID], size[AT_ID], false, name) ||
        !copy_part(text[AT_LOCATION], size[AT_LOCATION], true, folder)) {
        (void)snprintf(db->catalogue_problem, sizeof db->catalogue_problem,
                       "a table in it has no plain name or folder");
        return LNC_OK;
    }
    /* Those without a namespace were listed as folders. */
    if (strchr(name, '$') == NULL)
        return LNC_OK;
    if (db->n_tables >= ENTRIES_MAX)
        return lnc_fail_ctx(cx, LNC_ELIMIT, "the catalogue of namespaces has more than %zu tables",
                            ENTRIES_MAX);
    return lnc_database_add(cx, db, name, folder);
}

static int take_rows(const struct lnc_ctx *cx, struct lnc_database *db, struct lnc_scan *scan)
{
    uint64_t n_rows = 0;
    int rc = LNC_OK;
    while (rc == LNC_OK) {
        struct lnc_batch batch = {0};
        rc = lnc_scan_next(scan, &batch, cx->err);
        if (rc != LNC_OK || batch.n_rows == 0)
            return rc;
        n_rows += batch.n_rows;
        if (n_rows > ENTRIES_MAX)
            rc = lnc_fail_ctx(cx, LNC_ELIMIT, "the catalogue of namespaces has more than %zu rows",
                              ENTRIES_MAX);
        for (size_t i = 0; rc == LNC_OK && i < batch.n_rows; i++)
            rc = take_row(cx, db, &batch, i);
        lnc_batch_release(&batch);
    }
    return rc;
}

static int read_catalogue(const struct lnc_ctx *cx, struct lnc_database *db, const char *path)
{
    static const char *const columns[N_COLUMNS] = {"object_id", "object_type", "location"};
    const struct lnc_scan_options what = {.columns = columns, .n_columns = N_COLUMNS};
    struct lnc_options options = db->options;
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    options.version = 0;
    options.tag = NULL;
    options.branch = NULL;
    int rc = lnc_dataset_open(path, &options, &ds, cx->err);
    if (rc == LNC_OK)
        rc = lnc_scan_open(ds, &what, &scan, cx->err);
    if (rc == LNC_OK)
        rc = take_rows(cx, db, scan);
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
    return rc;
}

int lnc_catalogue_read(const struct lnc_ctx *cx, struct lnc_database *db)
{
    struct lnc_error why = {.code = LNC_OK};
    struct lnc_ctx here = *cx;
    char *path;
    int rc = lnc_concat(cx, db->path, "/", LNC_CATALOGUE, &path);
    if (rc != LNC_OK)
        return rc;
    here.err = &why;
    rc = read_catalogue(&here, db, path);
    lnc_free(path);
    if (rc == LNC_ENOMEM || rc == LNC_ELIMIT || rc == LNC_EIO) {
        if (cx->err != NULL)
            *cx->err = why;
        return rc;
    }
    if (rc != LNC_OK)
        (void)snprintf(db->catalogue_problem, sizeof db->catalogue_problem, "%.390s", why.message);
    return LNC_OK;
}
