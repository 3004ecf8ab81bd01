/* Question and answer, with the words of the chunk that carry them. */
#include "qa/pairs.h"

struct plain_pair {
    struct gen_qa_pair pair;
    struct gen_str symbol, evidence;
};

static int broken_rule(const struct gen_qa_generate *g, const struct gen_source_text *source,
                       const struct gen_chunk *chunk, struct plain_pair *p, const char **rule,
                       struct gen_error *err)
{
    enum gen_quote_match match = GEN_QUOTE_ABSENT;
    struct gen_literals literals = {0, 0, 1.0};
    int rc = gen_qa_check_evidence(source, chunk, p->evidence, &match, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, p->pair.question, p->pair.answer, &literals, NULL, err);
    if (rc)
        return rc;
    p->pair.grounded = literals.share;
    if (match == GEN_QUOTE_ABSENT)
        *rule = "evidence_not_in_source";
    else if (chunk->kind == GEN_CHUNK_CODE &&
             gen_str_find(chunk->content, p->symbol, 0) == SIZE_MAX)
        *rule = "symbol_not_in_source";
    else
        *rule = gen_qa_wording_rule(p->pair.question, p->pair.answer, 60, 2, 320);
    if (!*rule && gen_qa_is_ungrounded(&g->o.grounding, &literals))
        *rule = "ungrounded_literals";
    return GEN_OK;
}

static int emit(const struct gen_qa_generate *g, struct gen_outcome *o, const struct gen_chunk *c,
                const struct plain_pair *p, struct gen_qa_tally *t, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_qa_tally_builder(t, &b, err);
    if (rc)
        return rc;
    struct gen_jmut *r = gen_jb_object(b);
    gen_qa_put_view(b, r, "format", GEN_STR("qa"));
    gen_qa_put_view(b, r, "question", gen_str_trim(p->pair.question));
    gen_qa_put_view(b, r, "answer", gen_str_trim(p->pair.answer));
    gen_qa_put_view(b, r, "chunk_id", c->id);
    gen_qa_put_view(b, r, "source", c->source);
    gen_qa_put_view(b, r, "kind", p->pair.kind);
    gen_qa_put_view(b, r, "evidence", p->evidence);
    if (p->symbol.n)
        gen_qa_put_view(b, r, "symbol", p->symbol);
    gen_jb_put_real(b, r, "literal_grounding", p->pair.grounded);
    gen_qa_put_view(b, r, "model", gen_str_from(g->common.model));
    return gen_qa_tally_emit(t, b, r, p->pair.question.n + p->pair.answer.n + p->evidence.n, o,
                             err);
}

/* "`soak(kiln)`" names soak. */
static struct gen_str bare_symbol(struct gen_str s)
{
    s = gen_str_trim(s);
    if (s.n > 2 && s.p[0] == '`' && s.p[s.n - 1] == '`')
        s = gen_str_sub(s, 1, s.n - 2);
    size_t call = gen_str_find(s, GEN_STR("("), 0);
    return call && call != SIZE_MAX ? gen_str_trim(gen_str_sub(s, 0, call)) : s;
}

static int look_at_pair(struct gen_qa_generate *g, struct gen_outcome *o,
                        const struct gen_source_text *source, const struct gen_chunk *chunk,
                        const struct gen_json *value, struct gen_qa_tally *t, struct gen_error *err)
{
    struct plain_pair p = {
        .pair = {.kind = gen_json_get_str(value, "kind"),
                 .question = gen_json_get_str(value, "question"),
                 .answer = gen_json_get_str(value, "answer")},
        .symbol = bare_symbol(gen_json_get_str(value, "symbol")),
        .evidence = gen_json_get_str(value, "evidence"),
    };
    const char *rule = NULL;
    int rc = broken_rule(g, source, chunk, &p, &rule, err);
    if (rc == GEN_OK && !rule)
        rc = gen_qa_tally_keep(t, g, &p.pair, &rule, err);
    if (rc == GEN_OK && rule)
        gen_outcome_filter_output(o, rule);
    return rc || rule ? rc : emit(g, o, chunk, &p, t, err);
}

static bool all_quotes_absent(const struct gen_source_text *source, const struct gen_chunk *chunk,
                              const struct gen_json *pairs)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *pair;
    gen_json_iter_init(&it, pairs);
    while (gen_json_iter_next(&it, &key, &pair)) {
        enum gen_quote_match match = GEN_QUOTE_EXACT;
        if (gen_qa_check_evidence(source, chunk, gen_json_get_str(pair, "evidence"), &match,
                                  NULL) != GEN_OK ||
            match != GEN_QUOTE_ABSENT)
            return false;
    }
    return true;
}

static int accept_pairs(struct gen_qa_generate *g, const struct gen_item *item,
                        const struct gen_json *pairs, const struct gen_source_text *source,
                        struct gen_outcome *o, struct gen_error *err)
{
    /* Paraphrased evidence through and through is a misunderstanding that one more word can cure.
     */
    if (!gen_outcome_is_last_try(o) && all_quotes_absent(source, item->chunk, pairs))
        return gen_outcome_ask_again(
            o,
            GEN_STR("none of the \"evidence\" strings occurs in the source; copy them character by "
                    "character from the source, or choose another value of \"usable\" and an empty "
                    "list"),
            err);
    struct gen_qa_tally t = gen_qa_tally_make(g, item);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *pair;
    gen_json_iter_init(&it, pairs);
    int rc = GEN_OK;
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &pair))
        rc = look_at_pair(g, o, source, item->chunk, pair, &t, err);
    if (rc == GEN_OK && t.n_kept == 0)
        gen_outcome_filter(o, 0, "no_pair_passed_the_checks");
    gen_qa_tally_release(&t);
    return rc;
}

static const char *const plans[] = {
    "how_to, why, condition_or_limit",       "definition, consequence, comparison",
    "troubleshooting, how_to, fact",         "why, example, condition_or_limit",
    "comparison, how_to, consequence",       "definition, why, troubleshooting",
    "fact, condition_or_limit, consequence",
};

static const char *const text_names[] = {"text",  "n_pairs", "title", "section",
                                         "fence", "kinds",   "topic", "source"};
static const char *const code_names[] = {"text",     "n_pairs", "title", "section", "fence",
                                         "language", "symbols", "topic", "source"};

const struct gen_qa_pair_kind gen_qa_plain_pairs = {
    .step_name = "generate",
    .text = {"qa_generation", "qa_pairs", gen_qa_schema_text_pairs, text_names,
             sizeof(text_names) / sizeof(text_names[0]), GEN_TASK_QA, 180, 0.7},
    .code = {"code_qa_generation", "code_qa_pairs", gen_qa_schema_code_pairs, code_names,
             sizeof(code_names) / sizeof(code_names[0]), GEN_TASK_CODE_QA, 260, 0.6},
    /* About 80 tokens of text carry one pair (prompting.md B.1). */
    .density = {.chars_a_pair = 320, .code_lines_a_pair = 12, .default_max = 5},
    .plans = plans,
    .n_plans = sizeof(plans) / sizeof(plans[0]),
    .accept = accept_pairs,
};
