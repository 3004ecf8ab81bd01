#include "generate_world.h"

#include "llm/provider.h"
#include "os/loop.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A provider's functions have no place for a pointer of ours. */
struct world *world_active;

static void must(int rc, const struct gen_error *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[600];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(folder);
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct gen_error err = {.msg = ""};
    if (!w)
        return -1;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/gen-tool-XXXXXX");
    if (!mkdtemp(w->folder) ||
        gen_prompt_set_load(&w->prompts, PROJECT_DIR "/configs/prompts", NULL, &err) != GEN_OK ||
        gen_toolset_load(&w->tools, PROJECT_DIR "/configs/hdf5_tools.json", NULL, NULL, &err) !=
            GEN_OK) {
        print_error("%s\n", err.msg);
        free(w);
        return -1;
    }
    w->common = (struct gen_step_common){.prompts = w->prompts, .provider = "test", .model = "m"};
    /* Nobody looks into it where generate_done.c stands in for the drawer. */
    w->o = (struct gen_tool_generate_options){
        .tools = w->tools, .steps_max = 5, .blueprints = (struct gen_blueprints *)w};
    w->out = gen_buf_make(GEN_BUF_UNLIMITED);
    w->failures = gen_buf_make(GEN_BUF_UNLIMITED);
    w->executed = gen_buf_make(GEN_BUF_UNLIMITED);
    world_active = w;
    *state = w;
    return 0;
}

static void forget_run(struct world *w)
{
    for (size_t i = 0; i < WORLD_CALLS_MAX; i++) {
        free(w->systems[i]);
        free(w->users[i]);
        w->systems[i] = w->users[i] = NULL;
    }
    gen_buf_clear(&w->out);
    gen_buf_clear(&w->failures);
    gen_buf_clear(&w->executed);
    w->n_calls = w->n_out = w->next = w->n_executed = 0;
    memset(&w->account, 0, sizeof(w->account));
    memset(w->n_done, 0, sizeof(w->n_done));
}

void world_clear(struct world *w)
{
    for (size_t i = 0; i < w->n_records; i++)
        free(w->records[i]);
    w->n_records = w->n_answers = w->n_observations = 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    world_clear(w);
    forget_run(w);
    free(w->records);
    remove_folder(w->folder);
    gen_prompt_set_free(w->prompts);
    gen_toolset_free(w->tools);
    gen_buf_release(&w->out);
    gen_buf_release(&w->failures);
    gen_buf_release(&w->executed);
    free(w);
    world_active = NULL;
    return 0;
}

void world_answer(struct world *w, const char *json)
{
    assert_true(w->n_answers < WORLD_ANSWERS_MAX);
    w->answers[w->n_answers++] = json;
}

void world_add_record(struct world *w, struct gen_str record)
{
    if (w->n_records == w->records_capacity) {
        size_t capacity = w->records_capacity ? 2 * w->records_capacity : 64;
        char **records = realloc(w->records, capacity * sizeof(*records));
        assert_non_null(records);
        w->records = records;
        w->records_capacity = capacity;
    }
    w->records[w->n_records] = gen_str_dup(record);
    assert_non_null(w->records[w->n_records++]);
}

