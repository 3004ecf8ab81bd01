#include "engine/engine_int.h"

#include <stdio.h>
#include <stdlib.h>

static void on_timer(void *ud)
{
    (void)ud; /* The turn's end does the work; the timer only ends the loop's sleep. */
}

static void on_progress(void *ud)
{
    const struct gen_engine *e = ud;
    if (e->o.progress)
        e->o.progress(e->o.progress_ud);
}

static void abandon(struct gen_engine *e)
{
    for (size_t i = 0; i < e->o.n_steps; i++) {
        const struct gen_stage *stage = &e->stages[i];
        for (size_t k = 0; k < stage->ring_n; k++) {
            struct gen_call *call = stage->ring[(stage->ring_first + k) % stage->ring_capacity];
            if (call->state == GEN_CALL_IN_FLIGHT && call->transfer)
                gen_http_cancel(call->transfer);
        }
    }
    gen_loop_wake(e->o.loop);
}

void gen_engine_stop(struct gen_engine *e, enum gen_end end, const char *reason)
{
    if (e->end != GEN_END_DONE)
        return;
    e->stopping = true;
    e->end = end;
    (void)snprintf(e->stop_reason, sizeof(e->stop_reason), "%s", reason);
    /* Waiting for a dead endpoint would take until the last time limit. */
    if (end == GEN_END_PROVIDER && e->lane.stop_class == GEN_CLASS_TRANSPORT)
        abandon(e);
}

void gen_engine_fail(struct gen_engine *e, int rc, const struct gen_error *err)
{
    if (e->failed)
        return;
    e->failed = rc;
    e->error = *err;
    e->finished = true;
    gen_loop_stop(e->o.loop);
}

static void read_dropped(struct gen_engine *e)
{
    char name[1200];
    bool found = false;
    struct gen_str value;
    struct gen_item nothing = {.position = 0};
    for (size_t i = 0; i < e->o.n_steps; i++) {
        const char *model = e->o.steps[i].stable(e->o.steps[i].ud, &nothing)->model;
        int n = snprintf(name, sizeof(name), "dropped %s %s",
                         e->endpoint.base_url ? e->endpoint.base_url : "", model);
        if (n <= 0 || n >= (int)sizeof(name))
            continue;
        /* Not remembering costs one rejected request, no more. */
        int rc = gen_ledger_note_find(e->o.ledger, (struct gen_str){name, (size_t)n}, &found,
                                      &value, NULL);
        if (rc == GEN_OK && found) {
            for (size_t k = 0; k < value.n && k < 9; k++)
                if (value.p[k] >= '0' && value.p[k] <= '9')
                    e->endpoint.dropped =
                        e->endpoint.dropped * (k ? 10U : 0U) + (unsigned)(value.p[k] - '0');
            return;
        }
    }
}

static int init_stages(struct gen_engine *e, struct gen_error *err)
{
    e->stages = calloc(e->o.n_steps, sizeof(*e->stages));
    e->accounts = calloc(e->o.n_steps, sizeof(*e->accounts));
    if (!e->stages || !e->accounts)
        return gen_nomem(err, "the stages");
    for (size_t i = 0; i < e->o.n_steps; i++) {
        const struct gen_step *step = &e->o.steps[i];
        e->stages[i] =
            (struct gen_stage){.engine = e, .index = i, .step = step, .account = &e->accounts[i]};
        e->accounts[i].name = step->name;
        e->accounts[i].unit_in = step->unit_in;
        e->accounts[i].unit_out = step->unit_out;
        e->accounts[i].n_expected = -1;
    }
    return GEN_OK;
}

