#include "fakellm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct envelope {
    const char *finish[2]; /* done, cut by length */
    const char *big_tail;
};

static const struct envelope envelopes[] = {
    [FAKE_OLLAMA_CHAT] = {{"stop", "length"},
                          "\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,"
                          "\"eval_count\":1}"},
    [FAKE_OLLAMA_GENERATE] = {{"stop", "length"},
                              "\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,"
                              "\"eval_count\":1}"},
    [FAKE_OPENAI] = {{"stop", "length"},
                     "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,"
                     "\"completion_tokens\":1,\"total_tokens\":2}}"},
    [FAKE_ANTHROPIC] = {{"end_turn", "max_tokens"},
                        "\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,"
                        "\"output_tokens\":1}}"},
    [FAKE_GEMINI] = {{"STOP", "MAX_TOKENS"}, "\"}]},\"finishReason\":\"STOP\",\"index\":0}]}"},
};

/* ---- success --------------------------------------------------------------------------------- */

static void put_model(struct fake_buf *out, struct fake_span model)
{
    if (model.n == 0 || model.n > 200) {
        fake_buf_puts(out, "fake-model");
    } else {
        fake_buf_put(out, model.p, model.n);
    }
}

/* Up to the opening quote of the content. Times are constants: answers must be reproducible. */
static void put_head(struct fake_buf *out, enum fake_api api, const struct fake_prompt *p)
{
    switch (api) {
    case FAKE_OLLAMA_CHAT:
    case FAKE_OLLAMA_GENERATE:
        fake_buf_puts(out, "{\"model\":\"");
        put_model(out, p->model);
        fake_buf_puts(out, "\",\"created_at\":\"2026-01-01T00:00:00Z\",");
        fake_buf_puts(out, api == FAKE_OLLAMA_CHAT
                               ? "\"message\":{\"role\":\"assistant\",\"content\":\""
                               : "\"response\":\"");
        break;
    case FAKE_OPENAI:
        fake_buf_puts(out, "{\"id\":\"chatcmpl-");
        fake_buf_uint(out, p->hash);
        fake_buf_puts(out, "\",\"object\":\"chat.completion\",\"created\":1767225600,\"model\":\"");
        put_model(out, p->model);
        fake_buf_puts(out, "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                           "\"refusal\":null,\"content\":\"");
        break;
    case FAKE_ANTHROPIC:
        fake_buf_puts(out, "{\"id\":\"msg_");
        fake_buf_uint(out, p->hash);
        fake_buf_puts(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"");
        put_model(out, p->model);
        fake_buf_puts(out, "\",\"content\":[{\"type\":\"text\",\"text\":\"");
        break;
    case FAKE_GEMINI:
        fake_buf_puts(out, "{\"modelVersion\":\"fake-model\",\"candidates\":[{\"content\":{"
                           "\"role\":\"model\",\"parts\":[{\"text\":\"");
        break;
    }
}

static void put_counts(struct fake_buf *out, const char *const names[3], size_t in, size_t produced)
{
    const size_t values[3] = {in, produced, in + produced};
    for (size_t i = 0; i < 3 && names[i] != NULL; i++) {
        fake_buf_puts(out, i == 0 ? "\"" : ",\"");
        fake_buf_puts(out, names[i]);
        fake_buf_puts(out, "\":");
        fake_buf_uint(out, values[i]);
    }
}

static void put_usage(struct fake_buf *out, enum fake_api api, size_t in, size_t produced)
{
    static const char *const ollama[3] = {"prompt_eval_count", "eval_count", NULL};
    static const char *const openai[3] = {"prompt_tokens", "completion_tokens", "total_tokens"};
    static const char *const anthropic[3] = {"input_tokens", "output_tokens", NULL};
    static const char *const gemini[3] = {"promptTokenCount", "candidatesTokenCount",
                                          "totalTokenCount"};
    switch (api) {
    case FAKE_OLLAMA_CHAT:
    case FAKE_OLLAMA_GENERATE:
        fake_buf_puts(out, ",\"total_duration\":5000000,\"load_duration\":1000000,");
        put_counts(out, ollama, in, produced);
        fake_buf_puts(out, ",\"prompt_eval_duration\":1000000,\"eval_duration\":3000000");
        return;
    case FAKE_OPENAI:
        fake_buf_puts(out, ",\"usage\":{");
        put_counts(out, openai, in, produced);
        break;
    case FAKE_ANTHROPIC:
        fake_buf_puts(out, ",\"usage\":{");
        put_counts(out, anthropic, in, produced);
        break;
    case FAKE_GEMINI:
        fake_buf_puts(out, ",\"usageMetadata\":{");
        put_counts(out, gemini, in, produced);
        break;
    }
    fake_buf_char(out, '}');
}

