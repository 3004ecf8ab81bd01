/* Kinds and views of records, and files of them: read, written, cut, missing, refused. */
#include "dataset/record.h"
#include "os/file.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/gen-test-record-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Good until the next call. */
static const char *in_folder(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static struct gen_json_doc *parse(const char *text)
{
    struct gen_error err;
    struct gen_json_doc *doc = NULL;
    if (gen_json_parse(&doc, gen_str_from(text), &err) != GEN_OK)
        fail_msg("%s: %s", err.msg, text);
    return doc;
}

static void kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kind;
    } cases[] = {
        {"{\"format\":\"qa\",\"question\":\"q\",\"reasoning\":\"r\"}", "qa"},
        {"{\"format\":\"cot\",\"question\":\"q\"}", "cot"},
        {"{\"format\":\"tool\"}", "tool"},
        {"{\"format\":\"dialog\",\"messages\":[]}", "conversation"},
        {"{\"format\":\"other\",\"question\":\"q\",\"answer\":\"a\"}", "qa"},
        {"{\"question\":\"q\",\"answer\":\"a\"}", "qa"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"reasoning\":\"r\"}", "cot"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"reasoning\":\"\"}", "qa"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"reasoning\":\"judge\",\"rating\":8}", "qa"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"reasoning\":\"r\",\"rating\":8,"
         "\"rating_reasoning\":\"judge\"}",
         "cot"},
        {"{\"messages\":[]}", "conversation"},
        {"{\"conversations\":[]}", "conversation"},
        {"{\"instruction\":\"i\",\"solution\":{}}", "tool"},
        {"{\"text\":\"t\"}", "none"},
        {"[1]", "none"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = parse(cases[i].text);
        const char *kind = gen_record_kind_name(gen_record_kind(gen_json_root(doc)));
        if (strcmp(kind, cases[i].kind) != 0)
            fail_msg("%s is %s", cases[i].text, kind);
        gen_json_doc_free(doc);
    }
}

/* question|answer|reasoning|chunk_id|source of the view, or why there is none. */
static void views(void **state)
{
    (void)state;
    static const struct {
        const char *text, *view;
    } cases[] = {
        {"{\"question\":\"q\",\"answer\":\"a\",\"chunk_id\":\"c\",\"source\":\"s\"}", "q|a||c|s"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"source_file\":\"f\"}", "q|a|||f"},
        {"{\"question\":\"q\",\"answer\":\"a\",\"source_file\":\"f\",\"source\":\"s\"}", "q|a|||s"},
        {"{\"question\":\"q\",\"reasoning\":\"r\",\"answer\":\"a\"}", "q|a|r||"},
        {"{\"question\":\"q\",\"reasoning\":\"judge\",\"answer\":\"a\",\"rating\":9.5}", "q|a|||"},
        {"{\"answer\":\"a\"}", "no \"question\""},
        {"{\"question\":\"q\"}", "no \"answer\""},
        {"{\"question\":\"q\",\"answer\":3}", "\"answer\" is an integer, not a string"},
        {"{\"question\":[],\"answer\":\"a\"}", "\"question\" is an array, not a string"},
        {"{\"question\":null,\"answer\":\"a\"}", "\"question\" is null"},
        {"{\"question\":\" \\n\",\"answer\":\"a\"}", "\"question\" is empty"},
        {"[1]", "it is no JSON object"},
        {"{\"format\":\"tool\",\"instruction\":\"i\"}",
         "it is a tool example, not a question with its answer"},
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
         "{\"role\":\"user\",\"content\":\"q1\"},{\"role\":\"assistant\",\"content\":\"a1\"},"
         "{\"role\":\"user\",\"content\":\"q2\"},"
         "{\"role\":\"assistant\",\"content\":\"a2\",\"reasoning_content\":\"r2\"}]}",
         "q2|a2|r2||"},
        {"{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"
         "{\"from\":\"gpt\",\"value\":\"a\"}]}",
         "q|a|||"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
         "the conversation has no text of a user with an answer to it"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":null}]}",
         "a turn of the conversation has no text"},
        {"{\"messages\":[7]}", "a turn of the conversation is no object"},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
         "a turn of the conversation calls a tool or has another role than system, user and "
         "assistant"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = parse(cases[i].text);
        struct gen_qa_view v;
        char why[160] = "";
        char have[400];
        if (gen_qa_view(gen_json_root(doc), &v, why, sizeof(why)))
            (void)snprintf(have, sizeof(have), "%.*s|%.*s|%.*s|%.*s|%.*s", GEN_STR_ARG(v.question),
                           GEN_STR_ARG(v.answer), GEN_STR_ARG(v.reasoning), GEN_STR_ARG(v.chunk_id),
                           GEN_STR_ARG(v.source));
        else
            (void)snprintf(have, sizeof(have), "%s", why);
        assert_string_equal(have, cases[i].view);
        gen_json_doc_free(doc);
    }
}

static void put_file(const char *path, const char *text)
{
    struct gen_error err;
    if (gen_file_write_all(path, gen_str_from(text), &err) != GEN_OK)
        fail_msg("%s", err.msg);
}

