/* The MCP client over streamable HTTP, against a scripted server of both eras. */
#include "tool/mcp/mcp.h"

#include "os/child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct gen_loop *loop;
    struct gen_http *http;
    struct gen_child *server;
    struct gen_mcp *mcp;
    struct gen_mcp_options o;
    char origin[64], url[128];
    char said[200]; /* the server's last line */
    int n_done, n_results;
    bool failed;
    struct gen_error failure;
    enum gen_mcp_class class;
    int64_t code;
    unsigned generation;
    char *text;
};

static void on_line(void *ud, struct gen_str line, bool is_cut)
{
    struct world *w = ud;
    (void)is_cut;
    (void)snprintf(w->said, sizeof(w->said), "%.*s", GEN_STR_ARG(line));
    size_t colon = gen_str_find(line, GEN_STR(":"), 0);
    if (gen_str_starts(line, GEN_STR("listening"))) {
        (void)snprintf(w->origin, sizeof(w->origin), "http://127.0.0.1%.*s",
                       GEN_STR_ARG(gen_str_sub(line, colon, line.n)));
        gen_loop_stop(w->loop);
    }
}

static void on_end(void *ud, const struct gen_child_end *end)
{
    struct world *w = ud;
    (void)end;
    w->server = NULL;
    gen_loop_stop(w->loop);
}

static void run(struct world *w)
{
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w || gen_loop_new(&w->loop, NULL) ||
        gen_http_new(&w->http, w->loop, &(struct gen_http_options){0}, NULL))
        return -1;
    w->o = (struct gen_mcp_options){
        .name = "fake",
        .url = w->url,
        .http = w->http,
        .times = {.handshake_ms = 5000, .call_ms = 5000, .close_ms = 500, .grace_ms = 50},
    };
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_http_free(w->http);
    gen_mcp_free(w->mcp);
    gen_child_free(w->server);
    gen_loop_free(w->loop);
    free(w->text);
    free(w);
    return 0;
}

