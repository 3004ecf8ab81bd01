#include "engine/engine_int.h"

#include <stdlib.h>

#define GROUP_MAX 64U

static struct gen_call *ring_at(const struct gen_stage *stage, size_t i)
{
    return stage->ring[(stage->ring_first + i) % stage->ring_capacity];
}

static int ring_push(struct gen_stage *stage, struct gen_call *call, struct gen_error *err)
{
    if (stage->ring_n == stage->ring_capacity) {
        size_t capacity = stage->ring_capacity ? stage->ring_capacity * 2 : 64;
        struct gen_call **ring = calloc(capacity, sizeof(struct gen_call *));
        if (!ring)
            return gen_nomem(err, "a window of calls");
        for (size_t i = 0; i < stage->ring_n; i++)
            ring[i] = ring_at(stage, i);
        free(stage->ring);
        stage->ring = ring;
        stage->ring_first = 0;
        stage->ring_capacity = capacity;
    }
    stage->ring[(stage->ring_first + stage->ring_n++) % stage->ring_capacity] = call;
    call->sequence = stage->n_calls_made++;
    return GEN_OK;
}

bool gen_stage_can_release(const struct gen_stage *stage)
{
    return stage->ring_n && ring_at(stage, 0)->state == GEN_CALL_DONE;
}

bool gen_stage_is_empty(const struct gen_stage *stage)
{
    return stage->input.n == 0 && stage->ring_n == 0;
}

static size_t group_max(const struct gen_stage *stage)
{
    size_t n = stage->step->action ? 1 : stage->step->group_max;
    return n == 0 ? 1 : n > GROUP_MAX ? GROUP_MAX : n;
}

/* How many items at the front of the queue make a call; 0: not known before more items come. What
 * shares a call depends on the sequence of items alone, never on when they come. */
static size_t group_size(const struct gen_stage *stage)
{
    size_t limit = group_max(stage);
    size_t n = 0;
    while (n < limit) {
        const struct gen_item *item = gen_item_queue_at(&stage->input, n);
        if (!item)
            return n && stage->input_ended ? n : 0;
        if (n && (!stage->step->may_share ||
                  !stage->step->may_share(stage->step->ud, gen_item_queue_at(&stage->input, n - 1),
                                          item)))
            return n;
        n++;
        if (item->ends_group)
            return n;
    }
    return n;
}

/* Whether both come from the same input of the run. */
static bool is_same_input(const struct gen_item *a, const struct gen_item *b)
{
    return a->chunk == b->chunk && a->position == b->position;
}

static int start_call(struct gen_stage *stage, struct gen_item **items, size_t n, const char *rule,
                      bool is_skip, struct gen_error *err)
{
    struct gen_call *call = gen_call_new(stage, items, n);
    if (!call) {
        for (size_t i = 0; i < n; i++)
            gen_item_free(items[i]);
        return gen_nomem(err, "a call");
    }
    int rc = ring_push(stage, call, err);
    if (rc) {
        gen_call_free(call);
        return rc;
    }
    call->is_prefiltered = rule != NULL;
    if (rule)
        gen_call_settle_open(call, is_skip ? GEN_ITEM_SKIPPED : GEN_ITEM_FILTERED, rule, NULL);
    else
        gen_call_list_push(stage->step->action ? &stage->turns : &stage->ready, call);
    return GEN_OK;
}

/* Items that the step will not ask about become settled calls of their own, so that order and
 * account hold. */
static int take_group(struct gen_stage *stage, size_t n, struct gen_error *err)
{
    struct gen_item *group[GROUP_MAX];
    size_t n_group = 0;
    for (size_t i = 0; i < n; i++) {
        struct gen_item *item = gen_item_queue_pop(&stage->input);
        bool is_skip = false;
        const char *rule = NULL;
        stage->account->n_in += item->is_new_input;
        if (stage->step->prefilter)
            rule = stage->step->prefilter(stage->step->ud, item, &is_skip);
        if (!rule) {
            group[n_group++] = item;
            continue;
        }
        /* Its call goes before that of the group, so it cannot pass on its mark when it leaves. */
        if (n_group && item->ends_group && stage->index > 0)
            group[n_group - 1]->ends_group |= is_same_input(group[n_group - 1], item);
        int rc = start_call(stage, &item, 1, rule, is_skip, err);
        if (rc) {
            for (size_t j = 0; j < n_group; j++)
                gen_item_free(group[j]);
            return rc;
        }
    }
    return n_group ? start_call(stage, group, n_group, NULL, false, err) : GEN_OK;
}

