#include "tool/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define N_MAX 128

static size_t choose(const char *labels, size_t n_wanted, double ratio, bool *keep,
                     struct gen_balance *b)
{
    struct gen_str list[N_MAX];
    size_t n = strlen(labels);
    for (size_t i = 0; i < n; i++)
        list[i] = labels[i] == ' ' ? (struct gen_str){NULL, 0} : (struct gen_str){labels + i, 1};
    assert_int_equal(gen_balance_choose(b, list, NULL, n, n_wanted, ratio, keep, NULL), GEN_OK);
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        n_kept += keep[i];
    assert_int_equal(n_kept, b->n_kept);
    return n_kept;
}

/* Labels, one letter each; what is wanted; what stays. */
static void cases(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        size_t n_wanted;
        double ratio;
        const char *kept;
    } table[] = {
        {"s", 0, 0, "s"},
        {"s", 1, 1, "s"},
        {"smc", 0, 1, "smc"},
        {"ssmmcc", 4, 0, "ssmc"},
        {"sssmmmcce", 5, 0, "ssmce"},
        {"ssssssssme", 5, 0, "sssme"},
        {"ssssssssme", 0, 3, "sssme"},
        {"ssssssssme", 0, 0, "ssssssssme"},
        {"ssssssssme", 100, 0, "ssssssssme"},
        {"sm e", 2, 0, "sm"},
        {"s s s", 2, 0, "s "},
        {"esms", 3, 0, "esm"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        bool keep[N_MAX];
        char kept[N_MAX] = "";
        struct gen_balance b;
        size_t n = 0;
        (void)choose(table[i].labels, table[i].n_wanted, table[i].ratio, keep, &b);
        for (size_t k = 0; k < strlen(table[i].labels); k++) {
            if (keep[k])
                kept[n++] = table[i].labels[k];
        }
        kept[n] = '\0';
        if (strcmp(kept, table[i].kept) != 0)
            fail_msg("case %zu: kept \"%s\", wanted \"%s\"", i, kept, table[i].kept);
    }
}

/* Every total from 0 to all is met exactly, and no class that is there goes empty. */
static void totals(void **state)
{
    (void)state;
    const double weights[] = {1, 1, 1, 0.5, 0};
    const size_t most[] = {7, 0, 31, 2, 5};
    for (size_t total = 0; total <= 60; total++) {
        size_t out[5];
        size_t sum = 0;
        gen_balance_apportion(weights, most, 5, total, out);
        for (size_t i = 0; i < 5; i++) {
            sum += out[i];
            assert_true(out[i] <= most[i]);
            assert_true(total < 4 || most[i] == 0 || out[i] > 0);
        }
        assert_int_equal(sum, total < 45 ? total : 45);
    }
}

static void scores(void **state)
{
    (void)state;
    const struct gen_str labels[] = {GEN_STR("a"), GEN_STR("a"), GEN_STR("a"), GEN_STR(" a ")};
    const double score[] = {7, 9, 8, 9};
    bool keep[4];
    struct gen_balance b;
    assert_int_equal(gen_balance_choose(&b, labels, score, 4, 2, 0, keep, NULL), GEN_OK);
    assert_true(!keep[0] && keep[1] && !keep[2] && keep[3]);
    assert_int_equal(b.n_classes, 1);
    assert_int_equal(b.classes[0].n_in, 4);
    assert_int_equal(b.classes[0].n_kept, 2);
    assert_int_equal(gen_balance_choose(&b, labels, NULL, 0, 3, 0, keep, NULL), GEN_OK);
    assert_int_equal(b.n_kept, 0);
}

/* More labels than classes: those past the most are one class. */
static void many_labels(void **state)
{
    (void)state;
    enum { N = 300 };
    char text[N][8];
    struct gen_str labels[N];
    bool keep[N];
    struct gen_balance b;
    for (int i = 0; i < N; i++) {
        text[i][0] = (char)('a' + i / 26);
        text[i][1] = (char)('a' + i % 26);
        labels[i] = (struct gen_str){text[i], 2};
    }
    assert_int_equal(gen_balance_choose(&b, labels, NULL, N, 0, 0, keep, NULL), GEN_OK);
    assert_int_equal(b.n_classes, GEN_BALANCE_CLASSES_MAX);
    assert_int_equal(b.n_kept, N);
    assert_string_equal(b.classes[GEN_BALANCE_CLASSES_MAX - 1].name, "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases), cmocka_unit_test(totals),
                                       cmocka_unit_test(scores), cmocka_unit_test(many_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
