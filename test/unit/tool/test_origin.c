/* Origins of arguments, and what an answer says that nobody told it: cases of
 * test/data/tool/{origins,answers}.jsonl, one a line. */
#include "tool/origin.h"

#include "json/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RESULTS_MAX 4

typedef int case_fn(const struct gen_json *row, size_t line);

static void each_row(const char *path, case_fn *fn)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    size_t n_wrong = 0;
    size_t line = 0;
    assert_non_null(f);
    for (ssize_t n = getline(&text, &capacity, f); n > 0; n = getline(&text, &capacity, f)) {
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {.msg = ""};
        line++;
        if (gen_json_parse(&doc, (struct gen_str){text, (size_t)n}, &err))
            fail_msg("%s:%zu: %s", path, line, err.msg);
        n_wrong += (size_t)fn(gen_json_root(doc), line);
        gen_json_doc_free(doc);
    }
    free(text);
    assert_int_equal(fclose(f), 0);
    assert_true(line > 30);
    if (n_wrong)
        fail_msg("%zu of %zu cases of %s", n_wrong, line, path);
}

static size_t results_of(const struct gen_json *row, struct gen_str *results)
{
    size_t n = 0;
    const struct gen_json *list = gen_json_get(row, "results");
    for (; n < gen_json_count(list) && n < RESULTS_MAX; n++)
        assert_true(gen_json_as_str(gen_json_at(list, n), &results[n]));
    return n;
}

/* A tool with this one parameter. */
static struct gen_toolset *tool_of(const struct gen_json *row)
{
    struct gen_buf text = gen_buf_make(1 << 20);
    struct gen_str name = gen_json_get_str(row, "parameter");
    bool optional = gen_json_get(row, "optional") != NULL;
    struct gen_toolset *set = NULL;
    struct gen_error err = {.msg = ""};
    struct gen_json_doc *doc = NULL;
    assert_int_equal(
        gen_buf_printf(&text, NULL,
                       "[{\"type\":\"function\",\"function\":{\"name\":\"t\",\"description\":"
                       "\"A tool.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"%.*s\":",
                       GEN_STR_ARG(name)),
        GEN_OK);
    if (gen_json_get(row, "schema"))
        assert_int_equal(gen_json_write(&text, gen_json_get(row, "schema"), GEN_JSON_COMPACT, NULL),
                         GEN_OK);
    else
        assert_int_equal(gen_buf_add_c(&text, "{}", NULL), GEN_OK);
    assert_int_equal(gen_buf_printf(&text, NULL, "},\"required\":[%s%.*s%s]}}}]",
                                    optional ? "" : "\"", optional ? 0 : (int)name.n, name.p,
                                    optional ? "" : "\""),
                     GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
    if (gen_toolset_from_offered(&set, gen_json_root(doc), &err))
        fail_msg("%s: %s", text.data, err.msg);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return set;
}

static int origin_case(const struct gen_json *row, size_t line)
{
    struct gen_str results[RESULTS_MAX];
    size_t n = results_of(row, results);
    struct gen_toolset *set = tool_of(row);
    enum gen_origin origin = GEN_ORIGIN_NONE;
    struct gen_buf where = gen_buf_make(1 << 16);
    struct gen_str wanted = gen_json_get_str(row, "origin");
    struct gen_str request = gen_json_get_str(row, "request");
    size_t step = 0;
    struct gen_error err = {.msg = ""};
    int rc = gen_origin_find(&set->tools[0], gen_json_get_str(row, "parameter"),
                             gen_json_get(row, "value"), request, results, n, &origin, &where,
                             &step, &err);
    assert_int_equal(rc, GEN_OK);
    bool is_right = gen_str_is(wanted, gen_origin_name(origin));
    /* The words are the request's own. */
    if (is_right && origin == GEN_ORIGIN_REQUEST)
        is_right = where.n && gen_str_find(request, gen_buf_str(&where), 0) != SIZE_MAX;
    if (is_right && origin == GEN_ORIGIN_RESULT) {
        is_right = step >= 1 && step <= n;
        struct gen_json_doc *doc = NULL;
        if (is_right && gen_json_parse(&doc, results[step - 1], NULL) == GEN_OK && where.n) {
            const struct gen_json *at = NULL;
            struct gen_buf pointer = gen_buf_make(1 << 16);
            assert_int_equal(gen_buf_printf(&pointer, NULL, "#%s", where.data), GEN_OK);
            assert_int_equal(gen_json_pointer(gen_json_root(doc), gen_buf_str(&pointer), &at, NULL),
                             GEN_OK);
            is_right = at != NULL;
            gen_buf_release(&pointer);
        }
        gen_json_doc_free(doc);
    }
    if (!is_right)
        print_error("origins.jsonl:%zu: \"%.*s\", wanted %.*s, found %s at \"%s\" of step %zu\n",
                    line, GEN_STR_ARG(request), GEN_STR_ARG(wanted), gen_origin_name(origin),
                    where.n ? where.data : "", step);
    gen_buf_release(&where);
    gen_toolset_free(set);
    return !is_right;
}

static void origins(void **state)
{
    (void)state;
    each_row(TEST_DATA_DIR "/tool/origins.jsonl", origin_case);
}

static int answer_case(const struct gen_json *row, size_t line)
{
    struct gen_str results[RESULTS_MAX];
    size_t n = results_of(row, results);
    struct gen_buf first = gen_buf_make(1 << 16);
    size_t n_untraced = 0;
    int64_t wanted = -1;
    assert_true(gen_json_as_int(gen_json_get(row, "untraced"), &wanted));
    struct gen_str answer = gen_json_get_str(row, "answer");
    int rc = gen_answer_untraced(answer, gen_json_get_str(row, "request"), results, n, &n_untraced,
                                 &first, NULL);
    assert_int_equal(rc, GEN_OK);
    bool is_right = (int64_t)n_untraced == wanted &&
                    gen_str_eq(gen_json_get_str(row, "first"), gen_buf_str(&first));
    if (!is_right)
        print_error("answers.jsonl:%zu: \"%.*s\", wanted %d, found %zu, \"%s\"\n", line,
                    GEN_STR_ARG(answer), (int)wanted, n_untraced, first.n ? first.data : "");
    gen_buf_release(&first);
    return !is_right;
}

static void answers(void **state)
{
    (void)state;
    each_row(TEST_DATA_DIR "/tool/answers.jsonl", answer_case);
}

/* Nothing, much, and what is no text of ours. */
static void odd_texts(void **state)
{
    (void)state;
    const struct gen_str nothing = {NULL, 0};
    struct gen_buf first = gen_buf_make(1 << 16);
    size_t n = 7;
    assert_int_equal(gen_answer_untraced(nothing, nothing, NULL, 0, &n, &first, NULL), GEN_OK);
    assert_int_equal(n, 0);
    struct gen_buf deep = gen_buf_make(1 << 22);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(gen_buf_add_c(&deep, "[\"`'1,-\xE2\x80\x9C ", NULL), GEN_OK);
    const struct gen_str results[] = {gen_buf_str(&deep), GEN_STR("{\"a\":"), GEN_STR("\"\"")};
    assert_int_equal(gen_answer_untraced(GEN_STR("`a` is 1e999, -0 and 9999999999999999999999"),
                                         GEN_STR("'"), results, 3, &n, &first, NULL),
                     GEN_OK);
    gen_buf_release(&deep);
    gen_buf_release(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(origins), cmocka_unit_test(answers),
                                       cmocka_unit_test(odd_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
