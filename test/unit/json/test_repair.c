#include "json_test.h"

#include "base/num.h"
#include "base/prng.h"
#include "json/repair.h"

#include <time.h>

struct repair_case {
    struct gen_str steps;
    struct gen_str what;
    struct gen_str text;
    struct gen_str expected;
};

static struct gen_buf read_cases(void)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    FILE *f = fopen(TEST_DATA_DIR "/repair/cases.txt", "rb");
    assert_non_null(f);
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        assert_int_equal(gen_buf_add(&b, chunk, n, NULL), GEN_OK);
    assert_int_equal(fclose(f), 0);
    return b;
}

static bool next_case(struct gen_str all, size_t *at, struct repair_case *c)
{
    size_t head = gen_str_find(all, GEN_STR("\n=== "), *at);
    if (head == SIZE_MAX)
        return false;
    head += 5;
    size_t bar = gen_str_find(all, GEN_STR(" | "), head);
    size_t body = gen_str_find(all, GEN_STR("\n"), head);
    size_t line = gen_str_find(all, GEN_STR("\n---\n"), body);
    assert_true(bar < body && line != SIZE_MAX);
    size_t end = gen_str_find(all, GEN_STR("\n"), line + 5);
    assert_true(end != SIZE_MAX);
    c->steps = gen_str_sub(all, head, bar - head);
    c->what = gen_str_sub(all, bar + 3, body - bar - 3);
    c->text = line > body ? gen_str_sub(all, body + 1, line - body - 1) : (struct gen_str){"", 0};
    c->expected = gen_str_sub(all, line + 5, end - line - 5);
    *at = end;
    return true;
}

static bool same(const char *what, struct gen_str expected, struct gen_str found)
{
    if (gen_str_eq(expected, found))
        return true;
    print_error("  %s: expected %.*s\n  found %.*s\n", what, GEN_STR_ARG(expected),
                GEN_STR_ARG(found));
    return false;
}

/* What came out, repaired again, is what came out, in no steps. */
static bool stays(struct gen_str json)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 99;
    struct gen_error err = {0};
    if (gen_json_repair(&doc, json, &steps, &err)) {
        print_error("  not strict: %s\n", err.msg);
        return false;
    }
    char *text = text_of(gen_json_root(doc));
    bool good = steps == 0 && same("idempotence", json, gen_str_from(text));
    free(text);
    gen_json_doc_free(doc);
    return good;
}

static bool run_error(const struct repair_case *c)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 77;
    struct gen_error err = {0};
    int rc = gen_json_repair(&doc, c->text, &steps, &err);
    struct gen_str part = gen_str_sub(c->expected, 7, c->expected.n);
    if (rc == GEN_EPARSE && doc == NULL && steps == 77 &&
        gen_str_find(gen_str_from(err.msg), part, 0) != SIZE_MAX)
        return true;
    print_error("  code %d, message: %s\n", rc, err.msg);
    gen_json_doc_free(doc);
    return false;
}

static bool run_case(const struct repair_case *c)
{
    if (gen_str_starts(c->expected, GEN_STR("error: ")))
        return run_error(c);
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    if (gen_json_repair(&doc, c->text, &steps, &err)) {
        print_error("  %s\n", err.msg);
        return false;
    }
    struct gen_buf names = gen_buf_make(1000);
    assert_int_equal(gen_repair_names(&names, steps, NULL), GEN_OK);
    struct gen_json_doc *expected = NULL;
    assert_int_equal(gen_json_parse(&expected, c->expected, NULL), GEN_OK);
    char *want = text_of(gen_json_root(expected));
    char *text = text_of(gen_json_root(doc));
    bool good = same("json", gen_str_from(want), gen_str_from(text)) &&
                same("steps", c->steps, steps ? gen_buf_str(&names) : GEN_STR("-")) &&
                stays(gen_str_from(text));
    free(want);
    free(text);
    gen_json_doc_free(expected);
    gen_json_doc_free(doc);
    gen_buf_release(&names);
    return good;
}

static void cases(void **state)
{
    (void)state;
    struct gen_buf file = read_cases();
    struct repair_case c;
    size_t at = 0;
    size_t n = 0;
    size_t failed = 0;
    while (next_case(gen_buf_str(&file), &at, &c)) {
        n++;
        if (!run_case(&c)) {
            print_error("case '%.*s' failed\n", GEN_STR_ARG(c.what));
            failed++;
        }
    }
    gen_buf_release(&file);
    assert_true(n > 60);
    assert_int_equal(failed, 0);
}

