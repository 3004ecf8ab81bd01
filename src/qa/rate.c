/* The judge. It answers ten yes/no questions with the source in view; the program counts them,
 * checks its quotations, and never fills in a verdict. */
#include "base/utf8.h"
#include "dataset/chain.h"
#include "dataset/checks.h"
#include "qa/common.h"

#include <stdlib.h>

#define TOKENS_AN_ITEM 230

struct gen_qa_rate {
    struct gen_step_common common;
    struct gen_qa_rate_options o;
    struct gen_step_prompt prompt;
    struct gen_rating rating;
};

static const char *const names[] = {"text",  "title", "section", "fence",
                                    "pairs", "ids",   "topic",   "source"};

/* The literals of reasoning and answer against the source. */
static int count_literals(const struct gen_qa_view *qa, const struct gen_source_text *source,
                          struct gen_literals *out, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf also = gen_buf_make(GEN_BUF_UNLIMITED);
    bool unused = false;
    int rc = gen_buf_printf(&text, err, "%.*s%s%.*s", GEN_STR_ARG(qa->reasoning),
                            qa->reasoning.n ? "\n" : "", GEN_STR_ARG(qa->answer));
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&also, qa->question, err);
    /* What the steps compute needs no source. */
    if (rc == GEN_OK)
        rc = gen_check_arithmetic(qa->reasoning, &unused, &also, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, gen_buf_str(&also), gen_buf_str(&text), out, NULL, err);
    gen_buf_release(&text);
    gen_buf_release(&also);
    return rc;
}

/* What is known without a judge, and so need not be paid for. */
static const char *rule_before(const struct gen_qa_rate *r, const struct gen_item *item,
                               const struct gen_qa_view *qa)
{
    const char *rule = gen_qa_filter(r->o.skip_source, qa->source, r->o.log);
    if (!rule)
        rule = gen_qa_filter(r->o.skip_question, qa->question, r->o.log);
    if (!rule && r->o.drop_context_references && gen_check_refers_to_context(qa->question))
        rule = "refers_to_context";
    if (rule || !r->o.grounding.is_given || !item->chunk)
        return rule;
    struct gen_source_text *source = NULL;
    struct gen_literals literals = {0, 0, 1.0};
    /* Without memory for the check the judge decides. */
    if (gen_source_text_new(&source, item->chunk->content, NULL) == GEN_OK &&
        count_literals(qa, source, &literals, NULL) == GEN_OK &&
        gen_qa_is_ungrounded(&r->o.grounding, &literals))
        rule = "ungrounded_literals";
    gen_source_text_free(source);
    return rule;
}

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view view;
    char why[160];
    const char *rule = "malformed_row";
    *is_skip = false;
    if (gen_json_parse(&doc, item->record, NULL) != GEN_OK)
        return rule;
    if (gen_qa_view(gen_json_root(doc), &view, why, sizeof(why)))
        rule = rule_before(ud, item, &view);
    else
        rule = gen_qa_rule_of_unusable(gen_json_root(doc));
    gen_json_doc_free(doc);
    return rule;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    const struct gen_qa_rate *r = ud;
    (void)item;
    return &r->prompt.stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    const struct gen_qa_rate *r = ud;
    (void)item;
    return r->prompt.schema;
}

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_qa_rate *r = ud;
    struct gen_str pairs;
    struct gen_str ids;
    const struct gen_qa_shown shown = {.reasoning = true};
    int rc = gen_qa_render_pairs(items, n, &shown, q, &pairs, &ids, err);
    if (rc)
        return rc;
    q->inputs.task = GEN_TASK_RATE;
    q->inputs.topic = gen_str_from(r->common.topic);
    q->tokens_out_max = gen_step_tokens(&r->common, n, TOKENS_AN_ITEM);
    const char *topic = r->common.topic ? r->common.topic : "(none)";
    return gen_qa_render_with_chunk(r->prompt.prompt, items[0]->chunk, pairs, ids, topic, q, err);
}

struct verdict {
    bool c1, c2, c3, a1, a2, a3, u1, u2, d1, d2, topic;
    struct gen_str evidence, weakest;
    bool quote_absent;
    double grounded;      /* share of the literals that are in the source; below 0: not known */
    const char *notes[3]; /* what was capped; told once the verdict is used */
    size_t n_notes;
};

