#include "llm/exchange.h"

int gen_channel_prepare(const struct gen_channel *c, const struct gen_llm_request *r,
                        const struct gen_digest *key, unsigned dropped, struct gen_exchange **out,
                        struct gen_error *err)
{
    return c->table->prepare(c->state, r, key, dropped, out, err);
}

int gen_channel_send(const struct gen_channel *c, struct gen_exchange *x, gen_exchange_fn *fn,
                     void *ud, struct gen_error *err)
{
    x->fn = fn;
    x->ud = ud;
    return c->table->send(c->state, x, err);
}

void gen_channel_cancel(const struct gen_channel *c, struct gen_exchange *x)
{
    c->table->cancel(c->state, x);
}

void gen_channel_discard(const struct gen_channel *c, struct gen_exchange *x)
{
    if (x)
        gen_exchange_discard(x, c->table->release);
}

int gen_channel_turn_end(const struct gen_channel *c, bool is_idle, struct gen_error *err)
{
    return c->table && c->table->turn_end ? c->table->turn_end(c->state, is_idle, err) : GEN_OK;
}

bool gen_channel_is_parked(const struct gen_channel *c)
{
    return c->table && c->table->is_parked && c->table->is_parked(c->state);
}

void gen_channel_free(struct gen_channel *c)
{
    if (c->table)
        c->table->free(c->state);
    *c = (struct gen_channel){NULL, NULL};
}
