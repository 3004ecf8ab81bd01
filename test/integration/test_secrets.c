/* A key is in the environment, in memory and in one request header: nowhere else. */
#include "place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
#define KEY        "sk-Xq7secretSECRETsecret42"
#define WITH_KEY   "http://user:" KEY "@127.0.0.1:9/v1"
#define KEY_CORE   "Xq7secretSECRET"         /* also when a part is masked */
#define PLAIN_KEY  "Xq7secretSECRETsecret42" /* looks like no provider's key */

struct speaker {
    const char *provider, *model, *path;
};

static const struct speaker speakers[] = {
    {"ollama", "fake-model", ""},
    {"openai", "fake-model", "/v1"},
    {"vllm", "fake-model", "/v1"},
    {"anthropic", "claude-haiku-5-5", ""},
    {"gemini", "gemini-2.5-flash", "/v1beta"},
};
#define N_SPEAKERS (sizeof(speakers) / sizeof(speakers[0]))
#define ENV_OF(key)                                                                                \
    ((const char *const[]){"OPENAI_API_KEY=" key, "ANTHROPIC_API_KEY=" key, "GOOGLE_API_KEY=" key, \
                           "OLLAMA_API_KEY=" key, "VLLM_API_KEY=" key, NULL})

static void check_nowhere(const struct place *p, const struct run *r)
{
    char name[300];
    assert_null(strstr(r->err, KEY_CORE));
    assert_null(strstr(r->out, KEY_CORE));
    if (place_any_file_has(p, KEY_CORE, name, sizeof(name)))
        fail_msg("the key is in %s", name);
}

/* The command line of a running process, with spaces for its NUL bytes. */
static void read_command_line(pid_t pid, char *out, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, out, size - 1);
    assert_true(n > 0);
    (void)close(fd);
    for (ssize_t i = 0; i + 1 < n; i++) {
        if (out[i] == '\0')
            out[i] = ' ';
    }
    out[n] = '\0';
}

static const char *const *args_for(const struct place *p, const char **args, const char *config)
{
    const char *all[] = {
        "pipeline",   CHUNKS,       "-o",  "t.jsonl",           "--provider", "openai",   "--model",
        "fake-model", "--base-url", p->v1, "--min-chunk-chars", "0",          "--verbose"};
    size_t n = sizeof(all) / sizeof(all[0]);
    memcpy(args, all, sizeof(all));
    if (config) {
        args[n++] = "--config";
        args[n++] = config;
    }
    args[n] = NULL;
    return args;
}

static void the_key_is_sent_and_kept_nowhere(void **state)
{
    struct place *p = *state;
    char command_line[2048];
    const char *args[32];
    place_serve(p, ARGS("--api-key", KEY, "--latency-ms", "150", "--fault", "500@2"));
    struct run *r = place_start(
        p, &(struct run_spec){.args = args_for(p, args, NULL), .env = ARGS("OPENAI_API_KEY=" KEY)});
    for (int i = 0; i < 500 && place_stat(p, "requests") == 0; i++)
        run_sleep_ms(5);
    read_command_line(r->pid, command_line, sizeof(command_line));
    assert_non_null(strstr(command_line, "pipeline"));
    assert_null(strstr(command_line, KEY_CORE));
    run_wait(r);
    run_expect(r, 0); /* so the key was right, and was sent */
    assert_int_equal(place_stat(p, "by_status.401"), 0);
    check_nowhere(p, r);
}

static void a_key_of_the_configuration(void **state)
{
    struct place *p = *state;
    const char *args[32];
    place_write(p, "config.yaml",
                "llm:\n  provider: openai\n  openai:\n    model: m\n"
                "    api_key: ${MY_OWN_KEY}\n");
    place_serve(p, ARGS("--api-key", KEY));
    struct run *r = place_run_env(p, args_for(p, args, "config.yaml"), ARGS("MY_OWN_KEY=" KEY));
    run_expect(r, 0);
    check_nowhere(p, r);
}

/* The server refuses it, and says it back in its error. */
static void a_refused_key_is_not_shown(void **state)
{
    struct place *p = *state;
    const char *args[32];
    place_serve(p, ARGS("--api-key", "another"));
    struct run *r = place_run_env(p, args_for(p, args, NULL), ARGS("OPENAI_API_KEY=" KEY));
    run_expect(r, 5);
    run_expect_says(r, "401");
    check_nowhere(p, r);
    place_script(p, "/fake/script",
                 "{\"replies\":[{\"status\":401,\"headers\":{},\"body\":{\"error\":{\"message\":"
                 "\"Incorrect API key provided: " KEY ".\",\"code\":\"invalid_api_key\"}}}]}");
    place_remove(p, "t.ledger");
    r = place_run_env(p, args_for(p, args, NULL), ARGS("OPENAI_API_KEY=" KEY));
    run_expect(r, 5);
    check_nowhere(p, r);
}

