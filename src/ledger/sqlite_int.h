/*
 * What the rooms of the SQLite driver share. sqlite_open.c: files, schema, settings. sqlite_lock.c:
 * one writer at a time. sqlite_rows.c: the statements. sqlite.c: transactions, errors, the table.
 *
 * Invariant: a failed write breaks the connection for good (`fault`). SQLite may have rolled back
 * the whole transaction by itself, so going on could commit half a loop turn.
 */
#ifndef GEN_LEDGER_SQLITE_INT_H
#define GEN_LEDGER_SQLITE_INT_H

#include "base/buf.h"
#include "ledger/ledger.h"

#include <sqlite3.h>

#define GEN_SQLITE_ANSWER_BYTES_MAX ((size_t)256 << 20)

enum gen_sqlite_stmt {
    GEN_STMT_BEGIN,
    GEN_STMT_COMMIT,
    GEN_STMT_ANSWER_FIND,
    GEN_STMT_ANSWER_EXISTS,
    GEN_STMT_ANSWER_PUT,
    GEN_STMT_ATTEMPT_SENT,
    GEN_STMT_ATTEMPT_END,
    GEN_STMT_RUN_BEGIN,
    GEN_STMT_RUN_END,
    GEN_STMT_CHUNK_FIND,
    GEN_STMT_CHUNK_FIND_ID,
    GEN_STMT_CHUNK_HASH,
    GEN_STMT_CHUNK_PUT,
    GEN_STMT_CHUNK_REPLACE,
    GEN_STMT_NOTE_PUT,
    GEN_STMT_NOTE_FIND,
    GEN_STMT_COUNT
};

struct gen_sqlite_lock {
    int fd; /* -1: not held */
    char *path;
};

struct gen_sqlite {
    sqlite3 *db;
    char *path;
    struct gen_sqlite_lock lock;
    bool read_only;
    int64_t n_attempts_open;             /* sent by this process and not yet ended */
    struct gen_buf row;                  /* what the last find returned views of */
    struct gen_error fault;              /* code 0 until a write fails */
    sqlite3_stmt *stmts[GEN_STMT_COUNT]; /* prepared at first use */
};

/* Makes `err` from SQLite's result code `rc`; `doing` as in "cannot <doing> <path>: ...". */
int gen_sqlite_fail(const struct gen_sqlite *s, int rc, const char *doing, struct gen_error *err);
/* The same for a write: the connection is broken from here on, and the transaction gone. */
int gen_sqlite_break(struct gen_sqlite *s, int rc, const char *doing, struct gen_error *err);

/* The statement, prepared and reset, its old bindings still there. NULL with `err` set. */
sqlite3_stmt *gen_sqlite_stmt(struct gen_sqlite *s, enum gen_sqlite_stmt which,
                              struct gen_error *err);

GEN_MUST_USE int gen_sqlite_lock_take(struct gen_sqlite_lock *lock, const char *db_path,
                                      struct gen_error *err);
void gen_sqlite_lock_drop(struct gen_sqlite_lock *lock);

GEN_MUST_USE int gen_sqlite_open(void **state, const char *location, bool read_only,
                                 struct gen_error *err);
void gen_sqlite_close(void *state);

int gen_sqlite_run_begin(void *state, const struct gen_run_info *info, int64_t *run_id,
                         struct gen_error *err);
int gen_sqlite_run_end(void *state, int64_t run_id, int exit_status, struct gen_str account_json,
                       struct gen_error *err);
int gen_sqlite_find(void *state, const struct gen_digest *key, bool *found, struct gen_answer *out,
                    struct gen_error *err);
int gen_sqlite_attempt_sent(void *state, const struct gen_digest *key, int64_t run_id,
                            struct gen_str step, int attempt, int64_t *attempt_id,
                            struct gen_error *err);
int gen_sqlite_attempt_answered(void *state, int64_t attempt_id, const struct gen_digest *key,
                                const struct gen_answer *a, struct gen_error *err);
int gen_sqlite_attempt_ended(void *state, int64_t attempt_id, const struct gen_attempt_end *end,
                             struct gen_error *err);
int gen_sqlite_chunk_put(void *state, const struct gen_ledger_chunk *c, struct gen_error *err);
int gen_sqlite_chunk_find(void *state, struct gen_str id, struct gen_str source, bool *found,
                          struct gen_ledger_chunk *out, struct gen_error *err);
int gen_sqlite_note_put(void *state, struct gen_str name, struct gen_str value,
                        struct gen_error *err);
int gen_sqlite_note_find(void *state, struct gen_str name, bool *found, struct gen_str *value,
                         struct gen_error *err);
int gen_sqlite_totals(void *state, int64_t run_id, struct gen_ledger_totals *out,
                      struct gen_error *err);

#endif
