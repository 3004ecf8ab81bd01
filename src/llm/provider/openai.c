/* OpenAI chat completions, and every server that speaks them: vLLM, SGLang, llama.cpp, LM Studio,
 * gateways (providers.md §1.2, §1.5 to §1.7). */
#include "llm/provider/chat.h"

static void put_format(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_stable *s,
                       unsigned dropped)
{
    if (!s->schema_json || (dropped & GEN_PARAM_JSON_MODE))
        return;
    struct gen_jmut *format = gen_jb_object(b);
    if (dropped & GEN_PARAM_SCHEMA) {
        gen_jb_put_cstr(b, format, "type", "json_object");
    } else {
        struct gen_jmut *schema = gen_jb_object(b);
        gen_jb_put_cstr(b, schema, "name", s->schema_name);
        gen_jb_put_bool(b, schema, "strict", true);
        gen_jb_put(b, schema, "schema", gen_chat_schema(b, s));
        gen_jb_put_cstr(b, format, "type", "json_schema");
        gen_jb_put(b, format, "json_schema", schema);
    }
    gen_jb_put(b, body, "response_format", format);
}

/* Models that reason take "max_completion_tokens" and no temperature but their own (providers.md
 * §1.2). */
static bool is_reasoning_model(const char *model)
{
    struct gen_str m = gen_str_from(model);
    if (m.n >= 2 && m.p[0] == 'o' && m.p[1] >= '0' && m.p[1] <= '9')
        return true;
    return gen_str_starts(m, GEN_STR("gpt-")) && m.n > 4 && m.p[4] >= '5' && m.p[4] <= '9' &&
           gen_str_find(m, GEN_STR("-chat"), 0) == SIZE_MAX;
}

