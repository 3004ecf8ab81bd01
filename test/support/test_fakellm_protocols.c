/* The protocols, streams, limits, caches and batches of the test server. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <yyjson.h>

#include <cmocka.h>

#define REPLY_BYTES ((size_t)256 << 10)
#define SOURCE                                                                                     \
    "=== source 1 ===\\nThe journal keeps every answer until the writer has confirmed the "        \
    "segment. A segment is closed after 64 records or after two seconds. Recovery scans the last " \
    "segment and drops the torn record at its end.\\n=== end of source 1 ===\\n"
#define LONG_RULES                                                                                 \
    "Stable rules that are the same for all requests of a step, long enough to be cached by the "  \
    "server that reads them, and followed by what differs."
#define SCHEMA                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"winner\":{\"type\":\"string\",\"enum\":[\"left\","     \
    "\"right\"]}},\"required\":[\"winner\"]}"

#define CLAUDE      "x-api-key: secret\r\nanthropic-version: 2023-06-01\r\n"
#define CLAUDE_2026 "x-api-key: secret\r\nanthropic-version: 2026-10-21\r\n"
#define GOOGLE      "x-goog-api-key: secret\r\n"

#define OPENAI_BODY(more)                                                                          \
    "{\"model\":\"m\"" more ",\"messages\":[{\"role\":\"user\",\"content\":\"" SOURCE "\"}]}"
#define CLAUDE_BODY(more)                                                                          \
    "{\"model\":\"claude-sonnet-4-6\",\"max_tokens\":4096" more                                    \
    ",\"messages\":[{\"role\":\"user\",\"content\":\"" SOURCE "\"}]}"
#define GEMINI_BODY(more)                                                                          \
    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" SOURCE "\"}]}]" more "}"

#define OPENAI_PATH "/v1/chat/completions"
#define CLAUDE_PATH "/v1/messages"
#define GEMINI_PATH "/v1beta/models/gemini-3:generateContent"
#define GEMINI_SSE  "/v1beta/models/gemini-3:streamGenerateContent?alt=sse"
#define GEMINI_LIST "/v1beta/models/gemini-3:streamGenerateContent"

struct state {
    struct fake_process server;
    char reply[REPLY_BYTES];
    char other[REPLY_BYTES];
    char text[REPLY_BYTES];
};

#define ARGS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void start(struct state *s, const char *const *args)
{
    assert_int_equal(fake_process_start(&s->server, args), 0);
}

static void stop(struct state *s)
{
    assert_int_equal(fake_process_stop(&s->server), 0);
}

/* Takes the chunks out of a body. False: it ended without the last one. */
static bool unchunk(char *body)
{
    char *to = body;
    for (char *p = body;;) {
        char *end = NULL;
        size_t n = strtoul(p, &end, 16);
        if (end == p || strncmp(end, "\r\n", 2) != 0) {
            *to = '\0';
            return false;
        }
        p = end + 2;
        if (n == 0) {
            *to = '\0';
            return true;
        }
        size_t left = strlen(p);
        n = n < left ? n : left;
        memmove(to, p, n);
        to += n;
        p += n;
        p += strncmp(p, "\r\n", 2) == 0 ? 2 : 0;
    }
}

/* One request; the body of the reply, without chunks, is at the front of `s->reply` afterwards.
 * Returns the status; `head` (may be NULL) gets the header lines. */
static int ask(struct state *s, const char *path, const char *headers, const char *body, char *head)
{
    size_t cap = (body == NULL ? 0 : strlen(body)) + strlen(headers) + strlen(path) + 200;
    char *raw = malloc(cap);
    assert_non_null(raw);
    int n = snprintf(
        raw, cap,
        "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
        body == NULL ? "GET" : "POST", path, headers, body == NULL ? 0 : strlen(body),
        body == NULL ? "" : body);
    assert_true(n > 0 && (size_t)n < cap);
    long got = fake_process_exchange(&s->server, raw, (size_t)n, s->reply, REPLY_BYTES);
    free(raw);
    if (got < 12) {
        return 0;
    }
    char *end = strstr(s->reply, "\r\n\r\n");
    assert_non_null(end);
    int status = (int)strtol(s->reply + 9, NULL, 10);
    bool chunked = false;
    *end = '\0';
    chunked = strstr(s->reply, "chunked") != NULL;
    if (head != NULL) {
        (void)snprintf(head, 4096, "%.4000s", s->reply);
    }
    memmove(s->reply, end + 4, strlen(end + 4) + 1);
    if (chunked) {
        (void)unchunk(s->reply);
    }
    return status;
}

static yyjson_doc *parse(const char *text, size_t n)
{
    yyjson_doc *doc = yyjson_read(text, n, 0);
    if (doc == NULL) {
        fail_msg("no JSON: %.*s", (int)n, text);
    }
    return doc;
}

static const char *text_of(yyjson_doc *doc, const char *pointer)
{
    return yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), pointer));
}

static uint64_t number_of(yyjson_doc *doc, const char *pointer)
{
    return yyjson_get_uint(yyjson_ptr_get(yyjson_doc_get_root(doc), pointer));
}

static void assert_text(const char *json, const char *pointer, const char *expected)
{
    yyjson_doc *doc = parse(json, strlen(json));
    const char *text = text_of(doc, pointer);
    if (text == NULL || strcmp(text, expected) != 0) {
        fail_msg("%s is %s, not %s, in %s", pointer, text == NULL ? "absent" : text, expected,
                 json);
    }
    yyjson_doc_free(doc);
}

