/* The test server must be right before anything is tested against it. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <yyjson.h>

#include <cmocka.h>

#define REPLY_BYTES ((size_t)64 << 10)

/* As it stands in a request: JSON-escaped. */
#define SOURCE                                                                                     \
    "# The journal\\n\\nThe journal keeps every answer until the writer\\nhas confirmed the "      \
    "segment with `fsync`. A segment is closed after 64 records or after two seconds. "            \
    "Readers see the word \\\"sealed\\\" once the checksum of a segment was verified.\\n\\n"       \
    "```c\\nint this_is_code(void); /* never quote a code fence in an answer. */\\n```\\n"         \
    "- Recovery scans the last segment and drops the torn record at its end.\\n"                   \
    "- Short one.\\n"
#define FENCED "=== source 1a2b3c4d ===\\n" SOURCE "\\n=== end of source 1a2b3c4d ===\\n"
#define ITEMS                                                                                      \
    "[p1]\\nQuestion: What does the journal keep until confirmation?\\nAnswer: It keeps answers. " \
    "The writer confirms.\\nAlways.\\n[p2]\\nQuestion: When is a segment of the journal closed?"   \
    "\\nAnswer: After 64 records.\\n=== end of pairs ===\\n"

#define TEXT_TYPE "{\"type\":\"string\"}"
#define SCHEMA_PAIRS                                                                               \
    "{\"type\":\"object\",\"properties\":{\"usable\":" TEXT_TYPE ",\"pairs\":{\"type\":\"array\"," \
    "\"items\":{\"type\":\"object\",\"properties\":{\"kind\":" TEXT_TYPE                           \
    ",\"evidence\":" TEXT_TYPE ",\"question\":" TEXT_TYPE ",\"answer\":" TEXT_TYPE "}}}}}"
#define SCHEMA_CODE                                                                                \
    "{\"type\":\"object\",\"properties\":{\"usable\":" TEXT_TYPE ",\"pairs\":{\"type\":\"array\"," \
    "\"items\":{\"type\":\"object\",\"properties\":{\"kind\":" TEXT_TYPE ",\"symbol\":" TEXT_TYPE  \
    ",\"evidence\":" TEXT_TYPE ",\"question\":" TEXT_TYPE ",\"answer\":" TEXT_TYPE "}}}}}"
#define SCHEMA_ENRICH                                                                              \
    "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":"      \
    "\"object\",\"properties\":{\"id\":" TEXT_TYPE ",\"enriched_answer\":" TEXT_TYPE "}}}}}"
#define SCHEMA_JUDGE                                                                               \
    "{\"type\":\"object\",\"properties\":{\"verdicts\":{\"type\":\"array\",\"items\":{\"type\":"   \
    "\"object\",\"properties\":{\"id\":" TEXT_TYPE                                                 \
    ",\"a1_no_contradiction\":{\"type\":\"boolean\"}}}}}}"
#define SCHEMA_OTHER                                                                               \
    "{\"type\":\"object\",\"properties\":{\"winner\":{\"type\":\"string\",\"enum\":[\"left\","     \
    "\"right\"]},\"score\":{\"type\":\"integer\",\"minimum\":3},\"sure\":{\"type\":\"boolean\"},"  \
    "\"notes\":{\"type\":\"array\",\"minItems\":2,\"items\":" TEXT_TYPE "}}}"

#define OLLAMA(user, schema)                                                                       \
    "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"system\",\"content\":\"rules, "   \
    "\\\"pairs\\\" and `verdicts`\"},{\"role\":\"user\",\"content\":\"" user                       \
    "\"}],\"format\":" schema ",\"options\":{\"temperature\":0.7}}"
#define OPENAI(user, schema)                                                                       \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"rules\"},{\"role\":"        \
    "\"user\",\"content\":\"" user "\"}],\"temperature\":0.7,\"response_format\":{\"type\":"       \
    "\"json_schema\",\"json_schema\":{\"name\":\"x\",\"strict\":true,\"schema\":" schema "}}}"

