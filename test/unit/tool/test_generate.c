/* The stage "generate" with a model played by canned answers: each category end to end, each rule.
 */
#include "generate_world.h"

#include <stdio.h>
#include <stdlib.h>

#define SHAPE_CALL                                                                                 \
    "{\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":\"/results/"                           \
    "temperature\"},\"turn\":1}]"                                                                  \
    ",\"seed\":1}"
#define REQUEST(instruction) REQUEST_WORDS(instruction, "/results/temperature")
#define REQUEST_WORDS(instruction, words)                                                          \
    "{\"situation\":\"someone checks a run\",\"instruction\":\"" instruction                       \
    "\",\"values\":[{\"parameter\":\"path\",\"value\":\"/results/temperature\",\"words\":\"" words \
    "\"}]}"
#define GOOD_REQUEST REQUEST("What shape does /results/temperature have?")
#define ARGUMENT(name, value)                                                                      \
    "{\"name\":\"" name "\",\"origin\":\"request\",\"where\":\"" value                             \
    "\",\"step\":0,\"value\":\"" value "\"}"
#define CALL(turn, tool, arguments)                                                                \
    "{\"turn\":" turn ",\"thought\":\"The shape is what is asked for.\",\"tool\":\"" tool          \
    "\",\"arguments\":[" arguments "]}"
#define PLAN(calls) "{\"calls\":[" calls "]}"
#define GOOD_PLAN   PLAN(CALL("1", "get_shape", ARGUMENT("path", "/results/temperature")))
#define OFFERED     "get_chunks get_shape get_dtype"

static const struct gen_json *out_get(const struct gen_json_doc *doc, const char *a, const char *b)
{
    return gen_json_get(gen_json_get(gen_json_root(doc), a), b);
}

/* ---- categories ---- */

static void single(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_SINGLE, "question", OFFERED, SHAPE_CALL);
    step_world_answer(&w->run, GOOD_REQUEST);
    step_world_answer(&w->run, GOOD_PLAN);
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_int_equal(w->run.n_out, 1);
    assert_int_equal(w->n_done[GEN_TOOL_SINGLE], 1);
    struct gen_json_doc *doc = step_world_out(&w->run, 0);
    struct gen_arena arena = gen_arena_make((size_t)1 << 20);
    struct gen_trajectory t;
    char why[200] = "";
    bool usable = false;
    assert_int_equal(
        gen_trajectory_read(&t, gen_json_root(doc), &arena, &usable, why, sizeof(why), NULL), 0);
    if (!usable)
        fail_msg("%s", why);
    assert_int_equal(t.n_steps, 1);
    assert_int_equal(t.category, GEN_TOOL_SINGLE);
    assert_false(t.is_executed);
    assert_true(gen_str_is(t.steps[0].tool, "get_shape"));
    assert_true(gen_str_is(t.instruction, "What shape does /results/temperature have?"));
    assert_true(gen_str_starts(t.documentation, GEN_STR("get_shape(path: string)")));
    assert_true(gen_str_find(t.documentation, GEN_STR("get_chunks"), 0) == SIZE_MAX);
    const struct gen_json *source = gen_json_get(t.steps[0].sources, "path");
    assert_true(gen_str_is(gen_json_get_str(source, "origin"), "request"));
    assert_true(gen_str_is(gen_json_get_str(source, "where"), "/results/temperature"));
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(doc), "id"), "t00001"));
    assert_non_null(out_get(doc, "metadata", "blueprint"));
    assert_int_equal(gen_json_count(t.tools), 3);
    gen_arena_release(&arena);
    gen_json_doc_free(doc);
    /* What the model was shown. */
    assert_non_null(strstr(w->run.users[0], "Value: \"/results/temperature\""));
    assert_non_null(strstr(w->run.users[0], "question: it ends with a question mark"));
    assert_non_null(strstr(w->run.users[0], "- get_chunks: "));
    assert_null(strstr(w->run.users[0], "- get_shape: "));
    assert_non_null(strstr(w->run.users[1], "=== request ===\nWhat shape does"));
    assert_non_null(strstr(w->run.users[1], "get_dtype(path: string)"));
    assert_null(strstr(w->run.systems[0], "temperature"));
}

