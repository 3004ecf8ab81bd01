#include "corpus/lance_ahead.h"

#include "os/thread.h"

#include <stdlib.h>

#define BATCHES_MAX 2U

struct waiting_batch {
    struct lnc_batch batch;
    size_t job;
};

struct gen_lance_ahead {
    struct gen_thread *thread;
    struct gen_monitor *monitor; /* guards what follows, down to the bell */
    struct waiting_batch ring[BATCHES_MAX];
    size_t first, n;
    bool is_stopping;
    bool is_over;
    int status;
    struct lnc_error why;
    struct gen_bell *bell; /* NULL: nobody is woken */
    size_t batch_rows;     /* from here on nothing changes */
    size_t n_jobs;
    struct gen_lance_job jobs[];
};

/* -- the thread -- */

static void tell(struct gen_lance_ahead *a)
{
    gen_monitor_tell(a->monitor);
    if (a->bell)
        gen_bell_ring(a->bell);
}

/* Takes over the batch. False when nobody wants more. */
static bool hand_over(struct gen_lance_ahead *a, struct lnc_batch *batch, size_t job)
{
    gen_monitor_enter(a->monitor);
    while (a->n == BATCHES_MAX && !a->is_stopping)
        gen_monitor_wait(a->monitor);
    bool wanted = !a->is_stopping;
    if (wanted) {
        a->ring[(a->first + a->n) % BATCHES_MAX] = (struct waiting_batch){*batch, job};
        a->n++;
        tell(a);
    }
    gen_monitor_leave(a->monitor);
    if (!wanted)
        lnc_batch_release(batch);
    *batch = (struct lnc_batch){0};
    return wanted;
}

static int read_job(struct gen_lance_ahead *a, size_t job, bool *wanted, struct lnc_error *why)
{
    const struct gen_lance_job *j = &a->jobs[job];
    const struct lnc_scan_options what = {j->columns, j->n_columns, a->batch_rows};
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    int status = lnc_scan_open(j->dataset, &what, &scan, why);
    while (status == LNC_OK && *wanted) {
        status = lnc_scan_next(scan, &batch, why);
        if (status == LNC_OK && batch.n_rows == 0)
            break;
        if (status == LNC_OK)
            *wanted = hand_over(a, &batch, job);
    }
    lnc_batch_release(&batch);
    lnc_scan_close(scan);
    return status;
}

static void read_all(void *ud)
{
    struct gen_lance_ahead *a = ud;
    struct lnc_error why = {0};
    int status = LNC_OK;
    bool wanted = true;
    size_t job = 0;
    for (; job < a->n_jobs && status == LNC_OK && wanted; job++)
        status = read_job(a, job, &wanted, &why);
    gen_monitor_enter(a->monitor);
    a->is_over = true;
    a->status = status;
    a->why = why;
    tell(a);
    gen_monitor_leave(a->monitor);
}

/* -- the other side -- */

int gen_lance_ahead_start(struct gen_lance_ahead **out, const struct gen_lance_job *jobs,
                          size_t n_jobs, size_t batch_rows, struct gen_error *err)
{
    struct gen_lance_ahead *a = calloc(1, sizeof(*a) + n_jobs * sizeof(*jobs));
    if (!a)
        return gen_nomem(err, "the reading of a remote table");
    a->batch_rows = batch_rows;
    a->n_jobs = n_jobs;
    for (size_t i = 0; i < n_jobs; i++)
        a->jobs[i] = jobs[i];
    int rc = gen_monitor_new(&a->monitor, err);
    if (rc == GEN_OK)
        rc = gen_thread_start(&a->thread, read_all, a, err);
    if (rc) {
        gen_lance_ahead_stop(a);
        return rc;
    }
    *out = a;
    return GEN_OK;
}

enum gen_ahead gen_lance_ahead_take(struct gen_lance_ahead *a, bool waits,
                                    struct gen_ahead_news *news)
{
    enum gen_ahead what = GEN_AHEAD_LATER;
    gen_monitor_enter(a->monitor);
    while (waits && a->n == 0 && !a->is_over)
        gen_monitor_wait(a->monitor);
    *news = (struct gen_ahead_news){.job = 0};
    if (a->n) {
        news->batch = a->ring[a->first].batch;
        news->job = a->ring[a->first].job;
        a->first = (a->first + 1) % BATCHES_MAX;
        a->n--;
        gen_monitor_tell(a->monitor);
        what = GEN_AHEAD_BATCH;
    } else if (a->is_over) {
        news->status = a->status;
        news->why = a->why;
        what = GEN_AHEAD_END;
    }
    gen_monitor_leave(a->monitor);
    return what;
}

static void on_bell(void *ud)
{
    (void)ud; /* the turn that it makes the loop take is all that is wanted */
}

int gen_lance_ahead_watch(struct gen_lance_ahead *a, struct gen_loop *loop, struct gen_error *err)
{
    struct gen_bell *bell = NULL;
    int rc = loop ? gen_bell_new(&bell, loop, on_bell, a, err) : GEN_OK;
    if (rc)
        return rc;
    gen_monitor_enter(a->monitor);
    struct gen_bell *old = a->bell;
    a->bell = bell;
    gen_monitor_leave(a->monitor);
    gen_bell_free(old);
    return GEN_OK;
}

void gen_lance_ahead_stop(struct gen_lance_ahead *a)
{
    if (!a)
        return;
    if (a->thread) {
        gen_monitor_enter(a->monitor);
        a->is_stopping = true;
        gen_monitor_tell(a->monitor);
        gen_monitor_leave(a->monitor);
        gen_thread_join(a->thread);
    }
    for (; a->n; a->n--, a->first = (a->first + 1) % BATCHES_MAX)
        lnc_batch_release(&a->ring[a->first].batch);
    gen_bell_free(a->bell);
    gen_monitor_free(a->monitor);
    free(a);
}
