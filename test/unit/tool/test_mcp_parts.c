/* The parts of the MCP client that need no server: observations, headers, names, commands,
 * recordings. */
#include "tool/mcp/command.h"
#include "tool/mcp/http_headers.h"
#include "tool/mcp/mcp_int.h"

#include "base/utf8.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct gen_json_doc *parse(const char *text)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_json_parse(&doc, gen_str_from(text), &err))
        fail_msg("%s: %s", text, err.msg);
    return doc;
}

/* Freed by the caller. */
static char *observe(const char *result, size_t bytes_max, bool *is_capped)
{
    struct gen_json_doc *doc = parse(result);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_mcp_observe(&out, gen_json_root(doc), bytes_max, is_capped, NULL), GEN_OK);
    gen_json_doc_free(doc);
    size_t n;
    char *text = gen_buf_take(&out, &n);
    return text ? text : calloc(1, 1);
}

#define TEXT(t) "{\"type\":\"text\",\"text\":\"" t "\"}"

static void results_become_text(void **state)
{
    (void)state;
    static const struct {
        const char *result, *text;
    } cases[] = {
        {"{\"content\":[]}", ""},
        {"{}", ""},
        {"{\"content\":[" TEXT("a") "," TEXT("b") "]}", "a\nb"},
        {"{\"content\":[" TEXT("{\\n \\\"a\\\": 1}") "],\"structuredContent\":{\"a\":1}}",
         "{\"a\":1}"},
        {"{\"content\":[" TEXT(
             "{ \\\"b\\\": 2, \\\"a\\\": 1}") "],\"structuredContent\":{\"a\":1,\"b\":2}}",
         "{\"a\":1,\"b\":2}"},
        {"{\"content\":[" TEXT("one") "],\"structuredContent\":{\"result\":\"one\"}}", "one"},
        {"{\"content\":[" TEXT("{}") "," TEXT("x") "],\"structuredContent\":{}}", "{}\nx"},
        {"{\"content\":[],\"structuredContent\":[1,2]}", "[1,2]"},
        {"{\"structuredContent\":7}", "7"},
        {"{\"content\":[{\"type\":\"image\",\"mimeType\":\"image/png\",\"data\":\"AAAAAA==\"}]}",
         "[image image/png 4 B]"},
        {"{\"content\":[{\"type\":\"audio\",\"mimeType\":\"audio/wav\",\"data\":\"\"}]}",
         "[audio audio/wav 0 B]"},
        {"{\"content\":[{\"type\":\"resource_link\",\"uri\":\"file:///a\",\"name\":\"A\"}]}",
         "[resource A file:///a]"},
        {"{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"u\",\"text\":\"inside\"}}]}",
         "inside"},
        {"{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"u\",\"mimeType\":\"m\","
         "\"blob\":\"AAAA\"}}]}",
         "[resource u m 3 B]"},
        {"{\"content\":[{\"type\":\"hologram\"},{},3,\"x\",null]}", "[hologram]\n[]\n[]\n[]\n[]"},
        {"{\"content\":\"not a list\"}", ""},
        {"{\"content\":[{\"type\":\"text\",\"text\":5}]}", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_capped = true;
        char *text = observe(cases[i].result, 1000, &is_capped);
        assert_string_equal(text, cases[i].text);
        assert_false(is_capped);
        free(text);
    }
}

static void sizes_are_rounded(void **state)
{
    (void)state;
    struct gen_buf result = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_add_c(&result,
                                   "{\"content\":[{\"type\":\"image\",\"mimeType\":"
                                   "\"image/png\",\"data\":\"",
                                   NULL),
                     GEN_OK);
    for (int i = 0; i < 4000; i++)
        assert_int_equal(gen_buf_add_c(&result, "AAAA", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&result, "\"}]}", NULL), GEN_OK);
    bool is_capped;
    char *text = observe(result.data, 1000, &is_capped);
    assert_string_equal(text, "[image image/png 12 kB]");
    free(text);
    gen_buf_release(&result);
}

