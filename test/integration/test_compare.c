/* compare: sets side by side, from files as people have them. */
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

static void make_folder(const struct place *p, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void make_qa(struct place *p, const char *out)
{
    run_expect(place_run(p, ARGS("generate", HANDBOOK, "-o", out, "--provider", "extractive",
                                 "--progress", "none")),
               0);
}

/* A copy in which each question has the answer of another. */
static void swap_answers(const struct place *p, const char *from, const char *to)
{
    struct gen_json_doc *doc = place_json(p, from);
    const struct gen_json *rows = gen_json_root(doc);
    size_t n = gen_json_count(rows);
    struct gen_buf text = gen_buf_make(1 << 24);
    struct gen_jb *b = NULL;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < n; i++) {
        struct gen_jmut *row = gen_jb_copy(b, gen_json_at(rows, i));
        gen_jb_set(b, row, "answer",
                   gen_jb_str(b, gen_json_get_str(gen_json_at(rows, (i + 7) % n), "answer")));
        gen_jb_append(b, list, row);
    }
    assert_int_equal(gen_jb_write(b, list, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    place_write(p, to, text.data);
    gen_buf_release(&text);
    gen_jb_free(b);
    gen_json_doc_free(doc);
}

static const struct gen_json *decision(const struct gen_json_doc *report)
{
    return gen_json_get(gen_json_root(report), "decision");
}

static const struct gen_json *set(const struct gen_json_doc *report, size_t i)
{
    return gen_json_at(gen_json_get(gen_json_root(report), "datasets"), i);
}

static int64_t number(const struct gen_json *o, const char *key)
{
    int64_t value = -1;
    (void)gen_json_as_int(gen_json_get(o, key), &value);
    return value;
}

static void the_better_of_two_sets_with_one_stem_wins(void **state)
{
    struct place *p = *state;
    bool consistent = false;
    make_folder(p, "v1");
    make_folder(p, "v2");
    make_qa(p, "v1/qa.json");
    swap_answers(p, "v1/qa.json", "v2/qa.json");
    struct run *r = place_run(p, ARGS("compare", "v2/qa.json", "v1/qa.json", "-o", "report.json",
                                      "--provider", "extractive", "--progress", "none"));
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "v1/qa.json wins"));
    assert_non_null(strstr(r->out, "questions repeated nearly"));
    run_expect_said(r, ARGS("v1/qa.json is the best of 2 sets", "24 questions in"));
    struct gen_json_doc *report = place_json(p, "report.json");
    const struct gen_json *d = decision(report);
    assert_true(gen_str_is(gen_json_get_str(d, "winner"), "v1/qa.json"));
    assert_true(gen_str_is(gen_json_get_str(d, "model_choice"), "v1/qa.json"));
    assert_true(gen_str_is(gen_json_get_str(d, "by"), "rating"));
    assert_true(gen_json_as_bool(gen_json_get(d, "consistent"), &consistent) && consistent);
    assert_true(gen_str_is(gen_json_get_str(set(report, 0), "name"), "v2/qa.json"));
    assert_true(
        gen_str_is(gen_json_get_str(set(report, 0), "most_frequent_fault"), "unsupported_claim"));
    for (size_t s = 0; s < 2; s++) {
        const struct gen_json *samples = gen_json_get(set(report, s), "samples");
        const struct gen_json *judged = gen_json_get(set(report, s), "judged");
        assert_int_equal(gen_json_count(samples), 10);
        assert_int_equal(number(judged, "n"), 10);
        /* The changed copy has no ledger: its chunks are in the other's. */
        assert_int_equal(number(judged, "without_source"), 0);
        /* The same chunks in both. */
        for (size_t i = 0; i < 10; i++)
            assert_true(number(gen_json_at(samples, i), "pair") >= 1);
    }
    gen_json_doc_free(report);
    gen_json_doc_free(place_summary(p, "report"));
}

