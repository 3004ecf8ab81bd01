/* A thread beside the loop: it hands over, it is waited for, it wakes the loop. */
#include "os/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HANDED_OVER 1000

struct world {
    struct gen_monitor *monitor;
    struct gen_loop *loop;
    struct gen_bell *bell;
    int n_made, n_taken; /* at most one apart */
    int n_rings;
    bool sees_signals;
    bool was_too_early;
};

static void make_all(void *ud)
{
    struct world *w = ud;
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    gen_monitor_enter(w->monitor);
    w->sees_signals = !sigismember(&mask, SIGINT) || !sigismember(&mask, SIGTERM);
    for (int i = 0; i < HANDED_OVER; i++) {
        while (w->n_made > w->n_taken)
            gen_monitor_wait(w->monitor);
        w->n_made++;
        gen_monitor_tell(w->monitor);
    }
    gen_monitor_leave(w->monitor);
}

static void hands_over_in_turns(void **state)
{
    struct world w = {.n_made = 0};
    struct gen_thread *thread = NULL;
    (void)state;
    assert_int_equal(gen_monitor_new(&w.monitor, NULL), GEN_OK);
    assert_int_equal(gen_thread_start(&thread, make_all, &w, NULL), GEN_OK);
    gen_monitor_enter(w.monitor);
    while (w.n_taken < HANDED_OVER) {
        while (w.n_made == w.n_taken)
            gen_monitor_wait(w.monitor);
        w.was_too_early = w.was_too_early || w.n_made != w.n_taken + 1;
        w.n_taken++;
        gen_monitor_tell(w.monitor);
    }
    gen_monitor_leave(w.monitor);
    gen_thread_join(thread);
    assert_int_equal(w.n_made, HANDED_OVER);
    assert_false(w.was_too_early);
    assert_false(w.sees_signals);
    gen_monitor_free(w.monitor);
}

static void ring(void *ud)
{
    struct world *w = ud;
    gen_bell_ring(w->bell);
    gen_bell_ring(w->bell);
}

static void on_bell(void *ud)
{
    struct world *w = ud;
    w->n_rings++;
    gen_loop_stop(w->loop);
}

static void never(void *ud)
{
    (void)ud;
    fail_msg("the bell was not heard");
}

static void wakes_a_loop_that_sleeps(void **state)
{
    struct world w = {.n_rings = 0};
    struct gen_thread *thread = NULL;
    struct gen_timer *timer = NULL;
    (void)state;
    assert_int_equal(gen_loop_new(&w.loop, NULL), GEN_OK);
    assert_int_equal(gen_bell_new(&w.bell, w.loop, on_bell, &w, NULL), GEN_OK);
    assert_int_equal(gen_timer_new(&timer, w.loop, never, NULL, NULL), GEN_OK);
    gen_timer_start(timer, 20000, 0); /* keeps the loop running, as a transfer would */
    assert_int_equal(gen_thread_start(&thread, ring, &w, NULL), GEN_OK);
    assert_int_equal(gen_loop_run(w.loop, NULL), GEN_OK);
    gen_thread_join(thread);
    assert_true(w.n_rings >= 1);
    gen_bell_free(w.bell);
    gen_timer_free(timer);
    gen_loop_free(w.loop);
}

static void a_bell_alone_keeps_no_loop_running(void **state)
{
    struct world w = {.n_rings = 0};
    (void)state;
    assert_int_equal(gen_loop_new(&w.loop, NULL), GEN_OK);
    assert_int_equal(gen_bell_new(&w.bell, w.loop, on_bell, &w, NULL), GEN_OK);
    assert_int_equal(gen_loop_run(w.loop, NULL), GEN_OK);
    assert_int_equal(w.n_rings, 0);
    gen_loop_free(w.loop); /* frees the bell, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_over_in_turns),
        cmocka_unit_test(wakes_a_loop_that_sleeps),
        cmocka_unit_test(a_bell_alone_keeps_no_loop_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
