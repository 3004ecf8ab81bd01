/* `generator status`: after runs, while one writes, after kill -9, and on what is no ledger. */
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define GENERATE(p)                                                                                \
    "generate", CHUNKS, "-o", "t.json", "--provider", "vllm", "--model", "fake-model",             \
        "--base-url", (p)->v1, "--progress", "none", "--min-chunk-chars", "0", "--workers", "4"

/* The status as a document (the caller's). */
static struct gen_json_doc *status_json(struct place *p)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err;
    struct run *r = place_run(p, ARGS("status", "t.ledger", "--json"));
    run_expect(r, 0);
    assert_string_equal(r->err, "");
    if (gen_json_parse(&doc, gen_str_from(r->out), &err) != GEN_OK)
        fail_msg("%s in %s", err.msg, r->out);
    return doc;
}

static int64_t number(const struct gen_json *object, const char *key)
{
    int64_t n = -1;
    if (!gen_json_as_int(gen_json_get(object, key), &n))
        fail_msg("%s is no number", key);
    return n;
}

static const struct gen_json *run_at(const struct gen_json_doc *doc, size_t i)
{
    return gen_json_at(gen_json_get(gen_json_root(doc), "runs"), i);
}

/* Plain text: no line over 79 columns, nothing on standard error. */
static struct run *status_text(struct place *p)
{
    struct run *r = place_run(p, ARGS("status", "t.ledger"));
    run_expect(r, 0);
    assert_string_equal(r->err, "");
    for (const char *line = r->out; *line;) {
        size_t n = strcspn(line, "\n");
        assert_in_range(n, 0, 79);
        line += n + (line[n] == '\n');
    }
    return r;
}

static void runs_and_their_calls(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS(GENERATE(p))), 0);
    long long n = place_stat(p, "requests");
    place_script(p, "/fake/script", "{\"faults\":[\"nonjson:1\"]}");
    run_expect(place_run(p, ARGS(GENERATE(p), "--fresh", "--max-chunks", "2")), 3);
    place_script(p, "/fake/script", "{\"faults\":[]}");
    run_expect(place_run(p, ARGS(GENERATE(p), "--max-chunks", "1", "--verbose")), 0);

    struct gen_json_doc *doc = status_json(p);
    const struct gen_json *root = gen_json_root(doc);
    assert_int_equal(gen_json_count(gen_json_get(root, "runs")), 3);
    assert_int_equal(gen_json_count(gen_json_get(root, "batches")), 0);
    const struct gen_json *first = run_at(doc, 2);
    assert_int_equal(number(first, "run"), 1);
    assert_int_equal(number(first, "answered"), n);
    assert_int_equal(number(first, "from_ledger"), 0);
    assert_int_equal(number(first, "exit_status"), 0);
    assert_true(number(first, "tokens_in") > 0);
    assert_true(gen_str_is(gen_json_get_str(first, "end"), "done"));
    assert_true(gen_str_is(gen_json_get_str(first, "command"), "generate"));
    assert_true(gen_str_is(gen_json_get_str(run_at(doc, 1), "end"), "some_failed"));
    assert_int_equal(number(run_at(doc, 0), "answered"), 0);
    assert_int_equal(number(run_at(doc, 0), "from_ledger"), 1);
    assert_int_equal(number(gen_json_get(root, "totals"), "from_ledger"), 1);
    assert_int_equal(number(gen_json_get(root, "totals"), "unknown"), 0);
    gen_json_doc_free(doc);

    struct run *r = status_text(p);
    static const char *const parts[] = {"t.ledger: 3 runs",
                                        "run 3 ",
                                        "done, some items failed",
                                        "1 from the ledger",
                                        "--max-chunks",
                                        "all runs together",
                                        "tokens",
                                        "cost"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!strstr(r->out, parts[i]))
            fail_msg("\"%s\" is missing in:\n%s", parts[i], r->out);
    }
    assert_true(strstr(r->out, "run 3 ") < strstr(r->out, "run 1 "));
}

