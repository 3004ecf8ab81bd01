/* The life of a client: start, handshake of either era, death, restart, end. */
#include "tool/mcp/mcp_int.h"

#include "tool/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DISCOVER_MS_DEFAULT       5000U
#define HANDSHAKE_MS_DEFAULT      10000U
#define CALL_MS_DEFAULT           60000U
#define HARD_MS_DEFAULT           300000U
#define WAIT_MS_DEFAULT           2000U
#define OBSERVATION_BYTES_DEFAULT 16384U
#define MESSAGE_BYTES_DEFAULT     ((size_t)32 << 20)
#define DEATHS_MAX                3U

static const char *const legacy_versions[] = {GEN_MCP_VERSION_LEGACY, "2025-06-18", "2025-03-26",
                                              "2024-11-05"};
#define N_LEGACY (sizeof(legacy_versions) / sizeof(legacy_versions[0]))

const char *gen_mcp_class_name(enum gen_mcp_class c)
{
    static const char *const names[] = {
        [GEN_MCP_OK] = "ok",
        [GEN_MCP_TOOL_ERROR] = "tool_error",
        [GEN_MCP_PROTOCOL_ERROR] = "protocol_error",
        [GEN_MCP_REFUSED] = "refused",
        [GEN_MCP_NEEDS_INPUT] = "needs_input",
        [GEN_MCP_TIMEOUT] = "timeout",
        [GEN_MCP_DIED] = "died",
        [GEN_MCP_TRANSPORT] = "transport",
        [GEN_MCP_MALFORMED] = "malformed",
        [GEN_MCP_TOO_LARGE] = "too_large",
        [GEN_MCP_CANCELED] = "canceled",
        [GEN_MCP_NOT_RECORDED] = "not_recorded",
    };
    return (size_t)c < GEN_MCP_N_CLASSES ? names[c] : "";
}

/* ---- the end of an opening, a reset, a close ---- */

static void finish(struct gen_mcp *m, const struct gen_error *failure)
{
    if (!m->done || m->is_done)
        return;
    m->is_done = true;
    m->failure = failure ? *failure : (struct gen_error){.code = GEN_OK};
    gen_loop_wake(m->loop);
}

static void tell_done(struct gen_mcp *m)
{
    gen_mcp_done_fn *fn = m->done;
    if (!m->is_done)
        return;
    struct gen_error failure = m->failure;
    m->is_done = false;
    m->done = NULL;
    fn(m->done_ud, failure.code == GEN_OK ? NULL : &failure);
}

static void drop_own(struct gen_mcp *m)
{
    gen_mcp_call_free(m->own);
    m->own = NULL;
}

void gen_mcp_opened(struct gen_mcp *m, const struct gen_error *failure)
{
    drop_own(m);
    gen_mcp_list_release(m);
    if (!failure) {
        m->state = GEN_MCP_READY;
        m->is_usable = true;
        finish(m, NULL);
        gen_loop_wake(m->loop);
        return;
    }
    m->transport->kill(m);
    m->state = GEN_MCP_IDLE;
    m->n_deaths++;
    gen_mcp_end_all(m, GEN_MCP_DIED, failure->msg);
    finish(m, failure);
}

/* ---- handshake ---- */

static void fail_open(struct gen_mcp *m, const char *format, ...) GEN_PRINTF(2, 3);

static void fail_open(struct gen_mcp *m, const char *format, ...)
{
    struct gen_error failure = {.code = GEN_EINPUT};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(failure.msg, sizeof(failure.msg), format, args);
    va_end(args);
    gen_mcp_opened(m, &failure);
}

/* The server is there and its era is known. */
static void go_on(struct gen_mcp *m)
{
    struct gen_error err = {.msg = ""};
    if (m->era == GEN_MCP_LEGACY && gen_mcp_notify(m, "notifications/initialized", &err)) {
        gen_mcp_opened(m, &err);
        return;
    }
    if (m->tools_doc)
        gen_mcp_opened(m, NULL);
    else
        gen_mcp_ask(m, GEN_MCP_LIST, (struct gen_str){NULL, 0});
}

