#include "net/stall.h"

#include "net/transfer.h"

static void on_timer(void *ud)
{
    /* It only makes the loop turn; gen_stall_check does the work at the end of the turn. */
    (void)ud;
}

int gen_stall_init(struct gen_stall_watch *w, struct gen_loop *loop, struct gen_error *err)
{
    *w = (struct gen_stall_watch){.loop = loop};
    return gen_timer_new(&w->timer, loop, on_timer, w, err);
}

void gen_stall_release(struct gen_stall_watch *w)
{
    gen_timer_free(w->timer);
    *w = (struct gen_stall_watch){0};
}

static void look_at(struct gen_stall_watch *w, uint64_t due_ms, uint64_t now_ms)
{
    w->due_ms = due_ms;
    gen_timer_start(w->timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void gen_stall_heard(struct gen_stall_watch *w, struct gen_transfer *t)
{
    if (t->stall_ms == 0)
        return;
    uint64_t now_ms = gen_loop_now_ms(w->loop);
    t->stall.heard_ms = now_ms;
    if (t->stall.is_watched)
        return;
    bool is_first = !w->first;
    t->stall.is_watched = true;
    t->stall.previous = NULL;
    t->stall.next = w->first;
    if (w->first)
        w->first->stall.previous = t;
    w->first = t;
    if (is_first || now_ms + t->stall_ms < w->due_ms)
        look_at(w, now_ms + t->stall_ms, now_ms);
}

void gen_stall_forget(struct gen_stall_watch *w, struct gen_transfer *t)
{
    struct gen_stall_link *link = &t->stall;
    if (!link->is_watched)
        return;
    if (link->previous)
        link->previous->stall.next = link->next;
    else
        w->first = link->next;
    if (link->next)
        link->next->stall.previous = link->previous;
    *link = (struct gen_stall_link){0};
    if (!w->first)
        gen_timer_stop(w->timer); /* it would keep the loop running */
}

void gen_stall_check(struct gen_stall_watch *w, gen_stall_fn *fn, void *ud)
{
    uint64_t now_ms = gen_loop_now_ms(w->loop);
    if (!w->first || now_ms < w->due_ms)
        return;
    uint64_t due_ms = UINT64_MAX;
    for (struct gen_transfer *t = w->first, *next = NULL; t; t = next) {
        next = t->stall.next;
        uint64_t limit_ms = t->stall.heard_ms + t->stall_ms;
        if (limit_ms <= now_ms)
            fn(ud, t);
        else if (limit_ms < due_ms)
            due_ms = limit_ms;
    }
    if (w->first)
        look_at(w, due_ms, now_ms);
}
