#include "net/transfer.h"

#include "net/response_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define URL_BYTES_MAX       16384U
#define REQUEST_BYTES_MAX   ((size_t)1 << 30)
#define HEAD_BYTES_MAX      8192U
#define BODY_BYTES_LIMIT    ((size_t)1 << 40)
#define KEPT_BYTES_MAX      65536U /* larger buffers are freed after use */
#define TIMEOUT_DEFAULT_MS  600000U
#define TIMEOUT_MS_MAX      (UINT64_C(20) * 24 * 3600 * 1000)
#define DNS_CACHE_S         600L
#define SECRET_BYTES_MAX    65536U
#define KEEPALIVE_S         30L
#define HTTP_IDLE_CLOSE_MS  3000U
#define HTTPS_IDLE_CLOSE_MS 118000U

/* From libcurl 8.1 on, HTTP/2 reports cut bodies and GOAWAY correctly. */
#define HTTP2_VERSION_MIN 0x080100U

/* A piece of a streamed body goes straight on. */
static size_t on_piece(struct gen_transfer *t, struct gen_str piece)
{
    if (piece.n > t->body.bytes_max - t->n_streamed) {
        t->write_failure = GEN_ELIMIT;
        return 0;
    }
    t->n_streamed += piece.n;
    gen_stall_heard(t->stalls, t);
    t->on_data(t->ud, piece);
    return piece.n;
}

static size_t on_body(char *data, size_t size, size_t n, void *ud)
{
    struct gen_transfer *t = ud;
    n *= size; /* size is 1 */
    if (t->streamed) {
        (void)gen_secret_mask(t->key, data, n);
        return on_piece(t, (struct gen_str){data, n});
    }
    t->write_failure = gen_buf_add(&t->body, data, n, NULL);
    return t->write_failure == GEN_OK ? n : 0;
}

static struct gen_str header_value(const struct gen_transfer *t, enum gen_header which)
{
    return gen_str_sub(gen_buf_str(&t->head_text), t->heads[which].offset, t->heads[which].n);
}

static bool is_streamed(const struct gen_transfer *t)
{
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300 &&
           gen_content_type_is_stream(header_value(t, GEN_HEADER_CONTENT_TYPE));
}

/* What a proxy or a "100 Continue" said before is not the answer. */
static void begin_head(struct gen_transfer *t)
{
    memset(t->heads, 0, sizeof(t->heads));
    gen_buf_clear(&t->head_text);
    t->head_complete = false;
    t->streamed = false;
    t->curl_error[0] = '\0'; /* of an attempt on a dead connection */
}

static size_t on_header(char *data, size_t size, size_t n, void *ud)
{
    struct gen_transfer *t = ud;
    n *= size;
    if (n > 5 && memcmp(data, "HTTP/", 5) == 0) {
        begin_head(t);
        return n;
    }
    if (t->head_complete) /* trailers behind a chunked body say nothing about the answer */
        return n;
    if (data[0] == '\r' || data[0] == '\n') {
        t->head_complete = true;
        t->streamed = t->on_data && is_streamed(t);
        return n;
    }
    enum gen_header which = GEN_N_HEADERS;
    struct gen_str value = {NULL, 0};
    if (gen_response_header((struct gen_str){data, n}, &which, &value)) {
        size_t offset = t->head_text.n;
        if (gen_buf_add_str(&t->head_text, value, NULL) == GEN_OK) {
            t->heads[which].offset = (uint32_t)offset;
            t->heads[which].n = (uint32_t)value.n;
        }
    }
    return n;
}

static curl_socket_t on_open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct gen_transfer *t = ud;
    if (t->host)
        t->host->is_known = true;
    return t->shard ? gen_shard_open_socket(t->shard, address) : CURL_SOCKET_BAD;
}

static int fail_option(CURLcode rc, struct gen_error *err)
{
    if (rc == CURLE_OUT_OF_MEMORY)
        return gen_nomem(err, "a transfer");
    return gen_fail(err, GEN_EIO, "cannot set up a transfer: %s", curl_easy_strerror(rc));
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (rc == CURLE_OK)                                                                        \
            rc = curl_easy_setopt(easy, (option), (value));                                        \
    } while (0)

/* Where a company's own certificates are; the curl program reads the same variables. */
static CURLcode set_ca_file(CURL *easy)
{
    const char *path = getenv("CURL_CA_BUNDLE");
    if (!path || !*path)
        path = getenv("SSL_CERT_FILE");
    return path && *path ? curl_easy_setopt(easy, CURLOPT_CAINFO, path) : CURLE_OK;
}

