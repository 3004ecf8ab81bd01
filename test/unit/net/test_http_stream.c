/* Bodies that are handed on as they come. */
#include "http_world.h"

#include "net/response_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define EVENTS "data: {\"a\":1}\n\ndata: [DONE]\n\n"
#define SSE    "Content-Type: text/event-stream\r\n"

static const struct http_reply replies[] = {
    {.path = "/bytes",
     .head = "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n"
             "Transfer-Encoding: chunked\r\n",
     .body = EVENTS,
     .chunked = true},
    {.path = "/lines",
     .head = "HTTP/1.1 200 OK\r\ncontent-type:application/X-NDJSON\r\nContent-Length: 16\r\n",
     .body = "{\"a\":1}\n{\"a\":2}\n"},
    {.path = "/json",
     .head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n",
     .body = "{}"},
    {.path = "/429", .head = "HTTP/1.1 429 No\r\n" SSE "Content-Length: 4\r\n", .body = "slow"},
    {.path = "/302", .head = "HTTP/1.1 302 No\r\n" SSE "Content-Length: 4\r\n", .body = "away"},
    {.path = "/no-type", .head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", .body = "hi"},
    {.path = "/no-body", .head = "HTTP/1.1 204 OK\r\n" SSE, .body = ""},
    {.path = "/zero", .head = "HTTP/1.1 200 OK\r\n" SSE "Content-Length: 0\r\n", .body = ""},
    {.path = "/close", .head = "HTTP/1.1 200 OK\r\n" SSE, .body = EVENTS, .then = REPLY_CLOSE},
    {.path = "/early",
     .head =
         "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 OK\r\n" SSE "Content-Length: 29\r\n",
     .body = EVENTS},
    {.path = "/cut",
     .head = "HTTP/1.1 200 OK\r\n" SSE "Transfer-Encoding: chunked\r\n",
     .body = EVENTS,
     .chunked = true,
     .no_end = true,
     .then = REPLY_CLOSE},
    {.path = "/short",
     .head = "HTTP/1.1 200 OK\r\n" SSE "Content-Length: 100\r\n",
     .body = EVENTS,
     .then = REPLY_CLOSE},
    {.path = "/bad-chunk",
     .head = "HTTP/1.1 200 OK\r\n" SSE "Transfer-Encoding: chunked\r\n",
     .body = "3\r\nabc\r\nzz\r\n",
     .then = REPLY_CLOSE},
    {.path = "/silent",
     .head = "HTTP/1.1 200 OK\r\n" SSE "Transfer-Encoding: chunked\r\n",
     .body = EVENTS,
     .chunked = true,
     .no_end = true,
     .then = REPLY_HANG},
    {.path = "/late",
     .head = "HTTP/1.1 200 OK\r\n" SSE "Content-Length: 29\r\n",
     .body = EVENTS,
     .head_pause_ms = 300},
    {.path = "/slow",
     .head = "HTTP/1.1 200 OK\r\n" SSE "Content-Length: 290\r\n",
     .body = EVENTS,
     .n_repeat = 9,
     .body_pause_ms = 80},
    {.path = "/flood",
     .head = "HTTP/1.1 200 OK\r\n" SSE,
     .body = EVENTS,
     .n_repeat = 10000,
     .then = REPLY_CLOSE},
    {.path = NULL},
};

static int setup(void **state)
{
    return world_setup(state, (struct gen_http_options){.in_flight_max = 64}, replies);
}

static struct gen_http_request stream_request(struct world *w, const char *path, uint64_t stall_ms)
{
    struct gen_http_request request = world_request(w, path);
    request.post = true;
    request.body = GEN_STR("{}");
    request.on_data = world_on_data;
    request.stall_ms = stall_ms;
    return request;
}

static void test_outcomes(void **state)
{
    static const struct {
        const char *path;
        enum gen_transport transport;
        int status;
        bool streamed;
        const char *body; /* streamed or not */
    } cases[] = {
        {"/bytes", GEN_TRANSPORT_OK, 200, true, EVENTS},
        {"/json", GEN_TRANSPORT_OK, 200, false, "{}"},
        {"/lines", GEN_TRANSPORT_OK, 200, true, "{\"a\":1}\n{\"a\":2}\n"},
        {"/429", GEN_TRANSPORT_OK, 429, false, "slow"},
        {"/302", GEN_TRANSPORT_OK, 302, false, "away"},
        {"/no-type", GEN_TRANSPORT_OK, 200, false, "hi"},
        {"/no-body", GEN_TRANSPORT_OK, 204, true, ""},
        {"/zero", GEN_TRANSPORT_OK, 200, true, ""},
        {"/early", GEN_TRANSPORT_OK, 201, true, EVENTS},
        {"/close", GEN_TRANSPORT_OK, 200, true, EVENTS},
        {"/cut", GEN_TRANSPORT_RESET, 200, true, EVENTS},
        {"/short", GEN_TRANSPORT_RESET, 200, true, EVENTS},
        {"/bad-chunk", GEN_TRANSPORT_RESET, 200, true, "abc"},
        {"/late", GEN_TRANSPORT_OK, 200, true, EVENTS},
        {"/ok", GEN_TRANSPORT_OK, 200, false, "{\"ok\":true}"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* The limit of silence is a short one, but a server may think before its first byte. */
        bool thinks = strcmp(cases[i].path, "/late") == 0;
        struct gen_http_request request = stream_request(w, cases[i].path, thinks ? 100 : 10000);
        const struct answer *a = world_send_and_run(w, &request);
        assert_int_equal(a->transport, cases[i].transport);
        assert_int_equal(a->status, cases[i].status);
        assert_int_equal(a->streamed, cases[i].streamed);
        const char *streamed = a->pieces.n ? a->pieces.data : "";
        assert_string_equal(streamed, cases[i].streamed ? cases[i].body : "");
        assert_string_equal(a->body ? a->body : "", cases[i].streamed ? "" : cases[i].body);
        assert_true((a->transport == GEN_TRANSPORT_OK) == (a->detail[0] == '\0'));
        /* Without on_data nothing is streamed. */
        request.on_data = NULL;
        a = world_send_and_run(w, &request);
        assert_int_equal(a->transport, cases[i].transport);
        assert_false(a->streamed);
        assert_int_equal(a->pieces.n, 0);
        assert_string_equal(a->body ? a->body : "", cases[i].body);
    }
}

/* Pieces come as the server sends them, not at the end: the first one before the last is sent. */
static void test_pieces_come_early(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = stream_request(w, "/slow", 0);
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_int_equal(a->pieces.n, 290);
    assert_true(a->n_pieces > 2);
}

static void test_no_first_byte(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = stream_request(w, "/close-before", 0);
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_RESET);
    request = stream_request(w, "/hang", 50);
    request.timeout_ms = 200;
    a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_TIMEOUT);
    assert_true(a->latency_us >= 190000); /* the limit of silence had not begun */
}

