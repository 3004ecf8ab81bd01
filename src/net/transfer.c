#include "net/transfer.h"

#include "net/response_header.h"

#include <stdlib.h>

#define URL_BYTES_MAX       16384U
#define REQUEST_BYTES_MAX   ((size_t)1 << 30)
#define HEAD_BYTES_MAX      8192U
#define KEPT_BYTES_MAX      65536U /* larger buffers are freed after use */
#define TIMEOUT_DEFAULT_MS  600000U
#define TIMEOUT_MS_MAX      (UINT64_C(20) * 24 * 3600 * 1000)
#define DNS_CACHE_S         600L
#define KEEPALIVE_S         30L
#define HTTP_IDLE_CLOSE_MS  3000U
#define HTTPS_IDLE_CLOSE_MS 118000U

/* From libcurl 8.1 on, HTTP/2 reports cut bodies and GOAWAY correctly. */
#define HTTP2_VERSION_MIN 0x080100U

static size_t on_body(char *data, size_t size, size_t n, void *ud)
{
    struct gen_transfer *t = ud;
    n *= size; /* size is 1 */
    t->write_failure = gen_buf_add(&t->body, data, n, NULL);
    return t->write_failure == GEN_OK ? n : 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *ud)
{
    struct gen_transfer *t = ud;
    n *= size;
    if (n > 5 && memcmp(data, "HTTP/", 5) == 0) {
        /* What a proxy or a "100 Continue" said before is not the answer. */
        memset(t->heads, 0, sizeof(t->heads));
        gen_buf_clear(&t->head_text);
        t->head_complete = false;
        return n;
    }
    if (data[0] == '\r' || data[0] == '\n') {
        t->head_complete = true;
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
    /* Ends an oversized answer at its Content-Length; on_body is the cap that always holds. */
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)limits->body_bytes_max);
    return rc;
}

int gen_transfer_new(struct gen_transfer **out, struct gen_http *http,
                     const struct gen_transfer_limits *limits, struct gen_error *err)
{
    struct gen_transfer *t = calloc(1, sizeof(*t));
    if (!t)
        return gen_nomem(err, "a transfer");
    t->http = http;
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
    SET(CURLOPT_ACCEPT_ENCODING, is_https ? "" : NULL);
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

static CURLcode set_method(struct gen_transfer *t, bool is_post)
{
    CURL *easy = t->easy;
    CURLcode rc = CURLE_OK;
    if (!t->setup.has_method || t->setup.is_post != is_post)
        SET(is_post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    t->setup.has_method = rc == CURLE_OK;
    t->setup.is_post = is_post;
    if (is_post) {
        SET(CURLOPT_POSTFIELDS, t->request_body.n ? t->request_body.data : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->request_body.n);
    }
    return rc;
}

int gen_transfer_prepare(struct gen_transfer *t, const struct gen_transfer_limits *limits,
                         const struct gen_http_request *request, struct gen_header_set *headers,
                         struct gen_error *err)
{
    CURL *easy = t->easy;
    CURLcode code = CURLE_OK;
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
    if (rc == GEN_OK && request->post)
        rc = gen_buf_add_str(&t->request_body, request->body, err);
    if (rc != GEN_OK)
        return rc;
    code = set_method(t, request->post);
    uint64_t timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_DEFAULT_MS;
    if (timeout_ms > TIMEOUT_MS_MAX)
        timeout_ms = TIMEOUT_MS_MAX;
    if (code == CURLE_OK && timeout_ms != t->setup.timeout_ms) {
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        t->setup.timeout_ms = code == CURLE_OK ? timeout_ms : 0;
    }
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
    gen_transfer_give_up(t, transport, detail, now_us);
}

struct gen_http_response gen_transfer_response(const struct gen_transfer *t)
{
    struct gen_http_response r = {.transport = t->transport,
                                  .status = t->status,
                                  .body = gen_buf_str(&t->body),
                                  .reused_connection = t->reused_connection,
                                  .latency_us = t->latency_us,
                                  .detail = t->detail};
    for (size_t i = 0; i < GEN_N_HEADERS; i++)
        r.headers[i] = gen_str_sub(gen_buf_str(&t->head_text), t->heads[i].offset, t->heads[i].n);
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
    t->head_complete = false;
    t->write_failure = GEN_OK;
    t->transport = GEN_TRANSPORT_OK;
    t->status = 0;
    t->reused_connection = false;
    t->detail = "";
    t->curl_error[0] = '\0';
}
