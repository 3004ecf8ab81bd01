/*
 * What a server tells about a model before anything is asked: context window, longest answer, what
 * it can do. Read from Ollama's /api/show, OpenAI-compatible /models (vLLM's max_model_len,
 * llama.cpp's meta.n_ctx), llama.cpp's /props, Anthropic's and Gemini's model lists.
 */
#ifndef GEN_LLM_FACTS_H
#define GEN_LLM_FACTS_H

#include "llm/provider.h"

enum gen_fact { GEN_FACT_UNKNOWN = -1, GEN_FACT_NO = 0, GEN_FACT_YES = 1 };

struct gen_model_facts {
    enum gen_fact exists;             /* the server knows the model */
    int64_t context_tokens;           /* -1: not said */
    int64_t tokens_out_max;           /* -1: not said */
    int64_t slots;                    /* requests that it works on at the same time; -1: not said */
    enum gen_fact structured_outputs; /* takes a JSON Schema */
    enum gen_fact thinking;
    char nearest[128]; /* of the names that the server knows, when it does not know this one */
    size_t n_models;   /* listed */
};

/* One request about the model. */
struct gen_probe {
    const char *path; /* below the base URL, "{model}" is replaced; NULL ends the list */
    bool from_host;   /* below the host instead: llama.cpp's /props beside /v1 */
    bool post_model;  /* POST {"model": name}, else GET */
    bool is_optional; /* another server of this protocol may not have it */
    /* Adds what the body of a 2xx answer says to the facts. */
    void (*read)(const struct gen_json *body, const char *model, struct gen_model_facts *facts);
};

struct gen_model_facts gen_model_facts_make(void);

/* Reads one answer: fills facts when it is a success; else `result` has class and message. */
GEN_MUST_USE int gen_probe_read(const struct gen_probe *probe,
                                const struct gen_http_response *response, const char *model,
                                struct gen_model_facts *facts, struct gen_llm_result *result,
                                struct gen_error *err);
/* The URL of a probe in `url`. GEN_ELIMIT when it is too long. */
GEN_MUST_USE int gen_probe_url(const struct gen_probe *probe, const struct gen_endpoint *e,
                               const char *model, char *url, size_t n, struct gen_error *err);

extern const struct gen_probe gen_probes_ollama[];
extern const struct gen_probe gen_probes_openai[];
extern const struct gen_probe gen_probes_anthropic[];
extern const struct gen_probe gen_probes_gemini[];

#endif
