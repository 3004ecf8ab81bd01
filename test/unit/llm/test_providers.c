/* Providers as tables of facts: recorded answers in, class and fields out (test/data/llm/
 * vectors.jsonl is providers.md's own list, vectors_more.jsonl ours); requests in, exact bodies out
 * (requests.jsonl). */
#include "llm/provider.h"

#include "base/prng.h"
#include "vector_check.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define VECTORS      66
#define MORE_MIN     119
#define REQUESTS_MIN 44

struct tally {
    size_t n_wrong; /* vectors of which anything is not as expected */
};

static void check_vector(const struct gen_json *c, void *ud)
{
    struct tally *tally = ud;
    struct gen_http_response response;
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf headers = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_error err = {.msg = ""};
    gen_test_response(c, &response, &headers);
    const struct gen_json *json = gen_json_get(c, "body");
    if (json && gen_json_type(json) != GEN_JSON_NULL)
        assert_int_equal(gen_json_write(&body, json, GEN_JSON_COMPACT, &err), GEN_OK);
    else
        assert_int_equal(gen_buf_add_str(&body, gen_json_get_str(c, "raw"), &err), GEN_OK);
    response.body = gen_buf_str(&body);

    struct gen_llm_result r = gen_llm_result_make();
    assert_int_equal(gen_test_provider_of(c)->parse(&response, &r, &err), GEN_OK);
    /* The response is borrowed for the call only. */
    if (body.n)
        memset(body.data, 'x', body.n);
    gen_buf_release(&body);
    gen_buf_release(&headers);
    tally->n_wrong += gen_test_expect(c, &r) > 0;
    gen_llm_result_release(&r);
}

static void check_file(const char *path, size_t n_min)
{
    struct tally tally = {0};
    size_t n = gen_test_for_each_line(path, check_vector, &tally);
    print_message("%s: %zu vectors, %zu as expected\n", path, n, n - tally.n_wrong);
    assert_true(n >= n_min);
    assert_int_equal(tally.n_wrong, 0);
}

static void test_vectors(void **state)
{
    (void)state;
    check_file(TEST_DATA_DIR "/llm/vectors.jsonl", VECTORS);
}

static void test_more_vectors(void **state)
{
    (void)state;
    check_file(TEST_DATA_DIR "/llm/vectors_more.jsonl", MORE_MIN);
}

/* Bytes changed, left out and doubled at random: whatever a server sends is some class, never a
 * crash, and what is said of it is valid for people. */
static void check_mutations(const struct gen_json *c, void *ud)
{
    struct gen_prng *random = ud;
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_json *json = gen_json_get(c, "body");
    if (json)
        assert_int_equal(gen_json_write(&body, json, GEN_JSON_COMPACT, NULL), GEN_OK);
    for (size_t i = 0; i < 40 && body.n > 1; i++) {
        char *bytes = malloc(body.n);
        assert_non_null(bytes);
        memcpy(bytes, body.data, body.n);
        size_t n = body.n - gen_prng_below(random, 2) * gen_prng_below(random, body.n);
        for (size_t k = gen_prng_below(random, 4); k > 0; k--)
            bytes[gen_prng_below(random, body.n)] =
                "\"{}[]:,0-9\\n\xff\x00tfe. "[gen_prng_below(random, 20)];
        const struct gen_provider *p = gen_test_providers[gen_prng_below(random, 6)];
        static const int statuses[] = {200, 200, 400, 429, 403, 500};
        struct gen_http_response response = {
            .status = statuses[gen_prng_below(random, 6)], .body = {bytes, n}, .detail = ""};
        struct gen_llm_result r = gen_llm_result_make();
        assert_int_equal(p->parse(&response, &r, NULL), GEN_OK);
        assert_int_not_equal(r.class_code, GEN_CLASS_NONE);
        assert_true(r.class_code == GEN_CLASS_OK || r.message[0] != '\0');
        gen_llm_result_release(&r);
        free(bytes);
    }
    gen_buf_release(&body);
}

static void test_mutated_vectors(void **state)
{
    (void)state;
    struct gen_prng random = gen_prng_make(1);
    (void)gen_test_for_each_line(TEST_DATA_DIR "/llm/vectors.jsonl", check_mutations, &random);
    (void)gen_test_for_each_line(TEST_DATA_DIR "/llm/vectors_more.jsonl", check_mutations, &random);
}

static void test_vectors_from_outside(void **state)
{
    (void)state;
    const char *path = getenv("GENERATOR_VECTORS");
    if (!path || !*path) {
        print_message("skipped: GENERATOR_VECTORS names no file of further vectors\n");
        skip();
    }
    check_file(path, 1);
}

/* ---- requests ---- */

