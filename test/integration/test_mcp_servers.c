/* The MCP client against real servers: the official ones from npm, and one of revision 2026-07-28
 * on the official SDK (mcp_modern.mjs). Skipped where they are not installed (npm ci in test/). */
#include "tool/mcp/cassette.h"
#include "tool/mcp/mcp.h"
#include "tool/parse.h"

#include "os/child.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SERVERS NODE_MODULES "/@modelcontextprotocol"

static const char *const allow_all[] = {"*", NULL};

struct world {
    struct gen_loop *loop;
    struct gen_http *http;
    struct gen_mcp *mcp;
    struct gen_child *child; /* of a server behind HTTP */
    struct gen_mcp_options o;
    char line[200], url[100];
    int n_done, n_results;
    bool failed;
    struct gen_error failure;
    enum gen_mcp_class class;
    bool breaks_schema, has_structured;
    char *text;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w || gen_loop_new(&w->loop, NULL) ||
        gen_http_new(&w->http, w->loop, &(struct gen_http_options){0}, NULL))
        return -1;
    w->o = (struct gen_mcp_options){.name = "real", .sandbox = true};
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_http_free(w->http);
    gen_mcp_free(w->mcp);
    gen_child_free(w->child);
    gen_loop_free(w->loop);
    free(w->text);
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

static void on_result(void *ud, const struct gen_mcp_result *r)
{
    struct world *w = ud;
    w->n_results++;
    w->class = r->class;
    w->breaks_schema = r->breaks_schema;
    w->has_structured = r->structured != NULL;
    free(w->text);
    w->text = gen_str_dup(r->observation);
    gen_loop_stop(w->loop);
}

static void wait_for(struct world *w, const int *n, int wanted)
{
    while (*n < wanted)
        assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
}

static bool try_open(struct world *w)
{
    struct gen_error err = {.msg = ""};
    if (!w->mcp && gen_mcp_new(&w->mcp, w->loop, &w->o, &err))
        fail_msg("%s", err.msg);
    gen_mcp_open(w->mcp, on_done, w);
    wait_for(w, &w->n_done, w->n_done + 1);
    return !w->failed;
}

static void open_server(struct world *w)
{
    if (!try_open(w))
        fail_msg("%s", w->failure.msg);
}

static const char *ask(struct world *w, const char *tool, const char *arguments)
{
    struct gen_error err = {.msg = ""};
    if (gen_mcp_call(w->mcp, gen_str_from(tool), gen_str_from(arguments), on_result, w, NULL, &err))
        fail_msg("%s", err.msg);
    wait_for(w, &w->n_results, w->n_results + 1);
    return w->text;
}

