#include "fakellm.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT_BYTES  ((size_t)256 << 10)
#define FILLER_BYTES ((size_t)64 << 10)
#define N_EVENTS     512

enum conn_state {
    CONN_READING,
    CONN_WAITING, /* for its time */
    CONN_SENDING
};

struct fake_conn {
    int fd;
    enum conn_state state;
    bool unread; /* the kernel told of input that was not read yet */
    bool continued;
    bool in_wheel;
    uint64_t due_ms;
    struct fake_conn *timer_prev;
    struct fake_conn *timer_next;
    struct fake_conn *prev;
    struct fake_conn *next;
    struct fake_buf in; /* an incomplete request; empty for most */
    size_t need;        /* bytes of the request at the start of `in`, 0 = unknown */
    struct fake_reply reply;
    size_t sent;
    uint64_t hash;
    uint64_t n_requests;
    uint64_t start_us;
    bool stalled;
    char path[32];
};

static uint64_t clock_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U;
}

/* ---- timers: a hashed wheel of 1 ms slots ------------------------------------------------------
 */

static void timer_remove(struct fake_server *s, struct fake_conn *c)
{
    if (!c->in_wheel) {
        return;
    }
    if (c->timer_prev != NULL) {
        c->timer_prev->timer_next = c->timer_next;
    } else {
        s->wheel[c->due_ms % FAKE_WHEEL_SLOTS] = c->timer_next;
    }
    if (c->timer_next != NULL) {
        c->timer_next->timer_prev = c->timer_prev;
    }
    c->in_wheel = false;
    s->n_timers--;
}

static void timer_add(struct fake_server *s, struct fake_conn *c, unsigned delay_ms)
{
    timer_remove(s, c);
    uint64_t due = (s->now_us + (uint64_t)delay_ms * 1000U + 999U) / 1000U;
    c->due_ms = due > s->wheel_ms ? due : s->wheel_ms + 1;
    struct fake_conn **slot = &s->wheel[c->due_ms % FAKE_WHEEL_SLOTS];
    c->timer_prev = NULL;
    c->timer_next = *slot;
    if (*slot != NULL) {
        (*slot)->timer_prev = c;
    }
    *slot = c;
    c->in_wheel = true;
    s->n_timers++;
}

/* ---- listening ---------------------------------------------------------------------------------
 */

static bool watch(struct fake_server *s, int fd, uint32_t events, void *data)
{
    struct epoll_event e = {.events = events, .data.ptr = data};
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

static bool open_listener(struct fake_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
              bind(fd, (struct sockaddr *)&address, len) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    /* bound and not listening: the port is ours, and connecting is refused */
    if (ok && !s->config.refuse_all) {
        ok = listen(fd, 16384) == 0 && watch(s, fd, EPOLLIN, &s->listen_fd);
    }
    if (!ok) {
        (void)close(fd);
        return false;
    }
    s->port = ntohs(address.sin_port);
    s->listen_fd = fd;
    return true;
}

static void stop_listening(struct fake_server *s)
{
    if (s->listen_fd >= 0) {
        (void)close(s->listen_fd);
    }
    s->listen_fd = -1;
    s->listen_again_ms = s->now_us / 1000U + s->config.refuse_ms + 1;
}

/* ---- connections -------------------------------------------------------------------------------
 */

static void write_log(struct fake_server *s, const struct fake_conn *c, bool done)
{
    if (s->log == NULL) {
        return;
    }
    s->log_dirty = true;
    (void)fprintf(s->log,
                  "{\"seq\":%llu,\"ms\":%llu,\"took_ms\":%llu,\"hash\":\"%016llx\",\"nth\":%u,"
                  "\"path\":\"%s\",\"status\":%d,\"fault\":\"%s\",\"sent\":%zu,\"done\":%s}\n",
                  (unsigned long long)c->reply.number,
                  (unsigned long long)(c->start_us / 1000U - s->start_ms),
                  (unsigned long long)((s->now_us - c->start_us) / 1000U),
                  (unsigned long long)c->hash, c->reply.n_seen + 1, c->path, c->reply.status,
                  fake_fault_name(c->reply.fault), c->sent, done ? "true" : "false");
}

/* The request is over, answered or not. */
static void end_request(struct fake_server *s, struct fake_conn *c, bool done)
{
    if (c->reply.is_model) {
        s->stats.in_flight -= s->stats.in_flight > 0;
        s->stats.n_abandoned += !done;
        write_log(s, c, done);
    }
    s->stats.bytes_out += c->sent;
    free(c->reply.bytes);
    c->reply = (struct fake_reply){0};
    c->sent = 0;
    c->state = CONN_READING;
}

static void close_conn(struct fake_server *s, struct fake_conn *c)
{
    timer_remove(s, c);
    if (c->state != CONN_READING) {
        end_request(s, c, false);
    }
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        s->conns = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    (void)close(c->fd);
    fake_buf_release(&c->in);
    free(c);
    s->stats.connections--;
}

static void accept_all(struct fake_server *s)
{
    for (;;) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        int one = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct fake_conn *c = calloc(1, sizeof(*c));
        if (c == NULL || !watch(s, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c)) {
            free(c);
            (void)close(fd);
            continue;
        }
        c->fd = fd;
        c->next = s->conns;
        if (s->conns != NULL) {
            s->conns->prev = c;
        }
        s->conns = c;
        s->stats.n_connections++;
        s->stats.connections++;
        if (s->stats.connections > s->stats.max_connections) {
            s->stats.max_connections = s->stats.connections;
        }
    }
}