static uint64_t reply_number(const struct state *s, const char *pointer)
{
    yyjson_doc *doc = parse(s->reply, strlen(s->reply));
    uint64_t value = number_of(doc, pointer);
    yyjson_doc_free(doc);
    return value;
}

/* ---- streams ------------------------------------------------------------------------------------
 */

struct protocol {
    const char *path;
    const char *stream_path;
    const char *headers;
    const char *body;
    const char *stream_body;
    const char *text;  /* in a whole answer */
    const char *delta; /* in an event */
    const char *end;   /* in the last event */
};

static const struct protocol protocols[] = {
    {OPENAI_PATH, OPENAI_PATH, "", OPENAI_BODY(""), OPENAI_BODY(",\"stream\":true"),
     "/choices/0/message/content", "/choices/0/delta/content", "[DONE]"},
    {CLAUDE_PATH, CLAUDE_PATH, CLAUDE, CLAUDE_BODY(""), CLAUDE_BODY(",\"stream\":true"),
     "/content/0/text", "/delta/text", "{\"type\":\"message_stop\"}"},
    {"/api/chat", "/api/chat", "", OPENAI_BODY(",\"stream\":false"), OPENAI_BODY(""),
     "/message/content", "/message/content", "\"done\":true"},
    {GEMINI_PATH, GEMINI_SSE, GOOGLE, GEMINI_BODY(""), GEMINI_BODY(""),
     "/candidates/0/content/parts/0/text", "/candidates/0/content/parts/0/text",
     "\"finishReason\":\"STOP\""},
};

#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

/* Joins the text of all events of s->reply in s->text. Returns the number of events; `last` is the
 * data of the last one. */
static size_t join(struct state *s, const char *pointer, char *last, size_t size)
{
    size_t n = 0;
    s->text[0] = '\0';
    for (char *line = s->reply; *line != '\0';) {
        char *end = line + strcspn(line, "\r\n");
        char *data = strncmp(line, "data: ", 6) == 0 ? line + 6 : line;
        bool is_data = end > line && (data != line || *line == '{');
        char *next = end + (*end != '\0');
        *end = '\0';
        if (is_data) {
            n++;
            int n_data = snprintf(last, size, "%s", data);
            assert_true(n_data >= 0);
            yyjson_doc *doc = yyjson_read(data, strlen(data), 0);
            const char *piece = doc == NULL ? NULL : text_of(doc, pointer);
            size_t len = strlen(s->text);
            if (piece != NULL) {
                (void)snprintf(s->text + len, REPLY_BYTES - len, "%s", piece);
            }
            yyjson_doc_free(doc);
        }
        line = next;
    }
    return n;
}

/* assert_non_null does return as far as the compiler knows. */
static void copy_text(char *to, size_t size, const char *from)
{
    assert_non_null(from);
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

static void whole_text(struct state *s, const struct protocol *p)
{
    assert_int_equal(ask(s, p->path, p->headers, p->body, NULL), 200);
    yyjson_doc *doc = parse(s->reply, strlen(s->reply));
    const char *text = text_of(doc, p->text);
    copy_text(s->other, REPLY_BYTES, text);
    yyjson_doc_free(doc);
}

/* Whatever happens on the way, the text is that of the whole answer. */
static void test_streams(void **unused)
{
    static const char *const faults[] = {"ssecomments", "ssecrlf", "sseutf8", "ssetwo",
                                         "bytewise",    "chunk1",  "nousage", "ssestall"};
    struct state *s = *unused;
    char last[4096];
    for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++) {
        start(s, ARGS("--fault", faults[f], "--stall-ms", "20", "--stream-bytes", "40"));
        for (size_t i = 0; i < N_PROTOCOLS; i++) {
            const struct protocol *p = &protocols[i];
            whole_text(s, p);
            assert_int_equal(ask(s, p->stream_path, p->headers, p->stream_body, NULL), 200);
            size_t n = join(s, p->delta, last, sizeof(last));
            if (n < 4 || strcmp(s->text, s->other) != 0 || strstr(last, p->end) == NULL) {
                fail_msg("%s, %s: %zu events, last %s, text %s", faults[f], p->stream_path, n, last,
                         s->text);
            }
        }
        stop(s);
    }
}

/* Streams that must not be taken for whole ones. */
static void test_broken_streams(void **unused)
{
    static const char *const faults[] = {"sseerror", "ssenodone", "ssecut", "cutchunk", "cutclose"};
    struct state *s = *unused;
    char last[4096];
    for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++) {
        start(s, ARGS("--fault", faults[f], "--stream-bytes", "40"));
        for (size_t i = 0; i < N_PROTOCOLS; i++) {
            const struct protocol *p = &protocols[i];
            assert_int_equal(ask(s, p->stream_path, p->headers, p->stream_body, NULL), 200);
            size_t n = join(s, p->delta, last, sizeof(last));
            bool is_error = strstr(last, "\"error\"") != NULL;
            bool has_end = strstr(last, p->end) != NULL;
            bool after_two = f != 0 && f != 2;
            after_two = after_two || strlen(s->text) == 80;
            if (n < 1 || has_end || is_error != (f == 0) || !after_two) {
                fail_msg("%s, %s: last event %s", faults[f], p->stream_path, last);
            }
        }
        stop(s);
    }
}

