/*
 * Operations of an HTTP service. What comes back is brought into the form of an MCP result, so that
 * it is recorded, replayed and shown in one way.
 */
#include "tool/execute/executor_int.h"

#include "base/utf8.h"
#include "tool/execute/operation.h"
#include "tool/mcp/mcp_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_BYTES_MAX ((size_t)32 << 20)
#define LONG_BYTES_MAX ((size_t)256 << 20)

/* ---- what may be called ---- */

static bool only_reads(const struct gen_tool *tool)
{
    struct gen_str method = gen_operation_method(tool);
    return gen_str_eq_nocase(method, GEN_STR("get")) || gen_str_eq_nocase(method, GEN_STR("head"));
}

int gen_service_allows(const struct gen_executor *x, struct gen_str tool, bool *allowed,
                       struct gen_buf *why, struct gen_error *err)
{
    const struct gen_tool *t = gen_toolset_find(x->o.tools, tool);
    bool is_operation = t && gen_operation_method(t).n;
    bool is_allowed = is_operation && only_reads(t);
    for (const char *const *a = x->o.allow; a && *a && is_operation && !is_allowed; a++)
        is_allowed = strcmp(*a, "*") == 0 || gen_str_is(tool, *a);
    *allowed = is_allowed;
    if (is_allowed || !why)
        return GEN_OK;
    struct gen_str shown = gen_str_sub(tool, 0, 128);
    if (!is_operation)
        return gen_buf_printf(why, err, "the definition has no operation %.*s", GEN_STR_ARG(shown));
    return gen_buf_printf(why, err, "the operation %.*s is no GET, and is not allowed by name",
                          GEN_STR_ARG(shown));
}

/* ---- the recording ---- */

/* The tools as a server would list them, with what may be called said by readOnlyHint. */
static int list_for_recording(const struct gen_executor *x, struct gen_jb *b, struct gen_buf *text,
                              struct gen_error *err)
{
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < x->o.tools->n_tools; i++) {
        const struct gen_tool *t = &x->o.tools->tools[i];
        bool allowed = false;
        int rc = gen_service_allows(x, t->name, &allowed, NULL, err);
        if (rc)
            return rc;
        struct gen_jmut *tool = gen_jb_object(b);
        struct gen_jmut *annotations = gen_jb_object(b);
        gen_jb_put_str(b, tool, "name", t->name);
        gen_jb_put_str(b, tool, "description", t->description);
        gen_jb_put(b, tool, "inputSchema", gen_jb_copy(b, t->input_schema));
        gen_jb_put_bool(b, annotations, "readOnlyHint", allowed);
        gen_jb_put(b, tool, "annotations", annotations);
        gen_jb_append(b, list, tool);
    }
    gen_jb_put(b, root, "tools", list);
    return gen_jb_write(b, root, GEN_JSON_COMPACT, text, err);
}

static int record_tools(struct gen_executor *x, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(LONG_BYTES_MAX);
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = list_for_recording(x, b, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = gen_cassette_add_tools(x->recording, gen_str_from(x->name), gen_json_root(doc), NULL,
                                    true, err);
    gen_json_doc_free(doc);
    gen_jb_free(b);
    gen_buf_release(&text);
    return rc;
}

static void record(struct gen_executor *x, const struct gen_execution *e,
                   const struct gen_cassette_answer *answer)
{
    const struct gen_call_copy *c = &e->calls[e->n_before];
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    if (!x->recording)
        return;
    int rc = gen_json_parse(&doc, gen_str_from(c->arguments), &err);
    if (rc == GEN_OK)
        rc = gen_cassette_add(x->recording, &e->key, gen_str_from(x->name), gen_str_from(c->tool),
                              gen_json_root(doc), answer, &err);
    if (rc)
        gen_log(x->o.log, GEN_LOG_ERROR, "record", "%s", err.msg);
    gen_json_doc_free(doc);
}

/* Where the call stands in its example, counted as a client of MCP does. */
static int find_key(struct gen_executor *x, struct gen_execution *e, struct gen_error *err)
{
    struct gen_cassette_track track = {NULL, 0, 0};
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i <= e->n_before; i++) {
        struct gen_json_doc *doc = NULL;
        rc = gen_json_parse(&doc, gen_str_from(e->calls[i].arguments), err);
        if (rc == GEN_OK)
            rc = gen_cassette_next(&track, gen_str_from(x->name), gen_str_from(e->calls[i].tool),
                                   gen_json_root(doc), &e->key, err);
        gen_json_doc_free(doc);
    }
    gen_cassette_track_release(&track);
    return rc;
}

