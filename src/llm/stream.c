#include "llm/stream.h"

#include "llm/error_body.h"

#include <stdlib.h>

/* What an answer may come to, and one event of it. */
#define ANSWER_BYTES_MAX ((size_t)32 << 20)
#define EVENT_BYTES_MAX  ((size_t)16 << 20)
#define WORD_BYTES_MAX   ((size_t)4 << 10)
#define WORDS_BYTES_MAX  ((size_t)64 << 10)

int gen_llm_stream_new(struct gen_llm_stream **out, const struct gen_provider *p,
                       struct gen_error *err)
{
    struct gen_llm_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return gen_nomem(err, "a streamed answer");
    s->provider = p;
    s->sse = gen_sse_make(p->streams_lines ? GEN_SSE_LINES : GEN_SSE_EVENTS, EVENT_BYTES_MAX);
    s->text = gen_buf_make(ANSWER_BYTES_MAX);
    s->reasoning = gen_buf_make(ANSWER_BYTES_MAX);
    s->finish = gen_buf_make(WORD_BYTES_MAX);
    s->model = gen_buf_make(WORD_BYTES_MAX);
    s->category = gen_buf_make(WORD_BYTES_MAX);
    s->refusal = gen_buf_make(WORDS_BYTES_MAX);
    s->continuation = gen_buf_make(WORDS_BYTES_MAX);
    s->error = gen_buf_make(EVENT_BYTES_MAX);
    s->usage = (struct gen_usage){-1, -1, 0, 0, -1, 0};
    *out = s;
    return GEN_OK;
}

void gen_llm_stream_free(struct gen_llm_stream *s)
{
    if (!s)
        return;
    gen_sse_release(&s->sse);
    gen_buf_release(&s->text);
    gen_buf_release(&s->reasoning);
    gen_buf_release(&s->finish);
    gen_buf_release(&s->model);
    gen_buf_release(&s->category);
    gen_buf_release(&s->refusal);
    gen_buf_release(&s->continuation);
    gen_buf_release(&s->error);
    for (size_t i = 0; i < s->n_tool_calls; i++) {
        gen_buf_release(&s->tool_calls[i].id);
        gen_buf_release(&s->tool_calls[i].name);
        gen_buf_release(&s->tool_calls[i].arguments);
    }
    free(s->tool_calls);
    free(s);
}

static int grow_tool_calls(struct gen_llm_stream *s, size_t n, struct gen_error *err)
{
    if (n > GEN_STREAM_TOOL_CALLS_MAX)
        return gen_fail(err, GEN_ELIMIT, "the answer calls more than %u tools",
                        GEN_STREAM_TOOL_CALLS_MAX);
    void *grown = realloc(s->tool_calls, n * sizeof(*s->tool_calls));
    if (!grown)
        return gen_nomem(err, "a streamed answer");
    s->tool_calls = grown;
    for (; s->n_tool_calls < n; s->n_tool_calls++) {
        s->tool_calls[s->n_tool_calls].id = gen_buf_make(WORD_BYTES_MAX);
        s->tool_calls[s->n_tool_calls].name = gen_buf_make(WORD_BYTES_MAX);
        s->tool_calls[s->n_tool_calls].arguments = gen_buf_make(ANSWER_BYTES_MAX);
    }
    return GEN_OK;
}

int gen_llm_stream_tool_call(struct gen_llm_stream *s, size_t index, struct gen_str id,
                             struct gen_str name, struct gen_str arguments, struct gen_error *err)
{
    int rc = GEN_OK;
    if (index >= GEN_STREAM_TOOL_CALLS_MAX)
        return grow_tool_calls(s, SIZE_MAX, err);
    if (index >= s->n_tool_calls)
        rc = grow_tool_calls(s, index + 1, err);
    /* Some servers repeat id and name with every piece of the arguments. */
    if (rc == GEN_OK && s->tool_calls[index].id.n == 0)
        rc = gen_buf_add_str(&s->tool_calls[index].id, id, err);
    if (rc == GEN_OK && s->tool_calls[index].name.n == 0)
        rc = gen_buf_add_str(&s->tool_calls[index].name, name, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&s->tool_calls[index].arguments, arguments, err);
    return rc;
}

