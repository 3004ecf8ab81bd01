/* The embedded default through the whole stage: every tool, category and style. */
#include "generate_world.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const styles[] = {
    "terse_command",        "polite_sentence",     "question",        "goal_only",
    "context_then_request", "informal_with_typos", "expert_shorthand"};
enum { N_STYLES = sizeof(styles) / sizeof(styles[0]) };

static void put_args(struct gen_buf *out, const struct gen_json *args)
{
    assert_int_equal(gen_json_write(out, args, GEN_JSON_COMPACT, NULL), GEN_OK);
}

/* The tool, and some others beside it. */
static void put_offered(const struct world *w, size_t i, struct gen_buf *out)
{
    for (size_t k = 0; k < 4; k++) {
        struct gen_str name = w->tools->tools[(i + 3 * k) % w->tools->n_tools].name;
        assert_int_equal(gen_buf_printf(out, NULL, "%s%.*s", k ? " " : "", GEN_STR_ARG(name)), 0);
    }
}

static void add(struct world *w, enum gen_tool_category category, size_t i, const char *style,
                size_t seed, const char *rest)
{
    struct gen_buf offered = gen_buf_make(65536);
    struct gen_buf blueprint = gen_buf_make(65536);
    put_offered(w, i, &offered);
    assert_int_equal(gen_buf_printf(&blueprint, NULL, "{%s,\"seed\":%zu}", rest, seed), GEN_OK);
    world_blueprint(w, category, style, offered.data, blueprint.data);
    gen_buf_release(&offered);
    gen_buf_release(&blueprint);
}

static void print_filtered(const struct world *w)
{
    for (size_t i = 0; i < w->run.accounts[0].filtered.n; i++)
        print_message("filtered %s: %d\n", w->run.accounts[0].filtered.rows[i].name,
                      (int)w->run.accounts[0].filtered.rows[i].count);
    print_message("%.*s", GEN_STR_ARG(gen_buf_str(&w->run.failures)));
}

/* Nothing but duplicates is lost. */
static void expect_all(const struct world *w)
{
    int64_t n_duplicates = gen_counts_get(&w->run.accounts[0].filtered, "duplicate_request");
    if (w->run.n_out + (size_t)n_duplicates != w->run.n_inputs) {
        print_filtered(w);
        fail_msg("%zu of %zu came out", w->run.n_out, w->run.n_inputs);
    }
}

static void show_some(const struct world *w, size_t every)
{
    if (!getenv("SHOW"))
        return;
    for (size_t i = 0; i < w->run.n_out; i += every) {
        struct gen_json_doc *doc = step_world_out(&w->run, i);
        const struct gen_json *solution = gen_json_get(gen_json_root(doc), "solution");
        const struct gen_json *c = gen_json_get(solution, "clarification");
        print_message("%.*s | %.*s | %.*s | %.*s\n",
                      GEN_STR_ARG(gen_json_get_str(gen_json_root(doc), "instruction")),
                      GEN_STR_ARG(gen_json_get_str(c, "question")),
                      GEN_STR_ARG(gen_json_get_str(c, "reply")),
                      GEN_STR_ARG(gen_json_get_str(solution, "final_answer")));
        gen_json_doc_free(doc);
    }
}

