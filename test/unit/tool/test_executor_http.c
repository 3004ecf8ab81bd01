/* Operations of an OpenAPI definition: how requests are written, and what comes back from a real
 * service on loopback (test/support/fakeapi.c). */
#include "os/child.h"
#include "os/scratch.h"
#include "tool/execute/executor.h"
#include "tool/execute/operation.h"
#include "tool/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE "http://127.0.0.1:1/v1"

static const char definition[] =
    "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"t\",\"version\":\"1\"},\"servers\":[{\"url\":"
    "\"http://elsewhere.invalid/other\"}],\"paths\":{"
    "\"/items/{id}\":{\"get\":{\"operationId\":\"item\",\"description\":\"d\",\"parameters\":["
    "{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"tags\",\"in\":\"query\",\"schema\":{\"type\":\"array\"}},"
    "{\"name\":\"ids\",\"in\":\"query\",\"explode\":false,\"schema\":{\"type\":\"array\"}},"
    "{\"name\":\"bars\",\"in\":\"query\",\"style\":\"pipeDelimited\",\"explode\":false,\"schema\":"
    "{\"type\":\"array\"}},"
    "{\"name\":\"f\",\"in\":\"query\",\"style\":\"deepObject\",\"schema\":{\"type\":\"object\"}},"
    "{\"name\":\"o\",\"in\":\"query\",\"schema\":{\"type\":\"object\"}},"
    "{\"name\":\"j\",\"in\":\"query\",\"content\":{\"application/json\":{\"schema\":{\"type\":"
    "\"object\"}}}},"
    "{\"name\":\"X-Trace\",\"in\":\"header\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"Host\",\"in\":\"header\",\"schema\":{\"type\":\"string\"}},"
    "{\"name\":\"c\",\"in\":\"cookie\",\"schema\":{\"type\":\"string\"}}]},"
    "\"post\":{\"operationId\":\"put_item\",\"description\":\"d\",\"parameters\":[{\"name\":\"id\","
    "\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}],\"requestBody\":{"
    "\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{\"id\":{"
    "\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}}}}},"
    "\"delete\":{\"operationId\":\"drop\",\"description\":\"d\",\"parameters\":[{\"name\":\"id\","
    "\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}]}},"
    "\"/m{p}/x\":{\"get\":{\"operationId\":\"matrix\",\"description\":\"d\",\"parameters\":[{"
    "\"name\":\"p\",\"in\":\"path\",\"style\":\"matrix\",\"explode\":true,\"required\":true,"
    "\"schema\":{\"type\":\"array\"}}]}},"
    "\"/l{p}\":{\"get\":{\"operationId\":\"label\",\"description\":\"d\",\"parameters\":[{"
    "\"name\":\"p\",\"in\":\"path\",\"style\":\"label\",\"required\":true,\"schema\":{\"type\":"
    "\"object\"}}]}},"
    "\"/form\":{\"post\":{\"operationId\":\"form\",\"description\":\"d\",\"requestBody\":{"
    "\"content\":{\"application/x-www-form-urlencoded\":{\"schema\":{\"type\":\"object\","
    "\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"array\"}}}}}}}},"
    "\"/parts\":{\"post\":{\"operationId\":\"parts\",\"description\":\"d\",\"requestBody\":{"
    "\"content\":{\"multipart/form-data\":{\"schema\":{\"type\":\"object\",\"properties\":{"
    "\"a\":{\"type\":\"string\"}}}}}}}},"
    "\"/list\":{\"post\":{\"operationId\":\"list\",\"description\":\"d\",\"requestBody\":{"
    "\"content\":{\"application/json\":{\"schema\":{\"type\":\"array\"}}}}}},"
    "\"/../admin\":{\"get\":{\"operationId\":\"upward\",\"description\":\"d\"}},"
    "\"@evil.invalid/\":{\"get\":{\"operationId\":\"at\",\"description\":\"d\"}},"
    "\"/put\":{\"put\":{\"operationId\":\"replace\",\"description\":\"d\",\"requestBody\":{"
    "\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{"
    "\"type\":\"integer\"}}}}}}},\"head\":{\"operationId\":\"look\",\"description\":\"d\"}},"
    "\"/missing\":{\"get\":{\"operationId\":\"missing\",\"description\":\"d\"}},"
    "\"/broken\":{\"get\":{\"operationId\":\"broken\",\"description\":\"d\"}},"
    "\"/empty\":{\"get\":{\"operationId\":\"empty\",\"description\":\"d\"}},"
    "\"/slow\":{\"get\":{\"operationId\":\"slow\",\"description\":\"d\"}},"
    "\"/redirect\":{\"get\":{\"operationId\":\"redirect\",\"description\":\"d\"}},"
    "\"/secrets\":{\"get\":{\"operationId\":\"secrets\",\"description\":\"d\"}},"
    "\"/image\":{\"get\":{\"operationId\":\"image\",\"description\":\"d\"}},"
    "\"/bad-utf8\":{\"get\":{\"operationId\":\"bad\",\"description\":\"d\"}},"
    "\"/cut\":{\"get\":{\"operationId\":\"cut\",\"description\":\"d\"}},"
    "\"/huge/{n}\":{\"get\":{\"operationId\":\"huge\",\"description\":\"d\",\"parameters\":[{"
    "\"name\":\"n\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"integer\"}}]}}}}";

