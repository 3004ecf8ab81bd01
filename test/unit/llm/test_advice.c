/* Every class of failure comes with something to do, in the provider's own words. */
#include "llm/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct gen_provider *const providers[] = {
    &gen_provider_ollama,    &gen_provider_openai, &gen_provider_vllm,
    &gen_provider_anthropic, &gen_provider_gemini, &gen_provider_claude,
};

static bool asks_for_nothing(enum gen_class c)
{
    return c == GEN_CLASS_NONE || c == GEN_CLASS_OK || c == GEN_CLASS_CANCELED;
}

static void every_class_has_advice(void **state)
{
    char advice[GEN_ADVICE_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        for (int c = 0; c < GEN_N_CLASSES; c++) {
            gen_class_advice((enum gen_class)c, providers[i], advice);
            assert_int_equal(advice[0] == '\0', asks_for_nothing((enum gen_class)c));
            /* Nothing was cut, and it goes into the middle of a sentence. */
            assert_true(strlen(advice) < GEN_ADVICE_BYTES - 1);
            assert_true(!advice[0] || advice[strlen(advice) - 1] != '.');
        }
    }
}

static void advice_names_what_the_provider_has(void **state)
{
    char advice[GEN_ADVICE_BYTES];
    (void)state;
    gen_class_advice(GEN_CLASS_AUTH, &gen_provider_gemini, advice);
    assert_non_null(strstr(advice, "GOOGLE_API_KEY"));
    gen_class_advice(GEN_CLASS_AUTH, &gen_provider_claude, advice);
    assert_non_null(strstr(advice, "\"claude\""));
    gen_class_advice(GEN_CLASS_CONTEXT_OVERFLOW, &gen_provider_ollama, advice);
    assert_non_null(strstr(advice, "--num-ctx"));
    gen_class_advice(GEN_CLASS_CONTEXT_OVERFLOW, &gen_provider_openai, advice);
    assert_null(strstr(advice, "--num-ctx"));
}

static void classes_are_found_by_name(void **state)
{
    (void)state;
    for (int c = GEN_CLASS_OK; c < GEN_N_CLASSES; c++)
        assert_int_equal(gen_class_of_name(gen_str_from(gen_class_name((enum gen_class)c))), c);
    assert_int_equal(gen_class_of_name(GEN_STR("rate_limi")), GEN_CLASS_NONE);
    assert_int_equal(gen_class_of_name(GEN_STR("")), GEN_CLASS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_has_advice),
        cmocka_unit_test(advice_names_what_the_provider_has),
        cmocka_unit_test(classes_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
