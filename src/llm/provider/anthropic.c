/* Anthropic's messages API, and servers that speak it (providers.md §1.3). */
#include "llm/batch.h"
#include "llm/facts.h"
#include "llm/provider/cloud.h"
#include "llm/stream.h"

#include <stdio.h>

#define VERSION_DEFAULT "2023-06-01"
/* From this version on the key is a bearer token and no model takes sampling parameters. */
#define VERSION_BEARER "2026-10-21"
/* Above this a whole answer may take longer than the ten minutes that connections live. */
#define TOKENS_UNSTREAMED_MAX 21333
/* 512 tokens, the smallest prefix that any model caches: a marker on less is for nothing, one that
 * a model does not honour costs nothing. */
#define CACHED_BYTES_MIN ((size_t)2048)
#define BUDGET_MIN       1024

enum {
    TAKES_SAMPLING = 1 << 0,
    TAKES_NO_THINKING = 1 << 1, /* thinking: disabled */
    TAKES_BUDGET = 1 << 2,      /* thinks by budget_tokens, knows no effort */
    TAKES_EFFORT = 1 << 3,
    TAKES_FORCED_TOOL = 1 << 4,
    TAKES_SCHEMA = 1 << 5,
    MAY_THINK = 1 << 6, /* without being told to */
};

#define OLDER (TAKES_SAMPLING | TAKES_NO_THINKING | TAKES_BUDGET | TAKES_FORCED_TOOL)

/* Looked up by substring, the first row that fits. */
static const struct model {
    const char *part;
    int64_t tokens_out_max;
    unsigned takes;
} models[] = {
    {"sonnet-5-5", 128000, TAKES_SCHEMA | TAKES_EFFORT | MAY_THINK},
    {"opus-5-5", 128000, TAKES_SCHEMA | TAKES_EFFORT | MAY_THINK},
    {"haiku-5-5", 128000,
     TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL | MAY_THINK},
    {"fable-5-1", 128000, TAKES_SCHEMA | TAKES_EFFORT | MAY_THINK},
    {"fable-5", 128000, TAKES_SCHEMA | TAKES_EFFORT | TAKES_FORCED_TOOL | MAY_THINK},
    {"opus-5", 128000,
     TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL | MAY_THINK},
    {"opus-4-8", 128000, TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL},
    {"opus-4-7", 128000, TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL},
    {"sonnet-5", 128000,
     TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL | MAY_THINK},
    {"sonnet-4-6", 128000,
     TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL | TAKES_SAMPLING},
    {"opus-4-6", 128000,
     TAKES_SCHEMA | TAKES_EFFORT | TAKES_NO_THINKING | TAKES_FORCED_TOOL | TAKES_SAMPLING},
    {"sonnet-4-5", 64000, TAKES_SCHEMA | OLDER},
    {"opus-4-5", 64000, TAKES_SCHEMA | OLDER},
    {"haiku-4-5", 64000, TAKES_SCHEMA | OLDER},
    {"opus-4-1", 32000, TAKES_SCHEMA | OLDER},
    {"sonnet-4", 64000, OLDER},
    {"opus-4", 32000, OLDER},
    {"claude-", 128000, TAKES_SCHEMA | TAKES_EFFORT | MAY_THINK},
    /* Other servers that speak this protocol: llama.cpp passes over output_config. */
    {"", INT64_MAX, TAKES_SAMPLING | TAKES_FORCED_TOOL},
};

static const struct model *find_model(const char *name)
{
    const struct model *m = models;
    while (!gen_cloud_has(name, m->part))
        m++;
    return m;
}

static const char *version_of(const struct gen_endpoint *e)
{
    return e->api_version ? e->api_version : VERSION_DEFAULT;
}

static bool is_bearer_version(const struct gen_endpoint *e)
{
    return strcmp(version_of(e), VERSION_BEARER) >= 0;
}

/* What is sent about thinking, and the limit that leaves room for it. */
struct plan {
    const struct model *model;
    bool forces_tool;
    const char *thinking; /* "disabled", "adaptive", "enabled"; NULL: nothing is said */
    const char *effort;
    int64_t budget;
    int64_t tokens_max;
};

static void plan_thinking(struct plan *p, const char *effort)
{
    unsigned takes = p->model->takes;
    if (strcmp(effort, "none") == 0) {
        if (takes & TAKES_NO_THINKING)
            p->thinking = "disabled";
        else if (takes & TAKES_EFFORT)
            p->effort = "low"; /* it cannot be switched off: the least there is */
        return;
    }
    if (takes & TAKES_EFFORT) {
        p->effort = strcmp(effort, "minimal") == 0 ? "low" : effort;
        /* Models that may be told not to think may need to be told to. */
        if ((takes & TAKES_NO_THINKING) && !p->forces_tool)
            p->thinking = "adaptive";
    } else if ((takes & TAKES_BUDGET) && !p->forces_tool) {
        p->thinking = "enabled";
        p->budget = gen_cloud_thinking_tokens(effort);
    }
}

