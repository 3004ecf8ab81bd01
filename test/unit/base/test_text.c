/* Views, UTF-8, the log. */
#include "base/log.h"
#include "base/prng.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void views(void **state)
{
    (void)state;
    struct gen_str none = {NULL, 0};
    assert_true(gen_str_eq(none, GEN_STR("")));
    assert_true(gen_str_is(GEN_STR("ab"), "ab"));
    assert_false(gen_str_is(GEN_STR("ab"), "abc"));
    assert_true(gen_str_eq_nocase(GEN_STR("AbZ"), GEN_STR("aBz")));
    assert_false(gen_str_eq_nocase(GEN_STR("@"), GEN_STR("`")));
    assert_true(gen_str_starts(GEN_STR("abc"), GEN_STR("ab")));
    assert_false(gen_str_starts(GEN_STR("a"), GEN_STR("ab")));
    assert_true(gen_str_ends(GEN_STR("abc"), GEN_STR("bc")));
    assert_false(gen_str_ends(GEN_STR("c"), GEN_STR("bc")));
    assert_true(gen_str_ends(none, GEN_STR("")));
    assert_int_equal(gen_str_find(GEN_STR("abcabc"), GEN_STR("bc"), 2), 4);
    assert_true(gen_str_find(GEN_STR("abc"), GEN_STR("bcd"), 0) == SIZE_MAX);
    assert_true(gen_str_find(GEN_STR("abc"), GEN_STR(""), 0) == SIZE_MAX);
    assert_true(gen_str_find(GEN_STR("abc"), GEN_STR("c"), 9) == SIZE_MAX);
    assert_int_equal(gen_str_find_nocase(GEN_STR("xxAbC"), GEN_STR("aBc"), 0), 2);
    assert_true(gen_str_find_nocase(none, GEN_STR("a"), 0) == SIZE_MAX);
    assert_true(gen_str_is(gen_str_trim(GEN_STR(" \t\r\n a b \v\f")), "a b"));
    assert_int_equal(gen_str_trim(GEN_STR("  ")).n, 0);
    assert_int_equal(gen_str_sub(GEN_STR("abc"), 5, SIZE_MAX).n, 0);
    assert_true(gen_str_is(gen_str_sub(GEN_STR("abc"), 1, SIZE_MAX), "bc"));
    struct gen_str rest = GEN_STR("a\r\n\nb\r");
    struct gen_str line;
    assert_true(gen_str_next_line(&rest, &line) && gen_str_is(line, "a"));
    assert_true(gen_str_next_line(&rest, &line) && line.n == 0);
    assert_true(gen_str_next_line(&rest, &line) && gen_str_is(line, "b"));
    assert_false(gen_str_next_line(&rest, &line));
    char *copy = gen_str_dup(GEN_STR("abc"));
    assert_string_equal(copy, "abc");
    free(copy);
}

