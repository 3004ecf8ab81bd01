/* Damaged files: whatever is done to the samples, every call is answered and the server lives on.
 * The number of damaged files is HDS_MUTATIONS (default 300). */
#include "base/num.h"
#include "session.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    char dir[64];
    struct hds_session session;
    struct gen_buf answer;
    unsigned n_died, n_failed, n_answered;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/test-hdf5-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    b->session = (struct hds_session){
        .limits = {.elements_max = 10000}, .timeout_ms = 5000, .worker = {0, -1}};
    assert_int_equal(hds_roots_add(&b->session.roots, b->dir, NULL), GEN_OK);
    b->answer = gen_buf_make(HDS_ANSWER_BYTES_MAX);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    hds_session_release(&b->session);
    gen_buf_release(&b->answer);
    assert_int_equal(rmdir(b->dir), 0);
    free(b);
    return 0;
}

static void call(struct bench *b, const char *tool, const char *args)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {0};
    bool failed = false;
    assert_int_equal(gen_json_parse(&doc, gen_str_from(args), NULL), GEN_OK);
    if (hds_session_call(&b->session, gen_str_from(tool), gen_json_root(doc), NULL, &b->answer,
                         &failed, &err))
        fail_msg("%s %s: %s", tool, args, err.msg);
    assert_true(b->answer.n > 0);
    b->n_answered += !failed;
    b->n_failed += failed;
    b->n_died += failed && (strstr(b->answer.data, "crashed") || strstr(b->answer.data, "stopped"));
    gen_json_doc_free(doc);
}

static void call_path(struct bench *b, const char *tool, struct gen_str path)
{
    char args[300];
    (void)snprintf(args, sizeof(args), "{\"path\":\"%.*s\"}", GEN_STR_ARG(path));
    call(b, tool, args);
}

/* Everything on what the healthy file holds. */
static void exercise(struct bench *b, const struct gen_json *objects)
{
    call(b, "open_file", "{\"path\":\"x.h5\"}");
    call(b, "visit", "{}");
    call(b, "analyze_dataset_structure", "{}");
    call(b, "identify_io_bottlenecks", "{}");
    for (size_t i = 0; i < gen_json_count(objects) && b->session.worker.pid > 0; i++) {
        struct gen_str name = gen_json_get_str(gen_json_at(objects, i), "name");
        call_path(b, "list_attributes", name);
        if (!gen_str_is(gen_json_get_str(gen_json_at(objects, i), "type"), "dataset"))
            continue;
        call_path(b, "read_full_dataset", name);
        call_path(b, "get_chunks", name);
    }
    if (b->session.worker.pid > 0)
        call(b, "close_file", "{}");
}

static size_t read_sample(const char *name, unsigned char **data)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", SAMPLES_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    *data = malloc(1 << 20);
    assert_non_null(*data);
    size_t n = fread(*data, 1, 1 << 20, f);
    assert_int_equal(fclose(f), 0);
    assert_true(n > 1000 && n < 1 << 20);
    return n;
}

static void write_file(const struct bench *b, const unsigned char *data, size_t n)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/x.h5", b->dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Cuts it short, or sets, flips or fills some bytes; metadata, at the start, more often. */
static size_t damage(unsigned char *data, size_t n, uint64_t *seed)
{
    static const unsigned char telling[] = {0x00, 0xff, 0x7f, 0x80, 0x01};
    if (next(seed) % 8 == 0)
        return next(seed) % n;
    size_t n_changes = 1 + next(seed) % 12;
    for (size_t i = 0; i < n_changes; i++) {
        size_t at = next(seed) % (next(seed) % 2 ? n : n < 8192 ? n : 8192);
        switch (next(seed) % 3) {
        case 0:
            data[at] ^= (unsigned char)(1U << next(seed) % 8);
            break;
        case 1:
            data[at] = telling[next(seed) % sizeof(telling)];
            break;
        default:
            memset(data + at, telling[next(seed) % 2], n - at < 8 ? n - at : 8);
            break;
        }
    }
    return n;
}

static int64_t n_mutations(void)
{
    const char *text = getenv("HDS_MUTATIONS");
    int64_t n = 300;
    if (text)
        assert_int_equal(gen_num_i64(gen_str_from(text), 1, 10000000, "HDS_MUTATIONS", &n, NULL),
                         0);
    return n;
}