static void start_server(struct gen_mcp *m)
{
    struct gen_error err = {.msg = ""};
    m->state = GEN_MCP_OPENING;
    m->generation++;
    if (m->transport->start(m, &err)) {
        gen_mcp_opened(m, &err);
        return;
    }
    if (m->era == GEN_MCP_MODERN)
        go_on(m);
    else
        gen_mcp_ask(m, m->era == GEN_MCP_LEGACY ? GEN_MCP_INITIALIZE : GEN_MCP_DISCOVER,
                    (struct gen_str){NULL, 0});
}

static void start_anew(struct gen_mcp *m)
{
    drop_own(m);
    m->transport->kill(m);
    start_server(m);
}

static void keep_server(struct gen_mcp *m, const struct gen_json *info)
{
    struct gen_str name = gen_json_get_str(info, "name");
    struct gen_str version = gen_json_get_str(info, "version");
    (void)snprintf(m->server, sizeof(m->server), "%.*s%s%.*s",
                   GEN_STR_ARG(gen_str_sub(name, 0, 100)), version.n ? " " : "",
                   GEN_STR_ARG(gen_str_sub(version, 0, 40)));
}

static bool is_in(const struct gen_json *versions, const char *version)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_str s;
    gen_json_iter_init(&it, versions);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &s) && gen_str_is(s, version))
            return true;
    }
    return false;
}

static void try_legacy(struct gen_mcp *m)
{
    m->era = GEN_MCP_LEGACY;
    gen_mcp_ask(m, GEN_MCP_INITIALIZE, (struct gen_str){NULL, 0});
}

/* No version of the modern era that we know, says `versions`. */
static void try_other_versions(struct gen_mcp *m, const struct gen_json *versions)
{
    for (size_t i = 0; i < N_LEGACY; i++) {
        if (is_in(versions, legacy_versions[i])) {
            try_legacy(m);
            return;
        }
    }
    struct gen_buf list = gen_buf_make(400);
    if (!versions || gen_json_write(&list, versions, GEN_JSON_COMPACT, NULL))
        gen_buf_clear(&list);
    fail_open(
        m, "the server %s speaks none of the MCP versions known here (%s and %s); it offers %s",
        m->o.name, GEN_MCP_VERSION_MODERN, GEN_MCP_VERSION_LEGACY, list.n ? list.data : "none");
    gen_buf_release(&list);
}

static void take_modern(struct gen_mcp *m, const struct gen_json *result)
{
    m->era = GEN_MCP_MODERN;
    (void)snprintf(m->version, sizeof(m->version), "%s", GEN_MCP_VERSION_MODERN);
    const struct gen_json *info = gen_json_get(result, "serverInfo");
    keep_server(m, info ? info
                        : gen_json_get(gen_json_get(result, "_meta"),
                                       "io.modelcontextprotocol/serverInfo"));
    go_on(m);
}

static void on_discover(struct gen_mcp *m, const struct gen_json *result,
                        const struct gen_json *error, enum gen_mcp_class class, const char *why)
{
    const struct gen_json *versions = gen_json_get(result, "supportedVersions");
    int64_t code = 0;
    (void)gen_json_as_int(gen_json_get(error, "code"), &code);
    if (versions && is_in(versions, GEN_MCP_VERSION_MODERN))
        take_modern(m, result);
    else if (versions)
        try_other_versions(m, versions);
    else if (code == GEN_MCP_UNSUPPORTED_VERSION)
        try_other_versions(m, gen_json_get(gen_json_get(error, "data"), "supported"));
    else if (code == GEN_MCP_HEADER_MISMATCH || code == GEN_MCP_MISSING_CAPABILITY)
        fail_open(m, "the server %s refuses this client: %s", m->o.name, why);
    else if (class == GEN_MCP_DIED) {
        m->era = GEN_MCP_LEGACY;
        start_anew(m);
    } else if (class == GEN_MCP_TRANSPORT)
        fail_open(m, "%s", why);
    else
        try_legacy(m);
}

