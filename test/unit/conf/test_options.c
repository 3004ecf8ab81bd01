/* The option table itself: complete, free of contradictions, and in step with the configuration
 * that we ship. */
#include "conf/internal.h"
#include "conf/option.h"
#include "conf/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>

static void test_rows_are_in_place(void **state)
{
    (void)state;
    for (int i = 0; i < GEN_N_OPTIONS; i++)
        assert_int_equal(gen_options[i].id, i);
    for (int i = 0; i < GEN_N_COMMANDS; i++)
        assert_int_equal(gen_commands[i].id, i);
}

static bool is_help_text(const char *text)
{
    size_t n = text ? strlen(text) : 0;
    return n > 10 && isupper((unsigned char)text[0]) && text[n - 1] != '.' && !strchr(text, '\n');
}

static void test_every_row_has_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        if (!is_help_text(o->help))
            fail_msg("option %zu (%s) has no help text of one line", i, o->name ? o->name : "-");
        if (o->manual && o->manual[strlen(o->manual) - 1] != '.')
            fail_msg("the manual text of option %zu does not end a sentence", i);
        for (const struct gen_option_case *c = o->cases; c && c->commands; c++)
            assert_true(!c->help || is_help_text(c->help));
    }
    for (size_t i = 0; i < GEN_N_COMMANDS; i++) {
        assert_true(is_help_text(gen_commands[i].help));
        assert_non_null(gen_commands[i].manual);
        assert_non_null(gen_commands[i].examples);
    }
}

static void test_rows_agree_with_their_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        bool is_number =
            o->type == GEN_TYPE_INT || o->type == GEN_TYPE_REAL || o->type == GEN_TYPE_WORKERS;
        assert_true(o->type != 0);
        assert_int_equal(o->type == GEN_TYPE_CHOICE, o->choices != NULL);
        if (is_number)
            assert_true(o->min < o->max);
        if (o->type == GEN_TYPE_FLAG)
            assert_true(!o->unit && !o->default_text);
        else if (o->type == GEN_TYPE_SECRET)
            assert_true(!o->name && !o->env && !o->default_text);
        else
            assert_true(o->unit && o->name);
        assert_true(o->commands != 0);
        assert_int_equal(o->required & ~o->commands, 0);
        for (const struct gen_option_case *c = o->cases; c && c->commands; c++)
            assert_int_equal(c->commands & ~o->commands, 0);
    }
}

static void test_names_are_used_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct gen_option *a = &gen_options[i];
            const struct gen_option *b = &gen_options[j];
            if (a->name && b->name)
                assert_string_not_equal(a->name, b->name);
            if (a->env && b->env)
                assert_string_not_equal(a->env, b->env);
            if (a->short_name)
                assert_int_not_equal(a->short_name, b->short_name);
        }
        /* These two belong to the parser. */
        assert_int_not_equal(gen_options[i].short_name, 'h');
    }
}

static bool has_key(const char *const *keys, const char *key)
{
    for (; keys && *keys; keys++) {
        if (strcmp(*keys + (**keys == '!'), key + (*key == '!')) == 0)
            return true;
    }
    return false;
}

static bool row_has_key(const struct gen_option *o, const char *key)
{
    bool found = has_key(o->config_keys, key);
    for (const struct gen_option_case *c = o->cases; c && c->commands; c++)
        found = found || has_key(c->config_keys, key);
    return found;
}

static void test_no_key_means_two_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        for (int c = 0; c < GEN_N_COMMANDS; c++) {
            const char *const *keys = gen_option_keys(&gen_options[i], c);
            for (; *keys; keys++) {
                for (size_t j = 0; j < GEN_N_OPTIONS; j++) {
                    if (i != j && row_has_key(&gen_options[j], *keys))
                        fail_msg("the key %s belongs to the options %zu and %zu", *keys, i, j);
                }
                for (const struct gen_ignored_key *k = gen_ignored_keys; k->pattern; k++)
                    assert_string_not_equal(k->pattern, *keys);
                const char *name = *keys + (**keys == '!');
                assert_false(gen_key_is_section(gen_str_from(name)));
            }
        }
    }
}

