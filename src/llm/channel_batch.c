/* Requests gather in a batch until it is full or the engine has nothing more to ask; the batch is
 * put on record with its keys, submitted, and asked after. Results are given as they come. */
#include "llm/batch/batch_int.h"
#include "llm/exchange.h"

#include <stdio.h>
#include <stdlib.h>

static size_t bucket_of(const struct gen_digest *key)
{
    return ((size_t)key->bytes[0] << 8 | key->bytes[1]) % GEN_BATCH_BUCKETS;
}

struct batch_entry *gen_batch_find(const struct batch_channel *c, const struct gen_digest *key,
                                   const struct batch *in)
{
    struct batch_entry *e = c->buckets[bucket_of(key)];
    while (e &&
           ((in && e->batch != in) || memcmp(e->key.bytes, key->bytes, sizeof(key->bytes)) != 0))
        e = e->next_in_bucket;
    return e;
}

int gen_batch_add_entry(struct batch *b, const struct gen_digest *key, struct batch_entry **out,
                        struct gen_error *err)
{
    struct batch_entry *e = calloc(1, sizeof(*e));
    if (!e)
        return gen_nomem(err, "a request of a batch");
    struct batch_entry **bucket = &b->channel->buckets[bucket_of(key)];
    e->key = *key;
    e->batch = b;
    e->next_in_bucket = *bucket;
    *bucket = e;
    e->next_in_batch = b->entries;
    b->entries = e;
    b->n_entries++;
    if (out)
        *out = e;
    return GEN_OK;
}

void gen_batch_forget(struct batch *b)
{
    while (b->entries) {
        struct batch_entry *e = b->entries;
        struct batch_entry **link = &b->channel->buckets[bucket_of(&e->key)];
        b->entries = e->next_in_batch;
        while (*link != e)
            link = &(*link)->next_in_bucket;
        *link = e->next_in_bucket;
        if (e->exchange)
            e->exchange->entry = NULL;
        free(e);
    }
    b->n_entries = 0;
    b->phase = BATCH_OVER;
    gen_buf_release(&b->requests);
    gen_buf_release(&b->form);
}

/* Its batch goes on without it. */
static void detach(struct batch_exchange *x)
{
    if (!x->entry)
        return;
    x->entry->exchange = NULL;
    x->entry->batch->n_left--;
    x->entry = NULL;
}

static void release(struct gen_exchange *head)
{
    struct batch_exchange *x = (struct batch_exchange *)head;
    detach(x);
    gen_buf_release(&x->body);
    free(x);
}

void gen_batch_deliver(struct batch_exchange *x, struct gen_llm_result *result,
                       const struct gen_error *failure)
{
    if (x->entry)
        x->entry->is_answered = true;
    gen_exchange_deliver(&x->head, release, result, failure);
}

void gen_batch_fail(struct batch_channel *c, int rc, const struct gen_error *err)
{
    if (c->failed)
        return;
    c->failed = rc;
    c->failure = *err;
    gen_loop_wake(c->o.loop);
}

static int prepare(void *state, const struct gen_llm_request *r, const struct gen_digest *key,
                   unsigned dropped, struct gen_exchange **out, struct gen_error *err)
{
    struct batch_channel *c = state;
    struct batch_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "a request");
    x->channel = c;
    x->key = *key;
    x->body = gen_buf_make(GEN_BUF_UNLIMITED);
    gen_exchange_enter(&c->live, &x->head);
    int rc = gen_exchange_batch_body(&c->o, r, dropped, &x->body, err);
    if (rc) {
        gen_exchange_discard(&x->head, release);
        return rc;
    }
    *out = &x->head;
    return GEN_OK;
}

static int open_filling(struct batch_channel *c, struct gen_error *err)
{
    if (c->filling)
        return GEN_OK;
    struct batch *b = calloc(1, sizeof(*b));
    if (!b)
        return gen_nomem(err, "a batch");
    b->channel = c;
    b->requests = gen_buf_make(GEN_BUF_UNLIMITED);
    b->form = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)snprintf(b->marker, sizeof(b->marker), "generator-%016llx",
                   (unsigned long long)gen_prng_next(&c->random));
    b->next = c->first;
    c->first = b;
    c->filling = b;
    return GEN_OK;
}

