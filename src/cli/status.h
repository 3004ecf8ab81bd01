/*
 * What `generator status` knows of a ledger: read once, then shown as text or as JSON. Texts are
 * clean UTF-8, as the ledger may hold anything; numbers add as in gen_ledger_totals.
 */
#ifndef GEN_CLI_STATUS_H
#define GEN_CLI_STATUS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/counts.h"
#include "ledger/ledger.h"

/* The calls of one step, or a sum over steps. A step's calls of tools are a row of their own, under
 * its name with GEN_ACTIONS_SUFFIX, and in no sum. */
struct gen_status_calls {
    const char *step; /* NULL: a sum */
    int64_t n_answered;
    int64_t n_cached;        /* found in the ledger instead; known of ended runs alone */
    int64_t n_unknown;       /* sent, and the outcome is not known */
    int64_t n_under_way;     /* sent, and no end on record */
    struct gen_usage usage;  /* -1: no part was known */
    int64_t n_usage_unknown; /* answered ones without counts of tokens */
    int64_t n_cost_unknown;  /* answered ones without a price */
    int64_t latency_us_sum;
    struct gen_counts failed; /* by class */
    struct gen_status_calls *next;
};

struct gen_status_run {
    int64_t id, seed;
    const char *command, *arguments, *version;
    int64_t started_unix_us, ended_unix_us; /* ended 0: no end on record */
    int exit_status;
    bool is_newest;
    struct gen_status_calls *steps; /* in the order of their first call */
};

struct gen_status_batch {
    int64_t id, run_id, n_requests, submitted_unix_us;
    const char *provider, *model, *remote_id;
    enum gen_batch_state state;
};

struct gen_status {
    const char *path;
    int64_t n_answers; /* kept, of all runs */
    struct gen_status_run *runs;
    size_t n_runs, runs_capacity;   /* the newest first */
    struct gen_status_calls *steps; /* over all runs, also such as are not in `runs` */
    struct gen_status_batch *batches;
    size_t n_batches, batches_capacity; /* the oldest first */
    struct gen_arena arena;             /* owns what the above points at */
};

/* Reads the ledger; `path` is kept. What a run commits meanwhile may be seen or not. GEN_EIO,
 * GEN_ENOMEM, GEN_ELIMIT. */
GEN_MUST_USE int gen_status_read(struct gen_status *s, struct gen_ledger *ledger, const char *path,
                                 struct gen_error *err);
void gen_status_release(struct gen_status *s);

bool gen_status_is_tools(const struct gen_status_calls *c);
/* Adds `from` to `sum`, all but the step; nothing when it is of tools. */
void gen_status_add(struct gen_status_calls *sum, const struct gen_status_calls *from);
/* A sum of nothing. */
struct gen_status_calls gen_status_nothing(void);

/* How a run ended: for programs ("some_failed") and for people ("some items failed"). */
const char *gen_status_end_name(const struct gen_status_run *run);
const char *gen_status_end_words(const struct gen_status_run *run);
const char *gen_status_batch_state(enum gen_batch_state state);

/* "2026-11-22T17:02:11+01:00", local time; "at an unknown time" when there is no such time. */
#define GEN_STATUS_TIME_BYTES 40
void gen_status_time(char out[GEN_STATUS_TIME_BYTES], int64_t unix_us);

/* Lines of at most 79 columns; of many runs the oldest as one sum. */
GEN_MUST_USE int gen_status_text(const struct gen_status *s, struct gen_buf *out,
                                 struct gen_error *err);
/* One object with everything. */
GEN_MUST_USE int gen_status_json(const struct gen_status *s, struct gen_buf *out,
                                 struct gen_error *err);

#endif
