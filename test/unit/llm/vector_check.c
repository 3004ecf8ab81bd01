#include "vector_check.h"

#include "net/response_header.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

const struct gen_provider *const gen_test_providers[] = {
    &gen_provider_ollama, &gen_provider_openai, &gen_provider_vllm,       &gen_provider_anthropic,
    &gen_provider_gemini, &gen_provider_claude, &gen_provider_extractive, NULL};

size_t gen_test_for_each_line(const char *path, gen_test_line_fn *fn, void *ud)
{
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be opened", path);
    char *line = NULL;
    size_t capacity = 0;
    size_t n = 0;
    ssize_t got;
    while ((got = getline(&line, &capacity, f)) > 0) {
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        if (gen_json_parse(&doc, (struct gen_str){line, (size_t)got}, &err))
            fail_msg("%s: %s", path, err.msg);
        fn(gen_json_root(doc), ud);
        gen_json_doc_free(doc);
        n++;
    }
    free(line);
    (void)fclose(f);
    return n;
}

const struct gen_provider *gen_test_provider_of(const struct gen_json *line)
{
    char name[40];
    struct gen_str s = gen_json_get_str(line, "provider");
    (void)snprintf(name, sizeof(name), "%.*s", GEN_STR_ARG(s));
    if (gen_str_is(s, "llamacpp"))
        return &gen_provider_vllm;
    if (gen_str_is(s, "openai-compat"))
        return &gen_provider_openai;
    const struct gen_provider *p = gen_provider_find(gen_test_providers, name);
    if (!p)
        fail_msg("no provider is called %s", name);
    return p;
}

void gen_test_response(const struct gen_json *line, struct gen_http_response *response,
                       struct gen_buf *headers)
{
    int64_t status = 0;
    *response = (struct gen_http_response){.transport = GEN_TRANSPORT_OK, .detail = ""};
    assert_true(gen_json_as_int(gen_json_get(line, "status"), &status));
    response->status = (int)status;
    /* All lines first: views into a buffer that still grows would dangle. */
    struct gen_json_iter it;
    struct gen_str key;
    struct gen_str value;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(line, "headers"));
    while (gen_json_iter_next(&it, &key, &v)) {
        assert_true(gen_json_as_str(v, &value));
        assert_int_equal(
            gen_buf_printf(headers, NULL, "%.*s: %.*s\n", GEN_STR_ARG(key), GEN_STR_ARG(value)),
            GEN_OK);
    }
    struct gen_str rest = gen_buf_str(headers);
    struct gen_str text;
    enum gen_header which;
    while (gen_str_next_line(&rest, &text)) {
        if (gen_response_header(text, &which, &value))
            response->headers[which] = value;
    }
}

/* ---- one check for each member of "expect" ---- */

static bool is_retried(const struct gen_llm_result *r)
{
    switch (r->class_code) {
    case GEN_CLASS_RATE_LIMIT:
    case GEN_CLASS_OVERLOAD:
    case GEN_CLASS_SERVER_ERROR:
    case GEN_CLASS_TRANSPORT:
    case GEN_CLASS_UNSUPPORTED_PARAM:
        return r->should_retry != 0;
    case GEN_CLASS_BLOCKED:
        return r->try_other_seed;
    default:
        return false;
    }
}

/* What a hint of the vectors comes to in our messages. */
static bool has_hint(const struct gen_llm_result *r, struct gen_str hint)
{
    char words[64];
    (void)snprintf(words, sizeof(words), "%.*s", GEN_STR_ARG(hint));
    if (gen_str_is(hint, "raise_max_tokens"))
        return strstr(r->message, "--max-tokens") != NULL;
    return strstr(r->message, words) != NULL;
}

static bool has_args(const struct gen_llm_result *r, const struct gen_json *want)
{
    struct gen_json_doc *doc = NULL;
    if (r->n_tool_calls == 0 || gen_json_parse(&doc, r->tool_calls[0].arguments, NULL))
        return false;
    bool same = gen_json_equal(gen_json_root(doc), want);
    gen_json_doc_free(doc);
    return same;
}

static bool has_number(const struct gen_llm_result *r, int64_t n)
{
    char digits[32];
    (void)snprintf(digits, sizeof(digits), "%lld", (long long)n);
    return strstr(r->message, digits) != NULL;
}

