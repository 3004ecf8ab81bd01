/*
 * Rows of tables that lie elsewhere, read ahead. liblnc is a library of plain calls: while it waits
 * for a server it waits in our thread, and a loop that serves a thousand model requests would serve
 * none. So the scan of remote tables runs in a thread of its own, at most two batches ahead of who
 * takes them; the loop's thread only ever takes what is there, and is woken when there is
 * something.
 *
 * Rejected: a process of its own (rows would be copied through a pipe, errors too), coroutines (no
 * portable ones in C, and the sanitizers do not follow them), a scan that can be broken off in the
 * middle and taken up again (every decoder would have to).
 *
 * While it runs, datasets and store belong to the thread; batches belong to whoever took them.
 */
#ifndef GEN_CORPUS_LANCE_AHEAD_H
#define GEN_CORPUS_LANCE_AHEAD_H

#include "os/loop.h"

#include "lnc/lnc.h"

struct gen_lance_ahead;

/* A scan. Borrowed until the end. */
struct gen_lance_job {
    const struct lnc_dataset *dataset;
    const char *const *columns;
    size_t n_columns;
};

/* Starts reading the jobs one after the other. The list is copied. */
GEN_MUST_USE int gen_lance_ahead_start(struct gen_lance_ahead **out,
                                       const struct gen_lance_job *jobs, size_t n_jobs,
                                       size_t batch_rows, struct gen_error *err);

enum gen_ahead {
    GEN_AHEAD_BATCH = 1, /* a batch, and the job that it is of */
    GEN_AHEAD_LATER,     /* none yet (only without `waits`) */
    GEN_AHEAD_END,       /* all jobs are done, or one has failed: `status` and `why` tell */
};
struct gen_ahead_news {
    struct lnc_batch batch; /* the taker's */
    size_t job;
    int status; /* enum lnc_status */
    struct lnc_error why;
};
enum gen_ahead gen_lance_ahead_take(struct gen_lance_ahead *a, bool waits,
                                    struct gen_ahead_news *news);

/* From now on the loop takes a turn whenever there is news. At most one loop; NULL for none more.
 */
GEN_MUST_USE int gen_lance_ahead_watch(struct gen_lance_ahead *a, struct gen_loop *loop,
                                       struct gen_error *err);

/* Ends the thread after the call of the reader that it is in, which the caller has canceled, and
 * frees. NULL is fine. */
void gen_lance_ahead_stop(struct gen_lance_ahead *a);

#endif
