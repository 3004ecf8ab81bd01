#include "engine_world.h"

#include "os/file.h"
#include "os/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A provider's functions have no place for a pointer of ours. */
static struct world *active;

struct world *world_active(void)
{
    return active;
}

void world_new_ledger(struct world *w)
{
    static unsigned n;
    (void)snprintf(w->path, sizeof(w->path), "%s/%u.ledger", w->folder, ++n);
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/gen-engine-XXXXXX");
    if (!mkdtemp(w->folder)) {
        free(w);
        return -1;
    }
    world_new_ledger(w);
    w->out = gen_buf_make(GEN_BUF_UNLIMITED);
    w->failures = gen_buf_make(GEN_BUF_UNLIMITED);
    w->window_start = 4;
    w->window_max = 16;
    w->n_items = 50;
    w->interrupt_at[0] = w->interrupt_at[1] = -1;
    w->interrupt_at_act[0] = w->interrupt_at_act[1] = -1;
    w->seed = 1;
    active = w;
    *state = w;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    gen_scratch_remove(w->folder);
    gen_buf_release(&w->out);
    gen_buf_release(&w->failures);
    free(w->asked);
    free(w);
    world_schema_free();
    active = NULL;
    return 0;
}

struct world_step *world_add_step(struct world *w, const char *name)
{
    struct world_step *s = &w->steps[w->n_steps++];
    *s = (struct world_step){.name = name, .group_max = 1, .world = w};
    return s;
}

unsigned world_count_asked(struct world *w, struct gen_str user)
{
    uint64_t hash = gen_hash64(user, 7);
    unsigned n = 0;
    for (size_t i = 0; i < w->n_asked_hashes; i++)
        n += w->asked[i] == hash;
    if (w->n_asked_hashes == w->asked_capacity) {
        /* Beyond that nothing counts as asked for the first time. */
        if (w->asked_capacity >= 16384)
            return n + 1;
        w->asked_capacity = w->asked_capacity ? w->asked_capacity * 2 : 256;
        w->asked = realloc(w->asked, w->asked_capacity * sizeof(*w->asked));
        assert_non_null(w->asked);
    }
    w->asked[w->n_asked_hashes++] = hash;
    return n;
}

static void parse_ask(struct world *w, struct gen_str user, unsigned sample, struct ask *a)
{
    struct gen_str rest = user;
    struct gen_str line;
    memset(a, 0, sizeof(*a));
    assert_true(gen_str_next_line(&rest, &line));
    a->has_faults = rest.n > 0;
    a->sample = sample;
    a->n_before = world_count_asked(w, user);
    size_t bar = gen_str_find(line, GEN_STR("|"), 0);
    size_t bar2 = gen_str_find(line, GEN_STR("|"), bar + 1);
    (void)snprintf(a->step, sizeof(a->step), "%.*s", (int)bar, line.p);
    a->n_wanted = (size_t)id_base(gen_str_sub(line, bar + 1, line.n));
    line = gen_str_sub(line, bar2 + 1, line.n);
    while (line.n) {
        size_t comma = gen_str_find(line, GEN_STR(","), 0);
        assert_true(a->n_ids < WORLD_IDS_MAX);
        a->ids[a->n_ids++] = gen_str_sub(line, 0, comma);
        line = comma == SIZE_MAX ? GEN_STR("") : gen_str_sub(line, comma + 1, line.n);
    }
}

static void write_rows(struct world *w, const struct ask *a, const struct reply *r,
                       struct gen_buf *text)
{
    int rc = gen_buf_add_c(text, "{\"rows\":[", NULL);
    bool any = false;
    for (size_t i = 0; i < a->n_ids; i++) {
        if (r->n_outs[i] < 0)
            continue;
        rc |= gen_buf_printf(text, NULL, "%s{\"id\":\"%.*s\",\"outs\":[", any ? "," : "",
                             GEN_STR_ARG(a->ids[i]));
        for (int k = 0; k < r->n_outs[i]; k++)
            rc |= gen_buf_printf(text, NULL, "%s\"%.*s.%d~%lld\"", k ? "," : "",
                                 GEN_STR_ARG(a->ids[i]), k,
                                 w->same_answers ? 0LL : (long long)w->n_asked_ever);
        rc |= gen_buf_add_c(text, "]}", NULL);
        any = true;
    }
    rc |= gen_buf_add_c(text, "]}", NULL);
    assert_int_equal(rc, GEN_OK);
}

