/*
 * The program against a real server, llama.cpp's llama-server: real HTTP with its keep-alive (5 s,
 * 100 requests a connection), a grammar that really enforces the schema, real truncation, usage and
 * context overflow. Runs when LLAMA_SERVER=path names the server (Debian: llama.cpp-tools), and
 * says so when it does not. The model is written here, by test/support/tiny_gguf.c: a table of
 * which byte follows which. So answers have the right shape and no meaning, and the checks of the
 * texts filter nearly all of them; a token is a byte.
 */
#include "place.h"

#include <arpa/inet.h>
#include <glob.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXTS_MAX               32
#define START_MS                60000U
#define SLOTS                   "8"
#define ALL_TOKENS              "131072" /* 16,384 for each slot */
#define UNDER_WAY_MS            500U     /* some answers are there by then, and by far not all */
#define IDLE_CLOSE_MS           5000U    /* cpp-httplib's, as is: */
#define CONNECTION_REQUESTS_MAX 100

#define AS_VLLM(l) "--provider", "vllm", "--model", "tiny", "--base-url", (l)->p->v1
#define AS_ANTHROPIC(l)                                                                            \
    "--provider", "anthropic", "--model", "tiny", "--base-url", (l)->p->server.url
#define BARE "--progress", "none", "--min-chunk-chars", "0"

/* One server for all tests; each writes files of its own names. */
struct llama {
    struct place *p;
    struct run *server;
    const char *program;
    char model[128];
};

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static bool has_ended(const struct run *r)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static void wait_until_healthy(struct run *r, uint16_t port)
{
    const struct fake_process there = {.port = port};
    char reply[4096];
    uint64_t start_ms = run_now_ms();
    while (fake_process_request(&there, "/health", NULL, reply, sizeof(reply)) != 200) {
        if (has_ended(r) || run_now_ms() - start_ms > START_MS) {
            run_wait(r);
            fail_msg("llama-server does not start:\n%s\n%s", r->out, r->err);
        }
        run_sleep_ms(20);
    }
}

static struct run *serve(struct llama *l, uint16_t port, const char *slots, const char *tokens)
{
    char port_text[16];
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    struct run *r = place_start(
        l->p, &(struct run_spec){.program = l->program,
                                 .args = ARGS("-m", l->model, "--host", "127.0.0.1", "--port",
                                              port_text, "-np", slots, "-c", tokens, "-t", "1"),
                                 .limit_s = 600});
    wait_until_healthy(r, port);
    return r;
}

/* Where the runs that follow find their server. */
static void point_at(struct llama *l, uint16_t port)
{
    (void)snprintf(l->p->server.url, sizeof(l->p->server.url), "http://127.0.0.1:%u", port);
    (void)snprintf(l->p->v1, sizeof(l->p->v1), "%s/v1", l->p->server.url);
    l->p->server.port = port;
}

static void write_model(struct llama *l)
{
    const char *args[TEXTS_MAX + 2] = {l->model};
    struct run r = {0};
    glob_t texts = {0};
    assert_int_equal(glob(PROJECT_DIR "/examples/handbook/*.md", 0, NULL, &texts), 0);
    for (size_t i = 0; i < texts.gl_pathc && i < TEXTS_MAX; i++)
        args[i + 1] = texts.gl_pathv[i];
    (void)snprintf(l->model, sizeof(l->model), "%s/tiny.gguf", l->p->dir);
    run_program(&r, &(struct run_spec){.program = TINY_GGUF_PATH, .args = args, .dir = l->p->dir});
    run_expect(&r, 0);
    run_release(&r);
    globfree(&texts);
}

static int start_all(void **state)
{
    void *place = NULL;
    struct llama *l = calloc(1, sizeof(*l));
    if (!l || place_setup(&place) != 0) {
        free(l);
        return -1;
    }
    l->p = place;
    l->program = getenv("LLAMA_SERVER");
    *state = l;
    write_model(l);
    uint16_t port = free_port();
    l->server = serve(l, port, SLOTS, ALL_TOKENS);
    point_at(l, port);
    return 0;
}

static int stop_all(void **state)
{
    struct llama *l = *state;
    void *place = l->p;
    free(l);
    return place_teardown(&place);
}

/* ---- what a run must look like --------------------------------------------------------------- */

static const struct gen_json *first_stage(const struct gen_json_doc *summary)
{
    return gen_json_at(gen_json_get(gen_json_root(summary), "stages"), 0);
}

