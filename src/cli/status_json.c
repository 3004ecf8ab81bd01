#include "cli/say.h"
#include "cli/status.h"

#include "json/json.h"

static void put_known(struct gen_jb *b, struct gen_jmut *o, const char *key, int64_t value)
{
    gen_jb_put(b, o, key, value < 0 ? gen_jb_null(b) : gen_jb_int(b, value));
}

static void put_time(struct gen_jb *b, struct gen_jmut *o, const char *key, int64_t unix_us)
{
    char text[GEN_STATUS_TIME_BYTES];
    if (unix_us == 0) {
        gen_jb_put(b, o, key, gen_jb_null(b));
        return;
    }
    gen_status_time(text, unix_us);
    gen_jb_put_cstr(b, o, key, text);
}

/* `knows_cached`: the run has left its account. */
static void put_calls(struct gen_jb *b, struct gen_jmut *o, const struct gen_status_calls *c,
                      bool knows_cached)
{
    struct gen_jmut *failed = gen_jb_object(b);
    int64_t n_failed = gen_counts_sum(&c->failed);
    bool is_free = c->n_answered == 0 && n_failed == 0;
    const struct gen_usage *u = &c->usage;
    for (size_t i = 0; i < c->failed.n; i++)
        gen_jb_put_int(b, failed, c->failed.rows[i].name, c->failed.rows[i].count);
    gen_jb_put_int(b, o, "answered", c->n_answered);
    put_known(b, o, "from_ledger", knows_cached ? c->n_cached : -1);
    gen_jb_put_int(b, o, "failed", n_failed);
    gen_jb_put(b, o, "failed_by_class", failed);
    gen_jb_put_int(b, o, "unknown", c->n_unknown);
    gen_jb_put_int(b, o, "under_way", c->n_under_way);
    put_known(b, o, "tokens_in", is_free ? 0 : u->tokens_in);
    put_known(b, o, "tokens_out", is_free ? 0 : u->tokens_out);
    put_known(b, o, "tokens_cached", is_free ? 0 : u->tokens_cached);
    put_known(b, o, "tokens_reasoning", is_free ? 0 : u->tokens_reasoning);
    gen_jb_put_int(b, o, "answers_without_tokens", c->n_usage_unknown);
    if (is_free || u->cost_microusd >= 0)
        gen_jb_put_real(b, o, "cost_usd", is_free ? 0 : (double)u->cost_microusd / 1e6);
    else
        gen_jb_put(b, o, "cost_usd", gen_jb_null(b));
    gen_jb_put_int(b, o, "answers_without_price", c->n_cost_unknown);
    if (c->n_answered > 0)
        gen_jb_put_real(b, o, "mean_latency_s",
                        (double)c->latency_us_sum / 1e6 / (double)c->n_answered);
}

/* "steps", and their sum in `o` itself. */
static void put_steps(struct gen_jb *b, struct gen_jmut *o, const struct gen_status_calls *steps,
                      bool knows_cached)
{
    struct gen_status_calls sum = gen_status_nothing();
    struct gen_jmut *rows = gen_jb_array(b);
    for (const struct gen_status_calls *c = steps; c; c = c->next) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_cstr(b, row, "step", c->step);
        put_calls(b, row, c, knows_cached);
        gen_jb_append(b, rows, row);
        gen_status_add(&sum, c);
    }
    put_calls(b, o, &sum, knows_cached);
    gen_jb_put(b, o, "steps", rows);
}

static struct gen_jmut *run_json(struct gen_jb *b, const struct gen_status_run *run)
{
    bool has_end = run->ended_unix_us != 0;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "run", run->id);
    gen_jb_put_cstr(b, o, "command", run->command);
    gen_jb_put_cstr(b, o, "arguments", run->arguments);
    gen_jb_put_cstr(b, o, "version", run->version);
    gen_jb_put_int(b, o, "seed", run->seed);
    put_time(b, o, "started", run->started_unix_us);
    put_time(b, o, "ended", run->ended_unix_us);
    gen_jb_put_cstr(b, o, "end", gen_status_end_name(run));
    gen_jb_put(b, o, "exit_status", has_end ? gen_jb_int(b, run->exit_status) : gen_jb_null(b));
    put_steps(b, o, run->steps, has_end);
    return o;
}

static struct gen_jmut *batch_json(struct gen_jb *b, const struct gen_status_batch *batch)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "batch", batch->id);
    gen_jb_put_int(b, o, "run", batch->run_id);
    gen_jb_put_cstr(b, o, "state", gen_status_batch_state(batch->state));
    gen_jb_put_cstr(b, o, "provider", batch->provider);
    gen_jb_put_cstr(b, o, "model", batch->model);
    gen_jb_put_cstr(b, o, "remote_id", batch->remote_id);
    gen_jb_put_int(b, o, "requests", batch->n_requests);
    put_time(b, o, "submitted", batch->submitted_unix_us);
    return o;
}

int gen_status_json(const struct gen_status *s, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *totals = gen_jb_object(b);
    struct gen_jmut *runs = gen_jb_array(b);
    struct gen_jmut *batches = gen_jb_array(b);
    for (size_t i = 0; i < s->n_runs; i++)
        gen_jb_append(b, runs, run_json(b, &s->runs[i]));
    for (size_t i = 0; i < s->n_batches; i++)
        gen_jb_append(b, batches, batch_json(b, &s->batches[i]));
    put_steps(b, totals, s->steps, true);
    gen_jb_put_cstr(b, o, "ledger", s->path);
    gen_jb_put_int(b, o, "answers_kept", s->n_answers);
    gen_jb_put(b, o, "totals", totals);
    gen_jb_put(b, o, "runs", runs);
    gen_jb_put(b, o, "batches", batches);
    rc = gen_say_json(b, o, out, err);
    gen_jb_free(b);
    return rc;
}
