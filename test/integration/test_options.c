/* What each option changes, and that counts wanted are counts had. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define FAKE(p)    "--provider", "vllm", "--model", "fake-model", "--base-url", (p)->v1
#define RULES      "--provider", "extractive"
#define BARE       "--progress", "none", "--min-chunk-chars", "0"

static bool has_stage(const struct gen_json_doc *summary, const char *stage)
{
    const struct gen_json *stages = gen_json_get(gen_json_root(summary), "stages");
    for (size_t i = 0; i < gen_json_count(stages); i++) {
        if (gen_str_is(gen_json_get_str(gen_json_at(stages, i), "stage"), stage))
            return true;
    }
    return false;
}

static void target_pairs_is_exact(void **state)
{
    static const char *const targets[] = {"1", "7", "12", "40", "130"};
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct run *r = place_run(p, ARGS("generate", HANDBOOK, "-o", "qa.jsonl", FAKE(p), BARE,
                                          "--target-pairs", targets[i]));
        run_expect(r, 0);
        char headline[64];
        (void)snprintf(headline, sizeof(headline), "done: %s pairs in qa.jsonl", targets[i]);
        run_expect_says(r, headline);
        assert_null(strstr(r->err, "missing"));
        char rows[16];
        (void)snprintf(rows, sizeof(rows), "%zu", place_rows(p, "qa.jsonl"));
        assert_string_equal(rows, targets[i]);
        gen_json_doc_free(place_summary(p, "qa"));
    }
}

static void check_missing(struct place *p, const char *stem, int64_t n_target, int64_t n_pairs)
{
    struct gen_json_doc *summary = place_summary(p, stem);
    int64_t value = 0;
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(summary), "target_pairs"), &value));
    assert_int_equal(value, n_target);
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(summary), "missing_pairs"), &value));
    assert_int_equal(value, n_target - n_pairs);
    gen_json_doc_free(summary);
}

/* More than the chunks carry: as many as there are, and the end says how many are missing. */
static void a_target_out_of_reach_is_said(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(
        p, ARGS("generate", CHUNKS, "-o", "qa.json", RULES, BARE, "--target-pairs", "5000"));
    run_expect(r, 0);
    size_t n = place_rows(p, "qa.json");
    char text[80];
    (void)snprintf(text, sizeof(text), "done: %zu pairs in qa.json; %zu of the 5000", n, 5000 - n);
    run_expect_says(r, text);
    check_missing(p, "qa", 5000, (int64_t)n);
    r = place_run(p,
                  ARGS("pipeline", CHUNKS, "-o", "t.jsonl", RULES, BARE, "--target-pairs", "5000"));
    run_expect(r, 0);
    run_expect_says(r, "of the 5000 pairs wanted");
    check_missing(p, "t", 5000, (int64_t)n);
}

static void n_pairs_is_per_chunk(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", FAKE(p), BARE, "--n-pairs",
                                 "2", "--max-chunks", "5")),
               0);
    struct gen_json_doc *summary = place_summary(p, "qa");
    assert_int_equal(summary_count(summary, "generate", "in"), 5);
    assert_in_range(summary_count(summary, "generate", "out"), 5, 10);
    assert_int_equal(place_stat(p, "requests"), 5);
    gen_json_doc_free(summary);
    run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "one.json", FAKE(p), BARE, "--n-pairs",
                                 "1", "--max-chunks", "5")),
               0);
    assert_int_equal(place_rows(p, "one.json"), 5);
}

static void topic_adds_a_judge(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "a.json", RULES, "--topic", "HDF5")), 0);
    struct gen_json_doc *summary = place_summary(p, "a");
    assert_int_equal(summary_count(summary, "topic", "in"),
                     summary_count(summary, "generate", "out"));
    assert_int_equal(summary_count(summary, "topic", "out"), place_rows(p, "a.json"));
    gen_json_doc_free(summary);
    run_expect(
        place_run(p, ARGS("generate", NOTES, "-o", "b.json", RULES, "--topic", "medieval poetry")),
        0);
    summary = place_summary(p, "b");
    assert_int_equal(place_rows(p, "b.json"), 0);
    assert_int_equal(summary_sum(summary, "topic", "filtered"),
                     summary_count(summary, "topic", "in"));
    gen_json_doc_free(summary);
    run_expect(place_run(p, ARGS("curate", "a.json", "-o", "c.json", RULES, "--topic",
                                 "medieval poetry", "--threshold", "0")),
               0);
    assert_int_equal(place_rows(p, "c.json"), 0);
}

