/* Figures of data sets, against what was computed by hand; samples; ceilings; gates. */
#include "base/gzip.h"
#include "dataset/gates.h"
#include "dataset/metrics/metrics_int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct gen_json_doc *parse(const char *text)
{
    struct gen_error err;
    struct gen_json_doc *doc = NULL;
    if (gen_json_parse(&doc, gen_str_from(text), &err) != GEN_OK)
        fail_msg("%s: %s", err.msg, text);
    return doc;
}

/* Adds the elements of a JSON list; what is no object is malformed. */
static uint64_t add_rows(struct gen_metrics *m, const char *rows, const char *source, uint64_t row)
{
    struct gen_json_doc *doc = parse(rows);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_root(doc));
    while (gen_json_iter_next(&it, &key, &v)) {
        row++;
        if (gen_json_type(v) == GEN_JSON_OBJECT)
            assert_int_equal(gen_metrics_add(m, row, v, gen_str_from(source), NULL), GEN_OK);
        else
            gen_metrics_add_malformed(m, row, "it is no object");
    }
    gen_json_doc_free(doc);
    return row;
}

static struct gen_metrics *measure(const char *rows, const char *source,
                                   const struct gen_metrics_options *options,
                                   const struct gen_metrics_result **out)
{
    struct gen_metrics *m = NULL;
    assert_int_equal(gen_metrics_new(&m, options, NULL), GEN_OK);
    (void)add_rows(m, rows, source, 0);
    assert_int_equal(gen_metrics_finish(m, out, NULL), GEN_OK);
    return m;
}

/* The value at "a.b.2.c". */
static const struct gen_json *at_path(const struct gen_json *v, const char *path)
{
    struct gen_str rest = gen_str_from(path);
    while (rest.n && v) {
        char part[64];
        size_t n = gen_str_find(rest, GEN_STR("."), 0);
        n = n == SIZE_MAX ? rest.n : n;
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, rest.p);
        v = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_at(v, (size_t)strtoul(part, NULL, 10))
                                               : gen_json_get(v, part);
        rest = gen_str_sub(rest, n + 1, rest.n);
    }
    return v;
}

static struct gen_json_doc *as_json(const struct gen_metrics_result *r)
{
    struct gen_jb *b = NULL;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    assert_int_equal(gen_jb_write(b, gen_metrics_write(r, b), GEN_JSON_COMPACT, &out, NULL),
                     GEN_OK);
    struct gen_json_doc *doc = parse(out.data);
    gen_buf_release(&out);
    gen_jb_free(b);
    return doc;
}

#define QA(q, a)     "{\"question\":\"" q "\",\"answer\":\"" a "\"}"
#define QAX(q, a, x) "{\"question\":\"" q "\",\"answer\":\"" a "\"," x "}"
#define RATED(r, a)  QAX("q", a, "\"rating\":" r)
#define FROM(s, c)   QAX("q", "a", "\"source\":\"" s "\",\"chunk_id\":\"" c "\"")
#define NOTHING      (-1000.0) /* null */
#define SOURCE       "Chunks of 64 KB are read with `h5py.File` at once."
#define SIX_WORDS    "one two three four five six"

