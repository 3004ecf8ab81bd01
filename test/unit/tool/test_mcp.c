/* The MCP client against a scripted server: both eras, every way in which a call can end. */
#include "tool/mcp/cassette.h"
#include "tool/mcp/mcp.h"

#include "os/file.h"
#include "os/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define RESULTS_MAX 64

struct result {
    enum gen_mcp_class class;
    bool is_error, is_capped, breaks_schema, has_structured;
    char *text;
    char *raw;
    int64_t code;
    unsigned generation;
};

struct world {
    struct gen_loop *loop;
    struct gen_mcp *mcp;
    struct gen_mcp_options o;
    const char *argv[4];
    int n_done;
    bool failed;
    struct gen_error failure;
    struct result results[RESULTS_MAX];
    int n_results, n_wanted;
    const char *then; /* another call from inside of the call-back */
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    w->argv[0] = FAKEMCP_PATH;
    w->o = (struct gen_mcp_options){
        .name = "fake",
        .argv = w->argv,
        .times = {.handshake_ms = 5000, .call_ms = 5000, .close_ms = 1000, .grace_ms = 50},
    };
    return gen_loop_new(&w->loop, NULL) == GEN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_mcp_free(w->mcp);
    gen_loop_free(w->loop);
    for (int i = 0; i < w->n_results; i++) {
        free(w->results[i].text);
        free(w->results[i].raw);
    }
    free(w);
    return 0;
}

static void on_done(void *ud, const struct gen_error *failure)
{
    struct world *w = ud;
    w->n_done++;
    w->failed = failure != NULL;
    if (failure)
        w->failure = *failure;
    gen_loop_stop(w->loop);
}

static void on_result(void *ud, const struct gen_mcp_result *r);

static struct gen_mcp_call *call(struct world *w, const char *tool, const char *arguments)
{
    struct gen_mcp_call *c = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_mcp_call(w->mcp, gen_str_from(tool), gen_str_from(arguments), on_result, w, &c, &err))
        fail_msg("%s", err.msg);
    w->n_wanted++;
    return c;
}

static void on_result(void *ud, const struct gen_mcp_result *r)
{
    struct world *w = ud;
    assert_in_range(w->n_results, 0, RESULTS_MAX - 1);
    w->results[w->n_results++] = (struct result){
        .class = r->class,
        .is_error = r->is_error,
        .is_capped = r->is_capped,
        .breaks_schema = r->breaks_schema,
        .has_structured = r->structured != NULL,
        .text = gen_str_dup(r->observation),
        .raw = gen_str_dup(r->raw),
        .code = r->error_code,
        .generation = r->generation,
    };
    assert_int_equal(r->is_error, r->class != GEN_MCP_OK);
    if (w->then) {
        const char *tool = w->then;
        w->then = NULL;
        (void)call(w, tool, "{\"text\":\"then\"}");
    }
    if (w->n_results == w->n_wanted)
        gen_loop_stop(w->loop);
}

static void run(struct world *w)
{
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
}

static void try_open(struct world *w, const char *mode)
{
    struct gen_error err = {.msg = ""};
    w->argv[1] = mode;
    if (gen_mcp_new(&w->mcp, w->loop, &w->o, &err))
        fail_msg("%s", err.msg);
    gen_mcp_open(w->mcp, on_done, w);
    assert_int_equal(w->n_done, 0);
    run(w);
    assert_int_equal(w->n_done, 1);
}

static void open_server(struct world *w, const char *mode)
{
    try_open(w, mode);
    if (w->failed)
        fail_msg("%s", w->failure.msg);
}

static const struct result *ask(struct world *w, const char *tool, const char *arguments)
{
    int before = w->n_results;
    (void)call(w, tool, arguments);
    assert_int_equal(w->n_results, before);
    w->n_wanted = before + 1;
    run(w);
    assert_int_equal(w->n_results, before + 1);
    return &w->results[before];
}

static void assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text ? text : "(nothing)");
}

static void close_server(struct world *w)
{
    int before = w->n_done;
    gen_mcp_close(w->mcp, on_done, w);
    run(w);
    assert_int_equal(w->n_done, before + 1);
    assert_false(w->failed);
    /* Nothing is left that keeps the loop running. */
    run(w);
}

