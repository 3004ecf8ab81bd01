/* The calls that a run makes to learn what is there, before it draws its first example. */
#include "cli/tool_world.h"

#include <stdio.h>
#include <stdlib.h>

/* A server of one's own bears it; somebody's service is asked little. */
#define CALLS_MAX           2000U
#define CALLS_MAX_REMOTE    100U
#define CALLS_A_SESSION_MAX 256U
#define ROUNDS_MAX          32U

struct round;

/* Calls that are made one after the other on a server of their own. */
struct visit {
    struct round *round;
    char name[48];
    size_t n_calls, n_made; /* made: given to the executor, or not allowed */
    const struct gen_json **calls;
    struct gen_tool_call *before; /* those made so far, and the present one */
    size_t n_before;
    struct gen_buf *args;         /* what `before` points into */
    struct gen_buf *observations; /* gen_observation_write; empty: it could not be made */
    struct gen_execution *execution;
};

struct round {
    const struct gen_tool_world *w;
    struct gen_json_doc *doc;
    struct visit *visits;
    size_t n, n_open;
    size_t n_failures;
    char why[300]; /* the first one */
    int rc;
    struct gen_error error;
};

static void go_on(struct visit *v);

static void end_visit(struct visit *v)
{
    struct round *r = v->round;
    gen_executor_end(r->w->executor, gen_str_from(v->name));
    if (--r->n_open == 0)
        gen_loop_stop(r->w->session->loop);
}

static void fail_round(struct round *r, int rc)
{
    r->rc = rc;
    gen_loop_stop(r->w->session->loop);
}

static int keep(struct visit *v, const struct gen_observation *o, struct gen_error *err)
{
    return gen_observation_write(o, &v->observations[v->n_made - 1], err);
}

static void on_observation(void *ud, const struct gen_observation *o)
{
    struct visit *v = ud;
    struct round *r = v->round;
    v->execution = NULL;
    /* A try that fits into no request teaches nothing, and is no sign of a dead server. */
    if (o->is_unsent) {
        go_on(v);
        return;
    }
    if (o->failure) {
        if (r->n_failures++ == 0)
            (void)snprintf(r->why, sizeof(r->why), "%.*s",
                           GEN_STR_ARG(gen_str_sub(o->text, 0, 250)));
        end_visit(v);
        return;
    }
    int rc = keep(v, o, &r->error);
    if (rc)
        fail_round(r, rc);
    else
        go_on(v);
}

/* Begins the next call, or passes over those that are not allowed. */
static int begin_call(struct visit *v, bool *begun, struct gen_error *err)
{
    const struct gen_json *call = v->calls[v->n_made];
    struct gen_tool_call *c = &v->before[v->n_before];
    struct gen_buf *args = &v->args[v->n_before];
    struct gen_buf why = gen_buf_make(4096);
    c->tool = gen_json_get_str(call, "tool");
    int rc = gen_executor_allows(v->round->w->executor, c->tool, begun, &why, err);
    v->n_made++;
    if (rc == GEN_OK && !*begun) {
        const struct gen_observation refused = {.is_error = true, .text = gen_buf_str(&why)};
        rc = keep(v, &refused, err);
    } else if (rc == GEN_OK) {
        rc = gen_json_write(args, gen_json_get(call, "args"), GEN_JSON_COMPACT, err);
        c->arguments = gen_buf_str(args);
        if (rc == GEN_OK)
            rc = gen_executor_call(v->round->w->executor, gen_str_from(v->name), v->before,
                                   v->n_before, c, on_observation, v, &v->execution, err);
        v->n_before++;
    }
    gen_buf_release(&why);
    return rc;
}

static void go_on(struct visit *v)
{
    bool begun = false;
    int rc = GEN_OK;
    while (rc == GEN_OK && !begun && v->n_made < v->n_calls)
        rc = begin_call(v, &begun, &v->round->error);
    if (rc)
        fail_round(v->round, rc);
    else if (!begun)
        end_visit(v);
}

static int open_visit(struct visit *v, struct round *r, size_t i, unsigned number,
                      const struct gen_json *calls, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *call;
    size_t n = gen_json_count(calls);
    if (n > CALLS_A_SESSION_MAX)
        return gen_fail(err, GEN_ELIMIT, "an exploration of more than %u calls in a row",
                        CALLS_A_SESSION_MAX);
    v->round = r;
    (void)snprintf(v->name, sizeof(v->name), "exploration-%u-%zu", number, i);
    v->calls = calloc(n + 1, sizeof(const struct gen_json *));
    v->before = calloc(n + 1, sizeof(*v->before));
    v->args = calloc(n + 1, sizeof(*v->args));
    v->observations = calloc(n + 1, sizeof(*v->observations));
    if (!v->calls || !v->before || !v->args || !v->observations)
        return gen_nomem(err, "the calls to explore with");
    gen_json_iter_init(&it, calls);
    while (v->n_calls < n && gen_json_iter_next(&it, NULL, &call)) {
        v->args[v->n_calls] = gen_buf_make(GEN_BUF_UNLIMITED);
        v->observations[v->n_calls] = gen_buf_make(GEN_BUF_UNLIMITED);
        v->calls[v->n_calls++] = call;
    }
    return GEN_OK;
}

