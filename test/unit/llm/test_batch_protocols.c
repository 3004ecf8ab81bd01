/* How the three batch APIs word things: bodies and lines of test/data/llm/batches.jsonl, and what
 * is sent. */
#include "base/hash.h"
#include "llm/batch.h"
#include "llm/batch/lines.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct wording {
    const char *name;
    const struct gen_batch_protocol *protocol;
    const struct gen_provider *provider;
} wordings[] = {
    {"openai", &gen_batch_openai, &gen_provider_openai},
    {"anthropic", &gen_batch_anthropic, &gen_provider_anthropic},
    {"gemini", &gen_batch_gemini, &gen_provider_gemini},
};

static const struct wording *find_wording(struct gen_str name)
{
    for (size_t i = 0; i < sizeof(wordings) / sizeof(wordings[0]); i++) {
        if (gen_str_is(name, wordings[i].name))
            return &wordings[i];
    }
    fail_msg("no protocol %.*s", GEN_STR_ARG(name));
    return NULL;
}

static size_t n_bad;

static void complain(const struct gen_json *row, const char *what)
{
    struct gen_str protocol = gen_json_get_str(row, "protocol");
    struct gen_str name = gen_json_get_str(row, "name");
    print_error("%.*s, %.*s: %s\n", GEN_STR_ARG(protocol), GEN_STR_ARG(name), what);
    n_bad++;
}

/* Each compares only what the row names. */
static void check_text(const struct gen_json *row, const char *key, struct gen_str seen)
{
    const struct gen_json *wanted = gen_json_get(gen_json_get(row, "expect"), key);
    struct gen_str text;
    if (gen_json_as_str(wanted, &text) && !gen_str_eq(text, seen)) {
        complain(row, key);
        print_error("  wanted \"%.*s\", seen \"%.*s\"\n", GEN_STR_ARG(text), GEN_STR_ARG(seen));
    }
}

static void check_int(const struct gen_json *row, const char *key, int64_t seen)
{
    const struct gen_json *wanted = gen_json_get(gen_json_get(row, "expect"), key);
    int64_t number = 0;
    if (gen_json_as_int(wanted, &number) && number != seen) {
        complain(row, key);
        print_error("  wanted %lld, seen %lld\n", (long long)number, (long long)seen);
    }
}

static void check_bool(const struct gen_json *row, const char *key, bool seen)
{
    const struct gen_json *wanted = gen_json_get(gen_json_get(row, "expect"), key);
    bool value = false;
    if (gen_json_as_bool(wanted, &value) && value != seen)
        complain(row, key);
}

static void check_results(const struct gen_json *row, const struct gen_batch_remote *r)
{
    const struct gen_json *wanted = gen_json_get(gen_json_get(row, "expect"), "results");
    for (size_t i = 0; i < 2 && wanted; i++) {
        struct gen_str text;
        if (gen_json_as_str(gen_json_at(wanted, i), &text) && !gen_str_eq(text, r->results[i]))
            complain(row, "results");
    }
}

static void try_remote(const struct gen_json *row, const struct gen_batch_protocol *p)
{
    static const char *const states[] = {"running", "ended", "failed"};
    struct gen_batch_remote r;
    bool ok = p->read(gen_json_get(row, "body"), &r);
    check_bool(row, "ok", ok);
    if (!ok)
        return;
    check_text(row, "id", r.id);
    check_text(row, "state", gen_str_from(states[r.state]));
    check_text(row, "marker", r.marker);
    check_text(row, "code", r.code);
    check_text(row, "message", r.message);
    check_int(row, "created_unix", r.created_unix);
    check_int(row, "n_requests", r.n_requests);
    check_int(row, "n_done", r.n_done);
    check_int(row, "n_failed", r.n_failed);
    check_int(row, "n_inline", (int64_t)gen_json_count(r.inline_results));
    check_bool(row, "is_full", r.is_full);
    check_bool(row, "is_canceled", r.is_canceled);
    check_results(row, &r);
}

