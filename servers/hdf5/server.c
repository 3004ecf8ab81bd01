#include "server.h"

#include "base/utf8.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MODERN         "2026-07-28"
#define META_VERSION   "io.modelcontextprotocol/protocolVersion"
#define META_ABILITIES "io.modelcontextprotocol/clientCapabilities"
#define META_SERVER    "io.modelcontextprotocol/serverInfo"
#define LIST_TTL_MS    3600000 /* the tools never change; any long time will do */
#define READ_BYTES     65536
#define RESPONSE_BYTES ((size_t)96 << 20)
#define INSTRUCTIONS                                                                               \
    "Open an HDF5 file with open_file; the other tools work on the open file. list_keys, visit "   \
    "and "                                                                                         \
    "analyze_dataset_structure show what is in it, read_partial_dataset and hdf5_aggregate_stats " \
    "work on datasets of any size. hdf5_parallel_scan finds files."

enum rpc_error {
    RPC_PARSE = -32700,
    RPC_REQUEST = -32600,
    RPC_METHOD = -32601,
    RPC_PARAMS = -32602,
    RPC_INTERNAL = -32603,
    RPC_VERSION = -32022,
};

static const char *const legacy_versions[] = {"2025-11-25", "2025-06-18", "2025-03-26",
                                              "2024-11-05"};
#define BATCH_VERSION legacy_versions[2] /* the only revision with batches */

/* A request under way and its response. */
struct request {
    struct hds_server *server;
    const struct gen_json *id;
    const struct gen_json *params;
    bool modern;
    struct gen_jb *jb;
    struct gen_jmut *result; /* NULL: not answered yet */
    struct gen_jmut *error;
    struct gen_buf answer; /* of a tool; `result` points into it */
};

static int send_value(struct hds_server *s, struct gen_jb *jb, const struct gen_jmut *value,
                      struct gen_error *err)
{
    struct gen_buf line = gen_buf_make(RESPONSE_BYTES);
    int rc = gen_jb_write(jb, value, GEN_JSON_COMPACT, &line, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&line, '\n', err);
    if (rc == GEN_OK)
        rc = s->write(s->ud, gen_buf_str(&line), err);
    gen_buf_release(&line);
    return rc;
}

static void fail(struct request *r, enum rpc_error code, const char *message)
{
    r->error = gen_jb_object(r->jb);
    gen_jb_put_int(r->jb, r->error, "code", code);
    hds_put_text(r->jb, r->error, "message", message);
}

static struct gen_jmut *server_info(struct gen_jb *jb)
{
    struct gen_jmut *o = gen_jb_object(jb);
    gen_jb_put_cstr(jb, o, "name", "generator-hdf5-mcp");
    gen_jb_put_cstr(jb, o, "title", "HDF5 tools of Generator");
    gen_jb_put_cstr(jb, o, "version", GEN_VERSION);
    return o;
}

static struct gen_jmut *modern_versions(struct gen_jb *jb)
{
    struct gen_jmut *array = gen_jb_array(jb);
    gen_jb_append(jb, array, gen_jb_str(jb, GEN_STR(MODERN)));
    return array;
}

static void put_abilities(struct request *r)
{
    struct gen_jmut *abilities = gen_jb_object(r->jb);
    gen_jb_put(r->jb, abilities, "tools", gen_jb_object(r->jb));
    gen_jb_put(r->jb, r->result, "capabilities", abilities);
    gen_jb_put_cstr(r->jb, r->result, "instructions", INSTRUCTIONS);
}

static void put_lifetime(struct request *r)
{
    gen_jb_put_int(r->jb, r->result, "ttlMs", LIST_TTL_MS);
    gen_jb_put_cstr(r->jb, r->result, "cacheScope", "public");
}

static void initialize(struct request *r)
{
    struct gen_str wanted;
    if (!gen_json_as_str(gen_json_get(r->params, "protocolVersion"), &wanted)) {
        fail(r, RPC_PARAMS, "initialize needs params.protocolVersion, a string");
        return;
    }
    r->server->version = legacy_versions[0];
    for (size_t i = 0; i < sizeof(legacy_versions) / sizeof(legacy_versions[0]); i++) {
        if (gen_str_is(wanted, legacy_versions[i]))
            r->server->version = legacy_versions[i];
    }
    r->result = gen_jb_object(r->jb);
    gen_jb_put_cstr(r->jb, r->result, "protocolVersion", r->server->version);
    gen_jb_put(r->jb, r->result, "serverInfo", server_info(r->jb));
    put_abilities(r);
}

