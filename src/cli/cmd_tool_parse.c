/* Tool definitions read from a file or from an MCP server: checked, shown, and with -o converted.
 */
#include "cli/say.h"
#include "cli/tool_world.h"

#include "base/utf8.h"
#include "os/file.h"
#include "tool/mcp/command.h"
#include "tool/mcp/mcp.h"
#include "tool/parse.h"

#include <stdio.h>

#define NAME_COLUMN       28U
#define TOOLS_SHOWN       60U
#define DESCRIPTION_CHARS 72U

struct parsing {
    const struct gen_app *app;
    const char *from;   /* the file, the command or the address */
    struct gen_buf out; /* the own form */
    struct gen_buf findings;
    struct gen_tools_parsed parsed;
    bool done;
    struct gen_loop *loop;
    struct gen_error failure;
    int rc;
};

static int on_finding(void *ud, const struct gen_tool_finding *f, struct gen_error *err)
{
    struct parsing *p = ud;
    return gen_buf_printf(&p->findings, err, "%s%.*s%s%s\n",
                          f->is_error ? "error: " : "warning: ", GEN_STR_ARG(f->tool),
                          f->tool.n ? ": " : "", f->why);
}

/* `name` stands for a set that has none of its own. */
static int parse(struct parsing *p, const struct gen_json *root, struct gen_str name,
                 struct gen_error *err)
{
    char set[200];
    (void)snprintf(set, sizeof(set), "%.*s", GEN_STR_ARG(name));
    int rc = gen_tools_parse(root, set, &p->out, &p->parsed, on_finding, p, err);
    return rc ? gen_wrap(err, rc, "%s", p->from) : GEN_OK;
}

static int parse_file(struct parsing *p, struct gen_error *err)
{
    return gen_tools_read(p->from, &p->out, &p->parsed, on_finding, p, err);
}

/* ---- a server ---- */

static void on_event(void *ud, const struct gen_error *failure)
{
    struct parsing *p = ud;
    p->done = true;
    p->rc = failure ? (int)failure->code : GEN_OK;
    if (failure)
        p->failure = *failure;
    gen_loop_stop(p->loop);
}

/* Runs until what was begun has ended. */
static int wait_for(struct parsing *p, struct gen_error *err)
{
    int rc = GEN_OK;
    while (rc == GEN_OK && !p->done)
        rc = gen_loop_run(p->loop, err);
    p->done = false;
    if (rc == GEN_OK && p->rc) {
        if (err)
            *err = p->failure;
        rc = p->rc;
    }
    return rc;
}

static int ask(struct parsing *p, struct gen_mcp *mcp, struct gen_error *err)
{
    gen_mcp_open(mcp, on_event, p);
    int rc = wait_for(p, err);
    if (rc == GEN_OK) {
        gen_log(p->app->log, GEN_LOG_INFO, "mcp", "%.*s, protocol %.*s",
                GEN_STR_ARG(gen_mcp_server(mcp)), GEN_STR_ARG(gen_mcp_version(mcp)));
        rc = parse(p, gen_mcp_tools(mcp), gen_mcp_server(mcp), err);
    }
    gen_mcp_close(mcp, on_event, p);
    int closed = wait_for(p, rc ? NULL : err);
    return rc ? rc : closed;
}

static int parse_server(struct parsing *p, const char *command, const char *url,
                        struct gen_error *err)
{
    struct gen_arena arena = gen_arena_make((size_t)1 << 20);
    struct gen_http *http = NULL;
    struct gen_mcp *mcp = NULL;
    const struct gen_http_options http_options = {.in_flight_max = 4, .connect_ms = 10000};
    struct gen_mcp_options options = {.name = "MCP", .url = url, .log = p->app->log};
    int rc = gen_loop_new(&p->loop, err);
    if (rc == GEN_OK && command)
        rc = gen_command_split(&arena, gen_str_from(command), &options.argv, err);
    if (rc == GEN_OK && command)
        options.name = gen_path_base(gen_str_from(options.argv[0])).p;
    if (rc == GEN_OK)
        rc = gen_tool_values(p->app->settings, GEN_OPT_TOOL_HEADER, &arena, &options.headers, err);
    if (rc == GEN_OK)
        rc = gen_tool_values(p->app->settings, GEN_OPT_TOOL_ENV, &arena, &options.environment, err);
    if (rc == GEN_OK && url)
        rc = gen_http_new(&http, p->loop, &http_options, err);
    options.http = http;
    options.sandbox = command && strstr(command, "{sandbox}");
    if (rc == GEN_OK)
        rc = gen_mcp_new(&mcp, p->loop, &options, err);
    if (rc == GEN_OK)
        rc = ask(p, mcp, err);
    gen_http_free(http);
    gen_mcp_free(mcp);
    gen_loop_free(p->loop);
    gen_arena_release(&arena);
    return rc;
}

/* ---- what is shown ---- */

/* The first line of a description, as far as a line of the terminal holds it. */
static int add_description(struct gen_buf *out, struct gen_str text, struct gen_error *err)
{
    struct gen_str line = text;
    (void)gen_str_next_line(&text, &line);
    struct gen_str shown = gen_utf8_prefix(line, DESCRIPTION_CHARS);
    while (shown.n < line.n && shown.n && shown.p[shown.n - 1] != ' ')
        shown.n--;
    return gen_buf_printf(out, err, "      %.*s%s\n", GEN_STR_ARG(gen_str_trim(shown)),
                          shown.n < line.n ? " ..." : "");
}

