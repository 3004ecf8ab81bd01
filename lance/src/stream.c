#include "stream_int.h"

/* Large enough that the system call is cheap, small enough to stay in the second-level cache. */
#define WINDOW_BYTES ((size_t)256 << 10)

int lnc_stream_init(struct lnc_ctx *cx, struct lnc_stream *stream, const struct lnc_source *source,
                    uint64_t origin, uint64_t size)
{
    cx->at = origin;
    if (!lnc_inside(origin, size, source->size))
        return lnc_bad(cx,
                       "a buffer of %llu bytes reaches beyond the end of the file (%llu bytes): it "
                       "is cut off or "
                       "damaged",
                       (unsigned long long)size, (unsigned long long)source->size);
    *stream = (struct lnc_stream){.source = source, .origin = origin, .size = size};
    return LNC_OK;
}

static int refill(struct lnc_ctx *cx, struct lnc_stream *stream, size_t n)
{
    uint64_t left = lnc_stream_left(stream);
    size_t kept = (size_t)(stream->window_start + stream->window.size - stream->position);
    size_t wanted = n > WINDOW_BYTES ? n : WINDOW_BYTES;
    if (wanted > left)
        wanted = (size_t)left;
    if (kept > 0)
        memmove(stream->window.data, stream->window.data + stream->window.size - kept, kept);
    stream->window.size = kept;
    stream->window_start = stream->position;
    int rc = lnc_buf_reserve(cx, &stream->window, wanted);
    if (rc != LNC_OK)
        return rc;
    rc = stream->source->read_at(stream->source, stream->origin + stream->position + kept,
                                 stream->window.data + kept, wanted - kept, cx->err);
    if (rc == LNC_OK)
        stream->window.size = wanted;
    return rc;
}

int lnc_stream_peek(struct lnc_ctx *cx, struct lnc_stream *stream, uint64_t n, struct lnc_span *out)
{
    cx->at = stream->origin + stream->position;
    if (n > lnc_stream_left(stream))
        return lnc_bad(cx, "%llu bytes are needed where the buffer has %llu left",
                       (unsigned long long)n, (unsigned long long)lnc_stream_left(stream));
    uint64_t have = stream->window_start + stream->window.size - stream->position;
    if (n > have || (have == 0 && lnc_stream_left(stream) > 0)) {
        if (n > cx->alloc_max)
            return lnc_fail_ctx(cx, LNC_ELIMIT,
                                "a value of %llu bytes exceeds the limit (alloc_bytes_max) of %zu",
                                (unsigned long long)n, cx->alloc_max);
        int rc = refill(cx, stream, (size_t)n);
        if (rc != LNC_OK)
            return rc;
        have = stream->window.size;
    }
    static const uint8_t nothing[1];
    out->data =
        have > 0 ? stream->window.data + (stream->position - stream->window_start) : nothing;
    out->size = (size_t)have;
    return LNC_OK;
}

void lnc_stream_skip(struct lnc_stream *stream, size_t n)
{
    stream->position += n;
}

int lnc_stream_take(struct lnc_ctx *cx, struct lnc_stream *stream, uint64_t n, const uint8_t **out)
{
    struct lnc_span span;
    int rc = lnc_stream_peek(cx, stream, n, &span);
    if (rc != LNC_OK)
        return rc;
    lnc_stream_skip(stream, (size_t)n);
    *out = span.data;
    return LNC_OK;
}

void lnc_stream_become(struct lnc_stream *stream, struct lnc_buf *bytes)
{
    lnc_buf_release(&stream->window);
    stream->source = NULL;
    stream->window = *bytes;
    stream->window_start = 0;
    stream->position = 0;
    stream->size = bytes->size;
    *bytes = (struct lnc_buf){0};
}

void lnc_stream_release(struct lnc_stream *stream)
{
    lnc_buf_release(&stream->window);
    *stream = (struct lnc_stream){0};
}
