/* Cases of test/data/consumer/<consumer>/cases.jsonl, one a line:
 *   what      what it is about
 *   row, rows, raw   the rows: an object, a list of them, or texts as they stand in a file (in
 * which the character U+00FF stands for the byte FF) pad       the first row counts as 10 MB, so
 * that what is behind it is "late" path, bytes, file_bytes   name, first bytes and size of the
 * file, for what shows at the end end       the end of the file is checked as well (implied by the
 * ones before) findings  "error rule" or "warning rule" in the order of their being said; [] for a
 * good case why       a text that one of the findings must contain */
#include "base/utf8.h"
#include "dataset/consumer.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAD_BYTES ((size_t)11 << 20)

struct run {
    struct gen_buf findings; /* "error rule\n"... */
    struct gen_buf whys;
    size_t *n_failed;
};

static int gather(void *ud, const struct gen_finding *finding, struct gen_error *err)
{
    struct run *run = ud;
    assert_true(strlen(finding->rule) <= 47);
    assert_true(finding->why[0] != '\0');
    assert_true(gen_utf8_valid(gen_str_from(finding->why)));
    int rc =
        gen_buf_printf(&run->findings, err, "%s %s\n",
                       finding->level == GEN_FINDING_ERROR ? "error" : "warning", finding->rule);
    return rc ? rc : gen_buf_printf(&run->whys, err, "%s\n", finding->why);
}

/* U+00FF becomes the byte FF, which is no UTF-8. */
static void raw_bytes(struct gen_str text, struct gen_buf *out)
{
    gen_buf_clear(out);
    for (size_t i = 0; i < text.n; i++) {
        bool is_mark = i + 1 < text.n && memcmp(text.p + i, "\xC3\xBF", 2) == 0;
        assert_int_equal(gen_buf_add_char(out, is_mark ? (char)0xFF : text.p[i], NULL), GEN_OK);
        i += is_mark;
    }
}

static void give_text(struct gen_file_check *f, uint64_t number, struct gen_str text, size_t n)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {0};
    const struct gen_json *row = NULL;
    if (gen_json_parse(&doc, text, &err) == GEN_OK)
        row = gen_json_root(doc);
    bool is_object = gen_json_type(row) == GEN_JSON_OBJECT;
    uint64_t n_errors = 0;
    assert_int_equal(
        gen_file_check_row(f, number, (struct gen_str){text.p, n}, is_object ? row : NULL,
                           is_object ? NULL : (row ? "it is no object" : err.msg), &n_errors, NULL),
        GEN_OK);
    gen_json_doc_free(doc);
}

static void give_rows(struct gen_file_check *f, const struct gen_json *test)
{
    const struct gen_json *rows = gen_json_get(test, "rows");
    const struct gen_json *row = gen_json_get(test, "row");
    const struct gen_json *raw = gen_json_get(test, "raw");
    bool pad = gen_json_get(test, "pad") != NULL;
    struct gen_buf text = gen_buf_make((size_t)64 << 20);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    uint64_t number = 0;
    if (row) {
        assert_int_equal(gen_json_write(&text, row, GEN_JSON_COMPACT, NULL), GEN_OK);
        give_text(f, ++number, gen_buf_str(&text), text.n);
    }
    gen_json_iter_init(&it, rows ? rows : raw);
    while ((rows || raw) && gen_json_iter_next(&it, &key, &value)) {
        struct gen_str s;
        gen_buf_clear(&text);
        if (rows)
            assert_int_equal(gen_json_write(&text, value, GEN_JSON_COMPACT, NULL), GEN_OK);
        else if (gen_json_as_str(value, &s))
            raw_bytes(s, &text);
        size_t n = text.n;
        while (pad && number == 0 && text.n < PAD_BYTES)
            assert_int_equal(gen_buf_add_c(&text, "                                ", NULL),
                             GEN_OK);
        give_text(f, ++number, gen_str_sub(gen_buf_str(&text), 0, n), text.n);
    }
    gen_buf_release(&text);
}