struct state {
    struct fake_process server;
    char reply[REPLY_BYTES];
    char other[REPLY_BYTES];
};

static void start(struct state *s, const char *const *args)
{
    assert_int_equal(fake_process_start(&s->server, args), 0);
}

static void stop(struct state *s)
{
    assert_int_equal(fake_process_stop(&s->server), 0);
}

static const char *body_of(const char *reply)
{
    const char *body = strstr(reply, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static yyjson_doc *parse(const char *text)
{
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    if (doc == NULL) {
        fail_msg("no JSON: %s", text);
    }
    return doc;
}

/* The model's text in an Ollama or OpenAI reply, parsed. */
static yyjson_doc *content(const char *reply, const char *pointer)
{
    yyjson_doc *doc = parse(body_of(reply));
    const char *text = yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), pointer));
    assert_non_null(text);
    yyjson_doc *answer = parse(text);
    yyjson_doc_free(doc);
    return answer;
}

static yyjson_doc *ask(struct state *s, const char *request)
{
    bool openai = strstr(request, "response_format") != NULL;
    const char *path = openai ? "/v1/chat/completions" : "/api/chat";
    assert_int_equal(fake_process_request(&s->server, path, request, s->reply, REPLY_BYTES), 200);
    return content(s->reply, openai ? "/choices/0/message/content" : "/message/content");
}

static const char *text_at(yyjson_doc *doc, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), pointer));
    if (text == NULL) {
        fail_msg("no text at %s", pointer);
    }
    return text;
}

static void assert_quote(yyjson_doc *answer, const char *list, size_t n)
{
    yyjson_doc *source = parse("\"" SOURCE "\"");
    for (size_t i = 0; i < n; i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer), "/%s/%zu/evidence", list, i);
        const char *quote = text_at(answer, pointer);
        assert_true(strlen(quote) >= 20);
        assert_non_null(strstr(yyjson_get_str(yyjson_doc_get_root(source)), quote));
        assert_null(strstr(quote, "this_is_code"));
    }
    yyjson_doc_free(source);
}

static unsigned count_words(const char *text)
{
    unsigned n = 1;
    for (; *text != '\0'; text++) {
        n += *text == ' ';
    }
    return n;
}

static void test_pairs(void **unused)
{
    struct state *s = *unused;
    static const char *const requests[] = {OLLAMA(FENCED "Write up to 3 pairs.", SCHEMA_PAIRS),
                                           OPENAI(FENCED "Write up to 3 pairs.", SCHEMA_PAIRS)};
    start(s, NULL);
    for (size_t i = 0; i < 2; i++) {
        yyjson_doc *a = ask(s, requests[i]);
        yyjson_val *root = yyjson_doc_get_root(a);
        assert_string_equal(text_at(a, "/usable"), "yes");
        assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "pairs")), 3);
        assert_quote(a, "pairs", 3);
        assert_true(count_words(text_at(a, "/pairs/0/question")) >= 6);
        assert_true(count_words(text_at(a, "/pairs/0/answer")) >= 12);
        assert_string_not_equal(text_at(a, "/pairs/0/question"), text_at(a, "/pairs/1/question"));
        yyjson_doc_free(a);
    }
    stop(s);
}

static void test_thin_source(void **unused)
{
    struct state *s = *unused;
    start(s, NULL);
    yyjson_doc *a =
        ask(s, OLLAMA("=== source 1 ===\\n# Title\\n\\nNo.\\n=== end of source 1 ===\\n",
                      SCHEMA_PAIRS));
    assert_string_equal(text_at(a, "/usable"), "too_thin");
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(a), "pairs")), 0);
    yyjson_doc_free(a);
    stop(s);
}

