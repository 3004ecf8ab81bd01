/* From a sentence to the question that it answers. Each rule knows one form of sentence; a sentence
 * that fits none is left alone, because a missing pair is better than a bad one. */
#include "llm/provider/extractive_int.h"

#define SUBJECT_WORDS_MAX 9
#define CLAUSE_WORDS_MAX  22

static bool one_of(const struct gen_extract_tokens *t, size_t i, const char *const *list)
{
    for (; *list; list++) {
        if (gen_extract_token_is(t, i, *list))
            return true;
    }
    return false;
}

bool gen_extract_stands_alone(const struct gen_extract_tokens *t, size_t from, size_t to)
{
    static const char *const more[] = {"both", "either", "neither", "latter", "following", "we",
                                       "our",  "us",     "my",      "i",      "then",      NULL};
    for (size_t i = from; i < to; i++) {
        if (t->t[i].kind != GEN_EXTRACT_WORD)
            continue;
        if (gen_extract_word_is(t->t[i].text, GEN_EXTRACT_ANAPHOR) || one_of(t, i, more))
            return false;
    }
    return true;
}

static bool is_verb_base(const struct gen_extract_tokens *t, size_t i)
{
    return i < t->n && t->t[i].kind == GEN_EXTRACT_WORD &&
           gen_extract_verb(t->t[i].text).form == GEN_EXTRACT_VERB_BASE;
}

static bool is_participle(const struct gen_extract_tokens *t, size_t i)
{
    return i < t->n && t->t[i].kind == GEN_EXTRACT_WORD &&
           gen_extract_word_is(t->t[i].text, GEN_EXTRACT_PARTICIPLE);
}

static bool is_class(const struct gen_extract_tokens *t, size_t i, enum gen_extract_word_class c)
{
    return i < t->n && t->t[i].kind == GEN_EXTRACT_WORD && gen_extract_word_is(t->t[i].text, c);
}

/* Commands to the reader: a verb and what it is to be done to. */
static bool is_imperative(const struct gen_extract_tokens *t, size_t i)
{
    static const char *const after[] = {"the",  "a",    "an",    "each", "every", "all",
                                        "only", "one",  "first", "at",   "to",    "on",
                                        "in",   "with", "from",  "it",   "them",  NULL};
    if (gen_extract_token_is(t, i, "do") || gen_extract_token_is(t, i, "make"))
        return true;
    if (!is_verb_base(t, i) || i + 1 >= t->n)
        return false;
    return one_of(t, i + 1, after) || gen_extract_is_identifier(&t->t[i + 1]) ||
           is_class(t, i + 1, GEN_EXTRACT_ADJECTIVE) ||
           (gen_extract_token_is(t, i, "use") && t->t[i + 1].kind == GEN_EXTRACT_WORD);
}

/* ---- writing parts of sentences ---- */

/* A span without the brackets in it; names of functions lose their arguments when `bare`. */
static void put_span(struct gen_extract *x, size_t from, size_t to, bool bare)
{
    const struct gen_extract_tokens *t = &x->tokens;
    const char *last_end = NULL;
    for (size_t i = from; i < to && i < t->n; i++) {
        const struct gen_extract_token *k = &t->t[i];
        if (k->depth > 0 || k->kind == GEN_EXTRACT_OPEN || k->kind == GEN_EXTRACT_CLOSE)
            continue;
        bool glued = last_end == k->text.p;
        if (last_end && !glued && !(k->kind == GEN_EXTRACT_PUNCT && strchr(",;.", k->text.p[0])))
            gen_extract_put_c(&x->line, " ");
        last_end = k->text.p + k->text.n;
        struct gen_str word = k->text;
        size_t open = gen_str_find(word, GEN_STR("("), 0);
        if (bare && k->kind == GEN_EXTRACT_CODE && open != SIZE_MAX && open > 1) {
            gen_extract_put(&x->line, gen_str_sub(word, 0, open));
            gen_extract_put_c(&x->line, "`");
        } else if (i == 0 && !gen_extract_keeps_capital(x, word, to == 1)) {
            gen_extract_put_lower(&x->line, word);
        } else {
            gen_extract_put(&x->line, word);
        }
    }
}

static size_t n_words(const struct gen_extract_tokens *t, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += t->t[i].depth == 0 &&
             (t->t[i].kind == GEN_EXTRACT_WORD || t->t[i].kind == GEN_EXTRACT_CODE);
    return n;
}

static bool is_gerund(const struct gen_extract_tokens *t, size_t i)
{
    return i < t->n && gen_extract_verb(t->t[i].text).form == GEN_EXTRACT_VERB_ING;
}

/* Can the subject of `c` be named in a question? */
static bool good_subject(const struct gen_extract_tokens *t, const struct gen_extract_clause *c)
{
    static const char *const vague[] = {
        "one",        "some",     "many",       "others",  "more",    "most",  "none", "nothing",
        "everything", "everyone", "anything",   "no",      "two",     "three", "what", "who",
        "whoever",    "there",    "everything", "another", "few",     "much",  "any",  "first",
        "second",     "last",     "other",      "next",    "several", "to",    NULL};
    size_t n = n_words(t, c->s0, c->s1);
    if (n == 0 || n > SUBJECT_WORDS_MAX || c->is_there ||
        !gen_extract_stands_alone(t, c->s0, c->s1))
        return false;
    if (is_class(t, c->s0, GEN_EXTRACT_PREPOSITION) || is_class(t, c->s0, GEN_EXTRACT_ADVERB) ||
        one_of(t, c->s0, vague) ||
        (gen_extract_token_is(t, c->s0, "the") && one_of(t, c->s0 + 1, vague)) ||
        (gen_extract_token_is(t, c->s0, "a") && one_of(t, c->s0 + 1, vague)))
        return false;
    if (gen_extract_token_is(t, c->s1 - 1, "reason") ||
        (is_class(t, c->s0, GEN_EXTRACT_ADJECTIVE) &&
         (n == 1 || gen_extract_token_is(t, c->s0 + 1, "and"))))
        return false;
    return t->t[c->s1 - 1].kind != GEN_EXTRACT_PUNCT;
}