/* Every prefix of every case ends in a document or in GEN_EPARSE, and what comes out is strict. */
static void prefixes(void **state)
{
    (void)state;
    struct gen_buf file = read_cases();
    struct repair_case c;
    size_t at = 0;
    while (next_case(gen_buf_str(&file), &at, &c)) {
        for (size_t n = 0; n < c.text.n; n++) {
            /* Its own block, so that the sanitizer sees a read behind the end. */
            char *copy = malloc(n + 1);
            assert_non_null(copy);
            memcpy(copy, c.text.p, n);
            char *exact = realloc(copy, n ? n : 1);
            struct gen_json_doc *doc = NULL;
            unsigned steps = 0;
            int rc = gen_json_repair(&doc, (struct gen_str){exact, n}, &steps, NULL);
            assert_true(rc == GEN_OK || rc == GEN_EPARSE);
            if (rc == GEN_OK) {
                char *text = text_of(gen_json_root(doc));
                assert_true(stays(gen_str_from(text)));
                free(text);
            }
            gen_json_doc_free(doc);
            free(exact);
        }
    }
    gen_buf_release(&file);
}

static void check(struct gen_str text, const char *expected, unsigned expected_steps)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    if (gen_json_repair(&doc, text, &steps, &err))
        fail_msg("%s", err.msg);
    assert_json(gen_json_root(doc), expected);
    assert_int_equal(steps, expected_steps);
    gen_json_doc_free(doc);
}

static void bytes(void **state)
{
    (void)state;
    check(GEN_STR("{\"a\": \"x\xFFy\"}"), "{\"a\":\"x\xEF\xBF\xBDy\"}", GEN_REPAIR_UTF8);
    check(GEN_STR("{\"a\": \"x\0y\"}"), "{\"a\":\"x\\u0000y\"}", GEN_REPAIR_CONTROL);
    check(GEN_STR("\xEF\xBB\xBF{\"a\": 1}"), "{\"a\":1}", GEN_REPAIR_PROSE);
    check(GEN_STR("{\"a\": \"x\\"), "{\"a\":\"x\"}", GEN_REPAIR_TRUNCATED);
}

static void fails(struct gen_str text, const char *part)
{
    struct gen_json_doc *doc = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    assert_int_equal(gen_json_repair(&doc, text, &steps, &err), GEN_EPARSE);
    if (part && !strstr(err.msg, part))
        fail_msg("'%s' is not in: %s", part, err.msg);
}

static struct gen_buf repeated(const char *unit, size_t n_bytes)
{
    struct gen_buf b = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_buf_reserve(&b, n_bytes + strlen(unit), NULL), GEN_OK);
    while (b.n < n_bytes)
        assert_int_equal(gen_buf_add_c(&b, unit, NULL), GEN_OK);
    return b;
}

static void depth(void **state)
{
    (void)state;
    struct gen_buf b = repeated("[", 100000);
    fails(gen_buf_str(&b), "64 levels");
    gen_buf_release(&b);
    b = repeated("{\"a\":", 100000);
    fails(gen_buf_str(&b), "64 levels");
    gen_buf_release(&b);
    b = repeated("[", 65);
    assert_int_equal(gen_buf_add_c(&b, "1", NULL), GEN_OK);
    for (int i = 0; i < 65; i++)
        assert_int_equal(gen_buf_add_c(&b, "]", NULL), GEN_OK);
    fails(gen_buf_str(&b), "64 levels");
    gen_buf_release(&b);
}

/* Units that bait the search for a beginning, the look ahead behind quotes and the marks. */
static void linear(void **state)
{
    (void)state;
    static const char *const units[] = {
        "{",        "[",       "{\"",       "[\"x [\\\"", "' ",      "{'a', ",
        "</think>", "<think>", "{\"a\":\"", "{a:'b',c",   "/*",      "\\",
        "```{",     "[1] ",    "{}",        "{\"a\" ",    "{'a':' ", "\xE2\x80\x9C{"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct gen_buf b = repeated(units[i], (size_t)2 << 20);
        struct gen_json_doc *doc = NULL;
        unsigned steps = 0;
        clock_t start = clock();
        int rc = gen_json_repair(&doc, gen_buf_str(&b), &steps, NULL);
        double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        assert_true(rc == GEN_OK || rc == GEN_EPARSE);
        if (s > 5)
            fail_msg("2 MiB of '%s' took %.1f s of CPU", units[i], s);
        gen_json_doc_free(doc);
        gen_buf_release(&b);
    }
}