static void test_code(void **unused)
{
    struct state *s = *unused;
    start(s, NULL);
    yyjson_doc *a =
        ask(s, OLLAMA("=== source 1 ===\\nint add_numbers(int left, int right)\\n{\\n    return "
                      "left + right;\\n}\\n=== end of source 1 ===\\nup to 2",
                      SCHEMA_CODE));
    assert_non_null(strstr(text_at(a, "/pairs/0/evidence"), "add_numbers"));
    assert_string_equal(text_at(a, "/pairs/0/symbol"), "add_numbers");
    yyjson_doc_free(a);
    stop(s);
}

static void test_enrich(void **unused)
{
    struct state *s = *unused;
    start(s, NULL);
    yyjson_doc *a = ask(s, OPENAI(FENCED ITEMS "Language: English", SCHEMA_ENRICH));
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(a), "items")), 2);
    assert_string_equal(text_at(a, "/items/0/id"), "p1");
    assert_string_equal(text_at(a, "/items/0/enriched_answer"),
                        "The writer confirms.\nAlways. It keeps answers.");
    assert_string_equal(text_at(a, "/items/1/enriched_answer"), "In short: After 64 records.");
    yyjson_doc_free(a);
    stop(s);
}

static void test_judge(void **unused)
{
    struct state *s = *unused;
    start(s, NULL);
    yyjson_doc *a = ask(s, OLLAMA(FENCED ITEMS "Ids: p1 p2", SCHEMA_JUDGE));
    assert_quote(a, "verdicts", 2);
    assert_string_equal(text_at(a, "/verdicts/0/id"), "p1");
    assert_string_equal(text_at(a, "/verdicts/1/echo"), "When is a segment of");
    yyjson_val *verdict = yyjson_ptr_get(yyjson_doc_get_root(a), "/verdicts/1");
    assert_int_equal(yyjson_obj_size(verdict), 15);
    assert_true(yyjson_get_bool(yyjson_obj_get(verdict, "topic_relevant")));
    yyjson_doc_free(a);
    stop(s);
}

/* The share of pairs that reach 7 is what curation is tested with. */
static void test_judge_share(void **unused)
{
    struct state *s = *unused;
    unsigned n_kept = 0;
    start(s, NULL);
    for (unsigned i = 0; i < 200; i++) {
        char request[8192];
        (void)snprintf(request, sizeof(request),
                       OLLAMA(FENCED "[p1]\\nQuestion: What is the number %u good for?\\nAnswer: "
                                     "Nothing.\\n=== end of pairs ===\\n",
                              SCHEMA_JUDGE),
                       i);
        yyjson_doc *a = ask(s, request);
        yyjson_val *v = yyjson_ptr_get(yyjson_doc_get_root(a), "/verdicts/0");
        unsigned rating = 0;
        size_t k = 0;
        size_t n = 0;
        yyjson_val *key = NULL;
        yyjson_val *value = NULL;
        bool contradicted = !yyjson_get_bool(yyjson_obj_get(v, "a1_no_contradiction"));
        yyjson_obj_foreach(v, k, n, key, value)
        {
            const char *name = yyjson_get_str(key);
            bool accuracy = name != NULL && name[0] == 'a';
            bool counts = yyjson_is_true(value) && !yyjson_equals_str(key, "topic_relevant");
            rating += counts && !(accuracy && contradicted);
        }
        n_kept += rating >= 7;
        yyjson_doc_free(a);
    }
    assert_in_range(n_kept, 120, 160);
    stop(s);
}

static void test_other_schema(void **unused)
{
    struct state *s = *unused;
    start(s, NULL);
    yyjson_doc *a = ask(s, OPENAI("Compare.", SCHEMA_OTHER));
    yyjson_val *root = yyjson_doc_get_root(a);
    assert_true(strcmp(text_at(a, "/winner"), "left") == 0 ||
                strcmp(text_at(a, "/winner"), "right") == 0);
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "score")), 3);
    assert_true(yyjson_is_bool(yyjson_obj_get(root, "sure")));
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "notes")), 2);
    yyjson_doc_free(a);
    stop(s);
}