static bool yes(const struct gen_json *row, const char *key)
{
    bool value = false;
    return gen_json_as_bool(gen_json_get(row, key), &value) && value;
}

static struct verdict read_verdict(const struct gen_json *row)
{
    return (struct verdict){
        .c1 = yes(row, "c1_stands_alone"),
        .c2 = yes(row, "c2_single_clear_question"),
        .c3 = yes(row, "c3_answer_direct_readable"),
        .a1 = yes(row, "a1_no_contradiction"),
        .a2 = yes(row, "a2_every_claim_supported"),
        .a3 = yes(row, "a3_complete_for_question"),
        .u1 = yes(row, "u1_someone_would_ask"),
        .u2 = yes(row, "u2_worth_learning"),
        .d1 = yes(row, "d1_more_than_one_phrase"),
        .d2 = yes(row, "d2_combines_or_explains"),
        .topic = yes(row, "topic_relevant"),
        .evidence = gen_json_get_str(row, "evidence"),
        .weakest = gen_str_trim(gen_json_get_str(row, "weakest_point")),
        .grounded = -1,
    };
}

/* A verdict that echoes another question was given for another pair (prompting.md K18). */
static int echoes(struct gen_str echo, struct gen_str question, bool *fits, struct gen_error *err)
{
    struct gen_source_text *text = NULL;
    enum gen_quote_match match = GEN_QUOTE_ABSENT;
    *fits = true;
    if (gen_str_trim(echo).n == 0)
        return GEN_OK;
    int rc = gen_source_text_new(&text, question, err);
    if (rc == GEN_OK)
        rc = gen_check_quote(text, echo, &match, NULL, err);
    gen_source_text_free(text);
    if (rc || match != GEN_QUOTE_ABSENT)
        return rc;
    double similarity = 0;
    rc = gen_check_similarity(echo, gen_utf8_prefix(question, 2 * gen_utf8_count(echo)),
                              &similarity, err);
    *fits = similarity >= 0.3;
    return rc;
}

/* What a program can see caps what the judge says. */
static int apply_checks(const struct gen_item *item, const struct gen_qa_view *qa,
                        struct verdict *v, struct gen_error *err)
{
    if (gen_check_refers_to_context(qa->question) && v->c1) {
        v->c1 = false;
        v->notes[v->n_notes++] = "capped_refers_to_context";
    }
    if (!item->chunk)
        return GEN_OK;
    struct gen_source_text *source = NULL;
    enum gen_quote_match match = GEN_QUOTE_ABSENT;
    struct gen_literals literals;
    int rc = gen_source_text_new(&source, item->chunk->content, err);
    if (rc == GEN_OK)
        rc = gen_qa_check_evidence(source, item->chunk, v->evidence, &match, err);
    if (rc == GEN_OK)
        rc = count_literals(qa, source, &literals, err);
    gen_source_text_free(source);
    if (rc)
        return rc;
    v->quote_absent = match == GEN_QUOTE_ABSENT;
    v->grounded = literals.share;
    if (v->a2 && literals.n_literals >= 2 && literals.share < 0.5) {
        v->a2 = false;
        v->notes[v->n_notes++] = "capped_ungrounded_literals";
    }
    return GEN_OK;
}

static int rating_of(const struct verdict *v, int *clarity, int *accuracy, int *usefulness,
                     int *difficulty)
{
    *clarity = v->c1 + v->c2 + v->c3;
    /* A contradiction is not half right. */
    *accuracy = v->a1 ? v->a1 + v->a2 + v->a3 : 0;
    *usefulness = v->u1 + v->u2;
    *difficulty = v->d1 + v->d2;
    return *clarity + *accuracy + *usefulness + *difficulty;
}

