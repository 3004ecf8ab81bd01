/* What doctor finds, what it advises, and its exit status; and what --dry-run foretells. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define FAKE(p)    "--provider", "vllm", "--model", "fake-model", "--base-url", (p)->v1
#define BARE       "--progress", "none", "--min-chunk-chars", "0"
#define KEY        "sk-Xq7secretSECRETsecret42"

/* The line of a check, "ok  name  text", checked to begin with `finding`. */
static const char *row(const struct run *r, const char *finding, const char *name)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "%-8s %-14s ", finding, name);
    const char *at = strstr(r->out, start);
    if (!at || (at != r->out && at[-1] != '\n'))
        fail_msg("no line \"%s\" in:\n%s\n%s", start, r->out, r->err);
    return at;
}

static void says(const struct run *r, const char *finding, const char *name, const char *text)
{
    const char *at = row(r, finding, name);
    const char *end = strchr(at, '\n');
    const char *found = strstr(at, text);
    if (!end || !found || found > end)
        fail_msg("\"%s\" is missing in: %.*s", text, (int)strcspn(at, "\n"), at);
}

static void all_is_well(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    struct run *r = place_run(p, ARGS("doctor", FAKE(p), "--corpus", HANDBOOK));
    run_expect(r, 0);
    assert_null(strstr(r->out, "PROBLEM"));
    assert_string_equal(r->err, "");
    says(r, "ok", "configuration", "config.yaml");
    says(r, "ok", "prompts", "prompts");
    says(r, "ok", "ledger", "beside the output");
    says(r, "ok", "corpus", "126 chunks; the first is hdf5-data-model-001");
    says(r, "ok", "endpoint", p->v1);
    says(r, "ok", "model", "fake-model is known");
    says(r, "ok", "context", "32768 tokens");
    says(r, "ok", "key", "none is set");
    says(r, "ok", "schema", "keeps to its schema");
    assert_int_equal(place_stat(p, "requests"), 1);
    assert_false(place_has(p, "x.ledger"));
}

static void every_protocol_is_asked_in_its_own_words(void **state)
{
    struct place *p = *state;
    char host[80];
    place_serve(p, NULL);
    (void)snprintf(host, sizeof(host), "%.*s", (int)(strlen(p->v1) - 3), p->v1);
    struct run *r = place_run(p, ARGS("doctor", "--provider", "ollama", "--model", "fake-model",
                                      "--base-url", host, "--stream", "on"));
    run_expect(r, 0);
    says(r, "ok", "context", "16384 tokens");
    says(r, "ok", "streaming", "keeps to its schema");
    r = place_run(p, ARGS("doctor", "--provider", "ollama", "--model", "fake-model", "--base-url",
                          host, "--num-ctx", "4096"));
    run_expect(r, 5);
    says(r, "PROBLEM", "context", "raise --num-ctx");
    r = place_run(p, ARGS("doctor", "--provider", "extractive"));
    run_expect(r, 0);
    says(r, "ok", "endpoint", "without a model");
}

static void a_dead_endpoint(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("doctor", "--provider", "vllm", "--model", "m", "--base-url",
                                      "http://127.0.0.1:9/v1"));
    run_expect(r, 5);
    says(r, "PROBLEM", "endpoint", "does not answer: connect");
    says(r, "PROBLEM", "endpoint", "vllm serve");
    assert_null(strstr(r->out, "ok       key"));
}

/* A program in the place of Claude Code: `login` is what it says of its login. */
static void write_program(const struct place *p, const char *login)
{
    char path[128];
    struct gen_buf text = gen_buf_make(4096);
    assert_int_equal(
        gen_buf_printf(&text, NULL,
                       "#!/bin/sh\nif [ \"$1\" = auth ]; then echo '%s'; exit 0; fi\n"
                       "cat >/dev/null\necho '{\"type\":\"result\",\"subtype\":\"success\","
                       "\"is_error\":false,\"api_error_status\":null,\"terminal_reason\":"
                       "\"completed\",\"stop_reason\":\"end_turn\",\"result\":"
                       "\"{\\\"word\\\":\\\"ready\\\",\\\"number\\\":7}\",\"num_turns\":1,"
                       "\"total_cost_usd\":0.001,\"usage\":{\"input_tokens\":9,"
                       "\"output_tokens\":9}}'\n",
                       login),
        GEN_OK);
    place_write(p, "claude", text.data);
    gen_buf_release(&text);
    (void)snprintf(path, sizeof(path), "%s/claude", p->dir);
    assert_int_equal(chmod(path, 0700), 0);
}

