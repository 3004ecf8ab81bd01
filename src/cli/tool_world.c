#include "cli/tool_world.h"

#include "conf/expand.h"

#include <stdio.h>
#include <stdlib.h>

#define FINDINGS_SHOWN  10U
#define ARENA_BYTES     ((size_t)1 << 20)
#define VALUE_BYTES_MAX 65536U
#define HTTP_CONNECT_MS 10000U
#define HTTP_SPARE      8U

const char *gen_tool_mode_name(enum gen_tool_mode mode)
{
    static const char *const names[] = {"none", "real", "simulated", "replay"};
    return names[mode];
}

/* ---- the tools ---- */

struct findings {
    const struct gen_log *log;
    size_t n;
};

static int on_finding(void *ud, const struct gen_tool_finding *f, struct gen_error *err)
{
    struct findings *seen = ud;
    (void)err;
    if (seen->n++ < FINDINGS_SHOWN)
        gen_log(seen->log, GEN_LOG_WARN, f->is_error ? "left_out" : "tool", "%.*s%s%s",
                GEN_STR_ARG(f->tool), f->tool.n ? ": " : "", f->why);
    return GEN_OK;
}

int gen_tool_world_read(struct gen_tool_world *w, struct gen_session *s, const char *path,
                        struct gen_error *err)
{
    memset(w, 0, sizeof(*w));
    w->session = s;
    w->arena = gen_arena_make(ARENA_BYTES);
    w->bundled = gen_buf_make(VALUE_BYTES_MAX);
    if (!path)
        return GEN_OK;
    struct findings seen = {&s->log, 0};
    int rc = gen_toolset_load(&w->file, path, on_finding, &seen, err);
    if (rc == GEN_OK && seen.n > FINDINGS_SHOWN)
        gen_log(&s->log, GEN_LOG_WARN, "tools",
                "%zu more such remarks; `generator tool-parse %s` shows all",
                seen.n - FINDINGS_SHOWN, path);
    w->tools = w->file;
    if (rc)
        gen_tool_world_close(w);
    return rc;
}

/* ---- who carries out the calls ---- */

int gen_tool_values(const struct gen_settings *set, enum gen_option_id id, struct gen_arena *arena,
                    const char *const **out, struct gen_error *err)
{
    char where[80];
    size_t n = 0;
    const char *const *items = gen_settings_list(set, id, &n);
    *out = NULL;
    if (n == 0)
        return GEN_OK;
    const char **values = gen_arena_array(arena, n + 1, sizeof(*values));
    if (!values)
        return gen_nomem(err, "a list of values");
    (void)snprintf(where, sizeof(where), "--%s", gen_options[id].name);
    for (size_t i = 0; i < n; i++) {
        struct gen_buf text = gen_buf_make(VALUE_BYTES_MAX);
        int rc = gen_expand(&text, gen_str_from(items[i]), (gen_environ_fn *)getenv, where, err);
        if (rc == GEN_OK) {
            values[i] = gen_arena_dup(arena, gen_buf_str(&text));
            rc = values[i] ? GEN_OK : gen_nomem(err, "a value");
        }
        gen_buf_release(&text);
        if (rc)
            return rc;
    }
    *out = values;
    return GEN_OK;
}

/* The options that say where calls go. */
struct places {
    const char *mcp, *mcp_url, *api_url, *replay, *record, *mode;
};

static struct places places_of(const struct gen_settings *set)
{
    return (struct places){
        .mcp = gen_settings_text(set, GEN_OPT_MCP),
        .mcp_url = gen_settings_text(set, GEN_OPT_MCP_URL),
        .api_url = gen_settings_text(set, GEN_OPT_API_URL),
        .replay = gen_settings_text(set, GEN_OPT_REPLAY),
        .record = gen_settings_text(set, GEN_OPT_RECORD),
        .mode = gen_settings_text(set, GEN_OPT_MODE),
    };
}

static int check_places(const struct places *p, struct gen_error *err)
{
    bool is_real = !p->mode || strcmp(p->mode, "real") == 0;
    bool has_server = p->mcp || p->mcp_url || p->api_url;
    if ((p->mcp != NULL) + (p->mcp_url != NULL) + (p->api_url != NULL) > 1)
        return gen_fail(err, GEN_EUSAGE,
                        "--mcp, --mcp-url and --api-url exclude each other: calls go to one place");
    if (p->replay && p->record)
        return gen_fail(err, GEN_EUSAGE, "--record and --replay exclude each other");
    if (p->replay && p->mode && strcmp(p->mode, "replay") != 0)
        return gen_fail(err, GEN_EUSAGE, "--replay is a mode of its own: leave out --mode %s",
                        p->mode);
    if (!p->replay && p->mode && strcmp(p->mode, "replay") == 0)
        return gen_fail(err, GEN_EUSAGE, "--mode replay needs --replay FILE, written by --record");
    if (has_server && !is_real && strcmp(p->mode, "none") != 0)
        return gen_fail(err, GEN_EUSAGE,
                        "--mode %s starts no server: leave out --mcp, --mcp-url "
                        "and --api-url",
                        p->mode);
    if (p->record && p->mode && !is_real)
        return gen_fail(err, GEN_EUSAGE, "--record needs --mode real: there is nothing to record");
    return GEN_OK;
}

