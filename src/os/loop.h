/*
 * The event loop: one thread, timers, file descriptors, signals, and hooks at the end of each
 * turn. libuv does the work and is seen nowhere else. Everything here belongs to the thread that
 * runs the loop.
 */
#ifndef GEN_OS_LOOP_H
#define GEN_OS_LOOP_H

#include "base/error.h"

#include <stdbool.h>

struct gen_loop;
struct gen_timer;
struct gen_poll;

GEN_MUST_USE int gen_loop_new(struct gen_loop **out, struct gen_error *err);
/* Closes and frees what is still open on it: timers, polls and hooks must not be used afterwards.
 * Not from inside a callback. */
void gen_loop_free(struct gen_loop *loop);

/* Monotonic milliseconds, cached at the start of the turn; gen_loop_now_us reads the clock. */
uint64_t gen_loop_now_ms(const struct gen_loop *loop);
uint64_t gen_loop_now_us(void);
/* Microseconds since 1970 UTC. */
int64_t gen_time_unix_us(void);

/* Runs until gen_loop_stop, or until nothing is left to wait for: no started timer, no descriptor
 * that is watched for something. The turn in which either happens is finished, hooks included. */
GEN_MUST_USE int gen_loop_run(struct gen_loop *loop, struct gen_error *err);
void gen_loop_stop(struct gen_loop *loop);

typedef void gen_loop_fn(void *ud);

/* Called once at the end of every turn, after all I/O callbacks of the turn and before the loop may
 * sleep; also before the first sleep of gen_loop_run. One hook per loop; NULL removes it.
 * gen_loop_wake makes the loop take another turn at once (from the loop's thread only). */
void gen_loop_on_turn_end(struct gen_loop *loop, gen_loop_fn *fn, void *ud);
void gen_loop_wake(struct gen_loop *loop);

/*
 * For modules below the one that owns the turn-end hook (net/): any number of pairs, called in the
 * order of their birth. A turn is: timers and I/O callbacks, all `deliver`, the turn-end hook, all
 * `flush`, and only then sleep. So `deliver` hands over what the I/O brought, the turn-end hook
 * commits it and asks for more, and `flush` starts what was asked for, all in one turn. Either may
 * be NULL. A hook may free itself or another one. The hooks do not keep the loop running.
 */
struct gen_turn;
GEN_MUST_USE int gen_turn_new(struct gen_turn **out, struct gen_loop *loop, gen_loop_fn *deliver,
                              gen_loop_fn *flush, void *ud, struct gen_error *err);
void gen_turn_free(struct gen_turn *t);

/* A timer, stopped at birth. */
GEN_MUST_USE int gen_timer_new(struct gen_timer **out, struct gen_loop *loop, gen_loop_fn *fn,
                               void *ud, struct gen_error *err);
/* Fires once after `delay_ms`, or every `repeat_ms` after that when it is not 0. Restarts a running
 * timer. */
void gen_timer_start(struct gen_timer *t, uint64_t delay_ms, uint64_t repeat_ms);
void gen_timer_stop(struct gen_timer *t);
void gen_timer_free(struct gen_timer *t);

enum { GEN_POLL_READ = 1, GEN_POLL_WRITE = 2 };
/* `events`: GEN_POLL_READ | GEN_POLL_WRITE. `failed` when the descriptor is in error: `events` is
 * then 0 and the poll is paused. */
typedef void gen_poll_fn(void *ud, int events, bool failed);
/* Watches a descriptor that the caller owns. */
GEN_MUST_USE int gen_poll_new(struct gen_poll **out, struct gen_loop *loop, int fd, gen_poll_fn *fn,
                              void *ud, struct gen_error *err);
GEN_MUST_USE int gen_poll_set(struct gen_poll *p, int events, struct gen_error *err); /* 0 pauses */
/* A poll in the background does not keep the loop running. */
void gen_poll_background(struct gen_poll *p, bool background);
/* Before the descriptor is closed. */
void gen_poll_free(struct gen_poll *p);

/* Calls `fn` in the loop for each SIGINT or SIGTERM; NULL gives them back their default meaning.
 * Does not keep the loop running. SIGPIPE is ignored from gen_loop_new on. */
GEN_MUST_USE int gen_loop_on_interrupt(struct gen_loop *loop, gen_loop_fn *fn, void *ud,
                                       struct gen_error *err);

/* Raises the soft limit of open files to at least `wanted` when the hard limit allows; returns the
 * limit. */
size_t gen_os_raise_open_files(size_t wanted);

#endif
