/* The executor over a scripted MCP server: who waits for whom, what is made again after a death,
 * what is recorded and replayed. */
#include "tool/execute/executor.h"

#include "os/child.h"
#include "os/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWERS_MAX 64

struct answer {
    struct world *w;
    bool is_there, is_error, is_capped, breaks_schema, is_unsent;
    char failure[40];
    char *text;
    int order; /* in which it came */
    struct gen_execution *execution;
};

struct world {
    struct gen_loop *loop;
    struct gen_executor *x;
    struct gen_executor_options o;
    char command[600];
    struct gen_scratch folder;
    struct answer answers[ANSWERS_MAX];
    int n_asked, n_come, n_wanted;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    w->o = (struct gen_executor_options){.n_workers = 2, .call_timeout_ms = 30000};
    (void)snprintf(w->command, sizeof(w->command), "\"%s\" legacy", FAKEMCP_PATH);
    w->o.mcp_command = w->command;
    return gen_scratch_make(&w->folder, NULL) || gen_loop_new(&w->loop, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    gen_executor_free(w->x);
    gen_loop_free(w->loop);
    for (int i = 0; i < w->n_asked; i++)
        free(w->answers[i].text);
    gen_scratch_release(&w->folder);
    free(w);
    return 0;
}

static void open_executor(struct world *w)
{
    struct gen_error err = {.msg = ""};
    w->o.loop = w->loop;
    if (gen_executor_open(&w->x, &w->o, &err))
        fail_msg("%s", err.msg);
}

static void close_executor(struct world *w)
{
    struct gen_error err = {.msg = ""};
    if (gen_executor_close(w->x, &err))
        fail_msg("%s", err.msg);
    gen_executor_free(w->x);
    w->x = NULL;
}

static void on_observation(void *ud, const struct gen_observation *o)
{
    struct answer *a = ud;
    assert_false(a->is_there);
    *a = (struct answer){.w = a->w,
                         .is_there = true,
                         .is_error = o->is_error,
                         .is_capped = o->is_capped,
                         .breaks_schema = o->breaks_schema,
                         .text = gen_str_dup(o->text),
                         .order = a->w->n_come++};
    (void)snprintf(a->failure, sizeof(a->failure), "%s", o->failure ? o->failure : "");
    a->is_unsent = o->is_unsent;
    if (a->w->n_come == a->w->n_wanted)
        gen_loop_stop(a->w->loop);
}

static struct answer *begin_after(struct world *w, const char *example,
                                  const struct gen_tool_call *before, size_t n_before,
                                  const char *tool, const char *arguments)
{
    struct gen_error err = {.msg = ""};
    assert_in_range(w->n_asked, 0, ANSWERS_MAX - 1);
    struct answer *a = &w->answers[w->n_asked++];
    a->w = w;
    const struct gen_tool_call call = {gen_str_from(tool), gen_str_from(arguments)};
    int before_come = w->n_come;
    if (gen_executor_call(w->x, gen_str_from(example), before, n_before, &call, on_observation, a,
                          &a->execution, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(w->n_come, before_come);
    return a;
}

static struct answer *begin(struct world *w, const char *example, const char *tool,
                            const char *arguments)
{
    return begin_after(w, example, NULL, 0, tool, arguments);
}

static void wait_for(struct world *w, int n)
{
    w->n_wanted = n;
    while (w->n_come < n)
        assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
}

static void on_time(void *ud)
{
    struct world *w = ud;
    gen_loop_stop(w->loop);
}

/* So that what was asked for has begun. */
static void run_a_moment(struct world *w)
{
    struct gen_timer *timer = NULL;
    assert_int_equal(gen_timer_new(&timer, w->loop, on_time, w, NULL), GEN_OK);
    w->n_wanted = -1;
    gen_timer_start(timer, 60, 0);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    gen_timer_free(timer);
}

static const struct answer *ask_after(struct world *w, const char *example,
                                      const struct gen_tool_call *before, size_t n_before,
                                      const char *tool, const char *arguments)
{
    const struct answer *a = begin_after(w, example, before, n_before, tool, arguments);
    wait_for(w, w->n_come + 1);
    assert_true(a->is_there);
    return a;
}

static const struct answer *ask(struct world *w, const char *example, const char *tool,
                                const char *arguments)
{
    return ask_after(w, example, NULL, 0, tool, arguments);
}

static void assert_counted(const struct answer *a, int n)
{
    char wanted[80];
    (void)snprintf(wanted, sizeof(wanted), "%d calls, 0 canceled, initialized", n);
    assert_string_equal(a->text, wanted);
    assert_string_equal(a->failure, "");
    assert_false(a->is_error);
}

static void assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text ? text : "(nothing)");
}

static const struct gen_tool_call counts[] = {
    {{"count", 5}, {"{}", 2}}, {{"count", 5}, {"{}", 2}}, {{"count", 5}, {"{}", 2}}};

/* ---- who waits ---- */

static void it_says_what_it_is(void **state)
{
    struct world *w = *state;
    struct gen_buf why = gen_buf_make(1000);
    bool allowed = false;
    open_executor(w);
    assert_true(gen_str_is(gen_executor_server(w->x), "fakemcp 1.0"));
    assert_string_equal(gen_executor_mode(w->x), "real");
    assert_non_null(gen_toolset_find(gen_executor_tools(w->x), GEN_STR("echo")));
    assert_int_equal(gen_executor_allows(w->x, GEN_STR("echo"), &allowed, &why, NULL), GEN_OK);
    assert_true(allowed);
    assert_int_equal(gen_executor_allows(w->x, GEN_STR("write"), &allowed, &why, NULL), GEN_OK);
    assert_false(allowed);
    assert_says(why.data, "does not say that it only reads");
    gen_buf_release(&why);
    gen_executor_end(w->x, GEN_STR("nobody"));
    close_executor(w);
}

/* Each example finds a server that nobody has used. */
static void examples_queue_for_workers(void **state)
{
    struct world *w = *state;
    char name[20];
    struct answer *first[6];
    open_executor(w);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "e%d", i);
        first[i] = begin(w, name, "count", "{}");
    }
    for (int i = 0; i < 6; i += 2) {
        wait_for(w, w->n_come + 2);
        for (int k = i; k < i + 2; k++) {
            assert_true(first[k]->is_there);
            assert_counted(first[k], 1);
            (void)snprintf(name, sizeof(name), "e%d", k);
            assert_counted(ask_after(w, name, counts, 1, "count", "{}"), 2);
        }
        for (int k = i; k < i + 2; k++) {
            (void)snprintf(name, sizeof(name), "e%d", k);
            gen_executor_end(w->x, gen_str_from(name));
        }
    }
    const struct gen_executor_counts c = gen_executor_counts(w->x);
    assert_int_equal(c.n_calls, 12);
    assert_int_equal(c.n_replayed, 0);
    assert_int_equal(c.n_failures, 0);
    close_executor(w);
}

