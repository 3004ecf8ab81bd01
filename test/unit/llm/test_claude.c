/* The provider with a program: its command line, what its answers mean, and the channel that runs
 * it (with small shell scripts in the program's place). */
#include "llm/channel.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define P (&gen_provider_claude)

/* ---- answers ---- */

struct answer_case {
    int status;
    const char *body, *errors;
    enum gen_class class_code;
    bool stop;
    const char *text;    /* NULL: not looked at */
    const char *message; /* is found in it */
};

#define FAILED(status, reason, stop, words)                                                        \
    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"api_error_status\":" status  \
    ",\"terminal_reason\":\"" reason "\",\"stop_reason\":\"" stop "\",\"result\":\"" words "\"}"
#define API_ERROR(status, words) FAILED(status, "api_error", "stop_sequence", words)
#define OK(members)                                                                                \
    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"stop_reason\":\"end_turn\"" \
    "," members "}"

/* The texts are those that release 2.1.330 writes. */
static const struct answer_case answers[] = {
    {0, OK("\"result\":\"hello\""), "", GEN_CLASS_OK, false, "hello", ""},
    {0, OK("\"result\":\"x\",\"structured_output\":{\"a\":[1,\"\xC3\xA9\"]}"), "", GEN_CLASS_OK,
     false, "{\"a\":[1,\"\xC3\xA9\"]}", ""},
    {0, OK("\"result\":\"words\",\"structured_output\":null"), "", GEN_CLASS_OK, false, "words",
     ""},
    {0, "[{\"type\":\"system\"}," OK("\"result\":\"last\"") "]", "", GEN_CLASS_OK, false, "last",
     ""},
    {0, "a warning\n{\"type\":\"system\"}\n" OK("\"result\":\"line\"") "\n\n", "", GEN_CLASS_OK,
     false, "line", ""},
    /* It has crashed after the answer was out. */
    {1, OK("\"result\":\"paid\""), "", GEN_CLASS_OK, false, "paid", ""},
    {0, OK("\"result\":\"\""), "", GEN_CLASS_SERVER_ERROR, false, NULL, "empty"},
    {0, "{\"type\":\"result\",\"is_error\":false,\"stop_reason\":\"refusal\",\"result\":\"no\"}",
     "", GEN_CLASS_BLOCKED, false, NULL, "no"},
    {0, "{\"type\":\"result\",\"is_error\":false,\"stop_reason\":\"max_tokens\",\"result\":\"a\"}",
     "", GEN_CLASS_TRUNCATED, false, NULL, "token limit"},
    {1, API_ERROR("null", "Not logged in \xC2\xB7 Please run /login"), "", GEN_CLASS_AUTH, true, "",
     "claude auth login"},
    {1, API_ERROR("401", "Invalid API key \xC2\xB7 Fix external API key"), "", GEN_CLASS_AUTH, true,
     "", "Invalid API key"},
    {1, API_ERROR("401", "Failed to authenticate. API Error: 401 m"), "", GEN_CLASS_AUTH, true, "",
     "claude auth login"},
    {1, API_ERROR("403", "API Error: 403"), "", GEN_CLASS_AUTH, true, "", "403"},
    {1, API_ERROR("400", "Credit balance is too low"), "", GEN_CLASS_QUOTA, true, "", "add funds"},
    {1, API_ERROR("429", "API Error: Request rejected (429) \xC2\xB7 m"), "", GEN_CLASS_RATE_LIMIT,
     false, "", "429"},
    {1,
     API_ERROR("429",
               "API Error: Server is temporarily limiting requests (not your usage limit) \xC2\xB7 "
               "this may be a temporary capacity issue."),
     "", GEN_CLASS_RATE_LIMIT, false, "", "limiting"},
    {1, API_ERROR("429", "You've hit your session limit \xC2\xB7 resets 3am"), "", GEN_CLASS_QUOTA,
     true, "", "resets 3am"},
    {1, API_ERROR("529", "API Error: 529 m 529. This is a server-side issue, usually temporary"),
     "", GEN_CLASS_OVERLOAD, false, "", "529"},
    {1, API_ERROR("500", "API Error: 500 m"), "", GEN_CLASS_SERVER_ERROR, false, "", "500"},
    {1, API_ERROR("404", "There's an issue with the selected model (x). It may not exist"), "",
     GEN_CLASS_BAD_REQUEST, true, "", "--model"},
    {1, API_ERROR("400", "API Error: 400 something else"), "", GEN_CLASS_BAD_REQUEST, false, "",
     "something else"},
    {1, API_ERROR("null", "API Error: Connection refused (ECONNREFUSED)"), "", GEN_CLASS_TRANSPORT,
     false, "", "refused"},
    {1, API_ERROR("null", "something nobody has seen"), "", GEN_CLASS_SERVER_ERROR, false, "",
     "nobody"},
    {1, FAILED("400", "prompt_too_long", "stop_sequence", "Prompt is too long"), "",
     GEN_CLASS_CONTEXT_OVERFLOW, false, "", "too long"},
    {1, API_ERROR("null", "API Error: Claude's response exceeded the 900 output token maximum."),
     "", GEN_CLASS_TRUNCATED, false, "", "--max-tokens"},
    {1,
     FAILED("null", "api_error", "refusal",
            "API Error: Sonnet 5.5's safeguards flagged this message "
            "(https://www.anthropic.com/legal/aup)"),
     "", GEN_CLASS_BLOCKED, false, "", "safeguards"},
    {1,
     "{\"type\":\"result\",\"subtype\":\"error_max_turns\",\"is_error\":true,\"terminal_reason\":"
     "\"max_turns\",\"errors\":[\"Reached maximum number of turns (3)\"]}",
     "", GEN_CLASS_MALFORMED, false, "", "turns"},
    {1, "", "Error: Input must be provided either through stdin or as a prompt argument\n",
     GEN_CLASS_BAD_REQUEST, false, "", "Input must be provided"},
    {1, "", "error: unknown option '--safe-mode'\n", GEN_CLASS_BAD_REQUEST, true, "",
     "claude update"},
    {1, "", "Error: --json-schema is not a valid JSON Schema: data/type must be\n",
     GEN_CLASS_UNSUPPORTED_PARAM, false, "", "JSON Schema"},
    {1, "", "", GEN_CLASS_BAD_REQUEST, false, "", "exit status 1"},
    {134, " \n", "Aborted\nmore\n", GEN_CLASS_SERVER_ERROR, false, "", "Aborted"},
    {0, "", "", GEN_CLASS_SERVER_ERROR, false, "", "no answer"},
    {1, "Not logged in \xC2\xB7 Please run /login\n", "", GEN_CLASS_AUTH, true, "", "auth login"},
    {0, "<html>", "", GEN_CLASS_SERVER_ERROR, false, "", "<html>"},
    {0, "{\"type\":\"result\"", "", GEN_CLASS_SERVER_ERROR, false, "", "not the JSON"},
    {0, "[]", "", GEN_CLASS_SERVER_ERROR, false, "", "not the JSON"},
    {1, "{\"type\":\"result\"}", "", GEN_CLASS_SERVER_ERROR, false, "", ""},
};

