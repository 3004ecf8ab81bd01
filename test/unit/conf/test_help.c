/* Help, man pages, completion and Markdown are made from the table and say all of it. */
#include "conf/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static bool applies(size_t option, int command)
{
    return (gen_options[option].commands & (1U << (unsigned)command)) != 0;
}

static void test_help_names_every_option(void **state)
{
    (void)state;
    for (int c = 0; c < GEN_N_COMMANDS; c++) {
        struct gen_buf text = gen_buf_make(65536);
        struct gen_error err = {0};
        assert_int_equal(gen_help_text(&text, c, 80, &err), GEN_OK);
        for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
            char flag[64];
            if (!gen_options[i].name)
                continue;
            (void)snprintf(flag, sizeof(flag), " --%s%s", gen_options[i].name,
                           gen_options[i].unit ? " " : "");
            bool is_there = strstr(text.data, flag) != NULL;
            /* A flag may be spoken of where it does not apply; it must be there where it does. */
            if (applies(i, c) && !is_there)
                fail_msg("%s --help lacks %s", gen_commands[c].name, flag);
        }
        assert_non_null(strstr(text.data, "Examples:"));
        gen_buf_release(&text);
    }
}

static void test_help_fits_its_columns(void **state)
{
    (void)state;
    static const size_t columns[] = {60, 80, 100};
    for (int c = -1; c < GEN_N_COMMANDS; c++) {
        for (size_t w = 0; w < sizeof(columns) / sizeof(columns[0]); w++) {
            struct gen_buf text = gen_buf_make(65536);
            struct gen_error err = {0};
            assert_int_equal(gen_help_text(&text, c, columns[w], &err), GEN_OK);
            struct gen_str rest = gen_buf_str(&text);
            struct gen_str line;
            while (gen_str_next_line(&rest, &line)) {
                assert_false(gen_str_ends(line, GEN_STR(" ")));
                /* Only what cannot be broken may be longer: the example of the program's help. */
                if (line.n > columns[w] && (c >= 0 || columns[w] >= 80))
                    fail_msg("longer than %zu: %.*s", columns[w], GEN_STR_ARG(line));
            }
            gen_buf_release(&text);
        }
    }
}

static void test_help_shows_defaults_of_the_command(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(65536);
    struct gen_error err = {0};
    assert_int_equal(gen_help_text(&text, GEN_CMD_GENERATE, 100, &err), GEN_OK);
    assert_non_null(strstr(text.data, "(default: 50)"));
    assert_non_null(strstr(text.data, "(required)"));
    gen_buf_clear(&text);
    assert_int_equal(gen_help_text(&text, GEN_CMD_CURATE, 100, &err), GEN_OK);
    assert_null(strstr(text.data, "(default: 50)"));
    assert_non_null(strstr(text.data, "(default: 7.0)"));
    gen_buf_release(&text);
}

static void test_program_help_names_every_command(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(65536);
    struct gen_error err = {0};
    assert_int_equal(gen_help_text(&text, -1, 80, &err), GEN_OK);
    for (int c = 0; c < GEN_N_COMMANDS; c++) {
        char row[64];
        (void)snprintf(row, sizeof(row), "\n  %s ", gen_commands[c].name);
        assert_non_null(strstr(text.data, row));
    }
    gen_buf_release(&text);
}

/* A line of the page that starts with a dot is a request; all others must not be one by mistake. */
static void check_roff(struct gen_str rest)
{
    static const char *const requests[] = {".TH", ".SH", ".SS", ".TP", ".TQ", ".PP",
                                           ".br", ".nf", ".fi", ".B ", ".BR", ".I "};
    struct gen_str line;
    while (gen_str_next_line(&rest, &line)) {
        assert_false(gen_str_starts(line, GEN_STR("'")));
        bool known = !gen_str_starts(line, GEN_STR("."));
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]) && !known; i++)
            known = gen_str_starts(line, gen_str_from(requests[i]));
        if (!known)
            fail_msg("not a request of man(7): %.*s", GEN_STR_ARG(line));
    }
}

static void test_man_pages(void **state)
{
    (void)state;
    for (int c = -1; c < GEN_N_COMMANDS; c++) {
        struct gen_buf text = gen_buf_make(1 << 18);
        struct gen_error err = {0};
        assert_int_equal(gen_help_man(&text, c, &err), GEN_OK);
        check_roff(gen_buf_str(&text));
        assert_non_null(strstr(text.data, ".SH EXIT STATUS"));
        assert_int_equal(text.data[text.n - 1], '\n');
        if (c == GEN_CMD_ENRICH) {
            assert_non_null(strstr(text.data, ".TH GENERATOR\\-ENRICH 1"));
            assert_non_null(strstr(text.data, "generator\\-enrich \\- Rewrite"));
            assert_non_null(strstr(text.data, "\\fIllm.*.model\\fR"));
            assert_non_null(strstr(text.data, "\\fIenrich.preserve_original\\fR (the opposite)"));
            assert_non_null(strstr(text.data, "\\fIGENERATOR_MODEL\\fR"));
            assert_non_null(strstr(text.data, "llm.api_key"));
        }
        gen_buf_release(&text);
    }
}

static void test_completion(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(65536);
    struct gen_error err = {0};
    assert_int_equal(gen_help_completion(&text, &err), GEN_OK);
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        char flag[64];
        if (!gen_options[i].name)
            continue;
        (void)snprintf(flag, sizeof(flag), " --%s", gen_options[i].name);
        assert_non_null(strstr(text.data, flag));
    }
    assert_non_null(strstr(text.data, "chatml chatml-portable openai "));
    assert_non_null(strstr(text.data, "complete -F _generator generator"));
    /* The shell's own parser is the judge of the rest. */
    FILE *shell = popen("bash -n", "w");
    assert_non_null(shell);
    assert_int_equal(fwrite(text.data, 1, text.n, shell), text.n);
    assert_int_equal(pclose(shell), 0);
    gen_buf_release(&text);
}

static void test_a_full_buffer_is_reported(void **state)
{
    (void)state;
    for (size_t n = 0; n < 3000; n += 97) {
        struct gen_buf text = gen_buf_make(n);
        struct gen_error err = {0};
        assert_int_equal(gen_help_text(&text, GEN_CMD_PIPELINE, 80, &err), GEN_ELIMIT);
        assert_int_equal(err.code, GEN_ELIMIT);
        gen_buf_release(&text);
        assert_int_equal(gen_help_man(&text, GEN_CMD_PIPELINE, NULL), GEN_ELIMIT);
        gen_buf_release(&text);
        assert_int_equal(gen_help_completion(&text, NULL), GEN_ELIMIT);
        gen_buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_names_every_option),
        cmocka_unit_test(test_help_fits_its_columns),
        cmocka_unit_test(test_help_shows_defaults_of_the_command),
        cmocka_unit_test(test_program_help_names_every_command),
        cmocka_unit_test(test_man_pages),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_a_full_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
