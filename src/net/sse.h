/*
 * Server-sent events, and lines of JSON, out of a body that comes in pieces of any size
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6): line ends LF, CR
 * and CRLF, also split between pieces; comments; several data lines joined by LF; a byte-order mark
 * at the start. Lines of JSON end with LF or CRLF only, and lose the white space around them. The
 * bytes are not checked for UTF-8: the JSON reader does that. An event that the end of the stream
 * cuts off is dropped, as the specification says; gen_sse_end tells whether there was one.
 */
#ifndef GEN_NET_SSE_H
#define GEN_NET_SSE_H

#include "base/buf.h"

enum gen_sse_format {
    GEN_SSE_EVENTS = 0, /* text/event-stream */
    GEN_SSE_LINES, /* application/x-ndjson: each line that is not blank is the data of an event */
};

struct gen_sse_event {
    struct gen_str name; /* the "event" field; empty when absent, and for lines */
    struct gen_str data;
};

/* Borrowed for the call. What it returns other than GEN_OK ends the feeding and is returned. */
typedef int gen_sse_fn(void *ud, const struct gen_sse_event *event, struct gen_error *err);

struct gen_sse {
    enum gen_sse_format format;
    struct gen_buf line, name, data;
    bool after_cr, has_data, is_started;
};

/* `event_bytes_max`: an event or a line over this is GEN_ELIMIT. Caller owned. */
struct gen_sse gen_sse_make(enum gen_sse_format format, size_t event_bytes_max);
void gen_sse_release(struct gen_sse *s);

/* Calls `fn` for every event that is complete with this piece. GEN_ELIMIT, GEN_ENOMEM, or what `fn`
 * returned; the parser must then only be released. */
GEN_MUST_USE int gen_sse_feed(struct gen_sse *s, struct gen_str piece, gen_sse_fn *fn, void *ud,
                              struct gen_error *err);
/* The body has ended. A last line without a line end counts as a line in GEN_SSE_LINES.
 * `*is_cut`: an event had begun and was not ended. */
GEN_MUST_USE int gen_sse_end(struct gen_sse *s, gen_sse_fn *fn, void *ud, bool *is_cut,
                             struct gen_error *err);

#endif
