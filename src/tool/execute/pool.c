/*
 * MCP servers and who has them. A worker belongs to an example from its first call to
 * gen_executor_end; who comes meanwhile waits in the order of coming. A worker whose example has
 * been silent for idle_ms may be taken by another: steps do not hear of every end of an example,
 * and what it held can be made again from its history.
 */
#include "tool/execute/executor_int.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HARD_MS          300000U
#define START_MS_LEAST   1000U
#define DISCOVER_MS_MAX  5000U
#define HANDSHAKE_MS_MAX 10000U

static void proceed(struct gen_worker *w);

/* ---- where a worker stands ---- */

static uint64_t extend(uint64_t history, const struct gen_call_copy *call)
{
    history = gen_hash64(gen_str_from(call->tool), history);
    return gen_hash64(gen_str_from(call->arguments), history);
}

static void stand_at_start(struct gen_worker *w)
{
    w->n_made = 0;
    w->history = 0;
    w->is_lost = false;
    w->generation = gen_mcp_generation(w->mcp);
}

/* What it has done is the beginning of what the execution wants done before its call. */
static bool stands_right(const struct gen_worker *w, const struct gen_execution *e)
{
    uint64_t history = 0;
    if (w->is_lost || w->n_made > e->n_before)
        return false;
    for (size_t i = 0; i < w->n_made; i++)
        history = extend(history, &e->calls[i]);
    return history == w->history &&
           (w->x->o.keeps_server ||
            (gen_mcp_is_running(w->mcp) && w->generation == gen_mcp_generation(w->mcp)));
}

static void forget_example(struct gen_worker *w)
{
    free(w->example);
    w->example = NULL;
}

static struct gen_execution *take_current(struct gen_worker *w)
{
    struct gen_execution *e = w->current;
    w->current = NULL;
    w->idle_since_ms = gen_loop_now_us() / 1000;
    e->worker = NULL;
    e->call = NULL;
    gen_loop_wake(w->x->o.loop);
    return e;
}

static void fail_current(struct gen_worker *w, const char *class_name, const char *message)
{
    gen_execution_fail(take_current(w), class_name, message);
}

/* ---- starting ---- */

static void on_ready(void *ud, const struct gen_error *failure)
{
    struct gen_worker *w = ud;
    struct gen_executor *x = w->x;
    w->is_starting = false;
    if (failure)
        w->is_lost = true;
    else
        w->is_open = true;
    if (!failure) {
        stand_at_start(w);
        x->counts.n_starts++;
    }
    gen_loop_wake(x->o.loop);
    if (!w->current || x->is_closing)
        return;
    if (!w->current->fn) {
        gen_execution_free(take_current(w));
    } else if (failure) {
        char message[sizeof(failure->msg)];
        (void)snprintf(message, sizeof(message), "%s", failure->msg);
        fail_current(w, "server_failed", message);
    } else {
        proceed(w);
    }
}

/* Begins the example's life on this worker. */
static void make_ready(struct gen_worker *w)
{
    if (w->is_open && w->x->o.keeps_server) {
        gen_mcp_next_example(w->mcp);
        stand_at_start(w);
        proceed(w);
        return;
    }
    w->is_starting = true;
    if (w->is_open)
        gen_mcp_reset(w->mcp, on_ready, w);
    else
        gen_mcp_open(w->mcp, on_ready, w);
}

/* ---- calling ---- */

static bool has_died(const struct gen_worker *w, const struct gen_mcp_result *r)
{
    return r->class == GEN_MCP_DIED || r->class == GEN_MCP_TRANSPORT ||
           (!w->x->o.keeps_server && r->class != GEN_MCP_NOT_RECORDED &&
            r->class != GEN_MCP_REFUSED && r->generation != w->generation);
}

/* What was sent over HTTP may have been carried out though no answer came; a process that died has
 * taken its sandbox with it. */
static bool may_repeat(const struct gen_worker *w, const struct gen_mcp_result *r)
{
    const char *name = w->current->calls[w->n_made].tool;
    const struct gen_tool *tool = gen_toolset_find(w->x->listed, gen_str_from(name));
    return r->class != GEN_MCP_TRANSPORT || !w->x->o.mcp_url || (tool && tool->is_read_only);
}

/* The class of what is no fault of the call; NULL when it is an observation. */
static const char *failure_of(enum gen_mcp_class class)
{
    switch (class) {
    case GEN_MCP_DIED:
        return "server_died";
    case GEN_MCP_TRANSPORT:
        return "server_unreachable";
    case GEN_MCP_MALFORMED:
        return "server_malformed";
    case GEN_MCP_CANCELED:
        return "canceled";
    case GEN_MCP_NOT_RECORDED:
        return "not_recorded";
    case GEN_MCP_REFUSED:
        return "not_allowed";
    default:
        return NULL;
    }
}