int gen_llm_stream_error(struct gen_llm_stream *s, int status, const struct gen_json *data,
                         struct gen_error *err)
{
    struct gen_error_body e;
    if (s->error_status)
        return GEN_OK;
    if (status == 0 && gen_error_body_read(data, &e))
        status = gen_error_body_status(&e);
    status = status ? status : 500;
    gen_buf_clear(&s->error);
    int rc = gen_json_write(&s->error, data, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK)
        s->error_status = status;
    return rc;
}

static bool is_error(struct gen_str name, const struct gen_json *data, struct gen_error_body *e)
{
    bool found = gen_error_body_read(data, e);
    return found || gen_str_is(name, "error");
}

static int read_event(struct gen_llm_stream *s, struct gen_str name, const struct gen_json *data,
                      struct gen_error *err)
{
    struct gen_error_body e;
    if (is_error(name, data, &e))
        return gen_llm_stream_error(s, gen_error_body_status(&e), data, err);
    return s->provider->on_event(s, name, data, err);
}

static int on_sse(void *ud, const struct gen_sse_event *event, struct gen_error *err)
{
    struct gen_llm_stream *s = ud;
    struct gen_str data = gen_str_trim(event->data);
    /* Nothing counts after the closing event, or after an error. */
    if (s->is_done || s->error_status || data.n == 0)
        return GEN_OK;
    if (gen_str_is(data, "[DONE]")) {
        s->is_done = true;
        return GEN_OK;
    }
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, data, err);
    if (rc)
        return gen_wrap(err, rc, "an event of the stream");
    rc = read_event(s, event->name, gen_json_root(doc), err);
    gen_json_doc_free(doc);
    return rc;
}

void gen_llm_stream_feed(struct gen_llm_stream *s, struct gen_str piece)
{
    if (!s->failed)
        s->failed = gen_sse_feed(&s->sse, piece, on_sse, s, &s->failure);
}

/* ---- the result ---- */

static struct gen_str place(char **at, const struct gen_buf *from)
{
    struct gen_str s = {*at, from->n};
    if (from->n)
        memcpy(*at, from->data, from->n);
    (*at)[from->n] = '\0';
    *at += from->n + 1;
    return s;
}

/* The words around the answer lie behind the array of tool calls. */
static int place_words(const struct gen_llm_stream *s, struct gen_llm_result *r,
                       struct gen_error *err)
{
    size_t bytes = s->n_tool_calls * sizeof(struct gen_llm_tool_call) + s->finish.n + s->model.n +
                   s->continuation.n + 3;
    for (size_t i = 0; i < s->n_tool_calls; i++)
        bytes += s->tool_calls[i].id.n + s->tool_calls[i].name.n + s->tool_calls[i].arguments.n + 3;
    struct gen_llm_tool_call *calls = malloc(bytes);
    if (!calls)
        return gen_nomem(err, "an answer");
    char *at = (char *)(calls + s->n_tool_calls);
    r->finish = place(&at, &s->finish);
    r->model = place(&at, &s->model);
    r->continuation = place(&at, &s->continuation);
    for (size_t i = 0; i < s->n_tool_calls; i++) {
        calls[i].id = place(&at, &s->tool_calls[i].id);
        calls[i].name = place(&at, &s->tool_calls[i].name);
        calls[i].arguments = place(&at, &s->tool_calls[i].arguments);
    }
    free(r->tool_calls);
    r->tool_calls = calls;
    r->n_tool_calls = s->n_tool_calls;
    return GEN_OK;
}

int gen_llm_stream_result(struct gen_llm_stream *s, struct gen_llm_result *r, struct gen_error *err)
{
    char *block = malloc(s->text.n + s->reasoning.n + 2);
    int rc = block ? place_words(s, r, err) : gen_nomem(err, "an answer");
    if (rc) {
        free(block);
        return rc;
    }
    free(r->owned);
    r->owned = block;
    r->text = place(&block, &s->text);
    r->reasoning = place(&block, &s->reasoning);
    r->usage = s->usage;
    size_t n = s->category.n < sizeof(r->category) ? s->category.n : sizeof(r->category) - 1;
    if (n)
        memcpy(r->category, s->category.data, n);
    r->category[n] = '\0';
    if (s->refusal.n) {
        r->finish = GEN_STR("refusal");
        gen_llm_set_message(r, gen_buf_str(&s->refusal));
    }
    return GEN_OK;
}

