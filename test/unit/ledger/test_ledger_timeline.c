/* Attempts over time. Their times are set with SQLite itself: the ledger's clock is the world's. */
#include "ledger_support.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE_US 60000000LL
#define DAY_US    86400000000LL
#define START_US  1792627200000000LL /* a multiple of 364 days */

struct seen {
    struct gen_ledger_slot slots[300];
    size_t n, n_stop;
};

static int see(void *ud, const struct gen_ledger_slot *slot, struct gen_error *err)
{
    struct seen *seen = ud;
    if (seen->n_stop && seen->n == seen->n_stop)
        return gen_fail(err, GEN_ECANCELED, "enough");
    assert_in_range(seen->n, 0, 299);
    seen->slots[seen->n++] = *slot;
    return GEN_OK;
}

/* `n` attempts, `step_us` apart, every fifth of them failed, and one that is under way. */
static void make(const char *path, uint64_t n, int64_t step_us)
{
    struct gen_error err;
    struct gen_ledger *l = open_writer(path);
    int64_t run_id = begin_run(l), id = 0;
    char sql[160];
    sqlite3 *db = NULL;
    must(gen_ledger_begin(l, &err), &err);
    for (uint64_t i = 0; i < n; i++) {
        struct gen_digest key = key_from(i);
        char text[64];
        struct gen_answer a = answer_from(i, run_id, text);
        a.usage = (struct gen_usage){10, 2, 0, 0, i % 2 ? -1 : 7, 0};
        const struct gen_attempt_end end = {.state = GEN_ATTEMPT_FAILED,
                                            .usage = {-1, -1, -1, -1, -1, 0}};
        must(gen_ledger_attempt_sent(l, &key, run_id, GEN_STR("generate"), 1, &id, &err), &err);
        if (i % 5 == 4)
            must(gen_ledger_attempt_ended(l, id, &end, &err), &err);
        else
            must(gen_ledger_attempt_answered(l, id, &key, &a, &err), &err);
    }
    must(gen_ledger_commit(l, &err), &err);
    gen_ledger_close(l);
    (void)snprintf(sql, sizeof(sql), "UPDATE attempts SET ended_us = %lld + (id - 1) * %lld",
                   (long long)START_US, (long long)step_us);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

struct timeline_case {
    uint64_t n;
    int64_t step_us;
    size_t n_slots_max;
    int64_t width_us;
};

/* Whatever the width, nothing is lost, slots begin at multiples and come in order. */
static void sums_hold_at_every_width(void **state)
{
    static const struct timeline_case cases[] = {
        {1, MINUTE_US, 2, 10000},
        {100, 10000, 200, 10000},
        {100, 10000, 99, 50000},
        {120, MINUTE_US, 120, 10000}, /* slots without attempts take no room */
        {120, MINUTE_US, 60, 300000000},
        {120, MINUTE_US, 2, 2 * 1800000000LL},
        {250, DAY_US, 100, 7 * DAY_US},
        {250, 400 * DAY_US, 2, 314496000000LL * 1000 * 10},
    };
    struct ledger_fixture *f = *state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct gen_error err;
        struct seen seen = {.n = 0};
        int64_t width_us = 0, n_answered = 0, n_failed = 0, tokens = 0, cost = 0;
        int64_t n = (int64_t)cases[c].n;
        make(f->path, cases[c].n, cases[c].step_us);
        struct gen_ledger *l = open_reader(f->path);
        must(gen_ledger_timeline(l, cases[c].n_slots_max, &width_us, see, &seen, &err), &err);
        gen_ledger_close(l);
        assert_int_equal(remove(f->path), 0);
        assert_in_range(seen.n, 1, cases[c].n_slots_max);
        assert_int_equal(width_us, cases[c].width_us);
        for (size_t i = 0; i < seen.n; i++) {
            const struct gen_ledger_slot *s = &seen.slots[i];
            assert_int_equal(s->begin_unix_us % width_us, 0);
            assert_true(i == 0 || s->begin_unix_us > s[-1].begin_unix_us);
            n_answered += s->n_answered;
            n_failed += s->n_failed;
            tokens += s->usage.tokens_in > 0 ? s->usage.tokens_in : 0;
            cost += s->usage.cost_microusd > 0 ? s->usage.cost_microusd : 0;
        }
        assert_int_equal(n_failed, n / 5);
        assert_int_equal(n_answered, n - n / 5);
        assert_int_equal(tokens, 10 * n_answered);
        assert_true(cost > 0 && cost <= 7 * n_answered);
    }
}

static void what_nobody_said_is_unknown(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct seen seen = {.n = 0};
    int64_t width_us = 0;
    make(f->path, 5, MINUTE_US);
    struct gen_ledger *l = open_reader(f->path);
    must(gen_ledger_timeline(l, 100, &width_us, see, &seen, &err), &err);
    assert_int_equal(seen.n, 5);
    assert_int_equal(seen.slots[0].usage.cost_microusd, 7);
    assert_int_equal(seen.slots[1].usage.cost_microusd, -1);
    assert_int_equal(seen.slots[4].usage.tokens_in, -1);
    assert_int_equal(seen.slots[4].n_failed, 1);
    gen_ledger_close(l);
}

static void refusals(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct seen seen = {.n_stop = 2};
    int64_t width_us = 0;
    make(f->path, 5, MINUTE_US);
    struct gen_ledger *l = open_reader(f->path);
    assert_int_equal(gen_ledger_timeline(l, 1, &width_us, see, &seen, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_timeline(l, 65537, &width_us, see, &seen, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_timeline(l, 100, &width_us, see, &seen, &err), GEN_ECANCELED);
    assert_int_equal(seen.n, 2);
    gen_ledger_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_hold_at_every_width, ledger_fixture_set_up,
                                        ledger_fixture_tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_said_is_unknown, ledger_fixture_set_up,
                                        ledger_fixture_tear_down),
        cmocka_unit_test_setup_teardown(refusals, ledger_fixture_set_up, ledger_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