static bool is_definite(const struct gen_extract_tokens *t, const struct gen_extract_clause *c)
{
    return gen_extract_token_is(t, c->s0, "the");
}

static void put_subject(struct gen_extract *x, const struct gen_extract_clause *c)
{
    put_span(x, c->s0, c->s1, true);
}

/* The clause as a question without its question word: "does the library print the stack". */
static bool put_inverted(struct gen_extract *x, const struct gen_extract_clause *c, size_t end)
{
    const struct gen_extract_tokens *t = &x->tokens;
    struct gen_str verb = t->t[c->v].text;
    if (!gen_extract_stands_alone(t, c->s0, end) || n_words(t, c->s0, end) > CLAUSE_WORDS_MAX)
        return false;
    gen_extract_put_c(&x->line, " ");
    if (c->form == GEN_EXTRACT_CLAUSE_VERB ||
        (c->form == GEN_EXTRACT_CLAUSE_HAVE && !is_participle(t, c->v + 1))) {
        bool have = c->form == GEN_EXTRACT_CLAUSE_HAVE;
        enum gen_extract_verb_form form = c->verb.form;
        if (have)
            form = gen_str_eq_nocase(verb, GEN_STR("has"))    ? GEN_EXTRACT_VERB_S
                   : gen_str_eq_nocase(verb, GEN_STR("have")) ? GEN_EXTRACT_VERB_BASE
                                                              : GEN_EXTRACT_VERB_ED;
        gen_extract_put_c(&x->line, form == GEN_EXTRACT_VERB_S      ? "does "
                                    : form == GEN_EXTRACT_VERB_BASE ? "do "
                                                                    : "did ");
        put_subject(x, c);
        gen_extract_put_c(&x->line, " ");
        if (c->s1 < c->v) {
            put_span(x, c->s1, c->v, false);
            gen_extract_put_c(&x->line, " ");
        }
        gen_extract_put_c(&x->line, have ? "have" : c->verb.base);
    } else {
        bool cannot = gen_str_eq_nocase(verb, GEN_STR("cannot"));
        gen_extract_put(&x->line, cannot ? GEN_STR("can") : verb);
        gen_extract_put_c(&x->line, " ");
        put_subject(x, c);
        if (c->s1 < c->v) {
            gen_extract_put_c(&x->line, " ");
            put_span(x, c->s1, c->v, false);
        }
        if (cannot)
            gen_extract_put_c(&x->line, " not");
    }
    if (c->v + 1 < end) {
        gen_extract_put_c(&x->line, " ");
        put_span(x, c->v + 1, end, false);
    }
    return true;
}

static bool ask(struct gen_extract_question *q, const char *kind, int score, bool wants_topic,
                bool is_short)
{
    *q = (struct gen_extract_question){kind, score, wants_topic, is_short, false, false};
    return true;
}

static size_t body_end(const struct gen_extract_tokens *t)
{
    size_t end = t->n;
    while (end > 0 && t->t[end - 1].kind == GEN_EXTRACT_PUNCT)
        end--;
    return end;
}

static bool opens_plain_object(const struct gen_extract_tokens *t, size_t i)
{
    return is_class(t, i, GEN_EXTRACT_DETERMINER) || gen_extract_is_identifier(&t->t[i]) ||
           (t->t[i].text.p[0] >= '0' && t->t[i].text.p[0] <= '9');
}

static bool mentions_the(const struct gen_extract_tokens *t, size_t from, size_t to)
{
    return gen_extract_token_find(t, from, to, "the") != SIZE_MAX;
}

/* ---- rules for what stands before the main clause ---- */

/* "To find out whether an object exists, call ..." */
static bool ask_how_to(struct gen_extract *x, struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    size_t from = gen_extract_token_is(t, 0, "in") && gen_extract_token_is(t, 1, "order") ? 2 : 0;
    if (!gen_extract_token_is(t, from, "to") || !is_verb_base(t, from + 1))
        return false;
    size_t comma = gen_extract_token_find(t, from, t->n, ",");
    if (comma == SIZE_MAX || comma < from + 3 || t->n - comma < 5 ||
        n_words(t, from, comma) > CLAUSE_WORDS_MAX || !gen_extract_stands_alone(t, from, comma))
        return false;
    gen_extract_put_c(&x->line, "How do you ");
    put_span(x, from + 1, comma, false);
    return ask(q, "how_to", 92, false, comma - from < 9);
}

static bool says_better(const struct gen_extract_tokens *t, size_t from)
{
    static const char *const words[] = {"better", "best", "faster", "preferable", "enough", NULL};
    for (size_t i = from; i < t->n; i++) {
        if (t->t[i].depth == 0 && one_of(t, i, words))
            return true;
    }
    return false;
}

