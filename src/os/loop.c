#include "os/loop_int.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct gen_loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_signal_t interrupt[2];
    gen_loop_fn *on_interrupt;
    void *interrupt_ud;
    gen_loop_fn *on_turn_end;
    void *turn_end_ud;
    struct gen_turn *turns;       /* in the order of their birth */
    struct gen_turn *turn_cursor; /* the next one to be called; moved when that one is freed */
    bool wake;
    bool timer_fired;
    bool stopped;
};

/* The uv handle comes first in these two, so that one close callback frees both. */
struct gen_timer {
    uv_timer_t uv;
    gen_loop_fn *fn;
    void *ud;
};

struct gen_poll {
    uv_poll_t uv;
    gen_poll_fn *fn;
    void *ud;
    int events;
};

struct gen_turn {
    struct gen_loop *loop;
    struct gen_turn *next;
    gen_loop_fn *deliver;
    gen_loop_fn *flush;
    void *ud;
};

static const int interrupt_signals[2] = {SIGINT, SIGTERM};

static int fail_uv(struct gen_error *err, int status, const char *what)
{
    if (status == UV_ENOMEM)
        return gen_nomem(err, what);
    return gen_fail_errno(err, GEN_EIO, -status, "cannot set up %s", what);
}

/* Timers run before libuv polls, and what they caused must reach the hooks before the loop sleeps:
 * uv_stop makes this poll return at once and ends the turn. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct gen_loop *loop = prepare->data;
    if (loop->timer_fired || loop->wake)
        uv_stop(&loop->uv);
}

int gen_loop_new(struct gen_loop **out, struct gen_error *err)
{
    struct gen_loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return gen_nomem(err, "the event loop");
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        free(loop);
        return fail_uv(err, status, "the event loop");
    }
    /* These cannot fail: they only link the handle into the loop. */
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    loop->prepare.data = loop;
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->prepare);
    (void)signal(SIGPIPE, SIG_IGN);
    *out = loop;
    return GEN_OK;
}

uv_loop_t *gen_loop_uv(struct gen_loop *loop)
{
    return &loop->uv;
}

static void on_closed_free(uv_handle_t *handle)
{
    free(handle);
}

static void close_handle(uv_handle_t *handle, void *ud)
{
    (void)ud;
    if (uv_is_closing(handle))
        return;
    bool is_ours = handle->type == UV_TIMER || handle->type == UV_POLL || handle->type == UV_ASYNC;
    uv_close(handle, is_ours ? on_closed_free : NULL);
}

void gen_loop_free(struct gen_loop *loop)
{
    if (!loop)
        return;
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    while (loop->turns) {
        struct gen_turn *next = loop->turns->next;
        free(loop->turns);
        loop->turns = next;
    }
    free(loop);
}

