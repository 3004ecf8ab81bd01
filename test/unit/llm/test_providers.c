/* Providers as tables of facts: recorded answers in, class and fields out (test/data/llm/
 * vectors.jsonl); requests in, exact bodies out (requests.jsonl). */
#include "llm/provider.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define VECTORS_MIN  38
#define REQUESTS_MIN 16

static const struct gen_provider *const providers[] = {
    &gen_provider_ollama, &gen_provider_openai, &gen_provider_vllm, &gen_provider_extractive, NULL};

typedef void case_fn(const struct gen_json *c);

static size_t for_each_line(const char *name, case_fn *fn)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/llm/%s", TEST_DATA_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t capacity = 0;
    size_t n = 0;
    ssize_t got;
    while ((got = getline(&line, &capacity, f)) > 0) {
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        if (gen_json_parse(&doc, (struct gen_str){line, (size_t)got}, &err))
            fail_msg("%s: %s", path, err.msg);
        fn(gen_json_root(doc));
        gen_json_doc_free(doc);
        n++;
    }
    free(line);
    (void)fclose(f);
    return n;
}

/* llama.cpp and gateways are reached through the OpenAI-compatible providers. */
static const struct gen_provider *provider_of(const struct gen_json *c)
{
    char name[40];
    struct gen_str s = gen_json_get_str(c, "provider");
    (void)snprintf(name, sizeof(name), "%.*s", GEN_STR_ARG(s));
    if (gen_str_is(s, "llamacpp"))
        return &gen_provider_vllm;
    if (gen_str_is(s, "openai-compat"))
        return &gen_provider_openai;
    const struct gen_provider *p = gen_provider_find(providers, name);
    assert_non_null(p);
    return p;
}

static void check_str(const struct gen_json *c, const char *key, struct gen_str got)
{
    struct gen_str want = {"", 0};
    const struct gen_json *expect = gen_json_get(c, "expect");
    if (!gen_json_as_str(gen_json_get(expect, key), &want))
        return;
    if (!gen_str_eq(want, got))
        fail_msg("%.*s: %s is \"%.*s\", not \"%.*s\"", GEN_STR_ARG(gen_json_get_str(c, "id")), key,
                 GEN_STR_ARG(got), GEN_STR_ARG(want));
}

static void check_int(const struct gen_json *c, const char *key, int64_t got)
{
    int64_t want = 0;
    if (!gen_json_as_int(gen_json_get(gen_json_get(c, "expect"), key), &want))
        return;
    if (want != got)
        fail_msg("%.*s: %s is %lld, not %lld", GEN_STR_ARG(gen_json_get_str(c, "id")), key,
                 (long long)got, (long long)want);
}

static void check_bool(const struct gen_json *c, const char *key, bool got)
{
    bool want = false;
    if (!gen_json_as_bool(gen_json_get(gen_json_get(c, "expect"), key), &want))
        return;
    if (want != got)
        fail_msg("%.*s: %s is %d", GEN_STR_ARG(gen_json_get_str(c, "id")), key, got);
}

static bool is_retried(const struct gen_llm_result *r)
{
    switch (r->class_code) {
    case GEN_CLASS_RATE_LIMIT:
    case GEN_CLASS_OVERLOAD:
    case GEN_CLASS_SERVER_ERROR:
    case GEN_CLASS_TRANSPORT:
    case GEN_CLASS_UNSUPPORTED_PARAM:
        return r->should_retry != 0;
    default:
        return false;
    }
}

static void set_headers(const struct gen_json *c, struct gen_http_response *response)
{
    const struct gen_json *headers = gen_json_get(c, "headers");
    response->headers[GEN_HEADER_RETRY_AFTER] = gen_json_get_str(headers, "retry-after");
    response->headers[GEN_HEADER_RETRY_AFTER_MS] = gen_json_get_str(headers, "retry-after-ms");
    response->headers[GEN_HEADER_SHOULD_RETRY] = gen_json_get_str(headers, "x-should-retry");
}