/* ---- opening ---- */

static void a_legacy_server_is_opened_with_initialize(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy");
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_LEGACY);
    assert_true(gen_str_is(gen_mcp_version(w->mcp), "2025-11-25"));
    assert_true(gen_str_is(gen_mcp_server(w->mcp), "fakemcp 1.0"));
    assert_int_equal(gen_json_count(gen_json_get(gen_mcp_tools(w->mcp), "tools")), 22);
    assert_string_equal(ask(w, "count", "{}")->text, "1 calls, 0 canceled, initialized");
    close_server(w);
}

static void a_modern_server_is_opened_with_discover(void **state)
{
    struct world *w = *state;
    open_server(w, "modern");
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_MODERN);
    assert_true(gen_str_is(gen_mcp_server(w->mcp), "fakemcp 2.0"));
    assert_string_equal(ask(w, "count", "{}")->text, "1 calls, 0 canceled");
    close_server(w);
}

static void older_versions_are_spoken(void **state)
{
    struct world *w = *state;
    open_server(w, "old");
    assert_true(gen_str_is(gen_mcp_version(w->mcp), "2024-11-05"));
    assert_int_equal(ask(w, "echo", "{}")->class, GEN_MCP_OK);
}

static void who_says_nothing_to_discover_gets_initialize(void **state)
{
    struct world *w = *state;
    w->o.times.discover_ms = 30;
    open_server(w, "deaf");
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_LEGACY);
    assert_int_equal(ask(w, "echo", "{}")->class, GEN_MCP_OK);
}

static void who_dies_of_discover_is_started_again(void **state)
{
    struct world *w = *state;
    open_server(w, "fragile");
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_LEGACY);
    assert_int_equal(ask(w, "echo", "{}")->class, GEN_MCP_OK);
}

static void who_cannot_be_opened_is_said(void **state)
{
    static const struct {
        const char *mode, *says;
        enum gen_code code;
    } cases[] = {
        {"mute", "the server fake says nothing: it answered neither", GEN_EINPUT},
        {"future", "it offers [\"2031-01-01\"]", GEN_EINPUT},
        {"unknown", "speaks MCP version '1999-01-01'", GEN_EINPUT},
        {"dead", "died (exit status 1): Error: Cannot find module 'express'", GEN_EINPUT},
        {"circle", "lists its tools in a circle", GEN_ELIMIT},
        {"endless", "lists its tools on more than 1000 pages", GEN_ELIMIT},
        {"no-list", "without a list of tools", GEN_EINPUT},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w->n_done = 0;
        w->o.times.discover_ms = w->o.times.handshake_ms =
            strcmp(cases[i].mode, "mute") == 0 ? 20 : 5000;
        try_open(w, cases[i].mode);
        assert_true(w->failed);
        assert_int_equal(w->failure.code, cases[i].code);
        assert_says(w->failure.msg, cases[i].says);
        struct gen_error err = {.msg = ""};
        assert_int_equal(
            gen_mcp_call(w->mcp, GEN_STR("echo"), GEN_STR("{}"), on_result, w, NULL, &err),
            GEN_ESTATE);
        gen_mcp_free(w->mcp);
        w->mcp = NULL;
    }
}

static void a_program_that_is_not_there_is_said(void **state)
{
    struct world *w = *state;
    w->argv[0] = "/nonexistent/server";
    try_open(w, NULL);
    assert_int_equal(w->failure.code, GEN_EINPUT);
    assert_says(w->failure.msg, "there is no program /nonexistent/server");
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    w->n_done = 0;
    w->argv[0] = "no-such-mcp-server";
    try_open(w, NULL);
    assert_says(w->failure.msg, "there is no program no-such-mcp-server in PATH");
}

