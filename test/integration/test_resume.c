/* What was paid is not paid again: the second run, --fresh, --retry-failed, dropped parameters. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define BASE_ARGS  22

/* pipeline over the chunks with up to four further arguments. */
static struct run *pipeline(struct place *p, const char *const *more)
{
    const char *args[BASE_ARGS + 8] = {"pipeline",          CHUNKS, "-o",         "t.jsonl",
                                       "--provider",        "vllm", "--model",    "fake-model",
                                       "--base-url",        p->v1,  "--progress", "none",
                                       "--min-chunk-chars", "0"};
    size_t n = 14;
    for (; more && *more; more++)
        args[n++] = *more;
    return place_run(p, args);
}

static void the_second_run_sends_nothing(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(pipeline(p, NULL), 0);
    long long n = place_stat(p, "requests");
    char *first = place_read(p, "t.jsonl", NULL);
    struct gen_json_doc *summary = place_summary(p, "t");
    assert_int_equal(summary_total(summary, "requests_sent"), n);
    assert_int_equal(summary_total(summary, "calls"), n);
    gen_json_doc_free(summary);
    const char *const *const unrelated[] = {
        NULL,
        ARGS("--progress", "plain"),
        ARGS("--workers", "3"),
        ARGS("--timeout", "77"),
        ARGS("--log-json"),
        ARGS("--retry-failed"),
    };
    for (size_t i = 0; i < sizeof(unrelated) / sizeof(unrelated[0]); i++) {
        run_expect(pipeline(p, unrelated[i]), 0);
        assert_int_equal(place_stat(p, "requests"), n);
        char *again = place_read(p, "t.jsonl", NULL);
        assert_string_equal(first, again);
        free(again);
        summary = place_summary(p, "t");
        assert_int_equal(summary_total(summary, "requests_sent"), 0);
        assert_int_equal(summary_total(summary, "calls_from_ledger"), n);
        gen_json_doc_free(summary);
    }
    free(first);
}

/* Threshold, format and system prompt change nothing that is asked. */
static void what_is_not_asked_is_not_paid(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(pipeline(p, NULL), 0);
    long long n = place_stat(p, "requests");
    run_expect(pipeline(p, ARGS("--threshold", "5")), 0);
    run_expect(pipeline(p, ARGS("-f", "alpaca")), 0);
    run_expect(pipeline(p, ARGS("--system-prompt", "Be brief.")), 0);
    assert_int_equal(place_stat(p, "requests"), n);
    run_expect(pipeline(p, ARGS("--max-chunks", "6")), 0);
    assert_int_equal(place_stat(p, "requests"), n);
}

static void fresh_asks_everything_again(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(pipeline(p, NULL), 0);
    long long n = place_stat(p, "requests");
    run_expect(pipeline(p, ARGS("--fresh")), 0);
    assert_int_equal(place_stat(p, "requests"), 2 * n);
    assert_int_equal(place_stat(p, "repeated"), n);
    run_expect(pipeline(p, NULL), 0);
    assert_int_equal(place_stat(p, "requests"), 2 * n);
}

static struct run *generate(struct place *p, const char *more)
{
    return place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", "--provider", "vllm", "--model",
                             "fake-model", "--base-url", p->v1, "--progress", "none",
                             "--min-chunk-chars", "0", more));
}

/* Nothing of what --fresh brings is worth more than what was good before, but both are kept, and
 * both were paid. */
static void bad_fresh_answers_lose_nothing(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(generate(p, NULL), 0);
    char *before = place_read(p, "qa.json", NULL);
    long long n = place_stat(p, "requests");
    place_script(p, "/fake/script", "{\"faults\":[\"nonjson:1\"]}");
    run_expect(generate(p, "--fresh"), 5);
    assert_int_equal(place_stat(p, "requests"), 4 * n);
    place_script(p, "/fake/script", "{\"faults\":[]}");
    run_expect(generate(p, NULL), 0);
    assert_int_equal(place_stat(p, "requests"), 4 * n);
    char *after = place_read(p, "qa.json", NULL);
    assert_string_equal(before, after);
    struct gen_json_doc *summary = place_summary(p, "qa");
    assert_int_equal(summary_total(summary, "calls_from_ledger"), n);
    assert_int_equal(summary_total(summary, "requests_sent"), 0);
    gen_json_doc_free(summary);
    run_expect(
        place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", "--provider", "vllm", "--model",
                          "fake-model", "--base-url", p->v1, "--fresh", "--batch-file", "files")),
        2);
    free(before);
    free(after);
}

/* Answers that do not fit stay in the ledger: a plain rerun fails in the same way without a
 * request, --retry-failed asks for the failed ones alone. */
