/* --fresh: answers beside older ones, of which the newest that leads to something counts. */
#include "engine_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gen_buf take_out(struct world *w)
{
    struct gen_buf out = w->out;
    w->out = gen_buf_make(GEN_BUF_UNLIMITED);
    return out;
}

/* The line of each input; empty where there is none. */
static struct gen_str line_of(const struct gen_buf *out, uint64_t base)
{
    struct gen_str rest = gen_buf_str(out), line;
    while (gen_str_next_line(&rest, &line)) {
        if (id_base(line) == base)
            return line;
    }
    return GEN_STR("");
}

static bool is_third(const struct ask *a)
{
    return id_base(a->ids[0]) % 3 == 0;
}

static void answer_badly(struct reply *r, unsigned how)
{
    if (how == 0)
        r->raw = "never anything good";
    else if (how == 1)
        r->class_code = GEN_CLASS_BLOCKED;
    else if (how == 2)
        r->class_code = GEN_CLASS_TRUNCATED;
    else
        r->n_outs[0] = -1;
}

static unsigned way; /* of answering badly */

static void script_bad_thirds(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (is_third(a))
        answer_badly(r, way);
}

static void script_all_bad(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    (void)a;
    answer_badly(r, way);
}

/* Malformed, refused, cut or left out: the older answer counts then, the newer one else; nothing is
 * asked, and all that was paid is there. */
static void bad_fresh_answers_shadow_nothing(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    for (way = 0; way < 4; way++) {
        s->ask_again = way == 3;
        world_new_ledger(w);
        w->fresh = false;
        w->script = NULL;
        world_run_ok(w);
        struct gen_buf old = take_out(w);
        w->fresh = true;
        w->script = script_bad_thirds;
        world_run_ok(w);
        assert_int_equal(w->n_out, 33);
        struct gen_buf fresh = take_out(w);
        w->fresh = false;
        for (int again = 0; again < 2; again++) {
            world_run_ok(w);
            assert_int_equal(w->n_asked, 0);
            assert_int_equal(w->n_out, 50);
            for (uint64_t i = 0; i < 50; i++) {
                struct gen_str want = line_of(i % 3 == 0 ? &old : &fresh, i);
                assert_true(want.n > 0 && gen_str_eq(line_of(&w->out, i), want));
            }
        }
        gen_buf_release(&old);
        gen_buf_release(&fresh);
    }
}

/* A whole group that was malformed: likewise. */
static void bad_fresh_answers_to_groups(void **state)
{
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "make");
    s->group_max = 4;
    s->share_all = true;
    world_run_ok(w);
    struct gen_buf old = take_out(w);
    w->fresh = true;
    way = 0;
    w->script = script_all_bad;
    world_run_ok(w);
    assert_int_equal(w->n_out, 0);
    w->fresh = false;
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_string_equal(w->out.data, old.data);
    gen_buf_release(&old);
}

static void script_bad_at_first(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (!a->has_faults)
        r->raw = "not yet";
}

/* What was bad at first and then good is the newest accepted answer. */
static void a_second_try_counts(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    world_run_ok(w);
    w->fresh = true;
    w->script = script_bad_at_first;
    world_run_ok(w);
    struct gen_buf fresh = take_out(w);
    w->fresh = false;
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_string_equal(w->out.data, fresh.data);
    gen_buf_release(&fresh);
}

/* Three runs, each with other inputs that it has good answers to. */
static unsigned good;

static void script_every_third_good(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (id_base(a->ids[0]) % 3 != good)
        r->raw = "bad";
}

static void each_of_many_runs_is_tried(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    w->script = script_every_third_good;
    struct gen_buf outs[3];
    for (unsigned k = 0; k < 3; k++) {
        good = k;
        w->fresh = k > 0;
        world_run_ok(w);
        outs[k] = take_out(w);
    }
    w->fresh = false;
    w->script = NULL;
    world_run_ok(w);
    assert_int_equal(w->n_asked, 0);
    assert_int_equal(w->n_out, 50);
    for (uint64_t i = 0; i < 50; i++)
        assert_true(gen_str_eq(line_of(&w->out, i), line_of(&outs[i % 3], i)));
    for (unsigned k = 0; k < 3; k++)
        gen_buf_release(&outs[k]);
}

/* Where no run has a good answer, a plain one fails of the newest, and --retry-failed pays anew. */
static void where_all_are_bad(void **state)
{
    struct world *w = *state;
    (void)world_add_step(w, "make");
    way = 0;
    for (int k = 0; k < 3; k++) {
        w->fresh = k == 1;
        w->script = k == 2 ? NULL : script_bad_thirds;
        world_run_ok(w);
        assert_int_equal(w->n_out, 33);
    }
    assert_int_equal(w->n_asked, 0);
    assert_int_equal(gen_counts_get(&w->accounts[0].failed, "malformed"), 17);
    w->retry_failed = true;
    world_run_ok(w);
    assert_int_equal(w->n_asked, 17);
    assert_int_equal(w->n_out, 50);
}

/* Bad in their last turn: the older dialogue counts, whole. */
static void script_bad_last_turn(struct world *w, const struct ask *a, struct reply *r)
{
    (void)w;
    if (is_third(a) && gen_str_find(a->ids[0], GEN_STR("/"), 0) != SIZE_MAX)
        r->raw = "bad";
}

