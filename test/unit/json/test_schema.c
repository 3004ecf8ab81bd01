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
        {"{\"additionalProperties\":{}}", "/additionalProperties: this keyword"},
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

/* What others write: tool definitions of MCP servers, OpenAPI, BFCL. */
static void foreign(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *value, *faults, *ignored;
    } cases[] = {
        {"{\"prefixItems\":[{\"type\":\"integer\"}],\"items\":false}", "[1]", "", ""},
        {"{\"prefixItems\":[{\"type\":\"integer\"}],\"items\":false}", "[1,2]",
         "/1: nothing is allowed here\n", ""},
        {"{\"type\":\"string\",\"nullable\":true}", "null", "", ""},
        {"{\"type\":\"integer\"}", "2.0", "", ""},
        {"{\"type\":\"integer\"}", "2.5", "(root): found 2.5, allowed: integer\n", ""},
        {"{\"type\":\"number\",\"minimum\":0,\"exclusiveMinimum\":true}", "0",
         "(root): found 0, allowed: over 0\n", ""},
        {"{\"exclusiveMaximum\":1,\"maximum\":5}", "1", "(root): found 1, allowed: below 1\n", ""},
        {"{\"multipleOf\":0.01}", "1.005", "(root): found 1.005, allowed: multiples of 0.01\n", ""},
        {"{\"pattern\":\"^[a-z]+$\"}", "\"Ab\"",
         "(root): found \"Ab\", allowed: what matches ^[a-z]+$\n", ""},
        {"{\"pattern\":\"(\"}", "\"Ab\"", "",
         "/pattern: the pattern cannot be read, and is not checked\n"},
        {"{\"uniqueItems\":true}", "[1,\"1\",1.0]",
         "(root): two of its items are equal, but each must differ\n", ""},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"maxLength\":3}]}", "\"ab\"",
         "(root): it fits several of the schemas of which it must fit one\n", ""},
        {"{\"not\":{\"type\":\"null\"}}", "null",
         "(root): it fits the schema that it must not fit\n", ""},
        {"{\"contains\":{},\"if\":{},\"x-mine\":1,\"format\":\"uri\"}", "1", "",
         "/contains: not checked\n/if: not checked\n"},
        {"{\"$ref\":\"https://example.com/a\"}", "1", "",
         "/$ref: leads out of this document, and is not followed\n"},
        {"{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{"
         "\"next\":{\"$ref\":\"#/$defs/node\"}},\"additionalProperties\":{\"type\":\"string\"}}}}",
         "{\"next\":{\"next\":{\"x\":1}}}", "/next/next/x: found 1, allowed: string\n", ""},
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}],\"maximum\":3}", "4",
         "(root): found 4, allowed: at most 3\n", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = parse_ok(cases[i].schema);
        struct gen_schema *s = NULL;
        struct gen_error err = {0};
        struct gen_buf ignored = gen_buf_make(GEN_BUF_UNLIMITED);
        if (gen_schema_new_foreign(&s, gen_json_root(doc), GEN_DRAFT_2020_12, &ignored, &err))
            fail_msg("%s: %s", cases[i].schema, err.msg);
        assert_string_equal(ignored.n ? ignored.data : "", cases[i].ignored);
        expect(s, cases[i].value, cases[i].faults);
        gen_schema_free(s);
        gen_json_doc_free(doc);
        gen_buf_release(&ignored);
    }
}

static void foreign_refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *part;
    } bad[] = {
        {"{\"type\":\"dict\"}", "/type: no type of JSON Schema"},
        {"{\"$ref\":\"#/$defs/none\"}", "/$ref: it leads to nothing"},
        {"{\"multipleOf\":0}", "/multipleOf: a number over 0"},
        {"{\"properties\":{\"a\":7}}", "/properties/a: a schema must be an object"},
        {"{\"minItems\":1.5}", "/minItems: a count"},
        {"7", "a schema must be an object"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gen_json_doc *doc = parse_ok(bad[i].schema);
        struct gen_schema *s = NULL;
        struct gen_error err = {0};
        assert_int_equal(
            gen_schema_new_foreign(&s, gen_json_root(doc), GEN_DRAFT_2020_12, NULL, &err),
            GEN_EPARSE);
        if (!strstr(err.msg, bad[i].part))
            fail_msg("%s: %s", bad[i].schema, err.msg);
        gen_json_doc_free(doc);
    }
}

/* {"$ref":"#"} says that a value fits when it fits. */
static void a_circle_ends(void **state)
{
    (void)state;
    static const char *const circles[] = {
        "{\"$ref\":\"#\"}", "{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"allOf\":["
        "{\"$ref\":\"#/$defs/a\"}]}}}"};
    for (size_t i = 0; i < sizeof(circles) / sizeof(circles[0]); i++) {
        struct gen_json_doc *doc = parse_ok(circles[i]);
        struct gen_schema *s = NULL;
        struct gen_error err = {0};
        bool valid = false;
        struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
        assert_int_equal(
            gen_schema_new_foreign(&s, gen_json_root(doc), GEN_DRAFT_2020_12, NULL, &err), GEN_OK);
        assert_int_equal(gen_schema_check(s, gen_json_root(doc), &valid, &out, &err), GEN_ELIMIT);
        assert_non_null(strstr(err.msg, "circle"));
        gen_schema_free(s);
        gen_json_doc_free(doc);
        gen_buf_release(&out);
    }
}

/* Forty definitions, each of which names the next one twice: 2^40 ways. */
static void too_many_ways(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(65536);
    assert_int_equal(gen_buf_add_c(&text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{", NULL), GEN_OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(gen_buf_printf(&text, NULL,
                                        "\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},"
                                        "{\"$ref\":\"#/$defs/d%d\"}]},",
                                        i, i + 1, i + 1),
                         GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "\"d40\":true}}", NULL), GEN_OK);
    struct gen_json_doc *doc = parse_ok(text.data);
    struct gen_schema *s = NULL;
    struct gen_error err = {0};
    bool valid = false;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_schema_new_foreign(&s, gen_json_root(doc), GEN_DRAFT_2020_12, NULL, &err),
                     GEN_OK);
    assert_int_equal(gen_schema_check(s, gen_json_root(doc), &valid, &out, &err), GEN_ELIMIT);
    gen_schema_free(s);
    gen_json_doc_free(doc);
    gen_buf_release(&out);
    gen_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),         cmocka_unit_test(keywords),
        cmocka_unit_test(any_of),          cmocka_unit_test(long_messages),
        cmocka_unit_test(refused),         cmocka_unit_test(foreign),
        cmocka_unit_test(foreign_refused), cmocka_unit_test(a_circle_ends),
        cmocka_unit_test(too_many_ways),   cmocka_unit_test(many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
