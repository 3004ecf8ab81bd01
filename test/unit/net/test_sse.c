/* Every stream is fed whole, byte by byte, cut in two at every place, and in pieces of every small
 * size: what comes out is the same. */
#include "net/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define LIMIT_BYTES 64U

struct heard {
    struct gen_buf text; /* name, '|', data, ';' of each event */
    int n;
    int fail_at; /* the number of the event that is refused; 0: none */
};

static int on_event(void *ud, const struct gen_sse_event *event, struct gen_error *err)
{
    struct heard *h = ud;
    assert_non_null(event->name.p);
    assert_non_null(event->data.p);
    if (++h->n == h->fail_at)
        return gen_fail(err, GEN_ESTATE, "refused");
    assert_int_equal(gen_buf_add_str(&h->text, event->name, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&h->text, "|", NULL), GEN_OK);
    assert_int_equal(gen_buf_add_str(&h->text, event->data, NULL), GEN_OK);
    assert_int_equal(gen_buf_add_c(&h->text, ";", NULL), GEN_OK);
    return GEN_OK;
}

struct stream {
    const char *what;
    const char *text;
    const char *events;
    size_t n; /* of the text; 0: up to its NUL */
    bool is_cut;
    enum gen_code rc;
    int fail_at;
};

static const struct stream streams[] = {
    {.what = "nothing", .text = "", .events = ""},
    {.what = "one", .text = "data: a\n\n", .events = "|a;"},
    {.what = "carriage returns", .text = "data: a\r\rdata: b\r\r", .events = "|a;|b;"},
    {.what = "both", .text = "data: a\r\n\r\ndata: b\r\n\r\n", .events = "|a;|b;"},
    {.what = "both, inside of an event",
     .text = "event: x\r\ndata: a\r\ndata: b\r\n\r\n",
     .events = "x|a\nb;"},
    {.what = "mixed", .text = "data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", .events = "|a;|b;|c;"},
    {.what = "name", .text = "event: ping\ndata: {}\n\n", .events = "ping|{};"},
    {.what = "name behind its data", .text = "data: {}\nevent: ping\n\n", .events = "ping|{};"},
    {.what = "last name counts", .text = "event: a\nevent: b\ndata:\n\n", .events = "b|;"},
    {.what = "empty name", .text = "event: a\nevent\ndata:x\n\n", .events = "|x;"},
    {.what = "name is forgotten", .text = "event: a\ndata: 1\n\ndata: 2\n\n", .events = "a|1;|2;"},
    {.what = "name without data", .text = "event: a\n\ndata: 2\n\n", .events = "|2;"},
    {.what = "two lines", .text = "data: a\ndata: b\n\n", .events = "|a\nb;"},
    {.what = "empty lines of data", .text = "data\ndata:\ndata: \n\n", .events = "|\n\n;"},
    {.what = "data without a colon", .text = "data\n\n", .events = "|;"},
    {.what = "one blank is taken", .text = "data:  a\n\ndata:b\n\n", .events = "| a;|b;"},
    {.what = "colons in data", .text = "data: a: b:\n\n", .events = "|a: b:;"},
    {.what = "a blank before the colon is another name",
     .text = "data : a\n data: b\ndata: c\n\n",
     .events = "|c;"},
    {.what = "names have a case", .text = "Data: a\ndata: c\n\n", .events = "|c;"},
    {.what = "comments",
     .text = ": keep-alive\n\n:\n\n: PROCESSING\ndata: a\n:x\n\n:",
     .events = "|a;"},
    {.what = "unknown fields",
     .text = "id: 7\nretry: 10\nfoo: bar\nfoo\ndata: a\n\n",
     .events = "|a;"},
    {.what = "blank lines", .text = "\n\r\n\r\rdata: a\n\n\n\n", .events = "|a;"},
    {.what = "byte-order mark",
     .text = "\xEF\xBB\xBF"
             "data: a\n\n",
     .events = "|a;"},
    {.what = "mark and a comment", .text = "\xEF\xBB\xBF: x", .events = ""},
    {.what = "mark alone", .text = "\xEF\xBB\xBF", .events = ""},
    {.what = "mark and an empty line", .text = "\xEF\xBB\xBF\ndata: a\n\n", .events = "|a;"},
    {.what = "half a mark",
     .text = "\xEF\xBB"
             "data: a\n\n",
     .events = ""},
    {.what = "two marks",
     .text = "\xEF\xBB\xBF\xEF\xBB\xBF"
             "data: a\n\n",
     .events = ""},
    {.what = "a mark later on",
     .text = "data: a\n\n\xEF\xBB\xBF"
             "data: b\n\n",
     .events = "|a;"},
    {.what = "text of several bytes",
     .text = "data: \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\n\n",
     .events = "|\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80;"},
    {.what = "bytes that are no text pass", .text = "data: \xFF\xC3\n\n", .events = "|\xFF\xC3;"},
    {.what = "a NUL", .text = "data: a\0b\n\n", .n = 11, .events = "|a"},
    {.what = "the separator of Unicode ends no line",
     .text = "data: a\xE2\x80\xA8"
             "b\n\n",
     .events = "|a\xE2\x80\xA8"
               "b;"},
    {.what = "done",
     .text = "data: {\"a\":1}\n\ndata: [DONE]\n\n",
     .events = "|{\"a\":1};|[DONE];"},
    {.what = "cut in a name", .text = "data: a\n\nda", .events = "|a;", .is_cut = true},
    {.what = "cut in data", .text = "data: a\n\ndata: b", .events = "|a;", .is_cut = true},
    {.what = "cut behind data", .text = "data: a\n\ndata: b\n", .events = "|a;", .is_cut = true},
    {.what = "cut behind a name", .text = "event: a\r", .events = "", .is_cut = true},
    {.what = "cut in a comment", .text = "data: a\n\n: b", .events = "|a;"},
    {.what = "cut in a comment of an event", .text = "data: a\n: b", .events = "", .is_cut = true},
    {.what = "whole behind its last CR", .text = "data: a\r\n\r", .events = "|a;"},
    {.what = "refused",
     .text = "data: a\n\ndata: b\n\ndata: c\n\n",
     .events = "|a;",
     .fail_at = 2,
     .rc = GEN_ESTATE},
    {.what = "a line of the limit",
     .text = "data: 6789012345678901234567890123456789012345678901234567890123\n\n",
     .events = "|6789012345678901234567890123456789012345678901234567890123;"},
    {.what = "a line over the limit",
     .text = "data: x\n\ndata: 67890123456789012345678901234567890123456789012345678901234\n\n",
     .events = "|x;",
     .rc = GEN_ELIMIT},
    {.what = "a line over the limit without end",
     .text = "data: x\n\ndata: 67890123456789012345678901234567890123456789012345678901234",
     .events = "|x;",
     .rc = GEN_ELIMIT},
    {.what = "a comment over the limit",
     .text = "data: x\n\n:123456789012345678901234567890123456789012345678901234567890123456\n",
     .events = "|x;",
     .rc = GEN_ELIMIT},
    {.what = "an event of the limit",
     .text = "data: 012345678901234567890123456789012345678901\n"
             "data: 01234567890123456789\ndata\n\n",
     .events = "|012345678901234567890123456789012345678901\n01234567890123456789\n;"},
    {.what = "an event over the limit",
     .text = "data: x\n\ndata: 0123456789012345678901234567890123456789012\n"
             "data: 01234567890123456789\ndata\n\n",
     .events = "|x;",
     .rc = GEN_ELIMIT},
};