static void who_is_silent_gives_way_and_gets_its_state_back(void **state)
{
    struct world *w = *state;
    w->o.n_workers = 1;
    w->o.idle_ms = 30;
    open_executor(w);
    assert_counted(ask(w, "a", "count", "{}"), 1);
    assert_counted(ask(w, "b", "count", "{}"), 1);
    assert_counted(ask_after(w, "a", counts, 1, "count", "{}"), 2);
    assert_int_equal(gen_executor_counts(w->x).n_replayed, 1);
    close_executor(w);
}

static void a_history_is_made_again_on_a_fresh_server(void **state)
{
    struct world *w = *state;
    open_executor(w);
    assert_counted(ask_after(w, "resumed", counts, 3, "count", "{}"), 4);
    assert_int_equal(gen_executor_counts(w->x).n_replayed, 3);
    /* Another past than the server has: it is reset. */
    assert_counted(ask_after(w, "resumed", counts, 1, "count", "{}"), 2);
    assert_int_equal(gen_executor_counts(w->x).n_replayed, 4);
    close_executor(w);
}

static void servers_that_hold_nothing_are_kept(void **state)
{
    struct world *w = *state;
    w->o.n_workers = 1;
    w->o.keeps_server = true;
    open_executor(w);
    assert_counted(ask(w, "a", "count", "{}"), 1);
    gen_executor_end(w->x, GEN_STR("a"));
    assert_counted(ask_after(w, "b", counts, 2, "count", "{}"), 2);
    assert_int_equal(gen_executor_counts(w->x).n_starts, 1);
    close_executor(w);
}

