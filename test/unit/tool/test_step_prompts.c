/* Every prompt of every step, in one table: its answer's schema is in the profile that all
 * providers take (prompting.md A.3), and the examples in the prompt pass it. */
#include "os/file.h"
#include "qa/common.h"
#include "step/prompt.h"
#include "tool/step/execute_int.h"
#include "tool/step/generate_int.h"
#include "tool/step/rate_int.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PROMPTS_DIR PROJECT_DIR "/configs/prompts"

enum { DEPTH_MAX = 5, PROPERTIES_MAX = 100, ENUM_BYTES_MAX = 15000 };

/* The schemas that name tools are looked at without any. */
static const char plan[] = "plan";
static const char step[] = "step";

static const struct {
    const char *prompt, *schema;
    int n_examples; /* JSON lines of the system prompt; -1: test_qa_prompts looks at them */
} rows[] = {
    {"qa_generation", gen_qa_schema_text_pairs, -1},
    {"code_qa_generation", gen_qa_schema_code_pairs, -1},
    {"qa_enrichment", gen_qa_schema_enrichment, -1},
    {"qa_enrichment_blind", gen_qa_schema_enrichment, -1},
    {"qa_rating", gen_qa_schema_rating, -1},
    {"cot_generation", gen_qa_schema_cot_pairs, -1},
    {"cot_generation_code", gen_qa_schema_code_cot_pairs, -1},
    {"cot_enhancement", gen_qa_schema_enhancement, -1},
    {"cot_enhancement_blind", gen_qa_schema_enhancement, -1},
    {"cot_native", gen_qa_schema_conclusion, -1},
    {"cot_native_blind", gen_qa_schema_conclusion, -1},
    {"tool_instruction_generation", gen_schema_tool_request, 1},
    {"multi_tool_instruction_generation", gen_schema_tool_requests, 2},
    {"tool_parallel", gen_schema_tool_requests, 1},
    {"tool_irrelevance", gen_schema_tool_irrelevance, 1},
    {"tool_missing_parameter", gen_schema_tool_missing, 1},
    {"tool_solution_single", plan, 1},
    {"tool_solution_multi", plan, 1},
    {"tool_solution_step", step, 2},
    {"tool_simulation", gen_exec_schema_simulation, 2},
    {"tool_final_answer", gen_exec_schema_answer, 2},
    {"tool_quality_rating", gen_rate_schema, 1},
};

static void schema_text(const char *schema, struct gen_buf *out)
{
    struct gen_toolset none = {.n_tools = 0};
    int rc = schema == plan   ? gen_schema_tool_plan(&none, out, NULL)
             : schema == step ? gen_exec_step_schema(NULL, out, NULL)
                              : gen_buf_add_c(out, schema, NULL);
    assert_int_equal(rc, GEN_OK);
}

static struct gen_json_doc *parse(struct gen_str text, const char *prompt)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_json_parse(&doc, text, &err))
        fail_msg("%s: %s", prompt, err.msg);
    return doc;
}

/* ---- the profile ---- */

static void check_keywords(const struct gen_json *s, const char *prompt)
{
    static const char *const allowed[] = {"type",  "properties", "required", "additionalProperties",
                                          "items", "enum",       "maxItems"};
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, s);
    while (gen_json_iter_next(&it, &key, &v)) {
        bool known = false;
        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
            known = known || gen_str_is(key, allowed[i]);
        if (!known)
            fail_msg("%s: the keyword %.*s is not in the profile", prompt, GEN_STR_ARG(key));
    }
    assert_int_equal(gen_json_type(gen_json_get(s, "type")), GEN_JSON_STRING);
}

