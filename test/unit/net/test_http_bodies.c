/* Bodies, both ways: limits, uploads, compression, redirects, connections that end or grow old. */
#include "http_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* {"ok":true}; the same damaged; the events of a stream; 20,000 zeros. */
static const char gzip_ok[] = {'\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00',
                               '\x02', '\x03', '\xab', '\x56', '\xca', '\xcf', '\x56', '\xb2',
                               '\x2a', '\x29', '\x2a', '\x4d', '\xad', '\x05', '\x00', '\x90',
                               '\x5f', '\xd4', '\xa7', '\x0b', '\x00', '\x00', '\x00'};
static const char gzip_bad[] = {'\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00',
                                '\x02', '\x03', '\xab', '\x56', '\x35', '\x9a', '\xa9', '\xb2',
                                '\x2a', '\x29', '\x2a', '\x4d', '\xad', '\x05', '\x00', '\x90',
                                '\x5f', '\xd4', '\xa7', '\x0b', '\x00', '\x00', '\x00'};
static const char gzip_events[] = {
    '\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00', '\x02', '\x03', '\x4b', '\x49',
    '\x2c', '\x49', '\xb4', '\x52', '\xa8', '\x56', '\x4a', '\x54', '\xb2', '\x32', '\xac', '\xe5',
    '\xe2', '\x4a', '\x01', '\x73', '\xa3', '\x5d', '\xfc', '\xfd', '\x5c', '\x63', '\xb9', '\xb8',
    '\x00', '\xb1', '\xb7', '\x5f', '\x34', '\x1d', '\x00', '\x00', '\x00'};
static const char gzip_zeros[] = {
    '\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00', '\x02', '\x03', '\xed',
    '\xc1', '\x31', '\x01', '\x00', '\x00', '\x00', '\xc2', '\xa0', '\xf5', '\x4f', '\x6d',
    '\x0d', '\x0f', '\xa0', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00',
    '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00', '\x00',
    '\x78', '\x30', '\x02', '\x53', '\x2f', '\x97', '\x20', '\x4e', '\x00', '\x00'};

static char page[65536];

static const struct http_reply replies[] = {
    {.path = "/gzip",
     .head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: "
             "gzip\r\nContent-Length: 31\r\n",
     .body = gzip_ok,
     .n_body = sizeof(gzip_ok)},
    {.path = "/gzip-bad",
     .head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: "
             "gzip\r\nContent-Length: 31\r\n",
     .body = gzip_bad,
     .n_body = sizeof(gzip_bad)},
    {.path = "/gzip-events",
     .head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: "
             "gzip\r\nContent-Length: 45\r\n",
     .body = gzip_events,
     .n_body = sizeof(gzip_events)},
    {.path = "/gzip-zeros",
     .head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: "
             "gzip\r\nContent-Length: 54\r\n",
     .body = gzip_zeros,
     .n_body = sizeof(gzip_zeros)},

    /* 64 KiB, 80 times: 5 MiB */
    {.path = "/5mb",
     .head = "HTTP/1.1 200 OK\r\nContent-Length: 5242880\r\n",
     .body = page,
     .n_body = sizeof(page),
     .n_repeat = 79},
    {.path = "/5mb-until-closed",
     .head = "HTTP/1.1 200 OK\r\n",
     .body = page,
     .n_body = sizeof(page),
     .n_repeat = 79,
     .then = REPLY_CLOSE},
    {.path = "/close-header",
     .head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n",
     .body = "hi",
     .then = REPLY_HANG},
    {.path = "/close-until",
     .head = "HTTP/1.1 200 OK\r\nConnection: close\r\n",
     .body = "hi",
     .then = REPLY_CLOSE},
    {.path = "/http10",
     .head = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n",
     .body = "hi",
     .then = REPLY_HANG},
    {.path = "/interim",
     .head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx-request-id: early\r\n"
             "Content-Type: text/event-stream\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
     .body = "hi"},
    {.path = "/trailers",
     .head = "HTTP/1.1 200 OK\r\nx-request-id: head\r\nTransfer-Encoding: chunked\r\n",
     .body = "2\r\nhi\r\n0\r\nx-request-id: late\r\nretry-after: 9\r\n\r\n"},
    /* Time for the client to fill the socket; then an answer and at once a reset. */
    {.path = "/early-413",
     .head = "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n",
     .body = "large",
     .first_pause_ms = 150,
     .then = REPLY_CLOSE},
    {.path = NULL},
};

static int setup(void **state)
{
    memset(page, 'p', sizeof(page));
    return world_setup(state, (struct gen_http_options){.body_bytes_max = 1U << 20}, replies);
}

