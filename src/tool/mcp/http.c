/*
 * A server behind streamable HTTP: every message of ours is a POST to one endpoint; its answer is
 * JSON, or server-sent events of which the last is the answer. The legacy era has a session, whose
 * loss (404) begins a new one; the modern era says method and tool in headers too.
 */
#include "tool/mcp/mcp_int.h"

#include "base/num.h"
#include "net/sse.h"
#include "tool/mcp/http_headers.h"

#include <stdlib.h>

#define SESSION_BYTES_MAX 1024U
#define SLACK_MS          1000U /* the client's own clock comes first */

struct link {
    struct gen_mcp *m;
    struct gen_turn *turn;
    struct exchange *exchanges;
    char session[SESSION_BYTES_MAX + 1];
    bool is_stopping;
};

/* One POST, or the DELETE of the end. */
struct exchange {
    struct link *link;
    struct exchange *next;
    struct gen_transfer *transfer;
    uint64_t id; /* of the request whose answer it brings; 0: of none, or of one forgotten */
    enum gen_mcp_request_kind kind;
    struct gen_sse sse;
    struct gen_buf events; /* the messages that have come, a NUL behind each */
    int failure;           /* of reading events: GEN_ELIMIT or GEN_ENOMEM */
};

static void exchange_free(struct exchange *e)
{
    gen_sse_release(&e->sse);
    gen_buf_release(&e->events);
    free(e);
}

static void unlink_exchange(struct exchange *e)
{
    struct exchange **at = &e->link->exchanges;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
}

/* ---- answers ---- */

static int on_event(void *ud, const struct gen_sse_event *event, struct gen_error *err)
{
    struct exchange *e = ud;
    /* Servers open a stream with an event without data, for the sake of resumption. */
    if (gen_str_trim(event->data).n == 0)
        return GEN_OK;
    int rc = gen_buf_add_str(&e->events, event->data, err);
    return rc ? rc : gen_buf_add_char(&e->events, '\0', err);
}

/* Called from inside of curl, where nothing may be sent: only kept. */
static void on_data(void *ud, struct gen_str piece)
{
    struct exchange *e = ud;
    if (e->failure == GEN_OK)
        e->failure = gen_sse_feed(&e->sse, piece, on_event, e, NULL);
    gen_loop_wake(e->link->m->loop);
}

/* Hands on what has come. The client may send, and forget, meanwhile. */
static void hand_on_events(struct exchange *e)
{
    struct gen_mcp *m = e->link->m;
    struct gen_buf events = e->events;
    e->events = gen_buf_make(events.bytes_max);
    struct gen_str rest = gen_buf_str(&events);
    while (rest.n) {
        size_t n = strlen(rest.p);
        gen_mcp_receive(m, gen_str_sub(rest, 0, n), 0);
        rest = gen_str_sub(rest, n + 1, rest.n);
    }
    gen_buf_release(&events);
}

static void on_deliver(void *ud)
{
    struct link *l = ud;
    struct exchange *e = l->exchanges;
    while (e) {
        /* The session comes with the head of the handshake's answer, which is told at its end. */
        if (e->events.n && e->kind != GEN_MCP_INITIALIZE) {
            hand_on_events(e);
            e = l->exchanges; /* it may have changed */
        } else {
            e = e->next;
        }
    }
}

static void lose_transport(struct gen_mcp *m, uint64_t id, const struct gen_http_response *r)
{
    if (r->transport == GEN_TRANSPORT_TOO_LARGE)
        gen_mcp_lose(m, id, GEN_MCP_TOO_LARGE, "an answer of the server %s is over %zu bytes",
                     m->o.name, m->o.message_bytes_max);
    else
        gen_mcp_lose(m, id, GEN_MCP_TRANSPORT, "the server %s at %s was not reached: %s", m->o.name,
                     m->o.url, r->detail);
}

static void keep_session(struct link *l, struct gen_str session)
{
    if (session.n == 0 || session.n > SESSION_BYTES_MAX)
        return;
    memcpy(l->session, session.p, session.n);
    l->session[session.n] = '\0';
}

static void lose_status(struct gen_mcp *m, const struct exchange *e,
                        const struct gen_http_response *r)
{
    if (r->status == 401 || r->status == 403)
        gen_mcp_lose(m, e->id, GEN_MCP_TRANSPORT,
                     "the server %s at %s wants an authorisation that was not given (HTTP %d)",
                     m->o.name, m->o.url, r->status);
    else
        /* In the handshake that is what an older server says to a newer client. */
        gen_mcp_lose(m, e->id, e->kind == GEN_MCP_DISCOVER ? GEN_MCP_MALFORMED : GEN_MCP_TRANSPORT,
                     "the server %s at %s answered with HTTP %d: %.*s", m->o.name, m->o.url,
                     r->status, GEN_STR_ARG(gen_str_sub(gen_str_trim(r->body), 0, 200)));
}

