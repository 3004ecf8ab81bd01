/*
 * One connection and one request at a time, each connection closed behind its answer. Besides what
 * the modes say the path decides: /json answers with JSON, /sse with server-sent events, of which
 * the first is empty; /plain answers with 500 and text; /denied with 401; /cut ends an event
 * stream early; /moved with 404 and no session. The tool "die" makes it forget all sessions.
 */
#include "fakemcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 1000000

struct http {
    struct fakemcp *s;
    int session; /* the number of the one that is known; 0: none */
    int n_sessions;
    char path[100];
    char head[20000];
    char *body;
};

/* The value of a header, or "". */
static const char *header(const struct http *h, const char *name)
{
    static char value[2000];
    size_t n = strlen(name);
    for (const char *line = strstr(h->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        if (strncasecmp(at, name, n) != 0 || at[n] != ':')
            continue;
        at += n + 1 + strspn(at + n + 1, " ");
        (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r\n"), at);
        return value;
    }
    return "";
}

static void send_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t sent = write(fd, text, n);
        if (sent <= 0)
            return;
        text += sent;
        n -= (size_t)sent;
    }
}

static void reply(int fd, int status, const char *headers, const char *body)
{
    char head[500];
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 %d Status\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
                   status, headers, strlen(body));
    send_all(fd, head, strlen(head));
    send_all(fd, body, strlen(body));
}

static bool read_request(int fd, struct http *h, char *buffer)
{
    size_t n = 0;
    char *end = NULL;
    size_t wanted = SIZE_MAX;
    while (n < wanted && n < REQUEST_MAX) {
        ssize_t got = read(fd, buffer + n, REQUEST_MAX - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        buffer[n] = '\0';
        end = end ? end : strstr(buffer, "\r\n\r\n");
        if (end && wanted == SIZE_MAX) {
            (void)snprintf(h->head, sizeof(h->head), "%.*s", (int)(end + 2 - buffer), buffer);
            wanted = (size_t)(end + 4 - buffer) + strtoul(header(h, "Content-Length"), NULL, 10);
        }
    }
    h->body = end ? end + 4 : NULL;
    const char *path = strchr(buffer, ' ');
    (void)snprintf(h->path, sizeof(h->path), "%.*s", path ? (int)strcspn(path + 1, " ") : 0,
                   path ? path + 1 : "");
    return end != NULL;
}

/* What the specification demands of a request; an answer when it is not met. */
static const char *find_fault(const struct http *h)
{
    const char *method = strstr(h->body, "\"method\":\"");
    char named[200] = "";
    if (!strstr(header(h, "Accept"), "application/json") ||
        !strstr(header(h, "Accept"), "text/event-stream"))
        return "406";
    if (method)
        (void)snprintf(named, sizeof(named), "%.*s", (int)strcspn(method + 10, "\""), method + 10);
    if (h->s->is_modern) {
        if (strcmp(header(h, "MCP-Protocol-Version"), "2026-07-28") != 0)
            return "400 version";
        if (strcmp(header(h, "Mcp-Method"), named) != 0)
            return "400 method";
        if (strcmp(named, "tools/call") == 0 && !*header(h, "Mcp-Name"))
            return "400 name";
    } else if (strcmp(named, "initialize") != 0 && strcmp(named, "server/discover") != 0 &&
               strcmp(header(h, "MCP-Protocol-Version"), "2025-11-25") != 0) {
        return "400 version";
    }
    return NULL;
}

static void answer_message(int fd, struct http *h)
{
    char *lines = NULL;
    size_t n = 0;
    char head[300] = "";
    bool is_initialize = strstr(h->body, "\"initialize\"") != NULL;
    FILE *out = stdout;
    FILE *caught = open_memstream(&lines, &n);
    if (!caught)
        abort();
    stdout = caught;
    if (strstr(h->body, "\"name\":\"die\"")) {
        h->session = 0;
        h->body[0] = '\0';
    }
    fakemcp_handle(h->s, h->body, strlen(h->body));
    (void)fclose(caught);
    stdout = out;
    if (is_initialize && !h->s->is_modern) {
        h->session = ++h->n_sessions;
        (void)snprintf(head, sizeof(head), "Mcp-Session-Id: session-%d\r\n", h->session);
    }
    if (n == 0) {
        reply(fd, 202, head, "");
    } else if (strcmp(h->path, "/sse") == 0 || strcmp(h->path, "/cut") == 0) {
        char *events = NULL;
        size_t n_events = 0;
        FILE *e = open_memstream(&events, &n_events);
        if (!e)
            abort();
        (void)fputs("id: 1\ndata:\n\n", e);
        for (const char *line = lines; *line; line += strcspn(line, "\n") + 1)
            (void)fprintf(e, "event: message\ndata: %.*s\n%s", (int)strcspn(line, "\n"), line,
                          strcmp(h->path, "/cut") == 0 ? "" : "\n");
        (void)fclose(e);
        (void)strncat(head, "Content-Type: text/event-stream\r\n", sizeof(head) - strlen(head) - 1);
        reply(fd, 200, head, events);
        free(events);
    } else {
        (void)strncat(head, "Content-Type: application/json\r\n", sizeof(head) - strlen(head) - 1);
        reply(fd, 200, head, lines);
    }
    free(lines);
}

static void answer(int fd, struct http *h)
{
    char session[64];
    (void)snprintf(session, sizeof(session), "session-%d", h->session);
    const char *fault = find_fault(h);
    bool is_known = strcmp(header(h, "Mcp-Session-Id"), session) == 0;
    if (strncmp(h->head, "DELETE", 6) == 0) {
        h->session = 0;
        (void)printf("deleted %s\n", is_known ? "the session" : "what was not known");
        (void)fflush(stdout);
        reply(fd, 200, "", "");
    } else if (strcmp(h->path, "/plain") == 0) {
        reply(fd, 500, "Content-Type: text/plain\r\n", "the database is down");
    } else if (strcmp(h->path, "/denied") == 0) {
        reply(fd, 401, "", "");
    } else if (strcmp(h->path, "/moved") == 0) {
        reply(fd, 404, "", "");
    } else if (fault) {
        char body[300];
        (void)snprintf(body, sizeof(body),
                       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":"
                       "\"%s\"}}",
                       fault);
        reply(fd, (int)strtoul(fault, NULL, 10), "Content-Type: application/json\r\n", body);
    } else if (*header(h, "Mcp-Session-Id") && !is_known) {
        reply(fd, 404, "", "");
    } else {
        answer_message(fd, h);
    }
}

int fakemcp_serve_http(struct fakemcp *s)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    struct http h = {.s = s};
    char *buffer = malloc(REQUEST_MAX + 1);
    if (!buffer || listener < 0 || bind(listener, (struct sockaddr *)&address, n) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &n) != 0)
        return 1;
    (void)printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    struct pollfd fds[] = {{.fd = listener, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && read_request(fd, &h, buffer))
            answer(fd, &h);
        (void)close(fd);
    }
    free(buffer);
    (void)close(listener);
    return 0;
}
