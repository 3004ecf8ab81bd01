#include "llm/provider.h"

#include "net/retry_after.h"
#include "os/loop.h"

#include <ctype.h>
#include <stdio.h>

/* A server that asks for more than this does not mean a pause but a limit (providers.md §2.4). */
#define RETRY_AFTER_MS_MAX ((int64_t)600000)

/* The error of a body, in whichever of the shapes it came. */
struct error_info {
    struct gen_str message, type, code, param;
};

void gen_llm_set_message(struct gen_llm_result *result, struct gen_str text)
{
    size_t n = 0;
    text = gen_str_trim(text);
    for (size_t i = 0; i < text.n && n + 1 < sizeof(result->message); i++) {
        unsigned char c = (unsigned char)text.p[i];
        /* Servers echo a wrong key, and not all mask it. */
        bool starts_word = i == 0 || !isalnum((unsigned char)text.p[i - 1]);
        if (starts_word && c == 's' && i + 8 < text.n && memcmp(text.p + i, "sk-", 3) == 0) {
            n += (size_t)snprintf(result->message + n, sizeof(result->message) - n, "sk-***");
            if (n >= sizeof(result->message))
                n = sizeof(result->message) - 1;
            while (i + 1 < text.n && text.p[i + 1] > ' ' && text.p[i + 1] != '"' &&
                   text.p[i + 1] != '.')
                i++;
            continue;
        }
        result->message[n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    /* A cut in the middle of a character would make the failures file invalid UTF-8. */
    while (n > 0 && n + 1 >= sizeof(result->message) &&
           ((unsigned char)result->message[n - 1] & 0xC0U) == 0x80U)
        n--;
    result->message[n] = '\0';
}

static struct error_info read_error(const struct gen_json *root)
{
    struct error_info e = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    if (gen_json_type(root) == GEN_JSON_ARRAY)
        root = gen_json_at(root, 0);
    const struct gen_json *error = gen_json_get(root, "error");
    if (gen_json_as_str(error, &e.message))
        return e;
    if (gen_json_type(error) != GEN_JSON_OBJECT)
        error = root;
    e.message = gen_json_get_str(error, "message");
    e.type = gen_json_get_str(error, "type");
    e.code = gen_json_get_str(error, "code");
    e.param = gen_json_get_str(error, "param");
    if (e.message.n == 0)
        e.message = gen_json_get_str(root, "detail");
    return e;
}

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

static bool is_context_overflow(const struct error_info *e)
{
    static const char *const words[] = {"maximum context length",
                                        "context length",
                                        "exceeds the available context size",
                                        "prompt is too long",
                                        "exceeds the maximum number of tokens",
                                        NULL};
    return gen_str_is(e->code, "context_length_exceeded") ||
           gen_str_is(e->type, "exceed_context_size_error") || any_of(e->message, words);
}

static bool is_quota(const struct error_info *e)
{
    static const char *const codes[] = {"insufficient_quota",
                                        "credit_balance_exhausted",
                                        "spend_limit",
                                        "usage_limit_exceeded",
                                        "billing",
                                        NULL};
    static const char *const words[] = {"exceeded your current quota", "credit balance",
                                        "spend limit", "insufficient balance", NULL};
    return any_of(e->code, codes) || any_of(e->type, codes) || any_of(e->message, words);
}

static void set_param(struct gen_llm_result *r, struct gen_str name)
{
    (void)snprintf(r->param, sizeof(r->param), "%.*s",
                   GEN_STR_ARG(gen_str_sub(name, 0, sizeof(r->param) - 1)));
}

/* Names of request fields that servers refuse in words alone. */
static bool finds_param(const struct error_info *e, struct gen_llm_result *r)
{
    static const char *const fields[] = {
        "response_format", "json_schema", "max_tokens", "temperature", "seed", "think",
        "format",          "truncate",    "shift",      "system",      NULL};
    static const char *const words[] = {"unsupported",   "not support",  "unrecognized", "unknown",
                                        "not permitted", "extra inputs", "unexpected",   NULL};
    bool says_so = gen_str_is(e->code, "unsupported_value") ||
                   gen_str_is(e->code, "unsupported_parameter") ||
                   gen_str_is(e->code, "unknown_parameter") || any_of(e->message, words);
    if (!says_so)
        return false;
    if (e->param.n) {
        set_param(r, e->param);
        return true;
    }
    for (size_t i = 0; fields[i]; i++) {
        if (contains(e->message, fields[i])) {
            set_param(r, gen_str_from(fields[i]));
            return true;
        }
    }
    return false;
}

static enum gen_class class_of_client_error(int status, const struct error_info *e,
                                            struct gen_llm_result *r)
{
    if (status == 401 || status == 403) {
        /* OpenRouter and others answer 403 to moderated input. */
        if (status == 403 && (contains(e->message, "moderat") || contains(e->message, "flagged")))
            return GEN_CLASS_BLOCKED;
        r->stop_provider = true;
        return GEN_CLASS_AUTH;
    }
    if (is_context_overflow(e))
        return GEN_CLASS_CONTEXT_OVERFLOW;
    if (gen_str_is(e->code, "content_filter"))
        return GEN_CLASS_BLOCKED;
    if ((status == 400 || status == 422) && finds_param(e, r))
        return GEN_CLASS_UNSUPPORTED_PARAM;
    if (is_quota(e)) {
        r->stop_provider = true;
        return GEN_CLASS_QUOTA;
    }
    /* The path and the model are the same for all items: no later one can succeed. */
    r->stop_provider = status == 404 || status == 405;
    return GEN_CLASS_BAD_REQUEST;
}

static enum gen_class class_of_status(int status, const struct error_info *e,
                                      struct gen_llm_result *r)
{
    switch (status) {
    case 402:
        if (r->retry_after_ms >= 0)
            return GEN_CLASS_RATE_LIMIT;
        r->stop_provider = true;
        return GEN_CLASS_QUOTA;
    case 408:
    case 429:
        if (is_quota(e) || r->retry_after_ms > RETRY_AFTER_MS_MAX) {
            r->stop_provider = true;
            return GEN_CLASS_QUOTA;
        }
        return GEN_CLASS_RATE_LIMIT;
    case 498:
    case 503:
    case 529:
        return GEN_CLASS_OVERLOAD;
    default:
        break;
    }
    if (status >= 500)
        return GEN_CLASS_SERVER_ERROR;
    if (status >= 300 && status < 400) {
        r->stop_provider = true;
        return GEN_CLASS_BAD_REQUEST;
    }
    return class_of_client_error(status, e, r);
}

static void read_waits(const struct gen_http_response *response, struct gen_llm_result *r)
{
    uint64_t wait_ms = 0;
    if (gen_retry_after(response->headers[GEN_HEADER_RETRY_AFTER_MS],
                        response->headers[GEN_HEADER_RETRY_AFTER], gen_time_unix_us() / 1000,
                        &wait_ms))
        r->retry_after_ms = (int64_t)wait_ms;
    struct gen_str should = response->headers[GEN_HEADER_SHOULD_RETRY];
    if (gen_str_eq_nocase(should, GEN_STR("true")))
        r->should_retry = 1;
    else if (gen_str_eq_nocase(should, GEN_STR("false")))
        r->should_retry = 0;
}

static void classify_transport(const struct gen_http_response *response, struct gen_llm_result *r)
{
    r->class_code =
        response->transport == GEN_TRANSPORT_CANCELED ? GEN_CLASS_CANCELED : GEN_CLASS_TRANSPORT;
    r->retry_is_free = response->transport == GEN_TRANSPORT_RESET && response->reused_connection &&
                       response->body.n == 0;
    /* An answer over the size limit is a fact about this request; asking again would cost the same
     * again. */
    if (response->transport == GEN_TRANSPORT_TOO_LARGE)
        r->class_code = GEN_CLASS_BAD_REQUEST;
    char text[400];
    (void)snprintf(text, sizeof(text), "%s: %s", gen_transport_name(response->transport),
                   response->detail);
    gen_llm_set_message(r, gen_str_from(text));
}

static void set_http_message(struct gen_llm_result *r, const struct error_info *e,
                             struct gen_str body)
{
    char text[480];
    struct gen_str what = e->message.n ? e->message : gen_str_sub(gen_str_trim(body), 0, 200);
    (void)snprintf(text, sizeof(text), "HTTP %d: %.*s", r->http_status,
                   GEN_STR_ARG(gen_str_sub(what, 0, 440)));
    gen_llm_set_message(r, gen_str_from(text));
}

bool gen_classify(const struct gen_http_response *response, struct gen_llm_result *r,
                  const struct gen_json **body)
{
    r->http_status = response->status;
    r->latency_us = response->latency_us;
    if (response->transport != GEN_TRANSPORT_OK) {
        classify_transport(response, r);
        return true;
    }
    read_waits(response, r);
    struct gen_error parse_error = {.msg = ""};
    bool parsed = gen_json_parse(&r->doc, gen_str_trim(response->body), &parse_error) == GEN_OK;
    const struct gen_json *root = parsed ? gen_json_root(r->doc) : NULL;
    struct error_info e = read_error(root);
    if (response->status < 200 || response->status >= 300) {
        r->class_code = class_of_status(response->status, &e, r);
        set_http_message(r, &e, response->body);
        return true;
    }
    /* Errors after the generation began come with status 200 (OpenRouter, Ollama streams). */
    const struct gen_json *error = gen_json_get(root, "error");
    if (error && gen_json_type(error) != GEN_JSON_NULL) {
        int64_t code = 0;
        (void)gen_json_as_int(gen_json_get(error, "code"), &code);
        r->class_code =
            code >= 400 && code < 600 ? class_of_status((int)code, &e, r) : GEN_CLASS_SERVER_ERROR;
        set_http_message(r, &e, response->body);
        return true;
    }
    if (!parsed) {
        r->class_code = GEN_CLASS_SERVER_ERROR;
        char text[300];
        (void)snprintf(text, sizeof(text), "the answer is no JSON (%.80s): %.*s", parse_error.msg,
                       GEN_STR_ARG(gen_str_sub(gen_str_trim(response->body), 0, 120)));
        gen_llm_set_message(r,
                            response->body.n ? gen_str_from(text) : GEN_STR("the answer is empty"));
        return true;
    }
    *body = root;
    return false;
}