static void a_cap_keeps_whole_characters_at_both_ends(void **state)
{
    (void)state;
    struct gen_buf result = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_add_c(&result, "{\"content\":[{\"type\":\"text\",\"text\":\"", NULL),
                     GEN_OK);
    for (int i = 0; i < 500; i++)
        assert_int_equal(gen_buf_add_c(&result, "\xe2\x82\xac", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&result, "\"}]}", NULL), GEN_OK);
    for (size_t max = 0; max < 300; max++) {
        bool is_capped = false;
        char *text = observe(result.data, max, &is_capped);
        assert_true(is_capped);
        assert_true(gen_utf8_valid(gen_str_from(text)));
        assert_non_null(strstr(text, " bytes left out ...]"));
        assert_true(strlen(text) <= (max > 64 ? max : 64));
        free(text);
    }
    gen_buf_release(&result);
}

static void paths_are_renamed_where_they_are_paths(void **state)
{
    (void)state;
    static const struct {
        const char *text, *renamed;
    } cases[] = {
        {"{\"path\":\"/sandbox\"}", "{\"path\":\"/tmp/x\"}"},
        {"{\"path\":\"/sandbox/a/sandbox\"}", "{\"path\":\"/tmp/x/a/sandbox\"}"},
        {"[\"/sandbox/a\",\"/sandboxes\"]", "[\"/tmp/x/a\",\"/sandboxes\"]"},
        {"[\"file:///sandbox/a\"]", "[\"file:///tmp/x/a\"]"},
        {"[\"see /sandbox/a\"]", "[\"see /sandbox/a\"]"},
        {"[]", "[]"},
        {"\"/sandbox", "\"/sandbox"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf out = gen_buf_make(1000);
        assert_int_equal(gen_mcp_rename(&out, gen_str_from(cases[i].text), GEN_STR("/sandbox"),
                                        GEN_STR("/tmp/x"), true, NULL),
                         GEN_OK);
        assert_string_equal(out.data, cases[i].renamed);
        gen_buf_release(&out);
    }
}

static void headers_carry_any_text(void **state)
{
    (void)state;
    static const struct {
        const char *value, *line;
    } cases[] = {
        {"get-sum", "N: get-sum"},
        {"a b", "N: a b"},
        {" a", "N: =?base64?IGE=?="},
        {"a\r\nEvil: 1", "N: =?base64?YQ0KRXZpbDogMQ==?="},
        {"h\xc3\xa9", "N: =?base64?aMOp?="},
        {"=?base64?YQ==?=", "N: =?base64?PT9iYXNlNjQ/WVE9PT89?="},
        {"", "N: "},
    };
    struct gen_mcp_headers h = {.arena = gen_arena_make(100000)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(gen_mcp_headers_put(&h, "N", gen_str_from(cases[i].value), NULL), GEN_OK);
        assert_string_equal(h.lines[i], cases[i].line);
    }
    gen_arena_release(&h.arena);
}

static void parameters_are_mirrored_in_headers(void **state)
{
    (void)state;
    struct gen_json_doc *schema =
        parse("{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\","
              "\"x-mcp-header\":\"Region\"},\"n\":{\"x-mcp-header\":\"Count\"},\"plain\":{},"
              "\"on\":{\"x-mcp-header\":\"On\"},\"list\":{\"x-mcp-header\":\"List\"},"
              "\"in\":{\"properties\":{\"deep\":{\"x-mcp-header\":\"Deep\"}}}}}");
    struct gen_json_doc *arguments =
        parse("{\"region\":\"eu\",\"n\":-3,\"plain\":\"p\",\"on\":true,\"list\":[1],\"in\":{"
              "\"deep\":\"d\"},\"unknown\":{\"deep\":1}}");
    struct gen_mcp_headers h = {.arena = gen_arena_make(100000)};
    assert_int_equal(
        gen_mcp_headers_put_params(&h, gen_json_root(schema), gen_json_root(arguments), NULL),
        GEN_OK);
    assert_int_equal(h.n, 4);
    assert_string_equal(h.lines[0], "Mcp-Param-Region: eu");
    assert_string_equal(h.lines[1], "Mcp-Param-Count: -3");
    assert_string_equal(h.lines[2], "Mcp-Param-On: true");
    assert_string_equal(h.lines[3], "Mcp-Param-Deep: d");
    gen_arena_release(&h.arena);
    gen_json_doc_free(schema);
    gen_json_doc_free(arguments);
}

static void headers_have_a_limit(void **state)
{
    (void)state;
    struct gen_mcp_headers h = {.arena = gen_arena_make(100000)};
    int rc = GEN_OK;
    for (unsigned i = 0; i < GEN_MCP_HEADERS_MAX; i++)
        assert_int_equal(gen_mcp_headers_add(&h, "A: b", NULL), GEN_OK);
    rc = gen_mcp_headers_add(&h, "A: b", NULL);
    assert_int_equal(rc, GEN_ELIMIT);
    assert_null(h.lines[GEN_MCP_HEADERS_MAX]);
}

static void commands_are_split_as_a_shell_does(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words; /* each with a '|' behind it */
    } cases[] = {
        {"server", "server|"},
        {"  a  b\tc\n", "a|b|c|"},
        {"a 'b c' \"d \\\"e\\\" \\f\" g\\ h", "a|b c|d \"e\" \\f|g h|"},
        {"a '' \"\"", "a|||"},
        {"a'b'\"c\"d", "abcd|"},
        {"$HOME * ~ a|b > c {sandbox}", "$HOME|*|~|a|b|>|c|{sandbox}|"},
        {"a\\", "a\\|"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_arena arena = gen_arena_make(1 << 20);
        struct gen_buf words = gen_buf_make(1000);
        const char *const *argv = NULL;
        assert_int_equal(gen_command_split(&arena, gen_str_from(cases[i].line), &argv, NULL),
                         GEN_OK);
        for (; *argv; argv++)
            assert_int_equal(gen_buf_printf(&words, NULL, "%s|", *argv), GEN_OK);
        assert_string_equal(words.data, cases[i].words);
        gen_buf_release(&words);
        gen_arena_release(&arena);
    }
}

static void bad_commands_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "the command is empty"},
        {" \t ", "the command is empty"},
        {"a 'b", "has a ' at byte 2 that does not end"},
        {"a \"b\\\"", "has a \" at byte 2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_arena arena = gen_arena_make(1 << 20);
        struct gen_error err = {.msg = ""};
        const char *const *argv = NULL;
        assert_int_equal(gen_command_split(&arena, gen_str_from(cases[i].line), &argv, &err),
                         GEN_EUSAGE);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_null(argv);
        gen_arena_release(&arena);
    }
    char many[2 * GEN_COMMAND_WORDS_MAX + 3];
    memset(many, ' ', sizeof(many));
    for (size_t i = 0; i < sizeof(many); i += 2)
        many[i] = 'x';
    struct gen_arena arena = gen_arena_make(1 << 20);
    const char *const *argv = NULL;
    assert_int_equal(gen_command_split(&arena, (struct gen_str){many, sizeof(many)}, &argv, NULL),
                     GEN_ELIMIT);
    gen_arena_release(&arena);
}

