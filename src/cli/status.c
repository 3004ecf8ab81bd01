#include "cli/status.h"

#include "base/utf8.h"
#include "cli/cli.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BYTES_MAX ((size_t)1 << 30)

struct gen_status_calls gen_status_nothing(void)
{
    return (struct gen_status_calls){.usage = {-1, -1, -1, -1, -1, 0}};
}

static void add_known(int64_t *sum, int64_t value)
{
    if (value < 0)
        return;
    if (*sum < 0)
        *sum = 0;
    *sum = value > INT64_MAX - *sum ? INT64_MAX : *sum + value;
}

static void add_usage(struct gen_usage *sum, const struct gen_usage *u)
{
    add_known(&sum->tokens_in, u->tokens_in);
    add_known(&sum->tokens_out, u->tokens_out);
    add_known(&sum->tokens_cached, u->tokens_cached);
    add_known(&sum->tokens_reasoning, u->tokens_reasoning);
    add_known(&sum->cost_microusd, u->cost_microusd);
}

bool gen_status_is_tools(const struct gen_status_calls *c)
{
    return c->step && gen_str_ends(gen_str_from(c->step), GEN_STR(GEN_ACTIONS_SUFFIX));
}

void gen_status_add(struct gen_status_calls *sum, const struct gen_status_calls *from)
{
    if (gen_status_is_tools(from))
        return;
    sum->n_answered += from->n_answered;
    sum->n_cached += from->n_cached;
    sum->n_unknown += from->n_unknown;
    sum->n_under_way += from->n_under_way;
    sum->n_usage_unknown += from->n_usage_unknown;
    sum->n_cost_unknown += from->n_cost_unknown;
    add_known(&sum->latency_us_sum, from->latency_us_sum);
    add_usage(&sum->usage, &from->usage);
    for (size_t i = 0; i < from->failed.n; i++)
        gen_counts_add(&sum->failed, from->failed.rows[i].name, from->failed.rows[i].count);
}

static int keep(struct gen_status *s, struct gen_str text, const char **out, struct gen_error *err)
{
    struct gen_buf clean = gen_buf_make(BYTES_MAX);
    int rc = gen_utf8_clean(&clean, text, NULL, err);
    if (rc == GEN_OK) {
        *out = gen_arena_dup(&s->arena, gen_buf_str(&clean));
        rc = *out ? GEN_OK : gen_nomem(err, "the status of a ledger");
    }
    gen_buf_release(&clean);
    return rc;
}

/* The step's row in the list, which is made at its end when it is not there. */
static int find_step(struct gen_status *s, struct gen_status_calls **list, const char *step,
                     struct gen_status_calls **out, struct gen_error *err)
{
    while (*list && strcmp((*list)->step, step) != 0)
        list = &(*list)->next;
    if (!*list) {
        struct gen_status_calls *fresh = gen_arena_alloc(&s->arena, sizeof(*fresh));
        const char *name = gen_arena_dup(&s->arena, gen_str_from(step));
        if (!fresh || !name)
            return gen_nomem(err, "the status of a ledger");
        *fresh = gen_status_nothing();
        fresh->step = name;
        *list = fresh;
    }
    *out = *list;
    return GEN_OK;
}

/* Doubles an array that is full. */
static int make_room(void **rows, size_t n, size_t *capacity, size_t size, struct gen_error *err)
{
    if (n < *capacity)
        return GEN_OK;
    size_t more = *capacity ? 2 * *capacity : 16;
    if (more > BYTES_MAX / size)
        return gen_fail(err, GEN_ELIMIT, "the ledger has more than %zu runs or batches", n);
    void *grown = realloc(*rows, more * size);
    if (!grown)
        return gen_nomem(err, "the status of a ledger");
    *rows = grown;
    *capacity = more;
    return GEN_OK;
}

static int add_cached_of(struct gen_status *s, struct gen_status_run *run,
                         const struct gen_json *stage, const char *key, const char *suffix,
                         struct gen_error *err)
{
    int64_t n = 0;
    const char *name = NULL;
    char label[160];
    struct gen_status_calls *calls = NULL;
    if (!gen_json_as_int(gen_json_get(stage, key), &n) || n <= 0)
        return GEN_OK;
    int rc = keep(s, gen_json_get_str(stage, "stage"), &name, err);
    if (rc)
        return rc;
    (void)snprintf(label, sizeof(label), "%s%s", name, suffix);
    rc = find_step(s, &run->steps, label, &calls, err);
    if (rc == GEN_OK) {
        calls->n_cached += n;
        rc = find_step(s, &s->steps, label, &calls, err);
    }
    if (rc == GEN_OK)
        calls->n_cached += n;
    return rc;
}

