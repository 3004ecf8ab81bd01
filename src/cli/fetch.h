/* One HTTP request and its answer, waited for: what the commands that look at an endpoint need. */
#ifndef GEN_CLI_FETCH_H
#define GEN_CLI_FETCH_H

#include "llm/provider.h"

/* GET, or POST of `body`, with the provider's headers and the endpoint's key; `fn` gets the
 * answer. */
GEN_MUST_USE int gen_fetch(const struct gen_provider *provider, const struct gen_endpoint *endpoint,
                           const char *url, struct gen_str body, uint64_t timeout_ms,
                           gen_http_fn *fn, void *ud, struct gen_error *err);

#endif
