#include "ledger/ledger.h"

#include <stdlib.h>

struct gen_ledger {
    const struct gen_ledger_driver *driver;
    void *state;
    bool read_only;
    bool wanted; /* the caller said begin */
    bool active; /* the driver was told, at the first call that needed it */
};

int gen_ledger_open(struct gen_ledger **out, const struct gen_ledger_driver *driver,
                    const char *location, bool read_only, struct gen_error *err)
{
    if (location == NULL || location[0] == '\0')
        return gen_fail(err, GEN_EUSAGE, "the ledger has no path; give --ledger PATH");

    struct gen_ledger *l = calloc(1, sizeof *l);
    if (l == NULL)
        return gen_nomem(err, "the ledger");
    l->driver = driver;
    l->read_only = read_only;
    int rc = driver->open(&l->state, location, read_only, err);
    if (rc != GEN_OK) {
        free(l);
        return rc;
    }
    *out = l;
    return GEN_OK;
}

void gen_ledger_close(struct gen_ledger *l)
{
    if (l == NULL)
        return;
    l->driver->close(l->state);
    free(l);
}

/* A reader has no transactions: begin and commit are then without effect. */
static int start_if_wanted(struct gen_ledger *l, struct gen_error *err)
{
    if (!l->wanted || l->active || l->read_only)
        return GEN_OK;
    int rc = l->driver->begin(l->state, err);
    if (rc == GEN_OK)
        l->active = true;
    return rc;
}

int gen_ledger_begin(struct gen_ledger *l, struct gen_error *err)
{
    (void)err;
    l->wanted = true;
    return GEN_OK;
}

int gen_ledger_commit(struct gen_ledger *l, struct gen_error *err)
{
    bool active = l->active;

    l->wanted = false;
    l->active = false;
    return active ? l->driver->commit(l->state, err) : GEN_OK;
}

/* A write outside begin and commit is a transaction of its own: `*alone`. */
static int write_enter(struct gen_ledger *l, bool *alone, struct gen_error *err)
{
    if (l->read_only)
        return gen_fail(err, GEN_ESTATE, "the ledger was opened for reading only");
    *alone = !l->wanted;
    return *alone ? l->driver->begin(l->state, err) : start_if_wanted(l, err);
}

/* A refused write has changed nothing, so ending its own transaction by commit is right as well. */
static int write_leave(struct gen_ledger *l, bool alone, int rc, struct gen_error *err)
{
    if (!alone)
        return rc;
    int committed = l->driver->commit(l->state, rc == GEN_OK ? err : NULL);
    return rc == GEN_OK ? committed : rc;
}

int gen_ledger_run_begin(struct gen_ledger *l, const struct gen_run_info *info, int64_t *run_id,
                         struct gen_error *err)
{
    bool alone = false;
    int64_t id = 0;
    int rc = write_enter(l, &alone, err);

    if (rc != GEN_OK)
        return rc;
    rc = write_leave(l, alone, l->driver->run_begin(l->state, info, &id, err), err);
    if (rc == GEN_OK)
        *run_id = id;
    return rc;
}

int gen_ledger_run_end(struct gen_ledger *l, int64_t run_id, int exit_status,
                       struct gen_str account_json, struct gen_error *err)
{
    bool alone = false;
    int rc = write_enter(l, &alone, err);

    if (rc != GEN_OK)
        return rc;
    rc = l->driver->run_end(l->state, run_id, exit_status, account_json, err);
    return write_leave(l, alone, rc, err);
}

int gen_ledger_find_of(struct gen_ledger *l, const struct gen_digest *key, struct gen_run_span span,
                       bool *found, struct gen_answer *out, struct gen_error *err)
{
    int rc = start_if_wanted(l, err);

    return rc != GEN_OK ? rc : l->driver->find(l->state, key, span, found, out, err);
}

