/*
 * A small HTTP service for tests of calls of OpenAPI operations, on a free port of loopback, which
 * is its first line: "listening on 127.0.0.1:PORT". It ends with the end of its standard input.
 *
 *   /v1/missing, /v1/broken   404 and 500 with a body
 *   /v1/empty                 204
 *   /v1/slow                  answers after 20 seconds
 *   /v1/huge/N                N bytes of text
 *   /v1/redirect              302 to another host
 *   /v1/secrets               says the headers Authorization and X-Api-Key back
 *   /v1/image, /v1/bad-utf8   bytes that are no text
 *   /v1/cut                   ends in the middle of its answer
 *   all else                  {"method","target","x","cookie","type","body"}
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <yyjson.h>

#define REQUEST_MAX ((size_t)1 << 20)

struct request {
    char *text;
    size_t n, head; /* bytes; of them the head with its empty line */
    char method[16], target[4096];
};

static void send_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data += sent;
        n -= (size_t)sent;
    }
}

static void reply(int fd, const char *status, const char *type, const char *body, size_t n)
{
    char head[400];
    int used = snprintf(head, sizeof(head),
                        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        status, type, n);
    send_all(fd, head, (size_t)used);
    send_all(fd, body, n);
}

static void reply_text(int fd, const char *status, const char *type, const char *body)
{
    reply(fd, status, type, body, strlen(body));
}

/* The value of a header, or "". */
static void header(const struct request *r, const char *name, char *out, size_t room)
{
    size_t n = strlen(name);
    *out = '\0';
    for (const char *p = strstr(r->text, "\r\n"); p && p < r->text + r->head;
         p = strstr(p + 2, "\r\n")) {
        const char *line = p + 2;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        line += n + 1 + strspn(line + n + 1, " ");
        (void)snprintf(out, room, "%.*s", (int)strcspn(line, "\r"), line);
        return;
    }
}

static int read_request(int fd, struct request *r)
{
    char length[32];
    size_t wanted = REQUEST_MAX;
    r->text = calloc(1, REQUEST_MAX + 1);
    if (!r->text)
        return -1;
    while (r->n < wanted) {
        ssize_t got = recv(fd, r->text + r->n, REQUEST_MAX - r->n, 0);
        if (got <= 0)
            return -1;
        r->n += (size_t)got;
        const char *end = strstr(r->text, "\r\n\r\n");
        if (!end || r->head)
            continue;
        r->head = (size_t)(end - r->text) + 4;
        header(r, "Content-Length", length, sizeof(length));
        wanted = r->head + strtoul(length, NULL, 10);
    }
    const char *space = strchr(r->text, ' ');
    if (!space)
        return -1;
    (void)snprintf(r->method, sizeof(r->method), "%.*s", (int)(space - r->text), r->text);
    (void)snprintf(r->target, sizeof(r->target), "%.*s", (int)strcspn(space + 1, " "), space + 1);
    return 0;
}

static void put(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct request *r, const char *key,
                const char *name)
{
    char value[2000];
    header(r, name, value, sizeof(value));
    if (*value)
        (void)yyjson_mut_obj_add_strcpy(doc, root, key, value);
}

static void echo(int fd, const struct request *r)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    (void)yyjson_mut_obj_add_str(doc, root, "method", r->method);
    (void)yyjson_mut_obj_add_str(doc, root, "target", r->target);
    put(doc, root, r, "x", "X-Trace");
    put(doc, root, r, "cookie", "Cookie");
    put(doc, root, r, "type", "Content-Type");
    if (r->n > r->head)
        (void)yyjson_mut_obj_add_strn(doc, root, "body", r->text + r->head, r->n - r->head);
    char *text = yyjson_mut_write(doc, 0, NULL);
    reply_text(fd, "200 OK", "application/json", text ? text : "{}");
    free(text);
    yyjson_mut_doc_free(doc);
}

static void say_secrets(int fd, const struct request *r)
{
    char text[5000], authorization[2000], key[2000];
    header(r, "Authorization", authorization, sizeof(authorization));
    header(r, "X-Api-Key", key, sizeof(key));
    (void)snprintf(text, sizeof(text), "{\"a\":\"%s\",\"k\":\"%s\"}", authorization, key);
    reply_text(fd, "200 OK", "application/json", text);
}

static void say_huge(int fd, const struct request *r)
{
    size_t n = strtoul(r->target + strlen("/v1/huge/"), NULL, 10);
    char *text = malloc(n + 1);
    if (!text)
        return;
    memset(text, 'x', n + 1);
    reply(fd, "200 OK", "text/plain", text, n);
    free(text);
}

static void answer(int fd)
{
    struct request r = {.text = NULL};
    if (read_request(fd, &r) == 0) {
        const char *t = r.target;
        if (strcmp(t, "/v1/missing") == 0)
            reply_text(fd, "404 Not Found", "application/json", "{\"error\":\"no such thing\"}");
        else if (strcmp(t, "/v1/broken") == 0)
            reply_text(fd, "500 Internal Server Error", "text/plain", "it broke");
        else if (strcmp(t, "/v1/empty") == 0)
            send_all(fd, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 46);
        else if (strcmp(t, "/v1/slow") == 0)
            (void)sleep(20);
        else if (strncmp(t, "/v1/huge/", 9) == 0)
            say_huge(fd, &r);
        else if (strcmp(t, "/v1/redirect") == 0)
            send_all(fd,
                     "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\n"
                     "Content-Length: 0\r\nConnection: close\r\n\r\n",
                     99);
        else if (strcmp(t, "/v1/secrets") == 0)
            say_secrets(fd, &r);
        else if (strcmp(t, "/v1/image") == 0)
            reply(fd, "200 OK", "image/png", "\x89PNG\0\1\2", 7);
        else if (strcmp(t, "/v1/bad-utf8") == 0)
            reply(fd, "200 OK", "text/plain",
                  "a\xff"
                  "b",
                  3);
        else if (strcmp(t, "/v1/cut") == 0)
            send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 45);
        else
            echo(fd, &r);
    }
    free(r.text);
}

static void serve(int listener)
{
    struct pollfd waits[2] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    while (poll(waits, 2, -1) >= 0 && !waits[1].revents) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (fork() == 0) {
            answer(fd);
            (void)close(fd);
            _exit(0);
        }
        (void)close(fd);
    }
}

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)signal(SIGCHLD, SIG_IGN);
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, n) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&a, &n) != 0)
        return 1;
    (void)printf("listening on 127.0.0.1:%d\n", ntohs(a.sin_port));
    (void)fflush(stdout);
    serve(listener);
    return 0;
}