static void close_server(struct world *w)
{
    gen_mcp_close(w->mcp, on_done, w);
    wait_for(w, &w->n_done, w->n_done + 1);
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static size_t n_tools(const struct world *w)
{
    return gen_json_count(gen_json_get(gen_mcp_tools(w->mcp), "tools"));
}

static int on_finding(void *ud, const struct gen_tool_finding *finding, struct gen_error *err)
{
    (void)ud;
    (void)err;
    if (finding->is_error)
        fail_msg("%.*s: %s", GEN_STR_ARG(finding->tool), finding->why);
    return GEN_OK;
}

/* tool-parse reads what the client has listed. */
static void assert_parsed(const struct world *w, size_t wanted)
{
    struct gen_buf out = gen_buf_make((size_t)16 << 20);
    struct gen_tools_parsed parsed;
    struct gen_error err = {.msg = ""};
    if (gen_tools_parse(gen_mcp_tools(w->mcp), "real", &out, &parsed, on_finding, NULL, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(parsed.shape, GEN_TOOLS_MCP);
    assert_int_equal(parsed.n_tools, wanted);
    gen_buf_release(&out);
}

static void the_filesystem_server_works_in_the_sandbox(void **state)
{
    static const char *const argv[] = {NODE, SERVERS "/server-filesystem/dist/index.js",
                                       "{sandbox}", NULL};
    static const char *const allow[] = {"write_file", NULL};
    struct world *w = *state;
    w->o.argv = argv;
    w->o.allow = allow;
    open_server(w);
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_LEGACY);
    assert_true(gen_str_is(gen_mcp_version(w->mcp), "2025-11-25"));
    assert_int_equal(n_tools(w), 14);
    assert_parsed(w, 14);
    assert_string_equal(ask(w, "list_allowed_directories", "{}"), "Allowed directories:\n/sandbox");
    (void)ask(w, "write_file", "{\"path\":\"/sandbox/a.txt\",\"content\":\"hello\\nworld\"}");
    assert_int_equal(w->class, GEN_MCP_OK);
    assert_string_equal(ask(w, "read_text_file", "{\"path\":\"/sandbox/a.txt\"}"), "hello\nworld");
    assert_true(w->has_structured);
    assert_false(w->breaks_schema);
    assert_says(ask(w, "read_text_file", "{\"path\":\"/etc/passwd\"}"), "Access denied");
    assert_int_equal(w->class, GEN_MCP_TOOL_ERROR);
    (void)ask(w, "edit_file", "{\"path\":\"/sandbox/a.txt\",\"edits\":[]}");
    assert_int_equal(w->class, GEN_MCP_REFUSED);
    assert_says(ask(w, "read_text_file", "{\"wrong\":1}"), "-32602");
    assert_int_equal(w->class, GEN_MCP_TOOL_ERROR);
    gen_mcp_reset(w->mcp, on_done, w);
    wait_for(w, &w->n_done, w->n_done + 1);
    assert_false(w->failed);
    assert_says(ask(w, "read_text_file", "{\"path\":\"/sandbox/a.txt\"}"), "ENOENT");
    close_server(w);
}

static void check_everything(struct world *w)
{
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_LEGACY);
    assert_int_equal(n_tools(w), 13);
    assert_parsed(w, 13);
    assert_string_equal(ask(w, "echo", "{\"message\":\"h\xc3\xa9\"}"), "Echo: h\xc3\xa9");
    assert_says(ask(w, "get-sum", "{\"a\":2,\"b\":3}"), "5");
    assert_says(ask(w, "get-tiny-image", "{}"), "[image image/png ");
    assert_null(strstr(w->text, "iVBOR"));
    (void)ask(w, "get-structured-content", "{\"location\":\"Chicago\"}");
    assert_true(w->has_structured);
    assert_false(w->breaks_schema);
    assert_int_equal(w->text[0], '{');
    assert_says(ask(w, "trigger-long-running-operation", "{\"duration\":0.2,\"steps\":4}"),
                "completed");
    assert_says(ask(w, "get-resource-links", "{\"count\":2}"), "[resource ");
    (void)ask(w, "no-such-tool", "{}");
    assert_true(w->class == GEN_MCP_TOOL_ERROR || w->class == GEN_MCP_PROTOCOL_ERROR);
    (void)ask(w, "get-sum", "{\"a\":\"x\"}");
    assert_int_equal(w->class, GEN_MCP_TOOL_ERROR);
}

static void the_everything_server_answers(void **state)
{
    static const char *const argv[] = {NODE, SERVERS "/server-everything/dist/index.js", "stdio",
                                       NULL};
    struct world *w = *state;
    w->o.argv = argv;
    w->o.allow = allow_all;
    open_server(w);
    check_everything(w);
    close_server(w);
}

static void a_time_limit_is_extended_by_real_progress(void **state)
{
    static const char *const argv[] = {NODE, SERVERS "/server-everything/dist/index.js", "stdio",
                                       NULL};
    struct world *w = *state;
    w->o.argv = argv;
    w->o.allow = allow_all;
    w->o.times.call_ms = 500;
    open_server(w);
    assert_says(ask(w, "trigger-long-running-operation", "{\"duration\":1,\"steps\":10}"),
                "completed");
    (void)ask(w, "trigger-long-running-operation", "{\"duration\":2,\"steps\":1}");
    assert_int_equal(w->class, GEN_MCP_TIMEOUT);
    close_server(w);
}

static void the_memory_server_keeps_state_and_is_replayed(void **state)
{
    static const char *const argv[] = {NODE, SERVERS "/server-memory/dist/index.js", NULL};
    static const char *const environment[] = {"MEMORY_FILE_PATH={sandbox}/memory.json", NULL};
    static const char create[] = "{\"entities\":[{\"name\":\"HDF5\",\"entityType\":\"format\","
                                 "\"observations\":[\"stores arrays\"]}]}";
    char path[] = "/tmp/gen-mcp-XXXXXX";
    struct world *w = *state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    w->o.argv = argv;
    w->o.environment = environment;
    w->o.allow = allow_all;
    assert_int_equal(gen_cassette_record(&w->o.record, path, NULL), GEN_OK);
    open_server(w);
    assert_int_equal(n_tools(w), 9);
    (void)ask(w, "read_graph", "{}");
    char *empty = strdup(w->text);
    (void)ask(w, "create_entities", create);
    assert_int_equal(w->class, GEN_MCP_OK);
    assert_false(w->breaks_schema);
    assert_says(ask(w, "read_graph", "{}"), "stores arrays");
    char *full = strdup(w->text);
    gen_mcp_reset(w->mcp, on_done, w);
    wait_for(w, &w->n_done, w->n_done + 1);
    assert_string_equal(ask(w, "read_graph", "{}"), empty);
    close_server(w);
    assert_int_equal(gen_cassette_save(w->o.record, NULL), GEN_OK);
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    gen_cassette_free(w->o.record);

    w->o = (struct gen_mcp_options){.name = "real", .allow = allow_all};
    assert_int_equal(gen_cassette_load(&w->o.replay, path, NULL), GEN_OK);
    open_server(w);
    assert_int_equal(n_tools(w), 9);
    assert_string_equal(ask(w, "read_graph", "{}"), empty);
    (void)ask(w, "create_entities", create);
    assert_string_equal(ask(w, "read_graph", "{}"), full);
    (void)ask(w, "search_nodes", "{\"query\":\"x\"}");
    assert_int_equal(w->class, GEN_MCP_NOT_RECORDED);
    gen_mcp_free(w->mcp);
    w->mcp = NULL;
    gen_cassette_free(w->o.replay);
    free(empty);
    free(full);
    (void)unlink(path);
}

static void check_modern(struct world *w)
{
    assert_int_equal(gen_mcp_era(w->mcp), GEN_MCP_MODERN);
    assert_int_equal(n_tools(w), 3);
    assert_parsed(w, 3);
    assert_string_equal(ask(w, "add", "{\"a\":2,\"b\":40}"), "{\"sum\":42}");
    assert_false(w->breaks_schema);
    assert_says(ask(w, "fail", "{}"), "it is broken");
    assert_int_equal(w->class, GEN_MCP_TOOL_ERROR);
    (void)ask(w, "add", "{\"a\":\"x\"}");
    assert_int_equal(w->class, GEN_MCP_TOOL_ERROR);
    (void)ask(w, "write", "{}");
    assert_int_equal(w->class, w->o.allow ? GEN_MCP_OK : GEN_MCP_REFUSED);
    if (w->o.allow) {
        (void)ask(w, "no-such-tool", "{}");
        assert_int_equal(w->class, GEN_MCP_PROTOCOL_ERROR);
    }
}

static void a_modern_server_of_the_official_sdk_answers(void **state)
{
    static const char *const argv[] = {NODE, MODERN_PATH, NULL};
    struct world *w = *state;
    w->o.argv = argv;
    open_server(w);
    assert_true(gen_str_is(gen_mcp_server(w->mcp), "modern 1.0.0"));
    check_modern(w);
    close_server(w);
}

/* ---- behind HTTP ---- */

static void on_line(void *ud, struct gen_str line, bool is_cut)
{
    struct world *w = ud;
    (void)is_cut;
    (void)snprintf(w->line, sizeof(w->line), "%.*s", GEN_STR_ARG(line));
    gen_loop_stop(w->loop);
}

static void on_end(void *ud, const struct gen_child_end *end)
{
    struct world *w = ud;
    (void)end;
    w->child = NULL;
    gen_loop_stop(w->loop);
}

static void start_child(struct world *w, const struct gen_child_options *options)
{
    struct gen_error err = {.msg = ""};
    if (gen_child_start(&w->child, w->loop, options, on_line, on_end, w, &err))
        fail_msg("%s", err.msg);
}

static void a_modern_server_answers_over_http(void **state)
{
    static const char *const argv[] = {NODE, MODERN_PATH, "http", NULL};
    struct world *w = *state;
    start_child(w, &(struct gen_child_options){.argv = argv});
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_non_null(strchr(w->line, ':'));
    (void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1%s/mcp", strchr(w->line, ':'));
    w->o.url = w->url;
    w->o.http = w->http;
    w->o.allow = allow_all;
    open_server(w);
    check_modern(w);
    close_server(w);
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

static void the_everything_server_answers_over_http(void **state)
{
    static const char *const argv[] = {NODE,
                                       "--require",
                                       GLOBALS_PATH,
                                       SERVERS "/server-everything/dist/index.js",
                                       "streamableHttp",
                                       NULL};
    const struct timespec pause = {.tv_nsec = 50000000};
    struct world *w = *state;
    char port[32];
    int number = free_port();
    (void)snprintf(port, sizeof(port), "PORT=%d", number);
    const char *const environment[] = {port, NULL};
    start_child(w, &(struct gen_child_options){.argv = argv, .environment = environment});
    (void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d/mcp", number);
    w->o.url = w->url;
    w->o.http = w->http;
    w->o.allow = allow_all;
    bool is_open = false;
    for (int i = 0; i < 200 && !is_open; i++) {
        is_open = try_open(w);
        if (!is_open)
            (void)nanosleep(&pause, NULL);
    }
    if (!is_open)
        fail_msg("%s", w->failure.msg);
    check_everything(w);
    gen_mcp_reset(w->mcp, on_done, w);
    wait_for(w, &w->n_done, w->n_done + 1);
    assert_false(w->failed);
    assert_string_equal(ask(w, "echo", "{\"message\":\"again\"}"), "Echo: again");
    close_server(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_filesystem_server_works_in_the_sandbox),
        TEST(the_everything_server_answers),
        TEST(a_time_limit_is_extended_by_real_progress),
        TEST(the_memory_server_keeps_state_and_is_replayed),
        TEST(a_modern_server_of_the_official_sdk_answers),
        TEST(a_modern_server_answers_over_http),
        TEST(the_everything_server_answers_over_http),
    };
    if (gen_file_kind(SERVERS "/server-everything") != GEN_FILE_DIRECTORY) {
        (void)fprintf(stderr,
                      "skipped: the MCP servers are not installed in %s (npm ci in test/)\n",
                      NODE_MODULES);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