static void discover(struct request *r)
{
    r->result = gen_jb_object(r->jb);
    gen_jb_put(r->jb, r->result, "supportedVersions", modern_versions(r->jb));
    put_abilities(r);
    put_lifetime(r);
}

static void list_tools(struct request *r)
{
    if (gen_json_get(r->params, "cursor")) {
        fail(r, RPC_PARAMS, "unknown cursor: all tools are on the first page");
        return;
    }
    r->result = gen_jb_object(r->jb);
    gen_jb_put(r->jb, r->result, "tools",
               gen_jb_raw(r->jb, gen_buf_str(&r->server->definitions.list)));
    if (r->modern)
        put_lifetime(r);
}

/* The result of a call. `r->answer` holds it: JSON text, or a sentence when `failed`. */
static void put_answer(struct request *r, bool failed)
{
    struct gen_jmut *content = gen_jb_array(r->jb);
    struct gen_jmut *block = gen_jb_object(r->jb);
    r->result = gen_jb_object(r->jb);
    gen_jb_put_cstr(r->jb, block, "type", "text");
    gen_jb_put(r->jb, block, "text", hds_write_text(r->jb, gen_buf_str(&r->answer)));
    gen_jb_append(r->jb, content, block);
    gen_jb_put(r->jb, r->result, "content", content);
    if (!failed)
        gen_jb_put(r->jb, r->result, "structuredContent",
                   gen_jb_raw(r->jb, gen_buf_str(&r->answer)));
    gen_jb_put_bool(r->jb, r->result, "isError", failed);
}

struct progress {
    struct hds_server *server;
    const struct gen_json *token;
};

static void tell_progress(void *ud, uint64_t done, uint64_t total)
{
    const struct progress *p = ud;
    struct gen_jb *jb = NULL;
    if (gen_jb_new(&jb, NULL))
        return;
    struct gen_jmut *o = gen_jb_object(jb);
    struct gen_jmut *params = gen_jb_object(jb);
    gen_jb_put_cstr(jb, o, "jsonrpc", "2.0");
    gen_jb_put_cstr(jb, o, "method", "notifications/progress");
    gen_jb_put(jb, params, "progressToken", gen_jb_copy(jb, p->token));
    hds_put_u64(jb, params, "progress", done);
    hds_put_u64(jb, params, "total", total);
    gen_jb_put(jb, o, "params", params);
    /* A client that is gone is noticed with the response. */
    (void)send_value(p->server, jb, o, NULL);
    gen_jb_free(jb);
}

static bool is_token(const struct gen_json *v)
{
    enum gen_json_type type = gen_json_type(v);
    return type == GEN_JSON_STRING || type == GEN_JSON_INT;
}

/* The lines of a schema check as one. */
static int add_faults(struct gen_buf *out, struct gen_str faults, struct gen_error *err)
{
    struct gen_str line;
    int rc = GEN_OK;
    for (bool first = true; rc == GEN_OK && gen_str_next_line(&faults, &line); first = false) {
        if (!first)
            rc = gen_buf_add_c(out, "; ", err);
        if (rc == GEN_OK)
            rc = gen_buf_add_str(out, line, err);
    }
    return rc;
}

/* Checks the arguments; what is wrong becomes the answer of the call. */
static int check_arguments(struct request *r, const struct hds_definition *tool,
                           const struct gen_json *args, bool *valid, struct gen_error *err)
{
    struct gen_json_doc *none = NULL;
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    if (!args) {
        rc = gen_json_parse(&none, GEN_STR("{}"), err);
        args = gen_json_root(none);
    }
    if (rc == GEN_OK)
        rc = gen_buf_printf(&r->answer, err, "the arguments do not fit %s: ", tool->name);
    if (rc == GEN_OK)
        rc = gen_schema_check(tool->input, args, valid, &faults, err);
    if (rc == GEN_OK)
        rc = add_faults(&r->answer, gen_buf_str(&faults), err);
    gen_buf_release(&faults);
    gen_json_doc_free(none);
    return rc;
}