static void default_may_be_left_out(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_SINGLE, "question", "list_keys get_shape",
                    "{\"calls\":[{\"tool\":\"list_keys\",\"args\":{\"path\":\"/\"}}]}");
    step_world_answer(&w->run, "{\"situation\":\"x\",\"instruction\":\"What is at the very "
                               "top?\",\"values\":[]}");
    step_world_answer(&w->run, PLAN(CALL("1", "list_keys", "")));
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out, "\"args\":{\"path\":\"/\"}"));
    if (!step_world_has(&w->run.out, "\"sources\":{\"path\":{\"origin\":\"default\""))
        fail_msg("%s", w->run.out.data);
}

static void parallel(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_PARALLEL, "question", OFFERED,
                    "{\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":\"/a\"},\"turn\":1},"
                    "{\"tool\":\"get_shape\",\"args\":{\"path\":\"/b\"},\"turn\":1}]}");
    step_world_answer(&w->run,
                      "{\"goal\":\"g\",\"usable\":\"yes\",\"hidden\":[],\"instruction\":\"Which "
                      "shapes do /a and /b have?\",\"values\":[{\"call\":1,\"parameter\":\"path\","
                      "\"value\":\"/a\",\"words\":\"/a\"},{\"call\":2,\"parameter\":\"path\","
                      "\"value\":\"/b\",\"words\":\"/b\"}]}");
    /* In another order: a set. */
    step_world_answer(&w->run, PLAN(CALL("1", "get_shape", ARGUMENT("path", "/b")) "," CALL(
                                   "1", "get_shape", ARGUMENT("path", "/a"))));
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out,
                               "\"step\":1,\"turn\":1,\"thought\":\"The shape is what is asked "
                               "for.\",\"tool\":\"get_shape\",\"args\":{\"path\":\"/a\"}"));
    assert_true(step_world_has(&w->run.out, "\"step\":2,\"turn\":1"));
}

#define CHAIN                                                                                      \
    "{\"calls\":[{\"tool\":\"list_keys\",\"args\":{\"path\":\"/results\"},\"turn\":1},"            \
    "{\"tool\":\"get_shape\",\"args\":{\"path\":{\"$result\":{\"step\":1,\"pointer\":\"/keys/0\"}" \
    "}},\"turn\":2}]}"
#define CHAIN_REQUEST(text)                                                                        \
    "{\"goal\":\"g\",\"usable\":\"yes\",\"hidden\":[\"pressure\"],\"instruction\":\"" text         \
    "\",\"values\":[{\"call\":1,\"parameter\":\"path\",\"value\":\"/results\",\"words\":"          \
    "\"/results\"}]}"
#define GOOD_CHAIN_REQUEST                                                                         \
    CHAIN_REQUEST("Which shape has whatever is listed at the top of /results?")
#define REFERENCE(step, pointer)                                                                   \
    "{\"name\":\"path\",\"origin\":\"result\",\"where\":\"" pointer "\",\"step\":" step            \
    ",\"value\":\"\"}"
#define CHAIN_PLAN(second)                                                                         \
    PLAN(CALL("1", "list_keys", ARGUMENT("path", "/results")) "," CALL("2", "get_shape", second))

static void chain(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_CHAIN, "question", "get_shape list_keys", CHAIN);
    step_world_answer(&w->run, GOOD_CHAIN_REQUEST);
    step_world_answer(&w->run, CHAIN_PLAN(REFERENCE("1", "/keys/0")));
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out,
                               "\"args\":{\"path\":{\"$result\":{\"step\":1,\"pointer\":"
                               "\"/keys/0\"}}},\"sources\":{\"path\":{\"origin\":\"result\","
                               "\"step\":1,\"pointer\":\"/keys/0\"}}"));
    assert_non_null(strstr(w->run.users[0], "Value: hidden, it comes out of call 1 (/keys/0"));
    assert_non_null(strstr(w->run.users[1], "list_keys gives: /path (string), /keys (array)"));
    assert_int_equal(w->n_done[GEN_TOOL_CHAIN], 1);
}

static void chain_without_sense(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_CHAIN, "question", "get_shape list_keys", CHAIN);
    step_world_answer(&w->run,
                      "{\"goal\":\"\",\"usable\":\"makes_no_sense\",\"hidden\":[],\"instruction\":"
                      "\"\",\"values\":[]}");
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_filtered(w, "model_says_makes_no_sense");
}

