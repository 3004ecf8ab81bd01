/*
 * floor: what the HTTP work of the program costs at least on this machine. It sends one JSON body
 * again and again to a fakellm and keeps a number of requests in flight; nothing is parsed,
 * committed or written. Its CPU time a request is the limit that the program is measured against.
 * With --stream it asks for server-sent events and only receives them: no event is looked at.
 *
 * curl's multi interface on libuv, split over several multi handles, because curl 7.88 searches
 * the connection cache of one handle linearly (design.md, section 3). Sockets stay registered with
 * epoll between the requests of a connection: curl's own "remove" and "add" would cost two system
 * calls a request.
 */
#include <curl/curl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#define SHARDS_MAX 64

struct floor;

struct shard {
    struct floor *floor;
    CURLM *multi;
    uv_timer_t timer;
    bool dirty; /* curl ran and may have finished transfers */
};

/* One registered socket; lives from curl's first interest until curl closes it. */
struct watched {
    uv_poll_t poll;
    struct shard *shard;
    curl_socket_t fd;
    int events;  /* what libuv polls for */
    bool wanted; /* false: the connection idles in curl's cache */
};

struct slot {
    struct shard *shard;
    CURL *easy;
    char *body;
    size_t len;
    size_t cap;
};

struct floor {
    const char *url;
    uint64_t n_requests;
    size_t n_slots;
    size_t n_shards;
    size_t body_bytes;
    bool is_stream;
    uv_loop_t loop;
    uv_check_t check;
    struct shard shards[SHARDS_MAX];
    struct slot *slots;
    struct watched **watched; /* by descriptor */
    size_t n_watched;
    struct curl_slist *headers;
    char *request;
    uint64_t n_started;
    uint64_t n_done;
    uint64_t n_errors;
    uint64_t bytes;
    bool failed;
};

