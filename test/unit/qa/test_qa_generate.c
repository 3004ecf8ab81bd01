/* Pairs from chunks: what is asked, which pairs are removed by which rule, what is written. */
#include "qa_world.h"

#include <stdio.h>
#include <stdlib.h>

static void check_counts(const char *name, const struct gen_json *expected,
                         const struct gen_counts *counts)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    int64_t sum = 0;
    gen_json_iter_init(&it, expected);
    while (gen_json_iter_next(&it, &key, &value)) {
        char rule[64];
        int64_t n = 0;
        (void)snprintf(rule, sizeof(rule), "%.*s", GEN_STR_ARG(key));
        assert_true(gen_json_as_int(value, &n));
        if (gen_counts_get(counts, rule) != n)
            fail_msg("%s: %s is not %lld", name, rule, (long long)n);
        sum += n;
    }
    if (gen_counts_sum(counts) != sum)
        fail_msg("%s: %s is more than expected", name, counts->rows[0].name);
}

static int64_t number(const struct gen_json *row, const char *key)
{
    int64_t n = 0;
    assert_true(gen_json_as_int(gen_json_get(row, key), &n));
    return n;
}

static void run_row(struct world *w, const struct gen_json *row, bool with_reasoning)
{
    struct gen_qa_generate_options o = {.with_reasoning = with_reasoning,
                                        .n_pairs = number(row, "n_pairs")};
    struct gen_buf answer = gen_buf_make(GEN_BUF_UNLIMITED);
    char *name = gen_str_dup(gen_json_get_str(row, "name"));
    char *filtered = gen_str_dup(gen_json_get_str(row, "filtered"));
    bool is_code = gen_str_is(gen_json_get_str(row, "kind"), "code");
    assert_int_equal(gen_json_write(&answer, gen_json_get(row, "answer"), GEN_JSON_COMPACT, NULL),
                     GEN_OK);
    world_clear(w);
    (void)world_add_chunk(w, is_code ? GEN_CHUNK_CODE : GEN_CHUNK_TEXT, "a.md",
                          gen_json_get_str(row, "chunk"));
    step_world_answer(&w->run, answer.data);
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    if ((int64_t)w->run.n_calls != number(row, "calls") ||
        (int64_t)w->run.n_out != number(row, "out"))
        fail_msg("%s: %zu calls, %zu outputs\n%s", name, w->run.n_calls, w->run.n_out,
                 w->run.out.data ? w->run.out.data : "");
    check_counts(name, gen_json_get(row, "removed"), &w->run.accounts[0].out_filtered);
    if (filtered[0] && gen_counts_get(&w->run.accounts[0].filtered, filtered) != 1)
        fail_msg("%s: not filtered as %s", name, filtered);
    assert_int_equal(gen_counts_sum(&w->run.accounts[0].filtered), filtered[0] ? 1 : 0);
    assert_int_equal(w->run.accounts[0].n_produced, w->run.n_out ? 1 : 0);
    gen_qa_generate_free(g);
    gen_buf_release(&answer);
    free(name);
    free(filtered);
}

static void run_rules(struct world *w, const char *file, bool with_reasoning, size_t n_least)
{
    struct gen_buf data = world_data(file);
    struct gen_str rest = gen_buf_str(&data);
    struct gen_str line;
    size_t n = 0;
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        run_row(w, gen_json_root(doc), with_reasoning);
        gen_json_doc_free(doc);
        n++;
    }
    assert_true(n > n_least);
    gen_buf_release(&data);
}

static void rules(void **state)
{
    run_rules(*state, "generate_rules.jsonl", false, 30);
}

static void rules_of_reasoning(void **state)
{
    run_rules(*state, "cot_rules.jsonl", true, 30);
}

static const char text[] = "Kiln wash keeps glaze from bonding to the shelf of the kiln.";
static const char pairs[] =
    "{\"usable\":\"yes\",\"pairs\":[{\"kind\":\"why\",\"evidence\":\"Kiln wash keeps glaze from "
    "bonding\",\"question\":\"  Why is kiln wash used on shelves?\",\"answer\":\"It keeps glaze "
    "from bonding to the shelf. \"}]}";