static void irrelevance(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_IRRELEVANCE, "question", OFFERED,
                    "{\"gap\":\"near_miss_action\",\"near_tool\":\"get_shape\"}");
    step_world_answer(&w->run,
                      "{\"near_tool\":\"get_shape\",\"what_is_missing\":\"it does not delete\","
                      "\"instruction\":\"Delete the dataset /a for good.\",\"reply\":\"Nothing can "
                      "be deleted with the tools at hand.\"}");
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out, "\"reasoning_path\":[]"));
    assert_true(step_world_has(&w->run.out, "\"final_answer\":\"Nothing can be deleted"));
    /* All that was offered is documented. */
    assert_true(step_world_has(&w->run.out, "get_chunks(path") &&
                step_world_has(&w->run.out, "get_dtype(path"));
    assert_int_equal(w->n_done[GEN_TOOL_IRRELEVANCE], 1);
}

#define MISSING(instruction, question, reply)                                                      \
    "{\"withheld\":[\"path\"],\"instruction\":\"" instruction "\",\"values\":[],"                  \
    "\"question_back\":\"" question "\",\"user_reply\":\"" reply "\"}"
#define MISSING_CALL                                                                               \
    "{\"withheld\":[\"path\"],\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":"              \
    "\"/results/temperature\"}}]}"

static void missing_parameter(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_MISSING_PARAM, "question", OFFERED, MISSING_CALL);
    step_world_answer(&w->run, MISSING("What shape does it have?", "Which dataset do you mean?",
                                       "/results/temperature"));
    step_world_answer(&w->run, GOOD_PLAN);
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out,
                               "\"clarification\":{\"question\":\"Which dataset do you mean?\","
                               "\"reply\":\"/results/temperature\"}"));
    assert_non_null(strstr(w->run.users[0], "(withheld: only in the reply)"));
    assert_non_null(strstr(w->run.users[1], "The person's reply: /results/temperature"));
}

static void error_recovery(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_ERROR_RECOVERY, "question", OFFERED,
                    "{\"mutation\":{\"kind\":\"wrong_value\",\"parameter\":\"path\",\"call\":{"
                    "\"tool\":\"get_shape\",\"args\":{\"path\":\"/results/temp\"}}},\"calls\":[{"
                    "\"tool\":\"get_shape\",\"args\":{\"path\":\"/results/temperature\"}}]}");
    step_world_answer(&w->run, GOOD_REQUEST);
    step_world_answer(&w->run, GOOD_PLAN);
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    struct gen_json_doc *doc = step_world_out(&w->run, 0);
    const struct gen_json *path = out_get(doc, "solution", "reasoning_path");
    bool is_mutation = false;
    assert_int_equal(gen_json_count(path), 2);
    assert_true(gen_json_as_bool(gen_json_get(gen_json_at(path, 0), "is_mutation"), &is_mutation));
    assert_null(gen_json_get(gen_json_at(path, 1), "is_mutation"));
    assert_true(gen_str_is(gen_json_get_str(gen_json_at(path, 1), "thought"),
                           "The call failed because of path. The request says "
                           "\"/results/temperature\", so I call again with that."));
    gen_json_doc_free(doc);
}