static void unknown_tool(struct request *r, struct gen_str name, const char *near)
{
    struct gen_error text;
    (void)gen_fail(&text, GEN_EINPUT, "unknown tool \"%.*s\"%s%s%s",
                   GEN_STR_ARG(gen_str_sub(name, 0, 100)), near ? "; the nearest is \"" : "",
                   near ? near : "", near ? "\"" : "; tools/list names them");
    fail(r, RPC_PARAMS, text.msg);
}

/* A failure of our own, no process left say, is told too: the next call may go better. */
static int run_tool(struct request *r, struct gen_str name, const struct gen_json *args,
                    const struct hds_progress_sink *sink, bool *failed, struct gen_error *err)
{
    struct gen_error why;
    int rc = hds_session_call(&r->server->session, name, args, sink, &r->answer, failed, &why);
    if (rc == GEN_OK)
        return GEN_OK;
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a call");
    *failed = true;
    gen_buf_clear(&r->answer);
    return gen_buf_add_c(&r->answer, why.msg, err);
}

static int call_tool(struct request *r, struct gen_error *err)
{
    const struct gen_json *args = gen_json_get(r->params, "arguments");
    const struct gen_json *token = gen_json_get(gen_json_get(r->params, "_meta"), "progressToken");
    struct progress progress = {r->server, token};
    const struct hds_progress_sink sink = {is_token(token) ? tell_progress : NULL, &progress};
    struct gen_str name;
    const char *near = NULL;
    bool valid = false;
    bool failed = true;
    if (!gen_json_as_str(gen_json_get(r->params, "name"), &name)) {
        fail(r, RPC_PARAMS, "tools/call needs params.name, a string");
        return GEN_OK;
    }
    if (args && gen_json_type(args) != GEN_JSON_OBJECT) {
        fail(r, RPC_PARAMS, "params.arguments must be an object");
        return GEN_OK;
    }
    const struct hds_definition *tool = hds_definitions_find(&r->server->definitions, name, &near);
    if (!tool) {
        unknown_tool(r, name, near);
        return GEN_OK;
    }
    int rc = check_arguments(r, tool, args, &valid, err);
    if (rc == GEN_OK && valid)
        rc = run_tool(r, name, args, &sink, &failed, err);
    if (rc == GEN_OK)
        put_answer(r, failed);
    return rc;
}

static bool is_known(struct gen_str method)
{
    static const char *const known[] = {"initialize", "server/discover", "ping", "tools/list",
                                        "tools/call"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (gen_str_is(method, known[i]))
            return true;
    }
    return false;
}

/* Which era a request belongs to; false when it was answered with an error. */
static bool settle_era(struct request *r, struct gen_str method)
{
    const struct gen_json *meta = gen_json_get(r->params, "_meta");
    const struct gen_json *version = gen_json_get(meta, META_VERSION);
    struct gen_str text;
    if (gen_str_is(method, "initialize"))
        return true;
    if (!version) {
        if ((r->server->version && !gen_str_is(method, "server/discover")) ||
            gen_str_is(method, "ping"))
            return true;
        fail(r, RPC_PARAMS,
             "no protocol version: send initialize first, or params._meta[\"" META_VERSION "\"]");
        return false;
    }
    if (!gen_json_as_str(version, &text)) {
        fail(r, RPC_PARAMS, "params._meta[\"" META_VERSION "\"] must be a string");
        return false;
    }
    r->modern = true;
    if (!gen_str_is(text, MODERN)) {
        fail(r, RPC_VERSION, "unsupported protocol version");
        struct gen_jmut *data = gen_jb_object(r->jb);
        gen_jb_put(r->jb, data, "supported", modern_versions(r->jb));
        gen_jb_put_str(r->jb, data, "requested", text);
        gen_jb_put(r->jb, r->error, "data", data);
        return false;
    }
    if (gen_json_type(gen_json_get(meta, META_ABILITIES)) != GEN_JSON_OBJECT) {
        fail(r, RPC_PARAMS, "params._meta[\"" META_ABILITIES "\"] is missing");
        return false;
    }
    return true;
}

