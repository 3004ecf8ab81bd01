#include "engine/engine_int.h"
#include "llm/record.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define SPARE_MAX 256U /* about 1.5 MB */

/* A call and its arrays in one block. Its counts make it larger than what malloc keeps at hand, so
 * blocks for one item, which nearly all of them are, are used again. */
static struct gen_call *take_block(struct gen_stage *stage, size_t n)
{
    struct gen_call *call = n == 1 ? stage->spare : NULL;
    if (!call)
        return malloc(sizeof(*call) + n * (sizeof(*call->settled) + sizeof(struct gen_item *) +
                                           sizeof(*call->asked)));
    stage->spare = call->next;
    stage->n_spare--;
    return call;
}

struct gen_call *gen_call_new(struct gen_stage *stage, struct gen_item **items, size_t n)
{
    struct gen_call *call = take_block(stage, n);
    if (!call)
        return NULL;
    /* The counts are most of the bytes, and without rows they need no zeroing. */
    memset(call, 0, offsetof(struct gen_call, out_filtered));
    call->out_filtered.n = 0;
    call->notes.n = 0;
    call->settled = (struct gen_settled *)(void *)(call + 1);
    call->items = (struct gen_item **)(void *)(call->settled + n);
    call->asked = (size_t *)(void *)(call->items + n);
    memset(call->settled, 0, n * sizeof(*call->settled));
    memcpy(call->items, items, n * sizeof(struct gen_item *));
    call->stage = stage;
    call->n_items = n;
    call->ask_limit = n;
    call->faults = gen_buf_make(8192);
    call->result = gen_llm_result_make();
    call->action.call = call;
    gen_call_new_question(call);
    return call;
}

void gen_call_free(struct gen_call *call)
{
    if (!call)
        return;
    for (size_t i = 0; i < call->n_items; i++) {
        gen_item_free(call->items[i]);
        gen_item_free(call->settled[i].given);
        gen_item_free(call->settled[i].next);
        gen_item_queue_release(&call->settled[i].outputs);
        free(call->settled[i].message);
    }
    gen_llm_result_release(&call->result);
    gen_buf_release(&call->faults);
    struct gen_stage *stage = call->stage;
    if (call->n_items != 1 || stage->n_spare == SPARE_MAX) {
        free(call);
        return;
    }
    call->next = stage->spare;
    stage->spare = call;
    stage->n_spare++;
}

void gen_call_free_spare(struct gen_stage *stage)
{
    while (stage->spare) {
        struct gen_call *next = stage->spare->next;
        free(stage->spare);
        stage->spare = next;
    }
    stage->n_spare = 0;
}

void gen_call_new_question(struct gen_call *call)
{
    call->keep_asked = false;
    call->n_tries = 0;
    call->n_wanted = 0;
    call->any_sent = false;
    call->ledger_only = false;
    call->reseed = 0;
    call->is_question = false;
    call->is_action = false;
    if (call->n_items > 1)
        memset(&call->older, 0, sizeof(call->older));
    /* A further pass asks the same anew: it must not be answered by the first one's answer. */
    call->sample = call->items[0]->round * GEN_SAMPLES_A_ROUND;
    gen_buf_clear(&call->faults);
    memset(&call->history, 0, sizeof(call->history));
}

void gen_call_list_push(struct gen_call_list *list, struct gen_call *call)
{
    call->next = NULL;
    if (list->last)
        list->last->next = call;
    else
        list->first = call;
    list->last = call;
    list->n++;
}

/* The list is in the order of the calls; what comes back is mostly among the oldest. */
static void insert_in_order(struct gen_call_list *list, struct gen_call *call)
{
    struct gen_call **at = &list->first;
    while (*at && (*at)->sequence < call->sequence)
        at = &(*at)->next;
    call->next = *at;
    *at = call;
    if (!call->next)
        list->last = call;
    list->n++;
}

struct gen_call *gen_call_list_pop(struct gen_call_list *list)
{
    struct gen_call *call = list->first;
    if (!call)
        return NULL;
    list->first = call->next;
    if (!list->first)
        list->last = NULL;
    list->n--;
    call->next = NULL;
    return call;
}

