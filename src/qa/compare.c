/* The questions of a comparison: the judge of single pairs, the description of a set, the words for
 * the decision. What the model says about ids and figures is checked; what it decides is noted. */
#include "qa/compare.h"

#include "base/utf8.h"
#include "qa/common.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENS_A_SET       500
#define TOKENS_A_CHOICE    400
#define ANSWER_CHARS_MAX   1200
#define OBSERVATIONS_MAX   4
#define SCORE_DISTANCE_MAX 3.0

enum question { JUDGE, DESCRIBE, CHOOSE };

struct gen_qa_compare {
    struct gen_step_common common;
    struct gen_qa_compare_options o;
    struct gen_qa_rate *rate;
    struct gen_step judge;
    struct gen_step_prompt evaluation, selection;
    char selection_schema[900];
};

/* The layout shows the nesting. */
/* clang-format off */
#define STRING "{\"type\":\"string\"}"
static const char evaluation_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"strengths\",\"weaknesses\",\"most_frequent_fault\",\"score\"],\"properties\":{"
    "\"strengths\":{\"type\":\"array\",\"maxItems\":4,\"items\":" STRING "},"
    "\"weaknesses\":{\"type\":\"array\",\"maxItems\":4,\"items\":" STRING "},"
    "\"most_frequent_fault\":{\"type\":\"string\",\"enum\":[\"none\",\"vague_question\","
    "\"document_reference\",\"unsupported_claim\",\"incomplete_answer\",\"trivial\",\"repetitive\","
    "\"style\",\"off_topic\"]},"
    "\"score\":{\"type\":\"integer\",\"enum\":[1,2,3,4,5,6,7,8,9,10]}}}";
static const char selection_head[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"reasoning\",\"winner\",\"alternative\",\"alternative_reason\"],\"properties\":{"
    "\"reasoning\":" STRING ",\"winner\":{\"type\":\"string\",\"enum\":[";
static const char selection_tail[] =
    "\"tie\"]},"
    "\"alternative\":{\"type\":\"string\",\"enum\":[\"none\",\"merge_after_dedup\","
    "\"take_best_rows_of_each\",\"use_loser_for_missing_topics\",\"regenerate\"]},"
    "\"alternative_reason\":" STRING "}}";
/* clang-format on */

static enum question question_of(const struct gen_qa_compare *c, const struct gen_item *item)
{
    if (item->position < c->o.n_draws)
        return JUDGE;
    return item->position < c->o.n_draws + c->o.n_sets ? DESCRIBE : CHOOSE;
}

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    const struct gen_qa_compare *c = ud;
    *is_skip = false;
    return question_of(c, item) == JUDGE ? c->judge.prefilter(c->judge.ud, item, is_skip) : NULL;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    const struct gen_qa_compare *c = ud;
    enum question q = question_of(c, item);
    if (q == JUDGE)
        return c->judge.stable(c->judge.ud, item);
    return q == DESCRIBE ? &c->evaluation.stable : &c->selection.stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    const struct gen_qa_compare *c = ud;
    enum question q = question_of(c, item);
    if (q == JUDGE)
        return c->judge.schema(c->judge.ud, item);
    return q == DESCRIBE ? c->evaluation.schema : c->selection.schema;
}

/* ---- the records of the questions ---- */

struct rated {
    size_t index;
    double rating;
};

