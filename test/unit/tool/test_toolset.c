/* Tools in memory: views, documentation, samples, and arguments out of strings. */
#include "tool/toolset_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gen_toolset *load(const char *path)
{
    struct gen_toolset *t = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_toolset_load(&t, path, NULL, NULL, &err))
        fail_msg("%s: %s", path, err.msg);
    return t;
}

static struct gen_toolset *make(const char *text)
{
    struct gen_toolset *t = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_toolset_new(&t, gen_str_from(text), &err))
        fail_msg("%s", err.msg);
    return t;
}

static void bundled_file(void **state)
{
    (void)state;
    struct gen_toolset *t = load(PROJECT_DIR "/configs/hdf5_tools.json");
    assert_int_equal(t->n_tools, 25);
    assert_int_equal(t->n_samples_refused, 0);
    for (size_t i = 0; i < t->n_tools; i++) {
        assert_true(t->tools[i].n_samples > 0);
        assert_non_null(t->tools[i].output_schema);
        assert_ptr_equal(gen_toolset_find(t, t->tools[i].name), &t->tools[i]);
    }
    const struct gen_tool *open = gen_toolset_find(t, GEN_STR("open_file"));
    assert_non_null(open);
    assert_int_equal(open->n_params, 2);
    assert_true(open->params[0].is_required);
    assert_false(open->params[1].is_required);
    assert_true(gen_str_starts(open->documentation,
                               GEN_STR("open_file(path: string, mode: string = r): Open an HDF5")));
    assert_true(gen_str_find(open->documentation, GEN_STR("\n  path: Path of the HDF5 file"), 0) !=
                SIZE_MAX);
    assert_true(gen_str_find(open->documentation, GEN_STR("(one of r, r+)"), 0) != SIZE_MAX);
    assert_null(gen_toolset_find(t, GEN_STR("nothing")));
    gen_toolset_free(t);
}

