/*
 * One thread beside the loop's, for work that can only wait: a library that reads from slow places
 * by plain function calls. The rest of the program knows nothing of threads; the two sides meet in
 * a monitor (a lock with a condition), and one of them wakes the other's loop.
 */
#ifndef GEN_OS_THREAD_H
#define GEN_OS_THREAD_H

#include "base/error.h"
#include "os/loop.h"

struct gen_thread;

/* Runs `fn` in a thread of its own, to which no signal is delivered. GEN_EIO when the system gives
 * no thread. */
GEN_MUST_USE int gen_thread_start(struct gen_thread **out, gen_loop_fn *fn, void *ud,
                                  struct gen_error *err);
/* Waits for its end and frees it. NULL is fine. */
void gen_thread_join(struct gen_thread *t);

/* A lock and the news that what it guards has changed. */
struct gen_monitor;
GEN_MUST_USE int gen_monitor_new(struct gen_monitor **out, struct gen_error *err);
void gen_monitor_free(struct gen_monitor *m); /* NULL is fine; nobody is inside */
void gen_monitor_enter(struct gen_monitor *m);
void gen_monitor_leave(struct gen_monitor *m);
/* Leaves, sleeps until the news (or for no reason), enters. From inside. */
void gen_monitor_wait(struct gen_monitor *m);
/* Wakes all that wait. From inside. */
void gen_monitor_tell(struct gen_monitor *m);

/* A bell on a loop: whoever rings it, from whatever thread, makes the loop call `fn` soon, once for
 * any number of rings, and take a turn. It does not keep the loop running. */
struct gen_bell;
GEN_MUST_USE int gen_bell_new(struct gen_bell **out, struct gen_loop *loop, gen_loop_fn *fn,
                              void *ud, struct gen_error *err);
void gen_bell_ring(struct gen_bell *b);
/* From the loop's thread, when nobody rings any more. NULL is fine. */
void gen_bell_free(struct gen_bell *b);

#endif
