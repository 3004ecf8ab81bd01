#include "llm/exchange.h"

void gen_exchange_enter(struct gen_exchange **list, struct gen_exchange *x)
{
    x->link = list;
    x->next = *list;
    if (x->next)
        x->next->link = &x->next;
    *list = x;
}

static void leave(struct gen_exchange *x)
{
    *x->link = x->next;
    if (x->next)
        x->next->link = x->link;
}

void gen_exchange_discard(struct gen_exchange *x, gen_exchange_release_fn *release)
{
    leave(x);
    release(x);
}

void gen_exchange_deliver(struct gen_exchange *x, gen_exchange_release_fn *release,
                          struct gen_llm_result *result, const struct gen_error *failure)
{
    gen_exchange_fn *fn = x->fn;
    void *ud = x->ud;
    gen_exchange_discard(x, release);
    fn(ud, result, failure);
}

void gen_exchange_release_all(struct gen_exchange **list, gen_exchange_release_fn *release)
{
    for (struct gen_exchange *next, *x = *list; x; x = next) {
        next = x->next;
        release(x);
    }
    *list = NULL;
}

int gen_exchange_batch_body(const struct gen_channel_options *o, const struct gen_llm_request *r,
                            unsigned dropped, struct gen_buf *body, struct gen_error *err)
{
    struct gen_endpoint endpoint = o->endpoint;
    endpoint.dropped = dropped;
    endpoint.is_batch = true;
    return o->provider->build(r, &endpoint, body, err);
}
