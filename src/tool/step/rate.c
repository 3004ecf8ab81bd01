/* The verification ladder, then the judge. The ladder decides what a program can decide, and costs
 * nothing; the judge answers six questions, which the program counts. */
#include "tool/step/rate_int.h"

#include <stdlib.h>

#define TOKENS_AN_ITEM 160

struct gen_tool_rate {
    struct gen_step_common common;
    double threshold;
    struct gen_step_prompt prompt;
    struct gen_ladder *ladder;
    struct gen_ladder_counts counts;
    struct gen_rating rating;
};

static const char *const names[] = {"instruction", "api_documentation", "tool_calls", "result",
                                    "answer"};

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    struct gen_tool_rate *r = ud;
    struct gen_json_doc *doc = NULL;
    struct gen_climb climb;
    *is_skip = false;
    int rc = gen_json_parse(&doc, item->record, NULL);
    /* Without memory for the ladder nobody is asked either. */
    if (rc == GEN_ENOMEM ||
        gen_ladder_climb(r->ladder, doc ? gen_json_root(doc) : NULL, &climb, NULL) != GEN_OK)
        climb = (struct gen_climb){.rule = "out_of_memory"};
    gen_json_doc_free(doc);
    uint64_t n_judged = r->counts.n_passed[GEN_RUNG_JUDGE];
    r->counts = *gen_ladder_counts(r->ladder);
    r->counts.n_passed[GEN_RUNG_JUDGE] = n_judged;
    return climb.rule;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    const struct gen_tool_rate *r = ud;
    (void)item;
    return &r->prompt.stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    const struct gen_tool_rate *r = ud;
    (void)item;
    return r->prompt.schema;
}

/* A record that came up the ladder is one. */
static int read_item(const struct gen_item *item, struct gen_arena *arena,
                     struct gen_json_doc **doc, struct gen_trajectory *t, struct gen_error *err)
{
    bool usable = false;
    char why[200] = "";
    int rc = gen_json_parse(doc, item->record, err);
    if (rc == GEN_OK)
        rc = gen_trajectory_read(t, gen_json_root(*doc), arena, &usable, why, sizeof(why), err);
    if (rc == GEN_OK && !usable)
        rc =
            gen_fail(err, GEN_ESTATE, "a record that is no tool record reached the judge: %s", why);
    return rc;
}

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_tool_rate *r = ud;
    struct gen_json_doc *doc = NULL;
    struct gen_trajectory t;
    (void)n;
    int rc = read_item(items[0], q->scratch, &doc, &t, err);
    if (rc == GEN_OK) {
        struct gen_str answer = gen_step_defuse(q->scratch, gen_str_trim(t.final_answer));
        const struct gen_prompt_value values[] = {
            {"instruction", gen_rate_show_request(q->scratch, &t)},
            {"api_documentation", gen_rate_show_tools(q->scratch, &t)},
            {"tool_calls", gen_rate_show_calls(q->scratch, &t)},
            {"result", gen_rate_show_results(q->scratch, &t)},
            {"answer", answer.n ? answer : GEN_STR("(none: the calls were not executed)")}};
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            if (!values[i].value.p)
                rc = gen_nomem(err, "a question to the judge");
        }
        if (rc == GEN_OK)
            rc = gen_prompt_render(&q->user, r->prompt.prompt, values,
                                   sizeof(values) / sizeof(values[0]), err);
    }
    gen_json_doc_free(doc);
    q->inputs.task = GEN_TASK_TOOL_RATE;
    q->inputs.record = items[0]->record;
    q->tokens_out_max = gen_step_tokens(&r->common, 1, TOKENS_AN_ITEM);
    return rc;
}