static int handle(struct request *r, struct gen_str method, struct gen_error *err)
{
    if (!is_known(method)) {
        struct gen_error text;
        (void)gen_fail(&text, GEN_EINPUT, "unknown method \"%.*s\"",
                       GEN_STR_ARG(gen_str_sub(method, 0, 100)));
        fail(r, RPC_METHOD, text.msg);
        return GEN_OK;
    }
    if (r->params && gen_json_type(r->params) != GEN_JSON_OBJECT) {
        fail(r, RPC_PARAMS, "params must be an object");
        return GEN_OK;
    }
    if (!settle_era(r, method))
        return GEN_OK;
    if (gen_str_is(method, "tools/call"))
        return call_tool(r, err);
    if (gen_str_is(method, "tools/list"))
        list_tools(r);
    else if (gen_str_is(method, "initialize"))
        initialize(r);
    else if (gen_str_is(method, "server/discover"))
        discover(r);
    else
        r->result = gen_jb_object(r->jb);
    return GEN_OK;
}

static struct gen_jmut *response(struct request *r)
{
    struct gen_jmut *o = gen_jb_object(r->jb);
    gen_jb_put_cstr(r->jb, o, "jsonrpc", "2.0");
    gen_jb_put(r->jb, o, "id", r->id ? gen_jb_copy(r->jb, r->id) : gen_jb_null(r->jb));
    if (r->error) {
        gen_jb_put(r->jb, o, "error", r->error);
        return o;
    }
    if (r->modern) {
        struct gen_jmut *meta = gen_jb_object(r->jb);
        gen_jb_put(r->jb, meta, META_SERVER, server_info(r->jb));
        gen_jb_put_cstr(r->jb, r->result, "resultType", "complete");
        gen_jb_put(r->jb, r->result, "_meta", meta);
    }
    gen_jb_put(r->jb, o, "result", r->result);
    return o;
}

/* Notifications and answers to requests that we never make want nothing. */
static bool wants_response(const struct gen_json *message)
{
    return gen_json_get(message, "id") != NULL &&
           (gen_json_get(message, "method") != NULL ||
            (gen_json_get(message, "result") == NULL && gen_json_get(message, "error") == NULL));
}

static int take_message(struct hds_server *s, const struct gen_json *message, struct gen_error *err)
{
    struct request r = {.server = s, .answer = gen_buf_make(HDS_ANSWER_BYTES_MAX)};
    struct gen_str method = {NULL, 0};
    struct gen_str version = gen_json_get_str(message, "jsonrpc");
    bool has_method = gen_json_as_str(gen_json_get(message, "method"), &method);
    bool proper = gen_json_type(message) == GEN_JSON_OBJECT && gen_str_is(version, "2.0");
    if (proper && !wants_response(message) &&
        (has_method || gen_json_get(message, "result") || gen_json_get(message, "error")))
        return GEN_OK;
    int rc = gen_jb_new(&r.jb, err);
    if (rc)
        return rc;
    const struct gen_json *id = gen_json_get(message, "id");
    r.id = is_token(id) ? id : NULL;
    r.params = gen_json_get(message, "params");
    if (!proper)
        fail(&r, RPC_REQUEST, "not a JSON-RPC 2.0 message: an object with \"jsonrpc\": \"2.0\"");
    else if (!has_method)
        fail(&r, RPC_REQUEST, "not a request: it has no method");
    else if (!r.id)
        fail(&r, RPC_REQUEST, "the id of a request must be a string or an integer");
    else
        rc = handle(&r, method, err);
    if (rc == GEN_OK)
        rc = send_value(s, r.jb, response(&r), err);
    gen_jb_free(r.jb);
    gen_buf_release(&r.answer);
    return rc;
}

static int refuse(struct hds_server *s, enum rpc_error code, const char *message,
                  struct gen_error *err)
{
    struct request r = {.server = s};
    int rc = gen_jb_new(&r.jb, err);
    if (rc)
        return rc;
    fail(&r, code, message);
    rc = send_value(s, r.jb, response(&r), err);
    gen_jb_free(r.jb);
    return rc;
}

/* Collects the responses of a batch. */
struct batch {
    struct gen_buf text;
    size_t n;
};

