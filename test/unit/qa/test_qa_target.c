/* --target-pairs: shares, debts, further rounds. */
#include "qa_world.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENTENCES = 24 };

/* Letters alone: numbers are literals. */
static const char *word(char out[8], size_t i)
{
    out[0] = 'w';
    for (size_t k = 1; k < 5; k++, i /= 26)
        out[k] = (char)('a' + i % 26);
    out[5] = '\0';
    return out;
}

static void write_sentence(struct gen_buf *out, size_t chunk, size_t i, const char *verb)
{
    char a[8];
    char b[8];
    char c[8];
    assert_int_equal(
        gen_buf_printf(out, NULL, "Glaze %s with additive %s %s slowly near shelf %s of the kiln.",
                       word(a, chunk), word(b, i), verb, word(c, 1000 + chunk * SENTENCES + i)),
        GEN_OK);
}

static void add_chunks(struct world *w, size_t n)
{
    world_clear(w);
    for (size_t i = 0; i < n; i++) {
        char source[32];
        struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
        for (size_t k = 0; k < SENTENCES; k++) {
            write_sentence(&text, i, k, "melts");
            assert_int_equal(gen_buf_add_char(&text, '\n', NULL), GEN_OK);
        }
        (void)snprintf(source, sizeof(source), "%zu", i);
        (void)world_add_chunk(w, GEN_CHUNK_TEXT, source, gen_buf_str(&text));
        gen_buf_release(&text);
    }
}

static size_t number_behind(const char *text, const char *mark)
{
    size_t n = 0;
    const char *at = strstr(text, mark);
    assert_non_null(at);
    for (at += strlen(mark); *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (size_t)(*at - '0');
    return n;
}

/* How the model behaves: how many of the asked pairs it gives, and from which sentence on. */
struct model {
    size_t (*give)(size_t chunk, unsigned round, size_t n_asked);
    size_t sentences_a_round;
    size_t n_asked[WORLD_CHUNKS_MAX]; /* of each chunk in the first round */
};

static void answer(struct step_world *w, const struct gen_llm_request *r, struct gen_buf *out)
{
    struct model *m = w->script_ud;
    char *user = gen_str_dup(r->user);
    size_t chunk = number_behind(user, "Document: ");
    size_t n_asked = number_behind(user, "Write up to ");
    size_t n = m->give ? m->give(chunk, w->round, n_asked) : n_asked;
    if (w->round == 0)
        m->n_asked[chunk] = n_asked;
    assert_int_equal(
        gen_buf_printf(out, NULL, "{\"usable\":\"%s\",\"pairs\":[", n ? "yes" : "garbled"), GEN_OK);
    for (size_t i = 0; i < n; i++) {
        char a[8];
        char b[8];
        char c[8];
        size_t k = (i + w->round * m->sentences_a_round) % SENTENCES;
        int rc = gen_buf_printf(out, NULL, "%s{\"kind\":\"fact\",\"evidence\":\"", i ? "," : "");
        write_sentence(out, chunk, k, "melts");
        rc |= gen_buf_printf(out, NULL,
                             "\",\"question\":\"How does glaze %s behave with additive %s near "
                             "shelf %s?\",\"answer\":\"",
                             word(a, chunk), word(b, k), word(c, 1000 + chunk * SENTENCES + k));
        write_sentence(out, chunk, k, "melts");
        rc |= gen_buf_add_c(out, "\"}", NULL);
        assert_int_equal(rc, GEN_OK);
    }
    assert_int_equal(gen_buf_add_c(out, "]}", NULL), GEN_OK);
    free(user);
}

static struct gen_qa_generate *run(struct world *w, struct model *m, size_t n_chunks,
                                   int64_t target)
{
    struct gen_qa_generate_options o = {.target_pairs = target, .n_chunks = n_chunks};
    add_chunks(w, n_chunks);
    w->run.script = answer;
    w->run.script_ud = m;
    w->generate = world_generate(w, &o);
    struct gen_qa_generate *g = w->generate;
    world_run(w);
    return g;
}

static int64_t outputs_of(const struct world *w, size_t chunk)
{
    struct gen_str rest = gen_buf_str(&w->run.out);
    struct gen_str line;
    char needle[64];
    int64_t n = 0;
    (void)snprintf(needle, sizeof(needle), "\"source\":\"%zu\"", chunk);
    while (gen_str_next_line(&rest, &line))
        n += gen_str_find(line, gen_str_from(needle), 0) != SIZE_MAX;
    return n;
}

static void shares_add_up(void **state)
{
    struct world *w = *state;
    static const size_t chunks[] = {1, 2, 3, 7, 10, 33};
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        size_t n = chunks[i];
        for (size_t target = 1; target <= 4 * n && target < 60; target += 1 + n / 4) {
            struct model m = {0};
            struct gen_qa_generate *g = run(w, &m, n, (int64_t)target);
            if (w->run.n_out != target || w->run.round != 0)
                fail_msg("%zu of %zu from %zu chunks in %u rounds", w->run.n_out, target, n,
                         w->run.round + 1);
            assert_int_equal(w->run.n_calls, target < n ? target : n);
            for (size_t k = 0; k < n; k++)
                assert_int_equal(outputs_of(w, k), (k + 1) * target / n - k * target / n);
            assert_counted(w->run.accounts[0].skipped, "not_needed_for_target",
                           target < n ? (int64_t)(n - target) : 0);
            assert_int_equal(gen_qa_generate_missing(g), 0);
            gen_qa_generate_free(g);
        }
    }
}

