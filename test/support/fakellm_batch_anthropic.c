#include "fakellm_batch.h"

#include <string.h>

#define ROOT  "/v1/messages/batches"
#define DAY_S 86400U

static bool send_wire(struct fake_server *s, struct fake_reply *reply)
{
    return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
}

/* Counts stay at zero until the batch ends. */
static void put_batch(struct fake_server *s, const struct fake_batch *b, bool is_canceling)
{
    struct fake_buf *out = &s->wire;
    bool is_over = fake_batch_state(s, b) == FAKE_BATCH_ENDED && !is_canceling;
    size_t n_bad = b->n_of[FAKE_LINE_RATE] + b->n_of[FAKE_LINE_SERVER] + b->n_of[FAKE_LINE_INVALID];
    const char *status = is_canceling ? "canceling" : (is_over ? "ended" : "in_progress");
    fake_buf_printf(out,
                    "{\"id\":\"%s\",\"type\":\"message_batch\",\"processing_status\":\"%s\","
                    "\"request_counts\":{\"processing\":%zu,\"succeeded\":%zu,\"errored\":%zu,"
                    "\"canceled\":%zu,\"expired\":%zu},\"created_at\":",
                    b->id, status, is_over ? (size_t)0 : b->n_lines,
                    is_over ? b->n_of[FAKE_LINE_OK] : (size_t)0, is_over ? n_bad : (size_t)0,
                    is_over ? b->n_of[FAKE_LINE_CANCELED] : (size_t)0,
                    is_over ? b->n_of[FAKE_LINE_EXPIRED] : (size_t)0);
    fake_put_instant(out, b->created_s);
    fake_buf_puts(out, ",\"expires_at\":");
    fake_put_instant(out, b->created_s + DAY_S);
    fake_buf_puts(out, ",\"ended_at\":");
    if (is_over) {
        fake_put_instant(out, b->created_s);
        fake_buf_printf(out, ",\"results_url\":\"http://127.0.0.1:%u" ROOT "/%s/results\"", s->port,
                        b->id);
    } else {
        fake_buf_puts(out, "null,\"results_url\":null");
    }
    fake_buf_puts(out, ",\"cancel_initiated_at\":");
    if (b->is_canceled) {
        fake_put_instant(out, b->created_s);
    } else {
        fake_buf_puts(out, "null");
    }
    fake_buf_puts(out, ",\"archived_at\":null}");
}

static bool add_batch(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply)
{
    struct fake_span requests = fake_member_of(r->body, "requests");
    struct fake_batch *b = fake_batch_add(s, FAKE_ANTHROPIC, "msgbatch_", requests);
    struct fake_span item;
    if (b == NULL) {
        return false;
    }
    const char *version = fake_header(r->headers, "anthropic-version:");
    if (version != NULL && strncmp(version, "2026-10-21", 10) == 0) {
        b->headers = "\r\nanthropic-version: 2026-10-21\r\n\r\n";
    }
    struct fake_span own = {b->data, requests.n};
    for (size_t at = 0; fake_array_next(own, &at, &item);) {
        struct fake_span id = fake_unquote(fake_member_of(item, "custom_id"));
        if (!fake_batch_line(b, id, fake_member_of(item, "params"))) {
            return false;
        }
    }
    fake_batch_start(s, b);
    if (b->failure != NULL) {
        struct fake_error e = {.status = 400, .message = b->failure};
        s->extra.len = 0;
        return fake_reply_error(s, reply, FAKE_ANTHROPIC, &e);
    }
    s->wire.len = 0;
    /* even one that is over at once is told as begun */
    uint64_t done_ms = b->done_ms;
    b->done_ms = UINT64_MAX;
    put_batch(s, b, false);
    b->done_ms = done_ms;
    return fake_batch_created(s, b, reply);
}

