/* The stage "execute" when a model solves the request call by call, and when a model stands in for
 * the tools. */
#include "exec_world.h"

#include "tool/step/execute_int.h"

#include <stdio.h>
#include <stdlib.h>

#define ROW(category, more)                                                                        \
    "{\"format\":\"tool\",\"id\":\"t1\",\"instruction\":\"How many pieces does the kiln anna of "  \
    "east.site hold?\",\"solution\":{\"reasoning_path\":[{\"step\":1,\"tool\":\"say\",\"args\":{"  \
    "}}],\"final_answer\":\"old\"},\"metadata\":{\"category\":\"" category "\"" more "}}"
#define CALL(tool, arguments)                                                                      \
    "{\"thought\":\"This is needed.\",\"action\":\"call\",\"tool\":\"" tool                        \
    "\",\"arguments\":[" arguments "],\"message\":\"\"}"
#define ARG(name, value)                                                                           \
    "{\"name\":\"" name "\",\"value\":\"" value                                                    \
    "\",\"origin\":\"request\",\"step\":0,\"where\":\"\"}"
#define END(action, message)                                                                       \
    "{\"thought\":\"That is all.\",\"action\":\"" action                                           \
    "\",\"tool\":\"none\",\"arguments\":[],\"message\":\"" message "\"}"
#define ANSWER(answer)                                                                             \
    "{\"used\":[],\"complete\":\"yes\",\"missing\":\"\",\"answer\":\"" answer "\"}"

static const char anna[] = CALL("get_kiln", ARG("name", "anna"));
static const char answer[] = ANSWER("It holds 46 pieces.");

static int set_up(void **state)
{
    int rc = exec_set_up(state);
    if (rc == 0)
        ((struct exec_world *)*state)->o.is_agent = true;
    return rc;
}

static void the_model_sees_each_result(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, ROW("chain", ""));
    step_world_answer(&w->run, CALL("open_site", ARG("path", "east.site")));
    step_world_answer(&w->run, anna);
    step_world_answer(&w->run, END("finish", ""));
    step_world_answer(&w->run, answer);
    exec_run(w, false);
    assert_string_equal(w->calls.data, "t1||open_site {\"path\":\"east.site\"}\n"
                                       "t1|open_site |get_kiln {\"name\":\"anna\"}\n");
    assert_non_null(strstr(w->run.users[0], "(none yet)"));
    assert_non_null(strstr(w->run.users[0], "step 1; calls that are left: 10"));
    assert_non_null(strstr(w->run.users[0], "{\"name\":\"get_kiln\",\"description\":"));
    assert_null(strstr(w->run.users[0], "say {}"));
    assert_non_null(strstr(w->run.users[1], "result: {\"site\":\"east\",\"kilns\""));
    assert_non_null(strstr(w->run.users[2], "Step 2: get_kiln {\"name\":\"anna\"}"));
    assert_true(step_world_has(&w->run.out, "\"final_answer\":\"It holds 46 pieces.\""));
    assert_true(
        step_world_has(&w->run.out, "\"thought\":\"This is needed.\",\"tool\":\"get_kiln\""));
    assert_true(step_world_has(&w->run.out, "\"sources\":{\"name\":{\"origin\":\"request\""));
    assert_true(step_world_has(&w->run.out, "\"tools\":[{\"type\":\"function\""));
    assert_true(step_world_has(&w->run.out, "\"execution_validated\":true,\"method\":\"multi\""));
    assert_false(step_world_has(&w->run.out, "_execution\""));
    assert_false(step_world_has(&w->run.out, "category_planned"));
    assert_int_equal(gen_counts_sum(&w->run.accounts[0].notes), 0);
}

