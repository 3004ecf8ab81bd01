#include "os/file.h"

#include "os/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_BUFFER_BYTES 65536U
#define READ_CHUNK_BYTES   65536U

enum gen_file_kind gen_file_kind(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return GEN_FILE_NONE;
    if (S_ISREG(st.st_mode))
        return GEN_FILE_REGULAR;
    return S_ISDIR(st.st_mode) ? GEN_FILE_DIRECTORY : GEN_FILE_OTHER;
}

struct gen_file_reader {
    int fd;
    bool owns_fd;
    char path[]; /* for messages */
};

int gen_file_reader_open(struct gen_file_reader **out, const char *path, struct gen_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    size_t n = strlen(path) + 1;
    struct gen_file_reader *r = malloc(sizeof(*r) + n);
    if (!r)
        return gen_nomem(err, "a file reader");
    memcpy(r->path, path, n);
    r->owns_fd = !is_stdin;
    r->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        int rc = gen_fail_errno(err, GEN_EINPUT, errno, "cannot open %s", path);
        free(r);
        return rc;
    }
    struct stat st;
    if (fstat(r->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        gen_file_reader_close(r);
        return gen_fail(err, GEN_EINPUT, "cannot read %s: it is a folder", path);
    }
    *out = r;
    return GEN_OK;
}

/* Waits for a descriptor that another program has made non-blocking. */
static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    (void)poll(&p, 1, 1000);
}

int gen_file_reader_read(void *reader, void *data, size_t n, size_t *got, struct gen_error *err)
{
    struct gen_file_reader *r = reader;
    if (n > SSIZE_MAX)
        n = SSIZE_MAX;
    for (;;) {
        ssize_t k = read(r->fd, data, n);
        if (k >= 0) {
            *got = (size_t)k;
            return GEN_OK;
        }
        if (errno == EAGAIN)
            wait_for(r->fd, POLLIN);
        else if (errno != EINTR)
            return gen_fail_errno(err, GEN_EINPUT, errno, "cannot read %s", r->path);
    }
}

void gen_file_reader_close(struct gen_file_reader *r)
{
    if (!r)
        return;
    if (r->owns_fd)
        (void)close(r->fd);
    free(r);
}

static int read_to_end(struct gen_file_reader *r, struct gen_buf *out, struct gen_error *err)
{
    struct stat st;
    size_t want = READ_CHUNK_BYTES;
    if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        want = (size_t)st.st_size + 1; /* the one more finds the end without growing the buffer */
    for (;;) {
        size_t room = out->bytes_max - out->n;
        if (want > room)
            want = room;
        if (want == 0) {
            /* Exactly full: only a further byte is too much. */
            char byte;
            size_t got = 0;
            int rc = gen_file_reader_read(r, &byte, 1, &got, err);
            if (rc == GEN_OK && got > 0)
                rc = gen_fail(err, GEN_ELIMIT, "%s is larger than the limit of %zu bytes", r->path,
                              out->bytes_max);
            return rc;
        }
        size_t got = 0;
        int rc = gen_buf_reserve(out, want, err);
        if (rc == GEN_OK)
            rc = gen_file_reader_read(r, out->data + out->n, want, &got, err);
        if (rc != GEN_OK)
            return rc;
        out->n += got;
        out->data[out->n] = '\0';
        if (got == 0)
            return GEN_OK;
        want = READ_CHUNK_BYTES;
    }
}

int gen_file_read_all(struct gen_buf *out, const char *path, struct gen_error *err)
{
    struct gen_file_reader *r = NULL;
    int rc = gen_file_reader_open(&r, path, err);
    if (rc != GEN_OK)
        return rc;
    size_t n_before = out->n;
    rc = read_to_end(r, out, err);
    if (rc != GEN_OK) {
        out->n = n_before;
        if (out->data)
            out->data[n_before] = '\0';
    }
    gen_file_reader_close(r);
    return rc;
}

struct gen_file_writer {
    int fd;
    bool owns_fd;
    bool is_atomic; /* a temporary file that is to be renamed */
    bool committed;
    int failed_errno; /* of the first failure: what follows cannot be whole any more */
    char *path;       /* as the caller named it, for messages */
    char *final_path; /* symbolic links resolved, so that the link survives; NULL: write through */
    char *temp_path;
    size_t n;
    char buffer[WRITE_BUFFER_BYTES];
};

static int fail_write(struct gen_file_writer *w, int sys_errno, struct gen_error *err)
{
    w->failed_errno = sys_errno;
    return gen_fail_errno(err, GEN_EIO, sys_errno, "cannot write %s", w->path);
}