static void each_tool_and_style(void **state)
{
    struct world *w = *state;
    size_t n = 0;
    for (size_t i = 0; i < w->tools->n_tools; i++) {
        const struct gen_tool *tool = &w->tools->tools[i];
        for (size_t k = 0; k < tool->n_samples; k++) {
            for (size_t s = 0; s < N_STYLES; s++) {
                struct gen_buf rest = gen_buf_make(65536);
                assert_int_equal(gen_buf_printf(&rest, NULL,
                                                "\"calls\":[{\"tool\":\"%.*s\",\"args\":",
                                                GEN_STR_ARG(tool->name)),
                                 GEN_OK);
                put_args(&rest, tool->samples[k].args);
                assert_int_equal(gen_buf_add_c(&rest, ",\"turn\":1}]", NULL), GEN_OK);
                add(w, s % 2 ? GEN_TOOL_MULTIPLE : GEN_TOOL_SINGLE, i, styles[s], n++, rest.data);
                gen_buf_release(&rest);
            }
        }
    }
    world_run(w);
    show_some(w, 1);
    expect_all(w);
    assert_true(w->run.n_inputs > 200);
    /* Tools without values have few ways to be asked for. */
    assert_true(gen_counts_get(&w->run.accounts[0].filtered, "duplicate_request") * 10 <
                (int64_t)w->run.n_inputs);
    assert_int_equal(w->n_done[GEN_TOOL_SINGLE] + w->n_done[GEN_TOOL_MULTIPLE], w->run.n_out);
}

/* Many draws for one call: few are the same. */
static void variants_by_seed(void **state)
{
    struct world *w = *state;
    for (size_t n = 0; n < 140; n++)
        add(w, GEN_TOOL_SINGLE, 9, styles[n % N_STYLES], n,
            "\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":\"/results/temperature\"}}]");
    world_run(w);
    expect_all(w);
    if (w->run.n_out < 80)
        fail_msg("only %zu of 140 differ", w->run.n_out);
}

static void missing_parameters(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->tools->n_tools; i++) {
        const struct gen_tool *tool = &w->tools->tools[i];
        for (size_t p = 0; p < tool->n_params; p++) {
            struct gen_buf rest = gen_buf_make(65536);
            if (!tool->params[p].is_required || tool->params[p].default_value)
                continue;
            assert_int_equal(
                gen_buf_printf(&rest, NULL,
                               "\"withheld\":[\"%.*s\"],\"calls\":[{\"tool\":\"%.*s\",\"args\":",
                               GEN_STR_ARG(tool->params[p].name), GEN_STR_ARG(tool->name)),
                GEN_OK);
            put_args(&rest, tool->samples[0].args);
            assert_int_equal(gen_buf_add_c(&rest, "}]", NULL), GEN_OK);
            for (size_t s = 0; s < N_STYLES; s++)
                add(w, GEN_TOOL_MISSING_PARAM, i, styles[s], 17 * i + s, rest.data);
            gen_buf_release(&rest);
        }
    }
    world_run(w);
    show_some(w, 3);
    expect_all(w);
}

static void parallel_calls(void **state)
{
    struct world *w = *state;
    for (size_t s = 0; s < N_STYLES; s++) {
        add(w, GEN_TOOL_PARALLEL, 9, styles[s], s,
            "\"context\":\"the file simulation.h5 has been "
            "opened\",\"setup\":[{\"tool\":\"open_file\","
            "\"args\":{\"path\":\"simulation.h5\"}}],\"calls\":["
            "{\"tool\":\"get_shape\",\"args\":{\"path\":\"/results/temperature\"},\"turn\":1},"
            "{\"tool\":\"get_shape\",\"args\":{\"path\":\"/grid/x\"},\"turn\":1},"
            "{\"tool\":\"get_chunks\",\"args\":{\"path\":\"/grid/x\"},\"turn\":1}]");
    }
    world_run(w);
    show_some(w, 1);
    expect_all(w);
    assert_int_equal(w->run.n_out, N_STYLES);
}

static void chains(void **state)
{
    struct world *w = *state;
    for (size_t s = 0; s < N_STYLES; s++) {
        world_blueprint(
            w, GEN_TOOL_CHAIN, styles[s], "list_keys get_shape open_file",
            "{\"seed\":5,\"calls\":["
            "{\"tool\":\"open_file\",\"args\":{\"path\":\"simulation.h5\"},\"turn\":1},"
            "{\"tool\":\"list_keys\",\"args\":{\"path\":\"/results\"},\"turn\":2},"
            "{\"tool\":\"get_shape\",\"args\":{\"path\":{\"$result\":{\"step\":2,\"pointer\":"
            "\"/keys/1\"}}},\"turn\":3}]}");
    }
    world_run(w);
    show_some(w, 1);
    expect_all(w);
    assert_int_equal(w->run.n_out, N_STYLES);
}