static void interrupt_now(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        if (w->n_asked == w->interrupt_at[i])
            assert_int_equal(gen_engine_interrupt(w->engine), i + 1);
    }
}

void world_interrupt_acting(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        if (w->n_acted == w->interrupt_at_act[i])
            assert_int_equal(gen_engine_interrupt(w->engine), i + 1);
    }
}

void world_answer(struct gen_str user, unsigned sample, unsigned reseed,
                  struct gen_llm_result *result, unsigned *n_turns)
{
    struct world *w = active;
    struct ask a;
    struct reply r = {.class_code = GEN_CLASS_OK, .retry_after_ms = -1};
    parse_ask(w, user, sample, &a);
    a.reseed = reseed;
    for (size_t i = 0; i < a.n_ids; i++)
        r.n_outs[i] = 1;
    r.n_turns = w->n_turns_max ? (unsigned)gen_prng_below(&w->random, w->n_turns_max + 1) : 0;
    w->n_asked++;
    w->n_asked_ever++;
    if (w->script)
        w->script(w, &a, &r);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    if (r.raw)
        assert_int_equal(gen_buf_add_c(&text, r.raw, NULL), GEN_OK);
    else
        write_rows(w, &a, &r, &text);
    size_t n = 0;
    result->owned = gen_buf_take(&text, &n);
    result->text = (struct gen_str){result->owned, n};
    result->reasoning = gen_str_from(r.reasoning ? r.reasoning : "");
    result->class_code = r.class_code;
    result->finish = r.finish                              ? gen_str_from(r.finish)
                     : r.class_code == GEN_CLASS_TRUNCATED ? GEN_STR("length")
                                                           : GEN_STR("stop");
    result->retry_after_ms = r.retry_after_ms;
    result->stop_provider = r.stop_provider;
    result->try_other_seed = r.try_other_seed;
    result->usage = (struct gen_usage){10, 10, 0, 0, -1, 0};
    result->latency_us = 1000;
    if (r.class_code != GEN_CLASS_OK)
        (void)snprintf(result->message, sizeof(result->message), "scripted %s",
                       gen_class_name(r.class_code));
    if (r.class_code == GEN_CLASS_TRUNCATED)
        (void)snprintf(result->message, sizeof(result->message),
                       "the model ran into its token limit before the answer was complete");
    if (r.param)
        (void)snprintf(result->param, sizeof(result->param), "%s", r.param);
    *n_turns = r.n_turns;
    size_t in_flight = gen_engine_in_flight(w->engine);
    size_t window = gen_engine_window(w->engine);
    w->in_flight_peak = in_flight > w->in_flight_peak ? in_flight : w->in_flight_peak;
    w->window_peak = window > w->window_peak ? window : w->window_peak;
    interrupt_now(w);
}

static int provider_answer(const struct gen_llm_request *r, struct gen_llm_result *result,
                           struct gen_error *err)
{
    unsigned ignored;
    (void)err;
    world_answer(r->user, r->sample, r->reseed, result, &ignored);
    return GEN_OK;
}

static int provider_build(const struct gen_llm_request *r, const struct gen_endpoint *e,
                          struct gen_buf *body, struct gen_error *err)
{
    (void)e;
    int rc = gen_buf_printf(body, err, "%u %u ", r->sample, r->reseed);
    return rc ? rc : gen_buf_add_str(body, r->user, err);
}

static int provider_parse(const struct gen_http_response *response, struct gen_llm_result *result,
                          struct gen_error *err)
{
    (void)err;
    if (response->transport == GEN_TRANSPORT_CANCELED) {
        result->class_code = GEN_CLASS_CANCELED;
        return GEN_OK;
    }
    struct gen_llm_result from;
    memcpy(&from, response->body.p, sizeof(from));
    *result = from;
    result->owned = gen_str_dup(from.text);
    assert_non_null(result->owned);
    result->text.p = result->owned;
    return GEN_OK;
}

static const struct gen_provider provider_at_once = {.name = "test", .answer = provider_answer};
static const struct gen_provider provider_network = {
    .name = "test", .chat_path = "/chat", .build = provider_build, .parse = provider_parse};

static void on_source(void *ud)
{
    struct world *w = ud;
    w->is_late = false;
}

