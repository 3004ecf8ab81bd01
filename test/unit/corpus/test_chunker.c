/*
 * The chunker on whole documents: test/data/corpus/chunker/cases.jsonl names a file, the sizes, the
 * title and the file of the chunks that are expected, a line each.
 *
 * `test_chunker --print <file> <kind> <chunk_chars> <overlap_chars>` prints the chunks of a file in
 * that form; read them before you make them an expectation.
 */
#include "corpus/chunker.h"
#include "corpus/sentence.h"
#include "os/file.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CASES TEST_DATA_DIR "/corpus/chunker/"

static enum gen_doc_kind kind_named(struct gen_str name)
{
    if (gen_str_is(name, "rst"))
        return GEN_DOC_RST;
    if (gen_str_is(name, "text"))
        return GEN_DOC_TEXT;
    return gen_str_is(name, "code") ? GEN_DOC_CODE : GEN_DOC_MARKDOWN;
}

/* Chunks as JSON lines. The caller releases `title` and `out`. */
static void chunk_file(const char *path, enum gen_doc_kind kind, size_t chars, size_t overlap,
                       struct gen_buf *title, struct gen_buf *out)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_doc doc;
    struct gen_chunker chunker;
    struct gen_piece piece;
    size_t n_replaced;
    bool more = true;
    assert_int_equal(gen_file_read_all(&text, path, NULL), GEN_OK);
    assert_int_equal(gen_text_load(&text, &n_replaced, NULL), GEN_OK);
    assert_int_equal(gen_doc_init(&doc, gen_buf_str(&text), kind, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_str(title, gen_buf_str(&doc.title), NULL), GEN_OK);
    gen_chunker_init(&chunker, &doc, chars, overlap);
    for (;;) {
        struct gen_jb *b = NULL;
        assert_int_equal(gen_chunker_next(&chunker, &piece, &more, NULL), GEN_OK);
        if (!more)
            break;
        assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_str(b, row, "section", piece.section);
        gen_jb_put_str(b, row, "content", piece.content);
        assert_int_equal(gen_jb_write(b, row, GEN_JSON_COMPACT, out, NULL), GEN_OK);
        assert_int_equal(gen_buf_add_char(out, '\n', NULL), GEN_OK);
        gen_jb_free(b);
    }
    gen_chunker_release(&chunker);
    gen_doc_release(&doc);
    gen_buf_release(&text);
}

static void check_case(struct gen_str line)
{
    struct gen_json_doc *doc = NULL;
    int64_t chars = 0;
    int64_t overlap = 0;
    char path[512];
    struct gen_buf title = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf got = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf want = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
    const struct gen_json *row = gen_json_root(doc);
    struct gen_str file = gen_json_get_str(row, "file");
    struct gen_str expect = gen_json_get_str(row, "expect");
    assert_true(gen_json_as_int(gen_json_get(row, "chunk_chars"), &chars));
    assert_true(gen_json_as_int(gen_json_get(row, "overlap_chars"), &overlap));
    (void)snprintf(path, sizeof(path), CASES "%.*s", GEN_STR_ARG(file));
    chunk_file(path, kind_named(gen_json_get_str(row, "kind")), (size_t)chars, (size_t)overlap,
               &title, &got);
    (void)snprintf(path, sizeof(path), CASES "%.*s", GEN_STR_ARG(expect));
    assert_int_equal(gen_file_read_all(&want, path, NULL), GEN_OK);
    if (!gen_str_eq(gen_buf_str(&got), gen_buf_str(&want)))
        fail_msg("%.*s with %lld and %lld characters: got\n%s\nwanted\n%s", GEN_STR_ARG(file),
                 (long long)chars, (long long)overlap, got.n ? got.data : "(nothing)",
                 want.n ? want.data : "(nothing)");
    if (!gen_str_eq(gen_buf_str(&title), gen_json_get_str(row, "title")))
        fail_msg("%.*s: the title is '%.*s'", GEN_STR_ARG(file), GEN_STR_ARG(gen_buf_str(&title)));
    gen_buf_release(&title);
    gen_buf_release(&got);
    gen_buf_release(&want);
    gen_json_doc_free(doc);
}

static void test_cases(void **state)
{
    struct gen_buf cases = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    (void)state;
    assert_int_equal(gen_file_read_all(&cases, CASES "cases.jsonl", NULL), GEN_OK);
    struct gen_str rest = gen_buf_str(&cases);
    struct gen_str line;
    for (; gen_str_next_line(&rest, &line); n++)
        check_case(line);
    assert_true(n >= 10);
    gen_buf_release(&cases);
}

static void test_sentences(void **state)
{
    /* '|' marks where a sentence starts. */
    static const char *const texts[] = {
        "One. |Two! |Three?",
        "See e.g. the manual. |It says so, i.e. clearly.",
        "Dr. Smith saw Fig. 3 and J. Doe. |They left.",
        "Version 1.14.3 is out. |Get it.",
        "No. 5 is alive. |He said no. |Then he went.",
        "He asked \"why?\" and left. |\"Because.\" |She stayed.",
        "Wait... what? |Yes.",
        "1. The first item has text. |And more.",
        "In 2020. |Then 2021.",
        "\u4F60\u597D\u3002|\u518D\u89C1\u3002",
        "a.b.c and x.y",
        "Call f(x). |Then (see above.) |Next.",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char plain[256];
        char marked[256];
        size_t n = 0;
        size_t m = 0;
        for (const char *p = texts[i]; *p; p++) {
            if (*p != '|')
                plain[n++] = *p;
        }
        struct gen_str text = {plain, n};
        size_t next = gen_sentence_next(text, 0);
        for (size_t k = 0; k < n; k++) {
            if (k == next) {
                marked[m++] = '|';
                next = gen_sentence_next(text, k);
            }
            marked[m++] = plain[k];
        }
        marked[m] = '\0';
        assert_string_equal(marked, texts[i]);
    }
}

static void test_text_is_cleaned_at_the_door(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n_replaced = 99;
    static const char raw[] = "\xEF\xBB\xBF"
                              "a\r\nb\rc\n\r\nd\xFF\xC3(";
    assert_int_equal(gen_buf_add(&text, raw, sizeof(raw) - 1, NULL), GEN_OK);
    assert_int_equal(gen_text_load(&text, &n_replaced, NULL), GEN_OK);
    assert_true(gen_str_is(gen_buf_str(&text), "a\nb\nc\n\nd\uFFFD\uFFFD("));
    assert_int_equal(n_replaced, 2);
    gen_buf_release(&text);
    assert_int_equal(gen_text_load(&text, &n_replaced, NULL), GEN_OK);
    assert_int_equal(n_replaced, 0);
}

static int print(char **args)
{
    struct gen_buf title = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    chunk_file(args[0], kind_named(gen_str_from(args[1])), strtoul(args[2], NULL, 10),
               strtoul(args[3], NULL, 10), &title, &out);
    (void)fprintf(stderr, "title: %s\n", title.n ? title.data : "");
    (void)fputs(out.n ? out.data : "", stdout);
    gen_buf_release(&title);
    gen_buf_release(&out);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_text_is_cleaned_at_the_door),
    };
    if (argc == 6 && strcmp(argv[1], "--print") == 0)
        return print(argv + 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
