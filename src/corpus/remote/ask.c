#include "corpus/remote/ask.h"

#include "corpus/remote/refusal.h"
#include "net/retry_after.h"
#include "os/thread.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ATTEMPTS_MAX         5U
#define ATTEMPTS_CONNECT_MAX 3U
#define BACKOFF_MS           200U
#define WAIT_MS_MAX          30000U
#define TIMEOUT_MS           60000U
#define REDIRECTS_MAX        5U
#define IN_FLIGHT_MAX        64U
#define ETAG_BYTES_MAX       256U
#define HEADERS_MAX          6U
#define REFUSAL_BYTES_MAX    ((size_t)64 << 10)
/* SHA-256 of nothing. */
#define EMPTY_HASH                                                                                 \
    "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct gen_asker {
    struct gen_place *place;
    struct gen_loop *loop;
    struct gen_http *http;
    struct gen_bell *bell;
    struct gen_asker_options o;
    struct gen_asker_counts counts;
    atomic_bool is_canceled;
    bool is_stopped;           /* somebody asked the loop to return */
    struct gen_ask *abandoned; /* freed by their callbacks, or with the asker */
};

struct gen_ask {
    struct gen_asker *asker;
    char *path;
    char *query;
    char *name;            /* for messages */
    struct gen_question q; /* its texts are those around it */
    struct gen_buf etag;
    struct gen_buf direct;
    struct gen_buf url;
    unsigned n_attempts, n_redirects;
    bool has_moved;
    struct gen_timer *timer;
    struct gen_transfer *transfer; /* under way */
    bool is_abandoned;
    struct gen_ask *next, **link; /* among the abandoned ones */
    bool is_done;
    int rc;
    struct gen_error error;
    struct gen_answer answer;
    struct gen_buf body, got_etag, type;
};

static void send(struct gen_ask *q);
static void destroy(struct gen_ask *q);

/* -- the asker -- */

static void wake(void *ud)
{
    struct gen_asker *a = ud;
    a->is_stopped = true;
    gen_loop_stop(a->loop);
}

int gen_asker_new(struct gen_asker **out, struct gen_place *place,
                  const struct gen_asker_options *options, struct gen_error *err)
{
    struct gen_asker *a = calloc(1, sizeof(*a));
    if (!a)
        return gen_nomem(err, "a reader of remote files");
    a->place = place;
    if (options)
        a->o = *options;
    if (a->o.backoff_ms == 0)
        a->o.backoff_ms = BACKOFF_MS;
    if (a->o.timeout_ms == 0)
        a->o.timeout_ms = TIMEOUT_MS;
    if (a->o.n_attempts_max == 0)
        a->o.n_attempts_max = ATTEMPTS_MAX;
    atomic_init(&a->is_canceled, false);
    const struct gen_http_options http = {.in_flight_max = IN_FLIGHT_MAX, .n_shards = 1};
    int rc = gen_loop_new(&a->loop, err);
    if (rc == GEN_OK)
        rc = gen_http_new(&a->http, a->loop, &http, err);
    if (rc == GEN_OK)
        rc = gen_bell_new(&a->bell, a->loop, wake, a, err);
    if (rc) {
        gen_asker_free(a);
        return rc;
    }
    *out = a;
    return GEN_OK;
}

void gen_asker_free(struct gen_asker *a)
{
    if (!a)
        return;
    gen_http_free(a->http);
    while (a->abandoned) {
        struct gen_ask *q = a->abandoned;
        a->abandoned = q->next;
        destroy(q);
    }
    gen_bell_free(a->bell);
    gen_loop_free(a->loop);
    free(a);
}

void gen_asker_mute(struct gen_asker *a)
{
    a->o.log = NULL;
}

const struct gen_asker_counts *gen_asker_counts(const struct gen_asker *a)
{
    return &a->counts;
}

void gen_asker_cancel(struct gen_asker *a)
{
    atomic_store(&a->is_canceled, true);
    gen_bell_ring(a->bell);
}

void gen_asker_resume(struct gen_asker *a)
{
    atomic_store(&a->is_canceled, false);
}

