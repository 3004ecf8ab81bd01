/* The judge: how verdicts become numbers, which are asked for again, which records go on. */
#include "qa_world.h"

#include <stdio.h>
#include <stdlib.h>

static const char source[] =
    "Wax resists glaze in the kiln at 1,000 degrees. Kiln wash keeps glaze off the shelf.";
static const char quote[] = "Wax resists glaze in the kiln";

static const char *const criteria[] = {
    "c1_stands_alone",         "c2_single_clear_question", "c3_answer_direct_readable",
    "a1_no_contradiction",     "a2_every_claim_supported", "a3_complete_for_question",
    "u1_someone_would_ask",    "u2_worth_learning",        "d1_more_than_one_phrase",
    "d2_combines_or_explains",
};
enum { N_CRITERIA = sizeof(criteria) / sizeof(criteria[0]), ALL = (1 << N_CRITERIA) - 1 };
enum { C1 = 1, A1 = 1 << 3, A2 = 1 << 4 };

struct verdict {
    const char *id, *echo, *evidence;
    unsigned bits;
    bool off_topic;
};

static void write_verdicts(struct gen_buf *out, const struct verdict *v, size_t n)
{
    int rc = gen_buf_add_c(out, "{\"verdicts\":[", NULL);
    for (size_t i = 0; i < n; i++) {
        rc |= gen_buf_printf(out, NULL,
                             "%s{\"id\":\"%s\",\"echo\":\"%s\",\"evidence\":\"%s\","
                             "\"weakest_point\":\" It is short. \"",
                             i ? "," : "", v[i].id, v[i].echo, v[i].evidence);
        for (size_t k = 0; k < N_CRITERIA; k++)
            rc |= gen_buf_printf(out, NULL, ",\"%s\":%s", criteria[k],
                                 v[i].bits >> k & 1U ? "true" : "false");
        rc |=
            gen_buf_printf(out, NULL, ",\"topic_relevant\":%s}", v[i].off_topic ? "false" : "true");
    }
    rc |= gen_buf_add_c(out, "]}", NULL);
    assert_int_equal(rc, GEN_OK);
}

/* The verdicts of one call after the other. */
struct script {
    struct verdict rows[4][3];
    size_t n_rows[4];
};

static void play(struct step_world *w, const struct gen_llm_request *r, struct gen_buf *out)
{
    const struct script *s = w->script_ud;
    size_t i = w->n_calls;
    (void)r;
    while (i && s->n_rows[i] == 0)
        i--;
    write_verdicts(out, s->rows[i], s->n_rows[i]);
}

/* The number in "case 17" of each question is its verdict. */
static void judge_by_number(struct step_world *w, const struct gen_llm_request *r,
                            struct gen_buf *out)
{
    struct verdict rows[64];
    char ids[64][8];
    size_t n = 0;
    struct gen_str user = r->user;
    struct gen_str line;
    (void)w;
    while (gen_str_next_line(&user, &line)) {
        size_t at = gen_str_find(line, GEN_STR("case "), 0);
        unsigned bits = 0;
        if (at == SIZE_MAX)
            continue;
        for (at += 5; at < line.n && line.p[at] >= '0' && line.p[at] <= '9'; at++)
            bits = bits * 10 + (unsigned)(line.p[at] - '0');
        (void)snprintf(ids[n], sizeof(ids[n]), "p%zu", n + 1);
        rows[n] = (struct verdict){ids[n], "What does wax do", quote, bits, false};
        n++;
    }
    write_verdicts(out, rows, n);
}

static int64_t number(const struct gen_json *record, const char *key)
{
    int64_t n = -1;
    assert_true(gen_json_as_int(gen_json_get(record, key), &n));
    return n;
}

