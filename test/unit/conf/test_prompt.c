#include "conf/prompt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/gen-prompt-XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct gen_prompt_set *load(const char *user_dir)
{
    struct gen_prompt_set *set = NULL;
    struct gen_error err = {0};
    if (gen_prompt_set_load(&set, "built", user_dir, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    return set;
}

/* Loads one prompt "p" and renders it with a = 1, b = {2}. */
static const struct {
    const char *template; /* as YAML after "prompt: " */
    const char *system;
    const char *user;
} good[] = {
    {"|\n  Rules.\n\n  Text: {a} and {b}.\n", "Rules.", "Text: 1 and {2}.\n"},
    {"|\n  One.\n\n  Two.\n  \n  {a}\n", "One.\n\nTwo.", "1\n"},
    {"|\n  No blank line {a}\n\n  later {a}\n", "", "No blank line 1\n\nlater 1\n"},
    {"|\n  As {{\"x\": [}}]\n\n  {{{a}}}\n", "As {\"x\": [}]", "{1}\n"},
    {"|\n  Nothing to fill in.\n\n  At all.\n", "", "Nothing to fill in.\n\nAt all.\n"},
    {"|\n  {a}\n\n  {b}\n", "", "1\n\n{2}\n"},
    {"\"quoted\\n\\nwith {a}\"\n", "quoted", "with 1"},
    {"|\n\n  Starts blank {a}\n", "", "\nStarts blank 1\n"},
    {"'{a}{b}{a}'\n", "", "1{2}1"},
};

static void test_templates(void **state)
{
    (void)state;
    static const struct gen_prompt_value values[] = {{"a", {"1", 1}}, {"b", {"{2}", 3}}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct gen_buf file = gen_buf_make(4096);
        struct gen_error err = {0};
        assert_int_equal(gen_buf_printf(&file, &err, "prompt: %s", good[i].template), GEN_OK);
        write_file("built/p.yaml", file.data);
        gen_buf_release(&file);
        struct gen_prompt_set *set = load(NULL);
        const struct gen_prompt *p = gen_prompt_find(set, "p");
        assert_non_null(p);
        struct gen_buf out = gen_buf_make(4096);
        assert_int_equal(gen_prompt_render(&out, p, values, 2, &err), GEN_OK);
        if (!gen_str_is(gen_prompt_system(p), good[i].system) ||
            strcmp(out.data, good[i].user) != 0)
            fail_msg("case %zu: \"%.*s\" and \"%s\"", i, GEN_STR_ARG(gen_prompt_system(p)),
                     out.data);
        gen_buf_release(&out);
        gen_prompt_set_free(set);
    }
    assert_int_equal(unlink("built/p.yaml"), 0);
}

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    {"prompt: |\n  One\n  Two {\"x\": 1}\n",
     "built/p.yaml:3:7: \"{\" does not start a placeholder such as {text}; write \"{{\" for a "
     "brace"},
    {"# first\nother: 1\nprompt: |\n    a } b\n",
     "built/p.yaml:4:7: \"}\" does not end a placeholder such as {text}; write \"}}\" for a brace"},
    {"prompt: \"a {b\"\n",
     "built/p.yaml:1:1: \"{\" does not start a placeholder such as {text}; write \"{{\" for a "
     "brace"},
    {"prompt: '{}'\n",
     "built/p.yaml:1:1: \"{\" does not start a placeholder such as {text}; write \"{{\" for a "
     "brace"},
    {"prompt: '{1a}'\n",
     "built/p.yaml:1:1: \"{\" does not start a placeholder such as {text}; write \"{{\" for a "
     "brace"},
    {"prompt: \" \"\n", "built/p.yaml:1:1: the prompt is empty"},
    {"prompt: 4\n", "built/p.yaml: prompt must be a text, but is a whole number"},
    {"- a\n", "built/p.yaml: must be a mapping with the key prompt, but is a list"},
};

static void test_bad_templates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gen_prompt_set *set = NULL;
        struct gen_error err = {0};
        write_file("built/p.yaml", bad[i].text);
        int rc = gen_prompt_set_load(&set, "built", NULL, &err);
        assert_int_equal(rc, GEN_EUSAGE);
        assert_string_equal(err.msg, bad[i].message);
        assert_null(set);
    }
    write_file("built/p.yaml", "prompt: [\n");
    struct gen_error err = {0};
    struct gen_prompt_set *set = NULL;
    assert_int_equal(gen_prompt_set_load(&set, "built", NULL, &err), GEN_EUSAGE);
    assert_int_equal(err.code, GEN_EUSAGE);
    assert_int_equal(unlink("built/p.yaml"), 0);
}

static void test_several_prompts_in_a_file(void **state)
{
    (void)state;
    write_file("built/tools.yaml", "one: 'a {x}'\nversion: 3\ntwo: 'b'\n");
    struct gen_prompt_set *set = load(NULL);
    assert_non_null(gen_prompt_find(set, "one"));
    assert_non_null(gen_prompt_find(set, "two"));
    assert_null(gen_prompt_find(set, "tools"));
    assert_null(gen_prompt_find(set, "version"));
    assert_non_null(gen_prompt_find(set, "base"));
    gen_prompt_set_free(set);
    assert_int_equal(unlink("built/tools.yaml"), 0);
}