/* ---- sockets -----------------------------------------------------------------------------------
 */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void run_socket(struct shard *shard, curl_socket_t fd, int flags)
{
    int running = 0;
    shard->dirty = true;
    if (curl_multi_socket_action(shard->multi, fd, flags, &running) != CURLM_OK) {
        shard->floor->failed = true;
        uv_stop(&shard->floor->loop);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct watched *w = handle->data;
    if (!w->wanted) {
        /* the server closed an idle connection; curl finds out when it wants to use it */
        (void)uv_poll_stop(handle);
        w->events = 0;
        return;
    }
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    run_socket(w->shard, w->fd, flags);
}

static struct watched *watch_socket(struct shard *shard, curl_socket_t fd)
{
    struct floor *f = shard->floor;
    if ((size_t)fd >= f->n_watched) {
        size_t n = ((size_t)fd + 1) * 2;
        struct watched **grown = realloc(f->watched, n * sizeof(struct watched *));
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + f->n_watched, 0, (n - f->n_watched) * sizeof(struct watched *));
        f->watched = grown;
        f->n_watched = n;
    }
    if (f->watched[fd] != NULL) {
        return f->watched[fd];
    }
    struct watched *w = calloc(1, sizeof(*w));
    if (w == NULL || uv_poll_init_socket(&f->loop, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->shard = shard;
    w->fd = fd;
    f->watched[fd] = w;
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct shard *shard = user;
    struct watched *w = socket_user;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            w->wanted = false;
        }
        return 0;
    }
    if (w == NULL) {
        w = watch_socket(shard, fd);
        if (w == NULL || curl_multi_assign(shard->multi, fd, w) != CURLM_OK) {
            return -1;
        }
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    w->wanted = true;
    if (w->events != events) {
        w->events = events;
        return uv_poll_start(&w->poll, events, on_poll);
    }
    return 0;
}

static int on_close_socket(void *user, curl_socket_t fd)
{
    struct floor *f = user;
    if ((size_t)fd < f->n_watched && f->watched[fd] != NULL) {
        uv_close((uv_handle_t *)&f->watched[fd]->poll, on_closed);
        f->watched[fd] = NULL;
    }
    return close(fd);
}

static void on_timer(uv_timer_t *timer)
{
    run_socket(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
    struct shard *shard = user;
    (void)multi;
    if (timeout_ms < 0) {
        return uv_timer_stop(&shard->timer);
    }
    return uv_timer_start(&shard->timer, on_timer, (uint64_t)timeout_ms, 0);
}

/* ---- transfers ---------------------------------------------------------------------------------
 */

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct slot *slot = user;
    size_t bytes = size * n;
    if (slot->cap - slot->len < bytes) {
        size_t cap = (slot->len + bytes) * 2;
        char *grown = realloc(slot->body, cap);
        if (grown == NULL) {
            return 0;
        }
        slot->body = grown;
        slot->cap = cap;
    }
    memcpy(slot->body + slot->len, data, bytes);
    slot->len += bytes;
    return bytes;
}

static void start(struct slot *slot)
{
    struct floor *f = slot->shard->floor;
    if (f->n_started >= f->n_requests) {
        return;
    }
    f->n_started++;
    slot->len = 0;
    if (curl_multi_add_handle(slot->shard->multi, slot->easy) != CURLM_OK) {
        f->failed = true;
        uv_stop(&f->loop);
    }
}

static void finish(struct shard *shard, CURL *easy, CURLcode result)
{
    struct floor *f = shard->floor;
    struct slot *slot = NULL;
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_multi_remove_handle(shard->multi, easy);
    f->n_errors += result != CURLE_OK || status != 200;
    f->bytes += slot->len;
    f->n_done++;
    if (f->n_done == f->n_requests) {
        uv_stop(&f->loop);
    }
    start(slot);
}

/* Once a loop turn, after all sockets were served. */
static void on_check(uv_check_t *check)
{
    struct floor *f = check->data;
    for (size_t i = 0; i < f->n_shards; i++) {
        struct shard *shard = &f->shards[i];
        CURLMsg *message = NULL;
        int left = 0;
        if (!shard->dirty) {
            continue;
        }
        shard->dirty = false;
        while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
            if (message->msg == CURLMSG_DONE) {
                finish(shard, message->easy_handle, message->data.result);
            }
        }
    }
}

static bool set_up_slot(struct floor *f, size_t i)
{
    struct slot *slot = &f->slots[i];
    slot->shard = &f->shards[i % f->n_shards];
    CURL *e = slot->easy = curl_easy_init();
    return e != NULL && curl_easy_setopt(e, CURLOPT_URL, f->url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)f->body_bytes) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDS, f->request) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 600000L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, f) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PRIVATE, slot) == CURLE_OK;
}

static bool set_up_shard(struct floor *f, size_t i)
{
    struct shard *shard = &f->shards[i];
    long cache = (long)(f->n_slots / f->n_shards + 16);
    shard->floor = f;
    shard->timer.data = shard;
    shard->multi = curl_multi_init();
    return shard->multi != NULL && uv_timer_init(&f->loop, &shard->timer) == 0 &&
           curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timeout) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, cache) == CURLM_OK;
}

/* ---- the request -------------------------------------------------------------------------------
 */

static const char whole_start[] = "{\"model\":\"fake-model\",\"stream\":false,";
static const char stream_start[] = "{\"model\":\"fake-model\",\"stream\":true,"
                                   "\"stream_options\":{\"include_usage\":true},";
static const char request_head[] =
    "\"messages\":[{\"role\":\"system\",\"content\":"
    "\"You write question and answer pairs.\"},{\"role\":\"user\",\"content\":"
    "\"=== source 1a2b3c4d ===\\n";
static const char request_tail[] =
    "\\n=== end of source 1a2b3c4d ===\\nWrite up to 4 pairs.\"}],\"format\":{\"type\":\"object\","
    "\"properties\":{\"usable\":{\"type\":\"string\"},\"pairs\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"evidence\":{\"type\":"
    "\"string\"},\"question\":{\"type\":\"string\"},\"answer\":{\"type\":\"string\"}}}}}}}";