static void criteria_add_up(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 7, .batch_size = 64};
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    int64_t histogram[11] = {0};
    int64_t n_kept = 0;
    for (unsigned bits = 0; bits <= ALL; bits++) {
        char record[200];
        (void)snprintf(record, sizeof(record),
                       "{\"question\":\"What does wax do in case %u?\",\"answer\":\"It resists "
                       "glaze.\",\"bits\":%u}",
                       bits, bits);
        world_add_record(w, c, record);
    }
    w->run.script = judge_by_number;
    struct gen_qa_rate *r = world_rate(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 16);
    size_t at = 0;
    struct gen_str rest = gen_buf_str(&w->run.out);
    struct gen_str line;
    for (unsigned bits = 0; bits <= ALL; bits++) {
        int b[N_CRITERIA];
        for (size_t k = 0; k < N_CRITERIA; k++)
            b[k] = (int)(bits >> k & 1U);
        int clarity = b[0] + b[1] + b[2];
        int accuracy = b[3] ? 1 + b[4] + b[5] : 0;
        int usefulness = b[6] + b[7];
        int difficulty = b[8] + b[9];
        int rating = clarity + accuracy + usefulness + difficulty;
        histogram[rating]++;
        if (rating < 7)
            continue;
        struct gen_json_doc *doc = NULL;
        assert_true(gen_str_next_line(&rest, &line));
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        const struct gen_json *out = gen_json_root(doc);
        assert_int_equal(number(out, "bits"), bits);
        assert_int_equal(number(out, "rating"), rating);
        assert_int_equal(number(out, "clarity"), clarity);
        assert_int_equal(number(out, "accuracy"), accuracy);
        assert_int_equal(number(out, "usefulness"), usefulness);
        assert_int_equal(number(out, "difficulty"), difficulty);
        gen_json_doc_free(doc);
        n_kept++;
        at++;
    }
    assert_int_equal(w->run.n_out, at);
    const struct gen_rating_stats *s = gen_qa_rate_stats(r);
    assert_int_equal(s->n_rated, ALL + 1);
    assert_int_equal(s->n_kept, n_kept);
    assert_true(s->min == 0 && s->max == 10);
    double sum = 0;
    for (int i = 0; i < 11; i++) {
        assert_int_equal(s->histogram[i], histogram[i]);
        sum += (double)(histogram[i] * i);
    }
    assert_true(s->sum == sum);
    assert_counted(w->run.accounts[0].filtered, "below_threshold", ALL + 1 - n_kept);
    assert_int_equal(gen_counts_sum(&w->run.accounts[0].notes), 0);
    gen_qa_rate_free(r);
}

static const char wax[] = "{\"question\":\"What does wax do in a kiln?\",\"answer\":\"It resists "
                          "glaze.\",\"chunk_id\":\"c1\",\"source\":\"a.md\",\"x\":[1]}";
static const char wash[] =
    "{\"question\":\"Why is kiln wash brushed on?\",\"answer\":\"It keeps glaze off the shelf.\"}";

static struct gen_qa_rate *run(struct world *w, const struct gen_qa_rate_options *o,
                               const struct script *s)
{
    w->run.script = play;
    w->run.script_ud = (void *)(uintptr_t)s;
    struct gen_qa_rate *r = world_rate(w, o);
    world_run(w);
    return r;
}

static void records_have_their_shape(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 7, .batch_size = 5};
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c, wax);
    struct script s = {{{{"p1", "What does wax do in", quote, ALL, false}}}, {1}};
    struct gen_qa_rate *r = run(w, &o, &s);
    assert_string_equal(
        w->run.out.data,
        "{\"question\":\"What does wax do in a kiln?\",\"answer\":\"It resists glaze.\","
        "\"chunk_id\":\"c1\",\"source\":\"a.md\",\"x\":[1],\"rating\":10,\"clarity\":3,"
        "\"accuracy\":3,\"usefulness\":2,\"difficulty\":2,\"topic_relevant\":true,\"reasoning\":"
        "\"It is short.\",\"literal_grounding\":1.0,\"rating_evidence\":\"Wax resists glaze in the "
        "kiln\",\"format\":\"qa\"}"
        "\n");
    gen_qa_rate_free(r);
}

static const char cot[] =
    "{\"format\":\"cot\",\"question\":\"What does wax do in a kiln?\",\"reasoning\":\"Wax repels "
    "water.\",\"answer\":\"It resists glaze.\"}";

static void chains_of_thought_keep_their_reasoning(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 7, .batch_size = 5};
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c, cot);
    struct script s = {{{{"p1", "What does wax do in", quote, ALL, false}}}, {1}};
    struct gen_qa_rate *r = run(w, &o, &s);
    assert_true(step_world_has(&w->run.out, "\"reasoning\":\"Wax repels water.\""));
    assert_true(step_world_has(&w->run.out, "\"rating_reasoning\":\"It is short.\""));
    gen_qa_rate_free(r);
}