/* "If the checksum is wrong, H5Dread fails": the clause goes into the question as it is. */
static bool ask_leading_condition(struct gen_extract *x, struct gen_extract_question *q)
{
    static const char *const openers[] = {"if",       "when", "unless", "without",
                                          "whenever", "once", "before", NULL};
    const struct gen_extract_tokens *t = &x->tokens;
    if (!one_of(t, 0, openers))
        return false;
    size_t comma = gen_extract_token_find(t, 0, t->n, ",");
    if (comma == SIZE_MAX || comma < 3 || t->n - comma < 5 ||
        n_words(t, 0, comma) > CLAUSE_WORDS_MAX || !gen_extract_stands_alone(t, 0, comma))
        return false;
    size_t main = comma + 1;
    static const char *const goes_on[] = {"and",  "or",  "such", "which", "not",
                                          "even", "for", "as",   NULL};
    if (one_of(t, main, goes_on))
        return false;
    bool advice = is_imperative(t, main);
    if (gen_extract_token_is(t, 0, "before") || gen_extract_token_is(t, 0, "once")) {
        if (!advice)
            return false;
    }
    gen_extract_put_c(&x->line, advice                 ? "What should you do "
                                : says_better(t, main) ? "What is the better choice "
                                                       : "What happens ");
    if (!advice && says_better(t, main) && !gen_extract_token_is(t, 0, "when")) {
        gen_extract_line_clear(&x->line);
        gen_extract_put_c(&x->line, "What happens ");
    }
    put_span(x, 0, comma, false);
    return ask(q, advice ? "troubleshooting" : "condition_or_limit", 82, mentions_the(t, 0, comma),
               false);
}

/* "In parallel HDF5, S V": the phrase goes in front of the question about the main clause. */
static bool ask_behind_phrase(struct gen_extract *x, struct gen_extract_question *q)
{
    static const char *const openers[] = {"in",   "for",   "with",   "on", "at",
                                          "from", "under", "during", NULL};
    static const char *const vague[] = {
        "general", "practice", "principle", "addition", "fact",    "particular", "contrast",
        "short",   "example",  "instance",  "turn",     "between", NULL};
    const struct gen_extract_tokens *t = &x->tokens;
    size_t comma = gen_extract_token_find(t, 0, t->n, ",");
    if (!one_of(t, 0, openers) || one_of(t, 1, vague) || comma == SIZE_MAX || comma < 2 ||
        n_words(t, 0, comma) > 8 || t->n - comma < 6 || !gen_extract_stands_alone(t, 0, comma))
        return false;
    struct gen_extract_clause c;
    if (!gen_extract_clause(t, comma + 1, t->n, &c) || !good_subject(t, &c) || c.has_relative)
        return false;
    put_span(x, 0, comma, false);
    if (x->line.n && x->line.data[0] >= 'a' && x->line.data[0] <= 'z')
        x->line.data[0] = (char)(x->line.data[0] - ('a' - 'A'));
    gen_extract_put_c(&x->line, ", ");
    size_t head = x->line.n;
    gen_extract_put_c(&x->line, c.plural ? "what do " : "what does ");
    put_subject(x, &c);
    gen_extract_put_c(&x->line, " do");
    bool object = c.v + 1 < t->n && opens_plain_object(t, c.v + 1);
    if (c.form == GEN_EXTRACT_CLAUSE_VERB && object && c.s1 == c.v &&
        !gen_extract_is_identifier(&t->t[c.s0]))
        return ask(q, "fact", 68, mentions_the(t, 0, c.s1), false);
    if (c.form != GEN_EXTRACT_CLAUSE_MODAL)
        return false;
    struct gen_str m = t->t[c.v].text;
    const char *what = c.negated                 ? "what restriction applies to "
                       : gen_str_is(m, "must")   ? "what requirement applies to "
                       : gen_str_is(m, "should") ? "what is recommended for "
                                                 : NULL;
    if (!what)
        return false;
    x->line.n = head;
    gen_extract_put_c(&x->line, what);
    put_subject(x, &c);
    return ask(q, "condition_or_limit", 72, mentions_the(t, 0, c.s1), false);
}

/* "Because S V, main" asks why main. */
static bool ask_leading_reason(struct gen_extract *x, struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    if (!gen_extract_token_is(t, 0, "because") && !gen_extract_token_is(t, 0, "since"))
        return false;
    if (gen_extract_token_is(t, 1, "of"))
        return false;
    size_t comma = gen_extract_token_find(t, 0, t->n, ",");
    struct gen_extract_clause c;
    if (comma == SIZE_MAX || !gen_extract_clause(t, comma + 1, t->n, &c) || !good_subject(t, &c))
        return false;
    size_t end = gen_extract_token_find(t, c.v, c.end, ",");
    gen_extract_put_c(&x->line, "Why");
    return put_inverted(x, &c, end == SIZE_MAX ? c.end : end) &&
           ask(q, "why", 88, is_definite(t, &c), false);
}

/* ---- rules for what stands behind the main clause ---- */

static bool put_why(struct gen_extract *x, size_t from, size_t end, struct gen_extract_question *q,
                    int score)
{
    const struct gen_extract_tokens *t = &x->tokens;
    struct gen_extract_clause c;
    while (end > from && t->t[end - 1].kind == GEN_EXTRACT_PUNCT)
        end--;
    if (end < from + 3 ||
        (from > 0 && (is_imperative(t, from) || gen_extract_token_is(t, from, "let"))))
        return false;
    if (is_imperative(t, from) && from == 0 && !gen_extract_clause(t, from, end, &c)) {
        if (!gen_extract_stands_alone(t, from, end) || n_words(t, from, end) > CLAUSE_WORDS_MAX)
            return false;
        gen_extract_put_c(&x->line, "Why should you ");
        put_span(x, from, end, false);
        return ask(q, "why", score - 4, mentions_the(t, from, end), false);
    }
    if (!gen_extract_clause(t, from, end, &c) || !good_subject(t, &c) || c.has_relative)
        return false;
    /* "is a ..., so that ..." tells what it is for, not why it is. */
    if (c.form == GEN_EXTRACT_CLAUSE_BE && is_class(t, c.v + 1, GEN_EXTRACT_DETERMINER) &&
        score < 90)
        return false;
    /* What follows a colon is another statement. */
    if (c.end < end && from == 0)
        return false;
    end = c.end < end ? c.end : end;
    gen_extract_put_c(&x->line, "Why");
    return put_inverted(x, &c, end) && ask(q, "why", score, mentions_the(t, from, end), false);
}

