#include "json_test.h"

#include <math.h>

static void values(void **state)
{
    (void)state;
    struct gen_json_doc *doc =
        parse_ok(" {\"s\":\"a\\u0000b\",\"i\":-7,\"r\":2.5,\"t\":true,\"n\":null,\"a\":[1,[2],3],"
                 "\"big\":9223372036854775808,\"huge\":123456789012345678901234567890,"
                 "\"inf\":1e999,\"e\":{},\"s\":\"second\"}\n");
    const struct gen_json *o = gen_json_root(doc);
    assert_int_equal(gen_json_type(o), GEN_JSON_OBJECT);
    assert_int_equal(gen_json_count(o), 11);
    struct gen_str s = gen_json_get_str(o, "s");
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b", 3);
    int64_t i = 0;
    double r = 0;
    bool t = false;
    assert_true(gen_json_as_int(gen_json_get(o, "i"), &i));
    assert_int_equal(i, -7);
    assert_true(gen_json_as_real(gen_json_get(o, "i"), &r) && r == -7);
    assert_true(gen_json_as_real(gen_json_get(o, "r"), &r) && r == 2.5);
    assert_false(gen_json_as_int(gen_json_get(o, "r"), &i));
    assert_true(gen_json_as_bool(gen_json_get(o, "t"), &t) && t);
    assert_int_equal(gen_json_type(gen_json_get(o, "n")), GEN_JSON_NULL);
    assert_int_equal(gen_json_type(gen_json_get(o, "big")), GEN_JSON_REAL);
    assert_false(gen_json_as_int(gen_json_get(o, "big"), &i));
    assert_true(gen_json_as_real(gen_json_get(o, "huge"), &r) && r > 1.2e29 && r < 1.3e29);
    assert_int_equal(gen_json_type(gen_json_get(o, "inf")), GEN_JSON_REAL);
    assert_false(gen_json_as_real(gen_json_get(o, "inf"), &r));
    const struct gen_json *a = gen_json_get(o, "a");
    assert_true(gen_json_as_int(gen_json_at(a, 2), &i));
    assert_int_equal(i, 3);
    assert_null(gen_json_at(a, 3));
    assert_null(gen_json_get(a, "x"));
    char *text = text_of(o);
    assert_non_null(strstr(text, "123456789012345678901234567890"));
    assert_non_null(strstr(text, "1e999"));
    free(text);
    gen_json_doc_free(doc);
}

static void no_value(void **state)
{
    (void)state;
    struct gen_str s;
    int64_t i;
    double r;
    bool t;
    struct gen_json_iter it;
    assert_int_equal(gen_json_type(NULL), GEN_JSON_NONE);
    assert_null(gen_json_root(NULL));
    assert_null(gen_json_get(NULL, "a"));
    assert_null(gen_json_at(NULL, 0));
    assert_int_equal(gen_json_count(NULL), 0);
    assert_false(gen_json_as_str(NULL, &s));
    assert_false(gen_json_as_int(NULL, &i));
    assert_false(gen_json_as_real(NULL, &r));
    assert_false(gen_json_as_bool(NULL, &t));
    assert_int_equal(gen_json_get_str(NULL, "a").n, 0);
    gen_json_iter_init(&it, NULL);
    assert_false(gen_json_iter_next(&it, NULL, NULL));
    gen_json_doc_free(NULL);
    assert_string_equal(gen_json_type_name(GEN_JSON_STRING), "string");
    struct gen_buf b = gen_buf_make(10);
    assert_int_equal(gen_json_write(&b, NULL, GEN_JSON_COMPACT, NULL), GEN_ESTATE);
}

static void iteration(void **state)
{
    (void)state;
    struct gen_json_doc *doc = parse_ok("{\"a\":[1,{}],\"b\":{\"c\":2},\"\":[]}");
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    struct gen_buf seen = gen_buf_make(1000);
    gen_json_iter_init(&it, gen_json_root(doc));
    while (gen_json_iter_next(&it, &key, &v))
        assert_int_equal(
            gen_buf_printf(&seen, NULL, "[%.*s]=%zu ", GEN_STR_ARG(key), gen_json_count(v)),
            GEN_OK);
    assert_false(gen_json_iter_next(&it, &key, &v));
    gen_json_iter_init(&it, gen_json_get(gen_json_root(doc), "a"));
    while (gen_json_iter_next(&it, &key, &v)) {
        assert_null(key.p);
        assert_int_equal(gen_buf_printf(&seen, NULL, "%s ", gen_json_type_name(gen_json_type(v))),
                         GEN_OK);
    }
    assert_string_equal(seen.data, "[a]=2 [b]=1 []=0 integer object ");
    gen_buf_release(&seen);
    gen_json_doc_free(doc);
}