static const struct stream lines[] = {
    {.what = "nothing", .text = "", .events = ""},
    {.what = "one", .text = "{\"a\":1}\n", .events = "|{\"a\":1};"},
    {.what = "two", .text = "{}\n[]\n", .events = "|{};|[];"},
    {.what = "no last end", .text = "{}\n[]", .events = "|{};|[];"},
    {.what = "both", .text = "{}\r\n[]\r\n", .events = "|{};|[];"},
    {.what = "blank lines", .text = "\n\n{}\n \t\r\n\r\n[]\n\n  ", .events = "|{};|[];"},
    {.what = "blanks", .text = "  {} \n\t[]\t", .events = "|{};|[];"},
    {.what = "a CR inside is white space", .text = "{\r\"a\":1}\n", .events = "|{\r\"a\":1};"},
    {.what = "no fields", .text = "data: a\n: b\n", .events = "|data: a;|: b;"},
    {.what = "byte-order mark", .text = "\xEF\xBB\xBF{}\n", .events = "|{};"},
    {.what = "mark without end", .text = "\xEF\xBB\xBF{}", .events = "|{};"},
    {.what = "mark alone", .text = "\xEF\xBB\xBF", .events = ""},
    {.what = "text of several bytes",
     .text = "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"\n",
     .events = "|\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\";"},
    {.what = "refused", .text = "1\n2\n3\n", .events = "|1;", .fail_at = 2, .rc = GEN_ESTATE},
    {.what = "refused at the end", .text = "1\n2", .events = "|1;", .fail_at = 2, .rc = GEN_ESTATE},
    {.what = "the limit",
     .text = "0123456789012345678901234567890123456789012345678901234567890123\n",
     .events = "|0123456789012345678901234567890123456789012345678901234567890123;"},
    {.what = "over the limit",
     .text = "1\n01234567890123456789012345678901234567890123456789012345678901234\n2\n",
     .events = "|1;",
     .rc = GEN_ELIMIT},
    {.what = "over the limit without end",
     .text = "1\n01234567890123456789012345678901234567890123456789012345678901234",
     .events = "|1;",
     .rc = GEN_ELIMIT},
};

