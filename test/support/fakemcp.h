/* What the two files of fakemcp share. */
#ifndef FAKEMCP_H
#define FAKEMCP_H

#include <stdbool.h>
#include <stddef.h>

struct fakemcp {
    const char *mode;
    bool is_modern;
    long long muted_id; /* of the call that was not answered */
    long long n_counted;
    long long n_canceled;
    bool was_initialized;
};

/* Handles one message; what it answers goes to standard output, a line each. */
void fakemcp_handle(struct fakemcp *s, const char *text, size_t n);

/* The same server behind streamable HTTP on a free port of loopback, which is its first line:
 * "listening on 127.0.0.1:PORT". It ends with the end of its standard input. */
int fakemcp_serve_http(struct fakemcp *s);

#endif
