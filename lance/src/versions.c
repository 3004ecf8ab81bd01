/* Which versions a directory has. Format: lance-format.md, section 1. */
#include "versions_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int list_manifests(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                          lnc_list_fn each, void *context)
{
    char *dir;
    int rc = lnc_concat(cx, path, "/_versions", NULL, &dir);
    if (rc != LNC_OK)
        return rc;
    rc = store->list(store, dir, each, context, cx->err);
    lnc_free(dir);
    return rc;
}

static bool manifest_version(const char *name, bool is_directory, uint64_t *version)
{
    return !is_directory && strlen(name) < LNC_MANIFEST_NAME_MAX &&
           lnc_manifest_name_version(name, version);
}

static int consider_manifest(void *context, const char *name, bool is_directory,
                             struct lnc_error *err)
{
    struct lnc_newest *newest = context;
    uint64_t version;
    (void)err;
    if (!manifest_version(name, is_directory, &version))
        return LNC_OK;
    if (newest->wanted != 0 ? version != newest->wanted
                            : newest->found && version < newest->version)
        return LNC_OK;
    newest->found = true;
    newest->version = version;
    (void)snprintf(newest->name, sizeof newest->name, "%s", name);
    return LNC_OK;
}

int lnc_newest_find(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                    struct lnc_newest *newest)
{
    newest->found = false;
    return list_manifests(cx, store, path, consider_manifest, newest);
}

int lnc_is_table(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                 bool *out)
{
    struct lnc_newest newest = {.wanted = 0};
    struct lnc_error why = {0};
    struct lnc_ctx quiet = *cx;
    quiet.err = &why;
    int rc = lnc_newest_find(&quiet, store, path, &newest);
    if (rc == LNC_ENOMEM || rc == LNC_ELIMIT)
        return lnc_fail(cx->err, rc, "%s", why.message);
    /* What cannot be looked into is taken for one: opening it will tell why. */
    *out = rc == LNC_EIO || (rc == LNC_OK && newest.found);
    return LNC_OK;
}

/* Each shard of the log is a directory. */
static int consider_shard(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    bool *found = context;
    (void)name;
    (void)err;
    *found = *found || is_directory;
    return LNC_OK;
}

int lnc_wal_check(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                  uint64_t version)
{
    struct lnc_error why = {0};
    char *dir;
    bool found = false;
    int rc = lnc_concat(cx, path, "/_mem_wal", NULL, &dir);
    if (rc != LNC_OK)
        return rc;
    rc = store->list(store, dir, consider_shard, &found, &why);
    lnc_free(dir);
    if (rc != LNC_OK && rc != LNC_ENOENT)
        return lnc_fail(cx->err, rc, "%s", why.message);
    if (!found)
        return LNC_OK;
    return lnc_fail(cx->err, LNC_EUNSUPPORTED,
                    "%s: the newest rows may stand in the write-ahead log (_mem_wal), which is not "
                    "read; export the table with the official client, or ask for version %" PRIu64
                    " by its number to read what is in the table itself",
                    path, version);
}

struct collected {
    const struct lnc_ctx *cx;
    struct lnc_buf numbers;
};

static int collect(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    struct collected *all = context;
    uint64_t version;
    (void)err;
    if (!manifest_version(name, is_directory, &version))
        return LNC_OK;
    return lnc_buf_append(all->cx, &all->numbers, &version, sizeof version);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x;
    uint64_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

int lnc_version_numbers(const struct lnc_ctx *cx, const struct lnc_store *store, const char *path,
                        struct lnc_buf *out)
{
    struct collected all = {.cx = cx};
    int rc = list_manifests(cx, store, path, collect, &all);
    if (rc != LNC_OK) {
        lnc_buf_release(&all.numbers);
        return rc;
    }
    if (all.numbers.size > sizeof(uint64_t))
        qsort(all.numbers.data, all.numbers.size / sizeof(uint64_t), sizeof(uint64_t),
              compare_numbers);
    *out = all.numbers;
    return LNC_OK;
}

static uint64_t rows_of(const struct lnc_manifest *m)
{
    uint64_t total = 0;
    if (!m->rows_trusted)
        return LNC_ROWS_UNKNOWN;
    for (size_t i = 0; i < m->n_fragments; i++) {
        const struct lnc_fragment *fragment = &m->fragments[i];
        const struct lnc_deletion_file *deletion = &fragment->deletion;
        if ((deletion->present && deletion->n_rows == 0) ||
            deletion->n_rows > fragment->physical_rows ||
            !lnc_add(total, fragment->physical_rows - deletion->n_rows, &total))
            return LNC_ROWS_UNKNOWN;
    }
    return total;
}

/* A manifest that is gone meanwhile or that we do not understand is no reason to list nothing. */
static int describe(const struct lnc_dataset *ds, uint64_t number, struct lnc_version *out,
                    struct lnc_error *err)
{
    struct lnc_error why = {0};
    struct lnc_ctx cx = lnc_dataset_ctx(ds, &why);
    struct lnc_newest newest = {.wanted = number};
    struct lnc_manifest manifest = {0};
    *out = (struct lnc_version){
        .number = number, .timestamp_us = LNC_NO_TIME, .n_rows = LNC_ROWS_UNKNOWN};
    int rc = lnc_newest_find(&cx, ds->store, ds->path, &newest);
    if (rc == LNC_OK && newest.found)
        rc = lnc_manifest_load(&cx, ds->store, ds->path, &newest, &manifest);
    if (rc == LNC_OK && newest.found) {
        out->timestamp_us = manifest.timestamp_us;
        out->n_rows = rows_of(&manifest);
    }
    lnc_manifest_release(&manifest);
    if (rc == LNC_ENOENT || rc == LNC_ECORRUPT || rc == LNC_EUNSUPPORTED)
        rc = LNC_OK;
    if (rc != LNC_OK && err != NULL)
        *err = why;
    return rc;
}

int lnc_dataset_versions(const struct lnc_dataset *ds, struct lnc_version_list *out,
                         struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    struct lnc_buf numbers = {0};
    int rc = lnc_version_numbers(&cx, ds->store, ds->path, &numbers);
    if (rc != LNC_OK)
        return rc;
    size_t n = numbers.size / sizeof(uint64_t);
    struct lnc_version *items = lnc_calloc(&cx, n + 1, sizeof *items);
    if (items == NULL)
        rc = lnc_no_memory(&cx, (n + 1) * sizeof *items);
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        rc = describe(ds, lnc_load_uint(numbers.data, sizeof(uint64_t), i), &items[i], err);
    lnc_buf_release(&numbers);
    if (rc != LNC_OK) {
        lnc_free(items);
        return rc;
    }
    *out = (struct lnc_version_list){.items = items, .n = n};
    return LNC_OK;
}

void lnc_version_list_release(struct lnc_version_list *list)
{
    if (list == NULL)
        return;
    lnc_free(list->items);
    *list = (struct lnc_version_list){0};
}