static void give_end(struct gen_file_check *f, const struct gen_json *test,
                     struct gen_file_facts *facts)
{
    struct gen_str path;
    int64_t bytes = 0;
    bool has_path = gen_json_as_str(gen_json_get(test, "path"), &path);
    char *copy = has_path ? gen_str_dup(path) : NULL;
    if (gen_json_as_int(gen_json_get(test, "file_bytes"), &bytes))
        facts->bytes = (uint64_t)bytes;
    uint64_t n_errors = 0;
    assert_int_equal(gen_file_check_end(f, copy, &n_errors, NULL), GEN_OK);
    free(copy);
}

static void compare(const struct gen_json *test, const struct run *run, const char *place)
{
    struct gen_buf wanted = gen_buf_make(1 << 16);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    struct gen_str s;
    assert_int_equal(gen_json_type(gen_json_get(test, "findings")), GEN_JSON_ARRAY);
    gen_json_iter_init(&it, gen_json_get(test, "findings"));
    while (gen_json_iter_next(&it, &key, &value)) {
        assert_true(gen_json_as_str(value, &s));
        assert_int_equal(gen_buf_printf(&wanted, NULL, "%.*s\n", GEN_STR_ARG(s)), GEN_OK);
    }
    struct gen_str why = gen_json_get_str(test, "why");
    if (!gen_str_eq(gen_buf_str(&wanted), gen_buf_str(&run->findings)) ||
        (why.n && gen_str_find(gen_buf_str(&run->whys), why, 0) == SIZE_MAX)) {
        ++*run->n_failed;
        print_message("%s: wanted\n%s(%.*s)\nfound\n%s%s", place, wanted.n ? wanted.data : "",
                      GEN_STR_ARG(why), run->findings.n ? run->findings.data : "",
                      run->whys.n ? run->whys.data : "");
    }
    gen_buf_release(&wanted);
}

static void run_case(const struct gen_consumer *c, const struct gen_json *test, const char *place,
                     struct gen_buf *seen, bool *is_good, size_t *n_failed)
{
    struct run run = {gen_buf_make(1 << 16), gen_buf_make(1 << 20), n_failed};
    struct gen_file_check *f = NULL;
    struct gen_file_facts facts = {0};
    struct gen_str bytes = gen_json_get_str(test, "bytes");
    bool has_end = gen_json_get(test, "end") || gen_json_get(test, "path") || bytes.n ||
                   gen_json_get(test, "file_bytes");
    gen_file_facts_add(&facts, bytes);
    assert_int_equal(gen_file_check_new(&f, c, gather, &run, NULL), GEN_OK);
    gen_file_check_facts(f, &facts);
    give_rows(f, test);
    if (has_end)
        give_end(f, test, &facts);
    compare(test, &run, place);
    struct gen_file_verdict v;
    gen_file_check_verdict(f, &v);
    *is_good = v.n_errors == 0;
    assert_true((v.first_reason != NULL) == (v.n_errors != 0));
    assert_true(v.n_good <= v.n_rows);
    assert_int_equal(gen_buf_add_str(seen, gen_buf_str(&run.findings), NULL), GEN_OK);
    gen_file_check_free(f);
    gen_buf_release(&run.findings);
    gen_buf_release(&run.whys);
}

