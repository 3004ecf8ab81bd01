/*
 * What the rooms of the SQLite driver share. sqlite_open.c: files, settings. sqlite_schema.c: the
 * tables and their versions. sqlite_lock.c: one writer at a time. sqlite_rows.c: answers, attempts,
 * notes. sqlite_chunks.c: chunks. sqlite_tail.c: where answers and chunks are. sqlite_batch.c:
 * batches. sqlite_sums.c: what reads many rows. sqlite_timeline.c: attempts over time. sqlite.c:
 * transactions, errors, the table.
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
#define GEN_SQLITE_VERSION_BATCHES  2 /* the first that has tables of batches */
#define GEN_SQLITE_VERSION_INDEX    2 /* and answer_index, chunk_index */
#define GEN_SQLITE_CANDIDATES_MAX   ((size_t)64)
#define GEN_SQLITE_ABSENT_SLOTS     ((size_t)16384)

enum gen_sqlite_stmt {
    GEN_STMT_BEGIN,
    GEN_STMT_COMMIT,
    GEN_STMT_ANSWER_FIND,
    GEN_STMT_ANSWER_IS,
    GEN_STMT_ANSWER_PUT,
    GEN_STMT_ANSWER_INDEX_FIND,
    GEN_STMT_ANSWER_INDEX_OLD,
    GEN_STMT_ANSWER_INDEX_PUT,
    GEN_STMT_ANSWER_INDEXED,
    GEN_STMT_ANSWER_TAIL,
    GEN_STMT_ATTEMPT_SENT,
    GEN_STMT_ATTEMPT_END,
    GEN_STMT_RUN_BEGIN,
    GEN_STMT_RUN_END,
    GEN_STMT_CHUNK_FIND,
    GEN_STMT_CHUNK_HASH,
    GEN_STMT_CHUNK_INDEX_FIND,
    GEN_STMT_CHUNK_INDEX_FIND_ID,
    GEN_STMT_CHUNK_INDEX_OLD,
    GEN_STMT_CHUNK_INDEX_OLD_ID,
    GEN_STMT_CHUNK_INDEX_PUT,
    GEN_STMT_CHUNK_INDEXED,
    GEN_STMT_CHUNK_TAIL,
    GEN_STMT_CHUNK_PUT,
    GEN_STMT_CHUNK_REPLACE,
    GEN_STMT_NOTE_PUT,
    GEN_STMT_NOTE_FIND,
    GEN_STMT_BATCH_BEGIN,
    GEN_STMT_BATCH_KEYS,
    GEN_STMT_BATCH_STATE,
    GEN_STMT_BATCH_UPDATE,
    GEN_STMT_COUNT
};

struct gen_sqlite_lock {
    int fd; /* -1: not held */
    char *path;
};

/* What an index orders rows by: of answers the first 8 bytes of the key, and 0; of chunks the
 * hashes of id and source. */
struct gen_sqlite_key {
    int64_t first, second;
};

struct gen_sqlite_entry {
    struct gen_sqlite_key key;
    int64_t row; /* 0: an empty place */
};

/* Rows that are not in their index yet (sqlite_tail.c). */
struct gen_sqlite_tail {
    struct gen_sqlite_entry *places; /* an open hash table, at most half full */
    size_t n_places;                 /* a power of two, or 0 */
    size_t n;
    int64_t last;  /* the newest row; at first the last one in the index */
    bool is_begun; /* `last` was read */
};

enum gen_sqlite_index { GEN_SQLITE_INDEX_ANSWERS, GEN_SQLITE_INDEX_CHUNKS, GEN_SQLITE_INDEX_COUNT };

/* Rows whose keys are like the one that is looked for: one, as good as always, but of an answer
 * that was asked for anew (--fresh) all of its runs', the newest GEN_SQLITE_CANDIDATES_MAX. */
struct gen_sqlite_candidates {
    int64_t rows[GEN_SQLITE_CANDIDATES_MAX];
    size_t n;
};

struct gen_sqlite {
    sqlite3 *db;
    char *path;
    struct gen_sqlite_lock lock;
    bool read_only;
    int version; /* of the file's tables; an older one than ours only when it is read-only */
    int64_t n_attempts_open; /* sent by this process and not yet ended */
    struct gen_sqlite_tail tails[GEN_SQLITE_INDEX_COUNT];
    int64_t absent[GEN_SQLITE_ABSENT_SLOTS]; /* beginnings of keys that answer_index has not */
    struct gen_buf row;                      /* what the last find returned views of */
    struct gen_error fault;                  /* code 0 until a write fails */
    sqlite3_stmt *stmts[GEN_STMT_COUNT];     /* prepared at first use */
};

/* Makes `err` from SQLite's result code `rc`; `doing` as in "cannot <doing> <path>: ...". */
int gen_sqlite_fail(const struct gen_sqlite *s, int rc, const char *doing, struct gen_error *err);
/* The same for a write: the connection is broken from here on, and the transaction gone. */
int gen_sqlite_break(struct gen_sqlite *s, int rc, const char *doing, struct gen_error *err);