static void put_tail(struct fake_buf *out, enum fake_api api, const char *finish)
{
    static const char *const heads[] = {
        [FAKE_OLLAMA_CHAT] = "\"},\"done\":true,\"done_reason\":\"",
        [FAKE_OLLAMA_GENERATE] = "\",\"done\":true,\"done_reason\":\"",
        [FAKE_OPENAI] = "\"},\"logprobs\":null,\"finish_reason\":\"",
        [FAKE_ANTHROPIC] = "\"}],\"stop_sequence\":null,\"stop_reason\":\"",
        [FAKE_GEMINI] = "\"}]},\"index\":0,\"finishReason\":\"",
    };
    fake_buf_puts(out, heads[api]);
    fake_buf_puts(out, finish);
    fake_buf_puts(out, api == FAKE_OPENAI || api == FAKE_GEMINI ? "\"}]" : "\"");
}

static void wrap_content(struct fake_buf *content, enum fake_fault fault)
{
    const char *before = fault == FAKE_FENCED ? "```json\n" : "Sure, here is the result:\n\n";
    const char *after =
        fault == FAKE_FENCED ? "\n```" : "\n\nTell me if you would like more of {these}.";
    size_t n = strlen(before);
    size_t len = content->len;
    if (fake_buf_reserve(content, n)) {
        memmove(content->p + n, content->p, len);
        memcpy(content->p, before, n);
        content->len += n;
        fake_buf_puts(content, after);
    }
}

/* The text of the model with the fault of the text in it. */
static void make_content(struct fake_server *s, enum fake_fault fault)
{
    struct fake_buf *content = &s->content;
    content->len = 0;
    if (fault == FAKE_EMPTY) {
        return;
    }
    fake_answer_write(content, &s->prompt, s->config.answer_bytes, fault);
    if (fault == FAKE_LENGTH) {
        content->len = content->len * 3 / 5;
    } else if (fault == FAKE_FENCED || fault == FAKE_PROSE) {
        wrap_content(content, fault);
    } else if (fault == FAKE_BADUTF8) {
        fake_buf_puts(content, " \xff\xfe ");
    }
}

static void put_nothing(struct fake_buf *out, enum fake_api api)
{
    static const char *const bodies[] = {
        [FAKE_OLLAMA_CHAT] = "{\"model\":\"fake-model\",\"done\":true,\"done_reason\":\"stop\"}",
        [FAKE_OLLAMA_GENERATE] =
            "{\"model\":\"fake-model\",\"done\":true,\"done_reason\":\"stop\"}",
        [FAKE_OPENAI] = "{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"choices\":[]}",
        [FAKE_ANTHROPIC] = "{\"id\":\"msg_0\",\"type\":\"message\",\"content\":[]}",
        [FAKE_GEMINI] = "{\"candidates\":[]}",
    };
    fake_buf_puts(out, bodies[api]);
}

static void make_success(struct fake_server *s, enum fake_api api, struct fake_reply *reply)
{
    struct fake_buf *out = &s->wire;
    enum fake_fault fault = reply->fault;
    if (fault == FAKE_NOCHOICES) {
        put_nothing(out, api);
        return;
    }
    put_head(out, api, &s->prompt);
    if (fault == FAKE_BIG) {
        reply->fill_bytes = FAKE_BIG_BYTES;
        reply->tail = envelopes[api].big_tail;
        return;
    }
    make_content(s, fault);
    fake_buf_escape(out, s->content.p, s->content.len);
    out->failed = out->failed || s->content.failed;
    put_tail(out, api, envelopes[api].finish[fault == FAKE_LENGTH]);
    size_t tokens_in = s->prompt.body.n / 4;
    size_t tokens_out = s->content.len / 4;
    if (fault != FAKE_NOUSAGE) {
        put_usage(out, api, tokens_in, tokens_out);
    }
    fake_buf_char(out, '}');
    s->stats.tokens_in += tokens_in;
    s->stats.tokens_out += tokens_out;
}