static int by_rating(const void *a, const void *b)
{
    const struct rated *x = a;
    const struct rated *y = b;
    int order = (x->rating > y->rating) - (x->rating < y->rating);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
    const size_t *x = a;
    const size_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Every n-th by rating, in the order of the sample: a long sample is cut without being bent. */
static int choose_shown(const struct gen_str *records, size_t n, size_t *shown, size_t *n_shown,
                        struct gen_error *err)
{
    struct rated *rows = calloc(n + 1, sizeof(*rows));
    if (!rows)
        return gen_nomem(err, "the sample");
    for (size_t i = 0; i < n; i++) {
        struct gen_json_doc *doc = NULL;
        rows[i].index = i;
        if (gen_json_parse(&doc, records[i], NULL) == GEN_OK)
            (void)gen_json_as_real(gen_json_get(gen_json_root(doc), "rating"), &rows[i].rating);
        gen_json_doc_free(doc);
    }
    qsort(rows, n, sizeof(*rows), by_rating);
    *n_shown = n < GEN_COMPARE_SHOWN ? n : GEN_COMPARE_SHOWN;
    for (size_t i = 0; i < *n_shown; i++)
        shown[i] = rows[i * n / *n_shown].index;
    qsort(shown, *n_shown, sizeof(*shown), by_index);
    free(rows);
    return GEN_OK;
}

static void copy_member(struct gen_jb *b, struct gen_jmut *to, const char *key,
                        const struct gen_json *from, const char *old_key)
{
    const struct gen_json *v = gen_json_get(from, old_key);
    if (v)
        gen_jb_put(b, to, key, gen_jb_copy(b, v));
}

static struct gen_jmut *sample_of(struct gen_jb *b, const struct gen_json *record)
{
    static const char *const numbers[] = {"rating", "clarity", "accuracy", "usefulness",
                                          "difficulty"};
    struct gen_jmut *o = gen_jb_object(b);
    copy_member(b, o, "question", record, "question");
    copy_member(b, o, "answer", record, "answer");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        copy_member(b, o, numbers[i], record, numbers[i]);
    copy_member(b, o, "weakest_point", record, "reasoning");
    return o;
}

int gen_qa_compare_put_set(struct gen_buf *out, const struct gen_str *records, size_t n_records,
                           double mean, size_t *shown, size_t *n_shown, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = choose_shown(records, n_records, shown, n_shown, err);
    if (rc == GEN_OK)
        rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *samples = gen_jb_array(b);
    gen_jb_put_int(b, o, "n", (int64_t)n_records);
    gen_jb_put_real(b, o, "mean", mean);
    for (size_t i = 0; i < *n_shown && rc == GEN_OK; i++) {
        struct gen_json_doc *doc = NULL;
        rc = gen_json_parse(&doc, records[shown[i]], err);
        if (rc == GEN_OK)
            gen_jb_append(b, samples, sample_of(b, gen_json_root(doc)));
        gen_json_doc_free(doc);
    }
    gen_jb_put(b, o, "samples", samples);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

int gen_qa_compare_put_choice(struct gen_buf *out, const struct gen_compare_figures *sets,
                              const size_t *order, size_t n_sets, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *rows = gen_jb_array(b);
    for (size_t i = 0; i < n_sets; i++) {
        const struct gen_compare_figures *f = &sets[order[i]];
        struct gen_jmut *row = gen_jb_object(b);
        gen_jb_put_str(b, row, "label", GEN_COMPARE_LABEL(i));
        gen_jb_put_int(b, row, "rows", (int64_t)f->n_rows);
        gen_jb_put_int(b, row, "judged", (int64_t)f->quality.n);
        gen_jb_put_real(b, row, "mean", f->quality.mean);
        gen_jb_put_real(b, row, "low", f->quality.interval.low);
        gen_jb_put_real(b, row, "high", f->quality.interval.high);
        gen_jb_put_real(b, row, "behind_low", f->quality.behind.low);
        gen_jb_put_real(b, row, "grounded", f->grounded);
        gen_jb_put_real(b, row, "duplicates", f->duplicates);
        gen_jb_put_real(b, row, "diversity", f->diversity);
        gen_jb_put_real(b, row, "sourced", f->sourced);
        gen_jb_append(b, rows, row);
    }
    gen_jb_put(b, o, "sets", rows);
    rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* ---- asking ---- */

static double real_of(const struct gen_json *o, const char *key)
{
    double value = 0;
    (void)gen_json_as_real(gen_json_get(o, key), &value);
    return value;
}

static int render_sample(struct gen_arena *arena, struct gen_buf *out, size_t i,
                         const struct gen_json *sample, struct gen_error *err)
{
    struct gen_str question = gen_step_defuse(arena, gen_json_get_str(sample, "question"));
    struct gen_str answer = gen_json_get_str(sample, "answer");
    struct gen_str shown = gen_utf8_prefix(answer, ANSWER_CHARS_MAX);
    struct gen_str weakest = gen_step_defuse(arena, gen_json_get_str(sample, "weakest_point"));
    bool is_cut = shown.n < answer.n;
    shown = gen_step_defuse(arena, shown);
    return gen_buf_printf(
        out, err,
        "[p%zu] rating %g: clarity %g of 3, accuracy %g of 3, usefulness %g of 2, difficulty %g of "
        "2\nQuestion: %.*s\nAnswer: %.*s%s\nWeakest point: %.*s\n",
        i + 1, real_of(sample, "rating"), real_of(sample, "clarity"), real_of(sample, "accuracy"),
        real_of(sample, "usefulness"), real_of(sample, "difficulty"), GEN_STR_ARG(question),
        GEN_STR_ARG(shown), is_cut ? " [the rest is not shown]" : "", GEN_STR_ARG(weakest));
}

static int ask_set(const struct gen_qa_compare *c, const struct gen_json *record,
                   struct gen_question *q, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)16 << 20);
    const struct gen_json *samples = gen_json_get(record, "samples");
    size_t n = gen_json_count(samples);
    int rc = GEN_OK;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *sample;
    gen_json_iter_init(&it, samples);
    for (size_t i = 0; rc == GEN_OK && gen_json_iter_next(&it, &key, &sample); i++)
        rc = render_sample(q->scratch, &text, i, sample, err);
    const struct gen_prompt_value values[] = {
        {"samples", gen_buf_str(&text)},
        {"sample_count", gen_step_number(q->scratch, (int64_t)n)},
        /* Blind: a name would be judged with the set. */
        {"dataset_name", GEN_STR("this set")},
    };
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, c->evaluation.prompt, values,
                               sizeof(values) / sizeof(values[0]), err);
    gen_buf_release(&text);
    q->inputs.task = GEN_TASK_DESCRIBE_SET;
    q->tokens_out_max = gen_step_tokens(&c->common, 1, TOKENS_A_SET);
    return rc;
}

