/*
 * Carries out the calls of tools: by MCP servers, by HTTP (operations of an OpenAPI definition), or
 * from a recording. Each example has a server of its own while it lasts, started or reset for it,
 * so that examples do not leak state into each other; there are n_workers of them, and examples
 * wait for one. A call is given with the calls of its example before it: when the example has no
 * server any more (the run was resumed, the server died), they are made again first, on the fresh
 * one.
 *
 * A failed call is an observation like any other, also one that took too long. What is no fault of
 * the call is a failure with a class: "server_failed" (none can be started), "server_died" (in the
 * call, and again in a second try on a fresh server), "server_unreachable" and "server_malformed"
 * (over HTTP, or an answer that is none), "not_recorded", "not_allowed" (not sent: no such tool, or
 * none that only reads), "bad_arguments" (not sent: they fit into no request, or lead out of the
 * allowed URL). Loop thread.
 *
 * Operations of an OpenAPI definition are requests to a service that nobody can reset: nothing is
 * made again, the examples share it, and n_workers limits the requests under way. Redirects are
 * never followed.
 */
#ifndef GEN_TOOL_EXECUTE_EXECUTOR_H
#define GEN_TOOL_EXECUTE_EXECUTOR_H

#include "net/http.h"
#include "tool/mcp/mcp.h"
#include "tool/toolset.h"

/* Texts and lists of them are copied; the rest is borrowed until gen_executor_free. */
struct gen_executor_options {
    struct gen_loop *loop;
    struct gen_http *http; /* for mcp_url and api_url; else NULL */
    const struct gen_log *log;
    const struct gen_toolset *tools; /* NULL: those that the server lists */

    /* Where the calls go: one of the first three. With `replay` none is needed. */
    const char *mcp_command; /* "COMMAND ARGS"; "{sandbox}" in it is a folder of its own */
    const char *mcp_url;
    const char
        *api_url; /* allowed base URL: operations of the toolset go below it, and nowhere else */
    const char *const *headers;     /* "Name: value", for both URLs; NULL-terminated or NULL */
    const struct gen_secret *key;   /* as bearer token; may be NULL */
    const char *const *environment; /* for mcp_command; as gen_mcp_options */
    /* Tools that may be called though they are not marked read-only; "*": all. All are allowed of a
     * bundled server that works in "{sandbox}" and nowhere else. May be NULL. */
    const char *const *allow;
    const char *error_pattern;   /* regex: an observation that has it is a failure; may be NULL */
    const char *record, *replay; /* paths of recordings; may be NULL */
    bool keeps_server;           /* no reset between examples: the server holds nothing */
    size_t n_workers;            /* 0: 4 */
    uint64_t call_timeout_ms;    /* 0: 60,000 */
    uint64_t idle_ms; /* a server whose example makes no call for so long may go to another example,
                         and its state is made again when it is wanted; 0: 30,000 */
    size_t observation_bytes_max; /* 0: 16 KB */
};

struct gen_executor;
/* Checks the options and opens the first server, for which it runs the loop: GEN_EUSAGE, GEN_EINPUT
 * with what the server said. */
GEN_MUST_USE int gen_executor_open(struct gen_executor **out,
                                   const struct gen_executor_options *options,
                                   struct gen_error *err);
/* Ends the servers (runs the loop for it), writes the recording. Executions that are left are not
 * told, and are gone: they must not be canceled any more. */
GEN_MUST_USE int gen_executor_close(struct gen_executor *x, struct gen_error *err);
/* Without order: kills; then only after its HTTP client was freed. After gen_executor_close nothing
 * is left to do. Before its loop is freed. NULL is fine. */
void gen_executor_free(struct gen_executor *x);

/* "name version" as the server says; "replay of FILE"; the base URL. */
struct gen_str gen_executor_server(const struct gen_executor *x);
/* "real" or "replay". */
const char *gen_executor_mode(const struct gen_executor *x);
/* Whether the calls go, or went when they were recorded, to a service over HTTP. */
bool gen_executor_is_remote(const struct gen_executor *x);
/* What the server lists, as a toolset; the options' own where it has none. */
const struct gen_toolset *gen_executor_tools(const struct gen_executor *x);
/* Whether a tool may be called at all; else `why` gets a clause. */
GEN_MUST_USE int gen_executor_allows(const struct gen_executor *x, struct gen_str tool,
                                     bool *allowed, struct gen_buf *why, struct gen_error *err);

struct gen_tool_call {
    struct gen_str tool, arguments; /* JSON text of an object */
};

struct gen_observation {
    bool is_error; /* the server says that the call failed (isError, HTTP status, the pattern) */
    struct gen_str text; /* what a model is shown, capped */
    bool is_capped;
    bool breaks_schema;  /* the structured result is not what the definition promises */
    const char *failure; /* NULL, or the class of what is no fault of the call; `text` says it */
    bool is_unsent;      /* a failure of the call as it was given: it was refused here, and nothing
                            was learned about the server */
};
/* Borrowed for the call. */
typedef void gen_observation_fn(void *ud, const struct gen_observation *o);

struct gen_execution;
/* `example` names the example (its server, its place in the recording). Everything is copied. `fn`
 * comes once, never from inside of this function. */
GEN_MUST_USE int gen_executor_call(struct gen_executor *x, struct gen_str example,
                                   const struct gen_tool_call *before, size_t n_before,
                                   const struct gen_tool_call *call, gen_observation_fn *fn,
                                   void *ud, struct gen_execution **out, struct gen_error *err);
/* `fn` does not come any more. */
void gen_execution_cancel(struct gen_execution *e);
/* The example needs no server any more. Unknown names are fine. */
void gen_executor_end(struct gen_executor *x, struct gen_str example);

/* The observation as the text of an action (engine/step.h), and back; views into `doc`. */
GEN_MUST_USE int gen_observation_write(const struct gen_observation *o, struct gen_buf *out,
                                       struct gen_error *err);
GEN_MUST_USE int gen_observation_read(struct gen_observation *o, struct gen_str text,
                                      struct gen_json_doc **doc, struct gen_error *err);

struct gen_executor_counts {
    uint64_t n_calls, n_errors, n_failures, n_capped, n_breaks_schema;
    uint64_t n_starts, n_replayed; /* servers started; calls made again on a fresh one */
};
struct gen_executor_counts gen_executor_counts(const struct gen_executor *x);

/* The path of a server that comes with this program ("generator-hdf5-mcp"): beside the program,
 * then in ../libexec/generator, then in PATH. GEN_EUSAGE for a name that is none of ours,
 * GEN_EINPUT when it is not installed. */
GEN_MUST_USE int gen_bundled_server(const char *name, struct gen_buf *path, struct gen_error *err);
/* The same as a command for mcp_command, on sample files in a sandbox. */
GEN_MUST_USE int gen_bundled_command(const char *name, struct gen_buf *command,
                                     struct gen_error *err);

#endif
