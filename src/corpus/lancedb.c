/* Tables of a LanceDB database, or one table by its folder, here or on a server. The vector is
 * never projected, so it is never read. */
#include "corpus/corpus_int.h"
#include "corpus/lance_ahead.h"
#include "corpus/lance_table.h"
#include "corpus/remote/store.h"
#include "os/file.h"

#include "lnc/lnc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_TABLE   "text_chunks"
#define LOGGED_ROWS_MAX 20

struct lancedb {
    char *path;
    struct gen_columns columns;
    const struct gen_log *log;
    size_t batch_rows;
    struct gen_lance_table *tables;
    size_t n_tables;
    size_t current;
    struct lnc_scan *scan; /* of the current table */
    struct lnc_batch batch;
    size_t row; /* next one in the batch */
    uint64_t n_rows;
    bool is_counted;
    struct gen_remote_store *store; /* NULL: the tables are here; `scan` is for those */
    struct gen_lance_ahead *ahead;  /* NULL: not started */
    const struct gen_loop *watcher; /* that is woken when there is something to take */
};

static int fail_lnc(const struct lancedb *l, struct gen_error *err, int status,
                    const struct lnc_error *why)
{
    if (l->store && (status == LNC_EIO || status == LNC_ELIMIT) &&
        gen_remote_store_failure(l->store, NULL) != GEN_OK)
        return gen_remote_store_failure(l->store, err);
    enum gen_code code = status == LNC_ENOMEM   ? GEN_ENOMEM
                         : status == LNC_ELIMIT ? GEN_ELIMIT
                                                : GEN_EINPUT;
    return gen_fail(err, code, "%s", why->message);
}

/* -- recognising -- */

static bool is_table(const char *path)
{
    struct gen_buf versions = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_path_join(&versions, gen_str_from(path), GEN_STR("_versions"), NULL);
    bool found = rc == GEN_OK && gen_file_kind(versions.data) == GEN_FILE_DIRECTORY;
    gen_buf_release(&versions);
    return found;
}

static bool has_tables(const char *path)
{
    DIR *dir = opendir(path);
    bool found = false;
    if (!dir)
        return false;
    for (const struct dirent *entry; !found && (entry = readdir(dir));)
        found = gen_str_ends(gen_str_from(entry->d_name), GEN_STR(".lance"));
    (void)closedir(dir);
    return found;
}

static bool lancedb_recognises(const char *path)
{
    struct gen_str ext = gen_path_ext(gen_str_from(path));
    if (gen_place_is_remote(path))
        return true;
    if (gen_file_kind(path) != GEN_FILE_DIRECTORY)
        return false;
    return gen_str_is(ext, ".lancedb") || gen_str_is(ext, ".lance") || is_table(path) ||
           has_tables(path);
}

/* -- opening -- */

static void stop_reading(struct lancedb *l)
{
    if (l->ahead)
        gen_remote_store_cancel(l->store);
    gen_lance_ahead_stop(l->ahead);
    l->ahead = NULL;
    lnc_batch_release(&l->batch);
    lnc_scan_close(l->scan);
    l->scan = NULL;
}

static void lancedb_rewind(void *state)
{
    struct lancedb *l = state;
    stop_reading(l);
    l->current = 0;
    l->row = 0;
    l->watcher = NULL;
    if (l->store)
        gen_remote_store_resume(l->store);
}

static void lancedb_close(void *state)
{
    struct lancedb *l = state;
    if (!l)
        return;
    stop_reading(l);
    for (size_t i = 0; i < l->n_tables; i++)
        lnc_dataset_close(l->tables[i].dataset);
    gen_remote_store_close(l->store);
    free(l->tables);
    gen_columns_release(&l->columns);
    free(l->path);
    free(l);
}

/* Takes over the dataset. */
static int add_table(struct lancedb *l, struct lnc_dataset *dataset, struct gen_error *err)
{
    struct gen_lance_table *bigger = reallocarray(l->tables, l->n_tables + 1, sizeof(*bigger));
    if (!bigger) {
        lnc_dataset_close(dataset);
        return gen_nomem(err, "a table");
    }
    l->tables = bigger;
    struct gen_lance_table *t = &l->tables[l->n_tables++];
    *t = (struct gen_lance_table){.dataset = dataset};
    struct gen_str name = gen_str_from(lnc_dataset_name(dataset));
    t->is_code = gen_str_find_nocase(name, GEN_STR("code"), 0) < name.n;
    return gen_lance_table_choose(t, &l->columns, err);
}