static void note_made(struct gen_worker *w, const struct gen_execution *e)
{
    w->history = extend(w->history, &e->calls[w->n_made]);
    w->n_made++;
}

static void on_result(void *ud, const struct gen_mcp_result *r)
{
    struct gen_worker *w = ud;
    struct gen_execution *e = w->current;
    struct gen_executor *x = w->x;
    bool is_history = w->n_made < e->n_before;
    e->call = NULL;
    if (x->is_closing)
        return;
    if (!e->fn) {
        w->is_lost = true;
        gen_execution_free(take_current(w));
        return;
    }
    if (has_died(w, r)) {
        w->is_lost = true;
        if (may_repeat(w, r) && e->n_restarts++ == 0) {
            proceed(w);
            return;
        }
        /* It has answered, but in a session without the calls before. */
        const char *class_name = failure_of(r->class);
        fail_current(w, class_name ? class_name : "server_died",
                     class_name ? r->observation.p : "the server lost its session twice");
        return;
    }
    const char *failure = failure_of(r->class);
    note_made(w, e);
    if (is_history && r->class != GEN_MCP_NOT_RECORDED) {
        x->counts.n_replayed++;
        proceed(w);
        return;
    }
    const struct gen_observation o = {
        .is_error = r->is_error,
        .text = r->observation,
        .is_capped = r->is_capped,
        .breaks_schema = r->breaks_schema,
        .failure = failure,
        .is_unsent = r->class == GEN_MCP_REFUSED,
    };
    gen_execution_tell(take_current(w), &o);
}

/* Servers that hold nothing need not be told what went before; only the recording counts it. */
static int pass_history(struct gen_worker *w, const struct gen_execution *e, struct gen_error *err)
{
    int rc = GEN_OK;
    while (rc == GEN_OK && w->n_made < e->n_before) {
        const struct gen_call_copy *c = &e->calls[w->n_made];
        rc = gen_mcp_pass(w->mcp, gen_executor_tool_name(w->x, c->tool), gen_str_from(c->arguments),
                          err);
        if (rc == GEN_OK)
            note_made(w, e);
    }
    return rc;
}

/* The next thing to do for the execution that the worker has. */
static void proceed(struct gen_worker *w)
{
    struct gen_execution *e = w->current;
    struct gen_error err = {.msg = ""};
    if (!w->is_open || !stands_right(w, e)) {
        make_ready(w);
        return;
    }
    int rc = w->x->o.keeps_server ? pass_history(w, e, &err) : GEN_OK;
    const struct gen_call_copy *c = &e->calls[w->n_made];
    if (rc == GEN_OK)
        rc = gen_mcp_call(w->mcp, gen_executor_tool_name(w->x, c->tool), gen_str_from(c->arguments),
                          on_result, w, &e->call, &err);
    if (rc == GEN_EINPUT)
        gen_execution_refuse(take_current(w), "bad_arguments", err.msg);
    else if (rc)
        fail_current(w, "server_failed", err.msg);
}

/* A server is not given up later than a call would be, but has time enough to start. */
static uint64_t start_limit_ms(uint64_t wanted_ms, uint64_t max_ms)
{
    uint64_t ms = wanted_ms < max_ms ? wanted_ms : max_ms;
    return ms > START_MS_LEAST ? ms : START_MS_LEAST;
}

int gen_worker_init(struct gen_worker *w, struct gen_error *err)
{
    const struct gen_executor *x = w->x;
    const struct gen_executor_options *o = &x->o;
    bool is_replay = x->replayed != NULL;
    const struct gen_mcp_options options = {
        .name = x->name,
        .argv = is_replay ? NULL : x->argv,
        .environment = o->environment,
        .sandbox = !is_replay && o->mcp_command && strstr(o->mcp_command, "{sandbox}"),
        .url = is_replay ? NULL : o->mcp_url,
        .http = o->http,
        .headers = o->headers,
        .key = o->key,
        .replay = x->replayed,
        .record = x->recording,
        .allow = o->allow,
        .error_pattern = x->error_pattern,
        .observation_bytes_max = o->observation_bytes_max,
        .times = {.call_ms = o->call_timeout_ms,
                  .hard_ms = o->call_timeout_ms > HARD_MS ? o->call_timeout_ms : HARD_MS,
                  .discover_ms = start_limit_ms(o->call_timeout_ms / 2, DISCOVER_MS_MAX),
                  .handshake_ms = start_limit_ms(o->call_timeout_ms, HANDSHAKE_MS_MAX)},
        .log = o->log,
    };
    return gen_mcp_new(&w->mcp, o->loop, &options, err);
}