static void threshold_is_inclusive(void **state)
{
    static const char *const thresholds[] = {"0", "7", "9", "10"};
    struct place *p = *state;
    run_expect(
        place_run(p, ARGS("generate", HANDBOOK, "-o", "qa.json", RULES, "--max-chunks", "30")), 0);
    for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++) {
        run_expect(place_run(p, ARGS("curate", "qa.json", "-o", "cur.json", RULES, "--threshold",
                                     thresholds[i])),
                   0);
        struct gen_json_doc *all = place_json(p, "cur_all_rated.json");
        size_t n = 0;
        double least = strtod(thresholds[i], NULL);
        for (size_t k = 0; k < gen_json_count(gen_json_root(all)); k++) {
            double rating = -1;
            assert_true(gen_json_as_real(gen_json_get(gen_json_at(gen_json_root(all), k), "rating"),
                                         &rating));
            n += rating >= least;
        }
        gen_json_doc_free(all);
        assert_int_equal(place_rows(p, "cur.json"), n);
    }
}

static void enrichment_can_be_left_out(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("pipeline", NOTES, "-o", "t.jsonl", RULES, "--skip-enrichment")),
               0);
    struct gen_json_doc *summary = place_summary(p, "t");
    assert_false(has_stage(summary, "enrich"));
    assert_int_equal(summary_count(summary, "curate", "in"),
                     summary_count(summary, "generate", "out"));
    gen_json_doc_free(summary);
}

static void original_answers_can_be_left_out(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", FAKE(p))), 0);
    run_expect(place_run(p, ARGS("enrich", "qa.json", "-o", "with.json", FAKE(p))), 0);
    run_expect(place_run(p, ARGS("enrich", "qa.json", "-o", "without.json", FAKE(p),
                                 "--no-preserve-original")),
               0);
    char *with = place_read(p, "with.json", NULL);
    char *without = place_read(p, "without.json", NULL);
    assert_non_null(strstr(with, "original_answer"));
    assert_null(strstr(without, "original_answer"));
    free(with);
    free(without);
}

static void batch_size_sets_the_number_of_calls(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", FAKE(p), "--n-pairs", "4")),
               0);
    size_t n = place_rows(p, "qa.json");
    place_script(p, "/fake/reset", "{}");
    run_expect(
        place_run(p, ARGS("curate", "qa.json", "-o", "a.json", FAKE(p), "--batch-size", "1")), 0);
    assert_int_equal(place_stat(p, "requests"), n);
    place_script(p, "/fake/reset", "{}");
    run_expect(
        place_run(p, ARGS("curate", "qa.json", "-o", "b.json", FAKE(p), "--batch-size", "50")), 0);
    assert_true(place_stat(p, "requests") < (long long)n);
}

/* A seed is part of the question: another seed asks anew, the same finds its answers. */
static void seed_is_part_of_the_question(void **state)
{
    static const char *const seeds[] = {"1", "2", "1"};
    static const long long wanted[] = {12, 24, 24};
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < 3; i++) {
        run_expect(place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", FAKE(p), BARE, "--seed",
                                     seeds[i])),
                   0);
        assert_int_equal(place_stat(p, "requests"), wanted[i]);
        assert_int_equal(place_stat(p, "distinct"), wanted[i]);
    }
    struct gen_json_doc *summary = place_summary(p, "qa");
    int64_t seed = 0;
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(summary), "seed"), &seed));
    assert_int_equal(seed, 1);
    gen_json_doc_free(summary);
}