uint64_t gen_loop_now_ms(const struct gen_loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t gen_loop_now_us(void)
{
    return uv_hrtime() / 1000;
}

int64_t gen_time_unix_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void run_turn_hooks(struct gen_loop *loop)
{
    for (struct gen_turn *t = loop->turns; t; t = loop->turn_cursor) {
        loop->turn_cursor = t->next;
        if (t->deliver)
            t->deliver(t->ud);
    }
    if (loop->on_turn_end)
        loop->on_turn_end(loop->turn_end_ud);
    for (struct gen_turn *t = loop->turns; t; t = loop->turn_cursor) {
        loop->turn_cursor = t->next;
        if (t->flush)
            t->flush(t->ud);
    }
}

int gen_loop_run(struct gen_loop *loop, struct gen_error *err)
{
    (void)err; /* libuv aborts on the failures that epoll could have */
    loop->stopped = false;
    for (;;) {
        run_turn_hooks(loop);
        if (loop->stopped)
            return GEN_OK;
        bool wake = loop->wake;
        if (!wake && !uv_loop_alive(&loop->uv))
            return GEN_OK;
        loop->wake = false;
        loop->timer_fired = false;
        (void)uv_run(&loop->uv, wake ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
}

void gen_loop_stop(struct gen_loop *loop)
{
    loop->stopped = true;
    loop->wake = true;
}

void gen_loop_on_turn_end(struct gen_loop *loop, gen_loop_fn *fn, void *ud)
{
    loop->on_turn_end = fn;
    loop->turn_end_ud = ud;
}

void gen_loop_wake(struct gen_loop *loop)
{
    loop->wake = true;
}

int gen_turn_new(struct gen_turn **out, struct gen_loop *loop, gen_loop_fn *deliver,
                 gen_loop_fn *flush, void *ud, struct gen_error *err)
{
    struct gen_turn *t = calloc(1, sizeof(*t));
    if (!t)
        return gen_nomem(err, "a turn hook");
    *t = (struct gen_turn){loop, NULL, deliver, flush, ud};
    struct gen_turn **link = &loop->turns;
    while (*link)
        link = &(*link)->next;
    *link = t;
    *out = t;
    return GEN_OK;
}

void gen_turn_free(struct gen_turn *t)
{
    if (!t)
        return;
    struct gen_turn **link = &t->loop->turns;
    while (*link && *link != t)
        link = &(*link)->next;
    if (*link)
        *link = t->next;
    if (t->loop->turn_cursor == t)
        t->loop->turn_cursor = t->next;
    free(t);
}

int gen_timer_new(struct gen_timer **out, struct gen_loop *loop, gen_loop_fn *fn, void *ud,
                  struct gen_error *err)
{
    struct gen_timer *t = calloc(1, sizeof(*t));
    if (!t)
        return gen_nomem(err, "a timer");
    (void)uv_timer_init(&loop->uv, &t->uv);
    t->uv.data = loop;
    t->fn = fn;
    t->ud = ud;
    *out = t;
    return GEN_OK;
}

static void on_timer(uv_timer_t *uv)
{
    struct gen_timer *t = (struct gen_timer *)(void *)uv;
    struct gen_loop *loop = uv->data;
    loop->timer_fired = true;
    t->fn(t->ud);
}

void gen_timer_start(struct gen_timer *t, uint64_t delay_ms, uint64_t repeat_ms)
{
    /* libuv counts from the cached time of the turn, which may lie well behind. */
    uint64_t cached_ms = uv_now(t->uv.loop);
    uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t behind_ms = now_ms > cached_ms ? now_ms - cached_ms : 0;
    if (delay_ms > UINT64_MAX / 4)
        delay_ms = UINT64_MAX / 4;
    (void)uv_timer_start(&t->uv, on_timer, delay_ms ? delay_ms + behind_ms : 0, repeat_ms);
}

void gen_timer_stop(struct gen_timer *t)
{
    (void)uv_timer_stop(&t->uv);
}

void gen_timer_free(struct gen_timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->uv, on_closed_free);
}

int gen_poll_new(struct gen_poll **out, struct gen_loop *loop, int fd, gen_poll_fn *fn, void *ud,
                 struct gen_error *err)
{
    struct gen_poll *p = calloc(1, sizeof(*p));
    if (!p)
        return gen_nomem(err, "a watched descriptor");
    int status = uv_poll_init(&loop->uv, &p->uv, fd);
    if (status != 0) {
        free(p);
        return fail_uv(err, status, "a watched descriptor");
    }
    p->fn = fn;
    p->ud = ud;
    *out = p;
    return GEN_OK;
}

static void on_poll(uv_poll_t *uv, int status, int uv_events)
{
    struct gen_poll *p = (struct gen_poll *)(void *)uv;
    if (status < 0) {
        p->events = 0; /* libuv has stopped it */
        p->fn(p->ud, 0, true);
        return;
    }
    int events = ((uv_events & UV_READABLE) ? GEN_POLL_READ : 0) |
                 ((uv_events & UV_WRITABLE) ? GEN_POLL_WRITE : 0);
    p->fn(p->ud, events, false);
}

int gen_poll_set(struct gen_poll *p, int events, struct gen_error *err)
{
    if (events == p->events)
        return GEN_OK;
    int uv_events = ((events & GEN_POLL_READ) ? UV_READABLE : 0) |
                    ((events & GEN_POLL_WRITE) ? UV_WRITABLE : 0);
    int status = uv_events ? uv_poll_start(&p->uv, uv_events, on_poll) : uv_poll_stop(&p->uv);
    if (status != 0)
        return fail_uv(err, status, "a watched descriptor");
    p->events = events;
    return GEN_OK;
}

void gen_poll_background(struct gen_poll *p, bool background)
{
    if (background)
        uv_unref((uv_handle_t *)&p->uv);
    else
        uv_ref((uv_handle_t *)&p->uv);
}

void gen_poll_free(struct gen_poll *p)
{
    if (p)
        uv_close((uv_handle_t *)&p->uv, on_closed_free);
}

static void on_signal(uv_signal_t *uv, int number)
{
    (void)number;
    struct gen_loop *loop = uv->data;
    if (loop->on_interrupt)
        loop->on_interrupt(loop->interrupt_ud);
}

int gen_loop_on_interrupt(struct gen_loop *loop, gen_loop_fn *fn, void *ud, struct gen_error *err)
{
    bool watching = loop->on_interrupt != NULL;
    loop->on_interrupt = fn;
    loop->interrupt_ud = ud;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_t *s = &loop->interrupt[i];
        if (!s->data) {
            int status = uv_signal_init(&loop->uv, s);
            if (status != 0)
                return fail_uv(err, status, "the handling of Ctrl-C");
            s->data = loop;
            uv_unref((uv_handle_t *)s);
        }
        int status = 0;
        if (!fn)
            (void)uv_signal_stop(s);
        else if (!watching)
            status = uv_signal_start(s, on_signal, interrupt_signals[i]);
        if (status != 0)
            return fail_uv(err, status, "the handling of Ctrl-C");
    }
    return GEN_OK;
}

size_t gen_os_raise_open_files(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < wanted) {
        struct rlimit raised = limit;
        raised.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return (size_t)limit.rlim_cur;
}
