/* `generator tool-parse`: files of every shape, MCP servers, and what is none of them. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOOLS PROJECT_DIR "/test/data/tool/parse/"

static void a_file_is_shown(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("tool-parse", PROJECT_DIR "/configs/hdf5_tools.json"));
    run_expect(r, 0);
    assert_non_null(strstr(r->out, "25 tools (generator's own form)\n"));
    assert_non_null(strstr(r->out, "  open_file                   (path, mode?)\n"));
    assert_non_null(strstr(r->out, "  export_dataset "));
}

/* What was written is read again without a word, and gives the same. */
static void a_file_is_converted(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("tool-parse", TOOLS "openapi30.yaml", "-o", "a/tools.json"));
    run_expect(r, 0);
    run_expect_said(r, ARGS("send_blob", "3 tools (OpenAPI) in a/tools.json"));
    run_expect(place_run(p, ARGS("tool-parse", "a/tools.json", "-o", "again.json", "-q")), 0);
    assert_true(place_same(p, "a/tools.json", "again.json"));
    r = place_run(p, ARGS("tool-parse", "a/tools.json", "-o", "-", "-q"));
    run_expect(r, 0);
    char *text = place_read(p, "again.json", NULL);
    assert_string_equal(r->out, text);
    free(text);
}

/* A tool that cannot be used is named, the others stay. */
static void some_are_left_out(void **state)
{
    struct place *p = *state;
    struct run *r = place_run(p, ARGS("tool-parse", TOOLS "anthropic.json", "-o", "t.json"));
    run_expect(r, 3);
    run_expect_said(r, ARGS("broken", "leads to nothing", "left out"));
    assert_true(place_has(p, "t.json"));
}

static void no_tools(void **state)
{
    struct place *p = *state;
    place_write(p, "a.json", "{\"a\":1}");
    place_write(p, "cut.json", "{\"tools\":[");
    place_write(p, "bad.yaml", "a: [b\n");
    static const struct {
        const char *args[6], *said;
    } cases[] = {
        {{"tool-parse"}, "reads one thing"},
        {{"tool-parse", "a.json", "--mcp", "x"}, "reads one thing"},
        {{"tool-parse", "a.json"}, "a.json: it holds no tools"},
        {{"tool-parse", "cut.json"}, "cut.json: invalid JSON"},
        {{"tool-parse", "bad.yaml"}, "bad.yaml"},
        {{"tool-parse", "none.json"}, "none.json"},
        {{"tool-parse", "--mcp", "no-such-program-here"}, "no-such-program-here"},
        {{"tool-parse", "--mcp", "false"}, "false"},
        {{"tool-parse", "--mcp", "sh -c 'unended"}, "does not end"},
        {{"tool-parse", "--mcp-url", "http://127.0.0.1:1/mcp"}, "127.0.0.1"},
        {{"tool-parse", "--mcp-url", "ftp://x"}, "ftp"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run *r = place_run(p, cases[i].args);
        run_expect(r, 2);
        run_expect_says(r, cases[i].said);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_shown),
        TEST(a_file_is_converted),
        TEST(some_are_left_out),
        TEST(no_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