/* A request like the program's: rules, a fenced source, a tail, the schema of the answer. */
static bool make_request(struct floor *f)
{
    const char *begin = f->is_stream ? stream_start : whole_start;
    size_t fixed = strlen(begin) + strlen(request_head) + strlen(request_tail);
    size_t fill = f->body_bytes > fixed ? f->body_bytes - fixed : 0;
    char *p = malloc(fixed + fill + 1);
    if (p == NULL) {
        return false;
    }
    f->request = p;
    f->body_bytes = fixed + fill;
    memcpy(p, begin, strlen(begin));
    p += strlen(begin);
    memcpy(p, request_head, strlen(request_head));
    p += strlen(request_head);
    for (size_t at = 0, i = 0; at < fill; i++) {
        char sentence[128];
        int n = snprintf(sentence, sizeof(sentence),
                         "Journal number %zu keeps every answer until the writer confirms "
                         "segment %zu. ",
                         i, i * 7);
        size_t take = (size_t)n < fill - at ? (size_t)n : fill - at;
        memcpy(p + at, sentence, take);
        at += take;
    }
    memcpy(p + fill, request_tail, sizeof(request_tail));
    return true;
}

static bool read_number(const char **at, uint64_t *out)
{
    const char *p = *at;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (p == *at) {
        return false;
    }
    *at = p;
    *out = value;
    return true;
}

/* ---- figures -----------------------------------------------------------------------------------
 */

struct cpu {
    uint64_t user_us, sys_us;
};

static struct cpu cpu_now(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    return (struct cpu){(uint64_t)(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec),
                        (uint64_t)(usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec)};
}

/* The server's CPU time so far by GET /fake/stats; 0 if the server is no fakellm. */
static uint64_t server_cpu_us(const struct floor *f)
{
    struct slot reply = {0};
    char url[512];
    char end = '\0';
    uint64_t value = 0;
    const char *host = strstr(f->url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    int n = snprintf(url, sizeof(url), "%.*s/fake/stats",
                     path == NULL ? (int)strlen(f->url) : (int)(path - f->url), f->url);
    CURL *e = n > 0 && (size_t)n < sizeof(url) ? curl_easy_init() : NULL;
    if (e != NULL && curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
        curl_easy_setopt(e, CURLOPT_WRITEDATA, &reply) == CURLE_OK &&
        curl_easy_perform(e) == CURLE_OK && on_body(&end, 1, 1, &reply) == 1) {
        const char *at = strstr(reply.body, "\"cpu_us\":");
        at = at == NULL ? "" : at + strlen("\"cpu_us\":");
        if (!read_number(&at, &value)) {
            value = 0;
        }
    }
    curl_easy_cleanup(e);
    free(reply.body);
    return value;
}

static void print_figures(const struct floor *f, double seconds, struct cpu own, uint64_t server)
{
    struct rusage usage = {0};
    double n = f->n_done == 0 ? 1.0 : (double)f->n_done;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("{\"requests\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"in_flight\":%zu,"
                 "\"multi_handles\":%zu,\"request_bytes\":%zu,\"answer_bytes\":%.0f,"
                 "\"seconds\":%.3f,\"rps\":%.1f,\"cpu_us_per_request\":%.1f,"
                 "\"user_us_per_request\":%.1f,\"sys_us_per_request\":%.1f,"
                 "\"server_cpu_us_per_request\":%.1f,\"peak_rss_kb\":%ld}\n",
                 f->n_done, f->n_errors, f->n_slots, f->n_shards, f->body_bytes,
                 (double)f->bytes / n, seconds, n / seconds, (double)(own.user_us + own.sys_us) / n,
                 (double)own.user_us / n, (double)own.sys_us / n, (double)server / n,
                 usage.ru_maxrss);
}

/* ---- the run -----------------------------------------------------------------------------------
 */

static bool set_up(struct floor *f)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    f->slots = calloc(f->n_slots, sizeof(*f->slots));
    f->headers = curl_slist_append(NULL, "Content-Type: application/json");
    f->check.data = f;
    bool ok = f->slots != NULL && f->headers != NULL && make_request(f) &&
              uv_loop_init(&f->loop) == 0 && uv_check_init(&f->loop, &f->check) == 0 &&
              uv_check_start(&f->check, on_check) == 0;
    for (size_t i = 0; ok && i < f->n_shards; i++) {
        ok = set_up_shard(f, i);
    }
    for (size_t i = 0; ok && i < f->n_slots; i++) {
        ok = set_up_slot(f, i);
    }
    return ok;
}

