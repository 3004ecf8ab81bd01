/* Google's Gemini API, generateContent (providers.md §1.4). */
#include "llm/batch.h"
#include "llm/facts.h"
#include "llm/provider/cloud.h"
#include "llm/stream.h"

#include <stdio.h>

#define BUDGET_PRO_MIN   128
#define BUDGET_FLASH_MIN 512
/* A seed has 31 bits here. */
#define SEED_MASK 0x7fffffff

enum generation {
    GENERATION_2_0, /* and older, and other families: no thinking */
    GENERATION_2_5, /* thinkingBudget */
    GENERATION_3,   /* and later: thinkingLevel, no sampling parameters */
};

/* "gemini-flash-latest" and other names without a number are the newest. */
static enum generation generation_of(const char *model)
{
    const char *name = strstr(model, "gemini-");
    if (!name)
        return GENERATION_2_0;
    name += strlen("gemini-");
    if (*name < '0' || *name > '9' || (name[1] >= '0' && name[1] <= '9'))
        return GENERATION_3;
    if (*name >= '3')
        return GENERATION_3;
    return strncmp(name, "2.5", 3) == 0 ? GENERATION_2_5 : GENERATION_2_0;
}

static bool is_pro(const char *model)
{
    return gen_cloud_has(model, "-pro");
}

/* What is sent about thinking, and the limit that leaves room for it. */
struct plan {
    enum generation generation;
    bool has_budget;
    int64_t budget;
    const char *level;
    int64_t tokens_max;
};

static const char *level_of(const char *effort, bool pro)
{
    /* The pro models cannot go below "low". */
    if (strcmp(effort, "none") == 0 || strcmp(effort, "minimal") == 0)
        return pro ? "LOW" : "MINIMAL";
    if (strcmp(effort, "low") == 0)
        return "LOW";
    return strcmp(effort, "medium") == 0 ? "MEDIUM" : "HIGH";
}

static int64_t budget_of(const char *effort, const char *model)
{
    int64_t budget = gen_cloud_thinking_tokens(effort);
    if (budget == 0)
        return is_pro(model) ? BUDGET_PRO_MIN : 0;
    return budget < BUDGET_FLASH_MIN ? BUDGET_FLASH_MIN : budget;
}

static struct plan plan_of(const struct gen_llm_request *r, const struct gen_endpoint *e)
{
    const char *model = r->stable->model;
    struct plan p = {.generation = generation_of(model), .tokens_max = r->tokens_out_max};
    const char *effort = e->dropped & GEN_PARAM_THINKING ? NULL : e->reasoning_effort;
    if (p.generation == GENERATION_2_0)
        return p;
    int64_t room = gen_cloud_thinking_tokens(effort);
    if (effort && p.generation == GENERATION_2_5) {
        p.has_budget = true;
        p.budget = budget_of(effort, model);
        room = p.budget;
    } else if (effort) {
        p.level = level_of(effort, is_pro(model));
        /* The least level still thinks a little. */
        if (room == 0)
            room = gen_cloud_thinking_tokens("minimal");
    }
    /* Thoughts are paid from the same limit. */
    p.tokens_max += room;
    return p;
}

static struct gen_jmut *content(struct gen_jb *b, const char *role, struct gen_jmut *text,
                                struct gen_jmut *more)
{
    struct gen_jmut *parts = gen_jb_array(b);
    struct gen_jmut *both[] = {text, more};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && !more)
            break;
        struct gen_jmut *part = gen_jb_object(b);
        gen_jb_put(b, part, "text", both[i]);
        gen_jb_append(b, parts, part);
    }
    struct gen_jmut *o = gen_jb_object(b);
    if (role)
        gen_jb_put_cstr(b, o, "role", role);
    gen_jb_put(b, o, "parts", parts);
    return o;
}