static void a_program_and_its_login(void **state)
{
    struct place *p = *state;
    char path[4096];
    const char *old = getenv("PATH");
    char *kept = strdup(old ? old : "/usr/bin:/bin");
    assert_non_null(kept);
    (void)snprintf(path, sizeof(path), "%s:%s", p->dir, kept);
    assert_int_equal(setenv("PATH", path, 1), 0);
    write_program(p, "{\"loggedIn\":true,\"authMethod\":\"claude.ai\"}");
    struct run *in = place_run(p, ARGS("doctor", "--provider", "claude"));
    write_program(p, "{\"loggedIn\":false,\"authMethod\":\"none\"}");
    struct run *out = place_run(p, ARGS("doctor", "--provider", "claude"));
    assert_int_equal(setenv("PATH", kept, 1), 0);
    free(kept);
    run_expect(in, 0);
    says(in, "ok", "program", "/claude");
    says(in, "ok", "login", "logged in");
    says(in, "ok", "schema", "keeps to its schema");
    run_expect(out, 5);
    says(out, "PROBLEM", "login", "auth login");
}

static void a_wrong_key(void **state)
{
    struct place *p = *state;
    char name[300];
    place_serve(p, ARGS("--api-key", "sk-right"));
    const char *const *args =
        ARGS("doctor", "--provider", "openai", "--model", "fake-model", "--base-url", p->v1);
    struct run *r = place_run_env(p, args, ARGS("OPENAI_API_KEY=" KEY));
    run_expect(r, 5);
    says(r, "PROBLEM", "key", "refused");
    says(r, "PROBLEM", "key", "OPENAI_API_KEY");
    assert_null(strstr(r->out, "secretSECRET"));
    assert_null(strstr(r->err, "secretSECRET"));
    assert_false(place_any_file_has(p, "secretSECRET", name, sizeof(name)));
    r = place_run_env(p, args, ARGS("OPENAI_API_KEY=sk-right"));
    run_expect(r, 0);
    says(r, "ok", "key", "accepted");
    says(r, "note", "price", "costs will be shown as unknown");
    r = place_run(p, args);
    run_expect(r, 5);
    says(r, "PROBLEM", "key", "none is set and one is wanted");
}

static void a_model_that_the_server_does_not_have(void **state)
{
    struct place *p = *state;
    const char *const *args =
        ARGS("doctor", "--provider", "vllm", "--model", "fake-modle", "--base-url", p->v1);
    place_serve(p, ARGS("--fault", "404model@1-"));
    struct run *r = place_run(p, args);
    run_expect(r, 5);
    says(r, "PROBLEM", "model", "does not have fake-modle");
    says(r, "PROBLEM", "model", "--model fake-model");
    assert_null(strstr(r->out, " schema "));
    /* llama.cpp and others answer whatever the name. */
    place_serve(p, NULL);
    r = place_run(p, args);
    run_expect(r, 0);
    says(r, "note", "model", "but it answers");
}

static void chunks_that_do_not_fit(void **state)
{
    struct place *p = *state;
    size_t n = 200000;
    char *text = malloc(n + 64);
    assert_non_null(text);
    int at = snprintf(text, 64, "{\"id\":\"big\",\"text\":\"");
    for (size_t i = 0; i < n - 64; i++)
        text[(size_t)at + i] = i % 6 == 5 ? ' ' : 'w';
    (void)snprintf(text + (size_t)at + n - 64, 32, ".\"}\n");
    place_write(p, "big.jsonl", text);
    free(text);
    place_serve(p, NULL);
    struct run *r = place_run(p, ARGS("doctor", FAKE(p), "--corpus", "big.jsonl"));
    run_expect(r, 5);
    says(r, "PROBLEM", "context", "it holds 32768 tokens");
    says(r, "PROBLEM", "context", "--chunk-size");
}

static void a_server_without_structured_output(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--fault", "prose@1-"));
    struct run *r = place_run(p, ARGS("doctor", FAKE(p)));
    assert_true(r->status == 0 || r->status == 5);
    assert_null(strstr(r->out, "ok       schema"));
    place_serve(p, ARGS("--fault", "nonjson@1-"));
    r = place_run(p, ARGS("doctor", FAKE(p)));
    run_expect(r, 5);
    says(r, "PROBLEM", "schema", "does not keep to the schema");
    place_serve(p, ARGS("--reject-param", "response_format"));
    r = place_run(p, ARGS("doctor", FAKE(p)));
    run_expect(r, 5);
    says(r, "note", "parameter", "response_format");
    says(r, "PROBLEM", "schema", "does not keep to the schema");
}

static void other_troubles_of_the_endpoint(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--fault", "429quota@1-"));
    struct run *r = place_run(p, ARGS("doctor", FAKE(p)));
    run_expect(r, 5);
    says(r, "PROBLEM", "schema", "add money");
    place_serve(p, ARGS("--fault", "503@1-"));
    r = place_run(p, ARGS("doctor", FAKE(p)));
    run_expect(r, 0);
    says(r, "note", "schema", "a run waits");
    place_serve(p, ARGS("--fault", "cut@1-"));
    r = place_run(p, ARGS("doctor", FAKE(p)));
    run_expect(r, 5);
    says(r, "PROBLEM", "schema", "no answer (transport)");
}

