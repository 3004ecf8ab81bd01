/* Reasoning for existing pairs: forward, with the answer shown, disputed; what is kept of a record.
 */
#include "qa_world.h"

#include <stdio.h>
#include <stdlib.h>

static const char source[] =
    "Stoneware is bisque-fired at 1,000 degrees. Thick walls need a slower rise, 60 degrees an "
    "hour, because trapped steam cracks them.";
static const char slow[] =
    "{\"question\":\"How fast may thick stoneware be heated?\",\"answer\":\"By 60 degrees an hour, "
    "because trapped steam cracks "
    "it.\",\"chunk_id\":\"c1\",\"source\":\"a.md\",\"x\":[1,{\"y\":null}]}";
static const char hot[] = "{\"format\":\"qa\",\"question\":\"At what temperature is stoneware "
                          "bisque-fired?\",\"answer\":\"At "
                          "900 degrees.\",\"chunk_id\":\"c1\",\"source\":\"a.md\"}";

#define STEPS_SLOW                                                                                 \
    "\"needed_facts\":[],\"skeleton\":[\"recall_fact\",\"conclude\"],\"steps\":[\"1. Steam "       \
    "cracks "                                                                                      \
    "walls that trap it.\",\"So the rise must leave it time, which 60 degrees an hour do.\"],"
#define SLOW(id)                                                                                   \
    "{\"id\":\"" id "\"," STEPS_SLOW                                                               \
    "\"conclusion\":\"By 60 degrees an hour, as trapped steam cracks it.\","                       \
    "\"answer_check\":\"not_shown\"}"
#define HOT(id, check)                                                                             \
    "{\"id\":\"" id "\",\"needed_facts\":[],\"skeleton\":[\"recall_fact\",\"conclude\"],"          \
    "\"steps\":[\"Clay of this "                                                                   \
    "kind has one set heat.\",\"For it that is 1,000 degrees, so the kiln goes "                   \
    "there.\"],\"conclusion\":\"At 1,000 degrees.\",\"answer_check\":\"" check "\"}"
#define ITEMS(...) "{\"items\":[" __VA_ARGS__ "]}"

static struct gen_chunk *chunk_of(struct world *w)
{
    return world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
}

static void forward(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5};
    world_add_record(w, chunk_of(w), slow);
    step_world_answer(&w->run, ITEMS(SLOW("p1")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_null(strstr(w->run.users[0], "because trapped steam cracks it"));
    assert_null(strstr(w->run.users[0], "Answer on record"));
    assert_string_equal(
        w->run.out.data,
        "{\"question\":\"How fast may thick stoneware be heated?\",\"answer\":\"By 60 degrees an "
        "hour, because trapped steam cracks "
        "it.\",\"chunk_id\":\"c1\",\"source\":\"a.md\",\"x\":[1,{\"y\":null}],\"format\":\"cot\","
        "\"reasoning\":\"Step 1: Steam cracks walls that trap it.\\nStep 2: So the rise must leave "
        "it time, which 60 degrees an hour do.\",\"cot_mode\":\"forward\"}\n");
    assert_counted(w->run.accounts[0].notes, "forward", 1);
    gen_qa_enhance_free(e);
}

/* The reasoning of the second pair ends elsewhere: it alone is asked about again, with its answer
 * in view and under a new id, and then agrees. */
static void hinted(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5};
    struct gen_chunk *c = chunk_of(w);
    world_add_record(w, c, slow);
    world_add_record(w, c, hot);
    step_world_answer(&w->run, ITEMS(HOT("p2", "not_shown") "," SLOW("p1")));
    step_world_answer(
        &w->run, ITEMS("{\"id\":\"p1\",\"needed_facts\":[],\"skeleton\":[],\"steps\":[\"Old kilns "
                       "stop early.\",\"Hence they reach 900 degrees.\"],\"conclusion\":\"At 900 "
                       "degrees.\",\"answer_check\":\"agrees\"}"));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_null(strstr(w->run.users[0], "At 900 degrees."));
    assert_non_null(strstr(w->run.users[1], "[p1]\nQuestion: At what temperature is stoneware "
                                            "bisque-fired?\nAnswer on record: At 900 degrees.\n"));
    assert_null(strstr(w->run.users[1], "How fast"));
    assert_non_null(strstr(w->run.users[1], "p1 (\"At what temperature"));
    assert_int_equal(w->run.n_out, 2);
    struct gen_json_doc *doc = step_world_out(&w->run, 1);
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(doc), "cot_mode"), "hinted"));
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(doc), "answer"), "At 900 degrees."));
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(doc), "format"), "cot"));
    gen_json_doc_free(doc);
    assert_counted(w->run.accounts[0].notes, "hinted", 1);
    gen_qa_enhance_free(e);
}

static void disputed(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 1};
    world_add_record(w, chunk_of(w), hot);
    step_world_answer(&w->run, ITEMS(HOT("p1", "not_shown")));
    step_world_answer(&w->run, ITEMS(HOT("p1", "contradicts")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 3);
    assert_int_equal(w->run.n_out, 0);
    assert_counted(w->run.accounts[0].failed, "answer_disputed", 1);
    assert_string_equal(
        w->run.failures.data,
        "enhance-cot answer_disputed: the conclusion contradicts the answer on record, "
        "which may be wrong: \"At 1,000 degrees.\"\n");
    gen_qa_enhance_free(e);
}