/* A redirect to another host gets neither the key nor anything else. */
static void redirects_do_not_get_the_key(void **state)
{
    struct place *p = *state;
    struct fake_process other = {0};
    const char *args[32];
    char target[96];
    assert_int_equal(fake_process_start(&other, NULL), 0);
    (void)snprintf(target, sizeof(target), "http://localhost:%u/fake/trap", other.port);
    place_serve(p, ARGS("--fault", "redirect", "--redirect-to", target));
    struct run *r = place_run_env(p, args_for(p, args, NULL), ARGS("OPENAI_API_KEY=" KEY));
    long long with_key = fake_process_stat(&other, "trap_hits_with_key");
    long long requests = fake_process_stat(&other, "requests");
    (void)fake_process_stop(&other);
    run_expect(r, 5);
    run_expect_says(r, "302");
    assert_int_equal(with_key, 0);
    assert_int_equal(requests, 0);
    check_nowhere(p, r);
}

/* Runs a command with the speaker's options and `more`. */
static struct run *run_speaker(struct place *p, const struct speaker *s, const char *const *command,
                               const char *const *more, const char *const *env)
{
    const char *args[40];
    char url[160];
    size_t n = 0;
    (void)snprintf(url, sizeof(url), "%s%s", p->server.url, s->path);
    for (; *command; command++)
        args[n++] = *command;
    const char *const own[] = {"--provider", s->provider, "--model", s->model,
                               "--base-url", url,         NULL};
    for (size_t i = 0; own[i]; i++)
        args[n++] = own[i];
    for (; *more; more++)
        args[n++] = *more;
    args[n] = NULL;
    return place_run_env(p, args, env);
}

#define PIPELINE ARGS("pipeline", CHUNKS, "-o", "t.jsonl", "--min-chunk-chars", "0")

static void every_provider_keeps_it(void **state)
{
    static const char *const ways[][5] = {
        {"--verbose"},
        {"--verbose", "--log-json", "--stream", "on"},
        {"--quiet", "--reasoning-effort", "low"},
    };
    struct place *p = *state;
    place_serve(
        p, ARGS("--api-key", KEY, "--fault", "500@2", "--fault", "429@4", "--retry-after", "1"));
    for (size_t i = 0; i < N_SPEAKERS; i++) {
        for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
            place_script(p, "/fake/reset", "{}");
            struct run *r = run_speaker(p, &speakers[i], PIPELINE, ways[k], ENV_OF(KEY));
            run_expect(r, 0);
            assert_int_equal(place_stat(p, "by_status.401"), 0);
            assert_int_equal(place_stat(p, "keys_in_url"), 0);
            check_nowhere(p, r);
            place_remove(p, "t.ledger");
        }
    }
}

/* The key goes into another header with the newer version. */
static void both_versions_of_anthropic(void **state)
{
    static const char *const versions[] = {"2023-06-01", "2026-10-21"};
    struct place *p = *state;
    place_serve(p, ARGS("--api-key", KEY));
    for (size_t i = 0; i < 2; i++) {
        struct run *r = run_speaker(p, &speakers[3], PIPELINE,
                                    ARGS("--verbose", "--api-version", versions[i]), ENV_OF(KEY));
        run_expect(r, 0);
        check_nowhere(p, r);
        place_remove(p, "t.ledger");
    }
}

/* Servers say a key back in ways that no pattern knows. */
static void a_key_said_back_is_not_repeated(void **state)
{
    static const char *const replies[] = {
        "{\"status\":401,\"headers\":{},\"body\":{\"error\":\"who is " PLAIN_KEY "?\"}}",
        "{\"status\":400,\"headers\":{},\"raw\":\"" PLAIN_KEY " is unknown here\"}",
        "{\"status\":429,\"headers\":{},\"body\":{\"error\":{\"code\":\"insufficient_quota\","
        "\"message\":\"no money for " PLAIN_KEY "\"}}}",
        "{\"status\":200,\"headers\":{},\"body\":{\"error\":{\"code\":401,\"message\":\"" PLAIN_KEY
        "\"}}}",
        "{\"status\":200,\"headers\":{},\"raw\":\"" PLAIN_KEY " " PLAIN_KEY "\"}",
        "{\"status\":302,\"headers\":{\"Location\":\"http://127.0.0.1:9/?key=" PLAIN_KEY
        "\"},\"raw\":\"\"}",
        "{\"status\":200,\"headers\":{\"Content-Type\":\"text/event-stream\"},\"raw\":\"data: "
        "{\\\"error\\\":{\\\"message\\\":\\\"" PLAIN_KEY "\\\"}}\\n\\n\"}",
        "{\"status\":401,\"headers\":{\"x-request-id\":\"" PLAIN_KEY "\"},\"raw\":\"\"}",
    };
    struct place *p = *state;
    place_serve(p, NULL);
    for (size_t i = 0; i < N_SPEAKERS; i++) {
        for (size_t k = 0; k < sizeof(replies) / sizeof(replies[0]); k++) {
            char script[600];
            (void)snprintf(script, sizeof(script), "{\"replies\":[%s,%s]}", replies[k], replies[k]);
            place_script(p, "/fake/reset", "{}");
            place_script(p, "/fake/script", script);
            struct run *r =
                run_speaker(p, &speakers[i],
                            ARGS("generate", CHUNKS, "-o", "t.jsonl", "--max-chunks", "1",
                                 "--min-chunk-chars", "0"),
                            ARGS("--verbose", "--stream", k % 2 ? "on" : "off"), ENV_OF(PLAIN_KEY));
            assert_in_range(r->status, 0, 5);
            run_expect(r, r->status);
            check_nowhere(p, r);
            place_remove(p, "t.ledger");
        }
    }
}

