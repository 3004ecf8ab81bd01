/* Batches, the lists of runs and calls, and ledgers of an earlier version. */
#include "ledger_support.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

enum { LIST_MAX = 64, N_KEYS = 1000 };

#define assert_str(got, want) assert_true(gen_str_is((got), (want)))

struct batch_list {
    int n;
    struct gen_ledger_batch rows[LIST_MAX]; /* without their texts */
    char remote_ids[LIST_MAX][32];
};

static int list_batch(void *ud, const struct gen_ledger_batch *batch, struct gen_error *err)
{
    struct batch_list *list = ud;
    (void)err;
    assert_in_range(list->n, 0, LIST_MAX - 1);
    assert_str(batch->provider, "openai");
    assert_str(batch->base_url, "https://api.openai.com/v1");
    assert_str(batch->model, "gpt-4o");
    assert_str(batch->marker, "gen-7");
    (void)snprintf(list->remote_ids[list->n], sizeof list->remote_ids[0], "%.*s",
                   GEN_STR_ARG(batch->remote_id));
    list->rows[list->n++] = *batch;
    return GEN_OK;
}

static struct batch_list batches_of(struct gen_ledger *l)
{
    struct batch_list list = {0};
    struct gen_error err;
    must(gen_ledger_batches(l, list_batch, &list, &err), &err);
    return list;
}

static int begin_batch(struct gen_ledger *l, int64_t run_id, size_t n_keys, int64_t *id,
                       struct gen_error *err)
{
    static struct gen_digest keys[N_KEYS];
    const struct gen_ledger_batch batch = {.provider = GEN_STR("openai"),
                                           .base_url = GEN_STR("https://api.openai.com/v1"),
                                           .model = GEN_STR("gpt-4o"),
                                           .marker = GEN_STR("gen-7"),
                                           .remote_id = GEN_STR("not read"),
                                           .state = GEN_BATCH_FAILED,
                                           .n_requests = (int64_t)n_keys,
                                           .run_id = run_id};
    for (size_t i = 0; i < n_keys; i++) {
        struct gen_str bytes = {(const char *)&i, sizeof i};
        int rc = gen_sha256(bytes, &keys[i], err);
        if (rc != GEN_OK)
            return rc;
    }
    return gen_ledger_batch_begin(l, &batch, keys, n_keys, id, err);
}

struct key_list {
    struct gen_ledger *ledger;
    size_t n, stop_at;
};

/* Looks each key up, as who collects a batch does. */
static int check_key(void *ud, const struct gen_digest *key, struct gen_error *err)
{
    struct key_list *list = ud;
    struct gen_digest want = key_from(list->n);
    struct gen_answer a;
    bool found = true;
    assert_memory_equal(key, &want, sizeof want);
    must(gen_ledger_find(list->ledger, key, &found, &a, err), err);
    assert_int_equal(found, list->n == 3);
    if (++list->n == list->stop_at)
        return gen_fail(err, GEN_ECANCELED, "enough");
    return GEN_OK;
}

