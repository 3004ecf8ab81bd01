#include "fakellm.h"

static const char *const finish_reasons[FAKE_N_FINISHES] = {
    [FAKE_DONE] = "STOP",
    [FAKE_AT_LIMIT] = "MAX_TOKENS",
    [FAKE_REFUSED] = "STOP",
    [FAKE_FILTERED] = "SAFETY",
    [FAKE_RECITED] = "RECITATION",
    [FAKE_WINDOW_FULL] = "MAX_TOKENS",
    [FAKE_UNFINISHED] = "CONTINUATION",
    [FAKE_ABORTED] = "OTHER",
};

/* No part of the answer is given when it was stopped. */
static bool has_content(const struct fake_answer *a)
{
    return a->finish == FAKE_DONE || a->finish == FAKE_AT_LIMIT || a->finish == FAKE_WINDOW_FULL ||
           a->finish == FAKE_UNFINISHED;
}

static bool calls_tool(const struct fake_answer *a)
{
    return a->tool.n > 0 && a->text.n > 0 && a->text.p[0] == '{';
}

static void put_usage(struct fake_buf *out, const struct fake_answer *a, bool is_final)
{
    fake_buf_puts(out, "\"usageMetadata\":{\"promptTokenCount\":");
    fake_buf_uint(out, a->tokens_in);
    if (a->tokens_cached > 0) {
        fake_put_count(out, "cachedContentTokenCount", a->tokens_cached);
    }
    if (is_final && a->finish != FAKE_REFUSED) {
        fake_put_count(out, "candidatesTokenCount", a->tokens_out - a->tokens_reasoning);
    }
    if (a->tokens_reasoning > 0) {
        fake_put_count(out, "thoughtsTokenCount", a->tokens_reasoning);
    }
    fake_put_count(out, "totalTokenCount", a->tokens_in + (is_final ? a->tokens_out : 0));
    fake_buf_puts(out, "},");
}

static void put_end(struct fake_buf *out, const struct fake_answer *a, bool is_final)
{
    fake_buf_char(out, ',');
    if (a->has_usage) {
        put_usage(out, a, is_final);
    }
    fake_buf_puts(out, "\"modelVersion\":\"");
    if (a->model.n > 0) {
        fake_buf_put(out, a->model.p, a->model.n);
    } else {
        fake_buf_puts(out, "fake-model");
    }
    fake_buf_puts(out, "\",\"responseId\":\"r");
    fake_buf_uint(out, a->hash);
    fake_buf_puts(out, "\"}");
}

static void put_parts(struct fake_buf *out, const struct fake_answer *a, struct fake_span thought,
                      struct fake_span text)
{
    fake_buf_puts(out, "{\"candidates\":[{\"content\":{\"parts\":[");
    if (thought.n > 0) {
        fake_buf_char(out, '{');
        fake_put_text(out, "text", thought);
        fake_buf_puts(out, text.n > 0 ? ",\"thought\":true}," : ",\"thought\":true}");
    }
    if (calls_tool(a) && text.n > 0) {
        fake_buf_puts(out, "{\"functionCall\":{\"name\":\"");
        fake_buf_put(out, a->tool.p, a->tool.n);
        fake_buf_puts(out, "\",\"args\":");
        fake_buf_put(out, text.p, text.n);
        fake_buf_puts(out, "},\"thoughtSignature\":\"c2ln\"}");
    } else if (text.n > 0 || thought.n == 0) {
        fake_buf_char(out, '{');
        fake_put_text(out, "text", text);
        fake_buf_char(out, '}');
    }
    fake_buf_puts(out, "],\"role\":\"model\"}");
}

static void put_finish(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_puts(out, "\"finishReason\":\"");
    fake_buf_puts(out, finish_reasons[a->finish]);
    fake_buf_puts(out, "\",\"index\":0");
    if (a->finish == FAKE_UNFINISHED) {
        fake_buf_puts(out, ",\"continuationToken\":\"tok-");
        fake_buf_uint(out, a->hash);
        fake_buf_char(out, '"');
    } else if (a->finish == FAKE_FILTERED) {
        fake_buf_puts(out, ",\"safetyRatings\":[{\"category\":\"HARM_CATEGORY_DANGEROUS_CONTENT\","
                           "\"probability\":\"HIGH\",\"blocked\":true}]");
    }
    fake_buf_puts(out, "}]");
}