static const struct figure {
    const char *rows, *source, *path;
    double expected;
} figures[] = {
    {"[]", "", "rows", 0},
    {"[]", "", "lengths.question.mean", NOTHING},
    {"[]", "", "duplicates.exact_question.share", NOTHING},
    {"[]", "", "diversity.question.distinct_1", NOTHING},
    {"[]", "", "ratings.rating.mean", NOTHING},
    {"[]", "", "ratings.length_correlation", NOTHING},
    {"[]", "", "sources.rows_per_chunk", NOTHING},
    {"[" QA("q", "a") ",1,{},{\"question\":\"q\"}]", "", "rows", 4},
    {"[" QA("q", "a") ",1,{},{\"question\":\"q\"}]", "", "records", 1},
    {"[" QA("q", "a") ",1,{},{\"question\":\"q\"}]", "", "malformed.count", 3},
    {"[" QA("q", "a") ",1,{},{\"question\":\"q\"}]", "", "malformed.first.2.row", 4},
    /* 3, 2 and 4 words; CJK characters are words. */
    {"[" QA("How is it?", "x") "," QA("is\\u4e16", "x") "," QA("a b c d", "x") "]", "",
     "lengths.question.mean", 3},
    {"[" QA("How is it?", "x") "," QA("is it", "x") "," QA("a b c d", "x") "]", "",
     "lengths.question.p50", 3},
    {"[" QA("How is it?", "x") "," QA("is it", "x") "," QA("a b c d", "x") "]", "",
     "lengths.question.p95", 4},
    {"[" QA("How is it?", "x") "," QA("is it", "x") "," QA("a b c d", "x") "]", "",
     "lengths.question.min", 2},
    {"[" QA("q", "a b c d") "," QA("q", "a b c d e") "]", "", "lengths.short_answers.hits", 1},
    {"[" QA("12", "345678") "]", "", "lengths.tokens_estimated", 2},
    {"[" QAX("q", "a", "\"reasoning\":\"so it is\"") "]", "", "lengths.reasoning.mean", 3},
    /* The judge's words are no chain of thought. */
    {"[" QAX("q", "a", "\"reasoning\":\"so it is\",\"rating\":8") "]", "", "lengths.reasoning.n",
     0},
    /* Without case and punctuation. */
    {"[" QA("How is it?", "x") "," QA("how is IT", "y") "," QA("How it is", "x") "]", "",
     "duplicates.exact_question.hits", 1},
    {"[" QA("How is it?", "x") "," QA("how is IT", "y") "," QA("How it is", "x.") "]", "",
     "duplicates.exact_answer.hits", 1},
    {"[" QA("?", "x") "," QA("?", "y") "]", "", "duplicates.exact_question.hits", 0},
    /* 3-grams: 8 and 8, 7 shared of 9: 0.78; then nothing alike. */
    {"[" QA("a b c d e f g h i j", "x") "," QA("a b c d e f g h i k", "x") "," QA("z y x w v",
                                                                                  "x") "]",
     "", "duplicates.near_question.hits", 1},
    {"[" QA("a b c d e f g h i j", "x") "," QA("a b c d e f g h i k", "x") "," QA("z y x w v",
                                                                                  "x") "]",
     "", "duplicates.near_question.n", 3},
    /* a b a | a b: 5 words, 2 different; ab ba ab: 2 of 3; aba: 1 of 1. */
    {"[" QA("a b a", "x") "," QA("a b", "x") "]", "", "diversity.question.distinct_1", 2.0 / 5},
    {"[" QA("a b a", "x") "," QA("a b", "x") "]", "", "diversity.question.distinct_2", 2.0 / 3},
    {"[" QA("a b a", "x") "," QA("a b", "x") "]", "", "diversity.question.distinct_3", 1.0},
    {"[" QA("a b", "x") "]", "", "diversity.question.distinct_3", 0.0},
    {"[" QA("a b c d e", "x") "," QA("z a b c d", "x") "," QA("a b c e d", "x") "]", "",
     "diversity.question.self_repetition", 2.0 / 3},
    /* Twice in one text is no repetition of another one. */
    {"[" QA("a b c d a b c d", "x") "," QA("e", "x") "]", "", "diversity.question.self_repetition",
     0},
    /* Matches 4/5, 3/4, 2/3, 1/2, no brevity. */
    {"[" QA("a b c d e", "x") "," QA("a b c d f", "x") "]", "", "diversity.question.self_bleu",
     0.668740304976422},
    {"[" QA("a b c d", "x") "," QA("a b c d", "x") "]", "", "diversity.question.self_bleu", 1},
    {"[" QA("a b c d", "x") "," QA("e f g h", "x") "]", "", "diversity.question.self_bleu", 0},
    /* (2/2 1/1 .1 .1)^1/4 exp(1 - 4/2); 2/4 1/3 .1/2 .1/1 to the 1/4: means 0.116335, 0.169904 */
    {"[" QA("a b", "x") "," QA("a b c d", "x") "]", "", "diversity.question.self_bleu",
     0.143119744},
    {"[" QA("a b", "x") "]", "", "diversity.question.self_bleu", NOTHING},
    {"[" QA("ab", "x") "," QA("cde", "x") "]", "", "diversity.question.compression_bytes", 7},
    {"[" QA("How does it", "x") "," QA("how DOES that", "x") "," QA("What is", "x") "," QA("Why",
                                                                                           "x") "]",
     "", "diversity.openings.top.0.count", 2},
    {"[" QA("How does it", "x") "," QA("how DOES that", "x") "," QA("What is", "x") "," QA("Why",
                                                                                           "x") "]",
     "", "diversity.openings.n", 3},
    {"[" QA("How does it", "x") "," QA("how is that", "x") "," QA("What is", "x") "," QA("Why",
                                                                                         "x") "]",
     "", "diversity.question_types.entropy_bits", 1.5},
    {"[" QA("How does it", "x") "," QA("What is", "x") "]", "", "diversity.question_types.evenness",
     1},
    {"[" QA("What does the passage say?", "x") "," QA("What is a chunk?", "x") "]", "",
     "grounding.context_references.hits", 1},
    {"[" QA("What?", "The text does not say.") "," QA("What?", "64 KB.") "]", "",
     "grounding.refusals.n", 2},
    /* Half, all and none of the literals. */
    {"[" QA("q", "With 64 KB and `zarr`.") "]", SOURCE, "grounding.mean", 0.5},
    {"[" QA("q", "With 64 KB and `zarr`.") "]", SOURCE, "grounding.below_half", 0},
    {"[" QA("q", "With 64 KB and `zarr`.") "]", SOURCE, "grounding.literals", 2},
    {"[" QA("q", "With `h5py.File`.") "," QA("q", "With 32 KB.") "]", SOURCE, "grounding.all", 0.5},
    {"[" QA("q", "With `h5py.File`.") "," QA("q", "With 32 KB.") "]", SOURCE,
     "grounding.below_half", 0.5},
    /* What the question says is no invention. */
    {"[" QA("Why 32 KB?", "With 32 KB.") "]", SOURCE, "grounding.all", 1},
    {"[" QAX("q", "With 32 KB.", "\"literal_grounding\":0.25") "]", "", "grounding.mean", 0.25},
    {"[" QAX("q", "With 32 KB.", "\"literal_grounding\":0.25") "]", "", "grounding.n_from_record",
     1},
    /* The source is better evidence than the record's word. */
    {"[" QAX("q", "With 64 KB.", "\"literal_grounding\":0.25") "]", SOURCE, "grounding.mean", 1},
    {"[" QA("q", "a") "]", "", "grounding.mean", NOTHING},
    {"[" RATED("7", "a") "," RATED("7.0", "a") "," RATED("9.5", "a") "," RATED("11", "a") "," RATED(
         "\"8\"", "a") "]",
     "", "ratings.rating.n", 3},
    {"[" RATED("7", "a") "," RATED("7.0", "a") "," RATED("9.5", "a") "," RATED("-1", "a") "]", "",
     "ratings.rating.outside", 1},
    {"[" RATED("7", "a") "," RATED("7.0", "a") "," RATED("9.5", "a") "]", "",
     "ratings.rating.mode_share", 2.0 / 3},
    {"[" RATED("7", "a") "," RATED("7.0", "a") "," RATED("9.5", "a") "]", "",
     "ratings.rating.histogram.10", 1},
    {"[" RATED("0", "a") "," RATED("10", "a") "]", "", "ratings.rating.histogram.0", 1},
    {"[" RATED("0", "a") "," RATED("10", "a") "]", "", "ratings.rating.mode", 0},
    {"[" RATED("1", "a") "," RATED("2", "a b") "," RATED("3", "a b c") "]", "",
     "ratings.length_correlation", 1},
    {"[" RATED("3", "a") "," RATED("2", "a b") "," RATED("1", "a b c") "]", "",
     "ratings.length_correlation", -1},
    {"[" RATED("3", "a") "," RATED("3", "a b") "]", "", "ratings.length_correlation", 0},
    {"[" QAX("q", "a", "\"clarity\":3,\"difficulty\":1") "," QAX("q", "a", "\"clarity\":2") "]", "",
     "ratings.clarity.mean", 2.5},
    {"[" QAX("q", "a", "\"topic_relevant\":false") "," QAX("q", "a", "\"topic_relevant\":true") "]",
     "", "ratings.topic_relevant.hits", 1},
    {"[" FROM("s", "1") "," FROM("s", "1") "," FROM("s", "2") "," FROM("t", "1") "]", "",
     "sources.chunks", 3},
    {"[" FROM("s", "1") "," FROM("s", "1") "," FROM("s", "2") "," FROM("t", "1") "]", "",
     "sources.rows_per_chunk", 4.0 / 3},
    {"[" FROM("s", "1") "," FROM("s", "1") "," FROM("s", "2") "," FROM("t", "1") "]", "",
     "sources.sources.top.0.share", 0.75},
    {"[" QAX("q", "a", "\"source_file\":\"f\"") "]", "", "sources.sources.n", 1},
    /* What an export put into "metadata". */
    {"[" QAX("q", "a", "\"metadata\":{\"rating\":8,\"source\":\"s\",\"question\":\"other\"}") "]",
     "", "ratings.rating.mean", 8},
    {"[" QAX("q", "a", "\"metadata\":{\"rating\":8,\"source\":\"s\",\"question\":\"other\"}") "]",
     "", "sources.sources.n", 1},
    {"[" QAX("q", "a", "\"topic\":\"t\",\"category\":\"c\"") "]", "", "sources.kinds.n", 1},
    {"[{\"text\":\"" SIX_WORDS "\"}]", "", "lengths.question.n", 0},
    {"[{\"text\":\"" SIX_WORDS "\"}]", "", "lengths.answer.mean", 6},
    {"[{\"text\":\"" SIX_WORDS "\"}]", "", "read_as.text", 1},
};

