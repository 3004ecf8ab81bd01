#include "json_test.h"

#include "json/schema.h"

static struct gen_schema *compile_ok(const char *text)
{
    struct gen_json_doc *doc = parse_ok(text);
    struct gen_schema *s = NULL;
    struct gen_error err = {0};
    if (gen_schema_new(&s, gen_json_root(doc), &err))
        fail_msg("%s: %s", text, err.msg);
    gen_json_doc_free(doc);
    return s;
}

static void expect(const struct gen_schema *s, const char *text, const char *faults)
{
    struct gen_json_doc *doc = parse_ok(text);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    bool valid = faults[0] != '\0';
    assert_int_equal(gen_schema_check(s, gen_json_root(doc), &valid, &out, NULL), GEN_OK);
    assert_string_equal(out.n ? out.data : "", faults);
    assert_int_equal(valid, faults[0] == '\0');
    gen_buf_release(&out);
    gen_json_doc_free(doc);
}

static void check_one(const char *schema, const char *text, const char *faults)
{
    struct gen_schema *s = compile_ok(schema);
    expect(s, text, faults);
    gen_schema_free(s);
}

static const char pairs[] =
    "{\"$schema\":\"x\",\"title\":\"t\",\"type\":\"object\",\"properties\":{\"pairs\":{\"type\":"
    "\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"type\":\"object\",\"properties\":{"
    "\"question\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":10},\"kind\":{\"type\":"
    "\"string\",\"enum\":[\"fact\",\"definition\"]},\"score\":{\"type\":\"integer\",\"minimum\":0,"
    "\"maximum\":5}},\"required\":[\"question\",\"kind\",\"score\"],\"additionalProperties\":false}"
    "}},\"required\":[\"pairs\"],\"additionalProperties\":false}";

static void answers(void **state)
{
    (void)state;
    struct gen_schema *s = compile_ok(pairs);
    expect(s, "{\"pairs\":[{\"question\":\"why?\",\"kind\":\"fact\",\"score\":5}]}", "");
    expect(s, "{}", "/pairs: missing\n");
    expect(s, "[]", "(root): found an array, allowed: object\n");
    expect(s, "{\"pairs\":[]}", "/pairs: found 0 items, allowed: at least 1\n");
    expect(s, "{\"pairs\":[{\"question\":\"why?\",\"kind\":\"facts\",\"score\":1}]}",
           "/pairs/0/kind: found \"facts\", allowed: fact, definition\n");
    expect(s, "{\"pairs\":[{\"kind\":\"fact\",\"score\":\"3\",\"x/y\":1}]}",
           "/pairs/0/question: missing\n"
           "/pairs/0/score: found \"3\", allowed: integer\n"
           "/pairs/0/x~1y: unknown key, allowed: question, kind, score\n");
    expect(s, "{\"pairs\":[{\"question\":\"äöüäöüäöüäö\",\"kind\":\"fact\",\"score\":6}]}",
           "/pairs/0/question: found 11 characters, allowed: at most 10\n"
           "/pairs/0/score: found 6, allowed: at most 5\n");
    expect(s, "{\"pairs\":[{\"question\":\"äöüäöüäöüä\",\"kind\":\"fact\",\"score\":-1}]}",
           "/pairs/0/score: found -1, allowed: at least 0\n");
    expect(s, "{\"pairs\":[{\"question\":\"xx\",\"kind\":\"fact\",\"score\":1,\"score\":1}]}",
           "/pairs/0/score: the key is given more than once\n");
    expect(s, "{\"pairs\":[1,2,3,4]}",
           "/pairs: found 4 items, allowed: at most 3\n"
           "/pairs/0: found 1, allowed: object\n"
           "/pairs/1: found 2, allowed: object\n");
    expect(s, "{\"pairs\":[{\"question\":\"xx\",\"kind\":\"fact\",\"score\":1.0}]}",
           "/pairs/0/score: found 1.0, allowed: integer\n");
    gen_schema_free(s);
}

static void keywords(void **state)
{
    (void)state;
    check_one("{}", "[1]", "");
    check_one("{\"type\":\"number\"}", "1", "");
    check_one("{\"type\":\"number\"}", "1.5", "");
    check_one("{\"type\":[\"string\",\"null\"]}", "null", "");
    check_one("{\"type\":[\"string\",\"null\"]}", "1",
              "(root): found 1, allowed: null or string\n");
    check_one("{\"const\":{\"a\":[1]}}", "{\"a\":[1.0]}", "");
    check_one("{\"const\":\"x\"}", "\"y\"", "(root): found \"y\", allowed: x\n");
    check_one("{\"minimum\":0.5}", "0.25", "(root): found 0.25, allowed: at least 0.5\n");
    check_one("{\"minimum\":0.5}", "\"text\"", "");
    check_one("{\"maximum\":9007199254740992}", "9007199254740993",
              "(root): found 9007199254740993, allowed: at most 9007199254740992\n");
    check_one("{\"minLength\":1}", "\"\"", "(root): found 0 characters, allowed: at least 1\n");
    check_one("{\"required\":[\"a\"]}", "{}", "/a: missing\n");
    check_one("{\"properties\":{\"a\":{}},\"additionalProperties\":true}", "{\"b\":1}", "");
    check_one("{\"additionalProperties\":false}", "{\"b\":1}", "/b: unknown key, allowed: none\n");
    check_one("{}", "{\"a\":{\"b\":1,\"b\":2,\"b\":3}}", "/a/b: the key is given more than once\n");
}

