#include "os/process.h"

#include "os/file.h"
#include "os/loop_int.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES_DEFAULT ((size_t)64 << 20)
#define ERRORS_BYTES_MAX     ((size_t)64 << 10)
#define GRACE_MS_DEFAULT     2000U
#define READ_BYTES           32768U
#define ENVIRONMENT_MAX      16384U
/* How long gen_process_free waits for a child that got SIGKILL, in steps of a millisecond. */
#define REAP_STEPS_MAX 1000U

enum stop_state {
    STOP_NONE = 0,
    STOP_ASKED,  /* SIGTERM was sent */
    STOP_FORCED, /* SIGKILL was sent */
};

/* One of the child's two outputs, read to its end. What is beyond the limit is read and dropped, so
 * that the child never hangs on a full pipe. */
struct outlet {
    uv_pipe_t uv;
    struct gen_buf text;
    bool is_open;
};

struct gen_process {
    struct gen_loop *loop;
    uv_process_t uv;
    uv_pipe_t in;
    struct outlet out, errors;
    struct gen_timer *timer; /* of the time limit, then of the graces */
    uv_write_t write;
    char *input; /* lives until it is written */
    bool in_is_open;
    unsigned n_handles; /* not closed yet; the last one frees this */
    pid_t pid;
    bool exited;
    enum stop_state stop;
    uint64_t grace_ms;
    uint64_t start_us;
    struct gen_process_end end;
    gen_process_fn *fn; /* NULL: nobody waits for the end any more */
    void *ud;
    char scratch[READ_BYTES];
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct gen_process *p = handle->data;
    if (--p->n_handles > 0)
        return;
    gen_buf_release(&p->out.text);
    gen_buf_release(&p->errors.text);
    free(p->input);
    free(p);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void close_input(struct gen_process *p)
{
    if (p->in_is_open)
        close_handle((uv_handle_t *)&p->in);
    p->in_is_open = false;
}

static void close_outlet(struct outlet *o)
{
    if (o->is_open)
        close_handle((uv_handle_t *)&o->uv);
    o->is_open = false;
}

/* Gives everything back; the memory goes when libuv has closed the last handle. */
static void release(struct gen_process *p)
{
    p->fn = NULL;
    gen_timer_free(p->timer);
    p->timer = NULL;
    close_input(p);
    close_outlet(&p->out);
    close_outlet(&p->errors);
    close_handle((uv_handle_t *)&p->uv);
}

static void end_if_over(struct gen_process *p)
{
    gen_process_fn *fn = p->fn;
    if (!fn || !p->exited || p->out.is_open || p->errors.is_open)
        return;
    p->end.output = gen_buf_str(&p->out.text);
    p->end.errors = gen_buf_str(&p->errors.text);
    p->end.elapsed_us = gen_loop_now_us() - p->start_us;
    p->fn = NULL;
    fn(p->ud, &p->end);
    release(p);
}

static void signal_group(const struct gen_process *p, int number)
{
    /* ESRCH: the whole group has ended by itself in the meantime. */
    (void)kill(-p->pid, number);
}

static void ask_to_stop(struct gen_process *p)
{
    if (p->stop != STOP_NONE || p->exited)
        return;
    p->stop = STOP_ASKED;
    signal_group(p, SIGTERM);
    gen_timer_start(p->timer, p->grace_ms, 0);
}

static void on_timer(void *ud)
{
    struct gen_process *p = ud;
    if (p->stop == STOP_NONE && !p->exited) {
        p->end.timed_out = true;
        ask_to_stop(p);
        return;
    }
    if (p->stop != STOP_FORCED) {
        p->stop = STOP_FORCED;
        signal_group(p, SIGKILL);
        gen_timer_start(p->timer, p->grace_ms, 0);
        return;
    }
    /* Whoever holds the pipes now has left the group; nothing that it writes is the child's. */
    close_outlet(&p->out);
    close_outlet(&p->errors);
    end_if_over(p);
}

static void on_exit_status(uv_process_t *uv, int64_t exit_status, int number)
{
    struct gen_process *p = uv->data;
    p->exited = true;
    p->end.exit_code = number ? -1 : (int)exit_status;
    p->end.signal = number;
    /* A write to a pipe that a grandchild holds and does not read would never end. */
    close_input(p);
    if (!p->fn)
        return;
    if (p->stop != STOP_NONE) {
        p->stop = STOP_FORCED;
        signal_group(p, SIGKILL);
    }
    gen_timer_start(p->timer, p->grace_ms, 0);
    end_if_over(p);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct gen_process *p = handle->data;
    *buf = uv_buf_init(p->scratch, READ_BYTES);
}

static void take_output(struct gen_process *p, struct outlet *o, struct gen_str piece)
{
    if (p->end.too_large || p->end.out_of_memory)
        return;
    size_t room = o->text.bytes_max - o->text.n;
    bool is_too_much = piece.n > room;
    if (gen_buf_add_str(&o->text, gen_str_sub(piece, 0, room), NULL) != GEN_OK) {
        p->end.out_of_memory = true;
        ask_to_stop(p);
    } else if (is_too_much && o == &p->out) {
        p->end.too_large = true;
        ask_to_stop(p);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct gen_process *p = stream->data;
    struct outlet *o = stream == (uv_stream_t *)&p->out.uv ? &p->out : &p->errors;
    if (n > 0)
        take_output(p, o, (struct gen_str){buf->base, (size_t)n});
    if (n >= 0)
        return;
    close_outlet(o);
    end_if_over(p);
}

static void on_written(uv_write_t *write, int status)
{
    /* A child that does not want all of its input (EPIPE) says what it has to say by its end. */
    (void)status;
    struct gen_process *p = write->data;
    free(p->input);
    p->input = NULL;
    close_input(p);
}

static void send_input(struct gen_process *p, size_t n)
{
    uv_buf_t buf = uv_buf_init(p->input, (unsigned)n);
    p->write.data = p;
    if (n == 0 || uv_write(&p->write, (uv_stream_t *)&p->in, &buf, 1, on_written) != 0)
        close_input(p);
}

/* ---- start ---- */

/* "NAME=value" has the name of "NAME=other". */
static bool is_same_variable(const char *a, const char *b)
{
    const char *end = strchr(a, '=');
    size_t n = end ? (size_t)(end - a) : strlen(a);
    return strncmp(a, b, n) == 0 && (b[n] == '=' || b[n] == '\0');
}

static bool is_given(const char *const *given, const char *variable)
{
    for (; given && *given; given++) {
        if (is_same_variable(*given, variable))
            return true;
    }
    return false;
}

/* The views stay good for uv_spawn, which copies the process. NULL when memory ends. */
static const char **make_environment(const char *const *given)
{
    size_t n = 1;
    for (char *const *v = environ; *v && n < ENVIRONMENT_MAX; v++)
        n++;
    for (const char *const *v = given; v && *v && n < 2 * ENVIRONMENT_MAX; v++)
        n++;
    const char **out = calloc(n, sizeof(*out));
    if (!out)
        return NULL;
    size_t used = 0;
    for (const char *const *v = given; v && *v && used + 1 < n; v++) {
        if (strchr(*v, '='))
            out[used++] = *v;
    }
    for (char *const *v = environ; *v && used + 1 < n; v++) {
        if (!is_given(given, *v))
            out[used++] = *v;
    }
    return out;
}

static int fail_start(struct gen_error *err, int status, const char *program)
{
    switch (status) {
    case UV_ENOMEM:
        return gen_nomem(err, "a child process");
    case UV_ENOENT:
        return gen_fail(err, GEN_EINPUT, "there is no program %s", program);
    case UV_EACCES:
    case UV_ENOTDIR:
    case UV_ELOOP:
    case UV_ENOTSUP:
    case -ENOEXEC:
        return gen_fail_errno(err, GEN_EINPUT, -status, "%s cannot be executed", program);
    case UV_E2BIG:
        return gen_fail(err, GEN_ELIMIT,
                        "the arguments of %s are too long for this system; shorten the prompt's "
                        "stable part or the schema",
                        program);
    default:
        return gen_fail_errno(err, GEN_EIO, -status, "cannot start %s", program);
    }
}

/* Handles are closed by libuv in a later turn, so that from here on only release() may free. */
static void init_handles(struct gen_process *p)
{
    uv_loop_t *uv = gen_loop_uv(p->loop);
    /* These cannot fail: they only set up the structures. */
    (void)uv_pipe_init(uv, &p->in, 0);
    (void)uv_pipe_init(uv, &p->out.uv, 0);
    (void)uv_pipe_init(uv, &p->errors.uv, 0);
    p->in.data = p->out.uv.data = p->errors.uv.data = p->uv.data = p;
    p->in_is_open = p->out.is_open = p->errors.is_open = true;
    p->n_handles = 4;
}

static int spawn(struct gen_process *p, const struct gen_process_options *options,
                 struct gen_error *err)
{
    const char **environment = make_environment(options->environment);
    /* execve wants char *const[] and changes nothing. */
    union {
        const char *const *in;
        char **out;
    } args = {.in = options->argv}, variables = {.in = environment};
    if (!environment)
        return gen_nomem(err, "an environment");
    uv_stdio_container_t stdio[3] = {
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_READABLE_PIPE),
         .data.stream = (uv_stream_t *)&p->in},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&p->out.uv},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&p->errors.uv},
    };
    /* Detached: a session of its own, hence a group that can be signaled as a whole, and no
     * Ctrl-C from our terminal. */
    const uv_process_options_t how = {
        .exit_cb = on_exit_status,
        .file = options->argv[0],
        .args = args.out,
        .env = variables.out,
        .cwd = options->cwd,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int status = uv_spawn(gen_loop_uv(p->loop), &p->uv, &how);
    free(environment);
    if (status != 0)
        return fail_start(err, status, options->argv[0]);
    p->pid = uv_process_get_pid(&p->uv);
    return GEN_OK;
}