static int build(const struct gen_llm_request *r, const struct gen_endpoint *e, bool is_openai,
                 struct gen_buf *out, struct gen_error *err)
{
    const struct gen_llm_stable *s = r->stable;
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    bool reasons = is_openai && is_reasoning_model(s->model);
    struct gen_jmut *body = gen_jb_object(b);
    gen_jb_put_cstr(b, body, "model", s->model);
    gen_chat_put_messages(b, body, r, e->dropped & GEN_PARAM_SYSTEM_ROLE);
    bool renamed = reasons || (e->dropped & GEN_PARAM_MAX_TOKENS);
    /* A reasoning model spends from the same budget before it writes the first word. */
    int64_t allowance = reasons ? 4096 : 0;
    gen_jb_put_int(b, body, renamed ? "max_completion_tokens" : "max_tokens",
                   r->tokens_out_max + allowance);
    if (s->has_temperature && !reasons && !(e->dropped & GEN_PARAM_TEMPERATURE))
        gen_jb_put_real(b, body, "temperature", s->temperature);
    if (s->has_seed && !reasons && !(e->dropped & GEN_PARAM_SEED))
        gen_jb_put_int(b, body, "seed", s->seed + (int64_t)r->sample);
    put_format(b, body, s, e->dropped);
    rc = gen_jb_write(b, body, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int build_openai(const struct gen_llm_request *r, const struct gen_endpoint *e,
                        struct gen_buf *out, struct gen_error *err)
{
    return build(r, e, true, out, err);
}

static int build_compatible(const struct gen_llm_request *r, const struct gen_endpoint *e,
                            struct gen_buf *out, struct gen_error *err)
{
    return build(r, e, false, out, err);
}

static void read_usage(const struct gen_json *usage, struct gen_usage *u)
{
    (void)gen_json_as_int(gen_json_get(usage, "prompt_tokens"), &u->tokens_in);
    (void)gen_json_as_int(gen_json_get(usage, "completion_tokens"), &u->tokens_out);
    const struct gen_json *in = gen_json_get(usage, "prompt_tokens_details");
    if (!gen_json_as_int(gen_json_get(in, "cached_tokens"), &u->tokens_cached))
        (void)gen_json_as_int(gen_json_get(usage, "prompt_cache_hit_tokens"), &u->tokens_cached);
    const struct gen_json *out = gen_json_get(usage, "completion_tokens_details");
    (void)gen_json_as_int(gen_json_get(out, "reasoning_tokens"), &u->tokens_reasoning);
}

/* Content is a string, null, or a list of {"type":"text","text"}. */
static int read_content(const struct gen_json *content, struct gen_llm_result *result,
                        struct gen_error *err)
{
    if (gen_json_as_str(content, &result->text) || gen_json_type(content) != GEN_JSON_ARRAY)
        return GEN_OK;
    struct gen_buf all = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *part;
    gen_json_iter_init(&it, content);
    while (gen_json_iter_next(&it, &key, &part)) {
        int rc = gen_buf_add_str(&all, gen_json_get_str(part, "text"), err);
        if (rc) {
            gen_buf_release(&all);
            return rc;
        }
    }
    size_t n = 0;
    result->owned = gen_buf_take(&all, &n);
    result->text = (struct gen_str){result->owned, n};
    return GEN_OK;
}

static bool is_end_mark(struct gen_str finish)
{
    return gen_str_is(finish, "stop") || gen_str_is(finish, "tool_calls") ||
           gen_str_is(finish, "function_call") || gen_str_is(finish, "eos") ||
           gen_str_is(finish, "end_turn");
}

static void refuse(struct gen_llm_result *result, struct gen_str words, struct gen_str finish)
{
    result->class_code = GEN_CLASS_BLOCKED;
    result->finish = finish;
    gen_llm_set_message(
        result, words.n ? words : GEN_STR("the server's content filter stopped the answer"));
}

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    const struct gen_json *root = NULL;
    if (gen_classify(response, result, &root))
        return GEN_OK;
    const struct gen_json *choice = gen_json_at(gen_json_get(root, "choices"), 0);
    const struct gen_json *message = gen_json_get(choice, "message");
    read_usage(gen_json_get(root, "usage"), &result->usage);
    result->model = gen_json_get_str(root, "model");
    if (gen_json_type(message) != GEN_JSON_OBJECT) {
        result->class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(result, GEN_STR("the answer has no choices[0].message"));
        return GEN_OK;
    }
    int rc = read_content(gen_json_get(message, "content"), result, err);
    if (rc)
        return rc;
    /* vLLM and Ollama say "reasoning", llama.cpp and DeepSeek "reasoning_content". */
    result->reasoning = gen_json_get_str(message, "reasoning");
    if (result->reasoning.n == 0)
        result->reasoning = gen_json_get_str(message, "reasoning_content");
    result->finish = gen_json_get_str(choice, "finish_reason");
    struct gen_str refusal = gen_json_get_str(message, "refusal");
    if (refusal.n)
        refuse(result, refusal, GEN_STR("refusal"));
    else if (gen_str_is(result->finish, "content_filter"))
        refuse(result, refusal, result->finish);
    else
        gen_chat_finish(result, is_end_mark(result->finish), gen_str_is(result->finish, "length"));
    return GEN_OK;
}

const struct gen_provider gen_provider_openai = {
    .name = "openai",
    .title = "OpenAI, and any server that speaks its chat completions (--base-url)",
    .setup = "export OPENAI_API_KEY=sk-...; for another server give --base-url URL --model NAME",
    .default_base_url = "https://api.openai.com/v1",
    .key_env = "OPENAI_API_KEY",
    .key_required = true,
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .chat_path = "/chat/completions",
    .probe_path = "/models",
    .in_flight_start = 64,
    .in_flight_max = 1024,
    .sends_temperature = true,
    .build = build_openai,
    .parse = parse,
};

const struct gen_provider gen_provider_vllm = {
    .name = "vllm",
    .title = "a vLLM server, or llama.cpp, SGLang, LM Studio (local, OpenAI-compatible)",
    .setup = "vllm serve MODEL, then --model MODEL [--base-url http://localhost:8000/v1]",
    .default_base_url = "http://localhost:8000/v1",
    .key_env = "VLLM_API_KEY",
    .is_local = true,
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .chat_path = "/chat/completions",
    .probe_path = "/models",
    .in_flight_start = 64,
    .in_flight_max = 512,
    .sends_temperature = true,
    .build = build_compatible,
    .parse = parse,
};
