/* generate-cot and enhance-cot through the program: how many, which, what is kept, what fails. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OLLAMA(p)                                                                                  \
    "--provider", "ollama", "--model", "fake-model", "--base-url", (p)->server.url, "--progress",  \
        "none"
#define EXTRACTIVE "--provider", "extractive", "--progress", "none"

static void check_cot_row(const struct gen_json *row)
{
    struct gen_str reasoning = gen_json_get_str(row, "reasoning");
    assert_true(gen_str_is(gen_json_get_str(row, "format"), "cot"));
    assert_true(gen_json_get_str(row, "question").n > 0);
    assert_true(gen_json_get_str(row, "answer").n > 0);
    assert_true(gen_json_get_str(row, "chunk_id").n > 0);
    assert_true(gen_json_get_str(row, "source").n > 0);
    assert_true(gen_str_starts(reasoning, GEN_STR("Step 1: ")));
    assert_true(gen_str_find(reasoning, GEN_STR("\nStep 2: "), 0) != SIZE_MAX);
    assert_true(gen_str_find(reasoning, GEN_STR("Step 1: Step"), 0) == SIZE_MAX);
}

static size_t check_cot_file(const struct place *p, const char *name)
{
    struct gen_json_doc *doc = place_json(p, name);
    size_t n = gen_json_count(gen_json_root(doc));
    for (size_t i = 0; i < n; i++)
        check_cot_row(gen_json_at(gen_json_root(doc), i));
    gen_json_doc_free(doc);
    return n;
}

static void pairs_with_reasoning_from_chunks(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate-cot", HANDBOOK, "-o", "a.json", "--table", "text_chunks",
                                 "--table", "code_chunks", EXTRACTIVE)),
               0);
    assert_true(check_cot_file(p, "a.json") > 20);
    run_expect(place_run(p, ARGS("generate-cot", HANDBOOK, "-o", "b.json", "--table", "text_chunks",
                                 "--table", "code_chunks", OLLAMA(p))),
               0);
    assert_true(check_cot_file(p, "b.json") > 100);
    struct gen_json_doc *summary = place_summary(p, "b");
    assert_int_equal(summary_count(summary, "generate-cot", "out"), place_rows(p, "b.json"));
    gen_json_doc_free(summary);
}

static void numbers_are_kept_to(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    /* Most of one chunk. */
    run_expect(place_run(p, ARGS("generate-cot", HANDBOOK, "-o", "n.json", "--n-pairs", "2",
                                 "--max-chunks", "10", OLLAMA(p))),
               0);
    size_t n = check_cot_file(p, "n.json");
    assert_in_range(n, 11, 20);
    /* Exactly as many, in one pass and in several. */
    run_expect(place_run(p, ARGS("generate-cot", HANDBOOK, "-o", "t.json", "--target-pairs", "37",
                                 OLLAMA(p))),
               0);
    assert_int_equal(check_cot_file(p, "t.json"), 37);
    struct run *r =
        place_run(p, ARGS("generate-cot", CHUNKS, "-o", "m.json", "--target-pairs", "14",
                          "--n-pairs", "1", "--min-chunk-chars", "0", "-v", OLLAMA(p)));
    run_expect(r, 0);
    run_expect_says(r, "pass 2 over the corpus");
    assert_int_equal(check_cot_file(p, "m.json"), 14);
    /* More than there is: said, not made up. */
    r = place_run(p, ARGS("generate-cot", CHUNKS, "-o", "x.json", "--target-pairs", "5000",
                          "--min-chunk-chars", "0", EXTRACTIVE));
    run_expect_says(r, "5000 wanted are missing");
}

