/* Opening, closing, and what all ways of execution share. */
#include "tool/execute/executor_int.h"

#include "os/file.h"
#include "tool/mcp/command.h"
#include "tool/parse.h"

#include <stdio.h>
#include <stdlib.h>

#define N_WORKERS_DEFAULT        4U
#define N_WORKERS_MAX            256U
#define CALL_MS_DEFAULT          60000U
#define IDLE_MS_DEFAULT          30000U
#define OBSERVATION_DEFAULT      16384U
#define OBSERVATION_MAX          ((size_t)16 << 20)
#define HEADER_VALUE_BYTES_LEAST 8U

static const char *const allow_all[] = {"*", NULL};

/* ---- options ---- */

static int check_options(const struct gen_executor_options *o, struct gen_error *err)
{
    int n = (o->mcp_command ? 1 : 0) + (o->mcp_url ? 1 : 0) + (o->api_url ? 1 : 0);
    if (n > 1)
        return gen_fail(
            err, GEN_EUSAGE,
            "--mcp, --mcp-url and --api-url exclude each other: calls go to one server");
    if (n == 0 && !o->replay)
        return gen_fail(err, GEN_EUSAGE,
                        "calls need a server (--mcp, --mcp-url or --api-url) or a recording "
                        "(--replay)");
    if (o->record && o->replay)
        return gen_fail(err, GEN_EUSAGE, "--record and --replay exclude each other");
    if (!o->replay && (o->mcp_url || o->api_url) && !o->http)
        return gen_fail(err, GEN_ESTATE, "calls over HTTP need an HTTP client");
    if (!o->tools && o->api_url)
        return gen_fail(err, GEN_EUSAGE,
                        "--api-url needs the definition of the operations, an OpenAPI file say");
    if (o->n_workers > N_WORKERS_MAX)
        return gen_fail(err, GEN_EUSAGE, "at most %u servers can work at once", N_WORKERS_MAX);
    if (o->observation_bytes_max > OBSERVATION_MAX)
        return gen_fail(err, GEN_EUSAGE, "an observation has at most %zu bytes", OBSERVATION_MAX);
    return GEN_OK;
}

static void fill_defaults(struct gen_executor_options *o)
{
    o->n_workers = o->n_workers ? o->n_workers : N_WORKERS_DEFAULT;
    o->call_timeout_ms = o->call_timeout_ms ? o->call_timeout_ms : CALL_MS_DEFAULT;
    o->idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS_DEFAULT;
    if (!o->observation_bytes_max)
        o->observation_bytes_max = OBSERVATION_DEFAULT;
}

static const char *copy_text(struct gen_arena *a, const char *text, bool *is_whole)
{
    const char *copy = text ? gen_arena_dup(a, gen_str_from(text)) : NULL;
    *is_whole = *is_whole && (copy || !text);
    return copy;
}