static void test_stream_usage(void **unused)
{
    struct state *s = *unused;
    char last[4096];
    char head[4096];
    start(s, NULL);
    assert_int_equal(
        ask(s, OPENAI_PATH, "",
            OPENAI_BODY(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"), head),
        200);
    assert_non_null(strstr(head, "text/event-stream"));
    assert_non_null(strstr(s->reply, "\"choices\":[],\"usage\":{\"prompt_tokens\":"));
    assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(",\"stream\":true"), NULL), 200);
    assert_null(strstr(s->reply, "prompt_tokens"));
    assert_int_equal(ask(s, CLAUDE_PATH, CLAUDE, CLAUDE_BODY(",\"stream\":true"), NULL), 200);
    assert_non_null(strstr(s->reply, "event: message_start\ndata: {\"type\":\"message_start\""));
    assert_non_null(strstr(s->reply, "event: ping\n"));
    assert_non_null(strstr(s->reply, "\"stop_reason\":\"end_turn\""));
    assert_int_equal(ask(s, GEMINI_LIST, GOOGLE, GEMINI_BODY(""), NULL), 200);
    yyjson_doc *doc = parse(s->reply, strlen(s->reply));
    assert_true(yyjson_arr_size(yyjson_doc_get_root(doc)) > 1);
    yyjson_doc_free(doc);
    assert_int_equal(ask(s, "/api/generate", "", OPENAI_BODY(""), head), 200);
    assert_non_null(strstr(head, "application/x-ndjson"));
    (void)join(s, "/response", last, sizeof(last));
    assert_non_null(strstr(last, "\"eval_count\":"));
    assert_int_equal(fake_process_stat(&s->server, "streamed"), 5);
    stop(s);
}

/* Events come one after the other when they are asked to. */
static void test_stream_pace(void **unused)
{
    struct state *s = *unused;
    struct timespec from;
    struct timespec to;
    start(s, ARGS("--stream-bytes", "40", "--stream-ms", "10"));
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(",\"stream\":true"), NULL), 200);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    assert_true(ms >= 40);
    stop(s);
}

/* ---- what providers refuse ----------------------------------------------------------------------
 */

struct refusal_case {
    const char *path;
    const char *headers;
    const char *body;
    int status;
    const char *pointer;
    const char *text;
};

static const struct refusal_case refusals[] = {
    {CLAUDE_PATH, "anthropic-version: 2023-06-01\r\n", CLAUDE_BODY(""), 401, "/error/type",
     "authentication_error"},
    {CLAUDE_PATH, "x-api-key: secret\r\n", CLAUDE_BODY(""), 400, "/error/message",
     "anthropic-version: header is required"},
    {CLAUDE_PATH, "Authorization: Bearer secret\r\nanthropic-version: 2026-10-21\r\n",
     CLAUDE_BODY(""), 200, "/type", "message"},
    {CLAUDE_PATH, CLAUDE, CLAUDE_BODY(",\"temperature\":1"), 200, "/type", "message"},
    {CLAUDE_PATH, CLAUDE_2026, CLAUDE_BODY(",\"temperature\":1"), 400, "/error/message",
     "temperature: Extra inputs are not permitted"},
    {CLAUDE_PATH, CLAUDE,
     "{\"model\":\"claude-opus-5\",\"max_tokens\":9,\"top_p\":1,\"messages\":[]}", 400,
     "/error/message", "top_p: Extra inputs are not permitted"},
    {CLAUDE_PATH, CLAUDE, "{\"model\":\"claude-opus-5\",\"messages\":[]}", 400, "/error/message",
     "max_tokens: Field required"},
    {CLAUDE_PATH, CLAUDE,
     "{\"model\":\"claude-sonnet-5\",\"max_tokens\":9,\"messages\":[{\"role\":\"assistant\","
     "\"content\":\"{\"}]}",
     400, "/error/type", "invalid_request_error"},
    {CLAUDE_PATH, CLAUDE,
     "{\"model\":\"claude-opus-5-5\",\"max_tokens\":9,\"tool_choice\":{\"type\":\"any\"},"
     "\"messages\":[]}",
     400, "/error/message", "tool_choice: forced tool use is not supported by this model"},
    {GEMINI_PATH, "", GEMINI_BODY(""), 403, "/error/status", "PERMISSION_DENIED"},
    {GEMINI_PATH, "x-goog-api-key: wrong\r\n", GEMINI_BODY(""), 400, "/error/details/0/reason",
     "API_KEY_INVALID"},
    {GEMINI_LIST, "x-goog-api-key: wrong\r\n", GEMINI_BODY(""), 400, "/0/error/details/0/reason",
     "API_KEY_INVALID"},
    {OPENAI_PATH, "Authorization: Bearer secret\r\n",
     "{\"model\":\"gpt-5.1\",\"max_tokens\":1,\"messages\":[]}", 400, "/error/param", "max_tokens"},
    {OPENAI_PATH, "Authorization: Bearer secret\r\n",
     "{\"model\":\"o3\",\"temperature\":1,\"messages\":[]}", 400, "/error/code",
     "unsupported_value"},
    {OPENAI_PATH, "Authorization: Bearer secretly\r\n", OPENAI_BODY(""), 401, "/error/code",
     "invalid_api_key"},
};

static void test_refused_requests(void **unused)
{
    struct state *s = *unused;
    start(s, ARGS("--api-key", "secret"));
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal_case *c = &refusals[i];
        int status = ask(s, c->path, c->headers, c->body, NULL);
        if (status != c->status) {
            fail_msg("case %zu: %d %s", i, status, s->reply);
        }
        assert_text(s->reply, c->pointer, c->text);
    }
    (void)ask(s, "/v1beta/models?key=secret", "", NULL, NULL);
    assert_int_equal(fake_process_stat(&s->server, "keys_in_url"), 1);
    stop(s);
}

