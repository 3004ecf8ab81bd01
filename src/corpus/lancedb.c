/* Tables of a LanceDB database, or one table by its folder. The vector is never projected, so it is
 * never read. */
#include "corpus/corpus_int.h"
#include "os/file.h"

#include "lnc/lnc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_TABLE   "text_chunks"
#define LISTED_MAX      30
#define LOGGED_ROWS_MAX 20
#define NO_COLUMN       SIZE_MAX

struct table {
    struct lnc_dataset *dataset;
    const char *columns[GEN_N_FIELDS]; /* projected; belong to the dataset */
    size_t n_columns;
    size_t column_of[GEN_N_FIELDS]; /* index among the projected ones, or NO_COLUMN */
    bool is_code;
};

struct lancedb {
    char *path;
    struct gen_columns columns;
    const struct gen_log *log;
    size_t batch_rows;
    struct table *tables;
    size_t n_tables;
    size_t current;
    struct lnc_scan *scan; /* of the current table */
    struct lnc_batch batch;
    size_t row; /* next one in the batch */
};

static int fail_lnc(struct gen_error *err, int status, const struct lnc_error *why)
{
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
    if (gen_file_kind(path) != GEN_FILE_DIRECTORY)
        return false;
    return gen_str_is(ext, ".lancedb") || gen_str_is(ext, ".lance") || is_table(path) ||
           has_tables(path);
}

/* -- columns -- */

static bool is_integer(enum lnc_kind kind)
{
    return kind >= LNC_KIND_INT8 && kind <= LNC_KIND_UINT64;
}

static bool fits(enum gen_field field, enum lnc_kind kind)
{
    return kind == LNC_KIND_STRING || (field == GEN_FIELD_ID && is_integer(kind));
}

static const struct lnc_column_info *find_column(const struct lnc_dataset *ds, const char *name)
{
    for (size_t i = 0; i < lnc_dataset_n_columns(ds); i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        if (strcmp(info->name, name) == 0)
            return info;
    }
    return NULL;
}

static int fail_missing(const struct lnc_dataset *ds, const char *what, struct gen_error *err)
{
    struct gen_buf names = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < lnc_dataset_n_columns(ds) && i < LISTED_MAX && rc == GEN_OK; i++)
        rc = gen_buf_printf(&names, err, "%s%s", i ? ", " : "", lnc_dataset_column(ds, i)->name);
    if (rc == GEN_OK)
        rc = gen_fail(err, GEN_EINPUT, "table %s has no column %s; its columns are: %s",
                      lnc_dataset_name(ds), what, names.n ? names.data : "(none)");
    gen_buf_release(&names);
    return rc;
}

static void project(struct table *t, enum gen_field field, const char *name)
{
    t->column_of[field] = t->n_columns;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i], name) == 0)
            t->column_of[field] = i;
    }
    if (t->column_of[field] == t->n_columns)
        t->columns[t->n_columns++] = name;
}

static int find_given(struct table *t, enum gen_field field, const char *name,
                      struct gen_error *err)
{
    const struct lnc_column_info *info = find_column(t->dataset, name);
    if (!info)
        return fail_missing(t->dataset, name, err);
    if (!fits(field, info->kind))
        return gen_fail(err, GEN_EINPUT, "column %s of table %s has type %s, but %s is needed",
                        name, lnc_dataset_name(t->dataset), info->logical_type,
                        field == GEN_FIELD_ID ? "text or an integer" : "text");
    project(t, field, info->name);
    return GEN_OK;
}

static int find_by_name(struct table *t, enum gen_field field, struct gen_error *err)
{
    const struct lnc_column_info *unfit = NULL;
    for (const char *const *name = gen_field_names(field); *name; name++) {
        const struct lnc_column_info *info = find_column(t->dataset, *name);
        if (info && fits(field, info->kind)) {
            project(t, field, info->name);
            return GEN_OK;
        }
        if (info && !unfit)
            unfit = info;
    }
    if (field != GEN_FIELD_CONTENT)
        return GEN_OK;
    if (unfit)
        return gen_fail(err, GEN_EINPUT, "column %s of table %s has type %s, but text is needed",
                        unfit->name, lnc_dataset_name(t->dataset), unfit->logical_type);
    return fail_missing(t->dataset,
                        "content or text (name the one with the text with --content-column)", err);
}

