/*
 * Streamed answers that fall silent. One timer for all of them: a piece of a body costs one store,
 * and the list is walked only when the earliest limit of the last walk is reached. curl's own
 * low-speed limit would cost a timer each second for each transfer, counts in seconds, and also
 * runs before the first byte. Internal to net/.
 */
#ifndef GEN_NET_STALL_H
#define GEN_NET_STALL_H

#include "os/loop.h"

struct gen_transfer;

struct gen_stall_watch {
    struct gen_loop *loop;
    struct gen_timer *timer;
    struct gen_transfer *first;
    uint64_t due_ms; /* when to look next; of no meaning while there are none */
};

/* The part of a transfer that is in the list. */
struct gen_stall_link {
    struct gen_transfer *previous;
    struct gen_transfer *next;
    uint64_t heard_ms;
    bool is_watched;
};

/* On failure it must be released too. */
GEN_MUST_USE int gen_stall_init(struct gen_stall_watch *w, struct gen_loop *loop,
                                struct gen_error *err);
void gen_stall_release(struct gen_stall_watch *w);

/* The server said something: watched from now on when the transfer has a limit (stall_ms). */
void gen_stall_heard(struct gen_stall_watch *w, struct gen_transfer *t);
/* The transfer has ended; nothing happens when it was not watched. */
void gen_stall_forget(struct gen_stall_watch *w, struct gen_transfer *t);

/* Calls `fn` for every transfer that is silent for too long; `fn` must make the watch forget it.
 * After the I/O of a turn, so that what waits in a socket counts when the loop itself was late. */
typedef void gen_stall_fn(void *ud, struct gen_transfer *t);
void gen_stall_check(struct gen_stall_watch *w, gen_stall_fn *fn, void *ud);

#endif
