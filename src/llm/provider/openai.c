/* OpenAI chat completions, and every server that speaks them: vLLM, SGLang, llama.cpp, LM Studio,
 * gateways (providers.md §1.2, §1.5 to §1.7). */
#include "llm/batch.h"
#include "llm/facts.h"
#include "llm/provider/chat.h"

#include <ctype.h>

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

/* What an OpenAI model takes, by its name (providers.md §1.2). */
struct model_policy {
    bool reasons;           /* "max_completion_tokens", role "developer", no seed */
    bool takes_temperature; /* gpt-5.1 to 5.x, as long as they do not reason */
};

static unsigned read_number(struct gen_str *s)
{
    unsigned n = 0;
    while (s->n && isdigit((unsigned char)s->p[0]) && n < 1000) {
        n = n * 10 + (unsigned)(s->p[0] - '0');
        *s = gen_str_sub(*s, 1, s->n);
    }
    return n;
}

static struct model_policy policy_of(const char *model, const struct gen_endpoint *e)
{
    struct gen_str m = gen_str_from(model);
    struct gen_str tuned = GEN_STR("ft:");
    struct gen_str gpt = GEN_STR("gpt-");
    if (gen_str_starts(m, tuned))
        m = gen_str_sub(m, tuned.n, m.n);
    if (m.n >= 2 && m.p[0] == 'o' && isdigit((unsigned char)m.p[1]))
        return (struct model_policy){true, false};
    if (!gen_str_starts(m, gpt) || gen_str_starts(m, GEN_STR("gpt-5-chat")))
        return (struct model_policy){false, true};
    struct gen_str rest = gen_str_sub(m, gpt.n, m.n);
    unsigned major = read_number(&rest);
    unsigned minor = 0;
    if (gen_str_starts(rest, GEN_STR("."))) {
        rest = gen_str_sub(rest, 1, rest.n);
        minor = read_number(&rest);
    }
    if (major < 5)
        return (struct model_policy){false, true};
    return (struct model_policy){true, major == 5 && minor >= 1 && gen_chat_effort_is_none(e)};
}

/* A reasoning model spends from the same budget before it writes the first word. */
static int64_t thinking_allowance(const struct gen_endpoint *e)
{
    static const char *const deep[] = {"high", "xhigh", "max"};
    if (gen_chat_effort_is_none(e))
        return 0;
    for (size_t i = 0; e->reasoning_effort && i < sizeof(deep) / sizeof(deep[0]); i++) {
        if (strcmp(e->reasoning_effort, deep[i]) == 0)
            return 16384;
    }
    return 4096;
}

static void put_effort(struct gen_jb *b, struct gen_jmut *body, const struct gen_endpoint *e,
                       bool is_openai)
{
    if (!e->reasoning_effort || (e->dropped & GEN_PARAM_THINKING))
        return;
    /* Qwen3 and others behind vLLM know a switch in their template, no "none". */
    if (!is_openai && gen_chat_effort_is_none(e)) {
        struct gen_jmut *kwargs = gen_jb_object(b);
        gen_jb_put_bool(b, kwargs, "enable_thinking", false);
        gen_jb_put(b, body, "chat_template_kwargs", kwargs);
    } else {
        gen_jb_put_cstr(b, body, "reasoning_effort", e->reasoning_effort);
    }
}

static void put_sampling(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                         const struct gen_endpoint *e, struct model_policy policy)
{
    const struct gen_llm_stable *s = r->stable;
    int64_t seed = 0;
    if (s->has_temperature && policy.takes_temperature && !(e->dropped & GEN_PARAM_TEMPERATURE))
        gen_jb_put_real(b, body, "temperature", s->temperature);
    if (!policy.reasons && gen_chat_seed(r, e, &seed))
        gen_jb_put_int(b, body, "seed", seed);
}

/* Requests with the same key go to the machine that has their prefix in its cache. */
static void put_cache_key(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_stable *s,
                          unsigned dropped)
{
    char hex[GEN_HEX_CHARS + 1];
    if (dropped & GEN_PARAM_CACHE)
        return;
    gen_digest_hex(&s->digest, 16, hex);
    gen_jb_put_cstr(b, body, "prompt_cache_key", hex);
}

static void put_stream(struct gen_jb *b, struct gen_jmut *body, unsigned dropped)
{
    gen_jb_put_bool(b, body, "stream", true);
    if (dropped & GEN_PARAM_STREAM)
        return;
    struct gen_jmut *options = gen_jb_object(b);
    gen_jb_put_bool(b, options, "include_usage", true);
    gen_jb_put(b, body, "stream_options", options);
}

