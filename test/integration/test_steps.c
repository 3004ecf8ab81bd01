/* The commands one after the other, with every provider and every kind of corpus. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct corpus_case {
    const char *corpus;
    const char *tables[2];
    int64_t n_chunks_least;
};

static const struct corpus_case corpora[] = {
    {"chunks.jsonl", {NULL, NULL}, 12},
    {"notes", {NULL, NULL}, 3},
    {"handbook.lancedb", {NULL, NULL}, 80},
    {"handbook.lancedb", {"text_chunks", "code_chunks"}, 100},
};

static const char *const providers[] = {"extractive", "ollama", "openai", "vllm"};

/* Appends "--provider NAME" and, where it has a network, where the server is. */
static size_t add_provider(const struct place *p, const char *provider, const char **args, size_t n)
{
    args[n++] = "--provider";
    args[n++] = provider;
    if (strcmp(provider, "extractive") != 0) {
        args[n++] = "--model";
        args[n++] = "fake-model";
        args[n++] = "--base-url";
        args[n++] = strcmp(provider, "ollama") == 0 ? p->server.url : p->v1;
    }
    return n;
}

static void check_qa_row(const struct gen_json *row)
{
    assert_true(gen_str_is(gen_json_get_str(row, "format"), "qa"));
    assert_true(gen_json_get_str(row, "question").n > 0);
    assert_true(gen_json_get_str(row, "answer").n > 0);
    assert_true(gen_json_get_str(row, "chunk_id").n > 0);
    assert_true(gen_json_get_str(row, "source").n > 0);
}

static void generate_from(struct place *p, const char *provider, const struct corpus_case *c)
{
    const char *args[32] = {"generate", place_example(c->corpus), "-o", "qa.json", "--progress",
                            "none",     "--min-chunk-chars",      "0"};
    size_t n = add_provider(p, provider, args, 8);
    for (size_t i = 0; i < 2 && c->tables[i]; i++) {
        args[n++] = "--table";
        args[n++] = c->tables[i];
    }
    run_expect(place_run(p, args), 0);
    struct gen_json_doc *summary = place_summary(p, "qa");
    struct gen_json_doc *rows = place_json(p, "qa.json");
    assert_true(summary_count(summary, "generate", "in") >= c->n_chunks_least);
    assert_int_equal(summary_count(summary, "generate", "out"),
                     gen_json_count(gen_json_root(rows)));
    assert_true(gen_json_count(gen_json_root(rows)) >= 8 || strcmp(c->corpus, "notes") == 0);
    for (size_t i = 0; i < gen_json_count(gen_json_root(rows)); i++)
        check_qa_row(gen_json_at(gen_json_root(rows), i));
    assert_true(summary_text(summary, "version").n > 0);
    assert_true(gen_str_is(summary_text(summary, "end"), "done"));
    assert_true(gen_str_is(summary_text(summary, "provider"), provider));
    assert_false(place_has(p, "qa_failures.jsonl"));
    gen_json_doc_free(summary);
    gen_json_doc_free(rows);
    place_remove(p, "qa.ledger");
}

static void generate_reads_every_corpus_with_every_provider(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        for (size_t k = 0; k < sizeof(corpora) / sizeof(corpora[0]); k++)
            generate_from(p, providers[i], &corpora[k]);
    }
}

/* Both tables in one output, in the order in which they were named. */
static void two_tables_are_one_output(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("generate", HANDBOOK, "-o", "qa.json", "--provider", "extractive",
                                 "--table", "code_chunks", "--table", "text_chunks")),
               0);
    struct gen_json_doc *doc = place_json(p, "qa.json");
    const struct gen_json *rows = gen_json_root(doc);
    size_t n = gen_json_count(rows);
    assert_true(n > 20);
    struct gen_str first = gen_json_get_str(gen_json_at(rows, 0), "source");
    struct gen_str last = gen_json_get_str(gen_json_at(rows, n - 1), "source");
    assert_true(gen_str_find(first, GEN_STR("code/"), 0) != SIZE_MAX);
    assert_true(gen_str_ends(last, GEN_STR(".md")));
    gen_json_doc_free(doc);
}

static void check_rated_row(const struct gen_json *row)
{
    static const char *const parts[] = {"clarity", "accuracy", "usefulness", "difficulty"};
    static const int64_t most[] = {3, 3, 2, 2};
    int64_t sum = 0;
    int64_t rating = -1;
    bool relevant = false;
    for (size_t i = 0; i < 4; i++) {
        int64_t value = -1;
        assert_true(gen_json_as_int(gen_json_get(row, parts[i]), &value));
        assert_in_range(value, 0, most[i]);
        sum += value;
    }
    assert_true(gen_json_as_int(gen_json_get(row, "rating"), &rating));
    assert_int_equal(rating, sum);
    assert_true(gen_json_as_bool(gen_json_get(row, "topic_relevant"), &relevant));
    assert_int_equal(gen_json_type(gen_json_get(row, "reasoning")), GEN_JSON_STRING);
}

