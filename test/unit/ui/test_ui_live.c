#include "ui_support.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define LOG_LINE "warning: chunk 7: the answer was cut\n"

struct world {
    struct ui_fixture f;
    struct screen screen;
    struct gen_ui *ui;
    int pipe[2];
    char text[8192];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w || pipe2(w->pipe, O_NONBLOCK))
        return -1;
    ui_fixture_init(&w->f);
    w->f.view.n_stages = 1;
    w->f.view.trouble = NULL;
    w->f.view.waiting_ms = 0;
    screen_open(&w->screen, 24, 80);
    *state = w;
    return setenv("TERM", "xterm-256color", 1) || setenv("LC_ALL", "C.UTF-8", 1) ||
           unsetenv("NO_COLOR") || unsetenv("XTERM_VERSION");
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_ui_free(w->ui);
    screen_close(&w->screen);
    (void)close(w->pipe[0]);
    (void)close(w->pipe[1]);
    free(w);
    return 0;
}

static void begin(struct world *w, enum gen_ui_mode mode, int fd)
{
    assert_int_equal(gen_ui_new(&w->ui, mode, fd, 0, NULL), GEN_OK);
}

/* What the pipe holds since the last call. */
static const char *piped(struct world *w)
{
    ssize_t n = read(w->pipe[0], w->text, sizeof(w->text) - 1);
    w->text[n > 0 ? n : 0] = '\0';
    return w->text;
}

static void update(struct world *w, uint64_t now_ms, int64_t n_done)
{
    w->f.view.now_ms = now_ms;
    w->f.stages[0].n_done = n_done;
    gen_ui_update(w->ui, &w->f.view, false);
}

static void draws_in_place_ten_times_a_second(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 1);
    assert_string_equal(screen_text(&w->screen),
                        "pipeline  ollama qwen3:8b at http://localhost:11434\n"
                        " generate  ░░░░░░░░░░░░░░░░░░░░  1/512 chunks  941 pairs  3 failed, 20 "
                        "filtered\n"
                        " 64 in flight (window 96) · 1.2M tokens in, 312k out · $1.23 · 1s\n");
    size_t n_frames = w->screen.n_writes;
    for (uint64_t t = 1001; t < 1100; t++) {
        update(w, t, (int64_t)t);
        (void)screen_text(&w->screen);
    }
    assert_int_equal(w->screen.n_writes, n_frames);
    for (uint64_t t = 1100; t < 2100; t += 10) {
        update(w, t, (int64_t)(t / 10));
        (void)screen_text(&w->screen);
    }
    assert_int_equal(w->screen.n_writes, n_frames + 10);
    assert_string_equal(screen_text(&w->screen),
                        "pipeline  ollama qwen3:8b at http://localhost:11434\n"
                        " generate  ███████░░░░░░░░░░░  200/512 chunks  941 pairs  3 failed, 20 "
                        "filtered\n"
                        " 64 in flight (window 96) · 1.2M tokens in, 312k out · $1.23 · 2s\n");
    w->f.view.now_ms = 2101;
    gen_ui_update(w->ui, &w->f.view, true);
    (void)screen_text(&w->screen);
    assert_int_equal(w->screen.n_writes, n_frames + 11);
    assert_int_equal(w->screen.n_wrapped, 0);
    assert_int_equal(w->screen.n_unknown, 0);
}

static void log_lines_stand_above_the_block(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    gen_ui_log_write(w->ui, LOG_LINE, sizeof(LOG_LINE) - 1);
    gen_ui_log_write(w->ui, "error: \033[2Jboth\n", 17);
    const char *text = screen_text(&w->screen);
    assert_ptr_equal(strstr(text, LOG_LINE "error: ?[2Jboth\npipeline  ollama"), text);
    assert_int_equal(w->screen.row, 5);
    update(w, 1100, 200);
    text = screen_text(&w->screen);
    assert_ptr_equal(strstr(text, LOG_LINE "error: ?[2Jboth\npipeline  ollama"), text);
    assert_non_null(strstr(text, "200/512"));
    assert_null(strstr(text, "100/512"));
}

static void the_last_state_stays(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    update(w, 1001, 512); /* not drawn: too early */
    assert_non_null(strstr(screen_text(&w->screen), "100/512"));
    gen_ui_finish(w->ui);
    gen_ui_finish(w->ui);
    const char *text = screen_text(&w->screen);
    assert_non_null(strstr(text, "512/512"));
    assert_null(strstr(text, "in flight"));
    size_t n_frames = w->screen.n_writes;
    update(w, 5000, 1);
    gen_ui_log_write(w->ui, LOG_LINE, sizeof(LOG_LINE) - 1);
    gen_ui_free(w->ui);
    w->ui = NULL;
    text = screen_text(&w->screen);
    assert_non_null(strstr(text, "512/512"));
    assert_non_null(strstr(text, "$1.23 · 1s\n" LOG_LINE));
    assert_int_equal(w->screen.n_writes, n_frames + 1);
}

static void an_unfinished_block_is_taken_away(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    gen_ui_log_write(w->ui, LOG_LINE, sizeof(LOG_LINE) - 1);
    gen_ui_free(w->ui);
    w->ui = NULL;
    assert_string_equal(screen_text(&w->screen), LOG_LINE);
    gen_ui_free(NULL);
}

static void a_low_screen_shows_the_last_lines(void **state)
{
    struct world *w = *state;
    screen_resize(&w->screen, 3, 80);
    begin(w, GEN_UI_AUTO, w->screen.slave);
    for (uint64_t t = 1000; t < 3000; t += 100)
        update(w, t, 256);
    const char *text = screen_text(&w->screen);
    assert_ptr_equal(strstr(text, " generate  "), text);
    assert_non_null(strstr(text, "\n 64 in flight"));
    assert_int_equal(w->screen.row, 2);
}

