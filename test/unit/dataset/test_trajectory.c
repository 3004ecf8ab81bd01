/* Tool records read into trajectories: whole ones, the Python original's, and bad ones. */
#include "dataset/trajectory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct reading {
    struct gen_json_doc *doc;
    struct gen_arena arena;
    struct gen_trajectory t;
    bool usable;
    char why[320];
};

static struct reading read_text(const char *text)
{
    struct gen_error err;
    struct reading r = {.arena = gen_arena_make((size_t)1 << 20)};
    if (gen_json_parse(&r.doc, gen_str_from(text), &err) != GEN_OK)
        fail_msg("%s: %s", err.msg, text);
    if (gen_trajectory_read(&r.t, gen_json_root(r.doc), &r.arena, &r.usable, r.why, sizeof(r.why),
                            &err) != GEN_OK)
        fail_msg("%s", err.msg);
    return r;
}

static void forget(struct reading *r)
{
    gen_arena_release(&r->arena);
    gen_json_doc_free(r->doc);
}

#define STEP(more)    "{\"tool\":\"f\",\"args\":{}" more "}"
#define ROW(steps)    "{\"instruction\":\"do\",\"solution\":{\"reasoning_path\":[" steps "]}}"
#define IS(text, str) assert_true(gen_str_is(text, str))

static void a_whole_record(void **state)
{
    (void)state;
    struct reading r = read_text(
        "{\"format\":\"tool\",\"id\":\"t00001\",\"instruction\":\"Open it.\",\"solution\":{"
        "\"reasoning_path\":[{\"step\":1,\"turn\":1,\"thought\":\" first \",\"tool\":\"open\","
        "\"args\":{\"path\":\"a.h5\"},\"sources\":{\"path\":{\"origin\":\"request\"}},"
        "\"status\":\"success\",\"actual_result\":\"opened\"},"
        "{\"step\":2,\"turn\":2,\"tool\":\"read\",\"args\":{\"at\":[{\"$result\":{\"step\":1,"
        "\"pointer\":\"/keys/0\"}}]},\"status\":\"pending\",\"actual_result\":\"none of it\"}],"
        "\"clarification\":{\"question\":\"Which?\",\"reply\":\"That.\"},"
        "\"final_answer\":\"Done.\",\"api_documentation\":\"open(path)\"},"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"open\",\"description\":\"o\"}}"
        "],\"metadata\":{\"category\":\"missing-param\",\"blueprint\":{\"seed\":1}},"
        "\"execution_result\":{\"success\":true,\"mode\":\"simulated\"}}");
    assert_true(r.usable);
    IS(r.t.id, "t00001");
    IS(r.t.instruction, "Open it.");
    IS(r.t.question_back, "Which?");
    IS(r.t.user_reply, "That.");
    IS(r.t.final_answer, "Done.");
    IS(r.t.documentation, "open(path)");
    assert_int_equal(r.t.n_steps, 2);
    IS(r.t.steps[0].thought, "first");
    IS(r.t.steps[0].observation, "opened");
    assert_int_equal(r.t.steps[0].status, GEN_CALL_SUCCESS);
    assert_false(r.t.steps[0].has_reference);
    assert_non_null(r.t.steps[0].sources);
    assert_int_equal(r.t.steps[1].status, GEN_CALL_PENDING);
    assert_int_equal(r.t.steps[1].observation.n, 0);
    assert_true(r.t.steps[1].has_reference);
    assert_int_equal(r.t.category, GEN_TOOL_MISSING_PARAM);
    assert_false(r.t.is_executed);
    assert_true(r.t.is_simulated);
    assert_non_null(r.t.blueprint);
    IS(gen_json_get_str(gen_trajectory_tool(&r.t, GEN_STR("open")), "description"), "o");
    assert_null(gen_trajectory_tool(&r.t, GEN_STR("read")));
    forget(&r);
}

