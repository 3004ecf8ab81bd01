#include "llm/facts.h"

#include "base/nearest.h"

#include <stdio.h>
#include <stdlib.h>

struct gen_model_facts gen_model_facts_make(void)
{
    return (struct gen_model_facts){.exists = GEN_FACT_UNKNOWN,
                                    .context_tokens = -1,
                                    .tokens_out_max = -1,
                                    .slots = -1,
                                    .structured_outputs = GEN_FACT_UNKNOWN,
                                    .thinking = GEN_FACT_UNKNOWN};
}

/* A base URL as far as the host: "http://host:8080" of "http://host:8080/v1". */
static struct gen_str host_of(const char *base_url)
{
    struct gen_str url = gen_str_from(base_url);
    size_t slashes = gen_str_find(url, GEN_STR("://"), 0);
    size_t from = slashes == SIZE_MAX ? 0 : slashes + 3;
    return gen_str_sub(url, 0, gen_str_find(url, GEN_STR("/"), from));
}

int gen_probe_url(const struct gen_probe *probe, const struct gen_endpoint *e, const char *model,
                  char *url, size_t n, struct gen_error *err)
{
    if (!probe->from_host)
        return gen_provider_url(e->base_url, probe->path, model, url, n, err);
    char host[1024];
    (void)snprintf(host, sizeof(host), "%.*s",
                   GEN_STR_ARG(gen_str_sub(host_of(e->base_url), 0, sizeof(host) - 1)));
    return gen_provider_url(host, probe->path, model, url, n, err);
}

int gen_probe_read(const struct gen_probe *probe, const struct gen_http_response *response,
                   const char *model, struct gen_model_facts *facts, struct gen_llm_result *result,
                   struct gen_error *err)
{
    const struct gen_json *body = NULL;
    (void)err;
    if (!gen_classify(response, result, &body)) {
        result->class_code = GEN_CLASS_OK;
        probe->read(body, model, facts);
        return GEN_OK;
    }
    bool is_about_model = probe->post_model || strstr(probe->path, "{model}");
    if (is_about_model && response->status == 404 && facts->exists != GEN_FACT_YES)
        facts->exists = GEN_FACT_NO;
    return GEN_OK;
}

/* ---- what the bodies say ---- */

static void set_count(int64_t *out, const struct gen_json *v)
{
    int64_t n = 0;
    if (gen_json_as_int(v, &n) && n > 0)
        *out = n;
}

/* The first of the members that is there. */
static void read_count(int64_t *out, const struct gen_json *object, const char *const *keys)
{
    for (; *keys && *out < 0; keys++)
        set_count(out, gen_json_get(object, *keys));
}

static bool lists(const struct gen_json *array, const char *word)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, array);
    while (gen_json_iter_next(&it, &key, &v)) {
        struct gen_str s = {NULL, 0};
        if (gen_json_as_str(v, &s) && gen_str_is(s, word))
            return true;
    }
    return false;
}

/* "qwen3" is "qwen3:latest", "gemini-2.5-flash" is "models/gemini-2.5-flash". */
static bool same_name(struct gen_str listed, struct gen_str asked)
{
    struct gen_str prefix = GEN_STR("models/");
    if (gen_str_starts(listed, prefix))
        listed = gen_str_sub(listed, prefix.n, listed.n);
    if (gen_str_starts(asked, prefix))
        asked = gen_str_sub(asked, prefix.n, asked.n);
    struct gen_str latest = GEN_STR(":latest");
    if (listed.n == asked.n + latest.n && gen_str_ends(listed, latest))
        listed.n = asked.n;
    return gen_str_eq(listed, asked);
}

#define NAMES_MAX 512U

static void copy_name(char *out, size_t n, struct gen_str s)
{
    (void)snprintf(out, n, "%.*s", GEN_STR_ARG(gen_str_sub(s, 0, n - 1)));
}

/* No name is near "llama3" that is a letter or two away, but "llama3.3:70b" is what is meant. */
static const char *containing(struct gen_str asked, char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (gen_str_find_nocase(gen_str_from(names[i]), asked, 0) != SIZE_MAX)
            return names[i];
    }
    return n == 1 ? names[0] : NULL;
}

