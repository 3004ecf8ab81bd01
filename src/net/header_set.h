/*
 * Request headers in the form that curl takes. Thousands of transfers send the same ones, so a
 * small cache shares them by content. A set may hold an API key: it is wiped when its last user
 * drops it. Internal to net/.
 */
#ifndef GEN_NET_HEADER_SET_H
#define GEN_NET_HEADER_SET_H

#include "net/http.h"

struct curl_slist;
struct gen_header_set;

#define GEN_HEADER_SETS_KEPT 8U

struct gen_header_cache {
    struct gen_header_set *sets[GEN_HEADER_SETS_KEPT];
    size_t oldest;          /* is replaced next */
    struct gen_buf scratch; /* the lines of the request at hand; empty and wiped in between */
};

struct gen_header_cache gen_header_cache_make(void);
void gen_header_cache_release(struct gen_header_cache *cache);

/* The headers of `request`: its own, its key, no "Expect", and Content-Type: application/json for a
 * body when it names none. GEN_EUSAGE for a header with a line break or without a colon. The caller
 * drops the set when no transfer uses it any more. */
GEN_MUST_USE int gen_header_set_get(struct gen_header_set **out, struct gen_header_cache *cache,
                                    const struct gen_http_request *request, struct gen_error *err);
void gen_header_set_drop(struct gen_header_set *set);

/* Borrowed while the set lives. */
struct curl_slist *gen_header_set_list(struct gen_header_set *set);

#endif