/* ---- errors ---------------------------------------------------------------------------------- */

struct error_text {
    int status;
    const char *type;
    const char *code;
    const char *param; /* NULL: none */
    const char *message;
};

static const struct error_text error_texts[] = {
    {429, "requests", "rate_limit_exceeded", NULL, "Rate limit reached, please try again later."},
    {500, "server_error", "internal_error", NULL, "The server had an error."},
    {502, "server_error", "bad_gateway", NULL, "Bad gateway."},
    {503, "service_unavailable_error", "server_is_overloaded", NULL,
     "server busy, please try again.  maximum pending requests exceeded"},
    {504, "server_error", "timeout", NULL, "Gateway time-out."},
    {529, "overloaded_error", "overloaded_error", NULL, "Overloaded"},
    {401, "invalid_request_error", "invalid_api_key", NULL, "Incorrect API key provided."},
    {404, "invalid_request_error", "model_not_found", NULL,
     "model \\\"fake\\\" not found, try pulling it first"},
};

static const char *anthropic_type(const struct error_text *e)
{
    switch (e->status) {
    case 401:
        return "authentication_error";
    case 404:
        return "not_found_error";
    case 429:
        return "rate_limit_error";
    case 529:
    case 503:
        return "overloaded_error";
    case 400:
        return "invalid_request_error";
    default:
        return "api_error";
    }
}

static void put_error(struct fake_buf *out, enum fake_api api, const struct error_text *e)
{
    switch (api) {
    case FAKE_OLLAMA_CHAT:
    case FAKE_OLLAMA_GENERATE:
        fake_buf_printf(out, "{\"error\":\"%s\"}", e->message);
        break;
    case FAKE_OPENAI:
        fake_buf_printf(out,
                        "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":%s%s%s,"
                        "\"code\":\"%s\"}}",
                        e->message, e->type, e->param == NULL ? "" : "\"",
                        e->param == NULL ? "null" : e->param, e->param == NULL ? "" : "\"",
                        e->code);
        break;
    case FAKE_ANTHROPIC:
        fake_buf_printf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}",
                        anthropic_type(e), e->message);
        break;
    case FAKE_GEMINI:
        fake_buf_printf(out, "{\"error\":{\"code\":%d,\"message\":\"%s\",\"status\":\"%s\"}}",
                        e->status, e->message,
                        e->status == 429 ? "RESOURCE_EXHAUSTED"
                                         : (e->status >= 500 ? "UNAVAILABLE" : "INVALID_ARGUMENT"));
        break;
    }
}

static void put_context_error(struct fake_buf *out, enum fake_api api)
{
    static const char *const messages[] = {
        [FAKE_OLLAMA_CHAT] = "the prompt is longer than the context length currently available to "
                             "the model; shorten the prompt",
        [FAKE_OLLAMA_GENERATE] = "the prompt is longer than the context length currently available "
                                 "to the model; shorten the prompt",
        [FAKE_OPENAI] = "This model's maximum context length is 8192 tokens. However, your "
                        "messages resulted in 9000 tokens.",
        [FAKE_ANTHROPIC] = "prompt is too long: 9000 tokens > 8192 maximum",
        [FAKE_GEMINI] = "The input token count (9000) exceeds the maximum number of tokens allowed "
                        "(8192).",
    };
    put_error(out, api,
              &(struct error_text){400, "invalid_request_error", "context_length_exceeded",
                                   "messages", messages[api]});
}

static void put_quota_error(struct fake_buf *out, enum fake_api api)
{
    put_error(out, api,
              &(struct error_text){429, "insufficient_quota", "insufficient_quota", NULL,
                                   "You exceeded your current quota, please check your plan and "
                                   "billing details."});
}