static int build(const struct gen_provider *p, const struct gen_llm_request *r,
                 const struct gen_endpoint *e, struct gen_buf *out, struct gen_error *err)
{
    const struct gen_llm_stable *s = r->stable;
    bool is_openai = p == &gen_provider_openai;
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct model_policy policy = {false, true};
    if (is_openai)
        policy = policy_of(s->model, e);
    struct gen_jmut *body = gen_jb_object(b);
    gen_jb_put_cstr(b, body, "model", s->model);
    const char *system_role = policy.reasons ? "developer" : "system";
    gen_chat_put_messages(b, body, r, e->dropped & GEN_PARAM_SYSTEM_ROLE ? NULL : system_role);
    /* Whichever of the two names a server refuses, the other one takes its place. */
    bool is_new_name = policy.reasons != ((e->dropped & GEN_PARAM_MAX_TOKENS) != 0);
    gen_jb_put_int(b, body, is_new_name ? "max_completion_tokens" : "max_tokens",
                   r->tokens_out_max + (policy.reasons ? thinking_allowance(e) : 0));
    put_effort(b, body, e, is_openai);
    put_sampling(b, body, r, e, policy);
    put_format(b, body, s, e->dropped);
    if (is_openai)
        put_cache_key(b, body, s, e->dropped);
    if (gen_provider_streams(p, r, e))
        put_stream(b, body, e->dropped);
    rc = gen_jb_write(b, body, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int build_openai(const struct gen_llm_request *r, const struct gen_endpoint *e,
                        struct gen_buf *out, struct gen_error *err)
{
    return build(&gen_provider_openai, r, e, out, err);
}

static int build_compatible(const struct gen_llm_request *r, const struct gen_endpoint *e,
                            struct gen_buf *out, struct gen_error *err)
{
    return build(&gen_provider_vllm, r, e, out, err);
}

/* ---- answers ---- */

static void read_usage(const struct gen_json *root, struct gen_usage *u)
{
    const struct gen_json *usage = gen_json_get(root, "usage");
    if (gen_json_type(usage) != GEN_JSON_OBJECT) {
        /* Groq's last chunk. */
        usage = gen_json_get(gen_json_get(root, "x_groq"), "usage");
        if (gen_json_type(usage) != GEN_JSON_OBJECT)
            return;
    }
    (void)gen_json_as_int(gen_json_get(usage, "prompt_tokens"), &u->tokens_in);
    (void)gen_json_as_int(gen_json_get(usage, "completion_tokens"), &u->tokens_out);
    const struct gen_json *in = gen_json_get(usage, "prompt_tokens_details");
    if (!gen_json_as_int(gen_json_get(in, "cached_tokens"), &u->tokens_cached))
        (void)gen_json_as_int(gen_json_get(usage, "prompt_cache_hit_tokens"), &u->tokens_cached);
    const struct gen_json *out = gen_json_get(usage, "completion_tokens_details");
    (void)gen_json_as_int(gen_json_get(out, "reasoning_tokens"), &u->tokens_reasoning);
}

/* Content is a string, null, or a list of {"type":"text","text"}, among which Mistral puts
 * {"type":"thinking","thinking":[...]}. */
static int read_content(struct gen_llm_stream *s, const struct gen_json *content,
                        struct gen_error *err)
{
    struct gen_str text = {NULL, 0};
    if (gen_json_as_str(content, &text))
        return gen_buf_add_str(&s->text, text, err);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *part;
    int rc = GEN_OK;
    if (gen_json_type(content) != GEN_JSON_ARRAY)
        return GEN_OK;
    gen_json_iter_init(&it, content);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &part)) {
        const struct gen_json *thoughts = gen_json_get(part, "thinking");
        if (gen_json_as_str(part, &text) || gen_json_as_str(gen_json_get(part, "text"), &text))
            rc = gen_buf_add_str(&s->text, text, err);
        else if (gen_json_as_str(thoughts, &text) ||
                 gen_json_as_str(gen_json_get(gen_json_at(thoughts, 0), "text"), &text))
            rc = gen_buf_add_str(&s->reasoning, text, err);
    }
    return rc;
}

/* vLLM and Ollama say "reasoning", llama.cpp and DeepSeek "reasoning_content"; some say both. */
static int read_reasoning(struct gen_llm_stream *s, const struct gen_json *part,
                          struct gen_error *err)
{
    struct gen_str words = gen_json_get_str(part, "reasoning");
    if (words.n == 0)
        words = gen_json_get_str(part, "reasoning_content");
    return gen_buf_add_str(&s->reasoning, words, err);
}

