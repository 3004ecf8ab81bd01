#include "os/file.h"

#include "os/term.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DIR_TEMPLATE "/tmp/test_file.XXXXXX"

struct world {
    char dir[64];
    struct gen_buf path;
    struct gen_buf text;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    memcpy(w->dir, DIR_TEMPLATE, sizeof(DIR_TEMPLATE));
    w->path = gen_buf_make(GEN_BUF_UNLIMITED);
    w->text = gen_buf_make(GEN_BUF_UNLIMITED);
    *state = w;
    return mkdtemp(w->dir) ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_buf_clear(&w->path);
    int rc = gen_buf_printf(&w->path, NULL, "rm -rf '%s'", w->dir);
    if (rc == GEN_OK)
        rc = system(w->path.data);
    gen_buf_release(&w->path);
    gen_buf_release(&w->text);
    free(w);
    return rc;
}

/* Good until the next call. */
static const char *in(struct world *w, const char *name)
{
    gen_buf_clear(&w->path);
    assert_int_equal(gen_path_join(&w->path, gen_str_from(w->dir), gen_str_from(name), NULL),
                     GEN_OK);
    return w->path.data;
}

static void put(struct world *w, const char *name, const char *text)
{
    struct gen_error err = {0};
    if (gen_file_write_all(in(w, name), gen_str_from(text), &err) != GEN_OK)
        fail_msg("%s", err.msg);
}

static void assert_holds(struct world *w, const char *name, const char *text)
{
    gen_buf_clear(&w->text);
    assert_int_equal(gen_file_read_all(&w->text, in(w, name), NULL), GEN_OK);
    assert_string_equal(w->text.data ? w->text.data : "", text);
}

static int count_file(void *ud, const char *path, struct gen_error *err)
{
    (void)path;
    (void)err;
    ++*(int *)ud;
    return GEN_OK;
}

/* Hidden files too: `ls -A`. */
static int n_entries(struct world *w)
{
    gen_buf_clear(&w->text);
    assert_int_equal(gen_buf_printf(&w->text, NULL, "exit $(ls -A '%s' | wc -l)", w->dir), GEN_OK);
    return WEXITSTATUS(system(w->text.data));
}

static void test_write_and_read(void **state)
{
    struct world *w = *state;
    put(w, "a.txt", "hello");
    assert_holds(w, "a.txt", "hello");
    put(w, "a.txt", "");
    assert_holds(w, "a.txt", "");
    put(w, "deep/er/and/deeper/b.txt", "made");
    assert_holds(w, "deep/er/and/deeper/b.txt", "made");
    assert_int_equal(gen_file_kind(in(w, "a.txt")), GEN_FILE_REGULAR);
    assert_int_equal(gen_file_kind(in(w, "deep")), GEN_FILE_DIRECTORY);
    assert_int_equal(gen_file_kind(in(w, "none")), GEN_FILE_NONE);
    assert_int_equal(gen_file_kind("/dev/null"), GEN_FILE_OTHER);
    assert_int_equal(n_entries(w), 2);
}

