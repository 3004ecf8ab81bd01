#include "ui_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct ui_fixture f;
    struct gen_ui_state *state;
    struct gen_ui_text text;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    ui_fixture_init(&w->f);
    w->state = calloc(1, sizeof(*w->state));
    w->text.buf = gen_buf_make(GEN_BUF_UNLIMITED);
    w->text.utf8 = true;
    *state = w;
    return w->state ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_buf_release(&w->text.buf);
    free(w->state);
    free(w);
    return 0;
}

static const char *block(struct world *w, size_t columns)
{
    gen_ui_state_take(w->state, &w->f.view);
    gen_ui_block_render(&w->text, w->state, columns);
    assert_false(w->text.failed);
    for (size_t i = 0; i < w->text.n_lines; i++)
        assert_true(w->text.widths[i] < columns);
    return w->text.buf.data;
}

static void fits_each_width(void **state)
{
    struct world *w = *state;
    assert_string_equal(
        block(w, 120),
        "pipeline  ollama qwen3:8b at http://localhost:11434\n"
        " generate  ██████████████████░░░░░░░░░░░░  312/512 chunks  941 pairs  3 failed, 20 "
        "filtered\n"
        " enrich                                        900 pairs   899 kept   1 failed\n"
        " curate                                        880 pairs   400 kept   480 filtered\n"
        " export                                        400 pairs   400 rows\n"
        " 64 in flight (window 96) · 1.2M tokens in, 312k out · $1.23 · 4m 10s\n"
        " trouble: rate_limit 12, transport 1 · waiting 20 s: the server asked for it\n");
    assert_string_equal(
        block(w, 80),
        "pipeline  ollama qwen3:8b at http://localhost:11434\n"
        " generate  ██████████░░░░░░░░  312/512 chunks  941 pairs  3 failed, 20 "
        "filtered\n"
        " enrich                            900 pairs   899 kept   1 failed\n"
        " curate                            880 pairs   400 kept   480 filtered\n"
        " export                            400 pairs   400 rows\n"
        " 64 in flight (window 96) · 1.2M tokens in, 312k out · $1.23 · 4m 10s\n"
        " trouble: rate_limit 12, transport 1 · waiting 20 s: the server asked for it\n");
    assert_string_equal(block(w, 40), "pipeline  ollama qwen3:8b at http://...\n"
                                      " generate  312/512  941  3 failed\n"
                                      " enrich        900  899  1 failed\n"
                                      " curate        880  400  480 filtered\n"
                                      " export        400  400\n"
                                      " 64 in flight (window 96)\n"
                                      " 1.2M tokens in, 312k out · $1.23\n"
                                      " 4m 10s\n"
                                      " trouble: rate_limit 12, transport 1\n"
                                      " waiting 20 s: the server asked for it\n");
}

static void no_width_is_too_small(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 3 * GEN_COUNTS_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "trouble_number_%zu", i);
        gen_counts_add(&w->f.trouble, name, 1);
    }
    w->f.view.stopping = "waiting for 12 answers; Ctrl-C again abandons them";
    for (size_t columns = 2; columns < 200; columns++) {
        (void)block(w, columns);
        assert_true(w->text.n_lines < GEN_UI_LINES_MAX);
    }
    gen_ui_block_render(&w->text, w->state, 0);
    gen_ui_block_render(&w->text, w->state, 1);
}

static void without_utf8_it_is_ascii(void **state)
{
    struct world *w = *state;
    w->text.utf8 = false;
    w->f.view.title = "ollama mod\xC3\xA8le at http://localhost";
    const char *text = block(w, 80);
    for (const char *p = text; *p; p++)
        assert_true((unsigned char)*p < 0x80);
    assert_non_null(strstr(text, "mod?le"));
    assert_non_null(strstr(text, "##########--------  312/512 chunks"));
    assert_non_null(strstr(text, "$1.23 | 4m 10s"));
}

static void outside_text_cannot_move_the_cursor(void **state)
{
    struct world *w = *state;
    w->f.view.title = "a\033[2Jb\rc\xC2\x9B"
                      "d\xFFgarbage";
    const char *text = block(w, 80);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "a?[2Jb?c??d?garbage"));
}

static void colors_take_no_columns(void **state)
{
    struct world *w = *state;
    (void)block(w, 100);
    size_t plain[GEN_UI_LINES_MAX];
    memcpy(plain, w->text.widths, sizeof(plain));
    w->text.color = true;
    const char *text = block(w, 100);
    assert_non_null(strstr(text, "\033[31m3 failed\033[0m"));
    assert_memory_equal(plain, w->text.widths, w->text.n_lines * sizeof(plain[0]));
}

static void unknown_totals_free_runs_and_the_ledger(void **state)
{
    struct world *w = *state;
    w->f.stages[0].n_expected = -1;
    w->f.view.n_stages = 1;
    w->f.view.cost_microusd = -1;
    w->f.view.n_cached = 1200;
    w->f.view.trouble = NULL;
    w->f.view.waiting_ms = 0;
    assert_string_equal(block(w, 120), "pipeline  ollama qwen3:8b at http://localhost:11434\n"
                                       " generate  312 chunks  941 pairs  3 failed, 20 filtered\n"
                                       " 64 in flight (window 96) · 1,200 from the ledger · 1.2M "
                                       "tokens in, 312k out · cost unknown · 4m 10s\n");
    w->f.view.is_free = true;
    assert_null(strstr(block(w, 120), "cost"));
    w->f.view.tokens_in = w->f.view.tokens_out = 0;
    assert_null(strstr(block(w, 120), "tokens"));
    w->f.view.stopping = "waiting for 12 answers";
    assert_non_null(strstr(block(w, 120), " stopping: waiting for 12 answers\n"));
}

