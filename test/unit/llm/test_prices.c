/* The price of a model: found where it is surely the model's, unknown where it is not; and the
 * shipped file is sound. */
#include "llm/prices.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] = "date: 2026-01-02\n"
                             "batch_factor: {cloud: 0.5}\n"
                             "prices:\n"
                             "  cloud:\n"
                             "    gpt-4o: {in: 2.5, cached: 1.25, out: 10}\n"
                             "    gpt-4o-2024-05-13: {in: 5, out: 15, date: 2026-03-04, "
                             "source: a page}\n"
                             "    gpt-4o-mini: {in: 0.15, out: 0.6}\n"
                             "    claude-haiku-4-5: {in: 1, cache_write: 1.25, out: 5, "
                             "up_to: 100000}\n"
                             "    tuned-*: {in: 3, out: 6}\n"
                             "    tuned-large-*: {in: 30, out: 60}\n"
                             "    flash:\n"
                             "      - {in: 1, out: 2, until: 2026-11-30}\n"
                             "      - {in: 2, out: 4, from: 2026-12-01, until: 2026-12-31}\n"
                             "    tuned-old: {in: 7, out: 8, until: 2026-01-01}\n"
                             "    a/b~c: {in: 1, out: 1}\n"
                             "  other:\n"
                             "    gpt-4o: {in: 9, out: 9}\n";

struct find_case {
    const char *provider, *model, *today;
    double in; /* -1: unknown */
};

static const struct find_case find_cases[] = {
    {"cloud", "gpt-4o", "2026-11-22", 2.5},
    {"other", "gpt-4o", "2026-11-22", 9},
    {"cloud", "gpt-4o-2024-08-06", "2026-11-22", 2.5},
    {"cloud", "gpt-4o-2024-05-13", "2026-11-22", 5},
    {"cloud", "gpt-4o-mini-2024-07-18", "2026-11-22", 0.15},
    {"cloud", "gpt-4o-mini", "2026-11-22", 0.15},
    {"cloud", "claude-haiku-4-5-20251001", "2026-11-22", 1},
    {"cloud", "claude-haiku-4-5@20251001", "2026-11-22", 1},
    {"cloud", "a/b~c", "2026-11-22", 1},
    {"cloud", "tuned-x", "2026-11-22", 3},
    {"cloud", "tuned-large-x", "2026-11-22", 30},
    {"cloud", "tuned-large-2026-01-01", "2026-11-22", 30},
    {"cloud", "flash", "2026-11-30", 1},
    {"cloud", "flash", "2026-12-01", 2},
    {"cloud", "flash", "2027-01-01", -1},
    {"cloud", "tuned-old", "2026-11-22", -1},
    {"cloud", "gpt-4o-audio-preview", "2026-11-22", -1},
    {"cloud", "gpt-4o-mini-2024", "2026-11-22", -1},
    {"cloud", "gpt-4o-2024-08-06-ft", "2026-11-22", -1},
    {"cloud", "gpt-4", "2026-11-22", -1},
    {"cloud", "claude-haiku-4-5-12345678", "2026-11-22", -1},
    {"cloud", "claude-haiku-4-5-2025100a", "2026-11-22", -1},
    {"cloud", "", "2026-11-22", -1},
    {"cloud", "-2024-05-13", "2026-11-22", -1},
    {"nobody", "gpt-4o", "2026-11-22", -1},
};

static void finds_what_is_surely_the_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(find_cases) / sizeof(find_cases[0]); i++) {
        const struct find_case *c = &find_cases[i];
        struct gen_price p = {.known = true};
        struct gen_error err = {.msg = ""};
        assert_int_equal(
            gen_prices_find(GEN_STR(sample), "x", c->provider, c->model, c->today, &p, &err),
            GEN_OK);
        if (p.known != (c->in >= 0) || (p.known && p.in_usd_per_mtok != c->in))
            fail_msg("%s %s on %s: known %d, %g", c->provider, c->model, c->today, p.known,
                     p.in_usd_per_mtok);
    }
}

static void reads_every_member(void **state)
{
    (void)state;
    struct gen_price p;
    const char *day = "2026-11-22";
    assert_int_equal(gen_prices_find(GEN_STR(sample), "x", "cloud", "gpt-4o", day, &p, NULL), 0);
    assert_true(p.cached_usd_per_mtok == 1.25 && p.out_usd_per_mtok == 10);
    assert_true(p.cache_write_usd_per_mtok == 2.5 && p.batch_factor == 0.5);
    assert_int_equal(p.tokens_in_max, 0);
    assert_string_equal(p.date, "2026-01-02");
    assert_string_equal(p.source, "");
    assert_int_equal(
        gen_prices_find(GEN_STR(sample), "x", "cloud", "gpt-4o-2024-05-13", day, &p, NULL), 0);
    assert_true(p.cached_usd_per_mtok == 5);
    assert_string_equal(p.date, "2026-03-04");
    assert_string_equal(p.source, "a page");
    assert_int_equal(
        gen_prices_find(GEN_STR(sample), "x", "cloud", "claude-haiku-4-5", day, &p, NULL), 0);
    assert_true(p.cache_write_usd_per_mtok == 1.25);
    assert_int_equal(p.tokens_in_max, 100000);
    assert_int_equal(gen_prices_find(GEN_STR(sample), "x", "other", "gpt-4o", day, &p, NULL), 0);
    assert_true(p.batch_factor == 1);
    p = gen_price_nothing();
    assert_true(p.known && p.in_usd_per_mtok == 0 && p.out_usd_per_mtok == 0);
}

