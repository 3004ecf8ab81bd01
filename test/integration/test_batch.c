/* Half-price batches of the three providers: the bytes of live answers, whatever happens on the
 * way, and nothing submitted twice. */
#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

static const struct kind {
    const char *provider, *path, *model, *budget;
    bool has_files; /* requests are uploaded before the batch is made of them */
} kinds[] = {
    {"openai", "/v1", "gpt-4o-mini", "0.002", true},
    {"anthropic", "", "claude-haiku-4-5", "0.02", false},
    {"gemini", "/v1beta", "gemini-2.0-flash", "0.002", false},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One command, with room for the texts that its arguments point to. */
struct command {
    char url[96];
    const char *args[40];
    size_t n;
};

static const char *const keys[] = {"OPENAI_API_KEY=sk-test-key", "ANTHROPIC_API_KEY=sk-test-key",
                                   "GEMINI_API_KEY=sk-test-key", NULL};

static void make(struct command *c, const struct place *p, const struct kind *k, const char *verb,
                 const char *out, const char *const *more)
{
    memset(c, 0, sizeof(*c));
    (void)snprintf(c->url, sizeof(c->url), "%s%s", p->server.url, k->path);
    const char *const fixed[] = {
        verb,     CHUNKS,       "-o",   out,          "--provider", k->provider,         "--model",
        k->model, "--base-url", c->url, "--progress", "plain",      "--min-chunk-chars", "0",
        NULL};
    for (size_t i = 0; fixed[i]; i++)
        c->args[c->n++] = fixed[i];
    for (; more && *more; more++)
        c->args[c->n++] = *more;
}

#define BATCH ARGS("--batch", "--batch-poll", "0.02")

static struct run *run_kind(struct place *p, const struct kind *k, const char *verb,
                            const char *out, const char *const *more)
{
    struct command c;
    make(&c, p, k, verb, out, more);
    return place_run_env(p, c.args, keys);
}

static struct run *start_kind(struct place *p, const struct kind *k, const char *verb,
                              const char *out, const char *const *more)
{
    struct command c;
    make(&c, p, k, verb, out, more);
    return place_start(p, &(struct run_spec){.args = c.args, .env = keys});
}

static void forget(const struct place *p, const char *stem)
{
    static const char *const ends[] = {
        ".jsonl",          ".ledger",       "_summary.json",     "_all_rated.json",
        "_failures.jsonl", "_metrics.json", "_distribution.json"};
    char name[64];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", stem, ends[i]);
        if (place_has(p, name))
            place_remove(p, name);
    }
}

/* Until the server has counted so much of something. */
static void wait_for(const struct place *p, const char *what, long long n)
{
    uint64_t end = run_now_ms() + 20000;
    while (place_stat(p, what) < n) {
        if (run_now_ms() > end)
            fail_msg("%s did not come to %lld", what, n);
        run_sleep_ms(1);
    }
}

static void kill_run(struct run *r)
{
    (void)kill(r->pid, SIGKILL);
    run_wait(r);
}

/* Three stages are three rounds. What Anthropic is sent live and in batches differs in how long the
 * prefix is to be kept, and fakellm answers other bytes with other bytes. */
static void the_bytes_are_those_of_live_answers(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "30"));
        run_expect(run_kind(p, k, "pipeline", "live.jsonl", NULL), 0);
        struct run *r = run_kind(p, k, "pipeline", "batch.jsonl", BATCH);
        run_expect(r, 0);
        run_expect_says(r, "12 requests submitted");
        assert_int_equal(place_stat(p, "batches"), 3);
        assert_int_equal(place_stat(p, "files"), k->has_files ? 3 : 0);
        if (strcmp(k->provider, "anthropic") != 0)
            assert_true(place_same(p, "live.jsonl", "batch.jsonl"));
        /* And a second time nothing is asked. */
        char *first = place_read(p, "batch.jsonl", NULL);
        run_expect(run_kind(p, k, "pipeline", "batch.jsonl", BATCH), 0);
        char *second = place_read(p, "batch.jsonl", NULL);
        assert_string_equal(first, second);
        assert_int_equal(place_stat(p, "batches"), 3);
        free(first);
        free(second);
        forget(p, "live");
        forget(p, "batch");
    }
}

static double total_cost(const struct place *p, const char *stem)
{
    char name[64];
    double sum = 0;
    (void)snprintf(name, sizeof(name), "%s_summary.json", stem);
    struct gen_json_doc *doc = place_json(p, name);
    const struct gen_json *stages = gen_json_get(gen_json_root(doc), "stages");
    for (size_t i = 0; i < gen_json_count(stages); i++) {
        double cost = 0;
        assert_true(gen_json_as_real(gen_json_get(gen_json_at(stages, i), "cost_usd"), &cost));
        sum += cost;
    }
    gen_json_doc_free(doc);
    assert_true(sum > 0);
    return sum;
}

