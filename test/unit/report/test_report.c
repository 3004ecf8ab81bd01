#include "report/report.h"

#include "os/file.h"
#include "report/blocks.h"
#include "report/index.h"
#include "report_page.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[128];
    char dataset[160], output[160];
    struct gen_buf page;
    struct gen_json_doc *facts;
    struct gen_report_result result;
    struct gen_error err;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/test_report.XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->dataset, sizeof(p->dataset), "%s/set.json", p->folder);
    (void)snprintf(p->output, sizeof(p->output), "%s/page.html", p->folder);
    p->page = gen_buf_make(GEN_BUF_UNLIMITED);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "set.json",         "page.html",         "set.ledger",         "set_all_rated.json",
        "set_summary.json", "set_removed.jsonl", "set_failures.jsonl", "set_metrics.json"};
    struct place *p = *state;
    char path[192];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->folder, names[i]);
        (void)remove(path);
    }
    assert_int_equal(rmdir(p->folder), 0); /* nothing else was left there */
    gen_buf_release(&p->page);
    gen_json_doc_free(p->facts);
    free(p);
    return 0;
}

static void put_file(const struct place *p, const char *name, const char *text)
{
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/%s", p->folder, name);
    assert_int_equal(gen_file_write_all(path, gen_str_from(text), NULL), GEN_OK);
}

/* Writes the page and reads it and its facts. */
static int make(struct place *p, uint64_t page_bytes_max)
{
    const struct gen_report_options options = {
        .dataset = p->dataset,
        .output = p->output,
        .ledger = &gen_ledger_sqlite,
        .page_bytes_max = page_bytes_max,
    };
    gen_buf_clear(&p->page);
    gen_json_doc_free(p->facts);
    p->facts = NULL;
    int rc = gen_report_write(&options, &p->result, &p->err);
    if (rc)
        return rc;
    assert_int_equal(gen_file_read_all(&p->page, p->output, NULL), GEN_OK);
    struct gen_buf facts = page_data(gen_buf_str(&p->page), "facts", 0, NULL);
    assert_int_equal(gen_json_parse(&p->facts, gen_buf_str(&facts), &p->err), GEN_OK);
    gen_buf_release(&facts);
    return GEN_OK;
}

static const struct gen_json *fact(const struct place *p, const char *name)
{
    return gen_json_get(gen_json_root(p->facts), name);
}

/* Whether the page says that it misses `name`, in words that hold `why`. */
static bool misses(const struct place *p, const char *name, const char *why)
{
    const struct gen_json *list = fact(p, "missing");
    for (size_t i = 0; i < gen_json_count(list); i++) {
        const struct gen_json *row = gen_json_at(list, i);
        if (gen_str_is(gen_json_get_str(row, "name"), name) &&
            gen_str_find(gen_json_get_str(row, "why"), gen_str_from(why), 0) != SIZE_MAX)
            return true;
    }
    return false;
}

static int32_t cell(const struct place *p, enum gen_report_column column, size_t row)
{
    size_t n = 0;
    struct gen_buf b = page_data(gen_buf_str(&p->page), "columns", 0, &n);
    assert_int_equal(b.n, n * 4 * GEN_REPORT_N_COLUMNS);
    assert_in_range(row, 0, n - 1);
    const unsigned char *at = (const unsigned char *)b.data + 4 * ((size_t)column * n + row);
    uint32_t value = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    gen_buf_release(&b);
    return (int32_t)value;
}

static void base64_is_rfc_4648(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf out = gen_buf_make(100);
        assert_int_equal(gen_report_base64(&out, gen_str_from(cases[i][0]), NULL), GEN_OK);
        assert_true(gen_str_is(gen_buf_str(&out), cases[i][1]));
        gen_buf_release(&out);
    }
}

static void json_cannot_end_its_element(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"{\"a\":1}", "{\"a\":1}"},
        {"\"</script>\"", "\"\\u003c/script\\u003e\""},
        {"\"<!--&\"", "\"\\u003c!--\\u0026\""},
        {"\"\xE2\x80\xA8x\xE2\x80\xA9\"", "\"\\u2028x\\u2029\""},
        {"\"\xE2\x80\xA6\xE2\x82\xAC\"", "\"\xE2\x80\xA6\xE2\x82\xAC\""},
        {"<", "\\u003c"},
        {"\xE2\x80", "\xE2\x80"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf out = gen_buf_make(100);
        assert_int_equal(gen_report_escape_json(&out, gen_str_from(cases[i][0]), NULL), GEN_OK);
        assert_true(gen_str_is(gen_buf_str(&out), cases[i][1]));
        gen_buf_release(&out);
    }
}

