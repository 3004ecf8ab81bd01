/* What is left when a process dies or the disk fails, and who may open a ledger meanwhile. */
#include "ledger_support.h"

#include "base/prng.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_KILLS = 20, BATCH = 8 };

struct child {
    pid_t pid;
    int from; /* what it tells */
    int to;   /* what it is told */
};

/* Runs `body` in a child. cmocka's assertions would return into the parent's tests, so the child
 * ends through _exit with 0 for success. */
static struct child spawn(int (*body)(const char *path, int tell, int hear), const char *path)
{
    int up[2], down[2];
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(up[0]);
        (void)close(down[1]);
        _exit(body(path, up[1], down[0]));
    }
    (void)close(up[1]);
    (void)close(down[0]);
    return (struct child){pid, up[0], down[1]};
}

/* Closes the pipes, reaps the child and gives its wait status. */
static int reap(struct child *c)
{
    int status = -1;
    (void)close(c->from);
    (void)close(c->to);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static bool hear(int fd, uint64_t *value)
{
    ssize_t got;
    do {
        got = read(fd, value, sizeof *value);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *value;
}

static bool tell(int fd, uint64_t value)
{
    return write(fd, &value, sizeof value) == (ssize_t)sizeof value;
}

static int try_put(struct gen_ledger *l, int64_t run_id, uint64_t number, struct gen_error *err)
{
    char text[64];
    struct gen_digest key = key_from(number);
    struct gen_answer a = answer_from(number, run_id, text);
    int64_t id = 0;
    int rc = gen_ledger_attempt_sent(l, &key, run_id, GEN_STR("generate"), 1, &id, err);
    return rc != GEN_OK ? rc : gen_ledger_attempt_answered(l, id, &key, &a, err);
}

/* Commits batches of BATCH answers and one attempt that stays under way; tells the number of
 * batches in the ledger after each commit. Begins where it is told to. */
static int commit_for_ever(const char *path, int tell_fd, int hear_fd)
{
    struct gen_ledger *l = NULL;
    struct gen_run_info info = {GEN_STR("test"), GEN_STR(""), GEN_STR(""), 0};
    struct gen_digest never = key_from(UINT64_MAX);
    uint64_t batch = 0;
    int64_t run_id = 0, id;

    if (!hear(hear_fd, &batch) ||
        gen_ledger_open(&l, &gen_ledger_sqlite, path, false, NULL) != GEN_OK ||
        gen_ledger_run_begin(l, &info, &run_id, NULL) != GEN_OK || !tell(tell_fd, batch))
        return 1;
    for (;; batch++) {
        if (gen_ledger_begin(l, NULL) != GEN_OK)
            return 2;
        for (uint64_t i = 0; i < BATCH; i++)
            if (try_put(l, run_id, batch * BATCH + i, NULL) != GEN_OK)
                return 3;
        if (gen_ledger_attempt_sent(l, &never, run_id, GEN_STR("rate"), 1, &id, NULL) != GEN_OK ||
            gen_ledger_commit(l, NULL) != GEN_OK || !tell(tell_fd, batch + 1))
            return 4;
    }
}

static struct gen_ledger_totals totals_of(struct gen_ledger *l)
{
    struct gen_error err;
    struct gen_ledger_totals t;
    must(gen_ledger_totals(l, 0, &t, &err), &err);
    return t;
}

static void what_was_acknowledged_survives_sigkill(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_prng random = gen_prng_make((uint64_t)time(NULL));
    uint64_t n_batches = 0;

    for (int kills = 0; kills < N_KILLS; kills++) {
        struct child c = spawn(commit_for_ever, f->path);
        uint64_t acknowledged = 0;
        assert_true(tell(c.to, n_batches));
        assert_true(hear(c.from, &acknowledged)); /* it is open and running */
        uint64_t pause_us = gen_prng_below(&random, 60000);
        struct timespec pause = {0, (long)pause_us * 1000};
        (void)nanosleep(&pause, NULL);
        assert_int_equal(kill(c.pid, SIGKILL), 0);
        while (hear(c.from, &acknowledged))
            ;
        int status = reap(&c);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

        /* A reader first: it must see the answers in the log, and settle nothing. */
        struct gen_ledger *l = open_reader(f->path);
        assert_int_equal(totals_of(l).n_sent_unknown, n_batches);
        gen_ledger_close(l);

        l = open_writer(f->path);
        struct gen_ledger_totals t = totals_of(l);
        uint64_t n_found = (uint64_t)t.n_answers / BATCH;
        assert_int_equal(t.n_answers % BATCH, 0); /* no half transaction */
        assert_true(n_found >= acknowledged);
        assert_true(n_found <= acknowledged + 1); /* committed, but died before it could say so */
        assert_int_equal(t.n_attempts, n_found * (BATCH + 1));
        assert_int_equal(t.n_sent_unknown, n_found);
        for (uint64_t i = n_batches * BATCH; i < n_found * BATCH; i++)
            assert_true(has_answer(l, i));
        gen_ledger_close(l);
        n_batches = n_found;
    }
    assert_true(n_batches > 0);
    struct gen_ledger *l = open_writer(f->path);
    for (uint64_t i = 0; i < n_batches * BATCH; i++)
        assert_true(has_answer(l, i));
    gen_ledger_close(l);
    assert_int_equal(count_files(f->folder), 1);
}

/* Commits answer 1, leaves answer 2 pending, waits; when told, commits, and waits again. */
static int hold_open(const char *path, int tell_fd, int hear_fd)
{
    struct gen_ledger *l = NULL;
    uint64_t word;

    if (gen_ledger_open(&l, &gen_ledger_sqlite, path, false, NULL) != GEN_OK ||
        try_put(l, 1, 1, NULL) != GEN_OK || gen_ledger_begin(l, NULL) != GEN_OK ||
        try_put(l, 1, 2, NULL) != GEN_OK || !tell(tell_fd, 0) || !hear(hear_fd, &word))
        return 1;
    if (gen_ledger_commit(l, NULL) != GEN_OK || !tell(tell_fd, 1) || !hear(hear_fd, &word))
        return 2;
    gen_ledger_close(l);
    return 0;
}

static void expect_refused(const char *path, pid_t pid)
{
    struct gen_error err;
    struct gen_ledger *l = NULL;
    char number[32];

    (void)snprintf(number, sizeof number, "(pid %ld)", (long)pid);
    assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, path, false, &err), GEN_ESTATE);
    assert_null(l);
    assert_non_null(strstr(err.msg, number));
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "--ledger"));
}

