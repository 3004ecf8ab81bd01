/*
 * first_request: how long a command takes to send its first model request. It listens on a port of
 * its own, runs the command with "PORT" in its arguments replaced, answers each GET with an empty
 * object, and at the first POST prints {"ms":1.234} and ends the command.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS         10000
#define CONNECTIONS_MAX 256

static double now_ms(void)
{
    struct timespec t = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000.0 + (double)t.tv_nsec / 1e6;
}

static int listen_anywhere(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) != 0) {
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* The argument with its first "PORT" replaced; on the heap when it has one. */
static char *with_port(char *argument, unsigned port)
{
    char *at = strstr(argument, "PORT");
    char *out = NULL;
    size_t n = strlen(argument) + 16;
    if (at == NULL || (out = malloc(n)) == NULL) {
        return argument;
    }
    (void)snprintf(out, n, "%.*s%u%s", (int)(at - argument), argument, port, at + 4);
    return out;
}

/* True when the first POST has come. */
static bool serve(int fd)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                "Content-Length: 2\r\n\r\n{}";
    char head[4096];
    ssize_t n = recv(fd, head, sizeof(head), 0);
    if (n >= 4 && memcmp(head, "POST", 4) == 0) {
        return true;
    }
    if (n > 0) {
        (void)send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL);
    }
    return false;
}

static bool wait_for_post(int listener)
{
    struct pollfd fds[CONNECTIONS_MAX + 1] = {{.fd = listener, .events = POLLIN}};
    nfds_t n = 1;
    for (double end = now_ms() + WAIT_MS; now_ms() < end;) {
        if (poll(fds, n, 100) <= 0) {
            continue;
        }
        for (nfds_t i = 1; i < n; i++) {
            if ((fds[i].revents & POLLIN) != 0 && serve(fds[i].fd)) {
                return true;
            }
            if ((fds[i].revents & (POLLHUP | POLLERR)) != 0) {
                (void)close(fds[i].fd);
                fds[i].fd = -1;
            }
        }
        if ((fds[0].revents & POLLIN) != 0 && n <= CONNECTIONS_MAX) {
            fds[n++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    unsigned port = 0;
    int listener = argc < 2 ? -1 : listen_anywhere(&port);
    if (listener < 0) {
        (void)fprintf(stderr, "usage: first_request COMMAND [ARGUMENT with PORT in it...]\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        argv[i] = with_port(argv[i], port);
    }
    double begin = now_ms();
    pid_t child = fork();
    if (child == 0) {
        if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
            (void)execvp(argv[1], argv + 1);
        }
        perror(argv[1]);
        _exit(127);
    }
    bool came = child > 0 && wait_for_post(listener);
    double took = now_ms() - begin;
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
    }
    if (!came) {
        (void)fprintf(stderr, "first_request: no POST within %d ms\n", WAIT_MS);
        return 1;
    }
    (void)printf("{\"ms\":%.2f}\n", took);
    return 0;
}