static bool ask_reason(struct gen_extract *x, struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    size_t stop = gen_extract_token_find(t, 0, t->n, ";");
    if (stop == SIZE_MAX)
        stop = t->n;
    size_t at = gen_extract_token_find(t, 3, stop, "because");
    if (at != SIZE_MAX && !gen_extract_token_is(t, at + 1, "of")) {
        bool only =
            gen_extract_token_is(t, at - 1, "only") || gen_extract_token_is(t, at - 1, "but");
        return !only && put_why(x, 0, at, q, 90);
    }
    for (size_t i = 4; i + 2 < stop; i++) {
        if (t->t[i].depth || !gen_extract_token_is(t, i - 1, ","))
            continue;
        if (gen_extract_token_is(t, i, "since"))
            return put_why(x, 0, i - 1, q, 88);
        if (gen_extract_token_is(t, i, "so") && gen_extract_token_is(t, i + 1, "that"))
            return put_why(x, 0, i - 1, q, 80);
        if (gen_extract_token_is(t, i, "so"))
            return put_why(x, i + 1, stop, q, 86);
    }
    size_t therefore = gen_extract_token_find(t, stop, t->n, "therefore");
    if (therefore != SIZE_MAX && therefore == stop + 1)
        return put_why(x, therefore + 1, body_end(t), q, 86);
    return false;
}

/* "The library is thread-safe only if it was built with ..." asks when. */
static bool ask_trailing_condition(struct gen_extract *x, struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    static const char *const words[] = {"if", "when", "unless", NULL};
    struct gen_extract_clause c;
    if (!gen_extract_clause(t, 0, t->n, &c) || !good_subject(t, &c) || c.has_relative)
        return false;
    for (size_t i = c.v + 2; i < c.end; i++) {
        if (t->t[i].depth || !one_of(t, i, words))
            continue;
        size_t end = i;
        if (gen_extract_token_is(t, end - 1, "only") || gen_extract_token_is(t, end - 1, "even"))
            end--;
        bool names =
            c.form == GEN_EXTRACT_CLAUSE_BE && (is_class(t, c.v + 1, GEN_EXTRACT_DETERMINER) ||
                                                gen_extract_token_is(t, c.v + 1, "what"));
        if (gen_extract_token_is(t, i - 1, "even") || end <= c.v || names ||
            gen_extract_token_find(t, c.v, end, "that") != SIZE_MAX ||
            gen_extract_token_find(t, c.v, end, "which") != SIZE_MAX ||
            gen_extract_token_find(t, c.v, end, "where") != SIZE_MAX ||
            gen_extract_token_find(t, c.v, end, "whether") != SIZE_MAX ||
            gen_extract_token_find(t, c.v, end, ",") != SIZE_MAX || c.negated ||
            gen_extract_token_find(t, c.v, end, "and") != SIZE_MAX)
            return false;
        bool unless = gen_extract_token_is(t, i, "unless");
        gen_extract_put_c(&x->line, unless ? "Under which condition" : "When");
        return !unless && put_inverted(x, &c, end) &&
               ask(q, "condition_or_limit", 80, is_definite(t, &c), false);
    }
    return false;
}

/* "A is ..., whereas B is ..." */
static bool ask_comparison(struct gen_extract *x, struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    size_t at = gen_extract_token_find(t, 3, t->n, "whereas");
    if (at == SIZE_MAX)
        return false;
    struct gen_extract_clause a, b;
    if (!gen_extract_clause(t, 0, at, &a) || !gen_extract_clause(t, at + 1, t->n, &b) ||
        !good_subject(t, &a) || !good_subject(t, &b) || n_words(t, b.s0, b.s1) > 6)
        return false;
    gen_extract_put_c(&x->line, a.plural ? "How do " : "How does ");
    put_subject(x, &a);
    gen_extract_put_c(&x->line, " differ from ");
    put_subject(x, &b);
    return ask(q, "comparison", 88, is_definite(t, &a), true);
}

/* ---- rules for the main clause ---- */

static bool is_number(const struct gen_extract_tokens *t, size_t i)
{
    static const char *const words[] = {"two",   "three", "four", "five", "six",
                                        "seven", "eight", "nine", "ten",  NULL};
    return i < t->n && t->t[i].depth == 0 && one_of(t, i, words);
}