/* -- one question -- */

static void destroy(struct gen_ask *q)
{
    gen_timer_free(q->timer);
    free(q->path);
    free(q->query);
    free(q->name);
    gen_buf_release(&q->etag);
    gen_buf_release(&q->direct);
    gen_buf_release(&q->url);
    gen_buf_release(&q->body);
    gen_buf_release(&q->got_etag);
    gen_buf_release(&q->type);
    free(q);
}

void gen_ask_free(struct gen_ask *q)
{
    if (!q)
        return;
    if (!q->transfer) {
        destroy(q);
        return;
    }
    q->is_abandoned = true;
    q->next = q->asker->abandoned;
    q->link = &q->asker->abandoned;
    if (q->next)
        q->next->link = &q->next;
    *q->link = q;
    gen_http_cancel(q->transfer);
}

static void end(struct gen_ask *q, int rc)
{
    q->rc = rc;
    q->is_done = true;
    wake(q->asker);
}

static void on_retry(void *ud)
{
    send(ud);
}

static bool may_help(const struct gen_asker *a, const struct gen_http_response *r,
                     unsigned n_attempts)
{
    if (n_attempts >= a->o.n_attempts_max)
        return false;
    switch (r->transport) {
    case GEN_TRANSPORT_OK:
        return r->status == 408 || r->status == 429 || r->status >= 500;
    case GEN_TRANSPORT_RESOLVE:
    case GEN_TRANSPORT_CONNECT:
        return n_attempts < ATTEMPTS_CONNECT_MAX;
    case GEN_TRANSPORT_TIMEOUT:
    case GEN_TRANSPORT_RESET:
        return true;
    default:
        return false;
    }
}

static void try_later(struct gen_ask *q, const struct gen_http_response *r)
{
    const struct gen_asker *a = q->asker;
    uint64_t asked_ms = 0;
    uint64_t wait_ms = a->o.backoff_ms << (q->n_attempts - 1);
    /* Many machines that met the same trouble shall not come back at the same moment. */
    wait_ms += gen_loop_now_us() % (wait_ms / 2 + 1);
    if (gen_retry_after(r->headers[GEN_HEADER_RETRY_AFTER_MS], r->headers[GEN_HEADER_RETRY_AFTER],
                        gen_time_unix_us() / 1000, &asked_ms) &&
        asked_ms > wait_ms)
        wait_ms = asked_ms;
    if (wait_ms > WAIT_MS_MAX)
        wait_ms = WAIT_MS_MAX;
    gen_log(a->o.log, GEN_LOG_DEBUG, "remote_retry", "%s: %s %d, again in %" PRIu64 " ms", q->name,
            gen_transport_name(r->transport), r->status, wait_ms);
    if (!q->timer && gen_timer_new(&q->timer, a->loop, on_retry, q, &q->error) != GEN_OK) {
        end(q, GEN_ENOMEM);
        return;
    }
    gen_timer_start(q->timer, wait_ms, 0);
}

/* Amazon names the right region in a header, or in the error. */
static bool moves(struct gen_ask *q, const struct gen_http_response *r)
{
    struct gen_place *p = q->asker->place;
    struct gen_s3_error said = {.code = ""};
    if (!p->is_s3 || q->has_moved ||
        !(r->status == 301 || r->status == 307 || r->status == 400 || r->status == 403))
        return false;
    struct gen_str region = r->headers[GEN_HEADER_BUCKET_REGION];
    if (region.n == 0) {
        gen_s3_error_read(&said, r->body);
        region = gen_str_from(said.region);
    }
    if (region.n == 0 || gen_str_is(region, p->region))
        return false;
    char named[64];
    (void)snprintf(named, sizeof(named), "%.*s", GEN_STR_ARG(region));
    if (gen_place_move(p, gen_str_from(named), NULL) != GEN_OK)
        return false;
    q->has_moved = true;
    gen_log(q->asker->o.log, p->has_region ? GEN_LOG_WARN : GEN_LOG_INFO, "bucket_region",
            "%s is in the region %s: it is asked there", p->root, named);
    return true;
}

