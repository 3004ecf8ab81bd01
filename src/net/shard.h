/*
 * Several curl multi handles ("shards") on one loop: their sockets, their timers, their connection
 * caches. Internal to net/.
 *
 * A socket whose connection goes idle stays watched, in the background: the next transfer on it
 * then costs no system call for watching it anew. That is safe because every socket of a connection
 * is opened and closed through the two functions below.
 */
#ifndef GEN_NET_SHARD_H
#define GEN_NET_SHARD_H

#include "os/loop.h"

#include <curl/curl.h>

struct gen_socket;
struct gen_shards;

struct gen_shard {
    CURLM *multi;
    struct gen_shards *owner;
    uint64_t due_us; /* when curl wants to be called; UINT64_MAX: never */
    size_t n_transfers;
    size_t n_connections; /* open sockets, busy or idle */
    bool is_dirty;        /* curl was called: transfers may have ended */
};

struct gen_shards {
    struct gen_loop *loop;
    struct gen_timer *timer;
    uint64_t timer_due_us; /* UINT64_MAX: stopped */
    struct gen_shard *shards;
    size_t n;
    struct gen_socket **sockets; /* by descriptor; NULL where none */
    size_t n_sockets;
};

/* `connections_max`: idle and busy ones that each shard keeps. On failure it must be released too.
 */
GEN_MUST_USE int gen_shards_init(struct gen_shards *s, struct gen_loop *loop, size_t n,
                                 size_t connections_max, struct gen_error *err);
/* All easy handles must have been removed. */
void gen_shards_release(struct gen_shards *s);

/* Where a new transfer should go: to an idle connection, else to the least loaded. */
struct gen_shard *gen_shards_pick(struct gen_shards *s);
GEN_MUST_USE int gen_shard_add(struct gen_shard *shard, CURL *easy, struct gen_error *err);
void gen_shard_remove(struct gen_shard *shard, CURL *easy);

/* Calls curl where it asked to be called by now: starts new transfers, ends late ones. */
void gen_shards_run_due(struct gen_shards *s);
/* The next transfer that has ended; it still has to be removed. False when there is none. */
bool gen_shards_next_ended(struct gen_shards *s, CURL **easy, CURLcode *result);
/* Makes the loop turn when curl next asks for it; not at all when `is_busy` is false. */
void gen_shards_arm(struct gen_shards *s, bool is_busy);

/* For CURLOPT_OPENSOCKETFUNCTION, and for CURLOPT_CLOSESOCKETFUNCTION with the shards as data. */
curl_socket_t gen_shard_open_socket(struct gen_shard *shard, const struct curl_sockaddr *address);
int gen_shards_close_socket(void *shards, curl_socket_t fd);

#endif
