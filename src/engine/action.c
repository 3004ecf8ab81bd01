/* Actions: looked up in the ledger, marked there, begun after the commit, and used once what they
 * brought is committed, as answers are. */
#include "engine/engine_int.h"

#include <stdio.h>

/* Tells a step's actions from its questions to the model among the attempts of the ledger. */
static struct gen_str label_of(const struct gen_call *call, char *label, size_t label_bytes)
{
    int n = snprintf(label, label_bytes, "%s" GEN_ACTIONS_SUFFIX, call->stage->step->name);
    return (struct gen_str){label, n > 0 && (size_t)n < label_bytes ? (size_t)n : label_bytes - 1};
}

/* The sample of --retry-failed: an action that led to a failure is done once more. Extra rounds
 * need no other: the same action brings the same. */
static int hash_action(struct gen_engine *e, struct gen_call *call, struct gen_str text,
                       struct gen_error *err)
{
    char prefix[48];
    int n = snprintf(prefix, sizeof(prefix), "generator action 1 %u",
                     call->sample % GEN_SAMPLES_A_ROUND);
    int rc = gen_sha256_start(e->hash, err);
    if (rc == GEN_OK)
        rc = gen_sha256_add_field(e->hash, (struct gen_str){prefix, (size_t)n}, err);
    if (rc == GEN_OK)
        rc = gen_sha256_add_field(e->hash, text, err);
    return rc ? rc : gen_sha256_finish(e->hash, &call->key, err);
}