/* Results of any type, no status, no turn, no tools: as the Python original wrote them. */
static void results_of_any_type(void **state)
{
    (void)state;
    static const struct {
        const char *members, *observation;
        enum gen_call_status status;
    } cases[] = {
        {",\"actual_result\":\"text\"", "text", GEN_CALL_SUCCESS},
        {",\"actual_result\":{\"a\":[1,2.5,null]}", "{\"a\":[1,2.5,null]}", GEN_CALL_SUCCESS},
        {",\"actual_result\":0", "0", GEN_CALL_SUCCESS},
        {",\"actual_result\":false", "false", GEN_CALL_SUCCESS},
        {",\"actual_result\":[]", "[]", GEN_CALL_SUCCESS},
        {",\"actual_result\":\"\"", "", GEN_CALL_SUCCESS},
        {",\"actual_result\":null", "", GEN_CALL_PENDING},
        {"", "", GEN_CALL_PENDING},
        {",\"error_message\":\"no file\"", "no file", GEN_CALL_FAILURE},
        {",\"status\":\"failure\",\"actual_result\":null,\"error_message\":\"e\"", "e",
         GEN_CALL_FAILURE},
        {",\"status\":\"failure\",\"actual_result\":\"Error: x\",\"error_message\":\"e\"",
         "Error: x", GEN_CALL_FAILURE},
        {",\"status\":\"success\"", "", GEN_CALL_SUCCESS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[400];
        (void)snprintf(text, sizeof(text), ROW(STEP("%s")), cases[i].members);
        struct reading r = read_text(text);
        if (!r.usable)
            fail_msg("%s: %s", text, r.why);
        assert_int_equal(r.t.steps[0].status, cases[i].status);
        if (!gen_str_is(r.t.steps[0].observation, cases[i].observation))
            fail_msg("%s: %.*s", text, GEN_STR_ARG(r.t.steps[0].observation));
        assert_int_equal(r.t.steps[0].step, 1);
        assert_int_equal(r.t.steps[0].turn, 1);
        forget(&r);
    }
}

static void categories(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum gen_tool_category category;
    } cases[] = {
        {ROW(STEP("")), GEN_TOOL_SINGLE},
        {ROW(STEP("") "," STEP("")), GEN_TOOL_CHAIN},
        {ROW(STEP(",\"turn\":1") "," STEP(",\"turn\":1")), GEN_TOOL_PARALLEL},
        {ROW(STEP(",\"turn\":1") "," STEP(",\"turn\":1") "," STEP("")), GEN_TOOL_CHAIN},
        {ROW(STEP(",\"is_mutation\":true") "," STEP("")), GEN_TOOL_ERROR_RECOVERY},
        {ROW(STEP(",\"status\":\"failure\"") "," STEP(",\"status\":\"success\"")),
         GEN_TOOL_ERROR_RECOVERY},
        {ROW(STEP(",\"status\":\"success\"") "," STEP(",\"status\":\"failure\"")), GEN_TOOL_CHAIN},
        {"{\"instruction\":\"i\",\"solution\":{\"final_answer\":\"no\"}}", GEN_TOOL_IRRELEVANCE},
        {"{\"instruction\":\"i\",\"solution\":{}}", GEN_TOOL_CATEGORY_UNKNOWN},
        {"{\"instruction\":\"i\",\"solution\":{},\"metadata\":{\"category\":\"multiple\"}}",
         GEN_TOOL_MULTIPLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r = read_text(cases[i].text);
        if (!r.usable || r.t.category != cases[i].category)
            fail_msg("%s: %s %s", cases[i].text, gen_tool_category_name(r.t.category), r.why);
        forget(&r);
    }
    for (int i = 0; i < GEN_TOOL_N_CATEGORIES; i++) {
        enum gen_tool_category c = (enum gen_tool_category)i;
        assert_int_equal(gen_tool_category_from(gen_str_from(gen_tool_category_name(c))), c);
    }
    assert_int_equal(gen_tool_category_from(GEN_STR("")), GEN_TOOL_CATEGORY_UNKNOWN);
    assert_string_equal(gen_tool_category_name(GEN_TOOL_CATEGORY_UNKNOWN), "unknown");
}

static void what_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"[]", "it is no JSON object"},
        {"{}", "no \"instruction\""},
        {"{\"instruction\":\" \",\"solution\":{}}", "\"instruction\" is empty"},
        {"{\"instruction\":3,\"solution\":{}}", "\"instruction\" is an integer, not a string"},
        {"{\"instruction\":\"i\"}", "no \"solution\""},
        {"{\"instruction\":\"i\",\"solution\":\"s\"}",
         "\"solution\" is of type string, not object"},
        {"{\"instruction\":\"i\",\"solution\":{\"reasoning_path\":{}}}",
         "\"reasoning_path\" is of type object, not array"},
        {"{\"instruction\":\"i\",\"solution\":{},\"tools\":\"[]\"}",
         "\"tools\" is of type string, not array"},
        {ROW("1"), "step 1 of its reasoning_path is no object"},
        {ROW(STEP("") ",{\"args\":{}}"), "step 2 has no \"tool\""},
        {ROW("{\"tool\":7}"), "step 1 has no \"tool\""},
        {ROW(STEP(",\"status\":\"done\"")),
         "the status \"done\" of step 1 is none of pending, success and failure"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r = read_text(cases[i].text);
        if (r.usable || strcmp(r.why, cases[i].why) != 0)
            fail_msg("%s: %d %s", cases[i].text, r.usable, r.why);
        forget(&r);
    }
}

