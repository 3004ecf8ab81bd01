#include "ledger/sqlite_int.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGE_BYTES_MAX ((size_t)500)

int64_t gen_sqlite_now_us(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/*
 * Binding cannot fail for our reasons: indexes and sizes are fixed or checked, and SQLITE_STATIC
 * copies nothing. If it fails all the same, a NOT NULL column refuses the row.
 */
void gen_sqlite_bind_text(sqlite3_stmt *stmt, int index, struct gen_str text)
{
    (void)sqlite3_bind_text64(stmt, index, text.n != 0 ? text.p : "", text.n, SQLITE_STATIC,
                              SQLITE_UTF8);
}

/* What was stepped to is in memory: there is no conversion that could fail. */
struct gen_str gen_sqlite_column_text(sqlite3_stmt *stmt, int column)
{
    const char *text = sqlite3_column_blob(stmt, column);

    return (struct gen_str){text != NULL ? text : "",
                            text != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
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

int gen_sqlite_take_texts(struct gen_sqlite *s, sqlite3_stmt *stmt, int first, int n,
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

int gen_sqlite_write_row(struct gen_sqlite *s, sqlite3_stmt *stmt, struct gen_error *err)
{
    errno = 0;
    int rc = sqlite3_step(stmt);

    if (rc != SQLITE_DONE)
        return gen_sqlite_break(s, rc, "write", err);
    (void)sqlite3_reset(stmt);
    return GEN_OK;
}

int gen_sqlite_run_begin(void *state, const struct gen_run_info *info, int64_t *run_id,
                         struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_RUN_BEGIN, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, gen_sqlite_now_us());
    (void)sqlite3_bind_int64(stmt, 2, info->seed);
    gen_sqlite_bind_text(stmt, 3, info->command);
    gen_sqlite_bind_text(stmt, 4, info->arguments);
    gen_sqlite_bind_text(stmt, 5, info->version);
    int rc = gen_sqlite_write_row(s, stmt, err);
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
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, run_id);
    (void)sqlite3_bind_int64(stmt, 2, gen_sqlite_now_us());
    (void)sqlite3_bind_int(stmt, 3, exit_status);
    gen_sqlite_bind_text(stmt, 4, account_json);
    int rc = gen_sqlite_write_row(s, stmt, err);
    if (rc == GEN_OK && sqlite3_changes(s->db) != 1)
        return gen_fail(err, GEN_ESTATE, "run %lld is not in the ledger %s, or has ended before",
                        (long long)run_id, s->path);
    return rc;
}

static void bind_span(sqlite3_stmt *stmt, int index, struct gen_run_span span)
{
    (void)sqlite3_bind_int64(stmt, index, span.first);
    (void)sqlite3_bind_int64(stmt, index + 1, span.end > 0 ? span.end : INT64_MAX);
}

/* Takes the answer in this row when it is the key's, of one of these runs. */
static int take_answer(struct gen_sqlite *s, int64_t row, const struct gen_digest *key,
                       struct gen_run_span span, bool *found, struct gen_answer *out,
                       struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ANSWER_FIND, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, row);
    bind_key(stmt, 2, key);
    bind_span(stmt, 3, span);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        struct gen_answer a = {.is_renewed = false};
        rc = gen_sqlite_take_texts(
            s, stmt, 0, 4, (struct gen_str *const[]){&a.text, &a.reasoning, &a.finish, &a.model},
            err);
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

static int find_candidates(struct gen_sqlite *s, const struct gen_digest *key,
                           struct gen_sqlite_candidates *c, struct gen_error *err)
{
    const struct gen_sqlite_key begin = {gen_sqlite_key64(key), 0};

    return gen_sqlite_candidates_find(s, GEN_SQLITE_INDEX_ANSWERS, begin, c, err);
}

/* Whose answer it is, when it is the key's and of one of these runs. */
static int is_answer(struct gen_sqlite *s, int64_t row, const struct gen_digest *key,
                     struct gen_run_span span, bool *is, int64_t *run, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ANSWER_IS, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, row);
    bind_key(stmt, 2, key);
    bind_span(stmt, 3, span);
    int step = sqlite3_step(stmt);
    *is = step == SQLITE_ROW;
    if (*is)
        *run = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_reset(stmt);
    return step == SQLITE_ROW || step == SQLITE_DONE ? GEN_OK
                                                     : gen_sqlite_break(s, step, "read", err);
}

/* The first answer of the latest run; `*row` is 0 when there is none. A batch of an earlier run may
 * have been collected after a later run had its answer, so that rows do not stand in this order. */
static int find_latest(struct gen_sqlite *s, const struct gen_digest *key,
                       const struct gen_sqlite_candidates *c, struct gen_run_span span,
                       int64_t *row, struct gen_error *err)
{
    int64_t latest = 0;
    int rc = GEN_OK;

    *row = 0;
    for (size_t i = 0; rc == GEN_OK && i < c->n; i++) {
        bool is = false;
        int64_t run = 0;
        rc = is_answer(s, c->rows[i], key, span, &is, &run, err);
        if (rc != GEN_OK || !is)
            continue;
        if (*row == 0 || run > latest || (run == latest && c->rows[i] < *row)) {
            *row = c->rows[i];
            latest = run;
        }
    }
    return rc;
}

int gen_sqlite_find(void *state, const struct gen_digest *key, struct gen_run_span span,
                    bool *found, struct gen_answer *out, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    struct gen_sqlite_candidates c;
    bool is_here = false;
    int64_t row = 0;
    int rc = find_candidates(s, key, &c, err);

    if (rc == GEN_OK && c.n == 1)
        row = c.rows[0];
    else if (rc == GEN_OK)
        rc = find_latest(s, key, &c, span, &row, err);
    if (rc == GEN_OK && row != 0)
        rc = take_answer(s, row, key, span, &is_here, out, err);
    if (rc == GEN_OK)
        *found = is_here;
    return rc;
}

int gen_sqlite_attempt_sent(void *state, const struct gen_digest *key, int64_t run_id,
                            struct gen_str step, int attempt, int64_t *attempt_id,
                            struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ATTEMPT_SENT, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    bind_key(stmt, 1, key);
    (void)sqlite3_bind_int64(stmt, 2, run_id);
    (void)sqlite3_bind_int(stmt, 3, attempt);
    (void)sqlite3_bind_int64(stmt, 4, gen_sqlite_now_us());
    gen_sqlite_bind_text(stmt, 5, step);
    int rc = gen_sqlite_write_row(s, stmt, err);
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
        return gen_sqlite_stmt_code(s);
    (void)sqlite3_bind_int64(stmt, 1, attempt_id);
    (void)sqlite3_bind_int(stmt, 2, (int)end->state);
    (void)sqlite3_bind_int64(stmt, 3, ended_us);
    (void)sqlite3_bind_int64(stmt, 4, end->latency_us);
    (void)sqlite3_bind_int(stmt, 5, end->http_status);
    (void)sqlite3_bind_int(stmt, 6, end->class_code);
    gen_sqlite_bind_text(stmt, 7, end->class_name);
    gen_sqlite_bind_text(stmt, 8, end->message);
    bind_usage(stmt, 9, &end->usage);
    (void)sqlite3_bind_int(stmt, 14, (int)from);
    int rc = gen_sqlite_write_row(s, stmt, err);
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

static void bind_answer(sqlite3_stmt *stmt, const struct gen_digest *key,
                        const struct gen_answer *a)
{
    (void)sqlite3_bind_int64(stmt, 1, gen_sqlite_key64(key));
    bind_key(stmt, 2, key);
    (void)sqlite3_bind_int64(stmt, 3, a->run_id);
    (void)sqlite3_bind_int64(stmt, 4, a->answered_unix_us);
    (void)sqlite3_bind_int64(stmt, 5, a->latency_us);
    bind_usage(stmt, 6, &a->usage);
    gen_sqlite_bind_text(stmt, 11, a->finish);
    gen_sqlite_bind_text(stmt, 12, a->model);
    gen_sqlite_bind_text(stmt, 13, a->reasoning);
    gen_sqlite_bind_text(stmt, 14, a->text);
}

static int put_answer(struct gen_sqlite *s, const struct gen_digest *key,
                      const struct gen_answer *a, struct gen_error *err)
{
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_ANSWER_PUT, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    struct gen_sqlite_entry entry = {.key = {gen_sqlite_key64(key), 0}};
    bind_answer(stmt, key, a);
    int rc = gen_sqlite_write_row(s, stmt, err);
    if (rc != GEN_OK)
        return rc;
    entry.row = sqlite3_last_insert_rowid(s->db);
    return gen_sqlite_tail_add(s, GEN_SQLITE_INDEX_ANSWERS, entry, err);
}

static int check_answer_size(const struct gen_answer *a, struct gen_error *err)
{
    const size_t max = GEN_SQLITE_ANSWER_BYTES_MAX;

    if (a->text.n > max || a->reasoning.n > max - a->text.n)
        return gen_fail(err, GEN_ELIMIT, "an answer of %zu bytes is over the ledger's limit of %zu",
                        a->text.n + a->reasoning.n, max);
    return GEN_OK;
}

int gen_sqlite_answer_put(void *state, const struct gen_digest *key, const struct gen_answer *a,
                          struct gen_error *err)
{
    struct gen_sqlite *s = state;
    struct gen_sqlite_candidates c;
    struct gen_run_span span = {0, 0};
    int64_t row = 0;
    int rc = check_answer_size(a, err);

    if (a->is_renewed)
        span = (struct gen_run_span){a->run_id, a->run_id + 1};
    if (rc == GEN_OK)
        rc = find_candidates(s, key, &c, err);
    if (rc == GEN_OK)
        rc = find_latest(s, key, &c, span, &row, err);
    return rc == GEN_OK && row == 0 ? put_answer(s, key, a, err) : rc;
}

int gen_sqlite_attempt_answered(void *state, int64_t attempt_id, const struct gen_digest *key,
                                const struct gen_answer *a, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    bool moved = false;
    struct gen_attempt_end end = {
        .state = GEN_ATTEMPT_ANSWERED,
        .usage = a->usage,
        .latency_us = a->latency_us,
    };
    int rc = check_answer_size(a, err);

    if (rc == GEN_OK)
        rc = move_attempt(s, attempt_id, GEN_ATTEMPT_SENT, &end, a->answered_unix_us, &moved, err);
    /* An attempt given up as unknown can still turn out answered. */
    if (rc == GEN_OK && !moved)
        rc = move_attempt(s, attempt_id, GEN_ATTEMPT_UNKNOWN, &end, a->answered_unix_us, &moved,
                          err);
    if (rc == GEN_OK && !moved)
        return fail_not_sent(s, attempt_id, err);
    return rc != GEN_OK ? rc : gen_sqlite_answer_put(s, key, a, err);
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
    int rc = move_attempt(s, attempt_id, GEN_ATTEMPT_SENT, &cut, gen_sqlite_now_us(), &moved, err);
    return rc == GEN_OK && !moved ? fail_not_sent(s, attempt_id, err) : rc;
}

int gen_sqlite_note_put(void *state, struct gen_str name, struct gen_str value,
                        struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_NOTE_PUT, err);

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    gen_sqlite_bind_text(stmt, 1, name);
    gen_sqlite_bind_text(stmt, 2, value);
    return gen_sqlite_write_row(s, stmt, err);
}

int gen_sqlite_note_find(void *state, struct gen_str name, bool *found, struct gen_str *value,
                         struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = gen_sqlite_stmt(s, GEN_STMT_NOTE_FIND, err);
    struct gen_str text;

    if (stmt == NULL)
        return gen_sqlite_stmt_code(s);
    gen_sqlite_bind_text(stmt, 1, name);
    int rc = GEN_OK;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        rc = gen_sqlite_take_texts(s, stmt, 0, 1, (struct gen_str *const[]){&text}, err);
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
