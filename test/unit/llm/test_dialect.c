/* One schema in the words of each server (test/data/llm/dialects.jsonl). */
#include "llm/dialect.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define CASES_MIN 50

static enum gen_dialect dialect_of(const struct gen_json *c)
{
    static const char *const names[] = {"full", "openai", "anthropic", "gemini", "grammar"};
    struct gen_str name = gen_json_get_str(c, "dialect");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(name, names[i]))
            return (enum gen_dialect)i;
    }
    fail_msg("no dialect \"%.*s\"", GEN_STR_ARG(name));
    return GEN_DIALECT_FULL;
}

static void check_case(const struct gen_json *c)
{
    struct gen_error err = {.msg = ""};
    struct gen_buf got = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf want = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_dialect_render(dialect_of(c), gen_json_get(c, "schema"), &got, &err);
    if (!gen_json_get(c, "want")) {
        assert_int_equal(rc, GEN_EUSAGE);
        assert_true(gen_str_find(gen_str_from(err.msg), gen_json_get_str(c, "says"), 0) !=
                    SIZE_MAX);
        assert_int_equal(got.n, 0);
        return;
    }
    assert_int_equal(rc, GEN_OK);
    assert_int_equal(gen_json_write(&want, gen_json_get(c, "want"), GEN_JSON_COMPACT, &err),
                     GEN_OK);
    if (!gen_str_eq(gen_buf_str(&got), gen_buf_str(&want)))
        fail_msg("%.*s:\n got %.*s\nwant %.*s", GEN_STR_ARG(gen_json_get_str(c, "id")),
                 GEN_STR_ARG(gen_buf_str(&got)), GEN_STR_ARG(gen_buf_str(&want)));
    gen_buf_release(&got);
    gen_buf_release(&want);
}

static void test_cases(void **state)
{
    (void)state;
    FILE *f = fopen(TEST_DATA_DIR "/llm/dialects.jsonl", "r");
    assert_non_null(f);
    char *line = NULL;
    size_t capacity = 0;
    size_t n = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, f)) > 0) {
        struct gen_json_doc *doc = NULL;
        struct gen_str text = {line, (size_t)length};
        assert_int_equal(gen_json_parse(&doc, text, NULL), GEN_OK);
        check_case(gen_json_root(doc));
        gen_json_doc_free(doc);
        n++;
    }
    free(line);
    assert_int_equal(fclose(f), 0);
    assert_true(n >= CASES_MIN);
}

/* What is there already stays in front. */
static void test_appends(void **state)
{
    (void)state;
    struct gen_json_doc *doc = NULL;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_json_parse(&doc, GEN_STR("{\"type\":\"null\"}"), NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&out, "x", NULL), GEN_OK);
    assert_int_equal(gen_dialect_render(GEN_DIALECT_GRAMMAR, gen_json_root(doc), &out, NULL),
                     GEN_OK);
    assert_string_equal(out.data, "x{\"type\":\"null\"}");
    gen_buf_release(&out);
    gen_json_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
