/* tool-generate, tool-execute, tool-curate and tool-pipeline from end to end, on the bundled file
 * and the real HDF5 server: the promises of the README, and what interruptions leave. */
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HDF5    PROJECT_DIR "/configs/hdf5_tools.json"
#define RULES   "--provider", "extractive", "--progress", "none"
#define FAKE(p) "--provider", "vllm", "--model", "fake-model", "--base-url", (p)->v1
#define LIMIT_S 240U

static struct run *run_long(struct place *p, const char *const *args)
{
    const struct run_spec spec = {.args = args, .dir = p->dir, .limit_s = LIMIT_S};
    struct run *r = place_start(p, &spec);
    run_wait(r);
    return r;
}

static int64_t number_at(const struct gen_json_doc *doc, const char *a, const char *b,
                         const char *c)
{
    const struct gen_json *v = gen_json_get(gen_json_get(gen_json_root(doc), a), b);
    int64_t n = -1;
    if (!gen_json_as_int(c ? gen_json_get(v, c) : v, &n))
        fail_msg("no number at %s.%s.%s", a, b, c ? c : "");
    return n;
}

/* The figures of the issue: everything valid, without placeholders, executed, every tool used. */
static void the_bundled_file_gives_what_is_promised(void **state)
{
    struct place *p = *state;
    struct run *r = run_long(p, ARGS("tool-pipeline", HDF5, "-o", "training.jsonl", RULES, "-f",
                                     "jsonl", "--target-pairs", "120"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("mix", "ladder", "coverage", "tools 25 of 25", "execution",
                            "real on generator-hdf5-mcp"));
    struct gen_json_doc *summary = place_summary(p, "training");
    int64_t n = summary_count(summary, "generate", "out");
    assert_int_equal(n, 120);
    assert_int_equal(number_at(summary, "ladder", "in", NULL), n);
    static const char *const rungs[] = {"parse",      "schema",    "references",
                                        "provenance", "execution", "dependence"};
    for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
        assert_int_equal(number_at(summary, "ladder", rungs[i], "passed"), n);
    }
    assert_string_equal(
        gen_str_is(gen_json_get_str(gen_json_get(gen_json_root(summary), "execution"), "mode"),
                   "real")
            ? "real"
            : "else",
        "real");
    gen_json_doc_free(summary);
    assert_true(place_has(p, "training_all_rated.json"));
    assert_true(place_has(p, "training_metrics.json"));
    assert_true(place_has(p, "training_distribution.json"));
    assert_false(place_has(p, "training_failures.jsonl"));
    char *text = place_read(p, "training.jsonl", NULL);
    assert_null(strstr(text, "$result"));
    free(text);
}

/* Three commands give what the pipeline gives. */
static void step_by_step(void **state)
{
    struct place *p = *state;
    run_expect(
        run_long(p, ARGS("tool-generate", HDF5, "-o", "a.json", RULES, "--target-pairs", "30")), 0);
    assert_int_equal(place_rows(p, "a.json"), 30);
    struct run *r =
        run_long(p, ARGS("tool-execute", "a.json", "-o", "b.json", RULES, "--tools", HDF5));
    run_expect(r, 0);
    run_expect_says(r, "real on generator-hdf5-mcp");
    assert_int_equal(place_rows(p, "b.json"), 30);
    r = run_long(p, ARGS("tool-curate", "b.json", "-o", "c.json", RULES, "--tools", HDF5));
    run_expect(r, 0);
    run_expect_said(r, ARGS("ladder", "coverage"));
    assert_true(place_rows(p, "c.json") > 0);
    r = run_long(p, ARGS("export", "c.json", "-o", "d.jsonl", "-f", "chatml"));
    run_expect(r, 0);
    assert_int_equal(place_rows(p, "d.jsonl"), place_rows(p, "c.json"));
    /* Not executed: two rungs are not looked at, and it says so. */
    r = run_long(p, ARGS("tool-curate", "a.json", "-o", "e.json", RULES));
    run_expect(r, 0);
    run_expect_says(r, "not looked at");
}

static void targets_are_exact(void **state)
{
    static const char *const targets[] = {"1", "7", "40"};
    static const char *const kinds[] = {"--single-step", "--multi-step", "-q"};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "t%zu.json", i);
        run_expect(run_long(p, ARGS("tool-generate", HDF5, "-o", name, RULES, "--target-pairs",
                                    targets[i], kinds[i])),
                   0);
        char rows[16];
        (void)snprintf(rows, sizeof(rows), "%zu", place_rows(p, name));
        assert_string_equal(rows, targets[i]);
    }
}

/* The same seed gives the same bytes, another one others. */
static void seeds(void **state)
{
    static const char *const seed[] = {"1", "1", "2"};
    static const char *const name[] = {"a.jsonl", "b.jsonl", "c.jsonl"};
    struct place *p = *state;
    for (size_t i = 0; i < 3; i++)
        run_expect(run_long(p, ARGS("tool-pipeline", HDF5, "-o", name[i], RULES, "--seed", seed[i],
                                    "--target-pairs", "20")),
                   0);
    assert_true(place_same(p, "a.jsonl", "b.jsonl"));
    assert_false(place_same(p, "a.jsonl", "c.jsonl"));
}