static int mark(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    char label[80];
    call->n_attempts++;
    int rc = gen_ledger_begin(e->o.ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_attempt_sent(e->o.ledger, &call->key, e->o.run_id,
                                     label_of(call, label, sizeof(label)), (int)call->n_attempts,
                                     &call->attempt_id, err);
    if (rc)
        return rc;
    call->from_ledger = false;
    call->any_sent = true;
    call->older.was_sent = true;
    call->state = GEN_CALL_MARKED;
    gen_call_begin_under_way(e, call);
    gen_llm_result_release(&call->result);
    call->result = gen_llm_result_make();
    return GEN_OK;
}

/* `*is_due`: the turn is an action. */
static int render(struct gen_engine *e, struct gen_call *call, bool *is_due, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    struct gen_item *item = NULL;
    (void)gen_call_choose_asked(call, &item);
    gen_buf_clear(&e->user);
    int rc = step->action(step->ud, item, &e->user, err);
    if (rc)
        return rc;
    *is_due = e->user.n > 0;
    if (!*is_due && !step->ask)
        return gen_fail(err, GEN_ESTATE,
                        "the step \"%s\" asks no model and has no action for input %llu",
                        step->name, (unsigned long long)item->position);
    return *is_due ? hash_action(e, call, gen_buf_str(&e->user), err) : GEN_OK;
}

/* Ends READY for the model, ARRIVED, TWIN, MARKED, DONE, or READY again, to wait (`*is_held`). */
static int take_turn(struct gen_engine *e, struct gen_call *call, bool *is_held,
                     struct gen_error *err)
{
    const struct gen_stage *stage = call->stage;
    bool is_due = false, is_taken = false;
    int rc = render(e, call, &is_due, err);
    if (rc)
        return rc;
    call->is_question = !is_due;
    call->is_action = is_due;
    if (!is_due) {
        gen_call_make_ready(call);
        return GEN_OK;
    }
    rc = gen_call_take_known(e, call, &is_taken, err);
    if (rc || is_taken)
        return rc;
    if (stage->step->release && stage->n_cached_waiting) {
        /* What the ledger has may be all that the step wants. */
        gen_call_make_ready(call);
        *is_held = true;
        return GEN_OK;
    }
    return mark(e, call, err);
}

int gen_stage_take_turns(struct gen_stage *stage, struct gen_error *err)
{
    struct gen_engine *e = stage->engine;
    bool is_held = false;
    for (size_t n = 0; n < GEN_TURNS_LOOKED_AT && stage->turns.n && !is_held; n++) {
        if (e->stopping || e->n_cached_waiting >= GEN_CACHED_WAITING_MAX)
            return GEN_OK;
        struct gen_call *call = gen_call_list_pop(&stage->turns);
        int rc = take_turn(e, call, &is_held, err);
        if (rc)
            return rc;
        gen_engine_file_asked(e, call);
    }
    return GEN_OK;
}

/* False when it has ended before. */
static bool end_action(struct gen_action *a, enum gen_class c)
{
    struct gen_call *call = a->call;
    struct gen_engine *e = call->stage->engine;
    if (call->state != GEN_CALL_ACTING)
        return false;
    e->n_acting--;
    call->state = GEN_CALL_ARRIVED;
    call->result.class_code = c;
    call->result.latency_us = gen_loop_now_us() - a->began_us;
    gen_call_list_push(&e->arrived, call);
    gen_loop_wake(e->o.loop);
    return true;
}

int gen_action_begin(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    call->state = GEN_CALL_ACTING;
    call->action.began_us = gen_loop_now_us();
    call->action.failed = NULL;
    e->n_acting++;
    /* Given up between its mark and its beginning. */
    if (e->n_interrupts > 1) {
        (void)end_action(&call->action, GEN_CLASS_CANCELED);
        return GEN_OK;
    }
    return step->act(step->ud, call->items[call->asked[0]], &call->action, err);
}

void gen_action_failed(struct gen_action *a, const char *class_name, const char *message)
{
    if (!end_action(a, GEN_CLASS_NONE))
        return;
    a->failed = class_name;
    gen_llm_set_message(&a->call->result, gen_str_from(message));
}

void gen_action_done(struct gen_action *a, struct gen_str observation)
{
    struct gen_llm_result *r = &a->call->result;
    if (observation.n > GEN_OBSERVATION_BYTES_MAX) {
        char words[120];
        (void)snprintf(words, sizeof(words),
                       "what came back has %zu bytes, and at most %zu can be kept", observation.n,
                       GEN_OBSERVATION_BYTES_MAX);
        gen_action_failed(a, "observation_too_large", words);
        return;
    }
    if (!end_action(a, GEN_CLASS_OK))
        return;
    struct gen_error err = {.code = GEN_OK};
    struct gen_buf copy = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    int rc = gen_buf_reserve(&copy, observation.n + 1, &err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&copy, observation, &err);
    if (rc) {
        gen_buf_release(&copy);
        gen_engine_fail(a->call->stage->engine, rc, &err);
        return;
    }
    r->owned = gen_buf_take(&copy, &n);
    r->text = (struct gen_str){r->owned, n};
}

void gen_engine_abandon_actions(struct gen_engine *e)
{
    for (size_t i = 0; i < e->o.n_steps; i++) {
        const struct gen_stage *stage = &e->stages[i];
        for (size_t k = 0; e->n_acting && k < stage->ring_n; k++) {
            struct gen_call *call = stage->ring[(stage->ring_first + k) % stage->ring_capacity];
            if (call->state != GEN_CALL_ACTING)
                continue;
            stage->step->abandon(stage->step->ud, &call->action);
            (void)end_action(&call->action, GEN_CLASS_CANCELED);
        }
    }
}

int gen_action_record(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    const struct gen_llm_result *r = &call->result;
    const struct gen_action *a = &call->action;
    gen_call_end_under_way(e, call);
    e->twins_may_wake |= e->twins.n > 0;
    int rc = gen_ledger_begin(e->o.ledger, err);
    if (rc)
        return rc;
    if (r->class_code == GEN_CLASS_OK) {
        const struct gen_answer answer = {
            .text = r->text,
            .finish = GEN_STR("stop"),
            .model = GEN_STR("tool"),
            .latency_us = (int64_t)r->latency_us,
            .answered_unix_us = gen_time_unix_us(),
            .run_id = e->o.run_id,
            .is_renewed = gen_call_is_fresh(e, call),
        };
        call->stage->account->action_latency_us_sum += (int64_t)r->latency_us;
        return gen_ledger_attempt_answered(e->o.ledger, call->attempt_id, &call->key, &answer, err);
    }
    bool is_unknown = r->class_code == GEN_CLASS_CANCELED;
    const struct gen_attempt_end end = {
        .state = is_unknown ? GEN_ATTEMPT_UNKNOWN : GEN_ATTEMPT_FAILED,
        .class_code = (int)r->class_code,
        .class_name = gen_str_from(is_unknown ? gen_class_name(r->class_code) : a->failed),
        .message = gen_str_from(r->message),
        .latency_us = (int64_t)r->latency_us,
    };
    return gen_ledger_attempt_ended(e->o.ledger, call->attempt_id, &end, err);
}

static int let_step_observe(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    struct gen_stage_account *account = call->stage->account;
    struct gen_outcome o = {
        .call = call, .asked = call->asked, .n_asked = call->n_asked, .is_last_try = true};
    /* The repairs of the answer before are noted with its turn. */
    call->repairs = 0;
    gen_buf_clear(&call->faults);
    int rc = step->observe(step->ud, call->items[call->asked[0]], call->result.text, &o, err);
    if (rc)
        return rc;
    account->n_actions++;
    account->n_actions_cached += call->from_ledger;
    char why[512];
    (void)snprintf(why, sizeof(why), "%s",
                   call->faults.n ? call->faults.data : "the step made nothing of what came back");
    return gen_call_end_question(e, call, gen_class_name(GEN_CLASS_MALFORMED), why, err);
}

int gen_action_use(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    struct gen_llm_result *r = &call->result;
    int rc = GEN_OK;
    if (r->class_code == GEN_CLASS_OK)
        rc = let_step_observe(e, call, err);
    else if (r->class_code == GEN_CLASS_CANCELED)
        gen_call_make_ready(call);
    else
        rc = gen_call_end_question(e, call, call->action.failed, r->message, err);
    gen_llm_result_release(r);
    return rc;
}
