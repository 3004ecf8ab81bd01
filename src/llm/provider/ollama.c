/* Ollama's native chat API (providers.md §1.1). */
#include "llm/facts.h"
#include "llm/provider/chat.h"

#include <stdio.h>

/* No tokenizer of a language model makes tokens of more bytes than this on average. */
#define BYTES_PER_TOKEN_MAX 8

static void put_options(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                        const struct gen_endpoint *e)
{
    const struct gen_llm_stable *s = r->stable;
    int64_t seed = 0;
    struct gen_jmut *options = gen_jb_object(b);
    gen_jb_put_int(b, options, "num_predict", r->tokens_out_max);
    /* Loading a model with another context size takes seconds: one value for the whole run. */
    if (e->num_ctx > 0)
        gen_jb_put_int(b, options, "num_ctx", e->num_ctx);
    if (s->has_temperature && !(e->dropped & GEN_PARAM_TEMPERATURE))
        gen_jb_put_real(b, options, "temperature", s->temperature);
    if (gen_chat_seed(r, e, &seed))
        gen_jb_put_int(b, options, "seed", seed);
    gen_jb_put(b, body, "options", options);
}

/* A switch, or one of four levels. */
static void put_think(struct gen_jb *b, struct gen_jmut *body, const struct gen_endpoint *e)
{
    static const char *const levels[][2] = {
        {"minimal", "low"}, {"low", "low"},   {"medium", "medium"},
        {"high", "high"},   {"xhigh", "max"}, {"max", "max"},
    };
    if (!e->reasoning_effort || (e->dropped & GEN_PARAM_THINKING))
        return;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(e->reasoning_effort, levels[i][0]) == 0) {
            gen_jb_put_cstr(b, body, "think", levels[i][1]);
            return;
        }
    }
    gen_jb_put_bool(b, body, "think", !gen_chat_effort_is_none(e));
}

