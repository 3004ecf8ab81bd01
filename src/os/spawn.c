#include "os/spawn.h"

#include "os/file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 16384U
/* How long gen_spawned_kill waits for a child that got SIGKILL, in steps of a millisecond. */
#define REAP_STEPS_MAX 1000U

static void on_handle_closed(uv_handle_t *handle)
{
    struct gen_spawned *s = handle->data;
    if (--s->n_handles == 0)
        s->fns->on_gone(s->ud);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

void gen_spawned_close_input(struct gen_spawned *s)
{
    if (s->in_is_open)
        close_handle((uv_handle_t *)&s->in);
    s->in_is_open = false;
}

static void close_outlet(struct gen_outlet *o)
{
    if (o->is_open)
        close_handle((uv_handle_t *)&o->uv);
    o->is_open = false;
}

void gen_spawned_release(struct gen_spawned *s)
{
    s->is_watched = false;
    gen_timer_free(s->timer);
    s->timer = NULL;
    gen_spawned_close_input(s);
    close_outlet(&s->out);
    close_outlet(&s->errors);
    if (s->has_process)
        close_handle((uv_handle_t *)&s->uv);
}

static void end_if_over(struct gen_spawned *s)
{
    if (!s->is_watched || !s->exited || s->out.is_open || s->errors.is_open)
        return;
    s->is_watched = false;
    s->fns->on_over(s->ud);
}

static void signal_group(const struct gen_spawned *s, int number)
{
    /* ESRCH: the whole group has ended by itself in the meantime. */
    (void)kill(-s->pid, number);
}

void gen_spawned_stop(struct gen_spawned *s)
{
    if (s->stop != GEN_STOP_NONE || s->exited)
        return;
    s->stop = GEN_STOP_ASKED;
    signal_group(s, SIGTERM);
    gen_timer_start(s->timer, s->grace_ms, 0);
}

void gen_spawned_deadline(struct gen_spawned *s, uint64_t ms)
{
    if (s->stop == GEN_STOP_NONE && !s->exited)
        gen_timer_start(s->timer, ms, 0);
}

static void on_timer(void *ud)
{
    struct gen_spawned *s = ud;
    if (s->stop == GEN_STOP_NONE && !s->exited) {
        s->fns->on_deadline(s->ud);
        return;
    }
    if (s->stop != GEN_STOP_FORCED) {
        s->stop = GEN_STOP_FORCED;
        signal_group(s, SIGKILL);
        gen_timer_start(s->timer, s->grace_ms, 0);
        return;
    }
    /* Whoever holds the pipes now has left the group; nothing that it writes is the child's. */
    close_outlet(&s->out);
    close_outlet(&s->errors);
    end_if_over(s);
}

static void on_exit_status(uv_process_t *uv, int64_t exit_status, int number)
{
    struct gen_spawned *s = uv->data;
    s->exited = true;
    s->exit_code = number ? -1 : (int)exit_status;
    s->signal = number;
    /* A write to a pipe that a grandchild holds and does not read would never end. */
    gen_spawned_close_input(s);
    if (!s->is_watched)
        return;
    if (s->stop != GEN_STOP_NONE) {
        s->stop = GEN_STOP_FORCED;
        signal_group(s, SIGKILL);
    }
    gen_timer_start(s->timer, s->grace_ms, 0);
    end_if_over(s);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct gen_spawned *s = handle->data;
    *buf = uv_buf_init(s->scratch, GEN_SPAWN_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct gen_spawned *s = stream->data;
    bool is_errors = stream == (uv_stream_t *)&s->errors.uv;
    if (n > 0)
        s->fns->on_piece(s->ud, is_errors, (struct gen_str){buf->base, (size_t)n});
    if (n >= 0)
        return;
    close_outlet(is_errors ? &s->errors : &s->out);
    if (!is_errors && s->is_watched && s->fns->on_output_end)
        s->fns->on_output_end(s->ud);
    end_if_over(s);
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
static const char **make_environment(const char *const *given, const char *const *inherited)
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
        if (!is_given(given, *v) && (!inherited || is_given(inherited, *v)))
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

int gen_spawned_init(struct gen_spawned *s, struct gen_loop *loop,
                     const struct gen_spawned_fns *fns, void *ud, struct gen_error *err)
{
    s->loop = loop;
    s->fns = fns;
    s->ud = ud;
    int rc = gen_timer_new(&s->timer, loop, on_timer, s, err);
    if (rc)
        return rc;
    uv_loop_t *uv = gen_loop_uv(loop);
    /* These cannot fail: they only set up the structures. */
    (void)uv_pipe_init(uv, &s->in, 0);
    (void)uv_pipe_init(uv, &s->out.uv, 0);
    (void)uv_pipe_init(uv, &s->errors.uv, 0);
    s->in.data = s->out.uv.data = s->errors.uv.data = s->uv.data = s;
    s->in_is_open = s->out.is_open = s->errors.is_open = true;
    s->n_handles = 3;
    return GEN_OK;
}

static int spawn(struct gen_spawned *s, const struct gen_spawn_options *options,
                 struct gen_error *err)
{
    const char **environment = make_environment(options->environment, options->inherited);
    /* execve wants char *const[] and changes nothing. */
    union {
        const char *const *in;
        char **out;
    } args = {.in = options->argv}, variables = {.in = environment};
    if (!environment)
        return gen_nomem(err, "an environment");
    uv_stdio_container_t stdio[3] = {
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_READABLE_PIPE),
         .data.stream = (uv_stream_t *)&s->in},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&s->out.uv},
        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
         .data.stream = (uv_stream_t *)&s->errors.uv},
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
    /* uv_spawn sets the handle up also when it fails. */
    s->has_process = true;
    s->n_handles++;
    int status = uv_spawn(gen_loop_uv(s->loop), &s->uv, &how);
    free(environment);
    if (status != 0)
        return fail_start(err, status, options->argv[0]);
    s->pid = uv_process_get_pid(&s->uv);
    return GEN_OK;
}

int gen_spawned_start(struct gen_spawned *s, const struct gen_spawn_options *options,
                      struct gen_error *err)
{
    /* libuv reports a missing folder and a missing program alike. */
    if (options->cwd && gen_file_kind(options->cwd) != GEN_FILE_DIRECTORY)
        return gen_fail(err, GEN_EIO, "there is no folder %s to run %s in", options->cwd,
                        options->argv[0]);
    s->grace_ms = options->grace_ms;
    int rc = spawn(s, options, err);
    if (rc)
        return rc;
    s->is_watched = true;
    /* A pipe that was just made can be read. */
    (void)uv_read_start((uv_stream_t *)&s->out.uv, on_alloc, on_read);
    (void)uv_read_start((uv_stream_t *)&s->errors.uv, on_alloc, on_read);
    return GEN_OK;
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

void gen_spawned_kill(struct gen_spawned *s)
{
    if (s->exited || s->pid <= 0)
        return;
    signal_group(s, SIGKILL);
    reap(s->pid);
}
