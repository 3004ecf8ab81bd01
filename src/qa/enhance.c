/* Reasoning for pairs that have none. The question and the answer of a record are never the
 * model's: it gives steps and a conclusion, and the program compares the conclusion with the
 * answer. */
#include "base/utf8.h"
#include "dataset/chain.h"
#include "qa/common.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENS_AN_ITEM 450
#define GROUP_MAX      64U
#define FAULTS_TOLD    3U
#define THOUGHTLESS    12U /* so many first answers without thinking end a run */

/* Classes of failure. */
#define DISPUTED    "answer_disputed"
#define UNSOUND     "unsound_steps"
#define LEFT_OUT    "malformed"
#define NO_THOUGHTS "no_native_reasoning"

struct gen_qa_enhance {
    struct gen_step_common common;
    struct gen_qa_enhance_options o;
    struct gen_step_prompt grounded, blind;
    /* Records whose forward route ended elsewhere: they are shown their answer. The set grows by
     * answers to the same records alone, so that a run that is taken up again asks the same. */
    uint64_t *shown;
    size_t n_shown, shown_capacity;
    size_t n_thoughtless; /* answers without thinking before the first with some; SIZE_MAX: there
                             was one */
};

static const char *const names[] = {"pairs", "text", "title", "section", "fence", "ids", "source"};

/* ---- whose answer is shown ---- */

static uint64_t name_of(const struct gen_item *item)
{
    return gen_hash64(item->record, item->position) | 1U;
}

static bool is_shown(const struct gen_qa_enhance *e, const struct gen_item *item)
{
    uint64_t h = name_of(item);
    if (e->n_shown == 0)
        return false;
    size_t i = (size_t)(h % e->shown_capacity);
    while (e->shown[i] && e->shown[i] != h)
        i = (i + 1) % e->shown_capacity;
    return e->shown[i] == h;
}

static void put_shown(uint64_t *set, size_t capacity, uint64_t h)
{
    size_t i = (size_t)(h % capacity);
    while (set[i] && set[i] != h)
        i = (i + 1) % capacity;
    set[i] = h;
}

static int show_answer(struct gen_qa_enhance *e, const struct gen_item *item, struct gen_error *err)
{
    if (is_shown(e, item))
        return GEN_OK;
    if (e->n_shown * 2 >= e->shown_capacity) {
        size_t capacity = e->shown_capacity ? e->shown_capacity * 2 : 64;
        uint64_t *set = calloc(capacity, sizeof(*set));
        if (!set)
            return gen_nomem(err, "the set of records whose answer is shown");
        for (size_t i = 0; i < e->shown_capacity; i++) {
            if (e->shown[i])
                put_shown(set, capacity, e->shown[i]);
        }
        free(e->shown);
        e->shown = set;
        e->shown_capacity = capacity;
    }
    put_shown(e->shown, e->shown_capacity, name_of(item));
    e->n_shown++;
    return GEN_OK;
}

/* ---- asking ---- */

static struct gen_step_prompt *prompt_for(struct gen_qa_enhance *e, const struct gen_item *item)
{
    return item->chunk ? &e->grounded : &e->blind;
}

/* With keep_skipped_inputs: what has reasoning goes on unchanged. */
static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    const struct gen_qa_enhance *e = ud;
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view view;
    char why[160];
    const char *rule = NULL;
    if (gen_json_parse(&doc, item->record, NULL) != GEN_OK)
        return "malformed_row";
    if (!gen_qa_view(gen_json_root(doc), &view, why, sizeof(why)))
        rule = gen_qa_rule_of_unusable(gen_json_root(doc));
    else if (!e->o.native && gen_str_trim(view.reasoning).n)
        rule = "already_has_reasoning";
    *is_skip = rule && strcmp(rule, "already_has_reasoning") == 0;
    gen_json_doc_free(doc);
    return rule;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    return &prompt_for(ud, item)->stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    return prompt_for(ud, item)->schema;
}

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    struct gen_qa_enhance *e = ud;
    struct gen_str pairs;
    struct gen_str ids;
    bool shows[GROUP_MAX] = {false};
    const struct gen_qa_shown shown = {.answer_mark = "Answer on record: ", .shows_answer = shows};
    for (size_t i = 0; i < n && i < GROUP_MAX; i++)
        shows[i] = is_shown(e, items[i]);
    int rc = gen_qa_render_pairs(items, n, &shown, q, &pairs, &ids, err);
    if (rc)
        return rc;
    /* The embedded provider does not think. */
    q->inputs.task = e->o.native ? GEN_TASK_NONE : GEN_TASK_ENHANCE;
    q->tokens_out_max = gen_step_tokens(&e->common, n, TOKENS_AN_ITEM);
    return gen_qa_render_with_chunk(prompt_for(e, items[0])->prompt, items[0]->chunk, pairs, ids,
                                    NULL, q, err);
}