static struct gen_toolset *make_tools(void)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf own = gen_buf_make((size_t)1 << 20);
    struct gen_tools_parsed parsed;
    struct gen_toolset *tools = NULL;
    struct gen_error err = {.msg = ""};
    int rc = gen_json_parse(&doc, gen_str_from(definition), &err);
    if (rc == GEN_OK)
        rc = gen_tools_parse(gen_json_root(doc), "t", &own, &parsed, NULL, NULL, &err);
    if (rc == GEN_OK)
        rc = gen_toolset_new(&tools, gen_buf_str(&own), &err);
    if (rc)
        fail_msg("%s", err.msg);
    gen_json_doc_free(doc);
    gen_buf_release(&own);
    return tools;
}

static void assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text ? text : "(nothing)");
}

/* ---- requests ---- */

static const char *header_of(const struct gen_operation *op, const char *name)
{
    for (size_t i = 0; i < op->n_headers; i++) {
        if (strncmp(op->headers[i], name, strlen(name)) == 0)
            return op->headers[i];
    }
    return NULL;
}

static void requests_are_written(void **state)
{
    static const struct {
        const char *tool, *arguments, *url, *header, *body;
    } cases[] = {
        {"item", "{\"id\":\"a b/c\\u00e9?#\"}", "/items/a%20b%2Fc%C3%A9%3F%23", NULL, NULL},
        {"item", "{\"id\":\"..x\"}", "/items/..x", NULL, NULL},
        {"item", "{\"id\":\"1\",\"tags\":[\"a\",\"b&c\"]}", "/items/1?tags=a&tags=b%26c", NULL,
         NULL},
        {"item", "{\"id\":\"1\",\"ids\":[1,2]}", "/items/1?ids=1,2", NULL, NULL},
        {"item", "{\"id\":\"1\",\"bars\":[1,2]}", "/items/1?bars=1%7C2", NULL, NULL},
        {"item", "{\"id\":\"1\",\"tags\":[],\"ids\":[]}", "/items/1", NULL, NULL},
        {"item", "{\"id\":\"1\",\"f\":{\"a\":1,\"b\":true}}", "/items/1?f%5Ba%5D=1&f%5Bb%5D=true",
         NULL, NULL},
        {"item", "{\"id\":\"1\",\"o\":{\"a\":1,\"b\":null}}", "/items/1?a=1&b=null", NULL, NULL},
        {"item", "{\"id\":\"1\",\"j\":{\"a\":1}}", "/items/1?j=%7B%22a%22%3A1%7D", NULL, NULL},
        {"item", "{\"id\":\"1\",\"tags\":null,\"unknown\":1}", "/items/1", NULL, NULL},
        {"item", "{\"id\":\"1\",\"X-Trace\":\"a: b\"}", "/items/1", "X-Trace: a: b", NULL},
        {"item", "{\"id\":\"1\",\"c\":\"a;b\\r\\n\"}", "/items/1", "Cookie: c=a%3Bb%0D%0A", NULL},
        {"matrix", "{\"p\":[1,2]}", "/m;p=1;p=2/x", NULL, NULL},
        {"label", "{\"p\":{\"a\":1,\"b\":2}}", "/l.a,1,b,2", NULL, NULL},
        {"put_item", "{\"id\":\"1\",\"body_id\":\"2\",\"n\":3}", "/items/1",
         "Content-Type: application/json", "{\"id\":\"2\",\"n\":3}"},
        {"put_item", "{\"id\":\"1\"}", "/items/1", NULL, ""},
        {"form", "{\"a\":\"x y\",\"b\":[1,2]}", "/form",
         "Content-Type: application/x-www-form-urlencoded", "a=x%20y&b=1&b=2"},
        {"list", "{\"body\":[1,2]}", "/list", "Content-Type: application/json", "[1,2]"},
        {"at", "{}", "/@evil.invalid/", NULL, NULL},
    };
    struct gen_toolset *tools = make_tools();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_operation op;
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        const struct gen_tool *tool = gen_toolset_find(tools, gen_str_from(cases[i].tool));
        assert_non_null(tool);
        assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].arguments), &err), GEN_OK);
        if (gen_operation_build(&op, tool, gen_json_root(doc), GEN_STR(BASE "/"), &err))
            fail_msg("%s: %s", cases[i].arguments, err.msg);
        assert_string_equal(op.url.data + strlen(BASE), cases[i].url);
        if (cases[i].header)
            assert_non_null(header_of(&op, cases[i].header));
        if (cases[i].body)
            assert_string_equal(op.body.n ? op.body.data : "", cases[i].body);
        gen_operation_release(&op);
        gen_json_doc_free(doc);
    }
    gen_toolset_free(tools);
}

