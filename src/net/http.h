/*
 * HTTP requests over curl's multi interface, driven by the loop. curl is seen nowhere else.
 *
 * Thousands of transfers at once: they are spread over several multi handles, because curl's
 * connection cache is searched linearly (design.md §3). Every transfer has a connect and a total
 * time limit. Redirects are never followed: a key must not travel to another host. HTTP/1.1 is used
 * with libcurl below 8.1 (its HTTP/2 mishandles GOAWAY and cut bodies).
 *
 * Completion callbacks run outside of curl, at the end of the loop's turn and before its turn-end
 * hook; what they or that hook send goes out in the same turn. Kept-alive connections do not keep
 * the loop running, transfers do.
 *
 * When nothing came back on a kept-alive connection curl asks once more on a fresh one by itself,
 * unless a request forbids it.
 * The first transfer to a host name goes alone until the name is resolved; the others wait for it,
 * and share its fate when the name does not resolve. Proxies are taken from the environment, but
 * never for loopback addresses; CURL_CA_BUNDLE and SSL_CERT_FILE name further certificates.
 *
 * What it does not do: retry, judge whether an answer is complete (a body without length that ends
 * with the connection is GEN_TRANSPORT_OK).
 */
#ifndef GEN_NET_HTTP_H
#define GEN_NET_HTTP_H

#include "base/buf.h"
#include "base/secret.h"
#include "os/loop.h"

/* How the transfer ended, whatever the server said. */
enum gen_transport {
    GEN_TRANSPORT_OK = 0,
    GEN_TRANSPORT_RESOLVE,   /* host name not found */
    GEN_TRANSPORT_CONNECT,   /* refused or unreachable */
    GEN_TRANSPORT_TLS,       /* certificate or handshake */
    GEN_TRANSPORT_TIMEOUT,   /* connect or total time limit */
    GEN_TRANSPORT_RESET,     /* connection closed before or in the middle of the answer */
    GEN_TRANSPORT_TOO_LARGE, /* body over body_bytes_max */
    GEN_TRANSPORT_CANCELED,
    GEN_TRANSPORT_OTHER,
};
const char *gen_transport_name(enum gen_transport t);

/* Headers that outlive the transfer: how long to wait, limits, ids. Views borrowed until the
 * callback returns; empty when absent. */
enum gen_header {
    GEN_HEADER_RETRY_AFTER = 0,
    GEN_HEADER_RETRY_AFTER_MS,
    GEN_HEADER_SHOULD_RETRY,
    GEN_HEADER_REQUEST_ID,
    GEN_HEADER_CONTENT_TYPE,
    GEN_HEADER_LIMIT_REQUESTS, /* x-ratelimit-limit-requests and its kin */
    GEN_HEADER_REMAINING_REQUESTS,
    GEN_HEADER_RESET_REQUESTS,
    GEN_HEADER_LIMIT_TOKENS,
    GEN_HEADER_REMAINING_TOKENS,
    GEN_HEADER_RESET_TOKENS,
    GEN_HEADER_LIMIT_INPUT_TOKENS, /* Anthropic counts the two directions apart */
    GEN_HEADER_REMAINING_INPUT_TOKENS,
    GEN_HEADER_RESET_INPUT_TOKENS,
    GEN_HEADER_LIMIT_OUTPUT_TOKENS,
    GEN_HEADER_REMAINING_OUTPUT_TOKENS,
    GEN_HEADER_RESET_OUTPUT_TOKENS,
    GEN_HEADER_LOCATION,    /* of a redirect, which is never followed */
    GEN_HEADER_MCP_SESSION, /* mcp-session-id */
    GEN_HEADER_ETAG,
    GEN_HEADER_CONTENT_RANGE,
    GEN_HEADER_BUCKET_REGION, /* x-amz-bucket-region */
    GEN_N_HEADERS,
};

struct gen_http_response {
    enum gen_transport transport;
    int status;          /* 0 when no status line came */
    struct gen_str body; /* decoded; what came, also when the transfer failed; borrowed until the
                            callback returns */
    struct gen_str headers[GEN_N_HEADERS];
    bool reused_connection; /* a kept-alive connection; with RESET and an empty body: retry is free
                             */
    bool streamed;          /* the body went to on_data piece by piece; `body` is empty */
    uint64_t latency_us;    /* from the start of the transfer to its end */
    const char *detail;     /* curl's words for a failed transfer, never NULL */
};

/* A piece of a streamed body, decoded, in order; borrowed for the call. Called from inside curl: it
 * must not send, cancel or free a transfer. */
