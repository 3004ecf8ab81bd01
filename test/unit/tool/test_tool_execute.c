/* The stage "execute" in plan mode: references, failures, the final answer, and that a run that
 * died goes on where it was. */
#include "exec_world.h"

#include <stdio.h>
#include <stdlib.h>

#define OPEN_EAST                                                                                  \
    "{\"step\":1,\"turn\":1,\"thought\":\"Open it.\",\"tool\":\"open_site\",\"args\":{\"path\":"   \
    "\"east.site\"},\"status\":\"pending\"}"
#define SECOND(args)                                                                               \
    "{\"step\":2,\"turn\":2,\"thought\":\"Then look.\",\"tool\":\"get_kiln\",\"args\":" args       \
    ",\"status\":\"pending\"}"
#define REFERENCE(step, pointer) "{\"$result\":{\"step\":" step ",\"pointer\":\"" pointer "\"}}"
#define ROW(id, path)                                                                              \
    "{\"format\":\"tool\",\"id\":\"" id                                                            \
    "\",\"instruction\":\"How many pieces does the first kiln "                                    \
    "of east.site hold?\",\"solution\":{\"reasoning_path\":[" path                                 \
    "],\"api_documentation\":\"docs\"},\"metadata\":{\"category\":\"chain\",\"own\":1}}"
#define ANSWER(quote, complete, answer)                                                            \
    "{\"used\":[{\"step\":2,\"quote\":\"" quote "\"}],\"complete\":\"" complete                    \
    "\",\"missing\":\"\",\"answer\":\"" answer "\"}"

static const char chain[] =
    ROW("t1", OPEN_EAST "," SECOND("{\"name\":" REFERENCE("1", "/kilns/0") "}"));
static const char good_answer[] = ANSWER("\\\"pieces\\\": 46", "yes", "Kiln anna holds 46 pieces.");

/* The embedded provider's words for what the canned calls give. */
static const char about_anna[] = "The pieces of anna are 46 and its zones are [3, 4, 6].";

/* The last output's answer. */
static void assert_answered(const struct exec_world *w, const char *answer)
{
    struct gen_json_doc *doc = step_world_out(&w->run, w->run.n_out - 1);
    struct gen_str said =
        gen_json_get_str(gen_json_get(gen_json_root(doc), "solution"), "final_answer");
    if (!gen_str_is(said, answer))
        fail_msg("the answer is \"%.*s\", not \"%s\"", GEN_STR_ARG(said), answer);
    gen_json_doc_free(doc);
}

static void a_chain_is_executed(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, chain);
    step_world_answer(&w->run, good_answer);
    exec_run(w, false);
    assert_int_equal(w->run.n_out, 1);
    assert_string_equal(w->calls.data, "t1||open_site {\"path\":\"east.site\"}\n"
                                       "t1|open_site |get_kiln {\"name\":\"anna\"}\n");
    struct gen_json_doc *doc = step_world_out(&w->run, 0);
    const struct gen_json *root = gen_json_root(doc);
    const struct gen_json *solution = gen_json_get(root, "solution");
    const struct gen_json *second = gen_json_at(gen_json_get(solution, "reasoning_path"), 1);
    bool yes = false;
    assert_true(gen_str_is(gen_json_get_str(gen_json_get(second, "args"), "name"), "anna"));
    assert_true(gen_str_is(gen_json_get_str(second, "status"), "success"));
    assert_true(gen_str_is(gen_json_get_str(second, "actual_result"),
                           "{\"name\":\"anna\",\"pieces\":46,\"zones\":[3,4,6]}"));
    assert_null(gen_json_get(second, "error_message"));
    const struct gen_json *source = gen_json_get(gen_json_get(second, "sources"), "name");
    assert_true(gen_str_is(gen_json_get_str(source, "origin"), "result"));
    assert_true(gen_str_is(gen_json_get_str(source, "pointer"), "/kilns/0"));
    assert_true(
        gen_str_is(gen_json_get_str(solution, "final_answer"), "Kiln anna holds 46 pieces."));
    assert_true(gen_json_as_bool(gen_json_get(solution, "execution_validated"), &yes) && yes);
    assert_true(step_world_has(&w->run.out,
                               "\"execution_result\":{\"success\":true,\"mode\":\"real\","
                               "\"server\":\"canned 1\",\"n_calls\":2}"));
    assert_true(step_world_has(&w->run.out, "\"metadata\":{\"category\":\"chain\",\"own\":1}"));
    assert_null(gen_json_get(root, "_execution"));
    assert_string_equal(w->ended.data, "t1\nt1\n");
    gen_json_doc_free(doc);
    /* The model saw the request and the results. */
    assert_non_null(strstr(w->run.users[0], "How many pieces"));
    assert_non_null(
        strstr(w->run.users[0], "Step 2: get_kiln {\"name\":\"anna\"}\nresult: {\"name\""));
}

