/* Items of several turns: questions that follow upon answers, and actions with observations. */
#include "engine_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite, watched; dead after so many observations and answers, as after kill -9. */
static struct {
    int64_t n_open; /* written since the last commit */
    int64_t n_written, n_committed;
    int64_t dies_at; /* 0: never */
    int64_t n_tools, n_models;
    struct gen_ledger_driver driver;
} spy;

static int spy_answered(void *state, int64_t attempt_id, const struct gen_digest *key,
                        const struct gen_answer *a, struct gen_error *err)
{
    if (spy.dies_at && spy.n_written >= spy.dies_at)
        return gen_fail(err, GEN_EIO, "the power went");
    spy.n_written++;
    spy.n_open++;
    return gen_ledger_sqlite.attempt_answered(state, attempt_id, key, a, err);
}

static int spy_sent(void *state, const struct gen_digest *key, int64_t run_id, struct gen_str step,
                    int attempt, int64_t *attempt_id, struct gen_error *err)
{
    bool is_tool = gen_str_ends(step, GEN_STR(GEN_ACTIONS_SUFFIX));
    spy.n_tools += is_tool;
    spy.n_models += !is_tool;
    return gen_ledger_sqlite.attempt_sent(state, key, run_id, step, attempt, attempt_id, err);
}

static int spy_commit(void *state, struct gen_error *err)
{
    spy.n_committed += spy.n_open;
    spy.n_open = 0;
    return gen_ledger_sqlite.commit(state, err);
}

static void sees_commits(struct world *w)
{
    (void)w;
    assert_int_equal(spy.n_open, 0);
}

static int set_up(void **state)
{
    memset(&spy, 0, sizeof(spy));
    spy.driver = gen_ledger_sqlite;
    spy.driver.attempt_answered = spy_answered;
    spy.driver.attempt_sent = spy_sent;
    spy.driver.commit = spy_commit;
    int rc = world_set_up(state);
    struct world *w = rc == 0 ? *state : NULL;
    if (w) {
        w->driver = &spy.driver;
        w->on_observe = sees_commits;
    }
    return rc;
}

static struct gen_buf take_out(struct world *w)
{
    struct gen_buf out = w->out;
    w->out = gen_buf_make(GEN_BUF_UNLIMITED);
    return out;
}

static void check_order(const struct world *w)
{
    struct gen_str rest = gen_buf_str(&w->out);
    struct gen_str line;
    uint64_t n = 0;
    while (gen_str_next_line(&rest, &line))
        assert_int_equal(id_base(line), n++);
    assert_int_equal((int64_t)n, w->n_items);
}

static struct gen_ledger_totals totals_of(const struct world *w)
{
    struct gen_ledger *ledger = NULL;
    struct gen_ledger_totals t;
    assert_int_equal(gen_ledger_open(&ledger, &gen_ledger_sqlite, w->path, true, NULL), GEN_OK);
    assert_int_equal(gen_ledger_totals(ledger, 0, &t, NULL), GEN_OK);
    gen_ledger_close(ledger);
    return t;
}

static int64_t n_of(const char *turns, char kind)
{
    int64_t n = 0;
    for (; *turns; turns++)
        n += *turns == kind;
    return n;
}

static const char *const dialogues[] = {"q",  "qq", "qqqqq",   "a",    "aa",
                                        "aq", "qa", "qaqaqaq", "aaqqa"};

static void each_turn_is_taken_once_and_in_order(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    (void)world_add_step(w, "judge");
    for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++) {
        for (unsigned k = 0; k < 3; k++) {
            int64_t n_a = n_of(dialogues[i], 'a') * w->n_items;
            int64_t n_q = n_of(dialogues[i], 'q') * w->n_items;
            s->turns = dialogues[i];
            w->network = k > 0;
            w->n_turns_max = k * 4;
            w->seed = k + 1;
            spy.n_tools = spy.n_models = 0;
            world_new_ledger(w);
            world_run_ok(w);
            check_order(w);
            assert_int_equal(w->n_acted, n_a);
            assert_int_equal(w->accounts[0].n_actions, n_a);
            assert_int_equal(w->accounts[0].n_actions_cached, 0);
            assert_int_equal(w->accounts[0].n_calls, n_q);
            assert_int_equal(w->accounts[0].n_sent, n_q);
            assert_int_equal(w->accounts[0].n_produced, w->n_items);
            assert_int_equal(w->accounts[1].n_actions, 0);
            assert_int_equal(w->accounts[0].tokens_out, 10 * n_q);
            assert_int_equal(spy.n_tools, n_a);
            assert_int_equal(spy.n_models, n_q + w->n_items);
            /* All of it is in the ledger. */
            struct gen_buf out = take_out(w);
            world_run_ok(w);
            assert_int_equal(w->n_asked + w->n_acted, 0);
            assert_int_equal(w->accounts[0].n_actions_cached, n_a);
            assert_int_equal(w->accounts[0].n_cached, n_q);
            assert_string_equal(w->out.data, out.data);
            gen_buf_release(&out);
        }
    }
}

