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
#define KEY_CORE   "Xq7secretSECRET" /* also when a part is masked */

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
