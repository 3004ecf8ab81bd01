#include "net/http.h"

#include "net/transfer.h"

#include <stdlib.h>

#define IN_FLIGHT_DEFAULT   1024U
#define IN_FLIGHT_MAX       1000000U
#define CONNECT_MS_DEFAULT  10000U
#define BODY_BYTES_DEFAULT  ((size_t)32 << 20)
#define SHARDS_MAX          64U
#define TRANSFERS_PER_SHARD 64U
#define CONNECTIONS_SPARE   8U /* of a shard, beyond its part of in_flight_max */
#define LONG_MS_MAX         (UINT64_C(20) * 24 * 3600 * 1000)
#define HOSTS_MAX           64U

struct gen_http {
    struct gen_loop *loop;
    struct gen_turn *turn;
    struct gen_shards shards;
    struct gen_stall_watch stalls;
    CURLSH *share; /* names and TLS sessions; no locks, there is one thread */
    struct gen_transfer_limits limits;
    struct gen_header_cache headers;
    struct gen_http_host *hosts;
    size_t n_hosts;

    struct gen_transfer **all;
    size_t n_all;
    size_t n_all_max;
    struct gen_transfer *free_list;
    struct gen_transfer *ended;
    struct gen_transfer **ended_tail;
    size_t n_in_flight; /* sent, callback not called yet */
};

const char *gen_transport_name(enum gen_transport t)
{
    static const char *const names[] = {
        [GEN_TRANSPORT_OK] = "ok",
        [GEN_TRANSPORT_RESOLVE] = "resolve",
        [GEN_TRANSPORT_CONNECT] = "connect",
        [GEN_TRANSPORT_TLS] = "tls",
        [GEN_TRANSPORT_TIMEOUT] = "timeout",
        [GEN_TRANSPORT_RESET] = "reset",
        [GEN_TRANSPORT_TOO_LARGE] = "too_large",
        [GEN_TRANSPORT_CANCELED] = "canceled",
        [GEN_TRANSPORT_OTHER] = "other",
    };
    return (size_t)t < sizeof(names) / sizeof(names[0]) ? names[t] : "other";
}

static void push_ended(struct gen_http *http, struct gen_transfer *t)
{
    t->next = NULL;
    *http->ended_tail = t;
    http->ended_tail = &t->next;
}

/* Takes what curl has ended out of the multi handles. */
static void collect(struct gen_http *http)
{
    CURL *easy = NULL;
    CURLcode result = CURLE_OK;
    uint64_t now_us = 0;
    while (gen_shards_next_ended(&http->shards, &easy, &result)) {
        char *private = NULL;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        struct gen_transfer *t = (struct gen_transfer *)(void *)private;
        if (now_us == 0)
            now_us = gen_loop_now_us();
        gen_shard_remove(t->shard, easy);
        t->shard = NULL;
        gen_transfer_finish(t, result, now_us);
        push_ended(http, t);
    }
}

/* Puts a prepared transfer into a multi handle; one that cannot be started ends at once. */
static void start(struct gen_http *http, struct gen_transfer *t)
{
    struct gen_shard *shard = gen_shards_pick(&http->shards);
    t->shard = shard;
    t->state = GEN_TRANSFER_RUNNING;
    if (gen_shard_add(shard, t->easy, NULL) == GEN_OK)
        return;
    t->shard = NULL;
    gen_transfer_give_up(t, GEN_TRANSPORT_OTHER, "out of memory for a transfer", t->start_us);
    push_ended(http, t);
}

static struct gen_transfer *take_waiting(struct gen_http_host *host)
{
    struct gen_transfer *t = host->waiting;
    if (!t)
        return NULL;
    host->waiting = t->next;
    if (!host->waiting)
        host->waiting_tail = &host->waiting;
    t->next = NULL;
    return t;
}

/* The prober has ended: whether its name is known now, and what becomes of those that wait. */
static void end_probe(struct gen_http *http, struct gen_transfer *prober)
{
    struct gen_http_host *host = prober->host;
    enum gen_transport how = prober->transport;
    prober->host = NULL;
    if (!host || host->prober != prober)
        return;
    host->prober = NULL;
    if (!host->is_known && (how == GEN_TRANSPORT_RESOLVE || how == GEN_TRANSPORT_TIMEOUT)) {
        struct gen_transfer *t;
        while ((t = take_waiting(host)) != NULL) {
            t->host = NULL;
            (void)memcpy(t->curl_error, prober->curl_error, sizeof(t->curl_error));
            gen_transfer_give_up(t, how, t->curl_error, gen_loop_now_us());
            push_ended(http, t);
        }
    } else if (!host->is_known && how == GEN_TRANSPORT_CANCELED) {
        host->prober = take_waiting(host);
        if (host->prober)
            start(http, host->prober);
    } else {
        host->is_known = true; /* over a kept connection of a proxy, say */
    }
}

