#include "os/process.h"

#include "os/file.h"
#include "os/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_BYTES_DEFAULT ((size_t)64 << 20)
#define ERRORS_BYTES_MAX     ((size_t)64 << 10)
#define GRACE_MS_DEFAULT     2000U

struct gen_process {
    struct gen_spawned child;
    /* Read to their ends. What is beyond the limit is dropped, so that the child never hangs on a
     * full pipe. */
    struct gen_buf output, errors;
    uv_write_t write;
    char *input; /* lives until it is written */
    uint64_t start_us;
    struct gen_process_end end;
    gen_process_fn *fn; /* NULL: nobody waits for the end any more */
    void *ud;
};

static void on_gone(void *ud)
{
    struct gen_process *p = ud;
    gen_buf_release(&p->output);
    gen_buf_release(&p->errors);
    free(p->input);
    free(p);
}

static void on_over(void *ud)
{
    struct gen_process *p = ud;
    gen_process_fn *fn = p->fn;
    p->end.exit_code = p->child.exit_code;
    p->end.signal = p->child.signal;
    p->end.output = gen_buf_str(&p->output);
    p->end.errors = gen_buf_str(&p->errors);
    p->end.elapsed_us = gen_loop_now_us() - p->start_us;
    p->fn = NULL;
    fn(p->ud, &p->end);
    gen_spawned_release(&p->child);
}

static void on_deadline(void *ud)
{
    struct gen_process *p = ud;
    p->end.timed_out = true;
    gen_spawned_stop(&p->child);
}

static void on_piece(void *ud, bool is_errors, struct gen_str piece)
{
    struct gen_process *p = ud;
    struct gen_buf *text = is_errors ? &p->errors : &p->output;
    if (p->end.too_large || p->end.out_of_memory)
        return;
    size_t room = text->bytes_max - text->n;
    bool is_too_much = piece.n > room;
    if (gen_buf_add_str(text, gen_str_sub(piece, 0, room), NULL) != GEN_OK) {
        p->end.out_of_memory = true;
        gen_spawned_stop(&p->child);
    } else if (is_too_much && !is_errors) {
        p->end.too_large = true;
        gen_spawned_stop(&p->child);
    }
}

static const struct gen_spawned_fns process_fns = {
    .on_piece = on_piece,
    .on_deadline = on_deadline,
    .on_over = on_over,
    .on_gone = on_gone,
};

static void on_written(uv_write_t *write, int status)
{
    /* A child that does not want all of its input (EPIPE) says what it has to say by its end. */
    (void)status;
    struct gen_process *p = write->data;
    free(p->input);
    p->input = NULL;
    gen_spawned_close_input(&p->child);
}

static void send_input(struct gen_process *p, size_t n)
{
    uv_buf_t buf = uv_buf_init(p->input, (unsigned)n);
    p->write.data = p;
    if (n == 0 || uv_write(&p->write, (uv_stream_t *)&p->child.in, &buf, 1, on_written) != 0)
        gen_spawned_close_input(&p->child);
}

static int check_options(const struct gen_process_options *o, struct gen_error *err)
{
    if (o->input.n > UINT32_MAX / 2)
        return gen_fail(err, GEN_ELIMIT, "the input of %s is over 2 GB", o->argv[0]);
    return GEN_OK;
}

static int copy_input(struct gen_process *p, struct gen_str input, struct gen_error *err)
{
    if (input.n == 0)
        return GEN_OK;
    p->input = malloc(input.n);
    if (!p->input)
        return gen_nomem(err, "the input of a child process");
    memcpy(p->input, input.p, input.n);
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
    p->start_us = gen_loop_now_us();
    p->output =
        gen_buf_make(options->output_bytes_max ? options->output_bytes_max : OUTPUT_BYTES_DEFAULT);
    p->errors = gen_buf_make(ERRORS_BYTES_MAX);
    rc = copy_input(p, options->input, err);
    if (rc == GEN_OK)
        rc = gen_spawned_init(&p->child, loop, &process_fns, p, err);
    if (rc) {
        free(p->input);
        free(p);
        return rc;
    }
    rc = gen_spawned_start(&p->child,
                           &(struct gen_spawn_options){
                               .argv = options->argv,
                               .environment = options->environment,
                               .cwd = options->cwd,
                               .grace_ms = options->grace_ms ? options->grace_ms : GRACE_MS_DEFAULT,
                           },
                           err);
    if (rc) {
        gen_spawned_release(&p->child);
        return rc;
    }
    p->fn = fn;
    p->ud = ud;
    if (options->timeout_ms)
        gen_spawned_deadline(&p->child, options->timeout_ms);
    send_input(p, options->input.n);
    *out = p;
    return GEN_OK;
}

void gen_process_cancel(struct gen_process *p)
{
    if (p->child.exited || p->child.stop != GEN_STOP_NONE)
        return;
    p->end.canceled = true;
    gen_spawned_stop(&p->child);
}

void gen_process_free(struct gen_process *p)
{
    if (!p || !p->fn)
        return;
    p->fn = NULL;
    gen_spawned_kill(&p->child);
    gen_spawned_release(&p->child);
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
