/*
 * A recording of tool calls, in JSON Lines, so that a run can be repeated without the servers:
 *
 *   {"server","tools":[...],"allow":[...],"remote":true}          what a server listed, the tools
 *                                that the user allowed by name, whether it was reached over HTTP
 *   {"server","tool","arguments","n","after","result":{...}}      an answer
 *   {"server","tool","arguments","n","after","error":{...}}       a JSON-RPC error
 *   {"server","tool","arguments","n","after","failure":{"class","message"}}  no answer
 *
 * The key of a call is the server, the tool, its arguments in canonical form, and `n`: how many
 * equal calls came before it in its example. `after` is a digest of all calls that came before it
 * in its example: where a tool's answer depends on them (a file was written), equal keys have
 * different answers, and the one with the same `after` is the right one. A call that failed for its
 * server's death and was made again is there twice; the answer counts.
 */
#ifndef GEN_TOOL_MCP_CASSETTE_H
#define GEN_TOOL_MCP_CASSETTE_H

#include "json/json.h"

struct gen_cassette;

/* Reads a recording. GEN_EINPUT, GEN_EPARSE: with file and row. */
GEN_MUST_USE int gen_cassette_load(struct gen_cassette **out, const char *path,
                                   struct gen_error *err);
/* Begins a recording; the file appears with gen_cassette_save. */
GEN_MUST_USE int gen_cassette_record(struct gen_cassette **out, const char *path,
                                     struct gen_error *err);
GEN_MUST_USE int gen_cassette_save(struct gen_cassette *c, struct gen_error *err);
void gen_cassette_free(struct gen_cassette *c);

/* Where in an example a call stands. */
struct gen_cassette_key {
    char key[33]; /* of server, tool, arguments and n; hex */
    char after[17];
    unsigned n;
};

/* One example's calls, as one client makes them. Caller owned; zero it for a new example after
 * gen_cassette_track_release. */
struct gen_cassette_track {
    struct gen_cassette_count *counts;
    size_t n_counts;
    uint64_t history;
};
void gen_cassette_track_release(struct gen_cassette_track *t);
/* The next call's key. */
GEN_MUST_USE int gen_cassette_next(struct gen_cassette_track *t, struct gen_str server,
                                   struct gen_str tool, const struct gen_json *arguments,
                                   struct gen_cassette_key *key, struct gen_error *err);

/* What is recorded of a call: exactly one of the three. */
struct gen_cassette_answer {
    struct gen_str result; /* JSON text */
    struct gen_str error;  /* JSON text */
    const char *failure;   /* name of its class, with `message` */
    struct gen_str message;
};

GEN_MUST_USE int gen_cassette_add(struct gen_cassette *c, const struct gen_cassette_key *key,
                                  struct gen_str server, struct gen_str tool,
                                  const struct gen_json *arguments,
                                  const struct gen_cassette_answer *answer, struct gen_error *err);
/* `tools` is {"tools":[...]}; `allow` is NULL-terminated, or NULL. Once for each server; again:
 * nothing. */
GEN_MUST_USE int gen_cassette_add_tools(struct gen_cassette *c, struct gen_str server,
                                        const struct gen_json *tools, const char *const *allow,
                                        bool is_remote, struct gen_error *err);

/* The recorded line of a call, borrowed from the cassette. GEN_EINPUT when there is none, or when
 * there are several under the key and none of them came after the same calls; the message says
 * which call it is. */
GEN_MUST_USE int gen_cassette_find(const struct gen_cassette *c, const struct gen_cassette_key *key,
                                   struct gen_str server, struct gen_str tool,
                                   const struct gen_json **line, struct gen_error *err);
/* The first server whose tools it lists; empty when there is none. */
struct gen_str gen_cassette_server(const struct gen_cassette *c);
/* NULL when the recording has none of this server. */
const struct gen_json *gen_cassette_tools(const struct gen_cassette *c, struct gen_str server);

#endif
