/* Folders and files of documents as a corpus. */
#include "corpus_support.h"

#include <unistd.h>

static void put(void **state, const char *name, struct gen_str data)
{
    char path[256];
    (void)folder_file(*state, name, data, path, sizeof(path));
}

static const char *path_of(void **state, const char *name, char *path, size_t n)
{
    const struct folder *f = *state;
    (void)snprintf(path, n, "%s/%s", f->path, name);
    return path;
}

static void test_folder(void **state)
{
    char path[256];
    struct chunks c;
    struct logged logged;
    struct gen_error err = {0};
    logged_init(&logged);
    put(state, "docs/b.md", GEN_STR("---\ntitle: Bee\n---\n# B\n\nText of b.\n"));
    put(state, "docs/a/deep.markdown", GEN_STR("# Deep\r\n\r\nText of deep.\r\n"));
    put(state, "docs/c.txt", GEN_STR("Plain text, bad byte \xFF here.\n"));
    put(state, "docs/code.F90", GEN_STR("program p\nend program\n"));
    put(state, "docs/d.rst", GEN_STR("Title\n=====\n\nRest.\n"));
    put(state, "docs/image.png", GEN_STR("\x89PNG"));
    put(state, "docs/image2.png", GEN_STR("\x89PNG"));
    put(state, "docs/LICENSE", GEN_STR("text"));
    put(state, "docs/zero.txt", (struct gen_str){"a\0b", 3});
    put(state, "docs/blank.md", GEN_STR(" \n\n\t\n"));
    put(state, "docs/empty.md", GEN_STR(""));
    put(state, "docs/.hidden.md", GEN_STR("# Hidden\n"));
    struct gen_corpus_options options = {.log = &logged.log};
    options.path = path_of(state, "docs", path, sizeof(path));
    if (chunks_read(&c, &options, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(c.n, 5);
    assert_int_equal(c.counted, 5);
    assert_int_equal(c.counts.n_rows, 5);
    assert_int_equal(c.counts.n_cleaned, 1);
    assert_str(c.items[0]->id, "a/deep.markdown#1");
    assert_str(c.items[0]->source, "a/deep.markdown");
    assert_str(c.items[0]->title, "Deep");
    assert_str(c.items[0]->content, "# Deep\n\nText of deep.");
    assert_str(c.items[1]->id, "b.md#1");
    assert_str(c.items[1]->title, "Bee");
    assert_str(c.items[1]->section, "B");
    assert_str(c.items[2]->title, "c.txt");
    assert_str(c.items[2]->content, "Plain text, bad byte \uFFFD here.");
    assert_str(c.items[3]->language, "fortran");
    assert_int_equal(c.items[3]->kind, GEN_CHUNK_CODE);
    assert_str(c.items[4]->section, "Title");
    assert_int_equal(c.items[4]->kind, GEN_CHUNK_TEXT);
    assert_has(logged.text, "3 files in ");
    assert_has(logged.text, "(none) .png\n");
    assert_has(logged.text, "zero.txt is passed over");
    assert_has(logged.text, "malformed UTF-8");
    assert_int_equal(logged.n_lines, 3);
    chunks_free(&c);

    (void)path_of(state, "docs/", path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_str(c.items[0]->source, "a/deep.markdown");
    chunks_free(&c);
}

static void test_single_file_and_sizes(void **state)
{
    char path[256];
    struct chunks c;
    struct gen_error err = {0};
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gen_buf_printf(&b, NULL, "Sentence number %d is here. ", i), GEN_OK);
    put(state, "one/book.md", gen_buf_str(&b));
    struct gen_corpus_options options = {.chunk_chars = 200, .overlap_chars = 60};
    options.path = path_of(state, "one/book.md", path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_true(c.n > 10);
    assert_int_equal(c.counted, c.n);
    assert_str(c.items[0]->id, "book.md#1");
    assert_str(c.items[1]->id, "book.md#2");
    assert_str(c.items[0]->source, "book.md");
    for (size_t i = 1; i < c.n; i++) {
        struct gen_str first = gen_str_sub(c.items[i]->content, 0, 26);
        assert_true(gen_str_starts(first, GEN_STR("Sentence number ")));
        assert_true(gen_str_find(c.items[i - 1]->content, first, 0) < c.items[i - 1]->content.n);
    }
    chunks_free(&c);

    options.max_chunks = 3;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_OK);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.counted, 3);
    chunks_free(&c);

    options.overlap_chars = 101;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    assert_has(err.msg, "overlap");
    options.overlap_chars = 0;
    options.chunk_chars = 99;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    options.chunk_chars = 0;
    options.id_column = "id";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);
    assert_has(err.msg, "no tables or columns");
    gen_buf_release(&b);
}

static void test_errors(void **state)
{
    char path[256];
    struct chunks c;
    struct gen_error err = {0};
    struct gen_corpus_options options = {.path = "/no/such/place"};
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "cannot open the input '/no/such/place': No such file");
    options.path = "gs://bucket/db";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "are read from s3:// and https://");
    options.path = "s3://bucket/db.jsonl";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "only LanceDB tables are read from there");
    options.path = "";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EUSAGE);

    put(state, "odd/x.docx", GEN_STR("PK"));
    options.path = path_of(state, "odd/x.docx", path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, ".md .markdown");
    assert_has(err.msg, ".jsonl");
    options.path = path_of(state, "odd", path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "holds no file that can be read");

    put(state, "void/.keep", GEN_STR(""));
    options.path = path_of(state, "void", path, sizeof(path));
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "holds no files");

    put(state, "huge/x.md", GEN_STR(""));
    (void)path_of(state, "huge/x.md", path, sizeof(path));
    assert_int_equal(truncate(path, (off_t)(256 << 20) + 1), 0);
    options.path = path;
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
    assert_has(err.msg, "larger than 256 MB");
    options.path = "/dev/null";
    assert_int_equal(chunks_read(&c, &options, &err), GEN_EINPUT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_single_file_and_sizes),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