/* The server that the file of tools names, when it can be started here. */
static int find_bundled(struct gen_tool_world *w, bool is_wanted, struct gen_error *err)
{
    struct gen_error why = {.msg = ""};
    struct gen_str name = w->file ? w->file->server : GEN_STR("");
    if (name.n == 0) {
        (void)snprintf(w->why_none, sizeof(w->why_none),
                       "no server is given; --mcp, --mcp-url or --api-url name one");
        return is_wanted ? gen_fail(err, GEN_EUSAGE,
                                    "--mode real needs a server: --mcp COMMAND, "
                                    "--mcp-url URL or --api-url URL")
                         : GEN_OK;
    }
    char *cname = gen_arena_dup(&w->arena, name);
    if (!cname)
        return gen_nomem(err, "a name");
    int rc = gen_bundled_command(cname, &w->bundled, &why);
    if (rc == GEN_OK)
        return GEN_OK;
    gen_buf_clear(&w->bundled);
    if (rc == GEN_ENOMEM || is_wanted) {
        if (err)
            *err = why;
        return rc;
    }
    (void)snprintf(w->why_none, sizeof(w->why_none), "%s", why.msg);
    return GEN_OK;
}

static int decide(struct gen_tool_world *w, const struct places *p, struct gen_error *err)
{
    bool has_server = p->mcp || p->mcp_url || p->api_url;
    int rc = check_places(p, err);
    if (rc)
        return rc;
    if (p->replay) {
        w->mode = GEN_TOOL_MODE_REPLAY;
    } else if (p->mode && strcmp(p->mode, "simulated") == 0) {
        w->mode = GEN_TOOL_MODE_SIMULATED;
    } else if (p->mode && strcmp(p->mode, "none") == 0) {
        w->mode = GEN_TOOL_MODE_NONE;
        (void)snprintf(w->why_none, sizeof(w->why_none), "--mode none");
    } else {
        rc = has_server ? GEN_OK : find_bundled(w, p->mode != NULL, err);
        w->mode = has_server || w->bundled.n ? GEN_TOOL_MODE_REAL : GEN_TOOL_MODE_NONE;
    }
    if (rc == GEN_OK && p->record && w->mode != GEN_TOOL_MODE_REAL)
        rc = gen_fail(err, GEN_EUSAGE, "--record needs a server: %s", w->why_none);
    if (rc == GEN_OK && p->api_url && !w->file)
        rc = gen_fail(err, GEN_EUSAGE,
                      "--api-url needs the definition of the service: give the OpenAPI file");
    return rc;
}

static int open_executor(struct gen_tool_world *w, const struct places *p, struct gen_error *err)
{
    const struct gen_settings *set = w->session->settings;
    size_t n_allow = 0;
    const char *const *allow = gen_settings_list(set, GEN_OPT_ALLOW, &n_allow);
    const char **allowed = gen_arena_array(&w->arena, n_allow + 1, sizeof(*allowed));
    if (!allowed)
        return gen_nomem(err, "a list of tools");
    for (size_t i = 0; i < n_allow; i++)
        allowed[i] = allow[i];
    struct gen_executor_options o = {
        .loop = w->session->loop,
        .log = &w->session->log,
        .tools = w->file,
        .mcp_command = w->bundled.n ? w->bundled.data : p->mcp,
        .mcp_url = p->mcp_url,
        .api_url = p->api_url,
        .allow = n_allow ? allowed : NULL,
        .error_pattern = gen_settings_text(set, GEN_OPT_ERROR_PATTERN),
        .record = p->record,
        .replay = p->replay,
        .keeps_server = gen_settings_flag(set, GEN_OPT_KEEP_SERVER),
        .n_workers = (size_t)gen_settings_int(set, GEN_OPT_TOOL_WORKERS),
        .call_timeout_ms = (uint64_t)(gen_settings_real(set, GEN_OPT_TOOL_TIMEOUT) * 1000.0),
        .observation_bytes_max = (size_t)gen_settings_int(set, GEN_OPT_MAX_OBSERVATION),
    };
    int rc = gen_tool_values(set, GEN_OPT_TOOL_HEADER, &w->arena, &o.headers, err);
    if (rc == GEN_OK)
        rc = gen_tool_values(set, GEN_OPT_TOOL_ENV, &w->arena, &o.environment, err);
    if (rc == GEN_OK && !p->replay && (p->mcp_url || p->api_url)) {
        const struct gen_http_options http = {.in_flight_max = o.n_workers + HTTP_SPARE,
                                              .connect_ms = HTTP_CONNECT_MS};
        rc = gen_http_new(&w->http, w->session->loop, &http, err);
    }
    o.http = w->http;
    return rc ? rc : gen_executor_open(&w->executor, &o, err);
}

