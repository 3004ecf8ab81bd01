/* The checks against tables in test/data/dataset: a line is one case. All cases of a table run; the
 * wrong ones are printed. */
#include "base/num.h"
#include "dataset/checks.h"
#include "dataset/checks/lexicon.h"
#include "os/file.h"
#include "json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gen_buf read_data(const char *name)
{
    struct gen_error err;
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf data = gen_buf_make((size_t)1 << 20);
    assert_int_equal(gen_buf_printf(&path, &err, "%s/dataset/%s", TEST_DATA_DIR, name), GEN_OK);
    if (gen_file_read_all(&data, path.data, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    gen_buf_release(&path);
    return data;
}

/* The next case; comments are passed over. Backslash-n becomes a line feed in a private copy. */
static bool next_case(struct gen_str *rest, struct gen_buf *line)
{
    struct gen_str raw;
    while (gen_str_next_line(rest, &raw)) {
        if (raw.n == 0 || raw.p[0] == '#')
            continue;
        gen_buf_clear(line);
        for (size_t i = 0; i < raw.n; i++) {
            bool feed = raw.p[i] == '\\' && i + 1 < raw.n && raw.p[i + 1] == 'n';
            assert_int_equal(gen_buf_add_char(line, feed ? '\n' : raw.p[i], NULL), GEN_OK);
            i += feed;
        }
        return true;
    }
    return false;
}

static struct gen_str field(struct gen_str line, size_t i)
{
    for (;; i--) {
        size_t tab = gen_str_find(line, GEN_STR("\t"), 0);
        size_t n = tab == SIZE_MAX ? line.n : tab;
        if (i == 0)
            return gen_str_sub(line, 0, n);
        line = tab == SIZE_MAX ? GEN_STR("") : gen_str_sub(line, tab + 1, line.n);
    }
}

/* The checks that share one reading say what each says alone. */
static void read_once_agrees(struct gen_str text)
{
    bool refers[2];
    bool is_double = false;
    bool is_refusal = false;
    gen_check_question(text, &refers[0], &is_double);
    gen_check_answer(text, &refers[1], &is_refusal);
    assert_int_equal(refers[0], gen_check_refers_to_context(text));
    assert_int_equal(refers[1], refers[0]);
    assert_int_equal(is_double, gen_check_is_double_question(text));
    assert_int_equal(is_refusal, gen_check_is_refusal(text));
}

static void check_table(const char *name, bool (*check)(struct gen_str), size_t n_least)
{
    struct gen_buf data = read_data(name);
    struct gen_buf line = gen_buf_make(65536);
    struct gen_str rest = gen_buf_str(&data);
    size_t n_wrong = 0;
    size_t n[2] = {0, 0};
    while (next_case(&rest, &line)) {
        bool wanted = line.data[0] == '+';
        struct gen_str text = gen_str_sub(gen_buf_str(&line), 2, line.n);
        n[wanted]++;
        read_once_agrees(text);
        if (check(text) == wanted)
            continue;
        n_wrong++;
        print_error("%s: should be %s: %.*s\n", name, wanted ? "a hit" : "no hit",
                    GEN_STR_ARG(text));
    }
    assert_int_equal(n_wrong, 0);
    assert_true(n[0] >= n_least && n[1] >= n_least);
    gen_buf_release(&line);
    gen_buf_release(&data);
}

static void context(void **state)
{
    (void)state;
    check_table("context.txt", gen_check_refers_to_context, 60);
}

static void refusal(void **state)
{
    (void)state;
    check_table("refusal.txt", gen_check_is_refusal, 20);
}

static void double_question(void **state)
{
    (void)state;
    check_table("double_question.txt", gen_check_is_double_question, 10);
}

static void leftovers(void **state)
{
    (void)state;
    check_table("leftovers.txt", gen_check_has_leftovers, 10);
}

/* Longer than one window of tokens: a phrase at the very end is seen, wherever the window ends. */
static void phrase_far_away(void **state)
{
    (void)state;
    for (size_t n = GEN_TOKENS_MAX - 20; n < GEN_TOKENS_MAX + 20; n++) {
        struct gen_buf text = gen_buf_make(65536);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(gen_buf_add_c(&text, "word ", NULL), GEN_OK);
        assert_false(gen_check_refers_to_context(gen_buf_str(&text)));
        assert_false(gen_check_is_refusal(gen_buf_str(&text)));
        assert_int_equal(gen_buf_add_c(&text, "according to the text", NULL), GEN_OK);
        assert_true(gen_check_refers_to_context(gen_buf_str(&text)));
        gen_buf_release(&text);
    }
}

/* Fails when a word was added and bench_checks --lexicon was forgotten. */
static void lexicon_slots_lead_to_words(void **state)
{
    (void)state;
    size_t n_words = 0;
    size_t n_used = 0;
    while (gen_lexicon_word(n_words))
        n_words++;
    bool *is_listed = calloc(n_words, sizeof(*is_listed));
    assert_non_null(is_listed);
    for (size_t i = 0; i < GEN_LEXICON_SLOTS; i++) {
        if (!gen_lexicon_slots[i])
            continue;
        assert_in_range(gen_lexicon_slots[i], 1, n_words);
        assert_false(is_listed[gen_lexicon_slots[i] - 1]);
        is_listed[gen_lexicon_slots[i] - 1] = true;
        n_used++;
    }
    free(is_listed);
    assert_int_equal(n_used, n_words);
    assert_true(gen_lexicon_classes("the", 3) & W_THE);
    assert_int_equal(gen_lexicon_classes("thee", 4), 0);
    assert_int_equal(gen_lexicon_classes("", 0), 0);
    assert_int_equal(gen_lexicon_classes("aaaaaaaaaaaaaaaaaaaaaaaa", 24), 0);
}

static void triggers_of_patterns_hold(void **state)
{
    (void)state;
    for (size_t i = 0; gen_phrases_set(i); i++)
        assert_true(gen_phrases_triggers_hold(gen_phrases_set(i)));
    struct gen_pattern_set wrong = *gen_phrases_set(0);
    wrong.triggers = W_NUMBER;
    assert_false(gen_phrases_triggers_hold(&wrong));
}

/* Plain words are read 32 bytes at a time: the same word must be found at every place of a text. */
static void words_are_found_at_every_offset(void **state)
{
    (void)state;
    char text[160];
    for (size_t before = 0; before < 70; before++) {
        for (size_t behind = 0; behind < 40; behind++) {
            size_t n = 0;
            for (size_t i = 0; i < before; i++)
                text[n++] = i % 7 == 6 || i + 1 == before ? ' ' : 'x';
            memcpy(text + n, "the passage", 11);
            n += 11;
            for (size_t i = 0; i < behind; i++)
                text[n++] = i % 9 == 0 ? ' ' : 'y';
            /* In a block of its own size, so that a read outside of it is seen. */
            char *exact = malloc(n);
            assert_non_null(exact);
            memcpy(exact, text, n);
            struct gen_str s = {exact, n};
            size_t n_words = (before + 6) / 7 + 2 + (behind + 7) / 9;
            assert_true(gen_check_refers_to_context(s));
            if (before % 7 == 0)
                assert_int_equal(gen_count_words(s), n_words);
            free(exact);
        }
    }
}

static void lexicon_is_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; gen_lexicon_word(i); i++)
        assert_true(strcmp(gen_lexicon_word(i - 1), gen_lexicon_word(i)) < 0);
    for (size_t i = 0; gen_lexicon_word(i); i++)
        assert_true(gen_lexicon_classes(gen_lexicon_word(i), strlen(gen_lexicon_word(i))) != 0);
    static const struct {
        const char *word;
        uint64_t classes;
    } words[] = {{"a", W_A},
                 {"above", W_PLACE},
                 {"zufolge", F_ACCORDING},
                 {"según", F_ACCORDING},
                 {"passage", W_EXTRACT},
                 {"you", 0},
                 {"sectio", 0},
                 {"sections", W_SECTION},
                 {"über", 0},
                 {"can't", W_CANNOT},
                 {"capítulo", F_TEXT},
                 {"this", W_THIS}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t classes = gen_lexicon_classes(words[i].word, strlen(words[i].word));
        if (words[i].classes ? !(classes & words[i].classes) : classes != 0)
            fail_msg("%s has classes %llx", words[i].word, (unsigned long long)classes);
    }
}