/* Inputs that share a question may need different numbers of turns. */
static void script_filters_some(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    for (size_t i = 0; i < a->n_ids; i++) {
        bool is_second = gen_str_find(a->ids[i], GEN_STR("/"), 0) != SIZE_MAX;
        if (id_base(a->ids[i]) % 5 == 1 && is_second)
            r->n_outs[i] = 0;
        if (id_base(a->ids[i]) % 5 == 2 && !a->has_faults)
            r->n_outs[i] = -1;
        if (id_base(a->ids[i]) % 5 == 3 && is_second)
            r->n_outs[i] = -1;
    }
}

static void inputs_of_one_call_take_turns(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    s->turns = "qqq";
    s->group_max = 7;
    s->share_all = true;
    s->ask_again = true;
    w->script = script_filters_some;
    for (unsigned k = 0; k < 3; k++) {
        w->network = k > 0;
        w->n_turns_max = k * 4;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->n_out, 30);
        assert_int_equal(gen_counts_get(&w->accounts[0].filtered, "empty"), 10);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "malformed"), 10);
    }
}

/* Wherever it dies, what was committed is not done again, and the bytes are the same. */
static void a_killed_run_goes_on(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "qaqaq";
    (void)world_add_step(w, "judge");
    w->same_answers = true;
    w->n_items = 12;
    for (unsigned network = 0; network < 2; network++) {
        w->network = network;
        w->n_turns_max = 3 * network;
        world_new_ledger(w);
        spy.dies_at = 0;
        world_run_ok(w);
        struct gen_buf whole = take_out(w);
        for (int64_t at = 1; at < 12 * 6; at += 5) {
            world_new_ledger(w);
            spy.n_written = spy.n_committed = spy.n_open = 0;
            spy.dies_at = at;
            world_run(w);
            assert_int_equal(w->rc, GEN_EIO);
            spy.dies_at = 0;
            spy.n_written = spy.n_open = 0;
            int64_t n_kept = spy.n_committed;
            world_run_ok(w);
            assert_string_equal(w->out.data, whole.data);
            assert_int_equal(n_kept + spy.n_written, 12 * 6);
        }
        gen_buf_release(&whole);
    }
}

static void deed_fails(struct world *w, struct gen_str id, struct deed *d)
{
    (void)w;
    if (id_base(id) % 10 == 4 && d->n_before == 0)
        d->failed = "server_died";
}

static void a_failed_action_fails_its_input(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    w->deed = deed_fails;
    for (unsigned keeps = 0; keeps < 2; keeps++) {
        s->turns = "qaq";
        s->keep_failed = keeps;
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "server_died"), 5);
        assert_int_equal(w->accounts[0].n_produced, 45);
        assert_int_equal(w->n_out, keeps ? 50 : 45);
        /* As it came, not as its turns had left it. */
        assert_non_null(
            strstr(w->failures.data, "talk 14 server_died: scripted failure of an action\n"));
        assert_int_equal(strstr(w->out.data, "\n14 14\n") != NULL, keeps);
        /* Nothing was stored of it: the same command does it again. */
        world_run_ok(w);
        assert_int_equal(w->n_acted, 5);
        assert_int_equal(w->n_asked, 5);
        assert_int_equal(w->n_out, 50);
    }
}

static void deed_hangs(struct world *w, struct gen_str id, struct deed *d)
{
    (void)w;
    d->hangs = id_base(id) % 4 == 1;
}