static void options_without_a_server_are_refused(void **state)
{
    struct world *w = *state;
    struct gen_error err = {.msg = ""};
    w->o.argv = NULL;
    assert_int_equal(gen_mcp_new(&w->mcp, w->loop, &w->o, &err), GEN_EUSAGE);
    w->o.argv = w->argv;
    w->o.url = "http://127.0.0.1/mcp";
    assert_int_equal(gen_mcp_new(&w->mcp, w->loop, &w->o, &err), GEN_EUSAGE);
    assert_says(err.msg, "exactly one of a program, a URL and a recording");
    w->o.url = NULL;
    w->argv[1] = "--dir={sandbox}";
    assert_int_equal(gen_mcp_new(&w->mcp, w->loop, &w->o, &err), GEN_EUSAGE);
    assert_says(err.msg, "names {sandbox}, but it was given none");
}

static void pages_are_put_together(void **state)
{
    struct world *w = *state;
    open_server(w, "pages");
    const struct gen_json *tools = gen_json_get(gen_mcp_tools(w->mcp), "tools");
    assert_int_equal(gen_json_count(tools), 22);
    assert_true(gen_str_is(gen_json_get_str(gen_json_at(tools, 0), "name"), "echo"));
    assert_true(gen_str_is(gen_json_get_str(gen_json_at(tools, 21), "name"), "destroy"));
}

static void too_many_tools_are_said(void **state)
{
    struct world *w = *state;
    w->o.tools_max = 12;
    try_open(w, "pages");
    assert_int_equal(w->failure.code, GEN_ELIMIT);
    assert_says(w->failure.msg, "lists more than 12 tools");
}

static void a_changed_list_disturbs_nothing(void **state)
{
    struct world *w = *state;
    open_server(w, "changed");
    (void)ask(w, "echo", "{}");
    gen_mcp_open(w->mcp, on_done, w);
    run(w);
    assert_int_equal(w->n_done, 2);
    assert_false(w->failed);
    assert_int_equal(gen_mcp_generation(w->mcp), 1);
}

/* ---- calls ---- */

static void answers_are_told_apart(void **state)
{
    static const struct {
        const char *tool, *arguments;
        enum gen_mcp_class class;
        const char *says;
    } cases[] = {
        {"echo", "{\"text\":\"h\\u00e9\"}", GEN_MCP_OK, "h\xc3\xa9"},
        {"fail", "{}", GEN_MCP_TOOL_ERROR, "there is no such file"},
        {"error_text", "{}", GEN_MCP_OK, "Error: No file currently open"},
        {"noise", "{}", GEN_MCP_OK, "calm"},
        {"input", "{}", GEN_MCP_NEEDS_INPUT, "the tool input wants further input"},
        {"odd_type", "{}", GEN_MCP_MALFORMED, "does not know (task)"},
        {"garbage", "{}", GEN_MCP_MALFORMED, "the server fake answered with invalid JSON"},
        {"empty", "{}", GEN_MCP_MALFORMED, "neither a result nor an error"},
        {"asks", "{}", GEN_MCP_OK, "q0:ok q1:-32601 q2:-32601 q3:-32601 "},
        {"blocks", "{}", GEN_MCP_OK, "one\n[image image/png 3 B]\n[resource a file:///a]"},
        {"nothing", "{}", GEN_MCP_REFUSED, "the server fake has no tool nothing"},
        {"write", "{}", GEN_MCP_REFUSED, "does not say that it only reads"},
        {"destroy", "{}", GEN_MCP_REFUSED, "is not allowed by name"},
        {"structured", "{}", GEN_MCP_OK, "{\"sum\":5}"},
        {"echo", "{\"text\":\"again\"}", GEN_MCP_OK, "again"},
    };
    struct world *w = *state;
    open_server(w, "legacy");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct result *r = ask(w, cases[i].tool, cases[i].arguments);
        if (r->class != cases[i].class)
            fail_msg("%s: %s: %s", cases[i].tool, gen_mcp_class_name(r->class), r->text);
        assert_says(r->text, cases[i].says);
    }
    struct gen_mcp_counts counts = gen_mcp_counts(w->mcp);
    assert_int_equal(counts.n_calls, sizeof(cases) / sizeof(cases[0]));
    assert_int_equal(counts.by_class[GEN_MCP_REFUSED], 3);
    assert_int_equal(counts.n_refused, 3);
    assert_int_equal(counts.n_noise, 2);
    assert_int_equal(gen_mcp_generation(w->mcp), 1);
}

