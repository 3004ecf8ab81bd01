/* The tools in this process, so that leaks are seen: every example of configs/hdf5_tools.json fits
 * its schema, runs, and answers what the definition promises. */
#include "definition.h"
#include "session.h"
#include "stats.h"
#include "tool.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    struct hds_roots roots;
    struct hds_file file;
    struct hds_definitions definitions;
    struct gen_jb *jb;
    struct gen_json_doc *answer;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    assert_int_equal(hds_roots_add(&b->roots, SAMPLES_DIR, NULL), GEN_OK);
    assert_int_equal(hds_h5_start(NULL), GEN_OK);
    assert_int_equal(hds_definitions_init(&b->definitions, NULL), GEN_OK);
    assert_int_equal(gen_jb_new(&b->jb, NULL), GEN_OK);
    b->file = (struct hds_file){.id = -1, .lapl = -1, .dapl = -1, .roots = &b->roots};
    b->file.limits.elements_max = 10000;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    hds_file_close(&b->file);
    gen_jb_free(b->jb);
    gen_json_doc_free(b->answer);
    hds_definitions_release(&b->definitions);
    hds_roots_release(&b->roots);
    free(b);
    return 0;
}

/* Checks a value against a schema. */
static void expect_valid(const struct gen_schema *schema, const struct gen_json *v,
                         const char *what)
{
    struct gen_buf faults = gen_buf_make(GEN_BUF_UNLIMITED);
    bool valid = false;
    assert_int_equal(gen_schema_check(schema, v, &valid, &faults, NULL), GEN_OK);
    if (!valid)
        fail_msg("%s: %s", what, faults.data);
    gen_buf_release(&faults);
}

