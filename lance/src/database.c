#include <stdlib.h>

#include "dataset_int.h"

struct lnc_database {
    struct lnc_store file_store;
    const struct lnc_store *store;
    struct lnc_options options;
    char *path;
    struct lnc_buf names; /* char * each */
    size_t n_tables;
};

struct listing {
    struct lnc_database *db;
    struct lnc_ctx cx;
    bool is_table;   /* the path has _versions itself */
    bool has_others; /* anything that is no table */
};

static char **names_of(const struct lnc_database *db)
{
    return (char **)(void *)db->names.data;
}

static int add_table(struct listing *listing, const char *name, size_t size)
{
    char *copy = strndup(name, size);
    if (copy == NULL)
        return lnc_fail_ctx(&listing->cx, LNC_ENOMEM, "out of memory");
    int rc = lnc_buf_append(&listing->cx, &listing->db->names, &copy, sizeof copy);
    if (rc != LNC_OK) {
        free(copy);
        return rc;
    }
    listing->db->n_tables++;
    return LNC_OK;
}

static int consider_entry(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    struct listing *listing = context;
    size_t n = strlen(name);
    if (is_directory && strcmp(name, "_versions") == 0)
        listing->is_table = true;
    /* The catalogue of namespaces: there may be tables below it, so this is a database. */
    if (is_directory && strcmp(name, "__manifest") == 0)
        return LNC_OK;
    bool ok = is_directory && n > 6 && strcmp(name + n - 6, ".lance") == 0;
    if (ok) {
        char *path;
        int rc = lnc_concat(listing->db->path, "/", name, &path, err);
        if (rc != LNC_OK)
            return rc;
        ok = lnc_is_table(listing->db->store, path);
        free(path);
        if (ok)
            return add_table(listing, name, n - 6);
    }
    listing->has_others = true;
    return LNC_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_tables(struct lnc_database *db, struct lnc_error *err)
{
    struct listing listing = {.db = db};
    listing.cx = (struct lnc_ctx){.page = LNC_NO_PAGE,
                                  .at = LNC_NO_OFFSET,
                                  .alloc_max = db->options.limits.alloc_bytes_max,
                                  .err = err};
    int rc = db->store->list(db->store, db->path, consider_entry, &listing, err);
    if (rc != LNC_OK)
        return rc;
    if (listing.is_table && db->n_tables == 0)
        return lnc_fail(err, LNC_ENOENT,
                        "%s: is a table, not a database: its folder is the database", db->path);
    if (db->n_tables == 0 && listing.has_others)
        return lnc_fail(err, LNC_ENOENT,
                        "%s: is no LanceDB database: there is no table (<name>.lance) in it",
                        db->path);
    if (db->n_tables > 1)
        qsort(names_of(db), db->n_tables, sizeof(char *), compare_names);
    return LNC_OK;
}

int lnc_database_open(const char *path, const struct lnc_options *options,
                      struct lnc_database **out, struct lnc_error *err)
{
    if (path == NULL || path[0] == '\0')
        return lnc_fail(err, LNC_EINVAL, "no path of a database was given");
    struct lnc_database *db = calloc(1, sizeof *db);
    if (db == NULL)
        return lnc_fail(err, LNC_ENOMEM, "out of memory");
    lnc_store_file(&db->file_store);
    if (options != NULL)
        db->options = *options;
    db->options.limits = lnc_limits_of(options);
    db->store = db->options.store != NULL ? db->options.store : &db->file_store;
    int rc = lnc_concat(path, NULL, NULL, &db->path, err);
    if (rc == LNC_OK)
        rc = list_tables(db, err);
    if (rc != LNC_OK) {
        lnc_database_close(db);
        return rc;
    }
    *out = db;
    return LNC_OK;
}

size_t lnc_database_n_tables(const struct lnc_database *db)
{
    return db->n_tables;
}

const char *lnc_database_table(const struct lnc_database *db, size_t i)
{
    return names_of(db)[i];
}

static int fail_no_table(const struct lnc_database *db, const char *name, struct lnc_error *err)
{
    char known[250] = "";
    for (size_t i = 0; i < db->n_tables; i++)
        lnc_list_name(known, sizeof known, names_of(db)[i]);
    if (db->n_tables == 0)
        return lnc_fail(err, LNC_ENOENT, "%.200s: the database has no tables", db->path);
    if (name == NULL)
        return lnc_fail(err, LNC_ENOENT, "%.150s: the database has %zu tables, name one of: %s",
                        db->path, db->n_tables, known);
    return lnc_fail(err, LNC_ENOENT, "%.120s: there is no table '%.60s'; the tables are: %s",
                    db->path, name, known);
}

int lnc_database_open_table(const struct lnc_database *db, const char *name,
                            struct lnc_dataset **out, struct lnc_error *err)
{
    if (name == NULL)
        return lnc_fail(err, LNC_EINVAL, "no name of a table was given");
    bool known = false;
    for (size_t i = 0; i < db->n_tables && !known; i++)
        known = strcmp(names_of(db)[i], name) == 0;
    if (!known)
        return fail_no_table(db, name, err);
    char *dir;
    char *path;
    int rc = lnc_concat(db->path, "/", name, &dir, err);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_concat(dir, ".lance", NULL, &path, err);
    free(dir);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_dataset_open(path, &db->options, out, err);
    free(path);
    return rc;
}

void lnc_database_close(struct lnc_database *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->n_tables; i++)
        free(names_of(db)[i]);
    lnc_buf_release(&db->names);
    free(db->path);
    free(db);
}

static int open_table(const char *path, const char *table, const struct lnc_options *options,
                      struct lnc_dataset **out, struct lnc_error *err)
{
    struct lnc_dataset *ds;
    int rc = lnc_dataset_open(path, options, &ds, err);
    if (rc != LNC_OK)
        return rc;
    if (table != NULL && strcmp(table, ds->name) != 0) {
        rc = lnc_fail(err, LNC_ENOENT,
                      "%.200s: is the table '%.60s' itself, not a database with a table '%.60s'",
                      path, ds->name, table);
        lnc_dataset_close(ds);
        return rc;
    }
    *out = ds;
    return LNC_OK;
}

int lnc_open(const char *path, const char *table, const struct lnc_options *options,
             struct lnc_dataset **out, struct lnc_error *err)
{
    struct lnc_store file_store;
    lnc_store_file(&file_store);
    const struct lnc_store *store =
        options != NULL && options->store != NULL ? options->store : &file_store;
    if (path == NULL || path[0] == '\0')
        return lnc_fail(err, LNC_EINVAL, "no path of a database or table was given");
    if (lnc_is_table(store, path))
        return open_table(path, table, options, out, err);
    struct lnc_database *db;
    int rc = lnc_database_open(path, options, &db, err);
    if (rc != LNC_OK)
        return rc;
    if (table == NULL && db->n_tables != 1)
        rc = fail_no_table(db, NULL, err);
    else
        rc = lnc_database_open_table(db, table != NULL ? table : names_of(db)[0], out, err);
    lnc_database_close(db);
    return rc;
}
