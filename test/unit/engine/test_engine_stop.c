/* Orderly endings before the end: Ctrl-C, the budget, a dead provider, a target that is reached. */
#include "engine_world.h"

#include <stdio.h>
#include <string.h>

static int64_t skipped(const struct world *w, size_t stage, const char *reason)
{
    return gen_counts_get(&w->accounts[stage].skipped, reason);
}

/* The first Ctrl-C waits for what is in flight, and uses it. */
static void the_first_interrupt_waits(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    struct world_step *s = world_add_step(w, "change");
    s->group_max = 4;
    s->share_all = true;
    (void)world_add_step(w, "judge");
    w->n_items = 400;
    for (int64_t at = 1; at < 60; at += 3) {
        w->network = at % 2;
        w->n_turns_max = (unsigned)at % 7;
        w->interrupt_at[0] = at;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_INTERRUPTED);
        int64_t answered = 0;
        int64_t sent = 0;
        for (size_t i = 0; i < 3; i++) {
            answered += w->accounts[i].n_calls;
            sent += w->accounts[i].n_sent;
            assert_int_equal(gen_counts_sum(&w->accounts[i].by_class), 0);
        }
        /* All that was sent was answered, and "sent" counts what left. */
        assert_int_equal(answered, w->n_asked);
        assert_int_equal(sent, w->n_asked);
        assert_true(skipped(w, 0, "interrupted") > 0);
        /* The same command goes on. */
        int64_t n_before = w->n_asked;
        w->interrupt_at[0] = -1;
        world_run_ok(w);
        assert_int_equal(w->n_out, 400);
        assert_int_equal(n_before + w->n_asked, 3 * 400);
    }
}

static void the_second_interrupt_abandons(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "change");
    w->n_items = 200;
    w->network = true;
    w->n_turns_max = 50;
    for (int64_t at = 1; at < 16; at++) {
        w->window_start = w->window_max = 16;
        w->interrupt_at[0] = at;
        w->interrupt_at[1] = at; /* at once */
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_INTERRUPTED);
        assert_true(w->n_out < 200);
        w->interrupt_at[0] = w->interrupt_at[1] = -1;
        world_run_ok(w);
        assert_int_equal(w->n_out, 200);
    }
}

/* Many outputs when the run stops: they need not find room in the next stage's queue. */
static void script_many(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (strcmp(a->step, "make") == 0)
        r->n_outs[0] = 60;
}

static void a_stop_with_full_queues_adds_up(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "change");
    w->script = script_many;
    w->n_items = 300;
    w->window_start = w->window_max = 2;
    for (int64_t at = 5; at < 400; at += 43) {
        w->interrupt_at[0] = at;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_INTERRUPTED);
    }
}

static void the_budget_ends_the_run(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "change");
    w->n_items = 300;
    w->max_cost_microusd = 1000; /* 50 answers */
    for (unsigned i = 0; i < 4; i++) {
        w->network = i % 2;
        w->n_turns_max = i * 3;
        w->window_start = w->window_max = 1 + i * 20;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_BUDGET);
        int64_t spent = w->accounts[0].cost_microusd + w->accounts[1].cost_microusd;
        if (spent > 1000 || spent < 900)
            fail_msg("round %u: %lld micro-dollars spent", i, (long long)spent);
        assert_true(skipped(w, 0, "budget") > 0);
        /* The next run has the same budget again, and goes on. */
        int64_t n_out = w->n_out;
        world_run_ok(w);
        assert_true(w->n_out > n_out);
    }
}

static void script_dies(struct world *w, const struct ask *a, struct reply *r)
{
    (void)a;
    if (w->n_asked > 20) {
        r->class_code = GEN_CLASS_AUTH;
        r->stop_provider = true;
    }
}

static void a_provider_that_cannot_be_used_ends_the_run(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "change");
    w->script = script_dies;
    for (unsigned i = 0; i < 6; i++) {
        w->network = i % 2;
        w->n_turns_max = i * 2;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_PROVIDER);
        assert_non_null(strstr(w->stop_reason, "scripted auth"));
        /* Nothing was sent after the answer that said so. */
        assert_int_equal(w->accounts[0].n_sent + w->accounts[1].n_sent, w->n_asked);
        assert_true(w->n_asked <= 20 + 2 * 16);
    }
}

static void script_all_bad(struct world *w, const struct ask *a, struct reply *r)
{
    (void)a;
    if (w->seed % 2)
        r->class_code = GEN_CLASS_BAD_REQUEST;
    else
        r->raw = "I cannot write JSON";
}

static void the_first_answers_all_bad_end_the_run(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->script = script_all_bad;
    w->n_items = 1000;
    for (w->seed = 0; w->seed < 4; w->seed++) {
        w->network = w->seed / 2;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_PROVIDER);
        if (w->n_asked >= 150)
            fail_msg("seed %llu: %lld asked", (unsigned long long)w->seed, (long long)w->n_asked);
    }
}

static void script_no_schema(struct world *w, const struct ask *a, struct reply *r)
{
    (void)a;
    if (w->n_asked <= 40) {
        r->class_code = GEN_CLASS_UNSUPPORTED_PARAM;
        r->param = "temperature";
    }
}

/* The whole first window comes back with the same complaint: no reason to stop. */
static void an_unsupported_parameter_is_dropped(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->script = script_no_schema;
    w->network = true;
    w->window_start = w->window_max = 40;
    w->n_items = 100;
    world_run_ok(w);
    assert_int_equal(w->end, GEN_END_DONE);
    assert_int_equal(w->n_out, 100);
    assert_int_equal(w->n_asked, 140);
}

/* --target-pairs: nothing more is sent once the target is reached; a second run sends nothing. */
static void script_slow_ones(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (id_base(a->ids[0]) % 5 == 4 && a->n_before == 0) {
        r->class_code = GEN_CLASS_RATE_LIMIT;
        r->retry_after_ms = 1;
    }
    if (id_base(a->ids[0]) % 7 == 4 && !a->has_faults)
        r->raw = "nothing";
}

static void a_target_ends_the_input(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    (void)world_add_step(w, "change");
    w->script = script_slow_ones;
    w->n_items = 500;
    for (unsigned seed = 0; seed < 10; seed++) {
        s->target = 20 + seed * 7;
        w->seed = seed;
        w->network = seed % 2;
        w->n_turns_max = seed;
        w->window_max = 4 + seed * 8;
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_DONE);
        assert_int_equal(w->n_out, s->target);
        assert_true(w->accounts[0].n_in < 500);
        struct gen_buf out = w->out;
        w->out = gen_buf_make(GEN_BUF_UNLIMITED);
        world_run_ok(w);
        assert_string_equal(w->out.data, out.data);
        assert_int_equal(w->n_asked, 0);
        gen_buf_release(&out);
    }
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_first_interrupt_waits),
        WITH_WORLD(the_second_interrupt_abandons),
        WITH_WORLD(a_stop_with_full_queues_adds_up),
        WITH_WORLD(the_budget_ends_the_run),
        WITH_WORLD(a_provider_that_cannot_be_used_ends_the_run),
        WITH_WORLD(the_first_answers_all_bad_end_the_run),
        WITH_WORLD(an_unsupported_parameter_is_dropped),
        WITH_WORLD(a_target_ends_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