/* ---- the record ---- */

/* A rating's words stood where the reasoning belongs. Other words in that place are kept, too. */
static void move_old_reasoning(struct gen_jb *b, struct gen_jmut *record,
                               const struct gen_json *old, bool has_chain)
{
    struct gen_str words = gen_json_get_str(old, "reasoning");
    if (words.n == 0 || has_chain)
        return;
    bool is_judges = gen_json_get(old, "rating") && !gen_json_get(old, "rating_reasoning");
    gen_jb_set(b, record, is_judges ? "rating_reasoning" : "original_reasoning",
               gen_jb_str(b, words));
}

static int write_record(const struct gen_item *item, const struct gen_json *old,
                        const struct gen_qa_view *qa, struct gen_str reasoning, const char *mode,
                        struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *record = gen_jb_copy(b, old);
    move_old_reasoning(b, record, old, qa->reasoning.n > 0);
    gen_jb_set(b, record, "format", gen_jb_str(b, GEN_STR("cot")));
    if (qa->kind == GEN_RECORD_CONVERSATION) {
        /* Its turns have no place that all readers know for the reasoning of the last one. */
        gen_jb_set(b, record, "question", gen_jb_str(b, qa->question));
        gen_jb_set(b, record, "answer", gen_jb_str(b, qa->answer));
    }
    gen_jb_set(b, record, "reasoning", gen_jb_str(b, reasoning));
    gen_jb_set(b, record, "cot_mode", gen_jb_str(b, gen_str_from(mode)));
    if (!item->chunk)
        gen_jb_set(b, record, "cot_grounded", gen_jb_bool(b, false));
    rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* ---- judging an answer ---- */

/* What is known of one item of an answer. `fault` set: it cannot be used, for this reason. */
struct attempt {
    struct gen_chain chain;
    struct gen_str conclusion;
    bool is_hinted, agrees;
    const char *fault, *note;
};

static const char *words_for(const char *rule)
{
    static const char *const rows[][2] = {
        {"too_few_steps", "there are fewer than two steps"},
        {"too_many_steps", "there are more than 12 steps"},
        {"step_refers_to_context",
         "a step points at a text (\"the source\", \"according to\"); state the fact itself"},
        {"step_mentions_given_answer",
         "a step mentions the answer on record; the steps must stand without it"},
        {"wrong_arithmetic", "a calculation in the steps is wrong"},
        {"repeated_step", "a step repeats another step or the question"},
        {"decorative_step", "a step adds neither a fact nor an inference"},
        {"left_overs", "a step holds left-overs of a chat template"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rule, rows[i][0]) == 0)
            return rows[i][1];
    }
    return rule;
}

static int check_grounding(const struct gen_item *item, const struct gen_qa_view *qa,
                           struct attempt *a, struct gen_error *err)
{
    struct gen_source_text *source = NULL;
    struct gen_literals literals = {0, 0, 1.0};
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf also = gen_buf_make(GEN_BUF_UNLIMITED);
    bool unused = false;
    int rc = gen_source_text_new(&source, item->chunk->content, err);
    if (rc == GEN_OK)
        rc = gen_chain_write(&a->chain, &text, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&also, err, "%.*s\n%.*s", GEN_STR_ARG(qa->question),
                            GEN_STR_ARG(qa->answer));
    for (size_t i = 0; i < a->chain.n && rc == GEN_OK; i++)
        rc = gen_check_arithmetic(a->chain.steps[i], &unused, &also, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, gen_buf_str(&also), gen_buf_str(&text), &literals, NULL,
                                err);
    if (rc == GEN_OK && literals.n_literals >= 2 && literals.share < 0.5)
        a->fault = "most numbers and names in the steps are not in the source";
    gen_source_text_free(source);
    gen_buf_release(&text);
    gen_buf_release(&also);
    return rc;
}