static void start_server(struct world *w, const char *mode)
{
    const char *const argv[] = {FAKEMCP_PATH, mode, "http", NULL};
    const struct gen_child_options options = {.argv = argv};
    assert_int_equal(gen_child_start(&w->server, w->loop, &options, on_line, on_end, w, NULL),
                     GEN_OK);
    run(w);
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

static void on_result(void *ud, const struct gen_mcp_result *r)
{
    struct world *w = ud;
    w->n_results++;
    w->class = r->class;
    w->code = r->error_code;
    w->generation = r->generation;
    free(w->text);
    w->text = gen_str_dup(r->observation);
    gen_loop_stop(w->loop);
}

static void try_open(struct world *w, const char *path)
{
    struct gen_error err = {.msg = ""};
    (void)snprintf(w->url, sizeof(w->url), "%s%s", w->origin, path);
    if (gen_mcp_new(&w->mcp, w->loop, &w->o, &err))
        fail_msg("%s", err.msg);
    gen_mcp_open(w->mcp, on_done, w);
    run(w);
    assert_int_equal(w->n_done, 1);
}

static void open_server(struct world *w, const char *mode, const char *path)
{
    start_server(w, mode);
    try_open(w, path);
    if (w->failed)
        fail_msg("%s", w->failure.msg);
}

static const char *ask(struct world *w, const char *tool, const char *arguments)
{
    struct gen_error err = {.msg = ""};
    int before = w->n_results;
    if (gen_mcp_call(w->mcp, gen_str_from(tool), gen_str_from(arguments), on_result, w, NULL, &err))
        fail_msg("%s", err.msg);
    run(w);
    assert_int_equal(w->n_results, before + 1);
    return w->text;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void close_client(struct world *w)
{
    gen_mcp_close(w->mcp, on_done, w);
    while (w->n_done < 2)
        run(w);
    gen_child_close(w->server);
    while (w->server)
        run(w);
}

static void both_eras_answer_in_both_forms(void **state)
{
    static const struct {
        const char *mode, *path;
        enum gen_mcp_era era;
    } cases[] = {
        {"legacy", "/json", GEN_MCP_LEGACY},
        {"legacy", "/sse", GEN_MCP_LEGACY},
        {"modern", "/json", GEN_MCP_MODERN},
        {"modern", "/sse", GEN_MCP_MODERN},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w->n_done = 0;
        open_server(w, cases[i].mode, cases[i].path);
        assert_int_equal(gen_mcp_era(w->mcp), cases[i].era);
        assert_int_equal(gen_json_count(gen_json_get(gen_mcp_tools(w->mcp), "tools")), 22);
        assert_string_equal(ask(w, "echo", "{\"text\":\"over http\"}"), "over http");
        assert_int_equal(w->class, GEN_MCP_OK);
        assert_string_equal(ask(w, "fail", "{}"), "there is no such file");
        assert_int_equal(w->class, GEN_MCP_TOOL_ERROR);
        close_client(w);
        if (cases[i].era == GEN_MCP_LEGACY)
            assert_string_equal(w->said, "deleted the session");
        else
            assert_says(w->said, "listening");
        gen_mcp_free(w->mcp);
        w->mcp = NULL;
    }
}

static void progress_and_noise_come_before_the_answer(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy", "/sse");
    assert_string_equal(ask(w, "slow", "{\"steps\":3,\"ms\":1}"), "done");
    assert_string_equal(ask(w, "doubled", "{}"), "first");
    assert_int_equal(gen_mcp_counts(w->mcp).n_unmatched, 1);
}

static void a_lost_session_is_begun_anew_and_the_call_sent_again(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy", "/json");
    (void)ask(w, "count", "{}");
    assert_int_equal(w->generation, 1);
    (void)ask(w, "die", "{}"); /* the server forgets its sessions */
    assert_int_equal(w->class, GEN_MCP_TRANSPORT);
    assert_string_equal(ask(w, "count", "{}"), "2 calls, 0 canceled, initialized");
    assert_int_equal(w->class, GEN_MCP_OK);
    assert_int_equal(w->generation, 2);
    assert_int_equal(gen_mcp_counts(w->mcp).n_restarts, 1);
}

static void a_reset_begins_a_new_session(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy", "/json");
    gen_mcp_reset(w->mcp, on_done, w);
    while (w->n_done < 2)
        run(w);
    assert_false(w->failed);
    assert_string_equal(w->said, "deleted the session");
    (void)ask(w, "echo", "{}");
    assert_int_equal(w->generation, 2);
}

static void who_cannot_be_reached_is_said(void **state)
{
    static const struct {
        const char *path, *says;
    } cases[] = {
        {"/plain", "answered with HTTP 500: the database is down"},
        {"/denied", "wants an authorisation that was not given (HTTP 401)"},
        {"/moved", "answered with HTTP 404"},
        {"/cut", "ended its answer before it was whole"},
    };
    struct world *w = *state;
    start_server(w, "legacy");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w->n_done = 0;
        try_open(w, cases[i].path);
        assert_true(w->failed);
        assert_int_equal(w->failure.code, GEN_EINPUT);
        assert_says(w->failure.msg, cases[i].says);
        gen_mcp_close(w->mcp, on_done, w);
        while (w->n_done < 2)
            run(w);
        gen_mcp_free(w->mcp);
        w->mcp = NULL;
    }
    (void)snprintf(w->origin, sizeof(w->origin), "http://127.0.0.1:1");
    w->n_done = 0;
    try_open(w, "/json");
    assert_says(w->failure.msg, "the server fake at http://127.0.0.1:1/json was not reached");
}

static void a_mute_call_times_out(void **state)
{
    struct world *w = *state;
    w->o.times.call_ms = 50;
    open_server(w, "modern", "/json");
    (void)ask(w, "slow", "{\"steps\":1,\"ms\":150}");
    assert_int_equal(w->class, GEN_MCP_TIMEOUT);
}

static void what_needs_a_server_and_has_no_client_is_said(void **state)
{
    struct world *w = *state;
    w->o.http = NULL;
    (void)snprintf(w->origin, sizeof(w->origin), "http://127.0.0.1:1");
    try_open(w, "/json");
    assert_int_equal(w->failure.code, GEN_EUSAGE);
}

static void it_may_be_freed_with_requests_in_flight(void **state)
{
    struct world *w = *state;
    open_server(w, "legacy", "/sse");
    assert_int_equal(gen_mcp_call(w->mcp, GEN_STR("slow"), GEN_STR("{}"), on_result, w, NULL, NULL),
                     GEN_OK);
    gen_mcp_open(w->mcp, on_done, w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_eras_answer_in_both_forms),
        TEST(progress_and_noise_come_before_the_answer),
        TEST(a_lost_session_is_begun_anew_and_the_call_sent_again),
        TEST(a_reset_begins_a_new_session),
        TEST(who_cannot_be_reached_is_said),
        TEST(a_mute_call_times_out),
        TEST(what_needs_a_server_and_has_no_client_is_said),
        TEST(it_may_be_freed_with_requests_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