void gen_call_settle(struct gen_call *call, size_t index, enum gen_item_state state,
                     const char *name, const char *message)
{
    struct gen_settled *s = &call->settled[index];
    if (s->state != GEN_ITEM_OPEN)
        return;
    s->state = state;
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
    free(s->message);
    /* Without memory for the words the class still stands. */
    s->message = message ? gen_str_dup(gen_str_from(message)) : NULL;
}

void gen_call_settle_open(struct gen_call *call, enum gen_item_state state, const char *name,
                          const char *message)
{
    for (size_t i = 0; i < call->n_items; i++) {
        if (call->settled[i].state == GEN_ITEM_CONTINUED)
            call->settled[i].state = GEN_ITEM_OPEN;
        gen_call_settle(call, i, state, name, message);
    }
    call->state = GEN_CALL_DONE;
}

void gen_call_make_ready(struct gen_call *call)
{
    call->state = GEN_CALL_READY;
    bool may_act = call->stage->step->action && !call->is_question;
    /* It is older than those that were not asked yet, and their outputs wait for its own. */
    insert_in_order(may_act ? &call->stage->turns : &call->stage->ready, call);
}

/* The inputs that are still open: of the question before when it is put again, else as many as are
 * asked about at once. */
size_t gen_call_choose_asked(struct gen_call *call, struct gen_item **items)
{
    size_t n_candidates = call->keep_asked ? call->n_asked : call->n_items;
    call->n_asked = 0;
    for (size_t k = 0; k < n_candidates && call->n_asked < call->ask_limit; k++) {
        size_t i = call->keep_asked ? call->asked[k] : k;
        if (call->settled[i].state != GEN_ITEM_OPEN)
            continue;
        items[call->n_asked] = call->items[i];
        call->asked[call->n_asked++] = i;
    }
    call->keep_asked = true;
    return call->n_asked;
}

static struct gen_call **bucket_of(struct gen_engine *e, const struct gen_digest *key)
{
    size_t i = ((size_t)key->bytes[0] << 8 | key->bytes[1]) % GEN_KEY_BUCKETS;
    return &e->under_way[i];
}

bool gen_call_is_under_way(const struct gen_engine *e, const struct gen_digest *key)
{
    size_t i = ((size_t)key->bytes[0] << 8 | key->bytes[1]) % GEN_KEY_BUCKETS;
    for (const struct gen_call *call = e->under_way[i]; call; call = call->key_next) {
        if (memcmp(call->key.bytes, key->bytes, sizeof(key->bytes)) == 0)
            return true;
    }
    return false;
}

void gen_call_begin_under_way(struct gen_engine *e, struct gen_call *call)
{
    struct gen_call **bucket = bucket_of(e, &call->key);
    call->key_next = *bucket;
    *bucket = call;
}

void gen_call_end_under_way(struct gen_engine *e, struct gen_call *call)
{
    struct gen_call **link = bucket_of(e, &call->key);
    while (*link && *link != call)
        link = &(*link)->key_next;
    if (*link)
        *link = call->key_next;
    call->key_next = NULL;
}

/* The number of the try is in the text: with the same faults twice the question would else be the
 * one before, and the ledger would give its answer. */
