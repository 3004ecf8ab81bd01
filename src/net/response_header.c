#include "net/response_header.h"

struct known_header {
    struct gen_str name;
    enum gen_header which;
};

#define KNOWN(name, which)                                                                         \
    {                                                                                              \
        {(name), sizeof(name) - 1}, (which)                                                        \
    }

/* OpenAI and the many who follow it; Anthropic. */
static const struct known_header known[] = {
    KNOWN("retry-after", GEN_HEADER_RETRY_AFTER),
    KNOWN("retry-after-ms", GEN_HEADER_RETRY_AFTER_MS),
    KNOWN("x-should-retry", GEN_HEADER_SHOULD_RETRY),
    KNOWN("x-request-id", GEN_HEADER_REQUEST_ID),
    KNOWN("request-id", GEN_HEADER_REQUEST_ID),
    KNOWN("content-type", GEN_HEADER_CONTENT_TYPE),
    KNOWN("x-ratelimit-limit-requests", GEN_HEADER_LIMIT_REQUESTS),
    KNOWN("x-ratelimit-remaining-requests", GEN_HEADER_REMAINING_REQUESTS),
    KNOWN("x-ratelimit-reset-requests", GEN_HEADER_RESET_REQUESTS),
    KNOWN("x-ratelimit-limit-tokens", GEN_HEADER_LIMIT_TOKENS),
    KNOWN("x-ratelimit-remaining-tokens", GEN_HEADER_REMAINING_TOKENS),
    KNOWN("x-ratelimit-reset-tokens", GEN_HEADER_RESET_TOKENS),
    KNOWN("anthropic-ratelimit-requests-limit", GEN_HEADER_LIMIT_REQUESTS),
    KNOWN("anthropic-ratelimit-requests-remaining", GEN_HEADER_REMAINING_REQUESTS),
    KNOWN("anthropic-ratelimit-requests-reset", GEN_HEADER_RESET_REQUESTS),
    KNOWN("anthropic-ratelimit-tokens-limit", GEN_HEADER_LIMIT_TOKENS),
    KNOWN("anthropic-ratelimit-tokens-remaining", GEN_HEADER_REMAINING_TOKENS),
    KNOWN("anthropic-ratelimit-tokens-reset", GEN_HEADER_RESET_TOKENS),
};

bool gen_response_header(struct gen_str line, enum gen_header *which, struct gen_str *value)
{
    if (line.n < 11) /* the shortest name is request-id */
        return false;
    char first = (char)(line.p[0] | 0x20);
    if (first != 'r' && first != 'x' && first != 'c' && first != 'a')
        return false;
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return false;
    struct gen_str name = {line.p, (size_t)(colon - line.p)};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].name.n == name.n && gen_str_eq_nocase(known[i].name, name)) {
            *which = known[i].which;
            *value = gen_str_trim(gen_str_sub(line, name.n + 1, line.n));
            return true;
        }
    }
    return false;
}
