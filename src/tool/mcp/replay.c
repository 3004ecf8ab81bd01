/* A server that is a recording: it speaks the modern era, and answers in the next turn. */
#include "tool/mcp/mcp_int.h"

#include <stdlib.h>

struct replay {
    struct gen_mcp *m;
    struct gen_turn *turn;
    struct gen_json_doc *discovered;
    uint64_t own_id; /* the client's own request that waits; 0: none */
    bool has_calls;
};

static void answer_own(struct replay *r)
{
    struct gen_mcp *m = r->m;
    struct gen_mcp_call *own = gen_mcp_pending(m, r->own_id);
    r->own_id = 0;
    if (!own)
        return;
    if (own->kind == GEN_MCP_DISCOVER) {
        gen_mcp_own_answer(m, GEN_MCP_DISCOVER, gen_json_root(r->discovered), NULL, GEN_MCP_OK, "");
        return;
    }
    const struct gen_json *tools = gen_cassette_tools(m->o.replay, gen_str_from(m->o.name));
    gen_mcp_own_answer(m, GEN_MCP_LIST, tools, NULL, tools ? GEN_MCP_OK : GEN_MCP_NOT_RECORDED,
                       "the recording does not hold them");
}

static enum gen_mcp_class class_of(struct gen_str name)
{
    for (int i = 1; i < GEN_MCP_N_CLASSES; i++) {
        if (gen_str_is(name, gen_mcp_class_name((enum gen_mcp_class)i)))
            return (enum gen_mcp_class)i;
    }
    return GEN_MCP_TRANSPORT;
}

static void answer_call(struct gen_mcp *m, struct gen_mcp_call *call)
{
    const struct gen_json *line = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_cassette_find(m->o.replay, &call->key, gen_str_from(m->o.name),
                          gen_str_from(call->tool), &line, &err)) {
        gen_mcp_end(call, GEN_MCP_NOT_RECORDED, err.msg);
        return;
    }
    const struct gen_json *result = gen_json_get(line, "result");
    const struct gen_json *error = gen_json_get(line, "error");
    const struct gen_json *failure = gen_json_get(line, "failure");
    if (result || error) {
        gen_mcp_answer(call, result, error);
        return;
    }
    char message[1000];
    struct gen_str said = gen_str_sub(gen_json_get_str(failure, "message"), 0, sizeof(message) - 1);
    if (said.n)
        memcpy(message, said.p, said.n);
    message[said.n] = '\0';
    gen_mcp_end(call, class_of(gen_json_get_str(failure, "class")), message);
}

static struct gen_mcp_call *next_sent(const struct gen_mcp *m)
{
    struct gen_mcp_call *c = m->calls;
    while (c && c->state != GEN_MCP_SENT)
        c = c->next;
    return c;
}

static void on_deliver(void *ud)
{
    struct replay *r = ud;
    if (r->own_id)
        answer_own(r);
    if (!r->has_calls)
        return;
    r->has_calls = false;
    for (struct gen_mcp_call *c = next_sent(r->m); c; c = next_sent(r->m))
        answer_call(r->m, c);
}

static int start(struct gen_mcp *m, struct gen_error *err)
{
    if (m->link)
        return GEN_OK;
    struct replay *r = calloc(1, sizeof(*r));
    if (!r)
        return gen_nomem(err, "a replay");
    r->m = m;
    int rc = gen_json_parse(&r->discovered,
                            GEN_STR("{\"supportedVersions\":[\"" GEN_MCP_VERSION_MODERN "\"],"
                                    "\"serverInfo\":{\"name\":\"recording\"}}"),
                            err);
    if (rc == GEN_OK)
        rc = gen_turn_new(&r->turn, m->loop, on_deliver, NULL, r, err);
    if (rc) {
        gen_json_doc_free(r->discovered);
        free(r);
        return rc;
    }
    m->link = r;
    return GEN_OK;
}

static int send_message(struct gen_mcp *m, const struct gen_mcp_message *message,
                        struct gen_error *err)
{
    (void)err;
    struct replay *r = m->link;
    if (message->call && message->call->kind == GEN_MCP_CALL)
        r->has_calls = true;
    else if (message->call)
        r->own_id = message->call->id;
    gen_loop_wake(m->loop);
    return GEN_OK;
}

static void forget(struct gen_mcp *m, uint64_t id)
{
    (void)m;
    (void)id;
}

static void kill_replay(struct gen_mcp *m)
{
    struct replay *r = m->link;
    if (r)
        r->own_id = 0;
}

static void release(struct gen_mcp *m)
{
    struct replay *r = m->link;
    if (!r)
        return;
    gen_turn_free(r->turn);
    gen_json_doc_free(r->discovered);
    free(r);
    m->link = NULL;
}

const struct gen_mcp_transport gen_mcp_replay = {
    .start = start,
    .send = send_message,
    .forget = forget,
    .stop = gen_mcp_stopped,
    .kill = kill_replay,
    .release = release,
};