static void put_contents(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                         bool fold_system)
{
    const struct gen_llm_stable *s = r->stable;
    struct gen_jmut *user = gen_jb_str_view(b, r->user);
    struct gen_jmut *first = NULL;
    if (s->system.n)
        first = s->system_json.n ? gen_jb_raw(b, s->system_json) : gen_jb_str_view(b, s->system);
    struct gen_jmut *contents = gen_jb_array(b);
    if (first && fold_system) {
        gen_jb_append(b, contents, content(b, "user", first, user));
    } else {
        if (first)
            gen_jb_put(b, body, "systemInstruction", content(b, NULL, first, NULL));
        gen_jb_append(b, contents, content(b, "user", user, NULL));
    }
    gen_jb_put(b, body, "contents", contents);
}

static void put_thinking(struct gen_jb *b, struct gen_jmut *config, const struct plan *p)
{
    if (!p->has_budget && !p->level)
        return;
    struct gen_jmut *thinking = gen_jb_object(b);
    if (p->has_budget)
        gen_jb_put_int(b, thinking, "thinkingBudget", p->budget);
    else
        gen_jb_put_cstr(b, thinking, "thinkingLevel", p->level);
    gen_jb_put(b, config, "thinkingConfig", thinking);
}

static void put_config(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                       const struct gen_endpoint *e)
{
    const struct gen_llm_stable *s = r->stable;
    struct plan p = plan_of(r, e);
    struct gen_jmut *config = gen_jb_object(b);
    gen_jb_put_int(b, config, "maxOutputTokens", p.tokens_max);
    if (s->schema_json && !(e->dropped & GEN_PARAM_JSON_MODE)) {
        gen_jb_put_cstr(b, config, "responseMimeType", "application/json");
        if (!(e->dropped & GEN_PARAM_SCHEMA))
            gen_jb_put(b, config, "responseJsonSchema", gen_chat_schema(b, s));
    }
    put_thinking(b, config, &p);
    if (s->has_temperature && p.generation < GENERATION_3 && !(e->dropped & GEN_PARAM_TEMPERATURE))
        gen_jb_put_real(b, config, "temperature", s->temperature);
    int64_t seed = 0;
    if (gen_chat_seed(r, e, &seed))
        gen_jb_put_int(b, config, "seed", seed & SEED_MASK);
    gen_jb_put(b, body, "generationConfig", config);
}

/* No safetySettings: current models block nothing of what can be adjusted unless they are asked to,
 * so that any threshold sent from here would only block more. What the server blocks all the same
 * is counted as blocked, with its category. */