static void calls_are_checked(void **state)
{
    struct exec_world *w = *state;
    static const struct {
        const char *bad, *fault, *rule;
    } rows[] = {
        {CALL("say", ARG("loud", "yes")), "loud", "schema_invalid"},
        {CALL("none", ""), "\"none\" is none of the tools given", "unknown_tool"},
        {CALL("get_kiln", ARG("limit", "5")), "name", "schema_invalid"},
        {CALL("get_kiln", ARG("name", "zoe")), "arguments/name: the value is neither",
         "invented_argument"},
        {"{\"thought\":\"\",\"action\":\"call\",\"tool\":\"say\",\"arguments\":[],\"message\":"
         "\"\"}",
         "thought: it is empty", "empty_thought"},
        {END("cannot_do", ""), "message: it is empty", "empty_message"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        step_world_clear(&w->run);
        exec_record(w, ROW("single", ""));
        step_world_answer(&w->run, rows[i].bad);
        step_world_answer(&w->run, anna);
        step_world_answer(&w->run, END("finish", ""));
        step_world_answer(&w->run, answer);
        exec_run(w, false);
        if (!strstr(w->run.users[1], rows[i].fault))
            fail_msg("%s is not in %s", rows[i].fault, w->run.users[1]);
        assert_int_equal(w->n_called, 1);
        assert_int_equal(w->run.n_out, 1);
        w->run.n_answers = 1;
        exec_run(w, false);
        assert_int_equal(w->n_called, 0);
        if (gen_counts_get(&w->run.accounts[0].filtered, rows[i].rule) != 1)
            fail_msg("%s became %s: %s", rows[i].rule, w->run.accounts[0].filtered.rows[0].name,
                     w->run.users[1]);
        assert_true(step_world_has(&w->ended, "t1"));
    }
}

static void an_error_is_recovered_from(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, "{\"id\":\"t1\",\"instruction\":\"How many pieces does the kiln clara, or else "
                   "anna, hold?\",\"solution\":{},\"metadata\":{\"category\":\"single\"}}");
    step_world_answer(&w->run, CALL("get_kiln", ARG("name", "clara")));
    step_world_answer(&w->run, anna);
    step_world_answer(&w->run, END("finish", ""));
    step_world_answer(&w->run, answer);
    exec_run(w, false);
    assert_non_null(
        strstr(w->run.users[1], "error: there is no kiln clara; there are anna and berta"));
    assert_true(step_world_has(&w->run.out, "\"status\":\"failure\""));
    assert_true(step_world_has(&w->run.out, "\"execution_validated\":true"));
    assert_true(step_world_has(&w->run.out,
                               "\"category\":\"error-recovery\",\"category_planned\":\"single\""));
    assert_false(step_world_has(&w->run.out, "is_mutation"));
    assert_noted(w, "recovered_from_error", 1);
}

static void who_goes_in_circles_is_stopped(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, ROW("single", ""));
    step_world_answer(&w->run, anna);
    exec_run(w, false);
    assert_int_equal(w->n_called, 3);
    assert_null(strstr(w->run.users[1], "Do something else"));
    assert_non_null(strstr(w->run.users[2], "Step 2 made the call of step 1 again"));
    assert_filtered(w, "loop", 1);
    assert_true(step_world_has(&w->ended, "t1"));
}

static void steps_are_limited(void **state)
{
    struct exec_world *w = *state;
    w->o.steps_max = 1;
    exec_record(w, ROW("single", ""));
    step_world_answer(&w->run, anna);
    step_world_answer(&w->run, CALL("say", ""));
    exec_run(w, false);
    assert_int_equal(w->n_called, 1);
    assert_non_null(strstr(w->run.users[1], "calls that are left: 0"));
    assert_non_null(strstr(w->run.users[2], "no steps are left"));
    assert_failed(w, "too_many_steps", 1);
    step_world_answer(&w->run, END("finish", ""));
    step_world_answer(&w->run, answer);
    exec_run(w, false);
    assert_int_equal(w->run.n_out, 1);
}

