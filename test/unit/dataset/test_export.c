/* Golden files: test/data/export/records.jsonl in each format, with each system prompt. A rejected
 * record is the line "! why". Writing the files anew: run with GEN_GOLDEN_WRITE=1, look at the
 * difference. */
#include "dataset/export.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct gen_export_format *const formats[] = {
    &gen_export_chatml, &gen_export_alpaca, &gen_export_sharegpt, &gen_export_jsonl, NULL};

static void data_path(struct gen_buf *path, const char *name)
{
    gen_buf_clear(path);
    assert_int_equal(gen_buf_printf(path, NULL, "%s/export/%s", TEST_DATA_DIR, name), GEN_OK);
}

/* No null anywhere, and each string that trainers read is one. */
static void check_shape(struct gen_str row, const char *format)
{
    struct gen_error err;
    struct gen_json_doc *doc = NULL;
    static const char *const members[][2] = {{"chatml", "messages"},
                                             {"alpaca", "output"},
                                             {"sharegpt", "conversations"},
                                             {"jsonl", "metadata"}};
    if (gen_json_parse(&doc, row, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        bool has = gen_json_get(gen_json_root(doc), members[i][1]) != NULL;
        assert_int_equal(has, strcmp(format, members[i][0]) == 0);
    }
    assert_int_equal(gen_str_find(row, GEN_STR(":null"), 0), SIZE_MAX);
    gen_json_doc_free(doc);
}

static void export_all(const struct gen_export_format *format, const char *system,
                       struct gen_str records, struct gen_buf *out)
{
    struct gen_export_options options = {system};
    struct gen_str line;
    while (gen_str_next_line(&records, &line)) {
        struct gen_error err;
        char why[320] = "unset";
        size_t before = out->n;
        if (gen_export_row(format, line, &options, out, why, sizeof(why), &err) != GEN_OK)
            fail_msg("%s", err.msg);
        if (why[0]) {
            assert_int_equal(out->n, before);
            assert_int_equal(gen_buf_printf(out, NULL, "! %s", why), GEN_OK);
        } else {
            check_shape(gen_str_sub(gen_buf_str(out), before, out->n), format->name);
        }
        assert_int_equal(gen_buf_add_char(out, '\n', NULL), GEN_OK);
    }
}

static void golden(void **state)
{
    (void)state;
    static const struct {
        const char *name, *system;
    } systems[] = {{"default", NULL}, {"none", ""}, {"own", "You know \"HDF5\"."}};
    struct gen_error err;
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf records = gen_buf_make(1 << 20);
    data_path(&path, "records.jsonl");
    if (gen_file_read_all(&records, path.data, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    for (size_t f = 0; formats[f]; f++) {
        for (size_t s = 0; s < sizeof(systems) / sizeof(systems[0]); s++) {
            char name[64];
            struct gen_buf have = gen_buf_make(1 << 20);
            struct gen_buf wanted = gen_buf_make(1 << 20);
            (void)snprintf(name, sizeof(name), "%s.%s.jsonl", formats[f]->name, systems[s].name);
            data_path(&path, name);
            export_all(formats[f], systems[s].system, gen_buf_str(&records), &have);
            if (getenv("GEN_GOLDEN_WRITE"))
                assert_int_equal(gen_file_write_all(path.data, gen_buf_str(&have), NULL), GEN_OK);
            if (gen_file_read_all(&wanted, path.data, &err) != GEN_OK)
                fail_msg("%s", err.msg);
            if (!gen_str_eq(gen_buf_str(&have), gen_buf_str(&wanted)))
                fail_msg("%s differs; now it is:\n%s", name, have.data);
            gen_buf_release(&have);
            gen_buf_release(&wanted);
        }
    }
    gen_buf_release(&records);
    gen_buf_release(&path);
}

static void finding(void **state)
{
    (void)state;
    assert_ptr_equal(gen_export_find(formats, "alpaca"), &gen_export_alpaca);
    assert_null(gen_export_find(formats, "parquet"));
    assert_null(gen_export_find(formats, ""));
    for (size_t i = 0; formats[i]; i++)
        assert_true(formats[i]->summary[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
