#include "llm/provider.h"

#include "base/num.h"
#include "llm/error_body.h"
#include "net/retry_after.h"
#include "os/loop.h"

#include <ctype.h>
#include <stdio.h>

/* A server that asks for more than this does not mean a pause but a limit (providers.md §2.4). */
#define RETRY_AFTER_MS_MAX ((int64_t)600000)

static bool contains(struct gen_str s, const char *needle)
{
    return gen_str_find_nocase(s, gen_str_from(needle), 0) != SIZE_MAX;
}

static bool any_of(struct gen_str s, const char *const *needles)
{
    for (; *needles; needles++) {
        if (contains(s, *needles))
            return true;
    }
    return false;
}

static bool is_context_overflow(const struct gen_error_body *e)
{
    static const char *const words[] = {"maximum context length",
                                        "context length currently",
                                        "exceeds the context length",
                                        "longer than the context length",
                                        "exceeds the available context size",
                                        "prompt is too long",
                                        "prompt too long",
                                        "exceeds the maximum number of tokens",
                                        "input context is too long",
                                        "input context too long",
                                        "context window",
                                        "context_length_exceeded",
                                        "longer than the maximum model length",
                                        "max_tokens must be at least 1, got -",
                                        NULL};
    if (contains(e->message, "input token count") && contains(e->message, "exceed"))
        return true;
    if (contains(e->message, "input length") && contains(e->message, "exceed"))
        return true;
    return gen_str_is(e->code, "context_length_exceeded") ||
           gen_str_is(e->type, "exceed_context_size_error") || gen_error_body_says(e, words);
}

/* "limit: 0", but not "limit: 0.5" or "limit: 05". */
static bool says_limit_zero(struct gen_str text)
{
    struct gen_str words = GEN_STR("limit: 0");
    for (size_t at = 0; (at = gen_str_find_nocase(text, words, at)) != SIZE_MAX; at += words.n) {
        struct gen_str rest = gen_str_sub(text, at + words.n, 2);
        bool goes_on =
            rest.n && (isdigit((unsigned char)rest.p[0]) ||
                       (rest.p[0] == '.' && rest.n > 1 && isdigit((unsigned char)rest.p[1])));
        if (!goes_on)
            return true;
    }
    return false;
}

/* Money, and limits that no waiting lifts (providers.md §0.6). */
static bool is_quota(const struct gen_error_body *e)
{
    static const char *const codes[] = {"insufficient_quota",
                                        "insufficient_balance",
                                        "insufficient_credits",
                                        "credit_balance",
                                        "spend_limit",
                                        "usage_limit_exceeded",
                                        "billing",
                                        NULL};
    static const char *const words[] = {"credit balance",
                                        "spend limit",
                                        "spending limit",
                                        "insufficient balance",
                                        "insufficient credit",
                                        "insufficient_quota",
                                        "usage threshold",
                                        "specified api usage",
                                        "out of credits",
                                        "billing hard limit",
                                        "payment required",
                                        "more credits",
                                        "credits are depleted",
                                        "prepaid",
                                        "used all available credits",
                                        NULL};
    if (any_of(e->code, codes) || any_of(e->type, codes) || any_of(e->error_code, codes))
        return true;
    if (e->is_per_day || says_limit_zero(e->message) || gen_error_body_says(e, words))
        return true;
    /* Google says so of its limits per minute as well. */
    return e->status.n == 0 && contains(e->message, "exceeded your current quota");
}

static enum gen_class quota(struct gen_llm_result *r)
{
    r->stop_provider = true;
    return GEN_CLASS_QUOTA;
}

static enum gen_class class_of_rate(const struct gen_error_body *e, struct gen_llm_result *r)
{
    if (is_quota(e))
        return quota(r);
    if (contains(e->type, "overloaded") || contains(e->code, "overloaded"))
        return GEN_CLASS_OVERLOAD;
    r->lower_rate =
        contains(e->code, "slow_down") || gen_str_is(e->error_code, "ramp_limit_exceeded");
    /* Anthropic's rate limits always say how long to wait (providers.md §2.2). */
    bool says_rate =
        contains(e->type, "rate_limit") || contains(e->error_code, "rate_limit") || r->lower_rate;
    if (e->is_anthropic && !says_rate && r->retry_after_ms < 0)
        return quota(r);
    return GEN_CLASS_RATE_LIMIT;
}

