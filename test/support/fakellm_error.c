#include "fakellm.h"

struct fault_error {
    enum fake_fault fault;
    struct fake_error error;
};

static const struct fault_error errors[] = {
    {FAKE_429,
     {.status = 429,
      .type = "requests",
      .code = "rate_limit_exceeded",
      .message = "Rate limit reached, please try again later."}},
    {FAKE_429QUOTA,
     {.status = 429,
      .type = "insufficient_quota",
      .code = "insufficient_quota",
      .message = "You exceeded your current quota, please check your plan and billing details."}},
    {FAKE_429CREDIT,
     {.status = 429,
      .type = "insufficient_quota",
      .code = "credit_balance_exhausted",
      .message = "Your prepaid credit balance is exhausted."}},
    {FAKE_SLOWDOWN,
     {.status = 429,
      .type = "rate_limit_error",
      .code = "slow_down",
      .message = "Your request rate increased too quickly. Slow down."}},
    {FAKE_402,
     {.status = 402,
      .type = "billing_error",
      .code = "insufficient_credits",
      .message = "Insufficient credits. Add more and try again."}},
    {FAKE_400CREDIT,
     {.status = 400,
      .type = "invalid_request_error",
      .code = "billing_hard_limit_reached",
      .message = "Your credit balance is too low to access the API."}},
    {FAKE_500,
     {.status = 500,
      .type = "server_error",
      .code = "internal_error",
      .message = "The server had an error."}},
    {FAKE_502,
     {.status = 502, .type = "server_error", .code = "bad_gateway", .message = "Bad gateway."}},
    {FAKE_503,
     {.status = 503,
      .type = "service_unavailable_error",
      .code = "server_is_overloaded",
      .message = "server busy, please try again.  maximum pending requests exceeded"}},
    {FAKE_504,
     {.status = 504, .type = "server_error", .code = "timeout", .message = "Gateway time-out."}},
    {FAKE_529,
     {.status = 529,
      .type = "overloaded_error",
      .code = "overloaded_error",
      .message = "Overloaded"}},
    {FAKE_498,
     {.status = 498,
      .type = "invalid_request_error",
      .code = "capacity_exceeded",
      .message = "capacity exceeded"}},
    {FAKE_401,
     {.status = 401,
      .type = "invalid_request_error",
      .code = "invalid_api_key",
      .message = "Incorrect API key provided."}},
    {FAKE_403,
     {.status = 403,
      .type = "invalid_request_error",
      .code = "unsupported_country_region",
      .message = "Country, region, or territory not supported."}},
    {FAKE_408,
     {.status = 408,
      .type = "timeout",
      .code = "request_timeout",
      .message = "The request timed out."}},
    {FAKE_409,
     {.status = 409,
      .type = "conflict",
      .code = "conflict",
      .message = "The request conflicts with another one, try again."}},
    {FAKE_404MODEL,
     {.status = 404,
      .type = "invalid_request_error",
      .code = "model_not_found",
      .message = "model \\\"fake\\\" not found, try pulling it first"}},
    {FAKE_400CTX,
     {.status = 400,
      .type = "invalid_request_error",
      .code = "context_length_exceeded",
      .param = "messages"}},
};

static const char *const context_messages[FAKE_N_APIS] = {
    [FAKE_OLLAMA_CHAT] = "the prompt is longer than the context length currently available to the "
                         "model; shorten the prompt",
    [FAKE_OLLAMA_GENERATE] = "the prompt is longer than the context length currently available to "
                             "the model; shorten the prompt",
    [FAKE_OPENAI] = "This model's maximum context length is 8192 tokens. However, your messages "
                    "resulted in 9000 tokens.",
    [FAKE_ANTHROPIC] = "prompt is too long: 9000 tokens > 8192 maximum",
    [FAKE_GEMINI] = "The input token count (9000) exceeds the maximum number of tokens allowed "
                    "(8192).",
};

/* Faults that differ from another one in their headers only. */
static enum fake_fault kind_of(enum fake_fault fault)
{
    switch (fault) {
    case FAKE_429MS:
    case FAKE_429DATE:
    case FAKE_429BARE:
    case FAKE_429ABSURD:
        return FAKE_429;
    case FAKE_402RETRY:
        return FAKE_402;
    case FAKE_500NORETRY:
    case FAKE_200ERROR:
        return FAKE_500;
    default:
        return fault;
    }
}

static const char *anthropic_code(enum fake_fault fault)
{
    switch (fault) {
    case FAKE_429QUOTA:
        return "enforced_spend_limit_reached";
    case FAKE_429CREDIT:
        return "contract_spend_limit_reached";
    case FAKE_SLOWDOWN:
        return "ramp_limit_exceeded";
    default:
        return NULL;
    }
}

#define GOOGLE_TYPE "[{\"@type\":\"type.googleapis.com/google.rpc."
#define GOOGLE_QUOTA                                                                               \
    GOOGLE_TYPE "QuotaFailure\",\"violations\":[{\"quotaMetric\":\"generativelanguage."            \
                "googleapis.com/generate_content_free_tier_requests\",\"quotaId\":\""

static void make_gemini(struct fake_error *e, enum fake_fault fault)
{
    if (fault == FAKE_401) {
        e->status = 400;
        e->message = "API key not valid. Please pass a valid API key.";
        e->details = GOOGLE_TYPE "ErrorInfo\",\"reason\":\"API_KEY_INVALID\",\"domain\":"
                                 "\"googleapis.com\"}]";
    } else if (fault == FAKE_429QUOTA) {
        /* the delay is that of the shortest of several quotas: it must not be believed */
        e->message = "You exceeded your current quota. Please retry in 55s.";
        e->details = GOOGLE_QUOTA
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier\",\"quotaValue\":\"20\"}]},"
            "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"55s\"}]";
    } else if (fault == FAKE_429CREDIT) {
        e->message = "You exceeded your current quota. * Quota exceeded for metric: "
                     "generate_content_free_tier_requests, limit: 0, model: fake-model";
    } else if (e->status == 503) {
        e->message = "The model is overloaded. Please try again later.";
    }
}

struct fake_error fake_error_of(enum fake_fault fault, enum fake_api api, enum fake_flavour flavour)
{
    struct fake_error e = {.status = 500, .type = "server_error", .code = "x", .message = "?"};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].fault == kind_of(fault)) {
            e = errors[i].error;
        }
    }
    if (fault == FAKE_400CTX) {
        e.message = context_messages[api];
        e.type = flavour == FAKE_LLAMACPP ? "exceed_context_size_error" : e.type;
    }
    e.flavour = flavour;
    if (api == FAKE_ANTHROPIC) {
        e.details = anthropic_code(fault);
        if (fault == FAKE_400CREDIT) {
            e.message = "Your credit balance is too low to access the Anthropic API.";
        } else if (fault == FAKE_401) {
            e.message = "invalid x-api-key";
        }
    } else if (api == FAKE_GEMINI) {
        make_gemini(&e, fault);
    }
    return e;
}