static void interrupts_wait_then_abandon(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "aqaq";
    w->n_items = 100;
    w->same_answers = true;
    world_run_ok(w);
    struct gen_buf whole = take_out(w);
    for (int64_t at = 1; at < 160; at += 13) {
        w->network = at % 2;
        w->n_turns_max = 4;
        world_new_ledger(w);
        w->deed = NULL;
        w->interrupt_at_act[0] = at;
        w->interrupt_at_act[1] = -1;
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_INTERRUPTED);
        assert_int_equal(w->n_abandoned, 0);
        assert_int_equal(w->accounts[0].n_actions, w->n_acted);
        int64_t n_before = w->n_acted;
        w->interrupt_at_act[0] = -1;
        world_run_ok(w);
        assert_int_equal(w->n_acted + n_before, 200);
        assert_string_equal(w->out.data, whole.data);

        world_new_ledger(w);
        w->deed = deed_hangs;
        w->interrupt_at_act[0] = at;
        w->interrupt_at_act[1] = at;
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_INTERRUPTED);
        assert_true(w->n_abandoned > 0);
        assert_int_equal(w->accounts[0].n_actions + w->n_abandoned, w->n_acted);
        assert_true(totals_of(w).n_sent_unknown >= w->n_abandoned);
        w->interrupt_at_act[0] = w->interrupt_at_act[1] = -1;
        w->deed = NULL;
        world_run_ok(w);
        assert_string_equal(w->out.data, whole.data);
    }
    gen_buf_release(&whole);
}

static void turns_have_an_end(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    s->turns = "*";
    s->keep_failed = true;
    w->n_items = 3;
    world_run_ok(w);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "too_many_turns"), 3);
    assert_int_equal(w->n_asked, 3 * GEN_TURNS_MAX);
    assert_string_equal(w->out.data, "0 0\n1 1\n2 2\n");
    assert_non_null(strstr(w->failures.data, "it had not come to an end after 64 turns"));
}

static void script_repairs_once(struct world *w, const struct ask *a, struct reply *r)
{
    static char text[200];
    (void)w;
    if (gen_str_find(a->ids[0], GEN_STR("/"), 0) != SIZE_MAX)
        return;
    (void)snprintf(text, sizeof(text),
                   "```json\n{\"rows\":[{\"id\":\"%.*s\",\"outs\":[\"%.*s.0\"]}]}\n```",
                   GEN_STR_ARG(a->ids[0]), GEN_STR_ARG(a->ids[0]));
    r->raw = text;
}

/* Only the first turn's answer had to be repaired; an action is the last turn. */
static void repairs_of_earlier_turns_are_told(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    s->turns = "qqa";
    s->as_object = true;
    w->n_items = 2;
    w->same_answers = true;
    w->script = script_repairs_once;
    world_run_ok(w);
    assert_int_equal(w->n_out, 2);
    const char *told = strstr(w->out.data, "\"json_repairs\":[");
    assert_non_null(told);
    assert_non_null(strstr(told + 1, "\"json_repairs\":["));
}

static void script_blocks_second_turn(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    bool is_second = gen_str_find(a->ids[0], GEN_STR("/"), 0) != SIZE_MAX;
    if (id_base(a->ids[0]) % 10 == 3 && is_second && a->sample == 0)
        r->class_code = GEN_CLASS_BLOCKED;
}

static void deed_is_bad_at_first(struct world *w, struct gen_str id, struct deed *d)
{
    (void)w;
    if (id_base(id) % 10 == 7 && d->n_before == 0)
        d->seen = "smoke";
}