static void batches_outlive_their_process(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l), first = 0, second = 0;

    assert_int_equal(batches_of(l).n, 0);
    put_answer(l, run_id, 3);
    must(begin_batch(l, run_id, N_KEYS, &first, &err), &err);
    must(begin_batch(l, run_id, 1, &second, &err), &err);
    must(gen_ledger_batch_update(l, first, GEN_BATCH_RUNNING, GEN_STR("batch_1"), &err), &err);
    for (int round = 0; round < 2; round++) {
        struct batch_list list = batches_of(l);
        assert_int_equal(list.n, 2);
        assert_int_equal(list.rows[0].id, first);
        assert_int_equal(list.rows[0].state, GEN_BATCH_RUNNING);
        assert_int_equal(list.rows[0].n_requests, N_KEYS);
        assert_int_equal(list.rows[0].run_id, run_id);
        assert_true(list.rows[0].submitted_unix_us > 1600000000000000);
        assert_string_equal(list.remote_ids[0], "batch_1");
        assert_int_equal(list.rows[1].id, second);
        assert_int_equal(list.rows[1].state, GEN_BATCH_SUBMITTING);
        assert_string_equal(list.remote_ids[1], "");
        struct key_list keys = {.ledger = l};
        must(gen_ledger_batch_keys(l, first, check_key, &keys, &err), &err);
        assert_int_equal(keys.n, N_KEYS);
        keys = (struct key_list){.ledger = l, .stop_at = 5};
        assert_int_equal(gen_ledger_batch_keys(l, first, check_key, &keys, &err), GEN_ECANCELED);
        assert_int_equal(keys.n, 5);
        gen_ledger_close(l);
        l = open_reader(f->path);
    }
    assert_int_equal(gen_ledger_batch_keys(l, 99, check_key, NULL, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_batch_update(l, first, GEN_BATCH_FAILED, GEN_STR(""), &err),
                     GEN_ESTATE);
    assert_int_equal(begin_batch(l, run_id, 1, &second, &err), GEN_ESTATE);
    gen_ledger_close(l);
}

/* Rows are states before, columns states after: both from 1. */
static void batch_states_go_forward(void **state)
{
    static const bool allowed[5][5] = {
        {true, true, true, true, true},     /* submitting */
        {false, true, true, true, true},    /* running */
        {false, false, true, false, false}, /* collected */
        {false, false, false, true, false}, /* failed */
        {false, false, true, true, true},   /* canceled */
    };
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t id = -5;

    for (int from = 0; from < 5; from++) {
        for (int to = 0; to < 5; to++) {
            enum gen_batch_state before = (enum gen_batch_state)(from + 1);
            enum gen_batch_state after = (enum gen_batch_state)(to + 1);
            must(begin_batch(l, 1, 1, &id, &err), &err);
            must(gen_ledger_batch_update(l, id, before, GEN_STR("r"), &err), &err);
            int rc = gen_ledger_batch_update(l, id, after, GEN_STR(""), &err);
            struct batch_list list = batches_of(l);
            assert_int_equal(rc, allowed[from][to] ? GEN_OK : GEN_ESTATE);
            assert_int_equal(list.rows[list.n - 1].state, allowed[from][to] ? after : before);
            assert_string_equal(list.remote_ids[list.n - 1], "r"); /* an empty one leaves it */
        }
    }
    static const int odd[] = {0, 6, -1};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_equal(
            gen_ledger_batch_update(l, id, (enum gen_batch_state)odd[i], GEN_STR(""), &err),
            GEN_ESTATE);
    assert_int_equal(gen_ledger_batch_update(l, 1000, GEN_BATCH_RUNNING, GEN_STR(""), &err),
                     GEN_ESTATE);
    id = -5;
    assert_int_equal(begin_batch(l, 1, 0, &id, &err), GEN_ESTATE);
    assert_int_equal(id, -5);
    assert_int_equal(batches_of(l).n, 25);
    put_answer(l, 1, 1); /* refusals break nothing */
    gen_ledger_close(l);
}

static void answers_of_batches_are_found(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_ledger_totals t;
    char text[64];
    struct gen_digest key = key_from(4);
    struct gen_answer a = answer_from(4, 7, text), later = {.text = GEN_STR("another")};

    must(gen_ledger_answer_put(l, &key, &a, &err), &err);
    must(gen_ledger_answer_put(l, &key, &later, &err), &err);
    assert_true(has_answer(l, 4)); /* the first one */
    must(gen_ledger_totals(l, 0, &t, &err), &err);
    assert_int_equal(t.n_answers, 1);
    assert_int_equal(t.n_attempts, 0);
    a.text.n = SIZE_MAX;
    assert_int_equal(gen_ledger_answer_put(l, &key, &a, &err), GEN_ELIMIT);
    gen_ledger_close(l);
    l = open_reader(f->path);
    assert_true(has_answer(l, 4));
    assert_int_equal(gen_ledger_answer_put(l, &key, &later, &err), GEN_ESTATE);
    gen_ledger_close(l);
}

