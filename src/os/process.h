/*
 * Child processes: a program is run without a shell, gets bytes on standard input, and ends with
 * what it wrote and how it ended. Standard output and standard error are read at the same time,
 * each up to a limit. The child has a process group of its own; at a time limit or when canceled
 * the group gets SIGTERM, and SIGKILL after a grace. Loop thread.
 *
 * The child also has a session of its own, so that Ctrl-C at the terminal does not reach it: who
 * uses it decides. When our own process is killed, its pipes close: a child that waits for input
 * reads the end of it, and one that writes gets SIGPIPE; no stronger bond exists, a silent child
 * runs to its own end. Descriptors are not inherited, the three pipes apart. A child that does not
 * read all of its input is no failure. What a child leaves running in the background is its own
 * affair, but who holds its outputs open after its end is killed after the grace.
 */
#ifndef GEN_OS_PROCESS_H
#define GEN_OS_PROCESS_H

#include "base/buf.h"
#include "os/loop.h"

struct gen_process_options {
    const char *const *argv; /* NULL-terminated; argv[0] is the path of the program */
    /* "NAME=value" over the inherited ones, "NAME" takes one away; NULL-terminated; may be NULL */
    const char *const *environment;
    const char *cwd;         /* NULL: ours */
    struct gen_str input;    /* copied */
    size_t output_bytes_max; /* of standard output; more ends the child; 0: 64 MB */
    uint64_t timeout_ms;     /* 0: none */
    uint64_t grace_ms;       /* between SIGTERM and SIGKILL; 0: 2,000 */
};

struct gen_process_end {
    int exit_code; /* -1 when a signal ended it */
    int signal;    /* 0: none */
    bool timed_out, too_large, canceled;
    bool out_of_memory;            /* ours, while its output was read; it was ended for that */
    struct gen_str output, errors; /* standard output; the first 64 KB of standard error */
    uint64_t elapsed_us;
};

struct gen_process;

/* Borrowed until it returns; the process is gone afterwards. Called exactly once, in the loop, when
 * the child has ended and both pipes are read to their end. */
typedef void gen_process_fn(void *ud, const struct gen_process_end *end);

/* GEN_EINPUT when there is no such program or it cannot be executed. */
GEN_MUST_USE int gen_process_start(struct gen_process **out, struct gen_loop *loop,
                                   const struct gen_process_options *options, gen_process_fn *fn,
                                   void *ud, struct gen_error *err);
/* The end comes soon, with `canceled`. */
void gen_process_cancel(struct gen_process *p);
/* Kills it at once; the end does not come. Before its loop is freed. */
void gen_process_free(struct gen_process *p);

/* Looks for an executable file in PATH and then in `dirs` (NULL-terminated; "~" is the home folder;
 * may be NULL). Appends its path; `*found` tells. */
GEN_MUST_USE int gen_process_find(const char *name, const char *const *dirs, struct gen_buf *path,
                                  bool *found, struct gen_error *err);

#endif