static struct plan plan_of(const struct gen_llm_request *r, const struct gen_endpoint *e)
{
    struct plan p = {.model = find_model(r->stable->model)};
    unsigned takes = p.model->takes;
    bool takes_schema = (takes & TAKES_SCHEMA) && !(e->dropped & GEN_PARAM_SCHEMA);
    p.forces_tool = r->stable->schema_json && !takes_schema && (takes & TAKES_FORCED_TOOL) &&
                    !(e->dropped & GEN_PARAM_JSON_MODE);
    const char *effort = e->dropped & GEN_PARAM_THINKING ? NULL : e->reasoning_effort;
    if (effort)
        plan_thinking(&p, effort);
    bool is_off = p.thinking && strcmp(p.thinking, "disabled") == 0;
    bool thinks = !is_off && ((takes & MAY_THINK) || p.effort || p.budget);
    int64_t max = p.model->tokens_out_max;
    int64_t room = thinks ? gen_cloud_thinking_tokens(p.effort ? p.effort : effort) : 0;
    p.tokens_max = r->tokens_out_max > max - room ? max : r->tokens_out_max + room;
    if (p.budget >= p.tokens_max)
        p.budget = p.tokens_max - 1;
    if (p.budget > 0 && p.budget < BUDGET_MIN) {
        p.budget = 0;
        p.thinking = NULL;
    }
    return p;
}

static bool needs_stream(const struct gen_llm_request *r, const struct gen_endpoint *e)
{
    return !e->is_batch && plan_of(r, e).tokens_max > TOKENS_UNSTREAMED_MAX;
}

static void wire(const struct gen_endpoint *e, struct gen_wire *w)
{
    size_t n = 0;
    while (w->headers[n])
        n++;
    if (n + 1 < sizeof(w->headers) / sizeof(w->headers[0])) {
        (void)snprintf(w->version, sizeof(w->version), "anthropic-version: %s", version_of(e));
        w->headers[n] = w->version;
        w->headers[n + 1] = NULL;
    }
    if (w->auth_header && is_bearer_version(e)) {
        w->auth_header = "Authorization";
        w->auth_prefix = "Bearer ";
    }
}

/* The system text is the last block that all requests of a step have in common, so the marker
 * stands on it; what follows changes and would be written to the cache for nothing. */
static void put_system(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_stable *s,
                       const struct gen_endpoint *e)
{
    if (s->system.n == 0)
        return;
    struct gen_jmut *text =
        s->system_json.n ? gen_jb_raw(b, s->system_json) : gen_jb_str_view(b, s->system);
    if (s->system.n < CACHED_BYTES_MIN || (e->dropped & GEN_PARAM_CACHE)) {
        gen_jb_put(b, body, "system", text);
        return;
    }
    struct gen_jmut *cache = gen_jb_object(b);
    gen_jb_put_cstr(b, cache, "type", "ephemeral");
    /* The requests of a batch may be hours apart. */
    if (e->is_batch)
        gen_jb_put_cstr(b, cache, "ttl", "1h");
    struct gen_jmut *block = gen_jb_object(b);
    gen_jb_put_cstr(b, block, "type", "text");
    gen_jb_put(b, block, "text", text);
    gen_jb_put(b, block, "cache_control", cache);
    struct gen_jmut *blocks = gen_jb_array(b);
    gen_jb_append(b, blocks, block);
    gen_jb_put(b, body, "system", blocks);
}

static void put_user(struct gen_jb *b, struct gen_jmut *body, struct gen_str text)
{
    struct gen_jmut *message = gen_jb_object(b);
    gen_jb_put_cstr(b, message, "role", "user");
    gen_jb_put(b, message, "content", gen_jb_str_view(b, text));
    struct gen_jmut *messages = gen_jb_array(b);
    gen_jb_append(b, messages, message);
    gen_jb_put(b, body, "messages", messages);
}