/* Feeds pieces of `step` bytes, the first one of `first`. Each is a block of its own, so that
 * reading beyond it is seen. */
static int feed(struct gen_sse *s, struct gen_str text, size_t first, size_t step, struct heard *h,
                struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t at = 0, n = first; rc == GEN_OK && at < text.n; at += n, n = step) {
        struct gen_str piece = gen_str_sub(text, at, n);
        char *copy = malloc(piece.n ? piece.n : 1);
        assert_non_null(copy);
        memcpy(copy, piece.p, piece.n);
        rc = gen_sse_feed(s, (struct gen_str){copy, piece.n}, on_event, h, err);
        free(copy);
    }
    return rc;
}

static void check(const struct stream *c, enum gen_sse_format format, size_t first, size_t step)
{
    struct gen_str text = {c->text, c->n ? c->n : strlen(c->text)};
    struct gen_sse s = gen_sse_make(format, LIMIT_BYTES);
    struct heard h = {.text = gen_buf_make(4096), .fail_at = c->fail_at};
    struct gen_error err = {0};
    bool is_cut = !c->is_cut;
    int rc = feed(&s, text, first, step, &h, &err);
    if (rc == GEN_OK)
        rc = gen_sse_end(&s, on_event, &h, &is_cut, &err);
    const char *events = h.text.n ? h.text.data : "";
    if (rc != (int)c->rc || strcmp(events, c->events) != 0 || (rc == GEN_OK && is_cut != c->is_cut))
        fail_msg("%s, cut at %zu and every %zu: status %d (%s), cut %d, events '%s'", c->what,
                 first, step, rc, err.msg, is_cut, events);
    assert_true((rc == GEN_OK) == (err.msg[0] == '\0'));
    if (rc != GEN_OK)
        assert_int_equal(is_cut, !c->is_cut); /* untouched */
    gen_buf_release(&h.text);
    gen_sse_release(&s);
}

static void check_all(const struct stream *c, enum gen_sse_format format)
{
    size_t n = c->n ? c->n : strlen(c->text);
    check(c, format, n, n);
    for (size_t step = 1; step <= 8; step++)
        check(c, format, step, step);
    for (size_t first = 0; first <= n; first++)
        check(c, format, first, n + 1);
}

static void test_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
        check_all(&streams[i], GEN_SSE_EVENTS);
}

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check_all(&lines[i], GEN_SSE_LINES);
}

/* Data is handed over whole: a NUL does not end it. */
static int on_nul(void *ud, const struct gen_sse_event *event, struct gen_error *err)
{
    (void)err;
    assert_int_equal(event->data.n, 3);
    assert_memory_equal(event->data.p, "a\0b", 3);
    ++*(int *)ud;
    return GEN_OK;
}

static void test_nul(void **state)
{
    (void)state;
    struct gen_sse s = gen_sse_make(GEN_SSE_EVENTS, 100);
    int n = 0;
    assert_int_equal(gen_sse_feed(&s, GEN_STR("data: a\0b\n\n"), on_nul, &n, NULL), GEN_OK);
    assert_int_equal(gen_sse_feed(&s, (struct gen_str){NULL, 0}, on_nul, &n, NULL), GEN_OK);
    assert_int_equal(n, 1);
    gen_sse_release(&s);
}

static void test_without_an_error(void **state)
{
    (void)state;
    struct gen_sse s = gen_sse_make(GEN_SSE_LINES, 3);
    struct heard h = {.text = gen_buf_make(100)};
    assert_int_equal(gen_sse_feed(&s, GEN_STR("1234"), on_event, &h, NULL), GEN_ELIMIT);
    gen_sse_release(&s);
    gen_sse_release(&s); /* twice is as good as once */
    gen_buf_release(&h.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_without_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
