#include "engine/account.h"

static void put_counts(struct gen_jb *b, struct gen_jmut *object, const char *key,
                       const struct gen_counts *counts)
{
    struct gen_jmut *rows = gen_jb_object(b);
    for (size_t i = 0; i < counts->n; i++)
        gen_jb_put_int(b, rows, counts->rows[i].name, counts->rows[i].count);
    gen_jb_put(b, object, key, rows);
}

struct gen_jmut *gen_account_json(struct gen_jb *b, const struct gen_stage_account *s)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_cstr(b, o, "stage", s->name);
    gen_jb_put_cstr(b, o, "input_unit", s->unit_in);
    gen_jb_put_cstr(b, o, "output_unit", s->unit_out);
    gen_jb_put_int(b, o, "in", s->n_in);
    gen_jb_put_int(b, o, "produced", s->n_produced);
    put_counts(b, o, "filtered", &s->filtered);
    put_counts(b, o, "failed", &s->failed);
    put_counts(b, o, "skipped", &s->skipped);
    gen_jb_put_int(b, o, "out", s->n_out);
    put_counts(b, o, "out_filtered", &s->out_filtered);
    put_counts(b, o, "notes", &s->notes);
    if (s->n_actions) {
        int64_t n_done = s->n_actions - s->n_actions_cached;
        gen_jb_put_int(b, o, "tool_calls", s->n_actions);
        gen_jb_put_int(b, o, "tool_calls_from_ledger", s->n_actions_cached);
        if (n_done > 0)
            gen_jb_put_real(b, o, "tool_call_mean_s",
                            (double)s->action_latency_us_sum / 1e6 / (double)n_done);
    }
    gen_jb_put_int(b, o, "calls", s->n_calls);
    gen_jb_put_int(b, o, "calls_from_ledger", s->n_cached);
    gen_jb_put_int(b, o, "requests_sent", s->n_sent);
    put_counts(b, o, "attempts_by_class", &s->by_class);
    gen_jb_put_int(b, o, "tokens_in", s->tokens_in);
    gen_jb_put_int(b, o, "tokens_out", s->tokens_out);
    gen_jb_put_int(b, o, "tokens_cached", s->tokens_cached);
    if (s->n_cost_unknown)
        gen_jb_put_cstr(b, o, "cost_usd", "unknown");
    else
        gen_jb_put_real(b, o, "cost_usd", (double)s->cost_microusd / 1e6);
    return o;
}
