/* What servers tell about a model, read from bodies as the servers write them. */
#include "llm/facts.h"

#include <setjmp.h> /* cmocka needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct gen_model_facts facts_of(const struct gen_probe *probe, int status, const char *model,
                                       const char *body)
{
    struct gen_model_facts facts = gen_model_facts_make();
    struct gen_llm_result r = gen_llm_result_make();
    struct gen_http_response response = {
        .status = status, .body = gen_str_from(body), .detail = ""};
    assert_int_equal(gen_probe_read(probe, &response, model, &facts, &r, NULL), GEN_OK);
    assert_int_equal(r.class_code == GEN_CLASS_OK, status == 200);
    gen_llm_result_release(&r);
    return facts;
}

static void test_ollama(void **state)
{
    (void)state;
    struct gen_model_facts f =
        facts_of(&gen_probes_ollama[0], 200, "qwen3:8b",
                 "{\"model_info\":{\"general.architecture\":\"qwen3\",\"qwen3.context_length\":"
                 "40960},\"capabilities\":[\"completion\",\"tools\",\"thinking\"]}");
    assert_int_equal(f.exists, GEN_FACT_YES);
    assert_int_equal(f.context_tokens, 40960);
    assert_int_equal(f.thinking, GEN_FACT_YES);
    assert_int_equal(f.structured_outputs, GEN_FACT_YES);
    f = facts_of(&gen_probes_ollama[0], 404, "nope", "{\"error\":\"model 'nope' not found\"}");
    assert_int_equal(f.exists, GEN_FACT_NO);
    const char *tags = "{\"models\":[{\"name\":\"llama3.2:latest\"},{\"name\":\"qwen3:8b\"}]}";
    f = facts_of(&gen_probes_ollama[1], 200, "qwen3:9b", tags);
    assert_int_equal(f.exists, GEN_FACT_NO);
    assert_string_equal(f.nearest, "qwen3:8b");
    assert_int_equal(f.n_models, 2);
    f = facts_of(&gen_probes_ollama[1], 200, "llama3.2", tags);
    assert_int_equal(f.exists, GEN_FACT_YES);
}

static void test_openai_and_its_kin(void **state)
{
    (void)state;
    const struct gen_probe *models = &gen_probes_openai[0];
    struct gen_model_facts f = facts_of(models, 200, "gpt-4o-mni",
                                        "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-4o\"},"
                                        "{\"id\":\"gpt-4o-mini\"}]}");
    assert_int_equal(f.exists, GEN_FACT_NO);
    assert_string_equal(f.nearest, "gpt-4o-mini");
    assert_int_equal(f.context_tokens, -1);
    f = facts_of(models, 200, "Qwen/Qwen3-8B",
                 "{\"data\":[{\"id\":\"Qwen/Qwen3-8B\",\"max_model_len\":32768}]}");
    assert_int_equal(f.exists, GEN_FACT_YES);
    assert_int_equal(f.context_tokens, 32768);
    /* llama.cpp answers to every name. */
    f = facts_of(models, 200, "anything",
                 "{\"data\":[{\"id\":\"tiny.gguf\",\"owned_by\":\"llamacpp\",\"meta\":"
                 "{\"n_ctx\":4096,\"n_ctx_train\":8192}}]}");
    assert_int_equal(f.exists, GEN_FACT_YES);
    assert_int_equal(f.context_tokens, 4096);
    f = facts_of(models, 200, "x/y",
                 "{\"data\":[{\"id\":\"x/y\",\"context_length\":200000,\"top_provider\":"
                 "{\"max_completion_tokens\":8192},\"supported_parameters\":[\"seed\","
                 "\"structured_outputs\"]}]}");
    assert_int_equal(f.context_tokens, 200000);
    assert_int_equal(f.tokens_out_max, 8192);
    assert_int_equal(f.structured_outputs, GEN_FACT_YES);
    assert_int_equal(f.thinking, GEN_FACT_NO);
    f = facts_of(&gen_probes_openai[1], 200, "m",
                 "{\"default_generation_settings\":{\"n_ctx\":2048}}");
    assert_int_equal(f.context_tokens, 2048);
    f = facts_of(&gen_probes_openai[1], 404, "m", "{}");
    assert_int_equal(f.exists, GEN_FACT_UNKNOWN);
}