static int check_options(const struct gen_process_options *o, struct gen_error *err)
{
    if (o->input.n > UINT32_MAX / 2)
        return gen_fail(err, GEN_ELIMIT, "the input of %s is over 2 GB", o->argv[0]);
    /* libuv reports a missing folder and a missing program alike. */
    if (o->cwd && gen_file_kind(o->cwd) != GEN_FILE_DIRECTORY)
        return gen_fail(err, GEN_EIO, "there is no folder %s to run %s in", o->cwd, o->argv[0]);
    return GEN_OK;
}

int gen_process_start(struct gen_process **out, struct gen_loop *loop,
                      const struct gen_process_options *options, gen_process_fn *fn, void *ud,
                      struct gen_error *err)
{
    int rc = check_options(options, err);
    if (rc)
        return rc;
    struct gen_process *p = calloc(1, sizeof(*p));
    if (!p)
        return gen_nomem(err, "a child process");
    p->loop = loop;
    p->grace_ms = options->grace_ms ? options->grace_ms : GRACE_MS_DEFAULT;
    p->start_us = gen_loop_now_us();
    p->out.text =
        gen_buf_make(options->output_bytes_max ? options->output_bytes_max : OUTPUT_BYTES_DEFAULT);
    p->errors.text = gen_buf_make(ERRORS_BYTES_MAX);
    p->input = options->input.n ? malloc(options->input.n) : NULL;
    if (options->input.n && !p->input) {
        free(p);
        return gen_nomem(err, "the input of a child process");
    }
    if (p->input)
        memcpy(p->input, options->input.p, options->input.n);
    rc = gen_timer_new(&p->timer, loop, on_timer, p, err);
    if (rc) {
        free(p->input);
        free(p);
        return rc;
    }
    init_handles(p);
    rc = spawn(p, options, err);
    if (rc) {
        release(p);
        return rc;
    }
    p->fn = fn;
    p->ud = ud;
    /* A pipe that was just made can be read. */
    (void)uv_read_start((uv_stream_t *)&p->out.uv, on_alloc, on_read);
    (void)uv_read_start((uv_stream_t *)&p->errors.uv, on_alloc, on_read);
    if (options->timeout_ms)
        gen_timer_start(p->timer, options->timeout_ms, 0);
    send_input(p, options->input.n);
    *out = p;
    return GEN_OK;
}

