/* Definitions of every shape: what becomes of them is beside each in a .expected.json, made by this
 * program with UPDATE_EXPECTED=1 and read by people. */
#include "base/utf8.h"
#include "os/file.h"
#include "tool/parse.h"
#include "json/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER TEST_DATA_DIR "/tool/parse/"

static int note(void *ud, const struct gen_tool_finding *f, struct gen_error *err)
{
    return gen_buf_printf(ud, err, "%s: %.*s: %s\n", f->is_error ? "error" : "warning",
                          GEN_STR_ARG(f->tool), f->why);
}

/* The own form, and below it what was reported. */
static int parse_text(struct gen_str text, const char *name, struct gen_buf *out,
                      struct gen_tools_parsed *parsed, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_yaml *yaml = NULL;
    struct gen_buf findings = gen_buf_make((size_t)1 << 20);
    bool is_yaml = gen_str_ends(gen_str_from(name), GEN_STR(".yaml"));
    int rc = is_yaml ? gen_yaml_parse(&yaml, text, name, err) : gen_json_parse(&doc, text, err);
    const struct gen_json *root = rc ? NULL : is_yaml ? gen_yaml_root(yaml) : gen_json_root(doc);
    if (rc == GEN_OK)
        rc = gen_tools_parse(root, "file", out, parsed, note, &findings, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "\n%s: %zu tools, %zu errors, %zu warnings\n%s",
                            gen_tool_shape_name(parsed->shape), parsed->n_tools, parsed->n_errors,
                            parsed->n_warnings, findings.n ? findings.data : "");
    gen_buf_release(&findings);
    gen_json_doc_free(doc);
    gen_yaml_free(yaml);
    return rc;
}

static void check_file(const char *name)
{
    char path[512];
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_buf out = gen_buf_make((size_t)16 << 20);
    struct gen_buf expected = gen_buf_make((size_t)16 << 20);
    struct gen_tools_parsed parsed;
    struct gen_error err = {.msg = ""};
    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    assert_int_equal(gen_file_read_all(&text, path, &err), GEN_OK);
    if (parse_text(gen_buf_str(&text), name, &out, &parsed, &err))
        fail_msg("%s: %s", name, err.msg);
    (void)snprintf(path, sizeof(path), FOLDER "%s.expected", name);
    if (getenv("UPDATE_EXPECTED")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(out.data, 1, out.n, f), out.n);
        assert_int_equal(fclose(f), 0);
    }
    assert_int_equal(gen_file_read_all(&expected, path, &err), GEN_OK);
    assert_string_equal(out.data, expected.data);
    gen_buf_release(&text);
    gen_buf_release(&out);
    gen_buf_release(&expected);
}

static void shapes(void **state)
{
    static const char *const files[] = {
        "native.json",    "openai.json",          "anthropic.json", "mcp.json",     "bfcl.json",
        "openapi30.yaml", "openapi30_parts.json", "openapi31.json", "swagger2.json"};
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        check_file(files[i]);
}

/* What was written is read again as it is. */
static void own_form_is_stable(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_buf once = gen_buf_make((size_t)16 << 20);
    struct gen_buf twice = gen_buf_make((size_t)16 << 20);
    struct gen_tools_parsed parsed;
    struct gen_yaml *yaml = NULL;
    struct gen_json_doc *doc = NULL;
    assert_int_equal(gen_file_read_all(&text, FOLDER "openapi30.yaml", NULL), GEN_OK);
    assert_int_equal(gen_yaml_parse(&yaml, gen_buf_str(&text), "x", NULL), GEN_OK);
    assert_int_equal(gen_tools_parse(gen_yaml_root(yaml), "x", &once, &parsed, NULL, NULL, NULL),
                     GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&once), NULL), GEN_OK);
    assert_int_equal(gen_tools_parse(gen_json_root(doc), "x", &twice, &parsed, NULL, NULL, NULL),
                     GEN_OK);
    assert_int_equal(parsed.shape, GEN_TOOLS_NATIVE);
    assert_string_equal(once.data, twice.data);
    gen_json_doc_free(doc);
    gen_yaml_free(yaml);
    gen_buf_release(&text);
    gen_buf_release(&once);
    gen_buf_release(&twice);
}