static void test_answers_are_reproducible(void **unused)
{
    struct state *s = *unused;
    static const char request[] = OLLAMA(FENCED "up to 2", SCHEMA_PAIRS);
    static const char other[] = OLLAMA(FENCED "up to 3", SCHEMA_PAIRS);
    start(s, NULL);
    (void)fake_process_request(&s->server, "/api/chat", request, s->reply, REPLY_BYTES);
    stop(s);
    start(s, NULL);
    (void)fake_process_request(&s->server, "/api/chat", other, s->other, REPLY_BYTES);
    assert_string_not_equal(s->reply, s->other);
    (void)fake_process_request(&s->server, "/api/chat", request, s->other, REPLY_BYTES);
    assert_string_equal(s->reply, s->other);
    stop(s);
}

static void test_answer_bytes(void **unused)
{
    struct state *s = *unused;
    start(s, (const char *const[]){"--answer-bytes", "6000", NULL});
    yyjson_doc *a = ask(s, OLLAMA(FENCED "up to 3", SCHEMA_PAIRS));
    yyjson_doc_free(a);
    assert_in_range(strlen(body_of(s->reply)), 5800, 7500);
    stop(s);
}

struct fault_case {
    const char *rule;
    int status;          /* 0: closed without a status */
    const char *has;     /* in header or body */
    const char *has_not; /* NULL: nothing to check */
};

static const struct fault_case fault_cases[] = {
    {"close", 0, "", NULL},
    {"reset", 0, "", NULL},
    {"cut", 200, "Content-Length: ", "\"done\":true"},
    {"cutchunk", 200, "Transfer-Encoding: chunked", "\r\n0\r\n\r\n"},
    {"chunked", 200, "\r\n0\r\n\r\n", NULL},
    {"cutclose", 200, "Connection: close", "\"done\":true"},
    {"429", 429, "Retry-After: 1\r\n", NULL},
    {"429ms", 429, "retry-after-ms: 50\r\n", NULL},
    {"429date", 429, "GMT\r\n", NULL},
    {"429bare", 429, "{\"error\":", "etry-"},
    {"429absurd", 429, "Retry-After: 3153600000", NULL},
    {"429quota", 429, "current quota", NULL},
    {"500", 500, "{\"error\":", NULL},
    {"502", 502, "{\"error\":", NULL},
    {"503", 503, "server busy", NULL},
    {"504", 504, "{\"error\":", NULL},
    {"529", 529, "{\"error\":", NULL},
    {"400ctx", 400, "context length", NULL},
    {"400param", 400, "'temperature'", NULL},
    {"401", 401, "{\"error\":", NULL},
    {"404model", 404, "not found, try pulling it first", NULL},
    {"200error", 200, "{\"error\":", "\"done\""},
    {"nochoices", 200, "\"done\":true", "\"message\""},
    {"length", 200, "\"done_reason\":\"length\"", NULL},
    {"nousage", 200, "\"done_reason\":\"stop\"", "eval_count"},
    {"empty", 200, "\"content\":\"\"", NULL},
    {"fenced", 200, "\"content\":\"```json\\n{", NULL},
    {"prose", 200, "here is the result:\\n\\n{", NULL},
    {"nonjson", 200, "\"content\":\"In plain words", NULL},
    {"missing", 200, "\\\"question\\\":", "\\\"answer\\\":"},
    {"wrongtype", 200, "\\\"answer\\\":42", NULL},
    {"nested", 200, "\\\"pairs\\\":[[{", NULL},
    {"dupkeys", 200, ",\\\"kind\\\":\\\"fact\\\"", NULL},
    {"surrogate", 200, "\\\\ud83d end", NULL},
    {"badutf8", 200, "\xff\xfe", NULL},
    {"contenttype", 200, "Content-Type: text/html", "application/json"},
    {"redirect", 302, "Location: http://localhost:", NULL},
    {"closeafter", 200, "Connection: close", NULL},
    {"slow", 200, "\"done\":true", NULL},
    {"late", 200, "\"done\":true", NULL},
};