static int setup_short_idle(void **state)
{
    return world_setup(state, (struct gen_http_options){.idle_close_ms = 1}, replies);
}

static void test_compressed(void **state)
{
    struct world *w = *state;
    struct answer *a = world_ask_and_run(w, "/gzip");
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_string_equal(a->body, "{\"ok\":true}");
    a = world_ask_and_run(w, "/gzip-bad");
    assert_int_not_equal(a->transport, GEN_TRANSPORT_OK);
    assert_int_equal(a->status, 200);
    struct gen_http_request request = world_request(w, "/gzip-events");
    request.on_data = world_on_data;
    a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_true(a->streamed);
    assert_string_equal(a->pieces.data, "data: {\"a\":1}\n\ndata: [DONE]\n\n");
}

/* The limit is one of the decoded bytes. */
static void test_compressed_bomb(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = world_request(w, "/gzip-zeros");
    struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_int_equal(a->n_body, 20000);
    request.body_bytes_max = 10000;
    a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_TOO_LARGE);
    assert_true(a->n_body <= 10000);
}

static void test_limit_of_a_request(void **state)
{
    static const struct {
        const char *path;
        size_t body_bytes_max;
        enum gen_transport transport;
    } cases[] = {
        {"/5mb", 0, GEN_TRANSPORT_TOO_LARGE},
        {"/5mb", 5242880, GEN_TRANSPORT_OK},
        {"/5mb", 5242879, GEN_TRANSPORT_TOO_LARGE},
        {"/5mb-until-closed", 0, GEN_TRANSPORT_TOO_LARGE},
        {"/5mb-until-closed", (size_t)1 << 33, GEN_TRANSPORT_OK},
        {"/5mb-until-closed", SIZE_MAX, GEN_TRANSPORT_OK},
        {"/5mb-until-closed", 0, GEN_TRANSPORT_TOO_LARGE},
        {"/ok", 10, GEN_TRANSPORT_TOO_LARGE},
        {"/ok", 11, GEN_TRANSPORT_OK},
        {"/ok", 0, GEN_TRANSPORT_OK},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_http_request request = world_request(w, cases[i].path);
        request.body_bytes_max = cases[i].body_bytes_max;
        const struct answer *a = world_send_and_run(w, &request);
        assert_int_equal(a->transport, cases[i].transport);
        if (a->transport == GEN_TRANSPORT_OK)
            assert_int_equal(a->n_body, cases[i].path[1] == '5' ? 5242880 : 11);
        else
            assert_true(a->n_body <=
                        (cases[i].body_bytes_max ? cases[i].body_bytes_max : 1U << 20));
    }
}

static void test_borrowed_body(void **state)
{
    struct world *w = *state;
    size_t n = (size_t)16 << 20;
    char *body = malloc(n);
    assert_non_null(body);
    memset(body, 'u', n);
    struct gen_http_request request = world_request(w, "/ok");
    request.post = true;
    request.body_is_borrowed = true;
    request.body = (struct gen_str){body, n};
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_int_equal(w->server.n_body_bytes, n);
    /* A view without a NUL behind it, of just its length. */
    request = world_request(w, "/echo");
    request.post = true;
    request.body_is_borrowed = true;
    char *exact = malloc(4);
    assert_non_null(exact);
    memcpy(exact, "abcd", 4);
    request.body = (struct gen_str){exact, 4};
    a = world_send_and_run(w, &request);
    assert_non_null(strstr(a->body, "Content-Length: 4\r\n"));
    assert_true(gen_str_ends((struct gen_str){a->body, a->n_body}, GEN_STR("\r\n\r\nabcd")));
    free(exact);
    /* Sent again, whole, when the kept-alive connection dies under it. */
    request = world_request(w, "/not-twice");
    request.post = true;
    request.body_is_borrowed = true;
    request.body = (struct gen_str){body, 300000};
    for (int i = 0; i < 3; i++) {
        a = world_send_and_run(w, &request);
        assert_int_equal(a->transport, GEN_TRANSPORT_OK);
        assert_int_equal(w->server.n_body_bytes, 300000);
    }
    free(body);
    /* The transfer is used again, and remembers nothing of it. */
    a = world_ask_and_run(w, "/echo");
    assert_true(gen_str_ends((struct gen_str){a->body, a->n_body}, GEN_STR("\r\n\r\n{}")));
}

/* A server that does not read what it refuses resets the connection: its answer counts. On a
 * kept-alive connection without an answer curl asks again. */
