#include "fakellm.h"

static const char *const stop_reasons[FAKE_N_FINISHES] = {
    [FAKE_DONE] = "end_turn",       [FAKE_AT_LIMIT] = "max_tokens",
    [FAKE_REFUSED] = "refusal",     [FAKE_FILTERED] = "refusal",
    [FAKE_RECITED] = "end_turn",    [FAKE_WINDOW_FULL] = "model_context_window_exceeded",
    [FAKE_UNFINISHED] = "end_turn", [FAKE_ABORTED] = "pause_turn",
};

static const char signature[] = "c2lnbmF0dXJl";

static bool is_refused(const struct fake_answer *a)
{
    return a->finish == FAKE_REFUSED || a->finish == FAKE_FILTERED;
}

/* A tool's input is an object: text that is none is given as text. */
static bool calls_tool(const struct fake_answer *a)
{
    return a->tool.n > 0 && a->text.n > 0 && a->text.p[0] == '{' && a->finish == FAKE_DONE;
}

static void put_head(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_puts(out, "{\"id\":\"msg_");
    fake_buf_uint(out, a->hash);
    fake_buf_puts(out, "\",\"type\":\"message\",\"role\":\"assistant\",");
    fake_put_model(out, a->model);
    fake_buf_puts(out, ",\"content\":[");
}

static void put_stop(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_puts(out, "\"stop_reason\":\"");
    fake_buf_puts(out, calls_tool(a) ? "tool_use" : stop_reasons[a->finish]);
    fake_buf_puts(out, "\",\"stop_sequence\":null,\"stop_details\":");
    if (is_refused(a)) {
        fake_buf_printf(out, "{\"type\":\"refusal\",\"category\":\"%s\",\"explanation\":null}",
                        a->finish == FAKE_REFUSED ? "frontier_llm" : "general_harms");
    } else {
        fake_buf_puts(out, "null");
    }
}

static void put_usage(struct fake_buf *out, const struct fake_answer *a, size_t tokens_out)
{
    fake_buf_puts(out, "\"usage\":{\"input_tokens\":");
    fake_buf_uint(out, a->tokens_in - a->tokens_cached - a->tokens_written);
    fake_put_count(out, "cache_creation_input_tokens", a->tokens_written);
    fake_put_count(out, "cache_read_input_tokens", a->tokens_cached);
    fake_put_count(out, "output_tokens", tokens_out);
    if (a->tokens_reasoning > 0) {
        fake_buf_puts(out, ",\"output_tokens_details\":{\"thinking_tokens\":");
        fake_buf_uint(out, a->tokens_reasoning);
        fake_buf_char(out, '}');
    }
    fake_buf_puts(out, ",\"service_tier\":\"standard\"}");
}

