/*
 * An answer that comes in events, put together as it arrives: text, reasoning, tool calls, end mark
 * and usage. The provider's on_event reads one event; what was gathered becomes a result like any
 * other. An error event in the middle of a stream is classified like the HTTP error of its kind.
 */
#ifndef GEN_LLM_STREAM_H
#define GEN_LLM_STREAM_H

#include "llm/provider.h"
#include "net/sse.h"

#define GEN_STREAM_TOOL_CALLS_MAX 64U

struct gen_llm_stream {
    const struct gen_provider *provider;
    struct gen_sse sse;
    struct gen_buf text, reasoning;
    struct gen_buf finish, model, category, refusal, continuation;
    struct {
        struct gen_buf id, name, arguments;
    } * tool_calls; /* grown one by one up to GEN_STREAM_TOOL_CALLS_MAX */
    size_t n_tool_calls;
    struct gen_usage usage;
    bool is_done;             /* the closing event came */
    int error_status;         /* of an error event; 0: none came */
    struct gen_buf error;     /* its data, the JSON that an HTTP error of this kind would have */
    struct gen_error failure; /* ours, or a stream that cannot be read */
    int failed;
};

GEN_MUST_USE int gen_llm_stream_new(struct gen_llm_stream **out, const struct gen_provider *p,
                                    struct gen_error *err);
void gen_llm_stream_free(struct gen_llm_stream *s);

/* A piece of the body. Errors are kept in the stream until its end. */
void gen_llm_stream_feed(struct gen_llm_stream *s, struct gen_str piece);

/* For on_event. `index` of a tool call counts from 0; GEN_ELIMIT beyond the most. */
GEN_MUST_USE int gen_llm_stream_tool_call(struct gen_llm_stream *s, size_t index, struct gen_str id,
                                          struct gen_str name, struct gen_str arguments,
                                          struct gen_error *err);
/* An error event: `status` is the HTTP status that an error of this kind has, 0 to take it from
 * the error itself. */
GEN_MUST_USE int gen_llm_stream_error(struct gen_llm_stream *s, int status,
                                      const struct gen_json *data, struct gen_error *err);

/* Moves what was gathered into a result from gen_llm_result_make; the class is judged afterwards.
 * For providers whose whole answers read like one event. GEN_ENOMEM. */
GEN_MUST_USE int gen_llm_stream_result(struct gen_llm_stream *s, struct gen_llm_result *result,
                                       struct gen_error *err);

/* True when the body of a successful answer that was not streamed to us is a stream all the same:
 * the server streams unasked, or names the wrong content type. */
bool gen_llm_stream_is(const struct gen_provider *p, const struct gen_http_response *response);
/* Reads such a body. Fails with GEN_ENOMEM alone. */
GEN_MUST_USE int gen_llm_stream_read(const struct gen_provider *p,
                                     const struct gen_http_response *response,
                                     struct gen_llm_result *result, struct gen_error *err);

/* The transfer has ended: fills a result from gen_llm_result_make. An answer that was not
 * streamed (response->streamed is false: an error status, say) is parsed as a whole. The end mark
 * is the closing event, or a finish reason when the transfer ended well; a stream without it is the
 * server's failure. What came after the closing event does not matter, the end of the transfer
 * included. Fails with GEN_ENOMEM alone. */
GEN_MUST_USE int gen_llm_stream_end(struct gen_llm_stream *s,
                                    const struct gen_http_response *response,
                                    struct gen_llm_result *result, struct gen_error *err);

#endif