static void close_filling(struct batch_channel *c)
{
    if (c->filling)
        c->filling->phase = BATCH_CLOSED;
    c->filling = NULL;
}

static void attach(struct batch_entry *entry, struct batch_exchange *x)
{
    entry->exchange = x;
    x->entry = entry;
    entry->batch->n_left++;
    gen_buf_release(&x->body);
}

static int send_exchange(void *state, struct gen_exchange *head, struct gen_error *err)
{
    struct batch_channel *c = state;
    struct batch_exchange *x = (struct batch_exchange *)head;
    struct batch_entry *entry = gen_batch_find(c, &x->key, NULL);
    /* A batch of an earlier run, or one that this run has let go of, has the question already. */
    if (entry && !entry->exchange && !entry->is_answered) {
        attach(entry, x);
        return GEN_OK;
    }
    size_t n_max = c->b.requests_max ? c->b.requests_max : c->protocol->requests_max;
    if (c->filling && c->filling->requests.n + x->body.n > c->protocol->bytes_max)
        close_filling(c);
    int rc = open_filling(c, err);
    if (rc)
        return rc;
    char name[GEN_HEX_CHARS + 1];
    gen_digest_hex(&x->key, GEN_SHA256_BYTES, name);
    rc = c->protocol->add_request(&c->filling->requests, name, c->o.provider->chat_path,
                                  gen_buf_str(&x->body), err);
    if (rc == GEN_OK)
        rc = gen_batch_add_entry(c->filling, &x->key, &entry, err);
    if (rc)
        return rc;
    attach(entry, x);
    if (c->filling->n_entries >= n_max)
        close_filling(c);
    return GEN_OK;
}

static void cancel_exchange(void *state, struct gen_exchange *head)
{
    struct batch_channel *c = state;
    struct batch_exchange *x = (struct batch_exchange *)head;
    if (x->is_canceled)
        return;
    /* An answer that comes in this turn goes into the ledger by itself. */
    detach(x);
    x->is_canceled = true;
    x->next_canceled = c->canceled;
    c->canceled = x;
    gen_loop_wake(c->o.loop);
}

static void deliver_canceled(void *ud)
{
    struct batch_channel *c = ud;
    while (c->canceled) {
        struct batch_exchange *x = c->canceled;
        c->canceled = x->next_canceled;
        struct gen_llm_result result = gen_llm_result_make();
        result.class_code = GEN_CLASS_CANCELED;
        gen_llm_set_message(&result, GEN_STR("left to the provider's batch"));
        gen_exchange_deliver(&x->head, release, &result, NULL);
    }
}

/* Old batches are asked after when everybody has asked: their answers are then this run's, with
 * their tokens and costs in its account. */
static void resume_all(struct batch_channel *c)
{
    for (struct batch *b = c->first; b && !c->is_resumed; b = b->next) {
        if (b->is_old)
            gen_batch_resume(b);
    }
    c->is_resumed = true;
}

/* Somebody cancels what this run waits for: it is about to stop, and must not submit more. */
static bool is_being_canceled(const struct batch_channel *c)
{
    for (const struct batch *b = c->first; b; b = b->next) {
        bool is_asked = b->phase == BATCH_RUNNING || b->phase == BATCH_FETCHING;
        if (is_asked && b->is_canceled && b->was_seen_alive)
            return true;
    }
    return false;
}

