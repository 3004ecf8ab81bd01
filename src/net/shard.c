#include "net/shard.h"

#include <stdlib.h>
#include <unistd.h>

#define SOCKETS_MAX ((size_t)1 << 22)

struct gen_socket {
    struct gen_shard *shard;
    struct gen_poll *poll;
    curl_socket_t fd;
    int wanted;     /* GEN_POLL_ bits that curl waits for */
    int watched;    /* those that the loop watches */
    bool is_pooled; /* of a connection: opened and closed by us */
};

static void on_timer(void *ud)
{
    /* It only makes the loop turn; the work is done at the end of the turn. */
    struct gen_shards *s = ud;
    s->timer_due_us = UINT64_MAX;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *ud)
{
    (void)multi;
    struct gen_shard *shard = ud;
    if (timeout_ms < 0)
        shard->due_us = UINT64_MAX;
    else if (timeout_ms == 0)
        shard->due_us = 0;
    else
        shard->due_us = gen_loop_now_us() + (uint64_t)timeout_ms * 1000;
    return 0;
}

static struct gen_socket *find_socket(const struct gen_shards *s, curl_socket_t fd)
{
    return fd >= 0 && (size_t)fd < s->n_sockets ? s->sockets[fd] : NULL;
}

static void free_socket(struct gen_shards *s, struct gen_socket *socket)
{
    if (socket->is_pooled)
        socket->shard->n_connections--;
    gen_poll_free(socket->poll);
    s->sockets[socket->fd] = NULL;
    free(socket);
}

static struct gen_socket *add_socket(struct gen_shard *shard, curl_socket_t fd, bool is_pooled)
{
    struct gen_shards *s = shard->owner;
    if (fd < 0 || (size_t)fd >= SOCKETS_MAX)
        return NULL;
    if ((size_t)fd >= s->n_sockets) {
        size_t n = s->n_sockets ? s->n_sockets : 64;
        while (n <= (size_t)fd)
            n *= 2;
        struct gen_socket **sockets = realloc(s->sockets, n * sizeof(struct gen_socket *));
        if (!sockets)
            return NULL;
        for (size_t i = s->n_sockets; i < n; i++)
            sockets[i] = NULL;
        s->sockets = sockets;
        s->n_sockets = n;
    }
    struct gen_socket *stale = s->sockets[fd];
    if (stale) /* a new descriptor with this number: the old one was closed behind our back */
        free_socket(s, stale);
    struct gen_socket *socket = calloc(1, sizeof(*socket));
    if (!socket)
        return NULL;
    socket->shard = shard;
    socket->fd = fd;
    socket->is_pooled = is_pooled;
    if (is_pooled)
        shard->n_connections++;
    s->sockets[fd] = socket;
    return socket;
}

static void watch(struct gen_socket *socket, int events)
{
    if (socket->watched != events && gen_poll_set(socket->poll, events, NULL) == GEN_OK)
        socket->watched = events;
}

static void on_poll(void *ud, int events, bool failed)
{
    struct gen_socket *socket = ud;
    struct gen_shard *shard = socket->shard;
    if (failed)
        socket->watched = 0; /* the loop has paused it */
    if (socket->wanted == 0) {
        /* The server closed an idle connection: curl finds out before it uses it again. */
        watch(socket, 0);
        return;
    }
    /* An error alone would end the transfer as a failure to send. What curl waits for goes with it,
     * so that it asks the socket: an answer may have come before the reset, and after a failed read
     * curl asks again where that is free. Anything less would leave it waiting, and us spinning. */
    int ready = failed ? socket->wanted : events;
    int mask = ((ready & GEN_POLL_READ) ? CURL_CSELECT_IN : 0) |
               ((ready & GEN_POLL_WRITE) ? CURL_CSELECT_OUT : 0) | (failed ? CURL_CSELECT_ERR : 0);
    int n_running = 0;
    int wanted = socket->wanted;
    curl_socket_t fd = socket->fd;
    shard->is_dirty = true;
    /* May free the socket. */
    (void)curl_multi_socket_action(shard->multi, fd, mask, &n_running);
    if (!failed)
        return;
    /* Where curl still waits for the same as before it does not say so again. */
    socket = find_socket(shard->owner, fd);
    if (socket && socket->wanted == wanted && socket->watched == 0)
        watch(socket, wanted);
}

/* A socket that cannot be watched is not reported (curl would give up the whole multi handle): its
 * transfer ends by its time limit. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *socket_ud)
{
    (void)easy;
    (void)socket_ud;
    struct gen_shard *shard = ud;
    struct gen_socket *socket = find_socket(shard->owner, fd);
    if (what == CURL_POLL_REMOVE) {
        if (!socket)
            return 0;
        if (!socket->is_pooled) {
            free_socket(shard->owner, socket);
            return 0;
        }
        socket->wanted = 0;
        if (socket->watched & GEN_POLL_WRITE)
            watch(socket, 0);
        if (socket->poll)
            gen_poll_background(socket->poll, true);
        return 0;
    }
    if (!socket)
        socket = add_socket(shard, fd, false);
    if (!socket)
        return 0;
    if (!socket->poll &&
        gen_poll_new(&socket->poll, shard->owner->loop, fd, on_poll, socket, NULL) != GEN_OK)
        return 0;
    socket->wanted =
        ((what & CURL_POLL_IN) ? GEN_POLL_READ : 0) | ((what & CURL_POLL_OUT) ? GEN_POLL_WRITE : 0);
    gen_poll_background(socket->poll, false);
    watch(socket, socket->wanted);
    return 0;
}

curl_socket_t gen_shard_open_socket(struct gen_shard *shard, const struct curl_sockaddr *address)
{
    /* Close-on-exec: child processes (MCP servers, the claude program) must not inherit it. */
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!add_socket(shard, fd, true)) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