static void on_initialize(struct gen_mcp *m, const struct gen_json *result,
                          enum gen_mcp_class class, const char *why)
{
    struct gen_str version = gen_json_get_str(result, "protocolVersion");
    if (!result) {
        /* The era was a guess, unless the server has been spoken to before. */
        bool is_new = !m->is_usable;
        if (is_new)
            m->era = GEN_MCP_ERA_UNKNOWN;
        if (class == GEN_MCP_PROTOCOL_ERROR)
            fail_open(m, "the server %s refuses the handshake: %s", m->o.name, why);
        else if (class == GEN_MCP_TIMEOUT && is_new)
            fail_open(m,
                      "the server %s says nothing: it answered neither server/discover (within "
                      "%.3g s) nor initialize (within %.3g s more); is it an MCP server?",
                      m->o.name, (double)m->o.times.discover_ms / 1000,
                      (double)m->o.times.handshake_ms / 1000);
        else
            fail_open(m, "%s", why);
        return;
    }
    for (size_t i = 0; i < N_LEGACY; i++) {
        if (!gen_str_is(version, legacy_versions[i]))
            continue;
        (void)snprintf(m->version, sizeof(m->version), "%s", legacy_versions[i]);
        keep_server(m, gen_json_get(result, "serverInfo"));
        go_on(m);
        return;
    }
    fail_open(m, "the server %s speaks MCP version '%.*s', which is not known here", m->o.name,
              GEN_STR_ARG(gen_str_sub(version, 0, 40)));
}

void gen_mcp_own_answer(struct gen_mcp *m, enum gen_mcp_request_kind kind,
                        const struct gen_json *result, const struct gen_json *error,
                        enum gen_mcp_class class, const char *why)
{
    char said[600];
    /* It may live in the request that is freed now. */
    (void)snprintf(said, sizeof(said), "%s", why);
    drop_own(m);
    if (result)
        m->n_deaths = 0;
    if (kind == GEN_MCP_DISCOVER)
        on_discover(m, result, error, class, said);
    else if (kind == GEN_MCP_INITIALIZE)
        on_initialize(m, result, class, said);
    else if (result)
        gen_mcp_list_page(m, result);
    else
        fail_open(m, "the tools of the server %s cannot be listed: %s", m->o.name, said);
}

/* ---- what goes wrong ---- */

void gen_mcp_lose(struct gen_mcp *m, uint64_t id, enum gen_mcp_class class, const char *format, ...)
{
    char message[900];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    struct gen_mcp_call *call = id ? gen_mcp_pending(m, id) : gen_mcp_only_pending(m);
    if (call && call->kind == GEN_MCP_CALL) {
        gen_mcp_end(call, class, message);
    } else if (call) {
        gen_mcp_own_answer(m, call->kind, NULL, NULL, class, message);
    } else if (!id) {
        /* It cannot be told whose answer it was: of one of those that wait, so none is sure. */
        for (struct gen_mcp_call *c = m->calls; c; c = c->next) {
            if (c->state == GEN_MCP_SENT)
                gen_mcp_end(c, class, message);
        }
    }
}

void gen_mcp_lose_session(struct gen_mcp *m, uint64_t id)
{
    struct gen_mcp_call *call = gen_mcp_pending(m, id);
    if (!call || call->kind != GEN_MCP_CALL || call->was_resent) {
        gen_mcp_lose(m, id, GEN_MCP_TRANSPORT, "the server %s does not know its own session",
                     m->o.name);
        return;
    }
    call->was_resent = true;
    call->state = GEN_MCP_WAITING;
    gen_timer_stop(call->timer);
    if (m->state != GEN_MCP_READY)
        return;
    m->state = GEN_MCP_OPENING;
    m->generation++;
    m->counts.n_restarts++;
    gen_mcp_ask(m, GEN_MCP_INITIALIZE, (struct gen_str){NULL, 0});
}