/* ---- who has which ---- */

static bool is_free(const struct gen_worker *w)
{
    return !w->example && !w->current && !w->is_starting;
}

static struct gen_worker *worker_of(const struct gen_executor *x, const char *example)
{
    for (size_t i = 0; i < x->o.n_workers; i++) {
        struct gen_worker *w = &x->workers[i];
        if (w->example && strcmp(w->example, example) == 0)
            return w;
    }
    return NULL;
}

/* One that stands at its start, else one that must be reset, else one that must be started. */
static struct gen_worker *find_free(const struct gen_executor *x)
{
    struct gen_worker *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; i < x->o.n_workers; i++) {
        struct gen_worker *w = &x->workers[i];
        if (!is_free(w))
            continue;
        int rank = w->is_open && w->n_made == 0 && !w->is_lost ? 3 : w->is_open ? 2 : 1;
        if (rank > best_rank) {
            best = w;
            best_rank = rank;
        }
    }
    return best;
}

/* The one that has been silent for longest, when that is long enough; else `*wait_ms` says when
 * it will be. */
static struct gen_worker *find_idle(const struct gen_executor *x, uint64_t *wait_ms)
{
    struct gen_worker *best = NULL;
    for (size_t i = 0; i < x->o.n_workers; i++) {
        struct gen_worker *w = &x->workers[i];
        bool is_idle = w->example && !w->current && !w->is_starting;
        if (is_idle && (!best || w->idle_since_ms < best->idle_since_ms))
            best = w;
    }
    *wait_ms = 0;
    if (!best)
        return NULL;
    uint64_t silent_ms = gen_loop_now_us() / 1000 - best->idle_since_ms;
    if (silent_ms >= x->o.idle_ms)
        return best;
    *wait_ms = x->o.idle_ms - silent_ms;
    return NULL;
}

/* NULL: the execution has to wait. */
static struct gen_worker *choose(struct gen_executor *x, const struct gen_execution *e,
                                 bool *is_full)
{
    struct gen_worker *w = worker_of(x, e->example);
    uint64_t wait_ms = 0;
    if (w)
        return w->current || w->is_starting ? NULL : w;
    if (*is_full)
        return NULL;
    w = find_free(x);
    if (!w)
        w = find_idle(x, &wait_ms);
    *is_full = w == NULL;
    if (wait_ms)
        gen_timer_start(x->idle_timer, wait_ms, 0);
    return w;
}

/* False without memory. */
static bool claim(struct gen_worker *w, const struct gen_execution *e)
{
    if (w->example && strcmp(w->example, e->example) == 0)
        return true;
    char *name = gen_str_dup(gen_str_from(e->example));
    if (!name)
        return false;
    /* Another example's calls are never the beginning of this one's. */
    w->is_lost = w->is_lost || w->n_made > 0;
    free(w->example);
    w->example = name;
    return true;
}

static void begin(struct gen_worker *w, struct gen_execution *e)
{
    struct gen_error err = {.msg = "out of memory"};
    if (!claim(w, e) || (!w->mcp && gen_worker_init(w, &err))) {
        gen_execution_fail(e, "server_failed", err.msg);
        return;
    }
    e->next = NULL;
    e->worker = w;
    w->current = e;
    proceed(w);
}

void gen_pool_dispatch(struct gen_executor *x)
{
    bool is_full = false;
    gen_timer_stop(x->idle_timer);
    struct gen_execution **link = &x->queue;
    while (*link) {
        struct gen_execution *e = *link;
        struct gen_worker *w = choose(x, e, &is_full);
        if (!w) {
            link = &e->next;
            continue;
        }
        *link = e->next;
        begin(w, e);
    }
}

void gen_pool_end_example(struct gen_executor *x, struct gen_str example)
{
    for (size_t i = 0; i < x->o.n_workers; i++) {
        struct gen_worker *w = &x->workers[i];
        if (!w->example || !gen_str_is(example, w->example))
            continue;
        forget_example(w);
        /* Its successor need not wait for the reset. */
        if (w->is_open && !w->current && !w->is_starting && (w->n_made || w->is_lost) &&
            !x->o.keeps_server && !x->is_closing) {
            w->is_starting = true;
            gen_mcp_reset(w->mcp, on_ready, w);
        }
        gen_loop_wake(x->o.loop);
    }
}

void gen_pool_cancel(struct gen_execution *e)
{
    e->fn = NULL;
    if (e->call)
        gen_mcp_cancel(e->call);
}
