/* Reasoning for an existing pair: the sentences of the source that the question is about, and what
 * they say. Where the stored answer is shown, the sentences that carry it. Nothing is made up: a
 * pair for which the source has fewer than two such sentences gets too few steps, and fails. */
#include "llm/provider/extractive_int.h"

#define STEPS_MAX   4U
#define SUPPORT_MIN 0.6
#define RELATED_MIN 0.34

struct support {
    size_t at[STEPS_MAX]; /* sentences, in the order of the text */
    size_t n;
    size_t best;
};

static bool is_usable(struct gen_str s)
{
    size_t words = gen_extract_n_words(s);
    return words >= 4 && words <= 60 && !gen_extract_points_at_document(s) &&
           !gen_str_ends(s, GEN_STR("?"));
}

static bool has(const struct support *s, size_t i)
{
    for (size_t k = 0; k < s->n; k++) {
        if (s->at[k] == i)
            return true;
    }
    return false;
}

static void add(struct support *s, size_t i)
{
    if (s->n < STEPS_MAX && !has(s, i))
        s->at[s->n++] = i;
}

static size_t best_for(const struct gen_extract *x, struct gen_str about)
{
    size_t best = SIZE_MAX;
    double most = 0;
    for (size_t i = 0; i < x->sentences.n; i++) {
        struct gen_str s = x->sentences.items[i].text;
        double share = is_usable(s) ? gen_extract_overlap(about, s) : 0;
        if (share > most) {
            most = share;
            best = i;
        }
    }
    return best;
}

/* Another sentence with something of the first one in it: the one before, the one behind, any. */
static size_t related_to(const struct gen_extract *x, size_t i)
{
    const struct gen_extract_sentences *s = &x->sentences;
    struct gen_str text = s->items[i].text;
    if (i && s->items[i - 1].paragraph == s->items[i].paragraph && is_usable(s->items[i - 1].text))
        return i - 1;
    if (i + 1 < s->n && s->items[i + 1].paragraph == s->items[i].paragraph &&
        is_usable(s->items[i + 1].text))
        return i + 1;
    size_t best = SIZE_MAX;
    double most = RELATED_MIN;
    for (size_t k = 0; k < s->n; k++) {
        double share =
            k != i && is_usable(s->items[k].text) ? gen_extract_overlap(s->items[k].text, text) : 0;
        if (share > most && share < 0.7) {
            most = share;
            best = k;
        }
    }
    return best;
}

static void find_support(const struct gen_extract *x, const struct gen_task_pair *p,
                         struct support *s)
{
    bool shown = p->answer.n > 0;
    s->n = 0;
    s->best = best_for(x, shown ? p->answer : p->question);
    if (s->best == SIZE_MAX)
        return;
    add(s, s->best);
    /* All that an answer is made of. */
    for (size_t i = 0; shown && i < x->sentences.n; i++) {
        struct gen_str text = x->sentences.items[i].text;
        if (is_usable(text) && gen_extract_overlap(text, p->answer) >= SUPPORT_MIN)
            add(s, i);
    }
    size_t other = s->n < 2 ? related_to(x, s->best) : SIZE_MAX;
    if (other != SIZE_MAX)
        add(s, other);
    gen_extract_sort(s->at, s->n);
}

static void put_conclusion(struct gen_extract *x, const struct support *s, bool shown)
{
    gen_extract_line_clear(&x->line);
    if (s->n == 0)
        return;
    if (!shown) {
        gen_extract_put(&x->line, x->sentences.items[s->best].text);
        return;
    }
    for (size_t i = 0; i < s->n; i++) {
        gen_extract_put_c(&x->line, i ? " " : "");
        gen_extract_put(&x->line, x->sentences.items[s->at[i]].text);
    }
}

static void reason(struct gen_extract *x, struct gen_jb *b, const struct gen_task_pair *p,
                   struct gen_jmut *items)
{
    struct support s;
    struct gen_jmut *facts = gen_jb_array(b);
    struct gen_jmut *skeleton = gen_jb_array(b);
    struct gen_jmut *steps = gen_jb_array(b);
    struct gen_jmut *o = gen_jb_object(b);
    bool shown = p->answer.n > 0;
    find_support(x, p, &s);
    for (size_t i = 0; i < s.n; i++) {
        const struct gen_extract_sentence *sentence = &x->sentences.items[s.at[i]];
        gen_jb_append(b, facts, gen_jb_str(b, sentence->raw));
        gen_jb_append(b, steps, gen_jb_str(b, sentence->text));
        gen_jb_append(b, skeleton,
                      gen_jb_str(b, i + 1 < s.n ? GEN_STR("recall_fact") : GEN_STR("conclude")));
    }
    put_conclusion(x, &s, shown);
    struct gen_str conclusion = gen_extract_line_str(&x->line);
    bool agrees = shown && gen_extract_overlap(p->answer, conclusion) >= SUPPORT_MIN;
    gen_jb_put_str(b, o, "id", p->id);
    gen_jb_put(b, o, "needed_facts", facts);
    gen_jb_put(b, o, "skeleton", skeleton);
    gen_jb_put(b, o, "steps", steps);
    gen_jb_put_str(b, o, "conclusion", conclusion);
    gen_jb_put_cstr(b, o, "answer_check", !shown ? "not_shown" : agrees ? "agrees" : "contradicts");
    gen_jb_append(b, items, o);
}

int gen_extract_enhance(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                        struct gen_error *err)
{
    struct gen_jmut *items = gen_jb_array(b);
    int rc = gen_extract_split(&x->arena, x->in->text, &x->sentences, err);
    for (size_t i = 0; i < x->in->n_pairs && rc == GEN_OK; i++)
        reason(x, b, &x->in->pairs[i], items);
    gen_jb_put(b, root, "items", items);
    return rc;
}