int gen_service_open(struct gen_executor *x, struct gen_error *err)
{
    int rc = gen_operation_check_base(x->o.api_url, err);
    size_t n = 0;
    for (size_t i = 0; i < x->o.tools->n_tools; i++)
        n += gen_operation_method(&x->o.tools->tools[i]).n > 0;
    if (rc == GEN_OK && n == 0)
        rc = gen_fail(err, GEN_EUSAGE,
                      "none of the tools says how it is called over HTTP; --api-url needs an "
                      "OpenAPI definition, or what tool-parse wrote of one");
    return rc == GEN_OK && x->recording ? record_tools(x, err) : rc;
}

/* ---- answers ---- */

static bool is_text(struct gen_str type)
{
    static const char *const parts[] = {"text/", "json",       "xml",
                                        "yaml",  "javascript", "x-www-form-urlencoded"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (gen_str_find_nocase(type, gen_str_from(parts[i]), 0) != SIZE_MAX)
            return true;
    }
    return type.n == 0;
}

static int add_clean(struct gen_buf *out, const struct gen_executor *x, struct gen_str text,
                     struct gen_error *err)
{
    struct gen_buf copy = gen_buf_make(LONG_BYTES_MAX);
    int rc = gen_buf_add_str(&copy, text, err);
    for (size_t i = 0; rc == GEN_OK && i < x->n_masked; i++)
        (void)gen_secret_mask(x->masked[i], copy.data, copy.n);
    if (rc == GEN_OK)
        rc = gen_utf8_clean(out, gen_buf_str(&copy), NULL, err);
    gen_buf_release(&copy);
    return rc;
}

/* What the model is shown of an answer, uncapped. */
static int write_text(const struct gen_executor *x, const struct gen_http_response *r,
                      struct gen_buf *out, struct gen_error *err)
{
    struct gen_str body = gen_str_trim(r->body);
    struct gen_str type = r->headers[GEN_HEADER_CONTENT_TYPE];
    if (r->status >= 300 && r->status < 400) {
        int rc = gen_buf_printf(out, err, "HTTP %d: redirects are not followed; it leads to ",
                                r->status);
        return rc ? rc
                  : add_clean(out, x, gen_str_sub(r->headers[GEN_HEADER_LOCATION], 0, 500), err);
    }
    if (body.n == 0)
        return gen_buf_printf(out, err, "HTTP %d", r->status);
    int rc = r->status >= 400 ? gen_buf_printf(out, err, "HTTP %d: ", r->status) : GEN_OK;
    if (rc || is_text(type))
        return rc ? rc : add_clean(out, x, body, err);
    rc = gen_buf_add_char(out, '[', err);
    if (rc == GEN_OK)
        rc = add_clean(out, x, gen_str_sub(type, 0, 100), err);
    return rc ? rc : gen_buf_printf(out, err, ", %zu bytes]", r->body.n);
}

