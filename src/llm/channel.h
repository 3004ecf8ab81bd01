/*
 * A channel carries requests to a model and brings their results back: over HTTP, whole or streamed
 * (channel_http.c), by running a program (channel_program.c), in half-price batches
 * (channel_batch.c), or by files for an offline engine (channel_files.c). The engine knows nothing
 * else of how an answer comes about.
 *
 * Loop thread. A request is prepared (its bytes are made), its attempt is committed to the ledger,
 * and only then is it sent.
 */
#ifndef GEN_LLM_CHANNEL_H
#define GEN_LLM_CHANNEL_H

#include "base/log.h"
#include "llm/provider.h"
#include "os/loop.h"

struct gen_exchange;

/* The result; the callee takes what it owns (gen_llm_result_release). Called exactly once for each
 * exchange that was sent, never from inside gen_channel_send; the exchange is gone afterwards.
 * `failure` is not NULL when the fault is ours (memory). */
typedef void gen_exchange_fn(void *ud, struct gen_llm_result *result,
                             const struct gen_error *failure);

/* One request, from preparation to its result: the head of each channel's own structure. */
struct gen_exchange {
    gen_exchange_fn *fn; /* set by gen_channel_send */
    void *ud;
    struct gen_exchange *next, **link; /* in its channel's list (llm/exchange.h) */
};

struct gen_channel_table {
    /* Makes the bytes of a request. `dropped` are the parameters to leave out. */
    int (*prepare)(void *state, const struct gen_llm_request *r, const struct gen_digest *key,
                   unsigned dropped, struct gen_exchange **out, struct gen_error *err);
    int (*send)(void *state, struct gen_exchange *x, struct gen_error *err);
    /* The result comes soon, with GEN_CLASS_CANCELED unless it was there already. */
    void (*cancel)(void *state, struct gen_exchange *x);
    /* Frees a prepared exchange that will not be sent; it has left the channel's list. */
    void (*release)(struct gen_exchange *x);
    /* The engine's turn is over. `is_idle`: it will send nothing more before a result comes, so
     * that a batch must not wait to be filled. NULL: nothing to do. */
    int (*turn_end)(void *state, bool is_idle, struct gen_error *err);
    /* True when results will not come in this run: the requests lie in a file for another program.
     * NULL: never. */
    bool (*is_parked)(const void *state);
    /* What is in flight is not lost when it is abandoned: a later run collects its answers. */
    bool keeps_answers;
    void (*free)(void *state);
};

struct gen_channel {
    const struct gen_channel_table *table;
    void *state;
};

struct gen_channel_options {
    const struct gen_provider *provider;
    struct gen_endpoint endpoint; /* `dropped` is not used */
    const char *model;
    struct gen_loop *loop;
    struct gen_http *http; /* borrowed */
    const struct gen_log *log;
};

GEN_MUST_USE int gen_channel_http_new(struct gen_channel *out, const struct gen_channel_options *o,
                                      struct gen_error *err);
/* `program` is the path of the provider's program; it is copied. */
GEN_MUST_USE int gen_channel_program_new(struct gen_channel *out,
                                         const struct gen_channel_options *o, const char *program,
                                         struct gen_error *err);

GEN_MUST_USE int gen_channel_prepare(const struct gen_channel *c, const struct gen_llm_request *r,
                                     const struct gen_digest *key, unsigned dropped,
                                     struct gen_exchange **out, struct gen_error *err);
GEN_MUST_USE int gen_channel_send(const struct gen_channel *c, struct gen_exchange *x,
                                  gen_exchange_fn *fn, void *ud, struct gen_error *err);
void gen_channel_cancel(const struct gen_channel *c, struct gen_exchange *x);
void gen_channel_discard(const struct gen_channel *c, struct gen_exchange *x);
GEN_MUST_USE int gen_channel_turn_end(const struct gen_channel *c, bool is_idle,
                                      struct gen_error *err);
bool gen_channel_is_parked(const struct gen_channel *c);
/* Results do not come any more. After gen_http_free of its HTTP client, which ends what is in
 * flight. A channel of zeros is fine. */
void gen_channel_free(struct gen_channel *c);

#endif