static void what_fits_no_request_is_refused(void **state)
{
    static const struct {
        const char *tool, *arguments, *says;
    } cases[] = {
        {"item", "{}", "the path needs \"id\""},
        {"item", "{\"id\":\"\"}", "is empty"},
        {"item", "{\"id\":\"..\"}", "another path"},
        {"item", "{\"id\":\"../../admin\"}", "another path"},
        {"item", "{\"id\":\"a/../b\"}", "another path"},
        {"item", "{\"id\":\"a\\\\..\\\\b\"}", "another path"},
        {"item", "{\"id\":\"%2e%2E\"}", "another path"},
        {"item", "{\"id\":\"a/%2e./b\"}", "another path"},
        {"item", "{\"id\":\".\"}", "another path"},
        {"item", "{\"id\":\"1\",\"X-Trace\":\"a\\r\\nX-Admin: 1\"}", "has a line break"},
        {"item", "{\"id\":\"1\",\"X-Trace\":\"a\\nb\"}", "has a line break"},
        {"item", "{\"id\":\"1\",\"Host\":\"evil.invalid\"}", "cannot be set by a call"},
        {"upward", "{}", "a . or .. in it"},
    };
    struct gen_toolset *tools = make_tools();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_operation op;
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        const struct gen_tool *tool = gen_toolset_find(tools, gen_str_from(cases[i].tool));
        assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].arguments), &err), GEN_OK);
        assert_int_equal(gen_operation_build(&op, tool, gen_json_root(doc), GEN_STR(BASE), &err),
                         GEN_EINPUT);
        assert_says(err.msg, cases[i].says);
        gen_operation_release(&op);
        gen_json_doc_free(doc);
    }
    gen_toolset_free(tools);
}