static void test_faults(void **unused)
{
    struct state *s = *unused;
    static const char request[] = OLLAMA(FENCED "up to 1", SCHEMA_PAIRS);
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *c = &fault_cases[i];
        start(s,
              (const char *const[]){"--fault", c->rule, "--slow-ms", "1", "--late-ms", "20", NULL});
        int status = fake_process_request(&s->server, "/api/chat", request, s->reply, REPLY_BYTES);
        if (status != c->status || strstr(s->reply, c->has) == NULL ||
            (c->has_not != NULL && strstr(s->reply, c->has_not) != NULL)) {
            fail_msg("fault %s: status %d: %s", c->rule, status, s->reply);
        }
        char name[64];
        (void)snprintf(name, sizeof(name), "by_fault.%s", c->rule);
        assert_int_equal(fake_process_stat(&s->server, name), 1);
        stop(s);
    }
}

static void test_openai_error_shape(void **unused)
{
    struct state *s = *unused;
    start(s, (const char *const[]){"--reject-param", "temperature", NULL});
    assert_int_equal(fake_process_request(&s->server, "/v1/chat/completions",
                                          OPENAI("x", SCHEMA_OTHER), s->reply, REPLY_BYTES),
                     400);
    yyjson_doc *doc = parse(body_of(s->reply));
    assert_string_equal(text_at(doc, "/error/param"), "temperature");
    assert_string_equal(text_at(doc, "/error/code"), "unsupported_parameter");
    yyjson_doc_free(doc);
    /* the word in a message is no field */
    assert_int_equal(
        fake_process_request(
            &s->server, "/v1/chat/completions",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"\\\"temperature\\\":1\"}]}", s->reply,
            REPLY_BYTES),
        200);
    stop(s);
}

static void test_fault_by_number(void **unused)
{
    struct state *s = *unused;
    static const int expected[] = {200, 503, 503, 200, 429, 429};
    start(s, (const char *const[]){"--fault", "503@2-3", "--fault", "429@5-", NULL});
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(
            fake_process_request(&s->server, "/api/generate", "{}", s->reply, REPLY_BYTES),
            expected[i]);
    }
    assert_int_equal(fake_process_stat(&s->server, "requests"), 6);
    assert_int_equal(fake_process_stat(&s->server, "distinct"), 1);
    assert_int_equal(fake_process_stat(&s->server, "repeated"), 5);
    assert_int_equal(fake_process_stat(&s->server, "by_status.503"), 2);
    stop(s);
}

/* Which requests fail must not depend on the order in which they arrive. */
static void test_fault_by_probability(void **unused)
{
    struct state *s = *unused;
    int first[40];
    unsigned n_failed = 0;
    for (int round = 0; round < 2; round++) {
        start(s, (const char *const[]){"--fault", "500:0.4", "--seed", "7", NULL});
        for (int i = 0; i < 40; i++) {
            char body[32];
            int k = round == 0 ? i : 39 - i;
            (void)snprintf(body, sizeof(body), "{\"n\":%d}", k);
            int status =
                fake_process_request(&s->server, "/api/generate", body, s->reply, REPLY_BYTES);
            n_failed += status == 500;
            if (round == 0) {
                first[k] = status;
            }
            assert_int_equal(status, first[k]);
        }
        stop(s);
    }
    assert_in_range(n_failed, 16, 48);
}

/* A retry can succeed after a fault of the server; a fault of the model's text stays, so that a
 * resumed run sees what the killed one saw. */
