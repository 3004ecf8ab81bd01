#include "os/thread.h"

#include "os/loop_int.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct gen_thread {
    pthread_t id;
    gen_loop_fn *fn;
    void *ud;
};

struct gen_monitor {
    pthread_mutex_t lock;
    pthread_cond_t news;
};

/* The uv handle comes first: the loop's close callback frees it. */
struct gen_bell {
    uv_async_t uv;
    gen_loop_fn *fn;
    void *ud;
};

static void *thread_main(void *ud)
{
    const struct gen_thread *t = ud;
    t->fn(t->ud);
    return NULL;
}

int gen_thread_start(struct gen_thread **out, gen_loop_fn *fn, void *ud, struct gen_error *err)
{
    struct gen_thread *t = calloc(1, sizeof(*t));
    sigset_t all;
    sigset_t before;
    if (!t)
        return gen_nomem(err, "a thread");
    t->fn = fn;
    t->ud = ud;
    /* A thread inherits the mask: set before, so that no signal slips in between. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->id, NULL, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(t);
        return gen_fail_errno(err, GEN_EIO, failed, "cannot start a thread");
    }
    *out = t;
    return GEN_OK;
}

void gen_thread_join(struct gen_thread *t)
{
    if (!t)
        return;
    (void)pthread_join(t->id, NULL);
    free(t);
}

int gen_monitor_new(struct gen_monitor **out, struct gen_error *err)
{
    struct gen_monitor *m = calloc(1, sizeof(*m));
    if (!m)
        return gen_nomem(err, "a lock");
    int failed = pthread_mutex_init(&m->lock, NULL);
    if (!failed) {
        failed = pthread_cond_init(&m->news, NULL);
        if (failed)
            (void)pthread_mutex_destroy(&m->lock);
    }
    if (failed) {
        free(m);
        return gen_fail_errno(err, GEN_EIO, failed, "cannot make a lock");
    }
    *out = m;
    return GEN_OK;
}

void gen_monitor_free(struct gen_monitor *m)
{
    if (!m)
        return;
    (void)pthread_cond_destroy(&m->news);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

/* These four fail for locks that were never made, and for nothing else. */
void gen_monitor_enter(struct gen_monitor *m)
{
    (void)pthread_mutex_lock(&m->lock);
}

void gen_monitor_leave(struct gen_monitor *m)
{
    (void)pthread_mutex_unlock(&m->lock);
}

void gen_monitor_wait(struct gen_monitor *m)
{
    (void)pthread_cond_wait(&m->news, &m->lock);
}

void gen_monitor_tell(struct gen_monitor *m)
{
    (void)pthread_cond_broadcast(&m->news);
}

static void on_ring(uv_async_t *uv)
{
    const struct gen_bell *b = (const struct gen_bell *)(const void *)uv;
    b->fn(b->ud);
}

int gen_bell_new(struct gen_bell **out, struct gen_loop *loop, gen_loop_fn *fn, void *ud,
                 struct gen_error *err)
{
    struct gen_bell *b = calloc(1, sizeof(*b));
    if (!b)
        return gen_nomem(err, "a bell");
    int status = uv_async_init(gen_loop_uv(loop), &b->uv, on_ring);
    if (status != 0) {
        free(b);
        return gen_fail_errno(err, GEN_EIO, -status, "cannot set up the waking of the loop");
    }
    uv_unref((uv_handle_t *)&b->uv);
    b->fn = fn;
    b->ud = ud;
    *out = b;
    return GEN_OK;
}

void gen_bell_ring(struct gen_bell *b)
{
    (void)uv_async_send(&b->uv);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void gen_bell_free(struct gen_bell *b)
{
    if (b)
        uv_close((uv_handle_t *)&b->uv, on_closed);
}
