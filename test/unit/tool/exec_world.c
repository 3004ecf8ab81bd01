#include "exec_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct gen_provider gen_provider_extractive;

/* A provider's functions have no place for a pointer of ours. */
static struct exec_world *active;

static const char tools_json[] =
    "{\"name\":\"Kilns\",\"tools\":["
    "{\"name\":\"open_site\",\"description\":\"Opens a site.\",\"parameters\":[{\"name\":\"path\","
    "\"type\":\"string\",\"required\":true,\"description\":\"File\"}],\"returns\":{\"type\":"
    "\"object\",\"properties\":{\"site\":{\"type\":\"string\"},\"kilns\":{\"type\":\"array\","
    "\"items\":{\"type\":\"string\"}}},\"required\":[\"site\",\"kilns\"]}},"
    "{\"name\":\"get_kiln\",\"description\":\"Describes a kiln.\",\"parameters\":[{\"name\":"
    "\"name\",\"type\":\"string\",\"required\":true,\"description\":\"Its name\"},{\"name\":"
    "\"limit\",\"type\":\"integer\",\"required\":false,\"default\":5,\"description\":\"How many\"}]"
    ",\"returns\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"pieces\":{"
    "\"type\":\"integer\"},\"zones\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}},"
    "\"required\":[\"name\",\"pieces\"]}},"
    "{\"name\":\"say\",\"description\":\"Says a line.\",\"parameters\":[]}]}";

static const struct {
    const char *tool, *args, *text;
    bool is_error;
} canned[] = {
    {"open_site", "{\"path\":\"east.site\"}", "{\"site\":\"east\",\"kilns\":[\"anna\",\"berta\"]}",
     false},
    {"open_site", "{\"path\":\"west.site\"}", "cannot open west.site: no such file", true},
    {"get_kiln", "{\"name\":\"anna\"}", "{\"name\":\"anna\",\"pieces\":46,\"zones\":[3,4,6]}",
     false},
    {"get_kiln", "{\"name\":\"berta\"}", "{\"name\":\"berta\",\"pieces\":17,\"zones\":[2]}", false},
    {"get_kiln", "{\"name\":\"clara\"}", "there is no kiln clara; there are anna and berta", true},
    {"get_kiln", "{\"name\":5}", "name must be a string", true},
    {"say", "{}", "The kilns rest today.", false},
};

/* ---- the executor ---- */

struct gen_execution {
    struct gen_timer *timer;
    size_t index; /* of the canned call; SIZE_MAX: none */
    gen_observation_fn *fn;
    void *ud;
    struct gen_execution *next;
};

static struct gen_loop *loop;
static struct gen_execution *executions;

static void drop_execution(struct gen_execution *e)
{
    struct gen_execution **at = &executions;
    while (*at && *at != e)
        at = &(*at)->next;
    if (*at)
        *at = e->next;
    gen_timer_free(e->timer);
    free(e);
}

static void on_timer(void *ud)
{
    struct gen_execution *e = ud;
    struct gen_observation o = {.text = GEN_STR("unknown call"), .is_error = true};
    if (e->index != SIZE_MAX)
        o = (struct gen_observation){.text = gen_str_from(canned[e->index].text),
                                     .is_error = canned[e->index].is_error};
    if (active->failure)
        o = (struct gen_observation){.text = GEN_STR("the server would not start"),
                                     .failure = active->failure};
    gen_observation_fn *fn = e->fn;
    void *its_ud = e->ud;
    drop_execution(e);
    fn(its_ud, &o);
}

static bool dies(void)
{
    active->died = active->dies_at && ++active->n_events >= active->dies_at;
    return active->died;
}