/* "HDF5 knows four layouts: ..."; "There are three classes: ..." */
static bool ask_list(struct gen_extract *x, const struct gen_extract_clause *c,
                     struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    size_t n = c->v + 1;
    if (!is_number(t, n) || c->end - n < 2 || n_words(t, n, c->end) > 8 ||
        !gen_extract_stands_alone(t, n, c->end))
        return false;
    bool listed = c->end < t->n && t->t[c->end].text.p[0] == ':';
    if (c->is_there) {
        bool with_for = gen_extract_token_find(t, n, c->end, "for") != SIZE_MAX ||
                        gen_extract_token_find(t, n, c->end, "of") != SIZE_MAX;
        gen_extract_put_c(&x->line, "What are the ");
        put_span(x, n, c->end, false);
        (void)ask(q, "fact", 84, !with_for, true);
    } else {
        if (!listed || !good_subject(t, c) ||
            gen_extract_token_find(t, n, c->end, "and") != SIZE_MAX ||
            (c->form != GEN_EXTRACT_CLAUSE_VERB && c->form != GEN_EXTRACT_CLAUSE_HAVE))
            return false;
        gen_extract_put_c(&x->line, "Which ");
        put_span(x, n, c->end, false);
        gen_extract_put_c(&x->line, c->plural ? " do " : " does ");
        put_subject(x, c);
        gen_extract_put_c(&x->line, " ");
        gen_extract_put_c(&x->line, c->form == GEN_EXTRACT_CLAUSE_HAVE ? "have" : c->verb.base);
        (void)ask(q, "fact", 84, false, true);
    }
    q->needs_following = !listed;
    return true;
}

/* A name that says little without its surroundings: "`low`", "`NONE`". */
static bool is_general_name(struct gen_str code)
{
    for (size_t i = 0; i < code.n; i++) {
        if (code.p[i] == '_' || (code.p[i] >= '0' && code.p[i] <= '9'))
            return false;
    }
    return code.n < 12;
}

static bool ask_definition(struct gen_extract *x, const struct gen_extract_clause *c,
                           struct gen_extract_question *q)
{
    static const char *const judging[] = {
        "good",     "better", "best",   "right",    "common",   "usual",   "bad",
        "frequent", "reason", "case",   "way",      "worst",    "same",    "easiest",
        "option",   "choice", "matter", "question", "original", "default", "problem",
        "fastest",  "only",   "first",  "simplest", NULL};
    const struct gen_extract_tokens *t = &x->tokens;
    size_t k = c->v + 1;
    if (c->form != GEN_EXTRACT_CLAUSE_BE || c->negated || !good_subject(t, c) ||
        is_gerund(t, c->s0) || c->has_relative)
        return false;
    bool to = gen_extract_token_is(t, k, "to") && is_verb_base(t, k + 1);
    bool det = gen_extract_token_is(t, k, "a") || gen_extract_token_is(t, k, "an") ||
               gen_extract_token_is(t, k, "the") ||
               (gen_extract_token_is(t, k, "one") && gen_extract_token_is(t, k + 1, "that"));
    bool many = c->plural && k < c->end && t->t[k].kind == GEN_EXTRACT_WORD &&
                (gen_extract_token_find(t, k, c->end, "that") != SIZE_MAX ||
                 gen_extract_token_find(t, k, c->end, "which") != SIZE_MAX) &&
                !is_participle(t, k) && !is_class(t, k, GEN_EXTRACT_ADVERB) &&
                !is_class(t, k, GEN_EXTRACT_ADJECTIVE) && !is_class(t, k, GEN_EXTRACT_PREPOSITION);
    if (!det && !many && !(to && c->s1 - c->s0 > 1))
        return false;
    for (size_t i = k; i < k + 4 && i < c->end; i++) {
        if (det && one_of(t, i, judging))
            return false;
    }
    bool definite = is_definite(t, c);
    gen_extract_put_c(&x->line, c->plural ? "What are " : "What is ");
    put_subject(x, c);
    bool code = gen_extract_is_identifier(&t->t[c->s0]);
    definite = definite || (code && is_general_name(t->t[c->s0].text));
    bool name = c->s1 - c->s0 == 1 && !code && gen_extract_keeps_capital(x, t->t[c->s0].text, true);
    if (gen_extract_token_is(t, c->s0, "each") || gen_extract_token_is(t, c->s0, "every"))
        return false;
    (void)ask(q, definite || to || code ? "fact" : "definition",
              to         ? 64
              : definite ? 74
                         : 95,
              definite, true);
    q->is_name = name;
    return true;
}

/* "The default stripe is 32 MiB", "k is 32 by default", "by default the library prints ..." */
static bool ask_default(struct gen_extract *x, const struct gen_extract_clause *c,
                        struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    if (c->form == GEN_EXTRACT_CLAUSE_BE && is_definite(t, c) &&
        gen_extract_token_find(t, c->s0, c->s1, "default") != SIZE_MAX && good_subject(t, c)) {
        gen_extract_put_c(&x->line, c->plural ? "What are " : "What is ");
        put_subject(x, c);
        return ask(q, "fact", 84, true, true);
    }
    if (c->form != GEN_EXTRACT_CLAUSE_BE || c->v + 3 >= t->n || !good_subject(t, c))
        return false;
    char digit = t->t[c->v + 1].text.p[0];
    size_t by = gen_extract_token_find(t, c->v, c->end, "by");
    if (by == SIZE_MAX || !gen_extract_token_is(t, by + 1, "default") || digit < '0' || digit > '9')
        return false;
    gen_extract_put_c(&x->line, "What is the default value of ");
    put_subject(x, c);
    return ask(q, "fact", 84, true, true);
}

static bool ask_by_default(struct gen_extract *x, struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    struct gen_extract_clause c;
    if (!gen_extract_token_is(t, 0, "by") || !gen_extract_token_is(t, 1, "default"))
        return false;
    size_t from = gen_extract_token_is(t, 2, ",") ? 3 : 2;
    if (!gen_extract_clause(t, from, t->n, &c) || !good_subject(t, &c) ||
        c.form != GEN_EXTRACT_CLAUSE_VERB || c.has_relative)
        return false;
    gen_extract_put_c(&x->line, c.plural ? "What do " : "What does ");
    put_subject(x, &c);
    gen_extract_put_c(&x->line, " do by default");
    return ask(q, "fact", 80, is_definite(t, &c), true);
}

