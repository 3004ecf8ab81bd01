#include "net/http.h"

#include "base/num.h"
#include "http_world.h"
#include "net/header_set.h"
#include "net/response_header.h"
#include "net/transfer.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    return world_setup(state, (struct gen_http_options){.in_flight_max = 64, .connect_ms = 3000},
                       NULL);
}

static int setup_many(void **state)
{
    return world_setup(state, (struct gen_http_options){.in_flight_max = 600}, NULL);
}

static int setup_small_cap(void **state)
{
    return world_setup(state, (struct gen_http_options){.body_bytes_max = 1U << 20}, NULL);
}

static void test_outcomes(void **state)
{
    static const struct {
        const char *path;
        enum gen_transport transport;
        int status;
        const char *body;
    } cases[] = {
        {"/ok", GEN_TRANSPORT_OK, 200, "{\"ok\":true}"},
        {"/close-before", GEN_TRANSPORT_RESET, 0, ""},
        {"/close-mid", GEN_TRANSPORT_RESET, 200, "{\"half\":"},
        {"/too-short-length", GEN_TRANSPORT_OK, 200, "{\"a\":"},
        {"/no-last-chunk", GEN_TRANSPORT_RESET, 200, "abc"},
        {"/bad-chunk", GEN_TRANSPORT_RESET, 200, ""},
        {"/no-http", GEN_TRANSPORT_OTHER, 0, ""},
        {"/no-length", GEN_TRANSPORT_OK, 200, "until closed"},
        {"/half-head", GEN_TRANSPORT_RESET, 200, ""},
        {"/empty", GEN_TRANSPORT_OK, 204, ""},
        {"/redirect", GEN_TRANSPORT_OK, 302, ""},
        {"/slow", GEN_TRANSPORT_OK, 200, "one byte a chunk, forty-odd of them in all"},
        {"/idle-close", GEN_TRANSPORT_OK, 200, "hi"},
        {"/idle-close", GEN_TRANSPORT_OK, 200, "hi"},
        {"/ok", GEN_TRANSPORT_OK, 200, "{\"ok\":true}"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer *a = world_ask_and_run(w, cases[i].path);
        /* A server may close a kept-alive connection just as it is used again: that is to be told
         * apart from a real failure, and asked again. */
        if (a->transport == GEN_TRANSPORT_RESET && cases[i].transport == GEN_TRANSPORT_OK) {
            assert_true(a->reused && a->n_body == 0);
            a = world_ask_and_run(w, cases[i].path);
        }
        assert_int_equal(a->transport, cases[i].transport);
        assert_int_equal(a->status, cases[i].status);
        assert_string_equal(a->body ? a->body : "", cases[i].body);
        assert_true((a->transport == GEN_TRANSPORT_OK) == (a->detail[0] == '\0'));
    }
    /* The redirect was not followed: one request for each case, and one that curl made again on a
     * fresh connection, because the kept one was closed before the first byte. */
    assert_int_equal(w->server.n_requests, sizeof(cases) / sizeof(cases[0]) + 1);
}

static void test_request_as_sent(void **state)
{
    struct world *w = *state;
    (void)world_ask(w, 0, "/echo", "{\"q\":1}", 5000);
    (void)world_ask(w, 1, "/echo", NULL, 5000);
    world_run(w);
    const char *post = w->answers[0].body;
    assert_non_null(strstr(post, "POST /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(post, "\r\nAuthorization: Bearer sk-1234\r\n"));
    assert_non_null(strstr(post, "\r\nX-Test: 1\r\n"));
    assert_non_null(strstr(post, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(post, "\r\nUser-Agent: generator/"));
    assert_non_null(strstr(post, "\r\n\r\n{\"q\":1}"));
    assert_null(strstr(post, "Expect"));
    assert_non_null(strstr(post, "\r\nAccept-Encoding: identity\r\n"));
    const char *get = w->answers[1].body;
    assert_non_null(strstr(get, "GET /echo HTTP/1.1\r\n"));
    assert_null(strstr(get, "Content-Type"));
    /* A handle that is used again forgets what it sent before. */
    (void)world_ask(w, 0, "/echo", NULL, 5000);
    (void)world_ask(w, 1, "/echo", "", 5000);
    world_run(w);
    assert_non_null(strstr(w->answers[0].body, "GET /echo"));
    assert_null(strstr(w->answers[0].body, "q\":1"));
    assert_non_null(strstr(w->answers[1].body, "Content-Length: 0\r\n"));
}

static void test_large_request_body(void **state)
{
    struct world *w = *state;
    size_t n = 200000;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, 'b', n);
    body[n] = '\0';
    (void)world_ask(w, 0, "/echo", body, 5000);
    memset(body, 'x', n); /* it was copied */
    free(body);
    world_run(w);
    assert_int_equal(w->answers[0].transport, GEN_TRANSPORT_OK);
    assert_true(w->answers[0].n_body > n);
    assert_non_null(strstr(w->answers[0].body, "\r\n\r\nbbbb"));
    assert_int_equal(w->answers[0].body[w->answers[0].n_body - 1], 'b');
}

static void test_headers(void **state)
{
    struct world *w = *state;
    const struct answer *a = world_ask_and_run(w, "/rate-limit");
    assert_int_equal(a->status, 429);
    assert_string_equal(a->body, "{\"error\":\"x\"}");
    static const char *const want[GEN_N_HEADERS] = {
        "7", "6500.5", "true", "req_1", "application/json", "60", "0", "1m2s", "1000", "17", "6ms"};
    for (size_t i = 0; i < GEN_N_HEADERS; i++)
        assert_string_equal(a->headers[i], want[i] ? want[i] : "");
    a = world_ask_and_run(w, "/anthropic");
    assert_string_equal(a->headers[GEN_HEADER_LIMIT_REQUESTS], "50");
    assert_string_equal(a->headers[GEN_HEADER_REQUEST_ID], "r9");
    assert_string_equal(a->headers[GEN_HEADER_RESET_TOKENS], "2026-01-02T03:04:05Z");
    assert_string_equal(a->headers[GEN_HEADER_RETRY_AFTER], "");
    /* Headers of an interim answer are not those of the answer. */
    a = world_ask_and_run(w, "/continue");
    assert_int_equal(a->status, 200);
    assert_string_equal(a->headers[GEN_HEADER_REQUEST_ID], "");
    a = world_ask_and_run(w, "/redirect");
    assert_string_equal(a->headers[GEN_HEADER_LOCATION], "/ok");
}

static void test_body_cap(void **state)
{
    struct world *w = *state;
    const struct answer *a = world_ask_and_run(w, "/big");
    assert_int_equal(a->transport, GEN_TRANSPORT_TOO_LARGE);
    assert_true(a->n_body <= 1U << 20);
    a = world_ask_and_run(w, "/big-length");
    assert_int_equal(a->transport, GEN_TRANSPORT_TOO_LARGE);
    assert_int_equal(a->n_body, 0);
    a = world_ask_and_run(w, "/ok");
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
}

static void test_refused(void **state)
{
    struct world *w = *state;
    /* A port that was free a moment ago: bound, never listening. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    int port = w->server.port;
    w->server.port = ntohs(address.sin_port);
    const struct answer *a = world_ask_and_run(w, "/ok");
    w->server.port = port;
    (void)close(fd);
    assert_int_equal(a->transport, GEN_TRANSPORT_CONNECT);
    assert_int_equal(a->status, 0);
    assert_false(a->reused);
    assert_true(a->detail[0] != '\0');
}

static void test_names(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = {.timeout_ms = 15000};
    /* RFC 6761: never resolves. All that wait for the name learn that it does not exist. */
    request.url = "http://no-such-host.invalid/";
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(
            gen_http_send(w->http, &request, world_on_answer, &w->answers[i], NULL, NULL), GEN_OK);
    world_run(w);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(w->answers[i].n_calls, 1);
        assert_int_equal(w->answers[i].transport, GEN_TRANSPORT_RESOLVE);
        assert_string_equal(w->answers[i].detail, w->answers[0].detail);
    }
    (void)snprintf(w->url, sizeof(w->url), "http://localhost:%d/ok", w->server.port);
    request.url = w->url;
    assert_int_equal(gen_http_send(w->http, &request, world_on_answer, &w->answers[0], NULL, NULL),
                     GEN_OK);
    world_run(w);
    assert_int_equal(w->answers[0].transport, GEN_TRANSPORT_OK);
}

/* The name of this machine is not numeric, and resolves without a network: those who wait for it
 * are started once it is known. Its address need not be a loopback one, so any quick end will do.
 */
static void test_waiting_for_a_name(void **state)
{
    struct world *w = *state;
    char name[200];
    assert_int_equal(gethostname(name, sizeof(name)), 0);
    char url[256];
    (void)snprintf(url, sizeof(url), "http://%s:%d/ok", name, w->server.port);
    if (gen_host_is_numeric(gen_url_host(gen_str_from(url))))
        skip();
    struct gen_http_request request = {.url = url, .timeout_ms = 15000};
    struct gen_transfer *last = NULL;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(
            gen_http_send(w->http, &request, world_on_answer, &w->answers[i], &last, NULL), GEN_OK);
    gen_http_cancel(last);
    world_run(w);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(w->answers[i].n_calls, 1);
    assert_int_equal(w->answers[19].transport, GEN_TRANSPORT_CANCELED);
    for (size_t i = 1; i < 19; i++)
        assert_int_equal(w->answers[i].transport, w->answers[0].transport);
}

static void test_tls_failure(void **state)
{
    struct world *w = *state;
    (void)snprintf(w->url, sizeof(w->url), "https://127.0.0.1:%d/close-before", w->server.port);
    struct gen_http_request request = {.url = w->url, .timeout_ms = 2000};
    assert_int_equal(gen_http_send(w->http, &request, world_on_answer, &w->answers[0], NULL, NULL),
                     GEN_OK);
    world_run(w);
    /* A plain server waits for more of what is no request: nothing or nonsense comes back. */
    assert_true(w->answers[0].transport == GEN_TRANSPORT_TLS ||
                w->answers[0].transport == GEN_TRANSPORT_TIMEOUT);
}

static void test_timeout(void **state)
{
    struct world *w = *state;
    (void)world_ask(w, 0, "/hang", "{}", 100);
    world_run(w);
    assert_int_equal(w->answers[0].transport, GEN_TRANSPORT_TIMEOUT);
    assert_true(w->answers[0].latency_us >= 95000);
    assert_true(w->answers[0].latency_us < 5000000);
}

static void test_bad_requests(void **state)
{
    struct world *w = *state;
    static const char *const urls[] = {"ftp://x/", "127.0.0.1:1/", "", "http://", "file:///x"};
    struct gen_error err = {0};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct gen_http_request request = {.url = urls[i]};
        assert_int_equal(gen_http_send(w->http, &request, world_on_answer, w, NULL, &err),
                         GEN_EUSAGE);
    }
    static const char *const bad_headers[][2] = {{"A: b\r\nC: d"}, {"no colon"}, {": x"}};
    for (size_t i = 0; i < 3; i++) {
        struct gen_http_request request = {.url = "http://127.0.0.1:1/", .headers = bad_headers[i]};
        assert_int_equal(gen_http_send(w->http, &request, world_on_answer, w, NULL, &err),
                         GEN_EUSAGE);
    }
    assert_int_equal(gen_http_in_flight(w->http), 0);
}

static void test_parallel_and_reuse(void **state)
{
    struct world *w = *state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 500; i++)
            (void)world_ask(w, i, "/ok", "{\"a\":1}", 30000);
        assert_int_equal(gen_http_in_flight(w->http), 500);
        world_run(w);
        for (size_t i = 0; i < 500; i++) {
            assert_int_equal(w->answers[i].n_calls, round + 1);
            assert_int_equal(w->answers[i].transport, GEN_TRANSPORT_OK);
            assert_int_equal(w->answers[i].status, 200);
            assert_int_equal(w->answers[i].reused, round > 0);
        }
    }
    assert_int_equal(w->server.n_connections, 500);
    assert_int_equal(w->server.n_requests, 1500);
}

