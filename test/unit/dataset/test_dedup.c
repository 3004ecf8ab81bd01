/* Exact and near duplicates: words, tables of pairs, MinHash against its formula, the index against
 * brute force on made and real texts, properties, and limits. */
#include "base/prng.h"
#include "dataset/dedup.h"
#include "dataset/duplicates/minhash.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define TEXTS_MAX  3000
#define TEXT_BYTES 400

static void expect_words(const char *text, const char *expected)
{
    struct gen_word_list l = gen_word_list_make();
    char got[1024] = "";
    size_t n = 0;
    assert_int_equal(gen_word_list_read(&l, gen_str_from(text), NULL), GEN_OK);
    for (size_t i = 0; i < l.n; i++) {
        struct gen_str w = gen_word_list_span(&l, i, 1);
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s", i ? "|" : "", GEN_STR_ARG(w));
    }
    if (strcmp(got, expected) != 0)
        fail_msg("\"%s\" gives %s, not %s", text, got, expected);
    gen_word_list_release(&l);
}

static void words(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"?!... --- \"'", ""},
        {"What's HDF5?", "What|s|HDF5"},
        {"C, C++ and C# differ", "C|C|+|+|and|C|#|differ"},
        {"# Heading **bold** _it_ `code`", "Heading|bold|it|code"},
        {"a + b, a - b, a * b", "a|+|b|a|b|a|*|b"},
        {"6 / 3 or 6-3 and/or -5", "6|/|3|or|6|-|3|and|or|-|5"},
        {"a != b == c", "a|!|=|b|=|=|c"},
        {"__init__ foo_bar _x_ _", "__init__|foo_bar|x"},
        {"90 % of $5", "90|%|of|$|5"},
        {"STRASSE Stra\xC3\x9F"
         "e",
         "strasse|strasse"},
        {"\xEF\xBC\xA8\xEF\xBC\xA4\xEF\xBC\xA6\xEF\xBC\x95\xE3\x80\x82", "hdf5"},
        {"\xE6\x96\x87\xE4\xBB\xB6 ok", "\xE6\x96\x87|\xE4\xBB\xB6|ok"},
        /* Vowel signs tell Hindi and Thai words apart. */
        {"\xE0\xA4\x95\xE0\xA4\xBF \xE0\xA4\x95\xE0\xA5\x80\xE0\xA5\xA4",
         "\xE0\xA4\x95\xE0\xA4\xBF|\xE0\xA4\x95\xE0\xA5\x80"},
        {"\xE0\xB8\x81\xE0\xB8\xB4\xE0\xB8\x99", "\xE0\xB8\x81\xE0\xB8\xB4|\xE0\xB8\x99"},
        {"x \xE2\x89\xA4 y\xF0\x9F\x98\x80", "x|\xE2\x89\xA4|y|\xF0\x9F\x98\x80"},
        {"\xC2\xABOui\xC2\xBB \xE2\x80\x94 non\xE2\x80\xA6", "oui|non"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_words(cases[i][0], cases[i][1]);
}

static struct gen_dedup *make(double similarity, size_t bytes_max)
{
    struct gen_dedup *d = NULL;
    const struct gen_dedup_options o = {similarity, bytes_max};
    assert_int_equal(gen_dedup_new(&d, &o, NULL), GEN_OK);
    return d;
}

static struct gen_duplicate add(struct gen_dedup *d, const char *text, uint64_t number)
{
    struct gen_duplicate found;
    struct gen_error err;
    if (gen_dedup_add(d, gen_str_from(text), number, &found, &err) != GEN_OK)
        fail_msg("%s: %s", text, err.msg);
    return found;
}