static bool list_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply)
{
    uint64_t limit = fake_span_uint(fake_query(r, "limit"), 20);
    struct fake_span after = fake_query(r, "after_id");
    struct fake_buf *out = &s->wire;
    struct fake_batch *b = NULL;
    const char *first = NULL;
    const char *last = NULL;
    size_t at = 0;
    uint64_t n = 0;
    out->len = 0;
    fake_buf_puts(out, "{\"data\":[");
    while (n < limit && (b = fake_batch_next(s, FAKE_ANTHROPIC, after, &at)) != NULL) {
        if (b->failure != NULL) {
            continue;
        }
        if (n++ > 0) {
            fake_buf_char(out, ',');
        }
        put_batch(s, b, false);
        first = first == NULL ? b->id : first;
        last = b->id;
    }
    b = n < limit ? NULL : fake_batch_next(s, FAKE_ANTHROPIC, after, &at);
    fake_buf_printf(out, "],\"has_more\":%s,", b == NULL ? "false" : "true");
    if (first == NULL) {
        fake_buf_puts(out, "\"first_id\":null,\"last_id\":null}");
    } else {
        fake_buf_printf(out, "\"first_id\":\"%s\",\"last_id\":\"%s\"}", first, last);
    }
    return send_wire(s, reply);
}

static void put_result(struct fake_server *s, const struct fake_batch *b,
                       const struct fake_line *line)
{
    struct fake_buf *out = &s->wire;
    fake_buf_puts(out, "{\"custom_id\":\"");
    fake_buf_put(out, line->id.p, line->id.n);
    fake_buf_puts(out, "\",\"result\":{\"type\":\"");
    if (line->outcome == FAKE_LINE_EXPIRED || line->outcome == FAKE_LINE_CANCELED) {
        fake_buf_puts(out, line->outcome == FAKE_LINE_EXPIRED ? "expired\"" : "canceled\"");
    } else {
        bool ok = line->outcome == FAKE_LINE_OK;
        fake_buf_puts(out, ok ? "succeeded\",\"message\":" : "errored\",\"error\":");
        (void)fake_batch_result(s, b, line, out);
    }
    fake_buf_puts(out, "}}\n");
}

static bool results(struct fake_server *s, const struct fake_batch *b, struct fake_reply *reply)
{
    if (fake_batch_state(s, b) != FAKE_BATCH_ENDED) {
        return fake_batch_missing(s, reply, FAKE_ANTHROPIC);
    }
    s->wire.len = 0;
    for (size_t i = 0; i < b->n_lines; i++) {
        put_result(s, b, fake_batch_shuffled(b, i));
    }
    return fake_reply_finish(s, reply, 200, "Content-Type: application/x-jsonl\r\n",
                             FAKE_BY_LENGTH);
}

static bool route(struct fake_server *s, const struct fake_request *r, struct fake_span rest,
                  struct fake_reply *reply)
{
    bool is_post = fake_span_is(r->method, "POST");
    if (rest.n == 0) {
        return is_post ? add_batch(s, r, reply) : list_batches(s, r, reply);
    }
    const char *slash = memchr(rest.p, '/', rest.n);
    struct fake_span id = {rest.p, slash == NULL ? rest.n : (size_t)(slash - rest.p)};
    struct fake_batch *b = fake_batch_find(s, FAKE_ANTHROPIC, id);
    if (b == NULL || b->failure != NULL) {
        return fake_batch_missing(s, reply, FAKE_ANTHROPIC);
    }
    if (slash != NULL && !is_post) {
        return results(s, b, reply);
    }
    bool running = fake_batch_state(s, b) == FAKE_BATCH_RUNNING;
    s->wire.len = 0;
    s->stats.n_batch_polls += !is_post;
    if (is_post) {
        fake_batch_cancel(s, b);
    }
    put_batch(s, b, is_post && running);
    return send_wire(s, reply);
}

bool fake_anthropic_batches(struct fake_server *s, const struct fake_request *r,
                            struct fake_reply *reply, bool *ok)
{
    struct fake_error e = {0};
    size_t n = sizeof(ROOT) - 1;
    if (!fake_span_starts(r->path, ROOT) || (r->path.n > n && r->path.p[n] != '/')) {
        return false;
    }
    struct fake_span rest = {r->path.p + n, r->path.n - n};
    if (rest.n > 0) {
        rest.p++;
        rest.n--;
    }
    if (fake_check_key(s, r, FAKE_ANTHROPIC, &e)) {
        s->extra.len = 0;
        *ok = fake_reply_error(s, reply, FAKE_ANTHROPIC, &e);
    } else if (fake_header(r->headers, "anthropic-version:") == NULL) {
        e = (struct fake_error){.status = 400, .message = "anthropic-version: header is required"};
        s->extra.len = 0;
        *ok = fake_reply_error(s, reply, FAKE_ANTHROPIC, &e);
    } else {
        *ok = route(s, r, rest, reply);
    }
    return true;
}