static void put_tool(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_stable *s)
{
    struct gen_jmut *tool = gen_jb_object(b);
    gen_jb_put_cstr(b, tool, "name", s->schema_name);
    gen_jb_put_cstr(b, tool, "description", "Takes the answer.");
    gen_jb_put(b, tool, "input_schema", gen_chat_schema(b, s));
    struct gen_jmut *tools = gen_jb_array(b);
    gen_jb_append(b, tools, tool);
    gen_jb_put(b, body, "tools", tools);
    struct gen_jmut *choice = gen_jb_object(b);
    gen_jb_put_cstr(b, choice, "type", "tool");
    gen_jb_put_cstr(b, choice, "name", s->schema_name);
    gen_jb_put_bool(b, choice, "disable_parallel_tool_use", true);
    gen_jb_put(b, body, "tool_choice", choice);
}

static void put_output_config(struct gen_jb *b, struct gen_jmut *body,
                              const struct gen_llm_stable *s, const struct gen_endpoint *e,
                              const struct plan *p)
{
    bool has_format =
        s->schema_json && (p->model->takes & TAKES_SCHEMA) && !(e->dropped & GEN_PARAM_SCHEMA);
    if (!has_format && !p->effort)
        return;
    struct gen_jmut *config = gen_jb_object(b);
    if (has_format) {
        struct gen_jmut *format = gen_jb_object(b);
        gen_jb_put_cstr(b, format, "type", "json_schema");
        gen_jb_put(b, format, "schema", gen_chat_schema(b, s));
        gen_jb_put(b, config, "format", format);
    }
    if (p->effort)
        gen_jb_put_cstr(b, config, "effort", p->effort);
    gen_jb_put(b, body, "output_config", config);
}

static void put_thinking(struct gen_jb *b, struct gen_jmut *body, const struct plan *p)
{
    if (!p->thinking)
        return;
    struct gen_jmut *thinking = gen_jb_object(b);
    gen_jb_put_cstr(b, thinking, "type", p->thinking);
    if (p->budget)
        gen_jb_put_int(b, thinking, "budget_tokens", p->budget);
    gen_jb_put(b, body, "thinking", thinking);
}