/* Runs a worker's tool; the answer (checked against its output schema) is in `b->answer`. */
static int run(struct bench *b, const char *tool, const char *args, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    const char *near = NULL;
    hds_tool_fn *fn = hds_tool_find(gen_str_from(tool));
    const struct hds_definition *d =
        hds_definitions_find(&b->definitions, gen_str_from(tool), &near);
    assert_non_null(fn);
    assert_non_null(d);
    if (gen_json_parse(&doc, gen_str_from(args), err))
        fail_msg("%s: %s", args, err->msg);
    expect_valid(d->input, gen_json_root(doc), args);
    assert_int_equal(gen_jb_begin_again(b->jb, NULL), GEN_OK);
    struct hds_call call = {
        .file = &b->file, .args = gen_json_root(doc), .jb = b->jb, .out = gen_jb_object(b->jb)};
    int rc = fn(&call, err);
    gen_json_doc_free(b->answer);
    b->answer = NULL;
    if (rc == GEN_OK) {
        assert_int_equal(gen_jb_write(b->jb, call.out, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
        assert_int_equal(gen_json_parse(&b->answer, gen_buf_str(&text), NULL), GEN_OK);
        expect_valid(d->output, gen_json_root(b->answer), text.data);
    }
    gen_buf_release(&text);
    gen_json_doc_free(doc);
    return rc;
}

static void run_ok(struct bench *b, const char *tool, const char *args)
{
    struct gen_error err = {0};
    if (run(b, tool, args, &err))
        fail_msg("%s %s: %s", tool, args, err.msg);
}

static const struct gen_json *member(const struct bench *b, const char *key)
{
    return gen_json_get(gen_json_root(b->answer), key);
}

/* "tool(a='x', b=[1])" as {"a": "x", "b": [1]}: keys are what stands before '='. */
static void python_to_json(const char *call, char *tool, char *json, size_t size)
{
    size_t n = 0;
    const char *p = strchr(call, '(');
    assert_non_null(p);
    (void)snprintf(tool, 64, "%.*s", (int)(p - call), call);
    json[n++] = '{';
    for (p++; *p && !(*p == ')' && p[1] == '\0'); p++) {
        assert_true(n + 4 < size);
        if (*p == '\'') {
            json[n++] = '"';
            for (p++; *p && *p != '\''; p++)
                json[n++] = *p;
            json[n++] = '"';
        } else if ((*p >= 'a' && *p <= 'z') || *p == '_') {
            json[n++] = '"';
            for (; *p && *p != '='; p++)
                json[n++] = *p;
            json[n++] = '"';
            json[n++] = ':';
        } else {
            json[n++] = *p;
        }
    }
    json[n++] = '}';
    json[n] = '\0';
}

static void test_examples(void **state)
{
    struct bench *b = *state;
    size_t n_run = 0;
    struct gen_json_iter tools;
    const struct gen_json *tool;
    gen_json_iter_init(&tools, gen_json_get(gen_json_root(b->definitions.doc), "tools"));
    while (gen_json_iter_next(&tools, NULL, &tool)) {
        const struct gen_json *examples = gen_json_get(tool, "examples");
        assert_true(gen_json_count(examples) > 0);
        for (size_t i = 0; i < gen_json_count(examples); i++) {
            char call[300];
            char name[64];
            char json[400];
            struct gen_str text;
            assert_true(gen_json_as_str(gen_json_at(examples, i), &text));
            (void)snprintf(call, sizeof(call), "%.*s", GEN_STR_ARG(text));
            python_to_json(call, name, json, sizeof(json));
            assert_true(gen_str_is(gen_json_get_str(tool, "name"), name));
            if (!hds_tool_find(gen_str_from(name)))
                continue; /* the session's own; test_protocol.c calls them */
            if (strcmp(name, "open_file") != 0)
                run_ok(b, "open_file", "{\"path\":\"simulation.h5\"}");
            run_ok(b, name, json);
            n_run++;
        }
    }
    assert_int_equal(n_run, 39);
}

/* The names of the description, and export_dataset. */
static void test_names(void **state)
{
    static const char *const names[] = {"open_file",
                                        "close_file",
                                        "get_filename",
                                        "get_mode",
                                        "get_by_path",
                                        "list_keys",
                                        "visit",
                                        "read_full_dataset",
                                        "read_partial_dataset",
                                        "get_shape",
                                        "get_dtype",
                                        "get_size",
                                        "get_chunks",
                                        "read_attribute",
                                        "list_attributes",
                                        "hdf5_parallel_scan",
                                        "hdf5_batch_read",
                                        "hdf5_stream_data",
                                        "hdf5_aggregate_stats",
                                        "analyze_dataset_structure",
                                        "find_similar_datasets",
                                        "suggest_next_exploration",
                                        "identify_io_bottlenecks",
                                        "optimize_access_pattern",
                                        "export_dataset"};
    const struct bench *b = *state;
    assert_int_equal(b->definitions.n, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < b->definitions.n; i++)
        assert_string_equal(b->definitions.tools[i].name, names[i]);
}

/* Every tool on every dataset of every sample: the answer keeps its promise, or there is a reason.
 */
static void test_all_on_all(void **state)
{
    static const char *const files[] = {"simulation.h5", "layouts.h5", "types.h5", "links.h5"};
    static const char *const tools[] = {
        "get_by_path",   "read_full_dataset", "read_partial_dataset",
        "get_shape",     "get_dtype",         "get_size",
        "get_chunks",    "list_attributes",   "analyze_dataset_structure",
        "export_dataset"};
    struct bench *b = *state;
    for (size_t f = 0; f < 4; f++) {
        char args[200];
        (void)snprintf(args, sizeof(args), "{\"path\":\"%s\"}", files[f]);
        run_ok(b, "open_file", args);
        run_ok(b, "visit", "{}");
        struct gen_json_doc *visit = b->answer;
        b->answer = NULL;
        const struct gen_json *objects = gen_json_get(gen_json_root(visit), "objects");
        for (size_t i = 0; i < gen_json_count(objects); i++) {
            struct gen_str name = gen_json_get_str(gen_json_at(objects, i), "name");
            (void)snprintf(args, sizeof(args), "{\"path\":\"%.*s\"}", GEN_STR_ARG(name));
            for (size_t t = 0; t < sizeof(tools) / sizeof(tools[0]); t++) {
                struct gen_error err = {0};
                if (run(b, tools[t], args, &err))
                    assert_true(strlen(err.msg) > 20);
            }
        }
        gen_json_doc_free(visit);
        run_ok(b, "identify_io_bottlenecks", "{}");
        run_ok(b, "suggest_next_exploration", "{}");
    }
}

static void take(void *ud, const double *values, size_t n)
{
    double *out = ud;
    for (size_t i = 0; i < n; i++)
        out[1 + (size_t)out[0] + i] = values[i];
    out[0] += (double)n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Against sums over sorted values, computed here. */
static void test_statistics(void **state)
{
    struct bench *b = *state;
    struct hds_dataset d;
    struct hds_region r;
    static double values[12001];
    struct hds_stats s = {0};
    struct hds_stats half = {0};
    double median = 0;
    double sum = 0;
    double squares = 0;
    run_ok(b, "open_file", "{\"path\":\"simulation.h5\"}");
    assert_int_equal(hds_dataset_open(&b->file, GEN_STR("raw/counts"), &d, NULL), GEN_OK);
    hds_region_whole(&d, &r);
    values[0] = 0;
    assert_int_equal(hds_tiles(&d, &r, take, values, NULL), GEN_OK);
    assert_int_equal((int)values[0], 12000);
    hds_stats_add(&s, values + 1, 5000);
    hds_stats_add(&half, values + 5001, 7000);
    hds_stats_merge(&s, &half);
    for (size_t i = 1; i <= 12000; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    qsort(values + 1, 12000, sizeof(values[0]), by_value);
    assert_int_equal(hds_median(&d, 12000, &median, NULL), GEN_OK);
    assert_true(median == (values[6000] + values[6001]) / 2);
    assert_true(s.min == values[1] && s.max == values[12000] && s.n == 12000);
    assert_true(fabs(hds_stats_sum(&s) - sum) < 1e-6);
    assert_true(fabs(hds_stats_std(&s) - sqrt(squares / 12000 - sum / 12000 * (sum / 12000))) <
                1e-6);
    hds_dataset_close(&d);
}

static void count_values(void *ud, const double *values, size_t n)
{
    size_t *counts = ud;
    (void)values;
    assert_true(n <= HDS_TILE_ELEMENTS);
    counts[0] += n;
    counts[1]++;
}

/* A region of several tiles is read whole, each element once. */
static void test_tiles(void **state)
{
    struct bench *b = *state;
    struct hds_dataset d;
    struct hds_region r = {.start = {5, 7}, .count = {3, 1500000}, .stride = {1, 1}};
    size_t counts[2] = {0, 0};
    run_ok(b, "open_file", "{\"path\":\"layouts.h5\"}");
    assert_int_equal(hds_dataset_open(&b->file, GEN_STR("huge_unwritten"), &d, NULL), GEN_OK);
    assert_int_equal(hds_tiles(&d, &r, count_values, counts, NULL), GEN_OK);
    assert_int_equal(counts[0], 4500000);
    assert_int_equal(counts[1], 6);
    hds_dataset_close(&d);
}

static void test_medians_and_gaps(void **state)
{
    static const struct {
        const char *path;
        double median;
        int64_t n, n_not_finite;
    } cases[] = {{"int8", 0, 3, 0}, {"float64_be", 0.1, 3, 2}, {"int16_be", 0, 3, 0}};
    struct bench *b = *state;
    run_ok(b, "open_file", "{\"path\":\"types.h5\"}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char args[100];
        double median = -1;
        int64_t n = 0;
        int64_t n_not_finite = 0;
        (void)snprintf(args, sizeof(args), "{\"paths\":[\"%s\"],\"stats\":[\"median\",\"count\"]}",
                       cases[i].path);
        run_ok(b, "hdf5_aggregate_stats", args);
        const struct gen_json *o = gen_json_at(member(b, "datasets"), 0);
        assert_true(gen_json_as_real(gen_json_get(o, "median"), &median));
        assert_true(gen_json_as_int(gen_json_get(o, "count"), &n));
        (void)gen_json_as_int(gen_json_get(o, "n_not_finite"), &n_not_finite);
        assert_true(median == cases[i].median);
        assert_true(n == cases[i].n && n_not_finite == cases[i].n_not_finite);
    }
}

static void test_limits(void **state)
{
    struct bench *b = *state;
    struct gen_error err = {0};
    run_ok(b, "open_file", "{\"path\":\"layouts.h5\"}");
    assert_int_equal(run(b, "read_full_dataset", "{\"path\":\"huge_unwritten\"}", &err),
                     GEN_ELIMIT);
    assert_non_null(strstr(err.msg, "read_partial_dataset"));
    b->file.limits.elements_max = 100;
    assert_int_equal(run(b, "read_full_dataset", "{\"path\":\"chunked\"}", &err), GEN_ELIMIT);
    assert_int_equal(run(b, "export_dataset", "{\"path\":\"chunked\"}", &err), GEN_ELIMIT);
    run_ok(b, "hdf5_batch_read", "{\"paths\":[\"compact\",\"compact\",\"scalar\"]}");
    int64_t n_ok = 0;
    assert_true(gen_json_as_int(member(b, "n_ok"), &n_ok));
    assert_int_equal(n_ok, 2);
}

/* An answer that holds nothing but errors would pass for a success. */
static void test_none_worked(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *tool, *args, *says;
    } rows[] = {
        {"hdf5_batch_read", "{\"paths\":[\"no\",\"nothing\"]}", "none of the 2"},
        {"hdf5_aggregate_stats", "{\"paths\":[\"no\",\"nothing\"]}", "none of the 2"},
        {"identify_io_bottlenecks", "{\"analysis_paths\":[\"no\",\"nothing\"]}", "none of the 2"},
        {"hdf5_batch_read", "{\"paths\":[\"no\"]}", "no object"},
    };
    run_ok(b, "open_file", "{\"path\":\"layouts.h5\"}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_error err = {0};
        assert_int_not_equal(run(b, rows[i].tool, rows[i].args, &err), GEN_OK);
        assert_non_null(strstr(err.msg, rows[i].says));
    }
    run_ok(b, "hdf5_batch_read", "{\"paths\":[\"no\",\"scalar\"]}");
}

static void test_floats(void **state)
{
    (void)state;
    assert_true(hds_float_as_double(0.1F) == 0.1);
    assert_true(hds_float_as_double(16777216.0F) == 16777216.0);
    assert_true(hds_float_as_double(3.4028235e38F) == 3.4028235e38);
    assert_true(hds_float_as_double(1e-45F) == 1.4013e-45 ||
                (float)hds_float_as_double(1e-45F) == 1e-45F);
}

static void test_export_writes(void **state)
{
    struct bench *b = *state;
    struct gen_error err = {0};
    char text[200] = {0};
    run_ok(b, "open_file", "{\"path\":\"simulation.h5\"}");
    const char *args = "{\"path\":\"results/events\",\"output_path\":\"events.csv\"}";
    (void)unlink(SAMPLES_DIR "/events.csv");
    assert_int_equal(run(b, "export_dataset", args, &err), GEN_EINPUT);
    b->file.limits.writable = true;
    run_ok(b, "export_dataset", args);
    assert_int_equal(run(b, "export_dataset", args, &err), GEN_EINPUT);
    assert_non_null(strstr(err.msg, "exists already"));
    FILE *f = fopen(SAMPLES_DIR "/events.csv", "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text,
                        "step,kind,energy\n0,start,0.0\n7,spike,12.5\n7,\"limit, soft\",0.25\n"
                        "23,end,0.0\n");
    (void)unlink(SAMPLES_DIR "/events.csv");
    b->file.limits.writable = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_examples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_on_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statistics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_medians_and_gaps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none_worked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_export_writes, set_up, tear_down),
        cmocka_unit_test(test_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
