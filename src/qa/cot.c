/* Questions that need two facts, with the steps from them to the answer (prompting.md B.5). The
 * program numbers the steps, and checks what it can see of them. */
#include "dataset/chain.h"
#include "qa/pairs.h"

#include <stdlib.h>

#define SPANS_MAX 6U

struct cot_pair {
    struct gen_qa_pair pair;
    struct gen_str spans[SPANS_MAX];
    size_t n_spans;
    struct gen_chain chain;
    const char *rule; /* why it is not used */
};

struct cot_pairs {
    size_t n;
    struct cot_pair rows[GEN_QA_PAIRS_A_CALL_MAX];
};

static bool ends_sentence(const struct gen_chunk *c, size_t i)
{
    struct gen_str s = c->content;
    char next = i + 1 < s.n ? s.p[i + 1] : '\n';
    if (c->kind == GEN_CHUNK_CODE)
        return s.p[i] == '\n';
    if (s.p[i] == '.' || s.p[i] == '!' || s.p[i] == '?' || s.p[i] == ';')
        return strchr(" \n\r\t\"')*_`", next) != NULL;
    /* Paragraphs, list items, rows of a table; the ideographic full stop. */
    return (s.p[i] == '\n' && strchr("\n\r-*|#0123456789", next)) ||
           gen_str_starts(gen_str_sub(s, i, 3), GEN_STR("\xE3\x80\x82"));
}

/* Two spans of one sentence are one fact. */
static int are_separate(const struct gen_chunk *c, struct gen_str a, struct gen_str b, bool *yes,
                        struct gen_error *err)
{
    a = gen_str_trim(a);
    b = gen_str_trim(b);
    size_t at_a = gen_str_find(c->content, a, 0);
    size_t at_b = gen_str_find(c->content, b, 0);
    if (at_a == SIZE_MAX || at_b == SIZE_MAX) {
        /* Quoted without its line breaks: apart as far as their words are. */
        double similarity = 0;
        int rc = gen_check_similarity(a, b, &similarity, err);
        *yes = similarity < 0.5;
        return rc;
    }
    size_t first = at_a < at_b ? at_a : at_b;
    size_t second = at_a < at_b ? at_b : at_a;
    *yes = false;
    if (second < first + (at_a < at_b ? a.n : b.n))
        return GEN_OK;
    for (size_t i = first; i < second && !*yes; i++)
        *yes = ends_sentence(c, i);
    return GEN_OK;
}

static int evidence_rule(const struct gen_source_text *source, const struct gen_chunk *chunk,
                         const struct cot_pair *p, const char **rule, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < p->n_spans && rc == GEN_OK && !*rule; i++) {
        enum gen_quote_match match = GEN_QUOTE_ABSENT;
        rc = gen_qa_check_evidence(source, chunk, p->spans[i], &match, err);
        if (match == GEN_QUOTE_ABSENT)
            *rule = "evidence_not_in_source";
    }
    bool separate = false;
    for (size_t i = 0; i < p->n_spans && rc == GEN_OK && !*rule; i++) {
        for (size_t k = i + 1; k < p->n_spans && rc == GEN_OK && !separate; k++)
            rc = are_separate(chunk, p->spans[i], p->spans[k], &separate, err);
    }
    if (rc == GEN_OK && !*rule && !separate)
        *rule = "one_span_evidence";
    return rc;
}

/* Of reasoning and answer; what the steps compute needs no source. */
static int ground(const struct gen_qa_generate *g, const struct gen_source_text *source,
                  struct cot_pair *p, const char **rule, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf also = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_literals literals = {0, 0, 1.0};
    bool unused = false;
    int rc = gen_chain_write(&p->chain, &text, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\n', err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&text, p->pair.answer, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&also, p->pair.question, err);
    for (size_t i = 0; i < p->chain.n && rc == GEN_OK; i++)
        rc = gen_check_arithmetic(p->chain.steps[i], &unused, &also, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, gen_buf_str(&also), gen_buf_str(&text), &literals, NULL,
                                err);
    if (rc == GEN_OK) {
        p->pair.grounded = literals.share;
        if (gen_qa_is_ungrounded(&g->o.grounding, &literals))
            *rule = "ungrounded_literals";
    }
    gen_buf_release(&text);
    gen_buf_release(&also);
    return rc;
}

static bool has_defused(const struct gen_chain *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (gen_step_has_defused(c->steps[i]))
            return true;
    }
    return false;
}