static int find_columns(struct table *t, const struct gen_columns *given, struct gen_error *err)
{
    for (int f = 0; f < GEN_N_FIELDS; f++)
        t->column_of[f] = NO_COLUMN;
    for (int f = 0; f < GEN_N_FIELDS; f++) {
        int rc = given->given[f] ? find_given(t, (enum gen_field)f, given->given[f], err)
                                 : find_by_name(t, (enum gen_field)f, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

/* -- opening -- */

static void lancedb_close(void *state)
{
    struct lancedb *l = state;
    if (!l)
        return;
    lnc_batch_release(&l->batch);
    lnc_scan_close(l->scan);
    for (size_t i = 0; i < l->n_tables; i++)
        lnc_dataset_close(l->tables[i].dataset);
    free(l->tables);
    gen_columns_release(&l->columns);
    free(l->path);
    free(l);
}

/* Takes over the dataset. */
static int add_table(struct lancedb *l, struct lnc_dataset *dataset, struct gen_error *err)
{
    struct table *bigger = reallocarray(l->tables, l->n_tables + 1, sizeof(*bigger));
    if (!bigger) {
        lnc_dataset_close(dataset);
        return gen_nomem(err, "a table");
    }
    l->tables = bigger;
    struct table *t = &l->tables[l->n_tables++];
    *t = (struct table){.dataset = dataset};
    struct gen_str name = gen_str_from(lnc_dataset_name(dataset));
    t->is_code = gen_str_find_nocase(name, GEN_STR("code"), 0) < name.n;
    return find_columns(t, &l->columns, err);
}

static int fail_no_table(const char *path, const struct lnc_database *db, const char *wanted,
                         struct gen_error *err)
{
    struct gen_buf names = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = lnc_database_n_tables(db);
    int rc = GEN_OK;
    for (size_t i = 0; i < n && i < LISTED_MAX && rc == GEN_OK; i++)
        rc = gen_buf_printf(&names, err, "%s%s", i ? ", " : "", lnc_database_table(db, i));
    if (rc == GEN_OK && n > LISTED_MAX)
        rc = gen_buf_printf(&names, err, " and %zu more", n - LISTED_MAX);
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
    return status ? fail_lnc(err, status, &why) : add_table(l, dataset, err);
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
        return fail_lnc(err, status, &why);
    int rc = options->n_tables ? GEN_OK : open_default(l, db, err);
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
        return fail_lnc(err, status, &why);
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
    l->path = gen_str_dup(gen_str_from(options->path));
    int rc = l->path ? GEN_OK : gen_nomem(err, "a path");
    if (rc == GEN_OK)
        rc = gen_columns_init(&l->columns, options, err);
    struct lnc_options how = {.version = 0};
    if (rc == GEN_OK)
        rc = choose_version(options->lance_version, &how, err);
    if (rc == GEN_OK)
        rc = is_table(l->path) ? open_table(l, options, &how, err)
                               : open_database(l, options, &how, err);
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
    const struct lancedb *l = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < l->n_tables; i++) {
        struct lnc_error why = {0};
        uint64_t n_rows = 0;
        int status = lnc_dataset_count_rows(l->tables[i].dataset, &n_rows, &why);
        if (status)
            return fail_lnc(err, status, &why);
        if (__builtin_add_overflow(sum, n_rows, &sum))
            return gen_fail(err, GEN_ELIMIT, "the tables of %s have too many rows", l->path);
    }
    *n = sum;
    return GEN_OK;
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
        const struct table *t = &l->tables[l->current];
        if (!l->scan) {
            struct lnc_scan_options what = {t->columns, t->n_columns, l->batch_rows};
            status = lnc_scan_open(t->dataset, &what, &l->scan, &why);
        }
        if (status == LNC_OK)
            status = lnc_scan_next(l->scan, &l->batch, &why);
        if (status)
            return gen_wrap(err, fail_lnc(err, status, &why), "table %s",
                            lnc_dataset_name(t->dataset));
        if (l->batch.n_rows == 0) {
            lnc_scan_close(l->scan);
            l->scan = NULL;
            l->current++;
        }
    }
    return GEN_OK;
}

static struct gen_str text_at(const struct lancedb *l, const struct table *t, enum gen_field field)
{
    struct gen_str text = {NULL, 0};
    if (t->column_of[field] == NO_COLUMN)
        return text;
    const struct lnc_column *column = &l->batch.columns[t->column_of[field]];
    if (column->kind == LNC_KIND_STRING)
        text.p = lnc_column_string(column, l->row, &text.n);
    return text;
}

static int row_id(const struct lancedb *l, const struct table *t, uint64_t row, struct gen_buf *id,
                  struct gen_error *err)
{
    struct gen_str text = text_at(l, t, GEN_FIELD_ID);
    if (!gen_text_is_blank(text))
        return gen_buf_add_str(id, text, err);
    if (t->column_of[GEN_FIELD_ID] != NO_COLUMN) {
        const struct lnc_column *column = &l->batch.columns[t->column_of[GEN_FIELD_ID]];
        if (is_integer(column->kind) && !lnc_column_is_null(column, l->row)) {
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
    const struct table *t = &l->tables[l->current];
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

static int lancedb_next(void *state, struct gen_chunk **out, struct gen_corpus_counts *counts,
                        struct gen_error *err)
{
    struct lancedb *l = state;
    struct gen_chunk *chunk = NULL;
    bool more = true;
    while (!chunk) {
        int rc = next_batch(l, &more, err);
        if (rc)
            return rc;
        if (!more)
            break;
        rc = take_row(l, &chunk, counts, err);
        if (rc)
            return rc;
        l->row++;
    }
    *out = chunk;
    return GEN_OK;
}

const struct gen_corpus_driver gen_corpus_lancedb = {
    .name = "lancedb",
    .recognises = lancedb_recognises,
    .open = lancedb_open,
    .count = lancedb_count,
    .next = lancedb_next,
    .close = lancedb_close,
};