static void figures_by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        const struct figure *f = &figures[i];
        const struct gen_metrics_result *r = NULL;
        struct gen_metrics *m = measure(f->rows, f->source, NULL, &r);
        struct gen_json_doc *doc = as_json(r);
        const struct gen_json *v = at_path(gen_json_root(doc), f->path);
        double have = NOTHING;
        bool is_null = gen_json_type(v) == GEN_JSON_NULL;
        bool is_number = gen_json_as_real(v, &have);
        if (f->expected == NOTHING ? !is_null : !is_number)
            fail_msg("%s of %s is of type %s", f->path, f->rows,
                     gen_json_type_name(gen_json_type(v)));
        if (fabs(have - f->expected) > 1e-6)
            fail_msg("%s of %s is %.9f, not %.9f", f->path, f->rows, have, f->expected);
        gen_json_doc_free(doc);
        gen_metrics_free(m);
    }
}

/* shape|question|answer|reasoning, or why there is none. */
static void shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *view;
    } cases[] = {
        {QA("q", "a"), "qa|q|a|"},
        {QAX("q", "a", "\"reasoning\":\"r\""), "cot|q|a|r"},
        {QAX("q", "a", "\"format\":\"qa\",\"reasoning\":\"r\""), "qa|q|a|"},
        {QAX("q", "a", "\"reasoning\":\"judge\",\"rating\":7"), "qa|q|a|"},
        {QAX("q", "a", "\"reasoning\":\"r\",\"rating\":7,\"rating_reasoning\":\"judge\""),
         "cot|q|a|r"},
        {QA("q", "<think>\\nr\\n</think>\\n\\na"), "qa|q|a|r"},
        {QA("q", "<think>never closed"), "qa|q|<think>never closed|"},
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
         "{\"role\":\"user\",\"content\":\"q1\"},{\"role\":\"assistant\",\"content\":\"a1\"},"
         "{\"role\":\"user\",\"content\":\"q2\"},{\"role\":\"assistant\",\"content\":\"a2\","
         "\"reasoning_content\":\"r2\"}]}",
         "messages|q2|a2|r2"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
         "\"content\":null,\"tool_calls\":[{}]},{\"role\":\"tool\",\"content\":\"t\"},"
         "{\"role\":\"assistant\",\"content\":\"a\"}]}",
         "messages|q|a|"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]},"
         "{\"role\":\"assistant\",\"content\":[{\"text\":\"a\"}]}]}",
         "messages|q|a|"},
        {"{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"
         "{\"from\":\"gpt\",\"value\":\"<think>r</think>a\"}],\"system\":\"s\"}",
         "sharegpt|q|a|r"},
        {"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]},{\"role\":\"model\","
         "\"parts\":[{\"text\":\"r\",\"thought\":true},{\"text\":\"a\"}]}]}",
         "contents|q|a|r"},
        {"{\"prompt\":\"q\",\"completion\":\"a\"}", "prompt_completion|q|a|"},
        {"{\"prompt\":\"q\",\"response\":\"a\"}", "prompt_completion|q|a|"},
        {"{\"prompt\":[{\"role\":\"user\",\"content\":\"q\"}],"
         "\"completion\":[{\"role\":\"assistant\",\"content\":\"a\"}]}",
         "prompt_completion|q|a|"},
        {"{\"instruction\":\"q\",\"input\":\"\",\"output\":\"a\"}", "alpaca|q|a|"},
        {"{\"instruction\":\"q\",\"response\":\"a\"}", "alpaca|q|a|"},
        {"{\"instruction\":\"q\",\"solution\":{\"calls\":[]}}", "tool|q||"},
        {"{\"text\":\"t\"}", "text||t|"},
        {"{\"instruction\":\"q\"}", "no \"output\""},
        {"{\"prompt\":\"q\"}", "no \"response\""},
        {"{\"question\":\"q\"}", "no \"answer\""},
        {"{\"question\":7,\"answer\":\"a\"}", "\"question\" is an integer, not a string"},
        {"{\"question\":\"q\",\"answer\":\" \\n\"}", "\"answer\" is empty"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
         "the conversation has no text of an assistant"},
        {"{\"messages\":[7,null]}", "the conversation has no text of an assistant"},
        {"{\"conversations\":[]}", "the conversation has no text of an assistant"},
        {"{\"messages\":\"x\"}", "none of the known fields: question and answer, messages, "
                                 "conversations, prompt and completion, instruction and output, "
                                 "text"},
        {"[1]", "it is no JSON object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_json_doc *doc = parse(cases[i].text);
        struct gen_metrics_view v;
        char why[160] = "";
        char have[400];
        if (gen_metrics_read(gen_json_root(doc), &v, why, sizeof(why)))
            (void)snprintf(have, sizeof(have), "%s|%.*s|%.*s|%.*s", gen_metrics_shape_name(v.shape),
                           GEN_STR_ARG(v.question), GEN_STR_ARG(v.answer),
                           GEN_STR_ARG(v.reasoning));
        else
            (void)snprintf(have, sizeof(have), "%s", why);
        if (strcmp(have, cases[i].view) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].text, have, cases[i].view);
        gen_json_doc_free(doc);
    }
}