static int add_faults(struct gen_buf *user, const struct gen_call *call, struct gen_error *err)
{
    if (call->faults.n == 0)
        return GEN_OK;
    int rc =
        call->n_tries > 1
            ? gen_buf_printf(user, err,
                             "\n\nYour %u previous answers to this were rejected by a program, "
                             "the last one for these reasons:\n",
                             call->n_tries)
            : gen_buf_add_c(user,
                            "\n\nYour previous answer to this was rejected by a program, for "
                            "these reasons:\n",
                            err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(user, gen_buf_str(&call->faults), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(
            user, "\nWrite the whole answer again, as one JSON object, without these faults.", err);
    return rc;
}

/* A stored answer in the shape of one that has just arrived. */
/* Makes of it the call's result: ARRIVED. */
static int restore(struct gen_call *call, const struct gen_answer *a, struct gen_error *err)
{
    struct gen_llm_result *r = &call->result;
    gen_llm_result_release(r);
    *r = gen_llm_result_make();
    struct gen_buf texts = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    int rc = gen_buf_reserve(&texts, a->text.n + a->reasoning.n + 1, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&texts, a->text, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&texts, a->reasoning, err);
    if (rc) {
        gen_buf_release(&texts);
        return rc;
    }
    r->owned = gen_buf_take(&texts, &n);
    r->text = (struct gen_str){r->owned, a->text.n};
    if (a->reasoning.n)
        r->reasoning = (struct gen_str){r->owned + a->text.n, a->reasoning.n};
    r->class_code = GEN_CLASS_OK;
    if (gen_str_is(a->finish, "length"))
        r->class_code = GEN_CLASS_TRUNCATED;
    else if (gen_str_is(a->finish, "content_filter") || gen_str_is(a->finish, "refusal"))
        r->class_code = GEN_CLASS_BLOCKED;
    if (r->class_code == GEN_CLASS_BLOCKED)
        gen_llm_set_message(r, a->text.n ? a->text
                                         : GEN_STR("the model refused (answer of the ledger)"));
    else if (r->class_code == GEN_CLASS_TRUNCATED)
        gen_llm_set_message(
            r, GEN_STR("the model ran into its token limit before the answer was complete"));
    r->usage = a->usage;
    r->latency_us = (uint64_t)(a->latency_us > 0 ? a->latency_us : 0);
    call->from_ledger = true;
    call->state = GEN_CALL_ARRIVED;
    return GEN_OK;
}

static int mark_sent(struct gen_engine *e, struct gen_call *call,
                     const struct gen_llm_request *request, struct gen_error *err)
{
    call->n_attempts++;
    int rc = gen_ledger_begin(e->o.ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_attempt_sent(e->o.ledger, &call->key, e->o.run_id,
                                     gen_str_from(call->stage->step->name), (int)call->n_attempts,
                                     &call->attempt_id, err);
    if (rc)
        return rc;
    call->from_ledger = false;
    call->any_sent = true;
    call->older.was_sent = true;
    call->stage->account->n_sent++;
    gen_budget_sent(e, call);
    gen_lane_sent(&e->lane);
    gen_limiter_sent(&e->limiter, &call->need, gen_loop_now_ms(e->o.loop));
    gen_prefix_sent(e, call, request->stable);
    gen_call_begin_under_way(e, call);
    gen_llm_result_release(&call->result);
    call->result = gen_llm_result_make();
    if (e->o.provider->answer) {
        rc = e->o.provider->answer(request, &call->result, err);
        call->state = GEN_CALL_ARRIVED;
        return rc;
    }
    call->sent_dropped = e->dropped;
    rc = gen_channel_prepare(e->o.channel, request, &call->key, e->dropped, &call->exchange, err);
    call->state = GEN_CALL_MARKED;
    return rc;
}

/* No later sample in the ledger: what the inputs failed of before stands. */
static void keep_failures(struct gen_call *call)
{
    for (size_t i = 0; i < call->n_asked; i++)
        call->settled[call->asked[i]].state = GEN_ITEM_FAILED;
    gen_call_finish_question(call);
}

bool gen_call_is_fresh(const struct gen_engine *e, const struct gen_call *call)
{
    return e->o.fresh || (call->is_action && e->o.repeat_actions);
}

static int look_up(struct gen_engine *e, struct gen_call *call, bool *found,
                   struct gen_answer *answer, struct gen_error *err)
{
    *found = false;
    /* One transaction for all questions of a turn, also for those that are only looked up. */
    int rc = gen_ledger_begin(e->o.ledger, err);
    if (rc == GEN_OK)
        rc =
            gen_ledger_find_of(e->o.ledger, &call->key, gen_call_span(e, call), found, answer, err);
    if (rc == GEN_OK)
        gen_call_note_first(e, call, *found, answer);
    return rc;
}

int gen_call_take_known(struct gen_engine *e, struct gen_call *call, bool *is_taken,
                        struct gen_error *err)
{
    struct gen_answer answer;
    int rc = look_up(e, call, is_taken, &answer, err);
    if (rc)
        return rc;
    if (*is_taken)
        return restore(call, &answer, err);
    call->waits_for = NULL;
    rc = gen_call_try_older(e, call, is_taken, err);
    if (rc || *is_taken)
        return rc;
    *is_taken = true;
    if (call->ledger_only)
        keep_failures(call);
    else if (gen_call_is_under_way(e, &call->key))
        call->state = GEN_CALL_TWIN;
    else
        *is_taken = false;
    return GEN_OK;
}

/* Whether the budget and the limits a minute let it go just now. */
static bool is_let_through(struct gen_engine *e, struct gen_call *call,
                           const struct gen_llm_request *r)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    call->need = gen_engine_need(e, r);
    call->tokens_in_raw = gen_engine_raw_tokens(r);
    e->budget_at_end = gen_budget_refusal(e, call);
    if (e->budget_at_end)
        return false;
    uint64_t wait = gen_limiter_wait_ms(&e->limiter, &call->need, now);
    if (wait)
        e->limited_until_ms = now + wait;
    return wait == 0;
}

static int find_or_mark(struct gen_engine *e, struct gen_call *call, const struct gen_question *q,
                        bool may_send, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    struct gen_llm_request request = {
        .stable = step->stable(step->ud, call->items[call->asked[0]]),
        .user = gen_buf_str(&q->user),
        .tokens_out_max = q->tokens_out_max,
        .sample = call->sample,
        .reseed = call->reseed,
        .inputs = &q->inputs,
    };
    bool is_taken = false;
    int rc = gen_llm_key(&request, e->hash, &call->key, err);
    if (rc == GEN_OK)
        rc = gen_call_take_known(e, call, &is_taken, err);
    if (rc || is_taken)
        return rc;
    if (may_send && gen_prefix_is_warming(e, request.stable)) {
        call->waits_for = request.stable;
        call->state = GEN_CALL_TWIN;
    } else if (!may_send || !is_let_through(e, call, &request)) {
        call->state = GEN_CALL_HELD;
    } else {
        return mark_sent(e, call, &request, err);
    }
    return GEN_OK;
}

int gen_call_ask(struct gen_engine *e, struct gen_call *call, bool may_send, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    struct gen_item *few[16];
    struct gen_item **items =
        call->n_items <= 16 ? few : calloc(call->n_items, sizeof(struct gen_item *));
    if (!items)
        return gen_nomem(err, "a call");
    size_t n = gen_call_choose_asked(call, items);
    gen_arena_reset(&e->scratch);
    gen_buf_clear(&e->user);
    struct gen_question q = {.user = e->user, .scratch = &e->scratch, .n_wanted = call->n_wanted};
    int rc = step->ask(step->ud, items, n, &q, err);
    if (rc == GEN_OK)
        rc = add_faults(&q.user, call, err);
    if (rc == GEN_OK)
        rc = find_or_mark(e, call, &q, may_send, err);
    e->user = q.user;
    if (items != few)
        free(items);
    return rc;
}

static void on_result(void *ud, struct gen_llm_result *result, const struct gen_error *failure)
{
    struct gen_call *call = ud;
    struct gen_engine *e = call->stage->engine;
    call->exchange = NULL;
    call->state = GEN_CALL_ARRIVED;
    call->result = *result;
    gen_call_list_push(&e->arrived, call);
    if (failure)
        gen_engine_fail(e, (int)failure->code, failure);
}

int gen_call_send(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    if (call->is_action)
        return gen_action_begin(e, call, err);
    call->state = GEN_CALL_IN_FLIGHT;
    return gen_channel_send(e->o.channel, call->exchange, on_result, call, err);
}

static int keep_chunk(struct gen_engine *e, const struct gen_chunk *c, struct gen_error *err)
{
    struct gen_ledger_chunk row = {c->id,       c->source,  c->title,    c->section,
                                   c->language, c->content, (int)c->kind};
    return gen_ledger_chunk_put(e->o.ledger, &row, err);
}

static void count_answer(struct gen_engine *e, struct gen_call *call)
{
    struct gen_stage_account *a = call->stage->account;
    const struct gen_usage *u = &call->result.usage;
    a->latency_ms_sum += (int64_t)(call->result.latency_us / 1000);
    a->tokens_in += u->tokens_in > 0 ? u->tokens_in : 0;
    a->tokens_out += u->tokens_out > 0 ? u->tokens_out : 0;
    a->tokens_cached += u->tokens_cached;
    a->n_usage_unknown += u->tokens_in < 0;
    gen_engine_count_usage(e, call);
    gen_budget_spent(e, call);
    if (u->cost_microusd < 0) {
        a->n_cost_unknown++;
        return;
    }
    a->cost_microusd += u->cost_microusd;
}

int gen_call_record(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    struct gen_llm_result *r = &call->result;
    enum gen_class c = r->class_code;
    if (call->is_action)
        return gen_action_record(e, call, err);
    gen_call_end_under_way(e, call);
    e->twins_may_wake |= e->twins.n > 0;
    gen_prefix_ended(e, call, c);
    gen_budget_ended(e, call);
    gen_limiter_ended(&e->limiter, &call->need, r, gen_loop_now_ms(e->o.loop));
    if (r->retry_after_ms > 0) {
        uint64_t until = gen_loop_now_ms(e->o.loop) + (uint64_t)r->retry_after_ms;
        e->asked_until_ms = until > e->asked_until_ms ? until : e->asked_until_ms;
    }
    if (gen_lane_ended(&e->lane, r, gen_loop_now_ms(e->o.loop)) == GEN_LANE_STOP)
        gen_engine_stop(e, GEN_END_PROVIDER, e->lane.stop_reason);
    int rc = gen_ledger_begin(e->o.ledger, err);
    if (rc)
        return rc;
    /* What may have been blocked by chance is not this question's answer before a second try. */
    bool is_chance = r->try_other_seed && call->reseed == 0;
    if (gen_llm_is_answer(r) && !is_chance) {
        r->usage.cost_microusd = gen_llm_cost(&e->o.price, &r->usage);
        count_answer(e, call);
        if (c != GEN_CLASS_OK)
            gen_counts_add(&call->stage->account->by_class, gen_class_name(c), 1);
        struct gen_answer a = gen_llm_answer(r, e->o.run_id, gen_time_unix_us());
        a.is_renewed = gen_call_is_fresh(e, call);
        rc = gen_ledger_attempt_answered(e->o.ledger, call->attempt_id, &call->key, &a, err);
        const struct gen_chunk *chunk = call->items[0]->chunk;
        if (rc == GEN_OK && e->o.keep_chunks && call->stage->index == 0 && chunk)
            rc = keep_chunk(e, chunk, err);
        return rc;
    }
    /* A batch goes on without us, and its answers are collected by another attempt. */
    bool is_left = c == GEN_CLASS_CANCELED && e->o.channel && e->o.channel->table->keeps_answers;
    if (is_left)
        call->stage->account->n_sent--;
    else
        gen_counts_add(&call->stage->account->by_class, gen_class_name(c), 1);
    bool is_unknown = c == GEN_CLASS_CANCELED && !is_left;
    struct gen_attempt_end end = {
        .state = is_unknown ? GEN_ATTEMPT_UNKNOWN : GEN_ATTEMPT_FAILED,
        .class_code = (int)c,
        .http_status = r->http_status,
        .class_name = is_left ? GEN_STR("left_to_batch") : gen_str_from(gen_class_name(c)),
        .message = gen_str_from(r->message),
        .usage = r->usage,
        .latency_us = (int64_t)r->latency_us,
    };
    return gen_ledger_attempt_ended(e->o.ledger, call->attempt_id, &end, err);
}