static const char *const *copy_list(struct gen_arena *a, const char *const *list, bool *is_whole)
{
    size_t n = 0;
    if (!list)
        return NULL;
    while (list[n])
        n++;
    const char **copy = gen_arena_array(a, n + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = copy_text(a, list[i], is_whole);
    *is_whole = *is_whole && copy;
    return copy;
}

/* Callers put commands together in buffers of their own. */
static int copy_texts(struct gen_executor *x, struct gen_error *err)
{
    struct gen_executor_options *o = &x->o;
    struct gen_arena *a = &x->arena;
    bool is_whole = true;
    o->mcp_command = copy_text(a, o->mcp_command, &is_whole);
    o->mcp_url = copy_text(a, o->mcp_url, &is_whole);
    o->api_url = copy_text(a, o->api_url, &is_whole);
    o->record = copy_text(a, o->record, &is_whole);
    o->replay = copy_text(a, o->replay, &is_whole);
    o->error_pattern = copy_text(a, o->error_pattern, &is_whole);
    o->headers = copy_list(a, o->headers, &is_whole);
    o->environment = copy_list(a, o->environment, &is_whole);
    o->allow = copy_list(a, o->allow, &is_whole);
    return is_whole ? GEN_OK : gen_nomem(err, "the options of an executor");
}

/* A bundled server whose only data directory is its sandbox can harm nobody. */
static bool is_harmless(const char *const *argv)
{
    size_t n_sandboxes = 0;
    if (!argv || !gen_is_bundled_server(gen_path_base(gen_str_from(argv[0]))))
        return false;
    for (size_t i = 1; argv[i]; i++) {
        if (strcmp(argv[i], "--data-dir") == 0) {
            if (!argv[i + 1] || strcmp(argv[++i], "{sandbox}") != 0)
                return false;
            n_sandboxes++;
        } else if (strncmp(argv[i], "--data-dir", 10) == 0) {
            return false;
        }
    }
    return n_sandboxes > 0;
}

/* "scheme://host" of a URL: what may stand in messages and recordings. */
static struct gen_str host_of(struct gen_str url)
{
    size_t from = gen_str_find(url, GEN_STR("://"), 0);
    from = from == SIZE_MAX ? 0 : from + 3;
    size_t end = from;
    while (end < url.n && !strchr("/?#", url.p[end]))
        end++;
    for (size_t i = from; i < end; i++)
        from = url.p[i] == '@' ? i + 1 : from;
    return gen_str_sub(url, from, end - from);
}

/* What the recording run was allowed to call, and what not, is the same again. */
static int take_recorded(struct gen_executor *x, struct gen_str server, struct gen_error *err)
{
    const struct gen_json *line = gen_cassette_tools(x->replayed, server);
    const struct gen_json *names = gen_json_get(line, "allow");
    const struct gen_json *v;
    struct gen_json_iter it;
    struct gen_str name;
    size_t n = 0;
    (void)gen_json_as_bool(gen_json_get(line, "remote"), &x->is_remote);
    if (gen_json_type(names) != GEN_JSON_ARRAY)
        return GEN_OK;
    const char **allow = gen_arena_array(&x->arena, gen_json_count(names) + 1, sizeof(*allow));
    if (!allow)
        return gen_nomem(err, "a list of tools");
    gen_json_iter_init(&it, names);
    while (gen_json_iter_next(&it, NULL, &v)) {
        if (gen_json_as_str(v, &name))
            allow[n++] = name.p; /* strings of a document end with a NUL */
    }
    x->o.allow = allow;
    return GEN_OK;
}

static int read_target(struct gen_executor *x, struct gen_error *err)
{
    struct gen_str name = {NULL, 0};
    int rc = GEN_OK;
    x->is_remote = !x->o.mcp_command;
    if (x->o.replay) {
        rc = gen_cassette_load(&x->replayed, x->o.replay, err);
        name = rc == GEN_OK ? gen_cassette_server(x->replayed) : name;
        if (rc == GEN_OK && name.n == 0)
            rc = gen_fail(err, GEN_EINPUT, "the recording %s lists no tools; record it anew",
                          x->o.replay);
        x->is_remote = false;
        if (rc == GEN_OK)
            rc = take_recorded(x, name, err);
    } else if (x->o.mcp_command) {
        rc = gen_command_split(&x->arena, gen_str_from(x->o.mcp_command), &x->argv, err);
        name = rc == GEN_OK ? gen_path_base(gen_str_from(x->argv[0])) : name;
        if (rc == GEN_OK && is_harmless(x->argv))
            x->o.allow = allow_all;
    } else {
        name = host_of(gen_str_from(x->o.mcp_url ? x->o.mcp_url : x->o.api_url));
    }
    if (rc)
        return rc;
    x->name = gen_arena_dup(&x->arena, name.n ? name : GEN_STR("server"));
    return x->name ? GEN_OK : gen_nomem(err, "a name");
}

/* The values of the users' headers: a service may say them back. */
static int keep_masked(struct gen_executor *x, struct gen_error *err)
{
    size_t n = 0;
    while (x->o.headers && x->o.headers[n])
        n++;
    x->masked = calloc(n + 1, sizeof(struct gen_secret *));
    if (!x->masked)
        return gen_nomem(err, "headers");
    for (size_t i = 0; i < n; i++) {
        struct gen_str line = gen_str_from(x->o.headers[i]);
        size_t colon = gen_str_find(line, GEN_STR(":"), 0);
        if (colon == SIZE_MAX)
            return gen_fail(err, GEN_EUSAGE, "a header is written as 'Name: value'");
        struct gen_str value = gen_str_trim(gen_str_sub(line, colon + 1, line.n));
        if (value.n < HEADER_VALUE_BYTES_LEAST)
            continue;
        int rc = gen_secret_new(&x->masked[x->n_masked], value, err);
        if (rc)
            return rc;
        x->n_masked++;
    }
    return GEN_OK;
}

/* ---- turns ---- */

static struct gen_execution **list_of(struct gen_execution **list, const struct gen_execution *e)
{
    while (*list && *list != e)
        list = &(*list)->next;
    return *list ? list : NULL;
}

static void on_deliver(void *ud)
{
    struct gen_executor *x = ud;
    while (x->ended && !x->is_closing) {
        struct gen_execution *e = x->ended;
        x->ended = e->next;
        const struct gen_observation o = {.is_error = true,
                                          .text = gen_buf_str(&e->failure),
                                          .failure = e->failure_class,
                                          .is_unsent = e->is_unsent};
        gen_execution_tell(e, &o);
    }
}

static void on_flush(void *ud)
{
    struct gen_executor *x = ud;
    if (x->is_closing || !x->queue)
        return;
    if (x->is_http)
        gen_service_dispatch(x);
    else
        gen_pool_dispatch(x);
}

static void on_idle(void *ud)
{
    struct gen_executor *x = ud;
    gen_loop_wake(x->o.loop);
}

/* ---- executions ---- */

void gen_execution_free(struct gen_execution *e)
{
    if (!e)
        return;
    for (size_t i = 0; e->calls && i <= e->n_before; i++) {
        free(e->calls[i].tool);
        free(e->calls[i].arguments);
    }
    free(e->calls);
    free(e->example);
    gen_buf_release(&e->failure);
    free(e);
}

void gen_execution_tell(struct gen_execution *e, const struct gen_observation *o)
{
    struct gen_executor_counts *c = &e->x->counts;
    c->n_errors += o->is_error && !o->failure;
    c->n_failures += o->failure != NULL;
    c->n_capped += o->is_capped;
    c->n_breaks_schema += o->breaks_schema;
    if (e->fn)
        e->fn(e->ud, o);
    gen_execution_free(e);
}

void gen_execution_fail(struct gen_execution *e, const char *class_name, const char *message)
{
    e->failure_class = class_name;
    /* Without memory for the words the class alone is told. */
    if (gen_buf_add_c(&e->failure, message, NULL))
        gen_buf_clear(&e->failure);
    struct gen_execution **last = &e->x->ended;
    while (*last)
        last = &(*last)->next;
    e->next = NULL;
    *last = e;
    gen_loop_wake(e->x->o.loop);
}

void gen_execution_refuse(struct gen_execution *e, const char *class_name, const char *message)
{
    e->is_unsent = true;
    gen_execution_fail(e, class_name, message);
}

static bool copy_call(struct gen_call_copy *out, const struct gen_tool_call *call)
{
    out->tool = gen_str_dup(call->tool);
    out->arguments = gen_str_dup(call->arguments);
    return out->tool && out->arguments;
}

static struct gen_execution *copy_execution(struct gen_str example,
                                            const struct gen_tool_call *before, size_t n_before,
                                            const struct gen_tool_call *call)
{
    struct gen_execution *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->failure = gen_buf_make(4096);
    e->n_before = n_before;
    e->example = gen_str_dup(example);
    e->calls = calloc(n_before + 1, sizeof(*e->calls));
    bool is_whole = e->example && e->calls;
    for (size_t i = 0; is_whole && i < n_before; i++)
        is_whole = copy_call(&e->calls[i], &before[i]);
    if (!is_whole || !copy_call(&e->calls[n_before], call)) {
        gen_execution_free(e);
        return NULL;
    }
    return e;
}

int gen_executor_call(struct gen_executor *x, struct gen_str example,
                      const struct gen_tool_call *before, size_t n_before,
                      const struct gen_tool_call *call, gen_observation_fn *fn, void *ud,
                      struct gen_execution **out, struct gen_error *err)
{
    struct gen_execution *e = copy_execution(example, before, n_before, call);
    if (!e)
        return gen_nomem(err, "the call of a tool");
    e->x = x;
    e->fn = fn;
    e->ud = ud;
    struct gen_execution **last = &x->queue;
    while (*last)
        last = &(*last)->next;
    *last = e;
    x->counts.n_calls++;
    gen_loop_wake(x->o.loop);
    if (out)
        *out = e;
    return GEN_OK;
}

void gen_execution_cancel(struct gen_execution *e)
{
    struct gen_executor *x = e->x;
    struct gen_execution **link = list_of(&x->queue, e);
    if (!link)
        link = list_of(&x->ended, e);
    if (link) {
        *link = e->next;
        gen_execution_free(e);
    } else if (x->is_http) {
        gen_service_cancel(e);
    } else {
        gen_pool_cancel(e);
    }
}

void gen_executor_end(struct gen_executor *x, struct gen_str example)
{
    if (!x->is_http)
        gen_pool_end_example(x, example);
}

struct gen_str gen_executor_tool_name(const struct gen_executor *x, const char *tool)
{
    const struct gen_tool *t = x->listed ? gen_toolset_find(x->listed, gen_str_from(tool)) : NULL;
    struct gen_str original = gen_json_get_str(t ? t->definition : NULL, "original_name");
    return original.n ? original : gen_str_from(tool);
}

/* ---- opening ---- */

static void on_opened(void *ud, const struct gen_error *failure)
{
    struct gen_worker *w = ud;
    w->is_starting = false;
    w->is_open = failure == NULL;
    if (failure)
        w->x->opening = *failure;
    gen_loop_stop(w->x->o.loop);
}

/* Those that the server lists, in the program's own form. */
static int list_tools(struct gen_executor *x, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)256 << 20);
    struct gen_tools_parsed parsed;
    int rc =
        gen_tools_parse(gen_mcp_tools(x->workers[0].mcp), x->name, &text, &parsed, NULL, NULL, err);
    if (rc == GEN_OK)
        rc = gen_toolset_new(&x->listed, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc ? gen_wrap(err, rc, "the tools of the server %s", x->name) : GEN_OK;
}