/* Each: a second step, and what its message must say. */
static void what_cannot_be_made_is_a_failure(void **state)
{
    struct exec_world *w = *state;
    static const struct {
        const char *record, *message;
        size_t n_called;
    } rows[] = {
        {ROW("a", OPEN_EAST "," SECOND("{\"name\":" REFERENCE("1", "/kilns/7") "}")),
         "the result of step 1 has nothing at \\\"/kilns/7\\\"", 1},
        {ROW("b", OPEN_EAST "," SECOND("{\"name\":" REFERENCE("3", "/x") "}")),
         "it needs the result of step 3, which is no step before it", 1},
        {ROW("c", OPEN_EAST "," SECOND("{\"name\":" REFERENCE("2", "/x") "}")),
         "it needs the result of step 2, which is no step before it", 1},
        {ROW("d", OPEN_EAST "," SECOND("{\"name\":5}")), "invalid arguments: /name", 1},
        {ROW("e", OPEN_EAST "," SECOND("{\"nam\":\"anna\"}")), "invalid arguments: ", 1},
        {ROW("f", OPEN_EAST "," SECOND("{\"name\":\"clara\"}")),
         "there is no kiln clara; there are anna and berta", 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        step_world_clear(&w->run);
        exec_record(w, rows[i].record);
        exec_run(w, false);
        assert_int_equal(w->n_called, rows[i].n_called);
        assert_int_equal(w->run.n_out, 1);
        assert_true(step_world_has(&w->run.out, rows[i].message));
        assert_true(step_world_has(&w->run.out, "\"success\":false"));
        assert_true(step_world_has(&w->run.out, "\"execution_validated\":false"));
        assert_false(step_world_has(&w->run.out, "unsent"));
        assert_noted(w, "call_failed", 1);
    }
}

static void a_failure_ends_the_plan(void **state)
{
    struct exec_world *w = *state;
    exec_record(w,
                ROW("t1", "{\"step\":1,\"tool\":\"open_site\",\"args\":{\"path\":\"west.site\"}},"
                          "{\"step\":2,\"tool\":\"say\",\"args\":{}},"
                          "{\"step\":3,\"tool\":\"get_kiln\",\"args\":{\"name\":" REFERENCE(
                              "1", "/kilns/0") "}}"));
    exec_run(w, false);
    assert_int_equal(w->n_called, 1);
    struct gen_json_doc *doc = step_world_out(&w->run, 0);
    const struct gen_json *path =
        gen_json_get(gen_json_get(gen_json_root(doc), "solution"), "reasoning_path");
    static const char *const states[] = {"failure", "pending", "failure"};
    for (size_t i = 0; i < 3; i++)
        assert_true(gen_str_is(gen_json_get_str(gen_json_at(path, i), "status"), states[i]));
    assert_true(gen_str_is(gen_json_get_str(gen_json_at(path, 2), "error_message"),
                           "it needs the result of step 1, which failed"));
    assert_null(gen_json_get(gen_json_at(path, 2), "actual_result"));
    assert_true(step_world_has(&w->run.out,
                               "That could not be done: cannot open west.site: no such file."));
    gen_json_doc_free(doc);
}

static void calls_of_one_turn_are_all_made(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, ROW("t1", "{\"step\":1,\"turn\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":"
                             "\"clara\"}},{\"step\":2,\"turn\":1,\"tool\":\"get_kiln\",\"args\":{"
                             "\"name\":\"berta\"}},{\"step\":3,\"turn\":2,\"tool\":\"say\"}"));
    exec_run(w, false);
    assert_int_equal(w->n_called, 2);
    assert_true(step_world_has(&w->run.out, "\"status\":\"pending\""));
}