static bool is_secure(struct gen_str url)
{
    return gen_str_starts(url, GEN_STR("https://"));
}

/* Where a redirect of a web server leads. */
static bool is_redirected(struct gen_ask *q, const struct gen_http_response *r)
{
    struct gen_str location = r->headers[GEN_HEADER_LOCATION];
    struct gen_buf target = gen_buf_make(GEN_URL_BYTES_MAX);
    bool ok = !q->asker->place->is_s3 && location.n && q->n_redirects < REDIRECTS_MAX &&
              (r->status == 301 || r->status == 302 || r->status == 303 || r->status == 307 ||
               r->status == 308) &&
              gen_url_join(&target, q->url.data, location, NULL) == GEN_OK &&
              (is_secure(gen_buf_str(&target)) || !is_secure(gen_buf_str(&q->url)));
    gen_buf_release(&q->direct);
    if (ok) {
        q->n_redirects++;
        q->direct = target;
    } else {
        gen_buf_release(&target);
        q->direct = gen_buf_make(GEN_URL_BYTES_MAX);
    }
    return ok;
}

static bool take_number(struct gen_str *s, uint64_t *out)
{
    size_t i = 0;
    uint64_t n = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s->p[i] - '0'), &n))
            return false;
    }
    *s = gen_str_sub(*s, i, s->n);
    *out = n;
    return i > 0;
}

static bool take_text(struct gen_str *s, const char *text)
{
    struct gen_str wanted = gen_str_from(text);
    if (!gen_str_starts(*s, wanted))
        return false;
    *s = gen_str_sub(*s, wanted.n, s->n);
    return true;
}

/* "bytes 0-99/1234" and, of a 416, "bytes * /1234" without the blank (RFC 9110, 14.4). */
static void read_range(struct gen_answer *a, struct gen_str value)
{
    uint64_t last = 0;
    struct gen_str none = value;
    if (take_text(&none, "bytes */") && take_number(&none, &a->total) && none.n == 0) {
        a->has_range = true;
        return;
    }
    a->has_range = take_text(&value, "bytes ") && take_number(&value, &a->first) &&
                   take_text(&value, "-") && take_number(&value, &last) && take_text(&value, "/") &&
                   take_number(&value, &a->total) && value.n == 0 && last >= a->first &&
                   last < a->total;
    a->n = a->has_range ? last - a->first + 1 : 0;
}

/* That the bytes are those that were asked for. */
static int check_range(struct gen_ask *q)
{
    const struct gen_answer *a = &q->answer;
    const struct gen_question *w = &q->q;
    if (a->status != 206)
        return GEN_OK;
    bool fits = a->has_range && a->n == q->body.n && w->n > 0;
    if (fits && w->is_tail)
        fits = a->first + a->n == a->total && (a->n == w->n || a->first == 0);
    else if (fits)
        fits = a->first == w->first && a->n == w->n;
    if (fits)
        return GEN_OK;
    return gen_fail(&q->error, GEN_EINPUT,
                    "%s: the server sends another part of the file than was asked for (%zu bytes, "
                    "Content-Range from %" PRIu64 " of %" PRIu64 "): a proxy or a server that does "
                    "range requests wrongly",
                    q->name, q->body.n, a->first, a->total);
}

/* A file of a table never changes; one that does must not be pieced together from two. */
static int check_etag(struct gen_ask *q)
{
    struct gen_str had = gen_buf_str(&q->etag);
    struct gen_str got = gen_buf_str(&q->got_etag);
    bool is_other = q->answer.status == 412 || (had.n && got.n && !gen_str_eq(had, got));
    if (!had.n || !is_other ||
        (q->answer.status != 206 && q->answer.status != 412 && q->answer.status != 200))
        return GEN_OK;
    return gen_fail(&q->error, GEN_EINPUT,
                    "%s: the file was changed while it was read (its ETag is another one): run the "
                    "command again",
                    q->name);
}

