/* What a request will use, as far as earlier answers tell, and which of its stable texts the server
 * keeps already. */
#include "engine/engine_int.h"

int64_t gen_engine_raw_tokens(const struct gen_llm_request *r)
{
    return (int64_t)(r->stable->system.n + r->user.n) / GEN_BYTES_A_TOKEN;
}

struct gen_limiter_need gen_engine_need(const struct gen_engine *e, const struct gen_llm_request *r)
{
    const struct gen_usage_mean *u = &e->usage;
    struct gen_limiter_need need = {
        .tokens_in = gen_engine_raw_tokens(r),
        .tokens_out = r->tokens_out_max / 4,
        .tokens_out_max = r->tokens_out_max,
    };
    if (u->estimated_in)
        need.tokens_in =
            (int64_t)((double)need.tokens_in * (double)u->tokens_in / (double)u->estimated_in) + 1;
    if (u->n)
        need.tokens_out = u->tokens_out / u->n;
    if (need.tokens_out > need.tokens_out_max)
        need.tokens_out = need.tokens_out_max;
    return need;
}

void gen_engine_count_usage(struct gen_engine *e, const struct gen_call *call)
{
    const struct gen_usage *u = &call->result.usage;
    struct gen_usage_mean *mean = &e->usage;
    if (u->tokens_in > 0) {
        mean->estimated_in += call->tokens_in_raw;
        mean->tokens_in += u->tokens_in;
    }
    if (u->tokens_out > 0) {
        mean->n++;
        mean->tokens_out += u->tokens_out;
    }
}

static struct gen_prefix *find_prefix(struct gen_engine *e, const struct gen_llm_stable *stable)
{
    for (size_t i = 0; i < e->n_prefixes; i++) {
        if (e->prefixes[i].stable == stable)
            return &e->prefixes[i];
    }
    return NULL;
}

bool gen_prefix_is_warming(struct gen_engine *e, const struct gen_llm_stable *stable)
{
    const struct gen_prefix *p = find_prefix(e, stable);
    return p && !p->is_warm && p->first;
}

void gen_prefix_sent(struct gen_engine *e, const struct gen_call *call,
                     const struct gen_llm_stable *stable)
{
    size_t least = e->o.provider->cached_prefix_tokens;
    if (least == 0 || e->o.is_batch || stable->system.n / GEN_BYTES_A_TOKEN < least)
        return;
    struct gen_prefix *p = find_prefix(e, stable);
    if (!p && e->n_prefixes < GEN_PREFIXES_MAX) {
        p = &e->prefixes[e->n_prefixes++];
        *p = (struct gen_prefix){.stable = stable};
    }
    if (p && !p->is_warm && !p->first)
        p->first = call;
}

void gen_prefix_ended(struct gen_engine *e, const struct gen_call *call, enum gen_class c)
{
    for (size_t i = 0; i < e->n_prefixes; i++) {
        struct gen_prefix *p = &e->prefixes[i];
        if (p->first != call)
            continue;
        p->first = NULL;
        p->is_warm = c == GEN_CLASS_OK || c == GEN_CLASS_TRUNCATED || c == GEN_CLASS_BLOCKED;
    }
}
