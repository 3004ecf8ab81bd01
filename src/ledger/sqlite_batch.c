#include "ledger/sqlite_int.h"

/* 128 MB of keys. Providers take 100,000 requests a batch at most. */
#define KEYS_MAX ((size_t)4 << 20)

int gen_sqlite_batch_begin(void *state, const struct gen_ledger_batch *batch,
                           const struct gen_digest *keys, size_t n_keys, int64_t *id,
                           struct gen_error *err)
{
    struct gen_sqlite *s = state;
    int64_t batch_id = 0;

    if (n_keys == 0)
        return gen_fail(err, GEN_ESTATE, "a batch without requests cannot begin");
    if (n_keys > KEYS_MAX)
        return gen_fail(err, GEN_ELIMIT,
                        "a batch of %zu requests is over the ledger's limit of %zu", n_keys,
                        KEYS_MAX);
    /* Both before anything is written: a refusal must not leave half a batch. */
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_BATCH_BEGIN, err);
    sqlite3_stmt *put_keys = stmt ? gen_sqlite_stmt(s, GEN_STMT_BATCH_KEYS, err) : NULL;
    if (put_keys == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, batch->n_requests);
    (void)sqlite3_bind_int64(stmt, 2, gen_sqlite_now_us());
    (void)sqlite3_bind_int64(stmt, 3, batch->run_id);
    gen_sqlite_bind_text(stmt, 4, batch->provider);
    gen_sqlite_bind_text(stmt, 5, batch->base_url);
    gen_sqlite_bind_text(stmt, 6, batch->model);
    gen_sqlite_bind_text(stmt, 7, batch->marker);
    int rc = gen_sqlite_write_row(s, stmt, err);
    if (rc != GEN_OK)
        return rc;
    batch_id = sqlite3_last_insert_rowid(s->db);
    (void)sqlite3_bind_int64(put_keys, 1, batch_id);
    (void)sqlite3_bind_blob64(put_keys, 2, keys, n_keys * GEN_SHA256_BYTES, SQLITE_STATIC);
    rc = gen_sqlite_write_row(s, put_keys, err);
    if (rc == GEN_OK)
        *id = batch_id;
    return rc;
}

static int fail_no_batch(const struct gen_sqlite *s, int64_t id, struct gen_error *err)
{
    return gen_fail(err, GEN_ESTATE, "batch %lld is not in the ledger %s", (long long)id, s->path);
}

/* What a canceled batch had answered before can still be collected, or turn out to be nothing. */
static bool may_become(enum gen_batch_state from, enum gen_batch_state to)
{
    switch (from) {
    case GEN_BATCH_SUBMITTING:
        return true;
    case GEN_BATCH_RUNNING:
        return to != GEN_BATCH_SUBMITTING;
    case GEN_BATCH_CANCELED:
        return to == GEN_BATCH_CANCELED || to == GEN_BATCH_COLLECTED || to == GEN_BATCH_FAILED;
    case GEN_BATCH_COLLECTED:
    case GEN_BATCH_FAILED:
        break;
    }
    return from == to;
}

static int batch_state_of(struct gen_sqlite *s, int64_t id, enum gen_batch_state *out,
                          struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_BATCH_STATE, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, id);
    int step = sqlite3_step(stmt);
    int number = step == SQLITE_ROW ? sqlite3_column_int(stmt, 0) : 0;
    (void)sqlite3_reset(stmt);
    if (step == SQLITE_DONE)
        return fail_no_batch(s, id, err);
    if (step != SQLITE_ROW)
        return gen_sqlite_break(s, step, "read", err);
    *out = (enum gen_batch_state)number;
    return GEN_OK;
}

int gen_sqlite_batch_update(void *state, int64_t id, enum gen_batch_state batch_state,
                            struct gen_str remote_id, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    enum gen_batch_state now = GEN_BATCH_SUBMITTING;
    int rc = batch_state_of(s, id, &now, err);

    if (rc != GEN_OK)
        return rc;
    if (!may_become(now, batch_state))
        return gen_fail(err, GEN_ESTATE,
                        "batch %lld of the ledger %s cannot go from state %d to %d", (long long)id,
                        s->path, (int)now, (int)batch_state);
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_BATCH_UPDATE, err);
    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, id);
    (void)sqlite3_bind_int(stmt, 2, (int)batch_state);
    (void)sqlite3_bind_int64(stmt, 3, gen_sqlite_now_us());
    gen_sqlite_bind_text(stmt, 4, remote_id);
    return gen_sqlite_write_row(s, stmt, err);
}

int gen_sqlite_batches(void *state, gen_ledger_batch_fn *fn, void *ud, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = NULL;
    int step = SQLITE_DONE;

    if (s->version < GEN_SQLITE_VERSION_BATCHES)
        return GEN_OK;
    int rc = gen_sqlite_query(s,
                              "SELECT id, state, n_requests, submitted_us, run, provider, base_url,"
                              " model, marker, remote_id FROM batches ORDER BY id",
                              &stmt, err);
    while (rc == GEN_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct gen_ledger_batch batch = {
            .id = sqlite3_column_int64(stmt, 0),
            .state = (enum gen_batch_state)sqlite3_column_int(stmt, 1),
            .n_requests = sqlite3_column_int64(stmt, 2),
            .submitted_unix_us = sqlite3_column_int64(stmt, 3),
            .run_id = sqlite3_column_int64(stmt, 4),
            .provider = gen_sqlite_column_text(stmt, 5),
            .base_url = gen_sqlite_column_text(stmt, 6),
            .model = gen_sqlite_column_text(stmt, 7),
            .marker = gen_sqlite_column_text(stmt, 8),
            .remote_id = gen_sqlite_column_text(stmt, 9),
        };
        rc = fn(ud, &batch, err);
    }
    if (rc == GEN_OK && step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_finalize(stmt);
    return rc;
}

static int each_key(struct gen_str bytes, gen_ledger_key_fn *fn, void *ud, struct gen_error *err)
{
    int rc = GEN_OK;

    for (size_t at = 0; rc == GEN_OK && at + GEN_SHA256_BYTES <= bytes.n; at += GEN_SHA256_BYTES) {
        struct gen_digest key;
        memcpy(key.bytes, bytes.p + at, sizeof key.bytes);
        rc = fn(ud, &key, err);
    }
    return rc;
}

int gen_sqlite_batch_keys(void *state, int64_t id, gen_ledger_key_fn *fn, void *ud,
                          struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = NULL;

    if (s->version < GEN_SQLITE_VERSION_BATCHES)
        return fail_no_batch(s, id, err);
    int rc = gen_sqlite_query(s, "SELECT keys FROM batch_keys WHERE batch = ?1", &stmt, err);
    if (rc != GEN_OK)
        return rc;
    (void)sqlite3_bind_int64(stmt, 1, id);
    int step = sqlite3_step(stmt);
    struct gen_str bytes = step == SQLITE_ROW ? gen_sqlite_column_text(stmt, 0) : GEN_STR("");
    if (step == SQLITE_DONE)
        rc = fail_no_batch(s, id, err);
    else if (step != SQLITE_ROW)
        rc = gen_sqlite_fail(s, step, "read", err);
    else if (bytes.n == 0 || bytes.n % GEN_SHA256_BYTES != 0)
        rc = gen_fail(err, GEN_EIO, "the keys of batch %lld in the ledger %s are damaged",
                      (long long)id, s->path);
    else
        rc = each_key(bytes, fn, ud, err);
    (void)sqlite3_finalize(stmt);
    return rc;
}
