#include "report/report_int.h"

#include "dataset/beside.h"

#define SLOTS_MAX 120

struct writing {
    struct gen_report *report;
    struct gen_jb *b;
    struct gen_jmut *list;
    int64_t n;
};

int gen_report_open_ledger(struct gen_report *r, struct gen_error *err)
{
    const struct gen_report_options *o = r->options;
    struct gen_buf path = gen_buf_make(16384);
    struct gen_error why = {0};
    int rc = o->ledger_path ? gen_buf_add_c(&path, o->ledger_path, err)
                            : gen_beside_find_ledger(o->dataset, &path, err);
    if (rc == GEN_OK && o->ledger_path) {
        rc = gen_ledger_open(&r->ledger, o->ledger, path.data, true, err);
    } else if (rc == GEN_OK && path.n == 0) {
        rc = gen_report_is_stdin(r) ? gen_buf_add_c(&path, "the ledger", err)
                                    : gen_report_side_path(r, ".ledger", &path, err);
        if (rc == GEN_OK)
            gen_report_missing(
                r, path.data,
                "was not found: source chunks, tokens, cost and calls are not shown (--ledger "
                "names another place)");
    } else if (rc == GEN_OK && gen_ledger_open(&r->ledger, o->ledger, path.data, true, &why)) {
        gen_report_missing(
            r, path.data,
            "cannot be read: source chunks, tokens, cost and calls are not shown (%s)", why.msg);
    }
    if (rc == GEN_OK && r->ledger)
        gen_report_put_text(r, r->root, "ledger_path", gen_buf_str(&path));
    gen_buf_release(&path);
    return rc;
}

static void put_usage(struct gen_jb *b, struct gen_jmut *o, const struct gen_usage *u)
{
    gen_jb_put_int(b, o, "tokens_in", u->tokens_in);
    gen_jb_put_int(b, o, "tokens_out", u->tokens_out);
    gen_jb_put_int(b, o, "tokens_cached", u->tokens_cached);
    gen_jb_put_int(b, o, "tokens_reasoning", u->tokens_reasoning);
    gen_jb_put_int(b, o, "cost_microusd", u->cost_microusd);
}

static int put_run(void *ud, const struct gen_ledger_run *run, struct gen_error *err)
{
    struct writing *w = ud;
    struct gen_jmut *o = gen_jb_object(w->b);
    (void)err;
    if (w->n++ >= GEN_REPORT_SHOWN_MAX)
        return GEN_OK;
    gen_jb_put_int(w->b, o, "id", run->id);
    gen_report_put_text(w->report, o, "command", run->info.command);
    gen_report_put_text(w->report, o, "version", run->info.version);
    gen_jb_put_int(w->b, o, "started_ms", run->started_unix_us / 1000);
    gen_jb_put_int(w->b, o, "ended_ms", run->ended_unix_us / 1000);
    gen_jb_put_int(w->b, o, "exit_status", run->exit_status);
    gen_jb_append(w->b, w->list, o);
    return GEN_OK;
}

static int put_tally(void *ud, const struct gen_ledger_tally *t, struct gen_error *err)
{
    static const char *const states[] = {"", "planned", "sent", "answered", "failed", "unknown"};
    struct writing *w = ud;
    struct gen_jmut *o = gen_jb_object(w->b);
    (void)err;
    gen_report_put_text(w->report, o, "step", t->step);
    gen_jb_put_cstr(w->b, o, "state",
                    t->state >= 0 && (size_t)t->state < sizeof(states) / sizeof(states[0])
                        ? states[t->state]
                        : "unknown");
    gen_report_put_text(w->report, o, "class", t->class_name);
    gen_jb_put_int(w->b, o, "n", t->n);
    gen_jb_put_int(w->b, o, "n_cost_unknown", t->n_cost_unknown);
    gen_jb_put_int(w->b, o, "n_usage_unknown", t->n_usage_unknown);
    gen_jb_put_int(w->b, o, "latency_ms_sum", t->latency_us_sum / 1000);
    put_usage(w->b, o, &t->usage);
    gen_jb_append(w->b, w->list, o);
    return GEN_OK;
}

static int put_slot(void *ud, const struct gen_ledger_slot *s, struct gen_error *err)
{
    struct writing *w = ud;
    struct gen_jmut *o = gen_jb_object(w->b);
    (void)err;
    gen_jb_put_int(w->b, o, "begin_ms", s->begin_unix_us / 1000);
    gen_jb_put_int(w->b, o, "answered", s->n_answered);
    gen_jb_put_int(w->b, o, "failed", s->n_failed);
    put_usage(w->b, o, &s->usage);
    gen_jb_append(w->b, w->list, o);
    return GEN_OK;
}

int gen_report_read_calls(struct gen_report *r, struct gen_error *err)
{
    struct gen_jb *b = r->facts;
    struct gen_error why = {0};
    int64_t width_us = 0;
    if (!r->ledger)
        return GEN_OK;
    struct writing runs = {r, b, gen_jb_array(b), 0};
    struct writing tallies = {r, b, gen_jb_array(b), 0};
    struct writing slots = {r, b, gen_jb_array(b), 0};
    int rc = gen_ledger_runs(r->ledger, put_run, &runs, &why);
    if (rc == GEN_OK)
        rc = gen_ledger_tallies(r->ledger, 0, put_tally, &tallies, &why);
    if (rc == GEN_OK)
        rc = gen_ledger_timeline(r->ledger, SLOTS_MAX, &width_us, put_slot, &slots, &why);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "the calls of a report");
    if (rc) {
        gen_report_missing(r, "the ledger",
                           "cannot be read: calls, tokens and cost are not shown (%s)", why.msg);
        return GEN_OK;
    }
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "n_runs", runs.n);
    gen_jb_put(b, o, "runs", runs.list);
    gen_jb_put(b, o, "tallies", tallies.list);
    gen_jb_put_int(b, o, "slot_ms", width_us / 1000);
    gen_jb_put(b, o, "slots", slots.list);
    gen_jb_put(b, r->root, "ledger", o);
    return GEN_OK;
}