static int check_tools(const struct gen_executor *x, struct gen_error *err)
{
    const struct gen_toolset *own = x->o.tools;
    for (size_t i = 0; own && i < own->n_tools; i++) {
        if (gen_toolset_find(x->listed, own->tools[i].name))
            return GEN_OK;
    }
    if (!own)
        return GEN_OK;
    return gen_fail(
        err, GEN_EINPUT,
        "the server %s has none of the %zu tools of the definition (it has %zu others); "
        "give the definition of this server's tools",
        x->name, own->n_tools, x->listed->n_tools);
}

static int open_first(struct gen_executor *x, struct gen_error *err)
{
    struct gen_worker *w = &x->workers[0];
    int rc = gen_worker_init(w, err);
    if (rc)
        return rc;
    w->is_starting = true;
    gen_mcp_open(w->mcp, on_opened, w);
    while (rc == GEN_OK && w->is_starting)
        rc = gen_loop_run(x->o.loop, err);
    if (rc)
        return rc;
    if (x->opening.code != GEN_OK)
        return gen_fail(err, x->opening.code, "%s", x->opening.msg);
    w->generation = gen_mcp_generation(w->mcp);
    x->counts.n_starts++;
    rc = list_tools(x, err);
    return rc ? rc : check_tools(x, err);
}

