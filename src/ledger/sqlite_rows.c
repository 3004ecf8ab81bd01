#include "ledger/sqlite_int.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGE_BYTES_MAX ((size_t)500)

static int64_t now_us(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What gen_sqlite_stmt left undone when it gave NULL. */
static int stmt_code(const struct gen_sqlite *s)
{
    return s->fault.code != GEN_OK ? (int)s->fault.code : GEN_EIO;
}

/*
 * Binding cannot fail for our reasons: indexes and sizes are fixed or checked, and SQLITE_STATIC
 * copies nothing. If it fails all the same, a NOT NULL column refuses the row.
 */
static void bind_text(sqlite3_stmt *stmt, int index, struct gen_str text)
{
    (void)sqlite3_bind_text64(stmt, index, text.n != 0 ? text.p : "", text.n, SQLITE_STATIC,
                              SQLITE_UTF8);
}

static void bind_key(sqlite3_stmt *stmt, int index, const struct gen_digest *key)
{
    (void)sqlite3_bind_blob(stmt, index, key->bytes, GEN_SHA256_BYTES, SQLITE_STATIC);
}

static void bind_known(sqlite3_stmt *stmt, int index, int64_t value)
{
    if (value < 0)
        (void)sqlite3_bind_null(stmt, index);
    else
        (void)sqlite3_bind_int64(stmt, index, value);
}

static void bind_usage(sqlite3_stmt *stmt, int first, const struct gen_usage *u)
{
    bind_known(stmt, first, u->tokens_in);
    bind_known(stmt, first + 1, u->tokens_out);
    bind_known(stmt, first + 2, u->tokens_cached);
    bind_known(stmt, first + 3, u->tokens_reasoning);
    bind_known(stmt, first + 4, u->cost_microusd);
}

static int64_t column_known(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? -1
                                                            : sqlite3_column_int64(stmt, column);
}

static struct gen_usage column_usage(sqlite3_stmt *stmt, int first)
{
    return (struct gen_usage){
        .tokens_in = column_known(stmt, first),
        .tokens_out = column_known(stmt, first + 1),
        .tokens_cached = column_known(stmt, first + 2),
        .tokens_reasoning = column_known(stmt, first + 3),
        .cost_microusd = column_known(stmt, first + 4),
    };
}

/* Copies `n` text columns from `first` on into s->row, so that the statement, and with it SQLite's
 * read transaction, need not stay open for the caller. */
static int take_texts(struct gen_sqlite *s, sqlite3_stmt *stmt, int first, int n,
                      struct gen_str *const *out, struct gen_error *err)
{
    size_t total = 0;

    for (int i = 0; i < n; i++)
        total += (size_t)sqlite3_column_bytes(stmt, first + i);
    gen_buf_clear(&s->row);
    int rc = gen_buf_reserve(&s->row, total + 1, err);
    if (rc != GEN_OK)
        return rc;
    for (int i = 0; i < n; i++) {
        const void *text = sqlite3_column_blob(stmt, first + i);
        size_t n_bytes = (size_t)sqlite3_column_bytes(stmt, first + i);
        *out[i] = (struct gen_str){s->row.data + s->row.n, n_bytes};
        if (text == NULL && n_bytes != 0)
            return gen_nomem(err, "a row of the ledger");
        rc = gen_buf_add(&s->row, text != NULL ? text : "", n_bytes, err);
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

/* Steps a writing statement to its end. */
static int write_row(struct gen_sqlite *s, sqlite3_stmt *stmt, struct gen_error *err)
{
    errno = 0;
    int rc = sqlite3_step(stmt);

    if (rc != SQLITE_DONE)
        return gen_sqlite_break(s, rc, "write", err);
    (void)sqlite3_reset(stmt);
    return GEN_OK;
}

/* The prefix orders the index: 8 bytes instead of 32 keep it four times smaller in the cache and in
 * the log. The whole key is compared in the row. */
static int64_t key64(const struct gen_digest *key)
{
    uint64_t prefix = 0;
    int64_t value;

    /* Big-endian on every machine: a ledger can be carried to another one. */
    for (size_t i = 0; i < sizeof prefix; i++)
        prefix = prefix << 8 | key->bytes[i];
    memcpy(&value, &prefix, sizeof value);
    return value;
}

int gen_sqlite_run_begin(void *state, const struct gen_run_info *info, int64_t *run_id,
                         struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_RUN_BEGIN, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, now_us());
    (void)sqlite3_bind_int64(stmt, 2, info->seed);
    bind_text(stmt, 3, info->command);
    bind_text(stmt, 4, info->arguments);
    bind_text(stmt, 5, info->version);
    int rc = write_row(s, stmt, err);
    if (rc == GEN_OK)
        *run_id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

int gen_sqlite_run_end(void *state, int64_t run_id, int exit_status, struct gen_str account_json,
                       struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_RUN_END, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, run_id);
    (void)sqlite3_bind_int64(stmt, 2, now_us());
    (void)sqlite3_bind_int(stmt, 3, exit_status);
    bind_text(stmt, 4, account_json);
    int rc = write_row(s, stmt, err);
    if (rc == GEN_OK && sqlite3_changes(s->db) != 1)
        return gen_fail(err, GEN_ESTATE, "run %lld is not in the ledger %s, or has ended before",
                        (long long)run_id, s->path);
    return rc;
}

int gen_sqlite_find(void *state, const struct gen_digest *key, bool *found, struct gen_answer *out,
                    struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ANSWER_FIND, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, key64(key));
    bind_key(stmt, 2, key);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        struct gen_answer a;
        rc = take_texts(s, stmt, 0, 4,
                        (struct gen_str *const[]){&a.text, &a.reasoning, &a.finish, &a.model}, err);
        a.usage = column_usage(stmt, 4);
        a.latency_us = sqlite3_column_int64(stmt, 9);
        a.answered_unix_us = sqlite3_column_int64(stmt, 10);
        a.run_id = sqlite3_column_int64(stmt, 11);
        if (rc == GEN_OK)
            *out = a;
    } else if (step != SQLITE_DONE) {
        rc = gen_sqlite_fail(s, step, "read", err);
    }
    (void)sqlite3_reset(stmt);
    if (rc == GEN_OK)
        *found = step == SQLITE_ROW;
    return rc;
}

