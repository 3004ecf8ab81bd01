/*
 * --provider claude: with a program that plays the Claude Code CLI (test/support/fakeclaude.c), and
 * without any. With CLAUDE_BIN=path the real program is run as well, against fakellm.
 */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define LOG_FILE   "calls.log"

/* The runs inherit PATH from us. */
static int setup(void **state)
{
    char path[4096];
    const char *old = getenv("PATH");
    (void)snprintf(path, sizeof(path), "%s:%s", FAKECLAUDE_DIR, old ? old : "/usr/bin:/bin");
    return setenv("PATH", path, 1) == 0 ? place_setup(state) : -1;
}

static int teardown(void **state)
{
    const char *path = getenv("PATH");
    const char *rest = path ? strchr(path, ':') : NULL;
    if (rest && setenv("PATH", rest + 1, 1) != 0)
        return -1;
    return place_teardown(state);
}

/* No claude is found: in a folder that is empty, and not where it is usually installed. */
static void hide_the_program(const struct place *p)
{
    char path[256];
    if (access("/usr/local/bin/claude", X_OK) == 0)
        skip();
    (void)snprintf(path, sizeof(path), "%s:", p->dir);
    assert_int_equal(setenv("PATH", path, 1), 0);
}

static struct run *run_as(struct place *p, const char *behaviour, bool once)
{
    char name[64], log[128], mark[128];
    (void)snprintf(name, sizeof(name), "FAKECLAUDE=%s", behaviour);
    (void)snprintf(log, sizeof(log), "FAKECLAUDE_LOG=%s/" LOG_FILE, p->dir);
    (void)snprintf(mark, sizeof(mark), "FAKECLAUDE_ONCE=%s/once", p->dir);
    const char *const env[] = {name, log, once ? mark : NULL, NULL};
    return place_run_env(p,
                         ARGS("pipeline", CHUNKS, "-o", "t.jsonl", "--provider", "claude",
                              "--min-chunk-chars", "0", "--timeout", "3"),
                         env);
}

static void the_whole_pipeline_runs_through_the_program(void **state)
{
    struct place *p = *state;
    run_expect(run_as(p, "ok", false), 0);
    struct gen_json_doc *summary = place_summary(p, "t");
    assert_true(place_rows(p, "t.jsonl") > 0);
    assert_true(gen_str_is(summary_text(summary, "provider"), "claude"));
    assert_int_equal(summary_sum(summary, "generate", "failed"), 0);
    gen_json_doc_free(summary);
    /* Nothing is asked twice, nor a second time by the same command. */
    size_t n_calls = place_count_lines(p, LOG_FILE);
    assert_true(n_calls >= 12);
    run_expect(run_as(p, "ok", false), 0);
    assert_int_equal(place_count_lines(p, LOG_FILE), n_calls);
}

static void what_passes_is_tried_again(void **state)
{
    static const char *const behaviours[] = {"rate",    "over",  "500", "refused",
                                             "garbage", "crash", "slow"};
    for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
        struct place *p = *state;
        run_expect(run_as(p, behaviours[i], true), 0);
        assert_true(place_rows(p, "t.jsonl") > 0);
        place_remove(p, "t.ledger");
        place_remove(p, "once");
    }
}

struct failure_case {
    const char *behaviour;
    const char *says;
};