static void the_price_is_half(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "20", "--cache-min-tokens", "1000000"));
        run_expect(run_kind(p, k, "generate", "live.jsonl", NULL), 0);
        run_expect(run_kind(p, k, "generate", "batch.jsonl", BATCH), 0);
        double ratio = total_cost(p, "batch") / total_cost(p, "live");
        /* Anthropic's answers are not quite the same, see above. */
        assert_true(ratio > 0.48 && ratio < 0.52);
        forget(p, "live");
        forget(p, "batch");
    }
}

/* The bytes of an undisturbed run in batches, in `want.jsonl`. */
static void undisturbed(struct place *p, const struct kind *k)
{
    place_serve(p, ARGS("--seed", "3", "--batch-ms", "20"));
    run_expect(run_kind(p, k, "pipeline", "want.jsonl", BATCH), 0);
}

static void killed_at_any_moment(void **state)
{
    static const unsigned moments_ms[] = {5, 40, 70, 90, 110, 130, 160, 200, 250, 300, 400, 500};
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        undisturbed(p, k);
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "120"));
        for (size_t m = 0; m < sizeof(moments_ms) / sizeof(moments_ms[0]); m++) {
            struct run *r = start_kind(p, k, "pipeline", "batch.jsonl", BATCH);
            run_sleep_ms(moments_ms[m]);
            kill_run(r);
        }
        run_expect(run_kind(p, k, "pipeline", "batch.jsonl", BATCH), 0);
        assert_true(place_same(p, "want.jsonl", "batch.jsonl"));
        assert_int_equal(place_stat(p, "paid_again"), 0);
        assert_int_equal(place_stat(p, "batches"), 3);
        forget(p, "want");
        forget(p, "batch");
    }
}

/* The moments that hurt: the file is there and no batch; the batch is there and its name was never
 * told; it is there and running; it is done and was not fetched. */
static void killed_when_it_hurts(void **state)
{
    static const struct moment {
        const char *what;
        unsigned after_ms;
        bool is_cut;
    } moments[] = {{"files", 0, false},    {"batches", 0, true},      {"batches", 0, false},
                   {"batches", 60, false}, {"batch_polls", 0, false}, {"batch_polls", 130, false}};
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        undisturbed(p, k);
        for (size_t m = 0; m < sizeof(moments) / sizeof(moments[0]); m++) {
            if (!k->has_files && strcmp(moments[m].what, "files") == 0)
                continue;
            place_serve(p, ARGS("--seed", "3", "--batch-ms", "100", "--batch-cut",
                                moments[m].is_cut ? "1" : "0"));
            struct run *r = start_kind(p, k, "pipeline", "batch.jsonl", BATCH);
            wait_for(p, moments[m].what, 1);
            run_sleep_ms(moments[m].after_ms);
            kill_run(r);
            run_expect(run_kind(p, k, "pipeline", "batch.jsonl", BATCH), 0);
            assert_true(place_same(p, "want.jsonl", "batch.jsonl"));
            assert_int_equal(place_stat(p, "paid_again"), 0);
            assert_int_equal(place_stat(p, "batches"), 3);
            forget(p, "batch");
        }
        forget(p, "want");
    }
}

/* The answer to a creation is lost, and the process lives: the batch is found, not made again. */
static void a_lost_answer_is_looked_for(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        undisturbed(p, k);
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "20", "--batch-cut", "2"));
        struct run *r = run_kind(p, k, "pipeline", "batch.jsonl", BATCH);
        run_expect(r, 0);
        run_expect_says(r, "looking whether the provider has it all the same");
        assert_int_equal(place_stat(p, "batches"), 3);
        assert_int_equal(place_stat(p, "paid_again"), 0);
        assert_true(place_same(p, "want.jsonl", "batch.jsonl"));
        forget(p, "want");
        forget(p, "batch");
    }
}

