/* Chain first: the calls of a blueprint are made before its request is written, one after the other
 * on a server of their own, so that the request is about something that really works. */
#include "base/utf8.h"
#include "tool/step/generate_int.h"

#include <stdlib.h>

struct gen_chain_job {
    struct gen_chain_job *next, *previous;
    struct gen_tool_generate *g;
    struct gen_action *action;
    struct gen_execution *running;
    char *example;
    struct gen_draft draft;
    /* Setup, then the blueprint's calls, with their arguments as they were made. */
    char *arguments[2 * GEN_DRAFT_CALLS_MAX];
    char *observations[GEN_DRAFT_CALLS_MAX]; /* of the blueprint's calls: the texts */
    bool is_error[GEN_DRAFT_CALLS_MAX];
    size_t n_made;
    const char *unresolved; /* no further call: a reference leads nowhere */
};

static const struct gen_draft_call *call_at(const struct gen_draft *d, size_t i)
{
    return i < d->n_setup ? &d->setup[i] : &d->calls[i - d->n_setup];
}

static bool is_due(const struct gen_draft *d)
{
    return d->category == GEN_TOOL_CHAIN && !d->results && d->instruction.n == 0;
}

int gen_chain_action(void *ud, const struct gen_item *item, struct gen_buf *text,
                     struct gen_error *err)
{
    struct gen_tool_generate *g = ud;
    struct gen_draft d;
    int rc = gen_draft_read(&d, g, item->record, err);
    if (rc)
        return rc;
    if (is_due(&d)) {
        rc = gen_buf_printf(text, err, "chain %.*s\n", GEN_STR_ARG(d.id));
        for (size_t i = 0; rc == GEN_OK && i < d.n_setup + d.n_calls; i++) {
            const struct gen_draft_call *call = call_at(&d, i);
            rc = gen_buf_printf(text, err, "%.*s ", GEN_STR_ARG(call->tool->name));
            if (rc == GEN_OK)
                rc = gen_json_write(text, call->args, GEN_JSON_COMPACT, err);
            if (rc == GEN_OK)
                rc = gen_buf_add_c(text, "\n", err);
        }
    }
    gen_draft_release(&d);
    return rc;
}

/* ---- a job ---- */

static void end_job(struct gen_chain_job *job)
{
    if (job->running)
        gen_execution_cancel(job->running);
    if (job->example)
        gen_executor_end(job->g->o.executor, gen_str_from(job->example));
    if (job->previous)
        job->previous->next = job->next;
    else
        job->g->jobs = job->next;
    if (job->next)
        job->next->previous = job->previous;
    for (size_t i = 0; i < sizeof(job->arguments) / sizeof(job->arguments[0]); i++)
        free(job->arguments[i]);
    for (size_t i = 0; i < GEN_DRAFT_CALLS_MAX; i++)
        free(job->observations[i]);
    free(job->example);
    gen_draft_release(&job->draft);
    free(job);
}

void gen_chain_free_jobs(struct gen_tool_generate *g)
{
    while (g->jobs)
        end_job(g->jobs);
}

static int write_observation(const struct gen_chain_job *job, struct gen_buf *out,
                             struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *results = gen_jb_array(b);
    for (size_t i = 0; i < GEN_DRAFT_CALLS_MAX && job->observations[i]; i++) {
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_str(b, row, "text", gen_str_from(job->observations[i]));
        gen_jb_put_bool(b, row, "is_error", job->is_error[i]);
        gen_jb_append(b, results, row);
    }
    if (job->unresolved)
        gen_jb_put_cstr(b, root, "unresolved", job->unresolved);
    gen_jb_put(b, root, "results", results);
    rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static void finish_job(struct gen_chain_job *job)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_action *action = job->action;
    int rc = write_observation(job, &text, NULL);
    end_job(job);
    if (rc)
        gen_action_failed(action, "chain_not_executed", "memory ended while a chain was executed");
    else
        gen_action_done(action, gen_buf_str(&text));
    gen_buf_release(&text);
}

static void give_up(struct gen_chain_job *job, const char *class_name, const char *message)
{
    struct gen_action *action = job->action;
    end_job(job);
    gen_action_failed(action, class_name, message);
}

static int value_of(void *ud, struct gen_jb *b, int64_t step, struct gen_str pointer,
                    struct gen_jmut **value, bool *found, struct gen_error *err)
{
    const struct gen_chain_job *job = ud;
    const char *text =
        step >= 1 && step <= (int64_t)GEN_DRAFT_CALLS_MAX ? job->observations[step - 1] : NULL;
    *found = false;
    return text ? gen_reference_value(b, gen_str_from(text), pointer, value, found, err) : GEN_OK;
}

/* The arguments of a call with the values in the places of references. `*whole` false: one leads
 * nowhere. */