static void pairs(void **state)
{
    static const struct {
        const char *a, *b;
        double limit;
        int is; /* 0: no, 1: near, 2: exact */
    } cases[] = {
        {"What is HDF5?", "what  is\thdf5", 0.7, 2},
        {"What is HDF5?", "**What** is `HDF5`", 1, 2},
        {"What is C?", "What is C++?", 1, 0},
        {"What is C#?", "What is C++?", 0.7, 0},
        {"What does a + b give?", "What does a - b give?", 1, 0},
        {"HDF5", "hdf5.", 0.7, 2},
        {"HDF5", "HDF4", 0.3, 0},
        {"open file", "file open", 0.7, 1},
        {"open file", "file open", 1, 0},
        {"caf\xC3\xA9 noir", "cafe\xCC\x81 NOIR", 0.7, 2},
        {"\xE4\xBB\x80\xE4\xB9\x88\xE6\x98\xAF\xE6\x96\x87\xE4\xBB\xB6\xEF\xBC\x9F",
         "\xE4\xBB\x80\xE4\xB9\x88\xE6\x98\xAF\xE6\x96\x87\xE4\xBB\xB6", 0.7, 2},
        {"\xE4\xBB\x80\xE4\xB9\x88\xE6\x98\xAF\xE6\x96\x87\xE4\xBB\xB6",
         "\xE4\xBB\x80\xE4\xB9\x88\xE6\x98\xAF\xE6\x96\x87\xE5\xAD\x97", 0.5, 1},
        {"one two three four five six seven eight nine ten eleven twelve",
         "one two three four five six seven eight nine ten eleven thirteen", 0.8, 1},
        {"one two three four five six seven eight nine ten eleven twelve",
         "one two three four five six seven eight nine ten eleven thirteen", 0.9, 0},
        {"", "", 0.3, 0},
        {"?", "!", 0.3, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_dedup *d = make(cases[i].limit, 0);
        assert_false(add(d, cases[i].a, 17).is_duplicate);
        struct gen_duplicate u = add(d, cases[i].b, 18);
        int is = u.is_duplicate + (u.is_duplicate && u.is_exact);
        if (is != cases[i].is || (u.is_duplicate && u.of != 17))
            fail_msg("\"%s\" and \"%s\" at %g: %d", cases[i].a, cases[i].b, cases[i].limit, is);
        if (u.is_duplicate && !u.is_exact)
            assert_true(u.similarity >= cases[i].limit);
        gen_dedup_free(d);
    }
}

static void bad_input(void **state)
{
    static const double limits[] = {0, -1, 1.01};
    struct gen_dedup *d = NULL;
    struct gen_duplicate found = {.of = 5};
    struct gen_error err;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct gen_dedup_options o = {limits[i], 0};
        assert_int_equal(gen_dedup_new(&d, &o, &err), GEN_EUSAGE);
    }
    d = make(0.7, 0);
    assert_int_equal(gen_dedup_add(d, GEN_STR("a \xFF z"), 1, &found, &err), GEN_EPARSE);
    assert_int_equal(found.of, 5);
    assert_false(add(d, "what is a group in a file", 1).is_duplicate);
    gen_dedup_free(d);
    gen_dedup_free(NULL);
}

/* ---- MinHash --------------------------------------------------------------------------------- */

/* The share of pairs of a similarity that a shape finds is what the formula says. */
static void minhash_keeps_its_formula(void **state)
{
    struct gen_prng g = gen_prng_make(5);
    (void)state;
    for (unsigned tenth = 3; tenth <= 9; tenth++) {
        struct gen_minhash m;
        gen_minhash_init(&m, gen_minhash_shape(tenth / 10.0));
        assert_true(gen_minhash_recall(m.shape, tenth / 10.0) >= 0.9);
        assert_true(m.shape.n_bands * m.shape.n_rows <= GEN_MINHASH_N);
        const unsigned n = 40;
        const unsigned n_shared = (2 * n * tenth + (10 + tenth) / 2) / (10 + tenth);
        unsigned n_found = 0;
        for (int round = 0; round < 2000; round++) {
            uint32_t a[40];
            uint32_t b[40];
            uint64_t ka[GEN_MINHASH_BANDS_MAX];
            uint64_t kb[GEN_MINHASH_BANDS_MAX];
            for (unsigned i = 0; i < n; i++) {
                a[i] = (uint32_t)gen_prng_next(&g);
                b[i] = i < n_shared ? a[i] : (uint32_t)gen_prng_next(&g);
            }
            gen_minhash_keys(&m, a, n, ka);
            gen_minhash_keys(&m, b, n, kb);
            bool hit = false;
            for (unsigned band = 0; band < m.shape.n_bands; band++)
                hit |= ka[band] == kb[band];
            n_found += hit;
        }
        double s = (double)n_shared / (double)(2 * n - n_shared);
        double expected = gen_minhash_recall(m.shape, s);
        double found = n_found / 2000.0;
        if (found < expected - 0.02 || found > expected + 0.02)
            fail_msg("at %u/10: %g found, %g expected", tenth, found, expected);
    }
}

