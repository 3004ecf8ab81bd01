#include "llm/provider/chat.h"

#include <stdio.h>

/* Further from each other than any number of samples. */
#define RESEED_STEP 1000003U

static void put_message(struct gen_jb *b, struct gen_jmut *messages, const char *role,
                        struct gen_jmut *content)
{
    struct gen_jmut *message = gen_jb_object(b);
    gen_jb_put_cstr(b, message, "role", role);
    gen_jb_put(b, message, "content", content);
    gen_jb_append(b, messages, message);
}

void gen_chat_put_messages(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                           const char *system_role)
{
    struct gen_jmut *messages = gen_jb_array(b);
    struct gen_str system = r->stable->system;
    if (system.n && !system_role) {
        struct gen_buf both = gen_buf_make(GEN_BUF_UNLIMITED);
        struct gen_jmut *text = NULL;
        if (gen_buf_add_str(&both, system, NULL) == GEN_OK &&
            gen_buf_add_c(&both, "\n\n", NULL) == GEN_OK &&
            gen_buf_add_str(&both, r->user, NULL) == GEN_OK)
            text = gen_jb_str(b, gen_buf_str(&both));
        gen_buf_release(&both);
        put_message(b, messages, "user", text);
    } else {
        struct gen_str rendered = r->stable->system_json;
        if (system.n)
            put_message(b, messages, system_role,
                        rendered.n ? gen_jb_raw(b, rendered) : gen_jb_str_view(b, system));
        put_message(b, messages, "user", gen_jb_str_view(b, r->user));
    }
    gen_jb_put(b, body, "messages", messages);
}

struct gen_jmut *gen_chat_schema(struct gen_jb *b, const struct gen_llm_stable *s)
{
    if (s->wire_schema.n)
        return gen_jb_raw(b, s->wire_schema);
    return s->schema.n ? gen_jb_raw(b, s->schema) : gen_jb_copy(b, s->schema_json);
}

bool gen_chat_effort_is_none(const struct gen_endpoint *e)
{
    return e->reasoning_effort && strcmp(e->reasoning_effort, "none") == 0;
}

bool gen_chat_seed(const struct gen_llm_request *r, const struct gen_endpoint *e, int64_t *seed)
{
    const struct gen_llm_stable *s = r->stable;
    if ((!s->has_seed && r->reseed == 0) || (e->dropped & GEN_PARAM_SEED))
        return false;
    uint64_t base = s->has_seed ? (uint64_t)s->seed : 0;
    *seed = (int64_t)(base + r->sample + (uint64_t)r->reseed * RESEED_STEP);
    return true;
}

int gen_chat_read_whole(const struct gen_provider *p, const struct gen_http_response *response,
                        const struct gen_json *root, struct gen_llm_result *result,
                        struct gen_error *err)
{
    struct gen_llm_stream *s = NULL;
    struct gen_error why = {.code = GEN_OK};
    int rc = gen_llm_stream_new(&s, p, err);
    if (rc)
        return rc;
    int read = p->on_event(s, (struct gen_str){NULL, 0}, root, &why);
    rc = read == GEN_ENOMEM ? gen_nomem(err, "an answer") : gen_llm_stream_result(s, result, err);
    if (rc == GEN_OK && s->error_status) {
        gen_classify_error(response, s->error_status, gen_buf_str(&s->error), result);
    } else if (rc == GEN_OK && read) {
        result->class_code = GEN_CLASS_BAD_REQUEST;
        gen_llm_set_message(result, gen_str_from(why.msg));
    } else if (rc == GEN_OK) {
        p->judge(result, true);
    }
    gen_llm_stream_free(s);
    return rc;
}

/* ---- judging ---- */

static struct gen_str skip_space(struct gen_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\n' || s.p[0] == '\r' || s.p[0] == '\t'))
        s = gen_str_sub(s, 1, s.n);
    return s;
}

/* Servers without a reasoning parser leave the model's thoughts in front of its answer; templates
 * that open the block themselves leave only its end. */
