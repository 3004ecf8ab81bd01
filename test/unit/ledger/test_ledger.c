/* What the ledger keeps and gives back, within one process. */
#include "ledger_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_str(got, want)                                                                      \
    do {                                                                                           \
        struct gen_str want_ = (want);                                                             \
        assert_int_equal((got).n, want_.n);                                                        \
        assert_memory_equal((got).p, want_.p, want_.n);                                            \
    } while (0)

static int64_t send_one(struct gen_ledger *l, const struct gen_digest *key, int64_t run_id)
{
    struct gen_error err;
    int64_t id = 0;
    must(gen_ledger_attempt_sent(l, key, run_id, GEN_STR("generate"), 1, &id, &err), &err);
    return id;
}

static void answer_comes_back_whole(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);
    size_t n_long = 3U << 20;
    char *text = malloc(n_long);
    assert_non_null(text);
    memset(text, 'y', n_long);
    text[0] = '\0';
    struct gen_answer in[] = {
        {.text = GEN_STR("{\"a\": \"\xc3\xa4\0b\"}"),
         .reasoning = GEN_STR("because"),
         .finish = GEN_STR("stop"),
         .model = GEN_STR("gpt-4o"),
         .usage = {1, 2, 3, 4, 5, 0},
         .latency_us = 6,
         .answered_unix_us = 7,
         .run_id = run_id},
        {.usage = {-1, -1, -1, -1, -1, 0}, .run_id = run_id},
        {.text = {text, n_long}, .usage = {INT64_MAX, 0, 0, 0, -1, 0}, .run_id = run_id},
    };
    size_t n = sizeof in / sizeof in[0];

    for (size_t i = 0; i < n; i++) {
        struct gen_digest key = key_from(i);
        must(gen_ledger_attempt_answered(l, send_one(l, &key, run_id), &key, &in[i], &err), &err);
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < n; i++) {
            struct gen_digest key = key_from(i);
            struct gen_answer out;
            bool found = false;
            must(gen_ledger_find(l, &key, &found, &out, &err), &err);
            assert_true(found);
            assert_str(out.text, in[i].text);
            assert_str(out.reasoning, in[i].reasoning);
            assert_str(out.finish, in[i].finish);
            assert_str(out.model, in[i].model);
            assert_memory_equal(&out.usage, &in[i].usage, sizeof out.usage);
            assert_int_equal(out.latency_us, in[i].latency_us);
            assert_int_equal(out.answered_unix_us, in[i].answered_unix_us);
            assert_int_equal(out.run_id, run_id);
        }
        gen_ledger_close(l);
        l = open_writer(f->path);
    }
    assert_false(has_answer(l, 99));
    gen_ledger_close(l);
    free(text);
}

static void first_answer_wins(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);
    struct gen_digest key = key_from(1);
    struct gen_answer later = {.text = GEN_STR("another"), .run_id = run_id};
    struct gen_ledger_totals t;

    put_answer(l, run_id, 1);
    must(gen_ledger_attempt_answered(l, send_one(l, &key, run_id), &key, &later, &err), &err);
    assert_true(has_answer(l, 1));
    must(gen_ledger_totals(l, 0, &t, &err), &err);
    assert_int_equal(t.n_answers, 1);
    assert_int_equal(t.n_attempts, 2);
    gen_ledger_close(l);
}

static struct gen_answer renewed(int64_t run_id, const char *text)
{
    return (struct gen_answer){.text = gen_str_from(text),
                               .reasoning = GEN_STR("why"),
                               .usage = {10, 1, 0, 0, 100, 0},
                               .run_id = run_id,
                               .is_renewed = true};
}

static void expect_answer(struct gen_ledger *l, struct gen_run_span span, const char *text,
                          int64_t run_id)
{
    struct gen_error err;
    struct gen_digest key = key_from(1);
    struct gen_answer out;
    bool found = false;
    must(gen_ledger_find_of(l, &key, span, &found, &out, &err), &err);
    assert_int_equal(found, text != NULL);
    if (!text)
        return;
    assert_str(out.text, gen_str_from(text));
    assert_int_equal(out.run_id, run_id);
}

