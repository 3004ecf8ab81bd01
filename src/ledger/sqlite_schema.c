#include "ledger/sqlite_int.h"

#include <stdio.h>

/* "GenL" in the header of the file, where file(1) and we look for it. */
#define APPLICATION_ID        0x47656e4c
#define SCHEMA_VERSION        3
#define SCHEMA_VERSION_OLDEST 1

#if SQLITE_VERSION_NUMBER >= 3037000
#define STRICT     " STRICT"
#define STRICT_TOO ", STRICT"
#else
#define STRICT     ""
#define STRICT_TOO ""
#endif

/* NULL in a number means that nobody said it. Long texts come last: what stands before them is read
 * without touching their overflow pages. */
static const char tables_1_sql[] =
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY, started_us INTEGER NOT NULL, ended_us INTEGER, exit_status INTEGER,"
    " seed INTEGER NOT NULL, first_attempt INTEGER NOT NULL, command TEXT NOT NULL,"
    " arguments TEXT NOT NULL, version TEXT NOT NULL, account TEXT)" STRICT ";"

    "CREATE TABLE answers ("
    " id INTEGER PRIMARY KEY, key64 INTEGER NOT NULL, key BLOB NOT NULL, run INTEGER NOT NULL,"
    " answered_us INTEGER NOT NULL, latency_us INTEGER NOT NULL, tokens_in INTEGER,"
    " tokens_out INTEGER, tokens_cached INTEGER, tokens_reasoning INTEGER, cost_microusd INTEGER,"
    " finish TEXT NOT NULL, model TEXT NOT NULL, reasoning TEXT NOT NULL,"
    " text TEXT NOT NULL)" STRICT ";"
    "CREATE INDEX answers_key64 ON answers (key64);"

    "CREATE TABLE attempts ("
    " id INTEGER PRIMARY KEY, key BLOB NOT NULL, run INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " state INTEGER NOT NULL, sent_us INTEGER NOT NULL, ended_us INTEGER, latency_us INTEGER,"
    " http_status INTEGER, class INTEGER, tokens_in INTEGER, tokens_out INTEGER,"
    " tokens_cached INTEGER, tokens_reasoning INTEGER, cost_microusd INTEGER, step TEXT NOT NULL,"
    " class_name TEXT, message TEXT)" STRICT ";"

    "CREATE TABLE chunks ("
    " id INTEGER PRIMARY KEY, id64 INTEGER NOT NULL, source64 INTEGER NOT NULL,"
    " content64 INTEGER NOT NULL, kind INTEGER NOT NULL, chunk_id TEXT NOT NULL,"
    " source TEXT NOT NULL, title TEXT NOT NULL, section TEXT NOT NULL, language TEXT NOT NULL,"
    " content TEXT NOT NULL)" STRICT ";"
    "CREATE INDEX chunks_id64 ON chunks (id64, source64);"

    "CREATE TABLE notes (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)" STRICT ";"

    /* Attempts below `settled` have ended: only those of the last process need looking at. */
    "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), settled INTEGER NOT NULL)" STRICT
    ";"
    "INSERT INTO progress VALUES (1, 1);";

/* Version 2. answer_index and chunk_index take the place of indexes on their tables: see
 * sqlite_tail.c. They are made from the old ones, in their order. The keys of a batch are one
 * value, 32 bytes each: they are only ever read together, and 50,000 of them take milliseconds to
 * write. They have a table of their own because a change of a batch's state would write them again.
 */
