#include "net/response_header.h"

struct known_header {
    struct gen_str name;
    enum gen_header which;
};

#define KNOWN(name, which)                                                                         \
    {                                                                                              \
        {(name), sizeof(name) - 1}, (which)                                                        \
    }

/* OpenAI and the many who follow it. */
static const struct known_header known_x[] = {
    KNOWN("x-should-retry", GEN_HEADER_SHOULD_RETRY),
    KNOWN("x-request-id", GEN_HEADER_REQUEST_ID),
    KNOWN("x-amz-bucket-region", GEN_HEADER_BUCKET_REGION),
    KNOWN("x-ratelimit-limit-requests", GEN_HEADER_LIMIT_REQUESTS),
    KNOWN("x-ratelimit-remaining-requests", GEN_HEADER_REMAINING_REQUESTS),
    KNOWN("x-ratelimit-reset-requests", GEN_HEADER_RESET_REQUESTS),
    KNOWN("x-ratelimit-limit-tokens", GEN_HEADER_LIMIT_TOKENS),
    KNOWN("x-ratelimit-remaining-tokens", GEN_HEADER_REMAINING_TOKENS),
    KNOWN("x-ratelimit-reset-tokens", GEN_HEADER_RESET_TOKENS),
};

static const struct known_header known_anthropic[] = {
    KNOWN("anthropic-ratelimit-requests-limit", GEN_HEADER_LIMIT_REQUESTS),
    KNOWN("anthropic-ratelimit-requests-remaining", GEN_HEADER_REMAINING_REQUESTS),
    KNOWN("anthropic-ratelimit-requests-reset", GEN_HEADER_RESET_REQUESTS),
    KNOWN("anthropic-ratelimit-tokens-limit", GEN_HEADER_LIMIT_TOKENS),
    KNOWN("anthropic-ratelimit-tokens-remaining", GEN_HEADER_REMAINING_TOKENS),
    KNOWN("anthropic-ratelimit-tokens-reset", GEN_HEADER_RESET_TOKENS),
    KNOWN("anthropic-ratelimit-input-tokens-limit", GEN_HEADER_LIMIT_INPUT_TOKENS),
    KNOWN("anthropic-ratelimit-input-tokens-remaining", GEN_HEADER_REMAINING_INPUT_TOKENS),
    KNOWN("anthropic-ratelimit-input-tokens-reset", GEN_HEADER_RESET_INPUT_TOKENS),
    KNOWN("anthropic-ratelimit-output-tokens-limit", GEN_HEADER_LIMIT_OUTPUT_TOKENS),
    KNOWN("anthropic-ratelimit-output-tokens-remaining", GEN_HEADER_REMAINING_OUTPUT_TOKENS),
    KNOWN("anthropic-ratelimit-output-tokens-reset", GEN_HEADER_RESET_OUTPUT_TOKENS),
};

static const struct known_header known_r[] = {
    KNOWN("retry-after", GEN_HEADER_RETRY_AFTER),
    KNOWN("retry-after-ms", GEN_HEADER_RETRY_AFTER_MS),
    KNOWN("request-id", GEN_HEADER_REQUEST_ID),
};
static const struct known_header known_c[] = {
    KNOWN("content-type", GEN_HEADER_CONTENT_TYPE),
    KNOWN("content-range", GEN_HEADER_CONTENT_RANGE),
};
static const struct known_header known_e[] = {KNOWN("etag", GEN_HEADER_ETAG)};
static const struct known_header known_m[] = {KNOWN("mcp-session-id", GEN_HEADER_MCP_SESSION)};
static const struct known_header known_l[] = {KNOWN("location", GEN_HEADER_LOCATION)};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct known_header *names_with(char first, size_t *n)
{
    switch (first | 0x20) {
    case 'x':
        *n = N_OF(known_x);
        return known_x;
    case 'a':
        *n = N_OF(known_anthropic);
        return known_anthropic;
    case 'r':
        *n = N_OF(known_r);
        return known_r;
    case 'c':
        *n = N_OF(known_c);
        return known_c;
    case 'e':
        *n = N_OF(known_e);
        return known_e;
    case 'm':
        *n = N_OF(known_m);
        return known_m;
    case 'l':
        *n = N_OF(known_l);
        return known_l;
    default:
        *n = 0;
        return NULL;
    }
}

bool gen_response_header(struct gen_str line, enum gen_header *which, struct gen_str *value)
{
    if (line.n < 5) /* the shortest name is etag */
        return false;
    size_t n_known = 0;
    const struct known_header *known = names_with(line.p[0], &n_known);
    const char *colon = known ? memchr(line.p, ':', line.n) : NULL;
    if (!colon)
        return false;
    struct gen_str name = {line.p, (size_t)(colon - line.p)};
    for (size_t i = 0; i < n_known; i++) {
        if (known[i].name.n == name.n && gen_str_eq_nocase(known[i].name, name)) {
            *which = known[i].which;
            *value = gen_str_trim(gen_str_sub(line, name.n + 1, line.n));
            return true;
        }
    }
    return false;
}

bool gen_content_type_is_stream(struct gen_str value)
{
    const char *end = value.n ? memchr(value.p, ';', value.n) : NULL;
    struct gen_str type =
        gen_str_trim(end ? gen_str_sub(value, 0, (size_t)(end - value.p)) : value);
    return gen_str_eq_nocase(type, GEN_STR("text/event-stream")) ||
           gen_str_eq_nocase(type, GEN_STR("application/x-ndjson"));
}