/* A run that wants its own answers keeps them beside the older ones, and the first of its own
 * counts; both where the index knows the answer and where the tail does. */
static void a_fresh_answer_stands_beside_older_ones(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_digest key = key_from(1);
    struct gen_answer first = {.text = GEN_STR("first"), .usage = {10, 1, 0, 0, 100, 0}};
    struct gen_ledger_totals t;
    int64_t run[3] = {begin_run(l)};

    first.run_id = run[0];
    must(gen_ledger_attempt_answered(l, send_one(l, &key, run[0]), &key, &first, &err), &err);
    for (int i = 1; i < 3; i++) {
        run[i] = begin_run(l);
        struct gen_answer fresh = renewed(run[i], i == 1 ? "second" : "third");
        struct gen_answer again = renewed(run[i], "again");
        must(gen_ledger_attempt_answered(l, send_one(l, &key, run[i]), &key, &fresh, &err), &err);
        must(gen_ledger_attempt_answered(l, send_one(l, &key, run[i]), &key, &again, &err), &err);
        expect_answer(l, (struct gen_run_span){0, 0}, i == 1 ? "second" : "third", run[i]);
        must(gen_ledger_totals(l, 0, &t, &err), &err);
        assert_int_equal(t.n_answers, i + 1);
        assert_int_equal(t.usage.cost_microusd, 100 + 200 * i);
        /* Closing moves the tail into the index. */
        gen_ledger_close(l);
        l = open_writer(f->path);
    }
    expect_answer(l, (struct gen_run_span){0, run[2]}, "second", run[1]);
    expect_answer(l, (struct gen_run_span){0, run[1]}, "first", run[0]);
    expect_answer(l, (struct gen_run_span){0, run[0]}, NULL, 0);
    expect_answer(l, (struct gen_run_span){run[2], 0}, "third", run[2]);
    expect_answer(l, (struct gen_run_span){run[2] + 1, 0}, NULL, 0);
    gen_ledger_close(l);
}

/* The answers of a batch are its run's, whenever they come. */
static void a_late_answer_is_kept_and_does_not_count(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_digest key = key_from(1);
    int64_t early = begin_run(l), late = begin_run(l);
    struct gen_answer live = {.text = GEN_STR("live"), .run_id = late};
    struct gen_answer batch = renewed(early, "batch");

    must(gen_ledger_answer_put(l, &key, &live, &err), &err);
    for (int i = 0; i < 2; i++)
        must(gen_ledger_answer_put(l, &key, &batch, &err), &err);
    expect_answer(l, (struct gen_run_span){0, 0}, "live", late);
    expect_answer(l, (struct gen_run_span){0, late}, "batch", early);
    struct gen_ledger_totals t;
    must(gen_ledger_totals(l, 0, &t, &err), &err);
    assert_int_equal(t.n_answers, 2);
    gen_ledger_close(l);
}

/* More runs than are ever looked at: the newest are found, in the tail and in the index. */
static void many_fresh_answers(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_digest key = key_from(1);
    int64_t run = 0;
    for (int i = 0; i < 100; i++) {
        run = begin_run(l);
        struct gen_answer a = renewed(run, i == 99 ? "last" : i == 50 ? "middle" : "some");
        must(gen_ledger_answer_put(l, &key, &a, &err), &err);
        if (i == 70) {
            gen_ledger_close(l);
            l = open_writer(f->path);
        }
    }
    expect_answer(l, (struct gen_run_span){0, 0}, "last", run);
    expect_answer(l, (struct gen_run_span){0, run - 48}, "middle", run - 49);
    gen_ledger_close(l);
    l = open_reader(f->path);
    expect_answer(l, (struct gen_run_span){0, 0}, "last", run);
    expect_answer(l, (struct gen_run_span){0, run - 48}, "middle", run - 49);
    gen_ledger_close(l);
}