static CURLcode set_constant_options(struct gen_transfer *t,
                                     const struct gen_transfer_limits *limits)
{
    CURL *easy = t->easy;
    CURLcode rc = set_ca_file(easy);
    SET(CURLOPT_PRIVATE, (void *)t);
    SET(CURLOPT_SHARE, limits->share);
    SET(CURLOPT_ERRORBUFFER, t->curl_error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, (void *)t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, (void *)t);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, (void *)t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, gen_shards_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, (void *)limits->shards);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NOPROGRESS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_USERAGENT, "generator/" GEN_VERSION);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_S);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_ms);
    return rc;
}

int gen_transfer_new(struct gen_transfer **out, struct gen_http *http,
                     const struct gen_transfer_limits *limits, struct gen_error *err)
{
    struct gen_transfer *t = calloc(1, sizeof(*t));
    if (!t)
        return gen_nomem(err, "a transfer");
    t->http = http;
    t->stalls = limits->stalls;
    t->setup.url = gen_buf_make(URL_BYTES_MAX);
    t->request_body = gen_buf_make(REQUEST_BYTES_MAX);
    t->body = gen_buf_make(limits->body_bytes_max);
    t->head_text = gen_buf_make(HEAD_BYTES_MAX);
    t->easy = curl_easy_init();
    CURLcode rc = t->easy ? set_constant_options(t, limits) : CURLE_OUT_OF_MEMORY;
    if (rc != CURLE_OK) {
        gen_transfer_free(t);
        return fail_option(rc, err);
    }
    *out = t;
    return GEN_OK;
}

void gen_transfer_free(struct gen_transfer *t)
{
    if (!t)
        return;
    if (t->easy)
        curl_easy_cleanup(t->easy);
    gen_header_set_drop(t->setup.headers);
    gen_buf_release(&t->setup.url);
    gen_buf_release(&t->request_body);
    gen_buf_release(&t->body);
    gen_buf_release(&t->head_text);
    free(t);
}

/* What depends on the server: protocol, compression, proxy, and how long its idle connections can
 * be trusted. Local servers (uvicorn, cpp-httplib) close them after 5 s. */
static CURLcode set_profile(struct gen_transfer *t, const struct gen_transfer_limits *limits,
                            bool is_https, bool is_loopback)
{
    struct gen_transfer_setup *setup = &t->setup;
    if (setup->has_profile && setup->is_https == is_https && setup->is_loopback == is_loopback)
        return CURLE_OK;
    CURL *easy = t->easy;
    CURLcode rc = CURLE_OK;
    uint64_t idle_ms = limits->idle_close_ms;
    if (idle_ms == 0)
        idle_ms = is_https ? HTTPS_IDLE_CLOSE_MS : HTTP_IDLE_CLOSE_MS;
    bool is_http2 =
        is_https && curl_version_info(CURLVERSION_NOW)->version_num >= HTTP2_VERSION_MIN;
    SET(CURLOPT_MAXAGE_CONN, (long)((idle_ms + 999) / 1000));
    SET(CURLOPT_HTTP_VERSION,
        is_http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PIPEWAIT, is_http2 ? 1L : 0L);
    /* Not worth the server's time on a local network; curl still decodes what comes compressed. */
    SET(CURLOPT_ACCEPT_ENCODING, is_https ? "" : "identity");
    SET(CURLOPT_PROXY, is_loopback ? "" : NULL); /* NULL: the environment decides */
    setup->has_profile = rc == CURLE_OK;
    setup->is_https = is_https;
    setup->is_loopback = is_loopback;
    return rc;
}