/* What is thought before the call that fails is nothing that this call contradicts. */
static void failed_thoughts(void **state)
{
#define THINK(words)                                                                               \
    PLAN("{\"turn\":1,\"thought\":\"" words "\",\"tool\":\"get_shape\",\"arguments\":[" ARGUMENT(  \
        "path", "/results/temperature") "]}")
    static const struct {
        const char *failed, *plan, *thought; /* NULL: the tool alone */
    } rows[] = {
        {"get_shape\",\"args\":{\"path\":\"/results/temp\"}", THINK("The shape is wanted."),
         "The shape is wanted."},
        {"get_shape\",\"args\":{\"path\":\"/results/temp\"}",
         THINK("Only /results/temperature has to be looked at."), NULL},
        {"get_shape\",\"args\":{\"path\":\"/results/temperature_1\"}",
         THINK("Only /results/temperature has to be looked at."), NULL},
        {"get_shape\",\"args\":{\"path\":\"/results/temp\"}", THINK("The path is named."), NULL},
        {"get_shape\",\"args\":{}", THINK("It is about /results/temperature."), NULL},
        {"get_shape\",\"args\":{}", THINK("It needs the path."), NULL},
        {"get_shape\",\"args\":{}", THINK("The shape is wanted."), "The shape is wanted."},
        {"get_shape\",\"args\":{\"path\":[\"/results/temperature\"]}",
         THINK("The path is /results/temperature."), "The path is /results/temperature."},
        {"get_dtype\",\"args\":{\"path\":\"/results/temperature\"}", THINK("The shape is wanted."),
         NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char rest[512];
        (void)snprintf(rest, sizeof(rest),
                       "{\"mutation\":{\"kind\":\"wrong_value\",\"parameter\":\"path\",\"call\":{"
                       "\"tool\":\"%s}},\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":"
                       "\"/results/temperature\"}}]}",
                       rows[i].failed);
        world_tear_down(state);
        assert_int_equal(world_set_up(state), 0);
        struct world *w = *state;
        world_blueprint(w, GEN_TOOL_ERROR_RECOVERY, "question", OFFERED, rest);
        step_world_answer(&w->run, GOOD_REQUEST);
        step_world_answer(&w->run, rows[i].plan);
        world_run(w);
        assert_int_equal(w->run.n_out, 1);
        struct gen_json_doc *doc = step_world_out(&w->run, 0);
        const struct gen_json *step = gen_json_at(out_get(doc, "solution", "reasoning_path"), 0);
        struct gen_str thought = gen_json_get_str(step, "thought");
        bool is_neutral = gen_str_find(thought, gen_json_get_str(step, "tool"), 0) != SIZE_MAX &&
                          gen_str_find(thought, GEN_STR("path"), 0) == SIZE_MAX &&
                          gen_str_find(thought, GEN_STR("/results"), 0) == SIZE_MAX;
        if (rows[i].thought ? !gen_str_is(thought, rows[i].thought) : !is_neutral)
            fail_msg("row %zu: %.*s", i, GEN_STR_ARG(thought));
        gen_json_doc_free(doc);
    }
#undef THINK
}

/* The request is not said to hold what only the schema has. */
static void default_put_right(void **state)
{
    struct world *w = *state;
    world_blueprint(w, GEN_TOOL_ERROR_RECOVERY, "question", "open_file get_shape",
                    "{\"mutation\":{\"kind\":\"wrong_value\",\"parameter\":\"mode\",\"call\":{"
                    "\"tool\":\"open_file\",\"args\":{\"path\":\"simulation.h5\",\"mode\":\"w\"}}},"
                    "\"calls\":[{\"tool\":\"open_file\",\"args\":{\"path\":\"simulation.h5\","
                    "\"mode\":\"r\"}}]}");
    step_world_answer(&w->run,
                      "{\"situation\":\"someone checks a run\",\"instruction\":\"Please open "
                      "simulation.h5, I want to see it.\",\"values\":[{\"parameter\":\"path\","
                      "\"value\":\"simulation.h5\",\"words\":\"simulation.h5\"},{\"parameter\":"
                      "\"mode\",\"value\":\"r\",\"words\":\"\"}]}");
    step_world_answer(&w->run, PLAN(CALL("1", "open_file", ARGUMENT("path", "simulation.h5"))));
    world_run(w);
    if (w->run.n_out != 1)
        fail_msg("%s, %s", w->run.failures.data, w->run.users[w->run.n_calls - 1]);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out,
                               "The call failed because of mode. It has to be \\\"r\\\", "
                               "so I call again with that."));
}

static void request_only(void **state)
{
    struct world *w = *state;
    w->o.request_only = true;
    world_blueprint(w, GEN_TOOL_SINGLE, "question", OFFERED, SHAPE_CALL);
    step_world_answer(&w->run, GOOD_REQUEST);
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_int_equal(w->run.n_out, 1);
    assert_true(step_world_has(&w->run.out, "\"reasoning_path\":[]"));
    assert_true(step_world_has(&w->run.out, "\"api_documentation\":\"get_shape(path"));
}

/* ---- faults ---- */