static int check_steps(const struct gen_item *item, const struct gen_qa_view *qa,
                       const struct gen_json *row, bool is_last_try, struct attempt *a,
                       struct gen_error *err)
{
    const char *rule = NULL;
    int rc = gen_chain_rule(&a->chain, qa->question, &rule, err);
    if (rule)
        a->fault = words_for(rule);
    for (size_t i = 0; i < a->chain.n && !a->fault; i++) {
        if (gen_step_has_defused(a->chain.steps[i]))
            a->fault = words_for("left_overs");
    }
    if (rc == GEN_OK && !a->fault && item->chunk)
        rc = check_grounding(item, qa, a, err);
    if (!a->fault && gen_json_count(gen_json_get(row, "skeleton")) != a->chain.n) {
        /* Sound steps that differ from their plan are still sound. */
        if (is_last_try || a->is_hinted)
            a->note = "steps_differ_from_skeleton";
        else
            a->fault = "there is not one step for each move of the skeleton";
    }
    return rc;
}

/* The model's own word counts only where it had the answer in view, and nothing speaks against it.
 */
static int compare_conclusion(const struct gen_qa_view *qa, const struct gen_json *row,
                              struct attempt *a, struct gen_error *err)
{
    int rc = gen_answers_agree(qa->question, qa->answer, a->conclusion, &a->agrees, err);
    struct gen_str check = gen_json_get_str(row, "answer_check");
    if (a->is_hinted && gen_str_is(check, "contradicts"))
        a->agrees = false;
    return rc;
}

static int look_at(struct gen_qa_enhance *e, const struct gen_item *item,
                   const struct gen_qa_view *qa, const struct gen_json *row, bool is_last_try,
                   struct attempt *a, struct gen_error *err)
{
    memset(a, 0, sizeof(*a));
    a->is_hinted = is_shown(e, item);
    a->conclusion = gen_str_trim(gen_json_get_str(row, "conclusion"));
    gen_chain_read(gen_json_get(row, "steps"), &a->chain);
    int rc = compare_conclusion(qa, row, a, err);
    if (rc || !a->agrees)
        return rc;
    return check_steps(item, qa, row, is_last_try, a, err);
}

/* ---- one answer ---- */

/* Faults are told by the ids that the pairs have when they are asked about again. */
struct faults {
    struct gen_outcome *o;
    struct gen_buf text;
    size_t n, n_left;
};

static int add_fault(struct faults *f, size_t input, const struct gen_qa_view *qa,
                     const char *class_name, const char *what, struct gen_str conclusion,
                     struct gen_error *err)
{
    if (gen_outcome_is_last_try(f->o)) {
        char message[480];
        (void)snprintf(message, sizeof(message), "%s%s%.*s%s", what, conclusion.n ? ": \"" : "",
                       GEN_STR_ARG(gen_utf8_prefix(conclusion, 200)), conclusion.n ? "\"" : "");
        gen_outcome_fail(f->o, input, class_name, message);
        return GEN_OK;
    }
    f->n_left++;
    if (f->n++ >= FAULTS_TOLD)
        return GEN_OK;
    int rc = gen_buf_printf(&f->text, err, "%sp%zu (\"%.*s\"): %s", f->text.n ? "\n" : "",
                            f->n_left, GEN_STR_ARG(gen_utf8_prefix(qa->question, 80)), what);
    if (rc == GEN_OK && conclusion.n)
        rc = gen_buf_printf(&f->text, err, "; it was \"%.*s\"",
                            GEN_STR_ARG(gen_utf8_prefix(conclusion, 200)));
    return rc;
}

