#include "json_test.h"

#include "json/stream.h"

struct source {
    struct gen_str text;
    size_t at;
    size_t step; /* bytes per read */
    bool broken;
};

static int read_source(void *ud, void *data, size_t n, size_t *got, struct gen_error *err)
{
    struct source *s = ud;
    if (s->broken && s->at == s->text.n)
        return gen_fail(err, GEN_EIO, "disk on fire");
    struct gen_str part = gen_str_sub(s->text, s->at, n < s->step ? n : s->step);
    memcpy(data, part.p, part.n);
    s->at += part.n;
    *got = part.n;
    return GEN_OK;
}

/* "row@offset=text|..." and the code at the end; `message` gets the error's. */
static int read_all(struct gen_str text, size_t step, bool broken, struct gen_buf *seen,
                    struct gen_error *err)
{
    struct source source = {text, 0, step, broken};
    struct gen_json_stream *s = NULL;
    assert_int_equal(gen_json_stream_new(&s, read_source, &source, "in.json", NULL), GEN_OK);
    int rc;
    for (;;) {
        struct gen_json_record r = {0};
        bool more = true;
        rc = gen_json_stream_next(s, &r, &more, err);
        if (rc || !more)
            break;
        assert_memory_equal(r.text.p, text.p + r.offset, r.text.n);
        assert_int_equal(gen_buf_printf(seen, NULL, "%d@%d=%.*s|", (int)r.row, (int)r.offset,
                                        GEN_STR_ARG(r.text)),
                         GEN_OK);
    }
    struct gen_json_record r = {0};
    bool more = true;
    assert_int_equal(gen_json_stream_next(s, &r, &more, NULL), rc);
    assert_true(rc || !more);
    gen_json_stream_free(s);
    return rc;
}

static void expect(struct gen_str text, const char *expected)
{
    for (size_t step = 1; step < 12; step++) {
        struct gen_buf seen = gen_buf_make(GEN_BUF_UNLIMITED);
        struct gen_error err = {0};
        if (read_all(text, step == 11 ? 1000 : step, false, &seen, &err))
            fail_msg("%.*s: %s", GEN_STR_ARG(text), err.msg);
        assert_string_equal(seen.n ? seen.data : "", expected);
        gen_buf_release(&seen);
    }
}

static void expect_error(struct gen_str text, int code, const char *part, uint64_t offset)
{
    for (size_t step = 1; step < 12; step++) {
        struct gen_buf seen = gen_buf_make(GEN_BUF_UNLIMITED);
        struct gen_error err = {0};
        assert_int_equal(read_all(text, step == 11 ? 1000 : step, false, &seen, &err), code);
        if (!strstr(err.msg, part) || err.offset != offset)
            fail_msg("%.*s: offset %d, %s", GEN_STR_ARG(text), (int)err.offset, err.msg);
        gen_buf_release(&seen);
    }
}

static void lines(void **state)
{
    (void)state;
    expect(GEN_STR(""), "");
    expect(GEN_STR(" \n\r\n"), "");
    expect(GEN_STR("{\"a\":1}"), "1@0={\"a\":1}|");
    expect(GEN_STR("{\"a\":1}\n{\"b\":2}\n"), "1@0={\"a\":1}|2@8={\"b\":2}|");
    expect(GEN_STR("\n {\"a\":1} \r\n\n\t\n{\"b\":\"}{\"}"), "1@2={\"a\":1}|2@15={\"b\":\"}{\"}|");
    expect(GEN_STR("\xEF\xBB\xBF{}\n1\n\"x\"\nnull"), "1@3={}|2@6=1|3@8=\"x\"|4@12=null|");
    expect(GEN_STR("{}\n{\"cut\":\n{}\n"), "1@0={}|2@3={\"cut\":|3@11={}|");
    expect(GEN_STR("{\"cut\":"), "1@0={\"cut\":|");
}

static void arrays(void **state)
{
    (void)state;
    expect(GEN_STR("[]"), "");
    expect(GEN_STR(" [ \n ] \n"), "");
    expect(GEN_STR("[{\"a\":[1,{}]},{\"b\":2}]"), "1@1={\"a\":[1,{}]}|2@14={\"b\":2}|");
    expect(GEN_STR("\xEF\xBB\xBF[\n  1,\n  \"x\" , null\n,[[]],-2.5e3]\n"),
           "1@7=1|2@12=\"x\"|3@18=null|4@24=[[]]|5@29=-2.5e3|");
    expect(GEN_STR("[\"a\\\"],[\",\"\\\\\",{\"k]\":\"\\\\\\\"}\"}]"),
           "1@1=\"a\\\"],[\"|2@10=\"\\\\\"|3@15={\"k]\":\"\\\\\\\"}\"}|");
}