static char *temp_path_for(const char *path)
{
    struct gen_str whole = gen_str_from(path);
    struct gen_str base = gen_path_base(whole);
    size_t n_folder = (size_t)(base.p - whole.p);
    size_t n = whole.n + 40;
    char *temp = malloc(n);
    if (temp)
        (void)snprintf(temp, n, "%.*s.%.*s.%ld.tmp", (int)n_folder, path, GEN_STR_ARG(base),
                       (long)getpid());
    return temp;
}

static int open_temp(struct gen_file_writer *w, const struct stat *existing, struct gen_error *err)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC; /* read by put_first */
    gen_orphans_remove(gen_str_from(w->final_path));
    w->fd = open(w->temp_path, flags, 0666);
    if (w->fd < 0 && errno == EEXIST) {
        /* Left by a killed process that had our number, which is usual in containers. */
        (void)unlink(w->temp_path);
        w->fd = open(w->temp_path, flags, 0666);
    }
    if (w->fd < 0)
        return fail_write(w, errno, err);
    w->owns_fd = true;
    w->is_atomic = true;
    if (existing && fchmod(w->fd, existing->st_mode & 0777) != 0)
        return fail_write(w, errno, err);
    return GEN_OK;
}

static int make_parent(const char *path, struct gen_error *err)
{
    char *dir = gen_str_dup(gen_path_dir(gen_str_from(path)));
    if (!dir)
        return gen_nomem(err, "a path");
    int rc = gen_dir_make(dir, err);
    free(dir);
    return rc;
}

