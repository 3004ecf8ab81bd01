/* A tiny HTTP server inside the test process, one thread a connection. What it does is chosen by
 * the path of the request; see http_server.c. Only for tests of net/. */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* An answer that the test itself scripts. Where the path begins with "/early-" the body of the
 * request is not read. */
struct http_reply {
    const char *path; /* NULL: the end of the table */
    const char *head; /* status line and headers, without the empty line */
    const char *body;
    size_t n_body;      /* 0: up to its NUL */
    int n_repeat;       /* the body this many times more */
    bool chunked;       /* each byte of it as a chunk of its own; the head says so */
    bool no_end;        /* without the last chunk */
    int first_pause_ms; /* before the head */
    int head_pause_ms;  /* between head and body */
    int body_pause_ms;  /* before each repetition */
    enum { REPLY_KEEP = 0, REPLY_CLOSE, REPLY_HANG } then;
};

struct http_server {
    const struct http_reply *replies;
    int listener;
    int port;
    atomic_int n_connections;
    atomic_int n_requests;
    atomic_int n_open;
    atomic_size_t n_body_bytes; /* of the last request */
};

/* False when it cannot listen. `replies` go before the built-in paths; may be NULL. */
bool http_server_start(struct http_server *s, const struct http_reply *replies);
/* The connections end when their clients go away; waits for that. */
void http_server_stop(struct http_server *s);

#endif