static void put_status_error(struct fake_buf *out, enum fake_api api, int status)
{
    for (size_t i = 0; i < sizeof(error_texts) / sizeof(error_texts[0]); i++) {
        if (error_texts[i].status == status) {
            put_error(out, api, &error_texts[i]);
        }
    }
}

/* `"name":` outside of strings: there the quotes would be escaped. */
static bool has_field(struct fake_span body, const char *name)
{
    char needle[80];
    int n = snprintf(needle, sizeof(needle), "\"%s\"", name);
    if (n < 0 || (size_t)n >= sizeof(needle)) {
        return false;
    }
    const char *at = fake_span_find(body, needle);
    return at != NULL && (at[n] == ':' || (at[n] == ' ' && at[n + 1] == ':'));
}

static const char *rejected_field(const struct fake_server *s, struct fake_span body,
                                  enum fake_fault fault)
{
    static const char *const by_fault[] = {"response_format", "temperature", "format"};
    for (size_t i = 0; i < s->config.n_rejected; i++) {
        if (has_field(body, s->config.rejected[i])) {
            return s->config.rejected[i];
        }
    }
    for (size_t i = 0; fault == FAKE_400PARAM && i < sizeof(by_fault) / sizeof(by_fault[0]); i++) {
        if (has_field(body, by_fault[i])) {
            return by_fault[i];
        }
    }
    return NULL;
}

/* ---- the reply ------------------------------------------------------------------------------- */

static void retry_header(const struct fake_server *s, enum fake_fault fault, char *out, size_t size)
{
    out[0] = '\0';
    if (fault == FAKE_429) {
        (void)snprintf(out, size, "Retry-After: %u\r\n", s->config.retry_after_s);
    } else if (fault == FAKE_429MS) {
        (void)snprintf(out, size, "retry-after-ms: 50\r\n");
    } else if (fault == FAKE_429ABSURD) {
        (void)snprintf(out, size, "Retry-After: 3153600000\r\n");
    } else if (fault == FAKE_429DATE) {
        time_t when = time(NULL) + (time_t)s->config.retry_after_s + 1;
        struct tm tm;
        if (gmtime_r(&when, &tm) != NULL) {
            (void)strftime(out, size, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        }
    } else if (fault == FAKE_REDIRECT) {
        if (s->config.redirect_to != NULL) {
            (void)snprintf(out, size, "Location: %s\r\n", s->config.redirect_to);
        } else {
            (void)snprintf(out, size, "Location: http://localhost:%u/fake/trap\r\n", s->port);
        }
    } else if (fault == FAKE_CLOSEAFTER) {
        (void)snprintf(out, size, "Connection: close\r\n");
    } else if (fault == FAKE_CONTENTTYPE) {
        (void)snprintf(out, size, "Content-Type: text/html\r\n");
    }
}

static bool reject_field(struct fake_server *s, enum fake_api api, const char *field,
                         struct fake_reply *reply)
{
    char message[160];
    (void)snprintf(message, sizeof(message),
                   "Unsupported parameter: '%s' is not supported with this model.", field);
    put_error(&s->wire, api,
              &(struct error_text){400, "invalid_request_error", "unsupported_parameter", field,
                                   message});
    return fake_reply_finish(s, reply, 400, "", FAKE_BY_LENGTH);
}

/* Faults of the transport: what is sent, how much of it, and when. */
static enum fake_framing plan_transport(const struct fake_server *s, struct fake_reply *reply)
{
    const struct fake_config *c = &s->config;
    reply->close_after = reply->fault == FAKE_CLOSEAFTER || reply->fault == FAKE_CUT;
    reply->slow = reply->fault == FAKE_SLOW;
    reply->idle_close = reply->fault == FAKE_IDLECLOSE;
    reply->delay_ms = reply->fault == FAKE_LATE ? c->late_ms : reply->delay_ms;
    switch (reply->fault) {
    case FAKE_CHUNKED:
        return FAKE_BY_CHUNKS;
    case FAKE_CUTCHUNK:
        return FAKE_BY_CUT_CHUNKS;
    case FAKE_CUTCLOSE:
        return FAKE_BY_CLOSE;
    default:
        return FAKE_BY_LENGTH;
    }
}

bool fake_model_reply(struct fake_server *s, const struct fake_request *request, enum fake_api api,
                      struct fake_reply *reply)
{
    char extra[256];
    struct fake_buf *out = &s->wire;
    enum fake_fault fault = reply->fault;
    int status = fake_fault_status(fault);
    out->len = 0;
    if (status == 0) {
        reply->hang = fault == FAKE_HANG;
        reply->reset = fault == FAKE_RESET || fault == FAKE_REFUSE;
        reply->close_after = true;
        return true;
    }
    const char *field = rejected_field(s, request->body, fault);
    if (field != NULL) {
        return reject_field(s, api, field, reply);
    }
    status = fault == FAKE_400PARAM ? 200 : status;
    retry_header(s, fault, extra, sizeof(extra));
    enum fake_framing framing = plan_transport(s, reply);
    if (fault == FAKE_400CTX) {
        put_context_error(out, api);
    } else if (fault == FAKE_429QUOTA) {
        put_quota_error(out, api);
    } else if (fault == FAKE_200ERROR) {
        put_status_error(out, api, 500);
    } else if (status >= 400) {
        put_status_error(out, api, status);
    } else if (status == 200) {
        fake_prompt_scan(&s->prompt, request->body, fake_mix(request->hash, s->config.seed));
        make_success(s, api, reply);
    }
    return fake_reply_finish(s, reply, status, extra, framing);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 302:
        return "Found";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    default:
        return "Status";
    }
}