/* One line of a table: a name and a value of each set. */
static int put_line(struct gen_buf *out, const struct gen_json *sets, const char *name,
                    const char *key, bool is_share, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str ignored;
    const struct gen_json *set;
    int rc = gen_buf_add_c(out, name, err);
    gen_json_iter_init(&it, sets);
    while (rc == GEN_OK && gen_json_iter_next(&it, &ignored, &set)) {
        double value = real_of(set, key);
        if (value < 0)
            rc = gen_buf_add_c(out, " | not known", err);
        else if (is_share)
            rc = gen_buf_printf(out, err, " | %.1f %%", value * 100);
        else
            rc = gen_buf_printf(out, err, " | %.10g", (double)(int64_t)(value * 100 + 0.5) / 100);
    }
    return rc ? rc : gen_buf_add_char(out, '\n', err);
}

static int put_labels(struct gen_buf *out, const struct gen_json *sets, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, "figure", err);
    for (size_t i = 0; i < gen_json_count(sets) && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, " | %.1s", GEN_COMPARE_LABEL(i).p);
    return rc ? rc : gen_buf_add_char(out, '\n', err);
}

static int put_tables(const struct gen_json *sets, struct gen_buf *quality, struct gen_buf *metrics,
                      struct gen_error *err)
{
    static const struct {
        const char *name, *key;
        bool is_share, is_quality;
    } lines[] = {
        {"judged pairs", "judged", false, true},
        {"mean rating, 0 to 10", "mean", false, true},
        {"lower end of its interval", "low", false, true},
        {"upper end of its interval", "high", false, true},
        {"judged with the source in view", "sourced", true, true},
        {"rows", "rows", false, false},
        {"literals of answers found in their sources", "grounded", true, false},
        {"questions that repeat another one", "duplicates", true, false},
        {"different two-word sequences in questions (distinct-2)", "diversity", false, false},
    };
    int rc = put_labels(quality, sets, err);
    if (rc == GEN_OK)
        rc = put_labels(metrics, sets, err);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && rc == GEN_OK; i++)
        rc = put_line(lines[i].is_quality ? quality : metrics, sets, lines[i].name, lines[i].key,
                      lines[i].is_share, err);
    return rc;
}