int gen_stage_fill(struct gen_stage *stage, struct gen_error *err)
{
    while (stage->ring_n < stage->engine->slots_max) {
        size_t n = group_size(stage);
        if (n == 0)
            return GEN_OK;
        int rc = take_group(stage, n, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static void account_input(struct gen_stage *stage, const struct gen_item *item,
                          const struct gen_settled *s)
{
    struct gen_stage_account *a = stage->account;
    if (!item->is_new_input) {
        if (s->state == GEN_ITEM_FAILED)
            gen_counts_add(&a->notes, "extra_round_failed", 1);
        return;
    }
    switch (s->state) {
    case GEN_ITEM_PRODUCED:
        a->n_produced++;
        break;
    case GEN_ITEM_FILTERED:
        gen_counts_add(&a->filtered, s->name, 1);
        break;
    case GEN_ITEM_SKIPPED:
        gen_counts_add(&a->skipped, s->name, 1);
        break;
    case GEN_ITEM_OPEN:
    case GEN_ITEM_CONTINUED:
    case GEN_ITEM_FAILED:
        gen_counts_add(&a->failed, s->name, 1);
        break;
    }
}

static void add_counts(struct gen_counts *to, const struct gen_counts *from)
{
    for (size_t i = 0; i < from->n; i++)
        gen_counts_add(to, from->rows[i].name, from->rows[i].count);
}

struct gen_release {
    struct gen_call *call;
    struct gen_item **items; /* NULL: dropped */
    size_t *inputs;          /* of which input */
    size_t n;
};

/* The mark of the last of a chunk's items passes to the one before it when that item has no output.
 */
static void end_group(const struct gen_release *r, size_t n_before, const struct gen_item *dropped)
{
    const struct gen_stage *stage = r->call->stage;
    const struct gen_engine *e = stage->engine;
    struct gen_item *tail = NULL;
    if (!dropped->ends_group)
        return;
    while (n_before && !tail)
        tail = r->items[--n_before];
    /* Before the next stage has seen the end of a group, it holds the group's last items back. */
    if (!tail && stage->index + 1 < e->o.n_steps) {
        const struct gen_item_queue *below = &e->stages[stage->index + 1].input;
        tail = below->n ? gen_item_queue_at(below, below->n - 1) : NULL;
    }
    if (tail && is_same_input(tail, dropped))
        tail->ends_group = true;
}

static int pass_on(struct gen_stage *stage, struct gen_item *item, struct gen_error *err)
{
    struct gen_engine *e = stage->engine;
    if (stage->index + 1 < e->o.n_steps) {
        int rc = gen_item_queue_push(&e->stages[stage->index + 1].input, item, err);
        if (rc)
            gen_item_free(item);
        return rc;
    }
    int rc = e->o.sink.item(e->o.sink.ud, item, err);
    gen_item_free(item);
    return rc;
}

size_t gen_release_count(const struct gen_release *r)
{
    return r->n;
}

const struct gen_item *gen_release_item(const struct gen_release *r, size_t i)
{
    return r->items[i];
}

static bool has_outputs(const struct gen_release *r, size_t input)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->inputs[i] == input && r->items[i])
            return true;
    }
    return false;
}

void gen_release_drop(struct gen_release *r, size_t i, const char *rule)
{
    const struct gen_step *step = r->call->stage->step;
    size_t input = r->inputs[i];
    end_group(r, i, r->items[i]);
    gen_item_free(r->items[i]);
    r->items[i] = NULL;
    if (strcmp(step->unit_in, step->unit_out) != 0)
        gen_counts_add(&r->call->out_filtered, rule, 1);
    if (!has_outputs(r, input) && r->call->settled[input].state == GEN_ITEM_PRODUCED) {
        r->call->settled[input].state = GEN_ITEM_OPEN;
        gen_call_settle(r->call, input, GEN_ITEM_FILTERED, rule, NULL);
    }
}

int gen_release_replace(struct gen_release *r, size_t i, struct gen_str record,
                        struct gen_error *err)
{
    struct gen_item *old = r->items[i];
    struct gen_item *item = gen_item_new(old->chunk, record, old->position);
    if (!item)
        return gen_nomem(err, "a record");
    item->round = old->round;
    item->ends_group = old->ends_group;
    r->items[i] = item;
    gen_item_free(old);
    return GEN_OK;
}

static void release_free(struct gen_release *r)
{
    for (size_t i = 0; i < r->n; i++)
        gen_item_free(r->items[i]);
    free(r->items);
    free(r->inputs);
}

/* The input before any turn changed its record. */
static const struct gen_item *as_given(const struct gen_call *call, size_t input)
{
    const struct gen_item *given = call->settled[input].given;
    return given ? given : call->items[input];
}

/* A rewriting step that failed on an input, or has nothing to do with it, hands it on as it was.
 * What the end of the run left undone is not handed on. */
static int keep_unchanged(const struct gen_call *call, size_t input, struct gen_error *err)
{
    struct gen_settled *s = &call->settled[input];
    const struct gen_item *from = as_given(call, input);
    const struct gen_step *step = call->stage->step;
    bool keeps =
        (s->state == GEN_ITEM_FAILED && step->keep_failed_inputs) ||
        (s->state == GEN_ITEM_SKIPPED && call->is_prefiltered && step->keep_skipped_inputs);
    if (!keeps)
        return GEN_OK;
    struct gen_item *copy = gen_item_new(from->chunk, from->record, from->position);
    if (!copy)
        return gen_nomem(err, "a record");
    copy->round = from->round;
    int rc = gen_item_queue_push(&s->outputs, copy, err);
    if (rc)
        gen_item_free(copy);
    return rc;
}

