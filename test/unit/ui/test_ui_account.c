#include "ui/ui_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    struct gen_counts filtered, failed, skipped, out_filtered, notes, by_class, judged;
    struct gen_ui_account_stage stages[3];
    struct gen_ui_account account;
    struct gen_ui_text text;
};

static const char *const files[] = {"training.jsonl (412 rows)", "training_summary.json", NULL};
static const char *const next[] = {"generator compare training.jsonl", NULL};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    gen_counts_add(&w->filtered, "too_short", 12);
    gen_counts_add(&w->filtered, "model_says_index_or_links", 8);
    gen_counts_add(&w->failed, "malformed", 6);
    gen_counts_add(&w->failed, "transport", 3);
    gen_counts_add(&w->skipped, "target_reached", 3);
    gen_counts_add(&w->out_filtered, "evidence_not_in_source", 31);
    gen_counts_add(&w->notes, "asked_again", 4);
    gen_counts_add(&w->by_class, "rate_limit", 2);
    gen_counts_add(&w->by_class, "malformed", 1);
    gen_counts_add(&w->judged, "below_threshold", 900);
    w->stages[0] = (struct gen_ui_account_stage){
        "generate", "chunks",    "pairs",          512,       480, 1312, &w->filtered,
        &w->failed, &w->skipped, &w->out_filtered, &w->notes, 500, 200,  303,
        0,          0,           &w->by_class};
    w->stages[1] = (struct gen_ui_account_stage){.name = "enrich",
                                                 .unit_in = "pairs",
                                                 .unit_out = "pairs",
                                                 .n_in = 1312,
                                                 .n_produced = 1312,
                                                 .n_out = 1312,
                                                 .n_calls = 1400,
                                                 .n_cached = 1000,
                                                 .n_sent = 409};
    w->stages[2] = (struct gen_ui_account_stage){.name = "curate",
                                                 .unit_in = "pairs",
                                                 .unit_out = "pairs",
                                                 .n_in = 1312,
                                                 .n_produced = 412,
                                                 .n_out = 412,
                                                 .filtered = &w->judged};
    w->account = (struct gen_ui_account){.headline = "done: 412 pairs in training.jsonl",
                                         .stages = w->stages,
                                         .n_stages = 3,
                                         .tokens_in = 1204332,
                                         .tokens_out = 312002,
                                         .tokens_cached = 963466,
                                         .cost_microusd = 1230000,
                                         .seconds = 250,
                                         .files = files,
                                         .next = next};
    w->text.buf = gen_buf_make(GEN_BUF_UNLIMITED);
    w->text.utf8 = true;
    w->text.wrap_at = 100;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_buf_release(&w->text.buf);
    free(w);
    return 0;
}

static const char *render(struct world *w)
{
    gen_ui_account_render(&w->text, &w->account);
    assert_false(w->text.failed);
    return w->text.buf.data;
}

static void the_whole_account(void **state)
{
    struct world *w = *state;
    assert_string_equal(
        render(w),
        "\n"
        "done: 412 pairs in training.jsonl\n"
        "\n"
        "generate    512 chunks in:    480 produced, 20 filtered, 9 failed, 3 skipped  ->  1,312 "
        "pairs\n"
        "            filtered:       too_short 12, model_says_index_or_links 8\n"
        "            failed:         malformed 6 (the model's answer did not fit),\n"
        "                            transport 3 (no whole answer from the server)\n"
        "            skipped:        target_reached 3\n"
        "            pairs not kept: evidence_not_in_source 31\n"
        "            notes:          asked_again 4\n"
        "enrich    1,312 pairs in:   1,312 produced  ->  1,312 pairs\n"
        "curate    1,312 pairs in:     412 produced, 900 filtered  ->  412 pairs\n"
        "            filtered:       below_threshold 900\n"
        "calls     1,900 answers (1,200 from the ledger, not paid again), 712 requests sent\n"
        "          3 without a good answer: rate_limit 2 (the server told us to slow down), "
        "malformed 1\n"
        "tokens    1,204,332 in (80% cached), 312,002 out\n"
        "cost      $1.23\n"
        "time      4m 10s\n"
        "files     training.jsonl (412 rows)\n"
        "          training_summary.json\n"
        "next      generator compare training.jsonl\n");
}