/* Names what the user may have meant; without memory it names nothing. */
static void find_nearest(const struct gen_json *models, const char *key, const char *model,
                         struct gen_model_facts *facts)
{
    char *names[NAMES_MAX];
    struct gen_json_iter it;
    struct gen_str unused;
    const struct gen_json *m;
    size_t n = 0;
    gen_json_iter_init(&it, models);
    while (n < NAMES_MAX && gen_json_iter_next(&it, &unused, &m)) {
        struct gen_str name = gen_json_get_str(m, key);
        names[n] = name.n ? gen_str_dup(name) : NULL;
        n += names[n] != NULL;
    }
    const char *nearest = gen_nearest(gen_str_from(model), (const char *const *)names, n);
    if (!nearest)
        nearest = containing(gen_str_from(model), names, n);
    if (nearest)
        copy_name(facts->nearest, sizeof(facts->nearest), gen_str_from(nearest));
    for (size_t i = 0; i < n; i++)
        free(names[i]);
}

/* The entry of `model` in a list; NULL when it is not there, and then the nearest name is noted. */
static const struct gen_json *find_model(const struct gen_json *models, const char *key,
                                         const char *model, struct gen_model_facts *facts)
{
    struct gen_json_iter it;
    struct gen_str unused;
    const struct gen_json *m;
    facts->n_models = gen_json_count(models);
    gen_json_iter_init(&it, models);
    while (gen_json_iter_next(&it, &unused, &m)) {
        if (same_name(gen_json_get_str(m, key), gen_str_from(model))) {
            facts->exists = GEN_FACT_YES;
            return m;
        }
    }
    if (facts->exists != GEN_FACT_YES && gen_json_type(models) == GEN_JSON_ARRAY) {
        facts->exists = GEN_FACT_NO;
        find_nearest(models, key, model, facts);
    }
    return NULL;
}

/* A capability is true, or {"supported":true}. */
static enum gen_fact capability(const struct gen_json *capabilities, const char *name)
{
    const struct gen_json *v = gen_json_get(capabilities, name);
    bool is_there = false;
    if (gen_json_as_bool(v, &is_there) || gen_json_as_bool(gen_json_get(v, "supported"), &is_there))
        return is_there ? GEN_FACT_YES : GEN_FACT_NO;
    return GEN_FACT_UNKNOWN;
}

/* ---- Ollama ---- */

static void read_ollama_show(const struct gen_json *body, const char *model,
                             struct gen_model_facts *facts)
{
    (void)model;
    facts->exists = GEN_FACT_YES;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(body, "model_info"));
    while (gen_json_iter_next(&it, &key, &v)) {
        /* "qwen3.context_length": the key begins with the architecture. */
        if (gen_str_ends(key, GEN_STR(".context_length")))
            set_count(&facts->context_tokens, v);
    }
    const struct gen_json *capabilities = gen_json_get(body, "capabilities");
    if (gen_json_count(capabilities))
        facts->thinking = lists(capabilities, "thinking") ? GEN_FACT_YES : GEN_FACT_NO;
    /* The grammar is the server's, whatever the model; models in its cloud have none. */
    bool is_remote = gen_json_get_str(body, "remote_host").n > 0;
    facts->structured_outputs = is_remote ? GEN_FACT_NO : GEN_FACT_YES;
}

static void read_ollama_tags(const struct gen_json *body, const char *model,
                             struct gen_model_facts *facts)
{
    (void)find_model(gen_json_get(body, "models"), "name", model, facts);
}

const struct gen_probe gen_probes_ollama[] = {
    {"/api/show", false, true, false, read_ollama_show},
    {"/api/tags", false, false, true, read_ollama_tags},
    {NULL, false, false, false, NULL},
};

/* ---- OpenAI and those who speak like it ---- */

/* llama.cpp serves the one model that it has, whatever name is asked for. */
static const struct gen_json *find_served(const struct gen_json *models, const char *model,
                                          struct gen_model_facts *facts)
{
    const struct gen_json *first = gen_json_at(models, 0);
    const struct gen_json *m = find_model(models, "id", model, facts);
    if (m || !gen_str_is(gen_json_get_str(first, "owned_by"), "llamacpp"))
        return m;
    facts->exists = GEN_FACT_YES;
    facts->nearest[0] = '\0';
    return first;
}