static void test_flavours_and_context(void **unused)
{
    struct state *s = *unused;
    static const char over[] = OPENAI_BODY(",\"truncate\":false");
    start(s, ARGS("--flavour", "vllm", "--n-ctx", "20", "--model", "m", "--api-key", "k"));
    assert_int_equal(ask(s, OPENAI_PATH, "", over, NULL), 401);
    assert_text(s->reply, "/error", "Unauthorized");
    assert_int_equal(ask(s, OPENAI_PATH, "Authorization: Bearer k\r\n", over, NULL), 400);
    assert_text(s->reply, "/error/type", "BadRequestError");
    assert_int_equal(reply_number(s, "/error/code"), 400);
    assert_non_null(strstr(s->reply, "maximum context length is 20 tokens"));
    assert_int_equal(ask(s, "/v1/models", "Authorization: Bearer k\r\n", NULL, NULL), 200);
    assert_int_equal(reply_number(s, "/data/0/max_model_len"), 20);
    assert_int_equal(ask(s, "/props", "", NULL, NULL), 404);
    assert_int_equal(ask(s, "/api/chat", "Authorization: Bearer k\r\n", over, NULL), 400);
    assert_int_equal(ask(s, "/api/chat", "Authorization: Bearer k\r\n", OPENAI_BODY(""), NULL),
                     200);
    assert_int_equal(fake_process_stat(&s->server, "truncated_prompts"), 1);
    assert_int_equal(ask(s, "/api/show", "", "{\"model\":\"nope\"}", NULL), 404);
    stop(s);
    start(s, ARGS("--flavour", "llamacpp", "--n-ctx", "512"));
    assert_int_equal(ask(s, "/v1/models", "", NULL, NULL), 200);
    assert_int_equal(reply_number(s, "/data/0/meta/n_ctx"), 512);
    assert_int_equal(ask(s, "/props", "", NULL, NULL), 200);
    assert_int_equal(reply_number(s, "/default_generation_settings/n_ctx"), 512);
    assert_int_equal(ask(s, "/v1/models", CLAUDE, NULL, NULL), 200);
    assert_int_equal(reply_number(s, "/data/0/max_input_tokens"), 512);
    assert_int_equal(ask(s, "/v1beta/models/g", GOOGLE, NULL, NULL), 200);
    assert_int_equal(reply_number(s, "/inputTokenLimit"), 512);
    stop(s);
}

static void test_tools_and_thoughts(void **unused)
{
    struct state *s = *unused;
    start(s, ARGS("--reasoning-bytes", "50", "--reasoning-field", "reasoning_content"));
    assert_int_equal(ask(s, CLAUDE_PATH, CLAUDE,
                         CLAUDE_BODY(",\"tools\":[{\"name\":\"emit\",\"input_schema\":" SCHEMA
                                     "}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"emit\"}"),
                         NULL),
                     200);
    assert_text(s->reply, "/content/0/type", "thinking");
    assert_text(s->reply, "/content/1/name", "emit");
    assert_text(s->reply, "/stop_reason", "tool_use");
    assert_non_null(strstr(s->reply, "\"input\":{\"winner\":"));
    assert_int_equal(
        ask(s, OPENAI_PATH, "",
            OPENAI_BODY(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"emit\","
                        "\"parameters\":" SCHEMA "}}],\"tool_choice\":\"required\""),
            NULL),
        200);
    assert_text(s->reply, "/choices/0/finish_reason", "tool_calls");
    assert_text(s->reply, "/choices/0/message/tool_calls/0/function/name", "emit");
    assert_true(reply_number(s, "/usage/completion_tokens_details/reasoning_tokens") > 0);
    assert_non_null(strstr(s->reply, "\"reasoning_content\":\"First"));
    assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(",\"max_tokens\":20"), NULL), 200);
    assert_text(s->reply, "/choices/0/finish_reason", "length");
    stop(s);
}

/* ---- faults that differ by provider
 * -------------------------------------------------------------- */

struct provider_fault {
    const char *rule;
    size_t protocol; /* in `protocols` */
    int status;
    const char *has;
    const char *has_not;
};

static const struct provider_fault provider_faults[] = {
    {"429quota", 0, 429, "\"insufficient_quota\"", "etry-"},
    {"429quota", 1, 429, "\"error_code\":\"enforced_spend_limit_reached\"", "etry-"},
    {"429quota", 3, 429, "PerDay", NULL},
    {"429credit", 0, 429, "credit_balance_exhausted", "etry-"},
    {"429credit", 1, 429, "contract_spend_limit_reached", "etry-"},
    {"429credit", 3, 429, "limit: 0", "RetryInfo"},
    {"429", 3, 429, "\"retryDelay\":\"1.000s\"", "PerDay"},
    {"429ms", 3, 429, "\"retryDelay\":\"0.050s\"", NULL},
    {"429bare", 3, 429, "RESOURCE_EXHAUSTED", "RetryInfo"},
    {"slowdown", 0, 429, "\"slow_down\"", NULL},
    {"slowdown", 1, 429, "ramp_limit_exceeded", NULL},
    {"402", 0, 402, "Insufficient credits", "etry-"},
    {"402retry", 0, 402, "Retry-After: 1", NULL},
    {"400credit", 1, 400, "Your credit balance is too low to access the Anthropic API", NULL},
    {"500noretry", 0, 500, "x-should-retry: false", NULL},
    {"500html", 0, 520, "<!DOCTYPE html>", "\"error\""},
    {"403", 3, 403, "PERMISSION_DENIED", NULL},
    {"408", 0, 408, "timed out", NULL},
    {"409", 1, 409, "conflict_error", NULL},
    {"498", 0, 498, "capacity_exceeded", NULL},
    {"401", 3, 400, "API_KEY_INVALID", NULL},
    {"504", 1, 504, "timeout_error", NULL},
    {"refusal", 0, 200, "\"refusal\":\"I'm sorry", NULL},
    {"refusal", 1, 200, "\"category\":\"frontier_llm\"", "\"text\""},
    {"refusal", 2, 200, "I can't help", NULL},
    {"refusal", 3, 200, "\"blockReason\":\"PROHIBITED_CONTENT\"", "candidates\":"},
    {"filter", 0, 200, "\"finish_reason\":\"content_filter\"", NULL},
    {"filter", 3, 200, "\"finishReason\":\"SAFETY\"", "\"parts\""},
    {"recitation", 3, 200, "\"finishReason\":\"RECITATION\"", NULL},
    {"length", 1, 200, "\"stop_reason\":\"max_tokens\"", NULL},
    {"length", 3, 200, "\"finishReason\":\"MAX_TOKENS\"", NULL},
    {"ctxwindow", 1, 200, "model_context_window_exceeded", NULL},
    {"abort", 0, 200, "\"finish_reason\":\"abort\"", NULL},
    {"gzip", 0, 200, "Content-Encoding: gzip", NULL},
    {"blanks", 0, 200, "\n\n\n\n\n{\"id\"", NULL},
    {"cuthead", 0, 200, "Content-Length: ", "{"},
};