/* Each is told with its place, asked again twice, and filtered by its rule. */
static void faults_of_requests(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *answer, *rule, *told;
    } rows[] = {
        {REQUEST_WORDS("What shape does my temperature data have?", ""), "value_without_words",
         "/instruction: nothing in it gives the value \"/results/temperature\""},
        {REQUEST_WORDS("What shape does /results/temperature have?", "the temperature"),
         "value_without_words", "/values/0/words: \"the temperature\" is not in the instruction"},
        {REQUEST("Run get_shape on /results/temperature for me."), "request_names_a_tool",
         "\"get_shape\""},
        {REQUEST_WORDS("Shapes?", ""), "request_length", "/instruction: "},
        {REQUEST("What shape does /results/temperature have, {{name}}?"), "request_left_overs",
         "placeholder"},
        {REQUEST("What shape does /results/temperature have in the passage above?"),
         "request_refers_to_context", "points at"},
        {REQUEST("What shape does /results/temperature in example.com have?"), "request_toy_value",
         "\"example.com\""},
        {REQUEST("\xD0\x9A\xD0\xB0\xD0\xBA\xD0\xB0\xD1\x8F \xD1\x84\xD0\xBE\xD1\x80\xD0\xBC\xD0"
                 "\xB0 \xD1\x83 \xD0\xBC\xD0\xB0\xD1\x81\xD1\x81\xD0\xB8\xD0\xB2\xD0\xB0 "
                 "\xD1\x80\xD0\xB5\xD0\xB7\xD1\x83\xD0\xBB\xD1\x8C\xD1\x82\xD0\xB0\xD1\x82\xD0\xBE"
                 "\xD0\xB2 /results/temperature?"),
         "request_other_language", "language"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_clear(w);
        world_blueprint(w, GEN_TOOL_SINGLE, "question", OFFERED, SHAPE_CALL);
        step_world_answer(&w->run, rows[i].answer);
        world_run(w);
        assert_int_equal(w->run.n_out, 0);
        if (gen_counts_get(&w->run.accounts[0].filtered, rows[i].rule) != 1)
            fail_msg("row %zu: %s, not %s", i, w->run.accounts[0].filtered.rows[0].name,
                     rows[i].rule);
        assert_int_equal(w->run.n_calls, 3);
        if (!strstr(w->run.users[1], rows[i].told))
            fail_msg("row %zu: not told in %s", i, w->run.users[1]);
        /* The second try helps. */
        world_clear(w);
        world_blueprint(w, GEN_TOOL_SINGLE, "question", OFFERED, SHAPE_CALL);
        step_world_answer(&w->run, rows[i].answer);
        step_world_answer(&w->run, GOOD_REQUEST);
        step_world_answer(&w->run, GOOD_PLAN);
        world_run(w);
        assert_int_equal(w->run.n_out, 1);
    }
}

static void expect_rule(struct world *w, const char *rule, const char *told, size_t call)
{
    world_run(w);
    assert_int_equal(w->run.n_out, 0);
    if (gen_counts_get(&w->run.accounts[0].filtered, rule) != 1)
        fail_msg("%s, not %s: %.*s",
                 w->run.accounts[0].filtered.n ? w->run.accounts[0].filtered.rows[0].name
                                               : "nothing filtered",
                 rule, GEN_STR_ARG(gen_buf_str(&w->run.failures)));
    if (told && !strstr(w->run.users[call + 1], told))
        fail_msg("%s: not told in %s", rule, w->run.users[call + 1]);
    world_clear(w);
}

static void faults_of_chains(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *answer, *rule, *told;
    } rows[] = {
        {CHAIN_REQUEST("First list what is in /results, then take the top one and finally tell me "
                       "its shape."),
         "dictated_steps", "it lists steps"},
        {CHAIN_REQUEST("Which shape has the pressure in /results?"), "hidden_value_shows",
         "\"pressure\" is listed as hidden"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_blueprint(w, GEN_TOOL_CHAIN, "question", "get_shape list_keys", CHAIN);
        step_world_answer(&w->run, rows[i].answer);
        expect_rule(w, rows[i].rule, rows[i].told, 0);
    }
}

