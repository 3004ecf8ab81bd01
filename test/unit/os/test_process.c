/* Child processes: what goes in, what comes out, and how they end or are made to end. */
#include "os/process.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N_AT_ONCE 200U
#define MEGABYTE  ((size_t)1 << 20)

/* What an end said, kept. */
struct child {
    struct gen_process *process;
    struct gen_process_end end;
    struct gen_buf output, errors;
    unsigned n_ends;
    bool cancel_at_once;
};

struct world {
    struct gen_loop *loop;
    struct child child;
    char dir[64];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    w->child.output = gen_buf_make(GEN_BUF_UNLIMITED);
    w->child.errors = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/gen-process-XXXXXX");
    return mkdtemp(w->dir) && gen_loop_new(&w->loop, NULL) == GEN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_loop_free(w->loop);
    gen_buf_release(&w->child.output);
    gen_buf_release(&w->child.errors);
    (void)rmdir(w->dir);
    free(w);
    return 0;
}

static void on_end(void *ud, const struct gen_process_end *end)
{
    struct child *c = ud;
    c->n_ends++;
    c->end = *end;
    c->process = NULL;
    assert_int_equal(gen_buf_add_str(&c->output, end->output, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_str(&c->errors, end->errors, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_char(&c->output, '\0', NULL), GEN_OK);
    assert_int_equal(gen_buf_add_char(&c->errors, '\0', NULL), GEN_OK);
}

static void start(struct world *w, struct child *c, const struct gen_process_options *o)
{
    struct gen_error err = {.msg = ""};
    if (gen_process_start(&c->process, w->loop, o, on_end, c, &err))
        fail_msg("%s", err.msg);
}

/* Runs a line of shell to its end with further options. */
static struct child *shell(struct world *w, const char *line, struct gen_process_options o)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    o.argv = argv;
    start(w, &w->child, &o);
    assert_int_equal(w->child.n_ends, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(w->child.n_ends, 1);
    return &w->child;
}

#define OPTIONS(...) ((struct gen_process_options){__VA_ARGS__})

static void output_errors_and_exit_code_come_back(void **state)
{
    struct child *c = shell(*state, "echo out; echo err >&2; exit 3", OPTIONS(.cwd = NULL));
    assert_string_equal(c->output.data, "out\n");
    assert_string_equal(c->errors.data, "err\n");
    assert_int_equal(c->end.exit_code, 3);
    assert_int_equal(c->end.signal, 0);
    assert_false(c->end.timed_out || c->end.too_large || c->end.canceled);
    assert_true(c->end.elapsed_us > 0);
}

static void a_signal_is_told(void **state)
{
    struct child *c = shell(*state, "kill -KILL $$", OPTIONS(.cwd = NULL));
    assert_int_equal(c->end.exit_code, -1);
    assert_int_equal(c->end.signal, SIGKILL);
    assert_false(c->end.timed_out);
}

static void signals_mean_to_the_child_what_they_mean_by_default(void **state)
{
    /* We ignore SIGPIPE; a child that inherited that would write for ever. */
    struct child *c = shell(*state, "kill -PIPE $$; echo alive", OPTIONS(.cwd = NULL));
    assert_int_equal(c->end.signal, SIGPIPE);
}

static void large_input_is_echoed_while_it_is_written(void **state)
{
    size_t n = 10 * MEGABYTE;
    char *input = malloc(n);
    assert_non_null(input);
    for (size_t i = 0; i < n; i++)
        input[i] = (char)('a' + i % 23);
    struct child *c = shell(*state, "exec cat", OPTIONS(.input = {input, n}));
    assert_int_equal(c->end.exit_code, 0);
    assert_int_equal(c->output.n, n + 1);
    assert_memory_equal(c->output.data, input, n);
    free(input);
}

static void input_that_nobody_reads_is_no_failure(void **state)
{
    char *input = calloc(MEGABYTE, 1);
    assert_non_null(input);
    struct child *c = shell(*state, "exec <&-; echo done", OPTIONS(.input = {input, MEGABYTE}));
    assert_string_equal(c->output.data, "done\n");
    assert_int_equal(c->end.exit_code, 0);
    free(input);
}

static void without_input_the_child_reads_the_end(void **state)
{
    struct child *c = shell(*state, "cat; echo eof", OPTIONS(.cwd = NULL));
    assert_string_equal(c->output.data, "eof\n");
}

static void too_much_output_ends_the_child(void **state)
{
    struct child *c = shell(*state, "while :; do echo aaaaaaaaaaaaaaaa; done",
                            OPTIONS(.output_bytes_max = 100000));
    assert_true(c->end.too_large);
    assert_false(c->end.timed_out);
    assert_int_equal(c->output.n, 100001);
}

static void output_of_the_very_limit_is_fine(void **state)
{
    struct child *c = shell(*state, "printf 12345678", OPTIONS(.output_bytes_max = 8));
    assert_false(c->end.too_large);
    assert_string_equal(c->output.data, "12345678");
}

static void only_the_start_of_the_errors_is_kept(void **state)
{
    struct child *c = shell(*state, "head -c 300000 /dev/zero >&2; echo ok", OPTIONS(.cwd = NULL));
    assert_string_equal(c->output.data, "ok\n");
    assert_int_equal(c->errors.n, 65536 + 1);
    assert_int_equal(c->end.exit_code, 0);
}

static void the_time_limit_ends_the_child(void **state)
{
    struct child *c = shell(*state, "echo begun; exec sleep 60", OPTIONS(.timeout_ms = 100));
    assert_true(c->end.timed_out);
    assert_int_equal(c->end.signal, SIGTERM);
    assert_string_equal(c->output.data, "begun\n");
    assert_true(c->end.elapsed_us < 20000000);
}

static void who_ignores_sigterm_is_killed_with_its_children(void **state)
{
    struct child *c = shell(*state, "trap '' TERM; (sleep 60; echo no) & echo $!; wait",
                            OPTIONS(.timeout_ms = 100, .grace_ms = 100));
    assert_true(c->end.timed_out);
    assert_int_equal(c->end.signal, SIGKILL);
    int64_t grandchild = 0;
    assert_int_equal(sscanf(c->output.data, "%ld", &grandchild), 1);
    /* It is gone, or a zombie that init has not looked at yet. */
    char path[64], line[256] = "";
    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)grandchild);
    FILE *f = fopen(path, "r");
    if (f) {
        assert_true(fgets(line, sizeof(line), f) == NULL || strstr(line, ") Z ") != NULL);
        (void)fclose(f);
    }
}

