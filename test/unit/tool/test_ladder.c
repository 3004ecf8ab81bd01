/* The verification ladder over hand-made records of every category, rows of the Python original,
 * and the mutations T2 to T8 of prompting.md C.3 (test/data/tool/mutations.jsonl). */
#include "tool/coverage.h"
#include "tool/ladder.h"

#include "json/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct rows {
    FILE *f;
    char *text;
    size_t capacity, line;
};

static struct rows rows_open(const char *path)
{
    struct rows r = {.f = fopen(path, "r")};
    assert_non_null(r.f);
    return r;
}

static struct gen_json_doc *rows_next(struct rows *r)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    ssize_t n = getline(&r->text, &r->capacity, r->f);
    if (n <= 0)
        return NULL;
    r->line++;
    if (gen_json_parse(&doc, (struct gen_str){r->text, (size_t)n}, &err))
        fail_msg("line %zu: %s", r->line, err.msg);
    return doc;
}

static void rows_close(struct rows *r)
{
    free(r->text);
    assert_int_equal(fclose(r->f), 0);
}

static struct gen_ladder *ladder(bool needs_execution)
{
    const struct gen_ladder_options o = {.needs_execution = needs_execution};
    struct gen_ladder *l = NULL;
    assert_int_equal(gen_ladder_new(&l, &o, NULL), GEN_OK);
    return l;
}

/* What each record of records.jsonl is refused for; the others come through. */
static void records(void **state)
{
    (void)state;
    static const struct {
        size_t line;
        const char *rule;
    } refused[] = {
        {17, "invented_argument"}, {18, "call_failed"},       {21, "invented_argument"},
        {23, "invented_argument"}, {26, "invented_argument"}, {27, "unresolved_reference"},
        {28, "unknown_tool"},      {29, "schema_invalid"},    {30, "no_final_answer"},
        {31, "schema_invalid"},    {32, "nothing_to_learn"}};
    struct rows r = rows_open(TEST_DATA_DIR "/tool/records.jsonl");
    struct gen_ladder *l = ladder(false);
    struct gen_json_doc *doc;
    size_t n_wrong = 0;
    while ((doc = rows_next(&r))) {
        struct gen_climb climb;
        const char *wanted = "";
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            if (refused[i].line == r.line)
                wanted = refused[i].rule;
        }
        assert_int_equal(gen_ladder_climb(l, gen_json_root(doc), &climb, NULL), GEN_OK);
        if (strcmp(wanted, climb.rule ? climb.rule : "") != 0) {
            n_wrong++;
            print_error("records.jsonl:%zu: wanted %s, found %s at %s: %s\n", r.line, wanted,
                        climb.rule ? climb.rule : "nothing", gen_rung_name(climb.rung), climb.why);
        }
        assert_true(climb.n_traced <= climb.n_arguments);
        gen_json_doc_free(doc);
    }
    const struct gen_ladder_counts *counts = gen_ladder_counts(l);
    assert_int_equal(counts->n_in, r.line);
    for (size_t i = 1; i < GEN_RUNG_JUDGE; i++)
        assert_true(counts->n_passed[i] <= counts->n_passed[i - 1]);
    assert_int_equal(counts->n_passed[GEN_RUNG_JUDGE], 0);
    gen_ladder_free(l);
    rows_close(&r);
    if (n_wrong)
        fail_msg("%zu records", n_wrong);
}

/* Each planted fault is found on its rung, by its rule; what only a judge can tell comes through.
 */
static void mutations(void **state)
{
    (void)state;
    struct rows r = rows_open(TEST_DATA_DIR "/tool/mutations.jsonl");
    struct gen_ladder *l = ladder(true);
    struct gen_json_doc *doc;
    size_t n_wrong = 0;
    while ((doc = rows_next(&r))) {
        const struct gen_json *row = gen_json_root(doc);
        struct gen_climb climb;
        struct gen_str rule = gen_json_get_str(row, "rule");
        struct gen_str rung = gen_json_get_str(row, "rung");
        assert_int_equal(gen_ladder_climb(l, gen_json_get(row, "record"), &climb, NULL), GEN_OK);
        bool is_right =
            climb.rule ? gen_str_is(rule, climb.rule) && gen_str_is(rung, gen_rung_name(climb.rung))
                       : rule.n == 0;
        /* The sentence says where: the step, or the answer. */
        if (climb.rule && !strstr(climb.why, "step") && !strstr(climb.why, "answer"))
            is_right = false;
        if (!is_right) {
            n_wrong++;
            print_error("mutations.jsonl:%zu: %.*s: found %s at %s: %s\n", r.line,
                        GEN_STR_ARG(gen_json_get_str(row, "kind")),
                        climb.rule ? climb.rule : "nothing", gen_rung_name(climb.rung), climb.why);
        }
        gen_json_doc_free(doc);
    }
    gen_ladder_free(l);
    rows_close(&r);
    if (n_wrong)
        fail_msg("%zu mutations", n_wrong);
}