/* Rows with words drawn by a small generator: `n` of them, numbered from `first`. */
static void add_random(struct gen_metrics *m, uint64_t first, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        char row[512];
        size_t at = (size_t)snprintf(row, sizeof(row), "{\"question\":\"How");
        uint64_t x = i + 1;
        for (size_t w = 0; w < 12; w++) {
            x = gen_hash_mix(x + 0x9E3779B97F4A7C15ULL);
            at += (size_t)snprintf(row + at, sizeof(row) - at, " w%llu",
                                   (unsigned long long)(x % 500));
        }
        (void)snprintf(row + at, sizeof(row) - at, "\",\"answer\":\"a%llu\"}",
                       (unsigned long long)i);
        struct gen_json_doc *doc = parse(row);
        assert_int_equal(gen_metrics_add(m, first + i, gen_json_root(doc), GEN_STR(SOURCE), NULL),
                         GEN_OK);
        gen_json_doc_free(doc);
    }
}

static char *text_of(const struct gen_metrics_result *r)
{
    struct gen_jb *b = NULL;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    assert_int_equal(gen_jb_write(b, gen_metrics_write(r, b), GEN_JSON_COMPACT, &out, NULL),
                     GEN_OK);
    gen_jb_free(b);
    return gen_buf_take(&out, &n);
}