static int set_url(struct gen_transfer *t, const struct gen_transfer_limits *limits,
                   const char *url, struct gen_error *err)
{
    struct gen_buf *held = &t->setup.url;
    size_t n = strlen(url) + 1;
    if (held->n == n && memcmp(held->data, url, n) == 0)
        return GEN_OK;
    gen_buf_clear(held);
    int rc = gen_buf_add(held, url, n, err);
    if (rc != GEN_OK)
        return rc;
    struct gen_str host = gen_url_host(gen_str_from(url));
    bool is_https = (url[4] | 0x20) == 's';
    CURLcode code = curl_easy_setopt(t->easy, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = set_profile(t, limits, is_https, gen_host_is_loopback(host));
    if (code == CURLE_OK)
        return GEN_OK;
    gen_buf_clear(held);
    return fail_option(code, err);
}

static CURLcode set_method(struct gen_transfer *t, const struct gen_http_request *request,
                           struct gen_str body)
{
    bool is_post = request->post;
    bool once = request->once;
    CURL *easy = t->easy;
    CURLcode rc = CURLE_OK;
    const char *method = request->method ? request->method : request->is_delete ? "DELETE" : "";
    bool is_head = strcmp(method, "HEAD") == 0;
    /* An answer to HEAD says how long a body would be, and has none. */
    if (t->setup.is_head != is_head) {
        SET(CURLOPT_NOBODY, is_head ? 1L : 0L);
        t->setup.is_head = is_head;
        t->setup.has_method = false;
    }
    if (is_head)
        method = "";
    else if (!t->setup.has_method || t->setup.is_post != is_post)
        SET(is_post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    t->setup.has_method = !is_head && rc == CURLE_OK;
    t->setup.is_post = is_post;
    if (strcmp(t->setup.method, method) != 0) {
        SET(CURLOPT_CUSTOMREQUEST, *method ? method : NULL);
        (void)snprintf(t->setup.method, sizeof(t->setup.method), "%s", method);
    }
    if (t->setup.is_fresh != once) {
        SET(CURLOPT_FRESH_CONNECT, once ? 1L : 0L);
        t->setup.is_fresh = once;
    }
    if (is_post) {
        SET(CURLOPT_POSTFIELDS, body.n ? body.p : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    }
    return rc;
}

/* curl copies the three strings, and wipes what it copied when the handle goes. */
static CURLcode set_signature(struct gen_transfer *t, const struct gen_http_signature *signature)
{
    CURL *easy = t->easy;
    CURLcode rc = CURLE_OK;
    if (!signature && !t->setup.is_signed)
        return rc;
    struct gen_buf secret = gen_buf_make(SECRET_BYTES_MAX);
    if (signature && gen_secret_copy(&secret, signature->secret, NULL) != GEN_OK)
        return CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_AWS_SIGV4, signature ? signature->scope : NULL);
    SET(CURLOPT_USERNAME, signature ? signature->key_id : NULL);
    SET(CURLOPT_PASSWORD, signature ? secret.data : NULL);
    t->setup.is_signed = signature != NULL;
    gen_buf_wipe(&secret);
    return rc;
}

/* The limits of time and size of this request. */
static CURLcode set_limits(struct gen_transfer *t, const struct gen_transfer_limits *limits,
                           const struct gen_http_request *request)
{
    CURL *easy = t->easy;
    CURLcode rc = CURLE_OK;
    uint64_t timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_DEFAULT_MS;
    if (timeout_ms > TIMEOUT_MS_MAX)
        timeout_ms = TIMEOUT_MS_MAX;
    if (timeout_ms != t->setup.timeout_ms) {
        SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        t->setup.timeout_ms = rc == CURLE_OK ? timeout_ms : 0;
    }
    size_t bytes_max = request->body_bytes_max ? request->body_bytes_max : limits->body_bytes_max;
    if (bytes_max > BODY_BYTES_LIMIT)
        bytes_max = BODY_BYTES_LIMIT;
    if (bytes_max != t->setup.body_bytes_max) {
        /* Ends an oversized answer at its Content-Length; on_body is the cap that always holds. */
        SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)bytes_max);
        t->setup.body_bytes_max = rc == CURLE_OK ? bytes_max : 0;
    }
    t->body.bytes_max = bytes_max;
    t->on_data = request->on_data;
    t->stall_ms = request->stall_ms < TIMEOUT_MS_MAX ? request->stall_ms : TIMEOUT_MS_MAX;
    return rc;
}

/* The bytes that are sent: the caller's, or a copy of them. */
static int hold_body(struct gen_transfer *t, const struct gen_http_request *request,
                     struct gen_str *body, struct gen_error *err)
{
    *body = (struct gen_str){NULL, 0};
    if (!request->post)
        return GEN_OK;
    if (request->body.n > REQUEST_BYTES_MAX)
        return gen_fail(err, GEN_ELIMIT, "the body of a request is larger than %zu bytes",
                        REQUEST_BYTES_MAX);
    if (request->body_is_borrowed) {
        *body = request->body;
        return GEN_OK;
    }
    int rc = gen_buf_add_str(&t->request_body, request->body, err);
    *body = gen_buf_str(&t->request_body);
    return rc;
}

int gen_transfer_prepare(struct gen_transfer *t, const struct gen_transfer_limits *limits,
                         const struct gen_http_request *request, struct gen_header_set *headers,
                         struct gen_error *err)
{
    CURL *easy = t->easy;
    CURLcode code = CURLE_OK;
    t->key = request->key;
    if (t->setup.headers == headers) {
        gen_header_set_drop(headers); /* one hold is enough, and it is not the last */
    } else {
        code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, gen_header_set_list(headers));
        gen_header_set_drop(t->setup.headers);
        t->setup.headers = headers;
    }
    int rc = code == CURLE_OK ? GEN_OK : fail_option(code, err);
    if (rc == GEN_OK)
        rc = set_url(t, limits, request->url, err);
    struct gen_str body = {NULL, 0};
    if (rc == GEN_OK)
        rc = hold_body(t, request, &body, err);
    if (rc != GEN_OK)
        return rc;
    code = set_signature(t, request->signature);
    if (code == CURLE_OK)
        code = set_method(t, request, body);
    if (code == CURLE_OK)
        code = set_limits(t, limits, request);
    return code == CURLE_OK ? GEN_OK : fail_option(code, err);
}

