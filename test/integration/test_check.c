/* `generator check`: its exit status, what it names, and that what the program exports passes. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define GOOD                                                                                       \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"                                        \
    "{\"role\":\"assistant\",\"content\":\"b\"}]}\n"

static void put(const struct place *p, const char *name, const char *text)
{
    char path[256];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof(path), "%s/%.*s", p->dir, (int)(slash - name), name);
        (void)mkdir(path, 0777);
    }
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void expect_out(const struct run *r, int status, const char *text)
{
    run_expect(r, status);
    if (!strstr(r->out, text))
        fail_msg("no \"%s\" in %s", text, r->out);
}

static void statuses(void **state)
{
    struct place *p = *state;
    put(p, "good.jsonl", GOOD GOOD);
    put(p, "bad.jsonl", GOOD "{\"messages\":[{\"role\":\"user\"\n" GOOD);
    put(p, "array.json", "[" GOOD "," GOOD "]");
    put(p, "cut.json", "[" GOOD "," GOOD);
    put(p, "one.json", "{\n \"messages\": []\n}\n");
    expect_out(place_run(p, ARGS("check", "good.jsonl", "--for", "trl")), 0,
               "trl: all 2 rows load as messages; nothing is wrong");
    expect_out(place_run(p, ARGS("check", "array.json", "--for", "trl")), 0, "all 2 rows");
    expect_out(place_run(p, ARGS("check", "bad.jsonl", "--for", "trl")), 3,
               "bad.jsonl:2: broken_json: ");
    expect_out(place_run(p, ARGS("check", "array.json", "--for", "openai")), 3, "json_array");
    expect_out(place_run(p, ARGS("check", "cut.json", "--for", "trl")), 3, "cut off");
    run_expect(place_run(p, ARGS("check", "one.json")), 2);
    run_expect(place_run(p, ARGS("check", "missing.jsonl")), 2);
    run_expect(place_run(p, ARGS("check", "good.jsonl", "--for", "keras")), 2);
    /* The file that is there is checked all the same. */
    expect_out(place_run(p, ARGS("check", "missing.jsonl", "good.jsonl", "--for", "trl")), 2,
               "trl: all 2 rows");
    struct run *r = place_run(p, ARGS("check", "good.jsonl", "--for", "trl", "--quiet"));
    run_expect(r, 0);
    assert_string_equal(r->out, "");
}

static void a_folder(void **state)
{
    struct place *p = *state;
    put(p, "set/data/train-00000-of-00001.jsonl", GOOD GOOD);
    put(p, "set/data/validation-00000-of-00001.jsonl", GOOD "[1]\n");
    put(p, "set/dataset_info.json", "{}");
    struct run *r = place_run(p, ARGS("check", "set", "--for", "trl"));
    expect_out(r, 3, "validation-00000-of-00001.jsonl:2: not_an_object: ");
    assert_non_null(strstr(r->out, "train-00000-of-00001.jsonl\ntrl: all 2 rows"));
    assert_null(strstr(r->out, "split_keyword"));
    put(p, "none/README.md", "x");
    run_expect(place_run(p, ARGS("check", "none")), 2);
}

static void as_json(void **state)
{
    struct place *p = *state;
    struct gen_json_doc *doc = NULL;
    put(p, "bad.jsonl", GOOD "7\n");
    struct run *r = place_run(p, ARGS("check", "bad.jsonl", "--for", "trl", "--json"));
    run_expect(r, 3);
    assert_int_equal(gen_json_parse(&doc, gen_str_from(r->out), NULL), GEN_OK);
    const struct gen_json *file = gen_json_at(gen_json_get(gen_json_root(doc), "files"), 0);
    const struct gen_json *trl = gen_json_at(gen_json_get(file, "consumers"), 0);
    int64_t n = 0;
    assert_true(gen_json_as_int(gen_json_get(trl, "good_rows"), &n) && n == 1);
    assert_true(gen_json_as_int(gen_json_get(trl, "stops_at_row"), &n) && n == 2);
    assert_true(gen_json_as_int(gen_json_get(gen_json_root(doc), "errors"), &n) && n == 1);
    gen_json_doc_free(doc);
}

static void what_is_exported_passes(void **state)
{
    static const char *const pairs[][2] = {
        {"chatml", "trl"},          {"chatml", "axolotl"},  {"chatml", "unsloth"},
        {"openai", "openai"},       {"openai", "together"}, {"prompt-completion", "trl"},
        {"alpaca", "llamafactory"}, {"alpaca", "axolotl"},  {"llamafactory", "llamafactory"},
        {"sharegpt", "unsloth"},    {"harmony", "trl"},     {"gemini", "gemini"},
        {"bedrock", "bedrock"},     {"text", "together"},   {"jsonl", "datasets"},
    };
    struct place *p = *state;
    run_expect(
        place_run(p, ARGS("pipeline", HANDBOOK, "-o", "t.jsonl", "--provider", "extractive")), 0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        run_expect(
            place_run(p, ARGS("export", "t_all_rated.json", "-f", pairs[i][0], "-o", "e.jsonl")),
            0);
        run_expect(place_run(p, ARGS("check", "e.jsonl", "--for", pairs[i][1])), 0);
    }
    /* Somebody reads it: those who want another form are no error. */
    expect_out(place_run(p, ARGS("check", "t.jsonl")), 0, "another form; export with -f gemini");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(statuses),
        TEST(a_folder),
        TEST(as_json),
        TEST(what_is_exported_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