static enum gen_class class_of_forbidden(int status, const struct gen_error_body *e,
                                         struct gen_llm_result *r)
{
    static const char *const moderation[] = {"moderat", "flagged", "content policy",
                                             "content management policy", NULL};
    if (status == 403 && (e->is_moderated || gen_error_body_says(e, moderation))) {
        (void)snprintf(r->category, sizeof(r->category), "%.*s",
                       GEN_STR_ARG(gen_str_sub(e->reason, 0, sizeof(r->category) - 1)));
        return GEN_CLASS_BLOCKED;
    }
    if (status == 403 && is_quota(e))
        return quota(r);
    r->stop_provider = true;
    return GEN_CLASS_AUTH;
}

static bool is_bad_key(const struct gen_error_body *e)
{
    static const char *const words[] = {"api key not valid", "api key expired", "api key not found",
                                        "incorrect api key", "invalid api key", NULL};
    return gen_str_starts(e->reason, GEN_STR("API_KEY_")) ||
           gen_str_is(e->code, "invalid_api_key") || gen_str_is(e->type, "authentication_error") ||
           gen_error_body_says(e, words);
}

static bool is_content_filter(const struct gen_error_body *e)
{
    static const char *const codes[] = {"content_filter", "content_policy_violation",
                                        "moderation_blocked", "data_inspection_failed", NULL};
    static const char *const words[] = {"content filtering policy", "content management policy",
                                        "data may contain inappropriate content", NULL};
    return any_of(e->code, codes) || any_of(e->type, codes) || gen_error_body_says(e, words);
}

static enum gen_class class_of_bad_request(int status, const struct gen_error_body *e,
                                           struct gen_llm_result *r)
{
    if (is_context_overflow(e))
        return GEN_CLASS_CONTEXT_OVERFLOW;
    if (is_content_filter(e))
        return GEN_CLASS_BLOCKED;
    if (status == 400 && is_bad_key(e)) {
        r->stop_provider = true;
        return GEN_CLASS_AUTH;
    }
    bool is_about_body = status == 400 || status == 422;
    if (is_about_body && !gen_error_is_about_schema(e) && gen_error_names_param(e, r))
        return GEN_CLASS_UNSUPPORTED_PARAM;
    if (is_quota(e))
        return quota(r);
    /* The path, the model and the place we call from are the same for all items: no later one can
     * succeed. */
    r->stop_provider = status == 404 || status == 405 || status == 501 ||
                       gen_str_is(e->status, "FAILED_PRECONDITION");
    return GEN_CLASS_BAD_REQUEST;
}

static enum gen_class class_of_server_error(const struct gen_error_body *e,
                                            struct gen_llm_result *r)
{
    /* Gemini answers 500 to a prompt that is too long. */
    if (is_context_overflow(e))
        return GEN_CLASS_CONTEXT_OVERFLOW;
    r->lower_rate = gen_str_is(e->code, "slow_down");
    if (contains(e->type, "overloaded") || contains(e->code, "overloaded") ||
        gen_str_is(e->status, "UNAVAILABLE"))
        return GEN_CLASS_OVERLOAD;
    return r->lower_rate ? GEN_CLASS_RATE_LIMIT : GEN_CLASS_SERVER_ERROR;
}

static enum gen_class class_of_status(int status, const struct gen_error_body *e,
                                      struct gen_llm_result *r)
{
    switch (status) {
    case 401:
    case 403:
        return class_of_forbidden(status, e, r);
    case 402:
        /* OpenRouter: credit that requests in flight have reserved comes back. */
        return r->retry_after_ms >= 0 && !gen_str_is(e->type, "billing_error")
                   ? GEN_CLASS_RATE_LIMIT
                   : quota(r);
    case 408:
        return GEN_CLASS_RATE_LIMIT;
    case 429:
        return class_of_rate(e, r);
    case 409: /* conflict_error: both SDKs ask again */
    case 425:
    case 499: /* canceled somewhere on the way */
        return GEN_CLASS_SERVER_ERROR;
    case 498: /* Groq: capacity_exceeded */
    case 529:
        return GEN_CLASS_OVERLOAD;
    case 503:
        r->lower_rate = gen_str_is(e->code, "slow_down");
        return r->lower_rate ? GEN_CLASS_RATE_LIMIT : GEN_CLASS_OVERLOAD;
    default:
        break;
    }
    if (status >= 500 && status != 501)
        return class_of_server_error(e, r);
    if (status >= 300 && status < 400) {
        r->stop_provider = true;
        return GEN_CLASS_BAD_REQUEST;
    }
    return class_of_bad_request(status, e, r);
}

/* The longest of the waits in the body goes into the result: Google's RetryInfo covers the shortest
 * of several limits, its words another. A header is the last word elsewhere. */