/* The statement, prepared and reset, its old bindings still there. NULL with `err` set. */
sqlite3_stmt *gen_sqlite_stmt(struct gen_sqlite *s, enum gen_sqlite_stmt which,
                              struct gen_error *err);

/* What gen_sqlite_stmt left undone when it gave NULL. */
int gen_sqlite_stmt_code(const struct gen_sqlite *s);
/* A statement of the caller's own, to be finalized by it: for walks that may be nested. */
GEN_MUST_USE int gen_sqlite_query(const struct gen_sqlite *s, const char *sql, sqlite3_stmt **out,
                                  struct gen_error *err);
void gen_sqlite_bind_text(sqlite3_stmt *stmt, int index, struct gen_str text);
/* The text or bytes of a column, good until the statement is stepped or finalized. */
struct gen_str gen_sqlite_column_text(sqlite3_stmt *stmt, int column);
/* Copies `n` text columns from `first` on into s->row, so that the statement, and with it SQLite's
 * read transaction, need not stay open for the caller. */
GEN_MUST_USE int gen_sqlite_take_texts(struct gen_sqlite *s, sqlite3_stmt *stmt, int first, int n,
                                       struct gen_str *const *out, struct gen_error *err);
/* Steps a writing statement to its end. */
GEN_MUST_USE int gen_sqlite_write_row(struct gen_sqlite *s, sqlite3_stmt *stmt,
                                      struct gen_error *err);
/* Unix time. */
int64_t gen_sqlite_now_us(void);

/* Looks before anything is changed, so that a foreign database stays as it is; sets s->version. */
GEN_MUST_USE int gen_sqlite_check_identity(struct gen_sqlite *s, bool *is_new,
                                           struct gen_error *err);
/* Makes the tables of a new file, or those that an older version lacks: one transaction. */
GEN_MUST_USE int gen_sqlite_make_schema(struct gen_sqlite *s, bool is_new, struct gen_error *err);
int gen_sqlite_exec(const struct gen_sqlite *s, const char *sql, const char *doing,
                    struct gen_error *err);
/* First column of the first row, as SQLite's result code. */
int gen_sqlite_query_int(sqlite3 *db, const char *sql, int64_t *out);

int64_t gen_sqlite_key64(const struct gen_digest *key);
/* Rows of the index's table that have this key, wherever they are. */
GEN_MUST_USE int gen_sqlite_candidates_find(struct gen_sqlite *s, enum gen_sqlite_index which,
                                            struct gen_sqlite_key key,
                                            struct gen_sqlite_candidates *c, struct gen_error *err);
/* The same for all keys of chunks that begin so, but no more than `c` holds. */
GEN_MUST_USE int gen_sqlite_chunks_of_id(struct gen_sqlite *s, int64_t id64,
                                         struct gen_sqlite_candidates *c, struct gen_error *err);
/* A row that was inserted in this transaction. */
GEN_MUST_USE int gen_sqlite_tail_add(struct gen_sqlite *s, enum gen_sqlite_index which,
                                     struct gen_sqlite_entry entry, struct gen_error *err);
/* Reads the rows behind `last`, at first those behind the index. */
GEN_MUST_USE int gen_sqlite_tail_load(struct gen_sqlite *s, enum gen_sqlite_index which,
                                      struct gen_error *err);
/* Whether it is time to move the tail to its index, and doing so, within a transaction. */
bool gen_sqlite_tail_is_long(const struct gen_sqlite *s, enum gen_sqlite_index which);
GEN_MUST_USE int gen_sqlite_tail_merge(struct gen_sqlite *s, enum gen_sqlite_index which,
                                       struct gen_error *err);
void gen_sqlite_tail_release(struct gen_sqlite_tail *t);

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
int gen_sqlite_find(void *state, const struct gen_digest *key, struct gen_run_span span,
                    bool *found, struct gen_answer *out, struct gen_error *err);
int gen_sqlite_attempt_sent(void *state, const struct gen_digest *key, int64_t run_id,
                            struct gen_str step, int attempt, int64_t *attempt_id,
                            struct gen_error *err);
int gen_sqlite_answer_put(void *state, const struct gen_digest *key, const struct gen_answer *a,
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
int gen_sqlite_runs(void *state, gen_ledger_run_fn *fn, void *ud, struct gen_error *err);
int gen_sqlite_tallies(void *state, int64_t run_id, gen_ledger_tally_fn *fn, void *ud,
                       struct gen_error *err);
int gen_sqlite_timeline(void *state, size_t n_slots_max, int64_t *width_us, gen_ledger_slot_fn *fn,
                        void *ud, struct gen_error *err);
int gen_sqlite_batch_begin(void *state, const struct gen_ledger_batch *batch,
                           const struct gen_digest *keys, size_t n_keys, int64_t *id,
                           struct gen_error *err);
int gen_sqlite_batch_update(void *state, int64_t id, enum gen_batch_state batch_state,
                            struct gen_str remote_id, struct gen_error *err);
int gen_sqlite_batches(void *state, gen_ledger_batch_fn *fn, void *ud, struct gen_error *err);
int gen_sqlite_batch_keys(void *state, int64_t id, gen_ledger_key_fn *fn, void *ud,
                          struct gen_error *err);

#endif
