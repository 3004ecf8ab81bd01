/*
 * A client of the Model Context Protocol: starts or reaches a server, lists its tools, calls them,
 * and tells what came of each call as an observation for training data. Both eras of the protocol
 * are spoken (formats.md §4.1): revision 2026-07-28, which has no handshake, is asked for first
 * with server/discover; whatever else comes back than its answer or one of its own errors leads to
 * initialize, revision 2025-11-25. Over standard input and output of a child process, over
 * streamable HTTP, or out of a recording (tool/mcp/cassette.h).
 *
 * A call always ends, and exactly once: by its answer, by a time limit, or by the server's end. A
 * server that died is started again for the next call; what it held in memory is lost then, and
 * `generation` has gone up. What is no failure of our own machine is a result with a class, never
 * an error.
 *
 * What it does not do: resources, prompts, roots, sampling, elicitation (the last three are refused
 * when a server asks for them), the GET stream and resumption of HTTP, OAuth.
 *
 * Loop thread. Sources: modelcontextprotocol.io/specification/2026-07-28 and /2025-11-25.
 */
#ifndef GEN_TOOL_MCP_H
#define GEN_TOOL_MCP_H

#include "base/log.h"
#include "base/regex.h"
#include "net/http.h"
#include "os/loop.h"
#include "json/json.h"

struct gen_cassette;

/* Zero stands for the default. */
struct gen_mcp_times {
    uint64_t discover_ms;  /* of server/discover, which older servers may pass over; 5,000 */
    uint64_t handshake_ms; /* of initialize and of each page of the list; 10,000 */
    uint64_t call_ms;      /* of a call, anew with each progress; 60,000 */
    uint64_t hard_ms;      /* of a call, whatever progress it makes; 300,000 */
    uint64_t close_ms;     /* between the end of its input and SIGTERM; 2,000 */
    uint64_t grace_ms;     /* between SIGTERM and SIGKILL; 2,000 */
};

/* All is borrowed until gen_mcp_free. One of argv, url and replay says where the server is. */
struct gen_mcp_options {
    const char *name; /* of the server, in messages and recordings */

    /* A program, looked for in PATH when its name has no '/'. In the arguments and the environment
     * "{sandbox}" stands for the path of the sandbox. */
    const char *const *argv;
    /* Beyond PATH, HOME, LANG and TMPDIR: "NAME" hands ours on, "NAME=value" sets it. May be NULL.
     */
    const char *const *environment;
    const char *cwd; /* NULL: ours, or the sandbox */
    /* A folder of its own, empty at each start, removed at the end. Neither arguments nor
     * observations show its real path: there it is called GEN_MCP_SANDBOX. */
    bool sandbox;

    const char *url; /* of the one endpoint of streamable HTTP */
    struct gen_http *http;
    const char *const *headers;   /* "Name: value"; may be NULL */
    const struct gen_secret *key; /* sent as "Authorization: Bearer ..."; may be NULL */

    struct gen_cassette *replay; /* answers are taken from here, no server is needed */
    struct gen_cassette *record; /* whatever comes back is added here; may be NULL */

    /* Tools that may be called besides those that say readOnlyHint; "*" for all. May be NULL. */
    const char *const *allow;
    /* Where it is found in the text of an answer, the call has failed, isError or not. May be
     * NULL. */
    struct gen_regex *error_pattern;
    size_t observation_bytes_max; /* 0: 16 KB */
    size_t message_bytes_max;     /* of one message of the server; 0: 32 MB */
    size_t tools_max;             /* 0: GEN_TOOLS_MAX of tool/parse.h */
    struct gen_mcp_times times;
    const struct gen_log *log; /* may be NULL */
};

#define GEN_MCP_SANDBOX "/sandbox"

enum gen_mcp_era { GEN_MCP_ERA_UNKNOWN = 0, GEN_MCP_LEGACY, GEN_MCP_MODERN };

enum gen_mcp_class {
    GEN_MCP_OK = 0,
    GEN_MCP_TOOL_ERROR,     /* the tool failed: isError, or the error pattern */
    GEN_MCP_PROTOCOL_ERROR, /* a JSON-RPC error: unknown tool, arguments that the server refuses */
    GEN_MCP_REFUSED,        /* not sent: no such tool, or not allowed */
    GEN_MCP_NEEDS_INPUT,    /* the server wanted an answer of a person or a model before its own */
    GEN_MCP_TIMEOUT,
    GEN_MCP_DIED,      /* the server ended, or could not be started again */
    GEN_MCP_TRANSPORT, /* HTTP: not reached, cut off, an HTTP status that is no answer */
    GEN_MCP_MALFORMED, /* the answer is no JSON, or none that the protocol knows */
    GEN_MCP_TOO_LARGE, /* the answer is over message_bytes_max */
    GEN_MCP_CANCELED,
    GEN_MCP_NOT_RECORDED, /* replay: there is no such call in the recording */
    GEN_MCP_N_CLASSES,
};
const char *gen_mcp_class_name(enum gen_mcp_class c); /* "tool_error" */