/* Starts what waited for a name that is known now. */
static bool start_waiting(struct gen_http *http)
{
    bool started = false;
    for (struct gen_http_host *host = http->hosts; host; host = host->next) {
        struct gen_transfer *t;
        while (host->is_known && (t = take_waiting(host)) != NULL) {
            t->host = NULL;
            start(http, t);
            started = true;
        }
    }
    return started;
}

static void end_stalled(void *ud, struct gen_transfer *t)
{
    struct gen_http *http = ud;
    gen_shard_remove(t->shard, t->easy);
    t->shard = NULL;
    gen_transfer_stall(t, gen_loop_now_us());
    push_ended(http, t);
}

static void deliver(void *ud)
{
    struct gen_http *http = ud;
    gen_shards_run_due(&http->shards);
    collect(http);
    gen_stall_check(&http->stalls, end_stalled, http);
    while (http->ended) {
        struct gen_transfer *t = http->ended;
        http->ended = t->next;
        if (!http->ended)
            http->ended_tail = &http->ended;
        if (t->host)
            end_probe(http, t);
        struct gen_http_response response = gen_transfer_response(t);
        http->n_in_flight--;
        t->fn(t->ud, &response);
        gen_transfer_reset(t);
        t->next = http->free_list;
        http->free_list = t;
    }
}

/* Starts what the callbacks and the turn-end hook asked for, before the loop sleeps. */
static void flush(void *ud)
{
    struct gen_http *http = ud;
    do {
        gen_shards_run_due(&http->shards);
        collect(http);
    } while (start_waiting(http));
    if (http->ended)
        gen_loop_wake(http->loop);
    gen_shards_arm(&http->shards, http->n_in_flight > 0);
}

static size_t choose_shards(const struct gen_http_options *o)
{
    size_t n = o->n_shards ? o->n_shards
                           : (o->in_flight_max + TRANSFERS_PER_SHARD - 1) / TRANSFERS_PER_SHARD;
    return n < 1 ? 1 : n > SHARDS_MAX ? SHARDS_MAX : n;
}

static int init_share(struct gen_http *http, struct gen_error *err)
{
    http->share = curl_share_init();
    if (!http->share)
        return gen_nomem(err, "a curl share handle");
    CURLSHcode rc = curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    if (rc == CURLSHE_OK)
        rc = curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    if (rc != CURLSHE_OK)
        return gen_fail(err, GEN_EIO, "cannot set up curl: %s", curl_share_strerror(rc));
    return GEN_OK;
}

static struct gen_http_options with_defaults(const struct gen_http_options *options)
{
    struct gen_http_options o = options ? *options : (struct gen_http_options){0};
    if (o.in_flight_max == 0)
        o.in_flight_max = IN_FLIGHT_DEFAULT;
    if (o.in_flight_max > IN_FLIGHT_MAX)
        o.in_flight_max = IN_FLIGHT_MAX;
    if (o.connect_ms == 0)
        o.connect_ms = CONNECT_MS_DEFAULT;
    if (o.body_bytes_max == 0)
        o.body_bytes_max = BODY_BYTES_DEFAULT;
    if (o.connect_ms > LONG_MS_MAX)
        o.connect_ms = LONG_MS_MAX;
    if (o.idle_close_ms > LONG_MS_MAX)
        o.idle_close_ms = LONG_MS_MAX;
    return o;
}

int gen_http_new(struct gen_http **out, struct gen_loop *loop,
                 const struct gen_http_options *options, struct gen_error *err)
{
    struct gen_http_options o = with_defaults(options);
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        return gen_fail(err, GEN_EIO, "cannot start curl: %s", curl_easy_strerror(code));
    struct gen_http *http = calloc(1, sizeof(*http));
    if (!http) {
        curl_global_cleanup();
        return gen_nomem(err, "the HTTP client");
    }
    http->loop = loop;
    http->headers = gen_header_cache_make();
    http->ended_tail = &http->ended;
    size_t n_shards = choose_shards(&o);
    size_t connections_max = (o.in_flight_max + n_shards - 1) / n_shards + CONNECTIONS_SPARE;
    int rc = gen_shards_init(&http->shards, loop, n_shards, connections_max, err);
    if (rc == GEN_OK)
        rc = gen_stall_init(&http->stalls, loop, err);
    if (rc == GEN_OK)
        rc = init_share(http, err);
    if (rc == GEN_OK)
        rc = gen_turn_new(&http->turn, loop, deliver, flush, http, err);
    if (rc != GEN_OK) {
        gen_http_free(http);
        return rc;
    }
    http->limits = (struct gen_transfer_limits){.shards = &http->shards,
                                                .stalls = &http->stalls,
                                                .share = http->share,
                                                .connect_ms = o.connect_ms,
                                                .idle_close_ms = o.idle_close_ms,
                                                .body_bytes_max = o.body_bytes_max};
    *out = http;
    return GEN_OK;
}

