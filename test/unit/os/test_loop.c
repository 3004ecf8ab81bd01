#include "os/loop.h"

#include "base/buf.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct gen_loop *loop;
    struct gen_timer *timer;
    struct gen_poll *poll;
    struct gen_turn *turn;
    int pipe[2];
    struct gen_buf log; /* one letter for each call */
    int n_turns;
    int n_wakes;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    w->log = gen_buf_make(4096);
    return pipe(w->pipe) == 0 && gen_loop_new(&w->loop, NULL) == GEN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_loop_free(w->loop);
    (void)close(w->pipe[0]);
    (void)close(w->pipe[1]);
    gen_buf_release(&w->log);
    free(w);
    return 0;
}

static void add_to_log(struct world *w, char c)
{
    assert_int_equal(gen_buf_add_char(&w->log, c, NULL), GEN_OK);
}

static void assert_log(struct world *w, const char *want)
{
    assert_string_equal(w->log.data ? w->log.data : "", want);
}

/* The system may wake the loop a moment before a timer is due: a turn in which nothing happens. */
static void drop_empty_turns(struct world *w)
{
    char *at = w->log.data;
    while (at && (at = strstr(at, "DEFDEF"))) {
        memmove(at, at + 3, strlen(at + 3) + 1);
        w->log.n -= 3;
    }
}

struct tick {
    struct world *world;
    char letter;
};

static void on_tick(void *ud)
{
    struct tick *t = ud;
    add_to_log(t->world, t->letter);
}

static void on_turn_end(void *ud)
{
    add_to_log(ud, 'E');
}

static void on_deliver(void *ud)
{
    add_to_log(ud, 'D');
}

static void on_flush(void *ud)
{
    add_to_log(ud, 'F');
}

static void test_empty_loop_ends(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    gen_loop_on_turn_end(w->loop, on_turn_end, w);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "E");
}

static void test_timers_in_order(void **state)
{
    struct world *w = *state;
    struct tick ticks[3] = {{w, 'a'}, {w, 'b'}, {w, 'c'}};
    struct gen_timer *timers[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(gen_timer_new(&timers[i], w->loop, on_tick, &ticks[i], NULL), GEN_OK);
    gen_timer_start(timers[0], 30, 0);
    gen_timer_start(timers[1], 10, 0);
    gen_timer_start(timers[2], 1, 0);
    gen_timer_start(timers[2], 20, 0); /* restarted */
    uint64_t start_us = gen_loop_now_us();
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "bca");
    assert_true(gen_loop_now_us() - start_us >= 29000);
    /* Stopped timers do not keep the loop. */
    gen_timer_start(timers[0], 60000, 0);
    gen_timer_stop(timers[0]);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "bca");
    for (size_t i = 0; i < 3; i++)
        gen_timer_free(timers[i]);
}

static void on_repeat(void *ud)
{
    struct world *w = ud;
    add_to_log(w, 'r');
    if (w->log.n == 3)
        gen_timer_stop(w->timer);
}

static void test_repeating_timer(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_timer_new(&w->timer, w->loop, on_repeat, w, NULL), GEN_OK);
    gen_timer_start(w->timer, 0, 2);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "rrr");
    gen_timer_free(w->timer);
}

/* The work of a timer reaches the hooks before the loop sleeps for the other timer. */
static void test_hooks_follow_a_timer_at_once(void **state)
{
    struct world *w = *state;
    struct tick quick = {w, 'q'};
    struct tick late = {w, 'l'};
    struct gen_timer *timers[2];
    assert_int_equal(gen_turn_new(&w->turn, w->loop, on_deliver, on_flush, w, NULL), GEN_OK);
    gen_loop_on_turn_end(w->loop, on_turn_end, w);
    assert_int_equal(gen_timer_new(&timers[0], w->loop, on_tick, &quick, NULL), GEN_OK);
    assert_int_equal(gen_timer_new(&timers[1], w->loop, on_tick, &late, NULL), GEN_OK);
    gen_timer_start(timers[0], 0, 0);
    gen_timer_start(timers[1], 20, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    drop_empty_turns(w);
    assert_log(w, "DEFqDEFlDEF");
    gen_turn_free(w->turn);
    gen_timer_free(timers[0]);
    gen_timer_free(timers[1]);
}

static void on_readable(void *ud, int events, bool failed)
{
    struct world *w = ud;
    char byte = '?';
    assert_false(failed);
    assert_int_equal(events, GEN_POLL_READ);
    assert_int_equal(read(w->pipe[0], &byte, 1), 1);
    add_to_log(w, byte);
    if (byte == 'z')
        assert_int_equal(gen_poll_set(w->poll, 0, NULL), GEN_OK);
}

static void send_byte(void *ud)
{
    struct world *w = ud;
    add_to_log(w, 'E');
    static const char bytes[] = "xz";
    if (w->n_turns < 2)
        assert_int_equal(write(w->pipe[1], &bytes[w->n_turns++], 1), 1);
}

static void test_poll_and_turn_order(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_poll_new(&w->poll, w->loop, w->pipe[0], on_readable, w, NULL), GEN_OK);
    assert_int_equal(gen_poll_set(w->poll, GEN_POLL_READ, NULL), GEN_OK);
    assert_int_equal(gen_turn_new(&w->turn, w->loop, on_deliver, on_flush, w, NULL), GEN_OK);
    gen_loop_on_turn_end(w->loop, send_byte, w);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "DEFxDEFzDEF");
    gen_poll_free(w->poll);
    gen_turn_free(w->turn);
}