static void test_faults_on_retry(void **unused)
{
    struct state *s = *unused;
    static const char request[] = OLLAMA(FENCED "up to 1", SCHEMA_PAIRS);
    unsigned n_failed = 0;
    unsigned n_missing = 0;
    start(s, (const char *const[]){"--fault", "500:0.5", "--fault", "missing:0.5", NULL});
    for (unsigned k = 0; k < 10; k++) {
        char body[4096];
        unsigned n_whole = 0;
        unsigned n_cut = 0;
        (void)snprintf(body, sizeof(body), "%s%.*s", request, (int)k, "          ");
        for (unsigned i = 0; i < 12; i++) {
            int status = fake_process_request(&s->server, "/api/chat", body, s->reply, REPLY_BYTES);
            bool missing = strstr(s->reply, "\\\"answer\\\":") == NULL;
            n_failed += status == 500;
            n_cut += status == 200 && missing;
            n_whole += status == 200 && !missing;
        }
        assert_true(n_whole + n_cut > 0);
        assert_true(n_whole == 0 || n_cut == 0);
        n_missing += n_cut > 0;
    }
    assert_in_range(n_failed, 40, 80);
    assert_in_range(n_missing, 1, 9);
    stop(s);
}

static void test_hang_is_abandoned(void **unused)
{
    struct state *s = *unused;
    static const char raw[] = "POST /api/chat HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    start(s, (const char *const[]){"--fault", "hang", NULL});
    int fd = fake_process_connect(&s->server);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, raw, strlen(raw), MSG_NOSIGNAL), strlen(raw));
    long long in_flight = 0;
    for (unsigned i = 0; i < 1000 && in_flight == 0; i++) {
        in_flight = fake_process_stat(&s->server, "in_flight");
    }
    assert_int_equal(in_flight, 1);
    assert_int_equal(recv(fd, s->reply, REPLY_BYTES, MSG_DONTWAIT), -1);
    (void)close(fd);
    long long n_abandoned = 0;
    for (unsigned i = 0; i < 1000 && n_abandoned == 0; i++) {
        n_abandoned = fake_process_stat(&s->server, "abandoned");
    }
    assert_int_equal(n_abandoned, 1);
    assert_int_equal(fake_process_stat(&s->server, "in_flight"), 0);
    stop(s);
}

static void test_generate(void **unused)
{
    struct state *s = *unused;
    start(s, NULL);
    assert_int_equal(fake_process_request(&s->server, "/api/generate",
                                          "{\"prompt\":\"x\",\"stream\":false}", s->reply,
                                          REPLY_BYTES),
                     200);
    yyjson_doc *doc = parse(body_of(s->reply));
    size_t n = strlen(text_at(doc, "/response"));
    assert_int_equal(yyjson_get_uint(yyjson_ptr_get(yyjson_doc_get_root(doc), "/eval_count")),
                     n / 4);
    yyjson_doc_free(doc);
    stop(s);
}

static void test_big(void **unused)
{
    struct state *s = *unused;
    static const char raw[] = "POST /api/chat HTTP/1.1\r\nConnection: close\r\n"
                              "Content-Length: 2\r\n\r\n{}";
    size_t size = (size_t)60 << 20;
    char *out = malloc(size);
    assert_non_null(out);
    start(s, (const char *const[]){"--fault", "big", NULL});
    long n = fake_process_exchange(&s->server, raw, strlen(raw), out, size);
    assert_in_range(n, 50L << 20, (50L << 20) + 2000);
    yyjson_doc_free(parse(body_of(out)));
    stop(s);
    free(out);
}

static void test_refuse(void **unused)
{
    struct state *s = *unused;
    start(s, (const char *const[]){"--refuse-all", NULL});
    assert_int_equal(fake_process_request(&s->server, "/api/version", NULL, s->reply, REPLY_BYTES),
                     -1);
    stop(s);
    start(s, (const char *const[]){"--fault", "refuse@1", "--refuse-ms", "400", NULL});
    assert_int_equal(fake_process_request(&s->server, "/api/chat", "{}", s->reply, REPLY_BYTES), 0);
    assert_int_equal(fake_process_request(&s->server, "/api/chat", "{}", s->reply, REPLY_BYTES),
                     -1);
    stop(s);
}