static size_t give_none_for_third(size_t chunk, unsigned round, size_t n_asked)
{
    (void)round;
    return chunk == 2 ? 0 : n_asked;
}

static void debt_goes_to_later_chunks(void **state)
{
    struct world *w = *state;
    struct model m = {.give = give_none_for_third};
    struct gen_qa_generate *g = run(w, &m, 10, 20);
    assert_int_equal(w->run.n_out, 20);
    assert_int_equal(w->run.n_calls, 10);
    assert_int_equal(outputs_of(w, 2), 0);
    assert_int_equal(outputs_of(w, 3), 3);
    assert_int_equal(outputs_of(w, 4), 3);
    assert_int_equal(outputs_of(w, 5), 2);
    assert_int_equal(m.n_asked[0], 3);
    assert_counted(w->run.accounts[0].out_filtered, "over_target", 7);
    assert_counted(w->run.accounts[0].filtered, "model_says_garbled", 1);
    gen_qa_generate_free(g);
}

static size_t give_one(size_t chunk, unsigned round, size_t n_asked)
{
    (void)chunk;
    (void)round;
    return n_asked ? 1 : 0;
}

static void further_rounds_reach_the_target(void **state)
{
    struct world *w = *state;
    struct model m = {.give = give_one, .sentences_a_round = 6};
    struct gen_qa_generate *g = run(w, &m, 10, 25);
    assert_int_equal(w->run.n_out, 25);
    assert_int_equal(w->run.round, 2);
    assert_int_equal(w->run.accounts[0].n_in, 10);
    assert_int_equal(w->run.accounts[0].n_produced, 10);
    gen_qa_generate_free(g);
}

static size_t give_none_at_the_end(size_t chunk, unsigned round, size_t n_asked)
{
    (void)round;
    return chunk >= 8 ? 0 : n_asked;
}

/* What the last chunks owe is asked of others. */
static void last_chunks_may_be_junk(void **state)
{
    struct world *w = *state;
    struct model m = {.give = give_none_at_the_end, .sentences_a_round = 6};
    for (int64_t target = 1; target < 25; target++) {
        struct gen_qa_generate *g = run(w, &m, 10, target);
        if (w->run.n_out != (size_t)target)
            fail_msg("%zu of %lld", w->run.n_out, (long long)target);
        gen_qa_generate_free(g);
    }
}

static void duplicates_over_rounds_are_dropped(void **state)
{
    struct world *w = *state;
    struct model m = {.give = give_one, .sentences_a_round = 0};
    struct gen_qa_generate *g = run(w, &m, 5, 15);
    assert_int_equal(w->run.n_out, 5);
    assert_int_equal(w->run.round, 2);
    assert_int_equal(gen_qa_generate_missing(g), 10);
    assert_counted(w->run.accounts[0].out_filtered, "duplicate_question", 10);
    assert_int_equal(w->run.accounts[0].n_in, 5);
    gen_qa_generate_free(g);
}

/* The plan of kinds differs between neighbours and between rounds, so a further round asks
 * something else; and the same run asks the same. */
static void plans_differ(void **state)
{
    struct world *w = *state;
    struct model m = {.give = give_one};
    struct gen_qa_generate *g = run(w, &m, 2, 5);
    assert_true(w->run.n_calls >= 4);
    assert_string_not_equal(strstr(w->run.users[0], "Prefer"), strstr(w->run.users[1], "Prefer"));
    assert_string_not_equal(strstr(w->run.users[0], "Prefer"), strstr(w->run.users[2], "Prefer"));
    char *first = gen_str_dup(gen_str_from(w->run.users[3]));
    gen_qa_generate_free(g);
    g = run(w, &m, 2, 5);
    assert_string_equal(first, w->run.users[3]);
    gen_qa_generate_free(g);
    free(first);
}

/* A corpus that turns out longer than it was counted. */
static void more_chunks_than_counted(void **state)
{
    struct world *w = *state;
    struct model m = {0};
    struct gen_qa_generate_options o = {.target_pairs = 6, .n_chunks = 3};
    add_chunks(w, 6);
    w->run.script = answer;
    w->run.script_ud = &m;
    struct gen_qa_generate *g = world_generate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 6);
    gen_qa_generate_free(g);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(shares_add_up),
        WORLD(debt_goes_to_later_chunks),
        WORLD(further_rounds_reach_the_target),
        WORLD(last_chunks_may_be_junk),
        WORLD(duplicates_over_rounds_are_dropped),
        WORLD(plans_differ),
        WORLD(more_chunks_than_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