static void read_body_waits(const struct gen_error_body *e, struct gen_llm_result *r)
{
    int64_t in_words = -1;
    if (!gen_error_text_delay(e->message, &in_words))
        (void)gen_error_text_delay(e->raw, &in_words);
    if (e->delay_ms > r->retry_after_ms)
        r->retry_after_ms = e->delay_ms;
    bool is_google = e->status.n > 0;
    if (in_words > r->retry_after_ms && (is_google || r->retry_after_ms < 0))
        r->retry_after_ms = in_words;
}

static void judge_error(int status, const struct gen_error_body *e, struct gen_llm_result *r)
{
    read_body_waits(e, r);
    r->class_code = class_of_status(status, e, r);
    bool waits = r->class_code == GEN_CLASS_RATE_LIMIT || r->class_code == GEN_CLASS_OVERLOAD ||
                 r->class_code == GEN_CLASS_SERVER_ERROR;
    if (waits && r->retry_after_ms > RETRY_AFTER_MS_MAX)
        r->class_code = quota(r);
}

static int64_t read_count(struct gen_str text)
{
    int64_t count = -1;
    return gen_num_i64(text, 0, INT64_MAX, "a limit", &count, NULL) ? -1 : count;
}

static void read_limit(const struct gen_http_response *response, enum gen_header limit,
                       int64_t now_unix_ms, struct gen_rate_limit *out)
{
    /* In the order of enum gen_header: limit, remaining, reset. */
    const struct gen_str *h = &response->headers[limit];
    uint64_t full_in_ms = 0;
    out->limit = read_count(h[0]);
    out->remaining = read_count(h[1]);
    if (gen_limit_reset(h[2], now_unix_ms, &full_in_ms))
        out->full_in_ms = (int64_t)full_in_ms;
}

void gen_classify_headers(const struct gen_http_response *response, struct gen_llm_result *r)
{
    r->http_status = response->status;
    r->latency_us = response->latency_us;
    int64_t now = gen_time_unix_us() / 1000;
    uint64_t wait_ms = 0;
    if (gen_retry_after(response->headers[GEN_HEADER_RETRY_AFTER_MS],
                        response->headers[GEN_HEADER_RETRY_AFTER], now, &wait_ms))
        r->retry_after_ms = (int64_t)wait_ms;
    struct gen_str should = response->headers[GEN_HEADER_SHOULD_RETRY];
    if (gen_str_eq_nocase(should, GEN_STR("true")))
        r->should_retry = 1;
    else if (gen_str_eq_nocase(should, GEN_STR("false")))
        r->should_retry = 0;
    struct gen_str id = response->headers[GEN_HEADER_REQUEST_ID];
    (void)snprintf(r->request_id, sizeof(r->request_id), "%.*s",
                   GEN_STR_ARG(gen_str_sub(id, 0, sizeof(r->request_id) - 1)));
    read_limit(response, GEN_HEADER_LIMIT_REQUESTS, now, &r->limits.requests);
    read_limit(response, GEN_HEADER_LIMIT_TOKENS, now, &r->limits.tokens);
    read_limit(response, GEN_HEADER_LIMIT_INPUT_TOKENS, now, &r->limits.tokens_in);
    read_limit(response, GEN_HEADER_LIMIT_OUTPUT_TOKENS, now, &r->limits.tokens_out);
}

static void classify_transport(const struct gen_http_response *response, struct gen_llm_result *r)
{
    r->class_code =
        response->transport == GEN_TRANSPORT_CANCELED ? GEN_CLASS_CANCELED : GEN_CLASS_TRANSPORT;
    r->retry_is_free = response->transport == GEN_TRANSPORT_RESET && response->reused_connection &&
                       response->body.n == 0 && !response->streamed;
    /* An answer over the size limit is a fact about this request; asking again would cost the same
     * again. */
    if (response->transport == GEN_TRANSPORT_TOO_LARGE)
        r->class_code = GEN_CLASS_BAD_REQUEST;
    char text[400];
    (void)snprintf(text, sizeof(text), "%s: %s", gen_transport_name(response->transport),
                   response->detail);
    gen_llm_set_message(r, gen_str_from(text));
}