/* How often the run found an answer in the ledger is only in the account that it left. */
static int add_cached(struct gen_status *s, struct gen_status_run *run, struct gen_str account,
                      struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = GEN_OK;
    if (account.n == 0 || gen_json_parse(&doc, account, NULL) != GEN_OK)
        return GEN_OK;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *stage = NULL;
    gen_json_iter_init(&it, gen_json_get(gen_json_root(doc), "stages"));
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &stage)) {
        rc = add_cached_of(s, run, stage, "calls_from_ledger", "", err);
        if (rc == GEN_OK)
            rc = add_cached_of(s, run, stage, "tool_calls_from_ledger", GEN_ACTIONS_SUFFIX, err);
    }
    gen_json_doc_free(doc);
    return rc;
}

static int on_run(void *ud, const struct gen_ledger_run *r, struct gen_error *err)
{
    struct gen_status *s = ud;
    struct gen_status_run run = {
        .id = r->id,
        .seed = r->info.seed,
        .started_unix_us = r->started_unix_us,
        .ended_unix_us = r->ended_unix_us,
        .exit_status = r->exit_status,
        .is_newest = s->n_runs == 0,
    };
    void *rows = s->runs;
    int rc = make_room(&rows, s->n_runs, &s->runs_capacity, sizeof(run), err);
    s->runs = rows;
    if (rc == GEN_OK)
        rc = keep(s, r->info.command, &run.command, err);
    if (rc == GEN_OK)
        rc = keep(s, r->info.arguments, &run.arguments, err);
    if (rc == GEN_OK)
        rc = keep(s, r->info.version, &run.version, err);
    if (rc == GEN_OK)
        rc = add_cached(s, &run, r->account_json, err);
    if (rc == GEN_OK)
        s->runs[s->n_runs++] = run;
    return rc;
}

static void add_tally(struct gen_status_calls *calls, const struct gen_ledger_tally *t,
                      const char *class_name)
{
    switch (t->state) {
    case GEN_ATTEMPT_ANSWERED:
        calls->n_answered += t->n;
        break;
    case GEN_ATTEMPT_FAILED:
        gen_counts_add(&calls->failed, *class_name ? class_name : "unclassified", t->n);
        break;
    case GEN_ATTEMPT_UNKNOWN:
        calls->n_unknown += t->n;
        break;
    case GEN_ATTEMPT_PLANNED:
    case GEN_ATTEMPT_SENT:
        calls->n_under_way += t->n;
        break;
    }
    /* Where nothing was to be known the tally says 0, which is not a count of tokens. */
    if (t->state == GEN_ATTEMPT_ANSWERED || t->state == GEN_ATTEMPT_FAILED)
        add_usage(&calls->usage, &t->usage);
    calls->n_usage_unknown += t->n_usage_unknown;
    calls->n_cost_unknown += t->n_cost_unknown;
    add_known(&calls->latency_us_sum, t->latency_us_sum);
}