static void who_keeps_the_pipes_after_the_end_does_not_hold_us_up(void **state)
{
    struct child *c =
        shell(*state, "(trap '' TERM; sleep 60) & echo over", OPTIONS(.grace_ms = 100));
    assert_int_equal(c->end.exit_code, 0);
    assert_false(c->end.timed_out || c->end.canceled);
    assert_string_equal(c->output.data, "over\n");
    assert_true(c->end.elapsed_us < 20000000);
}

static void one_that_left_the_group_does_not_hold_us_up_either(void **state)
{
    if (access("/usr/bin/setsid", X_OK) != 0)
        skip();
    struct child *c = shell(*state, "setsid sleep 3 & echo over", OPTIONS(.grace_ms = 50));
    assert_string_equal(c->output.data, "over\n");
    assert_true(c->end.elapsed_us < 2500000);
}

static void cancel_ends_the_child(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/sleep", "60", NULL};
    start(w, &w->child, &OPTIONS(.argv = argv));
    gen_process_cancel(w->child.process);
    gen_process_cancel(w->child.process);
    assert_int_equal(w->child.n_ends, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(w->child.n_ends, 1);
    assert_true(w->child.end.canceled);
    assert_false(w->child.end.timed_out);
}

static size_t count_children(void)
{
    /* Only ours: zombies count as well. */
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = 0;
    long pid;
    while (fscanf(f, "%ld", &pid) == 1)
        n++;
    (void)fclose(f);
    return n;
}

static void free_kills_and_tells_nobody(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/sh", "-c", "trap '' TERM; sleep 60", NULL};
    start(w, &w->child, &OPTIONS(.argv = argv, .input = GEN_STR("unread")));
    assert_int_equal(count_children(), 1);
    gen_process_free(w->child.process);
    gen_process_free(NULL);
    assert_int_equal(count_children(), 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(w->child.n_ends, 0);
}

static void a_loop_that_never_ran_frees_all_the_same(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/cat", NULL};
    char *input = calloc(MEGABYTE, 1);
    assert_non_null(input);
    start(w, &w->child, &OPTIONS(.argv = argv, .input = {input, MEGABYTE}));
    free(input);
    gen_process_free(w->child.process);
}

static void expect_refusal(struct world *w, const char *program, int rc, const char *words)
{
    struct gen_error err = {.msg = ""};
    const char *const argv[] = {program, NULL};
    const struct gen_process_options o = OPTIONS(.argv = argv, .input = GEN_STR("x"));
    assert_int_equal(gen_process_start(&w->child.process, w->loop, &o, on_end, &w->child, &err),
                     rc);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" is missing in \"%s\"", words, err.msg);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(w->child.n_ends, 0);
    assert_int_equal(count_children(), 0);
}

static void what_cannot_be_run_is_said(void **state)
{
    struct world *w = *state;
    char path[96];
    expect_refusal(w, "/nonexistent/program", GEN_EINPUT, "there is no program /nonexistent");
    expect_refusal(w, "/etc/passwd", GEN_EINPUT, "cannot be executed");
    expect_refusal(w, "/tmp", GEN_EINPUT, "cannot be executed");
    (void)snprintf(path, sizeof(path), "%s/script", w->dir);
    assert_int_equal(gen_file_write_all(path, GEN_STR("no program\n"), NULL), GEN_OK);
    assert_int_equal(chmod(path, 0700), 0);
    const char *const argv[] = {path, NULL};
    struct gen_error err = {.msg = ""};
    int rc = gen_process_start(&w->child.process, w->loop, &OPTIONS(.argv = argv), on_end,
                               &w->child, &err);
    /* execvp lets the shell try what the kernel does not know. */
    if (rc)
        assert_int_equal(rc, GEN_EINPUT);
    else
        assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    (void)unlink(path);
}

static void arguments_over_the_limit_are_said(void **state)
{
    struct world *w = *state;
    char *text = malloc(MEGABYTE);
    assert_non_null(text);
    memset(text, 'x', MEGABYTE - 1);
    text[MEGABYTE - 1] = '\0';
    const char *const argv[] = {"/bin/echo", text, NULL};
    struct gen_error err = {.msg = ""};
    assert_int_equal(gen_process_start(&w->child.process, w->loop, &OPTIONS(.argv = argv), on_end,
                                       &w->child, &err),
                     GEN_ELIMIT);
    assert_non_null(strstr(err.msg, "too long"));
    free(text);
}

static void it_runs_in_the_folder_given(void **state)
{
    struct world *w = *state;
    struct child *c = shell(w, "pwd", OPTIONS(.cwd = w->dir));
    c->output.data[strlen(c->output.data) - 1] = '\0';
    assert_string_equal(c->output.data, w->dir);
    struct gen_error err = {.msg = ""};
    const char *const argv[] = {"/bin/pwd", NULL};
    assert_int_equal(gen_process_start(&c->process, w->loop,
                                       &OPTIONS(.argv = argv, .cwd = "/nonexistent"), on_end, c,
                                       &err),
                     GEN_EIO);
    assert_non_null(strstr(err.msg, "there is no folder /nonexistent"));
}

static void the_environment_is_ours_and_what_is_given(void **state)
{
    const char *const given[] = {"GEN_B=new", "GEN_C=c=c", "GEN_D", NULL};
    assert_int_equal(setenv("GEN_A", "kept", 1), 0);
    assert_int_equal(setenv("GEN_B", "old", 1), 0);
    assert_int_equal(setenv("GEN_D", "taken away", 1), 0);
    struct child *c = shell(*state, "echo $GEN_A $GEN_B $GEN_C [$GEN_D]; env | grep -c ^GEN_B=",
                            OPTIONS(.environment = given));
    assert_string_equal(c->output.data, "kept new c=c []\n1\n");
    assert_int_equal(unsetenv("GEN_A") | unsetenv("GEN_B") | unsetenv("GEN_D"), 0);
}

static void it_has_a_group_of_its_own(void **state)
{
    struct child *c =
        shell(*state, "cut -d' ' -f1,5,6 /proc/self/stat; echo $$", OPTIONS(.cwd = NULL));
    long pid = 0, group = 0, session = 0, shell_pid = 0;
    assert_int_equal(sscanf(c->output.data, "%ld %ld %ld %ld", &pid, &group, &session, &shell_pid),
                     4);
    assert_int_equal(group, shell_pid);
    assert_int_equal(session, shell_pid);
    assert_int_not_equal(group, getpgrp());
}

static size_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static void hundreds_at_once_and_no_descriptor_is_left(void **state)
{
    struct world *w = *state;
    struct child *all = calloc(N_AT_ONCE, sizeof(*all));
    char inputs[N_AT_ONCE][16];
    assert_non_null(all);
    const char *const argv[] = {"/bin/sh", "-c", "cat; ls /proc/self/fd | wc -l", NULL};
    assert_true(gen_os_raise_open_files(1024) >= 1024);
    /* One alone tells how many descriptors a child has. */
    struct child alone = {.output = gen_buf_make(64), .errors = gen_buf_make(64)};
    start(w, &alone, &OPTIONS(.argv = argv));
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    size_t before = count_descriptors();
    for (size_t i = 0; i < N_AT_ONCE; i++) {
        all[i].output = gen_buf_make(MEGABYTE);
        all[i].errors = gen_buf_make(MEGABYTE);
        (void)snprintf(inputs[i], sizeof(inputs[i]), "number %zu\n", i);
        start(w, &all[i], &OPTIONS(.argv = argv, .input = gen_str_from(inputs[i])));
    }
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    for (size_t i = 0; i < N_AT_ONCE; i++) {
        char want[32];
        (void)snprintf(want, sizeof(want), "%s%s", inputs[i], alone.output.data);
        assert_int_equal(all[i].n_ends, 1);
        assert_string_equal(all[i].output.data, want);
        gen_buf_release(&all[i].output);
        gen_buf_release(&all[i].errors);
    }
    free(all);
    gen_buf_release(&alone.output);
    gen_buf_release(&alone.errors);
    assert_int_equal(count_descriptors(), before);
    assert_int_equal(count_children(), 0);
}

static void expect_found(const char *name, const char *const *dirs, const char *want)
{
    struct gen_buf path = gen_buf_make(4096);
    bool found = false;
    assert_int_equal(gen_buf_add_c(&path, "at ", NULL), GEN_OK);
    assert_int_equal(gen_process_find(name, dirs, &path, &found, NULL), GEN_OK);
    assert_int_equal(found, want != NULL);
    assert_string_equal(path.data + 3, want ? want : "");
    gen_buf_release(&path);
}

static void programs_are_found_in_path_and_then_in_folders(void **state)
{
    struct world *w = *state;
    char program[96], plain[96], value[192];
    char *old = gen_str_dup(gen_str_from(getenv("PATH")));
    char *home = gen_str_dup(gen_str_from(getenv("HOME")));
    (void)snprintf(program, sizeof(program), "%s/tool", w->dir);
    (void)snprintf(plain, sizeof(plain), "%s/plain", w->dir);
    assert_int_equal(gen_file_write_all(program, GEN_STR("#!/bin/sh\n"), NULL), GEN_OK);
    assert_int_equal(gen_file_write_all(plain, GEN_STR("#!/bin/sh\n"), NULL), GEN_OK);
    assert_int_equal(chmod(program, 0700), 0);
    assert_int_equal(chmod(plain, 0600), 0);
    const char *const dirs[] = {"/nonexistent", w->dir, NULL};
    const char *const in_home[] = {"~", NULL};
    (void)setenv("PATH", "/nonexistent:/bin", 1);
    expect_found("sh", NULL, "/bin/sh");
    expect_found("tool", NULL, NULL);
    expect_found("tool", dirs, program);
    expect_found("plain", dirs, NULL);
    expect_found("", dirs, NULL);
    (void)snprintf(value, sizeof(value), "/bin:%s", w->dir);
    (void)setenv("PATH", value, 1);
    expect_found("tool", NULL, program);
    (void)setenv("HOME", w->dir, 1);
    (void)unsetenv("PATH");
    expect_found("tool", in_home, program);
    (void)unsetenv("HOME");
    expect_found("tool", in_home, NULL);
    assert_int_equal(chdir(w->dir), 0);
    (void)setenv("PATH", ":/bin", 1);
    expect_found("tool", NULL, program);
    assert_int_equal(chdir("/"), 0);
    (void)setenv("PATH", old ? old : "", 1);
    if (home)
        (void)setenv("HOME", home, 1);
    free(home);
    free(old);
    (void)unlink(program);
    (void)unlink(plain);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(output_errors_and_exit_code_come_back),
        CASE(a_signal_is_told),
        CASE(signals_mean_to_the_child_what_they_mean_by_default),
        CASE(large_input_is_echoed_while_it_is_written),
        CASE(input_that_nobody_reads_is_no_failure),
        CASE(without_input_the_child_reads_the_end),
        CASE(too_much_output_ends_the_child),
        CASE(output_of_the_very_limit_is_fine),
        CASE(only_the_start_of_the_errors_is_kept),
        CASE(the_time_limit_ends_the_child),
        CASE(who_ignores_sigterm_is_killed_with_its_children),
        CASE(who_keeps_the_pipes_after_the_end_does_not_hold_us_up),
        CASE(one_that_left_the_group_does_not_hold_us_up_either),
        CASE(cancel_ends_the_child),
        CASE(free_kills_and_tells_nobody),
        CASE(a_loop_that_never_ran_frees_all_the_same),
        CASE(what_cannot_be_run_is_said),
        CASE(arguments_over_the_limit_are_said),
        CASE(it_runs_in_the_folder_given),
        CASE(the_environment_is_ours_and_what_is_given),
        CASE(it_has_a_group_of_its_own),
        CASE(hundreds_at_once_and_no_descriptor_is_left),
        CASE(programs_are_found_in_path_and_then_in_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