static struct gen_llm_result parse(int status, const char *body, const char *errors)
{
    const struct gen_http_response response = {
        .status = status,
        .body = gen_str_from(body),
        .detail = errors,
        .latency_us = 7,
    };
    struct gen_llm_result result = gen_llm_result_make();
    assert_int_equal(P->parse(&response, &result, NULL), GEN_OK);
    return result;
}

static void answers_have_their_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const struct answer_case *c = &answers[i];
        struct gen_llm_result r = parse(c->status, c->body, c->errors);
        if (r.class_code != c->class_code || r.stop_provider != c->stop ||
            (c->text && !gen_str_is(r.text, c->text)) || !strstr(r.message, c->message))
            fail_msg("case %zu (%s): class %s, stop %d, text %.*s, message \"%s\"", i, c->body,
                     gen_class_name(r.class_code), r.stop_provider, GEN_STR_ARG(r.text), r.message);
        assert_int_equal(r.latency_us, 7);
        gen_llm_result_release(&r);
    }
}

static void usage_and_cost_are_those_of_all_models(void **state)
{
    (void)state;
    struct gen_llm_result r =
        parse(0,
              OK("\"result\":\"x\",\"total_cost_usd\":0.0123456,\"usage\":{\"input_tokens\":1},"
                 "\"modelUsage\":{\"small\":{\"inputTokens\":10,\"outputTokens\":2},"
                 "\"large\":{\"inputTokens\":100,\"cacheReadInputTokens\":7,"
                 "\"cacheCreationInputTokens\":3,\"outputTokens\":20}}"),
              "");
    assert_int_equal(r.usage.tokens_in, 120);
    assert_int_equal(r.usage.tokens_cached, 7);
    assert_int_equal(r.usage.tokens_out, 22);
    assert_int_equal(r.usage.cost_microusd, 12346);
    assert_true(gen_str_is(r.model, "large"));
    gen_llm_result_release(&r);
    r = parse(1,
              "{\"type\":\"result\",\"is_error\":true,\"modelUsage\":{},\"total_cost_usd\":-1,"
              "\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":4,\"output_tokens\":6}}",
              "");
    assert_int_equal(r.usage.tokens_in, 9);
    assert_int_equal(r.usage.tokens_out, 6);
    assert_int_equal(r.usage.cost_microusd, -1);
    gen_llm_result_release(&r);
}