static void shapes(void **state)
{
    static const struct {
        const char *file;
        size_t tools_min;
    } files[] = {{"native.json", 1}, {"openai.json", 1},    {"anthropic.json", 1}, {"mcp.json", 1},
                 {"bfcl.json", 1},   {"openapi30.yaml", 1}, {"swagger2.json", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[512];
        (void)snprintf(path, sizeof(path), TEST_DATA_DIR "/tool/parse/%s", files[i].file);
        struct gen_toolset *t = load(path);
        assert_true(t->n_tools >= files[i].tools_min);
        gen_toolset_free(t);
    }
}

static void server_survives(void **state)
{
    (void)state;
    struct gen_toolset *t = make(
        "{\"name\":\"n\",\"server\":\"generator-hdf5-mcp\",\"tools\":[{\"tool_id\":\"a\",\"name\":"
        "\"a\",\"description\":\"d\",\"parameters\":[]}]}");
    assert_true(gen_str_is(t->server, "generator-hdf5-mcp"));
    gen_toolset_free(t);
}

static void offered_and_back(void **state)
{
    (void)state;
    struct gen_toolset *t = load(PROJECT_DIR "/configs/hdf5_tools.json");
    struct gen_toolset *again = NULL;
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_json_doc *doc = NULL;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *list = gen_jb_array(b);
    for (size_t i = 0; i < t->n_tools; i++)
        gen_jb_append(b, list, gen_tool_offered(&t->tools[i], b));
    assert_int_equal(gen_jb_write(b, list, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
    assert_int_equal(gen_toolset_from_offered(&again, gen_json_root(doc), NULL), GEN_OK);
    assert_int_equal(again->n_tools, t->n_tools);
    for (size_t i = 0; i < t->n_tools; i++) {
        assert_true(gen_json_equal(t->tools[i].input_schema, again->tools[i].input_schema));
        assert_true(gen_str_eq(t->tools[i].documentation, again->tools[i].documentation));
    }
    gen_toolset_free(again);
    assert_int_equal(gen_toolset_from_offered(&again, NULL, NULL), GEN_EPARSE);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    gen_jb_free(b);
    gen_toolset_free(t);
}

static const char tool_of_samples[] =
    "{\"tools\":[{\"tool_id\":\"f\",\"name\":\"f\",\"description\":\"d\",\"parameters\":["
    "{\"name\":\"path\",\"type\":\"string\",\"required\":true},"
    "{\"name\":\"start\",\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"required\":false},"
    "{\"name\":\"flag\",\"type\":\"boolean\",\"required\":false},"
    "{\"name\":\"ratio\",\"type\":\"number\",\"required\":false},"
    "{\"name\":\"more\",\"type\":\"object\",\"required\":false}],\"examples\":[%s]}]}";

static void samples(void **state)
{
    static const struct {
        const char *example, *args; /* args NULL: refused */
        const char *instruction;
    } cases[] = {
        {"\"f(path='/x', start=[0, 0], flag=True)\"",
         "{\"path\":\"/x\",\"start\":[0,0],\"flag\":true}", ""},
        {"\"f('/x', (1, 2,), ratio=-1.5)\"", "{\"path\":\"/x\",\"start\":[1,2],\"ratio\":-1.5}",
         ""},
        {"\"f(path=\\\"it's\\\", more={'a': None, \\\"b\\\": [True]})  # why\"",
         "{\"path\":\"it's\",\"more\":{\"a\":null,\"b\":[true]}}", ""},
        {"\"f(path='a\\\\'b\\\\n')\"", "{\"path\":\"a'b\\n\"}", ""},
        {"{\"instruction\":\"Do it\",\"input\":{\"path\":\"/y\"},\"output\":\"done\"}",
         "{\"path\":\"/y\"}", "Do it"},
        {"{\"instruction\":\"Do it\",\"input\":\"\",\"output\":\"f(path='/z')\"}",
         "{\"path\":\"/z\"}", "Do it"},
        {"{\"instruction\":\"x\",\"output\":{\"tool\":\"f\",\"args\":{\"path\":\"/q\"}}}",
         "{\"path\":\"/q\"}", "x"},
        {"{\"path\":\"/w\",\"ratio\":2}", "{\"path\":\"/w\",\"ratio\":2}", ""},
        {"\"f()\"", NULL, NULL},
        {"\"g(path='/x')\"", NULL, NULL},
        {"\"f(path='/x'\"", NULL, NULL},
        {"\"f(path='/x\"", NULL, NULL},
        {"\"f(path=x)\"", NULL, NULL},
        {"\"f(path='/x', start='no')\"", NULL, NULL},
        {"\"f(path='/x', more={1: 2})\"", NULL, NULL},
        {"\"f(path='/x', more={'a': "
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
         "]]]]]]]]]]})\"",
         NULL, NULL},
        {"\"just words\"", NULL, NULL},
        {"7", NULL, NULL},
        {"{\"instruction\":\"x\",\"output\":\"it was done\"}", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[2048];
        (void)snprintf(text, sizeof(text), tool_of_samples, cases[i].example);
        struct gen_toolset *t = make(text);
        const struct gen_tool *tool = &t->tools[0];
        assert_int_equal(tool->n_samples, cases[i].args ? 1 : 0);
        assert_int_equal(t->n_samples_refused, cases[i].args ? 0 : 1);
        if (cases[i].args) {
            struct gen_json_doc *doc = NULL;
            assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].args), NULL), GEN_OK);
            if (!gen_json_equal(gen_json_root(doc), tool->samples[0].args))
                fail_msg("case %zu", i);
            assert_true(gen_str_is(tool->samples[0].instruction, cases[i].instruction));
            gen_json_doc_free(doc);
        }
        gen_toolset_free(t);
    }
}