static char *figures_of(uint64_t seed, struct gen_metrics **m)
{
    const struct gen_metrics_options options = {
        .seed = seed, .sample_rows = 50, .near_rows = 100, .grounding_rows = 40, .check_rows = 60};
    const struct gen_metrics_result *r = NULL;
    assert_int_equal(gen_metrics_new(m, &options, NULL), GEN_OK);
    add_random(*m, 1, 1000);
    assert_int_equal(gen_metrics_finish(*m, &r, NULL), GEN_OK);
    return text_of(r);
}

static void samples_depend_on_the_seed_alone(void **state)
{
    (void)state;
    struct gen_metrics *m[3];
    char *one = figures_of(7, &m[0]);
    char *same = figures_of(7, &m[1]);
    char *other = figures_of(8, &m[2]);
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    const struct gen_metrics_result *r = NULL;
    assert_int_equal(gen_metrics_finish(m[0], &r, NULL), GEN_OK);
    assert_int_equal(r->sample_rows, 50);
    assert_int_equal(r->question_diversity.n_rows, 50);
    assert_true(r->duplicates.near_is_sample);
    assert_in_range(r->duplicates.near.n, 25, 100);
    assert_true(r->checks_are_sample);
    assert_in_range(r->context_references.n, 15, 60);
    assert_true(r->grounding.is_sample);
    assert_in_range(r->grounding.n, 10, 40);
    assert_int_equal(r->grounding.n, r->grounding.n_from_source);
    /* What is no sample is of all rows. */
    assert_int_equal(r->duplicates.question.n, 1000);
    for (size_t i = 0; i < 3; i++) {
        assert_true(r->question_diversity.distinct[i] > 0.0);
        assert_true(r->question_diversity.distinct[i] <= 1.0);
    }
    for (size_t i = 0; i < 3; i++)
        gen_metrics_free(m[i]);
    free(one);
    free(same);
    free(other);
}