static void dry_run_sends_and_writes_nothing(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    struct run *r = place_run(p, ARGS("pipeline", HANDBOOK, "-o", "t.jsonl", FAKE(p), "--dry-run"));
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "dry run: nothing is sent"));
    assert_non_null(strstr(r->out, "generate"));
    assert_non_null(strstr(r->out, "curate"));
    assert_int_equal(place_stat(p, "requests"), 0);
    assert_int_equal(place_stat(p, "accepted"), 2); /* the two questions for statistics */
    assert_false(place_has(p, "t.jsonl"));
    assert_false(place_has(p, "t.ledger"));
    assert_false(place_has(p, "t_summary.json"));
}

static void quiet_says_nothing(void **state)
{
    struct place *p = *state;
    static const char *const commands[] = {"generate", "enrich", "curate", "export"};
    const char *in = NOTES;
    for (size_t i = 0; i < 4; i++) {
        char out[32];
        (void)snprintf(out, sizeof(out), "%s.json", commands[i]);
        struct run *r = i < 3 ? place_run(p, ARGS(commands[i], in, "-o", out, RULES, "--quiet"))
                              : place_run(p, ARGS(commands[i], in, "-o", out, "--quiet"));
        run_expect(r, 0);
        assert_string_equal(r->err, "");
        assert_string_equal(r->out, "");
        in = i == 0 ? "generate.json" : i == 1 ? "enrich.json" : "curate.json";
    }
    struct run *r = place_run(p, ARGS("generate", "nowhere", "-o", "x.json", RULES, "--quiet"));
    run_expect(r, 2);
    run_expect_says(r, "nowhere");
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

static void progress_plain_writes_lines(void **state)
{
    struct place *p = *state;
    struct run *r =
        place_run(p, ARGS("pipeline", NOTES, "-o", "t.jsonl", RULES, "--progress", "plain"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("generate done, 3/3 chunks", "export done", "done: "));
    assert_null(strchr(r->err, '\033'));
    assert_true(count_of(r->err, "export done") == 1);
    r = place_run(p, ARGS("pipeline", NOTES, "-o", "t.jsonl", RULES, "--progress", "none"));
    run_expect(r, 0);
    assert_null(strstr(r->err, "in flight"));
}

/* Every line of standard error is one object, also when a run fails. */
static void log_json_writes_objects(void **state)
{
    struct place *p = *state;
    const char *const *const runs[] = {
        ARGS("generate", NOTES, "-o", "a.json", RULES, "--log-json"),
        ARGS("generate", CHUNKS, "-o", "b.json", RULES, BARE, "--target-pairs", "900",
             "--log-json"),
        ARGS("export", "a.json", "-o", "c.jsonl", "--log-json"),
        ARGS("generate", "nowhere", "-o", "d.json", RULES, "--log-json"),
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct run *r = place_run(p, runs[i]);
        run_expect(r, i == 3 ? 2 : 0);
        struct gen_str rest = gen_str_from(r->err);
        struct gen_str line;
        size_t n = 0;
        while (gen_str_next_line(&rest, &line)) {
            struct gen_json_doc *doc = NULL;
            struct gen_error err = {.msg = ""};
            if (gen_json_parse(&doc, line, &err) != GEN_OK)
                fail_msg("no JSON: %.*s", GEN_STR_ARG(line));
            assert_true(gen_json_get_str(gen_json_root(doc), "message").n > 0);
            assert_true(gen_json_get_str(gen_json_root(doc), "level").n > 0);
            gen_json_doc_free(doc);
            n++;
        }
        assert_true(n >= 1);
    }
}

static void dash_is_standard_output(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("generate", NOTES, "-o", "-", "--ledger", "x.ledger", RULES));
    run_expect(r, 0);
    place_write(p, "piped.jsonl", r->out);
    assert_true(place_rows(p, "piped.jsonl") >= 3);
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.jsonl", RULES)), 0);
    assert_true(place_same(p, "piped.jsonl", "qa.jsonl"));
    char input[128];
    (void)snprintf(input, sizeof(input), "%s/qa.jsonl", p->dir);
    r = place_start(p, &(struct run_spec){.args = ARGS("export", "-", "-o", "-", "--quiet"),
                                          .stdin_path = input});
    run_wait(r);
    run_expect(r, 0);
    place_write(p, "exported.jsonl", r->out);
    assert_int_equal(place_rows(p, "exported.jsonl"), place_rows(p, "qa.jsonl"));
    r = place_run(p, ARGS("generate", NOTES, "-o", "-", RULES));
    run_expect(r, 2);
    run_expect_says(r, "--ledger");
}

struct format_case {
    const char *name;
    const char *list; /* the row's list of turns; NULL: plain fields */
    const char *fields[3];
};

static const struct format_case formats[] = {
    {"chatml", "messages", {"role", "content", NULL}},
    {"alpaca", NULL, {"instruction", "output", NULL}},
    {"sharegpt", "conversations", {"from", "value", NULL}},
    {"jsonl", NULL, {"question", "answer", NULL}},
};

static void check_format(const struct gen_json *row, const struct format_case *f)
{
    const struct gen_json *turns = f->list ? gen_json_get(row, f->list) : NULL;
    if (f->list)
        assert_true(gen_json_count(turns) >= 2);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < gen_json_count(turns); k++)
            assert_true(gen_json_get_str(gen_json_at(turns, k), f->fields[i]).n > 0);
        if (!f->list)
            assert_true(gen_json_get_str(row, f->fields[i]).n > 0);
    }
}