static void test_provider_faults(void **unused)
{
    struct state *s = *unused;
    char head[4096];
    for (size_t i = 0; i < sizeof(provider_faults) / sizeof(provider_faults[0]); i++) {
        const struct provider_fault *c = &provider_faults[i];
        const struct protocol *p = &protocols[c->protocol];
        start(s, ARGS("--fault", c->rule));
        int status = ask(s, p->path, p->headers, p->body, head);
        (void)snprintf(s->other, REPLY_BYTES, "%s\n%.8000s", head, s->reply);
        bool has_not = c->has_not != NULL && strstr(s->other, c->has_not) != NULL;
        if (status != c->status || strstr(s->other, c->has) == NULL || has_not) {
            fail_msg("%s at %s: %d %s", c->rule, p->path, status, s->other);
        }
        stop(s);
    }
}

static void test_continuation(void **unused)
{
    struct state *s = *unused;
    char token[96];
    char body[4096];
    start(s, NULL);
    whole_text(s, &protocols[3]);
    stop(s);
    start(s, ARGS("--fault", "continuation"));
    assert_int_equal(ask(s, GEMINI_PATH, GOOGLE, GEMINI_BODY(""), NULL), 200);
    yyjson_doc *first = parse(s->reply, strlen(s->reply));
    assert_string_equal(text_of(first, "/candidates/0/finishReason"), "CONTINUATION");
    copy_text(s->text, REPLY_BYTES, text_of(first, "/candidates/0/content/parts/0/text"));
    copy_text(token, sizeof(token), text_of(first, "/candidates/0/continuationToken"));
    yyjson_doc_free(first);
    (void)snprintf(body, sizeof(body), GEMINI_BODY(",\"continuationToken\":\"%s\""), token);
    assert_int_equal(ask(s, GEMINI_PATH, GOOGLE, body, NULL), 200);
    yyjson_doc *second = parse(s->reply, strlen(s->reply));
    assert_string_equal(text_of(second, "/candidates/0/finishReason"), "STOP");
    size_t n = strlen(s->text);
    copy_text(s->text + n, REPLY_BYTES - n, text_of(second, "/candidates/0/content/parts/0/text"));
    yyjson_doc_free(second);
    assert_string_equal(s->text, s->other);
    assert_int_equal(fake_process_stat(&s->server, "repeated"), 0);
    stop(s);
}

/* First sights, every K-th, phases, and connections that die while they are kept. */
static void test_rules_of_time(void **unused)
{
    struct state *s = *unused;
    static const int sights[] = {429, 429, 200, 200};
    static const char two[] = "POST /api/chat HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
                              "POST /api/chat HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    char head[4096];
    start(s, ARGS("--fault", "429#2"));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(""), NULL), sights[i]);
    }
    assert_int_equal(fake_process_stat(&s->server, "paid_again"), 1);
    stop(s);
    start(s, ARGS("--fault", "503%3"));
    for (int i = 1; i <= 6; i++) {
        assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(""), head), i % 3 == 0 ? 503 : 200);
    }
    stop(s);
    start(s, ARGS("--fault", "503", "--fault-until-ms", "60"));
    assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(""), NULL), 503);
    for (int i = 0; i < 2000 && ask(s, OPENAI_PATH, "", OPENAI_BODY(""), NULL) != 200; i++) {
        assert_true(i < 1999);
    }
    stop(s);
    start(s, ARGS("--fault", "deadkeep"));
    long n = fake_process_exchange(&s->server, two, strlen(two), s->reply, REPLY_BYTES);
    assert_true(n > 0);
    const char *once = strstr(s->reply, "HTTP/1.1 200");
    assert_non_null(once);
    assert_null(strstr(once + 1, "HTTP/1.1"));
    stop(s);
}

/* ---- limits, caches
 * ------------------------------------------------------------------------------ */

