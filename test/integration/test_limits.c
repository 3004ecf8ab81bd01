/* Streams that change nothing but the way, and limits that hold: requests, tokens, a minute. */
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

struct speaker {
    const char *provider, *model, *path;
};

static const struct speaker speakers[] = {
    {"ollama", "fake-model", ""},
    {"openai", "fake-model", "/v1"},
    {"vllm", "fake-model", "/v1"},
    {"anthropic", "claude-haiku-5-5", ""},
    {"gemini", "gemini-2.5-flash", "/v1beta"},
};
#define N_SPEAKERS (sizeof(speakers) / sizeof(speakers[0]))
#define OPENAI     (&speakers[1])
#define ANTHROPIC  (&speakers[3])

static struct run *start(struct place *p, const struct speaker *s, const char *output,
                         const char *const *more)
{
    const char *args[40] = {"pipeline", CHUNKS, "-o", output, "--min-chunk-chars", "0"};
    char url[160];
    size_t n = 6;
    (void)snprintf(url, sizeof(url), "%s%s", p->server.url, s->path);
    const char *const own[] = {"--provider", s->provider, "--model",        s->model,
                               "--base-url", url,         "--progress=none"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        args[n++] = own[i];
    for (; *more; more++)
        args[n++] = *more;
    return place_start(p, &(struct run_spec){.args = args,
                                             .env = ARGS("OPENAI_API_KEY=sk-test-0123456789",
                                                         "ANTHROPIC_API_KEY=sk-ant-test-0123456789",
                                                         "GOOGLE_API_KEY=AIzaTest0123456789")});
}

static struct run *pipeline(struct place *p, const struct speaker *s, const char *output,
                            const char *const *more)
{
    struct run *r = start(p, s, output, more);
    run_wait(r);
    return r;
}

static void streamed_or_whole_the_bytes_are_the_same(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < N_SPEAKERS; i++) {
        run_expect(pipeline(p, &speakers[i], "whole.jsonl", ARGS("--stream", "off")), 0);
        assert_int_equal(place_stat(p, "streamed"), 0);
        place_script(p, "/fake/reset", "{}");
        run_expect(pipeline(p, &speakers[i], "streamed.jsonl", ARGS("--stream", "on")), 0);
        assert_int_equal(place_stat(p, "streamed"), place_stat(p, "requests"));
        assert_true(place_rows(p, "whole.jsonl") > 0);
        assert_true(place_same(p, "whole.jsonl", "streamed.jsonl"));
        place_script(p, "/fake/reset", "{}");
        place_remove(p, "whole.ledger");
        place_remove(p, "streamed.ledger");
    }
}

/* Half an answer is never taken for one: it is asked again, and the end is the same. */
static void broken_streams_are_asked_again(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_SPEAKERS; i++) {
        place_serve(p, NULL);
        run_expect(pipeline(p, &speakers[i], "whole.jsonl", ARGS("--stream", "off")), 0);
        place_serve(p, ARGS("--stream-bytes", "20", "--fault", "ssecut:0.06", "--fault",
                            "sseerror:0.06", "--fault", "ssenodone:0.05", "--fault", "ssestall@7",
                            "--fault", "cutchunk:0.05", "--fault", "bytewise:0.1", "--fault",
                            "sseutf8:0.2", "--fault", "ssecomments:0.2", "--stall-ms", "9000"));
        struct run *r =
            pipeline(p, &speakers[i], "broken.jsonl", ARGS("--stream", "on", "--timeout", "2"));
        run_expect(r, 0);
        assert_true(place_stat(p, "by_fault.ssecut") + place_stat(p, "by_fault.sseerror") > 0);
        assert_true(place_stat(p, "repeated") > 0);
        assert_true(place_same(p, "whole.jsonl", "broken.jsonl"));
        place_remove(p, "whole.ledger");
        place_remove(p, "broken.ledger");
    }
}

struct budget_case {
    const char *option, *value;
};

/* Exit 4 with what ran out, and the same command without the limit goes on and pays nothing twice.
 */
static void a_budget_stops_the_run_and_it_goes_on(void **state)
{
    static const struct budget_case cases[] = {{"--max-requests", "5"},
                                               {"--max-tokens-total", "20000"}};
    struct place *p = *state;
    char says[120];
    place_serve(p, NULL);
    run_expect(pipeline(p, OPENAI, "all.jsonl", ARGS("--quiet")), 0);
    long long n_all = place_stat(p, "requests");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        place_script(p, "/fake/reset", "{}");
        struct run *r =
            pipeline(p, OPENAI, "t.jsonl", ARGS("--seed", "1", cases[i].option, cases[i].value));
        run_expect(r, 4);
        (void)snprintf(says, sizeof(says), "the budget of %s is used up", cases[i].option);
        run_expect_said(r, ARGS(says, "with a larger one the same command goes on"));
        long long n_first = place_stat(p, "requests");
        assert_in_range(n_first, 1, i == 0 ? 5 : n_all - 1);
        if (i == 1)
            assert_in_range(place_stat(p, "tokens_in") + place_stat(p, "tokens_out"), 1, 20000);
        struct gen_json_doc *summary = place_summary(p, "t");
        assert_true(gen_str_is(summary_text(summary, "end"), "budget"));
        gen_json_doc_free(summary);
        run_expect(pipeline(p, OPENAI, "t.jsonl", ARGS("--seed", "1")), 0);
        assert_true(place_stat(p, "requests") > n_first);
        assert_int_equal(place_stat(p, "paid_again"), 0);
        place_remove(p, "t.ledger");
    }
}

static void requests_a_minute_hold(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    struct run *r = start(p, OPENAI, "t.jsonl", ARGS("--max-rpm", "10"));
    run_sleep_ms(3000);
    assert_int_equal(kill(r->pid, SIGINT), 0);
    run_wait(r);
    run_expect(r, 130);
    assert_in_range(place_stat(p, "requests"), 1, 10);
}

/* What many requests begin with is written to the server's cache by one, and read by the others. */
static void one_request_goes_first_for_a_prefix(void **state)
{
    struct place *p = *state;
    char path[128];
    struct gen_buf prompt = gen_buf_make(65536);
    assert_int_equal(gen_buf_add_c(&prompt, "prompt: |\n", NULL), 0);
    /* Long enough to be kept at all: 1,024 tokens. */
    for (int i = 0; i < 150; i++)
        assert_int_equal(gen_buf_printf(&prompt, NULL,
                                        "  Rule %d. Ask what a practitioner would ask, and answer "
                                        "from the passage alone.\n",
                                        i),
                         0);
    assert_int_equal(gen_buf_add_c(&prompt,
                                   "\n  {title} {section} {n_pairs} {kinds} {topic}\n"
                                   "  {fence}\n  {text}\n  {fence}\n",
                                   NULL),
                     0);
    (void)snprintf(path, sizeof(path), "%s/prompts", p->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    place_write(p, "prompts/qa_generation.yaml", prompt.data);
    gen_buf_release(&prompt);
    place_serve(p, ARGS("--latency-ms", "100"));
    run_expect(pipeline(p, ANTHROPIC, "t.jsonl", ARGS("--workers", "32", "--prompts", "prompts")),
               0);
    assert_true(place_stat(p, "cache_reads") > 5);
    assert_in_range(place_stat(p, "cache_writes"), 1, 4);
    assert_int_equal(place_stat(p, "cache_parallel_misses"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(streamed_or_whole_the_bytes_are_the_same), TEST(broken_streams_are_asked_again),
        TEST(a_budget_stops_the_run_and_it_goes_on),    TEST(requests_a_minute_hold),
        TEST(one_request_goes_first_for_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