static void test_the_users_own(void **state)
{
    (void)state;
    struct gen_prompt_set *set = load(NULL);
    struct gen_digest before = *gen_prompt_digest(gen_prompt_find(set, "base"));
    gen_prompt_set_free(set);
    assert_int_equal(mkdir("mine", 0700), 0);
    write_file("elsewhere", "prompt: 'Mine {text}'\n");
    /* Mounted folders hold links. */
    assert_int_equal(symlink("../elsewhere", "mine/base.yaml"), 0);
    write_file("mine/.hidden.yaml", "prompt: [\n");
    write_file("mine/notes.txt", "no prompt\n");
    set = load("mine");
    const struct gen_prompt *p = gen_prompt_find(set, "base");
    struct gen_prompt_value value = {"text", GEN_STR("T")};
    struct gen_buf out = gen_buf_make(100);
    struct gen_error err = {0};
    assert_int_equal(gen_prompt_render(&out, p, &value, 1, &err), GEN_OK);
    assert_string_equal(out.data, "Mine T");
    assert_memory_not_equal(before.bytes, gen_prompt_digest(p)->bytes, GEN_SHA256_BYTES);
    gen_buf_release(&out);
    gen_prompt_set_free(set);

    write_file("mine/bsae.yaml", "prompt: x\n");
    set = NULL;
    assert_int_equal(gen_prompt_set_load(&set, "built", "mine", &err), GEN_EUSAGE);
    assert_string_equal(err.msg, "mine/bsae.yaml:1:1: there is no built-in prompt \"bsae\" to "
                                 "replace; did you mean \"base\"?");
    assert_int_equal(unlink("mine/bsae.yaml"), 0);
    assert_int_equal(unlink("mine/base.yaml"), 0);
    assert_int_equal(unlink("elsewhere"), 0);
    assert_int_equal(unlink("mine/.hidden.yaml"), 0);
    assert_int_equal(gen_prompt_set_load(&set, "built", "mine", &err), GEN_EUSAGE);
    assert_string_equal(err.msg, "there is no prompt file (*.yaml) in mine");
    assert_int_equal(unlink("mine/notes.txt"), 0);
    assert_int_equal(rmdir("mine"), 0);
    assert_int_equal(gen_prompt_set_load(&set, "built", "mine", &err), GEN_EUSAGE);
    assert_string_equal(err.msg, "cannot read the prompts in mine: No such file or directory");
    assert_int_equal(gen_prompt_set_load(&set, "mine", NULL, &err), GEN_EINPUT);
}

static void test_check(void **state)
{
    (void)state;
    static const char *const names[] = {"text", "n_pairs", "section"};
    static const char *const others[] = {"txet"};
    static const char *const more[] = {"text", "needed"};
    struct gen_prompt_set *set = load(NULL);
    const struct gen_prompt *p = gen_prompt_find(set, "base");
    struct gen_error err = {0};
    assert_int_equal(gen_prompt_check(p, names, 3, 1, &err), GEN_OK);
    assert_int_equal(gen_prompt_check(p, others, 1, 0, &err), GEN_EUSAGE);
    assert_string_equal(err.msg, "built/base.yaml:5:7: the prompt base has no placeholder {text}; "
                                 "did you mean {txet}?");
    assert_int_equal(gen_prompt_check(p, more, 2, 2, &err), GEN_EUSAGE);
    assert_string_equal(err.msg,
                        "built/base.yaml:2:1: the prompt base lacks the placeholder {needed}, "
                        "without which the model does not see it");
    gen_prompt_set_free(set);
}

static void test_render_needs_every_value(void **state)
{
    (void)state;
    struct gen_prompt_set *set = load(NULL);
    const struct gen_prompt *p = gen_prompt_find(set, "base");
    struct gen_buf out = gen_buf_make(100);
    struct gen_error err = {0};
    assert_int_equal(gen_buf_add_c(&out, "before", &err), GEN_OK);
    assert_int_equal(gen_prompt_render(&out, p, NULL, 0, &err), GEN_ESTATE);
    assert_string_equal(err.msg, "the prompt base has no value for {text}");
    assert_string_equal(out.data, "before");
    char big[200];
    memset(big, 'x', sizeof(big));
    struct gen_prompt_value value = {"text", {big, sizeof(big)}};
    assert_int_equal(gen_prompt_render(&out, p, &value, 1, &err), GEN_ELIMIT);
    assert_string_equal(out.data, "before");
    gen_buf_release(&out);
    gen_prompt_set_free(set);
}

static void test_no_config_dir_beside_a_test(void **state)
{
    (void)state;
    struct gen_buf dir = gen_buf_make(4096);
    struct gen_error err = {0};
    assert_int_equal(gen_config_dir(&dir, &err), GEN_EINPUT);
    assert_non_null(strstr(err.msg, "share/generator/configs"));
    assert_int_equal(dir.n, 0);
    gen_buf_release(&dir);
}

/* The prompts that we ship parse, and each has a stable part to cache. */
static void test_shipped_prompts(void **state)
{
    (void)state;
    static const char *const names[] = {"qa_generation", "qa_enrichment", "qa_rating"};
    struct gen_prompt_set *set = NULL;
    struct gen_error err = {0};
    if (gen_prompt_set_load(&set, PROJECT_DIR "/configs/prompts", NULL, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct gen_prompt *p = gen_prompt_find(set, names[i]);
        assert_non_null(p);
        assert_true(gen_prompt_system(p).n > 100);
    }
    gen_prompt_set_free(set);
}

static int enter_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("built", 0700) != 0)
        return -1;
    write_file("built/base.yaml", "# a comment\nprompt: |\n  Rules.\n\n  See {text}\n");
    return 0;
}

static int leave_folder(void **state)
{
    (void)state;
    (void)unlink("built/base.yaml");
    (void)rmdir("built");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_bad_templates),
        cmocka_unit_test(test_several_prompts_in_a_file),
        cmocka_unit_test(test_the_users_own),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_render_needs_every_value),
        cmocka_unit_test(test_no_config_dir_beside_a_test),
        cmocka_unit_test(test_shipped_prompts),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