static void test_limits(void **unused)
{
    struct state *s = *unused;
    char head[4096];
    start(s, ARGS("--rpm", "60", "--burst-s", "2", "--tpm", "600000"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(""), head), 200);
        assert_non_null(strstr(head, "x-ratelimit-limit-requests: 60"));
    }
    assert_non_null(strstr(head, "x-ratelimit-remaining-requests: 0"));
    assert_non_null(strstr(head, "x-ratelimit-reset-requests: "));
    assert_non_null(strstr(head, "x-ratelimit-remaining-tokens: "));
    assert_int_equal(ask(s, OPENAI_PATH, "", OPENAI_BODY(""), head), 429);
    assert_non_null(strstr(head, "retry-after: 1"));
    assert_non_null(strstr(head, "retry-after-ms: "));
    assert_int_equal(ask(s, CLAUDE_PATH, CLAUDE, CLAUDE_BODY(""), head), 429);
    assert_non_null(strstr(head, "anthropic-ratelimit-requests-remaining: 0"));
    assert_non_null(strstr(head, "anthropic-ratelimit-input-tokens-reset: 20"));
    assert_int_equal(ask(s, GEMINI_PATH, GOOGLE, GEMINI_BODY(""), NULL), 429);
    assert_non_null(strstr(s->reply, "RetryInfo"));
    assert_int_equal(fake_process_stat(&s->server, "limited"), 3);
    assert_int_equal(ask(s, "/fake/seconds", "", NULL, NULL), 200);
    uint64_t good = 0;
    uint64_t limited = 0;
    yyjson_doc *doc = parse(s->reply, strlen(s->reply));
    size_t i = 0;
    size_t max = 0;
    yyjson_val *value = NULL;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "good"), i, max, value)
    {
        good += yyjson_get_uint(value);
    }
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "limited"), i, max, value)
    {
        limited += yyjson_get_uint(value);
    }
    yyjson_doc_free(doc);
    assert_int_equal(good, 2);
    assert_int_equal(limited, 3);
    stop(s);
}

#define CACHED_BODY(chunk)                                                                         \
    CLAUDE_BODY(",\"system\":[{\"type\":\"text\",\"text\":\"" LONG_RULES                           \
                "\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"metadata\":\"" chunk "\"")

static void test_cache(void **unused)
{
    struct state *s = *unused;
    start(s, ARGS("--cache-min-tokens", "20"));
    assert_int_equal(ask(s, CLAUDE_PATH, CLAUDE, CACHED_BODY("a"), NULL), 200);
    uint64_t written = reply_number(s, "/usage/cache_creation_input_tokens");
    assert_true(written > 20);
    assert_int_equal(reply_number(s, "/usage/cache_read_input_tokens"), 0);
    assert_int_equal(ask(s, CLAUDE_PATH, CLAUDE, CACHED_BODY("b"), NULL), 200);
    assert_int_equal(reply_number(s, "/usage/cache_creation_input_tokens"), 0);
    assert_int_equal(reply_number(s, "/usage/cache_read_input_tokens"), written);
    assert_int_equal(fake_process_stat(&s->server, "cache_reads"), 1);
    assert_int_equal(fake_process_stat(&s->server, "cache_writes"), 1);
    stop(s);
    /* two at once both write */
    static const char raw[] = "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s";
    static const char body[] = "{\"messages\":[{\"role\":\"system\",\"content\":\"" LONG_RULES
                               "\"},{\"role\":\"user\",\"content\":\"x\"}]}";
    start(s, ARGS("--cache-min-tokens", "20", "--latency-ms", "30"));
    int fds[2];
    for (size_t i = 0; i < 2; i++) {
        int n = snprintf(s->other, REPLY_BYTES, raw, strlen(body), body);
        fds[i] = fake_process_connect(&s->server);
        assert_true(fds[i] >= 0);
        assert_int_equal(send(fds[i], s->other, (size_t)n, MSG_NOSIGNAL), n);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(recv(fds[i], s->other, REPLY_BYTES, 0) > 0);
        (void)close(fds[i]);
    }
    assert_int_equal(fake_process_stat(&s->server, "cache_parallel_misses"), 1);
    assert_int_equal(ask(s, OPENAI_PATH, "", body, NULL), 200);
    assert_true(reply_number(s, "/usage/prompt_tokens_details/cached_tokens") > 20);
    stop(s);
}

/* ---- batches
 * ------------------------------------------------------------------------------------- */

#define N_LINES 24

static void line_body(char *out, size_t size, unsigned i)
{
    (void)snprintf(
        out, size,
        "{\"model\":\"m\",\"max_tokens\":900,\"messages\":[{\"role\":\"user\",\"content\":"
        "\"" SOURCE " %u\"}]}",
        i);
}

/* A file of lines as multipart form, and a batch of it. `id` gets the batch's. */
static int make_openai_batch(struct state *s, char *id, size_t size)
{
    char *form = malloc(REPLY_BYTES);
    char body[1024];
    assert_non_null(form);
    size_t n = (size_t)snprintf(form, REPLY_BYTES,
                                "--XyZ\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n"
                                "batch\r\n--XyZ\r\nContent-Disposition: form-data; name=\"file\"; "
                                "filename=\"a.jsonl\"\r\n\r\n");
    for (unsigned i = 0; i < N_LINES; i++) {
        line_body(body, sizeof(body), i);
        n += (size_t)snprintf(form + n, REPLY_BYTES - n,
                              "{\"custom_id\":\"r-%u\",\"method\":\"POST\",\"url\":"
                              "\"/v1/chat/completions\",\"body\":%s}\n",
                              i, body);
    }
    (void)snprintf(form + n, REPLY_BYTES - n, "\r\n--XyZ--\r\n");
    assert_int_equal(
        ask(s, "/v1/files", "Content-Type: multipart/form-data; boundary=XyZ\r\n", form, NULL),
        200);
    free(form);
    yyjson_doc *doc = parse(s->reply, strlen(s->reply));
    copy_text(id, size, text_of(doc, "/id"));
    (void)snprintf(body, sizeof(body),
                   "{\"input_file_id\":\"%s\",\"endpoint\":\"/v1/chat/completions\","
                   "\"completion_window\":\"24h\",\"metadata\":{\"run\":\"7\"}}",
                   id);
    yyjson_doc_free(doc);
    int status = ask(s, "/v1/batches", "", body, NULL);
    if (status == 200) {
        doc = parse(s->reply, strlen(s->reply));
        copy_text(id, size, text_of(doc, "/id"));
        assert_string_equal(text_of(doc, "/status"), "validating");
        assert_string_equal(text_of(doc, "/metadata/run"), "7");
        yyjson_doc_free(doc);
    }
    return status;
}