/* {"content":[{"type":"text","text":...}],"isError":true} */
static int write_result(struct gen_str text, bool is_error, struct gen_buf *out,
                        struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *content = gen_jb_array(b);
    struct gen_jmut *block = gen_jb_object(b);
    gen_jb_put_cstr(b, block, "type", "text");
    gen_jb_put(b, block, "text", gen_jb_str_view(b, text));
    gen_jb_append(b, content, block);
    gen_jb_put(b, root, "content", content);
    if (is_error)
        gen_jb_put_bool(b, root, "isError", true);
    rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int observe(struct gen_executor *x, struct gen_execution *e, struct gen_str text,
                   bool is_error, struct gen_error *err)
{
    struct gen_buf result = gen_buf_make(LONG_BYTES_MAX);
    struct gen_buf shown = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_doc *doc = NULL;
    struct gen_observation o = {.is_error = is_error};
    int rc = write_result(text, is_error, &result, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&result), err);
    if (rc == GEN_OK)
        rc = gen_mcp_observe(&shown, gen_json_root(doc), x->o.observation_bytes_max, &o.is_capped,
                             err);
    if (rc == GEN_OK) {
        const struct gen_cassette_answer answer = {.result = gen_buf_str(&result)};
        o.text = gen_buf_str(&shown);
        if (x->error_pattern && gen_regex_search(x->error_pattern, o.text) == GEN_REGEX_YES)
            o.is_error = true;
        record(x, e, &answer);
        gen_execution_tell(e, &o);
    }
    gen_json_doc_free(doc);
    gen_buf_release(&result);
    gen_buf_release(&shown);
    return rc;
}

/* No answer: too slow or too large is the call's affair, the rest is not. */
static void lose(struct gen_executor *x, struct gen_execution *e, const struct gen_http_response *r)
{
    bool is_slow = r->transport == GEN_TRANSPORT_TIMEOUT;
    char message[600];
    if (is_slow)
        (void)snprintf(message, sizeof(message),
                       "the service %s did not answer %s within %" PRIu64 " ms", x->name,
                       e->calls[e->n_before].tool, x->o.call_timeout_ms);
    else if (r->transport == GEN_TRANSPORT_TOO_LARGE)
        (void)snprintf(message, sizeof(message), "an answer of the service %s is over %zu bytes",
                       x->name, BODY_BYTES_MAX);
    else
        (void)snprintf(message, sizeof(message), "the service %s was not reached: %s", x->name,
                       r->detail);
    if (!is_slow && r->transport != GEN_TRANSPORT_TOO_LARGE) {
        gen_execution_fail(e, "server_unreachable", message);
        return;
    }
    const struct gen_cassette_answer answer = {
        .failure = gen_mcp_class_name(is_slow ? GEN_MCP_TIMEOUT : GEN_MCP_TOO_LARGE),
        .message = gen_str_from(message)};
    const struct gen_observation o = {.is_error = true, .text = gen_str_from(message)};
    record(x, e, &answer);
    gen_execution_tell(e, &o);
}

static void unlink_in_flight(struct gen_executor *x, struct gen_execution *e)
{
    struct gen_execution **link = &x->in_flight;
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    e->next = NULL;
    x->n_in_flight--;
    gen_loop_wake(x->o.loop);
}

static void on_response(void *ud, const struct gen_http_response *r)
{
    struct gen_execution *e = ud;
    struct gen_executor *x = e->x;
    struct gen_error err = {.msg = ""};
    struct gen_buf text = gen_buf_make(LONG_BYTES_MAX);
    e->transfer = NULL;
    unlink_in_flight(x, e);
    if (!e->fn) {
        gen_execution_free(e);
        if (x->is_closing)
            gen_loop_stop(x->o.loop);
        return;
    }
    if (r->transport != GEN_TRANSPORT_OK) {
        lose(x, e, r);
        return;
    }
    int rc = write_text(x, r, &text, &err);
    if (rc == GEN_OK)
        rc = observe(x, e, gen_buf_str(&text), r->status >= 300, &err);
    if (rc)
        gen_execution_fail(e, "server_malformed", err.msg);
    gen_buf_release(&text);
}

/* ---- requests ---- */

static int add_user_headers(const struct gen_executor *x, struct gen_operation *op,
                            struct gen_error *err)
{
    int rc = GEN_OK;
    for (const char *const *line = x->o.headers; rc == GEN_OK && line && *line; line++) {
        struct gen_str text = gen_str_from(*line);
        size_t colon = gen_str_find(text, GEN_STR(":"), 0);
        rc = gen_operation_add_header(op, gen_str_sub(text, 0, colon),
                                      gen_str_trim(gen_str_sub(text, colon + 1, text.n)), err);
    }
    return rc;
}