static void put_chunks(struct fake_buf *out, const struct fake_buf *body, bool last)
{
    size_t half = body->len / 2;
    fake_buf_printf(out, "%zx\r\n", half == 0 ? body->len : half);
    fake_buf_put(out, body->p, half == 0 ? body->len : half);
    if (half > 0) {
        fake_buf_printf(out, "\r\n%zx\r\n", body->len - half);
        fake_buf_put(out, body->p + half, body->len - half);
    }
    fake_buf_puts(out, last ? "\r\n0\r\n\r\n" : "\r\n");
}

bool fake_reply_finish(struct fake_server *s, struct fake_reply *reply, int status,
                       const char *extra, enum fake_framing framing)
{
    struct fake_buf *head = &s->head;
    const struct fake_buf *body = &s->wire;
    size_t tail_len = reply->tail == NULL ? 0 : strlen(reply->tail);
    head->len = 0;
    if (status == 200) {
        fake_buf_puts(head, "HTTP/1.1 200 OK\r\n");
    } else {
        fake_buf_printf(head, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    }
    fake_buf_puts(head, extra);
    if (strstr(extra, "ontent-") == NULL) {
        fake_buf_puts(head, "Content-Type: application/json\r\n");
    }
    if (framing == FAKE_BY_LENGTH) {
        fake_buf_puts(head, "Content-Length: ");
        fake_buf_uint(head, body->len + reply->fill_bytes + tail_len);
        fake_buf_puts(head, "\r\n\r\n");
    } else if (framing == FAKE_BY_CLOSE) {
        fake_buf_puts(head, "Connection: close\r\n\r\n");
    } else {
        fake_buf_puts(head, "Transfer-Encoding: chunked\r\n\r\n");
    }
    size_t head_len = head->len;
    if (framing == FAKE_BY_CHUNKS || framing == FAKE_BY_CUT_CHUNKS) {
        put_chunks(head, body, framing == FAKE_BY_CHUNKS);
    } else if (head->failed || body->failed) {
        return false;
    }
    bool apart = framing == FAKE_BY_LENGTH || framing == FAKE_BY_CLOSE;
    size_t body_len = apart ? body->len : 0;
    reply->bytes = malloc(head->len + body_len);
    if (reply->bytes == NULL || head->failed || body->failed) {
        return false;
    }
    memcpy(reply->bytes, head->p, head->len);
    if (body_len > 0) {
        memcpy(reply->bytes + head->len, body->p, body_len);
    }
    reply->status = status;
    reply->len = head->len + body_len;
    reply->send_bytes = reply->len;
    if (reply->fault == FAKE_CUT || framing == FAKE_BY_CLOSE) {
        reply->send_bytes = head_len + body->len / 2;
    }
    reply->close_after = reply->close_after || framing >= FAKE_BY_CUT_CHUNKS;
    return true;
}