/* ---- recordings ---- */

static struct gen_cassette_key next_key(struct gen_cassette_track *t, const char *tool,
                                        const char *arguments)
{
    struct gen_json_doc *doc = parse(arguments);
    struct gen_cassette_key key;
    assert_int_equal(
        gen_cassette_next(t, GEN_STR("s"), gen_str_from(tool), gen_json_root(doc), &key, NULL),
        GEN_OK);
    gen_json_doc_free(doc);
    return key;
}

static void equal_calls_have_equal_keys_and_count(void **state)
{
    (void)state;
    struct gen_cassette_track a = {NULL, 0, 0}, b = {NULL, 0, 0};
    struct gen_cassette_key first = next_key(&a, "t", "{\"b\":[1,{\"d\":1,\"c\":2}],\"a\":\"x\"}");
    struct gen_cassette_key same = next_key(&b, "t", "{\"a\":\"x\",\"b\":[1,{\"c\":2,\"d\":1}]}");
    assert_string_equal(first.key, same.key);
    assert_string_equal(first.after, same.after);
    struct gen_cassette_key second = next_key(&a, "t", "{\"a\":\"x\",\"b\":[1,{\"c\":2,\"d\":1}]}");
    assert_string_not_equal(first.key, second.key);
    assert_int_equal(second.n, 1);
    assert_string_not_equal(first.key, next_key(&b, "u", "{\"a\":\"x\"}").key);
    assert_string_not_equal(next_key(&a, "t", "{}").key, next_key(&b, "t", "{\"\":0}").key);
    gen_cassette_track_release(&a);
    assert_string_equal(next_key(&a, "t", "{\"b\":[1,{\"d\":1,\"c\":2}],\"a\":\"x\"}").key,
                        first.key);
    gen_cassette_track_release(&a);
    gen_cassette_track_release(&b);
}