static void check_profile(const struct gen_json *s, const char *prompt, int depth,
                          size_t *n_properties)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    bool is_open = true;
    size_t i = 0;
    check_keywords(s, prompt);
    if (gen_str_is(gen_json_get_str(s, "type"), "array")) {
        check_profile(gen_json_get(s, "items"), prompt, depth + 1, n_properties);
        return;
    }
    if (!gen_str_is(gen_json_get_str(s, "type"), "object"))
        return;
    if (depth > DEPTH_MAX)
        fail_msg("%s: objects are nested more than %d deep", prompt, DEPTH_MAX);
    if (!gen_json_as_bool(gen_json_get(s, "additionalProperties"), &is_open) || is_open)
        fail_msg("%s: an object is open", prompt);
    const struct gen_json *required = gen_json_get(s, "required");
    if (gen_json_count(gen_json_get(s, "properties")) != gen_json_count(required))
        fail_msg("%s: an optional member", prompt);
    gen_json_iter_init(&it, gen_json_get(s, "properties"));
    while (gen_json_iter_next(&it, &key, &v)) {
        struct gen_str name;
        /* Models write the members in this order: both lists must have the same one. */
        if (!gen_json_as_str(gen_json_at(required, i++), &name) || !gen_str_eq(name, key))
            fail_msg("%s: %.*s is required in another place", prompt, GEN_STR_ARG(key));
        ++*n_properties;
        check_profile(v, prompt, depth + 1, n_properties);
    }
}

static void schemas_are_in_the_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
        size_t n_properties = 0;
        schema_text(rows[i].schema, &text);
        struct gen_json_doc *doc = parse(gen_buf_str(&text), rows[i].prompt);
        assert_true(gen_str_is(gen_json_get_str(gen_json_root(doc), "type"), "object"));
        check_profile(gen_json_root(doc), rows[i].prompt, 1, &n_properties);
        assert_true(n_properties <= PROPERTIES_MAX);
        gen_json_doc_free(doc);
        gen_buf_release(&text);
    }
}

/* ---- the prompts ---- */

static struct gen_prompt_set *load(void)
{
    struct gen_prompt_set *set = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_prompt_set_load(&set, PROMPTS_DIR, NULL, &err))
        fail_msg("%s", err.msg);
    return set;
}

static int count_examples(const struct gen_schema *schema, struct gen_str system,
                          const char *prompt)
{
    struct gen_str line;
    int n = 0;
    while (gen_str_next_line(&system, &line)) {
        struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
        bool valid = false;
        line = gen_str_trim(line);
        if (!gen_str_starts(line, GEN_STR("{\"")))
            continue;
        struct gen_json_doc *doc = parse(line, prompt);
        assert_int_equal(gen_schema_check(schema, gen_json_root(doc), &valid, &faults, NULL),
                         GEN_OK);
        if (!valid)
            fail_msg("%s: example %d: %s", prompt, n + 1, faults.data);
        gen_json_doc_free(doc);
        gen_buf_release(&faults);
        n++;
    }
    return n;
}

static void examples_fit_the_schemas(void **state)
{
    struct gen_prompt_set *set = load();
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
        struct gen_schema *schema = NULL;
        if (rows[i].n_examples < 0)
            continue;
        schema_text(rows[i].schema, &text);
        struct gen_json_doc *doc = parse(gen_buf_str(&text), rows[i].prompt);
        assert_int_equal(gen_schema_new(&schema, gen_json_root(doc), NULL), GEN_OK);
        struct gen_str system = gen_prompt_system(gen_prompt_find(set, rows[i].prompt));
        int n = count_examples(schema, system, rows[i].prompt);
        if (n != rows[i].n_examples)
            fail_msg("%s has %d examples, not %d", rows[i].prompt, n, rows[i].n_examples);
        gen_schema_free(schema);
        gen_json_doc_free(doc);
        gen_buf_release(&text);
    }
    gen_prompt_set_free(set);
}

/* A prompt that somebody adds needs a row here. */
static void no_prompt_is_forgotten(void **state)
{
    DIR *dir = opendir(PROMPTS_DIR);
    const struct dirent *entry;
    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        struct gen_str name = gen_str_from(entry->d_name);
        bool found = gen_str_starts(name, GEN_STR("qa_comparison_")); /* schemas by size of a set */
        if (!gen_str_ends(name, GEN_STR(".yaml")))
            continue;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            found = found || gen_str_is(gen_path_stem(name), rows[i].prompt);
        if (!found)
            fail_msg("%s has no row in this test", entry->d_name);
    }
    assert_int_equal(closedir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_in_the_profile),
        cmocka_unit_test(examples_fit_the_schemas),
        cmocka_unit_test(no_prompt_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
