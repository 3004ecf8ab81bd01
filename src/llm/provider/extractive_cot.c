/* Questions that need two facts: two things of which the same is said, a thing and what it is made
 * of or works with, and two calls in one body of code. */
#include "llm/provider/extractive_code.h"

#define PAIRS_MAX     12
#define FACTS_MAX     160
#define WORDS_MIN     6
#define WORDS_MAX     40
#define SUBJECT_WORDS 5
#define NEAR          6 /* sentences apart */
#define CALLS_MAX     12

/* A sentence that states something about a subject that it names. */
struct fact {
    size_t sentence;
    struct gen_str text, subject, predicate;
    const char *verb; /* base form; NULL: "be", "can", ... */
    bool plural, used;
};

struct reasoner {
    struct gen_extract *x;
    struct fact facts[FACTS_MAX];
    size_t n_facts;
    struct gen_jb *b;
    struct gen_jmut *pairs;
    size_t n_pairs, wanted;
};

/* "Several datasets" are none in particular. */
static bool is_quantified(struct gen_str subject)
{
    static const char *const words[] = {"several", "many",  "some",  "all",  "most", "few",
                                        "any",     "each",  "every", "no",   "both", "one",
                                        "two",     "three", "other", "such", NULL};
    size_t blank = gen_str_find(subject, GEN_STR(" "), 0);
    struct gen_str first = gen_str_sub(subject, 0, blank == SIZE_MAX ? subject.n : blank);
    for (size_t i = 0; words[i]; i++) {
        if (gen_str_eq_nocase(first, gen_str_from(words[i])))
            return true;
    }
    return false;
}

static void read_fact(struct reasoner *r, size_t i)
{
    struct gen_extract *x = r->x;
    struct gen_str text = x->sentences.items[i].text;
    struct gen_extract_clause c;
    size_t words = gen_extract_n_words(text);
    if (r->n_facts == FACTS_MAX || words < WORDS_MIN || words > WORDS_MAX ||
        !gen_extract_sentence_stands(text) || gen_extract_points_at_document(text) ||
        gen_str_find(text, GEN_STR(": "), 0) != SIZE_MAX ||
        !gen_extract_tokenize(text, &x->tokens) ||
        !gen_extract_clause(&x->tokens, 0, x->tokens.n, &c) || c.is_there || c.has_relative ||
        c.s0 != 0 || !gen_extract_stands_alone(&x->tokens, c.s0, c.s1) ||
        gen_extract_word_is(x->tokens.t[0].text, GEN_EXTRACT_PREPOSITION) ||
        gen_extract_word_is(x->tokens.t[0].text, GEN_EXTRACT_ADVERB))
        return;
    struct gen_str subject = gen_extract_span(&x->tokens, c.s0, c.s1);
    if (subject.n < 3 || is_quantified(subject) || gen_extract_n_words(subject) > SUBJECT_WORDS ||
        gen_str_find(subject, GEN_STR("("), 0) != SIZE_MAX)
        return;
    r->facts[r->n_facts++] = (struct fact){
        .sentence = i,
        .text = text,
        .subject = subject,
        .predicate = gen_str_sub(text, subject.n, text.n),
        .verb = c.form == GEN_EXTRACT_CLAUSE_VERB ? c.verb.base : NULL,
        .plural = c.plural,
    };
}

/* "The chunk cache" names "chunk cache". */
static struct gen_str bare(struct gen_str subject)
{
    size_t blank = gen_str_find(subject, GEN_STR(" "), 0);
    if (blank != SIZE_MAX &&
        gen_extract_word_is(gen_str_sub(subject, 0, blank), GEN_EXTRACT_DETERMINER))
        return gen_str_sub(subject, blank + 1, subject.n);
    return subject;
}

static void put_inside(struct gen_extract *x, struct gen_extract_line *l, struct gen_str s)
{
    size_t blank = gen_str_find(s, GEN_STR(" "), 0);
    struct gen_str first = gen_str_sub(s, 0, blank == SIZE_MAX ? s.n : blank);
    if (gen_extract_keeps_capital(x, first, blank == SIZE_MAX))
        gen_extract_put(l, s);
    else
        gen_extract_put_lower(l, s);
}

static struct gen_str without_stop(struct gen_str s)
{
    while (s.n && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == '!'))
        s.n--;
    return s;
}

/* The question is in x->line2, the answer in x->line. */
static void add_pair(struct reasoner *r, const char *pattern, const struct gen_str *spans,
                     const struct gen_str *steps)
{
    struct gen_jb *b = r->b;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *evidence = gen_jb_array(b);
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_str question = gen_extract_line_str(&r->x->line2);
    struct gen_str answer = gen_extract_line_str(&r->x->line);
    if (question.n == 0 || answer.n == 0 || gen_extract_n_words(question) < 5)
        return;
    for (size_t i = 0; i < 2; i++) {
        gen_jb_append(b, evidence, gen_jb_str(b, spans[i]));
        gen_jb_append(b, list, gen_jb_str(b, steps[i]));
    }
    gen_jb_put_cstr(b, o, "pattern", pattern);
    gen_jb_put(b, o, "evidence", evidence);
    gen_jb_put_str(b, o, "question", question);
    gen_jb_put(b, o, "steps", list);
    gen_jb_put_str(b, o, "answer", answer);
    gen_jb_append(b, r->pairs, o);
    r->n_pairs++;
}