/* The server closes the connection as the second request is written on it; curl asks again on a
 * fresh one, which is free because nothing came back. */
static void test_closed_under_the_second_request(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++) {
        const struct answer *a = world_ask_and_run(w, "/not-twice");
        assert_int_equal(a->transport, GEN_TRANSPORT_OK);
        assert_int_equal(a->status, 200);
    }
}

static void test_cancel(void **state)
{
    struct world *w = *state;
    struct gen_transfer *a = world_ask(w, 0, "/hang", "{}", 60000);
    (void)world_ask(w, 1, "/ok", "{}", 60000);
    gen_http_cancel(a);
    gen_http_cancel(a); /* twice is as good as once */
    assert_int_equal(w->answers[0].n_calls, 0);
    world_run(w);
    assert_int_equal(w->answers[0].n_calls, 1);
    assert_int_equal(w->answers[0].transport, GEN_TRANSPORT_CANCELED);
    assert_int_equal(w->answers[1].transport, GEN_TRANSPORT_OK);
}

static void cancel_late(void *ud)
{
    gen_http_cancel(ud);
}

static void test_cancel_while_it_runs(void **state)
{
    struct world *w = *state;
    struct gen_transfer *t = world_ask(w, 0, "/hang", "{}", 60000);
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, cancel_late, t, NULL), GEN_OK);
    gen_timer_start(timer, 30, 0);
    world_run(w);
    gen_timer_free(timer);
    assert_int_equal(w->answers[0].n_calls, 1);
    assert_int_equal(w->answers[0].transport, GEN_TRANSPORT_CANCELED);
    assert_true(w->answers[0].latency_us < 30000000);
}