static void second_writer_is_refused_and_readers_are_not(void **state)
{
    struct ledger_fixture *f = *state;
    char other_name[600];
    uint64_t word;

    (void)snprintf(other_name, sizeof other_name, "%s/other", f->folder);
    assert_int_equal(symlink(f->path, other_name), 0);
    struct child c = spawn(hold_open, f->path);
    assert_true(hear(c.from, &word));
    expect_refused(f->path, c.pid);
    expect_refused(other_name, c.pid);
    struct gen_ledger *reader = open_reader(f->path);
    assert_true(has_answer(reader, 1));
    assert_false(has_answer(reader, 2)); /* pending there */
    assert_true(tell(c.to, 0));
    assert_true(hear(c.from, &word));
    assert_true(has_answer(reader, 2));
    expect_refused(f->path, c.pid);

    /* The lock goes with the process, however that dies. */
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    (void)reap(&c);
    struct gen_ledger *l = open_writer(f->path);
    assert_true(has_answer(l, 1) && has_answer(l, 2));
    gen_ledger_close(reader);
    expect_refused(f->path, getpid()); /* this process as well, a second time */
    put_answer(l, 1, 3);
    gen_ledger_close(l);
    assert_int_equal(count_files(f->folder), 2);

    c = spawn(hold_open, f->path);
    assert_true(hear(c.from, &word) && tell(c.to, 0) && hear(c.from, &word) && tell(c.to, 0));
    assert_int_equal(reap(&c), 0);
    l = open_writer(f->path);
    gen_ledger_close(l);
}