static void a_planned_failure_is_none(void **state)
{
    struct exec_world *w = *state;
    static const char *const mutated[] = {
        ROW("t1",
            "{\"step\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":5},\"is_mutation\":true}," SECOND(
                "{\"name\":\"anna\"}")),
        ROW("t1", "{\"step\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":\"clara\"},\"is_mutation\":"
                  "true}," SECOND("{\"name\":\"anna\"}")),
    };
    for (size_t i = 0; i < 2; i++) {
        step_world_clear(&w->run);
        exec_record(w, mutated[i]);
        exec_run(w, false);
        assert_int_equal(w->n_called, 2);
        assert_true(step_world_has(&w->run.out, "\"success\":true"));
        assert_true(step_world_has(&w->run.out, "\"is_mutation\":true"));
        assert_int_equal(gen_counts_sum(&w->run.accounts[0].notes), 0);
        assert_answered(w, about_anna);
    }
    step_world_clear(&w->run);
    exec_record(w, ROW("t1", "{\"step\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":\"berta\"},"
                             "\"is_mutation\":true}," SECOND("{\"name\":\"anna\"}")));
    exec_run(w, false);
    assert_noted(w, "mutation_succeeded", 1);
    assert_true(step_world_has(&w->run.out, "\"success\":false"));
}

static void setup_comes_first(void **state)
{
    struct exec_world *w = *state;
    exec_record(w,
                "{\"id\":\"t1\",\"instruction\":\"What about anna?\",\"solution\":{"
                "\"reasoning_path\":[{\"step\":1,\"tool\":\"get_kiln\",\"args\":{\"name\":\"anna"
                "\"}}]},\"metadata\":{\"blueprint\":{\"setup\":[{\"tool\":\"open_site\",\"args\":"
                "{\"path\":\"east.site\"}}],\"context\":\"the site east.site is open\"}}}");
    exec_run(w, false);
    assert_string_equal(w->calls.data, "t1|open_site |get_kiln {\"name\":\"anna\"}\n");
    assert_non_null(strstr(w->run.users[0], "Before it: the site east.site is open"));
    assert_true(step_world_has(&w->run.out, "\"format\":\"tool\""));
}

/* ---- the answer ---- */

static void answers_are_checked(void **state)
{
    struct exec_world *w = *state;
    static const struct {
        const char *bad, *fault, *rule; /* rule NULL: it is used at last */
    } rows[] = {
        {ANSWER("46", "yes", "Kiln anna holds 47 pieces."), "\"47\" is in no result",
         "untraceable_answer"},
        {ANSWER("46", "yes", ""), "the answer is empty", "empty_answer"},
        {ANSWER("46", "yes", "It holds 46 pieces. Let me know if you need more."),
         "offers further help", "answer_offers_help"},
        {ANSWER("46", "yes", "It holds $step_2_result pieces."), "placeholders", "left_overs"},
        {ANSWER("forty-six", "yes", "It holds 46 pieces."),
         "\"forty-six\" is not in the result of step 2", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        step_world_clear(&w->run);
        exec_record(w, chain);
        step_world_answer(&w->run, rows[i].bad);
        step_world_answer(&w->run, good_answer);
        exec_run(w, false);
        assert_int_equal(w->run.n_calls, 2);
        if (!strstr(w->run.users[1], rows[i].fault))
            fail_msg("%s is not in %s", rows[i].fault, w->run.users[1]);
        assert_int_equal(w->run.n_out, 1);
        w->run.n_answers = 1;
        exec_run(w, false);
        assert_int_equal(w->run.n_calls, 3);
        assert_int_equal(w->run.n_out, rows[i].rule == NULL);
        if (rows[i].rule)
            assert_filtered(w, rows[i].rule, 1);
        else
            assert_noted(w, "answer_quote_absent", 1);
        assert_true(step_world_has(&w->ended, "t1"));
    }
}

static void success_cannot_be_claimed_after_a_failure(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, ROW("t1", "{\"step\":2,\"tool\":\"get_kiln\",\"args\":{\"name\":\"clara\"}}"));
    step_world_answer(&w->run, ANSWER("there is no kiln clara", "yes", "All is well."));
    step_world_answer(&w->run, ANSWER("there is no kiln clara", "no", "There is no kiln clara."));
    exec_run(w, false);
    assert_int_equal(w->run.n_calls, 2);
    assert_non_null(strstr(w->run.users[1], "though the last call failed"));
    assert_int_equal(w->run.n_out, 1);
    assert_noted(w, "answer_says_no", 1);
}

/* ---- rows that are not as ours ---- */

