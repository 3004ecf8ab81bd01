#include "fakellm_batch.h"

#include <string.h>

#define CREATE ":batchGenerateContent"
#define ROOT   "/v1beta/batches"

static bool send_wire(struct fake_server *s, struct fake_reply *reply)
{
    return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
}

static const char *state_of(const struct fake_server *s, const struct fake_batch *b)
{
    switch (fake_batch_state(s, b)) {
    case FAKE_BATCH_FAILED:
        return "BATCH_STATE_FAILED";
    case FAKE_BATCH_RUNNING:
        return "BATCH_STATE_RUNNING";
    default:
        break;
    }
    if (b->is_canceled) {
        return "BATCH_STATE_CANCELLED";
    }
    return b->n_of[FAKE_LINE_EXPIRED] == b->n_lines ? "BATCH_STATE_EXPIRED"
                                                    : "BATCH_STATE_SUCCEEDED";
}

/* An error is a google.rpc.Status, whose codes are those of gRPC. */
static void put_result(struct fake_server *s, const struct fake_batch *b,
                       const struct fake_line *line)
{
    static const struct {
        int code;
        const char *message;
    } errors[FAKE_N_OUTCOMES] = {
        [FAKE_LINE_RATE] = {8, "Resource has been exhausted (e.g. check quota)."},
        [FAKE_LINE_SERVER] = {13, "An internal error has occurred."},
        [FAKE_LINE_INVALID] = {3, "Request contains an invalid argument."},
        [FAKE_LINE_EXPIRED] = {4, "The batch expired before this request was executed."},
        [FAKE_LINE_CANCELED] = {1, "The batch was cancelled."},
    };
    struct fake_buf *out = &s->wire;
    if (line->outcome == FAKE_LINE_OK) {
        fake_buf_puts(out, "{\"response\":");
        (void)fake_batch_result(s, b, line, out);
    } else {
        fake_buf_printf(out, "{\"error\":{\"code\":%d,\"message\":\"%s\"}",
                        errors[line->outcome].code, errors[line->outcome].message);
    }
    fake_buf_puts(out, ",\"metadata\":{\"key\":\"");
    fake_buf_put(out, line->id.p, line->id.n);
    fake_buf_puts(out, "\"}}");
}

static void put_output(struct fake_server *s, const struct fake_batch *b)
{
    fake_buf_puts(&s->wire, ",\"output\":{\"inlinedResponses\":{\"inlinedResponses\":[");
    for (size_t i = 0; i < b->n_lines; i++) {
        if (i > 0) {
            fake_buf_char(&s->wire, ',');
        }
        put_result(s, b, fake_batch_shuffled(b, i));
    }
    fake_buf_puts(&s->wire, "]}}");
}

static void put_stats(struct fake_buf *out, const struct fake_batch *b, bool is_over)
{
    size_t n_good = is_over ? b->n_of[FAKE_LINE_OK] : 0;
    fake_buf_printf(out,
                    ",\"batchStats\":{\"requestCount\":\"%zu\",\"pendingRequestCount\":\"%zu\","
                    "\"successfulRequestCount\":\"%zu\",\"failedRequestCount\":\"%zu\"}",
                    b->n_lines, is_over ? (size_t)0 : b->n_lines, n_good,
                    is_over ? b->n_lines - n_good : (size_t)0);
}

static void put_operation(struct fake_server *s, const struct fake_batch *b, const char *state,
                          bool with_output)
{
    struct fake_buf *out = &s->wire;
    struct fake_request r = {.path = b->path};
    struct fake_span model = fake_request_model(s, &r, FAKE_GEMINI);
    enum fake_batch_state is = fake_batch_state(s, b);
    bool is_over = is != FAKE_BATCH_RUNNING && strcmp(state, "BATCH_STATE_PENDING") != 0;
    fake_buf_printf(out,
                    "{\"name\":\"%s\",\"metadata\":{\"@type\":\"type.googleapis.com/google.ai."
                    "generativelanguage.v1main.GenerateContentBatch\",\"model\":\"models/",
                    b->id);
    fake_buf_put(out, model.p, model.n);
    fake_buf_puts(out, "\",\"displayName\":");
    if (b->metadata.n > 0) {
        fake_buf_put(out, b->metadata.p, b->metadata.n);
    } else {
        fake_buf_puts(out, "\"\"");
    }
    fake_buf_puts(out, ",\"createTime\":");
    fake_put_instant(out, b->created_s);
    put_stats(out, b, is_over && is == FAKE_BATCH_ENDED);
    fake_buf_printf(out, ",\"state\":\"%s\",\"name\":\"%s\"", state, b->id);
    bool has_output = is_over && is == FAKE_BATCH_ENDED && b->n_of[FAKE_LINE_OK] > 0;
    if (has_output && with_output) {
        put_output(s, b);
    }
    fake_buf_char(out, '}');
    if (is_over && b->failure != NULL) {
        fake_buf_printf(out, ",\"error\":{\"code\":3,\"message\":\"%s\"}", b->failure);
    }
    fake_buf_puts(out, is_over ? ",\"done\":true}" : "}");
}