/* A name that no tool has allows nothing, and the user believes it does. */
static int check_allowed(const struct gen_tool_world *w, struct gen_error *err)
{
    size_t n = 0;
    const char *const *allow = gen_settings_list(w->session->settings, GEN_OPT_ALLOW, &n);
    for (size_t i = 0; w->tools && i < n; i++) {
        if (strcmp(allow[i], "*") != 0 && !gen_toolset_find(w->tools, gen_str_from(allow[i])))
            return gen_fail(err, GEN_EUSAGE, "--allow %s: there is no such tool", allow[i]);
    }
    return GEN_OK;
}

int gen_tool_world_open(struct gen_tool_world *w, struct gen_session *s, const char *path,
                        struct gen_error *err)
{
    int rc = gen_tool_world_read(w, s, path, err);
    if (rc)
        return rc;
    const struct places places = places_of(s->settings);
    bool is_dry = gen_settings_flag(s->settings, GEN_OPT_DRY_RUN);
    rc = decide(w, &places, err);
    bool calls = w->mode == GEN_TOOL_MODE_REAL || w->mode == GEN_TOOL_MODE_REPLAY;
    /* A dry run starts a server only where nothing else knows the tools. */
    if (rc == GEN_OK && calls && (!is_dry || !w->file))
        rc = open_executor(w, &places, err);
    if (rc == GEN_OK && !w->tools && w->executor)
        w->tools = gen_executor_tools(w->executor);
    if (rc == GEN_OK)
        rc = check_allowed(w, err);
    if (rc)
        gen_tool_world_close(w);
    return rc;
}

int gen_tool_world_open_drawn(struct gen_tool_world *w, struct gen_session *s,
                              struct gen_error *err)
{
    const char *path = gen_settings_argument(s->settings);
    bool has_server = gen_settings_text(s->settings, GEN_OPT_MCP) ||
                      gen_settings_text(s->settings, GEN_OPT_MCP_URL);
    if (!path && !has_server)
        return gen_fail(err, GEN_EUSAGE,
                        "%s needs tools: a file of definitions, or --mcp COMMAND or --mcp-url URL "
                        "whose tools are taken",
                        s->command);
    int rc = gen_tool_world_open(w, s, path, err);
    if (rc == GEN_OK && !w->tools) {
        rc = gen_fail(err, GEN_EUSAGE, "--mode %s starts no server, and there is no file of tools",
                      gen_tool_mode_name(w->mode));
        gen_tool_world_close(w);
    }
    return rc;
}

int gen_tool_world_finish(struct gen_tool_world *w, struct gen_error *err)
{
    return w->executor ? gen_executor_close(w->executor, err) : GEN_OK;
}

void gen_tool_world_close(struct gen_tool_world *w)
{
    gen_executor_free(w->executor);
    gen_http_free(w->http);
    gen_toolset_free(w->file);
    gen_arena_release(&w->arena);
    gen_buf_release(&w->bundled);
    w->executor = NULL;
    w->http = NULL;
    w->file = NULL;
    w->tools = NULL;
}

int gen_tool_world_tell(const struct gen_tool_world *w, struct gen_buf *out, struct gen_error *err)
{
    if (w->mode == GEN_TOOL_MODE_NONE)
        return gen_buf_printf(out, err, "not executed: %s", w->why_none);
    if (w->mode == GEN_TOOL_MODE_SIMULATED)
        return gen_buf_printf(out, err, "simulated by %s %s: no tool was called",
                              w->session->provider->name, w->session->model);
    if (!w->executor)
        return gen_buf_add_c(out, gen_tool_mode_name(w->mode), err);
    const struct gen_executor_counts n = gen_executor_counts(w->executor);
    int rc = gen_buf_printf(out, err, "%s%.*s", w->mode == GEN_TOOL_MODE_REAL ? "real on " : "",
                            GEN_STR_ARG(gen_executor_server(w->executor)));
    if (rc == GEN_OK && w->n_explored)
        rc = gen_buf_printf(out, err, ", after %zu calls to learn what the tools give",
                            w->n_explored);
    if (rc == GEN_OK && n.n_breaks_schema)
        rc = gen_buf_printf(out, err, "; %llu results are not as their output schema says",
                            (unsigned long long)n.n_breaks_schema);
    return rc;
}