static unsigned dropped_bits(const struct gen_json *list)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        {"temperature", GEN_PARAM_TEMPERATURE},
        {"seed", GEN_PARAM_SEED},
        {"schema", GEN_PARAM_SCHEMA},
        {"json_mode", GEN_PARAM_JSON_MODE},
        {"max_tokens", GEN_PARAM_MAX_TOKENS},
        {"system_role", GEN_PARAM_SYSTEM_ROLE},
        {"truncate", GEN_PARAM_TRUNCATE},
        {"thinking", GEN_PARAM_THINKING},
        {"cache", GEN_PARAM_CACHE},
        {"stream", GEN_PARAM_STREAM},
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

static enum gen_stream_mode stream_mode(struct gen_str word)
{
    if (gen_str_is(word, "on"))
        return GEN_STREAM_ON;
    return gen_str_is(word, "off") ? GEN_STREAM_OFF : GEN_STREAM_AUTO;
}

static void check_body(const struct gen_json *c, const struct gen_llm_request *request,
                       const struct gen_endpoint *endpoint)
{
    struct gen_error err = {.msg = ""};
    struct gen_buf got = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf want = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_test_provider_of(c)->build(request, endpoint, &got, &err), GEN_OK);
    assert_int_equal(gen_json_write(&want, gen_json_get(c, "body"), GEN_JSON_COMPACT, &err),
                     GEN_OK);
    if (!gen_str_eq(gen_buf_str(&got), gen_buf_str(&want)))
        fail_msg("%.*s:\n got %.*s\nwant %.*s", GEN_STR_ARG(gen_json_get_str(c, "id")),
                 GEN_STR_ARG(gen_buf_str(&got)), GEN_STR_ARG(gen_buf_str(&want)));
    gen_buf_release(&got);
    gen_buf_release(&want);
}

static void check_request(const struct gen_json *c, void *ud)
{
    (void)ud;
    const struct gen_json *in = gen_json_get(c, "request");
    const struct gen_json *wire_schema = gen_json_get(in, "wire_schema");
    char *model = gen_str_dup(gen_json_get_str(in, "model"));
    char *name = gen_str_dup(gen_json_get_str(in, "schema_name"));
    char *effort = gen_str_dup(gen_json_get_str(c, "effort"));
    struct gen_buf wire = gen_buf_make(GEN_BUF_UNLIMITED);
    int64_t sample = 0;
    int64_t reseed = 0;
    struct gen_llm_stable stable = {
        .provider = "p",
        .model = model,
        .system = gen_json_get_str(in, "system"),
        .schema_json = gen_json_get(in, "schema"),
        .schema_name = name,
    };
    if (wire_schema)
        assert_int_equal(gen_json_write(&wire, wire_schema, GEN_JSON_COMPACT, NULL), GEN_OK);
    stable.wire_schema = gen_buf_str(&wire);
    stable.has_temperature = gen_json_as_real(gen_json_get(in, "temperature"), &stable.temperature);
    stable.has_seed = gen_json_as_int(gen_json_get(in, "seed"), &stable.seed);
    struct gen_llm_request request = {.stable = &stable, .user = gen_json_get_str(in, "user")};
    assert_true(gen_json_as_int(gen_json_get(in, "max_tokens"), &request.tokens_out_max));
    assert_true(gen_json_as_int(gen_json_get(in, "sample"), &sample));
    (void)gen_json_as_int(gen_json_get(in, "reseed"), &reseed);
    request.sample = (unsigned)sample;
    request.reseed = (unsigned)reseed;
    struct gen_endpoint endpoint = {.base_url = "http://localhost:1",
                                    .dropped = dropped_bits(gen_json_get(c, "dropped")),
                                    .stream = stream_mode(gen_json_get_str(c, "stream")),
                                    .reasoning_effort = *effort ? effort : NULL};
    (void)gen_json_as_bool(gen_json_get(c, "is_batch"), &endpoint.is_batch);
    assert_true(gen_json_as_int(gen_json_get(c, "num_ctx"), &endpoint.num_ctx));
    check_body(c, &request, &endpoint);
    gen_buf_release(&wire);
    free(model);
    free(name);
    free(effort);
}

static void test_requests(void **state)
{
    (void)state;
    size_t n = gen_test_for_each_line(TEST_DATA_DIR "/llm/requests.jsonl", check_request, NULL);
    assert_true(n >= REQUESTS_MIN);
}

static void test_prompt_cache_key_is_the_digest(void **state)
{
    (void)state;
    struct gen_llm_stable stable = {.provider = "openai", .model = "m"};
    memset(stable.digest.bytes, 0xab, sizeof(stable.digest.bytes));
    struct gen_llm_request request = {.stable = &stable, .user = GEN_STR("U")};
    struct gen_endpoint endpoint = {.base_url = "http://localhost:1"};
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_provider_openai.build(&request, &endpoint, &body, NULL), GEN_OK);
    assert_non_null(strstr(body.data, "\"prompt_cache_key\":\"abababababababababababababababab\""));
    gen_buf_release(&body);
}