static bool add_batch(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply)
{
    struct fake_buf all = {0};
    struct fake_span item;
    fake_buf_put(&all, r->path.p, r->path.n);
    fake_buf_put(&all, r->body.p, r->body.n);
    struct fake_batch *b = all.failed ? NULL
                                      : fake_batch_add(s, FAKE_GEMINI, "batches/b",
                                                       (struct fake_span){all.p, all.len});
    fake_buf_release(&all);
    if (b == NULL) {
        return false;
    }
    b->path = (struct fake_span){b->data, r->path.n};
    struct fake_span body = {b->data + r->path.n, r->body.n};
    struct fake_span batch = fake_member_of(body, "batch");
    struct fake_span config = fake_member_of(batch, "inputConfig");
    struct fake_span list = fake_member_of(fake_member_of(config, "requests"), "requests");
    b->metadata = fake_member_of(batch, "displayName");
    for (size_t at = 0; fake_array_next(list, &at, &item);) {
        struct fake_span key = fake_member_of(fake_member_of(item, "metadata"), "key");
        if (!fake_batch_line(b, fake_unquote(key), fake_member_of(item, "request"))) {
            return false;
        }
    }
    fake_batch_start(s, b);
    s->wire.len = 0;
    put_operation(s, b, "BATCH_STATE_PENDING", false);
    return fake_batch_created(s, b, reply);
}

static bool list_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply)
{
    uint64_t limit = fake_span_uint(fake_query(r, "pageSize"), 50);
    struct fake_span after = fake_query(r, "pageToken");
    struct fake_buf *out = &s->wire;
    const struct fake_batch *b = NULL;
    char last[sizeof(b->id)] = "";
    size_t at = 0;
    uint64_t n = 0;
    out->len = 0;
    fake_buf_puts(out, "{\"operations\":[");
    while (n < limit && (b = fake_batch_next(s, FAKE_GEMINI, after, &at)) != NULL) {
        if (n++ > 0) {
            fake_buf_char(out, ',');
        }
        put_operation(s, b, state_of(s, b), false);
        memcpy(last, b->id, sizeof(last));
    }
    b = n < limit ? NULL : fake_batch_next(s, FAKE_GEMINI, after, &at);
    fake_buf_char(out, ']');
    if (b != NULL) {
        fake_buf_printf(out, ",\"nextPageToken\":\"%s\"", last);
    }
    fake_buf_char(out, '}');
    return send_wire(s, reply);
}

static bool route(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply)
{
    static const char cancel[] = ":cancel";
    bool is_post = fake_span_is(r->method, "POST");
    if (!fake_span_starts(r->path, ROOT)) {
        return add_batch(s, r, reply);
    }
    if (r->path.n == sizeof(ROOT) - 1) {
        return list_batches(s, r, reply);
    }
    struct fake_span id = {r->path.p + strlen("/v1beta/"), r->path.n - strlen("/v1beta/")};
    if (is_post && id.n > sizeof(cancel) - 1) {
        id.n -= sizeof(cancel) - 1;
    }
    struct fake_batch *b = fake_batch_find(s, FAKE_GEMINI, id);
    if (b == NULL) {
        return fake_batch_missing(s, reply, FAKE_GEMINI);
    }
    if (is_post) {
        fake_batch_cancel(s, b);
        return fake_reply_text(s, reply, 200, "{}");
    }
    s->stats.n_batch_polls++;
    s->wire.len = 0;
    put_operation(s, b, state_of(s, b), true);
    return send_wire(s, reply);
}

bool fake_gemini_batches(struct fake_server *s, const struct fake_request *r,
                         struct fake_reply *reply, bool *ok)
{
    struct fake_error e = {0};
    size_t n = sizeof(CREATE) - 1;
    bool is_create = r->path.n > n && memcmp(r->path.p + r->path.n - n, CREATE, n) == 0;
    if (!is_create && !fake_span_starts(r->path, ROOT)) {
        return false;
    }
    if (fake_check_key(s, r, FAKE_GEMINI, &e)) {
        s->extra.len = 0;
        *ok = fake_reply_error(s, reply, FAKE_GEMINI, &e);
    } else {
        *ok = route(s, r, reply);
    }
    return true;
}
