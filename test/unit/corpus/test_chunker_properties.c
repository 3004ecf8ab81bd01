/* What holds for every document: random Markdown from a fixed seed, and random text that was never
 * meant to be Markdown. */
#include "base/utf8.h"
#include "corpus/chunker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define N_DOCUMENTS 400
#define N_NOISES    1600

struct random {
    uint64_t state;
};

/* xorshift64*: the sequence must not depend on a library. */
static size_t pick(struct random *r, size_t n)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (size_t)((r->state * 2685821657736338717ULL) >> 33) % n;
}

static void add(struct gen_buf *b, const char *text)
{
    assert_int_equal(gen_buf_add_c(b, text, NULL), GEN_OK);
}

static void add_words(struct random *r, struct gen_buf *b, size_t n, const char *between)
{
    static const char *const words[] = {"chunk",    "a",      "dataset.", "The",    "na\u00EFve",
                                        "HDF5",     "layout", "| bar",    "cache,", "(see",
                                        "B-tree).", "no",     "e.g.",     "x",      "\u5B58\u50A8",
                                        "ends!",    "`code`", "1.14"};
    for (size_t i = 0; i < n; i++) {
        add(b, words[pick(r, sizeof(words) / sizeof(words[0]))]);
        add(b, i + 1 < n ? (pick(r, 12) ? " " : between) : "");
    }
}

static void add_fence(struct random *r, struct gen_buf *b)
{
    const char *mark = pick(r, 2) ? "```" : "~~~~";
    add(b, mark);
    add(b, pick(r, 2) ? "c\n" : "\n");
    for (size_t n = pick(r, 60); n > 0; n--) {
        add(b, pick(r, 5) ? "    int x = 1;\n" : pick(r, 3) ? "\n" : "# not a heading\n");
    }
    add(b, pick(r, 9) ? mark : "``");
    add(b, "\n");
}

static void add_block(struct random *r, struct gen_buf *b)
{
    static const char *const headings[] = {"# ", "## ", "### ", "#### ", "###### "};
    switch (pick(r, 8)) {
    case 0:
        add(b, headings[pick(r, 5)]);
        add_words(r, b, pick(r, 6), " ");
        break;
    case 1:
        add(b, "Setext ");
        add_words(r, b, 2, " ");
        add(b, pick(r, 2) ? "\n===\n" : "\n---");
        break;
    case 2:
        add_fence(r, b);
        break;
    case 3:
        for (size_t n = 1 + pick(r, 12); n > 0; n--) {
            add(b, pick(r, 3) ? "- " : "  1. ");
            add_words(r, b, 1 + pick(r, 40), "\n  ");
            add(b, "\n");
        }
        break;
    case 4:
        add(b, "| a | b |\n|---|---|\n");
        for (size_t n = pick(r, 30); n > 0; n--) {
            add(b, "| ");
            add_words(r, b, 1 + pick(r, 5), " ");
            add(b, " | x |\n");
        }
        break;
    case 5:
        for (size_t n = pick(r, 700); n > 0; n--)
            add(b, "w");
        break;
    default:
        add_words(r, b, 1 + pick(r, 200), "\n");
        break;
    }
    add(b, pick(r, 6) ? "\n\n" : "\n");
}

static void add_noise(struct random *r, struct gen_buf *b)
{
    static const char *const bits[] = {"`",  "```",  "~~~", "#",    " ",   "\n",     "\n\n",   "-",
                                       "=",  "| ",   ">",   "    ", "1.",  "a",      ".",      "\t",
                                       "..", "word", ": ",  "---",  "***", "\u3002", "> ```\n"};
    add(b, bits[pick(r, sizeof(bits) / sizeof(bits[0]))]);
}

