#include "ledger/sqlite_int.h"

#include <errno.h>
#include <string.h>

static const char *const stmt_sql[GEN_STMT_COUNT] = {
    [GEN_STMT_BEGIN] = "BEGIN IMMEDIATE",
    [GEN_STMT_COMMIT] = "COMMIT",
    [GEN_STMT_ANSWER_FIND] =
        "SELECT text, reasoning, finish, model, tokens_in, tokens_out, tokens_cached, "
        "tokens_reasoning, cost_microusd, latency_us, answered_us, run "
        "FROM answers WHERE id = ?1 AND key = ?2 AND run >= ?3 AND run < ?4",
    [GEN_STMT_ANSWER_IS] =
        "SELECT run FROM answers WHERE id = ?1 AND key = ?2 AND run >= ?3 AND run < ?4",
    [GEN_STMT_ANSWER_INDEX_FIND] = "SELECT answer FROM answer_index WHERE key64 = ?1 "
                                   "ORDER BY answer DESC",
    [GEN_STMT_ANSWER_INDEX_OLD] = "SELECT id FROM answers WHERE key64 = ?1 ORDER BY id DESC",
    [GEN_STMT_ANSWER_INDEX_PUT] = "INSERT INTO answer_index (answer, key64) VALUES (?1, ?2)",
    [GEN_STMT_ANSWER_INDEXED] = "UPDATE progress SET indexed = ?1",
    [GEN_STMT_ANSWER_TAIL] = "SELECT id, key64, 0 FROM answers WHERE id > ?1",
    [GEN_STMT_ANSWER_PUT] =
        "INSERT INTO answers (key64, key, run, answered_us, latency_us, tokens_in, tokens_out, "
        "tokens_cached, tokens_reasoning, cost_microusd, finish, model, reasoning, text) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [GEN_STMT_ATTEMPT_SENT] = "INSERT INTO attempts (key, run, attempt, state, sent_us, step) "
                              "VALUES (?1, ?2, ?3, 2, ?4, ?5)",
    [GEN_STMT_ATTEMPT_END] =
        "UPDATE attempts SET state = ?2, ended_us = ?3, latency_us = ?4, http_status = ?5, "
        "class = ?6, class_name = ?7, message = ?8, tokens_in = ?9, tokens_out = ?10, "
        "tokens_cached = ?11, tokens_reasoning = ?12, cost_microusd = ?13 "
        "WHERE id = ?1 AND state = ?14",
    [GEN_STMT_RUN_BEGIN] =
        "INSERT INTO runs (started_us, seed, first_attempt, command, arguments, version) VALUES "
        "(?1, ?2, (SELECT coalesce(max(id), 0) + 1 FROM attempts), ?3, ?4, ?5)",
    [GEN_STMT_RUN_END] = "UPDATE runs SET ended_us = ?2, exit_status = ?3, account = ?4 "
                         "WHERE id = ?1 AND ended_us IS NULL",
    [GEN_STMT_CHUNK_FIND] =
        "SELECT kind, chunk_id, source, title, section, language, content FROM chunks "
        "WHERE id = ?1 AND chunk_id = ?2 AND source = coalesce(?3, source)",
    [GEN_STMT_CHUNK_HASH] =
        "SELECT content64 FROM chunks WHERE id = ?1 AND chunk_id = ?2 AND source = ?3",
    [GEN_STMT_CHUNK_INDEX_FIND] = "SELECT chunk FROM chunk_index WHERE id64 = ?1 AND source64 = ?2",
    [GEN_STMT_CHUNK_INDEX_FIND_ID] = "SELECT chunk FROM chunk_index WHERE id64 = ?1",
    [GEN_STMT_CHUNK_INDEX_OLD] = "SELECT id FROM chunks WHERE id64 = ?1 AND source64 = ?2",
    [GEN_STMT_CHUNK_INDEX_OLD_ID] = "SELECT id FROM chunks WHERE id64 = ?1",
    [GEN_STMT_CHUNK_INDEX_PUT] =
        "INSERT INTO chunk_index (chunk, id64, source64) VALUES (?1, ?2, ?3)",
    [GEN_STMT_CHUNK_INDEXED] = "UPDATE progress SET chunks_indexed = ?1",
    [GEN_STMT_CHUNK_TAIL] = "SELECT id, id64, source64 FROM chunks WHERE id > ?1",
    [GEN_STMT_CHUNK_PUT] =
        "INSERT INTO chunks (id64, source64, content64, kind, chunk_id, source, title, section, "
        "language, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [GEN_STMT_CHUNK_REPLACE] = "UPDATE chunks SET content64 = ?2, kind = ?3, title = ?4, "
                               "section = ?5, language = ?6, content = ?7 WHERE id = ?1",
    [GEN_STMT_NOTE_PUT] = "INSERT INTO notes (name, value) VALUES (?1, ?2) "
                          "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    [GEN_STMT_NOTE_FIND] = "SELECT value FROM notes WHERE name = ?1",
    [GEN_STMT_BATCH_BEGIN] =
        "INSERT INTO batches (state, n_requests, submitted_us, changed_us, run, provider, "
        "base_url, "
        "model, marker, remote_id) VALUES (1, ?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, '')",
    [GEN_STMT_BATCH_KEYS] = "INSERT INTO batch_keys (batch, keys) VALUES (?1, ?2)",
    [GEN_STMT_BATCH_STATE] = "SELECT state FROM batches WHERE id = ?1",
    [GEN_STMT_BATCH_UPDATE] =
        "UPDATE batches SET state = ?2, changed_us = ?3, "
        "remote_id = CASE WHEN ?4 = '' THEN remote_id ELSE ?4 END WHERE id = ?1",
};