static int write_record(const struct gen_item *item, const struct gen_json *old,
                        const struct gen_qa_view *qa, const struct verdict *v, struct gen_buf *out,
                        struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    int clarity;
    int accuracy;
    int usefulness;
    int difficulty;
    int rating = rating_of(v, &clarity, &accuracy, &usefulness, &difficulty);
    struct gen_jmut *record = gen_jb_copy(b, old);
    gen_jb_set(b, record, "rating", gen_jb_int(b, rating));
    gen_jb_set(b, record, "clarity", gen_jb_int(b, clarity));
    gen_jb_set(b, record, "accuracy", gen_jb_int(b, accuracy));
    gen_jb_set(b, record, "usefulness", gen_jb_int(b, usefulness));
    gen_jb_set(b, record, "difficulty", gen_jb_int(b, difficulty));
    gen_jb_set(b, record, "topic_relevant", gen_jb_bool(b, v->topic));
    /* In a chain-of-thought record `reasoning` is the chain of thought. */
    const char *place = qa->kind == GEN_RECORD_COT ? "rating_reasoning" : "reasoning";
    gen_jb_set(b, record, place, gen_jb_str(b, v->weakest));
    if (v->grounded >= 0)
        gen_jb_set(b, record, "literal_grounding", gen_jb_real(b, v->grounded));
    if (v->evidence.n && !v->quote_absent)
        gen_jb_set(b, record, "rating_evidence", gen_jb_str(b, v->evidence));
    if (!item->chunk)
        gen_jb_set(b, record, "rated_without_source", gen_jb_bool(b, true));
    if (gen_json_get_str(old, "format").n == 0)
        gen_jb_set(b, record, "format",
                   gen_jb_str(b, gen_str_from(gen_record_kind_name(qa->kind))));
    rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* `*fault` set: the verdict cannot be used and must be asked for again, for this reason. */
static int judge_verdict(const struct gen_item *item, const struct gen_qa_view *qa,
                         const struct gen_json *row, bool is_last_try, struct verdict *v,
                         const char **fault, struct gen_error *err)
{
    bool fits = true;
    *fault = NULL;
    int rc = echoes(gen_json_get_str(row, "echo"), qa->question, &fits, err);
    if (rc == GEN_OK && !fits)
        *fault = "an \"echo\" is not the beginning of the question that its \"id\" names";
    if (rc == GEN_OK && fits)
        rc = apply_checks(item, qa, v, err);
    if (rc || !fits || !v->a2 || !v->quote_absent)
        return rc;
    /* Support that cannot be shown is no support; the judge gets another chance to show it. */
    v->a2 = false;
    v->notes[v->n_notes++] = "judge_quote_absent";
    if (!is_last_try)
        *fault = "an \"evidence\" does not occur in the source; copy it character by character, or "
                 "give \"\" and false for a2_every_claim_supported";
    return GEN_OK;
}

static int use_verdict(const struct gen_item *item, size_t input, const struct gen_json *record,
                       const struct gen_qa_view *qa, const struct verdict *v, struct gen_outcome *o,
                       struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = write_record(item, record, qa, v, &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_produce(o, input, gen_buf_str(&out), err);
    for (size_t i = 0; i < v->n_notes && rc == GEN_OK; i++)
        gen_outcome_note(o, v->notes[i]);
    if (rc == GEN_OK && !item->chunk)
        gen_outcome_note(o, "without_source");
    gen_buf_release(&out);
    return rc;
}

static int accept_verdict(const struct gen_qa_rate *r, const struct gen_item *item, size_t input,
                          const struct gen_json *row, struct gen_outcome *o, const char **fault,
                          struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view qa;
    char why[160];
    struct verdict v = read_verdict(row);
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc)
        return rc;
    if (!gen_qa_view(gen_json_root(doc), &qa, why, sizeof(why))) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_ESTATE, "a record that is no pair reached curate: %s", why);
    }
    rc = judge_verdict(item, &qa, row, gen_outcome_is_last_try(o), &v, fault, err);
    /* The record goes on as it was. */
    if (r->o.topic_only)
        v.grounded = -1;
    if (rc == GEN_OK && !*fault)
        rc = use_verdict(item, input, gen_json_root(doc), &qa, &v, o, err);
    gen_json_doc_free(doc);
    return rc;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    bool seen[64] = {false};
    const char *why = GEN_QA_FAULT_MISSING;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    gen_json_iter_init(&it, gen_json_get(answer, "verdicts"));
    while (gen_json_iter_next(&it, &key, &row)) {
        size_t i = gen_qa_index_of(gen_json_get_str(row, "id"), n);
        if (i == SIZE_MAX || seen[i])
            continue;
        const char *fault = NULL;
        int rc = accept_verdict(ud, items[i], i, row, o, &fault, err);
        if (rc)
            return rc;
        seen[i] = !fault;
        why = fault ? fault : why;
    }
    return gen_qa_ask_for_missing(o, seen, n, gen_str_from(why), err);
}