/* Fills the ledger up to a file size limit, which the kernel enforces as it would a full disk. */
static int write_until_full(const char *path, int tell_fd, int hear_fd)
{
    enum { LIMIT = 1 << 20, TEXT = 10000 };
    const struct rlimit limit = {LIMIT, LIMIT};
    struct gen_ledger *l = NULL;
    struct gen_error err = {0}, again = {0};
    struct gen_str value;
    static char text[TEXT];
    bool found;
    int rc = GEN_OK;

    (void)hear_fd;
    memset(text, 'z', sizeof text);
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        gen_ledger_open(&l, &gen_ledger_sqlite, path, false, NULL) != GEN_OK)
        return 1;
    for (uint64_t i = 0; rc == GEN_OK && i < 1000; i++) {
        struct gen_digest key = key_from(i);
        struct gen_answer a = {.text = {text, sizeof text}};
        int64_t id = 0;
        if (gen_ledger_begin(l, NULL) != GEN_OK)
            return 2;
        rc = gen_ledger_attempt_sent(l, &key, 1, GEN_STR("s"), 1, &id, &err);
        if (rc == GEN_OK)
            rc = gen_ledger_attempt_answered(l, id, &key, &a, &err);
        if (rc == GEN_OK)
            rc = gen_ledger_commit(l, &err);
        if (rc == GEN_OK && !tell(tell_fd, i + 1))
            return 3;
    }
    if (rc != GEN_EIO || strstr(err.msg, path) == NULL || strstr(err.msg, "too large") == NULL) {
        (void)fprintf(stderr, "code %d: %s\n", rc, err.msg);
        return 4;
    }
    /* From then on nothing is written and nothing is pretended. */
    if (gen_ledger_note_put(l, GEN_STR("a"), GEN_STR("b"), &again) != GEN_EIO ||
        strcmp(again.msg, err.msg) != 0 ||
        gen_ledger_note_find(l, GEN_STR("a"), &found, &value, NULL) != GEN_EIO)
        return 5;
    gen_ledger_close(l);
    return 0;
}

static void full_disk_loses_nothing_that_was_committed(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    uint64_t n = 0;
    struct child c = spawn(write_until_full, f->path);

    while (hear(c.from, &n))
        ;
    assert_int_equal(reap(&c), 0);
    assert_true(n > 10);
    struct gen_ledger *l = open_writer(f->path);
    assert_in_range(totals_of(l).n_answers, n, n + 1);
    for (uint64_t i = 0; i < n; i++) {
        struct gen_digest key = key_from(i);
        struct gen_answer a;
        bool found = false;
        must(gen_ledger_find(l, &key, &found, &a, &err), &err);
        assert_true(found);
        assert_int_equal(a.text.n, 10000);
    }
    put_answer(l, begin_run(l), 5000);
    gen_ledger_close(l);
}

/* An attempt that its own process left under way is settled by the next one, also when others of
 * that run have ended and the ledger was closed in good order. */
static void attempts_left_under_way_become_unknown(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_digest key = key_from(9);
    int64_t id = 0;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);

    put_answer(l, run_id, 1);
    must(gen_ledger_attempt_sent(l, &key, run_id, GEN_STR("s"), 1, &id, &err), &err);
    put_answer(l, run_id, 2);
    gen_ledger_close(l);
    for (int round = 0; round < 3; round++) {
        l = open_writer(f->path);
        assert_int_equal(totals_of(l).n_sent_unknown, 1);
        put_answer(l, run_id, 3 + (uint64_t)round);
        gen_ledger_close(l);
    }
}

int main(void)
{
#define LEDGER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, ledger_fixture_set_up, ledger_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_was_acknowledged_survives_sigkill),
        LEDGER_TEST(second_writer_is_refused_and_readers_are_not),
        LEDGER_TEST(full_disk_loses_nothing_that_was_committed),
        LEDGER_TEST(attempts_left_under_way_become_unknown),
    };
    return cmocka_run_group_tests_name("ledger crash", tests, NULL, NULL);
}