/* ---- what goes wrong ---- */

static void who_dies_once_is_brought_back(void **state)
{
    struct world *w = *state;
    char arguments[9000];
    (void)snprintf(arguments, sizeof(arguments), "{\"mark\":\"%s/mark\"}", w->folder.path);
    const struct gen_tool_call before[] = {
        counts[0], counts[1], {GEN_STR("die_once"), gen_str_from(arguments)}};
    open_executor(w);
    assert_counted(ask(w, "a", "count", "{}"), 1);
    assert_counted(ask_after(w, "a", before, 1, "count", "{}"), 2);
    assert_string_equal(ask_after(w, "a", before, 2, "die_once", arguments)->text, "survived");
    assert_int_equal(gen_executor_counts(w->x).n_replayed, 2);
    assert_counted(ask_after(w, "a", before, 3, "count", "{}"), 3);
    assert_int_equal(gen_executor_counts(w->x).n_failures, 0);
    close_executor(w);
}

static void who_dies_twice_is_a_failure(void **state)
{
    struct world *w = *state;
    open_executor(w);
    const struct answer *a = ask(w, "a", "die", "{}");
    assert_string_equal(a->failure, "server_died");
    assert_says(a->text, "out of luck");
    assert_int_equal(gen_executor_counts(w->x).n_starts, 2);
    /* The next example is served. */
    assert_counted(ask(w, "b", "count", "{}"), 1);
    close_executor(w);
}

static void what_the_call_did_is_an_observation(void **state)
{
    static const struct {
        const char *tool, *arguments, *says, *failure;
        bool is_error;
    } cases[] = {
        {"echo", "{\"text\":\"hi\"}", "hi", "", false},
        {"fail", "{}", "there is no such file", "", true},
        {"error_text", "{}", "Error: No file", "", true},
        {"noise", "{}", "calm", "", false},
        {"doubled", "{}", "first", "", false},
        {"input", "{}", "nobody to give it", "", true},
        {"garbage", "{}", "invalid JSON", "server_malformed", true},
        {"write", "{\"path\":\"x\"}", "not allowed by name", "not_allowed", true},
        {"nothing", "{}", "has no tool nothing", "not_allowed", true},
        {"echo", "[1]", "no JSON object", "bad_arguments", true},
        {"echo", "{", "the arguments of echo", "bad_arguments", true},
    };
    struct world *w = *state;
    w->o.error_pattern = "^Error: ";
    w->o.call_timeout_ms = 30000;
    open_executor(w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct answer *a = ask(w, "a", cases[i].tool, cases[i].arguments);
        assert_says(a->text, cases[i].says);
        assert_string_equal(a->failure, cases[i].failure);
        assert_int_equal(a->is_error, cases[i].is_error);
        /* The last four. */
        assert_int_equal(a->is_unsent, i + 4 >= sizeof(cases) / sizeof(cases[0]));
        gen_executor_end(w->x, GEN_STR("a"));
    }
    close_executor(w);
}

static void who_is_too_slow_is_observed(void **state)
{
    static const char *const tools[] = {"mute", "wrong_id"};
    struct world *w = *state;
    w->o.call_timeout_ms = 100;
    open_executor(w);
    for (size_t i = 0; i < 2; i++) {
        char wanted[100];
        (void)snprintf(wanted, sizeof(wanted),
                       "the server fakemcp did not answer tools/call %s within 100 ms", tools[i]);
        const struct answer *a = ask(w, tools[i], tools[i], "{}");
        assert_string_equal(a->text, wanted);
        assert_string_equal(a->failure, "");
        assert_true(a->is_error);
    }
    close_executor(w);
}

