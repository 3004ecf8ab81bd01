#include "exec_world.h"

#include <stdio.h>
#include <stdlib.h>

/* There is one executor, and none behind it. */
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

int gen_executor_call(struct gen_executor *x, struct gen_str example,
                      const struct gen_tool_call *before, size_t n_before,
                      const struct gen_tool_call *call, gen_observation_fn *fn, void *ud,
                      struct gen_execution **out, struct gen_error *err)
{
    (void)x;
    if (step_world_dies(&active->run))
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
    assert_int_equal(gen_timer_new(&e->timer, active->run.loop, on_timer, e, err), GEN_OK);
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

/* ---- the world ---- */

int exec_set_up(void **state)
{
    struct exec_world *w = calloc(1, sizeof(*w));
    struct gen_error err = {.msg = ""};
    if (!w || step_world_init(&w->run) ||
        gen_toolset_new(&w->tools, gen_str_from(tools_json), &err) != GEN_OK) {
        print_error("%s\n", err.msg);
        free(w);
        return -1;
    }
    w->o =
        (struct gen_tool_execute_options){.executor = (struct gen_executor *)w, .tools = w->tools};
    w->calls = w->ended = gen_buf_make(GEN_BUF_UNLIMITED);
    active = w;
    *state = w;
    return 0;
}

int exec_tear_down(void **state)
{
    struct exec_world *w = *state;
    step_world_release(&w->run);
    gen_buf_release(&w->calls);
    gen_buf_release(&w->ended);
    gen_toolset_free(w->tools);
    free(w);
    active = NULL;
    return 0;
}

void exec_record(struct exec_world *w, const char *json)
{
    step_world_add(&w->run, NULL, gen_str_from(json));
}

void exec_run(struct exec_world *w, bool again)
{
    struct gen_tool_execute *x = NULL;
    struct gen_step step;
    struct gen_error err = {.msg = ""};
    gen_buf_clear(&w->calls);
    gen_buf_clear(&w->ended);
    w->n_called = 0;
    step_world_must(gen_tool_execute_new(&x, &w->run.common, &w->o, &step, &err), &err);
    step_world_run(&w->run, &step, 1, again);
    gen_tool_execute_free(x);
    assert_null(executions);
}