static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void tear_down(struct floor *f)
{
    for (size_t i = 0; f->slots != NULL && i < f->n_slots; i++) {
        struct slot *slot = &f->slots[i];
        if (slot->easy != NULL && slot->shard->multi != NULL) {
            (void)curl_multi_remove_handle(slot->shard->multi, slot->easy);
        }
        curl_easy_cleanup(slot->easy);
        free(slot->body);
    }
    for (size_t i = 0; i < f->n_shards; i++) {
        (void)curl_multi_cleanup(f->shards[i].multi);
    }
    uv_walk(&f->loop, close_handle, NULL);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&f->loop);
    curl_slist_free_all(f->headers);
    free(f->watched);
    free(f->slots);
    free(f->request);
}

static int run(struct floor *f)
{
    if (!set_up(f)) {
        (void)fprintf(stderr, "floor: cannot set up\n");
        return 1;
    }
    uint64_t server = server_cpu_us(f);
    struct cpu begun = cpu_now();
    uint64_t begin = uv_hrtime();
    for (size_t i = 0; i < f->n_slots; i++) {
        start(&f->slots[i]);
    }
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    double seconds = (double)(uv_hrtime() - begin) / 1e9;
    struct cpu own = cpu_now();
    own.user_us -= begun.user_us;
    own.sys_us -= begun.sys_us;
    server = server_cpu_us(f) - server;
    print_figures(f, seconds, own, server);
    return f->failed || f->n_errors > 0 ? 1 : 0;
}

static bool parse_size(const char *text, size_t max, size_t *out)
{
    uint64_t value = 0;
    if (!read_number(&text, &value) || *text != '\0' || value == 0 || value > max) {
        return false;
    }
    *out = (size_t)value;
    return true;
}

static bool parse_options(int argc, char **argv, struct floor *f)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},
        {"requests", required_argument, NULL, 'n'},
        {"in-flight", required_argument, NULL, 'k'},
        {"body-bytes", required_argument, NULL, 'b'},
        {"multi-handles", required_argument, NULL, 'm'},
        {"stream", no_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int id = 0;
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        size_t value = 0;
        if (id == 'u') {
            f->url = optarg;
            continue;
        }
        if (id == 's') {
            f->is_stream = true;
            continue;
        }
        if (id == '?' || !parse_size(optarg, id == 'm' ? SHARDS_MAX : 100000000, &value)) {
            return false;
        }
        f->n_requests = id == 'n' ? value : f->n_requests;
        f->n_slots = id == 'k' ? value : f->n_slots;
        f->body_bytes = id == 'b' ? value : f->body_bytes;
        f->n_shards = id == 'm' ? value : f->n_shards;
    }
    return optind == argc && f->url != NULL;
}

int main(int argc, char **argv)
{
    struct floor *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return 1;
    }
    f->n_requests = 20000;
    f->n_slots = 1024;
    f->n_shards = 8;
    f->body_bytes = 6000;
    if (!parse_options(argc, argv, f)) {
        (void)fprintf(stderr, "usage: floor --url http://127.0.0.1:PORT/api/chat [--requests N] "
                              "[--in-flight N] [--body-bytes N] [--multi-handles N] [--stream]\n");
        free(f);
        return 2;
    }
    int status = 1;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        status = run(f);
        tear_down(f);
        curl_global_cleanup();
    }
    free(f);
    return status;
}
