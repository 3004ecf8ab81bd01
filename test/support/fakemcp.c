/*
 * A scripted MCP server over standard input and output, for tests of clients. Its first argument
 * says how it opens:
 *   legacy          2025-11-25 only, as the official npm servers
 *   modern          2026-07-28 only
 *   future          knows neither: -32022
 *   old             answers initialize with 2024-11-05
 *   unknown         answers initialize with a version that does not exist
 *   mute            reads, and never answers
 *   deaf            never answers server/discover, the rest as legacy
 *   fragile         dies of server/discover
 *   dead            dies at once
 *   pages, circle, endless   lists its tools on pages: four; in a circle; without end
 *   no-list         answers tools/list without tools
 *   (any) http      the same behind streamable HTTP (fakemcp_http.c)
 *   changed         says that its tools have changed after the handshake
 * The tools say by their names what they do; see the table at the end.
 */
#include "fakemcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yyjson.h>

extern char **environ;

struct request {
    long long id;
    const char *method;
    yyjson_val *params;
    yyjson_val *arguments;
};

static void send_text(const char *text)
{
    (void)fputs(text, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

/* {"jsonrpc","id","result": <json>} */
static void answer(long long id, const char *json)
{
    (void)printf("{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":%s}\n", id, json);
    (void)fflush(stdout);
}

static void refuse(long long id, int code, const char *message, const char *data)
{
    (void)printf(
        "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"error\":{\"code\":%d,\"message\":\"%s\"%s%s}}\n", id,
        code, message, data ? ",\"data\":" : "", data ? data : "");
    (void)fflush(stdout);
}

/* One block of text, with further members of the result behind it. */
static void say(const struct fakemcp *s, long long id, const char *text, const char *more)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, yyjson_mut_str(doc, text));
    char *quoted = yyjson_mut_write(doc, 0, NULL);
    (void)printf("{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":{%s\"content\":[{\"type\":\"text\","
                 "\"text\":%s}]%s}}\n",
                 id, s->is_modern ? "\"resultType\":\"complete\"," : "", quoted, more);
    (void)fflush(stdout);
    free(quoted);
    yyjson_mut_doc_free(doc);
}

static long long number(const struct request *r, const char *key, long long otherwise)
{
    yyjson_val *v = yyjson_obj_get(r->arguments, key);
    return yyjson_is_int(v) ? yyjson_get_sint(v) : otherwise;
}

/* ---- tools ---- */

static void tool_echo(struct fakemcp *s, const struct request *r)
{
    const char *text = yyjson_get_str(yyjson_obj_get(r->arguments, "text"));
    if (s->muted_id) {
        say(s, s->muted_id, "too late", "");
        s->muted_id = 0;
    }
    say(s, r->id, text ? text : "", "");
}

static void tool_fail(struct fakemcp *s, const struct request *r)
{
    say(s, r->id, "there is no such file", ",\"isError\":true");
}

static void tool_error_text(struct fakemcp *s, const struct request *r)
{
    say(s, r->id, "Error: No file currently open", "");
}

static void tool_die(struct fakemcp *s, const struct request *r)
{
    (void)s;
    (void)r;
    (void)fputs("starting up\nfatal: out of luck\n\n", stderr);
    exit(3);
}

/* Dies when the file "mark" is not there, and leaves it. */
static void tool_die_once(struct fakemcp *s, const struct request *r)
{
    const char *mark = yyjson_get_str(yyjson_obj_get(r->arguments, "mark"));
    if (mark && access(mark, F_OK) != 0) {
        FILE *f = fopen(mark, "w");
        if (f)
            (void)fclose(f);
        exit(4);
    }
    say(s, r->id, "survived", "");
}

static void tool_mute(struct fakemcp *s, const struct request *r)
{
    s->muted_id = r->id;
}

static void tool_slow(struct fakemcp *s, const struct request *r)
{
    long long n = number(r, "steps", 5);
    yyjson_val *token = yyjson_obj_get(yyjson_obj_get(r->params, "_meta"), "progressToken");
    for (long long i = 0; i < n; i++) {
        (void)usleep((useconds_t)number(r, "ms", 10) * 1000);
        (void)printf("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                     "\"progressToken\":%lld,\"progress\":%lld,\"total\":%lld}}\n",
                     (long long)yyjson_get_sint(token), i + 1, n);
        (void)fflush(stdout);
    }
    say(s, r->id, "done", "");
}

static void tool_huge(struct fakemcp *s, const struct request *r)
{
    long long n = number(r, "bytes", 1000);
    char *text = malloc((size_t)n + 1);
    if (!text)
        abort();
    memset(text, 'x', (size_t)n);
    text[n] = '\0';
    say(s, r->id, text, "");
    free(text);
}

static void tool_garbage(struct fakemcp *s, const struct request *r)
{
    (void)s;
    (void)r;
    send_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{oops");
}

static void tool_empty(struct fakemcp *s, const struct request *r)
{
    (void)s;
    (void)printf("{\"jsonrpc\":\"2.0\",\"id\":%lld}\n", r->id);
    (void)fflush(stdout);
}

static void tool_noise(struct fakemcp *s, const struct request *r)
{
    for (int i = 0; i < 2000; i++)
        (void)fputs("warning: this is a line of noise on standard error, one of very many\n",
                    stderr);
    send_text("Server listening, have fun!");
    send_text("");
    send_text("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":1}}");
    say(s, r->id, "calm", "");
}

static void tool_doubled(struct fakemcp *s, const struct request *r)
{
    say(s, r->id, "first", "");
    say(s, r->id, "second", "");
}

static void tool_wrong_id(struct fakemcp *s, const struct request *r)
{
    say(s, r->id + 1000, "for somebody else", "");
    send_text("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
    send_text("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}");
}

static void tool_input(struct fakemcp *s, const struct request *r)
{
    (void)s;
    answer(r->id, "{\"resultType\":\"input_required\",\"requestState\":\"abc\",\"inputRequests\":{"
                  "\"name\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"?\"}}}}");
}

static void tool_odd_type(struct fakemcp *s, const struct request *r)
{
    (void)s;
    answer(r->id, "{\"resultType\":\"task\",\"task\":{}}");
}

static void tool_structured(struct fakemcp *s, const struct request *r)
{
    bool is_bad = yyjson_get_bool(yyjson_obj_get(r->arguments, "bad"));
    bool is_missing = yyjson_get_bool(yyjson_obj_get(r->arguments, "missing"));
    say(s, r->id, "{\n  \"sum\": 5\n}",
        is_missing ? ""
        : is_bad   ? ",\"structuredContent\":{\"sum\":\"5\"}"
                   : ",\"structuredContent\":{\"sum\":5}");
}

static void tool_write(struct fakemcp *s, const struct request *r)
{
    const char *path = yyjson_get_str(yyjson_obj_get(r->arguments, "path"));
    FILE *f = path ? fopen(path, "w") : NULL;
    char text[600];
    (void)snprintf(text, sizeof(text), "%s %s", f ? "wrote" : "cannot write", path ? path : "");
    if (f)
        (void)fclose(f);
    say(s, r->id, text, "");
}

static void tool_where(struct fakemcp *s, const struct request *r)
{
    char here[500] = "", text[4000] = "";
    (void)snprintf(text, sizeof(text), "cwd=%s argc=%s", getcwd(here, sizeof(here)), s->mode);
    for (char **v = environ; *v; v++) {
        size_t n = strcspn(*v, "=");
        if (strlen(text) + n + 2 < sizeof(text)) {
            (void)strncat(text, " ", 2);
            (void)strncat(text, *v, strncmp(*v, "FAKE_", 5) == 0 ? strlen(*v) : n);
        }
    }
    say(s, r->id, text, "");
}

static void tool_count(struct fakemcp *s, const struct request *r)
{
    char text[80];
    (void)snprintf(text, sizeof(text), "%lld calls, %lld canceled%s", ++s->n_counted, s->n_canceled,
                   s->was_initialized ? ", initialized" : "");
    say(s, r->id, text, "");
}

/* The next line that is an answer of the client's; its "result" or error code as text. */
static void read_reply(char *out, size_t n)
{
    char *line = NULL;
    size_t room = 0;
    *out = '\0';
    if (getline(&line, &room, stdin) > 0) {
        yyjson_doc *doc = yyjson_read(line, strlen(line), 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        yyjson_val *error = yyjson_obj_get(root, "error");
        const char *id = yyjson_get_str(yyjson_obj_get(root, "id"));
        if (error)
            (void)snprintf(out, n, "%s:%d", id ? id : "?",
                           yyjson_get_int(yyjson_obj_get(error, "code")));
        else
            (void)snprintf(out, n, "%s:%s", id ? id : "?",
                           yyjson_obj_get(root, "result") ? "ok" : "none");
        yyjson_doc_free(doc);
    }
    free(line);
}

static void tool_asks(struct fakemcp *s, const struct request *r)
{
    static const char *const requests[] = {"ping", "roots/list", "sampling/createMessage",
                                           "elicitation/create"};
    char text[400] = "", reply[80];
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        (void)printf("{\"jsonrpc\":\"2.0\",\"id\":\"q%zu\",\"method\":\"%s\",\"params\":{}}\n", i,
                     requests[i]);
        (void)fflush(stdout);
        read_reply(reply, sizeof(reply));
        (void)strncat(text, reply, sizeof(text) - strlen(text) - 1);
        (void)strncat(text, " ", sizeof(text) - strlen(text) - 1);
    }
    say(s, r->id, text, "");
}

static void tool_blocks(struct fakemcp *s, const struct request *r)
{
    (void)s;
    answer(r->id, "{\"content\":[{\"type\":\"text\",\"text\":\"one\"},"
                  "{\"type\":\"image\",\"mimeType\":\"image/png\",\"data\":\"AAAA\"},"
                  "{\"type\":\"resource_link\",\"uri\":\"file:///a\",\"name\":\"a\"}]}");
}

struct tool {
    const char *name;
    const char *more; /* members of its definition */
    void (*run)(struct fakemcp *s, const struct request *r);
};

#define READ_ONLY ",\"annotations\":{\"readOnlyHint\":true}"

static const struct tool tools[] = {
    {"echo", READ_ONLY, tool_echo},
    {"fail", READ_ONLY, tool_fail},
    {"error_text", READ_ONLY, tool_error_text},
    {"die", READ_ONLY, tool_die},
    {"die_once", READ_ONLY, tool_die_once},
    {"mute", READ_ONLY, tool_mute},
    {"slow", READ_ONLY, tool_slow},
    {"huge", READ_ONLY, tool_huge},
    {"garbage", READ_ONLY, tool_garbage},
    {"empty", READ_ONLY, tool_empty},
    {"noise", READ_ONLY, tool_noise},
    {"doubled", READ_ONLY, tool_doubled},
    {"wrong_id", READ_ONLY, tool_wrong_id},
    {"input", READ_ONLY, tool_input},
    {"odd_type", READ_ONLY, tool_odd_type},
    {"structured",
     READ_ONLY ",\"outputSchema\":{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":"
               "\"number\"}},\"required\":[\"sum\"]}",
     tool_structured},
    {"where", READ_ONLY, tool_where},
    {"count", READ_ONLY, tool_count},
    {"asks", READ_ONLY, tool_asks},
    {"blocks", READ_ONLY, tool_blocks},
    {"write", "", tool_write},
    {"destroy", ",\"annotations\":{\"destructiveHint\":true}", tool_write},
};
#define N_TOOLS (sizeof(tools) / sizeof(tools[0]))

static void on_call(struct fakemcp *s, struct request *r)
{
    const char *name = yyjson_get_str(yyjson_obj_get(r->params, "name"));
    r->arguments = yyjson_obj_get(r->params, "arguments");
    for (size_t i = 0; name && i < N_TOOLS; i++) {
        if (strcmp(tools[i].name, name) == 0) {
            tools[i].run(s, r);
            return;
        }
    }
    refuse(r->id, -32602, "Unknown tool", NULL);
}

static void on_list(const struct fakemcp *s, const struct request *r)
{
    const char *cursor = yyjson_get_str(yyjson_obj_get(r->params, "cursor"));
    size_t page = cursor ? (size_t)strtoul(cursor, NULL, 10) : 0;
    bool is_paged = strcmp(s->mode, "pages") == 0;
    bool is_endless = strcmp(s->mode, "endless") == 0 || strcmp(s->mode, "circle") == 0;
    size_t n = is_paged ? 5 : is_endless ? 1 : N_TOOLS;
    size_t first = is_paged ? page * n : 0;
    if (strcmp(s->mode, "no-list") == 0) {
        answer(r->id, "{\"oops\":1}");
        return;
    }
    (void)printf("{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":{\"tools\":[", r->id);
    for (size_t i = first; i < first + n && i < N_TOOLS; i++)
        (void)printf("%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\"}%s}",
                     i > first ? "," : "", tools[i].name, tools[i].more);
    (void)printf("]");
    if ((is_paged && first + n < N_TOOLS) || strcmp(s->mode, "endless") == 0)
        (void)printf(",\"nextCursor\":\"%zu\"", page + 1);
    else if (is_endless)
        (void)printf(",\"nextCursor\":\"%zu\"", (page + 1) % 3);
    (void)printf("}}\n");
    (void)fflush(stdout);
}

static bool has_meta(const struct request *r)
{
    yyjson_val *meta = yyjson_obj_get(r->params, "_meta");
    const char *version =
        yyjson_get_str(yyjson_obj_get(meta, "io.modelcontextprotocol/protocolVersion"));
    return version && strcmp(version, "2026-07-28") == 0 &&
           yyjson_is_obj(yyjson_obj_get(meta, "io.modelcontextprotocol/clientCapabilities"));
}

static void on_initialize(const struct fakemcp *s, const struct request *r)
{
    const char *version = strcmp(s->mode, "old") == 0       ? "2024-11-05"
                          : strcmp(s->mode, "unknown") == 0 ? "1999-01-01"
                                                            : "2025-11-25";
    char result[300];
    (void)snprintf(result, sizeof(result),
                   "{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},"
                   "\"serverInfo\":{\"name\":\"fakemcp\",\"version\":\"1.0\"}}",
                   version);
    answer(r->id, result);
}

static void on_discover(const struct fakemcp *s, const struct request *r)
{
    if (strcmp(s->mode, "deaf") == 0)
        return;
    if (strcmp(s->mode, "fragile") == 0) {
        (void)fputs("TypeError: method is not a function\n", stderr);
        exit(1);
    }
    if (s->is_modern)
        answer(r->id, "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
                      "\"capabilities\":{\"tools\":{}},\"ttlMs\":0,\"_meta\":{"
                      "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"fakemcp\","
                      "\"version\":\"2.0\"}}}");
    else
        refuse(r->id, -32601, "Method not found", NULL);
}

static void on_request(struct fakemcp *s, struct request *r)
{
    if (strcmp(s->mode, "mute") == 0)
        return;
    if (strcmp(s->mode, "future") == 0)
        refuse(r->id, -32022, "Unsupported protocol version", "{\"supported\":[\"2031-01-01\"]}");
    else if (strcmp(r->method, "server/discover") == 0)
        on_discover(s, r);
    else if (s->is_modern && !has_meta(r))
        refuse(r->id, -32602, "_meta is missing", NULL);
    else if (strcmp(r->method, "initialize") == 0)
        on_initialize(s, r);
    else if (strcmp(r->method, "tools/list") == 0)
        on_list(s, r);
    else if (strcmp(r->method, "tools/call") == 0)
        on_call(s, r);
    else
        refuse(r->id, -32601, "Method not found", NULL);
}

static void on_notification(struct fakemcp *s, const char *method)
{
    if (strcmp(method, "notifications/cancelled") == 0)
        s->n_canceled++;
    if (strcmp(method, "notifications/initialized") == 0) {
        s->was_initialized = true;
        if (strcmp(s->mode, "changed") == 0)
            send_text("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    }
}

void fakemcp_handle(struct fakemcp *s, const char *text, size_t n)
{
    yyjson_doc *doc = yyjson_read(text, n, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct request r = {.method = yyjson_get_str(yyjson_obj_get(root, "method")),
                        .params = yyjson_obj_get(root, "params")};
    yyjson_val *id = yyjson_obj_get(root, "id");
    r.id = yyjson_get_sint(id);
    if (r.method && id)
        on_request(s, &r);
    else if (r.method)
        on_notification(s, r.method);
    yyjson_doc_free(doc);
}

int main(int argc, char **argv)
{
    struct fakemcp s = {.mode = argc > 1 ? argv[1] : "legacy"};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    s.is_modern = strcmp(s.mode, "modern") == 0;
    if (strcmp(s.mode, "dead") == 0) {
        (void)fputs("Error: Cannot find module 'express'\n", stderr);
        return 1;
    }
    if (argc > 2 && strcmp(argv[2], "http") == 0)
        return fakemcp_serve_http(&s);
    while ((n = getline(&line, &room, stdin)) > 0)
        fakemcp_handle(&s, line, (size_t)n);
    free(line);
    return 0;
}