static void test_size(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = stream_request(w, "/flood", 0);
    request.body_bytes_max = 100000;
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_TOO_LARGE);
    assert_true(a->streamed && a->pieces.n > 0 && a->pieces.n <= 100000);
    assert_int_equal(a->n_body, 0);
    assert_memory_equal(a->pieces.data, EVENTS, strlen(EVENTS));
    request.body_bytes_max = 0;
    a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_int_equal(a->pieces.n, 10001 * strlen(EVENTS));
}

static void test_silence(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = stream_request(w, "/silent", 100);
    const struct answer *a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_TIMEOUT);
    assert_int_equal(a->status, 200);
    assert_true(a->streamed);
    assert_non_null(strstr(a->detail, "nothing for 100 ms"));
    assert_true(a->latency_us >= 95000 && a->latency_us < 10000000);
    /* A server that speaks now and then lives longer than the limit. */
    request = stream_request(w, "/slow", 600);
    a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
    assert_true(a->latency_us >= 700000);
    request = stream_request(w, "/ok", 100);
    a = world_send_and_run(w, &request);
    assert_int_equal(a->transport, GEN_TRANSPORT_OK);
}

static void test_silence_of_many(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 60; i++) {
        struct gen_http_request request =
            stream_request(w, i % 3 ? "/silent" : "/bytes", i % 3 ? 60 + 5 * i : 0);
        (void)world_send(w, i, &request);
    }
    world_run(w);
    for (size_t i = 0; i < 60; i++) {
        const struct answer *a = &w->answers[i];
        assert_int_equal(a->n_calls, 1);
        assert_int_equal(a->transport, i % 3 ? GEN_TRANSPORT_TIMEOUT : GEN_TRANSPORT_OK);
        assert_true(i % 3 == 0 || a->latency_us >= (55 + 5 * i) * 1000);
        /* A server thread that got no time may have been silent before its last byte. */
        if (i % 3 == 0)
            assert_string_equal(a->pieces.data, EVENTS);
    }
}

static void cancel_late(void *ud)
{
    gen_http_cancel(ud);
}

static void test_cancel(void **state)
{
    struct world *w = *state;
    struct gen_http_request request = stream_request(w, "/silent", 20000);
    struct gen_transfer *t = world_send(w, 0, &request);
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, cancel_late, t, NULL), GEN_OK);
    gen_timer_start(timer, 60, 0);
    world_run(w); /* ends: the timer of the watch does not keep the loop running */
    gen_timer_free(timer);
    assert_int_equal(w->answers[0].n_calls, 1);
    assert_int_equal(w->answers[0].transport, GEN_TRANSPORT_CANCELED);
    assert_true(w->answers[0].latency_us < 15000000);
}

static void test_free_in_flight(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 10; i++) {
        struct gen_http_request request = stream_request(w, "/silent", 20000);
        (void)world_send(w, i, &request);
    }
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, (gen_loop_fn *)gen_loop_stop, w->loop, NULL),
                     GEN_OK);
    gen_timer_start(timer, 60, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    gen_timer_free(timer);
    gen_http_free(w->http);
    w->http = NULL;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(w->answers[i].n_calls, 0);
}

static void test_content_types(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_stream;
    } cases[] = {
        {"text/event-stream", true},
        {"TEXT/EVENT-STREAM", true},
        {"text/event-stream;charset=utf-8", true},
        {"text/event-stream ; charset=utf-8", true},
        {"application/x-ndjson", true},
        {"Application/X-Ndjson; a=b", true},
        {"text/event-streams", false},
        {"text/event-strea", false},
        {"application/json; x=text/event-stream", false},
        {"application/json", false},
        {";text/event-stream", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(gen_content_type_is_stream(gen_str_from(cases[i].value)),
                         cases[i].is_stream);
    assert_false(gen_content_type_is_stream((struct gen_str){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_types),
        cmocka_unit_test_setup_teardown(test_outcomes, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_pieces_come_early, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_no_first_byte, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_size, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_silence, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_silence_of_many, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_free_in_flight, setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