/* A reader does not disturb the writer, and what was under way when it was killed is said. */
static void while_it_runs_and_after_kill(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS(GENERATE(p), "--max-chunks", "3")), 0);
    place_script(p, "/fake/reset", "{}");
    place_script(p, "/fake/script", "{\"latency_ms\":20000}");
    const char *const args[] = {GENERATE(p), NULL};
    const struct run_spec spec = {.args = args, .dir = p->dir};
    struct run *writer = place_start(p, &spec);
    for (int i = 0; i < 1000 && place_stat(p, "requests") < 4; i++)
        run_sleep_ms(5);
    for (int killed = 0; killed < 2; killed++) {
        struct gen_json_doc *doc = status_json(p);
        const struct gen_json *run = run_at(doc, 0);
        assert_true(gen_str_is(gen_json_get_str(run, "end"), "running_or_killed"));
        assert_int_equal(number(run, "under_way"), 4);
        assert_int_equal(gen_json_type(gen_json_get(run, "from_ledger")), GEN_JSON_NULL);
        assert_int_equal(gen_json_type(gen_json_get(run, "exit_status")), GEN_JSON_NULL);
        gen_json_doc_free(doc);
        assert_non_null(strstr(status_text(p)->out, "still running or killed"));
        if (!killed) {
            assert_int_equal(kill(writer->pid, 0), 0);
            assert_int_equal(kill(writer->pid, SIGKILL), 0);
            run_wait(writer);
        }
    }
    place_script(p, "/fake/script", "{\"latency_ms\":0}");
    run_expect(place_run(p, args), 0);
    struct gen_json_doc *doc = status_json(p);
    assert_true(gen_str_is(gen_json_get_str(run_at(doc, 1), "end"), "killed"));
    assert_int_equal(number(run_at(doc, 1), "unknown"), 4);
    assert_int_equal(number(run_at(doc, 1), "under_way"), 0);
    assert_int_equal(number(run_at(doc, 0), "from_ledger"), 3);
    gen_json_doc_free(doc);
    assert_non_null(strstr(status_text(p)->out, "4 unknown (may be billed)"));
}

static void what_is_no_ledger_is_refused(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("status", "missing.ledger"));
    run_expect(r, 2);
    run_expect_says(r, "there is no ledger missing.ledger");
    assert_false(place_has(p, "missing.ledger"));
    place_write(p, "t.json", "[{\"question\": \"What?\"}]");
    r = place_run(p, ARGS("status", "t.json", "--json"));
    run_expect(r, 2);
    run_expect_says(r, "not an SQLite file");
    assert_string_equal(r->out, "");
    run_expect(place_run(p, ARGS("status", ".")), 2);
    run_expect(place_run(p, ARGS("status")), 2);

    /* The version of the tables is at byte 60, big-endian. */
    size_t n = 0;
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "q.json", "--provider", "extractive",
                                 "--progress", "none", "--max-chunks", "1")),
               0);
    char *bytes = place_read(p, "q.ledger", &n);
    bytes[63] = 99;
    place_write_bytes(p, "q.ledger", bytes, n);
    free(bytes);
    r = place_run(p, ARGS("status", "q.ledger"));
    run_expect(r, 1);
    run_expect_says(r, "has version 99, this generator knows up to");
    run_expect_says(r, "newer generator");
}

static void full_output_is_reported(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "t.json", "--provider", "extractive",
                                 "--progress", "none", "--max-chunks", "1")),
               0);
    const char *const args[] = {"status", "t.ledger", NULL};
    const struct run_spec spec = {.args = args, .dir = p->dir, .stdout_path = "/dev/full"};
    struct run *r = place_start(p, &spec);
    run_wait(r);
    run_expect(r, 1);
    run_expect_says(r, "standard output cannot be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_and_their_calls),
        TEST(while_it_runs_and_after_kill),
        TEST(what_is_no_ledger_is_refused),
        TEST(full_output_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