/* Reads all rows: "1:text;2!why;" into `out`, and the code with which reading ends. */
static int read_rows(const char *path, char *out, size_t out_bytes, struct gen_error *err)
{
    struct gen_record_reader *r = NULL;
    struct gen_record_row row;
    bool more = true;
    size_t n = 0;
    out[0] = '\0';
    int rc = gen_record_reader_open(&r, path, err);
    while (rc == GEN_OK && more) {
        rc = gen_record_reader_next(r, &row, &more, err);
        if (rc == GEN_OK && more && n < out_bytes)
            n += (size_t)snprintf(
                out + n, out_bytes - n, "%d%c%.*s;", (int)row.row, row.malformed ? '!' : ':',
                GEN_STR_ARG(row.malformed ? gen_str_from(row.malformed) : row.text));
    }
    gen_record_reader_close(r);
    return rc;
}

static void reading(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows;
        int rc;
    } cases[] = {
        {"", "", GEN_OK},
        {"[]", "", GEN_OK},
        {"\n\n", "", GEN_OK},
        {"{\"a\":1}\n{\"a\":2}\n", "1:{\"a\":1};2:{\"a\":2};", GEN_OK},
        {"[{\"a\":1},\n {\"a\":2}]", "1:{\"a\":1};2:{\"a\":2};", GEN_OK},
        {"{\"a\":1}\n[1]\n{\"a\":2}",
         "1:{\"a\":1};2!it is a JSON value of type array, not an object;3:{\"a\":2};", GEN_OK},
        {"[{\"a\":1},7,null,\"x\"]",
         "1:{\"a\":1};2!it is a JSON value of type integer, not an object;"
         "3!it is a JSON value of type null, not an object;"
         "4!it is a JSON value of type string, not an object;",
         GEN_OK},
        {"[{\"a\":1},{\"a\":", "1:{\"a\":1};", GEN_EPARSE},
        {"[{\"a\":1}", "1:{\"a\":1};", GEN_EPARSE},
        {"{\n \"a\": 1\n}\n", "", GEN_EINPUT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char rows[1024];
        struct gen_error err = {0};
        put_file(in_folder("rows.json"), cases[i].text);
        assert_int_equal(read_rows(in_folder("rows.json"), rows, sizeof(rows), &err), cases[i].rc);
        assert_string_equal(rows, cases[i].rows);
        assert_true(cases[i].rc == GEN_OK || strstr(err.msg, "rows.json") != NULL);
    }
}

/* Bad JSON in one line: that row is malformed, the next one is read. */
static void bad_lines(void **state)
{
    (void)state;
    char rows[2048];
    put_file(in_folder("bad.jsonl"),
             "{\"a\":1}\n{\"a\":\n{\"a\":\"\xFF\"}\n{\"a\":\"\\ud800\"}\nnope\n"
             "{\"a\":2}\n");
    assert_int_equal(read_rows(in_folder("bad.jsonl"), rows, sizeof(rows), NULL), GEN_OK);
    assert_non_null(strstr(rows, "1:{\"a\":1};2!it cannot be read as JSON: "));
    assert_non_null(strstr(rows, ";3!"));
    assert_non_null(strstr(rows, ";4!"));
    assert_non_null(strstr(rows, ";5!"));
    assert_non_null(strstr(rows, ";6:{\"a\":2};"));
}

static void unreadable(void **state)
{
    (void)state;
    char rows[64];
    struct gen_error err;
    assert_int_equal(read_rows(in_folder("missing.json"), rows, sizeof(rows), &err), GEN_EINPUT);
    assert_non_null(strstr(err.msg, "missing.json"));
    assert_int_equal(read_rows(folder, rows, sizeof(rows), &err), GEN_EINPUT);
}