static int keep(struct gen_ask *q, const struct gen_http_response *r)
{
    q->answer.status = r->status;
    int rc = gen_buf_add_str(&q->body, r->body, &q->error);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&q->got_etag, r->headers[GEN_HEADER_ETAG], &q->error);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&q->type, r->headers[GEN_HEADER_CONTENT_TYPE], &q->error);
    if (rc)
        return rc;
    read_range(&q->answer, r->headers[GEN_HEADER_CONTENT_RANGE]);
    rc = check_etag(q);
    return rc ? rc : check_range(q);
}

static bool is_answer(const struct gen_ask *q, const struct gen_http_response *r)
{
    if (r->transport != GEN_TRANSPORT_OK)
        return false;
    switch (r->status) {
    case 200:
    case 206:
    case 410:
    case 412:
    case 416:
        return true;
    case 404: {
        struct gen_s3_error said = {.code = ""};
        if (q->asker->place->is_s3)
            gen_s3_error_read(&said, r->body);
        return strcmp(said.code, "NoSuchBucket") != 0;
    }
    case 401:
    case 403:
        return q->q.tolerates_refusal;
    default:
        return false;
    }
}

/* The place to which a redirect led may be good for some minutes only. */
static bool is_stale(struct gen_ask *q, const struct gen_http_response *r)
{
    if (!q->q.direct || r->transport != GEN_TRANSPORT_OK || r->status < 400 || r->status == 412 ||
        r->status == 416 || r->status == 429 || r->status >= 500)
        return false;
    q->q.direct = NULL;
    gen_buf_clear(&q->direct);
    return true;
}

static void on_answer(void *ud, const struct gen_http_response *r)
{
    struct gen_ask *q = ud;
    q->transfer = NULL;
    q->asker->counts.n_bytes += r->body.n;
    if (q->is_abandoned) {
        *q->link = q->next;
        if (q->next)
            q->next->link = q->link;
        destroy(q);
        return;
    }
    if (r->transport == GEN_TRANSPORT_OK &&
        (is_stale(q, r) || moves(q, r) ||
         (r->status >= 300 && r->status < 400 && is_redirected(q, r)))) {
        q->n_attempts--; /* it is another question, not the same again */
        send(q);
        return;
    }
    if (is_answer(q, r))
        end(q, keep(q, r));
    else if (may_help(q->asker, r, q->n_attempts))
        try_later(q, r);
    else
        end(q, gen_refusal(q->asker->place, q->name, r, q->n_attempts, &q->error));
}

/* -- sending -- */

static int make_url(struct gen_ask *q)
{
    if (q->direct.n == 0)
        return gen_place_url(q->asker->place, q->path, q->query, &q->url, &q->error);
    gen_buf_clear(&q->url);
    return gen_buf_add_str(&q->url, gen_buf_str(&q->direct), &q->error);
}

struct lines {
    const char *list[HEADERS_MAX];
    size_t n;
    char range[80];
    char match[ETAG_BYTES_MAX + 16];
};

static void make_lines(const struct gen_ask *q, struct lines *l)
{
    const struct gen_question *w = &q->q;
    *l = (struct lines){.n = 0};
    l->list[l->n++] = "Accept-Encoding: identity";
    if (w->n) {
        if (w->is_tail)
            (void)snprintf(l->range, sizeof(l->range), "Range: bytes=-%" PRIu64, w->n);
        else
            (void)snprintf(l->range, sizeof(l->range), "Range: bytes=%" PRIu64 "-%" PRIu64,
                           w->first, w->first + w->n - 1);
        l->list[l->n++] = l->range;
    }
    /* A weak one never matches here (RFC 9110, 13.1.1); it is compared when the answer is there. */
    if (q->etag.n && q->etag.data[0] == '"') {
        (void)snprintf(l->match, sizeof(l->match), "If-Match: %s", q->etag.data);
        l->list[l->n++] = l->match;
    }
    if (q->asker->place->key_id)
        l->list[l->n++] = EMPTY_HASH;
}

