/* Wrong input: the message says what, where and what to do; nothing is asked or written. */
#include "place.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define RULES      "--provider", "extractive"
#define MAX_ARGS   12

/* A command line that cannot work, and what must be said about it. */
struct wrong {
    const char *args[MAX_ARGS];
    int status;
    const char *said[6];
};

static void check_all(struct place *p, const struct wrong *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct run *r = place_run(p, cases[i].args);
        run_expect(r, cases[i].status);
        run_expect_said(r, cases[i].said);
        run_expect_says(r, "error: ");
        assert_false(place_has(p, "x.json"));
        assert_false(place_has(p, "x_summary.json"));
    }
}
#define CHECK_ALL(p, cases) check_all(p, cases, sizeof(cases) / sizeof((cases)[0]))

static void make_folder(const struct place *p, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void corpora_that_are_none(void **state)
{
    struct place *p = *state;
    const struct wrong cases[] = {
        {{"generate", "nowhere.lancedb", "-o", "x.json", RULES}, 2, {"nowhere.lancedb", "No such"}},
        {{"pipeline", "nowhere.lancedb", "-o", "x.json", RULES}, 2, {"nowhere.lancedb", "No such"}},
        {{"generate", "empty", "-o", "x.json", RULES}, 2, {"empty", "holds no files"}},
        {{"generate", "image.png", "-o", "x.json", RULES}, 2, {"image.png"}},
        {{"generate", "empty.jsonl", "-o", "x.json", RULES}, 2, {"empty.jsonl"}},
        {{"generate", "broken.jsonl", "-o", "x.json", RULES}, 2, {"broken.jsonl", "row 1"}},
        {{"generate", "nocontent.jsonl", "-o", "x.json", RULES}, 2, {"nocontent.jsonl", "content"}},
        {{"generate", HANDBOOK, "-o", "x.json", RULES, "--table", "nope"},
         2,
         {"no table nope", "code_chunks", "text_chunks"}},
        {{"generate", HANDBOOK, "-o", "x.json", RULES, "--content-column", "nope"},
         2,
         {"text_chunks", "no column nope", "its columns are", "content", "source_file"}},
        {{"generate", NOTES, "-o", "x.json", RULES, "--table", "text_chunks"},
         2,
         {"notes", "table"}},
        {{"enrich", "nowhere.json", "-o", "x.json", RULES}, 2, {"nowhere.json", "No such"}},
        {{"curate", "empty", "-o", "x.json", RULES}, 2, {"empty"}},
        {{"export", "nowhere.json", "-o", "x.json"}, 2, {"nowhere.json", "No such"}},
        {{"enrich", "rows.json", "-o", "x.json", RULES, "--corpus", "nowhere"}, 2, {"nowhere"}},
    };
    make_folder(p, "empty");
    place_write(p, "image.png", "\x89PNG\r\n");
    place_write(p, "empty.jsonl", "");
    place_write(p, "broken.jsonl", "{\"id\": oops}\n");
    place_write(p, "nocontent.jsonl", "{\"id\":\"a\",\"body\":\"text\"}\n");
    place_write(p, "rows.json", "[{\"question\":\"a?\",\"answer\":\"b\"}]");
    CHECK_ALL(p, cases);
}

/* ---- damaged databases ----------------------------------------------------------------------- */

/* The only file of a folder of the copied table. */
static void path_in(const struct place *p, const char *folder, char *out, size_t size)
{
    char dir_path[256];
    (void)snprintf(dir_path, sizeof(dir_path), "%s/db/text_chunks.lance/%s", p->dir, folder);
    DIR *dir = opendir(dir_path);
    const struct dirent *entry;
    assert_non_null(dir);
    out[0] = '\0';
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".json"))
            (void)snprintf(out, size, "%s/%s", dir_path, entry->d_name);
    }
    (void)closedir(dir);
    assert_true(out[0] != '\0');
}

enum damage { CUT, EMPTIED, GONE, FLIPPED, NEWER, TAIL };

static void do_damage(const struct place *p, const char *path, enum damage kind)
{
    size_t n = 0;
    char *data = place_read(p, path, &n);
    size_t left = kind == CUT ? n / 2 : kind == EMPTIED ? 0 : n;
    if (kind == FLIPPED) {
        for (size_t i = 64; i < n && i < 6000; i++)
            data[i] = (char)~data[i];
    } else if (kind == NEWER) {
        /* The footer ends with major and minor version (u16 each) and "LANC". */
        data[n - 8] = 9;
        data[n - 6] = 9;
    } else if (kind == TAIL) {
        memset(data + n - 200, 0xff, 180);
    }
    if (kind == GONE)
        place_remove(p, path);
    else
        place_write_bytes(p, path, data, left);
    free(data);
}