static void any_of(void **state)
{
    (void)state;
    const char *schema =
        "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"kind\":{\"const\":\"a\"},"
        "\"x\":{\"type\":\"integer\"}},\"required\":[\"kind\",\"x\"]},"
        "{\"type\":\"object\",\"properties\":{\"kind\":{\"const\":\"b\"},\"y\":{"
        "\"type\":\"string\"}},\"required\":[\"kind\",\"y\"]}]}";
    check_one(schema, "{\"kind\":\"a\",\"x\":1}", "");
    check_one(schema, "{\"kind\":\"b\",\"y\":\"z\"}", "");
    check_one(schema, "{\"kind\":\"b\",\"y\":1}", "/y: found 1, allowed: string\n");
}

static void long_messages(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_add_c(&text, "{\"enum\":[0", NULL), GEN_OK);
    for (int i = 1; i < 1000; i++)
        assert_int_equal(gen_buf_printf(&text, NULL, ",\"value number %d\"", i), GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "]}", NULL), GEN_OK);
    struct gen_schema *s = compile_ok(text.data);
    gen_buf_clear(&text);
    assert_int_equal(gen_buf_add_c(&text, "\"", NULL), GEN_OK);
    for (int i = 1; i < 1000; i++)
        assert_int_equal(gen_buf_add_c(&text, "ä\\n", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "\"", NULL), GEN_OK);
    struct gen_json_doc *doc = parse_ok(text.data);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    bool valid = true;
    assert_int_equal(gen_schema_check(s, gen_json_root(doc), &valid, &out, NULL), GEN_OK);
    assert_false(valid);
    assert_true(out.n < 600);
    assert_ptr_equal(strchr(out.data, '\n'), out.data + out.n - 1);
    gen_buf_release(&out);
    gen_buf_release(&text);
    gen_json_doc_free(doc);
    gen_schema_free(s);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *part;
    } bad[] = {
        {"{\"pattern\":\"x\"}", "/pattern: this keyword is not supported"},
        {"{\"properties\":{\"a\":{\"items\":{\"oneOf\":[]}}}}",
         "/properties/a/items/oneOf: this keyword"},
        {"{\"anyOf\":[{},{\"$ref\":\"#\"}]}", "/anyOf/1/$ref"},
        {"{\"additionalProperties\":{}}", "/additionalProperties: only true and false"},
        {"{\"type\":\"text\"}", "/type: no type"},
        {"{\"type\":[]}", "/type: "},
        {"{\"type\":3}", "/type: "},
        {"{\"enum\":[]}", "/enum: "},
        {"{\"anyOf\":[]}", "/anyOf: "},
        {"{\"anyOf\":{}}", "/anyOf: "},
        {"{\"items\":[{}]}", "/items: a schema must be an object"},
        {"{\"minItems\":-1}", "/minItems: a count"},
        {"{\"maxLength\":\"3\"}", "/maxLength: a count"},
        {"{\"minimum\":\"3\"}", "/minimum: a number"},
        {"{\"required\":\"a\"}", "/required: an array"},
        {"{\"required\":[1]}", "/required: an array of strings"},
        {"{\"properties\":[]}", "/properties: an object"},
        {"{\"properties\":{\"a\":{},\"a\":{}}}", "/properties/a: given twice"},
        {"true", "(root): a schema must be an object"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gen_json_doc *doc = parse_ok(bad[i].schema);
        struct gen_schema *s = NULL;
        struct gen_error err = {0};
        assert_int_equal(gen_schema_new(&s, gen_json_root(doc), &err), GEN_EPARSE);
        if (!strstr(err.msg, bad[i].part))
            fail_msg("%s: %s", bad[i].schema, err.msg);
        gen_json_doc_free(doc);
    }
}

static void many_keys(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_add_c(&text, "{\"k0\":0", NULL), GEN_OK);
    for (int i = 1; i < 50000; i++)
        assert_int_equal(gen_buf_printf(&text, NULL, ",\"k%d\":%d", i, i), GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, ",\"k777\":1}", NULL), GEN_OK);
    check_one("{}", text.data, "/k777: the key is given more than once\n");
    gen_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),       cmocka_unit_test(keywords), cmocka_unit_test(any_of),
        cmocka_unit_test(long_messages), cmocka_unit_test(refused),  cmocka_unit_test(many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