int gen_engine_new(struct gen_engine **out, const struct gen_engine_options *options,
                   struct gen_error *err)
{
    struct gen_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return gen_nomem(err, "the engine");
    e->o = *options;
    e->endpoint = options->endpoint;
    e->random = gen_prng_make(options->seed);
    e->scratch = gen_arena_make((size_t)64 << 20);
    e->user = gen_buf_make(GEN_USER_BYTES_MAX);
    e->slots_max = options->window_max * 2 + 64;
    e->queue_max = e->slots_max * 2;
    struct gen_lane_limits limits =
        gen_lane_default_limits(options->window_start, options->window_max);
    gen_lane_init(&e->lane, &limits);
    int rc = gen_sha256_new(&e->hash, err);
    if (rc == GEN_OK)
        rc = init_stages(e, err);
    if (rc == GEN_OK)
        rc = gen_timer_new(&e->timer, options->loop, on_timer, e, err);
    if (rc == GEN_OK)
        rc = gen_timer_new(&e->progress_timer, options->loop, on_progress, e, err);
    if (rc) {
        gen_engine_free(e);
        return rc;
    }
    read_dropped(e);
    *out = e;
    return GEN_OK;
}

void gen_engine_free(struct gen_engine *e)
{
    if (!e)
        return;
    for (size_t i = 0; e->stages && i < e->o.n_steps; i++)
        gen_stage_free(&e->stages[i]);
    free(e->stages);
    free(e->accounts);
    gen_timer_free(e->timer);
    gen_timer_free(e->progress_timer);
    gen_sha256_free(e->hash);
    gen_arena_release(&e->scratch);
    gen_buf_release(&e->user);
    free(e);
}

/* Writes what has arrived into the open transaction. That frees the lane for the next calls; the
 * answers are used after the commit. */
static int record_arrived(struct gen_engine *e, struct gen_error *err)
{
    struct gen_call *call;
    while ((call = gen_call_list_pop(&e->arrived))) {
        int rc = gen_call_record(e, call, err);
        if (rc)
            return rc;
        gen_call_list_push(&e->recorded, call);
        /* The next request would be refused for the same parameter. */
        e->is_held |= call->result.class_code == GEN_CLASS_UNSUPPORTED_PARAM;
    }
    return GEN_OK;
}

