/*
 * The durable memory of every call and run. A call is identified by its key, the SHA-256 of the
 * canonical request; an answer under a key is paid once and found for ever. Attempts move forward
 * only: planned -> sent -> {answered | failed | unknown}; "unknown" is a call that was sent by a
 * process that died.
 *
 * The promise (doc/durability.md): what gen_ledger_commit has returned for survives kill -9.
 * Between gen_ledger_begin and gen_ledger_commit any number of records are written as one
 * transaction; nothing is used before its commit. Outside begin and commit each write is a
 * transaction of its own. The interface speaks of answers and runs, never of SQLite; drivers are
 * tables of functions. One process writes a ledger at a time; any number read.
 *
 * A ledger that failed to write (GEN_EIO, GEN_ENOMEM: the disk is full, say) is broken from then
 * on: what was not committed is dropped, and every later call, finds too, returns the same error,
 * so that half a turn is never committed. Refusals (GEN_ESTATE, GEN_ELIMIT) change nothing and
 * break nothing. It keeps no secrets and no requests, only their keys. Loop thread only.
 */
#ifndef GEN_LEDGER_LEDGER_H
#define GEN_LEDGER_LEDGER_H

#include "base/hash.h"

#include <stdbool.h>

/* Stored as numbers: never renumber. */
enum gen_attempt_state {
    GEN_ATTEMPT_PLANNED = 1,
    GEN_ATTEMPT_SENT = 2,
    GEN_ATTEMPT_ANSWERED = 3,
    GEN_ATTEMPT_FAILED = 4,
    GEN_ATTEMPT_UNKNOWN = 5,
};

struct gen_usage {
    int64_t tokens_in; /* -1: the server did not say */
    int64_t tokens_out;
    int64_t tokens_cached;      /* part of tokens_in */
    int64_t tokens_reasoning;   /* part of tokens_out */
    int64_t cost_microusd;      /* -1: price unknown */
    int64_t tokens_cache_write; /* part of tokens_in that the server keeps from now on; counts for
                                   the cost, and is not stored */
};

/* A complete answer of a model. Views are the caller's when writing, and good until the next call
 * for the same ledger when reading. Text and reasoning together are at most 256 MB (GEN_ELIMIT). */
struct gen_answer {
    struct gen_str text;
    struct gen_str reasoning;
    struct gen_str finish; /* the provider's end mark, "stop" */
    struct gen_str model;  /* as the server named it */
    struct gen_usage usage;
    int64_t latency_us;
    int64_t answered_unix_us;
    int64_t run_id;  /* the run that paid for it */
    bool is_renewed; /* when stored: beside those of other runs, asked for anew (--fresh) */
};

/* Answers of the runs `first` to `end` - 1; `end` 0: to the newest. {0, 0}: of all. */
struct gen_run_span {
    int64_t first, end;
};

/* What a step does outside of the model (tool calls: engine/step.h) is kept in the same way, under
 * the step's name with this behind it. It is no request: sums of requests, tokens and money leave
 * it out. */
#define GEN_ACTIONS_SUFFIX ".tools"

struct gen_attempt_end {
    enum gen_attempt_state state;
    int class_code; /* enum gen_class of llm/llm.h, as a number */
    int http_status;
    struct gen_str class_name;
    struct gen_str message; /* cut to 500 bytes */
    struct gen_usage usage; /* what a failed attempt cost all the same */
    int64_t latency_us;
};

struct gen_run_info {
    struct gen_str command;   /* "pipeline" */
    struct gen_str arguments; /* the command line without secrets */
    struct gen_str version;
    int64_t seed;
};

struct gen_ledger_totals {
    int64_t n_answers;  /* over all runs: answers (and observations of actions) kept; of one run:
                           attempts that were answered */
    int64_t n_attempts; /* in all states */
    int64_t n_sent_unknown; /* whose outcome is not known: the process died, or gave them up */
    struct gen_usage usage; /* answered and failed attempts; what nobody said counts as nothing, and
                               -1 is a sum of which no part was known */
};

/* A chunk kept so that later commands can show the model its source. Views as in gen_answer. */
struct gen_ledger_chunk {
    struct gen_str id, source, title, section, language, content;
    int kind; /* enum gen_chunk_kind */
};

/* A run as it is on record. Views are good until the callback returns. */
struct gen_ledger_run {
    int64_t id;
    struct gen_run_info info;
    int64_t started_unix_us;
    int64_t ended_unix_us; /* 0: it has no end: it runs, or its process died */
    int exit_status;
    struct gen_str account_json; /* empty without an end */
};
typedef int gen_ledger_run_fn(void *ud, const struct gen_ledger_run *run, struct gen_error *err);

