/* From a request to what the model says. */
#include "fakellm.h"

#include <string.h>

void fake_put_model(struct fake_buf *out, struct fake_span model)
{
    fake_buf_puts(out, "\"model\":\"");
    if (model.n == 0 || model.n > 200) {
        fake_buf_puts(out, "fake-model");
    } else {
        fake_buf_put(out, model.p, model.n);
    }
    fake_buf_char(out, '"');
}

void fake_put_text(struct fake_buf *out, const char *name, struct fake_span text)
{
    fake_buf_char(out, '"');
    fake_buf_puts(out, name);
    fake_buf_puts(out, "\":\"");
    fake_buf_escape(out, text.p, text.n);
    fake_buf_char(out, '"');
}

void fake_put_count(struct fake_buf *out, const char *name, uint64_t value)
{
    fake_buf_puts(out, ",\"");
    fake_buf_puts(out, name);
    fake_buf_puts(out, "\":");
    fake_buf_uint(out, value);
}

/* ---- what is asked -----------------------------------------------------------------------------
 */

struct fake_span fake_request_model(const struct fake_server *s, const struct fake_request *r,
                                    enum fake_api api)
{
    static const char mark[] = "/models/";
    if (api != FAKE_GEMINI) {
        return fake_unquote(fake_member(&s->members, "model"));
    }
    const char *end = r->path.p + r->path.n;
    const char *at = memmem(r->path.p, r->path.n, mark, sizeof(mark) - 1);
    if (at == NULL) {
        return (struct fake_span){"", 0};
    }
    at += sizeof(mark) - 1;
    const char *colon = memchr(at, ':', (size_t)(end - at));
    return (struct fake_span){at, (size_t)((colon == NULL ? end : colon) - at)};
}

enum fake_form fake_form_of(const struct fake_server *s, const struct fake_request *r,
                            enum fake_api api)
{
    struct fake_span stream = fake_member(&s->members, "stream");
    switch (api) {
    case FAKE_OLLAMA_CHAT:
    case FAKE_OLLAMA_GENERATE:
        return fake_span_is(stream, "false") ? FAKE_WHOLE : FAKE_LINES;
    case FAKE_GEMINI:
        if (memmem(r->path.p, r->path.n, ":stream", 7) == NULL) {
            return FAKE_WHOLE;
        }
        return memmem(r->query.p, r->query.n, "alt=sse", 7) == NULL ? FAKE_ARRAY : FAKE_SSE;
    default:
        return fake_span_is(stream, "true") ? FAKE_SSE : FAKE_WHOLE;
    }
}

/* The most tokens that the answer may have. */
static uint64_t tokens_max(const struct fake_members *m, enum fake_api api)
{
    struct fake_span value = fake_member(m, "max_completion_tokens");
    if (api == FAKE_GEMINI) {
        value = fake_member_of(fake_member(m, "generationConfig"), "maxOutputTokens");
    } else if (api == FAKE_OLLAMA_CHAT || api == FAKE_OLLAMA_GENERATE) {
        value = fake_member_of(fake_member(m, "options"), "num_predict");
    } else if (value.n == 0) {
        value = fake_member(m, "max_tokens");
    }
    return fake_span_uint(value, UINT64_MAX);
}

static struct fake_span first_of(struct fake_span array)
{
    struct fake_span value = {"", 0};
    size_t at = 0;
    (void)fake_array_next(array, &at, &value);
    return value;
}

/* The name of the tool that the answer must call. */
static struct fake_span forced_tool(const struct fake_members *m, enum fake_api api)
{
    struct fake_span choice = fake_member(m, "tool_choice");
    struct fake_span tool = first_of(fake_member(m, "tools"));
    struct fake_span none = {"", 0};
    if (tool.n == 0) {
        return none;
    }
    switch (api) {
    case FAKE_ANTHROPIC: {
        struct fake_span type = fake_unquote(fake_member_of(choice, "type"));
        bool forced = fake_span_is(type, "tool") || fake_span_is(type, "any");
        struct fake_span name = fake_member_of(choice, "name");
        return forced ? fake_unquote(name.n > 0 ? name : fake_member_of(tool, "name")) : none;
    }
    case FAKE_OPENAI: {
        bool forced = fake_span_is(choice, "\"required\"") || fake_span_starts(choice, "{");
        struct fake_span named = fake_member_of(choice, "function");
        named = named.n > 0 ? named : fake_member_of(tool, "function");
        return forced ? fake_unquote(fake_member_of(named, "name")) : none;
    }
    case FAKE_GEMINI: {
        struct fake_span config =
            fake_member_of(fake_member(m, "toolConfig"), "functionCallingConfig");
        struct fake_span name = first_of(fake_member_of(config, "allowedFunctionNames"));
        struct fake_span first = first_of(fake_member_of(tool, "functionDeclarations"));
        name = name.n > 0 ? name : fake_member_of(first, "name");
        return fake_span_is(fake_member_of(config, "mode"), "\"ANY\"") ? fake_unquote(name) : none;
    }
    default:
        return fake_unquote(fake_member_of(fake_member_of(tool, "function"), "name"));
    }
}