static bool is_message(struct gen_str body)
{
    return body.n && body.p[0] == '{' && gen_str_find(body, GEN_STR("\"jsonrpc\""), 0) != SIZE_MAX;
}

/* The answer to a request, in whatever form. */
static void take_answer(struct exchange *e, const struct gen_http_response *r)
{
    struct link *l = e->link;
    struct gen_mcp *m = l->m;
    struct gen_str body = gen_str_trim(r->body);
    bool is_good = r->status >= 200 && r->status < 300;
    if (e->kind == GEN_MCP_INITIALIZE && is_good)
        keep_session(l, r->headers[GEN_HEADER_MCP_SESSION]);
    if (e->events.n)
        hand_on_events(e);
    if (!gen_mcp_pending(m, e->id))
        return;
    if (e->failure) {
        gen_mcp_lose(m, e->id, GEN_MCP_TOO_LARGE, "an answer of the server %s is over %zu bytes",
                     m->o.name, m->o.message_bytes_max);
    } else if (r->transport != GEN_TRANSPORT_OK) {
        lose_transport(m, e->id, r);
    } else if (is_good && body.n) {
        gen_mcp_receive(m, body, e->id);
        if (gen_mcp_pending(m, e->id))
            gen_mcp_lose(m, e->id, GEN_MCP_MALFORMED, "the server %s answered to another request",
                         m->o.name);
    } else if (is_good) {
        gen_mcp_lose(m, e->id, GEN_MCP_TRANSPORT,
                     "the server %s ended its answer before it was "
                     "whole",
                     m->o.name);
    } else if (r->status == 404 && l->session[0]) {
        l->session[0] = '\0';
        gen_mcp_lose_session(m, e->id);
    } else if (is_message(body)) {
        gen_mcp_receive(m, body, e->id);
    } else {
        lose_status(m, e, r);
    }
}

static void on_response(void *ud, const struct gen_http_response *r)
{
    struct exchange *e = ud;
    struct link *l = e->link;
    e->transfer = NULL;
    if (e->id)
        take_answer(e, r);
    unlink_exchange(e);
    exchange_free(e);
    if (l->is_stopping && !l->exchanges) {
        l->is_stopping = false;
        gen_mcp_stopped(l->m);
    }
}

/* ---- requests ---- */

static int add_era_headers(const struct gen_mcp *m, const struct gen_mcp_message *message,
                           struct gen_mcp_headers *h, struct gen_error *err)
{
    const struct gen_mcp_call *call = message->call;
    const struct link *l = m->link;
    int rc = GEN_OK;
    if (m->era != GEN_MCP_MODERN && !(call && call->kind == GEN_MCP_DISCOVER)) {
        bool is_first = call && call->kind == GEN_MCP_INITIALIZE;
        if (!is_first)
            rc = gen_mcp_headers_put(h, "MCP-Protocol-Version", gen_str_from(m->version), err);
        if (rc == GEN_OK && l->session[0] && !is_first)
            rc = gen_mcp_headers_put(h, "Mcp-Session-Id", gen_str_from(l->session), err);
        return rc;
    }
    rc = gen_mcp_headers_add(h, "MCP-Protocol-Version: " GEN_MCP_VERSION_MODERN, err);
    if (rc == GEN_OK && message->method)
        rc = gen_mcp_headers_put(h, "Mcp-Method", gen_str_from(message->method), err);
    if (rc || !call || call->kind != GEN_MCP_CALL)
        return rc;
    const struct gen_mcp_tool *tool = gen_mcp_tool(m, gen_str_from(call->tool));
    rc = gen_mcp_headers_put(h, "Mcp-Name", gen_str_from(call->tool), err);
    if (rc == GEN_OK && tool)
        rc = gen_mcp_headers_put_params(h, gen_json_get(tool->definition, "inputSchema"),
                                        gen_json_root(call->arguments), err);
    return rc;
}

static int add_headers(const struct gen_mcp *m, const struct gen_mcp_message *message,
                       struct gen_mcp_headers *h, struct gen_error *err)
{
    int rc = gen_mcp_headers_add(h, "Accept: application/json, text/event-stream", err);
    if (rc == GEN_OK)
        rc = add_era_headers(m, message, h, err);
    for (const char *const *line = m->o.headers; rc == GEN_OK && line && *line; line++)
        rc = gen_mcp_headers_add(h, *line, err);
    return rc;
}