static void ctrl_c_leaves_batches_to_the_provider(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "1500"));
        struct run *r = start_kind(p, k, "generate", "batch.jsonl", BATCH);
        wait_for(p, "batch_polls", 1);
        uint64_t before = run_now_ms();
        (void)kill(r->pid, SIGINT);
        run_wait(r);
        assert_true(run_now_ms() - before < 1000);
        run_expect(r, 130);
        run_expect_said(r, ARGS("what was submitted is left to the provider",
                                "run the same command again to collect it and go on"));
        r = run_kind(p, k, "generate", "batch.jsonl", BATCH);
        run_expect(r, 0);
        run_expect_says(r, "taking up batch");
        assert_int_equal(place_stat(p, "batches"), 1);
        assert_int_equal(place_stat(p, "batch_lines"), 12);
        struct gen_json_doc *summary = place_summary(p, "batch");
        assert_int_equal(summary_total(summary, "calls"), 12);
        gen_json_doc_free(summary);
        forget(p, "batch");
    }
}

/* Lines that failed or expired are asked again alone; those that were rejected by the next run. */
static void only_what_failed_is_submitted_again(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        undisturbed(p, k);
        long long n_lines = place_stat(p, "batch_lines");
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "20", "--batch-errors", "150000",
                            "--batch-expired", "100000"));
        int status = 3;
        for (unsigned n = 0; n < 8 && status == 3; n++) {
            struct run *r = run_kind(p, k, "pipeline", "batch.jsonl", BATCH);
            status = r->status;
            if (status != 0)
                run_expect(r, 3);
        }
        assert_int_equal(status, 0);
        assert_true(place_same(p, "want.jsonl", "batch.jsonl"));
        assert_int_equal(place_stat(p, "paid_again"), 0);
        assert_true(place_stat(p, "batch_lines") > n_lines);
        assert_true(place_stat(p, "batch_lines") < 2 * n_lines);
        forget(p, "want");
        forget(p, "batch");
    }
}

static struct run *batches(struct place *p, const struct kind *k, const char *const *more)
{
    char url[96];
    const char *args[12] = {"batches", "batch.ledger", "--base-url", url};
    size_t n = 4;
    (void)snprintf(url, sizeof(url), "%s%s", p->server.url, k->path);
    for (; more && *more; more++)
        args[n++] = *more;
    return place_run_env(p, args, keys);
}

static void batches_can_be_canceled(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        undisturbed(p, k);
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "100000"));
        struct run *r = start_kind(p, k, "pipeline", "batch.jsonl", BATCH);
        wait_for(p, "batch_polls", 1);
        struct run *list = batches(p, k, NULL);
        run_expect(list, 0);
        assert_non_null(strstr(list->out, "running"));
        assert_non_null(strstr(list->out, "12 requests"));
        list = batches(p, k, ARGS("--cancel", "all"));
        run_expect(list, 0);
        assert_non_null(strstr(list->out, "canceling"));
        /* Who canceled does not want the rest to be submitted again by the run that waits. */
        run_wait(r);
        run_expect(r, 5);
        run_expect_says(r, "was canceled");
        assert_int_equal(place_stat(p, "batches"), 1);
        assert_int_equal(place_stat(p, "batches_canceled"), 1);
        place_script(p, "/fake/script", "{\"batch-ms\":20}");
        run_expect(run_kind(p, k, "pipeline", "batch.jsonl", BATCH), 0);
        assert_true(place_same(p, "want.jsonl", "batch.jsonl"));
        assert_int_equal(place_stat(p, "batches"), 4);
        forget(p, "want");
        forget(p, "batch");
    }
}

/* A ledger may come from anybody: the key goes to no host that it names. */
static void the_key_stays_with_hosts_of_the_users(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--batch-ms", "100000"));
    struct run *r = start_kind(p, &kinds[0], "generate", "batch.jsonl", BATCH);
    wait_for(p, "batch_polls", 1);
    kill_run(r);
    place_script(p, "/fake/reset", "{}");
    r = place_run_env(p, ARGS("batches", "batch.ledger", "--cancel", "all"), keys);
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "not asked"));
    assert_int_equal(place_stat(p, "batch_polls"), 0);
    assert_int_equal(place_stat(p, "batches_canceled"), 0);
    r = place_run_env(p, ARGS("batches", "batch.ledger", "--cancel", "7"), keys);
    run_expect(r, 2);
    run_expect_says(r, "the ledger has no batch \"7\"");
}

static void a_budget_holds_in_batches(void **state)
{
    struct place *p = *state;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "20"));
        struct run *r = run_kind(p, k, "pipeline", "batch.jsonl",
                                 ARGS("--batch", "--batch-poll", "0.02", "--max-cost", k->budget));
        run_expect(r, 4);
        run_expect_says(r, "--max-cost");
        /* A stage leaves as a whole, and may be dearer than the answers that it was reckoned by. */
        assert_true(total_cost(p, "batch") <= 1.1 * strtod(k->budget, NULL));
        forget(p, "batch");
    }
}