static int ask_choice(const struct gen_qa_compare *c, const struct gen_json *record,
                      struct gen_question *q, struct gen_error *err)
{
    struct gen_buf quality = gen_buf_make((size_t)1 << 20);
    struct gen_buf metrics = gen_buf_make((size_t)1 << 20);
    int rc = put_tables(gen_json_get(record, "sets"), &quality, &metrics, err);
    const struct gen_prompt_value values[] = {
        {"metrics_comparison", gen_buf_str(&metrics)},
        {"quality_scores", gen_buf_str(&quality)},
    };
    if (rc == GEN_OK)
        rc = gen_prompt_render(&q->user, c->selection.prompt, values,
                               sizeof(values) / sizeof(values[0]), err);
    gen_buf_release(&quality);
    gen_buf_release(&metrics);
    q->inputs.task = GEN_TASK_CHOOSE_SET;
    q->tokens_out_max = gen_step_tokens(&c->common, 1, TOKENS_A_CHOICE);
    return rc;
}

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_qa_compare *c = ud;
    enum question kind = question_of(c, items[0]);
    if (kind == JUDGE)
        return c->judge.ask(c->judge.ud, items, n, q, err);
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, items[0]->record, err);
    if (rc)
        return rc;
    q->inputs.record = items[0]->record;
    rc = kind == DESCRIBE ? ask_set(c, gen_json_root(doc), q, err)
                          : ask_choice(c, gen_json_root(doc), q, err);
    gen_json_doc_free(doc);
    return rc;
}

/* ---- what comes back ---- */

/* Copies the observations whose ids exist; counts the others. */
static struct gen_jmut *checked(struct gen_jb *b, const struct gen_json *list, size_t n_samples,
                                size_t *n_unknown)
{
    struct gen_jmut *out = gen_jb_array(b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    size_t n = 0;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &v)) {
        struct gen_str text = {NULL, 0};
        (void)gen_json_as_str(v, &text);
        text = gen_str_trim(text);
        bool exists = gen_compare_ids_exist(text, n_samples);
        *n_unknown += !exists;
        if (text.n && exists && n++ < OBSERVATIONS_MAX)
            gen_jb_append(b, out, gen_jb_str(b, text));
    }
    return out;
}

static int produce(struct gen_jb *b, const struct gen_jmut *o, struct gen_outcome *outcome,
                   struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_jb_write(b, o, GEN_JSON_COMPACT, &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_produce(outcome, 0, gen_buf_str(&out), err);
    gen_buf_release(&out);
    return rc;
}

static int accept_set(const struct gen_json *record, const struct gen_json *answer,
                      struct gen_outcome *outcome, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    size_t n_unknown = 0;
    size_t n_samples = gen_json_count(gen_json_get(record, "samples"));
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put(b, o, "strengths",
               checked(b, gen_json_get(answer, "strengths"), n_samples, &n_unknown));
    gen_jb_put(b, o, "weaknesses",
               checked(b, gen_json_get(answer, "weaknesses"), n_samples, &n_unknown));
    copy_member(b, o, "most_frequent_fault", answer, "most_frequent_fault");
    copy_member(b, o, "score", answer, "score");
    double distance = real_of(answer, "score") - real_of(record, "mean");
    bool inconsistent = distance > SCORE_DISTANCE_MAX || distance < -SCORE_DISTANCE_MAX;
    gen_jb_put_bool(b, o, "score_inconsistent", inconsistent);
    if (n_unknown && !gen_outcome_is_last_try(outcome)) {
        char fault[160];
        (void)snprintf(fault, sizeof(fault),
                       "an observation names a sample that does not exist; the samples are p1 to "
                       "p%zu",
                       n_samples);
        rc = gen_outcome_ask_again(outcome, gen_str_from(fault), err);
    } else {
        gen_jb_put_int(b, o, "observations_dropped", (int64_t)n_unknown);
        if (n_unknown)
            gen_outcome_note(outcome, "unknown_sample_id");
        if (inconsistent)
            gen_outcome_note(outcome, "score_far_from_mean");
        rc = produce(b, o, outcome, err);
    }
    gen_jb_free(b);
    return rc;
}

static int accept_choice(const struct gen_json *record, const struct gen_json *answer,
                         struct gen_outcome *outcome, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf tables = gen_buf_make((size_t)1 << 20);
    struct gen_buf foreign = gen_buf_make((size_t)1 << 16);
    struct gen_str reasoning = gen_str_trim(gen_json_get_str(answer, "reasoning"));
    int rc = put_tables(gen_json_get(record, "sets"), &tables, &tables, err);
    if (rc == GEN_OK)
        rc = gen_compare_foreign_figures(reasoning, gen_buf_str(&tables), &foreign, err);
    if (rc == GEN_OK)
        rc = gen_jb_new(&b, err);
    if (rc == GEN_OK && foreign.n && !gen_outcome_is_last_try(outcome)) {
        struct gen_buf fault = gen_buf_make((size_t)1 << 17);
        rc = gen_buf_printf(
            &fault, err, "\"reasoning\" names figures that are not in the table: %s", foreign.data);
        if (rc == GEN_OK)
            rc = gen_outcome_ask_again(outcome, gen_buf_str(&fault), err);
        gen_buf_release(&fault);
    } else if (rc == GEN_OK) {
        struct gen_jmut *o = gen_jb_object(b);
        copy_member(b, o, "winner", answer, "winner");
        gen_jb_put_str(b, o, "reasoning", reasoning);
        copy_member(b, o, "alternative", answer, "alternative");
        copy_member(b, o, "alternative_reason", answer, "alternative_reason");
        if (foreign.n) {
            gen_jb_put_str(b, o, "figures_not_in_table", gen_buf_str(&foreign));
            gen_outcome_note(outcome, "figures_not_in_table");
        }
        rc = produce(b, o, outcome, err);
    }
    gen_jb_free(b);
    gen_buf_release(&tables);
    gen_buf_release(&foreign);
    return rc;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    struct gen_qa_compare *c = ud;
    enum question kind = question_of(c, items[0]);
    if (kind == JUDGE)
        return c->judge.accept(c->judge.ud, items, n, answer, o, err);
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, items[0]->record, err);
    if (rc)
        return rc;
    rc = kind == DESCRIBE ? accept_set(gen_json_root(doc), answer, o, err)
                          : accept_choice(gen_json_root(doc), answer, o, err);
    gen_json_doc_free(doc);
    return rc;
}

