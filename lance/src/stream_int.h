/*
 * stream_int.h - one buffer of a file, read once from its beginning to its end through a window.
 *
 * This is the only way from a file to a decoder: a decoder sees pointers into the window for
 * exactly the bytes it asked for. Also holds the decompressed form of a buffer that had to be
 * inflated as a whole.
 */
#ifndef LNC_STREAM_INT_H
#define LNC_STREAM_INT_H

#include "lnc/lnc_source.h"
#include "util_int.h"

struct lnc_stream {
    const struct lnc_source *source; /* NULL once everything is in the window */
    uint64_t origin;                 /* byte in the file of the first byte of the buffer */
    uint64_t size;                   /* of the buffer */
    uint64_t position;               /* of the next byte, from the start of the buffer */
    struct lnc_buf window;           /* window.size bytes from window_start */
    uint64_t window_start;
};

/* Over `size` bytes at `origin`; checks that they lie in the file. Reads nothing yet. */
int lnc_stream_init(struct lnc_ctx *cx, struct lnc_stream *stream, const struct lnc_source *source,
                    uint64_t origin, uint64_t size);

/* Bytes that are left. */
static inline uint64_t lnc_stream_left(const struct lnc_stream *stream)
{
    return stream->size - stream->position;
}

/* The next bytes without taking them: at least `n` (or LNC_ECORRUPT if fewer are left), as many as
 * are in the window. Valid until the next call. Sets cx->at. */
int lnc_stream_peek(struct lnc_ctx *cx, struct lnc_stream *stream, uint64_t n,
                    struct lnc_span *out);

/* Takes n bytes that were peeked. */
void lnc_stream_skip(struct lnc_stream *stream, size_t n);

/* Peeks exactly n bytes and takes them. */
int lnc_stream_take(struct lnc_ctx *cx, struct lnc_stream *stream, uint64_t n, const uint8_t **out);

/* Replaces the stream by the whole bytes given, which it takes over: *bytes is emptied. */
void lnc_stream_become(struct lnc_stream *stream, struct lnc_buf *bytes);

void lnc_stream_release(struct lnc_stream *stream);

#endif