/* True until a timer has run, once before the item at hand. */
static bool let_wait(struct world *w)
{
    if (w->late_every && !w->is_late && w->next_item / w->late_every >= w->n_late_begun) {
        w->n_late_begun++;
        w->is_late = true;
        if (!w->source_timer)
            assert_int_equal(gen_timer_new(&w->source_timer, w->loop, on_source, w, NULL), GEN_OK);
        gen_timer_start(w->source_timer, 1, 0);
    }
    w->n_late += w->is_late;
    return w->is_late;
}

static int pull(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err)
{
    struct world *w = ud;
    if (let_wait(w)) {
        *what = GEN_PULL_LATER;
        return GEN_OK;
    }
    if (w->next_item == w->n_items) {
        *what = w->round + 1 < w->n_rounds ? GEN_PULL_WAIT : GEN_PULL_END;
        if (*what == GEN_PULL_END || !drained)
            return GEN_OK;
        w->round++;
        w->next_item = 0;
    }
    char id[32];
    int64_t number = w->n_distinct ? w->next_item % w->n_distinct : w->next_item;
    int n = snprintf(id, sizeof(id), "%lld", (long long)number);
    *out = gen_item_new(NULL, (struct gen_str){id, (size_t)n}, (uint64_t)w->next_item);
    if (!*out)
        return gen_nomem(err, "an item");
    (*out)->round = w->round;
    (*out)->is_new_input = w->round == 0;
    w->next_item++;
    *what = GEN_PULL_ITEM;
    return GEN_OK;
}

static int sink_item(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct world *w = ud;
    w->n_out++;
    return gen_buf_printf(&w->out, err, "%llu %.*s\n", (unsigned long long)item->position,
                          GEN_STR_ARG(item->record));
}

static int sink_failure(void *ud, const char *stage, const struct gen_item *item,
                        const char *class_name, const char *message, unsigned n_attempts,
                        struct gen_error *err)
{
    struct world *w = ud;
    (void)n_attempts;
    return gen_buf_printf(&w->failures, err, "%s %.*s %s: %s\n", stage, GEN_STR_ARG(item->record),
                          class_name, message);
}

static void init_stable(struct world_step *s)
{
    struct gen_sha256 *hash = NULL;
    s->n_released = 0;
    s->stable = (struct gen_llm_stable){
        .provider = "test", .model = "m", .system = gen_str_from(s->name), .schema_name = "rows"};
    assert_int_equal(gen_sha256_new(&hash, NULL), GEN_OK);
    assert_int_equal(gen_llm_stable_init(&s->stable, hash, NULL), GEN_OK);
    gen_sha256_free(hash);
}

static void forget_last_run(struct world *w)
{
    gen_buf_clear(&w->out);
    gen_buf_clear(&w->failures);
    assert_int_equal(gen_buf_add_c(&w->out, "", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&w->failures, "", NULL), GEN_OK);
    w->n_out = 0;
    w->next_item = 0;
    w->round = 0;
    w->n_asked = 0;
    w->n_acted = w->n_abandoned = 0;
    w->n_acting = w->acting_peak = 0;
    w->in_flight_peak = w->window_peak = w->waiting_peak = 0;
    w->end = GEN_END_DONE;
    w->stop_reason[0] = '\0';
    w->err = (struct gen_error){.code = GEN_OK};
    w->is_late = false;
    w->n_late = w->n_late_begun = 0;
    w->random = gen_prng_make(w->seed);
    memset(w->accounts, 0, sizeof(w->accounts));
}