/* ---- the command line ---- */

/* The words of a buffer, with '|' for each NUL. */
static char *words_of(int (*fn)(const struct gen_llm_request *, const struct gen_endpoint *,
                                struct gen_buf *, struct gen_error *),
                      const struct gen_llm_request *r, const struct gen_endpoint *e)
{
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    size_t n = 0;
    assert_int_equal(fn(r, e, &out, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_char(&out, '|', NULL), GEN_OK);
    for (size_t i = 0; i < out.n; i++) {
        if (out.data[i] == '\0')
            out.data[i] = '|';
    }
    return gen_buf_take(&out, &n);
}

static void expect_words(const char *words, const char *want, bool is_wanted)
{
    if ((strstr(words, want) != NULL) != is_wanted)
        fail_msg("%s in %s", want, words);
}

static void the_command_line_says_all_but_the_prompt(void **state)
{
    (void)state;
    const struct gen_llm_stable stable = {.model = "opus",
                                          .system = GEN_STR("Be brief."),
                                          .schema = GEN_STR("{\"type\":\"object\"}")};
    const struct gen_llm_request r = {
        .stable = &stable, .user = GEN_STR("secret chunk"), .tokens_out_max = 700};
    struct gen_endpoint e = {.base_url = NULL};
    char *words = words_of(P->arguments, &r, &e);
    expect_words(words, "-p|--output-format|json|--no-session-persistence|--safe-mode|--tools||",
                 true);
    expect_words(words, "|--system-prompt|Be brief.|", true);
    expect_words(words, "|--model|opus|", true);
    expect_words(words, "|--json-schema|{\"type\":\"object\"}|--max-turns|3|", true);
    expect_words(words, "secret", false);
    expect_words(words, "--effort", false);
    free(words);
    words = words_of(P->environment, &r, &e);
    expect_words(words, "|CLAUDE_CODE_MAX_OUTPUT_TOKENS=700|", true);
    expect_words(words, "|MAX_THINKING_TOKENS=0|", true);
    expect_words(words, "|CLAUDECODE|", true);
    free(words);
    words = words_of(P->build, &r, &e);
    assert_string_equal(words, "secret chunk|");
    free(words);
    e.dropped = GEN_PARAM_SYSTEM_ROLE | GEN_PARAM_SCHEMA;
    e.reasoning_effort = "high";
    words = words_of(P->arguments, &r, &e);
    expect_words(words, "--json-schema", false);
    expect_words(words, "|--max-turns|1|", true);
    expect_words(words, "Be brief.", false);
    expect_words(words, "|--effort|high|", true);
    free(words);
    words = words_of(P->environment, &r, &e);
    expect_words(words, "THINKING", false);
    free(words);
    words = words_of(P->build, &r, &e);
    assert_string_equal(words, "Be brief.\n\nsecret chunk|");
    free(words);
}

static void a_system_text_too_long_for_an_argument_goes_to_standard_input(void **state)
{
    (void)state;
    char *text = malloc(200001);
    assert_non_null(text);
    memset(text, 's', 200000);
    text[200000] = '\0';
    const struct gen_llm_stable stable = {.model = "opus", .system = {text, 200000}};
    const struct gen_llm_request r = {.stable = &stable, .user = GEN_STR("u")};
    const struct gen_endpoint e = {.base_url = NULL};
    char *words = words_of(P->arguments, &r, &e);
    assert_true(strlen(words) < 1000);
    free(words);
    words = words_of(P->build, &r, &e);
    assert_int_equal(strlen(words), 200000 + 2 + 1 + 1);
    free(words);
    free(text);
}

/* ---- the channel ---- */

struct world {
    struct gen_loop *loop;
    struct gen_channel channel;
    char dir[64], program[96];
    struct gen_llm_stable stable;
    unsigned n_results;
    struct gen_buf log; /* "class:text;" of each result */
    bool inside_send;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/gen-claude-XXXXXX");
    if (!mkdtemp(w->dir) || setenv("TMPDIR", w->dir, 1) != 0)
        return -1;
    (void)snprintf(w->program, sizeof(w->program), "%s/claude", w->dir);
    w->log = gen_buf_make((size_t)1 << 20);
    w->stable = (struct gen_llm_stable){.model = "m", .system = GEN_STR("s")};
    return gen_loop_new(&w->loop, NULL);
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n - 2;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_channel_free(&w->channel);
    gen_loop_free(w->loop);
    (void)unlink(w->program);
    /* Nothing of the channel's is left. */
    int rc = rmdir(w->dir);
    (void)unsetenv("TMPDIR");
    gen_buf_release(&w->log);
    free(w);
    return rc;
}

static void write_program(struct world *w, const char *script)
{
    assert_int_equal(gen_file_write_all(w->program, gen_str_from(script), NULL), GEN_OK);
    assert_int_equal(chmod(w->program, 0700), 0);
}

static void open_channel(struct world *w, const char *script, uint64_t timeout_ms)
{
    if (script)
        write_program(w, script);
    const struct gen_channel_options o = {
        .provider = P, .endpoint = {.timeout_ms = timeout_ms}, .model = "m", .loop = w->loop};
    assert_int_equal(gen_channel_program_new(&w->channel, &o, w->program, NULL), GEN_OK);
}

static void on_result(void *ud, struct gen_llm_result *result, const struct gen_error *failure)
{
    struct world *w = ud;
    assert_null(failure);
    assert_false(w->inside_send);
    w->n_results++;
    assert_int_equal(
        gen_buf_printf(&w->log, NULL, "%s:%.*s;", gen_class_name(result->class_code),
                       GEN_STR_ARG(result->text.n ? result->text : gen_str_from(result->message))),
        GEN_OK);
    gen_llm_result_release(result);
}

static struct gen_exchange *ask(struct world *w, const char *user)
{
    const struct gen_llm_request r = {.stable = &w->stable, .user = gen_str_from(user)};
    const struct gen_digest key = {{0}};
    struct gen_exchange *x = NULL;
    assert_int_equal(gen_channel_prepare(&w->channel, &r, &key, 0, &x, NULL), GEN_OK);
    w->inside_send = true;
    assert_int_equal(gen_channel_send(&w->channel, x, on_result, w, NULL), GEN_OK);
    w->inside_send = false;
    return x;
}

static void run(struct world *w, unsigned n)
{
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(w->n_results, n);
}

#define SAY "printf '{\"type\":\"result\",\"is_error\":false,\"result\":\"%s\"}' "

static void the_answer_is_the_program_s(void **state)
{
    struct world *w = *state;
    open_channel(w, "#!/bin/sh\n" SAY "\"$(cat)/$MAX_THINKING_TOKENS/$(ls | wc -l)/$#\"\n", 0);
    (void)ask(w, "question");
    run(w, 1);
    assert_string_equal(w->log.data, "ok:question/0/0/13;");
}

static void the_folder_of_the_programs_is_their_own_and_goes(void **state)
{
    struct world *w = *state;
    open_channel(w, "#!/bin/sh\nmkdir -p a/b; echo x > a/b/c; ln -s / a/root; " SAY "\"$(pwd)\"\n",
                 0);
    assert_int_equal(count_entries(w->dir), 2);
    (void)ask(w, "question");
    run(w, 1);
    assert_non_null(strstr(w->log.data, w->dir));
    gen_channel_free(&w->channel);
    assert_int_equal(count_entries(w->dir), 1);
}

static void a_program_that_cannot_be_run_is_a_result(void **state)
{
    struct world *w = *state;
    open_channel(w, NULL, 0);
    (void)ask(w, "one");
    (void)ask(w, "two");
    run(w, 2);
    assert_non_null(strstr(w->log.data, "bad_request:there is no program "));
}

static void time_limit_and_cancel_end_the_program(void **state)
{
    struct world *w = *state;
    open_channel(
        w, "#!/bin/sh\nread line; case $line in hang) exec sleep 60;; esac\n" SAY "$line\n", 300);
    (void)ask(w, "quick\n");
    run(w, 1);
    (void)ask(w, "hang\n");
    run(w, 2);
    gen_channel_cancel(&w->channel, ask(w, "hang\n"));
    run(w, 3);
    assert_non_null(strstr(w->log.data, "ok:quick;transport:"));
    assert_non_null(strstr(w->log.data, "gave no answer within 0 s"));
    assert_non_null(strstr(w->log.data, ";canceled:"));
}

static void a_killed_program_is_tried_again(void **state)
{
    struct world *w = *state;
    open_channel(w, "#!/bin/sh\nkill -KILL $$\n", 0);
    (void)ask(w, "one");
    run(w, 1);
    assert_non_null(strstr(w->log.data, "transport:"));
    assert_non_null(strstr(w->log.data, "killed by signal 9"));
}

static void freeing_ends_what_is_in_flight_in_silence(void **state)
{
    struct world *w = *state;
    const struct gen_llm_request r = {.stable = &w->stable, .user = GEN_STR("u")};
    const struct gen_digest key = {{0}};
    struct gen_exchange *x = NULL;
    open_channel(w, "#!/bin/sh\nexec sleep 60\n", 0);
    (void)ask(w, "one");
    (void)ask(w, "two");
    assert_int_equal(gen_channel_prepare(&w->channel, &r, &key, 0, &x, NULL), GEN_OK);
    assert_int_equal(gen_channel_prepare(&w->channel, &r, &key, 0, &x, NULL), GEN_OK);
    gen_channel_discard(&w->channel, x);
    gen_channel_free(&w->channel);
    run(w, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_have_their_class),
        cmocka_unit_test(usage_and_cost_are_those_of_all_models),
        cmocka_unit_test(the_command_line_says_all_but_the_prompt),
        cmocka_unit_test(a_system_text_too_long_for_an_argument_goes_to_standard_input),
        CASE(the_answer_is_the_program_s),
        CASE(the_folder_of_the_programs_is_their_own_and_goes),
        CASE(a_program_that_cannot_be_run_is_a_result),
        CASE(time_limit_and_cancel_end_the_program),
        CASE(a_killed_program_is_tried_again),
        CASE(freeing_ends_what_is_in_flight_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
