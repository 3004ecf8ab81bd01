/* Children that are talked to in lines: what comes back, what limits hold, how they end. */
#include "os/child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct gen_loop *loop;
    struct gen_child *child;
    struct gen_buf lines; /* each with a '|' behind it; cut ones with '~' */
    unsigned n_lines, n_ends;
    struct gen_child_end end;
    char errors[8192];
    unsigned close_after; /* lines */
    bool free_on_line;
    const char *answer; /* written for every line that comes */
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    w->lines = gen_buf_make(GEN_BUF_UNLIMITED);
    return gen_loop_new(&w->loop, NULL) == GEN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_child_free(w->child);
    gen_loop_free(w->loop);
    gen_buf_release(&w->lines);
    free(w);
    return 0;
}

static void on_line(void *ud, struct gen_str line, bool is_cut)
{
    struct world *w = ud;
    w->n_lines++;
    assert_int_equal(gen_buf_add_str(&w->lines, line, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&w->lines, is_cut ? "~" : "|", NULL), GEN_OK);
    if (w->answer)
        assert_int_equal(gen_child_write_line(w->child, gen_str_from(w->answer), NULL), GEN_OK);
    if (w->free_on_line) {
        gen_child_free(w->child);
        w->child = NULL;
    } else if (w->n_lines == w->close_after) {
        gen_child_close(w->child);
    }
}

static void on_end(void *ud, const struct gen_child_end *end)
{
    struct world *w = ud;
    w->n_ends++;
    w->end = *end;
    w->child = NULL;
    (void)snprintf(w->errors, sizeof(w->errors), "%.*s", GEN_STR_ARG(end->errors));
}

static void start(struct world *w, const char *line, struct gen_child_options o)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    struct gen_error err = {.msg = ""};
    o.argv = argv;
    if (gen_child_start(&w->child, w->loop, &o, on_line, on_end, w, &err))
        fail_msg("%s", err.msg);
}

static void run(struct world *w)
{
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
}

static void say(struct world *w, const char *line)
{
    assert_int_equal(gen_child_write_line(w->child, gen_str_from(line), NULL), GEN_OK);
}

#define OPTIONS(...) ((struct gen_child_options){__VA_ARGS__})

static void lines_go_in_and_come_out(void **state)
{
    struct world *w = *state;
    w->close_after = 3;
    start(w, "exec cat", OPTIONS(.cwd = NULL));
    say(w, "one");
    say(w, "");
    say(w, "three");
    run(w);
    assert_string_equal(w->lines.data, "one||three|");
    assert_int_equal(w->n_ends, 1);
    assert_int_equal(w->end.exit_code, 0);
    assert_true(w->end.was_asked);
}

static void what_is_queued_is_read_before_the_input_ends(void **state)
{
    struct world *w = *state;
    start(w, "exec wc -l", OPTIONS(.cwd = NULL));
    for (int i = 0; i < 1000; i++)
        say(w, "0123456789012345678901234567890123456789012345678901234567890123456789");
    gen_child_close(w->child);
    gen_child_close(w->child);
    assert_int_equal(gen_child_write_line(w->child, GEN_STR("late"), NULL), GEN_ESTATE);
    run(w);
    assert_string_equal(w->lines.data, "1000|");
}

static void line_ends_of_both_kinds_end_a_line(void **state)
{
    struct world *w = *state;
    start(w, "printf 'a\\r\\n\\nb\\n'; printf 'c'", OPTIONS(.cwd = NULL));
    run(w);
    assert_string_equal(w->lines.data, "a||b|");
    assert_false(w->end.was_asked);
}

static void a_line_over_the_limit_is_cut(void **state)
{
    struct world *w = *state;
    start(w, "head -c 300000 /dev/zero | tr '\\0' x; echo; echo 0123456789; echo 01234567890",
          OPTIONS(.line_bytes_max = 10));
    run(w);
    assert_string_equal(w->lines.data, "xxxxxxxxxx~0123456789|0123456789~");
}

static void a_line_in_many_pieces_is_one(void **state)
{
    struct world *w = *state;
    start(w, "head -c 1000000 /dev/zero | tr '\\0' x; echo", OPTIONS(.cwd = NULL));
    run(w);
    assert_int_equal(w->n_lines, 1);
    assert_int_equal(w->lines.n, 1000001);
}

static void a_flood_on_standard_error_is_read_and_its_end_kept(void **state)
{
    struct world *w = *state;
    start(w,
          "head -c 3000000 /dev/zero | tr '\\0' 'e' >&2; echo >&2; echo last words >&2; echo done",
          OPTIONS(.cwd = NULL));
    run(w);
    assert_string_equal(w->lines.data, "done|");
    assert_string_equal(w->errors, "last words\n");
    assert_true(strlen(w->errors) <= 4096);
}

static void a_death_is_told(void **state)
{
    struct world *w = *state;
    start(w, "echo out of luck >&2; kill -ABRT $$", OPTIONS(.cwd = NULL));
    run(w);
    assert_int_equal(w->end.exit_code, -1);
    assert_int_equal(w->end.signal, SIGABRT);
    assert_false(w->end.was_asked);
    assert_string_equal(w->errors, "out of luck\n");
}