static void a_set_twice_has_all_its_rows_as_duplicates(void **state)
{
    (void)state;
    struct gen_metrics *m = NULL;
    const struct gen_metrics_result *r = NULL;
    assert_int_equal(gen_metrics_new(&m, NULL, NULL), GEN_OK);
    add_random(m, 1, 300);
    add_random(m, 301, 300);
    assert_int_equal(gen_metrics_finish(m, &r, NULL), GEN_OK);
    assert_int_equal(r->duplicates.question.hits, 300);
    assert_int_equal(r->duplicates.answer.hits, 300);
    assert_int_equal(r->duplicates.near.hits, 300);
    assert_false(r->duplicates.near_is_sample);
    assert_true(r->question_diversity.self_repetition.share > 0.999);
    assert_true(r->question_diversity.compression > 1.5);
    gen_metrics_free(m);
}

/* Of a sample, too, because like questions are drawn together. */
static void a_sample_finds_near_duplicates(void **state)
{
    (void)state;
    const struct gen_metrics_options options = {.near_rows = 400};
    struct gen_metrics *m = NULL;
    const struct gen_metrics_result *r = NULL;
    assert_int_equal(gen_metrics_new(&m, &options, NULL), GEN_OK);
    for (uint64_t i = 0; i < 4000; i++) {
        char row[512];
        uint64_t x = i / 2 + 1;
        size_t at = (size_t)snprintf(row, sizeof(row), "{\"answer\":\"a\",\"question\":\"");
        for (size_t w = 0; w < 14; w++) {
            x = gen_hash_mix(x + 0x9E3779B97F4A7C15ULL);
            at += (size_t)snprintf(row + at, sizeof(row) - at, "w%llu ",
                                   (unsigned long long)(x % 5000));
        }
        /* 13 threes, of which the last is another one in each second row: 12 of 14 are shared. */
        (void)snprintf(row + at, sizeof(row) - at, "%s\"}", i % 2 ? "x" : "y");
        struct gen_json_doc *doc = parse(row);
        assert_int_equal(gen_metrics_add(m, i + 1, gen_json_root(doc), GEN_STR(""), NULL), GEN_OK);
        gen_json_doc_free(doc);
    }
    assert_int_equal(gen_metrics_finish(m, &r, NULL), GEN_OK);
    assert_true(r->duplicates.near_is_sample);
    assert_in_range(r->duplicates.near.n, 150, 400);
    /* Half of all rows repeat the one before. */
    assert_true(r->duplicates.near.share > 0.35 && r->duplicates.near.share <= 0.5);
    gen_metrics_free(m);
}

static void sets_are_compared_at_equal_size(void **state)
{
    (void)state;
    struct gen_metrics *m = NULL;
    const struct gen_metrics_result *r = NULL;
    struct gen_metrics_diversity d;
    struct gen_buf packed = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_metrics_new(&m, NULL, NULL), GEN_OK);
    add_random(m, 1, 200);
    assert_int_equal(gen_metrics_finish(m, &r, NULL), GEN_OK);
    assert_int_equal(gen_metrics_diversity_of(m, GEN_METRICS_QUESTION, 200, SIZE_MAX, &d, NULL),
                     GEN_OK);
    assert_memory_equal(&d, &r->question_diversity, sizeof(d));
    assert_int_equal(gen_metrics_diversity_of(m, GEN_METRICS_QUESTION, 20, 100, &d, NULL), GEN_OK);
    assert_int_equal(d.n_rows, 20);
    assert_int_equal(d.n_bleu_rows, 20);
    assert_int_equal(d.compress_bytes, 100);
    assert_true(d.distinct[0] > r->question_diversity.distinct[0]); /* the smaller, the higher */
    gen_metrics_free(m);

    m = measure("[" QA("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x") "]", "", NULL, &r);
    assert_int_equal(
        gen_gzip(&packed, GEN_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"), NULL),
        GEN_OK);
    assert_true(fabs(r->question_diversity.compression - 46.0 / (double)packed.n) < 1e-9);
    gen_buf_release(&packed);
    gen_metrics_free(m);
}

static void percentiles(void **state)
{
    (void)state;
    struct gen_histogram *h = calloc(1, sizeof(*h));
    struct gen_metrics_lengths l;
    assert_non_null(h);
    for (uint64_t i = 100; i > 0; i--)
        gen_histogram_add(h, i);
    gen_histogram_read(h, &l);
    assert_int_equal(l.p5, 5);
    assert_int_equal(l.p50, 50);
    assert_int_equal(l.p95, 95);
    assert_true(l.mean == 50.5);
    memset(h, 0, sizeof(*h));
    static const uint64_t large[] = {4096, 100000, 12345678901ULL, UINT64_MAX};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        memset(h, 0, sizeof(*h));
        gen_histogram_add(h, 1);
        gen_histogram_add(h, large[i]);
        gen_histogram_add(h, UINT64_MAX);
        gen_histogram_read(h, &l);
        assert_int_equal(l.max, UINT64_MAX);
        assert_true(fabs((double)l.p50 - (double)large[i]) <= 0.01 * (double)large[i]);
    }
    free(h);
}

