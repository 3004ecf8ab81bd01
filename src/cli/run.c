/* The run itself: the engine's callbacks, the display, and the first, second and third Ctrl-C. */
#include "cli/session.h"

#include <stdio.h>
#include <unistd.h>

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
    gen_jb_put_cstr(b, o, "stage", stage);
    gen_jb_put_cstr(b, o, "class", class_name);
    gen_jb_put_cstr(b, o, "message", message);
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
    (void)snprintf(out, n, "%s %s%s%s", s->provider->name, s->model, s->base_url ? " at " : "",
                   s->base_url ? s->base_url : "");
}

static void show(struct gen_session *s)
{
    struct gen_ui_stage stages[GEN_STEPS_MAX + 1];
    struct gen_counts trouble = {.n = 0};
    char title[600];
    char stopping[120];
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(s->engine, &n);
    title_of(s, title, sizeof(title));
    struct gen_ui_view v = {
        .command = s->command,
        .title = title,
        .stages = stages,
        .n_in_flight = gen_engine_in_flight(s->engine),
        .window = gen_engine_window(s->engine),
        .is_free = s->provider->is_local,
        .waiting_ms = gen_engine_paused_ms(s->engine),
        .trouble = &trouble,
        .now_ms = gen_loop_now_us() / 1000,
    };
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
    if (n == 1)
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
    int rc = gen_ledger_begin(s->ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_run_begin(s->ledger, &info, &s->run_id, err);
    return rc ? rc : gen_ledger_commit(s->ledger, err);
}

static struct gen_engine_options engine_options(struct gen_session *s,
                                                const struct gen_source *source, struct sink *sink)
{
    size_t max = gen_session_window_max(s);
    size_t start = s->provider->in_flight_start;
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
        .endpoint = s->endpoint,
        .loop = s->loop,
        .http = s->http,
        .ledger = s->ledger,
        .run_id = s->run_id,
        .window_start = start < max ? start : max,
        .window_max = max,
        .price = s->price,
        .max_cost_microusd = (int64_t)(gen_settings_real(s->settings, GEN_OPT_MAX_COST) * 1e6),
        .fresh = gen_settings_flag(s->settings, GEN_OPT_FRESH),
        .retry_failed = gen_settings_flag(s->settings, GEN_OPT_RETRY_FAILED),
        .keep_chunks = true,
        .seed = (uint64_t)s->common.seed ^ gen_loop_now_us(),
        .log = &s->log,
        .progress = on_progress,
        .progress_ud = s,
    };
}

int gen_session_run(struct gen_session *s, const struct gen_source *source, gen_sink_fn *sink_item,
                    void *sink_ud, struct gen_error *err)
{
    struct sink sink = {s, sink_item, sink_ud};
    int rc = begin_run(s, err);
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
