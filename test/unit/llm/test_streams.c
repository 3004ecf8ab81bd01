/* Streamed answers as data (test/data/llm/streams.jsonl): the bytes of a body, cut at every place
 * in turn, and what must come of them each time. */
#include "llm/stream.h"

#include "vector_check.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define STREAMS_MIN 30

static enum gen_transport transport_of(struct gen_str name)
{
    for (int t = GEN_TRANSPORT_OK; t <= GEN_TRANSPORT_OTHER; t++) {
        if (gen_str_is(name, gen_transport_name((enum gen_transport)t)))
            return (enum gen_transport)t;
    }
    return GEN_TRANSPORT_OK;
}

/* One run of a stream: its first `cut` bytes, then the rest; 0: byte for byte. */
static size_t run(const struct gen_json *c, struct gen_str body, size_t cut)
{
    struct gen_llm_stream *s = NULL;
    struct gen_http_response response;
    struct gen_buf headers = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_llm_result r = gen_llm_result_make();
    gen_test_response(c, &response, &headers);
    response.streamed = true;
    response.transport = transport_of(gen_json_get_str(c, "transport"));
    assert_int_equal(gen_llm_stream_new(&s, gen_test_provider_of(c), NULL), GEN_OK);
    for (size_t at = 0; at < body.n;) {
        size_t n = cut == 0 ? 1 : at == 0 ? cut : body.n - at;
        /* A block of its own, so that reading beyond the piece is seen. */
        char *piece = malloc(n);
        assert_non_null(piece);
        memcpy(piece, body.p + at, n);
        gen_llm_stream_feed(s, (struct gen_str){piece, n});
        free(piece);
        at += n;
    }
    assert_int_equal(gen_llm_stream_end(s, &response, &r, NULL), GEN_OK);
    gen_llm_stream_free(s);
    size_t n_wrong = gen_test_expect(c, &r);
    gen_llm_result_release(&r);
    gen_buf_release(&headers);
    return n_wrong;
}

static void check_stream(const struct gen_json *c, void *ud)
{
    (void)ud;
    struct gen_str body = gen_json_get_str(c, "raw");
    assert_true(body.n > 0);
    for (size_t cut = 0; cut < body.n; cut++) {
        if (run(c, body, cut) > 0)
            fail_msg("%.*s: cut after %zu of %zu bytes (0: byte for byte)",
                     GEN_STR_ARG(gen_json_get_str(c, "id")), cut, body.n);
    }
}

static void test_streams(void **state)
{
    (void)state;
    size_t n = gen_test_for_each_line(TEST_DATA_DIR "/llm/streams.jsonl", check_stream, NULL);
    print_message("%zu streams, each cut at every byte\n", n);
    assert_true(n >= STREAMS_MIN);
}

static struct gen_llm_result feed_all(const struct gen_provider *p, struct gen_str body)
{
    struct gen_llm_stream *s = NULL;
    struct gen_llm_result r = gen_llm_result_make();
    struct gen_http_response response = {.status = 200, .detail = "", .streamed = true};
    assert_int_equal(gen_llm_stream_new(&s, p, NULL), GEN_OK);
    gen_llm_stream_feed(s, body);
    assert_int_equal(gen_llm_stream_end(s, &response, &r, NULL), GEN_OK);
    gen_llm_stream_free(s);
    return r;
}

static void test_an_empty_stream_is_no_answer(void **state)
{
    (void)state;
    struct gen_llm_result r = feed_all(&gen_provider_openai, (struct gen_str){NULL, 0});
    assert_int_equal(r.class_code, GEN_CLASS_TRANSPORT);
    gen_llm_result_release(&r);
    r = feed_all(&gen_provider_ollama, (struct gen_str){NULL, 0});
    assert_int_equal(r.class_code, GEN_CLASS_TRANSPORT);
    gen_llm_result_release(&r);
}

static void test_too_many_tool_calls_are_refused(void **state)
{
    (void)state;
    static const char *const indices[] = {"64", "9223372036854775807", "-1"};
    for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
        char body[300];
        (void)snprintf(body, sizeof(body),
                       "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%s,"
                       "\"function\":{\"name\":\"f\"}}]}}]}\n\n",
                       indices[i]);
        struct gen_llm_result r = feed_all(&gen_provider_openai, gen_str_from(body));
        assert_int_equal(r.class_code, GEN_CLASS_BAD_REQUEST);
        assert_non_null(strstr(r.message, "64"));
        gen_llm_result_release(&r);
    }
}

/* An answer with an error status is not streamed: it is read like any other. */
static void test_an_answer_that_was_not_streamed(void **state)
{
    (void)state;
    struct gen_llm_stream *s = NULL;
    struct gen_llm_result r = gen_llm_result_make();
    struct gen_http_response response = {
        .status = 429, .detail = "", .body = GEN_STR("{\"error\":{\"message\":\"slow\"}}")};
    assert_int_equal(gen_llm_stream_new(&s, &gen_provider_openai, NULL), GEN_OK);
    assert_int_equal(gen_llm_stream_end(s, &response, &r, NULL), GEN_OK);
    assert_int_equal(r.class_code, GEN_CLASS_RATE_LIMIT);
    gen_llm_stream_free(s);
    gen_llm_result_release(&r);
}

static bool streams(const struct gen_provider *p, enum gen_stream_mode mode, bool is_batch)
{
    struct gen_llm_stable stable = {.provider = p->name, .model = "claude-opus-5"};
    struct gen_llm_request r = {.stable = &stable, .tokens_out_max = 30000};
    struct gen_endpoint e = {.base_url = "http://h", .stream = mode, .is_batch = is_batch};
    return gen_provider_streams(p, &r, &e);
}

static void test_who_streams(void **state)
{
    (void)state;
    assert_false(streams(&gen_provider_openai, GEN_STREAM_AUTO, false));
    assert_true(streams(&gen_provider_openai, GEN_STREAM_ON, false));
    assert_false(streams(&gen_provider_openai, GEN_STREAM_OFF, false));
    assert_false(streams(&gen_provider_openai, GEN_STREAM_ON, true));
    assert_false(streams(&gen_provider_extractive, GEN_STREAM_ON, false));
    /* Anthropic demands it for long answers. */
    assert_true(streams(&gen_provider_anthropic, GEN_STREAM_AUTO, false));
    assert_true(streams(&gen_provider_anthropic, GEN_STREAM_OFF, false));
    assert_false(streams(&gen_provider_anthropic, GEN_STREAM_ON, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_an_empty_stream_is_no_answer),
        cmocka_unit_test(test_too_many_tool_calls_are_refused),
        cmocka_unit_test(test_an_answer_that_was_not_streamed),
        cmocka_unit_test(test_who_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