static void text_can_be_an_error_by_rule(void **state)
{
    struct world *w = *state;
    assert_int_equal(gen_regex_new(&w->o.error_pattern, GEN_STR("^Error:"), NULL), GEN_OK);
    open_server(w, "legacy");
    assert_int_equal(ask(w, "error_text", "{}")->class, GEN_MCP_TOOL_ERROR);
    assert_int_equal(ask(w, "echo", "{\"text\":\"No Error: here\"}")->class, GEN_MCP_OK);
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    gen_regex_free(w->o.error_pattern);
}

static void structured_content_is_checked(void **state)
{
    struct world *w = *state;
    open_server(w, "modern");
    const struct result *good = ask(w, "structured", "{}");
    assert_true(good->has_structured);
    assert_false(good->breaks_schema);
    assert_true(ask(w, "structured", "{\"bad\":true}")->breaks_schema);
    assert_string_equal(w->results[1].text, "{\n  \"sum\": 5\n}");
    assert_true(ask(w, "structured", "{\"missing\":true}")->breaks_schema);
    assert_int_equal(gen_mcp_counts(w->mcp).n_breaks_schema, 2);
}

static void what_may_write_is_allowed_by_name_or_altogether(void **state)
{
    static const char *const by_name[] = {"write", NULL};
    static const char *const all[] = {"*", NULL};
    struct world *w = *state;
    w->o.allow = by_name;
    w->o.sandbox = true;
    open_server(w, "legacy");
    assert_string_equal(ask(w, "write", "{\"path\":\"a.txt\"}")->text, "wrote a.txt");
    assert_int_equal(ask(w, "destroy", "{\"path\":\"a.txt\"}")->class, GEN_MCP_REFUSED);
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    w->n_done = 0;
    w->o.allow = all;
    open_server(w, "legacy");
    assert_int_equal(ask(w, "destroy", "{\"path\":\"a.txt\"}")->class, GEN_MCP_OK);
    const struct result *r = ask(w, "nothing", "{}");
    assert_int_equal(r->class, GEN_MCP_PROTOCOL_ERROR);
    assert_int_equal(r->code, -32602);
    assert_string_equal(r->text, "Unknown tool");
}

static void many_calls_run_at_once(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy");
    for (int i = 0; i < 50; i++)
        (void)call(w, "echo", "{\"text\":\"x\"}");
    run(w);
    assert_int_equal(w->n_results, 50);
    assert_int_equal(gen_mcp_counts(w->mcp).by_class[GEN_MCP_OK], 50);
}

static void a_call_may_be_made_inside_of_a_result(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy");
    w->then = "echo";
    (void)call(w, "fail", "{}");
    run(w);
    assert_int_equal(w->n_results, 2);
    assert_string_equal(w->results[1].text, "then");
}

static void bad_arguments_are_refused_at_once(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy");
    static const char *const bad[] = {"", "[1]", "{\"a\":", "null"};
    for (size_t i = 0; i < 4; i++) {
        struct gen_error err = {.msg = ""};
        assert_int_equal(
            gen_mcp_call(w->mcp, GEN_STR("echo"), gen_str_from(bad[i]), on_result, w, NULL, &err),
            GEN_EINPUT);
        assert_says(err.msg, "the arguments of echo");
    }
}

/* ---- faults ---- */

static void a_mute_call_times_out_and_its_late_answer_is_ignored(void **state)
{
    struct world *w = *state;
    w->o.times.call_ms = 150;
    open_server(w, "legacy");
    const struct result *r = ask(w, "mute", "{}");
    assert_int_equal(r->class, GEN_MCP_TIMEOUT);
    assert_says(r->text, "the server fake did not answer tools/call mute within");
    assert_string_equal(ask(w, "echo", "{\"text\":\"mine\"}")->text, "mine");
    assert_int_equal(gen_mcp_counts(w->mcp).n_unmatched, 1);
    assert_string_equal(ask(w, "count", "{}")->text, "1 calls, 1 canceled, initialized");
}

