/*
 * A provider turns requests into bytes and bytes into results: pure functions, no network, no
 * clock. The list of providers is handed down from main; nothing but that list and list-providers
 * knows a provider's name.
 *
 * To add one: a file in llm/provider/, its row in main.c, its cases in test/data/llm/.
 */
#ifndef GEN_LLM_PROVIDER_H
#define GEN_LLM_PROVIDER_H

#include "llm/dialect.h"
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
    GEN_PARAM_THINKING = 1 << 6,    /* think, thinking, thinkingConfig, reasoning_effort */
    GEN_PARAM_TRUNCATE = 1 << 7,
    GEN_PARAM_CACHE = 1 << 8,  /* prompt_cache_key, cache_control */
    GEN_PARAM_STREAM = 1 << 9, /* stream_options */
};

enum gen_stream_mode {
    GEN_STREAM_AUTO = 0, /* as the provider demands */
    GEN_STREAM_ON,
    GEN_STREAM_OFF,
};

struct gen_endpoint {
    const char *base_url;         /* without a slash at the end */
    const struct gen_secret *key; /* NULL: none */
    unsigned dropped;             /* enum gen_param bits that this endpoint does not take */
    int64_t num_ctx;              /* Ollama: context window to load the model with */
    uint64_t timeout_ms;
    enum gen_stream_mode stream;
    const char *api_version;      /* Anthropic; NULL: the provider's default */
    const char *reasoning_effort; /* "none".."max" (--reasoning-effort); NULL: not set */
    bool is_batch;                /* bodies are lines of a batch: never streamed */
};

struct gen_llm_stream;
struct gen_batch_protocol;
struct gen_probe;

/* Where a request goes and with which headers. */
struct gen_wire {
    char url[2048];
    const char *headers[6]; /* NULL-terminated, constants or into `version` */
    char version[64];
    const char *auth_header, *auth_prefix; /* NULL when the endpoint has no key */
};

struct gen_provider {
    const char *name;
    const char *title;               /* one line for list-providers */
    const char *setup;               /* what to do before first use */
    const char *default_base_url;    /* NULL: needs no network */
    const char *default_model;       /* NULL: one must be named */
    const char *key_env;             /* environment variable of the key; NULL: takes none */
    const char *key_env_alternative; /* read when key_env is not set; NULL: none */
    bool key_required;               /* at the default base URL */
    bool is_local;                   /* costs nothing */
    const char *auth_header;
    const char *auth_prefix;
    const char *chat_path;   /* appended to the base URL; "{model}" stands for the model */
    const char *stream_path; /* for streamed answers; NULL: the same */
    const char *probe_path;  /* a cheap GET that answers when the server lives; NULL: none */
    size_t in_flight_start;  /* providers.md §5.3 */
    size_t in_flight_max;
    bool sends_temperature; /* steps' own temperatures are sent; else only what the user set */
    enum gen_dialect dialect;
    bool takes_num_ctx;          /* loads the model with the endpoint's context window */
    bool continues;              /* answers may come in parts (GEN_CLASS_CONTINUE) */
    bool streams_lines;          /* streamed answers are lines of JSON, not server-sent events */
    size_t cached_prefix_tokens; /* a stable text of this size or more is kept by the server at a
                                    lower price: one request goes first for each; 0: it is not */
    const char *program; /* a program that is run for each request, instead of HTTP; NULL: none */
    const char *const *program_dirs; /* where else than in PATH it may be; NULL-terminated; NULL */
    bool tells_cost;                 /* answers carry what they cost */
    const struct gen_provider *fallback; /* used when the program is missing and its key is set */
    const struct gen_batch_protocol *batch; /* half-price batches; NULL: there are none */
    const struct gen_probe *probes; /* what can be asked about the model beforehand; ends with a row
                                       without a path; NULL: nothing */

    /* Adds to the url and the headers that gen_provider_wire has made. NULL: nothing to add. */
    void (*wire)(const struct gen_endpoint *e, struct gen_wire *w);
    /* Whether the answer to this request must come as a stream. NULL: never. */
    bool (*needs_stream)(const struct gen_llm_request *r, const struct gen_endpoint *e);
    /* Adds one event of a streamed answer (llm/stream.h). NULL: answers are not streamed. */
    int (*on_event)(struct gen_llm_stream *s, struct gen_str name, const struct gen_json *data,
                    struct gen_error *err);
    /* Sets the class from text, finish and usage, the same for streamed and whole answers; what the
     * end mark is called is made uniform here. `has_end_mark`: the closing event came, or the body
     * was whole. */
    void (*judge)(struct gen_llm_result *result, bool has_end_mark);
    /* Providers with a program: appends the arguments after the program's name, each with its NUL.
     * `build` gives what goes to standard input; `parse` reads standard output, with the exit code
     * as the status. */
    int (*arguments)(const struct gen_llm_request *r, const struct gen_endpoint *e,
                     struct gen_buf *out, struct gen_error *err);
    /* Variables for the program's environment, NUL-separated "NAME=value". */
    int (*environment)(const struct gen_llm_request *r, const struct gen_endpoint *e,
                       struct gen_buf *out, struct gen_error *err);