static const char tables_2_sql[] =
    "CREATE TABLE answer_index (key64 INTEGER NOT NULL, answer INTEGER NOT NULL,"
    " PRIMARY KEY (key64, answer)) WITHOUT ROWID" STRICT_TOO ";"
    "INSERT INTO answer_index SELECT key64, id FROM answers ORDER BY key64, id;"
    "DROP INDEX answers_key64;"
    "ALTER TABLE progress ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE chunk_index (id64 INTEGER NOT NULL, source64 INTEGER NOT NULL,"
    " chunk INTEGER NOT NULL, PRIMARY KEY (id64, source64, chunk)) WITHOUT ROWID" STRICT_TOO ";"
    "INSERT INTO chunk_index SELECT id64, source64, id FROM chunks ORDER BY id64, source64, id;"
    "DROP INDEX chunks_id64;"
    "ALTER TABLE progress ADD COLUMN chunks_indexed INTEGER NOT NULL DEFAULT 0;"
    "UPDATE progress SET indexed = (SELECT coalesce(max(id), 0) FROM answers),"
    " chunks_indexed = (SELECT coalesce(max(id), 0) FROM chunks);"

    "CREATE TABLE batches ("
    " id INTEGER PRIMARY KEY, state INTEGER NOT NULL, n_requests INTEGER NOT NULL,"
    " submitted_us INTEGER NOT NULL, changed_us INTEGER NOT NULL, run INTEGER NOT NULL,"
    " provider TEXT NOT NULL, base_url TEXT NOT NULL, model TEXT NOT NULL, marker TEXT NOT NULL,"
    " remote_id TEXT NOT NULL)" STRICT ";"
    "CREATE TABLE batch_keys (batch INTEGER PRIMARY KEY, keys BLOB NOT NULL)" STRICT ";";

/*
 * Version 3 has the tables of version 2. What is new is that `answers` may have several rows of one
 * key, an answer asked for anew (--fresh) beside the older ones: a program that knows one alone
 * must not write to it.
 */
int gen_sqlite_exec(const struct gen_sqlite *s, const char *sql, const char *doing,
                    struct gen_error *err)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? GEN_OK : gen_sqlite_fail(s, rc, doing, err);
}

int gen_sqlite_query_int(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *out = sqlite3_column_int64(stmt, 0);
            rc = SQLITE_OK;
        }
    }
    int closed = sqlite3_finalize(stmt);
    return rc != SQLITE_OK ? rc : closed;
}

static int fail_foreign(const struct gen_sqlite *s, struct gen_error *err)
{
    return gen_fail(err, GEN_EINPUT,
                    "%s is no ledger: it is an SQLite database of another program; give --ledger "
                    "another path",
                    s->path);
}

int gen_sqlite_check_identity(struct gen_sqlite *s, bool *is_new, struct gen_error *err)
{
    int64_t application_id = 0, version = 0, n_objects = 0;
    int rc = gen_sqlite_query_int(s->db, "PRAGMA application_id", &application_id);

    if (rc == SQLITE_OK)
        rc = gen_sqlite_query_int(s->db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = gen_sqlite_query_int(s->db, "SELECT count(*) FROM sqlite_master", &n_objects);
    if (rc != SQLITE_OK)
        return gen_sqlite_fail(s, rc, "open", err);

    *is_new = application_id == 0 && version == 0 && n_objects == 0;
    if (*is_new)
        return s->read_only ? gen_fail(err, GEN_EINPUT, "the ledger %s is empty", s->path) : GEN_OK;
    if (application_id != APPLICATION_ID)
        return fail_foreign(s, err);
    if (version > SCHEMA_VERSION)
        return gen_fail(err, GEN_EIO,
                        "the ledger %s has version %lld, this generator knows up to %d; use a "
                        "newer generator or give --ledger another path",
                        s->path, (long long)version, SCHEMA_VERSION);
    if (version < SCHEMA_VERSION_OLDEST)
        return gen_fail(err, GEN_EIO,
                        "the ledger %s has version %lld, which never was; the file is damaged",
                        s->path, (long long)version);
    s->version = (int)version;
    return GEN_OK;
}

int gen_sqlite_make_schema(struct gen_sqlite *s, bool is_new, struct gen_error *err)
{
    const char *doing = is_new ? "make" : "bring up to date";
    char versions[128];

    if (!is_new && s->version == SCHEMA_VERSION)
        return GEN_OK;
    (void)snprintf(versions, sizeof versions,
                   "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION_ID,
                   SCHEMA_VERSION);
    int rc = gen_sqlite_exec(s, "BEGIN IMMEDIATE", doing, err);
    if (rc == GEN_OK && is_new)
        rc = gen_sqlite_exec(s, tables_1_sql, doing, err);
    if (rc == GEN_OK && s->version < GEN_SQLITE_VERSION_INDEX)
        rc = gen_sqlite_exec(s, tables_2_sql, doing, err);
    if (rc == GEN_OK)
        rc = gen_sqlite_exec(s, versions, doing, err);
    if (rc == GEN_OK)
        s->version = SCHEMA_VERSION;
    return rc;
}