/* Keys are found by their first 8 bytes and told apart by all 32. */
static void keys_with_one_prefix_are_two(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);
    struct gen_digest keys[3] = {key_from(1), key_from(1), key_from(1)};
    struct gen_answer a[2] = {{.text = GEN_STR("one")}, {.text = GEN_STR("two")}};
    struct gen_answer out;
    bool found = false;

    keys[1].bytes[31] ^= 1;
    keys[2].bytes[8] ^= 1;
    for (int i = 0; i < 2; i++)
        must(gen_ledger_attempt_answered(l, send_one(l, &keys[i], run_id), &keys[i], &a[i], &err),
             &err);
    for (int i = 0; i < 2; i++) {
        must(gen_ledger_find(l, &keys[i], &found, &out, &err), &err);
        assert_true(found);
        assert_str(out.text, a[i].text);
    }
    must(gen_ledger_find(l, &keys[2], &found, &out, &err), &err);
    assert_false(found);
    gen_ledger_close(l);
}

static void pending_is_seen_and_dropped_without_commit(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);

    must(gen_ledger_commit(l, &err), &err); /* without begin: nothing */
    must(gen_ledger_begin(l, &err), &err);
    put_answer(l, run_id, 1);
    must(gen_ledger_begin(l, &err), &err); /* again: the same transaction */
    put_answer(l, run_id, 2);
    assert_true(has_answer(l, 1) && has_answer(l, 2));
    must(gen_ledger_commit(l, &err), &err);
    must(gen_ledger_begin(l, &err), &err);
    put_answer(l, run_id, 3);
    assert_true(has_answer(l, 3));
    gen_ledger_close(l);

    l = open_writer(f->path);
    assert_true(has_answer(l, 1) && has_answer(l, 2));
    assert_false(has_answer(l, 3));
    gen_ledger_close(l);
}

static void attempts_move_forward_only(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);
    struct gen_digest key = key_from(1);
    struct gen_answer a = {.text = GEN_STR("late"), .run_id = run_id};
    struct gen_attempt_end failed = {.state = GEN_ATTEMPT_FAILED, .class_name = GEN_STR("quota")};
    struct gen_attempt_end unknown = {.state = GEN_ATTEMPT_UNKNOWN};
    struct gen_attempt_end odd = {.state = GEN_ATTEMPT_SENT};
    bool found = true;

    int64_t id = send_one(l, &key, run_id);
    assert_int_equal(gen_ledger_attempt_ended(l, id, &odd, &err), GEN_ESTATE);
    must(gen_ledger_attempt_ended(l, id, &failed, &err), &err);
    assert_int_equal(gen_ledger_attempt_ended(l, id, &unknown, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_attempt_answered(l, id, &key, &a, &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_attempt_ended(l, id + 1, &failed, NULL), GEN_ESTATE);
    must(gen_ledger_find(l, &key, &found, &a, &err), &err);
    assert_false(found);

    /* An abandoned call whose answer came after all is paid and must be kept. */
    id = send_one(l, &key, run_id);
    must(gen_ledger_attempt_ended(l, id, &unknown, &err), &err);
    must(gen_ledger_attempt_answered(l, id, &key, &a, &err), &err);
    must(gen_ledger_find(l, &key, &found, &a, &err), &err);
    assert_true(found);
    gen_ledger_close(l);
}

static void totals_add_up(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_ledger_totals t;
    struct gen_digest key = key_from(50);
    struct gen_attempt_end failed = {
        .state = GEN_ATTEMPT_FAILED, .usage = {5, 0, -1, -1, 3, 0}, .message = {NULL, 0}};
    struct gen_attempt_end unpriced = {.state = GEN_ATTEMPT_FAILED,
                                       .usage = {-1, -1, -1, -1, -1, 0}};

    must(gen_ledger_totals(l, 0, &t, &err), &err);
    assert_int_equal(t.n_attempts, 0);
    assert_int_equal(t.usage.cost_microusd, 0);
    int64_t first = begin_run(l);
    for (uint64_t i = 0; i < 10; i++)
        put_answer(l, first, i);
    must(gen_ledger_attempt_ended(l, send_one(l, &key, first), &failed, &err), &err);
    int64_t second = begin_run(l);
    must(gen_ledger_attempt_ended(l, send_one(l, &key, second), &unpriced, &err), &err);

    must(gen_ledger_totals(l, first, &t, &err), &err);
    assert_int_equal(t.n_answers, 10);
    assert_int_equal(t.n_attempts, 11);
    assert_int_equal(t.usage.tokens_in, 1005);
    assert_int_equal(t.usage.tokens_out, 100);
    assert_int_equal(t.usage.cost_microusd, 73);
    must(gen_ledger_totals(l, second, &t, &err), &err);
    assert_int_equal(t.n_answers, 0);
    assert_int_equal(t.n_attempts, 1);
    assert_int_equal(t.usage.cost_microusd, -1); /* nothing was known */
    must(gen_ledger_totals(l, 0, &t, &err), &err);
    assert_int_equal(t.n_answers, 10);
    assert_int_equal(t.n_attempts, 12);
    assert_int_equal(t.usage.cost_microusd, 73);
    gen_ledger_close(l);
}

static void run_ends_once(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);

    must(gen_ledger_run_end(l, run_id, 3, GEN_STR("{\"failed\": 1}"), &err), &err);
    assert_int_equal(gen_ledger_run_end(l, run_id, 0, GEN_STR("{}"), &err), GEN_ESTATE);
    assert_int_equal(gen_ledger_run_end(l, run_id + 1, 0, GEN_STR("{}"), &err), GEN_ESTATE);
    gen_ledger_close(l);
    l = open_writer(f->path);
    assert_true(begin_run(l) > run_id);
    gen_ledger_close(l);
}

