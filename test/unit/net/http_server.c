#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    struct http_server *server;
    int fd;
    bool used; /* an answer was sent on it */
    char request[262144];
    size_t n;
    char path[64];
};

static bool say(struct connection *c, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t k = send(c->fd, text, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        text += k;
        n -= (size_t)k;
    }
    return true;
}

static bool say_text(struct connection *c, const char *text)
{
    return say(c, text, strlen(text));
}

/* Reads the rest of a body that is too large to be kept. */
static bool read_rest(struct connection *c, size_t n)
{
    static _Thread_local char waste[65536];
    while (n > 0) {
        ssize_t k = recv(c->fd, waste, n < sizeof(waste) ? n : sizeof(waste), 0);
        if (k <= 0)
            return false;
        n -= (size_t)k;
    }
    return true;
}

/* Reads one request, with its body, into c->request; of a large body only the start. */
static bool read_request(struct connection *c)
{
    c->n = 0;
    for (;;) {
        ssize_t k = recv(c->fd, c->request + c->n, sizeof(c->request) - 1 - c->n, 0);
        if (k <= 0)
            return false;
        c->n += (size_t)k;
        c->request[c->n] = '\0';
        const char *end = strstr(c->request, "\r\n\r\n");
        if (!end)
            continue;
        const char *length = strcasestr(c->request, "\r\ncontent-length:");
        size_t n_body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        size_t n_all = (size_t)(end - c->request) + 4 + n_body;
        atomic_store(&c->server->n_body_bytes, n_body);
        if (c->n >= n_all || strstr(c->request, " /early-"))
            break;
        if (c->n == sizeof(c->request) - 1 && !read_rest(c, n_all - c->n))
            return false;
        if (c->n == sizeof(c->request) - 1)
            break;
    }
    const char *path = strchr(c->request, ' ');
    size_t n = path ? strcspn(path + 1, " ") : 0;
    if (!path || n >= sizeof(c->path))
        return false;
    memcpy(c->path, path + 1, n);
    c->path[n] = '\0';
    return true;
}

static bool answer_ok(struct connection *c)
{
    return say_text(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Content-Length: 11\r\n\r\n{\"ok\":true}");
}

/* The whole request as the body. */
static bool answer_echo(struct connection *c)
{
    char head[128];
    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", c->n);
    return say_text(c, head) && say(c, c->request, c->n);
}

static bool answer_slow(struct connection *c)
{
    bool ok = say_text(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char *p = "one byte a chunk, forty-odd of them in all"; ok && *p; p++) {
        char chunk[8];
        (void)snprintf(chunk, sizeof(chunk), "1\r\n%c\r\n", *p);
        ok = say_text(c, chunk);
    }
    return ok && say_text(c, "0\r\n\r\n");
}

static bool answer_big(struct connection *c, bool with_length)
{
    static const char zeros[65536];
    if (!say_text(c, with_length ? "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n"
                                 : "HTTP/1.1 200 OK\r\n\r\n"))
        return false;
    for (size_t i = 0; i < 800; i++)
        if (!say(c, zeros, sizeof(zeros)))
            return false;
    return with_length;
}

static const struct {
    const char *path;
    const char *text;
    bool keep; /* the connection lives on */
} answers[] = {
    {"/close-before", "", false},
    {"/close-mid", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":", false},
    {"/too-short-length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":1234567}", false},
    {"/no-last-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false},
    {"/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", false},
    {"/no-http", "SSH-2.0-OpenSSH_9\r\n", false},
    {"/no-length", "HTTP/1.1 200 OK\r\n\r\nuntil closed", false},
    {"/half-head", "HTTP/1.1 200 OK\r\nContent-Le", false},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n", true},
    {"/rate-limit",
     "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nretry-after-ms:  6500.5 \r\n"
     "X-Should-Retry: true\r\nx-request-id: req_1\r\nContent-Type: application/json\r\n"
     "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 0\r\n"
     "x-ratelimit-reset-requests: 1m2s\r\nx-ratelimit-limit-tokens: 1000\r\n"
     "X-RateLimit-Remaining-Tokens: 17\r\nx-ratelimit-reset-tokens: 6ms\r\n"
     "Content-Length: 13\r\n\r\n{\"error\":\"x\"}",
     true},
    {"/anthropic",
     "HTTP/1.1 200 OK\r\nanthropic-ratelimit-requests-limit: 50\r\nrequest-id: r9\r\n"
     "anthropic-ratelimit-tokens-reset: 2026-01-02T03:04:05Z\r\nContent-Length: 0\r\n\r\n",
     true},
    {"/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", true},
    {"/continue",
     "HTTP/1.1 103 Early Hints\r\nx-request-id: early\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
     true},
    {"/idle-close", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false},
};

/* Until the client goes away. */
static void hang(struct connection *c)
{
    char byte;
    (void)recv(c->fd, &byte, 1, 0);
}

static bool say_body(struct connection *c, const struct http_reply *r)
{
    size_t n = r->n_body ? r->n_body : strlen(r->body);
    if (!r->chunked)
        return say(c, r->body, n);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const char chunk[] = {'1', '\r', '\n', r->body[i], '\r', '\n'};
        ok = say(c, chunk, sizeof(chunk));
    }
    return ok;
}

static bool answer_scripted(struct connection *c, const struct http_reply *r)
{
    if (r->first_pause_ms)
        (void)usleep((useconds_t)r->first_pause_ms * 1000);
    bool ok = say_text(c, r->head) && say_text(c, "\r\n");
    if (r->head_pause_ms)
        (void)usleep((useconds_t)r->head_pause_ms * 1000);
    for (int i = 0; ok && i <= r->n_repeat; i++) {
        if (i > 0 && r->body_pause_ms)
            (void)usleep((useconds_t)r->body_pause_ms * 1000);
        ok = say_body(c, r);
    }
    if (ok && r->chunked && !r->no_end)
        ok = say_text(c, "0\r\n\r\n");
    if (ok && r->then == REPLY_HANG)
        hang(c);
    return ok && r->then == REPLY_KEEP;
}

/* A redirect to the same path of another port: "/redirect-to/307/8080". */
static bool answer_redirect(struct connection *c)
{
    char text[160];
    char *end = NULL;
    unsigned long status = strtoul(c->path + strlen("/redirect-to/"), &end, 10);
    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 %lu Moved\r\nLocation: http://127.0.0.1:%s/ok\r\n"
                   "Content-Length: 0\r\n\r\n",
                   status, end + 1);
    return say_text(c, text);
}

