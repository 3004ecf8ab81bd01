/*
 * Paid work is never lost: runs that are killed or interrupted at any moment go on where they were,
 * end with the same bytes as an undisturbed run, and pay again at most for what was in flight.
 */
#include "base/prng.h"
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define N_CHUNKS   300
#define N_KILLS    8
#define WORKERS    16

/* Chunks that all differ, of a few sentences each. */
static void write_corpus(const struct place *p, int n_chunks)
{
    static const char *const things[] = {"buffer", "index",  "queue",  "cache",  "stripe",
                                         "filter", "mirror", "ledger", "window", "header"};
    size_t size = (size_t)n_chunks * 1024;
    char *text = malloc(size);
    size_t n = 0;
    assert_non_null(text);
    for (int i = 0; i < n_chunks; i++) {
        const char *a = things[i % 10];
        const char *b = things[i / 10 % 10];
        int k = snprintf(
            text + n, size - n,
            "{\"id\":\"c%d\",\"source\":\"s%d.md\",\"content\":\"The %s of unit %d is a %s that "
            "holds %d entries of one kind. When the %s of unit %d is full, the oldest entry moves "
            "to the %s of its neighbour, because a lost entry could not be read again. A reader "
            "that asks unit %d for more than %d entries gets an error and must ask in parts.\"}\n",
            i, i / 20, a, i, b, 7 + i, a, i, b, i, 3 + i);
        assert_true(k > 0 && (size_t)k < size - n);
        n += (size_t)k;
    }
    place_write_bytes(p, "chunks.jsonl", text, n);
    free(text);
}

static struct run *begin_with(struct place *p, const char *output, const char *option,
                              const char *value)
{
    char workers[8];
    (void)snprintf(workers, sizeof(workers), "%d", WORKERS);
    return place_start(
        p, &(struct run_spec){.args =
                                  ARGS("pipeline", "chunks.jsonl", "-o", output, "--provider",
                                       "vllm", "--model", "fake-model", "--base-url", p->v1,
                                       "--workers", workers, "--progress", "none", option, value)});
}

static struct run *begin(struct place *p, const char *output)
{
    return begin_with(p, output, NULL, NULL);
}

static void finish(struct place *p, const char *output)
{
    struct run *r = begin(p, output);
    run_wait(r);
    run_expect(r, 0);
}

static void wait_for_requests(const struct place *p, long long n)
{
    for (int i = 0; i < 1000 && place_stat(p, "requests") < n; i++)
        run_sleep_ms(5);
    assert_true(place_stat(p, "requests") >= n);
}

static void check_same(const struct place *p)
{
    assert_true(place_rows(p, "whole.jsonl") > N_CHUNKS / 10);
    assert_true(place_same(p, "whole.jsonl", "t.jsonl"));
    assert_true(place_same(p, "whole_all_rated.json", "t_all_rated.json"));
    assert_true(place_same(p, "whole_metrics.json", "t_metrics.json"));
    assert_true(place_same(p, "whole_distribution.json", "t_distribution.json"));
    gen_json_doc_free(place_summary(p, "t"));
}

struct kill_case {
    const char *fault; /* the server's; of those that depend on the request alone */
    const char *option, *value;
    int status;
};

static void kill_and_resume(struct place *p, const struct kill_case *c, struct gen_prng *random)
{
    place_serve(p, ARGS("--latency-ms", "15", "--jitter-ms", "30", "--fault", c->fault));
    struct run *whole = begin_with(p, "whole.jsonl", c->option, c->value);
    run_wait(whole);
    run_expect(whole, c->status);
    long long n_requests = place_stat(p, "requests");
    assert_int_equal(place_stat(p, "repeated"), 0);
    place_script(p, "/fake/reset", "{}");
    long long n_killed = 0;
    bool is_done = false;
    for (int i = 0; i < N_KILLS && !is_done; i++) {
        struct run *r = begin_with(p, "t.jsonl", c->option, c->value);
        run_sleep_ms((unsigned)gen_prng_below(random, 350) + 20);
        (void)kill(r->pid, SIGKILL);
        run_wait(r);
        is_done = r->status >= 0; /* before the signal came */
        n_killed += !is_done;
        assert_int_equal(place_has(p, "t.jsonl"), is_done);
    }
    struct run *last = begin_with(p, "t.jsonl", c->option, c->value);
    run_wait(last);
    run_expect(last, c->status);
    check_same(p);
    long long repeated = place_stat(p, "repeated");
    print_message("%lld kills, %lld requests, %lld of them again\n", n_killed,
                  place_stat(p, "requests"), repeated);
    assert_true(n_killed > 0);
    assert_true(repeated <= n_killed * WORKERS);
    assert_int_equal(place_stat(p, "requests"), place_stat(p, "distinct") + repeated);
    /* How many chunks are asked before a target is seen to be reached is a matter of timing. */
    if (!c->option)
        assert_int_equal(place_stat(p, "distinct"), n_requests);
}

static void killed_at_random_moments(void **state)
{
    static const struct kill_case cases[] = {
        {"nonjson:0", NULL, NULL, 0},
        /* Failures, answers asked for again, and further passes over the corpus. */
        {"nonjson:0.2", "--target-pairs", "330", 3},
    };
    static const char *const files[] = {"whole.jsonl", "whole.ledger", "t.jsonl", "t.ledger"};
    struct place *p = *state;
    uint64_t seed = (uint64_t)time(NULL) ^ (uint64_t)getpid();
    struct gen_prng random = gen_prng_make(seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    write_corpus(p, N_CHUNKS);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++)
            place_remove(p, files[k]);
        kill_and_resume(p, &cases[i], &random);
    }
}