static void test_free_in_flight(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 30; i++)
        (void)world_ask(w, i, "/hang", "{}", 60000);
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, (gen_loop_fn *)gen_loop_stop, w->loop, NULL),
                     GEN_OK);
    gen_timer_start(timer, 30, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    gen_timer_free(timer);
    gen_http_free(w->http);
    w->http = NULL;
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(w->answers[i].n_calls, 0);
}

static void send_next(void *ud)
{
    struct world *w = ud;
    if (w->n_to_send > 0 && gen_http_in_flight(w->http) == 0) {
        w->n_to_send--;
        (void)world_ask(w, 0, "/ok", "{}", 60000);
    }
}

/* A request of the turn-end hook starts in the same turn: nothing stalls until a timer. */
static void test_sent_at_turn_end(void **state)
{
    struct world *w = *state;
    w->n_to_send = 50;
    gen_loop_on_turn_end(w->loop, send_next, w);
    uint64_t start_us = gen_loop_now_us();
    world_run(w);
    assert_int_equal(w->answers[0].n_calls, 50);
    assert_int_equal(w->server.n_connections, 1);
    assert_true(gen_loop_now_us() - start_us < 10000000);
}

static void test_response_header_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int which;
        const char *value;
    } cases[] = {
        {"Retry-After: 5\r\n", GEN_HEADER_RETRY_AFTER, "5"},
        {"RETRY-AFTER-MS:5\r\n", GEN_HEADER_RETRY_AFTER_MS, "5"},
        {"content-type:\r\n", GEN_HEADER_CONTENT_TYPE, ""},
        {"Location: /x\r\n", GEN_HEADER_LOCATION, "/x"},
        {"request-id: 7\r\n", GEN_HEADER_REQUEST_ID, "7"},
        {"ETag: \"a b\"\r\n", GEN_HEADER_ETAG, "\"a b\""},
        {"etag:", GEN_HEADER_ETAG, ""},
        {"Content-Range: bytes 0-1/2\r\n", GEN_HEADER_CONTENT_RANGE, "bytes 0-1/2"},
        {"x-amz-bucket-region: eu-central-1\r\n", GEN_HEADER_BUCKET_REGION, "eu-central-1"},
        {"X-RateLimit-Reset-Tokens: 6ms\r\n", GEN_HEADER_RESET_TOKENS, "6ms"},
        {"anthropic-ratelimit-requests-limit: 1\r\n", GEN_HEADER_LIMIT_REQUESTS, "1"},
        {"anthropic-ratelimit-requests-remaining: 2\r\n", GEN_HEADER_REMAINING_REQUESTS, "2"},
        {"anthropic-ratelimit-requests-reset: 3\r\n", GEN_HEADER_RESET_REQUESTS, "3"},
        {"anthropic-ratelimit-tokens-limit: 4\r\n", GEN_HEADER_LIMIT_TOKENS, "4"},
        {"anthropic-ratelimit-tokens-remaining: 5\r\n", GEN_HEADER_REMAINING_TOKENS, "5"},
        {"anthropic-ratelimit-tokens-reset: 6\r\n", GEN_HEADER_RESET_TOKENS, "6"},
        {"anthropic-ratelimit-input-tokens-limit: 7\r\n", GEN_HEADER_LIMIT_INPUT_TOKENS, "7"},
        {"anthropic-ratelimit-input-tokens-remaining: 8\r\n", GEN_HEADER_REMAINING_INPUT_TOKENS,
         "8"},
        {"Anthropic-RateLimit-Input-Tokens-Reset: 9\r\n", GEN_HEADER_RESET_INPUT_TOKENS, "9"},
        {"anthropic-ratelimit-output-tokens-limit: 10\r\n", GEN_HEADER_LIMIT_OUTPUT_TOKENS, "10"},
        {"anthropic-ratelimit-output-tokens-remaining: 11\r\n", GEN_HEADER_REMAINING_OUTPUT_TOKENS,
         "11"},
        {"anthropic-ratelimit-output-tokens-reset: 12\r\n", GEN_HEADER_RESET_OUTPUT_TOKENS, "12"},
        {"anthropic-ratelimit-unified-5h-reset: 1\r\n", -1, ""},
        {"Link: <x>; rel=y\r\n", -1, ""},
        {"Date: today\r\n", -1, ""},
        {"X-Powered-By: x\r\n", -1, ""},
        {"retry-after\r\n", -1, ""},
        {"retry-afterwards: 1\r\n", -1, ""},
        {"r\r\n", -1, ""},
        {"", -1, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum gen_header which = GEN_N_HEADERS;
        struct gen_str value = {NULL, 0};
        bool kept = gen_response_header(gen_str_from(cases[i].line), &which, &value);
        assert_int_equal(kept, cases[i].which >= 0);
        if (kept) {
            assert_int_equal(which, cases[i].which);
            assert_true(gen_str_is(value, cases[i].value));
        }
    }
}