static void other_rows(void **state)
{
    struct exec_world *w = *state;
    exec_record(w,
                "{\"instruction\":\"Order clay.\",\"solution\":{\"final_answer\":\"I cannot.\"}}");
    exec_record(w, "{\"instruction\":\"Order clay.\",\"solution\":{}}");
    exec_record(w, "{\"question\":\"x\",\"answer\":\"y\"}");
    exec_record(w, "not json");
    /* As the Python original writes them: results of any type, no ids, no tools. */
    exec_record(w, "{\"instruction\":\"What does it say?\",\"solution\":{\"instruction\":\"x\","
                   "\"reasoning_path\":[{\"step\":1,\"thought\":\"t\",\"tool\":\"say\",\"args\":{},"
                   "\"status\":\"success\",\"expected_result\":\"e\",\"actual_result\":{\"made\":"
                   "\"up\"}}],\"final_answer\":\"up\",\"execution_validated\":true},\"metadata\":{"
                   "\"multi_tool\":false},\"rating\":8}");
    w->o.tools = NULL;
    exec_run(w, false);
    assert_int_equal(w->run.accounts[0].n_in, 5);
    assert_int_equal(gen_counts_get(&w->run.accounts[0].skipped, "no_calls"), 1);
    assert_filtered(w, "no_plan", 1);
    assert_filtered(w, "malformed_row", 1);
    assert_filtered(w, "not_a_tool_record", 1);
    assert_int_equal(w->run.accounts[0].n_produced, 1);
    assert_string_equal(w->calls.data, "row000005||say {}\n");
    assert_true(step_world_has(&w->run.out, "\"actual_result\":\"The kilns rest today.\""));
    assert_true(step_world_has(&w->run.out, "\"expected_result\":\"e\""));
    assert_answered(w, "The result is: The kilns rest today.");
    assert_true(step_world_has(&w->run.out, "\"rating\":8"));
}

/* A row of `n` calls, or with a blueprint that needs so many before it. */
static char *row_of(size_t n, bool is_setup)
{
    struct gen_buf b = gen_buf_make((size_t)1 << 20);
    size_t bytes = 0;
    int rc = gen_buf_add_c(&b,
                           "{\"id\":\"t1\",\"instruction\":\"What?\",\"metadata\":{"
                           "\"blueprint\":{\"setup\":[",
                           NULL);
    for (size_t i = 0; i < n && is_setup; i++)
        rc |= gen_buf_printf(&b, NULL, "%s{\"tool\":\"say\",\"args\":[]}", i ? "," : "");
    rc |= gen_buf_add_c(&b, "]}},\"solution\":{\"reasoning_path\":[{\"tool\":\"say\"}", NULL);
    for (size_t i = 1; i < n && !is_setup; i++)
        rc |= gen_buf_add_c(&b, ",{\"tool\":\"say\"}", NULL);
    rc |= gen_buf_add_c(&b, "]}}", NULL);
    assert_int_equal(rc, GEN_OK);
    return gen_buf_take(&b, &bytes);
}

/* What a row claims or asks for may end the row, never the run. */
static void hostile_rows(void **state)
{
    struct exec_world *w = *state;
    char *calls = row_of(49, false);
    char *setup = row_of(49, true);
    exec_record(w, calls);
    exec_record(w, setup);
    exec_record(w, "{\"id\":\"t3\",\"instruction\":\"What?\",\"_execution\":{\"finishing\":true},"
                   "\"solution\":{\"reasoning_path\":[{\"tool\":\"say\",\"status\":\"success\","
                   "\"actual_result\":\"made up\"}]}}");
    exec_record(w, "{\"id\":\"t4\",\"instruction\":\"What?\",\"solution\":{\"reasoning_path\":[{"
                   "\"tool\":\"say\"}]},\"metadata\":{\"blueprint\":{\"setup\":[7,{\"tool\":8},"
                   "{\"args\":\"x\"}],\"calls\":3,\"withheld\":{},\"context\":[]}}}");
    exec_run(w, false);
    assert_filtered(w, "too_many_steps", 2);
    assert_filtered(w, "malformed_row", 1);
    assert_int_equal(w->run.n_out, 1);
    assert_false(step_world_has(&w->run.out, "made up"));
    free(calls);
    free(setup);
}