/* The model's word alone cannot make another conclusion agree. */
static void agreement_is_not_taken_on_trust(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 1};
    world_add_record(w, chunk_of(w), hot);
    step_world_answer(&w->run, ITEMS(HOT("p1", "agrees")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 0);
    assert_counted(w->run.accounts[0].failed, "answer_disputed", 1);
    gen_qa_enhance_free(e);
}

static void unsound_steps_are_told(void **state)
{
    static const struct {
        const char *steps, *skeleton, *told;
    } rows[] = {
        {"\"Only one.\"", "\"conclude\"", "fewer than two steps"},
        {"\"The source says it cracks.\",\"So 60 degrees an hour.\"",
         "\"recall_fact\",\"conclude\"", "points at a text"},
        {"\"Steam cracks walls.\",\"The answer on record is 60 degrees.\"",
         "\"recall_fact\",\"conclude\"", "mentions the answer on record"},
        {"\"Steam cracks walls.\",\"It takes 2 * 60 = 100 minutes.\"",
         "\"recall_fact\",\"compute\"", "calculation"},
        {"\"Steam cracks walls.\",\"So 60 degrees an hour.\"", "\"conclude\"", "skeleton"},
        {"\"It takes 4711 bars and 815 volts.\",\"So `CONE_9` at 99 hertz.\"",
         "\"recall_fact\",\"conclude\"", "not in the source"},
    };
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char bad[1024];
        (void)snprintf(
            bad, sizeof(bad),
            "{\"items\":[{\"id\":\"p1\",\"needed_facts\":[],\"skeleton\":[%s],\"steps\":[%s],"
            "\"conclusion\":\"By 60 degrees an hour.\",\"answer_check\":\"not_shown\"}]}",
            rows[i].skeleton, rows[i].steps);
        world_clear(w);
        world_add_record(w, chunk_of(w), slow);
        step_world_answer(&w->run, bad);
        step_world_answer(&w->run, ITEMS(SLOW("p1")));
        struct gen_qa_enhance *e = world_enhance(w, &o);
        world_run(w);
        if (w->run.n_calls != 2 || w->run.n_out != 1 || !strstr(w->run.users[1], rows[i].told))
            fail_msg("%s: %zu calls\n%s", rows[i].told, w->run.n_calls,
                     w->run.users[w->run.n_calls - 1]);
        /* It is still the forward way. */
        assert_null(strstr(w->run.users[1], "Answer on record"));
        gen_qa_enhance_free(e);
    }
}

static void answers_are_matched_by_id(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5};
    struct gen_chunk *c = chunk_of(w);
    world_add_record(w, c, slow);
    world_add_record(w, c, slow);
    step_world_answer(&w->run,
                      ITEMS(SLOW("p7") "," SLOW("x") "," SLOW("p2") "," HOT("p2", "not_shown")));
    step_world_answer(&w->run, ITEMS(SLOW("p1")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_non_null(strstr(w->run.users[1], "no object had this id"));
    assert_int_equal(w->run.n_out, 2);
    gen_qa_enhance_free(e);
}

/* Words that a judge, or somebody, left in the place of the reasoning. */
static void old_reasoning_moves(void **state)
{
    static const struct {
        const char *extra, *expected;
    } rows[] = {
        {"\"rating\":8,\"reasoning\":\"Short.\"", "\"rating_reasoning\":\"Short.\""},
        {"\"format\":\"qa\",\"reasoning\":\"Hm.\"", "\"original_reasoning\":\"Hm.\""},
        {"\"format\":\"qa\",\"rating\":8,\"reasoning\":\"Hm.\",\"rating_reasoning\":\"Short.\"",
         "\"rating_reasoning\":\"Short.\""},
    };
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char record[512];
        (void)snprintf(
            record, sizeof(record),
            "{\"question\":\"How fast may thick stoneware be heated?\",\"answer\":\"By 60 "
            "degrees an hour.\",%s}",
            rows[i].extra);
        world_clear(w);
        world_add_record(w, chunk_of(w), record);
        step_world_answer(&w->run, ITEMS(SLOW("p1")));
        struct gen_qa_enhance *e = world_enhance(w, &o);
        world_run(w);
        if (!step_world_has(&w->run.out, rows[i].expected) ||
            !step_world_has(&w->run.out, "\"reasoning\":\"Step 1: "))
            fail_msg("%s", w->run.out.data ? w->run.out.data : "");
        gen_qa_enhance_free(e);
    }
}

static const char has_reasoning[] =
    "{\"format\":\"cot\",\"question\":\"Why is it slow?\",\"reasoning\":"
    "\"Step 1: Steam.\",\"answer\":\"Because of steam.\"}";