static void troubles_of_this_machine(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    place_write(p, "no.ledger", "this is no ledger, but a text of some length");
    struct run *r = place_run(p, ARGS("doctor", FAKE(p), "--ledger", "no.ledger"));
    run_expect(r, 2);
    row(r, "PROBLEM", "ledger");
    row(r, "ok", "schema");
    r = place_run(p, ARGS("doctor", FAKE(p), "--corpus", "nowhere"));
    run_expect(r, 2);
    says(r, "PROBLEM", "corpus", "nowhere");
    r = place_run(p, ARGS("doctor", "--provider", "vlm"));
    run_expect(r, 2);
    says(r, "PROBLEM", "provider", "vllm");
    r = place_run(p, ARGS("doctor", FAKE(p), "--prompts", "nowhere"));
    run_expect(r, 2);
    row(r, "PROBLEM", "prompts");
    run_expect(place_run(p, ARGS("generate", NOTES, "-o", "qa.json", FAKE(p), BARE)), 0);
    r = place_run(p, ARGS("doctor", FAKE(p), "--ledger", "qa.ledger"));
    run_expect(r, 0);
    says(r, "ok", "ledger", "answers");
}

static void another_process_holds_the_ledger(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--fault", "hang@1"));
    struct run *running = place_start(
        p, &(struct run_spec){.args = ARGS("generate", NOTES, "-o", "qa.json", FAKE(p), BARE)});
    for (unsigned i = 0; i < 400 && place_stat(p, "requests") == 0; i++)
        run_sleep_ms(10);
    struct run *r = place_run(p, ARGS("doctor", FAKE(p), "--ledger", "qa.ledger"));
    run_expect(r, 2);
    row(r, "PROBLEM", "ledger");
    run_release(running);
}

static void json_says_the_same(void **state)
{
    struct place *p = *state;
    place_serve(p, NULL);
    struct run *r = place_run(p, ARGS("doctor", FAKE(p), "--corpus", "nowhere", "--json"));
    run_expect(r, 2);
    struct gen_json_doc *doc = NULL;
    bool is_ready = true;
    assert_int_equal(gen_json_parse(&doc, gen_str_from(r->out), NULL), GEN_OK);
    const struct gen_json *root = gen_json_root(doc);
    assert_true(gen_json_as_bool(gen_json_get(root, "ready"), &is_ready));
    assert_false(is_ready);
    const struct gen_json *checks = gen_json_get(root, "checks");
    size_t n_problems = 0;
    assert_true(gen_json_count(checks) > 5);
    for (size_t i = 0; i < gen_json_count(checks); i++) {
        const struct gen_json *c = gen_json_at(checks, i);
        assert_true(gen_json_get_str(c, "check").n > 0 && gen_json_get_str(c, "text").n > 0);
        n_problems += gen_str_is(gen_json_get_str(c, "finding"), "problem");
    }
    assert_int_equal(n_problems, 1);
    gen_json_doc_free(doc);
}

static void has(const struct run *r, const char *text)
{
    if (!strstr(r->out, text))
        fail_msg("\"%s\" is missing in:\n%s", text, r->out);
}

/* "  generate   12   3 ..." : the numbers of a stage's line, commas left out. */
static void stage_line(const struct run *r, const char *stage, char *out, size_t size)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "\n  %-10s", stage);
    const char *at = strstr(r->out, start);
    if (!at)
        fail_msg("no stage %s in:\n%s", stage, r->out);
    size_t n = 0;
    for (at += 3; *at && *at != '\n' && n + 1 < size; at++) {
        bool is_space = *at == ' ' && n && out[n - 1] == ' ';
        if (!is_space && *at != ',')
            out[n++] = *at;
    }
    out[n] = '\0';
}

static void dry_run_foretells_a_first_run(void **state)
{
    struct place *p = *state;
    char line[200];
    place_serve(p, NULL);
    struct run *r =
        place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", FAKE(p), BARE, "--dry-run"));
    run_expect(r, 0);
    stage_line(r, "generate", line, sizeof(line));
    assert_non_null(strstr(line, "generate 12 0 "));
    assert_non_null(strstr(line, "<= "));
    assert_non_null(strstr(line, "unknown"));
    has(r, "not known before some answers are in the ledger");
    has(r, "a quarter of the bytes");
    assert_int_equal(place_stat(p, "requests"), 0);
    assert_false(place_has(p, "qa.ledger"));
}