struct run_list {
    int n;
    int64_t ids[LIST_MAX], ended_us[LIST_MAX];
    int statuses[LIST_MAX], stop_at;
    char account[64];
    struct gen_ledger *nested; /* its totals are read in the middle of the walk */
};

static int list_run(void *ud, const struct gen_ledger_run *run, struct gen_error *err)
{
    struct run_list *list = ud;
    assert_in_range(list->n, 0, LIST_MAX - 1);
    assert_str(run->info.command, "pipeline");
    assert_str(run->info.arguments, "--seed 7");
    assert_str(run->info.version, "0.2.0");
    assert_int_equal(run->info.seed, 7);
    assert_true(run->started_unix_us > 1600000000000000);
    list->ids[list->n] = run->id;
    list->ended_us[list->n] = run->ended_unix_us;
    list->statuses[list->n] = run->exit_status;
    if (run->account_json.n > 0)
        (void)snprintf(list->account, sizeof list->account, "%.*s", GEN_STR_ARG(run->account_json));
    if (list->nested != NULL) {
        struct gen_ledger_totals t;
        must(gen_ledger_totals(list->nested, run->id, &t, err), err);
        assert_str(run->info.command, "pipeline"); /* views are still good */
    }
    return ++list->n == list->stop_at ? gen_fail(err, GEN_ECANCELED, "enough") : GEN_OK;
}

static void runs_come_newest_first(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct run_list none = {0};

    must(gen_ledger_runs(l, list_run, &none, &err), &err);
    assert_int_equal(none.n, 0);
    int64_t first = begin_run(l);
    must(gen_ledger_run_end(l, first, 3, GEN_STR("{\"end\":\"done\"}"), &err), &err);
    int64_t second = begin_run(l);
    for (int round = 0; round < 2; round++) {
        struct run_list list = {.nested = l};
        must(gen_ledger_runs(l, list_run, &list, &err), &err);
        assert_int_equal(list.n, 2);
        assert_int_equal(list.ids[0], second);
        assert_int_equal(list.ended_us[0], 0);
        assert_int_equal(list.ids[1], first);
        assert_true(list.ended_us[1] > 0);
        assert_int_equal(list.statuses[1], 3);
        assert_string_equal(list.account, "{\"end\":\"done\"}");
        list = (struct run_list){.stop_at = 1};
        assert_int_equal(gen_ledger_runs(l, list_run, &list, &err), GEN_ECANCELED);
        assert_int_equal(list.n, 1);
        gen_ledger_close(l);
        l = open_reader(f->path);
    }
    gen_ledger_close(l);
}

struct tally_list {
    int n;
    struct gen_ledger_tally rows[LIST_MAX]; /* without their texts */
    char steps[LIST_MAX][16], classes[LIST_MAX][16];
};

static int list_tally(void *ud, const struct gen_ledger_tally *tally, struct gen_error *err)
{
    struct tally_list *list = ud;
    int i = list->n++;
    (void)err;
    assert_in_range(i, 0, LIST_MAX - 1);
    list->rows[i] = *tally;
    (void)snprintf(list->steps[i], sizeof list->steps[i], "%.*s", GEN_STR_ARG(tally->step));
    (void)snprintf(list->classes[i], sizeof list->classes[i], "%.*s",
                   GEN_STR_ARG(tally->class_name));
    return GEN_OK;
}

static struct tally_list tallies_of(struct gen_ledger *l, int64_t run_id)
{
    struct tally_list list = {0};
    struct gen_error err;
    must(gen_ledger_tallies(l, run_id, list_tally, &list, &err), &err);
    return list;
}

