/* LanceDB tables as a corpus: examples/handbook.lancedb, which the official client wrote. */
#include "corpus_support.h"

#include "os/file.h"

#include <string.h>

#define HANDBOOK PROJECT_DIR "/examples/handbook.lancedb"
#define SHAPES   PROJECT_DIR "/test/data/corpus/shapes.lancedb"

static const char *const both[] = {"code_chunks", "text_chunks"};

static void test_default_table(void **state)
{
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = HANDBOOK};
    (void)state;
    if (chunks_read(&c, &options, &err))
        fail_msg("%s", err.msg);
    assert_true(c.n > 50);
    assert_int_equal(c.counted, c.n);
    assert_int_equal(c.counts.n_rows, c.n);
    assert_int_equal(c.counts.n_malformed, 0);
    assert_int_equal(c.counts.n_cleaned, 0);
    for (size_t i = 0; i < c.n; i++) {
        const struct gen_chunk *chunk = c.items[i];
        assert_true(chunk->content.n > 0);
        assert_int_equal(chunk->kind, GEN_CHUNK_TEXT);
        assert_str(chunk->language, "");
        assert_true(gen_str_starts(chunk->id, GEN_STR("hdf5-")));
        assert_true(gen_str_starts(chunk->source, GEN_STR("handbook/")));
        assert_true(gen_str_ends(chunk->source, GEN_STR(".md")));
        assert_true(gen_str_ends(chunk->section, chunk->title));
    }
    chunks_free(&c);
}

/* The rows are those of the sources: the text of each chunk stands in its source file. */
static void test_content_is_that_of_the_sources(void **state)
{
    struct chunks c;
    struct gen_corpus_options options = {.path = HANDBOOK};
    struct gen_buf file = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)state;
    assert_int_equal(chunks_read(&c, &options, NULL), GEN_OK);
    for (size_t i = 0; i < c.n; i++) {
        char path[512];
        (void)snprintf(path, sizeof(path), PROJECT_DIR "/examples/%.*s",
                       GEN_STR_ARG(c.items[i]->source));
        gen_buf_clear(&file);
        assert_int_equal(gen_file_read_all(&file, path, NULL), GEN_OK);
        if (gen_str_find(gen_buf_str(&file), c.items[i]->content, 0) >= file.n)
            fail_msg("chunk %.*s is not in %s", GEN_STR_ARG(c.items[i]->id), path);
    }
    chunks_free(&c);
    gen_buf_release(&file);
}

static void test_several_tables_in_the_order_given(void **state)
{
    struct chunks code;
    struct chunks all;
    struct gen_corpus_options options = {.path = HANDBOOK, .tables = both, .n_tables = 1};
    (void)state;
    assert_int_equal(chunks_read(&code, &options, NULL), GEN_OK);
    assert_true(code.n > 5);
    for (size_t i = 0; i < code.n; i++) {
        assert_int_equal(code.items[i]->kind, GEN_CHUNK_CODE);
        assert_true(code.items[i]->language.n > 0);
    }
    options.n_tables = 2;
    assert_int_equal(chunks_read(&all, &options, NULL), GEN_OK);
    assert_true(all.n > code.n);
    assert_int_equal(all.counted, all.n);
    for (size_t i = 0; i < code.n; i++)
        assert_true(gen_str_eq(all.items[i]->id, code.items[i]->id));
    assert_int_equal(all.items[code.n]->kind, GEN_CHUNK_TEXT);
    chunks_free(&code);
    chunks_free(&all);
}

static void test_one_table_by_its_folder(void **state)
{
    struct chunks c;
    struct gen_error err = {0};
    static const char *const own[] = {"code_chunks"};
    struct gen_corpus_options options = {.path = HANDBOOK "/code_chunks.lance"};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_true(c.n > 5);
    assert_int_equal(c.items[0]->kind, GEN_CHUNK_CODE);
    chunks_free(&c);
    options.tables = own;
    options.n_tables = 1;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    chunks_free(&c);
    options.tables = both;
    options.n_tables = 2;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    assert_has(err.msg, "is the table code_chunks itself");
}

static void test_max_chunks(void **state)
{
    struct chunks c;
    struct gen_corpus_options options = {
        .path = HANDBOOK, .tables = both, .n_tables = 2, .max_chunks = 3};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, NULL), GEN_OK);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.counted, 3);
    assert_int_equal(c.counts.n_rows, 3);
    chunks_free(&c);
}

/* Tables of lancedb 0.40: "langchain" has (vector, id, text, metadata {source, page, title}),
 * "empty" a column text of type null and the text in "body". */
static void test_members_of_structs(void **state)
{
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = SHAPES "/langchain.lance"};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_int_equal(c.n, 3);
    assert_true(gen_str_is(c.items[0]->source, "docs/0.md"));
    assert_true(gen_str_is(c.items[0]->title, "Title 0"));
    assert_true(gen_str_is(c.items[1]->source, "unknown"));
    assert_true(gen_str_is(c.items[2]->source, "unknown"));
    assert_int_equal(c.items[2]->title.n, 0);
    chunks_free(&c);
    options.content_column = "metadata.title";
    options.id_column = "metadata.page";
    options.source_column = "id";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_int_equal(c.n, 2);
    assert_true(gen_str_is(c.items[1]->content, "Title 1"));
    assert_true(gen_str_is(c.items[1]->id, "7"));
    chunks_free(&c);
    options.content_column = "metadata.page";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "column metadata.page of table langchain has type int64");
    options.content_column = "metadata.nothing";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "no column metadata.nothing");
}