static int open_round(struct round *r, struct gen_str sessions, unsigned number,
                      struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *calls;
    int rc = gen_json_parse(&r->doc, sessions, err);
    size_t n = rc == GEN_OK ? gen_json_count(gen_json_root(r->doc)) : 0;
    if (rc == GEN_OK) {
        r->visits = calloc(n + 1, sizeof(*r->visits));
        rc = r->visits ? GEN_OK : gen_nomem(err, "the calls to explore with");
    }
    gen_json_iter_init(&it, gen_json_root(r->doc));
    while (rc == GEN_OK && r->n < n && gen_json_iter_next(&it, NULL, &calls)) {
        rc = open_visit(&r->visits[r->n], r, r->n, number, calls, err);
        r->n++;
    }
    return rc;
}

static void close_round(struct round *r)
{
    for (size_t i = 0; r->visits && i < r->n; i++) {
        struct visit *v = &r->visits[i];
        if (v->execution)
            gen_execution_cancel(v->execution);
        for (size_t k = 0; k < v->n_calls; k++) {
            gen_buf_release(&v->args[k]);
            gen_buf_release(&v->observations[k]);
        }
        free(v->calls);
        free(v->before);
        free(v->args);
        free(v->observations);
    }
    free(r->visits);
    gen_json_doc_free(r->doc);
}

static void on_interrupt(void *ud)
{
    struct round *r = ud;
    fail_round(r, gen_fail(&r->error, GEN_ECANCELED,
                           "interrupted before anything was asked; the same command begins anew"));
}

/* All visits at the same time, as far as there are servers. */
static int run_round(struct round *r, struct gen_error *err)
{
    int rc = gen_loop_on_interrupt(r->w->session->loop, on_interrupt, r, err);
    if (rc)
        return rc;
    r->n_open = r->n;
    for (size_t i = 0; i < r->n && r->rc == GEN_OK; i++)
        go_on(&r->visits[i]);
    while (rc == GEN_OK && r->rc == GEN_OK && r->n_open > 0)
        rc = gen_loop_run(r->w->session->loop, err);
    int ignored = gen_loop_on_interrupt(r->w->session->loop, NULL, NULL, NULL);
    (void)ignored; /* Giving the signals back cannot matter any more. */
    if (rc == GEN_OK && r->rc) {
        if (err)
            *err = r->error;
        rc = r->rc;
    }
    return rc;
}

/* [[observation or null, ...], ...] */
static int write_seen(const struct round *r, struct gen_buf *seen, struct gen_error *err)
{
    int rc = gen_buf_add_char(seen, '[', err);
    for (size_t i = 0; rc == GEN_OK && i < r->n; i++) {
        const struct visit *v = &r->visits[i];
        rc = gen_buf_add_c(seen, i ? ",[" : "[", err);
        for (size_t k = 0; rc == GEN_OK && k < v->n_calls; k++) {
            rc = k ? gen_buf_add_char(seen, ',', err) : GEN_OK;
            if (rc == GEN_OK && v->observations[k].n)
                rc = gen_buf_add_str(seen, gen_buf_str(&v->observations[k]), err);
            else if (rc == GEN_OK)
                rc = gen_buf_add_c(seen, "null", err);
        }
        if (rc == GEN_OK)
            rc = gen_buf_add_char(seen, ']', err);
    }
    return rc ? rc : gen_buf_add_char(seen, ']', err);
}

/* Makes the calls and appends what came of them. `*is_whole`: all could be made. */
static int explore(const struct gen_tool_world *w, struct gen_str sessions, unsigned number,
                   struct gen_buf *seen, bool *is_whole, struct gen_error *err)
{
    struct round r = {.w = w};
    int rc = open_round(&r, sessions, number, err);
    if (rc == GEN_OK)
        rc = run_round(&r, err);
    if (rc == GEN_OK)
        rc = write_seen(&r, seen, err);
    if (rc == GEN_OK && r.n_failures == r.n && r.n)
        rc = gen_fail(err, GEN_EINPUT, "the tools cannot be called: %s", r.why);
    if (rc == GEN_OK && r.n_failures)
        gen_log(&w->session->log, GEN_LOG_WARN, "explore", "%zu of %zu calls could not be made: %s",
                r.n_failures, r.n, r.why);
    *is_whole = r.n_failures == 0;
    close_round(&r);
    return rc;
}

static int learn_one(struct gen_blueprints *b, size_t session, size_t call,
                     const struct gen_json *seen, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_doc *doc = NULL;
    struct gen_observation o;
    int rc = gen_json_write(&text, seen, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK)
        rc = gen_observation_read(&o, gen_buf_str(&text), &doc, err);
    if (rc == GEN_OK)
        rc = gen_blueprints_learn(b, session, call, o.text, o.is_error, err);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return rc;
}