int gen_ledger_find(struct gen_ledger *l, const struct gen_digest *key, bool *found,
                    struct gen_answer *out, struct gen_error *err)
{
    return gen_ledger_find_of(l, key, (struct gen_run_span){0, 0}, found, out, err);
}

int gen_ledger_attempt_sent(struct gen_ledger *l, const struct gen_digest *key, int64_t run_id,
                            struct gen_str step, int attempt, int64_t *attempt_id,
                            struct gen_error *err)
{
    bool alone = false;
    int64_t id = 0;
    int rc = write_enter(l, &alone, err);

    if (rc != GEN_OK)
        return rc;
    rc = l->driver->attempt_sent(l->state, key, run_id, step, attempt, &id, err);
    rc = write_leave(l, alone, rc, err);
    if (rc == GEN_OK)
        *attempt_id = id;
    return rc;
}

int gen_ledger_attempt_answered(struct gen_ledger *l, int64_t attempt_id,
                                const struct gen_digest *key, const struct gen_answer *a,
                                struct gen_error *err)
{
    bool alone = false;
    int rc = write_enter(l, &alone, err);

    if (rc != GEN_OK)
        return rc;
    rc = l->driver->attempt_answered(l->state, attempt_id, key, a, err);
    return write_leave(l, alone, rc, err);
}

int gen_ledger_attempt_ended(struct gen_ledger *l, int64_t attempt_id,
                             const struct gen_attempt_end *end, struct gen_error *err)
{
    bool alone = false;
    int rc;

    if (end->state != GEN_ATTEMPT_FAILED && end->state != GEN_ATTEMPT_UNKNOWN)
        return gen_fail(err, GEN_ESTATE, "attempt %lld cannot end in state %d",
                        (long long)attempt_id, (int)end->state);
    rc = write_enter(l, &alone, err);
    if (rc != GEN_OK)
        return rc;
    rc = l->driver->attempt_ended(l->state, attempt_id, end, err);
    return write_leave(l, alone, rc, err);
}

int gen_ledger_chunk_put(struct gen_ledger *l, const struct gen_ledger_chunk *c,
                         struct gen_error *err)
{
    bool alone = false;
    int rc = write_enter(l, &alone, err);

    if (rc != GEN_OK)
        return rc;
    return write_leave(l, alone, l->driver->chunk_put(l->state, c, err), err);
}

int gen_ledger_chunk_find(struct gen_ledger *l, struct gen_str id, struct gen_str source,
                          bool *found, struct gen_ledger_chunk *out, struct gen_error *err)
{
    int rc = start_if_wanted(l, err);

    return rc != GEN_OK ? rc : l->driver->chunk_find(l->state, id, source, found, out, err);
}

int gen_ledger_note_put(struct gen_ledger *l, struct gen_str name, struct gen_str value,
                        struct gen_error *err)
{
    bool alone = false;
    int rc = write_enter(l, &alone, err);

    if (rc != GEN_OK)
        return rc;
    return write_leave(l, alone, l->driver->note_put(l->state, name, value, err), err);
}

int gen_ledger_note_find(struct gen_ledger *l, struct gen_str name, bool *found,
                         struct gen_str *value, struct gen_error *err)
{
    int rc = start_if_wanted(l, err);

    return rc != GEN_OK ? rc : l->driver->note_find(l->state, name, found, value, err);
}

int gen_ledger_totals(struct gen_ledger *l, int64_t run_id, struct gen_ledger_totals *out,
                      struct gen_error *err)
{
    int rc = start_if_wanted(l, err);

    return rc != GEN_OK ? rc : l->driver->totals(l->state, run_id, out, err);
}

static int fail_cannot(const struct gen_ledger *l, const char *what, struct gen_error *err)
{
    return gen_fail(err, GEN_ESTATE, "this ledger (%s) cannot %s", l->driver->scheme, what);
}

