/*
 * Everything a server can do wrong, always and now and then: the run ends in good time, with the
 * right exit status, names the class of what happened, and accounts for every input.
 */
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT_ONCE     48U
#define N_CHUNKS    12
#define INTERRUPTED 130

struct fault_case {
    const char *fault;
    int status; /* when it always happens; INTERRUPTED: it would go on, and is stopped */
    const char
        *name; /* class of the attempts or failures, or a note; NULL: it is no fault for us */
};

static const struct fault_case faults[] = {
    {"refuse", 5, "transport"},
    {"close", 5, "transport"},
    {"reset", 5, "transport"},
    {"hang", 5, "transport"},
    {"slow", 5, "transport"},
    {"cut", 5, "transport"},
    {"cutchunk", 5, "transport"},
    {"cutclose", 5, "transport"},
    {"chunked", 0, NULL},
    {"429", INTERRUPTED, "rate_limit"},
    {"429ms", INTERRUPTED, "rate_limit"},
    {"429date", INTERRUPTED, "rate_limit"},
    {"429bare", INTERRUPTED, "rate_limit"},
    {"429absurd", 5, "quota"},
    {"429quota", 5, "quota"},
    {"500", 5, "server_error"},
    {"502", 5, "server_error"},
    {"503", INTERRUPTED, "overload"},
    {"504", 5, "server_error"},
    {"529", INTERRUPTED, "overload"},
    {"400ctx", 5, "context_overflow"},
    {"400param", 0, "unsupported_param"},
    {"401", 5, "auth"},
    {"404model", 5, "bad_request"},
    {"200error", 5, "server_error"},
    {"nochoices", 5, "server_error"},
    {"length", 5, "truncated"},
    {"nousage", 0, NULL},
    {"empty", 5, "malformed"},
    {"fenced", 0, "repaired_fence"},
    {"prose", 0, "repaired_prose"},
    {"nonjson", 5, "malformed"},
    {"missing", 5, "malformed"},
    {"wrongtype", 5, "malformed"},
    {"nested", 5, "malformed"},
    {"dupkeys", 5, "malformed"},
    {"surrogate", 0, "repaired_surrogate"},
    {"badutf8", 5, "transport"},
    {"big", 5, "bad_request"},
    {"contenttype", 0, NULL},
    {"redirect", 5, "bad_request"},
    {"closeafter", 0, NULL},
    {"idleclose", 0, NULL},
    {"429credit", 5, "quota"},
    {"slowdown", INTERRUPTED, "rate_limit"},
    {"402", 5, "quota"},
    {"402retry", 5, "quota"}, /* the error is a billing error, whatever it says about a wait */
    {"400credit", 5, "quota"},
    {"500noretry", 5, "server_error"},
    {"500html", 5, "server_error"},
    {"403", 5, "auth"},
    {"408", INTERRUPTED, "rate_limit"},
    {"409", 5, "server_error"},
    {"498", INTERRUPTED, "overload"},
    {"refusal", 5, "blocked"},
    {"filter", 5, "blocked"},
    {"recitation", 0, NULL},
    {"ctxwindow", 5, "truncated"},
    {"continuation", 0, NULL},
    {"abort", 5, "server_error"},
    {"big10", 5, "malformed"},
    {"gzip", 0, NULL},
    {"blanks", 0, NULL},
    {"chunk1", 0, NULL},
    {"bytewise", 0, NULL},
    {"cuthead", 5, "transport"},
    {"deadkeep", 0, NULL},
    {"ssecomments", 0, NULL}, /* streams are test_classes.c's */
    {"ssecrlf", 0, NULL},
    {"sseutf8", 0, NULL},
    {"sseerror", 0, NULL},
    {"ssenodone", 0, NULL},
    {"ssecut", 0, NULL},
    {"ssetwo", 0, NULL},
    {"ssestall", 0, NULL},
    {"late", 0, NULL},
};
#define N_FAULTS (sizeof(faults) / sizeof(faults[0]))

/* One run against a server of its own. */
struct trial {
    const struct fault_case *fault;
    bool always;
    char stem[40];
    struct fake_process server;
    struct run *run;
};

static void start(struct place *p, struct trial *t, const struct fault_case *fault, bool always)
{
    char rule[40];
    char url[80];
    char output[48];
    *t = (struct trial){.fault = fault, .always = always};
    /* After each of them the rate is halved, and grows by half in 15 minutes: one is enough. */
    bool is_lasting = strcmp(fault->fault, "slowdown") == 0;
    /* Each of these pauses the whole run, by design: a few do. */
    bool is_pausing = strncmp(fault->fault, "429", 3) == 0;
    (void)snprintf(rule, sizeof(rule), "%s%s", fault->fault,
                   always       ? ":1"
                   : is_lasting ? "@9"
                   : is_pausing ? ":0.1"
                                : ":0.2");
    (void)snprintf(t->stem, sizeof(t->stem), "%s-%s", fault->fault, always ? "always" : "some");
    (void)snprintf(output, sizeof(output), "%s.jsonl", t->stem);
    assert_int_equal(
        fake_process_start(&t->server, ARGS("--fault", rule, "--slow-ms", "30", "--late-ms", "200",
                                            "--refuse-ms", "150", "--retry-after", "1")),
        0);
    (void)snprintf(url, sizeof(url), "%s/v1", t->server.url);
    t->run = place_start(
        p, &(struct run_spec){.args = ARGS("pipeline", CHUNKS, "-o", output, "--provider", "vllm",
                                           "--model", "fake-model", "--base-url", url, "--timeout",
                                           "1", "--progress", "none", "--min-chunk-chars", "0")});
}

