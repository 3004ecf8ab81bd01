#include "qa/pairs.h"

struct gen_qa_tally gen_qa_tally_make(const struct gen_qa_generate *g, const struct gen_item *item)
{
    return (struct gen_qa_tally){.text = gen_buf_make(GEN_BUF_UNLIMITED),
                                 .n_max = gen_qa_quota_to_keep(&g->quota, item)};
}

static void free_words(struct gen_qa_pair *p)
{
    gen_word_set_free(p->question_words);
    gen_word_set_free(p->answer_words);
    p->question_words = NULL;
    p->answer_words = NULL;
}

void gen_qa_tally_release(struct gen_qa_tally *t)
{
    for (size_t i = 0; i < t->n_kept; i++)
        free_words(&t->kept[i]);
    gen_buf_release(&t->text);
    gen_jb_free(t->builder);
}

const char *gen_qa_wording_rule(struct gen_str question, struct gen_str answer,
                                size_t question_words_max, size_t answer_words_min,
                                size_t answer_words_max)
{
    size_t n_question = gen_count_words(question);
    size_t n_answer = gen_count_words(answer);
    bool question_refers, answer_refers, is_double, is_refusal;
    gen_check_question(question, &question_refers, &is_double);
    gen_check_answer(answer, &answer_refers, &is_refusal);
    if (n_question < 4 || n_question > question_words_max)
        return "question_length";
    if (n_answer < answer_words_min || n_answer > answer_words_max)
        return "answer_length";
    if (question_refers || answer_refers)
        return "refers_to_context";
    if (is_double)
        return "two_questions";
    if (is_refusal)
        return "refusal";
    if (gen_check_is_echo(question, answer))
        return "echo";
    if (gen_check_has_leftovers(question) || gen_check_has_leftovers(answer) ||
        gen_step_has_defused(question) || gen_step_has_defused(answer))
        return "left_overs";
    return NULL;
}

/* Reads the words of `p`, which the caller frees. */
static int is_duplicate(const struct gen_qa_pair *kept, size_t n_kept, struct gen_qa_pair *p,
                        bool *yes, struct gen_error *err)
{
    *yes = false;
    int rc = gen_word_set_new(&p->question_words, p->question, err);
    if (rc == GEN_OK)
        rc = gen_word_set_new(&p->answer_words, p->answer, err);
    for (size_t i = 0; rc == GEN_OK && i < n_kept && !*yes; i++)
        *yes = gen_word_set_is_similar(kept[i].question_words, p->question_words, 0.85) ||
               gen_word_set_is_similar(kept[i].answer_words, p->answer_words, 0.9);
    return rc;
}

int gen_qa_tally_keep(struct gen_qa_tally *t, struct gen_qa_generate *g, struct gen_qa_pair *p,
                      const char **rule, struct gen_error *err)
{
    bool duplicate = false;
    *rule = gen_qa_filter(g->o.skip_question, p->question, g->o.log);
    int rc = *rule ? GEN_OK : is_duplicate(t->kept, t->n_kept, p, &duplicate, err);
    if (duplicate)
        *rule = "duplicate_in_chunk";
    if (!*rule && t->n_kept == t->n_max)
        *rule = "more_than_asked";
    if (rc || *rule) {
        free_words(p);
        return rc;
    }
    t->kept[t->n_kept++] = *p;
    return GEN_OK;
}

int gen_qa_tally_builder(struct gen_qa_tally *t, struct gen_jb **out, struct gen_error *err)
{
    int rc = t->builder ? gen_jb_begin_again(t->builder, err) : gen_jb_new(&t->builder, err);
    *out = t->builder;
    return rc;
}

int gen_qa_tally_emit(struct gen_qa_tally *t, struct gen_jb *b, const struct gen_jmut *record,
                      size_t bytes, struct gen_outcome *o, struct gen_error *err)
{
    gen_buf_clear(&t->text);
    int rc = gen_buf_reserve(&t->text, 256 + bytes, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, record, GEN_JSON_COMPACT, &t->text, err);
    return rc ? rc : gen_outcome_produce(o, 0, gen_buf_str(&t->text), err);
}

void gen_qa_put_view(struct gen_jb *b, struct gen_jmut *r, const char *key, struct gen_str text)
{
    gen_jb_put(b, r, key, gen_jb_str_view(b, text));
}