static int read_tool_call(struct gen_llm_stream *s, size_t index, struct gen_str id,
                          const struct gen_json *function, struct gen_error *err)
{
    const struct gen_json *arguments = gen_json_get(function, "arguments");
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str words = {NULL, 0};
    int rc = GEN_OK;
    /* A string that holds JSON; an object at servers that did not read the specification. */
    if (!gen_json_as_str(arguments, &words) && gen_json_type(arguments) == GEN_JSON_OBJECT) {
        rc = gen_json_write(&text, arguments, GEN_JSON_COMPACT, err);
        words = gen_buf_str(&text);
    }
    if (rc == GEN_OK)
        rc = gen_llm_stream_tool_call(s, index, id, gen_json_get_str(function, "name"), words, err);
    gen_buf_release(&text);
    return rc;
}

static int read_tool_calls(struct gen_llm_stream *s, const struct gen_json *part,
                           struct gen_error *err)
{
    const struct gen_json *old = gen_json_get(part, "function_call");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *call;
    int rc = GEN_OK;
    if (gen_json_type(old) == GEN_JSON_OBJECT)
        return read_tool_call(s, 0, (struct gen_str){NULL, 0}, old, err);
    gen_json_iter_init(&it, gen_json_get(part, "tool_calls"));
    for (int64_t i = 0; rc == GEN_OK && gen_json_iter_next(&it, &key, &call); i++) {
        int64_t index = i;
        (void)gen_json_as_int(gen_json_get(call, "index"), &index);
        rc = read_tool_call(s, index < 0 ? SIZE_MAX : (size_t)index, gen_json_get_str(call, "id"),
                            gen_json_get(call, "function"), err);
    }
    return rc;
}

static int read_choice(struct gen_llm_stream *s, const struct gen_json *choice,
                       struct gen_error *err)
{
    const struct gen_json *part = gen_json_get(choice, "delta");
    if (!part)
        part = gen_json_get(choice, "message");
    int rc = read_content(s, gen_json_get(part, "content"), err);
    if (rc == GEN_OK)
        rc = read_reasoning(s, part, err);
    if (rc == GEN_OK)
        rc = read_tool_calls(s, part, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&s->refusal, gen_json_get_str(part, "refusal"), err);
    struct gen_str finish = gen_json_get_str(choice, "finish_reason");
    if (rc == GEN_OK && finish.n) {
        gen_buf_clear(&s->finish);
        rc = gen_buf_add_str(&s->finish, finish, err);
    }
    return rc;
}

/* A chunk of a stream, and a whole answer, which differs in "message" for "delta" alone. */
static int on_event(struct gen_llm_stream *s, struct gen_str name, const struct gen_json *data,
                    struct gen_error *err)
{
    (void)name;
    const struct gen_json *choice = gen_json_at(gen_json_get(data, "choices"), 0);
    const struct gen_json *error = gen_json_get(choice, "error");
    read_usage(data, &s->usage);
    /* OpenRouter: the server behind it failed in the middle of the answer. */
    if (gen_json_type(error) == GEN_JSON_OBJECT)
        return gen_llm_stream_error(s, 0, choice, err);
    int rc = read_choice(s, choice, err);
    if (rc == GEN_OK && s->model.n == 0)
        rc = gen_buf_add_str(&s->model, gen_json_get_str(data, "model"), err);
    return rc;
}

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    const struct gen_json *root = NULL;
    if (gen_llm_stream_is(&gen_provider_openai, response))
        return gen_llm_stream_read(&gen_provider_openai, response, result, err);
    if (gen_classify(response, result, &root))
        return GEN_OK;
    const struct gen_json *choice = gen_json_at(gen_json_get(root, "choices"), 0);
    bool has_message = gen_json_type(gen_json_get(choice, "message")) == GEN_JSON_OBJECT;
    if (has_message || gen_json_get(choice, "error"))
        return gen_chat_read_whole(&gen_provider_openai, response, root, result, err);
    read_usage(root, &result->usage);
    result->class_code = GEN_CLASS_SERVER_ERROR;
    gen_llm_set_message(result, GEN_STR("the answer has no choices[0].message"));
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
    .dialect = GEN_DIALECT_OPENAI,
    .cached_prefix_tokens = 1024,
    .batch = &gen_batch_openai,
    .probes = gen_probes_openai,
    .on_event = on_event,
    .judge = gen_chat_judge,
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
    .dialect = GEN_DIALECT_GRAMMAR,
    .probes = gen_probes_openai,
    .on_event = on_event,
    .judge = gen_chat_judge,
    .build = build_compatible,
    .parse = parse,
};