static void faults_of_replies(void **state)
{
    struct world *w = *state;
#define IRRELEVANT(reply)                                                                          \
    "{\"near_tool\":\"get_shape\",\"what_is_missing\":\"x\",\"instruction\":\"Delete /a for "      \
    "good.\",\"reply\":\"" reply "\"}"
    static const struct {
        const char *answer, *rule;
    } rows[] = {
        {IRRELEVANT("I cannot delete it. Would you like me to list it?"), "reply_offers"},
        {IRRELEVANT("I cannot delete it; it has 48213 values."), "reply_invents_figures"},
        {IRRELEVANT("Only get_shape can be used."), "reply_names_a_tool"},
        {IRRELEVANT("No."), "reply_length"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_blueprint(w, GEN_TOOL_IRRELEVANCE, "question", OFFERED,
                        "{\"gap\":\"near_miss_action\",\"near_tool\":\"get_shape\"}");
        step_world_answer(&w->run, rows[i].answer);
        expect_rule(w, rows[i].rule, "/reply: ", 0);
    }
    /* General knowledge has figures. */
    world_blueprint(w, GEN_TOOL_IRRELEVANCE, "question", OFFERED,
                    "{\"gap\":\"no_tool_needed_general_knowledge\"}");
    step_world_answer(
        &w->run, "{\"near_tool\":\"none\",\"what_is_missing\":\"x\",\"instruction\":\"How many "
                 "minutes does a day have?\",\"reply\":\"A day has 1440 minutes.\"}");
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
}

static void faults_of_questions_back(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *answer, *rule;
    } rows[] = {
        {MISSING("What shape does /results/temperature have?", "Which dataset do you mean?",
                 "/results/temperature"),
         "withheld_value_shows"},
        {MISSING("What shape does it have?", "Please name the dataset.", "/results/temperature"),
         "question_back_unfit"},
        {MISSING("What shape does it have?", "What colour do you like?", "/results/temperature"),
         "question_back_unfit"},
        {MISSING("What shape does it have?", "Which dataset do you mean?", "The one of yesterday."),
         "reply_lacks_value"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_blueprint(w, GEN_TOOL_MISSING_PARAM, "question", OFFERED, MISSING_CALL);
        step_world_answer(&w->run, rows[i].answer);
        expect_rule(w, rows[i].rule, NULL, 0);
    }
}

static void faults_of_plans(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *answer, *rule, *told;
    } rows[] = {
        {PLAN(CALL("1", "get_chunks", ARGUMENT("path", "/results/temperature"))),
         "blueprint_not_recovered", "/calls/0: not the call"},
        {PLAN(CALL("1", "get_shape", ARGUMENT("path", "/results/temperature")) "," CALL(
             "1", "get_dtype", ARGUMENT("path", "/results/temperature"))),
         "blueprint_not_recovered", "/calls: 2 calls"},
        {PLAN(""), "blueprint_not_recovered", "/calls: 0 calls"},
        {PLAN(CALL("1", "get_shape", "")), "schema_invalid", "path"},
        {PLAN(CALL("1", "get_shape", ARGUMENT("path", "/results/pressure"))), "invented_argument",
         "the value of \"path\" is neither"},
        {PLAN(CALL("1", "visit", "")), "unknown_tool", "\"visit\" is not among"},
        {PLAN(CALL("1", "get_shape", REFERENCE("1", "/x"))), "unresolved_reference",
         "refers to call 1"},
        {PLAN("{\"turn\":1,\"thought\":\"\",\"tool\":\"get_shape\",\"arguments\":[" ARGUMENT(
             "path", "/results/temperature") "]}"),
         "thought_unfit", "/calls/0/thought"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world_blueprint(w, GEN_TOOL_SINGLE, "question", OFFERED, SHAPE_CALL);
        step_world_answer(&w->run, GOOD_REQUEST);
        step_world_answer(&w->run, rows[i].answer);
        expect_rule(w, rows[i].rule, rows[i].told, 1);
    }
    /* A chain whose second call takes another value, or comes first. */
    static const char *const chains[] = {
        CHAIN_PLAN(REFERENCE("1", "/keys/1")),
        PLAN(CALL("1", "get_shape", ARGUMENT("path", "/results")) "," CALL(
            "2", "list_keys", ARGUMENT("path", "/results"))),
    };
    for (size_t i = 0; i < 2; i++) {
        world_blueprint(w, GEN_TOOL_CHAIN, "question", "get_shape list_keys", CHAIN);
        step_world_answer(&w->run, GOOD_CHAIN_REQUEST);
        step_world_answer(&w->run, chains[i]);
        expect_rule(w, "blueprint_not_recovered", NULL, 1);
    }
}

static void duplicates(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++)
        world_blueprint(w, GEN_TOOL_IRRELEVANCE, "question", OFFERED,
                        "{\"gap\":\"near_miss_action\"}");
    step_world_answer(&w->run,
                      "{\"near_tool\":\"get_shape\",\"what_is_missing\":\"x\",\"instruction\":"
                      "\"Delete /a for good.\",\"reply\":\"Nothing can be deleted.\"}");
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    assert_int_equal(gen_counts_get(&w->run.accounts[0].filtered, "duplicate_request"), 2);
    assert_int_equal(w->n_done[GEN_TOOL_IRRELEVANCE], 1);
}

/* ---- chain first ---- */

static void begin_chain_first(struct world *w)
{
    w->o.chain_first = true;
    w->o.executor = (struct gen_executor *)w;
    world_clear(w);
    world_blueprint(w, GEN_TOOL_CHAIN, "question", "get_shape list_keys", CHAIN);
}

