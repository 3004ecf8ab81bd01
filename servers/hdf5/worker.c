#include "worker.h"

#include "base/utf8.h"
#include "lockin.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX ((size_t)8 << 20)
#define END_MS            2000 /* that a worker has to close its file */

struct frame {
    uint32_t n;
    uint32_t kind;
};

uint64_t hds_now_ms(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool send_all(int fd, const void *data, size_t n)
{
    const char *p = data;
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool send_frame(int fd, uint32_t kind, struct gen_str s)
{
    struct frame head = {(uint32_t)s.n, kind};
    return s.n <= UINT32_MAX && send_all(fd, &head, sizeof(head)) && send_all(fd, s.p, s.n);
}

/* 1: all there; 0: the other end is gone; -1: the time is over. */
static int receive_all(int fd, void *data, size_t n, uint64_t deadline_ms)
{
    char *p = data;
    while (n) {
        if (deadline_ms) {
            uint64_t now = hds_now_ms();
            struct pollfd wait = {fd, POLLIN, 0};
            int ready = now < deadline_ms ? poll(&wait, 1, (int)(deadline_ms - now)) : 0;
            if (ready < 0 && errno == EINTR)
                continue;
            if (ready == 0)
                return -1;
        }
        ssize_t got = recv(fd, p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return 0;
        p += got;
        n -= (size_t)got;
    }
    return 1;
}

/* The child's side. */

struct child {
    int fd;
    struct hds_file file;
    struct gen_jb *jb;
    struct gen_buf request;
    struct gen_buf answer;
};

static void tell_progress(void *ud, uint64_t done, uint64_t total)
{
    const struct child *c = ud;
    const uint64_t numbers[2] = {done, total};
    (void)send_frame(c->fd, HDS_REPLY_PROGRESS,
                     (struct gen_str){(const char *)numbers, sizeof(numbers)});
}

static int run_tool(struct child *c, struct gen_str tool, struct gen_str args,
                    struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    hds_tool_fn *run = hds_tool_find(tool);
    if (!run)
        return gen_fail(err, GEN_ESTATE, "no tool %.*s", GEN_STR_ARG(tool));
    int rc = gen_json_parse(&doc, args, err);
    if (rc == GEN_OK)
        rc = gen_jb_begin_again(c->jb, err);
    if (rc == GEN_OK) {
        struct hds_call call = {.file = &c->file,
                                .args = gen_json_root(doc),
                                .jb = c->jb,
                                .out = gen_jb_object(c->jb),
                                .progress = tell_progress,
                                .ud = c};
        rc = run(&call, err);
        if (rc == GEN_OK)
            rc = gen_jb_write(c->jb, call.out, GEN_JSON_COMPACT, &c->answer, err);
    }
    (void)H5Eclear2(H5E_DEFAULT);
    gen_json_doc_free(doc);
    return rc;
}

/* One request: the tool's name, a new line, the arguments. */
static bool serve(struct child *c, struct gen_str request)
{
    struct gen_error err;
    const char *end = memchr(request.p, '\n', request.n);
    size_t n = end ? (size_t)(end - request.p) : request.n;
    gen_buf_clear(&c->answer);
    int rc = run_tool(c, gen_str_sub(request, 0, n), gen_str_sub(request, n + 1, SIZE_MAX), &err);
    if (rc == GEN_OK)
        return send_frame(c->fd, HDS_REPLY_RESULT, gen_buf_str(&c->answer));
    gen_buf_clear(&c->answer);
    /* A message may quote names from the file, cut anywhere. */
    if (gen_utf8_clean(&c->answer, gen_str_from(err.msg), NULL, NULL))
        return false;
    return send_frame(c->fd, HDS_REPLY_ERROR, gen_buf_str(&c->answer));
}

static bool next_request(struct child *c)
{
    struct frame head;
    if (receive_all(c->fd, &head, sizeof(head), 0) != 1 || head.n > REQUEST_BYTES_MAX)
        return false;
    gen_buf_clear(&c->request);
    if (gen_buf_reserve(&c->request, (size_t)head.n + 1, NULL) ||
        receive_all(c->fd, c->request.data, head.n, 0) != 1)
        return false;
    c->request.n = head.n;
    return true;
}

static int child_main(int fd, const struct hds_roots *roots, const struct hds_limits *limits)
{
    struct gen_error err;
    struct child c = {.fd = fd,
                      .file = {.id = H5I_INVALID_HID,
                               .lapl = H5I_INVALID_HID,
                               .dapl = H5I_INVALID_HID,
                               .roots = roots,
                               .limits = *limits},
                      .request = gen_buf_make(REQUEST_BYTES_MAX + 2),
                      .answer = gen_buf_make(HDS_ANSWER_BYTES_MAX)};
    hds_limit_process();
    (void)hds_lock_in(roots, limits->writable);
    if (hds_h5_start(&err) || gen_jb_new(&c.jb, &err)) {
        (void)send_frame(fd, HDS_REPLY_ERROR, gen_str_from(err.msg));
        return 1;
    }
    while (next_request(&c)) {
        if (!serve(&c, gen_buf_str(&c.request)))
            break;
    }
    hds_file_close(&c.file);
    return 0;
}

/* The child must neither read the server's requests nor write among its answers, nor hold the
 * sockets of other workers. Its own socket becomes number 3. */
static void keep_only(int fd)
{
    /* A crash must end the child, whatever handlers the parent has. */
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
        (void)signal(deadly[i], SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
    }
    if (fd != 3)
        (void)dup2(fd, 3);
    (void)close_range(4, ~0U, 0);
}

/* The server's side. */

int hds_worker_start(struct hds_worker *w, const struct hds_roots *roots,
                     const struct hds_limits *limits, struct gen_error *err)
{
    int pair[2];
    pid_t parent = getpid();
    *w = (struct hds_worker){0, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return gen_fail_errno(err, GEN_EIO, errno, "a worker process");
    pid_t pid = fork();
    if (pid < 0) {
        int why = errno;
        (void)close(pair[0]);
        (void)close(pair[1]);
        return gen_fail_errno(err, GEN_EIO, why, "a worker process");
    }
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        keep_only(pair[1]);
        _exit(child_main(3, roots, limits));
    }
    (void)close(pair[1]);
    w->pid = pid;
    w->fd = pair[0];
    return GEN_OK;
}

int hds_worker_send(struct hds_worker *w, struct gen_str tool, struct gen_str args,
                    struct gen_error *err)
{
    struct frame head = {(uint32_t)(tool.n + 1 + args.n), 0};
    if (tool.n + 1 + args.n > REQUEST_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "the arguments are larger than %zu bytes",
                        REQUEST_BYTES_MAX);
    if (!send_all(w->fd, &head, sizeof(head)) || !send_all(w->fd, tool.p, tool.n) ||
        !send_all(w->fd, "\n", 1) || !send_all(w->fd, args.p, args.n))
        return gen_fail(err, GEN_EIO, "the worker process is gone");
    return GEN_OK;
}

/* Waits for the end at most END_MS, then kills. */
static int reap(pid_t pid)
{
    int status = 0;
    uint64_t deadline = hds_now_ms() + END_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct timespec pause = {0, 1000000};
        if (hds_now_ms() >= deadline) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    return status;
}

void hds_worker_stop(struct hds_worker *w)
{
    if (w->pid <= 0)
        return;
    (void)close(w->fd);
    (void)reap(w->pid);
    *w = (struct hds_worker){0, -1};
}

static int bury(struct hds_worker *w, int got, struct gen_buf *answer, enum hds_reply *reply,
                struct gen_error *err)
{
    *reply = got < 0 ? HDS_REPLY_TIMEOUT : HDS_REPLY_DIED;
    if (got < 0)
        (void)kill(w->pid, SIGKILL);
    (void)close(w->fd);
    int status = reap(w->pid);
    *w = (struct hds_worker){0, -1};
    gen_buf_clear(answer);
    if (WIFSIGNALED(status))
        return gen_buf_printf(answer, err, "signal %d", WTERMSIG(status));
    return gen_buf_printf(answer, err, "exit status %d", WEXITSTATUS(status));
}

int hds_worker_receive(struct hds_worker *w, int timeout_ms,
                       const struct hds_progress_sink *progress, struct gen_buf *answer,
                       enum hds_reply *reply, struct gen_error *err)
{
    for (;;) {
        struct frame head = {0, 0};
        uint64_t deadline = hds_now_ms() + (uint64_t)timeout_ms;
        int got = receive_all(w->fd, &head, sizeof(head), deadline);
        if (got != 1 || head.n > HDS_ANSWER_BYTES_MAX)
            return bury(w, got, answer, reply, err);
        gen_buf_clear(answer);
        int rc = gen_buf_reserve(answer, (size_t)head.n + 1, err);
        if (rc)
            return rc;
        got = receive_all(w->fd, answer->data, head.n, deadline);
        if (got != 1)
            return bury(w, got, answer, reply, err);
        answer->n = head.n;
        answer->data[head.n] = '\0';
        if (head.kind == HDS_REPLY_PROGRESS) {
            uint64_t numbers[2] = {0, 0};
            memcpy(numbers, answer->data, head.n < sizeof(numbers) ? head.n : sizeof(numbers));
            if (progress && progress->take)
                progress->take(progress->ud, numbers[0], numbers[1]);
            continue;
        }
        *reply = head.kind == HDS_REPLY_RESULT ? HDS_REPLY_RESULT : HDS_REPLY_ERROR;
        return GEN_OK;
    }
}