static int build(const struct gen_llm_request *r, const struct gen_endpoint *e, struct gen_buf *out,
                 struct gen_error *err)
{
    const struct gen_llm_stable *s = r->stable;
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct plan p = plan_of(r, e);
    struct gen_jmut *body = gen_jb_object(b);
    gen_jb_put_cstr(b, body, "model", s->model);
    gen_jb_put_int(b, body, "max_tokens", p.tokens_max);
    if (gen_provider_streams(&gen_provider_anthropic, r, e))
        gen_jb_put_bool(b, body, "stream", true);
    if (p.forces_tool)
        put_tool(b, body, s);
    put_system(b, body, s, e);
    put_user(b, body, r->user);
    put_output_config(b, body, s, e, &p);
    put_thinking(b, body, &p);
    bool is_thinking = p.thinking && strcmp(p.thinking, "disabled") != 0;
    if (s->has_temperature && (p.model->takes & TAKES_SAMPLING) && !is_thinking &&
        !is_bearer_version(e) && !(e->dropped & GEN_PARAM_TEMPERATURE))
        gen_jb_put_real(b, body, "temperature", s->temperature);
    rc = gen_jb_write(b, body, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* ---- answers ---- */

/* The counts of a stream come twice, the second time as totals and not always with those of the
 * input. */
static void read_usage(const struct gen_json *usage, struct gen_usage *u)
{
    int64_t in = 0;
    int64_t written = 0;
    int64_t cached = 0;
    if (gen_json_as_int(gen_json_get(usage, "input_tokens"), &in)) {
        (void)gen_json_as_int(gen_json_get(usage, "cache_creation_input_tokens"), &written);
        (void)gen_json_as_int(gen_json_get(usage, "cache_read_input_tokens"), &cached);
        bool sane = in >= 0 && written >= 0 && cached >= 0 && in < INT64_MAX / 4 &&
                    written < INT64_MAX / 4 && cached < INT64_MAX / 4;
        if (sane && in + written + cached > u->tokens_in)
            u->tokens_in = in + written + cached;
        if (sane && cached > u->tokens_cached)
            u->tokens_cached = cached;
        if (sane && written > u->tokens_cache_write)
            u->tokens_cache_write = written;
    }
    (void)gen_json_as_int(gen_json_get(usage, "output_tokens"), &u->tokens_out);
    const struct gen_json *out = gen_json_get(usage, "output_tokens_details");
    (void)gen_json_as_int(gen_json_get(out, "thinking_tokens"), &u->tokens_reasoning);
}

static void judge_refusal(struct gen_llm_result *result)
{
    static const struct {
        const char *category, *meaning;
    } categories[] = {
        {"frontier_llm",
         "it takes the request for help with models that compete with Anthropic's, as making "
         "training data can be (its terms restrict that); use another provider for it"},
        {"reasoning_extraction", "the prompt asks it to write out its internal reasoning; ask for "
                                 "an explanation of the answer instead, or use another provider"},
        {"cyber", "it takes the text for help with attacks on computers; leave such chunks out or "
                  "use another provider"},
        {"bio", "it takes the text for help with biological harm; leave such chunks out"},
        {"general_harms", "it takes the text for harmful; leave such chunks out"},
    };
    const char *meaning = "it gave no reason that we know";
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++) {
        if (strcmp(result->category, categories[i].category) == 0)
            meaning = categories[i].meaning;
    }
    /* What the model said about it is in the message until here. */
    char said[200];
    (void)snprintf(said, sizeof(said), "%.*s",
                   GEN_STR_ARG(gen_str_sub(gen_str_from(result->message), 0, 180)));
    char text[512];
    (void)snprintf(text, sizeof(text), "the model refused (%s): %s; not asked again%s%s",
                   result->category[0] ? result->category : "no category", meaning,
                   said[0] ? "; it said: " : "", said);
    result->class_code = GEN_CLASS_BLOCKED;
    result->finish = GEN_STR("refusal");
    gen_llm_set_message(result, gen_str_from(text));
}

static void judge(struct gen_llm_result *result, bool has_end_mark)
{
    struct gen_str finish = result->finish;
    /* The answer of a model without structured output is what it hands to the forced tool. */
    if (result->text.n == 0 && result->n_tool_calls == 1)
        result->text = result->tool_calls[0].arguments;
    if (!has_end_mark || finish.n == 0) {
        gen_chat_finish(result, false, false);
    } else if (gen_str_is(finish, "end_turn") || gen_str_is(finish, "stop_sequence")) {
        result->finish = GEN_STR("stop");
        gen_chat_finish(result, true, false);
    } else if (gen_str_is(finish, "tool_use")) {
        result->finish = GEN_STR("tool_calls");
        gen_chat_finish(result, true, false);
    } else if (gen_str_is(finish, "max_tokens")) {
        result->finish = GEN_STR("length");
        gen_chat_finish(result, false, true);
    } else if (gen_str_is(finish, "model_context_window_exceeded")) {
        result->finish = GEN_STR("length");
        result->class_code = GEN_CLASS_TRUNCATED;
        gen_llm_set_message(result, GEN_STR("prompt and answer together filled the model's context "
                                            "window before the answer was complete: take smaller "
                                            "chunks, or fewer at a time"));
    } else if (gen_str_is(finish, "refusal")) {
        judge_refusal(result);
    } else {
        /* Also "pause_turn", which belongs to tools of the server that are never asked for. */
        gen_cloud_unknown_finish(result);
    }
}

/* ---- events ---- */

/* In a stream the input is empty here and follows in pieces. */
static int on_tool_use(struct gen_llm_stream *s, const struct gen_json *block,
                       struct gen_error *err)
{
    const struct gen_json *input = gen_json_get(block, "input");
    struct gen_buf arguments = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_type(input) == GEN_JSON_OBJECT && gen_json_count(input)
                 ? gen_json_write(&arguments, input, GEN_JSON_COMPACT, err)
                 : GEN_OK;
    if (rc == GEN_OK)
        rc =
            gen_llm_stream_tool_call(s, s->n_tool_calls, gen_json_get_str(block, "id"),
                                     gen_json_get_str(block, "name"), gen_buf_str(&arguments), err);
    gen_buf_release(&arguments);
    return rc;
}

static int on_block_start(struct gen_llm_stream *s, const struct gen_json *block,
                          struct gen_error *err)
{
    struct gen_str type = gen_json_get_str(block, "type");
    if (gen_str_is(type, "text"))
        return gen_buf_add_str(&s->text, gen_json_get_str(block, "text"), err);
    if (gen_str_is(type, "thinking"))
        return gen_buf_add_str(&s->reasoning, gen_json_get_str(block, "thinking"), err);
    return gen_str_is(type, "tool_use") ? on_tool_use(s, block, err) : GEN_OK;
}

static int on_delta(struct gen_llm_stream *s, const struct gen_json *delta, struct gen_error *err)
{
    static const struct gen_str none = {"", 0};
    struct gen_str type = gen_json_get_str(delta, "type");
    if (gen_str_is(type, "text_delta"))
        return gen_buf_add_str(&s->text, gen_json_get_str(delta, "text"), err);
    if (gen_str_is(type, "thinking_delta"))
        return gen_buf_add_str(&s->reasoning, gen_json_get_str(delta, "thinking"), err);
    /* Blocks come one after the other: it belongs to the last one. */
    if (gen_str_is(type, "input_json_delta") && s->n_tool_calls)
        return gen_llm_stream_tool_call(s, s->n_tool_calls - 1, none, none,
                                        gen_json_get_str(delta, "partial_json"), err);
    return GEN_OK;
}

static int on_block_stop(struct gen_llm_stream *s, struct gen_error *err)
{
    static const struct gen_str none = {"", 0};
    if (s->n_tool_calls == 0 || s->tool_calls[s->n_tool_calls - 1].arguments.n)
        return GEN_OK;
    return gen_llm_stream_tool_call(s, s->n_tool_calls - 1, none, none, GEN_STR("{}"), err);
}

/* `end` has the stop reason: the delta of a stream, or the whole message. */
static int on_end(struct gen_llm_stream *s, const struct gen_json *end,
                  const struct gen_json *usage, struct gen_error *err)
{
    const struct gen_json *details = gen_json_get(end, "stop_details");
    read_usage(usage, &s->usage);
    int rc = gen_cloud_set(&s->finish, gen_json_get_str(end, "stop_reason"), err);
    if (rc == GEN_OK)
        rc = gen_cloud_set(&s->category, gen_json_get_str(details, "category"), err);
    if (rc == GEN_OK)
        rc = gen_cloud_set(&s->refusal, gen_json_get_str(details, "explanation"), err);
    return rc;
}

static int on_message(struct gen_llm_stream *s, const struct gen_json *message,
                      struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *block;
    int rc = gen_cloud_set(&s->model, gen_json_get_str(message, "model"), err);
    gen_json_iter_init(&it, gen_json_get(message, "content"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &block)) {
        rc = on_block_start(s, block, err);
        if (rc == GEN_OK)
            rc = on_block_stop(s, err);
    }
    return rc ? rc : on_end(s, message, gen_json_get(message, "usage"), err);
}

static int on_event(struct gen_llm_stream *s, struct gen_str name, const struct gen_json *data,
                    struct gen_error *err)
{
    struct gen_str type = gen_json_get_str(data, "type");
    if (type.n == 0)
        type = name;
    if (gen_str_is(type, "content_block_delta"))
        return on_delta(s, gen_json_get(data, "delta"), err);
    if (gen_str_is(type, "content_block_start"))
        return on_block_start(s, gen_json_get(data, "content_block"), err);
    if (gen_str_is(type, "content_block_stop"))
        return on_block_stop(s, err);
    if (gen_str_is(type, "message_delta"))
        return on_end(s, gen_json_get(data, "delta"), gen_json_get(data, "usage"), err);
    if (gen_str_is(type, "message_start"))
        return on_message(s, gen_json_get(data, "message"), err);
    /* The whole answer to a request without a stream. */
    if (gen_str_is(type, "message"))
        return on_message(s, data, err);
    if (gen_str_is(type, "message_stop"))
        s->is_done = true;
    return GEN_OK;
}

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    const struct gen_json *root = NULL;
    if (gen_llm_stream_is(&gen_provider_anthropic, response))
        return gen_llm_stream_read(&gen_provider_anthropic, response, result, err);
    if (gen_classify(response, result, &root))
        return GEN_OK;
    if (gen_json_type(gen_json_get(root, "content")) != GEN_JSON_ARRAY) {
        result->class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(result, GEN_STR("the answer has no list \"content\""));
        return GEN_OK;
    }
    return gen_chat_read_whole(&gen_provider_anthropic, response, root, result, err);
}

const struct gen_provider gen_provider_anthropic = {
    .name = "anthropic",
    .title = "Anthropic's API (Claude models)",
    .setup = "export ANTHROPIC_API_KEY=sk-ant-...; mind that Anthropic's terms restrict the "
             "training of competing models",
    .default_base_url = "https://api.anthropic.com",
    /* The newest of the small models, a tenth of the price of its predecessor: it takes a schema,
     * a forced tool, and thinking can be switched off. */
    .default_model = "claude-haiku-5-5",
    .key_env = "ANTHROPIC_API_KEY",
    .key_required = true,
    .auth_header = "x-api-key",
    .auth_prefix = "",
    .chat_path = "/v1/messages",
    .probe_path = "/v1/models",
    .in_flight_start = 16,
    .in_flight_max = 256,
    .dialect = GEN_DIALECT_ANTHROPIC,
    .cached_prefix_tokens = 1024,
    .batch = &gen_batch_anthropic,
    .probes = gen_probes_anthropic,
    .wire = wire,
    .needs_stream = needs_stream,
    .on_event = on_event,
    .judge = judge,
    .build = build,
    .parse = parse,
};