static void names(void **state)
{
    (void)state;
    struct gen_buf b = gen_buf_make(1000);
    assert_int_equal(gen_repair_names(&b, 0, NULL), GEN_OK);
    assert_int_equal(b.n, 0);
    assert_int_equal(gen_repair_names(&b, GEN_REPAIR_FENCE | GEN_REPAIR_COMMA, NULL), GEN_OK);
    assert_string_equal(b.data, "fence,comma");
    gen_buf_release(&b);
}

struct maker {
    struct gen_prng random;
    struct gen_buf clean;   /* strict JSON */
    struct gen_buf damaged; /* the same with what models do to it */
    unsigned damage;        /* bits of enum damage: which kinds this text gets */
};

enum damage {
    DAMAGE_COMMA = 1,
    DAMAGE_COMMENT = 2,
    DAMAGE_LITERAL = 4,
    DAMAGE_BARE_KEY = 8,
    DAMAGE_CONTROL = 16,
    DAMAGE_FENCE = 32,
    DAMAGE_PROSE = 64,
    DAMAGE_THINK = 128,
    DAMAGE_AGAIN = 256,
    DAMAGE_BLANKS = 512,
    N_DAMAGE = 1024,
};

static bool one_in(struct maker *m, uint64_t n)
{
    return gen_prng_below(&m->random, n) == 0;
}

static void put2(struct maker *m, const char *clean, const char *damaged)
{
    assert_int_equal(gen_buf_add_c(&m->clean, clean, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&m->damaged, damaged, NULL), GEN_OK);
}

static void put_blank(struct maker *m)
{
    if ((m->damage & DAMAGE_COMMENT) && one_in(m, 8))
        put2(m, "", one_in(m, 2) ? " // } ] , \" no\n" : "/* \", } */");
    if ((m->damage & DAMAGE_BLANKS) && one_in(m, 4))
        put2(m, " \n", one_in(m, 3) ? "\xC2\xA0" : "\n\t ");
}

/* Text that baits: everything that means something outside of strings. */
static void put_string(struct maker *m)
{
    static const char *const parts[] = {
        "a",
        "\\\"",
        ", ",
        ": ",
        "}",
        "]",
        "{",
        "// ",
        "/* x */",
        "#",
        "'",
        "```",
        "\\n",
        "\\\\",
        "\\u0041",
        "True",
        "None",
        ",}",
        "</think>",
        "<think>",
        " ",
        "\xE2\x80\x9C",
        "\xE2\x80\x9D",
        "\xC3\xA9",
        "\\ud83d\\ude00",
        "\xE2\x80\x99",
        "\\/",
        "null",
        "\\t",
        "[1",
    };
    put2(m, "\"", "\"");
    for (uint64_t n = gen_prng_below(&m->random, 8); n; n--) {
        const char *part = parts[gen_prng_below(&m->random, sizeof(parts) / sizeof(parts[0]))];
        bool raw = (m->damage & DAMAGE_CONTROL) && (!strcmp(part, "\\n") || !strcmp(part, "\\t"));
        put2(m, part, !raw ? part : part[1] == 'n' ? "\n" : "\t");
    }
    put2(m, "\"", "\"");
}

static void put_value(struct maker *m, unsigned depth);

static void put_member(struct maker *m, bool in_object, uint64_t i, unsigned depth)
{
    if (in_object) {
        char key[32];
        char bare[32];
        (void)snprintf(key, sizeof(key), "\"k_%u\"", (unsigned)i);
        (void)snprintf(bare, sizeof(bare), "k_%u", (unsigned)i);
        put2(m, key, (m->damage & DAMAGE_BARE_KEY) && one_in(m, 2) ? bare : key);
        put_blank(m);
        put2(m, ":", ":");
        put_blank(m);
    }
    put_value(m, depth + 1);
    put_blank(m);
}

static void put_container(struct maker *m, bool is_object, unsigned depth)
{
    uint64_t n = gen_prng_below(&m->random, 5) + (depth == 0);
    put2(m, is_object ? "{" : "[", is_object ? "{" : "[");
    put_blank(m);
    for (uint64_t i = 0; i < n; i++) {
        put_member(m, is_object, i, depth);
        if (i + 1 < n)
            put2(m, ",", ",");
        else if ((m->damage & DAMAGE_COMMA) && one_in(m, 2))
            put2(m, "", ",");
        put_blank(m);
    }
    put2(m, is_object ? "}" : "]", is_object ? "}" : "]");
}

