/* Files that are no ledgers, places where there can be none, and what opening leaves behind. */
#include "ledger_support.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void patch_file(const char *path, long at, const void *data, size_t n)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Both ways of opening fail with `code` and a message that names the path and holds `part`. */
static void expect_no_ledger(const char *path, int code, const char *part)
{
    for (int read_only = 0; read_only < 2; read_only++) {
        struct gen_ledger *l = NULL;
        struct gen_error err = {0};
        int rc = gen_ledger_open(&l, &gen_ledger_sqlite, path, read_only != 0, &err);
        assert_null(l);
        if (rc != code || strstr(err.msg, part) == NULL || strstr(err.msg, path) == NULL)
            fail_msg("%s: code %d: %s", path, rc, err.msg);
        assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, path, read_only != 0, NULL), code);
    }
}

static void make_ledger(const char *path)
{
    struct gen_ledger *l = open_writer(path);
    int64_t run_id = begin_run(l);
    for (uint64_t i = 0; i < 100; i++)
        put_answer(l, run_id, i);
    gen_ledger_close(l);
}

static void other_files_are_refused_and_left_alone(void **state)
{
    struct ledger_fixture *f = *state;
    static const char text[] = "{\"question\": \"What is a chunk?\"}\n";
    char long_text[20000], back[sizeof long_text];

    write_file(f->path, text, sizeof text - 1);
    expect_no_ledger(f->path, GEN_EINPUT, "not an SQLite file");
    for (size_t i = 0; i < sizeof long_text; i++)
        long_text[i] = text[i % (sizeof text - 1)];
    write_file(f->path, long_text, sizeof long_text);
    expect_no_ledger(f->path, GEN_EINPUT, "not an SQLite file");

    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(back, 1, sizeof back, file), sizeof back);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(back, long_text, sizeof back);
    assert_int_equal(count_files(f->folder), 1);
}

/* The application's number is at byte 68 of an SQLite file, the version of its tables at 60, both
 * big-endian. */
static void foreign_and_newer_databases_are_refused(void **state)
{
    struct ledger_fixture *f = *state;
    static const unsigned char ours[4] = {'G', 'e', 'n', 'L'}, zero[4] = {0},
                               newer[4] = {0, 0, 0, 4};
    static const unsigned char current[4] = {0, 0, 0, 3}, negative[4] = {0xff, 0xff, 0xff, 0xff};

    make_ledger(f->path);
    patch_file(f->path, 68, "GP10", 4);
    expect_no_ledger(f->path, GEN_EINPUT, "another program");
    patch_file(f->path, 68, zero, 4);
    expect_no_ledger(f->path, GEN_EINPUT, "another program");
    patch_file(f->path, 60, zero, 4);
    expect_no_ledger(f->path, GEN_EINPUT, "another program");
    patch_file(f->path, 68, ours, 4);
    expect_no_ledger(f->path, GEN_EIO, "version 0");
    patch_file(f->path, 60, negative, 4);
    expect_no_ledger(f->path, GEN_EIO, "damaged");
    patch_file(f->path, 60, newer, 4);
    expect_no_ledger(f->path, GEN_EIO, "newer generator");
    /* Version 2 has the same tables, and is brought up to date. */
    static const unsigned char older[4] = {0, 0, 0, 2};
    patch_file(f->path, 60, older, 4);
    for (int i = 0; i < 2; i++) {
        struct gen_ledger *l = open_writer(f->path);
        assert_true(has_answer(l, 99));
        gen_ledger_close(l);
    }
    patch_file(f->path, 60, current, 4);
    struct gen_ledger *l = open_writer(f->path);
    assert_true(has_answer(l, 99));
    gen_ledger_close(l);
}

static void damage_is_reported(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err = {0};
    struct gen_answer a;
    struct stat st;
    char noise[8192];
    bool found = false;
    int rc = GEN_OK;

    make_ledger(f->path);
    assert_int_equal(stat(f->path, &st), 0);
    memset(noise, 0xa5, sizeof noise);
    for (long at = sizeof noise; at < st.st_size; at += (long)sizeof noise)
        patch_file(f->path, at, noise, sizeof noise);
    struct gen_ledger *l = open_reader(f->path);
    struct gen_digest key = key_from(1);
    rc = gen_ledger_find(l, &key, &found, &a, &err);
    assert_int_equal(rc, GEN_EIO);
    assert_false(found);
    assert_non_null(strstr(err.msg, "damaged"));
    gen_ledger_close(l);

    assert_int_equal(truncate(f->path, 5000), 0);
    expect_no_ledger(f->path, GEN_EIO, f->path);
}

static void missing_and_odd_places(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err = {0};
    struct gen_ledger *l = NULL;
    char name[600];

    assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, f->path, true, &err), GEN_EINPUT);
    assert_non_null(strstr(err.msg, f->path));
    assert_int_equal(count_files(f->folder), 0);
    assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, "", false, &err), GEN_EUSAGE);
    expect_no_ledger(f->folder, GEN_EINPUT, "folder");
    expect_no_ledger("/dev/null", GEN_EINPUT, "regular file");

    write_file(f->path, "", 0);
    assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, f->path, true, &err), GEN_EINPUT);
    make_ledger(f->path); /* an empty file is a ledger about to be */
    (void)snprintf(name, sizeof name, "%s/in.ledger", f->path);
    assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, name, false, &err), GEN_EIO);
    (void)snprintf(name, sizeof name, "%s/a/b/c/deep.ledger", f->folder);
    make_ledger(name);
}

