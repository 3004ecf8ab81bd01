/* Ollama's native chat API (providers.md §1.1). */
#include "llm/provider/chat.h"

static void put_options(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                        const struct gen_endpoint *e)
{
    const struct gen_llm_stable *s = r->stable;
    struct gen_jmut *options = gen_jb_object(b);
    gen_jb_put_int(b, options, "num_predict", r->tokens_out_max);
    /* Loading a model with another context size takes seconds: one value for the whole run. */
    if (e->num_ctx > 0)
        gen_jb_put_int(b, options, "num_ctx", e->num_ctx);
    if (s->has_temperature && !(e->dropped & GEN_PARAM_TEMPERATURE))
        gen_jb_put_real(b, options, "temperature", s->temperature);
    if (s->has_seed && !(e->dropped & GEN_PARAM_SEED))
        gen_jb_put_int(b, options, "seed", s->seed + (int64_t)r->sample);
    gen_jb_put(b, body, "options", options);
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
    gen_jb_put_bool(b, body, "stream", false);
    /* Without these a prompt over the context size is cut and nobody is told (providers.md §0.9).
     */
    if (!(e->dropped & GEN_PARAM_TRUNCATE)) {
        gen_jb_put_bool(b, body, "truncate", false);
        gen_jb_put_bool(b, body, "shift", false);
    }
    gen_chat_put_messages(b, body, r, e->dropped & GEN_PARAM_SYSTEM_ROLE);
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

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    (void)err;
    const struct gen_json *root = NULL;
    if (gen_classify(response, result, &root))
        return GEN_OK;
    const struct gen_json *message = gen_json_get(root, "message");
    bool done = false;
    (void)gen_json_as_bool(gen_json_get(root, "done"), &done);
    result->text = gen_json_get_str(message, "content");
    result->reasoning = gen_json_get_str(message, "thinking");
    result->finish = gen_json_get_str(root, "done_reason");
    result->model = gen_json_get_str(root, "model");
    (void)gen_json_as_int(gen_json_get(root, "prompt_eval_count"), &result->usage.tokens_in);
    (void)gen_json_as_int(gen_json_get(root, "eval_count"), &result->usage.tokens_out);
    /* "load" and "unload" are answers to warm-up calls, not to questions. */
    bool complete = done && gen_json_type(message) == GEN_JSON_OBJECT &&
                    (result->finish.n == 0 || gen_str_is(result->finish, "stop"));
    /* Tool calls end with done_reason "stop"; the class names them as the other providers do. */
    if (complete && gen_json_count(gen_json_get(message, "tool_calls")))
        result->finish = GEN_STR("tool_calls");
    gen_chat_finish(result, complete, gen_str_is(result->finish, "length"));
    return GEN_OK;
}

const struct gen_provider gen_provider_ollama = {
    .name = "ollama",
    .title = "a local Ollama server",
    .setup = "install Ollama from ollama.com, then: ollama pull MODEL",
    .default_base_url = "http://localhost:11434",
    .key_env = "OLLAMA_API_KEY",
    .is_local = true,
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .chat_path = "/api/chat",
    .probe_path = "/api/version",
    .in_flight_start = 2,
    .in_flight_max = 8,
    .sends_temperature = true,
    .build = build,
    .parse = parse,
};