/* Killed at any moment, the same command ends with the bytes of an undisturbed run. */
static void killed_and_resumed(void **state)
{
    struct place *p = *state;
    run_expect(run_long(p, ARGS("tool-pipeline", HDF5, "-o", "whole.jsonl", RULES, "--target-pairs",
                                "40")),
               0);
    const char *const *args =
        ARGS("tool-pipeline", HDF5, "-o", "cut.jsonl", RULES, "--target-pairs", "40");
    for (unsigned ms = 150; ms <= 1200; ms += 350) {
        const struct run_spec spec = {.args = args, .dir = p->dir, .limit_s = LIMIT_S};
        struct run *r = place_start(p, &spec);
        run_sleep_ms(ms);
        (void)kill(r->pid, SIGKILL);
        run_wait(r);
    }
    run_expect(run_long(p, args), 0);
    assert_true(place_same(p, "whole.jsonl", "cut.jsonl"));
    /* Nothing is left to ask or to do. */
    run_expect(run_long(p, args), 0);
    struct gen_json_doc *summary = place_summary(p, "cut");
    assert_int_equal(summary_total(summary, "requests_sent"), 0);
    gen_json_doc_free(summary);
    assert_true(place_same(p, "whole.jsonl", "cut.jsonl"));
}

static void interrupted(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--latency-ms", "200"));
    const char *const *args = ARGS("tool-pipeline", HDF5, "-o", "a.jsonl", FAKE(p), "--progress",
                                   "none", "--target-pairs", "30", "--workers", "2");
    const struct run_spec spec = {.args = args, .dir = p->dir, .limit_s = LIMIT_S};
    struct run *r = place_start(p, &spec);
    for (unsigned i = 0; i < 200 && place_stat(p, "requests") < 4; i++)
        run_sleep_ms(50);
    (void)kill(r->pid, SIGINT);
    run_wait(r);
    run_expect(r, 130);
    run_expect_says(r, "interrupted");
    assert_false(place_has(p, "a.jsonl"));
}

/* What was recorded is replayed without a server, and gives the same rows. A second recording does
 * not leave out what the ledger knows. */
static void recorded_and_replayed(void **state)
{
    struct place *p = *state;
    const char *const *args = ARGS("tool-pipeline", HDF5, "-o", "a.jsonl", RULES, "--target-pairs",
                                   "20", "-f", "openai", "--record", "calls.jsonl");
    run_expect(run_long(p, args), 0);
    size_t n_calls = place_rows(p, "calls.jsonl");
    run_expect(run_long(p, args), 0);
    assert_int_equal(place_rows(p, "calls.jsonl"), n_calls);
    struct run *r =
        run_long(p, ARGS("tool-pipeline", HDF5, "-o", "b.jsonl", RULES, "--target-pairs", "20",
                         "-f", "openai", "--replay", "calls.jsonl"));
    run_expect(r, 0);
    run_expect_says(r, "replay");
    assert_true(place_same(p, "a.jsonl", "b.jsonl"));
}

/* A model server with the protocol of the real ones. */
static void over_http(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    struct run *r = run_long(p, ARGS("tool-pipeline", HDF5, "-o", "a.jsonl", FAKE(p), "--progress",
                                     "none", "--target-pairs", "20"));
    run_expect(r, 0);
    assert_true(place_rows(p, "a.jsonl") >= 14);
    long long n = place_stat(p, "requests");
    assert_true(n > 0);
    r = run_long(p, ARGS("tool-pipeline", HDF5, "-o", "a.jsonl", FAKE(p), "--progress", "none",
                         "--target-pairs", "20"));
    assert_int_equal(place_stat(p, "requests"), n);
}

static void agent_and_simulation(void **state)
{
    struct place *p = *state;
    struct run *r = run_long(p, ARGS("tool-pipeline", HDF5, "-o", "a.jsonl", RULES, "--agent", "-f",
                                     "jsonl", "--target-pairs", "10"));
    assert_true(r->status == 0 || r->status == 3);
    assert_true(place_rows(p, "a.jsonl") > 0);
    r = run_long(p, ARGS("tool-pipeline", HDF5, "-o", "b.jsonl", RULES, "--mode", "simulated", "-f",
                         "jsonl", "--target-pairs", "10"));
    assert_true(r->status == 0 || r->status == 3);
    run_expect_says(r, "simulated by");
}

static void a_dead_endpoint(void **state)
{
    struct place *p = *state;
    struct run *r = run_long(p, ARGS("tool-pipeline", HDF5, "-o", "a.jsonl", "--provider", "vllm",
                                     "--model", "m", "--base-url", "http://127.0.0.1:1/v1",
                                     "--progress", "none", "--target-pairs", "5"));
    run_expect(r, 5);
    assert_false(place_has(p, "a.jsonl"));
}

/* Drafts without execution and without checks say so. */
static void without_execution(void **state)
{
    struct place *p = *state;
    struct run *r =
        run_long(p, ARGS("tool-pipeline", HDF5, "-o", "draft.json", RULES, "--skip-curation",
                         "--mode", "none", "-f", "jsonl", "--target-pairs", "10"));
    run_expect(r, 0);
    run_expect_says(r, "not executed: --mode none");
    assert_false(place_has(p, "draft_all_rated.json"));
    char *text = place_read(p, "draft.json", NULL);
    assert_int_equal(text[0], '[');
    free(text);
}

static void categories_by_mix(void **state)
{
    struct place *p = *state;
    struct run *r = run_long(p, ARGS("tool-generate", HDF5, "-o", "a.json", RULES, "--mix",
                                     "single=1,irrelevance=1", "--target-pairs", "20"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("single 10 of 10", "irrelevance 10 of 10"));
    struct gen_json_doc *summary = place_summary(p, "a");
    assert_int_equal(number_at(summary, "mix", "irrelevance", "made"), 10);
    gen_json_doc_free(summary);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_bundled_file_gives_what_is_promised),
        TEST(step_by_step),
        TEST(targets_are_exact),
        TEST(seeds),
        TEST(killed_and_resumed),
        TEST(interrupted),
        TEST(recorded_and_replayed),
        TEST(over_http),
        TEST(agent_and_simulation),
        TEST(a_dead_endpoint),
        TEST(without_execution),
        TEST(categories_by_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
