/* Scratch folders: gone with their holder, or swept by the next process; what lives is left alone.
 */
#include "base/error.h"
#include "os/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char dir[64]; /* TMPDIR */
    char path[256];
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/gen-scratch-XXXXXX");
    *state = w;
    return mkdtemp(w->dir) && setenv("TMPDIR", w->dir, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    gen_scratch_remove(w->dir);
    (void)unsetenv("TMPDIR");
    free(w);
    return 0;
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static const char *in(struct world *w, const char *name)
{
    (void)snprintf(w->path, sizeof(w->path), "%s/%s", w->dir, name);
    return w->path;
}

static void fill(const char *folder)
{
    char path[400];
    (void)snprintf(path, sizeof(path), "%s/a", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/a/b", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("something", f);
    (void)fclose(f);
}

/* A process that holds a scratch folder, tells its path, and waits for its death. With `cwd` it has
 * a child that stands in the folder, and lives on. */
struct holder {
    pid_t pid, other;
    char path[200];
};

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        (void)pause();
}

static _Noreturn void hold(int tell_fd, bool with_other)
{
    struct gen_scratch s;
    struct holder h = {.pid = getpid()};
    if (gen_scratch_make(&s, NULL) != GEN_OK)
        _exit(1);
    fill(s.path);
    (void)snprintf(h.path, sizeof(h.path), "%s", s.path);
    h.other = with_other ? fork() : 0;
    if (with_other && h.other == 0) {
        /* As one that was started with exec: it has not got the lock. */
        (void)close(s.fd);
        if (chdir(s.path) != 0)
            _exit(1);
        wait_for_ever();
    }
    /* Until the other one stands there. */
    char link[64], at[300] = "";
    (void)snprintf(link, sizeof(link), "/proc/%ld/cwd", (long)h.other);
    while (with_other && strstr(at, "generator-run-") == NULL) {
        ssize_t n = readlink(link, at, sizeof(at) - 1);
        at[n > 0 ? n : 0] = '\0';
    }
    if (write(tell_fd, &h, sizeof(h)) != (ssize_t)sizeof(h))
        _exit(1);
    wait_for_ever();
}

static struct holder begin(bool with_other)
{
    struct holder h;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        hold(fds[1], with_other);
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &h, sizeof(h)), sizeof(h));
    (void)close(fds[0]);
    return h;
}

static void end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_a_killed_process_left_is_swept(void **state)
{
    (void)state;
    struct holder dead = begin(false), living = begin(false);
    struct gen_scratch own;
    assert_int_equal(gen_scratch_make(&own, NULL), GEN_OK);
    gen_scratch_sweep();
    assert_true(is_there(dead.path)); /* not yet */
    end(dead.pid);
    gen_scratch_sweep();
    assert_false(is_there(dead.path));
    assert_true(is_there(living.path));
    assert_true(is_there(own.path));
    end(living.pid);
    gen_scratch_sweep();
    assert_false(is_there(living.path));
    assert_true(is_there(own.path));
    char *path = own.path ? strdup(own.path) : NULL;
    assert_non_null(path);
    gen_scratch_release(&own);
    assert_false(is_there(path));
    assert_null(own.path);
    gen_scratch_release(&own);
    free(path);
}

/* A server that outlives its generator for a while still has its folder. */
static void what_another_process_stands_in_stays(void **state)
{
    (void)state;
    struct holder h = begin(true);
    end(h.pid);
    gen_scratch_sweep();
    assert_true(is_there(h.path));
    /* It is not our child: its entry goes when its new parent has seen its end. */
    assert_int_equal(kill(h.other, SIGKILL), 0);
    for (int i = 0; i < 10000 && is_there(h.path); i++)
        gen_scratch_sweep();
    assert_false(is_there(h.path));
}

/* Names, kinds, modes and owners that are not those of a scratch folder. */
static void what_only_looks_alike_stays(void **state)
{
    struct world *w = *state;
    static const char *const folders[] = {"generator-run-",        "generator-run-abcde",
                                          "generator-run-abcdefg", "generator-run-abc.ef",
                                          "generator-abcdef",      "generator-run-kept"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(mkdir(in(w, folders[i]), 0700), 0);
    assert_int_equal(mkdir(in(w, "generator-run-opened"), 0755), 0);
    FILE *f = fopen(in(w, "generator-run-afile0"), "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(mkdir(in(w, "target"), 0700), 0);
    fill(w->path);
    assert_int_equal(symlink("target", in(w, "generator-run-alink0")), 0);
    bool is_root = geteuid() == 0;
    assert_int_equal(mkdir(in(w, "generator-run-others"), 0700), 0);
    if (is_root)
        assert_int_equal(chown(w->path, 12345, 12345), 0);
    gen_scratch_sweep();
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_true(is_there(in(w, folders[i])));
    assert_true(is_there(in(w, "generator-run-opened")));
    assert_true(is_there(in(w, "generator-run-afile0")));
    assert_true(is_there(in(w, "generator-run-alink0")));
    assert_true(is_there(in(w, "target/a/b")));
    assert_int_equal(is_there(in(w, "generator-run-others")), is_root);
    /* A folder in which others can exchange names. */
    assert_int_equal(mkdir(in(w, "generator-run-swept0"), 0700), 0);
    assert_int_equal(chmod(w->dir, 0777), 0);
    gen_scratch_sweep();
    assert_true(is_there(in(w, "generator-run-swept0")));
    assert_int_equal(chmod(w->dir, 01777), 0);
    gen_scratch_sweep();
    assert_false(is_there(in(w, "generator-run-swept0")));
}

static void a_folder_that_cannot_be_made(void **state)
{
    struct gen_scratch s;
    struct gen_error err = {0};
    (void)state;
    assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
    gen_scratch_sweep();
    assert_int_equal(gen_scratch_make(&s, &err), GEN_EIO);
    assert_non_null(strstr(err.msg, "/nowhere/at/all"));
    assert_null(s.path);
}

int main(void)
{
#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_a_killed_process_left_is_swept),
        SCRATCH_TEST(what_another_process_stands_in_stays),
        SCRATCH_TEST(what_only_looks_alike_stays),
        SCRATCH_TEST(a_folder_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
