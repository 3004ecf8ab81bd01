/* Repetitions and benchmark rows go: the dedup command, curate and pipeline with --dedup, and a
 * killed run that ends with the bytes of an undisturbed one. */
#include "place.h"

#include "base/prng.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

static const char rows[] =
    "{\"question\":\"What is a group in HDF5?\",\"answer\":\"A set of links.\",\"rating\":7,"
    "\"x\":[1, 2.50]}\n"
    "{\"question\":\"what is a group  in hdf5\",\"answer\":\"A folder.\",\"rating\":9}\n"
    "{\"question\":\"no answer\"}\n"
    "{\"broken\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"WHAT IS A GROUP IN HDF5\"},"
    "{\"role\":\"assistant\",\"content\":\"Yes.\"}]}\n"
    "{\"question\":\"How are the chunks of a large dataset found again in the file?\","
    "\"answer\":\"By an index.\",\"rating\":8}\n"
    "{\"question\":\"So how are the chunks of a large dataset found again in the file?\","
    "\"answer\":\"A tree.\",\"rating\":8}\n"
    "{\"question\":\"What is a link?\",\"answer\":\"The quick brown fox jumps over the lazy dog "
    "and runs away from the hunter\"}\n";

static const char benchmark[] =
    "[{\"id\":1},{\"q\":{\"text\":\"Quick brown fox jumps over the lazy dog and runs away from "
    "the hunter, they say\"}}]";

static void expect_text(const struct place *p, const char *name, const char *expected)
{
    char *text = place_read(p, name, NULL);
    assert_string_equal(text, expected);
    free(text);
}

/* One line a removed row: its number, the reason, the row it repeats. */
static void expect_removed(const struct place *p, const char *name, const char *expected)
{
    char got[1024] = "";
    size_t n = 0;
    char *text = place_read(p, name, NULL);
    struct gen_str rest = gen_str_from(text);
    struct gen_str line;
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        int64_t row = 0;
        int64_t of = 0;
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        const struct gen_json *o = gen_json_root(doc);
        assert_true(gen_json_as_int(gen_json_get(o, "row"), &row));
        (void)gen_json_as_int(gen_json_get(o, "of"), &of);
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%d %.*s %d %.*s\n", (int)row,
                              GEN_STR_ARG(gen_json_get_str(o, "reason")), (int)of,
                              GEN_STR_ARG(gen_json_get_str(o, "of")));
        assert_true(gen_json_get(o, "record") || gen_json_get(o, "text"));
        gen_json_doc_free(doc);
    }
    free(text);
    assert_string_equal(got, expected);
}

/* The lines of `rows` with these numbers. */
static void lines_of(char *out, const int *numbers, size_t n)
{
    struct gen_str rest = gen_str_from(rows);
    struct gen_str line;
    for (int row = 1; gen_str_next_line(&rest, &line); row++) {
        for (size_t i = 0; i < n; i++) {
            if (numbers[i] == row) {
                memcpy(out, line.p, line.n);
                out += line.n;
                *out++ = '\n';
            }
        }
    }
    *out = '\0';
}

static void first_stays(void **state)
{
    struct place *p = *state;
    char expected[2048];
    place_write(p, "in.jsonl", rows);
    place_write(p, "bench.json", benchmark);
    struct run *r =
        place_run(p, ARGS("dedup", "in.jsonl", "-o", "out.jsonl", "--decontaminate", "bench.json"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("2 of 8 rows stay", "exact_duplicate 2", "near_duplicate 1",
                            "malformed_row 2", "contaminated bench.json 1", "out_removed.jsonl",
                            "row 3 is no pair: no \"answer\""));
    lines_of(expected, (const int[]){1, 6}, 2);
    expect_text(p, "out.jsonl", expected);
    expect_removed(p, "out_removed.jsonl",
                   "2 exact_duplicate 1 \n3 malformed_row 0 \n4 malformed_row 0 \n"
                   "5 exact_duplicate 1 \n7 near_duplicate 6 \n8 contaminated 0 bench.json:2\n");
    /* The output has none any more, and a file of an earlier run does not stay beside it. */
    place_write(p, "again_removed.jsonl", "old\n");
    run_expect(place_run(p, ARGS("dedup", "out.jsonl", "-o", "again.jsonl")), 0);
    assert_true(place_same(p, "out.jsonl", "again.jsonl"));
    assert_false(place_has(p, "again_removed.jsonl"));
}

static void best_stays(void **state)
{
    struct place *p = *state;
    char expected[2048];
    char path[128];
    place_write(p, "in.jsonl", rows);
    run_expect(place_run(p, ARGS("dedup", "in.jsonl", "-o", "out.jsonl", "--keep", "best")), 0);
    lines_of(expected, (const int[]){2, 6, 8}, 3);
    expect_text(p, "out.jsonl", expected);
    expect_removed(p, "out_removed.jsonl",
                   "1 exact_duplicate 2 \n3 malformed_row 0 \n4 malformed_row 0 \n"
                   "5 exact_duplicate 2 \n7 near_duplicate 6 \n");
    /* From standard input to standard output. */
    (void)snprintf(path, sizeof(path), "%s/in.jsonl", p->dir);
    struct run *r = place_start(
        p, &(struct run_spec){.args = ARGS("dedup", "-", "-o", "-", "--keep", "best", "--quiet"),
                              .dir = p->dir,
                              .stdin_path = path});
    run_wait(r);
    run_expect(r, 0);
    assert_string_equal(r->out, expected);
    assert_true(place_same(p, "out_removed.jsonl", "dedup_removed.jsonl"));
}

static void compares_what_is_asked(void **state)
{
    static const struct {
        const char *by, *similarity;
        size_t n;
    } cases[] = {
        {"question", "0.7", 3}, {"question", "1", 4}, {"answer", "0.7", 6},
        {"pair", "0.7", 6},     {"pair", "0.5", 4},
    };
    struct place *p = *state;
    place_write(p, "in.jsonl", rows);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run_expect(place_run(p, ARGS("dedup", "in.jsonl", "-o", "out.json", "--by", cases[i].by,
                                     "--similarity", cases[i].similarity)),
                   0);
        if (place_rows(p, "out.json") != cases[i].n)
            fail_msg("--by %s --similarity %s: %zu", cases[i].by, cases[i].similarity,
                     place_rows(p, "out.json"));
    }
}