static void read_openai_models(const struct gen_json *body, const char *model,
                               struct gen_model_facts *facts)
{
    /* vLLM; OpenRouter and Together; LM Studio; Groq. */
    static const char *const contexts[] = {"max_model_len", "context_length", "max_context_length",
                                           "context_window", NULL};
    static const char *const outputs[] = {"max_completion_tokens", "max_output_tokens", NULL};
    const struct gen_json *m = find_served(gen_json_get(body, "data"), model, facts);
    if (!m)
        return;
    set_count(&facts->context_tokens, gen_json_get(gen_json_get(m, "meta"), "n_ctx"));
    read_count(&facts->context_tokens, m, contexts);
    read_count(&facts->tokens_out_max, m, outputs);
    read_count(&facts->tokens_out_max, gen_json_get(m, "top_provider"), outputs);
    const struct gen_json *parameters = gen_json_get(m, "supported_parameters");
    if (gen_json_count(parameters)) {
        facts->structured_outputs =
            lists(parameters, "structured_outputs") ? GEN_FACT_YES : GEN_FACT_NO;
        facts->thinking = lists(parameters, "reasoning") ? GEN_FACT_YES : GEN_FACT_NO;
    }
}

static void read_llamacpp_props(const struct gen_json *body, const char *model,
                                struct gen_model_facts *facts)
{
    (void)model;
    const struct gen_json *settings = gen_json_get(body, "default_generation_settings");
    if (gen_json_type(settings) != GEN_JSON_OBJECT)
        return;
    if (facts->context_tokens < 0)
        set_count(&facts->context_tokens, gen_json_get(settings, "n_ctx"));
    set_count(&facts->slots, gen_json_get(body, "total_slots"));
    facts->structured_outputs = GEN_FACT_YES;
}

const struct gen_probe gen_probes_openai[] = {
    {"/models", false, false, false, read_openai_models},
    {"/props", true, false, true, read_llamacpp_props},
    {NULL, false, false, false, NULL},
};

/* ---- Anthropic ---- */

static void read_anthropic_entry(const struct gen_json *m, struct gen_model_facts *facts)
{
    const struct gen_json *capabilities = gen_json_get(m, "capabilities");
    set_count(&facts->context_tokens, gen_json_get(m, "max_input_tokens"));
    set_count(&facts->tokens_out_max, gen_json_get(m, "max_tokens"));
    facts->structured_outputs = capability(capabilities, "structured_outputs");
    facts->thinking = capability(capabilities, "thinking");
}

/* Also answers for aliases, which no list has. */
static void read_anthropic_model(const struct gen_json *body, const char *model,
                                 struct gen_model_facts *facts)
{
    (void)model;
    facts->exists = GEN_FACT_YES;
    read_anthropic_entry(body, facts);
}

static void read_anthropic_models(const struct gen_json *body, const char *model,
                                  struct gen_model_facts *facts)
{
    const struct gen_json *m = find_served(gen_json_get(body, "data"), model, facts);
    if (m)
        read_anthropic_entry(m, facts);
}

const struct gen_probe gen_probes_anthropic[] = {
    {"/v1/models/{model}", false, false, false, read_anthropic_model},
    {"/v1/models?limit=1000", false, false, true, read_anthropic_models},
    {NULL, false, false, false, NULL},
};

/* ---- Gemini ---- */

static void read_gemini_entry(const struct gen_json *m, struct gen_model_facts *facts)
{
    bool thinks = false;
    set_count(&facts->context_tokens, gen_json_get(m, "inputTokenLimit"));
    set_count(&facts->tokens_out_max, gen_json_get(m, "outputTokenLimit"));
    if (gen_json_as_bool(gen_json_get(m, "thinking"), &thinks))
        facts->thinking = thinks ? GEN_FACT_YES : GEN_FACT_NO;
}

static void read_gemini_model(const struct gen_json *body, const char *model,
                              struct gen_model_facts *facts)
{
    (void)model;
    const struct gen_json *methods = gen_json_get(body, "supportedGenerationMethods");
    /* Embedding models are models, too. */
    bool generates = gen_json_count(methods) == 0 || lists(methods, "generateContent");
    facts->exists = generates ? GEN_FACT_YES : GEN_FACT_NO;
    read_gemini_entry(body, facts);
}

static void read_gemini_models(const struct gen_json *body, const char *model,
                               struct gen_model_facts *facts)
{
    const struct gen_json *m = find_model(gen_json_get(body, "models"), "name", model, facts);
    if (m)
        read_gemini_entry(m, facts);
}

const struct gen_probe gen_probes_gemini[] = {
    {"/models/{model}", false, false, false, read_gemini_model},
    {"/models?pageSize=1000", false, false, true, read_gemini_models},
    {NULL, false, false, false, NULL},
};
