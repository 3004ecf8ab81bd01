/* Anthropic and Gemini as tables of facts: requests in, exact bodies out; answers and streams in,
 * results out (test/data/llm/{requests,answers,streams}_cloud.jsonl). */
#include "llm/stream.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUESTS_MIN 80
#define ANSWERS_MIN  50
#define STREAMS_MIN  35

static const struct gen_provider *const providers[] = {&gen_provider_anthropic,
                                                       &gen_provider_gemini, NULL};

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
    ssize_t length;
    while ((length = getline(&line, &capacity, f)) > 0) {
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        if (gen_json_parse(&doc, (struct gen_str){line, (size_t)length}, &err))
            fail_msg("%s, line %zu: %s", name, n + 1, err.msg);
        fn(gen_json_root(doc));
        gen_json_doc_free(doc);
        n++;
    }
    free(line);
    assert_int_equal(fclose(f), 0);
    return n;
}

static const struct gen_provider *provider_of(const struct gen_json *c)
{
    char name[40];
    (void)snprintf(name, sizeof(name), "%.*s", GEN_STR_ARG(gen_json_get_str(c, "provider")));
    const struct gen_provider *p = gen_provider_find(providers, name);
    assert_non_null(p);
    return p;
}

static int64_t int_of(const struct gen_json *object, const char *key)
{
    int64_t i = 0;
    (void)gen_json_as_int(gen_json_get(object, key), &i);
    return i;
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
        {"system_role", GEN_PARAM_SYSTEM_ROLE},
        {"thinking", GEN_PARAM_THINKING},
        {"cache", GEN_PARAM_CACHE},
    };
    unsigned bits = 0;
    for (size_t i = 0; i < gen_json_count(list); i++) {
        struct gen_str s = {"", 0};
        unsigned before = bits;
        assert_true(gen_json_as_str(gen_json_at(list, i), &s));
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            bits |= gen_str_is(s, names[k].name) ? names[k].bit : 0U;
        assert_int_not_equal(bits, before);
    }
    return bits;
}

/* The texts that C strings are made of, freed after the case. */
struct words {
    char *model, *schema_name, *effort, *api_version;
    struct gen_buf wire_schema;
};

static char *word(const struct gen_json *object, const char *key)
{
    return gen_json_get(object, key) ? gen_str_dup(gen_json_get_str(object, key)) : NULL;
}

static struct words words_of(const struct gen_json *c)
{
    const struct gen_json *in = gen_json_get(c, "request");
    const struct gen_json *endpoint = gen_json_get(c, "endpoint");
    struct words w = {word(in, "model"), word(in, "schema_name"), word(endpoint, "effort"),
                      word(endpoint, "api_version"), gen_buf_make(GEN_BUF_UNLIMITED)};
    const struct gen_json *wire = gen_json_get(in, "wire_schema");
    if (wire)
        assert_int_equal(gen_json_write(&w.wire_schema, wire, GEN_JSON_COMPACT, NULL), GEN_OK);
    return w;
}

static void free_words(struct words *w)
{
    free(w->model);
    free(w->schema_name);
    free(w->effort);
    free(w->api_version);
    gen_buf_release(&w->wire_schema);
}

static struct gen_endpoint endpoint_of(const struct gen_json *c, const struct words *w)
{
    const struct gen_json *in = gen_json_get(c, "endpoint");
    struct gen_endpoint e = {.base_url = "http://localhost:1",
                             .dropped = dropped_bits(gen_json_get(in, "dropped")),
                             .reasoning_effort = w->effort,
                             .api_version = w->api_version};
    if (gen_str_is(gen_json_get_str(in, "stream"), "on"))
        e.stream = GEN_STREAM_ON;
    (void)gen_json_as_bool(gen_json_get(in, "is_batch"), &e.is_batch);
    return e;
}