static void bad_input(void **state)
{
    static const struct {
        const char *text, *benchmark, *says;
        int status;
    } cases[] = {
        {NULL, NULL, "cannot open in.jsonl", 2},
        {"[{\"question\":\"q\",\"answer\":\"a\"},", NULL, "cut off", 2},
        {"{\"a\":1}\n{\"b\":2}\n", NULL, "none of the 2 rows", 2},
        {"", NULL, "holds no rows", 2},
        {" \n\n", NULL, "holds no rows", 2},
        {"{\"question\":\"q\",\"answer\":\"a\"}\n", "missing.jsonl", "cannot open missing.jsonl",
         2},
        {"{\"question\":\"q\",\"answer\":\"a\"}\n", "table.csv", "convert it first", 2},
    };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].text)
            place_write(p, "in.jsonl", cases[i].text);
        struct run *r = cases[i].benchmark
                            ? place_run(p, ARGS("dedup", "in.jsonl", "-o", "out.jsonl",
                                                "--decontaminate", cases[i].benchmark))
                            : place_run(p, ARGS("dedup", "in.jsonl", "-o", "out.jsonl"));
        run_expect(r, cases[i].status);
        run_expect_says(r, cases[i].says);
        assert_int_equal(place_has(p, "out.jsonl"), cases[i].status == 0);
        place_remove(p, cases[i].status == 0 ? "out.jsonl" : "none");
    }
}

/* Each pair of generate, its question in capitals, and one more word. */
static size_t write_repetitions(const struct place *p)
{
    struct gen_json_doc *doc = place_json(p, "qa.json");
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = gen_json_count(gen_json_root(doc));
    for (size_t i = 0; i < 2 * n; i++) {
        const struct gen_json *row = gen_json_at(gen_json_root(doc), i / 2);
        struct gen_str q = gen_json_get_str(row, "question");
        struct gen_jb *b = NULL;
        char question[1024];
        (void)snprintf(question, sizeof(question), "%.*s", GEN_STR_ARG(q));
        for (char *c = question; *c && i % 2; c++)
            *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
        assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
        struct gen_jmut *copy = gen_jb_copy(b, row);
        gen_jb_set(b, copy, "question", gen_jb_str(b, gen_str_from(question)));
        assert_int_equal(gen_jb_write(b, copy, GEN_JSON_COMPACT, &out, NULL), GEN_OK);
        assert_int_equal(gen_buf_add_char(&out, '\n', NULL), GEN_OK);
        gen_jb_free(b);
    }
    place_write(p, "twice.jsonl", out.data);
    gen_buf_release(&out);
    gen_json_doc_free(doc);
    return n;
}