int gen_executor_call(struct gen_executor *x, struct gen_str example,
                      const struct gen_tool_call *before, size_t n_before,
                      const struct gen_tool_call *call, gen_observation_fn *fn, void *ud,
                      struct gen_execution **out, struct gen_error *err)
{
    (void)x;
    if (dies())
        return gen_fail(err, GEN_EIO, "the power failed");
    struct gen_execution *e = calloc(1, sizeof(*e));
    assert_non_null(e);
    e->index = SIZE_MAX;
    e->fn = fn;
    e->ud = ud;
    for (size_t i = 0; i < sizeof(canned) / sizeof(canned[0]); i++) {
        if (gen_str_is(call->tool, canned[i].tool) && gen_str_is(call->arguments, canned[i].args))
            e->index = i;
    }
    assert_int_equal(gen_buf_printf(&active->calls, err, "%.*s|", GEN_STR_ARG(example)), 0);
    for (size_t i = 0; i < n_before; i++)
        assert_int_equal(gen_buf_printf(&active->calls, err, "%.*s ", GEN_STR_ARG(before[i].tool)),
                         0);
    assert_int_equal(gen_buf_printf(&active->calls, err, "|%.*s %.*s\n", GEN_STR_ARG(call->tool),
                                    GEN_STR_ARG(call->arguments)),
                     0);
    active->n_called++;
    assert_int_equal(gen_timer_new(&e->timer, loop, on_timer, e, err), GEN_OK);
    gen_timer_start(e->timer, 0, 0);
    e->next = executions;
    executions = e;
    *out = e;
    return GEN_OK;
}

void gen_execution_cancel(struct gen_execution *e)
{
    drop_execution(e);
}

void gen_executor_end(struct gen_executor *x, struct gen_str example)
{
    (void)x;
    assert_int_equal(gen_buf_printf(&active->ended, NULL, "%.*s\n", GEN_STR_ARG(example)), 0);
}

struct gen_str gen_executor_server(const struct gen_executor *x)
{
    (void)x;
    return GEN_STR("canned 1");
}

const char *gen_executor_mode(const struct gen_executor *x)
{
    (void)x;
    return "real";
}

const struct gen_toolset *gen_executor_tools(const struct gen_executor *x)
{
    (void)x;
    return active->tools;
}

int gen_executor_allows(const struct gen_executor *x, struct gen_str tool, bool *allowed,
                        struct gen_buf *why, struct gen_error *err)
{
    (void)x;
    *allowed = !gen_str_is(tool, "forbidden");
    return *allowed ? GEN_OK : gen_buf_add_c(why, "it is not read-only", err);
}

/* ---- the model ---- */

static int provider_answer(const struct gen_llm_request *r, struct gen_llm_result *result,
                           struct gen_error *err)
{
    struct exec_world *w = active;
    if (dies())
        return gen_fail(err, GEN_EIO, "the power failed");
    if (w->n_asked < EXEC_ANSWERS_MAX * 4)
        w->users[w->n_asked] = gen_str_dup(r->user);
    w->n_asked++;
    if (w->n_answers == 0)
        return gen_provider_extractive.answer(r, result, err);
    size_t i = w->n_asked <= w->n_answers ? w->n_asked - 1 : w->n_answers - 1;
    result->owned = gen_str_dup(gen_str_from(w->answers[i]));
    result->text = gen_str_from(result->owned);
    result->class_code = GEN_CLASS_OK;
    result->finish = GEN_STR("stop");
    result->usage = (struct gen_usage){10, 10, 0, 0, -1, 0};
    return GEN_OK;
}

static const struct gen_provider provider = {.name = "test", .answer = provider_answer};

/* ---- the world ---- */