int gen_sqlite_fail(const struct gen_sqlite *s, int rc, const char *doing, struct gen_error *err)
{
    const char *path = s->path;
    int sys_errno = s->db != NULL ? sqlite3_system_errno(s->db) : 0;

    /* SQLite keeps no number for a failed COMMIT; the steps that write have set errno to 0 before.
     */
    if (sys_errno == 0 && (rc & 0xff) == SQLITE_IOERR)
        sys_errno = errno;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return gen_nomem(err, "the ledger");
    case SQLITE_FULL:
        return gen_fail(err, GEN_EIO,
                        "cannot %s the ledger %s: the disk is full; free some space and run the "
                        "same command again, what was committed is kept",
                        doing, path);
    case SQLITE_NOTADB:
        return gen_fail(err, GEN_EINPUT,
                        "%s is no ledger: it is not an SQLite file; give --ledger another path",
                        path);
    case SQLITE_CORRUPT:
        return gen_fail(err, GEN_EIO,
                        "cannot %s the ledger %s: the file is damaged; put it aside and run the "
                        "command again, or save what is readable with: sqlite3 '%s' .recover",
                        doing, path, path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return gen_fail(err, GEN_ESTATE,
                        "cannot %s the ledger %s: another program holds a lock on it; close that "
                        "program and run the command again",
                        doing, path);
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return gen_fail(err, GEN_EIO,
                        "cannot %s the ledger %s: no permission for the file or its folder, or "
                        "the file system is read-only; give --ledger another path",
                        doing, path);
    default:
        break;
    }
    if (sys_errno != 0)
        return gen_fail_errno(err, GEN_EIO, sys_errno, "cannot %s the ledger %s", doing, path);
    return gen_fail(err, GEN_EIO, "cannot %s the ledger %s: %s", doing, path,
                    s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

int gen_sqlite_break(struct gen_sqlite *s, int rc, const char *doing, struct gen_error *err)
{
    int code = gen_sqlite_fail(s, rc, doing, &s->fault);

    for (int i = 0; i < GEN_STMT_COUNT; i++)
        (void)sqlite3_reset(s->stmts[i]);
    /* Its result says nothing new: most write errors have rolled back already. */
    if (sqlite3_get_autocommit(s->db) == 0)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    if (err != NULL)
        *err = s->fault;
    return code;
}

sqlite3_stmt *gen_sqlite_stmt(struct gen_sqlite *s, enum gen_sqlite_stmt which,
                              struct gen_error *err)
{
    sqlite3_stmt **stmt = &s->stmts[which];

    if (s->fault.code != GEN_OK) {
        if (err != NULL)
            *err = s->fault;
        return NULL;
    }
    if (*stmt != NULL)
        return *stmt;
    int rc = sqlite3_prepare_v3(s->db, stmt_sql[which], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    if (rc != SQLITE_OK) {
        (void)gen_sqlite_fail(s, rc, "read", err);
        return NULL;
    }
    return *stmt;
}

int gen_sqlite_stmt_code(const struct gen_sqlite *s)
{
    return s->fault.code != GEN_OK ? (int)s->fault.code : GEN_EIO;
}

int gen_sqlite_query(const struct gen_sqlite *s, const char *sql, sqlite3_stmt **out,
                     struct gen_error *err)
{
    if (s->fault.code != GEN_OK) {
        if (err != NULL)
            *err = s->fault;
        return (int)s->fault.code;
    }
    int rc = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);
    return rc == SQLITE_OK ? GEN_OK : gen_sqlite_fail(s, rc, "read", err);
}

static int run_plain(struct gen_sqlite *s, enum gen_sqlite_stmt which, const char *doing,
                     struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, which, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    errno = 0;
    int rc = sqlite3_step(stmt);
    /* Nothing is lost when a transaction cannot start because someone else holds the file. */
    bool may_retry = which == GEN_STMT_BEGIN && (rc & 0xff) == SQLITE_BUSY;
    if (rc != SQLITE_DONE && !may_retry)
        return gen_sqlite_break(s, rc, doing, err);
    (void)sqlite3_reset(stmt);
    return may_retry ? gen_sqlite_fail(s, rc, doing, err) : GEN_OK;
}

static int sqlite_begin(void *state, struct gen_error *err)
{
    return run_plain(state, GEN_STMT_BEGIN, "write", err);
}

/* One tail a commit: a commit must not take long. */
static int shorten_tails(struct gen_sqlite *s, struct gen_error *err)
{
    for (int i = 0; i < GEN_SQLITE_INDEX_COUNT; i++) {
        if (gen_sqlite_tail_is_long(s, (enum gen_sqlite_index)i))
            return gen_sqlite_tail_merge(s, (enum gen_sqlite_index)i, err);
    }
    return GEN_OK;
}

static int sqlite_commit(void *state, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    int rc = s->fault.code == GEN_OK ? shorten_tails(s, err) : GEN_OK;

    return rc != GEN_OK ? rc : run_plain(s, GEN_STMT_COMMIT, "write", err);
}

const struct gen_ledger_driver gen_ledger_sqlite = {
    .scheme = "sqlite",
    .open = gen_sqlite_open,
    .close = gen_sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .run_begin = gen_sqlite_run_begin,
    .run_end = gen_sqlite_run_end,
    .find = gen_sqlite_find,
    .attempt_sent = gen_sqlite_attempt_sent,
    .attempt_answered = gen_sqlite_attempt_answered,
    .attempt_ended = gen_sqlite_attempt_ended,
    .chunk_put = gen_sqlite_chunk_put,
    .chunk_find = gen_sqlite_chunk_find,
    .note_put = gen_sqlite_note_put,
    .note_find = gen_sqlite_note_find,
    .totals = gen_sqlite_totals,
    .answer_put = gen_sqlite_answer_put,
    .runs = gen_sqlite_runs,
    .tallies = gen_sqlite_tallies,
    .batch_begin = gen_sqlite_batch_begin,
    .batch_update = gen_sqlite_batch_update,
    .batches = gen_sqlite_batches,
    .batch_keys = gen_sqlite_batch_keys,
    .timeline = gen_sqlite_timeline,
};