static void bad_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t offset;
        const char *part;
    } bad[] = {
        {"", 0, "empty"},
        {"  ", 0, "invalid JSON"},
        {"{\"a\":1,}", 6, "line 1, column 7 (byte 6)"},
        {"{\"a\":1\n,\n \"b\" 2}", 14, "line 3, column 6"},
        {"{} {}", 3, "column 4"},
        {"[1", 2, ""},
        {"\"\xFF\"", 1, ""},
        {"\"\\ud800\"", 1, ""},
        {"\"\\ud800\\u0041\"", 1, ""},
        {"{\"a\":NaN}", 5, ""},
        {"[1] // x", 4, ""},
        {"\"a\nb\"", 2, ""},
        {"\xEF\xBB\xBF{}", 0, ""},
        {"01", 1, ""},
        {"'a'", 0, ""},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gen_json_doc *doc = NULL;
        struct gen_error err = {0};
        if (gen_json_parse(&doc, gen_str_from(bad[i].text), &err) != GEN_EPARSE)
            fail_msg("'%s' was parsed", bad[i].text);
        assert_null(doc);
        if (!strstr(err.msg, bad[i].part))
            fail_msg("'%s': %s", bad[i].text, err.msg);
        if (strlen(bad[i].part) && err.offset != bad[i].offset)
            fail_msg("'%s': offset %d", bad[i].text, (int)err.offset);
        assert_int_equal(gen_json_parse(&doc, gen_str_from(bad[i].text), NULL), GEN_EPARSE);
    }
}

static char *nested(size_t depth, const char *open, const char *close)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    for (size_t i = 0; i < depth; i++)
        assert_int_equal(gen_buf_add_c(&b, open, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&b, "1", NULL), GEN_OK);
    for (size_t i = 0; i < depth; i++)
        assert_int_equal(gen_buf_add_c(&b, close, NULL), GEN_OK);
    return gen_buf_take(&b, NULL);
}

static int parse_code(char *text)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, gen_str_from(text), NULL);
    gen_json_doc_free(doc);
    free(text);
    return rc;
}

static void depth(void **state)
{
    (void)state;
    assert_int_equal(parse_code(nested(64, "[", "]")), GEN_OK);
    assert_int_equal(parse_code(nested(65, "[", "]")), GEN_ELIMIT);
    assert_int_equal(parse_code(nested(64, "{\"a\":", "}")), GEN_OK);
    assert_int_equal(parse_code(nested(65, "{\"a\":", "}")), GEN_ELIMIT);
    assert_int_equal(parse_code(nested(64, "[[],", ",{}]")), GEN_ELIMIT);
    assert_int_equal(parse_code(nested(63, "[[],", ",{}]")), GEN_OK);
    assert_int_equal(parse_code(nested(100000, "[", "]")), GEN_ELIMIT);
}

/* Documents from one value to far more values than the room beside the text was made for. */
static void sizes(void **state)
{
    (void)state;
    for (size_t n = 1; n < 400000; n = n * 3 + 1) {
        struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
        assert_int_equal(gen_buf_add_c(&b, "[0", NULL), GEN_OK);
        for (size_t i = 1; i < n; i++)
            assert_int_equal(gen_buf_add_c(&b, ",1", NULL), GEN_OK);
        assert_int_equal(gen_buf_add_c(&b, "]", NULL), GEN_OK);
        struct gen_json_doc *doc = parse_ok(b.data);
        assert_int_equal(gen_json_count(gen_json_root(doc)), n);
        assert_json(gen_json_root(doc), b.data);
        gen_json_doc_free(doc);
        gen_buf_release(&b);
    }
}

static bool equal(const char *a, const char *b)
{
    struct gen_json_doc *x = parse_ok(a);
    struct gen_json_doc *y = parse_ok(b);
    bool one = gen_json_equal(gen_json_root(x), gen_json_root(y));
    bool other = gen_json_equal(gen_json_root(y), gen_json_root(x));
    assert_int_equal(one, other);
    gen_json_doc_free(x);
    gen_json_doc_free(y);
    return one;
}