/* ---- sending -----------------------------------------------------------------------------------
 */

/* How much of `bytes` goes into one write. */
static size_t piece_of(const struct fake_conn *c, struct fake_span bytes)
{
    const struct fake_reply *r = &c->reply;
    if (r->piece_bytes > 0 && bytes.n > r->piece_bytes) {
        return r->piece_bytes;
    }
    if (r->by_event) {
        /* an event ends with a line end, and its chunk with another one */
        const char *end = memmem(bytes.p, bytes.n, "\n\r\n", 3);
        return end == NULL ? bytes.n : (size_t)(end - bytes.p) + 3;
    }
    for (size_t i = 0; r->splits_utf8 && i < bytes.n; i++) {
        if ((unsigned char)bytes.p[i] >= 0xc0U) {
            return i + 1;
        }
    }
    if (r->stall_at > c->sent && bytes.n > r->stall_at - c->sent) {
        return r->stall_at - c->sent;
    }
    return bytes.n;
}

/* The next bytes of the reply: its own, then filler, then the tail. */
static struct fake_span next_bytes(const struct fake_server *s, const struct fake_conn *c)
{
    const struct fake_reply *r = &c->reply;
    size_t at = c->sent;
    if (at < r->send_bytes) {
        struct fake_span bytes = {r->bytes + at, r->send_bytes - at};
        bytes.n = piece_of(c, bytes);
        return bytes;
    }
    at -= r->send_bytes;
    if (r->tail == NULL || r->send_bytes < r->len) {
        return (struct fake_span){"", 0};
    }
    if (at < r->fill_bytes) {
        size_t left = r->fill_bytes - at;
        return (struct fake_span){s->filler, left < FILLER_BYTES ? left : FILLER_BYTES};
    }
    at -= r->fill_bytes;
    return (struct fake_span){r->tail + at, strlen(r->tail) - at};
}

/* True: the reply goes on later. */
static bool pauses(struct fake_server *s, struct fake_conn *c)
{
    const struct fake_reply *r = &c->reply;
    unsigned wait_ms = r->piece_ms;
    if (r->stall_at > 0 && c->sent >= r->stall_at && !c->stalled) {
        c->stalled = true;
        wait_ms = s->config.stall_ms;
    }
    if (wait_ms == 0 || c->sent >= r->send_bytes) {
        return false;
    }
    c->state = CONN_WAITING;
    timer_add(s, c, wait_ms);
    return true;
}

static void close_rudely(struct fake_server *s, struct fake_conn *c)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (c->reply.reset) {
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    if (c->reply.fault == FAKE_REFUSE) {
        stop_listening(s);
    }
    end_request(s, c, true);
    close_conn(s, c);
}

/* False: the connection is gone. */
static bool reply_done(struct fake_server *s, struct fake_conn *c)
{
    bool close_after = c->reply.close_after;
    bool idle_close = c->reply.idle_close;
    end_request(s, c, true);
    if (close_after) {
        close_conn(s, c);
        return false;
    }
    if (idle_close) {
        timer_add(s, c, s->config.idle_ms);
    }
    return true;
}

