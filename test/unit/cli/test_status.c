/* What `generator status` makes of a ledger: as text, as JSON, with many runs, with bad texts. */
#include "cli/status.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char path[64];
    struct gen_ledger *ledger;
    struct gen_buf out;
};

static void must(int rc, const struct gen_error *err)
{
    if (rc != GEN_OK)
        fail_msg("code %d: %s", rc, err->msg);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "/tmp/gen-status-XXXXXX");
    int fd = mkstemp(f->path);
    f->out = gen_buf_make((size_t)1 << 24);
    *state = f;
    return fd < 0 || close(fd) != 0 ||
           gen_ledger_open(&f->ledger, &gen_ledger_sqlite, f->path, false, NULL) != GEN_OK;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    gen_ledger_close(f->ledger);
    gen_buf_release(&f->out);
    int rc = unlink(f->path);
    free(f);
    return rc;
}

static int64_t begin_run(struct fixture *f, struct gen_str arguments)
{
    struct gen_run_info info = {GEN_STR("generate"), arguments, GEN_STR("0.3.0"), 7};
    struct gen_error err;
    int64_t id = 0;
    must(gen_ledger_run_begin(f->ledger, &info, &id, &err), &err);
    return id;
}

static void end_run(struct fixture *f, int64_t run, int status, const char *account)
{
    struct gen_error err;
    must(gen_ledger_run_end(f->ledger, run, status, gen_str_from(account), &err), &err);
}

static int64_t send(struct fixture *f, int64_t run, const char *step)
{
    static uint64_t number;
    struct gen_digest key = {{0}};
    struct gen_error err;
    int64_t id = 0;
    number++;
    memcpy(key.bytes, &number, sizeof(number));
    must(gen_ledger_attempt_sent(f->ledger, &key, run, gen_str_from(step), 1, &id, &err), &err);
    return id;
}

static void answer(struct fixture *f, int64_t run, const char *step, struct gen_usage usage)
{
    struct gen_error err;
    struct gen_digest key = {{1}};
    struct gen_answer a = {.text = GEN_STR("x"), .usage = usage, .latency_us = 2000000};
    must(gen_ledger_attempt_answered(f->ledger, send(f, run, step), &key, &a, &err), &err);
}

static void fail_call(struct fixture *f, int64_t run, const char *step, struct gen_str class_name)
{
    struct gen_error err;
    struct gen_attempt_end end = {
        .state = GEN_ATTEMPT_FAILED, .class_name = class_name, .usage = {-1, -1, -1, -1, -1, 0}};
    must(gen_ledger_attempt_ended(f->ledger, send(f, run, step), &end, &err), &err);
}