static struct gen_source_text *prepare(struct gen_str source)
{
    struct gen_error err;
    struct gen_source_text *s = NULL;
    if (gen_source_text_new(&s, source, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    return s;
}

static enum gen_quote_match match_of(const struct gen_source_text *s, struct gen_str quote,
                                     size_t *offset)
{
    struct gen_error err;
    enum gen_quote_match match = GEN_QUOTE_ABSENT;
    if (gen_check_quote(s, quote, &match, offset, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    return match;
}

static void quotes(void **state)
{
    (void)state;
    static const char *const names[] = {"absent", "near", "exact"};
    struct gen_buf source = read_data("quote_source.txt");
    struct gen_buf data = read_data("quote.tsv");
    struct gen_buf line = gen_buf_make(65536);
    struct gen_str rest = gen_buf_str(&data);
    struct gen_source_text *s = prepare(gen_buf_str(&source));
    size_t n_wrong = 0;
    while (next_case(&rest, &line)) {
        struct gen_str wanted = field(gen_buf_str(&line), 0);
        struct gen_str quote = field(gen_buf_str(&line), 1);
        size_t offset = 0;
        enum gen_quote_match match = match_of(s, quote, &offset);
        if (gen_str_is(wanted, names[match]) && (offset == SIZE_MAX) == (match == GEN_QUOTE_ABSENT))
            continue;
        n_wrong++;
        print_error("should be %.*s, is %s: %.*s\n", GEN_STR_ARG(wanted), names[match],
                    GEN_STR_ARG(quote));
    }
    assert_int_equal(n_wrong, 0);
    gen_source_text_free(s);
    gen_buf_release(&line);
    gen_buf_release(&data);
    gen_buf_release(&source);
}

static void quote_offsets(void **state)
{
    (void)state;
    struct gen_source_text *s = prepare(GEN_STR("one  two three\nfour five six SEVEN eight"));
    size_t offset = 0;
    assert_int_equal(match_of(s, GEN_STR("two three four"), &offset), GEN_QUOTE_EXACT);
    assert_int_equal(offset, 4);
    assert_int_equal(match_of(s, GEN_STR("four, five six seven eight"), &offset), GEN_QUOTE_NEAR);
    assert_int_equal(offset, 14);
    gen_source_text_free(s);
}

/* 300 different words: exact is possible, near is not looked for; 200 with changes is near. */
static void long_quotes(void **state)
{
    (void)state;
    struct gen_buf source = gen_buf_make(1 << 20);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(gen_buf_printf(&source, NULL, "w%d ", i), GEN_OK);
    struct gen_source_text *s = prepare(gen_buf_str(&source));
    for (int n = 20; n <= 300; n += 140) {
        struct gen_buf exact = gen_buf_make(65536);
        struct gen_buf changed = gen_buf_make(65536);
        for (int i = 0; i < n; i++) {
            assert_int_equal(gen_buf_printf(&exact, NULL, "w%d ", 15000 + i), GEN_OK);
            if (i % 10 != 5)
                assert_int_equal(gen_buf_printf(&changed, NULL, "w%d ", 15000 + i), GEN_OK);
        }
        assert_int_equal(match_of(s, gen_buf_str(&exact), NULL), GEN_QUOTE_EXACT);
        assert_int_equal(gen_buf_add_c(&changed, "!", NULL), GEN_OK);
        assert_int_equal(match_of(s, gen_buf_str(&changed), NULL),
                         n <= 160 ? GEN_QUOTE_NEAR : GEN_QUOTE_ABSENT);
        gen_buf_release(&exact);
        gen_buf_release(&changed);
    }
    gen_source_text_free(s);
    gen_buf_release(&source);
}

/* A source that is one word over and over gives the window search the most to do. */
static void bounded_work(void **state)
{
    (void)state;
    struct gen_buf source = gen_buf_make(1 << 20);
    struct gen_buf quote = gen_buf_make(1 << 20);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(gen_buf_add_c(&source, i % 8 ? "a " : "b ", NULL), GEN_OK);
    for (int i = 0; i < 80; i++)
        assert_int_equal(gen_buf_add_c(&quote, i % 5 ? "a " : "c ", NULL), GEN_OK);
    struct gen_source_text *s = prepare(gen_buf_str(&source));
    assert_int_equal(match_of(s, gen_buf_str(&quote), NULL), GEN_QUOTE_ABSENT);
    gen_source_text_free(s);
    gen_buf_release(&source);
    gen_buf_release(&quote);
}

static size_t wrong_literals(const struct gen_json *c)
{
    struct gen_error err;
    struct gen_literals found;
    struct gen_buf missing = gen_buf_make(4096);
    int64_t n = 0;
    int64_t grounded = 0;
    struct gen_source_text *s = prepare(gen_json_get_str(c, "source"));
    struct gen_str text = gen_json_get_str(c, "text");
    assert_true(gen_json_as_int(gen_json_get(c, "n"), &n));
    assert_true(gen_json_as_int(gen_json_get(c, "grounded"), &grounded));
    assert_int_equal(
        gen_check_literals(s, gen_json_get_str(c, "also"), text, &found, &missing, &err), GEN_OK);
    bool ok = found.n_literals == (size_t)n && found.n_grounded == (size_t)grounded &&
              gen_str_eq(gen_buf_str(&missing), gen_json_get_str(c, "missing"));
    double share = n ? (double)grounded / (double)n : 1.0;
    if (ok)
        assert_true(found.share > share - 1e-9 && found.share < share + 1e-9);
    else
        print_error("\"%.*s\" has %zu literals, %zu grounded, missing: %.*s\n", GEN_STR_ARG(text),
                    found.n_literals, found.n_grounded, GEN_STR_ARG(gen_buf_str(&missing)));
    gen_source_text_free(s);
    gen_buf_release(&missing);
    return !ok;
}

static void literals(void **state)
{
    (void)state;
    struct gen_buf data = read_data("literals.jsonl");
    struct gen_str rest = gen_buf_str(&data);
    struct gen_str line;
    size_t n_wrong = 0;
    while (gen_str_next_line(&rest, &line)) {
        struct gen_error err;
        struct gen_json_doc *doc = NULL;
        if (gen_json_parse(&doc, line, &err) != GEN_OK)
            fail_msg("%s: %.*s", err.msg, GEN_STR_ARG(line));
        n_wrong += wrong_literals(gen_json_root(doc));
        gen_json_doc_free(doc);
    }
    assert_int_equal(n_wrong, 0);
    gen_buf_release(&data);
}

static void missing_is_appended(void **state)
{
    (void)state;
    struct gen_literals found;
    struct gen_buf missing = gen_buf_make(100);
    struct gen_source_text *s = prepare(GEN_STR("nothing"));
    assert_int_equal(gen_buf_add_c(&missing, "not there: ", NULL), GEN_OK);
    assert_int_equal(gen_check_literals(s, GEN_STR(""), GEN_STR("7 and 8"), &found, &missing, NULL),
                     GEN_OK);
    assert_true(gen_str_is(gen_buf_str(&missing), "not there: 7, 8"));
    /* The ceiling of the caller's buffer: an error, and the buffer as it was. */
    struct gen_buf small = gen_buf_make(3);
    assert_int_equal(gen_check_literals(s, GEN_STR(""), GEN_STR("7 and 888"), &found, &small, NULL),
                     GEN_ELIMIT);
    assert_int_equal(small.n, 0);
    gen_buf_release(&small);
    gen_buf_release(&missing);
    gen_source_text_free(s);
}

static void echo(void **state)
{
    (void)state;
    struct gen_buf data = read_data("echo.tsv");
    struct gen_buf line = gen_buf_make(65536);
    struct gen_str rest = gen_buf_str(&data);
    size_t n_wrong = 0;
    while (next_case(&rest, &line)) {
        struct gen_str l = gen_buf_str(&line);
        if (gen_check_is_echo(field(l, 1), field(l, 2)) == (l.p[0] == '+'))
            continue;
        n_wrong++;
        print_error("wrong: %.*s\n", GEN_STR_ARG(l));
    }
    assert_int_equal(n_wrong, 0);
    gen_buf_release(&line);
    gen_buf_release(&data);
}

static int64_t number_of(struct gen_str s)
{
    int64_t n = 0;
    assert_int_equal(gen_num_i64(s, 0, 1000, "a number", &n, NULL), GEN_OK);
    return n;
}

static void words(void **state)
{
    (void)state;
    struct gen_buf data = read_data("words.tsv");
    struct gen_buf line = gen_buf_make(65536);
    struct gen_str rest = gen_buf_str(&data);
    while (next_case(&rest, &line)) {
        struct gen_str l = gen_buf_str(&line);
        size_t n = gen_count_words(field(l, 1));
        if (n != (size_t)number_of(field(l, 0)))
            fail_msg("%zu words: %.*s", n, GEN_STR_ARG(l));
    }
    gen_buf_release(&line);
    gen_buf_release(&data);
}

static void similarity(void **state)
{
    (void)state;
    struct gen_buf data = read_data("similarity.tsv");
    struct gen_buf line = gen_buf_make(65536);
    struct gen_str rest = gen_buf_str(&data);
    while (next_case(&rest, &line)) {
        struct gen_str l = gen_buf_str(&line);
        double j = -1;
        assert_int_equal(gen_check_similarity(field(l, 1), field(l, 2), &j, NULL), GEN_OK);
        if ((int64_t)(j * 100 + 0.5) != number_of(field(l, 0)))
            fail_msg("%f: %.*s", j, GEN_STR_ARG(l));
        struct gen_word_set *a = NULL;
        struct gen_word_set *b = NULL;
        assert_int_equal(gen_word_set_new(&a, field(l, 1), NULL), GEN_OK);
        assert_int_equal(gen_word_set_new(&b, field(l, 2), NULL), GEN_OK);
        double more = nextafter(j, 2);
        assert_true(gen_word_set_is_similar(a, b, j) && gen_word_set_is_similar(b, a, j));
        assert_false(gen_word_set_is_similar(a, b, more) || gen_word_set_is_similar(b, a, more));
        assert_int_equal(gen_word_set_is_similar(a, b, 0.85), j >= 0.85);
        gen_word_set_free(a);
        gen_word_set_free(b);
    }
    gen_buf_release(&line);
    gen_buf_release(&data);
}

/* Sets too large for the stack. */
static void similarity_of_long_texts(void **state)
{
    (void)state;
    struct gen_buf a = gen_buf_make(1 << 20);
    struct gen_buf b = gen_buf_make(1 << 20);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(gen_buf_printf(&a, NULL, "w%d ", i), GEN_OK);
        assert_int_equal(gen_buf_printf(&b, NULL, "w%d ", i + 1500), GEN_OK);
    }
    double j = 0;
    assert_int_equal(gen_check_similarity(gen_buf_str(&a), gen_buf_str(&b), &j, NULL), GEN_OK);
    assert_true(j > 0.3333 && j < 0.3334);
    gen_buf_release(&a);
    gen_buf_release(&b);
}

/* Every prefix of a text with a bit of everything: nothing reads beyond the end. */
static void prefixes(void **state)
{
    (void)state;
    static const char text[] =
        "`a` \"b\" “c” «d» --e /f/g.h 1,024.5e-3 KB v1.2 0x1F H5::a->b UTF-8 (https://x.y/?z) "
        "{{a}} <think> TODO 数据 Größe ``` $step_ [your ... the passage says, and how?";
    struct gen_source_text *s = prepare(GEN_STR(text));
    for (size_t n = 0; n < sizeof(text); n++) {
        struct gen_literals found;
        size_t k = n;
        while (k && ((unsigned char)text[k] & 0xC0U) == 0x80U)
            k--;
        char *copy = malloc(k ? k : 1); /* so that the sanitizer knows where it ends */
        assert_non_null(copy);
        memcpy(copy, text, k);
        struct gen_str part = {copy, k};
        assert_int_equal(gen_check_literals(s, part, part, &found, NULL, NULL), GEN_OK);
        (void)match_of(s, part, NULL);
        (void)gen_check_refers_to_context(part);
        (void)gen_check_is_refusal(part);
        (void)gen_check_has_leftovers(part);
        (void)gen_check_is_double_question(part);
        (void)gen_check_is_echo(part, part);
        free(copy);
    }
    gen_source_text_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context),
        cmocka_unit_test(refusal),
        cmocka_unit_test(double_question),
        cmocka_unit_test(leftovers),
        cmocka_unit_test(phrase_far_away),
        cmocka_unit_test(lexicon_is_sorted),
        cmocka_unit_test(lexicon_slots_lead_to_words),
        cmocka_unit_test(triggers_of_patterns_hold),
        cmocka_unit_test(words_are_found_at_every_offset),
        cmocka_unit_test(quotes),
        cmocka_unit_test(quote_offsets),
        cmocka_unit_test(long_quotes),
        cmocka_unit_test(bounded_work),
        cmocka_unit_test(literals),
        cmocka_unit_test(missing_is_appended),
        cmocka_unit_test(echo),
        cmocka_unit_test(words),
        cmocka_unit_test(similarity),
        cmocka_unit_test(similarity_of_long_texts),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