struct damage_case {
    const char *folder;
    enum damage kind;
    const char *said[6];
};

static void damaged_databases(void **state)
{
    static const struct damage_case cases[] = {
        {"data", CUT, {"text_chunks", ".lance", "cut off"}},
        {"data", EMPTIED, {"text_chunks", ".lance"}},
        {"data", GONE, {"text_chunks", "data file is missing"}},
        {"data", FLIPPED, {"text_chunks", ".lance"}},
        {"data", TAIL, {"text_chunks", ".lance"}},
        {"data", NEWER, {"text_chunks", "version 9.9", "newer", "official client"}},
        {"_versions", CUT, {".manifest"}},
        {"_versions", EMPTIED, {".manifest"}},
        {"_versions", FLIPPED, {".manifest"}},
    };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[512];
        place_copy_tree(p, HANDBOOK, "db");
        path_in(p, cases[i].folder, path, sizeof(path));
        do_damage(p, path, cases[i].kind);
        struct run *r = place_run(p, ARGS("generate", "db", "-o", "x.json", RULES));
        if (r->status != 2)
            print_error("damage %zu\n", i);
        run_expect(r, 2);
        run_expect_said(r, cases[i].said);
        assert_false(place_has(p, "x.json"));
        place_remove(p, "db");
        place_remove(p, "x.ledger");
    }
}

/* ---- configuration and command line ---------------------------------------------------------- */

static void wrong_configurations(void **state)
{
    struct place *p = *state;
    const struct wrong cases[] = {
        {{"generate", CHUNKS, "-o", "x.json", "--config", "nowhere.yaml"}, 2, {"nowhere.yaml"}},
        {{"generate", CHUNKS, "-o", "x.json", "--config", "syntax.yaml"}, 2, {"syntax.yaml:3:"}},
        {{"generate", CHUNKS, "-o", "x.json", "--config", "key.yaml"},
         2,
         {"key.yaml:2:3", "llm.provder", "did you mean", "llm.provider"}},
        {{"generate", CHUNKS, "-o", "x.json", "--config", "unset.yaml"},
         2,
         {"unset.yaml:5:", "NOT_SET_ANYWHERE", "not set", "export"}},
        {{"generate", CHUNKS, "-o", "x.json", "--config", "type.yaml"},
         2,
         {"type.yaml:2:", "threshold"}},
        {{"generate", CHUNKS, "-o", "x.json", "--config", "list.yaml"}, 2, {"list.yaml"}},
    };
    place_write(p, "syntax.yaml", "llm:\n  provider: [ollama\n  model: x\n");
    place_write(p, "key.yaml", "llm:\n  provder: ollama\n");
    place_write(p, "unset.yaml",
                "llm:\n  provider: openai\n  openai:\n    model: m\n"
                "    api_key: ${NOT_SET_ANYWHERE}\n");
    place_write(p, "type.yaml", "curate:\n  threshold: high\n");
    place_write(p, "list.yaml", "- a\n- b\n");
    CHECK_ALL(p, cases);
}

static void wrong_command_lines(void **state)
{
    struct place *p = *state;
    const struct wrong cases[] = {
        {{"generat", CHUNKS, "-o", "x.json"}, 2, {"generat", "did you mean \"generate\""}},
        {{"generate", CHUNKS, "-o", "x.json", "--provder", "x"},
         2,
         {"--provder", "did you mean \"--provider\""}},
        {{"generate", CHUNKS, "-o", "x.json", "--provider", "olama"},
         2,
         {"olama", "did you mean \"ollama\"", "extractive"}},
        {{"generate", CHUNKS, "-o", "x.json", "--provider", "openai", "--model", "m"},
         2,
         {"needs a key", "OPENAI_API_KEY"}},
        {{"generate", CHUNKS, "-o", "x.json", "--provider", "openai", "--base-url", "ftp://x"},
         2,
         {"--base-url", "http://"}},
        {{"generate", CHUNKS, RULES}, 2, {"-o PATH"}},
        {{"generate", "-o", "x.json", RULES}, 2, {"LANCEDB_PATH"}},
        {{"generate", CHUNKS, "-o", "x.json", RULES, "--target-pairs", "0"},
         2,
         {"--target-pairs", "allowed is 1"}},
        {{"generate", CHUNKS, "-o", "x.json", RULES, "--target-pairs", "many"},
         2,
         {"--target-pairs", "many", "whole number"}},
        {{"export", "rows.json", "-o", "x.json", "-f", "chatm"},
         2,
         {"chatm", "did you mean \"chatml\""}},
        {{"curate", "rows.json", "-o", "x.json", RULES, "--threshold", "11"},
         2,
         {"--threshold", "11"}},
        {{"generate", CHUNKS, "-o", "x.json", "--provider", "openai", "--model", "m", "--base-url",
          "http://127.0.0.1:9/v1", "--max-cost=1"},
         2,
         {"--max-cost", "price", "prices.yaml"}},
    };
    CHECK_ALL(p, cases);
    struct run *r = place_run(p, ARGS("--help"));
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "pipeline"));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const char mixed_rows[] = "[{\"question\":\"What is a chunk?\",\"answer\":\"A part.\"},\n"
                                 "{\"answer\":\"no question\"},\n"
                                 "{\"question\":5,\"answer\":\"x\"},\n"
                                 "{\"question\":\"\",\"answer\":\"x\"},\n"
                                 "7, null, [1],\n"
                                 "{\"question\":\"q?\",\"answer\":{\"a\":1}}]\n";

