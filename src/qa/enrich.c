/* Better answers with the source in view. A rewrite that invents, loses or bloats is not used: the
 * draft is kept, and the account says by which rule. */
#include "base/utf8.h"
#include "dataset/checks.h"
#include "qa/common.h"

#include <stdlib.h>

#define TOKENS_AN_ITEM 350

struct gen_qa_enrich {
    struct gen_step_common common;
    struct gen_qa_enrich_options o;
    struct gen_step_prompt grounded, blind;
};

/* The first is the one that a prompt must have; the blind one has no text. */
static const char *const names[] = {"pairs", "text", "title", "section", "fence", "ids", "source"};

static struct gen_step_prompt *prompt_for(struct gen_qa_enrich *e, const struct gen_item *item)
{
    return item->chunk ? &e->grounded : &e->blind;
}

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    (void)ud;
    *is_skip = false;
    return gen_qa_prefilter_record(item);
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
    struct gen_qa_enrich *e = ud;
    struct gen_str pairs;
    struct gen_str ids;
    int rc = gen_qa_render_pairs(items, n, NULL, q, &pairs, &ids, err);
    if (rc)
        return rc;
    q->inputs.task = GEN_TASK_ENRICH;
    q->tokens_out_max = gen_step_tokens(&e->common, n, TOKENS_AN_ITEM);
    return gen_qa_render_with_chunk(prompt_for(e, items[0])->prompt, items[0]->chunk, pairs, ids,
                                    NULL, q, err);
}

static int join(struct gen_buf *out, struct gen_str a, struct gen_str b, struct gen_error *err)
{
    int rc = gen_buf_add_str(out, a, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, '\n', err);
    return rc ? rc : gen_buf_add_str(out, b, err);
}

/* The rule by which a rewrite is not used; NULL: it is. */
static int broken_rule(const struct gen_source_text *source, const struct gen_qa_view *draft,
                       struct gen_str text, const char **rule, struct gen_error *err)
{
    *rule = NULL;
    size_t n_old = gen_count_words(draft->answer);
    size_t n_new = gen_count_words(text);
    if (n_new == 0)
        *rule = "kept_original_empty";
    else if (gen_check_refers_to_context(text) && !gen_check_refers_to_context(draft->answer))
        *rule = "kept_original_refers_to_context";
    else if (gen_check_is_refusal(text) && !gen_check_is_refusal(draft->answer))
        *rule = "kept_original_refusal";
    else if ((gen_check_has_leftovers(text) && !gen_check_has_leftovers(draft->answer)) ||
             gen_step_has_defused(text))
        *rule = "kept_original_left_overs";
    else if (n_new > 4 * n_old + 40)
        *rule = "kept_original_too_long";
    if (*rule)
        return GEN_OK;
    struct gen_literals literals;
    struct gen_buf also = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = join(&also, draft->question, draft->answer, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, gen_buf_str(&also), text, &literals, NULL, err);
    if (rc == GEN_OK && literals.n_grounded < literals.n_literals)
        *rule = "kept_original_invented_literals";
    gen_buf_release(&also);
    return rc;
}

/* Literals of the draft that the source carries must be in the rewrite, or in the question: none of
 * them may be grounded in the source alone. */
static int loses_literals(const struct gen_source_text *source, const struct gen_qa_view *draft,
                          struct gen_str text, bool *yes, struct gen_error *err)
{
    struct gen_source_text *rewrite = NULL;
    struct gen_literals in_any;
    struct gen_literals in_rewrite;
    struct gen_buf all = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = join(&all, draft->question, text, err);
    if (rc == GEN_OK)
        rc = gen_source_text_new(&rewrite, gen_buf_str(&all), err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, gen_buf_str(&all), draft->answer, &in_any, NULL, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(rewrite, GEN_STR(""), draft->answer, &in_rewrite, NULL, err);
    if (rc == GEN_OK)
        *yes = in_rewrite.n_grounded < in_any.n_grounded;
    gen_source_text_free(rewrite);
    gen_buf_release(&all);
    return rc;
}

static int check_rewrite(const struct gen_item *item, const struct gen_qa_view *draft,
                         struct gen_str text, const char **rule, struct gen_error *err)
{
    struct gen_source_text *source = NULL;
    bool loses = false;
    struct gen_str against = item->chunk ? item->chunk->content : draft->answer;
    int rc = gen_source_text_new(&source, against, err);
    if (rc == GEN_OK)
        rc = broken_rule(source, draft, text, rule, err);
    if (rc == GEN_OK && !*rule) {
        rc = loses_literals(source, draft, text, &loses, err);
        *rule = loses ? "kept_original_lost_literals" : NULL;
    }
    gen_source_text_free(source);
    return rc;
}

static int likeness(const struct gen_item *item, struct gen_str text, double *share,
                    struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view pair;
    char why[160];
    struct gen_buf both = gen_buf_make(GEN_BUF_UNLIMITED);
    *share = 0;
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc == GEN_OK && gen_qa_view(gen_json_root(doc), &pair, why, sizeof(why))) {
        rc = join(&both, pair.question, pair.answer, err);
        if (rc == GEN_OK)
            rc = gen_check_similarity(gen_buf_str(&both), text, share, err);
    }
    gen_buf_release(&both);
    gen_json_doc_free(doc);
    return rc;
}

/* Models that answer several items at a time mix them up: the rewrite is clearly one of another
 * pair (prompting.md B.3). */
static int is_of_other_pair(struct gen_item *const *items, size_t n, size_t input,
                            struct gen_str text, bool *yes, struct gen_error *err)
{
    double own = 0;
    *yes = false;
    int rc = n > 1 ? likeness(items[input], text, &own, err) : GEN_OK;
    for (size_t i = 0; i < n && n > 1 && rc == GEN_OK && !*yes; i++) {
        double other = 0;
        if (i != input)
            rc = likeness(items[i], text, &other, err);
        *yes = other >= 0.3 && other > 2 * own;
    }
    return rc;
}