/* A stream that cannot be read, or that broke off: what the transfer says about it, or what we saw
 * ourselves. */
static void judge_broken(const struct gen_llm_stream *s, const struct gen_http_response *response,
                         struct gen_llm_result *r)
{
    const struct gen_json *none = NULL;
    if (response->transport != GEN_TRANSPORT_OK) {
        (void)gen_classify(response, r, &none);
        return;
    }
    r->class_code = s->failed == GEN_ELIMIT ? GEN_CLASS_BAD_REQUEST : GEN_CLASS_TRANSPORT;
    gen_llm_set_message(r, gen_str_from(s->failure.msg));
}

/* A body in which nothing was said is the transport's failure, streamed or not (providers.md §2.1).
 */
static bool is_empty(const struct gen_llm_stream *s)
{
    return !s->is_done && s->text.n + s->reasoning.n + s->finish.n + s->model.n == 0 &&
           s->n_tool_calls == 0;
}

static int end(struct gen_llm_stream *s, const struct gen_http_response *response,
               struct gen_llm_result *r, struct gen_error *err)
{
    bool is_cut = false;
    bool transport_ok = response->transport == GEN_TRANSPORT_OK;
    if (!s->failed && transport_ok)
        s->failed = gen_sse_end(&s->sse, on_sse, s, &is_cut, &s->failure);
    if (s->failed == GEN_ENOMEM)
        return gen_nomem(err, "a streamed answer");
    gen_classify_headers(response, r);
    int rc = gen_llm_stream_result(s, r, err);
    if (rc)
        return rc;
    bool is_read = !s->failed && transport_ok;
    if (s->error_status) {
        gen_classify_error(response, s->error_status, gen_buf_str(&s->error), r);
    } else if (!s->is_done && !is_read) {
        judge_broken(s, response, r);
    } else if (is_empty(s)) {
        r->class_code = GEN_CLASS_TRANSPORT;
        gen_llm_set_message(r, GEN_STR("the answer is empty"));
    } else {
        s->provider->judge(r, s->is_done || (r->finish.n > 0 && !is_cut));
    }
    return GEN_OK;
}

int gen_llm_stream_end(struct gen_llm_stream *s, const struct gen_http_response *response,
                       struct gen_llm_result *r, struct gen_error *err)
{
    return response->streamed ? end(s, response, r, err) : s->provider->parse(response, r, err);
}

/* ---- bodies that are streams without having been announced as such ---- */

static bool starts_like_events(struct gen_str body)
{
    return gen_str_starts(body, GEN_STR("data:")) || gen_str_starts(body, GEN_STR("event:")) ||
           gen_str_starts(body, GEN_STR(": ")) || gen_str_starts(body, GEN_STR("id:")) ||
           gen_str_starts(body, GEN_STR("retry:"));
}

bool gen_llm_stream_is(const struct gen_provider *p, const struct gen_http_response *response)
{
    struct gen_str body = gen_str_trim(response->body);
    struct gen_str line;
    if (!p->on_event || response->transport != GEN_TRANSPORT_OK || response->status < 200 ||
        response->status >= 300)
        return false;
    if (!p->streams_lines)
        return starts_like_events(body);
    /* One value over several lines is no stream, but its first line alone is no value. */
    return gen_str_next_line(&body, &line) && body.n && gen_str_starts(line, GEN_STR("{")) &&
           gen_str_ends(gen_str_trim(line), GEN_STR("}"));
}

int gen_llm_stream_read(const struct gen_provider *p, const struct gen_http_response *response,
                        struct gen_llm_result *result, struct gen_error *err)
{
    struct gen_llm_stream *s = NULL;
    int rc = gen_llm_stream_new(&s, p, err);
    if (rc)
        return rc;
    gen_llm_stream_feed(s, response->body);
    rc = end(s, response, result, err);
    gen_llm_stream_free(s);
    return rc;
}