static int build(const struct gen_llm_request *r, const struct gen_endpoint *e, struct gen_buf *out,
                 struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *body = gen_jb_object(b);
    put_contents(b, body, r, e->dropped & GEN_PARAM_SYSTEM_ROLE);
    put_config(b, body, r, e);
    if (r->continuation.n)
        gen_jb_put_str(b, body, "continuationToken", r->continuation);
    rc = gen_jb_write(b, body, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* ---- answers ---- */

static int64_t count_of(const struct gen_json *usage, const char *key)
{
    int64_t n = 0;
    (void)gen_json_as_int(gen_json_get(usage, key), &n);
    return n > 0 && n < INT64_MAX / 4 ? n : 0;
}

static void read_usage(const struct gen_json *usage, struct gen_usage *u)
{
    if (gen_json_type(usage) != GEN_JSON_OBJECT)
        return;
    int64_t in = 0;
    if (gen_json_as_int(gen_json_get(usage, "promptTokenCount"), &in) && in >= 0)
        u->tokens_in = in;
    u->tokens_cached = count_of(usage, "cachedContentTokenCount");
    u->tokens_reasoning = count_of(usage, "thoughtsTokenCount");
    u->tokens_out = count_of(usage, "candidatesTokenCount") + u->tokens_reasoning;
}

static bool is_one_of(struct gen_str word, const char *const *words)
{
    for (; *words; words++) {
        if (gen_str_is(word, *words))
            return true;
    }
    return false;
}

static void block(struct gen_llm_result *result, bool is_prompt)
{
    static const char *const by_chance[] = {"RECITATION", "OTHER", "IMAGE_RECITATION",
                                            "IMAGE_OTHER", NULL};
    result->class_code = GEN_CLASS_BLOCKED;
    result->try_other_seed = !is_prompt && is_one_of(result->finish, by_chance);
    /* The category of harm is in the message until here. */
    char why[160];
    (void)snprintf(why, sizeof(why), "%.*s",
                   GEN_STR_ARG(gen_str_sub(gen_str_from(result->message), 0, 150)));
    char text[480];
    (void)snprintf(
        text, sizeof(text), "Gemini blocked the %s (%s%s%s)%s", is_prompt ? "prompt" : "answer",
        result->category, why[0] ? ": " : "", why,
        gen_str_is(result->finish, "RECITATION")
            ? ": it came too close to a text that it knows; such questions are put once more, with "
              "another seed"
        : result->try_other_seed
            ? "; such questions are put once more, with another seed"
            : "; not asked again: leave such chunks out, or use another provider for them");
    gen_llm_set_message(result, gen_str_from(text));
}

static void judge(struct gen_llm_result *result, bool has_end_mark)
{
    static const char *const blocked[] = {"SAFETY",
                                          "BLOCKLIST",
                                          "PROHIBITED_CONTENT",
                                          "SPII",
                                          "RECITATION",
                                          "OTHER",
                                          "IMAGE_PROHIBITED_CONTENT",
                                          "IMAGE_RECITATION",
                                          "NO_IMAGE",
                                          "IMAGE_SAFETY",
                                          "IMAGE_OTHER",
                                          NULL};
    struct gen_str finish = result->finish;
    if (!has_end_mark || finish.n == 0) {
        gen_chat_finish(result, false, false);
    } else if (result->category[0]) {
        block(result, true);
    } else if (gen_str_is(finish, "STOP")) {
        result->finish = result->n_tool_calls ? GEN_STR("tool_calls") : GEN_STR("stop");
        gen_chat_finish(result, true, false);
    } else if (gen_str_is(finish, "MAX_TOKENS")) {
        result->finish = GEN_STR("length");
        gen_chat_finish(result, false, true);
    } else if (gen_str_is(finish, "CONTINUATION") && result->continuation.n) {
        result->class_code = GEN_CLASS_CONTINUE;
        gen_llm_set_message(result, GEN_STR("the answer is unfinished and is to be continued"));
    } else if (is_one_of(finish, blocked)) {
        (void)snprintf(result->category, sizeof(result->category), "%.*s", GEN_STR_ARG(finish));
        block(result, false);
    } else {
        gen_cloud_unknown_finish(result);
    }
}

/* What kind of harm the server saw; empty when it does not say. */
static struct gen_str harm_of(const struct gen_json *ratings)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *rating;
    gen_json_iter_init(&it, ratings);
    while (gen_json_iter_next(&it, &key, &rating)) {
        bool is_cause = false;
        (void)gen_json_as_bool(gen_json_get(rating, "blocked"), &is_cause);
        if (is_cause)
            return gen_json_get_str(rating, "category");
    }
    return (struct gen_str){"", 0};
}

/* ---- events ---- */

static int on_call(struct gen_llm_stream *s, const struct gen_json *call, struct gen_error *err)
{
    struct gen_buf arguments = gen_buf_make(GEN_BUF_UNLIMITED);
    const struct gen_json *args = gen_json_get(call, "args");
    int rc = gen_json_type(args) == GEN_JSON_OBJECT
                 ? gen_json_write(&arguments, args, GEN_JSON_COMPACT, err)
                 : gen_buf_add_c(&arguments, "{}", err);
    if (rc == GEN_OK)
        rc = gen_llm_stream_tool_call(s, s->n_tool_calls, gen_json_get_str(call, "id"),
                                      gen_json_get_str(call, "name"), gen_buf_str(&arguments), err);
    gen_buf_release(&arguments);
    return rc;
}

static int on_part(struct gen_llm_stream *s, const struct gen_json *part, struct gen_error *err)
{
    bool is_thought = false;
    (void)gen_json_as_bool(gen_json_get(part, "thought"), &is_thought);
    int rc =
        gen_buf_add_str(is_thought ? &s->reasoning : &s->text, gen_json_get_str(part, "text"), err);
    const struct gen_json *call = gen_json_get(part, "functionCall");
    return rc || gen_json_type(call) != GEN_JSON_OBJECT ? rc : on_call(s, call, err);
}

static int on_candidate(struct gen_llm_stream *s, const struct gen_json *candidate,
                        struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *part;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(gen_json_get(candidate, "content"), "parts"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &part))
        rc = on_part(s, part, err);
    struct gen_str finish = gen_json_get_str(candidate, "finishReason");
    if (rc == GEN_OK)
        rc = gen_cloud_set(&s->finish, finish, err);
    if (rc == GEN_OK)
        rc = gen_cloud_set(&s->continuation, gen_json_get_str(candidate, "continuationToken"), err);
    s->is_done = s->is_done || finish.n;
    return rc;
}