struct fault_case {
    const char *text;
    int rc;
    const char *says;
};

static const struct fault_case fault_cases[] = {
    {"prices: {c: {m: {in: 1}}}", GEN_EUSAGE, "needs in and out"},
    {"prices:\n  c:\n    m: {in: -1, out: 2}", GEN_EUSAGE, "p.yaml:3:"},
    {"prices:\n  c:\n    m: {in: 1, out: two}", GEN_EUSAGE, "p.yaml:3:"},
    {"prices: {c: {m: {in: 1, out: .inf}}}", GEN_EUSAGE, "a number of US dollars"},
    {"prices: {c: {m: {in: 1, out: 2, cached: 3}}}", GEN_EUSAGE, "cannot cost more"},
    {"prices: {c: {m: {in: 1, out: 2, inn: 3}}}", GEN_EUSAGE, "unknown key"},
    {"prices: {c: {m: {in: 1, out: 2, date: yesterday}}}", GEN_EUSAGE, "2026-11-10"},
    {"prices: {c: {m: {in: 1, out: 2, until: 2026-13}}}", GEN_EUSAGE, "2026-11-10"},
    {"prices: {c: {m: {in: 1, out: 2, up_to: 0}}}", GEN_EUSAGE, "up_to"},
    {"prices: {c: {m: {in: 1, out: 2, source: [1]}}}", GEN_EUSAGE, "a text"},
    {"prices: {c: {m: 3}}", GEN_EUSAGE, "a price is written"},
    {"prices: {c: {m: [{in: 1, out: 2}, 4]}}", GEN_EUSAGE, "a price is written"},
    {"prices: {c: 4}", GEN_EUSAGE, "a map of names to prices"},
    {"prices: [1]", GEN_EUSAGE, "a map of providers"},
    {"price: {}", GEN_EUSAGE, "unknown key"},
    {"date: 7\nprices: {}", GEN_EUSAGE, "p.yaml:1:"},
    {"batch_factor: {c: 2}\nprices: {c: {m: {in: 1, out: 2}}}", GEN_EUSAGE, "batch factor"},
    {"batch_factor: 2\nprices: {c: {m: {in: 1, out: 2}}}", GEN_EUSAGE, "batch_factor"},
    {"[1, 2]", GEN_EUSAGE, "p.yaml"},
    {"prices: {c: {m: {in: 1, out: 2}}", GEN_EPARSE, "p.yaml:2"},
    {"prices: {c: {m: {in: 1, in: 1, out: 2}}}", GEN_EPARSE, "p.yaml:1"},
};

static void a_bad_file_is_named_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *c = &fault_cases[i];
        struct gen_error err = {.msg = ""};
        struct gen_price p = {.source = "untouched"};
        int rc =
            gen_prices_find(gen_str_from(c->text), "p.yaml", "no", "no", "2026-01-01", &p, &err);
        if (rc != c->rc || !strstr(err.msg, c->says) || !strstr(err.msg, "p.yaml"))
            fail_msg("%s: %d, %s", c->text, rc, err.msg);
        assert_string_equal(p.source, "untouched");
    }
    assert_int_equal(gen_prices_find(GEN_STR(""), "x", "c", "m", "now", NULL, NULL), GEN_ESTATE);
}

static void an_empty_file_knows_nothing(void **state)
{
    (void)state;
    struct gen_price p = {.known = true};
    assert_int_equal(gen_prices_find(GEN_STR(""), "x", "c", "m", "2026-01-01", &p, NULL), GEN_OK);
    assert_false(p.known);
}

static int check_shipped(void *ud, const struct gen_price_row *row, struct gen_error *err)
{
    size_t *n = ud;
    const struct gen_price *p = &row->price;
    (void)err;
    if (!p->known || !p->date[0] || !p->source[0] || p->cached_usd_per_mtok > p->in_usd_per_mtok ||
        p->in_usd_per_mtok > p->out_usd_per_mtok || p->in_usd_per_mtok <= 0 ||
        p->batch_factor != 0.5 ||
        (row->until.n && row->from.n && memcmp(row->from.p, row->until.p, 10) > 0))
        fail_msg("%.*s %.*s", GEN_STR_ARG(row->provider), GEN_STR_ARG(row->model));
    ++*n;
    return GEN_OK;
}

static void the_shipped_file_is_sound(void **state)
{
    (void)state;
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_error err = {.msg = ""};
    size_t n = 0;
    assert_int_equal(gen_file_read_all(&text, PRICES_PATH, &err), GEN_OK);
    int rc = gen_prices_walk(gen_buf_str(&text), PRICES_PATH, check_shipped, &n, &err);
    if (rc)
        fail_msg("%s", err.msg);
    assert_true(n > 50);
    gen_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_surely_the_models),
        cmocka_unit_test(reads_every_member),
        cmocka_unit_test(a_bad_file_is_named_with_its_line),
        cmocka_unit_test(an_empty_file_knows_nothing),
        cmocka_unit_test(the_shipped_file_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
