/* --max-cost, --max-tokens-total and --max-requests: what this run has used, what the requests
 * under way may use, and whether one more might break a limit. */
#include "engine/engine_int.h"
#include "llm/record.h"

/* Before any answer has shown what answers are like, half of what may be written is taken as
 * written; later, half more than they were on average. */
static int64_t expected_tokens_out(const struct gen_engine *e, const struct gen_limiter_need *need)
{
    int64_t n = need->tokens_out_max / 2;
    if (e->usage.n)
        n = e->usage.tokens_out / e->usage.n * 3 / 2;
    return n < need->tokens_out_max ? n : need->tokens_out_max;
}

/* What a request will use at most, as far as that can be told: what the dearest answer of its stage
 * did, or what its own size suggests. */
static struct gen_reserve estimate(const struct gen_engine *e, const struct gen_call *call)
{
    const struct gen_stage *stage = call->stage;
    const struct gen_usage u = {.tokens_in = call->need.tokens_in,
                                .tokens_out = expected_tokens_out(e, &call->need),
                                .cost_microusd = -1};
    struct gen_reserve r = {u.tokens_in + u.tokens_out, gen_llm_cost(&e->o.price, &u)};
    if (r.tokens < stage->dearest.tokens)
        r.tokens = stage->dearest.tokens;
    if (r.microusd < stage->dearest.microusd)
        r.microusd = stage->dearest.microusd;
    return r;
}

const char *gen_budget_refusal(const struct gen_engine *e, struct gen_call *call)
{
    const struct gen_engine_options *o = &e->o;
    if (o->max_cost_microusd <= 0 && o->max_tokens_total <= 0 && o->max_requests <= 0)
        return NULL;
    call->reserve = estimate(e, call);
    if (o->max_cost_microusd > 0 &&
        e->spent.microusd + e->reserved.microusd + call->reserve.microusd > o->max_cost_microusd)
        return "--max-cost";
    if (o->max_tokens_total > 0 &&
        e->spent.tokens + e->reserved.tokens + call->reserve.tokens > o->max_tokens_total)
        return "--max-tokens-total";
    return o->max_requests > 0 && e->n_sent >= o->max_requests ? "--max-requests" : NULL;
}

void gen_budget_sent(struct gen_engine *e, const struct gen_call *call)
{
    e->n_sent++;
    e->reserved.tokens += call->reserve.tokens;
    e->reserved.microusd += call->reserve.microusd;
}

void gen_budget_ended(struct gen_engine *e, struct gen_call *call)
{
    e->reserved.tokens -= call->reserve.tokens;
    e->reserved.microusd -= call->reserve.microusd;
    call->reserve = (struct gen_reserve){0, 0};
}

void gen_budget_spent(struct gen_engine *e, const struct gen_call *call)
{
    const struct gen_usage *u = &call->result.usage;
    struct gen_reserve *dearest = &call->stage->dearest;
    int64_t microusd = u->cost_microusd > 0 ? u->cost_microusd : 0;
    int64_t tokens = (u->tokens_in > 0 ? u->tokens_in : call->need.tokens_in) +
                     (u->tokens_out > 0 ? u->tokens_out : call->need.tokens_out);
    e->spent.tokens += tokens;
    e->spent.microusd += microusd;
    if (tokens > dearest->tokens)
        dearest->tokens = tokens;
    if (microusd > dearest->microusd)
        dearest->microusd = microusd;
}