int gen_sqlite_attempt_sent(void *state, const struct gen_digest *key, int64_t run_id,
                            struct gen_str step, int attempt, int64_t *attempt_id,
                            struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ATTEMPT_SENT, err);

    if (stmt == NULL)
        return stmt_code(s);
    bind_key(stmt, 1, key);
    (void)sqlite3_bind_int64(stmt, 2, run_id);
    (void)sqlite3_bind_int(stmt, 3, attempt);
    (void)sqlite3_bind_int64(stmt, 4, now_us());
    bind_text(stmt, 5, step);
    int rc = write_row(s, stmt, err);
    if (rc == GEN_OK) {
        *attempt_id = sqlite3_last_insert_rowid(s->db);
        s->n_attempts_open++;
    }
    return rc;
}

/* Moves an attempt from `from` to its end; `*moved` is false when it was not in that state. */
static int move_attempt(struct gen_sqlite *s, int64_t attempt_id, enum gen_attempt_state from,
                        const struct gen_attempt_end *end, int64_t ended_us, bool *moved,
                        struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ATTEMPT_END, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, attempt_id);
    (void)sqlite3_bind_int(stmt, 2, (int)end->state);
    (void)sqlite3_bind_int64(stmt, 3, ended_us);
    (void)sqlite3_bind_int64(stmt, 4, end->latency_us);
    (void)sqlite3_bind_int(stmt, 5, end->http_status);
    (void)sqlite3_bind_int(stmt, 6, end->class_code);
    bind_text(stmt, 7, end->class_name);
    bind_text(stmt, 8, end->message);
    bind_usage(stmt, 9, &end->usage);
    (void)sqlite3_bind_int(stmt, 14, (int)from);
    int rc = write_row(s, stmt, err);
    if (rc != GEN_OK)
        return rc;
    *moved = sqlite3_changes(s->db) == 1;
    if (*moved && from == GEN_ATTEMPT_SENT)
        s->n_attempts_open--;
    return GEN_OK;
}

