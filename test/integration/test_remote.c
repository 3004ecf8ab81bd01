/* The real program on tables at s3:// and http://: the same bytes as from the disk, whatever
 * happens in between, and no key anywhere. */
#include "blob_server.h"
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define RULES       "--provider", "extractive", "--quiet"
#define IN(b, path) ("s3://" b "/ex/" path)
#define BUCKET(b)   IN(b, "handbook.lancedb")
#define SECRET_CORE "wJalrXUtnFEMI"
#define TOKEN_CORE  "FwoGZXIvYXdz"
#define ROWS_HERE   126

static struct blob_server server;
static char endpoint[128];
static const char *env[5];

static int set_up(void **state)
{
    char tmp[128];
    char examples[300];
    if (place_setup(state) != 0)
        return -1;
    const struct place *p = *state;
    const char *handbook = HANDBOOK;
    (void)snprintf(tmp, sizeof(tmp), "tmp=%s", p->dir);
    (void)snprintf(examples, sizeof(examples), "ex=%.*s",
                   (int)(strlen(handbook) - strlen("/handbook.lancedb")), handbook);
    const char *const roots[] = {examples, tmp, NULL};
    if (blob_server_start(&server, roots) != 0)
        return -1;
    (void)snprintf(endpoint, sizeof(endpoint), "AWS_ENDPOINT_URL=%s", server.url);
    env[0] = endpoint;
    env[1] = "AWS_ACCESS_KEY_ID=" BLOB_KEY;
    env[2] = "AWS_SECRET_ACCESS_KEY=" BLOB_SECRET;
    env[3] = "AWS_SESSION_TOKEN=" BLOB_TOKEN;
    return 0;
}

static int tear_down(void **state)
{
    blob_server_stop(&server);
    return place_teardown(state);
}

static void check_no_key(const struct place *p, const struct run *r)
{
    char name[300];
    assert_null(strstr(r->err, SECRET_CORE));
    assert_null(strstr(r->out, SECRET_CORE));
    if (place_any_file_has(p, SECRET_CORE, name, sizeof(name)) ||
        place_any_file_has(p, TOKEN_CORE, name, sizeof(name)))
        fail_msg("the key is in %s", name);
}

static void every_command_takes_a_url(void **state)
{
    struct place *p = *state;
    char web[160];
    (void)snprintf(web, sizeof(web), "%s/web/ex/handbook.lancedb", server.url);
    run_expect(place_run(p, ARGS("pipeline", HANDBOOK, "-o", "here.jsonl", RULES)), 0);
    const char *const urls[] = {BUCKET("token"), BUCKET("flaky"), web};
    for (size_t i = 0; i < 3; i++) {
        struct run *r =
            place_run_env(p, ARGS("pipeline", urls[i], "-o", "there.jsonl", RULES), env);
        run_expect(r, 0);
        assert_true(place_same(p, "here.jsonl", "there.jsonl"));
        check_no_key(p, r);
        place_remove(p, "there.jsonl");
        place_remove(p, "there.ledger");
    }
    run_expect(
        place_run_env(p,
                      ARGS("generate-cot", IN("private", "handbook.lancedb/code_chunks.lance"),
                           "-o", "cot.json", RULES, "--lance-version", "1"),
                      env),
        0);
    run_expect(place_run_env(p,
                             ARGS("generate", BUCKET("private"), "--table", "code_chunks", "-o",
                                  "qa.json", RULES),
                             env),
               0);
    struct run *r = place_run_env(
        p, ARGS("enrich", "qa.json", "-o", "more.json", "--corpus", BUCKET("private"), RULES), env);
    run_expect(r, 0);
    r = place_run_env(p, ARGS("doctor", "--corpus", BUCKET("private"), "--provider", "extractive"),
                      env);
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "126 chunks"));
    check_no_key(p, r);
}

/* It has nothing else to do, so it waits for the rows and counts them all. */
static void a_dry_run_reads_all(void **state)
{
    struct place *p = *state;
    const struct run *r =
        place_run_env(p, ARGS("generate", BUCKET("slow"), "-o", "qa.json", "--dry-run"), env);
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "126 chunks read"));
    r = place_run_env(p, ARGS("pipeline", BUCKET("slow"), "-o", "t.jsonl", "--dry-run"), env);
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "126 chunks read"));
}