static const char *climb_text(const char *text, bool needs_execution, struct gen_climb *climb)
{
    struct gen_ladder *l = ladder(needs_execution);
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    if (text && gen_json_parse(&doc, gen_str_from(text), &err))
        fail_msg("%s: %s", text, err.msg);
    assert_int_equal(gen_ladder_climb(l, text ? gen_json_root(doc) : NULL, climb, NULL), GEN_OK);
    gen_json_doc_free(doc);
    gen_ladder_free(l);
    return climb->rule ? climb->rule : "";
}

#define TOOLS                                                                                      \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get\",\"description\":\"Gets.\","  \
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"key\":{\"type\":\"string\"},\"n\":"     \
    "{\"type\":\"integer\"}},\"required\":[\"key\"]}}},"                                           \
    "{\"type\":\"function\",\"function\":{\"name\":\"broken\",\"description\":\"B.\","             \
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"key\":{\"$ref\":\"#/nowhere\"}}}}}]"
#define RECORD(category, path, more)                                                               \
    "{\"instruction\":\"Get alpha for me\",\"metadata\":{\"category\":\"" category "\"" more       \
    "},\"solution\":{\"reasoning_path\":[" path "]"
#define STEP(n, args, rest)                                                                        \
    "{\"step\":" n ",\"tool\":\"get\",\"args\":" args ",\"thought\":\"It is needed.\"" rest "}"
#define WENT_WELL ",\"status\":\"success\",\"actual_result\":\"{\\\"v\\\":12}\""
#define FAILED    ",\"status\":\"failure\",\"error_message\":\"no such key\""

#define ANSWERED(answer, validated)                                                                \
    ",\"final_answer\":\"" answer "\",\"execution_validated\":" validated "}," TOOLS "}"

