/* Requests: how they are written, sent, timed, and how their outcome is told. */
#include "tool/mcp/mcp_int.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES_MAX ((size_t)64 << 20)
#define SENTENCE_MAX      ((size_t)4096)
#define PROTOCOL_KEY      "io.modelcontextprotocol/protocolVersion"
#define CAPABILITIES_KEY  "io.modelcontextprotocol/clientCapabilities"
#define CLIENT_KEY        "io.modelcontextprotocol/clientInfo"

static const char *const methods[] = {
    [GEN_MCP_DISCOVER] = "server/discover",
    [GEN_MCP_INITIALIZE] = "initialize",
    [GEN_MCP_LIST] = "tools/list",
    [GEN_MCP_CALL] = "tools/call",
};

/* ---- writing ---- */

static struct gen_jmut *client_info(struct gen_jb *b)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_cstr(b, o, "name", "generator");
    gen_jb_put_cstr(b, o, "version", GEN_VERSION);
    return o;
}

/* What every request of the modern era carries, and the token of progress. */
static void put_meta(struct gen_jb *b, struct gen_jmut *params, const struct gen_mcp_call *call)
{
    bool is_modern = call->m->era == GEN_MCP_MODERN || call->kind == GEN_MCP_DISCOVER;
    if (!is_modern && call->kind != GEN_MCP_CALL)
        return;
    struct gen_jmut *meta = gen_jb_object(b);
    if (is_modern) {
        gen_jb_put_cstr(b, meta, PROTOCOL_KEY, GEN_MCP_VERSION_MODERN);
        gen_jb_put(b, meta, CAPABILITIES_KEY, gen_jb_object(b));
        gen_jb_put(b, meta, CLIENT_KEY, client_info(b));
    }
    if (call->kind == GEN_MCP_CALL)
        gen_jb_put_int(b, meta, "progressToken", (int64_t)call->id);
    gen_jb_put(b, params, "_meta", meta);
}

static void put_params(struct gen_jb *b, struct gen_jmut *params, const struct gen_mcp_call *call,
                       struct gen_str cursor, struct gen_str arguments)
{
    switch (call->kind) {
    case GEN_MCP_INITIALIZE:
        gen_jb_put_cstr(b, params, "protocolVersion", GEN_MCP_VERSION_LEGACY);
        gen_jb_put(b, params, "capabilities", gen_jb_object(b));
        gen_jb_put(b, params, "clientInfo", client_info(b));
        break;
    case GEN_MCP_LIST:
        if (cursor.n)
            gen_jb_put_str(b, params, "cursor", cursor);
        break;
    case GEN_MCP_CALL:
        gen_jb_put_cstr(b, params, "name", call->tool);
        gen_jb_put(b, params, "arguments", gen_jb_raw(b, arguments));
        break;
    default:
        break;
    }
    put_meta(b, params, call);
}

/* The arguments as the server gets them: with the real path of the sandbox. */
static int write_arguments(const struct gen_mcp_call *call, struct gen_buf *out,
                           struct gen_error *err)
{
    const struct gen_json *arguments = gen_json_root(call->arguments);
    const struct gen_mcp *m = call->m;
    if (!m->sandbox.n)
        return gen_json_write(out, arguments, GEN_JSON_COMPACT, err);
    struct gen_buf text = gen_buf_make(MESSAGE_BYTES_MAX);
    int rc = gen_json_write(&text, arguments, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK)
        rc = gen_mcp_rename(out, gen_buf_str(&text), GEN_STR(GEN_MCP_SANDBOX),
                            gen_buf_str(&m->sandbox), true, err);
    gen_buf_release(&text);
    return rc;
}

static int write_request(const struct gen_mcp_call *call, struct gen_str cursor,
                         struct gen_buf *out, struct gen_error *err)
{
    struct gen_buf arguments = gen_buf_make(MESSAGE_BYTES_MAX);
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK && call->kind == GEN_MCP_CALL)
        rc = write_arguments(call, &arguments, err);
    if (rc == GEN_OK) {
        struct gen_jmut *root = gen_jb_object(b);
        struct gen_jmut *params = gen_jb_object(b);
        gen_jb_put_cstr(b, root, "jsonrpc", "2.0");
        gen_jb_put_int(b, root, "id", (int64_t)call->id);
        gen_jb_put_cstr(b, root, "method", methods[call->kind]);
        put_params(b, params, call, cursor, gen_buf_str(&arguments));
        gen_jb_put(b, root, "params", params);
        rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    }
    gen_jb_free(b);
    gen_buf_release(&arguments);
    return rc;
}