static void chain_first(void **state)
{
    struct world *w = *state;
    begin_chain_first(w);
    w->observations[0] = "{\"path\":\"/results\",\"keys\":[\"humidity\",\"pressure\"]}";
    w->observations[1] = "{\"shape\":[3,4]}";
    w->n_observations = 2;
    step_world_answer(&w->run, GOOD_CHAIN_REQUEST);
    step_world_answer(&w->run, CHAIN_PLAN(REFERENCE("1", "/keys/0")));
    world_run(w);
    assert_string_equal(w->executed.data, "t00001+chain 0 list_keys {\"path\":\"/results\"}\n"
                                          "t00001+chain 1 get_shape {\"path\":\"humidity\"}\n"
                                          "end t00001+chain\n");
    assert_int_equal(w->run.n_out, 1);
    assert_int_equal(w->run.n_calls, 2);
    assert_non_null(strstr(w->run.users[0], "It gives (hidden): {\"shape\":[3,4]}"));
    assert_true(step_world_has(&w->run.out, "\"results\":[{\"text\":\"{\\\"path\\\""));
    struct gen_buf first = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_add_str(&first, gen_buf_str(&w->run.out), NULL), GEN_OK);
    /* Again from the ledger: nothing is asked, nothing is executed, the same bytes. */
    world_run_again(w);
    assert_int_equal(w->run.n_calls, 0);
    assert_int_equal(w->n_executed, 0);
    assert_string_equal(w->run.out.data, first.data);
    gen_buf_release(&first);
}

/* A reference may stand inside of a value. */
static void chain_first_inside(void **state)
{
    struct world *w = *state;
    begin_chain_first(w);
    step_world_clear(&w->run);
    world_blueprint(
        w, GEN_TOOL_CHAIN, "question", "hdf5_batch_read list_keys",
        "{\"calls\":[{\"tool\":\"list_keys\",\"args\":{\"path\":\"/results\"},\"turn\":1},"
        "{\"tool\":\"hdf5_batch_read\",\"args\":{\"paths\":[\"/a\",{\"$result\":{\"step\":1,"
        "\"pointer\":\"/keys/1\"}}]},\"turn\":2}]}");
    w->observations[0] = "{\"path\":\"/results\",\"keys\":[\"humidity\",\"pressure\"]}";
    w->observations[1] = "!that is enough";
    w->n_observations = 2;
    world_run(w);
    assert_string_equal(w->executed.data,
                        "t00001+chain 0 list_keys {\"path\":\"/results\"}\n"
                        "t00001+chain 1 hdf5_batch_read {\"paths\":[\"/a\",\"pressure\"]}\n"
                        "end t00001+chain\n");
}

static void chain_first_hides_results(void **state)
{
    struct world *w = *state;
    begin_chain_first(w);
    w->observations[0] = "{\"path\":\"/results\",\"keys\":[\"humidity\"]}";
    w->observations[1] = "{\"shape\":[3,4]}";
    w->n_observations = 2;
    step_world_answer(&w->run, CHAIN_REQUEST("Which shape has the humidity in /results?"));
    expect_rule(w, "hidden_value_shows", "\"humidity\" comes out of an earlier result", 0);
}

static void chain_first_that_fails(void **state)
{
    struct world *w = *state;
    static const char *const first[] = {"!no such group", "{\"path\":\"/results\",\"keys\":[]}"};
    for (size_t i = 0; i < 2; i++) {
        begin_chain_first(w);
        w->observations[0] = first[i];
        w->n_observations = 1;
        world_run(w);
        assert_filtered(w, "chain_failed");
        assert_int_equal(w->run.n_calls, 0);
        assert_int_equal(w->n_executed, 1);
    }
    begin_chain_first(w);
    w->observations[0] = "?the server died";
    w->n_observations = 1;
    world_run(w);
    assert_int_equal(gen_counts_get(&w->run.accounts[0].failed, "server_died"), 1);
    assert_non_null(strstr(w->run.failures.data, "the server died"));
}

/* ---- bad input, prompts ---- */

static void no_blueprint(void **state)
{
    struct world *w = *state;
    static const char *const records[] = {
        "{\"format\":\"tool\"}",
        "{\"format\":\"tool\",\"metadata\":{\"category\":\"single\",\"blueprint\":{\"calls\":[]}}}",
        "{\"format\":\"tool\",\"metadata\":{\"category\":\"single\",\"blueprint\":{\"calls\":[{"
        "\"tool\":\"nothing\",\"args\":{}}]}}}",
        "{\"format\":\"tool\",\"metadata\":{\"category\":\"single\",\"blueprint\":{\"calls\":[{"
        "\"tool\":\"get_shape\",\"args\":7}]}}}",
        "[]",
    };
    struct gen_tool_generate *g = NULL;
    struct gen_step step;
    struct gen_error err = {.msg = ""};
    struct gen_draft d;
    assert_int_equal(gen_tool_generate_new(&g, &w->run.common, &w->o, &step, &err), GEN_OK);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
        assert_int_equal(gen_draft_read(&d, g, gen_str_from(records[i]), &err), GEN_ESTATE);
    assert_int_equal(gen_draft_read(&d, g, GEN_STR("{"), &err), GEN_EPARSE);
    gen_tool_generate_free(g);
}

