#include "os/child.h"

#include "base/num.h"
#include "os/spawn.h"

#include <stdlib.h>

#define LINE_BYTES_DEFAULT  ((size_t)64 << 20)
#define QUEUE_BYTES_DEFAULT ((size_t)64 << 20)
#define WAIT_MS_DEFAULT     2000U
#define ERRORS_BYTES_MAX    4096U

struct gen_child {
    struct gen_spawned child;
    struct gen_buf line; /* the line that is not whole yet */
    bool line_is_cut;
    char errors[2 * ERRORS_BYTES_MAX];
    size_t n_errors;
    size_t n_queued;
    size_t queue_bytes_max;
    uint64_t close_ms;
    bool is_closing;
    uv_shutdown_t shutdown;
    gen_child_line_fn *on_line; /* NULL: freed */
    gen_child_end_fn *on_end;
    void *ud;
};

/* A line on its way; the text follows. */
struct queued_line {
    uv_write_t write;
    struct gen_child *child;
    size_t n;
    char text[];
};

static void on_gone(void *ud)
{
    struct gen_child *c = ud;
    gen_buf_release(&c->line);
    free(c);
}

struct gen_str gen_child_errors(const struct gen_child *c)
{
    struct gen_str all = {c->errors, c->n_errors};
    if (all.n <= ERRORS_BYTES_MAX)
        return all;
    all = gen_str_sub(all, all.n - ERRORS_BYTES_MAX, ERRORS_BYTES_MAX);
    const char *end = memchr(all.p, '\n', all.n - 1);
    return end ? gen_str_sub(all, (size_t)(end - all.p) + 1, all.n) : all;
}

static void on_over(void *ud)
{
    struct gen_child *c = ud;
    const struct gen_child_end end = {
        .exit_code = c->child.exit_code,
        .signal = c->child.signal,
        .was_asked = c->is_closing,
        .errors = gen_child_errors(c),
    };
    c->on_line = NULL;
    c->on_end(c->ud, &end);
    gen_spawned_release(&c->child);
}

static void on_deadline(void *ud)
{
    struct gen_child *c = ud;
    gen_spawned_stop(&c->child);
}

/* Who says nothing any more has nothing left to do here. */
static void on_output_end(void *ud)
{
    struct gen_child *c = ud;
    gen_spawned_deadline(&c->child, c->close_ms);
}

static void keep_errors(struct gen_child *c, struct gen_str piece)
{
    if (piece.n > ERRORS_BYTES_MAX)
        piece = gen_str_sub(piece, piece.n - ERRORS_BYTES_MAX, ERRORS_BYTES_MAX);
    if (c->n_errors + piece.n > sizeof(c->errors)) {
        size_t kept = sizeof(c->errors) - ERRORS_BYTES_MAX;
        memmove(c->errors, c->errors + c->n_errors - kept, kept);
        c->n_errors = kept;
    }
    if (piece.n)
        memcpy(c->errors + c->n_errors, piece.p, piece.n);
    c->n_errors += piece.n;
}

/* What does not fit is dropped, up to the line's end. */
static void add_to_line(struct gen_child *c, struct gen_str piece)
{
    size_t room = c->line.bytes_max - c->line.n;
    if (piece.n > room || c->line_is_cut) {
        c->line_is_cut = true;
        piece = gen_str_sub(piece, 0, room);
    }
    if (gen_buf_add_str(&c->line, piece, NULL) != GEN_OK)
        c->line_is_cut = true;
}

static void on_piece(void *ud, bool is_errors, struct gen_str piece)
{
    struct gen_child *c = ud;
    if (is_errors) {
        keep_errors(c, piece);
        return;
    }
    /* on_line may free the child; its memory stays until its handles are closed. */
    while (piece.n && c->on_line) {
        const char *end = memchr(piece.p, '\n', piece.n);
        size_t n = end ? (size_t)(end - piece.p) : piece.n;
        struct gen_str part = gen_str_sub(piece, 0, n);
        piece = gen_str_sub(piece, end ? n + 1 : n, piece.n);
        if (!end || c->line.n || c->line_is_cut || part.n > c->line.bytes_max)
            add_to_line(c, part);
        if (!end)
            return;
        struct gen_str line = c->line.n || c->line_is_cut ? gen_buf_str(&c->line) : part;
        if (line.n && line.p[line.n - 1] == '\r' && !c->line_is_cut)
            line.n--;
        c->on_line(c->ud, line, c->line_is_cut);
        c->line_is_cut = false;
        gen_buf_clear(&c->line);
    }
}