static void irrelevance(void **state)
{
    struct world *w = *state;
    static const char *const gaps[] = {"near_miss_action",
                                       "near_miss_object",
                                       "write_but_read_only",
                                       "needs_live_data",
                                       "other_domain",
                                       "physical_world",
                                       "no_tool_needed_general_knowledge",
                                       "small_talk"};
    for (size_t i = 0; i < 160; i++) {
        char rest[200];
        (void)snprintf(rest, sizeof(rest),
                       "\"gap\":\"%s\",\"near_tool\":\"get_shape\",\"calls\":[]", gaps[i % 8]);
        add(w, GEN_TOOL_IRRELEVANCE, i, styles[i % N_STYLES], i, rest);
    }
    for (size_t i = 0; i < w->tools->n_tools; i++) {
        struct gen_buf rest = gen_buf_make(65536);
        const struct gen_tool *tool = &w->tools->tools[i];
        struct gen_jb *b = NULL;
        assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
        assert_int_equal(
            gen_buf_printf(&rest, NULL,
                           "\"gap\":\"near_miss_action\",\"missing\":{\"tool\":\"%.*s\","
                           "\"description\":",
                           GEN_STR_ARG(tool->name)),
            GEN_OK);
        assert_int_equal(
            gen_jb_write(b, gen_jb_str(b, tool->description), GEN_JSON_COMPACT, &rest, NULL), 0);
        assert_int_equal(gen_buf_add_c(&rest, "}", NULL), GEN_OK);
        add(w, GEN_TOOL_IRRELEVANCE, i + 1, styles[i % N_STYLES], i, rest.data);
        gen_jb_free(b);
        gen_buf_release(&rest);
    }
    world_run(w);
    show_some(w, 3);
    expect_all(w);
    assert_true(gen_counts_get(&w->run.accounts[0].filtered, "duplicate_request") < 50);
    assert_int_equal(w->run.n_calls, w->run.n_inputs);
}

static void recovery(void **state)
{
    struct world *w = *state;
    for (size_t s = 0; s < N_STYLES; s++)
        add(w, GEN_TOOL_ERROR_RECOVERY, 9, styles[s], s,
            "\"mutation\":{\"kind\":\"wrong_value\",\"parameter\":\"path\",\"call\":{\"tool\":"
            "\"get_shape\",\"args\":{\"path\":\"/results/"
            "temprature\"}},\"expects\":\"\"},\"calls\":[{"
            "\"tool\":\"get_shape\",\"args\":{\"path\":\"/results/temperature\"}}]");
    world_run(w);
    expect_all(w);
    assert_true(step_world_has(&w->run.out, "\"is_mutation\":true"));
    assert_false(step_world_has(&w->run.out, "temprature."));
    for (size_t i = 0; i < w->run.n_out; i++) {
        struct gen_json_doc *doc = step_world_out(&w->run, i);
        const struct gen_json *solution = gen_json_get(gen_json_root(doc), "solution");
        const struct gen_json *failed = gen_json_at(gen_json_get(solution, "reasoning_path"), 0);
        struct gen_str thought = gen_json_get_str(failed, "thought");
        if (gen_str_find(thought, GEN_STR("temperature"), 0) != SIZE_MAX)
            fail_msg("a thought that its call contradicts: %.*s", GEN_STR_ARG(thought));
        gen_json_doc_free(doc);
    }
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(each_tool_and_style),
        WORLD(variants_by_seed),
        WORLD(missing_parameters),
        WORLD(parallel_calls),
        WORLD(chains),
        WORLD(irrelevance),
        WORLD(recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