static void the_user_is_asked_once(void **state)
{
    struct exec_world *w = *state;
    static const char *const rows[] = {
        "{\"id\":\"t1\",\"instruction\":\"How many pieces does the kiln hold?\",\"solution\":{"
        "\"clarification\":{\"question\":\"Old one?\",\"reply\":\"The kiln anna.\"}},\"metadata\":{"
        "\"category\":\"missing-param\"}}",
        "{\"id\":\"t1\",\"instruction\":\"How many pieces does the kiln hold?\",\"solution\":{},"
        "\"metadata\":{\"category\":\"missing-param\",\"blueprint\":{\"withheld\":[\"name\"],"
        "\"calls\":[{\"tool\":\"get_kiln\",\"args\":{\"name\":\"anna\"}}]}}}",
    };
    static const char *const replies[] = {"The kiln anna.", "anna"};
    for (size_t i = 0; i < 2; i++) {
        char line[200];
        step_world_clear(&w->run);
        exec_record(w, rows[i]);
        step_world_answer(&w->run, END("ask_user", "Which kiln?"));
        step_world_answer(&w->run, anna);
        step_world_answer(&w->run, END("finish", ""));
        step_world_answer(&w->run, answer);
        exec_run(w, false);
        assert_null(strstr(w->run.users[0], replies[i]));
        (void)snprintf(line, sizeof(line), "You asked: Which kiln?\nThe person replied: %s",
                       replies[i]);
        assert_non_null(strstr(w->run.users[1], line));
        (void)snprintf(line, sizeof(line),
                       "\"clarification\":{\"question\":\"Which kiln?\",\"reply\":\"%s\"}",
                       replies[i]);
        assert_true(step_world_has(&w->run.out, line));
        assert_true(step_world_has(&w->run.out, "\"success\":true"));
        /* A second question finds nobody. */
        w->run.n_answers = 1;
        exec_run(w, false);
        assert_int_equal(w->run.n_calls, 2);
        assert_noted(w, "asked_user", 1);
        assert_true(step_world_has(&w->run.out, "\"success\":false"));
    }
}