static void arguments_that_are_none(void **state)
{
    (void)state;
    struct reading r = read_text(ROW("{\"tool\":\"f\"},{\"tool\":\"f\",\"args\":\"{}\"},"
                                     "{\"tool\":\"f\",\"args\":null}"));
    assert_true(r.usable);
    for (size_t i = 0; i < 3; i++)
        assert_null(r.t.steps[i].args);
    forget(&r);
}

static void references(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_reference;
    } cases[] = {
        {"{\"$result\":{\"step\":2,\"pointer\":\"/a\"}}", true},
        {"{\"$result\":{\"step\":2}}", true},
        {"{\"$result\":{\"pointer\":\"/a\"}}", false},
        {"{\"$result\":2}", false},
        {"{\"$result\":{\"step\":2},\"more\":1}", false},
        {"\"$result\"", false},
        {"null", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = NULL;
        int64_t step = 0;
        struct gen_str pointer;
        assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].text), NULL), GEN_OK);
        if (gen_result_reference(gen_json_root(doc), &step, &pointer) != cases[i].is_reference)
            fail_msg("%s", cases[i].text);
        if (cases[i].is_reference)
            assert_int_equal(step, 2);
        gen_json_doc_free(doc);
    }
    assert_false(gen_result_reference(NULL, NULL, NULL));
}

static void placeholders(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "$step_1_result", "see $step_12_result.keys", "${step_1}",        "$step2",
        "{{path}}",       "a/{{file.name}}/b",        "<path>",           " <your file> ",
        "<FILE_NAME>",    "{\"$result\": {}}",        "{ \"$result\":1}",
    };
    static const char *const good[] = {
        "",
        "$",
        "$5",
        "$stepfather",
        "{{",
        "{{}}",
        "{{ }}",
        "{path}",
        "a < b",
        "<>",
        "< >",
        "a <path> b",
        "{\"a\":1}",
        "echo $result",
        "<a/>",
        "{{1}}",
        "step_1_result",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!gen_text_has_placeholder(gen_str_from(bad[i])))
            fail_msg("not seen: %s", bad[i]);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (gen_text_has_placeholder(gen_str_from(good[i])))
            fail_msg("seen: %s", good[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_record),
        cmocka_unit_test(results_of_any_type),
        cmocka_unit_test(categories),
        cmocka_unit_test(what_cannot_be_used),
        cmocka_unit_test(arguments_that_are_none),
        cmocka_unit_test(references),
        cmocka_unit_test(placeholders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