static bool has_note(const struct gen_json_doc *summary, const char *start)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, gen_json_get(first_stage(summary), "notes"));
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_str_starts(key, gen_str_from(start)))
            return true;
    }
    return false;
}

/* Every request was answered, and every answer that was not cut kept to its schema without repair.
 * Returns how many requests were sent. */
static int64_t expect_sound(const struct llama *l, const char *stem, const char *stage,
                            const struct run *r)
{
    struct gen_json_doc *summary = place_summary(l->p, stem);
    int64_t n_sent = summary_count(summary, stage, "requests_sent");
    int64_t n_valid = summary_count(summary, stage, "calls");
    int64_t n_in = summary_count(summary, stage, "tokens_in");
    int64_t n_out = summary_count(summary, stage, "tokens_out");
    print_message("llama: %s: %lld requests, %lld answers valid against the schema, %lld cut at "
                  "the limit, %lld tokens out, %.1f requests/s\n",
                  stem, (long long)n_sent, (long long)n_valid, (long long)(n_sent - n_valid),
                  (long long)n_out, (double)n_sent * 1000 / (double)r->took_ms);
    assert_int_equal(summary_sum(summary, stage, "attempts_by_class"), 0);
    assert_false(has_note(summary, "repaired"));
    assert_true(n_sent > 0);
    assert_true(n_valid > 0 && n_valid <= n_sent);
    assert_true(n_in > 0 && n_out > 0);
    gen_json_doc_free(summary);
    return n_sent;
}

