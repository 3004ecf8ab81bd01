/*
 * MCP over lines of JSON-RPC 2.0: the revisions 2024-11-05 to 2025-11-25, which open with
 * `initialize`, and 2026-07-28, in which each request carries its version. A connection may mix
 * them. Requests are answered one after another, in order. Knows no file descriptors but those of
 * its workers: lines come in, lines go out through `write`.
 */
#ifndef HDS_SERVER_H
#define HDS_SERVER_H

#include "definition.h"
#include "session.h"

#define HDS_LINE_BYTES_MAX ((size_t)4 << 20)
#define HDS_BATCH_MAX      100

struct hds_server {
    struct hds_session session;
    struct hds_definitions definitions;
    const char *version; /* what `initialize` agreed upon; NULL: nothing yet */
    /* Writes one line; it has its '\n'. */
    int (*write)(void *ud, struct gen_str line, struct gen_error *err);
    void *ud;
};

/* Deals with one line, without its end. What is wrong with the line is answered; an error means
 * that the server cannot go on. */
GEN_MUST_USE int hds_server_take(struct hds_server *s, struct gen_str line, struct gen_error *err);
/* Answers that a line was longer than HDS_LINE_BYTES_MAX. */
GEN_MUST_USE int hds_server_refuse_long(struct hds_server *s, struct gen_error *err);

/* Reads lines from `fd` until its end. */
GEN_MUST_USE int hds_server_run(struct hds_server *s, int fd, struct gen_error *err);

#endif
