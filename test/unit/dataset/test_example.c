/* Conversations of others and tool records as examples: what is read, and what is refused by which
 * rule. What they become is in the golden files of test_export. */
#include "dataset/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* One turn a word: "s" system, "u" user, "a" assistant, "c2" with two calls, "t" tool; "*" after
 * it: masked, "+": with reasoning. */
static void describe(const struct gen_example *e, char *out, size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < e->n_turns; i++) {
        const struct gen_turn *turn = &e->turns[i];
        const char *name = turn->role == GEN_ROLE_USER ? "u" : "a";
        if (turn->role == GEN_ROLE_TOOL)
            name = "t";
        int more = turn->n_calls ? snprintf(out + at, n - at, "%sc%zu", i ? " " : "", turn->n_calls)
                                 : snprintf(out + at, n - at, "%s%s", i ? " " : "", name);
        at += (size_t)more;
        at += (size_t)snprintf(out + at, n - at, "%s%s", turn->reasoning.n ? "+" : "",
                               turn->is_masked ? "*" : "");
    }
}

#define U "{\"role\":\"user\",\"content\":\"q\"}"
#define A "{\"role\":\"assistant\",\"content\":\"a\"}"
#define CALL(id)                                                                                   \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"
#define CALLS(list) "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" list "]}"
#define T(id)       "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"r\"}"
#define M(turns)    "{\"messages\":[" turns "]}"
#define H           "{\"from\":\"human\",\"value\":\"q\"}"
#define G           "{\"from\":\"gpt\",\"value\":\"a\"}"
#define F(value)    "{\"from\":\"function_call\",\"value\":\"" value "\"}"
#define O(value)    "{\"from\":\"observation\",\"value\":\"" value "\"}"
#define C(turns)    "{\"conversations\":[" turns "]}"
#define F1          "{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":{\\\"x\\\":1}}"

static const struct {
    const char *record, *turns, *rule;
} cases[] = {
    {M(U "," A), "u a", NULL},
    {M(U "," CALLS(CALL("1")) "," T("1") "," A), "u c1 t a", NULL},
    {M(U "," CALLS(CALL("1") "," CALL("2")) "," T("2") "," T("1") "," A), "u c2 t t a", NULL},
    {M(U "," CALLS(CALL("1")) "," T("1") "," CALLS(CALL("2")) "," T("2") "," A "," U "," A),
     "u c1 t c1 t a u a", NULL},
    {M(U "," CALLS(CALL("1"))), "u c1", NULL},
    {M(U "," CALLS("{\"name\":\"f\",\"arguments\":{}}") "," T("") "," A), "u c1 t a", NULL},
    {M(U ",{\"role\":\"assistant\",\"content\":\"<think>why</think>\",\"tool_calls\":[" CALL(
         "1") "]}," T("1") "," A),
     "u c1+ t a", NULL},
    {M(U ",{\"role\":\"assistant\",\"content\":\"\",\"weight\":0,\"tool_calls\":[" CALL(
         "1") "]}," T("1") "," A),
     "u c1* t a", NULL},
    {C(H "," F(F1) "," O("r") "," G), "u c1 t a", NULL},
    {C(H "," F("<think>\\nwhy\\n</think>\\n\\n[" F1 "," F1 "]") "," O("[\\\"r\\\",{}]") "," G),
     "u c2+ t t a", NULL},
    {C(H "," F(F1)), "u c1", NULL},
    /* bad ones */
    {M(""), NULL, "malformed_row"},
    {M(U), NULL, "malformed_row"},
    {M(A "," U), NULL, "malformed_row"},
    {M(U "," U "," A), NULL, "malformed_row"},
    {M(U "," A "," A), NULL, "malformed_row"},
    {M(U ",7"), NULL, "malformed_row"},
    {M(U "," T("1") "," A), NULL, "unknown_call_id"},
    {M(U "," CALLS(CALL("1")) "," T("2") "," A), NULL, "unknown_call_id"},
    {M(U "," CALLS(CALL("1")) "," T("1") "," T("1") "," A), NULL, "unknown_call_id"},
    {M(U "," CALLS(CALL("1") "," CALL("2")) "," T("1") "," T("1") "," A), NULL, "unknown_call_id"},
    {M(U "," CALLS(CALL("1") "," CALL("2")) "," T("1") "," A), NULL, "call_unanswered"},
    {M(U "," CALLS(CALL("1")) "," A), NULL, "malformed_row"},
    {M(U "," CALLS(CALL("1")) "," U "," A), NULL, "call_unanswered"},
    {M(U "," CALLS(CALL("1")) "," T("1")), NULL, "malformed_row"},
    {M(U "," CALLS("{\"id\":\"1\"}") "," T("1") "," A), NULL, "malformed_row"},
    {M(U "," CALLS("{\"name\":\"f\",\"arguments\":\"[1]\"}") "," T("1") "," A), NULL,
     "malformed_row"},
    {M(U "," CALLS("{\"name\":\"f\",\"arguments\":\"{\"}") "," T("1") "," A), NULL,
     "malformed_row"},
    {C(H "," F("f(x)") "," O("r") "," G), NULL, "malformed_row"},
    {C(H "," F("[]") "," O("r") "," G), NULL, "malformed_row"},
    {C(H "," F("[" F1 "," F1 "]") "," O("r") "," G), NULL, "call_unanswered"},
    {C(H "," F("[" F1 "," F1 "]") "," O("[1]") "," G), NULL, "call_unanswered"},
    {"{\"messages\":[" U "," A "],\"tools\":\"[\"}", NULL, "malformed_row"},
    {"{\"messages\":[" U "," A "],\"tools\":[{\"function\":{}}]}", NULL, "malformed_row"},
    {"{\"messages\":[" U "," A "],\"tools\":\"[{\\\"name\\\":\\\"f\\\"}]\"}", "u a", NULL},
    {"{\"messages\":[" U "," A "],\"tools\":null}", "u a", NULL},
};