static void progress_extends_the_time_up_to_the_hard_limit(void **state)
{
    struct world *w = *state;
    w->o.times.call_ms = 400;
    w->o.times.hard_ms = 5000;
    open_server(w, "legacy");
    assert_string_equal(ask(w, "slow", "{\"steps\":8,\"ms\":60}")->text, "done");
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    w->n_done = 0;
    w->o.times.hard_ms = 100;
    open_server(w, "legacy");
    assert_int_equal(ask(w, "slow", "{\"steps\":8,\"ms\":30}")->class, GEN_MCP_TIMEOUT);
}

static void a_canceled_call_ends_at_once(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy");
    struct gen_mcp_call *early = call(w, "echo", "{}");
    gen_mcp_cancel(early);
    (void)call(w, "count", "{}");
    run(w);
    assert_int_equal(w->results[0].class, GEN_MCP_CANCELED);
    assert_string_equal(w->results[1].text, "1 calls, 0 canceled, initialized");
}

static void doubled_and_wrong_ids_are_ignored(void **state)
{
    struct world *w = *state;
    w->o.times.call_ms = 150;
    open_server(w, "legacy");
    assert_string_equal(ask(w, "doubled", "{}")->text, "first");
    assert_int_equal(ask(w, "wrong_id", "{}")->class, GEN_MCP_TIMEOUT);
    assert_string_equal(ask(w, "echo", "{\"text\":\"ok\"}")->text, "ok");
    assert_int_equal(gen_mcp_counts(w->mcp).n_unmatched, 4);
}

static void who_dies_in_a_call_is_said_and_started_again(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy");
    assert_string_equal(ask(w, "count", "{}")->text, "1 calls, 0 canceled, initialized");
    const struct result *r = ask(w, "die", "{}");
    assert_int_equal(r->class, GEN_MCP_DIED);
    assert_string_equal(r->text, "the server fake died (exit status 3): fatal: out of luck");
    r = ask(w, "count", "{}");
    assert_string_equal(r->text, "1 calls, 0 canceled, initialized");
    assert_int_equal(r->generation, 2);
    assert_int_equal(gen_mcp_counts(w->mcp).n_restarts, 1);
}

static void who_dies_again_and_again_is_given_up(void **state)
{
    struct world *w = *state;
    open_server(w, "modern");
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(w, "die", "{}")->class, GEN_MCP_DIED);
    const struct result *r = ask(w, "echo", "{}");
    assert_int_equal(r->class, GEN_MCP_DIED);
    assert_says(r->text, "has died 3 times in a row");
    assert_int_equal(gen_mcp_generation(w->mcp), 3);
}

static void an_answer_over_the_limit_is_said(void **state)
{
    struct world *w = *state;
    w->o.message_bytes_max = 20000;
    open_server(w, "legacy");
    const struct result *r = ask(w, "huge", "{\"bytes\":3000000}");
    assert_int_equal(r->class, GEN_MCP_TOO_LARGE);
    assert_string_equal(r->text, "a message of the server fake is over 20000 bytes");
    assert_string_equal(ask(w, "echo", "{\"text\":\"ok\"}")->text, "ok");
}

/* With the limits as they are. */
static void a_hundred_megabytes_are_said(void **state)
{
    struct world *w = *state;
    w->o.times.call_ms = 60000;
    w->o.times.hard_ms = 60000;
    open_server(w, "legacy");
    const struct result *r = ask(w, "huge", "{\"bytes\":104857600}");
    assert_int_equal(r->class, GEN_MCP_TOO_LARGE);
    assert_string_equal(ask(w, "echo", "{\"text\":\"ok\"}")->text, "ok");
}

static void long_observations_keep_head_and_tail(void **state)
{
    struct world *w = *state;
    w->o.observation_bytes_max = 1000;
    open_server(w, "legacy");
    const struct result *r = ask(w, "huge", "{\"bytes\":5000}");
    assert_int_equal(r->class, GEN_MCP_OK);
    assert_true(r->is_capped);
    assert_true(strlen(r->text) <= 1000);
    assert_says(r->text, "xxx\n[... 4064 bytes left out ...]\nxxx");
    assert_true(strlen(r->raw) > 5000);
}