static void test_mutations(void **state)
{
    static const char *const samples[] = {"simulation.h5", "types.h5", "layouts.h5", "links.h5"};
    struct bench *b = *state;
    uint64_t seed = 0x9E3779B97F4A7C15U;
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/x.h5", b->dir);
    for (size_t s = 0; s < 4; s++) {
        unsigned char *healthy = NULL;
        unsigned char *data = malloc(1 << 20);
        struct gen_json_doc *doc = NULL;
        size_t n = read_sample(samples[s], &healthy);
        assert_non_null(data);
        write_file(b, healthy, n);
        call(b, "open_file", "{\"path\":\"x.h5\"}");
        call(b, "visit", "{}");
        assert_int_equal(gen_json_parse(&doc, gen_buf_str(&b->answer), NULL), GEN_OK);
        const struct gen_json *objects = gen_json_get(gen_json_root(doc), "objects");
        assert_true(gen_json_count(objects) > 5);
        for (int64_t i = 0; i < n_mutations() / 4; i++) {
            memcpy(data, healthy, n);
            (void)unlink(path);
            write_file(b, data, damage(data, n, &seed));
            exercise(b, objects);
        }
        gen_json_doc_free(doc);
        free(healthy);
        free(data);
    }
    print_message("%u calls answered, %u refused, of them %u because libhdf5 crashed or looped\n",
                  b->n_answered, b->n_failed, b->n_died);
    assert_true(b->n_answered > 100 && b->n_failed > 10);
    (void)unlink(path);
}

/* A worker that is killed from outside is like one that crashed. */
static void test_dead_worker(void **state)
{
    struct bench *b = *state;
    unsigned char *healthy = NULL;
    char path[200];
    size_t n = read_sample("simulation.h5", &healthy);
    write_file(b, healthy, n);
    free(healthy);
    call(b, "open_file", "{\"path\":\"x.h5\"}");
    assert_int_equal(kill(b->session.worker.pid, SIGKILL), 0);
    call(b, "visit", "{}");
    assert_int_equal(b->n_died, 1);
    assert_non_null(strstr(b->answer.data, "signal 9"));
    assert_non_null(strstr(b->answer.data, "no file is open now"));
    call(b, "visit", "{}");
    assert_string_equal(b->answer.data, "no file is open; call open_file first");
    call(b, "open_file", "{\"path\":\"x.h5\"}");
    call(b, "visit", "{}");
    assert_int_equal(b->n_answered, 3);
    (void)snprintf(path, sizeof(path), "%s/x.h5", b->dir);
    (void)unlink(path);
}

/* Reading petabytes of fill values ends at the time limit. */
static void test_endless_work(void **state)
{
    struct bench *b = *state;
    unsigned char *healthy = NULL;
    char path[200];
    size_t n = read_sample("layouts.h5", &healthy);
    write_file(b, healthy, n);
    free(healthy);
    b->session.timeout_ms = 1000;
    call(b, "open_file", "{\"path\":\"x.h5\"}");
    call(b, "hdf5_aggregate_stats", "{\"paths\":[\"huge_unwritten\"]}");
    assert_non_null(strstr(b->answer.data, "was stopped after 1 s"));
    assert_int_equal(b->session.worker.pid, 0);
    (void)snprintf(path, sizeof(path), "%s/x.h5", b->dir);
    (void)unlink(path);
}

/* Mode r+ needs --writable. */
static void test_read_write(void **state)
{
    struct bench *b = *state;
    unsigned char *healthy = NULL;
    char path[200];
    size_t n = read_sample("simulation.h5", &healthy);
    write_file(b, healthy, n);
    free(healthy);
    call(b, "open_file", "{\"path\":\"x.h5\",\"mode\":\"r+\"}");
    assert_non_null(strstr(b->answer.data, "--writable"));
    assert_int_equal(b->session.worker.pid, 0);
    b->session.limits.writable = true;
    call(b, "open_file", "{\"path\":\"x.h5\",\"mode\":\"r+\"}");
    call(b, "get_mode", "{}");
    assert_string_equal(b->answer.data, "{\"mode\":\"r+\"}");
    call(b, "read_full_dataset", "{\"path\":\"grid/y\"}");
    assert_int_equal(b->n_answered, 3);
    (void)snprintf(path, sizeof(path), "%s/x.h5", b->dir);
    (void)unlink(path);
}

/* A damaged file among others does not stop a scan, nor does one that is no HDF5 at all. */
static void test_scan(void **state)
{
    struct bench *b = *state;
    unsigned char *healthy = NULL;
    char from[200];
    char to[200];
    size_t n = read_sample("types.h5", &healthy);
    (void)snprintf(from, sizeof(from), "%s/x.h5", b->dir);
    for (int i = 0; i < 9; i++) {
        write_file(b, healthy, i == 4 ? 700 : n);
        (void)snprintf(to, sizeof(to), "%s/%d.h5", b->dir, i);
        assert_int_equal(rename(from, to), 0);
    }
    free(healthy);
    call(b, "hdf5_parallel_scan", "{\"directory\":\".\"}");
    assert_non_null(strstr(b->answer.data, "\"n_files\":9,\"n_readable\":8,\"n_datasets\":216"));
    assert_non_null(strstr(b->answer.data, "{\"path\":\"4.h5\",\"ok\":false"));
    assert_int_equal(b->session.worker.pid, 0);
    for (int i = 0; i < 9; i++) {
        (void)snprintf(to, sizeof(to), "%s/%d.h5", b->dir, i);
        (void)unlink(to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mutations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dead_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_endless_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