static void who_does_not_end_with_its_input_gets_sigterm(void **state)
{
    struct world *w = *state;
    w->close_after = 1;
    start(w, "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done",
          OPTIONS(.close_ms = 5));
    run(w);
    assert_string_equal(w->lines.data, "up|bye|");
    assert_int_equal(w->end.exit_code, 7);
    assert_true(w->end.was_asked);
}

static void who_ignores_sigterm_is_killed_with_its_group(void **state)
{
    struct world *w = *state;
    w->close_after = 1;
    start(w, "trap '' TERM; sleep 1000 & echo up; while :; do sleep 1000; done",
          OPTIONS(.close_ms = 5, .grace_ms = 10));
    run(w);
    assert_int_equal(w->end.signal, SIGKILL);
}

static void who_closes_its_output_is_ended(void **state)
{
    struct world *w = *state;
    start(w, "echo one; exec 1>&-; exec sleep 1000", OPTIONS(.close_ms = 5, .grace_ms = 10));
    run(w);
    assert_string_equal(w->lines.data, "one|");
    assert_int_equal(w->end.signal, SIGTERM);
    assert_false(w->end.was_asked);
}

static void who_does_not_read_fills_the_queue(void **state)
{
    struct world *w = *state;
    start(w, "exec sleep 1000", OPTIONS(.queue_bytes_max = 1000000, .close_ms = 5));
    struct gen_error err = {.msg = ""};
    static const char line[999] = "";
    int rc = GEN_OK;
    int n = 0;
    for (; rc == GEN_OK && n < 2000; n++)
        rc = gen_child_write_line(w->child, (struct gen_str){line, sizeof(line)}, &err);
    assert_int_equal(rc, GEN_ELIMIT);
    assert_in_range(n, 1000, 1300);
    assert_non_null(strstr(err.msg, "does not read its input"));
    gen_child_close(w->child);
    run(w);
    assert_int_equal(w->end.signal, SIGTERM);
}

static void who_has_closed_its_input_is_no_failure(void **state)
{
    struct world *w = *state;
    w->answer = "are you there";
    start(w, "exec 0<&-; echo one; sleep 0.02; echo two; exit 4", OPTIONS(.cwd = NULL));
    run(w);
    assert_string_equal(w->lines.data, "one|two|");
    assert_int_equal(w->end.exit_code, 4);
}

static void the_environment_is_what_was_allowed(void **state)
{
    struct world *w = *state;
    static const char *const inherited[] = {"PATH", "GEN_TEST_GIVEN", "GEN_TEST_NOT_SET", NULL};
    static const char *const environment[] = {"GEN_TEST_NEW=3", "GEN_TEST_GIVEN=4", NULL};
    assert_int_equal(setenv("GEN_TEST_SECRET", "1", 1), 0);
    assert_int_equal(setenv("GEN_TEST_GIVEN", "2", 1), 0);
    start(w, "env | grep ^GEN_TEST | sort; test -n \"$PATH\" && echo path",
          OPTIONS(.inherited = inherited, .environment = environment));
    run(w);
    assert_string_equal(w->lines.data, "GEN_TEST_GIVEN=4|GEN_TEST_NEW=3|path|");
}

static void it_may_be_freed_inside_a_line(void **state)
{
    struct world *w = *state;
    w->free_on_line = true;
    start(w, "echo one; echo two; exec sleep 1000", OPTIONS(.cwd = NULL));
    run(w);
    assert_string_equal(w->lines.data, "one|");
    assert_int_equal(w->n_ends, 0);
}

static void what_cannot_be_started_is_said(void **state)
{
    struct world *w = *state;
    static const char *const argv[] = {"/nonexistent/server", NULL};
    static const char *const shell[] = {"/bin/sh", NULL};
    struct gen_error err = {.msg = ""};
    int rc = gen_child_start(&w->child, w->loop, &OPTIONS(.argv = argv), on_line, on_end, w, &err);
    assert_int_equal(rc, GEN_EINPUT);
    assert_non_null(strstr(err.msg, "there is no program /nonexistent/server"));
    rc = gen_child_start(&w->child, w->loop, &OPTIONS(.argv = shell, .cwd = "/nonexistent"),
                         on_line, on_end, w, &err);
    assert_int_equal(rc, GEN_EIO);
    assert_non_null(strstr(err.msg, "there is no folder /nonexistent"));
    assert_null(w->child);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_go_in_and_come_out),
        TEST(what_is_queued_is_read_before_the_input_ends),
        TEST(line_ends_of_both_kinds_end_a_line),
        TEST(a_line_over_the_limit_is_cut),
        TEST(a_line_in_many_pieces_is_one),
        TEST(a_flood_on_standard_error_is_read_and_its_end_kept),
        TEST(a_death_is_told),
        TEST(who_does_not_end_with_its_input_gets_sigterm),
        TEST(who_ignores_sigterm_is_killed_with_its_group),
        TEST(who_closes_its_output_is_ended),
        TEST(who_does_not_read_fills_the_queue),
        TEST(who_has_closed_its_input_is_no_failure),
        TEST(the_environment_is_what_was_allowed),
        TEST(it_may_be_freed_inside_a_line),
        TEST(what_cannot_be_started_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
