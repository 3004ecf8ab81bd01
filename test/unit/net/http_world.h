/* What the tests of net/http.h share: a server, a loop, a client, and what the answers said. */
#ifndef TEST_HTTP_WORLD_H
#define TEST_HTTP_WORLD_H

#include "http_server.h"
#include "net/http.h"

#define WORLD_ANSWERS 600

struct answer {
    struct world *world;
    int n_calls;
    enum gen_transport transport;
    int status;
    char *body;
    size_t n_body;
    char headers[GEN_N_HEADERS][64];
    char detail[256];
    bool reused;
    bool streamed;
    uint64_t latency_us;
    struct gen_buf pieces; /* what came to on_data */
    int n_pieces;
};

struct world {
    struct http_server server;
    struct gen_loop *loop;
    struct gen_http *http;
    struct gen_secret *key;
    char url[128];
    int n_to_send; /* by the turn-end hook */
    struct answer answers[WORLD_ANSWERS];
};

/* `replies` as http_server.h says; may be NULL. */
int world_setup(void **state, struct gen_http_options options, const struct http_reply *replies);
int world_teardown(void **state);

void world_on_answer(void *ud, const struct gen_http_response *r);
void world_on_data(void *ud, struct gen_str piece);

/* The request that world_ask sends, without its body. */
struct gen_http_request world_request(struct world *w, const char *path);
struct gen_transfer *world_send(struct world *w, size_t i, const struct gen_http_request *request);
/* GET when `body` is NULL. */
struct gen_transfer *world_ask(struct world *w, size_t i, const char *path, const char *body,
                               uint64_t timeout_ms);
/* The loop must end by itself when nothing is in flight, kept-alive connections or not. */
void world_run(struct world *w);
/* Into answers[0]. */
struct answer *world_ask_and_run(struct world *w, const char *path);
struct answer *world_send_and_run(struct world *w, const struct gen_http_request *request);

#endif