/* Ids and echoes: which call brings the verdict of which record. */
static void alignment(void **state)
{
    struct world *w = *state;
    static const struct {
        struct script script;
        size_t n_calls;
        int64_t first, second; /* ratings; -1: failed */
        const char *told;
    } rows[] = {
        {{{{{"p2", "Why is kiln wash brushed", quote, ALL, false},
            {"p1", "What does wax do in", quote, ALL - C1, false}}},
          {2}},
         1,
         9,
         10,
         NULL},
        /* The first of two counts, unknown ids do not. */
        {{{{{"p1", "What does wax do in", quote, ALL, false},
            {"p1", "What does wax do in", quote, 0, false},
            {"p9", "Why is kiln wash brushed", quote, 0, false}},
           {{"p1", "Why is kiln wash brushed", quote, ALL - C1, false}}},
          {3, 1}},
         2,
         10,
         9,
         "one sound object for every id"},
        /* Swapped: the echoes show it. */
        {{{{{"p1", "Why is kiln wash brushed", quote, ALL, false},
            {"p2", "What does wax do in", quote, 0, false}},
           {{"p1", "What does wax do in", quote, A1, false},
            {"p2", "Why is kiln wash brushed", quote, ALL, false}}},
          {2, 2}},
         2,
         1,
         10,
         "beginning of the question"},
        /* A loose echo is one. */
        {{{{{"p1", "WHAT does the wax do", quote, ALL, false}, {"p2", "", quote, ALL, false}}},
          {2}},
         1,
         10,
         10,
         NULL},
        /* Never answered: failed, not made up. */
        {{{{{"p1", "What does wax do in", quote, ALL, false}}, {{"p5", "x", quote, ALL, false}}},
          {1, 1}},
         3,
         10,
         -1,
         "one sound object for every id"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_qa_rate_options o = {.threshold = 0, .batch_size = 5};
        world_clear(w);
        struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
        world_add_record(w, c, wax);
        world_add_record(w, c, wash);
        struct gen_qa_rate *r = run(w, &o, &rows[i].script);
        if (w->run.n_calls != rows[i].n_calls)
            fail_msg("row %zu: %zu calls", i, w->run.n_calls);
        struct gen_json_doc *first = step_world_out(&w->run, 0);
        assert_int_equal(number(gen_json_root(first), "rating"), rows[i].first);
        gen_json_doc_free(first);
        assert_counted(w->run.accounts[0].failed, "malformed", rows[i].second < 0 ? 1 : 0);
        if (rows[i].second >= 0) {
            struct gen_json_doc *second = step_world_out(&w->run, 1);
            assert_int_equal(number(gen_json_root(second), "rating"), rows[i].second);
            gen_json_doc_free(second);
        }
        if (rows[i].told)
            assert_non_null(strstr(w->run.users[1], rows[i].told));
        gen_qa_rate_free(r);
    }
}

/* Only what is missing is asked about again. */
static void settled_pairs_are_not_asked_again(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 0, .batch_size = 5};
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c, wax);
    world_add_record(w, c, wash);
    struct script s = {{{{"p1", "What does wax do in", quote, ALL, false}},
                        {{"p1", "Why is kiln wash brushed", quote, ALL, false}}},
                       {1, 1}};
    struct gen_qa_rate *r = run(w, &o, &s);
    assert_int_equal(w->run.n_calls, 2);
    assert_null(strstr(w->run.users[1], "What does wax do"));
    assert_non_null(strstr(w->run.users[1], "for the ids p1."));
    assert_int_equal(w->run.n_out, 2);
    gen_qa_rate_free(r);
}

static void quotes_must_be_shown(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *record;
        struct script script;
        size_t n_calls;
        int64_t rating;
        const char *note;
    } rows[] = {
        /* Not in the source: asked again, and then shown. */
        {wax,
         {{{{"p1", "What does wax do", "Wax is made by bees in spring", ALL, false}},
           {{"p1", "What does wax do", quote, ALL, false}}},
          {1, 1}},
         2,
         10,
         NULL},
        /* Never shown. */
        {wax, {{{{"p1", "What does wax do", "", ALL, false}}}, {1}}, 3, 9, "judge_quote_absent"},
        /* Who claims no support need show none. */
        {wax, {{{{"p1", "What does wax do", "", ALL - A2, false}}}, {1}}, 1, 9, NULL},
        /* A contradiction is not half right. */
        {wax, {{{{"p1", "What does wax do", quote, ALL - A1, false}}}, {1}}, 1, 7, NULL},
        {"{\"question\":\"What does the passage say about wax?\",\"answer\":\"It resists.\"}",
         {{{{"p1", "What does the passage say", quote, ALL, false}}}, {1}},
         1,
         9,
         "capped_refers_to_context"},
        {"{\"question\":\"What does wax do?\",\"answer\":\"It resists 4,711 `ovens` in 1848.\"}",
         {{{{"p1", "What does wax do?", quote, ALL, false}}}, {1}},
         1,
         9,
         "capped_ungrounded_literals"},
        /* Both, and noted once although it is asked again. */
        {"{\"question\":\"What does the passage say about wax?\",\"answer\":\"It resists.\"}",
         {{{{"p1", "What does the passage say", "Not there at all", ALL, false}},
           {{"p1", "What does the passage say", quote, ALL, false}}},
          {1, 1}},
         2,
         9,
         "capped_refers_to_context"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_qa_rate_options o = {.threshold = 0, .batch_size = 5};
        world_clear(w);
        struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
        world_add_record(w, c, rows[i].record);
        struct gen_qa_rate *r = run(w, &o, &rows[i].script);
        struct gen_json_doc *doc = step_world_out(&w->run, 0);
        if (w->run.n_calls != rows[i].n_calls ||
            number(gen_json_root(doc), "rating") != rows[i].rating)
            fail_msg("row %zu: %zu calls, %s", i, w->run.n_calls, w->run.out.data);
        const struct gen_counts *notes = &w->run.accounts[0].notes;
        if (rows[i].note)
            assert_counted(*notes, rows[i].note, 1);
        assert_int_equal(gen_counts_sum(notes) - gen_counts_get(notes, "asked_again"),
                         rows[i].note ? 1 : 0);
        if (w->run.n_calls > 1)
            assert_non_null(strstr(w->run.users[1], "copy it character by character"));
        gen_json_doc_free(doc);
        gen_qa_rate_free(r);
    }
}

