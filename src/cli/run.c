/* The run itself: the engine's callbacks, the display, and the first, second and third Ctrl-C. */
#include "cli/fetch.h"
#include "cli/renewal.h"
#include "cli/session.h"
#include "llm/advice.h"
#include "llm/batch.h"
#include "llm/facts.h"

#include <stdio.h>
#include <unistd.h>

#define PROPS_MS 1000U

struct sink {
    struct gen_session *session;
    gen_sink_fn *item;
    void *ud;
};

static int on_item(void *ud, const struct gen_item *item, struct gen_error *err)
{
    const struct sink *sink = ud;
    return sink->item(sink->ud, item, err);
}

static int write_failure(struct gen_session *s, const char *stage, const struct gen_item *item,
                         const char *class_name, const char *message, unsigned n_attempts,
                         struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_json_doc *doc = NULL;
    char advice[GEN_ADVICE_BYTES];
    gen_jb_put_cstr(b, o, "stage", stage);
    gen_jb_put_cstr(b, o, "class", class_name);
    gen_jb_put_cstr(b, o, "message", message);
    gen_class_advice(gen_class_of_name(gen_str_from(class_name)), s->provider, advice);
    if (advice[0])
        gen_jb_put_cstr(b, o, "advice", advice);
    gen_jb_put_int(b, o, "attempts", n_attempts);
    gen_jb_put_int(b, o, "position", (int64_t)item->position);
    if (item->chunk) {
        gen_jb_put_str(b, o, "chunk_id", item->chunk->id);
        gen_jb_put_str(b, o, "source", item->chunk->source);
    }
    if (item->record.n && gen_json_parse(&doc, item->record, NULL) == GEN_OK)
        gen_jb_put(b, o, "item", gen_jb_copy(b, gen_json_root(doc)));
    struct gen_buf line = gen_buf_make(GEN_BUF_UNLIMITED);
    rc = gen_jb_write(b, o, GEN_JSON_COMPACT, &line, err);
    if (rc == GEN_OK)
        rc = gen_record_writer_add(s->failures, gen_buf_str(&line), err);
    gen_buf_release(&line);
    gen_json_doc_free(doc);
    gen_jb_free(b);
    return rc;
}

static int on_failure(void *ud, const char *stage, const struct gen_item *item,
                      const char *class_name, const char *message, unsigned n_attempts,
                      struct gen_error *err)
{
    struct gen_session *s = ((const struct sink *)ud)->session;
    gen_log(&s->log, GEN_LOG_DEBUG, "item_failed", "%s: item %llu failed: %s: %s", stage,
            (unsigned long long)item->position, class_name, message);
    int rc = GEN_OK;
    if (!s->failures) {
        rc = gen_session_path(s, "_failures.jsonl", &s->failures_path, err);
        if (rc == GEN_OK)
            rc = gen_record_writer_open(&s->failures, s->failures_path.data, err);
    }
    return rc ? rc : write_failure(s, stage, item, class_name, message, n_attempts, err);
}

static int64_t n_settled(const struct gen_stage_account *a)
{
    return a->n_produced + gen_counts_sum(&a->filtered) + gen_counts_sum(&a->failed) +
           gen_counts_sum(&a->skipped);
}

static struct gen_ui_stage ui_stage(const struct gen_stage_account *a, int64_t n_expected,
                                    bool is_done)
{
    return (struct gen_ui_stage){
        .name = a->name,
        .unit_in = a->unit_in,
        .unit_out = a->unit_out,
        .n_expected = is_done ? n_settled(a) : n_expected,
        .n_done = n_settled(a),
        .n_out = a->n_out,
        .n_failed = gen_counts_sum(&a->failed),
        .n_filtered = gen_counts_sum(&a->filtered),
        .n_skipped = gen_counts_sum(&a->skipped),
        .n_waiting = (int64_t)a->n_waiting,
        .is_done = is_done,
    };
}

