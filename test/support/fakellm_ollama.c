#include "fakellm.h"

/* Times are constants: answers must be reproducible. */
#define CREATED ",\"created_at\":\"2026-01-01T00:00:00Z\","

static const char refusal[] = "I'm sorry, but I can't help with that.";

static const char *finish_of(const struct fake_answer *a)
{
    switch (a->finish) {
    case FAKE_AT_LIMIT:
    case FAKE_WINDOW_FULL:
        return "length";
    case FAKE_ABORTED:
        return "load"; /* nothing was generated: the model was only loaded */
    default:
        return "stop";
    }
}

/* A local model refuses in words. */
static struct fake_span text_of(const struct fake_answer *a)
{
    bool refused = a->finish == FAKE_REFUSED || a->finish == FAKE_FILTERED;
    return refused ? (struct fake_span){refusal, sizeof(refusal) - 1} : a->text;
}

static void put_head(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_char(out, '{');
    fake_put_model(out, a->model);
    fake_buf_puts(out, CREATED);
}

static void put_end(struct fake_buf *out, const struct fake_answer *a)
{
    fake_buf_puts(out, ",\"done\":true,\"done_reason\":\"");
    fake_buf_puts(out, finish_of(a));
    fake_buf_char(out, '"');
    if (a->has_usage) {
        fake_buf_puts(out, ",\"total_duration\":5000000,\"load_duration\":1000000");
        fake_put_count(out, "prompt_eval_count", a->tokens_in);
        fake_put_count(out, "eval_count", a->tokens_out);
        fake_buf_puts(out, ",\"prompt_eval_duration\":1000000,\"eval_duration\":3000000");
    }
    fake_buf_char(out, '}');
}

static void put_chat(struct fake_buf *out, const struct fake_answer *a, struct fake_span text,
                     struct fake_span thinking)
{
    fake_buf_puts(out, "\"message\":{\"role\":\"assistant\",");
    if (a->tool.n > 0 && text.n > 0 && text.p[0] == '{') {
        fake_buf_puts(out,
                      "\"content\":\"\",\"tool_calls\":[{\"function\":{\"index\":0,\"name\":\"");
        fake_buf_put(out, a->tool.p, a->tool.n);
        fake_buf_puts(out, "\",\"arguments\":");
        fake_buf_put(out, text.p, text.n);
        fake_buf_puts(out, "}}]");
    } else {
        fake_put_text(out, "content", text);
    }
    if (thinking.n > 0) {
        fake_buf_char(out, ',');
        fake_put_text(out, "thinking", thinking);
    }
    fake_buf_char(out, '}');
}

static void put_generate(struct fake_buf *out, struct fake_span text, struct fake_span thinking)
{
    fake_put_text(out, "response", text);
    if (thinking.n > 0) {
        fake_buf_char(out, ',');
        fake_put_text(out, "thinking", thinking);
    }
}

static void put_whole_chat(struct fake_buf *out, const struct fake_answer *a)
{
    put_head(out, a);
    put_chat(out, a, text_of(a), a->reasoning);
    put_end(out, a);
}

static void put_whole_generate(struct fake_buf *out, const struct fake_answer *a)
{
    put_head(out, a);
    put_generate(out, text_of(a), a->reasoning);
    put_end(out, a);
}

/* ---- lines ---- */

static void put_line(struct fake_stream *st, const struct fake_answer *a, struct fake_span text,
                     struct fake_span thinking)
{
    fake_event_begin(st, NULL);
    put_head(st->out, a);
    if (st->fault == FAKE_SSEUTF8) {
        fake_buf_puts(st->out, "\"padding\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",");
    }
    if (st->api == FAKE_OLLAMA_CHAT) {
        put_chat(st->out, a, text, thinking);
    } else {
        put_generate(st->out, text, thinking);
    }
    fake_buf_puts(st->out, ",\"done\":false}");
    fake_event_end(st, FAKE_EVENT_DELTA);
}

static void put_stream(struct fake_stream *st, const struct fake_answer *a)
{
    static const struct fake_span none = {"", 0};
    struct fake_span text = text_of(a);
    for (size_t at = 0; at < a->reasoning.n && !st->is_over;) {
        put_line(st, a, none, fake_delta_next(a->reasoning, &at, a->delta_bytes));
    }
    size_t bytes = a->tool.n > 0 ? text.n : a->delta_bytes;
    for (size_t at = 0; at < text.n && !st->is_over;) {
        put_line(st, a, fake_delta_next(text, &at, bytes), none);
    }
    fake_event_begin(st, NULL);
    put_head(st->out, a);
    if (st->api == FAKE_OLLAMA_CHAT) {
        fake_buf_puts(st->out, "\"message\":{\"role\":\"assistant\",\"content\":\"\"}");
    } else {
        fake_buf_puts(st->out, "\"response\":\"\"");
    }
    put_end(st->out, a);
    fake_event_end(st, FAKE_EVENT_FINISH);
}

static void put_error(struct fake_buf *out, const struct fake_error *e)
{
    fake_buf_puts(out, "{\"error\":\"");
    fake_buf_puts(out, e->message);
    fake_buf_puts(out, "\"}");
}

const struct fake_shape fake_shape_ollama_chat = {
    .whole = put_whole_chat,
    .stream = put_stream,
    .error = put_error,
    .nothing = "{\"model\":\"fake-model\",\"done\":true,\"done_reason\":\"stop\"}",
    .big_head = "{\"model\":\"fake-model\"" CREATED "\"message\":{\"role\":\"assistant\","
                "\"content\":\"",
    .big_tail = "\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,"
                "\"eval_count\":1}",
};

const struct fake_shape fake_shape_ollama_generate = {
    .whole = put_whole_generate,
    .stream = put_stream,
    .error = put_error,
    .nothing = "{\"model\":\"fake-model\",\"done\":true,\"done_reason\":\"stop\"}",
    .big_head = "{\"model\":\"fake-model\"" CREATED "\"response\":\"",
    .big_tail = "\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,"
                "\"eval_count\":1}",
};
