/*
 * The engine: a streaming map of items through steps. Items enter from a source, flow through all
 * steps at the same time, and leave in input order. Memory is bounded by the windows, never by the
 * input. Runs on one loop, in one thread.
 *
 * A turn of the loop: answers that arrived and the "sent" marks of the calls about to leave are
 * written to the ledger; one commit; the calls leave; and only then are answers used
 * (doc/durability.md).
 */
#ifndef GEN_ENGINE_ENGINE_H
#define GEN_ENGINE_ENGINE_H

#include "engine/step.h"
#include "llm/channel.h"
#include "llm/prices.h"
#include "os/loop.h"

enum gen_pull {
    GEN_PULL_ITEM = 1, /* *out is set; the engine owns it now */
    GEN_PULL_WAIT,     /* nothing until all that is under way has left the first stage */
    GEN_PULL_LATER,    /* nothing just now; the source makes the loop take a turn when there is */
    GEN_PULL_END,
};

struct gen_source {
    /* `drained`: nothing that this source gave is still in the first stage. */
    int (*pull)(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err);
    void *ud;
};

struct gen_sink {
    /* A finished item, in input order; borrowed. */
    int (*item)(void *ud, const struct gen_item *item, struct gen_error *err);
    /* An input that ended without output or failed, in input order of its stage. `class_name` is
     * the class or rule. */
    int (*failure)(void *ud, const char *stage, const struct gen_item *item, const char *class_name,
                   const char *message, unsigned n_attempts, struct gen_error *err);
    void *ud;
};

struct gen_engine_options {
    const struct gen_step *steps; /* in flow order */
    size_t n_steps;
    struct gen_source source;
    struct gen_sink sink;
    const struct gen_provider *provider;
    const struct gen_channel *channel; /* borrowed; NULL for providers that answer at once */
    const char *endpoint_name; /* what is learned about an endpoint is kept under it; may be NULL */
    struct gen_loop *loop;     /* borrowed; its turn-end hook is the engine's while it runs */
    struct gen_ledger *ledger;
    int64_t run_id;
    size_t window_start, window_max; /* of requests in flight */
    struct gen_price price;
    int64_t max_cost_microusd; /* 0: no limit; likewise below */
    int64_t max_tokens_total;  /* in and out together, of this run's answers */
    int64_t max_requests;      /* sent by this run */
    int64_t max_requests_a_minute, max_tokens_a_minute;
    bool is_batch;       /* the window is as large as it may be from the start, and stays so */
    bool fresh;          /* answers of `fresh_from` and later alone count */
    bool repeat_actions; /* the same for observations alone */
    int64_t fresh_from;  /* the run, or the earlier one with which it goes on; 0: run_id */
    bool retry_failed;   /* ask again where the ledger's answers alone led to a failure */
    bool keep_chunks;    /* store chunks in the ledger for later commands */
    uint64_t seed;
    const struct gen_log *log;
    /* Called at most ten times a second, and once at the end. May be NULL. */
    void (*progress)(void *ud);
    void *progress_ud;
};

enum gen_end {
    GEN_END_DONE = 0,
    GEN_END_INTERRUPTED, /* Ctrl-C */
    GEN_END_BUDGET,      /* --max-cost, --max-tokens-total or --max-requests reached */
    GEN_END_PROVIDER,    /* the endpoint is dead, refuses the key, has no money */
    GEN_END_WAITING,     /* requests lie in files for another program */
};

struct gen_engine;

GEN_MUST_USE int gen_engine_new(struct gen_engine **out, const struct gen_engine_options *options,
                                struct gen_error *err);
void gen_engine_free(struct gen_engine *e);

/*
 * Runs to the end. GEN_OK with `*end` for every orderly ending, also when items failed;
 * `stop_reason` (gen_engine_stop_reason) says why for the others. Errors are ours: disk, ledger,
 * memory, an unreadable input.
 */
GEN_MUST_USE int gen_engine_run(struct gen_engine *e, enum gen_end *end, struct gen_error *err);
const char *gen_engine_stop_reason(const struct gen_engine *e);
/* What made the provider unusable; GEN_CLASS_NONE: nothing did. */
enum gen_class gen_engine_stop_class(const struct gen_engine *e);

/* First call: nothing more is sent, what is in flight is waited for. Second: what is in flight is
 * abandoned (recorded as unknown). Returns how often it was called. Loop thread. */
unsigned gen_engine_interrupt(struct gen_engine *e);

/* For the display; borrowed, changing. */
const struct gen_stage_account *gen_engine_accounts(const struct gen_engine *e, size_t *n);
size_t gen_engine_window(const struct gen_engine *e);
size_t gen_engine_in_flight(const struct gen_engine *e);
/* Milliseconds until anything is sent again; 0: not paused. `*why` gets a constant clause for
 * people: "the server asked for it". */
uint64_t gen_engine_paused_ms(const struct gen_engine *e, const char **why);
bool gen_engine_is_stopping(const struct gen_engine *e);

#endif