static void names_mean_nothing_to_sqlite(void **state)
{
    static const char *const names[] = {"file:x?mode=memory", ":memory:", "100%41#1?.ledger",
                                        "\xc3\xa4 b'c.ledger"};
    struct ledger_fixture *f = *state;
    char *old = getcwd(NULL, 0);

    assert_non_null(old);
    assert_int_equal(chdir(f->folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_ledger(names[i]);
        assert_int_equal(access(names[i], F_OK), 0);
        assert_int_equal(count_files("."), (int)i + 1);
    }
    assert_int_equal(chdir(old), 0);
    free(old);
}

static void a_lock_file_left_behind_holds_nothing(void **state)
{
    struct ledger_fixture *f = *state;
    char name[600];

    (void)snprintf(name, sizeof name, "%s.lock", f->path);
    write_file(name, "999999\nelsewhere\n", 17);
    make_ledger(f->path);
    assert_int_equal(count_files(f->folder), 1);
    write_file(name, "", 0);
    make_ledger(f->path);
    assert_int_equal(count_files(f->folder), 1);
}

/* Root may do anything, so the child is nobody first. Its folder can be entered but not written. */
static int in_read_only_folder(const char *path)
{
    struct gen_ledger *l = NULL;
    struct gen_error err = {0};
    struct gen_digest key = key_from(5);
    struct gen_answer a;
    bool found = false;

    if (gen_ledger_open(&l, &gen_ledger_sqlite, path, false, &err) != GEN_EIO)
        return 1;
    if (strstr(err.msg, path) == NULL || strstr(err.msg, "Permission denied") == NULL ||
        strstr(err.msg, "--ledger") == NULL) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 2;
    }
    if (gen_ledger_open(&l, &gen_ledger_sqlite, path, true, &err) != GEN_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 3;
    }
    if (gen_ledger_find(l, &key, &found, &a, &err) != GEN_OK || !found)
        return 4;
    gen_ledger_close(l);
    return 0;
}

static int with_read_only_file(const char *path)
{
    struct gen_ledger *l = NULL;
    struct gen_error err = {0};

    if (gen_ledger_open(&l, &gen_ledger_sqlite, path, false, &err) != GEN_EIO)
        return 1;
    if (strstr(err.msg, path) == NULL || strstr(err.msg, "no permission") == NULL) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 2;
    }
    return 0;
}

/* Only a log that a process left behind when it was killed, which no reader may take over here. */
static int with_log_in_read_only_folder(const char *path)
{
    struct gen_ledger *l = NULL;
    struct gen_error err = {0};

    if (gen_ledger_open(&l, &gen_ledger_sqlite, path, true, &err) != GEN_EIO)
        return 1;
    if (strstr(err.msg, path) == NULL || strstr(err.msg, "copy both files") == NULL) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 2;
    }
    return 0;
}

/* The child's answer, 77 when it could not become nobody. */
static int run_as_nobody(int (*body)(const char *path), const char *path)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 &&
            (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
            _exit(77);
        _exit(body(path));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_only_folder_can_be_read(void **state)
{
    struct ledger_fixture *f = *state;
    char folder[300], path[600];

    /* A name that an URI would misread, since this way leads through one. */
    (void)snprintf(folder, sizeof folder, "%s/locked", f->folder);
    (void)snprintf(path, sizeof path, "%s/50%%41#?.ledger", folder);
    assert_int_equal(mkdir(folder, 0755), 0);
    make_ledger(path);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    int result = run_as_nobody(in_read_only_folder, path);
    if (result == 77)
        skip();
    assert_int_equal(result, 0);
    assert_int_equal(count_files(folder), 1);
}

static void read_only_file_is_not_written(void **state)
{
    struct ledger_fixture *f = *state;

    make_ledger(f->path);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->folder, 0777), 0);
    int result = run_as_nobody(with_read_only_file, f->path);
    if (result == 77)
        skip();
    assert_int_equal(result, 0);
    struct gen_ledger *l = open_reader(f->path);
    assert_true(has_answer(l, 5));
    gen_ledger_close(l);
}

static void unfinished_log_in_a_read_only_folder(void **state)
{
    struct ledger_fixture *f = *state;
    char folder[300], path[600], shm[700];
    int status = -1;

    (void)snprintf(folder, sizeof folder, "%s/locked", f->folder);
    (void)snprintf(path, sizeof path, "%s/run.ledger", folder);
    (void)snprintf(shm, sizeof shm, "%s-shm", path);
    assert_int_equal(mkdir(folder, 0755), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        put_answer(open_writer(path), 1, 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(unlink(shm), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    int result = run_as_nobody(with_log_in_read_only_folder, path);
    if (result == 77)
        skip();
    assert_int_equal(result, 0);
}

static void reading_changes_nothing(void **state)
{
    struct ledger_fixture *f = *state;
    struct stat before, after;

    make_ledger(f->path);
    assert_int_equal(stat(f->path, &before), 0);
    struct gen_ledger *l = open_reader(f->path);
    assert_true(has_answer(l, 5));
    gen_ledger_close(l);
    assert_int_equal(stat(f->path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    assert_int_equal(count_files(f->folder), 1);
}

int main(void)
{
#define LEDGER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, ledger_fixture_set_up, ledger_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(other_files_are_refused_and_left_alone),
        LEDGER_TEST(foreign_and_newer_databases_are_refused),
        LEDGER_TEST(damage_is_reported),
        LEDGER_TEST(missing_and_odd_places),
        LEDGER_TEST(names_mean_nothing_to_sqlite),
        LEDGER_TEST(a_lock_file_left_behind_holds_nothing),
        LEDGER_TEST(read_only_folder_can_be_read),
        LEDGER_TEST(read_only_file_is_not_written),
        LEDGER_TEST(unfinished_log_in_a_read_only_folder),
        LEDGER_TEST(reading_changes_nothing),
    };
    return cmocka_run_group_tests_name("ledger files", tests, NULL, NULL);
}