static void test_url_parts(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *host;
        bool numeric;
        bool loopback;
    } cases[] = {
        {"http://127.0.0.1:80/x", "127.0.0.1", true, true},
        {"HTTPS://api.openai.com/v1", "api.openai.com", false, false},
        {"http://localhost", "localhost", true, true},
        {"http://a.LOCALHOST?x", "a.LOCALHOST", true, true},
        {"http://notlocalhost/", "notlocalhost", false, false},
        {"http://[::1]:8080/", "::1", true, true},
        {"http://[2001:db8::1]/", "2001:db8::1", true, false},
        {"http://user:p@127.example.com/", "127.example.com", false, false},
        {"http://10.0.0.1#f", "10.0.0.1", true, false},
        {"http:///x", "", false, false},
        {"gopher://x", "", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_str host = gen_url_host(gen_str_from(cases[i].url));
        assert_true(gen_str_is(host, cases[i].host));
        assert_int_equal(gen_host_is_numeric(host), cases[i].numeric);
        assert_int_equal(gen_host_is_loopback(host), cases[i].loopback);
    }
}

static void test_header_sets_are_shared(void **state)
{
    (void)state;
    struct gen_header_cache cache = gen_header_cache_make();
    static const char *const one[] = {"A: 1", NULL};
    struct gen_http_request request = {.headers = one, .post = true};
    struct gen_header_set *a = NULL;
    struct gen_header_set *b = NULL;
    assert_int_equal(gen_header_set_get(&a, &cache, &request, NULL), GEN_OK);
    assert_int_equal(gen_header_set_get(&b, &cache, &request, NULL), GEN_OK);
    assert_ptr_equal(a, b);
    gen_header_set_drop(b);
    /* Pushed out of the cache by others, it lives as long as it is held. */
    for (int i = 0; i < 20; i++) {
        char line[32];
        const char *const other[] = {line, NULL};
        (void)snprintf(line, sizeof(line), "B: %d", i);
        request.headers = other;
        assert_int_equal(gen_header_set_get(&b, &cache, &request, NULL), GEN_OK);
        gen_header_set_drop(b);
    }
    const struct curl_slist *list = gen_header_set_list(a);
    assert_string_equal(list->data, "Expect:");
    assert_string_equal(list->next->data, "A: 1");
    assert_string_equal(list->next->next->data, "Content-Type: application/json");
    assert_null(list->next->next->next);
    gen_header_set_drop(a);
    gen_header_cache_release(&cache);
}