static int describe(struct gen_executor *x, struct gen_error *err)
{
    struct gen_str said =
        x->workers && x->workers[0].mcp ? gen_mcp_server(x->workers[0].mcp) : (struct gen_str){0};
    struct gen_buf text = gen_buf_make(65536);
    int rc = x->replayed  ? gen_buf_printf(&text, err, "replay of %s", x->o.replay)
             : x->is_http ? gen_buf_add_c(&text, x->o.api_url, err)
             : said.n     ? gen_buf_add_str(&text, said, err)
                          : gen_buf_add_c(&text, x->name, err);
    if (rc == GEN_OK) {
        x->server = gen_arena_dup(&x->arena, gen_buf_str(&text));
        rc = x->server ? GEN_OK : gen_nomem(err, "a name");
    }
    gen_buf_release(&text);
    return rc;
}

static int set_up(struct gen_executor *x, struct gen_error *err)
{
    const struct gen_executor_options *o = &x->o;
    int rc = copy_texts(x, err);
    if (rc == GEN_OK && o->error_pattern)
        rc = gen_regex_new(&x->error_pattern, gen_str_from(o->error_pattern), err);
    if (rc == GEN_EUSAGE)
        rc = gen_wrap(err, rc, "the error pattern '%.200s'", o->error_pattern);
    if (rc == GEN_OK)
        rc = read_target(x, err);
    if (rc == GEN_OK)
        rc = keep_masked(x, err);
    if (rc == GEN_OK && o->record)
        rc = gen_cassette_record(&x->recording, o->record, err);
    if (rc == GEN_OK)
        rc = gen_turn_new(&x->turn, o->loop, on_deliver, on_flush, x, err);
    if (rc == GEN_OK)
        rc = gen_timer_new(&x->idle_timer, o->loop, on_idle, x, err);
    return rc;
}