static int append(void *ud, struct gen_str data, struct gen_error *err)
{
    return gen_buf_add_str(ud, data, err);
}

/* 2,500 small items make blocks of 1,000; large ones are by themselves. */
static void items_come_in_blocks(void **state)
{
    static const size_t expected[] = {1000, 1000, 500, 1, 2};
    struct gen_buf page = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_report_page p = {append, &page, 0};
    struct gen_report_blocks b = gen_report_blocks_make(&p, "rows");
    struct gen_buf *out = NULL;
    (void)state;
    for (int i = 0; i < 2503; i++) {
        if (i == 2500) {
            assert_int_equal(gen_report_blocks_flush(&b, NULL), GEN_OK);
            assert_int_equal(gen_report_blocks_begin_item(&b, &out, NULL), GEN_OK);
            assert_int_equal(gen_buf_add_char(out, '"', NULL), GEN_OK);
            for (size_t k = 0; k < GEN_REPORT_BLOCK_BYTES; k++)
                assert_int_equal(gen_buf_add_char(out, 'x', NULL), GEN_OK);
            assert_int_equal(gen_buf_add_char(out, '"', NULL), GEN_OK);
        } else {
            assert_int_equal(gen_report_blocks_begin_item(&b, &out, NULL), GEN_OK);
            assert_int_equal(gen_buf_printf(out, NULL, "%d", i), GEN_OK);
        }
        assert_int_equal(gen_report_blocks_end_item(&b, NULL), GEN_OK);
    }
    assert_int_equal(gen_report_blocks_flush(&b, NULL), GEN_OK);
    assert_int_equal(gen_report_blocks_flush(&b, NULL), GEN_OK); /* nothing left: no block */
    assert_int_equal(p.n_bytes, page.n);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        size_t n = 0;
        struct gen_json_doc *doc = NULL;
        struct gen_buf block = page_data(gen_buf_str(&page), "rows", i, &n);
        assert_int_equal(n, expected[i]);
        assert_int_equal(gen_json_parse(&doc, gen_buf_str(&block), NULL), GEN_OK);
        assert_int_equal(gen_json_count(gen_json_root(doc)), n);
        gen_json_doc_free(doc);
        gen_buf_release(&block);
    }
    struct gen_buf none = page_data(gen_buf_str(&page), "rows", 5, NULL);
    assert_int_equal(none.n, 0);
    gen_report_blocks_release(&b);
    gen_buf_release(&page);
}

static void an_index_numbers_names(void **state)
{
    struct gen_report_index x = {0};
    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 5000; i++) {
            char name[16];
            uint32_t number = 0;
            bool is_new = false;
            (void)snprintf(name, sizeof(name), "%u", i);
            struct gen_report_key key = gen_report_key_of(gen_str_from(name), GEN_STR("s"));
            assert_int_equal(gen_report_index_add(&x, key, &number, &is_new, NULL), GEN_OK);
            assert_int_equal(number, i);
            assert_int_equal(is_new, pass == 0);
        }
    }
    assert_null(gen_report_index_find(&x, gen_report_key_of(GEN_STR("1s"), GEN_STR(""))));
    assert_null(gen_report_index_find(&x, gen_report_key_of(GEN_STR(""), GEN_STR("1s"))));
    gen_report_index_release(&x);
}

#define ROW(q, more) "{\"format\":\"qa\",\"question\":\"" q "\",\"answer\":\"the answer\"" more "}"

static void a_plain_file_says_what_it_has_not(void **state)
{
    struct place *p = *state;
    put_file(p, "set.json", "[" ROW("one?", "") "," ROW("two?", "") "]");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_int_equal(p->result.n_rows, 2);
    assert_int_equal(p->result.n_rows_shown, 2);
    assert_int_equal(p->result.page_bytes, p->page.n);
    assert_true(misses(p, "set_summary.json", "was not found"));
    assert_true(misses(p, "set_all_rated.json", "was not found"));
    assert_true(misses(p, "set_removed.jsonl", "was not found"));
    assert_true(misses(p, "set.ledger", "was not found"));
    assert_null(fact(p, "ledger"));
    assert_null(fact(p, "summary"));
    assert_int_equal(cell(p, GEN_REPORT_RATING, 0), GEN_REPORT_NO_VALUE);
    assert_int_equal(cell(p, GEN_REPORT_CHUNK, 1), GEN_REPORT_NO_VALUE);
    assert_int_equal(cell(p, GEN_REPORT_ANSWER_WORDS, 1), 2);
}