static void bases_are_checked(void **state)
{
    static const char *const bad[] = {
        "ftp://h/",        "h/v1",        "http://",       "http:///v1",   "http://u:p@h/",
        "http://h/v1?a=1", "http://h/#x", "http://h/../a", "http://h/a b", "http://h/%2e%2e/a"};
    static const char *const good[] = {"http://h", "https://h:8080/v1/", "HTTP://[::1]/a.b/..c"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(gen_operation_check_base(bad[i], NULL), GEN_EUSAGE);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(gen_operation_check_base(good[i], NULL), GEN_OK);
}

/* ---- against a service ---- */

struct answer {
    struct world *w;
    bool is_there, is_error, is_capped, is_unsent;
    char failure[40];
    char *text;
};

struct world {
    struct gen_loop *loop;
    struct gen_http *http;
    struct gen_child *child;
    struct gen_executor *x;
    struct gen_executor_options o;
    struct gen_toolset *tools;
    struct gen_scratch folder;
    char line[200], base[100];
    struct answer last, other;
};

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
}

static int setup(void **state)
{
    static const char *const argv[] = {FAKEAPI_PATH, NULL};
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    w->tools = make_tools();
    if (gen_scratch_make(&w->folder, NULL) || gen_loop_new(&w->loop, NULL) ||
        gen_http_new(&w->http, w->loop, &(struct gen_http_options){0}, NULL) ||
        gen_child_start(&w->child, w->loop, &(struct gen_child_options){.argv = argv}, on_line,
                        on_end, w, NULL) ||
        gen_loop_run(w->loop, NULL) || !strrchr(w->line, ':'))
        return -1;
    (void)snprintf(w->base, sizeof(w->base), "http://127.0.0.1%s/v1/", strrchr(w->line, ':'));
    w->o = (struct gen_executor_options){.loop = w->loop,
                                         .http = w->http,
                                         .tools = w->tools,
                                         .api_url = w->base,
                                         .call_timeout_ms = 15000};
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_http_free(w->http);
    gen_executor_free(w->x);
    gen_child_free(w->child);
    gen_loop_free(w->loop);
    gen_toolset_free(w->tools);
    gen_scratch_release(&w->folder);
    free(w->last.text);
    free(w->other.text);
    free(w);
    return 0;
}

static void open_executor(struct world *w)
{
    struct gen_error err = {.msg = ""};
    if (gen_executor_open(&w->x, &w->o, &err))
        fail_msg("%s", err.msg);
}

static void close_executor(struct world *w)
{
    assert_int_equal(gen_executor_close(w->x, NULL), GEN_OK);
    gen_executor_free(w->x);
    w->x = NULL;
}

static void on_observation(void *ud, const struct gen_observation *o)
{
    struct answer *a = ud;
    free(a->text);
    a->is_there = true;
    a->is_error = o->is_error;
    a->is_capped = o->is_capped;
    a->text = gen_str_dup(o->text);
    (void)snprintf(a->failure, sizeof(a->failure), "%s", o->failure ? o->failure : "");
    a->is_unsent = o->is_unsent;
    gen_loop_stop(a->w->loop);
}

static struct gen_execution *begin(struct world *w, struct answer *a, const char *tool,
                                   const char *arguments)
{
    struct gen_error err = {.msg = ""};
    struct gen_execution *e = NULL;
    const struct gen_tool_call call = {gen_str_from(tool), gen_str_from(arguments)};
    a->w = w;
    a->is_there = false;
    if (gen_executor_call(w->x, GEN_STR("e"), NULL, 0, &call, on_observation, a, &e, &err))
        fail_msg("%s", err.msg);
    return e;
}

static const struct answer *ask(struct world *w, const char *tool, const char *arguments)
{
    (void)begin(w, &w->last, tool, arguments);
    while (!w->last.is_there)
        assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    return &w->last;
}