static void test_anthropic(void **state)
{
    (void)state;
    struct gen_model_facts f =
        facts_of(&gen_probes_anthropic[0], 200, "claude-x",
                 "{\"id\":\"claude-x-20260101\",\"max_input_tokens\":200000,\"max_tokens\":64000,"
                 "\"capabilities\":{\"structured_outputs\":{\"supported\":true},"
                 "\"thinking\":false}}");
    assert_int_equal(f.exists, GEN_FACT_YES);
    assert_int_equal(f.context_tokens, 200000);
    assert_int_equal(f.tokens_out_max, 64000);
    assert_int_equal(f.structured_outputs, GEN_FACT_YES);
    assert_int_equal(f.thinking, GEN_FACT_NO);
    f = facts_of(&gen_probes_anthropic[0], 404, "claude-y",
                 "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"m\"}}");
    assert_int_equal(f.exists, GEN_FACT_NO);
    f = facts_of(&gen_probes_anthropic[1], 200, "claude-haku-5-5",
                 "{\"data\":[{\"id\":\"claude-haiku-5-5\"}]}");
    assert_string_equal(f.nearest, "claude-haiku-5-5");
}

static void test_gemini(void **state)
{
    (void)state;
    const char *model = "{\"name\":\"models/gemini-x\",\"inputTokenLimit\":1048576,"
                        "\"outputTokenLimit\":65536,\"thinking\":true,"
                        "\"supportedGenerationMethods\":[\"generateContent\"]}";
    struct gen_model_facts f = facts_of(&gen_probes_gemini[0], 200, "gemini-x", model);
    assert_int_equal(f.exists, GEN_FACT_YES);
    assert_int_equal(f.context_tokens, 1048576);
    assert_int_equal(f.tokens_out_max, 65536);
    assert_int_equal(f.thinking, GEN_FACT_YES);
    f = facts_of(&gen_probes_gemini[0], 200, "e",
                 "{\"name\":\"models/e\",\"supportedGenerationMethods\":[\"embedContent\"]}");
    assert_int_equal(f.exists, GEN_FACT_NO);
    f = facts_of(&gen_probes_gemini[1], 200, "gemini-x",
                 "{\"models\":[{\"name\":\"models/gemini-x\",\"inputTokenLimit\":5}]}");
    assert_int_equal(f.exists, GEN_FACT_YES);
    assert_int_equal(f.context_tokens, 5);
}

static void test_bodies_that_say_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "[]",
        "null",
        "{\"data\":{}}",
        "{\"data\":[1,null,\"x\"],\"models\":[{}]}",
        "{\"data\":[{\"id\":7,\"max_model_len\":\"many\"}],\"model_info\":[]}"};
    static const struct gen_probe *const lists[] = {gen_probes_ollama, gen_probes_openai,
                                                    gen_probes_anthropic, gen_probes_gemini};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        for (size_t k = 0; k < 4; k++) {
            for (const struct gen_probe *p = lists[k]; p->path; p++) {
                struct gen_model_facts f = facts_of(p, 200, "m", bodies[i]);
                assert_int_equal(f.context_tokens, -1);
                assert_int_equal(f.tokens_out_max, -1);
            }
        }
    }
}

static void test_urls(void **state)
{
    (void)state;
    char url[200];
    struct gen_endpoint e = {.base_url = "http://h:8080/v1"};
    assert_int_equal(gen_probe_url(&gen_probes_openai[0], &e, "m", url, sizeof(url), NULL), GEN_OK);
    assert_string_equal(url, "http://h:8080/v1/models");
    assert_int_equal(gen_probe_url(&gen_probes_openai[1], &e, "m", url, sizeof(url), NULL), GEN_OK);
    assert_string_equal(url, "http://h:8080/props");
    e.base_url = "https://h";
    assert_int_equal(gen_probe_url(&gen_probes_openai[1], &e, "m", url, sizeof(url), NULL), GEN_OK);
    assert_string_equal(url, "https://h/props");
    assert_int_equal(gen_probe_url(&gen_probes_gemini[0], &e, "models/g", url, sizeof(url), NULL),
                     GEN_OK);
    assert_string_equal(url, "https://h/models/g");
    struct gen_error err = {.msg = ""};
    assert_int_equal(gen_probe_url(&gen_probes_gemini[0], &e, "models/g", url, 10, &err),
                     GEN_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ollama),    cmocka_unit_test(test_openai_and_its_kin),
        cmocka_unit_test(test_anthropic), cmocka_unit_test(test_gemini),
        cmocka_unit_test(test_urls),      cmocka_unit_test(test_bodies_that_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