/* ---- against brute force --------------------------------------------------------------------- */

struct texts {
    char text[TEXTS_MAX][TEXT_BYTES];
    size_t n;
};

/* Texts of made words; every fifth is an earlier one with up to four words changed. */
static void make_texts(struct texts *t, size_t n, uint64_t seed)
{
    struct gen_prng g = gen_prng_make(seed);
    static unsigned words[TEXTS_MAX][24];
    static size_t counts[TEXTS_MAX];
    for (t->n = 0; t->n < n; t->n++) {
        unsigned *w = words[t->n];
        size_t n_words = 6 + gen_prng_below(&g, 12);
        if (t->n % 5 == 4) {
            size_t from = gen_prng_below(&g, t->n);
            n_words = counts[from];
            memcpy(w, words[from], sizeof(words[0]));
            for (uint64_t k = gen_prng_below(&g, 5); k > 0; k--)
                w[gen_prng_below(&g, n_words)] = (unsigned)gen_prng_below(&g, 500);
        } else {
            for (size_t i = 0; i < n_words; i++)
                w[i] = (unsigned)gen_prng_below(&g, 500);
        }
        counts[t->n] = n_words;
        size_t at = 0;
        for (size_t i = 0; i < n_words; i++)
            at +=
                (size_t)snprintf(t->text[t->n] + at, TEXT_BYTES - at, "%sw%u", i ? " " : "", w[i]);
    }
}

/* Windows over a file that overlap by all kinds of shares. */
static int cut_file(void *texts, const char *path, struct gen_error *err)
{
    struct texts *t = texts;
    struct gen_buf file = gen_buf_make((size_t)1 << 20);
    int rc = gen_file_read_all(&file, path, err);
    for (size_t at = 0; at + 200 < file.n && t->n < 1000; at += 10 + at * 7 % 91) {
        (void)snprintf(t->text[t->n], TEXT_BYTES, "%.160s", file.data + at);
        for (char *p = t->text[t->n]; *p; p++)
            *p = (char)((unsigned char)*p < 0x80 ? *p : ' ');
        t->n++;
    }
    gen_buf_release(&file);
    return rc;
}

static void read_real_texts(struct texts *t)
{
    t->n = 0;
    assert_int_equal(gen_dir_walk(PROJECT_DIR "/examples/handbook", cut_file, t, NULL), GEN_OK);
    assert_int_equal(t->n, 1000);
}

/* By the strings themselves, not their hashes. */
struct grams {
    char *gram[TEXT_BYTES];
    size_t n;
};

static void read_grams(const char *text, struct grams *out)
{
    struct gen_word_list l = gen_word_list_make();
    assert_int_equal(gen_word_list_read(&l, gen_str_from(text), NULL), GEN_OK);
    size_t width = l.n < 3 ? 1 : 3;
    out->n = 0;
    for (size_t i = 0; i + width <= l.n; i++) {
        char gram[TEXT_BYTES] = "";
        size_t n = 0;
        for (size_t k = 0; k < width; k++)
            n += (size_t)snprintf(gram + n, sizeof(gram) - n, "%.*s|",
                                  GEN_STR_ARG(gen_word_list_span(&l, i + k, 1)));
        for (char *p = gram; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        bool is_new = true;
        for (size_t k = 0; k < out->n; k++)
            is_new &= strcmp(out->gram[k], gram) != 0;
        if (is_new)
            out->gram[out->n++] = strdup(gram);
    }
    gen_word_list_release(&l);
}

static double true_similarity(const struct grams *a, const struct grams *b)
{
    size_t n_shared = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n; k++)
            n_shared += strcmp(a->gram[i], b->gram[k]) == 0;
    }
    size_t n = a->n + b->n - n_shared;
    return n ? (double)n_shared / (double)n : 0;
}

