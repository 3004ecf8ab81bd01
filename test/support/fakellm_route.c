#include "fakellm.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

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
        {":generateContent", FAKE_GEMINI},       {":streamGenerateContent", FAKE_GEMINI},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (ends_with(r->path, routes[i].end) && fake_span_is(r->method, "POST")) {
            *api = routes[i].api;
            return true;
        }
    }
    return false;
}

static bool vector_reply(struct fake_server *s, const struct fake_vector *v,
                         struct fake_reply *reply)
{
    if (v == NULL || v->status < 200 || v->status >= FAKE_STATUS_MAX) {
        return fake_reply_text(s, reply, 404, "{\"error\":\"no such vector\"}");
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
    fake_seen_release(&s->paid);
    fake_seen_release(&s->prefixes);
    fake_seen_release(&s->cached);
    fake_vectors_release(&s->script);
    fake_batches_free(s->batches);
    s->batches = NULL;
    s->limits = (struct fake_limits){0};
    memset(s->seconds, 0, sizeof(s->seconds));
    s->n_seconds = 0;
    s->first_ms = 0;
}

static bool control_reply(struct fake_server *s, const struct fake_request *r,
                          struct fake_reply *reply)
{
    if (fake_span_is(r->path, "/fake/stats")) {
        s->wire.len = 0;
        fake_stats_write(&s->wire, &s->stats, s->seen.n);
        return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
    }
    if (fake_span_is(r->path, "/fake/seconds")) {
        s->wire.len = 0;
        fake_seconds_write(&s->wire, s->seconds, s->n_seconds);
        return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
    }
    if (fake_span_is(r->path, "/fake/reset")) {
        reset(s);
        return fake_reply_text(s, reply, 200, "{}");
    }
    if (fake_span_is(r->path, "/fake/script")) {
        bool ok = fake_script_apply(s, r->body);
        return fake_reply_text(s, reply, ok ? 200 : 400, ok ? "{}" : "{\"error\":\"bad script\"}");
    }
    if (fake_span_is(r->path, "/fake/trap")) {
        bool has_key = fake_span_find(r->headers, "uthorization:") != NULL ||
                       fake_span_find(r->headers, "-key:") != NULL;
        s->stats.n_trap++;
        s->stats.n_trap_with_key += has_key;
        return fake_reply_text(s, reply, 200, "{\"trap\":true}");
    }
    return fake_reply_text(s, reply, 404, "{\"error\":\"no such route\"}");
}

static bool other_reply(struct fake_server *s, const struct fake_request *r,
                        struct fake_reply *reply)
{
    bool ok = false;
    if (fake_span_starts(r->path, "/fake/")) {
        return control_reply(s, r, reply);
    }
    s->stats.n_other++;
    if (fake_batch_route(s, r, reply, &ok) || fake_info_route(s, r, reply, &ok)) {
        return ok;
    }
    return fake_reply_text(s, reply, 404, "{\"error\":\"404 page not found\"}");
}

/* Members that say how the answer is carried, not what it is: without them, the bodies of a
 * streamed, a whole, a batched and a continued request are the same. */
static bool is_carriage(struct fake_span key)
{
    return fake_span_is(key, "stream") || fake_span_is(key, "stream_options") ||
           fake_span_is(key, "continuationToken");
}

void fake_request_read(struct fake_server *s, struct fake_request *r)
{
    struct fake_members *m = &s->members;
    struct fake_buf *rest = &s->head;
    const char *at = r->body.p;
    const char *end = r->body.p + r->body.n;
    bool is_cut = false;
    fake_members_read(m, r->body);
    rest->len = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (!is_carriage(m->items[i].key)) {
            continue;
        }
        /* with the comma behind it, or the one before it if it is the last */
        const char *from = m->items[i].key.p - 1;
        const char *to = m->items[i].value.p + m->items[i].value.n;
        if (to < end && *to == ',') {
            to++;
        } else if (from > at && from[-1] == ',') {
            from--;
        } else if (from == at && rest->len > 0 && rest->p[rest->len - 1] == ',') {
            rest->len--;
        }
        fake_buf_put(rest, at, (size_t)(from - at));
        at = to;
        is_cut = true;
    }
    if (!is_cut || rest->failed) {
        r->hash = XXH3_64bits(r->body.p, r->body.n);
        r->plain_bytes = r->body.n;
        return;
    }
    fake_buf_put(rest, at, (size_t)(end - at));
    r->hash = XXH3_64bits(rest->p, rest->len);
    r->plain_bytes = rest->len;
}

static void count_model_request(struct fake_server *s, const struct fake_request *r,
                                struct fake_reply *reply)
{
    const struct fake_config *c = &s->config;
    bool goes_on = fake_member(&s->members, "continuationToken").n > 0;
    reply->is_model = true;
    reply->number = ++s->stats.n_requests;
    reply->seen_key = goes_on ? fake_mix(r->hash, 77) : r->hash;
    reply->n_seen = fake_seen_add(&s->seen, reply->seen_key);
    s->first_ms = s->first_ms == 0 ? s->now_us / 1000U : s->first_ms;
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
    struct fake_sight sight = {reply->number, r->hash, reply->n_seen};
    if (s->script.next < s->script.n) {
        return vector_reply(s, &s->script.items[s->script.next++], reply);
    }
    if (fake_in_phase(s)) {
        reply->fault = fake_fault_draw(c->rules, c->n_rules, c->seed, &sight);
    }
    return fake_model_reply(s, r, api, reply);
}

static void count_reply(struct fake_server *s, const struct fake_reply *reply)
{
    uint64_t second = (s->now_us / 1000U + reply->delay_ms - s->first_ms) / 1000U;
    s->stats.by_status[reply->status]++;
    s->stats.by_fault[reply->is_limited ? FAKE_OK : reply->fault]++;
    if (second < FAKE_SECONDS_MAX) {
        struct fake_second *at = &s->seconds[second];
        at->n_limited += reply->is_limited;
        at->n_good += reply->status == 200;
        at->n_failed += reply->status != 200 && !reply->is_limited;
        s->n_seconds = second + 1 > s->n_seconds ? second + 1 : s->n_seconds;
    }
}

bool fake_reply_make(struct fake_server *s, struct fake_request *request, struct fake_reply *reply)
{
    enum fake_api api = FAKE_OPENAI;
    bool ok = false;
    *reply = (struct fake_reply){0};
    if (fake_span_starts(request->path, "/vector/")) {
        struct fake_span id = {request->path.p + 8, request->path.n - 8};
        const char *slash = memchr(id.p, '/', id.n);
        id.n = slash == NULL ? id.n : (size_t)(slash - id.p);
        fake_request_read(s, request);
        count_model_request(s, request, reply);
        ok = vector_reply(s, fake_vectors_find(&s->vectors, id), reply);
    } else if (model_route(request, &api)) {
        fake_request_read(s, request);
        count_model_request(s, request, reply);
        ok = model_reply(s, request, api, reply);
    } else {
        ok = other_reply(s, request, reply);
    }
    reply->close_after = reply->close_after || !request->keep_alive;
    if (ok && reply->is_model) {
        count_reply(s, reply);
    }
    return ok;
}