static int send_marked(struct gen_engine *e, struct gen_error *err)
{
    struct gen_call *call;
    while ((call = gen_call_list_pop(&e->marked))) {
        int rc = gen_call_send(e, call, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

/* Uses committed answers, a slice of time's worth a turn: checking an answer takes longer than
 * sending a request, and an endpoint whose answers are all looked at first would idle meanwhile. */
static int use_recorded(struct gen_engine *e, bool *more, struct gen_error *err)
{
    uint64_t end_us = e->recorded.n ? gen_loop_now_us() + GEN_USE_SLICE_US : 0;
    struct gen_call *call;
    while ((call = gen_call_list_pop(&e->recorded))) {
        call->stage->n_cached_waiting -= call->from_ledger;
        e->n_cached_waiting -= call->from_ledger;
        int rc = gen_call_use(e, call, err);
        if (rc)
            return rc;
        e->is_held = false;
        if (gen_loop_now_us() >= end_us)
            break;
    }
    *more |= e->recorded.n > 0;
    return GEN_OK;
}

/* Calls whose answer another call has got, or that must now be sent themselves. */
static void wake_twins(struct gen_engine *e)
{
    struct gen_call_list later = {NULL, NULL, 0};
    struct gen_call *call;
    while ((call = gen_call_list_pop(&e->twins))) {
        if (gen_call_is_under_way(e, &call->key))
            gen_call_list_push(&later, call);
        else
            gen_call_make_ready(call);
    }
    e->twins = later;
}

static void wake_delayed(struct gen_engine *e)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    struct gen_call_list later = {NULL, NULL, 0};
    struct gen_call *call;
    while ((call = gen_call_list_pop(&e->delayed))) {
        if (call->ready_at_ms > now) {
            gen_call_list_push(&later, call);
            continue;
        }
        gen_call_make_ready(call);
    }
    e->delayed = later;
}

static int pull(struct gen_engine *e, struct gen_error *err)
{
    struct gen_stage *first = &e->stages[0];
    while (!e->source_ended && !e->stopping && first->ring_n + first->input.n < e->slots_max) {
        struct gen_item *item = NULL;
        enum gen_pull what = GEN_PULL_END;
        int rc = e->o.source.pull(e->o.source.ud, gen_stage_is_empty(first), &item, &what, err);
        if (rc)
            return rc;
        e->source_waits = what == GEN_PULL_WAIT;
        if (what == GEN_PULL_WAIT)
            return GEN_OK;
        if (what == GEN_PULL_END) {
            e->source_ended = true;
            return GEN_OK;
        }
        rc = gen_item_queue_push(&first->input, item, err);
        if (rc) {
            gen_item_free(item);
            return rc;
        }
    }
    return GEN_OK;
}

static bool skip_calls(struct gen_call_list *list, const struct gen_stage *stage)
{
    struct gen_call_list others = {NULL, NULL, 0};
    struct gen_call *call;
    bool any = false;
    while ((call = gen_call_list_pop(list))) {
        if (call->stage == stage) {
            gen_call_settle_open(call, GEN_ITEM_SKIPPED, "target_reached", NULL);
            any = true;
        } else {
            gen_call_list_push(&others, call);
        }
    }
    *list = others;
    return any;
}

/* The first step has all it wants: what is not asked just now is skipped, what is under way is
 * waited for. */
static bool stop_input(struct gen_engine *e, struct gen_stage *stage)
{
    bool any = !e->source_ended || stage->input.n > 0;
    e->source_ended = true;
    any |= skip_calls(&stage->ready, stage);
    any |= skip_calls(&e->delayed, stage);
    any |= skip_calls(&e->twins, stage);
    gen_stage_drop_input(stage, "target_reached");
    return any;
}

/* Moves what is finished down the stages until nothing moves any more, taking in new items on the
 * way. */
static int flow(struct gen_engine *e, bool *more, struct gen_error *err)
{
    bool moved = true;
    for (unsigned n = 0; moved; n++) {
        /* An input that is filtered as a whole must not keep out Ctrl-C. */
        if (n == GEN_FLOWS_A_TURN) {
            *more = true;
            return GEN_OK;
        }
        moved = false;
        int rc = pull(e, err);
        bool upstream_done = e->source_ended || e->stopping;
        for (size_t i = 0; i < e->o.n_steps && rc == GEN_OK; i++) {
            struct gen_stage *stage = &e->stages[i];
            stage->input_ended = upstream_done || (i == 0 && e->source_waits);
            rc = gen_stage_fill(stage, err);
            if (rc == GEN_OK)
                rc = gen_stage_release(stage, &moved, err);
            upstream_done = upstream_done && gen_stage_is_empty(stage);
            if (stage->stopped_input && i == 0)
                moved |= stop_input(e, stage);
        }
        if (rc)
            return rc;
        if (moved)
            e->is_held = false;
    }
    return GEN_OK;
}

static bool over_budget(const struct gen_engine *e)
{
    if (e->o.max_cost_microusd <= 0)
        return false;
    /* Steps differ in price, and a later one may be the dearer: each request under way is taken to
     * cost what the dearest answer so far did. */
    return e->spent_microusd + e->dearest_microusd * (int64_t)(e->lane.in_flight + 1) >
           e->o.max_cost_microusd;
}

/* How many requests leave before the first answer has shown what one costs. */
static bool is_feeling_the_price(const struct gen_engine *e)
{
    return e->o.max_cost_microusd > 0 && e->lane.n_answers == 0 &&
           e->lane.in_flight >= GEN_SENT_BEFORE_PRICE;
}

static size_t n_under_way(const struct gen_engine *e)
{
    return e->marked.n + e->arrived.n + e->recorded.n + e->lane.in_flight;
}

static bool may_dispatch(const struct gen_engine *e)
{
    return !e->stopping && !e->is_held && e->n_cached_waiting < GEN_CACHED_WAITING_MAX &&
           !is_feeling_the_price(e) && gen_lane_room(&e->lane, gen_loop_now_ms(e->o.loop)) > 0;
}

/* Puts a call that was asked into the list of its state. */
static void file_asked(struct gen_engine *e, struct gen_call *call)
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
        e->is_held = true;
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
    case GEN_CALL_DONE:
        break;
    }
}

