/*
 * Child processes that live on and are talked to in lines: a program is started without a shell,
 * gets lines on standard input, and writes lines to standard output; of what it writes to standard
 * error the end is kept. All pipes are read as long as it lives, so that it never hangs on a full
 * one. It has a process group and a session of its own (os/process.h says what that means). Loop
 * thread.
 *
 * It is brought to its end in steps: its input is closed, then the group gets SIGTERM, then
 * SIGKILL. One that closes its standard output gets the signals too.
 */
#ifndef GEN_OS_CHILD_H
#define GEN_OS_CHILD_H

#include "base/buf.h"
#include "os/loop.h"

struct gen_child_options {
    const char *const *argv; /* NULL-terminated; argv[0] is the path of the program */
    /* Names of our variables that it gets, NULL-terminated; NULL: all of them. */
    const char *const *inherited;
    /* "NAME=value" over those, "NAME" takes one away; NULL-terminated; may be NULL */
    const char *const *environment;
    const char *cwd;        /* NULL: ours */
    size_t line_bytes_max;  /* of one line of its output; 0: 64 MB */
    size_t queue_bytes_max; /* of lines that it has not read yet; 0: 64 MB */
    uint64_t close_ms;      /* between the close of its input and SIGTERM; 0: 2,000 */
    uint64_t grace_ms;      /* between SIGTERM and SIGKILL; 0: 2,000 */
};

struct gen_child_end {
    int exit_code;         /* -1 when a signal ended it */
    int signal;            /* 0: none */
    bool was_asked;        /* gen_child_close came before */
    struct gen_str errors; /* the last 4 KB of standard error, cut at a line where that is possible;
                              bytes as they came */
};

/* `line` is without its line end, and borrowed for the call. `is_cut`: it was longer than
 * line_bytes_max, and these are its first bytes. Bytes behind the last line end are no line. */
typedef void gen_child_line_fn(void *ud, struct gen_str line, bool is_cut);
/* Called exactly once, when it has ended and both outputs are read to their end; the child is gone
 * afterwards. */
typedef void gen_child_end_fn(void *ud, const struct gen_child_end *end);

struct gen_child;

/* GEN_EINPUT when there is no such program or it cannot be executed; GEN_EIO for the folder. */
GEN_MUST_USE int gen_child_start(struct gen_child **out, struct gen_loop *loop,
                                 const struct gen_child_options *options,
                                 gen_child_line_fn *on_line, gen_child_end_fn *on_end, void *ud,
                                 struct gen_error *err);
/* Queues `line` (copied; without line ends inside) and a line end. GEN_ELIMIT when the child does
 * not read and the queue is full; GEN_ESTATE when its input is closed. */
GEN_MUST_USE int gen_child_write_line(struct gen_child *c, struct gen_str line,
                                      struct gen_error *err);
/* What it last wrote to standard error, as in struct gen_child_end; good until the loop goes on. */
struct gen_str gen_child_errors(const struct gen_child *c);
/* Closes its input behind what is queued; SIGTERM and SIGKILL follow if it does not end. The end
 * comes, lines before it too. Again: nothing. */
void gen_child_close(struct gen_child *c);
/* Kills it at once; neither lines nor the end come any more. Fine inside of on_line, not inside of
 * on_end. Before its loop is freed. NULL is fine. */
void gen_child_free(struct gen_child *c);

#endif