typedef void gen_http_data_fn(void *ud, struct gen_str piece);

/* AWS Signature Version 4 (the algorithm of S3 and what speaks like it), made by curl. All of
 * `headers` is signed with the request, so none of them may be without a value, and the names and
 * values of the URL's query must be percent-encoded and in the order of their names: older libcurl
 * signs it as it stands. Such a request has no body; S3 wants the hash of the empty one in the
 * header x-amz-content-sha256. Borrowed until the transfer ends. */
struct gen_http_signature {
    const char *scope; /* "aws:amz:us-east-1:s3": curl's CURLOPT_AWS_SIGV4 */
    const char *key_id;
    const struct gen_secret *secret;
};

struct gen_http_request {
    const char *url; /* http:// or https:// */
    bool post;       /* POST with `body`, else GET */
    bool is_delete;  /* DELETE, in place of GET */
    /* "PUT", "PATCH", "OPTIONS": in place of POST with `post`, else of GET; "HEAD". NULL: by the
     * two above. At most 15 letters. Copied. */
    const char *method;
    struct gen_str body;   /* JSON unless `headers` say otherwise; at most 1 GiB; copied */
    bool body_is_borrowed; /* not copied: `body` must stay until the callback (or
                              gen_http_free); for large uploads */
    bool once; /* never sent a second time by curl itself: it goes on a fresh connection. For what
                  must not happen twice */
    const char *const *headers; /* "Name: value", NULL-terminated; copied; may be NULL */
    const char
        *auth_header; /* name of the header that carries the key ("Authorization"), or NULL */
    const char *auth_prefix;      /* "Bearer " or "" */
    const struct gen_secret *key; /* borrowed until the transfer ends; NULL for none */
    const struct gen_http_signature *signature; /* NULL: none */
    uint64_t timeout_ms;                        /* of the whole transfer; 0: 600,000 */
    gen_http_data_fn *on_data; /* gets the body of a 2xx answer whose Content-Type is
                                  text/event-stream or application/x-ndjson; all others are
                                  collected in `body` as ever. `ud` is that of `fn`. May be NULL */
    size_t body_bytes_max;     /* of the answer, streamed or not; 0: the one of the options */
    uint64_t stall_ms;         /* longest silence of the server once a streamed body has begun; then
                                  GEN_TRANSPORT_TIMEOUT. 0: no limit of its own */
};

typedef void gen_http_fn(void *ud, const struct gen_http_response *response);

struct gen_http;
struct gen_transfer;

struct gen_http_options {
    size_t in_flight_max;   /* sizes the connection caches; default 1024 */
    size_t n_shards;        /* multi handles; 0: one for each 64 of in_flight_max, at most 64 */
    uint64_t connect_ms;    /* default 10,000 */
    size_t body_bytes_max;  /* default 32 MB */
    uint64_t idle_close_ms; /* kept-alive connections idle for longer are not reused; 0: 3 s for
                               http, 118 s for https. curl counts whole seconds: it is rounded up,
                               and one that is idle for less than a second longer passes */
};

GEN_MUST_USE int gen_http_new(struct gen_http **out, struct gen_loop *loop,
                              const struct gen_http_options *options, struct gen_error *err);
/* Cancels what is in flight (callbacks are not called any more). Before its loop is freed, and not
 * from inside a callback. */
void gen_http_free(struct gen_http *http);

/* Starts a transfer; `fn` is called exactly once, never from inside this function. `*out` is valid
 * until then (may be NULL). GEN_EUSAGE for a URL that is not http:// or https:// and for a header
 * with a line break or without a name; a body gets "Content-Type: application/json" unless the
 * headers name another. */
GEN_MUST_USE int gen_http_send(struct gen_http *http, const struct gen_http_request *request,
                               gen_http_fn *fn, void *ud, struct gen_transfer **out,
                               struct gen_error *err);
/* The callback comes with GEN_TRANSPORT_CANCELED, at the end of this turn. One that has already
 * ended keeps its outcome: the answer is there, and paid. */
void gen_http_cancel(struct gen_transfer *t);
size_t gen_http_in_flight(const struct gen_http *http);

/* Sets `out` to where a redirect leads: `location` as seen from `base` (RFC 3986, 5). GEN_EINPUT
 * for one that is no http:// or https:// URL, or holds a user or a password. */
GEN_MUST_USE int gen_url_join(struct gen_buf *out, const char *base, struct gen_str location,
                              struct gen_error *err);

#endif
