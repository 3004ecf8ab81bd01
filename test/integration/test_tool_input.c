/* The commands for tool use against what users give by mistake: files, options, servers. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HDF5  PROJECT_DIR "/configs/hdf5_tools.json"
#define RULES "--provider", "extractive", "--progress", "none"
#define TWO_TOOLS                                                                                  \
    "{\"name\":\"two\",\"tools\":[{\"name\":\"add\",\"description\":\"Add two numbers.\","         \
    "\"parameters\":[{\"name\":\"a\",\"type\":\"integer\",\"required\":true,\"description\":"      \
    "\"first\"},{\"name\":\"b\",\"type\":\"integer\",\"required\":true,\"description\":"           \
    "\"second\"}],\"examples\":[\"add(a=2, b=3)\"]},{\"name\":\"shout\",\"description\":"          \
    "\"Write a text in capitals.\",\"parameters\":[{\"name\":\"text\",\"type\":\"string\","        \
    "\"required\":true,\"description\":\"what\"}],\"examples\":[\"shout(text='hello')\"]}]}"

#define RECORDS PROJECT_DIR "/test/data/tool/records.jsonl"
#define TOOL_ROW                                                                                   \
    "{\"format\":\"tool\",\"id\":\"t1\",\"instruction\":\"Add 2 and 3.\",\"solution\":{"           \
    "\"reasoning_path\":[],\"final_answer\":\"5\"}}\n"

struct bad {
    const char *args[16];
    int status;
    const char *said;
};

static void refuse(struct place *p, const struct bad *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct run *r = place_run(p, cases[i].args);
        run_expect(r, cases[i].status);
        run_expect_says(r, cases[i].said);
        assert_false(place_has(p, "out.json"));
    }
}

static void files_that_hold_no_tools(void **state)
{
    struct place *p = *state;
    place_write(p, "a.json", "{\"a\":1}");
    place_write(p, "empty.json", "");
    place_write(p, "cut.json", "{\"tools\":[");
    static const struct bad cases[] = {
        {{"tool-generate", "none.json", "-o", "out.json", RULES}, 2, "none.json"},
        {{"tool-generate", "a.json", "-o", "out.json", RULES}, 2, "a.json: it holds no tools"},
        {{"tool-generate", "empty.json", "-o", "out.json", RULES}, 2, "empty.json"},
        {{"tool-generate", "cut.json", "-o", "out.json", RULES}, 2, "cut.json: invalid JSON"},
        {{"tool-generate", "-o", "out.json", RULES}, 2, "tool-generate needs tools"},
        {{"tool-pipeline", "none.json", "-o", "out.json", RULES}, 2, "none.json"},
        {{"tool-pipeline", "a.json", "-o", "out.json", RULES}, 2, "it holds no tools"},
        {{"tool-pipeline", "-o", "out.json", RULES}, 2, "tool-pipeline needs tools"},
        {{"tool-execute", "none.json", "-o", "out.json", RULES}, 2, "none.json"},
        {{"tool-execute", "-o", "out.json", RULES}, 2, "tool-execute needs INPUT"},
        {{"tool-execute", "empty.json", "-o", "out.json", RULES, "--tools", "a.json"}, 2, "a.json"},
        {{"tool-curate", "none.json", "-o", "out.json", RULES}, 2, "none.json"},
        {{"tool-curate", "empty.json", "-o", "out.json", RULES, "--tools", "none.json"},
         2,
         "none.json"},
    };
    refuse(p, cases, sizeof(cases) / sizeof(cases[0]));
}

static void options_that_contradict(void **state)
{
    struct place *p = *state;
    place_write(p, "two.json", TWO_TOOLS);
    place_write(p, "rows.json", "[]");
    static const struct bad cases[] = {
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--single-step", "--multi-step"},
         2,
         "--single-step and --multi-step exclude each other"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--mix", "singel=1"}, 2, "single"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--mix", "single=-1"}, 2, "--mix"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--mix", "single"}, 2, "single"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--max-steps", "1"}, 2, "--max-steps"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--max-steps", "11"}, 2, "--max-steps"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--target-pairs", "0"},
         2,
         "--target-pairs"},
        {{"tool-generate", HDF5, "-o", "out.json", RULES, "--mode", "simulated"}, 2, "--mode"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--mode", "replay"}, 2, "--replay FILE"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--mcp", "a", "--mcp-url", "http://b"},
         2,
         "exclude each other"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--record", "a", "--replay", "b"},
         2,
         "--record and --replay exclude each other"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--mode", "none", "--record", "a"},
         2,
         "--record needs"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--allow", "opn_file"},
         2,
         "--allow opn_file: there is no such tool"},
        {{"tool-pipeline", "two.json", "-o", "out.json", RULES, "--mode", "real"},
         2,
         "--mode real needs a server"},
        {{"tool-pipeline", "two.json", "-o", "out.json", RULES, "--agent"}, 2, "--agent needs"},
        {{"tool-pipeline", "two.json", "-o", "out.json", RULES, "--chain-first"},
         2,
         "--chain-first"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--replay", "none.jsonl"},
         2,
         "none.jsonl"},
        {{"tool-execute", "rows.json", "-o", "out.json", RULES}, 2, "nothing can carry out"},
        {{"tool-execute", "rows.json", "-o", "out.json", RULES, "--tools", "two.json"},
         2,
         "no server is given"},
        {{"tool-execute", "rows.json", "-o", "out.json", RULES, "--mode", "simulated", "--mcp",
          "x"},
         2,
         "starts no server"},
        {{"tool-execute", "rows.json", "-o", "out.json", RULES, "--api-url", "http://127.0.0.1:1"},
         2,
         "--api-url needs the definition"},
        {{"tool-execute", "rows.json", "-o", "out.json", RULES, "--mcp", "cat", "--tool-header",
          "X: ${GEN_NOT_SET}"},
         2,
         "GEN_NOT_SET"},
    };
    refuse(p, cases, sizeof(cases) / sizeof(cases[0]));
}

static void servers_that_do_not_come_up(void **state)
{
    struct place *p = *state;
    place_write(p, "two.json", TWO_TOOLS);
    static const struct bad cases[] = {
        {{"tool-generate", "two.json", "-o", "out.json", RULES, "--mcp", "no-such-program-here"},
         2,
         "no-such-program-here"},
        {{"tool-pipeline", "two.json", "-o", "out.json", RULES, "--mcp", "false"}, 2, "false"},
        {{"tool-pipeline", "-o", "out.json", RULES, "--mcp", "sh -c 'unended"}, 2, "does not end"},
        {{"tool-generate", "-o", "out.json", RULES, "--mcp-url", "http://127.0.0.1:1/mcp"},
         2,
         "127.0.0.1"},
        {{"tool-generate", "two.json", "-o", "out.json", RULES, "--mcp", "sleep 100"}, 2, "sleep"},
    };
    refuse(p, cases, sizeof(cases) / sizeof(cases[0]));
}

/* A batch's answers come hours later; an agent wants each before its next question. */
static void an_agent_is_no_batch(void **state)
{
    struct place *p = *state;
    place_write(p, "rows.json", "[]");
    place_serve(p, NULL);
    struct run *r = place_run(p, ARGS("tool-execute", "rows.json", "-o", "out.json", "--provider",
                                      "openai", "--model", "gpt-4o-mini", "--base-url", p->v1,
                                      "--mode", "simulated", "--agent", "--batch"));
    run_expect(r, 2);
    run_expect_says(r, "--agent cannot go with --batch");
    /* Also where there is no key, no server, no batch API, no result to look at. */
    static const struct bad cases[] = {
        {{"tool-pipeline", HDF5, "-o", "out.json", "--provider", "openai", "--agent", "--batch"},
         2,
         "--agent cannot go with --batch"},
        {{"tool-pipeline", HDF5, "-o", "out.json", "--provider", "anthropic", "--agent", "--batch"},
         2,
         "--agent cannot go with --batch"},
        {{"tool-pipeline", HDF5, "-o", "out.json", RULES, "--mode", "none", "--agent",
          "--batch-file", "b"},
         2,
         "--agent cannot go with --batch"},
    };
    refuse(p, cases, sizeof(cases) / sizeof(cases[0]));
}