static void odd_counts_stay_in_the_bar(void **state)
{
    struct world *w = *state;
    w->f.view.n_stages = 1;
    static const struct {
        int64_t expected, done;
        bool is_done;
        const char *bar;
    } rows[] = {{10, 0, false, "--------------------  "},
                {10, 20, false, "####################  "},
                {0, 0, false, "--------------------  "},
                {0, 0, true, "####################  "},
                {1000, 999, false, "###################-  "}};
    w->text.utf8 = false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        w->f.stages[0].n_expected = rows[i].expected;
        w->f.stages[0].n_done = rows[i].done;
        w->f.stages[0].is_done = rows[i].is_done;
        assert_non_null(strstr(block(w, 100), rows[i].bar));
    }
}

/* Runs the clock: `per_second` chunks a second settled by the server. */
static void run(struct world *w, size_t seconds, int64_t per_second)
{
    for (size_t i = 0; i < seconds; i++) {
        w->f.view.now_ms += 1000;
        w->f.stages[0].n_done += per_second;
        w->f.view.n_answers += per_second;
        gen_ui_state_take(w->state, &w->f.view);
    }
}

static void time_left_waits_until_it_means_something(void **state)
{
    struct world *w = *state;
    w->f.view.n_stages = 1;
    w->f.stages[0].n_expected = 10000;
    w->f.stages[0].n_done = 0;
    gen_ui_state_take(w->state, &w->f.view);
    assert_true(gen_ui_state_seconds_left(w->state) < 0);
    run(w, 3, 10);
    assert_true(gen_ui_state_seconds_left(w->state) < 0);
    run(w, 27, 10);
    /* 9,700 left at 10 a second. */
    assert_true(gen_ui_state_seconds_left(w->state) > 960);
    assert_true(gen_ui_state_seconds_left(w->state) < 980);
    assert_non_null(strstr(block(w, 120), "10.0 answers/s"));
    assert_non_null(strstr(block(w, 120), "4m 40s, about 17m left"));
    /* It follows the recent rate, not the mean. */
    run(w, 100, 20);
    assert_true(gen_ui_state_seconds_left(w->state) < 400);
    w->f.view.stopping = "stopping";
    gen_ui_state_take(w->state, &w->f.view);
    assert_true(gen_ui_state_seconds_left(w->state) < 0);
}

static void what_the_ledger_gave_does_not_promise_speed(void **state)
{
    struct world *w = *state;
    w->f.view.n_stages = 1;
    w->f.stages[0].n_expected = 10000;
    w->f.stages[0].n_done = 0;
    gen_ui_state_take(w->state, &w->f.view);
    w->f.view.now_ms += 1000;
    w->f.view.n_cached += 5000;
    w->f.stages[0].n_done += 5000;
    gen_ui_state_take(w->state, &w->f.view);
    assert_true(gen_ui_state_seconds_left(w->state) < 0);
    run(w, 20, 10);
    /* 4,800 left at 10 a second. */
    assert_true(gen_ui_state_seconds_left(w->state) > 475);
    assert_true(gen_ui_state_seconds_left(w->state) < 485);
}

static void later_stages_are_extrapolated(void **state)
{
    struct world *w = *state;
    w->f.view.n_stages = 2;
    w->f.stages[0].n_expected = 100;
    w->f.stages[0].n_done = 0;
    w->f.stages[0].n_out = 0;
    w->f.stages[1].n_done = 0;
    gen_ui_state_take(w->state, &w->f.view);
    for (size_t i = 0; i < 40; i++) {
        w->f.stages[0].n_out += 3;
        w->f.stages[1].n_done += 3;
        run(w, 1, 1);
        if (i == 5) /* the yield of so few inputs tells nothing */
            assert_true(gen_ui_state_seconds_left(w->state) < 0);
    }
    /* 60 chunks and 180 pairs left, 4 inputs a second. */
    assert_true(gen_ui_state_seconds_left(w->state) > 59);
    assert_true(gen_ui_state_seconds_left(w->state) < 61);
}

static void plain_lines_hold_the_same(void **state)
{
    struct world *w = *state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    gen_ui_state_take(w->state, &w->f.view);
    w->state->stages[3].s.n_done = 0;
    gen_ui_plain_render(&w->text, w->state, 12 * 3600 + 65);
    assert_string_equal(
        w->text.buf.data,
        "12:01:05 generate 312/512 chunks, 941 pairs, 3 failed, 20 filtered; enrich 900 pairs, 899 "
        "kept, 1 failed; curate 880 pairs, 400 kept, 480 filtered; 64 in flight, 1.2M tokens in, "
        "312k out, $1.23; trouble: rate_limit 12, transport 1; waiting 20 s: the server asked for "
        "it\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fits_each_width, setup, teardown),
        cmocka_unit_test_setup_teardown(no_width_is_too_small, setup, teardown),
        cmocka_unit_test_setup_teardown(without_utf8_it_is_ascii, setup, teardown),
        cmocka_unit_test_setup_teardown(outside_text_cannot_move_the_cursor, setup, teardown),
        cmocka_unit_test_setup_teardown(colors_take_no_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_totals_free_runs_and_the_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_counts_stay_in_the_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(time_left_waits_until_it_means_something, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_ledger_gave_does_not_promise_speed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(later_stages_are_extrapolated, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_lines_hold_the_same, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
