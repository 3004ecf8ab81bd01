/* The executor with real servers: the official ones from npm, one on the official SDK, and our own
 * for HDF5 with all of its tools. Skipped where they are not installed (npm ci in test/). */
#include "tool/execute/executor.h"

#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SERVERS     NODE_MODULES "/@modelcontextprotocol"
#define N_EXAMPLES  6
#define N_CALLS_MAX 4

static const char *const allow_all[] = {"*", NULL};

struct example {
    struct world *w;
    char name[64];
    struct gen_tool_call calls[N_CALLS_MAX];
    size_t n_calls, n_made;
    char *texts[N_CALLS_MAX];
    bool is_error[N_CALLS_MAX];
};

struct world {
    struct gen_loop *loop;
    struct gen_executor *x;
    struct gen_executor_options o;
    struct example examples[N_EXAMPLES];
    size_t n_over;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w || gen_loop_new(&w->loop, NULL))
        return -1;
    w->o = (struct gen_executor_options){.loop = w->loop, .n_workers = 3, .allow = allow_all};
    return 0;
}

static void clear_examples(struct world *w)
{
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        for (size_t k = 0; k < N_CALLS_MAX; k++)
            free(w->examples[i].texts[k]);
        w->examples[i] = (struct example){.n_calls = 0};
    }
    w->n_over = 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_executor_free(w->x);
    gen_loop_free(w->loop);
    clear_examples(w);
    free(w);
    return 0;
}

static void open_executor(struct world *w, const char *command)
{
    struct gen_error err = {.msg = ""};
    w->o.mcp_command = command;
    if (gen_executor_open(&w->x, &w->o, &err))
        fail_msg("%s", err.msg);
}

static void close_executor(struct world *w)
{
    assert_int_equal(gen_executor_close(w->x, NULL), GEN_OK);
    gen_executor_free(w->x);
    w->x = NULL;
    clear_examples(w);
}

static void go_on(struct example *e);

static void on_observation(void *ud, const struct gen_observation *o)
{
    struct example *e = ud;
    if (o->failure)
        fail_msg("%s: %.*s", o->failure, GEN_STR_ARG(o->text));
    e->is_error[e->n_made] = o->is_error;
    e->texts[e->n_made++] = gen_str_dup(o->text);
    go_on(e);
}

static void go_on(struct example *e)
{
    struct world *w = e->w;
    struct gen_error err = {.msg = ""};
    if (e->n_made == e->n_calls) {
        gen_executor_end(w->x, gen_str_from(e->name));
        w->n_over++;
        gen_loop_stop(w->loop);
        return;
    }
    if (gen_executor_call(w->x, gen_str_from(e->name), e->calls, e->n_made, &e->calls[e->n_made],
                          on_observation, e, NULL, &err))
        fail_msg("%s", err.msg);
}

/* The same calls for all examples at once. */
static void play(struct world *w, const struct gen_tool_call *calls, size_t n)
{
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        struct example *e = &w->examples[i];
        e->w = w;
        (void)snprintf(e->name, sizeof(e->name), "e%zu", i);
        e->n_calls = n;
        memcpy(e->calls, calls, n * sizeof(*calls));
        go_on(e);
    }
    while (w->n_over < N_EXAMPLES)
        assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    assert_int_equal(gen_executor_counts(w->x).n_failures, 0);
}

static void assert_all_say(const struct world *w, size_t call, const char *part, bool is_error)
{
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        if (!strstr(w->examples[i].texts[call], part))
            fail_msg("'%s' is not in: %s", part, w->examples[i].texts[call]);
        assert_int_equal(w->examples[i].is_error[call], is_error);
    }
}

#define CALL(tool, arguments)                                                                      \
    {                                                                                              \
        {(tool), sizeof(tool) - 1},                                                                \
        {                                                                                          \
            (arguments), sizeof(arguments) - 1                                                     \
        }                                                                                          \
    }