static bool check_text(const struct gen_llm_result *r, struct gen_str key, struct gen_str want,
                       bool *known)
{
    const struct {
        const char *key;
        struct gen_str got;
    } rows[] = {
        {"class", gen_str_from(gen_class_name(r->class_code))},
        {"finish", r->finish},
        {"text", r->text},
        {"reasoning", r->reasoning},
        {"param", gen_str_from(r->param)},
        {"rename", gen_str_from(r->rename)},
        {"category", gen_str_from(r->category)},
        {"token", r->continuation},
        {"request_id", gen_str_from(r->request_id)},
        {"model", r->model},
        {"tool", r->n_tool_calls ? r->tool_calls[0].name : (struct gen_str){"", 0}},
        {"tool_id", r->n_tool_calls ? r->tool_calls[0].id : (struct gen_str){"", 0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!gen_str_is(key, rows[i].key))
            continue;
        if (!gen_str_eq(want, rows[i].got))
            print_message("     got \"%.*s\"\n", GEN_STR_ARG(rows[i].got));
        return gen_str_eq(want, rows[i].got);
    }
    if (gen_str_is(key, "hint"))
        return has_hint(r, want);
    if (gen_str_is(key, "says"))
        return gen_str_find(gen_str_from(r->message), want, 0) != SIZE_MAX;
    if (gen_str_is(key, "says_not"))
        return gen_str_find(gen_str_from(r->message), want, 0) == SIZE_MAX;
    *known = false;
    return false;
}

static bool check_number(const struct gen_llm_result *r, struct gen_str key, double want,
                         bool *known)
{
    const struct {
        const char *key;
        int64_t got;
    } rows[] = {
        {"tokens_in", r->usage.tokens_in},
        {"tokens_out", r->usage.tokens_out},
        {"cached", r->usage.tokens_cached},
        {"reasoning_tokens", r->usage.tokens_reasoning},
        {"n_tool_calls", (int64_t)r->n_tool_calls},
        {"requests_limit", r->limits.requests.limit},
        {"requests_remaining", r->limits.requests.remaining},
        {"tokens_remaining", r->limits.tokens.remaining},
        {"tokens_in_remaining", r->limits.tokens_in.remaining},
        {"tokens_out_remaining", r->limits.tokens_out.remaining},
        {"requests_full_in_ms", r->limits.requests.full_in_ms},
        {"http", r->http_status},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!gen_str_is(key, rows[i].key))
            continue;
        if ((double)rows[i].got != want)
            print_message("     got %lld\n", (long long)rows[i].got);
        return (double)rows[i].got == want;
    }
    if (gen_str_is(key, "wait_s"))
        return (double)r->retry_after_ms == want * 1000;
    if (gen_str_is(key, "n_prompt") || gen_str_is(key, "n_ctx"))
        return has_number(r, (int64_t)want);
    *known = false;
    return false;
}

static bool check_bool(const struct gen_llm_result *r, struct gen_str key, bool want, bool *known)
{
    bool drops = r->class_code == GEN_CLASS_UNSUPPORTED_PARAM && gen_param_bit(r->param) != 0 &&
                 r->rename[0] == '\0';
    if (gen_str_is(key, "retry"))
        return is_retried(r) == want;
    /* A lane is a provider, a model and a key: stopping the one stops the other. */
    if (gen_str_is(key, "stop_provider") || gen_str_is(key, "stop_model"))
        return r->stop_provider == want;
    if (gen_str_is(key, "lower_rate"))
        return r->lower_rate == want;
    if (gen_str_is(key, "drop"))
        return drops == want;
    if (gen_str_is(key, "text_refusal"))
        return gen_llm_text_refuses(r->text) == want;
    *known = false;
    return false;
}

size_t gen_test_expect(const struct gen_json *line, const struct gen_llm_result *r)
{
    struct gen_json_iter it;
    struct gen_str key;
    struct gen_str id = gen_json_get_str(line, "id");
    const struct gen_json *want;
    size_t n_wrong = 0;
    gen_json_iter_init(&it, gen_json_get(line, "expect"));
    while (gen_json_iter_next(&it, &key, &want)) {
        struct gen_str text = {"", 0};
        double number = 0;
        bool truth = false;
        bool known = true;
        bool same = false;
        if (gen_str_is(key, "args"))
            same = has_args(r, want);
        else if (gen_json_as_str(want, &text))
            same = check_text(r, key, text, &known);
        else if (gen_json_as_real(want, &number))
            same = check_number(r, key, number, &known);
        else if (gen_json_as_bool(want, &truth))
            same = check_bool(r, key, truth, &known);
        if (!same) {
            n_wrong++;
            print_message("%.*s: %.*s is %s (class %s, message: %s)\n", GEN_STR_ARG(id),
                          GEN_STR_ARG(key), known ? "not what is expected" : "unknown to this test",
                          gen_class_name(r->class_code), r->message);
        }
    }
    bool is_fine = r->class_code == GEN_CLASS_OK || r->class_code == GEN_CLASS_CONTINUE;
    if (!is_fine && r->message[0] == '\0') {
        n_wrong++;
        print_message("%.*s: there is no message for people\n", GEN_STR_ARG(id));
    }
    return n_wrong;
}