/* No byte of a text stands in the page as it is. */
static void hostile_texts_stay_inside(void **state)
{
    static const char hostile[] = "</script><script>alert(1)</script>";
    struct place *p = *state;
    put_file(
        p, "set.json",
        "[" ROW(
            "</script><script>alert(1)</script>?",
            ",\"source\":\"</script><script>alert(1)</script>\",\"</script>\":\"\\u2028\"") "]");
    put_file(p, "set_summary.json", "{\"command\":\"</script><script>alert(1)</script>\"}");
    put_file(p, "set_failures.jsonl",
             "{\"class\":\"</script><script>alert(1)</script>\",\"message\":\"<!--\"}\n");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_int_equal(gen_str_find(gen_buf_str(&p->page), gen_str_from(hostile), 0), SIZE_MAX);
    assert_true(gen_str_is(gen_json_get_str(fact(p, "summary"), "command"), hostile));
    assert_true(gen_json_count(fact(p, "sources")) == 1);
    struct gen_buf rows = page_data(gen_buf_str(&p->page), "rows", 0, NULL);
    assert_int_not_equal(gen_str_find(gen_buf_str(&rows), gen_str_from(hostile), 0), SIZE_MAX);
    gen_buf_release(&rows);
}

/* Names of files are bytes. */
static void a_name_may_be_no_utf_8(void **state)
{
    struct place *p = *state;
    char path[sizeof(p->dataset)];
    (void)snprintf(path, sizeof(path), "%s", p->dataset);
    (void)snprintf(p->dataset, sizeof(p->dataset), "%s/s\xff\xfet", p->folder);
    put_file(p, "s\xff\xfet", "[" ROW("one?", "") "]");
    assert_int_equal(make(p, 0), GEN_OK);
    struct gen_str name = {0};
    assert_true(gen_json_as_str(fact(p, "dataset"), &name));
    assert_true(gen_str_is(name, "s\xEF\xBF\xBD\xEF\xBF\xBDt"));
    assert_int_equal(remove(p->dataset), 0);
}

static void malformed_rows_are_counted_and_named(void **state)
{
    struct place *p = *state;
    int64_t row = 0, count = 0;
    put_file(p, "set.json",
             ROW("one?", "") "\nno JSON\n7\n{\"format\":\"qa\",\"question\":\"only\"}\n" ROW(
                 "two?", "") "\n");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_int_equal(p->result.n_rows, 5);
    assert_int_equal(p->result.n_malformed, 3);
    assert_int_equal(cell(p, GEN_REPORT_ROW, 1), 5);
    const struct gen_json *bad = gen_json_get(fact(p, "metrics"), "malformed");
    assert_true(gen_json_as_int(gen_json_get(bad, "count"), &count) && count == 3);
    assert_true(
        gen_json_as_int(gen_json_get(gen_json_at(gen_json_get(bad, "first"), 0), "row"), &row));
    assert_int_equal(row, 2);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *words;
    } cases[] = {
        {"", GEN_EINPUT, "is empty"},
        {"[]", GEN_EINPUT, "is empty"},
        {"[1, 2]", GEN_EINPUT, "none of the 2 rows"},
        {"[" ROW("one?", "") ",", GEN_EPARSE, "set.json"},
    };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_file(p, "set.json", cases[i].text);
        assert_int_equal(make(p, 0), cases[i].code);
        assert_non_null(strstr(p->err.msg, cases[i].words));
        assert_int_equal(gen_file_kind(p->output), GEN_FILE_NONE);
    }
}

static void the_dataset_is_not_replaced(void **state)
{
    struct place *p = *state;
    put_file(p, "set.json", "[" ROW("one?", "") "]");
    assert_int_equal(symlink(p->dataset, p->output), 0);
    assert_int_equal(make(p, 0), GEN_EUSAGE);
    assert_non_null(strstr(p->err.msg, "place of the dataset"));
}

