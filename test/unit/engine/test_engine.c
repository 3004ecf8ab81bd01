/* What comes out: every input accounted for once, order, the same bytes whatever the timing. */
#include "engine_world.h"

#include <stdio.h>
#include <string.h>

/* All that can happen to a question, as a function of the question. */
static void mixed_script(struct world *w, const struct ask *a, struct reply *r)
{
    uint64_t step = gen_hash64(gen_str_from(a->step), w->same_answers ? 1 : w->seed);
    bool first = a->n_before == 0;
    for (size_t i = 0; i < a->n_ids; i++) {
        uint64_t h = id_base(a->ids[i]) + step % 97;
        if (h % 6 == 2)
            r->n_outs[i] = 3;
        if (h % 5 == 1)
            r->n_outs[i] = 0;
        if (h % 9 == 4 && !a->has_faults)
            r->n_outs[i] = -1;
        if (h % 23 == 4)
            r->n_outs[i] = -1;
        if (h % 17 == 3)
            r->class_code = GEN_CLASS_BLOCKED;
        if (h % 19 == 5 && a->n_wanted == 0)
            r->class_code = GEN_CLASS_TRUNCATED;
        if (h % 53 == 6)
            r->class_code = GEN_CLASS_TRUNCATED;
        if (h % 11 == 7 && !a->has_faults)
            r->raw = "there is no JSON here";
        if (h % 29 == 8)
            r->raw = "{\"rows\":3}";
        if (h % 37 == 9)
            r->class_code = GEN_CLASS_CONTEXT_OVERFLOW;
        if (h % 41 == 10 && first) {
            r->class_code = GEN_CLASS_RATE_LIMIT;
            r->retry_after_ms = 1;
        }
        if (h % 43 == 11 && first) {
            r->class_code = GEN_CLASS_SERVER_ERROR;
            r->retry_after_ms = 1;
        }
    }
}

static bool prefilter_some(uint64_t base, bool *is_skip)
{
    *is_skip = base % 14 == 6;
    return base % 7 == 6;
}

static bool drop_some(struct world *w, const char *id)
{
    (void)w;
    return id_base(gen_str_from(id)) % 8 == 3 || strstr(id, ".2") != NULL;
}

static void add_mixed_steps(struct world *w)
{
    struct world_step *s = world_add_step(w, "make");
    s->prefilter = prefilter_some;
    s->drop = drop_some;
    s = world_add_step(w, "change");
    s->group_max = 4;
    s->unit_same = true;
    s->keep_failed = true;
    s->ask_again = true;
    s = world_add_step(w, "judge");
    s->group_max = 3;
    s->share_all = true;
    s->unit_same = true;
    s->ask_again = true;
    s->prefilter = prefilter_some;
    s->drop = drop_some;
    w->script = mixed_script;
}

static void check_order(const struct world *w)
{
    struct gen_str rest = gen_buf_str(&w->out);
    struct gen_str line;
    uint64_t last = 0;
    while (gen_str_next_line(&rest, &line)) {
        uint64_t position = id_base(line);
        assert_true(position >= last);
        last = position;
    }
}

static void one_in_one_out(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    world_run_ok(w);
    assert_int_equal(w->n_out, 50);
    assert_int_equal(w->accounts[0].n_produced, 50);
    assert_int_equal(w->accounts[0].n_sent, 50);
    assert_int_equal(w->accounts[0].n_calls, 50);
    assert_int_equal(w->accounts[0].cost_microusd, 50 * 20);
    check_order(w);
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_int_equal(w->accounts[0].n_cached, 50);
    assert_int_equal(w->accounts[0].cost_microusd, 0);
}

static void no_input(void **state)
{
    struct world *w = *state;
    w->n_items = 0;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "change");
    world_run_ok(w);
    assert_int_equal(w->n_out, 0);
    assert_int_equal(w->accounts[0].n_in, 0);
}

/* Whatever happens: the account adds up, order holds, and a second run asks nothing and gives the
 * same bytes. */
