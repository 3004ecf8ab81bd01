/* gen_decide over all classes. */
#include "engine/decide.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct row {
    enum gen_class c;
    int should_retry;
    int64_t retry_after_ms;
    bool is_free, is_down;
    struct gen_call_history before;
    enum gen_reaction want;
    uint64_t least_ms, most_ms;
};

static const struct row rows[] = {
    {GEN_CLASS_OK, -1, -1, 0, 0, {0}, GEN_ACT_ACCEPT, 0, 0},
    {GEN_CLASS_MALFORMED, -1, -1, 0, 0, {0}, GEN_ACT_ACCEPT, 0, 0},
    /* Backoff doubles, up to a minute. */
    {GEN_CLASS_RATE_LIMIT, -1, -1, 0, 0, {0}, GEN_ACT_RETRY, 1, 2000},
    {GEN_CLASS_OVERLOAD, -1, -1, 0, 0, {.n_waits = 3}, GEN_ACT_RETRY, 1, 16000},
    {GEN_CLASS_OVERLOAD, -1, -1, 0, 0, {.n_waits = 6}, GEN_ACT_RETRY, 1, 60000},
    {GEN_CLASS_RATE_LIMIT, -1, -1, 0, 0, {.n_waits = 7}, GEN_ACT_GIVE_UP, 0, 0},
    /* The lane is down: no item is to blame. */
    {GEN_CLASS_RATE_LIMIT, -1, -1, 0, 1, {.n_waits = 7}, GEN_ACT_RETRY, 1, 60000},
    /* The server's delay is the least, and does not count. */
    {GEN_CLASS_RATE_LIMIT, -1, 5000, 0, 0, {.n_waits = 7}, GEN_ACT_RETRY, 5000, 5600},
    {GEN_CLASS_RATE_LIMIT, -1, 0, 0, 0, {.n_waits = 7}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_OVERLOAD, 1, 3600000, 0, 0, {0}, GEN_ACT_RETRY, 3600000, 3960100},
    {GEN_CLASS_RATE_LIMIT, 0, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_RATE_LIMIT, 0, 1000, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_SERVER_ERROR, -1, -1, 0, 0, {0}, GEN_ACT_RETRY, 1, 1000},
    {GEN_CLASS_SERVER_ERROR, -1, -1, 0, 0, {.n_failures = 2}, GEN_ACT_RETRY, 1, 4000},
    {GEN_CLASS_SERVER_ERROR, -1, -1, 0, 0, {.n_failures = 3}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_SERVER_ERROR, -1, -1, 0, 1, {.n_failures = 3}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_SERVER_ERROR, 0, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_TRANSPORT, -1, -1, 0, 0, {0}, GEN_ACT_RETRY, 1, 1000},
    {GEN_CLASS_TRANSPORT, -1, -1, 0, 0, {.n_failures = 3}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_TRANSPORT, -1, -1, 0, 1, {.n_failures = 3}, GEN_ACT_RETRY, 1, 2000},
    {GEN_CLASS_TRANSPORT, -1, -1, 1, 0, {.n_failures = 3}, GEN_ACT_RETRY, 0, 0},
    {GEN_CLASS_TRANSPORT, -1, -1, 1, 0, {.n_failures = 3, .n_free = 3}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_UNSUPPORTED_PARAM, -1, -1, 0, 0, {0}, GEN_ACT_DROP_PARAM, 0, 0},
    {GEN_CLASS_UNSUPPORTED_PARAM, -1, -1, 0, 0, {.n_params = 6}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_TRUNCATED, -1, -1, 0, 0, {0}, GEN_ACT_FEWER, 0, 0},
    {GEN_CLASS_TRUNCATED, -1, -1, 0, 0, {.n_shorter = 1}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_NONE, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_QUOTA, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_AUTH, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_CONTEXT_OVERFLOW, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_BAD_REQUEST, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_BLOCKED, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
    {GEN_CLASS_CANCELED, -1, -1, 0, 0, {0}, GEN_ACT_GIVE_UP, 0, 0},
};

static struct gen_llm_result result_of(const struct row *row)
{
    struct gen_llm_result r = gen_llm_result_make();
    r.class_code = row->c;
    r.should_retry = row->should_retry;
    r.retry_after_ms = row->retry_after_ms;
    r.retry_is_free = row->is_free;
    return r;
}

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct gen_prng random = gen_prng_make(seed);
            struct gen_call_history h = rows[i].before;
            struct gen_llm_result r = result_of(&rows[i]);
            struct gen_decision d = gen_decide(&r, &h, rows[i].is_down, &random);
            if (d.action != rows[i].want || d.delay_ms < rows[i].least_ms ||
                d.delay_ms > rows[i].most_ms)
                fail_msg("row %zu (%s): action %d after %llu ms", i, gen_class_name(rows[i].c),
                         (int)d.action, (unsigned long long)d.delay_ms);
        }
    }
}

static void nothing_helps_when_the_provider_is_to_be_left(void **state)
{
    (void)state;
    for (int c = 0; c < GEN_N_CLASSES; c++) {
        struct gen_prng random = gen_prng_make(1);
        struct gen_call_history h = {0};
        struct gen_llm_result r = gen_llm_result_make();
        r.class_code = (enum gen_class)c;
        r.stop_provider = true;
        assert_int_equal(gen_decide(&r, &h, false, &random).action, GEN_ACT_GIVE_UP);
    }
}

/* Whatever comes, in whatever order: an item ends, unless the server names delays or the lane is
 * down. */
static void every_item_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct gen_prng random = gen_prng_make(seed);
        struct gen_call_history h = {0};
        enum gen_reaction a = GEN_ACT_RETRY;
        unsigned n = 0;
        for (; a != GEN_ACT_GIVE_UP && a != GEN_ACT_ACCEPT; n++) {
            struct gen_llm_result r = gen_llm_result_make();
            r.class_code = (enum gen_class)(2 + gen_prng_below(&random, GEN_N_CLASSES - 2));
            r.retry_is_free = gen_prng_below(&random, 4) == 0;
            r.retry_after_ms = (int64_t)gen_prng_below(&random, 2) - 1;
            a = gen_decide(&r, &h, false, &random).action;
            assert_true(n < 40);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(nothing_helps_when_the_provider_is_to_be_left),
        cmocka_unit_test(every_item_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