static void long_observations_are_capped(void **state)
{
    struct world *w = *state;
    w->o.observation_bytes_max = 1000;
    w->o.call_timeout_ms = 60000;
    open_executor(w);
    const struct answer *a = ask(w, "a", "huge", "{\"bytes\":20000000}");
    assert_true(a->is_capped);
    assert_in_range(strlen(a->text), 900, 1000);
    a = ask(w, "a", "huge", "{\"bytes\":100000000}");
    assert_true(a->is_error);
    assert_says(a->text, "is over 33554432 bytes");
    assert_counted(ask(w, "b", "count", "{}"), 1);
    close_executor(w);
}

static void what_is_canceled_is_not_told(void **state)
{
    struct world *w = *state;
    w->o.n_workers = 1;
    open_executor(w);
    assert_counted(ask(w, "a", "count", "{}"), 1);
    struct answer *queued = begin(w, "b", "count", "{}");
    gen_execution_cancel(queued->execution);
    struct answer *running = begin_after(w, "a", counts, 1, "slow", "{\"steps\":50,\"ms\":20}");
    const struct answer *next = begin(w, "c", "count", "{}");
    run_a_moment(w);
    gen_execution_cancel(running->execution);
    gen_executor_end(w->x, GEN_STR("a"));
    wait_for(w, 2);
    assert_counted(next, 1);
    assert_false(queued->is_there);
    assert_false(running->is_there);
    close_executor(w);
}

static void closing_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    open_executor(w);
    (void)begin(w, "a", "slow", "{\"steps\":50,\"ms\":20}");
    (void)begin(w, "b", "count", "{}");
    (void)begin(w, "c", "count", "{}");
    (void)begin(w, "c", "nothing", "{}");
    run_a_moment(w);
    int n = w->n_come;
    close_executor(w);
    assert_int_equal(w->n_come, n);
}

static void what_cannot_be_opened_is_said(void **state)
{
    static const struct {
        const char *command, *url, *pattern, *record, *replay, *says;
        enum gen_code code;
    } cases[] = {
        {NULL, NULL, NULL, NULL, NULL, "--mcp, --mcp-url or --api-url", GEN_EUSAGE},
        {"x", "http://127.0.0.1:1/", NULL, NULL, NULL, "exclude each other", GEN_EUSAGE},
        {"x", NULL, NULL, "/a", "/b", "--record and --replay", GEN_EUSAGE},
        {"x", NULL, "(", NULL, NULL, "the error pattern '('", GEN_EUSAGE},
        {"no-such-program-here", NULL, NULL, NULL, NULL, "no program no-such-program-here",
         GEN_EINPUT},
        {"'unfinished", NULL, NULL, NULL, NULL, "that does not end", GEN_EUSAGE},
        {"\"" FAKEMCP_PATH "\" dead", NULL, NULL, NULL, NULL, "died", GEN_EINPUT},
        {NULL, NULL, NULL, NULL, "/no/such/recording", "/no/such/recording", GEN_EINPUT},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_error err = {.msg = ""};
        const struct gen_executor_options o = {.loop = w->loop,
                                               .mcp_command = cases[i].command,
                                               .mcp_url = cases[i].url,
                                               .error_pattern = cases[i].pattern,
                                               .record = cases[i].record,
                                               .replay = cases[i].replay};
        assert_int_equal(gen_executor_open(&w->x, &o, &err), cases[i].code);
        assert_says(err.msg, cases[i].says);
        assert_null(w->x);
    }
}

static void a_definition_of_another_server_is_refused(void **state)
{
    struct world *w = *state;
    struct gen_error err = {.msg = ""};
    struct gen_toolset *tools = NULL;
    assert_int_equal(
        gen_toolset_new(&tools,
                        GEN_STR("{\"name\":\"t\",\"tools\":[{\"tool_id\":\"a\",\"name\":\"a\","
                                "\"parameters\":[]}]}"),
                        &err),
        GEN_OK);
    w->o.loop = w->loop;
    w->o.tools = tools;
    assert_int_equal(gen_executor_open(&w->x, &w->o, &err), GEN_EINPUT);
    assert_says(err.msg, "has none of the 1 tools");
    gen_toolset_free(tools);
}

/* ---- over HTTP ---- */