static int fail_no_table(const char *path, const struct lnc_database *db, const char *wanted,
                         struct gen_error *err)
{
    struct gen_buf names = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = lnc_database_n_tables(db);
    int rc = GEN_OK;
    for (size_t i = 0; i < n && i < GEN_LISTED_MAX && rc == GEN_OK; i++)
        rc = gen_buf_printf(&names, err, "%s%s", i ? ", " : "", lnc_database_table(db, i));
    if (rc == GEN_OK && n > GEN_LISTED_MAX)
        rc = gen_buf_printf(&names, err, " and %zu more", n - GEN_LISTED_MAX);
    if (rc == GEN_OK && n == 0)
        rc = gen_fail(err, GEN_EINPUT,
                      "the database %s has no tables: write chunks into it first, or give a folder "
                      "of documents instead",
                      path);
    else if (rc == GEN_OK)
        rc = gen_fail(err, GEN_EINPUT, "the database %s has no table %s; its tables are: %s", path,
                      wanted, names.data);
    gen_buf_release(&names);
    return rc;
}

static bool has_table(const struct lnc_database *db, const char *name)
{
    for (size_t i = 0; i < lnc_database_n_tables(db); i++) {
        if (strcmp(lnc_database_table(db, i), name) == 0)
            return true;
    }
    return false;
}

static int open_named(struct lancedb *l, const struct lnc_database *db, const char *name,
                      struct gen_error *err)
{
    struct lnc_dataset *dataset = NULL;
    struct lnc_error why = {0};
    for (size_t i = 0; i < l->n_tables; i++) {
        if (strcmp(lnc_dataset_name(l->tables[i].dataset), name) == 0)
            return gen_fail(err, GEN_EUSAGE, "table %s is given twice", name);
    }
    if (!has_table(db, name))
        return fail_no_table(l->path, db, name, err);
    int status = lnc_database_open_table(db, name, &dataset, &why);
    return status ? fail_lnc(l, err, status, &why) : add_table(l, dataset, err);
}

static int open_default(struct lancedb *l, const struct lnc_database *db, struct gen_error *err)
{
    const char *name = DEFAULT_TABLE;
    if (lnc_database_n_tables(db) == 1 && !has_table(db, name)) {
        name = lnc_database_table(db, 0);
        gen_log(l->log, GEN_LOG_INFO, "table_chosen",
                "the database %s has no table " DEFAULT_TABLE "; its only table %s is read",
                l->path, name);
    }
    return open_named(l, db, name, err);
}

/* A number is a version, all else a tag. */
static int choose_version(const char *text, struct lnc_options *options, struct gen_error *err)
{
    if (!text)
        return GEN_OK;
    size_t n_digits = strspn(text, "0123456789");
    if (text[n_digits] != '\0') {
        options->tag = text;
        return GEN_OK;
    }
    uint64_t number = 0;
    bool ok = n_digits > 0;
    for (size_t i = 0; i < n_digits && ok; i++)
        ok = !__builtin_mul_overflow(number, 10, &number) &&
             !__builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number);
    if (!ok || number == 0)
        return gen_fail(err, GEN_EUSAGE,
                        "--lance-version is \"%s\": give a version's number from 1 on, or a tag",
                        text);
    options->version = number;
    return GEN_OK;
}

static int open_database(struct lancedb *l, const struct gen_corpus_options *options,
                         const struct lnc_options *how, struct gen_error *err)
{
    struct lnc_database *db = NULL;
    struct lnc_error why = {0};
    int status = lnc_database_open(l->path, how, &db, &why);
    if (status)
        return fail_lnc(l, err, status, &why);
    /* A table whose folder could not be looked into is missing in the list. */
    int rc = l->store ? gen_remote_store_failure(l->store, err) : GEN_OK;
    if (rc == GEN_OK && options->n_tables == 0)
        rc = open_default(l, db, err);
    for (size_t i = 0; i < options->n_tables && rc == GEN_OK; i++)
        rc = open_named(l, db, options->tables[i], err);
    lnc_database_close(db);
    return rc;
}

