/* How answers and chunks are found: newest ones in memory, older ones in their index
 * (sqlite_tail.c).
 */
#include "ledger_support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURN = 64, N_TURNS = 150, N = TURN * N_TURNS, MERGE = 4096 };

static void put_turn(struct gen_ledger *l, int64_t run_id, uint64_t from)
{
    struct gen_error err;
    must(gen_ledger_begin(l, &err), &err);
    for (uint64_t i = 0; i < TURN; i++)
        put_answer(l, run_id, from + i);
    must(gen_ledger_commit(l, &err), &err);
}

static int64_t count_answers(struct gen_ledger *l)
{
    struct gen_ledger_totals t;
    struct gen_error err;
    must(gen_ledger_totals(l, 0, &t, &err), &err);
    return t.n_answers;
}

/* Across several moves to the index, with a reader that was there from the beginning and one that
 * comes late. */
static void answers_are_found_wherever_they_are(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_ledger *l = open_writer(f->path);
    int64_t run_id = begin_run(l);
    struct gen_ledger *early = open_reader(f->path);

    for (uint64_t from = 0; from < N; from += TURN) {
        assert_false(has_answer(early, from));
        put_turn(l, run_id, from);
        assert_true(has_answer(l, from) && has_answer(l, from + TURN - 1) && has_answer(l, 0));
        assert_true(has_answer(early, from + TURN / 2) && has_answer(early, 0));
        assert_false(has_answer(l, from + TURN));
    }
    struct gen_ledger *late = open_reader(f->path);
    for (uint64_t i = 0; i < N; i += 7)
        assert_true(has_answer(l, i) && has_answer(early, i) && has_answer(late, i));
    gen_ledger_close(late);
    gen_ledger_close(early);
    put_turn(l, run_id, 1); /* all of them are there */
    assert_int_equal(count_answers(l), N);
    gen_ledger_close(l);
    l = open_writer(f->path);
    for (uint64_t i = 0; i < N; i++)
        assert_true(has_answer(l, i));
    put_turn(l, run_id, N - TURN / 2);
    assert_int_equal(count_answers(l), N + TURN / 2);
    gen_ledger_close(l);
}

/* Keys that begin alike, in the index and behind it. */
static void keys_that_begin_alike(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_answer texts[] = {{.text = GEN_STR("0")},
                                 {.text = GEN_STR("1")},
                                 {.text = GEN_STR("2")},
                                 {.text = GEN_STR("3")}};
    bool found = false;

    for (size_t n = 0; n < 4; n++) {
        for (size_t i = 0; i < 4; i++) {
            struct gen_digest key = key_from(1);
            struct gen_answer a;
            key.bytes[20] = (unsigned char)i;
            must(gen_ledger_find(l, &key, &found, &a, &err), &err);
            assert_int_equal(found, i < n);
            if (found)
                assert_true(gen_str_eq(a.text, texts[i].text));
            if (i == n)
                must(gen_ledger_answer_put(l, &key, &texts[i], &err), &err);
        }
        if (n == 1) { /* two of them go into the index */
            gen_ledger_close(l);
            l = open_writer(f->path);
        }
    }
    assert_int_equal(count_answers(l), 4);
    gen_ledger_close(l);
}

/* The child is killed with answers behind the index, and others that it had not committed, among
 * them enough to be moved. */
static void killed_before_and_after_a_move(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct gen_ledger *l = open_writer(f->path);
        for (uint64_t from = 0; from < MERGE + 2 * TURN; from += TURN)
            put_turn(l, 1, from);
        if (gen_ledger_begin(l, &err) != GEN_OK)
            _exit(1);
        for (uint64_t i = 0; i < MERGE + 1; i++)
            put_answer(l, 1, N + i);
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    for (int round = 0; round < 3; round++) {
        struct gen_ledger *l = round == 0 ? open_reader(f->path) : open_writer(f->path);
        assert_int_equal(count_answers(l), MERGE + 2 * TURN);
        for (uint64_t i = 0; i < MERGE + 2 * TURN; i++)
            assert_true(has_answer(l, i));
        for (uint64_t i = 0; i < MERGE; i += 100)
            assert_false(has_answer(l, N + i));
        gen_ledger_close(l);
    }
}

/* Chunk `i`: 50 to a source, with ids that start again in each source. */
struct chunk_names {
    char id[32], source[32], content[64];
};

static struct gen_ledger_chunk chunk_from(uint64_t i, int version, struct chunk_names *names)
{
    (void)snprintf(names->id, sizeof names->id, "%llu", (unsigned long long)i % 50);
    (void)snprintf(names->source, sizeof names->source, "%llu.md", (unsigned long long)i / 50);
    (void)snprintf(names->content, sizeof names->content, "chunk %llu, %d", (unsigned long long)i,
                   version);
    return (struct gen_ledger_chunk){.id = gen_str_from(names->id),
                                     .source = gen_str_from(names->source),
                                     .content = gen_str_from(names->content)};
}

static void put_chunk(struct gen_ledger *l, uint64_t i, int version)
{
    struct chunk_names names;
    struct gen_error err;
    struct gen_ledger_chunk c = chunk_from(i, version, &names);
    must(gen_ledger_chunk_put(l, &c, &err), &err);
}