/* --fresh pays for everything once more, and the same command, killed, does not pay for that again.
 * Other ledgers, and other command lines, are not gone on with. */
static void killed_fresh_runs_go_on(void **state)
{
    struct place *p = *state;
    uint64_t seed = (uint64_t)time(NULL) ^ (uint64_t)getpid();
    struct gen_prng random = gen_prng_make(seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    write_corpus(p, N_CHUNKS);
    place_serve(p, ARGS("--latency-ms", "15", "--jitter-ms", "30"));
    finish(p, "t.jsonl");
    finish(p, "whole.jsonl");
    place_script(p, "/fake/reset", "{}");
    finish(p, "other.jsonl");
    long long n = place_stat(p, "requests");
    place_script(p, "/fake/reset", "{}");
    long long n_killed = 0;
    bool is_done = false;
    for (int i = 0; i < N_KILLS / 2 && !is_done; i++) {
        struct run *r = begin_with(p, "t.jsonl", "--fresh", NULL);
        run_sleep_ms((unsigned)gen_prng_below(&random, 350) + 20);
        (void)kill(r->pid, SIGKILL);
        run_wait(r);
        is_done = r->status >= 0;
        n_killed += !is_done;
    }
    assert_true(n_killed > 0);
    if (!is_done) {
        struct run *last = begin_with(p, "t.jsonl", "--fresh", NULL);
        run_wait(last);
        run_expect(last, 0);
    }
    check_same(p);
    assert_in_range(place_stat(p, "requests"), n, n + n_killed * WORKERS);
    /* It has ended: the next one begins anew. */
    place_script(p, "/fake/reset", "{}");
    struct run *anew = begin_with(p, "t.jsonl", "--fresh", NULL);
    run_wait(anew);
    run_expect(anew, 0);
    assert_int_equal(place_stat(p, "requests"), n);
}

/* Once: nothing more is sent, what is in flight is waited for and kept. */
static void interrupted_once(void **state)
{
    struct place *p = *state;
    static const int signals[] = {SIGINT, SIGTERM};
    write_corpus(p, 60);
    place_serve(p, NULL);
    finish(p, "whole.jsonl");
    for (size_t i = 0; i < 2; i++) {
        place_script(p, "/fake/reset", "{}");
        place_script(p, "/fake/script", "{\"latency_ms\":500}");
        struct run *r = begin(p, "t.jsonl");
        wait_for_requests(p, 8);
        assert_int_equal(kill(r->pid, signals[i]), 0);
        run_wait(r);
        run_expect(r, 130);
        run_expect_said(r, ARGS("nothing more is sent",
                                "interrupted: all answers are kept in "
                                "t.ledger",
                                "run the same command again"));
        assert_false(place_has(p, "t.jsonl"));
        assert_int_equal(place_stat(p, "abandoned"), 0);
        struct gen_json_doc *summary = place_summary(p, "t");
        assert_true(gen_str_is(summary_text(summary, "end"), "interrupted"));
        assert_true(summary_count(summary, "generate", "skipped.interrupted") > 0);
        assert_int_equal(summary_total(summary, "calls"), place_stat(p, "requests"));
        gen_json_doc_free(summary);
        place_script(p, "/fake/script", "{\"latency_ms\":0}");
        finish(p, "t.jsonl");
        assert_int_equal(place_stat(p, "repeated"), 0);
        assert_true(place_same(p, "whole.jsonl", "t.jsonl"));
        place_remove(p, "t.ledger");
        place_remove(p, "t.jsonl");
    }
}

/* Twice: what is in flight is given up, and asked again later. */
static void interrupted_twice(void **state)
{
    struct place *p = *state;
    write_corpus(p, 60);
    place_serve(p, NULL);
    finish(p, "whole.jsonl");
    place_script(p, "/fake/reset", "{}");
    place_script(p, "/fake/script", "{\"latency_ms\":20000}");
    struct run *r = begin(p, "t.jsonl");
    wait_for_requests(p, 8);
    assert_int_equal(kill(r->pid, SIGINT), 0);
    run_sleep_ms(300);
    assert_int_equal(kill(r->pid, 0), 0); /* it waits */
    assert_int_equal(kill(r->pid, SIGINT), 0);
    run_wait(r);
    run_expect(r, 130);
    run_expect_says(r, "abandoning what is in flight");
    assert_true(r->took_ms < 10000);
    place_script(p, "/fake/script", "{\"latency_ms\":0}");
    finish(p, "t.jsonl");
    assert_in_range(place_stat(p, "repeated"), 8, WORKERS);
    assert_true(place_same(p, "whole.jsonl", "t.jsonl"));
}

/* Also when some of the signals are merged into one, as the kernel may. */
static void interrupted_again_and_again(void **state)
{
    struct place *p = *state;
    write_corpus(p, 60);
    place_serve(p, NULL);
    finish(p, "whole.jsonl");
    place_script(p, "/fake/reset", "{}");
    place_script(p, "/fake/script", "{\"latency_ms\":20000}");
    struct run *r = begin(p, "t.jsonl");
    wait_for_requests(p, 8);
    for (int i = 0; i < 12; i++) {
        (void)kill(r->pid, SIGINT);
        run_sleep_ms(i < 3 ? 3 : 100);
    }
    run_wait(r);
    /* The third may come when the loop is over and the signal has its default meaning again. */
    if (r->signal != SIGINT)
        run_expect(r, 130);
    assert_true(r->took_ms < 10000);
    place_script(p, "/fake/script", "{\"latency_ms\":0}");
    finish(p, "t.jsonl");
    assert_true(place_same(p, "whole.jsonl", "t.jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_at_random_moments), TEST(killed_fresh_runs_go_on),     TEST(interrupted_once),
        TEST(interrupted_twice),        TEST(interrupted_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