static void short_lines_of_code_are_quotes(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 0, .batch_size = 5};
    struct gen_chunk *c =
        world_add_chunk(w, GEN_CHUNK_CODE, "a.c", GEN_STR("if (!kiln)\n    return -1;\n"));
    world_add_record(w, c,
                     "{\"question\":\"What does fire() return without a kiln?\",\"answer\":"
                     "\"It returns -1.\"}");
    struct script s = {{{{"p1", "What does fire() return", "return -1;", ALL, false}}}, {1}};
    struct gen_qa_rate *r = run(w, &o, &s);
    assert_int_equal(w->run.n_calls, 1);
    assert_true(step_world_has(&w->run.out, "\"rating\":10"));
    gen_qa_rate_free(r);
}

static void pairs_without_a_source(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 7, .batch_size = 5};
    world_add_record(w, NULL, wax);
    world_add_record(w, NULL, "[1]");
    struct script s = {{{{"p1", "What does wax do", "", ALL, false}}}, {1}};
    struct gen_qa_rate *r = run(w, &o, &s);
    assert_int_equal(w->run.n_calls, 1);
    assert_non_null(strstr(w->run.users[0], "(the source of these pairs is not known)"));
    assert_true(step_world_has(&w->run.out, "\"rated_without_source\":true"));
    assert_true(step_world_has(&w->run.out, "\"rating\":10"));
    assert_false(step_world_has(&w->run.out, "rating_evidence"));
    assert_counted(w->run.accounts[0].notes, "without_source", 1);
    assert_counted(w->run.accounts[0].filtered, "malformed_row", 1);
    gen_qa_rate_free(r);
}

struct rated {
    int n, n_kept;
};

static int on_rated(void *ud, struct gen_str record, const char **rule, struct gen_error *err)
{
    struct rated *rated = ud;
    (void)err;
    assert_true(gen_str_find(record, GEN_STR("\"rating\":"), 0) != SIZE_MAX);
    rated->n++;
    rated->n_kept += !*rule;
    return GEN_OK;
}

static void filters(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *topic;
        double threshold;
        bool topic_only;
        int64_t off_topic, below;
    } rows[] = {
        {NULL, 7, false, 0, 1},     {NULL, 0, false, 0, 0},  {"pottery", 7, false, 1, 1},
        {"pottery", 7, true, 1, 0}, {NULL, 10, false, 0, 1}, {NULL, 10.5, false, 0, 3},
    };
    struct script s = {{{{"p1", "What does wax do", quote, ALL, false},
                         {"p2", "Why is kiln wash", quote, A1, false},
                         {"p3", "What does wax do", quote, ALL, true}}},
                       {3}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rated rated = {0, 0};
        struct gen_qa_rate_options o = {.threshold = rows[i].threshold,
                                        .batch_size = 5,
                                        .topic_only = rows[i].topic_only,
                                        .on_rated = on_rated,
                                        .on_rated_ud = &rated};
        world_clear(w);
        w->run.common.topic = rows[i].topic;
        struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
        world_add_record(w, c, wax);
        world_add_record(w, c, wash);
        world_add_record(w, c, cot);
        struct gen_qa_rate *r = run(w, &o, &s);
        assert_counted(w->run.accounts[0].filtered, "off_topic", rows[i].off_topic);
        assert_counted(w->run.accounts[0].filtered, "below_threshold", rows[i].below);
        assert_int_equal(w->run.n_out, 3 - rows[i].off_topic - rows[i].below);
        assert_int_equal(rated.n, 3);
        assert_int_equal(rated.n_kept, w->run.n_out);
        assert_int_equal(gen_qa_rate_stats(r)->n_kept, w->run.n_out);
        assert_non_null(
            strstr(w->run.users[0], rows[i].topic ? "Topic: pottery\n" : "Topic: (none)\n"));
        gen_qa_rate_free(r);
    }
}