size_t gen_qa_compare_chosen(const struct gen_json *answer, const size_t *order, size_t n_sets)
{
    struct gen_str winner = gen_str_trim(gen_json_get_str(answer, "winner"));
    if (gen_str_is(winner, "tie"))
        return n_sets;
    for (size_t i = 0; i < n_sets; i++) {
        if (gen_str_eq(winner, GEN_COMPARE_LABEL(i)))
            return order[i];
    }
    return SIZE_MAX;
}

/* ---- the step ---- */

static void write_selection_schema(struct gen_qa_compare *c)
{
    char labels[4 * GEN_COMPARE_SETS_MAX + 1];
    size_t at = 0;
    for (size_t i = 0; i < c->o.n_sets; i++) {
        labels[at++] = '"';
        labels[at++] = GEN_COMPARE_LABEL(i).p[0];
        labels[at++] = '"';
        labels[at++] = ',';
    }
    labels[at] = '\0';
    (void)snprintf(c->selection_schema, sizeof(c->selection_schema), "%s%s%s", selection_head,
                   labels, selection_tail);
}

int gen_qa_compare_new(struct gen_qa_compare **out, const struct gen_step_common *common,
                       const struct gen_qa_compare_options *options, struct gen_step *step,
                       struct gen_error *err)
{
    static const char *const of_set[] = {"samples", "sample_count", "dataset_name"};
    static const char *const of_choice[] = {"metrics_comparison", "quality_scores"};
    struct gen_qa_compare *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "the compare step");
    c->common = *common;
    c->o = *options;
    write_selection_schema(c);
    const struct gen_qa_rate_options judge = {
        .has_temperature = options->has_temperature,
        .temperature = options->temperature,
        .batch_size = 1,
    };
    int rc = gen_qa_rate_new(&c->rate, common, &judge, &c->judge, err);
    if (rc == GEN_OK)
        rc = gen_step_prompt_init(&c->evaluation, common, "qa_comparison_evaluation",
                                  "set_description", evaluation_schema, false, 0.0, of_set, 3, err);
    if (rc == GEN_OK)
        rc = gen_step_prompt_init(&c->selection, common, "qa_comparison_selection", "set_choice",
                                  c->selection_schema, false, 0.0, of_choice, 2, err);
    if (rc) {
        gen_qa_compare_free(c);
        return rc;
    }
    *step = (struct gen_step){
        .name = "compare",
        .unit_in = "questions",
        .unit_out = "answers",
        .group_max = 1,
        .ud = c,
        .prefilter = prefilter,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
    };
    *out = c;
    return GEN_OK;
}

void gen_qa_compare_free(struct gen_qa_compare *c)
{
    if (!c)
        return;
    gen_qa_rate_free(c->rate);
    gen_step_prompt_release(&c->evaluation);
    gen_step_prompt_release(&c->selection);
    free(c);
}
