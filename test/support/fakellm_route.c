#include "fakellm.h"

#include <stdlib.h>
#include <string.h>

struct fixed_route {
    const char *path;
    const char *body;
};

static const struct fixed_route fixed_routes[] = {
    {"/", "Ollama is running"},
    {"/api/version", "{\"version\":\"0.33.0\"}"},
    {"/api/tags", "{\"models\":[{\"name\":\"fake-model\",\"model\":\"fake-model\",\"size\":1},"
                  "{\"name\":\"llama3.2:latest\",\"model\":\"llama3.2:latest\",\"size\":1}]}"},
    {"/api/ps", "{\"models\":[{\"name\":\"fake-model\",\"model\":\"fake-model\"}]}"},
    {"/api/show", "{\"capabilities\":[\"completion\"],\"model_info\":{"
                  "\"general.architecture\":\"fake\",\"fake.context_length\":32768}}"},
    {"/v1/models", "{\"object\":\"list\",\"data\":[{\"id\":\"fake-model\",\"object\":\"model\","
                   "\"created\":1767225600,\"owned_by\":\"fakellm\",\"max_model_len\":32768}]}"},
    {"/health", "{}"},
    {"/version", "{\"version\":\"0.11.0\"}"},
};

static bool ends_with(struct fake_span s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

static bool model_route(const struct fake_request *r, enum fake_api *api)
{
    static const struct {
        const char *end;
        enum fake_api api;
    } routes[] = {
        {"/chat/completions", FAKE_OPENAI},      {"/api/chat", FAKE_OLLAMA_CHAT},
        {"/api/generate", FAKE_OLLAMA_GENERATE}, {"/v1/messages", FAKE_ANTHROPIC},
        {":generateContent", FAKE_GEMINI},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (ends_with(r->path, routes[i].end) && fake_span_is(r->method, "POST")) {
            *api = routes[i].api;
            return true;
        }
    }
    return false;
}

static bool text_reply(struct fake_server *s, struct fake_reply *reply, int status,
                       const char *text)
{
    s->wire.len = 0;
    fake_buf_puts(&s->wire, text);
    return fake_reply_finish(s, reply, status, "", FAKE_BY_LENGTH);
}

static bool vector_reply(struct fake_server *s, const struct fake_vector *v,
                         struct fake_reply *reply)
{
    if (v == NULL || v->status < 200 || v->status >= FAKE_STATUS_MAX) {
        return text_reply(s, reply, 404, "{\"error\":\"no such vector\"}");
    }
    s->wire.len = 0;
    fake_buf_put(&s->wire, v->body, v->body_len);
    reply->close_after = strcasestr(v->headers, "connection: close") != NULL;
    return fake_reply_finish(s, reply, v->status, v->headers, FAKE_BY_LENGTH);
}

/* Back to number 1, no counts, no scripted replies; rules and options stay. */
static void reset(struct fake_server *s)
{
    struct fake_stats old = s->stats;
    s->stats = (struct fake_stats){.connections = old.connections,
                                   .max_connections = old.connections,
                                   .in_flight = old.in_flight,
                                   .max_in_flight = old.in_flight};
    fake_seen_release(&s->seen);
    fake_vectors_release(&s->script);
}

static bool control_reply(struct fake_server *s, const struct fake_request *r,
                          struct fake_reply *reply)
{
    if (fake_span_is(r->path, "/fake/stats")) {
        s->wire.len = 0;
        fake_stats_write(&s->wire, &s->stats, s->seen.n);
        return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
    }
    if (fake_span_is(r->path, "/fake/reset")) {
        reset(s);
        return text_reply(s, reply, 200, "{}");
    }
    if (fake_span_is(r->path, "/fake/script")) {
        bool ok = fake_script_apply(s, r->body);
        return text_reply(s, reply, ok ? 200 : 400, ok ? "{}" : "{\"error\":\"bad script\"}");
    }
    if (fake_span_is(r->path, "/fake/trap")) {
        bool has_key = fake_span_find(r->headers, "uthorization:") != NULL ||
                       fake_span_find(r->headers, "-key:") != NULL;
        s->stats.n_trap++;
        s->stats.n_trap_with_key += has_key;
        return text_reply(s, reply, 200, "{\"trap\":true}");
    }
    return text_reply(s, reply, 404, "{\"error\":\"no such route\"}");
}

static bool other_reply(struct fake_server *s, const struct fake_request *r,
                        struct fake_reply *reply)
{
    if (fake_span_starts(r->path, "/fake/")) {
        return control_reply(s, r, reply);
    }
    s->stats.n_other++;
    for (size_t i = 0; i < sizeof(fixed_routes) / sizeof(fixed_routes[0]); i++) {
        if (fake_span_is(r->path, fixed_routes[i].path)) {
            return text_reply(s, reply, 200, fixed_routes[i].body);
        }
    }
    return text_reply(s, reply, 404, "{\"error\":\"404 page not found\"}");
}

static void count_model_request(struct fake_server *s, const struct fake_request *r,
                                struct fake_reply *reply)
{
    const struct fake_config *c = &s->config;
    reply->is_model = true;
    reply->number = ++s->stats.n_requests;
    reply->n_seen = fake_seen_add(&s->seen, r->hash);
    s->stats.n_repeated += reply->n_seen > 0;
    if (reply->n_seen + 1 > s->stats.max_same_body) {
        s->stats.max_same_body = reply->n_seen + 1;
    }
    reply->delay_ms = c->latency_ms;
    if (c->jitter_ms > 0) {
        reply->delay_ms += (unsigned)(fake_mix(r->hash, reply->n_seen) % (c->jitter_ms + 1));
    }
}

static bool model_reply(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                        struct fake_reply *reply)
{
    const struct fake_config *c = &s->config;
    if (s->script.next < s->script.n) {
        return vector_reply(s, &s->script.items[s->script.next++], reply);
    }
    reply->fault =
        fake_fault_draw(c->rules, c->n_rules, c->seed, reply->number, r->hash, reply->n_seen);
    if (c->api_key != NULL && fake_span_find(r->headers, c->api_key) == NULL) {
        reply->fault = FAKE_401;
    }
    return fake_model_reply(s, r, api, reply);
}

bool fake_reply_make(struct fake_server *s, const struct fake_request *request,
                     struct fake_reply *reply)
{
    enum fake_api api = FAKE_OPENAI;
    bool ok = false;
    *reply = (struct fake_reply){0};
    if (fake_span_starts(request->path, "/vector/")) {
        struct fake_span id = {request->path.p + 8, request->path.n - 8};
        const char *slash = memchr(id.p, '/', id.n);
        id.n = slash == NULL ? id.n : (size_t)(slash - id.p);
        count_model_request(s, request, reply);
        ok = vector_reply(s, fake_vectors_find(&s->vectors, id), reply);
    } else if (model_route(request, &api)) {
        count_model_request(s, request, reply);
        ok = model_reply(s, request, api, reply);
    } else {
        ok = other_reply(s, request, reply);
    }
    reply->close_after = reply->close_after || !request->keep_alive;
    if (ok && reply->is_model) {
        s->stats.by_status[reply->status]++;
        s->stats.by_fault[reply->fault]++;
    }
    return ok;
}