static const char tool_of_types[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{"
    "\"type\":\"object\",\"$defs\":{\"Size\":{\"type\":\"integer\"}},\"properties\":{"
    "\"s\":{\"type\":\"string\"},\"i\":{\"type\":\"integer\"},\"n\":{\"type\":\"number\"},"
    "\"b\":{\"type\":\"boolean\"},\"a\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
    "\"o\":{\"type\":\"object\"},\"r\":{\"$ref\":\"#/$defs/Size\"},"
    "\"u\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]},"
    "\"t\":{\"type\":[\"string\",\"null\"]},\"e\":{\"enum\":[\"1\",\"2\",\"\"]},"
    "\"y\":{\"type\":\"integer\",\"nullable\":true},\"loop\":{\"$ref\":\"#/properties/loop\"},"
    "\"q\":{\"type\":\"string\"},\"z\":{\"type\":[\"integer\",\"null\"]}},"
    "\"required\":[\"q\",\"z\"]}}}]";

static void coercion(void **state)
{
    static const struct {
        const char *pairs, *args;
    } cases[] = {
        {"[[\"s\",\"5\"],[\"i\",\"5\"],[\"n\",\"5\"]]", "{\"s\":\"5\",\"i\":5,\"n\":5}"},
        {"[[\"i\",\" 7 \"],[\"n\",\"1.5e3\"]]", "{\"i\":7,\"n\":1500.0}"},
        {"[[\"i\",\"7.0\"],[\"r\",\"3\"]]", "{\"i\":7,\"r\":3}"},
        {"[[\"i\",\"seven\"]]", "{\"i\":\"seven\"}"},
        {"[[\"b\",\"true\"]]", "{\"b\":true}"},
        {"[[\"b\",\"False\"]]", "{\"b\":false}"},
        {"[[\"a\",\"[0, 1]\"]]", "{\"a\":[0,1]}"},
        {"[[\"a\",\"0, 1\"]]", "{\"a\":[0,1]}"},
        {"[[\"a\",\"(0, 1)\"]]", "{\"a\":[0,1]}"},
        {"[[\"o\",\"{\\\"k\\\": [1]}\"]]", "{\"o\":{\"k\":[1]}}"},
        {"[[\"o\",\"{'k': True}\"]]", "{\"o\":{\"k\":true}}"},
        {"[[\"u\",\"12\"]]", "{\"u\":12}"},
        {"[[\"u\",\"null\"],[\"s\",\"\"],[\"i\",\"\"]]", "{}"},
        {"[[\"t\",\"12\"]]", "{\"t\":\"12\"}"},
        {"[[\"e\",\"1\"]]", "{\"e\":\"1\"}"},
        {"[[\"e\",\"\"]]", "{\"e\":\"\"}"},
        {"[[\"y\",\"4\"]]", "{\"y\":4}"},
        {"[[\"loop\",\"x\"]]", "{\"loop\":\"x\"}"},
        {"[[\"q\",\"\"],[\"z\",\"null\"]]", "{\"q\":\"\",\"z\":null}"},
        {"[[\"q\",\"null\"]]", "{\"q\":\"null\"}"},
        {"[[\"unknown\",\"5\"]]", "{\"unknown\":\"5\"}"},
        {"[[\"i\",8],[\"a\",[1]],[\"s\",null]]", "{\"i\":8,\"a\":[1]}"},
        {"[[\"i\",\"1\"],[\"i\",\"2\"]]", "{\"i\":2}"},
        {"[[\"\",\"1\"]]", "{}"},
    };
    (void)state;
    struct gen_toolset *t = make(tool_of_types);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *short_form = NULL, *doc = NULL, *want = NULL;
        struct gen_buf text = gen_buf_make((size_t)1 << 16), made = gen_buf_make((size_t)1 << 16);
        struct gen_jb *b = NULL;
        struct gen_jmut *args = NULL;
        struct gen_json_iter it;
        const struct gen_json *v;
        assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
        assert_int_equal(gen_json_parse(&short_form, gen_str_from(cases[i].pairs), NULL), GEN_OK);
        struct gen_jmut *list = gen_jb_array(b);
        gen_json_iter_init(&it, gen_json_root(short_form));
        while (gen_json_iter_next(&it, NULL, &v)) {
            struct gen_jmut *pair = gen_jb_object(b);
            gen_jb_put(b, pair, "name", gen_jb_copy(b, gen_json_at(v, 0)));
            gen_jb_put(b, pair, "value", gen_jb_copy(b, gen_json_at(v, 1)));
            gen_jb_append(b, list, pair);
        }
        assert_int_equal(gen_jb_write(b, list, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
        assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
        assert_int_equal(gen_tool_coerce(&t->tools[0], gen_json_root(doc), b, &args, NULL), GEN_OK);
        assert_int_equal(gen_jb_write(b, args, GEN_JSON_COMPACT, &made, NULL), GEN_OK);
        gen_json_doc_free(doc);
        assert_int_equal(gen_json_parse(&doc, gen_buf_str(&made), NULL), GEN_OK);
        assert_int_equal(gen_json_parse(&want, gen_str_from(cases[i].args), NULL), GEN_OK);
        if (!gen_json_equal(gen_json_root(doc), gen_json_root(want)))
            fail_msg("%s gives %s", cases[i].pairs, made.data);
        gen_json_doc_free(short_form);
        gen_json_doc_free(doc);
        gen_json_doc_free(want);
        gen_buf_release(&text);
        gen_buf_release(&made);
        gen_jb_free(b);
    }
    gen_toolset_free(t);
}

static void not_a_list_of_pairs(void **state)
{
    (void)state;
    struct gen_toolset *t = make(tool_of_types);
    struct gen_jb *b = NULL;
    struct gen_jmut *args = NULL;
    struct gen_buf text = gen_buf_make(100);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    assert_int_equal(gen_tool_coerce(&t->tools[0], NULL, b, &args, NULL), GEN_OK);
    assert_int_equal(gen_jb_write(b, args, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    assert_string_equal(text.data, "{}");
    gen_buf_release(&text);
    gen_jb_free(b);
    gen_toolset_free(t);
}

static void checks(void **state)
{
    static const struct {
        const char *args, *fault; /* NULL: valid */
    } cases[] = {
        {"{\"q\":\"a\",\"z\":1}", NULL},
        {"{\"q\":\"a\"}", "/z"},
        {"{\"q\":\"a\",\"z\":\"1\"}", "/z"},
        {"[]", "(root)"},
    };
    (void)state;
    struct gen_toolset *t = make(tool_of_types);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = NULL;
        struct gen_buf faults = gen_buf_make(4096);
        bool valid = false;
        assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].args), NULL), GEN_OK);
        assert_int_equal(gen_tool_check(&t->tools[0], gen_json_root(doc), &valid, &faults, NULL),
                         GEN_OK);
        assert_int_equal(valid, cases[i].fault == NULL);
        if (cases[i].fault)
            assert_non_null(strstr(faults.data, cases[i].fault));
        gen_buf_release(&faults);
        gen_json_doc_free(doc);
    }
    gen_toolset_free(t);
}

