/* A tiny HTTP server inside the test process, one thread a connection. What it does is chosen by
 * the path of the request; see http_server.c. Only for tests of net/. */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include <stdatomic.h>

struct http_server {
    int listener;
    int port;
    atomic_int n_connections;
    atomic_int n_requests;
    atomic_int n_open;
};

/* False when it cannot listen. */
_Bool http_server_start(struct http_server *s);
/* The connections end when their clients go away; waits for that. */
void http_server_stop(struct http_server *s);

#endif