static int64_t sum_named(const struct gen_json_doc *summary, const char *name)
{
    static const char *const kinds[] = {"attempts_by_class", "failed", "notes"};
    int64_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        char path[96];
        (void)snprintf(path, sizeof(path), "%s.%s", kinds[i], name);
        sum += summary_total(summary, path);
    }
    return sum;
}

static int64_t n_failed(const struct gen_json_doc *summary)
{
    static const char *const stages[] = {"generate", "enrich", "curate", "export"};
    int64_t sum = 0;
    for (size_t i = 0; i < 4; i++)
        sum += summary_sum(summary, stages[i], "failed");
    return sum;
}

/* The exit status follows from the account, and the files from both. */
static void check_consistency(struct place *p, const struct trial *t,
                              const struct gen_json_doc *summary)
{
    char output[64];
    char failures[64];
    struct gen_str end = summary_text(summary, "end");
    int64_t failed = n_failed(summary);
    (void)snprintf(output, sizeof(output), "%s.jsonl", t->stem);
    (void)snprintf(failures, sizeof(failures), "%s_failures.jsonl", t->stem);
    switch (t->run->status) {
    case 0:
    case 3:
        assert_true(gen_str_is(end, "done"));
        assert_int_equal(t->run->status, failed ? 3 : 0);
        assert_int_equal(summary_count(summary, "export", "out"), place_rows(p, output));
        break;
    case 5:
        assert_true(gen_str_is(end, "provider_unusable"));
        assert_true(summary_text(summary, "reason").n > 0);
        assert_false(place_has(p, output));
        break;
    default:
        assert_int_equal(t->run->status, INTERRUPTED);
        assert_true(gen_str_is(end, "interrupted"));
        assert_false(place_has(p, output));
    }
    assert_int_equal(summary_count(summary, "generate", "in"), N_CHUNKS);
    if (failed)
        assert_int_equal(place_rows(p, failures), failed);
    else
        assert_false(place_has(p, failures));
}

static void check_trial(struct place *p, struct trial *t)
{
    char by_fault[48];
    const struct fault_case *f = t->fault;
    run_wait(t->run);
    (void)snprintf(by_fault, sizeof(by_fault), "by_fault.%s", f->fault);
    bool happened = fake_process_stat(&t->server, by_fault) > 0 || strcmp(f->fault, "refuse") == 0;
    int status = t->run->status;
    bool can_be = status == 0 || status == 3 || (status == 5 && f->status == 5);
    if (t->always ? status != f->status : !can_be)
        print_error("fault %s\n", t->stem);
    run_expect(t->run, t->always ? f->status : can_be ? status : f->status);
    struct gen_json_doc *summary = place_summary(p, t->stem);
    bool is_named =
        !f->name || sum_named(summary, f->name) > 0 ||
        gen_str_find(summary_text(summary, "reason"), gen_str_from(f->name), 0) != SIZE_MAX;
    if (happened && !is_named)
        fail_msg("%s: neither account nor reason has \"%s\"", t->stem, f->name);
    check_consistency(p, t, summary);
    gen_json_doc_free(summary);
    (void)fake_process_stop(&t->server);
}

/* What goes on for as long as the server says so is stopped by Ctrl-C at once: when the server has
 * met the fault once, and the program therefore stands. */
static void stop_endless(struct trial *t)
{
    char by_fault[48];
    if (!t->always || t->fault->status != INTERRUPTED)
        return;
    (void)snprintf(by_fault, sizeof(by_fault), "by_fault.%s", t->fault->fault);
    for (int i = 0; i < 2000 && fake_process_stat(&t->server, by_fault) == 0; i++)
        run_sleep_ms(20);
    assert_int_equal(kill(t->run->pid, SIGINT), 0);
}

static void run_all(struct place *p, bool always)
{
    struct trial trials[AT_ONCE];
    for (size_t first = 0; first < N_FAULTS; first += AT_ONCE) {
        size_t n = N_FAULTS - first < AT_ONCE ? N_FAULTS - first : AT_ONCE;
        for (size_t i = 0; i < n; i++)
            start(p, &trials[i], &faults[first + i], always);
        for (size_t i = 0; i < n; i++)
            stop_endless(&trials[i]);
        for (size_t i = 0; i < n; i++)
            check_trial(p, &trials[i]);
    }
}

static void a_fault_that_always_happens(void **state)
{
    run_all(*state, true);
}

static void a_fault_that_happens_now_and_then(void **state)
{
    run_all(*state, false);
}

static void every_fault_of_the_server_is_here(void **state)
{
    struct place *p = *state;
    struct run *r =
        place_start(p, &(struct run_spec){.program = FAKELLM_PATH, .args = ARGS("--list-faults")});
    run_wait(r);
    run_expect(r, 0);
    struct gen_str rest = gen_str_from(r->out);
    struct gen_str line;
    size_t n = 0;
    while (gen_str_next_line(&rest, &line)) {
        bool known = false;
        for (size_t i = 0; i < N_FAULTS; i++)
            known |= gen_str_is(line, faults[i].fault);
        if (!known)
            fail_msg("fault %.*s has no case", GEN_STR_ARG(line));
        n++;
    }
    assert_int_equal(n, N_FAULTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_fault_of_the_server_is_here),
        TEST(a_fault_that_always_happens),
        TEST(a_fault_that_happens_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