static void single_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rule;
        bool needs_execution;
    } cases[] = {
        {NULL, "not_json", false},
        {"[]", "not_a_tool_record", false},
        {"{\"question\":\"a\",\"answer\":\"b\"}", "not_a_tool_record", false},
        {RECORD("single", "", "") "}," TOOLS "}", "nothing_to_learn", false},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", ""), "") "}," TOOLS "}", "", false},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", ""), "") "}," TOOLS "}", "not_executed",
         true},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\",\"n\":3}", ""), "") "}," TOOLS "}",
         "invented_argument", false},
        {RECORD("single", "{\"step\":1,\"tool\":\"broken\",\"args\":{\"key\":\"alpha\"}}",
                "") "}," TOOLS "}",
         "tool_definition_unusable", false},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ",\"final_answer\":\"It is 12.\"}," TOOLS "}",
         "", true},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ",\"final_answer\":\"The task is complete.\"}," TOOLS "}",
         "hollow_answer", true},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ",\"final_answer\":\"It is $step_1_result.\"}," TOOLS "}",
         "unresolved_reference", true},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", FAILED),
                "") ",\"final_answer\":\"No such key.\"}," TOOLS "}",
         "call_failed", true},
        {RECORD("error-recovery",
                STEP("1", "{\"key\":\"alfa\"}", FAILED ",\"is_mutation\":true") "," STEP(
                    "2", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ",\"final_answer\":\"It is 12.\"}," TOOLS "}",
         "", true},
        {RECORD("error-recovery", STEP("1", "{\"key\":\"alfa\"}", FAILED ",\"is_mutation\":true"),
                "") ",\"final_answer\":\"It is unknown.\"}," TOOLS "}",
         "not_recovered", true},
        {RECORD("error-recovery",
                STEP("1", "{\"key\":\"alfa\"}", WENT_WELL ",\"is_mutation\":true"),
                "") ",\"final_answer\":\"It is 12.\"}," TOOLS "}",
         "mutation_did_not_fail", true},
        {RECORD("irrelevance", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ",\"final_answer\":\"It is 12.\"}," TOOLS "}",
         "call_not_wanted", true},
        {RECORD("irrelevance", "", "") ",\"final_answer\":\"No tool here does that.\"}," TOOLS "}",
         "", true},
        {RECORD("irrelevance", "", "") ",\"final_answer\":\"I'll send it at once.\"}," TOOLS "}",
         "promises_action", true},
        {RECORD("missing-param", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ",\"final_answer\":\"It is 12.\"}," TOOLS "}",
         "no_question", true},
        {RECORD("missing-param", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL),
                ",\"blueprint\":{\"withheld\":[\"key\"]}") ",\"clarification\":{\"question\":"
                                                           "\"Which "
                                                           "key?\",\"reply\":\"alpha\"},\"final_"
                                                           "answer\":\"It is 12.\"}," TOOLS "}",
         "nothing_was_missing", true},
        {RECORD("chain", STEP("1", "{\"key\":\"beta\"}", WENT_WELL),
                ",\"blueprint\":{\"context\":\"the key beta is set\"}") ",\"final_answer\":"
                                                                        "\"It is 12.\"}," TOOLS "}",
         "", true},
        {RECORD("chain",
                STEP("1", "{\"key\":\"alpha\"}", "") "," STEP(
                    "2", "{\"key\":{\"$result\":{\"step\":1,\"pointer\":\"/v\"}}}", ""),
                "") "}," TOOLS "}",
         "", false},
        {RECORD("chain",
                STEP("1", "{\"key\":{\"$result\":{\"step\":2,\"pointer\":\"/v\"}}}",
                     "") "," STEP("2", "{\"key\":\"alpha\"}", ""),
                "") "}," TOOLS "}",
         "unresolved_reference", false},
        {RECORD("chain", STEP("2", "{\"key\":\"alpha\"}", ""), "") "}," TOOLS "}",
         "steps_out_of_order", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_climb climb;
        const char *rule = climb_text(cases[i].text, cases[i].needs_execution, &climb);
        if (strcmp(rule, cases[i].rule) != 0)
            fail_msg("case %zu: wanted \"%s\", found \"%s\": %s\n%s", i, cases[i].rule, rule,
                     climb.why, cases[i].text);
        assert_true(!climb.rule == !climb.why[0]);
    }
}

/* A run that was given up is refused where its calls are looked at, however well they went. */
static void given_up(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rule;
        bool needs_execution;
    } cases[] = {
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL), "")
             ANSWERED("It is 12.", "false"),
         "not_solved", true},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL), "")
             ANSWERED("It is 12.", "false"),
         "not_solved", false},
        {RECORD("error-recovery",
                STEP("1", "{\"key\":\"alfa\"}", FAILED ",\"is_mutation\":true") "," STEP(
                    "2", "{\"key\":\"alpha\"}", WENT_WELL),
                "") ANSWERED("It is 12.", "false"),
         "not_solved", true},
        /* What failed says more than that it was given up. */
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", FAILED), "")
             ANSWERED("No such key.", "false"),
         "call_failed", true},
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL), "")
             ANSWERED("It is 12.", "true"),
         NULL, true},
        /* No boolean says nothing. */
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", WENT_WELL), "")
             ANSWERED("It is 12.", "null"),
         NULL, true},
        /* Nothing was executed, or nothing was to be. */
        {RECORD("single", STEP("1", "{\"key\":\"alpha\"}", ""), "") ANSWERED("It is 12.", "false"),
         NULL, false},
        {RECORD("irrelevance", "", "") ANSWERED("No tool here does that.", "false"), NULL, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_climb climb;
        const char *wanted = cases[i].rule ? cases[i].rule : "";
        const char *rule = climb_text(cases[i].text, cases[i].needs_execution, &climb);
        if (strcmp(rule, wanted) != 0)
            fail_msg("case %zu: wanted \"%s\", found \"%s\": %s\n%s", i, wanted, rule, climb.why,
                     cases[i].text);
        if (climb.rule)
            assert_int_equal(climb.rung, GEN_RUNG_EXECUTION);
    }
}

/* A row of the original without tools: what can be looked at is, and the rest is said. */
static void original(void **state)
{
    (void)state;
    struct gen_ladder *l = ladder(false);
    struct gen_json_doc *doc = NULL;
    struct gen_climb climb;
    const char *text =
        "{\"instruction\":\"Read data.csv\",\"solution\":{\"reasoning_path\":[{\"step\":1,"
        "\"tool\":\"read\",\"args\":{\"path\":\"data.csv\"},\"status\":\"success\","
        "\"actual_result\":{\"rows\":12,\"ok\":false}}],\"final_answer\":\"It has 12 rows.\"}}";
    assert_int_equal(gen_json_parse(&doc, gen_str_from(text), NULL), GEN_OK);
    assert_int_equal(gen_ladder_climb(l, gen_json_root(doc), &climb, NULL), GEN_OK);
    assert_null(climb.rule);
    assert_int_equal(climb.n_arguments, 1);
    assert_int_equal(climb.n_traced, 1);
    assert_int_equal(gen_ladder_counts(l)->n_skipped[GEN_RUNG_SCHEMA], 1);
    gen_json_doc_free(doc);
    gen_ladder_free(l);
}