static int fail_not_sent(const struct gen_sqlite *s, int64_t attempt_id, struct gen_error *err)
{
    return gen_fail(err, GEN_ESTATE, "attempt %lld is not under way in the ledger %s",
                    (long long)attempt_id, s->path);
}

static int answer_exists(struct gen_sqlite *s, const struct gen_digest *key, bool *exists,
                         struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ANSWER_EXISTS, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, key64(key));
    bind_key(stmt, 2, key);
    int step = sqlite3_step(stmt);
    (void)sqlite3_reset(stmt);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return gen_sqlite_break(s, step, "read", err);
    *exists = step == SQLITE_ROW;
    return GEN_OK;
}

static int put_answer(struct gen_sqlite *s, const struct gen_digest *key,
                      const struct gen_answer *a, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ANSWER_PUT, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, key64(key));
    bind_key(stmt, 2, key);
    (void)sqlite3_bind_int64(stmt, 3, a->run_id);
    (void)sqlite3_bind_int64(stmt, 4, a->answered_unix_us);
    (void)sqlite3_bind_int64(stmt, 5, a->latency_us);
    bind_usage(stmt, 6, &a->usage);
    bind_text(stmt, 11, a->finish);
    bind_text(stmt, 12, a->model);
    bind_text(stmt, 13, a->reasoning);
    bind_text(stmt, 14, a->text);
    return write_row(s, stmt, err);
}

int gen_sqlite_attempt_answered(void *state, int64_t attempt_id, const struct gen_digest *key,
                                const struct gen_answer *a, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    const size_t max = GEN_SQLITE_ANSWER_BYTES_MAX;
    bool moved = false, exists = false;

    if (a->text.n > max || a->reasoning.n > max - a->text.n)
        return gen_fail(err, GEN_ELIMIT, "an answer of %zu bytes is over the ledger's limit of %zu",
                        a->text.n + a->reasoning.n, max);

    struct gen_attempt_end end = {
        .state = GEN_ATTEMPT_ANSWERED,
        .usage = a->usage,
        .latency_us = a->latency_us,
    };
    int rc = move_attempt(s, attempt_id, GEN_ATTEMPT_SENT, &end, a->answered_unix_us, &moved, err);
    /* An attempt given up as unknown can still turn out answered. */
    if (rc == GEN_OK && !moved)
        rc = move_attempt(s, attempt_id, GEN_ATTEMPT_UNKNOWN, &end, a->answered_unix_us, &moved,
                          err);
    if (rc == GEN_OK && !moved)
        return fail_not_sent(s, attempt_id, err);
    if (rc == GEN_OK)
        rc = answer_exists(s, key, &exists, err);
    if (rc == GEN_OK && !exists)
        rc = put_answer(s, key, a, err);
    return rc;
}

/* At most MESSAGE_BYTES_MAX bytes, cut between code points. */
static struct gen_str cut_message(struct gen_str message)
{
    size_t n = message.n;

    if (n <= MESSAGE_BYTES_MAX)
        return message;
    n = MESSAGE_BYTES_MAX;
    while (n > 0 && ((unsigned char)message.p[n] & 0xc0) == 0x80)
        n--;
    return (struct gen_str){message.p, n};
}

int gen_sqlite_attempt_ended(void *state, int64_t attempt_id, const struct gen_attempt_end *end,
                             struct gen_error *err)
{
    struct gen_sqlite *s = state;
    struct gen_attempt_end cut = *end;
    bool moved = false;

    cut.message = cut_message(end->message);
    int rc = move_attempt(s, attempt_id, GEN_ATTEMPT_SENT, &cut, now_us(), &moved, err);
    return rc == GEN_OK && !moved ? fail_not_sent(s, attempt_id, err) : rc;
}

static int64_t hash_i64(struct gen_str text, uint64_t seed)
{
    uint64_t hash = gen_hash64(text, seed);
    int64_t value;

    memcpy(&value, &hash, sizeof value);
    return value;
}

/* Each part seeds the next, so that a shift of text between two fields changes the hash. */
static int64_t chunk_content_hash(const struct gen_ledger_chunk *c)
{
    uint64_t hash = gen_hash64(c->content, (uint64_t)c->kind);

    hash = gen_hash64(c->title, hash);
    hash = gen_hash64(c->section, hash);
    return hash_i64(c->language, hash);
}

