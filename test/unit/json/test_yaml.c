#include "json_test.h"

#include "json/yaml.h"

static struct gen_yaml *parse_yaml(const char *text)
{
    struct gen_yaml *y = NULL;
    struct gen_error err = {0};
    if (gen_yaml_parse(&y, gen_str_from(text), "c.yaml", &err))
        fail_msg("%s", err.msg);
    return y;
}

static void expect(const char *text, const char *json)
{
    struct gen_yaml *y = parse_yaml(text);
    assert_json(gen_yaml_root(y), json);
    gen_yaml_free(y);
}

static void expect_error(const char *text, int code, const char *part)
{
    struct gen_yaml *y = NULL;
    struct gen_error err = {0};
    int rc = gen_yaml_parse(&y, gen_str_from(text), "c.yaml", &err);
    if (rc != code || !strstr(err.msg, part))
        fail_msg("code %d: %s", rc, err.msg);
    assert_null(y);
}

static void scalars(void **state)
{
    (void)state;
    expect("", "{}");
    expect("# nothing\n", "{}");
    expect("a: [true, false, True, FALSE]", "{\"a\":[true,false,true,false]}");
    expect("a: [yes, no, on, off, y, n]", "{\"a\":[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]}");
    expect("a: [~, null, ]\nb:\nc: ''", "{\"a\":[null,null],\"b\":null,\"c\":\"\"}");
    expect("a: [0, -7, +3, 9223372036854775807]", "{\"a\":[0,-7,3,9223372036854775807]}");
    expect("a: [012, 0x1F, 0o7, 1_000, 1:30, .inf, .nan, 1.2.3, -, .]",
           "{\"a\":[\"012\",\"0x1F\",\"0o7\",\"1_000\",\"1:30\",\".inf\",\".nan\",\"1.2.3\",\"-\","
           "\".\"]}");
    expect("a: [0.5, .5, -1.5e3, 1e2, 1e, 2024-01-02]",
           "{\"a\":[0.5,0.5,-1500.0,100.0,\"1e\",\"2024-01-02\"]}");
    expect("a: ['1', \"true\", !!str 5, ! 6]", "{\"a\":[\"1\",\"true\",\"5\",\"6\"]}");
    expect("1: a\nno: b\n'': c\n", "{\"1\":\"a\",\"no\":\"b\",\"\":\"c\"}");
    expect("just text", "\"just text\"");
}

static void structures(void **state)
{
    (void)state;
    expect("prompt: |\n  Hello {name},\n    {{x}}\n\n  end\nb: >-\n  one\n  two\n",
           "{\"prompt\":\"Hello {name},\\n  {{x}}\\n\\nend\\n\",\"b\":\"one two\"}");
    expect("a:\n  - b: 1\n    c: [x, {d: 2}]\n  -\n    - 3\n",
           "{\"a\":[{\"b\":1,\"c\":[\"x\",{\"d\":2}]},[3]]}");
    expect("\xEF\xBB\xBF---\na: \"\\u00e9\\n\"\n...\n", "{\"a\":\"é\\n\"}");
    expect("{\"a\": [1, {\"b\": \"c\"}]}", "{\"a\":[1,{\"b\":\"c\"}]}");
}

static void errors(void **state)
{
    (void)state;
    expect_error("a: 1\nb: [1, 2\nc: 3\n", GEN_EPARSE, "c.yaml:3:");
    expect_error("a: 1\n  b: 2\n", GEN_EPARSE, "c.yaml:2:4: mapping values are not allowed");
    expect_error("a:\n\t- b\n", GEN_EPARSE, "c.yaml:2:1: found character that cannot start");
    expect_error("a: &x 1\nb: *x\n", GEN_EPARSE, "c.yaml:2:4: aliases are not supported");
    expect_error("a: 1\n---\nb: 2\n", GEN_EPARSE, "c.yaml:2:1: a second document begins");
    expect_error("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", GEN_EPARSE,
                 "c.yaml:5:3: the key 'c' is given twice, first in line 3");
    expect_error("{name}: 1\n", GEN_EPARSE, "c.yaml:1:1: a key must be a scalar");
    expect_error("a: !!int 3\n", GEN_EPARSE, "c.yaml:1:4: tags");
    expect_error("a: !!map {}\n", GEN_EPARSE, "c.yaml:1:4: tags");
    expect_error("a: b\nc: \"\xFF\"\n", GEN_EPARSE, "c.yaml:2:");
    expect_error("a: \x01\n", GEN_EPARSE, "c.yaml:1:");
    expect_error("a: \"x", GEN_EPARSE, "c.yaml:1:");
}

static void limits(void **state)
{
    (void)state;
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    for (int i = 0; i < 64; i++)
        assert_int_equal(gen_buf_add_char(&b, '[', NULL), GEN_OK);
    size_t open = b.n;
    for (int i = 0; i < 64; i++)
        assert_int_equal(gen_buf_add_char(&b, ']', NULL), GEN_OK);
    struct gen_yaml *y = parse_yaml(b.data);
    gen_yaml_free(y);
    b.n = open;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(gen_buf_add_char(&b, '[', NULL), GEN_OK);
    expect_error(b.data, GEN_ELIMIT, "c.yaml:1:65: nested deeper than 64 levels");
    gen_buf_clear(&b);
    while (b.n <= (size_t)4 << 20)
        assert_int_equal(gen_buf_add_c(&b, "a: 1\n", NULL), GEN_OK);
    expect_error(b.data, GEN_ELIMIT, "limit of 4 MiB");
    gen_buf_release(&b);
}

static void where(void **state)
{
    (void)state;
    struct gen_yaml *y = parse_yaml("# c\nllm:\n  model: x\n  'a/b~': 1\n  list:\n    - p: 1\n"
                                    "    - p: 2\n      q: 3\nz: 1\n");
    static const struct {
        const char *pointer;
        unsigned line;
        unsigned column;
    } known[] = {
        {"", 2, 1},          {"/llm", 2, 1},        {"/llm/model", 3, 3},    {"/llm/a~1b~0", 4, 3},
        {"/llm/list", 5, 3}, {"/llm/list/1", 7, 7}, {"/llm/list/1/q", 8, 7}, {"/z", 9, 1}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        unsigned line = 0;
        unsigned column = 0;
        if (!gen_yaml_where(y, known[i].pointer, &line, &column) || line != known[i].line ||
            column != known[i].column)
            fail_msg("%s: %u:%u", known[i].pointer, line, column);
    }
    static const char *const unknown[] = {"/x",  "/llm/z",       "/llm/list/2", "/llm/list/-1",
                                          "llm", "/llm/model/x", "/",           "/llm/list/p"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        unsigned line;
        unsigned column;
        assert_false(gen_yaml_where(y, unknown[i], &line, &column));
    }
    gen_yaml_free(y);
    gen_yaml_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars), cmocka_unit_test(structures), cmocka_unit_test(errors),
        cmocka_unit_test(limits),  cmocka_unit_test(where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
