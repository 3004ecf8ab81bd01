#include "engine/engine_int.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct gen_call *gen_call_new(struct gen_stage *stage, struct gen_item **items, size_t n)
{
    /* The counts are most of the bytes, and without rows they need no zeroing. */
    struct gen_call *call = malloc(sizeof(*call));
    if (!call)
        return NULL;
    memset(call, 0, offsetof(struct gen_call, out_filtered));
    call->out_filtered.n = 0;
    call->notes.n = 0;
    call->items = calloc(n, sizeof(struct gen_item *));
    call->settled = calloc(n, sizeof(*call->settled));
    call->asked = calloc(n, sizeof(*call->asked));
    if (!call->items || !call->settled || !call->asked) {
        gen_call_free(call);
        return NULL;
    }
    memcpy(call->items, items, n * sizeof(struct gen_item *));
    call->stage = stage;
    call->n_items = n;
    call->ask_limit = n;
    call->faults = gen_buf_make(8192);
    call->body = gen_buf_make(GEN_BUF_UNLIMITED);
    call->result = gen_llm_result_make();
    gen_call_new_question(call);
    return call;
}

void gen_call_free(struct gen_call *call)
{
    if (!call)
        return;
    for (size_t i = 0; call->items && i < call->n_items; i++) {
        gen_item_free(call->items[i]);
        if (call->settled) {
            gen_item_queue_release(&call->settled[i].outputs);
            free(call->settled[i].message);
        }
    }
    gen_llm_result_release(&call->result);
    gen_buf_release(&call->faults);
    gen_buf_release(&call->body);
    free(call->items);
    free(call->settled);
    free(call->asked);
    free(call);
}

void gen_call_new_question(struct gen_call *call)
{
    call->keep_asked = false;
    call->n_tries = 0;
    call->n_wanted = 0;
    call->any_sent = false;
    call->ledger_only = false;
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
    for (size_t i = 0; i < call->n_items; i++)
        gen_call_settle(call, i, state, name, message);
    call->state = GEN_CALL_DONE;
}

void gen_call_make_ready(struct gen_call *call)
{
    call->state = GEN_CALL_READY;
    /* It is older than those that were not asked yet, and their outputs wait for its own. */
    insert_in_order(&call->stage->ready, call);
}

/* The inputs that are still open: of the question before when it is put again, else as many as are
 * asked about at once. */
static size_t choose_asked(struct gen_call *call, struct gen_item **items)
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