static void check_vector(const struct gen_json *c)
{
    struct gen_http_response response = {.transport = GEN_TRANSPORT_OK, .detail = ""};
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_error err = {.msg = ""};
    int64_t status = 0;
    assert_true(gen_json_as_int(gen_json_get(c, "status"), &status));
    response.status = (int)status;
    set_headers(c, &response);
    const struct gen_json *json = gen_json_get(c, "body");
    if (json && gen_json_type(json) != GEN_JSON_NULL)
        assert_int_equal(gen_json_write(&body, json, GEN_JSON_COMPACT, &err), GEN_OK);
    else
        assert_int_equal(gen_buf_add_str(&body, gen_json_get_str(c, "raw"), &err), GEN_OK);
    response.body = gen_buf_str(&body);

    struct gen_llm_result r = gen_llm_result_make();
    assert_int_equal(provider_of(c)->parse(&response, &r, &err), GEN_OK);
    /* The response is borrowed for the call only. */
    if (body.n)
        memset(body.data, 'x', body.n);
    gen_buf_release(&body);
    check_str(c, "class", gen_str_from(gen_class_name(r.class_code)));
    check_str(c, "finish", r.finish);
    check_str(c, "text", r.text);
    check_str(c, "reasoning", r.reasoning);
    check_str(c, "param", gen_str_from(r.param));
    check_int(c, "tokens_in", r.usage.tokens_in);
    check_int(c, "tokens_out", r.usage.tokens_out);
    check_int(c, "cached", r.usage.tokens_cached);
    check_int(c, "reasoning_tokens", r.usage.tokens_reasoning);
    check_bool(c, "retry", is_retried(&r));
    check_bool(c, "stop_provider", r.stop_provider);
    if (gen_json_get_str(gen_json_get(c, "headers"), "retry-after").n)
        assert_int_equal(r.retry_after_ms, 1000);
    if (r.class_code != GEN_CLASS_OK)
        assert_true(r.message[0] != '\0');
    gen_llm_result_release(&r);
}

static void test_vectors(void **state)
{
    (void)state;
    assert_true(for_each_line("vectors.jsonl", check_vector) >= VECTORS_MIN);
}

/* ---- requests ---- */

static unsigned dropped_bits(const struct gen_json *list)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        {"temperature", GEN_PARAM_TEMPERATURE}, {"seed", GEN_PARAM_SEED},
        {"schema", GEN_PARAM_SCHEMA},           {"json_mode", GEN_PARAM_JSON_MODE},
        {"max_tokens", GEN_PARAM_MAX_TOKENS},   {"system_role", GEN_PARAM_SYSTEM_ROLE},
        {"truncate", GEN_PARAM_TRUNCATE},
    };
    unsigned bits = 0;
    for (size_t i = 0; i < gen_json_count(list); i++) {
        struct gen_str s = {"", 0};
        assert_true(gen_json_as_str(gen_json_at(list, i), &s));
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            bits |= gen_str_is(s, names[k].name) ? names[k].bit : 0U;
    }
    return bits;
}

static void check_request(const struct gen_json *c)
{
    struct gen_error err = {.msg = ""};
    const struct gen_json *in = gen_json_get(c, "request");
    char *model = gen_str_dup(gen_json_get_str(in, "model"));
    char *name = gen_str_dup(gen_json_get_str(in, "schema_name"));
    int64_t sample = 0;
    struct gen_llm_stable stable = {
        .provider = "p",
        .model = model,
        .system = gen_json_get_str(in, "system"),
        .schema_json = gen_json_get(in, "schema"),
        .schema_name = name,
    };
    stable.has_temperature = gen_json_as_real(gen_json_get(in, "temperature"), &stable.temperature);
    stable.has_seed = gen_json_as_int(gen_json_get(in, "seed"), &stable.seed);
    struct gen_llm_request request = {.stable = &stable, .user = gen_json_get_str(in, "user")};
    assert_true(gen_json_as_int(gen_json_get(in, "max_tokens"), &request.tokens_out_max));
    assert_true(gen_json_as_int(gen_json_get(in, "sample"), &sample));
    request.sample = (unsigned)sample;
    struct gen_endpoint endpoint = {.base_url = "http://localhost:1",
                                    .dropped = dropped_bits(gen_json_get(c, "dropped"))};
    assert_true(gen_json_as_int(gen_json_get(c, "num_ctx"), &endpoint.num_ctx));

    struct gen_buf got = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf want = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(provider_of(c)->build(&request, &endpoint, &got, &err), GEN_OK);
    assert_int_equal(gen_json_write(&want, gen_json_get(c, "body"), GEN_JSON_COMPACT, &err),
                     GEN_OK);
    if (!gen_str_eq(gen_buf_str(&got), gen_buf_str(&want)))
        fail_msg("%.*s:\n got %.*s\nwant %.*s", GEN_STR_ARG(gen_json_get_str(c, "id")),
                 GEN_STR_ARG(gen_buf_str(&got)), GEN_STR_ARG(gen_buf_str(&want)));
    gen_buf_release(&got);
    gen_buf_release(&want);
    free(model);
    free(name);
}