static int learn(struct gen_blueprints *b, struct gen_str seen, size_t *n, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_json_iter rows;
    const struct gen_json *row;
    size_t session = 0;
    int rc = gen_json_parse(&doc, seen, err);
    gen_json_iter_init(&rows, gen_json_root(doc));
    while (rc == GEN_OK && gen_json_iter_next(&rows, NULL, &row)) {
        struct gen_json_iter calls;
        const struct gen_json *observation;
        size_t call = 0;
        gen_json_iter_init(&calls, row);
        while (rc == GEN_OK && gen_json_iter_next(&calls, NULL, &observation)) {
            if (gen_json_type(observation) != GEN_JSON_NULL) {
                rc = learn_one(b, session, call, observation, err);
                ++*n;
            }
            call++;
        }
        session++;
    }
    gen_json_doc_free(doc);
    return rc;
}

static struct gen_str given(const struct gen_tool_world *w, enum gen_option_id id)
{
    const char *text = gen_settings_text(w->session->settings, id);
    return text ? gen_str_from(text) : GEN_STR("");
}

/* The name under which the ledger keeps what was seen. */
static int name_of(const struct gen_tool_world *w, struct gen_str sessions, struct gen_buf *name,
                   struct gen_error *err)
{
    const struct gen_str fields[] = {gen_executor_server(w->executor),
                                     gen_str_from(gen_executor_mode(w->executor)),
                                     sessions,
                                     given(w, GEN_OPT_MCP),
                                     given(w, GEN_OPT_MCP_URL),
                                     given(w, GEN_OPT_API_URL),
                                     given(w, GEN_OPT_REPLAY)};
    struct gen_sha256 *hash = NULL;
    struct gen_digest digest;
    char hex[GEN_HEX_CHARS + 1];
    int rc = gen_sha256_new(&hash, err);
    if (rc == GEN_OK)
        rc = gen_sha256_start(hash, err);
    for (size_t i = 0; rc == GEN_OK && i < sizeof(fields) / sizeof(fields[0]); i++)
        rc = gen_sha256_add_field(hash, fields[i], err);
    if (rc == GEN_OK)
        rc = gen_sha256_finish(hash, &digest, err);
    gen_sha256_free(hash);
    if (rc)
        return rc;
    gen_digest_hex(&digest, GEN_SHA256_BYTES, hex);
    return gen_buf_printf(name, err, "tool_exploration:%s", hex);
}

/* From the ledger, else from the server. */
static int see(const struct gen_tool_world *w, struct gen_str sessions, unsigned number,
               struct gen_buf *seen, struct gen_error *err)
{
    struct gen_session *s = w->session;
    struct gen_buf name = gen_buf_make(256);
    struct gen_str value = GEN_STR("");
    bool is_known = false;
    bool is_whole = true;
    /* A recording holds all calls of its run. */
    bool is_new = gen_settings_flag(s->settings, GEN_OPT_FRESH) ||
                  gen_settings_text(s->settings, GEN_OPT_RECORD);
    int rc = name_of(w, sessions, &name, err);
    if (rc == GEN_OK && !is_new)
        rc = gen_ledger_note_find(s->ledger, gen_buf_str(&name), &is_known, &value, err);
    if (rc == GEN_OK && is_known)
        rc = gen_buf_add_str(seen, value, err);
    else if (rc == GEN_OK)
        rc = explore(w, sessions, number, seen, &is_whole, err);
    if (rc == GEN_OK && !is_known && is_whole)
        rc = gen_ledger_note_put(s->ledger, gen_buf_str(&name), gen_buf_str(seen), err);
    gen_buf_release(&name);
    return rc;
}

int gen_tool_explore(struct gen_tool_world *w, struct gen_blueprints *b, struct gen_error *err)
{
    struct gen_buf sessions = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf seen = gen_buf_make(GEN_BUF_UNLIMITED);
    bool is_more = w->executor && w->session->ledger;
    size_t n = 0;
    int rc = GEN_OK;
    for (unsigned i = 0; rc == GEN_OK && is_more && i < ROUNDS_MAX; i++) {
        gen_buf_clear(&sessions);
        gen_buf_clear(&seen);
        rc = gen_blueprints_explore(
            b, gen_executor_is_remote(w->executor) ? CALLS_MAX_REMOTE : CALLS_MAX, &sessions, err);
        is_more = rc == GEN_OK && sessions.n > 2;
        if (is_more)
            rc = see(w, gen_buf_str(&sessions), i, &seen, err);
        if (rc == GEN_OK && is_more)
            rc = learn(b, gen_buf_str(&seen), &n, err);
    }
    if (rc == GEN_OK && n)
        gen_log(&w->session->log, GEN_LOG_INFO, "explored",
                "%zu calls made to learn what the tools give", n);
    w->n_explored = n;
    gen_buf_release(&sessions);
    gen_buf_release(&seen);
    return rc;
}