static int build(const struct gen_llm_request *r, const struct gen_endpoint *e, struct gen_buf *out,
                 struct gen_error *err)
{
    const struct gen_llm_stable *s = r->stable;
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *body = gen_jb_object(b);
    gen_jb_put_cstr(b, body, "model", s->model);
    gen_jb_put_bool(b, body, "stream", gen_provider_streams(&gen_provider_ollama, r, e));
    /* Five minutes without a request, while we wait for something else, would unload the model. */
    gen_jb_put_cstr(b, body, "keep_alive", "30m");
    put_think(b, body, e);
    /* Without these a prompt over the context size is cut and nobody is told (providers.md §0.9).
     */
    if (!(e->dropped & GEN_PARAM_TRUNCATE)) {
        gen_jb_put_bool(b, body, "truncate", false);
        gen_jb_put_bool(b, body, "shift", false);
    }
    gen_chat_put_messages(b, body, r, e->dropped & GEN_PARAM_SYSTEM_ROLE ? NULL : "system");
    if (s->schema_json && !(e->dropped & GEN_PARAM_JSON_MODE)) {
        struct gen_jmut *format =
            e->dropped & GEN_PARAM_SCHEMA ? gen_jb_str(b, GEN_STR("json")) : gen_chat_schema(b, s);
        gen_jb_put(b, body, "format", format);
    }
    put_options(b, body, r, e);
    rc = gen_jb_write(b, body, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int add_tool_call(struct gen_llm_stream *s, const struct gen_json *call,
                         struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_json *function = gen_json_get(call, "function");
    const struct gen_json *arguments = gen_json_get(function, "arguments");
    int rc = arguments ? gen_json_write(&text, arguments, GEN_JSON_COMPACT, err) : GEN_OK;
    if (rc == GEN_OK)
        rc = gen_llm_stream_tool_call(s, s->n_tool_calls, gen_json_get_str(call, "id"),
                                      gen_json_get_str(function, "name"), gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int read_message(struct gen_llm_stream *s, const struct gen_json *message,
                        struct gen_error *err)
{
    int rc = gen_buf_add_str(&s->text, gen_json_get_str(message, "content"), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&s->reasoning, gen_json_get_str(message, "thinking"), err);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *call;
    gen_json_iter_init(&it, gen_json_get(message, "tool_calls"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &call))
        rc = add_tool_call(s, call, err);
    return rc;
}

/* A line of a stream, and a whole answer, which is the one line of its stream. */
static int on_event(struct gen_llm_stream *s, struct gen_str name, const struct gen_json *data,
                    struct gen_error *err)
{
    (void)name;
    const struct gen_json *message = gen_json_get(data, "message");
    int rc = read_message(s, message, err);
    if (rc == GEN_OK && s->model.n == 0)
        rc = gen_buf_add_str(&s->model, gen_json_get_str(data, "model"), err);
    (void)gen_json_as_bool(gen_json_get(data, "done"), &s->is_done);
    if (rc || !s->is_done)
        return rc;
    (void)gen_json_as_int(gen_json_get(data, "prompt_eval_count"), &s->usage.tokens_in);
    (void)gen_json_as_int(gen_json_get(data, "eval_count"), &s->usage.tokens_out);
    struct gen_str reason = gen_json_get_str(data, "done_reason");
    /* Old servers say no reason. */
    if (reason.n == 0 && gen_json_type(message) == GEN_JSON_OBJECT)
        reason = GEN_STR("stop");
    return gen_buf_add_str(&s->finish, reason, err);
}

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    const struct gen_json *root = NULL;
    if (gen_llm_stream_is(&gen_provider_ollama, response))
        return gen_llm_stream_read(&gen_provider_ollama, response, result, err);
    if (gen_classify(response, result, &root))
        return GEN_OK;
    return gen_chat_read_whole(&gen_provider_ollama, response, root, result, err);
}

/* A server that does not know "truncate" cuts the prompt silently, and answers about the rest. */
static void check(const struct gen_endpoint *e, size_t body_bytes, struct gen_llm_result *r)
{
    char text[300];
    if (e->num_ctx <= 0)
        return;
    bool answered = r->class_code == GEN_CLASS_OK || r->class_code == GEN_CLASS_TRUNCATED;
    bool is_cut =
        r->usage.tokens_in >= e->num_ctx || body_bytes / BYTES_PER_TOKEN_MAX > (size_t)e->num_ctx;
    if (answered && is_cut) {
        r->class_code = GEN_CLASS_CONTEXT_OVERFLOW;
        (void)snprintf(text, sizeof(text),
                       "the server cut the prompt (%zu bytes) to the %lld tokens of its context: "
                       "raise --num-ctx or take smaller chunks",
                       body_bytes, (long long)e->num_ctx);
        gen_llm_set_message(r, gen_str_from(text));
    } else if (r->class_code == GEN_CLASS_TRUNCATED && r->usage.tokens_in > 0 &&
               r->usage.tokens_in + r->usage.tokens_out >= e->num_ctx) {
        (void)snprintf(text, sizeof(text),
                       "prompt (%lld tokens) and answer (%lld) filled the context of %lld tokens: "
                       "raise --num-ctx or take smaller chunks",
                       (long long)r->usage.tokens_in, (long long)r->usage.tokens_out,
                       (long long)e->num_ctx);
        gen_llm_set_message(r, gen_str_from(text));
    }
}

const struct gen_provider gen_provider_ollama = {
    .name = "ollama",
    .title = "a local Ollama server",
    .setup = "install Ollama from ollama.com, then: ollama pull MODEL",
    .default_base_url = "http://localhost:11434",
    .key_env = "OLLAMA_API_KEY",
    .is_local = true,
    .takes_num_ctx = true,
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .chat_path = "/api/chat",
    .probe_path = "/api/version",
    .in_flight_start = 2,
    .in_flight_max = 8,
    .sends_temperature = true,
    .dialect = GEN_DIALECT_GRAMMAR,
    .streams_lines = true,
    .probes = gen_probes_ollama,
    .on_event = on_event,
    .judge = gen_chat_judge,
    .build = build,
    .parse = parse,
    .check = check,
};
