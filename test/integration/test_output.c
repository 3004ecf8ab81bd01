/* Where results go: folders, devices, full disks, ledgers of others. */
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
#define RULES      "--provider", "extractive"

static void make_folder(const struct place *p, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void missing_folders_are_made(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "a/b/c/qa.json", RULES)), 0);
    assert_true(place_rows(p, "a/b/c/qa.json") >= 3);
    assert_true(place_has(p, "a/b/c/qa_summary.json"));
    assert_true(place_has(p, "a/b/c/qa.ledger"));
    run_expect(place_run(p, ARGS("export", "a/b/c/qa.json", "-o", "d/e/t.jsonl")), 0);
    assert_true(place_has(p, "d/e/t.jsonl"));
}

static void a_folder_is_no_output(void **state)
{
    struct place *p = *state;
    make_folder(p, "here");
    const char *const *const runs[] = {
        ARGS("generate", NOTES, "-o", "here", RULES),
        ARGS("pipeline", NOTES, "-o", "here/", RULES),
        ARGS("generate", NOTES, "-o", "x.json", RULES, "--ledger", "here"),
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct run *r = place_run(p, runs[i]);
        run_expect(r, 2);
        run_expect_said(r, ARGS("here", "folder"));
        assert_false(place_has(p, "x.json"));
    }
    place_write(p, "rows.json", "[{\"question\":\"a?\",\"answer\":\"b\"}]");
    struct run *r = place_run(p, ARGS("export", "rows.json", "-o", "here"));
    run_expect(r, 2);
    run_expect_said(r, ARGS("here", "folder"));
}

/* A file where a folder is needed. */
static void a_file_is_no_folder(void **state)
{
    struct place *p = *state;
    place_write(p, "file", "x");
    struct run *r = place_run(p, ARGS("generate", NOTES, "-o", "file/qa.json", RULES));
    assert_true(r->status == 1 || r->status == 2);
    run_expect_said(r, ARGS("file", "irectory"));
}

static void a_full_disk_is_said_once(void **state)
{
    struct place *p = *state;
    struct run *r =
        place_run(p, ARGS("generate", NOTES, "-o", "/dev/full", "--ledger", "a.ledger", RULES));
    run_expect(r, 1);
    run_expect_said(r, ARGS("/dev/full", "No space left"));
    r = place_start(p, &(struct run_spec){.args = ARGS("generate", NOTES, "-o", "-", "--ledger",
                                                       "b.ledger", RULES),
                                          .stdout_path = "/dev/full"});
    run_wait(r);
    run_expect(r, 1);
    run_expect_says(r, "No space left");
}

/* RLIMIT_FSIZE stands for a quota: the ledger, then the output, cannot grow. What was there before
 * stays, nothing half-written gets the final name, and with room the same command ends well. */
static void a_limit_of_file_sizes(void **state)
{
    static const uint64_t limits[] = {20000, 100000, 180000};
    struct place *p = *state;
    place_write(p, "qa.json", "before");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct run *r = place_start(
            p, &(struct run_spec){.args = ARGS("generate", HANDBOOK, "-o", "qa.json", RULES),
                                  .file_bytes_max = limits[i]});
        run_wait(r);
        run_expect(r, 1);
        run_expect_says(r, "error: ");
        char *old = place_read(p, "qa.json", NULL);
        assert_string_equal(old, "before");
        free(old);
    }
    run_expect(place_run(p, ARGS("generate", HANDBOOK, "-o", "qa.json", RULES)), 0);
    run_expect(place_run(p, ARGS("generate", HANDBOOK, "-o", "new.json", RULES)), 0);
    assert_true(place_same(p, "qa.json", "new.json"));
}

static void a_ledger_must_be_one(void **state)
{
    struct place *p = *state;
    place_write(p, "text.ledger", "this is the shopping list of somebody, not a ledger at all\n");
    struct run *r =
        place_run(p, ARGS("generate", NOTES, "-o", "qa.json", RULES, "--ledger", "text.ledger"));
    run_expect(r, 2);
    run_expect_said(r, ARGS("text.ledger", "no ledger", "--ledger"));
    char *text = place_read(p, "text.ledger", NULL);
    assert_non_null(strstr(text, "shopping"));
    free(text);
    assert_false(place_has(p, "qa.json"));
}

static void one_ledger_one_run(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--latency-ms", "1500"));
    const char *const *args = ARGS("generate", CHUNKS, "-o", "qa.json", "--provider", "vllm",
                                   "--model", "m", "--base-url", p->v1, "--min-chunk-chars", "0");
    struct run *first = place_start(p, &(struct run_spec){.args = args});
    for (int i = 0; i < 500 && place_stat(p, "in_flight") == 0; i++)
        run_sleep_ms(10);
    struct run *second = place_run(p, args);
    run_expect(second, 1);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "pid %d", (int)first->pid);
    run_expect_said(second, ARGS("another generator", pid, "qa.ledger", "--ledger"));
    assert_true(second->took_ms < 1500);
    run_wait(first);
    run_expect(first, 0);
    struct gen_json_doc *summary = place_summary(p, "qa");
    assert_int_equal(place_rows(p, "qa.json"), summary_count(summary, "generate", "out"));
    gen_json_doc_free(summary);
    assert_int_equal(place_stat(p, "repeated"), 0);
}