static int on_event(struct gen_llm_stream *s, struct gen_str name, const struct gen_json *data,
                    struct gen_error *err)
{
    (void)name;
    read_usage(gen_json_get(data, "usageMetadata"), &s->usage);
    int rc = gen_cloud_set(&s->model, gen_json_get_str(data, "modelVersion"), err);
    const struct gen_json *candidate = gen_json_at(gen_json_get(data, "candidates"), 0);
    if (rc == GEN_OK && candidate)
        rc = on_candidate(s, candidate, err);
    struct gen_str reason = gen_json_get_str(gen_json_get(data, "promptFeedback"), "blockReason");
    if (rc || candidate || reason.n == 0)
        return rc;
    s->is_done = true;
    rc = gen_cloud_set(&s->finish, reason, err);
    return rc ? rc : gen_cloud_set(&s->category, reason, err);
}

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    const struct gen_json *root = NULL;
    if (gen_llm_stream_is(&gen_provider_gemini, response))
        return gen_llm_stream_read(&gen_provider_gemini, response, result, err);
    if (gen_classify(response, result, &root))
        return GEN_OK;
    const struct gen_json *candidate = gen_json_at(gen_json_get(root, "candidates"), 0);
    const struct gen_json *feedback = gen_json_get(root, "promptFeedback");
    if (!candidate && gen_json_get_str(feedback, "blockReason").n == 0) {
        read_usage(gen_json_get(root, "usageMetadata"), &result->usage);
        result->class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(result,
                            GEN_STR("the answer has neither candidates nor a block reason"));
        return GEN_OK;
    }
    gen_llm_set_message(result,
                        harm_of(gen_json_get(candidate ? candidate : feedback, "safetyRatings")));
    return gen_chat_read_whole(&gen_provider_gemini, response, root, result, err);
}

const struct gen_provider gen_provider_gemini = {
    .name = "gemini",
    .title = "Google's Gemini API",
    .setup = "export GOOGLE_API_KEY=... (or GEMINI_API_KEY); a free key has a quota per day",
    .default_base_url = "https://generativelanguage.googleapis.com/v1beta",
    /* The stable model that Google names for work in bulk: the fastest and cheapest of its family
     * (ai.google.dev/gemini-api/docs/models). */
    .default_model = "gemini-3.5-flash-lite",
    .key_env = "GOOGLE_API_KEY",
    .key_env_alternative = "GEMINI_API_KEY",
    .key_required = true,
    .auth_header = "x-goog-api-key",
    .auth_prefix = "",
    .chat_path = "/models/{model}:generateContent",
    .stream_path = "/models/{model}:streamGenerateContent?alt=sse",
    .probe_path = "/models",
    .in_flight_start = 8,
    .in_flight_max = 256,
    .dialect = GEN_DIALECT_GEMINI,
    .continues = true,
    .cached_prefix_tokens = 1024,
    .batch = &gen_batch_gemini,
    .probes = gen_probes_gemini,
    .on_event = on_event,
    .judge = judge,
    .build = build,
    .parse = parse,
};