/* 499 bytes and then a character of two bytes: the limit of 500 would split it. The interface gives
 * no messages back, so the file is searched. */
static void message_is_cut_between_characters(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);
    struct gen_digest key = key_from(1);
    char text[600], file[65536 * 4];
    struct gen_attempt_end end = {.state = GEN_ATTEMPT_FAILED, .message = {text, sizeof text}};

    memset(text, '#', sizeof text);
    text[499] = (char)0xc3;
    text[500] = (char)0xa4;
    must(gen_ledger_attempt_ended(l, send_one(l, &key, run_id), &end, &err), &err);
    gen_ledger_close(l);
    FILE *stream = fopen(f->path, "rb");
    assert_non_null(stream);
    struct gen_str whole = {file, fread(file, 1, sizeof file, stream)};
    assert_int_equal(fclose(stream), 0);
    size_t at = gen_str_find(whole, (struct gen_str){text, 499}, 0);
    assert_int_not_equal(at, SIZE_MAX);
    assert_int_not_equal((unsigned char)file[at + 499], 0xc3);

    /* Malformed from end to end: nothing is left, and nothing breaks. */
    l = open_writer(f->path);
    memset(text, 0x80, sizeof text);
    must(gen_ledger_attempt_ended(l, send_one(l, &key, run_id), &end, &err), &err);
    gen_ledger_close(l);
}

static void notes_keep_the_last_value(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_str value = GEN_STR("untouched");
    bool found = true;

    must(gen_ledger_note_find(l, GEN_STR("rate"), &found, &value, &err), &err);
    assert_false(found);
    assert_str(value, GEN_STR("untouched"));
    must(gen_ledger_note_put(l, GEN_STR("rate"), GEN_STR("10"), &err), &err);
    must(gen_ledger_note_put(l, GEN_STR("rate"), GEN_STR("11"), &err), &err);
    must(gen_ledger_note_put(l, GEN_STR("empty"), (struct gen_str){NULL, 0}, &err), &err);
    gen_ledger_close(l);
    l = open_reader(f->path);
    must(gen_ledger_note_find(l, GEN_STR("rate"), &found, &value, &err), &err);
    assert_true(found);
    assert_str(value, GEN_STR("11"));
    must(gen_ledger_note_find(l, GEN_STR("empty"), &found, &value, &err), &err);
    assert_true(found);
    assert_int_equal(value.n, 0);
    gen_ledger_close(l);
}

