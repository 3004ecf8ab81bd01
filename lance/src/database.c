#include <stdlib.h>

#include "database_int.h"

static struct lnc_ctx database_ctx(const struct lnc_database *db, struct lnc_error *err)
{
    return (struct lnc_ctx){.page = LNC_NO_PAGE,
                            .at = LNC_NO_OFFSET,
                            .alloc_max = db->options.limits.alloc_bytes_max,
                            .memory = db->memory,
                            .err = err};
}

static struct lnc_entry *entries_of(const struct lnc_database *db)
{
    return (struct lnc_entry *)(void *)db->entries.data;
}

struct listing {
    struct lnc_database *db;
    struct lnc_ctx cx;
    bool is_table;      /* the path has _versions itself */
    bool has_catalogue; /* __manifest */
    bool has_others;    /* anything that is no table */
};

int lnc_database_add(const struct lnc_ctx *cx, struct lnc_database *db, const char *name,
                     const char *folder)
{
    struct lnc_entry entry = {0};
    int rc = lnc_concat(cx, name, NULL, NULL, &entry.name);
    if (rc == LNC_OK)
        rc = lnc_concat(cx, folder, NULL, NULL, &entry.folder);
    if (rc == LNC_OK)
        rc = lnc_buf_append(cx, &db->entries, &entry, sizeof entry);
    if (rc != LNC_OK) {
        lnc_free(entry.name);
        lnc_free(entry.folder);
        return rc;
    }
    db->n_tables++;
    return LNC_OK;
}

static int add_folder(struct listing *listing, const char *folder)
{
    char *name;
    int rc = lnc_concat(&listing->cx, folder, NULL, NULL, &name);
    if (rc != LNC_OK)
        return rc;
    name[strlen(name) - 6] = '\0';
    rc = lnc_database_add(&listing->cx, listing->db, name, folder);
    lnc_free(name);
    return rc;
}

static int is_table_below(const struct listing *listing, const char *name, bool *out)
{
    char *path;
    int rc = lnc_concat(&listing->cx, listing->db->path, "/", name, &path);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_is_table(&listing->cx, listing->db->store, path, out);
    lnc_free(path);
    return rc;
}

static int consider_entry(void *context, const char *name, bool is_directory, struct lnc_error *err)
{
    struct listing *listing = context;
    size_t n = strlen(name);
    bool ok = false;
    (void)err;
    if (is_directory && strcmp(name, "_versions") == 0)
        listing->is_table = true;
    /* There may be tables below it, so this is a database. */
    if (is_directory && strcmp(name, LNC_CATALOGUE) == 0)
        return is_table_below(listing, name, &listing->has_catalogue);
    if (is_directory && n > 6 && strcmp(name + n - 6, ".lance") == 0) {
        int rc = is_table_below(listing, name, &ok);
        if (rc != LNC_OK || ok)
            return rc != LNC_OK ? rc : add_folder(listing, name);
    }
    listing->has_others = true;
    return LNC_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const struct lnc_entry *x = a;
    const struct lnc_entry *y = b;
    return strcmp(x->name, y->name);
}

/* The path has a folder _versions. */
static int explain_table(const struct lnc_database *db, struct lnc_error *err)
{
    struct lnc_ctx cx = database_ctx(db, err);
    bool is_table = false;
    int rc = lnc_is_table(&cx, db->store, db->path, &is_table);
    if (rc != LNC_OK)
        return rc;
    return lnc_fail_path(err, db->path, LNC_ENOENT,
                         is_table
                             ? "is a table, not a database: its folder is the database"
                             : "is no LanceDB table: there is no manifest in its folder _versions");
}

static int list_tables(struct lnc_database *db, struct lnc_error *err)
{
    struct listing listing = {.db = db, .cx = database_ctx(db, err)};
    int rc = db->store->list(db->store, db->path, consider_entry, &listing, err);
    if (rc == LNC_OK && listing.has_catalogue)
        rc = lnc_catalogue_read(&listing.cx, db);
    if (rc != LNC_OK)
        return rc;
    if (listing.is_table && db->n_tables == 0)
        return explain_table(db, err);
    if (db->n_tables == 0 && listing.has_others && !listing.has_catalogue)
        return lnc_fail_path(err, db->path, LNC_ENOENT,
                             "is no LanceDB database: there is no table (<name>.lance) in it");
    if (db->n_tables > 1)
        qsort(entries_of(db), db->n_tables, sizeof(struct lnc_entry), compare_entries);
    return LNC_OK;
}

/* The options are kept: those of the tables that are opened later. */
static int keep_options(struct lnc_database *db, const struct lnc_options *options,
                        struct lnc_error *err)
{
    struct lnc_ctx cx = database_ctx(db, err);
    int rc = LNC_OK;
    if (options != NULL && options->tag != NULL)
        rc = lnc_concat(&cx, options->tag, NULL, NULL, &db->tag);
    if (rc == LNC_OK && options != NULL && options->branch != NULL)
        rc = lnc_concat(&cx, options->branch, NULL, NULL, &db->branch);
    db->options.tag = db->tag;
    db->options.branch = db->branch;
    return rc;
}