static int open_table(struct lancedb *l, const struct gen_corpus_options *options,
                      const struct lnc_options *how, struct gen_error *err)
{
    struct lnc_dataset *dataset = NULL;
    struct lnc_error why = {0};
    int status = lnc_dataset_open(l->path, how, &dataset, &why);
    if (status)
        return fail_lnc(l, err, status, &why);
    const char *name = lnc_dataset_name(dataset);
    for (size_t i = 0; i < options->n_tables; i++) {
        if (strcmp(options->tables[i], name) == 0 && options->n_tables == 1)
            continue;
        int rc = gen_fail(err, GEN_EUSAGE,
                          "%s is the table %s itself: leave --table out, or give the database's "
                          "folder",
                          l->path, name);
        lnc_dataset_close(dataset);
        return rc;
    }
    return add_table(l, dataset, err);
}

/* Where nothing can be listed a table must be named, or be the default one. */
static int open_unlisted(struct lancedb *l, const struct gen_corpus_options *options,
                         const struct lnc_options *how, struct gen_error *err)
{
    static const char *const defaults[] = {DEFAULT_TABLE};
    const char *const *names = options->n_tables ? options->tables : defaults;
    size_t n = options->n_tables ? options->n_tables : 1;
    struct gen_buf path = gen_buf_make(GEN_URL_BYTES_MAX);
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        struct lnc_dataset *dataset = NULL;
        struct lnc_error why = {0};
        gen_buf_clear(&path);
        rc = gen_buf_printf(&path, err, "%s/%s.lance", l->path, names[i]);
        if (rc)
            break;
        int status = lnc_dataset_open(path.data, how, &dataset, &why);
        rc = status ? fail_lnc(l, err, status, &why) : add_table(l, dataset, err);
        if (status == LNC_ENOENT)
            rc = gen_wrap(err, rc,
                          "no table %s was found (name one with --table, or give the URL "
                          "of a table, https://.../name.lance)",
                          names[i]);
    }
    gen_buf_release(&path);
    return rc;
}

static int open_remote(struct lancedb *l, const struct gen_corpus_options *options,
                       struct lnc_options *how, struct gen_error *err)
{
    const struct gen_remote_store_options what = {.asker = {.log = options->log},
                                                  .version = how->version};
    struct gen_buf versions = gen_buf_make(GEN_URL_BYTES_MAX);
    bool is_one = gen_str_is(gen_path_ext(gen_str_from(l->path)), ".lance");
    int rc = gen_remote_store_open(&l->store, l->path, &what, err);
    if (rc == GEN_OK)
        rc = gen_path_join(&versions, gen_str_from(l->path), GEN_STR("_versions"), err);
    bool is_database =
        !is_one && rc == GEN_OK && options->n_tables && !gen_remote_store_can_list(l->store);
    if (rc == GEN_OK && !is_one && !is_database)
        rc = gen_remote_store_has(l->store, versions.data, &is_one, err);
    gen_buf_release(&versions);
    if (rc)
        return rc;
    how->store = gen_remote_store_of(l->store);
    if (is_one)
        return open_table(l, options, how, err);
    return gen_remote_store_can_list(l->store) ? open_database(l, options, how, err)
                                               : open_unlisted(l, options, how, err);
}

static int open_here(struct lancedb *l, const struct gen_corpus_options *options,
                     const struct lnc_options *how, struct gen_error *err)
{
    return is_table(l->path) ? open_table(l, options, how, err)
                             : open_database(l, options, how, err);
}

static int lancedb_open(void **state, const struct gen_corpus_options *options,
                        struct gen_error *err)
{
    struct lancedb *l = calloc(1, sizeof(*l));
    if (!l)
        return gen_nomem(err, "a LanceDB corpus");
    l->log = options->log;
    l->batch_rows = LNC_BATCH_ROWS_MAX;
    if (options->max_chunks && options->max_chunks < l->batch_rows)
        l->batch_rows = (size_t)options->max_chunks;
    bool is_remote = gen_place_is_remote(options->path);
    struct gen_str path = gen_str_from(options->path);
    while (is_remote && path.n && path.p[path.n - 1] == '/')
        path.n--;
    l->path = gen_str_dup(path);
    int rc = l->path ? GEN_OK : gen_nomem(err, "a path");
    if (rc == GEN_OK)
        rc = gen_columns_init(&l->columns, options, err);
    struct lnc_options how = {.version = 0};
    if (rc == GEN_OK)
        rc = choose_version(options->lance_version, &how, err);
    if (rc == GEN_OK)
        rc = is_remote ? open_remote(l, options, &how, err) : open_here(l, options, &how, err);
    if (rc) {
        lancedb_close(l);
        return rc;
    }
    *state = l;
    return GEN_OK;
}

/* -- reading -- */