/* For gen_ledger_tallies: all runs, each by itself. */
#define GEN_LEDGER_EACH_RUN (-1)

/* Attempts of one step, state and class together. */
struct gen_ledger_tally {
    int64_t run_id; /* 0: of all runs together */
    struct gen_str step;
    enum gen_attempt_state state;
    int class_code;
    struct gen_str class_name;
    int64_t n;
    struct gen_usage usage;  /* sums as in gen_ledger_totals */
    int64_t latency_us_sum;  /* of answered attempts */
    int64_t n_usage_unknown; /* answered ones without counts of tokens */
    int64_t n_cost_unknown;  /* answered ones without a price */
};
typedef int gen_ledger_tally_fn(void *ud, const struct gen_ledger_tally *tally,
                                struct gen_error *err);

/* Attempts that ended within one span of time. */
struct gen_ledger_slot {
    int64_t begin_unix_us; /* a multiple of the width */
    int64_t n_answered, n_failed;
    struct gen_usage usage; /* sums as in gen_ledger_totals */
};
typedef int gen_ledger_slot_fn(void *ud, const struct gen_ledger_slot *slot, struct gen_error *err);

/* Stored as numbers: never renumber. */
enum gen_batch_state {
    GEN_BATCH_SUBMITTING = 1, /* it may be at the server without our knowing its name */
    GEN_BATCH_RUNNING = 2,
    GEN_BATCH_COLLECTED = 3, /* all that it answered is in the ledger */
    GEN_BATCH_FAILED = 4,    /* it was refused as a whole, or never reached the server */
    GEN_BATCH_CANCELED = 5,
};

/* A batch of requests at a provider (or in a file). Views as in gen_answer. */
struct gen_ledger_batch {
    int64_t id;
    struct gen_str provider, base_url, model;
    struct gen_str marker;    /* our own name for it, sent with it where that is possible */
    struct gen_str remote_id; /* the provider's name; empty: not known */
    enum gen_batch_state state;
    int64_t n_requests;
    int64_t submitted_unix_us;
    int64_t run_id;
};
typedef int gen_ledger_batch_fn(void *ud, const struct gen_ledger_batch *batch,
                                struct gen_error *err);
typedef int gen_ledger_key_fn(void *ud, const struct gen_digest *key, struct gen_error *err);

struct gen_ledger;

struct gen_ledger_driver {
    const char *scheme; /* "sqlite" */
    int (*open)(void **state, const char *location, bool read_only, struct gen_error *err);
    void (*close)(void *state);
    int (*begin)(void *state, struct gen_error *err);
    int (*commit)(void *state, struct gen_error *err);
    int (*run_begin)(void *state, const struct gen_run_info *info, int64_t *run_id,
                     struct gen_error *err);
    int (*run_end)(void *state, int64_t run_id, int exit_status, struct gen_str account_json,
                   struct gen_error *err);
    int (*find)(void *state, const struct gen_digest *key, struct gen_run_span span, bool *found,
                struct gen_answer *out, struct gen_error *err);
    int (*attempt_sent)(void *state, const struct gen_digest *key, int64_t run_id,
                        struct gen_str step, int attempt, int64_t *attempt_id,
                        struct gen_error *err);
    int (*attempt_answered)(void *state, int64_t attempt_id, const struct gen_digest *key,
                            const struct gen_answer *a, struct gen_error *err);
    int (*attempt_ended)(void *state, int64_t attempt_id, const struct gen_attempt_end *end,
                         struct gen_error *err);
    int (*chunk_put)(void *state, const struct gen_ledger_chunk *c, struct gen_error *err);
    int (*chunk_find)(void *state, struct gen_str id, struct gen_str source, bool *found,
                      struct gen_ledger_chunk *out, struct gen_error *err);
    int (*note_put)(void *state, struct gen_str name, struct gen_str value, struct gen_error *err);
    int (*note_find)(void *state, struct gen_str name, bool *found, struct gen_str *value,
                     struct gen_error *err);
    int (*totals)(void *state, int64_t run_id, struct gen_ledger_totals *out,
                  struct gen_error *err);
    int (*answer_put)(void *state, const struct gen_digest *key, const struct gen_answer *a,
                      struct gen_error *err);
    int (*runs)(void *state, gen_ledger_run_fn *fn, void *ud, struct gen_error *err);
    int (*tallies)(void *state, int64_t run_id, gen_ledger_tally_fn *fn, void *ud,
                   struct gen_error *err);
    int (*batch_begin)(void *state, const struct gen_ledger_batch *batch,
                       const struct gen_digest *keys, size_t n_keys, int64_t *id,
                       struct gen_error *err);
    int (*batch_update)(void *state, int64_t id, enum gen_batch_state batch_state,
                        struct gen_str remote_id, struct gen_error *err);
    int (*batches)(void *state, gen_ledger_batch_fn *fn, void *ud, struct gen_error *err);
    int (*batch_keys)(void *state, int64_t id, gen_ledger_key_fn *fn, void *ud,
                      struct gen_error *err);
    int (*timeline)(void *state, size_t n_slots_max, int64_t *width_us, gen_ledger_slot_fn *fn,
                    void *ud, struct gen_error *err);
};