static struct gen_cassette *load(const char *text, struct gen_error *err)
{
    char path[] = "/tmp/gen-cassette-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(gen_file_write_all(path, gen_str_from(text), NULL), GEN_OK);
    struct gen_cassette *c = NULL;
    int rc = gen_cassette_load(&c, path, err);
    assert_int_equal(rc != GEN_OK, c == NULL);
    (void)unlink(path);
    return c;
}

static void what_is_no_recording_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"server\":\"s\",\"tools\":[]}\n{\"a\":1}\n", "row 2: it is neither a call"},
        {"{\"server\":\"s\",\"tool\":\"t\",\"arguments\":{},\"n\":-1,\"result\":{}}\n",
         "row 1: its \"n\" is no number of calls"},
        {"{\"server\":\"s\",\"tool\":\"t\",\"arguments\":{},\"result\":{}}\n", "row 1: its \"n\""},
        {"{\"server\":\"s\",\"tool\":\"t\",\"arguments\":{},\"n\":0}\n", "neither a call"},
        {"{\"server\":\n", "row 1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_error err = {.msg = ""};
        assert_null(load(cases[i].text, &err));
        if (!strstr(err.msg, cases[i].says))
            fail_msg("'%s' is not in: %s", cases[i].says, err.msg);
    }
    struct gen_cassette *c = NULL;
    assert_int_equal(gen_cassette_load(&c, "/nonexistent/calls.jsonl", NULL), GEN_EINPUT);
    c = load("", NULL);
    assert_non_null(c);
    assert_null(gen_cassette_tools(c, GEN_STR("s")));
    gen_cassette_free(c);
}

#define CALL(n, after, answer)                                                                     \
    "{\"server\":\"s\",\"tool\":\"t\",\"arguments\":{},\"n\":" n ",\"after\":\"" after             \
    "\",\"result\":{\"v\":" answer "}}\n"

static int64_t find(const struct gen_cassette *c, struct gen_cassette_track *t,
                    struct gen_error *err)
{
    const struct gen_json *line = NULL;
    int64_t v = -1;
    struct gen_cassette_key key = next_key(t, "t", "{}");
    if (gen_cassette_find(c, &key, GEN_STR("s"), GEN_STR("t"), &line, err) == GEN_OK)
        (void)gen_json_as_int(gen_json_get(gen_json_get(line, "result"), "v"), &v);
    return v;
}

static void equal_keys_are_told_apart_by_what_came_before(void **state)
{
    (void)state;
    struct gen_error err = {.msg = ""};
    struct gen_cassette_track t = {NULL, 0, 0};
    struct gen_cassette *c =
        load(CALL("0", "00000000000000aa", "1") CALL("0", "0000000000000000", "2")
                 CALL("1", "00000000000000bb", "3") CALL("1", "00000000000000cc", "3")
                     CALL("2", "00000000000000bb", "4") CALL("2", "00000000000000cc", "5"),
             &err);
    assert_non_null(c);
    assert_int_equal(find(c, &t, &err), 2); /* nothing came before */
    assert_int_equal(find(c, &t, &err), 3); /* unknown, but all answers are the same */
    assert_int_equal(find(c, &t, &err), -1);
    assert_non_null(strstr(err.msg, "holds different answers to t on the server s"));
    assert_int_equal(find(c, &t, &err), -1);
    assert_non_null(strstr(err.msg, "holds no call of t"));
    gen_cassette_track_release(&t);
    gen_cassette_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_become_text),
        cmocka_unit_test(sizes_are_rounded),
        cmocka_unit_test(a_cap_keeps_whole_characters_at_both_ends),
        cmocka_unit_test(paths_are_renamed_where_they_are_paths),
        cmocka_unit_test(headers_carry_any_text),
        cmocka_unit_test(parameters_are_mirrored_in_headers),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(commands_are_split_as_a_shell_does),
        cmocka_unit_test(bad_commands_are_refused),
        cmocka_unit_test(equal_calls_have_equal_keys_and_count),
        cmocka_unit_test(what_is_no_recording_is_refused),
        cmocka_unit_test(equal_keys_are_told_apart_by_what_came_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