/* What no later call can mend ends the run with 5, after few calls. */
static void what_does_not_pass_stops_the_run(void **state)
{
    static const struct failure_case cases[] = {
        {"login", "claude auth login"}, {"401", "Invalid API key"}, {"credit", "add funds"},
        {"limit", "resets 3am"},        {"model", "--model"},       {"old", "claude update"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct place *p = *state;
        struct run *r = run_as(p, cases[i].behaviour, false);
        run_expect(r, 5);
        run_expect_says(r, cases[i].says);
        assert_true(place_count_lines(p, LOG_FILE) <= 8);
        place_remove(p, "t.ledger");
        place_remove(p, LOG_FILE);
    }
}

/* What is about one item fails that item alone, under its name. */
static void what_is_about_one_item_fails_that_item(void **state)
{
    static const struct failure_case cases[] = {
        {"ctx", "context_overflow"}, {"refuse", "blocked"}, {"noprompt", "bad_request"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct place *p = *state;
        size_t n = 0;
        run_expect(run_as(p, cases[i].behaviour, true), 3);
        char *failures = place_read(p, "t_failures.jsonl", &n);
        assert_non_null(strstr(failures, cases[i].says));
        free(failures);
        assert_true(place_rows(p, "t.jsonl") > 0);
        place_remove(p, "t.ledger");
        place_remove(p, "once");
    }
}

static void a_program_that_hangs_is_ended(void **state)
{
    struct place *p = *state;
    struct run *r = run_as(p, "hang", true);
    run_expect(r, 0);
    assert_true(r->took_ms < 40000);
    assert_true(place_rows(p, "t.jsonl") > 0);
}

static void without_program_and_key_it_says_what_to_do(void **state)
{
    struct place *p = *state;
    hide_the_program(p);
    struct run *r = place_run(p, ARGS("generate", CHUNKS, "-o", "q.json", "--provider", "claude"));
    run_expect(r, 2);
    run_expect_said(r, ARGS("claude", "neither in PATH", "npm install", "ANTHROPIC_API_KEY"));
    assert_false(place_has(p, "q.json"));
}

static void without_program_but_with_key_the_api_is_used_and_that_is_said(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--api-key", "sk-ant-test-0123456789"));
    hide_the_program(p);
    struct run *r = place_run_env(p,
                                  ARGS("generate", CHUNKS, "-o", "q.json", "--provider", "claude",
                                       "--base-url", p->server.url, "--min-chunk-chars", "0"),
                                  ARGS("ANTHROPIC_API_KEY=sk-ant-test-0123456789"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("the API is used instead", "provider anthropic", "ANTHROPIC_API_KEY"));
    assert_true(place_stat(p, "by_status.200") >= 12);
    assert_null(strstr(r->err, "sk-ant-test"));
    struct gen_json_doc *summary = place_summary(p, "q");
    assert_true(gen_str_is(summary_text(summary, "provider"), "anthropic"));
    gen_json_doc_free(summary);
}

/* The real program, by the folder of a link named "claude", talking to fakellm. */
static void the_real_program_answers(void **state)
{
    struct place *p = *state;
    const char *real = getenv("CLAUDE_BIN");
    char dir[128], name[160], path[8192], url[128], home[128];
    if (!real || !*real) {
        print_message("skipped: set CLAUDE_BIN to the path of the Claude Code program\n");
        skip();
    }
    place_serve(p, NULL);
    (void)snprintf(dir, sizeof(dir), "%s/bin", p->dir);
    (void)snprintf(name, sizeof(name), "%s/claude", dir);
    (void)snprintf(path, sizeof(path), "%s:%s", dir, getenv("PATH"));
    (void)snprintf(url, sizeof(url), "ANTHROPIC_BASE_URL=%s", p->server.url);
    (void)snprintf(home, sizeof(home), "CLAUDE_CONFIG_DIR=%s/home", p->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(symlink(real, name), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
    struct run *r = place_run_env(
        p,
        ARGS("generate", CHUNKS, "-o", "q.json", "--provider", "claude", "--min-chunk-chars", "0"),
        ARGS(url, home, "ANTHROPIC_API_KEY=sk-ant-test-0123456789"));
    (void)unlink(name);
    (void)rmdir(dir);
    run_expect(r, 0);
    assert_true(place_rows(p, "q.json") > 0);
    struct gen_json_doc *summary = place_summary(p, "q");
    assert_int_equal(summary_sum(summary, "generate", "failed"), 0);
    gen_json_doc_free(summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_whole_pipeline_runs_through_the_program),
        TEST(what_passes_is_tried_again),
        TEST(what_does_not_pass_stops_the_run),
        TEST(what_is_about_one_item_fails_that_item),
        TEST(a_program_that_hangs_is_ended),
        TEST(without_program_and_key_it_says_what_to_do),
        TEST(without_program_but_with_key_the_api_is_used_and_that_is_said),
        TEST(the_real_program_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