static void retry_failed_asks_for_failures_alone(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    /* The first answers of the run: three questions and all their further tries. */
    place_script(p, "/fake/script", "{\"faults\":[\"nonjson:0.5\"]}");
    struct run *r = generate(p, "--verbose");
    run_expect(r, 3);
    size_t n_failed = place_rows(p, "qa_failures.jsonl");
    size_t n_good = place_rows(p, "qa.json");
    assert_in_range(n_failed, 1, 11);
    assert_true(n_good > 0);
    place_script(p, "/fake/script", "{\"faults\":[]}");
    place_script(p, "/fake/reset", "{}");
    run_expect(generate(p, NULL), 3);
    assert_int_equal(place_stat(p, "requests"), 0);
    assert_int_equal(place_rows(p, "qa_failures.jsonl"), n_failed);
    run_expect(generate(p, "--retry-failed"), 0);
    assert_int_equal(place_stat(p, "requests"), n_failed);
    assert_false(place_has(p, "qa_failures.jsonl"));
    assert_true(place_rows(p, "qa.json") > n_good);
    /* And what was paid for then is found by a run without it. */
    place_script(p, "/fake/reset", "{}");
    char *with = place_read(p, "qa.json", NULL);
    run_expect(generate(p, NULL), 0);
    char *without = place_read(p, "qa.json", NULL);
    assert_string_equal(with, without);
    assert_int_equal(place_stat(p, "requests"), 0);
    free(with);
    free(without);
}

/* Failures of the transport leave no answer: the next run asks for them by itself. */
static void failures_without_an_answer_are_asked_again(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    place_script(p, "/fake/script", "{\"faults\":[\"400ctx@1-3\"]}");
    run_expect(generate(p, NULL), 3);
    assert_int_equal(place_rows(p, "qa_failures.jsonl"), 3);
    struct gen_json_doc *summary = place_summary(p, "qa");
    assert_int_equal(summary_count(summary, "generate", "failed.context_overflow"), 3);
    gen_json_doc_free(summary);
    place_script(p, "/fake/script", "{\"faults\":[]}");
    place_script(p, "/fake/reset", "{}");
    run_expect(generate(p, NULL), 0);
    assert_int_equal(place_stat(p, "requests"), 3);
    assert_false(place_has(p, "qa_failures.jsonl"));
}

/* The failures file names chunk, class, message and attempts. */
static void the_failures_file_explains(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--fault", "400ctx@1"));
    run_expect(pipeline(p, ARGS("--workers", "1")), 3);
    char *text = place_read(p, "t_failures.jsonl", NULL);
    struct gen_json_doc *doc = NULL;
    assert_int_equal(gen_json_parse(&doc, gen_str_from(text), NULL), GEN_OK);
    const struct gen_json *row = gen_json_root(doc);
    int64_t attempts = 0;
    assert_true(gen_json_get_str(row, "stage").n > 0);
    assert_true(gen_str_is(gen_json_get_str(row, "class"), "context_overflow"));
    assert_true(gen_str_find(gen_json_get_str(row, "message"), GEN_STR("context length"), 0) !=
                SIZE_MAX);
    assert_true(gen_json_get_str(row, "chunk_id").n > 0);
    assert_true(gen_json_as_int(gen_json_get(row, "attempts"), &attempts));
    assert_int_equal(attempts, 1);
    gen_json_doc_free(doc);
    free(text);
}

/* A parameter that the server refuses is left out, once, and remembered by the ledger. */
static void refused_parameters_are_remembered(void **state)
{
    static const char *const params[] = {"temperature", "response_format", "seed"};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        char field[32];
        (void)snprintf(field, sizeof(field), "\"%s\"", params[i]);
        place_serve(p, ARGS("--reject-param", params[i]));
        struct run *r = pipeline(p, ARGS("--workers", "1", "--seed", "5"));
        run_expect(r, 0);
        run_expect_said(r, ARGS("does not take", field));
        /* JSON mode is tried when a schema is refused, and refused as well. */
        long long n_refused = strcmp(params[i], "response_format") == 0 ? 2 : 1;
        assert_int_equal(place_stat(p, "by_status.400"), n_refused);
        r = pipeline(p, ARGS("--workers", "1", "--seed", "6"));
        run_expect(r, 0);
        assert_int_equal(place_stat(p, "by_status.400"), n_refused);
        place_remove(p, "t.ledger");
    }
}

/* Many at once come back with the same complaint. */
static void a_burst_of_refused_parameters(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--reject-param", "temperature", "--latency-ms", "50"));
    struct run *r = pipeline(p, ARGS("--workers", "64"));
    run_expect(r, 0);
    const char *first = strstr(r->err, "from now on it is left out");
    assert_non_null(first);
    assert_null(strstr(first + 1, "from now on it is left out"));
    assert_in_range(place_stat(p, "by_status.400"), 1, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_second_run_sends_nothing),
        TEST(what_is_not_asked_is_not_paid),
        TEST(fresh_asks_everything_again),
        TEST(bad_fresh_answers_lose_nothing),
        TEST(retry_failed_asks_for_failures_alone),
        TEST(failures_without_an_answer_are_asked_again),
        TEST(the_failures_file_explains),
        TEST(refused_parameters_are_remembered),
        TEST(a_burst_of_refused_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