static void a_set_against_itself_ties(void **state)
{
    struct place *p = *state;
    make_qa(p, "qa.json");
    struct run *r = place_run(p, ARGS("compare", "qa.json", "qa.json", "-o", "report.json",
                                      "--provider", "extractive", "--sample-size", "25"));
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "No clear winner"));
    assert_non_null(strstr(r->out, "same mean rating"));
    struct gen_json_doc *report = place_json(p, "report.json");
    const struct gen_json *d = decision(report);
    assert_int_equal(gen_json_type(gen_json_get(d, "winner")), GEN_JSON_NULL);
    assert_true(gen_str_is(gen_json_get_str(d, "model_choice"), "tie"));
    assert_true(gen_str_is(gen_json_get_str(set(report, 0), "name"), "qa.json"));
    assert_true(gen_str_is(gen_json_get_str(set(report, 1), "name"), "qa.json (2)"));
    assert_true(gen_json_equal(gen_json_get(set(report, 0), "judged"),
                               gen_json_get(set(report, 1), "judged")));
    assert_int_equal(number(gen_json_get(d, "merge"), "rows"),
                     place_rows(p, "qa.json") -
                         (size_t)number(gen_json_get(d, "merge"), "near_duplicates") / 2);
    gen_json_doc_free(report);
}

/* No provider is asked for, reached or configured, and no ledger is left. */
static void without_a_sample_no_model_is_needed(void **state)
{
    struct place *p = *state;
    make_qa(p, "a.json");
    swap_answers(p, "a.json", "b.json");
    struct run *r =
        place_run(p, ARGS("compare", "a.json", "b.json", "-o", "report.json", "--sample-size", "0",
                          "--provider", "openai", "--base-url", "http://127.0.0.1:1/v1"));
    run_expect(r, 0);
    struct gen_json_doc *report = place_json(p, "report.json");
    assert_true(gen_str_is(gen_json_get_str(decision(report), "winner"), "a.json"));
    assert_true(gen_str_is(gen_json_get_str(decision(report), "by"), "grounding"));
    assert_int_equal(gen_json_type(gen_json_get(decision(report), "consistent")), GEN_JSON_NULL);
    assert_int_equal(gen_json_count(gen_json_get(set(report, 0), "samples")), 0);
    gen_json_doc_free(report);
    assert_false(place_has(p, "report.ledger"));
}

static void bad_sets_end_before_anything_is_paid(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        {"missing.json", NULL, "missing.json"},
        {"empty.json", "[]", "is empty"},
        {"nothing.jsonl", "", "is empty"},
        {"cut.json", "[{\"question\":\"a?\",\"answer\":\"b\"},", "cut.json"},
        {"other.jsonl", "{\"x\":1}\n{\"y\":2}\n", "none of the 2 rows"},
        {"-", NULL, "more than once"},
    };
    place_serve(p, NULL);
    make_qa(p, "qa.json");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].text)
            place_write(p, cases[i].name, cases[i].text);
        struct run *r =
            place_run(p, ARGS("compare", "qa.json", cases[i].name, "-o", "report.json",
                              "--provider", "vllm", "--model", "fake-model", "--base-url", p->v1));
        run_expect(r, 2);
        run_expect_says(r, cases[i].says);
        assert_false(place_has(p, "report.json"));
        assert_false(place_has(p, "report.ledger"));
    }
    assert_int_equal(place_stat(p, "requests"), 0);
    struct run *r = place_run(p, ARGS("compare", "qa.json", "-o", "report.json"));
    run_expect(r, 2);
    run_expect_says(r, "1 set given");
}