static void add_stage(const struct gen_stage_account *a, struct gen_ui_view *v,
                      struct gen_counts *trouble)
{
    v->n_answers += a->n_calls - a->n_cached;
    v->n_cached += a->n_cached;
    v->tokens_in += a->tokens_in;
    v->tokens_out += a->tokens_out;
    v->cost_microusd =
        v->cost_microusd < 0 || a->n_cost_unknown ? -1 : v->cost_microusd + a->cost_microusd;
    for (size_t k = 0; k < a->by_class.n; k++)
        gen_counts_add(trouble, a->by_class.rows[k].name, a->by_class.rows[k].count);
}

static void title_of(const struct gen_session *s, char *out, size_t n)
{
    (void)snprintf(out, n, "%s %s%s%s", s->provider->name, s->model,
                   s->chosen.base_url ? " at " : "", s->chosen.base_url ? s->chosen.base_url : "");
}

static void show(struct gen_session *s)
{
    struct gen_ui_stage stages[GEN_STEPS_MAX + 1];
    struct gen_counts trouble = {.n = 0};
    char title[600];
    char stopping[120];
    const char *why = NULL;
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(s->engine, &n);
    title_of(s, title, sizeof(title));
    struct gen_ui_view v = {
        .command = s->command,
        .title = title,
        .stages = stages,
        .n_in_flight = gen_engine_in_flight(s->engine),
        .window = gen_engine_window(s->engine),
        .is_batch = gen_session_is_batch(s),
        .is_free = s->provider->is_local,
        .trouble = &trouble,
        .now_ms = gen_loop_now_us() / 1000,
    };
    v.waiting_ms = gen_engine_paused_ms(s->engine, &why);
    v.waiting_why = why;
    int64_t expected = s->n_expected;
    bool done = true;
    for (size_t i = 0; i < n; i++) {
        done = done && expected >= 0 && n_settled(&accounts[i]) >= expected &&
               accounts[i].n_waiting == 0;
        stages[v.n_stages++] = ui_stage(&accounts[i], expected, done);
        expected = done ? accounts[i].n_out : -1;
        add_stage(&accounts[i], &v, &trouble);
    }
    if (s->extra)
        stages[v.n_stages++] = ui_stage(s->extra, expected, done);
    if (gen_engine_is_stopping(s->engine) && v.n_in_flight > 0) {
        (void)snprintf(stopping, sizeof(stopping),
                       "waiting for %zu answers that are paid for; Ctrl-C again abandons them",
                       v.n_in_flight);
        v.stopping = stopping;
    }
    gen_ui_update(s->ui, &v, false);
}

static void on_progress(void *ud)
{
    show(ud);
}

static void on_interrupt(void *ud)
{
    struct gen_session *s = ud;
    unsigned n = gen_engine_interrupt(s->engine);
    if (n == 1 && gen_session_is_batch(s))
        gen_log(&s->log, GEN_LOG_WARN, "interrupt",
                "stopping: nothing more is submitted, and nothing is waited for");
    else if (n == 1 && gen_engine_in_flight(s->engine) == 0)
        gen_log(&s->log, GEN_LOG_WARN, "interrupt", "stopping: nothing more is sent");
    else if (n == 1)
        gen_log(
            &s->log, GEN_LOG_WARN, "interrupt",
            "stopping: nothing more is sent; waiting for %zu answers (Ctrl-C again abandons them)",
            gen_engine_in_flight(s->engine));
    else if (n == 2)
        gen_log(&s->log, GEN_LOG_WARN, "interrupt", "abandoning what is in flight");
    else
        _exit(GEN_EXIT_INTERRUPTED);
}

