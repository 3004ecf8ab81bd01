/* Benchmark files of all shapes, and what of them is found in texts. */
#include "dataset/contamination.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define THIRTEEN "one two three four five six seven eight nine ten eleven twelve thirteen"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/gen-test-contamination-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* Good until the next call. */
static const char *in_folder(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static struct gen_benchmark_stats add(struct gen_contamination *c, const char *name,
                                      const char *text)
{
    struct gen_benchmark_stats stats;
    struct gen_error err;
    const char *path = in_folder(name);
    assert_int_equal(gen_file_write_all(path, gen_str_from(text), NULL), GEN_OK);
    if (gen_contamination_add_file(c, path, &stats, &err) != GEN_OK)
        fail_msg("%s: %s", name, err.msg);
    assert_int_equal(remove(path), 0);
    return stats;
}

static struct gen_contamination *make(void)
{
    struct gen_contamination *c = NULL;
    assert_int_equal(gen_contamination_new(&c, NULL), GEN_OK);
    return c;
}

static struct gen_contamination_hit find(struct gen_contamination *c, const char *text,
                                         bool is_question)
{
    struct gen_contamination_hit hit;
    assert_int_equal(gen_contamination_find(c, gen_str_from(text), is_question, &hit, NULL),
                     GEN_OK);
    return hit;
}

static void lengths(void **state)
{
    static const struct {
        const char *benchmark, *text;
        bool is_question;
        const char *words; /* NULL: no hit */
    } cases[] = {
        {"zero " THIRTEEN " more",
         "so, ONE two; three four five six seven eight nine ten eleven "
         "twelve thirteen?",
         false, "ONE two; three four five six seven eight nine ten eleven twelve thirteen"},
        {"zero " THIRTEEN, "one two three four five six seven eight nine ten eleven twelve", true,
         NULL},
        {"zero " THIRTEEN, "two " THIRTEEN, false, THIRTEEN},
        {"zero " THIRTEEN,
         "one two three four five six seven eight nine ten eleven TWELVE and "
         "thirteen",
         false, NULL},
        /* A short benchmark text as a whole. */
        {"one two three four five six seven eight", "x one two three four five six seven eight y",
         false, "one two three four five six seven eight"},
        {"one two three four five six seven eight", "one two three four five six seven y", true,
         NULL},
        {"What is HDF5?", "what is hdf5", true, "what is hdf5"},
        {"What is HDF5?", "what is hdf5", false, NULL},
        {"What is HDF5?", "so what is hdf5", true, NULL},
        {"Explain chunks please", "Explain chunks", true, NULL},
        {"caf\xC3\xA9 au lait", "Cafe\xCC\x81 AU LAIT!", true, "caf\xC3\xA9 au lait"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_contamination *c = make();
        (void)add(c, "b.txt", cases[i].benchmark);
        struct gen_contamination_hit hit = find(c, cases[i].text, cases[i].is_question);
        char got[200];
        (void)snprintf(got, sizeof(got), "%.*s", GEN_STR_ARG(hit.words));
        if (hit.is_hit != (cases[i].words != NULL) ||
            (hit.is_hit && strcmp(got, cases[i].words) != 0))
            fail_msg("\"%s\" in \"%s\": %d \"%s\"", cases[i].benchmark, cases[i].text, hit.is_hit,
                     got);
        gen_contamination_free(c);
    }
}

/* Calculations share signs and numbers with one another, and that is no contamination. */
static void signs_are_no_words(void **state)
{
    (void)state;
    struct gen_contamination *c = make();
    (void)add(c, "a.txt",
              "She sold 48/2 = <<48/2=24>>24 clips in May and then 2*3=<<2*3=6>>6 more in June\n");
    assert_false(
        find(c, "He ran 48/2 = <<48/2=24>>24 miles, then 2*3=<<2*3=6>>6 more", true).is_hit);
    assert_true(find(c,
                     "Well: she sold 48/2 = <<48/2=24>>24 clips in May, and then 2*3=<<2*3=6>>6 "
                     "more in June!",
                     true)
                    .is_hit);
    gen_contamination_free(c);
}

static void shapes_of_files(void **state)
{
    static const struct {
        const char *name, *text;
        uint64_t n_rows, n_malformed, row;
    } cases[] = {
        {"a.json", "[{\"q\":\"other words here\"},{\"q\":\"" THIRTEEN "\"}]", 2, 0, 2},
        {"a.jsonl", "{\"q\":1}\n{\"broken\n{\"m\":[{\"c\":{\"t\":[null,\"" THIRTEEN "\"]}}]}\n", 3,
         1, 3},
        {"a.jsonl", "\"" THIRTEEN "\"\n[\"x\"]\n", 2, 0, 1},
        {"squad.json", "{\n \"data\": [{\"p\": [\n\"" THIRTEEN "\"]}]\n}\n", 1, 0, 1},
        {"a.txt", "\n\nfirst line of text\r\n" THIRTEEN, 4, 0, 4},
        {"a.TXT", "bad \xFF bytes in a line\n" THIRTEEN "\n", 2, 1, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_contamination *c = make();
        (void)add(c, "before.txt", "these are some quite different words of another file\n2\n");
        struct gen_benchmark_stats stats = add(c, cases[i].name, cases[i].text);
        struct gen_contamination_hit hit = find(c, THIRTEEN, false);
        if (stats.n_rows != cases[i].n_rows || stats.n_malformed != cases[i].n_malformed ||
            !hit.is_hit || hit.row != cases[i].row)
            fail_msg("%s %s: %d, row %lu of %lu", cases[i].name, cases[i].text, hit.is_hit,
                     (unsigned long)hit.row, (unsigned long)stats.n_rows);
        assert_string_equal(hit.path, in_folder(cases[i].name));
        hit = find(c, "These are some quite different words of another file.", false);
        assert_true(hit.is_hit);
        assert_int_equal(hit.row, 1);
        assert_string_equal(hit.path, in_folder("before.txt"));
        gen_contamination_free(c);
    }
}

static void bad_files(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        {"missing.json", NULL, "No such file"},
        {"empty.jsonl", "", "no text of 3 words"},
        {"short.jsonl", "{\"a\":\"yes\"}\n{\"a\":\"no\"}\n", "no text of 3 words"},
        {"cut.json", "[{\"a\":\"one two three\"},", "cut off"},
        {"data.parquet", "PAR1", "convert it first"},
        {"data.jsonl.gz", "x", "convert it first"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_contamination *c = make();
        struct gen_benchmark_stats stats;
        struct gen_error err;
        const char *path = in_folder(cases[i].name);
        if (cases[i].text)
            assert_int_equal(gen_file_write_all(path, gen_str_from(cases[i].text), NULL), GEN_OK);
        assert_int_equal(
            gen_contamination_add_file(c, path, &stats, &err),
            GEN_EINPUT + (strcmp(cases[i].name, "cut.json") == 0 ? GEN_EPARSE - GEN_EINPUT : 0));
        if (!strstr(err.msg, cases[i].says) || !strstr(err.msg, cases[i].name))
            fail_msg("%s: %s", cases[i].name, err.msg);
        if (cases[i].text)
            assert_int_equal(remove(path), 0);
        gen_contamination_free(c);
    }
    gen_contamination_free(NULL);
}

static void nothing_without_benchmarks(void **state)
{
    struct gen_contamination *c = make();
    (void)state;
    assert_false(find(c, THIRTEEN, true).is_hit);
    assert_false(find(c, "", true).is_hit);
    gen_contamination_free(c);
}

/* Each row of a large benchmark is found as the row it is, also through the growth of the index,
 * and of a text that is not in it nothing is. */
static void many_rows(void **state)
{
    struct gen_contamination *c = make();
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    char text[300];
    (void)state;
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(
            gen_buf_printf(&b, NULL,
                           "k%u what is the sum of the numbers a%u b%u c%u d%u e%u and "
                           "f%u in the row\n",
                           i, i, i, i, i, i, i),
            GEN_OK);
    assert_int_equal(add(c, "big.txt", b.data).n_texts, 20000);
    assert_true(gen_contamination_bytes(c) < (size_t)16 << 20);
    for (unsigned i = 0; i < 20000; i += 37) {
        (void)snprintf(text, sizeof(text),
                       "Tell me: is the sum of the numbers a%u b%u c%u d%u e%u and f%u in?", i, i,
                       i, i, i, i);
        struct gen_contamination_hit hit = find(c, text, true);
        assert_true(hit.is_hit);
        assert_int_equal(hit.row, i + 1);
        (void)snprintf(text, sizeof(text),
                       "Tell me: is the sum of the numbers a%u b%u c%u d%u e%u and f%u in?", i, i,
                       i, i + 1, i, i);
        assert_false(find(c, text, true).is_hit);
    }
    gen_buf_release(&b);
    gen_contamination_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(signs_are_no_words),
        cmocka_unit_test(shapes_of_files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(nothing_without_benchmarks),
        cmocka_unit_test(many_rows),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