/* Takes the outputs of all inputs in order; the first stage's last output of a chunk ends its
 * group. */
static int gather(struct gen_call *call, struct gen_release *r, struct gen_error *err)
{
    const struct gen_stage *stage = call->stage;
    size_t n = 0;
    for (size_t i = 0; i < call->n_items; i++) {
        int rc = keep_unchanged(call, i, err);
        if (rc)
            return rc;
        n += call->settled[i].outputs.n;
    }
    r->items = calloc(n + 1, sizeof(struct gen_item *));
    r->inputs = calloc(n + 1, sizeof(size_t));
    if (!r->items || !r->inputs)
        return gen_nomem(err, "the outputs of a call");
    for (size_t i = 0; i < call->n_items; i++) {
        struct gen_settled *s = &call->settled[i];
        const struct gen_item *from = call->items[i];
        if (s->outputs.n == 0 && stage->index > 0)
            end_group(r, r->n, from);
        while (s->outputs.n) {
            struct gen_item *out = gen_item_queue_pop(&s->outputs);
            out->ends_group = s->outputs.n == 0 && (stage->index == 0 || from->ends_group);
            r->inputs[r->n] = i;
            r->items[r->n++] = out;
        }
    }
    return GEN_OK;
}

static int report_failures(struct gen_call *call, struct gen_error *err)
{
    const struct gen_sink *sink = &call->stage->engine->o.sink;
    for (size_t i = 0; i < call->n_items; i++) {
        const struct gen_settled *s = &call->settled[i];
        if (s->state != GEN_ITEM_FAILED)
            continue;
        int rc = sink->failure(sink->ud, call->stage->step->name, as_given(call, i), s->name,
                               s->message ? s->message : "", call->n_attempts, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static int pass_on_all(struct gen_stage *stage, struct gen_release *r, struct gen_error *err)
{
    for (size_t i = 0; i < r->n; i++) {
        struct gen_item *item = r->items[i];
        r->items[i] = NULL;
        if (!item)
            continue;
        stage->account->n_out++;
        int rc = pass_on(stage, item, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static int release_call(struct gen_stage *stage, struct gen_call *call, struct gen_error *err)
{
    struct gen_release r = {.call = call};
    int rc = gather(call, &r, err);
    if (rc == GEN_OK && stage->step->release) {
        bool stop = false;
        rc = stage->step->release(stage->step->ud, &r, &stop, err);
        stage->stopped_input |= stop;
    }
    if (rc == GEN_OK)
        rc = report_failures(call, err);
    if (rc == GEN_OK) {
        for (size_t i = 0; i < call->n_items; i++)
            account_input(stage, call->items[i], &call->settled[i]);
        add_counts(&stage->account->out_filtered, &call->out_filtered);
        add_counts(&stage->account->notes, &call->notes);
        rc = pass_on_all(stage, &r, err);
    }
    release_free(&r);
    return rc;
}

static bool has_room_below(const struct gen_stage *stage)
{
    const struct gen_engine *e = stage->engine;
    return stage->index + 1 >= e->o.n_steps || e->stages[stage->index + 1].input.n < e->queue_max;
}

int gen_stage_release(struct gen_stage *stage, bool *moved, struct gen_error *err)
{
    while (gen_stage_can_release(stage) && has_room_below(stage)) {
        struct gen_call *call = ring_at(stage, 0);
        int rc = release_call(stage, call, err);
        stage->ring_first = (stage->ring_first + 1) % stage->ring_capacity;
        stage->ring_n--;
        gen_call_free(call);
        *moved = true;
        if (rc)
            return rc;
    }
    return GEN_OK;
}

void gen_stage_drop_input(struct gen_stage *stage, const char *reason)
{
    struct gen_item *item;
    while ((item = gen_item_queue_pop(&stage->input))) {
        stage->account->n_in += item->is_new_input;
        if (item->is_new_input)
            gen_counts_add(&stage->account->skipped, reason, 1);
        gen_item_free(item);
    }
}

void gen_stage_settle_all(struct gen_stage *stage, const char *reason)
{
    for (size_t i = 0; i < stage->ring_n; i++) {
        struct gen_call *call = ring_at(stage, i);
        if (call->state != GEN_CALL_DONE)
            gen_call_settle_open(call, GEN_ITEM_SKIPPED, reason, NULL);
    }
    stage->turns = (struct gen_call_list){NULL, NULL, 0};
    stage->ready = (struct gen_call_list){NULL, NULL, 0};
    gen_stage_drop_input(stage, reason);
}

void gen_stage_free(struct gen_stage *stage)
{
    for (size_t i = 0; i < stage->ring_n; i++)
        gen_call_free(ring_at(stage, i));
    gen_call_free_spare(stage);
    free(stage->ring);
    gen_item_queue_release(&stage->input);
}
