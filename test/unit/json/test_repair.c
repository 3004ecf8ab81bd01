#include "json_test.h"

#include "json/repair.h"

#include <time.h>

struct repair_case {
    struct gen_str steps;
    struct gen_str what;
    struct gen_str text;
    struct gen_str expected;
};

static struct gen_buf read_cases(void)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    FILE *f = fopen(TEST_DATA_DIR "/repair/cases.txt", "rb");
    assert_non_null(f);
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        assert_int_equal(gen_buf_add(&b, chunk, n, NULL), GEN_OK);
    assert_int_equal(fclose(f), 0);
    return b;
}

static bool next_case(struct gen_str all, size_t *at, struct repair_case *c)
{
    size_t head = gen_str_find(all, GEN_STR("\n=== "), *at);
    if (head == SIZE_MAX)
        return false;
    head += 5;
    size_t bar = gen_str_find(all, GEN_STR(" | "), head);
    size_t body = gen_str_find(all, GEN_STR("\n"), head);
    size_t line = gen_str_find(all, GEN_STR("\n---\n"), body);
    assert_true(bar < body && line != SIZE_MAX);
    size_t end = gen_str_find(all, GEN_STR("\n"), line + 5);
    assert_true(end != SIZE_MAX);
    c->steps = gen_str_sub(all, head, bar - head);
    c->what = gen_str_sub(all, bar + 3, body - bar - 3);
    c->text = line > body ? gen_str_sub(all, body + 1, line - body - 1) : (struct gen_str){"", 0};
    c->expected = gen_str_sub(all, line + 5, end - line - 5);
    *at = end;
    return true;
}

static bool same(const char *what, struct gen_str expected, struct gen_str found)
{
    if (gen_str_eq(expected, found))
        return true;
    print_error("  %s: expected %.*s\n  found %.*s\n", what, GEN_STR_ARG(expected),
                GEN_STR_ARG(found));
    return false;
}

/* What came out, repaired again, is what came out, in no steps. */
static bool stays(struct gen_str json)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 99;
    struct gen_error err = {0};
    if (gen_json_repair(&doc, json, &steps, &err)) {
        print_error("  not strict: %s\n", err.msg);
        return false;
    }
    char *text = text_of(gen_json_root(doc));
    bool good = steps == 0 && same("idempotence", json, gen_str_from(text));
    free(text);
    gen_json_doc_free(doc);
    return good;
}

static bool run_error(const struct repair_case *c)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 77;
    struct gen_error err = {0};
    int rc = gen_json_repair(&doc, c->text, &steps, &err);
    struct gen_str part = gen_str_sub(c->expected, 7, c->expected.n);
    if (rc == GEN_EPARSE && doc == NULL && steps == 77 &&
        gen_str_find(gen_str_from(err.msg), part, 0) != SIZE_MAX)
        return true;
    print_error("  code %d, message: %s\n", rc, err.msg);
    gen_json_doc_free(doc);
    return false;
}

static bool run_case(const struct repair_case *c)
{
    if (gen_str_starts(c->expected, GEN_STR("error: ")))
        return run_error(c);
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    if (gen_json_repair(&doc, c->text, &steps, &err)) {
        print_error("  %s\n", err.msg);
        return false;
    }
    struct gen_buf names = gen_buf_make(1000);
    assert_int_equal(gen_repair_names(&names, steps, NULL), GEN_OK);
    struct gen_json_doc *expected = NULL;
    assert_int_equal(gen_json_parse(&expected, c->expected, NULL), GEN_OK);
    char *want = text_of(gen_json_root(expected));
    char *text = text_of(gen_json_root(doc));
    bool good = same("json", gen_str_from(want), gen_str_from(text)) &&
                same("steps", c->steps, steps ? gen_buf_str(&names) : GEN_STR("-")) &&
                stays(gen_str_from(text));
    free(want);
    free(text);
    gen_json_doc_free(expected);
    gen_json_doc_free(doc);
    gen_buf_release(&names);
    return good;
}

static void cases(void **state)
{
    (void)state;
    struct gen_buf file = read_cases();
    struct repair_case c;
    size_t at = 0;
    size_t n = 0;
    size_t failed = 0;
    while (next_case(gen_buf_str(&file), &at, &c)) {
        n++;
        if (!run_case(&c)) {
            print_error("case '%.*s' failed\n", GEN_STR_ARG(c.what));
            failed++;
        }
    }
    gen_buf_release(&file);
    assert_true(n > 60);
    assert_int_equal(failed, 0);
}