/* Fences as a reader of Markdown sees them: each that opens is closed. */
static bool fences_balanced(struct gen_str text)
{
    struct gen_str line;
    char open = 0;
    size_t n_open = 0;
    while (gen_str_next_line(&text, &line)) {
        struct gen_str s = gen_str_trim(line);
        size_t n = 0;
        while (s.n && n < s.n && s.p[n] == s.p[0])
            n++;
        if (s.n == 0 || (s.p[0] != '`' && s.p[0] != '~') || n < 3)
            continue;
        if (open && s.p[0] == open && n >= n_open && n == s.n)
            open = 0;
        else if (!open && (s.p[0] == '~' || !memchr(s.p + n, '`', s.n - n))) {
            open = s.p[0];
            n_open = n;
        }
    }
    return !open;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Moves `at` over the characters of `chunk` that come next in the document, white space aside. What
 * is in the chunk only (a fence opened again) is passed over: so this is the weaker half for chunks
 * that start inside a frame. */
static void walk_along(struct gen_str text, size_t *at, struct gen_str chunk)
{
    for (size_t i = 0; i < chunk.n; i++) {
        while (*at < text.n && is_space(text.p[*at]))
            (*at)++;
        if (!is_space(chunk.p[i]) && *at < text.n && text.p[*at] == chunk.p[i])
            (*at)++;
    }
}

static size_t count_visible(struct gen_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += !is_space(s.p[i]);
    return n;
}

struct result {
    size_t n;
    size_t n_visible;
    uint64_t hash;
};

static struct result check(struct gen_str text, enum gen_doc_kind kind, size_t chars,
                           size_t overlap, bool real_fences)
{
    struct gen_doc doc;
    struct gen_chunker chunker;
    struct gen_piece piece;
    struct result result = {0, 0, 14695981039346656037ULL};
    size_t at = 0;
    bool more = true;
    assert_int_equal(gen_doc_init(&doc, text, kind, NULL), GEN_OK);
    gen_chunker_init(&chunker, &doc, chars, overlap);
    for (;;) {
        assert_int_equal(gen_chunker_next(&chunker, &piece, &more, NULL), GEN_OK);
        if (!more)
            break;
        assert_true(gen_utf8_valid(piece.content));
        assert_true(count_visible(piece.content) > 0);
        if (gen_utf8_count(piece.content) > 2 * chars)
            fail_msg("a chunk of %zu characters for %zu:\n%.*s", gen_utf8_count(piece.content),
                     chars, GEN_STR_ARG(piece.content));
        if (real_fences && !fences_balanced(piece.content))
            fail_msg("a fence is open in:\n%.*s\nof\n%.*s", GEN_STR_ARG(piece.content),
                     GEN_STR_ARG(text));
        walk_along(text, &at, piece.content);
        result.n++;
        result.n_visible += count_visible(piece.content);
        for (size_t i = 0; i < piece.content.n; i++)
            result.hash = (result.hash ^ (unsigned char)piece.content.p[i]) * 1099511628211ULL;
    }
    while (at < text.n && is_space(text.p[at]))
        at++;
    if (overlap == 0 && at != text.n)
        fail_msg("byte %zu of %zu is lost or out of order with %zu characters in:\n%.*s", at,
                 text.n, chars, GEN_STR_ARG(text));
    gen_chunker_release(&chunker);
    gen_doc_release(&doc);
    return result;
}

static void test_documents(void **state)
{
    static const size_t sizes[] = {100, 230, 600, 1500, 5000};
    struct random r = {20250101};
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)state;
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        gen_buf_clear(&b);
        for (size_t n = 1 + pick(&r, 14); n > 0; n--)
            add_block(&r, &b);
        struct gen_str text = gen_buf_str(&b);
        for (size_t k = 0; k < 5; k++) {
            struct result plain = check(text, GEN_DOC_MARKDOWN, sizes[k], 0, true);
            assert_true(plain.n_visible >= count_visible(text));
            struct result again = check(text, GEN_DOC_MARKDOWN, sizes[k], 0, true);
            assert_true(plain.hash == again.hash && plain.n == again.n);
            struct result lapped = check(text, GEN_DOC_MARKDOWN, sizes[k], sizes[k] / 3, true);
            assert_true(lapped.n_visible >= count_visible(text));
            /* Where nothing is opened again, nothing is repeated. */
            plain = check(text, GEN_DOC_TEXT, sizes[k], 0, false);
            assert_int_equal(plain.n_visible, count_visible(text));
            plain = check(text, GEN_DOC_CODE, sizes[k], 0, false);
            assert_int_equal(plain.n_visible, count_visible(text));
            plain = check(text, GEN_DOC_RST, sizes[k], 0, false);
            assert_int_equal(plain.n_visible, count_visible(text));
        }
    }
    gen_buf_release(&b);
}

static void test_noise(void **state)
{
    struct random r = {4711};
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)state;
    for (size_t i = 0; i < N_NOISES; i++) {
        gen_buf_clear(&b);
        add(&b, ".");
        for (size_t n = pick(&r, 400); n > 0; n--)
            add_noise(&r, &b);
        (void)check(gen_buf_str(&b), GEN_DOC_MARKDOWN, 400, 0, false);
        (void)check(gen_buf_str(&b), GEN_DOC_MARKDOWN, 400, 200, false);
        (void)check(gen_buf_str(&b), GEN_DOC_RST, 100, 50, false);
        (void)check(gen_buf_str(&b), GEN_DOC_CODE, 100, 30, false);
    }
    gen_buf_release(&b);
}

/* Time and memory must not explode on what an adversary would send: each is some 2 MB. */
static void test_large_inputs_are_linear(void **state)
{
    static const char *const patterns[] = {"# a\n", "a\n===\n", "| a |\n|---|\n", "- a\n",
                                           "a. ",   "a",        "```\n",          "> ",
                                           "a\n\n", ".",        "\u5B58"};
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        gen_buf_clear(&b);
        add(&b, "x");
        while (b.n < (size_t)1 << 20)
            add(&b, patterns[i]);
        (void)check(gen_buf_str(&b), GEN_DOC_MARKDOWN, 1500, 100, false);
    }
    gen_buf_release(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_large_inputs_are_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