/* False: the connection is gone. */
static bool send_some(struct fake_server *s, struct fake_conn *c)
{
    c->state = CONN_SENDING;
    if (c->reply.bytes == NULL) {
        close_rudely(s, c);
        return false;
    }
    for (;;) {
        struct fake_span bytes = next_bytes(s, c);
        if (bytes.n == 0) {
            return reply_done(s, c);
        }
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                return true;
            }
            close_conn(s, c);
            return false;
        }
        if (c->sent == 0 && c->reply.n_prefixes > 0) {
            fake_cache_fill(s, &c->reply);
        }
        c->sent += (size_t)n;
        if (pauses(s, c)) {
            return true;
        }
    }
}

/* ---- requests ----------------------------------------------------------------------------------
 */

/* False: the connection is gone. */
static bool start_reply(struct fake_server *s, struct fake_conn *c, struct fake_request *r)
{
    timer_remove(s, c);
    r->n_before = c->n_requests++;
    c->stalled = false;
    c->start_us = s->now_us;
    c->continued = false;
    size_t n = r->path.n < sizeof(c->path) ? r->path.n : sizeof(c->path) - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)r->path.p[i];
        c->path[i] = b < 0x20 || b >= 0x7f || b == '"' || b == '\\' ? '_' : (char)b;
    }
    c->path[n] = '\0';
    s->stats.bytes_in += r->headers.n + r->body.n;
    if (!fake_reply_make(s, r, &c->reply)) {
        free(c->reply.bytes);
        c->reply = (struct fake_reply){0};
        close_conn(s, c);
        return false;
    }
    c->hash = r->hash;
    c->state = CONN_WAITING;
    if (c->reply.is_model) {
        s->stats.in_flight++;
        if (s->stats.in_flight > s->stats.max_in_flight) {
            s->stats.max_in_flight = s->stats.in_flight;
        }
    }
    if (c->reply.hang) {
        return true;
    }
    if (c->reply.delay_ms > 0) {
        timer_add(s, c, c->reply.delay_ms);
        return true;
    }
    return send_some(s, c);
}

static void keep_rest(struct fake_conn *c, struct fake_span rest)
{
    if (rest.p == c->in.p) {
        c->in.len = rest.n;
        return;
    }
    if (c->in.p != NULL && rest.p > c->in.p && rest.p <= c->in.p + c->in.len) {
        memmove(c->in.p, rest.p, rest.n);
        c->in.len = rest.n;
    } else {
        c->in.len = 0;
        fake_buf_put(&c->in, rest.p, rest.n);
    }
    if (c->in.len == 0) {
        fake_buf_release(&c->in);
    }
}

/* Answers the requests in `in`, one at a time. False: the connection is gone. */
static bool consume(struct fake_server *s, struct fake_conn *c, struct fake_span in)
{
    while (c->state == CONN_READING && in.n > 0 && in.n >= c->need) {
        struct fake_request r = {0};
        enum fake_parsed parsed = fake_request_parse(in, &r, &c->need);
        if (parsed == FAKE_PARSED_BAD) {
            close_conn(s, c);
            return false;
        }
        if (parsed == FAKE_PARSED_MORE) {
            if (c->need > 0 && !c->continued && fake_header(r.headers, "expect:") != NULL) {
                c->continued = true;
                (void)send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
            }
            break;
        }
        in.p += c->need;
        in.n -= c->need;
        c->need = 0;
        if (!start_reply(s, c, &r)) {
            return false;
        }
    }
    keep_rest(c, in);
    if (c->in.failed) {
        close_conn(s, c);
        return false;
    }
    return true;
}

/* Reads into the shared buffer while nothing is kept, so that most connections own no buffer. */
static void read_more(struct fake_server *s, struct fake_conn *c)
{
    while (c->state == CONN_READING && c->unread) {
        bool own = c->in.len > 0;
        size_t room = INPUT_BYTES;
        if (own) {
            room = c->need > c->in.len ? c->need - c->in.len : 16384;
            if (!fake_buf_reserve(&c->in, room)) {
                close_conn(s, c);
                return;
            }
        }
        ssize_t n = recv(c->fd, own ? c->in.p + c->in.len : s->input, room, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            c->unread = errno == EINTR;
            continue;
        }
        if (n <= 0) {
            close_conn(s, c);
            return;
        }
        c->unread = (size_t)n == room;
        struct fake_span in = {s->input, (size_t)n};
        if (own) {
            c->in.len += (size_t)n;
            in = (struct fake_span){c->in.p, c->in.len};
        }
        if (!consume(s, c, in)) {
            return;
        }
    }
}

/* After a reply: requests that came meanwhile. */
static void read_kept(struct fake_server *s, struct fake_conn *c)
{
    if (c->in.len > 0 && !consume(s, c, (struct fake_span){c->in.p, c->in.len})) {
        return;
    }
    read_more(s, c);
}