static void broken_side_files_fail_nothing(void **state)
{
    struct place *p = *state;
    int64_t n = 0;
    put_file(p, "set.json", "[" ROW("one?", "") "]");
    put_file(p, "set_summary.json", "{\"stages\": [");
    put_file(p, "set_metrics.json", "[]");
    put_file(p, "set_failures.jsonl", "{\"class\":\"malformed\",\"stage\":\"generate\"}\n{bro");
    put_file(p, "set_all_rated.json", "[" ROW("one?", "") ",");
    put_file(p, "set.ledger", "this is no database at all, whatever its name says");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_true(misses(p, "set_summary.json", "cannot be read"));
    assert_true(misses(p, "set_all_rated.json", "cannot be read"));
    assert_true(misses(p, "set.ledger", "cannot be read"));
    assert_true(misses(p, "set_metrics.json", "holds no JSON object"));
    assert_int_equal(p->result.n_rows_shown, 1);
    assert_true(
        gen_json_as_int(gen_json_get(gen_json_get(fact(p, "failures"), "class"), "malformed"), &n));
    assert_int_equal(n, 1);
}

/* The rated rows stand for the dataset's, the dropped ones among them, and the row that they have
 * not comes last. */
static void dropped_rows_are_shown(void **state)
{
    struct place *p = *state;
    put_file(p, "set.json",
             "{\"messages\":[{\"role\":\"user\",\"content\":\"one?\"},"
             "{\"role\":\"assistant\",\"content\":\"the answer\"}]}\n" ROW("new?", "") "\n");
    put_file(p, "set_all_rated.json",
             "[" ROW("bad?", ",\"rating\":3.5,\"source\":\"b\"") "," ROW(
                 "one?", ",\"rating\":9,\"source\":\"a\"") "]");
    put_file(p, "set_metrics.json", "{\"threshold\": 7}");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_int_equal(p->result.n_rows, 2);
    assert_int_equal(p->result.n_dropped, 1);
    assert_int_equal(p->result.n_rows_shown, 3);
    static const int32_t states[] = {GEN_REPORT_DROPPED, GEN_REPORT_KEPT, GEN_REPORT_KEPT};
    static const int32_t ratings[] = {350, 900, GEN_REPORT_NO_VALUE};
    static const int32_t sources[] = {0, 1, GEN_REPORT_NO_VALUE};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(cell(p, GEN_REPORT_STATE, i), states[i]);
        assert_int_equal(cell(p, GEN_REPORT_RATING, i), ratings[i]);
        assert_int_equal(cell(p, GEN_REPORT_SOURCE, i), sources[i]);
    }
    put_file(p, "set_all_rated.json", "[" ROW("another run?", "") "]");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_true(misses(p, "set_all_rated.json", "of another run"));
    assert_int_equal(p->result.n_dropped, 0);
    assert_int_equal(p->result.n_rows_shown, 2);
}

/* Where the model asked back, the conversation's last question is the user's reply, the record's
 * the request: they are the same row nevertheless, executed or not. */
static void a_question_back_is_the_same_row(void **state)
{
    struct place *p = *state;
    static const char *const ends[][2] = {
        {",{\"role\":\"assistant\",\"content\":\"It is 3.\"}", ",\"final_answer\":\"It is 3.\""},
        {",{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"shape\"}}]}", ""},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char text[800];
        (void)snprintf(text, sizeof(text),
                       "{\"messages\":[{\"role\":\"user\",\"content\":\"What shape?\"},"
                       "{\"role\":\"assistant\",\"content\":\"Of what?\"},"
                       "{\"role\":\"user\",\"content\":\"Of /x.\"}%s]}\n",
                       ends[i][0]);
        put_file(p, "set.json", text);
        (void)snprintf(text, sizeof(text),
                       "[{\"instruction\":\"What shape?\",\"rating\":9,\"solution\":{"
                       "\"reasoning_path\":[{\"tool\":\"shape\",\"args\":{}}],"
                       "\"clarification\":{\"question\":\"Of what?\",\"reply\":\"Of /x.\"}%s}}]",
                       ends[i][1]);
        put_file(p, "set_all_rated.json", text);
        assert_int_equal(make(p, 0), GEN_OK);
        assert_int_equal(p->result.n_dropped, 0);
        assert_int_equal(p->result.n_rows_shown, 1);
        assert_int_equal(cell(p, GEN_REPORT_RATING, 0), 900);
    }
}