static void on_line(void *ud, struct gen_str line, bool is_cut)
{
    struct world *w = ud;
    (void)is_cut;
    if (gen_str_starts(line, GEN_STR("listening")))
        (void)snprintf(w->command, sizeof(w->command), "%.*s", GEN_STR_ARG(line));
    gen_loop_stop(w->loop);
}

static void on_end(void *ud, const struct gen_child_end *end)
{
    (void)ud;
    (void)end;
}

static void examples_have_sessions_of_their_own(void **state)
{
    static const char *const argv[] = {FAKEMCP_PATH, "legacy", "http", NULL};
    struct world *w = *state;
    struct gen_child *server = NULL;
    struct gen_http *http = NULL;
    char url[100];
    assert_int_equal(gen_http_new(&http, w->loop, &(struct gen_http_options){0}, NULL), GEN_OK);
    assert_int_equal(gen_child_start(&server, w->loop, &(struct gen_child_options){.argv = argv},
                                     on_line, on_end, w, NULL),
                     GEN_OK);
    assert_int_equal(gen_loop_run(w->loop, NULL), GEN_OK);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1%s/mcp", strrchr(w->command, ':'));
    w->o = (struct gen_executor_options){.mcp_url = url, .http = http, .n_workers = 1};
    open_executor(w);
    for (int i = 0; i < 3; i++) {
        char name[20];
        (void)snprintf(name, sizeof(name), "e%d", i);
        assert_string_equal(ask(w, name, "echo", "{\"text\":\"hi\"}")->text, "hi");
        gen_executor_end(w->x, gen_str_from(name));
    }
    /* The server forgets its sessions in each call. */
    assert_string_equal(ask(w, "d", "die", "{}")->failure, "server_unreachable");
    gen_executor_end(w->x, GEN_STR("d"));
    assert_string_equal(ask(w, "e", "echo", "{\"text\":\"again\"}")->text, "again");
    assert_true(gen_executor_counts(w->x).n_starts >= 4);
    close_executor(w);
    gen_http_free(http);
    gen_child_free(server);
}

/* ---- recordings ---- */

static void play(struct world *w, char **texts)
{
    static const char *const examples[] = {"a", "b", "c"};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        texts[n++] = strdup(ask(w, examples[i], "count", "{}")->text);
        texts[n++] = strdup(ask_after(w, examples[i], counts, 1, "count", "{}")->text);
        texts[n++] =
            strdup(ask_after(w, examples[i], counts, 2, "structured", "{\"bad\":true}")->text);
        gen_executor_end(w->x, gen_str_from(examples[i]));
    }
}

static void what_was_recorded_is_replayed(void **state)
{
    struct world *w = *state;
    char path[9000];
    char *real[9], *replayed[9];
    (void)snprintf(path, sizeof(path), "%s/calls.jsonl", w->folder.path);
    w->o.record = path;
    open_executor(w);
    play(w, real);
    (void)ask(w, "d", "mute_not", "{}");
    close_executor(w);

    w->o = (struct gen_executor_options){.n_workers = 2, .replay = path};
    open_executor(w);
    assert_string_equal(gen_executor_mode(w->x), "replay");
    assert_true(gen_str_starts(gen_executor_server(w->x), GEN_STR("replay of ")));
    play(w, replayed);
    for (size_t i = 0; i < 9; i++) {
        assert_string_equal(real[i], replayed[i]);
        free(real[i]);
        free(replayed[i]);
    }
    /* Resumed: the history counts as if it had been made here. */
    assert_counted(ask_after(w, "e", counts, 1, "count", "{}"), 2);
    gen_executor_end(w->x, GEN_STR("e"));
    const struct answer *a = ask(w, "f", "echo", "{\"text\":\"never said\"}");
    assert_string_equal(a->failure, "not_recorded");
    assert_says(a->text, "holds no call of echo");
    assert_counted(ask(w, "g", "count", "{}"), 1);
    close_executor(w);
}