static int resolve(struct gen_chain_job *job, const struct gen_draft_call *call,
                   struct gen_buf *out, bool *whole, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_jmut *args = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = gen_references_fill(b, call->args, value_of, job, &args, whole, err);
    if (rc == GEN_OK && *whole)
        rc = gen_jb_write(b, args, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int next_call(struct gen_chain_job *job, struct gen_error *err);

static void on_observation(void *ud, const struct gen_observation *o)
{
    struct gen_chain_job *job = ud;
    struct gen_error err = {.msg = ""};
    size_t i = job->n_made++;
    job->running = NULL;
    if (o->failure) {
        char message[400];
        gen_utf8_format(message, sizeof(message), "%.*s", GEN_STR_ARG(o->text));
        give_up(job, o->failure, message);
        return;
    }
    bool is_setup = i < job->draft.n_setup;
    if (!is_setup) {
        size_t k = i - job->draft.n_setup;
        job->is_error[k] = o->is_error;
        job->observations[k] = gen_str_dup(o->text);
        if (!job->observations[k]) {
            give_up(job, "chain_not_executed", "memory ended while a chain was executed");
            return;
        }
    }
    if (is_setup && o->is_error)
        job->unresolved = "the setup failed";
    if (o->is_error || i + 1 == job->draft.n_setup + job->draft.n_calls) {
        finish_job(job);
        return;
    }
    if (next_call(job, &err) != GEN_OK)
        give_up(job, "chain_not_executed", err.msg);
}

/* Makes the next call, or ends the job when it cannot be made. */
static int next_call(struct gen_chain_job *job, struct gen_error *err)
{
    struct gen_tool_call calls[2 * GEN_DRAFT_CALLS_MAX];
    size_t i = job->n_made;
    const struct gen_draft_call *call = call_at(&job->draft, i);
    struct gen_buf args = gen_buf_make(GEN_BUF_UNLIMITED);
    bool whole = true;
    size_t n_bytes = 0;
    int rc = resolve(job, call, &args, &whole, err);
    if (rc == GEN_OK && whole)
        job->arguments[i] = gen_buf_take(&args, &n_bytes);
    gen_buf_release(&args);
    if (rc)
        return rc;
    if (!whole) {
        job->unresolved = "a reference leads nowhere";
        finish_job(job);
        return GEN_OK;
    }
    for (size_t k = 0; k <= i; k++)
        calls[k] = (struct gen_tool_call){call_at(&job->draft, k)->tool->name,
                                          gen_str_from(job->arguments[k])};
    return gen_executor_call(job->g->o.executor, gen_str_from(job->example), calls, i, &calls[i],
                             on_observation, job, &job->running, err);
}

int gen_chain_act(void *ud, const struct gen_item *item, struct gen_action *a,
                  struct gen_error *err)
{
    struct gen_tool_generate *g = ud;
    struct gen_buf example = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_chain_job *job = calloc(1, sizeof(*job));
    size_t n_bytes = 0;
    if (!job)
        return gen_nomem(err, "a chain of calls");
    job->g = g;
    job->action = a;
    job->next = g->jobs;
    if (g->jobs)
        g->jobs->previous = job;
    g->jobs = job;
    int rc = gen_draft_read(&job->draft, g, item->record, err);
    /* Not the name of the example itself: that one's server starts without these calls. */
    if (rc == GEN_OK)
        rc = gen_buf_printf(&example, err, "%.*s+chain", GEN_STR_ARG(job->draft.id));
    if (rc == GEN_OK)
        job->example = gen_buf_take(&example, &n_bytes);
    gen_buf_release(&example);
    if (rc == GEN_OK)
        rc = next_call(job, err);
    else
        job->example = NULL;
    if (rc)
        end_job(job);
    return rc;
}

void gen_chain_abandon(void *ud, struct gen_action *a)
{
    struct gen_tool_generate *g = ud;
    for (struct gen_chain_job *job = g->jobs; job; job = job->next) {
        if (job->action == a) {
            end_job(job);
            return;
        }
    }
}

/* ---- what came back ---- */

static bool has_failed(const struct gen_json *observed, size_t n_calls)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    const struct gen_json *results = gen_json_get(observed, "results");
    if (gen_json_get(observed, "unresolved") || gen_json_count(results) != n_calls)
        return true;
    gen_json_iter_init(&it, results);
    while (gen_json_iter_next(&it, &key, &row)) {
        bool is_error = false;
        if (gen_json_as_bool(gen_json_get(row, "is_error"), &is_error) && is_error)
            return true;
    }
    return false;
}

static int with_results(const struct gen_draft *d, const struct gen_json *results,
                        struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *record = gen_jb_copy(b, d->record);
    struct gen_jmut *metadata = gen_jb_copy(b, d->metadata);
    struct gen_jmut *blueprint = gen_jb_copy(b, d->blueprint);
    gen_jb_set(b, blueprint, "results", gen_jb_copy(b, results));
    gen_jb_set(b, metadata, "blueprint", blueprint);
    gen_jb_set(b, record, "metadata", metadata);
    rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

int gen_chain_observe(void *ud, struct gen_item *item, struct gen_str observation,
                      struct gen_outcome *o, struct gen_error *err)
{
    struct gen_tool_generate *g = ud;
    struct gen_json_doc *doc = NULL;
    struct gen_draft d;
    struct gen_buf record = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_draft_read(&d, g, item->record, err);
    if (rc)
        return rc;
    rc = gen_json_parse(&doc, observation, err);
    if (rc == GEN_OK && has_failed(gen_json_root(doc), d.n_calls)) {
        gen_outcome_filter(o, 0, "chain_failed");
    } else if (rc == GEN_OK) {
        rc = with_results(&d, gen_json_get(gen_json_root(doc), "results"), &record, err);
        if (rc == GEN_OK)
            rc = gen_outcome_continue(o, 0, gen_buf_str(&record), err);
    }
    gen_json_doc_free(doc);
    gen_draft_release(&d);
    gen_buf_release(&record);
    return rc;
}
