/*
 * What os/process.c and os/child.c share: a started program with its three pipes, and the way it is
 * brought to its end. Private to os/.
 *
 * Handles are closed by libuv in a later turn: from a successful gen_spawned_init on only
 * gen_spawned_release may lead to a free, through `on_gone`.
 */
#ifndef GEN_OS_SPAWN_H
#define GEN_OS_SPAWN_H

#include "base/str.h"
#include "os/loop_int.h"

#include <sys/types.h>

#define GEN_SPAWN_READ_BYTES 32768U

struct gen_spawn_options {
    const char *const *argv;
    const char *const *environment; /* os/process.h */
    const char *const *inherited;   /* names of ours that it gets; NULL: all */
    const char *cwd;
    uint64_t grace_ms; /* between SIGTERM and SIGKILL, and for pipes that others hold open */
};

struct gen_spawned_fns {
    void (*on_piece)(void *ud, bool is_errors, struct gen_str piece);
    void (*on_output_end)(void *ud); /* nothing comes any more, it may still run; may be NULL */
    void (*on_deadline)(void *ud);   /* of gen_spawned_deadline */
    void (*on_over)(void *ud);       /* ended, both outputs read to their end; once */
    void (*on_gone)(void *ud);       /* after the release: the last handle is closed */
};

enum gen_spawned_stop {
    GEN_STOP_NONE = 0,
    GEN_STOP_ASKED,  /* SIGTERM was sent */
    GEN_STOP_FORCED, /* SIGKILL was sent */
};

/* One of the child's two outputs. */
struct gen_outlet {
    uv_pipe_t uv;
    bool is_open;
};

struct gen_spawned {
    struct gen_loop *loop;
    const struct gen_spawned_fns *fns;
    void *ud;
    uv_process_t uv;
    uv_pipe_t in;
    struct gen_outlet out, errors;
    struct gen_timer *timer; /* of the deadline, then of the graces */
    bool in_is_open;
    bool has_process; /* `uv` is set up */
    bool is_watched;  /* somebody still waits for the end */
    unsigned n_handles;
    pid_t pid;
    bool exited;
    int exit_code; /* -1 when a signal ended it */
    int signal;
    enum gen_spawned_stop stop;
    uint64_t grace_ms;
    char scratch[GEN_SPAWN_READ_BYTES];
};

GEN_MUST_USE int gen_spawned_init(struct gen_spawned *s, struct gen_loop *loop,
                                  const struct gen_spawned_fns *fns, void *ud,
                                  struct gen_error *err);
/* After a failure: gen_spawned_release. GEN_EINPUT when the program cannot be executed, GEN_EIO
 * when the folder to run in does not exist. */
GEN_MUST_USE int gen_spawned_start(struct gen_spawned *s, const struct gen_spawn_options *options,
                                   struct gen_error *err);
void gen_spawned_close_input(struct gen_spawned *s);
void gen_spawned_deadline(struct gen_spawned *s, uint64_t ms);
/* SIGTERM to its group, SIGKILL after the grace. */
void gen_spawned_stop(struct gen_spawned *s);
/* SIGKILL, and waits until it is gone: for who cannot wait for the loop. */
void gen_spawned_kill(struct gen_spawned *s);
/* Gives the handles back; on_gone comes when libuv has closed the last one. */
void gen_spawned_release(struct gen_spawned *s);

#endif
