#include "fakellm.h"

#include <string.h>

#define SIZE_DIGITS 8

/* A chunk's size is written with leading zeros, so that it can be filled in afterwards. */
static void chunk_begin(struct fake_stream *st)
{
    if (st->is_bare || st->is_open) {
        return;
    }
    st->chunk_at = st->out->len;
    st->is_open = true;
    fake_buf_puts(st->out, "00000000\r\n");
}

static void chunk_end(struct fake_stream *st)
{
    static const char digits[] = "0123456789abcdef";
    if (!st->is_open || st->out->failed) {
        return;
    }
    size_t size = st->out->len - st->chunk_at - SIZE_DIGITS - 2;
    st->is_open = false;
    if (size == 0) {
        /* an empty chunk would end the body */
        st->out->len = st->chunk_at;
        return;
    }
    for (size_t i = SIZE_DIGITS; i > 0; i--) {
        st->out->p[st->chunk_at + i - 1] = digits[size & 15U];
        size >>= 4;
    }
    fake_buf_puts(st->out, "\r\n");
}

static const char *line_end(const struct fake_stream *st)
{
    /* Gemini's own line ends are these, too */
    return st->fault == FAKE_SSECRLF || st->api == FAKE_GEMINI ? "\r\n" : "\n";
}

static void put_prefix(struct fake_stream *st, const char *name)
{
    const char *eol = line_end(st);
    if (st->form == FAKE_ARRAY) {
        fake_buf_puts(st->out, st->n_events == 0 ? "[" : ",\r\n");
        return;
    }
    if (st->form == FAKE_LINES) {
        if (st->fault == FAKE_SSECOMMENTS) {
            fake_buf_puts(st->out, "\n");
        }
        return;
    }
    if (st->fault == FAKE_SSECOMMENTS) {
        fake_buf_puts(st->out, ": keep-alive\n\n:\n");
    }
    if (name != NULL) {
        fake_buf_puts(st->out, "event: ");
        fake_buf_puts(st->out, name);
        fake_buf_puts(st->out, eol);
    }
    fake_buf_puts(st->out, "data: ");
}

void fake_event_begin(struct fake_stream *st, const char *name)
{
    if (!st->is_over) {
        chunk_begin(st);
    }
    st->event_at = st->out->len;
    put_prefix(st, name);
}

static void put_suffix(struct fake_stream *st)
{
    if (st->form == FAKE_SSE) {
        fake_buf_puts(st->out, line_end(st));
        fake_buf_puts(st->out, line_end(st));
    } else if (st->form == FAKE_LINES) {
        fake_buf_puts(st->out, st->fault == FAKE_SSECRLF ? "\r\n" : "\n");
    }
}

static bool is_dropped(const struct fake_stream *st, enum fake_event_kind kind)
{
    if (st->is_over) {
        return true;
    }
    if (st->fault == FAKE_SSENODONE) {
        /* where no closing event exists, the one with the finish reason is it */
        bool has_last = st->api == FAKE_OPENAI || st->api == FAKE_ANTHROPIC;
        return kind == FAKE_EVENT_LAST || (kind == FAKE_EVENT_FINISH && !has_last);
    }
    return false;
}

static void put_error_event(struct fake_stream *st)
{
    struct fake_error e =
        fake_error_of(st->api == FAKE_ANTHROPIC ? FAKE_529 : FAKE_500, st->api, FAKE_ANY);
    st->is_over = false;
    fake_event_begin(st, st->api == FAKE_ANTHROPIC ? "error" : NULL);
    fake_shape_of(st->api)->error(st->out, &e);
    put_suffix(st);
    chunk_end(st);
    st->n_events++;
    st->is_over = true;
}

void fake_event_end(struct fake_stream *st, enum fake_event_kind kind)
{
    bool ends = kind == FAKE_EVENT_FINISH || kind == FAKE_EVENT_LAST;
    bool breaks = st->fault == FAKE_SSEERROR || st->fault == FAKE_SSECUT;
    if (!st->is_over && breaks && (ends || st->n_deltas == 2)) {
        st->out->len = st->event_at;
        chunk_end(st);
        st->is_over = true;
        if (st->fault == FAKE_SSEERROR) {
            put_error_event(st);
        }
        return;
    }
    if (is_dropped(st, kind)) {
        st->out->len = st->event_at < st->out->len ? st->event_at : st->out->len;
        return;
    }
    put_suffix(st);
    st->n_events++;
    st->n_deltas += kind == FAKE_EVENT_DELTA;
    if (st->fault != FAKE_SSETWO || st->n_events % 2 == 0) {
        chunk_end(st);
    }
}

void fake_stream_close(struct fake_stream *st)
{
    if (st->form == FAKE_ARRAY && st->fault != FAKE_SSENODONE && st->fault != FAKE_SSECUT) {
        chunk_begin(st);
        fake_buf_puts(st->out, st->n_events == 0 ? "[]" : "]");
    }
    chunk_end(st);
}

struct fake_span fake_delta_next(struct fake_span text, size_t *at, size_t bytes)
{
    size_t left = text.n - *at;
    size_t n = left < bytes ? left : bytes;
    while (n < left && ((unsigned char)text.p[*at + n] & 0xc0U) == 0x80U) {
        n++;
    }
    struct fake_span piece = {text.p + *at, n};
    *at += n;
    return piece;
}
