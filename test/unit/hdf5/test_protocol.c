/*
 * The real program, line by line. A file of test/data/hdf5/ is one conversation; each of its lines
 * is
 * {"send": message | "raw": text | "fill": bytes of one line, "expect": response | "none": true}.
 * `expect` lists what must be in the response: objects may have more members, arrays must have as
 * many elements, and a string that begins with '~' must occur in the other. The first line may be
 * {"options": [...]} for the program instead.
 */
#include "definition.h"
#include "json/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS     20000
#define OPTIONS_MAX 12
#define CALLS_TIMED 3000

struct server {
    pid_t pid;
    int in;  /* its standard input */
    int out; /* its standard output */
    struct gen_buf pending;
};

static void start(struct server *s, const struct gen_json *options)
{
    char text[OPTIONS_MAX][200];
    char *argv[OPTIONS_MAX + 4] = {(char[]){"generator-hdf5-mcp"}, (char[]){"--data-dir"},
                                   (char[]){SAMPLES_DIR}};
    int in[2];
    int out[2];
    size_t n = gen_json_count(options);
    assert_true(n <= OPTIONS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct gen_str option;
        assert_true(gen_json_as_str(gen_json_at(options, i), &option));
        (void)snprintf(text[i], sizeof(text[i]), "%.*s", GEN_STR_ARG(option));
        argv[3 + i] = text[i];
    }
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    s->pending = gen_buf_make((size_t)64 << 20);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)execv(SERVER_PATH, argv);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    s->in = in[1];
    s->out = out[0];
}

/* Closes its input; it must end by itself, well. */
static void stop(struct server *s)
{
    int status = -1;
    char rest;
    (void)close(s->in);
    assert_int_equal(read(s->out, &rest, 1), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    (void)close(s->out);
    gen_buf_release(&s->pending);
}

static void send_text(const struct server *s, const char *p, size_t n)
{
    while (n) {
        ssize_t sent = write(s->in, p, n);
        assert_true(sent > 0);
        p += sent;
        n -= (size_t)sent;
    }
}

/* The next line that the server says; the caller frees the document. */
static struct gen_json_doc *receive(struct server *s)
{
    struct gen_json_doc *doc = NULL;
    for (;;) {
        const char *end = s->pending.n ? memchr(s->pending.data, '\n', s->pending.n) : NULL;
        if (end) {
            size_t n = (size_t)(end - s->pending.data);
            struct gen_error err;
            if (gen_json_parse(&doc, (struct gen_str){s->pending.data, n}, &err))
                fail_msg("the server said no JSON: %s: %.300s", err.msg, s->pending.data);
            memmove(s->pending.data, s->pending.data + n + 1, s->pending.n - n - 1);
            s->pending.n -= n + 1;
            return doc;
        }
        struct pollfd wait = {s->out, POLLIN, 0};
        if (poll(&wait, 1, WAIT_MS) <= 0)
            fail_msg("the server says nothing");
        assert_int_equal(gen_buf_reserve(&s->pending, 65536, NULL), GEN_OK);
        ssize_t got = read(s->out, s->pending.data + s->pending.n, 65536);
        if (got <= 0)
            fail_msg("the server is gone");
        s->pending.n += (size_t)got;
    }
}

static bool matches(const struct gen_json *expected, const struct gen_json *v);

static bool object_matches(const struct gen_json *expected, const struct gen_json *v)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    gen_json_iter_init(&it, expected);
    while (gen_json_iter_next(&it, &key, &member)) {
        char name[100];
        (void)snprintf(name, sizeof(name), "%.*s", GEN_STR_ARG(key));
        if (!matches(member, gen_json_get(v, name)))
            return false;
    }
    return true;
}