static int collect(void *ud, struct gen_str line, struct gen_error *err)
{
    struct batch *b = ud;
    int rc = gen_buf_add_char(&b->text, b->n++ ? ',' : '[', err);
    return rc ? rc : gen_buf_add_str(&b->text, gen_str_trim(line), err);
}

static int take_batch(struct hds_server *s, const struct gen_json *array, struct gen_error *err)
{
    size_t n = gen_json_count(array);
    if (s->version != BATCH_VERSION)
        return refuse(s, RPC_REQUEST, "batches are not part of this protocol version", err);
    if (n == 0 || n > HDS_BATCH_MAX)
        return refuse(s, RPC_REQUEST, "a batch has 1 to 100 messages", err);
    struct hds_server inner = *s;
    struct batch batch = {gen_buf_make(RESPONSE_BYTES), 0};
    struct gen_json_iter it;
    const struct gen_json *message;
    int rc = GEN_OK;
    inner.write = collect;
    inner.ud = &batch;
    gen_json_iter_init(&it, array);
    while (rc == GEN_OK && gen_json_iter_next(&it, NULL, &message))
        rc = take_message(&inner, message, err);
    s->session = inner.session;
    s->version = inner.version;
    if (rc == GEN_OK && batch.n)
        rc = gen_buf_add_c(&batch.text, "]\n", err);
    if (rc == GEN_OK && batch.n)
        rc = s->write(s->ud, gen_buf_str(&batch.text), err);
    gen_buf_release(&batch.text);
    return rc;
}

int hds_server_take(struct hds_server *s, struct gen_str line, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error why;
    if (gen_str_trim(line).n == 0)
        return GEN_OK;
    int rc = gen_json_parse(&doc, line, &why);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a message");
    if (rc)
        return refuse(s, RPC_PARSE, why.msg, err);
    const struct gen_json *root = gen_json_root(doc);
    if (gen_json_type(root) == GEN_JSON_ARRAY)
        rc = take_batch(s, root, err);
    else
        rc = take_message(s, root, err);
    gen_json_doc_free(doc);
    return rc;
}

int hds_server_refuse_long(struct hds_server *s, struct gen_error *err)
{
    return refuse(s, RPC_REQUEST, "a message is longer than 4 MiB", err);
}

/* Deals with the whole lines in `in`; what is left of the last stays. */
static int take_lines(struct hds_server *s, struct gen_buf *in, bool *skipping,
                      struct gen_error *err)
{
    size_t from = 0;
    int rc = GEN_OK;
    const char *end;
    while (rc == GEN_OK && (end = memchr(in->data + from, '\n', in->n - from)) != NULL) {
        size_t n = (size_t)(end - (in->data + from));
        if (!*skipping && n > HDS_LINE_BYTES_MAX)
            rc = hds_server_refuse_long(s, err);
        else if (!*skipping)
            rc = hds_server_take(s, (struct gen_str){in->data + from, n}, err);
        *skipping = false;
        from += n + 1;
    }
    memmove(in->data, in->data + from, in->n - from);
    in->n -= from;
    if (*skipping) {
        in->n = 0;
    } else if (rc == GEN_OK && in->n > HDS_LINE_BYTES_MAX) {
        in->n = 0;
        *skipping = true;
        rc = hds_server_refuse_long(s, err);
    }
    return rc;
}

int hds_server_run(struct hds_server *s, int fd, struct gen_error *err)
{
    struct gen_buf in = gen_buf_make(HDS_LINE_BYTES_MAX + 2 * READ_BYTES);
    bool skipping = false;
    int rc = GEN_OK;
    while (rc == GEN_OK) {
        rc = gen_buf_reserve(&in, READ_BYTES, err);
        if (rc)
            break;
        ssize_t got = read(fd, in.data + in.n, READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = gen_fail_errno(err, GEN_EIO, errno, "standard input");
        if (got <= 0)
            break;
        in.n += (size_t)got;
        rc = take_lines(s, &in, &skipping, err);
    }
    /* A last line without its end is a message all the same. */
    if (rc == GEN_OK && !skipping && in.n)
        rc = hds_server_take(s, gen_buf_str(&in), err);
    gen_buf_release(&in);
    return rc;
}