static void the_filesystem_server_starts_each_example_anew(void **state)
{
    static const struct gen_tool_call calls[] = {
        CALL("read_text_file", "{\"path\":\"/sandbox/a.txt\"}"),
        CALL("write_file", "{\"path\":\"/sandbox/a.txt\",\"content\":\"mine\"}"),
        CALL("read_text_file", "{\"path\":\"/sandbox/a.txt\"}"),
        CALL("list_allowed_directories", "{}"),
    };
    struct world *w = *state;
    open_executor(w, NODE " " SERVERS "/server-filesystem/dist/index.js {sandbox}");
    play(w, calls, 4);
    assert_all_say(w, 0, "ENOENT", true);
    assert_all_say(w, 1, "/sandbox/a.txt", false);
    assert_all_say(w, 2, "mine", false);
    assert_all_say(w, 3, "Allowed directories:\n/sandbox", false);
    assert_in_range(gen_executor_counts(w->x).n_starts, N_EXAMPLES, 3 * N_EXAMPLES);
    close_executor(w);
}

static void the_memory_server_starts_each_example_anew(void **state)
{
    static const char *const environment[] = {"MEMORY_FILE_PATH={sandbox}/memory.json", NULL};
    static const struct gen_tool_call calls[] = {
        CALL("create_entities", "{\"entities\":[{\"name\":\"HDF5\",\"entityType\":\"format\","
                                "\"observations\":[\"stores arrays\"]}]}"),
        CALL("read_graph", "{}"),
    };
    struct world *w = *state;
    w->o.environment = environment;
    open_executor(w, "'" NODE "' '" SERVERS "/server-memory/dist/index.js' {sandbox}");
    play(w, calls, 2);
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        const char *first = strstr(w->examples[i].texts[1], "stores arrays");
        assert_non_null(first);
        assert_null(strstr(first + 1, "stores arrays"));
    }
    close_executor(w);
}

static void the_everything_server_is_shared_when_it_holds_nothing(void **state)
{
    static const struct gen_tool_call calls[] = {
        CALL("echo", "{\"message\":\"h\xc3\xa9\"}"),
        CALL("get-sum", "{\"a\":2,\"b\":40}"),
        CALL("get-sum", "{\"a\":\"x\"}"),
    };
    struct world *w = *state;
    w->o.keeps_server = true;
    open_executor(w, NODE " " SERVERS "/server-everything/dist/index.js stdio");
    play(w, calls, 3);
    assert_all_say(w, 0, "Echo: h\xc3\xa9", false);
    assert_all_say(w, 1, "42", false);
    assert_all_say(w, 2, "-32602", true);
    assert_int_equal(gen_executor_counts(w->x).n_starts, 3);
    close_executor(w);
}

static void a_modern_server_of_the_official_sdk_works(void **state)
{
    static const struct gen_tool_call calls[] = {
        CALL("add", "{\"a\":2,\"b\":40}"),
        CALL("fail", "{}"),
    };
    struct world *w = *state;
    open_executor(w, NODE " " MODERN_PATH);
    play(w, calls, 2);
    assert_all_say(w, 0, "{\"sum\":42}", false);
    assert_all_say(w, 1, "it is broken", true);
    close_executor(w);
}

/* ---- our own ---- */

#ifdef HDF5_SERVER_DIR

static void open_bundled(struct world *w, struct gen_toolset **tools)
{
    struct gen_error err = {.msg = ""};
    struct gen_buf command = gen_buf_make(8192);
    assert_int_equal(setenv("PATH", HDF5_SERVER_DIR, 1), 0);
    if (gen_toolset_load(tools, CONFIGS_DIR "/hdf5_tools.json", NULL, NULL, &err))
        fail_msg("%s", err.msg);
    assert_true(gen_str_is((*tools)->server, "generator-hdf5-mcp"));
    if (gen_bundled_command((*tools)->server.p, &command, &err))
        fail_msg("%s", err.msg);
    w->o.tools = *tools;
    w->o.allow = NULL;
    open_executor(w, command.data);
    gen_buf_release(&command);
}

