/*
 * What is asked of a model and what comes back, the same for every provider. What a server answers
 * is never an error of ours but a result with a class (providers.md §2.1).
 */
#ifndef GEN_LLM_LLM_H
#define GEN_LLM_LLM_H

#include "base/hash.h"
#include "base/secret.h"
#include "ledger/ledger.h"
#include "json/json.h"

#include <stdbool.h>

/* Stored in the ledger as numbers: never renumber. */
enum gen_class {
    GEN_CLASS_NONE = 0,
    GEN_CLASS_OK = 1,
    GEN_CLASS_RATE_LIMIT = 2,
    GEN_CLASS_OVERLOAD = 3,
    GEN_CLASS_SERVER_ERROR = 4,
    GEN_CLASS_TRANSPORT = 5, /* no whole answer came: refused, reset, timeout */
    GEN_CLASS_QUOTA = 6,
    GEN_CLASS_AUTH = 7,
    GEN_CLASS_CONTEXT_OVERFLOW = 8,
    GEN_CLASS_UNSUPPORTED_PARAM = 9,
    GEN_CLASS_BAD_REQUEST = 10,
    GEN_CLASS_BLOCKED = 11,   /* refusal or content filter */
    GEN_CLASS_TRUNCATED = 12, /* the model ran into its token limit */
    GEN_CLASS_MALFORMED = 13, /* a complete answer that does not fit the step's schema */
    GEN_CLASS_CANCELED = 14,
    GEN_CLASS_CONTINUE = 15, /* a part of an answer; the rest is asked for with a token (Gemini) */
    GEN_N_CLASSES = 16,
};
const char *gen_class_name(enum gen_class c); /* "rate_limit" */

/* What the extractive provider answers from, instead of the prompt's text. Borrowed while a request
 * is answered. */
enum gen_task {
    GEN_TASK_NONE = 0,
    GEN_TASK_QA,
    GEN_TASK_CODE_QA,
    GEN_TASK_ENRICH,
    GEN_TASK_RATE,
    GEN_TASK_COT,
    GEN_TASK_CODE_COT,
    GEN_TASK_ENHANCE,
    GEN_TASK_DESCRIBE_SET,
    GEN_TASK_CHOOSE_SET,
    GEN_TASK_TOOL_REQUEST,  /* write a request for a blueprint (all categories) */
    GEN_TASK_TOOL_PLAN,     /* all calls of a request at once */
    GEN_TASK_TOOL_STEP,     /* the next call, with the observations so far in view */
    GEN_TASK_TOOL_SIMULATE, /* stand in for a tool */
    GEN_TASK_TOOL_ANSWER,   /* the final answer from observations */
    GEN_TASK_TOOL_RATE,
};

struct gen_task_pair {
    struct gen_str id, question, answer;
    struct gen_str reasoning; /* of a pair that has one, else empty */
};

struct gen_task_inputs {
    enum gen_task task;
    struct gen_str title, section, language, text; /* the chunk; empty when it is not known */
    const struct gen_task_pair *pairs;             /* enrich, enhance, rate */
    size_t n_pairs;                                /* of `pairs`; QA and CoT: how many are wanted */
    struct gen_str topic;
    /* Describe and choose (qa/compare.h) and the tasks of tools (dataset/trajectory.h): the item,
     * as JSON. */
    struct gen_str record;
    uint64_t seed;
};

/* The part of a request that has equal bytes for a whole step. Made once by gen_llm_stable_init;
 * read-only. */
struct gen_llm_stable {
    const char *provider;
    const char *model;
    struct gen_str system;
    struct gen_str system_json; /* `system` as a JSON string; empty: not rendered beforehand */
    struct gen_str schema;      /* JSON Schema text of the answer; empty: free text */
    struct gen_str wire_schema; /* the same in the provider's dialect (llm/dialect.h); empty: as it
                                   is. Not part of the digest */
    const struct gen_json *schema_json;
    const char *schema_name; /* [A-Za-z0-9_-]{1,64} */
    bool has_temperature;
    double temperature;
    bool has_seed;
    int64_t seed;
    struct gen_digest digest; /* of all of the above */
};

struct gen_llm_request {
    const struct gen_llm_stable *stable;
    struct gen_str user;
    int64_t tokens_out_max;
    unsigned sample; /* 0, or the number of a further answer to the same question */
    unsigned
        reseed; /* how often the same question was put with another seed; not part of the key */
    struct gen_str continuation; /* token of GEN_CLASS_CONTINUE; not part of the key */
    const struct gen_task_inputs *inputs;
};

/* Fills `digest`; the other members are set and their texts borrowed for the life of `s`. */
GEN_MUST_USE int gen_llm_stable_init(struct gen_llm_stable *s, struct gen_sha256 *hash,
                                     struct gen_error *err);

/* Key of the canonical request: provider, model, messages, schema, sampling, sample number; not the
 * host, not the key. */
GEN_MUST_USE int gen_llm_key(const struct gen_llm_request *r, struct gen_sha256 *hash,
                             struct gen_digest *key, struct gen_error *err);

/* One limit as an answer's headers tell it. -1: not said. */
struct gen_rate_limit {
    int64_t limit, remaining;
    int64_t full_in_ms; /* until it is full again; not the time that one must wait */
};

struct gen_rate_limits {
    struct gen_rate_limit requests, tokens, tokens_in, tokens_out;
};

struct gen_llm_tool_call {
    struct gen_str id, name;
    struct gen_str arguments; /* JSON text as the model wrote it: may be invalid */
};

/* The result of one attempt. Owns what its views point into. */
struct gen_llm_result {
    enum gen_class class_code;
    int http_status;
    struct gen_str text; /* the model's words */
    struct gen_str reasoning;
    /* The end mark: "stop", "length", "tool_calls", "refusal" and "content_filter" whatever the
     * provider calls them, else its own word ("SAFETY"); empty: there was none. */
    struct gen_str finish;
    struct gen_str model;
    struct gen_str continuation;          /* GEN_CLASS_CONTINUE: what to ask for the rest with */
    struct gen_llm_tool_call *tool_calls; /* owned */
    size_t n_tool_calls;
    struct gen_usage usage;
    struct gen_rate_limits limits;
    int64_t retry_after_ms; /* least wait the server asked for; -1: none */
    int should_retry;       /* x-should-retry: 1 yes, 0 no, -1 it did not say */
    bool stop_provider;     /* no later request can succeed: wrong key, no such model, no money */
    bool retry_is_free;  /* a dead keep-alive connection: nothing was sent that could be billed */
    bool lower_rate;     /* the rate grew too fast, even inside the limits: ramp up slowly */
    bool try_other_seed; /* blocked by what may be chance (RECITATION): worth one more try */
    uint64_t latency_us;
    char param[64];           /* unsupported_param: the parameter's name */
    char rename[64];          /* unsupported_param: what the server wants in its place */
    char category[48];        /* blocked: the provider's reason ("frontier_llm", "SAFETY") */
    char request_id[80];      /* for the server's people */
    char message[512];        /* for people: what the server said; never a key */
    struct gen_json_doc *doc; /* private: owner of the views */
    char *owned;              /* private: likewise */
};

struct gen_llm_result gen_llm_result_make(void);
void gen_llm_result_release(struct gen_llm_result *r);

#endif