static void dry_run_knows_what_the_ledger_knows(void **state)
{
    struct place *p = *state;
    char line[200];
    place_serve(p, NULL);
    run_expect(
        place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", FAKE(p), BARE, "--max-chunks", "5")),
        0);
    const char *const *args = ARGS("generate", CHUNKS, "-o", "qa.json", FAKE(p), BARE, "--dry-run");
    struct run *r = place_run(p, args);
    run_expect(r, 0);
    stage_line(r, "generate", line, sizeof(line));
    assert_non_null(strstr(line, "generate 12 5 "));
    assert_null(strstr(line, "<="));
    assert_null(strstr(line, "unknown"));
    has(r, "5 answers in qa.ledger");
    has(r, "bytes a token, as measured");
    r = place_run(p, ARGS("generate", CHUNKS, "-o", "qa.json", FAKE(p), BARE, "--dry-run",
                          "--fresh", "--max-requests", "3"));
    run_expect(r, 0);
    stage_line(r, "generate", line, sizeof(line));
    assert_non_null(strstr(line, "generate 12 0 "));
    has(r, "--max-requests 3 ends the run early");
    run_expect(place_run(p, ARGS("enrich", "qa.json", "-o", "e.json", FAKE(p))), 0);
    r = place_run(p, ARGS("enrich", "qa.json", "-o", "e.json", FAKE(p), "--dry-run"));
    run_expect(r, 0);
    stage_line(r, "enrich", line, sizeof(line));
    assert_non_null(strstr(line, " 0 0 ")); /* all is answered: nothing to pay */
}

static void dry_run_multiplies_by_the_price(void **state)
{
    struct place *p = *state;
    char line[200];
    const char *const *env = ARGS("OPENAI_API_KEY=" KEY);
    struct run *r = place_run_env(p,
                                  ARGS("pipeline", HANDBOOK, "-o", "t.jsonl", "--provider",
                                       "openai", "--model", "gpt-4o-mini", "--dry-run"),
                                  env);
    run_expect(r, 0);
    has(r, "$0.15 in, $0.6 out");
    stage_line(r, "total", line, sizeof(line));
    assert_non_null(strstr(line, "<= $"));
    r = place_run_env(p,
                      ARGS("pipeline", HANDBOOK, "-o", "t.jsonl", "--provider", "openai", "--model",
                           "gpt-4o-mini", "--dry-run", "--batch"),
                      env);
    run_expect(r, 0);
    has(r, "0.5 times");
    has(r, "24 hours");
    r = place_run_env(p,
                      ARGS("generate", NOTES, "-o", "t.json", "--provider", "openai", "--model",
                           "not-in-the-list", "--dry-run", "--max-rpm", "60"),
                      env);
    run_expect(r, 0);
    has(r, "cost: unknown, the price of openai not-in-the-list");
    stage_line(r, "generate", line, sizeof(line));
    assert_non_null(strstr(line, "unknown 3"));
}

/* A large input is counted whole and rendered in part, the same part for the same seed. */
static void dry_run_samples_a_large_input(void **state)
{
    struct place *p = *state;
    struct gen_buf text = gen_buf_make((size_t)64 << 20);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(gen_buf_printf(&text, NULL,
                                        "{\"id\":\"c%d\",\"text\":\"Chunk %d says that the value "
                                        "of its number is %d, and that no other has it.\"}\n",
                                        i, i, i),
                         GEN_OK);
    place_write(p, "large.jsonl", text.data);
    gen_buf_release(&text);
    const char *const *args =
        ARGS("generate", "large.jsonl", "-o", "t.json", "--provider", "vllm", "--model", "m",
             "--min-chunk-chars", "0", "--dry-run", "--seed", "7");
    struct run *a = place_run(p, args);
    struct run *b = place_run(p, args);
    run_expect(a, 0);
    run_expect(b, 0);
    assert_string_equal(a->out, b->out);
    has(a, "of 5,000 prompts rendered, drawn with seed 7");
    char line[200];
    stage_line(a, "generate", line, sizeof(line));
    assert_non_null(strstr(line, "generate 5000 0 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_well),
        TEST(every_protocol_is_asked_in_its_own_words),
        TEST(a_dead_endpoint),
        TEST(a_program_and_its_login),
        TEST(a_wrong_key),
        TEST(a_model_that_the_server_does_not_have),
        TEST(chunks_that_do_not_fit),
        TEST(a_server_without_structured_output),
        TEST(other_troubles_of_the_endpoint),
        TEST(troubles_of_this_machine),
        TEST(another_process_holds_the_ledger),
        TEST(json_says_the_same),
        TEST(dry_run_foretells_a_first_run),
        TEST(dry_run_knows_what_the_ledger_knows),
        TEST(dry_run_multiplies_by_the_price),
        TEST(dry_run_samples_a_large_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
