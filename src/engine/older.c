/* Answers of earlier runs, where the newest of the ledger are no good. */
#include "engine/engine_int.h"

struct gen_run_span gen_call_span(const struct gen_engine *e, const struct gen_call *call)
{
    if (gen_call_is_fresh(e, call))
        return (struct gen_run_span){e->o.fresh_from ? e->o.fresh_from : e->o.run_id, 0};
    return (struct gen_run_span){0, call->older.before_run};
}

void gen_call_note_first(const struct gen_engine *e, struct gen_call *call, bool found,
                         const struct gen_answer *answer)
{
    struct gen_older *o = &call->older;
    if (o->has_begun)
        return;
    o->has_begun = true;
    o->first_key = call->key;
    o->first_run = found && !gen_call_is_fresh(e, call) ? answer->run_id : 0;
}

/* What the answers have settled so far can be undone: it has led to no record. */
static bool can_begin_anew(const struct gen_call *call)
{
    const struct gen_older *o = &call->older;
    if (o->is_done || o->was_sent || o->first_run == 0)
        return false;
    for (size_t i = 0; i < call->n_asked; i++) {
        enum gen_item_state state = call->settled[call->asked[i]].state;
        if (state != GEN_ITEM_OPEN && state != GEN_ITEM_FAILED)
            return false;
    }
    return true;
}

static void begin_anew(struct gen_call *call)
{
    struct gen_older older = call->older;
    struct gen_settled *first = &call->settled[0];
    older.has_begun = false;
    older.first_run = 0;
    for (size_t i = 0; i < call->n_asked; i++)
        call->settled[call->asked[i]].state = GEN_ITEM_OPEN;
    if (call->n_items == 1 && first->given) {
        gen_item_free(call->items[0]);
        call->items[0] = first->given;
        first->given = NULL;
        first->n_turns = 0;
        first->repairs = 0;
    }
    gen_call_new_question(call);
    call->older = older;
    /* Of several inputs those that this question was about. */
    call->keep_asked = call->n_items > 1;
    gen_call_make_ready(call);
}

int gen_call_try_older(struct gen_engine *e, struct gen_call *call, bool *is_again,
                       struct gen_error *err)
{
    struct gen_older *o = &call->older;
    struct gen_answer answer;
    bool found = false;
    *is_again = false;
    if (call->ledger_only || gen_call_is_fresh(e, call) || !can_begin_anew(call))
        return GEN_OK;
    const struct gen_run_span before = {0, o->first_run};
    int rc = gen_ledger_find_of(e->o.ledger, &o->first_key, before, &found, &answer, err);
    if (rc)
        return rc;
    *is_again = found || o->before_run != 0;
    o->is_done = !found;
    o->before_run = found ? o->first_run : 0;
    if (*is_again)
        begin_anew(call);
    return GEN_OK;
}
