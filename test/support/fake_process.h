/*
 * Runs fakellm (FAKELLM_PATH) as a child for tests, and asks it over plain blocking sockets.
 * Independent of the code under test. Not for several threads.
 */
#ifndef FAKE_PROCESS_H
#define FAKE_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fake_process {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char url[64]; /* "http://127.0.0.1:PORT", without a slash at the end */
};

/* Starts fakellm with `args` (NULL-terminated, may be NULL) after --port 0, and waits for its port.
 * The child ends with the parent. Returns 0, or -1 with a message on standard error. */
int fake_process_start(struct fake_process *p, const char *const *args);

/* SIGTERM, then waits. Returns the exit status, or -1 if it was killed by a signal or not running.
 * May be called again. */
int fake_process_stop(struct fake_process *p);

/* A connected blocking socket (receive limit 10 s), or -1. The caller closes it. */
int fake_process_connect(const struct fake_process *p);

/* Sends `n` raw bytes on a new connection and reads until the server closes or 10 s pass without a
 * byte. Returns the number of bytes in `out` (NUL-terminated, cut at size - 1), or -1. */
long fake_process_exchange(const struct fake_process *p, const char *raw, size_t n, char *out,
                           size_t size);

/* One request with Connection: close; `body` may be NULL for GET. `out` gets the reply with its
 * header. Returns the HTTP status, 0 when the server closed without one, or -1. */
int fake_process_request(const struct fake_process *p, const char *path, const char *body,
                         char *out, size_t size);

/* A number from GET /fake/stats: "requests", "distinct", "max_concurrent", "cpu_us"... or a member
 * of by_status ("200") or by_fault ("429"), as "by_status.200". 0 if it is absent, -1 on failure.
 */
long long fake_process_stat(const struct fake_process *p, const char *name);

#endif