static bool matches(const struct gen_json *expected, const struct gen_json *v)
{
    struct gen_str text;
    struct gen_str other;
    if (gen_json_as_str(expected, &text) && text.n && text.p[0] == '~')
        return gen_json_as_str(v, &other) &&
               (text.n == 1 || gen_str_find(other, gen_str_sub(text, 1, SIZE_MAX), 0) != SIZE_MAX);
    if (gen_json_type(expected) == GEN_JSON_OBJECT)
        return gen_json_type(v) == GEN_JSON_OBJECT && object_matches(expected, v);
    if (gen_json_type(expected) == GEN_JSON_ARRAY) {
        bool same =
            gen_json_type(v) == GEN_JSON_ARRAY && gen_json_count(v) == gen_json_count(expected);
        for (size_t i = 0; same && i < gen_json_count(v); i++)
            same = matches(gen_json_at(expected, i), gen_json_at(v, i));
        return same;
    }
    return v && gen_json_equal(expected, v);
}

static void send_line(const struct server *s, const struct gen_json *line)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str raw;
    int64_t fill = 0;
    if (gen_json_as_str(gen_json_get(line, "raw"), &raw)) {
        assert_int_equal(gen_buf_add_str(&text, raw, NULL), GEN_OK);
    } else if (gen_json_as_int(gen_json_get(line, "fill"), &fill)) {
        assert_int_equal(gen_buf_reserve(&text, (size_t)fill, NULL), GEN_OK);
        memset(text.data, 'x', (size_t)fill);
        text.n = (size_t)fill;
    } else {
        assert_int_equal(gen_json_write(&text, gen_json_get(line, "send"), GEN_JSON_COMPACT, NULL),
                         GEN_OK);
    }
    assert_int_equal(gen_buf_add_char(&text, '\n', NULL), GEN_OK);
    send_text(s, text.data, text.n);
    gen_buf_release(&text);
}

static void talk(struct server *s, const struct gen_json *line, const char *where)
{
    const struct gen_json *expected = gen_json_get(line, "expect");
    struct gen_json_doc *ping = NULL;
    send_line(s, line);
    if (!expected) {
        /* Nothing is to come: the answer to this is the next. */
        assert_int_equal(gen_json_parse(&ping, GEN_STR("{\"id\":\"none\",\"result\":{}}"), NULL),
                         0);
        expected = gen_json_root(ping);
        const char *text = "{\"jsonrpc\":\"2.0\",\"id\":\"none\",\"method\":\"ping\"}\n";
        send_text(s, text, strlen(text));
    }
    struct gen_json_doc *doc = receive(s);
    if (!matches(expected, gen_json_root(doc))) {
        struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
        assert_int_equal(gen_json_write(&text, gen_json_root(doc), GEN_JSON_COMPACT, NULL), GEN_OK);
        fail_msg("%s: the server said %.1500s", where, text.data);
    }
    gen_json_doc_free(doc);
    gen_json_doc_free(ping);
}

static int read_some(void *ud, void *data, size_t n, size_t *got, struct gen_error *err)
{
    (void)err;
    *got = fread(data, 1, n, ud);
    return GEN_OK;
}