/* False when the connection is to be closed. */
static bool answer(struct connection *c)
{
    for (const struct http_reply *r = c->server->replies; r && r->path; r++)
        if (strcmp(c->path, r->path) == 0)
            return answer_scripted(c, r);
    if (strncmp(c->path, "/redirect-to/", 13) == 0 && strchr(c->path + 13, '/'))
        return answer_redirect(c);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (strcmp(c->path, answers[i].path) == 0)
            return say_text(c, answers[i].text) && answers[i].keep;
    if (strcmp(c->path, "/echo") == 0)
        return answer_echo(c);
    if (strcmp(c->path, "/slow") == 0)
        return answer_slow(c);
    if (strcmp(c->path, "/big") == 0 || strcmp(c->path, "/big-length") == 0)
        return answer_big(c, c->path[4] != '\0');
    if ((strcmp(c->path, "/not-twice") == 0 || strcmp(c->path, "/early-not-twice") == 0) && c->used)
        return false; /* closed just as the second request is written */
    if (strcmp(c->path, "/hang") == 0) {
        hang(c);
        return false;
    }
    return answer_ok(c);
}

static void *serve(void *ud)
{
    struct connection *c = ud;
    while (read_request(c)) {
        atomic_fetch_add(&c->server->n_requests, 1);
        if (!answer(c))
            break;
        c->used = true;
    }
    (void)close(c->fd);
    atomic_fetch_sub(&c->server->n_open, 1);
    free(c);
    return NULL;
}

static void *accept_all(void *ud)
{
    struct http_server *s = ud;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
        pthread_attr_setstacksize(&attributes, 262144) != 0)
        return NULL;
    for (;;) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            break;
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct connection *c = calloc(1, sizeof(*c));
        pthread_t thread;
        if (!c) {
            (void)close(fd);
            continue;
        }
        *c = (struct connection){.server = s, .fd = fd};
        atomic_fetch_add(&s->n_connections, 1);
        atomic_fetch_add(&s->n_open, 1);
        if (pthread_create(&thread, &attributes, serve, c) != 0) {
            (void)close(fd);
            free(c);
            atomic_fetch_sub(&s->n_open, 1);
        }
    }
    (void)pthread_attr_destroy(&attributes);
    atomic_fetch_sub(&s->n_open, 1);
    return NULL;
}

bool http_server_start(struct http_server *s, const struct http_reply *replies)
{
    *s = (struct http_server){.replies = replies,
                              .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(address);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, n) != 0 ||
        listen(s->listener, 4096) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &n) != 0)
        return false;
    s->port = ntohs(address.sin_port);
    atomic_store(&s->n_open, 1);
    pthread_t thread;
    return pthread_create(&thread, NULL, accept_all, s) == 0 && pthread_detach(thread) == 0;
}

void http_server_stop(struct http_server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    while (atomic_load(&s->n_open) > 0)
        (void)usleep(200);
    (void)close(s->listener);
}