static void get_batch(struct state *s, const char *id, const char *status)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "/v1/batches/%s", id);
    assert_int_equal(ask(s, path, "", NULL, NULL), 200);
    assert_text(s->reply, "/status", status);
}

/* The answers are the bytes of live ones, and not in the order of the requests. */
static void check_results(struct state *s, size_t n_expected)
{
    size_t n = 0;
    bool in_order = true;
    char *lines = strdup(s->reply);
    assert_non_null(lines);
    for (char *line = lines; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        yyjson_doc *doc = parse(line, strlen(line));
        char body[1024];
        unsigned i = (unsigned)strtoul(text_of(doc, "/custom_id") + 2, NULL, 10);
        in_order = in_order && i == n;
        assert_int_equal(number_of(doc, "/response/status_code"), 200);
        yyjson_doc_free(doc);
        line_body(body, sizeof(body), i);
        assert_int_equal(ask(s, OPENAI_PATH, "", body, NULL), 200);
        assert_non_null(strstr(line, s->reply));
        n++;
        line = end + 1;
    }
    free(lines);
    assert_int_equal(n, n_expected);
    assert_false(in_order);
}

static void test_openai_batch(void **unused)
{
    struct state *s = *unused;
    char id[64];
    start(s, ARGS("--batch-ms", "3600000"));
    assert_int_equal(make_openai_batch(s, id, sizeof(id)), 200);
    get_batch(s, id, "in_progress");
    long long paid = fake_process_stat(&s->server, "micro_usd");
    assert_true(paid > 0);
    (void)snprintf(s->other, REPLY_BYTES, "/v1/batches/%s/cancel", id);
    assert_int_equal(ask(s, s->other, "", "", NULL), 200);
    assert_text(s->reply, "/status", "cancelling");
    get_batch(s, id, "cancelled");
    assert_int_equal(reply_number(s, "/request_counts/completed"), N_LINES / 2);
    assert_true(fake_process_stat(&s->server, "micro_usd") < paid);
    stop(s);
    start(s, NULL);
    assert_int_equal(make_openai_batch(s, id, sizeof(id)), 200);
    get_batch(s, id, "completed");
    assert_int_equal(reply_number(s, "/request_counts/completed"), N_LINES);
    (void)snprintf(s->other, REPLY_BYTES, "/v1/files/file-out-%s/content", id);
    assert_int_equal(ask(s, s->other, "", NULL, NULL), 200);
    check_results(s, N_LINES);
    stop(s);
}

static void test_openai_batch_failures(void **unused)
{
    struct state *s = *unused;
    char id[64];
    start(s, ARGS("--batch-fail", "1", "--batch-cut", "3", "--batch-errors", "300000",
                  "--batch-expired", "300000"));
    assert_int_equal(make_openai_batch(s, id, sizeof(id)), 200);
    get_batch(s, id, "failed");
    assert_text(s->reply, "/errors/data/0/code", "token_limit_exceeded");
    assert_int_equal(make_openai_batch(s, id, sizeof(id)), 200);
    get_batch(s, id, "expired");
    uint64_t n_good = reply_number(s, "/request_counts/completed");
    assert_in_range(n_good, 1, N_LINES - 1);
    (void)snprintf(s->other, REPLY_BYTES, "/v1/files/file-err-%s/content", id);
    assert_int_equal(ask(s, s->other, "", NULL, NULL), 200);
    assert_non_null(strstr(s->reply, "\"code\":\"batch_expired\""));
    assert_non_null(strstr(s->reply, "\"status_code\":4"));
    /* the third one exists, but its creation was never answered */
    assert_int_equal(make_openai_batch(s, id, sizeof(id)), 0);
    assert_int_equal(ask(s, "/v1/batches?limit=1", "", NULL, NULL), 200);
    assert_text(s->reply, "/data/0/id", "batch_3");
    assert_text(s->reply, "/data/0/metadata/run", "7");
    assert_int_equal(fake_process_stat(&s->server, "batches"), 3);
    stop(s);
}