static void test_requests(void **state)
{
    (void)state;
    assert_true(for_each_line("requests.jsonl", check_request) >= REQUESTS_MIN);
}

/* ---- what the vectors do not hold ---- */

static struct gen_llm_result parse(const struct gen_provider *p,
                                   const struct gen_http_response *response)
{
    struct gen_llm_result r = gen_llm_result_make();
    assert_int_equal(p->parse(response, &r, NULL), GEN_OK);
    return r;
}

static void test_transport_failures(void **state)
{
    (void)state;
    for (int t = GEN_TRANSPORT_RESOLVE; t <= GEN_TRANSPORT_OTHER; t++) {
        struct gen_http_response response = {.transport = (enum gen_transport)t, .detail = "why"};
        struct gen_llm_result r = parse(&gen_provider_openai, &response);
        enum gen_class want = t == GEN_TRANSPORT_TOO_LARGE  ? GEN_CLASS_BAD_REQUEST
                              : t == GEN_TRANSPORT_CANCELED ? GEN_CLASS_CANCELED
                                                            : GEN_CLASS_TRANSPORT;
        assert_int_equal(r.class_code, want);
        assert_non_null(strstr(r.message, "why"));
        gen_llm_result_release(&r);
    }
}

static void test_only_a_dead_connection_is_retried_for_free(void **state)
{
    (void)state;
    struct gen_http_response response = {
        .transport = GEN_TRANSPORT_RESET, .detail = "", .reused_connection = true};
    struct gen_llm_result r = parse(&gen_provider_vllm, &response);
    assert_true(r.retry_is_free);
    gen_llm_result_release(&r);
    response.body = GEN_STR("{\"choi");
    r = parse(&gen_provider_vllm, &response);
    assert_false(r.retry_is_free);
    assert_int_equal(r.class_code, GEN_CLASS_TRANSPORT);
    gen_llm_result_release(&r);
}

static void test_a_cut_answer_is_no_success(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{\"choices\":[{\"message\":{\"content\":\"half\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"half\"},\"finish_reason\":null}]}",
        "{\"choices\":[{\"message\":\"half\",\"finish_reason\":\"stop\"}]}",
        "{\"choices\":{}}",
        "[]",
        "null",
        "{\"error\":{\"message\":\"late\",\"code\":502}}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct gen_http_response response = {
            .status = 200, .body = gen_str_from(bodies[i]), .detail = ""};
        struct gen_llm_result r = parse(&gen_provider_openai, &response);
        assert_int_equal(r.class_code, GEN_CLASS_SERVER_ERROR);
        gen_llm_result_release(&r);
        r = parse(&gen_provider_ollama, &response);
        assert_int_equal(r.class_code, GEN_CLASS_SERVER_ERROR);
        gen_llm_result_release(&r);
    }
}

