/* `generator stats`: of what the pipeline makes, of training files, of what is no data set. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

static struct gen_json_doc *stats_json(struct place *p, const char *file)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err;
    struct run *r = place_run(p, ARGS("stats", file, "--json"));
    run_expect(r, 0);
    assert_string_equal(r->err, "");
    if (gen_json_parse(&doc, gen_str_from(r->out), &err) != GEN_OK)
        fail_msg("%s in %s", err.msg, r->out);
    return doc;
}

static double figure(const struct gen_json_doc *doc, const char *group, const char *key)
{
    const struct gen_json *metrics = gen_json_get(gen_json_root(doc), "metrics");
    const struct gen_json *v = group ? gen_json_get(metrics, group) : metrics;
    double x = -1.0;
    if (!gen_json_as_real(gen_json_get(v, key), &x))
        fail_msg("%s.%s is no number", group ? group : "", key);
    return x;
}

static void what_the_pipeline_made(void **state)
{
    struct place *p = *state;
    run_expect(
        place_run(p, ARGS("pipeline", HANDBOOK, "-o", "t.jsonl", "--provider", "extractive")), 0);
    /* The records find their chunks in the ledger of the run; the training file has none. */
    struct gen_json_doc *rated = stats_json(p, "t_all_rated.json");
    struct gen_json_doc *rows = stats_json(p, "t.jsonl");
    assert_true(figure(rated, NULL, "records") > 50);
    assert_true(figure(rated, "grounding", "n_from_source") == figure(rated, NULL, "records"));
    assert_true(figure(rated, "grounding", "mean") > 0.9);
    assert_true(figure(rows, "grounding", "n") == 0);
    assert_true(figure(rows, NULL, "records") <= figure(rated, NULL, "records"));
    gen_json_doc_free(rated);
    gen_json_doc_free(rows);

    struct run *r = place_run(p, ARGS("stats", "t_all_rated.json"));
    run_expect(r, 0);
    assert_string_equal(r->err, "");
    static const char *const words[] = {"read as qa", "LENGTHS", "DUPLICATES", "DIVERSITY",
                                        "t.ledger",   "RATINGS", "SOURCES"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strstr(r->out, words[i]))
            fail_msg("no %s in %s", words[i], r->out);
    }
    for (const char *line = r->out; *line;) {
        size_t n = strcspn(line, "\n");
        assert_in_range(n, 0, 79);
        line += n + (line[n] == '\n');
    }
}

static void rows_that_cannot_be_used_are_named(void **state)
{
    struct place *p = *state;
    place_write(p, "x.jsonl",
                "{\"question\":\"q\",\"answer\":\"a\"}\n{\"question\":\"q\"}\nbroken\n");
    struct run *r = place_run(p, ARGS("stats", "x.jsonl"));
    run_expect(r, 0); /* advice is no failure */
    assert_non_null(strstr(r->out, "row 2: no \"answer\""));
    assert_non_null(strstr(r->out, "row 3: it cannot be read as JSON"));
    assert_non_null(strstr(r->out, "WARNINGS"));
    r = place_run(p, ARGS("stats", "x.jsonl", "--json", "--log-json"));
    run_expect(r, 0);
    run_expect_says(r, "\"event\":\"malformed_rows\"");
}

static void what_is_no_data_set(void **state)
{
    struct place *p = *state;
    place_write(p, "empty.json", "[]");
    place_write(p, "none.jsonl", "{\"foo\":1}\n");
    place_write(p, "cut.json", "[{\"question\":\"q\",\"answer\":\"a\"},{\"que");
    place_write(p, "x.jsonl", "{\"question\":\"q\",\"answer\":\"a\"}\n");
    static const struct {
        const char *file, *ledger, *says;
    } cases[] = {
        {"missing.json", NULL, "No such file"}, {".", NULL, "folder"},
        {"empty.json", NULL, "holds no rows"},  {"none.jsonl", NULL, "none of the known fields"},
        {"cut.json", NULL, "cut off"},          {"x.jsonl", "no.ledger", "no.ledger"},
        {"x.jsonl", "x.jsonl", "no ledger"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run *r =
            cases[i].ledger
                ? place_run(p, ARGS("stats", cases[i].file, "--ledger", cases[i].ledger))
                : place_run(p, ARGS("stats", cases[i].file));
        if (r->status == 0)
            fail_msg("%s: %s", cases[i].file, r->out);
        run_expect_says(r, cases[i].says);
        assert_string_equal(r->out, "");
    }
}

static void a_full_disk_is_said(void **state)
{
    struct place *p = *state;
    place_write(p, "x.jsonl", "{\"question\":\"q\",\"answer\":\"a\"}\n");
    struct run *r = place_start(
        p, &(struct run_spec){.args = ARGS("stats", "x.jsonl"), .stdout_path = "/dev/full"});
    run_wait(r);
    run_expect(r, 1);
    run_expect_says(r, "No space left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_pipeline_made),
        TEST(rows_that_cannot_be_used_are_named),
        TEST(what_is_no_data_set),
        TEST(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