/* Nothing wrong is said; of what there is to find at least 95 % is found. */
static void compare(const struct texts *t, double limit)
{
    struct grams *grams = calloc(t->n, sizeof(*grams));
    unsigned char *kept = calloc(t->n, 1);
    struct gen_dedup *d = make(limit, 0);
    size_t n_there = 0;
    size_t n_found = 0;
    assert_non_null(grams);
    assert_non_null(kept);
    for (size_t i = 0; i < t->n; i++) {
        read_grams(t->text[i], &grams[i]);
        double best = 0;
        for (size_t k = 0; k < i; k++) {
            size_t low = grams[k].n < grams[i].n ? grams[k].n : grams[i].n;
            size_t high = grams[k].n + grams[i].n - low;
            if (!kept[k] || (double)low < limit * (double)high)
                continue;
            double s = true_similarity(&grams[k], &grams[i]);
            best = s > best ? s : best;
        }
        struct gen_duplicate u = add(d, t->text[i], i);
        kept[i] = !u.is_duplicate;
        n_there += best >= limit;
        n_found += u.is_duplicate;
        if (!u.is_duplicate)
            continue;
        assert_true(u.of < i && kept[u.of]);
        double s = true_similarity(&grams[u.of], &grams[i]);
        if (s < limit || s < u.similarity - 1e-9 || s > u.similarity + 1e-9)
            fail_msg("%s: %g is said, %g is true", t->text[i], u.similarity, s);
    }
    if (n_there < 10 || n_found > n_there || (double)n_found < 0.95 * (double)n_there)
        fail_msg("at %g: %zu of %zu found", limit, n_found, n_there);
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; k < grams[i].n; k++)
            free(grams[i].gram[k]);
    }
    gen_dedup_free(d);
    free(kept);
    free(grams);
}

static void finds_what_is_there(void **state)
{
    static struct texts t;
    static const double limits[] = {0.3, 0.5, 0.7, 0.8};
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        make_texts(&t, 1500, 7 + i);
        compare(&t, limits[i]);
    }
    read_real_texts(&t);
    compare(&t, 0.5);
    compare(&t, 0.7);
}

/* ---- properties ------------------------------------------------------------------------------ */

static void own_output_has_no_duplicates(void **state)
{
    static struct texts t;
    static const double limits[] = {0.3, 0.7, 1};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct gen_dedup *first = make(limits[k], 0);
        struct gen_dedup *second = make(limits[k], 0);
        make_texts(&t, TEXTS_MAX, 40 + k);
        for (size_t i = 0; i < t.n; i++) {
            if (!add(first, t.text[i], i).is_duplicate)
                assert_false(add(second, t.text[i], i).is_duplicate);
        }
        gen_dedup_free(first);
        gen_dedup_free(second);
    }
}

/* The number of different texts, and that of the equal ones, do not depend on the order. */
static void equality_has_no_order(void **state)
{
    static struct texts t;
    size_t order[TEXTS_MAX] = {0};
    size_t n_first = 0;
    struct gen_prng g = gen_prng_make(3);
    (void)state;
    make_texts(&t, TEXTS_MAX, 77);
    for (size_t i = 0; i < t.n; i++)
        order[i] = i;
    for (int round = 0; round < 4; round++) {
        struct gen_dedup *d = make(1, 0);
        size_t n = 0;
        for (size_t i = 0; i < t.n; i++) {
            struct gen_duplicate u = add(d, t.text[order[i]], order[i]);
            n += u.is_duplicate;
            if (u.is_duplicate)
                assert_string_equal(t.text[u.of], t.text[order[i]]);
        }
        n_first = round ? n_first : n;
        assert_true(n > 10);
        assert_int_equal(n, n_first);
        gen_dedup_free(d);
        for (size_t i = t.n; i > 1; i--) {
            size_t k = gen_prng_below(&g, i);
            size_t x = order[i - 1];
            order[i - 1] = order[k];
            order[k] = x;
        }
    }
}