static void chunks_are_kept_by_id_and_source(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_ledger_chunk a = {.id = GEN_STR("1"),
                                 .source = GEN_STR("a.md"),
                                 .title = GEN_STR("T"),
                                 .section = GEN_STR("S"),
                                 .language = GEN_STR("en"),
                                 .content = GEN_STR("alpha"),
                                 .kind = 2};
    struct gen_ledger_chunk b = a, out;
    bool found = false;

    must(gen_ledger_chunk_put(l, &a, &err), &err);
    must(gen_ledger_chunk_put(l, &a, &err), &err);
    must(gen_ledger_chunk_find(l, a.id, GEN_STR("elsewhere"), &found, &out, &err), &err);
    assert_true(found); /* the only one with this id */
    assert_str(out.title, a.title);
    assert_str(out.section, a.section);
    assert_str(out.language, a.language);
    assert_str(out.content, a.content);
    assert_str(out.source, a.source);
    assert_int_equal(out.kind, 2);

    b.source = GEN_STR("b.md");
    b.content = GEN_STR("beta");
    must(gen_ledger_chunk_put(l, &b, &err), &err);
    must(gen_ledger_chunk_find(l, a.id, b.source, &found, &out, &err), &err);
    assert_true(found);
    assert_str(out.content, b.content);
    must(gen_ledger_chunk_find(l, a.id, a.source, &found, &out, &err), &err);
    assert_str(out.content, a.content);
    must(gen_ledger_chunk_find(l, a.id, GEN_STR("elsewhere"), &found, &out, &err), &err);
    assert_false(found);
    must(gen_ledger_chunk_find(l, GEN_STR("2"), a.source, &found, &out, &err), &err);
    assert_false(found);

    /* The document was edited: the model must see what it says now. */
    b.content = GEN_STR("gamma");
    must(gen_ledger_chunk_put(l, &b, &err), &err);
    must(gen_ledger_chunk_find(l, b.id, b.source, &found, &out, &err), &err);
    assert_true(found);
    assert_str(out.content, b.content);
    gen_ledger_close(l);
}

static void reader_refuses_to_write(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_run_info info = {0};
    int64_t run_id = begin_run(l), id = -5;

    put_answer(l, run_id, 1);
    gen_ledger_close(l);
    l = open_reader(f->path);
    must(gen_ledger_begin(l, &err), &err);
    assert_true(has_answer(l, 1));
    assert_int_equal(gen_ledger_run_begin(l, &info, &id, &err), GEN_ESTATE);
    assert_int_equal(id, -5);
    assert_int_equal(gen_ledger_note_put(l, GEN_STR("a"), GEN_STR("b"), NULL), GEN_ESTATE);
    must(gen_ledger_commit(l, &err), &err);
    gen_ledger_close(l);
    gen_ledger_close(NULL);
}

int main(void)
{
#define LEDGER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, ledger_fixture_set_up, ledger_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(answer_comes_back_whole),
        LEDGER_TEST(first_answer_wins),
        LEDGER_TEST(a_fresh_answer_stands_beside_older_ones),
        LEDGER_TEST(a_late_answer_is_kept_and_does_not_count),
        LEDGER_TEST(many_fresh_answers),
        LEDGER_TEST(keys_with_one_prefix_are_two),
        LEDGER_TEST(pending_is_seen_and_dropped_without_commit),
        LEDGER_TEST(attempts_move_forward_only),
        LEDGER_TEST(totals_add_up),
        LEDGER_TEST(run_ends_once),
        LEDGER_TEST(message_is_cut_between_characters),
        LEDGER_TEST(notes_keep_the_last_value),
        LEDGER_TEST(chunks_are_kept_by_id_and_source),
        LEDGER_TEST(reader_refuses_to_write),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
