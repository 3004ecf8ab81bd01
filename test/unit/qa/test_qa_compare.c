/* The comparison of sets: what is drawn, how means become a decision, what is checked of a model's
 * words. */
#include "qa/compare.h"
#include "qa_world.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- ids and figures ---- */

static void ids_must_exist(void **state)
{
    static const struct {
        const char *text;
        size_t n_samples;
        bool exist;
    } cases[] = {
        {"answers give reasons (p1, p3)", 3, true},
        {"answers give reasons (p1, p4)", 3, false},
        {"answers give reasons [p4]", 3, false},
        {"answers give reasons (p0)", 3, false},
        {"the p99 latency is named", 3, true}, /* no bracket: a subject */
        {"p2p is explained (p2p, http2)", 1, true},
        {"a (b (p9) c) d", 8, false},
        {"closed ) first (p2", 1, false},
        {"(p12345678901234567890)", 9, true}, /* no id of ours */
        {"", 0, true},
        {"(p1)", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (gen_compare_ids_exist(gen_str_from(cases[i].text), cases[i].n_samples) !=
            cases[i].exist)
            fail_msg("%s", cases[i].text);
    }
}

static void figures_must_be_in_the_table(void **state)
{
    static const char table[] =
        "mean rating | 8.12 | 6.4\nrows | 1200 | 300\nrepeated | 4.1 % | 0.3 %\n";
    static const struct {
        const char *text, *foreign;
    } cases[] = {
        {"A has 8.12 and B 6.4", ""},
        {"A has 8.1, B about 6", ""},
        {"A is ahead by 1.72", ""},
        {"A has 1,200 rows and 900 more than B", ""},
        {"only 4.1 % repeat, 3.8 points more", ""},
        {"the 95 % intervals of both 2 sets", ""},
        {"A has 9.3", "9.3"},
        {"A has 9.3 of 12 and 77.7", "9.3, 12, 77.7"},
        {"A's 8.2 is better", "8.2"},
        {"v2.1 and GPT4 are no figures", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf out = gen_buf_make(4096);
        assert_int_equal(gen_compare_foreign_figures(gen_str_from(cases[i].text),
                                                     gen_str_from(table), &out, NULL),
                         GEN_OK);
        assert_string_equal(out.data ? out.data : "", cases[i].foreign);
        gen_buf_release(&out);
    }
}

static void labels_are_mapped_back(void **state)
{
    static const size_t order[] = {2, 0, 1};
    static const struct {
        const char *answer;
        size_t set;
    } cases[] = {
        {"{\"winner\":\"A\"}", 2},         {"{\"winner\":\"B\"}", 0},
        {"{\"winner\":\" C \"}", 1},       {"{\"winner\":\"tie\"}", 3},
        {"{\"winner\":\"D\"}", SIZE_MAX},  {"{\"winner\":\"\"}", SIZE_MAX},
        {"{\"winner\":7}", SIZE_MAX},      {"{}", SIZE_MAX},
        {"{\"winner\":\"AB\"}", SIZE_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_json_parse(&doc, gen_str_from(cases[i].answer), NULL), GEN_OK);
        assert_int_equal(gen_qa_compare_chosen(gen_json_root(doc), order, 3), cases[i].set);
        gen_json_doc_free(doc);
    }
}

/* ---- means and decision ---- */

#define NEAR(a, b) assert_true((a) - (b) < 1e-9 && (b) - (a) < 1e-9)

static void weigh(const struct gen_compare_rating *r, size_t n, size_t n_sets,
                  struct gen_compare_quality *out, size_t *leader)
{
    assert_int_equal(gen_compare_bootstrap(r, n, n_sets, 7, out, leader, NULL), GEN_OK);
}

/* Two values 0 and 10: a resample's mean is 0 and 10 in a quarter of the cases each. */
static void bootstrap_of_two_values(void **state)
{
    static const struct gen_compare_rating r[] = {
        {0, GEN_COMPARE_UNPAIRED, 0}, {0, GEN_COMPARE_UNPAIRED, 10}, {1, GEN_COMPARE_UNPAIRED, 4}};
    struct gen_compare_quality q[2];
    size_t leader = 9;
    (void)state;
    weigh(r, 3, 2, q, &leader);
    assert_int_equal(leader, 0);
    assert_int_equal(q[0].n, 2);
    NEAR(q[0].mean, 5.0);
    NEAR(q[0].interval.low, 0.0);
    NEAR(q[0].interval.high, 10.0);
    NEAR(q[1].mean, 4.0);
    NEAR(q[1].interval.low, 4.0);
    NEAR(q[1].interval.high, 4.0);
    NEAR(q[1].behind.low, -4.0);
    NEAR(q[1].behind.high, 6.0);
    NEAR(q[0].behind.low, 0.0);
    NEAR(q[0].behind.high, 0.0);
}

/* Ratings that vary much, but are one apart in each pair: the difference is certain. Apart from
 * each other it would not be. */
static void pairs_are_drawn_together(void **state)
{
    struct gen_compare_rating r[40];
    struct gen_compare_quality q[2];
    size_t leader = 9;
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        r[2 * i] = (struct gen_compare_rating){0, i, (double)(i % 10)};
        r[2 * i + 1] = (struct gen_compare_rating){1, i, (double)(i % 10) + 1};
    }
    weigh(r, 40, 2, q, &leader);
    assert_int_equal(leader, 1);
    NEAR(q[0].mean, 4.5);
    NEAR(q[0].behind.low, 1.0);
    NEAR(q[0].behind.high, 1.0);
    assert_true(q[0].interval.high - q[0].interval.low > 1.5);
    for (size_t i = 0; i < 40; i++)
        r[i].pair = GEN_COMPARE_UNPAIRED;
    weigh(r, 40, 2, q, &leader);
    assert_true(q[0].behind.low < 0 && q[0].behind.high > 2);
    /* A pair of which one was not judged is none. */
    for (size_t i = 0; i < 40; i++)
        r[i].pair = i / 2;
    weigh(r, 39, 2, q, &leader);
    assert_int_equal(q[0].n, 20);
    assert_int_equal(q[1].n, 19);
}

static void nothing_judged_has_no_leader(void **state)
{
    struct gen_compare_quality q[3];
    size_t leader = 0;
    (void)state;
    weigh(NULL, 0, 3, q, &leader);
    assert_int_equal(leader, SIZE_MAX);
    assert_int_equal(q[2].n, 0);
}

static struct gen_compare_decision decide(const struct gen_compare_rating *r, size_t n,
                                          struct gen_compare_figures *f, size_t n_sets)
{
    struct gen_compare_quality q[GEN_COMPARE_SETS_MAX];
    struct gen_compare_decision d;
    size_t leader = 0;
    weigh(r, n, n_sets, q, &leader);
    for (size_t s = 0; s < n_sets; s++)
        f[s].quality = q[s];
    gen_compare_decide(f, n_sets, &d);
    return d;
}

static void the_same_set_twice_ties(void **state)
{
    struct gen_compare_rating r[24];
    struct gen_compare_figures f[] = {{"a", 50, {0}, 0.9, 0.0, 0.8, 1},
                                      {"b", 50, {0}, 0.9, 0.0, 0.8, 1}};
    (void)state;
    for (size_t i = 0; i < 24; i++)
        r[i] = (struct gen_compare_rating){i % 2, i / 2, (double)(i / 2 % 6) + 4};
    struct gen_compare_decision d = decide(r, 24, f, 2);
    assert_int_equal(d.winner, SIZE_MAX);
    assert_int_equal(d.leans_to, SIZE_MAX);
    assert_int_equal(d.by, GEN_COMPARE_NOTHING);
    assert_non_null(strstr(d.why, "same mean rating"));
}

static void a_planted_inferior_set_loses(void **state)
{
    struct gen_compare_rating r[36];
    struct gen_compare_figures f[] = {{"a", 50, {0}, 0.2, 0.5, 0.1, 1},
                                      {"b", 50, {0}, 0.9, 0, 0.8, 1},
                                      {"c", 900, {0}, 0.9, 0, 0.8, 1}};
    (void)state;
    for (size_t i = 0; i < 36; i++)
        r[i] = (struct gen_compare_rating){i % 3, GEN_COMPARE_UNPAIRED,
                                           (i % 3 == 1 ? 8 : 3) + (double)(i / 3 % 2)};
    /* The best by ratings wins whatever the other figures are. */
    struct gen_compare_decision d = decide(r, 36, f, 3);
    assert_int_equal(d.winner, 1);
    assert_int_equal(d.by, GEN_COMPARE_BY_RATING);
    assert_non_null(strstr(d.why, "8.50"));
    /* Fewer than five decide nothing; then size speaks for c, and no other figure does. */
    f[0] = (struct gen_compare_figures){"a", 50, {0}, 0.9, 0, 0.8, 1};
    d = decide(r, 12, f, 3);
    assert_int_equal(d.winner, SIZE_MAX);
    assert_int_equal(d.leans_to, 2);
    assert_int_equal(d.by, GEN_COMPARE_BY_SIZE);
    assert_non_null(strstr(d.why, "decides nothing"));
}

/* Who saw the source is not compared with who did not. */
static void judged_with_and_without_sources_decides_nothing(void **state)
{
    struct gen_compare_rating r[24];
    struct gen_compare_figures f[] = {{"a", 50, {0}, 0.9, 0, 0.8, 1.0},
                                      {"b", 50, {0}, -1, 0, 0.8, 0.75}};
    (void)state;
    for (size_t i = 0; i < 24; i++)
        r[i] = (struct gen_compare_rating){i % 2, i / 2, i % 2 ? 4 : 9};
    struct gen_compare_decision d = decide(r, 24, f, 2);
    assert_int_equal(d.winner, SIZE_MAX);
    assert_non_null(strstr(d.why, "cannot be compared"));
    f[1].sourced = 0.85;
    d = decide(r, 24, f, 2);
    assert_int_equal(d.winner, 0);
}

static void unjudged_sets_are_told_apart_by_figures(void **state)
{
    static const struct {
        struct gen_compare_figures sets[2];
        size_t winner;
        enum gen_compare_rule by;
    } cases[] = {
        {{{"a", 10, {0}, 0.9, 0.0, 0.5, 1}, {"b", 99, {0}, 0.8, 0.0, 0.9, 1}},
         0,
         GEN_COMPARE_BY_GROUNDING},
        /* 4 points are no difference. */
        {{{"a", 10, {0}, 0.90, 0.30, 0.5, 1}, {"b", 99, {0}, 0.86, 0.01, 0.5, 1}},
         1,
         GEN_COMPARE_BY_DUPLICATES},
        /* Not known of one: no figure. */
        {{{"a", 10, {0}, 0.9, 0.0, 0.5, 1}, {"b", 10, {0}, -1, 0.0, 0.7, 1}},
         1,
         GEN_COMPARE_BY_DIVERSITY},
        {{{"a", 200, {0}, -1, -1, -1, 1}, {"b", 100, {0}, -1, -1, -1, 1}}, 0, GEN_COMPARE_BY_SIZE},
        {{{"a", 101, {0}, -1, 0, 0.5, 1}, {"b", 100, {0}, -1, 0, 0.5, 1}},
         SIZE_MAX,
         GEN_COMPARE_NOTHING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_compare_decision d;
        gen_compare_decide(cases[i].sets, 2, &d);
        assert_int_equal(d.winner, cases[i].winner);
        assert_int_equal(d.by, cases[i].by);
        assert_true(strlen(d.why) > 10);
    }
}

/* ---- drawing ---- */

enum { ROWS_MAX = 400 };

struct rows {
    struct gen_compare_row rows[2][ROWS_MAX];
    struct gen_compare_rows sets[2];
};

/* Chunk `k` of source k / 10; questions differ by set. */
static void add(struct rows *r, size_t set, uint64_t chunk)
{
    size_t n = r->sets[set].n++;
    r->sets[set].rows = r->rows[set];
    r->rows[set][n] = (struct gen_compare_row){.source = chunk / 10 + 1,
                                               .key = (chunk + 1) * 0x9E3779B97F4A7C15ULL,
                                               .question = (n + 1) * 0xD1342543DE82EF95ULL + set,
                                               .row = n + 1,
                                               .has_chunk = true};
}

static uint64_t key_of(const struct rows *r, size_t set, uint64_t row)
{
    for (size_t i = 0; i < r->sets[set].n; i++) {
        if (r->rows[set][i].row == row)
            return r->rows[set][i].key;
    }
    fail_msg("row %llu was not given", (unsigned long long)row);
    return 0;
}

static size_t draw(struct rows *r, size_t n, uint64_t seed, struct gen_compare_draw **out)
{
    size_t n_out = 0;
    assert_int_equal(gen_compare_draw(r->sets, 2, n, seed, out, &n_out, NULL), GEN_OK);
    for (size_t i = 0; i < n_out; i++) {
        for (size_t k = 0; k < i; k++)
            assert_false((*out)[i].set == (*out)[k].set && (*out)[i].row == (*out)[k].row);
    }
    return n_out;
}

static void the_same_chunks_are_drawn(void **state)
{
    struct rows *r = calloc(1, sizeof(*r));
    struct gen_compare_draw *d = NULL;
    uint64_t keys[2][20] = {{0}};
    size_t n_source[10] = {0};
    (void)state;
    assert_non_null(r);
    for (uint64_t c = 0; c < 100; c++) {
        for (size_t k = 0; k < 1 + c % 3; k++)
            add(r, 0, c);
        add(r, 1, c);
        add(r, 1, c);
        add(r, 1, c);
    }
    size_t n = draw(r, 20, 5, &d);
    assert_int_equal(n, 40);
    size_t n_pairs = 0;
    for (size_t i = 0; i < n; i++) {
        if (d[i].pair == GEN_COMPARE_UNPAIRED)
            continue;
        n_pairs++;
        keys[d[i].set][d[i].pair] = key_of(r, d[i].set, d[i].row);
    }
    /* 200 of the 300 rows of the larger set have a partner. */
    assert_int_equal(n_pairs, 2 * 13);
    for (size_t k = 0; k < 13; k++)
        assert_true(keys[0][k] == keys[1][k] && keys[0][k] != 0);
    /* Each of the ten sources has its share of the set's 20, give or take one a part. */
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; d[i].set == 1 && k < r->sets[1].n; k++) {
            if (r->rows[1][k].row == d[i].row)
                n_source[r->rows[1][k].source - 1]++;
        }
    }
    for (size_t k = 0; k < 10; k++)
        assert_in_range(n_source[k], 1, 4);
    free(d);
    free(r);
}