static void run_consumer(const struct gen_consumer *c, struct gen_buf *seen, size_t *n_failed)
{
    struct gen_error err = {0};
    struct gen_buf path = gen_buf_make(4096);
    struct gen_buf text = gen_buf_make(1 << 22);
    size_t n_good = 0;
    size_t n_bad = 0;
    assert_int_equal(gen_buf_printf(&path, NULL, "%s/consumer/%s/cases.jsonl", TEST_DATA_DIR,
                                    gen_consumer_name(c)),
                     GEN_OK);
    if (gen_file_read_all(&text, path.data, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    struct gen_str rest = gen_buf_str(&text);
    struct gen_str line;
    for (size_t i = 1; gen_str_next_line(&rest, &line); i++) {
        char place[256];
        bool is_good = false;
        struct gen_json_doc *doc = NULL;
        if (gen_json_parse(&doc, line, &err) != GEN_OK)
            fail_msg("%s:%zu: %s", path.data, i, err.msg);
        struct gen_str what = gen_json_get_str(gen_json_root(doc), "what");
        (void)snprintf(place, sizeof(place), "%s:%zu (%.*s)", gen_consumer_name(c), i,
                       GEN_STR_ARG(what));
        run_case(c, gen_json_root(doc), place, seen, &is_good, n_failed);
        n_good += is_good;
        n_bad += !is_good;
        gen_json_doc_free(doc);
    }
    assert_true(n_good > 0 && n_bad > 0);
    gen_buf_release(&text);
    gen_buf_release(&path);
}

/* No rule without a case. */
static void cases(void **state)
{
    (void)state;
    struct gen_buf seen = gen_buf_make(1 << 22);
    size_t n_failed = 0;
    for (size_t i = 0; gen_consumers[i]; i++)
        run_consumer(gen_consumers[i], &seen, &n_failed);
    for (const char *const *name = gen_check_rule_names(); *name; name++) {
        char line[64];
        (void)snprintf(line, sizeof(line), " %s\n", *name);
        if (gen_str_find(gen_buf_str(&seen), gen_str_from(line), 0) == SIZE_MAX) {
            print_message("no case finds the rule %s\n", *name);
            n_failed++;
        }
    }
    assert_int_equal(n_failed, 0);
    gen_buf_release(&seen);
}

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; gen_consumers[i]; i++)
        assert_ptr_equal(gen_consumer_find(gen_consumer_name(gen_consumers[i])), gen_consumers[i]);
    assert_null(gen_consumer_find("keras"));
    assert_null(gen_consumer_find(""));
}

/* However the bytes are cut into pieces. */
static void facts(void **state)
{
    (void)state;
    static const char text[] = "\xEF\xBB\xBF \r\n[{\"a\":1}\r\n,{\"a\":2}]\r\n\r";
    for (size_t cut = 1; cut < sizeof(text); cut++) {
        struct gen_file_facts f = {0};
        struct gen_str rest = {text, sizeof(text) - 1};
        gen_file_facts_add(&f, gen_str_sub(rest, 0, cut));
        gen_file_facts_add(&f, gen_str_sub(rest, cut, rest.n));
        assert_int_equal(f.bytes, sizeof(text) - 1);
        assert_int_equal(f.n_crlf, 3);
        assert_true(f.is_array && f.is_started);
        assert_true(f.has_mark);
    }
}

static int refuse(void *ud, const struct gen_finding *finding, struct gen_error *err)
{
    int *n = ud;
    ++*n;
    return gen_fail(err, GEN_EIO, "cannot take %s", finding->rule);
}

/* A callback that fails ends the check with its status, and is not called again for the row. */
static void callback_fails(void **state)
{
    (void)state;
    for (size_t i = 0; gen_consumers[i]; i++) {
        struct gen_file_check *f = NULL;
        struct gen_error err = {0};
        int n = 0;
        assert_int_equal(gen_file_check_new(&f, gen_consumers[i], refuse, &n, NULL), GEN_OK);
        assert_int_equal(
            gen_file_check_row(f, 1, GEN_STR("[1]"), NULL, "it is no object", NULL, &err), GEN_EIO);
        assert_int_equal(n, 1);
        assert_string_equal(err.msg, "cannot take not_an_object");
        gen_file_check_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases),
        cmocka_unit_test(names),
        cmocka_unit_test(facts),
        cmocka_unit_test(callback_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