static void test_keys_are_found(void **state)
{
    (void)state;
    struct gen_key_use use;
    assert_true(gen_key_find(GEN_STR("llm.model"), &use));
    assert_int_equal(use.option->id, GEN_OPT_MODEL);
    assert_false(use.of_provider);
    assert_true(gen_key_find(GEN_STR("llm.openai.model"), &use));
    assert_true(use.of_provider);
    assert_true(gen_key_find(GEN_STR("enrich.preserve_original"), &use));
    assert_true(use.inverted);
    assert_true(gen_key_find(GEN_STR("generation.batch_size"), &use));
    assert_int_equal(use.commands, 1U << GEN_CMD_GENERATE | 1U << GEN_CMD_GENERATE_COT);
    assert_false(gen_key_find(GEN_STR("llm"), &use));
    assert_false(gen_key_find(GEN_STR("llm.openai.model.x"), &use));
    assert_false(gen_key_find(GEN_STR(""), &use));
    assert_true(gen_key_is_section(GEN_STR("llm")));
    assert_true(gen_key_is_section(GEN_STR("llm.openai")));
    assert_false(gen_key_is_section(GEN_STR("llm.openai.model")));
    assert_false(gen_key_is_section(GEN_STR("llmx")));
}

static void test_defaults_differ_per_command(void **state)
{
    (void)state;
    const struct gen_option *batch = &gen_options[GEN_OPT_BATCH_SIZE];
    assert_string_equal(gen_option_default(batch, GEN_CMD_GENERATE), "50");
    assert_string_equal(gen_option_default(batch, GEN_CMD_ENRICH), "5");
    assert_string_equal(gen_option_default(batch, GEN_CMD_CURATE), "5");
    assert_string_equal(gen_option_default(batch, GEN_CMD_PIPELINE), "5");
    assert_null(gen_option_keys(batch, GEN_CMD_PIPELINE)[0]);
}

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

/* Every command reads the configuration that we ship, without a word. */
static void test_shipped_configuration(void **state)
{
    (void)state;
    static char config[] = PROJECT_DIR "/configs/config.yaml";
    for (int i = 0; i < GEN_N_COMMANDS; i++) {
        char name[32];
        assert_in_range(strlen(gen_commands[i].name), 1, sizeof(name) - 1);
        memcpy(name, gen_commands[i].name, strlen(gen_commands[i].name) + 1);
        char program[] = "generator";
        char config_flag[] = "--config";
        char input[] = "in";
        char output_flag[] = "-o";
        char output[] = "out.json";
        char *argv[] = {program, name, config_flag, config, input, output_flag, output, NULL};
        bool has_output = gen_options[GEN_OPT_OUTPUT].commands & (1U << i);
        int argc = has_output ? 7 : gen_commands[i].argument ? 5 : 4;
        struct gen_settings *s = NULL;
        enum gen_parse_result result;
        struct gen_buf text = gen_buf_make(65536);
        struct gen_error err = {0};
        if (gen_settings_parse(&s, &result, &text, argc, argv, no_environment, &err) != GEN_OK)
            fail_msg("%s: %s", name, err.msg);
        assert_string_equal(gen_settings_notices(s), "");
        assert_string_equal(gen_settings_config_path(s), config);
        if (i == GEN_CMD_PIPELINE) {
            double judge = -1;
            assert_string_equal(gen_settings_text(s, GEN_OPT_PROVIDER), "ollama");
            assert_string_equal(gen_settings_text(s, GEN_OPT_MODEL), "mistral:latest");
            assert_string_equal(gen_settings_text(s, GEN_OPT_BASE_URL), "http://localhost:11434");
            assert_true(gen_settings_step_real(s, "curate.temperature", &judge));
            assert_true(judge == 0.1);
            assert_null(gen_settings_secret(s, GEN_OPT_API_KEY));
        }
        gen_settings_free(s);
        gen_buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_in_place),
        cmocka_unit_test(test_every_row_has_help),
        cmocka_unit_test(test_rows_agree_with_their_types),
        cmocka_unit_test(test_names_are_used_once),
        cmocka_unit_test(test_no_key_means_two_options),
        cmocka_unit_test(test_keys_are_found),
        cmocka_unit_test(test_defaults_differ_per_command),
        cmocka_unit_test(test_shipped_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