static void dialogues_come_back_whole(void **state)
{
    static const char *const turns[] = {"qq", "aqaq", "qaq"};
    struct world *w = *state;
    struct world_step *s = world_add_step(w, "talk");
    for (size_t k = 0; k < sizeof(turns) / sizeof(turns[0]); k++) {
        s->turns = turns[k];
        world_new_ledger(w);
        w->fresh = false;
        w->script = NULL;
        world_run_ok(w);
        struct gen_buf old = take_out(w);
        w->fresh = true;
        w->script = script_bad_last_turn;
        world_run_ok(w);
        assert_int_equal(w->n_out, 33);
        struct gen_buf fresh = take_out(w);
        w->fresh = false;
        world_run_ok(w);
        assert_int_equal(w->n_asked + w->n_acted, 0);
        assert_int_equal(w->n_out, 50);
        for (uint64_t i = 0; i < 50; i++) {
            struct gen_str want = line_of(i % 3 == 0 ? &old : &fresh, i);
            assert_true(want.n > 0 && gen_str_eq(line_of(&w->out, i), want));
        }
        gen_buf_release(&old);
        gen_buf_release(&fresh);
    }
}

/* Dead after so many answers, as after kill -9. */
static int64_t n_answers, dies_at;

static int dying_answered(void *state, int64_t attempt_id, const struct gen_digest *key,
                          const struct gen_answer *a, struct gen_error *err)
{
    if (dies_at && n_answers >= dies_at)
        return gen_fail(err, GEN_EIO, "the power went");
    n_answers++;
    return gen_ledger_sqlite.attempt_answered(state, attempt_id, key, a, err);
}

/* A fresh run that was killed goes on: what it had is not paid again, what is older is not taken,
 * and going on once more gives the same bytes. */
static void a_killed_fresh_run_goes_on(void **state)
{
    struct world *w = *state;
    struct gen_ledger_driver dying = gen_ledger_sqlite;
    dying.attempt_answered = dying_answered;
    world_add_step(w, "talk")->turns = "qaq";
    w->driver = &dying;
    for (int64_t at = 10; at < 150; at += 45) {
        dies_at = 0;
        world_new_ledger(w);
        w->fresh = false;
        w->fresh_from = 0;
        world_run_ok(w);
        struct gen_buf old = take_out(w);
        int64_t n_old = w->n_asked_ever + w->n_acted_ever;
        w->fresh = true;
        n_answers = 0;
        dies_at = at;
        world_run(w);
        assert_int_equal(w->rc, GEN_EIO);
        gen_buf_release(&w->out);
        w->out = gen_buf_make(GEN_BUF_UNLIMITED);
        dies_at = 0;
        w->fresh_from = w->run_id;
        world_run_ok(w);
        int64_t n_paid = w->n_asked_ever + w->n_acted_ever - n_old;
        assert_in_range(n_paid, 150, 150 + (int64_t)w->window_max * 4);
        assert_int_equal(w->n_out, 50);
        struct gen_buf fresh = take_out(w);
        for (uint64_t i = 0; i < 50; i++)
            assert_false(gen_str_eq(line_of(&old, i), line_of(&fresh, i)));
        for (int again = 0; again < 2; again++) {
            w->fresh = again == 0;
            world_run_ok(w);
            assert_int_equal(w->n_asked + w->n_acted, 0);
            assert_string_equal(w->out.data, fresh.data);
        }
        gen_buf_release(&old);
        gen_buf_release(&fresh);
    }
}

/* Without --fresh the same ledger gives the older items for what the killed run had not finished,
 * and nothing is paid. */
static void a_killed_fresh_run_leaves_the_older_answers(void **state)
{
    struct world *w = *state;
    struct gen_ledger_driver dying = gen_ledger_sqlite;
    dying.attempt_answered = dying_answered;
    world_add_step(w, "talk")->turns = "qaq";
    w->driver = &dying;
    dies_at = 0;
    world_run_ok(w);
    struct gen_buf old = take_out(w);
    w->fresh = true;
    n_answers = 0;
    dies_at = 70;
    world_run(w);
    assert_int_equal(w->rc, GEN_EIO);
    dies_at = 0;
    w->fresh = false;
    world_run_ok(w);
    assert_int_equal(w->n_asked + w->n_acted, 0);
    assert_int_equal(w->n_out, 50);
    assert_true(gen_str_eq(line_of(&w->out, 49), line_of(&old, 49)));
    assert_false(gen_str_eq(line_of(&w->out, 0), line_of(&old, 0)));
    gen_buf_release(&old);
}

int main(void)
{
#define FRESH_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        FRESH_TEST(bad_fresh_answers_shadow_nothing),
        FRESH_TEST(bad_fresh_answers_to_groups),
        FRESH_TEST(a_second_try_counts),
        FRESH_TEST(each_of_many_runs_is_tried),
        FRESH_TEST(where_all_are_bad),
        FRESH_TEST(dialogues_come_back_whole),
        FRESH_TEST(a_killed_fresh_run_goes_on),
        FRESH_TEST(a_killed_fresh_run_leaves_the_older_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