/* "A dataset has at most 32 dimensions". */
static bool ask_how_many(struct gen_extract *x, const struct gen_extract_clause *c,
                         struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    size_t k = c->v + 1;
    if (c->form != GEN_EXTRACT_CLAUSE_HAVE || !good_subject(t, c) ||
        !gen_extract_token_is(t, k, "at") || !gen_extract_token_is(t, k + 1, "most") ||
        k + 3 >= t->n)
        return false;
    gen_extract_put_c(&x->line, "How many ");
    gen_extract_put(&x->line, t->t[k + 3].text);
    gen_extract_put_c(&x->line, " can ");
    put_subject(x, c);
    gen_extract_put_c(&x->line, " have at most");
    return ask(q, "fact", 88, is_definite(t, c), true);
}

static bool ask_only(struct gen_extract *x, const struct gen_extract_clause *c,
                     struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    if (!gen_extract_token_is(t, c->s0, "only") || c->form != GEN_EXTRACT_CLAUSE_MODAL ||
        n_words(t, c->s0, c->s1) > 6 || !c->plural || c->s1 - c->s0 < 3)
        return false;
    size_t end = gen_extract_token_find(t, c->v, c->end, "and");
    if (end == SIZE_MAX)
        end = c->end;
    if (end - c->v < 3 || !gen_extract_stands_alone(t, c->s0 + 1, end))
        return false;
    gen_extract_put_c(&x->line, "Which ");
    gen_extract_put(&x->line, t->t[c->s1 - 1].text);
    gen_extract_put_c(&x->line, " ");
    put_span(x, c->v, end, false);
    return ask(q, "condition_or_limit", 82, false, false);
}

static bool has_means(const struct gen_extract_tokens *t, size_t i, size_t end)
{
    static const char *const means[] = {"by", "with", "through", "via", "using", NULL};
    for (; i < end && i < t->n && t->t[i].kind != GEN_EXTRACT_PUNCT; i++) {
        if (t->t[i].depth == 0 && one_of(t, i, means))
            return !gen_extract_token_is(t, i + 1, "default") &&
                   !gen_extract_token_is(t, i + 1, "far");
    }
    return false;
}

/* "given back": the participle and its particle. */
static void put_participle(struct gen_extract *x, size_t k)
{
    static const char *const particles[] = {"back", "up", "out", "off", "together", "down", NULL};
    gen_extract_put(&x->line, x->tokens.t[k].text);
    if (one_of(&x->tokens, k + 1, particles)) {
        gen_extract_put_c(&x->line, " ");
        gen_extract_put(&x->line, x->tokens.t[k + 1].text);
    }
}

static bool ask_modal(struct gen_extract *x, const struct gen_extract_clause *c,
                      struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    static const char *const agents[] = {"program", "application", "caller",  "reader",  "user",
                                         "ranks",   "rank",        "library", "process", "programs",
                                         "archive", "writer",      "child",   NULL};
    if (c->form != GEN_EXTRACT_CLAUSE_MODAL || !good_subject(t, c) || is_gerund(t, c->s0) ||
        !gen_extract_stands_alone(t, c->v + 1, c->v + 4 < c->end ? c->v + 4 : c->end))
        return false;
    struct gen_str m = t->t[c->v].text;
    size_t k = c->v + 1;
    bool no = c->negated || gen_extract_token_is(t, k, "only");
    bool definite = is_definite(t, c);
    bool agent = one_of(t, c->s1 - 1, agents) || c->has_relative;
    const char *kind = "condition_or_limit";
    if (no && (gen_str_is(m, "can") || gen_str_is(m, "cannot") || gen_str_is(m, "may") ||
               gen_str_is(m, "must"))) {
        gen_extract_put_c(&x->line, "What restriction applies to ");
        put_subject(x, c);
        return ask(q, kind, 76, definite, true);
    }
    if (gen_str_is(m, "must") && gen_extract_token_is(t, k, "be") && is_participle(t, k + 1) &&
        has_means(t, k + 2, c->end)) {
        gen_extract_put_c(&x->line, "How must ");
        put_subject(x, c);
        gen_extract_put_c(&x->line, " be ");
        put_participle(x, k + 1);
        return ask(q, "how_to", 78, definite, true);
    }
    if (gen_str_is(m, "must")) {
        agent = agent && !gen_extract_token_is(t, k, "be");
        gen_extract_put_c(&x->line, agent ? "What must " : "What requirement applies to ");
        put_subject(x, c);
        if (agent)
            gen_extract_put_c(&x->line, " do");
        return ask(q, kind, 76, definite, true);
    }
    if (gen_str_is(m, "should")) {
        agent = agent && !gen_extract_token_is(t, k, "be");
        gen_extract_put_c(&x->line, agent ? "What should " : "What is recommended for ");
        put_subject(x, c);
        if (agent)
            gen_extract_put_c(&x->line, " do");
        return ask(q, "how_to", 78, definite, true);
    }
    if (gen_str_is(m, "can") && gen_extract_token_is(t, k, "be") && is_participle(t, k + 1) &&
        has_means(t, k + 2, c->end)) {
        gen_extract_put_c(&x->line, "How can ");
        put_subject(x, c);
        gen_extract_put_c(&x->line, " be ");
        put_participle(x, k + 1);
        return ask(q, "how_to", 76, definite, true);
    }
    return false;
}