static const struct gen_ledger_tally *tally_in(const struct tally_list *list, int64_t run_id,
                                               const char *step, int attempt_state,
                                               const char *class_name)
{
    const struct gen_ledger_tally *found = NULL;
    for (int i = 0; i < list->n; i++) {
        if (list->rows[i].run_id == run_id && strcmp(list->steps[i], step) == 0 &&
            (int)list->rows[i].state == attempt_state &&
            strcmp(list->classes[i], class_name) == 0) {
            assert_null(found);
            found = &list->rows[i];
        }
    }
    assert_non_null(found);
    return found;
}

static void fail_one(struct gen_ledger *l, int64_t run_id, const char *step, int class_code,
                     struct gen_str class_name, int64_t cost)
{
    struct gen_error err;
    struct gen_digest key = key_from(1000);
    struct gen_attempt_end end = {.state = GEN_ATTEMPT_FAILED,
                                  .class_code = class_code,
                                  .class_name = class_name,
                                  .usage = {-1, -1, -1, -1, cost, 0}};
    int64_t id = 0;
    must(gen_ledger_attempt_sent(l, &key, run_id, gen_str_from(step), 1, &id, &err), &err);
    must(gen_ledger_attempt_ended(l, id, &end, &err), &err);
}

/* Two runs: the first ends; in the second one answer has no counts and one call is under way. */
static void fill_two_runs(struct gen_ledger *l, int64_t runs[2])
{
    struct gen_error err;
    struct gen_digest key = key_from(50);
    struct gen_answer bare = {.usage = {-1, -1, -1, -1, -1, 0}, .latency_us = 5};
    int64_t id = 0;

    runs[0] = begin_run(l);
    for (uint64_t i = 0; i < 10; i++)
        put_answer(l, runs[0], i);
    fail_one(l, runs[0], "generate", 1, GEN_STR("rate_limit"), -1);
    fail_one(l, runs[0], "generate", 1, GEN_STR("rate_limit"), 4);
    fail_one(l, runs[0], "rate", 1, GEN_STR("rate_limit"), -1);
    fail_one(l, runs[0], "generate", 2, GEN_STR("malformed"), -1);
    must(gen_ledger_run_end(l, runs[0], 3, GEN_STR("{}"), &err), &err);
    runs[1] = begin_run(l);
    put_answer(l, runs[1], 20);
    must(gen_ledger_attempt_sent(l, &key, runs[1], GEN_STR("generate"), 1, &id, &err), &err);
    must(gen_ledger_attempt_answered(l, id, &key, &bare, &err), &err);
    must(gen_ledger_attempt_sent(l, &key, runs[1], GEN_STR("generate"), 2, &id, &err), &err);
}

static void tallies_add_up(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_ledger *l = open_writer(f->path);
    int64_t runs[2];

    assert_int_equal(tallies_of(l, 0).n, 0);
    fill_two_runs(l, runs);
    struct tally_list list = tallies_of(l, runs[0]);
    assert_int_equal(list.n, 4);
    const struct gen_ledger_tally *t = tally_in(&list, runs[0], "generate", 3, "");
    assert_int_equal(t->n, 10);
    assert_int_equal(t->usage.tokens_in, 1000);
    assert_int_equal(t->usage.cost_microusd, 70);
    assert_int_equal(t->latency_us_sum, 10000);
    t = tally_in(&list, runs[0], "generate", 4, "rate_limit");
    assert_int_equal(t->n, 2);
    assert_int_equal(t->class_code, 1);
    assert_int_equal(t->usage.tokens_in, -1);
    assert_int_equal(t->usage.cost_microusd, 4);
    assert_int_equal(t->n_cost_unknown, 0);
    assert_int_equal(tally_in(&list, runs[0], "rate", 4, "rate_limit")->n, 1);
    assert_int_equal(tally_in(&list, runs[0], "generate", 4, "malformed")->n, 1);

    list = tallies_of(l, runs[1]);
    assert_int_equal(list.n, 2);
    t = tally_in(&list, runs[1], "generate", 3, "");
    assert_int_equal(t->n, 2);
    assert_int_equal(t->n_cost_unknown, 1);
    assert_int_equal(t->n_usage_unknown, 1);
    assert_int_equal(t->usage.cost_microusd, 7);
    t = tally_in(&list, runs[1], "generate", 2, "");
    assert_int_equal(t->n, 1);
    assert_int_equal(t->usage.tokens_in, 0); /* a sum of nothing */

    list = tallies_of(l, 0);
    assert_int_equal(list.n, 5);
    assert_int_equal(tally_in(&list, 0, "generate", 3, "")->n, 12);
    assert_int_equal(tallies_of(l, 77).n, 0);
    gen_ledger_close(l);
    l = open_reader(f->path);
    list = tallies_of(l, GEN_LEDGER_EACH_RUN);
    assert_int_equal(list.n, 6);
    assert_int_equal(tally_in(&list, runs[0], "generate", 3, "")->n, 10);
    assert_int_equal(tally_in(&list, runs[1], "generate", 3, "")->n, 2);
    gen_ledger_close(l);
}