/* The same command again asks nothing, and gives the same bytes. */
static void an_answer_is_paid_for_once(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", OLLAMA(p))), 0);
    run_expect(place_run(p, ARGS("enhance-cot", "qa.json", "-o", "a.json", OLLAMA(p))), 0);
    run_expect(place_run(p, ARGS("generate-cot", NOTES, "-o", "c.json", OLLAMA(p))), 0);
    long long n = place_stat(p, "requests");
    char *a = place_read(p, "a.json", NULL);
    char *c = place_read(p, "c.json", NULL);
    run_expect(place_run(p, ARGS("enhance-cot", "qa.json", "-o", "a.json", OLLAMA(p))), 0);
    run_expect(place_run(p, ARGS("generate-cot", NOTES, "-o", "c.json", OLLAMA(p))), 0);
    assert_int_equal(place_stat(p, "requests"), n);
    char *a2 = place_read(p, "a.json", NULL);
    char *c2 = place_read(p, "c.json", NULL);
    assert_string_equal(a, a2);
    assert_string_equal(c, c2);
    free(a);
    free(a2);
    free(c);
    free(c2);
}

static const char rated[] =
    "{\"question\":\"What is HDF5?\",\"answer\":\"HDF5 is a file format.\",\"chunk_id\":\"k1\","
    "\"source\":\"x.md\",\"rating\":8,\"reasoning\":\"It is "
    "short.\",\"mine\":{\"a\":[1,2.5,null]}}\n"
    "{\"format\":\"cot\",\"question\":\"Why?\",\"reasoning\":\"Step 1: "
    "So.\",\"answer\":\"Because.\"}\n"
    "{\"question\":\"No answer?\"}\n"
    "[1]\n"
    "no json\n";
static const char corpus[] =
    "{\"id\":\"k1\",\"source\":\"x.md\",\"content\":\"HDF5 is a file format. It also is a library "
    "that reads and writes such files on many machines.\"}\n";

static void what_was_there_stays(void **state)
{
    struct place *p = *state;
    place_write(p, "in.jsonl", rated);
    place_write(p, "corpus.jsonl", corpus);
    struct run *r = place_run(p, ARGS("enhance-cot", "in.jsonl", "-o", "out.jsonl", "--corpus",
                                      "corpus.jsonl", EXTRACTIVE));
    run_expect(r, 0);
    char *out = place_read(p, "out.jsonl", NULL);
    assert_string_equal(
        out,
        "{\"question\":\"What is HDF5?\",\"answer\":\"HDF5 is a file format.\",\"chunk_id\":\"k1\","
        "\"source\":\"x.md\",\"rating\":8,\"reasoning\":\"Step 1: HDF5 is a file format.\\nStep 2: "
        "It "
        "also is a library that reads and writes such files on many machines.\",\"mine\":{\"a\":[1,"
        "2.5,null]},\"rating_reasoning\":\"It is "
        "short.\",\"format\":\"cot\",\"cot_mode\":\"forward\"}\n"
        "{\"format\":\"cot\",\"question\":\"Why?\",\"reasoning\":\"Step 1: "
        "So.\",\"answer\":\"Because.\"}"
        "\n");
    free(out);
    struct gen_json_doc *summary = place_summary(p, "out");
    assert_int_equal(summary_count(summary, "enhance-cot", "in"), 5);
    assert_int_equal(summary_count(summary, "enhance-cot", "skipped.already_has_reasoning"), 1);
    assert_int_equal(summary_count(summary, "enhance-cot", "filtered.malformed_row"), 3);
    gen_json_doc_free(summary);
}

static void contradictions_are_failures(void **state)
{
    struct place *p = *state;
    place_write(p, "in.jsonl",
                "{\"question\":\"What is HDF5?\",\"answer\":\"It is 4711 bicycles.\",\"chunk_id\":"
                "\"k1\",\"source\":\"x.md\"}\n");
    place_write(p, "corpus.jsonl", corpus);
    struct run *r = place_run(p, ARGS("enhance-cot", "in.jsonl", "-o", "out.json", "--corpus",
                                      "corpus.jsonl", EXTRACTIVE));
    run_expect(r, 3);
    assert_int_equal(place_rows(p, "out.json"), 0);
    char *failures = place_read(p, "out_failures.jsonl", NULL);
    assert_non_null(strstr(failures, "contradicts the answer on record"));
    assert_non_null(strstr(failures, "\"class\":\"answer_disputed\""));
    assert_non_null(strstr(failures, "4711 bicycles"));
    free(failures);
}

