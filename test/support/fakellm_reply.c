#include "fakellm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct fake_shape *fake_shape_of(enum fake_api api)
{
    static const struct fake_shape *const shapes[FAKE_N_APIS] = {
        [FAKE_OLLAMA_CHAT] = &fake_shape_ollama_chat,
        [FAKE_OLLAMA_GENERATE] = &fake_shape_ollama_generate,
        [FAKE_OPENAI] = &fake_shape_openai,
        [FAKE_ANTHROPIC] = &fake_shape_anthropic,
        [FAKE_GEMINI] = &fake_shape_gemini,
    };
    return shapes[api];
}

/* ---- headers -----------------------------------------------------------------------------------
 */

static void put_retry_date(struct fake_server *s)
{
    char text[64];
    struct tm tm;
    time_t when = time(NULL) + (time_t)s->config.retry_after_s + 1;
    if (gmtime_r(&when, &tm) != NULL &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0) {
        fake_buf_printf(&s->extra, "Retry-After: %s\r\n", text);
    }
}

static void put_location(struct fake_server *s)
{
    if (s->config.redirect_to != NULL) {
        fake_buf_printf(&s->extra, "Location: %s\r\n", s->config.redirect_to);
    } else {
        fake_buf_printf(&s->extra, "Location: http://localhost:%u/fake/trap\r\n", s->port);
    }
}

static void put_fault_headers(struct fake_server *s, enum fake_fault fault)
{
    switch (fault) {
    case FAKE_429:
    case FAKE_SLOWDOWN:
    case FAKE_402RETRY:
        fake_buf_printf(&s->extra, "Retry-After: %u\r\n", s->config.retry_after_s);
        break;
    case FAKE_429MS:
        fake_buf_puts(&s->extra, "retry-after-ms: 50\r\n");
        break;
    case FAKE_429ABSURD:
        fake_buf_puts(&s->extra, "Retry-After: 3153600000\r\n");
        break;
    case FAKE_429DATE:
        put_retry_date(s);
        break;
    case FAKE_500NORETRY:
        fake_buf_puts(&s->extra, "x-should-retry: false\r\n");
        break;
    case FAKE_REDIRECT:
        put_location(s);
        break;
    case FAKE_CLOSEAFTER:
        fake_buf_puts(&s->extra, "Connection: close\r\n");
        break;
    case FAKE_CONTENTTYPE:
    case FAKE_500HTML:
        fake_buf_puts(&s->extra, "Content-Type: text/html\r\n");
        break;
    case FAKE_GZIP:
        fake_buf_puts(&s->extra, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n");
        break;
    default:
        break;
    }
}

static void put_headers(struct fake_server *s, enum fake_api api, const struct fake_reply *reply)
{
    s->extra.len = 0;
    if (api == FAKE_OPENAI || api == FAKE_ANTHROPIC) {
        fake_buf_puts(&s->extra, api == FAKE_OPENAI ? "x-request-id: req_" : "request-id: req_");
        fake_buf_uint(&s->extra, reply->number);
        fake_buf_puts(&s->extra, "\r\n");
    }
    if (s->config.rpm > 0 || s->config.tpm > 0) {
        fake_limit_headers(s, api);
    }
}

/* ---- errors ------------------------------------------------------------------------------------
 */

/* Google says when to come back in the body. */
static void gemini_wait(struct fake_server *s, struct fake_error *e, uint64_t wait_ms)
{
    char wait[32];
    (void)snprintf(wait, sizeof(wait), "%llu.%03llus", (unsigned long long)(wait_ms / 1000),
                   (unsigned long long)(wait_ms % 1000));
    (void)snprintf(s->message, sizeof(s->message),
                   "You exceeded your current quota. Please retry in %s.", wait);
    (void)snprintf(s->details, sizeof(s->details),
                   "[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{"
                   "\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel\"}]},{\"@type\":"
                   "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"%s\"}]",
                   wait);
    e->message = s->message;
    e->details = s->details;
}

bool fake_reply_error(struct fake_server *s, struct fake_reply *reply, enum fake_api api,
                      const struct fake_error *e)
{
    struct fake_buf *out = &s->wire;
    bool in_array = reply->form == FAKE_ARRAY;
    out->len = 0;
    if (in_array) {
        fake_buf_char(out, '[');
    }
    fake_shape_of(api)->error(out, e);
    if (in_array) {
        fake_buf_char(out, ']');
    }
    fake_buf_char(&s->extra, '\0');
    return !s->extra.failed && fake_reply_finish(s, reply, e->status, s->extra.p, FAKE_BY_LENGTH);
}

static bool fault_error(struct fake_server *s, struct fake_reply *reply, enum fake_api api)
{
    struct fake_error e = fake_error_of(reply->fault, api, s->config.flavour);
    put_fault_headers(s, reply->fault);
    if (reply->fault == FAKE_500HTML) {
        s->wire.len = 0;
        fake_buf_puts(&s->wire, "<!DOCTYPE html><html><title>api.example.com | 520: Web server is "
                                "returning an unknown error</title></html>");
        fake_buf_char(&s->extra, '\0');
        return !s->extra.failed && fake_reply_finish(s, reply, 520, s->extra.p, FAKE_BY_LENGTH);
    }
    if (api == FAKE_GEMINI && e.status == 429 && e.details == NULL &&
        reply->fault != FAKE_429BARE && reply->fault != FAKE_429CREDIT) {
        uint64_t ms = (uint64_t)s->config.retry_after_s * 1000U;
        ms = reply->fault == FAKE_429MS ? 50 : ms;
        gemini_wait(s, &e, reply->fault == FAKE_429ABSURD ? UINT64_C(3153600000000) : ms);
    }
    return fake_reply_error(s, reply, api, &e);
}

static bool limit_error(struct fake_server *s, struct fake_reply *reply, enum fake_api api,
                        uint64_t wait_ms)
{
    struct fake_error e = fake_error_of(FAKE_429, api, s->config.flavour);
    reply->is_limited = true;
    reply->delay_ms = 0;
    fake_limit_refuse(s, api, wait_ms);
    if (api == FAKE_GEMINI) {
        gemini_wait(s, &e, wait_ms);
    }
    return fake_reply_error(s, reply, api, &e);
}

/* Parameters that the fault 400param takes offence at, in this order. */
static const char *offending(const struct fake_server *s)
{
    static const char *const names[] = {"response_format", "temperature",    "format",
                                        "output_config",   "stream_options", "prompt_cache_key",
                                        "reasoning_effort"};
    struct fake_span options = fake_member(&s->members, "options");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool given = fake_member(&s->members, names[i]).n > 0 ||
                     (options.n > 0 && fake_member_of(options, names[i]).n > 0);
        if (given) {
            return names[i];
        }
    }
    return NULL;
}