static int by_set_and_row(const void *a, const void *b)
{
    const struct gen_compare_draw *x = a;
    const struct gen_compare_draw *y = b;
    if (x->set != y->set)
        return x->set > y->set ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static void the_draw_depends_on_rows_and_seed_alone(void **state)
{
    struct rows *r = calloc(1, sizeof(*r));
    struct gen_compare_draw *a = NULL;
    struct gen_compare_draw *b = NULL;
    struct gen_compare_draw *c = NULL;
    (void)state;
    assert_non_null(r);
    for (uint64_t k = 0; k < 60; k++) {
        add(r, 0, k);
        add(r, 1, k + 40);
    }
    size_t n = draw(r, 12, 1, &a);
    for (size_t i = 0; i < 30; i++) {
        struct gen_compare_row row = r->rows[0][i];
        r->rows[0][i] = r->rows[0][59 - i];
        r->rows[0][59 - i] = row;
    }
    assert_int_equal(draw(r, 12, 1, &b), n);
    assert_memory_equal(a, b, n * sizeof(*a));
    assert_int_equal(draw(r, 12, 2, &c), n);
    qsort(a, n, sizeof(*a), by_set_and_row);
    qsort(c, n, sizeof(*c), by_set_and_row);
    bool same = true;
    for (size_t i = 0; i < n; i++)
        same = same && a[i].row == c[i].row;
    assert_false(same);
    free(a);
    free(b);
    free(c);
    free(r);
}

static void small_and_different_sets_are_drawn_whole(void **state)
{
    struct rows *r = calloc(1, sizeof(*r));
    struct gen_compare_draw *d = NULL;
    size_t n_of[2] = {0};
    (void)state;
    assert_non_null(r);
    for (uint64_t k = 0; k < 3; k++)
        add(r, 0, k);
    for (uint64_t k = 50; k < 90; k++)
        add(r, 1, k);
    size_t n = draw(r, 10, 0, &d);
    for (size_t i = 0; i < n; i++) {
        n_of[d[i].set]++;
        assert_true(d[i].pair == GEN_COMPARE_UNPAIRED);
    }
    assert_int_equal(n_of[0], 3);
    assert_int_equal(n_of[1], 10);
    free(d);
    /* Nothing at all in one. */
    r->sets[0].n = 0;
    n = draw(r, 10, 0, &d);
    assert_int_equal(n, 10);
    free(d);
    free(r);
}

/* ---- the step ---- */

static struct gen_qa_compare *make_step(struct world *w, uint64_t n_draws)
{
    struct gen_qa_compare *c = NULL;
    const struct gen_qa_compare_options o = {.n_draws = n_draws, .n_sets = 2};
    assert_int_equal(gen_qa_compare_new(&c, &w->run.common, &o, &w->steps[0], NULL), GEN_OK);
    w->n_steps = 1;
    return c;
}

static void add_set(struct world *w, double mean, size_t n)
{
    struct gen_buf record = gen_buf_make(1 << 20);
    struct gen_str rows[3];
    size_t shown[GEN_COMPARE_SHOWN];
    size_t n_shown = 0;
    for (size_t i = 0; i < n; i++)
        rows[i] = GEN_STR("{\"question\":\"Why does wax resist?\",\"answer\":\"It repels "
                          "water.\",\"rating\":7,\"clarity\":3,\"accuracy\":2,\"usefulness\":1,"
                          "\"difficulty\":1,\"reasoning\":\"No number is given.\"}");
    assert_int_equal(gen_qa_compare_put_set(&record, rows, n, mean, shown, &n_shown, NULL), GEN_OK);
    assert_int_equal(n_shown, n);
    world_add_record(w, NULL, record.data);
    gen_buf_release(&record);
}

static void add_choice(struct world *w)
{
    static const size_t order[] = {1, 0};
    const struct gen_compare_figures sets[] = {
        {"low", 1000, {12, 4.5, {4, 5}, {2, 3}}, 0.5, 0.02, 0.4, 1},
        {"high", 200, {12, 7.25, {7, 7.5}, {0, 0}}, 0.9, 0.01, -1, 1}};
    struct gen_buf record = gen_buf_make(1 << 20);
    assert_int_equal(gen_qa_compare_put_choice(&record, sets, order, 2, NULL), GEN_OK);
    world_add_record(w, NULL, record.data);
    gen_buf_release(&record);
}

static void samples_of_a_description_are_checked(void **state)
{
    struct world *w = *state;
    struct gen_qa_compare *c = make_step(w, 0);
    add_set(w, 7, 3);
    step_world_answer(&w->run, "{\"strengths\":[\"clear (p1, p7)\"],\"weaknesses\":[],"
                               "\"most_frequent_fault\":\"none\",\"score\":7}");
    step_world_answer(&w->run, "{\"strengths\":[\"clear (p1, p3)\"],\"weaknesses\":[\"thin [p2]\"],"
                               "\"most_frequent_fault\":\"style\",\"score\":7}");
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_non_null(strstr(w->run.users[1], "p1 to p3"));
    assert_non_null(strstr(w->run.users[0], "[p3] rating 7: clarity 3 of 3"));
    assert_true(step_world_has(&w->run.out, "clear (p1, p3)"));
    assert_true(step_world_has(&w->run.out, "\"score_inconsistent\":false"));
    gen_qa_compare_free(c);
}

static void what_stays_wrong_is_dropped_and_noted(void **state)
{
    struct world *w = *state;
    struct gen_qa_compare *c = make_step(w, 0);
    add_set(w, 7, 2);
    step_world_answer(&w->run, "{\"strengths\":[\"clear (p9)\",\"short (p1)\"],\"weaknesses\":[],"
                               "\"most_frequent_fault\":\"none\",\"score\":2}");
    world_run(w);
    assert_true(w->run.n_calls > 1);
    assert_false(step_world_has(&w->run.out, "clear (p9)"));
    assert_true(step_world_has(&w->run.out, "short (p1)"));
    assert_true(step_world_has(&w->run.out, "\"score_inconsistent\":true"));
    assert_counted(w->run.accounts[0].notes, "unknown_sample_id", 1);
    assert_counted(w->run.accounts[0].notes, "score_far_from_mean", 1);
    gen_qa_compare_free(c);
}

static void a_choice_names_figures_of_the_table(void **state)
{
    struct world *w = *state;
    struct gen_qa_compare *c = make_step(w, 0);
    add_set(w, 7, 1);
    add_set(w, 7, 2);
    add_choice(w);
    step_world_answer(&w->run,
                      "{\"strengths\":[],\"weaknesses\":[],\"most_frequent_fault\":\"none\","
                      "\"score\":7}");
    step_world_answer(&w->run,
                      "{\"strengths\":[],\"weaknesses\":[],\"most_frequent_fault\":\"none\","
                      "\"score\":7}");
    step_world_answer(&w->run,
                      "{\"reasoning\":\"A has 9.99.\",\"winner\":\"A\",\"alternative\":\"none\","
                      "\"alternative_reason\":\"\"}");
    step_world_answer(&w->run,
                      "{\"reasoning\":\"A has 7.25.\",\"winner\":\"C\",\"alternative\":\"none\","
                      "\"alternative_reason\":\"\"}");
    step_world_answer(&w->run,
                      "{\"reasoning\":\"A has 7.25, 2.75 more.\",\"winner\":\"A\",\"alternative\":"
                      "\"none\",\"alternative_reason\":\"\"}");
    world_run(w);
    /* The invented figure, then the label that is not there. */
    assert_int_equal(w->run.n_calls, 5);
    assert_non_null(strstr(w->run.users[2], "figure | A | B\n"));
    assert_non_null(strstr(w->run.users[2], "mean rating, 0 to 10 | 7.25 | 4.5\n"));
    assert_non_null(strstr(w->run.users[2], "| not known | 0.4\n"));
    /* Blind: names are not in it. */
    assert_null(strstr(w->run.users[2], "high"));
    assert_non_null(strstr(w->run.users[3], "9.99"));
    assert_true(step_world_has(&w->run.out, "2.75 more"));
    gen_qa_compare_free(c);
}

/* The answers shown in the prompts, given to the figures shown there: nothing is asked again. */
static void the_prompts_keep_their_own_rules(void **state)
{
    struct world *w = *state;
    static const size_t order[] = {0, 1};
    const struct gen_compare_figures sets[] = {
        {"x", 900, {40, 8.1, {7.7, 8.5}, {0, 0}}, 0.9, 0.01, 0.5, 1},
        {"y", 2400, {40, 6.4, {5.8, 7.0}, {1, 2}}, 0.9, 0.01, 0.5, 1}};
    struct gen_qa_compare *c = make_step(w, 0);
    struct gen_buf record = gen_buf_make(1 << 20);
    char *of_set = gen_str_dup(world_example(w, "qa_comparison_evaluation", 0));
    char *of_choice = gen_str_dup(world_example(w, "qa_comparison_selection", 0));
    assert_non_null(of_set);
    assert_non_null(of_choice);
    add_set(w, 7, 3);
    add_set(w, 7, 3);
    assert_int_equal(gen_qa_compare_put_choice(&record, sets, order, 2, NULL), GEN_OK);
    world_add_record(w, NULL, record.data);
    step_world_answer(&w->run, of_set);
    step_world_answer(&w->run, of_set);
    step_world_answer(&w->run, of_choice);
    world_run(w);
    assert_int_equal(w->run.accounts[0].n_out, 3);
    assert_counted(w->run.accounts[0].notes, "unknown_sample_id", 0);
    assert_counted(w->run.accounts[0].notes, "score_far_from_mean", 0);
    assert_counted(w->run.accounts[0].notes, "figures_not_in_table", 0);
    /* Equal sets give equal questions: one is asked. */
    assert_true(w->run.n_calls <= 3);
    gen_buf_release(&record);
    free(of_set);
    free(of_choice);
    gen_qa_compare_free(c);
}

static void a_long_sample_is_shown_over_all_ratings(void **state)
{
    enum { N = 100 };
    struct gen_str rows[N];
    char texts[N][64];
    size_t shown[GEN_COMPARE_SHOWN];
    size_t n_shown = 0;
    struct gen_buf out = gen_buf_make(1 << 20);
    (void)state;
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "{\"question\":\"q%zu\",\"rating\":%zu}", i,
                       i % 10);
        rows[i] = gen_str_from(texts[i]);
    }
    assert_int_equal(gen_qa_compare_put_set(&out, rows, N, 5, shown, &n_shown, NULL), GEN_OK);
    assert_int_equal(n_shown, GEN_COMPARE_SHOWN);
    size_t n_of[10] = {0};
    for (size_t i = 0; i < n_shown; i++) {
        n_of[shown[i] % 10]++;
        assert_true(i == 0 || shown[i] > shown[i - 1]);
    }
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(n_of[i], 4);
    gen_buf_release(&out);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_must_exist),
        cmocka_unit_test(figures_must_be_in_the_table),
        cmocka_unit_test(labels_are_mapped_back),
        cmocka_unit_test(bootstrap_of_two_values),
        cmocka_unit_test(pairs_are_drawn_together),
        cmocka_unit_test(nothing_judged_has_no_leader),
        cmocka_unit_test(the_same_set_twice_ties),
        cmocka_unit_test(a_planted_inferior_set_loses),
        cmocka_unit_test(judged_with_and_without_sources_decides_nothing),
        cmocka_unit_test(unjudged_sets_are_told_apart_by_figures),
        cmocka_unit_test(the_same_chunks_are_drawn),
        cmocka_unit_test(the_draw_depends_on_rows_and_seed_alone),
        cmocka_unit_test(small_and_different_sets_are_drawn_whole),
        cmocka_unit_test(a_long_sample_is_shown_over_all_ratings),
        WITH_WORLD(samples_of_a_description_are_checked),
        WITH_WORLD(what_stays_wrong_is_dropped_and_noted),
        WITH_WORLD(the_prompts_keep_their_own_rules),
        WITH_WORLD(a_choice_names_figures_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
