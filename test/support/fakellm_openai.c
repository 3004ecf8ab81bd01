#include "fakellm.h"

static const char *const finishes[FAKE_N_FINISHES] = {
    [FAKE_DONE] = "stop",       [FAKE_AT_LIMIT] = "length",
    [FAKE_REFUSED] = "stop",    [FAKE_FILTERED] = "content_filter",
    [FAKE_RECITED] = "stop",    [FAKE_WINDOW_FULL] = "length",
    [FAKE_UNFINISHED] = "stop", [FAKE_ABORTED] = "abort",
};

static const char refusal[] = "I'm sorry, I can't assist with that request.";

static const char *finish_of(const struct fake_answer *a)
{
    return a->tool.n > 0 && a->finish == FAKE_DONE ? "tool_calls" : finishes[a->finish];
}

static void put_id(struct fake_buf *out, const struct fake_answer *a, const char *object)
{
    fake_buf_puts(out, "{\"id\":\"chatcmpl-");
    fake_buf_uint(out, a->hash);
    fake_buf_puts(out, "\",\"object\":\"");
    fake_buf_puts(out, object);
    fake_buf_puts(out, "\",\"created\":1767225600,");
    fake_put_model(out, a->model);
}

static void put_usage(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_puts(out, ",\"usage\":{\"prompt_tokens\":");
    fake_buf_uint(out, a->tokens_in);
    fake_put_count(out, "completion_tokens", a->tokens_out);
    fake_put_count(out, "total_tokens", a->tokens_in + a->tokens_out);
    fake_buf_puts(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    fake_buf_uint(out, a->tokens_cached);
    fake_buf_puts(out, "},\"completion_tokens_details\":{\"reasoning_tokens\":");
    fake_buf_uint(out, a->tokens_reasoning);
    fake_buf_puts(out, "}}");
}

static void put_tool_head(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_puts(out, "\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"");
    fake_buf_put(out, a->tool.p, a->tool.n);
    fake_buf_puts(out, "\",\"arguments\":\"");
}

static void put_message(struct fake_buf *out, const struct fake_answer *a)
{
    bool refused = a->finish == FAKE_REFUSED;
    fake_buf_puts(out, "{\"role\":\"assistant\",\"refusal\":");
    if (refused) {
        fake_buf_puts(out, "\"");
        fake_buf_puts(out, refusal);
        fake_buf_puts(out, "\",\"content\":null");
    } else if (a->tool.n > 0) {
        fake_buf_puts(out, "null,\"content\":null,\"tool_calls\":[{");
        put_tool_head(out, a);
        fake_buf_escape(out, a->text.p, a->text.n);
        fake_buf_puts(out, "\"}}]");
    } else {
        fake_buf_puts(out, "null,\"content\":\"");
        fake_buf_escape(out, a->text.p, a->text.n);
        fake_buf_char(out, '"');
    }
    if (a->reasoning.n > 0) {
        fake_buf_char(out, ',');
        fake_put_text(out, a->reasoning_field, a->reasoning);
    }
    fake_buf_char(out, '}');
}

static void put_whole(struct fake_buf *out, const struct fake_answer *a)
{
    put_id(out, a, "chat.completion");
    fake_buf_puts(out, ",\"choices\":[{\"index\":0,\"message\":");
    put_message(out, a);
    fake_buf_puts(out, ",\"logprobs\":null,\"finish_reason\":\"");
    fake_buf_puts(out, finish_of(a));
    fake_buf_puts(out, "\"}]");
    if (a->has_usage) {
        put_usage(out, a);
    }
    fake_buf_char(out, '}');
}

/* ---- streamed ---- */

static void delta_begin(struct fake_stream *st, const struct fake_answer *a)
{
    fake_event_begin(st, NULL);
    put_id(st->out, a, "chat.completion.chunk");
    if (st->fault == FAKE_SSEUTF8) {
        /* OpenAI pads events with such a member; here it is characters of two, three, four bytes */
        fake_buf_puts(st->out, ",\"obfuscation\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    }
    fake_buf_puts(st->out, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void delta_end(struct fake_stream *st, const struct fake_answer *a, const char *finish,
                      enum fake_event_kind kind)
{
    fake_buf_puts(st->out, "},\"logprobs\":null,\"finish_reason\":");
    if (finish == NULL) {
        fake_buf_puts(st->out, "null}]");
    } else {
        fake_buf_printf(st->out, "\"%s\"}]", finish);
    }
    fake_buf_puts(st->out, a->usage_asked ? ",\"usage\":null}" : "}");
    fake_event_end(st, kind);
}

static void put_pieces(struct fake_stream *st, const struct fake_answer *a, struct fake_span text,
                       const char *before, const char *after)
{
    for (size_t at = 0; at < text.n && !st->is_over;) {
        struct fake_span piece = fake_delta_next(text, &at, a->delta_bytes);
        delta_begin(st, a);
        fake_buf_puts(st->out, before);
        fake_buf_escape(st->out, piece.p, piece.n);
        fake_buf_puts(st->out, after);
        delta_end(st, a, NULL, FAKE_EVENT_DELTA);
    }
}

static void stream_content(struct fake_stream *st, const struct fake_answer *a)
{
    if (a->reasoning.n > 0) {
        char before[48];
        (void)snprintf(before, sizeof(before), "\"%s\":\"", a->reasoning_field);
        put_pieces(st, a, a->reasoning, before, "\"");
    }
    if (a->finish == FAKE_REFUSED) {
        put_pieces(st, a, (struct fake_span){refusal, sizeof(refusal) - 1}, "\"refusal\":\"", "\"");
    } else if (a->tool.n > 0) {
        delta_begin(st, a);
        fake_buf_puts(st->out, "\"tool_calls\":[{\"index\":0,");
        put_tool_head(st->out, a);
        fake_buf_puts(st->out, "\"}}]");
        delta_end(st, a, NULL, FAKE_EVENT_DELTA);
        put_pieces(st, a, a->text, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"",
                   "\"}}]");
    } else {
        put_pieces(st, a, a->text, "\"content\":\"", "\"");
    }
}

static void put_stream(struct fake_stream *st, const struct fake_answer *a)
{
    delta_begin(st, a);
    fake_buf_puts(st->out, "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
    delta_end(st, a, NULL, FAKE_EVENT_PLAIN);
    stream_content(st, a);
    delta_begin(st, a);
    delta_end(st, a, finish_of(a), FAKE_EVENT_FINISH);
    if (a->usage_asked && a->has_usage) {
        fake_event_begin(st, NULL);
        put_id(st->out, a, "chat.completion.chunk");
        fake_buf_puts(st->out, ",\"choices\":[]");
        put_usage(st->out, a);
        fake_buf_char(st->out, '}');
        fake_event_end(st, FAKE_EVENT_PLAIN);
    }
    fake_event_begin(st, NULL);
    fake_buf_puts(st->out, "[DONE]");
    fake_event_end(st, FAKE_EVENT_LAST);
}

/* ---- errors ---- */

static const char *vllm_type(int status)
{
    switch (status) {
    case 400:
        return "BadRequestError";
    case 404:
        return "NotFoundError";
    case 429:
        return "TooManyRequestsError";
    case 503:
        return "ServiceUnavailableError";
    default:
        return "InternalServerError";
    }
}

static void put_error(struct fake_buf *out, const struct fake_error *e)
{
    if (e->flavour == FAKE_VLLM && e->status == 401) {
        fake_buf_puts(out, "{\"error\":\"Unauthorized\"}");
        return;
    }
    bool numbered = e->flavour == FAKE_VLLM || e->flavour == FAKE_LLAMACPP;
    fake_buf_puts(out, "{\"error\":{\"message\":\"");
    fake_buf_puts(out, e->message);
    fake_buf_puts(out, "\",\"type\":\"");
    fake_buf_puts(out, e->flavour == FAKE_VLLM ? vllm_type(e->status) : e->type);
    if (e->flavour != FAKE_LLAMACPP) {
        fake_buf_puts(out, e->param == NULL ? "\",\"param\":null" : "\",\"param\":\"");
        fake_buf_puts(out, e->param == NULL ? "" : e->param);
        fake_buf_puts(out, e->param == NULL ? "" : "\"");
    } else {
        fake_buf_char(out, '"');
    }
    if (numbered) {
        fake_put_count(out, "code", (uint64_t)e->status);
    } else {
        fake_buf_puts(out, ",\"code\":\"");
        fake_buf_puts(out, e->code);
        fake_buf_char(out, '"');
    }
    fake_buf_puts(out, "}}");
}

const struct fake_shape fake_shape_openai = {
    .whole = put_whole,
    .stream = put_stream,
    .error = put_error,
    .nothing = "{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"choices\":[]}",
    .big_head = "{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":1767225600,"
                "\"model\":\"fake-model\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                "\"assistant\",\"refusal\":null,\"content\":\"",
    .big_tail = "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,"
                "\"completion_tokens\":1,\"total_tokens\":2}}",
};
