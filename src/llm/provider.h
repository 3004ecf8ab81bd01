/*
 * A provider turns requests into bytes and bytes into results: pure functions, no network, no
 * clock. The list of providers is handed down from main; nothing but that list and list-providers
 * knows a provider's name.
 *
 * To add one: a file in llm/provider/, its row in main.c, its cases in test/data/llm/.
 */
#ifndef GEN_LLM_PROVIDER_H
#define GEN_LLM_PROVIDER_H

#include "llm/llm.h"
#include "net/http.h"

/* Parameters that a server may turn out not to support; dropped once and remembered (bits, stored
 * as a note). */
enum gen_param {
    GEN_PARAM_TEMPERATURE = 1 << 0,
    GEN_PARAM_SEED = 1 << 1,
    GEN_PARAM_SCHEMA = 1 << 2,      /* json_schema is refused: fall back to JSON mode */
    GEN_PARAM_JSON_MODE = 1 << 3,   /* JSON mode is refused as well */
    GEN_PARAM_MAX_TOKENS = 1 << 4,  /* "max_tokens" is refused: "max_completion_tokens" instead */
    GEN_PARAM_SYSTEM_ROLE = 1 << 5, /* no system role: its text goes in front of the user's */
    GEN_PARAM_TRUNCATE = 1 << 7,
};

struct gen_endpoint {
    const char *base_url;         /* without a slash at the end */
    const struct gen_secret *key; /* NULL: none */
    unsigned dropped;             /* enum gen_param bits that this endpoint does not take */
    int64_t num_ctx;              /* Ollama: context window to load the model with */
    uint64_t timeout_ms;
};

struct gen_provider {
    const char *name;
    const char *title;            /* one line for list-providers */
    const char *setup;            /* what to do before first use */
    const char *default_base_url; /* NULL: needs no network */
    const char *default_model;    /* NULL: one must be named */
    const char *key_env;          /* environment variable of the key; NULL: takes none */
    bool key_required;            /* at the default base URL */
    bool is_local;                /* costs nothing */
    const char *auth_header;
    const char *auth_prefix;
    const char *chat_path;  /* appended to the base URL */
    const char *probe_path; /* a cheap GET that answers when the server lives; NULL: none */
    size_t in_flight_start; /* providers.md §5.3 */
    size_t in_flight_max;
    bool sends_temperature; /* steps' own temperatures are sent; else only what the user set */

    /* Appends the request's body. */
    int (*build)(const struct gen_llm_request *r, const struct gen_endpoint *e,
                 struct gen_buf *body, struct gen_error *err);
    /* Fills a result from gen_llm_result_make; the response is borrowed for the call only. Fails
     * with GEN_ENOMEM alone. */
    int (*parse)(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err);
    /* Providers without a network: answers at once. NULL otherwise. */
    int (*answer)(const struct gen_llm_request *r, struct gen_llm_result *result,
                  struct gen_error *err);
};

extern const struct gen_provider gen_provider_ollama;
extern const struct gen_provider gen_provider_openai;
extern const struct gen_provider gen_provider_vllm;
extern const struct gen_provider gen_provider_extractive;

/* The provider called `name` in a NULL-terminated list, or NULL. */
const struct gen_provider *gen_provider_find(const struct gen_provider *const *list,
                                             const char *name);

/*
 * Common to HTTP providers. Classifies everything that is not a success: transport failures,
 * statuses, error bodies in all the shapes of providers.md §0.8. Returns true when it did; false
 * means that the body is a success to be read by the provider, and `*body` is its parsed root
 * (owned by result->doc). `now_unix_ms` is for HTTP dates.
 */
bool gen_classify(const struct gen_http_response *response, struct gen_llm_result *result,
                  const struct gen_json **body);

/* Copies a message for people into the result: one line, control characters gone, what looks like a
 * key masked. */
void gen_llm_set_message(struct gen_llm_result *result, struct gen_str text);

#endif