/* "path, mode?": what is optional has a question mark. */
static int add_parameters(struct gen_buf *out, const struct gen_json *tool, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    size_t n = 0;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(tool, "parameters"));
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &v)) {
        bool required = false;
        (void)gen_json_as_bool(gen_json_get(v, "required"), &required);
        rc = gen_buf_printf(out, err, "%s%.*s%s", n++ ? ", " : "",
                            GEN_STR_ARG(gen_json_get_str(v, "name")), required ? "" : "?");
    }
    return rc;
}

static int add_tool(struct gen_buf *out, const struct gen_json *tool, struct gen_error *err)
{
    struct gen_str name = gen_json_get_str(tool, "name");
    int pad = name.n < NAME_COLUMN ? (int)(NAME_COLUMN - name.n) : 1;
    int rc = gen_buf_printf(out, err, "  %.*s%*s(", GEN_STR_ARG(name), pad, "");
    if (rc == GEN_OK)
        rc = add_parameters(out, tool, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ")\n", err);
    return rc ? rc : add_description(out, gen_json_get_str(tool, "description"), err);
}

static int add_summary(struct parsing *p, const struct gen_json *set, struct gen_buf *out,
                       struct gen_error *err)
{
    const struct gen_json *tools = gen_json_get(set, "tools");
    struct gen_json_iter it;
    const struct gen_json *tool;
    size_t n = 0;
    int rc = gen_buf_printf(
        out, err, "%.*s: %zu tool%s (%s)\n", GEN_STR_ARG(gen_json_get_str(set, "name")),
        p->parsed.n_tools, p->parsed.n_tools == 1 ? "" : "s", gen_tool_shape_name(p->parsed.shape));
    gen_json_iter_init(&it, tools);
    while (rc == GEN_OK && n < TOOLS_SHOWN && gen_json_iter_next(&it, NULL, &tool)) {
        rc = add_tool(out, tool, err);
        n++;
    }
    if (rc == GEN_OK && n < p->parsed.n_tools)
        rc = gen_buf_printf(out, err, "  ... and %zu more; -o FILE writes them all\n",
                            p->parsed.n_tools - n);
    return rc;
}

static int show(struct parsing *p, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_parse(&doc, gen_buf_str(&p->out), err);
    if (rc == GEN_OK)
        rc = add_summary(p, gen_json_root(doc), &text, err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&text), err);
    gen_buf_release(&text);
    gen_json_doc_free(doc);
    return rc;
}

static void tell_findings(const struct parsing *p)
{
    struct gen_str rest = gen_buf_str(&p->findings);
    struct gen_str line;
    while (gen_str_next_line(&rest, &line)) {
        bool is_error = gen_str_starts(line, GEN_STR("error: "));
        size_t skip = is_error ? 7 : 9;
        gen_log(p->app->log, GEN_LOG_WARN, is_error ? "left_out" : "tool", "%.*s",
                GEN_STR_ARG(gen_str_sub(line, skip, line.n)));
    }
}

static int finish(struct parsing *p, int *status, struct gen_error *err)
{
    const char *output = gen_settings_text(p->app->settings, GEN_OPT_OUTPUT);
    bool is_stream = output && strcmp(output, "-") == 0;
    tell_findings(p);
    int rc = gen_buf_add_char(&p->out, '\n', err);
    if (rc == GEN_OK && !output)
        rc = show(p, err);
    else if (rc == GEN_OK && is_stream)
        rc = gen_say(gen_buf_str(&p->out), err);
    else if (rc == GEN_OK)
        rc = gen_file_write_all(output, gen_buf_str(&p->out), err);
    if (rc == GEN_OK && output && !is_stream)
        gen_log(p->app->log, GEN_LOG_INFO, "end", "%zu tools (%s) in %s", p->parsed.n_tools,
                gen_tool_shape_name(p->parsed.shape), output);
    *status = p->parsed.n_errors ? GEN_EXIT_SOME_FAILED : GEN_EXIT_DONE;
    return rc;
}

int gen_cmd_tool_parse(const struct gen_app *app, int *status, struct gen_error *err)
{
    const char *file = gen_settings_argument(app->settings);
    const char *command = gen_settings_text(app->settings, GEN_OPT_MCP);
    const char *url = gen_settings_text(app->settings, GEN_OPT_MCP_URL);
    struct parsing p = {.app = app, .from = file ? file : command ? command : url};
    if ((file != NULL) + (command != NULL) + (url != NULL) != 1)
        return gen_fail(err, GEN_EUSAGE,
                        "tool-parse reads one thing: a file of tools, --mcp COMMAND or --mcp-url "
                        "URL");
    p.out = gen_buf_make(GEN_BUF_UNLIMITED);
    p.findings = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = file ? parse_file(&p, err) : parse_server(&p, command, url, err);
    if (rc == GEN_OK)
        rc = finish(&p, status, err);
    gen_buf_release(&p.out);
    gen_buf_release(&p.findings);
    return rc;
}