static void test_unread_uploads(void **state)
{
    struct world *w = *state;
    size_t n = (size_t)16 << 20;
    char *body = calloc(1, n);
    assert_non_null(body);
    struct gen_http_request request = world_request(w, "/early-413");
    request.post = true;
    request.body_is_borrowed = true;
    request.body = (struct gen_str){body, n};
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_int_equal(a->status, 413);
    assert_string_equal(a->body, "large");
    (void)world_ask_and_run(w, "/ok");
    request = world_request(w, "/early-not-twice");
    request.post = true;
    request.body_is_borrowed = true;
    request.body = (struct gen_str){body, 100000};
    int n_before = w->server.n_requests;
    a = world_send_and_run(w, &request);
    assert_true(a->latency_us < 8000000);
    if (a->transport == GEN_TRANSPORT_RESET) /* seen as it was being sent */
        assert_true(a->reused && a->status == 0 && a->n_body == 0);
    else
        assert_true(a->status == 200 && w->server.n_requests >= n_before + 2);
    free(body);
}

static void test_empty_post(void **state)
{
    struct world *w = *state;
    for (int borrowed = 0; borrowed < 2; borrowed++) {
        struct gen_http_request request = world_request(w, "/echo");
        request.post = true;
        request.body_is_borrowed = borrowed != 0;
        const struct answer *a = world_send_and_run(w, &request);
        assert_int_equal(a->status, 200);
        assert_non_null(strstr(a->body, "POST /echo HTTP/1.1\r\n"));
        assert_non_null(strstr(a->body, "\r\nContent-Length: 0\r\n"));
        assert_non_null(strstr(a->body, "\r\nAuthorization: Bearer sk-1234\r\n"));
        assert_true(gen_str_ends((struct gen_str){a->body, a->n_body}, GEN_STR("\r\n\r\n")));
    }
}

static void test_redirects_elsewhere(void **state)
{
    struct world *w = *state;
    struct http_server other;
    assert_true(http_server_start(&other, NULL));
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char path[64];
        char location[64];
        (void)snprintf(path, sizeof(path), "/redirect-to/%d/%d", statuses[i], other.port);
        (void)snprintf(location, sizeof(location), "http://127.0.0.1:%d/ok", other.port);
        struct gen_http_request request = world_request(w, path);
        request.on_data = world_on_data;
        for (int post = 0; post < 2; post++) {
            request.post = post != 0;
            const struct answer *a = world_send_and_run(w, &request);
            assert_int_equal(a->transport, GEN_TRANSPORT_OK);
            assert_int_equal(a->status, statuses[i]);
            assert_string_equal(a->headers[GEN_HEADER_LOCATION], location);
        }
    }
    assert_int_equal(other.n_connections, 0);
    assert_int_equal(w->server.n_requests, 10);
    http_server_stop(&other);
}

static void test_connection_close(void **state)
{
    static const char *const paths[] = {"/close-header", "/close-until", "/http10"};
    struct world *w = *state;
    for (size_t i = 0; i < 6; i++) {
        const struct answer *a = world_ask_and_run(w, paths[i / 2]);
        assert_int_equal(a->transport, GEN_TRANSPORT_OK);
        assert_string_equal(a->body, "hi");
        assert_false(a->reused);
    }
    assert_int_equal(w->server.n_connections, 6);
}

static void test_interim_and_trailers(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = world_request(w, "/interim");
    request.on_data = world_on_data;
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->status, 200);
    assert_string_equal(a->headers[GEN_HEADER_REQUEST_ID], "");
    assert_string_equal(a->headers[GEN_HEADER_CONTENT_TYPE], "");
    assert_false(a->streamed);
    assert_string_equal(a->body, "hi");
    a = world_ask_and_run(w, "/trailers");
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_string_equal(a->body, "hi");
    assert_string_equal(a->headers[GEN_HEADER_REQUEST_ID], "head");
    assert_string_equal(a->headers[GEN_HEADER_RETRY_AFTER], "");
}

static void nothing(void *ud)
{
    (void)ud;
}

/* curl reads the clock itself, in whole seconds: the shortest limit is one second, and two must
 * pass. */
static void test_old_connections(void **state)
{
    struct world *w = *state;
    assert_false(world_ask_and_run(w, "/ok")->reused);
    assert_true(world_ask_and_run(w, "/ok")->reused);
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, nothing, NULL, NULL), GEN_OK);
    gen_timer_start(timer, 2050, 0);
    world_run(w);
    gen_timer_free(timer);
    const struct answer *a = world_ask_and_run(w, "/ok");
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_false(a->reused);
    assert_int_equal(w->server.n_connections, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_compressed, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_compressed_bomb, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_limit_of_a_request, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_borrowed_body, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_unread_uploads, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_empty_post, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_redirects_elsewhere, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_connection_close, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_interim_and_trailers, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_old_connections, setup_short_idle, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