static int lancedb_count(void *state, uint64_t *n, struct gen_error *err)
{
    struct lancedb *l = state;
    uint64_t sum = 0;
    if (l->is_counted) {
        *n = l->n_rows;
        return GEN_OK;
    }
    for (size_t i = 0; i < l->n_tables; i++) {
        struct lnc_error why = {0};
        uint64_t n_rows = 0;
        int status = lnc_dataset_count_rows(l->tables[i].dataset, &n_rows, &why);
        if (status)
            return fail_lnc(l, err, status, &why);
        if (__builtin_add_overflow(sum, n_rows, &sum))
            return gen_fail(err, GEN_ELIMIT, "the tables of %s have too many rows", l->path);
    }
    l->n_rows = sum;
    l->is_counted = true;
    *n = sum;
    return GEN_OK;
}

/* From here on tables and store are the thread's: what else is to be asked of them is asked now. */
static int start_ahead(struct lancedb *l, struct gen_error *err)
{
    uint64_t n = 0;
    int rc = lancedb_count(l, &n, err);
    struct gen_lance_job *jobs = rc ? NULL : calloc(l->n_tables + 1, sizeof(*jobs));
    if (rc == GEN_OK && !jobs)
        rc = gen_nomem(err, "the reading of a remote table");
    for (size_t i = 0; rc == GEN_OK && i < l->n_tables; i++)
        jobs[i] = (struct gen_lance_job){l->tables[i].dataset, l->tables[i].columns,
                                         l->tables[i].n_columns};
    gen_remote_store_mute(l->store);
    if (rc == GEN_OK)
        rc = gen_lance_ahead_start(&l->ahead, jobs, l->n_tables, l->batch_rows, err);
    free(jobs);
    return rc;
}

/* The same as next_batch for tables elsewhere. With a loop nothing is waited for: `*is_late`. */
static int take_batch(struct lancedb *l, struct gen_loop *loop, bool *more, bool *is_late,
                      struct gen_error *err)
{
    struct gen_ahead_news news;
    int rc = l->ahead ? GEN_OK : start_ahead(l, err);
    if (rc == GEN_OK && loop && l->watcher != loop) {
        rc = gen_lance_ahead_watch(l->ahead, loop, err);
        l->watcher = rc ? NULL : loop;
    }
    if (rc)
        return rc;
    lnc_batch_release(&l->batch);
    l->row = 0;
    switch (gen_lance_ahead_take(l->ahead, loop == NULL, &news)) {
    case GEN_AHEAD_BATCH:
        l->batch = news.batch;
        l->current = news.job;
        return GEN_OK;
    case GEN_AHEAD_LATER:
        *is_late = true;
        return GEN_OK;
    case GEN_AHEAD_END:
        break;
    }
    *more = false;
    if (news.status == LNC_OK)
        return GEN_OK;
    /* The thread is over, so its last word may be asked for. */
    return fail_lnc(l, err, news.status, &news.why);
}

/* Makes l->batch hold a row; `*more` = false behind the last table. */
static int next_batch(struct lancedb *l, bool *more, struct gen_error *err)
{
    *more = true;
    while (l->row == l->batch.n_rows) {
        struct lnc_error why = {0};
        int status = LNC_OK;
        lnc_batch_release(&l->batch);
        l->row = 0;
        if (l->current == l->n_tables) {
            *more = false;
            return GEN_OK;
        }
        const struct gen_lance_table *t = &l->tables[l->current];
        if (!l->scan) {
            struct lnc_scan_options what = {t->columns, t->n_columns, l->batch_rows};
            status = lnc_scan_open(t->dataset, &what, &l->scan, &why);
        }
        if (status == LNC_OK)
            status = lnc_scan_next(l->scan, &l->batch, &why);
        if (status)
            return gen_wrap(err, fail_lnc(l, err, status, &why), "table %s",
                            lnc_dataset_name(t->dataset));
        if (l->batch.n_rows == 0) {
            lnc_scan_close(l->scan);
            l->scan = NULL;
            l->current++;
        }
    }
    return GEN_OK;
}

/* NULL if the table has no such field. Where a struct is null, so are its members. */
static const struct lnc_column *column_at(const struct lancedb *l, const struct gen_lance_table *t,
                                          enum gen_field field)
{
    if (t->column_of[field] == GEN_NO_COLUMN)
        return NULL;
    const struct lnc_column *column = &l->batch.columns[t->column_of[field]];
    return t->member_of[field] == GEN_NO_COLUMN ? column : &column->children[t->member_of[field]];
}

