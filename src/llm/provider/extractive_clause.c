/* Finds subject and verb of an English clause without a model: verbs are known by a list, and what
 * is not clear is given up. */
#include "llm/provider/extractive_int.h"

static bool in(struct gen_str word, const char *const *list)
{
    for (; *list; list++) {
        if (gen_str_eq_nocase(word, gen_str_from(*list)))
            return true;
    }
    return false;
}

static bool is_be(struct gen_str w)
{
    static const char *const list[] = {"is", "are", "was", "were", NULL};
    return in(w, list);
}

static bool is_modal(struct gen_str w)
{
    static const char *const list[] = {"can",   "may",   "must",   "should", "will",
                                       "could", "does",  "do",     "did",    "might",
                                       "shall", "would", "cannot", "need",   NULL};
    return in(w, list);
}

static bool is_have(struct gen_str w)
{
    static const char *const list[] = {"has", "have", "had", NULL};
    return in(w, list);
}

static bool is_relative(struct gen_str w)
{
    static const char *const list[] = {"that", "which", "who", "whose", "whom", "where", NULL};
    return in(w, list);
}

static bool is_clause_word(struct gen_str w)
{
    static const char *const list[] = {"if",    "when",    "because", "unless", "while", "whereas",
                                       "since", "until",   "before",  "so",     "but",   "although",
                                       "how",   "whether", "why",     "what",   "once",  NULL};
    return in(w, list);
}

static bool is_plural_noun(struct gen_str w)
{
    static const char *const list[] = {"data", "metadata", "people", "criteria", "bytes", NULL};
    if (in(w, list))
        return true;
    if (w.n < 3 || (w.p[w.n - 1] != 's' && w.p[w.n - 1] != 'S'))
        return false;
    char before = w.p[w.n - 2];
    return before != 's' && before != 'u' && before != 'i' && before != '\'' && w.p[w.n - 1] == 's';
}

static bool is_single(struct gen_str w)
{
    static const char *const list[] = {"a", "an", "each", "every", "another", NULL};
    return in(w, list);
}

/* Can a subject end with this token? */
static bool can_end_subject(const struct gen_extract_token *t)
{
    if (t->kind == GEN_EXTRACT_CLOSE || t->kind == GEN_EXTRACT_CODE)
        return true;
    struct gen_str w = t->text;
    return t->kind == GEN_EXTRACT_WORD && !gen_extract_word_is(w, GEN_EXTRACT_DETERMINER) &&
           !gen_extract_word_is(w, GEN_EXTRACT_PREPOSITION) &&
           !gen_str_eq_nocase(w, GEN_STR("to")) && !gen_str_eq_nocase(w, GEN_STR("and")) &&
           !gen_str_eq_nocase(w, GEN_STR("or")) && !is_be(w) && !is_modal(w);
}

static bool is_finite_start(const struct gen_extract_token *t)
{
    return t->kind == GEN_EXTRACT_WORD && (is_be(t->text) || is_modal(t->text) || is_have(t->text));
}

static bool opens_object(const struct gen_extract_token *t)
{
    if (gen_extract_is_identifier(t))
        return true;
    char c = t->text.n ? t->text.p[0] : '\0';
    return gen_extract_word_is(t->text, GEN_EXTRACT_DETERMINER) || (c >= '0' && c <= '9') ||
           gen_str_eq_nocase(t->text, GEN_STR("this")) ||
           gen_str_eq_nocase(t->text, GEN_STR("it")) ||
           gen_str_eq_nocase(t->text, GEN_STR("only")) ||
           gen_str_eq_nocase(t->text, GEN_STR("one")) ||
           gen_str_eq_nocase(t->text, GEN_STR("them")) ||
           gen_str_eq_nocase(t->text, GEN_STR("two"));
}