static void conversations(void **state)
{
    (void)state;
    struct gen_example e = {.n_turns = 0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = NULL;
        struct gen_refusal refusal;
        struct gen_error err = {0};
        char turns[256] = "";
        if (gen_json_parse(&doc, gen_str_from(cases[i].record), &err) != GEN_OK)
            fail_msg("%s: %s", cases[i].record, err.msg);
        assert_int_equal(gen_example_read(&e, gen_json_root(doc), &refusal, NULL), GEN_OK);
        if (!refusal.rule)
            describe(&e, turns, sizeof(turns));
        bool same = cases[i].rule ? refusal.rule && strcmp(refusal.rule, cases[i].rule) == 0
                                  : !refusal.rule && strcmp(turns, cases[i].turns) == 0;
        if (!same)
            fail_msg("%s: %s %s %s", cases[i].record, turns, refusal.rule ? refusal.rule : "",
                     refusal.why);
        gen_json_doc_free(doc);
    }
    gen_example_release(&e);
}

#define STEP(turn, status)                                                                         \
    "{\"turn\":" turn ",\"tool\":\"f\",\"args\":{\"x\":1},\"status\":\"" status                    \
    "\",\"actual_result\":\"r\"}"
#define RECORD(steps, more)                                                                        \
    "{\"format\":\"tool\",\"instruction\":\"i\",\"solution\":{\"reasoning_path\":[" steps          \
    "],\"final_answer\":\"a\"" more "},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"  \
    "\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}}}]}"
#define MUTATION                                                                                   \
    "{\"turn\":1,\"tool\":\"g\",\"args\":{\"x\":\"s\"},\"status\":\"failure\",\"is_mutation\":"    \
    "true}"