static void on_conn(struct fake_server *s, struct fake_conn *c, uint32_t events)
{
    bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
    bool half = (events & EPOLLRDHUP) != 0;
    c->unread = c->unread || (events & EPOLLIN) != 0;
    if (gone || (half && c->state != CONN_READING)) {
        close_conn(s, c);
        return;
    }
    if (c->state == CONN_SENDING && (events & EPOLLOUT) != 0) {
        if (send_some(s, c) && c->state == CONN_READING) {
            read_kept(s, c);
        }
        return;
    }
    c->unread = c->unread || half;
    read_more(s, c);
}

static void on_time(struct fake_server *s, struct fake_conn *c)
{
    timer_remove(s, c);
    if (c->state == CONN_READING) {
        close_conn(s, c); /* idle for long enough */
    } else if (send_some(s, c) && c->state == CONN_READING) {
        read_kept(s, c);
    }
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void run_timers(struct fake_server *s)
{
    uint64_t now_ms = s->now_us / 1000U;
    if (now_ms - s->wheel_ms > FAKE_WHEEL_SLOTS) {
        s->wheel_ms = now_ms - FAKE_WHEEL_SLOTS;
    }
    while (s->wheel_ms < now_ms) {
        s->wheel_ms++;
        struct fake_conn *c = s->n_timers == 0 ? NULL : s->wheel[s->wheel_ms % FAKE_WHEEL_SLOTS];
        while (c != NULL) {
            struct fake_conn *next = c->timer_next;
            if (c->due_ms <= now_ms) {
                on_time(s, c);
            }
            c = next;
        }
    }
    if (s->listen_again_ms > 0 && now_ms >= s->listen_again_ms) {
        s->listen_again_ms = open_listener(s) ? 0 : now_ms + 50;
    }
}

static int next_timeout(const struct fake_server *s)
{
    if (s->listen_again_ms > 0) {
        return 20;
    }
    if (s->n_timers == 0) {
        return -1;
    }
    uint64_t now_ms = clock_us() / 1000U;
    for (uint64_t t = s->wheel_ms + 1; t <= s->wheel_ms + FAKE_WHEEL_SLOTS; t++) {
        if (s->wheel[t % FAKE_WHEEL_SLOTS] != NULL) {
            return t > now_ms ? (int)(t - now_ms) : 0;
        }
    }
    return (int)FAKE_WHEEL_SLOTS;
}

static bool prepare(struct fake_server *s)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    s->now_us = clock_us();
    s->start_ms = s->now_us / 1000U;
    s->wheel_ms = s->start_ms;
    s->port = s->config.port;
    s->filler = malloc(FILLER_BYTES);
    s->input = malloc(INPUT_BYTES);
    if (s->filler == NULL || s->input == NULL) {
        return false;
    }
    memset(s->filler, 'a', FILLER_BYTES);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return sigprocmask(SIG_BLOCK, &signals, NULL) == 0 &&
           (s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0 &&
           s->epoll_fd >= 0 && watch(s, s->signal_fd, EPOLLIN, &s->signal_fd) && open_listener(s);
}

static bool run_loop(struct fake_server *s)
{
    struct epoll_event events[N_EVENTS];
    for (;;) {
        int n = epoll_wait(s->epoll_fd, events, N_EVENTS, next_timeout(s));
        if (n < 0 && errno != EINTR) {
            return false;
        }
        s->now_us = clock_us();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &s->signal_fd) {
                return true;
            }
            if (events[i].data.ptr == &s->listen_fd) {
                accept_all(s);
            } else {
                on_conn(s, events[i].data.ptr, events[i].events);
            }
        }
        run_timers(s);
        if (s->log_dirty) {
            s->log_dirty = false;
            (void)fflush(s->log);
        }
    }
}

bool fake_server_run(struct fake_server *s)
{
    s->listen_fd = -1;
    s->signal_fd = -1;
    bool ok = prepare(s);
    if (ok) {
        ok = printf("listening on 127.0.0.1:%u\n", s->port) > 0 && fflush(stdout) == 0 &&
             run_loop(s);
    } else {
        (void)fprintf(stderr, "fakellm: cannot listen: %s\n", strerror(errno));
    }
    while (s->conns != NULL) {
        close_conn(s, s->conns);
    }
    free(s->filler);
    free(s->input);
    (void)close(s->listen_fd);
    (void)close(s->signal_fd);
    (void)close(s->epoll_fd);
    return ok;
}