static void records_have_their_shape(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 0};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(text));
    step_world_answer(&w->run, pairs);
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_string_equal(
        w->run.out.data,
        "{\"format\":\"qa\",\"question\":\"Why is kiln wash used on shelves?\",\"answer\":\"It "
        "keeps glaze from bonding to the shelf.\",\"chunk_id\":\"c1\",\"source\":\"kiln.md\","
        "\"kind\":\"why\",\"evidence\":\"Kiln wash keeps glaze from bonding\","
        "\"literal_grounding\":1.0,\"model\":\"m\"}\n");
    gen_qa_generate_free(g);
}

static void code_records_name_the_symbol(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 0};
    (void)world_add_chunk(w, GEN_CHUNK_CODE, "a.py", GEN_STR("def soak(k):\n    k.hold()\n"));
    step_world_answer(&w->run,
                      "{\"usable\":\"yes\",\"pairs\":[{\"kind\":\"purpose\",\"symbol\":\"soak()\","
                      "\"evidence\":\"    k.hold()\",\"question\":\"What does the Python function "
                      "soak do?\",\"answer\":\"It holds the kiln by calling `k.hold()`.\"}]}");
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_true(
        step_world_has(&w->run.out, "\"evidence\":\"    k.hold()\",\"symbol\":\"soak\",\"literal"));
    gen_qa_generate_free(g);
}

/* All quotes absent: the model is told, and its second answer counts. */
static void absent_quotes_are_asked_again(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 0};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(text));
    step_world_answer(&w->run,
                      "{\"usable\":\"yes\",\"pairs\":[{\"kind\":\"why\",\"evidence\":\"Soap cleans "
                      "all of the shelves.\",\"question\":\"Why is kiln wash used on shelves?\","
                      "\"answer\":\"It keeps glaze off the shelf.\"}]}");
    step_world_answer(&w->run, pairs);
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_int_equal(w->run.n_out, 1);
    assert_non_null(strstr(w->run.users[1], "copy them character by character"));
    assert_int_equal(gen_counts_sum(&w->run.accounts[0].out_filtered), 0);
    gen_qa_generate_free(g);
}

static const char reasoned_text[] =
    "Steam needs much room above the boiling point. Thick walls of stoneware hold water for long.";
static const char reasoned_steps[] =
    "{\"usable\":\"yes\",\"pairs\":[{\"pattern\":\"cause_effect\",\"evidence\":[\"Steam needs "
    "much room above the boiling point.\",\"Thick walls of stoneware hold water for "
    "long.\"],\"question\":\"Why must thick stoneware be heated slowly?\",\"steps\":[\"Step 1: Its "
    "walls hold water\\nfor long.\",\"Water turns to steam, which needs much room, so it presses "
    "on the clay.\"],\"answer\":\"Because steam from the water in its walls would press on the "
    "clay.\"}]}";

static void reasoning_is_numbered_by_the_program(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.with_reasoning = true};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(reasoned_text));
    step_world_answer(&w->run, reasoned_steps);
    struct gen_qa_generate *g = world_generate(w, &o);
    assert_string_equal(w->steps[0].name, "generate-cot");
    world_run(w);
    assert_string_equal(
        w->run.out.data,
        "{\"format\":\"cot\",\"question\":\"Why must thick stoneware be heated slowly?\","
        "\"reasoning\":\"Step 1: Its walls hold water for long.\\nStep 2: Water turns to steam, "
        "which needs much room, so it presses on the clay.\",\"answer\":\"Because steam from the "
        "water in its walls would press on the clay.\",\"chunk_id\":\"c1\",\"source\":\"kiln.md\","
        "\"kind\":\"cause_effect\",\"evidence\":[\"Steam needs much room above the boiling "
        "point.\",\"Thick walls of stoneware hold water for long.\"],\"literal_grounding\":1.0,"
        "\"model\":\"m\"}\n");
    gen_qa_generate_free(g);
}