static void records_with_reasoning_stay(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5};
    struct gen_chunk *c = chunk_of(w);
    world_add_record(w, c, has_reasoning);
    world_add_record(w, c, slow);
    world_add_record(w, NULL, "{\"question\":\"What?\"}");
    step_world_answer(&w->run, ITEMS(SLOW("p1")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_int_equal(w->run.n_out, 2);
    assert_counted(w->run.accounts[0].skipped, "already_has_reasoning", 1);
    assert_counted(w->run.accounts[0].filtered, "malformed_row", 1);
    assert_true(strncmp(w->run.out.data, has_reasoning, sizeof(has_reasoning) - 1) == 0);
    gen_qa_enhance_free(e);
}

static void conversations_and_unknown_sources(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5};
    world_add_record(
        w, NULL,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"How fast may thick stoneware be "
        "heated?\"},{\"role\":\"assistant\",\"content\":\"By 60 degrees an hour.\"}]}");
    step_world_answer(&w->run, ITEMS(SLOW("p1")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_true(step_world_has(&w->run.out, "{\"messages\":[{\"role\":\"user\","));
    assert_true(step_world_has(&w->run.out, "\"format\":\"cot\",\"question\":\"How fast"));
    assert_true(step_world_has(&w->run.out,
                               "\"answer\":\"By 60 degrees an hour.\",\"reasoning\":\"Step 1"));
    assert_true(step_world_has(&w->run.out, "\"cot_grounded\":false"));
    assert_counted(w->run.accounts[0].notes, "without_source", 1);
    assert_non_null(strstr(w->run.systems[0], "without the document"));
    gen_qa_enhance_free(e);
}

static void own_thinking_is_kept(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5, .native = true};
    struct gen_chunk *c = chunk_of(w);
    world_add_record(w, c, slow);
    world_add_record(w, c, slow);
    w->run.reasoning = "  Steam cracks walls.\nSo slowly.\n";
    step_world_answer(&w->run, "{\"conclusion\":\"By 60 degrees an hour.\"}");
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    /* The same question twice is paid for once. */
    assert_int_equal(w->run.n_calls, 1);
    assert_null(strstr(w->run.users[0], "cracks it"));
    assert_int_equal(w->run.n_out, 2);
    assert_true(step_world_has(&w->run.out, "\"reasoning\":\"Steam cracks walls.\\nSo slowly.\""));
    assert_true(step_world_has(&w->run.out, "\"cot_mode\":\"model\""));
    gen_qa_enhance_free(e);
}

static void a_model_that_does_not_think_fails_at_once(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5, .native = true};
    world_add_record(w, chunk_of(w), slow);
    step_world_answer(&w->run, "{\"conclusion\":\"By 60 degrees an hour.\"}");
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_int_equal(w->run.n_out, 0);
    assert_non_null(strstr(w->run.failures.data, "returned no reasoning beside its answer"));
    gen_qa_enhance_free(e);
    /* Its reasoning ends elsewhere: it is asked again, and never shown the answer. */
    w->run.reasoning = "Hm.";
    w->run.answers[0] = "{\"conclusion\":\"By 90 degrees an hour.\"}";
    e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 3);
    assert_null(strstr(w->run.users[2], "cracks it"));
    assert_non_null(strstr(w->run.failures.data, "ends in another answer"));
    gen_qa_enhance_free(e);
}

static void unsound_steps_to_the_end_fail(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 5};
    struct gen_chunk *c = chunk_of(w);
    world_add_record(w, c, slow);
    world_add_record(w, c, hot);
    step_world_answer(&w->run,
                      ITEMS("{\"id\":\"p1\",\"needed_facts\":[],\"skeleton\":[],\"steps\":[],"
                            "\"conclusion\":\"By 60 degrees an hour.\",\"answer_check\":"
                            "\"not_shown\"}"));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 0);
    assert_counted(w->run.accounts[0].failed, "unsound_steps", 1);
    assert_counted(w->run.accounts[0].failed, "malformed", 1);
    assert_non_null(strstr(w->run.failures.data, "there are fewer than two steps\n"));
    assert_non_null(strstr(w->run.failures.data, "no object had this id\n"));
    gen_qa_enhance_free(e);
}

/* A rewriting of the set of shown answers while it grows. */
static void many_hints(void **state)
{
    struct world *w = *state;
    struct gen_qa_enhance_options o = {.batch_size = 1};
    struct gen_chunk *c = chunk_of(w);
    for (size_t i = 0; i < 300; i++)
        world_add_record(w, c, hot);
    step_world_answer(&w->run, ITEMS(HOT("p1", "not_shown")));
    struct gen_qa_enhance *e = world_enhance(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 0);
    assert_counted(w->run.accounts[0].failed, "answer_disputed", 300);
    gen_qa_enhance_free(e);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(forward),
        WORLD(hinted),
        WORLD(disputed),
        WORLD(agreement_is_not_taken_on_trust),
        WORLD(unsound_steps_are_told),
        WORLD(answers_are_matched_by_id),
        WORLD(old_reasoning_moves),
        WORLD(records_with_reasoning_stay),
        WORLD(conversations_and_unknown_sources),
        WORLD(own_thinking_is_kept),
        WORLD(a_model_that_does_not_think_fails_at_once),
        WORLD(unsound_steps_to_the_end_fail),
        WORLD(many_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