/* What the model says of its changes is not trusted where the texts themselves tell. */
static void put_changes(struct gen_jb *b, struct gen_jmut *record, const struct gen_json *changes,
                        bool changed)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *change;
    gen_json_iter_init(&it, changes);
    while (changed && gen_json_iter_next(&it, &key, &change)) {
        struct gen_str name;
        if (gen_json_as_str(change, &name) && !gen_str_is(name, "none"))
            gen_jb_append(b, list, gen_jb_str(b, name));
    }
    gen_jb_set(b, record, "enrichment_changes", list);
}

static int write_record(struct gen_qa_enrich *e, const struct gen_item *item,
                        const struct gen_json *old, const struct gen_qa_view *draft,
                        struct gen_str text, const struct gen_json *changes, struct gen_buf *out,
                        struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    bool changed = !gen_str_eq(text, gen_str_trim(draft->answer));
    struct gen_jmut *record = gen_jb_copy(b, old);
    gen_jb_set(b, record, "answer", gen_jb_str(b, text));
    if (draft->kind == GEN_RECORD_CONVERSATION) {
        /* Its turns still hold the draft: from here on it is the pair that counts. */
        gen_jb_set(b, record, "format", gen_jb_str(b, GEN_STR("qa")));
        gen_jb_set(b, record, "question", gen_jb_str(b, draft->question));
    }
    put_changes(b, record, changes, changed);
    if (e->o.preserve_original)
        gen_jb_set(b, record, "original_answer", gen_jb_str(b, draft->answer));
    if (!item->chunk)
        gen_jb_set(b, record, "enrich_grounded", gen_jb_bool(b, false));
    rc = gen_jb_write(b, record, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

static int accept_item(struct gen_qa_enrich *e, struct gen_item *const *items, size_t n,
                       size_t input, const struct gen_json *answer, struct gen_outcome *o,
                       struct gen_error *err)
{
    const struct gen_item *item = items[input];
    bool is_others = false;
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view draft;
    char why[160];
    const char *rule = NULL;
    struct gen_str text = gen_str_trim(gen_json_get_str(answer, "enriched_answer"));
    int rc = gen_json_parse(&doc, item->record, err);
    if (rc)
        return rc;
    if (!gen_qa_view(gen_json_root(doc), &draft, why, sizeof(why))) {
        gen_json_doc_free(doc);
        return gen_fail(err, GEN_ESTATE, "a record that is no pair reached enrich: %s", why);
    }
    rc = is_of_other_pair(items, n, input, text, &is_others, err);
    if (rc == GEN_OK && is_others)
        rule = "kept_original_other_pair";
    else if (rc == GEN_OK)
        rc = check_rewrite(item, &draft, text, &rule, err);
    if (rc == GEN_OK && rule) {
        gen_outcome_note(o, rule);
        text = draft.answer;
    }
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    if (rc == GEN_OK)
        rc = write_record(e, item, gen_json_root(doc), &draft, text,
                          gen_json_get(answer, "changes"), &out, err);
    if (rc == GEN_OK)
        rc = gen_outcome_produce(o, input, gen_buf_str(&out), err);
    if (rc == GEN_OK && !item->chunk)
        gen_outcome_note(o, "without_source");
    gen_buf_release(&out);
    gen_json_doc_free(doc);
    return rc;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    bool seen[64] = {false};
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    gen_json_iter_init(&it, gen_json_get(answer, "items"));
    while (gen_json_iter_next(&it, &key, &row)) {
        size_t i = gen_qa_index_of(gen_json_get_str(row, "id"), n);
        if (i == SIZE_MAX || seen[i])
            continue;
        seen[i] = true;
        int rc = accept_item(ud, items, n, i, row, o, err);
        if (rc)
            return rc;
    }
    return gen_qa_ask_for_missing(o, seen, n, GEN_STR(GEN_QA_FAULT_MISSING), err);
}

int gen_qa_enrich_new(struct gen_qa_enrich **out, const struct gen_step_common *common,
                      const struct gen_qa_enrich_options *options, struct gen_step *step,
                      struct gen_error *err)
{
    struct gen_qa_enrich *e = calloc(1, sizeof(*e));
    if (!e)
        return gen_nomem(err, "the enrich step");
    e->common = *common;
    e->o = *options;
    double temperature = options->has_temperature ? options->temperature : 0.3;
    size_t n_names = sizeof(names) / sizeof(names[0]);
    int rc = gen_step_prompt_init(&e->grounded, common, "qa_enrichment", "enriched_answers",
                                  gen_qa_schema_enrichment, options->has_temperature, temperature,
                                  names, n_names, err);
    if (rc == GEN_OK)
        rc = gen_step_prompt_init(&e->blind, common, "qa_enrichment_blind", "enriched_answers",
                                  gen_qa_schema_enrichment, options->has_temperature, temperature,
                                  names, n_names, err);
    if (rc) {
        gen_qa_enrich_free(e);
        return rc;
    }
    *step = (struct gen_step){
        .name = "enrich",
        .unit_in = "pairs",
        .unit_out = "pairs",
        .group_max = options->batch_size,
        .keep_failed_inputs = true,
        .ud = e,
        .prefilter = prefilter,
        .may_share = gen_qa_may_share,
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
    };
    *out = e;
    return GEN_OK;
}

void gen_qa_enrich_free(struct gen_qa_enrich *e)
{
    if (!e)
        return;
    gen_step_prompt_release(&e->grounded);
    gen_step_prompt_release(&e->blind);
    free(e);
}