static void test_background_poll_does_not_keep_the_loop(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_poll_new(&w->poll, w->loop, w->pipe[0], on_readable, w, NULL), GEN_OK);
    assert_int_equal(gen_poll_set(w->poll, GEN_POLL_READ, NULL), GEN_OK);
    gen_poll_background(w->poll, true);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    gen_poll_background(w->poll, false);
    assert_int_equal(write(w->pipe[1], "z", 1), 1);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "z");
}

static void wake_thrice(void *ud)
{
    struct world *w = ud;
    add_to_log(w, 'w');
    if (w->n_wakes++ < 3)
        gen_loop_wake(w->loop);
}

static void test_wake(void **state)
{
    struct world *w = *state;
    gen_loop_on_turn_end(w->loop, wake_thrice, w);
    struct tick never = {w, '!'};
    assert_int_equal(gen_timer_new(&w->timer, w->loop, on_tick, &never, NULL), GEN_OK);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "wwww");
    gen_timer_free(w->timer);
}

static void on_stop(void *ud)
{
    struct world *w = ud;
    add_to_log(w, 's');
    gen_loop_stop(w->loop);
}

/* The turn that stops the loop ends with its hooks; the loop can run again. */
static void test_stop(void **state)
{
    struct world *w = *state;
    gen_loop_on_turn_end(w->loop, on_turn_end, w);
    assert_int_equal(gen_timer_new(&w->timer, w->loop, on_stop, w, NULL), GEN_OK);
    gen_timer_start(w->timer, 0, 1);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "EsE");
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(w->log.data[w->log.n - 1], 'E');
    assert_int_equal(w->log.data[w->log.n - 2], 's');
    gen_loop_on_turn_end(w->loop, NULL, NULL);
}

static void free_itself(void *ud)
{
    struct world *w = ud;
    add_to_log(w, 'X');
    gen_turn_free(w->turn);
}

static void test_hook_frees_itself(void **state)
{
    struct world *w = *state;
    struct gen_turn *second = NULL;
    assert_int_equal(gen_turn_new(&w->turn, w->loop, free_itself, on_flush, w, NULL), GEN_OK);
    assert_int_equal(gen_turn_new(&second, w->loop, on_deliver, NULL, w, NULL), GEN_OK);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "XD");
    gen_turn_free(second);
    gen_turn_free(NULL);
}

static void on_interrupt(void *ud)
{
    struct world *w = ud;
    add_to_log(w, 'i');
    if (w->log.n == 1)
        (void)raise(SIGTERM);
    else
        gen_loop_stop(w->loop);
}

static void raise_interrupt(void *ud)
{
    (void)ud;
    (void)raise(SIGINT);
}

static void test_interrupt(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_loop_on_interrupt(w->loop, on_interrupt, w, NULL), GEN_OK);
    /* Waiting for signals alone does not keep the loop. */
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    struct gen_timer *keep = NULL;
    struct tick never = {w, '!'};
    assert_int_equal(gen_timer_new(&keep, w->loop, on_tick, &never, NULL), GEN_OK);
    assert_int_equal(gen_timer_new(&w->timer, w->loop, raise_interrupt, w, NULL), GEN_OK);
    gen_timer_start(keep, 20000, 0);
    gen_timer_start(w->timer, 1, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "ii");
    assert_int_equal(gen_loop_on_interrupt(w->loop, NULL, NULL, NULL), GEN_OK);
    assert_int_equal(gen_loop_on_interrupt(w->loop, on_interrupt, w, NULL), GEN_OK);
}

static void on_failed(void *ud, int events, bool failed)
{
    struct world *w = ud;
    (void)events;
    add_to_log(w, failed ? 'f' : 'o');
    gen_poll_free(w->poll);
}

/* The writing end of a pipe whose reader is gone is in error. */
static void test_descriptor_in_error(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_poll_new(&w->poll, w->loop, w->pipe[1], on_failed, w, NULL), GEN_OK);
    assert_int_equal(gen_poll_set(w->poll, GEN_POLL_READ, NULL), GEN_OK);
    (void)close(w->pipe[0]);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_log(w, "f");
    assert_int_equal(dup2(w->pipe[1], w->pipe[0]), w->pipe[0]);
    assert_true(write(w->pipe[1], "x", 1) < 0); /* SIGPIPE does not kill us */
}

static void test_clocks_and_limits(void **state)
{
    struct world *w = *state;
    assert_true(gen_time_unix_us() > 1700000000000000);
    uint64_t now_ms = gen_loop_now_us() / 1000;
    assert_true(gen_loop_now_ms(w->loop) <= now_ms);
    assert_true(now_ms - gen_loop_now_ms(w->loop) < 60000);
    size_t limit = gen_os_raise_open_files(1);
    assert_true(limit > 1);
    assert_true(gen_os_raise_open_files(limit) >= limit);
    struct gen_error err = {0};
    struct gen_poll *p = NULL;
    assert_int_equal(gen_poll_new(&p, w->loop, 9999, on_failed, w, &err), GEN_EIO);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty_loop_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timers_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeating_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hooks_follow_a_timer_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll_and_turn_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_background_poll_does_not_keep_the_loop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hook_frees_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptor_in_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clocks_and_limits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
