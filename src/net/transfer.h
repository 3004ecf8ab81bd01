/*
 * One transfer: an easy handle that keeps its options, its buffers, and what came back. Transfers
 * are pooled: setting up a handle costs more than a request. Internal to net/.
 */
#ifndef GEN_NET_TRANSFER_H
#define GEN_NET_TRANSFER_H

#include "net/header_set.h"
#include "net/http.h"
#include "net/shard.h"
#include "net/stall.h"

enum gen_transfer_state {
    GEN_TRANSFER_FREE = 0,
    GEN_TRANSFER_WAITING, /* for the name of its host (struct gen_http_host) */
    GEN_TRANSFER_RUNNING, /* in a multi handle */
    GEN_TRANSFER_ENDED,   /* its callback is still to be called, or just being called */
};

/* A host whose name must be looked up. curl starts a thread for every transfer that finds its cache
 * of names cold, so the first transfer goes alone and the others wait until it opens a socket. */
struct gen_http_host {
    char *name;
    bool is_known;
    struct gen_transfer *prober; /* the first transfer; NULL when there is none */
    struct gen_transfer *waiting;
    struct gen_transfer **waiting_tail;
    struct gen_http_host *next;
};

/* The options that an easy handle holds beyond those that never change. */
struct gen_transfer_setup {
    struct gen_buf url; /* with its NUL */
    struct gen_header_set *headers;
    uint64_t timeout_ms;
    size_t body_bytes_max;
    bool has_profile; /* is_https and is_loopback are set */
    bool is_https;
    bool is_loopback;
    bool has_method;
    bool is_post;
    bool is_head;
    char method[16]; /* in place of GET or POST; empty: none */
    bool is_fresh;
    bool is_signed;
};

struct gen_transfer {
    CURL *easy;
    struct gen_http *http;
    struct gen_shard *shard; /* while it runs */
    struct gen_transfer *next;
    struct gen_http_host *host; /* of which it is the prober, or for which it waits */
    enum gen_transfer_state state;
    gen_http_fn *fn;
    void *ud;
    uint64_t start_us;
    struct gen_transfer_setup setup;
    struct gen_buf request_body;  /* empty when the caller keeps it */
    const struct gen_secret *key; /* borrowed while it runs; masked in all that comes back */

    gen_http_data_fn *on_data;
    bool streamed;     /* the body goes to on_data */
    size_t n_streamed; /* bytes of it */
    uint64_t stall_ms; /* 0: no limit */
    struct gen_stall_link stall;
    struct gen_stall_watch *stalls;

    struct gen_buf body;
    struct gen_buf head_text;
    struct {
        uint32_t offset;
        uint32_t n;
    } heads[GEN_N_HEADERS];
    bool head_complete; /* the empty line behind the headers came */
    int write_failure;  /* GEN_ELIMIT or GEN_ENOMEM when the body could not be kept */
    enum gen_transport transport;
    int status;
    bool reused_connection;
    uint64_t latency_us;
    const char *detail;
    char curl_error[CURL_ERROR_SIZE];
};

/* What all transfers of a client share. */
struct gen_transfer_limits {
    struct gen_shards *shards;
    struct gen_stall_watch *stalls;
    CURLSH *share;
    uint64_t connect_ms;
    uint64_t idle_close_ms; /* 0: by scheme */
    size_t body_bytes_max;
};

GEN_MUST_USE int gen_transfer_new(struct gen_transfer **out, struct gen_http *http,
                                  const struct gen_transfer_limits *limits, struct gen_error *err);
/* It must not be in a multi handle. */
void gen_transfer_free(struct gen_transfer *t);

/* Sets what differs from the request before. Takes over the caller's hold on `headers`, also on
 * failure. */
GEN_MUST_USE int gen_transfer_prepare(struct gen_transfer *t,
                                      const struct gen_transfer_limits *limits,
                                      const struct gen_http_request *request,
                                      struct gen_header_set *headers, struct gen_error *err);
/* Notes how it ended. */
void gen_transfer_finish(struct gen_transfer *t, CURLcode result, uint64_t now_us);
/* The server fell silent in the middle of a streamed body. */
void gen_transfer_stall(struct gen_transfer *t, uint64_t now_us);
/* The same for one that curl did not end. `detail` is a constant or lives as long as `t`. */
void gen_transfer_give_up(struct gen_transfer *t, enum gen_transport transport, const char *detail,
                          uint64_t now_us);
struct gen_http_response gen_transfer_response(const struct gen_transfer *t);
/* Makes it ready for the next request; large buffers are freed. */
void gen_transfer_reset(struct gen_transfer *t);

/* The host part of a URL, without brackets; empty when it is not http:// or https://. */
struct gen_str gen_url_host(struct gen_str url);
bool gen_host_is_loopback(struct gen_str host);
/* An address or "localhost": curl needs no look-up. */
bool gen_host_is_numeric(struct gen_str host);

#endif
