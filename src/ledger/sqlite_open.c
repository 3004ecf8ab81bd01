#include "ledger/sqlite_int.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BUSY_MS         5000
#define LOOKASIDE_BYTES 8192
#define LOOKASIDE_N     32

/*
 * Small pages because the random order of the keys dirties one index page an answer, and each dirty
 * page of a transaction goes to the write-ahead log whole.
 */
#define SETTINGS_NEW "PRAGMA page_size = 8192; PRAGMA auto_vacuum = NONE;"
#define SETTINGS                                                                                   \
    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA mmap_size = 0;"                \
    "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"        \
    "PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 67108864;"

#define SETTLE "UPDATE progress SET settled = (SELECT coalesce(max(id), 0) + 1 FROM attempts)"
static const char sweep_sql[] = "BEGIN IMMEDIATE;"
                                "UPDATE attempts SET state = 5 WHERE state = 2 AND"
                                " id >= (SELECT settled FROM progress);" SETTLE "; COMMIT";
static const char settle_sql[] = SETTLE;

static int enter_wal(struct gen_sqlite *s, struct gen_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool is_wal = false;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const unsigned char *mode = sqlite3_column_text(stmt, 0);
        is_wal = mode != NULL && memcmp(mode, "wal", sizeof "wal") == 0;
        rc = SQLITE_OK;
    }
    int closed = sqlite3_finalize(stmt);
    if (rc == SQLITE_OK)
        rc = closed;
    if (rc != SQLITE_OK)
        return gen_sqlite_fail(s, rc, "open", err);
    if (!is_wal)
        return gen_fail(err, GEN_EIO,
                        "cannot keep a write-ahead log for %s: the file system has no shared "
                        "memory; give --ledger a path on a local disk",
                        s->path);
    return GEN_OK;
}

static int open_writable(struct gen_sqlite *s, struct gen_error *err)
{
    bool is_new = false;
    int rc = gen_sqlite_lock_take(&s->lock, s->path, err);

    if (rc != GEN_OK)
        return rc;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int db_rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
    if (db_rc != SQLITE_OK)
        return gen_sqlite_fail(s, db_rc, "open", err);
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    /* Rows are made in memory of their own, at two larger pieces an answer: SQLite keeps some at
     * hand. Refused, it allocates as before. */
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_BYTES, LOOKASIDE_N);
    rc = gen_sqlite_check_identity(s, &is_new, err);
    if (rc == GEN_OK && is_new)
        rc = gen_sqlite_exec(s, SETTINGS_NEW, "make", err);
    if (rc == GEN_OK)
        rc = enter_wal(s, err);
    if (rc == GEN_OK)
        rc = gen_sqlite_exec(s, SETTINGS, "open", err);
    if (rc == GEN_OK)
        rc = gen_sqlite_make_schema(s, is_new, err);
    if (rc == GEN_OK)
        rc = gen_sqlite_exec(s, sweep_sql, "write", err);
    return rc != GEN_OK ? rc : gen_sqlite_tail_load(s, GEN_SQLITE_INDEX_ANSWERS, err);
}

/* "file:<path>?immutable=1", with the bytes that mean something in an URI escaped. */
static int immutable_uri(struct gen_buf *uri, const char *path, struct gen_error *err)
{
    int rc = gen_buf_add_c(uri, "file:", err);

    for (const char *p = path; rc == GEN_OK && *p != '\0'; p++) {
        if (*p == '?' || *p == '#' || *p == '%')
            rc = gen_buf_printf(uri, err, "%%%02X", (unsigned)(unsigned char)*p);
        else
            rc = gen_buf_add_char(uri, *p, err);
    }
    return rc != GEN_OK ? rc : gen_buf_add_c(uri, "?immutable=1", err);
}

/* Bytes in the write-ahead log, -1 when there is none. Out of memory counts as a log in use: the
 * careful side. */
static int64_t wal_bytes(const char *path)
{
    struct gen_buf wal = gen_buf_make(GEN_BUF_UNLIMITED);
    struct stat st;
    int64_t n = INT64_MAX;

    if (gen_buf_printf(&wal, NULL, "%s-wal", path) == GEN_OK)
        n = stat(wal.data, &st) == 0 ? (int64_t)st.st_size : -1;
    gen_buf_release(&wal);
    return n;
}

/* Opens and reads something, because SQLite opens lazily. SQLite's result code. */
static int try_read_only(struct gen_sqlite *s, const char *name, int extra_flags)
{
    int64_t ignored = 0;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | extra_flags;
    int rc = sqlite3_open_v2(name, &s->db, flags, NULL);

    if (rc != SQLITE_OK)
        return rc;
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    return gen_sqlite_query_int(s->db, "SELECT count(*) FROM sqlite_master", &ignored);
}

static int open_read_only(struct gen_sqlite *s, struct gen_error *err)
{
    bool is_new = false;
    int db_rc = try_read_only(s, s->path, 0);
    int kind = db_rc & 0xff;

    /* On read-only media SQLite cannot make its shared memory file. Without a log the file is whole
     * by itself, and nobody can change it there. */
    if ((kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY) && wal_bytes(s->path) < 0) {
        struct gen_buf uri = gen_buf_make(GEN_BUF_UNLIMITED);
        (void)sqlite3_close(s->db);
        s->db = NULL;
        int rc = immutable_uri(&uri, s->path, err);
        if (rc == GEN_OK)
            db_rc = try_read_only(s, uri.data, SQLITE_OPEN_URI);
        gen_buf_release(&uri);
        if (rc != GEN_OK)
            return rc;
    }
    if ((kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY) && wal_bytes(s->path) > 0)
        return gen_fail(err, GEN_EIO,
                        "cannot read the ledger %s: part of it is still in %s-wal, and nothing can "
                        "be written in its folder; copy both files to another folder",
                        s->path, s->path);
    if (db_rc != SQLITE_OK)
        return gen_sqlite_fail(s, db_rc, "read", err);
    int rc = gen_sqlite_exec(s, SETTINGS, "read", err);
    return rc != GEN_OK ? rc : gen_sqlite_check_identity(s, &is_new, err);
}