void gen_mcp_die(struct gen_mcp *m, const char *format, ...)
{
    char message[900];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    bool was_opening = m->state == GEN_MCP_OPENING;
    m->n_deaths += !was_opening;
    for (struct gen_mcp_call *c = m->calls; c; c = c->next) {
        if (c->state == GEN_MCP_SENT)
            gen_mcp_end(c, GEN_MCP_DIED, message);
    }
    m->state = GEN_MCP_IDLE;
    if (was_opening && m->own)
        gen_mcp_own_answer(m, m->own->kind, NULL, NULL, GEN_MCP_DIED, message);
}

void gen_mcp_stopped(struct gen_mcp *m)
{
    gen_mcp_sandbox_remove(m);
    m->state = GEN_MCP_IDLE;
    if (m->start_after_stop) {
        m->start_after_stop = false;
        start_server(m);
        return;
    }
    finish(m, NULL);
}

/* ---- turns ---- */

static void on_deliver(void *ud)
{
    struct gen_mcp *m = ud;
    gen_mcp_tell_ended(m);
    tell_done(m);
}

static bool has_waiting(const struct gen_mcp *m)
{
    const struct gen_mcp_call *c = m->calls;
    while (c && c->state != GEN_MCP_WAITING)
        c = c->next;
    return c != NULL;
}

static void on_flush(void *ud)
{
    struct gen_mcp *m = ud;
    if (!has_waiting(m))
        return;
    if (m->state == GEN_MCP_IDLE && !m->start_after_stop && !m->is_done) {
        if (m->n_deaths >= DEATHS_MAX) {
            char message[200];
            (void)snprintf(message, sizeof(message),
                           "the server %s has died %u times in a row and is not started again",
                           m->o.name, m->n_deaths);
            gen_mcp_end_all(m, GEN_MCP_DIED, message);
            return;
        }
        m->counts.n_restarts++;
        start_server(m);
    }
    if (m->state == GEN_MCP_READY)
        gen_mcp_send_waiting(m);
}

/* ---- public ---- */

static void fill_defaults(struct gen_mcp_options *o)
{
    struct gen_mcp_times *t = &o->times;
    t->discover_ms = t->discover_ms ? t->discover_ms : DISCOVER_MS_DEFAULT;
    t->handshake_ms = t->handshake_ms ? t->handshake_ms : HANDSHAKE_MS_DEFAULT;
    t->call_ms = t->call_ms ? t->call_ms : CALL_MS_DEFAULT;
    t->hard_ms = t->hard_ms ? t->hard_ms : HARD_MS_DEFAULT;
    t->close_ms = t->close_ms ? t->close_ms : WAIT_MS_DEFAULT;
    t->grace_ms = t->grace_ms ? t->grace_ms : WAIT_MS_DEFAULT;
    if (!o->observation_bytes_max)
        o->observation_bytes_max = OBSERVATION_BYTES_DEFAULT;
    if (!o->message_bytes_max)
        o->message_bytes_max = MESSAGE_BYTES_DEFAULT;
    if (!o->tools_max)
        o->tools_max = GEN_TOOLS_MAX;
}

static bool names_sandbox(const char *const *texts)
{
    for (; texts && *texts; texts++) {
        if (strstr(*texts, "{sandbox}"))
            return true;
    }
    return false;
}

static int check_options(const struct gen_mcp_options *o, struct gen_error *err)
{
    bool is_program = o->argv && o->argv[0];
    if ((is_program ? 1 : 0) + (o->url ? 1 : 0) + (o->replay ? 1 : 0) != 1)
        return gen_fail(err, GEN_EUSAGE,
                        "the MCP server %s needs exactly one of a program, a URL and a recording",
                        o->name);
    if (!o->sandbox && (names_sandbox(o->argv) || names_sandbox(o->environment)))
        return gen_fail(err, GEN_EUSAGE,
                        "the command of the MCP server %s names {sandbox}, but it was given none",
                        o->name);
    return GEN_OK;
}