/* A full queue is waited for; what else a batch is refused for ends the run, with the words of the
 * provider. */
static void a_batch_is_refused_as_a_whole(void **state)
{
    struct place *p = *state;
    undisturbed(p, &kinds[0]);
    place_serve(p, ARGS("--seed", "3", "--batch-ms", "20", "--batch-fail", "1"));
    struct run *r = run_kind(p, &kinds[0], "pipeline", "batch.jsonl", BATCH);
    run_expect(r, 0);
    run_expect_said(r, ARGS("Enqueued token limit reached", "submitted anew later"));
    assert_int_equal(place_stat(p, "batches"), 4);
    assert_true(place_same(p, "want.jsonl", "batch.jsonl"));
    forget(p, "batch");
    for (size_t i = 1; i < N_KINDS; i++) {
        place_serve(p, ARGS("--seed", "3", "--batch-ms", "20", "--batch-fail", "1"));
        r = run_kind(p, &kinds[i], "pipeline", "batch.jsonl", BATCH);
        run_expect(r, 5);
        run_expect_said(r, ARGS("Enqueued token limit reached", "stopped: "));
        assert_int_equal(place_stat(p, "batches"), 1);
        struct gen_json_doc *summary = place_summary(p, "batch");
        assert_int_equal(summary_sum(summary, "generate", "failed"), 1);
        gen_json_doc_free(summary);
        run_expect(run_kind(p, &kinds[i], "generate", "batch.jsonl", BATCH), 0);
        forget(p, "batch");
    }
}

static void a_live_run_warns_of_open_batches(void **state)
{
    struct place *p = *state;
    place_serve(p, ARGS("--seed", "3", "--batch-ms", "100000"));
    struct run *r = start_kind(p, &kinds[0], "generate", "batch.jsonl", BATCH);
    wait_for(p, "batch_polls", 1);
    kill_run(r);
    r = run_kind(p, &kinds[0], "generate", "batch.jsonl", NULL);
    run_expect(r, 0);
    run_expect_says(r, "still under way at openai");
}

/* The key was withdrawn while a batch ran: it is not submitted again, and the same command goes on
 * with the right key. */
static void a_batch_that_cannot_be_asked_after_is_left(void **state)
{
    struct place *p = *state;
    static const char *const wrong[] = {"OPENAI_API_KEY=sk-wrong", NULL};
    place_serve(p, ARGS("--seed", "3", "--batch-ms", "300", "--api-key", "sk-test-key"));
    struct run *r = start_kind(p, &kinds[0], "generate", "batch.jsonl", BATCH);
    wait_for(p, "batch_polls", 1);
    kill_run(r);
    struct command c;
    make(&c, p, &kinds[0], "generate", "batch.jsonl", BATCH);
    r = place_run_env(p, c.args, wrong);
    run_expect(r, 5);
    run_expect_says(r, "cannot be asked after");
    run_expect(run_kind(p, &kinds[0], "generate", "batch.jsonl", BATCH), 0);
    assert_int_equal(place_stat(p, "batches"), 1);
    assert_int_equal(place_stat(p, "paid_again"), 0);
}

static void providers_without_batches_say_so(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *provider, *file, *says;
        bool is_batch;
    } cases[] = {
        {"ollama", NULL, "has no batch API", true},
        {"anthropic", "d", "does not speak", false},
        {"openai", "d", "exclude each other", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *args[16] = {"generate",        CHUNKS,    "-o", "x.json", "--provider",
                                cases[i].provider, "--model", "m"};
        size_t n = 8;
        if (cases[i].is_batch)
            args[n++] = "--batch";
        if (cases[i].file) {
            args[n++] = "--batch-file";
            args[n++] = cases[i].file;
        }
        struct run *r = place_run_env(p, args, keys);
        run_expect(r, 2);
        run_expect_says(r, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_bytes_are_those_of_live_answers),
        TEST(the_price_is_half),
        TEST(killed_at_any_moment),
        TEST(killed_when_it_hurts),
        TEST(a_lost_answer_is_looked_for),
        TEST(ctrl_c_leaves_batches_to_the_provider),
        TEST(only_what_failed_is_submitted_again),
        TEST(batches_can_be_canceled),
        TEST(the_key_stays_with_hosts_of_the_users),
        TEST(a_budget_holds_in_batches),
        TEST(a_batch_is_refused_as_a_whole),
        TEST(a_live_run_warns_of_open_batches),
        TEST(a_batch_that_cannot_be_asked_after_is_left),
        TEST(providers_without_batches_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