/* Read by the provider as if it had come live. */
static void check_answer(const struct gen_json *row, const struct gen_provider *provider,
                         const struct gen_batch_line *line)
{
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_llm_result result = gen_llm_result_make();
    struct gen_str part = gen_json_get_str(gen_json_get(row, "expect"), "body_has");
    assert_int_equal(gen_json_write(&body, line->body, GEN_JSON_COMPACT, NULL), GEN_OK);
    if (part.n && gen_str_find(gen_buf_str(&body), part, 0) == SIZE_MAX)
        complain(row, "body_has");
    struct gen_http_response response = {
        .status = line->status, .body = gen_buf_str(&body), .detail = ""};
    assert_int_equal(provider->parse(&response, &result, NULL), GEN_OK);
    check_text(row, "class", gen_str_from(gen_class_name(result.class_code)));
    gen_llm_result_release(&result);
    gen_buf_release(&body);
}

static void try_line(const struct gen_json *row, const struct wording *w)
{
    struct gen_batch_line line;
    bool ok = w->protocol->read_line(gen_json_get(row, "line"), &line);
    check_bool(row, "ok", ok);
    if (!ok)
        return;
    check_text(row, "named", line.name);
    check_int(row, "status", line.status);
    check_text(row, "why", line.why);
    check_bool(row, "is_canceled", line.is_canceled);
    if ((line.status != 0) != (line.body != NULL))
        complain(row, "a status and a body come together");
    if (line.body)
        check_answer(row, w->provider, &line);
}

static void what_providers_say_is_understood(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_str line;
    size_t n = 0;
    assert_int_equal(gen_file_read_all(&text, TEST_DATA_DIR "/llm/batches.jsonl", NULL), GEN_OK);
    struct gen_str rest = gen_buf_str(&text);
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        const struct gen_json *row = gen_json_root(doc);
        struct gen_str what = gen_json_get_str(row, "what");
        const struct wording *w = find_wording(gen_json_get_str(row, "protocol"));
        if (gen_str_is(what, "remote"))
            try_remote(row, w->protocol);
        else if (gen_str_is(what, "line"))
            try_line(row, w);
        else
            check_text(row, "mark", w->protocol->next_page(gen_json_get(row, "body")));
        gen_json_doc_free(doc);
        n++;
    }
    gen_buf_release(&text);
    assert_true(n > 90);
    assert_int_equal(n_bad, 0);
}

static struct gen_json_doc *parsed(const struct gen_buf *b)
{
    struct gen_json_doc *doc = NULL;
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(b), NULL), GEN_OK);
    return doc;
}

/* Requests as `p` wants them: two bodies. */
static struct gen_buf requests_of(const struct gen_batch_protocol *p, const char *chat_path)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(p->add_request(&b, "k1", chat_path, GEN_STR("{\"a\":1}"), NULL), GEN_OK);
    assert_int_equal(p->add_request(&b, "k2", chat_path, GEN_STR("{\"a\":2}"), NULL), GEN_OK);
    return b;
}

static int64_t a_of(const struct gen_json *body)
{
    int64_t a = 0;
    assert_true(gen_json_as_int(gen_json_get(body, "a"), &a));
    return a;
}

static void openai_is_sent_a_file(void **state)
{
    (void)state;
    const struct gen_batch_protocol *p = &gen_batch_openai;
    struct gen_buf requests = requests_of(p, "/chat/completions");
    struct gen_buf form = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    char type[128];
    assert_string_equal(
        requests.data, "{\"custom_id\":\"k1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
                       "\"body\":{\"a\":1}}\n"
                       "{\"custom_id\":\"k2\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
                       "\"body\":{\"a\":2}}\n");
    assert_int_equal(
        p->upload_body(gen_buf_str(&requests), "mark", &form, type, sizeof(type), NULL), GEN_OK);
    const char *boundary = strstr(type, "boundary=");
    assert_non_null(boundary);
    char end[128];
    (void)snprintf(end, sizeof(end), "\r\n--%s--\r\n", boundary + 9);
    assert_true(gen_str_ends(gen_buf_str(&form), gen_str_from(end)));
    assert_non_null(strstr(form.data, "name=\"purpose\"\r\n\r\nbatch\r\n"));
    assert_non_null(strstr(form.data, requests.data));
    assert_int_equal(p->create_body(gen_buf_str(&requests), GEN_STR("file-1"), "mark", &body, NULL),
                     GEN_OK);
    struct gen_json_doc *doc = parsed(&body);
    const struct gen_json *root = gen_json_root(doc);
    assert_true(gen_str_is(gen_json_get_str(root, "input_file_id"), "file-1"));
    assert_true(gen_str_is(gen_json_get_str(root, "endpoint"), "/v1/chat/completions"));
    assert_true(gen_str_is(gen_json_get_str(root, "completion_window"), "24h"));
    assert_true(gen_str_is(gen_json_get_str(gen_json_get(root, "metadata"), "generator"), "mark"));
    gen_json_doc_free(doc);
    gen_buf_release(&requests);
    gen_buf_release(&form);
    gen_buf_release(&body);
}

