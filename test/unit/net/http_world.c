#include "http_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void world_on_answer(void *ud, const struct gen_http_response *r)
{
    struct answer *a = ud;
    a->n_calls++;
    a->transport = r->transport;
    a->status = r->status;
    free(a->body);
    a->body = gen_str_dup(r->body);
    a->n_body = r->body.n;
    for (size_t i = 0; i < GEN_N_HEADERS; i++)
        (void)snprintf(a->headers[i], sizeof(a->headers[i]), "%.*s", GEN_STR_ARG(r->headers[i]));
    (void)snprintf(a->detail, sizeof(a->detail), "%s", r->detail);
    a->reused = r->reused_connection;
    a->streamed = r->streamed;
    a->latency_us = r->latency_us;
}

void world_on_data(void *ud, struct gen_str piece)
{
    struct answer *a = ud;
    a->n_pieces++;
    if (gen_buf_add_str(&a->pieces, piece, NULL) != GEN_OK)
        abort();
}

int world_setup(void **state, struct gen_http_options options, const struct http_reply *replies)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    for (size_t i = 0; w && i < WORLD_ANSWERS; i++)
        w->answers[i].pieces = gen_buf_make(GEN_BUF_UNLIMITED);
    return w && http_server_start(&w->server, replies) && gen_loop_new(&w->loop, NULL) == GEN_OK &&
                   gen_http_new(&w->http, w->loop, &options, NULL) == GEN_OK &&
                   gen_secret_new(&w->key, GEN_STR("sk-1234"), NULL) == GEN_OK
               ? 0
               : -1;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    gen_http_free(w->http);
    gen_loop_free(w->loop);
    http_server_stop(&w->server);
    gen_secret_free(w->key);
    for (size_t i = 0; i < WORLD_ANSWERS; i++) {
        free(w->answers[i].body);
        gen_buf_release(&w->answers[i].pieces);
    }
    free(w);
    return 0;
}

struct gen_http_request world_request(struct world *w, const char *path)
{
    static const char *const headers[] = {"X-Test: 1", NULL};
    (void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d%s", w->server.port, path);
    return (struct gen_http_request){.url = w->url,
                                     .headers = headers,
                                     .auth_header = "Authorization",
                                     .auth_prefix = "Bearer ",
                                     .key = w->key,
                                     .timeout_ms = 20000};
}

struct gen_transfer *world_send(struct world *w, size_t i, const struct gen_http_request *request)
{
    struct gen_transfer *t = NULL;
    struct gen_error err = {0};
    struct answer *a = &w->answers[i];
    a->world = w;
    a->n_pieces = 0;
    gen_buf_clear(&a->pieces);
    if (gen_http_send(w->http, request, world_on_answer, a, &t, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    return t;
}

struct gen_transfer *world_ask(struct world *w, size_t i, const char *path, const char *body,
                               uint64_t timeout_ms)
{
    struct gen_http_request request = world_request(w, path);
    request.post = body != NULL;
    request.body = gen_str_from(body);
    request.timeout_ms = timeout_ms;
    return world_send(w, i, &request);
}

void world_run(struct world *w)
{
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(gen_http_in_flight(w->http), 0);
}

struct answer *world_send_and_run(struct world *w, const struct gen_http_request *request)
{
    (void)world_send(w, 0, request);
    world_run(w);
    assert_int_equal(w->answers[0].n_calls, 1);
    w->answers[0].n_calls = 0;
    return &w->answers[0];
}

struct answer *world_ask_and_run(struct world *w, const char *path)
{
    struct gen_http_request request = world_request(w, path);
    request.post = true;
    request.body = GEN_STR("{}");
    return world_send_and_run(w, &request);
}