/* What is said, and that nothing is left behind. */
static void what_goes_wrong(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *path;
        const char *said[4];
    } cases[] = {
        {BUCKET("denied"), {"403 AccessDenied", "may not read it", "from AWS_ACCESS_KEY_ID"}},
        {BUCKET("nosuch"), {"NoSuchBucket", "AWS_REGION"}},
        {"s3://private/ex/lost.lance", {"s3://private/ex/lost.lance", "nothing lies below it"}},
        {"s3://private/ex", {"no LanceDB database"}},
        {IN("private", "handbook.lancedb/text_chunks.lance?x=" BLOB_SECRET),
         {"nothing lies below it"}},
        {"s3://private/ex/chunks.jsonl", {".jsonl", "copy it here"}},
        {"gs://b/x.lance", {"gs://b/x.lance", "s3://"}},
        {"https://user:" BLOB_SECRET "@127.0.0.1:9/x.lance", {"a user or a password"}},
        {"https://127.0.0.1:9/x.lance?sig=" BLOB_SECRET, {"has a query"}},
        {"http://127.0.0.1:9/x.lance", {"127.0.0.1:9/x.lance", "check the address"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run *r =
            place_run_env(p, ARGS("generate", cases[i].path, "-o", "x.json", RULES), env);
        run_expect(r, 2);
        run_expect_said(r, cases[i].said);
        assert_false(place_has(p, "x.json"));
        if (!strstr(cases[i].path, "?x="))
            check_no_key(p, r);
    }
    struct run *r = place_run_env(
        p, ARGS("generate", BUCKET("private"), "-o", "x.json", RULES, "--lance-version", "7"), env);
    run_expect(r, 2);
    run_expect_says(r, "has no version 7; it has: 1");
}

#define MODEL "--provider", "vllm", "--model", "fake-model", "--base-url", p->v1, "--quiet"

static void wait_for_requests(const struct place *p, long long n)
{
    uint64_t until = run_now_ms() + 20000;
    while (place_stat(p, "by_status.200") < n && run_now_ms() < until)
        run_sleep_ms(20);
    assert_true(place_stat(p, "by_status.200") >= n);
}

/* The object store keeps the second table back for ever. What was read before is asked and answered
 * meanwhile; Ctrl-C ends the run at once; and the next one, on a store that is well, goes on where
 * it was. */
static void a_stuck_store_and_a_model(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    char command[256];
    (void)snprintf(command, sizeof(command), "mkdir %s/db", p->dir);
    assert_int_equal(system(command), 0);
    place_copy_tree(p, PROJECT_DIR "/lance/test/data/2.1/chunks.lance", "db/small.lance");
    place_copy_tree(p, PROJECT_DIR "/examples/handbook.lancedb/text_chunks.lance",
                    "db/text_chunks.lance");
    run_expect(place_run(p, ARGS("generate", "db", "--table", "small", "-o", "small.json", MODEL)),
               0);
    long long n_small = place_stat(p, "by_status.200");
    run_expect(place_run(p, ARGS("generate", "db", "--table", "small", "--table", "text_chunks",
                                 "-o", "whole.json", MODEL)),
               0);
    long long n_all = place_stat(p, "by_status.200") - n_small;
    assert_true(n_small > 1 && n_all > n_small + 100);

    const char *const stuck[] = {
        "generate", "s3://stuck/tmp/db", "--table", "small", "--table", "text_chunks",
        "-o",       "run.json",          MODEL,     NULL};
    long long before = place_stat(p, "by_status.200");
    struct run *r = place_start(p, &(struct run_spec){.args = stuck, .env = env, .dir = p->dir});
    wait_for_requests(p, before + n_small);
    uint64_t start_ms = run_now_ms();
    assert_int_equal(kill(r->pid, SIGINT), 0);
    run_wait(r);
    run_expect(r, 130);
    assert_true(run_now_ms() - start_ms < 10000); /* the read would wait for a minute */
    assert_false(place_has(p, "run.json"));

    before = place_stat(p, "by_status.200");
    const char *const well[] = {"generate", "s3://private/tmp/db",
                                "--table",  "small",
                                "--table",  "text_chunks",
                                "-o",       "run.json",
                                MODEL,      NULL};
    r = place_run_env(p, well, env);
    run_expect(r, 0);
    assert_int_equal(place_stat(p, "by_status.200") - before, n_all - n_small);
    assert_true(place_same(p, "whole.json", "run.json"));
    check_no_key(p, r);
}

/* kill -9 in the middle of a run from a slow store. */
static void killed_and_taken_up(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--latency-ms", "50"));
    run_expect(place_run(p, ARGS("generate", HANDBOOK, "-o", "whole.json", MODEL)), 0);
    long long before = place_stat(p, "by_status.200");
    const char *const args[] = {"generate", BUCKET("slow"), "-o", "run.json", "--workers",
                                "4",        MODEL,          NULL};
    struct run *r = place_start(p, &(struct run_spec){.args = args, .env = env, .dir = p->dir});
    wait_for_requests(p, before + 20);
    assert_int_equal(kill(r->pid, SIGKILL), 0);
    run_wait(r);
    run_expect(place_run_env(p, args, env), 0);
    assert_true(place_same(p, "whole.json", "run.json"));
    /* At most what was under way is asked twice. */
    assert_in_range(place_stat(p, "by_status.200") - before, ROWS_HERE, ROWS_HERE + 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_command_takes_a_url), TEST(a_dry_run_reads_all), TEST(what_goes_wrong),
        TEST(a_stuck_store_and_a_model), TEST(killed_and_taken_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
