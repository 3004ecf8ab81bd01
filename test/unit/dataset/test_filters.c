/* Patterns of users: what they hit, how hits are named, bad ones, and those that never end. */
#include "dataset/filters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *match(const char *const *patterns, size_t n, const char *text)
{
    static char rule[64];
    struct gen_filters *f = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_filters_new(&f, "skip-question", patterns, n, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    const char *hit = gen_filters_match(f, gen_str_from(text));
    (void)snprintf(rule, sizeof(rule), "%s", hit ? hit : "");
    gen_filters_free(f);
    return rule;
}

static void hits_are_named(void **state)
{
    static const char *const patterns[] = {
        "(?i)^who wrote", "\\bversion \\d+\\b", "gr\xC3\xBC\xC3\x9F",
        "a pattern that is much too long for the account to hold"};
    (void)state;
    assert_string_equal(match(patterns, 4, "WHO WROTE it?"), "skip_question /(?i)^who wrote/");
    assert_string_equal(match(patterns, 4, "Is version 12 out?"),
                        "skip_question /\\bversion \\d+\\b/");
    assert_string_equal(match(patterns, 4, "gr\xC3\xBC\xC3\x9F dich"),
                        "skip_question /gr\xC3\xBC\xC3\x9F/");
    const char *rule = match(patterns, 4, patterns[3]);
    assert_string_equal(rule, "skip_question 4 /a pattern that is much too.../");
}

static void long_names_fit_an_account(void **state)
{
    /* Cut before the two bytes of a letter, never between them. */
    static const char *const patterns[] = {"\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3"
                                           "\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
                                           "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3"
                                           "\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"};
    (void)state;
    const char *rule = match(patterns, 1, patterns[0]);
    assert_true(strlen(rule) <= 47);
    assert_non_null(strstr(rule, "\xA4.../"));
}

static void nothing_matches_nothing(void **state)
{
    static const char *const patterns[] = {"x"};
    struct gen_filters *f = NULL;
    (void)state;
    assert_int_equal(gen_filters_new(&f, "skip-source", patterns, 0, NULL), GEN_OK);
    assert_null(f);
    assert_null(gen_filters_match(f, GEN_STR("x")));
    assert_null(gen_filters_gave_up(f));
    gen_filters_free(f);
    assert_string_equal(match(patterns, 1, ""), "");
    /* No UTF-8. */
    assert_string_equal(match(patterns, 1, "x\xFFx"), "");
}

static void bad_patterns_are_named_with_their_place(void **state)
{
    static const char *const rows[][3] = {
        {"a(b", "/a(b/", "byte 3"},
        {"*a", "/*a/", "byte 0"},
        {"[z-a]", "/[z-a]/", "byte 3"},
        {"\\", "/\\/", "byte 1"},
        {"a\xFF", "no regular expression", "UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *patterns[] = {"fine", rows[i][0]};
        struct gen_filters *f = NULL;
        struct gen_error err = {.msg = ""};
        assert_int_equal(gen_filters_new(&f, "skip-question", patterns, 2, &err), GEN_EUSAGE);
        assert_null(f);
        if (!strstr(err.msg, rows[i][1]) || !strstr(err.msg, rows[i][2]) ||
            !strstr(err.msg, "--skip-question"))
            fail_msg("%s", err.msg);
    }
}

/* A search that would take ages counts as no match, and is told once. */
static void endless_searches_give_up(void **state)
{
    static const char *const patterns[] = {"(a+)+$", "b$"};
    struct gen_filters *f = NULL;
    char text[64];
    (void)state;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '!';
    assert_int_equal(gen_filters_new(&f, "skip-source", patterns, 2, NULL), GEN_OK);
    assert_null(gen_filters_match(f, (struct gen_str){text, sizeof(text)}));
    assert_string_equal(gen_filters_gave_up(f), "(a+)+$");
    assert_null(gen_filters_match(f, (struct gen_str){text, sizeof(text)}));
    assert_null(gen_filters_gave_up(f));
    assert_string_equal(gen_filters_match(f, GEN_STR("b")), "skip_source /b$/");
    gen_filters_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_are_named),
        cmocka_unit_test(long_names_fit_an_account),
        cmocka_unit_test(nothing_matches_nothing),
        cmocka_unit_test(bad_patterns_are_named_with_their_place),
        cmocka_unit_test(endless_searches_give_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