static void rows_that_are_no_pairs(void **state)
{
    struct place *p = *state;
    static const char *const commands[] = {"enrich", "curate", "export"};
    place_write(p, "rows.json", mixed_rows);
    for (size_t i = 0; i < 3; i++) {
        struct run *r =
            i < 2 ? place_run(p, ARGS(commands[i], "rows.json", "-o", "y.json", RULES,
                                      i == 1 ? "--threshold" : "--batch-size", i == 1 ? "0" : "5"))
                  : place_run(p, ARGS(commands[i], "rows.json", "-o", "y.json"));
        run_expect(r, 0);
        run_expect_said(r, ARGS("row 5 is no record", "malformed_row 7", "8 pairs in"));
        assert_int_equal(place_rows(p, "y.json"), 1);
        if (i < 2) {
            struct gen_json_doc *summary = place_summary(p, "y");
            assert_int_equal(summary_count(summary, commands[i], "filtered.malformed_row"), 7);
            gen_json_doc_free(summary);
        }
    }
    place_write(p, "none.json", "[{\"answer\":\"b\"},3]");
    struct run *r = place_run(p, ARGS("export", "none.json", "-o", "z.json"));
    run_expect(r, 2);
    run_expect_said(r, ARGS("none of the 2 rows", "none.json", "z.json is not written"));
    assert_false(place_has(p, "z.json"));
}

static void files_that_are_no_list(void **state)
{
    struct place *p = *state;
    const struct wrong cases[] = {
        {{"enrich", "object.json", "-o", "x.json", RULES}, 2, {"object.json", "JSON array"}},
        {{"export", "object.json", "-o", "x.json"}, 2, {"object.json", "JSON array"}},
        {{"export", "cut.json", "-o", "x.json"}, 2, {"cut.json", "row 2"}},
        {{"curate", "words.json", "-o", "x.json", RULES}, 2, {"words.json", "none of"}},
    };
    place_write(p, "object.json", "{\n  \"question\": \"a\",\n  \"answer\": \"b\"\n}\n");
    place_write(p, "cut.json", "[{\"question\":\"a?\",\"answer\":\"b\"},{\"question\":\"c");
    place_write(p, "words.json", "this is no JSON\n");
    CHECK_ALL(p, cases);
}

/* All commands that read rows say the same of a file without any, and write nothing. */
static void files_without_rows(void **state)
{
    static const char *const commands[] = {"enrich",      "enhance-cot", "curate",
                                           "tool-curate", "export",      "dedup"};
    static const struct {
        const char *name, *text;
    } files[] = {{"empty.jsonl", ""}, {"blank.jsonl", "\n \n\n"}, {"list.json", "[]"}};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        place_write(p, files[i].name, files[i].text);
        for (size_t k = 0; k < sizeof(commands) / sizeof(commands[0]); k++) {
            struct run *r =
                k < 4 ? place_run(p, ARGS(commands[k], files[i].name, "-o", "x.json", RULES))
                      : place_run(p, ARGS(commands[k], files[i].name, "-o", "x.json"));
            run_expect(r, 2);
            run_expect_said(r, ARGS("error: ", files[i].name, "holds no", "there is nothing to"));
            assert_false(place_has(p, "x.json"));
            assert_true(k >= 3 || !place_has(p, "x.ledger"));
            assert_false(place_has(p, "x_summary.json"));
        }
        place_remove(p, "x.ledger"); /* of tool-curate, which looks at its tools first */
        run_expect_says(place_run(p, ARGS("stats", files[i].name)), "there is nothing to measure");
        struct run *r = place_run(p, ARGS("check", files[i].name));
        run_expect(r, 3); /* what it is for: the file is not good */
        assert_non_null(strstr(r->out, "there are no rows"));
    }
}