/* The turn that failed is taken again, under another number; those before it are not. */
static void retry_failed_takes_the_failed_turn_again(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    s->turns = "qaqa";
    s->bad_sight = "smoke";
    w->script = script_blocks_second_turn;
    w->deed = deed_is_bad_at_first;
    for (unsigned network = 0; network < 2; network++) {
        w->network = network;
        w->n_turns_max = network;
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        w->retry_failed = false;
        world_run_ok(w);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "blocked"), 5);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "bad_sight"), 5);
        world_run_ok(w);
        assert_int_equal(w->n_asked + w->n_acted, 0);
        assert_int_equal(w->n_out, 40);
        w->retry_failed = true;
        world_run_ok(w);
        /* Seven's first action again, then its second question and action, of which the first is
         * bad; three's second question, then its action. */
        assert_int_equal(w->n_asked, 5 + 5);
        assert_int_equal(w->n_acted, 5 + 5 + 5);
        assert_int_equal(w->n_out, 45);
        world_run_ok(w);
        assert_int_equal(w->n_asked, 0);
        assert_int_equal(w->n_acted, 5);
        assert_int_equal(w->n_out, 50);
        struct gen_buf out = take_out(w);
        w->retry_failed = false;
        world_run_ok(w);
        assert_int_equal(w->n_asked + w->n_acted, 0);
        assert_string_equal(w->out.data, out.data);
        gen_buf_release(&out);
    }
}

static void fresh_does_all_anew(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "aqa";
    world_run_ok(w);
    w->fresh = true;
    world_run_ok(w);
    assert_int_equal(w->n_acted, 100);
    assert_int_equal(w->n_asked, 50);
    assert_int_equal(w->accounts[0].n_actions_cached, 0);
}

/* A fresh run's observations and answers take the older ones' place, where its own twins, and
 * whoever goes on after it, find them. */
static void fresh_does_equal_actions_once(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "aqa";
    w->n_distinct = 7;
    world_run_ok(w);
    w->fresh = true;
    world_run_ok(w);
    assert_int_equal(w->n_acted, 14);
    assert_int_equal(w->n_asked, 7);
    w->fresh = false;
    world_run_ok(w);
    assert_int_equal(w->n_acted, 0);
    assert_int_equal(w->n_asked, 0);
    assert_int_equal(w->accounts[0].n_actions_cached, 100);
}

static void equal_actions_are_done_once(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "aqa";
    w->n_distinct = 7;
    world_run_ok(w);
    assert_int_equal(w->n_acted, 14);
    assert_int_equal(w->n_asked, 7);
    assert_int_equal(w->accounts[0].n_actions, 100);
    assert_int_equal(w->accounts[0].n_actions_cached, 86);
    assert_int_equal(w->n_out, 50);
}

/* Actions take no room of the endpoint's: all items of the window act at once. */
static void actions_need_no_room(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "aq";
    w->window_start = w->window_max = 1;
    w->network = true;
    world_run_ok(w);
    assert_int_equal(w->in_flight_peak, 1);
    assert_true(w->acting_peak > 40);
}

static void a_target_ends_dialogues(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    s->turns = "aqaq";
    s->target = 10;
    w->n_items = 300;
    for (unsigned k = 0; k < 3; k++) {
        w->network = k > 0;
        w->n_turns_max = k * 3;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->n_out, 10);
        assert_int_equal(w->end, GEN_END_DONE);
    }
}

static void a_budget_waits_for_actions(void **state)
{
    struct world *w = *state;
    world_add_step(w, "talk")->turns = "qaqa";
    w->max_requests = 60;
    w->same_answers = true;
    for (unsigned network = 0; network < 2; network++) {
        w->network = network;
        world_new_ledger(w);
        w->max_requests = 60;
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_BUDGET);
        assert_int_equal(w->n_asked, 60);
        assert_int_equal(w->n_abandoned, 0);
        assert_int_equal(w->accounts[0].n_actions, w->n_acted);
        w->max_requests = 0;
        world_run_ok(w);
        assert_int_equal(w->n_asked, 40);
        assert_int_equal(w->n_out, 50);
    }
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(each_turn_is_taken_once_and_in_order),
        WITH_WORLD(inputs_of_one_call_take_turns),
        WITH_WORLD(a_killed_run_goes_on),
        WITH_WORLD(a_failed_action_fails_its_input),
        WITH_WORLD(interrupts_wait_then_abandon),
        WITH_WORLD(turns_have_an_end),
        WITH_WORLD(repairs_of_earlier_turns_are_told),
        WITH_WORLD(retry_failed_takes_the_failed_turn_again),
        WITH_WORLD(fresh_does_all_anew),
        WITH_WORLD(fresh_does_equal_actions_once),
        WITH_WORLD(equal_actions_are_done_once),
        WITH_WORLD(actions_need_no_room),
        WITH_WORLD(a_target_ends_dialogues),
        WITH_WORLD(a_budget_waits_for_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