static void play(const char *name)
{
    char path[300];
    struct gen_json_stream *stream = NULL;
    struct gen_json_record record;
    struct gen_error err;
    struct server s = {0};
    bool more = true;
    (void)snprintf(path, sizeof(path), "%s/hdf5/%s", TEST_DATA_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(gen_json_stream_new(&stream, read_some, f, path, NULL), GEN_OK);
    for (;;) {
        if (gen_json_stream_next(stream, &record, &more, &err))
            fail_msg("%s", err.msg);
        if (!more)
            break;
        struct gen_json_doc *doc = NULL;
        if (gen_json_parse(&doc, record.text, &err))
            fail_msg("%s: %s", name, err.msg);
        const struct gen_json *options = gen_json_get(gen_json_root(doc), "options");
        char where[400];
        (void)snprintf(where, sizeof(where), "%s, line %llu", name, (unsigned long long)record.row);
        if (s.pid == 0)
            start(&s, options);
        if (!options)
            talk(&s, gen_json_root(doc), where);
        gen_json_doc_free(doc);
    }
    gen_json_stream_free(stream);
    assert_int_equal(fclose(f), 0);
    stop(&s);
}

static int is_conversation(const struct dirent *e)
{
    return gen_str_ends(gen_str_from(e->d_name), GEN_STR(".jsonl"));
}

static void test_conversations(void **state)
{
    struct dirent **names = NULL;
    (void)state;
    int n = scandir(TEST_DATA_DIR "/hdf5", &names, is_conversation, alphasort);
    assert_true(n >= 6);
    for (int i = 0; i < n; i++) {
        print_message("  %s\n", names[i]->d_name);
        play(names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

/* What tools/list says fits the profile that clients check, and all of it is there. */
static void test_list(void **state)
{
    struct server s = {0};
    (void)state;
    start(&s, NULL);
    const char *text =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}\n";
    send_text(&s, text, strlen(text));
    gen_json_doc_free(receive(&s));
    struct gen_json_doc *doc = receive(&s);
    const struct gen_json *tools =
        gen_json_get(gen_json_get(gen_json_root(doc), "result"), "tools");
    assert_int_equal(gen_json_count(tools), 25);
    for (size_t i = 0; i < 25; i++) {
        const struct gen_json *t = gen_json_at(tools, i);
        assert_true(gen_json_get_str(t, "title").n > 0);
        assert_true(gen_json_get_str(t, "description").n > 20);
        assert_true(gen_str_is(gen_json_get_str(gen_json_get(t, "inputSchema"), "type"), "object"));
        assert_true(
            gen_str_is(gen_json_get_str(gen_json_get(t, "outputSchema"), "type"), "object"));
        assert_true(gen_json_count(gen_json_get(t, "annotations")) == 4);
    }
    gen_json_doc_free(doc);
    stop(&s);
}

/* Mere times are no test on a busy machine; this prints the rate. */
static void test_many_calls(void **state)
{
    struct server s = {0};
    struct timespec from;
    struct timespec to;
    (void)state;
    start(&s, NULL);
    const char *opening =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-06-18\"}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
        "\"name\":\"open_file\",\"arguments\":{\"path\":\"simulation.h5\"}}}\n";
    const char *call =
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":"
        "\"get_shape\",\"arguments\":{\"path\":\"/grid/x\"}}}\n";
    send_text(&s, opening, strlen(opening));
    gen_json_doc_free(receive(&s));
    gen_json_doc_free(receive(&s));
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < CALLS_TIMED; i++) {
        send_text(&s, call, strlen(call));
        struct gen_json_doc *doc = receive(&s);
        assert_non_null(
            gen_json_get(gen_json_get(gen_json_root(doc), "result"), "structuredContent"));
        gen_json_doc_free(doc);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    print_message("  %.0f round trips a second\n", CALLS_TIMED / seconds);
    stop(&s);
}

/* A message without a line end at the end of input is answered; the program then ends. */
static void test_last_line(void **state)
{
    struct server s = {0};
    (void)state;
    start(&s, NULL);
    const char *text = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}";
    send_text(&s, text, strlen(text));
    (void)close(s.in);
    struct gen_json_doc *doc = receive(&s);
    assert_non_null(gen_json_get(gen_json_root(doc), "result"));
    gen_json_doc_free(doc);
    s.in = -1;
    stop(&s);
}

/* Runs the program to the end of an empty input. */
static void run_with_samples(const char *dir)
{
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        (void)execl(SERVER_PATH, "generator-hdf5-mcp", "--data-dir", dir, "--samples", NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static long long size_of(const char *dir, const char *name)
{
    char path[400];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (long long)st.st_size : -1;
}

static void test_samples(void **state)
{
    static const char *const names[] = {"simulation.h5", "layouts.h5", "layouts.raw", "types.h5",
                                        "links.h5"};
    char dir[] = "/tmp/hds-samples-XXXXXX";
    char path[400];
    (void)state;
    assert_non_null(mkdtemp(dir));
    run_with_samples(dir);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(size_of(dir, names[i]) > 0);
        assert_int_equal(size_of(dir, names[i]), size_of(SAMPLES_DIR, names[i]));
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        assert_int_equal(i ? unlink(path) : truncate(path, 1), 0);
    }
    /* What is somebody's is left alone. */
    run_with_samples(dir);
    assert_int_equal(size_of(dir, names[0]), 1);
    assert_int_equal(size_of(dir, names[1]), -1);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, names[0]);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations), cmocka_unit_test(test_list),
        cmocka_unit_test(test_many_calls),    cmocka_unit_test(test_last_line),
        cmocka_unit_test(test_samples),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