static int insert_chunk(struct gen_sqlite *s, const struct gen_ledger_chunk *c, int64_t id64,
                        int64_t source64, int64_t content64, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_PUT, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, id64);
    (void)sqlite3_bind_int64(stmt, 2, source64);
    (void)sqlite3_bind_int64(stmt, 3, content64);
    (void)sqlite3_bind_int(stmt, 4, c->kind);
    bind_text(stmt, 5, c->id);
    bind_text(stmt, 6, c->source);
    bind_text(stmt, 7, c->title);
    bind_text(stmt, 8, c->section);
    bind_text(stmt, 9, c->language);
    bind_text(stmt, 10, c->content);
    return write_row(s, stmt, err);
}

static int replace_chunk(struct gen_sqlite *s, const struct gen_ledger_chunk *c, int64_t row,
                         int64_t content64, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_REPLACE, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, row);
    (void)sqlite3_bind_int64(stmt, 2, content64);
    (void)sqlite3_bind_int(stmt, 3, c->kind);
    bind_text(stmt, 4, c->title);
    bind_text(stmt, 5, c->section);
    bind_text(stmt, 6, c->language);
    bind_text(stmt, 7, c->content);
    return write_row(s, stmt, err);
}

int gen_sqlite_chunk_put(void *state, const struct gen_ledger_chunk *c, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    int64_t id64 = hash_i64(c->id, 0);
    int64_t source64 = hash_i64(c->source, 0);
    int64_t content64 = chunk_content_hash(c);

    if (c->content.n > GEN_SQLITE_ANSWER_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "a chunk of %zu bytes is over the ledger's limit of %zu",
                        c->content.n, GEN_SQLITE_ANSWER_BYTES_MAX);
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_HASH, err);
    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, id64);
    (void)sqlite3_bind_int64(stmt, 2, source64);
    bind_text(stmt, 3, c->id);
    bind_text(stmt, 4, c->source);
    int step = sqlite3_step(stmt);
    int64_t row = step == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    bool same = step == SQLITE_ROW && sqlite3_column_int64(stmt, 1) == content64;
    (void)sqlite3_reset(stmt);
    if (step == SQLITE_DONE)
        return insert_chunk(s, c, id64, source64, content64, err);
    if (step != SQLITE_ROW)
        return gen_sqlite_break(s, step, "read", err);
    return same ? GEN_OK : replace_chunk(s, c, row, content64, err);
}

/* Takes the chunk in the statement's row. */
static int take_chunk(struct gen_sqlite *s, sqlite3_stmt *stmt, struct gen_ledger_chunk *out,
                      struct gen_error *err)
{
    struct gen_ledger_chunk c = {.kind = sqlite3_column_int(stmt, 0)};
    int rc = take_texts(
        s, stmt, 1, 6,
        (struct gen_str *const[]){&c.id, &c.source, &c.title, &c.section, &c.language, &c.content},
        err);

    if (rc == GEN_OK)
        *out = c;
    return rc;
}

/* The chunk when exactly one source uses the id. */
static int find_only_chunk(struct gen_sqlite *s, struct gen_str id, bool *found,
                           struct gen_ledger_chunk *out, struct gen_error *err)
{
    struct gen_ledger_chunk only = {0};
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_FIND_ID, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, hash_i64(id, 0));
    bind_text(stmt, 2, id);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    bool one = step == SQLITE_ROW;
    if (one) {
        rc = take_chunk(s, stmt, &only, err);
        step = sqlite3_step(stmt);
    }
    (void)sqlite3_reset(stmt);
    if (rc != GEN_OK)
        return rc;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return gen_sqlite_fail(s, step, "read", err);
    *found = one && step == SQLITE_DONE;
    if (*found)
        *out = only;
    return GEN_OK;
}

int gen_sqlite_chunk_find(void *state, struct gen_str id, struct gen_str source, bool *found,
                          struct gen_ledger_chunk *out, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_CHUNK_FIND, err);

    if (stmt == NULL)
        return stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, hash_i64(id, 0));
    (void)sqlite3_bind_int64(stmt, 2, hash_i64(source, 0));
    bind_text(stmt, 3, id);
    bind_text(stmt, 4, source);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        rc = take_chunk(s, stmt, out, err);
    else if (step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_reset(stmt);
    if (rc != GEN_OK)
        return rc;
    if (step != SQLITE_ROW)
        return find_only_chunk(s, id, found, out, err);
    *found = true;
    return GEN_OK;
}