int lnc_database_open(const char *path, const struct lnc_options *options,
                      struct lnc_database **out, struct lnc_error *err)
{
    struct lnc_memory *memory;
    if (path == NULL || path[0] == '\0')
        return lnc_fail(err, LNC_EINVAL, "no path of a database was given");
    int rc = lnc_memory_new(options, &memory, err);
    if (rc != LNC_OK)
        return rc;
    struct lnc_database *db = lnc_memory_calloc(memory, 1, sizeof *db);
    if (db == NULL) {
        rc = lnc_memory_fail(memory, sizeof *db, err);
        lnc_memory_drop(memory);
        return rc;
    }
    db->memory = memory;
    lnc_store_file_init(&db->file_store, memory);
    if (options != NULL)
        db->options = *options;
    db->options.limits = lnc_limits_of(options);
    db->store = db->options.store != NULL ? db->options.store : &db->file_store;
    struct lnc_ctx cx = database_ctx(db, err);
    rc = lnc_concat(&cx, path, NULL, NULL, &db->path);
    if (rc == LNC_OK)
        rc = keep_options(db, options, err);
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
    return entries_of(db)[i].name;
}

static int fail_no_table(const struct lnc_database *db, const char *name, struct lnc_error *err)
{
    char known[250] = "";
    for (size_t i = 0; i < db->n_tables; i++)
        lnc_list_name(known, sizeof known, entries_of(db)[i].name);
    if (db->catalogue_problem[0] != '\0' && name != NULL && strchr(name, '$') != NULL)
        return lnc_fail(err, LNC_EUNSUPPORTED, "the catalogue of namespaces cannot be read: %s",
                        db->catalogue_problem);
    if (db->n_tables == 0)
        return lnc_fail_path(err, db->path, LNC_ENOENT, "the database has no tables");
    if (name == NULL)
        return lnc_fail_path(err, db->path, LNC_ENOENT,
                             "the database has %zu tables, name one of: %s", db->n_tables, known);
    return lnc_fail_path(err, db->path, LNC_ENOENT, "there is no table '%.60s'; the tables are: %s",
                         name, known);
}

int lnc_database_open_table(const struct lnc_database *db, const char *name,
                            struct lnc_dataset **out, struct lnc_error *err)
{
    if (name == NULL)
        return lnc_fail(err, LNC_EINVAL, "no name of a table was given");
    const struct lnc_entry *entry = NULL;
    for (size_t i = 0; i < db->n_tables && entry == NULL; i++) {
        if (strcmp(entries_of(db)[i].name, name) == 0)
            entry = &entries_of(db)[i];
    }
    if (entry == NULL)
        return fail_no_table(db, name, err);
    struct lnc_ctx cx = database_ctx(db, err);
    struct lnc_dataset *ds;
    char *path;
    int rc = lnc_concat(&cx, db->path, "/", entry->folder, &path);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_dataset_open(path, &db->options, &ds, err);
    lnc_free(path);
    if (rc == LNC_OK)
        rc = lnc_dataset_rename(ds, entry->name, err);
    if (rc == LNC_OK)
        *out = ds;
    return rc;
}

void lnc_database_close(struct lnc_database *db)
{
    if (db == NULL)
        return;
    struct lnc_memory *memory = db->memory;
    for (size_t i = 0; i < db->n_tables; i++) {
        lnc_free(entries_of(db)[i].name);
        lnc_free(entries_of(db)[i].folder);
    }
    lnc_buf_release(&db->entries);
    lnc_free(db->tag);
    lnc_free(db->branch);
    lnc_free(db->path);
    lnc_free(db);
    lnc_memory_drop(memory);
}

static int open_table(const char *path, const char *table, const struct lnc_options *options,
                      struct lnc_dataset **out, struct lnc_error *err)
{
    struct lnc_dataset *ds;
    int rc = lnc_dataset_open(path, options, &ds, err);
    if (rc != LNC_OK)
        return rc;
    if (table != NULL && strcmp(table, ds->name) != 0) {
        rc = lnc_fail_path(err, path, LNC_ENOENT,
                           "is the table '%.60s' itself, not a database with a table '%.60s'",
                           ds->name, table);
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
    /* On a short path to something that is used once, before there is an owner of memory. */
    struct lnc_ctx cx = {.page = LNC_NO_PAGE, .at = LNC_NO_OFFSET, .err = err};
    bool is_table = false;
    int rc = lnc_memory_new(options, &cx.memory, err);
    if (rc != LNC_OK)
        return rc;
    cx.alloc_max = lnc_limits_of(options).alloc_bytes_max;
    rc = lnc_is_table(&cx, store, path, &is_table);
    lnc_memory_drop(cx.memory);
    if (rc != LNC_OK)
        return rc;
    if (is_table)
        return open_table(path, table, options, out, err);
    struct lnc_database *db;
    rc = lnc_database_open(path, options, &db, err);
    if (rc != LNC_OK)
        return rc;
    if (table == NULL && db->n_tables != 1)
        rc = fail_no_table(db, NULL, err);
    else
        rc = lnc_database_open_table(db, table != NULL ? table : entries_of(db)[0].name, out, err);
    lnc_database_close(db);
    return rc;
}
