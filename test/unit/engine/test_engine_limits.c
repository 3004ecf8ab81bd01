/* Budgets of tokens and requests, limits a minute, warm prefixes, another seed. */
#include "engine_world.h"

#include <stdio.h>
#include <string.h>

/* Stops with the budget's name, never over it, and goes on where it was. */
static void max_requests_is_kept(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "judge");
    w->n_items = 60;
    for (int64_t max = 1; max < 60; max += 7) {
        w->network = max % 2;
        w->max_requests = max;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_BUDGET);
        assert_non_null(strstr(w->stop_reason, "--max-requests"));
        assert_int_equal(w->n_asked, max);
    }
    w->max_requests = 1000;
    world_run_ok(w);
    assert_int_equal(w->end, GEN_END_DONE);
    assert_int_equal(w->n_out, 60);
}

/* Each answer uses 20 tokens. */
static void max_tokens_total_is_kept(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->n_items = 100;
    w->max_tokens_total = 500;
    for (unsigned network = 0; network < 2; network++) {
        w->network = network;
        w->n_turns_max = network * 5;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_BUDGET);
        assert_non_null(strstr(w->stop_reason, "--max-tokens-total"));
        assert_in_range(w->n_asked, 20, 25);
    }
    w->max_tokens_total = 2000;
    world_run_ok(w);
    assert_int_equal(w->end, GEN_END_DONE);
    assert_int_equal(w->n_out, 100);
}

/* What the ledger has costs no request. */
static void a_full_ledger_needs_no_budget(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->n_items = 40;
    world_run_ok(w);
    w->max_requests = 1;
    w->max_tokens_total = 1;
    world_run_ok(w);
    assert_int_equal(w->end, GEN_END_DONE);
    assert_int_equal(w->n_out, 40);
}

/* Within the first minute no more may leave; the run is interrupted then. */
static void interrupt_when_asked(struct world *w, const struct ask *a, struct reply *r)
{
    (void)a;
    (void)r;
    assert_true(w->n_asked <= 8);
    if (w->n_asked == 8)
        (void)gen_engine_interrupt(w->engine);
}

static void requests_a_minute_are_kept(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->n_items = 50;
    w->network = true;
    w->max_requests_a_minute = 8;
    w->script = interrupt_when_asked;
    world_run_ok(w);
    assert_int_equal(w->end, GEN_END_INTERRUPTED);
    assert_int_equal(w->n_asked, 8);
}

static int64_t n_answered_at_second;

static void slow_first(struct world *w, const struct ask *a, struct reply *r)
{
    (void)a;
    size_t n_stages = 0;
    if (w->n_asked == 1)
        r->n_turns = 30;
    if (w->n_asked == 2)
        n_answered_at_second = gen_engine_accounts(w->engine, &n_stages)[0].tokens_in / 10;
}

/* The first request with a stable text goes alone, and the others when it is answered. */
static void one_request_warms_a_prefix(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "a stable text of some length");
    w->n_items = 40;
    w->network = true;
    w->window_start = w->window_max = 16;
    w->script = slow_first;
    w->cached_prefix_tokens = 4;
    world_run_ok(w);
    assert_int_equal(w->n_out, 40);
    assert_int_equal(n_answered_at_second, 1);
    assert_true(w->in_flight_peak > 4);
    /* A text below the provider's least is not kept by it: nobody waits. */
    w->cached_prefix_tokens = 1000;
    world_new_ledger(w);
    world_run_ok(w);
    assert_int_equal(n_answered_at_second, 0);
}

static void fail_first(struct world *w, const struct ask *a, struct reply *r)
{
    (void)a;
    if (w->n_asked == 1) {
        r->class_code = GEN_CLASS_BAD_REQUEST;
        r->n_turns = 10;
    }
}

/* The one that goes first fails: another one does, and nobody waits for ever. */
static void a_prefix_whose_first_request_fails(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "a stable text of some length");
    w->n_items = 20;
    w->network = true;
    w->cached_prefix_tokens = 4;
    w->script = fail_first;
    world_run_ok(w);
    assert_int_equal(w->n_out, 19);
    assert_int_equal(world_failed(w), 1);
}

static void block_by_chance(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    bool is_always = strcmp(a->ids[0].p, "3") == 0 || strncmp(a->ids[0].p, "3 ", 2) == 0;
    if (a->reseed == 0 || is_always) {
        r->class_code = GEN_CLASS_BLOCKED;
        r->try_other_seed = true;
    }
}

/* Blocked by what may be chance: asked once more with another seed, and then it stands. */
static void another_seed_is_tried_once(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->n_items = 8;
    w->network = true;
    w->script = block_by_chance;
    world_run_ok(w);
    assert_int_equal(w->n_asked, 16);
    int64_t n_failed = world_failed(w);
    assert_int_equal(w->n_out + n_failed, 8);
    /* The second run finds what the first one ended with. */
    int64_t n_out = w->n_out;
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_int_equal(w->n_out, n_out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(max_requests_is_kept),          TEST(max_tokens_total_is_kept),
        TEST(a_full_ledger_needs_no_budget), TEST(requests_a_minute_are_kept),
        TEST(one_request_warms_a_prefix),    TEST(a_prefix_whose_first_request_fails),
        TEST(another_seed_is_tried_once),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    world_schema_free();
    return rc;
}