/* ---- what a server may see ---- */

static void the_environment_is_a_short_list(void **state)
{
    static const char *const environment[] = {"FAKE_GIVEN", "FAKE_SET={sandbox}/x", NULL};
    struct world *w = *state;
    assert_int_equal(setenv("FAKE_GIVEN", "1", 1), 0);
    assert_int_equal(setenv("OPENAI_API_KEY", "sk-secret", 1), 0);
    w->o.environment = environment;
    w->o.sandbox = true;
    open_server(w, "legacy");
    const struct result *r = ask(w, "where", "{}");
    assert_says(r->text, "cwd=/sandbox argc=legacy");
    assert_says(r->text, " FAKE_GIVEN=1");
    assert_says(r->text, " FAKE_SET=/sandbox/x");
    assert_says(r->text, " PATH");
    assert_null(strstr(r->text, "OPENAI_API_KEY"));
    assert_null(strstr(r->text, "generator-"));
}

static void a_sandbox_is_fresh_after_a_reset(void **state)
{
    static const char *const allow[] = {"write", NULL};
    struct world *w = *state;
    w->o.sandbox = true;
    w->o.allow = allow;
    open_server(w, "legacy");
    assert_string_equal(ask(w, "write", "{\"path\":\"/sandbox/a.txt\"}")->text,
                        "wrote /sandbox/a.txt");
    (void)ask(w, "count", "{}");
    assert_int_equal(gen_mcp_generation(w->mcp), 1);
    gen_mcp_reset(w->mcp, on_done, w);
    run(w);
    assert_int_equal(w->n_done, 2);
    assert_false(w->failed);
    assert_int_equal(gen_mcp_generation(w->mcp), 2);
    assert_string_equal(ask(w, "count", "{}")->text, "1 calls, 0 canceled, initialized");
    close_server(w);
}

static void a_reset_cancels_what_runs(void **state)
{
    struct world *w = *state;
    open_server(w, "modern");
    (void)call(w, "mute", "{}");
    (void)ask(w, "count", "{}");
    gen_mcp_reset(w->mcp, on_done, w);
    while (w->n_done < 2)
        run(w);
    assert_int_equal(w->results[1].class, GEN_MCP_CANCELED);
    assert_string_equal(ask(w, "count", "{}")->text, "1 calls, 0 canceled");
}

static void who_does_not_end_by_itself_is_made_to(void **state)
{
    struct world *w = *state;
    w->o.times.close_ms = 5;
    w->argv[2] = NULL;
    open_server(w, "legacy");
    (void)call(w, "slow", "{\"steps\":1000,\"ms\":1000}");
    gen_mcp_close(w->mcp, on_done, w);
    while (w->n_done < 2)
        run(w);
    assert_int_equal(w->results[0].class, GEN_MCP_CANCELED);
    run(w);
}

/* ---- record and replay ---- */

static void record(struct world *w, const char *path)
{
    static const char *const allow[] = {"write", NULL};
    w->o.allow = allow;
    w->o.sandbox = true;
    assert_int_equal(gen_cassette_record(&w->o.record, path, NULL), GEN_OK);
    open_server(w, "legacy");
    (void)ask(w, "count", "{}");
    (void)ask(w, "count", "{}");
    (void)ask(w, "fail", "{\"b\":1,\"a\":{\"y\":2,\"x\":[3]}}");
    (void)ask(w, "structured", "{\"bad\":true}");
    (void)ask(w, "garbage", "{}");
    (void)ask(w, "die", "{}");
    (void)ask(w, "write", "{\"path\":\"/sandbox/f\"}");
    gen_mcp_next_example(w->mcp);
    (void)ask(w, "echo", "{\"text\":\"other\"}");
    (void)ask(w, "count", "{}"); /* as the first one, but after another call: 2 */
    assert_int_equal(gen_cassette_save(w->o.record, NULL), GEN_OK);
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    gen_cassette_free(w->o.record);
    w->o.record = NULL;
}