/* What is put first stands in front, before and after more is added; no second file is left. */
static void test_put_first(void **state)
{
    struct world *w = *state;
    struct gen_file_writer *f = NULL;
    struct stat st;
    char line[100] = "";
    put(w, "a.txt", "old");
    assert_int_equal(chmod(in(w, "a.txt"), 0640), 0);
    assert_int_equal(gen_file_writer_open(&f, in(w, "a.txt"), NULL), GEN_OK);
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(line, sizeof(line), "%098d\n", i);
        assert_int_equal(gen_file_writer_add(f, (struct gen_str){line, 99}, NULL), GEN_OK);
    }
    assert_int_equal(gen_file_writer_put_first(f, GEN_STR("second\n"), NULL), GEN_OK);
    assert_int_equal(gen_file_writer_put_first(f, GEN_STR("first\n"), NULL), GEN_OK);
    assert_int_equal(gen_file_writer_add(f, GEN_STR("last\n"), NULL), GEN_OK);
    assert_int_equal(n_entries(w), 2);
    assert_holds(w, "a.txt", "old");
    assert_int_equal(gen_file_writer_commit(f, NULL), GEN_OK);
    assert_int_not_equal(gen_file_writer_put_first(f, GEN_STR("late"), NULL), GEN_OK);
    gen_file_writer_close(f);
    gen_buf_clear(&w->text);
    assert_int_equal(gen_file_read_all(&w->text, in(w, "a.txt"), NULL), GEN_OK);
    struct gen_str text = gen_buf_str(&w->text);
    assert_int_equal(text.n, 6 + 7 + 2000 * 99 + 5);
    assert_true(gen_str_starts(text, GEN_STR("first\nsecond\n0000")));
    assert_true(gen_str_ends(text, GEN_STR("01999\nlast\n")));
    assert_int_equal(stat(in(w, "a.txt"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(n_entries(w), 1);
}

static void test_large_pieces(void **state)
{
    struct world *w = *state;
    size_t n = 300000;
    char *big = malloc(n);
    assert_non_null(big);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)('a' + i % 23);
    struct gen_file_writer *writer = NULL;
    assert_int_equal(gen_file_writer_open(&writer, in(w, "big"), NULL), GEN_OK);
    size_t cuts[] = {0, 1, 65535, 65536, 65537, 140000, 299999, 300000};
    for (size_t i = 1; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct gen_str piece = {big + cuts[i - 1], cuts[i] - cuts[i - 1]};
        assert_int_equal(gen_file_writer_add(writer, piece, NULL), GEN_OK);
    }
    assert_int_equal(gen_file_writer_commit(writer, NULL), GEN_OK);
    assert_int_equal(gen_file_writer_commit(writer, NULL), GEN_OK);
    assert_int_equal(gen_file_writer_add(writer, GEN_STR("x"), NULL), GEN_ESTATE);
    gen_file_writer_close(writer);
    gen_buf_clear(&w->text);
    assert_int_equal(gen_file_read_all(&w->text, in(w, "big"), NULL), GEN_OK);
    assert_int_equal(w->text.n, n);
    assert_memory_equal(w->text.data, big, n);
    free(big);
}

static void test_interrupted_writer_leaves_nothing(void **state)
{
    struct world *w = *state;
    put(w, "kept", "old");
    struct gen_file_writer *writer = NULL;
    assert_int_equal(gen_file_writer_open(&writer, in(w, "kept"), NULL), GEN_OK);
    assert_int_equal(gen_file_writer_add(writer, GEN_STR("new"), NULL), GEN_OK);
    assert_int_equal(n_entries(w), 2); /* the temporary file is in the same folder */
    gen_file_writer_close(writer);
    assert_int_equal(n_entries(w), 1);
    assert_holds(w, "kept", "old");
    gen_file_writer_close(NULL);
}

/* What a killed process with our number left does not stop us. */
static void test_stale_temporary_file(void **state)
{
    struct world *w = *state;
    char name[128];
    (void)snprintf(name, sizeof(name), "%s/.out.%ld.tmp", w->dir, (long)getpid());
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    (void)fputs("a much longer old text", f);
    (void)fclose(f);
    put(w, "out", "new");
    assert_holds(w, "out", "new");
    assert_int_equal(n_entries(w), 1);
}

/* Temporary files of processes that are gone are removed; those of living ones, and what only looks
 * alike, stay. */
static void test_orphans_are_removed(void **state)
{
    struct world *w = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    char name[128];
    (void)snprintf(name, sizeof(name), ".out.%ld.tmp", (long)child);
    put(w, name, "of a dead process");
    (void)snprintf(name, sizeof(name), ".out.%ld.tmp", (long)getppid());
    put(w, name, "of a living process");
    put(w, ".out.x.tmp", "not ours");
    put(w, ".other.1.tmp", "not ours");
    put(w, "out", "new");
    assert_holds(w, "out", "new");
    assert_int_equal(n_entries(w), 4);
}

static void test_disk_full(void **state)
{
    struct world *w = *state;
    (void)w;
    struct gen_error err = {0};
    struct gen_file_writer *writer = NULL;
    /* The bytes are in our buffer until the commit... */
    assert_int_equal(gen_file_writer_open(&writer, "/dev/full", &err), GEN_OK);
    assert_int_equal(gen_file_writer_add(writer, GEN_STR("x"), &err), GEN_OK);
    assert_int_equal(gen_file_writer_commit(writer, &err), GEN_EIO);
    assert_int_equal(err.sys_errno, ENOSPC);
    assert_non_null(strstr(err.msg, "/dev/full"));
    gen_file_writer_close(writer);
    /* ... or there are too many, and then every later call fails too. */
    static char big[100000];
    memset(big, 'x', sizeof(big));
    assert_int_equal(gen_file_writer_open(&writer, "/dev/full", &err), GEN_OK);
    assert_int_equal(gen_file_writer_add(writer, (struct gen_str){big, sizeof(big)}, &err),
                     GEN_EIO);
    assert_int_equal(gen_file_writer_add(writer, GEN_STR("x"), &err), GEN_EIO);
    assert_int_equal(gen_file_writer_commit(writer, &err), GEN_EIO);
    gen_file_writer_close(writer);
    assert_int_equal(gen_file_kind("/dev/full"), GEN_FILE_OTHER);
}

/* A regular file that runs full. RLIMIT_FSIZE stands for the disk; its signal is ignored. */
static void test_file_runs_full(void **state)
{
    struct world *w = *state;
    put(w, "out", "old");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = before;
    small.rlim_cur = 1000;
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char big[70000];
    memset(big, 'x', sizeof(big));
    struct gen_error err = {0};
    int rc = gen_file_write_all(in(w, "out"), (struct gen_str){big, sizeof(big)}, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, old_handler);
    assert_int_equal(rc, GEN_EIO);
    assert_int_equal(err.sys_errno, EFBIG);
    assert_int_equal(n_entries(w), 1);
    assert_holds(w, "out", "old");
}

static void test_bad_targets(void **state)
{
    struct world *w = *state;
    struct gen_error err = {0};
    struct gen_file_writer *writer = NULL;
    put(w, "file", "x");
    assert_int_equal(gen_file_writer_open(&writer, w->dir, &err), GEN_EUSAGE);
    assert_int_equal(gen_file_writer_open(&writer, "", &err), GEN_EUSAGE);
    assert_int_equal(gen_file_writer_open(&writer, in(w, "file/below"), &err), GEN_EIO);
    assert_int_equal(gen_dir_make(in(w, "file"), &err), GEN_EIO);
    assert_int_equal(gen_dir_make("/proc/none/such", &err), GEN_EIO);
    assert_int_equal(gen_file_writer_open(&writer, "/proc/none", &err), GEN_EIO);
    assert_null(writer);
    char long_name[400];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(gen_file_writer_open(&writer, in(w, long_name), &err), GEN_EIO);
}

static void test_permissions(void **state)
{
    struct world *w = *state;
    struct stat st;
    mode_t old = umask(022);
    put(w, "new", "x");
    assert_int_equal(stat(in(w, "new"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(chmod(in(w, "new"), 0600), 0);
    put(w, "new", "y");
    assert_int_equal(stat(in(w, "new"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)umask(old);
}

static void test_symbolic_link(void **state)
{
    struct world *w = *state;
    struct stat st;
    put(w, "folder/target", "old");
    assert_int_equal(symlink("folder/target", in(w, "link")), 0);
    put(w, "link", "new");
    assert_int_equal(lstat(in(w, "link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_holds(w, "folder/target", "new");
}

static void test_fifo_is_written_through(void **state)
{
    struct world *w = *state;
    assert_int_equal(mkfifo(in(w, "fifo"), 0600), 0);
    int fd = open(in(w, "fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    put(w, "fifo", "through");
    char got[32] = {0};
    assert_int_equal(read(fd, got, sizeof(got) - 1), 7);
    assert_string_equal(got, "through");
    (void)close(fd);
    assert_int_equal(gen_file_kind(in(w, "fifo")), GEN_FILE_OTHER);
}

static void test_reading(void **state)
{
    struct world *w = *state;
    struct gen_error err = {0};
    put(w, "ten", "0123456789");
    struct gen_buf small = gen_buf_make(9);
    assert_int_equal(gen_file_read_all(&small, in(w, "ten"), &err), GEN_ELIMIT);
    assert_non_null(strstr(err.msg, "ten"));
    assert_int_equal(small.n, 0);
    gen_buf_release(&small);
    struct gen_buf exact = gen_buf_make(10);
    assert_int_equal(gen_file_read_all(&exact, in(w, "ten"), &err), GEN_OK);
    assert_int_equal(exact.n, 10);
    gen_buf_release(&exact);
    gen_buf_clear(&w->text);
    assert_int_equal(gen_buf_add_c(&w->text, "before ", NULL), GEN_OK);
    assert_int_equal(gen_file_read_all(&w->text, in(w, "ten"), &err), GEN_OK);
    assert_string_equal(w->text.data, "before 0123456789");
    /* A file whose size is not known beforehand. */
    gen_buf_clear(&w->text);
    assert_int_equal(gen_file_read_all(&w->text, "/proc/self/status", &err), GEN_OK);
    assert_non_null(strstr(w->text.data, "Pid:"));
    assert_int_equal(gen_file_read_all(&w->text, in(w, "none"), &err), GEN_EINPUT);
    assert_int_equal(gen_file_read_all(&w->text, w->dir, &err), GEN_EINPUT);
}

struct seen {
    struct gen_buf paths; /* relative, one a line */
    size_t n_root;
};

static int note(void *ud, const char *path, struct gen_error *err)
{
    struct seen *seen = ud;
    return gen_buf_printf(&seen->paths, err, "%s\n", path + seen->n_root + 1);
}

static int refuse(void *ud, const char *path, struct gen_error *err)
{
    (void)ud;
    return gen_fail(err, GEN_ECANCELED, "no more after %s", path);
}

static void test_walk(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"b",     "a/c", "a-b/x",    "a.md",   "a/b/d", "Z",
                                        ".hide", "a0",  ".git/obj", "a/.x/y", "a/b.c"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put(w, names[i], "x");
    assert_int_equal(symlink("..", in(w, "a/up")), 0);
    assert_int_equal(symlink("b", in(w, "link")), 0);
    assert_int_equal(gen_dir_make(in(w, "empty/er"), NULL), GEN_OK);
    struct seen seen = {.paths = gen_buf_make(GEN_BUF_UNLIMITED), .n_root = strlen(w->dir)};
    assert_int_equal(gen_dir_walk(w->dir, note, &seen, NULL), GEN_OK);
    assert_string_equal(seen.paths.data, "Z\na-b/x\na.md\na/b.c\na/b/d\na/c\na0\nb\n");
    gen_buf_release(&seen.paths);
    struct gen_error err = {0};
    assert_int_equal(gen_dir_walk(w->dir, refuse, NULL, &err), GEN_ECANCELED);
    assert_non_null(strstr(err.msg, "/Z"));
    assert_int_equal(gen_dir_walk(in(w, "none"), refuse, NULL, &err), GEN_EINPUT);
    assert_int_equal(gen_dir_walk(in(w, "b"), refuse, NULL, &err), GEN_EINPUT);
}

static void test_walk_depth(void **state)
{
    struct world *w = *state;
    struct gen_buf path = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_add_c(&path, w->dir, NULL), GEN_OK);
    for (int i = 1; i < 32; i++)
        assert_int_equal(gen_buf_add_c(&path, "/d", NULL), GEN_OK);
    assert_int_equal(gen_dir_make(path.data, NULL), GEN_OK);
    int n = 0;
    assert_int_equal(gen_dir_walk(w->dir, count_file, &n, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&path, "/d", NULL), GEN_OK);
    assert_int_equal(gen_dir_make(path.data, NULL), GEN_OK);
    assert_int_equal(gen_dir_walk(w->dir, count_file, &n, NULL), GEN_ELIMIT);
    assert_int_equal(n, 0);
    gen_buf_release(&path);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *dir;
        const char *base;
        const char *stem;
        const char *ext;
    } cases[] = {
        {"a/b.json", "a", "b.json", "a/b", ".json"},
        {"b.json", ".", "b.json", "b", ".json"},
        {"/b", "/", "b", "/b", ""},
        {"/", "/", "/", "/", ""},
        {"a/b/", "a", "b", "a/b/", ""},
        {"a.d/b", "a.d", "b", "a.d/b", ""},
        {".profile", ".", ".profile", ".profile", ""},
        {"x/..", "x", "..", "x/..", ""},
        {"a.tar.gz", ".", "a.tar.gz", "a.tar", ".gz"},
        {"a.", ".", "a.", "a", "."},
        {"a//b", "a", "b", "a//b", ""},
        {"", ".", "", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_str path = gen_str_from(cases[i].path);
        assert_true(gen_str_is(gen_path_dir(path), cases[i].dir));
        assert_true(gen_str_is(gen_path_base(path), cases[i].base));
        assert_true(gen_str_is(gen_path_stem(path), cases[i].stem));
        assert_true(gen_str_is(gen_path_ext(path), cases[i].ext));
    }
    struct gen_buf b = gen_buf_make(100);
    assert_int_equal(gen_path_join(&b, GEN_STR("a/"), GEN_STR("b"), NULL), GEN_OK);
    assert_string_equal(b.data, "a/b");
    gen_buf_clear(&b);
    assert_int_equal(gen_path_join(&b, GEN_STR(""), GEN_STR("b"), NULL), GEN_OK);
    assert_string_equal(b.data, "b");
    gen_buf_clear(&b);
    assert_int_equal(gen_program_dir(&b, NULL), GEN_OK);
    assert_true(b.data[0] == '/' && b.data[b.n - 1] != '/');
    gen_buf_release(&b);
}

static void test_terminal(void **state)
{
    struct world *w = *state;
    put(w, "not a terminal", "");
    int fd = open(in(w, "not a terminal"), O_RDONLY | O_CLOEXEC);
    assert_false(gen_term_is_live(fd));
    assert_int_equal(gen_term_columns(fd), 80);
    assert_int_equal(gen_term_rows(fd), 24);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted_writer_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_temporary_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_orphans_are_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_runs_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_permissions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_symbolic_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fifo_is_written_through, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk_depth, setup, teardown),
        cmocka_unit_test(test_paths),
        cmocka_unit_test_setup_teardown(test_terminal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
