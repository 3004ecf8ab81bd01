/* One HTTP request and its answer, waited for: what the commands that look at an endpoint need. */
#ifndef GEN_CLI_FETCH_H
#define GEN_CLI_FETCH_H

#include "llm/provider.h"

struct gen_fetch {
    const char *url;
    bool post;             /* POST of `body`, which may be empty; else GET */
    struct gen_str body;   /* borrowed */
    uint64_t timeout_ms;   /* also the longest wait for the connection */
    size_t body_bytes_max; /* of the answer; 0: 32 MB */
};

/* With the provider's headers and the endpoint's key; `fn` gets the answer. */
GEN_MUST_USE int gen_fetch(const struct gen_provider *provider, const struct gen_endpoint *endpoint,
                           const struct gen_fetch *what, gen_http_fn *fn, void *ud,
                           struct gen_error *err);

#endif