static void join_facts(struct reasoner *r, const struct fact *a, const char *link,
                       const struct fact *c)
{
    gen_extract_line_clear(&r->x->line);
    gen_extract_put_upper(&r->x->line, without_stop(a->text));
    gen_extract_put_c(&r->x->line, link);
    put_inside(r->x, &r->x->line, without_stop(c->text));
    gen_extract_put_c(&r->x->line, ".");
}

static void finish_pair(struct reasoner *r, const char *pattern, struct fact *a, struct fact *c,
                        const char *link)
{
    struct gen_extract *x = r->x;
    struct gen_extract_question q = {.kind = "fact", .is_short = true};
    gen_extract_finish_question(x, &q, x->in->seed + a->sentence);
    join_facts(r, a, link, c);
    const struct gen_str spans[2] = {x->sentences.items[a->sentence].raw,
                                     x->sentences.items[c->sentence].raw};
    const struct gen_str steps[2] = {a->text, c->text};
    size_t before = r->n_pairs;
    add_pair(r, pattern, spans, steps);
    a->used = c->used = r->n_pairs > before;
}

/* The same verb of two subjects. */
static bool can_compare(const struct fact *a, const struct fact *c)
{
    return a->verb && c->verb && strcmp(a->verb, c->verb) == 0 && a->plural == c->plural &&
           !gen_str_eq_nocase(bare(a->subject), bare(c->subject)) &&
           gen_str_find_nocase(a->subject, bare(c->subject), 0) == SIZE_MAX &&
           gen_str_find_nocase(c->subject, bare(a->subject), 0) == SIZE_MAX &&
           gen_extract_overlap(a->text, c->text) < 0.6;
}

static void compare(struct reasoner *r, struct fact *a, struct fact *c)
{
    struct gen_extract_line *l = &r->x->line;
    gen_extract_line_clear(l);
    gen_extract_put_c(l, a->plural ? "How do " : "How does ");
    put_inside(r->x, l, a->subject);
    gen_extract_put_c(l, " compare with ");
    put_inside(r->x, l, c->subject);
    finish_pair(r, "compare", a, c, ", whereas ");
}

/* "blocks" is found as "block", "a block" as "blocks". */
static bool mentions(struct gen_str text, struct gen_str term)
{
    if (term.n > 5 && term.p[term.n - 1] == 's')
        term.n--;
    for (size_t at = gen_str_find_nocase(text, term, 0); at != SIZE_MAX && term.n >= 5;
         at = gen_str_find_nocase(text, term, at + 1)) {
        size_t end = at + term.n;
        end += end < text.n && text.p[end] == 's';
        char before = at ? text.p[at - 1] : ' ';
        char after = end < text.n ? text.p[end] : '.';
        if (strchr(" (`\"", before) && strchr(" .,;)`\"", after))
            return true;
    }
    return false;
}

/* The first says something of what is the subject of the second. */
static bool can_chain(const struct fact *a, const struct fact *c)
{
    struct gen_str term = bare(c->subject);
    return mentions(a->predicate, term) && !mentions(a->subject, term) &&
           !mentions(term, bare(a->subject)) && gen_extract_overlap(a->text, c->text) < 0.6;
}

static void chain(struct reasoner *r, struct fact *a, struct fact *c)
{
    struct gen_extract_line *l = &r->x->line;
    gen_extract_line_clear(l);
    gen_extract_put_c(l, c->plural ? "What role do " : "What role does ");
    put_inside(r->x, l, c->subject);
    gen_extract_put_c(l, " play for ");
    put_inside(r->x, l, a->subject);
    finish_pair(r, "cause_effect", a, c, ", and ");
}

static void pair_up(struct reasoner *r, bool (*fits)(const struct fact *, const struct fact *),
                    void (*ask)(struct reasoner *, struct fact *, struct fact *))
{
    for (size_t i = 0; i < r->n_facts; i++) {
        for (size_t k = 0; k < r->n_facts && r->n_pairs < r->wanted; k++) {
            struct fact *a = &r->facts[i];
            struct fact *c = &r->facts[k];
            size_t apart =
                a->sentence < c->sentence ? c->sentence - a->sentence : a->sentence - c->sentence;
            if (i != k && !a->used && !c->used && apart <= NEAR && fits(a, c))
                ask(r, a, c);
        }
    }
}