static void check_request(const struct gen_json *c)
{
    const struct gen_json *in = gen_json_get(c, "request");
    struct words w = words_of(c);
    struct gen_llm_stable stable = {
        .provider = "p",
        .model = w.model,
        .system = gen_json_get_str(in, "system"),
        .schema_json = gen_json_get(in, "schema"),
        .schema_name = w.schema_name,
        .wire_schema = gen_buf_str(&w.wire_schema),
    };
    stable.has_temperature = gen_json_as_real(gen_json_get(in, "temperature"), &stable.temperature);
    stable.has_seed = gen_json_as_int(gen_json_get(in, "seed"), &stable.seed);
    struct gen_llm_request request = {.stable = &stable,
                                      .user = gen_json_get_str(in, "user"),
                                      .tokens_out_max = int_of(in, "max_tokens"),
                                      .sample = (unsigned)int_of(in, "sample"),
                                      .reseed = (unsigned)int_of(in, "reseed"),
                                      .continuation = gen_json_get_str(in, "continuation")};
    struct gen_endpoint endpoint = endpoint_of(c, &w);
    struct gen_buf got = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf want = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(provider_of(c)->build(&request, &endpoint, &got, NULL), GEN_OK);
    assert_int_equal(gen_json_write(&want, gen_json_get(c, "body"), GEN_JSON_COMPACT, NULL),
                     GEN_OK);
    if (!gen_str_eq(gen_buf_str(&got), gen_buf_str(&want)))
        fail_msg("%.*s:\n got %.*s\nwant %.*s", GEN_STR_ARG(gen_json_get_str(c, "id")),
                 GEN_STR_ARG(gen_buf_str(&got)), GEN_STR_ARG(gen_buf_str(&want)));
    bool streams = false;
    assert_true(gen_json_as_bool(gen_json_get(c, "streams"), &streams));
    assert_int_equal(gen_provider_streams(provider_of(c), &request, &endpoint), streams);
    gen_buf_release(&got);
    gen_buf_release(&want);
    free_words(&w);
}

static void test_requests(void **state)
{
    (void)state;
    assert_true(for_each_line("requests_cloud.jsonl", check_request) >= REQUESTS_MIN);
}

static void test_where_requests_go(void **state)
{
    (void)state;
    struct gen_secret *key = NULL;
    assert_int_equal(gen_secret_new(&key, GEN_STR("k"), NULL), GEN_OK);
    struct gen_endpoint e = {.base_url = gen_provider_anthropic.default_base_url, .key = key};
    const struct gen_provider *p = &gen_provider_anthropic;
    struct gen_wire w;
    assert_int_equal(gen_provider_wire(p, &e, "claude-x", p->chat_path, &w, NULL), GEN_OK);
    assert_string_equal(w.url, "https://api.anthropic.com/v1/messages");
    assert_string_equal(w.version, "anthropic-version: 2023-06-01");
    assert_string_equal(w.auth_header, "x-api-key");
    assert_string_equal(w.auth_prefix, "");
    size_t n = 0;
    bool found = false;
    for (; w.headers[n]; n++)
        found = found || w.headers[n] == w.version;
    assert_true(found && n <= 5);
    e.api_version = "2026-10-21";
    assert_int_equal(gen_provider_wire(p, &e, "claude-x", p->chat_path, &w, NULL), GEN_OK);
    assert_string_equal(w.version, "anthropic-version: 2026-10-21");
    assert_string_equal(w.auth_header, "Authorization");
    assert_string_equal(w.auth_prefix, "Bearer ");
    e.key = NULL;
    assert_int_equal(gen_provider_wire(p, &e, "claude-x", p->chat_path, &w, NULL), GEN_OK);
    assert_null(w.auth_header);

    p = &gen_provider_gemini;
    e = (struct gen_endpoint){.base_url = p->default_base_url, .key = key};
    static const char *const names[] = {"gemini-x", "models/gemini-x"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(gen_provider_wire(p, &e, names[i], p->chat_path, &w, NULL), GEN_OK);
        assert_string_equal(w.url, "https://generativelanguage.googleapis.com/v1beta/models/"
                                   "gemini-x:generateContent");
        assert_int_equal(gen_provider_wire(p, &e, names[i], p->stream_path, &w, NULL), GEN_OK);
        assert_string_equal(w.url, "https://generativelanguage.googleapis.com/v1beta/models/"
                                   "gemini-x:streamGenerateContent?alt=sse");
        assert_string_equal(w.auth_header, "x-goog-api-key");
    }
    gen_secret_free(key);
}

/* ---- answers ---- */