static int turn_end(void *state, bool is_idle, struct gen_error *err)
{
    struct batch_channel *c = state;
    if (c->failed) {
        if (err)
            *err = c->failure;
        return c->failed;
    }
    if (is_idle) {
        close_filling(c);
        resume_all(c);
    }
    bool is_held = is_being_canceled(c);
    for (struct batch *b = c->first; b; b = b->next) {
        if (b->phase != BATCH_CLOSED || (is_held && b->n_left))
            continue;
        /* Everyone who had asked has gone: nothing is submitted for nobody. */
        int rc = GEN_OK;
        if (b->n_left)
            rc = gen_batch_submit(b, err);
        else
            gen_batch_forget(b);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static void free_batch(struct batch *b)
{
    gen_batch_forget(b);
    gen_timer_free(b->timer);
    free(b);
}

static void channel_free(void *state)
{
    struct batch_channel *c = state;
    gen_exchange_release_all(&c->live, release);
    while (c->first) {
        struct batch *b = c->first;
        c->first = b->next;
        free_batch(b);
    }
    if (c->turn)
        gen_turn_free(c->turn);
    free(c);
}

static int take_up_key(void *ud, const struct gen_digest *key, struct gen_error *err)
{
    struct batch *b = ud;
    return gen_batch_find(b->channel, key, NULL) ? GEN_OK : gen_batch_add_entry(b, key, NULL, err);
}

/* A batch that an earlier run has left behind. */
static int take_up(void *ud, const struct gen_ledger_batch *row, struct gen_error *err)
{
    struct batch_channel *c = ud;
    bool is_open = row->state == GEN_BATCH_RUNNING || row->state == GEN_BATCH_SUBMITTING;
    if (!is_open || !gen_str_is(row->provider, c->o.provider->name) ||
        !gen_str_is(row->base_url, c->o.endpoint.base_url) || !gen_str_is(row->model, c->o.model) ||
        row->marker.n >= sizeof(c->first->marker) || row->remote_id.n >= GEN_BATCH_TEXT_BYTES)
        return GEN_OK;
    int rc = open_filling(c, err);
    if (rc)
        return rc;
    struct batch *b = c->filling;
    c->filling = NULL;
    b->row = row->id;
    b->run_id = row->run_id;
    b->n_requests = row->n_requests;
    b->is_old = true;
    b->submitted_unix = row->submitted_unix_us / 1000000;
    (void)snprintf(b->marker, sizeof(b->marker), "%.*s", GEN_STR_ARG(row->marker));
    (void)snprintf(b->id, sizeof(b->id), "%.*s", GEN_STR_ARG(row->remote_id));
    b->phase = b->id[0] ? BATCH_RUNNING : BATCH_SEEKING;
    return GEN_OK;
}

static int take_up_all(struct batch_channel *c, struct gen_error *err)
{
    int rc = gen_ledger_batches(c->b.ledger, take_up, c, err);
    for (struct batch *b = c->first; b && rc == GEN_OK; b = b->next) {
        rc = gen_ledger_batch_keys(c->b.ledger, b->row, take_up_key, b, err);
        if (rc == GEN_OK) {
            gen_log(c->o.log, GEN_LOG_INFO, "batch",
                    "taking up batch %s of an earlier run (%zu requests)", gen_batch_name(b),
                    b->n_entries);
        }
    }
    return rc;
}

int gen_channel_batch_new(struct gen_channel *out, const struct gen_channel_options *o,
                          const struct gen_batch_options *options, struct gen_error *err)
{
    static const struct gen_channel_table table = {
        .prepare = prepare,
        .send = send_exchange,
        .cancel = cancel_exchange,
        .release = release,
        .turn_end = turn_end,
        .keeps_answers = true,
        .free = channel_free,
    };
    if (!o->provider->batch)
        return gen_fail(err, GEN_EUSAGE, "provider %s has no batch API: leave --batch out",
                        o->provider->name);
    struct batch_channel *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a channel");
    c->o = *o;
    c->b = *options;
    c->protocol = o->provider->batch;
    c->random = gen_prng_make((uint64_t)gen_time_unix_us() ^ gen_loop_now_us());
    int rc = gen_turn_new(&c->turn, o->loop, deliver_canceled, NULL, c, err);
    if (rc == GEN_OK)
        rc = take_up_all(c, err);
    if (rc) {
        channel_free(c);
        return rc;
    }
    *out = (struct gen_channel){&table, c};
    return GEN_OK;
}
