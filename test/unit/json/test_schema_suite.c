/* The official JSON Schema test suite (Debian's json-schema-test-suite), for the keywords that we
 * claim: every case must be decided as the suite says. Skipped, and said so, where the package is
 * not there. */
#include "json_test.h"

#include "os/file.h"
#include "json/schema.h"

#include <stdlib.h>
#include <unistd.h>

#define SUITE "/usr/share/json-schema-test-suite/tests"

/* Keywords by draft; what the suite has beyond these we say is not checked. */
static const char *const claimed[] = {"additionalItems",
                                      "additionalProperties",
                                      "allOf",
                                      "anyOf",
                                      "boolean_schema",
                                      "const",
                                      "default",
                                      "enum",
                                      "exclusiveMaximum",
                                      "exclusiveMinimum",
                                      "items",
                                      "maxItems",
                                      "maxLength",
                                      "maxProperties",
                                      "maximum",
                                      "minItems",
                                      "minLength",
                                      "minProperties",
                                      "minimum",
                                      "multipleOf",
                                      "not",
                                      "oneOf",
                                      "pattern",
                                      "patternProperties",
                                      "properties",
                                      "ref",
                                      "required",
                                      "type",
                                      "uniqueItems"};

/* Tests that reach out of their document: the network is not asked. */
static const char *const skipped[] = {"remote ref, containing refs itself",
                                      "Recursive references between schemas"};

static bool is_skipped(struct gen_str name)
{
    for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++) {
        if (gen_str_is(name, skipped[i]))
            return true;
    }
    return false;
}

static size_t run_group(const char *file, const struct gen_json *group)
{
    struct gen_schema *schema = NULL;
    struct gen_error err = {.msg = ""};
    struct gen_buf ignored = gen_buf_make(65536);
    struct gen_str name = gen_json_get_str(group, "description");
    if (is_skipped(name))
        return 0;
    if (gen_schema_new_foreign(&schema, gen_json_get(group, "schema"), GEN_DRAFT_7, &ignored, &err))
        fail_msg("%s, %.*s: %s", file, GEN_STR_ARG(name), err.msg);
    /* References into places that are no keywords. */
    if (ignored.n && strcmp(file, "ref") != 0)
        fail_msg("%s, %.*s: %s", file, GEN_STR_ARG(name), ignored.data);
    struct gen_json_iter it;
    const struct gen_json *test;
    size_t n = 0;
    gen_json_iter_init(&it, gen_json_get(group, "tests"));
    while (gen_json_iter_next(&it, NULL, &test)) {
        bool valid = false;
        bool expected = false;
        struct gen_buf faults = gen_buf_make(65536);
        assert_true(gen_json_as_bool(gen_json_get(test, "valid"), &expected));
        assert_int_equal(
            gen_schema_check(schema, gen_json_get(test, "data"), &valid, &faults, &err), GEN_OK);
        if (valid != expected)
            fail_msg("%s, %.*s, %.*s: found %svalid: %s", file, GEN_STR_ARG(name),
                     GEN_STR_ARG(gen_json_get_str(test, "description")), valid ? "" : "in",
                     faults.n ? faults.data : "");
        gen_buf_release(&faults);
        n++;
    }
    gen_schema_free(schema);
    gen_buf_release(&ignored);
    return n;
}

static size_t run_file(const char *draft, const char *keyword)
{
    char path[256];
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    struct gen_error err = {.msg = ""};
    struct gen_json_doc *doc = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s/%s.json", SUITE, draft, keyword);
    if (access(path, R_OK))
        return 0;
    if (gen_file_read_all(&text, path, &err) || gen_json_parse(&doc, gen_buf_str(&text), &err))
        fail_msg("%s: %s", path, err.msg);
    struct gen_json_iter it;
    const struct gen_json *group;
    size_t n = 0;
    gen_json_iter_init(&it, gen_json_root(doc));
    while (gen_json_iter_next(&it, NULL, &group))
        n += run_group(keyword, group);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return n;
}

static void suite(void **state)
{
    static const char *const drafts[] = {"draft4", "draft6", "draft7"};
    (void)state;
    for (size_t d = 0; d < sizeof(drafts) / sizeof(drafts[0]); d++) {
        size_t n = 0;
        for (size_t i = 0; i < sizeof(claimed) / sizeof(claimed[0]); i++)
            n += run_file(drafts[d], claimed[i]);
        print_message("%s: %zu cases of the suite\n", drafts[d], n);
        assert_true(n > 100);
    }
}

int main(void)
{
    if (access(SUITE, R_OK)) {
        print_message("skipped: %s is not there (Debian: json-schema-test-suite)\n", SUITE);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