static void connectives(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"Tell me the shape of the first of the keys.", 0},
        {"List it, then read it.", 1},
        {"First list it, then read it.", 2},
        {"Do a then b then c.", 2},
        {"After that, and finally, stop.", 2},
        {"The authentic one, strengthened.", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_count_connectives(gen_str_from(rows[i].text)) != rows[i].n)
            fail_msg("%s: %zu", rows[i].text, gen_count_connectives(gen_str_from(rows[i].text)));
    }
}

/* A prompt in the original's words, with the original's placeholders. */
static void prompts_of_the_original(void **state)
{
    struct world *w = *state;
    static const char *const texts[][2] = {
        {"tool_instruction_generation",
         "Tool {tool_name}: {tool_description}\n  {parameters}\n  {examples}\n  Write "
         "{n_instructions}.\n"},
        {"multi_tool_instruction_generation", "Tools: {tools_documentation}\n"},
        {"tool_solution_single", "{api_documentation}\n  {instruction}\n"},
        {"tool_solution_multi", "{api_documentation} {instruction} {tools_json} {max_steps}\n"},
    };
    char path[400];
    struct gen_error err = {.msg = ""};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s.yaml", w->run.folder, texts[i][0]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fprintf(f, "prompt: |\n  %s", texts[i][1]) > 0);
        assert_int_equal(fclose(f), 0);
    }
    gen_prompt_set_free(w->run.prompts);
    w->run.prompts = NULL;
    assert_int_equal(
        gen_prompt_set_load(&w->run.prompts, PROJECT_DIR "/configs/prompts", w->run.folder, &err),
        GEN_OK);
    w->run.common.prompts = w->run.prompts;
    world_blueprint(w, GEN_TOOL_SINGLE, "question", OFFERED, SHAPE_CALL);
    step_world_answer(&w->run, GOOD_REQUEST);
    step_world_answer(&w->run, GOOD_PLAN);
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    assert_string_equal(w->run.systems[0], "");
    assert_non_null(strstr(w->run.users[0], "Value: \"/results/temperature\""));
    world_clear(w);
    world_blueprint(w, GEN_TOOL_CHAIN, "question", "get_shape list_keys", CHAIN);
    step_world_answer(&w->run, GOOD_CHAIN_REQUEST);
    step_world_answer(&w->run, CHAIN_PLAN(REFERENCE("1", "/keys/0")));
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    assert_non_null(strstr(w->run.users[1], "{\"type\":\"function\""));
}

static void plan_schema_names_the_tools(void **state)
{
    struct world *w = *state;
    struct gen_buf plan = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_schema_tool_plan(w->tools, &plan, NULL), GEN_OK);
    assert_non_null(strstr(plan.data, "\"enum\":[\"open_file\",\"close_file\""));
    struct gen_toolset many = {.n_tools = GEN_TOOL_NAMES_MAX + 1};
    gen_buf_clear(&plan);
    assert_int_equal(gen_schema_tool_plan(&many, &plan, NULL), GEN_OK);
    assert_null(strstr(plan.data, "\"tool\":{\"type\":\"string\",\"enum\""));
    gen_buf_release(&plan);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(single),
        WORLD(default_may_be_left_out),
        WORLD(parallel),
        WORLD(chain),
        WORLD(chain_without_sense),
        WORLD(irrelevance),
        WORLD(missing_parameter),
        WORLD(error_recovery),
        WORLD(failed_thoughts),
        WORLD(default_put_right),
        WORLD(request_only),
        WORLD(faults_of_requests),
        WORLD(faults_of_chains),
        WORLD(faults_of_replies),
        WORLD(faults_of_questions_back),
        WORLD(faults_of_plans),
        WORLD(duplicates),
        WORLD(chain_first),
        WORLD(chain_first_inside),
        WORLD(chain_first_hides_results),
        WORLD(chain_first_that_fails),
        WORLD(no_blueprint),
        WORLD(prompts_of_the_original),
        WORLD(plan_schema_names_the_tools),
        cmocka_unit_test(connectives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