static int broken_rule(const struct gen_qa_generate *g, const struct gen_source_text *source,
                       const struct gen_chunk *chunk, struct cot_pair *p, struct gen_error *err)
{
    const char *rule = NULL;
    bool derived = true;
    struct gen_str question = p->pair.question;
    struct gen_str answer = p->pair.answer;
    int rc = evidence_rule(source, chunk, p, &rule, err);
    if (rc == GEN_OK && !rule)
        rule = gen_qa_wording_rule(question, answer, 80, 1, 320);
    if (rc == GEN_OK && !rule)
        rc = gen_chain_rule(&p->chain, question, &rule, err);
    if (rc == GEN_OK && !rule && has_defused(&p->chain))
        rule = "left_overs";
    if (rc == GEN_OK && !rule && gen_chain_leaks_answer(&p->chain, question, answer))
        rule = "answer_in_first_step";
    if (rc == GEN_OK && !rule) {
        rc = gen_chain_derives(&p->chain, question, answer, &derived, err);
        rule = derived ? NULL : "answer_not_derived";
    }
    if (rc == GEN_OK && !rule)
        rc = ground(g, source, p, &rule, err);
    p->rule = rule;
    return rc;
}

static void read_pair(const struct gen_json *value, struct cot_pair *p)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *span;
    memset(p, 0, sizeof(*p));
    p->pair = (struct gen_qa_pair){.kind = gen_json_get_str(value, "pattern"),
                                   .question = gen_json_get_str(value, "question"),
                                   .answer = gen_json_get_str(value, "answer")};
    gen_json_iter_init(&it, gen_json_get(value, "evidence"));
    while (p->n_spans < SPANS_MAX && gen_json_iter_next(&it, &key, &span)) {
        if (gen_json_as_str(span, &p->spans[p->n_spans]))
            p->n_spans++;
    }
    gen_chain_read(gen_json_get(value, "steps"), &p->chain);
}

static int emit(const struct gen_qa_generate *g, struct gen_outcome *o, const struct gen_chunk *c,
                const struct cot_pair *p, struct gen_qa_tally *t, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf reasoning = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_chain_write(&p->chain, &reasoning, err);
    if (rc == GEN_OK)
        rc = gen_qa_tally_builder(t, &b, err);
    if (rc == GEN_OK) {
        struct gen_jmut *r = gen_jb_object(b);
        struct gen_jmut *evidence = gen_jb_array(b);
        gen_qa_put_view(b, r, "format", GEN_STR("cot"));
        gen_qa_put_view(b, r, "question", gen_str_trim(p->pair.question));
        gen_qa_put_view(b, r, "reasoning", gen_buf_str(&reasoning));
        gen_qa_put_view(b, r, "answer", gen_str_trim(p->pair.answer));
        gen_qa_put_view(b, r, "chunk_id", c->id);
        gen_qa_put_view(b, r, "source", c->source);
        gen_qa_put_view(b, r, "kind", p->pair.kind);
        for (size_t i = 0; i < p->n_spans; i++)
            gen_jb_append(b, evidence, gen_jb_str_view(b, p->spans[i]));
        gen_jb_put(b, r, "evidence", evidence);
        gen_jb_put_real(b, r, "literal_grounding", p->pair.grounded);
        gen_qa_put_view(b, r, "model", gen_str_from(g->common.model));
        rc =
            gen_qa_tally_emit(t, b, r, p->pair.question.n + p->pair.answer.n + reasoning.n, o, err);
    }
    gen_buf_release(&reasoning);
    return rc;
}

/* What the model is told when nothing of its answer can be used; NULL: asking again would not help.
 */