static void fingerprints_become_an_estimate(void **state)
{
    (void)state;
    struct gen_fingerprints f = {.n_slots_max = 4096};
    struct gen_metrics_share share;
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 100000; i++)
            assert_int_equal(gen_fingerprints_add(&f, gen_hash_mix(i + 1), NULL), GEN_OK);
    }
    gen_fingerprints_read(&f, &share);
    assert_true(f.level > 0);
    assert_true(f.n_slots <= 4096);
    /* Each of the texts that are looked at was seen twice. */
    assert_true(fabs(share.share - 0.5) < 0.01);
    double distinct = (double)gen_fingerprints_distinct(&f);
    assert_true(distinct > 90000.0 && distinct < 110000.0);
    gen_fingerprints_release(&f);

    assert_int_equal(gen_fingerprints_add(&f, 0, NULL), GEN_OK); /* any hash will do */
    gen_fingerprints_release(&f);
}

static void samplers_keep_to_their_size(void **state)
{
    (void)state;
    struct gen_sampler up = {.n_max = 100};
    struct gen_sampler down = {.n_max = 100};
    for (uint64_t i = 1; i <= 5000; i++) {
        uint64_t a = gen_metrics_row_hash(i, 3);
        uint64_t b = gen_metrics_row_hash(5001 - i, 3);
        if (gen_sampler_wants(&up, a))
            gen_sampler_take(&up, a);
        if (gen_sampler_wants(&down, b))
            gen_sampler_take(&down, b);
    }
    assert_in_range(up.n, 30, 100);
    /* Whatever the order. */
    assert_int_equal(up.n, down.n);
    assert_int_equal(up.level, down.level);
}

static void names_have_a_ceiling(void **state)
{
    (void)state;
    struct gen_tally t = gen_tally_make();
    struct gen_metrics_names names;
    char name[300];
    for (unsigned i = 0; i < GEN_TALLY_NAMES_MAX + 100; i++) {
        (void)snprintf(name, sizeof(name), "name %u", i);
        assert_int_equal(gen_tally_add_name(&t, gen_str_from(name), NULL), GEN_OK);
    }
    assert_int_equal(gen_tally_add_name(&t, GEN_STR("name 9"), NULL), GEN_OK);
    gen_tally_read(&t, &names);
    assert_true(names.is_partial);
    assert_int_equal(names.n, GEN_TALLY_NAMES_MAX + 101);
    assert_int_equal(names.n_distinct, GEN_TALLY_NAMES_MAX);
    assert_string_equal(names.top[0].name, "name 9");
    assert_string_equal(names.top[1].name, "name 0");
    gen_tally_release(&t);

    /* A long one is cut between characters. */
    t = gen_tally_make();
    for (size_t i = 0; i < 298; i += 2)
        memcpy(name + i, "\xC3\xA4", 2);
    assert_int_equal(gen_tally_add_name(&t, (struct gen_str){name, 298}, NULL), GEN_OK);
    gen_tally_read(&t, &names);
    size_t n = strlen(names.top[0].name);
    assert_string_equal(names.top[0].name + n - 3, "...");
    assert_int_equal(n % 2, 1);
    assert_true(n < GEN_METRICS_NAME_BYTES);
    gen_tally_release(&t);
}

static void misuse(void **state)
{
    (void)state;
    const struct gen_metrics_result *r = NULL;
    struct gen_error err = {0};
    struct gen_metrics *m = measure("[]", "", NULL, &r);
    struct gen_json_doc *doc = parse(QA("q", "a"));
    assert_int_equal(gen_metrics_add(m, 1, gen_json_root(doc), GEN_STR(""), &err), GEN_ESTATE);
    gen_json_doc_free(doc);
    gen_metrics_free(m);
    gen_metrics_free(NULL);

    assert_int_equal(gen_metrics_new(&m, NULL, NULL), GEN_OK);
    char why[300];
    memset(why, 'x', sizeof(why));
    why[299] = '\0';
    for (uint64_t i = 1; i <= 20; i++)
        gen_metrics_add_malformed(m, i, why);
    assert_int_equal(gen_metrics_finish(m, &r, NULL), GEN_OK);
    assert_int_equal(r->n_malformed, 20);
    assert_int_equal(r->n_malformed_shown, GEN_METRICS_TOP);
    assert_int_equal(strlen(r->malformed[0].why), sizeof(r->malformed[0].why) - 1);
    gen_metrics_free(m);
}

