#include "ledger/sqlite_int.h"

#include <stdlib.h>

/* Far beyond any true ledger: runs times steps times states times classes. */
#define TALLIES_MAX ((size_t)1 << 20)

/* A sum of which no part was known is unknown; a sum of nothing is 0. */
static int64_t column_sum(sqlite3_stmt *stmt, int column, int64_t n_ended)
{
    if (sqlite3_column_type(stmt, column) != SQLITE_NULL)
        return sqlite3_column_int64(stmt, column);
    return n_ended > 0 ? -1 : 0;
}

/* The attempts of one run begin at its first_attempt; answers are never deleted, so that the last
 * one's number is how many there are. */
static const char totals_sql[] =
    "SELECT count(*), coalesce(sum(state = 5), 0), coalesce(sum(state IN (3, 4)), 0),"
    " sum(tokens_in), sum(tokens_out), sum(tokens_cached), sum(tokens_reasoning),"
    " sum(cost_microusd), coalesce(sum(state = 3), 0) FROM attempts"
    " WHERE id >= coalesce((SELECT first_attempt FROM runs WHERE id = ?1), 0)"
    " AND (?1 = 0 OR run = ?1)";

static int count_answers(struct gen_sqlite *s, int64_t *n, struct gen_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->db, "SELECT coalesce(max(id), 0) FROM answers", -1, &stmt, NULL);

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
    int rc = gen_sqlite_query(s, totals_sql, &stmt, err);

    if (rc != GEN_OK)
        return rc;
    (void)sqlite3_bind_int64(stmt, 1, run_id);
    int step = sqlite3_step(stmt);
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
    rc = run_id == 0 ? count_answers(s, &t.n_answers, err) : GEN_OK;
    if (rc == GEN_OK)
        *out = t;
    return rc;
}

int gen_sqlite_runs(void *state, gen_ledger_run_fn *fn, void *ud, struct gen_error *err)
{
    struct gen_sqlite *s = state;
    sqlite3_stmt *stmt = NULL;
    int step = SQLITE_DONE;
    int rc = gen_sqlite_query(s,
                              "SELECT id, started_us, coalesce(ended_us, 0),"
                              " coalesce(exit_status, 0), seed, command, arguments, version,"
                              " coalesce(account, '') FROM runs ORDER BY id DESC",
                              &stmt, err);

    while (rc == GEN_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct gen_ledger_run run = {
            .id = sqlite3_column_int64(stmt, 0),
            .started_unix_us = sqlite3_column_int64(stmt, 1),
            .ended_unix_us = sqlite3_column_int64(stmt, 2),
            .exit_status = sqlite3_column_int(stmt, 3),
            .info = {.seed = sqlite3_column_int64(stmt, 4),
                     .command = gen_sqlite_column_text(stmt, 5),
                     .arguments = gen_sqlite_column_text(stmt, 6),
                     .version = gen_sqlite_column_text(stmt, 7)},
            .account_json = gen_sqlite_column_text(stmt, 8),
        };
        rc = fn(ud, &run, err);
    }
    if (rc == GEN_OK && step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_finalize(stmt);
    return rc;
}

/*
 * Tallies under construction. They are summed here and not by GROUP BY, which would sort all
 * attempts in memory; this takes one pass and room for the tallies alone. `places` is a hash table
 * of indexes into `rows` plus one, 0 for an empty place; its size is a power of two.
 */
struct tally_set {
    struct gen_ledger_tally *rows; /* their texts are owned */
    size_t n, capacity;
    uint32_t *places;
    size_t n_places;
};

static void release_tallies(struct tally_set *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free((void *)(uintptr_t)t->rows[i].step.p);
        free((void *)(uintptr_t)t->rows[i].class_name.p);
    }
    free(t->rows);
    free(t->places);
}

static uint64_t tally_hash(const struct gen_ledger_tally *t)
{
    const int64_t numbers[] = {t->run_id, (int64_t)t->state, t->class_code};
    uint64_t hash = gen_hash64((struct gen_str){(const char *)numbers, sizeof numbers}, 0);

    return gen_hash64(t->class_name, gen_hash64(t->step, hash));
}

static bool is_same_tally(const struct gen_ledger_tally *a, const struct gen_ledger_tally *b)
{
    return a->run_id == b->run_id && a->state == b->state && a->class_code == b->class_code &&
           gen_str_eq(a->step, b->step) && gen_str_eq(a->class_name, b->class_name);
}

/* The place of the tally like `key`, or the empty one where it belongs. */
static uint32_t *tally_place(const struct tally_set *t, const struct gen_ledger_tally *key)
{
    size_t at = (size_t)tally_hash(key) & (t->n_places - 1);

    while (t->places[at] != 0 && !is_same_tally(&t->rows[t->places[at] - 1], key))
        at = (at + 1) & (t->n_places - 1);
    return &t->places[at];
}