static const char *advice_on(const char *rule)
{
    static const char *const rows[][2] = {
        {"evidence_not_in_source",
         "an \"evidence\" string does not occur in the source; copy each character by character"},
        {"one_span_evidence",
         "the evidence of a pair is one sentence; a question needs two separate facts of the "
         "source, or \"usable\" is \"no_reasoning_possible\" with an empty list"},
        {"too_few_steps", "a pair has fewer than two steps"},
        {"too_many_steps", "a pair has more than 12 steps"},
        {"step_refers_to_context",
         "a step points at a text (\"the passage\", \"according to\"); state the fact itself"},
        {"step_mentions_given_answer", "a step speaks of a given answer; there is none"},
        {"wrong_arithmetic", "a calculation in the steps is wrong; compute it again"},
        {"repeated_step", "a step repeats another step or the question"},
        {"decorative_step", "a step adds neither a fact nor an inference"},
        {"answer_in_first_step", "the first step already gives the answer; it belongs to the end"},
        {"answer_not_derived",
         "a number or name of the answer occurs in no step; the steps must lead to it"},
    };
    for (size_t i = 0; rule && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rule, rows[i][0]) == 0)
            return rows[i][1];
    }
    return NULL;
}

static const char *common_advice(const struct cot_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        if (!pairs->rows[i].rule)
            return NULL;
    }
    return pairs->n ? advice_on(pairs->rows[0].rule) : NULL;
}

static int keep_pairs(struct gen_qa_generate *g, const struct gen_item *item,
                      struct cot_pairs *pairs, struct gen_outcome *o, struct gen_error *err)
{
    struct gen_qa_tally t = gen_qa_tally_make(g, item);
    int rc = GEN_OK;
    for (size_t i = 0; i < pairs->n && rc == GEN_OK; i++) {
        struct cot_pair *p = &pairs->rows[i];
        if (!p->rule)
            rc = gen_qa_tally_keep(&t, g, &p->pair, &p->rule, err);
        if (rc == GEN_OK && p->rule)
            gen_outcome_filter_output(o, p->rule);
        else if (rc == GEN_OK)
            rc = emit(g, o, item->chunk, p, &t, err);
    }
    if (rc == GEN_OK && t.n_kept == 0)
        gen_outcome_filter(o, 0, "no_pair_passed_the_checks");
    gen_qa_tally_release(&t);
    return rc;
}

static int accept_pairs(struct gen_qa_generate *g, const struct gen_item *item,
                        const struct gen_json *values, const struct gen_source_text *source,
                        struct gen_outcome *o, struct gen_error *err)
{
    struct cot_pairs *pairs = calloc(1, sizeof(*pairs));
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    int rc = pairs ? GEN_OK : gen_nomem(err, "pairs");
    gen_json_iter_init(&it, values);
    while (rc == GEN_OK && pairs->n < GEN_QA_PAIRS_A_CALL_MAX &&
           gen_json_iter_next(&it, &key, &value)) {
        struct cot_pair *p = &pairs->rows[pairs->n++];
        read_pair(value, p);
        rc = broken_rule(g, source, item->chunk, p, err);
    }
    const char *advice = rc == GEN_OK ? common_advice(pairs) : NULL;
    if (advice && !gen_outcome_is_last_try(o))
        rc = gen_outcome_ask_again(o, gen_str_from(advice), err);
    else if (rc == GEN_OK)
        rc = keep_pairs(g, item, pairs, o, err);
    free(pairs);
    return rc;
}

static const char *const plans[] = {
    "cause_effect, constraint_check", "compare, procedure_choice",
    "diagnosis, cause_effect",        "calculation, constraint_check, compare",
    "trade_off, diagnosis",           "procedure_choice, cause_effect",
    "constraint_check, trade_off",
};

static const char *const text_names[] = {"text",  "n_pairs", "title", "section",
                                         "fence", "kinds",   "topic", "source"};
static const char *const code_names[] = {"text",     "n_pairs", "title", "section", "fence",
                                         "language", "symbols", "topic", "source"};

const struct gen_qa_pair_kind gen_qa_cot_pairs = {
    .step_name = "generate-cot",
    .text = {"cot_generation", "cot_pairs", gen_qa_schema_cot_pairs, text_names,
             sizeof(text_names) / sizeof(text_names[0]), GEN_TASK_COT, 450, 0.6},
    .code = {"cot_generation_code", "code_cot_pairs", gen_qa_schema_code_cot_pairs, code_names,
             sizeof(code_names) / sizeof(code_names[0]), GEN_TASK_CODE_COT, 450, 0.6},
    .density = {.chars_a_pair = 600, .code_lines_a_pair = 20, .default_max = 3},
    .plans = plans,
    .n_plans = sizeof(plans) / sizeof(plans[0]),
    .accept = accept_pairs,
};