/* ---- what is said ------------------------------------------------------------------------------
 */

static void wrap_content(struct fake_buf *content, enum fake_fault fault)
{
    const char *before = fault == FAKE_FENCED ? "```json\n" : "Sure, here is the result:\n\n";
    const char *after =
        fault == FAKE_FENCED ? "\n```" : "\n\nTell me if you would like more of {these}.";
    size_t n = strlen(before);
    size_t len = content->len;
    if (fake_buf_reserve(content, n)) {
        memmove(content->p + n, content->p, len);
        memcpy(content->p, before, n);
        content->len += n;
        fake_buf_puts(content, after);
    }
}

/* Back to the start of a character. */
static size_t whole_chars(const struct fake_buf *b, size_t len)
{
    while (b->p != NULL && len > 0 && len < b->len && ((unsigned char)b->p[len] & 0xc0U) == 0x80U) {
        len--;
    }
    return len;
}

/* The text of the model with the fault of the text in it. */
static void make_content(struct fake_server *s, enum fake_fault fault)
{
    struct fake_buf *content = &s->content;
    content->len = 0;
    if (fault == FAKE_EMPTY || fault == FAKE_ABORT) {
        return;
    }
    fake_answer_write(content, &s->prompt, s->config.answer_bytes, fault);
    if (fault == FAKE_LENGTH || fault == FAKE_CTXWINDOW) {
        content->len = whole_chars(content, content->len * 3 / 5);
    } else if (fault == FAKE_FENCED || fault == FAKE_PROSE) {
        wrap_content(content, fault);
    } else if (fault == FAKE_BADUTF8) {
        fake_buf_puts(content, " \xff\xfe ");
    }
}

static void make_reasoning(struct fake_server *s)
{
    s->reasoning.len = 0;
    while (s->reasoning.len < s->config.reasoning_bytes && !s->reasoning.failed) {
        fake_buf_puts(&s->reasoning, "First the source is read, then what it says is weighed. ");
    }
}

static enum fake_finish finish_of(enum fake_fault fault)
{
    switch (fault) {
    case FAKE_LENGTH:
        return FAKE_AT_LIMIT;
    case FAKE_REFUSAL:
        return FAKE_REFUSED;
    case FAKE_FILTER:
        return FAKE_FILTERED;
    case FAKE_RECITATION:
        return FAKE_RECITED;
    case FAKE_CTXWINDOW:
        return FAKE_WINDOW_FULL;
    case FAKE_ABORT:
        return FAKE_ABORTED;
    default:
        return FAKE_DONE;
    }
}

/* Gemini gives half of the answer and a token, and the other half for the token. */
static void split_answer(struct fake_server *s, bool is_second, struct fake_answer *a)
{
    size_t half = whole_chars(&s->content, s->content.len / 2);
    if (is_second) {
        a->text = (struct fake_span){s->content.p + half, s->content.len - half};
    } else {
        a->text.n = half;
        a->finish = FAKE_UNFINISHED;
    }
}

void fake_answer_make(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                      enum fake_fault fault, struct fake_answer *a)
{
    const struct fake_members *m = &s->members;
    const struct fake_config *c = &s->config;
    fake_prompt_scan(&s->prompt, r->body, fake_mix(r->hash, c->seed));
    make_content(s, fault);
    make_reasoning(s);
    *a = (struct fake_answer){
        .model = fake_request_model(s, r, api),
        .text = {s->content.p == NULL ? "" : s->content.p, s->content.len},
        .reasoning = {s->reasoning.p == NULL ? "" : s->reasoning.p, s->reasoning.len},
        .tool = forced_tool(m, api),
        .finish = finish_of(fault),
        .fault = fault,
        .flavour = c->flavour,
        .hash = s->prompt.hash,
        .delta_bytes = c->stream_bytes,
        .has_usage = fault != FAKE_NOUSAGE,
        .reasoning_field = c->reasoning_field,
        .usage_asked =
            fake_span_is(fake_member_of(fake_member(m, "stream_options"), "include_usage"), "true"),
    };
    bool is_second = fake_member(m, "continuationToken").n > 0;
    if (api == FAKE_GEMINI && (fault == FAKE_CONTINUATION || is_second)) {
        split_answer(s, is_second, a);
    }
    uint64_t max = tokens_max(m, api);
    if (a->finish == FAKE_DONE && max < a->text.n / 4) {
        a->text.n = whole_chars(&s->content, (size_t)max * 4);
        a->finish = FAKE_AT_LIMIT;
    }
    a->tokens_in = r->plain_bytes / 4;
    a->tokens_reasoning = a->reasoning.n / 4;
    a->tokens_out = a->text.n / 4 + a->tokens_reasoning;
    if (a->finish == FAKE_REFUSED || a->finish == FAKE_FILTERED) {
        a->tokens_out = a->tokens_reasoning + 10;
    }
}