static int grow_tallies(struct tally_set *t, struct gen_error *err)
{
    size_t capacity = t->capacity == 0 ? 32 : 2 * t->capacity;

    if (t->n >= TALLIES_MAX)
        return gen_fail(err, GEN_ELIMIT, "the ledger has more than %zu kinds of attempts",
                        TALLIES_MAX);
    struct gen_ledger_tally *rows = realloc(t->rows, capacity * sizeof *rows);
    if (rows == NULL)
        return gen_nomem(err, "the sums of a ledger");
    t->rows = rows;
    t->capacity = capacity;
    uint32_t *places = calloc(2 * capacity, sizeof *places);
    if (places == NULL)
        return gen_nomem(err, "the sums of a ledger");
    free(t->places);
    t->places = places;
    t->n_places = 2 * capacity;
    for (size_t i = 0; i < t->n; i++)
        *tally_place(t, &t->rows[i]) = (uint32_t)(i + 1);
    return GEN_OK;
}

/* The tally like `key`, which is made with sums of nothing when it is the first. */
static int find_tally(struct tally_set *t, const struct gen_ledger_tally *key,
                      struct gen_ledger_tally **out, struct gen_error *err)
{
    int rc = t->n == t->capacity ? grow_tallies(t, err) : GEN_OK;

    if (rc != GEN_OK)
        return rc;
    uint32_t *place = tally_place(t, key);
    if (*place == 0) {
        struct gen_ledger_tally fresh = *key;
        char *step = gen_str_dup(key->step);
        char *class_name = gen_str_dup(key->class_name);
        if (step == NULL || class_name == NULL) {
            free(step);
            free(class_name);
            return gen_nomem(err, "the sums of a ledger");
        }
        fresh.step.p = step;
        fresh.class_name.p = class_name;
        t->rows[t->n++] = fresh;
        *place = (uint32_t)t->n;
    }
    *out = &t->rows[*place - 1];
    return GEN_OK;
}

/* Adds a column to a sum, -1 as long as no part of it was known. False when it was not. */
static bool add_known(int64_t *sum, sqlite3_stmt *stmt, int column)
{
    int64_t value = sqlite3_column_int64(stmt, column);

    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return false;
    if (*sum < 0)
        *sum = 0;
    *sum = value > INT64_MAX - *sum ? INT64_MAX : *sum + value;
    return true;
}

static void add_attempt(struct gen_ledger_tally *t, sqlite3_stmt *stmt)
{
    bool is_answered = t->state == GEN_ATTEMPT_ANSWERED;
    bool in = add_known(&t->usage.tokens_in, stmt, 5);
    bool out = add_known(&t->usage.tokens_out, stmt, 6);

    t->n++;
    (void)add_known(&t->usage.tokens_cached, stmt, 7);
    (void)add_known(&t->usage.tokens_reasoning, stmt, 8);
    if (!add_known(&t->usage.cost_microusd, stmt, 9) && is_answered)
        t->n_cost_unknown++;
    if (is_answered && !(in && out))
        t->n_usage_unknown++;
    if (is_answered)
        (void)add_known(&t->latency_us_sum, stmt, 10);
}

/* The attempts of one run begin at its first_attempt. They end where the first run begins that
 * started after this one had ended. */
static const char tallies_sql[] =
    "SELECT run, step, state, class, class_name, tokens_in, tokens_out, tokens_cached,"
    " tokens_reasoning, cost_microusd, latency_us FROM attempts"
    " WHERE id >= coalesce((SELECT first_attempt FROM runs WHERE id = ?1), 0)"
    " AND id < coalesce((SELECT min(first_attempt) FROM runs WHERE id > ?1 AND started_us >="
    " (SELECT ended_us FROM runs WHERE id = ?1)), 9223372036854775807)"
    " AND (?1 <= 0 OR run = ?1)";

static int collect_tallies(struct gen_sqlite *s, int64_t run_id, struct tally_set *set,
                           struct gen_error *err)
{
    const struct gen_usage nothing = {0, 0, 0, 0, 0, 0}, unknown = {-1, -1, -1, -1, -1, 0};
    sqlite3_stmt *stmt = NULL;
    int step = SQLITE_DONE;
    int rc = gen_sqlite_query(s, tallies_sql, &stmt, err);

    if (rc == GEN_OK)
        (void)sqlite3_bind_int64(stmt, 1, run_id);
    while (rc == GEN_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        int number = sqlite3_column_int(stmt, 2);
        bool has_ended = number == GEN_ATTEMPT_ANSWERED || number == GEN_ATTEMPT_FAILED;
        const struct gen_ledger_tally key = {
            .run_id = run_id == 0 ? 0 : sqlite3_column_int64(stmt, 0),
            .step = gen_sqlite_column_text(stmt, 1),
            .state = (enum gen_attempt_state)number,
            .class_code = sqlite3_column_int(stmt, 3),
            .class_name = gen_sqlite_column_text(stmt, 4),
            .usage = has_ended ? unknown : nothing,
        };
        struct gen_ledger_tally *tally = NULL;
        rc = find_tally(set, &key, &tally, err);
        if (rc == GEN_OK && tally)
            add_attempt(tally, stmt);
    }
    if (rc == GEN_OK && step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_finalize(stmt);
    return rc;
}

int gen_sqlite_tallies(void *state, int64_t run_id, gen_ledger_tally_fn *fn, void *ud,
                       struct gen_error *err)
{
    struct tally_set set = {0};
    int rc = collect_tallies(state, run_id, &set, err);

    for (size_t i = 0; rc == GEN_OK && i < set.n; i++)
        rc = fn(ud, &set.rows[i], err);
    release_tallies(&set);
    return rc;
}