static void send(struct gen_ask *q)
{
    struct gen_asker *a = q->asker;
    const struct gen_place *p = a->place;
    struct lines lines;
    int rc = make_url(q);
    if (rc) {
        end(q, rc);
        return;
    }
    make_lines(q, &lines);
    /* A refusal may be longer than the part; how long the part is, is checked when it is there. An
     * answer to HEAD names a length, too, and nothing comes. */
    size_t bytes_max = q->q.is_head ? SIZE_MAX : q->q.body_bytes_max;
    if (bytes_max < REFUSAL_BYTES_MAX)
        bytes_max = REFUSAL_BYTES_MAX;
    struct gen_http_request request = {
        .url = q->url.data,
        .method = q->q.is_head ? "HEAD" : NULL,
        .headers = lines.list,
        .timeout_ms = a->o.timeout_ms,
        .body_bytes_max = bytes_max,
    };
    if (p->key_id) {
        request.signature = &p->signature;
        request.key = p->token;
        request.auth_header = p->token ? "x-amz-security-token" : NULL;
    }
    q->n_attempts++;
    a->counts.n_requests++;
    rc = gen_http_send(a->http, &request, on_answer, q, &q->transfer, &q->error);
    if (rc)
        end(q, rc);
}

static int copy_texts(struct gen_ask *q, const struct gen_question *w, struct gen_error *err)
{
    int rc = GEN_OK;
    q->path = gen_str_dup(gen_str_from(w->path));
    q->name = gen_str_dup(gen_str_from(w->name ? w->name : w->path));
    if (w->query)
        q->query = gen_str_dup(gen_str_from(w->query));
    if (!q->path || !q->name || (w->query && !q->query))
        rc = gen_nomem(err, "a request");
    if (rc == GEN_OK && w->etag)
        rc = gen_buf_add_c(&q->etag, w->etag, err);
    if (rc == GEN_OK && w->direct)
        rc = gen_buf_add_c(&q->direct, w->direct, err);
    return rc;
}

int gen_ask_start(struct gen_asker *a, const struct gen_question *question, struct gen_ask **out,
                  struct gen_error *err)
{
    struct gen_ask *q = calloc(1, sizeof(*q));
    if (!q)
        return gen_nomem(err, "a request");
    q->asker = a;
    q->q = *question;
    q->etag = gen_buf_make(ETAG_BYTES_MAX);
    q->direct = gen_buf_make(GEN_URL_BYTES_MAX);
    q->url = gen_buf_make(2 * GEN_URL_BYTES_MAX);
    q->body = gen_buf_make(GEN_BUF_UNLIMITED);
    q->got_etag = gen_buf_make(GEN_BUF_UNLIMITED);
    q->type = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = copy_texts(q, question, err);
    if (rc) {
        destroy(q);
        return rc;
    }
    send(q);
    *out = q;
    return GEN_OK;
}

bool gen_ask_is_done(const struct gen_ask *q)
{
    return q->is_done;
}

static int run_until(struct gen_ask *q, struct gen_error *err)
{
    struct gen_asker *a = q->asker;
    while (!q->is_done) {
        if (atomic_load(&a->is_canceled))
            return gen_fail(err, GEN_ECANCELED, "%s: reading was given up", q->name);
        a->is_stopped = false;
        int rc = gen_loop_run(a->loop, err);
        if (rc)
            return rc;
        if (!a->is_stopped)
            return gen_fail(err, GEN_ESTATE, "%s: the request got lost", q->name);
    }
    return GEN_OK;
}

int gen_ask_wait(struct gen_ask *q, struct gen_answer *out, struct gen_error *err)
{
    int rc = run_until(q, err);
    if (rc)
        return rc;
    if (q->rc) {
        if (err)
            *err = q->error;
        return q->rc;
    }
    *out = q->answer;
    out->body = gen_buf_str(&q->body);
    out->etag = gen_buf_str(&q->got_etag);
    out->content_type = gen_buf_str(&q->type);
    out->direct = gen_buf_str(&q->direct);
    return GEN_OK;
}

struct gen_buf gen_ask_take_body(struct gen_ask *q)
{
    struct gen_buf body = q->body;
    q->body = gen_buf_make(GEN_BUF_UNLIMITED);
    return body;
}