/* What may be called, what not, and what was answered in a second try is the same in a replay. */
static void a_replay_allows_and_answers_as_it_was(void **state)
{
    static const char *const allow[] = {"write", NULL};
    struct world *w = *state;
    char path[9000], mark[9100], written[9100];
    const char *says[3];
    (void)snprintf(path, sizeof(path), "%s/calls.jsonl", w->folder.path);
    (void)snprintf(mark, sizeof(mark), "{\"mark\":\"%s/mark\"}", w->folder.path);
    (void)snprintf(written, sizeof(written), "{\"path\":\"%s/new\"}", w->folder.path);
    w->o.record = path;
    w->o.allow = allow;
    open_executor(w);
    assert_false(gen_executor_is_remote(w->x));
    for (int is_replay = 0; is_replay < 2; is_replay++) {
        const struct answer *a = ask(w, "a", "write", written);
        assert_string_equal(a->failure, "");
        says[0] = is_replay ? says[0] : a->text;
        assert_string_equal(a->text, says[0]);
        a = ask(w, "b", "destroy", written);
        assert_string_equal(a->failure, "not_allowed");
        a = ask(w, "c", "die_once", mark);
        assert_string_equal(a->failure, "");
        assert_string_equal(a->text, "survived");
        close_executor(w);
        if (is_replay)
            break;
        w->o = (struct gen_executor_options){.n_workers = 2, .replay = path};
        open_executor(w);
    }
}

static void observations_are_written_and_read(void **state)
{
    static const struct gen_observation all[] = {
        {.text = {"plain \"text\"\n\xc3\xa9", 15}},
        {.is_error = true, .text = {"", 0}, .is_capped = true},
        {.is_error = true, .text = {"x", 1}, .breaks_schema = true, .failure = "server_died"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct gen_buf text = gen_buf_make(1000);
        struct gen_observation o;
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_observation_write(&all[i], &text, NULL), GEN_OK);
        assert_int_equal(gen_observation_read(&o, gen_buf_str(&text), &doc, NULL), GEN_OK);
        assert_true(gen_str_eq(o.text, all[i].text));
        assert_int_equal(o.is_error, all[i].is_error);
        assert_int_equal(o.is_capped, all[i].is_capped);
        assert_int_equal(o.breaks_schema, all[i].breaks_schema);
        assert_string_equal(o.failure ? o.failure : "", all[i].failure ? all[i].failure : "");
        gen_json_doc_free(doc);
        gen_buf_release(&text);
    }
    struct gen_observation o;
    struct gen_json_doc *doc = NULL;
    assert_int_equal(gen_observation_read(&o, GEN_STR("{\"is_error\":true}"), &doc, NULL),
                     GEN_EPARSE);
    assert_int_equal(gen_observation_read(&o, GEN_STR("no"), &doc, NULL), GEN_EPARSE);
}

static void only_our_servers_are_bundled(void **state)
{
    struct gen_buf path = gen_buf_make(8192);
    struct gen_error err = {.msg = ""};
    (void)state;
    assert_int_equal(gen_bundled_server("../../bin/sh", &path, &err), GEN_EUSAGE);
    assert_says(err.msg, "no server '../../bin/sh' comes with this program");
    assert_int_equal(path.n, 0);
    gen_buf_release(&path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_what_it_is),
        TEST(examples_queue_for_workers),
        TEST(who_is_silent_gives_way_and_gets_its_state_back),
        TEST(a_history_is_made_again_on_a_fresh_server),
        TEST(servers_that_hold_nothing_are_kept),
        TEST(who_dies_once_is_brought_back),
        TEST(who_dies_twice_is_a_failure),
        TEST(what_the_call_did_is_an_observation),
        TEST(who_is_too_slow_is_observed),
        TEST(long_observations_are_capped),
        TEST(what_is_canceled_is_not_told),
        TEST(closing_leaves_nothing_behind),
        TEST(what_cannot_be_opened_is_said),
        TEST(a_definition_of_another_server_is_refused),
        TEST(examples_have_sessions_of_their_own),
        TEST(what_was_recorded_is_replayed),
        TEST(a_replay_allows_and_answers_as_it_was),
        cmocka_unit_test(observations_are_written_and_read),
        cmocka_unit_test(only_our_servers_are_bundled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
