/* Requests and answers through files: rounds until the output is whole, with the bytes of a live
 * run, and bad answer files. The offline engine is offline_engine.mjs. */
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

static struct run *generator(struct place *p, const char *verb, const char *out, const char *dir)
{
    return place_run(p, ARGS(verb, CHUNKS, "-o", out, "--provider", "vllm", "--model",
                             "org/fake-model", "--base-url", p->v1, "--min-chunk-chars", "0",
                             "--progress", "plain", dir ? "--batch-file" : NULL, dir));
}

static struct run *start(struct place *p, const char *out, const char *dir)
{
    const char *const args[] = {"pipeline",
                                CHUNKS,
                                "-o",
                                out,
                                "--provider",
                                "vllm",
                                "--model",
                                "org/fake-model",
                                "--base-url",
                                p->v1,
                                "--min-chunk-chars",
                                "0",
                                "--batch-file",
                                dir,
                                NULL};
    return place_start(p, &(struct run_spec){.args = args});
}

/* Answers file `number`; every `fail_every`th request fails. */
static void answer(struct place *p, unsigned number, const char *fail_every)
{
    char in[32];
    char out[32];
    (void)snprintf(in, sizeof(in), "d/requests-%04u.jsonl", number);
    (void)snprintf(out, sizeof(out), "d/answers-%04u.jsonl", number);
    const char *const args[] = {"node", ENGINE_PATH, in, out, p->server.url, fail_every, NULL};
    struct run *r = place_start(p, &(struct run_spec){.program = "/usr/bin/env", .args = args});
    run_wait(r);
    run_expect(r, 0);
}

static bool has_requests(const struct place *p, unsigned number)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "d/requests-%04u.jsonl", number);
    return place_has(p, name);
}

static void live(struct place *p)
{
    place_serve(p, ARGS("--seed", "3"));
    run_expect(generator(p, "pipeline", "live.jsonl", NULL), 0);
}

/* Runs and answers by turns; returns the number of files of requests. */
static unsigned run_rounds(struct place *p, const char *fail_every)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct run *r = generator(p, "pipeline", "file.jsonl", "d");
        if (r->status == 0)
            return n;
        run_expect(r, 6);
        n++;
        assert_true(has_requests(p, n));
        assert_false(has_requests(p, n + 1));
        answer(p, n, i < 4 ? fail_every : "0");
    }
    fail_msg("there was no end to it");
    return n;
}

static void three_stages_are_three_rounds(void **state)
{
    struct place *p = *state;
    live(p);
    assert_int_equal(run_rounds(p, "0"), 3);
    assert_true(place_same(p, "live.jsonl", "file.jsonl"));
    assert_int_equal(place_count_lines(p, "d/requests-0001.jsonl"), 12);
    /* What is done stays done, without the files too. */
    place_remove(p, "d");
    run_expect(generator(p, "pipeline", "file.jsonl", "d"), 0);
    assert_true(place_same(p, "live.jsonl", "file.jsonl"));
}

static void what_failed_is_written_again_alone(void **state)
{
    struct place *p = *state;
    live(p);
    assert_true(run_rounds(p, "5") > 3);
    assert_true(place_same(p, "live.jsonl", "file.jsonl"));
    assert_int_equal(place_count_lines(p, "d/requests-0001.jsonl"), 12);
    assert_in_range(place_count_lines(p, "d/requests-0002.jsonl"), 3, 11);
}

static void nothing_is_written_twice(void **state)
{
    struct place *p = *state;
    live(p);
    for (unsigned i = 0; i < 3; i++) {
        struct run *r = generator(p, "pipeline", "file.jsonl", "d");
        run_expect(r, 6);
        run_expect_said(
            r, ARGS("waiting: 12 requests in d want answers; run `vllm run-batch -i "
                    "d/requests-0001.jsonl -o d/answers-0001.jsonl --model org/fake-model`, and "
                    "then this command again"));
    }
    assert_true(has_requests(p, 1));
    assert_false(has_requests(p, 2));
    /* Old failures must not be written again in each run either. */
    answer(p, 1, "4");
    for (unsigned i = 0; i < 3; i++) {
        struct run *r = generator(p, "pipeline", "file.jsonl", "d");
        run_expect(r, 6);
        run_expect_says(r, "-i d/requests-0002.jsonl -o d/answers-0002.jsonl");
    }
    assert_false(has_requests(p, 3));
    assert_false(place_has(p, "file.jsonl"));
}

static void killed_while_writing(void **state)
{
    static const unsigned moments_ms[] = {5, 20, 40, 60, 80, 100, 130};
    struct place *p = *state;
    live(p);
    for (size_t i = 0; i < sizeof(moments_ms) / sizeof(moments_ms[0]); i++) {
        struct run *r = start(p, "file.jsonl", "d");
        run_sleep_ms(moments_ms[i]);
        (void)kill(r->pid, SIGKILL);
        run_wait(r);
    }
    assert_int_equal(run_rounds(p, "0"), 3);
    assert_true(place_same(p, "live.jsonl", "file.jsonl"));
}

/* Each is told with its file and place; what is not ours is passed over. */
static void bad_answer_files(void **state)
{
    struct place *p = *state;
    live(p);
    run_expect(generator(p, "pipeline", "file.jsonl", "d"), 6);
    place_write(p, "d/answers-0001.jsonl", "{\"custom_id\":\"r-1\"}\n{\"custom_id\":\"r-2\",\n");
    struct run *r = generator(p, "pipeline", "file.jsonl", "d");
    assert_true(r->status == 1 || r->status == 2);
    run_expect_said(r, ARGS("answers-0001.jsonl", "row 2"));
    place_write(p, "d/answers-0001.jsonl",
                "{\"custom_id\":\"r-1\",\"response\":{\"status_code\":200,\"body\":{}}}\n"
                "{\"id\":7}\n[]\n3\n\"x\"\nnull\n{\"custom_id\":5,\"response\":[]}\n\n");
    run_expect(generator(p, "pipeline", "file.jsonl", "d"), 6);
    place_write(p, "d/answers-0001.jsonl", "");
    run_expect(generator(p, "pipeline", "file.jsonl", "d"), 6);
    assert_false(has_requests(p, 2));
    /* Another model's answers are told of. */
    answer(p, 1, "0");
    char *text = place_read(p, "d/answers-0001.jsonl", NULL);
    for (char *at = text; (at = strstr(at, "org/fake-model")); at++) {
        for (size_t i = 0; i < strlen("org/fake-model"); i++)
            at[i] = "org/some-other"[i];
    }
    place_write(p, "d/answers-0001.jsonl", text);
    free(text);
    r = generator(p, "pipeline", "file.jsonl", "d");
    run_expect(r, 6);
    run_expect_says(r, "were given by the model \"org/some-other\"");
}

/* A file named after its requests is one of answers. */
static void any_name_will_do_for_answers(void **state)
{
    struct place *p = *state;
    live(p);
    run_expect(generator(p, "pipeline", "file.jsonl", "d"), 6);
    answer(p, 1, "0");
    char *text = place_read(p, "d/answers-0001.jsonl", NULL);
    place_write(p, "d/requests-0001.out.jsonl", text);
    place_remove(p, "d/answers-0001.jsonl");
    free(text);
    run_expect(generator(p, "pipeline", "file.jsonl", "d"), 6);
    assert_true(has_requests(p, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(three_stages_are_three_rounds),
        TEST(what_failed_is_written_again_alone),
        TEST(nothing_is_written_twice),
        TEST(killed_while_writing),
        TEST(bad_answer_files),
        TEST(any_name_will_do_for_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