static void put_value(struct maker *m, unsigned depth)
{
    static const char *const plain[] = {"true", "false",
                                        "null", "0",
                                        "-12",  "3.25",
                                        "1e-7", "18446744073709551615",
                                        "-0.0", "123456789012345678901234567890"};
    static const char *const python[] = {"True", "False", "None"};
    uint64_t kind = gen_prng_below(&m->random, depth < 5 ? 6 : 3);
    if (kind >= 4) {
        put_container(m, kind == 4, depth);
    } else if (kind >= 1) {
        put_string(m);
    } else {
        uint64_t i = gen_prng_below(&m->random, sizeof(plain) / sizeof(plain[0]));
        put2(m, plain[i], (m->damage & DAMAGE_LITERAL) && i < 3 ? python[i] : plain[i]);
    }
}

static void make_text(struct maker *m, uint64_t seed)
{
    m->random = gen_prng_make(seed);
    m->damage = (unsigned)(gen_prng_next(&m->random) & gen_prng_next(&m->random)) % N_DAMAGE;
    if (m->damage & DAMAGE_THINK)
        put2(m, "", "<think>\nI could say {\"k_0\": 1}, or [2].\n</think>\n");
    if (m->damage & DAMAGE_PROSE)
        put2(m, "", "Here is the JSON you asked for:\n\n");
    if (m->damage & DAMAGE_FENCE)
        put2(m, "", "```json\n");
    size_t from = m->damaged.n;
    put_container(m, true, 0);
    size_t n = m->damaged.n - from;
    if (m->damage & DAMAGE_FENCE)
        put2(m, "", "\n```\n");
    if (m->damage & DAMAGE_AGAIN) { /* the answer twice */
        assert_int_equal(gen_buf_add_c(&m->damaged, "\n", NULL), GEN_OK);
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, m->damaged.data + from, n);
        assert_int_equal(gen_buf_add(&m->damaged, copy, n, NULL), GEN_OK);
        free(copy);
    }
    if (m->damage & DAMAGE_PROSE)
        put2(m, "", "\nI hope that helps.\n");
}

static void same_after_repair(struct gen_str clean, struct gen_str damaged, bool any_damage,
                              uint64_t seed)
{
    struct gen_json_doc *want = NULL;
    struct gen_json_doc *got = NULL;
    unsigned steps = 0;
    struct gen_error err = {0};
    assert_int_equal(gen_json_parse(&want, clean, NULL), GEN_OK);
    if (gen_json_repair(&got, damaged, &steps, &err))
        fail_msg("seed %llu: %s\n%.*s", (unsigned long long)seed, err.msg, GEN_STR_ARG(damaged));
    char *want_text = text_of(gen_json_root(want));
    char *got_text = text_of(gen_json_root(got));
    if (strcmp(want_text, got_text) != 0 || (!any_damage && steps))
        fail_msg("seed %llu, steps %u:\n%.*s\n%s\n%s", (unsigned long long)seed, steps,
                 GEN_STR_ARG(damaged), want_text, got_text);
    assert_true(stays(gen_str_from(got_text)));
    free(want_text);
    free(got_text);
    gen_json_doc_free(want);
    gen_json_doc_free(got);
}

/* Valid JSON is not touched; damage outside of strings (and raw line ends in them) alters no value;
 * what comes out stays. GEN_REPAIR_SEEDS says how many texts (3,000). */
static void values_survive_damage(void **state)
{
    (void)state;
    const char *text = getenv("GEN_REPAIR_SEEDS");
    int64_t n = 3000;
    if (text)
        assert_int_equal(gen_num_i64(gen_str_from(text), 1, 1000000000, "seeds", &n, NULL), GEN_OK);
    for (int64_t seed = 0; seed < n; seed++) {
        struct maker m = {.clean = gen_buf_make(GEN_BUF_UNLIMITED),
                          .damaged = gen_buf_make(GEN_BUF_UNLIMITED)};
        make_text(&m, (uint64_t)seed);
        same_after_repair(gen_buf_str(&m.clean), gen_buf_str(&m.clean), false, (uint64_t)seed);
        same_after_repair(gen_buf_str(&m.clean), gen_buf_str(&m.damaged), true, (uint64_t)seed);
        gen_buf_release(&m.clean);
        gen_buf_release(&m.damaged);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(bytes),
        cmocka_unit_test(depth),
        cmocka_unit_test(linear),
        cmocka_unit_test(names),
        cmocka_unit_test(values_survive_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