/* Pairs for those who want tool use, tool use for those who want pairs, and definitions for both:
 * said at once, and nothing is left behind. */
static void files_of_another_kind(void **state)
{
    struct place *p = *state;
    place_write(p, "empty.jsonl", "");
    place_write(p, "none.json", "[]");
    place_write(p, "line.json", TWO_TOOLS "\n");
    place_write(p, "late.jsonl", "not json\n{\"a\":1}\n" TOOL_ROW);
    static const struct bad cases[] = {
        {{"curate", RECORDS, "-o", "out.json", RULES}, 2, "use tool-curate"},
        {{"curate", "late.jsonl", "-o", "out.json", RULES},
         2,
         "late.jsonl has examples of tool use: use tool-curate"},
        {{"curate", RECORDS, "-o", "out.json", RULES, "--dry-run"}, 2, "use tool-curate"},
        {{"enrich", RECORDS, "-o", "out.json", RULES},
         2,
         "has examples of tool use: tool-execute and tool-curate are for them"},
        {{"enhance-cot", RECORDS, "-o", "out.json", RULES}, 2, "has examples of tool use"},
        {{"curate", HDF5, "-o", "out.json", RULES}, 2, "is a file of tool definitions"},
        {{"tool-curate", HDF5, "-o", "out.json", RULES},
         2,
         "is a file of tool definitions, not of examples: tool-generate makes examples from it"},
        {{"tool-curate", "line.json", "-o", "out.json", RULES}, 2, "line.json is a file of tool"},
        {{"tool-execute", HDF5, "-o", "out.json", RULES}, 2, "is a file of tool definitions"},
        {{"tool-curate", "empty.jsonl", "-o", "out.json", RULES}, 2, "empty.jsonl holds no"},
        {{"tool-curate", "none.json", "-o", "out.json", RULES}, 2, "none.json holds no examples"},
        {{"tool-execute", "empty.jsonl", "-o", "out.json", RULES, "--mode", "simulated"},
         2,
         "empty.jsonl holds no examples"},
    };
    refuse(p, cases, sizeof(cases) / sizeof(cases[0]));
}