static void a_second_run_asks_nothing(void **state)
{
    struct world *w = *state;
    add_mixed_steps(w);
    w->n_items = 230;
    for (unsigned seed = 0; seed < 12; seed++) {
        w->seed = seed;
        w->network = seed % 2;
        w->n_turns_max = seed % 5;
        w->window_start = 1 + seed % 4 * 5;
        w->window_max = w->window_start + seed * 3;
        world_new_ledger(w);
        w->n_asked_hashes = 0;
        world_run_ok(w);
        assert_int_equal(w->end, GEN_END_DONE);
        check_order(w);
        assert_true(w->n_out > 50);
        assert_true(world_failed(w) > 10);
        struct gen_buf out = w->out;
        struct gen_buf failures = world_failures(w);
        w->out = gen_buf_make(GEN_BUF_UNLIMITED);
        w->window_start = w->window_max;
        world_run_ok(w);
        assert_string_equal(w->out.data, out.data);
        assert_int_equal(w->end, GEN_END_DONE);
        /* What never had an answer, a context that is too long say, is in no ledger. */
        for (size_t i = 0; i < w->n_steps; i++)
            assert_int_equal(w->accounts[i].n_sent,
                             gen_counts_get(&w->accounts[i].by_class, "context_overflow"));
        struct gen_buf again = world_failures(w);
        assert_string_equal(again.data, failures.data);
        gen_buf_release(&again);
        gen_buf_release(&out);
        gen_buf_release(&failures);
    }
}

/* Timing changes nothing: neither what is grouped nor what comes out. */
static void timing_changes_nothing(void **state)
{
    struct world *w = *state;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    add_mixed_steps(w);
    w->same_answers = true;
    w->n_items = 150;
    for (unsigned seed = 0; seed < 12; seed++) {
        w->seed = seed;
        w->network = seed % 3 != 0;
        w->n_turns_max = seed;
        w->window_start = 1 + seed * seed;
        w->window_max = w->window_start + 20;
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        world_run_ok(w);
        if (seed == 0)
            assert_int_equal(gen_buf_add_str(&out, gen_buf_str(&w->out), NULL), GEN_OK);
        else
            assert_string_equal(w->out.data, out.data);
    }
    gen_buf_release(&out);
}

/* The outputs of an input and no others share a call, also when the last of them is gone. */
static void note_groups(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    uint64_t base = id_base(a->ids[0]);
    if (strcmp(a->step, "make") == 0)
        r->n_outs[0] = (int)(base % 7);
    for (size_t i = 0; i < a->n_ids; i++)
        assert_true(id_base(a->ids[i]) == base);
    if (strcmp(a->step, "judge") == 0 && a->n_before == 0 && a->n_ids > 1)
        r->n_outs[a->n_ids - 1] = 0;
}

static bool drop_last(struct world *w, const char *id)
{
    (void)w;
    return strstr(id, ".3") != NULL || strstr(id, ".5") != NULL;
}

static bool prefilter_base_5(uint64_t base, bool *is_skip)
{
    *is_skip = false;
    return base % 5 == 0;
}

static void groups_end_with_their_input(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"make", "change", "judge", "last"};
    for (size_t i = 0; i < 4; i++) {
        struct world_step *s = world_add_step(w, names[i]);
        s->group_max = i ? 4 : 1;
        s->share_all = true; /* the marks alone keep inputs apart */
        s->drop = i < 3 ? drop_last : NULL;
        s->prefilter = i == 1 ? prefilter_base_5 : NULL;
    }
    w->script = note_groups;
    w->n_items = 120;
    for (unsigned seed = 0; seed < 6; seed++) {
        w->network = seed % 2;
        w->n_turns_max = seed * 2;
        w->window_max = 3 + seed * 7;
        w->seed = seed;
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        world_run_ok(w);
        check_order(w);
    }
}