/* Keep-alive: two requests on one connection; it is the server that closes, for being idle. */
static void test_pipeline_and_idle_close(void **unused)
{
    struct state *s = *unused;
    static const char raw[] = "GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n"
                              "POST /api/chat HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
    start(s, (const char *const[]){"--fault", "idleclose", "--latency-ms", "5", NULL});
    assert_true(fake_process_exchange(&s->server, raw, strlen(raw), s->reply, REPLY_BYTES) > 0);
    const char *second = strstr(s->reply, "\"version\"");
    assert_non_null(second);
    assert_non_null(strstr(second, "\"done\":true"));
    stop(s);
}

static void test_long_request(void **unused)
{
    struct state *s = *unused;
    size_t n = (size_t)3 << 20;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, ' ', n);
    body[0] = '{';
    body[n - 1] = '}';
    body[n] = '\0';
    start(s, NULL);
    assert_int_equal(fake_process_request(&s->server, "/api/chat", body, s->reply, REPLY_BYTES),
                     200);
    assert_true(fake_process_stat(&s->server, "bytes_in") > (long long)n);
    stop(s);
    free(body);
}

static void test_bad_requests(void **unused)
{
    struct state *s = *unused;
    static const char *const raws[] = {
        "nonsense\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /api/chat HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\r\n\r\n",
    };
    static const char *const bodies[] = {
        "{\"model\":\"",
        "=== source ",
        "=== source 1 ===\\n=== end of source ",
        "\\",
        "\"properties\"",
        "=== source 1 ===\\nA sentence that ends in a back-slash \\n=== end of source 1 ===[p1]",
        "{\"format\":{\"properties\":[}",
        "\"verdicts\"\\n[p1]\\nQuestion: ",
    };
    start(s, NULL);
    for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
        assert_int_equal(
            fake_process_exchange(&s->server, raws[i], strlen(raws[i]), s->reply, REPLY_BYTES), 0);
    }
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(
            fake_process_request(&s->server, "/api/chat", bodies[i], s->reply, REPLY_BYTES), 200);
    }
    assert_int_equal(fake_process_request(&s->server, "/nowhere", NULL, s->reply, REPLY_BYTES),
                     404);
    stop(s);
}

static void test_script_and_reset(void **unused)
{
    struct state *s = *unused;
    static const char script[] =
        "{\"faults\":[\"503@3\"],\"replies\":[{\"status\":418,\"headers\":"
        "{\"x-a\":\"b\"},\"body\":{\"n\":1}},{\"status\":200,\"raw\":\"\"}]}";
    start(s, (const char *const[]){"--fault", "500", NULL});
    assert_int_equal(
        fake_process_request(&s->server, "/fake/script", script, s->reply, REPLY_BYTES), 200);
    assert_int_equal(fake_process_request(&s->server, "/api/chat", "{}", s->reply, REPLY_BYTES),
                     418);
    assert_non_null(strstr(s->reply, "x-a: b\r\n"));
    assert_string_equal(body_of(s->reply), "{\"n\":1}");
    assert_int_equal(fake_process_request(&s->server, "/api/chat", "{}", s->reply, REPLY_BYTES),
                     200);
    assert_string_equal(body_of(s->reply), "");
    assert_int_equal(fake_process_request(&s->server, "/api/chat", "{}", s->reply, REPLY_BYTES),
                     503);
    assert_int_equal(fake_process_request(&s->server, "/fake/reset", "", s->reply, REPLY_BYTES),
                     200);
    assert_int_equal(fake_process_stat(&s->server, "requests"), 0);
    assert_int_equal(fake_process_request(&s->server, "/fake/script", "{\"faults\":[\"x\"]}",
                                          s->reply, REPLY_BYTES),
                     400);
    stop(s);
}