int gen_executor_open(struct gen_executor **out, const struct gen_executor_options *options,
                      struct gen_error *err)
{
    int rc = check_options(options, err);
    if (rc)
        return rc;
    struct gen_executor *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "an executor");
    x->o = *options;
    fill_defaults(&x->o);
    x->arena = gen_arena_make((size_t)1 << 20);
    x->is_http = x->o.api_url && !x->o.replay;
    rc = set_up(x, err);
    if (rc == GEN_OK && !x->is_http) {
        x->workers = calloc(x->o.n_workers, sizeof(*x->workers));
        for (size_t i = 0; x->workers && i < x->o.n_workers; i++)
            x->workers[i].x = x;
        rc = x->workers ? open_first(x, err) : gen_nomem(err, "the workers");
    }
    if (rc == GEN_OK && x->is_http)
        rc = gen_service_open(x, err);
    if (rc == GEN_OK)
        rc = describe(x, err);
    if (rc) {
        gen_executor_free(x);
        return rc;
    }
    x->tools = x->listed ? x->listed : x->o.tools;
    *out = x;
    return GEN_OK;
}

/* ---- closing ---- */

static void drop_all(struct gen_execution **list)
{
    while (*list) {
        struct gen_execution *next = (*list)->next;
        gen_execution_free(*list);
        *list = next;
    }
}

static void on_closed(void *ud, const struct gen_error *failure)
{
    struct gen_worker *w = ud;
    (void)failure;
    if (--w->x->n_waited == 0)
        gen_loop_stop(w->x->o.loop);
}

int gen_executor_close(struct gen_executor *x, struct gen_error *err)
{
    int rc = GEN_OK;
    x->is_closing = true;
    gen_timer_stop(x->idle_timer);
    for (struct gen_execution *e = x->in_flight; e; e = e->next)
        gen_service_cancel(e);
    for (size_t i = 0; x->workers && i < x->o.n_workers; i++) {
        if (x->workers[i].mcp)
            x->n_waited++;
    }
    for (size_t i = 0; x->workers && i < x->o.n_workers; i++) {
        if (x->workers[i].mcp)
            gen_mcp_close(x->workers[i].mcp, on_closed, &x->workers[i]);
    }
    while (rc == GEN_OK && (x->n_waited || x->n_in_flight))
        rc = gen_loop_run(x->o.loop, err);
    if (rc == GEN_OK && x->recording)
        rc = gen_cassette_save(x->recording, err);
    return rc;
}

void gen_executor_free(struct gen_executor *x)
{
    if (!x)
        return;
    x->is_closing = true;
    for (size_t i = 0; x->workers && i < x->o.n_workers; i++) {
        gen_mcp_free(x->workers[i].mcp);
        gen_execution_free(x->workers[i].current);
        free(x->workers[i].example);
    }
    free(x->workers);
    drop_all(&x->in_flight);
    drop_all(&x->queue);
    drop_all(&x->ended);
    gen_turn_free(x->turn);
    gen_timer_free(x->idle_timer);
    gen_regex_free(x->error_pattern);
    gen_cassette_free(x->recording);
    gen_cassette_free(x->replayed);
    gen_toolset_free(x->listed);
    for (size_t i = 0; i < x->n_masked; i++)
        gen_secret_free(x->masked[i]);
    free(x->masked);
    gen_arena_release(&x->arena);
    free(x);
}

/* ---- what it is ---- */

struct gen_str gen_executor_server(const struct gen_executor *x)
{
    return gen_str_from(x->server);
}

const char *gen_executor_mode(const struct gen_executor *x)
{
    return x->replayed ? "replay" : "real";
}

bool gen_executor_is_remote(const struct gen_executor *x)
{
    return x->is_remote;
}

const struct gen_toolset *gen_executor_tools(const struct gen_executor *x)
{
    return x->tools;
}

int gen_executor_allows(const struct gen_executor *x, struct gen_str tool, bool *allowed,
                        struct gen_buf *why, struct gen_error *err)
{
    if (x->is_http)
        return gen_service_allows(x, tool, allowed, why, err);
    char *name = gen_str_dup(tool);
    if (!name)
        return gen_nomem(err, "a name");
    int rc = gen_mcp_allows(x->workers[0].mcp, gen_executor_tool_name(x, name), allowed, why, err);
    free(name);
    return rc;
}

struct gen_executor_counts gen_executor_counts(const struct gen_executor *x)
{
    return x->counts;
}