static int dispatch_stage(struct gen_engine *e, struct gen_stage *stage, struct gen_error *err)
{
    while (stage->ready.n && may_dispatch(e)) {
        bool is_paid_for = !over_budget(e);
        struct gen_call *call = gen_call_list_pop(&stage->ready);
        /* What the ledger has may be all that the step wants: it is asked before more are paid. */
        bool is_asked = stage->n_cached_waiting == 0 && !gen_stage_can_release(stage);
        bool may_send = is_paid_for && (!stage->step->release || is_asked);
        int rc = gen_call_ask(e, call, may_send, err);
        if (rc)
            return rc;
        file_asked(e, call);
        /* The answers under way may turn out cheaper than they were reckoned. */
        if (e->is_held && !is_paid_for && n_under_way(e) == 0)
            gen_engine_stop(e, GEN_END_BUDGET, "the budget of --max-cost is used up");
    }
    return GEN_OK;
}

/* Later stages first: what is nearly finished frees its memory, and the endpoint never idles
 * between stages. */
static int dispatch(struct gen_engine *e, struct gen_error *err)
{
    for (size_t i = e->o.n_steps; i-- > 0;) {
        int rc = dispatch_stage(e, &e->stages[i], err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static bool has_ready(const struct gen_engine *e)
{
    for (size_t i = 0; i < e->o.n_steps; i++) {
        if (e->stages[i].ready.n)
            return true;
    }
    return false;
}

static int settle_stopped(struct gen_engine *e, struct gen_error *err)
{
    const char *reason = e->end == GEN_END_INTERRUPTED ? "interrupted"
                         : e->end == GEN_END_BUDGET    ? "budget"
                                                       : "endpoint_stopped";
    e->delayed = (struct gen_call_list){NULL, NULL, 0};
    e->twins = (struct gen_call_list){NULL, NULL, 0};
    for (size_t i = 0; i < e->o.n_steps; i++) {
        struct gen_stage *stage = &e->stages[i];
        gen_stage_settle_all(stage, reason);
        while (stage->ring_n) {
            bool moved = false;
            /* Emptied first, so that there is room for the outputs. */
            if (i + 1 < e->o.n_steps)
                gen_stage_drop_input(&e->stages[i + 1], reason);
            int rc = gen_stage_release(stage, &moved, err);
            if (rc)
                return rc;
        }
    }
    return GEN_OK;
}

static bool is_over(const struct gen_engine *e)
{
    if (e->stopping)
        return n_under_way(e) == 0;
    if (!e->source_ended)
        return false;
    for (size_t i = 0; i < e->o.n_steps; i++) {
        if (!gen_stage_is_empty(&e->stages[i]))
            return false;
    }
    return true;
}

/* Nothing is under way and nothing will wake the loop, but work is left: better an error than to
 * sleep for ever. */
static bool is_stuck(const struct gen_engine *e)
{
    return n_under_way(e) == 0 && e->delayed.n == 0 &&
           gen_lane_next_ms(&e->lane, gen_loop_now_ms(e->o.loop)) == UINT64_MAX;
}

static void set_timer(struct gen_engine *e)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    uint64_t next = gen_lane_next_ms(&e->lane, now);
    for (const struct gen_call *call = e->delayed.first; call; call = call->next)
        next = call->ready_at_ms < next ? call->ready_at_ms : next;
    if (next != UINT64_MAX)
        gen_timer_start(e->timer, next > now ? next - now : 0, 0);
    else
        gen_timer_stop(e->timer);
}

static void count_display(struct gen_engine *e)
{
    for (size_t i = 0; i < e->o.n_steps; i++)
        e->accounts[i].n_waiting = e->stages[i].ring_n + e->stages[i].input.n;
}

static int take_turn(struct gen_engine *e, struct gen_error *err)
{
    bool more = false;
    int rc = record_arrived(e, err);
    if (rc == GEN_OK) {
        wake_twins(e);
        wake_delayed(e);
        rc = dispatch(e, err);
    }
    if (rc == GEN_OK)
        rc = gen_ledger_commit(e->o.ledger, err);
    if (rc == GEN_OK)
        rc = send_marked(e, err);
    if (rc == GEN_OK)
        rc = use_recorded(e, &more, err);
    if (rc == GEN_OK)
        rc = flow(e, &more, err);
    if (rc)
        return rc;
    more |= e->arrived.n > 0 || (has_ready(e) && may_dispatch(e));
    count_display(e);
    if (is_over(e)) {
        e->finished = true;
        gen_loop_stop(e->o.loop);
        return GEN_OK;
    }
    if (!more && is_stuck(e))
        return gen_fail(err, GEN_ESTATE, "the engine has come to a halt with work left");
    set_timer(e);
    if (more)
        gen_loop_wake(e->o.loop);
    return GEN_OK;
}

static void turn(void *ud)
{
    struct gen_engine *e = ud;
    struct gen_error err = {.code = GEN_OK};
    if (e->finished)
        return;
    int rc = take_turn(e, &err);
    if (rc)
        gen_engine_fail(e, rc, &err);
}

int gen_engine_run(struct gen_engine *e, enum gen_end *end, struct gen_error *err)
{
    gen_loop_on_turn_end(e->o.loop, turn, e);
    gen_timer_start(e->progress_timer, 100, 100);
    gen_loop_wake(e->o.loop);
    int rc = gen_loop_run(e->o.loop, err);
    gen_timer_stop(e->progress_timer);
    gen_timer_stop(e->timer);
    gen_loop_on_turn_end(e->o.loop, NULL, NULL);
    if (e->failed) {
        if (err)
            *err = e->error;
        return e->failed;
    }
    if (rc == GEN_OK && !e->finished)
        rc = gen_fail(err, GEN_ESTATE, "the event loop ended before the work did");
    if (rc == GEN_OK && e->stopping)
        rc = settle_stopped(e, err);
    if (rc == GEN_OK)
        rc = gen_ledger_commit(e->o.ledger, err);
    if (rc)
        return rc;
    count_display(e);
    on_progress(e);
    *end = e->end;
    return GEN_OK;
}

const char *gen_engine_stop_reason(const struct gen_engine *e)
{
    return e->stop_reason;
}

unsigned gen_engine_interrupt(struct gen_engine *e)
{
    e->n_interrupts++;
    if (e->n_interrupts == 1)
        gen_engine_stop(e, GEN_END_INTERRUPTED, "interrupted");
    else
        abandon(e);
    gen_loop_wake(e->o.loop);
    return e->n_interrupts;
}

const struct gen_stage_account *gen_engine_accounts(const struct gen_engine *e, size_t *n)
{
    *n = e->o.n_steps;
    return e->accounts;
}

size_t gen_engine_window(const struct gen_engine *e)
{
    return (size_t)e->lane.window;
}

size_t gen_engine_in_flight(const struct gen_engine *e)
{
    return e->lane.in_flight;
}

uint64_t gen_engine_paused_ms(const struct gen_engine *e)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    return e->lane.paused_until_ms > now ? e->lane.paused_until_ms - now : 0;
}

bool gen_engine_is_stopping(const struct gen_engine *e)
{
    return e->stopping;
}