static void anthropic_is_sent_one_body(void **state)
{
    (void)state;
    const struct gen_batch_protocol *p = &gen_batch_anthropic;
    struct gen_buf requests = requests_of(p, "/v1/messages");
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_null(p->upload_path);
    assert_int_equal(p->create_body(gen_buf_str(&requests), GEN_STR(""), "mark", &body, NULL),
                     GEN_OK);
    struct gen_json_doc *doc = parsed(&body);
    const struct gen_json *list = gen_json_get(gen_json_root(doc), "requests");
    assert_int_equal(gen_json_count(list), 2);
    assert_true(gen_str_is(gen_json_get_str(gen_json_at(list, 1), "custom_id"), "k2"));
    assert_int_equal(a_of(gen_json_get(gen_json_at(list, 1), "params")), 2);
    gen_json_doc_free(doc);
    gen_buf_release(&requests);
    gen_buf_release(&body);
}

static void gemini_is_sent_inline_requests(void **state)
{
    (void)state;
    const struct gen_batch_protocol *p = &gen_batch_gemini;
    struct gen_buf requests = requests_of(p, "/models/{model}:generateContent");
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_null(p->upload_path);
    assert_int_equal(p->create_body(gen_buf_str(&requests), GEN_STR(""), "mark", &body, NULL),
                     GEN_OK);
    struct gen_json_doc *doc = parsed(&body);
    const struct gen_json *batch = gen_json_get(gen_json_root(doc), "batch");
    assert_true(gen_str_is(gen_json_get_str(batch, "displayName"), "mark"));
    const struct gen_json *list =
        gen_json_get(gen_json_get(gen_json_get(batch, "inputConfig"), "requests"), "requests");
    assert_int_equal(gen_json_count(list), 2);
    const struct gen_json *first = gen_json_at(list, 0);
    assert_true(gen_str_is(gen_json_get_str(gen_json_get(first, "metadata"), "key"), "k1"));
    assert_int_equal(a_of(gen_json_get(first, "request")), 1);
    gen_json_doc_free(doc);
    gen_buf_release(&requests);
    gen_buf_release(&body);
}

/* The hex of a key must be a name that all three take: Anthropic allows 64 of [A-Za-z0-9_-]. */
static void limits_stay_below_those_of_the_providers(void **state)
{
    (void)state;
    assert_true(GEN_HEX_CHARS <= 64);
    assert_true(gen_batch_openai.requests_max <= 50000);
    assert_true(gen_batch_openai.bytes_max <= 200000000);
    assert_true(gen_batch_anthropic.requests_max <= 100000);
    assert_true(gen_batch_anthropic.bytes_max <= 256000000);
    assert_true(gen_batch_gemini.bytes_max + gen_batch_gemini.requests_max * 128 < 20000000);
}

static void names_that_change_a_path_are_refused(void **state)
{
    (void)state;
    static const char *const fine[] = {"batch_abc123", "msgbatch_013", "batches/x-1", "file-1.2"};
    static const char *const bad[] = {"",    "a b",  "a\r\nX: y", "../files", "a?b=c",
                                      "a#b", "a%2f", "{model}",   "a\\b",     "\xc3\xa4"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        assert_true(gen_batch_name_is_fine(gen_str_from(fine[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(gen_batch_name_is_fine(gen_str_from(bad[i])));
    char longest[400];
    memset(longest, 'a', sizeof(longest));
    assert_false(gen_batch_name_is_fine((struct gen_str){longest, sizeof(longest)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_providers_say_is_understood),
        cmocka_unit_test(openai_is_sent_a_file),
        cmocka_unit_test(anthropic_is_sent_one_body),
        cmocka_unit_test(gemini_is_sent_inline_requests),
        cmocka_unit_test(limits_stay_below_those_of_the_providers),
        cmocka_unit_test(names_that_change_a_path_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