static void most_similar_is_named(void **state)
{
    struct gen_dedup *d = make(0.5, 0);
    (void)state;
    (void)add(d, "one two three four five six seven eight nine zero a b", 1);
    (void)add(d, "one two three four five six x y z nine zero a", 2);
    (void)add(d, "one two three four five six seven eight nine zero c", 3);
    struct gen_duplicate u = add(d, "one two three four five six seven eight nine zero a c", 4);
    assert_true(u.is_duplicate && !u.is_exact);
    assert_int_equal(u.of, 1);
    gen_dedup_free(d);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void memory_has_a_ceiling(void **state)
{
    struct gen_dedup *d = make(0.7, 400000);
    struct gen_duplicate u;
    struct gen_error err;
    char text[64];
    int rc = GEN_OK;
    uint64_t n = 0;
    (void)state;
    while (rc == GEN_OK && n < 100000) {
        (void)snprintf(text, sizeof(text), "a%lu b%lu c%lu d%lu e%lu", (unsigned long)n,
                       (unsigned long)n, (unsigned long)n, (unsigned long)n, (unsigned long)n);
        rc = gen_dedup_add(d, gen_str_from(text), n, &u, &err);
        n += rc == GEN_OK;
    }
    assert_int_equal(rc, GEN_ELIMIT);
    assert_non_null(strstr(err.msg, "--by question"));
    assert_true(n > 500);
    assert_true(gen_dedup_bytes(d) <= 400000);
    /* It can still be asked. */
    assert_int_equal(gen_dedup_add(d, GEN_STR("A7 b7 c7 d7 e7!"), n, &u, &err), GEN_OK);
    assert_true(u.is_exact);
    assert_int_equal(u.of, 7);
    gen_dedup_free(d);
}

static void template_text(char *out, size_t n, unsigned i)
{
    (void)snprintf(out, n,
                   "What is the value of entry k%u in the table of the results for y%u in the "
                   "report?",
                   i * 7919U % 1000003U, i * 104729U % 1000003U);
}

/* Thousands of texts with most of their words in common fall into the same few buckets. Comparing
 * all of them would take 8e8 comparisons; equal ones are found all the same. */
static void one_template_for_all(void **state)
{
    struct gen_dedup *d = make(0.8, 0);
    const unsigned n = 40000;
    char text[200];
    clock_t start = clock();
    (void)state;
    for (unsigned i = 0; i < n; i++) {
        template_text(text, sizeof(text), i);
        assert_false(add(d, text, i).is_duplicate);
    }
    for (unsigned i = 0; i < n; i += 100) {
        template_text(text, sizeof(text), i);
        struct gen_duplicate u = add(d, text, n + i);
        assert_true(u.is_exact);
        assert_int_equal(u.of, i);
    }
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 60);
    gen_dedup_free(d);
}

static void long_texts(void **state)
{
    struct gen_dedup *d = make(0.7, 0);
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)state;
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(gen_buf_printf(&b, NULL, "word%u ", i), GEN_OK);
    assert_false(add(d, b.data, 1).is_duplicate);
    assert_int_equal(gen_buf_add_c(&b, "and one more", NULL), GEN_OK);
    struct gen_duplicate u = add(d, b.data, 2);
    assert_true(u.is_duplicate && !u.is_exact);
    assert_true(u.similarity > 0.999);
    gen_buf_release(&b);
    gen_dedup_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(pairs),
        cmocka_unit_test(bad_input),
        cmocka_unit_test(minhash_keeps_its_formula),
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(own_output_has_no_duplicates),
        cmocka_unit_test(equality_has_no_order),
        cmocka_unit_test(most_similar_is_named),
        cmocka_unit_test(memory_has_a_ceiling),
        cmocka_unit_test(one_template_for_all),
        cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