static void run_engine(struct world *w, struct gen_ledger *ledger, struct gen_http *http,
                       int64_t run_id)
{
    struct gen_step steps[WORLD_STEPS_MAX];
    for (size_t i = 0; i < w->n_steps; i++)
        world_make_step(&w->steps[i], &steps[i]);
    const struct gen_channel_options channel_options = {
        .provider = &provider_network,
        .endpoint = {.base_url = "http://test"},
        .model = "m",
        .loop = w->loop,
        .http = http,
    };
    struct gen_channel channel = {NULL, NULL};
    struct gen_provider with_prefixes = provider_network;
    with_prefixes.cached_prefix_tokens = w->cached_prefix_tokens;
    if (w->network)
        assert_int_equal(gen_channel_http_new(&channel, &channel_options, NULL), GEN_OK);
    struct gen_engine_options o = {
        .steps = steps,
        .n_steps = w->n_steps,
        .source = {pull, w},
        .sink = {sink_item, sink_failure, w},
        .provider = w->network ? &with_prefixes : &provider_at_once,
        .channel = w->network ? &channel : NULL,
        .endpoint_name = "http://test",
        .loop = w->loop,
        .ledger = ledger,
        .run_id = run_id,
        .window_start = w->window_start,
        .window_max = w->window_max,
        .price = {.known = true,
                  .in_usd_per_mtok = 1.0,
                  .cached_usd_per_mtok = 1.0,
                  .out_usd_per_mtok = 1.0}, /* 20 micro-dollars an answer */
        .max_cost_microusd = w->max_cost_microusd,
        .max_tokens_total = w->max_tokens_total,
        .max_requests = w->max_requests,
        .max_requests_a_minute = w->max_requests_a_minute,
        .fresh = w->fresh,
        .fresh_from = w->fresh_from,
        .retry_failed = w->retry_failed,
        .keep_chunks = true,
        .seed = w->seed,
    };
    w->rc = gen_engine_new(&w->engine, &o, &w->err);
    if (w->rc)
        return;
    w->rc = gen_engine_run(w->engine, &w->end, &w->err);
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(w->engine, &n);
    memcpy(w->accounts, accounts, n * sizeof(*accounts));
    (void)snprintf(w->stop_reason, sizeof(w->stop_reason), "%s", gen_engine_stop_reason(w->engine));
    gen_engine_free(w->engine);
    w->engine = NULL;
    gen_channel_free(&channel);
}

void world_run(struct world *w)
{
    struct gen_ledger *ledger = NULL;
    struct gen_http *http = NULL;
    struct gen_run_info info = {.command = GEN_STR("test"), .version = GEN_STR("0")};
    int64_t run_id = 0;
    forget_last_run(w);
    for (size_t i = 0; i < w->n_steps; i++)
        init_stable(&w->steps[i]);
    assert_int_equal(gen_loop_new(&w->loop, NULL), GEN_OK);
    if (w->network)
        http = fake_http_new(w->loop);
    w->rc = gen_ledger_open(&ledger, w->driver ? w->driver : &gen_ledger_sqlite, w->path, false,
                            &w->err);
    if (w->rc == GEN_OK)
        w->rc = gen_ledger_run_begin(ledger, &info, &run_id, &w->err);
    w->run_id = run_id;
    if (w->rc == GEN_OK)
        run_engine(w, ledger, http, run_id);
    gen_ledger_close(ledger);
    /* What was begun was reported or given up. */
    assert_int_equal(w->n_acting, 0);
    gen_timer_free(w->acting_timer);
    w->acting_timer = NULL;
    gen_timer_free(w->source_timer);
    w->source_timer = NULL;
    fake_http_free(http);
    gen_loop_free(w->loop);
    w->loop = NULL;
}

void world_run_ok(struct world *w)
{
    world_run(w);
    if (w->rc)
        fail_msg("the run failed: %s", w->err.msg);
    world_check_account(w);
}

void world_check_account(const struct world *w)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        const struct gen_stage_account *a = &w->accounts[i];
        int64_t sum = a->n_produced + gen_counts_sum(&a->filtered) + gen_counts_sum(&a->failed) +
                      gen_counts_sum(&a->skipped);
        if (a->n_in != sum)
            fail_msg("%s: %lld in, but %lld produced, %lld filtered, %lld failed, %lld skipped",
                     a->name, (long long)a->n_in, (long long)a->n_produced,
                     (long long)gen_counts_sum(&a->filtered), (long long)gen_counts_sum(&a->failed),
                     (long long)gen_counts_sum(&a->skipped));
        if (i + 1 < w->n_steps)
            assert_int_equal(a->n_out, w->accounts[i + 1].n_in);
        else
            assert_int_equal(a->n_out, w->n_out);
    }
}

struct gen_buf world_failures(const struct world *w)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    for (size_t i = 0; i < w->n_steps; i++) {
        struct gen_str rest = gen_buf_str(&w->failures);
        struct gen_str line;
        while (gen_str_next_line(&rest, &line)) {
            if (gen_str_starts(line, gen_str_from(w->steps[i].name)))
                assert_int_equal(gen_buf_printf(&out, NULL, "%.*s\n", GEN_STR_ARG(line)), GEN_OK);
        }
    }
    assert_int_equal(gen_buf_add_c(&out, "", NULL), GEN_OK);
    return out;
}

int64_t world_failed(const struct world *w)
{
    int64_t sum = 0;
    for (size_t i = 0; i < w->n_steps; i++)
        sum += gen_counts_sum(&w->accounts[i].failed);
    return sum;
}