static void split_thinking(struct gen_llm_result *r)
{
    static const char *const marks[][2] = {{"<think>", "</think>"}, {"<thinking>", "</thinking>"}};
    struct gen_str text = skip_space(r->text);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        struct gen_str open = gen_str_from(marks[i][0]);
        struct gen_str close = gen_str_from(marks[i][1]);
        size_t end = gen_str_find(text, close, 0);
        bool opens = gen_str_starts(text, open);
        bool is_answer = text.n && (text.p[0] == '{' || text.p[0] == '[' || text.p[0] == '`');
        if (end == SIZE_MAX || (!opens && is_answer))
            continue;
        size_t start = opens ? open.n : 0;
        if (r->reasoning.n == 0)
            r->reasoning = gen_str_trim(gen_str_sub(text, start, end - start));
        r->text = skip_space(gen_str_sub(text, end + close.n, text.n));
        return;
    }
}

struct end_mark {
    const char *word;
    const char *uniform;
};

static const char *uniform_finish(struct gen_str finish)
{
    static const struct end_mark marks[] = {
        {"stop", "stop"},
        {"eos", "stop"},
        {"eos_token", "stop"},
        {"end_turn", "stop"},
        {"stop_sequence", "stop"},
        {"tool_calls", "tool_calls"},
        {"tool_call", "tool_calls"},
        {"tool_use", "tool_calls"},
        {"function_call", "tool_calls"},
        {"length", "length"},
        {"max_tokens", "length"},
        {"model_length", "length"},
        {"refusal", "refusal"},
        {"content_filter", "content_filter"},
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (gen_str_eq_nocase(finish, gen_str_from(marks[i].word)))
            return marks[i].uniform;
    }
    return NULL;
}

static void judge_truncated(struct gen_llm_result *r)
{
    char text[240];
    r->class_code = GEN_CLASS_TRUNCATED;
    if (gen_str_trim(r->text).n == 0 && (r->usage.tokens_reasoning > 0 || r->reasoning.n))
        (void)snprintf(text, sizeof(text),
                       "the model spent its %lld tokens on reasoning before it wrote an answer: "
                       "raise --max-tokens or lower --reasoning-effort",
                       (long long)r->usage.tokens_out);
    else
        (void)snprintf(text, sizeof(text),
                       "the model ran into its token limit before the answer was complete: raise "
                       "--max-tokens");
    gen_llm_set_message(r, gen_str_from(text));
}

static void judge_failed(struct gen_llm_result *r, bool has_end_mark)
{
    char text[200] = "the answer has no end mark: the server stopped in the middle of it";
    r->class_code = GEN_CLASS_SERVER_ERROR;
    if (r->finish.n && has_end_mark)
        (void)snprintf(text, sizeof(text), "the server ended the answer with \"%.*s\"",
                       GEN_STR_ARG(gen_str_sub(r->finish, 0, 60)));
    gen_llm_set_message(r, gen_str_from(text));
}

void gen_chat_finish(struct gen_llm_result *r, bool is_complete, bool is_length)
{
    if (is_length)
        judge_truncated(r);
    else if (!is_complete)
        judge_failed(r, false);
    else
        r->class_code = GEN_CLASS_OK;
}

void gen_chat_judge(struct gen_llm_result *r, bool has_end_mark)
{
    split_thinking(r);
    const char *finish = uniform_finish(r->finish);
    if (!finish || !has_end_mark) {
        judge_failed(r, has_end_mark);
        return;
    }
    /* Ollama, and others, end calls with "stop". */
    if (strcmp(finish, "stop") == 0 && r->n_tool_calls)
        finish = "tool_calls";
    r->finish = gen_str_from(finish);
    if (strcmp(finish, "length") == 0) {
        judge_truncated(r);
    } else if (strcmp(finish, "refusal") == 0 || strcmp(finish, "content_filter") == 0) {
        r->class_code = GEN_CLASS_BLOCKED;
        if (r->category[0] == '\0')
            (void)snprintf(r->category, sizeof(r->category), "%s", finish);
        if (r->message[0] == '\0')
            gen_llm_set_message(r, finish[0] == 'r'
                                       ? GEN_STR("the model refused")
                                       : GEN_STR("the server's content filter stopped the answer"));
    } else {
        r->class_code = GEN_CLASS_OK;
    }
}
