/* What the files of tool/execute/ share. Private to it. */
#ifndef GEN_TOOL_EXECUTE_EXECUTOR_INT_H
#define GEN_TOOL_EXECUTE_EXECUTOR_INT_H

#include "base/arena.h"
#include "base/regex.h"
#include "tool/execute/executor.h"
#include "tool/mcp/cassette.h"

/* An execution in hand: a call with those before it. */
struct gen_execution {
    struct gen_executor *x;
    struct gen_execution *next; /* in the list that it is in */
    char *example;
    struct gen_call_copy {
        char *tool, *arguments;
    } * calls; /* those before, and the call */
    size_t n_before;
    gen_observation_fn *fn; /* NULL: canceled */
    void *ud;
    unsigned n_restarts;

    struct gen_worker *worker;     /* MCP; NULL: queued */
    struct gen_mcp_call *call;     /* under way */
    struct gen_transfer *transfer; /* HTTP */
    struct gen_cassette_key key;   /* HTTP */
    struct gen_buf failure;        /* what is to be told of one that has failed already */
    const char *failure_class;
    bool is_unsent; /* as in struct gen_observation */
};

/* A server and the example that has it. */
struct gen_worker {
    struct gen_executor *x;
    struct gen_mcp *mcp;
    bool is_open;     /* its tools have been listed once */
    bool is_starting; /* gen_mcp_open or gen_mcp_reset is under way */
    bool is_lost;     /* where it stands is not known */
    unsigned generation;
    size_t n_made;    /* calls that it has carried out for the example, */
    uint64_t history; /* and which they were */
    char *example;    /* NULL: nobody has it */
    uint64_t idle_since_ms;
    struct gen_execution *current;
};

struct gen_executor {
    struct gen_executor_options o; /* defaults filled in; strings in the arena */
    struct gen_arena arena;
    struct gen_turn *turn;
    struct gen_timer *idle_timer;
    struct gen_regex *error_pattern;
    struct gen_cassette *recording, *replayed;
    struct gen_toolset *listed;
    const struct gen_toolset *tools;
    char *name;   /* of the server, in messages and recordings */
    char *server; /* as users read it */
    const char *const *argv;
    bool is_http;
    bool is_remote; /* gen_executor_is_remote */

    struct gen_worker *workers; /* MCP; o.n_workers of them */
    struct gen_execution *queue;
    struct gen_execution *ended;     /* failures to be told in the next turn */
    struct gen_execution *in_flight; /* HTTP */
    size_t n_in_flight;
    struct gen_secret **masked; /* values of the users' headers; n_masked */
    size_t n_masked;

    size_t n_waited; /* servers that are being ended */
    bool is_closing;
    struct gen_error opening;
    struct gen_executor_counts counts;
};

/* ---- pool.c ---- */

/* Makes the client of a worker; it is not started. */
GEN_MUST_USE int gen_worker_init(struct gen_worker *w, struct gen_error *err);
/* Gives queued executions to workers. */
void gen_pool_dispatch(struct gen_executor *x);
void gen_pool_end_example(struct gen_executor *x, struct gen_str example);
void gen_pool_cancel(struct gen_execution *e);

/* ---- executor.c ---- */

/* Tells the observation and frees the execution, which is in no list any more. */
void gen_execution_tell(struct gen_execution *e, const struct gen_observation *o);
/* The same for a failure of class `class_name`, in words. */
void gen_execution_fail(struct gen_execution *e, const char *class_name, const char *message);
/* The same for a call that is not sent, for what it is. */
void gen_execution_refuse(struct gen_execution *e, const char *class_name, const char *message);
void gen_execution_free(struct gen_execution *e);
/* The name that the server knows the tool by. */
struct gen_str gen_executor_tool_name(const struct gen_executor *x, const char *tool);

/* ---- bundled.c ---- */

bool gen_is_bundled_server(struct gen_str name);

/* ---- service.c ---- */

void gen_service_dispatch(struct gen_executor *x);
/* Its answer is not told any more; the transfer frees it. */
void gen_service_cancel(struct gen_execution *e);
/* The base URL is usable; the recording gets the tools. */
GEN_MUST_USE int gen_service_open(struct gen_executor *x, struct gen_error *err);
GEN_MUST_USE int gen_service_allows(const struct gen_executor *x, struct gen_str tool,
                                    bool *allowed, struct gen_buf *why, struct gen_error *err);

#endif