/* ---- sending ---- */

static uint64_t time_limit_ms(const struct gen_mcp_call *call)
{
    const struct gen_mcp_times *times = &call->m->o.times;
    if (call->kind == GEN_MCP_DISCOVER)
        return times->discover_ms;
    if (call->kind != GEN_MCP_CALL)
        return times->handshake_ms;
    return times->call_ms < times->hard_ms ? times->call_ms : times->hard_ms;
}

static void on_timeout(void *ud)
{
    struct gen_mcp_call *call = ud;
    struct gen_mcp *m = call->m;
    bool is_hard = gen_loop_now_us() / 1000 >= call->hard_at_ms;
    char message[300];
    /* The limit and not the time that has passed: it is the same in each run. */
    (void)snprintf(message, sizeof(message),
                   "the server %s did not answer %s%s%s within %" PRIu64 " ms%s", m->o.name,
                   methods[call->kind], call->tool ? " " : "", call->tool ? call->tool : "",
                   is_hard ? m->o.times.hard_ms : time_limit_ms(call),
                   call->has_progressed && !is_hard ? " of its last sign of progress" : "");
    if (call->kind != GEN_MCP_INITIALIZE)
        gen_mcp_forget(m, call);
    if (call->kind == GEN_MCP_CALL)
        gen_mcp_end(call, GEN_MCP_TIMEOUT, message);
    else
        gen_mcp_own_answer(m, call->kind, NULL, NULL, GEN_MCP_TIMEOUT, message);
}

static int start_timer(struct gen_mcp_call *call, struct gen_error *err)
{
    call->hard_at_ms = gen_loop_now_us() / 1000 + call->m->o.times.hard_ms;
    int rc =
        call->timer ? GEN_OK : gen_timer_new(&call->timer, call->m->loop, on_timeout, call, err);
    if (rc == GEN_OK)
        gen_timer_start(call->timer, time_limit_ms(call), 0);
    return rc;
}

void gen_mcp_call_progress(struct gen_mcp_call *call)
{
    const struct gen_mcp_times *times = &call->m->o.times;
    uint64_t now_ms = gen_loop_now_us() / 1000;
    call->has_progressed = true;
    uint64_t left_ms = call->hard_at_ms > now_ms ? call->hard_at_ms - now_ms : 0;
    gen_timer_start(call->timer, times->call_ms < left_ms ? times->call_ms : left_ms, 0);
}

static int send(struct gen_mcp_call *call, struct gen_str cursor, struct gen_error *err)
{
    struct gen_mcp *m = call->m;
    struct gen_buf text = gen_buf_make(MESSAGE_BYTES_MAX);
    call->id = ++m->last_id;
    int rc = write_request(call, cursor, &text, err);
    if (rc == GEN_OK)
        rc = start_timer(call, err);
    if (rc == GEN_OK) {
        /* Before it is sent: a transport may know the answer at once. */
        call->state = GEN_MCP_SENT;
        rc = m->transport->send(m,
                                &(struct gen_mcp_message){.text = gen_buf_str(&text),
                                                          .call = call,
                                                          .method = methods[call->kind]},
                                err);
    }
    gen_buf_release(&text);
    return rc;
}

void gen_mcp_send_waiting(struct gen_mcp *m)
{
    struct gen_error err = {.msg = ""};
    for (struct gen_mcp_call *c = m->calls; c && m->state == GEN_MCP_READY; c = c->next) {
        if (c->state == GEN_MCP_WAITING && send(c, (struct gen_str){NULL, 0}, &err))
            gen_mcp_end(c, GEN_MCP_TRANSPORT, err.msg);
    }
}

void gen_mcp_ask(struct gen_mcp *m, enum gen_mcp_request_kind kind, struct gen_str cursor)
{
    struct gen_error err = {.msg = "out of memory"};
    gen_mcp_call_free(m->own);
    m->own = calloc(1, sizeof(*m->own));
    int rc = m->own ? GEN_OK : GEN_ENOMEM;
    if (m->own) {
        m->own->m = m;
        m->own->kind = kind;
        m->own->start_us = gen_loop_now_us();
        m->own->message = gen_buf_make(SENTENCE_MAX);
        rc = send(m->own, cursor, &err);
    }
    if (rc)
        gen_mcp_own_answer(m, kind, NULL, NULL, GEN_MCP_TRANSPORT, err.msg);
}