/* Rows of a corpus that are no chunks are counted, and the others are used. */
static void a_corpus_with_some_bad_rows(void **state)
{
    struct place *p = *state;
    place_write(p, "some.jsonl",
                "{\"id\":\"a\",\"content\":\"A buffer is a place for data that waits. It holds "
                "eight rows because a page has no more room.\"}\n"
                "not json\n"
                "{\"id\":\"b\"}\n"
                "{\"id\":\"c\",\"content\":\"bad \xff\xfe bytes\"}\n"
                "{\"id\":\"d\",\"content\":null}\n"
                "{\"id\":\"e\",\"content\":\"An index is a list of places where rows begin. A "
                "reader needs it because rows differ in length.\"}\n");
    struct run *r = place_run(
        p, ARGS("generate", "some.jsonl", "-o", "y.json", RULES, "--min-chunk-chars", "0"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("some.jsonl row 2", "3 of 6 rows of the corpus", "passed over"));
    struct gen_json_doc *summary = place_summary(p, "y");
    const struct gen_json *corpus = gen_json_get(gen_json_root(summary), "corpus");
    int64_t n = 0;
    assert_true(gen_json_as_int(gen_json_get(corpus, "rows"), &n));
    assert_int_equal(n, 6);
    assert_true(gen_json_as_int(gen_json_get(corpus, "malformed"), &n));
    assert_int_equal(n, 3);
    assert_true(gen_json_as_int(gen_json_get(corpus, "cleaned"), &n));
    assert_int_equal(n, 1);
    assert_int_equal(summary_count(summary, "generate", "in"), 3);
    gen_json_doc_free(summary);
    assert_true(place_has(p, "y.json"));
}

/* ---- endpoints ------------------------------------------------------------------------------- */

static void a_dead_endpoint_ends_soon(void **state)
{
    struct place *p = *state;
    static const char *const providers[] = {"ollama", "openai", "vllm"};
    place_serve(p, ARGS("--refuse-all"));
    struct run *runs[3];
    for (size_t i = 0; i < 3; i++) {
        char output[16];
        (void)snprintf(output, sizeof(output), "%s.json", providers[i]);
        runs[i] = place_start(
            p, &(struct run_spec){.args = ARGS("generate", HANDBOOK, "-o", output, "--provider",
                                               providers[i], "--model", "m", "--base-url",
                                               i ? p->v1 : p->server.url, "--progress", "none")});
    }
    for (size_t i = 0; i < 3; i++) {
        run_wait(runs[i]);
        run_expect(runs[i], 5);
        run_expect_said(runs[i], ARGS("stopped: the endpoint does not answer", "connect",
                                      "127.0.0.1", "the same command goes on"));
        assert_true(runs[i]->took_ms < 15000);
        gen_json_doc_free(place_summary(p, providers[i]));
    }
}

static void a_wrong_key_and_a_wrong_model(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--api-key", "right-key"));
    const char *const *args = ARGS("generate", CHUNKS, "-o", "qa.json", "--provider", "openai",
                                   "--model", "m", "--base-url", p->v1, "--min-chunk-chars", "0");
    struct run *r = place_run_env(p, args, ARGS("OPENAI_API_KEY=sk-wrong-key-000000"));
    run_expect(r, 5);
    run_expect_said(r, ARGS("401", "refused the key", "auth"));
    assert_null(strstr(r->err, "sk-wrong-key"));
    assert_true(place_stat(p, "requests") <= 12);
    /* With the right key the same command goes on. */
    run_expect(place_run_env(p, args, ARGS("OPENAI_API_KEY=right-key")), 0);
    assert_true(place_rows(p, "qa.json") > 0);
    place_serve(p, ARGS("--fault", "404model"));
    r = place_run(p, ARGS("generate", CHUNKS, "-o", "b.json", "--provider", "ollama", "--model",
                          "mistrel", "--base-url", p->server.url, "--min-chunk-chars", "0"));
    run_expect(r, 5);
    run_expect_said(r, ARGS("404", "not found"));
    assert_true(place_stat(p, "requests") <= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(corpora_that_are_none),     TEST(damaged_databases),
        TEST(wrong_configurations),      TEST(wrong_command_lines),
        TEST(rows_that_are_no_pairs),    TEST(files_that_are_no_list),
        TEST(files_without_rows),        TEST(a_corpus_with_some_bad_rows),
        TEST(a_dead_endpoint_ends_soon), TEST(a_wrong_key_and_a_wrong_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