static void expect_out(const struct run *r, const char *text)
{
    if (!strstr(r->out, text))
        fail_msg("\"%s\" is missing in:\n%s\n%s", text, r->out, r->err);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void doctor_finds_it_well(void **state)
{
    struct llama *l = *state;
    struct run *r = place_run(l->p, ARGS("doctor", AS_VLLM(l), "--stream", "on"));
    run_expect(r, 0);
    expect_out(r, "16384 tokens");
    expect_out(r, "ok       schema ");
    expect_out(r, "ok       streaming ");
    assert_null(strstr(r->out, "note "));
}

static void answers_keep_to_their_schema(void **state)
{
    struct llama *l = *state;
    const char *const *args =
        ARGS("generate", HANDBOOK, "-o", "qa.json", AS_VLLM(l), BARE, "--max-chunks", "48");
    struct run *r = place_run(l->p, args);
    run_expect(r, 0);
    assert_true(expect_sound(l, "qa", "generate", r) >= 48);
    /* What was answered is not asked again. */
    run_expect(place_run(l->p, args), 0);
    struct gen_json_doc *summary = place_summary(l->p, "qa");
    assert_int_equal(summary_count(summary, "generate", "requests_sent"), 0);
    assert_int_equal(summary_count(summary, "generate", "in"), 48);
    gen_json_doc_free(summary);
}

static void answers_come_as_a_stream(void **state)
{
    struct llama *l = *state;
    struct run *r = place_run(
        l->p, ARGS("generate", CHUNKS, "-o", "stream.json", AS_VLLM(l), BARE, "--stream", "on"));
    run_expect(r, 0);
    assert_true(expect_sound(l, "stream", "generate", r) >= 12);
}

static void a_pipeline_ends_whole(void **state)
{
    struct llama *l = *state;
    struct run *r = place_run(l->p, ARGS("pipeline", CHUNKS, "-o", "rows.jsonl", AS_VLLM(l), BARE));
    run_expect(r, 0);
    (void)expect_sound(l, "rows", "generate", r);
    assert_true(place_has(l->p, "rows.jsonl"));
    (void)place_rows(l->p, "rows.jsonl");
}

/* No nonsense gets so far in the pipeline: the later steps get pairs that have sense. The ids that
 * they must repeat are beyond this model, so all of the items fail, and are accounted for. */
static void later_steps_keep_to_their_schemas(void **state)
{
    struct llama *l = *state;
    static const char *const steps[] = {"enrich", "curate"};
    run_expect(place_run(l->p, ARGS("generate", CHUNKS, "-o", "pairs.json", "--provider",
                                    "extractive", BARE)),
               0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char out[32];
        (void)snprintf(out, sizeof(out), "%s.json", steps[i]);
        struct run *r = place_run(l->p, ARGS(steps[i], "pairs.json", "-o", out, AS_VLLM(l),
                                             "--temperature", "1", "--progress", "none"));
        run_expect(r, 3);
        (void)expect_sound(l, steps[i], steps[i], r);
    }
}

/* The server ends a connection with its hundredth answer. */
static void a_connection_that_is_used_up(void **state)
{
    struct llama *l = *state;
    struct run *r = place_run(l->p, ARGS("generate", HANDBOOK, "-o", "one.json", AS_VLLM(l), BARE,
                                         "--workers", "1", "--max-chunks", "105"));
    run_expect(r, 0);
    assert_true(expect_sound(l, "one", "generate", r) > CONNECTION_REQUESTS_MAX);
}

/* All of the connections are dead when the program goes on, as after a laptop's sleep. */
static void connections_that_the_server_closed(void **state)
{
    struct llama *l = *state;
    struct run *r = place_start(
        l->p, &(struct run_spec){.args = ARGS("generate", HANDBOOK, "-o", "idle.json", AS_VLLM(l),
                                              BARE, "--workers", "4", "--max-chunks", "60")});
    run_sleep_ms(UNDER_WAY_MS);
    assert_false(has_ended(r));
    assert_int_equal(kill(r->pid, SIGSTOP), 0);
    run_sleep_ms(IDLE_CLOSE_MS + 1500);
    assert_int_equal(kill(r->pid, SIGCONT), 0);
    run_wait(r);
    run_expect(r, 0);
    assert_true(expect_sound(l, "idle", "generate", r) >= 60);
}

static void a_server_that_is_killed_and_comes_back(void **state)
{
    struct llama *l = *state;
    uint16_t usual = l->p->server.port;
    uint16_t port = free_port();
    struct run *server = serve(l, port, SLOTS, ALL_TOKENS);
    point_at(l, port);
    struct run *r =
        place_start(l->p, &(struct run_spec){.args = ARGS("generate", HANDBOOK, "-o", "again.json",
                                                          AS_VLLM(l), BARE, "--max-chunks", "48")});
    run_sleep_ms(UNDER_WAY_MS);
    bool was_done = has_ended(r);
    run_release(server);
    run_sleep_ms(500);
    server = serve(l, port, SLOTS, ALL_TOKENS);
    run_wait(r);
    run_release(server);
    point_at(l, usual);
    assert_false(was_done);
    run_expect(r, 0);
    struct gen_json_doc *summary = place_summary(l->p, "again");
    assert_int_equal(summary_count(summary, "generate", "in"), 48);
    assert_int_equal(summary_sum(summary, "generate", "failed"), 0);
    assert_true(summary_count(summary, "generate", "attempts_by_class.transport") > 0);
    assert_int_equal(summary_sum(summary, "generate", "attempts_by_class"),
                     summary_count(summary, "generate", "attempts_by_class.transport"));
    gen_json_doc_free(summary);
}

static void an_answer_that_is_cut(void **state)
{
    struct llama *l = *state;
    struct run *r = place_run(
        l->p, ARGS("generate", CHUNKS, "-o", "cut.json", AS_VLLM(l), BARE, "--max-tokens", "12"));
    run_expect(r, 5);
    run_expect_says(r, "all of class truncated");
    run_expect_says(r, "--max-tokens");
    r = place_run(l->p, ARGS("status", "cut.ledger", "--json"));
    run_expect(r, 0);
    /* Paid for and kept: tokens are known to the last one. */
    struct gen_json_doc *doc = NULL;
    assert_int_equal(gen_json_parse(&doc, gen_str_from(r->out), NULL), GEN_OK);
    const struct gen_json *totals = gen_json_get(gen_json_root(doc), "totals");
    int64_t n_answers = 0;
    int64_t n_tokens = 0;
    assert_true(gen_json_as_int(gen_json_get(totals, "answered"), &n_answers));
    assert_true(gen_json_as_int(gen_json_get(totals, "tokens_out"), &n_tokens));
    assert_true(n_answers > 0);
    assert_int_equal(n_tokens, n_answers * 12);
    gen_json_doc_free(doc);
}

static void expect_overflow(struct llama *l, struct run *r, const char *failures)
{
    run_expect(r, 5);
    run_expect_says(r, "context_overflow");
    char *text = place_read(l->p, failures, NULL);
    assert_non_null(strstr(text, "\"class\":\"context_overflow\""));
    assert_non_null(strstr(text, "the model's context 2048"));
    free(text);
    assert_int_equal(place_rows(l->p, failures), 12);
}

static void a_context_that_is_too_small(void **state)
{
    struct llama *l = *state;
    uint16_t usual = l->p->server.port;
    uint16_t port = free_port();
    struct run *server = serve(l, port, "2", "4096");
    point_at(l, port);
    struct run *whole =
        place_run(l->p, ARGS("generate", CHUNKS, "-o", "over.json", AS_VLLM(l), BARE));
    struct run *stream = place_run(
        l->p, ARGS("generate", CHUNKS, "-o", "over_s.json", AS_VLLM(l), BARE, "--stream", "on"));
    struct run *anthropic =
        place_run_env(l->p, ARGS("generate", CHUNKS, "-o", "over_a.json", AS_ANTHROPIC(l), BARE),
                      ARGS("ANTHROPIC_API_KEY=any"));
    struct run *doctor = place_run(l->p, ARGS("doctor", AS_VLLM(l), "--corpus", CHUNKS));
    run_release(server);
    point_at(l, usual);
    expect_overflow(l, whole, "over_failures.jsonl");
    expect_overflow(l, stream, "over_s_failures.jsonl");
    expect_overflow(l, anthropic, "over_a_failures.jsonl");
    run_expect(doctor, 5);
    expect_out(doctor, "PROBLEM  context        it holds 2048 tokens");
}

/* The server's /v1/messages takes no schema (output_config is ignored), so what comes is prose
 * without end: that it comes, is counted and is called what it is, is what can be tested. */
static void the_shape_of_anthropic(void **state)
{
    struct llama *l = *state;
    static const char *const streams[] = {"off", "on"};
    for (size_t i = 0; i < 2; i++) {
        char out[32];
        char ledger[32];
        (void)snprintf(out, sizeof(out), "claude_%s.json", streams[i]);
        (void)snprintf(ledger, sizeof(ledger), "claude_%s.ledger", streams[i]);
        struct run *r = place_run_env(l->p,
                                      ARGS("generate", CHUNKS, "-o", out, AS_ANTHROPIC(l), BARE,
                                           "--max-tokens", "100", "--stream", streams[i]),
                                      ARGS("ANTHROPIC_API_KEY=any"));
        assert_true(r->status == 3 || r->status == 5);
        r = place_run(l->p, ARGS("status", ledger, "--json"));
        run_expect(r, 0);
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_json_parse(&doc, gen_str_from(r->out), NULL), GEN_OK);
        const struct gen_json *totals = gen_json_get(gen_json_root(doc), "totals");
        int64_t n_answers = 0;
        int64_t n_failed = -1;
        int64_t n_in = 0;
        int64_t n_out = 0;
        assert_true(gen_json_as_int(gen_json_get(totals, "answered"), &n_answers));
        assert_true(gen_json_as_int(gen_json_get(totals, "failed"), &n_failed));
        assert_true(gen_json_as_int(gen_json_get(totals, "tokens_in"), &n_in));
        assert_true(gen_json_as_int(gen_json_get(totals, "tokens_out"), &n_out));
        print_message("llama: claude_%s: %lld answers, %lld tokens in, %lld out\n", streams[i],
                      (long long)n_answers, (long long)n_in, (long long)n_out);
        assert_true(n_answers >= 12);
        assert_int_equal(n_failed, 0);
        assert_true(n_in > n_answers * 1000);
        assert_true(n_out > n_answers && n_out <= n_answers * 100);
        gen_json_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doctor_finds_it_well),
        cmocka_unit_test(answers_keep_to_their_schema),
        cmocka_unit_test(answers_come_as_a_stream),
        cmocka_unit_test(a_pipeline_ends_whole),
        cmocka_unit_test(later_steps_keep_to_their_schemas),
        cmocka_unit_test(a_connection_that_is_used_up),
        cmocka_unit_test(connections_that_the_server_closed),
        cmocka_unit_test(a_server_that_is_killed_and_comes_back),
        cmocka_unit_test(an_answer_that_is_cut),
        cmocka_unit_test(a_context_that_is_too_small),
        cmocka_unit_test(the_shape_of_anthropic),
    };
    if (!getenv("LLAMA_SERVER")) {
        print_message("SKIPPED: LLAMA_SERVER names no llama-server\n");
        return 77; /* ctest counts it as skipped */
    }
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
