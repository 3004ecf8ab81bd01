/* Items and their queue, and the account as JSON. */
#include "engine/account.h"
#include "engine/item.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct gen_item *numbered(uint64_t n)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    struct gen_item *item = gen_item_new(NULL, (struct gen_str){text, (size_t)length}, n);
    assert_non_null(item);
    return item;
}

static void an_item_has_its_own_copy(void **state)
{
    struct gen_chunk model = {.id = GEN_STR("c"), .content = GEN_STR("text")};
    struct gen_chunk *chunk = gen_chunk_new(&model);
    char text[] = "record";
    (void)state;
    assert_non_null(chunk);
    struct gen_item *item = gen_item_new(chunk, gen_str_from(text), 7);
    gen_chunk_unref(chunk);
    text[0] = 'X';
    assert_non_null(item);
    assert_true(gen_str_is(item->record, "record"));
    assert_true(gen_str_is(item->chunk->content, "text"));
    assert_true(item->is_new_input && !item->ends_group && item->round == 0);
    gen_item_free(item);
    gen_item_free(NULL);
}

/* First in, first out, also when the ring grows while it is wrapped. */
static void a_queue_keeps_order(void **state)
{
    struct gen_item_queue q = {.n = 0};
    uint64_t in = 0;
    uint64_t out = 0;
    (void)state;
    assert_null(gen_item_queue_pop(&q));
    for (unsigned round = 1; round < 60; round++) {
        for (unsigned i = 0; i < round; i++)
            assert_int_equal(gen_item_queue_push(&q, numbered(in++), NULL), GEN_OK);
        for (size_t i = 0; i < q.n; i++)
            assert_int_equal(gen_item_queue_at(&q, i)->position, out + i);
        assert_null(gen_item_queue_at(&q, q.n));
        for (unsigned i = 0; i < round / 2; i++) {
            struct gen_item *item = gen_item_queue_pop(&q);
            assert_int_equal(item->position, out++);
            gen_item_free(item);
        }
    }
    gen_item_queue_release(&q);
    assert_int_equal(q.n, 0);
}

static void the_account_is_json(void **state)
{
    struct gen_stage_account a = {
        .name = "make", .unit_in = "chunks", .unit_out = "pairs", .n_in = 6, .n_produced = 1};
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(10000);
    (void)state;
    gen_counts_add(&a.filtered, "rule", 2);
    gen_counts_add(&a.failed, "blocked", 2);
    gen_counts_add(&a.failed, "malformed", 1);
    a.cost_microusd = 1500000;
    assert_int_equal(gen_counts_sum(&a.failed), 3);
    for (unsigned unknown = 0; unknown < 2; unknown++) {
        a.n_cost_unknown = unknown;
        gen_buf_clear(&text);
        assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
        assert_int_equal(gen_jb_write(b, gen_account_json(b, &a), GEN_JSON_COMPACT, &text, NULL),
                         0);
        assert_non_null(strstr(text.data, "\"failed\":{\"blocked\":2,\"malformed\":1}"));
        assert_non_null(
            strstr(text.data, unknown ? "\"cost_usd\":\"unknown\"" : "\"cost_usd\":1.5"));
        gen_jb_free(b);
    }
    gen_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_has_its_own_copy),
        cmocka_unit_test(a_queue_keeps_order),
        cmocka_unit_test(the_account_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