/* One figure at a time beyond its limit, then at it. */
static void gates(void **state)
{
    (void)state;
    struct gen_metrics_result clean = {.n_rows = 100, .n_records = 100};
    const struct gen_metrics_share none = {.n = 100};
    clean.duplicates.question = none;
    clean.duplicates.near = none;
    clean.short_answers = none;
    clean.context_references = none;
    clean.refusals = none;
    clean.grounding.n = 100;
    clean.rating.n = 100;
    clean.n_correlated = 100;
    clean.openings.n = 100;
    clean.openings.n_top = 1;
    clean.question_diversity.n_rows = 100;
    clean.answer_diversity.n_rows = 100;
    struct gen_metrics_result bad[13];
    for (size_t i = 0; i < 13; i++)
        bad[i] = clean;
    bad[0].n_malformed = 1;
    bad[1].grounding.low_share = 0.011;
    bad[2].rating.mode_share = 0.432;
    bad[2].rating.mode = 7;
    bad[3].rating_length_correlation = -0.6;
    bad[4].rating.n_outside = 1;
    bad[5].duplicates.question = (struct gen_metrics_share){100, 2, 0.02};
    bad[6].duplicates.near = (struct gen_metrics_share){100, 1, 0.01};
    bad[7].context_references = (struct gen_metrics_share){100, 1, 0.01};
    bad[8].refusals = (struct gen_metrics_share){100, 1, 0.01};
    bad[9].openings.top[0].share = 0.15;
    (void)snprintf(bad[9].openings.top[0].name, sizeof(bad[9].openings.top[0].name), "how does");
    bad[10].question_diversity.compression = 4.6;
    bad[11].answer_diversity.compression = 4.6;
    bad[12].short_answers = (struct gen_metrics_share){100, 6, 0.06};
    static const char *const says[13][2] = {
        {"malformed_rows", "1 of 100 rows (1.00 %)"},
        {"grounding", "in 1.1 % of the rows less than half"},
        {"rating_concentration", "43.2 % of the ratings are 7 (limit 40 %): the judge may not "
                                 "discriminate; try another judge model or a higher threshold"},
        {"rating_follows_length", "rating and length of the answer go together with r = -0.60"},
        {"rating_scale", "1.0 % of the ratings (1) are not from 0 to 10"},
        {"exact_duplicates", "2.0 % of the questions (2) repeat an earlier one"},
        {"near_duplicates", "1.0 % of the questions nearly repeat"},
        {"context_references", "1.0 % of the questions point at a text"},
        {"refusals", "1.0 % of the answers refuse"},
        {"opening_concentration", "15.0 % of the questions begin with \"how does\" (limit 15 %)"},
        {"question_repetition", "the questions compress"},
        {"answer_repetition", "the answers compress"},
        {"short_answers", "6.0 % of the answers have fewer than 5 words"},
    };
    struct gen_gates g;
    gen_gates_check(&clean, &g);
    assert_int_equal(g.n, 0);
    for (size_t i = 0; i < 13; i++) {
        gen_gates_check(&bad[i], &g);
        if (g.n != 1 || strcmp(g.crossed[0].name, says[i][0]) != 0 ||
            strncmp(g.crossed[0].sentence, says[i][1], strlen(says[i][1])) != 0)
            fail_msg("%s: %zu crossed, \"%s\"", says[i][0], g.n, g.n ? g.crossed[0].sentence : "");
        assert_true(strlen(g.crossed[0].sentence) + 1 < sizeof(g.crossed[0].sentence));
    }
    /* Too few rows to judge shares of them. */
    bad[2].rating.n = 19;
    gen_gates_check(&bad[2], &g);
    assert_int_equal(g.n, 0);
    /* At the limit of those that may be reached. */
    bad[3].rating_length_correlation = 0.5;
    gen_gates_check(&bad[3], &g);
    assert_int_equal(g.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(shapes),
        cmocka_unit_test(samples_depend_on_the_seed_alone),
        cmocka_unit_test(a_set_twice_has_all_its_rows_as_duplicates),
        cmocka_unit_test(a_sample_finds_near_duplicates),
        cmocka_unit_test(sets_are_compared_at_equal_size),
        cmocka_unit_test(percentiles),
        cmocka_unit_test(fingerprints_become_an_estimate),
        cmocka_unit_test(samplers_keep_to_their_size),
        cmocka_unit_test(names_have_a_ceiling),
        cmocka_unit_test(misuse),
        cmocka_unit_test(gates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