static void equality(void **state)
{
    (void)state;
    assert_true(equal("{\"a\":1,\"b\":[2,{}]}", "{ \"b\":[2,{}], \"a\":1}"));
    assert_false(equal("{\"a\":1}", "{\"a\":1,\"b\":2}"));
    assert_false(equal("{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":1}"));
    assert_false(equal("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":3}"));
    assert_true(equal("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"));
    assert_false(equal("[1,2]", "[2,1]"));
    assert_true(equal("1", "1.0"));
    assert_false(equal("18446744073709551615", "-1"));
    assert_true(equal("123456789012345678901234567890", "123456789012345678901234567890"));
    assert_false(equal("\"1\"", "1"));
    assert_true(equal("\"\\u0041\"", "\"A\""));
    assert_false(equal("true", "false"));
    assert_true(equal("null", "null"));
    assert_false(equal("[]", "{}"));
    assert_true(gen_json_equal(NULL, NULL));
}

static void assert_built(struct gen_jb *b, const struct gen_jmut *root, enum gen_json_style style,
                         const char *expected)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_error err = {0};
    if (gen_jb_write(b, root, style, &out, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(out.data, expected);
    gen_buf_release(&out);
}

static void building(void **state)
{
    (void)state;
    struct gen_jb *b = NULL;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *o = gen_jb_object(b);
    char key[] = "name";
    gen_jb_put_str(b, o, key, GEN_STR("ä\"\n"));
    key[0] = 'x';
    gen_jb_put_int(b, o, "i", INT64_MIN);
    gen_jb_put_real(b, o, "r", 0.1);
    gen_jb_put_real(b, o, "nan", NAN);
    gen_jb_put_bool(b, o, "t", true);
    gen_jb_put_cstr(b, o, "c", "z");
    gen_jb_put(b, o, "null", gen_jb_null(b));
    struct gen_json_doc *doc = parse_ok("{\"k\":[1,{\"l\":\"m\"}],\"big\":99999999999999999999}");
    gen_jb_put(b, o, "copy", gen_jb_copy(b, gen_json_root(doc)));
    gen_json_doc_free(doc);
    struct gen_jmut *a = gen_jb_array(b);
    gen_jb_put(b, o, "a", a);
    gen_jb_append(b, a, gen_jb_int(b, 1));
    gen_jb_append(b, a, gen_jb_str(b, (struct gen_str){NULL, 0}));
    assert_built(b, o, GEN_JSON_COMPACT,
                 "{\"name\":\"ä\\\"\\n\",\"i\":-9223372036854775808,\"r\":0.1,\"nan\":null,"
                 "\"t\":true,\"c\":\"z\",\"null\":null,\"copy\":{\"k\":[1,{\"l\":\"m\"}],"
                 "\"big\":99999999999999999999},\"a\":[1,\"\"]}");
    assert_built(b, a, GEN_JSON_PRETTY, "[\n  1,\n  \"\"\n]");
    gen_jb_free(b);
    gen_jb_free(NULL);
}

static void setting(void **state)
{
    (void)state;
    struct gen_jb *b = NULL;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_set(b, o, "a", gen_jb_int(b, 1));
    gen_jb_set(b, o, "b", gen_jb_int(b, 2));
    gen_jb_set(b, o, "c", gen_jb_int(b, 3));
    struct gen_jmut *late = gen_jb_array(b);
    gen_jb_set(b, o, "c", late);
    gen_jb_append(b, late, gen_jb_int(b, 4)); /* what comes after the set belongs to it */
    gen_jb_set(b, o, "a", gen_jb_str(b, GEN_STR("x")));
    gen_jb_set(b, o, "a", gen_jb_str(b, GEN_STR("y")));
    assert_built(b, o, GEN_JSON_COMPACT, "{\"a\":\"y\",\"b\":2,\"c\":[4]}");
    gen_jb_remove(b, o, "b");
    gen_jb_remove(b, o, "nothing");
    gen_jb_put_int(b, o, "d", 5);
    assert_built(b, o, GEN_JSON_COMPACT, "{\"a\":\"y\",\"c\":[4],\"d\":5}");
    gen_jb_put_int(b, o, "a", 6);
    gen_jb_set_n(b, o, GEN_STR("a"), gen_jb_null(b));
    assert_built(b, o, GEN_JSON_COMPACT, "{\"a\":null,\"c\":[4],\"d\":5,\"a\":6}");
    gen_jb_free(b);
}

static void misuse(void **state)
{
    (void)state;
    struct gen_jb *b = NULL;
    struct gen_buf out = gen_buf_make(1000);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put(b, o, "a", NULL);
    gen_jb_append(b, NULL, o);
    assert_built(b, o, GEN_JSON_COMPACT, "{}");
    assert_int_equal(gen_jb_write(b, NULL, GEN_JSON_COMPACT, &out, NULL), GEN_ESTATE);
    gen_jb_put_str(b, o, "a", GEN_STR("\xFF"));
    assert_int_equal(gen_jb_write(b, o, GEN_JSON_COMPACT, &out, NULL), GEN_ESTATE);
    gen_jb_append(b, o, gen_jb_null(b));
    assert_null(gen_jb_object(b));
    assert_int_equal(gen_jb_write(b, o, GEN_JSON_COMPACT, &out, NULL), GEN_ESTATE);
    assert_int_equal(out.n, 0);
    gen_jb_free(b);
}

/* What is not copied, what is text already, and a document that outgrows the builder's own room. */
static void views_and_raw(void **state)
{
    (void)state;
    struct gen_jb *b = NULL;
    char text[] = "view\n";
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put(b, o, "a", gen_jb_str_view(b, (struct gen_str){text, 5}));
    gen_jb_put(b, o, "b", gen_jb_raw(b, GEN_STR("{ \"c\" : [1,2] }")));
    text[0] = 'V';
    assert_built(b, o, GEN_JSON_COMPACT, "{\"a\":\"View\\n\",\"b\":{ \"c\" : [1,2] }}");
    struct gen_jmut *many = gen_jb_array(b);
    for (int i = 0; i < 5000; i++)
        gen_jb_append(b, many, gen_jb_str(b, GEN_STR("twelve bytes")));
    struct gen_buf out = gen_buf_make(100000);
    assert_int_equal(gen_buf_add_c(&out, "x", NULL), GEN_OK);
    assert_int_equal(gen_jb_write(b, many, GEN_JSON_COMPACT, &out, NULL), GEN_OK);
    assert_int_equal(out.n, 1 + 5000 * 15 + 1);
    assert_int_equal(out.data[out.n], '\0');
    gen_buf_release(&out);
    gen_jb_free(b);
}

/* A text that does not fit leaves the buffer as it was. */
static void no_room_to_write(void **state)
{
    (void)state;
    struct gen_jb *b = NULL;
    struct gen_buf out = gen_buf_make(20);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *s = gen_jb_str(b, GEN_STR("a string of some twenty-nine bytes"));
    assert_int_equal(gen_jb_write(b, s, GEN_JSON_COMPACT, &out, NULL), GEN_ELIMIT);
    assert_null(out.data);
    assert_int_equal(gen_buf_add_c(&out, "kept", NULL), GEN_OK);
    assert_int_equal(gen_jb_write(b, s, GEN_JSON_COMPACT, &out, NULL), GEN_ELIMIT);
    assert_string_equal(out.data, "kept");
    gen_buf_release(&out);
    gen_jb_free(b);
}

/* One builder for several documents, also after a large one and after a failure. */
static void beginning_again(void **state)
{
    (void)state;
    struct gen_jb *b = NULL;
    struct gen_buf out = gen_buf_make(1 << 20);
    struct gen_buf large = gen_buf_make(1 << 20);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    assert_int_equal(gen_buf_reserve(&large, 100000, NULL), GEN_OK);
    memset(large.data, 'x', 100000);
    large.n = 100000;
    for (int i = 0; i < 6; i++) {
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_int(b, o, "i", i);
        if (i == 2)
            gen_jb_put_str(b, o, "large", gen_buf_str(&large));
        if (i == 3)
            gen_jb_append(b, o, gen_jb_null(b)); /* an object is no array */
        gen_buf_clear(&out);
        assert_int_equal(gen_jb_write(b, o, GEN_JSON_COMPACT, &out, NULL),
                         i == 3 ? GEN_ESTATE : GEN_OK);
        char want[32];
        (void)snprintf(want, sizeof(want), "{\"i\":%d}", i);
        if (i != 2 && i != 3)
            assert_string_equal(out.data, want);
        assert_int_equal(gen_jb_begin_again(b, NULL), GEN_OK);
    }
    gen_jb_free(b);
    gen_buf_release(&out);
    gen_buf_release(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(no_value),
        cmocka_unit_test(iteration),
        cmocka_unit_test(bad_texts),
        cmocka_unit_test(depth),
        cmocka_unit_test(sizes),
        cmocka_unit_test(equality),
        cmocka_unit_test(building),
        cmocka_unit_test(setting),
        cmocka_unit_test(misuse),
        cmocka_unit_test(beginning_again),
        cmocka_unit_test(views_and_raw),
        cmocka_unit_test(no_room_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
