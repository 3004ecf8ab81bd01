/* What comes from the server: answers, notifications, and requests of its own. */
#include "tool/mcp/mcp_int.h"

#include <stdio.h>

static void on_progress(struct gen_mcp *m, const struct gen_json *params)
{
    int64_t token = 0;
    if (!gen_json_as_int(gen_json_get(params, "progressToken"), &token) || token <= 0)
        return;
    struct gen_mcp_call *call = gen_mcp_pending(m, (uint64_t)token);
    if (call && call->kind == GEN_MCP_CALL)
        gen_mcp_call_progress(call);
}

static void on_request(struct gen_mcp *m, struct gen_str method, const struct gen_json *root)
{
    const struct gen_json *id = gen_json_get(root, "id");
    if (!id) {
        /* A changed list of tools changes nothing: a run keeps to the tools that it began with. */
        if (gen_str_is(method, "notifications/progress"))
            on_progress(m, gen_json_get(root, "params"));
        return;
    }
    if (gen_str_is(method, "ping")) {
        gen_mcp_reply(m, id, 0, NULL);
        return;
    }
    m->counts.n_refused++;
    gen_mcp_reply(m, id, GEN_RPC_UNKNOWN_METHOD, "this client offers no such method");
}

static void on_response(struct gen_mcp *m, const struct gen_json *root, uint64_t expected)
{
    const struct gen_json *result = gen_json_get(root, "result");
    const struct gen_json *error = result ? NULL : gen_json_get(root, "error");
    int64_t id = 0;
    if (!gen_json_as_int(gen_json_get(root, "id"), &id) && error)
        id = (int64_t)expected;
    struct gen_mcp_call *call = id > 0 ? gen_mcp_pending(m, (uint64_t)id) : NULL;
    if (!call) {
        m->counts.n_unmatched++;
        return;
    }
    if (!result && !error) {
        gen_mcp_lose(m, call->id, GEN_MCP_MALFORMED,
                     "the server %s answered with neither a result nor an error", m->o.name);
        return;
    }
    if (call->kind != GEN_MCP_CALL) {
        struct gen_str said = gen_json_get_str(error, "message");
        char why[500];
        (void)snprintf(why, sizeof(why), "%.*s", GEN_STR_ARG(gen_str_sub(said, 0, 400)));
        gen_mcp_own_answer(m, call->kind, result, error,
                           result ? GEN_MCP_OK : GEN_MCP_PROTOCOL_ERROR,
                           said.n ? why : "it gave no reason");
        return;
    }
    m->n_deaths = 0;
    gen_mcp_answer(call, result, error);
}

static void on_message(struct gen_mcp *m, const struct gen_json *root, uint64_t expected)
{
    struct gen_str method;
    if (gen_json_as_str(gen_json_get(root, "method"), &method))
        on_request(m, method, root);
    else
        on_response(m, root, expected);
}

/* A batch of messages: revision 2025-03-26 had them. */
static void on_batch(struct gen_mcp *m, const struct gen_json *root, uint64_t expected)
{
    struct gen_json_iter it;
    const struct gen_json *message;
    gen_json_iter_init(&it, root);
    while (gen_json_iter_next(&it, NULL, &message))
        on_message(m, message, expected);
}

static int parse_message(struct gen_mcp *m, struct gen_str text, struct gen_json_doc **doc,
                         struct gen_error *err)
{
    if (!m->sandbox.n || gen_str_find(text, gen_buf_str(&m->sandbox), 0) == SIZE_MAX)
        return gen_json_parse(doc, text, err);
    struct gen_buf renamed = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_mcp_rename(&renamed, text, gen_buf_str(&m->sandbox), GEN_STR(GEN_MCP_SANDBOX),
                            false, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(doc, gen_buf_str(&renamed), err);
    gen_buf_release(&renamed);
    return rc;
}

void gen_mcp_receive(struct gen_mcp *m, struct gen_str text, uint64_t id)
{
    struct gen_error err = {.msg = ""};
    struct gen_json_doc *doc = NULL;
    struct gen_str trimmed = gen_str_trim(text);
    bool is_meant = trimmed.n && (trimmed.p[0] == '{' || trimmed.p[0] == '[');
    int rc = is_meant ? parse_message(m, text, &doc, &err) : GEN_EPARSE;
    if (rc) {
        m->counts.n_noise++;
        gen_log(m->o.log, GEN_LOG_DEBUG, "noise", "the server %s wrote what is no message: %.*s",
                m->o.name, GEN_STR_ARG(gen_str_sub(text, 0, 200)));
        if (is_meant || id)
            gen_mcp_lose(m, id, GEN_MCP_MALFORMED, "the server %s answered with invalid JSON: %s",
                         m->o.name, is_meant ? err.msg : "not even the beginning of it");
        return;
    }
    const struct gen_json *root = gen_json_root(doc);
    if (gen_json_type(root) == GEN_JSON_ARRAY)
        on_batch(m, root, id);
    else
        on_message(m, root, id);
    gen_json_doc_free(doc);
}