static void test_anthropic_batch(void **unused)
{
    struct state *s = *unused;
    static const char requests[] = "{\"requests\":[{\"custom_id\":\"a\",\"params\":" CLAUDE_BODY(
        "") "},{\"custom_id\":\"b\","
            "\"params\":" CLAUDE_BODY(",\"temperature\":1") "}]}";
    start(s, NULL);
    assert_int_equal(ask(s, CLAUDE_PATH "/batches", CLAUDE_2026, requests, NULL), 200);
    assert_text(s->reply, "/processing_status", "in_progress");
    assert_int_equal(ask(s, CLAUDE_PATH "/batches/msgbatch_1", CLAUDE, NULL, NULL), 200);
    assert_text(s->reply, "/processing_status", "ended");
    assert_int_equal(reply_number(s, "/request_counts/succeeded"), 1);
    assert_int_equal(reply_number(s, "/request_counts/errored"), 1);
    assert_int_equal(ask(s, CLAUDE_PATH "/batches?limit=5", CLAUDE, NULL, NULL), 200);
    assert_text(s->reply, "/data/0/id", "msgbatch_1");
    assert_int_equal(ask(s, CLAUDE_PATH "/batches/msgbatch_1/results", CLAUDE, NULL, NULL), 200);
    assert_non_null(strstr(s->reply, "temperature: Extra inputs are not permitted"));
    (void)snprintf(s->other, REPLY_BYTES, "%s", s->reply);
    assert_int_equal(ask(s, CLAUDE_PATH, CLAUDE, CLAUDE_BODY(""), NULL), 200);
    assert_non_null(strstr(s->other, s->reply));
    static const char doubled[] = "{\"requests\":[{\"custom_id\":\"a\",\"params\":{}},"
                                  "{\"custom_id\":\"a\",\"params\":{}}]}";
    assert_int_equal(ask(s, CLAUDE_PATH "/batches", CLAUDE, doubled, NULL), 400);
    assert_int_equal(ask(s, CLAUDE_PATH "/batches/none", CLAUDE, NULL, NULL), 404);
    stop(s);
}

static void test_gemini_batch(void **unused)
{
    struct state *s = *unused;
    static const char batch[] =
        "{\"batch\":{\"displayName\":\"mine\",\"inputConfig\":{\"requests\":{\"requests\":["
        "{\"request\":" GEMINI_BODY("") ",\"metadata\":{\"key\":\"k-0\"}},{"
                                        "\"request\":" GEMINI_BODY(
                                            ",\"cachedContent\":\"x\"") ",\"metadata\":{\"key\":"
                                                                        "\"k-1\"}}]}}}}";
    static const char path[] = "/v1beta/models/gemini-3:batchGenerateContent";
    start(s, ARGS("--batch-ms", "3600000"));
    assert_int_equal(ask(s, path, GOOGLE, batch, NULL), 200);
    assert_text(s->reply, "/name", "batches/b1");
    assert_text(s->reply, "/metadata/state", "BATCH_STATE_PENDING");
    assert_int_equal(ask(s, "/v1beta/batches/b1", GOOGLE, NULL, NULL), 200);
    assert_text(s->reply, "/metadata/state", "BATCH_STATE_RUNNING");
    assert_int_equal(ask(s, "/v1beta/batches/b1:cancel", GOOGLE, "", NULL), 200);
    assert_int_equal(ask(s, "/v1beta/batches/b1", GOOGLE, NULL, NULL), 200);
    assert_text(s->reply, "/metadata/state", "BATCH_STATE_CANCELLED");
    stop(s);
    start(s, NULL);
    assert_int_equal(ask(s, path, GOOGLE, batch, NULL), 200);
    assert_int_equal(ask(s, "/v1beta/batches/b1", GOOGLE, NULL, NULL), 200);
    assert_text(s->reply, "/metadata/state", "BATCH_STATE_SUCCEEDED");
    assert_text(s->reply, "/metadata/output/inlinedResponses/inlinedResponses/0/metadata/key",
                "k-1");
    (void)snprintf(s->other, REPLY_BYTES, "%s", s->reply);
    assert_int_equal(ask(s, GEMINI_PATH, GOOGLE, GEMINI_BODY(""), NULL), 200);
    assert_non_null(strstr(s->other, s->reply));
    assert_int_equal(ask(s, "/v1beta/batches?pageSize=1", GOOGLE, NULL, NULL), 200);
    assert_text(s->reply, "/operations/0/metadata/displayName", "mine");
    stop(s);
}

static void test_bad_batches(void **unused)
{
    struct state *s = *unused;
    static const struct {
        const char *path;
        const char *headers;
        const char *body;
    } cases[] = {
        {"/v1/files", "", "nothing"},
        {"/v1/files", "Content-Type: multipart/form-data; boundary=\r\n", "x"},
        {"/v1/files", "Content-Type: multipart/form-data; boundary=b\r\n", "name=\"file\""},
        {"/v1/batches", "", "{"},
        {"/v1/batches", "", "{\"input_file_id\":\"file-9\"}"},
        {CLAUDE_PATH "/batches", CLAUDE, "{\"requests\":["},
        {CLAUDE_PATH "/batches", CLAUDE, "{\"requests\":[[[[\"\\"},
    };
    start(s, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ask(s, cases[i].path, cases[i].headers, cases[i].body, NULL), 400);
    }
    assert_int_equal(ask(s, "/v1beta/models/m:batchGenerateContent", GOOGLE, "{", NULL), 200);
    assert_int_equal(ask(s, "/v1beta/batches/b3", GOOGLE, NULL, NULL), 200);
    assert_text(s->reply, "/metadata/state", "BATCH_STATE_FAILED");
    stop(s);
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
        TEST(test_streams),
        TEST(test_broken_streams),
        TEST(test_stream_usage),
        TEST(test_stream_pace),
        TEST(test_refused_requests),
        TEST(test_flavours_and_context),
        TEST(test_tools_and_thoughts),
        TEST(test_provider_faults),
        TEST(test_continuation),
        TEST(test_rules_of_time),
        TEST(test_limits),
        TEST(test_cache),
        TEST(test_openai_batch),
        TEST(test_openai_batch_failures),
        TEST(test_anthropic_batch),
        TEST(test_gemini_batch),
        TEST(test_bad_batches),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(s);
    return failed;
}