/* Every prefix of every case ends in a document or in GEN_EPARSE, and what comes out is strict. */
static void prefixes(void **state)
{
    (void)state;
    struct gen_buf file = read_cases();
    struct repair_case c;
    size_t at = 0;
    while (next_case(gen_buf_str(&file), &at, &c)) {
        for (size_t n = 0; n < c.text.n; n++) {
            /* Its own block, so that the sanitizer sees a read behind the end. */
            char *copy = malloc(n + 1);
            assert_non_null(copy);
            memcpy(copy, c.text.p, n);
            char *exact = realloc(copy, n ? n : 1);
            struct gen_json_doc *doc = NULL;
            unsigned steps = 0;
            int rc = gen_json_repair(&doc, (struct gen_str){exact, n}, &steps, NULL);
            assert_true(rc == GEN_OK || rc == GEN_EPARSE);
            if (rc == GEN_OK) {
                char *text = text_of(gen_json_root(doc));
                assert_true(stays(gen_str_from(text)));
                free(text);
            }
            gen_json_doc_free(doc);
            free(exact);
        }
    }
    gen_buf_release(&file);
}

static void check(struct gen_str text, const char *expected, unsigned expected_steps)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    if (gen_json_repair(&doc, text, &steps, &err))
        fail_msg("%s", err.msg);
    assert_json(gen_json_root(doc), expected);
    assert_int_equal(steps, expected_steps);
    gen_json_doc_free(doc);
}

static void bytes(void **state)
{
    (void)state;
    check(GEN_STR("{\"a\": \"x\xFFy\"}"), "{\"a\":\"x\xEF\xBF\xBDy\"}", GEN_REPAIR_UTF8);
    check(GEN_STR("{\"a\": \"x\0y\"}"), "{\"a\":\"x\\u0000y\"}", GEN_REPAIR_CONTROL);
    check(GEN_STR("\xEF\xBB\xBF{\"a\": 1}"), "{\"a\":1}", GEN_REPAIR_PROSE);
    check(GEN_STR("{\"a\": \"x\\"), "{\"a\":\"x\"}", GEN_REPAIR_TRUNCATED);
}

static void fails(struct gen_str text, const char *part)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    assert_int_equal(gen_json_repair(&doc, text, &steps, &err), GEN_EPARSE);
    if (part && !strstr(err.msg, part))
        fail_msg("'%s' is not in: %s", part, err.msg);
}

static struct gen_buf repeated(const char *unit, size_t n_bytes)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_reserve(&b, n_bytes + strlen(unit), NULL), GEN_OK);
    while (b.n < n_bytes)
        assert_int_equal(gen_buf_add_c(&b, unit, NULL), GEN_OK);
    return b;
}

static void depth(void **state)
{
    (void)state;
    struct gen_buf b = repeated("[", 100000);
    fails(gen_buf_str(&b), "64 levels");
    gen_buf_release(&b);
    b = repeated("{\"a\":", 100000);
    fails(gen_buf_str(&b), "64 levels");
    gen_buf_release(&b);
    b = repeated("[", 65);
    assert_int_equal(gen_buf_add_c(&b, "1", NULL), GEN_OK);
    for (int i = 0; i < 65; i++)
        assert_int_equal(gen_buf_add_c(&b, "]", NULL), GEN_OK);
    fails(gen_buf_str(&b), "64 levels");
    gen_buf_release(&b);
}

/* Units that bait the search for a beginning, the look ahead behind quotes and the marks. */
static void linear(void **state)
{
    (void)state;
    static const char *const units[] = {
        "{",        "[",       "{\"",       "[\"x [\\\"", "' ",      "{'a', ",
        "</think>", "<think>", "{\"a\":\"", "{a:'b',c",   "/*",      "\\",
        "```{",     "[1] ",    "{}",        "{\"a\" ",    "{'a':' ", "\xE2\x80\x9C{"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct gen_buf b = repeated(units[i], (size_t)2 << 20);
        struct gen_json_doc *doc = NULL;
        unsigned steps = 0;
        clock_t start = clock();
        int rc = gen_json_repair(&doc, gen_buf_str(&b), &steps, NULL);
        double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        assert_true(rc == GEN_OK || rc == GEN_EPARSE);
        if (s > 5)
            fail_msg("2 MiB of '%s' took %.1f s of CPU", units[i], s);
        gen_json_doc_free(doc);
        gen_buf_release(&b);
    }
}

static void names(void **state)
{
    (void)state;
    struct gen_buf b = gen_buf_make(1000);
    assert_int_equal(gen_repair_names(&b, 0, NULL), GEN_OK);
    assert_int_equal(b.n, 0);
    assert_int_equal(gen_repair_names(&b, GEN_REPAIR_FENCE | GEN_REPAIR_COMMA, NULL), GEN_OK);
    assert_string_equal(b.data, "fence,comma");
    gen_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases), cmocka_unit_test(prefixes), cmocka_unit_test(bytes),
        cmocka_unit_test(depth), cmocka_unit_test(linear),   cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