static void thinking_of_the_model(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--reasoning-bytes", "200"));
    struct run *r = place_run(p, ARGS("generate-cot", NOTES, "-o", "c.json", "--reasoning", "model",
                                      "--topic", "HDF5", OLLAMA(p)));
    run_expect(r, 0);
    struct gen_json_doc *doc = place_json(p, "c.json");
    assert_true(gen_json_count(gen_json_root(doc)) > 0);
    for (size_t i = 0; i < gen_json_count(gen_json_root(doc)); i++) {
        const struct gen_json *row = gen_json_at(gen_json_root(doc), i);
        struct gen_str reasoning = gen_json_get_str(row, "reasoning");
        assert_true(reasoning.n > 50 && !gen_str_starts(reasoning, GEN_STR("Step 1")));
        assert_true(gen_str_is(gen_json_get_str(row, "cot_mode"), "model"));
        assert_null(gen_json_get(row, "rating"));
    }
    gen_json_doc_free(doc);
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", OLLAMA(p))), 0);
    r = place_run(
        p, ARGS("enhance-cot", "qa.json", "-o", "e.json", "--reasoning", "model", OLLAMA(p)));
    run_expect(r, 3);
    char *failures = place_read(p, "e_failures.jsonl", NULL);
    assert_non_null(strstr(failures, "returned no reasoning beside its answer"));
    free(failures);
    r = place_run(
        p, ARGS("enhance-cot", "qa.json", "-o", "e2.json", "--reasoning", "model", EXTRACTIVE));
    run_expect(r, 2);
    run_expect_says(r, "no thinking of its own");
}

static void patterns_and_topics(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    struct run *r =
        place_run(p, ARGS("generate-cot", HANDBOOK, "-o", "a.json", "--skip-source", "01-data",
                          "--skip-question", "(?i)chunk", "--topic", "HDF5", OLLAMA(p)));
    run_expect(r, 0);
    run_expect_said(r, ARGS("skip_source /01-data/", "skip_question /(?i)chunk/", "topic"));
    struct gen_json_doc *doc = place_json(p, "a.json");
    for (size_t i = 0; i < gen_json_count(gen_json_root(doc)); i++) {
        const struct gen_json *row = gen_json_at(gen_json_root(doc), i);
        assert_true(gen_str_find_nocase(gen_json_get_str(row, "question"), GEN_STR("chunk"), 0) ==
                    SIZE_MAX);
        assert_true(gen_str_find(gen_json_get_str(row, "source"), GEN_STR("01-data"), 0) ==
                    SIZE_MAX);
        assert_null(gen_json_get(row, "rating"));
        check_cot_row(row);
    }
    gen_json_doc_free(doc);
    r = place_run(
        p, ARGS("generate-cot", HANDBOOK, "-o", "b.json", "--skip-question", "a(b", OLLAMA(p)));
    run_expect(r, 2);
    run_expect_said(r, ARGS("--skip-question /a(b/", "byte 3"));
    place_write(p, "config.yaml",
                "llm:\n  provider: extractive\nfiltering:\n  skip_question_patterns: [\"chunk\"]\n"
                "  skip_source_patterns: [\"01-data\"]\n");
    r = place_run(p, ARGS("generate", HANDBOOK, "-o", "c.json", "--config", "config.yaml"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("skip_source /01-data/", "skip_question /chunk/"));
    r = place_run(p, ARGS("curate", "c.json", "-o", "d.json", "--skip-question", "HDF5",
                          "--min-grounding", "1", EXTRACTIVE));
    run_expect(r, 0);
    run_expect_says(r, "skip_question /HDF5/");
}

int main(void)
{
#define PLACE(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        PLACE(pairs_with_reasoning_from_chunks),
        PLACE(numbers_are_kept_to),
        PLACE(an_answer_is_paid_for_once),
        PLACE(what_was_there_stays),
        PLACE(contradictions_are_failures),
        PLACE(thinking_of_the_model),
        PLACE(patterns_and_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