/* What such a row is, the account says; where its source is does not matter. */
static void rows_of_another_kind(void **state)
{
    struct place *p = *state;
    place_write(p, "mixed.jsonl",
                "{\"question\":\"Why?\",\"answer\":\"Because.\"}\n" TOOL_ROW TOOL_ROW "7\n");
    static const char *const commands[] = {"curate", "enrich", "enhance-cot"};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct run *r = place_run(p, ARGS(commands[i], "mixed.jsonl", "-o", "out.json", RULES));
        run_expect_says(r, "tool_record 2");
        run_expect_says(r, "the source chunk of 1 of 4 records");
        struct gen_json_doc *summary = place_summary(p, "out");
        assert_int_equal(summary_count(summary, commands[i], "filtered.tool_record"), 2);
        assert_int_equal(summary_count(summary, commands[i], "filtered.malformed_row"), 1);
        gen_json_doc_free(summary);
        place_remove(p, "out.ledger");
    }
    struct run *r = place_run(
        p, ARGS("tool-execute", "mixed.jsonl", "-o", "out.json", RULES, "--mode", "simulated"));
    run_expect_says(r, "not_a_tool_record 2");
}

/* Rows that are no tool records are counted and named; the others go on. */
static void rows_that_are_no_examples(void **state)
{
    struct place *p = *state;
    place_write(p, "rows.jsonl",
                "{\"question\":\"Why?\",\"answer\":\"Because.\"}\n"
                "not json\n"
                "{\"instruction\":\"Add 2 and 3.\"}\n"
                "[1]\n");
    struct run *r = place_run(p, ARGS("tool-curate", "rows.jsonl", "-o", "out.json", RULES));
    run_expect_says(r, "ladder");
    assert_int_equal(place_rows(p, "out.json"), 0);
    struct gen_json_doc *summary = place_summary(p, "out");
    assert_int_equal(summary_count(summary, "curate", "in"), 4);
    assert_int_equal(summary_count(summary, "curate", "out"), 0);
    gen_json_doc_free(summary);
}

static void nothing_is_written_in_a_dry_run(void **state)
{
    struct place *p = *state;
    place_write(p, "two.json", TWO_TOOLS);
    struct run *r = place_run(p, ARGS("tool-pipeline", "two.json", "-o", "out.json", "--provider",
                                      "extractive", "--dry-run", "--target-pairs", "10"));
    run_expect(r, 0);
    assert_false(place_has(p, "out.json"));
    assert_false(place_has(p, "out.ledger"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(files_that_hold_no_tools),    TEST(options_that_contradict),
        TEST(servers_that_do_not_come_up), TEST(an_agent_is_no_batch),
        TEST(files_of_another_kind),       TEST(rows_of_another_kind),
        TEST(rows_that_are_no_examples),   TEST(nothing_is_written_in_a_dry_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