static const struct gen_spawned_fns child_fns = {
    .on_piece = on_piece,
    .on_output_end = on_output_end,
    .on_deadline = on_deadline,
    .on_over = on_over,
    .on_gone = on_gone,
};

int gen_child_start(struct gen_child **out, struct gen_loop *loop,
                    const struct gen_child_options *options, gen_child_line_fn *on_line,
                    gen_child_end_fn *on_end, void *ud, struct gen_error *err)
{
    struct gen_child *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a child process");
    c->line = gen_buf_make(options->line_bytes_max ? options->line_bytes_max : LINE_BYTES_DEFAULT);
    c->queue_bytes_max = options->queue_bytes_max ? options->queue_bytes_max : QUEUE_BYTES_DEFAULT;
    c->close_ms = options->close_ms ? options->close_ms : WAIT_MS_DEFAULT;
    int rc = gen_spawned_init(&c->child, loop, &child_fns, c, err);
    if (rc) {
        free(c);
        return rc;
    }
    rc = gen_spawned_start(&c->child,
                           &(struct gen_spawn_options){
                               .argv = options->argv,
                               .environment = options->environment,
                               .inherited = options->inherited,
                               .cwd = options->cwd,
                               .grace_ms = options->grace_ms ? options->grace_ms : WAIT_MS_DEFAULT,
                           },
                           err);
    if (rc) {
        gen_spawned_release(&c->child);
        return rc;
    }
    c->on_line = on_line;
    c->on_end = on_end;
    c->ud = ud;
    *out = c;
    return GEN_OK;
}

static void on_written(uv_write_t *write, int status)
{
    /* A child that has closed its input (EPIPE) says what it has to say by its end. */
    (void)status;
    struct queued_line *q = write->data;
    q->child->n_queued -= q->n;
    free(q);
}

int gen_child_write_line(struct gen_child *c, struct gen_str line, struct gen_error *err)
{
    if (!c->child.in_is_open || c->is_closing)
        return gen_fail(err, GEN_ESTATE, "the input of the process is closed");
    size_t n = gen_size_add(line.n, 1);
    if (n > UINT32_MAX / 2 || gen_size_add(c->n_queued, n) > c->queue_bytes_max)
        return gen_fail(err, GEN_ELIMIT,
                        "the process does not read its input: %zu bytes wait, %zu more are over "
                        "the limit of %zu",
                        c->n_queued, n, c->queue_bytes_max);
    struct queued_line *q = malloc(sizeof(*q) + n);
    if (!q)
        return gen_nomem(err, "a line for a child process");
    q->child = c;
    q->n = n;
    q->write.data = q;
    if (line.n)
        memcpy(q->text, line.p, line.n);
    q->text[line.n] = '\n';
    uv_buf_t buf = uv_buf_init(q->text, (unsigned)n);
    int status = uv_write(&q->write, (uv_stream_t *)&c->child.in, &buf, 1, on_written);
    if (status != 0) {
        free(q);
        return gen_fail_errno(err, GEN_ESTATE, -status, "the input of the process is closed");
    }
    c->n_queued += n;
    return GEN_OK;
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    struct gen_child *c = shutdown->data;
    gen_spawned_close_input(&c->child);
}

void gen_child_close(struct gen_child *c)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    c->shutdown.data = c;
    if (c->child.in_is_open &&
        uv_shutdown(&c->shutdown, (uv_stream_t *)&c->child.in, on_shutdown) != 0)
        gen_spawned_close_input(&c->child);
    gen_spawned_deadline(&c->child, c->close_ms);
}

void gen_child_free(struct gen_child *c)
{
    if (!c || !c->on_line)
        return;
    c->on_line = NULL;
    gen_spawned_kill(&c->child);
    gen_spawned_release(&c->child);
}