/* Sends it, and links the exchange. */
static int exchange_start(struct gen_mcp *m, struct gen_http_request *request,
                          const struct gen_mcp_call *call, struct gen_error *err)
{
    struct link *l = m->link;
    struct exchange *e = calloc(1, sizeof(*e));
    if (!e)
        return gen_nomem(err, "a request");
    e->link = l;
    e->id = call ? call->id : 0;
    e->kind = call ? call->kind : GEN_MCP_LIST;
    e->sse = gen_sse_make(GEN_SSE_EVENTS, m->o.message_bytes_max);
    e->events = gen_buf_make(gen_size_add(m->o.message_bytes_max, m->o.message_bytes_max));
    request->url = m->o.url;
    request->on_data = on_data;
    request->body_bytes_max = m->o.message_bytes_max;
    if (m->o.key) {
        request->auth_header = "Authorization";
        request->auth_prefix = "Bearer ";
        request->key = m->o.key;
    }
    int rc = gen_http_send(m->o.http, request, on_response, e, &e->transfer, err);
    if (rc) {
        exchange_free(e);
        return rc;
    }
    e->next = l->exchanges;
    l->exchanges = e;
    return GEN_OK;
}

static int post(struct gen_mcp *m, const struct gen_mcp_message *message, struct gen_error *err)
{
    const struct gen_mcp_call *call = message->call;
    /* The modern era has no notifications of clients here: what is closed is canceled. */
    if (!call && m->era == GEN_MCP_MODERN)
        return GEN_OK;
    const struct gen_mcp_tool *tool =
        call && call->tool ? gen_mcp_tool(m, gen_str_from(call->tool)) : NULL;
    struct gen_mcp_headers h = {.arena = gen_arena_make((size_t)1 << 20)};
    int rc = add_headers(m, message, &h, err);
    if (rc == GEN_OK) {
        struct gen_http_request request = {
            .post = true,
            .body = message->text,
            /* What changes something must not happen twice. */
            .once = call && call->kind == GEN_MCP_CALL && !(tool && tool->is_read_only),
            .headers = h.lines,
            .timeout_ms = m->o.times.hard_ms + SLACK_MS,
        };
        rc = exchange_start(m, &request, call, err);
    }
    gen_arena_release(&h.arena);
    return rc;
}

/* ---- life ---- */

static int start(struct gen_mcp *m, struct gen_error *err)
{
    struct link *l = m->link;
    if (l) {
        l->session[0] = '\0';
        return GEN_OK;
    }
    if (!m->o.http)
        return gen_fail(err, GEN_EUSAGE, "the MCP server %s has no HTTP client", m->o.name);
    l = calloc(1, sizeof(*l));
    if (!l)
        return gen_nomem(err, "an MCP client");
    l->m = m;
    int rc = gen_turn_new(&l->turn, m->loop, on_deliver, NULL, l, err);
    if (rc)
        free(l);
    else
        m->link = l;
    return rc;
}

static void forget(struct gen_mcp *m, uint64_t id)
{
    struct link *l = m->link;
    for (struct exchange *e = l->exchanges; e; e = e->next) {
        if (e->id != id)
            continue;
        e->id = 0;
        if (e->transfer)
            gen_http_cancel(e->transfer);
    }
}

static void abandon_all(struct link *l)
{
    for (struct exchange *e = l->exchanges; e; e = e->next) {
        e->id = 0;
        if (e->transfer)
            gen_http_cancel(e->transfer);
    }
}

static void kill_all(struct gen_mcp *m)
{
    struct link *l = m->link;
    if (!l)
        return;
    abandon_all(l);
    l->session[0] = '\0';
}

static void end_session(struct gen_mcp *m)
{
    struct link *l = m->link;
    struct gen_mcp_headers h = {.arena = gen_arena_make((size_t)1 << 20)};
    const struct gen_mcp_message nothing = {.method = NULL};
    if (add_headers(m, &nothing, &h, NULL) == GEN_OK) {
        struct gen_http_request request = {
            .is_delete = true, .headers = h.lines, .timeout_ms = m->o.times.close_ms};
        /* A courtesy: the server forgets the session in its own time as well. */
        (void)exchange_start(m, &request, NULL, NULL);
    }
    gen_arena_release(&h.arena);
    l->session[0] = '\0';
}

static void stop(struct gen_mcp *m)
{
    struct link *l = m->link;
    if (l) {
        abandon_all(l);
        if (l->session[0])
            end_session(m);
        l->is_stopping = l->exchanges != NULL;
    }
    if (!l || !l->is_stopping)
        gen_mcp_stopped(m);
}

static void release(struct gen_mcp *m)
{
    struct link *l = m->link;
    if (!l)
        return;
    while (l->exchanges) {
        struct exchange *next = l->exchanges->next;
        exchange_free(l->exchanges);
        l->exchanges = next;
    }
    gen_turn_free(l->turn);
    free(l);
    m->link = NULL;
}

const struct gen_mcp_transport gen_mcp_http = {
    .start = start,
    .send = post,
    .forget = forget,
    .stop = stop,
    .kill = kill_all,
    .release = release,
};