static const char *show(struct fixture *f)
{
    struct gen_status s;
    struct gen_error err;
    gen_buf_clear(&f->out);
    must(gen_status_read(&s, f->ledger, "run.ledger", &err), &err);
    must(gen_status_text(&s, &f->out, &err), &err);
    gen_status_release(&s);
    for (const char *line = f->out.data; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > 79)
            fail_msg("too long: %.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
    return f->out.data;
}

static struct gen_json_doc *show_json(struct fixture *f)
{
    struct gen_json_doc *doc = NULL;
    struct gen_status s;
    struct gen_error err;
    gen_buf_clear(&f->out);
    must(gen_status_read(&s, f->ledger, "run.ledger", &err), &err);
    must(gen_status_json(&s, &f->out, &err), &err);
    gen_status_release(&s);
    must(gen_json_parse(&doc, gen_buf_str(&f->out), &err), &err);
    return doc;
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is missing in:\n%s", part, text);
}

static int64_t number(const struct gen_json *object, const char *key)
{
    int64_t n = -5;
    (void)gen_json_as_int(gen_json_get(object, key), &n);
    return n;
}

static void an_empty_ledger(void **state)
{
    const char *text = show(*state);
    expect(text, "run.ledger: 0 runs, 0 answers kept\n");
    expect(text, "nothing was sent");
    struct gen_json_doc *doc = show_json(*state);
    assert_int_equal(number(gen_json_get(gen_json_root(doc), "totals"), "answered"), 0);
    gen_json_doc_free(doc);
}

static void calls_tokens_and_cost(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin_run(f, GEN_STR("generator generate a.lancedb -o qa.json"));
    for (int i = 0; i < 1200; i++)
        answer(f, run, "generate", (struct gen_usage){1000, 10, 500, 0, 100, 0});
    answer(f, run, "enrich", (struct gen_usage){10, 1, -1, -1, -1, 0});
    fail_call(f, run, "generate", GEN_STR("rate_limit"));
    fail_call(f, run, "generate", GEN_STR("rate_limit"));
    fail_call(f, run, "generate", GEN_STR("malformed"));
    fail_call(f, run, "generate", GEN_STR(""));
    end_run(f, run, 4,
            "{\"stages\":[{\"stage\":\"generate\",\"calls_from_ledger\":34},"
            "{\"stage\":\"curate\",\"calls_from_ledger\":5},7,{\"stage\":3}]}");
    const char *text = show(f);
    expect(text, "stopped by the budget");
    expect(text, "generator generate a.lancedb -o qa.json");
    expect(text, "generate 1,200 answered, 34 from the ledger, 4 failed (rate_limit 2,\n"
                 "           malformed 1, unclassified 1)\n");
    expect(text, "enrich   1 answered\n");
    expect(text, "curate   0 answered, 5 from the ledger\n");
    expect(text, "1,200,010 in, 600,000 of them cached, 12,001 out\n");
    expect(text, "cost     at least $0.1200, 1 answer has no price\n");

    struct gen_json_doc *doc = show_json(f);
    const struct gen_json *json = gen_json_at(gen_json_get(gen_json_root(doc), "runs"), 0);
    double cost = 0;
    assert_int_equal(number(json, "answered"), 1201);
    assert_int_equal(number(json, "from_ledger"), 39);
    assert_int_equal(number(json, "failed"), 4);
    assert_int_equal(number(gen_json_get(json, "failed_by_class"), "rate_limit"), 2);
    assert_int_equal(number(json, "answers_without_price"), 1);
    assert_int_equal(gen_json_count(gen_json_get(json, "steps")), 3);
    assert_true(gen_json_as_real(gen_json_get(json, "cost_usd"), &cost));
    assert_true(cost > 0.1199 && cost < 0.1201);
    assert_true(gen_str_is(gen_json_get_str(json, "end"), "budget"));
    gen_json_doc_free(doc);
}

static void what_nobody_said_is_unknown(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin_run(f, GEN_STR("generator generate"));
    answer(f, run, "generate", (struct gen_usage){-1, -1, -1, -1, -1, 0});
    const char *text = show(f);
    expect(text, "unknown: the server gave no counts");
    expect(text, "unknown: the model has no price");
    struct gen_json_doc *doc = show_json(f);
    const struct gen_json *json = gen_json_get(gen_json_root(doc), "totals");
    assert_int_equal(gen_json_type(gen_json_get(json, "cost_usd")), GEN_JSON_NULL);
    assert_int_equal(gen_json_type(gen_json_get(json, "tokens_in")), GEN_JSON_NULL);
    gen_json_doc_free(doc);
}

static void how_runs_end(void **state)
{
    static const struct {
        int exit_status;
        const char *words, *name;
    } ends[] = {
        {0, " done", "done"},
        {1, "this machine failed", "machine_failed"},
        {2, "wrong input or configuration", "usage"},
        {3, "done, some items failed", "some_failed"},
        {4, "stopped by the budget", "budget"},
        {5, "provider unusable", "provider_unusable"},
        {6, "waiting for answers in files", "waiting"},
        {130, "interrupted", "interrupted"},
        {77, " ended", "other"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        end_run(f, begin_run(f, GEN_STR("x")), ends[i].exit_status, "no JSON");
        expect(show(f), ends[i].words);
        struct gen_json_doc *doc = show_json(f);
        const struct gen_json *run = gen_json_at(gen_json_get(gen_json_root(doc), "runs"), 0);
        assert_true(gen_str_is(gen_json_get_str(run, "end"), ends[i].name));
        gen_json_doc_free(doc);
    }
    (void)send(f, begin_run(f, GEN_STR("x")), "generate");
    expect(show(f), "still running or killed");
    expect(f->out.data, "1 in flight (or lost, if it was killed)");
    (void)begin_run(f, GEN_STR("x"));
    expect(show(f), "killed, or it failed");
    expect(f->out.data, "1 lost (may be billed)");
}

static void the_oldest_of_many_runs_are_one_sum(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 250; i++) {
        int64_t run = begin_run(f, GEN_STR("generator generate"));
        answer(f, run, "generate", (struct gen_usage){10, 1, 0, 0, 1, 0});
        end_run(f, run, 0, "{}");
    }
    const char *text = show(f);
    expect(text, "run 250 ");
    expect(text, "run 241 ");
    assert_null(strstr(text, "run 240 "));
    expect(text, "and 240 earlier runs (--json shows each)\n  calls    240 answered\n");
    expect(text, "all runs together\n  generate 250 answered\n");
    struct gen_json_doc *doc = show_json(f);
    assert_int_equal(gen_json_count(gen_json_get(gen_json_root(doc), "runs")), 250);
    gen_json_doc_free(doc);
}

static void batches_are_listed(void **state)
{
    struct fixture *f = *state;
    struct gen_digest key = {{0}};
    struct gen_ledger_batch batch = {.provider = GEN_STR("openai"),
                                     .model = GEN_STR("gpt-4o"),
                                     .n_requests = 50000,
                                     .run_id = 1};
    struct gen_error err;
    int64_t ids[4];
    for (int i = 0; i < 4; i++)
        must(gen_ledger_batch_begin(f->ledger, &batch, &key, 1, &ids[i], &err), &err);
    must(gen_ledger_batch_update(f->ledger, ids[1], GEN_BATCH_RUNNING, GEN_STR("batch_x"), &err),
         &err);
    for (int i = 2; i < 4; i++)
        must(gen_ledger_batch_update(f->ledger, ids[i], GEN_BATCH_COLLECTED, GEN_STR("b"), &err),
             &err);
    const char *text = show(f);
    expect(text, "submitting, 50,000 requests\n           openai gpt-4o (the provider's name");
    expect(text, "running, 50,000 requests\n           openai gpt-4o batch_x\n");
    expect(text, "batches    2 collected\n");
    struct gen_json_doc *doc = show_json(f);
    const struct gen_json *batches = gen_json_get(gen_json_root(doc), "batches");
    assert_int_equal(gen_json_count(batches), 4);
    assert_int_equal(number(gen_json_at(batches, 1), "requests"), 50000);
    assert_true(gen_str_is(gen_json_get_str(gen_json_at(batches, 1), "remote_id"), "batch_x"));
    gen_json_doc_free(doc);
}

/* A ledger is a file like any other: what it says must not move the cursor or break the JSON. */
static void bad_texts_are_harmless(void **state)
{
    static const char long_word[] = "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct fixture *f = *state;
    (void)begin_run(f, GEN_STR("a \x1b[2J \xff\xc3 \xc2\x9b"
                               "31m b\nc"));
    int64_t run = begin_run(f, gen_str_from(long_word));
    fail_call(f, run, long_word + 80, gen_str_from(long_word));
    gen_buf_clear(&f->out);
    struct gen_status s;
    struct gen_error err;
    must(gen_status_read(&s, f->ledger, "run.ledger", &err), &err);
    must(gen_status_text(&s, &f->out, &err), &err);
    gen_status_release(&s);
    assert_null(strchr(f->out.data, 0x1b));
    expect(f->out.data, "a ?[2J");
    assert_null(strstr(f->out.data, "\xc2\x9b"));
    expect(f->out.data, "b?c");
    gen_json_doc_free(show_json(f));
}

static void times_are_local(void **state)
{
    char text[GEN_STATUS_TIME_BYTES];
    (void)state;
    assert_int_equal(setenv("TZ", "EST5", 1), 0);
    tzset();
    gen_status_time(text, 1700000000000000);
    assert_string_equal(text, "2023-11-14T17:13:20-05:00");
    gen_status_time(text, INT64_MAX);
    assert_true(strlen(text) > 0);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

/* What tools did is no call of a model: a row of its own, in no sum. */
static void tools_are_shown_apart(void **state)
{
    struct fixture *f = *state;
    struct gen_usage paid = {100, 20, 0, 0, 5000, 0};
    struct gen_usage nothing = {0, 0, 0, 0, 0, 0};
    int64_t run = begin_run(f, GEN_STR("generator tool-execute"));
    answer(f, run, "execute", paid);
    for (size_t i = 0; i < 3; i++)
        answer(f, run, "execute" GEN_ACTIONS_SUFFIX, nothing);
    fail_call(f, run, "execute" GEN_ACTIONS_SUFFIX, GEN_STR("server_died"));
    end_run(f, run, 0,
            "{\"stages\":[{\"stage\":\"execute\",\"calls_from_ledger\":2,"
            "\"tool_calls_from_ledger\":40}]}");
    const char *text = show(f);
    expect(text, "execute  1 answered, 2 from the ledger\n");
    expect(text, "execute.tools 3 done, 40 from the ledger, 1 failed");
    expect(text, "tokens   100 in, 20 out\n");
    struct gen_json_doc *doc = show_json(f);
    const struct gen_json *totals = gen_json_get(gen_json_root(doc), "totals");
    assert_int_equal(number(totals, "answered"), 1);
    assert_int_equal(number(totals, "failed"), 0);
    assert_int_equal(number(totals, "from_ledger"), 2);
    const struct gen_json *steps = gen_json_get(totals, "steps");
    assert_int_equal(gen_json_count(steps), 2);
    gen_json_doc_free(doc);
}

int main(void)
{
#define STATUS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STATUS_TEST(an_empty_ledger),
        STATUS_TEST(calls_tokens_and_cost),
        STATUS_TEST(what_nobody_said_is_unknown),
        STATUS_TEST(how_runs_end),
        STATUS_TEST(the_oldest_of_many_runs_are_one_sum),
        STATUS_TEST(batches_are_listed),
        STATUS_TEST(tools_are_shown_apart),
        STATUS_TEST(bad_texts_are_harmless),
        cmocka_unit_test(times_are_local),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