/* Nothing of an answer can be used: the model is told why, and its second answer counts. */
static void faults_of_reasoning_are_told(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.with_reasoning = true};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(reasoned_text));
    step_world_answer(&w->run,
                      "{\"usable\":\"yes\",\"pairs\":[{\"pattern\":\"compare\",\"evidence\":[],"
                      "\"question\":\"Why must thick stoneware be heated slowly?\",\"steps\":[],"
                      "\"answer\":\"Because of steam.\"}]}");
    step_world_answer(&w->run, reasoned_steps);
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_int_equal(w->run.n_out, 1);
    assert_non_null(strstr(w->run.users[1], "two separate facts"));
    assert_int_equal(gen_counts_sum(&w->run.accounts[0].out_filtered), 0);
    gen_qa_generate_free(g);
}

static void grounding_can_be_asked_for(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 1};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(text));
    step_world_answer(&w->run,
                      "{\"usable\":\"yes\",\"pairs\":[{\"kind\":\"why\",\"evidence\":\"Kiln wash "
                      "keeps glaze from bonding\",\"question\":\"Why is kiln wash used on "
                      "shelves?\",\"answer\":\"It keeps glaze off for 4711 hours.\"}]}");
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    /* One literal alone says nothing, unless the user asks for it. */
    assert_int_equal(w->run.n_out, 1);
    gen_qa_generate_free(g);
    o.grounding = (struct gen_qa_grounding){true, 0.1};
    g = world_generate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 0);
    assert_counted(w->run.accounts[0].out_filtered, "ungrounded_literals", 1);
    gen_qa_generate_free(g);
    o.grounding = (struct gen_qa_grounding){true, 0};
    g = world_generate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 1);
    gen_qa_generate_free(g);
}

static void patterns_of_users(void **state)
{
    struct world *w = *state;
    static const char *const questions[] = {"(?i)KILN wash"};
    static const char *const sources[] = {"^drafts/"};
    struct gen_qa_generate_options o = {.n_pairs = 1};
    assert_int_equal(gen_filters_new(&o.skip_question, "skip-question", questions, 1, NULL), 0);
    assert_int_equal(gen_filters_new(&o.skip_source, "skip-source", sources, 1, NULL), 0);
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "drafts/kiln.md", gen_str_from(text));
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(text));
    step_world_answer(&w->run, pairs);
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    assert_int_equal(w->run.n_out, 0);
    assert_counted(w->run.accounts[0].filtered, "skip_source /^drafts//", 1);
    assert_counted(w->run.accounts[0].out_filtered, "skip_question /(?i)KILN wash/", 1);
    gen_qa_generate_free(g);
    gen_filters_free(o.skip_question);
    gen_filters_free(o.skip_source);
}

static void answers_that_fit_no_schema_fail(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 0};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "kiln.md", gen_str_from(text));
    step_world_answer(&w->run, "{\"usable\":\"maybe\",\"pairs\":[]}");
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_counted(w->run.accounts[0].failed, "malformed", 1);
    assert_int_equal(w->run.n_out, 0);
    assert_non_null(strstr(w->run.failures.data, "usable"));
    gen_qa_generate_free(g);
}