/* A reader that goes away is no crash. */
static void a_closed_pipe_is_an_error(void **state)
{
    struct place *p = *state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/pipe", p->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct run *reader = place_start(
        p, &(struct run_spec){.program = "/usr/bin/head", .args = ARGS("-c", "1", "pipe")});
    struct run *r = place_start(
        p, &(struct run_spec){.args = ARGS("generate", HANDBOOK, "-o", "-", "--ledger", "l", RULES),
                              .stdout_path = path});
    run_wait(reader);
    run_wait(r);
    run_expect(r, 1);
    run_expect_says(r, "Broken pipe");
}

static void no_temporary_files_stay(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("pipeline", NOTES, "-o", "t.jsonl", RULES)), 0);
    struct run *ls = place_start(p, &(struct run_spec){.program = "/bin/ls", .args = ARGS("-A")});
    run_wait(ls);
    assert_null(strstr(ls->out, ".tmp"));
    assert_null(strstr(ls->out, "-wal"));
    assert_null(strstr(ls->out, ".lock"));
}

/* How many rows of a file say that their answer was repaired, by a fence alone. */
static size_t count_fenced(const struct place *p, const char *name)
{
    struct gen_json_doc *doc = place_json(p, name);
    const struct gen_json *rows = gen_json_root(doc);
    size_t n = 0;
    for (size_t i = 0; i < gen_json_count(rows); i++) {
        const struct gen_json *repairs = gen_json_get(gen_json_at(rows, i), "json_repairs");
        struct gen_str step = {NULL, 0};
        if (!repairs)
            continue;
        assert_int_equal(gen_json_count(repairs), 1);
        assert_true(gen_json_as_str(gen_json_at(repairs, 0), &step));
        assert_true(gen_str_is(step, "fence"));
        n++;
    }
    gen_json_doc_free(doc);
    return n;
}

/* What was done to a model's JSON stays with the record through the steps, and out of what trainers
 * read. */
static void repairs_are_kept_with_the_record(void **state)
{
    struct place *p = *state;
#define MODEL                                                                                      \
    "--provider", "vllm", "--model", "fake-model", "--base-url", p->v1, "--min-chunk-chars", "0"
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "plain.json", MODEL)), 0);
    assert_int_equal(count_fenced(p, "plain.json"), 0);
    place_script(p, "/fake/script", "{\"faults\":[\"fenced:1\"]}");
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", MODEL)), 0);
    assert_int_equal(count_fenced(p, "qa.json"), place_rows(p, "qa.json"));
    place_script(p, "/fake/script", "{\"faults\":[]}");
    run_expect(place_run(p, ARGS("enrich", "qa.json", "-o", "en.json", "--provider", "vllm",
                                 "--model", "fake-model", "--base-url", p->v1)),
               0);
    assert_int_equal(count_fenced(p, "en.json"), place_rows(p, "qa.json"));
    run_expect(place_run(p, ARGS("export", "en.json", "-o", "t.jsonl")), 0);
    char *text = place_read(p, "t.jsonl", NULL);
    assert_null(strstr(text, "json_repairs"));
    free(text);
#undef MODEL
}

/* A format that none of the rows would fit is refused before a model is asked. */
static void formats_that_hold_nothing_are_refused(void **state)
{
    static const char tools[] = PROJECT_DIR "/configs/hdf5_tools.json";
    static const char *const without[] = {"alpaca", "text", "bedrock"};
    struct place *p = *state;
    for (int dry = 0; dry < 2; dry++) {
        const char *more = dry ? "--dry-run" : "--quiet";
        for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
            struct run *r = place_run(p, ARGS("tool-pipeline", tools, "-o", "t.jsonl", RULES, "-f",
                                              without[i], more, "--mode", "none"));
            run_expect(r, 2);
            run_expect_said(r, ARGS(without[i], "has no place for tools", "export with -f"));
        }
        struct run *r =
            place_run(p, ARGS("pipeline", NOTES, "-o", "t.jsonl", RULES, "-f", "xlam", more));
        run_expect(r, 2);
        run_expect_said(r, ARGS("xlam", "pipeline makes none", "-f chatml"));
    }
    assert_false(place_has(p, "t.jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(missing_folders_are_made),
        TEST(a_folder_is_no_output),
        TEST(a_file_is_no_folder),
        TEST(a_full_disk_is_said_once),
        TEST(a_limit_of_file_sizes),
        TEST(a_ledger_must_be_one),
        TEST(one_ledger_one_run),
        TEST(a_closed_pipe_is_an_error),
        TEST(no_temporary_files_stay),
        TEST(repairs_are_kept_with_the_record),
        TEST(formats_that_hold_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