static int choose_method(const struct gen_operation *op, struct gen_http_request *request,
                         struct gen_error *err)
{
    request->post = strcmp(op->method, "POST") == 0;
    bool is_get = strcmp(op->method, "GET") == 0;
    bool is_head = strcmp(op->method, "HEAD") == 0;
    if (op->has_body && (is_get || is_head))
        return gen_fail(err, GEN_EINPUT, "a %s request has no body", op->method);
    request->post = request->post || op->has_body;
    request->method = is_get || strcmp(op->method, "POST") == 0 ? NULL : op->method;
    return GEN_OK;
}

static int send_operation(struct gen_executor *x, struct gen_execution *e, struct gen_operation *op,
                          const struct gen_tool *tool, struct gen_error *err)
{
    struct gen_http_request request = {
        .url = op->url.data,
        .body = gen_buf_str(&op->body),
        .once = !only_reads(tool),
        .headers = op->headers,
        .timeout_ms = x->o.call_timeout_ms,
        .body_bytes_max = BODY_BYTES_MAX,
    };
    if (x->o.key) {
        request.auth_header = "Authorization";
        request.auth_prefix = "Bearer ";
        request.key = x->o.key;
    }
    int rc = choose_method(op, &request, err);
    return rc ? rc : gen_http_send(x->o.http, &request, on_response, e, &e->transfer, err);
}

static int start(struct gen_executor *x, struct gen_execution *e, struct gen_error *err)
{
    const struct gen_call_copy *c = &e->calls[e->n_before];
    const struct gen_tool *tool = gen_toolset_find(x->o.tools, gen_str_from(c->tool));
    struct gen_operation op;
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, gen_str_from(c->arguments), err);
    if (rc == GEN_OK && gen_json_type(gen_json_root(doc)) != GEN_JSON_OBJECT)
        rc = gen_fail(err, GEN_EINPUT, "the arguments of %s are no JSON object", c->tool);
    if (rc == GEN_OK)
        rc = find_key(x, e, err);
    if (rc) {
        gen_json_doc_free(doc);
        return rc;
    }
    rc = gen_operation_build(&op, tool, gen_json_root(doc), gen_str_from(x->o.api_url), err);
    if (rc == GEN_OK)
        rc = add_user_headers(x, &op, err);
    if (rc == GEN_OK)
        rc = send_operation(x, e, &op, tool, err);
    gen_operation_release(&op);
    gen_json_doc_free(doc);
    return rc;
}

static void begin(struct gen_executor *x, struct gen_execution *e)
{
    struct gen_buf why = gen_buf_make(4096);
    struct gen_error err = {.msg = "out of memory"};
    bool allowed = false;
    int rc = gen_service_allows(x, gen_str_from(e->calls[e->n_before].tool), &allowed, &why, &err);
    if (rc == GEN_OK && !allowed) {
        gen_execution_refuse(e, "not_allowed", why.data);
        gen_buf_release(&why);
        return;
    }
    gen_buf_release(&why);
    if (rc == GEN_OK)
        rc = start(x, e, &err);
    if (rc == GEN_ENOMEM) {
        gen_execution_fail(e, "server_failed", err.msg);
        return;
    }
    if (rc) {
        gen_execution_refuse(e, "bad_arguments", err.msg);
        return;
    }
    e->next = x->in_flight;
    x->in_flight = e;
    x->n_in_flight++;
}

void gen_service_dispatch(struct gen_executor *x)
{
    while (x->queue && x->n_in_flight < x->o.n_workers) {
        struct gen_execution *e = x->queue;
        x->queue = e->next;
        e->next = NULL;
        begin(x, e);
    }
}

void gen_service_cancel(struct gen_execution *e)
{
    e->fn = NULL;
    if (e->transfer)
        gen_http_cancel(e->transfer);
}