/* One answer or the end of one; a prompt that is blocked has no candidate. */
static void put_last(struct fake_buf *out, const struct fake_answer *a, struct fake_span thought,
                     struct fake_span text)
{
    if (a->finish == FAKE_REFUSED) {
        fake_buf_puts(out, "{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}");
    } else if (has_content(a)) {
        put_parts(out, a, thought, text);
        fake_buf_char(out, ',');
        put_finish(out, a);
    } else {
        fake_buf_puts(out, "{\"candidates\":[{");
        put_finish(out, a);
    }
    put_end(out, a, true);
}

static void put_whole(struct fake_buf *out, const struct fake_answer *a)
{
    put_last(out, a, a->reasoning, a->text);
}

static void put_piece(struct fake_stream *st, const struct fake_answer *a, struct fake_span thought,
                      struct fake_span text)
{
    fake_event_begin(st, NULL);
    put_parts(st->out, a, thought, text);
    if (st->fault == FAKE_SSEUTF8) {
        fake_buf_puts(st->out, ",\"padding\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    }
    fake_buf_puts(st->out, ",\"index\":0}]");
    put_end(st->out, a, false);
    fake_event_end(st, FAKE_EVENT_DELTA);
}

static void put_stream(struct fake_stream *st, const struct fake_answer *a)
{
    static const struct fake_span none = {"", 0};
    struct fake_span rest = a->text;
    if (has_content(a)) {
        for (size_t at = 0; at < a->reasoning.n && !st->is_over;) {
            put_piece(st, a, fake_delta_next(a->reasoning, &at, a->delta_bytes), none);
        }
        size_t at = 0;
        while (!calls_tool(a) && at < a->text.n && !st->is_over) {
            put_piece(st, a, none, fake_delta_next(a->text, &at, a->delta_bytes));
        }
        rest.p += at;
        rest.n -= at;
    }
    fake_event_begin(st, NULL);
    put_last(st->out, a, none, rest);
    fake_event_end(st, FAKE_EVENT_FINISH);
}

static const char *status_of(const struct fake_error *e)
{
    switch (e->status) {
    case 400:
        return "INVALID_ARGUMENT";
    case 402:
        return "FAILED_PRECONDITION";
    case 403:
        return "PERMISSION_DENIED";
    case 404:
        return "NOT_FOUND";
    case 409:
        return "ABORTED";
    case 429:
        return "RESOURCE_EXHAUSTED";
    case 500:
        return "INTERNAL";
    case 408:
    case 504:
        return "DEADLINE_EXCEEDED";
    default:
        return "UNAVAILABLE";
    }
}

static void put_error(struct fake_buf *out, const struct fake_error *e)
{
    fake_buf_puts(out, "{\"error\":{\"code\":");
    fake_buf_uint(out, (uint64_t)e->status);
    fake_buf_puts(out, ",\"message\":\"");
    fake_buf_puts(out, e->message);
    fake_buf_puts(out, "\",\"status\":\"");
    fake_buf_puts(out, status_of(e));
    fake_buf_char(out, '"');
    if (e->details != NULL) {
        fake_buf_puts(out, ",\"details\":");
        fake_buf_puts(out, e->details);
    }
    fake_buf_puts(out, "}}");
}

const struct fake_shape fake_shape_gemini = {
    .whole = put_whole,
    .stream = put_stream,
    .error = put_error,
    .nothing = "{\"candidates\":[]}",
    .big_head = "{\"modelVersion\":\"fake-model\",\"candidates\":[{\"content\":{\"role\":\"model\","
                "\"parts\":[{\"text\":\"",
    .big_tail = "\"}]},\"finishReason\":\"STOP\",\"index\":0}]}",
};