static void test_key_and_trap(void **unused)
{
    struct state *s = *unused;
    static const char raw[] = "POST /api/chat HTTP/1.1\r\nAuthorization: Bearer secret-1\r\n"
                              "Connection: close\r\nContent-Length: 2\r\n\r\n{}";
    static const char trap[] = "GET /fake/trap HTTP/1.1\r\nAuthorization: Bearer secret-1\r\n"
                               "Connection: close\r\n\r\n";
    start(s, (const char *const[]){"--api-key", "secret-1", NULL});
    assert_int_equal(fake_process_request(&s->server, "/api/chat", "{}", s->reply, REPLY_BYTES),
                     401);
    assert_true(fake_process_exchange(&s->server, raw, strlen(raw), s->reply, REPLY_BYTES) > 0);
    assert_non_null(strstr(s->reply, "HTTP/1.1 200"));
    assert_true(fake_process_exchange(&s->server, trap, strlen(trap), s->reply, REPLY_BYTES) > 0);
    assert_int_equal(fake_process_stat(&s->server, "trap_hits_with_key"), 1);
    stop(s);
}

static void test_log_and_vectors(void **unused)
{
    struct state *s = *unused;
    char vectors[] = "/tmp/fakellm-vectors-XXXXXX";
    char log[] = "/tmp/fakellm-log-XXXXXX";
    static const char line[] = "{\"id\":\"v-1\",\"status\":429,\"headers\":{\"retry-after\":\"7\"},"
                               "\"body\":{\"error\":\"slow\"}}\n";
    int fd = mkstemp(vectors);
    int log_fd = mkstemp(log);
    assert_true(fd >= 0 && log_fd >= 0);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    start(s, (const char *const[]){"--vectors", vectors, "--log", log, NULL});
    assert_int_equal(fake_process_request(&s->server, "/vector/v-1/v1/chat/completions", "{}",
                                          s->reply, REPLY_BYTES),
                     429);
    assert_non_null(strstr(s->reply, "retry-after: 7\r\n"));
    assert_string_equal(body_of(s->reply), "{\"error\":\"slow\"}");
    assert_int_equal(fake_process_request(&s->server, "/vector/no", "{}", s->reply, REPLY_BYTES),
                     404);
    stop(s);
    ssize_t n = read(log_fd, s->reply, REPLY_BYTES - 1);
    assert_true(n > 0);
    s->reply[n] = '\0';
    *strchr(s->reply, '\n') = '\0';
    yyjson_doc *doc = parse(s->reply);
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "seq")), 1);
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "status")), 429);
    assert_true(yyjson_get_bool(yyjson_obj_get(root, "done")));
    yyjson_doc_free(doc);
    (void)close(fd);
    (void)close(log_fd);
    (void)unlink(vectors);
    (void)unlink(log);
}

static int tear_down(void **state)
{
    struct state *s = *state;
    (void)fake_process_stop(&s->server);
    return 0;
}

int main(void)
{
    struct state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return 1;
    }
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, NULL, tear_down, s)
    const struct CMUnitTest tests[] = {
        TEST(test_pairs),
        TEST(test_thin_source),
        TEST(test_code),
        TEST(test_enrich),
        TEST(test_judge),
        TEST(test_judge_share),
        TEST(test_other_schema),
        TEST(test_answers_are_reproducible),
        TEST(test_answer_bytes),
        TEST(test_faults),
        TEST(test_openai_error_shape),
        TEST(test_fault_by_number),
        TEST(test_fault_by_probability),
        TEST(test_faults_on_retry),
        TEST(test_hang_is_abandoned),
        TEST(test_generate),
        TEST(test_big),
        TEST(test_refuse),
        TEST(test_pipeline_and_idle_close),
        TEST(test_long_request),
        TEST(test_bad_requests),
        TEST(test_script_and_reset),
        TEST(test_key_and_trap),
        TEST(test_log_and_vectors),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(s);
    return failed;
}