    /* Appends the request's body. */
    int (*build)(const struct gen_llm_request *r, const struct gen_endpoint *e,
                 struct gen_buf *body, struct gen_error *err);
    /* Fills a result from gen_llm_result_make; the response is borrowed for the call only. Fails
     * with GEN_ENOMEM alone. */
    int (*parse)(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err);
    /* A last look at a parsed result, for what only the request can tell: `body_bytes` is the size
     * of the body that was sent. NULL: nothing to look for. */
    void (*check)(const struct gen_endpoint *e, size_t body_bytes, struct gen_llm_result *result);
    /* Providers without a network: answers at once. NULL otherwise. */
    int (*answer)(const struct gen_llm_request *r, struct gen_llm_result *result,
                  struct gen_error *err);
};

extern const struct gen_provider gen_provider_ollama;
extern const struct gen_provider gen_provider_openai;
extern const struct gen_provider gen_provider_vllm;
extern const struct gen_provider gen_provider_anthropic;
extern const struct gen_provider gen_provider_gemini;
extern const struct gen_provider gen_provider_claude;
extern const struct gen_provider gen_provider_extractive;

/* `base` and `path` with each "{model}" in the path replaced by the model's name, percent-encoded
 * where a path demands it; "models/" in front of both is written once. GEN_ELIMIT when it is over
 * `n` - 1 bytes. */
GEN_MUST_USE int gen_provider_url(const char *base, const char *path, const char *model, char *out,
                                  size_t n, struct gen_error *err);
/* Url, headers and key header of a request about `model`. `path` is the provider's chat_path or
 * another below the base URL; "{model}" in it is replaced. GEN_ELIMIT when it is too long. */
GEN_MUST_USE int gen_provider_wire(const struct gen_provider *p, const struct gen_endpoint *e,
                                   const char *model, const char *path, struct gen_wire *out,
                                   struct gen_error *err);
/* Whether this request's answer is streamed: the provider demands it, or the user asked for it. */
bool gen_provider_streams(const struct gen_provider *p, const struct gen_llm_request *r,
                          const struct gen_endpoint *e);

/* The GEN_PARAM bit that leaves out what a server calls `name` ("output_config.format", "think",
 * "messages[0].role"): the innermost part that has a bit decides. 0: we do not send it, or cannot
 * do without it. */
unsigned gen_param_bit(const char *name);
/* The bit to leave out after a complaint about a request that was sent without `dropped`: the next
 * milder form of a schema is JSON mode. 0: there is nothing left that could be left out. */
unsigned gen_param_to_drop(const char *name, unsigned dropped);

/* The provider called `name` in a NULL-terminated list, or NULL. */
const struct gen_provider *gen_provider_find(const struct gen_provider *const *list,
                                             const char *name);

/*
 * Common to HTTP providers. Classifies everything that is not a success: transport failures,
 * statuses, error bodies in all the shapes of providers.md §0.8, in the order transport, status,
 * codes and quota ids, words (providers.md §2.1). Returns true when it did; false means that the
 * body is a success to be read by the provider, and `*body` is its parsed root (owned by
 * result->doc).
 */
bool gen_classify(const struct gen_http_response *response, struct gen_llm_result *result,
                  const struct gen_json **body);

/* Classifies an error that came inside an answer, in the middle of a stream say: `error` is the
 * JSON that an HTTP error of this kind would have, `status` the HTTP status that such an error has,
 * 0 to take it from the error itself. */
void gen_classify_error(const struct gen_http_response *response, int status, struct gen_str error,
                        struct gen_llm_result *result);
/* Limits, waits, request id, status and latency of a response into the result. */
void gen_classify_headers(const struct gen_http_response *response, struct gen_llm_result *result);

/* Whether a text is a model's excuse rather than an answer, by its first words: for servers that
 * have no sign for a refusal. A guess; for texts that could not be read as what was asked for. */
bool gen_llm_text_refuses(struct gen_str text);

/* Copies a message for people into the result: one line, control characters gone, what looks like a
 * key masked. */
void gen_llm_set_message(struct gen_llm_result *result, struct gen_str text);

#endif