static void the_table_ends_where_the_page_is_full(void **state)
{
    struct place *p = *state;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(
            gen_buf_printf(&text, NULL, ROW("row %d?", ",\"chunk_id\":\"%d\"") "\n", i, i), GEN_OK);
    put_file(p, "set.json", text.data);
    gen_buf_release(&text);
    assert_int_equal(make(p, 1), GEN_OK);
    assert_int_equal(p->result.n_rows, 3000);
    assert_int_equal(p->result.n_rows_shown, 0);
    assert_int_equal(cell(p, GEN_REPORT_ROW, 2999), 3000);
    assert_int_equal(cell(p, GEN_REPORT_CHUNK, 2999), GEN_REPORT_NO_VALUE);
    assert_int_equal(make(p, 0), GEN_OK);
    assert_int_equal(p->result.n_rows_shown, 3000);
    assert_int_equal(cell(p, GEN_REPORT_CHUNK, 2999), 2999);
}

static void a_chunk_stands_there_once(void **state)
{
    struct place *p = *state;
    struct gen_ledger *l = NULL;
    struct gen_json_doc *doc = NULL;
    char path[192];
    size_t n = 0;
    const struct gen_ledger_chunk chunk = {.id = GEN_STR("c1"),
                                           .source = GEN_STR("a.md"),
                                           .title = GEN_STR("T"),
                                           .content = GEN_STR("the <b>source</b>")};
    (void)snprintf(path, sizeof(path), "%s/set.ledger", p->folder);
    assert_int_equal(gen_ledger_open(&l, &gen_ledger_sqlite, path, false, &p->err), GEN_OK);
    assert_int_equal(gen_ledger_chunk_put(l, &chunk, &p->err), GEN_OK);
    gen_ledger_close(l);
    put_file(
        p, "set.json",
        "[" ROW("one?", ",\"chunk_id\":\"c1\",\"source\":\"a.md\"") "," ROW(
            "two?", ",\"chunk_id\":\"c1\",\"source\":\"a.md\"") "," ROW("three?",
                                                                        ",\"chunk_id\":\"gone\","
                                                                        "\"source\":\"a.md\"") "]");
    assert_int_equal(make(p, 0), GEN_OK);
    assert_int_equal(p->result.n_chunks, 1);
    struct gen_buf chunks = page_data(gen_buf_str(&p->page), "chunks", 0, &n);
    assert_int_equal(n, 2);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&chunks), NULL), GEN_OK);
    const struct gen_json *first = gen_json_at(gen_json_root(doc), 0);
    assert_true(gen_str_is(gen_json_get_str(first, "text"), "the <b>source</b>"));
    assert_null(gen_json_get(gen_json_at(gen_json_root(doc), 1), "text"));
    assert_int_equal(cell(p, GEN_REPORT_CHUNK, 0), 0);
    assert_int_equal(cell(p, GEN_REPORT_CHUNK, 1), 0);
    assert_int_equal(cell(p, GEN_REPORT_CHUNK, 2), 1);
    assert_non_null(fact(p, "ledger"));
    gen_json_doc_free(doc);
    gen_buf_release(&chunks);
}

static void without_its_page_it_says_so(void **state)
{
    struct place *p = *state;
    put_file(p, "set.json", "[" ROW("one?", "") "]");
    assert_int_equal(make(p, 0), GEN_ESTATE);
    assert_non_null(strstr(p->err.msg, "GEN_REPORT"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest parts[] = {
        cmocka_unit_test(base64_is_rfc_4648),
        cmocka_unit_test(json_cannot_end_its_element),
        cmocka_unit_test(items_come_in_blocks),
        cmocka_unit_test(an_index_numbers_names),
    };
    const struct CMUnitTest pages[] = {
        TEST(a_plain_file_says_what_it_has_not),
        TEST(hostile_texts_stay_inside),
        TEST(a_name_may_be_no_utf_8),
        TEST(malformed_rows_are_counted_and_named),
        TEST(what_cannot_be_read_is_an_error),
        TEST(broken_side_files_fail_nothing),
        TEST(the_dataset_is_not_replaced),
        TEST(dropped_rows_are_shown),
        TEST(a_question_back_is_the_same_row),
        TEST(the_table_ends_where_the_page_is_full),
        TEST(a_chunk_stands_there_once),
    };
    const struct CMUnitTest absent[] = {TEST(without_its_page_it_says_so)};
    int failed = cmocka_run_group_tests(parts, NULL, NULL);
    failed += gen_report_is_built() ? cmocka_run_group_tests(pages, NULL, NULL)
                                    : cmocka_run_group_tests(absent, NULL, NULL);
    return failed;
}