/* How many pairs are asked for. */
static size_t asked_of(struct world *w, const struct gen_qa_generate_options *o,
                       enum gen_chunk_kind kind, struct gen_str content)
{
    size_t n = 0;
    world_clear(w);
    (void)world_add_chunk(w, kind, "a.md", content);
    step_world_answer(&w->run, "{\"usable\":\"garbled\",\"pairs\":[]}");
    struct gen_qa_generate *g = world_generate(w, o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 1);
    const char *at = strstr(w->run.users[0], "Write up to ");
    assert_non_null(at);
    for (at += 12; *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (size_t)(*at - '0');
    int64_t per_item = kind == GEN_CHUNK_CODE ? 260 : 180;
    assert_int_equal(w->run.tokens_out_max[0], 2200 + (int64_t)n * per_item * 8 / 5);
    gen_qa_generate_free(g);
    return n;
}

static void number_follows_the_length(void **state)
{
    struct world *w = *state;
    static const struct {
        size_t n_chars, n;
    } rows[] = {{1, 1}, {319, 1}, {639, 1}, {640, 2}, {1600, 5}, {100000, 5}};
    struct gen_qa_generate_options o = {.n_pairs = 0};
    char *content = malloc(100000);
    assert_non_null(content);
    memset(content, 'a', 100000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(
            asked_of(w, &o, GEN_CHUNK_TEXT, (struct gen_str){content, rows[i].n_chars}), rows[i].n);
    /* Lines of code count, empty ones do not. */
    for (size_t i = 0; i < 1200; i++)
        memcpy(content + i * 4, "x;\n\n", 4);
    assert_int_equal(asked_of(w, &o, GEN_CHUNK_CODE, (struct gen_str){content, 36 * 4}), 3);
    o.n_pairs = 9;
    assert_int_equal(asked_of(w, &o, GEN_CHUNK_TEXT, GEN_STR("short")), 9);
    o.n_pairs = 1000;
    assert_int_equal(asked_of(w, &o, GEN_CHUNK_TEXT, GEN_STR("short")), 24);
    free(content);
}

static void some_chunks_are_not_paid_for(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 1, .min_chunk_chars = 10};
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "a.md",
                          GEN_STR("   \xC3\xA4\xC3\xA4\xC3\xA4 short  \n\n"));
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", GEN_STR("\xC3\xA4\xC3\xA4\xC3\xA4 shorter"));
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "run_log.md", GEN_STR("A long enough text."));
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", GEN_STR("--- 12345 --- 67890 --- | +++"));
    (void)world_add_chunk(w, GEN_CHUNK_CODE, "a.py", GEN_STR("x = [1, 2, 3, 4, 5, 6, 7]"));
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "a.md",
                          GEN_STR("\xE9\x87\x89\xE8\x96\xAC 1234567890"));
    step_world_answer(&w->run, "{\"usable\":\"too_thin\",\"pairs\":[]}");
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_counted(w->run.accounts[0].filtered, "too_short", 1);
    assert_counted(w->run.accounts[0].filtered, "log_file", 1);
    assert_counted(w->run.accounts[0].filtered, "few_letters", 1);
    assert_counted(w->run.accounts[0].filtered, "model_says_too_thin", 3);
    assert_int_equal(w->run.n_calls, 3);
    gen_qa_generate_free(g);
}

static void topic_is_named(void **state)
{
    struct world *w = *state;
    struct gen_qa_generate_options o = {.n_pairs = 1};
    w->run.common.topic = "pottery & \"glaze\" {text}";
    (void)world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(text));
    step_world_answer(&w->run, "{\"usable\":\"too_thin\",\"pairs\":[]}");
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_non_null(strstr(w->run.users[0], "course on \"pottery & \"glaze\" {text}\""));
    gen_qa_generate_free(g);
}

static void temperatures(void **state)
{
    struct world *w = *state;
    static const struct {
        bool user, is_default, own, sends;
        bool has;
        double expected;
    } rows[] = {
        {true, false, true, true, true, 0.9},   {true, true, true, true, true, 0.4},
        {true, true, false, true, true, 0.9},   {false, false, true, false, true, 0.4},
        {false, false, false, true, true, 0.7}, {false, false, false, false, false, 0.7},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_qa_generate_options o = {.has_temperature = rows[i].own, .temperature = 0.4};
        w->run.common.has_temperature = rows[i].user;
        w->run.common.temperature = 0.9;
        w->run.common.temperature_is_default = rows[i].is_default;
        w->run.common.sends_temperature = rows[i].sends;
        world_clear(w);
        struct gen_item item = {.chunk = world_add_chunk(w, GEN_CHUNK_TEXT, "a", GEN_STR("b"))};
        struct gen_qa_generate *g = world_generate(w, &o);
        const struct gen_llm_stable *s = w->steps[0].stable(w->steps[0].ud, &item);
        assert_int_equal(s->has_temperature, rows[i].has);
        assert_true(s->temperature == rows[i].expected);
        gen_qa_generate_free(g);
    }
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(rules),
        WORLD(rules_of_reasoning),
        WORLD(reasoning_is_numbered_by_the_program),
        WORLD(faults_of_reasoning_are_told),
        WORLD(grounding_can_be_asked_for),
        WORLD(patterns_of_users),
        WORLD(records_have_their_shape),
        WORLD(code_records_name_the_symbol),
        WORLD(absent_quotes_are_asked_again),
        WORLD(answers_that_fit_no_schema_fail),
        WORLD(number_follows_the_length),
        WORLD(some_chunks_are_not_paid_for),
        WORLD(topic_is_named),
        WORLD(temperatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