extern const struct gen_ledger_driver gen_ledger_sqlite;

/*
 * Opens or makes the ledger at `location` (a path; other schemes are for later drivers). Missing
 * folders are made. Attempts left "sent" by a process that died become "unknown". GEN_ESTATE when
 * another process has it open for writing (the message names the process when it can), GEN_EINPUT
 * when it is no ledger, GEN_EIO when it is damaged, of a newer version, or the disk fails. What is
 * no ledger is left as it is. Read-only opening needs no lock and changes nothing, and works on
 * read-only media; it fails with GEN_EINPUT when there is no file. While it is open for writing,
 * "<location>.lock", "-wal" and
 * "-shm" stand beside it; closing removes them, and after kill -9 the next opening takes them over.
 */
GEN_MUST_USE int gen_ledger_open(struct gen_ledger **out, const struct gen_ledger_driver *driver,
                                 const char *location, bool read_only, struct gen_error *err);
/* Drops what was not committed and makes the rest durable against power loss too. NULL is fine. */
void gen_ledger_close(struct gen_ledger *l);

/* One transaction per loop turn. begin is lazy and costs nothing until something is read or
 * written; nested or repeated calls until commit are fine; commit without begin does nothing. A
 * commit takes some 0.2 ms, and every few megabytes some 15 ms more for a checkpoint
 * (doc/durability.md). */
GEN_MUST_USE int gen_ledger_begin(struct gen_ledger *l, struct gen_error *err);
GEN_MUST_USE int gen_ledger_commit(struct gen_ledger *l, struct gen_error *err);

/* A run whose process died has no end in the ledger. Ending one twice is GEN_ESTATE. */
GEN_MUST_USE int gen_ledger_run_begin(struct gen_ledger *l, const struct gen_run_info *info,
                                      int64_t *run_id, struct gen_error *err);
GEN_MUST_USE int gen_ledger_run_end(struct gen_ledger *l, int64_t run_id, int exit_status,
                                    struct gen_str account_json, struct gen_error *err);

/* Looks for a committed or pending answer, the first one of the latest run that has any; `*out` is
 * untouched when there is none. Hot path: some 4 us within begin and commit, 0.5 us when there is
 * none. */
GEN_MUST_USE int gen_ledger_find(struct gen_ledger *l, const struct gen_digest *key, bool *found,
                                 struct gen_answer *out, struct gen_error *err);
/* The same among the answers of some runs: those of a run that wants its own alone, or those before
 * one that was no good. Of a key that was answered anew more than 64 times the newest 64 are seen.
 */
GEN_MUST_USE int gen_ledger_find_of(struct gen_ledger *l, const struct gen_digest *key,
                                    struct gen_run_span span, bool *found, struct gen_answer *out,
                                    struct gen_error *err);

/* Writes "sent" for an attempt about to go out (before its bytes leave); `attempt` counts from 1
 * within this run. */
GEN_MUST_USE int gen_ledger_attempt_sent(struct gen_ledger *l, const struct gen_digest *key,
                                         int64_t run_id, struct gen_str step, int attempt,
                                         int64_t *attempt_id, struct gen_error *err);
/* Stores the answer under the key and ends the attempt as answered. The first answer of a key wins;
 * one that is `is_renewed` is kept beside those of other runs, of which none is ever lost, and the
 * first one of its run wins. An attempt that was given up as unknown can still be answered; one
 * that has failed or was answered before is GEN_ESTATE, and nothing is stored. */
GEN_MUST_USE int gen_ledger_attempt_answered(struct gen_ledger *l, int64_t attempt_id,
                                             const struct gen_digest *key,
                                             const struct gen_answer *a, struct gen_error *err);
/* Ends the attempt as failed (or unknown, when it was abandoned in flight). GEN_ESTATE when it is
 * not under way. */