/* Is the word at `i`, behind a possible subject, a finite verb? */
static bool is_lexical_verb(const struct gen_extract_tokens *t, size_t from, size_t i, size_t to,
                            bool plural, struct gen_extract_verb *verb)
{
    const struct gen_extract_token *next = i + 1 < to ? &t->t[i + 1] : NULL;
    *verb = gen_extract_verb(t->t[i].text);
    size_t back = i;
    while (back > from && gen_extract_word_is(t->t[back - 1].text, GEN_EXTRACT_ADVERB))
        back--;
    if (back == from)
        return false;
    const struct gen_extract_token *prev = &t->t[back - 1];
    if (verb->form == GEN_EXTRACT_VERB_NONE || verb->form == GEN_EXTRACT_VERB_ING ||
        !can_end_subject(prev) || (next && is_finite_start(next)))
        return false;
    if (next && (gen_extract_token_is(t, i + 1, "of") || gen_extract_token_is(t, i + 1, ",")) &&
        !gen_extract_token_is(t, i, "consists"))
        return false;
    bool prev_adjective =
        prev->kind == GEN_EXTRACT_WORD && (gen_extract_word_is(prev->text, GEN_EXTRACT_ADJECTIVE) ||
                                           gen_extract_word_is(prev->text, GEN_EXTRACT_PARTICIPLE));
    bool nouny = gen_extract_word_is(gen_str_from(verb->base), GEN_EXTRACT_NOUN_OR_VERB);
    if (verb->form == GEN_EXTRACT_VERB_S) {
        if (prev_adjective && nouny)
            return false;
        if (!nouny)
            return true;
        return next && (opens_object(next) || gen_extract_is_identifier(prev) ||
                        (!is_plural_noun(prev->text) &&
                         (gen_extract_word_is(next->text, GEN_EXTRACT_PARTICIPLE) ||
                          gen_extract_word_is(next->text, GEN_EXTRACT_ADJECTIVE))));
    }
    if (verb->form == GEN_EXTRACT_VERB_BASE)
        return plural && !prev_adjective && (is_plural_noun(prev->text) || back < i || !nouny) &&
               (!nouny || (next && (opens_object(next) || is_plural_noun(prev->text))));
    return next && opens_object(next) && !prev_adjective;
}

static size_t close_of(const struct gen_extract_tokens *t, size_t i, size_t to)
{
    unsigned depth = t->t[i].depth;
    while (i < to && !(t->t[i].kind == GEN_EXTRACT_CLOSE && t->t[i].depth == depth + 1))
        i++;
    return i;
}

struct walk {
    size_t pending; /* relative clauses whose verb has not come yet */
    bool relative;  /* there was one */
    bool plural;
    bool head_done; /* past the head noun: "chunks [of a dataset]" */
    bool is_single; /* "a", "each" */
    bool is_list;   /* "A and B" */
};

/* A comma inside of a subject is one of a list of names, or the subject is given up. */
static bool is_list_comma(const struct gen_extract_tokens *t, size_t i, size_t to)
{
    if (i + 1 >= to || !gen_extract_is_identifier(&t->t[i - 1]))
        return false;
    return gen_extract_is_identifier(&t->t[i + 1]);
}

static void set_end(const struct gen_extract_tokens *t, size_t to, struct gen_extract_clause *out)
{
    out->end = out->v + 1;
    while (out->end < to) {
        const struct gen_extract_token *k = &t->t[out->end];
        if (k->kind == GEN_EXTRACT_PUNCT && k->depth == 0 &&
            (k->text.p[0] == ';' || k->text.p[0] == ':' || k->text.p[0] == '.' ||
             k->text.p[0] == '!' || k->text.p[0] == '?'))
            break;
        out->end++;
    }
}

static bool finish(const struct gen_extract_tokens *t, size_t from, size_t v, size_t to,
                   const struct walk *w, enum gen_extract_clause_form form,
                   struct gen_extract_clause *out)
{
    out->s0 = from;
    out->v = v;
    out->s1 = v;
    while (out->s1 > from && t->t[out->s1 - 1].kind == GEN_EXTRACT_WORD &&
           gen_extract_word_is(t->t[out->s1 - 1].text, GEN_EXTRACT_ADVERB))
        out->s1--;
    out->form = form;
    out->has_relative = w->relative;
    struct gen_str verb = t->t[v].text;
    out->plural = gen_str_eq_nocase(verb, GEN_STR("are")) ||
                  gen_str_eq_nocase(verb, GEN_STR("were")) ||
                  gen_str_eq_nocase(verb, GEN_STR("have")) ||
                  (form == GEN_EXTRACT_CLAUSE_VERB && out->verb.form == GEN_EXTRACT_VERB_BASE) ||
                  (form == GEN_EXTRACT_CLAUSE_MODAL && w->plural);
    out->is_there = out->s1 == from + 1 && gen_extract_token_is(t, from, "there");
    out->negated = gen_str_eq_nocase(verb, GEN_STR("cannot")) ||
                   gen_extract_token_is(t, v + 1, "not") || gen_extract_token_is(t, v + 1, "never");
    set_end(t, to, out);
    return out->s1 > from;
}