static int use(const struct gen_item *item, size_t input, const struct gen_json *record,
               const struct gen_qa_view *qa, const struct attempt *a, struct gen_outcome *o,
               struct gen_error *err)
{
    struct gen_buf reasoning = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_chain_write(&a->chain, &reasoning, err);
    if (rc == GEN_OK)
        rc = write_record(item, record, qa, gen_buf_str(&reasoning),
                          a->is_hinted ? "hinted" : "forward", &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_produce(o, input, gen_buf_str(&out), err);
    if (rc == GEN_OK) {
        gen_outcome_note(o, a->is_hinted ? "hinted" : "forward");
        if (a->note)
            gen_outcome_note(o, a->note);
        if (gen_chain_leaks_answer(&a->chain, qa->question, qa->answer))
            gen_outcome_note(o, "answer_in_first_step");
        if (!item->chunk)
            gen_outcome_note(o, "without_source");
    }
    gen_buf_release(&reasoning);
    gen_buf_release(&out);
    return rc;
}

static int refuse(struct gen_qa_enhance *e, const struct gen_item *item, size_t input,
                  const struct gen_qa_view *qa, const struct attempt *a, struct faults *f,
                  struct gen_error *err)
{
    if (a->fault)
        return add_fault(f, input, qa, UNSOUND, a->fault, (struct gen_str){NULL, 0}, err);
    if (a->is_hinted)
        return add_fault(f, input, qa, DISPUTED,
                         "the conclusion contradicts the answer on record, which may be wrong",
                         a->conclusion, err);
    if (gen_outcome_is_last_try(f->o))
        return add_fault(f, input, qa, DISPUTED,
                         "the reasoning ends in another answer than the record's", a->conclusion,
                         err);
    int rc = show_answer(e, item, err);
    if (rc)
        return rc;
    return add_fault(f, input, qa, DISPUTED,
                     "the conclusion is another than the answer on record, which is now shown with "
                     "the question: reason from the source, and see whether it leads there",
                     a->conclusion, err);
}

/* `row` NULL: the answer left the pair out. */
static int accept_item(struct gen_qa_enhance *e, const struct gen_item *item, size_t input,
                       const struct gen_json *row, struct gen_outcome *o, struct faults *f,
                       struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view qa;
    struct attempt a;
    char why[160];
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc)
        return rc;
    if (!gen_qa_view(gen_json_root(doc), &qa, why, sizeof(why))) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_ESTATE, "a record that is no pair reached enhance-cot: %s", why);
    }
    if (!row) {
        rc = add_fault(f, input, &qa, LEFT_OUT, "no object had this id", (struct gen_str){NULL, 0},
                       err);
    } else {
        rc = look_at(e, item, &qa, row, gen_outcome_is_last_try(o), &a, err);
        if (rc == GEN_OK && a.agrees && !a.fault)
            rc = use(item, input, gen_json_root(doc), &qa, &a, o, err);
        else if (rc == GEN_OK)
            rc = refuse(e, item, input, &qa, &a, f, err);
    }
    gen_json_doc_free(doc);
    return rc;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    const struct gen_json *rows[GROUP_MAX] = {NULL};
    struct faults f = {.o = o, .text = gen_buf_make(16384)};
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    int rc = GEN_OK;
    gen_json_iter_init(&it, gen_json_get(answer, "items"));
    while (gen_json_iter_next(&it, &key, &row)) {
        size_t i = gen_qa_index_of(gen_json_get_str(row, "id"), n);
        if (i < GROUP_MAX && !rows[i])
            rows[i] = row;
    }
    for (size_t i = 0; i < n && i < GROUP_MAX && rc == GEN_OK; i++)
        rc = accept_item(ud, items[i], i, rows[i], o, &f, err);
    if (rc == GEN_OK && f.n)
        rc = gen_outcome_ask_again(o, gen_buf_str(&f.text), err);
    gen_buf_release(&f.text);
    return rc;
}

/* ---- the model's own thinking ---- */

#define NO_THINKING                                                                                \
    "the model returned no reasoning beside its answer: choose a model that does, set "            \
    "--reasoning-effort, or leave --reasoning model out"
#define OTHER_END                                                                                  \
    "the model's own reasoning ends in another answer than the record's: check each fact against " \
    "the source"