static void end_under_way(struct gen_engine *e, struct gen_call *call)
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
static int restore_answer(struct gen_call *call, const struct gen_answer *a, struct gen_error *err)
{
    struct gen_llm_result *r = &call->result;
    gen_llm_result_release(r);
    *r = gen_llm_result_make();
    r->owned = gen_str_dup(a->text);
    if (!r->owned)
        return gen_nomem(err, "an answer of the ledger");
    r->text = (struct gen_str){r->owned, a->text.n};
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
    call->stage->account->n_sent++;
    gen_lane_sent(&e->lane);
    struct gen_call **bucket = bucket_of(e, &call->key);
    call->key_next = *bucket;
    *bucket = call;
    gen_llm_result_release(&call->result);
    call->result = gen_llm_result_make();
    if (e->o.provider->answer) {
        rc = e->o.provider->answer(request, &call->result, err);
        call->state = GEN_CALL_ARRIVED;
        return rc;
    }
    gen_buf_clear(&call->body);
    call->sent_dropped = e->endpoint.dropped;
    rc = e->o.provider->build(request, &e->endpoint, &call->body, err);
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

static int find_or_mark(struct gen_engine *e, struct gen_call *call, const struct gen_question *q,
                        bool may_send, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    struct gen_llm_request request = {
        .stable = step->stable(step->ud, call->items[call->asked[0]]),
        .user = gen_buf_str(&q->user),
        .tokens_out_max = q->tokens_out_max,
        .sample = call->sample,
        .inputs = &q->inputs,
    };
    int rc = gen_llm_key(&request, e->hash, &call->key, err);
    if (rc)
        return rc;
    bool found = false;
    struct gen_answer answer;
    if (!e->o.fresh || call->n_attempts) {
        /* One transaction for all questions of a turn, also for those that are only looked up. */
        rc = gen_ledger_begin(e->o.ledger, err);
        if (rc == GEN_OK)
            rc = gen_ledger_find(e->o.ledger, &call->key, &found, &answer, err);
        if (rc)
            return rc;
    }
    /* --fresh wants none but this run's own answers. */
    if (found && (!e->o.fresh || answer.run_id == e->o.run_id))
        return restore_answer(call, &answer, err);
    if (call->ledger_only)
        keep_failures(call);
    else if (gen_call_is_under_way(e, &call->key))
        call->state = GEN_CALL_TWIN;
    else if (!may_send)
        call->state = GEN_CALL_HELD;
    else
        return mark_sent(e, call, &request, err);
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
    size_t n = choose_asked(call, items);
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

static void on_response(void *ud, const struct gen_http_response *response)
{
    struct gen_call *call = ud;
    struct gen_engine *e = call->stage->engine;
    struct gen_error err = {.code = GEN_OK};
    call->transfer = NULL;
    call->state = GEN_CALL_ARRIVED;
    gen_call_list_push(&e->arrived, call);
    int rc = e->o.provider->parse(response, &call->result, &err);
    if (rc)
        gen_engine_fail(e, rc, &err);
}

int gen_call_send(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char url[2048];
    (void)snprintf(url, sizeof(url), "%s%s", e->endpoint.base_url, e->o.provider->chat_path);
    struct gen_http_request request = {
        .url = url,
        .post = true,
        .body = gen_buf_str(&call->body),
        .headers = headers,
        .auth_header = e->endpoint.key ? e->o.provider->auth_header : NULL,
        .auth_prefix = e->o.provider->auth_prefix,
        .key = e->endpoint.key,
        .timeout_ms = e->endpoint.timeout_ms,
    };
    call->state = GEN_CALL_IN_FLIGHT;
    int rc = gen_http_send(e->o.http, &request, on_response, call, &call->transfer, err);
    gen_buf_release(&call->body);
    return rc;
}

static int64_t cost_of(const struct gen_price *price, const struct gen_usage *u)
{
    if (!price->known || u->tokens_in < 0 || u->tokens_out < 0)
        return -1;
    double fresh = (double)(u->tokens_in - u->tokens_cached);
    double usd =
        (fresh * price->in_usd_per_mtok + (double)u->tokens_cached * price->cached_usd_per_mtok +
         (double)u->tokens_out * price->out_usd_per_mtok) /
        1e6;
    return (int64_t)(usd * 1e6 + 0.5);
}

static int record_answer(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    const struct gen_llm_result *r = &call->result;
    struct gen_answer a = {
        .text = r->text,
        .reasoning = r->reasoning,
        .finish = r->finish.n ? r->finish : GEN_STR("stop"),
        .model = r->model,
        .usage = r->usage,
        .latency_us = (int64_t)r->latency_us,
        .answered_unix_us = gen_time_unix_us(),
        .run_id = e->o.run_id,
    };
    /* The class is found again by the end mark, whatever the provider calls it. */
    if (r->class_code == GEN_CLASS_TRUNCATED)
        a.finish = GEN_STR("length");
    if (r->class_code == GEN_CLASS_BLOCKED) {
        if (!gen_str_is(a.finish, "content_filter"))
            a.finish = GEN_STR("refusal");
        a.text = gen_str_from(r->message);
    }
    return gen_ledger_attempt_answered(e->o.ledger, call->attempt_id, &call->key, &a, err);
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
    if (u->cost_microusd < 0) {
        a->n_cost_unknown++;
        return;
    }
    a->cost_microusd += u->cost_microusd;
    e->spent_microusd += u->cost_microusd;
    if (u->cost_microusd > e->dearest_microusd)
        e->dearest_microusd = u->cost_microusd;
}

int gen_call_record(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    struct gen_llm_result *r = &call->result;
    enum gen_class c = r->class_code;
    end_under_way(e, call);
    if (gen_lane_ended(&e->lane, r, gen_loop_now_ms(e->o.loop)) == GEN_LANE_STOP)
        gen_engine_stop(e, GEN_END_PROVIDER, e->lane.stop_reason);
    int rc = gen_ledger_begin(e->o.ledger, err);
    if (rc)
        return rc;
    if (c == GEN_CLASS_OK || c == GEN_CLASS_TRUNCATED || c == GEN_CLASS_BLOCKED) {
        r->usage.cost_microusd = cost_of(&e->o.price, &r->usage);
        count_answer(e, call);
        rc = record_answer(e, call, err);
        const struct gen_chunk *chunk = call->items[0]->chunk;
        if (rc == GEN_OK && e->o.keep_chunks && call->stage->index == 0 && chunk)
            rc = keep_chunk(e, chunk, err);
        return rc;
    }
    gen_counts_add(&call->stage->account->by_class, gen_class_name(c), 1);
    struct gen_attempt_end end = {
        .state = c == GEN_CLASS_CANCELED ? GEN_ATTEMPT_UNKNOWN : GEN_ATTEMPT_FAILED,
        .class_code = (int)c,
        .http_status = r->http_status,
        .class_name = gen_str_from(gen_class_name(c)),
        .message = gen_str_from(r->message),
        .usage = r->usage,
        .latency_us = (int64_t)r->latency_us,
    };
    return gen_ledger_attempt_ended(e->o.ledger, call->attempt_id, &end, err);
}