static void expect_file(const char *path, const char *text)
{
    struct gen_error err;
    struct gen_buf data = gen_buf_make(1 << 20);
    if (gen_file_read_all(&data, path, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    if (!gen_str_is(gen_buf_str(&data), text))
        fail_msg("%s is: %.*s", path, GEN_STR_ARG(gen_buf_str(&data)));
    gen_buf_release(&data);
}

static struct gen_record_writer *open_writer(const char *path)
{
    struct gen_error err;
    struct gen_record_writer *w = NULL;
    if (gen_record_writer_open(&w, path, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    return w;
}

static void write_file(const char *path, const char *const *records, size_t n)
{
    struct gen_error err;
    struct gen_record_writer *w = open_writer(path);
    for (size_t i = 0; i < n; i++) {
        if (gen_record_writer_add(w, gen_str_from(records[i]), &err) != GEN_OK)
            fail_msg("%s", err.msg);
    }
    assert_int_equal(gen_record_writer_count(w), n);
    if (gen_record_writer_commit(w, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    gen_record_writer_close(w);
}

static void writing(void **state)
{
    (void)state;
    static const char *const records[] = {
        "{\"a\":\"x\\ny\",\"b\":[],\"c\":{\"d\":[1,2.5]}}",
        "{\n  \"e\": \"gr\xC3\xBC\xC3\x9F\"\n}",
        "{\"s\":\"a\xE2\x80\xA8"
        "b\xE2\x80\xA9"
        "c\xC2\x85"
        "d\xE2\x80\x99\xC2\xB5\"}",
    };
    write_file(in_folder("new/folder/out.json"), records, 3);
    expect_file(in_folder("new/folder/out.json"), "[\n"
                                                  "  {\n"
                                                  "    \"a\": \"x\\ny\",\n"
                                                  "    \"b\": [],\n"
                                                  "    \"c\": {\n"
                                                  "      \"d\": [\n"
                                                  "        1,\n"
                                                  "        2.5\n"
                                                  "      ]\n"
                                                  "    }\n"
                                                  "  },\n"
                                                  "  {\n"
                                                  "    \"e\": \"gr\xC3\xBC\xC3\x9F\"\n"
                                                  "  },\n"
                                                  "  {\n"
                                                  "    \"s\": \"a\xE2\x80\xA8"
                                                  "b\xE2\x80\xA9"
                                                  "c\xC2\x85"
                                                  "d\xE2\x80\x99\xC2\xB5\"\n"
                                                  "  }\n"
                                                  "]\n");
    write_file(in_folder("out.jsonl"), records, 3);
    expect_file(in_folder("out.jsonl"),
                "{\"a\":\"x\\ny\",\"b\":[],\"c\":{\"d\":[1,2.5]}}\n"
                "{\"e\":\"gr\xC3\xBC\xC3\x9F\"}\n"
                "{\"s\":\"a\\u2028b\\u2029c\\u0085d\xE2\x80\x99\xC2\xB5\"}\n");
    write_file(in_folder("empty.json"), records, 0);
    expect_file(in_folder("empty.json"), "[]\n");
    write_file(in_folder("empty.jsonl"), records, 0);
    expect_file(in_folder("empty.jsonl"), "");
}

/* What is written is read back the same. */
static void round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"rt.json", "rt.jsonl", "rt.JSON"};
    static const char *const records[] = {"{\"a\":\"\\\"}\\\\\"}", "{\"b\":\"\xE2\x80\xA8\"}"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gen_error err;
        struct gen_record_reader *r = NULL;
        struct gen_record_row row;
        bool more = false;
        write_file(in_folder(names[i]), records, 2);
        assert_int_equal(gen_record_reader_open(&r, in_folder(names[i]), &err), GEN_OK);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(gen_record_reader_next(r, &row, &more, &err), GEN_OK);
            assert_true(more);
            struct gen_json_doc *wanted = parse(records[k]);
            struct gen_json_doc *have = NULL;
            assert_int_equal(gen_json_parse(&have, row.text, &err), GEN_OK);
            assert_true(gen_json_equal(gen_json_root(wanted), gen_json_root(have)));
            gen_json_doc_free(wanted);
            gen_json_doc_free(have);
        }
        assert_int_equal(gen_record_reader_next(r, &row, &more, &err), GEN_OK);
        assert_false(more);
        gen_record_reader_close(r);
    }
}

static int count_file(void *ud, const char *path, struct gen_error *err)
{
    (void)path;
    (void)err;
    ++*(int *)ud;
    return GEN_OK;
}

static void interrupted(void **state)
{
    (void)state;
    int n = 0;
    struct gen_record_writer *w = open_writer(in_folder("cut/out.json"));
    assert_int_equal(gen_record_writer_add(w, GEN_STR("{\"a\":1}"), NULL), GEN_OK);
    gen_record_writer_close(w);
    assert_int_equal(gen_file_kind(in_folder("cut/out.json")), GEN_FILE_NONE);
    assert_int_equal(gen_dir_walk(in_folder("cut"), count_file, &n, NULL), GEN_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rmdir(in_folder("cut")), 0); /* no hidden file is left either */
    gen_record_writer_close(NULL);
    gen_record_reader_close(NULL);
}

static void refused(void **state)
{
    (void)state;
    struct gen_error err;
    struct gen_record_writer *w = NULL;
    assert_int_equal(gen_record_writer_open(&w, folder, &err), GEN_EUSAGE);
    w = open_writer(in_folder("bad.json"));
    assert_int_equal(gen_record_writer_add(w, GEN_STR("{\"a\":"), &err), GEN_EPARSE);
    assert_non_null(strstr(err.msg, "record 1"));
    assert_int_equal(gen_record_writer_count(w), 0);
    gen_record_writer_close(w);
    w = open_writer("/dev/full");
    int rc = gen_record_writer_add(w, GEN_STR("{\"a\":1}"), &err);
    if (rc == GEN_OK)
        rc = gen_record_writer_commit(w, &err);
    assert_int_equal(rc, GEN_EIO);
    assert_non_null(strstr(err.msg, "/dev/full"));
    gen_record_writer_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),      cmocka_unit_test(views),       cmocka_unit_test(reading),
        cmocka_unit_test(bad_lines),  cmocka_unit_test(unreadable),  cmocka_unit_test(writing),
        cmocka_unit_test(round_trip), cmocka_unit_test(interrupted), cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