void world_blueprint(struct world *w, enum gen_tool_category category, const char *style,
                     const char *offered, const char *blueprint)
{
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    char id[32];
    (void)snprintf(id, sizeof(id), "t%05zu", w->n_records + 1);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *record = gen_jb_object(b);
    struct gen_jmut *tools = gen_jb_array(b);
    struct gen_jmut *metadata = gen_jb_object(b);
    for (struct gen_str rest = gen_str_from(offered); rest.n;) {
        size_t n = gen_str_find(rest, GEN_STR(" "), 0);
        const struct gen_tool *tool = gen_toolset_find(w->tools, gen_str_sub(rest, 0, n));
        assert_non_null(tool);
        gen_jb_append(b, tools, gen_tool_offered(tool, b));
        rest = n == SIZE_MAX ? GEN_STR("") : gen_str_sub(rest, n + 1, rest.n);
    }
    gen_jb_put_cstr(b, metadata, "difficulty", "simple");
    gen_jb_put_cstr(b, metadata, "mode", category == GEN_TOOL_CHAIN ? "multi" : "single");
    gen_jb_put_cstr(b, metadata, "category", gen_tool_category_name(category));
    gen_jb_put_cstr(b, metadata, "style", style);
    gen_jb_put(b, metadata, "blueprint", gen_jb_raw(b, gen_str_from(blueprint)));
    gen_jb_put_cstr(b, record, "format", "tool");
    gen_jb_put_cstr(b, record, "id", id);
    gen_jb_put(b, record, "tools", tools);
    gen_jb_put(b, record, "metadata", metadata);
    assert_int_equal(gen_jb_write(b, record, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    world_add_record(w, gen_buf_str(&text));
    gen_buf_release(&text);
    gen_jb_free(b);
}

/* ---- the model ---- */

static int provider_answer(const struct gen_llm_request *r, struct gen_llm_result *result,
                           struct gen_error *err)
{
    struct world *w = world_active;
    assert_true(w->n_calls < WORLD_CALLS_MAX);
    size_t i = w->n_calls++;
    w->systems[i] = gen_str_dup(r->stable->system);
    w->users[i] = gen_str_dup(r->user);
    if (w->is_extractive)
        return gen_provider_extractive.answer(r, result, err);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t k = i < w->n_answers ? i : w->n_answers - 1;
    assert_true(w->script || w->n_answers > 0);
    if (w->script)
        w->script(r, &text);
    else
        assert_int_equal(gen_buf_add_c(&text, w->answers[k], NULL), GEN_OK);
    size_t n = 0;
    result->owned = gen_buf_take(&text, &n);
    result->text = (struct gen_str){result->owned, n};
    result->class_code = GEN_CLASS_OK;
    result->finish = GEN_STR("stop");
    result->usage = (struct gen_usage){10, 10, 0, 0, -1, 0};
    return GEN_OK;
}

static const struct gen_provider provider = {.name = "test", .answer = provider_answer};

/* ---- the executor ---- */

struct gen_execution {
    struct gen_timer *timer;
    gen_observation_fn *fn;
    void *ud;
    size_t i;
};

static void on_time(void *ud)
{
    struct gen_execution *e = ud;
    struct world *w = world_active;
    const char *text = e->i < w->n_observations ? w->observations[e->i] : "{}";
    bool is_error = text[0] == '!';
    bool is_failure = text[0] == '?';
    struct gen_observation o = {.is_error = is_error,
                                .text = gen_str_from(text + (is_error || is_failure)),
                                .failure = is_failure ? "server_died" : NULL};
    gen_observation_fn *fn = e->fn;
    void *fn_ud = e->ud;
    gen_timer_free(e->timer);
    free(e);
    fn(fn_ud, &o);
}

static struct gen_loop *loop_of_run;

int gen_executor_call(struct gen_executor *x, struct gen_str example,
                      const struct gen_tool_call *before, size_t n_before,
                      const struct gen_tool_call *call, gen_observation_fn *fn, void *ud,
                      struct gen_execution **out, struct gen_error *err)
{
    struct gen_execution *e = calloc(1, sizeof(*e));
    (void)x;
    (void)before;
    assert_non_null(e);
    e->fn = fn;
    e->ud = ud;
    e->i = world_active->n_executed++;
    assert_int_equal(gen_timer_new(&e->timer, loop_of_run, on_time, e, err), GEN_OK);
    gen_timer_start(e->timer, 1, 0);
    *out = e;
    return gen_buf_printf(&world_active->executed, err, "%.*s %zu %.*s %.*s\n",
                          GEN_STR_ARG(example), n_before, GEN_STR_ARG(call->tool),
                          GEN_STR_ARG(call->arguments));
}

void gen_execution_cancel(struct gen_execution *e)
{
    gen_timer_free(e->timer);
    free(e);
}

void gen_executor_end(struct gen_executor *x, struct gen_str example)
{
    (void)x;
    assert_int_equal(
        gen_buf_printf(&world_active->executed, NULL, "end %.*s\n", GEN_STR_ARG(example)), GEN_OK);
}

/* ---- the run ---- */

static int pull(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err)
{
    struct world *w = ud;
    (void)drained;
    *what = GEN_PULL_END;
    if (w->next == w->n_records)
        return GEN_OK;
    *out = gen_item_new(NULL, gen_str_from(w->records[w->next]), w->next);
    if (!*out)
        return gen_nomem(err, "an item");
    (*out)->is_new_input = true;
    w->next++;
    *what = GEN_PULL_ITEM;
    return GEN_OK;
}

static int sink_item(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct world *w = ud;
    w->n_out++;
    return gen_buf_printf(&w->out, err, "%.*s\n", GEN_STR_ARG(item->record));
}

static int sink_failure(void *ud, const char *stage, const struct gen_item *item,
                        const char *class_name, const char *message, unsigned n_attempts,
                        struct gen_error *err)
{
    struct world *w = ud;
    (void)item;
    (void)n_attempts;
    return gen_buf_printf(&w->failures, err, "%s %s: %s\n", stage, class_name, message);
}

static void run_engine(struct world *w, struct gen_step *step, struct gen_loop *loop,
                       struct gen_ledger *ledger, int64_t run_id, struct gen_error *err)
{
    struct gen_engine *engine = NULL;
    enum gen_end end = GEN_END_DONE;
    struct gen_engine_options o = {
        .steps = step,
        .n_steps = 1,
        .source = {pull, w},
        .sink = {sink_item, sink_failure, w},
        .provider = &provider,
        .loop = loop,
        .ledger = ledger,
        .run_id = run_id,
        .window_start = 4,
        .window_max = 4,
        .price = {.known = true},
        .seed = 1,
    };
    must(gen_engine_new(&engine, &o, err), err);
    must(gen_engine_run(engine, &end, err), err);
    if (end != GEN_END_DONE)
        fail_msg("the run stopped: %s", gen_engine_stop_reason(engine));
    size_t n = 0;
    w->account = *gen_engine_accounts(engine, &n);
    gen_engine_free(engine);
    const struct gen_stage_account *a = &w->account;
    assert_int_equal(a->n_in, w->n_records);
    assert_int_equal(a->n_in, a->n_produced + gen_counts_sum(&a->filtered) +
                                  gen_counts_sum(&a->failed) + gen_counts_sum(&a->skipped));
    assert_int_equal(a->n_out, w->n_out);
}

static void run(struct world *w)
{
    char path[300];
    struct gen_loop *loop = NULL;
    struct gen_ledger *ledger = NULL;
    struct gen_tool_generate *g = NULL;
    struct gen_step step;
    struct gen_run_info info = {.command = GEN_STR("test"), .version = GEN_STR("0")};
    struct gen_error err = {.msg = ""};
    int64_t run_id = 0;
    forget_run(w);
    (void)snprintf(path, sizeof(path), "%s/%u.ledger", w->folder, w->n_runs);
    must(gen_loop_new(&loop, &err), &err);
    loop_of_run = loop;
    must(gen_ledger_open(&ledger, &gen_ledger_sqlite, path, false, &err), &err);
    must(gen_ledger_run_begin(ledger, &info, &run_id, &err), &err);
    must(gen_tool_generate_new(&g, &w->common, &w->o, &step, &err), &err);
    run_engine(w, &step, loop, ledger, run_id, &err);
    gen_tool_generate_free(g);
    gen_ledger_close(ledger);
    gen_loop_free(loop);
}

void world_run(struct world *w)
{
    w->n_runs++;
    run(w);
}

void world_run_again(struct world *w)
{
    run(w);
}

struct gen_json_doc *world_out(const struct world *w, size_t i)
{
    struct gen_str rest = gen_buf_str(&w->out);
    struct gen_str line = {0};
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    for (size_t k = 0; k <= i; k++) {
        if (!gen_str_next_line(&rest, &line))
            fail_msg("there is no output %zu", i);
    }
    must(gen_json_parse(&doc, line, &err), &err);
    return doc;
}

bool world_out_has(const struct world *w, const char *text)
{
    return gen_str_find(gen_buf_str(&w->out), gen_str_from(text), 0) != SIZE_MAX;
}