static void validity(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\xC3\xA9",
                                       "\xE2\x82\xAC",
                                       "\xF0\x9F\x98\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "\xEF\xBF\xBF"};
    static const char *const bad[] = {"\x80",         "\xC3",         "\xC0\x80",
                                      "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xFF",         "a\xE2\x82",    "\xF0\x80\x80\x80"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(gen_utf8_valid(gen_str_from(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(gen_utf8_valid(gen_str_from(bad[i])));
}

static void clean(const char *text, size_t n, const char *want, size_t n_replaced_wanted)
{
    struct gen_buf out = gen_buf_make(1000);
    size_t n_replaced = 99;
    assert_int_equal(gen_utf8_clean(&out, (struct gen_str){text, n}, &n_replaced, NULL), GEN_OK);
    assert_string_equal(out.data, want);
    assert_int_equal(n_replaced, n_replaced_wanted);
    gen_buf_release(&out);
}

static void cleaning(void **state)
{
    (void)state;
    clean("abc", 3, "abc", 0);
    clean("", 0, "", 0);
    clean("a\0b", 3, "ab", 1);
    clean("a\xFF\xFE", 3, "a\xEF\xBF\xBD\xEF\xBF\xBD", 2);
    clean("\xE2\x82", 2, "\xEF\xBF\xBD\xEF\xBF\xBD", 2);
}

/* Whatever goes in, what comes out is valid; what is valid and without NUL comes out as it was. */
static void cleaned_text_is_valid(void **state)
{
    struct gen_prng random = gen_prng_make(7);
    static const char pieces[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xED\xA0\x80\xC0";
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char text[24];
        size_t n = gen_prng_below(&random, sizeof(text));
        for (size_t k = 0; k < n; k++)
            text[k] = gen_prng_below(&random, 2) ? pieces[gen_prng_below(&random, sizeof(pieces))]
                                                 : (char)gen_prng_below(&random, 256);
        struct gen_buf once = gen_buf_make(1000);
        struct gen_buf twice = gen_buf_make(1000);
        struct gen_buf plain = gen_buf_make(10000);
        struct gen_buf again = gen_buf_make(10000);
        size_t n_replaced = 0;
        assert_int_equal(gen_utf8_clean(&once, (struct gen_str){text, n}, &n_replaced, NULL), 0);
        assert_true(gen_utf8_valid(gen_buf_str(&once)));
        assert_int_equal(gen_utf8_clean(&twice, gen_buf_str(&once), &n_replaced, NULL), 0);
        assert_int_equal(n_replaced, 0);
        assert_true(gen_str_eq(gen_buf_str(&once), gen_buf_str(&twice)));
        /* A prefix of characters is valid, and counts. */
        struct gen_str prefix = gen_utf8_prefix(gen_buf_str(&once), 3);
        assert_true(gen_utf8_valid(prefix));
        assert_true(gen_utf8_count(prefix) <= 3);
        /* Cuts are between characters, and lose no more than one. */
        for (size_t room = 2; room < 24; room++) {
            char formatted[24];
            struct gen_str cut = gen_utf8_cut(gen_buf_str(&once), room);
            assert_true(gen_utf8_valid(cut));
            assert_true(cut.n <= room && (cut.n == once.n || cut.n + 4 > room));
            gen_utf8_format(formatted, room, "%.*s", GEN_STR_ARG(gen_buf_str(&once)));
            cut = gen_str_from(formatted);
            assert_true(gen_utf8_valid(cut));
            assert_true(cut.n < room && (cut.n == once.n || cut.n + 4 >= room));
        }
        /* The form for comparing is valid, and its own form. */
        assert_int_equal(gen_utf8_normalize(&plain, gen_buf_str(&once), true, NULL), GEN_OK);
        assert_true(gen_utf8_valid(gen_buf_str(&plain)));
        assert_int_equal(gen_utf8_normalize(&again, gen_buf_str(&plain), true, NULL), GEN_OK);
        assert_true(gen_str_eq(gen_buf_str(&plain), gen_buf_str(&again)));
        gen_buf_release(&once);
        gen_buf_release(&twice);
        gen_buf_release(&plain);
        gen_buf_release(&again);
    }
}

static void normalizing(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"  Two\t\n words ", "two words"},
        {"\xE2\x80\x9Cquoted\xE2\x80\x9D \xE2\x80\x98it\xE2\x80\x99s\xE2\x80\x99",
         "\"quoted\" 'it's'"},
        {"it\xC2\xB4s `so`", "it's 'so'"},
        {"a\xE2\x80\x93z \xE2\x88\x92 1", "a-z - 1"},
        {"soft\xC2\xADhyphen zero\xE2\x80\x8Bwidth\xEF\xBB\xBF", "softhyphen zerowidth"},
        {"\xEF\xAC\x81x \xEF\xBC\xA1", "fix a"},
        {"no\xC2\xA0"
         "break",
         "no break"},
        {"Stra\xC3\x9F"
         "e",
         "strasse"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_buf out = gen_buf_make(1000);
        assert_int_equal(gen_buf_add_c(&out, "", NULL), GEN_OK);
        assert_int_equal(gen_utf8_normalize(&out, gen_str_from(rows[i][0]), true, NULL), GEN_OK);
        assert_string_equal(out.data, rows[i][1]);
        gen_buf_release(&out);
    }
    struct gen_buf out = gen_buf_make(1000);
    struct gen_error err;
    assert_int_equal(gen_utf8_normalize(&out, GEN_STR("\xFF"), true, &err), GEN_EPARSE);
    gen_buf_release(&out);
}

static void characters(void **state)
{
    uint32_t cp = 0;
    (void)state;
    assert_int_equal(gen_utf8_next(GEN_STR("\xE2\x82\xAC!"), &cp), 3);
    assert_int_equal(cp, 0x20AC);
    assert_int_equal(gen_utf8_next(GEN_STR(""), &cp), 0);
    assert_int_equal(gen_utf8_width(GEN_STR("ab\xE4\xB8\xAD\xCC\x81")), 4);
    assert_true(gen_utf8_is_word(0x4E2D) && gen_utf8_is_word('9') && gen_utf8_is_word(0xE9));
    assert_false(gen_utf8_is_word(' ') || gen_utf8_is_word('-') || gen_utf8_is_word(0xFFFFFFFF));
    struct gen_buf out = gen_buf_make(100);
    static const uint32_t points[] = {'a', 0x20AC, 0x1F600, 0xD800, 0x110000};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(gen_utf8_put(&out, points[i], NULL), GEN_OK);
    assert_string_equal(out.data, "a\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD");
    gen_buf_release(&out);
}

static void keep_line(void *ud, const char *line, size_t n)
{
    assert_int_equal(gen_buf_add(ud, line, n, NULL), GEN_OK);
}

static void logging(void **state)
{
    struct gen_buf lines = gen_buf_make(100000);
    struct gen_log log = {GEN_LOG_INFO, false, keep_line, &lines};
    (void)state;
    gen_log(NULL, GEN_LOG_ERROR, "x", "nothing");
    gen_log(&log, GEN_LOG_DEBUG, "x", "below");
    assert_int_equal(lines.n, 0);
    gen_log(&log, GEN_LOG_WARN, "x", "a\nb\x1b[31m %d", 7);
    assert_string_equal(lines.data, "warning: a b [31m 7\n");
    gen_buf_clear(&lines);
    log.json = true;
    gen_log(&log, GEN_LOG_ERROR, "word", "q\"b\\n\n\x1b\xFF\xE2\x82\xAC");
    assert_non_null(strstr(lines.data,
                           "\"level\":\"error\",\"event\":\"word\","
                           "\"message\":\"q\\\"b\\\\n\\u000a\\u001b\\ufffd\xE2\x82\xAC\"}\n"));
    /* However long: one whole line of valid text. */
    char text[3000];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', sizeof(text));
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 3);
        text[sizeof(text) - 1] = '\0';
        gen_buf_clear(&lines);
        gen_log(&log, GEN_LOG_ERROR, "word", "%s", text);
        assert_true(gen_utf8_valid(gen_buf_str(&lines)));
        assert_string_equal(lines.data + lines.n - 3, "\"}\n");
    }
    memset(text, '\x01', sizeof(text) - 1);
    gen_buf_clear(&lines);
    gen_log(&log, GEN_LOG_ERROR, "word", "%s", text);
    assert_string_equal(lines.data + lines.n - 3, "\"}\n");
    gen_buf_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views),       cmocka_unit_test(validity),
        cmocka_unit_test(cleaning),    cmocka_unit_test(cleaned_text_is_valid),
        cmocka_unit_test(normalizing), cmocka_unit_test(characters),
        cmocka_unit_test(logging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
