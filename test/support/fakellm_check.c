#include "fakellm.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What Claude models take, by a part of their name; the first row that fits (providers.md §1.3). */
struct claude_row {
    const char *part;
    bool sampling;
    bool thinking_off;
    bool forced_tool;
    bool prefill;
};

static const struct claude_row claude_rows[] = {
    {"sonnet-5-5", false, false, false, false},
    {"opus-5-5", false, false, false, false},
    {"haiku-5-5", false, true, true, false},
    {"fable-5-1", false, false, false, false},
    {"fable-5", false, false, true, false},
    {"opus-5", false, true, true, false},
    {"opus-4-8", false, true, true, false},
    {"opus-4-7", false, true, true, false},
    {"sonnet-5", false, true, true, false},
    {"sonnet-4-6", true, true, true, false},
    {"opus-4-6", true, true, true, false},
    {"claude-", true, true, true, true},
    {"", true, true, true, true},
};

static const char *const sampling[] = {"temperature", "top_p", "top_k"};

static bool fail(struct fake_error *e, int status, const char *code, const char *param,
                 const char *message)
{
    *e = (struct fake_error){.status = status,
                             .type = "invalid_request_error",
                             .code = code,
                             .param = param,
                             .message = message,
                             .flavour = e->flavour};
    return true;
}

static bool has_header(const struct fake_request *r, const char *name, const char **value)
{
    *value = fake_header(r->headers, name);
    return *value != NULL;
}

static bool key_fits(const struct fake_server *s, const struct fake_request *r, const char *key)
{
    const char *want = s->config.api_key;
    const char *end = r->headers.p + r->headers.n;
    if (want == NULL) {
        return true;
    }
    size_t n = strlen(want);
    if (strncasecmp(key, "Bearer ", 7) == 0) {
        key += 7;
    }
    return (size_t)(end - key) > n && memcmp(key, want, n) == 0 && key[n] == '\r';
}

bool fake_check_key(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                    struct fake_error *out)
{
    const char *own = api == FAKE_ANTHROPIC ? "x-api-key:" : "x-goog-api-key:";
    const char *key = NULL;
    bool is_cloud = api == FAKE_ANTHROPIC || api == FAKE_GEMINI;
    if (memmem(r->query.p, r->query.n, "key=", 4) != NULL) {
        s->stats.n_key_in_url++;
    }
    bool given = is_cloud && has_header(r, own, &key);
    given = given || (api != FAKE_GEMINI && has_header(r, "authorization:", &key));
    if (given && key_fits(s, r, key)) {
        return false;
    }
    if (!given && s->config.api_key == NULL && !is_cloud) {
        return false;
    }
    *out = fake_error_of(FAKE_401, api, s->config.flavour);
    if (!given && api == FAKE_ANTHROPIC) {
        out->message = "x-api-key header is required";
    } else if (!given && api == FAKE_GEMINI) {
        *out = fake_error_of(FAKE_403, api, s->config.flavour);
        out->message = "Method doesn't allow unregistered callers. Please use API Key.";
    }
    return true;
}

static bool contains(struct fake_span s, const char *part)
{
    return *part == '\0' || fake_span_find(s, part) != NULL;
}

/* The message names the parameter in the server's own way. */
static bool fail_param(struct fake_server *s, struct fake_error *e, const char *code,
                       const char *before, const char *param, const char *after)
{
    (void)snprintf(s->message, sizeof(s->message), "%s%s%s", before, param, after);
    return fail(e, 400, code, param, s->message);
}

static bool last_turn_is_assistant(struct fake_span messages)
{
    struct fake_span value = {"", 0};
    struct fake_span last = value;
    for (size_t at = 0; fake_array_next(messages, &at, &value);) {
        last = value;
    }
    return fake_span_is(fake_unquote(fake_member_of(last, "role")), "assistant");
}

static bool check_claude(struct fake_server *s, const struct fake_request *r,
                         struct fake_span model, struct fake_error *out)
{
    const struct fake_members *m = &s->members;
    const struct claude_row *row = claude_rows;
    const char *version = fake_header(r->headers, "anthropic-version:");
    while (!contains(model, row->part)) {
        row++;
    }
    bool takes_sampling = row->sampling && strncmp(version, "2026-10-21", 10) != 0;
    for (size_t i = 0; i < 3 && !takes_sampling; i++) {
        if (fake_member(m, sampling[i]).n > 0) {
            return fail_param(s, out, "x", "", sampling[i], ": Extra inputs are not permitted");
        }
    }
    struct fake_span thinking = fake_unquote(fake_member_of(fake_member(m, "thinking"), "type"));
    if (!row->thinking_off && fake_span_is(thinking, "disabled")) {
        return fail(out, 400, "x", "thinking",
                    "thinking.type: \\\"disabled\\\" is not supported by this model");
    }
    struct fake_span choice = fake_unquote(fake_member_of(fake_member(m, "tool_choice"), "type"));
    bool forced = fake_span_is(choice, "tool") || fake_span_is(choice, "any");
    if (!row->forced_tool && forced) {
        return fail(out, 400, "x", "tool_choice",
                    "tool_choice: forced tool use is not supported by this model");
    }
    if (!row->prefill && last_turn_is_assistant(fake_member(m, "messages"))) {
        return fail(out, 400, "x", "messages",
                    "This model does not support assistant message prefill. The conversation must "
                    "end with a user message.");
    }
    return false;
}