/* True when the word at `i` is a verb; says of what kind. */
static bool verb_at(const struct gen_extract_tokens *t, size_t from, size_t i, size_t to,
                    const struct walk *w, struct gen_extract_clause *out,
                    enum gen_extract_clause_form *form)
{
    struct gen_str word = t->t[i].text;
    out->verb = (struct gen_extract_verb){GEN_EXTRACT_VERB_NONE, NULL};
    if (is_be(word))
        *form = GEN_EXTRACT_CLAUSE_BE;
    else if (is_have(word))
        *form = GEN_EXTRACT_CLAUSE_HAVE;
    else if (is_modal(word) &&
             !(gen_str_is(word, "need") && i + 1 < to && opens_object(&t->t[i + 1])))
        *form = GEN_EXTRACT_CLAUSE_MODAL;
    else if (is_lexical_verb(t, from, i, to, w->plural || w->pending, &out->verb))
        *form = GEN_EXTRACT_CLAUSE_VERB;
    else
        return false;
    return true;
}

/* Is the subject singular or plural? Its head is the last noun before a preposition. */
static void note_number(const struct gen_extract_tokens *t, size_t i, struct walk *w)
{
    const struct gen_extract_token *k = &t->t[i];
    if (w->relative || w->is_list)
        return;
    if (gen_extract_token_is(t, i, "and"))
        w->is_list = w->plural = true;
    else if (gen_extract_word_is(k->text, GEN_EXTRACT_PREPOSITION))
        w->head_done = true;
    else if (!w->head_done && k->kind == GEN_EXTRACT_WORD &&
             !gen_extract_word_is(k->text, GEN_EXTRACT_ADVERB))
        w->plural = !w->is_single && is_plural_noun(k->text);
}

bool gen_extract_clause(const struct gen_extract_tokens *t, size_t from, size_t to,
                        struct gen_extract_clause *out)
{
    struct walk w = {.pending = 0};
    for (size_t i = from; i < to; i++) {
        const struct gen_extract_token *k = &t->t[i];
        if (k->kind == GEN_EXTRACT_OPEN) {
            i = close_of(t, i, to);
            continue;
        }
        if (k->kind == GEN_EXTRACT_PUNCT) {
            if (i == from || k->text.p[0] != ',' || !is_list_comma(t, i, to))
                return false;
            w.plural = w.is_list = true;
            continue;
        }
        if (i == from) {
            if (is_clause_word(k->text))
                return false;
            w.plural = is_plural_noun(k->text);
            w.is_single = is_single(k->text);
            continue;
        }
        if (is_clause_word(k->text))
            return false;
        if (is_relative(k->text)) {
            w.pending++;
            w.relative = true;
            continue;
        }
        /* The verb right behind "which" needs no noun before it. */
        bool behind_rel = w.pending && is_relative(t->t[i - 1].text) &&
                          gen_extract_verb(k->text).form != GEN_EXTRACT_VERB_NONE &&
                          gen_extract_verb(k->text).form != GEN_EXTRACT_VERB_ING;
        enum gen_extract_clause_form form = GEN_EXTRACT_CLAUSE_VERB;
        bool verb = behind_rel || verb_at(t, from, i, to, &w, out, &form);
        if (!verb) {
            if (gen_extract_token_is(t, i, "to") && w.pending == 0)
                i++; /* an infinitive */
            else
                note_number(t, i, &w);
            continue;
        }
        if (w.pending) {
            w.pending--;
            /* Its infinitive or participle is no verb of ours. */
            if (form != GEN_EXTRACT_CLAUSE_VERB)
                while (i + 1 < to &&
                       (gen_extract_word_is(t->t[i + 1].text, GEN_EXTRACT_ADVERB) ||
                        gen_extract_verb(t->t[i + 1].text).form == GEN_EXTRACT_VERB_BASE ||
                        gen_extract_word_is(t->t[i + 1].text, GEN_EXTRACT_PARTICIPLE)))
                    i++;
            continue;
        }
        return finish(t, from, i, to, &w, form, out);
    }
    return false;
}
