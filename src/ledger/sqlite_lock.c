/*
 * One writer at a time. The lock is a flock(2) on "<ledger>.lock": it belongs to the open file, so
 * it goes with the process however that dies. It is not on the ledger itself because closing any
 * descriptor of a file drops all fcntl locks that this process, that is SQLite, has on it, and
 * because flock and fcntl are one and the same over NFS. The text in the file is for the message.
 * The file is removed on closing; one that kill -9 left behind holds nothing and is used again.
 */
#include "base/num.h"
#include "ledger/sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each round loses against a process that is just closing the same ledger. */
#define LOCK_ROUNDS_MAX 100

static char *lock_path(const char *db_path)
{
    struct gen_buf path = gen_buf_make(GEN_BUF_UNLIMITED);
    char *real = realpath(db_path, NULL); /* so that a symbolic link is the same ledger */
    size_t n;

    if (gen_buf_printf(&path, NULL, "%s.lock", real != NULL ? real : db_path) != GEN_OK)
        gen_buf_release(&path);
    free(real);
    return gen_buf_take(&path, &n);
}

static int fail_held(int fd, const char *db_path, struct gen_error *err)
{
    char text[512];
    ssize_t got = pread(fd, text, sizeof text, 0);
    struct gen_str rest = {text, got > 0 ? (size_t)got : 0};
    struct gen_str pid_line, host_line;
    int64_t pid;

    if (!gen_str_next_line(&rest, &pid_line) || !gen_str_next_line(&rest, &host_line) ||
        gen_num_i64(pid_line, 1, INT_MAX, "pid", &pid, NULL) != GEN_OK)
        return gen_fail(err, GEN_ESTATE,
                        "another generator is using %s; wait for it or give --ledger another path",
                        db_path);

    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    if (!gen_str_is(host_line, host))
        return gen_fail(err, GEN_ESTATE,
                        "another generator (pid %lld on %.*s) is using %s; wait for it or give "
                        "--ledger another path",
                        (long long)pid, GEN_STR_ARG(host_line), db_path);
    return gen_fail(err, GEN_ESTATE,
                    "another generator (pid %lld) is using %s; wait for it or give --ledger "
                    "another path",
                    (long long)pid, db_path);
}

/* The text only helps the other process's message, so a full disk is no reason to fail here. */
static void write_owner(int fd)
{
    char text[512];
    char host[256] = "";

    (void)gethostname(host, sizeof host - 1);
    int n = snprintf(text, sizeof text,
                     "%ld\n%s\nThe generator with this process number is writing the ledger beside "
                     "this file.\nOnce that process is gone the file means nothing and may be "
                     "deleted.\n",
                     (long)getpid(), host);
    if (n > 0 && ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
        (void)!ftruncate(fd, 0);
}

/* True when `path` still names the file that `fd` is: its last owner may have removed it between
 * our open and our flock. */
static bool is_same_file(int fd, const char *path)
{
    struct stat mine, there;

    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
           mine.st_dev == there.st_dev;
}

int gen_sqlite_lock_take(struct gen_sqlite_lock *lock, const char *db_path, struct gen_error *err)
{
    int rc;
    char *path = lock_path(db_path);

    if (path == NULL)
        return gen_nomem(err, "the ledger");
    for (int round = 0; round < LOCK_ROUNDS_MAX; round++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) {
            rc = gen_fail_errno(err, GEN_EIO, errno,
                                "cannot write the ledger %s: cannot make %s beside it; give "
                                "--ledger another path",
                                db_path, path);
            free(path);
            return rc;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int e = errno;
            rc = e == EWOULDBLOCK
                     ? fail_held(fd, db_path, err)
                     : gen_fail_errno(err, GEN_EIO, e,
                                      "cannot lock %s: the file system has no locks; give "
                                      "--ledger a path on a local disk",
                                      path);
            (void)close(fd);
            free(path);
            return rc;
        }
        if (is_same_file(fd, path)) {
            write_owner(fd);
            lock->fd = fd;
            lock->path = path;
            return GEN_OK;
        }
        (void)close(fd);
    }
    rc = gen_fail(err, GEN_ESTATE, "cannot lock %s: other processes open and close it all the time",
                  path);
    free(path);
    return rc;
}

void gen_sqlite_lock_drop(struct gen_sqlite_lock *lock)
{
    if (lock->fd < 0)
        return;
    /* Removed while still held: nobody can hold a lock on a file that is then removed. */
    (void)unlink(lock->path);
    (void)close(lock->fd);
    free(lock->path);
    lock->fd = -1;
    lock->path = NULL;
}