void gen_process_cancel(struct gen_process *p)
{
    if (p->exited || p->stop != STOP_NONE)
        return;
    p->end.canceled = true;
    ask_to_stop(p);
}

/* libuv reaps only children whose handle is open, and only while the loop runs. */
static void reap(pid_t pid)
{
    const struct timespec step = {.tv_nsec = 1000000};
    for (unsigned i = 0; i < REAP_STEPS_MAX; i++) {
        pid_t got = waitpid(pid, NULL, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return;
        (void)nanosleep(&step, NULL);
    }
}

void gen_process_free(struct gen_process *p)
{
    if (!p || !p->fn)
        return;
    if (!p->exited) {
        signal_group(p, SIGKILL);
        reap(p->pid);
    }
    release(p);
}

/* ---- find ---- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Puts dir/name into `path`, absolute: the child may run in another folder. */
static int make_path(struct gen_buf *path, struct gen_str dir, const char *name,
                     struct gen_error *err)
{
    gen_buf_clear(path);
    int rc = GEN_OK;
    if (dir.n && dir.p[0] == '~') {
        rc = gen_buf_add_c(path, getenv("HOME"), err);
        dir = gen_str_sub(dir, 1, dir.n);
    } else if (dir.n == 0 || dir.p[0] != '/') {
        char *here = getcwd(NULL, 0);
        rc = here ? gen_buf_add_c(path, here, err)
                  : gen_fail_errno(err, GEN_EIO, errno, "cannot tell the working folder");
        free(here);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(path, '/', err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_add_str(path, dir, err);
    if (rc == GEN_OK && path->n && path->data[path->n - 1] != '/')
        rc = gen_buf_add_char(path, '/', err);
    return rc ? rc : gen_buf_add_c(path, name, err);
}

static int try_dir(struct gen_buf *path, struct gen_str dir, const char *name, bool *found,
                   struct gen_error *err)
{
    if (dir.n && dir.p[0] == '~' && !getenv("HOME"))
        return GEN_OK;
    int rc = make_path(path, dir, name, err);
    if (rc == GEN_OK && is_program(path->data))
        *found = true;
    return rc;
}

int gen_process_find(const char *name, const char *const *dirs, struct gen_buf *path, bool *found,
                     struct gen_error *err)
{
    struct gen_buf candidate = gen_buf_make(65536);
    struct gen_str rest = gen_str_from(getenv("PATH"));
    bool has = false;
    int rc = GEN_OK;
    /* An empty part of PATH is the working folder. */
    while (rc == GEN_OK && !has && rest.p) {
        size_t n = gen_str_find(rest, GEN_STR(":"), 0);
        rc = try_dir(&candidate, gen_str_sub(rest, 0, n), name, &has, err);
        rest = n == SIZE_MAX ? (struct gen_str){NULL, 0} : gen_str_sub(rest, n + 1, rest.n);
    }
    for (; rc == GEN_OK && !has && dirs && *dirs; dirs++)
        rc = try_dir(&candidate, gen_str_from(*dirs), name, &has, err);
    if (rc == GEN_OK && has)
        rc = gen_buf_add_str(path, gen_buf_str(&candidate), err);
    if (rc == GEN_OK)
        *found = has;
    gen_buf_release(&candidate);
    return rc;
}