void gen_http_free(struct gen_http *http)
{
    if (!http)
        return;
    gen_turn_free(http->turn);
    for (size_t i = 0; i < http->n_all; i++) {
        struct gen_transfer *t = http->all[i];
        if (t->shard)
            gen_shard_remove(t->shard, t->easy);
        gen_transfer_free(t);
    }
    gen_shards_release(&http->shards);
    gen_stall_release(&http->stalls);
    if (http->share)
        (void)curl_share_cleanup(http->share);
    while (http->hosts) {
        struct gen_http_host *next = http->hosts->next;
        free(http->hosts->name);
        free(http->hosts);
        http->hosts = next;
    }
    gen_header_cache_release(&http->headers);
    free(http->all);
    free(http);
    curl_global_cleanup();
}

/* From the pool, or a new one. */
static int take_transfer(struct gen_http *http, struct gen_transfer **out, struct gen_error *err)
{
    if (http->free_list) {
        *out = http->free_list;
        http->free_list = (*out)->next;
        (*out)->next = NULL;
        return GEN_OK;
    }
    if (http->n_all == http->n_all_max) {
        size_t n = http->n_all_max ? http->n_all_max * 2 : 64;
        struct gen_transfer **all = realloc(http->all, n * sizeof(struct gen_transfer *));
        if (!all)
            return gen_nomem(err, "a transfer");
        http->all = all;
        http->n_all_max = n;
    }
    int rc = gen_transfer_new(out, http, &http->limits, err);
    if (rc == GEN_OK)
        http->all[http->n_all++] = *out;
    return rc;
}

/* The entry of a host whose name must be looked up; NULL when it need not be, or when there are too
 * many. */
static struct gen_http_host *find_host(struct gen_http *http, struct gen_str name)
{
    for (struct gen_http_host *host = http->hosts; host; host = host->next)
        if (gen_str_eq_nocase(gen_str_from(host->name), name))
            return host;
    if (gen_host_is_numeric(name) || http->n_hosts == HOSTS_MAX)
        return NULL;
    struct gen_http_host *host = calloc(1, sizeof(*host));
    if (!host)
        return NULL;
    host->name = gen_str_dup(name);
    if (!host->name) {
        free(host);
        return NULL;
    }
    host->waiting_tail = &host->waiting;
    host->next = http->hosts;
    http->hosts = host;
    http->n_hosts++;
    return host;
}

static void start_or_wait(struct gen_http *http, struct gen_transfer *t, struct gen_str name)
{
    struct gen_http_host *host = find_host(http, name);
    if (!host || host->is_known) {
        start(http, t);
        return;
    }
    t->host = host;
    if (!host->prober) {
        host->prober = t;
        start(http, t);
        return;
    }
    t->state = GEN_TRANSFER_WAITING;
    *host->waiting_tail = t;
    host->waiting_tail = &t->next;
}

int gen_http_send(struct gen_http *http, const struct gen_http_request *request, gen_http_fn *fn,
                  void *ud, struct gen_transfer **out, struct gen_error *err)
{
    struct gen_str host = gen_url_host(gen_str_from(request->url));
    if (host.n == 0)
        return gen_fail(err, GEN_EUSAGE,
                        "'%.200s' is not a URL that starts with http:// or https://",
                        request->url ? request->url : "");
    struct gen_header_set *headers = NULL;
    int rc = gen_header_set_get(&headers, &http->headers, request, err);
    if (rc != GEN_OK)
        return rc;
    struct gen_transfer *t = NULL;
    rc = take_transfer(http, &t, err);
    if (rc != GEN_OK) {
        gen_header_set_drop(headers);
        return rc;
    }
    rc = gen_transfer_prepare(t, &http->limits, request, headers, err);
    if (rc != GEN_OK) {
        gen_transfer_reset(t);
        t->next = http->free_list;
        http->free_list = t;
        return rc;
    }
    t->fn = fn;
    t->ud = ud;
    t->start_us = gen_loop_now_us();
    http->n_in_flight++;
    start_or_wait(http, t, host);
    if (out)
        *out = t;
    return GEN_OK;
}

/* Takes a transfer out of the queue of its host. */
static void stop_waiting(struct gen_transfer *t)
{
    struct gen_http_host *host = t->host;
    struct gen_transfer **link = &host->waiting;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    if (host->waiting_tail == &t->next)
        host->waiting_tail = link;
    t->host = NULL;
}

void gen_http_cancel(struct gen_transfer *t)
{
    if (t->state == GEN_TRANSFER_RUNNING && t->shard) {
        gen_shard_remove(t->shard, t->easy);
        t->shard = NULL;
    } else if (t->state == GEN_TRANSFER_WAITING) {
        stop_waiting(t);
    } else {
        return; /* it has already ended */
    }
    gen_transfer_give_up(t, GEN_TRANSPORT_CANCELED, "canceled", gen_loop_now_us());
    push_ended(t->http, t);
}

size_t gen_http_in_flight(const struct gen_http *http)
{
    return http->n_in_flight;
}