static const struct {
    const char *record;
    size_t calls_max;
    const char *turns, *rule;
} tool_cases[] = {
    {RECORD(STEP("1", "success"), ""), 0, "u c1 t a", NULL},
    {RECORD(STEP("1", "success") "," STEP("1", "success"), ""), 0, "u c2 t t a", NULL},
    {RECORD(STEP("1", "success") "," STEP("1", "success"), ""), 1, "u c1 t c1 t a", NULL},
    {RECORD(STEP("1", "success") "," STEP("1", "success") "," STEP("1", "success"), ""), 2,
     "u c2 t t c1 t a", NULL},
    {RECORD(STEP("1", "pending"), ""), 0, "u c1", NULL},
    {RECORD(STEP("1", "pending") "," STEP("1", "pending"), ""), 0, "u c2", NULL},
    {RECORD(STEP("1", "pending") "," STEP("1", "pending"), ""), 1, NULL, "parallel_calls"},
    {RECORD(STEP("1", "success") "," STEP("2", "pending"), ""), 0, "u c1 t c1", NULL},
    {RECORD(STEP("1", "pending") "," STEP("2", "pending"), ""), 0, NULL, "not_executed"},
    {RECORD(STEP("1", "success") "," STEP("1", "pending"), ""), 0, NULL, "not_executed"},
    {RECORD(STEP("2", "success") "," STEP("1", "success"), ""), 0, NULL, "malformed_row"},
    {RECORD(STEP("1", "failure") "," STEP("2", "success"), ""), 0, "u c1* t c1 t a", NULL},
    {RECORD(STEP("1", "failure"), ""), 0, "u c1 t a", NULL},
    {RECORD(MUTATION "," STEP("2", "success"), ""), 0, "u c1* t c1 t a", NULL},
    {RECORD(STEP("1", "success"), ",\"clarification\":{\"question\":\"?\",\"reply\":\"!\"}"), 0,
     "u a u c1 t a", NULL},
    {RECORD(STEP("1", "success"), ",\"clarification\":{\"question\":\"?\"}"), 0, NULL,
     "malformed_row"},
    {RECORD("", ""), 0, "u a", NULL},
    {RECORD("{\"tool\":\"g\",\"args\":{}}", ""), 0, NULL, "unknown_tool"},
    {RECORD("{\"tool\":\"f\",\"args\":{\"x\":\"s\"}}", ""), 0, NULL, "schema_invalid"},
    {RECORD("{\"tool\":\"f\",\"args\":{\"x\":{\"$result\":{\"step\":1}}}}", ""), 0, NULL,
     "unresolved_reference"},
    {RECORD("{\"tool\":\"f\",\"args\":{\"y\":[\"$step_1_result\"]}}", ""), 0, NULL,
     "unresolved_reference"},
    {RECORD("{\"tool\":\"f\"}", ""), 0, NULL, "malformed_row"},
};

static void tool_records(void **state)
{
    (void)state;
    struct gen_example e = {.n_turns = 0};
    for (size_t i = 0; i < sizeof(tool_cases) / sizeof(tool_cases[0]); i++) {
        struct gen_json_doc *doc = NULL;
        struct gen_refusal refusal;
        struct gen_error err = {0};
        char turns[256] = "";
        if (gen_json_parse(&doc, gen_str_from(tool_cases[i].record), &err) != GEN_OK)
            fail_msg("%s: %s", tool_cases[i].record, err.msg);
        assert_int_equal(gen_example_read(&e, gen_json_root(doc), &refusal, NULL), GEN_OK);
        if (!refusal.rule)
            assert_int_equal(gen_example_limit_calls(&e, tool_cases[i].calls_max, &refusal, NULL),
                             GEN_OK);
        if (!refusal.rule)
            describe(&e, turns, sizeof(turns));
        bool same = tool_cases[i].rule
                        ? refusal.rule && strcmp(refusal.rule, tool_cases[i].rule) == 0
                        : !refusal.rule && strcmp(turns, tool_cases[i].turns) == 0;
        if (!same)
            fail_msg("%s: %s %s %s", tool_cases[i].record, turns, refusal.rule ? refusal.rule : "",
                     refusal.why);
        gen_json_doc_free(doc);
    }
    gen_example_release(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations),
        cmocka_unit_test(tool_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