static void a_narrow_terminal(void **state)
{
    struct world *w = *state;
    w->text.wrap_at = 50;
    assert_string_equal(render(w),
                        "\n"
                        "done: 412 pairs in training.jsonl\n"
                        "\n"
                        "generate    512 chunks in:    480 produced,\n"
                        "            20 filtered, 9 failed, 3 skipped\n"
                        "            ->  1,312 pairs\n"
                        "            filtered: too_short 12,\n"
                        "              model_says_index_or_links 8\n"
                        "            failed:\n"
                        "              malformed 6 (the model's answer did not fit),\n"
                        "              transport 3 (no whole answer from the server)\n"
                        "            skipped: target_reached 3\n"
                        "            pairs not kept:\n"
                        "              evidence_not_in_source 31\n"
                        "            notes: asked_again 4\n"
                        "enrich    1,312 pairs in:   1,312 produced\n"
                        "            ->  1,312 pairs\n"
                        "curate    1,312 pairs in:     412 produced,\n"
                        "            900 filtered  ->  412 pairs\n"
                        "            filtered: below_threshold 900\n"
                        "calls     1,900 answers (1,200 from the ledger, not paid again),\n"
                        "          712 requests sent\n"
                        "          3 without a good answer:\n"
                        "            rate_limit 2 (the server told us to slow down),\n"
                        "            malformed 1\n"
                        "tokens    1,204,332 in (80% cached), 312,002 out\n"
                        "cost      $1.23\n"
                        "time      4m 10s\n"
                        "files     training.jsonl (412 rows)\n"
                        "          training_summary.json\n"
                        "next      generator compare training.jsonl\n");
}

static void a_sum_that_is_off_is_loud(void **state)
{
    struct world *w = *state;
    assert_null(strstr(render(w), "BUG"));
    w->stages[2].n_produced = 411;
    assert_non_null(strstr(render(w), "BUG: curate took in 1,312 pairs, but its account adds up to "
                                      "1,311;\n     please report this with the summary file\n"));
    w->text.color = true;
    assert_non_null(strstr(render(w), "\033[1;31mBUG"));
}

static void what_it_cost(void **state)
{
    struct world *w = *state;
    w->account.tokens_partly_unknown = true;
    assert_non_null(strstr(render(w), "at least 1,204,332 in (80% cached), 312,002 out  (some "
                                      "answers came without counts)\ncost      at least $1.23\n"));
    w->account.cost_microusd = -1;
    assert_non_null(strstr(render(w), "cost      unknown: the price of this model is not in "
                                      "configs/prices.yaml\n"));
    w->account.is_free = true;
    assert_non_null(strstr(render(w), "cost      nothing: a local model\n"));
    w->account.is_free = false;
    w->stages[0].n_sent = w->stages[1].n_sent = 0;
    assert_non_null(strstr(render(w), "cost      nothing: no request was sent\n"));
}

static void calls_of_tools(void **state)
{
    struct world *w = *state;
    assert_null(strstr(render(w), "tools"));
    w->stages[1].n_actions = 300;
    w->stages[2].n_actions = 1012;
    assert_non_null(strstr(render(w), "requests sent\n"));
    assert_non_null(strstr(render(w), "\ntools     1,312 calls\n"));
    w->stages[2].n_actions_cached = 40;
    assert_non_null(strstr(render(w), "\ntools     1,312 calls, 40 of them from the ledger\n"));
}

static void nothing_at_all(void **state)
{
    struct world *w = *state;
    w->account = (struct gen_ui_account){.is_free = true};
    assert_string_equal(render(w), "\ncost    nothing: a local model\ntime    0s\n");
    w->account = (struct gen_ui_account){.asks_no_model = true};
    assert_string_equal(render(w), "\ntime    0s\n");
    static const struct gen_ui_account_stage stage = {
        .name = "generate", .unit_in = "chunks", .unit_out = "pairs"};
    w->account.stages = &stage;
    w->account.n_stages = 1;
    assert_non_null(strstr(render(w), "generate  0 chunks in:  0 produced  ->  0 pairs\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_whole_account, setup, teardown),
        cmocka_unit_test_setup_teardown(a_narrow_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sum_that_is_off_is_loud, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_cost, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_of_tools, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_at_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