static int send_small(struct gen_mcp *m, struct gen_jb *b, const struct gen_jmut *root,
                      const char *method, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(MESSAGE_BYTES_MAX);
    int rc = gen_jb_write(b, root, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = m->transport->send(
            m, &(struct gen_mcp_message){.text = gen_buf_str(&text), .method = method}, err);
    gen_buf_release(&text);
    return rc;
}

int gen_mcp_notify(struct gen_mcp *m, const char *method, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    gen_jb_put_cstr(b, root, "jsonrpc", "2.0");
    gen_jb_put_cstr(b, root, "method", method);
    rc = send_small(m, b, root, method, err);
    gen_jb_free(b);
    return rc;
}

void gen_mcp_forget(struct gen_mcp *m, const struct gen_mcp_call *call)
{
    static const char method[] = "notifications/cancelled";
    struct gen_jb *b = NULL;
    m->transport->forget(m, call->id);
    if (gen_jb_new(&b, NULL))
        return;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *params = gen_jb_object(b);
    gen_jb_put_cstr(b, root, "jsonrpc", "2.0");
    gen_jb_put_cstr(b, root, "method", method);
    gen_jb_put_int(b, params, "requestId", (int64_t)call->id);
    gen_jb_put_cstr(b, params, "reason", "the client does not wait any longer");
    gen_jb_put(b, root, "params", params);
    /* A courtesy: a server that cannot be told will not be asked about it either. */
    (void)send_small(m, b, root, method, NULL);
    gen_jb_free(b);
}

void gen_mcp_reply(struct gen_mcp *m, const struct gen_json *id, int code, const char *message)
{
    struct gen_jb *b = NULL;
    if (gen_jb_new(&b, NULL))
        return;
    struct gen_jmut *root = gen_jb_object(b);
    gen_jb_put_cstr(b, root, "jsonrpc", "2.0");
    gen_jb_put(b, root, "id", gen_jb_copy(b, id));
    if (code) {
        struct gen_jmut *error = gen_jb_object(b);
        gen_jb_put_int(b, error, "code", code);
        gen_jb_put_cstr(b, error, "message", message);
        gen_jb_put(b, root, "error", error);
    } else {
        gen_jb_put(b, root, "result", gen_jb_object(b));
    }
    /* Who does not get it waits for it in vain, and says so in its own time. */
    (void)send_small(m, b, root, NULL, NULL);
    gen_jb_free(b);
}

/* ---- outcomes ---- */

void gen_mcp_call_free(struct gen_mcp_call *call)
{
    if (!call)
        return;
    gen_timer_free(call->timer);
    gen_json_doc_free(call->arguments);
    gen_buf_release(&call->message);
    free(call->tool);
    free(call);
}

struct gen_mcp_call *gen_mcp_pending(struct gen_mcp *m, uint64_t id)
{
    if (id == 0)
        return NULL;
    if (m->own && m->own->state == GEN_MCP_SENT && m->own->id == id)
        return m->own;
    for (struct gen_mcp_call *c = m->calls; c; c = c->next) {
        if (c->state == GEN_MCP_SENT && c->id == id)
            return c;
    }
    return NULL;
}

struct gen_mcp_call *gen_mcp_only_pending(struct gen_mcp *m)
{
    struct gen_mcp_call *only = m->own && m->own->state == GEN_MCP_SENT ? m->own : NULL;
    for (struct gen_mcp_call *c = m->calls; c; c = c->next) {
        if (c->state != GEN_MCP_SENT)
            continue;
        if (only)
            return NULL;
        only = c;
    }
    return only;
}

void gen_mcp_end(struct gen_mcp_call *call, enum gen_mcp_class class, const char *message)
{
    if (call->state == GEN_MCP_ENDED)
        return;
    call->state = GEN_MCP_ENDED;
    call->class = class;
    gen_buf_clear(&call->message);
    /* What a server said may be no UTF-8. Without memory for the words the class alone is told. */
    if (gen_utf8_clean(&call->message, gen_str_from(message), NULL, NULL))
        gen_buf_clear(&call->message);
    if (call->timer)
        gen_timer_stop(call->timer);
    gen_loop_wake(call->m->loop);
}

void gen_mcp_end_all(struct gen_mcp *m, enum gen_mcp_class class, const char *message)
{
    for (struct gen_mcp_call *c = m->calls; c; c = c->next)
        gen_mcp_end(c, class, message);
}

static void unlink_call(struct gen_mcp_call *call)
{
    struct gen_mcp_call **link = &call->m->calls;
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
}

static void record(const struct gen_mcp_call *call, const struct gen_mcp_result *r,
                   const struct gen_json *result)
{
    struct gen_mcp *m = call->m;
    struct gen_cassette_answer answer = {.failure = NULL};
    if (!m->o.record || r->class == GEN_MCP_REFUSED || r->class == GEN_MCP_CANCELED)
        return;
    if (result)
        answer.result = r->raw;
    else if (r->raw.n)
        answer.error = r->raw;
    else {
        answer.failure = gen_mcp_class_name(r->class);
        answer.message = r->observation;
    }
    struct gen_error err = {.msg = ""};
    if (gen_cassette_add(m->o.record, &call->key, gen_str_from(m->o.name), gen_str_from(call->tool),
                         gen_json_root(call->arguments), &answer, &err))
        gen_log(m->o.log, GEN_LOG_ERROR, "record", "%s", err.msg);
}

/* The call has been taken out of the list, so that what is called here may do as it likes. */
static void tell(struct gen_mcp_call *call, struct gen_mcp_result *r, const struct gen_json *result)
{
    struct gen_mcp *m = call->m;
    r->is_error = r->class != GEN_MCP_OK;
    r->generation = m->generation;
    r->duration_us = gen_loop_now_us() - call->start_us;
    m->counts.by_class[r->class]++;
    m->counts.n_capped += r->is_capped;
    m->counts.n_breaks_schema += r->breaks_schema;
    record(call, r, result);
    call->fn(call->ud, r);
    gen_mcp_call_free(call);
}

static struct gen_mcp_call *take_ended(struct gen_mcp *m)
{
    struct gen_mcp_call **link = &m->calls;
    while (*link && (*link)->state != GEN_MCP_ENDED)
        link = &(*link)->next;
    struct gen_mcp_call *call = *link;
    if (call)
        *link = call->next;
    return call;
}

void gen_mcp_tell_ended(struct gen_mcp *m)
{
    for (struct gen_mcp_call *c = take_ended(m); c; c = take_ended(m)) {
        struct gen_mcp_result r = {.class = c->class, .observation = gen_buf_str(&c->message)};
        tell(c, &r, NULL);
    }
}

static bool is_error_text(const struct gen_mcp *m, struct gen_str text)
{
    return m->o.error_pattern && gen_regex_search(m->o.error_pattern, text) == GEN_REGEX_YES;
}

static int check_structured(const struct gen_mcp *m, const char *name, struct gen_mcp_result *r,
                            struct gen_error *err)
{
    const struct gen_mcp_tool *tool = gen_mcp_tool(m, gen_str_from(name));
    if (!tool || !tool->output || r->class != GEN_MCP_OK)
        return GEN_OK;
    if (!r->structured) {
        r->breaks_schema = true;
        return GEN_OK;
    }
    struct gen_buf faults = gen_buf_make(SENTENCE_MAX);
    bool valid = false;
    int rc = gen_schema_check(tool->output, r->structured, &valid, &faults, err);
    /* A schema that cannot be decided says nothing about the answer. */
    if (rc == GEN_OK)
        r->breaks_schema = !valid;
    gen_buf_release(&faults);
    return rc == GEN_ENOMEM ? rc : GEN_OK;
}

/* What "result" means. */
static int judge_result(struct gen_mcp_call *call, const struct gen_json *result,
                        struct gen_mcp_result *r, struct gen_buf *text, struct gen_error *err)
{
    struct gen_mcp *m = call->m;
    struct gen_str type = gen_json_get_str(result, "resultType");
    bool is_error = false;
    if (gen_json_type(result) != GEN_JSON_OBJECT || (type.n && !gen_str_is(type, "complete"))) {
        bool needs_input = gen_str_is(type, "input_required");
        r->class = needs_input ? GEN_MCP_NEEDS_INPUT : GEN_MCP_MALFORMED;
        return needs_input
                   ? gen_buf_printf(text, err,
                                    "the tool %s wants further input of a person or a model before "
                                    "it answers, and there is nobody to give it",
                                    call->tool)
                   : gen_buf_printf(text, err,
                                    "the server %s answered with a result that the protocol does "
                                    "not know (%.*s)",
                                    m->o.name, GEN_STR_ARG(type));
    }
    int rc = gen_mcp_observe(text, result, m->o.observation_bytes_max, &r->is_capped, err);
    if (rc)
        return rc;
    r->structured = gen_json_get(result, "structuredContent");
    (void)gen_json_as_bool(gen_json_get(result, "isError"), &is_error);
    if (is_error || is_error_text(m, gen_buf_str(text)))
        r->class = GEN_MCP_TOOL_ERROR;
    return check_structured(m, call->tool, r, err);
}

void gen_mcp_answer(struct gen_mcp_call *call, const struct gen_json *result,
                    const struct gen_json *error)
{
    struct gen_error err = {.msg = ""};
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf raw = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_mcp_result r = {.class = GEN_MCP_OK};
    if (call->timer)
        gen_timer_stop(call->timer);
    int rc = gen_json_write(&raw, result ? result : error, GEN_JSON_COMPACT, &err);
    if (rc == GEN_OK && result)
        rc = judge_result(call, result, &r, &text, &err);
    if (rc == GEN_OK && !result) {
        r.class = GEN_MCP_PROTOCOL_ERROR;
        (void)gen_json_as_int(gen_json_get(error, "code"), &r.error_code);
        struct gen_str said =
            gen_str_sub(gen_json_get_str(error, "message"), 0, call->m->o.observation_bytes_max);
        rc = gen_buf_add_str(&text, said.n ? said : GEN_STR("the server gave no reason"), &err);
    }
    if (rc) {
        gen_mcp_end(call, GEN_MCP_MALFORMED, err.msg);
    } else {
        r.observation = gen_buf_str(&text);
        r.raw = gen_buf_str(&raw);
        unlink_call(call);
        tell(call, &r, result);
    }
    gen_buf_release(&text);
    gen_buf_release(&raw);
}

/* ---- calls ---- */

/* `call` with the outcome set when it is not to be sent. */
static int check_allowed(struct gen_mcp_call *call, struct gen_error *err)
{
    struct gen_buf why = gen_buf_make(SENTENCE_MAX);
    bool allowed = false;
    int rc = gen_mcp_allows(call->m, gen_str_from(call->tool), &allowed, &why, err);
    if (rc == GEN_OK && !allowed)
        gen_mcp_end(call, GEN_MCP_REFUSED, why.data);
    gen_buf_release(&why);
    return rc;
}

static int make_call(struct gen_mcp_call **out, struct gen_mcp *m, struct gen_str tool,
                     struct gen_str arguments, struct gen_error *err)
{
    struct gen_mcp_call *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a tool call");
    c->m = m;
    c->kind = GEN_MCP_CALL;
    c->start_us = gen_loop_now_us();
    c->message = gen_buf_make(SENTENCE_MAX);
    c->tool = gen_str_dup(tool);
    int rc = c->tool ? gen_json_parse(&c->arguments, arguments, err) : gen_nomem(err, "a name");
    if (rc == GEN_EPARSE)
        rc = gen_wrap(err, rc, "the arguments of %s", c->tool);
    if (rc == GEN_OK && gen_json_type(gen_json_root(c->arguments)) != GEN_JSON_OBJECT)
        rc = gen_fail(err, GEN_EINPUT, "the arguments of %s are no JSON object", c->tool);
    if (rc == GEN_OK)
        rc = check_allowed(c, err);
    if (rc == GEN_OK && c->state != GEN_MCP_ENDED)
        rc = gen_cassette_next(&m->track, gen_str_from(m->o.name), tool,
                               gen_json_root(c->arguments), &c->key, err);
    if (rc)
        gen_mcp_call_free(c);
    else
        *out = c;
    return rc == GEN_EPARSE || rc == GEN_ELIMIT ? GEN_EINPUT : rc;
}

int gen_mcp_call(struct gen_mcp *m, struct gen_str tool, struct gen_str arguments,
                 gen_mcp_result_fn *fn, void *ud, struct gen_mcp_call **out, struct gen_error *err)
{
    if (!m->is_usable)
        return gen_fail(err, GEN_ESTATE, "the MCP server %s is not open", m->o.name);
    struct gen_mcp_call *c = NULL;
    int rc = make_call(&c, m, tool, arguments, err);
    if (rc)
        return rc;
    c->fn = fn;
    c->ud = ud;
    struct gen_mcp_call **link = &m->calls;
    while (*link)
        link = &(*link)->next;
    *link = c;
    m->counts.n_calls++;
    /* It is sent at the end of the turn, so that nothing is told from inside of here. */
    gen_loop_wake(m->loop);
    if (out)
        *out = c;
    return GEN_OK;
}

int gen_mcp_pass(struct gen_mcp *m, struct gen_str tool, struct gen_str arguments,
                 struct gen_error *err)
{
    struct gen_mcp_call *c = NULL;
    int rc = make_call(&c, m, tool, arguments, err);
    gen_mcp_call_free(rc == GEN_OK ? c : NULL);
    return rc;
}

void gen_mcp_cancel(struct gen_mcp_call *call)
{
    if (call->state == GEN_MCP_SENT)
        gen_mcp_forget(call->m, call);
    gen_mcp_end(call, GEN_MCP_CANCELED, "the call was canceled");
}