/* What the server's own words leave out. */
static void describe_more(const struct gen_error_body *e, const struct gen_llm_result *r, char *out,
                          size_t n)
{
    out[0] = '\0';
    switch (r->class_code) {
    case GEN_CLASS_CONTEXT_OVERFLOW:
        if (e->n_prompt >= 0 && e->n_ctx >= 0)
            (void)snprintf(out, n, " (the prompt has %lld tokens, the model's context %lld)",
                           (long long)e->n_prompt, (long long)e->n_ctx);
        break;
    case GEN_CLASS_BAD_REQUEST:
        if (gen_error_is_about_schema(e))
            (void)snprintf(out, n, " (the server does not take the step's JSON schema)");
        break;
    case GEN_CLASS_QUOTA:
        if (e->is_per_day)
            (void)snprintf(out, n, " (a limit per day: no shorter wait lifts it)");
        else if (says_limit_zero(e->message))
            (void)snprintf(out, n, " (a limit of 0: this model is not in the account's plan)");
        else if (r->retry_after_ms > RETRY_AFTER_MS_MAX)
            (void)snprintf(out, n, " (it asks to wait for %lld minutes)",
                           (long long)(r->retry_after_ms / 60000));
        break;
    default:
        break;
    }
}

static void set_http_message(struct gen_llm_result *r, int status, const struct gen_error_body *e,
                             struct gen_str body)
{
    char text[480];
    char more[160];
    describe_more(e, r, more, sizeof(more));
    struct gen_str what = e->message.n ? e->message : gen_str_sub(gen_str_trim(body), 0, 200);
    bool has_raw = e->message.n && e->raw.n;
    (void)snprintf(text, sizeof(text), "HTTP %d%s%.*s%s%.*s%s", status, what.n ? ": " : "",
                   GEN_STR_ARG(gen_str_sub(what, 0, 280)), has_raw ? ": " : "",
                   GEN_STR_ARG(gen_str_sub(e->raw, 0, has_raw ? 100 : 0)), more);
    gen_llm_set_message(r, gen_str_from(text));
}

static void set_redirect_message(struct gen_llm_result *r, struct gen_str location)
{
    char text[480];
    (void)snprintf(text, sizeof(text),
                   "HTTP %d: the server points to %.*s, which is not followed, so that the key "
                   "reaches no other host: correct --base-url",
                   r->http_status,
                   GEN_STR_ARG(location.n ? gen_str_sub(location, 0, 250) : GEN_STR("elsewhere")));
    gen_llm_set_message(r, gen_str_from(text));
}

static bool no_answer(const struct gen_http_response *response, struct gen_llm_result *r,
                      const struct gen_error *parse_error)
{
    char text[300] = "the answer is empty";
    struct gen_str body = gen_str_trim(response->body);
    r->class_code = GEN_CLASS_TRANSPORT;
    if (body.n)
        (void)snprintf(text, sizeof(text), "the answer is no JSON (%.80s): %.*s", parse_error->msg,
                       GEN_STR_ARG(gen_str_sub(body, 0, 120)));
    gen_llm_set_message(r, gen_str_from(text));
    return true;
}

bool gen_classify(const struct gen_http_response *response, struct gen_llm_result *r,
                  const struct gen_json **body)
{
    gen_classify_headers(response, r);
    if (response->transport != GEN_TRANSPORT_OK) {
        classify_transport(response, r);
        return true;
    }
    struct gen_error parse_error = {.msg = ""};
    struct gen_str text = gen_str_trim(response->body);
    bool parsed = gen_json_parse(&r->doc, text, &parse_error) == GEN_OK;
    const struct gen_json *root = parsed ? gen_json_root(r->doc) : NULL;
    struct gen_error_body e;
    bool has_error = gen_error_body_read(root, &e);
    if (response->status >= 300 && response->status < 400) {
        r->class_code = GEN_CLASS_BAD_REQUEST;
        r->stop_provider = true;
        set_redirect_message(r, response->headers[GEN_HEADER_LOCATION]);
        return true;
    }
    if (response->status < 200 || response->status >= 300) {
        judge_error(response->status, &e, r);
        set_http_message(r, response->status, &e, response->body);
        return true;
    }
    if (!parsed)
        return no_answer(response, r, &parse_error);
    /* Errors after the generation began come with status 200 (OpenRouter, Ollama streams). */
    if (has_error) {
        int status = gen_error_body_status(&e);
        judge_error(status ? status : 500, &e, r);
        set_http_message(r, status ? status : response->status, &e, response->body);
        return true;
    }
    *body = root;
    return false;
}

void gen_classify_error(const struct gen_http_response *response, int status, struct gen_str error,
                        struct gen_llm_result *r)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error_body e;
    gen_classify_headers(response, r);
    bool parsed = gen_json_parse(&doc, error, NULL) == GEN_OK;
    (void)gen_error_body_read(parsed ? gen_json_root(doc) : NULL, &e);
    if (status == 0)
        status = gen_error_body_status(&e);
    if (status == 0)
        status = 500;
    judge_error(status, &e, r);
    r->http_status = status;
    set_http_message(r, status, &e, error);
    gen_json_doc_free(doc);
}