/* Runs come in the order of their ids, the newest first. NULL: it began after they were read. */
static struct gen_status_run *find_run(const struct gen_status *s, int64_t id)
{
    size_t low = 0;
    size_t high = s->n_runs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->runs[middle].id == id)
            return &s->runs[middle];
        if (s->runs[middle].id > id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int on_tally(void *ud, const struct gen_ledger_tally *t, struct gen_error *err)
{
    struct gen_status *s = ud;
    struct gen_status_run *run = find_run(s, t->run_id);
    struct gen_status_calls *calls = NULL;
    const char *step = NULL;
    const char *class_name = NULL;
    int rc = keep(s, t->step, &step, err);
    if (rc == GEN_OK)
        rc = keep(s, t->class_name, &class_name, err);
    if (rc == GEN_OK)
        rc = find_step(s, &s->steps, step, &calls, err);
    if (rc == GEN_OK)
        add_tally(calls, t, class_name);
    if (rc == GEN_OK && run)
        rc = find_step(s, &run->steps, step, &calls, err);
    if (rc == GEN_OK && run)
        add_tally(calls, t, class_name);
    return rc;
}

static int on_batch(void *ud, const struct gen_ledger_batch *b, struct gen_error *err)
{
    struct gen_status *s = ud;
    struct gen_status_batch batch = {
        .id = b->id,
        .run_id = b->run_id,
        .n_requests = b->n_requests,
        .submitted_unix_us = b->submitted_unix_us,
        .state = b->state,
    };
    void *rows = s->batches;
    int rc = make_room(&rows, s->n_batches, &s->batches_capacity, sizeof(batch), err);
    s->batches = rows;
    if (rc == GEN_OK)
        rc = keep(s, b->provider, &batch.provider, err);
    if (rc == GEN_OK)
        rc = keep(s, b->model, &batch.model, err);
    if (rc == GEN_OK)
        rc = keep(s, b->remote_id, &batch.remote_id, err);
    if (rc == GEN_OK)
        s->batches[s->n_batches++] = batch;
    return rc;
}

int gen_status_read(struct gen_status *s, struct gen_ledger *ledger, const char *path,
                    struct gen_error *err)
{
    struct gen_ledger_totals totals;
    *s = (struct gen_status){.path = path, .arena = gen_arena_make(BYTES_MAX)};
    int rc = gen_ledger_runs(ledger, on_run, s, err);
    if (rc == GEN_OK)
        rc = gen_ledger_tallies(ledger, GEN_LEDGER_EACH_RUN, on_tally, s, err);
    if (rc == GEN_OK)
        rc = gen_ledger_batches(ledger, on_batch, s, err);
    if (rc == GEN_OK)
        rc = gen_ledger_totals(ledger, 0, &totals, err);
    if (rc == GEN_OK)
        s->n_answers = totals.n_answers;
    else
        gen_status_release(s);
    return rc;
}

void gen_status_release(struct gen_status *s)
{
    free(s->runs);
    free(s->batches);
    gen_arena_release(&s->arena);
    *s = (struct gen_status){.path = NULL};
}

struct end {
    int exit_status;
    const char *name, *words;
};

static const struct end *end_of(const struct gen_status_run *run)
{
    static const struct end ends[] = {
        {GEN_EXIT_DONE, "done", "done"},
        {GEN_EXIT_MACHINE, "machine_failed", "stopped: this machine failed"},
        {GEN_EXIT_USAGE, "usage", "stopped: wrong input or configuration"},
        {GEN_EXIT_SOME_FAILED, "some_failed", "done, some items failed"},
        {GEN_EXIT_BUDGET, "budget", "stopped by the budget"},
        {GEN_EXIT_PROVIDER, "provider_unusable", "stopped: provider unusable"},
        {GEN_EXIT_WAITING, "waiting", "waiting for answers in files"},
        {GEN_EXIT_INTERRUPTED, "interrupted", "interrupted"},
    };
    /* There is one writer at a time, so only the newest run can still be running. */
    static const struct end open_ends[] = {
        {0, "killed", "killed, or it failed"},
        {0, "running_or_killed", "still running or killed"},
    };
    static const struct end odd = {0, "other", "ended"};
    if (run->ended_unix_us == 0)
        return &open_ends[run->is_newest];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (ends[i].exit_status == run->exit_status)
            return &ends[i];
    }
    return &odd;
}

const char *gen_status_end_name(const struct gen_status_run *run)
{
    return end_of(run)->name;
}

const char *gen_status_end_words(const struct gen_status_run *run)
{
    return end_of(run)->words;
}

const char *gen_status_batch_state(enum gen_batch_state state)
{
    switch (state) {
    case GEN_BATCH_SUBMITTING:
        return "submitting";
    case GEN_BATCH_RUNNING:
        return "running";
    case GEN_BATCH_COLLECTED:
        return "collected";
    case GEN_BATCH_FAILED:
        return "failed";
    case GEN_BATCH_CANCELED:
        return "canceled";
    }
    return "unknown";
}

void gen_status_time(char out[GEN_STATUS_TIME_BYTES], int64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm t;
    char zone[8] = "";
    size_t n = 0;
    if (localtime_r(&seconds, &t)) {
        n = strftime(out, GEN_STATUS_TIME_BYTES - 8, "%Y-%m-%dT%H:%M:%S", &t);
        (void)strftime(zone, sizeof(zone), "%z", &t);
    }
    if (n == 0)
        (void)snprintf(out, GEN_STATUS_TIME_BYTES, "at an unknown time");
    else /* strftime writes +0100, RFC 3339 wants +01:00 */
        (void)snprintf(out + n, GEN_STATUS_TIME_BYTES - n, "%.3s:%.2s", zone,
                       strlen(zone) > 3 ? zone + 3 : "");
}