static void script_bad_ones(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    for (size_t i = 0; i < a->n_ids; i++) {
        if (id_base(a->ids[i]) % 10 == 3)
            r->class_code = GEN_CLASS_BLOCKED;
        if (id_base(a->ids[i]) % 10 == 6 && a->n_ids > 1)
            r->class_code = GEN_CLASS_TRUNCATED;
    }
}

/* A refusal that one input of a group causes costs that input alone. */
static void a_group_is_narrowed_down(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "judge");
    s->group_max = 8;
    s->share_all = true;
    w->script = script_bad_ones;
    world_run_ok(w);
    assert_int_equal(w->accounts[0].n_produced, 50 - 5);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "blocked"), 5);
    assert_non_null(strstr(w->failures.data, "judge 3 blocked: scripted blocked\n"));
    struct gen_buf failures = w->failures;
    w->failures = gen_buf_make(GEN_BUF_UNLIMITED);
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_string_equal(w->failures.data, failures.data);
    gen_buf_release(&failures);
}

static void script_truncated(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (a->n_wanted == 0 || id_base(a->ids[0]) % 2)
        r->class_code = GEN_CLASS_TRUNCATED;
}

static void a_single_input_is_asked_for_less(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->script = script_truncated;
    world_run_ok(w);
    assert_int_equal(w->accounts[0].n_produced, 25);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "truncated"), 25);
    assert_int_equal(w->accounts[0].n_sent, 100);
}

/* Whoever was asked about last is not robbed of its tries by its neighbours. */
static void script_stubborn(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (a->n_ids > 2)
        r->class_code = GEN_CLASS_BLOCKED;
    for (size_t i = 0; i < a->n_ids; i++)
        r->n_outs[i] =
            id_base(a->ids[i]) % 4 == 1 || (id_base(a->ids[i]) % 4 == 2 && !a->has_faults) ? -1 : 1;
}

static void a_question_is_repeated_for_its_own_inputs(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "judge");
    s->group_max = 4;
    s->share_all = true;
    s->ask_again = true;
    w->n_items = 4;
    w->script = script_stubborn;
    world_run_ok(w);
    /* {0,1,2,3} blocked; {0,1}: 1 never comes; {2,3}: 2 comes the second time. */
    assert_int_equal(w->accounts[0].n_produced, 3);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "malformed"), 1);
    assert_non_null(strstr(w->failures.data, "judge 1 malformed: ids are missing"));
    assert_int_equal(w->n_asked, 1 + 3 + 2);
}

static void script_one_fails(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (strcmp(a->step, "change") == 0 && id_base(a->ids[0]) == 7)
        r->class_code = GEN_CLASS_BAD_REQUEST;
}

static void a_failed_input_is_kept(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    world_add_step(w, "change")->keep_failed = true;
    w->script = script_one_fails;
    world_run_ok(w);
    assert_int_equal(w->n_out, 50);
    assert_int_equal(gen_counts_get(&w->accounts[1].failed, "bad_request"), 1);
    assert_non_null(strstr(w->out.data, "\n7 7.0~"));
}

static bool prefilter_7_and_8(uint64_t base, bool *is_skip)
{
    *is_skip = base == 7;
    return base == 7 || base == 8;
}

/* A rewriting step hands on what it has nothing to do with; what a rule filters goes no further. */
static void what_is_skipped_goes_on(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    struct world_step *s = world_add_step(w, "change");
    s->prefilter = prefilter_7_and_8;
    world_run_ok(w);
    assert_int_equal(w->n_out, 48);
    for (int run = 0; run < 2; run++) {
        s->keep_skipped = true;
        world_run_ok(w);
        assert_int_equal(w->n_out, 49);
        assert_int_equal(w->accounts[1].n_produced, 48);
        assert_int_equal(gen_counts_get(&w->accounts[1].skipped, "by_prefilter"), 1);
        assert_int_equal(gen_counts_get(&w->accounts[1].filtered, "by_prefilter"), 1);
        assert_non_null(strstr(w->out.data, "\n7 7.0~"));
        assert_null(strstr(w->out.data, "\n8 "));
        assert_int_equal(w->n_asked, 0);
        check_order(w);
    }
}