static int keep_thinking(const struct gen_item *item, const struct gen_json *record,
                         const struct gen_qa_view *qa, struct gen_str thinking,
                         struct gen_outcome *o, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = write_record(item, record, qa, thinking, "model", &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_produce(o, 0, gen_buf_str(&out), err);
    if (rc == GEN_OK && gen_check_refers_to_context(thinking))
        gen_outcome_note(o, "reasoning_refers_to_context");
    if (rc == GEN_OK && !item->chunk)
        gen_outcome_note(o, "without_source");
    gen_buf_release(&out);
    return rc;
}

/* A model that never thinks is not paid for thousands of answers. */
static int without_thinking(struct gen_qa_enhance *e, struct gen_outcome *o, struct gen_error *err)
{
    gen_outcome_fail(o, 0, NO_THOUGHTS, NO_THINKING);
    if (e->n_thoughtless == SIZE_MAX || ++e->n_thoughtless < THOUGHTLESS)
        return GEN_OK;
    return gen_fail(err, GEN_EUSAGE, "the first %u answers came without reasoning: %s", THOUGHTLESS,
                    NO_THINKING);
}

static int judge_thinking(struct gen_qa_enhance *e, const struct gen_item *item,
                          const struct gen_json *record, const struct gen_qa_view *qa,
                          struct gen_str thinking, bool agrees, struct gen_outcome *o,
                          struct gen_error *err)
{
    const char *fault = NULL;
    const char *class_name = UNSOUND;
    e->n_thoughtless = SIZE_MAX;
    if (gen_check_has_leftovers(thinking) || gen_step_has_defused(thinking)) {
        fault = "the reasoning holds tokens of a chat template";
    } else if (!agrees) {
        fault = OTHER_END;
        class_name = DISPUTED;
    }
    if (!fault)
        return keep_thinking(item, record, qa, thinking, o, err);
    if (!gen_outcome_is_last_try(o))
        return gen_outcome_ask_again(o, gen_str_from(fault), err);
    gen_outcome_fail(o, 0, class_name, fault);
    return GEN_OK;
}

static int accept_thinking(void *ud, struct gen_item *const *items, size_t n,
                           const struct gen_json *answer, struct gen_outcome *o,
                           struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view qa;
    char why[160];
    bool agrees = false;
    struct gen_str thinking = gen_str_trim(gen_outcome_reasoning(o));
    (void)n;
    int rc = gen_json_parse(&doc, items[0]->record, err);
    if (rc)
        return rc;
    if (!gen_qa_view(gen_json_root(doc), &qa, why, sizeof(why)))
        rc = gen_fail(err, GEN_ESTATE, "a record that is no pair reached enhance-cot: %s", why);
    if (rc == GEN_OK)
        rc = gen_answers_agree(qa.question, qa.answer, gen_json_get_str(answer, "conclusion"),
                               &agrees, err);
    if (rc == GEN_OK && thinking.n == 0)
        rc = without_thinking(ud, o, err);
    else if (rc == GEN_OK)
        rc = judge_thinking(ud, items[0], gen_json_root(doc), &qa, thinking, agrees, o, err);
    gen_json_doc_free(doc);
    return rc;
}

static int init_prompts(struct gen_qa_enhance *e, struct gen_error *err)
{
    bool native = e->o.native;
    double temperature = e->o.has_temperature ? e->o.temperature : 0.4;
    const char *schema_name = native ? "conclusion" : "reasoning_steps";
    const char *text = native ? gen_qa_schema_conclusion : gen_qa_schema_enhancement;
    size_t n_names = sizeof(names) / sizeof(names[0]);
    int rc = gen_step_prompt_init(&e->grounded, &e->common,
                                  native ? "cot_native" : "cot_enhancement", schema_name, text,
                                  e->o.has_temperature, temperature, names, n_names, err);
    return rc ? rc
              : gen_step_prompt_init(
                    &e->blind, &e->common, native ? "cot_native_blind" : "cot_enhancement_blind",
                    schema_name, text, e->o.has_temperature, temperature, names, n_names, err);
}

int gen_qa_enhance_new(struct gen_qa_enhance **out, const struct gen_step_common *common,
                       const struct gen_qa_enhance_options *options, struct gen_step *step,
                       struct gen_error *err)
{
    struct gen_qa_enhance *e = calloc(1, sizeof(*e));
    if (!e)
        return gen_nomem(err, "the enhance-cot step");
    e->common = *common;
    e->o = *options;
    int rc = init_prompts(e, err);
    if (rc) {
        gen_qa_enhance_free(e);
        return rc;
    }
    *step = (struct gen_step){
        .name = "enhance-cot",
        .unit_in = "pairs",
        .unit_out = "pairs",
        .group_max = options->native ? 1 : options->batch_size,
        .keep_skipped_inputs = true,
        .ud = e,
        .prefilter = prefilter,
        .may_share = gen_qa_may_share,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = options->native ? accept_thinking : accept,
    };
    *out = e;
    return GEN_OK;
}

void gen_qa_enhance_free(struct gen_qa_enhance *e)
{
    if (!e)
        return;
    gen_step_prompt_release(&e->grounded);
    gen_step_prompt_release(&e->blind);
    free(e->shown);
    free(e);
}
