#include "engine/engine_int.h"

static struct gen_settled *settled_of(struct gen_outcome *o, size_t input)
{
    return &o->call->settled[o->asked[input]];
}

int gen_outcome_produce(struct gen_outcome *o, size_t input, struct gen_str record,
                        struct gen_error *err)
{
    struct gen_settled *s = settled_of(o, input);
    const struct gen_item *from = o->call->items[o->asked[input]];
    struct gen_item *item = gen_item_new(from->chunk, record, from->position);
    if (!item)
        return gen_nomem(err, "a record");
    item->round = from->round;
    int rc = gen_item_queue_push(&s->outputs, item, err);
    if (rc) {
        gen_item_free(item);
        return rc;
    }
    s->state = GEN_ITEM_PRODUCED;
    return GEN_OK;
}

void gen_outcome_filter(struct gen_outcome *o, size_t input, const char *rule)
{
    gen_call_settle(o->call, o->asked[input], GEN_ITEM_FILTERED, rule, NULL);
}

void gen_outcome_filter_output(struct gen_outcome *o, const char *rule)
{
    gen_counts_add(&o->call->out_filtered, rule, 1);
}

void gen_outcome_fail(struct gen_outcome *o, size_t input, enum gen_class c, const char *message)
{
    gen_call_settle(o->call, o->asked[input], GEN_ITEM_FAILED, gen_class_name(c), message);
}

void gen_outcome_note(struct gen_outcome *o, const char *name)
{
    gen_counts_add(&o->call->notes, name, 1);
}

int gen_outcome_ask_again(struct gen_outcome *o, struct gen_str faults, struct gen_error *err)
{
    o->ask_again = true;
    gen_buf_clear(&o->call->faults);
    return gen_buf_add_str(&o->call->faults, faults, err);
}

bool gen_outcome_is_last_try(const struct gen_outcome *o)
{
    return o->is_last_try;
}
