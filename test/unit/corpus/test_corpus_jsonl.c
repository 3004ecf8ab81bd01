/* JSON Lines and JSON arrays as a corpus: column names, malformed rows, standard input. */
#include "corpus_support.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void read_text(void **state, const char *name, const char *text, struct chunks *chunks,
                      const struct gen_log *log)
{
    char path[256];
    struct gen_error err = {0};
    struct gen_corpus_options options = {.log = log};
    options.path = folder_file(*state, name, gen_str_from(text), path, sizeof(path));
    if (chunks_read(chunks, &options, &err) != GEN_OK)
        fail_msg("%s", err.msg);
}

static void test_column_names(void **state)
{
    static const struct {
        const char *row, *id, *content, *source, *title, *section, *language;
        enum gen_chunk_kind kind;
    } cases[] = {
        {"{\"id\":\"a\",\"content\":\"t\",\"source\":\"s.md\"}", "a", "t", "s.md", "", "", "", 0},
        {"{\"chunk_id\":7,\"text\":\"t\",\"source_file\":\"f\",\"source\":\"s\"}", "7", "t", "f",
         "", "", "", 0},
        {"{\"content\":\"t\",\"path\":\"p\",\"title\":\"T\",\"section_path\":\"A > B\"}", "rows-1",
         "t", "p", "T", "A > B", "", 0},
        {"{\"page_content\":\"t\",\"metadata\":{\"source\":\"m\",\"title\":\"T\",\"id\":\"no\"}}",
         "rows-1", "t", "m", "T", "", "", 0},
        {"{\"id\":\"\",\"text\":\"t\",\"content\":\"\",\"section\":\"S\"}", "rows-1", "t",
         "unknown", "", "S", "", 0},
        {"{\"id\":-3,\"text\":\"t\",\"source\":\"x.py\",\"source_type\":\"code\"}", "-3", "t",
         "x.py", "", "", "python", 1},
        {"{\"id\":\"a\",\"text\":\"t\",\"source_type\":\"source_code\",\"lang\":\"C++\"}", "a", "t",
         "unknown", "", "", "cpp", 1},
        {"{\"id\":\"a\",\"text\":\"t\",\"source_type\":\"Fortran\"}", "a", "t", "unknown", "", "",
         "fortran", 1},
        {"{\"id\":\"a\",\"text\":\"t\",\"language\":\"en\"}", "a", "t", "unknown", "", "", "", 0},
        {"{\"id\":null,\"text\":\"nul\\u0000byte\"}", "rows-1", "nulbyte", "unknown", "", "", "",
         0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chunks c;
        read_text(state, "rows.jsonl", cases[i].row, &c, NULL);
        assert_int_equal(c.n, 1);
        assert_str(c.items[0]->id, cases[i].id);
        assert_str(c.items[0]->content, cases[i].content);
        assert_str(c.items[0]->source, cases[i].source);
        assert_str(c.items[0]->title, cases[i].title);
        assert_str(c.items[0]->section, cases[i].section);
        assert_str(c.items[0]->language, cases[i].language);
        assert_int_equal(c.items[0]->kind, cases[i].kind);
        chunks_free(&c);
    }
}

static void test_malformed_rows_are_counted_and_named(void **state)
{
    struct chunks c;
    struct logged logged;
    logged_init(&logged);
    read_text(state, "bad.jsonl",
              "{\"id\":\"a\",\"content\":\"one\"}\n"
              "not json\n"
              "\n"
              "[1,2]\n"
              "{\"id\":\"b\"}\n"
              "{\"id\":\"c\",\"content\":\" \\u00a0\\n\"}\n"
              "{\"id\":\"d\",\"content\":5}\n"
              "{\"id\":\"e\",\"content\":\"cut\n"
              "{\"id\":\"f\",\"content\":\"two\"}",
              &c, &logged.log);
    assert_int_equal(c.n, 2);
    assert_str(c.items[0]->id, "a");
    assert_str(c.items[1]->id, "f");
    assert_int_equal(c.counted, 8);
    assert_int_equal(c.counts.n_rows, 8);
    assert_int_equal(c.counts.n_malformed, 6);
    assert_has(c.counts.first_malformed, "bad.jsonl row 2 (byte 27): ");
    assert_int_equal(logged.n_lines, 6);
    assert_has(logged.text, "no object");
    assert_has(logged.text, "no text");
    assert_has(logged.text, "blank");
    chunks_free(&c);
}

static void test_log_of_malformed_rows_ends(void **state)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    struct chunks c;
    struct logged logged;
    logged_init(&logged);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(gen_buf_add_c(&b, "{}\n", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&b, "{\"text\":\"x\"}\n", NULL), GEN_OK);
    read_text(state, "many.ndjson", b.data, &c, &logged.log);
    assert_int_equal(c.n, 1);
    assert_str(c.items[0]->id, "many-501");
    assert_int_equal(c.counts.n_malformed, 500);
    assert_int_equal(logged.n_lines, 20);
    assert_has(logged.text, "only counted");
    chunks_free(&c);
    gen_buf_release(&b);
}