/* Pairs, chains of thought and training files: what cannot be compared is not. */
static void sets_of_different_kinds(void **state)
{
    struct place *p = *state;
    make_qa(p, "qa.json");
    run_expect(place_run(p, ARGS("export", "qa.json", "-o", "train.jsonl", "-f", "chatml")), 0);
    place_write(p, "cot.jsonl",
                "{\"format\":\"cot\",\"question\":\"Why does wax resist glaze on a pot?\","
                "\"reasoning\":\"Wax repels water. Glaze is watery.\",\"answer\":\"Because wax "
                "repels the water that glaze is carried in.\"}\n"
                "{\"no\":\"pair\"}\n");
    struct run *r =
        place_run(p, ARGS("compare", "qa.json", "train.jsonl", "cot.jsonl", "-o", "report.json",
                          "--provider", "extractive", "--progress", "none"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("cot.jsonl, row 2 cannot be read", "are not known"));
    assert_non_null(strstr(r->out, "cannot be compared"));
    struct gen_json_doc *report = place_json(p, "report.json");
    assert_int_equal(number(gen_json_get(set(report, 1), "judged"), "without_source"), 10);
    assert_int_equal(number(gen_json_get(set(report, 2), "judged"), "n"), 1);
    assert_int_equal(number(gen_json_get(set(report, 2), "metrics"), "rows"), 2);
    assert_int_equal(gen_json_type(gen_json_get(decision(report), "winner")), GEN_JSON_NULL);
    gen_json_doc_free(report);
}

static const char *const *model_args(const struct place *p, const char **args, const char *report)
{
    const char *const all[] = {
        "compare", "a.json",        "b.json",     "-o",         report, "--provider",
        "vllm",    "--model",       "fake-model", "--base-url", p->v1,  "--progress",
        "none",    "--sample-size", "20",         "--workers",  "2",    NULL};
    memcpy(args, all, sizeof(all));
    return args;
}

/* The report without the time it was made at. */
static char *timeless(const struct place *p, const char *name)
{
    char *text = place_read(p, name, NULL);
    char *at = strstr(text, "\"generator\"");
    assert_non_null(at);
    memmove(text, at, strlen(at) + 1);
    return text;
}

static void a_killed_run_goes_on(void **state)
{
    struct place *p = *state;
    const char *args[24];
    place_serve(p, ARGS("--latency-ms", "30"));
    make_qa(p, "a.json");
    swap_answers(p, "a.json", "b.json");
    struct run *r = place_start(p, &(struct run_spec){.args = model_args(p, args, "killed.json")});
    while (place_stat(p, "requests") < 12)
        run_sleep_ms(5);
    (void)kill(r->pid, SIGKILL);
    run_wait(r);
    assert_false(place_has(p, "killed.json"));
    run_expect(place_run(p, model_args(p, args, "killed.json")), 0);
    /* Two were in flight; nothing else is asked twice. */
    assert_in_range(place_stat(p, "repeated"), 0, 2);
    assert_true(place_stat(p, "requests") >= 44);
    run_expect(place_run(p, model_args(p, args, "whole.json")), 0);
    char *killed = timeless(p, "killed.json");
    char *whole = timeless(p, "whole.json");
    assert_string_equal(killed, whole);
    free(killed);
    free(whole);
    /* fakellm says "A" whatever A is. */
    struct gen_json_doc *report = place_json(p, "whole.json");
    assert_true(gen_str_is(gen_json_get_str(decision(report), "model_choice"), "inconsistent"));
    gen_json_doc_free(report);
}

static void a_dry_run_counts_all_three_rounds(void **state)
{
    struct place *p = *state;
    make_qa(p, "a.json");
    swap_answers(p, "a.json", "b.json");
    struct run *r = place_run(p, ARGS("compare", "a.json", "b.json", "-o", "report.json",
                                      "--provider", "extractive", "--dry-run"));
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "24 questions read"));
    assert_false(place_has(p, "report.json"));
    assert_false(place_has(p, "report.ledger"));
}

/* A budget ends the sample early; what was judged is reported as such. */
static void a_budget_cuts_the_sample(void **state)
{
    struct place *p = *state;
    const char *args[24];
    place_serve(p, NULL);
    make_qa(p, "a.json");
    swap_answers(p, "a.json", "b.json");
    (void)model_args(p, args, "report.json");
    args[17] = "--max-requests";
    args[18] = "9";
    args[19] = NULL;
    run_expect(place_run(p, args), 4);
    struct gen_json_doc *report = place_json(p, "report.json");
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(report), "end"), "budget"));
    assert_int_equal(number(gen_json_get(set(report, 0), "judged"), "n") +
                         number(gen_json_get(set(report, 1), "judged"), "n"),
                     9);
    gen_json_doc_free(report);
}