static void no_provider_follows_a_redirect(void **state)
{
    static const char *const ways[] = {"off", "on"};
    struct place *p = *state;
    struct fake_process other = {0};
    char target[96];
    assert_int_equal(fake_process_start(&other, NULL), 0);
    (void)snprintf(target, sizeof(target), "http://localhost:%u/fake/trap", other.port);
    place_serve(p, ARGS("--fault", "redirect", "--redirect-to", target));
    for (size_t i = 0; i < N_SPEAKERS * 2; i++) {
        struct run *r =
            run_speaker(p, &speakers[i / 2], PIPELINE, ARGS("--stream", ways[i % 2]), ENV_OF(KEY));
        run_expect(r, 5);
        run_expect_said(r, ARGS("HTTP 302", "not followed"));
        check_nowhere(p, r);
    }
    assert_int_equal(fake_process_stat(&other, "trap_hits"), 0);
    assert_int_equal(fake_process_stat(&other, "requests"), 0);
    (void)fake_process_stop(&other);
}

static void the_other_commands(void **state)
{
    struct place *p = *state;
    static const char *const keys[] = {KEY, "another"};
    for (size_t k = 0; k < 2; k++) {
        place_serve(p, ARGS("--api-key", keys[k], "--model", "fake-model", "--model",
                            "claude-haiku-5-5", "--model", "gemini-2.5-flash"));
        for (size_t i = 0; i < N_SPEAKERS; i++) {
            struct run *r =
                run_speaker(p, &speakers[i], ARGS("doctor"), ARGS("--verbose"), ENV_OF(KEY));
            assert_in_range(r->status, 0, 5);
            check_nowhere(p, r);
            r = run_speaker(p, &speakers[i], ARGS("list-providers"), ARGS("--verbose"),
                            ENV_OF(KEY));
            check_nowhere(p, r);
            r = run_speaker(p, &speakers[i], PIPELINE, ARGS("--dry-run"), ENV_OF(KEY));
            check_nowhere(p, r);
        }
    }
    struct run *r = run_speaker(p, &speakers[1], PIPELINE, ARGS("--verbose"), ENV_OF(KEY));
    run_expect(r, 5);
    check_nowhere(p, place_run(p, ARGS("status", "t.ledger", "--json")));
}

static void batches_keep_it(void **state)
{
    static const size_t with_batches[] = {1, 3, 4};
    struct place *p = *state;
    place_serve(p, ARGS("--api-key", KEY, "--batch-ms", "50"));
    for (size_t i = 0; i < 3; i++) {
        const struct speaker *s = &speakers[with_batches[i]];
        struct run *r = run_speaker(
            p, s, PIPELINE, ARGS("--batch", "--batch-poll", "0.05", "--verbose"), ENV_OF(KEY));
        run_expect(r, 0);
        check_nowhere(p, r);
        assert_int_equal(place_stat(p, "keys_in_url"), 0);
        r = place_run_env(p, ARGS("batches", "t.ledger"), ENV_OF(KEY));
        check_nowhere(p, r);
        place_remove(p, "t.ledger");
    }
}

/* A key in the address is refused before anything is opened, and not repeated. */
static void no_key_in_the_address(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("generate", CHUNKS, "-o", "t.jsonl", "--provider", "vllm",
                                      "--model", "m", "--base-url", WITH_KEY));
    run_expect(r, 2);
    run_expect_says(r, "--base-url");
    check_nowhere(p, r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_is_sent_and_kept_nowhere),
        TEST(a_key_of_the_configuration),
        TEST(a_refused_key_is_not_shown),
        TEST(redirects_do_not_get_the_key),
        TEST(no_key_in_the_address),
        TEST(every_provider_keeps_it),
        TEST(both_versions_of_anthropic),
        TEST(a_key_said_back_is_not_repeated),
        TEST(no_provider_follows_a_redirect),
        TEST(the_other_commands),
        TEST(batches_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