static bool find_chunk(struct gen_ledger *l, struct gen_str id, struct gen_str source,
                       struct gen_str content)
{
    struct gen_ledger_chunk out;
    struct gen_error err;
    bool found = false;
    must(gen_ledger_chunk_find(l, id, source, &found, &out, &err), &err);
    /* Without a source of its own, any source will do. */
    if (!found || (source.n && !gen_str_eq(out.source, source)))
        return false;
    assert_true(gen_str_eq(out.id, id) && gen_str_eq(out.content, content));
    return true;
}

static bool has_chunk(struct gen_ledger *l, uint64_t i, int version)
{
    struct chunk_names names;
    struct gen_ledger_chunk c = chunk_from(i, version, &names);
    return find_chunk(l, c.id, c.source, c.content);
}

static void put_chunks(struct gen_ledger *l, uint64_t from, uint64_t n, int version)
{
    struct gen_error err;
    must(gen_ledger_begin(l, &err), &err);
    for (uint64_t i = from; i < from + n; i++)
        put_chunk(l, i, version);
    must(gen_ledger_commit(l, &err), &err);
}

static void chunks_are_found_wherever_they_are(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_ledger *early = open_reader(f->path);

    for (uint64_t from = 0; from < N; from += TURN) {
        assert_false(has_chunk(early, from, 1));
        put_chunks(l, from, TURN, 1);
        assert_true(has_chunk(l, from, 1) && has_chunk(l, 0, 1));
        assert_true(has_chunk(early, from + TURN / 2, 1) && has_chunk(early, 0, 1));
        assert_false(has_chunk(l, from + TURN, 1));
    }
    put_chunks(l, N / 2, TURN, 2); /* others than before */
    put_chunks(l, N - TURN, TURN, 2);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < N; i += 7) {
            bool is_new = (i >= N / 2 && i < N / 2 + TURN) || i >= N - TURN;
            assert_true(has_chunk(l, i, is_new ? 2 : 1) && has_chunk(early, i, is_new ? 2 : 1));
        }
        gen_ledger_close(l);
        l = open_writer(f->path);
    }
    gen_ledger_close(early);
    gen_ledger_close(l);
}

/* An id that one source uses is found without the source, in the index and behind it, inside a
 * transaction and outside. */
static void ids_of_one_source(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    struct gen_ledger *l = open_writer(f->path);
    struct gen_ledger *reader = open_reader(f->path);
    struct gen_ledger_chunk one = {
        .id = GEN_STR("one"), .source = GEN_STR("a.md"), .content = GEN_STR("1")};
    struct gen_ledger_chunk two = {
        .id = GEN_STR("two"), .source = GEN_STR("a.md"), .content = GEN_STR("2")};
    const struct gen_str none = GEN_STR("");

    must(gen_ledger_chunk_put(l, &one, &err), &err);
    for (uint64_t from = 0; from < 4 * TURN + MERGE; from += TURN) {
        put_chunks(l, from, TURN, 1);
        assert_true(find_chunk(reader, one.id, none, one.content));
        if (from / TURN % 16 == 0)
            assert_true(find_chunk(l, one.id, none, one.content));
        assert_false(find_chunk(reader, GEN_STR("7"), none, none));
    }
    must(gen_ledger_begin(l, &err), &err);
    must(gen_ledger_chunk_put(l, &two, &err), &err);
    for (uint64_t i = 0; i < 5 * TURN; i++)
        put_chunk(l, N + i, 1);
    assert_true(find_chunk(l, two.id, none, two.content));
    assert_false(find_chunk(reader, two.id, none, two.content));
    must(gen_ledger_commit(l, &err), &err);
    assert_true(find_chunk(reader, two.id, none, two.content));
    two.source = GEN_STR("b.md");
    must(gen_ledger_chunk_put(l, &two, &err), &err);
    assert_false(find_chunk(l, two.id, none, two.content));
    assert_false(find_chunk(reader, two.id, none, two.content));
    gen_ledger_close(reader);
    gen_ledger_close(l);
}

static void chunks_of_a_killed_run(void **state)
{
    struct ledger_fixture *f = *state;
    struct gen_error err;
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct gen_ledger *l = open_writer(f->path);
        put_chunks(l, 0, MERGE + TURN, 1);
        put_chunks(l, MERGE + TURN, TURN, 1);
        if (gen_ledger_begin(l, &err) != GEN_OK)
            _exit(1);
        for (uint64_t i = 0; i < MERGE; i++)
            put_chunk(l, N + i, 1);
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    for (int round = 0; round < 3; round++) {
        struct gen_ledger *l = round == 0 ? open_reader(f->path) : open_writer(f->path);
        for (uint64_t i = 0; i < MERGE + 2 * TURN; i += 3)
            assert_true(has_chunk(l, i, 1));
        for (uint64_t i = 0; i < MERGE; i += 100)
            assert_false(has_chunk(l, N + i, 1));
        gen_ledger_close(l);
    }
}

int main(void)
{
#define LEDGER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, ledger_fixture_set_up, ledger_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(answers_are_found_wherever_they_are),
        LEDGER_TEST(keys_that_begin_alike),
        LEDGER_TEST(killed_before_and_after_a_move),
        LEDGER_TEST(chunks_are_found_wherever_they_are),
        LEDGER_TEST(ids_of_one_source),
        LEDGER_TEST(chunks_of_a_killed_run),
    };
    return cmocka_run_group_tests_name("ledger index", tests, NULL, NULL);
}