static bool ask_passive(struct gen_extract *x, const struct gen_extract_clause *c,
                        struct gen_extract_question *q)
{
    const struct gen_extract_tokens *t = &x->tokens;
    static const char *const places[] = {"stored",  "kept",   "recorded", "held",
                                         "located", "placed", "written",  NULL};
    static const char *const where[] = {"in", "inside", "on", "at", NULL};
    static const char *const agentive[] = {"limited",  "bounded",    "determined",
                                           "governed", "caused",     "affected",
                                           "accepted", "surrounded", NULL};
    static const char *const uses[] = {"good", "useful", "made", "meant", "suited", "used", NULL};
    if (c->form != GEN_EXTRACT_CLAUSE_BE || c->negated || !good_subject(t, c) ||
        is_gerund(t, c->s0) || c->has_relative)
        return false;
    size_t k = c->v + 1;
    while (is_class(t, k, GEN_EXTRACT_ADVERB))
        k++;
    if (k + 1 >= c->end)
        return false;
    const char *be = c->plural ? "are " : "is ";
    bool definite = is_definite(t, c);
    if (one_of(t, k, uses) && gen_extract_token_is(t, k + 1, "for")) {
        gen_extract_put_c(&x->line, "What ");
        gen_extract_put_c(&x->line, be);
        put_subject(x, c);
        gen_extract_put_c(&x->line, " ");
        gen_extract_put(&x->line, t->t[k].text);
        gen_extract_put_c(&x->line, " for");
        return ask(q, "fact", 80, definite, true);
    }
    if (gen_extract_token_is(t, k, "for")) {
        gen_extract_put_c(&x->line, "What ");
        gen_extract_put_c(&x->line, be);
        put_subject(x, c);
        gen_extract_put_c(&x->line, " for");
        return ask(q, "fact", 74, definite, true);
    }
    bool place = one_of(t, k, places) && one_of(t, k + 1, where);
    if (!is_participle(t, k) || (!place && !has_means(t, k + 1, c->end)))
        return false;
    bool past = gen_extract_token_is(t, c->v, "was") || gen_extract_token_is(t, c->v, "were");
    if (past || gen_extract_token_is(t, k, "followed") || gen_extract_token_is(t, k, "made"))
        return false;
    if (!place && one_of(t, k, agentive)) {
        gen_extract_put_c(&x->line, "What ");
        gen_extract_put_c(&x->line, be);
        put_subject(x, c);
        gen_extract_put_c(&x->line, " ");
        gen_extract_put(&x->line, t->t[k].text);
        gen_extract_put_c(&x->line, " by");
        return gen_extract_token_is(t, k + 1, "by") && ask(q, "fact", 72, definite, true);
    }
    gen_extract_put_c(&x->line, place ? "Where " : "How ");
    gen_extract_put_c(&x->line, be);
    put_subject(x, c);
    gen_extract_put_c(&x->line, " ");
    put_participle(x, k);
    return ask(q, place ? "fact" : "how_to", 76, definite, true);
}

/* What is asked about a verb. */
enum action { ACTION_STATE, ACTION_EFFECT, ACTION_OBJECT, ACTION_OTHER };
static enum action action_of(struct gen_str base)
{
    static const char *const states[] = {"become", "look", "seem",   "remain", "appear", "stay",
                                         "come",   "go",   "happen", "have",   "lie",    "matter",
                                         "work",   "run",  "begin",  "last",   NULL};
    static const char *const effects[] = {"make",     "cause",    "lead",  "reduce",
                                          "increase", "raise",    "lower", "slow",
                                          "improve",  "decrease", "cost",  NULL};
    static const char *const objects[] = {"contain", "store",    "hold",   "include", "need",
                                          "require", "describe", "define", "return",  "report",
                                          "print",   "list",     "show",   "tell",    "record",
                                          "mean",    "expect",   "allow",  "support", "measure",
                                          "provide", "state",    "say",    "carry",   NULL};
    static const char *const *const lists[] = {states, effects, objects};
    for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
        for (size_t i = 0; lists[k][i]; i++) {
            if (gen_str_is(base, lists[k][i]))
                return (enum action)k;
        }
    }
    return ACTION_OTHER;
}

/* "Both selections must", "`X` sets ...", "The shuffle filter regroups ..." */
static bool ask_action(struct gen_extract *x, const struct gen_extract_clause *c,
                       struct gen_extract_question *q)
{
    static const char *const agents[] = {"writer",      "reader", "program", "caller",
                                         "application", "user",   NULL};
    const struct gen_extract_tokens *t = &x->tokens;
    if (c->form != GEN_EXTRACT_CLAUSE_VERB || c->negated || !good_subject(t, c))
        return false;
    struct gen_str base = gen_str_from(c->verb.base);
    enum action action = action_of(base);
    if (action == ACTION_STATE)
        return false;
    bool effect = action == ACTION_EFFECT;
    bool object = action == ACTION_OBJECT;
    size_t n = n_words(t, c->s0, c->s1);
    bool definite = is_definite(t, c);
    bool code = n == 1 && gen_extract_is_identifier(&t->t[c->s0]);
    gen_extract_put_c(&x->line, effect ? "What effect " : "What ");
    gen_extract_put_c(&x->line, c->verb.form == GEN_EXTRACT_VERB_ED ? "did "
                                : c->plural                         ? "do "
                                                                    : "does ");
    put_subject(x, c);
    if (effect && one_of(t, c->s1 - 1, agents))
        return false;
    if (effect && !code) {
        gen_extract_put_c(&x->line, " have");
        return ask(q, "consequence", 72, definite, true);
    }
    if (is_gerund(t, c->s0) || c->has_relative || n > 5)
        return false;
    if (effect) {
        gen_extract_line_clear(&x->line);
        gen_extract_put_c(&x->line, "What does ");
        put_subject(x, c);
    }
    bool next_object = c->v + 1 < t->n && t->t[c->v + 1].kind != GEN_EXTRACT_PUNCT &&
                       !is_class(t, c->v + 1, GEN_EXTRACT_PREPOSITION) &&
                       !is_class(t, c->v + 1, GEN_EXTRACT_ADVERB);
    if (is_class(t, c->v + 1, GEN_EXTRACT_ANAPHOR) || gen_extract_token_is(t, c->v + 1, "one") ||
        (!code && !next_object) || c->s1 < c->v)
        return false;
    static const char *const openers[] = {"when", "if", "as", "because", "until", "while", NULL};
    if (one_of(t, c->v + 1, openers) ||
        (n == 1 && !code && gen_extract_keeps_capital(x, t->t[c->s0].text, true)))
        return false;
    definite = definite || (code && is_general_name(t->t[c->s0].text));
    gen_extract_put_c(&x->line, " ");
    if (object && next_object && !effect && !(gen_str_is(base, "mean") && !code)) {
        gen_extract_put_c(&x->line, c->verb.base);
        return ask(q, "fact", code ? 78 : 68, definite, true);
    }
    gen_extract_put_c(&x->line, "do");
    return ask(q, "fact", code ? 79 : 66, definite, true);
}