int gen_mcp_new(struct gen_mcp **out, struct gen_loop *loop, const struct gen_mcp_options *options,
                struct gen_error *err)
{
    int rc = check_options(options, err);
    if (rc)
        return rc;
    struct gen_mcp *m = calloc(1, sizeof(*m));
    if (!m)
        return gen_nomem(err, "an MCP client");
    m->loop = loop;
    m->o = *options;
    fill_defaults(&m->o);
    m->transport = options->replay ? &gen_mcp_replay
                   : options->url  ? &gen_mcp_http
                                   : &gen_mcp_stdio;
    m->scratch = GEN_SCRATCH_NONE;
    m->sandbox = gen_buf_make(8192);
    if (options->sandbox)
        gen_scratch_sweep();
    rc = gen_turn_new(&m->turn, loop, on_deliver, on_flush, m, err);
    if (rc)
        free(m);
    else
        *out = m;
    return rc;
}

void gen_mcp_free(struct gen_mcp *m)
{
    if (!m)
        return;
    m->transport->release(m);
    gen_turn_free(m->turn);
    gen_mcp_call_free(m->own);
    while (m->calls) {
        struct gen_mcp_call *next = m->calls->next;
        gen_mcp_call_free(m->calls);
        m->calls = next;
    }
    gen_mcp_list_release(m);
    gen_mcp_tools_release(m);
    gen_cassette_track_release(&m->track);
    gen_mcp_sandbox_remove(m);
    gen_buf_release(&m->sandbox);
    free(m);
}

static void expect(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud)
{
    m->done = fn;
    m->done_ud = ud;
    m->is_done = false;
}

void gen_mcp_open(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud)
{
    expect(m, fn, ud);
    m->n_deaths = 0;
    gen_mcp_tools_release(m);
    if (m->state == GEN_MCP_READY) {
        m->state = GEN_MCP_OPENING;
        gen_mcp_ask(m, GEN_MCP_LIST, (struct gen_str){NULL, 0});
    } else if (m->state == GEN_MCP_IDLE) {
        start_server(m);
    } else if (m->state == GEN_MCP_STOPPING) {
        m->start_after_stop = true;
    }
}

static void stop_server(struct gen_mcp *m)
{
    for (struct gen_mcp_call *c = m->calls; c; c = c->next)
        gen_mcp_cancel(c);
    drop_own(m);
    gen_mcp_list_release(m);
    gen_mcp_next_example(m);
    if (m->state == GEN_MCP_STOPPING)
        return;
    m->state = GEN_MCP_STOPPING;
    m->transport->stop(m);
}

void gen_mcp_reset(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud)
{
    expect(m, fn, ud);
    m->n_deaths = 0;
    m->start_after_stop = true;
    stop_server(m);
}

void gen_mcp_close(struct gen_mcp *m, gen_mcp_done_fn *fn, void *ud)
{
    expect(m, fn, ud);
    m->start_after_stop = false;
    m->is_usable = false;
    stop_server(m);
}

void gen_mcp_next_example(struct gen_mcp *m)
{
    gen_cassette_track_release(&m->track);
}

enum gen_mcp_era gen_mcp_era(const struct gen_mcp *m)
{
    return m->era;
}

struct gen_str gen_mcp_version(const struct gen_mcp *m)
{
    return gen_str_from(m->version);
}

struct gen_str gen_mcp_server(const struct gen_mcp *m)
{
    return gen_str_from(m->server);
}

const struct gen_json *gen_mcp_tools(const struct gen_mcp *m)
{
    return m->tools_doc ? gen_json_root(m->tools_doc) : NULL;
}

unsigned gen_mcp_generation(const struct gen_mcp *m)
{
    return m->generation;
}

bool gen_mcp_is_running(const struct gen_mcp *m)
{
    return m->state == GEN_MCP_READY;
}

struct gen_mcp_counts gen_mcp_counts(const struct gen_mcp *m)
{
    return m->counts;
}
