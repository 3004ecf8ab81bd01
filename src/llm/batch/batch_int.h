/* The inside of the batch channel, shared by its files alone. */
#ifndef GEN_LLM_BATCH_INT_H
#define GEN_LLM_BATCH_INT_H

#include "base/prng.h"
#include "llm/batch.h"

#define GEN_BATCH_BUCKETS    8192U /* a power of two */
#define GEN_BATCH_TEXT_BYTES 200U
#define GEN_BATCH_ANSWER_MAX ((size_t)1 << 30)
#define GEN_BATCH_GUESSES    4U

struct batch;
struct batch_channel;
struct batch_exchange;

/* A request that is in a batch, whether this run has asked it yet or not. */
struct batch_entry {
    struct gen_digest key;
    struct batch *batch;
    struct batch_exchange *exchange; /* who waits for it; NULL */
    bool is_answered;
    struct batch_entry *next_in_bucket, *next_in_batch;
};

struct batch_exchange {
    struct gen_exchange head;
    struct batch_channel *channel;
    struct gen_digest key;
    struct gen_buf body; /* until it is part of a batch */
    struct batch_entry *entry;
    struct batch_exchange *next_canceled;
    bool is_canceled;
};

enum batch_phase {
    BATCH_FILLING = 0,
    BATCH_CLOSED, /* full, to be submitted at the end of the turn */
    BATCH_UPLOADING,
    BATCH_CREATING,
    BATCH_SEEKING, /* it may be at the server without our knowing its name */
    BATCH_RUNNING,
    BATCH_FETCHING,
    BATCH_OVER,
};

struct batch {
    struct batch_channel *channel;
    struct batch *next;
    enum batch_phase phase;
    int64_t row;    /* in the ledger */
    int64_t run_id; /* that submitted it */
    char marker[48];
    char id[GEN_BATCH_TEXT_BYTES], file_id[GEN_BATCH_TEXT_BYTES];
    char word[48]; /* the provider's, of the state last seen */
    int64_t submitted_unix;
    struct batch_entry *entries;
    size_t n_entries;
    int64_t n_requests;      /* as submitted: some of an old batch may be in another one as well */
    size_t n_left;           /* exchanges that wait for it */
    struct gen_buf requests; /* until it is created */
    struct gen_buf form;     /* what is being sent */
    char form_type[128];
    bool is_old;         /* an earlier run's */
    bool was_seen_alive; /* by this run */
    bool is_canceled;    /* at the provider */
    struct gen_timer *timer;
    unsigned n_failures;  /* of the present question in a row */
    unsigned n_creations; /* whose answer was lost */
    unsigned n_looks;     /* through the provider's list */
    unsigned n_pages;     /* of the present look */
    char page[GEN_BATCH_TEXT_BYTES];
    char not_this[GEN_BATCH_GUESSES]
                 [GEN_BATCH_TEXT_BYTES]; /* taken for it, and found to be others */
    size_t n_not_this;
    char results[2][GEN_BATCH_TEXT_BYTES];
    size_t result_index;
    unsigned n_fetches;     /* that brought less than was promised */
    int64_t n_promised;     /* answers, as the provider counts them */
    int64_t n_lines, n_own; /* seen in this fetch; those that are this batch's */
    int64_t n_broken;       /* lines that are no JSON */
};

struct batch_channel {
    struct gen_channel_options o;
    struct gen_batch_options b;
    const struct gen_batch_protocol *protocol;
    struct batch *first; /* all */
    struct batch *filling;
    struct batch_entry *buckets[GEN_BATCH_BUCKETS];
    struct gen_exchange *live; /* all that are prepared or in a batch */
    struct batch_exchange *canceled;
    struct gen_turn *turn;
    struct gen_prng random;
    bool is_resumed;          /* old batches are asked after, once all who want them have asked */
    bool has_told;            /* that Ctrl-C leaves batches to the provider */
    struct gen_error failure; /* ours, in a callback: told at the end of the turn */
    int failed;
};

/* channel_batch.c */
/* The newest entry with this key; of the batch `in` when that is not NULL. */
struct batch_entry *gen_batch_find(const struct batch_channel *c, const struct gen_digest *key,
                                   const struct batch *in);
GEN_MUST_USE int gen_batch_add_entry(struct batch *b, const struct gen_digest *key,
                                     struct batch_entry **out, struct gen_error *err);
/* Gives the exchange its result and frees it. */
void gen_batch_deliver(struct batch_exchange *x, struct gen_llm_result *result,
                       const struct gen_error *failure);
void gen_batch_fail(struct batch_channel *c, int rc, const struct gen_error *err);
/* The batch is done with: its entries are forgotten. */
void gen_batch_forget(struct batch *b);

/* remote.c: the conversation with the provider. */
GEN_MUST_USE int gen_batch_submit(struct batch *b, struct gen_error *err);
/* Takes up a batch that is on record: asks how far it is, or looks for it. */
void gen_batch_resume(struct batch *b);
/* Everyone who waits for the batch gets this result; it is over. One that ends the run goes to one
 * of them, and the others count as canceled: nothing is wrong with their requests. */
void gen_batch_refuse(struct batch *b, const struct gen_llm_result *why);
/* The same for one that never came to be, or was refused: it has failed on record. */
void gen_batch_give_up(struct batch *b, const struct gen_llm_result *why);
/* What it is called in messages. */
const char *gen_batch_name(const struct batch *b);
void gen_batch_copy_name(char *to, struct gen_str name);
/* Creates it at the provider; its requests are there, or their file is. */
void gen_batch_create(struct batch *b);
/* It is at the provider under this name. */
void gen_batch_adopt(struct batch *b, struct gen_str id);
/* GET of `path` with `id` for "{id}". */
void gen_batch_get(struct batch *b, const char *path, struct gen_str id, bool is_long,
                   gen_http_fn *fn);
/* The question of the present phase is put (again) after so long. */
void gen_batch_later(struct batch *b, uint64_t delay_ms);
/* A question failed: it is put again when that may help, else the batch is given up, or left to a
 * later run when it may be alive. */
void gen_batch_failed(struct batch *b, struct gen_llm_result *result);
/* True when the response is a success, with its root; else gen_batch_failed was called. */
bool gen_batch_is_success(struct batch *b, const struct gen_http_response *response,
                          struct gen_llm_result *result, const struct gen_json **body);
/* A fault of ours ends the run. */
void gen_batch_fault(struct batch *b, int rc, const struct gen_error *err);

/* seek.c: looks for a batch that may be at the provider without our knowing its name. */
void gen_batch_seek(struct batch *b);
/* The next page of the list. */
void gen_batch_look(struct batch *b);
/* What was found is not it after all. */
void gen_batch_seek_another(struct batch *b);

/* collect.c: the lines of a batch's results. */
GEN_MUST_USE int gen_batch_collect_text(struct batch *b, struct gen_str lines,
                                        struct gen_error *err);
GEN_MUST_USE int gen_batch_collect_json(struct batch *b, const struct gen_json *lines,
                                        struct gen_error *err);
/* All results are in: who waits in vain is told, and the batch is collected on record. When it was
 * canceled while this run waited for it, nothing is submitted anew. */
GEN_MUST_USE int gen_batch_finish(struct batch *b, struct gen_error *err);

#endif