GEN_MUST_USE int gen_ledger_attempt_ended(struct gen_ledger *l, int64_t attempt_id,
                                          const struct gen_attempt_end *end, struct gen_error *err);

/* Keeps a chunk once by id and source; when its content is another than before, the last one. */
GEN_MUST_USE int gen_ledger_chunk_put(struct gen_ledger *l, const struct gen_ledger_chunk *c,
                                      struct gen_error *err);
/* Finds the chunk of this id and source; when the source has none, the only one with the id. An id
 * that several other sources use is not found. */
GEN_MUST_USE int gen_ledger_chunk_find(struct gen_ledger *l, struct gen_str id,
                                       struct gen_str source, bool *found,
                                       struct gen_ledger_chunk *out, struct gen_error *err);

/* Small facts that must outlive a run: parameters a server does not support, measured rates. The
 * last value wins. */
GEN_MUST_USE int gen_ledger_note_put(struct gen_ledger *l, struct gen_str name,
                                     struct gen_str value, struct gen_error *err);
GEN_MUST_USE int gen_ledger_note_find(struct gen_ledger *l, struct gen_str name, bool *found,
                                      struct gen_str *value, struct gen_error *err);

/* Stores an answer that belongs to no attempt of this run: a batch of an earlier one brought it.
 * Which one wins: as in gen_ledger_attempt_answered. */
GEN_MUST_USE int gen_ledger_answer_put(struct gen_ledger *l, const struct gen_digest *key,
                                       const struct gen_answer *a, struct gen_error *err);

/* All runs, the newest first. What `fn` returns other than GEN_OK ends the walk and is returned; it
 * may read the ledger, but must not write to it, begin or commit. */
GEN_MUST_USE int gen_ledger_runs(struct gen_ledger *l, gen_ledger_run_fn *fn, void *ud,
                                 struct gen_error *err);
/* Attempts by step, state and class, in the order in which they first came up: of one run, of all
 * when run_id is 0, or of each by itself (GEN_LEDGER_EACH_RUN, one pass over all attempts).
 * Likewise. */
GEN_MUST_USE int gen_ledger_tallies(struct gen_ledger *l, int64_t run_id, gen_ledger_tally_fn *fn,
                                    void *ud, struct gen_error *err);

/* What was answered and what failed over time, of all runs, without the actions of steps: the
 * oldest slot first, those without attempts left out. All have the width `*width_us`, set before
 * the first, the smallest of a fixed list (10 ms, ... 1 min, 5 min, ... 1 day, ...) with which
 * there are at most `n_slots_max` (2 to 65,536, else GEN_ESTATE). One pass over all attempts.
 * Otherwise as gen_ledger_runs. */
GEN_MUST_USE int gen_ledger_timeline(struct gen_ledger *l, size_t n_slots_max, int64_t *width_us,
                                     gen_ledger_slot_fn *fn, void *ud, struct gen_error *err);

/* Batches outlive runs: what was submitted is paid and must be collected. begin writes the batch
 * with the keys of its requests before its bytes leave; only provider, base_url, model, marker,
 * n_requests and run_id of `batch` are read, and its state is SUBMITTING. GEN_ESTATE without keys,
 * GEN_ELIMIT for more than 4,194,304. */
GEN_MUST_USE int gen_ledger_batch_begin(struct gen_ledger *l, const struct gen_ledger_batch *batch,
                                        const struct gen_digest *keys, size_t n_keys, int64_t *id,
                                        struct gen_error *err);
/* An empty `remote_id` leaves the one on record. States go forward: what is collected or has failed
 * stays so, a canceled batch can still be collected or fail, a running one is not submitted again
 * (GEN_ESTATE, also for a batch that is not there). The state on record is always fine. */
GEN_MUST_USE int gen_ledger_batch_update(struct gen_ledger *l, int64_t id,
                                         enum gen_batch_state state, struct gen_str remote_id,
                                         struct gen_error *err);
/* All batches, the oldest first, and the keys of one in the order in which they were given
 * (GEN_ESTATE when there is no such batch). As gen_ledger_runs. */
GEN_MUST_USE int gen_ledger_batches(struct gen_ledger *l, gen_ledger_batch_fn *fn, void *ud,
                                    struct gen_error *err);
GEN_MUST_USE int gen_ledger_batch_keys(struct gen_ledger *l, int64_t id, gen_ledger_key_fn *fn,
                                       void *ud, struct gen_error *err);

/* Sums over one run, or over all runs when run_id is 0. */
GEN_MUST_USE int gen_ledger_totals(struct gen_ledger *l, int64_t run_id,
                                   struct gen_ledger_totals *out, struct gen_error *err);

#endif