/* The rule by which a rated record goes no further, or NULL. */
static const char *verdict_rule(const struct gen_qa_rate *r, const struct gen_json *record,
                                double *rating)
{
    bool topic = true;
    *rating = 0;
    (void)gen_json_as_real(gen_json_get(record, "rating"), rating);
    (void)gen_json_as_bool(gen_json_get(record, "topic_relevant"), &topic);
    if (!topic && r->common.topic)
        return "off_topic";
    if (!r->o.topic_only && *rating < r->o.threshold)
        return "below_threshold";
    return NULL;
}

/* With topic_only the record goes on without the verdict. */
static int strip_verdict(struct gen_release *r, size_t i, const struct gen_json *record,
                         struct gen_error *err)
{
    static const char *const added[] = {
        "rating",          "clarity",          "accuracy",
        "usefulness",      "difficulty",       "topic_relevant",
        "rating_evidence", "rating_reasoning", "rated_without_source"};
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *copy = gen_jb_copy(b, record);
    for (size_t k = 0; k < sizeof(added) / sizeof(added[0]); k++)
        gen_jb_remove(b, copy, added[k]);
    if (gen_record_kind(record) != GEN_RECORD_COT)
        gen_jb_remove(b, copy, "reasoning");
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    rc = gen_jb_write(b, copy, GEN_JSON_COMPACT, &out, err);
    if (rc == GEN_OK)
        rc = gen_release_replace(r, i, gen_buf_str(&out), err);
    gen_buf_release(&out);
    gen_jb_free(b);
    return rc;
}

static int release(void *ud, struct gen_release *out, bool *stop_input, struct gen_error *err)
{
    struct gen_qa_rate *r = ud;
    (void)stop_input;
    for (size_t i = 0; i < gen_release_count(out); i++) {
        struct gen_json_doc *doc = NULL;
        double rating = 0;
        bool kept = false;
        int rc = gen_json_parse(&doc, gen_release_item(out, i)->record, err);
        if (rc)
            return rc;
        const char *rule = verdict_rule(r, gen_json_root(doc), &rating);
        rc = gen_rating_settle(&r->rating, out, i, rating, rule, &kept, err);
        if (rc == GEN_OK && kept && r->o.topic_only)
            rc = strip_verdict(out, i, gen_json_root(doc), err);
        gen_json_doc_free(doc);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

int gen_qa_rate_new(struct gen_qa_rate **out, const struct gen_step_common *common,
                    const struct gen_qa_rate_options *options, struct gen_step *step,
                    struct gen_error *err)
{
    struct gen_qa_rate *r = calloc(1, sizeof(*r));
    if (!r)
        return gen_nomem(err, "the rate step");
    r->common = *common;
    r->o = *options;
    r->rating = (struct gen_rating){options->on_rated, options->on_rated_ud, {0}};
    double temperature = options->has_temperature ? options->temperature : 0.0;
    int rc = gen_step_prompt_init(&r->prompt, common, "qa_rating", "verdicts", gen_qa_schema_rating,
                                  options->has_temperature, temperature, names,
                                  sizeof(names) / sizeof(names[0]), err);
    if (rc) {
        gen_qa_rate_free(r);
        return rc;
    }
    *step = (struct gen_step){
        .name = options->topic_only ? "topic" : "curate",
        .unit_in = "pairs",
        .unit_out = "pairs",
        .group_max = options->batch_size,
        .ud = r,
        .prefilter = prefilter,
        .may_share = gen_qa_may_share,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
        .release = release,
    };
    *out = r;
    return GEN_OK;
}

void gen_qa_rate_free(struct gen_qa_rate *r)
{
    if (!r)
        return;
    gen_step_prompt_release(&r->prompt);
    free(r);
}

const struct gen_rating_stats *gen_qa_rate_stats(const struct gen_qa_rate *r)
{
    return &r->rating.stats;
}
