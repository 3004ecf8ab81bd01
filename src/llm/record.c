#include "llm/record.h"

int64_t gen_llm_cost(const struct gen_price *price, const struct gen_usage *u)
{
    if (u->cost_microusd >= 0)
        return u->cost_microusd;
    if (!price->known || u->tokens_in < 0 || u->tokens_out < 0)
        return -1;
    /* Beyond its bound the price is another one, which the file does not say. */
    if (price->tokens_in_max > 0 && u->tokens_in > price->tokens_in_max)
        return -1;
    double fresh = (double)(u->tokens_in - u->tokens_cached - u->tokens_cache_write);
    double microusd = fresh * price->in_usd_per_mtok +
                      (double)u->tokens_cached * price->cached_usd_per_mtok +
                      (double)u->tokens_cache_write * price->cache_write_usd_per_mtok +
                      (double)u->tokens_out * price->out_usd_per_mtok;
    return (int64_t)(microusd + 0.5);
}

bool gen_llm_is_answer(const struct gen_llm_result *r)
{
    return r->class_code == GEN_CLASS_OK || r->class_code == GEN_CLASS_TRUNCATED ||
           r->class_code == GEN_CLASS_BLOCKED;
}

struct gen_answer gen_llm_answer(const struct gen_llm_result *r, int64_t run_id,
                                 int64_t answered_unix_us)
{
    struct gen_answer a = {
        .text = r->text,
        .reasoning = r->reasoning,
        .finish = r->finish.n ? r->finish : GEN_STR("stop"),
        .model = r->model,
        .usage = r->usage,
        .latency_us = (int64_t)r->latency_us,
        .answered_unix_us = answered_unix_us,
        .run_id = run_id,
    };
    if (r->class_code == GEN_CLASS_TRUNCATED)
        a.finish = GEN_STR("length");
    if (r->class_code == GEN_CLASS_BLOCKED) {
        if (!gen_str_is(a.finish, "content_filter"))
            a.finish = GEN_STR("refusal");
        a.text = gen_str_from(r->message);
    }
    return a;
}