static struct reasoner *make_reasoner(struct gen_extract *x, struct gen_jb *b)
{
    struct reasoner *r = gen_arena_alloc(&x->arena, sizeof(*r));
    if (!r)
        return NULL;
    r->x = x;
    r->b = b;
    r->pairs = gen_jb_array(b);
    r->wanted = x->in->n_pairs < PAIRS_MAX ? x->in->n_pairs : PAIRS_MAX;
    return r;
}

int gen_extract_cot(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                    struct gen_error *err)
{
    struct reasoner *r = make_reasoner(x, b);
    if (!r)
        return gen_nomem(err, "questions");
    int rc = gen_extract_split(&x->arena, x->in->text, &x->sentences, err);
    if (rc == GEN_OK)
        rc = gen_extract_find_context(x, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < x->sentences.n; i++)
        read_fact(r, i);
    pair_up(r, can_chain, chain);
    pair_up(r, can_compare, compare);
    gen_jb_put_cstr(b, root, "usable",
                    r->n_pairs                              ? "yes"
                    : gen_extract_n_words(x->in->text) < 40 ? "too_thin"
                                                            : "no_reasoning_possible");
    gen_jb_put(b, root, "pairs", r->pairs);
    return GEN_OK;
}

/* ---- code ---- */

static void put_name(struct gen_extract_line *l, struct gen_str name)
{
    gen_extract_put_c(l, "`");
    gen_extract_put(l, name);
    gen_extract_put_c(l, "`");
}

static struct gen_str step_of(struct gen_extract *x, const char *before, struct gen_str name,
                              const char *between, struct gen_str line)
{
    gen_extract_line_clear(&x->line);
    gen_extract_put_c(&x->line, before);
    put_name(&x->line, name);
    gen_extract_put_c(&x->line, between);
    gen_extract_put(&x->line, line);
    gen_extract_put_c(&x->line, "`.");
    return gen_arena_str(&x->arena, gen_extract_line_str(&x->line));
}

/* Two calls and their order in the text of the body. The question names the later one first. */
static void ask_order(struct reasoner *r, const struct gen_extract_source *s,
                      const struct gen_extract_function *f)
{
    struct gen_str calls[CALLS_MAX];
    struct gen_extract *x = r->x;
    size_t n = gen_extract_calls(s, f, calls, CALLS_MAX);
    if (n < 2 || f->name.n == 0)
        return;
    size_t first = gen_extract_call_line(s, f, calls[0]);
    size_t second = gen_extract_call_line(s, f, calls[1]);
    if (first >= s->n_lines || second >= s->n_lines || first >= second)
        return;
    const struct gen_str spans[2] = {gen_str_trim(s->lines[first]), gen_str_trim(s->lines[second])};
    if (gen_str_find(spans[0], GEN_STR("`"), 0) != SIZE_MAX ||
        gen_str_find(spans[1], GEN_STR("`"), 0) != SIZE_MAX || spans[0].n + spans[1].n > 300)
        return;
    const struct gen_str steps[2] = {
        step_of(x, "The call of ", calls[0], " is made by the line `", spans[0]),
        step_of(x, "Further down in the same body ", calls[1], " follows, with `", spans[1])};
    gen_extract_line_clear(&x->line2);
    gen_extract_put_c(&x->line2, "Which of the calls ");
    put_name(&x->line2, calls[1]);
    gen_extract_put_c(&x->line2, " and ");
    put_name(&x->line2, calls[0]);
    gen_extract_put_c(&x->line2, " comes first in the body of the ");
    gen_extract_put(&x->line2, s->language_name);
    gen_extract_put_c(&x->line2, s->language_name.n ? " " : "");
    gen_extract_put_c(&x->line2, f->noun ? f->noun : "function");
    gen_extract_put_c(&x->line2, " ");
    put_name(&x->line2, f->name);
    gen_extract_put_c(&x->line2, "?");
    gen_extract_line_clear(&x->line);
    put_name(&x->line, calls[0]);
    gen_extract_put_c(&x->line, " comes first; ");
    put_name(&x->line, calls[1]);
    gen_extract_put_c(&x->line, " follows further down.");
    add_pair(r, "trace_code", spans, steps);
}

int gen_extract_code_cot(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                         struct gen_error *err)
{
    struct gen_extract_source source;
    struct reasoner *r = make_reasoner(x, b);
    memset(&source, 0, sizeof(source));
    if (!r)
        return gen_nomem(err, "questions");
    int rc = gen_extract_read_source(x, &source, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < source.n_functions && r->n_pairs < r->wanted; i++)
        ask_order(r, &source, &source.functions[i]);
    gen_jb_put_cstr(b, root, "usable",
                    r->n_pairs                ? "yes"
                    : source.n_functions == 0 ? "needs_other_file"
                    : source.n_code_lines < 4 ? "too_thin"
                                              : "no_reasoning_possible");
    gen_jb_put(b, root, "pairs", r->pairs);
    return GEN_OK;
}