/* Names, pointers and values that are longer than any message. */
static void very_long_words(void **state)
{
    struct exec_world *w = *state;
    struct gen_buf b = gen_buf_make((size_t)4 << 20);
    static const char *const parts[][2] = {
        {OPEN_EAST ",{\"step\":2,\"tool\":\"get_kiln\",\"args\":{\"name\":{\"$result\":{\"step\":1,"
                   "\"pointer\":\"/",
         "\"}}}}"},
        {OPEN_EAST ",{\"step\":2,\"tool\":\"get_kiln\",\"args\":{\"", "\":1}}"},
        {OPEN_EAST ",{\"step\":2,\"tool\":\"get_kiln\",\"args\":{\"name\":[\"", "\"]}}"},
    };
    char *words = malloc(200001);
    assert_non_null(words);
    memset(words, 'w', 200000);
    words[200000] = '\0';
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        step_world_clear(&w->run);
        gen_buf_clear(&b);
        assert_int_equal(gen_buf_printf(&b, NULL,
                                        "{\"id\":\"t1\",\"instruction\":\"What?\",\"solution\":{"
                                        "\"reasoning_path\":[%s%s%s]}}",
                                        parts[i][0], words, parts[i][1]),
                         GEN_OK);
        exec_record(w, b.data);
        exec_run(w, false);
        assert_int_equal(w->run.n_out, 1);
        assert_true(step_world_has(&w->run.out, "\"success\":false"));
    }
    free(words);
    gen_buf_release(&b);
}

static void a_server_that_is_gone_fails_the_row(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, chain);
    w->failure = "server_gone";
    exec_run(w, false);
    assert_failed(w, "server_gone", 1);
    assert_true(
        step_world_has(&w->run.failures, "execute server_gone: the server would not start"));
    assert_true(step_world_has(&w->ended, "t1"));
}

static void nothing_to_execute_with(void **state)
{
    struct exec_world *w = *state;
    struct gen_tool_execute *x = NULL;
    struct gen_step step;
    struct gen_error err = {.msg = ""};
    w->o.executor = NULL;
    assert_int_equal(gen_tool_execute_new(&x, &w->run.common, &w->o, &step, &err), GEN_EUSAGE);
    assert_non_null(strstr(err.msg, "--mode simulated"));
    assert_null(x);
}

/* ---- a run that dies ---- */

static void resume(struct exec_world *w)
{
    exec_run(w, false);
    char *whole = gen_str_dup(gen_buf_str(&w->run.out));
    size_t n_all = w->run.n_calls + w->n_called;
    assert_true(n_all > 2);
    for (unsigned k = 1; k <= n_all; k++) {
        w->run.dies_at = k;
        exec_run(w, false);
        assert_true(w->run.died);
        size_t n_done = w->run.n_calls + w->n_called;
        w->run.dies_at = 0;
        exec_run(w, true);
        assert_string_equal(w->run.out.data, whole);
        /* What was under way when it died is asked again, what was committed is not. */
        assert_true(w->run.n_calls + w->n_called <= n_all);
        assert_true(n_done <= n_all);
        exec_run(w, true);
        assert_string_equal(w->run.out.data, whole);
        assert_int_equal(w->run.n_calls + w->n_called, 0);
    }
    free(whole);
}

static void a_dead_run_goes_on(void **state)
{
    struct exec_world *w = *state;
    exec_record(w, chain);
    resume(w);
}

static void a_dead_agent_goes_on(void **state)
{
    struct exec_world *w = *state;
    exec_record(
        w, "{\"id\":\"t1\",\"instruction\":\"How many pieces does the first kiln of east.site "
           "hold?\",\"solution\":{},\"metadata\":{\"category\":\"chain\",\"blueprint\":{\"calls\":["
           "{\"tool\":\"open_site\",\"args\":{\"path\":\"east.site\"}},{\"tool\":\"get_kiln\","
           "\"args\":{\"name\":{\"$result\":{\"step\":1,\"pointer\":\"/kilns/0\"}}}}]}}}");
    w->o.is_agent = true;
    resume(w);
    assert_answered(w, about_anna);
    w->o.mode = GEN_TOOL_SIMULATED;
    resume(w);
    assert_true(step_world_has(&w->run.out, "\"mode\":\"simulated\",\"simulated\":true"));
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, exec_set_up, exec_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(a_chain_is_executed),
        WORLD(what_cannot_be_made_is_a_failure),
        WORLD(a_failure_ends_the_plan),
        WORLD(calls_of_one_turn_are_all_made),
        WORLD(a_planned_failure_is_none),
        WORLD(setup_comes_first),
        WORLD(answers_are_checked),
        WORLD(success_cannot_be_claimed_after_a_failure),
        WORLD(other_rows),
        WORLD(hostile_rows),
        WORLD(very_long_words),
        WORLD(a_server_that_is_gone_fails_the_row),
        WORLD(nothing_to_execute_with),
        WORLD(a_dead_run_goes_on),
        WORLD(a_dead_agent_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