static void operations_are_carried_out(void **state)
{
    static const char *const allow[] = {"put_item", "form", "drop", "replace", NULL};
    struct world *w = *state;
    w->o.allow = allow;
    open_executor(w);
    assert_true(gen_str_is(gen_executor_server(w->x), w->base));
    assert_string_equal(
        ask(w, "item", "{\"id\":\"a/b\",\"tags\":[\"x\"],\"X-Trace\":\"t\",\"c\":\"1\"}")->text,
        "{\"method\":\"GET\",\"target\":\"/v1/items/"
        "a%2Fb?tags=x\",\"x\":\"t\",\"cookie\":\"c=1\"}");
    assert_false(w->last.is_error);
    assert_string_equal(ask(w, "put_item", "{\"id\":\"1\",\"n\":2}")->text,
                        "{\"method\":\"POST\",\"target\":\"/v1/items/1\",\"type\":\"application/"
                        "json\",\"body\":\"{\\\"n\\\":2}\"}");
    assert_string_equal(ask(w, "form", "{\"a\":\"x\"}")->text,
                        "{\"method\":\"POST\",\"target\":\"/v1/form\",\"type\":\"application/"
                        "x-www-form-urlencoded\",\"body\":\"a=x\"}");
    assert_says(ask(w, "drop", "{\"id\":\"1\"}")->text, "\"method\":\"DELETE\"");
    assert_string_equal(ask(w, "replace", "{\"a\":1}")->text,
                        "{\"method\":\"PUT\",\"target\":\"/v1/put\",\"type\":\"application/"
                        "json\",\"body\":\"{\\\"a\\\":1}\"}");
    assert_string_equal(ask(w, "look", "{}")->text, "HTTP 200");
    assert_says(ask(w, "item", "{\"id\":\"1\"}")->text, "\"method\":\"GET\"");
    assert_string_equal(ask(w, "list", "{\"body\":[]}")->failure, "not_allowed");
    assert_string_equal(ask(w, "nothing", "{}")->failure, "not_allowed");
    assert_string_equal(ask(w, "item", "{\"id\":\"../x\"}")->failure, "bad_arguments");
    assert_string_equal(ask(w, "item", "[]")->failure, "bad_arguments");
    assert_true(w->last.is_unsent);
    close_executor(w);
}

static void what_a_service_says_is_an_observation(void **state)
{
    static const struct {
        const char *tool, *arguments, *says, *failure;
        bool is_error;
    } cases[] = {
        {"missing", "{}", "HTTP 404: {\"error\":\"no such thing\"}", "", true},
        {"broken", "{}", "HTTP 500: it broke", "", true},
        {"empty", "{}", "HTTP 204", "", false},
        {"redirect", "{}", "redirects are not followed; it leads to http://elsewhere.invalid/", "",
         true},
        {"image", "{}", "[image/png, 7 bytes]", "", false},
        {"bad", "{}",
         "a\xef\xbf\xbd"
         "b",
         "", false},
        {"cut", "{}", "was not reached", "server_unreachable", true},
        {"huge", "{\"n\":100000000}", "is over 33554432 bytes", "", true},
    };
    struct world *w = *state;
    open_executor(w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct answer *a = ask(w, cases[i].tool, cases[i].arguments);
        assert_says(a->text, cases[i].says);
        assert_string_equal(a->failure, cases[i].failure);
        assert_int_equal(a->is_error, cases[i].is_error);
    }
    assert_true(ask(w, "huge", "{\"n\":100000}")->is_capped);
    close_executor(w);
}

static void who_is_too_slow_is_observed(void **state)
{
    struct world *w = *state;
    w->o.call_timeout_ms = 100;
    open_executor(w);
    assert_says(ask(w, "slow", "{}")->text, "did not answer slow within 100 ms");
    assert_true(w->last.is_error);
    assert_string_equal(w->last.failure, "");
    assert_false(w->last.is_unsent);
    close_executor(w);
}