/* What a shell makes of "compare" with all .json files of a folder. */
static void a_folder_of_curates_is_compared(void **state)
{
    struct place *p = *state;
    make_qa(p, "qa.json");
    run_expect(place_run(p, ARGS("curate", "qa.json", "-o", "cur.json", "--provider", "extractive",
                                 "--threshold", "9")),
               0);
    struct run *r =
        place_run(p, ARGS("compare", "cur.json", "cur_all_rated.json", "cur_distribution.json",
                          "cur_metrics.json", "cur_summary.json", "-o", "report.json", "--provider",
                          "extractive", "--progress", "none"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("cur_metrics.json is about a set", "2 sets"));
    struct gen_json_doc *report = place_json(p, "report.json");
    assert_int_equal(gen_json_count(gen_json_get(gen_json_root(report), "datasets")), 2);
    /* The ledger of "cur" knows the chunks of "cur_all_rated". */
    assert_int_equal(number(gen_json_get(set(report, 1), "judged"), "without_source"), 0);
    gen_json_doc_free(report);
}

/* Labels are letters, so that there are at most 26; the table goes on below where it is wide. */
static void many_sets_are_compared(void **state)
{
    enum { SETS = 27 };
    struct place *p = *state;
    char names[SETS][16];
    const char *args[SETS + 10] = {"compare"};
    size_t n = 1;
    make_qa(p, "qa.json");
    for (size_t i = 0; i < SETS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "set%02zu.json", i + 1);
        swap_answers(p, "qa.json", names[i]);
        args[n++] = names[i];
    }
    const char *const more[] = {"-o",   "report.json",   "--provider", "extractive", "--progress",
                                "none", "--sample-size", "2",          NULL};
    memcpy(&args[n], more, sizeof(more));
    struct run *r = place_run(p, args);
    run_expect(r, 2);
    run_expect_says(r, "27 sets given: compare puts 2 to 26 beside each other");
    args[1] = "compare";
    r = place_run(p, &args[1]);
    run_expect(r, 0);
    run_expect_said(r, ARGS("among 26 sets", "set27.json"));
    struct gen_json_doc *report = place_json(p, "report.json");
    assert_int_equal(gen_json_count(gen_json_get(gen_json_root(report), "datasets")), 26);
    assert_true(gen_str_is(gen_json_get_str(decision(report), "model_choice"), "tie"));
    gen_json_doc_free(report);
}

/* Names that are long, and not UTF-8. */
static void names_are_shown_whatever_they_are(void **state)
{
    struct place *p = *state;
    char name[200] = "";
    for (size_t i = 0; i < 90; i++)
        memcpy(name + 2 * i, "\xC3\xBC", 3);
    memcpy(name + 180, ".json", 6);
    make_qa(p, "qa.json");
    swap_answers(p, "qa.json", name);
    swap_answers(p, "qa.json", "b\xFF.json");
    run_expect(place_run(p, ARGS("compare", name, "qa.json", "-o", "a.json", "--provider",
                                 "extractive", "--progress", "none")),
               0);
    run_expect(place_run(p, ARGS("compare", "b\xFF.json", "qa.json", "-o", "b.json", "--provider",
                                 "extractive", "--progress", "none")),
               0);
    struct gen_json_doc *report = place_json(p, "a.json");
    assert_true(gen_str_is(gen_json_get_str(set(report, 0), "name"), name));
    gen_json_doc_free(report);
    report = place_json(p, "b.json");
    assert_true(gen_str_is(gen_json_get_str(set(report, 0), "name"), "b\xEF\xBF\xBD.json"));
    gen_json_doc_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_better_of_two_sets_with_one_stem_wins),
        TEST(a_set_against_itself_ties),
        TEST(without_a_sample_no_model_is_needed),
        TEST(bad_sets_end_before_anything_is_paid),
        TEST(sets_of_different_kinds),
        TEST(a_killed_run_goes_on),
        TEST(a_dry_run_counts_all_three_rounds),
        TEST(a_folder_of_curates_is_compared),
        TEST(many_sets_are_compared),
        TEST(names_are_shown_whatever_they_are),
        TEST(a_budget_cuts_the_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