/* ---- where requests go ---- */

static void check_url(const char *model, const char *path, const char *want)
{
    struct gen_wire wire;
    struct gen_endpoint endpoint = {.base_url = "http://h/v1"};
    struct gen_error err = {.msg = ""};
    assert_int_equal(gen_provider_wire(&gen_provider_openai, &endpoint, model, path, &wire, &err),
                     GEN_OK);
    assert_string_equal(wire.url, want);
    assert_null(wire.auth_header);
    assert_string_equal(wire.headers[0], "Content-Type: application/json");
    assert_string_equal(wire.headers[1], "Accept: application/json");
}

static void test_urls(void **state)
{
    (void)state;
    const char *gemini = "/models/{model}:generateContent";
    check_url("m", "/chat/completions", "http://h/v1/chat/completions");
    check_url("gemini-2.5-flash", gemini, "http://h/v1/models/gemini-2.5-flash:generateContent");
    check_url("models/gemini-2.5-flash", gemini,
              "http://h/v1/models/gemini-2.5-flash:generateContent");
    check_url("meta-llama/Llama-3", "/models/{model}", "http://h/v1/models/meta-llama/Llama-3");
    check_url("qwen3:8b", "/x/{model}", "http://h/v1/x/qwen3:8b");
    check_url("a b?c#d%\xc3\xa9\"", "/x/{model}", "http://h/v1/x/a%20b%3Fc%23d%25%C3%A9%22");
    check_url("m", "/{model}/{model}", "http://h/v1/m/m");
}

static void test_url_too_long(void **state)
{
    (void)state;
    struct gen_wire wire;
    struct gen_error err = {.msg = ""};
    struct gen_endpoint endpoint = {.base_url = "http://h"};
    char model[3000];
    memset(model, 'm', sizeof(model) - 1);
    model[sizeof(model) - 1] = '\0';
    memset(&wire, 7, sizeof(wire));
    assert_int_equal(
        gen_provider_wire(&gen_provider_openai, &endpoint, model, "/{model}", &wire, &err),
        GEN_ELIMIT);
    assert_non_null(strstr(err.msg, "longer than 2047 bytes"));
    assert_int_equal(wire.url[0], 7);
}

static void test_key_header_only_with_a_key(void **state)
{
    (void)state;
    struct gen_wire wire;
    struct gen_secret *key = NULL;
    struct gen_error err = {.msg = ""};
    assert_int_equal(gen_secret_new(&key, GEN_STR("k"), &err), GEN_OK);
    struct gen_endpoint endpoint = {.base_url = "http://h", .key = key};
    assert_int_equal(gen_provider_wire(&gen_provider_openai, &endpoint, "m", "/x", &wire, &err),
                     GEN_OK);
    assert_string_equal(wire.auth_header, "Authorization");
    assert_string_equal(wire.auth_prefix, "Bearer ");
    gen_secret_free(key);
}

static void test_parameter_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned bit;
    } rows[] = {
        {"temperature", GEN_PARAM_TEMPERATURE},
        {"generationConfig.temperature", GEN_PARAM_TEMPERATURE},
        {"response_format", GEN_PARAM_SCHEMA},
        {"response_format.json_schema.schema", GEN_PARAM_SCHEMA},
        {"output_config.format", GEN_PARAM_SCHEMA},
        {"output_config.effort", GEN_PARAM_THINKING},
        {"generationConfig.thinkingConfig", GEN_PARAM_THINKING},
        {"generation_config.thinking_config.thinking_budget", GEN_PARAM_THINKING},
        {"thinking.budget_tokens", GEN_PARAM_THINKING},
        {"think", GEN_PARAM_THINKING},
        {"reasoning_effort", GEN_PARAM_THINKING},
        {"chat_template_kwargs", GEN_PARAM_THINKING},
        {"max_tokens", GEN_PARAM_MAX_TOKENS},
        {"max_completion_tokens", GEN_PARAM_MAX_TOKENS},
        {"messages[0].role", GEN_PARAM_SYSTEM_ROLE},
        {"system.0.cache_control", GEN_PARAM_CACHE},
        {"messages.0.content.1.cache_control", GEN_PARAM_CACHE},
        {"prompt_cache_key", GEN_PARAM_CACHE},
        {"stream_options", GEN_PARAM_STREAM},
        {"stream_options.include_usage", GEN_PARAM_STREAM},
        {"truncate", GEN_PARAM_TRUNCATE},
        {"shift", GEN_PARAM_TRUNCATE},
        {"seed", GEN_PARAM_SEED},
        {"model", 0},
        {"messages", 0},
        {"information", 0},
        {"", 0},
        {"...", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (gen_param_bit(rows[i].name) != rows[i].bit)
            fail_msg("%s: %#x", rows[i].name, gen_param_bit(rows[i].name));
    }
}