static void test_redirect_targets(void **state)
{
    (void)state;
    static const struct {
        const char *base, *location, *want; /* NULL: refused */
    } cases[] = {
        {"https://a.b/c/d?e=f", "https://x.y/z?q=1", "https://x.y/z?q=1"},
        {"https://a.b/c/d?e=f", "/z", "https://a.b/z"},
        {"https://a.b/c/d?e=f", "../z?k", "https://a.b/z?k"},
        {"https://a.b/c/d", "//x.y/z", "https://x.y/z"},
        {"http://a.b:81/c", "e%20f", "http://a.b:81/e%20f"},
        {"https://a.b/c", "https://user:pw@x.y/", NULL},
        {"https://a.b/c", "file:///etc/passwd", NULL},
        {"https://a.b/c", "ftp://x.y/", NULL},
        {"https://a.b/c", "https://", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf out = gen_buf_make(4096);
        int rc = gen_url_join(&out, cases[i].base, gen_str_from(cases[i].location), NULL);
        assert_int_equal(rc, cases[i].want ? GEN_OK : GEN_EINPUT);
        if (cases[i].want)
            assert_string_equal(out.data, cases[i].want);
        gen_buf_release(&out);
    }
}

int main(void)
{
    (void)gen_os_raise_open_files(4096);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_header_lines),
        cmocka_unit_test(test_url_parts),
        cmocka_unit_test(test_redirect_targets),
        cmocka_unit_test(test_header_sets_are_shared),
        cmocka_unit_test_setup_teardown(test_outcomes, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_request_as_sent, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_large_request_body, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_headers, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_body_cap, setup_small_cap, world_teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_waiting_for_a_name, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_tls_failure, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_timeout, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_bad_requests, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_parallel_and_reuse, setup_many, world_teardown),
        cmocka_unit_test_setup_teardown(test_closed_under_the_second_request, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_while_it_runs, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_free_in_flight, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_sent_at_turn_end, setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