static int open_target(struct gen_file_writer *w, struct gen_error *err)
{
    if (strcmp(w->path, "-") == 0 || strcmp(w->path, "/dev/stdout") == 0) {
        w->fd = STDOUT_FILENO;
        return GEN_OK;
    }
    struct stat st;
    bool exists = stat(w->path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return gen_fail(err, GEN_EUSAGE, "cannot write %s: it is a folder; name a file in it",
                        w->path);
    if (exists && !S_ISREG(st.st_mode)) {
        w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
        if (w->fd < 0)
            return fail_write(w, errno, err);
        w->owns_fd = true;
        return GEN_OK;
    }
    int rc = exists ? GEN_OK : make_parent(w->path, err);
    if (rc != GEN_OK)
        return rc;
    w->final_path = exists ? realpath(w->path, NULL) : strdup(w->path);
    if (w->final_path)
        w->temp_path = temp_path_for(w->final_path);
    if (!w->temp_path)
        return gen_nomem(err, "a path");
    return open_temp(w, exists ? &st : NULL, err);
}

int gen_file_writer_open(struct gen_file_writer **out, const char *path, struct gen_error *err)
{
    if (!*path)
        return gen_fail(err, GEN_EUSAGE, "the name of the output file is empty");
    struct gen_file_writer *w = malloc(sizeof(*w));
    if (!w)
        return gen_nomem(err, "a file writer");
    *w = (struct gen_file_writer){.fd = -1, .path = strdup(path)};
    int rc = w->path ? open_target(w, err) : gen_nomem(err, "a path");
    if (rc != GEN_OK) {
        gen_file_writer_close(w);
        return rc;
    }
    *out = w;
    return GEN_OK;
}

static int write_fully(struct gen_file_writer *w, const char *data, size_t n, struct gen_error *err)
{
    while (n > 0) {
        ssize_t k = write(w->fd, data, n);
        if (k > 0) {
            data += k;
            n -= (size_t)k;
        } else if (k < 0 && errno == EAGAIN) {
            wait_for(w->fd, POLLOUT);
        } else if (k == 0 || errno != EINTR) {
            return fail_write(w, k == 0 ? ENOSPC : errno, err);
        }
    }
    return GEN_OK;
}

static int flush_buffer(struct gen_file_writer *w, struct gen_error *err)
{
    size_t n = w->n;
    w->n = 0;
    return write_fully(w, w->buffer, n, err);
}

int gen_file_writer_add(struct gen_file_writer *w, struct gen_str data, struct gen_error *err)
{
    if (w->failed_errno)
        return fail_write(w, w->failed_errno, err);
    if (w->committed)
        return gen_fail(err, GEN_ESTATE, "%s is already finished", w->path);
    if (data.n > WRITE_BUFFER_BYTES - w->n) {
        int rc = flush_buffer(w, err);
        if (rc != GEN_OK)
            return rc;
    }
    if (data.n >= WRITE_BUFFER_BYTES)
        return write_fully(w, data.p, data.n, err);
    if (data.n)
        memcpy(w->buffer + w->n, data.p, data.n);
    w->n += data.n;
    return GEN_OK;
}

bool gen_file_writer_is_whole(const struct gen_file_writer *w)
{
    return w->is_atomic;
}

/* Copies all of `old`, the file so far, behind what was written to w->fd, its successor. */
static int copy_old(struct gen_file_writer *w, int old, struct gen_error *err)
{
    off_t at = 0;
    for (;;) {
        ssize_t k = pread(old, w->buffer, WRITE_BUFFER_BYTES, at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return fail_write(w, errno, err);
        int rc = k ? write_fully(w, w->buffer, (size_t)k, err) : GEN_OK;
        if (rc != GEN_OK || k == 0)
            return rc;
        at += k;
    }
}

/* The file so far loses its name to its successor: whatever ends the process, one temporary file is
 * left at most, whose name says whose it was. */
static int succeed_old(struct gen_file_writer *w, int old, struct gen_str data,
                       struct gen_error *err)
{
    struct stat st;
    if (fstat(old, &st) != 0 || unlink(w->temp_path) != 0)
        return fail_write(w, errno, err);
    w->fd = open(w->temp_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w->fd < 0 || fchmod(w->fd, st.st_mode & 0777) != 0)
        return fail_write(w, errno, err);
    int rc = write_fully(w, data.p, data.n, err);
    return rc == GEN_OK ? copy_old(w, old, err) : rc;
}

int gen_file_writer_put_first(struct gen_file_writer *w, struct gen_str data, struct gen_error *err)
{
    if (!w->is_atomic || w->failed_errno)
        return gen_fail(err, GEN_ESTATE, "nothing can be put in front of %s", w->path);
    int rc = flush_buffer(w, err);
    if (rc != GEN_OK)
        return rc;
    int old = w->fd;
    w->fd = -1;
    rc = succeed_old(w, old, data, err);
    (void)close(old);
    return rc;
}

/* Pipes, terminals and some file systems cannot be synced, which is no failure. */
static bool cannot_sync(int sys_errno)
{
    return sys_errno == EINVAL || sys_errno == EROFS || sys_errno == ENOTSUP || sys_errno == ENOSYS;
}

static int close_fd(struct gen_file_writer *w)
{
    int fd = w->fd;
    w->fd = -1;
    /* On Linux the descriptor is gone also after EINTR. */
    return !w->owns_fd || close(fd) == 0 || errno == EINTR ? 0 : errno;
}

static int sync_folder(struct gen_file_writer *w, struct gen_error *err)
{
    char *dir = gen_str_dup(gen_path_dir(gen_str_from(w->final_path)));
    if (!dir)
        return gen_nomem(err, "a path");
    int rc = GEN_OK;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return GEN_OK; /* a folder that can be written but not read: nothing more can be done */
    if (fsync(fd) != 0 && !cannot_sync(errno))
        rc = fail_write(w, errno, err);
    (void)close(fd);
    return rc;
}

int gen_file_writer_commit(struct gen_file_writer *w, struct gen_error *err)
{
    if (w->failed_errno)
        return fail_write(w, w->failed_errno, err);
    if (w->committed)
        return GEN_OK;
    int rc = flush_buffer(w, err);
    if (rc != GEN_OK)
        return rc;
    if (fsync(w->fd) != 0 && !cannot_sync(errno))
        return fail_write(w, errno, err);
    int close_errno = close_fd(w);
    if (close_errno)
        return fail_write(w, close_errno, err);
    if (w->is_atomic) {
        if (rename(w->temp_path, w->final_path) != 0)
            return fail_write(w, errno, err);
        w->is_atomic = false; /* nothing to remove any more */
        rc = sync_folder(w, err);
    }
    w->committed = rc == GEN_OK;
    return rc;
}

void gen_file_writer_close(struct gen_file_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        (void)close_fd(w);
    if (w->is_atomic)
        (void)unlink(w->temp_path);
    free(w->path);
    free(w->final_path);
    free(w->temp_path);
    free(w);
}

int gen_file_write_all(const char *path, struct gen_str data, struct gen_error *err)
{
    struct gen_file_writer *w = NULL;
    int rc = gen_file_writer_open(&w, path, err);
    if (rc != GEN_OK)
        return rc;
    rc = gen_file_writer_add(w, data, err);
    if (rc == GEN_OK)
        rc = gen_file_writer_commit(w, err);
    gen_file_writer_close(w);
    return rc;
}
