/* Blueprints as they are drawn, through the stage with the embedded default: nothing but duplicates
 * is lost. */
#include "generate_world.h"

#include <stdio.h>
#include <stdlib.h>

/* What comes out climbs the ladder as far as it can before it is executed. */
static void climb(const struct world *w)
{
    struct gen_ladder *l = NULL;
    struct gen_ladder_options o = {.tools = w->tools};
    struct gen_str rest = gen_buf_str(&w->run.out);
    struct gen_str line;
    assert_int_equal(gen_ladder_new(&l, &o, NULL), GEN_OK);
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        struct gen_climb c;
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        assert_int_equal(gen_ladder_climb(l, gen_json_root(doc), &c, NULL), GEN_OK);
        bool waits = gen_str_find(line, GEN_STR("{\"$result\""), 0) != SIZE_MAX;
        if (c.rule && !(waits && c.rung == GEN_RUNG_REFERENCES))
            fail_msg("%s: %s (%s) in %.*s", gen_rung_name(c.rung), c.rule, c.why,
                     GEN_STR_ARG(line));
        gen_json_doc_free(doc);
    }
    gen_ladder_free(l);
}

static void draw_and_run(struct world *w, const struct gen_blueprint_options *o)
{
    struct gen_blueprints *b = NULL;
    struct gen_error err = {.msg = ""};
    bool more = true;
    if (gen_blueprints_new(&b, o, &err))
        fail_msg("%s", err.msg);
    world_clear(w);
    while (more && w->run.n_inputs < 1000) {
        struct gen_buf record = gen_buf_make(GEN_BUF_UNLIMITED);
        if (gen_blueprints_next(b, &record, &more, &err))
            fail_msg("%s", err.msg);
        if (more)
            step_world_add(&w->run, NULL, gen_buf_str(&record));
        gen_buf_release(&record);
    }
    w->o.blueprints = b;
    world_run(w);
    int64_t n_duplicates = gen_counts_get(&w->run.accounts[0].filtered, "duplicate_request");
    for (size_t i = 0; i < w->run.accounts[0].filtered.n; i++)
        print_message("%d of %zu: %s\n", (int)w->run.accounts[0].filtered.rows[i].count,
                      w->run.n_inputs, w->run.accounts[0].filtered.rows[i].name);
    if (getenv("SHOW"))
        (void)fwrite(w->run.out.data, 1, w->run.out.n, stderr);
    assert_int_equal(w->run.n_out + (size_t)n_duplicates, w->run.n_inputs);
    assert_true(n_duplicates * 8 < (int64_t)w->run.n_inputs);
    assert_int_equal(gen_blueprints_missing(b), o->target - (int64_t)w->run.n_out);
    gen_blueprints_free(b);
    climb(w);
}

static void auto_mix(void **state)
{
    struct world *w = *state;
    draw_and_run(w, &(struct gen_blueprint_options){.tools = w->tools,
                                                    .can_execute = true,
                                                    .target = 300,
                                                    .steps_max = 5,
                                                    .offered_max = 6,
                                                    .seed = 7});
}

static void several_steps(void **state)
{
    struct world *w = *state;
    draw_and_run(w, &(struct gen_blueprint_options){.tools = w->tools,
                                                    .steps = GEN_TOOL_STEPS_SEVERAL,
                                                    .target = 60,
                                                    .steps_max = 4,
                                                    .offered_max = 5,
                                                    .seed = 3});
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {WORLD(auto_mix), WORLD(several_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