static bool check_anthropic(struct fake_server *s, const struct fake_request *r,
                            struct fake_span model, struct fake_error *out)
{
    static const char *const required[] = {"model", "max_tokens", "messages"};
    const char *version = NULL;
    if (!has_header(r, "anthropic-version:", &version)) {
        return fail(out, 400, "x", NULL, "anthropic-version: header is required");
    }
    for (size_t i = 0; i < 3; i++) {
        if (fake_member(&s->members, required[i]).n == 0) {
            return fail_param(s, out, "x", "", required[i], ": Field required");
        }
    }
    return check_claude(s, r, model, out);
}

/* 5 for "gpt-5.1-mini", 0 for what is no such model. */
static unsigned gpt_major(struct fake_span model)
{
    if (!fake_span_starts(model, "gpt-") || model.n < 5 || !isdigit((unsigned char)model.p[4])) {
        return 0;
    }
    return (unsigned)(model.p[4] - '0');
}

static bool check_openai(struct fake_server *s, struct fake_span model, struct fake_error *out)
{
    const struct fake_members *m = &s->members;
    bool is_o = model.n > 1 && model.p[0] == 'o' && isdigit((unsigned char)model.p[1]);
    if (!is_o && (gpt_major(model) < 5 || fake_span_starts(model, "gpt-5-chat"))) {
        return false;
    }
    if (fake_member(m, "max_tokens").n > 0) {
        return fail(out, 400, "unsupported_parameter", "max_tokens",
                    "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                    "'max_completion_tokens' instead.");
    }
    struct fake_span effort = fake_unquote(fake_member(m, "reasoning_effort"));
    bool takes_sampling = fake_span_starts(model, "gpt-5.") && fake_span_is(effort, "none");
    for (size_t i = 0; i < 2 && !takes_sampling; i++) {
        if (fake_member(m, sampling[i]).n > 0) {
            return fail_param(s, out, "unsupported_value", "Unsupported value: '", sampling[i],
                              "' does not support this value with this model. Only the default (1) "
                              "value is supported.");
        }
    }
    return false;
}

bool fake_model_known(const struct fake_config *c, struct fake_span model)
{
    for (size_t i = 0; i < c->n_models; i++) {
        if (fake_span_is(model, c->models[i])) {
            return true;
        }
    }
    return c->n_models == 0;
}

static bool check_rejected(struct fake_server *s, struct fake_error *out)
{
    struct fake_span options = fake_member(&s->members, "generationConfig");
    options = options.n > 0 ? options : fake_member(&s->members, "options");
    for (size_t i = 0; i < s->config.n_rejected; i++) {
        const char *name = s->config.rejected[i];
        bool given = fake_member(&s->members, name).n > 0 || fake_member_of(options, name).n > 0;
        if (given) {
            return fail_param(s, out, "unsupported_parameter", "Unsupported parameter: '", name,
                              "' is not supported with this model.");
        }
    }
    return false;
}

static bool check_context(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                          struct fake_error *out)
{
    bool is_ollama = api == FAKE_OLLAMA_CHAT || api == FAKE_OLLAMA_GENERATE;
    uint64_t n_ctx = s->config.n_ctx;
    if (is_ollama) {
        struct fake_span options = fake_member(&s->members, "options");
        n_ctx = fake_span_uint(fake_member_of(options, "num_ctx"), n_ctx);
    }
    if (!s->config.limit_context || r->plain_bytes / 4 <= n_ctx) {
        return false;
    }
    if (is_ollama && !fake_span_is(fake_member(&s->members, "truncate"), "false")) {
        s->stats.n_truncated++; /* silently, as it does */
        return false;
    }
    *out = fake_error_of(FAKE_400CTX, api, s->config.flavour);
    if (api == FAKE_OPENAI || api == FAKE_ANTHROPIC) {
        unsigned long long max = n_ctx;
        (void)snprintf(s->message, sizeof(s->message),
                       "prompt is too long: %zu tokens > %llu maximum", r->plain_bytes / 4, max);
        if (api == FAKE_OPENAI) {
            (void)snprintf(s->message, sizeof(s->message),
                           "This model's maximum context length is %llu tokens. However, your "
                           "messages resulted in %zu tokens.",
                           max, r->plain_bytes / 4);
        }
        out->message = s->message;
    }
    return true;
}

bool fake_check_body(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                     struct fake_error *out)
{
    struct fake_span model = fake_request_model(s, r, api);
    *out = (struct fake_error){.flavour = s->config.flavour};
    if (!fake_model_known(&s->config, model)) {
        *out = fake_error_of(FAKE_404MODEL, api, s->config.flavour);
        return true;
    }
    if (check_rejected(s, out) || check_context(s, r, api, out)) {
        return true;
    }
    if (api == FAKE_ANTHROPIC) {
        return check_anthropic(s, r, model, out);
    }
    return api == FAKE_OPENAI && check_openai(s, model, out);
}

bool fake_check(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                struct fake_error *out)
{
    return fake_check_key(s, r, api, out) || fake_check_body(s, r, api, out);
}
