/* The ledger's part: nothing is used before its commit, nothing is paid twice, and a ledger that
 * fails ends the run in order. */
#include "engine_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A driver that passes all on to SQLite, watches the order, and fails when told to. */
static struct {
    void *inner;
    int64_t n_calls;
    int64_t fail_at; /* the number of the call that fails; 0: none */
    bool broken;
    int64_t n_answered_open; /* answers written since the last commit */
    int64_t n_sent_open;
    int64_t n_answered, n_sent, n_committed_sent;
} spy;

static int fails(struct gen_error *err)
{
    spy.n_calls++;
    if (spy.broken || spy.n_calls == spy.fail_at) {
        spy.broken = true;
        return gen_fail(err, GEN_EIO, "scripted failure of the ledger");
    }
    return GEN_OK;
}

static int spy_open(void **state, const char *location, bool read_only, struct gen_error *err)
{
    int rc = gen_ledger_sqlite.open(&spy.inner, location, read_only, err);
    *state = spy.inner;
    return rc;
}

static void spy_close(void *state)
{
    gen_ledger_sqlite.close(state);
}

static int spy_begin(void *state, struct gen_error *err)
{
    return fails(err) ? GEN_EIO : gen_ledger_sqlite.begin(state, err);
}

static int spy_commit(void *state, struct gen_error *err)
{
    if (fails(err))
        return GEN_EIO;
    spy.n_answered_open = 0;
    spy.n_committed_sent += spy.n_sent_open;
    spy.n_sent_open = 0;
    return gen_ledger_sqlite.commit(state, err);
}

static int spy_run_begin(void *state, const struct gen_run_info *info, int64_t *run_id,
                         struct gen_error *err)
{
    return gen_ledger_sqlite.run_begin(state, info, run_id, err);
}

static int spy_find(void *state, const struct gen_digest *key, struct gen_run_span span,
                    bool *found, struct gen_answer *out, struct gen_error *err)
{
    return fails(err) ? GEN_EIO : gen_ledger_sqlite.find(state, key, span, found, out, err);
}

static int spy_sent(void *state, const struct gen_digest *key, int64_t run_id, struct gen_str step,
                    int attempt, int64_t *attempt_id, struct gen_error *err)
{
    if (fails(err))
        return GEN_EIO;
    spy.n_sent_open++;
    spy.n_sent++;
    return gen_ledger_sqlite.attempt_sent(state, key, run_id, step, attempt, attempt_id, err);
}

static int spy_answered(void *state, int64_t attempt_id, const struct gen_digest *key,
                        const struct gen_answer *a, struct gen_error *err)
{
    if (fails(err))
        return GEN_EIO;
    spy.n_answered_open++;
    spy.n_answered++;
    return gen_ledger_sqlite.attempt_answered(state, attempt_id, key, a, err);
}

static int spy_ended(void *state, int64_t attempt_id, const struct gen_attempt_end *end,
                     struct gen_error *err)
{
    return fails(err) ? GEN_EIO : gen_ledger_sqlite.attempt_ended(state, attempt_id, end, err);
}

static int spy_note_find(void *state, struct gen_str name, bool *found, struct gen_str *value,
                         struct gen_error *err)
{
    return fails(err) ? GEN_EIO : gen_ledger_sqlite.note_find(state, name, found, value, err);
}

static const struct gen_ledger_driver spy_driver = {
    .scheme = "spy",
    .open = spy_open,
    .close = spy_close,
    .begin = spy_begin,
    .commit = spy_commit,
    .run_begin = spy_run_begin,
    .find = spy_find,
    .attempt_sent = spy_sent,
    .attempt_answered = spy_answered,
    .attempt_ended = spy_ended,
    .note_find = spy_note_find,
};

static int set_up(void **state)
{
    memset(&spy, 0, sizeof(spy));
    return world_set_up(state);
}

/* Over the network a request is seen only when it has left: its row must be committed by then. */
static void script_sees_commits(struct world *w, const struct ask *a, struct reply *r)
{
    (void)r;
    (void)a;
    if (w->network)
        assert_true(spy.n_committed_sent >= w->n_asked);
    if (id_base(a->ids[0]) % 9 == 2 && a->n_before == 0) {
        r->class_code = GEN_CLASS_SERVER_ERROR;
        r->retry_after_ms = 1;
    }
}

/* The release hook is the first to use an answer's outputs. */
static bool drop_none_checks_commit(struct world *w, const char *id)
{
    (void)w;
    (void)id;
    assert_int_equal(spy.n_answered_open, 0);
    return false;
}

