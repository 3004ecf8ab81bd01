/* Bytes of a reply. */
#include "fakellm.h"

#include <stdlib.h>
#include <string.h>

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 302:
        return "Found";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
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

static void put_bytes(struct fake_buf *out, const struct fake_buf *body)
{
    for (size_t i = 0; i < body->len && !out->failed; i++) {
        fake_buf_puts(out, "1\r\n");
        fake_buf_char(out, body->p[i]);
        fake_buf_puts(out, "\r\n");
    }
    fake_buf_puts(out, "0\r\n\r\n");
}

static void put_head(struct fake_buf *head, const char *extra, int status,
                     enum fake_framing framing, size_t body_len)
{
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
        fake_buf_uint(head, body_len);
        fake_buf_puts(head, "\r\n\r\n");
    } else if (framing == FAKE_BY_CLOSE) {
        fake_buf_puts(head, "Connection: close\r\n\r\n");
    } else {
        fake_buf_puts(head, "Transfer-Encoding: chunked\r\n\r\n");
    }
}

/* Joins header, body and end. */
static bool join(struct fake_reply *reply, const struct fake_buf *head, const struct fake_buf *body,
                 bool with_body, const char *end)
{
    size_t body_len = with_body ? body->len : 0;
    size_t end_len = strlen(end);
    if (head->failed || body->failed) {
        return false;
    }
    reply->bytes = malloc(head->len + body_len + end_len);
    if (reply->bytes == NULL) {
        return false;
    }
    memcpy(reply->bytes, head->p, head->len);
    if (body_len > 0) {
        memcpy(reply->bytes + head->len, body->p, body_len);
    }
    memcpy(reply->bytes + head->len + body_len, end, end_len);
    reply->len = head->len + body_len + end_len;
    reply->send_bytes = reply->len;
    return true;
}

bool fake_reply_finish(struct fake_server *s, struct fake_reply *reply, int status,
                       const char *extra, enum fake_framing framing)
{
    struct fake_buf *head = &s->head;
    const struct fake_buf *body = &s->wire;
    size_t tail_len = reply->tail == NULL ? 0 : strlen(reply->tail);
    put_head(head, extra, status, framing, body->len + reply->fill_bytes + tail_len);
    size_t head_len = head->len;
    bool with_body = true;
    if (framing == FAKE_BY_CHUNKS || framing == FAKE_BY_CUT_CHUNKS) {
        put_chunks(head, body, framing == FAKE_BY_CHUNKS);
        with_body = false;
    } else if (framing == FAKE_BY_BYTES) {
        put_bytes(head, body);
        with_body = false;
    }
    if (!join(reply, head, body, with_body, framing == FAKE_BY_EVENTS ? "0\r\n\r\n" : "")) {
        return false;
    }
    reply->status = status;
    if (reply->fault == FAKE_CUT || framing == FAKE_BY_CLOSE || framing == FAKE_BY_CUT_EVENTS) {
        reply->send_bytes = head_len + body->len / 2;
    } else if (reply->fault == FAKE_CUTHEAD) {
        reply->send_bytes = head_len;
    }
    reply->close_after = reply->close_after || framing >= FAKE_BY_CUT_CHUNKS;
    return true;
}

bool fake_reply_text(struct fake_server *s, struct fake_reply *reply, int status, const char *text)
{
    s->wire.len = 0;
    fake_buf_puts(&s->wire, text);
    return fake_reply_finish(s, reply, status, "", FAKE_BY_LENGTH);
}

/* ---- gzip: stored blocks, which every reader takes ---------------------------------------------
 */

static uint32_t crc32_of(const struct fake_buf *b)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < b->len; i++) {
        crc ^= (unsigned char)b->p[i];
        for (unsigned k = 0; k < 8; k++) {
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? UINT32_C(0xEDB88320) : 0);
        }
    }
    return ~crc;
}

static void put_le(struct fake_buf *b, uint32_t value, unsigned n_bytes)
{
    for (unsigned i = 0; i < n_bytes; i++) {
        fake_buf_char(b, (char)(unsigned char)(value >> (8 * i)));
    }
}

void fake_gzip(struct fake_buf *b)
{
    static const char head[] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    struct fake_buf out = {0};
    fake_buf_put(&out, head, sizeof(head));
    for (size_t at = 0; at == 0 || at < b->len;) {
        size_t n = b->len - at < 65535 ? b->len - at : 65535;
        fake_buf_char(&out, at + n == b->len ? 1 : 0);
        put_le(&out, (uint32_t)n, 2);
        put_le(&out, ~(uint32_t)n & 0xffffU, 2);
        fake_buf_put(&out, b->p + at, n);
        at += n;
        if (n == 0) {
            break;
        }
    }
    put_le(&out, crc32_of(b), 4);
    put_le(&out, (uint32_t)b->len, 4);
    out.failed = out.failed || b->failed;
    fake_buf_release(b);
    *b = out;
}