static int check_kind(const char *location, bool read_only, struct gen_error *err)
{
    struct stat st;

    if (stat(location, &st) != 0) {
        int e = errno;
        if (e == ENOENT && !read_only)
            return GEN_OK;
        if (e == ENOENT)
            return gen_fail(err, GEN_EINPUT, "there is no ledger %s", location);
        return gen_fail_errno(err, GEN_EIO, e, "cannot open the ledger %s", location);
    }
    if (S_ISDIR(st.st_mode))
        return gen_fail(err, GEN_EINPUT, "%s is no ledger but a folder; give --ledger a file in it",
                        location);
    if (!S_ISREG(st.st_mode))
        return gen_fail(err, GEN_EINPUT, "%s is no ledger: it is not a regular file", location);
    return GEN_OK;
}

static int make_folder(const char *location, struct gen_error *err)
{
    char *folder = gen_str_dup(gen_path_dir(gen_str_from(location)));
    if (folder == NULL)
        return gen_nomem(err, "the ledger");
    int rc = gen_dir_make(folder, err);
    free(folder);
    return rc;
}

/* SQLite gives ":memory:" and "file:..." meanings of their own; a path is a path. */
static char *plain_path(const char *location)
{
    size_t n = strlen(location);
    size_t prefix = location[0] == ':' || strncmp(location, "file:", 5) == 0 ? 2 : 0;
    char *path = malloc(prefix + n + 1);

    if (path != NULL) {
        memcpy(path, "./", prefix);
        memcpy(path + prefix, location, n + 1);
    }
    return path;
}

static void discard(struct gen_sqlite *s)
{
    (void)sqlite3_close(s->db);
    gen_sqlite_lock_drop(&s->lock);
    gen_buf_release(&s->row);
    for (int i = 0; i < GEN_SQLITE_INDEX_COUNT; i++)
        gen_sqlite_tail_release(&s->tails[i]);
    free(s->path);
    free(s);
}

int gen_sqlite_open(void **state, const char *location, bool read_only, struct gen_error *err)
{
    int rc = check_kind(location, read_only, err);

    if (rc == GEN_OK && !read_only)
        rc = make_folder(location, err);
    if (rc != GEN_OK)
        return rc;

    /* SQLite's account of its memory, which nobody reads, takes a lock at each allocation. Refused,
     * to no harm, when a ledger was open before. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    struct gen_sqlite *s = calloc(1, sizeof *s);
    if (s == NULL)
        return gen_nomem(err, "the ledger");
    s->lock.fd = -1;
    s->read_only = read_only;
    s->row = gen_buf_make(GEN_BUF_UNLIMITED);
    s->path = plain_path(location);
    if (s->path == NULL)
        rc = gen_nomem(err, "the ledger");
    else
        rc = read_only ? open_read_only(s, err) : open_writable(s, err);
    if (rc != GEN_OK) {
        discard(s);
        return rc;
    }
    *state = s;
    return GEN_OK;
}

/*
 * A reader of a ledger at rest makes an empty log and its shared memory, and SQLite lets only a
 * connection that may write remove them. One that opens and closes does, unless others are still
 * there; it writes nothing, as the log is empty. Failing leaves two small files.
 */
static void remove_empty_wal(const char *path)
{
    sqlite3 *db = NULL;
    int64_t ignored;

    if (wal_bytes(path) != 0)
        return;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        (void)gen_sqlite_query_int(db, "PRAGMA user_version", &ignored);
    (void)sqlite3_close(db);
}

static int merge_tails(struct gen_sqlite *s)
{
    int rc = GEN_OK;

    for (int i = 0; rc == GEN_OK && i < GEN_SQLITE_INDEX_COUNT; i++) {
        if (s->tails[i].n > 0)
            rc = gen_sqlite_tail_merge(s, (enum gen_sqlite_index)i, NULL);
    }
    return rc;
}

/* Saves the next start a look at these rows and attempts; that it fails changes nothing. */
static void tidy_up(struct gen_sqlite *s)
{
    if (gen_sqlite_exec(s, "BEGIN IMMEDIATE", "write", NULL) == GEN_OK && merge_tails(s) == GEN_OK)
        (void)gen_sqlite_exec(s, "COMMIT", "write", NULL);
    if (s->n_attempts_open == 0)
        (void)sqlite3_exec(s->db, settle_sql, NULL, NULL, NULL);
}

void gen_sqlite_close(void *state)
{
    struct gen_sqlite *s = state;
    bool can_write = !s->read_only && s->fault.code == GEN_OK;

    if (can_write && sqlite3_get_autocommit(s->db) == 0)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    else if (can_write)
        tidy_up(s);
    for (int i = 0; i < GEN_STMT_COUNT; i++)
        (void)sqlite3_finalize(s->stmts[i]);
    if (s->read_only) {
        (void)sqlite3_close(s->db);
        s->db = NULL;
        remove_empty_wal(s->path);
    }
    discard(s);
}
