#include "fake_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 64

extern char **environ;

/* Decimal digits at `p`; 0 if there are none. Stops before it would overflow. */
static long long read_number(const char *p)
{
    long long value = 0;
    for (; *p >= '0' && *p <= '9' && value < LLONG_MAX / 10 - 1; p++) {
        value = value * 10 + (*p - '0');
    }
    return value;
}

/* The first line of the child: "listening on 127.0.0.1:PORT". */
static int read_port(int fd, uint16_t *port)
{
    char line[128];
    size_t n = 0;
    while (n + 1 < sizeof(line)) {
        ssize_t got = read(fd, line + n, 1);
        if (got <= 0 || line[n] == '\n') {
            break;
        }
        n++;
    }
    line[n] = '\0';
    const char *colon = strrchr(line, ':');
    long long value = colon == NULL ? 0 : read_number(colon + 1);
    if (value == 0 || value > UINT16_MAX) {
        return -1;
    }
    *port = (uint16_t)value;
    return 0;
}

static int spawn(const char **argv, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    /* posix_spawn wants char *const[] and changes nothing */
    union {
        const char **in;
        char **out;
    } cast = {.in = argv};
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return -1;
    }
    int rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (rc == 0) {
        rc = posix_spawn(pid, FAKELLM_PATH, &actions, NULL, cast.out, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? 0 : -1;
}

int fake_process_start(struct fake_process *p, const char *const *args)
{
    const char *argv[ARGS_MAX] = {FAKELLM_PATH, "--port", "0", "--die-with-parent"};
    size_t n = 4;
    int pipe_fds[2];
    *p = (struct fake_process){0};
    for (; args != NULL && *args != NULL; args++) {
        if (n + 1 == ARGS_MAX) {
            return -1;
        }
        argv[n++] = *args;
    }
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        return -1;
    }
    int rc = spawn(argv, pipe_fds[1], &p->pid);
    (void)close(pipe_fds[1]);
    if (rc == 0) {
        rc = read_port(pipe_fds[0], &p->port);
    }
    (void)close(pipe_fds[0]);
    if (rc != 0) {
        (void)fprintf(stderr, "fake_process: %s did not start\n", FAKELLM_PATH);
        (void)fake_process_stop(p);
        return -1;
    }
    (void)snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", p->port);
    return 0;
}

int fake_process_stop(struct fake_process *p)
{
    int status = 0;
    if (p->pid <= 0) {
        return -1;
    }
    (void)kill(p->pid, SIGTERM);
    pid_t got = waitpid(p->pid, &status, 0);
    p->pid = 0;
    return got > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int fake_process_connect(const struct fake_process *p)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(p->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

long fake_process_exchange(const struct fake_process *p, const char *raw, size_t n, char *out,
                           size_t size)
{
    int fd = fake_process_connect(p);
    size_t at = 0;
    if (fd < 0) {
        return -1;
    }
    for (size_t sent = 0; sent < n;) {
        ssize_t k = send(fd, raw + sent, n - sent, MSG_NOSIGNAL);
        if (k <= 0) {
            break;
        }
        sent += (size_t)k;
    }
    for (;;) {
        char rest[65536];
        ssize_t k = recv(fd, rest, sizeof(rest), 0);
        if (k <= 0) {
            break;
        }
        size_t room = size - 1 - at;
        size_t take = (size_t)k < room ? (size_t)k : room;
        memcpy(out + at, rest, take);
        at += take;
    }
    out[at] = '\0';
    (void)close(fd);
    return (long)at;
}

int fake_process_request(const struct fake_process *p, const char *path, const char *body,
                         char *out, size_t size)
{
    size_t body_len = body == NULL ? 0 : strlen(body);
    size_t cap = body_len + strlen(path) + 256;
    char *raw = malloc(cap);
    if (raw == NULL) {
        return -1;
    }
    int head = snprintf(raw, cap,
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        body == NULL ? "GET" : "POST", path, body_len);
    if (body_len > 0) {
        memcpy(raw + head, body, body_len);
    }
    long n = fake_process_exchange(p, raw, (size_t)head + body_len, out, size);
    free(raw);
    if (n < 0) {
        return -1;
    }
    return n < 12 || strncmp(out, "HTTP/1.1 ", 9) != 0 ? 0 : (int)(read_number(out + 9) % 1000);
}

long long fake_process_stat(const struct fake_process *p, const char *name)
{
    char reply[16384];
    char key[80];
    if (fake_process_request(p, "/fake/stats", NULL, reply, sizeof(reply)) != 200) {
        return -1;
    }
    const char *at = strstr(reply, "\r\n\r\n");
    const char *dot = strchr(name, '.');
    if (dot != NULL) {
        (void)snprintf(key, sizeof(key), "\"%.*s\":{", (int)(dot - name), name);
        at = at == NULL ? NULL : strstr(at, key);
        name = dot + 1;
    }
    (void)snprintf(key, sizeof(key), "\"%s\":", name);
    const char *end = at == NULL || dot == NULL ? NULL : strchr(at, '}');
    at = at == NULL ? NULL : strstr(at, key);
    if (at == NULL || (end != NULL && at > end)) {
        return 0;
    }
    return read_number(at + strlen(key));
}