static void put_whole(struct fake_buf *out, const struct fake_answer *a)
{
    put_head(out, a);
    if (a->reasoning.n > 0) {
        fake_buf_puts(out, "{\"type\":\"thinking\",");
        fake_put_text(out, "thinking", a->reasoning);
        fake_buf_printf(out, ",\"signature\":\"%s\"},", signature);
    }
    if (calls_tool(a)) {
        fake_buf_puts(out, "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"");
        fake_buf_put(out, a->tool.p, a->tool.n);
        fake_buf_puts(out, "\",\"input\":");
        fake_buf_put(out, a->text.p, a->text.n);
        fake_buf_char(out, '}');
    } else if (!is_refused(a)) {
        fake_buf_puts(out, "{\"type\":\"text\",");
        fake_put_text(out, "text", a->text);
        fake_buf_char(out, '}');
    } else if (a->reasoning.n > 0) {
        out->len--;
    }
    fake_buf_puts(out, "],");
    put_stop(out, a);
    if (a->has_usage) {
        fake_buf_char(out, ',');
        put_usage(out, a, a->tokens_out);
    }
    fake_buf_char(out, '}');
}

/* ---- streamed ---- */

static void put_event(struct fake_stream *st, const char *name, const char *data,
                      enum fake_event_kind kind)
{
    fake_event_begin(st, name);
    fake_buf_puts(st->out, data);
    fake_event_end(st, kind);
}

static void put_start(struct fake_stream *st, const struct fake_answer *a)
{
    fake_event_begin(st, "message_start");
    fake_buf_puts(st->out, "{\"type\":\"message_start\",\"message\":");
    put_head(st->out, a);
    fake_buf_puts(st->out, "],\"stop_reason\":null,\"stop_sequence\":null");
    if (a->has_usage) {
        fake_buf_char(st->out, ',');
        put_usage(st->out, a, 1);
    }
    fake_buf_puts(st->out, "}}");
    fake_event_end(st, FAKE_EVENT_PLAIN);
}

static void block_begin(struct fake_stream *st, unsigned index, const char *block,
                        struct fake_span tool)
{
    fake_event_begin(st, "content_block_start");
    fake_buf_printf(st->out, "{\"type\":\"content_block_start\",\"index\":%u,\"content_block\":{",
                    index);
    fake_buf_puts(st->out, block);
    if (tool.n > 0) {
        fake_buf_put(st->out, tool.p, tool.n);
        fake_buf_puts(st->out, "\",\"input\":{}");
    }
    fake_buf_puts(st->out, "}}");
    fake_event_end(st, FAKE_EVENT_PLAIN);
}

static void block_end(struct fake_stream *st, unsigned index)
{
    fake_event_begin(st, "content_block_stop");
    fake_buf_printf(st->out, "{\"type\":\"content_block_stop\",\"index\":%u}", index);
    fake_event_end(st, FAKE_EVENT_PLAIN);
}

static void put_deltas(struct fake_stream *st, const struct fake_answer *a, unsigned index,
                       const char *type, const char *field, struct fake_span text)
{
    for (size_t at = 0; at < text.n && !st->is_over;) {
        struct fake_span piece = fake_delta_next(text, &at, a->delta_bytes);
        fake_event_begin(st, "content_block_delta");
        fake_buf_puts(st->out, "{\"type\":\"content_block_delta\",\"index\":");
        fake_buf_uint(st->out, index);
        if (st->fault == FAKE_SSEUTF8) {
            fake_buf_puts(st->out, ",\"padding\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
        }
        fake_buf_puts(st->out, ",\"delta\":{\"type\":\"");
        fake_buf_puts(st->out, type);
        fake_buf_puts(st->out, "\",");
        fake_put_text(st->out, field, piece);
        fake_buf_puts(st->out, "}}");
        fake_event_end(st, FAKE_EVENT_DELTA);
    }
}

static unsigned stream_thinking(struct fake_stream *st, const struct fake_answer *a)
{
    static const struct fake_span none = {"", 0};
    if (a->reasoning.n == 0) {
        return 0;
    }
    block_begin(st, 0, "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"", none);
    put_deltas(st, a, 0, "thinking_delta", "thinking", a->reasoning);
    fake_event_begin(st, "content_block_delta");
    fake_buf_printf(st->out,
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
                    "\"signature_delta\",\"signature\":\"%s\"}}",
                    signature);
    fake_event_end(st, FAKE_EVENT_PLAIN);
    block_end(st, 0);
    return 1;
}

static void put_stream(struct fake_stream *st, const struct fake_answer *a)
{
    static const struct fake_span none = {"", 0};
    put_start(st, a);
    put_event(st, "ping", "{\"type\":\"ping\"}", FAKE_EVENT_PLAIN);
    unsigned index = stream_thinking(st, a);
    if (calls_tool(a)) {
        block_begin(st, index, "\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"", a->tool);
        put_deltas(st, a, index, "input_json_delta", "partial_json", a->text);
        block_end(st, index);
    } else if (!is_refused(a)) {
        block_begin(st, index, "\"type\":\"text\",\"text\":\"\"", none);
        put_deltas(st, a, index, "text_delta", "text", a->text);
        block_end(st, index);
    }
    fake_event_begin(st, "message_delta");
    fake_buf_puts(st->out, "{\"type\":\"message_delta\",\"delta\":{");
    put_stop(st->out, a);
    fake_buf_char(st->out, '}');
    if (a->has_usage) {
        fake_buf_char(st->out, ',');
        put_usage(st->out, a, a->tokens_out);
    }
    fake_buf_char(st->out, '}');
    fake_event_end(st, FAKE_EVENT_FINISH);
    put_event(st, "message_stop", "{\"type\":\"message_stop\"}", FAKE_EVENT_LAST);
}

/* ---- errors ---- */

static const char *type_of(const struct fake_error *e)
{
    switch (e->status) {
    case 400:
        return "invalid_request_error";
    case 401:
        return "authentication_error";
    case 402:
        return "billing_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 409:
        return "conflict_error";
    case 429:
        return "rate_limit_error";
    case 504:
        return "timeout_error";
    case 503:
    case 529:
        return "overloaded_error";
    default:
        return "api_error";
    }
}

static void put_error(struct fake_buf *out, const struct fake_error *e)
{
    fake_buf_puts(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
    fake_buf_puts(out, type_of(e));
    fake_buf_puts(out, "\",\"message\":\"");
    fake_buf_puts(out, e->message);
    fake_buf_char(out, '"');
    if (e->details != NULL) {
        fake_buf_puts(out, ",\"details\":{\"error_code\":\"");
        fake_buf_puts(out, e->details);
        fake_buf_puts(out, "\"}");
    }
    fake_buf_puts(out, "},\"request_id\":\"req_fake\"}");
}

const struct fake_shape fake_shape_anthropic = {
    .whole = put_whole,
    .stream = put_stream,
    .error = put_error,
    .nothing = "{\"id\":\"msg_0\",\"type\":\"message\",\"content\":[]}",
    .big_head = "{\"id\":\"msg_0\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
                "\"fake-model\",\"content\":[{\"type\":\"text\",\"text\":\"",
    .big_tail = "\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,"
                "\"output_tokens\":1}}",
};