static bool param_error(struct fake_server *s, struct fake_reply *reply, enum fake_api api,
                        const char *name)
{
    (void)snprintf(s->message, sizeof(s->message),
                   "Unsupported parameter: '%s' is not supported with this model.", name);
    struct fake_error e = {.status = 400,
                           .type = "invalid_request_error",
                           .code = "unsupported_parameter",
                           .param = name,
                           .message = s->message,
                           .flavour = s->config.flavour};
    return fake_reply_error(s, reply, api, &e);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

/* Faults of the transport: what is sent, how much of it, and when. */
static enum fake_framing plan_transport(const struct fake_server *s, struct fake_reply *reply)
{
    const struct fake_config *c = &s->config;
    bool streamed = reply->form != FAKE_WHOLE;
    enum fake_fault fault = reply->fault;
    reply->close_after = fault == FAKE_CLOSEAFTER || fault == FAKE_CUT || fault == FAKE_CUTHEAD;
    reply->piece_bytes = fault == FAKE_SLOW || fault == FAKE_BYTEWISE ? 1 : 0;
    reply->piece_ms = fault == FAKE_SLOW ? c->slow_ms : 0;
    reply->idle_close = fault == FAKE_IDLECLOSE;
    reply->delay_ms = fault == FAKE_LATE ? c->late_ms : reply->delay_ms;
    if (streamed) {
        reply->splits_utf8 = fault == FAKE_SSEUTF8;
        reply->by_event = c->stream_ms > 0 || fault == FAKE_SSETWO;
        reply->piece_ms = reply->by_event || reply->splits_utf8 ? c->stream_ms : reply->piece_ms;
        if (reply->splits_utf8 || fault == FAKE_SSETWO) {
            reply->piece_ms = reply->piece_ms == 0 ? 1 : reply->piece_ms;
        }
    }
    switch (fault) {
    case FAKE_CHUNKED:
        return streamed ? FAKE_BY_EVENTS : FAKE_BY_CHUNKS;
    case FAKE_CHUNK1:
        return FAKE_BY_BYTES;
    case FAKE_CUTCHUNK:
        return streamed ? FAKE_BY_CUT_EVENTS : FAKE_BY_CUT_CHUNKS;
    case FAKE_CUTCLOSE:
        return FAKE_BY_CLOSE;
    case FAKE_CUT:
    case FAKE_BIG:
    case FAKE_BIG10:
    case FAKE_GZIP:
    case FAKE_BLANKS:
        return FAKE_BY_LENGTH;
    default:
        return streamed ? FAKE_BY_EVENTS : FAKE_BY_LENGTH;
    }
}

static void put_nothing(struct fake_stream *st, const struct fake_shape *shape)
{
    fake_event_begin(st, st->api == FAKE_ANTHROPIC ? "message_start" : NULL);
    fake_buf_puts(st->out, shape->nothing);
    fake_event_end(st, FAKE_EVENT_PLAIN);
}

static void put_streamed(struct fake_server *s, enum fake_api api, const struct fake_answer *a,
                         const struct fake_reply *reply, enum fake_framing framing)
{
    const struct fake_shape *shape = fake_shape_of(api);
    struct fake_stream st = {.out = &s->wire,
                             .form = reply->form,
                             .api = api,
                             .fault = reply->fault,
                             .is_bare = framing != FAKE_BY_EVENTS && framing != FAKE_BY_CUT_EVENTS};
    if (reply->fault == FAKE_NOCHOICES) {
        put_nothing(&st, shape);
    } else if (reply->fault == FAKE_200ERROR) {
        struct fake_error e = fake_error_of(FAKE_500, api, s->config.flavour);
        fake_event_begin(&st, api == FAKE_ANTHROPIC ? "error" : NULL);
        shape->error(st.out, &e);
        fake_event_end(&st, FAKE_EVENT_PLAIN);
    } else {
        shape->stream(&st, a);
    }
    fake_stream_close(&st);
    s->stats.n_streamed++;
}

static void put_big(struct fake_server *s, const struct fake_shape *shape, struct fake_reply *reply)
{
    fake_buf_puts(&s->wire, shape->big_head);
    reply->fill_bytes = reply->fault == FAKE_BIG ? FAKE_BIG_BYTES : FAKE_BIG_BYTES / 5;
    reply->tail = shape->big_tail;
}

static void put_whole(struct fake_server *s, enum fake_api api, const struct fake_answer *a,
                      const struct fake_reply *reply)
{
    const struct fake_shape *shape = fake_shape_of(api);
    if (reply->fault == FAKE_NOCHOICES) {
        fake_buf_puts(&s->wire, shape->nothing);
    } else if (reply->fault == FAKE_200ERROR) {
        struct fake_error e = fake_error_of(FAKE_500, api, s->config.flavour);
        shape->error(&s->wire, &e);
    } else {
        if (reply->fault == FAKE_BLANKS) {
            fake_buf_puts(&s->wire, "\n\n\n\n");
        }
        shape->whole(&s->wire, a);
    }
}

static void put_content_type(struct fake_server *s, const struct fake_reply *reply)
{
    if (reply->fault == FAKE_CONTENTTYPE || reply->fault == FAKE_GZIP) {
        return;
    }
    if (reply->form == FAKE_SSE) {
        fake_buf_puts(&s->extra, "Content-Type: text/event-stream\r\n");
    } else if (reply->form == FAKE_LINES) {
        fake_buf_puts(&s->extra, "Content-Type: application/x-ndjson\r\n");
    }
}

static bool success(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                    struct fake_reply *reply)
{
    struct fake_answer a;
    bool is_big = reply->fault == FAKE_BIG || reply->fault == FAKE_BIG10;
    reply->form = is_big ? FAKE_WHOLE : reply->form;
    enum fake_framing framing = plan_transport(s, reply);
    put_fault_headers(s, reply->fault);
    put_content_type(s, reply);
    fake_buf_char(&s->extra, '\0');
    s->wire.len = 0;
    if (is_big) {
        put_big(s, fake_shape_of(api), reply);
    } else {
        fake_answer_make(s, r, api, reply->fault, &a);
        fake_cache_ask(s, r, api, reply, &a);
        fake_limit_spend(s, a.tokens_out);
        fake_stats_charge(&s->stats, &s->config, &a);
        s->stats.n_paid_again += fake_seen_add(&s->paid, reply->seen_key) > 0;
        if (reply->form == FAKE_WHOLE) {
            put_whole(s, api, &a, reply);
        } else {
            put_streamed(s, api, &a, reply, framing);
        }
    }
    if (reply->fault == FAKE_GZIP) {
        fake_gzip(&s->wire);
    }
    bool ok = !s->extra.failed && !s->content.failed && !s->reasoning.failed &&
              fake_reply_finish(s, reply, 200, s->extra.p, framing);
    if (ok && reply->fault == FAKE_SSESTALL && reply->form != FAKE_WHOLE) {
        reply->stall_at = reply->len / 2;
    }
    return ok;
}

static bool closed(struct fake_reply *reply)
{
    reply->hang = reply->fault == FAKE_HANG;
    reply->reset = reply->fault == FAKE_RESET || reply->fault == FAKE_REFUSE;
    reply->close_after = true;
    reply->status = 0;
    return true;
}

bool fake_model_reply(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                      struct fake_reply *reply)
{
    struct fake_error e = {0};
    uint64_t wait_ms = 0;
    int status = fake_fault_status(reply->fault);
    reply->form = fake_form_of(s, r, api);
    if (status == 0 || (reply->fault == FAKE_DEADKEEP && r->n_before > 0)) {
        return closed(reply);
    }
    bool passes = fake_limit_take(s, r->plain_bytes / 4, &wait_ms);
    put_headers(s, api, reply);
    if (!passes) {
        return limit_error(s, reply, api, wait_ms);
    }
    if (fake_check(s, r, api, &e)) {
        return fake_reply_error(s, reply, api, &e);
    }
    if (reply->fault == FAKE_REDIRECT) {
        put_fault_headers(s, reply->fault);
        fake_buf_char(&s->extra, '\0');
        s->wire.len = 0;
        return !s->extra.failed && fake_reply_finish(s, reply, 302, s->extra.p, FAKE_BY_LENGTH);
    }
    if (reply->fault == FAKE_400PARAM) {
        const char *name = offending(s);
        if (name != NULL) {
            return param_error(s, reply, api, name);
        }
        status = 200;
    }
    return status >= 400 ? fault_error(s, reply, api) : success(s, r, api, reply);
}