static struct gen_str text_at(const struct lancedb *l, const struct gen_lance_table *t,
                              enum gen_field field)
{
    struct gen_str text = {NULL, 0};
    const struct lnc_column *column = column_at(l, t, field);
    if (column && column->kind == LNC_KIND_STRING)
        text.p = lnc_column_string(column, l->row, &text.n);
    return text;
}

static int row_id(const struct lancedb *l, const struct gen_lance_table *t, uint64_t row,
                  struct gen_buf *id, struct gen_error *err)
{
    struct gen_str text = text_at(l, t, GEN_FIELD_ID);
    if (!gen_text_is_blank(text))
        return gen_buf_add_str(id, text, err);
    const struct lnc_column *column = column_at(l, t, GEN_FIELD_ID);
    if (column) {
        if (gen_lance_is_integer(column->kind) && !lnc_column_is_null(column, l->row)) {
            long long number = (long long)lnc_column_int64(column, l->row);
            if (column->kind == LNC_KIND_UINT64)
                return gen_buf_printf(id, err, "%llu", (unsigned long long)number);
            return gen_buf_printf(id, err, "%lld", number);
        }
    }
    return gen_buf_printf(id, err, "%s-%llu", lnc_dataset_name(t->dataset),
                          (unsigned long long)row);
}

static int take_row(struct lancedb *l, struct gen_chunk **out, struct gen_corpus_counts *counts,
                    struct gen_error *err)
{
    const struct gen_lance_table *t = &l->tables[l->current];
    uint64_t row = l->batch.first_row + l->row + 1;
    struct gen_chunk model = {
        .content = text_at(l, t, GEN_FIELD_CONTENT),
        .source = text_at(l, t, GEN_FIELD_SOURCE),
        .title = text_at(l, t, GEN_FIELD_TITLE),
        .section = text_at(l, t, GEN_FIELD_SECTION),
    };
    counts->n_rows++;
    if (gen_text_is_blank(model.content)) {
        const char *name = lnc_dataset_name(t->dataset);
        const char *reason = model.content.p ? "the text is blank" : "the text is null";
        gen_counts_malformed(counts, "%s table %s row %llu: %s", l->path, name,
                             (unsigned long long)row, reason);
        if (counts->n_malformed <= LOGGED_ROWS_MAX)
            gen_log(
                l->log, GEN_LOG_WARN, "malformed_row", "%s table %s row %llu is passed over: %s%s",
                l->path, name, (unsigned long long)row, reason,
                counts->n_malformed == LOGGED_ROWS_MAX ? "; further ones are only counted" : "");
        return GEN_OK;
    }
    if (model.source.n == 0)
        model.source = GEN_STR("unknown");
    gen_chunk_set_language(&model, t->is_code, text_at(l, t, GEN_FIELD_SOURCE_TYPE),
                           text_at(l, t, GEN_FIELD_LANGUAGE));
    struct gen_buf id = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = row_id(l, t, row, &id, err);
    model.id = gen_buf_str(&id);
    if (rc == GEN_OK)
        rc = gen_chunk_clean(out, &model, counts, err);
    gen_buf_release(&id);
    return rc;
}

static int try_next(void *state, struct gen_loop *loop, struct gen_chunk **out, bool *is_late,
                    struct gen_corpus_counts *counts, struct gen_error *err)
{
    struct lancedb *l = state;
    struct gen_chunk *chunk = NULL;
    bool more = true;
    *is_late = false;
    while (!chunk) {
        int rc = GEN_OK;
        if (!l->store)
            rc = next_batch(l, &more, err);
        else if (l->row == l->batch.n_rows)
            rc = take_batch(l, loop, &more, is_late, err);
        if (rc)
            return rc;
        if (!more || *is_late)
            break;
        rc = take_row(l, &chunk, counts, err);
        if (rc)
            return rc;
        l->row++;
    }
    *out = chunk;
    return GEN_OK;
}

static int lancedb_next(void *state, struct gen_chunk **out, struct gen_corpus_counts *counts,
                        struct gen_error *err)
{
    bool is_late = false;
    return try_next(state, NULL, out, &is_late, counts, err);
}

const struct gen_corpus_driver gen_corpus_lancedb = {
    .name = "lancedb",
    .recognises = lancedb_recognises,
    .open = lancedb_open,
    .count = lancedb_count,
    .next = lancedb_next,
    .try_next = try_next,
    .rewind = lancedb_rewind,
    .close = lancedb_close,
};
