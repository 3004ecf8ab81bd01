#include "engine/engine_int.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT_SHOWN_MS 2000U

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
            if (call->state == GEN_CALL_IN_FLIGHT && call->exchange)
                gen_channel_cancel(e->o.channel, call->exchange);
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
    bool is_dead = end == GEN_END_PROVIDER && e->lane.stop_class == GEN_CLASS_TRANSPORT;
    bool is_kept = e->o.channel && e->o.channel->table->keeps_answers;
    if (is_dead || (is_kept && end != GEN_END_BUDGET))
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
        if (!e->o.steps[i].stable)
            continue;
        const char *model = e->o.steps[i].stable(e->o.steps[i].ud, &nothing)->model;
        int n = snprintf(name, sizeof(name), "dropped %s %s",
                         e->o.endpoint_name ? e->o.endpoint_name : "", model);
        if (n <= 0 || n >= (int)sizeof(name))
            continue;
        /* Not remembering costs one rejected request, no more. */
        int rc = gen_ledger_note_find(e->o.ledger, (struct gen_str){name, (size_t)n}, &found,
                                      &value, NULL);
        if (rc == GEN_OK && found) {
            for (size_t k = 0; k < value.n && k < 9; k++)
                if (value.p[k] >= '0' && value.p[k] <= '9')
                    e->dropped = e->dropped * (k ? 10U : 0U) + (unsigned)(value.p[k] - '0');
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
    e->delayed_until_ms = UINT64_MAX;
    e->random = gen_prng_make(options->seed);
    e->scratch = gen_arena_make((size_t)64 << 20);
    e->user = gen_buf_make(GEN_USER_BYTES_MAX);
    /* Items that wait for a second try hold back those behind them: there must be more places than
     * requests in flight. */
    size_t spare = options->window_max < 2048 ? options->window_max : 2048;
    e->slots_max = options->window_max * 2 + spare + 64;
    e->queue_max = e->slots_max * 2;
    struct gen_lane_limits limits =
        gen_lane_default_limits(options->window_start, options->window_max);
    limits.is_fixed = options->is_batch;
    gen_lane_init(&e->lane, &limits);
    gen_limiter_init(&e->limiter, options->max_requests_a_minute, options->max_tokens_a_minute);
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
        if (call->result.class_code == GEN_CLASS_OK && e->delayed.n && !call->is_action)
            e->n_early += GEN_EARLY_AN_ANSWER;
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
    if (!e->twins_may_wake)
        return;
    e->twins_may_wake = false;
    while ((call = gen_call_list_pop(&e->twins))) {
        bool waits = call->waits_for ? gen_prefix_is_warming(e, call->waits_for)
                                     : gen_call_is_under_way(e, &call->key);
        if (waits)
            gen_call_list_push(&later, call);
        else
            gen_call_make_ready(call);
    }
    e->twins = later;
}

/* What refused calls wait for is a server that is well again, and each good answer shows one: two
 * of them go for it before their time, when nothing else wants the room. */
static bool goes_early(struct gen_engine *e, const struct gen_call *call)
{
    if (!e->n_early || !call->is_yielding)
        return false;
    e->n_early--;
    return true;
}

static void wake_delayed(struct gen_engine *e)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    struct gen_call_list later = {NULL, NULL, 0};
    struct gen_call *call;
    size_t room = gen_lane_room(&e->lane, now);
    if (e->n_early > room)
        e->n_early = room;
    if (gen_engine_has_ready(e))
        e->n_early = 0;
    if (now < e->delayed_until_ms && e->n_early == 0)
        return;
    e->delayed_until_ms = UINT64_MAX;
    while ((call = gen_call_list_pop(&e->delayed))) {
        if (call->ready_at_ms > now && !goes_early(e, call)) {
            gen_call_list_push(&later, call);
            if (call->ready_at_ms < e->delayed_until_ms)
                e->delayed_until_ms = call->ready_at_ms;
            continue;
        }
        gen_call_make_ready(call);
    }
    e->delayed = later;
    e->n_early = 0;
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
        e->source_is_late = what == GEN_PULL_LATER;
        if (what == GEN_PULL_WAIT || what == GEN_PULL_LATER)
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
    any |= skip_calls(&stage->turns, stage);
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