/* Branches that lead back to each other are more ways than anybody can walk. */
static void schemas_in_circles(void **state)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_json_doc *args = NULL, *pairs = NULL;
    struct gen_jb *b = NULL;
    struct gen_jmut *made = NULL;
    bool valid = true;
    (void)state;
    assert_int_equal(gen_buf_add_c(&text,
                                   "[{\"name\":\"t\",\"description\":\"d\",\"inputSchema\":{"
                                   "\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[",
                                   NULL),
                     GEN_OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(
            gen_buf_printf(&text, NULL, "%s{\"$ref\":\"#/properties/a\"}", i ? "," : ""), GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "]},\"b\":{\"type\":\"integer\"}}}}]", NULL), GEN_OK);
    struct gen_toolset *t = make(text.data);
    assert_int_equal(gen_json_parse(&pairs,
                                    GEN_STR("[{\"name\":\"a\",\"value\":\"x\"},"
                                            "{\"name\":\"b\",\"value\":\"7\"}]"),
                                    NULL),
                     GEN_OK);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    assert_int_equal(gen_tool_coerce(&t->tools[0], gen_json_root(pairs), b, &made, NULL), GEN_OK);
    gen_buf_clear(&text);
    assert_int_equal(gen_jb_write(b, made, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    assert_string_equal(text.data, "{\"a\":\"x\",\"b\":7}");
    assert_int_equal(gen_json_parse(&args, gen_buf_str(&text), NULL), GEN_OK);
    gen_buf_clear(&text);
    assert_int_equal(gen_tool_check(&t->tools[0], gen_json_root(args), &valid, &text, NULL),
                     GEN_OK);
    assert_false(valid);
    assert_non_null(strstr(text.data, "(root): "));
    assert_int_equal(gen_tool_check(&t->tools[0], gen_json_root(args), &valid, NULL, NULL), GEN_OK);
    gen_json_doc_free(args);
    gen_json_doc_free(pairs);
    gen_jb_free(b);
    gen_buf_release(&text);
    gen_toolset_free(t);
}

/* Each sample is compared with those before it: of very many the first ones are kept. */
static void very_many_samples(void **state)
{
    struct gen_buf text = gen_buf_make((size_t)4 << 20);
    (void)state;
    assert_int_equal(gen_buf_add_c(&text,
                                   "{\"name\":\"n\",\"format\":\"tools\",\"tools\":[{"
                                   "\"tool_id\":\"t\",\"name\":\"t\",\"description\":\"d\","
                                   "\"parameters\":[{\"name\":\"n\",\"type\":\"integer\"}],"
                                   "\"examples\":[",
                                   NULL),
                     GEN_OK);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(gen_buf_printf(&text, NULL, "%s{\"n\":%d}", i ? "," : "", i), GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "]}]}", NULL), GEN_OK);
    struct gen_toolset *t = make(text.data);
    assert_int_equal(t->tools[0].n_samples, 256);
    assert_int_equal(t->n_samples_refused, 0);
    gen_toolset_free(t);
    gen_buf_release(&text);
}

static void bad_files(void **state)
{
    struct gen_toolset *t = NULL;
    struct gen_error err = {.msg = ""};
    (void)state;
    assert_int_equal(gen_toolset_load(&t, "/no/such/file.json", NULL, NULL, &err), GEN_EINPUT);
    assert_non_null(strstr(err.msg, "/no/such/file.json"));
    assert_int_equal(gen_toolset_new(&t, GEN_STR("{\"tools\":"), &err), GEN_EPARSE);
    assert_int_equal(gen_toolset_new(&t, GEN_STR("{}"), &err), GEN_EPARSE);
    assert_null(t);
    gen_toolset_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundled_file),
        cmocka_unit_test(shapes),
        cmocka_unit_test(server_survives),
        cmocka_unit_test(offered_and_back),
        cmocka_unit_test(samples),
        cmocka_unit_test(coercion),
        cmocka_unit_test(checks),
        cmocka_unit_test(not_a_list_of_pairs),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(schemas_in_circles),
        cmocka_unit_test(very_many_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