/* What defines is asked for as a definition, whatever reason or condition follows. */
static bool ask_plain_definition(struct gen_extract *x, struct gen_extract_question *q)
{
    struct gen_extract_clause c;
    return gen_extract_clause(&x->tokens, 0, x->tokens.n, &c) && ask_definition(x, &c, q) &&
           q->score > 90;
}

static bool ask_main(struct gen_extract *x, struct gen_extract_question *q)
{
    static bool (*const rules[])(struct gen_extract *, const struct gen_extract_clause *,
                                 struct gen_extract_question *) = {
        ask_list, ask_default, ask_how_many, ask_definition,
        ask_only, ask_modal,   ask_passive,  ask_action,
    };
    struct gen_extract_clause c;
    if (!gen_extract_clause(&x->tokens, 0, x->tokens.n, &c))
        return false;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        gen_extract_line_clear(&x->line);
        if (rules[i](x, &c, q))
            return true;
    }
    return false;
}

bool gen_extract_ask(struct gen_extract *x, struct gen_extract_question *q)
{
    static bool (*const rules[])(struct gen_extract *, struct gen_extract_question *) = {
        ask_how_to,        ask_leading_condition, ask_leading_reason,
        ask_comparison,    ask_plain_definition,  ask_reason,
        ask_behind_phrase, ask_by_default,        ask_trailing_condition,
        ask_main,
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        gen_extract_line_clear(&x->line);
        if (rules[i](x, q))
            return !x->line.overflow;
    }
    return false;
}

bool gen_extract_ask_heading(struct gen_extract *x, struct gen_str heading,
                             struct gen_extract_question *q)
{
    static const char *const wh[] = {"which", "what", "who", "how", NULL};
    struct gen_extract_tokens *t = &x->tokens;
    struct gen_extract_clause c;
    gen_extract_line_clear(&x->line);
    if (heading.n == 0 || heading.n > 80 || !gen_extract_tokenize(heading, t) || t->n < 2)
        return false;
    if (gen_extract_token_is(t, 0, "when") && gen_extract_clause(t, 1, t->n, &c)) {
        struct gen_str base = gen_str_from(c.verb.base);
        if (gen_str_is(base, "fail") || gen_str_is(base, "hang") || gen_str_is(base, "crash") ||
            gen_str_is(base, "break")) {
            gen_extract_put_c(&x->line, "What happens ");
            put_span(x, 0, t->n, false);
            return ask(q, "troubleshooting", 78, false, true);
        }
        gen_extract_put_c(&x->line, "When");
        return put_inverted(x, &c, t->n) && ask(q, "condition_or_limit", 78, false, true);
    }
    if (gen_extract_token_is(t, 0, "how") && gen_extract_token_find(t, 1, t->n, "to") != SIZE_MAX) {
        size_t to = gen_extract_token_find(t, 1, t->n, "to");
        put_span(x, 0, to, false);
        gen_extract_line_clear(&x->line);
        gen_extract_put_c(&x->line, "How ");
        if (to > 1) {
            put_span(x, 1, to, false);
            gen_extract_put_c(&x->line, " ");
        }
        gen_extract_put_c(&x->line, "should you ");
        put_span(x, to + 1, t->n, false);
        return ask(q, "how_to", 80, false, true);
    }
    if (one_of(t, 0, wh) && gen_extract_clause(t, 0, t->n, &c) && c.s1 > c.s0 + 1) {
        gen_extract_put_upper(&x->line, t->t[0].text);
        gen_extract_put_c(&x->line, " ");
        put_span(x, 1, t->n, false);
        return ask(q, "fact", 80, false, true);
    }
    struct gen_extract_verb v = gen_extract_verb(t->t[0].text);
    if (v.form != GEN_EXTRACT_VERB_ING || t->n < 3 || gen_extract_clause(t, 0, t->n, &c) ||
        !is_class(t, 1, GEN_EXTRACT_DETERMINER) ||
        gen_extract_token_find(t, 0, t->n, "and") != SIZE_MAX)
        return false;
    gen_extract_put_c(&x->line, "How do you ");
    gen_extract_put_c(&x->line, v.base);
    gen_extract_put_c(&x->line, " ");
    put_span(x, 1, t->n, false);
    return ask(q, "how_to", 82, false, true);
}