/* A dry run refuses what the run would. */
static void a_dry_run_reads_the_benchmarks(void **state)
{
    static const char *const commands[] = {"curate", "pipeline"};
    struct place *p = *state;
    place_write(p, "qa.jsonl", rows);
    place_write(p, "bench.json", benchmark);
    for (size_t i = 0; i < 2; i++) {
        const char *input = i ? CHUNKS : "qa.jsonl";
        struct run *r = place_run(p, ARGS(commands[i], input, "-o", "c.jsonl", "--provider",
                                          "extractive", "--dry-run", "--decontaminate",
                                          "bench.json", "--decontaminate", "missing.json"));
        run_expect(r, 2);
        run_expect_says(r, "cannot open missing.json");
        run_expect(place_run(p, ARGS(commands[i], input, "-o", "c.jsonl", "--provider",
                                     "extractive", "--dry-run", "--decontaminate", "bench.json")),
                   0);
        assert_false(place_has(p, "c.jsonl"));
        assert_false(place_has(p, "c_removed.jsonl"));
    }
    struct run *r = place_run(p, ARGS("pipeline", CHUNKS, "-o", "c.jsonl", "--provider",
                                      "extractive", "--dry-run", "--split", "train=1"));
    run_expect(r, 2);
    run_expect_says(r, "make a folder");
}

static void curate_removes_what_the_judge_keeps(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", "--provider", "extractive",
                                 "--progress", "none", "--min-chunk-chars", "0")),
               0);
    size_t n = write_repetitions(p);
    assert_true(n > 5);
    const char *const base[] = {"curate",      "twice.jsonl", "-o",   "c.json",   "--provider",
                                "extractive",  "--progress",  "none", "--corpus", CHUNKS,
                                "--threshold", "0",           NULL};
    run_expect(place_run(p, base), 0);
    assert_int_equal(place_rows(p, "c.json"), 2 * n);
    assert_false(place_has(p, "c_removed.jsonl"));
    const char *args[16];
    memcpy(args, base, sizeof(base));
    args[12] = "--dedup";
    args[13] = "--similarity";
    args[14] = "1";
    args[15] = NULL;
    run_expect(place_run(p, args), 0);
    assert_int_equal(place_rows(p, "c.json"), n);
    assert_int_equal(place_rows(p, "c_removed.jsonl"), n);
    struct gen_json_doc *summary = place_summary(p, "c");
    assert_int_equal(summary_count(summary, "curate", "filtered.exact_duplicate"), n);
    gen_json_doc_free(summary);
    struct gen_json_doc *metrics = place_json(p, "c_metrics.json");
    int64_t count = 0;
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(metrics), "exact_duplicates"), &count));
    assert_int_equal(count, n);
    gen_json_doc_free(metrics);
    /* Each is marked with the row in front of it. */
    struct gen_json_doc *all = place_json(p, "c_all_rated.json");
    assert_int_equal(gen_json_count(gen_json_root(all)), 2 * n);
    for (size_t i = 0; i < 2 * n; i++) {
        int64_t of = 0;
        const struct gen_json *row = gen_json_at(gen_json_root(all), i);
        bool is_marked = gen_json_as_int(gen_json_get(row, "duplicate_of"), &of);
        assert_int_equal(is_marked, i % 2 == 1);
        if (is_marked)
            assert_int_equal(of, i);
    }
    gen_json_doc_free(all);
}

static struct run *begin(struct place *p, const char *output)
{
    return place_start(
        p,
        &(struct run_spec){.args = ARGS("pipeline", HANDBOOK, "-o", output, "--provider", "vllm",
                                        "--model", "fake-model", "--base-url", p->v1, "--progress",
                                        "none", "--workers", "8", "--dedup", "--similarity", "0.4",
                                        "--threshold", "0", "--decontaminate", "bench.txt"),
                           .dir = p->dir});
}

static void killed_and_resumed(void **state)
{
    static const char *const sides[] = {".jsonl", "_all_rated.json", "_removed.jsonl",
                                        "_metrics.json", "_distribution.json"};
    struct place *p = *state;
    struct gen_prng random = gen_prng_make(11);
    int n_killed = 0;
    place_write(p, "bench.txt", "The root group is the object at which the graph starts\n");
    place_serve(p, ARGS("--latency-ms", "10", "--jitter-ms", "20"));
    struct run *whole = begin(p, "whole.jsonl");
    run_wait(whole);
    run_expect(whole, 0);
    assert_true(place_rows(p, "whole_removed.jsonl") > 0);
    for (int i = 0; i < 8; i++) {
        struct run *r = begin(p, "t.jsonl");
        run_sleep_ms((unsigned)gen_prng_below(&random, 250) + 30);
        (void)kill(r->pid, SIGKILL);
        run_wait(r);
        n_killed += r->status < 0;
    }
    struct run *last = begin(p, "t.jsonl");
    run_wait(last);
    run_expect(last, 0);
    assert_true(n_killed > 0);
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        char a[64];
        char b[64];
        (void)snprintf(a, sizeof(a), "whole%s", sides[i]);
        (void)snprintf(b, sizeof(b), "t%s", sides[i]);
        if (!place_same(p, a, b))
            fail_msg("%s and %s differ", a, b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_stays),
        TEST(best_stays),
        TEST(compares_what_is_asked),
        TEST(bad_input),
        TEST(a_dry_run_reads_the_benchmarks),
        TEST(curate_removes_what_the_judge_keeps),
        TEST(killed_and_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