int gen_sqlite_note_put(void *state, struct gen_str name, struct gen_str value,
                        struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_NOTE_PUT, err);

    if (stmt == NULL)
        return stmt_code(s);
    bind_text(stmt, 1, name);
    bind_text(stmt, 2, value);
    return write_row(s, stmt, err);
}

int gen_sqlite_note_find(void *state, struct gen_str name, bool *found, struct gen_str *value,
                         struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_NOTE_FIND, err);
    struct gen_str text;

    if (stmt == NULL)
        return stmt_code(s);
    bind_text(stmt, 1, name);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        rc = take_texts(s, stmt, 0, 1, (struct gen_str *const[]){&text}, err);
        if (rc == GEN_OK)
            *value = text;
    } else if (step != SQLITE_DONE) {
        rc = gen_sqlite_fail(s, step, "read", err);
    }
    (void)sqlite3_reset(stmt);
    if (rc == GEN_OK)
        *found = step == SQLITE_ROW;
    return rc;
}

/* A sum of which no part was known is unknown; a sum of nothing is 0. */
static int64_t column_sum(sqlite3_stmt *stmt, int column, int64_t n_ended)
{
    if (sqlite3_column_type(stmt, column) != SQLITE_NULL)
        return sqlite3_column_int64(stmt, column);
    return n_ended > 0 ? -1 : 0;
}

/* The attempts of one run begin at its first_attempt; the answers are counted on the index. */
static const char totals_sql[] =
    "SELECT count(*), coalesce(sum(state = 5), 0), coalesce(sum(state IN (3, 4)), 0),"
    " sum(tokens_in), sum(tokens_out), sum(tokens_cached), sum(tokens_reasoning),"
    " sum(cost_microusd), coalesce(sum(state = 3), 0) FROM attempts"
    " WHERE id >= coalesce((SELECT first_attempt FROM runs WHERE id = ?1), 0)"
    " AND (?1 = 0 OR run = ?1)";

static int count_answers(struct gen_sqlite *s, int64_t *n, struct gen_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->db, "SELECT count(*) FROM answers", -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *n = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? GEN_OK : gen_sqlite_fail(s, rc, "read", err);
}

int gen_sqlite_totals(void *state, int64_t run_id, struct gen_ledger_totals *out,
                      struct gen_error *err)
{
    struct gen_sqlite *s = state;
    struct gen_ledger_totals t = {0};
    sqlite3_stmt *stmt = NULL;

    if (s->fault.code != GEN_OK) {
        if (err != NULL)
            *err = s->fault;
        return (int)s->fault.code;
    }
    int step = sqlite3_prepare_v2(s->db, totals_sql, -1, &stmt, NULL);
    if (step == SQLITE_OK) {
        (void)sqlite3_bind_int64(stmt, 1, run_id);
        step = sqlite3_step(stmt);
    }
    if (step == SQLITE_ROW) {
        int64_t n_ended = sqlite3_column_int64(stmt, 2);
        t.n_attempts = sqlite3_column_int64(stmt, 0);
        t.n_sent_unknown = sqlite3_column_int64(stmt, 1);
        t.usage.tokens_in = column_sum(stmt, 3, n_ended);
        t.usage.tokens_out = column_sum(stmt, 4, n_ended);
        t.usage.tokens_cached = column_sum(stmt, 5, n_ended);
        t.usage.tokens_reasoning = column_sum(stmt, 6, n_ended);
        t.usage.cost_microusd = column_sum(stmt, 7, n_ended);
        t.n_answers = sqlite3_column_int64(stmt, 8);
    }
    (void)sqlite3_finalize(stmt);
    if (step != SQLITE_ROW)
        return gen_sqlite_fail(s, step, "read", err);
    int rc = run_id == 0 ? count_answers(s, &t.n_answers, err) : GEN_OK;
    if (rc == GEN_OK)
        *out = t;
    return rc;
}