static void every_format_as_array_and_as_lines(void **state)
{
    struct place *p = *state;
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", RULES)), 0);
    size_t n = place_rows(p, "qa.json");
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        run_expect(place_run(p, ARGS("export", "qa.json", "-o", "t.json", "-f", formats[i].name)),
                   0);
        run_expect(place_run(p, ARGS("export", "qa.json", "-o", "t.jsonl", "-f", formats[i].name)),
                   0);
        assert_int_equal(place_rows(p, "t.jsonl"), n);
        assert_int_equal(place_count_lines(p, "t.jsonl"), n);
        struct gen_json_doc *doc = place_json(p, "t.json");
        assert_int_equal(gen_json_count(gen_json_root(doc)), n);
        for (size_t k = 0; k < n; k++)
            check_format(gen_json_at(gen_json_root(doc), k), &formats[i]);
        gen_json_doc_free(doc);
    }
}

static struct gen_str first_role(const struct gen_json_doc *doc, struct gen_str *content)
{
    const struct gen_json *turn =
        gen_json_at(gen_json_get(gen_json_at(gen_json_root(doc), 0), "messages"), 0);
    *content = gen_json_get_str(turn, "content");
    return gen_json_get_str(turn, "role");
}

static void system_prompt_is_the_users(void **state)
{
    struct place *p = *state;
    struct gen_str content;
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", RULES)), 0);
    run_expect(place_run(p, ARGS("export", "qa.json", "-o", "t.json", "--system-prompt",
                                 "You know \"HDF5\".")),
               0);
    struct gen_json_doc *doc = place_json(p, "t.json");
    assert_true(gen_str_is(first_role(doc, &content), "system"));
    assert_true(gen_str_is(content, "You know \"HDF5\"."));
    gen_json_doc_free(doc);
    run_expect(place_run(p, ARGS("export", "qa.json", "-o", "t.json", "--system-prompt", "")), 0);
    doc = place_json(p, "t.json");
    assert_true(gen_str_is(first_role(doc, &content), "user"));
    gen_json_doc_free(doc);
    run_expect(
        place_run(p, ARGS("pipeline", NOTES, "-o", "p.json", RULES, "--system-prompt", "Be.")), 0);
    doc = place_json(p, "p.json");
    assert_true(gen_str_is(first_role(doc, &content), "system"));
    assert_true(gen_str_is(content, "Be."));
    gen_json_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(target_pairs_is_exact),
        TEST(a_target_out_of_reach_is_said),
        TEST(n_pairs_is_per_chunk),
        TEST(topic_adds_a_judge),
        TEST(threshold_is_inclusive),
        TEST(enrichment_can_be_left_out),
        TEST(original_answers_can_be_left_out),
        TEST(batch_size_sets_the_number_of_calls),
        TEST(seed_is_part_of_the_question),
        TEST(dry_run_sends_and_writes_nothing),
        TEST(quiet_says_nothing),
        TEST(progress_plain_writes_lines),
        TEST(log_json_writes_objects),
        TEST(dash_is_standard_output),
        TEST(every_format_as_array_and_as_lines),
        TEST(system_prompt_is_the_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