/* What the budget leaves undone is not handed on as if it were done. */
static void what_was_not_asked_does_not_go_on(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "change");
    s->prefilter = prefilter_7_and_8;
    s->keep_skipped = true;
    w->max_requests = 20;
    world_run_ok(w);
    assert_int_equal(w->end, GEN_END_BUDGET);
    assert_int_equal(w->accounts[0].n_produced, 20);
    assert_true(gen_counts_get(&w->accounts[0].skipped, "budget") > 0);
    assert_int_equal(gen_counts_get(&w->accounts[0].skipped, "by_prefilter"), 1);
    assert_int_equal(w->n_out, 21);
}

static void script_nothing_for_odd(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    for (size_t i = 0; i < a->n_ids; i++)
        r->n_outs[i] = id_base(a->ids[i]) % 2 ? 0 : 1;
}

/* An input that the step refuses fails with the step's class and words, is asked about once, and
 * takes nothing from the others of its call. */
static void a_step_refuses_an_input(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    s->refuse = "the answer explains nothing";
    s->group_max = 5;
    s->share_all = true;
    w->script = script_nothing_for_odd;
    for (int run = 0; run < 2; run++) {
        world_run_ok(w);
        assert_int_equal(w->n_out, 25);
        assert_int_equal(w->accounts[0].n_produced, 25);
        assert_int_equal(gen_counts_get(&w->accounts[0].failed, "refused"), 25);
        assert_non_null(strstr(w->failures.data, "make 7 refused: the answer explains nothing\n"));
        assert_int_equal(w->n_asked, run ? 0 : 10);
    }
    s->keep_failed = true;
    world_run_ok(w);
    assert_int_equal(w->n_out, 50);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "refused"), 25);
}

static void script_faults(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (id_base(a->ids[0]) % 2 == 0 && !a->has_faults)
        r->raw = "{\"rows\":[{\"id\":1}]}";
    if (id_base(a->ids[0]) == 5)
        r->raw = "nothing";
}

static void a_malformed_answer_is_asked_for_again(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->script = script_faults;
    world_run_ok(w);
    assert_int_equal(w->accounts[0].n_produced, 49);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "malformed"), 1);
    assert_int_equal(gen_counts_get(&w->accounts[0].notes, "asked_again"), 25 + 2);
    assert_int_equal(w->accounts[0].n_sent, 50 + 25 + 2);
}

static void script_rounds(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    r->n_outs[0] = 1 + (int)a->sample / 1000;
}

/* A source that gives everything again once all is through; the passes ask anew. */
static void rounds(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    w->script = script_rounds;
    for (size_t group = 1; group < 9; group += 3) {
        s->group_max = group;
        s->share_all = true;
        w->n_rounds = 3;
        world_new_ledger(w);
        world_run_ok(w);
        assert_int_equal(w->accounts[0].n_in, 50);
        assert_int_equal(w->accounts[0].n_produced, 50);
        if (group == 1)
            assert_int_equal(w->n_out, 50 + 100 + 150);
        world_run_ok(w);
        assert_int_equal(w->n_asked, 0);
    }
}

/* A source that is not ready is waited for: the loop sleeps meanwhile, and calls are not sent half
 * full. */
static void a_source_that_is_late(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    w->script = script_rounds;
    for (unsigned i = 0; i < 4; i++) {
        s->group_max = 1 + i;
        w->same_answers = true;
        w->network = i % 2;
        w->late_every = 0;
        world_new_ledger(w);
        world_run_ok(w);
        int64_t n_sent = w->accounts[0].n_sent;
        struct gen_buf out = w->out;
        w->out = gen_buf_make(GEN_BUF_UNLIMITED);
        for (w->late_every = 1; w->late_every < 30; w->late_every *= 3) {
            world_new_ledger(w);
            world_run_ok(w);
            assert_true(w->n_late >= 50 / w->late_every);
            assert_in_range(w->n_late, 1, 3000);
            assert_int_equal(w->accounts[0].n_sent, n_sent);
            assert_string_equal(w->out.data, out.data);
        }
        gen_buf_release(&out);
    }
}