/* More kinds than the table of them begins with, and runs that overlap in one process. */
static void many_kinds_of_calls(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t runs[2] = {begin_run(l), begin_run(l)};
    char name[16];

    must(gen_ledger_begin(l, &err), &err);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "c%d", i % 30);
        fail_one(l, runs[i % 2], "generate", i % 30, gen_str_from(name), 1);
    }
    must(gen_ledger_commit(l, &err), &err);
    must(gen_ledger_run_end(l, runs[0], 0, GEN_STR("{}"), &err), &err);
    int64_t third = begin_run(l);
    fail_one(l, third, "generate", 0, GEN_STR("c0"), 1);
    fail_one(l, runs[1], "generate", 0, GEN_STR("late"), 1);
    struct tally_list list = tallies_of(l, 0);
    assert_int_equal(list.n, 31);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(tally_in(&list, 0, "generate", 4, name)->n, i == 0 ? 11 : 10);
    }
    assert_int_equal(tallies_of(l, runs[0]).n, 15);
    assert_int_equal(tallies_of(l, runs[1]).n, 16);
    assert_int_equal(tallies_of(l, third).n, 1);
    assert_int_equal(tallies_of(l, GEN_LEDGER_EACH_RUN).n, 32);
    gen_ledger_close(l);
}

/* The tables of version 1, as the generator 0.2.0 made them. */
static const char version_1_sql[] =
    "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN;"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, started_us INTEGER NOT NULL, ended_us INTEGER,"
    " exit_status INTEGER, seed INTEGER NOT NULL, first_attempt INTEGER NOT NULL,"
    " command TEXT NOT NULL, arguments TEXT NOT NULL, version TEXT NOT NULL, account TEXT) STRICT;"
    "CREATE TABLE answers (id INTEGER PRIMARY KEY, key64 INTEGER NOT NULL, key BLOB NOT NULL,"
    " run INTEGER NOT NULL, answered_us INTEGER NOT NULL, latency_us INTEGER NOT NULL,"
    " tokens_in INTEGER, tokens_out INTEGER, tokens_cached INTEGER, tokens_reasoning INTEGER,"
    " cost_microusd INTEGER, finish TEXT NOT NULL, model TEXT NOT NULL, reasoning TEXT NOT NULL,"
    " text TEXT NOT NULL) STRICT;"
    "CREATE INDEX answers_key64 ON answers (key64);"
    "CREATE TABLE attempts (id INTEGER PRIMARY KEY, key BLOB NOT NULL, run INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, state INTEGER NOT NULL, sent_us INTEGER NOT NULL,"
    " ended_us INTEGER, latency_us INTEGER, http_status INTEGER, class INTEGER,"
    " tokens_in INTEGER, tokens_out INTEGER, tokens_cached INTEGER, tokens_reasoning INTEGER,"
    " cost_microusd INTEGER, step TEXT NOT NULL, class_name TEXT, message TEXT) STRICT;"
    "CREATE TABLE chunks (id INTEGER PRIMARY KEY, id64 INTEGER NOT NULL, source64 INTEGER NOT NULL,"
    " content64 INTEGER NOT NULL, kind INTEGER NOT NULL, chunk_id TEXT NOT NULL,"
    " source TEXT NOT NULL, title TEXT NOT NULL, section TEXT NOT NULL, language TEXT NOT NULL,"
    " content TEXT NOT NULL) STRICT;"
    "CREATE INDEX chunks_id64 ON chunks (id64, source64);"
    "CREATE TABLE notes (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), settled INTEGER NOT NULL)"
    " STRICT;"
    "INSERT INTO progress VALUES (1, 1);"
    "INSERT INTO runs VALUES (1, 1700000000000000, 1700000001000000, 0, 7, 1, 'pipeline',"
    " '--seed 7', '0.2.0', '{}');"
    "INSERT INTO attempts VALUES (1, zeroblob(32), 1, 1, 3, 5, 6, 1, 200, 0, 100, 10, 0, 0, 7,"
    " 'generate', '', ''), (2, zeroblob(32), 1, 1, 2, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, NULL, 'generate', NULL, NULL);"
    "INSERT INTO notes VALUES ('rate', '11');"
    "PRAGMA application_id = 0x47656e4c; PRAGMA user_version = 1;";