static int begin_run(struct gen_session *s, struct gen_error *err)
{
    struct gen_run_info info = {
        .command = gen_str_from(s->command),
        .arguments = gen_str_from(gen_settings_command_line(s->settings)),
        .version = GEN_STR(GEN_VERSION),
        .seed = s->common.seed,
    };
    bool is_renewed = gen_settings_flag(s->settings, GEN_OPT_FRESH) ||
                      gen_settings_text(s->settings, GEN_OPT_RECORD) != NULL;
    int rc = is_renewed ? gen_renewal_first_run(s->ledger, &info, &s->fresh_from, err) : GEN_OK;
    if (rc == GEN_OK && s->fresh_from)
        gen_log(
            &s->log, GEN_LOG_INFO, "fresh",
            "goes on with run %lld of this ledger, the same command, which did not end: what it "
            "has paid for is not asked anew",
            (long long)s->fresh_from);
    if (rc == GEN_OK)
        rc = gen_ledger_begin(s->ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_run_begin(s->ledger, &info, &s->run_id, err);
    return rc ? rc : gen_ledger_commit(s->ledger, err);
}

static struct gen_engine_options engine_options(struct gen_session *s,
                                                const struct gen_source *source, struct sink *sink)
{
    size_t max = gen_session_window_max(s);
    size_t start = gen_session_is_batch(s) ? max : s->provider->in_flight_start;
    /* Who names a number knows the server: half of it is no shock, and it doubles in one round
     * trip. */
    if (gen_settings_int(s->settings, GEN_OPT_WORKERS) > 0 && start < max / 2)
        start = max / 2;
    return (struct gen_engine_options){
        .steps = s->steps,
        .n_steps = s->n_steps,
        .source = *source,
        .sink = {on_item, on_failure, sink},
        .provider = s->provider,
        .channel = s->channel.table ? &s->channel : NULL,
        .endpoint_name = s->chosen.base_url,
        .loop = s->loop,
        .ledger = s->ledger,
        .run_id = s->run_id,
        .window_start = start < max ? start : max,
        .window_max = max,
        .price = s->price,
        .max_cost_microusd = (int64_t)(gen_settings_real(s->settings, GEN_OPT_MAX_COST) * 1e6),
        .max_tokens_total = gen_settings_int(s->settings, GEN_OPT_MAX_TOKENS_TOTAL),
        .max_requests = gen_settings_int(s->settings, GEN_OPT_MAX_REQUESTS),
        .max_requests_a_minute = gen_settings_int(s->settings, GEN_OPT_MAX_RPM),
        .max_tokens_a_minute = gen_settings_int(s->settings, GEN_OPT_MAX_TPM),
        .is_batch = gen_session_is_batch(s),
        .fresh = gen_settings_flag(s->settings, GEN_OPT_FRESH),
        .repeat_actions = gen_settings_text(s->settings, GEN_OPT_RECORD) != NULL,
        .fresh_from = s->fresh_from,
        .retry_failed = gen_settings_flag(s->settings, GEN_OPT_RETRY_FAILED),
        .keep_chunks = true,
        .seed = (uint64_t)s->common.seed ^ gen_loop_now_us(),
        .log = &s->log,
        .progress = on_progress,
        .progress_ud = s,
    };
}

struct open_batches {
    const struct gen_session *s;
    size_t n;
};

static int count_open(void *ud, const struct gen_ledger_batch *b, struct gen_error *err)
{
    (void)err;
    struct open_batches *o = ud;
    o->n += (b->state == GEN_BATCH_RUNNING || b->state == GEN_BATCH_SUBMITTING) &&
            gen_str_is(b->provider, o->s->provider->name) && gen_str_is(b->model, o->s->model);
    return GEN_OK;
}

/* What a batch is answering already would be paid for twice. */
static int warn_of_batches(const struct gen_session *s, struct gen_error *err)
{
    struct open_batches open = {s, 0};
    int rc = gen_ledger_batches(s->ledger, count_open, &open, err);
    if (rc == GEN_OK && open.n)
        gen_log(&s->log, GEN_LOG_WARN, "batch",
                "%zu batches of this ledger are still under way at %s: with --batch this command "
                "would wait for their answers instead of paying for new ones",
                open.n, s->provider->name);
    return rc;
}

/* From here on it is what this run pays. */
static void take_batch_price(struct gen_price *p)
{
    double factor = p->batch_factor > 0 ? p->batch_factor : 1.0;
    p->in_usd_per_mtok *= factor;
    p->out_usd_per_mtok *= factor;
    p->cached_usd_per_mtok *= factor;
    p->cache_write_usd_per_mtok *= factor;
    p->batch_factor = 1.0;
}

static int open_channel(struct gen_session *s, struct gen_error *err)
{
    const char *dir = gen_settings_text(s->settings, GEN_OPT_BATCH_FILE);
    const struct gen_channel_options o = {
        .provider = s->provider,
        .endpoint = s->chosen.endpoint,
        .model = s->model,
        .loop = s->loop,
        .http = s->http,
        .log = &s->log,
    };
    const struct gen_batch_options batch = {
        .ledger = s->ledger,
        .run_id = s->run_id,
        .price = s->price,
        .poll_ms = (uint64_t)(gen_settings_real(s->settings, GEN_OPT_BATCH_POLL) * 1000.0),
    };
    if (dir)
        return gen_channel_files_new(&s->channel, &o, &batch, dir, err);
    if (gen_settings_flag(s->settings, GEN_OPT_BATCH))
        return gen_channel_batch_new(&s->channel, &o, &batch, err);
    int rc = s->provider->batch ? warn_of_batches(s, err) : GEN_OK;
    return rc ? rc : gen_chosen_channel(&s->chosen, s->loop, s->http, &s->log, &s->channel, err);
}

static void on_props(void *ud, const struct gen_http_response *response)
{
    struct gen_session *s = ud;
    struct gen_llm_result result = gen_llm_result_make();
    struct gen_model_facts facts = gen_model_facts_make();
    for (const struct gen_probe *p = s->provider->probes; p->path; p++) {
        if (p->from_host &&
            gen_probe_read(p, response, s->model, &facts, &result, NULL) == GEN_OK &&
            facts.slots > 0)
            s->slots = facts.slots;
    }
    gen_llm_result_release(&result);
}

/* A server of one's own is asked how many requests it works on at a time. What it does not say, or
 * not soon, is learned from its answers. */
static int learn_slots(struct gen_session *s, struct gen_error *err)
{
    char url[2048];
    bool is_asked = s->provider->is_local && s->provider->probes &&
                    gen_settings_int(s->settings, GEN_OPT_WORKERS) <= 0 && !gen_session_is_batch(s);
    for (const struct gen_probe *p = s->provider->probes; is_asked && p->path; p++) {
        if (!p->from_host)
            continue;
        int rc = gen_probe_url(p, &s->chosen.endpoint, s->model, url, sizeof(url), err);
        if (rc == GEN_OK)
            rc = gen_fetch(s->provider, &s->chosen.endpoint,
                           &(struct gen_fetch){.url = url, .timeout_ms = PROPS_MS}, on_props, s,
                           err);
        if (rc)
            return rc;
    }
    if (s->slots)
        gen_log(&s->log, GEN_LOG_DEBUG, "slots", "the server works on %lld requests at a time",
                (long long)s->slots);
    return GEN_OK;
}

int gen_session_run(struct gen_session *s, const struct gen_source *source, gen_sink_fn *sink_item,
                    void *sink_ud, struct gen_error *err)
{
    struct sink sink = {s, sink_item, sink_ud};
    int rc = begin_run(s, err);
    if (rc)
        return rc;
    if (gen_session_is_batch(s))
        take_batch_price(&s->price);
    rc = learn_slots(s, err);
    if (rc == GEN_OK)
        rc = open_channel(s, err);
    if (rc)
        return rc;
    struct gen_engine_options options = engine_options(s, source, &sink);
    rc = gen_engine_new(&s->engine, &options, err);
    if (rc == GEN_OK)
        rc = gen_loop_on_interrupt(s->loop, on_interrupt, s, err);
    if (rc)
        return rc;
    rc = gen_engine_run(s->engine, &s->end, err);
    gen_ui_finish(s->ui);
    int ignored = gen_loop_on_interrupt(s->loop, NULL, NULL, NULL);
    (void)ignored; /* Giving the signals back cannot matter any more. */
    return rc;
}