static enum gen_transport classify(const struct gen_transfer *t, CURLcode result)
{
    switch ((int)result) {
    case CURLE_OK:
        return GEN_TRANSPORT_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return GEN_TRANSPORT_RESOLVE;
    case CURLE_COULDNT_CONNECT:
        return GEN_TRANSPORT_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return GEN_TRANSPORT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return GEN_TRANSPORT_TLS;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return GEN_TRANSPORT_RESET;
    case CURLE_FILESIZE_EXCEEDED:
        return GEN_TRANSPORT_TOO_LARGE;
    case CURLE_WRITE_ERROR:
        return t->write_failure == GEN_ELIMIT ? GEN_TRANSPORT_TOO_LARGE : GEN_TRANSPORT_OTHER;
    default:
        return GEN_TRANSPORT_OTHER;
    }
}

void gen_transfer_give_up(struct gen_transfer *t, enum gen_transport transport, const char *detail,
                          uint64_t now_us)
{
    gen_stall_forget(t->stalls, t);
    t->state = GEN_TRANSFER_ENDED;
    t->transport = transport;
    t->detail = detail;
    t->latency_us = now_us > t->start_us ? now_us - t->start_us : 0;
}

void gen_transfer_finish(struct gen_transfer *t, CURLcode result, uint64_t now_us)
{
    enum gen_transport transport = classify(t, result);
    const char *detail = "";
    if (transport == GEN_TRANSPORT_OK && !t->head_complete) {
        /* curl takes a head that was cut behind its status line for an answer. */
        transport = GEN_TRANSPORT_RESET;
        detail = "connection closed in the middle of the response headers";
    } else if (transport == GEN_TRANSPORT_TOO_LARGE) {
        detail = "the answer is larger than the limit";
    } else if (t->write_failure == GEN_ENOMEM) {
        detail = "out of memory for the answer";
    } else if (result != CURLE_OK) {
        detail = t->curl_error[0] ? t->curl_error : curl_easy_strerror(result);
    }
    long status = 0;
    long n_connects = 1;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &n_connects);
    t->status = (int)status;
    t->reused_connection =
        n_connects == 0 && transport != GEN_TRANSPORT_RESOLVE && transport != GEN_TRANSPORT_CONNECT;
    if (t->body.n)
        (void)gen_secret_mask(t->key, t->body.data, t->body.n);
    if (t->head_text.n)
        (void)gen_secret_mask(t->key, t->head_text.data, t->head_text.n);
    gen_transfer_give_up(t, transport, detail, now_us);
}

void gen_transfer_stall(struct gen_transfer *t, uint64_t now_us)
{
    (void)snprintf(t->curl_error, sizeof(t->curl_error),
                   "the server sent nothing for %" PRIu64 " ms in the middle of its answer",
                   t->stall_ms);
    gen_transfer_finish(t, CURLE_OPERATION_TIMEDOUT, now_us);
}

struct gen_http_response gen_transfer_response(const struct gen_transfer *t)
{
    struct gen_http_response r = {.transport = t->transport,
                                  .status = t->status,
                                  .body = gen_buf_str(&t->body),
                                  .reused_connection = t->reused_connection,
                                  .streamed = t->streamed,
                                  .latency_us = t->latency_us,
                                  .detail = t->detail};
    for (size_t i = 0; i < GEN_N_HEADERS; i++)
        r.headers[i] = header_value(t, (enum gen_header)i);
    return r;
}

static void reuse(struct gen_buf *b)
{
    if (b->capacity > KEPT_BYTES_MAX)
        gen_buf_release(b);
    gen_buf_clear(b);
}

void gen_transfer_reset(struct gen_transfer *t)
{
    reuse(&t->request_body);
    reuse(&t->body);
    gen_buf_clear(&t->head_text);
    memset(t->heads, 0, sizeof(t->heads));
    t->state = GEN_TRANSFER_FREE;
    t->shard = NULL;
    t->host = NULL;
    t->next = NULL;
    t->fn = NULL;
    t->ud = NULL;
    t->key = NULL;
    t->on_data = NULL;
    t->streamed = false;
    t->n_streamed = 0;
    t->stall_ms = 0;
    t->head_complete = false;
    t->write_failure = GEN_OK;
    t->transport = GEN_TRANSPORT_OK;
    t->status = 0;
    t->reused_connection = false;
    t->detail = "";
    t->curl_error[0] = '\0';
}