static void secrets_are_not_shown(void **state)
{
    static const char *const headers[] = {"X-Api-Key: key-of-the-user-123", NULL};
    struct world *w = *state;
    struct gen_secret *key = NULL;
    assert_int_equal(gen_secret_new(&key, GEN_STR("bearer-of-the-user"), NULL), GEN_OK);
    w->o.headers = headers;
    w->o.key = key;
    open_executor(w);
    const char *text = ask(w, "secrets", "{}")->text;
    assert_null(strstr(text, "of-the-user"));
    assert_says(text, "Bearer ***");
    assert_says(text, "\"k\":\"***");
    close_executor(w);
    gen_secret_free(key);
}

static void a_recording_needs_no_service(void **state)
{
    static const char *const tools[] = {"item", "missing", "image"};
    static const char *const arguments[] = {"{\"id\":\"1\"}", "{}", "{}"};
    struct world *w = *state;
    char path[9000];
    char *texts[3];
    (void)snprintf(path, sizeof(path), "%s/calls.jsonl", w->folder.path);
    w->o.record = path;
    open_executor(w);
    for (size_t i = 0; i < 3; i++)
        texts[i] = strdup(ask(w, tools[i], arguments[i])->text);
    close_executor(w);
    w->o = (struct gen_executor_options){.loop = w->loop, .tools = w->tools, .replay = path};
    open_executor(w);
    for (size_t i = 0; i < 3; i++) {
        const struct answer *a = ask(w, tools[i], arguments[i]);
        assert_string_equal(a->text, texts[i]);
        assert_int_equal(a->is_error, i == 1);
        free(texts[i]);
        gen_executor_end(w->x, GEN_STR("e"));
    }
    assert_string_equal(ask(w, "item", "{\"id\":\"2\"}")->failure, "not_recorded");
    assert_string_equal(ask(w, "drop", "{\"id\":\"2\"}")->failure, "not_allowed");
    close_executor(w);
}

static void on_time(void *ud)
{
    struct world *w = ud;
    gen_loop_stop(w->loop);
}

/* So that what was asked for has been sent. */
static void run_a_moment(struct world *w)
{
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, on_time, w, NULL), GEN_OK);
    gen_timer_start(timer, 50, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    gen_timer_free(timer);
}

static void requests_are_canceled(void **state)
{
    struct world *w = *state;
    w->o.n_workers = 1;
    open_executor(w);
    struct gen_execution *slow = begin(w, &w->other, "slow", "{}");
    struct gen_execution *queued = begin(w, &w->other, "slow", "{}");
    gen_execution_cancel(queued);
    run_a_moment(w);
    gen_execution_cancel(slow);
    assert_says(ask(w, "item", "{\"id\":\"b\"}")->text, "/v1/items/b");
    assert_false(w->other.is_there);
    (void)begin(w, &w->other, "slow", "{}");
    run_a_moment(w);
    close_executor(w);
    assert_false(w->other.is_there);
}

static void what_cannot_be_opened_is_said(void **state)
{
    struct world *w = *state;
    struct gen_error err = {.msg = ""};
    w->o.api_url = "http://user:password@127.0.0.1/";
    assert_int_equal(gen_executor_open(&w->x, &w->o, &err), GEN_EUSAGE);
    assert_null(strstr(err.msg, "password"));
    w->o.api_url = w->base;
    w->o.tools = NULL;
    assert_int_equal(gen_executor_open(&w->x, &w->o, &err), GEN_EUSAGE);
    assert_says(err.msg, "needs the definition of the operations");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written),
        cmocka_unit_test(what_fits_no_request_is_refused),
        cmocka_unit_test(bases_are_checked),
        TEST(operations_are_carried_out),
        TEST(what_a_service_says_is_an_observation),
        TEST(who_is_too_slow_is_observed),
        TEST(secrets_are_not_shown),
        TEST(a_recording_needs_no_service),
        TEST(requests_are_canceled),
        TEST(what_cannot_be_opened_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