/* One old answer, with the number 1. */
static void put_old_answer(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    struct gen_digest key = key_from(1);
    uint64_t prefix = 0;
    int64_t key64;

    for (size_t i = 0; i < sizeof prefix; i++)
        prefix = prefix << 8 | key.bytes[i];
    memcpy(&key64, &prefix, sizeof key64);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "INSERT INTO answers VALUES (1, ?1, ?2, 1, 6, 1, 100, 10,"
                                        " 0, 0, 7, 'stop', 'm', '', 'answer 1')",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_bind_int64(stmt, 1, key64), SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(stmt, 2, key.bytes, sizeof key.bytes, SQLITE_STATIC),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

static int64_t old_hash(const char *text)
{
    uint64_t hash = gen_hash64(gen_str_from(text), 0);
    int64_t value;
    memcpy(&value, &hash, sizeof value);
    return value;
}

/* And two old chunks. */
static void put_old_chunks(sqlite3 *db)
{
    static const char *const ids[] = {"c2", "c1"};
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_prepare_v2(db,
                                        "INSERT INTO chunks (id64, source64, content64, kind,"
                                        " chunk_id, source, title, section, language, content)"
                                        " VALUES (?1, ?2, 0, 0, ?3, 'a.md', '', '', '', ?3)",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sqlite3_bind_int64(stmt, 1, old_hash(ids[i])), SQLITE_OK);
        assert_int_equal(sqlite3_bind_int64(stmt, 2, old_hash("a.md")), SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(stmt, 3, ids[i], -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
        assert_int_equal(sqlite3_reset(stmt), SQLITE_OK);
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

static bool has_old_chunk(struct gen_ledger *l, struct gen_str id, struct gen_str source)
{
    struct gen_error err;
    struct gen_ledger_chunk c;
    bool found = false;

    must(gen_ledger_chunk_find(l, id, source, &found, &c, &err), &err);
    if (found)
        assert_true(gen_str_eq(c.content, id));
    return found;
}

static void make_version_1(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, version_1_sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    put_old_answer(db);
    put_old_chunks(db);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t version_of(const char *path)
{
    unsigned char bytes[64];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    assert_int_equal(fclose(file), 0);
    return bytes[60] << 24 | bytes[61] << 16 | bytes[62] << 8 | bytes[63];
}

static void check_old_rows(struct gen_ledger *l)
{
    struct gen_error err;
    struct run_list runs = {0};
    struct gen_str value;
    bool found = false;

    assert_true(has_answer(l, 1));
    assert_false(has_answer(l, 2));
    assert_true(has_old_chunk(l, GEN_STR("c1"), GEN_STR("a.md")));
    assert_true(has_old_chunk(l, GEN_STR("c2"), GEN_STR("elsewhere.md")));
    assert_false(has_old_chunk(l, GEN_STR("c3"), GEN_STR("a.md")));
    must(gen_ledger_runs(l, list_run, &runs, &err), &err);
    assert_int_equal(runs.ids[0], runs.n);
    must(gen_ledger_note_find(l, GEN_STR("rate"), &found, &value, &err), &err);
    assert_true(found);
    assert_str(value, "11");
}

static void old_ledgers_are_read_as_they_are(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;

    make_version_1(f->path);
    struct gen_ledger *l = open_reader(f->path);
    check_old_rows(l);
    assert_int_equal(batches_of(l).n, 0);
    assert_int_equal(gen_ledger_batch_keys(l, 1, check_key, NULL, &err), GEN_ESTATE);
    struct tally_list list = tallies_of(l, 0);
    assert_int_equal(list.n, 2);
    assert_int_equal(tally_in(&list, 0, "generate", 2, "")->n, 1);
    gen_ledger_close(l);
    assert_int_equal(version_of(f->path), 1);
    assert_int_equal(count_files(f->folder), 1);
}

static void old_ledgers_are_brought_up_to_date(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    int64_t id = 0;

    make_version_1(f->path);
    struct gen_ledger *reader = open_reader(f->path); /* one that was there before */
    struct gen_ledger *l = open_writer(f->path);
    check_old_rows(l);
    struct tally_list list = tallies_of(l, 0);
    assert_int_equal(tally_in(&list, 0, "generate", 5, "")->n, 1); /* swept */
    must(begin_batch(l, 1, 10, &id, &err), &err);
    put_answer(l, begin_run(l), 5);
    check_old_rows(reader);
    assert_true(has_answer(reader, 5));
    gen_ledger_close(reader);
    gen_ledger_close(l);
    assert_int_equal(version_of(f->path), 3);
    for (int round = 0; round < 2; round++) {
        l = round == 0 ? open_writer(f->path) : open_reader(f->path);
        check_old_rows(l);
        assert_true(has_answer(l, 5));
        assert_int_equal(batches_of(l).n, 1);
        gen_ledger_close(l);
    }
}

/* In the child: tells the number of batches committed after each commit; every other turn it leaves
 * one begun without a commit for some time. Ends when killed. */
static int begin_for_ever(const char *path, int tell_fd)
{
    struct gen_ledger *l = NULL;
    int64_t id = 0;

    if (gen_ledger_open(&l, &gen_ledger_sqlite, path, false, NULL) != GEN_OK)
        return 1;
    for (uint64_t n = 1; n <= LIST_MAX / 2; n++) {
        if (gen_ledger_begin(l, NULL) != GEN_OK || begin_batch(l, 1, N_KEYS, &id, NULL) != GEN_OK ||
            gen_ledger_batch_update(l, id, GEN_BATCH_RUNNING, GEN_STR("r"), NULL) != GEN_OK ||
            gen_ledger_commit(l, NULL) != GEN_OK || begin_batch(l, 1, 7, &id, NULL) != GEN_OK ||
            gen_ledger_begin(l, NULL) != GEN_OK || begin_batch(l, 1, 5, &id, NULL) != GEN_OK ||
            write(tell_fd, &n, sizeof n) != (ssize_t)sizeof n)
            return 2;
        if (n == LIST_MAX / 4)
            (void)raise(SIGKILL); /* the last one is begun and not committed */
        if (gen_ledger_batch_update(l, id, GEN_BATCH_FAILED, GEN_STR(""), NULL) != GEN_OK)
            return 3;
        gen_ledger_close(l); /* drops what was not committed */
        if (gen_ledger_open(&l, &gen_ledger_sqlite, path, false, NULL) != GEN_OK)
            return 4;
    }
    return 5;
}

/* Meanwhile another process reads: it sees whole batches only. */
static void batches_are_whole_after_sigkill(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    uint64_t n = 0;
    int pipes[2], status = 0;

    gen_ledger_close(open_writer(f->path));
    struct gen_ledger *reader = open_reader(f->path);
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(pipes[0]);
        _exit(begin_for_ever(f->path, pipes[1]));
    }
    (void)close(pipes[1]);
    while (read(pipes[0], &n, sizeof n) == (ssize_t)sizeof n) {
        struct batch_list list = batches_of(reader);
        assert_true((uint64_t)list.n >= 2 * n);
        for (int i = 0; i < list.n; i++) {
            bool is_large = list.rows[i].n_requests == N_KEYS;
            assert_int_equal(list.rows[i].state,
                             is_large ? GEN_BATCH_RUNNING : GEN_BATCH_SUBMITTING);
        }
    }
    (void)close(pipes[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(n, LIST_MAX / 4);
    gen_ledger_close(reader);

    for (int round = 0; round < 2; round++) {
        struct gen_ledger *l = round == 0 ? open_reader(f->path) : open_writer(f->path);
        struct batch_list list = batches_of(l);
        assert_int_equal(list.n, 2 * n);
        for (int i = 0; i < list.n; i++) {
            struct key_list keys = {.ledger = l, .stop_at = 3};
            assert_int_not_equal(list.rows[i].n_requests, 5);
            assert_int_equal(gen_ledger_batch_keys(l, list.rows[i].id, check_key, &keys, &err),
                             GEN_ECANCELED);
        }
        gen_ledger_close(l);
    }
}

static int bare_open(void **ledger, const char *location, bool read_only, struct gen_error *err)
{
    static int nothing;
    (void)location;
    (void)read_only;
    (void)err;
    *ledger = &nothing;
    return GEN_OK;
}

static void bare_close(void *ledger)
{
    (void)ledger;
}

static void drivers_without_lists_say_so(void **state)
{
    static const struct gen_ledger_driver bare = {
        .scheme = "bare", .open = bare_open, .close = bare_close};
    const struct gen_digest key = key_from(1);
    const struct gen_answer a = {.run_id = 1};
    struct gen_ledger *l = NULL;
    struct gen_error err;
    int64_t id = -5;

    (void)state;
    must(gen_ledger_open(&l, &bare, "somewhere", false, &err), &err);
    assert_int_equal(gen_ledger_answer_put(l, &key, &a, &err), GEN_ESTATE);
    assert_non_null(strstr(err.msg, "this ledger (bare) cannot"));
    assert_int_equal(gen_ledger_runs(l, list_run, NULL, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_tallies(l, 0, list_tally, NULL, &err), GEN_ESTATE);
    assert_int_equal(begin_batch(l, 1, 1, &id, &err), GEN_ESTATE);
    assert_int_equal(id, -5);
    assert_int_equal(gen_ledger_batch_update(l, 1, GEN_BATCH_RUNNING, GEN_STR(""), &err),
                     GEN_ESTATE);
    assert_int_equal(gen_ledger_batches(l, list_batch, NULL, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_batch_keys(l, 1, check_key, NULL, NULL), GEN_ESTATE);
    gen_ledger_close(l);
}

int main(void)
{
#define LEDGER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, ledger_fixture_set_up, ledger_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(batches_outlive_their_process),
        LEDGER_TEST(batch_states_go_forward),
        LEDGER_TEST(answers_of_batches_are_found),
        LEDGER_TEST(runs_come_newest_first),
        LEDGER_TEST(tallies_add_up),
        LEDGER_TEST(many_kinds_of_calls),
        LEDGER_TEST(old_ledgers_are_read_as_they_are),
        LEDGER_TEST(old_ledgers_are_brought_up_to_date),
        LEDGER_TEST(batches_are_whole_after_sigkill),
        LEDGER_TEST(drivers_without_lists_say_so),
    };
    return cmocka_run_group_tests_name("ledger batches", tests, NULL, NULL);
}
