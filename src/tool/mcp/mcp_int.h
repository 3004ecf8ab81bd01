/* What the files of tool/mcp/ share. Private to it. */
#ifndef GEN_TOOL_MCP_INT_H
#define GEN_TOOL_MCP_INT_H

#include "tool/mcp/cassette.h"
#include "tool/mcp/mcp.h"

#include "os/scratch.h"
#include "json/schema.h"

#define GEN_MCP_VERSION_MODERN "2026-07-28"
#define GEN_MCP_VERSION_LEGACY "2025-11-25"

enum {
    GEN_RPC_UNKNOWN_METHOD = -32601,
    GEN_MCP_HEADER_MISMATCH = -32020,
    GEN_MCP_MISSING_CAPABILITY = -32021,
    GEN_MCP_UNSUPPORTED_VERSION = -32022,
};

enum gen_mcp_request_kind { GEN_MCP_DISCOVER = 0, GEN_MCP_INITIALIZE, GEN_MCP_LIST, GEN_MCP_CALL };

enum gen_mcp_request_state {
    GEN_MCP_WAITING = 0, /* for the server to be ready */
    GEN_MCP_SENT,
    GEN_MCP_ENDED, /* its outcome is known and still to be told */
};

/* A request of ours: a call, or one of the client's own. */
struct gen_mcp_call {
    struct gen_mcp *m;
    struct gen_mcp_call *next;
    enum gen_mcp_request_kind kind;
    enum gen_mcp_request_state state;
    uint64_t id; /* given when it is sent; 0 before */
    struct gen_timer *timer;
    uint64_t start_us;
    uint64_t hard_at_ms;
    bool was_resent; /* after its session was lost */
    bool has_progressed;

    char *tool;
    struct gen_json_doc *arguments;
    struct gen_cassette_key key;
    gen_mcp_result_fn *fn;
    void *ud;

    enum gen_mcp_class class; /* of GEN_MCP_ENDED, with `message` */
    struct gen_buf message;
};

struct gen_mcp_tool {
    struct gen_str name;
    const struct gen_json *definition;
    struct gen_schema *output; /* NULL: it has none, or none that can be read */
    bool is_read_only;
};

/* A message on its way to the server. */
struct gen_mcp_message {
    struct gen_str text;
    const struct gen_mcp_call *call; /* NULL: a notification or an answer of ours */
    const char *method;              /* NULL: an answer of ours */
};

/* Where the server is. `link` of the client is the transport's own. */
struct gen_mcp_transport {
    GEN_MUST_USE int (*start)(struct gen_mcp *m, struct gen_error *err);
    GEN_MUST_USE int (*send)(struct gen_mcp *m, const struct gen_mcp_message *message,
                             struct gen_error *err);
    /* Nobody waits for the answer to it any more. */
    void (*forget)(struct gen_mcp *m, uint64_t id);
    /* In good order; gen_mcp_stopped comes, perhaps from inside. */
    void (*stop)(struct gen_mcp *m);
    /* At once; nothing comes any more, and it can be started again. Fine when it never was. */
    void (*kill)(struct gen_mcp *m);
    /* Before the client is freed. */
    void (*release)(struct gen_mcp *m);
};
extern const struct gen_mcp_transport gen_mcp_stdio, gen_mcp_http, gen_mcp_replay;

enum gen_mcp_state {
    GEN_MCP_IDLE = 0, /* not started, closed, or dead */
    GEN_MCP_OPENING,
    GEN_MCP_READY,
    GEN_MCP_STOPPING,
};

struct gen_mcp {
    struct gen_loop *loop;
    struct gen_turn *turn;
    struct gen_mcp_options o; /* defaults filled in */
    const struct gen_mcp_transport *transport;
    void *link;
    enum gen_mcp_state state;
    bool is_usable;        /* gen_mcp_open has gone well, gen_mcp_close was not called */
    bool start_after_stop; /* gen_mcp_reset */
    enum gen_mcp_era era;
    char version[32];
    char server[160];
    unsigned generation;
    unsigned n_deaths; /* since the last answer */
    uint64_t last_id;
    struct gen_scratch scratch; /* the sandbox */
    struct gen_buf sandbox;     /* its path without links; empty when there is none now */

    struct gen_mcp_call *calls; /* all of them, in the order of their birth */
    struct gen_mcp_call *own;   /* the client's own request, of which there is one at most */

    gen_mcp_done_fn *done;
    void *done_ud;
    bool is_done; /* `done` is to be told, with `failure` */
    struct gen_error failure;