static void fail_case(const struct gen_json *c, const char *key, const char *got)
{
    fail_msg("%.*s: %s is \"%s\"", GEN_STR_ARG(gen_json_get_str(c, "id")), key, got);
}

static void check_str(const struct gen_json *c, const char *key, struct gen_str got)
{
    struct gen_str want = {"", 0};
    if (gen_json_as_str(gen_json_get(gen_json_get(c, "expect"), key), &want) &&
        !gen_str_eq(want, got)) {
        char text[300];
        (void)snprintf(text, sizeof(text), "%.*s", GEN_STR_ARG(got));
        fail_case(c, key, text);
    }
}

static void check_int(const struct gen_json *c, const char *key, int64_t got)
{
    int64_t want = 0;
    if (gen_json_as_int(gen_json_get(gen_json_get(c, "expect"), key), &want) && want != got) {
        char text[30];
        (void)snprintf(text, sizeof(text), "%lld", (long long)got);
        fail_case(c, key, text);
    }
}

static void check_tools(const struct gen_json *c, const struct gen_llm_result *r)
{
    const struct gen_json *tools = gen_json_get(gen_json_get(c, "expect"), "tools");
    if (!tools)
        return;
    if (gen_json_count(tools) != r->n_tool_calls)
        fail_case(c, "n_tool_calls", "another one");
    for (size_t i = 0; i < r->n_tool_calls; i++) {
        const struct gen_str got[] = {r->tool_calls[i].id, r->tool_calls[i].name,
                                      r->tool_calls[i].arguments};
        for (size_t k = 0; k < 3; k++) {
            struct gen_str want = {"", 0};
            assert_true(gen_json_as_str(gen_json_at(gen_json_at(tools, i), k), &want));
            if (!gen_str_eq(want, got[k]))
                fail_case(c, "a tool call", "another one");
        }
    }
}

static void check_says(const struct gen_json *c, const char *key, const struct gen_llm_result *r)
{
    struct gen_str words = gen_json_get_str(gen_json_get(c, "expect"), key);
    if (words.n && gen_str_find(gen_str_from(r->message), words, 0) == SIZE_MAX)
        fail_case(c, "message", r->message);
}

static void check_result(const struct gen_json *c, const struct gen_llm_result *r)
{
    check_str(c, "class", gen_str_from(gen_class_name(r->class_code)));
    check_str(c, "finish", r->finish);
    check_str(c, "text", r->text);
    check_str(c, "reasoning", r->reasoning);
    check_str(c, "model", r->model);
    check_str(c, "token", r->continuation);
    check_str(c, "category", gen_str_from(r->category));
    check_int(c, "tokens_in", r->usage.tokens_in);
    check_int(c, "tokens_out", r->usage.tokens_out);
    check_int(c, "cached", r->usage.tokens_cached);
    check_int(c, "reasoning_tokens", r->usage.tokens_reasoning);
    check_tools(c, r);
    check_says(c, "says", r);
    check_says(c, "says2", r);
    bool other_seed = false;
    if (gen_json_as_bool(gen_json_get(gen_json_get(c, "expect"), "other_seed"), &other_seed) &&
        other_seed != r->try_other_seed)
        fail_case(c, "try_other_seed", r->try_other_seed ? "true" : "false");
    if (r->class_code != GEN_CLASS_OK && r->message[0] == '\0')
        fail_case(c, "message", "");
}

static void check_answer(const struct gen_json *c)
{
    struct gen_http_response response = {.detail = "", .status = (int)int_of(c, "status")};
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_json *json = gen_json_get(c, "body");
    response.headers[GEN_HEADER_RETRY_AFTER] =
        gen_json_get_str(gen_json_get(c, "headers"), "retry-after");
    if (json)
        assert_int_equal(gen_json_write(&body, json, GEN_JSON_COMPACT, NULL), GEN_OK);
    else
        assert_int_equal(gen_buf_add_str(&body, gen_json_get_str(c, "raw"), NULL), GEN_OK);
    response.body = gen_buf_str(&body);
    struct gen_llm_result r = gen_llm_result_make();
    assert_int_equal(provider_of(c)->parse(&response, &r, NULL), GEN_OK);
    /* The response is borrowed for the call only. */
    if (body.n)
        memset(body.data, 'x', body.n);
    gen_buf_release(&body);
    check_result(c, &r);
    gen_llm_result_release(&r);
}