static void refused(void **state)
{
    static const struct {
        const char *text, *part;
        int code;
    } bad[] = {
        {"{}", "it holds no tools", GEN_EPARSE},
        {"[]", "its list of tools is empty", GEN_EINPUT},
        {"7", "it holds no tools", GEN_EPARSE},
        {"{\"tools\":[{\"name\":\"\"}]}", "none of its tools can be used", GEN_EINPUT},
        {"{\"openapi\":\"3.0.0\"}", "no \"paths\"", GEN_EINPUT},
        {"{\"tools\":[7]}", "none of its tools", GEN_EINPUT},
        {"{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{\"get\":{\"parameters\":[{\"$ref\":\"#/"
         "x\"}]}}}}",
         NULL, GEN_OK},
        {"{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{\"$ref\":\"#/paths/~1a\"}}}",
         "none of its tools", GEN_EINPUT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gen_buf out = gen_buf_make((size_t)1 << 20);
        struct gen_tools_parsed parsed;
        struct gen_error err = {.msg = ""};
        int rc = parse_text(gen_str_from(bad[i].text), "x.json", &out, &parsed, &err);
        if (rc != bad[i].code || (bad[i].part && !strstr(err.msg, bad[i].part)))
            fail_msg("%s: %d %s", bad[i].text, rc, err.msg);
        gen_buf_release(&out);
    }
}

/* 10,000 tools of one name are as quick as 10,000 of different ones. */
static void many_of_one_name(void **state)
{
    struct gen_buf text = gen_buf_make((size_t)4 << 20);
    struct gen_buf out = gen_buf_make((size_t)64 << 20);
    struct gen_tools_parsed parsed;
    struct gen_json_doc *doc = NULL, *made = NULL;
    struct gen_error err = {.msg = ""};
    (void)state;
    for (int i = 0; i < GEN_TOOLS_MAX; i++)
        assert_int_equal(gen_buf_printf(&text, NULL,
                                        "%s{\"name\":\"read\",\"description\":\"d\","
                                        "\"inputSchema\":{\"type\":\"object\"}}",
                                        i ? "," : "["),
                         GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "]", NULL), GEN_OK);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
    assert_int_equal(gen_tools_parse(gen_json_root(doc), "x", &out, &parsed, NULL, NULL, &err),
                     GEN_OK);
    assert_int_equal(parsed.n_tools, GEN_TOOLS_MAX);
    assert_int_equal(parsed.n_warnings, GEN_TOOLS_MAX - 1);
    assert_int_equal(gen_json_parse(&made, gen_buf_str(&out), NULL), GEN_OK);
    const struct gen_json *tools = gen_json_get(gen_json_root(made), "tools");
    static const struct {
        size_t i;
        const char *name;
    } names[] = {{0, "read"}, {1, "read_2"}, {2, "read_3"}, {GEN_TOOLS_MAX - 1, "read_10000"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(
            gen_str_is(gen_json_get_str(gen_json_at(tools, names[i].i), "name"), names[i].name));
    gen_json_doc_free(made);
    gen_json_doc_free(doc);
    gen_buf_release(&out);
    gen_buf_release(&text);
}

/* A name that another tool's number would give is passed over. */
static void names_that_meet_numbers(void **state)
{
    static const char text[] = "[{\"name\":\"a\",\"inputSchema\":{}},"
                               "{\"name\":\"a_2\",\"inputSchema\":{}},"
                               "{\"name\":\"a\",\"inputSchema\":{}},"
                               "{\"name\":\"a_2\",\"inputSchema\":{}}]";
    static const char *const names[] = {"a", "a_2", "a_3", "a_2_2"};
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    struct gen_tools_parsed parsed;
    struct gen_json_doc *doc = NULL, *made = NULL;
    (void)state;
    assert_int_equal(gen_json_parse(&doc, GEN_STR(text), NULL), GEN_OK);
    assert_int_equal(gen_tools_parse(gen_json_root(doc), "x", &out, &parsed, NULL, NULL, NULL),
                     GEN_OK);
    assert_int_equal(gen_json_parse(&made, gen_buf_str(&out), NULL), GEN_OK);
    const struct gen_json *tools = gen_json_get(gen_json_root(made), "tools");
    for (size_t i = 0; i < 4; i++)
        assert_true(gen_str_is(gen_json_get_str(gen_json_at(tools, i), "name"), names[i]));
    gen_json_doc_free(made);
    gen_json_doc_free(doc);
    gen_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_of_one_name), cmocka_unit_test(names_that_meet_numbers),
        cmocka_unit_test(shapes),           cmocka_unit_test(own_form_is_stable),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