/* Every example of the definition, each on a server that has the sample file open. */
static void all_hdf5_tools_run(void **state)
{
    struct world *w = *state;
    struct gen_toolset *tools = NULL;
    open_bundled(w, &tools);
    assert_int_equal(tools->n_tools, 25);
    assert_int_equal(gen_executor_tools(w->x)->n_tools, 25);
    for (size_t i = 0; i < tools->n_tools; i++) {
        const struct gen_tool *t = &tools->tools[i];
        assert_true(t->n_samples > 0);
        for (size_t k = 0; k < t->n_samples; k++) {
            struct gen_buf arguments = gen_buf_make(65536);
            bool allowed = false;
            assert_int_equal(gen_json_write(&arguments, t->samples[k].args, GEN_JSON_COMPACT, NULL),
                             GEN_OK);
            assert_int_equal(gen_executor_allows(w->x, t->name, &allowed, NULL, NULL), GEN_OK);
            assert_true(allowed);
            struct example *e = &w->examples[0];
            *e = (struct example){.w = w, .n_calls = 2};
            (void)snprintf(e->name, sizeof(e->name), "%zu-%zu", i, k);
            e->calls[0] = (struct gen_tool_call){GEN_STR("open_file"),
                                                 GEN_STR("{\"path\":\"simulation.h5\"}")};
            e->calls[1] = (struct gen_tool_call){t->name, gen_buf_str(&arguments)};
            w->n_over = 0;
            go_on(e);
            while (!w->n_over)
                assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
            if (e->is_error[0] || e->is_error[1])
                fail_msg("%.*s: %s", GEN_STR_ARG(t->name), e->texts[1]);
            assert_non_null(strstr(e->texts[0], "\"/sandbox/simulation.h5\""));
            assert_null(strstr(e->texts[1], "/tmp/"));
            gen_buf_release(&arguments);
            clear_examples(w);
        }
    }
    assert_int_equal(gen_executor_counts(w->x).n_breaks_schema, 0);
    close_executor(w);
    gen_toolset_free(tools);
}

static void exports_do_not_leak_into_other_examples(void **state)
{
    static const struct gen_tool_call calls[] = {
        CALL("open_file", "{\"path\":\"/sandbox/simulation.h5\"}"),
        CALL("export_dataset", "{\"path\":\"/grid/x\",\"output_path\":\"/sandbox/x.csv\"}"),
        CALL("export_dataset", "{\"path\":\"/grid/x\",\"output_path\":\"/sandbox/x.csv\"}"),
    };
    struct world *w = *state;
    struct gen_toolset *tools = NULL;
    open_bundled(w, &tools);
    play(w, calls, 3);
    assert_all_say(w, 1, "\"/sandbox/x.csv\"", false);
    assert_all_say(w, 2, "x.csv", true);
    close_executor(w);
    gen_toolset_free(tools);
}

#endif

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest npm[] = {
        TEST(the_filesystem_server_starts_each_example_anew),
        TEST(the_memory_server_starts_each_example_anew),
        TEST(the_everything_server_is_shared_when_it_holds_nothing),
        TEST(a_modern_server_of_the_official_sdk_works),
    };
    int n_failed = 0;
    if (gen_file_kind(SERVERS "/server-everything") == GEN_FILE_DIRECTORY)
        n_failed += cmocka_run_group_tests(npm, NULL, NULL);
    else
        (void)fprintf(stderr,
                      "skipped: the MCP servers are not installed in %s (npm ci in test/)\n",
                      NODE_MODULES);
#ifdef HDF5_SERVER_DIR
    const struct CMUnitTest own[] = {
        TEST(all_hdf5_tools_run),
        TEST(exports_do_not_leak_into_other_examples),
    };
    n_failed += cmocka_run_group_tests(own, NULL, NULL);
#endif
    return n_failed;
}