static void broken(void **state)
{
    (void)state;
    expect_error(GEN_STR("[1, 2"), GEN_EPARSE, "in.json, row 2, byte 4: the file ends inside", 4);
    expect_error(GEN_STR("[1, 2 "), GEN_EPARSE, "before the array is closed", 6);
    expect_error(GEN_STR("["), GEN_EPARSE, "before the array is closed", 1);
    expect_error(GEN_STR("[{\"a\":1} {\"b\":2}]"), GEN_EPARSE, "',' or ']' is expected", 9);
    expect_error(GEN_STR("[1,]"), GEN_EPARSE, "an element of the array is expected", 3);
    expect_error(GEN_STR("[,1]"), GEN_EPARSE, "an element of the array is expected", 1);
    expect_error(GEN_STR("[1}"), GEN_EPARSE, "',' or ']'", 2);
    expect_error(GEN_STR("[1]\n[2]\n"), GEN_EPARSE, "text behind the end of the array", 4);
    expect_error(GEN_STR("{\n  \"a\": 1\n}\n"), GEN_EINPUT, "one JSON array or JSON Lines", 0);
    expect_error(GEN_STR("\n{\"a\": [\n1]}\n"), GEN_EINPUT, "not one object over several lines", 1);
    expect_error(GEN_STR("\xFF\xFE{\0}\0"), GEN_EINPUT, "UTF-16", 0);
    expect_error(GEN_STR("\x1F\x8B\x08\0"), GEN_EINPUT, "gzip", 0);
}

static void source_fails(void **state)
{
    (void)state;
    struct gen_buf seen = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_error err = {0};
    assert_int_equal(read_all(GEN_STR("{}\n{\"a\""), 3, true, &seen, &err), GEN_EIO);
    assert_string_equal(seen.data, "1@0={}|");
    assert_string_equal(err.msg, "in.json, row 2: disk on fire");
    gen_buf_release(&seen);
}

/* Records around and far over the size of the buffer. */
static void large(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t sizes[] = {1, 262140, 262144, 131072, 3000000, 10, 600000};
    size_t n = sizeof(sizes) / sizeof(sizes[0]);
    for (int array = 0; array < 2; array++) {
        gen_buf_clear(&text);
        for (size_t i = 0; i < n; i++) {
            const char *head = array ? (i ? ",\"" : "[\"") : (i ? "\n\"" : "\"");
            assert_int_equal(gen_buf_add_c(&text, head, NULL), GEN_OK);
            assert_int_equal(gen_buf_reserve(&text, sizes[i], NULL), GEN_OK);
            memset(text.data + text.n, '\\', sizes[i] & ~(size_t)1);
            text.n += sizes[i] & ~(size_t)1;
            assert_int_equal(gen_buf_add_c(&text, "\"", NULL), GEN_OK);
        }
        if (array)
            assert_int_equal(gen_buf_add_c(&text, "]", NULL), GEN_OK);
        struct source source = {gen_buf_str(&text), 0, 100000, false};
        struct gen_json_stream *s = NULL;
        assert_int_equal(gen_json_stream_new(&s, read_source, &source, "x", NULL), GEN_OK);
        for (size_t i = 0; i < n; i++) {
            struct gen_json_record r;
            bool more = false;
            assert_int_equal(gen_json_stream_next(s, &r, &more, NULL), GEN_OK);
            assert_true(more);
            assert_int_equal(r.text.n, (sizes[i] & ~(size_t)1) + 2);
            assert_memory_equal(r.text.p, text.data + r.offset, r.text.n);
        }
        gen_json_stream_free(s);
    }
    gen_buf_release(&text);
}

static int read_endless(void *ud, void *data, size_t n, size_t *got, struct gen_error *err)
{
    (void)err;
    bool *begun = ud;
    memset(data, 'x', n);
    if (!*begun)
        memcpy(data, "[\"", 2);
    *begun = true;
    *got = n;
    return GEN_OK;
}

static void limit(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        bool begun = i == 1; /* an endless element of an array, an endless line */
        struct gen_json_stream *s = NULL;
        struct gen_json_record r;
        bool more;
        struct gen_error err = {0};
        assert_int_equal(gen_json_stream_new(&s, read_endless, &begun, "x", NULL), GEN_OK);
        assert_int_equal(gen_json_stream_next(s, &r, &more, &err), GEN_ELIMIT);
        assert_non_null(strstr(err.msg, "x, row 1, byte "));
        gen_json_stream_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),        cmocka_unit_test(arrays), cmocka_unit_test(broken),
        cmocka_unit_test(source_fails), cmocka_unit_test(large),  cmocka_unit_test(limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
