#include "os/spool.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define WRITE_BUFFER_BYTES ((size_t)256 << 10)
/* One read serves many rows when they are taken in order. */
#define READ_BUFFER_BYTES ((size_t)128 << 10)

struct gen_spool {
    int fd;
    uint64_t n_written; /* in the file; the buffer comes behind it */
    size_t n_buffered;
    uint64_t window_at; /* what `window` holds */
    size_t n_window;
    uint64_t next_at; /* behind what was read last: a read there is one in order */
    char buffer[WRITE_BUFFER_BYTES];
    char window[READ_BUFFER_BYTES];
};

/* File systems without O_TMPFILE (NFS, overlays of old kernels) get a name for a moment. */
static int open_unnamed(const char *folder, struct gen_error *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    struct gen_buf name = gen_buf_make(8192);
    if (gen_path_join(&name, gen_str_from(folder), GEN_STR(".generator-spool-XXXXXX"), err))
        return -1;
    fd = mkostemp(name.data, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(name.data);
    else
        (void)gen_fail_errno(err, GEN_EIO, errno, "cannot make a temporary file in %s", folder);
    gen_buf_release(&name);
    return fd;
}

int gen_spool_open(struct gen_spool **out, const char *near_path, struct gen_error *err)
{
    struct gen_spool *s = malloc(sizeof(*s));
    const char *temp = getenv("TMPDIR");
    bool is_stream = strcmp(near_path, "-") == 0;
    struct gen_str where = gen_path_dir(gen_str_from(near_path));
    if (is_stream)
        where = temp && *temp ? gen_str_from(temp) : GEN_STR("/tmp");
    char *folder = gen_str_dup(where);
    if (!s || !folder) {
        free(s);
        free(folder);
        return gen_nomem(err, "a temporary file");
    }
    s->n_written = 0;
    s->n_buffered = 0;
    s->window_at = 0;
    s->n_window = 0;
    s->next_at = 0;
    s->fd = open_unnamed(folder, err);
    free(folder);
    if (s->fd < 0) {
        free(s);
        return GEN_EIO;
    }
    *out = s;
    return GEN_OK;
}

static int flush(struct gen_spool *s, struct gen_error *err)
{
    size_t done = 0;
    while (done < s->n_buffered) {
        ssize_t k =
            pwrite(s->fd, s->buffer + done, s->n_buffered - done, (off_t)(s->n_written + done));
        if (k > 0)
            done += (size_t)k;
        else if (k == 0 || errno != EINTR)
            return gen_fail_errno(err, GEN_EIO, k == 0 ? ENOSPC : errno,
                                  "cannot write the temporary file of the rows");
    }
    s->n_written += done;
    s->n_buffered = 0;
    return GEN_OK;
}

int gen_spool_add(struct gen_spool *s, struct gen_str data, struct gen_error *err)
{
    while (data.n) {
        size_t room = WRITE_BUFFER_BYTES - s->n_buffered;
        size_t n = data.n < room ? data.n : room;
        memcpy(s->buffer + s->n_buffered, data.p, n);
        s->n_buffered += n;
        data = gen_str_sub(data, n, data.n - n);
        int rc = s->n_buffered == WRITE_BUFFER_BYTES ? flush(s, err) : GEN_OK;
        if (rc)
            return rc;
    }
    return GEN_OK;
}

uint64_t gen_spool_bytes(const struct gen_spool *s)
{
    return s->n_written + s->n_buffered;
}

static int read_fully(struct gen_spool *s, uint64_t at, char *to, size_t n, struct gen_error *err)
{
    while (n) {
        ssize_t k = pread(s->fd, to, n, (off_t)at);
        if (k > 0) {
            to += k;
            at += (uint64_t)k;
            n -= (size_t)k;
        } else if (k == 0 || errno != EINTR) {
            return gen_fail_errno(err, GEN_EIO, k == 0 ? EIO : errno,
                                  "cannot read the temporary file of the rows");
        }
    }
    return GEN_OK;
}

int gen_spool_read(struct gen_spool *s, uint64_t offset, size_t n, struct gen_buf *out,
                   struct gen_error *err)
{
    if (offset > gen_spool_bytes(s) || n > gen_spool_bytes(s) - offset)
        return gen_fail(err, GEN_ESTATE,
                        "bytes of a temporary file are read that it does not have");
    int rc = s->n_buffered ? flush(s, err) : GEN_OK;
    if (rc == GEN_OK)
        rc = gen_buf_reserve(out, n, err);
    if (rc)
        return rc;
    bool in_order = offset == s->next_at;
    bool in_window = offset >= s->window_at && offset + n <= s->window_at + s->n_window;
    s->next_at = offset + n;
    if (in_order && !in_window && n <= READ_BUFFER_BYTES) {
        uint64_t left = s->n_written - offset;
        s->n_window = 0;
        rc = read_fully(s, offset, s->window,
                        left < READ_BUFFER_BYTES ? (size_t)left : READ_BUFFER_BYTES, err);
        if (rc)
            return rc;
        s->window_at = offset;
        s->n_window = left < READ_BUFFER_BYTES ? (size_t)left : READ_BUFFER_BYTES;
        in_window = true;
    }
    if (in_window) {
        return gen_buf_add(out, s->window + (offset - s->window_at), n, err);
    }
    rc = read_fully(s, offset, out->data + out->n, n, err);
    if (rc == GEN_OK) {
        out->n += n;
        out->data[out->n] = '\0';
    }
    return rc;
}

void gen_spool_close(struct gen_spool *s)
{
    if (!s)
        return;
    (void)close(s->fd);
    free(s);
}