int gen_ledger_answer_put(struct gen_ledger *l, const struct gen_digest *key,
                          const struct gen_answer *a, struct gen_error *err)
{
    bool alone = false;

    if (l->driver->answer_put == NULL)
        return fail_cannot(l, "take answers of batches", err);
    int rc = write_enter(l, &alone, err);
    if (rc != GEN_OK)
        return rc;
    return write_leave(l, alone, l->driver->answer_put(l->state, key, a, err), err);
}

int gen_ledger_runs(struct gen_ledger *l, gen_ledger_run_fn *fn, void *ud, struct gen_error *err)
{
    if (l->driver->runs == NULL)
        return fail_cannot(l, "list its runs", err);
    int rc = start_if_wanted(l, err);
    return rc != GEN_OK ? rc : l->driver->runs(l->state, fn, ud, err);
}

int gen_ledger_tallies(struct gen_ledger *l, int64_t run_id, gen_ledger_tally_fn *fn, void *ud,
                       struct gen_error *err)
{
    if (l->driver->tallies == NULL)
        return fail_cannot(l, "count its calls", err);
    int rc = start_if_wanted(l, err);
    return rc != GEN_OK ? rc : l->driver->tallies(l->state, run_id, fn, ud, err);
}

int gen_ledger_timeline(struct gen_ledger *l, size_t n_slots_max, int64_t *width_us,
                        gen_ledger_slot_fn *fn, void *ud, struct gen_error *err)
{
    if (l->driver->timeline == NULL)
        return fail_cannot(l, "say when its calls were", err);
    if (n_slots_max < 2 || n_slots_max > 65536)
        return gen_fail(err, GEN_ESTATE, "a timeline has 2 to 65536 slots, not %zu", n_slots_max);
    int rc = start_if_wanted(l, err);
    return rc != GEN_OK ? rc : l->driver->timeline(l->state, n_slots_max, width_us, fn, ud, err);
}

int gen_ledger_batch_begin(struct gen_ledger *l, const struct gen_ledger_batch *batch,
                           const struct gen_digest *keys, size_t n_keys, int64_t *id,
                           struct gen_error *err)
{
    bool alone = false;
    int64_t batch_id = 0;

    if (l->driver->batch_begin == NULL)
        return fail_cannot(l, "keep batches", err);
    int rc = write_enter(l, &alone, err);
    if (rc != GEN_OK)
        return rc;
    rc = l->driver->batch_begin(l->state, batch, keys, n_keys, &batch_id, err);
    rc = write_leave(l, alone, rc, err);
    if (rc == GEN_OK)
        *id = batch_id;
    return rc;
}

int gen_ledger_batch_update(struct gen_ledger *l, int64_t id, enum gen_batch_state state,
                            struct gen_str remote_id, struct gen_error *err)
{
    bool alone = false;

    if (l->driver->batch_update == NULL)
        return fail_cannot(l, "keep batches", err);
    if (state < GEN_BATCH_SUBMITTING || state > GEN_BATCH_CANCELED)
        return gen_fail(err, GEN_ESTATE, "%d is no state of a batch", (int)state);
    int rc = write_enter(l, &alone, err);
    if (rc != GEN_OK)
        return rc;
    rc = l->driver->batch_update(l->state, id, state, remote_id, err);
    return write_leave(l, alone, rc, err);
}

int gen_ledger_batches(struct gen_ledger *l, gen_ledger_batch_fn *fn, void *ud,
                       struct gen_error *err)
{
    if (l->driver->batches == NULL)
        return fail_cannot(l, "list batches", err);
    int rc = start_if_wanted(l, err);
    return rc != GEN_OK ? rc : l->driver->batches(l->state, fn, ud, err);
}

int gen_ledger_batch_keys(struct gen_ledger *l, int64_t id, gen_ledger_key_fn *fn, void *ud,
                          struct gen_error *err)
{
    if (l->driver->batch_keys == NULL)
        return fail_cannot(l, "list batches", err);
    int rc = start_if_wanted(l, err);
    return rc != GEN_OK ? rc : l->driver->batch_keys(l->state, id, fn, ud, err);
}
