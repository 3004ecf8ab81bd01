/* Things made once for equal JSON: how often they are made, and when they are forgotten. */
#include "json/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int n_made, n_freed;

static int make(void **made, const struct gen_json *v, char *why, size_t why_bytes,
                struct gen_error *err)
{
    int64_t x;
    (void)err;
    n_made++;
    if (!gen_json_as_int(gen_json_get(v, "x"), &x)) {
        (void)snprintf(why, why_bytes, "no x");
        return GEN_OK;
    }
    int64_t *out = malloc(sizeof(*out));
    assert_non_null(out);
    *out = x;
    *made = out;
    return GEN_OK;
}

static void drop(void *made)
{
    n_freed++;
    free(made);
}

static const int64_t *get(struct gen_json_memo *m, const char *text, const char **why)
{
    struct gen_json_doc *doc = NULL;
    void *made = NULL;
    assert_int_equal(gen_json_parse(&doc, gen_str_from(text), NULL), GEN_OK);
    assert_int_equal(gen_json_memo_get(m, gen_json_root(doc), &made, why, NULL), GEN_OK);
    gen_json_doc_free(doc);
    return made;
}

static void made_once(void **state)
{
    (void)state;
    struct gen_json_memo *m = NULL;
    const char *why = NULL;
    n_made = n_freed = 0;
    assert_int_equal(gen_json_memo_new(&m, 2, make, drop, NULL), GEN_OK);
    const int64_t *one = get(m, "{\"x\":1}", &why);
    assert_int_equal(*one, 1);
    assert_null(why);
    assert_ptr_equal(get(m, " { \"x\" : 1 } ", NULL), one);
    assert_int_equal(n_made, 1);
    assert_null(get(m, "{\"y\":1}", &why));
    assert_string_equal(why, "no x");
    assert_null(get(m, "{\"y\":1}", &why));
    assert_string_equal(why, "no x");
    assert_int_equal(n_made, 2);
    gen_json_memo_trim(m); /* two are kept: full */
    assert_int_equal(n_freed, 1);
    assert_int_equal(*get(m, "{\"x\":1}", NULL), 1);
    assert_int_equal(n_made, 3);
    gen_json_memo_free(m);
    assert_int_equal(n_freed, 2);
}

static void more_than_it_keeps(void **state)
{
    (void)state;
    struct gen_json_memo *m = NULL;
    const int64_t *found[200];
    n_made = n_freed = 0;
    assert_int_equal(gen_json_memo_new(&m, 3, make, drop, NULL), GEN_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
            char text[32];
            (void)snprintf(text, sizeof(text), "{\"x\":%d}", i);
            const int64_t *x = get(m, text, NULL);
            assert_int_equal(*x, i);
            if (round)
                assert_ptr_equal(x, found[i]);
            found[i] = x;
        }
    }
    assert_int_equal(n_made, 200);
    gen_json_memo_trim(m);
    assert_int_equal(n_freed, 200);
    gen_json_memo_free(m);
    assert_int_equal(gen_json_memo_new(&m, 0, make, drop, NULL), GEN_ESTATE);
}

static void schemas(void **state)
{
    (void)state;
    struct gen_json_memo *m = NULL;
    struct gen_json_doc *good = NULL;
    struct gen_json_doc *bad = NULL;
    const struct gen_schema *first = NULL;
    const struct gen_schema *again = NULL;
    const char *why = NULL;
    assert_int_equal(gen_schema_memo_new(&m, NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&good, GEN_STR("{\"type\":\"object\"}"), NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&bad, GEN_STR("{\"type\":\"objekt\"}"), NULL), GEN_OK);
    assert_int_equal(gen_schema_memo_get(m, gen_json_root(good), &first, &why, NULL), GEN_OK);
    assert_non_null(first);
    assert_int_equal(gen_schema_memo_get(m, gen_json_root(good), &again, &why, NULL), GEN_OK);
    assert_ptr_equal(first, again);
    assert_int_equal(gen_schema_memo_get(m, gen_json_root(bad), &again, &why, NULL), GEN_OK);
    assert_null(again);
    assert_non_null(why);
    gen_json_doc_free(good);
    gen_json_doc_free(bad);
    gen_json_memo_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once),
        cmocka_unit_test(more_than_it_keeps),
        cmocka_unit_test(schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