/* What came of a call. All views are borrowed for the call-back. */
struct gen_mcp_result {
    enum gen_mcp_class class;
    bool is_error; /* class is not GEN_MCP_OK */
    /* What the model is shown: the text of the content (formats.md §4.3), capped. For the classes
     * from GEN_MCP_PROTOCOL_ERROR on it is a sentence about what happened. */
    struct gen_str observation;
    bool is_capped;                    /* the middle of the observation is left out */
    struct gen_str raw;                /* JSON text of "result", or of "error"; may be empty */
    const struct gen_json *structured; /* structuredContent, or NULL */
    bool breaks_schema;                /* `structured` is not what outputSchema says, or missing */
    int64_t error_code;                /* of GEN_MCP_PROTOCOL_ERROR */
    unsigned generation;               /* of the server that answered; gen_mcp_generation */
    uint64_t duration_us;
};

struct gen_mcp;
struct gen_mcp_call;

/* `failure` is NULL when it went well. */
typedef void gen_mcp_done_fn(void *ud, const struct gen_error *failure);
typedef void gen_mcp_result_fn(void *ud, const struct gen_mcp_result *result);

/* Nothing is started yet. GEN_EUSAGE when the options name no server or several, or a sandbox that
 * they do not ask for. */
GEN_MUST_USE int gen_mcp_new(struct gen_mcp **out, struct gen_loop *loop,
                             const struct gen_mcp_options *options, struct gen_error *err);
/* Kills the server; no call-back comes any more. Not from inside a call-back; before its loop is
 * freed, but after its HTTP client. NULL is fine. */
void gen_mcp_free(struct gen_mcp *m);

/*
 * Starts the server, finds out its era, and lists its tools. `fn` comes once, never from inside of
 * this function. Its failure is GEN_EINPUT for a server that cannot be started or used,
 * GEN_ELIMIT for a list without end.
 */
void gen_mcp_open(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud);

/* After gen_mcp_open, until the next one: */
enum gen_mcp_era gen_mcp_era(const struct gen_mcp *m);
struct gen_str gen_mcp_version(const struct gen_mcp *m); /* of the protocol: "2025-11-25" */
struct gen_str gen_mcp_server(const struct gen_mcp *m);  /* "name version", as it says; or empty */
/* {"tools":[...]}, as gen_tools_parse reads it. */
const struct gen_json *gen_mcp_tools(const struct gen_mcp *m);
/* Goes up with each start of the server and each new session: what a tool changed in the memory of
 * an older one is gone. */
unsigned gen_mcp_generation(const struct gen_mcp *m);
/* Whether a call would go to a server that is there, without starting one. */
bool gen_mcp_is_running(const struct gen_mcp *m);
/* Whether the policy lets a tool be called; else `why` gets a clause (may be NULL). */
GEN_MUST_USE int gen_mcp_allows(const struct gen_mcp *m, struct gen_str tool, bool *allowed,
                                struct gen_buf *why, struct gen_error *err);

/*
 * Calls a tool. `arguments` is the JSON text of an object; copied. `fn` comes once, never from
 * inside of this function; `*out` (may be NULL) is good until then. Any number of calls may run at
 * once. GEN_ESTATE before gen_mcp_open has gone well; GEN_EINPUT when `arguments` is no object.
 */
GEN_MUST_USE int gen_mcp_call(struct gen_mcp *m, struct gen_str tool, struct gen_str arguments,
                              gen_mcp_result_fn *fn, void *ud, struct gen_mcp_call **out,
                              struct gen_error *err);
/* The result comes soon, as GEN_MCP_CANCELED; the server is told, its answer is ignored. */
void gen_mcp_cancel(struct gen_mcp_call *call);

/*
 * Between two examples: the server is ended and started anew, in a fresh sandbox, so that the next
 * example finds nothing of the last one; calls that still run are canceled. Its era and its tools
 * are known and not asked for again. Over HTTP a new session is begun. `fn` as for gen_mcp_open.
 */
void gen_mcp_reset(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud);
/* The same without a restart, for servers that hold nothing: only the counting of equal calls
 * begins anew (cassette.h). */
void gen_mcp_next_example(struct gen_mcp *m);
/* Counts a call of the example without making it: it was made elsewhere. Errors as gen_mcp_call. */
GEN_MUST_USE int gen_mcp_pass(struct gen_mcp *m, struct gen_str tool, struct gen_str arguments,
                              struct gen_error *err);

/* Ends the server in steps: end of its input, SIGTERM, SIGKILL; over HTTP: DELETE of the session.
 * Calls that still run are canceled. `fn` as above, never with a failure. */
void gen_mcp_close(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud);

struct gen_mcp_counts {
    uint64_t n_calls;
    uint64_t by_class[GEN_MCP_N_CLASSES];
    uint64_t n_capped;
    uint64_t n_breaks_schema;
    uint64_t n_restarts;  /* after the server had died */
    uint64_t n_unmatched; /* answers that nobody waits for: late, doubled, with a wrong id */
    uint64_t n_noise;     /* lines that are no messages */
    uint64_t n_refused;   /* requests of the server that were refused */
};
struct gen_mcp_counts gen_mcp_counts(const struct gen_mcp *m);

/* What an observation keeps of a text in at most `bytes_max` bytes (128 at least): all of it, or
 * head and tail, whole characters of them, with "[... 1204 bytes left out ...]" between. Appended.
 * `is_capped` may be NULL. */
GEN_MUST_USE int gen_observation_cap(struct gen_buf *out, struct gen_str text, size_t bytes_max,
                                     bool *is_capped, struct gen_error *err);

#endif