static void test_ollama_notices_a_cut_prompt(void **state)
{
    (void)state;
    static const struct {
        int64_t num_ctx, tokens_in;
        size_t body_bytes;
        enum gen_class before, after;
    } rows[] = {
        {0, 100000, 9999999, GEN_CLASS_OK, GEN_CLASS_OK},
        {4096, 4096, 10000, GEN_CLASS_OK, GEN_CLASS_CONTEXT_OVERFLOW},
        {4096, 4095, 10000, GEN_CLASS_OK, GEN_CLASS_OK},
        {4096, -1, 40000, GEN_CLASS_OK, GEN_CLASS_CONTEXT_OVERFLOW},
        {4096, 2100, 40000, GEN_CLASS_TRUNCATED, GEN_CLASS_CONTEXT_OVERFLOW},
        {4096, 4000, 10000, GEN_CLASS_TRUNCATED, GEN_CLASS_TRUNCATED},
        {4096, -1, 40000, GEN_CLASS_OVERLOAD, GEN_CLASS_OVERLOAD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_endpoint endpoint = {.num_ctx = rows[i].num_ctx};
        struct gen_llm_result r = gen_llm_result_make();
        r.class_code = rows[i].before;
        r.usage.tokens_in = rows[i].tokens_in;
        r.usage.tokens_out = 100;
        gen_provider_ollama.check(&endpoint, rows[i].body_bytes, &r);
        assert_int_equal(r.class_code, rows[i].after);
        if (r.class_code == GEN_CLASS_CONTEXT_OVERFLOW || r.class_code == GEN_CLASS_TRUNCATED)
            assert_non_null(strstr(r.message, "--num-ctx"));
        gen_llm_result_release(&r);
    }
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
        "sk-abc.0123456789abcdef is no key",
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

static void test_what_else_is_masked(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"api key: abcd1234efgh is wrong", "api key: *** is wrong"},
        {"Incorrect API key provided: abcd1234efgh.", "Incorrect API key provided: ***."},
        {"x-api-key: \"abcd1234efgh\"", "x-api-key: \"***\""},
        {"Authorization: Bearer xyz", "Authorization: Bearer ***"},
        {"key AIzaSyABCDEF123 and gsk_ABCDEF123", "key AIza*** and gsk_***"},
        {"invalid x-api-key", "invalid x-api-key"},
        {"API key not valid. Please pass a valid API key.",
         "API key not valid. Please pass a valid API key."},
        {"a Bearer token is missing", "a Bearer token is missing"},
        {"no api key: see the manual", "no api key: see the manual"},
        {"task-forces and disk-drives", "task-forces and disk-drives"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_llm_result r = gen_llm_result_make();
        gen_llm_set_message(&r, gen_str_from(rows[i][0]));
        assert_string_equal(r.message, rows[i][1]);
        gen_llm_result_release(&r);
    }
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
    assert_ptr_equal(gen_provider_find(gen_test_providers, "ollama"), &gen_provider_ollama);
    assert_null(gen_provider_find(gen_test_providers, "olama"));
    for (size_t i = 0; gen_test_providers[i]; i++) {
        const struct gen_provider *p = gen_test_providers[i];
        assert_non_null(p->title);
        assert_non_null(p->setup);
        assert_true(p->in_flight_start >= 1 && p->in_flight_start <= p->in_flight_max);
        if (p->answer) {
            assert_true(!p->build && !p->parse && !p->default_base_url);
            continue;
        }
        assert_true(p->build && p->parse);
        assert_true(p->program ? p->arguments != NULL : p->chat_path && p->default_base_url);
        assert_true((p->on_event != NULL) == (p->judge != NULL) || p->program);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_more_vectors),
        cmocka_unit_test(test_mutated_vectors),
        cmocka_unit_test(test_vectors_from_outside),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_prompt_cache_key_is_the_digest),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_url_too_long),
        cmocka_unit_test(test_key_header_only_with_a_key),
        cmocka_unit_test(test_parameter_names),
        cmocka_unit_test(test_ollama_notices_a_cut_prompt),
        cmocka_unit_test(test_transport_failures),
        cmocka_unit_test(test_only_a_dead_connection_is_retried_for_free),
        cmocka_unit_test(test_a_cut_answer_is_no_success),
        cmocka_unit_test(test_content_in_parts_is_joined),
        cmocka_unit_test(test_waits_and_money),
        cmocka_unit_test(test_keys_are_masked),
        cmocka_unit_test(test_what_else_is_masked),
        cmocka_unit_test(test_messages_are_one_line_and_bounded),
        cmocka_unit_test(test_table_of_providers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
