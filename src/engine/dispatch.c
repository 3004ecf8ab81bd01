/* Which calls are asked now: room in the lane, the limits a minute, the budgets, and later stages
 * first. */
#include "engine/engine_int.h"

#include <stdio.h>

/* How many requests leave before the first answer has shown what one costs. */
static bool is_feeling_the_price(const struct gen_engine *e)
{
    bool has_budget = e->o.max_cost_microusd > 0 || e->o.max_tokens_total > 0;
    return has_budget && !e->o.is_batch && e->lane.n_answers == 0 &&
           e->lane.in_flight >= GEN_SENT_BEFORE_PRICE;
}

size_t gen_engine_under_way(const struct gen_engine *e)
{
    return e->marked.n + e->arrived.n + e->recorded.n + e->lane.in_flight + e->n_acting;
}

bool gen_engine_may_dispatch(const struct gen_engine *e)
{
    return !e->stopping && !e->is_held && e->n_cached_waiting < GEN_CACHED_WAITING_MAX &&
           !is_feeling_the_price(e) && e->limited_until_ms <= gen_loop_now_ms(e->o.loop) &&
           gen_lane_room(&e->lane, gen_loop_now_ms(e->o.loop)) > 0;
}

void gen_engine_file_asked(struct gen_engine *e, struct gen_call *call)
{
    switch (call->state) {
    case GEN_CALL_MARKED:
        gen_call_list_push(&e->marked, call);
        break;
    case GEN_CALL_TWIN:
        gen_call_list_push(&e->twins, call);
        break;
    case GEN_CALL_HELD:
        gen_call_make_ready(call);
        /* The end of a limiter's wait is known; all else ends with an answer. */
        e->is_held = e->limited_until_ms <= gen_loop_now_ms(e->o.loop);
        break;
    case GEN_CALL_ARRIVED:
        /* What another call of this turn has brought is not committed yet: it waits for its use as
         * all others do. */
        gen_call_list_push(call->from_ledger ? &e->recorded : &e->arrived, call);
        call->stage->n_cached_waiting += call->from_ledger;
        e->n_cached_waiting += call->from_ledger;
        break;
    case GEN_CALL_READY:
    case GEN_CALL_DELAYED:
    case GEN_CALL_IN_FLIGHT:
    case GEN_CALL_ACTING:
    case GEN_CALL_DONE:
        break;
    }
}

static void stop_at_budget(struct gen_engine *e, const char *option)
{
    char reason[80];
    (void)snprintf(reason, sizeof(reason), "the budget of %s is used up", option);
    gen_engine_stop(e, GEN_END_BUDGET, reason);
}

static int dispatch_stage(struct gen_engine *e, struct gen_stage *stage, struct gen_error *err)
{
    while (stage->ready.n && gen_engine_may_dispatch(e)) {
        struct gen_call *call = gen_call_list_pop(&stage->ready);
        /* What the ledger has may be all that the step wants: it is asked before more are paid. */
        bool is_asked = stage->n_cached_waiting == 0 && !gen_stage_can_release(stage);
        bool may_send = !stage->step->release || is_asked;
        e->budget_at_end = NULL;
        int rc = gen_call_ask(e, call, may_send, err);
        if (rc)
            return rc;
        gen_engine_file_asked(e, call);
        /* The answers under way may turn out cheaper than they were reckoned. */
        if (e->is_held && e->budget_at_end && gen_engine_under_way(e) == 0)
            stop_at_budget(e, e->budget_at_end);
    }
    return GEN_OK;
}

/* Later stages first: what is nearly finished frees its memory, and the endpoint never idles
 * between stages. */
int gen_engine_dispatch(struct gen_engine *e, struct gen_error *err)
{
    for (size_t i = e->o.n_steps; i-- > 0;) {
        int rc = gen_stage_take_turns(&e->stages[i], err);
        if (rc == GEN_OK)
            rc = dispatch_stage(e, &e->stages[i], err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

bool gen_engine_has_turns(const struct gen_engine *e)
{
    for (size_t i = 0; i < e->o.n_steps; i++) {
        if (e->stages[i].turns.n)
            return true;
    }
    return false;
}

bool gen_engine_has_ready(const struct gen_engine *e)
{
    for (size_t i = 0; i < e->o.n_steps; i++) {
        if (e->stages[i].ready.n)
            return true;
    }
    return false;
}