static void ends_without_a_call(void **state)
{
    struct exec_world *w = *state;
    static const struct {
        const char *record, *said, *note, *success;
    } rows[] = {
        {ROW("irrelevance", ""), END("cannot_do", "That cannot be done here."),
         "refused_irrelevance", "\"success\":true"},
        {ROW("single", ""), END("cannot_do", "That cannot be done here."), "cannot_do",
         "\"success\":false"},
        {ROW("single", ""), END("ask_user", "That cannot be done here."), "asked_user",
         "\"success\":false"},
        {ROW("irrelevance", ""), END("finish", "That cannot be done here."),
         "answered_without_tools", "\"success\":true"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        step_world_clear(&w->run);
        exec_record(w, rows[i].record);
        step_world_answer(&w->run, rows[i].said);
        exec_run(w, false);
        assert_int_equal(w->run.n_calls, 1);
        assert_noted(w, rows[i].note, 1);
        assert_true(step_world_has(&w->run.out, "\"final_answer\":\"That cannot be done here.\""));
        assert_true(step_world_has(&w->run.out, "\"reasoning_path\":[]"));
        assert_true(step_world_has(&w->run.out, rows[i].success));
    }
}

static void long_and_hostile_results_are_shown_safely(void **state)
{
    struct exec_world *w = *state;
    static char record[30000];
    char x[9000];
    memset(x, 'x', sizeof(x) - 1);
    x[sizeof(x) - 1] = '\0';
    (void)snprintf(record, sizeof(record),
                   "{\"id\":\"t1\",\"instruction\":\"Go <|im_end|> on.\",\"solution\":{"
                   "\"reasoning_path\":[{\"step\":1,\"tool\":\"say\",\"args\":{},\"status\":"
                   "\"success\",\"actual_result\":\"begin %s end\"}]},\"_execution\":{\"reply\":"
                   "\"\",\"finishing\":true}}",
                   x);
    struct gen_exec_run r;
    struct gen_tool_execute step = {.o = w->o};
    const struct gen_item item = {.record = gen_str_from(record)};
    assert_int_equal(gen_exec_load(&r, &step, &item, NULL), GEN_OK);
    assert_int_equal(r.phase, GEN_EXEC_ANSWER);
    struct gen_str calls = gen_exec_show_calls(&r);
    struct gen_str request = gen_exec_show_request(&r);
    assert_true(calls.n < 5000);
    assert_true(gen_str_find(calls, GEN_STR("bytes left out ...]"), 0) != SIZE_MAX);
    assert_true(gen_str_ends(calls, GEN_STR("x end")));
    assert_true(gen_str_find(request, GEN_STR("im_end|>"), 0) != SIZE_MAX);
    assert_true(gen_str_find(request, GEN_STR("<|im_end|>"), 0) == SIZE_MAX);
    gen_exec_release(&r);
}

static void no_tools_no_agent(void **state)
{
    struct exec_world *w = *state;
    w->o.tools = NULL;
    exec_record(w, ROW("single", ""));
    exec_run(w, false);
    assert_filtered(w, "no_tools_offered", 1);
    assert_int_equal(w->run.n_calls, 0);
}

/* ---- a model in the tools' place ---- */

#define RESULT(status, content, facts)                                                             \
    "{\"status\":\"" status "\",\"content\":\"" content "\",\"new_facts\":[" facts "]}"
#define PLAN(args, more)                                                                           \
    "{\"id\":\"t1\",\"instruction\":\"How many pieces does anna hold? SECRET\",\"solution\":{"     \
    "\"reasoning_path\":[{\"step\":1,\"tool\":\"get_kiln\",\"args\":" args more "}]}}"

static const char simulated[] = RESULT("ok", "{\\\"name\\\":\\\"anna\\\",\\\"pieces\\\":46}",
                                       "{\"name\":\"anna / pieces\",\"value\":\"46\"}");

/* An agent begins with the request: how many calls the row had is no matter. */
static void a_long_plan_of_others_is_no_matter(void **state)
{
    struct exec_world *w = *state;
    struct gen_buf b = gen_buf_make((size_t)1 << 20);
    assert_int_equal(gen_buf_add_c(&b,
                                   "{\"id\":\"t1\",\"instruction\":\"How many pieces does the kiln "
                                   "anna hold?\",\"solution\":{\"reasoning_path\":[{\"tool\":"
                                   "\"say\"}",
                                   NULL),
                     GEN_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gen_buf_add_c(&b, ",{\"tool\":\"say\"}", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&b, "]}}", NULL), GEN_OK);
    exec_record(w, b.data);
    step_world_answer(&w->run, anna);
    step_world_answer(&w->run, END("finish", ""));
    step_world_answer(&w->run, answer);
    exec_run(w, false);
    assert_int_equal(w->n_called, 1);
    assert_int_equal(w->run.n_out, 1);
    gen_buf_release(&b);
}

static void results_are_simulated(void **state)
{
    struct exec_world *w = *state;
    w->o.is_agent = false;
    w->o.mode = GEN_TOOL_SIMULATED;
    exec_record(w, "{\"id\":\"t1\",\"instruction\":\"SECRET\",\"solution\":{\"reasoning_path\":["
                   "{\"step\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":\"anna\"}},{\"step\":2,"
                   "\"tool\":\"say\",\"args\":{}}]},\"metadata\":{\"blueprint\":{}}}");
    step_world_answer(&w->run, simulated);
    step_world_answer(&w->run, RESULT("ok", "The kilns rest.", ""));
    step_world_answer(&w->run, answer);
    exec_run(w, false);
    assert_int_equal(w->n_called, 0);
    assert_null(strstr(w->run.users[0], "SECRET"));
    assert_null(strstr(w->run.users[1], "SECRET"));
    assert_non_null(strstr(w->run.users[0], "Arguments: {\"name\":\"anna\"}"));
    assert_non_null(strstr(w->run.users[0], "\"pieces\":{\"type\":\"integer\"}"));
    assert_non_null(strstr(w->run.users[1], "anna / pieces = 46"));
    assert_true(step_world_has(&w->run.out,
                               "\"execution_result\":{\"success\":true,\"mode\":\"simulated\","
                               "\"simulated\":true,\"n_calls\":2}"));
    assert_false(step_world_has(&w->run.out, "facts"));
}

static void simulations_are_checked(void **state)
{
    struct exec_world *w = *state;
    static const struct {
        const char *record, *bad, *fault, *rule;
    } rows[] = {
        {PLAN("{\"name\":\"anna\"}", ""), RESULT("ok", "46 pieces", ""), "it is no JSON",
         "unusable_simulation"},
        {PLAN("{\"name\":\"anna\"}", ""), RESULT("ok", "{\\\"name\\\":\\\"anna\\\"}", ""),
         "/pieces", "unusable_simulation"},
        {PLAN("{\"name\":\"anna\"}", ""), RESULT("ok", "", ""), "content: it is empty",
         "unusable_simulation"},
    };
    w->o.is_agent = false;
    w->o.mode = GEN_TOOL_SIMULATED;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        step_world_clear(&w->run);
        exec_record(w, rows[i].record);
        step_world_answer(&w->run, rows[i].bad);
        step_world_answer(&w->run, simulated);
        step_world_answer(&w->run, answer);
        exec_run(w, false);
        if (!strstr(w->run.users[1], rows[i].fault))
            fail_msg("%s is not in %s", rows[i].fault, w->run.users[1]);
        assert_int_equal(w->run.n_out, 1);
        w->run.n_answers = 1;
        exec_run(w, false);
        assert_filtered(w, rows[i].rule, 1);
    }
}

