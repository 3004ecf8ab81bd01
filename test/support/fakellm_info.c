/* What is told about models and health. */
#include "fakellm.h"

#include <string.h>

static bool ends_with(struct fake_span s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

static size_t n_models(const struct fake_config *c)
{
    return c->n_models == 0 ? 2 : c->n_models;
}

static const char *model_name(const struct fake_config *c, size_t i)
{
    static const char *const defaults[] = {"fake-model", "llama3.2:latest"};
    return c->n_models == 0 ? defaults[i % 2] : c->models[i];
}

static void put_openai_model(struct fake_buf *out, const struct fake_config *c, const char *name)
{
    fake_buf_printf(out,
                    "{\"id\":\"%s\",\"object\":\"model\",\"created\":1767225600,\"owned_by\":"
                    "\"fakellm\"",
                    name);
    if (c->flavour == FAKE_ANY || c->flavour == FAKE_VLLM) {
        fake_buf_printf(out, ",\"root\":\"%s\",\"max_model_len\":%u", name, c->n_ctx);
    }
    if (c->flavour == FAKE_ANY || c->flavour == FAKE_LLAMACPP) {
        fake_buf_printf(out,
                        ",\"meta\":{\"vocab_type\":2,\"n_vocab\":32000,\"n_ctx\":%u,"
                        "\"n_ctx_train\":131072,\"n_params\":1000000,\"size\":2500000}",
                        c->n_ctx);
    }
    fake_buf_char(out, '}');
}

static void put_claude_model(struct fake_buf *out, const struct fake_config *c, const char *name)
{
    fake_buf_printf(out,
                    "{\"type\":\"model\",\"id\":\"%s\",\"display_name\":\"%s\",\"created_at\":"
                    "\"2026-01-01T00:00:00Z\",\"max_input_tokens\":%u,\"max_tokens\":64000,"
                    "\"capabilities\":{\"batch\":{\"supported\":true},\"structured_outputs\":{"
                    "\"supported\":true},\"thinking\":{\"supported\":true},\"effort\":{"
                    "\"supported\":true}}}",
                    name, name, c->n_ctx);
}

static void put_gemini_model(struct fake_buf *out, const struct fake_config *c, const char *name)
{
    fake_buf_printf(out,
                    "{\"name\":\"models/%s\",\"version\":\"001\",\"displayName\":\"%s\","
                    "\"inputTokenLimit\":%u,\"outputTokenLimit\":65536,"
                    "\"supportedGenerationMethods\":[\"generateContent\",\"countTokens\","
                    "\"batchGenerateContent\"],\"thinking\":true}",
                    name, name, c->n_ctx);
}

static void put_ollama_model(struct fake_buf *out, const struct fake_config *c, const char *name)
{
    fake_buf_printf(out,
                    "{\"name\":\"%s\",\"model\":\"%s\",\"modified_at\":\"2026-01-01T00:00:00Z\","
                    "\"size\":1,\"digest\":\"fa4e\",\"details\":{\"format\":\"gguf\",\"family\":"
                    "\"fake\",\"parameter_size\":\"1B\",\"quantization_level\":\"Q4_0\"},"
                    "\"context_length\":%u}",
                    name, name, c->n_ctx);
}

typedef void put_model_fn(struct fake_buf *out, const struct fake_config *c, const char *name);

static void put_list(struct fake_server *s, const char *head, put_model_fn *put, const char *tail)
{
    const struct fake_config *c = &s->config;
    s->wire.len = 0;
    fake_buf_puts(&s->wire, head);
    for (size_t i = 0; i < n_models(c); i++) {
        if (i > 0) {
            fake_buf_char(&s->wire, ',');
        }
        put(&s->wire, c, model_name(c, i));
    }
    fake_buf_puts(&s->wire, tail);
}

static bool send_wire(struct fake_server *s, struct fake_reply *reply)
{
    return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
}

static bool show(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply)
{
    struct fake_span model = fake_unquote(fake_member_of(r->body, "model"));
    if (!fake_model_known(&s->config, model)) {
        struct fake_error e = fake_error_of(FAKE_404MODEL, FAKE_OLLAMA_CHAT, FAKE_ANY);
        s->extra.len = 0;
        return fake_reply_error(s, reply, FAKE_OLLAMA_CHAT, &e);
    }
    s->wire.len = 0;
    fake_buf_printf(&s->wire,
                    "{\"details\":{\"format\":\"gguf\",\"family\":\"fake\",\"parameter_size\":"
                    "\"1B\"},\"capabilities\":[\"completion\",\"tools\"%s],\"model_info\":{"
                    "\"general.architecture\":\"fake\",\"fake.context_length\":%u}}",
                    s->config.reasoning_bytes > 0 ? ",\"thinking\"" : "", s->config.n_ctx);
    return send_wire(s, reply);
}

/* One model of a list, by the last part of the path; 404 when there is none. */
static bool one_model(struct fake_server *s, enum fake_api api, struct fake_span name,
                      struct fake_reply *reply)
{
    char text[128];
    if (!fake_model_known(&s->config, name) || name.n == 0 || name.n >= sizeof(text)) {
        struct fake_error e = fake_error_of(FAKE_404MODEL, api, s->config.flavour);
        s->extra.len = 0;
        return fake_reply_error(s, reply, api, &e);
    }
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    s->wire.len = 0;
    if (api == FAKE_GEMINI) {
        put_gemini_model(&s->wire, &s->config, text);
    } else if (api == FAKE_ANTHROPIC) {
        put_claude_model(&s->wire, &s->config, text);
    } else {
        put_openai_model(&s->wire, &s->config, text);
    }
    return send_wire(s, reply);
}

static bool models(struct fake_server *s, const struct fake_request *r, const char *behind,
                   struct fake_reply *reply)
{
    struct fake_error e = {0};
    enum fake_api api = FAKE_OPENAI;
    if (fake_span_starts(r->path, "/v1beta/")) {
        api = FAKE_GEMINI;
    } else if (fake_header(r->headers, "anthropic-version:") != NULL) {
        api = FAKE_ANTHROPIC;
    }
    if (fake_check_key(s, r, api, &e)) {
        s->extra.len = 0;
        return fake_reply_error(s, reply, api, &e);
    }
    const char *end = r->path.p + r->path.n;
    if (behind < end) {
        return one_model(s, api, (struct fake_span){behind + 1, (size_t)(end - behind - 1)}, reply);
    }
    if (api == FAKE_GEMINI) {
        put_list(s, "{\"models\":[", put_gemini_model, "]}");
    } else if (api == FAKE_ANTHROPIC) {
        put_list(s, "{\"data\":[", put_claude_model,
                 "],\"has_more\":false,\"first_id\":null,\"last_id\":null}");
    } else {
        put_list(s, "{\"object\":\"list\",\"data\":[", put_openai_model, "]}");
    }
    return send_wire(s, reply);
}

static bool props(struct fake_server *s, struct fake_reply *reply)
{
    if (s->config.flavour != FAKE_ANY && s->config.flavour != FAKE_LLAMACPP) {
        return fake_reply_text(s, reply, 404, "{\"detail\":\"Not Found\"}");
    }
    s->wire.len = 0;
    fake_buf_printf(&s->wire,
                    "{\"default_generation_settings\":{\"n_ctx\":%u},\"total_slots\":8,"
                    "\"model_path\":\"fake.gguf\",\"chat_template\":\"\"}",
                    s->config.n_ctx);
    return send_wire(s, reply);
}

bool fake_info_route(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply,
                     bool *ok)
{
    static const struct {
        const char *path;
        const char *body;
    } fixed[] = {
        {"/", "Ollama is running"},
        {"/api/version", "{\"version\":\"0.33.0\"}"},
        {"/health", "{\"status\":\"ok\"}"},
        {"/version", "{\"version\":\"0.11.0\"}"},
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (fake_span_is(r->path, fixed[i].path)) {
            *ok = fake_reply_text(s, reply, 200, fixed[i].body);
            return true;
        }
    }
    if (fake_span_is(r->path, "/api/tags") || fake_span_is(r->path, "/api/ps")) {
        put_list(s, "{\"models\":[", put_ollama_model, "]}");
        *ok = send_wire(s, reply);
        return true;
    }
    if (fake_span_is(r->path, "/api/show")) {
        *ok = show(s, r, reply);
        return true;
    }
    if (ends_with(r->path, "/props")) {
        *ok = props(s, reply);
        return true;
    }
    size_t n = fake_span_starts(r->path, "/v1beta/models")
                   ? 14
                   : (fake_span_starts(r->path, "/v1/models") ? 10 : 0);
    if (n == 0 || !fake_span_is(r->method, "GET") || (r->path.n > n && r->path.p[n] != '/')) {
        return false;
    }
    *ok = models(s, r, r->path.p + n, reply);
    return true;
}
