#include "ledger/sqlite_int.h"

#include <stdlib.h>

/*
 * Attempts come nearly in the order of their ends, so that the slot of the next one is the last or
 * near it: slots are kept sorted, and searched from their end. When there are too many, neighbours
 * are joined to slots of the next width; each width divides the next, so that no slot is cut.
 */
static const int64_t widths_ms[] = {
    10,       50,        100,        500,         1000,         5000,          10000,    30000,
    60000,    300000,    600000,     1800000,     3600000,      10800000,      21600000, 43200000,
    86400000, 604800000, 2419200000, 31449600000, 314496000000, 3144960000000,
};
#define N_WIDTHS (sizeof(widths_ms) / sizeof(widths_ms[0]))

struct timeline {
    struct gen_ledger_slot *slots;
    size_t n, n_max;
    size_t width; /* index into widths_ms */
};

static int64_t begin_of(const struct timeline *t, int64_t unix_us)
{
    int64_t width_us = widths_ms[t->width] * 1000;
    return unix_us - unix_us % width_us;
}

static void add_sum(int64_t *sum, int64_t value)
{
    if (value < 0)
        return;
    if (*sum < 0)
        *sum = 0;
    *sum = value > INT64_MAX - *sum ? INT64_MAX : *sum + value;
}

static void add_slot(struct gen_ledger_slot *to, const struct gen_ledger_slot *from)
{
    to->n_answered += from->n_answered;
    to->n_failed += from->n_failed;
    add_sum(&to->usage.tokens_in, from->usage.tokens_in);
    add_sum(&to->usage.tokens_out, from->usage.tokens_out);
    add_sum(&to->usage.tokens_cached, from->usage.tokens_cached);
    add_sum(&to->usage.tokens_reasoning, from->usage.tokens_reasoning);
    add_sum(&to->usage.cost_microusd, from->usage.cost_microusd);
}

/* Slots of the next width. */
static void widen(struct timeline *t)
{
    size_t n = 0;
    t->width++;
    for (size_t i = 0; i < t->n; i++) {
        int64_t begin = begin_of(t, t->slots[i].begin_unix_us);
        if (n && t->slots[n - 1].begin_unix_us == begin) {
            add_slot(&t->slots[n - 1], &t->slots[i]);
            continue;
        }
        t->slots[n] = t->slots[i];
        t->slots[n++].begin_unix_us = begin;
    }
    t->n = n;
}

static void take(struct timeline *t, const struct gen_ledger_slot *attempt)
{
    for (;;) {
        int64_t begin = begin_of(t, attempt->begin_unix_us);
        size_t i = t->n;
        while (i && t->slots[i - 1].begin_unix_us > begin)
            i--;
        if (i && t->slots[i - 1].begin_unix_us == begin) {
            add_slot(&t->slots[i - 1], attempt);
            return;
        }
        if (t->n < t->n_max) {
            memmove(&t->slots[i + 1], &t->slots[i], (t->n - i) * sizeof(*t->slots));
            t->slots[i] = *attempt;
            t->slots[i].begin_unix_us = begin;
            t->n++;
            return;
        }
        if (t->width + 1 == N_WIDTHS) { /* beyond all times of this world: a clock gone wrong */
            add_slot(&t->slots[i ? i - 1 : 0], attempt);
            return;
        }
        widen(t);
    }
}

static int64_t column_or_unknown(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? -1
                                                            : sqlite3_column_int64(stmt, column);
}

static int collect(struct gen_sqlite *s, struct timeline *t, struct gen_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int step = SQLITE_DONE;
    int rc = gen_sqlite_query(s,
                              "SELECT coalesce(ended_us, sent_us), state = 3, tokens_in,"
                              " tokens_out, tokens_cached, tokens_reasoning, cost_microusd"
                              " FROM attempts WHERE state IN (3, 4)"
                              " AND substr(step, -length('" GEN_ACTIONS_SUFFIX
                              "')) IS NOT '" GEN_ACTIONS_SUFFIX "'",
                              &stmt, err);
    while (rc == GEN_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        bool is_answered = sqlite3_column_int(stmt, 1) != 0;
        const struct gen_ledger_slot attempt = {
            .begin_unix_us = sqlite3_column_int64(stmt, 0),
            .n_answered = is_answered,
            .n_failed = !is_answered,
            .usage = {.tokens_in = column_or_unknown(stmt, 2),
                      .tokens_out = column_or_unknown(stmt, 3),
                      .tokens_cached = column_or_unknown(stmt, 4),
                      .tokens_reasoning = column_or_unknown(stmt, 5),
                      .cost_microusd = column_or_unknown(stmt, 6)},
        };
        take(t, &attempt);
    }
    if (rc == GEN_OK && step != SQLITE_DONE)
        rc = gen_sqlite_fail(s, step, "read", err);
    (void)sqlite3_finalize(stmt);
    return rc;
}

int gen_sqlite_timeline(void *state, size_t n_slots_max, int64_t *width_us, gen_ledger_slot_fn *fn,
                        void *ud, struct gen_error *err)
{
    struct timeline t = {.n_max = n_slots_max};
    t.slots = calloc(n_slots_max, sizeof(*t.slots));
    if (!t.slots)
        return gen_nomem(err, "the timeline of a ledger");
    int rc = collect(state, &t, err);
    if (rc == GEN_OK)
        *width_us = widths_ms[t.width] * 1000;
    for (size_t i = 0; rc == GEN_OK && i < t.n; i++)
        rc = fn(ud, &t.slots[i], err);
    free(t.slots);
    return rc;
}