static void test_text_of_another_type(void **state)
{
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = SHAPES "/empty.lance"};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "column text of table empty has type null, but text is needed (name the "
                        "one with the text with --content-column)");
    options.content_column = "body";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_int_equal(c.n, 2);
    chunks_free(&c);
}

static void test_given_columns(void **state)
{
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = HANDBOOK,
                                         .id_column = "token_count",
                                         .content_column = "title",
                                         .source_column = "content_hash",
                                         .max_chunks = 5};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    for (size_t i = 0; i < c.n; i++) {
        assert_true(gen_str_eq(c.items[i]->content, c.items[i]->title));
        assert_int_equal(c.items[i]->source.n, 64);
        assert_true(c.items[i]->id.p[0] >= '0' && c.items[i]->id.p[0] <= '9');
    }
    chunks_free(&c);
    /* All null: each row gets a name of its own. */
    options.id_column = "citations";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_str(c.items[0]->id, "text_chunks-1");
    assert_str(c.items[4]->id, "text_chunks-5");
    chunks_free(&c);

    options.id_column = "nothing";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "table text_chunks has no column nothing; its columns are: id, content");
    options.id_column = "vector";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "text or an integer is needed");
    options.id_column = NULL;
    options.content_column = "token_count";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "but text is needed");
}

static void test_null_content_is_malformed(void **state)
{
    struct chunks c;
    struct logged logged;
    logged_init(&logged);
    struct gen_corpus_options options = {
        .path = HANDBOOK, .content_column = "citations", .log = &logged.log};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, NULL), GEN_OK);
    assert_int_equal(c.n, 0);
    assert_true(c.counts.n_rows > 50);
    assert_int_equal(c.counts.n_malformed, c.counts.n_rows);
    assert_has(c.counts.first_malformed, "table text_chunks row 1: the text is null");
    assert_int_equal(logged.n_lines, 20);
    chunks_free(&c);
}

static void test_tables_that_do_not_exist(void **state)
{
    struct chunks c;
    struct gen_error err = {0};
    static const char *const wrong[] = {"text_chunk"};
    static const char *const twice[] = {"code_chunks", "code_chunks"};
    struct gen_corpus_options options = {.path = HANDBOOK, .tables = wrong, .n_tables = 1};
    (void)state;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "no table text_chunk; its tables are: code_chunks, text_chunks");
    options.tables = twice;
    options.n_tables = 2;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    assert_has(err.msg, "given twice");
}

static void copy_table(const struct folder *f, const char *database, const char *name)
{
    char command[512];
    (void)snprintf(command, sizeof(command),
                   "mkdir -p %s/%s && cp -r " HANDBOOK "/code_chunks.lance %s/%s/%s.lance", f->path,
                   database, f->path, database, name);
    assert_int_equal(system(command), 0);
}

static void test_databases_without_the_default_table(void **state)
{
    char path[256];
    struct chunks c;
    struct logged logged;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = path, .log = &logged.log};
    const struct folder *f = *state;
    logged_init(&logged);
    copy_table(f, "db", "pages");
    (void)snprintf(path, sizeof(path), "%s/db", f->path);
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_true(c.n > 5);
    assert_has(logged.text, "its only table pages is read");
    chunks_free(&c);

    copy_table(f, "db", "other");
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "no table text_chunks; its tables are: other, pages");

    (void)snprintf(path, sizeof(path), "%s/none.lancedb", f->path);
    assert_int_equal(gen_dir_make(path, NULL), GEN_OK);
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "has no tables");
}

static void test_damage_is_an_error(void **state)
{
    char path[256];
    char command[512];
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = path};
    const struct folder *f = *state;
    copy_table(f, "cut", "t");
    (void)snprintf(path, sizeof(path), "%s/cut", f->path);
    (void)snprintf(command, sizeof(command), "truncate -s 1000 %s/t.lance/data/*.lance", path);
    assert_int_equal(system(command), 0);
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "table t: ");
    chunks_free(&c);
    (void)snprintf(command, sizeof(command), "truncate -s 100 %s/t.lance/_versions/*.manifest",
                   path);
    assert_int_equal(system(command), 0);
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_table),
        cmocka_unit_test(test_content_is_that_of_the_sources),
        cmocka_unit_test(test_several_tables_in_the_order_given),
        cmocka_unit_test(test_one_table_by_its_folder),
        cmocka_unit_test(test_max_chunks),
        cmocka_unit_test(test_members_of_structs),
        cmocka_unit_test(test_text_of_another_type),
        cmocka_unit_test(test_given_columns),
        cmocka_unit_test(test_null_content_is_malformed),
        cmocka_unit_test(test_tables_that_do_not_exist),
        cmocka_unit_test(test_databases_without_the_default_table),
        cmocka_unit_test(test_damage_is_an_error),
    };
    if (gen_file_kind(HANDBOOK "/text_chunks.lance") != GEN_FILE_DIRECTORY ||
        gen_file_kind(HANDBOOK "/code_chunks.lance") != GEN_FILE_DIRECTORY) {
        (void)fprintf(stderr, "skipped: there is no " HANDBOOK " (node examples/make-handbook.mjs "
                              "writes it)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