static void test_answers(void **state)
{
    (void)state;
    assert_true(for_each_line("answers_cloud.jsonl", check_answer) >= ANSWERS_MIN);
}

/* ---- streams ---- */

/* In pieces of `first` bytes, and then of `rest`. */
static void check_split(const struct gen_json *c, size_t first, size_t rest)
{
    struct gen_str raw = gen_json_get_str(c, "raw");
    struct gen_http_response response = {.detail = "", .status = 200, .streamed = true};
    struct gen_llm_stream *s = NULL;
    assert_int_equal(gen_llm_stream_new(&s, provider_of(c), NULL), GEN_OK);
    for (size_t at = 0, n = first; at < raw.n; at += n, n = rest) {
        struct gen_str piece = gen_str_sub(raw, at, n);
        /* A copy that ends with its block, so that reading past its end is seen. */
        char *block = malloc(piece.n + 1);
        assert_non_null(block);
        memcpy(block + 1, piece.p, piece.n);
        gen_llm_stream_feed(s, (struct gen_str){block + 1, piece.n});
        free(block);
    }
    struct gen_llm_result r = gen_llm_result_make();
    assert_int_equal(gen_llm_stream_end(s, &response, &r, NULL), GEN_OK);
    gen_llm_stream_free(s);
    check_result(c, &r);
    gen_llm_result_release(&r);
}

static void check_stream(const struct gen_json *c)
{
    size_t n = gen_json_get_str(c, "raw").n;
    check_split(c, n + 1, 1);
    check_split(c, 1, 1);
    check_split(c, 3, 7);
    for (size_t i = 1; i < n; i++)
        check_split(c, i, n);
}

static void test_streams(void **state)
{
    (void)state;
    assert_true(for_each_line("streams_cloud.jsonl", check_stream) >= STREAMS_MIN);
}

/* A stream that breaks off anywhere before its closing event is no success; behind it, it is one.
 */
static void check_cut(const struct gen_json *c)
{
    struct gen_str raw = gen_json_get_str(c, "raw");
    struct gen_str id = gen_json_get_str(c, "id");
    if (!gen_str_is(id, "ant-text") && !gen_str_is(id, "gem-text"))
        return;
    for (size_t i = 0; i <= raw.n; i++) {
        struct gen_http_response response = {
            .detail = "closed", .status = 200, .streamed = true, .transport = GEN_TRANSPORT_RESET};
        struct gen_llm_stream *s = NULL;
        struct gen_llm_result r = gen_llm_result_make();
        assert_int_equal(gen_llm_stream_new(&s, provider_of(c), NULL), GEN_OK);
        gen_llm_stream_feed(s, gen_str_sub(raw, 0, i));
        assert_int_equal(gen_llm_stream_end(s, &response, &r, NULL), GEN_OK);
        assert_int_equal(r.class_code, i < raw.n ? GEN_CLASS_TRANSPORT : GEN_CLASS_OK);
        gen_llm_stream_free(s);
        gen_llm_result_release(&r);
    }
}

static void test_cut_streams(void **state)
{
    (void)state;
    (void)for_each_line("streams_cloud.jsonl", check_cut);
}

/* Servers that stream unasked, or under another content type. */
static void check_unannounced(const struct gen_json *c)
{
    struct gen_str raw = gen_json_get_str(c, "raw");
    if (raw.n == 0)
        return;
    struct gen_http_response response = {.detail = "", .status = 200, .body = raw};
    struct gen_llm_result r = gen_llm_result_make();
    assert_int_equal(provider_of(c)->parse(&response, &r, NULL), GEN_OK);
    check_result(c, &r);
    gen_llm_result_release(&r);
}

static void test_unannounced_streams(void **state)
{
    (void)state;
    (void)for_each_line("streams_cloud.jsonl", check_unannounced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),    cmocka_unit_test(test_where_requests_go),
        cmocka_unit_test(test_answers),     cmocka_unit_test(test_streams),
        cmocka_unit_test(test_cut_streams), cmocka_unit_test(test_unannounced_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