static void must(int rc, const struct gen_error *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

int exec_set_up(void **state)
{
    struct exec_world *w = calloc(1, sizeof(*w));
    struct gen_error err = {.msg = ""};
    if (!w)
        return -1;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/gen-execute-XXXXXX");
    if (!mkdtemp(w->folder) ||
        gen_prompt_set_load(&w->prompts, PROJECT_DIR "/configs/prompts", NULL, &err) != GEN_OK ||
        gen_toolset_new(&w->tools, gen_str_from(tools_json), &err) != GEN_OK) {
        print_error("%s\n", err.msg);
        free(w);
        return -1;
    }
    w->common = (struct gen_step_common){.prompts = w->prompts, .provider = "test", .model = "m"};
    w->o =
        (struct gen_tool_execute_options){.executor = (struct gen_executor *)w, .tools = w->tools};
    w->calls = w->ended = w->out = w->failures = gen_buf_make(GEN_BUF_UNLIMITED);
    active = w;
    *state = w;
    return 0;
}

static void forget_run(struct exec_world *w)
{
    for (size_t i = 0; i < EXEC_ANSWERS_MAX * 4; i++) {
        free(w->users[i]);
        w->users[i] = NULL;
    }
    gen_buf_clear(&w->calls);
    gen_buf_clear(&w->ended);
    gen_buf_clear(&w->out);
    gen_buf_clear(&w->failures);
    w->n_asked = w->n_called = w->n_out = w->next = 0;
    w->n_events = 0;
    w->died = false;
    memset(&w->account, 0, sizeof(w->account));
}

void exec_clear(struct exec_world *w)
{
    w->n_records = w->n_answers = 0;
}

int exec_tear_down(void **state)
{
    struct exec_world *w = *state;
    DIR *dir = opendir(w->folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", w->folder, entry->d_name);
        (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(w->folder);
    forget_run(w);
    gen_buf_release(&w->calls);
    gen_buf_release(&w->ended);
    gen_buf_release(&w->out);
    gen_buf_release(&w->failures);
    gen_toolset_free(w->tools);
    gen_prompt_set_free(w->prompts);
    free(w);
    active = NULL;
    return 0;
}

void exec_answer(struct exec_world *w, const char *json)
{
    assert_true(w->n_answers < EXEC_ANSWERS_MAX);
    w->answers[w->n_answers++] = json;
}

void exec_record(struct exec_world *w, const char *json)
{
    assert_true(w->n_records < EXEC_RECORDS_MAX);
    w->records[w->n_records++] = json;
}

static int pull(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err)
{
    struct exec_world *w = ud;
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
    struct exec_world *w = ud;
    w->n_out++;
    return gen_buf_printf(&w->out, err, "%.*s\n", GEN_STR_ARG(item->record));
}

static int sink_failure(void *ud, const char *stage, const struct gen_item *item,
                        const char *class_name, const char *message, unsigned n_attempts,
                        struct gen_error *err)
{
    struct exec_world *w = ud;
    (void)item;
    (void)n_attempts;
    return gen_buf_printf(&w->failures, err, "%s %s: %s\n", stage, class_name, message);
}

static void run_engine(struct exec_world *w, struct gen_step *step, struct gen_ledger *ledger,
                       int64_t run_id, struct gen_error *err)
{
    struct gen_engine *engine = NULL;
    enum gen_end end = GEN_END_DONE;
    size_t n = 0;
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
    int rc = gen_engine_run(engine, &end, err);
    if (!w->dies_at)
        must(rc, err);
    const struct gen_stage_account *accounts = gen_engine_accounts(engine, &n);
    w->account = accounts[0];
    gen_engine_free(engine);
}

void exec_run(struct exec_world *w, bool again)
{
    char path[300];
    struct gen_ledger *ledger = NULL;
    struct gen_tool_execute *x = NULL;
    struct gen_step step;
    struct gen_run_info info = {.command = GEN_STR("test"), .version = GEN_STR("0")};
    struct gen_error err = {.msg = ""};
    int64_t run_id = 0;
    forget_run(w);
    w->n_runs += !again;
    (void)snprintf(path, sizeof(path), "%s/%u.ledger", w->folder, w->n_runs);
    must(gen_loop_new(&loop, &err), &err);
    must(gen_ledger_open(&ledger, &gen_ledger_sqlite, path, false, &err), &err);
    must(gen_ledger_run_begin(ledger, &info, &run_id, &err), &err);
    must(gen_tool_execute_new(&x, &w->common, &w->o, &step, &err), &err);
    run_engine(w, &step, ledger, run_id, &err);
    gen_tool_execute_free(x);
    assert_null(executions);
    gen_ledger_close(ledger);
    gen_loop_free(loop);
    const struct gen_stage_account *a = &w->account;
    if (!w->dies_at)
        assert_int_equal(a->n_in, a->n_produced + gen_counts_sum(&a->filtered) +
                                      gen_counts_sum(&a->failed) + gen_counts_sum(&a->skipped));
}

struct gen_json_doc *exec_out(const struct exec_world *w, size_t i)
{
    struct gen_str rest = gen_buf_str(&w->out);
    struct gen_str line = {0};
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    for (size_t k = 0; k <= i; k++) {
        if (!gen_str_next_line(&rest, &line))
            fail_msg("there is no output %zu; %s", i, w->failures.n ? w->failures.data : "");
    }
    must(gen_json_parse(&doc, line, &err), &err);
    return doc;
}

bool exec_has(const struct gen_buf *b, const char *text)
{
    return gen_str_find(gen_buf_str(b), gen_str_from(text), 0) != SIZE_MAX;
}