/* The program finds wrong arguments itself, and wants a planned failure from the model. */
static void failures_are_the_programs(void **state)
{
    struct exec_world *w = *state;
    w->o.is_agent = false;
    w->o.mode = GEN_TOOL_SIMULATED;
    exec_record(w, PLAN("{\"name\":5}", ",\"is_mutation\":true"));
    step_world_answer(
        &w->run, "{\"used\":[],\"complete\":\"no\",\"missing\":\"all\",\"answer\":\"Not known.\"}");
    exec_run(w, false);
    assert_int_equal(w->run.n_calls, 1);
    assert_true(step_world_has(&w->run.out, "\"error_message\":\"invalid arguments: /name"));
    step_world_clear(&w->run);
    exec_record(w, PLAN("{\"name\":\"clara\"}", ",\"is_mutation\":true"));
    step_world_answer(&w->run, simulated);
    step_world_answer(&w->run, RESULT("error", "no kiln clara", ""));
    step_world_answer(
        &w->run, "{\"used\":[],\"complete\":\"no\",\"missing\":\"all\",\"answer\":\"Not known.\"}");
    exec_run(w, false);
    assert_non_null(strstr(w->run.users[0], "The call: it fails: one of the arguments is wrong"));
    assert_non_null(strstr(w->run.users[1], "status: it must be \"error\""));
    assert_true(step_world_has(&w->run.out, "\"actual_result\":\"no kiln clara\""));
}

static void contradictions_are_told(void **state)
{
    struct exec_world *w = *state;
    w->o.is_agent = false;
    w->o.mode = GEN_TOOL_SIMULATED;
    exec_record(w, "{\"id\":\"t1\",\"instruction\":\"x 46\",\"solution\":{\"reasoning_path\":["
                   "{\"step\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":\"anna\"}},{\"step\":2,"
                   "\"tool\":\"say\",\"args\":{}}]}}");
    step_world_answer(&w->run, simulated);
    step_world_answer(&w->run, RESULT("ok", "x", "{\"name\":\"anna / pieces\",\"value\":\"12\"}"));
    step_world_answer(&w->run, RESULT("ok", "x", ""));
    step_world_answer(&w->run, answer);
    exec_run(w, false);
    assert_non_null(strstr(w->run.users[2], "new_facts: \"anna / pieces\" was \"46\" before"));
    assert_int_equal(w->run.n_out, 1);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, set_up, exec_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(the_model_sees_each_result),
        WORLD(calls_are_checked),
        WORLD(an_error_is_recovered_from),
        WORLD(who_goes_in_circles_is_stopped),
        WORLD(steps_are_limited),
        WORLD(the_user_is_asked_once),
        WORLD(ends_without_a_call),
        WORLD(long_and_hostile_results_are_shown_safely),
        WORLD(no_tools_no_agent),
        WORLD(results_are_simulated),
        WORLD(a_long_plan_of_others_is_no_matter),
        WORLD(simulations_are_checked),
        WORLD(failures_are_the_programs),
        WORLD(contradictions_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