static int settle_stopped(struct gen_engine *e, struct gen_error *err)
{
    const char *reason = e->end == GEN_END_INTERRUPTED ? "interrupted"
                         : e->end == GEN_END_BUDGET    ? "budget"
                         : e->end == GEN_END_WAITING   ? "waiting_for_batch"
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
        return gen_engine_under_way(e) == 0;
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
/* When something may be sent again without an answer coming in; UINT64_MAX: not before one. */
static uint64_t next_ms(const struct gen_engine *e)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    uint64_t next = gen_lane_next_ms(&e->lane, now);
    if (e->limited_until_ms > now && e->limited_until_ms < next)
        next = e->limited_until_ms;
    return e->delayed_until_ms < next ? e->delayed_until_ms : next;
}

/* Nothing is under way and nothing will wake the loop, but work is left: better an error than to
 * sleep for ever. */
static bool is_stuck(const struct gen_engine *e)
{
    return gen_engine_under_way(e) == 0 && next_ms(e) == UINT64_MAX &&
           !(e->source_is_late && !e->source_ended);
}

static void set_timer(struct gen_engine *e)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    uint64_t next = next_ms(e);
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

/* Batches are filled as long as there is more to come, and go when there is not. */
static int end_turn(struct gen_engine *e, bool more, struct gen_error *err)
{
    if (!e->o.channel)
        return GEN_OK;
    bool is_late = e->source_is_late && !e->source_ended && !e->stopping;
    bool is_idle = !more && !is_late && e->n_acting == 0 && next_ms(e) == UINT64_MAX;
    int rc = gen_channel_turn_end(e->o.channel, is_idle, err);
    if (rc == GEN_OK && is_idle && e->end == GEN_END_DONE && e->lane.in_flight &&
        gen_channel_is_parked(e->o.channel))
        gen_engine_stop(e, GEN_END_WAITING, "the requests lie in files and wait for their answers");
    return rc;
}

static int take_turn(struct gen_engine *e, struct gen_error *err)
{
    bool more = false;
    int rc = record_arrived(e, err);
    if (rc == GEN_OK) {
        wake_twins(e);
        wake_delayed(e);
        rc = gen_engine_dispatch(e, err);
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
    more |= e->arrived.n > 0 || (gen_engine_has_turns(e) && !e->stopping) ||
            (gen_engine_has_ready(e) && gen_engine_may_dispatch(e));
    count_display(e);
    rc = end_turn(e, more, err);
    if (rc)
        return rc;
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
    gen_engine_abandon_actions(e);
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

enum gen_class gen_engine_stop_class(const struct gen_engine *e)
{
    return e->end == GEN_END_PROVIDER ? e->lane.stop_class : GEN_CLASS_NONE;
}

unsigned gen_engine_interrupt(struct gen_engine *e)
{
    e->n_interrupts++;
    if (e->n_interrupts == 1) {
        gen_engine_stop(e, GEN_END_INTERRUPTED, "interrupted");
    } else {
        abandon(e);
        gen_engine_abandon_actions(e);
    }
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

uint64_t gen_engine_paused_ms(const struct gen_engine *e, const char **why)
{
    uint64_t now = gen_loop_now_ms(e->o.loop);
    uint64_t until = e->lane.paused_until_ms;
    *why = "the endpoint does not answer";
    if (e->asked_until_ms >= until)
        *why = "the server asked for it";
    else if (e->lane.n_transport_failures == 0)
        *why = "the server takes no request for now";
    /* Shorter ones are how any limit of requests in a time works. */
    if (e->limited_until_ms > until && e->limited_until_ms > now + LIMIT_SHOWN_MS) {
        until = e->limited_until_ms;
        *why = "the limit a minute is used up";
    }
    return until > now ? until - now : 0;
}

bool gen_engine_is_stopping(const struct gen_engine *e)
{
    return e->stopping;
}