    struct gen_mcp_pages *pages; /* while the tools are listed */
    struct gen_json_doc *tools_doc;
    struct gen_mcp_tool *tools;
    size_t n_tools;
    struct gen_cassette_track track;
    struct gen_mcp_counts counts;
};

/* ---- incoming.c, client.c: what transports and requests tell it ---- */

/* A message of the server. `id` is the request that it must belong to, or 0: HTTP knows. */
void gen_mcp_receive(struct gen_mcp *m, struct gen_str text, uint64_t id);
/* The answer to `id` (0: to whatever waits) will not come. */
void gen_mcp_lose(struct gen_mcp *m, uint64_t id, enum gen_mcp_class class, const char *format, ...)
    GEN_PRINTF(4, 5);
/* The session is gone: a new one is begun, and `id` sent again in it, once. */
void gen_mcp_lose_session(struct gen_mcp *m, uint64_t id);
/* The server has ended by itself. */
void gen_mcp_die(struct gen_mcp *m, const char *format, ...) GEN_PRINTF(2, 3);
/* It was stopped. */
void gen_mcp_stopped(struct gen_mcp *m);
/* The answer to one of the client's own requests; `error` is NULL when it went well, `result` when
 * it did not. `why` says how it failed. */
void gen_mcp_own_answer(struct gen_mcp *m, enum gen_mcp_request_kind kind,
                        const struct gen_json *result, const struct gen_json *error,
                        enum gen_mcp_class class, const char *why);
/* The list is whole, or cannot be had. */
void gen_mcp_opened(struct gen_mcp *m, const struct gen_error *failure);

/* ---- request.c ---- */

/* The client's own request. `cursor` is that of a list, or empty. Failures are told as answers. */
void gen_mcp_ask(struct gen_mcp *m, enum gen_mcp_request_kind kind, struct gen_str cursor);
void gen_mcp_send_waiting(struct gen_mcp *m);
GEN_MUST_USE int gen_mcp_notify(struct gen_mcp *m, const char *method, struct gen_error *err);
/* Tells the server that nobody waits for the answer any more. */
void gen_mcp_forget(struct gen_mcp *m, const struct gen_mcp_call *call);
/* An answer of ours to a request of the server: {} when `code` is 0. */
void gen_mcp_reply(struct gen_mcp *m, const struct gen_json *id, int code, const char *message);
/* Its outcome is told at the end of the turn. */
void gen_mcp_end(struct gen_mcp_call *call, enum gen_mcp_class class, const char *message);
void gen_mcp_end_all(struct gen_mcp *m, enum gen_mcp_class class, const char *message);
/* Its outcome is told now. `error` as in a JSON-RPC error. */
void gen_mcp_answer(struct gen_mcp_call *call, const struct gen_json *result,
                    const struct gen_json *error);
void gen_mcp_call_progress(struct gen_mcp_call *call);
/* The request sent under `id`, or NULL. */
struct gen_mcp_call *gen_mcp_pending(struct gen_mcp *m, uint64_t id);
/* The only one that is sent and not answered, or NULL. */
struct gen_mcp_call *gen_mcp_only_pending(struct gen_mcp *m);
void gen_mcp_tell_ended(struct gen_mcp *m);
void gen_mcp_call_free(struct gen_mcp_call *call);

/* ---- list.c ---- */

/* Takes a page; asks for the next one or ends with gen_mcp_opened. */
void gen_mcp_list_page(struct gen_mcp *m, const struct gen_json *result);
void gen_mcp_list_release(struct gen_mcp *m);
void gen_mcp_tools_release(struct gen_mcp *m);
const struct gen_mcp_tool *gen_mcp_tool(const struct gen_mcp *m, struct gen_str name);

/* ---- observe.c ---- */

/* Appends the text of a tool's result, capped to `bytes_max`. */
GEN_MUST_USE int gen_mcp_observe(struct gen_buf *out, const struct gen_json *result,
                                 size_t bytes_max, bool *is_capped, struct gen_error *err);

/* ---- sandbox.c ---- */

GEN_MUST_USE int gen_mcp_sandbox_make(struct gen_mcp *m, struct gen_error *err);
void gen_mcp_sandbox_remove(struct gen_mcp *m);
/* Appends `text` with each `from` as `to`; `as_path`: only where a JSON string begins with it, or
 * with it behind "file://", and ends or goes on with '/'. */
GEN_MUST_USE int gen_mcp_rename(struct gen_buf *out, struct gen_str text, struct gen_str from,
                                struct gen_str to, bool as_path, struct gen_error *err);

#endif