static void a_narrower_terminal_wraps_the_old_block(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    (void)screen_text(&w->screen);
    /* As tmux and VTE do it: 51, 76 and 66 columns now take 2, 2 and 2 rows of 40. */
    screen_resize(&w->screen, 24, 40);
    memset(w->screen.cells, 0, sizeof(w->screen.cells));
    memcpy(w->screen.cells[0][0], "x", 2);
    w->screen.row = 7;
    update(w, 1100, 100);
    const char *text = screen_text(&w->screen);
    assert_ptr_equal(strstr(text, "x\npipeline  ollama"), text);
    assert_int_equal(w->screen.n_wrapped, 0);
    /* xterm cuts instead: nothing has moved. */
    gen_ui_free(w->ui);
    assert_int_equal(setenv("XTERM_VERSION", "XTerm(390)", 1), 0);
    assert_int_equal(unsetenv("TMUX"), 0);
    (void)screen_text(&w->screen);
    screen_resize(&w->screen, 24, 80);
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    (void)screen_text(&w->screen);
    screen_resize(&w->screen, 24, 40);
    update(w, 1100, 100);
    text = screen_text(&w->screen);
    assert_ptr_equal(strstr(text, "x\npipeline  ollama"), text);
}

static void colors_and_blocks_follow_the_environment(void **state)
{
    struct world *w = *state;
    char bytes[4096];
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    ssize_t n = read(w->screen.master, bytes, sizeof(bytes) - 1);
    assert_true(n > 0);
    bytes[n] = '\0';
    assert_non_null(strstr(bytes, "\033[31m3 failed"));
    gen_ui_free(w->ui);
    (void)screen_text(&w->screen);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    n = read(w->screen.master, bytes, sizeof(bytes) - 1);
    assert_true(n > 0);
    bytes[n] = '\0';
    assert_null(strstr(bytes, "\033[31m"));
    for (ssize_t i = 0; i < n; i++)
        assert_true((unsigned char)bytes[i] < 0x80);
}

static void a_pipe_gets_a_line_each_five_seconds(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->pipe[1]);
    update(w, 1000, 1);
    assert_string_equal(piped(w), "pipeline: ollama qwen3:8b at http://localhost:11434\n");
    for (uint64_t t = 1100; t < 6000; t += 100)
        update(w, t, 2);
    assert_string_equal(piped(w), "");
    update(w, 6000, 2);
    assert_string_equal(piped(w) + strlen("00:00:00"),
                        " generate 2/512 chunks, 941 pairs, 3 failed, 20 filtered; 64 in flight, "
                        "1.2M tokens in, 312k out, $1.23\n");
    update(w, 6001, 3);
    assert_string_equal(piped(w), "");
    /* The end of a stage is told at once, and once. */
    w->f.stages[0].is_done = true;
    update(w, 6002, 512);
    assert_non_null(strstr(piped(w), "generate done, 512/512 chunks"));
    update(w, 6003, 512);
    assert_string_equal(piped(w), "");
    gen_ui_log_write(w->ui, LOG_LINE, sizeof(LOG_LINE) - 1);
    assert_string_equal(piped(w), LOG_LINE);
    gen_ui_finish(w->ui);
    assert_non_null(strstr(piped(w), "generate done, 512/512 chunks"));
    gen_ui_finish(w->ui);
    assert_string_equal(piped(w), "");
}

static void none_and_quiet_show_no_progress(void **state)
{
    struct world *w = *state;
    const struct gen_ui_account account = {.headline = "done", .seconds = 1};
    static const enum gen_ui_mode modes[] = {GEN_UI_NONE, GEN_UI_QUIET};
    for (size_t i = 0; i < 2; i++) {
        begin(w, modes[i], w->pipe[1]);
        for (uint64_t t = 0; t < 20000; t += 1000)
            update(w, t, 1);
        assert_string_equal(piped(w), "");
        gen_ui_log_write(w->ui, LOG_LINE, sizeof(LOG_LINE) - 1);
        assert_string_equal(piped(w), LOG_LINE);
        gen_ui_show_account(w->ui, &account);
        assert_int_equal(strstr(piped(w), "done") != NULL, modes[i] == GEN_UI_NONE);
        gen_ui_free(w->ui);
        w->ui = NULL;
    }
    /* A terminal in plain mode is not drawn on. */
    begin(w, GEN_UI_PLAIN, w->screen.slave);
    update(w, 1000, 1);
    assert_string_equal(screen_text(&w->screen),
                        "pipeline: ollama qwen3:8b at http://localhost:11434\n");
}

static void a_terminal_that_went_away_does_no_harm(void **state)
{
    struct world *w = *state;
    begin(w, GEN_UI_AUTO, w->screen.slave);
    update(w, 1000, 100);
    (void)screen_text(&w->screen);
    (void)close(w->screen.master);
    w->screen.master = -1;
    for (uint64_t t = 2000; t < 4000; t += 100)
        update(w, t, 100);
    gen_ui_log_write(w->ui, LOG_LINE, sizeof(LOG_LINE) - 1);
    gen_ui_finish(w->ui);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(draws_in_place_ten_times_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(log_lines_stand_above_the_block, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_state_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unfinished_block_is_taken_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_low_screen_shows_the_last_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_narrower_terminal_wraps_the_old_block, setup, teardown),
        cmocka_unit_test_setup_teardown(colors_and_blocks_follow_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pipe_gets_a_line_each_five_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(none_and_quiet_show_no_progress, setup, teardown),
        cmocka_unit_test_setup_teardown(a_terminal_that_went_away_does_no_harm, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