static void check_curated(struct place *p, size_t n_in)
{
    struct gen_json_doc *all = place_json(p, "cur_all_rated.json");
    struct gen_json_doc *metrics = place_json(p, "cur_metrics.json");
    struct gen_json_doc *distribution = place_json(p, "cur_distribution.json");
    const struct gen_json *histogram = gen_json_get(gen_json_root(distribution), "histogram");
    size_t n_kept = place_rows(p, "cur.json");
    int64_t value = 0;
    int64_t n_in_histogram = 0;
    assert_int_equal(gen_json_count(gen_json_root(all)), n_in);
    size_t n_reached = 0;
    for (size_t i = 0; i < n_in; i++) {
        const struct gen_json *row = gen_json_at(gen_json_root(all), i);
        check_rated_row(row);
        (void)gen_json_as_int(gen_json_get(row, "rating"), &value);
        n_reached += value >= 8;
    }
    assert_int_equal(n_reached, n_kept);
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(metrics), "total_pairs"), &value));
    assert_int_equal(value, n_in);
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(metrics), "filtered_pairs"), &value));
    assert_int_equal(value, n_kept);
    for (int i = 0; i <= 10; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", i);
        assert_true(gen_json_as_int(gen_json_get(histogram, key), &value));
        n_in_histogram += value;
    }
    assert_int_equal(n_in_histogram, n_in);
    gen_json_doc_free(all);
    gen_json_doc_free(metrics);
    gen_json_doc_free(distribution);
}

static struct run *run_step(struct place *p, const char *provider, const char *command,
                            const char *in, const char *out, const char *option, const char *value)
{
    const char *args[32] = {command, in, "-o", out, "--progress", "none"};
    size_t n = add_provider(p, provider, args, 6);
    if (option)
        args[n++] = option;
    if (value)
        args[n++] = value;
    return place_run(p, args);
}

/* generate, enrich, curate and export by hand; enrich and curate find the chunks by the ledger
 * beside their input. */
static void chain(struct place *p, const char *provider)
{
    run_expect(run_step(p, provider, "generate", NOTES, "qa.jsonl", NULL, NULL), 0);
    size_t n = place_rows(p, "qa.jsonl");
    assert_true(n >= 3);
    struct run *r = run_step(p, provider, "enrich", "qa.jsonl", "rich.json", NULL, NULL);
    run_expect(r, 0);
    assert_null(strstr(r->err, "is not known"));
    assert_int_equal(place_rows(p, "rich.json"), n);
    struct gen_json_doc *rich = place_json(p, "rich.json");
    const struct gen_json *row = gen_json_at(gen_json_root(rich), 0);
    assert_int_equal(gen_json_type(gen_json_get(row, "enrichment_changes")), GEN_JSON_ARRAY);
    assert_true(gen_json_get_str(row, "original_answer").n > 0);
    gen_json_doc_free(rich);
    r = run_step(p, provider, "curate", "rich.json", "cur.json", "--threshold", "8");
    run_expect(r, 0);
    check_curated(p, n);
    run_expect(place_run(p, ARGS("export", "cur.json", "-o", "train.jsonl")), 0);
    assert_int_equal(place_rows(p, "train.jsonl"), place_rows(p, "cur.json"));
    place_remove(p, "qa.ledger");
    place_remove(p, "rich.ledger");
    place_remove(p, "cur.ledger");
}

static void the_steps_follow_each_other(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
        chain(p, providers[i]);
}

static void chunks_are_found_by_corpus(void **state)
{
    struct place *p = *state;
    run_expect(run_step(p, "extractive", "generate", NOTES, "qa.json", NULL, NULL), 0);
    place_remove(p, "qa.ledger");
    struct run *r = run_step(p, "extractive", "enrich", "qa.json", "a.json", NULL, NULL);
    run_expect(r, 0);
    run_expect_said(r, ARGS("source chunk of", "--corpus"));
    r = run_step(p, "extractive", "enrich", "qa.json", "b.json", "--corpus", NOTES);
    run_expect(r, 0);
    assert_null(strstr(r->err, "is not known"));
    run_expect_says(r, "source chunks from");
    r = run_step(p, "extractive", "curate", "qa.json", "c.json", "--corpus", NOTES);
    run_expect(r, 0);
    assert_null(strstr(r->err, "is not known"));
}

/* The same chunks through the steps one by one and through the pipeline. */
static void pipeline_with_every_provider(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        const char *args[32] = {"pipeline",          CHUNKS, "-o", "t.jsonl", "--progress", "none",
                                "--min-chunk-chars", "0"};
        size_t n = add_provider(p, providers[i], args, 8);
        args[n] = NULL;
        struct run *r = place_run(p, args);
        run_expect(r, 0);
        struct gen_json_doc *summary = place_summary(p, "t");
        assert_int_equal(summary_count(summary, "generate", "in"), 12);
        assert_int_equal(summary_count(summary, "enrich", "in"),
                         summary_count(summary, "generate", "out"));
        assert_int_equal(summary_count(summary, "curate", "in"),
                         summary_count(summary, "enrich", "out"));
        assert_int_equal(summary_count(summary, "export", "out"), place_rows(p, "t.jsonl"));
        assert_true(place_rows(p, "t.jsonl") > 0);
        gen_json_doc_free(summary);
        place_remove(p, "t.ledger");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(generate_reads_every_corpus_with_every_provider,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(two_tables_are_one_output, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_steps_follow_each_other, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(chunks_are_found_by_corpus, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(pipeline_with_every_provider, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