static void test_array(void **state)
{
    struct chunks c;
    read_text(state, "array.json",
              "[\n  {\"id\": 1, \"content\": \"a\"},\n  {\"id\": 2},\n  {\"id\": 3, \"text\": "
              "\"b\"}\n]\n",
              &c, NULL);
    assert_int_equal(c.n, 2);
    assert_str(c.items[1]->id, "3");
    assert_int_equal(c.counts.n_malformed, 1);
    chunks_free(&c);
}

static void test_errors(void **state)
{
    static const struct {
        const char *name, *text, *part;
    } cases[] = {
        {"empty.jsonl", "", "holds no rows"},
        {"blank.jsonl", "\n \n", "holds no rows"},
        {"none.jsonl", "{}\nx\n", "none of the 2 rows of "},
        {"none.jsonl", "{}\nx\n", "row 1 (byte 0)"},
        {"cut.json", "[{\"text\":\"a\"},", "cut.json"},
        {"one.json", "{\n  \"text\": \"a\"\n}\n", "one.json"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[256];
        struct chunks c;
        struct gen_error err = {0};
        struct gen_corpus_options options = {0};
        options.path =
            folder_file(*state, cases[i].name, gen_str_from(cases[i].text), path, sizeof(path));
        assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
        assert_int_equal(err.code, GEN_EINPUT);
        assert_has(err.msg, cases[i].part);
        chunks_free(&c);
    }
}

static void test_given_columns(void **state)
{
    char path[256];
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {
        .id_column = "key", .content_column = "body", .source_column = "url"};
    options.path =
        folder_file(*state, "given.jsonl",
                    GEN_STR("{\"id\":\"no\",\"key\":\"k\",\"content\":\"no\",\"body\":\"yes\","
                            "\"source\":\"no\",\"url\":\"u\"}\n"
                            "{\"key\":\"k2\",\"content\":\"text\",\"url\":\"u\"}\n"),
                    path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_int_equal(c.n, 1);
    assert_str(c.items[0]->id, "k");
    assert_str(c.items[0]->content, "yes");
    assert_str(c.items[0]->source, "u");
    assert_int_equal(c.counts.n_malformed, 1);
    assert_has(c.counts.first_malformed, "asked for");
    chunks_free(&c);

    options.content_column = "";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    static const char *const tables[] = {"t"};
    options = (struct gen_corpus_options){.path = path, .tables = tables, .n_tables = 1};
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    assert_has(err.msg, "--table");
}

static void test_max_chunks(void **state)
{
    char path[256];
    struct chunks c;
    struct gen_corpus_options options = {.max_chunks = 2};
    options.path = folder_file(*state, "max.jsonl",
                               GEN_STR("{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"c\"}\n"),
                               path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, NULL), GEN_OK);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.counted, 2);
    assert_int_equal(c.counts.n_rows, 2);
    chunks_free(&c);
}

static void test_standard_input_is_read_once(void **state)
{
    char path[256];
    struct gen_corpus *corpus = NULL;
    struct gen_corpus *again = NULL;
    struct gen_chunk *chunk = NULL;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = "-"};
    uint64_t n = 0;
    int saved = dup(STDIN_FILENO);
    (void)folder_file(*state, "in", GEN_STR("{\"text\":\"a\"}\n{\"text\":\"b\"}\n"), path,
                      sizeof(path));
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && saved >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(gen_corpus_open(&corpus, gen_corpus_drivers, &options, &err), GEN_OK);
    assert_int_equal(gen_corpus_count(corpus, &n, &err), GEN_EINPUT);
    assert_has(err.msg, "only once");
    assert_int_equal(gen_corpus_open(&again, gen_corpus_drivers, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "only once");
    assert_int_equal(gen_corpus_next(corpus, &chunk, &err), GEN_OK);
    assert_str(chunk->id, "stdin-1");
    gen_chunk_unref(chunk);
    gen_corpus_close(corpus);
    assert_int_equal(gen_corpus_open(&again, gen_corpus_drivers, &options, &err), GEN_EINPUT);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(saved), 0);
    assert_int_equal(close(fd), 0);
}

static void test_chunks_are_shared(void **state)
{
    (void)state;
    struct gen_chunk model = {.id = GEN_STR("i"), .content = GEN_STR("text")};
    struct gen_chunk *c = gen_chunk_new(&model);
    assert_non_null(c);
    assert_ptr_not_equal(c->content.p, model.content.p);
    assert_ptr_equal(gen_chunk_ref(c), c);
    gen_chunk_unref(c);
    assert_str(c->content, "text");
    assert_str(c->title, "");
    gen_chunk_unref(c);
    gen_chunk_unref(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_column_names),
        cmocka_unit_test(test_malformed_rows_are_counted_and_named),
        cmocka_unit_test(test_log_of_malformed_rows_ends),
        cmocka_unit_test(test_array),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_given_columns),
        cmocka_unit_test(test_max_chunks),
        cmocka_unit_test(test_standard_input_is_read_once),
        cmocka_unit_test(test_chunks_are_shared),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