static void coverage(void **state)
{
    (void)state;
    struct gen_toolset *set = NULL;
    struct gen_tool_coverage *c = NULL;
    struct gen_arena arena = gen_arena_make((size_t)1 << 24);
    assert_int_equal(
        gen_toolset_load(&set, PROJECT_DIR "/configs/hdf5_tools.json", NULL, NULL, NULL), GEN_OK);
    assert_int_equal(gen_tool_coverage_new(&c, set, NULL), GEN_OK);
    struct gen_tool_coverage_sums none = gen_tool_coverage_sums(c, 1);
    assert_int_equal(none.n_tools_used, 0);
    assert_int_equal(none.n_tools_below, 25);
    assert_true(none.entropy == 0);
    struct rows r = rows_open(TEST_DATA_DIR "/tool/records.jsonl");
    struct gen_json_doc *doc;
    while ((doc = rows_next(&r))) {
        struct gen_trajectory t;
        bool usable;
        char why[200];
        assert_int_equal(
            gen_trajectory_read(&t, gen_json_root(doc), &arena, &usable, why, sizeof(why), NULL),
            GEN_OK);
        if (usable)
            assert_int_equal(gen_tool_coverage_add(c, &t, NULL), GEN_OK);
        gen_arena_reset(&arena);
        gen_json_doc_free(doc);
    }
    rows_close(&r);
    struct gen_tool_coverage_sums s = gen_tool_coverage_sums(c, 1);
    assert_true(s.n_tools_used >= 8 && s.n_tools_used < s.n_tools);
    assert_int_equal(s.n_tools_used + s.n_tools_below, s.n_tools);
    assert_true(s.n_enum_values_used >= 1 && s.n_enum_values_used < s.n_enum_values);
    assert_true(s.entropy > 0.3 && s.entropy < 1);
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(1 << 20);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    assert_int_equal(gen_jb_write(b, gen_tool_coverage_json(c, b), GEN_JSON_COMPACT, &text, NULL),
                     GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
    const struct gen_json *root = gen_json_root(doc);
    const struct gen_json *first = gen_json_at(gen_json_get(root, "per_tool"), 0);
    assert_true(gen_str_is(gen_json_get_str(first, "tool"), "open_file"));
    int64_t n = 0;
    assert_true(gen_json_as_int(
        gen_json_get(
            gen_json_get(gen_json_get(gen_json_get(first, "parameters"), "mode"), "values"), "r"),
        &n));
    assert_true(n >= 1);
    assert_true(gen_json_count(gen_json_get(root, "pairs")) >= 3);
    assert_non_null(gen_json_get(gen_json_get(root, "chain_lengths"), "3"));
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    gen_jb_free(b);
    gen_tool_coverage_free(c);
    gen_toolset_free(set);
    gen_arena_release(&arena);
}

/* Calls are compared with each other: a row of very many is not looked at. */
static void very_many_calls(void **state)
{
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_ladder *l = NULL;
    struct gen_json_doc *doc = NULL;
    struct gen_climb climb;
    const struct gen_ladder_options o = {.needs_execution = false};
    (void)state;
    assert_int_equal(gen_buf_add_c(&text,
                                   "{\"instruction\":\"i\",\"solution\":{"
                                   "\"reasoning_path\":[",
                                   NULL),
                     GEN_OK);
    for (int i = 0; i < 50000; i++)
        assert_int_equal(
            gen_buf_printf(&text, NULL, "%s{\"tool\":\"t\",\"status\":\"failure\"}", i ? "," : ""),
            GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "]}}", NULL), GEN_OK);
    assert_int_equal(gen_ladder_new(&l, &o, NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
    assert_int_equal(gen_ladder_climb(l, gen_json_root(doc), &climb, NULL), GEN_OK);
    assert_string_equal(climb.rule, "too_many_steps");
    assert_string_equal(climb.why, "50000 calls, and at most 1000 are looked at");
    gen_json_doc_free(doc);
    gen_ladder_free(l);
    gen_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),        cmocka_unit_test(mutations),
        cmocka_unit_test(single_rules),   cmocka_unit_test(given_up),
        cmocka_unit_test(original),       cmocka_unit_test(coverage),
        cmocka_unit_test(very_many_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