/* Equal questions are one request, and all get its answer, also while it is under way. */
static void equal_questions_are_asked_once(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    (void)world_add_step(w, "change");
    w->script = script_faults;
    w->n_items = 300;
    w->n_distinct = 20;
    for (unsigned i = 0; i < 6; i++) {
        w->network = i % 2;
        w->n_turns_max = i * 2;
        w->window_start = w->window_max = 1 + i * 15;
        w->n_asked_hashes = 0;
        world_new_ledger(w);
        world_run_ok(w);
        /* Ten are asked again, and one in vain. */
        int64_t n_asked = w->accounts[0].n_sent;
        assert_in_range(n_asked, 20 + 10 + 1, 20 + 10 + 2);
        assert_int_equal(w->n_out, 285);
        struct gen_buf out = w->out;
        w->out = gen_buf_make(GEN_BUF_UNLIMITED);
        world_run_ok(w);
        assert_int_equal(w->n_asked, 0);
        assert_string_equal(w->out.data, out.data);
        gen_buf_release(&out);
    }
}

static void count_inside(struct world *w, const struct ask *a, struct reply *r)
{
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(w->engine, &n);
    size_t waiting = 0;
    (void)a;
    (void)r;
    for (size_t i = 0; i < n; i++)
        waiting += accounts[i].n_waiting;
    w->waiting_peak = waiting > w->waiting_peak ? waiting : w->waiting_peak;
}

static void memory_is_bounded_by_the_window(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    struct world_step *s = world_add_step(w, "change");
    s->group_max = 8;
    s->share_all = true;
    (void)world_add_step(w, "judge");
    w->script = count_inside;
    w->n_items = 20000;
    w->window_start = w->window_max = 8;
    world_run_ok(w);
    assert_int_equal(w->n_out, w->n_items);
    assert_true(w->waiting_peak > 0);
    assert_true(w->waiting_peak < 1500);
    assert_true(w->in_flight_peak <= 8);
}

static bool prefilter_all(uint64_t base, bool *is_skip)
{
    (void)base;
    *is_skip = false;
    return true;
}

static void all_is_filtered(void **state)
{
    struct world *w = *state;
    world_add_step(w, "make")->prefilter = prefilter_all;
    w->n_items = 30000;
    world_run_ok(w);
    assert_int_equal(gen_counts_get(&w->accounts[0].filtered, "by_prefilter"), 30000);
    assert_int_equal(w->n_out, 0);
}

static void in_flight_never_exceeds_the_window(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->network = true;
    w->n_turns_max = 3;
    w->n_items = 2000;
    w->window_start = 4;
    w->window_max = 32;
    world_run_ok(w);
    assert_true(w->in_flight_peak <= 32);
    assert_true(w->window_peak == 32);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(one_in_one_out),
        WITH_WORLD(no_input),
        WITH_WORLD(a_second_run_asks_nothing),
        WITH_WORLD(timing_changes_nothing),
        WITH_WORLD(groups_end_with_their_input),
        WITH_WORLD(a_group_is_narrowed_down),
        WITH_WORLD(a_single_input_is_asked_for_less),
        WITH_WORLD(a_question_is_repeated_for_its_own_inputs),
        WITH_WORLD(a_failed_input_is_kept),
        WITH_WORLD(what_is_skipped_goes_on),
        WITH_WORLD(what_was_not_asked_does_not_go_on),
        WITH_WORLD(a_step_refuses_an_input),
        WITH_WORLD(a_malformed_answer_is_asked_for_again),
        WITH_WORLD(rounds),
        WITH_WORLD(a_source_that_is_late),
        WITH_WORLD(equal_questions_are_asked_once),
        WITH_WORLD(memory_is_bounded_by_the_window),
        WITH_WORLD(all_is_filtered),
        WITH_WORLD(in_flight_never_exceeds_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