static void nothing_is_used_before_its_commit(void **state)
{
    struct world *w = *state;
    world_add_step(w, "make")->drop = drop_none_checks_commit;
    world_add_step(w, "change")->drop = drop_none_checks_commit;
    w->driver = &spy_driver;
    w->script = script_sees_commits;
    for (unsigned i = 0; i < 4; i++) {
        w->network = i % 2;
        w->n_turns_max = i;
        memset(&spy, 0, sizeof(spy));
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(spy.n_answered, 100);
        assert_true(spy.n_sent > 100);
        assert_int_equal(w->n_out, 50);
    }
}

static void a_failing_ledger_ends_the_run(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    struct world_step *s = world_add_step(w, "change");
    s->group_max = 3;
    s->share_all = true;
    w->driver = &spy_driver;
    w->script = script_sees_commits;
    w->n_items = 12;
    for (unsigned network = 0; network < 2; network++) {
        w->network = network;
        w->n_turns_max = network * 2;
        bool done = false;
        for (int64_t k = 1; !done; k++) {
            memset(&spy, 0, sizeof(spy));
            spy.fail_at = k;
            w->n_asked_hashes = 0;
            world_new_ledger(w);
            world_run(w);
            done = !spy.broken;
            /* The look-up of what the server does not take may fail: it costs one request. */
            if (spy.broken && w->rc == GEN_OK)
                fail_msg("the ledger failed at call %lld, and nobody noticed", (long long)k);
            if (spy.broken)
                assert_int_equal(w->err.code, GEN_EIO);
            assert_true(k < 2000);
        }
        assert_int_equal(w->n_out, 12);
    }
}

/* What was committed before the ledger failed is not asked again. */
static void what_was_committed_is_not_asked_again(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->driver = &spy_driver;
    w->n_items = 200;
    spy.fail_at = 400;
    world_run(w);
    assert_int_equal(w->rc, GEN_EIO);
    int64_t n_before = w->n_asked;
    memset(&spy, 0, sizeof(spy));
    world_run_ok(w);
    assert_int_equal(w->n_out, 200);
    assert_true(n_before + w->n_asked <= 200 + (int64_t)w->window_max);
}

static void fresh_asks_all_again(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->script = script_sees_commits;
    world_run_ok(w);
    int64_t n = w->accounts[0].n_calls;
    w->fresh = true;
    w->n_asked_hashes = 0; /* with its failures and their retries */
    world_run_ok(w);
    assert_int_equal(w->accounts[0].n_calls, n);
    assert_int_equal(w->accounts[0].n_cached, 0);
    assert_true(w->n_asked > 50);
}

static void script_fails_once(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    for (size_t i = 0; i < a->n_ids; i++) {
        uint64_t base = id_base(a->ids[i]);
        if (base % 10 == 3 && a->sample == 0)
            r->class_code = GEN_CLASS_BLOCKED;
        if (base % 10 == 5 && a->sample == 0)
            r->n_outs[i] = -1;
        if (base % 10 == 7)
            r->raw = "never anything good";
    }
}

static void retry_failed_asks_what_failed(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    w->script = script_fails_once;
    for (size_t group = 1; group <= 4; group += 3) {
        s->group_max = group;
        s->share_all = true;
        s->ask_again = true;
        world_new_ledger(w);
        w->retry_failed = false;
        world_run_ok(w);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "blocked"), 5);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "malformed"), 10);
        w->retry_failed = true;
        world_run_ok(w);
        assert_true(w->n_asked >= 5 + 5 + 5);
        assert_true(w->n_asked <= 5 + 5 + 15);
        assert_int_equal(w->accounts[0].n_produced, 45);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "malformed"), 5);
        /* What that paid for is found by a plain run too. */
        struct gen_buf out = w->out;
        w->out = gen_buf_make(GEN_BUF_UNLIMITED);
        w->retry_failed = false;
        world_run_ok(w);
        assert_int_equal(w->n_asked, 0);
        assert_string_equal(w->out.data, out.data);
        gen_buf_release(&out);
    }
}

static void script_thinks(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (id_base(a->ids[0]) % 2)
        r->reasoning = "it is odd";
}

static void reasoning_comes_back_from_the_ledger(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    s->keep_reasoning = true;
    w->script = script_thinks;
    world_run_ok(w);
    assert_non_null(strstr(w->out.data, "because it is odd\n"));
    assert_non_null(strstr(w->out.data, "because \n"));
    struct gen_buf out = w->out;
    w->out = gen_buf_make(GEN_BUF_UNLIMITED);
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_string_equal(w->out.data, out.data);
    gen_buf_release(&out);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(nothing_is_used_before_its_commit),
        WITH_WORLD(a_failing_ledger_ends_the_run),
        WITH_WORLD(what_was_committed_is_not_asked_again),
        WITH_WORLD(fresh_asks_all_again),
        WITH_WORLD(retry_failed_asks_what_failed),
        WITH_WORLD(reasoning_comes_back_from_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