static int write_record(const struct gen_trajectory *t, const struct gen_rate_verdict *v,
                        struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_rate_scores s = gen_rate_score(v);
    struct gen_jmut *record = gen_jb_copy(b, t->record);
    struct gen_jmut *breakdown = gen_jb_object(b);
    gen_jb_put_int(b, breakdown, "tool_selection", s.selection);
    gen_jb_put_int(b, breakdown, "parameter_correctness", s.parameters);
    gen_jb_put_int(b, breakdown, "reasoning_quality", s.reasoning);
    gen_jb_put_int(b, breakdown, "result_usefulness", s.usefulness);
    gen_jb_set(b, record, "rating", gen_jb_int(b, s.rating));
    gen_jb_set(b, record, "rating_breakdown", breakdown);
    gen_jb_set(b, record, "rating_reasoning", gen_jb_str(b, v->weakest));
    if (!gen_json_get_str(t->record, "format").n)
        gen_jb_set(b, record, "format", gen_jb_str(b, GEN_STR("tool")));
    rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* A judge that names something better and finds nothing wrong is asked once more; whoever stays
 * with it has named something better (prompting.md K19). */
static int settle_contradiction(struct gen_rate_verdict *v, struct gen_outcome *o, bool *asked,
                                struct gen_error *err)
{
    *asked = false;
    if (!v->contradicts_tool && !v->contradicts_order)
        return GEN_OK;
    if (!gen_outcome_is_last_try(o)) {
        *asked = true;
        return gen_outcome_ask_again(
            o,
            GEN_STR("\"better_alternative\" names a tool although t2_no_better_tool and "
                    "t3_no_superfluous_or_missing_step are true: write none, or answer false"),
            err);
    }
    if (v->contradicts_tool)
        v->t2 = false;
    else
        v->t3 = false;
    gen_outcome_note(o, "judge_contradicts_itself");
    return GEN_OK;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    struct gen_arena arena = gen_arena_make(GEN_BUF_UNLIMITED);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_json_doc *doc = NULL;
    struct gen_trajectory t;
    struct gen_rate_verdict v;
    bool asked = false;
    (void)ud;
    (void)n;
    int rc = read_item(items[0], &arena, &doc, &t, err);
    if (rc == GEN_OK) {
        gen_rate_read(&v, &t, answer);
        rc = settle_contradiction(&v, o, &asked, err);
    }
    if (rc == GEN_OK && !asked)
        rc = write_record(&t, &v, &out, err);
    if (rc == GEN_OK && !asked)
        rc = gen_outcome_produce(o, 0, gen_buf_str(&out), err);
    gen_json_doc_free(doc);
    gen_buf_release(&out);
    gen_arena_release(&arena);
    return rc;
}

static int release(void *ud, struct gen_release *out, bool *stop_input, struct gen_error *err)
{
    struct gen_tool_rate *r = ud;
    (void)stop_input;
    for (size_t i = 0; i < gen_release_count(out); i++) {
        struct gen_json_doc *doc = NULL;
        double rating = 0;
        bool kept = false;
        int rc = gen_json_parse(&doc, gen_release_item(out, i)->record, err);
        if (rc)
            return rc;
        (void)gen_json_as_real(gen_json_get(gen_json_root(doc), "rating"), &rating);
        gen_json_doc_free(doc);
        rc = gen_rating_settle(&r->rating, out, i, rating,
                               rating < r->threshold ? "below_threshold" : NULL, &kept, err);
        if (rc)
            return rc;
        r->counts.n_passed[GEN_RUNG_JUDGE] += kept;
    }
    return GEN_OK;
}

int gen_tool_rate_new(struct gen_tool_rate **out, const struct gen_step_common *common,
                      const struct gen_tool_rate_options *options, struct gen_step *step,
                      struct gen_error *err)
{
    struct gen_tool_rate *r = calloc(1, sizeof(*r));
    if (!r)
        return gen_nomem(err, "the judge of tool records");
    const struct gen_ladder_options rungs = {.tools = options->tools,
                                             .needs_execution = options->needs_execution};
    r->common = *common;
    r->threshold = options->threshold;
    r->rating = (struct gen_rating){options->on_rated, options->on_rated_ud, {0}};
    int rc = gen_ladder_new(&r->ladder, &rungs, err);
    if (rc == GEN_OK)
        rc = gen_step_prompt_init(&r->prompt, common, "tool_quality_rating", "verdict",
                                  gen_rate_schema, false, 0.0, names,
                                  sizeof(names) / sizeof(names[0]), err);
    if (rc) {
        gen_tool_rate_free(r);
        return rc;
    }
    *step = (struct gen_step){
        .name = "curate",
        .unit_in = "examples",
        .unit_out = "examples",
        .group_max = 1,
        .ud = r,
        .prefilter = prefilter,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
        .release = release,
    };
    *out = r;
    return GEN_OK;
}

void gen_tool_rate_free(struct gen_tool_rate *r)
{
    if (!r)
        return;
    gen_step_prompt_release(&r->prompt);
    gen_ladder_free(r->ladder);
    free(r);
}

const struct gen_ladder_counts *gen_tool_rate_ladder(const struct gen_tool_rate *r)
{
    return &r->counts;
}

const struct gen_rating_stats *gen_tool_rate_stats(const struct gen_tool_rate *r)
{
    return &r->rating.stats;
}