int gen_shards_close_socket(void *shards, curl_socket_t fd)
{
    struct gen_shards *s = shards;
    struct gen_socket *socket = find_socket(s, fd);
    if (socket)
        free_socket(s, socket);
    return close(fd);
}

static int init_shard(struct gen_shard *shard, struct gen_shards *owner, size_t connections_max,
                      struct gen_error *err)
{
    *shard = (struct gen_shard){.multi = curl_multi_init(), .owner = owner, .due_us = UINT64_MAX};
    if (!shard->multi)
        return gen_nomem(err, "a curl multi handle");
    CURLMcode rc = curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    if (rc == CURLM_OK)
        rc = curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
    if (rc == CURLM_OK)
        rc = curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    if (rc == CURLM_OK)
        rc = curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
    if (rc == CURLM_OK)
        rc = curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
    if (rc != CURLM_OK)
        return gen_fail(err, GEN_EIO, "cannot set up curl: %s", curl_multi_strerror(rc));
    return GEN_OK;
}

int gen_shards_init(struct gen_shards *s, struct gen_loop *loop, size_t n, size_t connections_max,
                    struct gen_error *err)
{
    *s = (struct gen_shards){.loop = loop, .timer_due_us = UINT64_MAX};
    s->shards = calloc(n, sizeof(*s->shards));
    if (!s->shards)
        return gen_nomem(err, "curl multi handles");
    int rc = gen_timer_new(&s->timer, loop, on_timer, s, err);
    while (rc == GEN_OK && s->n < n)
        rc = init_shard(&s->shards[s->n++], s, connections_max, err);
    return rc;
}

void gen_shards_release(struct gen_shards *s)
{
    for (size_t i = 0; i < s->n; i++)
        (void)curl_multi_cleanup(s->shards[i].multi);
    gen_timer_free(s->timer);
    free(s->sockets);
    free(s->shards);
    *s = (struct gen_shards){.timer_due_us = UINT64_MAX};
}

static bool is_better(const struct gen_shard *a, const struct gen_shard *b)
{
    bool a_idle = a->n_connections > a->n_transfers;
    bool b_idle = b->n_connections > b->n_transfers;
    if (a_idle != b_idle)
        return a_idle;
    return a->n_transfers < b->n_transfers;
}

struct gen_shard *gen_shards_pick(struct gen_shards *s)
{
    struct gen_shard *best = &s->shards[0];
    for (size_t i = 1; i < s->n; i++)
        if (is_better(&s->shards[i], best))
            best = &s->shards[i];
    return best;
}

int gen_shard_add(struct gen_shard *shard, CURL *easy, struct gen_error *err)
{
    CURLMcode rc = curl_multi_add_handle(shard->multi, easy);
    if (rc != CURLM_OK)
        return gen_fail(err, rc == CURLM_OUT_OF_MEMORY ? GEN_ENOMEM : GEN_EIO,
                        "cannot start a transfer: %s", curl_multi_strerror(rc));
    shard->n_transfers++;
    return GEN_OK;
}

void gen_shard_remove(struct gen_shard *shard, CURL *easy)
{
    (void)curl_multi_remove_handle(shard->multi, easy);
    shard->n_transfers--;
}

void gen_shards_run_due(struct gen_shards *s)
{
    uint64_t now_us = gen_loop_now_us();
    for (size_t i = 0; i < s->n; i++) {
        struct gen_shard *shard = &s->shards[i];
        if (shard->due_us > now_us)
            continue;
        int n_running = 0;
        shard->due_us = UINT64_MAX; /* curl tells the next one during the call */
        shard->is_dirty = true;
        (void)curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
    }
}

bool gen_shards_next_ended(struct gen_shards *s, CURL **easy, CURLcode *result)
{
    for (size_t i = 0; i < s->n; i++) {
        struct gen_shard *shard = &s->shards[i];
        while (shard->is_dirty) {
            int n_left = 0;
            const CURLMsg *message = curl_multi_info_read(shard->multi, &n_left);
            if (!message) {
                shard->is_dirty = false;
            } else if (message->msg == CURLMSG_DONE) {
                *easy = message->easy_handle;
                *result = message->data.result;
                return true;
            }
        }
    }
    return false;
}

void gen_shards_arm(struct gen_shards *s, bool is_busy)
{
    uint64_t due_us = UINT64_MAX;
    for (size_t i = 0; is_busy && i < s->n; i++)
        if (s->shards[i].due_us < due_us)
            due_us = s->shards[i].due_us;
    if (due_us == s->timer_due_us)
        return;
    s->timer_due_us = due_us;
    if (due_us == UINT64_MAX) {
        gen_timer_stop(s->timer);
        return;
    }
    uint64_t now_us = gen_loop_now_us();
    gen_timer_start(s->timer, due_us > now_us ? (due_us - now_us + 999) / 1000 : 0, 0);
}