static void test_content_in_parts_is_joined(void **state)
{
    (void)state;
    struct gen_http_response response = {
        .status = 200,
        .detail = "",
        .body = GEN_STR("{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":["
                        "{\"type\":\"text\",\"text\":\"one \"},{\"type\":\"text\",\"text\":"
                        "\"two\"}]}}]}")};
    struct gen_llm_result r = parse(&gen_provider_openai, &response);
    assert_int_equal(r.class_code, GEN_CLASS_OK);
    assert_true(gen_str_is(r.text, "one two"));
    gen_llm_result_release(&r);
}

static void test_waits_and_money(void **state)
{
    (void)state;
    struct gen_http_response response = {.status = 429, .body = GEN_STR("{}"), .detail = ""};
    response.headers[GEN_HEADER_RETRY_AFTER_MS] = GEN_STR("250");
    response.headers[GEN_HEADER_SHOULD_RETRY] = GEN_STR("false");
    struct gen_llm_result r = parse(&gen_provider_openai, &response);
    assert_int_equal(r.class_code, GEN_CLASS_RATE_LIMIT);
    assert_int_equal(r.retry_after_ms, 250);
    assert_int_equal(r.should_retry, 0);
    gen_llm_result_release(&r);
    response.body = GEN_STR("{\"error\":{\"message\":\"You exceeded your current quota\","
                            "\"code\":\"insufficient_quota\"}}");
    r = parse(&gen_provider_openai, &response);
    assert_int_equal(r.class_code, GEN_CLASS_QUOTA);
    assert_true(r.stop_provider);
    gen_llm_result_release(&r);
}

static void test_keys_are_masked(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Incorrect API key provided: sk-proj-abcDEF123456789.",
        "key \"sk-ant-0123456789abcdef\" is wrong",
        "two: sk-aaaaaaaaaaaaaaaa and sk-bbbbbbbbbbbbbbbb",
        "sk-abcdefghijklmnopqrstuvwxyz",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gen_llm_result r = gen_llm_result_make();
        gen_llm_set_message(&r, gen_str_from(texts[i]));
        assert_non_null(strstr(r.message, "sk-***"));
        assert_null(strstr(r.message, "abc"));
        assert_null(strstr(r.message, "0123456789"));
        assert_null(strstr(r.message, "aaaa"));
        assert_null(strstr(r.message, "bbbb"));
        gen_llm_result_release(&r);
    }
    char body[300];
    (void)snprintf(body, sizeof(body),
                   "{\"error\":{\"message\":\"bad key sk-proj-%s\",\"code\":\"invalid_api_key\"}}",
                   "zzzzzzzzzzzzzzzzzzzz");
    struct gen_http_response response = {.status = 401, .body = gen_str_from(body), .detail = ""};
    struct gen_llm_result r = parse(&gen_provider_openai, &response);
    assert_int_equal(r.class_code, GEN_CLASS_AUTH);
    assert_null(strstr(r.message, "zzzz"));
    gen_llm_result_release(&r);
}

static void test_messages_are_one_line_and_bounded(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'm', sizeof(text));
    memcpy(text, "a\nb\tc\x7f", 6);
    struct gen_llm_result r = gen_llm_result_make();
    gen_llm_set_message(&r, (struct gen_str){text, sizeof(text)});
    assert_true(strncmp(r.message, "a b c ", 6) == 0);
    assert_true(strlen(r.message) < sizeof(r.message));
    gen_llm_set_message(&r, GEN_STR("a high-risk-averse request"));
    assert_string_equal(r.message, "a high-risk-averse request");
    /* A key at the very end of the room. */
    memset(text, 'm', sizeof(text));
    memcpy(text + 508, "sk-secretsecret", 15);
    gen_llm_set_message(&r, (struct gen_str){text, 523});
    assert_null(strstr(r.message, "secret"));
    gen_llm_result_release(&r);
}

static void test_table_of_providers(void **state)
{
    (void)state;
    assert_ptr_equal(gen_provider_find(providers, "ollama"), &gen_provider_ollama);
    assert_null(gen_provider_find(providers, "olama"));
    for (size_t i = 0; providers[i]; i++) {
        const struct gen_provider *p = providers[i];
        assert_non_null(p->title);
        assert_non_null(p->setup);
        assert_true(p->in_flight_start >= 1 && p->in_flight_start <= p->in_flight_max);
        assert_true((p->answer != NULL) == (p->default_base_url == NULL));
        assert_true(p->answer ? !p->build && !p->parse : p->build && p->parse && p->chat_path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_transport_failures),
        cmocka_unit_test(test_only_a_dead_connection_is_retried_for_free),
        cmocka_unit_test(test_a_cut_answer_is_no_success),
        cmocka_unit_test(test_content_in_parts_is_joined),
        cmocka_unit_test(test_waits_and_money),
        cmocka_unit_test(test_keys_are_masked),
        cmocka_unit_test(test_messages_are_one_line_and_bounded),
        cmocka_unit_test(test_table_of_providers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
