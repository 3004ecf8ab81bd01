#include "generate_world.h"

#include <stdio.h>
#include <stdlib.h>

/* There is one executor, and none behind it. */
struct world *world_active;

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct gen_error err = {.msg = ""};
    if (!w || step_world_init(&w->run) ||
        gen_toolset_load(&w->tools, PROJECT_DIR "/configs/hdf5_tools.json", NULL, NULL, &err) !=
            GEN_OK) {
        print_error("%s\n", err.msg);
        free(w);
        return -1;
    }
    /* Nobody looks into it where generate_done.c stands in for the drawer. */
    w->o = (struct gen_tool_generate_options){
        .tools = w->tools, .steps_max = 5, .blueprints = (struct gen_blueprints *)w};
    w->executed = gen_buf_make(GEN_BUF_UNLIMITED);
    world_active = w;
    *state = w;
    return 0;
}

void world_clear(struct world *w)
{
    step_world_clear(&w->run);
    w->n_observations = 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    step_world_release(&w->run);
    gen_toolset_free(w->tools);
    gen_buf_release(&w->executed);
    free(w);
    world_active = NULL;
    return 0;
}

void world_blueprint(struct world *w, enum gen_tool_category category, const char *style,
                     const char *offered, const char *blueprint)
{
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    char id[32];
    (void)snprintf(id, sizeof(id), "t%05zu", w->run.n_inputs + 1);
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
    step_world_add(&w->run, NULL, gen_buf_str(&text));
    gen_buf_release(&text);
    gen_jb_free(b);
}

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
    assert_int_equal(gen_timer_new(&e->timer, world_active->run.loop, on_time, e, err), GEN_OK);
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

static void run(struct world *w, bool again)
{
    struct gen_tool_generate *g = NULL;
    struct gen_step step;
    struct gen_error err = {.msg = ""};
    gen_buf_clear(&w->executed);
    w->n_executed = 0;
    memset(w->n_done, 0, sizeof(w->n_done));
    step_world_must(gen_tool_generate_new(&g, &w->run.common, &w->o, &step, &err), &err);
    step_world_run(&w->run, &step, 1, again);
    gen_tool_generate_free(g);
}

void world_run(struct world *w)
{
    run(w, false);
}

void world_run_again(struct world *w)
{
    run(w, true);
}