static void compare(const struct result *a, const struct result *b)
{
    assert_int_equal(a->class, b->class);
    assert_string_equal(a->text, b->text);
    assert_string_equal(a->raw, b->raw);
    assert_int_equal(a->breaks_schema, b->breaks_schema);
}

static void a_recording_answers_as_the_server_did(void **state)
{
    struct world *w = *state;
    struct gen_scratch folder;
    struct gen_buf path = gen_buf_make(1000);
    assert_int_equal(gen_scratch_make(&folder, NULL), GEN_OK);
    assert_int_equal(gen_buf_printf(&path, NULL, "%s/calls.jsonl", folder.path), GEN_OK);
    record(w, path.data);
    assert_string_equal(w->results[8].text, "1 calls, 0 canceled, initialized");
    w->o.argv = NULL;
    w->o.sandbox = false;
    w->n_done = 0;
    struct gen_error err = {.msg = ""};
    if (gen_cassette_load(&w->o.replay, path.data, &err))
        fail_msg("%s", err.msg);
    open_server(w, NULL);
    assert_int_equal(gen_json_count(gen_json_get(gen_mcp_tools(w->mcp), "tools")), 22);
    compare(ask(w, "count", " { } "), &w->results[0]);
    compare(ask(w, "count", "{}"), &w->results[1]);
    compare(ask(w, "fail", "{\"a\":{\"x\":[3],\"y\":2},\"b\":1}"), &w->results[2]);
    compare(ask(w, "structured", "{\"bad\":true}"), &w->results[3]);
    compare(ask(w, "garbage", "{}"), &w->results[4]);
    compare(ask(w, "die", "{}"), &w->results[5]);
    compare(ask(w, "write", "{\"path\":\"/sandbox/f\"}"), &w->results[6]);
    const struct result *r = ask(w, "count", "{}");
    assert_int_equal(r->class, GEN_MCP_NOT_RECORDED);
    assert_says(r->text, "holds no call of count on the server fake with these arguments "
                         "(number 3 of its kind in the example)");
    gen_mcp_next_example(w->mcp);
    compare(ask(w, "echo", "{\"text\":\"other\"}"), &w->results[7]);
    compare(ask(w, "count", "{}"), &w->results[8]);
    close_server(w);
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    gen_cassette_free(w->o.replay);
    gen_scratch_release(&folder);
    gen_buf_release(&path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_legacy_server_is_opened_with_initialize),
        TEST(a_modern_server_is_opened_with_discover),
        TEST(older_versions_are_spoken),
        TEST(who_says_nothing_to_discover_gets_initialize),
        TEST(who_dies_of_discover_is_started_again),
        TEST(who_cannot_be_opened_is_said),
        TEST(a_program_that_is_not_there_is_said),
        TEST(options_without_a_server_are_refused),
        TEST(pages_are_put_together),
        TEST(too_many_tools_are_said),
        TEST(a_changed_list_disturbs_nothing),
        TEST(answers_are_told_apart),
        TEST(text_can_be_an_error_by_rule),
        TEST(structured_content_is_checked),
        TEST(what_may_write_is_allowed_by_name_or_altogether),
        TEST(many_calls_run_at_once),
        TEST(a_call_may_be_made_inside_of_a_result),
        TEST(bad_arguments_are_refused_at_once),
        TEST(a_mute_call_times_out_and_its_late_answer_is_ignored),
        TEST(progress_extends_the_time_up_to_the_hard_limit),
        TEST(a_canceled_call_ends_at_once),
        TEST(doubled_and_wrong_ids_are_ignored),
        TEST(who_dies_in_a_call_is_said_and_started_again),
        TEST(who_dies_again_and_again_is_given_up),
        TEST(an_answer_over_the_limit_is_said),
        TEST(a_hundred_megabytes_are_said),
        TEST(long_observations_keep_head_and_tail),
        TEST(the_environment_is_a_short_list),
        TEST(a_sandbox_is_fresh_after_a_reset),
        TEST(a_reset_cancels_what_runs),
        TEST(who_does_not_end_by_itself_is_made_to),
        TEST(a_recording_answers_as_the_server_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