/* generate --topic gives the records as generate made them. */
/* What needs no judge is not paid for. */
static void what_is_known_before_is_not_paid_for(void **state)
{
    struct world *w = *state;
    static const char *const questions[] = {"^Who "};
    static const char *const sources[] = {"drafts/"};
    struct gen_qa_rate_options o = {
        .batch_size = 5, .drop_context_references = true, .grounding = {true, 0.9}};
    assert_int_equal(gen_filters_new(&o.skip_question, "skip-question", questions, 1, NULL), 0);
    assert_int_equal(gen_filters_new(&o.skip_source, "skip-source", sources, 1, NULL), 0);
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c, "{\"question\":\"Who uses wax?\",\"answer\":\"Potters.\"}");
    world_add_record(w, c,
                     "{\"question\":\"What of wax?\",\"answer\":\"Glaze.\",\"source_file\":"
                     "\"drafts/a.md\"}");
    world_add_record(w, c,
                     "{\"question\":\"What does this section say of wax?\",\"answer\":"
                     "\"It resists glaze.\"}");
    world_add_record(w, c, "{\"question\":\"What is wax?\",\"answer\":\"4711 grams.\"}");
    /* Its reasoning counts as well; what it computes does not. */
    world_add_record(w, c,
                     "{\"format\":\"cot\",\"question\":\"What is 2 and 3?\",\"reasoning\":"
                     "\"2 + 3 = 5\",\"answer\":\"It is 5.\"}");
    world_add_record(w, c,
                     "{\"format\":\"cot\",\"question\":\"What is wax?\",\"reasoning\":"
                     "\"It has 4711 grams.\",\"answer\":\"It resists glaze.\"}");
    struct script s = {{{{"p1", "What is 2 and 3?", "", ALL, false}}}, {1}};
    struct gen_qa_rate *r = run(w, &o, &s);
    assert_counted(w->run.accounts[0].filtered, "skip_question /^Who /", 1);
    assert_counted(w->run.accounts[0].filtered, "skip_source /drafts//", 1);
    assert_counted(w->run.accounts[0].filtered, "refers_to_context", 1);
    assert_counted(w->run.accounts[0].filtered, "ungrounded_literals", 2);
    assert_true(step_world_has(&w->run.out, "\"question\":\"What is 2 and 3?\""));
    gen_qa_rate_free(r);
    gen_filters_free(o.skip_question);
    gen_filters_free(o.skip_source);
}

static void topic_only_strips_the_verdict(void **state)
{
    struct world *w = *state;
    struct gen_qa_rate_options o = {.threshold = 7, .batch_size = 5, .topic_only = true};
    w->run.common.topic = "pottery";
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c,
                     "{\"format\":\"qa\",\"question\":\"What does wax do?\",\"answer\":\"It "
                     "resists glaze.\",\"chunk_id\":\"c1\"}");
    world_add_record(w, c, cot);
    struct script s = {{{{"p1", "What does wax do", quote, A1, false},
                         {"p2", "What does wax do", quote, A1, false}}},
                       {2}};
    struct gen_qa_rate *r = run(w, &o, &s);
    char expected[600];
    (void)snprintf(expected, sizeof(expected),
                   "{\"format\":\"qa\",\"question\":\"What does wax do?\",\"answer\":\"It resists "
                   "glaze.\",\"chunk_id\":\"c1\"}\n%s\n",
                   cot);
    assert_string_equal(w->run.out.data, expected);
    assert_string_equal(w->steps[0].name, "topic");
    gen_qa_rate_free(r);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(criteria_add_up),
        WORLD(records_have_their_shape),
        WORLD(chains_of_thought_keep_their_reasoning),
        WORLD(alignment),
        WORLD(settled_pairs_are_not_asked_again),
        WORLD(quotes_must_be_shown),
        WORLD(short_lines_of_code_are_quotes),
        WORLD(pairs_without_a_source),
        WORLD(filters),
        WORLD(what_is_known_before_is_not_paid_for),
        WORLD(topic_only_strips_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
