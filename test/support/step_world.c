#include "step_world.h"

#include "llm/provider.h"
#include "os/scratch.h"

#include <stdio.h>
#include <stdlib.h>

static struct step_world *active;

void step_world_must(int rc, const struct gen_error *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

int step_world_init(struct step_world *w)
{
    struct gen_error err = {.msg = ""};
    *w = (struct step_world){.folder = "/tmp/gen-step-XXXXXX"};
    if (!mkdtemp(w->folder) ||
        gen_prompt_set_load(&w->prompts, PROJECT_DIR "/configs/prompts", NULL, &err) != GEN_OK) {
        print_error("%s\n", err.msg);
        return -1;
    }
    w->common = (struct gen_step_common){.prompts = w->prompts, .provider = "test", .model = "m"};
    w->out = w->failures = gen_buf_make(GEN_BUF_UNLIMITED);
    active = w;
    return 0;
}

static void forget_run(struct step_world *w)
{
    for (size_t i = 0; i < w->n_calls && i < STEP_CALLS_MAX; i++) {
        free(w->systems[i]);
        free(w->users[i]);
        w->systems[i] = w->users[i] = NULL;
    }
    gen_buf_clear(&w->out);
    gen_buf_clear(&w->failures);
    w->n_calls = w->n_out = w->next = 0;
    w->round = w->n_events = 0;
    w->died = false;
    memset(w->accounts, 0, sizeof(w->accounts));
}

void step_world_clear_inputs(struct step_world *w)
{
    for (size_t i = 0; i < w->n_inputs; i++)
        free(w->inputs[i].record);
    w->n_inputs = 0;
}

void step_world_clear(struct step_world *w)
{
    step_world_clear_inputs(w);
    w->n_answers = 0;
}

void step_world_release(struct step_world *w)
{
    step_world_clear(w);
    forget_run(w);
    free(w->inputs);
    gen_scratch_remove(w->folder);
    gen_prompt_set_free(w->prompts);
    gen_buf_release(&w->out);
    gen_buf_release(&w->failures);
    active = NULL;
}

void step_world_add(struct step_world *w, struct gen_chunk *chunk, struct gen_str record)
{
    if (w->n_inputs == w->inputs_capacity) {
        size_t capacity = w->inputs_capacity ? 2 * w->inputs_capacity : 64;
        struct step_input *inputs = realloc(w->inputs, capacity * sizeof(*inputs));
        assert_non_null(inputs);
        w->inputs = inputs;
        w->inputs_capacity = capacity;
    }
    w->inputs[w->n_inputs] = (struct step_input){gen_str_dup(record), chunk};
    assert_non_null(w->inputs[w->n_inputs++].record);
}

void step_world_answer(struct step_world *w, const char *json)
{
    assert_true(w->n_answers < STEP_ANSWERS_MAX);
    w->answers[w->n_answers++] = json;
}

/* ---- the model ---- */

bool step_world_dies(struct step_world *w)
{
    w->died = w->dies_at && ++w->n_events >= w->dies_at;
    return w->died;
}

static int provider_answer(const struct gen_llm_request *r, struct gen_llm_result *result,
                           struct gen_error *err)
{
    struct step_world *w = active;
    size_t i = w->n_calls;
    if (step_world_dies(w))
        return gen_fail(err, GEN_EIO, "the power failed");
    if (i < STEP_CALLS_MAX) {
        w->systems[i] = gen_str_dup(r->stable->system);
        w->users[i] = gen_str_dup(r->user);
        w->tokens_out_max[i] = r->tokens_out_max;
    }
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    /* A script may ask which call this is. */
    if (w->script)
        w->script(w, r, &text);
    w->n_calls++;
    if (!w->script && w->n_answers == 0)
        return gen_provider_extractive.answer(r, result, err);
    if (!w->script)
        assert_int_equal(
            gen_buf_add_c(&text, w->answers[i < w->n_answers ? i : w->n_answers - 1], NULL), 0);
    size_t n = 0;
    result->owned = gen_buf_take(&text, &n);
    result->text = (struct gen_str){result->owned, n};
    result->reasoning = gen_str_from(w->reasoning);
    result->class_code = GEN_CLASS_OK;
    result->finish = GEN_STR("stop");
    result->usage = (struct gen_usage){10, 10, 0, 0, -1, 0};
    return GEN_OK;
}

static const struct gen_provider provider = {.name = "test", .answer = provider_answer};

/* ---- the run ---- */

static int pull(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err)
{
    struct step_world *w = ud;
    *what = GEN_PULL_END;
    if (w->next == w->n_inputs) {
        if (!w->next_round || !w->next_round(w, drained, what))
            return GEN_OK;
        w->round++;
        w->next = 0;
    }
    const struct step_input *in = &w->inputs[w->next];
    *out = gen_item_new(in->chunk, gen_str_from(in->record), w->next);
    if (!*out)
        return gen_nomem(err, "an item");
    (*out)->round = w->round;
    (*out)->is_new_input = w->round == 0;
    w->next++;
    *what = GEN_PULL_ITEM;
    return GEN_OK;
}

static int sink_item(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct step_world *w = ud;
    w->n_out++;
    return gen_buf_printf(&w->out, err, "%.*s\n", GEN_STR_ARG(item->record));
}

static int sink_failure(void *ud, const char *stage, const struct gen_item *item,
                        const char *class_name, const char *message, unsigned n_attempts,
                        struct gen_error *err)
{
    struct step_world *w = ud;
    (void)item;
    (void)n_attempts;
    return gen_buf_printf(&w->failures, err, "%s %s: %s\n", stage, class_name, message);
}

static void check_accounts(const struct step_world *w, size_t n_steps)
{
    for (size_t i = 0; i < n_steps; i++) {
        const struct gen_stage_account *a = &w->accounts[i];
        assert_int_equal(a->n_in, a->n_produced + gen_counts_sum(&a->filtered) +
                                      gen_counts_sum(&a->failed) + gen_counts_sum(&a->skipped));
        assert_int_equal(a->n_out, i + 1 < n_steps ? w->accounts[i + 1].n_in : (int64_t)w->n_out);
    }
    assert_int_equal(w->accounts[0].n_in, w->n_inputs);
}

static void run_engine(struct step_world *w, const struct gen_step *steps, size_t n_steps,
                       struct gen_ledger *ledger, int64_t run_id)
{
    struct gen_engine *engine = NULL;
    struct gen_error err = {.msg = ""};
    enum gen_end end = GEN_END_DONE;
    size_t n = 0;
    const struct gen_engine_options o = {
        .steps = steps,
        .n_steps = n_steps,
        .source = {pull, w},
        .sink = {sink_item, sink_failure, w},
        .provider = &provider,
        .loop = w->loop,
        .ledger = ledger,
        .run_id = run_id,
        .window_start = 4,
        .window_max = 4,
        .price = {.known = true},
        .seed = 1,
    };
    step_world_must(gen_engine_new(&engine, &o, &err), &err);
    int rc = gen_engine_run(engine, &end, &err);
    if (!w->dies_at)
        step_world_must(rc, &err);
    if (!w->dies_at && end != GEN_END_DONE)
        fail_msg("the run stopped: %s", gen_engine_stop_reason(engine));
    const struct gen_stage_account *accounts = gen_engine_accounts(engine, &n);
    assert_int_equal(n, n_steps);
    memcpy(w->accounts, accounts, n * sizeof(*accounts));
    gen_engine_free(engine);
}

void step_world_run(struct step_world *w, const struct gen_step *steps, size_t n_steps, bool again)
{
    char path[128];
    struct gen_ledger *ledger = NULL;
    const struct gen_run_info info = {.command = GEN_STR("test"), .version = GEN_STR("0")};
    struct gen_error err = {.msg = ""};
    int64_t run_id = 0;
    assert_true(n_steps <= STEP_STAGES_MAX);
    forget_run(w);
    w->n_runs += !again;
    (void)snprintf(path, sizeof(path), "%s/%u.ledger", w->folder, w->n_runs);
    step_world_must(gen_loop_new(&w->loop, &err), &err);
    step_world_must(gen_ledger_open(&ledger, &gen_ledger_sqlite, path, false, &err), &err);
    step_world_must(gen_ledger_run_begin(ledger, &info, &run_id, &err), &err);
    run_engine(w, steps, n_steps, ledger, run_id);
    gen_ledger_close(ledger);
    gen_loop_free(w->loop);
    w->loop = NULL;
    if (!w->dies_at)
        check_accounts(w, n_steps);
}

struct gen_json_doc *step_world_out(const struct step_world *w, size_t i)
{
    struct gen_str rest = gen_buf_str(&w->out);
    struct gen_str line = {0};
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    for (size_t k = 0; k <= i; k++) {
        if (!gen_str_next_line(&rest, &line))
            fail_msg("there is no output %zu; %s", i, w->failures.n ? w->failures.data : "");
    }
    step_world_must(gen_json_parse(&doc, line, &err), &err);
    return doc;
}

bool step_world_has(const struct gen_buf *b, const char *text)
{
    return gen_str_find(gen_buf_str(b), gen_str_from(text), 0) != SIZE_MAX;
}
